/* SPDX-License-Identifier: ISC */
#include "http/program.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/prefork.h"
#include "base/db.h"
#include "base/conf_file.h"
#include "http/http_server.h"
#include "http/listener.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/http_conf.h"

enum {
	WORKERS_MAX = 64,
	START_MS = 1000, /* for the first connection to the database */
};

/* Ends the process. The problem goes to stderr, which is a log that a customer of a shared host
   often cannot read. So the response to a plain CGI request says where to find the problem, but
   not the problem itself, because any client can send a request. */
static void give_up(const struct program *program, const char *problem)
{
	fprintf(stderr, "%s: %s\n", program->name, problem);
	if (getenv("GATEWAY_INTERFACE") && getenv("REQUEST_METHOD"))
		fputs("Status: 500 Internal Server Error\r\n"
		      "Content-Type: application/json\r\n"
		      "Cache-Control: no-store\r\n"
		      "\r\n"
		      "{\"error\":\"the settings cannot be used; the error log of the web server "
		      "says why, "
		      "and so does setup-check.cgi\"}\n",
		      stdout);
	exit(2);
}

static void write_usage(const struct program *program, FILE *out)
{
	fprintf(out,
		"usage: %s [--conf FILE] [--listen ADDRESS] [--workers N]\n"
		"\n"
		"%s"
		"\n"
		"  --conf FILE       settings (else $HOOKLEDGER_CONF, the installed file, "
		"~/" HOME_CONF ")\n"
		"  --listen ADDRESS  FastCGI on a socket of its own: unix:/path or 127.0.0.1:9000\n"
		"  --workers N       processes behind that socket (1); one that dies is replaced\n"
		"  --version, --help\n",
		program->name, program->about);
}

static void give_up_with_usage(const struct program *program)
{
	write_usage(program, stderr);
	exit(2);
}

/* RFC 3875, 4.4: from a query without "=" a web server makes arguments of a plain CGI program
   (Apache for every method), so an unauthenticated client can choose them. */
static bool args_are_a_query(void)
{
	const char *query = getenv("QUERY_STRING");

	return getenv("GATEWAY_INTERFACE") && query && *query && !strchr(query, '=');
}

static int workers_of(const struct program *program, const char *text)
{
	int64_t count;

	if (!str_int(str_of(text), &count) || count < 1 || count > WORKERS_MAX)
		give_up(program, "--workers must be a whole number from 1 to 64");
	return (int)count;
}

static int work(void *argument)
{
	struct program *program = argument;

	return program->work(program);
}

/* Listens on its own socket, and runs the processes that serve it. */
static int serve_socket(struct program *program, const char *address, int workers)
{
	struct buf problem = { 0 };
	int status;

	if (listener_open(address, &program->listen_fd, &problem))
		give_up(program, buf_text(&problem));
	status = prefork_run(workers, work, program);
	if (strncmp(address, "unix:", 5) == 0)
		unlink(address + 5);
	buf_done(&problem);
	return status;
}

int program_run(struct program *program, int argc, char **argv)
{
	static const struct option options[] = {
		{ "conf", required_argument, NULL, 'c' },
		{ "listen", required_argument, NULL, 'l' },
		{ "workers", required_argument, NULL, 'w' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *path = NULL, *listen_at = NULL;
	struct buf problem = { 0 };
	struct conf conf = { 0 };
	int option, status, workers = 1;

	if (args_are_a_query())
		argc = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case 'l':
			listen_at = optarg;
			break;
		case 'w':
			workers = workers_of(program, optarg);
			break;
		case 'V':
			printf("%s " HL_VERSION "\n", program->name);
			return 0;
		case 'h':
			write_usage(program, stdout);
			return 0;
		default:
			give_up_with_usage(program);
		}
	}
	if (optind < argc || (!listen_at && isatty(STDIN_FILENO)))
		give_up_with_usage(program);
	if (conf_load(&conf, path, &problem))
		give_up(program, buf_text(&problem));
	if (!conf.master_key && !conf.path)
		give_up(program, "there is no settings file: none is named by --conf or "
				 "HOOKLEDGER_CONF, and neither " HL_SYSCONFDIR
				 "/hookledger.conf nor ~/" HOME_CONF " is there");
	if (!conf.master_key)
		give_up(program, "master_key is not set; `openssl rand -hex 32` makes one for the "
				 "settings file");
	log_open(program->name, conf_log_level(&conf));
	program->conf = &conf;
	program->listen_fd = -1;
	status = listen_at ? serve_socket(program, listen_at, workers) : program->work(program);
	buf_done(&problem);
	conf_done(&conf);
	return status;
}

struct http *program_open_http(const struct program *program, int64_t body_max_bytes)
{
	const struct conf *conf = program->conf;
	struct http_options options = {
		.base_path = conf->base_path,
		.batch_max = (size_t)http_conf(conf)->batch_max,
		.batch_max_bytes = (size_t)http_conf(conf)->batch_max_bytes,
		.body_max = (size_t)body_max_bytes,
		.timeout_ms = http_conf(conf)->request_timeout_ms,
		.connections_max = (size_t)http_conf(conf)->connections_max,
	};

	return http_open(program->listen_fd, &options);
}

struct db *program_open_db(const struct program *program)
{
	const struct conf *conf = program->conf;
	struct db_options options = {
		.conninfo = conf_database(conf, program->schema),
		.program = program->name,
		.pooled = conf->db_pooled,
		.deadline_ms = conf->db_deadline_ms,
	};

	return db_open(&options);
}

void program_await_db(const struct program *program, const struct http *web, struct db *db)
{
	if (db_wait(db, http_is_cgi(web) ? program->conf->db_deadline_ms : START_MS))
		log_write(LOG_WARN, "database_away",
			  (struct log_field[]){ log_text("why", db_problem(db)), log_end() });
}
