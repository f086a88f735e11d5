/* SPDX-License-Identifier: ISC */
#include "ledger/db_outage.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "ledger/alert.h"
#include "ledger/catalog.h"
#include "ledger/spool.h"

enum { TARGETS_MAX = 50 }; /* ledger allows no more alerts */

struct target {
	int64_t alert_id;
	struct buf kind, target, secret_sealed;
	bool is_notified;
	int64_t due_ms; /* not to be sent before */
};

struct db_outage {
	int64_t after_ms;
	struct buf place, page;
	struct target targets[TARGETS_MAX];
	size_t count;
	bool is_away;
	int64_t since_us; /* also when the database works again, until db_outage_end() */
	struct buf why, message, content;
};

struct db_outage *db_outage_new(int64_t after_ms, struct str place, struct str page)
{
	struct db_outage *outage = mem_zero(1, sizeof(*outage));

	outage->after_ms = after_ms;
	buf_add_str(&outage->place, place);
	buf_add_str(&outage->page, page);
	return outage;
}

void db_outage_forget(struct db_outage *outage)
{
	for (size_t i = 0; i < outage->count; i++) {
		buf_done(&outage->targets[i].kind);
		buf_done(&outage->targets[i].target);
		buf_done(&outage->targets[i].secret_sealed);
	}
	outage->count = 0;
}

void db_outage_free(struct db_outage *outage)
{
	if (!outage)
		return;
	db_outage_forget(outage);
	buf_done(&outage->place);
	buf_done(&outage->page);
	buf_done(&outage->why);
	buf_done(&outage->message);
	buf_done(&outage->content);
	free(outage);
}

void db_outage_add(struct db_outage *outage, int64_t alert_id, struct str kind, struct str target,
		   struct str secret_sealed)
{
	struct target *one;

	if (outage->count == TARGETS_MAX)
		return;
	one = &outage->targets[outage->count++];
	/* due only when the database goes away after this */
	*one = (struct target){ .alert_id = alert_id, .due_ms = INT64_MAX };
	buf_add_str(&one->kind, kind);
	buf_add_str(&one->target, target);
	buf_add_str(&one->secret_sealed, secret_sealed);
}

bool db_outage_is_notified(const struct db_outage *outage)
{
	for (size_t i = 0; i < outage->count; i++)
		if (outage->targets[i].is_notified)
			return true;
	return false;
}

void db_outage_observe(struct db_outage *outage, bool works, int64_t now_ms, const char *why)
{
	struct str reason = str_of(why ? why : "");

	if (works || outage->is_away) {
		outage->is_away = !works;
		return;
	}
	outage->is_away = true;
	/* The outage goes on: it ended and came back before the end was reported. */
	if (db_outage_is_notified(outage))
		return;
	/* The reason becomes part of a sentence, and a server that refuses a connection has
	   agreed on no encoding. */
	while (reason.len && strchr(" \n.", reason.at[reason.len - 1]))
		reason.len--;
	outage->since_us = clock_now_us();
	buf_clear(&outage->why);
	utf8_add_line(&outage->why, reason.len ? str_trim(reason) : str_of("no answer"));
	for (size_t i = 0; i < outage->count; i++)
		outage->targets[i].due_ms = now_ms + outage->after_ms;
}

/* ---- messages */

/* The index of the target that is due next, and when; INT64_MAX: none is. */
static size_t find_due(const struct db_outage *outage, int64_t *due_ms)
{
	size_t first = 0;

	*due_ms = INT64_MAX;
	for (size_t i = 0; outage->is_away && i < outage->count; i++) {
		const struct target *one = &outage->targets[i];

		if (!one->is_notified && one->due_ms < *due_ms) {
			*due_ms = one->due_ms;
			first = i;
		}
	}
	return first;
}

int64_t db_outage_next_at(const struct db_outage *outage)
{
	int64_t due_ms;

	(void)find_due(outage, &due_ms);
	return due_ms;
}

