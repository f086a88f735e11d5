/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/cmd.h"
#include "cli/doctor/doctor.h"
#include "cli/term.h"

static struct {
	bool json;
} given;

static const char *const words[] = {
	[STATE_OK] = "ok",
	[STATE_NOTE] = "note",
	[STATE_WARNING] = "warning",
	[STATE_ERROR] = "error",
};

void doctor_say(struct doctor *doctor, enum state state, const char *check, const char *format, ...)
{
	struct finding *finding;
	va_list args;

	doctor->findings = mem_grow(doctor->findings, doctor->count + 1, sizeof(*finding));
	finding = &doctor->findings[doctor->count++];
	*finding = (struct finding){ .state = state, .check = check };
	va_start(args, format);
	buf_addfv(&finding->text, format, args);
	va_end(args);
}

static size_t count_of(const struct doctor *doctor, enum state state)
{
	size_t count = 0;

	for (size_t i = 0; i < doctor->count; i++)
		count += doctor->findings[i].state == state;
	return count;
}

static void put_json(struct buf *out, const struct doctor *doctor)
{
	buf_add_char(out, '{');
	json_put_bool(out, "ok", count_of(doctor, STATE_ERROR) == 0);
	json_put_int(out, "errors", (int64_t)count_of(doctor, STATE_ERROR));
	json_put_int(out, "warnings", (int64_t)count_of(doctor, STATE_WARNING));
	json_key(out, "checks");
	buf_add_char(out, '[');
	for (size_t i = 0; i < doctor->count; i++) {
		const struct finding *finding = &doctor->findings[i];

		buf_add_text(out, i ? ",{" : "{");
		json_put_text(out, "check", str_of(finding->check));
		json_put_text(out, "state", str_of(words[finding->state]));
		json_put_text(out, "text", buf_str(&finding->text));
		buf_add_char(out, '}');
	}
	buf_add_text(out, "]}\n");
}

static void put_lines(struct buf *out, const struct doctor *doctor)
{
	bool is_terminal = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	static const char *const colours[] = {
		[STATE_OK] = "\033[32m",
		[STATE_NOTE] = "",
		[STATE_WARNING] = "\033[33m",
		[STATE_ERROR] = "\033[31m",
	};

	for (size_t i = 0; i < doctor->count; i++) {
		const struct finding *finding = &doctor->findings[i];

		buf_addf(out, "%s%-8s%s %-11s ", is_terminal ? colours[finding->state] : "",
			 words[finding->state], is_terminal ? "\033[0m" : "", finding->check);
		term_add_safe(out, buf_str(&finding->text));
		buf_add_char(out, '\n');
	}
	buf_addf(out, "%zu error%s, %zu warning%s\n", count_of(doctor, STATE_ERROR),
		 term_s((int64_t)count_of(doctor, STATE_ERROR)), count_of(doctor, STATE_WARNING),
		 term_s((int64_t)count_of(doctor, STATE_WARNING)));
}

static int run_doctor(struct cli *cli, int argc, char **argv)
{
	struct doctor doctor = { .conf = cli->conf };
	struct buf out = { 0 };
	int status = CLI_FAILED;

	(void)argc, (void)argv;
	doctor_check_settings(&doctor);
	doctor_check_spool(&doctor);
	doctor_check_security(&doctor);
	doctor_check_database(&doctor);
	if (given.json)
		put_json(&out, &doctor);
	else
		put_lines(&out, &doctor);
	if (term_write(buf_str(&out)) && count_of(&doctor, STATE_ERROR) == 0)
		status = CLI_FINE;
	for (size_t i = 0; i < doctor.count; i++)
		buf_done(&doctor.findings[i].text);
	free(doctor.findings);
	buf_done(&out);
	return status;
}

static const struct cli_option options[] = {
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

const struct command cmd_doctor[] = {
	{ .name = "doctor",
	  .need = NEED_SETTINGS,
	  .run = run_doctor,
	  .options = options,
	  .help = "check this installation; say what to do about what it finds",
	  .more = "Run it as the user of the receiver, or as root. Exit status 1 when there are "
		  "errors;\n"
		  "warnings and notes leave it 0." },
	{ 0 },
};
