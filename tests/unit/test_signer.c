/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "ledger/signer.h"

static void assert_standard(const char *secret, const char *id, int64_t timestamp, struct str body,
			    const char *wanted)
{
	struct signer *signer = signer_new(str_of(secret));
	struct buf out = { 0 };

	/* twice: the second one starts again */
	for (int i = 0; i < 2; i++) {
		buf_clear(&out);
		signer_write_standard(signer, str_of(id), timestamp, body, &out);
		assert_string_equal(wanted, buf_text(&out));
	}
	signer_free(signer);
	buf_done(&out);
}

/* The test vector of the specification's libraries. */
static void published_signature(void **state)
{
	(void)state;
	assert_standard("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
			1614265330, LIT("{\"test\": 2432232314}"),
			"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	/* as it is copied from some web pages */
	assert_standard("v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
			1614265330, LIT("{\"test\": 2432232314}"),
			"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

/* Computed with "openssl dgst -sha256 -hmac". */
static void other_secrets_are_their_own_key(void **state)
{
	static const char *const secrets[][2] = {
		{ "PGuRrhCFajIyEvFlreKL", "v1,fIiD/F19bWdiXegdLV/WQJhWzjTVijwad5LphKgZBPs=" },
		{ "whsec_", "v1,G4tS915x/C4kqXhTQy92MeB4kFxKXzv1fAn2eIIstTE=" },
		{ "whsec_not base64", "v1,o8AoqEmKyp5vmmof/o34G7TNZXuGELCNS1fm52+yFSc=" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		assert_standard(secrets[i][0], "7435584-1203", 1700000000,
				LIT("{\"event_id\":1203}"), secrets[i][1]);
}

static void toggls_published_signature(void **state)
{
	struct signer *signer = signer_new(LIT("PGuRrhCFajIyEvFlreKL"));
	struct buf out = { 0 };

	(void)state;
	signer_write_toggl(
		signer,
		LIT("{\"event_id\":0,\"created_at\":\"2022-06-25T03:58:10.207820267Z\","
		    "\"creator_id\":6,\"metadata\":{\"request_type\":\"POST\",\"event_user_id\":6},"
		    "\"payload\":\"ping\",\"subscription_id\":6}"),
		&out);
	assert_string_equal(
		"sha256=55343383e52a9cd2f56bd4e9fb5b6ce6982fb45955f26ea816cf7495d98c5fd2",
		buf_text(&out));
	signer_free(signer);
	/* a secret of Toggl's form is the key as it is written */
	signer = signer_new(LIT("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
	buf_clear(&out);
	signer_write_toggl(signer, LIT("{\"test\": 2432232314}"), &out);
	assert_string_equal(
		"sha256=80ec8a89ce3cd22133a1066caecb4d04fea7467657c8514d717ec42c38a5c94c",
		buf_text(&out));
	signer_free(signer);
	signer_free(NULL);
	buf_done(&out);
}

static void two_values_make_one_header(void **state)
{
	struct signer *old = signer_new(LIT("old")), *fresh = signer_new(LIT("fresh"));
	struct buf out = { 0 };

	(void)state;
	signer_write_standard(old, LIT("a"), 1, LIT("x"), &out);
	buf_add_char(&out, ' ');
	signer_write_standard(fresh, LIT("a"), 1, LIT("x"), &out);
	assert_int_equal(2 * (3 + 44) + 1, out.len);
	assert_memory_not_equal(out.at, out.at + 48, 47);
	signer_free(old);
	signer_free(fresh);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_signature),
		cmocka_unit_test(other_secrets_are_their_own_key),
		cmocka_unit_test(toggls_published_signature),
		cmocka_unit_test(two_values_make_one_header),
	};

	return cmocka_run_group_tests_name("signer", tests, NULL, NULL);
}
