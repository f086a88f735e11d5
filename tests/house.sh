#!/bin/bash
# SPDX-License-Identifier: ISC
# The rules of the house that a program can look after. One line of TAP a rule;
# the exit status is 0 when all hold. A tool that is missing fails its rule.
set -uo pipefail
shopt -s lastpipe	# rules count in this shell, behind a pipe
cd "$(dirname "$0")/.."

# Longer than 500 lines, with the reason why they are one idea all the same.
long=(
	"sql/migrations/0002_toggl.sql     ten tables, a comment a column"
	"sql/functions/projection/columns.sql from one JSON value to one column"
	"sql/functions/toggl_client/job.sql the life of one job"
	"src/admin/pool.c                  one pool of threads"
	"src/api/main.c                    the path of a request, from top to bottom"
	"src/base/json.c                   scanner and writer share their tables"
	"src/ledger/catalog_en.c           one catalogue, a sentence a code"
	"src/sim/generator.c               one plot; people, days and mistakes depend on each other"
	"src/sim/payload.c                 one sentence a kind of event"
	"tests/bench/load.c                one program"
	"tests/unit/test_db.c              with the server that it talks to"
	"tests/unit/test_http_client.c     one way the other side misbehaves after the other"
	"tests/unit/test_http_server.c     one way a web server misbehaves after the other"
	"tests/unit/test_json.c            tables of what is JSON and what is not"
	"tests/unit/test_spool.c           one accident after the other"
)

# Modules without a unit test of their own name, and where they are tested.
elsewhere=(
	"json_pretty    test_json"
	"http_client_hooks test_http_client"
	"http_client_mail  end to end: real mail servers"
	"http_request   test_http_server"
	"http_fcgi      test_http_server"
	"http_cgi       test_http_server_cgi"
	"http_stream    test_http_server"
	"json_server    end to end: every request of the API and of the admin page"
	"spool_record   test_spool"
	"spool_file     test_spool"
	"spool_read     test_spool"
	"spool_retry    test_spool_aside"
	"db_call        test_db"
	"db_cancel      test_db"
	"db_rows        test_db"
	"http_conf      test_conf"
	"ledger_conf    test_conf"
	"delivery_conf  test_conf"
	"toggl_conf     test_conf"
	"confinement    end to end: every program begins with it"
	"program        end to end: every program begins with it"
	"intake         end to end: it is one SQL call"
	"payload        test_generator"
	"state          test_generator"
	"prng           test_generator"
	"toggl_client   end to end: another hookledger plays Toggl"
	"toggl_db       end to end: it is SQL calls and nothing else"
	"toggl_request  end to end: another hookledger plays Toggl"
	"toggl_signing  end to end: loaded events are verified"
	"toggl_check    end to end: a courier goes on with what waits"
	"sealing        end to end: rotate and deliver"
	"alert          end to end: real mail servers and webhooks"
	"monitor        end to end: with the courier"
	"delivery_store end to end: it is SQL calls and nothing else"
	"subscription   end to end: the API and the admin page, with a real callback"
	"inflight       end to end: queues, requests and results together"
	"migration      end to end: every installation begins with it"
	"schema_files   end to end: every installation begins with it"
	"names          test_generator"
	"record         end to end: a generated history in the ledger"
	"send           end to end: a generated history through the web server"
	"schedule       end to end: simulate send"
	"histogram      end to end: simulate send"
	"delivery_loop  end to end: one loop over database and subscribers"
	"catalog_en     test_catalog"
)

# grep -q at the end of a pipe: but that ends before who writes, which pipefail
# now and then takes for a failure.
says() { grep "$@" >/dev/null; }

count=0 failed=0
# Says a rule: it holds when nothing comes in.
rule() { # TEXT <problems
	local problems
	problems=$(cat)
	count=$((count + 1))
	if [[ -z $problems ]]; then
		echo "ok $count - $1"
	else
		failed=$((failed + 1))
		echo "not ok $count - $1"
		printf '%s\n' "$problems" | head -n 40 | sed 's/^/#   /'
	fi
}

if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
	list() { git ls-files -co --exclude-standard; }
