/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/db.h"
#include "ledger/callback.h"
#include "ledger/keyring.h"
#include "scratch.h"

static const char key_a[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static const char key_b[] = "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0";
static const char body[] = "{\"event_id\":1}";

static struct sealer *sealer;

static int in_a_folder(void **state)
{
	(void)state;
	scratch_make();
	sealer = sealer_new(key_a, NULL);
	return 0;
}

static int and_out_again(void **state)
{
	(void)state;
	scratch_remove();
	sealer_free(sealer);
	return 0;
}

/* A line of the file, with the secret sealed for the address `place`. */
static void add_line(struct buf *text, int64_t endpoint, const char *address, int64_t secret_id,
		     int64_t until, const char *place, const char *secret)
{
	struct buf sealed = { 0 };

	assert_err(ERR_NONE, seal(sealer, str_of(place), str_of(secret), &sealed));
	buf_addf(text, "%" PRId64 " %s %" PRId64 " 0 %" PRId64 " ", endpoint, address, secret_id,
		 until);
	buf_add_hex(text, sealed.at, sealed.len);
	buf_add_char(text, '\n');
	buf_done(&sealed);
}

static enum err load_text(struct keyring *ring, const struct buf *text)
{
	return keyring_load_file(ring, scratch_write("keyring", text->at, text->len));
}

static struct callback signed_by(const char *address, const char *secret, int64_t received_us)
{
	struct callback cb = { .address = str_of(address),
			       .body = str_of(body),
			       .received_us = received_us };
	struct mac *mac = mac_new(str_of(secret));

	mac_sign(mac, cb.body, cb.signature);
	mac_free(mac);
	return cb;
}

static void assert_judged(const struct keyring *ring, const char *address, const char *secret,
			  int64_t at, enum err wanted, int64_t endpoint_id, int64_t secret_id)
{
	struct callback cb = signed_by(address, secret, at);

	assert_err(wanted, keyring_verify(ring, &cb));
	assert_int_equal(endpoint_id, cb.endpoint_id);
	assert_int_equal(secret_id, cb.secret_id);
	assert_int_equal(endpoint_id, keyring_endpoint(ring, cb.address));
}

static void three_endpoints(struct buf *text)
{
	buf_add_text(text, "hookledger keyring 1\n");
	/* not in the order of their addresses */
	add_line(text, 3, "cccc", 30, INT64_MAX, "cccc", "secret c");
	add_line(text, 1, "aaaa", 10, 5000, "aaaa", "old secret a");
	add_line(text, 1, "aaaa", 12, INT64_MAX, "aaaa", "new secret a");
	add_line(text, 2, "bbbb", 20, INT64_MAX, "bbbb", "");
}

static void callbacks_are_judged(void **state)
{
	struct keyring *ring = keyring_new(sealer);
	struct buf text = { 0 };

	(void)state;
	assert_false(keyring_is_loaded(ring));
	assert_judged(ring, "aaaa", "new secret a", 0, ERR_ABSENT, 0, 0);
	three_endpoints(&text);
	assert_err(ERR_NONE, load_text(ring, &text));
	assert_true(keyring_is_loaded(ring));
	assert_true(keyring_age_ms(ring) == INT64_MAX);
	assert_false(keyring_is_fresh(ring, 1000));

	assert_judged(ring, "cccc", "secret c", 0, ERR_NONE, 3, 30);
	assert_judged(ring, "bbbb", "", 0, ERR_NONE, 2, 20);
	assert_judged(ring, "cccc", "secret d", 0, ERR_DENIED, 3, 0);
	/* a secret is valid only at its own address */
	assert_judged(ring, "cccc", "new secret a", 0, ERR_DENIED, 3, 0);
	assert_judged(ring, "aaa", "new secret a", 0, ERR_ABSENT, 0, 0);
	assert_judged(ring, "aaaaa", "new secret a", 0, ERR_ABSENT, 0, 0);
	assert_judged(ring, "", "", 0, ERR_ABSENT, 0, 0);
	keyring_free(ring);
	keyring_free(NULL);
	buf_done(&text);
}

static void the_secret_before_runs_out(void **state)
{
	struct keyring *ring = keyring_new(sealer);
	struct buf text = { 0 };

	(void)state;
	three_endpoints(&text);
	assert_err(ERR_NONE, load_text(ring, &text));
	assert_judged(ring, "aaaa", "new secret a", 4999, ERR_NONE, 1, 12);
	assert_judged(ring, "aaaa", "old secret a", 4999, ERR_NONE, 1, 10);
	assert_judged(ring, "aaaa", "old secret a", 5000, ERR_DENIED, 1, 0);
	assert_judged(ring, "aaaa", "new secret a", 5000, ERR_NONE, 1, 12);
	keyring_free(ring);
	buf_done(&text);
}

/* One changed bit in body or signature makes the signature invalid. */
static void every_bit_counts(void **state)
{
	struct keyring *ring = keyring_new(sealer);
	struct buf text = { 0 };
	struct callback cb;
	char copy[sizeof(body)];

	(void)state;
	three_endpoints(&text);
	assert_err(ERR_NONE, load_text(ring, &text));
	for (size_t bit = 0; bit < MAC_BYTES * 8; bit++) {
		cb = signed_by("cccc", "secret c", 0);
		cb.signature[bit / 8] = (unsigned char)(cb.signature[bit / 8] ^ 1 << bit % 8);
		assert_err(ERR_DENIED, keyring_verify(ring, &cb));
	}
	for (size_t bit = 0; bit < (sizeof(body) - 1) * 8; bit++) {
		cb = signed_by("cccc", "secret c", 0);
		memcpy(copy, body, sizeof(body));
		copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
		cb.body.at = copy;
		assert_err(ERR_DENIED, keyring_verify(ring, &cb));
	}
	cb = signed_by("cccc", "secret c", 0);
	cb.body.len--;
	assert_err(ERR_DENIED, keyring_verify(ring, &cb));
	keyring_free(ring);
	buf_done(&text);
}

static void a_secret_that_does_not_open_judges_nothing(void **state)
{
	struct sealer *other = sealer_new(key_b, NULL);
	struct keyring *ring = keyring_new(sealer), *foreign = keyring_new(other);
	struct buf text = { 0 }, heard = { 0 };

	(void)state;
	buf_add_text(&text, "hookledger keyring 1\n");
	/* sealed for another address: it was copied within the database */
	add_line(&text, 1, "aaaa", 10, INT64_MAX, "bbbb", "s3cret");
	add_line(&text, 2, "bbbb", 20, INT64_MAX, "bbbb", "s3cret");
	scratch_hush();
	assert_err(ERR_NONE, load_text(ring, &text));
	assert_err(ERR_NONE, load_text(foreign, &text));
	scratch_heard(&heard);
	assert_has(&heard, "event=secret_does_not_open endpoint=1 secret=10");
	assert_lacks(&heard, "s3cret");
	assert_judged(ring, "aaaa", "s3cret", 0, ERR_BUSY, 1, 0);
	assert_judged(ring, "bbbb", "s3cret", 0, ERR_NONE, 2, 20);
	assert_judged(foreign, "bbbb", "s3cret", 0, ERR_BUSY, 2, 0);
	keyring_free(ring);
	keyring_free(foreign);
	sealer_free(other);
	buf_done(&text);
	buf_done(&heard);
}

static void a_file_of_another_form_changes_nothing(void **state)
{
	static const char *const wrong[] = {
		"",
		"hookledger keyring 2\n",
		"hookledger keyring 1",
		"hookledger keyring 1\n\n",
		"hookledger keyring 1\nx\n",
		"hookledger keyring 1\n1 aaaa 1 0\n",
		"hookledger keyring 1\n1 aaaa 1 0 9 0\n",
		"hookledger keyring 1\n1 aaaa 1 0 9 zz\n",
		"hookledger keyring 1\n1 aaaa 1 0 9223372036854775808 00\n",
		"hookledger keyring 1\n1  1 0 9 00 00\n",
		"hookledger keyring 1\n1 aaaa 1 0 9 00\n\n",
		"HLSPOOL1",
	};
	struct keyring *ring = keyring_new(sealer);
	struct buf text = { 0 }, heard = { 0 };

	(void)state;
	three_endpoints(&text);
	assert_err(ERR_NONE, load_text(ring, &text));
	scratch_hush();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *path = scratch_write("keyring", wrong[i], strlen(wrong[i]));

		assert_err(ERR_FAULT, keyring_load_file(ring, path));
		assert_judged(ring, "cccc", "secret c", 0, ERR_NONE, 3, 30);
	}
	/* cut anywhere: never half a key */
	for (size_t len = 0; len < text.len; len++) {
		struct keyring *cut = keyring_new(sealer);
		enum err err = keyring_load_file(cut, scratch_write("keyring", text.at, len));

		assert_true(err == ERR_NONE || err == ERR_FAULT);
		if (err)
			assert_false(keyring_is_loaded(cut));
		keyring_free(cut);
	}
	scratch_heard(&heard);
	assert_has(&heard, "event=keyring_file_unusable");
	assert_err(ERR_ABSENT, keyring_load_file(ring, scratch_path("nowhere")));
	scratch_hush();
	assert_int_equal(0, symlink("/etc/passwd", scratch_path("link")));
	assert_err(ERR_ABSENT, keyring_load_file(ring, scratch_path("link")));
	assert_err(ERR_FAULT, keyring_load_file(ring, "/tmp"));
	buf_clear(&heard);
	scratch_heard(&heard);
	assert_judged(ring, "cccc", "secret c", 0, ERR_NONE, 3, 30);
	keyring_free(ring);
	buf_done(&text);
	buf_done(&heard);
}

