/* SPDX-License-Identifier: ISC */
/* A table for people: its columns are as wide as their widest cell. */
#ifndef HL_CLI_TABLE_H
#define HL_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct table;

/* Cells come row by row, from left to right; the first row has the heads. */
struct table *table_new(size_t columns);
void table_free(struct table *table);
void table_text(struct table *table, struct str cell); /* copies; control characters shown */
void table_int(struct table *table, int64_t number);   /* aligned to the right */

/* On standard output. false: said on stderr. */
bool table_write(const struct table *table);

#endif
