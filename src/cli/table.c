/* SPDX-License-Identifier: ISC */
#include "cli/table.h"

#include <stdlib.h>

#include "cli/term.h"

struct table {
	size_t columns, count, room;
	struct buf *cells; /* count of them, row by row; the heads come first */
	bool *is_number;   /* one a column */
};

static struct buf *next_cell(struct table *table)
{
	if (table->count == table->room) {
		table->room = table->room * 2 + table->columns;
		table->cells = mem_grow(table->cells, table->room, sizeof(*table->cells));
	}
	table->cells[table->count] = (struct buf){ 0 };
	return &table->cells[table->count++];
}

struct table *table_new(size_t columns)
{
	struct table *table = mem_zero(1, sizeof(*table));

	table->columns = columns;
	table->is_number = mem_zero(columns, sizeof(*table->is_number));
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->count; i++)
		buf_done(&table->cells[i]);
	free(table->cells);
	free(table->is_number);
	free(table);
}

void table_text(struct table *table, struct str cell)
{
	term_add_safe(next_cell(table), cell);
}

void table_int(struct table *table, int64_t number)
{
	table->is_number[table->count % table->columns] = true;
	buf_addf(next_cell(table), "%lld", (long long)number);
}

/* Characters, not bytes: continuation bytes of UTF-8 take no room. */
static size_t width_of(const struct buf *cell)
{
	size_t width = 0;

	for (size_t i = 0; i < cell->len; i++)
		width += ((unsigned char)cell->at[i] & 0xc0) != 0x80;
	return width;
}

static void add_blanks(struct buf *out, size_t count)
{
	while (count-- > 0)
		buf_add_char(out, ' ');
}

bool table_write(const struct table *table)
{
	size_t *widths = mem_zero(table->columns, sizeof(*widths));
	struct buf out = { 0 };
	bool written;

	for (size_t i = 0; i < table->count; i++) {
		size_t width = width_of(&table->cells[i]), column = i % table->columns;

		if (width > widths[column])
			widths[column] = width;
	}
	for (size_t i = 0; i < table->count; i++) {
		const struct buf *cell = &table->cells[i];
		size_t column = i % table->columns, blanks = widths[column] - width_of(cell);
		bool is_last = column + 1 == table->columns;

		if (table->is_number[column])
			add_blanks(&out, blanks);
		buf_add_str(&out, buf_str(cell));
		if (!table->is_number[column] && !is_last)
			add_blanks(&out, blanks);
		buf_add_text(&out, is_last ? "\n" : "  ");
	}
	written = term_write(buf_str(&out));
	buf_done(&out);
	free(widths);
	return written;
}
