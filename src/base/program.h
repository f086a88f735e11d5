/* SPDX-License-Identifier: ISC */
/* How a program behind a web server begins: its arguments, its settings, its
   log, and the processes that do the work. */
#ifndef HL_BASE_PROGRAM_H
#define HL_BASE_PROGRAM_H

struct conf;

struct program {
	const char *name;	/* "hookledger-api" */
	const char *usage;	/* what --help says */
	const struct conf *conf;
	int listen_fd;		/* for http_open(): -1 when the web server started us */
	int (*work)(struct program *);	/* in each process; its exit status */
};

/* Reads --conf FILE, --listen ADDRESS, --workers N, --version and --help, loads
   the settings and runs program->work, in several processes behind a socket of
   our own. Ends the process when something is wrong with that, which is said on
   stderr. Returns the exit status. */
int program_run(struct program *program, int argc, char **argv);

#endif
