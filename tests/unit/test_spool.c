/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/crypto.h"
#include "ledger/callback.h"
#include "ledger/spool.h"
#include "scratch.h"

enum { HEAD = 32, FIXED = 68, CHECK = 8 };

static const char *folder;

static int in_a_folder(void **state)
{
	(void)state;
	folder = scratch_make();
	return 0;
}

static int and_out_again(void **state)
{
	(void)state;
	chmod(folder, 0700);
	scratch_remove();
	return 0;
}

static struct spool *open_with(int64_t max, int64_t unverified_max, bool shared)
{
	struct spool_options options = { .dir = folder,
					 .max_bytes = max,
					 .unverified_max_bytes = unverified_max,
					 .shared_files = shared };
	struct spool *spool = NULL;

	assert_err(ERR_NONE, spool_open(&spool, &options));
	return spool;
}

static struct spool *open_it(void)
{
	return open_with(1 << 30, 1 << 24, false);
}

/* A callback with its number in every field. */
static struct callback numbered(int64_t n)
{
	static char bodies[64][64];
	char *body = bodies[n % 64];
	struct callback cb = { .received_us = 1000000 + n,
			       .endpoint_id = 100 + n,
			       .secret_id = 200 + n,
			       .reason = REASON_EVENT };

	snprintf(body, sizeof(bodies[0]), "{\"event_id\":%lld}", (long long)n);
	cb.address = LIT("an-address-of-22-chars");
	cb.body = str_of(body);
	memset(cb.signature, (int)(n & 0xff), MAC_BYTES);
	return cb;
}

static enum err append(struct spool *spool, enum spool_kind kind, int64_t n)
{
	struct callback cb = numbered(n);

	return spool_append(spool, kind, (const struct callback *[]){ &cb }, 1);
}

static enum err append_str(struct spool *spool, struct str body)
{
	struct callback cb = numbered(0);

	cb.body = body;
	return spool_append(spool, SPOOL_EVENT, (const struct callback *[]){ &cb }, 1);
}

static int64_t number_of(const struct callback *cb)
{
	struct callback same = numbered(cb->received_us - 1000000);

	assert_int_equal(same.endpoint_id, cb->endpoint_id);
	assert_int_equal(same.secret_id, cb->secret_id);
	assert_int_equal(same.reason, cb->reason);
	assert_true(str_equal(same.address, cb->address));
	assert_true(str_equal(same.body, cb->body));
	assert_memory_equal(same.signature, cb->signature, MAC_BYTES);
	return cb->received_us - 1000000;
}

/* Reads and settles all records; returns their numbers in order. */
static size_t drain(struct spool *spool, int64_t *numbers, size_t most)
{
	struct callback records[7];
	enum spool_kind kind;
	size_t count, sum = 0;

	for (;;) {
		assert_err(ERR_NONE, spool_read(spool, 7, 1 << 20, records, &count, &kind));
		if (count == 0)
			return sum;
		for (size_t i = 0; i < count; i++) {
			assert_true(sum < most);
			numbers[sum++] = number_of(&records[i]);
		}
		spool_settle(spool);
	}
}

static size_t names_with(const char *end)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	size_t count = 0;

	while ((entry = readdir(dir))) {
		size_t len = strlen(entry->d_name), tail = strlen(end);

		count += len > tail && strcmp(entry->d_name + len - tail, end) == 0;
	}
	closedir(dir);
	return count;
}

/* The path of the only (or first) spool file. */
static const char *spool_file(void)
{
	static char path[512];
	DIR *dir = opendir(folder);
	struct dirent *entry;

	path[0] = '\0';
	while ((entry = readdir(dir)))
		if (strlen(entry->d_name) > 6 &&
		    strcmp(entry->d_name + strlen(entry->d_name) - 6, ".spool") == 0)
			snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
	closedir(dir);
	assert_true(path[0]);
	return path;
}

static off_t size_of(const char *path)
{
	struct stat facts;

	assert_int_equal(0, stat(path, &facts));
	return facts.st_size;
}

static void poke(const char *path, off_t at, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0 && pwrite(fd, bytes, len, at) == (ssize_t)len);
	close(fd);
}

static size_t record_size(int64_t n)
{
	struct callback cb = numbered(n);

	return FIXED + cb.address.len + cb.body.len + CHECK;
}

