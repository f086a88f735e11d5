/* SPDX-License-Identifier: ISC */
#include "http/ca_bundle.h"

#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

static const char *const places[] = {
	"/etc/ssl/certs/ca-certificates.crt",		     /* Debian, Ubuntu, Arch, Gentoo */
	"/etc/pki/tls/certs/ca-bundle.crt",		     /* RHEL and its derivatives up to 10 */
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* the same, and Fedora */
	"/var/lib/ca-certificates/ca-bundle.pem",	     /* SUSE */
	"/etc/ssl/ca-bundle.pem",			     /* older SUSE */
	"/etc/ssl/cert.pem",				     /* Alpine */
};

static bool try_file(const char *root, const char *file, struct buf *path)
{
	buf_clear(path);
	buf_addf(path, "%s%s", root, file);
	if (access(buf_text(path), R_OK) == 0)
		return true;
	buf_clear(path);
	return false;
}

void ca_bundle_find(const char *root, const char *built_in, struct buf *path)
{
	if (built_in && *built_in && try_file(root, built_in, path))
		return;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (try_file(root, places[i], path))
			return;
}
