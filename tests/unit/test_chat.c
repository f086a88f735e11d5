/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <string.h>

#include "base/json.h"
#include "ledger/chat.h"

static struct chat_message trouble(void)
{
	return (struct chat_message){
		.subject = str_of("hookledger: trouble: Toggl is silent"),
		.text = str_of("TROUBLE: <!channel> @here *A* & [b](http://x)\n  do: "
			       "`x`\n\nhttps://h.example/admin/#a_b\n"),
		.status = str_of("trouble"),
		.page = str_of("https://h.example/admin/"),
	};
}

static const char *written(const char *kind, const char *target, const struct chat_message *message,
			   struct buf *out)
{
	struct json_value none;

	buf_clear(out);
	chat_write(str_of(kind), str_of(target), message, out);
	assert_int_equal(json_scan(buf_str(out), NULL, &none, 0, NULL), ERR_NONE);
	return buf_text(out);
}

static void kinds(void **state)
{
	static const char *const chats[] = { "slack",	   "teams",	 "discord",
					     "mattermost", "googlechat", "ntfy" };

	(void)state;
	for (size_t i = 0; i < sizeof(chats) / sizeof(chats[0]); i++)
		assert_true(chat_is_kind(str_of(chats[i])));
	assert_false(chat_is_kind(str_of("mail")));
	assert_false(chat_is_kind(str_of("webhook")));
	assert_false(chat_is_kind(str_of("Slack")));
	assert_false(chat_is_kind((struct str){ 0 }));
}

static void bodies(void **state)
{
	const struct chat_message message = trouble();
	struct buf out = { 0 };

	(void)state;
	assert_string_equal(
		written("slack", "https://hooks.slack.com/services/T/B/X", &message, &out),
		"{\"text\":\"hookledger: trouble: Toggl is silent\\n\\nTROUBLE: &lt;!channel&gt; "
		"@here *A* &amp; [b](http://x)\\n"
		"  do: `x`\\n\\nhttps://h.example/admin/#a_b\\n\"}");
	assert_string_equal(written("mattermost", "https://m.example/hooks/x", &message, &out),
			    "{\"text\":\"hookledger: trouble: Toggl is silent\\n\\nTROUBLE: "
			    "\\\\<!channel\\\\> @\u200bhere \\\\*A\\\\* & \\\\[b\\\\](http://x)\\n"
			    "  do: \\\\`x\\\\`\\n\\nhttps://h.example/admin/#a_b\\n\"}");
	assert_string_equal(
		written("discord", "https://discord.com/api/webhooks/1/x", &message, &out),
		"{\"content\":\"hookledger: trouble: Toggl is silent\\n\\nTROUBLE: "
		"\\\\<!channel\\\\> @\u200bhere \\\\*A\\\\* & \\\\[b\\\\](http://x)\\n"
		"  do: "
		"\\\\`x\\\\`\\n\\nhttps://h.example/admin/"
		"#a_b\\n\",\"allowed_mentions\":{\"parse\":[]}}");
	assert_non_null(strstr(
		written("googlechat", "https://chat.googleapis.com/v1/spaces/x", &message, &out),
		"<\u200b!channel>"));
	assert_string_equal(
		written("ntfy", "https://ntfy.sh/alerts", &message, &out),
		"{\"topic\":\"alerts\",\"title\":\"hookledger: trouble: Toggl is silent\","
		"\"message\":\"TROUBLE: <!channel> @here *A* & [b](http://x)\\n  do: "
		"`x`\\n\\nhttps://h.example/admin/#a_b\\n\","
		"\"priority\":5,\"tags\":[\"rotating_light\"],\"click\":\"https://h.example/admin/"
		"\"}");
	assert_string_equal(written("teams", "https://x.webhook.office.com/y", &message, &out),
			    "{\"type\":\"message\",\"attachments\":[{\"contentType\":\"application/"
			    "vnd.microsoft.card.adaptive\",\"contentUrl\":null,"
			    "\"content\":{\"$schema\":\"http://adaptivecards.io/schemas/"
			    "adaptive-card.json\",\"type\":\"AdaptiveCard\",\"version\":\"1.2\","
			    "\"body\":[{\"type\":\"TextBlock\",\"text\":\"hookledger: trouble: "
			    "Toggl is silent\",\"wrap\":true,\"weight\":\"Bolder\"},"
			    "{\"type\":\"TextBlock\",\"text\":\"TROUBLE: \\\\<!channel\\\\> "
			    "@\u200bhere \\\\*A\\\\* & \\\\[b\\\\](http://x)\",\"wrap\":true},"
			    "{\"type\":\"TextBlock\",\"text\":\"do: \\\\`x\\\\`\",\"wrap\":true},"
			    "{\"type\":\"TextBlock\",\"text\":\"https://h.example/admin/"
			    "#a_b\",\"wrap\":true}]}}]}");
	buf_done(&out);
}

