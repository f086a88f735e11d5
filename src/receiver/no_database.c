/* SPDX-License-Identifier: ISC */
/* In place of database.c, for hookledger-receiver-cgi: the database is always away, so that
   libpq need not be loaded. That program runs no upkeep.c, so it sends no notification. */
#include "receiver/receiver.h"

#include "ledger/keyring.h"

bool database_acquire(struct receiver *r)
{
	(void)r;
	return false;
}

void database_load_keys(struct receiver *r)
{
	(void)r;
}

enum err database_verify(struct receiver *r, struct callback *cb)
{
	return keyring_verify(r->keys, cb);
}

enum err database_append(struct receiver *r)
{
	(void)r;
	return ERR_BUSY;
}

enum err database_quarantine(struct receiver *r, const struct callback *const *refused,
			     size_t count)
{
	(void)r;
	(void)refused;
	(void)count;
	return ERR_BUSY;
}
