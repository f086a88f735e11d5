/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/base64.h"
#include "http/http_auth.h"

/* "Basic" and this text in base64. */
static bool reads(struct str both, const char *scheme, struct buf *user, struct buf *password)
{
	struct buf header = { 0 };
	bool fine;

	buf_add_text(&header, scheme);
	base64_write(&header, both.at, both.len);
	buf_clear(user);
	buf_clear(password);
	fine = http_auth_read_basic(buf_str(&header), user, password);
	buf_done(&header);
	return fine;
}

static void credentials_are_read(void **state)
{
	struct buf user = { 0 }, password = { 0 };

	(void)state;
	/* as in RFC 7617 and in Toggl's documentation */
	assert_true(
		http_auth_read_basic(LIT("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), &user, &password));
	assert_string_equal("Aladdin", buf_text(&user));
	assert_string_equal("open sesame", buf_text(&password));
	assert_true(reads(LIT("1971800d4d82861d8f2c1651fea4d212:api_token"), "Basic ", &user,
			  &password));
	assert_string_equal("1971800d4d82861d8f2c1651fea4d212", buf_text(&user));
	assert_string_equal("api_token", buf_text(&password));
	assert_true(reads(LIT(":"), "bAsIc ", &user, &password));
	assert_int_equal(0, user.len + password.len);
	assert_true(reads(LIT("a:b:c"), "BASIC   ", &user, &password));
	assert_string_equal("a", buf_text(&user));
	assert_string_equal("b:c", buf_text(&password));
	assert_true(reads(LIT("\xc3\xa9:\xff"), "Basic ", &user, &password));
	assert_string_equal("\xc3\xa9", buf_text(&user));
	buf_done(&user);
	buf_done(&password);
}

static void nothing_else_is_read(void **state)
{
	static const char *const wrong[] = {
		"",
		"Basic",
		"Basic ",
		"Basic:",
		"BasicQTpi",
		"Basi QTpi",
		"Basics QTpi",
		"Bearer QTpi",
		" Basic QTpi",
		"Basic QTp",
		"Basic QTpi=",
		"Basic Q Tpi",
		"Basic QTpi QTpi",
		"Basic QTpi,",
		"Basic A:b",
		"Basic YWI=",
		"Digest username=\"a\"",
		"QTpi",
	};
	struct buf user = { 0 }, password = { 0 }, both = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (http_auth_read_basic(str_of(wrong[i]), &user, &password))
			fail_msg("\"%s\" was read", wrong[i]);
	assert_false(http_auth_read_basic((struct str){ 0 }, &user, &password));
	assert_false(reads(LIT("a\0:b"), "Basic ", &user, &password));
	assert_false(reads(LIT("a:b\n"), "Basic ", &user, &password));
	assert_false(reads(LIT("a:\x7f"), "Basic ", &user, &password));
	for (int i = 0; i < 760; i++)
		buf_add_char(&both, ':');
	assert_true(reads(buf_str(&both), "Basic ", &user, &password));
	for (int i = 0; i < 10; i++)
		buf_add_char(&both, ':');
	assert_false(reads(buf_str(&both), "Basic ", &user, &password));
	assert_int_equal(0, user.len + password.len);
	buf_done(&user);
	buf_done(&password);
	buf_done(&both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(credentials_are_read),
		cmocka_unit_test(nothing_else_is_read),
	};

	return cmocka_run_group_tests_name("basic", tests, NULL, NULL);
}
