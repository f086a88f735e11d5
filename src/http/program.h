/* SPDX-License-Identifier: ISC */
/* How a program behind a web server begins: its arguments, its settings, its
   log, the processes that do the work, and what each of them opens first. */
#ifndef HL_HTTP_PROGRAM_H
#define HL_HTTP_PROGRAM_H

#include <stdint.h>

struct conf;
struct db;
struct http;

struct program {
	const char *name;   /* "hookledger-api" */
	const char *schema; /* "api": conf_database() has its connection string */
	const char *about;  /* what it does, for --help: whole lines */
	const struct conf *conf;
	int listen_fd;		       /* -1 when the web server started us */
	int (*work)(struct program *); /* in each process; its exit status */
};

/* Reads --conf FILE, --listen ADDRESS, --workers N, --version and --help, loads
   the settings and runs program->work, in several processes behind a socket of
   our own. Ends the process when something is wrong with that, which is said on
   stderr. Returns the exit status. */
int program_run(struct program *program, int argc, char **argv);

/* The side of the web server and that of the database, opened as the settings
   say; bodies have at most body_max_bytes, a setting of each program's own. */
struct http *program_open_http(const struct program *program, int64_t body_max_bytes);
struct db *program_open_db(const struct program *program);

/* Waits for the first connection: a short time, because nobody calls yet, and
   for a plain CGI request as long as for a call. Work begins without one too,
   and the log says so. */
void program_await_db(const struct program *program, const struct http *web, struct db *db);

#endif