static void priorities(void **state)
{
	struct chat_message message = trouble();
	struct buf out = { 0 };

	(void)state;
	message.page = (struct str){ 0 };
	message.status = str_of("warning");
	assert_non_null(strstr(written("ntfy", "https://n.example/a", &message, &out),
			       "\"priority\":4,\"tags\":[\"warning\"]}"));
	message.status = str_of("well");
	assert_non_null(strstr(written("ntfy", "https://n.example/a", &message, &out),
			       "\"priority\":3,\"tags\":[\"white_check_mark\"]}"));
	buf_done(&out);
}

/* The limits of the services, counted in bytes, which are never fewer than characters. */
static void long_texts(void **state)
{
	static const struct {
		const char *kind;
		size_t max;
	} limits[] = { { "slack", 40000 },     { "mattermost", 16383 }, { "discord", 2000 },
		       { "googlechat", 4096 }, { "teams", 28000 },	{ "ntfy", 4096 } };
	struct buf text = { 0 }, out = { 0 };
	struct chat_message message = trouble();

	(void)state;
	for (int i = 0; i < 20000; i++)
		buf_add_text(&text, i % 7 ? "*" : "€");
	message.text = buf_str(&text);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		written(limits[i].kind, "https://n.example/a", &message, &out);
		assert_true(utf8_is_valid(buf_str(&out)));
		/* a backslash before each sign, which JSON writes as two */
		assert_in_range(out.len, 900, limits[i].max * 3);
		if (strcmp(limits[i].kind, "discord") != 0)
			assert_non_null(
				strstr(buf_text(&out), "(cut; the admin page has all of it)"));
	}
	buf_done(&text);
	buf_done(&out);
}

static void urls(void **state)
{
	static const struct {
		const char *kind, *target, *url;
	} cases[] = {
		{ "slack", "https://hooks.slack.com/services/T/B/X",
		  "https://hooks.slack.com/services/T/B/X" },
		{ "ntfy", "https://ntfy.sh/alerts", "https://ntfy.sh/" },
		{ "ntfy", "https://ntfy.sh/alerts/", "https://ntfy.sh/" },
		{ "ntfy", "http://n.example:8080/sub/alerts?auth=QmFz",
		  "http://n.example:8080/sub/?auth=QmFz" },
		{ "ntfy", "https://ntfy.sh/alerts?x=a/b", "https://ntfy.sh/?x=a/b" },
	};
	struct buf url = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&url);
		chat_url(str_of(cases[i].kind), str_of(cases[i].target), &url);
		assert_string_equal(buf_text(&url), cases[i].url);
	}
	buf_done(&url);
}

static void refusals(void **state)
{
	(void)state;
	assert_true(chat_is_refused(str_of("teams"),
				    str_of("Webhook message delivery failed with error: Microsoft "
					   "Teams endpoint returned HTTP error 429")));
	assert_false(chat_is_refused(str_of("teams"), str_of("1")));
	assert_false(chat_is_refused(str_of("teams"), (struct str){ 0 }));
	assert_false(chat_is_refused(str_of("slack"), str_of("Webhook message delivery failed")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),      cmocka_unit_test(bodies),
		cmocka_unit_test(priorities), cmocka_unit_test(long_texts),
		cmocka_unit_test(urls),	      cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