static void what_goes_in_comes_out(void **state)
{
	struct callback cbs[3] = { numbered(1), numbered(2), numbered(3) }, records[10];
	const struct callback *three[3] = { &cbs[0], &cbs[1], &cbs[2] };
	struct spool *spool = open_it();
	enum spool_kind kind = 0;
	size_t count = 99;

	(void)state;
	assert_err(ERR_NONE, spool_read(spool, 10, 1000, records, &count, &kind));
	assert_int_equal(0, count);
	assert_err(ERR_NONE, spool_append(spool, SPOOL_EVENT, three, 3));
	/* not settled: read once more */
	for (int i = 0; i < 2; i++) {
		assert_err(ERR_NONE, spool_read(spool, 10, 1 << 20, records, &count, &kind));
		assert_int_equal(3, count);
		assert_int_equal(SPOOL_EVENT, kind);
		for (size_t n = 0; n < 3; n++)
			assert_int_equal(n + 1, number_of(&records[n]));
	}
	spool_settle(spool);
	assert_err(ERR_NONE, spool_read(spool, 10, 1 << 20, records, &count, &kind));
	assert_int_equal(0, count);
	assert_int_equal(0, names_with(".spool"));
	spool_settle(spool); /* of nothing */
	spool_close(spool);
	spool_close(NULL);
}

static void files_are_for_their_owner_only(void **state)
{
	struct spool *spool = open_it();
	struct stat facts;

	(void)state;
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 1));
	assert_int_equal(0, stat(spool_file(), &facts));
	assert_int_equal(0600, facts.st_mode & 07777);
	assert_int_equal(0, stat(scratch_path("lock"), &facts));
	assert_int_equal(0600, facts.st_mode & 07777);
	spool_close(spool);
}

/* As root, in the folder of another user, who can make links to other files. */
static void what_has_another_name_is_not_given_away(void **state)
{
	struct spool *spool;
	struct stat facts;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(0, chown(folder, 65534, 65534));
	scratch_write("elsewhere", "precious", 8);
	assert_int_equal(0, link(scratch_path("elsewhere"), scratch_path("lock")));
	spool = open_it();
	assert_int_equal(0, stat(scratch_path("elsewhere"), &facts));
	assert_int_equal(0, facts.st_uid);
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 1));
	assert_int_equal(0, stat(spool_file(), &facts));
	assert_int_equal(65534, facts.st_uid);
	spool_close(spool);
}

static void any_bytes_are_kept(void **state)
{
	struct spool *spool = open_it();
	struct callback record;
	struct buf large = { 0 };
	enum spool_kind kind;
	size_t count;

	(void)state;
	for (int i = 0; i < 3000000; i++)
		buf_add_char(&large, (char)(i * 7));
	assert_err(ERR_NONE, append_str(spool, LIT("a\0b\xff\n")));
	assert_err(ERR_NONE, append_str(spool, (struct str){ 0 }));
	assert_err(ERR_NONE, append_str(spool, buf_str(&large)));
	assert_err(ERR_NONE, append_str(spool, LIT("last")));
	assert_err(ERR_NONE, spool_read(spool, 1, 100, &record, &count, &kind));
	assert_true(str_equal(record.body, LIT("a\0b\xff\n")));
	spool_settle(spool);
	assert_err(ERR_NONE, spool_read(spool, 1, 100, &record, &count, &kind));
	assert_int_equal(1, count);
	assert_int_equal(0, record.body.len);
	spool_settle(spool);
	assert_err(ERR_NONE, spool_read(spool, 1, 100, &record, &count, &kind));
	assert_str(record.body, "last");
	spool_settle(spool);
	/* larger than one read, and after a cheaper record */
	assert_err(ERR_NONE, spool_read(spool, 1, 100, &record, &count, &kind));
	assert_int_equal(1, count);
	assert_true(str_equal(record.body, buf_str(&large)));
	spool_settle(spool);
	spool_close(spool);
	buf_done(&large);
}

static void an_address_too_long_is_refused(void **state)
{
	struct spool *spool = open_it();
	struct callback cb = numbered(1);
	struct buf address = { 0 };
	int64_t numbers[1];

	(void)state;
	for (int i = 0; i < 65536; i++)
		buf_add_char(&address, 'a');
	cb.address = buf_str(&address);
	assert_err(ERR_INPUT,
		   spool_append(spool, SPOOL_UNVERIFIED, (const struct callback *[]){ &cb }, 1));
	assert_int_equal(0, drain(spool, numbers, 1));
	spool_close(spool);
	buf_done(&address);
}

