/* SPDX-License-Identifier: ISC */
#include "cluster.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

const char *cluster_given;

static bool run(const char *format)
{
	const char *data = getenv("HL_DATA");
	char command[1024];
	int status;

	/* the script, and the folder for each %s of the command */
	snprintf(command, sizeof(command), "cluster='%s/../../deploy/cluster' dir='%s'; %s",
		 data && *data ? data : HL_DATA, folder, format);
	status = system(command);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

const char *cluster_start(void)
{
	static char conninfo[160];
	const char *given = getenv("HL_TEST_DATABASE");

	if (given && *given)
		return given;
	strcpy(folder, "/tmp/hl-pg-XXXXXX");
	/* under root the server runs as another user */
	if (!mkdtemp(folder) || chmod(folder, 0755))
		return NULL;
	if (!run("\"$cluster\" make \"$dir\" 5432 listen_addresses= && \"$cluster\" start "
		 "\"$dir\"")) {
		fputs("no PostgreSQL could be started\n", stderr);
		cluster_stop();
		return NULL;
	}
	snprintf(conninfo, sizeof(conninfo), "host=%s port=5432 user=postgres dbname=postgres",
		 folder);
	return conninfo;
}

void cluster_stop(void)
{
	if (!folder[0])
		return;
	if (!run("\"$cluster\" stop \"$dir\" immediate; rm -rf \"$dir\""))
		fprintf(stderr, "%s is left behind\n", folder);
	folder[0] = '\0';
}

int cluster_up(void **state)
{
	(void)state;
	cluster_given = cluster_start();
	return 0;
}

int cluster_down(void **state)
{
	(void)state;
	cluster_stop();
	return 0;
}
