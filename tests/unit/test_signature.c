/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/crypto.h"
#include "ledger/signature.h"

#define FORGOTTEN \
	"{\"forgotten\":{\"sha256\":" \
	"\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}}"

static void verdict(void **state)
{
	unsigned char code[MAC_BYTES];
	struct mac *mac = mac_new(str_of("secret"));
	struct str body = str_of("{\"event_id\":1}"),
		   signature = { (const char *)code, sizeof(code) };

	(void)state;
	mac_sign(mac, body, code);
	assert_int_equal(SIGNATURE_VALID, signature_verify(mac, body, signature));
	assert_int_equal(SIGNATURE_NO_SECRET, signature_verify(NULL, body, signature));
	assert_int_equal(SIGNATURE_INVALID,
			 signature_verify(mac, str_of("{\"event_id\":2}"), signature));
	assert_int_equal(
		SIGNATURE_INVALID,
		signature_verify(mac, body, (struct str){ (const char *)code, sizeof(code) - 1 }));
	assert_int_equal(SIGNATURE_INVALID, signature_verify(mac, body, str_of("")));
	assert_int_equal(SIGNATURE_BODY_FORGOTTEN,
			 signature_verify(mac, str_of(FORGOTTEN), signature));
	assert_int_equal(SIGNATURE_BODY_FORGOTTEN,
			 signature_verify(NULL, str_of(FORGOTTEN), signature));
	code[0] ^= 1;
	assert_int_equal(SIGNATURE_INVALID, signature_verify(mac, body, signature));
	mac_free(mac);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(verdict) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