else
	list() { find . -type f -not -path './.git/*' -not -path './var/*' | sed 's|^\./||'; }
fi
mapfile -t all < <(list | sort | while read -r file; do [[ -f $file ]] && echo "$file"; done)
matching() { printf '%s\n' "${all[@]}" | grep -E "$1"; }
mapfile -t c_files < <(matching '^src/.*\.[ch]$')
mapfile -t headers < <(matching '^(src|tests)/.*\.h$')
mapfile -t sql_files < <(matching '^sql/.*\.sql$')
mapfile -t texts < <(matching '(\.(c|h|sql|py|sh|ac|am|md|conf|service|timer|[1-8])|^deploy/[^.]*|^tests/[^.]*)$' | grep -v package-lock)

# A rule that looks at no files would hold whatever is wrong.
for kind in c_files headers sql_files texts; do
	declare -n files=$kind
	((${#files[@]} >= 5)) || { echo "Bail out! only ${#files[@]} $kind found in $PWD"; exit 1; }
done

# ---- who may know whom

# FOLDER and the folders below it, whose headers it may include beside its own.
below() {
	case $1 in
	base) ;;
	http) echo base ;;
	ledger) echo http base ;;
	delivery | toggl | sim) echo ledger http base ;;
	receiver | api | admin | courier) echo delivery toggl ledger http base ;;
	cli) echo sim delivery toggl ledger http base ;;
	cgi) ;;
	settings) echo receiver api admin delivery toggl ledger http base ;;
	*) return 1 ;;
	esac
}
for folder in $(printf '%s\n' "${c_files[@]}" | cut -d/ -f2 | sort -u); do
	allowed=$(below "$folder") || { echo "src/$folder has no place in the order of folders (tests/house.sh)"; continue; }
	grep -nE '^#include "[a-z]+/' $(matching "^src/$folder/.*\.[ch]$") /dev/null |
		grep -vE "#include \"($folder${allowed:+|${allowed// /|}})/"
done | rule "includes go to the folder itself and to those below it"

