/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/ca_bundle.h"
#include "scratch.h"

static const char *root;

static int with_a_root(void **state)
{
	(void)state;
	root = scratch_make();
	return 0;
}

static int without(void **state)
{
	(void)state;
	scratch_remove();
	return 0;
}

static void put(const char *place)
{
	char path[512];

	for (const char *slash = place + 1; (slash = strchr(slash, '/')); slash++) {
		snprintf(path, sizeof(path), "%s%.*s", root, (int)(slash - place), place);
		mkdir(path, 0755);
	}
	scratch_write(place + 1, "PEM", 3);
}

static void assert_found(const char *built_in, const char *place)
{
	struct buf path = { 0 };
	char wanted[512] = "";

	if (*place)
		snprintf(wanted, sizeof(wanted), "%s%s", root, place);
	ca_bundle_find(root, built_in, &path);
	assert_string_equal(wanted, buf_text(&path));
	buf_done(&path);
}

static void the_usual_places_are_tried(void **state)
{
	(void)state;
	assert_found(NULL, "");
	assert_found("/etc/ssl/certs/ca-certificates.crt", "");
	put("/etc/ssl/cert.pem");
	assert_found("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem");
	put("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem");
	assert_found("/etc/ssl/certs/ca-certificates.crt",
		     "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem");
	put("/etc/pki/tls/certs/ca-bundle.crt");
	assert_found("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt");
	put("/etc/ssl/certs/ca-certificates.crt");
	assert_found("", "/etc/ssl/certs/ca-certificates.crt");
}

static void what_libcurl_was_built_with_comes_first(void **state)
{
	(void)state;
	put("/etc/ssl/certs/ca-certificates.crt");
	put("/opt/own/bundle.pem");
	assert_found("/opt/own/bundle.pem", "/opt/own/bundle.pem");
	assert_found("/opt/own/gone.pem", "/etc/ssl/certs/ca-certificates.crt");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_usual_places_are_tried, with_a_root, without),
		cmocka_unit_test_setup_teardown(what_libcurl_was_built_with_comes_first,
						with_a_root, without),
	};

	return cmocka_run_group_tests_name("ca_bundle", tests, NULL, NULL);
}
