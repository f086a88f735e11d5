/* SPDX-License-Identifier: ISC */
/* Any bytes as a settings file: settings within their bounds, or a problem in
   printable words. */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/conf.h"
#include "http/http_conf.h"
#include "receiver/receiver_conf.h"

/* A file that has the key in another setting too says it by itself. */
static bool stands_once(const uint8_t *data, size_t size, const char *key)
{
	const uint8_t *first = memmem(data, size, key, strlen(key));

	return first && !memmem(first + 1, size - (size_t)(first + 1 - data), key, strlen(key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct buf problem = { 0 }, shown = { 0 };
	struct conf conf = { 0 };
	char path[64];

	if (fd < 0)
		fd = memfd_create("conf", 0);
	MUST(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (conf_load(&conf, path, &problem)) {
		MUST(problem.len > 0);
		for (size_t i = 0; i < problem.len; i++)
			MUST(problem.at[i] >= ' ' && problem.at[i] <= '~');
	} else {
		MUST(http_conf(&conf)->batch_max >= 1 && http_conf(&conf)->batch_max <= 10000);
		MUST(receiver_conf(&conf)->body_max_bytes >= 1024 && conf.db_deadline_ms >= 50);
		MUST(!conf.master_key || strlen(conf.master_key) == 64);
		MUST(!conf.base_path || conf.base_path[0] == '/');
		conf_show(&conf, &shown);
		MUST(!conf.master_key || !stands_once(data, size, conf.master_key) ||
		     !memmem(shown.at, shown.len, conf.master_key, 64));
		conf_done(&conf);
	}
	buf_done(&problem);
	buf_done(&shown);
	return 0;
}
