/* SPDX-License-Identifier: ISC */
#include "cli/simulate_text.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/term.h"

static int64_t rate(int64_t count, int64_t ms)
{
	return count * 1000 / (ms > 0 ? ms : 1);
}

/* A time, or null when it is not known. */
static void put_time(struct buf *out, const char *key, bool is_known, int64_t us)
{
	struct buf text = { 0 };

	clock_write(&text, us);
	json_put_text(out, key, is_known ? buf_str(&text) : (struct str){ 0 });
	buf_done(&text);
}

/* ---- sent */

static void sent_json(struct buf *out, const struct schedule_options *schedule,
		      const struct send_result *result)
{
	char status[16];

	buf_add_char(out, '{');
	json_put_id(out, "workspace_id", schedule->generator.workspace_id);
	json_put_id(out, "seed", (int64_t)schedule->generator.seed);
	put_time(out, "start", true, schedule->generator.start_us);
	json_put_int(out, "events", result->events);
	json_put_int(out, "sent", result->sent);
	json_put_int(out, "acknowledged", result->acknowledged);
	json_put_int(out, "distinct", result->distinct);
	json_put_int(out, "unacknowledged", result->events - result->distinct);
	json_key(out, "refused");
	buf_add_char(out, '{');
	for (int i = 0; i < SEND_STATUS_MAX; i++) {
		if (!result->refused[i])
			continue;
		snprintf(status, sizeof(status), "%d", i);
		json_put_int(out, status, result->refused[i]);
	}
	buf_add_char(out, '}');
	json_put_int(out, "failed", result->failed);
	json_put_int(out, "duration_ms", result->duration_ms);
	json_put_int(out, "rate", rate(result->acknowledged, result->duration_ms));
	json_put_int(out, "latency_p50_us", histogram_at(&result->latency, 50));
	json_put_int(out, "latency_p99_us", histogram_at(&result->latency, 99));
	json_put_text(out, "problem",
		      result->problem.len ? buf_str(&result->problem) : (struct str){ 0 });
	buf_add_text(out, "}\n");
}

static void sent_lines(struct buf *out, const struct send_result *result)
{
	buf_addf(out, "sent          %lld callbacks of %lld events in %lld.%03lld s\n",
		 (long long)result->sent, (long long)result->events,
		 (long long)(result->duration_ms / 1000), (long long)(result->duration_ms % 1000));
	buf_addf(out, "acknowledged  %lld, %lld a second\n", (long long)result->acknowledged,
		 (long long)rate(result->acknowledged, result->duration_ms));
	buf_addf(out, "events        %lld acknowledged, %lld not\n", (long long)result->distinct,
		 (long long)(result->events - result->distinct));
	for (int i = 0; i < SEND_STATUS_MAX; i++)
		if (result->refused[i])
			buf_addf(out, "refused       %lld with status %d\n",
				 (long long)result->refused[i], i);
	if (result->failed)
		buf_addf(out, "failed        %lld without an answer\n", (long long)result->failed);
	buf_addf(out, "latency       p50 %.2f ms, p99 %.2f ms\n",
		 (double)histogram_at(&result->latency, 50) / 1000,
		 (double)histogram_at(&result->latency, 99) / 1000);
	if (result->problem.len) {
		buf_add_text(out, "last problem  ");
		term_add_safe(out, buf_str(&result->problem));
		buf_add_char(out, '\n');
	}
}

bool simulate_text_sent(const struct schedule_options *schedule, const struct send_result *result,
			bool is_json)
{
	struct buf out = { 0 };
	bool fine;

	if (is_json)
		sent_json(&out, schedule, result);
	else
		sent_lines(&out, result);
	fine = term_write(buf_str(&out));
	buf_done(&out);
	return fine;
}

/* ---- recorded */

static void recorded_json(struct buf *out, const struct schedule_options *schedule,
			  const struct record_result *result,
			  const struct simulate_endpoint *endpoint)
{
	buf_add_char(out, '{');
	json_put_id(out, "endpoint_id", endpoint->endpoint_id);
	json_put_bool(out, "endpoint_is_new", endpoint->is_new);
	json_put_id(out, "workspace_id", endpoint->workspace_id);
	json_put_id(out, "seed", (int64_t)schedule->generator.seed);
	put_time(out, "first_at", result->done, result->first_us);
	put_time(out, "last_at", result->done, result->last_us);
	json_put_int(out, "events", schedule->events);
	json_put_int(out, "recorded", result->recorded);
	json_put_int(out, "duplicates", result->duplicates);
	json_put_int(out, "horizon", result->horizon);
	json_put_int(out, "refused", result->refused);
	json_put_int(out, "duration_ms", result->duration_ms);
	json_put_int(out, "rate", rate(result->done, result->duration_ms));
	buf_add_text(out, "}\n");
}

static void recorded_lines(struct buf *out, const struct record_result *result,
			   const struct simulate_endpoint *endpoint)
{
	buf_addf(out, "recorded   %lld events in %lld.%03lld s, %lld a second\n",
		 (long long)result->recorded, (long long)(result->duration_ms / 1000),
		 (long long)(result->duration_ms % 1000),
		 (long long)rate(result->done, result->duration_ms));
	if (result->duplicates)
		buf_addf(out, "duplicate  %lld were there already\n",
			 (long long)result->duplicates);
	if (result->horizon)
		buf_addf(out,
			 "horizon    %lld are older than what is kept, and were not recorded\n",
			 (long long)result->horizon);
	if (result->refused)
		buf_addf(out, "refused    %lld\n", (long long)result->refused);
	if (result->done) {
		buf_add_text(out, "created    ");
		term_add_time(out, result->first_us);
		buf_add_text(out, " to ");
		term_add_time(out, result->last_us);
		buf_add_char(out, '\n');
	}
	buf_addf(out, "endpoint   %lld of workspace %lld%s\n", (long long)endpoint->endpoint_id,
		 (long long)endpoint->workspace_id, endpoint->is_new ? ", made for it" : "");
}

bool simulate_text_recorded(const struct schedule_options *schedule,
			    const struct record_result *result,
			    const struct simulate_endpoint *endpoint, bool is_json)
{
	struct buf out = { 0 };
	bool fine;

	if (is_json)
		recorded_json(&out, schedule, result, endpoint);
	else
		recorded_lines(&out, result, endpoint);
	fine = term_write(buf_str(&out));
	buf_done(&out);
	return fine;
}
