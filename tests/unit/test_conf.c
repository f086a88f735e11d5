/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <ctype.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/conf.h"
#include "http/http_conf.h"
#include "ledger/ledger_conf.h"
#include "receiver/receiver_conf.h"
#include "scratch.h"

extern char **environ;

static const char key_a[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/* Only settings of the test may have an effect. */
static int without_environment(void **state)
{
	char *ours[100];
	size_t count = 0;

	(void)state;
	for (char **env = environ; *env && count < 100; env++)
		if (strncmp(*env, "HOOKLEDGER_", 11) == 0)
			ours[count++] = strdup(*env);
	for (size_t i = 0; i < count; i++) {
		*strchr(ours[i], '=') = '\0';
		unsetenv(ours[i]);
		free(ours[i]);
	}
	scratch_make();
	return 0;
}

static int with_nothing_left(void **state)
{
	(void)state;
	scratch_remove();
	return without_environment(state) || (scratch_remove(), 0);
}

static enum err load_text(struct conf *conf, struct str text, struct buf *problem)
{
	return conf_load(conf, scratch_write("hookledger.conf", text.at, text.len), problem);
}

static void a_file_is_read(void **state)
{
	struct buf problem = { 0 };
	struct conf conf = { 0 };

	(void)state;
	assert_err(
		ERR_NONE,
		load_text(&conf,
			  LIT("# a comment\n"
			      "\n"
			      "   \t\n"
			      "database = host=/run/postgresql password=a#b=c 'd  e'\n"
			      "\tdb_pooled=yes\r\n"
			      "  db_deadline_ms   =   50  \n"
			      "db_deadline_ms = 250\n"
			      "master_key = "
			      "000102030405060708090A0B0C0D0E0F101112131415161718191a1b1c1d1e1f\n"
			      "base_path = /~user/hookledger\n"
			      "public_url =\n"
			      "log_level = debug"),
			  &problem));
	assert_string_equal("", buf_text(&problem));
	assert_string_equal("host=/run/postgresql password=a#b=c 'd  e'", conf.database);
	assert_true(conf.db_pooled);
	assert_int_equal(250, conf.db_deadline_ms);
	assert_non_null(conf.master_key);
	assert_string_equal("/~user/hookledger", conf.base_path);
	assert_null(conf.public_url);
	assert_int_equal(LOG_DEBUG, conf_log_level(&conf));
	/* not in the file */
	assert_false(conf.db_roles);
	assert_int_equal(1048576, receiver_conf(&conf)->body_max_bytes);
	assert_int_equal(128, http_conf(&conf)->batch_max);
	assert_non_null(ledger_conf(&conf)->spool_dir);
	conf_done(&conf);
	assert_null(conf.database);
}

/* A byte order mark, line ends of Windows, blanks: they are accepted, and dropped bytes are
   reported. */
static void what_editors_add_is_left_out(void **state)
{
	struct buf problem = { 0 }, heard = { 0 };
	struct conf conf = { 0 };

	(void)state;
	scratch_hush();
	assert_err(ERR_NONE, load_text(&conf,
				       LIT("\xef\xbb\xbf"
					   "db_pooled = yes\r\ndatabase = host=x \t\r\n\r\n"),
				       &problem));
	scratch_heard(&heard);
	assert_true(conf.db_pooled);
	assert_string_equal(conf.database, "host=x");
	assert_non_null(strstr(buf_text(&heard), "byte order mark"));
	assert_non_null(strstr(buf_text(&heard), "carriage returns"));
	conf_done(&conf);
	assert_err(ERR_INPUT,
		   load_text(&conf, LIT("public_url = https://a.example /b\n"), &problem));
	assert_non_null(strstr(buf_text(&problem), "public_url contains a blank"));
	buf_done(&problem);
	buf_done(&heard);
}

static void every_error_says_where_and_what(void **state)
{
	const struct {
		struct str text;
		const char *says;
	} cases[] = {
		{ LIT("nonsense\n"), "line 1: is not of the form `key = value`" },
		{ LIT("\n\nlog_levl = info\n"), "line 3: has an unknown setting \"log_levl\"" },
		{ LIT("= 5\n"), "line 1: has an unknown setting \"\"" },
		{ LIT("Database = x\n"), "unknown setting \"Database\"" },
		{ LIT("db_pooled = true\n"), "line 1: db_pooled must be yes or no" },
		{ LIT("db_pooled =\n"), "db_pooled must be yes or no" },
		{ LIT("batch_max = many\n"), "batch_max must be a whole number from 1 to 10000" },
		{ LIT("batch_max = 0\n"), "batch_max must be a whole number from 1 to 10000" },
		{ LIT("batch_max = 10001\n"), "batch_max must be" },
		{ LIT("batch_max =\n"), "batch_max must be" },
		{ LIT("batch_max = 1 # few\n"), "batch_max must be" },
		{ LIT("body_max_bytes = 1MB\n"),
		  "body_max_bytes must be a whole number from 1024 to 67108864" },
		{ LIT("spool_max_bytes = 9223372036854775808\n"),
		  "spool_max_bytes must be a whole number of at least 4096" },
		{ LIT("db_deadline_ms = -1\n"),
		  "db_deadline_ms must be a whole number from 50 to 60000" },
		{ LIT("log_level = loud\n"), "log_level must be error, warn, info or debug" },
		{ LIT("base_path = hooks\n"), "base_path must begin with a slash" },
		{ LIT("base_path = /hooks/\n"), "base_path must begin with a slash" },
		{ LIT("base_path = /\n"), "base_path must begin with a slash" },
		{ LIT("trusted_proxies = 10.0.0.1/8\n"),
		  "trusted_proxies: \"10.0.0.1/8\" is no network but an address in one; the "
		  "network is 10.0.0.0/8" },
		{ LIT("allowed_networks = localhost\n"),
		  "allowed_networks: \"localhost\" is neither" },
		{ LIT("database = a\0b\n"), "database contains a NUL byte" },
		{ LIT("spool_dir = \"/var/spool\"\n"),
		  "spool_dir begins with a quote; write the value without quotes" },
		{ LIT("master_key = 0001\n"), "master_key must be 64 hex digits" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf problem = { 0 };
		struct conf conf = { .db_deadline_ms = 77 };

		assert_err(ERR_INPUT, load_text(&conf, cases[i].text, &problem));
		assert_has(&problem, cases[i].says);
		assert_has(&problem, "/hookledger.conf line ");
		assert_int_equal(77, conf.db_deadline_ms);
		assert_null(conf.path);
		buf_done(&problem);
	}
}

/* Messages about any wrong file contain no secret and no control byte for a terminal. */
static void a_problem_never_shows_a_secret(void **state)
{
	const struct str cases[] = {
		LIT("master_key = s3cret\n"),
		LIT("master_key_previous = "
		    "s3cret-and-more-than-64-digits-000000000000000000000000000000000000\n"),
		LIT("database: postgresql://user:s3cret@host/db?sslmode=require\n"),
		LIT("database postgresql://user:s3cret@host/db?sslmode=require\n"),
		LIT("postgresql://user:s3cret@host/db?sslmode=require\n"),
		LIT("\"s3cret\" = x\n"),
		LIT("database = \"postgresql://user:s3cret@host/db\"\n"),
		LIT("database.owner = 'host=/run password=s3cret'\n"),
		LIT("\x1b[2Js3cret = 1\n"),
		LIT("s3cret\n"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf problem = { 0 };
		struct conf conf = { 0 };

		assert_err(ERR_INPUT, load_text(&conf, cases[i], &problem));
		assert_lacks(&problem, "s3cret");
		for (size_t c = 0; c < problem.len; c++)
			assert_in_range((unsigned char)problem.at[c], ' ', '~');
		buf_done(&problem);
	}
}

static void an_unreadable_file_is_named(void **state)
{
	struct buf problem = { 0 }, large = { 0 };
	struct conf conf = { 0 };

	(void)state;
	assert_err(ERR_INPUT, conf_load(&conf, "/nowhere/hookledger.conf", &problem));
	assert_has(&problem, "settings file /nowhere/hookledger.conf cannot be read: No such file");
	buf_clear(&problem);
	assert_err(ERR_INPUT, conf_load(&conf, "/tmp", &problem));
	assert_has(&problem, "settings file /tmp cannot be read");
	buf_clear(&problem);
	assert_err(ERR_INPUT, conf_load(&conf, "/dev/zero", &problem));
	assert_has(&problem, "/dev/zero is larger than 262144 bytes");
	buf_clear(&problem);
	for (int i = 0; i < 30000; i++)
		buf_add_text(&large, "# comment\n");
	assert_err(ERR_INPUT, load_text(&conf, buf_str(&large), &problem));
	assert_has(&problem, "is larger than");
	buf_done(&problem);
	buf_done(&large);
}

static void the_environment_comes_last(void **state)
{
	struct buf problem = { 0 };
	struct conf conf = { 0 };

	(void)state;
	setenv("HOOKLEDGER_DATABASE_RECEIVER", "host=receiver", 1);
	setenv("HOOKLEDGER_BATCH_MAX", "5", 1);
	setenv("HOOKLEDGER_PUBLIC_URL", "", 1);
	assert_err(ERR_NONE, load_text(&conf,
				       LIT("batch_max = 6\ndatabase = host=common\n"
					   "public_url = https://a.example\n"),
				       &problem));
	assert_int_equal(5, http_conf(&conf)->batch_max);
	assert_null(conf.public_url);
	assert_string_equal("host=receiver", conf_database(&conf, "receiver"));
	assert_string_equal("host=common", conf_database(&conf, "operator"));
	assert_string_equal("host=common", conf_database(&conf, "owner"));
	conf_done(&conf);

	setenv("HOOKLEDGER_BATCH_MAX", "five", 1);
	assert_err(ERR_INPUT, load_text(&conf, LIT(""), &problem));
	assert_has(&problem, "batch_max must be");
	assert_has(&problem, "(environment variable HOOKLEDGER_BATCH_MAX)");
	buf_clear(&problem);
	unsetenv("HOOKLEDGER_BATCH_MAX");

	setenv("HOOKLEDGER_MASTER_KEY", "s3cret", 1);
	assert_err(ERR_INPUT, load_text(&conf, LIT(""), &problem));
	assert_lacks(&problem, "s3cret");
	unsetenv("HOOKLEDGER_MASTER_KEY");
	buf_done(&problem);
}

static void a_variable_names_the_file(void **state)
{
	const char *path = scratch_write("other.conf", "batch_max = 9\n", 14);
	struct buf problem = { 0 };
	struct conf conf = { 0 };

	(void)state;
	setenv("HOOKLEDGER_CONF", path, 1);
	assert_err(ERR_NONE, conf_load(&conf, NULL, &problem));
	assert_int_equal(9, http_conf(&conf)->batch_max);
	assert_string_equal(path, conf.path);
	conf_done(&conf);
	/* an explicit value wins */
	assert_err(ERR_NONE, load_text(&conf, LIT("batch_max = 10\n"), &problem));
	assert_int_equal(10, http_conf(&conf)->batch_max);
	conf_done(&conf);
	setenv("HOOKLEDGER_CONF", "/nowhere/at/all", 1);
	assert_err(ERR_INPUT, conf_load(&conf, NULL, &problem));
	buf_done(&problem);
}

/* The sample is a valid file, with and without its settings commented out. */
static void the_sample_lists_all_and_is_valid(void **state)
{
	struct buf sample = { 0 }, live = { 0 }, shown = { 0 }, problem = { 0 };
	struct conf conf = { 0 };
	struct str rest;
	size_t settings = 0, shown_lines = 0;

	(void)state;
	conf_sample(&sample);
	assert_err(ERR_NONE, load_text(&conf, buf_str(&sample), &problem));
	conf_show(&conf, &shown);
	conf_done(&conf);

	for (rest = buf_str(&sample); rest.len;) {
		struct str line = str_cut(&rest, '\n');

		if (line.len > 1 && line.at[0] == '#' && islower((unsigned char)line.at[1])) {
			struct str key = { line.at + 1, line.len - 1 };
			struct buf wanted = { 0 };

			buf_add_str(&wanted, str_cut(&key, '='));
			buf_add_text(&wanted, "= ");
			assert_has(&shown, buf_text(&wanted));
			buf_done(&wanted);
			settings++;
			line.at++;
			line.len--;
		}
		buf_add_str(&live, line);
		buf_add_char(&live, '\n');
	}
	for (size_t i = 0; i < shown.len; i++)
		shown_lines += shown.at[i] == '\n';
	assert_int_equal(settings, shown_lines);
	assert_true(settings >= 20);
	assert_err(ERR_NONE, load_text(&conf, buf_str(&live), &problem));
	conf_done(&conf);
	buf_done(&sample);
	buf_done(&live);
	buf_done(&shown);
	buf_done(&problem);
}

static void secrets_are_not_shown(void **state)
{
	struct buf shown = { 0 }, problem = { 0 }, text = { 0 };
	struct conf conf = { 0 };

	(void)state;
	buf_addf(&text,
		 "master_key = %s\nmaster_key_previous = %s\ndatabase = password=s3cret\n"
		 "database.receiver = s3cret\ndatabase.operator = s3cret\n"
		 "database.owner = s3cret\npublic_url = https://a.example\n",
		 key_a, key_a);
	assert_err(ERR_NONE, load_text(&conf, buf_str(&text), &problem));
	conf_show(&conf, &shown);
	assert_lacks(&shown, "s3cret");
	assert_lacks(&shown, "00010203");
	assert_has(&shown, "master_key = (set)\n");
	assert_has(&shown, "database.owner = (set)\n");
	assert_has(&shown, "public_url = https://a.example\n");
	assert_has(&shown, "base_path = \n");
	conf_done(&conf);
	buf_done(&shown);
	buf_done(&problem);
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_is_read, without_environment,
						with_nothing_left),
		cmocka_unit_test_setup_teardown(what_editors_add_is_left_out, without_environment,
						with_nothing_left),
		cmocka_unit_test_setup_teardown(every_error_says_where_and_what,
						without_environment, with_nothing_left),
		cmocka_unit_test_setup_teardown(a_problem_never_shows_a_secret, without_environment,
						with_nothing_left),
		cmocka_unit_test_setup_teardown(an_unreadable_file_is_named, without_environment,
						with_nothing_left),
		cmocka_unit_test_setup_teardown(the_environment_comes_last, without_environment,
						with_nothing_left),
		cmocka_unit_test_setup_teardown(a_variable_names_the_file, without_environment,
						with_nothing_left),
		cmocka_unit_test_setup_teardown(the_sample_lists_all_and_is_valid,
						without_environment, with_nothing_left),
		cmocka_unit_test_setup_teardown(secrets_are_not_shown, without_environment,
						with_nothing_left),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