static void what_is_saved_is_sealed_and_loads(void **state)
{
	struct keyring *ring = keyring_new(sealer), *again = keyring_new(sealer);
	struct buf text = { 0 }, file = { 0 }, heard = { 0 };
	struct stat facts;
	char aside[64];

	(void)state;
	three_endpoints(&text);
	assert_err(ERR_NONE, load_text(ring, &text));
	assert_err(ERR_NONE, keyring_save(ring, scratch_path("saved")));
	scratch_read(scratch_path("saved"), &file);
	assert_true(str_equal(buf_str(&text), buf_str(&file)));
	assert_lacks(&file, "secret");
	assert_int_equal(0, stat(scratch_path("saved"), &facts));
	assert_int_equal(0600, facts.st_mode & 07777);
	assert_err(ERR_NONE, keyring_load_file(again, scratch_path("saved")));
	assert_judged(again, "aaaa", "old secret a", 0, ERR_NONE, 1, 10);
	/* a hard link to another user's file, at the name of the temporary file */
	scratch_write("elsewhere", "precious", 8);
	snprintf(aside, sizeof(aside), "saved.%ld", (long)getpid());
	assert_int_equal(0, link(scratch_path("elsewhere"), scratch_path(aside)));
	assert_err(ERR_NONE, keyring_save(ring, scratch_path("saved")));
	buf_clear(&file);
	scratch_read(scratch_path("elsewhere"), &file);
	assert_string_equal("precious", buf_text(&file));
	/* a missing folder: it is reported, and no file is left */
	scratch_hush();
	assert_err(ERR_FAULT, keyring_save(ring, "/nowhere/keyring"));
	scratch_heard(&heard);
	assert_has(&heard, "event=keyring_not_saved path=/nowhere/keyring why=\"No such file");
	keyring_free(ring);
	keyring_free(again);
	buf_done(&text);
	buf_done(&file);
	buf_done(&heard);
}

