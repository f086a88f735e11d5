/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "ledger/mail.h"

static bool is_ascii(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.at[i] > '~')
			return false;
	return true;
}

static const int64_t AT_US = INT64_C(1784288613000000); /* 2026-07-17T11:43:33Z */

static void addresses(void **state)
{
	static const char *const good[] = { "ada@example.org", "a.b+c@mail.example.org",
					    "o'neil@x.org", "root@localhost", "_x@1.de" };
	static const char *const bad[] = {
		"",
		"@",
		"ada",
		"ada@",
		"@example.org",
		"-oQ/tmp@example.org",
		"ada@example.org,eve@example.org",
		"ada@exa mple.org",
		"a\nBcc:eve@example.org",
		"ada@example.org\n",
		"ada@example.org\r\nDATA",
		"<ada@example.org>",
		"\"ada\"@example.org",
		"ada@-example.org",
		"ada@example.org.",
		"ada@ex@ample.org",
		"adä@example.org",
		"ada@[127.0.0.1]",
		"ada@example.org;ls",
		"$(id)\\@x.org",
		"a(b)@x.org",
		"ada@example.org\t",
	};
	struct buf long_one = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(mail_is_address(str_of(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (mail_is_address(str_of(bad[i])))
			fail_msg("\"%s\" was taken for an address", bad[i]);
	assert_false(mail_is_address(LIT("ada@example.org\0x")));
	for (int i = 0; i < 300; i++)
		buf_add_char(&long_one, 'x');
	buf_add_text(&long_one, "@example.org");
	assert_false(mail_is_address(buf_str(&long_one)));
	buf_done(&long_one);
}

static void assert_mail(struct str subject, struct str text, const char *wanted)
{
	struct mail mail = { .from = LIT("hookledger@example.org"),
			     .to = LIT("ada@example.org"),
			     .subject = subject,
			     .text = text,
			     .id = LIT("1.2"),
			     .at_us = AT_US,
			     .line_end = "\n" };
	struct buf out = { 0 };

	mail_write(&mail, &out);
	assert_string_equal(wanted, buf_text(&out));
	buf_done(&out);
}

#define HEAD \
	"Date: Fri, 17 Jul 2026 11:43:33 +0000\nFrom: hookledger <hookledger@example.org>\nTo: " \
	"ada@example.org\nSubject: "
#define TAIL \
	"\nMessage-ID: <1.2@example.org>\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n" \
	"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"

static void a_plain_one(void **state)
{
	(void)state;
	/* "One.\r\n" and "Two.\r\n" */
	assert_mail(LIT("hookledger: all is well again"), LIT("One.\nTwo.\n"),
		    HEAD "hookledger: all is well again" TAIL "T25lLg0KVHdvLg0K\n");
}

/* By "printf … | base64". */
static void other_languages(void **state)
{
	(void)state;
	assert_mail(LIT("Zoë ☂"), LIT("Zoë"), HEAD "=?UTF-8?B?Wm/DqyDimII=?=" TAIL "Wm/Dqw0K\n");
	/* cut between characters: 45 bytes would end within one */
	assert_mail(LIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xab"
			"b"),
		    LIT(""),
		    HEAD "=?UTF-8?B?YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=?="
			 "\n =?UTF-8?B?w6ti?=" TAIL);
}

static void nothing_becomes_a_header(void **state)
{
	struct mail mail = { .from = LIT("a@b"),
			     .to = LIT("c@d"),
			     .subject = LIT(
				     "x\r\nBcc: eve@example.org\n\nbody \0 \xff =?UTF-8?Q?y?="),
			     .text = LIT(".\r\nQUIT\r\n\xff"),
			     .id = LIT("1"),
			     .at_us = AT_US,
			     .line_end = "\r\n" };
	struct buf out = { 0 };

	(void)state;
	mail_write(&mail, &out);
	assert_lacks(&out, "Bcc");
	assert_lacks(&out, "QUIT");
	/* "x  Bcc: eve@example.org  body   " U+FFFD " =?UTF-8?Q?y?=" */
	assert_has(&out, "\r\nSubject: "
			 "=?UTF-8?B?eCAgQmNjOiBldmVAZXhhbXBsZS5vcmcgIGJvZHkgICDvv70gPT9VVEYtOD9R?="
			 "\r\n =?UTF-8?B?P3k/PQ==?=\r\nMessage-ID:");
	for (size_t i = 0; i < out.len; i++)
		assert_true(out.at[i] != '\n' || (i && out.at[i - 1] == '\r'));
	buf_done(&out);
}

static void lines_stay_short(void **state)
{
	struct mail mail = { .from = LIT("a@b"),
			     .to = LIT("c@d"),
			     .id = LIT("1"),
			     .at_us = AT_US,
			     .line_end = "\n" };
	struct buf text = { 0 }, out = { 0 };
	struct str rest;

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_add_text(&text, "☂ ä\n");
	mail.subject = mail.text = buf_str(&text);
	mail_write(&mail, &out);
	for (rest = buf_str(&out); rest.len;) {
		struct str line = str_cut(&rest, '\n');

		assert_true(line.len <= 86); /* an encoded word behind "Subject: " */
		assert_true(is_ascii(line));
	}
	buf_done(&text);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),	    cmocka_unit_test(a_plain_one),
		cmocka_unit_test(other_languages),  cmocka_unit_test(nothing_becomes_a_header),
		cmocka_unit_test(lines_stay_short),
	};

	return cmocka_run_group_tests_name("mail", tests, NULL, NULL);
}