static void kinds_are_kept_apart(void **state)
{
	struct spool *spool = open_it();
	struct callback records[10];
	enum spool_kind kind;
	size_t count, seen[4] = { 0 };

	(void)state;
	assert_err(ERR_NONE, append(spool, SPOOL_UNVERIFIED, 1));
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 2));
	assert_err(ERR_NONE, append(spool, SPOOL_REFUSED, 3));
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 4));
	assert_int_equal(2, names_with(".spool"));
	for (int i = 0; i < 4; i++) {
		assert_err(ERR_NONE, spool_read(spool, 10, 1 << 20, records, &count, &kind));
		assert_int_equal(1, count);
		assert_int_equal(i == 0	  ? SPOOL_UNVERIFIED
				 : i == 2 ? SPOOL_REFUSED
					  : SPOOL_EVENT,
				 kind);
		assert_int_equal(i + 1, number_of(&records[0]));
		seen[kind]++;
		spool_settle(spool);
	}
	assert_int_equal(2, seen[SPOOL_EVENT]);
	spool_close(spool);
}

static void what_is_settled_is_not_read_again(void **state)
{
	struct spool *spool = open_it();
	struct callback records[4];
	int64_t numbers[20];
	enum spool_kind kind;
	size_t count;

	(void)state;
	for (int64_t n = 0; n < 10; n++)
		assert_err(ERR_NONE, append(spool, SPOOL_EVENT, n));
	assert_err(ERR_NONE, spool_read(spool, 4, 1 << 20, records, &count, &kind));
	assert_int_equal(4, count);
	spool_settle(spool);
	/* read, but the process ends before it settles the record */
	assert_err(ERR_NONE, spool_read(spool, 4, 1 << 20, records, &count, &kind));
	spool_close(spool);
	spool = open_it();
	/* records in the meantime go to another file */
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 10));
	assert_int_equal(7, drain(spool, numbers, 20));
	for (int64_t n = 0; n < 7; n++)
		assert_int_equal(n + 4, numbers[n]);
	spool_close(spool);
}

/* The log of refusals writes one line a second. */
static void next_second(void)
{
	time_t now = time(NULL);

	while (time(NULL) == now)
		usleep(1000);
}

static void the_limit_is_kept(void **state)
{
	struct spool *spool = open_with(4096, 1024, false), *other = open_with(4096, 1024, false);
	int64_t numbers[100];
	size_t accepted = 0, unverified = 0;
	struct buf heard = { 0 };

	(void)state;
	next_second();
	scratch_hush();
	while (unverified < 100 && append(unverified % 2 ? spool : other, SPOOL_UNVERIFIED,
					  (int64_t)unverified) == ERR_NONE)
		unverified++;
	assert_err(ERR_BUSY, append(other, SPOOL_UNVERIFIED, 50));
	while (accepted < 100 && append(spool, SPOOL_EVENT, (int64_t)accepted) == ERR_NONE)
		accepted++;
	assert_err(ERR_BUSY, append(other, SPOOL_EVENT, 60));
	scratch_heard(&heard);
	assert_has(&heard, "event=spool_refused why=\"its limit is reached\"");
	/* two files with headers fit into 1024 bytes, three into 4096 */
	assert_int_equal((1024 - 2 * HEAD) / record_size(1), unverified);
	assert_in_range(accepted, 4096 / record_size(1) - unverified - 2,
			4096 / record_size(1) - unverified);
	spool_close(other);
	assert_int_equal(accepted + unverified, drain(spool, numbers, 100));
	/* and there is room again */
	assert_err(ERR_NONE, append(spool, SPOOL_UNVERIFIED, 1));
	spool_close(spool);
	buf_done(&heard);
}

static void unverified_may_be_forbidden(void **state)
{
	struct spool *spool = open_with(1 << 20, 0, false);
	struct buf heard = { 0 };

	(void)state;
	scratch_hush();
	assert_err(ERR_BUSY, append(spool, SPOOL_UNVERIFIED, 1));
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 1));
	scratch_heard(&heard);
	spool_close(spool);
	buf_done(&heard);
}

/* The last record is cut at any length: the records before it are read, it is not, and the
   file is removed. */
static void a_torn_end_is_passed_over(void **state)
{
	size_t len = record_size(2);

	(void)state;
	for (size_t cut = 1; cut <= len; cut++) {
		struct spool *spool = open_it();
		int64_t numbers[4];
		struct buf heard = { 0 };
		const char *path;

		assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 1));
		assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 2));
		path = spool_file();
		spool_close(spool);
		assert_int_equal(0, truncate(path, size_of(path) - (off_t)cut));
		spool = open_it();
		scratch_hush();
		assert_int_equal(1, drain(spool, numbers, 4));
		scratch_heard(&heard);
		assert_int_equal(1, numbers[0]);
		assert_int_equal(0, names_with(".spool"));
		assert_int_equal(0, names_with(".damaged"));
		if (cut < len)
			assert_has(&heard, "event=spool_torn_end");
		spool_close(spool);
		buf_done(&heard);
	}
}

