/* SPDX-License-Identifier: ISC */
#include "base/conf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf_file.h"
#include "base/ip.h"

#ifndef HL_SYSCONFDIR
#error "HL_SYSCONFDIR, HL_LOCALSTATEDIR and HL_DATADIR come from the Makefile"
#endif

#define FIELD(name) offsetof(struct conf, name)

static const struct conf_row first_rows[] = {
	{ "database", CONF_TEXT, FIELD(database), NULL, 0, 0, true,
	  "PostgreSQL, as a libpq connection string or URI; it may contain several hosts." },
	{ "database.receiver", CONF_TEXT, FIELD(database_receiver), NULL, 0, 0, true,
	  "The same for hookledger-receiver only, if it has its own role." },
	{ "database.operator", CONF_TEXT, FIELD(database_operator), NULL, 0, 0, true,
	  "The same for the command line." },
	{ "database.api", CONF_TEXT, FIELD(database_api), NULL, 0, 0, true,
	  "The same for hookledger-api." },
	{ "database.courier", CONF_TEXT, FIELD(database_courier), NULL, 0, 0, true,
	  "The same for hookledger-courier." },
	{ "database.admin", CONF_TEXT, FIELD(database_admin), NULL, 0, 0, true,
	  "The same for hookledger-admin." },
	{ "database.owner", CONF_TEXT, FIELD(database_owner), NULL, 0, 0, true,
	  "The same for `hookledger migrate`: the role that owns the schemas." },
	{ "db_pooled", CONF_YESNO, FIELD(db_pooled), "no", 0, 0, false,
	  "yes behind pgbouncer in transaction mode: no named statements, no session settings." },
	{ "db_deadline_ms", CONF_NUMBER, FIELD(db_deadline_ms), "3000", 50, 60000, false,
	  "The longest time that a callback waits for the database before it goes to the spool." },
	{ "db_roles", CONF_YESNO, FIELD(db_roles), "no", 0, 0, false,
	  "yes: `hookledger migrate` makes a role for each program and grants it only its "
	  "functions." },
	{ "master_key", CONF_KEY, FIELD(master_key), NULL, 0, 0, true,
	  "64 hex digits that seal the secrets in the database (`openssl rand -hex 32`)." },
	{ "master_key_previous", CONF_KEY, FIELD(master_key_previous), NULL, 0, 0, true,
	  "The previous key, until `hookledger reseal` has sealed everything with the new one." },
	{ "public_url", CONF_TEXT, FIELD(public_url), NULL, 0, 0, false,
	  "Public scheme and host of the web server, for callback addresses." },
	{ "base_path", CONF_PREFIX, FIELD(base_path), NULL, 0, 0, false,
	  "Path in front of /hook/, such as /~user/hookledger on shared hosting." },
};

const struct conf_table conf_table_first = { NULL, first_rows,
					     sizeof(first_rows) / sizeof(first_rows[0]) };

static const struct conf_row last_rows[] = {
	{ "log_level", CONF_LEVEL, FIELD(log_level), "info", 0, 0, false,
	  "error, warn, info or debug." },
	{ "sandbox", CONF_YESNO, FIELD(sandbox), "yes", 0, 0, false,
	  "The programs give up the right to start others and to write outside spool_dir, if the "
	  "kernel supports it." },
};

const struct conf_table conf_table_last = { NULL, last_rows,
					    sizeof(last_rows) / sizeof(last_rows[0]) };

/* ---- all settings */

/* A row and the table that it stands in; row NULL: behind the last one. */
struct setting {
	const struct conf_table *const *table;
	const struct conf_row *row;
};

static struct setting first_setting(void)
{
	return (struct setting){ conf_tables, conf_tables[0]->rows };
}

static void next_setting(struct setting *s)
{
	if (++s->row < (*s->table)->rows + (*s->table)->count)
		return;
	s->table++;
	s->row = *s->table ? (*s->table)->rows : NULL;
}

/* Makes room for the values of a part, once. */
static void add_part(struct conf *conf, const struct conf_part *part)
{
	size_t i = 0;

	while (i < CONF_PARTS_MAX && conf->parts[i].part && conf->parts[i].part != part)
		i++;
	if (i == CONF_PARTS_MAX)
		abort();
	if (conf->parts[i].part)
		return;
	conf->parts[i].part = part;
	conf->parts[i].values = mem_zero(1, part->size);
}

