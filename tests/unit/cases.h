/* SPDX-License-Identifier: ISC */
/* The cases of tests/data/cases: a file has a request and its expected result.
   HL_DATA names tests/data; the default is that folder of the source. */
#ifndef HL_TESTS_UNIT_CASES_H
#define HL_TESTS_UNIT_CASES_H

#include "base/mem.h"

struct test_case {
	char name[128];	 /* of the file, without ".json" */
	struct buf body; /* the bytes that are signed */
	int status;
	char kind[16], reason[16]; /* "" when the file does not say */
};

/* Calls `look` for each case in the order of the names; returns their number. */
size_t cases_each(void (*look)(const struct test_case *));

#endif
