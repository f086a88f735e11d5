/* SPDX-License-Identifier: ISC */
#include "base/throttle.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/fd.h"
#include "base/log.h"

enum { BUCKETS = 1024 };

struct bucket {
	int64_t at_us;
	double level;
};

static int open_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct stat facts;

	if (fd >= 0 && !fstat(fd, &facts) && S_ISREG(facts.st_mode) && fd_lock(fd))
		return fd;
	log_write(LOG_WARN, "tries_not_kept",
		  (struct log_field[]){ log_text("file", path), log_text("why", strerror(errno)),
					log_end() });
	if (fd >= 0)
		close(fd);
	return -1;
}

/* An invalid bucket counts as empty. */
static double level_now(const struct bucket *bucket, double per_minute, int64_t now_us)
{
	double past_us = bucket->at_us < now_us ? (double)(now_us - bucket->at_us) : 0;
	double level = isfinite(bucket->level) ? bucket->level - past_us * per_minute / 60e6 : 0;

	return level > 0 ? level : 0;
}

int64_t throttle_take(const struct throttle_options *options, struct str client, int64_t now_us)
{
	static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
	static struct bucket own[BUCKETS];
	unsigned char digest[DIGEST_BYTES];
	struct bucket kept, *bucket = &kept;
	int64_t wait_s = 0;
	off_t index;
	int fd;

	crypto_digest(client, digest);
	index = (digest[0] << 8 | digest[1]) % BUCKETS;
	pthread_mutex_lock(&turn);
	fd = open_file(options->path);
	if (fd < 0)
		bucket = &own[index];
	else if (pread(fd, &kept, sizeof(kept), index * (off_t)sizeof(kept)) != sizeof(kept))
		kept = (struct bucket){ 0 };
	bucket->level = level_now(bucket, options->per_minute, now_us);
	bucket->at_us = now_us;
	if (bucket->level + 1 <= options->burst)
		bucket->level += 1;
	else
		wait_s = (int64_t)((bucket->level + 1 - options->burst) * 60 /
				   options->per_minute) +
			 1;
	if (fd >= 0 &&
	    pwrite(fd, bucket, sizeof(*bucket), index * (off_t)sizeof(*bucket)) != sizeof(*bucket))
		own[index] = *bucket;
	if (fd >= 0)
		close(fd);
	pthread_mutex_unlock(&turn);
	return wait_s;
}
