/* SPDX-License-Identifier: ISC */
#include "base/conf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ip.h"
#include "base/conf_file.h"

#ifndef HL_SYSCONFDIR
#error "HL_SYSCONFDIR, HL_LOCALSTATEDIR and HL_DATADIR come from the Makefile"
#endif

enum type { TEXT, YESNO, NUMBER, KEY, LEVEL, PREFIX, NETWORKS };

struct setting {
	const char *key;
	enum type type;
	size_t field;	      /* offset in struct conf */
	const char *fallback; /* as it would stand in the file; NULL: not set */
	int64_t min, max;     /* of a NUMBER */
	bool secret;
	const char *help;
};

#define FIELD(name) offsetof(struct conf, name)

static const struct setting settings[] = {
	{ "database", TEXT, FIELD(database), NULL, 0, 0, true,
	  "PostgreSQL, as a libpq connection string or URI; several hosts may stand in it." },
	{ "database.receiver", TEXT, FIELD(database_receiver), NULL, 0, 0, true,
	  "The same for hookledger-receiver only, when it has a role of its own." },
	{ "database.operator", TEXT, FIELD(database_operator), NULL, 0, 0, true,
	  "The same for the command line." },
	{ "database.api", TEXT, FIELD(database_api), NULL, 0, 0, true,
	  "The same for hookledger-api." },
	{ "database.courier", TEXT, FIELD(database_courier), NULL, 0, 0, true,
	  "The same for hookledger-courier." },
	{ "database.admin", TEXT, FIELD(database_admin), NULL, 0, 0, true,
	  "The same for hookledger-admin." },
	{ "database.owner", TEXT, FIELD(database_owner), NULL, 0, 0, true,
	  "The same for `hookledger migrate`: the role that owns the schemas." },
	{ "db_pooled", YESNO, FIELD(db_pooled), "no", 0, 0, false,
	  "yes behind pgbouncer in transaction mode: no named statements, no session settings." },
	{ "db_deadline_ms", NUMBER, FIELD(db_deadline_ms), "3000", 50, 60000, false,
	  "The longest that a callback waits for the database before it goes to the spool." },
	{ "db_roles", YESNO, FIELD(db_roles), "no", 0, 0, false,
	  "yes: `hookledger migrate` makes a role for each program and grants it its functions "
	  "only." },
	{ "master_key", KEY, FIELD(master_key), NULL, 0, 0, true,
	  "64 hex digits that seal the secrets in the database (`openssl rand -hex 32`)." },
	{ "master_key_previous", KEY, FIELD(master_key_previous), NULL, 0, 0, true,
	  "The key before, while `hookledger reseal` has not finished with the new one." },
	{ "public_url", TEXT, FIELD(public_url), NULL, 0, 0, false,
	  "Scheme and host under which the world reaches the web server, for printing addresses." },
	{ "base_path", PREFIX, FIELD(base_path), NULL, 0, 0, false,
	  "Path in front of /hook/, such as /~user/hookledger on shared hosting." },
	{ "spool_dir", TEXT, FIELD(spool_dir), HL_LOCALSTATEDIR "/lib/hookledger/spool", 0, 0,
	  false,
	  "Folder for callbacks that arrive while the database is away; on a disk, writable by the "
	  "receiver." },
	{ "spool_max_bytes", NUMBER, FIELD(spool_max_bytes), "1073741824", 4096, INT64_MAX, false,
	  "Limit of that folder; above it callbacks are answered 503." },
	{ "spool_unjudged_max_bytes", NUMBER, FIELD(spool_unjudged_max_bytes), "16777216", 0,
	  INT64_MAX, false,
	  "Limit for callbacks kept before the secrets were ever known; 0 refuses them." },
	{ "spool_again_ms", NUMBER, FIELD(spool_again_ms), "10000", 10, 86400000, false,
	  "How long a callback of it that the database did not take alone waits, each time twice "
	  "as long." },
	{ "spool_late_s", NUMBER, FIELD(spool_late_s), "60", 1, 31536000, false,
	  "A callback that waits there longer is trouble, which the owner is told and health "
	  "says." },
	{ "body_max_bytes", NUMBER, FIELD(body_max_bytes), "1048576", 1024, 67108864, false,
	  "The largest callback body; above it the answer is 413." },
	{ "batch_max", NUMBER, FIELD(batch_max), "128", 1, 10000, false,
	  "The most callbacks recorded by one transaction." },
	{ "batch_max_bytes", NUMBER, FIELD(batch_max_bytes), "8388608", 65536, 268435456, false,
	  "The most bytes of bodies recorded by one transaction." },
	{ "request_timeout_ms", NUMBER, FIELD(request_timeout_ms), "30000", 100, 3600000, false,
	  "How long a request may take to arrive whole." },
	{ "connections_max", NUMBER, FIELD(connections_max), "4096", 1, 100000, false,
	  "The most connections from the web server that one process holds at once." },
	{ "cgi_connections", NUMBER, FIELD(cgi_connections), "4", 1, 1000, false,
	  "The most database connections of all plain CGI processes together." },
	{ "api_burst", NUMBER, FIELD(api_burst), "30", 1, 100000, false,
	  "Requests that an account may make at once from one address before its pace counts." },
	{ "api_per_minute", NUMBER, FIELD(api_per_minute), "60", 1, 6000000, false,
	  "That pace; above it the answer is 429." },
	{ "api_body_max_bytes", NUMBER, FIELD(api_body_max_bytes), "65536", 1024, 67108864, false,
	  "The largest body that the API takes." },
	{ "enterprise_requests", NUMBER, FIELD(enterprise_requests), "1000000", 0, 100000000, false,
	  "Requests an hour about its workspaces that an organization of plan enterprise is made "
	  "with." },
	{ "enterprise_user_requests", NUMBER, FIELD(enterprise_user_requests), "1000000", 0,
	  100000000, false, "Requests an hour about no workspace that it is made with." },
	{ "api_cors_origin", TEXT, FIELD(api_cors_origin), NULL, 0, 0, false,
	  "Origin of web pages that may use the API, such as https://app.example.org; not set: "
	  "none." },
	{ "setup_token", TEXT, FIELD(setup_token), NULL, 0, 0, true,
	  "20 characters or more of your own that make the first visit of the admin page yours; "
	  "then of no use." },
	{ "page_export_max", NUMBER, FIELD(page_export_max), "1000000", 1, 1000000000, false,
	  "The most events that one export of the admin page has; `hookledger event export` has no "
	  "such limit." },
	{ "page_exports", NUMBER, FIELD(page_exports), "2", 1, 64, false,
	  "Exports of the admin page at once on this host, and one for each operator; each has a "
	  "connection." },
	{ "page_connections", NUMBER, FIELD(page_connections), "4", 1, 64, false,
	  "The most database connections of the admin page's program for what the page shows; an "
	  "operator uses at most half." },
	{ "password_hashes", NUMBER, FIELD(password_hashes), "2", 1, 64, false,
	  "The most passwords that are computed at once on this host; each takes a tenth of a "
	  "second and 32 MiB." },
	{ "session_idle_hours", NUMBER, FIELD(session_idle_hours), "12", 1, 8760, false,
	  "A login to the admin page ends when it is not used for so long." },
	{ "session_max_hours", NUMBER, FIELD(session_max_hours), "168", 1, 87600, false,
	  "And after so long however much it is used." },
	{ "session_proof_minutes", NUMBER, FIELD(session_proof_minutes), "10", 1, 1440, false,
	  "What gives power to somebody (operators, tokens, secrets, set-up) asks for the password "
	  "again when it was given longer ago." },
	{ "handshake_timeout_ms", NUMBER, FIELD(handshake_timeout_ms), "5000", 100, 60000, false,
	  "How long a callback may take to answer the ping that proves it." },
	{ "allowed_networks", NETWORKS, FIELD(allowed_networks), NULL, 0, 0, false,
	  "Networks that callbacks to subscribers may go to although they are not public." },
	{ "ca_file", TEXT, FIELD(ca_file), NULL, 0, 0, false,
	  "Certificate authorities (PEM) for requests to subscribers, instead of the system's." },
	{ "trusted_proxies", NETWORKS, FIELD(trusted_proxies), NULL, 0, 0, false,
	  "Networks of the proxies in front of the web server: their X-Forwarded-For is "
	  "believed." },
	{ "delivery_timeout_ms", NUMBER, FIELD(delivery_timeout_ms), "10000", 100, 600000, false,
	  "How long an attempt to deliver may take: name, connection, request and answer." },
	{ "delivery_parallel", NUMBER, FIELD(delivery_parallel), "8", 1, 256, false,
	  "Requests at once to one subscriber; a subscription may have its own number." },
	{ "delivery_answer_max_bytes", NUMBER, FIELD(delivery_answer_max_bytes), "1000", 0, 65536,
	  false, "How much of a subscriber's answer is kept with the attempt." },
	{ "delivery_retry_first_ms", NUMBER, FIELD(delivery_retry_first_ms), "10000", 1, 86400000,
	  false, "The pause after the first attempt that failed, give or take a fifth." },
	{ "delivery_retry_factor", NUMBER, FIELD(delivery_retry_factor), "3", 1, 10, false,
	  "Each further pause is so many times the one before." },
	{ "delivery_retry_longest_ms", NUMBER, FIELD(delivery_retry_longest_ms), "14400000", 1,
	  604800000, false, "The longest pause, and the longest that Retry-After may ask for." },
	{ "delivery_give_up_ms", NUMBER, FIELD(delivery_give_up_ms), "259200000", 0, 31536000000,
	  false, "So long after its first attempt a delivery is given up." },
	{ "delivery_failing_ms", NUMBER, FIELD(delivery_failing_ms), "432000000", 0, 31536000000,
	  false, "A subscription whose attempts have all failed for so long is disabled." },
	{ "delivery_keep_days", NUMBER, FIELD(delivery_keep_days), "7", 1, 36500, false,
	  "How long deliveries are kept after their end, with their attempts." },
	{ "delivery_keep_dead_days", NUMBER, FIELD(delivery_keep_dead_days), "30", 1, 36500, false,
	  "The same for those that were given up." },
	{ "counters_keep_days", NUMBER, FIELD(counters_keep_days), "1100", 1, 36500, false,
	  "How long counters are kept: what was refused, by minute, and values of an odd type, by "
	  "day." },
	{ "courier_requests_max", NUMBER, FIELD(courier_requests_max), "512", 1, 10000, false,
	  "Requests at once of one courier, to all subscribers together." },
	{ "courier_poll_ms", NUMBER, FIELD(courier_poll_ms), "5000", 100, 3600000, false,
	  "How often a courier at rest looks for work that nobody woke it for." },
	{ "courier_lease_ms", NUMBER, FIELD(courier_lease_ms), "60000", 1000, 86400000, false,
	  "How long a courier's subscriptions wait for it when it dies; at least twice "
	  "delivery_timeout_ms and 2 s." },
	{ "toggl_webhooks_url", TEXT, FIELD(toggl_webhooks_url),
	  "https://api.track.toggl.com/webhooks/api/v1", 0, 0, false,
	  "Toggl's Webhooks API; another hookledger can play it." },
	{ "toggl_api_url", TEXT, FIELD(toggl_api_url), "https://api.track.toggl.com/api/v9", 0, 0,
	  false, "Toggl's Track API." },
	{ "toggl_timeout_ms", NUMBER, FIELD(toggl_timeout_ms), "30000", 100, 600000, false,
	  "How long a request to Toggl may take." },
	{ "toggl_hold_ms", NUMBER, FIELD(toggl_hold_ms), "25000", 0, 600000, false,
	  "How long the admin page waits for an answer from Toggl before it is told to look again "
	  "later." },
	{ "toggl_pace_ms", NUMBER, FIELD(toggl_pace_ms), "1000", 0, 60000, false,
	  "Between two requests to Toggl with one token, by all programs together." },
	{ "toggl_reserve", NUMBER, FIELD(toggl_reserve), "5", 0, 1000000, false,
	  "Requests of each quota window that are kept for work that somebody waits for." },
	{ "toggl_check_hours", NUMBER, FIELD(toggl_check_hours), "6", 0, 8760, false,
	  "How often the subscriptions at Toggl are compared with ours; 0: never." },
	{ "toggl_repair", YESNO, FIELD(toggl_repair), "no", 0, 0, false,
	  "yes: that look also mends what it finds different." },
	{ "mail_sendmail", TEXT, FIELD(mail_sendmail), "/usr/sbin/sendmail", 0, 0, false,
	  "Program that takes the e-mails which tell the owner what is wrong; unless smtp_url is "
	  "set." },
	{ "mail_from", TEXT, FIELD(mail_from), NULL, 0, 0, false,
	  "Their sender; not set: hookledger at the name of this host." },
	{ "smtp_url", TEXT, FIELD(smtp_url), NULL, 0, 0, false,
	  "Mail server that takes them instead, such as smtps://mail.example.org:465 or "
	  "smtp://localhost:25." },
	{ "smtp_user", TEXT, FIELD(smtp_user), NULL, 0, 0, false, "Name to log in there with." },
	{ "smtp_password", TEXT, FIELD(smtp_password), NULL, 0, 0, true,
	  "And password; it is sent by TLS only, or to this machine." },
	{ "watch_ms", NUMBER, FIELD(watch_ms), "60000", 100, 86400000, false,
	  "How often a courier looks whether something is wrong, to tell the owner." },
	{ "metrics_token", TEXT, FIELD(metrics_token), NULL, 0, 0, true,
	  "Bearer token with which Prometheus may read /admin/api/metrics; not set: nobody may." },
	{ "log_level", LEVEL, FIELD(log_level), "info", 0, 0, false,
	  "error, warn, info or debug." },
	{ "sandbox", YESNO, FIELD(sandbox), "yes", 0, 0, false,
	  "The programs give up the right to start others and to write outside spool_dir, where "
	  "the kernel can do that." },
	{ "sql_dir", TEXT, FIELD(sql_dir), HL_DATADIR "/sql", 0, 0, false,
	  "Where `hookledger migrate` finds the schema." },
};

