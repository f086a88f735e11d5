/* SPDX-License-Identifier: ISC */
/* hookledger-admin: what the admin page asks for, as JSON. A web server starts it; it ends
   when that tells it to, and what is under way is answered. One thread has the web
   server's side: it finds the row of a request (routes.c), reads it (visit.c), and gives it
   to the pool, whose threads ask admin.call() in SQL. */
#include "admin/admin.h"
#include "admin/pool.h"

#include "base/conf.h"
#include "http/http_server.h"
#include "http/program.h"
#include "http/http_conf.h"
#include "ledger/confinement.h"
#include "http/json_server.h"

/* ---- the program */

static int go_on(void *program, struct pollfd *fds, size_t *count)
{
	struct admin *front = program;

	admin_pool_go_on(front->pool);
	return admin_pool_poll(front->pool, fds, count);
}

static void serve(void *program, struct http_req *req, const struct route_match *match)
{
	struct admin *front = program;
	struct visit visit = { 0 };

	if (admin_visit_read(front, req, match, &visit))
		admin_pool_give(front->pool, req, match, &visit);
	admin_visit_done(&visit);
}

static void refuse_path(void *program, struct http_req *req)
{
	(void)program;
	admin_refuse(req, 404, "request.no_address");
}

static void refuse_method(void *program, struct http_req *req, const char *allow)
{
	(void)program;
	admin_refuse_with(req, 405, allow, "request.other_methods");
}

static int work(struct program *program)
{
	struct admin front = { .conf = program->conf };
	struct json_server server = {
		.routes = &admin_routes,
		.program = &front,
		.go_on = go_on,
		.serve = serve,
		.refuse_path = refuse_path,
		.refuse_method = refuse_method,
	};

	ip_networks_reread(&front.trusted, http_conf(front.conf)->trusted_proxies);
	server.web = front.web = program_open_http(program,
						   http_conf(front.conf)->api_body_max_bytes);
	/* a thread inherits the confinement of its creator */
	confinement_enter(program->conf, true);
	front.pool = admin_pool_new(program, front.web);
	json_server_run(&server);
	admin_pool_free(front.pool);
	http_close(front.web);
	ip_networks_done(&front.trusted);
	return 0;
}

int main(int argc, char **argv)
{
	struct program program = {
		.name = "hookledger-admin",
		.schema = "admin",
		.about = "Serves the data of the admin page and does what is asked for there. A "
			 "web server\n"
			 "starts it by FastCGI or CGI; see hookledger-admin(8) and the ready "
			 "configurations.\n",
		.work = work,
	};

	return program_run(&program, argc, argv);
}