/* The outage as a code and its parameters. */
static void write_said(struct db_outage *outage, const struct spool_status *spool)
{
	struct buf since = { 0 }, *out = &outage->message;

	clock_write(&since, outage->since_us);
	buf_clear(out);
	catalog_begin(out, "finding.database");
	json_put_text(out, "place", buf_str(&outage->place));
	json_put_text(out, "since_at", buf_str(&since));
	json_put_text(out, "why", buf_str(&outage->why));
	if (spool) {
		json_put_int(out, "count", spool->records);
		json_put_int(out, "spool_bytes", spool->bytes);
	}
	buf_add_char(out, '}');
	buf_done(&since);
}

static void put_finding(struct db_outage *outage, struct str since, const char *key,
			const char *change)
{
	struct buf *out = &outage->content;

	json_key(out, key);
	buf_add_text(out, "[{");
	if (change)
		json_put_text(out, "change", str_of(change));
	json_put_text(out, "kind", str_of("database"));
	json_put_text(out, "level", str_of("trouble"));
	json_put_text(out, "subject", str_of("database"));
	json_key(out, "message");
	buf_add_str(out, buf_str(&outage->message));
	json_put_text(out, "since", since);
	json_put_text(out, "link", (struct str){ "", 0 });
	buf_add_text(out, "}]");
}

/* Has the form that the database gives to messages of findings. */
static void write_content(struct db_outage *outage)
{
	struct buf since = { 0 }, now = { 0 }, heading = { 0 }, *out = &outage->content;

	clock_write(&since, outage->since_us);
	clock_write(&now, clock_now_us());
	catalog_begin(&heading, "alert.outage");
	json_put_text(&heading, "place", buf_str(&outage->place));
	buf_add_char(&heading, '}');
	buf_clear(out);
	json_begin(out, NULL);
	json_put_text(out, "timestamp", buf_str(&now));
	json_put_bool(out, "test", false);
	json_put_text(out, "page", (struct str){ buf_text(&outage->page), outage->page.len });
	json_put_text(out, "status", str_of("trouble"));
	json_key(out, "heading");
	buf_add_str(out, buf_str(&heading));
	put_finding(outage, buf_str(&since), "changes", "new");
	put_finding(outage, buf_str(&since), "findings", NULL);
	json_end(out);
	buf_done(&since);
	buf_done(&now);
	buf_done(&heading);
}

bool db_outage_next(struct db_outage *outage, int64_t now_ms, const struct spool_status *spool,
		    struct alert_message *message)
{
	int64_t due_ms;
	size_t index = find_due(outage, &due_ms);
	struct target *target = &outage->targets[index];

	if (due_ms == INT64_MAX || now_ms < due_ms)
		return false;
	write_said(outage, spool);
	write_content(outage);
	*message = (struct alert_message){
		.message_id = -1 - (int64_t)index,
		.alert_id = target->alert_id,
		.made_us = outage->since_us,
		.kind = buf_str(&target->kind),
		.target = buf_str(&target->target),
		.secret_sealed = buf_str(&target->secret_sealed),
		.content = buf_str(&outage->content),
	};
	/* not due again while the message is in flight */
	target->due_ms = INT64_MAX;
	return true;
}

void db_outage_settle(struct db_outage *outage, int64_t message_id, bool is_sent, int64_t now_ms)
{
	size_t index = (size_t)(-1 - message_id);

	if (index >= outage->count)
		return;
	outage->targets[index].is_notified = is_sent;
	outage->targets[index].due_ms = now_ms + outage->after_ms;
}

/* ---- the end of an outage */

bool db_outage_is_over(const struct db_outage *outage)
{
	return !outage->is_away && db_outage_is_notified(outage);
}

int64_t db_outage_since_us(const struct db_outage *outage)
{
	return outage->since_us;
}

struct str db_outage_summary(const struct db_outage *outage)
{
	return buf_str(&outage->message);
}

void db_outage_end(struct db_outage *outage)
{
	for (size_t i = 0; i < outage->count; i++)
		outage->targets[i].is_notified = false;
}
