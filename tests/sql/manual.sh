#!/bin/bash
# SPDX-License-Identifier: ISC
# hookledger-sql(7) is what man/generate-sql makes of a migrated database now.
# COMMAND is psql and its options; speaks TAP.
set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
fresh=$top/var/hookledger-sql.7

echo 1..2
if "$top/man/generate-sql" "$@" >"$fresh" && (($(grep -c '^\.Ss toggl\.' "$fresh") > 15)); then
	echo "ok 1 - the page is made of the comments of schema toggl"
else
	echo "not ok 1 - the page is made of the comments of schema toggl"
fi
if diff -u "$top/man/hookledger-sql.7" "$fresh" >"$fresh.diff"; then
	echo "ok 2 - and is the one in man/"
else
	echo "not ok 2 - and is the one in man/"
	echo "# A comment or object of schema toggl has changed: cp var/hookledger-sql.7 man/"
	head -n 40 "$fresh.diff" | sed 's/^/# /'
fi
rm -f "$fresh.diff"
