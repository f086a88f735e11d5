/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/password_guess.h"
#include "base/password.h"

static void what_is_guessed_first(void **state)
{
	static const char *const common[] = {
		"passwordpassword",
		"Password1234",
		"P@$$w0rd!2026",
		"password-password",
		"PASSWORDPASSWORD",
		"drowssapdrowssap",
		"123456789012",
		"098765432109",
		"111111111111",
		"aaaaaaaaaaaa",
		"            ",
		"121212121212",
		"112233445566",
		"abcabcabcabc",
		"qwertyuiop12",
		"qwertyqwerty",
		"qwertzuiopas",
		"asdfghjkl;'\\",
		"1qaz2wsx3edc",
		"1q2w3e4r5t6y",
		"zaq12wsxcde3",
		"poiuytrewqwe",
		"abcdefghijkl",
		"zyxwvutsrqpo",
		"iloveyou1234",
		"ilovehookledger",
		"letmeinletmein",
		"hookledger2026",
		"Hookledger-2026!",
		"admin-admin-admin",
		"administrator",
		"Administrator1",
		"welcome12345",
		"Sommer2026!!!",
		"summerwinter2025",
		"monkeydragon99",
		"Xk9#Xk9#Xk9#",
		"trustno1trustno1",
		"football1985",
		"01.01.1990 01",
		"correcthorsebatterystaple",
		"changemechangeme",
		"\xef\xbd\x90\xef\xbd\x81\xef\xbd\x93\xef\xbd\x93\xef\xbd\x97\xef\xbd\x8f\xef\xbd"
		"\x92\xef\xbd\x84password", /* in wide letters */
		"йцукенгшщзхъ",
		"минусминусминус\xff",
		"Пароль123456",
		"contraseña12",
		"Contrasena 2026",
		"pässwörd2026",
		"密码密码密码密码密码密码",
		"Password123!",
		"welcome2hookledger",
		"paul-paul-paul",
		"kim+kim/kim.kim",
	};
	static const char *const fine[] = {
		"correct horse Größe",	      "some long password", "another long password",
		"yet another password",	      "xJ4#mQ9!tR2z",	    "violet spoon drags gravel",
		"Kaffeetasse steht quer",     "öüäßéèàçñøåæ",	    "6$kLp0qV-zTw",
		"北京的秋天总是很短而且很美",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (!password_flaw(str_of(common[i]), str_of("Olga")))
			fail_msg("taken: %s", common[i]);
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		if (password_flaw(str_of(fine[i]), str_of("Olga")))
			fail_msg("refused: %s: %zu pieces", fine[i],
				 password_guess_pieces(str_of(fine[i]), str_of("Olga")));
}

static void whose_it_is(void **state)
{
	(void)state;
	assert_non_null(password_flaw(str_of("lovelace-lovelace"), str_of("Ada Lovelace")));
	assert_non_null(password_flaw(str_of("Lovelace.Ada.99"), str_of("Ada Lovelace")));
	assert_non_null(
		password_flaw(str_of("ecalevol ada 2026"), str_of("ada.lovelace@hookledger")));
	assert_null(password_flaw(str_of("Lovelace.Babbage"), str_of("Olga")));
	assert_int_equal(password_guess_pieces(str_of("zwölfzwölf"), str_of("Zwölf")), 1);
}

static void pieces(void **state)
{
	static const struct {
		const char *text;
		size_t pieces;
	} cases[] = {
		{ "", 0 },
		{ "x", 1 },
		{ "xx", 1 },
		{ "xk", 2 },
		{ "password", 1 },
		{ "p455w0rd", 1 },
		{ "dragon", 1 },
		{ "nogard", 1 },
		{ "1234", 1 },
		{ "4321", 1 },
		{ "1985", 1 },
		{ "7305", 2 },
		{ "hookledger", 1 },
		{ "dragonmonkey", 2 },
		{ "dragondragon", 1 },
		{ "kpkpkp", 2 },
		{ "k9", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (password_guess_pieces(str_of(cases[i].text), (struct str){ 0 }) !=
		    cases[i].pieces)
			fail_msg("%s: %zu", cases[i].text,
				 password_guess_pieces(str_of(cases[i].text), (struct str){ 0 }));
	assert_int_equal(password_guess_pieces(str_of("\xff"), (struct str){ 0 }), 0);
}

/* Texts with many repetitions take longest; a password has at most 1000 bytes. */
static void the_longest(void **state)
{
	struct buf longest = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_add_char(&longest, "ab"[i % 7 == 3]);
	assert_true(password_guess_pieces(buf_str(&longest), buf_str(&longest)) < 20);
	buf_done(&longest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_guessed_first),
		cmocka_unit_test(whose_it_is),
		cmocka_unit_test(pieces),
		cmocka_unit_test(the_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