static void a_torn_head_is_no_file(void **state)
{
	(void)state;
	for (int len = 0; len < HEAD; len++) {
		struct spool *spool;
		int64_t numbers[4];
		const char *path;

		spool = open_it();
		assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 1));
		path = spool_file();
		spool_close(spool);
		assert_int_equal(0, truncate(path, len));
		spool = open_it();
		assert_int_equal(0, drain(spool, numbers, 4));
		assert_int_equal(0, names_with(".spool"));
		spool_close(spool);
	}
}

static void zeros_at_the_end_are_no_damage(void **state)
{
	struct spool *spool = open_it();
	struct buf heard = { 0 };
	int64_t numbers[4];
	const char *path;

	(void)state;
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 1));
	path = spool_file();
	spool_close(spool);
	assert_int_equal(0, truncate(path, size_of(path) + 500));
	spool = open_it();
	scratch_hush();
	assert_int_equal(1, drain(spool, numbers, 4));
	scratch_heard(&heard);
	assert_int_equal(0, names_with(".damaged"));
	spool_close(spool);
	buf_done(&heard);
}

/* One changed byte, at any position in a file of five records: at most one record is missing,
   none is wrong, and the damaged file is kept. */
static void a_damaged_part_costs_one_record(void **state)
{
	struct spool *spool = open_it();
	struct buf whole = { 0 };
	off_t size;

	(void)state;
	for (int64_t n = 0; n < 5; n++)
		assert_err(ERR_NONE, append(spool, SPOOL_EVENT, n));
	scratch_read(spool_file(), &whole);
	size = (off_t)whole.len;
	unlink(spool_file());
	spool_close(spool);
	for (off_t at = HEAD; at < size; at++) {
		size_t victim = (size_t)(at - HEAD) / record_size(1), seen;
		struct buf heard = { 0 };
		int64_t numbers[8];

		whole.at[at] = (char)(whole.at[at] ^ 0x40);
		scratch_write("callbacks-1.spool", whole.at, whole.len);
		whole.at[at] = (char)(whole.at[at] ^ 0x40);
		spool = open_it();
		scratch_hush();
		seen = drain(spool, numbers, 8);
		scratch_heard(&heard);
		if (seen != 4)
			fail_msg("%zu records with byte %lld changed", seen, (long long)at);
		for (size_t n = 0; n < 4; n++)
			assert_int_equal(n < victim ? n : n + 1, numbers[n]);
		assert_int_equal(0, names_with(".spool"));
		/* A last record with too large a length looks like a cut one: the reader
		   cannot distinguish them. */
		if (victim < 4 || at - HEAD >= 4 * (off_t)record_size(1) + 8)
			assert_int_equal(1, names_with(".damaged"));
		unlink(scratch_path("callbacks-1.spool.damaged"));
		spool_close(spool);
		buf_done(&heard);
	}
	buf_done(&whole);
}

/* A callback that cannot be verified yet is put back unchanged; other files do not change. */
static void a_postponed_file_waits_its_time(void **state)
{
	struct spool *spool = open_it();
	struct callback records[4];
	struct buf heard = { 0 };
	enum spool_kind kind;
	int64_t numbers[4];
	size_t count;

	(void)state;
	for (int64_t n = 0; n < 3; n++)
		assert_err(ERR_NONE, append(spool, SPOOL_UNVERIFIED, n));
	poke(spool_file(), HEAD + FIXED + 3, "\xff", 1);
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 3));
	scratch_hush();
	assert_err(ERR_NONE, spool_read(spool, 4, 1 << 20, records, &count, &kind));
	scratch_heard(&heard);
	assert_int_equal(2, count);
	assert_int_equal(SPOOL_UNVERIFIED, kind);
	spool_postpone(spool);
	assert_int_equal(1, drain(spool, numbers, 4));
	assert_int_equal(3, numbers[0]);
	assert_int_equal(0, names_with(".damaged"));
	assert_int_equal(1, names_with(".spool"));
	spool_close(spool);
	buf_done(&heard);
}

/* A sender may put a valid record into a body. When the outer record is cut, the search for
   the next record must not find the inner one. */
