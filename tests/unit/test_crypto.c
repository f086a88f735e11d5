/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdlib.h>

#include "base/crypto.h"

static void assert_mac(struct str secret, struct str bytes, const char *hex)
{
	unsigned char out[MAC_BYTES], wanted[MAC_BYTES];
	struct mac *mac = mac_new(secret);

	assert_true(hex_read(str_of(hex), wanted, MAC_BYTES));
	/* twice: the second digest starts again */
	for (int i = 0; i < 2; i++) {
		memset(out, 0, sizeof(out));
		mac_sign(mac, bytes, out);
		assert_memory_equal(wanted, out, MAC_BYTES);
	}
	mac_free(mac);
}

static struct str filled(char *room, char byte, size_t len)
{
	memset(room, byte, len);
	return (struct str){ room, len };
}

static void rfc_4231(void **state)
{
	char key[131], data[152];

	(void)state;
	assert_mac(filled(key, 0x0b, 20), LIT("Hi There"),
		   "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	assert_mac(LIT("Jefe"), LIT("what do ya want for nothing?"),
		   "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	assert_mac(filled(key, (char)0xaa, 20), filled(data, (char)0xdd, 50),
		   "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
	for (int i = 0; i < 25; i++)
		key[i] = (char)(i + 1);
	assert_mac((struct str){ key, 25 }, filled(data, (char)0xcd, 50),
		   "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
	assert_mac(filled(key, (char)0xaa, 131),
		   LIT("Test Using Larger Than Block-Size Key - Hash Key First"),
		   "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	assert_mac(filled(key, (char)0xaa, 131),
		   LIT("This is a test using a larger than block-size key and a larger than "
		       "block-size data. The key needs to be hashed before being used by the "
		       "HMAC algorithm."),
		   "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

static void toggls_published_signature(void **state)
{
	(void)state;
	assert_mac(
		LIT("PGuRrhCFajIyEvFlreKL"),
		LIT("{\"event_id\":0,\"created_at\":\"2022-06-25T03:58:10.207820267Z\","
		    "\"creator_id\":6,\"metadata\":{\"request_type\":\"POST\",\"event_user_id\":6},"
		    "\"payload\":\"ping\",\"subscription_id\":6}"),
		"55343383e52a9cd2f56bd4e9fb5b6ce6982fb45955f26ea816cf7495d98c5fd2");
}

static void nothing_can_be_signed_and_sign(void **state)
{
	(void)state;
	assert_mac(LIT(""), LIT(""),
		   "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
	assert_mac((struct str){ 0 }, (struct str){ 0 },
		   "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
	mac_free(NULL);
}

static void macs_do_not_share_anything(void **state)
{
	struct mac *a = mac_new(LIT("a")), *b = mac_new(LIT("b"));
	unsigned char first[MAC_BYTES], other[MAC_BYTES], again[MAC_BYTES];

	(void)state;
	mac_sign(a, LIT("x"), first);
	mac_sign(b, LIT("x"), other);
	mac_sign(a, LIT("x"), again);
	assert_memory_equal(first, again, MAC_BYTES);
	assert_memory_not_equal(first, other, MAC_BYTES);
	mac_free(a);
	mac_free(b);
}

static void pieces_are_signed_as_one(void **state)
{
	const struct str parts[] = {
		LIT("what do ya "), { 0 }, LIT("want "), LIT(""), LIT("for nothing?")
	};
	struct mac *mac = mac_new(LIT("Jefe"));
	unsigned char whole[MAC_BYTES], pieces[MAC_BYTES];

	(void)state;
	mac_sign(mac, LIT("what do ya want for nothing?"), whole);
	mac_sign_parts(mac, parts, 5, pieces);
	assert_memory_equal(whole, pieces, MAC_BYTES);
	mac_sign(mac, LIT(""), whole);
	mac_sign_parts(mac, NULL, 0, pieces);
	assert_memory_equal(whole, pieces, MAC_BYTES);
	mac_free(mac);
}

static void comparing_looks_at_every_byte(void **state)
{
	unsigned char a[MAC_BYTES] = { 0 }, b[MAC_BYTES] = { 0 };

	(void)state;
	assert_true(crypto_equal(a, b, MAC_BYTES));
	for (size_t i = 0; i < MAC_BYTES; i++) {
		b[i] = 0x80;
		assert_false(crypto_equal(a, b, MAC_BYTES));
		assert_true(crypto_equal(a, b, i));
		b[i] = 0;
	}
}

static void digests(void **state)
{
	unsigned char out[DIGEST_BYTES];
	struct buf hex = { 0 };

	(void)state;
	crypto_digest((struct str){ 0 }, out);
	buf_add_hex(&hex, out, sizeof(out));
	assert_string_equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
			    buf_text(&hex));
	buf_clear(&hex);
	crypto_digest(LIT("abc"), out);
	buf_add_hex(&hex, out, sizeof(out));
	assert_string_equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
			    buf_text(&hex));
	buf_done(&hex);
}

static void random_text_is_url_safe(void **state)
{
	unsigned char digest[DIGEST_BYTES], wanted[DIGEST_BYTES];
	struct buf one = { 0 }, two = { 0 };

	(void)state;
	for (size_t bytes = 0; bytes < 40; bytes++) {
		buf_clear(&one);
		crypto_random_text(&one, bytes);
		assert_int_equal((bytes * 8 + 5) / 6, one.len);
		for (size_t i = 0; i < one.len; i++)
			assert_non_null(strchr(
				"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
				one.at[i]));
	}
	buf_clear(&one);
	crypto_random_text(&one, 24);
	crypto_random_text(&two, 24);
	assert_string_not_equal(buf_text(&one), buf_text(&two));
	crypto_token(&two, digest);
	assert_int_equal(2 * 32, two.len);
	crypto_digest((struct str){ two.at + 32, 32 }, wanted);
	assert_memory_equal(wanted, digest, DIGEST_BYTES);
	buf_done(&one);
	buf_done(&two);
}

static const char key_a[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static const char key_b[] = "FFFEFDFCFBFAF9F8F7F6F5F4F3F2F1F0efeeedecebeae9e8e7e6e5e4e3e2e1e0";

static void what_is_sealed_opens(void **state)
{
	const struct str plains[] = { LIT(""), LIT("x"), LIT("PGuRrhCFajIyEvFlreKL"), LIT("a\0b") };
	struct sealer *sealer = sealer_new(key_a, NULL);

	(void)state;
	assert_true(sealer_has_key(sealer));
	for (size_t i = 0; i < sizeof(plains) / sizeof(plains[0]); i++) {
		struct buf sealed = { 0 }, open = { 0 }, again = { 0 };

		assert_err(ERR_NONE, seal(sealer, LIT("place"), plains[i], &sealed));
		assert_int_equal(1 + 4 + 12 + plains[i].len + 16, sealed.len);
		assert_err(ERR_NONE, seal(sealer, LIT("place"), plains[i], &again));
		assert_false(str_equal(buf_str(&sealed), buf_str(&again)));
		buf_add_text(&open, "before ");
		assert_err(ERR_NONE, seal_open(sealer, LIT("place"), buf_str(&sealed), &open));
		assert_int_equal(7 + plains[i].len, open.len);
		assert_memory_equal(plains[i].at, open.at + 7, plains[i].len);
		assert_true(seal_is_current(sealer, buf_str(&sealed)));
		buf_done(&sealed);
		buf_done(&again);
		buf_done(&open);
	}
	sealer_free(sealer);
	sealer_free(NULL);
}

static void nothing_else_opens(void **state)
{
	struct sealer *a = sealer_new(key_a, NULL), *b = sealer_new(key_b, NULL);
	struct buf sealed = { 0 }, open = { 0 };

	(void)state;
	assert_err(ERR_NONE, seal(a, LIT("place"), LIT("secret"), &sealed));
	assert_err(ERR_DENIED, seal_open(a, LIT("plac"), buf_str(&sealed), &open));
	assert_err(ERR_DENIED, seal_open(a, LIT("other"), buf_str(&sealed), &open));
	assert_err(ERR_DENIED, seal_open(a, (struct str){ 0 }, buf_str(&sealed), &open));
	assert_err(ERR_DENIED, seal_open(b, LIT("place"), buf_str(&sealed), &open));
	for (size_t bit = 0; bit < sealed.len * 8; bit++) {
		sealed.at[bit / 8] = (char)(sealed.at[bit / 8] ^ (1 << bit % 8));
		if (seal_open(a, LIT("place"), buf_str(&sealed), &open) != ERR_DENIED)
			fail_msg("opened with bit %zu changed", bit);
		sealed.at[bit / 8] = (char)(sealed.at[bit / 8] ^ (1 << bit % 8));
	}
	for (size_t len = 0; len < sealed.len; len++)
		assert_err(ERR_DENIED,
			   seal_open(a, LIT("place"), (struct str){ sealed.at, len }, &open));
	buf_add_char(&sealed, 'x');
	assert_err(ERR_DENIED, seal_open(a, LIT("place"), buf_str(&sealed), &open));
	assert_int_equal(0, open.len);
	buf_done(&sealed);
	buf_done(&open);
	sealer_free(a);
	sealer_free(b);
}

static void the_previous_key_opens_and_seals_nothing(void **state)
{
	struct sealer *old = sealer_new(key_a, NULL), *both = sealer_new(key_b, key_a);
	struct buf sealed = { 0 }, fresh = { 0 }, open = { 0 };

	(void)state;
	assert_err(ERR_NONE, seal(old, LIT("p"), LIT("secret"), &sealed));
	assert_err(ERR_NONE, seal_open(both, LIT("p"), buf_str(&sealed), &open));
	assert_string_equal("secret", buf_text(&open));
	assert_false(seal_is_current(both, buf_str(&sealed)));
	assert_err(ERR_NONE, seal(both, LIT("p"), LIT("secret"), &fresh));
	assert_true(seal_is_current(both, buf_str(&fresh)));
	assert_err(ERR_DENIED, seal_open(old, LIT("p"), buf_str(&fresh), &open));
	assert_false(seal_is_current(both, (struct str){ 0 }));
	buf_done(&sealed);
	buf_done(&fresh);
	buf_done(&open);
	sealer_free(old);
	sealer_free(both);
}

static void without_a_key_nothing_is_sealed(void **state)
{
	static const char *const wrong[] = {
		NULL, "", "00", "zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct sealer *sealer = sealer_new(wrong[i], NULL);
		struct buf sealed = { 0 };

		assert_false(sealer_has_key(sealer));
		assert_err(ERR_FAULT, seal(sealer, LIT("p"), LIT("x"), &sealed));
		assert_int_equal(0, sealed.len);
		sealer_free(sealer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_4231),
		cmocka_unit_test(toggls_published_signature),
		cmocka_unit_test(nothing_can_be_signed_and_sign),
		cmocka_unit_test(macs_do_not_share_anything),
		cmocka_unit_test(pieces_are_signed_as_one),
		cmocka_unit_test(comparing_looks_at_every_byte),
		cmocka_unit_test(digests),
		cmocka_unit_test(random_text_is_url_safe),
		cmocka_unit_test(what_is_sealed_opens),
		cmocka_unit_test(nothing_else_opens),
		cmocka_unit_test(the_previous_key_opens_and_seals_nothing),
		cmocka_unit_test(without_a_key_nothing_is_sealed),
	};

	return cmocka_run_group_tests_name("crypto", tests, NULL, NULL);
}
