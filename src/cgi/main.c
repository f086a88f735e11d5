/* SPDX-License-Identifier: ISC */
/* hookledger-cgi: installed in a website on shared hosting as receiver.cgi, api.cgi or
   admin.cgi. A web server starts it for each request. It executes the program of its name
   in the customer's folder, outside of the website, where the libraries and the settings
   are; it ends itself only when there is no such program. It needs nothing but the C
   library and reads nothing of the request. */
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_MAX_BYTES = 4096 };

/* "receiver" of /…/receiver.cgi. By the name of the file and not by argv[0], which the
   caller chooses. false: it is not one of our programs. */
static bool read_name(char *name, size_t size)
{
	static const char *const ours[] = { "receiver", "api", "admin" };
	char path[PATH_MAX_BYTES];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *last;

	if (len <= 0)
		return false;
	path[len] = '\0';
	last = strrchr(path, '/');
	last = last ? last + 1 : path;
	last[strcspn(last, ".")] = '\0';
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(last, ours[i]) == 0)
			return snprintf(name, size, "%s", last) < (int)size;
	return false;
}

/* Owned by this user or by root, and writable by no other user. */
static bool is_safe(const char *path, mode_t kind)
{
	struct stat facts;

	return stat(path, &facts) == 0 && (facts.st_mode & S_IFMT) == kind &&
	       (facts.st_uid == geteuid() || facts.st_uid == 0) &&
	       !(facts.st_mode & (S_IWGRP | S_IWOTH));
}

/* Executes the program in that folder, or returns. Gives it no arguments: a web server makes
   arguments of the query. */
static void try_folder(const char *folder, const char *name, bool must_be_safe)
{
	static const char *const below[] = { "", "/bin" };
	static const char *const ends[] = { "-cgi", "" }; /* the receiver's for plain CGI first */
	char path[PATH_MAX_BYTES + 64];

	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		int len = snprintf(path, sizeof(path), "%s%s", folder, below[i]);

		/* bin is checked after the folder that it is in */
		if (len >= (int)sizeof(path) || (must_be_safe && !is_safe(path, S_IFDIR)))
			return;
		for (size_t j = 0; j < sizeof(ends) / sizeof(ends[0]); j++) {
			int all = len + snprintf(path + len, sizeof(path) - (size_t)len,
						 "/hookledger-%s%s", name, ends[j]);

			if (all < (int)sizeof(path) && (!must_be_safe || is_safe(path, S_IFREG)))
				execl(path, path, (char *)NULL);
		}
	}
}

/* Tries the folder of the settings file that the web server's configuration names. Where a web
   server does not run programs as their owner, the owner sets it there. */
static void try_named(const char *name)
{
	const char *conf = getenv("HOOKLEDGER_CONF");
	char folder[PATH_MAX_BYTES];
	char *slash;

	if (!conf || conf[0] != '/' ||
	    snprintf(folder, sizeof(folder), "%s", conf) >= (int)sizeof(folder))
		return;
	slash = strrchr(folder, '/');
	*slash = '\0';
	try_folder(folder, name, false);
}

static void try_home(const char *name)
{
	const struct passwd *user = geteuid() ? getpwuid(geteuid()) : NULL;
	char folder[PATH_MAX_BYTES];

	if (user && user->pw_dir && user->pw_dir[0] == '/' &&
	    snprintf(folder, sizeof(folder), "%s/hookledger", user->pw_dir) < (int)sizeof(folder))
		try_folder(folder, name, true);
}

int main(void)
{
	char name[32];

	if (read_name(name, sizeof(name))) {
		try_named(name);
		try_home(name);
	}
	fputs("hookledger-cgi: there is no program to run in the folder hookledger of your home\n",
	      stderr);
	fputs("Status: 500 Internal Server Error\r\n"
	      "Content-Type: application/json\r\n"
	      "Cache-Control: no-store\r\n"
	      "\r\n"
	      "{\"error\":\"the program cannot be started; setup-check.cgi says why\"}\n",
	      stdout);
	return 2;
}
