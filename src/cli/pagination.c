/* SPDX-License-Identifier: ISC */
#include "cli/pagination.h"

#include <stddef.h>

#include "base/db.h"
#include "cli/cli.h"

enum { PAGE = 500 };

bool pagination_next(struct pagination *pages, struct db *db)
{
	struct db_args *args;
	size_t count;

	pagination_done(pages);
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
		pagination_done(pages);
	return count > 0;
}

void pagination_done(struct pagination *pages)
{
	db_rows_free(pages->rows);
	pages->rows = NULL;
}
