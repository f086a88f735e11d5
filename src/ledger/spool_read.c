/* SPDX-License-Identifier: ISC */
/* The drain side: takes the oldest file that no process has locked, returns its records in
   batches, and removes the file when all its records are settled. */
#include "ledger/spool_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum {
	POSTPONE_MS = 10000,
	/* callback_cost() of a record that lets others go first; it costs the database a tenth of
	   a second */
	COSTLY_MIN = 65536,
	/* Moving a record to the back costs two syncs: after so many, one is returned. */
	MOVED_BACK_MAX = 8,
};

static void finish_source(struct spool *spool)
{
	if (spool->source_is_damaged) {
		struct buf name = { 0 };

		buf_addf(&name, "%s.damaged", spool->source.name);
		if (renameat(spool->dir_fd, spool->source.name, spool->dir_fd, buf_text(&name)) ==
		    0)
			log_write(LOG_ERROR, "spool_file_damaged",
				  (struct log_field[]){ log_text("kept_as", buf_text(&name)),
							log_end() });
		buf_done(&name);
	} else {
		unlinkat(spool->dir_fd, spool->source.name, 0);
	}
	if (fsync(spool->dir_fd))
		log_write(LOG_WARN, "spool_not_synced", NULL);
	spool_file_close(&spool->source);
	spool->source_is_damaged = false;
}

/* Takes a file from the writing side of this process, which then starts a new one. */
static bool take_own(struct spool *spool, struct spool_file *own, const char *name)
{
	if (own->fd < 0 || strcmp(own->name, name) != 0)
		return false;
	spool->source = *own;
	*own = (struct spool_file){ .fd = -1 };
	return true;
}

static bool is_due(const struct spool *spool, const char *name)
{
	int64_t failed_us;
	int failures;

	spool_read_retry_name(name, &failed_us, &failures);
	if (failures == 0)
		return true;
	if (spool->retry_before_us)
		return failed_us < spool->retry_before_us;
	if (clock_ms() < spool->retry_after_ms)
		return false;
	/* A time in the future: the clock was set back. */
	return failed_us > clock_now_us() ||
	       clock_now_us() - failed_us >= (spool->retry_ms << (failures - 1)) * 1000;
}

static bool open_next_source(struct spool *spool)
{
	size_t count;
	char **names;
	bool found = false, has_retries = false;

	spool_list(spool, spool_is_spool_file, &names, &count);
	if (count > 1)
		qsort(names, count, sizeof(*names), spool_by_age);
	for (size_t i = 0; i < count && !found; i++) {
		has_retries = has_retries || spool_is_retry(names[i]);
		if (spool_is_retry(names[i]) ||
		    (spool_is_unverified(names[i]) && clock_ms() < spool->unverified_after_ms))
			continue;
		found = take_own(spool, &spool->verified, names[i]) ||
			take_own(spool, &spool->unverified, names[i]) ||
			spool_claim(spool, names[i], &spool->source);
	}
	/* These come last, so that no other callback waits for them. */
	for (size_t i = 0; i < count && !found && has_retries; i++)
		found = spool_is_retry(names[i]) && is_due(spool, names[i]) &&
			spool_claim(spool, names[i], &spool->source);
	spool->has_retries = spool->has_retries || has_retries;
	if (found)
		spool->source_at = spool->source_next = spool_drained_to(&spool->source);
	spool_list_free(names, count);
	return found;
}

/* Reads up to `want` bytes of the source, from source_at on. */
static size_t fill(struct spool *spool, size_t want)
{
	int64_t left = spool->source.size - spool->source_at;
	size_t most = left < (int64_t)want ? (size_t)(left > 0 ? left : 0) : want;
	ssize_t got;

	buf_clear(&spool->in);
	buf_need(&spool->in, most);
	got = pread(spool->source.fd, spool->in.at, most, (off_t)spool->source_at);
	spool->in.len = got > 0 ? (size_t)got : 0;
	return spool->in.len;
}

/* Searches the next record behind something that is none. Returns its offset in `in`, or the
   length of `in` when there is no record up to the end. */
static size_t resync(struct spool *spool)
{
	for (size_t at = 1; at + SPOOL_FIXED_BYTES <= spool->in.len; at++)
		if (spool_record_length(&spool->source, spool->in.at + at, spool->in.len - at))
			return at;
	return spool->in.len;
}

/* Is this the end of a file whose writer was killed or lost power: the beginning of a record, or
   zeros that were never written? Anything else was once complete, and perhaps acknowledged. */
