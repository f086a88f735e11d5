/* SPDX-License-Identifier: ISC */
/* English. A refusal begins with a small letter and has no full stop, because it stands behind
   "hookledger: "; findings, results and what mails say are whole sentences. Names of commands
   stand in backquotes. Sorted by code (a unit test looks). */
#include "ledger/catalog.h"

const struct catalog_row catalog_rows[] = {
	/* ---- cursor */
	{ "cursor.malformed", "a cursor looks like 1-734-12" },
	/* ---- endpoint */
	{ "endpoint.unknown", "there is no endpoint {endpoint_id}" },
	/* ---- name */
	{ "name.invisible", "a name has no control characters, and none that are invisible or turn "
			    "the direction of a text" },
	/* ---- toggl */
	{ "toggl.filters_malformed", "filters look like time_entry:*,project:created (an entity "
				     "and an action, either may be *)" },
};

const size_t catalog_count = sizeof(catalog_rows) / sizeof(catalog_rows[0]);
