/* SPDX-License-Identifier: ISC */
/* An endpoint as more than one command needs it: made with its first secret, or
   found again with the secret that is good now. */
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

/* Makes one with this secret and an address made up here, appended to
   `address`. `name` NULL: called after the workspace; `workspace` 0: that of its
   first event. Gives the row of operator.endpoint_add(). On an error it is said
   on stderr what is wrong. */
MUST_USE enum err endpoint_make(struct db *db, const struct sealer *sealer, const char *name,
				int64_t workspace, struct str secret, struct buf *address,
				struct db_rows **rows);

/* The newest valid secret of an endpoint and its number. ERR_ABSENT, said on stderr:
   it has none, or none that opens with our master key. */
MUST_USE enum err endpoint_secret(struct db *db, const struct sealer *sealer, int64_t endpoint,
				  struct buf *secret, int64_t *secret_id);

/* The endpoint with this number; the address is appended. What is wrong is said
   on stderr. */
MUST_USE enum err endpoint_find(struct db *db, int64_t id, struct endpoint *endpoint);

/* The first enabled one of a workspace; likewise. ERR_ABSENT, not said: none. */
MUST_USE enum err endpoint_of_workspace(struct db *db, int64_t workspace,
					struct endpoint *endpoint);

#endif
