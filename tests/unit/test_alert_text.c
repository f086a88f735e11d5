/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>

#include "base/json.h"
#include "ledger/alert_text.h"

#define FINDING(change, level, name, link) \
	"{" change "\"kind\":\"endpoint_mute\",\"level\":\"" level \
	"\",\"subject\":\"endpoint 5\"," \
	"\"message\":{\"code\":\"finding.endpoint_mute\",\"endpoint_id\":5,\"name\":\"" name \
	"\"}," \
	"\"since\":\"2026-07-17T12:00:00Z\",\"link\":\"" link "\"}"
#define CONTENT(test, status, page, changes, findings) \
	"{\"timestamp\":\"2026-07-17T12:00:01Z\",\"test\":" test ",\"status\":\"" status "\"," \
	"\"page\":\"" page "\",\"changes\":[" changes "],\"findings\":[" findings "]}"
#define MUTE(name) \
	"The endpoint \"" name "\" has no valid secret and answers 401 to every callback."
#define ADVICE "Give it a new secret (`hookledger endpoint rotate 5`), and enter it at Toggl."

static void assert_text(const char *content, const char *subject, const char *words)
{
	struct alert_text text = { 0 };

	alert_text_write(&text, str_of(content));
	assert_string_equal(subject, buf_text(&text.subject));
	assert_string_equal(words, buf_text(&text.text));
	alert_text_done(&text);
}

static void news(void **state)
{
	(void)state;
	assert_text(
		CONTENT("false", "warning", "https://h/",
			FINDING("\"change\":\"new\",", "warning", "A", "#/toggl"),
			FINDING("", "warning", "A", "#/toggl")),
		"hookledger: warning: " MUTE("A"),
		"WARNING: " MUTE("A") "\n  " ADVICE
				      "\n  https://h/#/toggl\n\nAll that is not well now:\n- " MUTE(
					      "A") "\n\nhttps://h/\n");
	assert_text(CONTENT("false", "trouble", "",
			    FINDING("\"change\":\"over\",", "trouble", "O", "") "," FINDING(
				    "\"change\":\"worse\",", "trouble", "A",
				    "#/x") "," FINDING("\"change\":\"new\",", "warning", "B", ""),
			    FINDING("", "trouble", "A", "")),
		    "hookledger: trouble: " MUTE("A") " (and 1 more)",
		    "TROUBLE: " MUTE("A") "\n  " ADVICE "\n\nWARNING: " MUTE(
			    "B") "\n  " ADVICE
				 "\n\nOVER: " MUTE("O") "\n\nAll that is not well now:\n- " MUTE(
					 "A") "\n");
}

static void what_is_over(void **state)
{
	(void)state;
	assert_text(CONTENT("false", "well", "",
			    FINDING("\"change\":\"over\",", "trouble", "O", ""), ""),
		    "hookledger: all is well again", "OVER: " MUTE("O") "\n\nAll is well now.\n");
	assert_text(CONTENT("false", "warning", "",
			    FINDING("\"change\":\"over\",", "trouble", "O",
				    "") "," FINDING("\"change\":\"over\",", "warning", "P", ""),
			    FINDING("", "warning", "A", "")),
		    "hookledger: over: " MUTE("O") " (and 1 more)",
		    "OVER: " MUTE("O") "\n\nOVER: " MUTE(
			    "P") "\n\nAll that is not well now:\n- " MUTE("A") "\n");
}

static void a_test(void **state)
{
	(void)state;
	assert_text(CONTENT("true", "well", "https://h/", "", ""), "hookledger: this is a test",
		    "This is a test: somebody asked hookledger to send it. When something is "
		    "wrong, a message like this one comes.\n\n"
		    "All is well now.\n\nhttps://h/\n");
}

static void a_body(void **state)
{
	struct alert_text text = { 0 };

	(void)state;
	alert_text_write(&text,
			 str_of(CONTENT("false", "trouble", "https://h/",
					FINDING("\"change\":\"new\",", "trouble", "A", "#/toggl"),
					FINDING("", "trouble", "A", "#/toggl"))));
	assert_string_equal("trouble", buf_text(&text.status));
	assert_string_equal("{\"type\":\"hookledger.findings\",\"timestamp\":\"2026-07-17T12:00:"
			    "01Z\",\"test\":false,\"status\":\"trouble\","
			    "\"subject\":\"hookledger: trouble: The endpoint \\\"A\\\" has no "
			    "valid secret and answers 401 to every callback.\","
			    "\"changes\":[{\"change\":\"new\",\"kind\":\"endpoint_mute\",\"level\":"
			    "\"trouble\",\"subject\":\"endpoint 5\","
			    "\"words\":\"The endpoint \\\"A\\\" has no valid secret and answers "
			    "401 to every callback.\",\"todo\":\"" ADVICE "\","
			    "\"since\":\"2026-07-17T12:00:00Z\",\"link\":\"https://h/#/toggl\"}],"
			    "\"findings\":[{\"kind\":\"endpoint_mute\",\"level\":\"trouble\","
			    "\"subject\":\"endpoint 5\","
			    "\"words\":\"The endpoint \\\"A\\\" has no valid secret and answers "
			    "401 to every callback.\",\"todo\":\"" ADVICE "\","
			    "\"since\":\"2026-07-17T12:00:00Z\",\"link\":\"https://h/#/toggl\"}]}",
			    buf_text(&text.body));
	alert_text_done(&text);
}

static void what_is_none(void **state)
{
	static const char *const odd[] = { "",
					   "{}",
					   "[]",
					   "null",
					   "{\"changes\":7,\"findings\":{\"a\":[]}}",
					   "{\"changes\":[7,null,{}],\"findings\":[[],\"x\"]}" };
	struct alert_text text = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		alert_text_write(&text, str_of(odd[i]));
		assert_true(text.subject.len > 0 && text.text.len > 0);
		assert_err(ERR_NONE, json_scan(buf_str(&text.body), NULL, NULL, 0, NULL));
	}
	alert_text_done(&text);
}

/* The text of a mail is limited; the body of a webhook has all findings. */
static void very_many(void **state)
{
	struct alert_text text = { 0 };
	struct buf json = { 0 };
	size_t count = 0;

	(void)state;
	buf_add_text(&json, "{\"test\":false,\"page\":\"\",\"status\":\"warning\",\"changes\":[");
	for (int i = 0; i < 80; i++)
		buf_addf(&json, "%s%s", i ? "," : "",
			 FINDING("\"change\":\"new\",", "warning", "A", ""));
	buf_add_text(&json, "],\"findings\":[]}");
	alert_text_write(&text, buf_str(&json));
	assert_has(&text.subject, "(and 79 more)");
	for (const char *at = buf_text(&text.text); (at = strstr(at, "WARNING: ")) != NULL; at++)
		count++;
	assert_int_equal(50, count);
	count = 0;
	for (const char *at = buf_text(&text.body); (at = strstr(at, "\"change\":\"new\"")) != NULL;
	     at++)
		count++;
	assert_int_equal(80, count);
	alert_text_done(&text);
	buf_done(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(news),		cmocka_unit_test(what_is_over),
		cmocka_unit_test(a_test),	cmocka_unit_test(a_body),
		cmocka_unit_test(what_is_none), cmocka_unit_test(very_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