static void a_record_in_a_body_is_no_record(void **state)
{
	struct callback evil = numbered(7), outer = numbered(1);
	unsigned char digest[DIGEST_BYTES];
	struct buf heard = { 0 }, inner = { 0 };
	struct spool *spool = open_it();
	int64_t numbers[4];
	const char *path;
	size_t len = FIXED + evil.address.len + evil.body.len + CHECK;

	(void)state;
	buf_add_u32(&inner, 0x484c5245);
	buf_add_u32(&inner, (uint32_t)len);
	buf_add_char(&inner, SPOOL_EVENT);
	buf_add_char(&inner, (char)evil.reason);
	buf_add_u16(&inner, (uint16_t)evil.address.len);
	buf_add_u64(&inner, (uint64_t)evil.received_us);
	buf_add_u64(&inner, (uint64_t)evil.endpoint_id);
	buf_add_u64(&inner, (uint64_t)evil.secret_id);
	buf_add(&inner, evil.signature, MAC_BYTES);
	buf_add_str(&inner, evil.address);
	buf_add_str(&inner, evil.body);
	crypto_digest(buf_str(&inner), digest);
	buf_add(&inner, digest, CHECK);
	assert_int_equal(len, inner.len);
	buf_add_text(&inner, "the rest of the body");
	outer.body = buf_str(&inner);
	assert_err(ERR_NONE,
		   spool_append(spool, SPOOL_UNVERIFIED, (const struct callback *[]){ &outer }, 1));
	path = spool_file();
	spool_close(spool);
	assert_int_equal(0, truncate(path, size_of(path) - 10));
	spool = open_it();
	scratch_hush();
	assert_int_equal(0, drain(spool, numbers, 4));
	scratch_heard(&heard);
	spool_close(spool);
	buf_done(&heard);
	buf_done(&inner);
}

static void rubbish_is_no_record(void **state)
{
	struct buf junk = { 0 }, heard = { 0 };
	struct spool *spool;
	int64_t numbers[4];
	uint32_t seed = 7;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		seed = seed * 1664525 + 1013904223;
		if (i % 97 == 0)
			buf_add_text(&junk, "HLRE");
		buf_add_char(&junk, (char)(seed >> 24));
	}
	scratch_write("callbacks-0000.spool", junk.at, junk.len);
	scratch_write("unverified-0000.spool",
		      "HLSPOOL1\x7f\xff\xff\xff\xff\xff\xff\xff"
		      "0123456789abcdefHLRE\xff\xff\xff\xff",
		      40);
	scratch_write("callbacks-0001.spool", "", 0);
	assert_int_equal(0, symlink("/etc/passwd", scratch_path("callbacks-0002.spool")));
	assert_int_equal(0, mkfifo(scratch_path("callbacks-0003.spool"), 0600));
	spool = open_it();
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 5));
	scratch_hush();
	assert_int_equal(1, drain(spool, numbers, 4));
	scratch_heard(&heard);
	assert_int_equal(5, numbers[0]);
	spool_close(spool);
	buf_done(&junk);
	buf_done(&heard);
}

/* A process that runs in steps with the test: it reports when it is ready, and waits for the
   test. */
struct other {
	pid_t pid;
	int ready[2], go[2];
};

/* true: in the new process. */
static bool begin_other(struct other *other)
{
	assert_int_equal(0, pipe(other->ready) | pipe(other->go));
	other->pid = fork();
	return other->pid == 0;
}

static bool is_let_go(const struct other *other)
{
	char byte;

	return write(other->ready[1], "x", 1) == 1 && read(other->go[0], &byte, 1) == 1;
}

static void wait_until_ready(const struct other *other)
{
	char byte;

	assert_int_equal(1, read(other->ready[0], &byte, 1));
}

/* Its exit status must be 0. */
static void end_other(const struct other *other)
{
	int status;

	assert_int_equal(other->pid, waitpid(other->pid, &status, 0));
	assert_int_equal(0, status);
	close(other->ready[0]), close(other->ready[1]), close(other->go[0]), close(other->go[1]);
}

/* No other process reads a locked file; it is read after its process has ended. */
static void two_processes_do_not_meet(void **state)
{
	struct other other;
	struct spool *spool;
	int64_t numbers[8];

	(void)state;
	if (begin_other(&other)) {
		spool = open_it();
		if (append(spool, SPOOL_EVENT, 1) || append(spool, SPOOL_EVENT, 2) ||
		    !is_let_go(&other))
			_exit(1);
		_exit(append(spool, SPOOL_EVENT, 3));
	}
	wait_until_ready(&other);
	spool = open_it();
	assert_int_equal(0, drain(spool, numbers, 8));
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 4));
	assert_int_equal(2, names_with(".spool"));
	assert_int_equal(1, drain(spool, numbers, 8));
	assert_int_equal(4, numbers[0]);
	assert_int_equal(1, write(other.go[1], "x", 1));
	end_other(&other);
	assert_int_equal(3, drain(spool, numbers, 8));
	spool_close(spool);
}

