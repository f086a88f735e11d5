/* SPDX-License-Identifier: ISC */
/* A spool file whose bytes were changed: what is read is what was written,
   never anything else, and reading comes to an end. The input is a list of
   changes: three bytes for a place and one for what to do there. Odd inputs
   are a whole file as they are. */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "ledger/callback.h"
#include "ledger/spool.h"

enum { RECORDS = 5 };

static char folder[64];
static struct buf good; /* a file of five */
static char name[256];

static struct callback numbered(int64_t n)
{
	static const char *const bodies[RECORDS] = { "", "{}", "{\"event_id\":2}", "HLRE\0\0\0\x4c",
						     "xxxxxxxxxxxxxxxxxxxxxxxx" };
	struct callback cb = { .received_us = n + 1, .endpoint_id = n + 10, .secret_id = n + 20 };

	cb.address = str_of("an-address-of-22-chars");
	cb.body = str_of(bodies[n]);
	memset(cb.signature, (int)n, sizeof(cb.signature));
	return cb;
}

static struct spool *open_spool(void)
{
	struct spool_options options = { .dir = folder,
					 .max_bytes = 1 << 20,
					 .unverified_max_bytes = 1 << 20 };
	struct spool *spool = NULL;

	MUST(spool_open(&spool, &options) == ERR_NONE);
	return spool;
}

/* Empties the folder; keeps the last file's name and bytes when asked. */
static void sweep(bool keep)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		int fd;

		if (!strstr(entry->d_name, ".spool"))
			continue;
		if (keep) {
			char piece[4096];
			ssize_t got;

			snprintf(name, sizeof(name), "%.200s", entry->d_name);
			fd = openat(dirfd(dir), name, O_RDONLY);
			while ((got = read(fd, piece, sizeof(piece))) > 0)
				buf_add(&good, piece, (size_t)got);
			close(fd);
		}
		unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
}

static void remove_folder(void)
{
	char path[128];

	sweep(false);
	snprintf(path, sizeof(path), "%s/lock", folder);
	unlink(path);
	rmdir(folder);
}

static void make_good(void)
{
	struct spool *spool;

	if (folder[0])
		return;
	log_open("fuzz", LOG_ERROR);
	strcpy(folder, "/tmp/hl-fuzz-spool-XXXXXX");
	MUST(mkdtemp(folder));
	atexit(remove_folder);
	spool = open_spool();
	for (int64_t n = 0; n < RECORDS; n++) {
		struct callback cb = numbered(n);

		MUST(spool_append(spool, SPOOL_EVENT, (const struct callback *[]){ &cb }, 1) ==
		     ERR_NONE);
	}
	spool_close(spool);
	sweep(true);
	MUST(good.len > 0);
}

static void change(struct buf *file, const uint8_t *data, size_t size)
{
	for (; size >= 4; data += 4, size -= 4) {
		size_t at = ((size_t)data[0] << 8 | data[1]) % (file->len + 1);

		if (data[2] % 16 == 0)
			file->len = at;
		else if (data[2] % 16 == 1)
			buf_add(file, data, 4);
		else if (at < file->len)
			file->at[at] = (char)(file->at[at] ^ data[3]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct callback records[3];
	struct buf file = { 0 }, path = { 0 };
	struct spool_status status;
	struct spool *spool;
	enum spool_kind kind;
	size_t count, sum = 0;
	int fd;

	make_good();
	if (size % 4 == 3) {
		buf_add(&file, data, size);
	} else {
		buf_add_str(&file, buf_str(&good));
		change(&file, data, size);
	}
	buf_addf(&path, "%s/%s", folder, name);
	fd = open(buf_text(&path), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	MUST(fd >= 0 && write(fd, file.at, file.len) == (ssize_t)file.len);
	close(fd);

	spool = open_spool();
	MUST(spool_count(spool, &status) == ERR_NONE);
	do {
		MUST(spool_read(spool, 3, 200, records, &count, &kind) == ERR_NONE);
		for (size_t i = 0; i < count; i++) {
			int64_t n = records[i].received_us - 1;
			struct callback same;

			MUST(n >= 0 && n < RECORDS && kind == SPOOL_EVENT);
			same = numbered(n);
			MUST(str_equal(same.body, records[i].body) &&
			     str_equal(same.address, records[i].address));
			MUST(same.endpoint_id == records[i].endpoint_id &&
			     same.secret_id == records[i].secret_id);
		}
		sum += count;
		MUST(sum <= RECORDS);
		spool_settle(spool);
	} while (count);
	MUST(spool_count(spool, &status) == ERR_NONE && status.records == 0);
	spool_close(spool);
	sweep(false);
	buf_done(&file);
	buf_done(&path);
	return 0;
}
