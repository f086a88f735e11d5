/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdlib.h>

#include "base/db_conninfo.h"

static void transports(void **state)
{
	static const struct {
		const char *conninfo;
		enum db_transport transport;
		const char *host;
	} cases[] = {
		{ "", DB_LOCAL, "" },
		{ "hookledger", DB_LOCAL, "" },
		{ "dbname=x", DB_LOCAL, "" },
		{ "host=/run/postgresql dbname=x", DB_LOCAL, "" },
		{ "host=@abstract", DB_LOCAL, "" },
		{ "host=localhost", DB_LOCAL, "" },
		{ "host=127.0.0.53 sslmode=disable", DB_LOCAL, "" },
		{ "host=::1", DB_LOCAL, "" },
		{ "postgresql://[::1]:5433/x", DB_LOCAL, "" },
		{ "host=db.example.org", DB_PLAIN, "db.example.org" },
		{ "host=db.example.org sslmode=prefer", DB_PLAIN, "db.example.org" },
		{ "host=10.0.0.5 sslmode=allow", DB_PLAIN, "10.0.0.5" },
		{ "host=/run/postgresql,db2 sslmode=disable", DB_PLAIN, "db2" },
		{ "host=localhost hostaddr=192.0.2.1", DB_PLAIN, "192.0.2.1" },
		{ "host=localhost.example.org", DB_PLAIN, "localhost.example.org" },
		{ "postgres://ada:geheim@db.example.org/x", DB_PLAIN, "db.example.org" },
		{ "postgres://ada:geheim@db.example.org/x?sslmode=require", DB_UNVERIFIED,
		  "db.example.org" },
		{ "host=db.example.org sslmode=verify-ca", DB_VERIFIED, "db.example.org" },
		{ "host=a,b sslmode=verify-full", DB_VERIFIED, "a" },
		{ "host='unfinished", DB_LOCAL, "" },
	};

	(void)state;
	unsetenv("PGSSLMODE");
	unsetenv("PGHOST");
	unsetenv("PGHOSTADDR");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf host = { 0 };
		enum db_transport transport = db_transport(cases[i].conninfo, &host);

		assert_int_equal(transport, cases[i].transport);
		assert_string_equal(buf_text(&host), cases[i].host);
		buf_done(&host);
	}
	setenv("PGSSLMODE", "verify-full", 1);
	setenv("PGHOST", "db.example.org", 1);
	for (int i = 0; i < 2; i++) {
		struct buf host = { 0 };

		assert_int_equal(db_transport(i ? "dbname=x" : "host=other sslmode=require", &host),
				 i ? DB_VERIFIED : DB_UNVERIFIED);
		assert_string_equal(buf_text(&host), i ? "db.example.org" : "other");
		buf_done(&host);
	}
	unsetenv("PGSSLMODE");
	unsetenv("PGHOST");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transports),
	};

	return cmocka_run_group_tests_name("db_conninfo", tests, NULL, NULL);
}
