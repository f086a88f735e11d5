/* SPDX-License-Identifier: ISC */
/* Any bytes as base64: what is read is written the same again; and any bytes
   are written as what reads the same. */
#include "fuzz.h"

#include "base/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct buf bytes = { 0 }, again = { 0 };

	if (base64_read(text, &bytes)) {
		base64_write(&again, bytes.at, bytes.len);
		MUST(str_equal(text, buf_str(&again)));
	} else {
		MUST(bytes.len == 0);
	}
	buf_clear(&bytes);
	buf_clear(&again);
	base64_write(&again, data, size);
	MUST(base64_read(buf_str(&again), &bytes));
	MUST(str_equal(text, buf_str(&bytes)));
	buf_done(&bytes);
	buf_done(&again);
	return 0;
}