/* NULL: nothing was loaded. */
static void *find_part(const struct conf *conf, const struct conf_part *part)
{
	for (size_t i = 0; i < CONF_PARTS_MAX; i++)
		if (conf->parts[i].part == part)
			return conf->parts[i].values;
	return NULL;
}

const void *conf_part(const struct conf *conf, const struct conf_part *part)
{
	const void *values = find_part(conf, part);

	if (!values)
		abort();
	return values;
}

/* Where the value is: in struct conf, or in the struct of the part. */
static void *value_of(const struct conf *conf, const struct setting *s)
{
	const struct conf_part *part = (*s->table)->part;
	char *values = part ? find_part(conf, part) : (void *)(uintptr_t)conf;

	return values ? values + s->row->field : NULL;
}

/* ---- one value */

static bool is_text(const struct setting *s)
{
	return s->row->type != CONF_NUMBER && s->row->type != CONF_YESNO;
}

static bool is_url(const struct setting *s)
{
	size_t len = strlen(s->row->key);

	return len > 4 && strcmp(s->row->key + len - 4, "_url") == 0;
}

/* Checked here, where the line is known. A program that uses the value reads it again with
   ip_networks_reread(). */
static bool are_networks(const struct setting *s, struct str value, struct buf *problem)
{
	struct ip_networks networks = { 0 };
	struct buf wrong = { 0 };
	bool fine = ip_networks_read(&networks, value, &wrong) == ERR_NONE;

	if (!fine)
		buf_addf(problem, "%s: %s", s->row->key, buf_text(&wrong));
	ip_networks_done(&networks);
	buf_done(&wrong);
	return fine;
}

/* Puts the value into its field. false: the value is wrong, and *problem says why. */
static bool apply(struct conf *conf, const struct setting *s, struct str value, struct buf *problem)
{
	unsigned char key[32];
	enum log_level level;
	int64_t number;
	bool fine = true;
	char **text;

	switch (s->row->type) {
	case CONF_NUMBER:
		fine = str_int(value, &number) && number >= s->row->min && number <= s->row->max;
		if (fine)
			*(int64_t *)value_of(conf, s) = number;
		else if (s->row->max == INT64_MAX)
			buf_addf(problem, "%s must be a whole number of at least %lld", s->row->key,
				 (long long)s->row->min);
		else
			buf_addf(problem, "%s must be a whole number from %lld to %lld",
				 s->row->key, (long long)s->row->min, (long long)s->row->max);
		return fine;
	case CONF_YESNO:
		fine = str_is(value, "yes") || str_is(value, "no");
		if (fine)
			*(bool *)value_of(conf, s) = str_is(value, "yes");
		else
			buf_addf(problem, "%s must be yes or no", s->row->key);
		return fine;
	case CONF_KEY:
		fine = value.len == 0 || hex_read(value, key, sizeof(key));
		mem_wipe(key, sizeof(key));
		if (!fine)
			buf_addf(problem,
				 "%s must be 64 hex digits; `openssl rand -hex 32` makes some",
				 s->row->key);
		break;
	case CONF_LEVEL:
		fine = log_level_read(value, &level);
		if (!fine)
			buf_addf(problem, "%s must be error, warn, info or debug", s->row->key);
		break;
	case CONF_PREFIX:
		/* any other prefix matches no path: all callbacks would get 404 */
		fine = value.len == 0 || (value.at[0] == '/' && value.at[value.len - 1] != '/' &&
					  !memchr(value.at, '\0', value.len));
		if (!fine)
			buf_addf(problem, "%s must begin with a slash and not end with one",
				 s->row->key);
		break;
	case CONF_NETWORKS:
		fine = are_networks(s, value, problem);
		break;
	case CONF_TEXT:
		/* libpq takes a quoted connection string for the name of a database, and its
		   message shows all of it, with the password */
		fine = value.len == 0 || (value.at[0] != '"' && value.at[0] != '\'');
		if (!fine) {
			buf_addf(problem, "%s begins with a quote; write the value without quotes",
				 s->row->key);
			break;
		}
		fine = !memchr(value.at ? value.at : "", '\0', value.len);
		if (!fine) {
			buf_addf(problem, "%s contains a NUL byte", s->row->key);
			break;
		}
		for (size_t i = 0; fine && is_url(s) && i < value.len; i++)
			fine = (unsigned char)value.at[i] > ' ' && value.at[i] != 0x7f;
		if (!fine)
			buf_addf(problem, "%s contains a blank", s->row->key);
		break;
	}
	if (!fine)
		return false;
	text = value_of(conf, s);
	free(*text);
	*text = value.len ? mem_dup(value) : NULL;
	return true;
}

