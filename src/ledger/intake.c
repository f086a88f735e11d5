/* SPDX-License-Identifier: ISC */
#include "ledger/intake.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/log.h"

struct intake {
	const struct callback **callbacks;
	enum verdict *verdicts;
	const struct callback **sorted; /* in the order of sending */
	size_t *order;			/* the index in the batch of each sorted callback */
	size_t count, cap;
	struct db_args *args;
	bool must_notify;
};

struct intake *intake_new(void)
{
	struct intake *intake = mem_zero(1, sizeof(*intake));

	intake->args = db_args_new();
	return intake;
}

void intake_free(struct intake *intake)
{
	if (!intake)
		return;
	db_args_free(intake->args);
	free(intake->callbacks);
	free(intake->verdicts);
	free(intake->sorted);
	free(intake->order);
	free(intake);
}

void intake_clear(struct intake *intake)
{
	intake->count = 0;
}

size_t intake_add(struct intake *intake, const struct callback *cb)
{
	if (intake->count == intake->cap) {
		intake->cap = intake->cap ? intake->cap * 2 : 64;
		intake->callbacks = mem_grow(intake->callbacks, intake->cap,
					     sizeof(*intake->callbacks));
		intake->verdicts = mem_grow(intake->verdicts, intake->cap,
					    sizeof(*intake->verdicts));
		intake->sorted = mem_grow(intake->sorted, intake->cap, sizeof(*intake->sorted));
		intake->order = mem_grow(intake->order, intake->cap, sizeof(*intake->order));
	}
	intake->callbacks[intake->count] = cb;
	intake->verdicts[intake->count] = VERDICT_UNKNOWN;
	return intake->count++;
}

size_t intake_count(const struct intake *intake)
{
	return intake->count;
}

const struct callback *intake_at(const struct intake *intake, size_t index)
{
	return intake->callbacks[index];
}

enum verdict intake_verdict(const struct intake *intake, size_t index)
{
	return intake->verdicts[index];
}

bool intake_take_must_notify(struct intake *intake)
{
	bool must_notify = intake->must_notify;

	intake->must_notify = false;
	return must_notify;
}

static int by_event(const void *a, const void *b, void *callbacks)
{
	const struct callback *left = ((const struct callback **)callbacks)[*(const size_t *)a];
	const struct callback *right = ((const struct callback **)callbacks)[*(const size_t *)b];

	if (left->event_id != right->event_id)
		return left->event_id < right->event_id ? -1 : 1;
	return (left->created_us > right->created_us) - (left->created_us < right->created_us);
}

/* Sorted here, because sorting in SQL would copy the bodies. Two workers with the same events
   then lock them in the same order, and do not deadlock. */
static void sort(struct intake *intake)
{
	for (size_t i = 0; i < intake->count; i++)
		intake->order[i] = i;
	qsort_r(intake->order, intake->count, sizeof(*intake->order), by_event, intake->callbacks);
	for (size_t i = 0; i < intake->count; i++)
		intake->sorted[i] = intake->callbacks[intake->order[i]];
}

static void put_id(struct db_args *args, int64_t id)
{
	if (id)
		db_put_int(args, id);
	else
		db_put_null(args);
}

/* The parameters of receiver.append_one(), in its order. */
static void write_one(struct db_args *args, const struct callback *cb, const char *source)
{
	db_args_clear(args);
	db_arg_int(args, cb->endpoint_id);
	db_arg_int(args, cb->secret_id);
	db_arg_id(args, cb->workspace_id);
	db_arg_int(args, cb->event_id);
	db_arg_time(args, cb->created_us);
	db_arg_time(args, cb->received_us);
	db_arg_id(args, cb->creator_id);
	db_arg_id(args, cb->entity_id);
	db_arg_text(args, cb->model);
	db_arg_text(args, cb->action);
	db_arg_bytes(args, (struct str){ (const char *)cb->signature, MAC_BYTES });
	db_arg_json(args, cb->body);
	db_arg_text(args, str_of(source));
	db_arg_text(args, cb->payload);
	db_arg_bool(args, cb->is_costly);
}

