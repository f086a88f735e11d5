/* SPDX-License-Identifier: ISC */
#include "cli/doctor/report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/term.h"

static const char *const state_names[] = {
	[STATE_OK] = "ok",
	[STATE_NOTE] = "note",
	[STATE_WARNING] = "warning",
	[STATE_ERROR] = "error",
};

void report_add(struct report *report, enum state state, const char *check, const char *format, ...)
{
	struct finding *finding;
	va_list args;

	report->findings = mem_grow(report->findings, report->count + 1, sizeof(*finding));
	finding = &report->findings[report->count++];
	*finding = (struct finding){ .state = state, .check = check };
	va_start(args, format);
	buf_addfv(&finding->text, format, args);
	va_end(args);
}

static size_t count_of(const struct report *report, enum state state)
{
	size_t count = 0;

	for (size_t i = 0; i < report->count; i++)
		count += report->findings[i].state == state;
	return count;
}

static void add_json(struct buf *out, const struct report *report)
{
	buf_add_char(out, '{');
	json_put_bool(out, "ok", count_of(report, STATE_ERROR) == 0);
	json_put_int(out, "errors", (int64_t)count_of(report, STATE_ERROR));
	json_put_int(out, "warnings", (int64_t)count_of(report, STATE_WARNING));
	json_key(out, "checks");
	buf_add_char(out, '[');
	for (size_t i = 0; i < report->count; i++) {
		const struct finding *finding = &report->findings[i];

		buf_add_text(out, i ? ",{" : "{");
		json_put_text(out, "check", str_of(finding->check));
		json_put_text(out, "state", str_of(state_names[finding->state]));
		json_put_text(out, "text", buf_str(&finding->text));
		buf_add_char(out, '}');
	}
	buf_add_text(out, "]}\n");
}

static void add_lines(struct buf *out, const struct report *report)
{
	bool is_terminal = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	static const char *const colours[] = {
		[STATE_OK] = "\033[32m",
		[STATE_NOTE] = "",
		[STATE_WARNING] = "\033[33m",
		[STATE_ERROR] = "\033[31m",
	};

	for (size_t i = 0; i < report->count; i++) {
		const struct finding *finding = &report->findings[i];

		buf_addf(out, "%s%-8s%s %-11s ", is_terminal ? colours[finding->state] : "",
			 state_names[finding->state], is_terminal ? "\033[0m" : "", finding->check);
		term_add_safe(out, buf_str(&finding->text));
		buf_add_char(out, '\n');
	}
	buf_addf(out, "%zu error%s, %zu warning%s\n", count_of(report, STATE_ERROR),
		 term_s((int64_t)count_of(report, STATE_ERROR)), count_of(report, STATE_WARNING),
		 term_s((int64_t)count_of(report, STATE_WARNING)));
}

bool report_write(const struct report *report, bool json)
{
	struct buf out = { 0 };

	if (json)
		add_json(&out, report);
	else
		add_lines(&out, report);
	return term_write_buf(&out);
}

bool report_has_errors(const struct report *report)
{
	return count_of(report, STATE_ERROR) > 0;
}

void report_done(struct report *report)
{
	for (size_t i = 0; i < report->count; i++)
		buf_done(&report->findings[i].text);
	free(report->findings);
}