static int let_go_fd;

static void let_go(int number)
{
	(void)number;
	if (write(let_go_fd, "x", 1) != 1)
		_exit(1);
}

/* A worker gets the signal to end while it waits for a lock: it first writes its callbacks. */
static void a_signal_does_not_end_the_wait(void **state)
{
	/* as in a server: the signal interrupts waiting */
	struct sigaction take = { .sa_handler = let_go }, before;
	struct spool *spool = open_it();
	struct other other;

	(void)state;
	if (begin_other(&other)) {
		int fd = open(scratch_path("lock"), O_RDWR);

		_exit(flock(fd, LOCK_EX) || !is_let_go(&other));
	}
	wait_until_ready(&other);
	let_go_fd = other.go[1];
	assert_int_equal(0, sigaction(SIGALRM, &take, &before));
	ualarm(30000, 0);
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 1));
	sigaction(SIGALRM, &before, NULL);
	end_other(&other);
	spool_close(spool);
}

/* A writer is killed at any moment: each record that it reported as synced is read once. */
static void a_killed_writer_loses_nothing(void **state)
{
	enum { MOST = 20000 };
	char *seen = mem_zero(MOST, 1);
	int64_t acknowledged = 0, next = 0;

	(void)state;
	for (int round = 0; round < 15; round++) {
		struct buf heard = { 0 };
		int64_t numbers[MOST];
		struct spool *spool;
		int report[2], status;
		size_t count;
		pid_t pid;

		assert_int_equal(0, pipe(report));
		pid = fork();
		if (pid == 0) {
			spool = open_with(1 << 30, 1 << 24, round % 2);
			for (int64_t n = next;; n += 3) {
				struct callback cbs[3] = { numbered(n), numbered(n + 1),
							   numbered(n + 2) };
				const struct callback *three[3] = { &cbs[0], &cbs[1], &cbs[2] };

				if (spool_append(spool, SPOOL_EVENT, three, 3) ||
				    write(report[1], &n, sizeof(n)) != sizeof(n))
					_exit(1);
			}
		}
		close(report[1]);
		/* wait for its first report, then kill it at a random time */
		assert_int_equal(8, read(report[0], &acknowledged, 8));
		usleep((useconds_t)(round * 137 % 3000));
		kill(pid, SIGKILL);
		assert_int_equal(pid, waitpid(pid, &status, 0));
		assert_true(WIFSIGNALED(status));
		while (read(report[0], &acknowledged, 8) == 8)
			;
		close(report[0]);
		spool = open_it();
		scratch_hush();
		count = drain(spool, numbers, MOST);
		scratch_heard(&heard);
		spool_close(spool);
		for (size_t i = 0; i < count; i++) {
			assert_in_range(numbers[i], next, next + MOST);
			if (numbers[i] < MOST)
				assert_int_equal(0, seen[numbers[i]]++);
		}
		for (int64_t n = next; n < acknowledged + 3 && n < MOST; n++)
			assert_int_equal(1, seen[n]);
		assert_int_equal(0, names_with(".damaged"));
		next = acknowledged + 6;
		buf_done(&heard);
	}
	free(seen);
}

/* Plain CGI: many short processes, few files. */
static void short_processes_share_files(void **state)
{
	int64_t numbers[40];
	struct spool *spool;

	(void)state;
	for (int64_t n = 0; n < 20; n++) {
		spool = open_with(1 << 30, 1 << 24, true);
		assert_err(ERR_NONE, append(spool, SPOOL_EVENT, n));
		spool_close(spool);
	}
	assert_int_equal(1, names_with(".spool"));
	/* a process that is draining has the lock */
	spool = open_it();
	for (int64_t n = 0; n < 20; n++) {
		struct spool *cgi = open_with(1 << 30, 1 << 24, true);
		struct callback record;
		enum spool_kind kind;
		size_t count;

		if (n == 0)
			assert_err(ERR_NONE, spool_read(spool, 1, 100, &record, &count, &kind));
		assert_err(ERR_NONE, append(cgi, SPOOL_EVENT, 20 + n));
		spool_close(cgi);
	}
	assert_int_equal(2, names_with(".spool"));
	assert_int_equal(40, drain(spool, numbers, 40));
	for (int64_t n = 0; n < 40; n++)
		assert_int_equal(n, numbers[n]);
	spool_close(spool);
}

