/* SPDX-License-Identifier: ISC */
/* What one request of http/http_peer costs: signed callbacks of 1,000 bytes, so many
   at once, to the URLs in turn; beside them as many that are never answered as
   SILENT says (to its port). Prints requests a second and CPU time a request.

     http_client CONNECTIONS SECONDS SILENT SILENT-URL URL... */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "http/http_client.h"

enum { BODY = 1000, REQUEST_MS = 60000, SETTLE_MS = 500 };

static const char *const headers[] = {
	"Content-Type: application/json",
	"X-Webhook-Signature-256: "
	"sha256=55343383e52a9cd2f56bd4e9fb5b6ce6982fb45955f26ea816cf7495d98c5fd2",
	"webhook-id: 7435584-1203",
	"webhook-timestamp: 1614265330",
	"webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
	NULL,
};

static double cpu_us(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static void post(struct http_client *client, const char *url)
{
	static char body[BODY];

	memset(body, 'x', sizeof(body));
	if (http_client_add(client, &(struct http_client_request){ .url = url,
								   .headers = headers,
								   .body = { body, sizeof(body) },
								   .timeout_ms = REQUEST_MS }))
		exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	size_t connections = argc > 5 ? (size_t)atoi(argv[1]) : 0,
	       silent = argc > 5 ? (size_t)atoi(argv[3]) : 0;
	static const char *const wanted[] = { "Retry-After", NULL };
	int64_t done = 0, failed = 0, began, until;
	struct http_client_result outcome;
	struct http_client *client;
	double cpu;

	if (!connections) {
		fputs("usage: http_client CONNECTIONS SECONDS SILENT SILENT-URL URL...\n", stderr);
		return 2;
	}
	client = http_client_new(
		&(struct http_client_options){ .requests_max = connections + silent,
					       .answer_max = 1000,
					       .cuts_answers = true,
					       .wanted = wanted,
					       .connect_ms = 5000 });
	for (size_t i = 0; i < silent; i++)
		post(client, argv[4]);
	if (silent && http_client_wait(client, SETTLE_MS, &outcome) != ERR_PACE)
		return EXIT_FAILURE;
	began = clock_ms();
	until = began + atoi(argv[2]) * 1000;
	cpu = cpu_us();
	for (int64_t sent = 0; clock_ms() < until; done++) {
		while (http_client_count(client) < connections + silent)
			post(client, argv[5 + sent++ % (argc - 5)]);
		if (http_client_wait(client, -1, &outcome) || outcome.status != 200)
			failed++;
	}
	printf("%5zu at once, %4zu silent: %6.0f a second, %5.1f us of CPU each, %" PRId64
	       " failed\n",
	       connections, silent, (double)done * 1000 / (double)(clock_ms() - began),
	       (cpu_us() - cpu) / (double)done, failed);
	http_client_free(client);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