enum { SETTINGS = sizeof(settings) / sizeof(settings[0]) };

static char **text_field(const struct conf *conf, const struct setting *s)
{
	return (char **)(void *)((char *)(uintptr_t)conf + s->field);
}

static int64_t *number_field(const struct conf *conf, const struct setting *s)
{
	return (int64_t *)(void *)((char *)(uintptr_t)conf + s->field);
}

static bool *yesno_field(const struct conf *conf, const struct setting *s)
{
	return (bool *)(void *)((char *)(uintptr_t)conf + s->field);
}

static bool is_text(const struct setting *s)
{
	return s->type != NUMBER && s->type != YESNO;
}

static bool is_url(const struct setting *s)
{
	size_t len = strlen(s->key);

	return len > 4 && strcmp(s->key + len - 4, "_url") == 0;
}

/* Checked here, where the line is known; ip_networks_reread() is for who uses it. */
static bool are_networks(const struct setting *s, struct str value, struct buf *problem)
{
	struct ip_networks networks = { 0 };
	struct buf wrong = { 0 };
	bool fine = ip_networks_read(&networks, value, &wrong) == ERR_NONE;

	if (!fine)
		buf_addf(problem, "%s: %s", s->key, buf_text(&wrong));
	ip_networks_done(&networks);
	buf_done(&wrong);
	return fine;
}