/* Acknowledged records may come after an unreadable part. */
static void a_damaged_file_is_not_appended_to(void **state)
{
	struct spool *spool = open_with(1 << 30, 1 << 24, true);
	struct buf heard = { 0 };
	int64_t numbers[8];

	(void)state;
	for (int64_t n = 0; n < 3; n++)
		assert_err(ERR_NONE, append(spool, SPOOL_EVENT, n));
	poke(spool_file(), HEAD + (off_t)record_size(1) + FIXED + 3, "\xff", 1);
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 3));
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 4));
	assert_int_equal(2, names_with(".spool"));
	scratch_hush();
	assert_int_equal(4, drain(spool, numbers, 8));
	scratch_heard(&heard);
	assert_int_equal(0, numbers[0]);
	assert_int_equal(2, numbers[1]);
	assert_int_equal(3, numbers[2]);
	assert_int_equal(4, numbers[3]);
	spool_close(spool);
	buf_done(&heard);
}

/* The disk is full (simulated by RLIMIT_FSIZE): a batch is written completely or not at all,
   and a refused record is never read. */
static void a_full_disk_takes_nothing_half(void **state)
{
	struct rlimit limit, before;
	struct spool *spool = open_it();
	size_t accepted = 0;
	int64_t numbers[100];
	struct buf heard = { 0 };
	struct callback cbs[3];
	const struct callback *three[3] = { &cbs[0], &cbs[1], &cbs[2] };

	(void)state;
	next_second();
	signal(SIGXFSZ, SIG_IGN);
	scratch_hush();
	assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &before));
	limit = before;
	limit.rlim_cur = 2000;
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &limit));
	/* a write of three that would cross the limit is cut by the kernel */
	for (int64_t n = 0; accepted < 60; n += 3) {
		for (int64_t i = 0; i < 3; i++)
			cbs[i] = numbered(n + i);
		if (spool_append(spool, SPOOL_EVENT, three, 3) == ERR_NONE)
			accepted += 3;
		else
			break;
	}
	setrlimit(RLIMIT_FSIZE, &before);
	assert_in_range(accepted, 12, 18);
	/* space again: writing works */
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 60));
	assert_int_equal(accepted + 1, drain(spool, numbers, 100));
	scratch_heard(&heard);
	assert_has(&heard, "event=spool_refused why=\"File too large\"");
	assert_lacks(&heard, "spool_torn_end");
	for (size_t i = 0; i < accepted; i++)
		assert_int_equal(i, numbers[i]);
	assert_int_equal(60, numbers[accepted]);
	spool_close(spool);
	buf_done(&heard);
}

static void a_folder_that_cannot_be_used_is_said(void **state)
{
	struct spool_options options = { .dir = "/proc/nowhere/spool", .max_bytes = 1 };
	struct spool *spool = (struct spool *)8;
	struct buf heard = { 0 };

	(void)state;
	scratch_hush();
	assert_err(ERR_FAULT, spool_open(&spool, &options));
	options.dir = scratch_write("a-file", "x", 1);
	assert_err(ERR_FAULT, spool_open(&spool, &options));
	options.dir = NULL;
	assert_err(ERR_FAULT, spool_open(&spool, &options));
	scratch_heard(&heard);
	assert_has(&heard, "event=spool_unusable path=/proc/nowhere/spool");
	assert_ptr_equal((struct spool *)8, spool);
	buf_done(&heard);
}

/* The file cannot be created: the error is that of the disk, not that of the cleanup. */
static void a_full_disk_is_said(void **state)
{
	struct rlimit limit, before;
	struct spool *spool = open_it();
	int log[2], own = dup(STDERR_FILENO);
	char heard[500];
	ssize_t len;

	(void)state;
	next_second();
	signal(SIGXFSZ, SIG_IGN);
	/* a pipe: the limit is for files, also for one of the log */
	assert_int_equal(0, pipe(log));
	dup2(log[1], STDERR_FILENO);
	assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &before));
	limit = before;
	limit.rlim_cur = 10;
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &limit));
	assert_err(ERR_BUSY, append(spool, SPOOL_EVENT, 1));
	setrlimit(RLIMIT_FSIZE, &before);
	dup2(own, STDERR_FILENO);
	close(own);
	close(log[1]);
	len = read(log[0], heard, sizeof(heard) - 1);
	close(log[0]);
	assert_true(len > 0);
	heard[len] = '\0';
	assert_non_null(strstr(heard, "event=spool_refused why=\"File too large\""));
	assert_int_equal(0, names_with(".new"));
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 2));
	spool_close(spool);
}

/* The folder is taken away while the spool is open. */
static void a_folder_that_vanishes_is_made_again(void **state)
{
	struct spool *spool = open_it();
	int64_t numbers[4];

	(void)state;
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 1));
	unlink(scratch_path("lock"));
	unlink(spool_file());
	assert_int_equal(0, rmdir(folder));
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 2));
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 3));
	assert_int_equal(1, names_with(".spool"));
	assert_int_equal(2, drain(spool, numbers, 4));
	assert_int_equal(2, numbers[0]);
	spool_close(spool);
}

