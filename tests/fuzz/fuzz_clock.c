/* SPDX-License-Identifier: ISC */
/* Any bytes as a time: what is read and written again reads the same. */
#include "fuzz.h"

#include "base/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = mem_new(size);
	struct str text = { copy, size };
	struct buf written = { 0 };
	int64_t us, again;

	if (size)
		memcpy(copy, data, size);
	if (clock_read(text, &us)) {
		clock_write(&written, us);
		/* an offset may lead out of the years with four digits */
		if (us >= INT64_C(-62167219200000000) && us < INT64_C(253402300800000000)) {
			MUST(clock_read(buf_str(&written), &again));
			MUST(again == us);
		}
	}
	if (clock_read_duration(text, &us))
		MUST(us >= 0);
	buf_done(&written);
	free(copy);
	return 0;
}