# A module is a .c and its .h. The files that include X_internal.h are one module, X.
# tsort(1) names the modules of a circle.
awk '
	FNR == 1 { file = FILENAME; sub(/^src\//, "", file) }
	file ~ /_internal\.h$/ && !part[file] { part[file] = file; sub(/_internal\.h$/, "", part[file]) }
	/^#include "[a-z]+\/.*\.h"/ {
		split($0, quoted, "\""); include[++n] = file " " quoted[2]
		if (quoted[2] ~ /_internal\.h$/) { part[file] = quoted[2]; sub(/_internal\.h$/, "", part[file]) }
	}
	function module(name) { sub(/\.[ch]$/, "", name); return (name ".c") in part ? part[name ".c"] : (name ".h") in part ? part[name ".h"] : name }
	END {
		for (i = 1; i <= n; i++) {
			split(include[i], pair, " ")
			if (module(pair[1]) != module(pair[2])) print module(pair[1]), module(pair[2])
		}
	}' "${c_files[@]}" | sort -u | tsort 2>&1 >/dev/null | sed 's/^tsort: //' | grep -v "^-: " |
	rule "no two modules need each other"

# What a header declares is called by another file; a part may also be there for its test.
mapfile -t unit_tests < <(matching '^tests/(unit|fuzz)/.*\.c$')
awk '
	pass == 1 {
		if ($0 ~ /^(MUST_USE )?[a-z][a-z_0-9 *]*[ *][a-z_0-9]+\(/ && $0 !~ /^(typedef|static|return)/) {
			name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
			declared[name] = FILENAME
		}
		next
	}
	/^[ \t]*\/\*/ { next }
	{
		defined = /^[a-z]/ && match($0, /[a-z_0-9]+\(/) ? substr($0, RSTART, RLENGTH - 1) : ""
		for (rest = $0; match(rest, /[a-z_][a-z_0-9]*/); rest = substr(rest, RSTART + RLENGTH)) {
			name = substr(rest, RSTART, RLENGTH)
			if (!(name in declared)) continue
			if (name == defined) home[name] = FILENAME
			else if (FILENAME ~ /^tests\//) tested[name] = 1
			else calls[name] = calls[name] " " FILENAME
		}
	}
	END {
		for (name in declared) {
			n = split(calls[name], files, " "); is_used = n && tested[name]
			for (i = 1; i <= n; i++) is_used = is_used || files[i] != home[name]
			if (!is_used) print declared[name] ": no other file calls " name "()"
		}
	}' pass=1 $(matching '^src/.*\.h$') pass=2 $(matching '^src/.*\.c$') "${unit_tests[@]}" |
	grep -vE ' catalog_(begin|write_template)\(' |	# the test of templates writes them without a code
	rule "no function of C is dead"

owner() { # PATTERN FILE
	grep -nE "^#include <$1" "${c_files[@]}" | grep -vE "^$2:"
	grep -qE "^#include <$1" $(matching "^$2$") /dev/null || echo "$2 does not include <$1"
}
{
	owner 'libpq' 'src/base/db(_[a-z]+)?.c'
	owner 'fcgi' src/http/http_fcgi.c
	owner 'json-c/' src/base/json_pretty.c
	owner 'openssl/' src/base/crypto.c
	owner 'curl/' 'src/http/http_client(_[a-z]+)?.c'
	owner 'uni(case|ctype|norm|str)\.h' src/base/unicode.c
	owner 'idn2' src/http/hostname.c
} | rule "every library has one owner"

# ---- headers

for header in "${headers[@]}"; do
	dir=${header%%/*}
	name=${header#src/}
	guard=HL_$(tr 'a-z/.' 'A-Z__' <<<"$name")
	grep -qx "#ifndef $guard" "$header" && grep -qx "#define $guard" "$header" || echo "$header: its guard is not $guard"
done | rule "guards are named after their file"
if command -v cc >/dev/null; then
	for header in "${headers[@]}"; do
		printf '#include "%s"\n' "$PWD/$header" |
			cc -std=c17 -D_GNU_SOURCE -Isrc -fsyntax-only -Wall -Wextra -Werror -x c - 2>&1 | head -n 3
	done
else
	echo "cc is not installed"
fi | rule "every header compiles alone"
grep -nE '^#include <' "${headers[@]}" | grep -E '<(libpq|fcgi|json-c|openssl|curl|idn2|unicase|unictype|uninorm|unistr)' |
	rule "no header of a library in a header of ours"

# ---- SQL and C

# (the catalogue has codes, which look like names of functions)
called() {
	grep -hoE '"(receiver|operator|api|courier|admin|ledger)\.[a-z0-9_]+["(]' $(printf '%s\n' "${c_files[@]}" | grep -v catalog_en) |
		tr -d '"(' | grep -v '\.sql$' | sort -u
}
created() { grep -hoE "^create (or replace )?function [a-z]+\.[a-z_0-9]+" "${sql_files[@]}" | awk '{ print $NF }'; }
handed_on() { sed -nE '/^select ledger\.interface_function\(/,/;$/p' "${sql_files[@]}" | grep -oE "'[a-z]+\.[a-z_0-9]+'" | tr -d "'"; }
made() { { created; handed_on; } | sort -u; }
comm -23 <(called) <(made) | rule "every SQL function that C calls exists"
# hookledger-admin names the operations of admin.call(); their functions nobody calls by name
operations() { sed -nE "s/^  \\('([a-z_]+)', '(viewer|owner)', [^,]+, (null|'([a-z_]+)')\\).*/\1 \4/p" sql/functions/admin/operations.sql; }
behind_call() { operations | awk '{ print "admin." ($2 ? $2 : $1) }' | sort -u; }
comm -13 <(called) <(made | grep -E '^(receiver|operator|api|courier|admin)\.') | comm -23 - <(behind_call) |
	rule "every function of an interface schema is called"
{
	(($(operations | wc -l) >= 80)) || echo "only $(operations | wc -l) operations were found"
	operations | while read -r name _; do
		grep -qE "\"$name\"" src/admin/*.c src/toggl/*.c || echo "$name is done by nobody"
	done
	cat src/admin/*.c src/toggl/toggl_client.c | tr '\n\t' '  ' |
		grep -oE '(\}, +[a-z_]+|admin_(ask|answer_call|answer_new|answer_with)\([^,"()]+, *[^,"()]+, *[^,"()]+|\.operation =|operate\([^,"()]+, *[^,"()]+), *"[a-z_]+"|\.operation = "[a-z_]+"' |
		grep -oE '"[a-z_]+"$' | tr -d '"' | sort -u | comm -23 - <(operations | cut -d' ' -f1 | sort -u) | sed 's/$/ is no operation/'
} | rule "each operation of the admin page is done, and there is no other"
# nothing but the name of a function in quotes: then the two rules above see all calls
for file in "${c_files[@]}"; do
	tr '\n\t' '  ' <"$file" | grep -oE '(db_call|db_send|cli_call|cli_call_number|cli_list|cli_change)\([^,;]+, +"[^"]*"' | sed "s|^|$file: |"
done | grep -vE '"((receiver|operator|api|courier|admin|ledger)\.[a-z_]+|[a-z_]+)"' | rule "a call names a function and nothing else"
grep -nE '"[[:space:]]*(select|insert|update|delete|create|alter|drop|truncate|grant|revoke|SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|TRUNCATE|GRANT|REVOKE)[[:space:]][^"]*\b(from|into|set|table|function|schema|role|view|index|FROM|INTO|SET|TABLE|FUNCTION|SCHEMA|ROLE|VIEW|INDEX)\b' \
	"${c_files[@]}" | grep -v '^src/base/db_call.c:.*"select \* from %s("' | rule "no SQL in C but the names of functions"
grep -niE '"(begin|commit|rollback|savepoint|start transaction)( work)?;?"' "${c_files[@]}" | grep -vE '^src/ledger/migration.c:|report_add' |
	rule "transactions are begun by migrate only"

# schema toggl is for people, and admin.call() finds the operations by their row
awk '
	/^[ \t]*--/ { next }
	/^create (or replace )?function / { sub(/^create (or replace )?function /, ""); name = $0; sub(/\(.*/, "", name); made[name] = FILENAME; sub(/^[a-z_.0-9]+/, "") }
	/^comment on function / { sub(/^comment on function [a-z_.0-9]+/, "") }
	/^(grant|revoke|alter function|drop function) / { next }
	{
		for (rest = $0; match(rest, /[a-z_]+\.[a-z_0-9]+/); rest = substr(rest, RSTART + RLENGTH)) {
			name = substr(rest, RSTART, RLENGTH); sub(/^[a-z_]+\./, "", name); used[name] = 1
		}
	}
	END {
		for (name in made) {
			plain = name; sub(/^[a-z_]+\./, "", plain)
			if (name !~ /^(toggl|admin)\./ && !(plain in used)) print made[name] ": nothing calls " name "()"
		}
	}' "${sql_files[@]}" $(matching '^src/.*\.c$') | rule "no function of SQL is dead"

# Each "create table schema.name (" has a comment on it and on each column.
awk '
	FNR == 1 { table = "" }
	/^create table (if not exists )?[a-z]+\.[a-z_]+ (\(|partition of)/ {
		name = $0; sub(/^create table (if not exists )?/, "", name); sub(/ .*/, "", name)
		wanted[name] = "table"
		if ($0 ~ /\($/) table = name
		next
	}
	table && /^\)/ { table = "" }
	table && /^  [a-z_]+ [a-z]/ && $1 !~ /^(primary|unique|check|foreign|constraint|exclude)$/ { wanted[table "." $1] = "column" }
	/^create type [a-z]+\.[a-z_]+/ { wanted[$3] = "type" }
	/^create schema / { name = $NF; sub(/;$/, "", name); wanted[name] = "schema" }
	/^comment on (table|column|type|schema) / { has[$4] = 1 }
	END {
		for (name in wanted) { n++; if (!has[name]) print wanted[name] " " name " has no comment" }
		if (n < 20) print "only " n + 0 " tables, columns and schemas were found"
	}' "${sql_files[@]}" | rule "every schema, table and column has a comment"
comm -13 <(grep -hoE '^comment on function [a-z]+\.[a-z_0-9]+' "${sql_files[@]}" | awk '{ print $NF }' | sort -u) <(created | sort -u) |
	rule "every SQL function has a comment"
awk '/^create (or replace )?function/ { name = $0; body = "" } { body = body $0 "\n" }
	/^(\$\$;?|end;|return .*;)$/ || /\$\$;$/ || /'"';"'$/ {
		# the names in a body that is no string are looked up when it is made; two are exceptions, see tests/sql/grants.sql
		if (name != "" && name !~ /(ledger.apply|toggl.time_entries_as_of)\(/ && body !~ /set search_path = ledger, pg_temp/ && (body !~ /\n(return |begin atomic\n)/ || body ~ /security definer/))
			print FILENAME ": " name
		name = ""
	}' "${sql_files[@]}" | rule "every SQL function pins its search_path, or has no names to look up"

diff <(sed -n 's/ *#.*//; /./p' sql/functions/ORDER | sort) <(matching '^sql/functions/.*\.sql$' | sed 's|^sql/functions/||' | sort) |
	grep '^[<>]' | rule "every file of SQL functions is in ORDER"

# ---- sentences

# Every code is written as a literal where it is said.
codes_said() {
	grep -hoE "ledger\.(refuse|coded)\('[a-z_0-9]+\.[a-z_0-9.]+'" "${sql_files[@]}" | grep -oE "'.*'"
	# where C refuses by a code, and any other literal that can only be one
	cat "${c_files[@]}" | tr '\n' ' ' | grep -oE '(catalog_begin|admin_refuse[a-z_]*)\([^;]*;' | grep -oE '"[a-z_0-9]+\.[a-z_0-9.]+"'
	cat $(matching '^src/.*\.[ch]$' | grep -v catalog_en) | grep -oE '"[a-z_0-9]+\.[a-z_0-9.]+"' | grep -v '\.sql"' | tr -d '"' | sort -u |
		grep -E "^($(sed -nE 's/^\t\{ "([a-z_0-9]+)\..*/\1/p' src/ledger/catalog_en.c | sort -u | paste -sd'|'))\." | comm -23 - <(made)
}
mapfile -t codes < <(codes_said | tr -d "\"'" | sort -u)
((${#codes[@]} >= 3)) || { echo "Bail out! only ${#codes[@]} codes found"; exit 1; }
grep -nE "ledger\.(refuse|coded)\(" "${sql_files[@]}" | grep -vE "(refuse|coded)\('[a-z_0-9]+\.[a-z_0-9.]+'|function ledger\.|ledger\.coded\(code, params\)|ledger\.(refuse|coded)\(\)" |
	rule "codes are literals"
catalogue() { # FILE: its codes
	case $1 in
	*.c) sed -nE 's/^\t\{ "([a-z_0-9]+\.[a-z_0-9.]+)",.*/\1/p' "$1" ;;
	*) sed -nE "/^\tcodes: \{/,\$s/^[[:space:]]*['\"]([a-z_0-9]+\.[a-z_0-9.]+)['\"]:.*/\1/p" "$1" ;;
	esac | sort -u
}
# what to do about a finding stands beside what is so
mapfile -t -O "${#codes[@]}" codes < <(catalogue src/ledger/catalog_en.c | grep '\.todo$')
for file in src/ledger/catalog_en.c $(matching '^www/js/words/[a-z]{2}\.js$'); do
	comm -23 <(printf '%s\n' "${codes[@]}" | sort -u) <(catalogue "$file") | sed "s|$| has no sentence in $file|"
	comm -13 <(printf '%s\n' "${codes[@]}" | sort -u) <(catalogue "$file") | sed "s|$| is in $file, and nobody says it|"
done | rule "every code has its sentences, every sentence its code"

# ---- settings

# a row is "{ "name", CONF_TYPE, FIELD(member), "default", ...", on as many lines as it takes
rows() { cat $(matching '^src/[a-z]+/([a-z]+_)?conf\.c$') | tr '\n\t' '  ' | grep -oE '\{ "[a-z_.]+", +CONF_[A-Z]+, +FIELD\([a-z_]+\), +(NULL|[A-Z_"][^,]*),'; }
mapfile -t keys < <(rows | cut -d'"' -f2)
{
	((${#keys[@]} >= 20)) || echo "only ${#keys[@]} settings were found"
	for key in "${keys[@]}"; do
		grep -qxE "\.It Ic ${key//./\\.}( .*)?" man/hookledger.conf.5 || echo "$key is not in man/hookledger.conf.5"
	done
	sed -nE 's/^\.It Ic ([a-z_.]+).*/\1/p' man/hookledger.conf.5 | grep -vxF -f <(printf '%s\n' "${keys[@]}") |
		sed 's/$/ is in the manual, and no setting/'
} | rule "every setting is in the manual"
rows | sed -nE 's/^\{ "([a-z_.]+)".*\), +[A-Z_ ]*"([^"]*)",$/\1 \2/p' | while read -r key fallback; do
	[[ -z $fallback ]] || grep -A 3 -xE "\.It Ic ${key//./\\.}( .*)?" man/hookledger.conf.5 | says -F -- "$fallback" ||
		echo "$key: its default $fallback is not in the manual"
done | rule "every default is in the manual"
# lines of settings in what deploy/ and the README show
grep -nE '^[[:space:]]*#?[a-z_]+(\.[a-z]+)? = ' $(matching '^deploy/.*hookledger\.conf$' | grep -v nginx) /dev/null |
	while IFS=: read -r file line text; do
		key=$(sed -E 's/^[[:space:]]*#?([a-z_.]+) = .*/\1/' <<<"$text")
		printf '%s\n' "${keys[@]}" | says -xF -- "$key" || echo "$file:$line: there is no setting $key"
	done | rule "deploy shows only settings that exist"

# ---- every file

for file in $(matching '\.(c|h|py|sh)$'; matching '^(deploy|tests|\.ci)/' | xargs grep -lIE '^#!'); do
	head -n 5 "$file" | says 'SPDX-License-Identifier: ISC' || echo "$file"
done | sort -u | rule "every program says its licence"
for file in "${sql_files[@]}"; do
	head -n 1 "$file" | says '^-- ' || echo "$file"
done | rule "every SQL file begins with what it is"
for file in "${c_files[@]}"; do
	# a .c that has a header of its name is explained there
	own=${file%.c}.h
	[[ $file == *.c && (-f $own || -f ${own/cmd_/}) ]] || sed -n 2p "$file" | says '^/\*' || echo "$file"
done | rule "every module begins with what it is"
grep -nE '\b(TODO|FIXME|XXX|HACK)\b' "${texts[@]}" | grep -vE '^tests/house.sh:|ok .*# ?\*?TODO' | rule "nothing is left to do"
grep -nE '(^|[^a-z.])/(work|tmp/(w|spec|hub))(/|\b)|\.\./shared' "${texts[@]}" | grep -v '^tests/house.sh:' |
	rule "no path of one machine"
grep -nE '[[:space:]]+$' "${texts[@]}" | rule "no white space at the end of a line"
for file in "${texts[@]}"; do
	[[ ! -s $file || -z $(tail -c 1 "$file") ]] || echo "$file"
done | rule "every file ends with a newline"
if command -v clang-format >/dev/null; then
	clang-format --dry-run $(matching '\.[ch]$') 2>&1 | grep -E '(warning|error):'
else
	echo "clang-format is not installed"
fi | rule "C looks as .clang-format says, in at most 100 columns"
LC_ALL=C.UTF-8 grep -nE '.{121}' "${sql_files[@]}" | rule "SQL has at most 120 columns"
# Functions, statements and options of 15 and later; a maximum of a transaction number, too.
later='any_value|array_(sample|shuffle|sort)|casefold|json_(array|exists|query|scalar|serialize|table|value)|jsonb?_(array|object)_agg_(strict|unique)'
later+='|pg_input_(is_valid|error_info)|random_normal|regexp_(count|instr|like|substr)|uuidv[47]'
grep -niE "\\b($later)\\b ?\\(|\\b(max|min)\\((\\w+\\.)?\\w*txid\\)|\\bmerge into\\b|nulls not distinct|security_invoker|\\bis( not)? json\\b|\\breturning (old|new)\\.|0x[0-9a-f]+\\b|[0-9]_[0-9]{3}\\b" "${sql_files[@]}" |
	grep -vE ":[[:space:]]*--|comment on|^[^:]*:[0-9]+:  '" | rule "SQL has nothing that PostgreSQL 14 lacks"
{
	for file in $(matching '\.(c|h|sql|py|sh)$'); do
		lines=$(wc -l <"$file")
		((lines <= 500)) || printf '%s\n' "${long[@]}" | says "^$file " || echo "$file has $lines lines"
	done
	for entry in "${long[@]}"; do
		file=${entry%% *}
		[[ -f $file ]] && (($(wc -l <"$file") > 500)) || echo "$file is listed as long, and is not"
	done
} | rule "no file above 500 lines without a reason"

# ---- tests and manuals

{
	for file in $(matching '^src/(base|http|ledger|delivery|toggl|sim)/.*\.c$'); do
		name=$(basename "$file" .c)
		[[ -f tests/unit/test_$name.c ]] || printf '%s\n' "${elsewhere[@]}" | says "^$name " || echo "$file has no unit test"
	done
	for file in $(matching '^tests/(unit/test_|fuzz/fuzz_).*\.c$'); do
		grep -qE "^\s+${file%.c}( \\\\)?$" Makefile.am || echo "$file is not built"
	done
} | rule "every module has a unit test, every test is built"
{
	for file in $(matching '^tests/e2e/.*test_.*\.py$'); do
		says -E '^pytestmark = .*pytest\.mark\.(foreign|plain)\b' "$file" ||
			echo "$file: pytestmark = pytest.mark.foreign (C reads what others wrote: run with the sanitizers too) or .plain"
	done
	for text in callback:receiver/test_cases http:receiver/test_senders api:api/test_api_odd login:admin/test_admin_access \
		toggl:toggl/test_toggl_trouble subscriber:courier/test_courier; do
		says -E 'pytest\.mark\.foreign' "tests/e2e/${text#*:}.py" || echo "nothing of kind ${text%:*} is run with the sanitizers"
	done
} | rule "each end-to-end test says whether the sanitizers see it"
matching '^tests/e2e/[^/]*\.py$|^tests/e2e/lib/test_' | grep -v '/conftest\.py$' | rule "each end-to-end test is in a folder that tests/run chooses"
if command -v mandoc >/dev/null; then
	for page in $(matching '^man/.*\.[1-8]$'); do
		# what Debian's mandoc does not know is no fault: pages of other packages
		mandoc -Tlint -Wwarning "$page" 2>&1 | grep -v 'referenced manual not found'
	done
	for page in hookledger.1 hookledger.conf.5 hookledger-sql.7 hookledger-receiver.8 hookledger-api.8 hookledger-admin.8 hookledger-courier.8; do
		[[ -f man/$page ]] || echo "man/$page is missing"
		grep -q "man/$page" Makefile.am || echo "man/$page is not installed"
	done
else
	echo "mandoc is not installed"
fi | rule "the manuals are well-formed and installed"

{
	grep -hoE 'log_write\(LOG_(ERROR|WARN|INFO),[[:space:]]*"[a-z_]+"' $(matching '^src/(base|http|ledger|delivery|toggl|sim|receiver|courier)/.*\.c$')
	grep -hoE '"(spool_torn_end|spool_part_unreadable)"' src/ledger/spool_read.c
} | grep -oE '"[a-z_]+"' | tr -d '"' | sort -u | while read -r event; do
	grep -qE "^\.It Li .*\b$event\b" man/hookledger-{receiver,api,admin,courier}.8 || echo "$event"
done | rule "every event of the log is in the manual of the program that says it"

echo "1..$count"
echo "# $((count - failed)) passed, $failed failed"
((failed == 0))