/* No process would read a file that is only open here. */
static void a_file_that_vanishes_is_made_again(void **state)
{
	struct spool *spool = open_it();
	int64_t numbers[4];

	(void)state;
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 1));
	assert_int_equal(0, unlink(spool_file()));
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 2));
	assert_int_equal(1, drain(spool, numbers, 4));
	assert_int_equal(2, numbers[0]);
	spool_close(spool);
}

static void counting_tells_depth_and_age(void **state)
{
	struct spool *spool = open_it();
	struct spool_status status = { .files = 99 };
	struct callback record;
	enum spool_kind kind;
	size_t count;

	(void)state;
	assert_err(ERR_NONE, spool_count(spool, &status));
	assert_int_equal(0, status.files);
	assert_int_equal(0, status.oldest_us);
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 5));
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 4));
	assert_err(ERR_NONE, append(spool, SPOOL_UNVERIFIED, 6));
	scratch_write("callbacks-1.spool.damaged", "x", 1);
	assert_err(ERR_NONE, spool_count(spool, &status));
	assert_int_equal(2, status.files);
	assert_int_equal(3, status.records);
	assert_int_equal(3 * record_size(1), status.bytes);
	assert_int_equal(1, status.unverified_records);
	assert_int_equal(record_size(1), status.unverified_bytes);
	assert_int_equal(1, status.damaged_files);
	assert_int_equal(1000004, status.oldest_us);
	/* drained records do not count */
	assert_err(ERR_NONE, spool_read(spool, 1, 100, &record, &count, &kind));
	spool_settle(spool);
	assert_err(ERR_NONE, spool_count(spool, &status));
	assert_int_equal(2, status.records);
	spool_close(spool);
}

/* An unreadable spool does not count as empty: forgetting a user depends on it. */
static void a_folder_that_cannot_be_read_is_not_empty(void **state)
{
	struct spool *spool = open_it();
	struct spool_status status = { .files = 99 };
	struct rlimit limit, before;
	struct buf heard = { 0 };

	(void)state;
	assert_err(ERR_NONE, append(spool, SPOOL_EVENT, 1));
	scratch_hush();
	assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &before));
	limit = before;
	limit.rlim_cur = 3;
	assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &limit));
	assert_err(ERR_FAULT, spool_count(spool, &status));
	setrlimit(RLIMIT_NOFILE, &before);
	scratch_heard(&heard);
	assert_has(&heard, "event=spool_unusable");
	assert_int_equal(99, status.files);
	spool_close(spool);
	buf_done(&heard);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, in_a_folder, and_out_again)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(what_goes_in_comes_out),
		IN_FOLDER(files_are_for_their_owner_only),
		IN_FOLDER(what_has_another_name_is_not_given_away),
		IN_FOLDER(any_bytes_are_kept),
		IN_FOLDER(an_address_too_long_is_refused),
		IN_FOLDER(kinds_are_kept_apart),
		IN_FOLDER(what_is_settled_is_not_read_again),
		IN_FOLDER(the_limit_is_kept),
		IN_FOLDER(unverified_may_be_forbidden),
		IN_FOLDER(a_torn_end_is_passed_over),
		IN_FOLDER(a_torn_head_is_no_file),
		IN_FOLDER(zeros_at_the_end_are_no_damage),
		IN_FOLDER(a_damaged_part_costs_one_record),
		IN_FOLDER(a_postponed_file_waits_its_time),
		IN_FOLDER(a_record_in_a_body_is_no_record),
		IN_FOLDER(rubbish_is_no_record),
		IN_FOLDER(two_processes_do_not_meet),
		IN_FOLDER(a_signal_does_not_end_the_wait),
		IN_FOLDER(a_killed_writer_loses_nothing),
		IN_FOLDER(short_processes_share_files),
		IN_FOLDER(a_damaged_file_is_not_appended_to),
		IN_FOLDER(a_full_disk_takes_nothing_half),
		IN_FOLDER(a_folder_that_cannot_be_used_is_said),
		IN_FOLDER(a_full_disk_is_said),
		IN_FOLDER(a_folder_that_vanishes_is_made_again),
		IN_FOLDER(a_file_that_vanishes_is_made_again),
		IN_FOLDER(counting_tells_depth_and_age),
		IN_FOLDER(a_folder_that_cannot_be_read_is_not_empty),
	};

	return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
