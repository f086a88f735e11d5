/* SPDX-License-Identifier: ISC */
#include "bin/pages.h"

#include <stddef.h>

#include "base/db.h"
#include "bin/cmd.h"

enum { PAGE = 500 };

bool pages_next(struct pages *pages, struct db *db)
{
	struct db_args *args;
	size_t count;

	pages_done(pages);
	if (pages->is_last)
		return false;
	args = db_args_new();
	db_arg_int(args, pages->after);
	db_arg_int(args, PAGE);
	pages->err = cli_call(db, pages->function, args, &pages->rows);
	db_args_free(args);
	count = pages->err ? 0 : db_rows_count(pages->rows);
	pages->is_last = count < PAGE;
	if (count)
		pages->after = db_int(pages->rows, count - 1, pages->number);
	else
		pages_done(pages);
	return count > 0;
}

void pages_done(struct pages *pages)
{
	db_rows_free(pages->rows);
	pages->rows = NULL;
}
