/* SPDX-License-Identifier: ISC */
/* How a program behind a web server starts: its arguments, its settings, its log, its worker
   processes, and what each of them opens first. */
#ifndef HL_HTTP_PROGRAM_H
#define HL_HTTP_PROGRAM_H

#include <stdint.h>

struct conf;
struct db;
struct http;

struct program {
	const char *name;   /* "hookledger-api" */
	const char *schema; /* "api": conf_database() has its connection string */
	const char *about;  /* what it does, in whole lines, for --help */
	const struct conf *conf;
	int listen_fd;		       /* -1 when the web server started the program */
	int (*work)(struct program *); /* runs in each process; returns its exit status */
};

/* Reads --conf FILE, --listen ADDRESS, --workers N, --version and --help, loads the settings and
   runs program->work; with --listen in several processes. Prints a problem to stderr and ends
   the process. Returns the exit status. */
int program_run(struct program *program, int argc, char **argv);

/* Opens the side to the web server, and the database, by the settings; body_max_bytes differs
   from program to program. */
struct http *program_open_http(const struct program *program, int64_t body_max_bytes);
struct db *program_open_db(const struct program *program);

/* Waits for the first connection: a short time, because no request waits yet; in plain CGI as
   long as for a call. The program starts without a connection too, and logs it. */
void program_await_db(const struct program *program, const struct http *web, struct db *db);

#endif