static void without_a_database_the_old_keys_stand(void **state)
{
	struct db_options options = { .conninfo = "host=/nowhere",
				      .program = "unit",
				      .deadline_ms = 100 };
	struct db *db = db_open(&options);
	struct keyring *ring = keyring_new(sealer);
	struct buf text = { 0 }, heard = { 0 };
	bool changed = false;

	(void)state;
	three_endpoints(&text);
	assert_err(ERR_NONE, load_text(ring, &text));
	scratch_hush();
	assert_err(ERR_BUSY, keyring_load(ring, db, 50, &changed));
	scratch_heard(&heard);
	assert_has(&heard, "event=keys_not_loaded");
	assert_false(changed);
	assert_true(keyring_age_ms(ring) < 10000);
	assert_false(keyring_is_fresh(ring, 10000));
	assert_judged(ring, "cccc", "secret c", 0, ERR_NONE, 3, 30);
	keyring_free(ring);
	db_close(db);
	buf_done(&text);
	buf_done(&heard);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, in_a_folder, and_out_again)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(callbacks_are_judged),
		IN_FOLDER(the_secret_before_runs_out),
		IN_FOLDER(every_bit_counts),
		IN_FOLDER(a_secret_that_does_not_open_judges_nothing),
		IN_FOLDER(a_file_of_another_form_changes_nothing),
		IN_FOLDER(what_is_saved_is_sealed_and_loads),
		IN_FOLDER(without_a_database_the_old_keys_stand),
	};

	return cmocka_run_group_tests_name("keyring", tests, NULL, NULL);
}
