/* SPDX-License-Identifier: ISC */
/* Certificates are verified: against the openssl command as server, with a self-signed
   certificate. */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/http_client.h"
#include "scratch.h"

static pid_t server;
static int port;
static char *cert, *key, *other;

static pid_t run(const char *const *command, FILE **output)
{
	int ends[2];
	pid_t child;

	if (pipe(ends) || (child = fork()) < 0)
		return -1;
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		execvp(command[0], (char *const *)(uintptr_t)command);
		_exit(127);
	}
	close(ends[1]);
	*output = fdopen(ends[0], "r");
	return child;
}

static bool make_certificate(const char *to, const char *with_key)
{
	const char *const command[] = { "openssl",
					"req",
					"-x509",
					"-newkey",
					"ec",
					"-pkeyopt",
					"ec_paramgen_curve:prime256v1",
					"-nodes",
					"-days",
					"2",
					"-subj",
					"/CN=test",
					"-addext",
					"subjectAltName=IP:127.0.0.1",
					"-keyout",
					with_key,
					"-out",
					to,
					NULL };
	FILE *output = NULL;
	int status = -1;
	pid_t child = run(command, &output);

	if (child > 0)
		waitpid(child, &status, 0);
	if (output)
		fclose(output);
	return status == 0;
}

static int start_server(void **state)
{
	char line[300];
	FILE *output = NULL;

	(void)state;
	scratch_make();
	cert = mem_dup(str_of(scratch_path("cert")));
	key = mem_dup(str_of(scratch_path("key")));
	other = mem_dup(str_of(scratch_path("other")));
	if (!make_certificate(other, scratch_path("other-key")) || !make_certificate(cert, key))
		return -1;
	server = run((const char *const[]){ "openssl", "s_server", "-accept", "127.0.0.1:0",
					    "-cert", cert, "-key", key, "-www", NULL },
		     &output);
	while (server > 0 && !port && fgets(line, sizeof(line), output))
		sscanf(line, "ACCEPT 127.0.0.1:%d", &port);
	/* the pipe stays open, so that the server can write */
	return port ? 0 : -1;
}

static int stop_server(void **state)
{
	(void)state;
	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	free(cert);
	free(key);
	free(other);
	scratch_remove();
	return 0;
}

static void ask(const char *ca_file, const char *host, int *status, struct buf *problem)
{
	struct http_client *client = http_client_new(&(struct http_client_options){
		.requests_max = 1, .answer_max = 100000, .ca_file = ca_file });
	struct http_client_result outcome;
	char url[100];

	snprintf(url, sizeof(url), "https://%s:%d/", host, port);
	assert_err(ERR_NONE, http_client_add(client, &(struct http_client_request){
							     .url = url, .timeout_ms = 20000 }));
	assert_err(ERR_NONE, http_client_wait(client, -1, &outcome));
	*status = outcome.status;
	buf_clear(problem);
	buf_add_text(problem, outcome.problem ? outcome.problem : "");
	http_client_free(client);
}

static void certificates_are_verified(void **state)
{
	struct buf problem = { 0 };
	int status;

	(void)state;
	ask(cert, "127.0.0.1", &status, &problem);
	assert_string_equal("", buf_text(&problem));
	assert_int_equal(200, status);
	/* it has an unknown issuer */
	ask(NULL, "127.0.0.1", &status, &problem);
	assert_int_equal(0, status);
	assert_has(&problem, "certificate");
	ask(other, "127.0.0.1", &status, &problem);
	assert_int_equal(0, status);
	assert_has(&problem, "certificate");
	/* it has another name */
	ask(cert, "localhost", &status, &problem);
	assert_int_equal(0, status);
	assert_has(&problem, "localhost");
	/* a missing list of authorities trusts none, not all */
	ask("/nonexistent/authorities", "127.0.0.1", &status, &problem);
	assert_int_equal(0, status);
	assert_has(&problem, "/nonexistent/authorities");
	buf_done(&problem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_are_verified),
	};

	return cmocka_run_group_tests_name("fetch_tls", tests, start_server, stop_server);
}