/* The parameters of receiver.append() for `count` callbacks, in its order. */
static void write_batch(struct db_args *args, const struct callback *const *cb, size_t count,
			const char *source)
{
	bool is_any_costly = false;

	db_args_clear(args);
	db_array(args, DB_INTS, count);
	for (size_t i = 0; i < count; i++)
		db_put_int(args, cb[i]->endpoint_id);
	db_array(args, DB_INTS, count);
	for (size_t i = 0; i < count; i++)
		db_put_int(args, cb[i]->secret_id);
	db_array(args, DB_INTS, count);
	for (size_t i = 0; i < count; i++)
		put_id(args, cb[i]->workspace_id);
	db_array(args, DB_INTS, count);
	for (size_t i = 0; i < count; i++)
		db_put_int(args, cb[i]->event_id);
	db_array(args, DB_TIMES, count);
	for (size_t i = 0; i < count; i++)
		db_put_time(args, cb[i]->created_us);
	db_array(args, DB_TIMES, count);
	for (size_t i = 0; i < count; i++)
		db_put_time(args, cb[i]->received_us);
	db_array(args, DB_INTS, count);
	for (size_t i = 0; i < count; i++)
		put_id(args, cb[i]->creator_id);
	db_array(args, DB_INTS, count);
	for (size_t i = 0; i < count; i++)
		put_id(args, cb[i]->entity_id);
	db_array(args, DB_TEXTS, count);
	for (size_t i = 0; i < count; i++)
		db_put_str(args, cb[i]->model);
	db_array(args, DB_TEXTS, count);
	for (size_t i = 0; i < count; i++)
		db_put_str(args, cb[i]->action);
	db_array(args, DB_BYTES, count);
	for (size_t i = 0; i < count; i++)
		db_put_str(args, (struct str){ (const char *)cb[i]->signature, MAC_BYTES });
	db_array(args, DB_JSONS, count);
	for (size_t i = 0; i < count; i++)
		db_put_str(args, cb[i]->body);
	db_arg_text(args, str_of(source));
	db_array(args, DB_TEXTS, count);
	for (size_t i = 0; i < count; i++)
		if (cb[i]->payload.at)
			db_put_str(args, cb[i]->payload);
		else
			db_put_null(args);
	for (size_t i = 0; i < count; i++)
		is_any_costly = is_any_costly || cb[i]->is_costly;
	db_arg_bool(args, is_any_costly);
}

/* Writes the arguments for `count` callbacks and returns the SQL function that takes them. */
static const char *write_call(struct db_args *args, const struct callback *const *cb, size_t count,
			      const char *source)
{
	if (count == 1) {
		write_one(args, cb[0], source);
		return "receiver.append_one";
	}
	write_batch(args, cb, count, source);
	return "receiver.append";
}

static enum verdict of_letter(char letter)
{
	switch (letter) {
	case 'r':
		return VERDICT_RECORDED;
	case 'd':
		return VERDICT_DUPLICATE;
	case 'h':
		return VERDICT_HORIZON;
	case 'a':
		return VERDICT_ABSENT;
	case 'k':
		return VERDICT_REVOKED;
	case 'w':
		return VERDICT_WORKSPACE;
	default:
		return VERDICT_UNKNOWN;
	}
}

/* The verdict of the i-th callback that was sent goes to order[i] of `verdicts`. */
static enum err read_verdicts(struct intake *intake, enum verdict *verdicts, const size_t *order,
			      size_t count, const struct db_rows *rows)
{
	struct str letters = db_rows_count(rows) == 1 ? db_cell(rows, 0, 0) : (struct str){ 0 };

	if (letters.len && letters.at[letters.len - 1] == '+') {
		intake->must_notify = true;
		letters.len--;
	}
	if (db_rows_count(rows) != 1 || (letters.len && letters.len != count)) {
		log_write(LOG_ERROR, "append_answered_nonsense", NULL);
		return ERR_BUSY;
	}
	for (size_t i = 0; i < count; i++)
		verdicts[order[i]] = letters.len ? of_letter(letters.at[i]) : VERDICT_RECORDED;
	return ERR_NONE;
}

static void log_failure(const struct db *db, size_t count)
{
	static struct log_gate gate;

	if (log_gate_passes(&gate, 1))
		log_write(LOG_WARN, "append_failed",
			  (struct log_field[]){ log_text("why", db_problem(db)),
						log_num("callbacks", (int64_t)count), log_end() });
}