/* Puts the value into its field, or says into `problem` what is wrong with it. */
static bool apply(struct conf *conf, const struct setting *s, struct str value, struct buf *problem)
{
	unsigned char key[32];
	enum log_level level;
	int64_t number;
	bool fine = true;

	switch (s->type) {
	case NUMBER:
		fine = str_int(value, &number) && number >= s->min && number <= s->max;
		if (fine)
			*number_field(conf, s) = number;
		else if (s->max == INT64_MAX)
			buf_addf(problem, "%s must be a whole number of at least %lld", s->key,
				 (long long)s->min);
		else
			buf_addf(problem, "%s must be a whole number from %lld to %lld", s->key,
				 (long long)s->min, (long long)s->max);
		return fine;
	case YESNO:
		fine = str_is(value, "yes") || str_is(value, "no");
		if (fine)
			*yesno_field(conf, s) = str_is(value, "yes");
		else
			buf_addf(problem, "%s must be yes or no", s->key);
		return fine;
	case KEY:
		fine = value.len == 0 || hex_read(value, key, sizeof(key));
		mem_wipe(key, sizeof(key));
		if (!fine)
			buf_addf(problem,
				 "%s must be 64 hex digits; `openssl rand -hex 32` makes some",
				 s->key);
		break;
	case LEVEL:
		fine = log_level_read(value, &level);
		if (!fine)
			buf_addf(problem, "%s must be error, warn, info or debug", s->key);
		break;
	case PREFIX:
		/* anything else would never fit a path, and all callbacks get 404 */
		fine = value.len == 0 || (value.at[0] == '/' && value.at[value.len - 1] != '/' &&
					  !memchr(value.at, '\0', value.len));
		if (!fine)
			buf_addf(problem, "%s must begin with a slash and not end with one",
				 s->key);
		break;
	case NETWORKS:
		fine = are_networks(s, value, problem);
		break;
	case TEXT:
		/* libpq would take it for the name of a database, and its message
		   would tell the whole string with the password */
		fine = value.len == 0 || (value.at[0] != '"' && value.at[0] != '\'');
		if (!fine) {
			buf_addf(problem, "%s begins with a quote; write the value without quotes",
				 s->key);
			break;
		}
		fine = !memchr(value.at ? value.at : "", '\0', value.len);
		if (!fine) {
			buf_addf(problem, "%s contains a NUL byte", s->key);
			break;
		}
		for (size_t i = 0; fine && is_url(s) && i < value.len; i++)
			fine = (unsigned char)value.at[i] > ' ' && value.at[i] != 0x7f;
		if (!fine)
			buf_addf(problem, "%s contains a blank", s->key);
		break;
	}
	if (!fine)
		return false;
	free(*text_field(conf, s));
	*text_field(conf, s) = value.len ? mem_dup(value) : NULL;
	return true;
}

