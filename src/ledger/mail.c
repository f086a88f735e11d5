/* SPDX-License-Identifier: ISC */
#include "ledger/mail.h"

#include <string.h>
#include <time.h>

#include "base/base64.h"
#include "base/json.h"

enum {
	ADDRESS_MAX = 254, /* RFC 5321, 4.5.3.1, without angle brackets */
	WORD_BYTES =
		45, /* of an encoded word: 60 characters and 12 around them, of 75 (RFC 2047, 2) */
	PLAIN_MAX = 60,	 /* a subject up to this length fits into one line unencoded */
	LINE_BYTES = 57, /* 76 characters in base64 (RFC 2045, 6.8) */
};

static bool is_one_of(char c, const char *more)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr(more, c));
}

bool mail_is_address(struct str address)
{
	struct str domain = address, local = str_cut(&domain, '@');

	if (!local.len || !domain.len || address.len > ADDRESS_MAX || local.at[0] == '-' ||
	    !is_one_of(domain.at[0], "") || !is_one_of(domain.at[domain.len - 1], ""))
		return false;
	for (size_t i = 0; i < local.len; i++)
		if (!is_one_of(local.at[i], ".!#$%&'*+/=?^_`{|}~-"))
			return false;
	for (size_t i = 0; i < domain.len; i++)
		if (!is_one_of(domain.at[i], ".-"))
			return false;
	return true;
}

static bool is_plain(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.at[i] > '~' ||
		    (text.at[i] == '=' && i + 1 < text.len && text.at[i + 1] == '?'))
			return false;
	return text.len <= PLAIN_MAX;
}

/* RFC 2047: encoded words of whole characters, one a line. */
static void add_words(struct buf *out, struct str text, const char *line_end)
{
	bool is_first = true;

	while (text.len) {
		size_t len = text.len < WORD_BYTES ? text.len : WORD_BYTES;

		while (len < text.len && ((unsigned char)text.at[len] & 0xc0) == 0x80)
			len--;
		if (!is_first)
			buf_addf(out, "%s ", line_end);
		buf_add_text(out, "=?UTF-8?B?");
		base64_write(out, text.at, len);
		buf_add_text(out, "?=");
		text.at += len;
		text.len -= len;
		is_first = false;
	}
}

static void add_header(struct buf *out, const char *name, struct str value, const char *line_end)
{
	buf_addf(out, "%s: ", name);
	buf_add_str(out, value);
	buf_add_text(out, line_end);
}

/* By RFC 5322, 3.3, with English names in every locale. */
static void add_date(struct buf *out, int64_t at_us, const char *line_end)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t at = (time_t)(at_us / 1000000);
	struct tm t;

	if (!gmtime_r(&at, &t))
		return;
	buf_addf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000%s", days[t.tm_wday], t.tm_mday,
		 months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec, line_end);
}

void mail_write(const struct mail *mail, struct buf *out)
{
	const char *end = mail->line_end;
	struct str domain = mail->from;
	struct buf subject = { 0 }, text = { 0 };

	str_cut(&domain, '@');
	utf8_add_line(&subject, mail->subject);
	/* the encoded text has the line ends of the standard (RFC 2046, 4.1.1) */
	for (struct str rest = mail->text; rest.len;) {
		struct str line = str_cut(&rest, '\n');

		line.len -= line.len && line.at[line.len - 1] == '\r';
		utf8_add(&text, line);
		buf_add_text(&text, "\r\n");
	}
	add_date(out, mail->at_us, end);
	buf_add_text(out, "From: hookledger <");
	buf_add_str(out, mail->from);
	buf_addf(out, ">%s", end);
	add_header(out, "To", mail->to, end);
	buf_add_text(out, "Subject: ");
	if (is_plain(buf_str(&subject)))
		buf_add_str(out, buf_str(&subject));
	else
		add_words(out, buf_str(&subject), end);
	buf_addf(out, "%sMessage-ID: <", end);
	buf_add_str(out, mail->id);
	buf_add_char(out, '@');
	buf_add_str(out, domain);
	buf_addf(out, ">%s", end);
	/* RFC 3834: asks programs not to answer */
	add_header(out, "Auto-Submitted", str_of("auto-generated"), end);
	add_header(out, "MIME-Version", str_of("1.0"), end);
	add_header(out, "Content-Type", str_of("text/plain; charset=utf-8"), end);
	add_header(out, "Content-Transfer-Encoding", str_of("base64"), end);
	buf_add_text(out, end);
	for (size_t at = 0; at < text.len; at += LINE_BYTES) {
		base64_write(out, text.at + at,
			     text.len - at < LINE_BYTES ? text.len - at : LINE_BYTES);
		buf_add_text(out, end);
	}
	buf_done(&subject);
	buf_done(&text);
}