/* check_violation: the insert waited for the default partition while the month of the event got
   a partition of its own. Events have no other check, so their data is not wrong. */
static bool is_partition_new(const struct db *db)
{
	return strcmp(db_sqlstate(db), "23514") == 0;
}

/* After a batch failed because of its data: appends each callback alone, so that only the faulty
   one is refused. */
static enum err append_singly(struct intake *intake, struct db *db, const char *source,
			      int64_t until)
{
	enum err err = ERR_NONE;
	size_t first = 0;

	for (size_t i = 0; i < intake->count && !err; i++) {
		struct db_rows *rows = NULL;
		int64_t left = until - clock_ms();

		write_one(intake->args, intake->callbacks[i], source);
		err = db_call(db, "receiver.append_one", intake->args, left > 0 ? left : 0, &rows);
		if (!err) {
			err = read_verdicts(intake, &intake->verdicts[i], &first, 1, rows);
		} else if (is_partition_new(db)) {
			err = ERR_BUSY;
		} else if (err != ERR_BUSY) {
			intake->verdicts[i] = VERDICT_REFUSED;
			log_failure(db, 1);
			err = ERR_NONE;
		}
		db_rows_free(rows);
	}
	if (err)
		log_failure(db, intake->count);
	return err;
}

static enum err settle(struct intake *intake, struct db *db, const char *source, int64_t until,
		       enum err err, const struct db_rows *rows)
{
	if (!err)
		return read_verdicts(intake, intake->verdicts, intake->order, intake->count, rows);
	if (err == ERR_BUSY) {
		log_failure(db, intake->count);
		return err;
	}
	return append_singly(intake, db, source, until);
}

enum err intake_append(struct intake *intake, struct db *db, const char *source, int64_t wait_ms)
{
	int64_t until = clock_ms() + wait_ms;
	struct db_rows *rows = NULL;
	const char *function;
	enum err err;

	if (intake->count == 0)
		return ERR_NONE;
	sort(intake);
	function = write_call(intake->args, intake->sorted, intake->count, source);
	err = db_call(db, function, intake->args, wait_ms, &rows);
	err = settle(intake, db, source, until, err, rows);
	db_rows_free(rows);
	return err;
}

enum err intake_start(struct intake *intake, struct db *db, const char *source)
{
	const char *function;

	sort(intake);
	function = write_call(intake->args, intake->sorted, intake->count, source);
	return db_send(db, function, intake->args);
}

enum err intake_finish(struct intake *intake, struct db *db, const char *source, int64_t wait_ms)
{
	struct db_rows *rows = NULL;
	enum err err = db_take(db, &rows);

	if (err == ERR_PACE)
		return err;
	err = settle(intake, db, source, clock_ms() + wait_ms, err, rows);
	db_rows_free(rows);
	return err;
}

enum err intake_quarantine(struct db *db, const struct callback *const *cb, size_t count,
			   int64_t wait_ms)
{
	struct db_args *args = db_args_new();
	enum err err;

	db_array(args, DB_INTS, count);
	for (size_t i = 0; i < count; i++)
		db_put_int(args, cb[i]->endpoint_id);
	db_array(args, DB_INTS, count);
	for (size_t i = 0; i < count; i++)
		db_put_int(args, cb[i]->secret_id);
	db_array(args, DB_TIMES, count);
	for (size_t i = 0; i < count; i++)
		db_put_time(args, cb[i]->received_us);
	db_array(args, DB_TEXTS, count);
	for (size_t i = 0; i < count; i++)
		db_put_str(args, str_of(reason_word(cb[i]->reason)));
	db_array(args, DB_BYTES, count);
	for (size_t i = 0; i < count; i++)
		db_put_str(args, (struct str){ (const char *)cb[i]->signature, MAC_BYTES });
	db_array(args, DB_BYTES, count);
	for (size_t i = 0; i < count; i++)
		db_put_str(args, cb[i]->body);
	err = db_call(db, "receiver.quarantine", args, wait_ms, NULL);
	if (err)
		log_failure(db, count);
	db_args_free(args);
	return err;
}
