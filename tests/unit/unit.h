/* SPDX-License-Identifier: ISC */
/* cmocka with the headers that it needs, and macros that many tests use. */
#ifndef HL_TESTS_UNIT_UNIT_H
#define HL_TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

/* A string literal with all its bytes, also inner NULs. */
#define LIT(text) ((struct str){ .at = (text), .len = sizeof(text) - 1 })

#define assert_err(wanted, got) assert_int_equal((int)(wanted), (int)(got))

#define assert_str(s, text) \
	do { \
		struct str str_ = (s); \
		assert_int_equal(strlen(text), str_.len); \
		if (str_.len) \
			assert_memory_equal(str_.at, text, str_.len); \
	} while (0)

#define assert_has(b, text) \
	do { \
		if (!strstr(buf_text(b), text)) \
			fail_msg("\"%s\" is not in \"%s\"", text, buf_text(b)); \
	} while (0)

#define assert_lacks(b, text) \
	do { \
		if (strstr(buf_text(b), text)) \
			fail_msg("\"%s\" is in \"%s\"", text, buf_text(b)); \
	} while (0)

#endif
