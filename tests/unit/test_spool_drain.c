/* SPDX-License-Identifier: ISC */
/* Draining while the database is unavailable; the end-to-end tests have one. */
#include "unit.h"

#include <stdlib.h>

#include "base/crypto.h"
#include "base/db.h"
#include "ledger/callback.h"
#include "ledger/spool_drain.h"
#include "ledger/keyring.h"
#include "ledger/spool.h"
#include "ledger/counters.h"
#include "scratch.h"

/* Loading the keys has just failed, and unverified callbacks wait. Without keys, verifying
   would drop valid callbacks as forged. */
static void nothing_is_judged_without_keys(void **state)
{
	struct db_options options = { .conninfo = "host=/nowhere",
				      .program = "unit",
				      .deadline_ms = 100 };
	struct spool_options where = { .dir = scratch_make(),
				       .max_bytes = 1 << 20,
				       .unverified_max_bytes = 1 << 20 };
	struct callback cb = { .address = LIT("an-address-of-22-chars"),
			       .body = LIT("{\"event_id\":1}") };
	struct sealer *sealer = sealer_new(NULL, NULL);
	struct keyring *keys = keyring_new(sealer);
	struct counters *counters = counters_new();
	struct db *db = db_open(&options);
	struct spool_status status;
	struct spool *spool = NULL;
	struct spool_drain *drain;
	struct buf heard = { 0 };
	bool more = true, started = true;

	(void)state;
	assert_err(ERR_NONE, spool_open(&spool, &where));
	assert_err(ERR_NONE,
		   spool_append(spool, SPOOL_UNVERIFIED, (const struct callback *[]){ &cb }, 1));
	drain = spool_drain_new(spool, db, keys, counters, 10, 1 << 20);
	scratch_hush();
	assert_err(ERR_BUSY, keyring_load(keys, db, 50, NULL));
	assert_err(ERR_BUSY, spool_drain_step(drain, 50, &more));
	assert_err(ERR_BUSY, spool_drain_start(drain, &started));
	scratch_heard(&heard);
	assert_false(more);
	assert_false(started);
	assert_false(spool_drain_is_working(drain));
	assert_int_equal(0, spool_drain_total(drain).forged);
	assert_true(counters_is_empty(counters));
	assert_err(ERR_NONE, spool_count(spool, &status));
	assert_int_equal(1, status.unverified_records);

	spool_drain_free(drain);
	spool_drain_free(NULL);
	counters_free(counters);
	keyring_free(keys);
	sealer_free(sealer);
	db_close(db);
	spool_close(spool);
	buf_done(&heard);
	scratch_remove();
}

static void what_cannot_be_recorded_stays(void **state)
{
	struct db_options options = { .conninfo = "host=/nowhere",
				      .program = "unit",
				      .deadline_ms = 100 };
	struct spool_options where = { .dir = scratch_make(),
				       .max_bytes = 1 << 20,
				       .unverified_max_bytes = 1 << 20 };
	struct callback event = {
		.address = LIT("an-address-of-22-chars"),
		.endpoint_id = 1,
		.secret_id = 1,
		.body = LIT("{\"event_id\":1,\"created_at\":\"2026-07-17T11:43:32Z\",\"metadata\":"
			    "{\"model\":\"tag\",\"action\":\"created\"},\"payload\":{}}"),
	};
	struct callback refused = { .body = LIT("no JSON"), .reason = REASON_JSON };
	struct sealer *sealer = sealer_new(NULL, NULL);
	struct keyring *keys = keyring_new(sealer);
	struct counters *counters = counters_new();
	struct db *db = db_open(&options);
	struct spool_status status;
	struct spool *spool = NULL;
	struct spool_drain *drain;
	struct buf heard = { 0 };
	bool more = true;

	(void)state;
	assert_err(ERR_NONE, spool_open(&spool, &where));
	assert_err(ERR_NONE,
		   spool_append(spool, SPOOL_REFUSED, (const struct callback *[]){ &refused }, 1));
	assert_err(ERR_NONE,
		   spool_append(spool, SPOOL_EVENT, (const struct callback *[]){ &event }, 1));
	drain = spool_drain_new(spool, db, keys, counters, 10, 1 << 20);
	scratch_hush();
	for (int i = 0; i < 3; i++)
		assert_err(ERR_BUSY, spool_drain_step(drain, 50, &more));
	scratch_heard(&heard);
	assert_err(ERR_NONE, spool_count(spool, &status));
	assert_int_equal(2, status.records);
	assert_int_equal(0,
			 spool_drain_total(drain).recorded + spool_drain_total(drain).quarantined);

	spool_drain_free(drain);
	counters_free(counters);
	keyring_free(keys);
	sealer_free(sealer);
	db_close(db);
	spool_close(spool);
	buf_done(&heard);
	scratch_remove();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_judged_without_keys),
		cmocka_unit_test(what_cannot_be_recorded_stays),
	};

	return cmocka_run_group_tests_name("drain", tests, NULL, NULL);
}