/* s.row is NULL when there is no such setting. */
static struct setting find_setting(struct str key)
{
	struct setting s = first_setting();

	while (s.row && !str_is(key, s.row->key))
		next_setting(&s);
	return s;
}

/* How many bytes at the beginning of a wrong line look like a key. The message shows only
   these: the rest may be a password, or bytes that control a terminal. */
static int key_like(struct str text)
{
	int len = 0;

	while ((size_t)len < text.len && len < 64 &&
	       (isalnum((unsigned char)text.at[len]) || strchr("_.-", text.at[len])) &&
	       text.at[len])
		len++;
	return len;
}

/* One line of the file: empty, a comment, or key = value. The value is the rest of the line, so
   a password may contain '#' and '='. */
static bool apply_line(struct conf *conf, struct str line, struct buf *problem)
{
	struct setting s;
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
	s = find_setting(key);
	if (!s.row) {
		buf_addf(problem,
			 "has an unknown setting \"%.*s\"; `hookledger conf --sample` lists all",
			 key_like(key), key.at);
		return false;
	}
	return apply(conf, &s, str_trim(line), problem);
}

/* Some editors add bytes that nobody sees. They are ignored, and the log says so. */
static void warn_of_ignored(const char *path, const char *bytes)
{
	log_write(
		LOG_WARN, "settings_file_bytes_dropped",
		(struct log_field[]){ log_text("path", path), log_text("what", bytes), log_end() });
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
		warn_of_ignored(path, "a byte order mark");
	}
	if (rest.len && memchr(rest.at, '\r', rest.len))
		warn_of_ignored(path, "carriage returns at the ends of lines");
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
	for (struct setting s = first_setting(); s.row; next_setting(&s)) {
		struct buf name = { 0 };
		const char *value;
		bool fine = true;

		buf_add_text(&name, "HOOKLEDGER_");
		for (const char *c = s.row->key; *c; c++)
			buf_add_char(&name, *c == '.' ? '_' : (char)toupper((unsigned char)*c));
		value = getenv(buf_text(&name));
		if (value)
			fine = apply(conf, &s, str_of(value), problem);
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
	struct buf home_path = { 0 };
	bool fine = true;
	int fd = -1;

	for (struct setting s = first_setting(); s.row; next_setting(&s)) {
		if ((*s.table)->part)
			add_part(&fresh, (*s.table)->part);
		if (s.row->fallback)
			fine = fine && apply(&fresh, &s, str_of(s.row->fallback), problem);
	}
	if (!path || !*path)
		path = getenv("HOOKLEDGER_CONF");
	if ((!path || !*path) && access(standard, F_OK) == 0)
		path = standard;
	if (path && *path) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		fresh.path = mem_dup(str_of(path));
	} else if (conf_file_open_home(&fd, &home_path, problem)) {
		fine = false;
	} else if (fd >= 0) {
		fresh.path = mem_dup(buf_str(&home_path));
	}
	if (fresh.path)
		fine = apply_file(&fresh, fresh.path, fd, problem) && fine;
	buf_done(&home_path);
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
	for (struct setting s = first_setting(); s.row; next_setting(&s)) {
		char **text = is_text(&s) ? value_of(conf, &s) : NULL;

		if (!text)
			continue;
		if (*text && s.row->secret)
			mem_wipe(*text, strlen(*text));
		free(*text);
	}
	for (size_t i = 0; i < CONF_PARTS_MAX; i++)
		free(conf->parts[i].values);
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

	/* conf_load() has checked the value */
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
	for (struct setting s = first_setting(); s.row; next_setting(&s))
		buf_addf(out, "\n# %s\n#%s = %s\n", s.row->help, s.row->key,
			 s.row->fallback ? s.row->fallback : "");
}

void conf_show(const struct conf *conf, struct buf *out)
{
	for (struct setting s = first_setting(); s.row; next_setting(&s)) {
		const void *value = value_of(conf, &s);

		buf_addf(out, "%s = ", s.row->key);
		if (!value)
			abort();
		if (s.row->type == CONF_NUMBER)
			buf_addf(out, "%lld", (long long)*(const int64_t *)value);
		else if (s.row->type == CONF_YESNO)
			buf_add_text(out, *(const bool *)value ? "yes" : "no");
		else if (*(char *const *)value)
			buf_add_text(out, s.row->secret ? "(set)" : *(char *const *)value);
		buf_add_char(out, '\n');
	}
}
