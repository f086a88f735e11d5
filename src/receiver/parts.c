/* SPDX-License-Identifier: ISC */
/* The parts of a receiver that need no database. hookledger-receiver and hookledger-receiver-cgi
   open the same ones. */
#include "receiver/receiver.h"

#include "base/conf.h"
#include "base/crypto.h"
#include "http/http_server.h"
#include "ledger/callback.h"
#include "ledger/counters.h"
#include "ledger/intake.h"
#include "ledger/keyring.h"
#include "ledger/ledger_conf.h"
#include "ledger/spool.h"

enum err parts_open(struct receiver *r, size_t batch_max)
{
	const struct conf *conf = r->conf;
	struct spool_options spool = {
		.dir = ledger_conf(conf)->spool_dir,
		.max_bytes = ledger_conf(conf)->spool_max_bytes,
		.unverified_max_bytes = ledger_conf(conf)->spool_unverified_max_bytes,
		.retry_ms = ledger_conf(conf)->spool_retry_ms,
		.shared_files = http_is_cgi(r->web),
	};
	enum err err = spool_open(&r->spool, &spool);

	if (err)
		return err;
	r->sealer = sealer_new(conf->master_key, conf->master_key_previous);
	r->keys = keyring_new(r->sealer);
	r->intake = intake_new();
	r->counters = counters_new();
	r->callbacks = mem_zero(batch_max, sizeof(*r->callbacks));
	r->selected = mem_zero(batch_max, sizeof(const struct callback *));
	r->event_indexes = mem_zero(batch_max, sizeof(size_t));
	r->unverified_indexes = mem_zero(batch_max, sizeof(size_t));
	return ERR_NONE;
}