static const struct setting *by_key(struct str key)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (str_is(key, settings[i].key))
			return &settings[i];
	return NULL;
}

/* As much of a wrong line as looks like a key: what follows may be a password
   that stands in the wrong place, or bytes that move a terminal's cursor. */
static int key_like(struct str text)
{
	int len = 0;

	while ((size_t)len < text.len && len < 64 &&
	       (isalnum((unsigned char)text.at[len]) || strchr("_.-", text.at[len])) &&
	       text.at[len])
		len++;
	return len;
}

/* One line of the file: empty, a comment, or key = value. The value is all
   that follows, so that a password may hold '#' and '='. */
static bool apply_line(struct conf *conf, struct str line, struct buf *problem)
{
	const struct setting *s;
	struct str key;

	if (line.len && line.at[line.len - 1] == '\r')
		line.len--;
	line = str_trim(line);
	if (line.len == 0 || line.at[0] == '#')
		return true;
	if (!memchr(line.at, '=', line.len)) {
		buf_add_text(problem, "is not of the form `key = value`");
		return false;
	}
	key = str_trim(str_cut(&line, '='));
	s = by_key(key);
	if (!s) {
		buf_addf(problem,
			 "has an unknown setting \"%.*s\"; `hookledger conf --sample` lists all",
			 key_like(key), key.at);
		return false;
	}
	return apply(conf, s, str_trim(line), problem);
}

