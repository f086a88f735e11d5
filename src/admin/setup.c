/* SPDX-License-Identifier: ISC */
/* The first visit, for hosts without a shell: who knows the set-up token of the
   settings makes the tables and the owner. Over as soon as there is an operator. */
#include "admin/admin.h"
#include "admin/admin_conf.h"

#include "base/clock.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "http/http_server.h"
#include "base/json.h"
#include "base/log.h"
#include "base/throttle.h"
#include "ledger/catalog.h"
#include "ledger/ledger_conf.h"
#include "ledger/migration.h"

enum { TOKEN_MIN = 20, TOKEN_MAX = 1000, WORD_MAX = 400, OWNER_WAIT_MS = 10000 };

/* As for one name from one address at login. */
enum { TRIES_BURST = 10, TRIES_PER_MINUTE = 2 };

/* An empty database has no such function, or no such schema. Any other error says nothing about
   what is in it: an installed one may be away, or refuse logins. */
static bool has_no_tables(const struct db *db)
{
	struct str state = str_of(db_sqlstate(db));

	return str_is(state, "42883") || str_is(state, "3F000");
}

bool admin_setup_is_due(struct admin *admin, struct http_req *req, bool *is_due)
{
	struct db_rows *found = NULL;
	enum err err;

	*is_due = false;
	if (!admin_conf(admin->conf)->setup_token)
		return true;
	err = admin_db_call(admin, "admin.has_operators", NULL, &found);
	if (!err)
		*is_due = !db_bool(found, 0, "has_operators");
	else if (has_no_tables(admin->db))
		*is_due = true;
	else
		admin_refuse_failed(admin, req, "has_operators", err);
	db_rows_free(found);
	return !err || *is_due;
}

void admin_setup_look(struct admin *admin, struct http_req *req, const struct visit *visit,
		      const struct route_match *match)
{
	bool is_due;

	(void)visit, (void)match;
	if (admin_setup_is_due(admin, req, &is_due))
		admin_answer(req, 200, NULL,
			     str_of(is_due ? "{\"needed\":true}" : "{\"needed\":false}"));
}

/* Digests are compared: of two texts the length alone would tell something. */
static bool is_token(const struct conf *conf, struct str said)
{
	unsigned char ours[DIGEST_BYTES], theirs[DIGEST_BYTES];

	crypto_digest(str_of(admin_conf(conf)->setup_token), ours);
	crypto_digest(said, theirs);
	return crypto_equal(ours, theirs, sizeof(ours));
}

/* As the owner of the schemas, which is another login where roles are used. */
static bool migrate(struct admin *admin, struct http_req *req)
{
	struct db_options options = {
		.conninfo = conf_database(admin->conf, "owner"),
		.program = "hookledger-admin",
		.deadline_ms = admin->conf->db_deadline_ms,
	};
	struct migration migration = { .db = db_open(&options), .conf = admin->conf };
	struct buf message = { 0 };
	enum migration_end end = MIGRATION_REFUSED;

	if (db_wait(migration.db, OWNER_WAIT_MS))
		buf_addf(&migration.problem, "the database cannot be reached: %s",
			 db_problem(migration.db));
	else
		end = migration_run(&migration);
	if (end != MIGRATION_DONE) {
		/* the log names the file, the page does not */
		catalog_begin(&message, "setup.no_tables");
		if (end != MIGRATION_NO_FILES)
			json_put_text(&message, "problem", buf_str(&migration.problem));
		json_end(&message);
		log_write(LOG_ERROR, "setup_failed",
			  (struct log_field[]){ log_text("why", buf_text(&migration.problem)),
						log_end() });
		admin_refuse_message(req, 503, NULL, buf_str(&message));
	}
	buf_done(&message);
	buf_done(&migration.problem);
	db_close(migration.db);
	return end == MIGRATION_DONE;
}

/* Guesses are counted for each network beside the spool: without tables there is no
   other place, and where a process serves one request, none in memory. */
static int64_t count_try(const struct admin *admin, const struct visit *visit)
{
	static struct log_gate gate;
	struct buf path = { 0 }, network = { 0 };
	struct throttle_options options = { .burst = TRIES_BURST, .per_minute = TRIES_PER_MINUTE };
	int64_t wait_s;

	buf_addf(&path, "%s/setup-tries", ledger_conf(admin->conf)->spool_dir);
	options.path = buf_text(&path);
	admin_network(visit, &network);
	wait_s = throttle_take(&options, buf_str(&network), clock_now_us());
	if (wait_s && log_gate_passes(&gate, 1))
		log_write(LOG_WARN, "setup_token_guessed",
			  (struct log_field[]){ log_str("client", buf_str(&visit->client)),
						log_end() });
	buf_done(&path);
	buf_done(&network);
	return wait_s;
}

void admin_setup_do(struct admin *admin, struct http_req *req, const struct visit *visit,
		    const struct route_match *match)
{
	const struct conf *conf = admin->conf;
	struct db_args *args = db_args_new();
	struct db_rows *made = NULL;
	struct buf token = { 0 }, name = { 0 }, zone = { 0 }, kept = { 0 };
	int64_t wait_s;
	bool is_due;

	(void)match;
	if (!admin_conf(conf)->setup_token) {
		admin_refuse(req, 403, "setup.no_token");
		goto done;
	}
	if (str_of(admin_conf(conf)->setup_token).len < TOKEN_MIN) {
		admin_refuse(req, 403, "setup.token_short");
		goto done;
	}
	if (!admin_text(req, visit, "token", TOKEN_MAX, &token))
		goto done;
	if ((wait_s = count_try(admin, visit)) > 0) {
		admin_refuse_hurry(req, wait_s);
		goto done;
	}
	if (!is_token(conf, buf_str(&token))) {
		admin_refuse(req, 403, "setup.token_wrong");
		goto done;
	}
	if (!admin_setup_is_due(admin, req, &is_due))
		goto done;
	if (!is_due) {
		admin_refuse(req, 409, "setup.done");
		goto done;
	}
	if (!admin_text(req, visit, "name", WORD_MAX, &name) ||
	    !admin_text(req, visit, "zone", WORD_MAX, &zone) ||
	    !admin_new_password(req, visit, "password", buf_str(&name), &kept) ||
	    !migrate(admin, req))
		goto done;
	db_arg_text(args, buf_str(&name));
	db_arg_text(args, buf_str(&zone));
	db_arg_text(args, buf_str(&kept));
	db_arg_text(args, buf_str(&visit->client));
	if (db_wait(admin->db, OWNER_WAIT_MS)) {
		admin_refuse(req, 503, "setup.database_away");
		goto done;
	}
	if (!admin_ask_with(admin, req, "admin.setup", args, &made))
		admin_session_start(admin, req, visit, db_int(made, 0, "setup"), (struct str){ 0 },
				    NULL);
done:
	mem_wipe(token.at, token.len);
	buf_done(&token);
	buf_done(&name);
	buf_done(&zone);
	buf_done(&kept);
	db_rows_free(made);
	db_args_free(args);
}
