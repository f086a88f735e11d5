/* SPDX-License-Identifier: ISC */
/* Endpoints for more than one command: creates one with its first secret, or finds one and
   its valid secret. */
#ifndef HL_CLI_ENDPOINT_H
#define HL_CLI_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct db;
struct db_rows;
struct sealer;

struct endpoint {
	int64_t endpoint_id;
	int64_t workspace_id; /* 0: not known yet */
	struct buf address;
	bool is_enabled;
};

/* Creates one with this secret and a new random address, which is appended to `address`.
   `name` NULL: the name of the workspace; `workspace` 0: the workspace of its first event.
   Gives the row of operator.endpoint_add(). An error is said on stderr. */
MUST_USE enum err endpoint_make(struct db *db, const struct sealer *sealer, const char *name,
				int64_t workspace, struct str secret, struct buf *address,
				struct db_rows **rows);

/* The newest valid secret of an endpoint, and its number. ERR_ABSENT, said on stderr: the
   endpoint has no valid secret, or none that opens with our master key. */
MUST_USE enum err endpoint_secret(struct db *db, const struct sealer *sealer, int64_t endpoint,
				  struct buf *secret, int64_t *secret_id);

/* The endpoint with this number; its address is appended. An error is said on stderr. */
MUST_USE enum err endpoint_find(struct db *db, int64_t id, struct endpoint *endpoint);

/* The same for the first enabled endpoint of a workspace. ERR_ABSENT, not said: none. */
MUST_USE enum err endpoint_of_workspace(struct db *db, int64_t workspace,
					struct endpoint *endpoint);

#endif