/* An editor put them there; they are left out, and whoever wonders can see it. */
static void say_dropped(const char *path, const char *what)
{
	log_write(
		LOG_WARN, "settings_file_bytes_dropped",
		(struct log_field[]){ log_text("path", path), log_text("what", what), log_end() });
}

static bool apply_file(struct conf *conf, const char *path, int fd, struct buf *problem)
{
	struct buf text = { 0 }, wrong = { 0 };
	struct str rest;
	bool fine = conf_file_read(path, fd, &text, problem) == ERR_NONE;

	rest = buf_str(&text);
	if (str_starts(rest, "\xef\xbb\xbf")) {
		rest.at += 3;
		rest.len -= 3;
		say_dropped(path, "a byte order mark");
	}
	if (rest.len && memchr(rest.at, '\r', rest.len))
		say_dropped(path, "carriage returns at the ends of lines");
	for (int line = 1; fine && rest.len; line++) {
		fine = apply_line(conf, str_cut(&rest, '\n'), &wrong);
		if (!fine)
			buf_addf(problem, "%s line %d: %s", path, line, buf_text(&wrong));
	}
	mem_wipe(text.at, text.len);
	buf_done(&text);
	buf_done(&wrong);
	return fine;
}

static bool apply_environment(struct conf *conf, struct buf *problem)
{
	for (size_t i = 0; i < SETTINGS; i++) {
		struct buf name = { 0 };
		const char *value;
		bool fine = true;

		buf_add_text(&name, "HOOKLEDGER_");
		for (const char *c = settings[i].key; *c; c++)
			buf_add_char(&name, *c == '.' ? '_' : (char)toupper((unsigned char)*c));
		value = getenv(buf_text(&name));
		if (value)
			fine = apply(conf, &settings[i], str_of(value), problem);
		if (!fine)
			buf_addf(problem, " (environment variable %s)", buf_text(&name));
		buf_done(&name);
		if (!fine)
			return false;
	}
	return true;
}

