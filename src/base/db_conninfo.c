/* SPDX-License-Identifier: ISC */
#include "base/db_conninfo.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "base/db_internal.h"

/* libpq's rule: a string without "=" that is no URI is the name of a database. */
static bool is_name_only(const char *conninfo)
{
	return !strchr(conninfo, '=') && strncmp(conninfo, "postgresql://", 13) != 0 &&
	       strncmp(conninfo, "postgres://", 11) != 0;
}

/* A password in a URI with an unescaped @ or / ends there for libpq: the rest of it becomes
   part of the host or of the port. */
static bool is_misread(const PQconninfoOption *one)
{
	const char *at;

	if (strcmp(one->keyword, "port") == 0)
		return strspn(one->val, "0123456789, ") < strlen(one->val);
	if (strcmp(one->keyword, "host") != 0)
		return false;
	/* a host that begins with @ is a socket in the abstract namespace */
	for (at = strchr(one->val, '@'); at && (at == one->val || at[-1] == ',');
	     at = strchr(at + 1, '@'))
		;
	return at;
}

bool db_conninfo_is_readable(const char *conninfo)
{
	PQconninfoOption *all;
	char *why = NULL;
	bool fine;

	if (is_name_only(conninfo))
		return !strpbrk(conninfo, "@:/");
	all = PQconninfoParse(conninfo, &why);
	fine = all;
	for (PQconninfoOption *one = all; one && one->keyword; one++)
		fine = fine && (!one->val || !is_misread(one));
	PQconninfoFree(all);
	PQfreemem(why);
	return fine;
}

/* Appends the options of the connection string, or else of the environment. Some hosting
   companies need theirs to find the database, and ours would replace them. */
static void write_given_options(struct buf *out, const char *conninfo)
{
	PQconninfoOption *all = PQconninfoParse(conninfo, NULL);
	const char *given = getenv("PGOPTIONS");

	for (PQconninfoOption *one = all; one && one->keyword; one++)
		if (strcmp(one->keyword, "options") == 0 && one->val)
			given = one->val;
	if (given && *given)
		buf_addf(out, "%s ", given);
	PQconninfoFree(all);
}

/* The settings that change how PostgreSQL reads our SQL, what it does or how it writes results.
   postgresql.conf, ALTER DATABASE or ALTER ROLE may have set them; the options of a connection
   override all three. Settings that only cost time, or that only a superuser may change, are
   not here. */
static const char pins[] =
	"-c standard_conforming_strings=on -c backslash_quote=safe_encoding -c "
	"escape_string_warning=on "
	"-c array_nulls=on -c transform_null_equals=off -c quote_all_identifiers=off -c "
	"check_function_bodies=on "
	"-c DateStyle=ISO,MDY -c IntervalStyle=postgres -c TimeZone=UTC -c extra_float_digits=1 -c "
	"bytea_output=hex "
	"-c xmlbinary=base64 -c xmloption=content -c lc_monetary=C -c lc_numeric=C -c lc_time=C "
	"-c default_transaction_read_only=off -c default_transaction_deferrable=off "
	"-c default_transaction_isolation=read\\ committed -c row_security=on -c "
	"search_path=pg_catalog,public "
	"-c default_table_access_method=heap -c lock_timeout=0 -c "
	"idle_in_transaction_session_timeout=0";

void db_write_options(struct buf *out, const char *conninfo, int64_t deadline_ms)
{
	buf_addf(out, "%s ", pins);
	write_given_options(out, conninfo);
	/* The server ends a statement that its caller gave up. Without this, such statements
	   pile up behind a lock. */
	buf_addf(out, "-c statement_timeout=%lld", (long long)(deadline_ms > 0 ? deadline_ms : 0));
}

static void pin(const char *name, const char *value)
{
	const char *now = getenv(name);

	if (!now || strcmp(now, value) != 0)
		setenv(name, value, 1);
}

/* Several clients share a session of a pooler, so a client cannot set anything for it, and the
   pooler refuses "options". libpq sends these two as parameters of the connection, which
   pgbouncer keeps for each client. hookledger migrate and doctor check the other settings. */
void db_pin_pooled(void)
{
	pin("PGDATESTYLE", "ISO, MDY");
	pin("PGTZ", "UTC");
}

/* The value of an option in the string, or else in libpq's defaults and environment. */
static const char *option(const PQconninfoOption *given, const PQconninfoOption *defaults,
			  const char *keyword)
{
	for (; given && given->keyword; given++)
		if (strcmp(given->keyword, keyword) == 0 && given->val)
			return given->val;
	for (; defaults && defaults->keyword; defaults++)
		if (strcmp(defaults->keyword, keyword) == 0 && defaults->val)
			return defaults->val;
	return "";
}

/* libpq takes a name that begins with / or @ for a socket. */
static bool is_local(struct str host)
{
	return !host.len || host.at[0] == '/' || host.at[0] == '@' ||
	       str_equal_nocase(host, "localhost") || str_starts(host, "127.") ||
	       str_is(host, "::1");
}

enum db_transport db_transport(const char *conninfo, struct buf *host)
{
	PQconninfoOption *given = is_name_only(conninfo) ? NULL : PQconninfoParse(conninfo, NULL),
			 *defaults = PQconndefaults();
	const char *mode = option(given, defaults, "sslmode");
	struct str hosts = str_of(option(given, defaults, "hostaddr"));
	enum db_transport transport = DB_LOCAL;

	if (!given && !is_name_only(conninfo))
		goto done;
	if (!hosts.len)
		hosts = str_of(option(given, defaults, "host"));
	while (hosts.len && transport == DB_LOCAL) {
		struct str one = str_trim(str_cut(&hosts, ','));

		if (is_local(one))
			continue;
		transport = strcmp(mode, "verify-full") == 0 || strcmp(mode, "verify-ca") == 0
				    ? DB_VERIFIED
			    : strcmp(mode, "require") == 0 ? DB_UNVERIFIED
							   : DB_PLAIN;
		buf_add_str(host, one);
	}
done:
	PQconninfoFree(given);
	PQconninfoFree(defaults);
	return transport;
}