static bool is_torn(struct str rest)
{
	size_t zeros = 0;

	while (zeros < rest.len && rest.at[zeros] == '\0')
		zeros++;
	if (zeros == rest.len || rest.len < 8)
		return true;
	return spool_u32(rest.at) == spool_record_magic && spool_u32(rest.at + 4) > rest.len &&
	       spool_u32(rest.at + 4) <= SPOOL_RECORD_MAX;
}

/* Skips the unreadable part at source_at. false: the file ends with it. */
static bool skip_unreadable(struct spool *spool)
{
	bool torn;
	size_t at;

	fill(spool, (size_t)(spool->source.size - spool->source_at));
	at = resync(spool);
	torn = at == spool->in.len && is_torn(buf_str(&spool->in));
	spool->source_is_damaged = spool->source_is_damaged || !torn;
	log_write(LOG_WARN, torn ? "spool_torn_end" : "spool_part_unreadable",
		  (struct log_field[]){ log_text("file", spool->source.name),
					log_num("offset", spool->source_at),
					log_num("bytes", (int64_t)at), log_end() });
	if (at == spool->in.len)
		return false;
	spool->source_at += (int64_t)at;
	return true;
}

/* Does the database take long for it, while cheap records of other endpoints may wait behind
   it? */
static bool is_costly(const struct spool *spool, const struct callback *cb, enum spool_kind kind)
{
	return kind == SPOOL_EVENT && !spool_is_retry(spool->source.name) &&
	       callback_cost(cb->body) > COSTLY_MIN;
}

/* Moves the costly record at source_at, of `len` bytes, behind all others. */
static bool move_back(struct spool *spool, size_t len)
{
	if (spool->moved_back >= MOVED_BACK_MAX)
		return false;
	spool->moved_back++;
	spool->source_next = spool->source_at + (int64_t)len;
	spool->has_retries = true;
	return spool_copy_to_retry(spool, 0) == ERR_NONE;
}

enum err spool_read(struct spool *spool, size_t max, size_t max_bytes, struct callback *records,
		    size_t *count, enum spool_kind *kind)
{
	size_t want = max_bytes + 2 * SPOOL_FIXED_BYTES;

	*count = 0;
	for (;;) {
		size_t at = 0, len;
		bool is_behind = false;

		if (spool->source.fd < 0 && !open_next_source(spool))
			return ERR_NONE;
		if (spool->source_at >= spool->source.size) {
			finish_source(spool);
			continue;
		}
		fill(spool, want);
		while (*count < max && (len = spool_record_length(&spool->source, spool->in.at + at,
								  spool->in.len - at)) > 0) {
			enum spool_kind this_kind;

			spool_read_record(spool->in.at + at, len, &records[*count], &this_kind);
			if (*count && this_kind != *kind)
				break;
			if (is_costly(spool, &records[*count], this_kind)) {
				if (*count)
					break;
				is_behind = move_back(spool, len);
				if (is_behind)
					break;
				max = 1;
			}
			*kind = this_kind;
			(*count)++;
			at += len;
		}
		if (is_behind)
			continue;
		spool->source_next = spool->source_at + (int64_t)at;
		if (*count) {
			spool->moved_back = 0;
			return ERR_NONE;
		}
		/* The record is larger than what was read, or there is no record. */
		if (spool->in.len >= 8 && spool_u32(spool->in.at) == spool_record_magic &&
		    spool_u32(spool->in.at + 4) > spool->in.len &&
		    spool_u32(spool->in.at + 4) <= SPOOL_RECORD_MAX &&
		    (int64_t)spool_u32(spool->in.at + 4) <= spool->source.size - spool->source_at) {
			want = spool_u32(spool->in.at + 4);
			continue;
		}
		if (!skip_unreadable(spool))
			finish_source(spool);
		want = max_bytes + 2 * SPOOL_FIXED_BYTES;
	}
}

void spool_settle(struct spool *spool)
{
	char at[8];

	if (spool->source.fd < 0)
		return;
	spool->source_at = spool->source_next;
	if (spool->source_at >= spool->source.size) {
		finish_source(spool);
		return;
	}
	/* After a restart the drain continues here. Not synced: a record that is drained twice
	   is stored once. */
	for (int i = 0; i < 8; i++)
		at[i] = (char)((uint64_t)spool->source_at >> (56 - 8 * i));
	if (pwrite(spool->source.fd, at, sizeof(at), SPOOL_MAGIC_BYTES) != sizeof(at))
		log_write(LOG_WARN, "spool_progress_not_noted", NULL);
}

void spool_postpone(struct spool *spool)
{
	spool_file_close(&spool->source);
	spool->source_is_damaged = false; /* the next read finds it again */
	spool->unverified_after_ms = clock_ms() + POSTPONE_MS;
}