enum err conf_load(struct conf *conf, const char *path, struct buf *problem)
{
	const char *standard = HL_SYSCONFDIR "/hookledger.conf";
	struct conf fresh = { 0 };
	struct buf own = { 0 };
	bool fine = true;
	int fd = -1;

	for (size_t i = 0; i < SETTINGS; i++)
		if (settings[i].fallback)
			fine = fine &&
			       apply(&fresh, &settings[i], str_of(settings[i].fallback), problem);
	if (!path || !*path)
		path = getenv("HOOKLEDGER_CONF");
	if ((!path || !*path) && access(standard, F_OK) == 0)
		path = standard;
	if (path && *path) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		fresh.path = mem_dup(str_of(path));
	} else if (conf_file_open_home(&fd, &own, problem)) {
		fine = false;
	} else if (fd >= 0) {
		fresh.path = mem_dup(buf_str(&own));
	}
	if (fresh.path)
		fine = apply_file(&fresh, fresh.path, fd, problem) && fine;
	buf_done(&own);
	fine = fine && apply_environment(&fresh, problem);
	if (!fine) {
		conf_done(&fresh);
		return ERR_INPUT;
	}
	*conf = fresh;
	return ERR_NONE;
}

void conf_done(struct conf *conf)
{
	for (size_t i = 0; i < SETTINGS; i++) {
		char **text = text_field(conf, &settings[i]);

		if (!is_text(&settings[i]))
			continue;
		if (*text && settings[i].secret)
			mem_wipe(*text, strlen(*text));
		free(*text);
	}
	free(conf->path);
	*conf = (struct conf){ 0 };
}

const char *conf_database(const struct conf *conf, const char *program)
{
	const char *own = NULL;

	if (strcmp(program, "receiver") == 0)
		own = conf->database_receiver;
	else if (strcmp(program, "operator") == 0)
		own = conf->database_operator;
	else if (strcmp(program, "api") == 0)
		own = conf->database_api;
	else if (strcmp(program, "courier") == 0)
		own = conf->database_courier;
	else if (strcmp(program, "admin") == 0)
		own = conf->database_admin;
	else if (strcmp(program, "owner") == 0)
		own = conf->database_owner;
	return own ? own : conf->database;
}

enum log_level conf_log_level(const struct conf *conf)
{
	enum log_level level = LOG_INFO;

	/* checked when it was read */
	if (!log_level_read(str_of(conf->log_level), &level))
		return LOG_INFO;
	return level;
}

void conf_sample(struct buf *out)
{
	buf_add_text(
		out,
		"# hookledger.conf: settings of all hookledger programs; see hookledger.conf(5).\n"
		"# It holds secrets: chmod 0640, owned by root, group of the web server.\n");
	for (size_t i = 0; i < SETTINGS; i++) {
		const struct setting *s = &settings[i];

		buf_addf(out, "\n# %s\n#%s = %s\n", s->help, s->key,
			 s->fallback ? s->fallback : "");
	}
}

void conf_show(const struct conf *conf, struct buf *out)
{
	for (size_t i = 0; i < SETTINGS; i++) {
		const struct setting *s = &settings[i];

		buf_addf(out, "%s = ", s->key);
		if (s->type == NUMBER)
			buf_addf(out, "%lld", (long long)*number_field(conf, s));
		else if (s->type == YESNO)
			buf_add_text(out, *yesno_field(conf, s) ? "yes" : "no");
		else if (*text_field(conf, s))
			buf_add_text(out, s->secret ? "(set)" : *text_field(conf, s));
		buf_add_char(out, '\n');
	}
}
