/* SPDX-License-Identifier: ISC */
/* The floor of the database: inserts ready-made rows into hookledger's own tables and does nothing
   else. There is no web server, no request, no signature and no JSON to read; what it costs is
   PostgreSQL's share of an event and libpq's. floor.py starts it.

   The rows are samples: events that hookledger recorded in this database before, and with --typed
   the time entries that they made. They are sent again, in binary, with numbers and times of their
   own. Columns, keys and types come from the catalogue, so the statements follow the migrations.

   N connections mean that N rows wait. A commit takes all rows that wait, at most BATCH_MAX, in
   one prepared INSERT per table; with both tables, the two statements are one transaction.

   Prints "ready" after the warm-up, waits for a line on stdin, measures, prints one line of JSON as
   load.c does, and ends when stdin ends: its caller reads the CPU time of the session until then.
 */
#include <endian.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <libpq-fe.h>

enum {
	BATCH_MAX = 128, /* as the receiver's batch_max */
	COLUMNS_MAX = 100,
	COMMITS_MAX = 8000000, /* whose durations are kept */
	ARRAY_HEAD = 20,       /* bytes in front of the elements of an array */
};

struct column {
	const char *name;
	uint32_t type;
	bool is_sent; /* the others have a default */
};

/* One of the two tables, with its sample rows and its statements. */
struct table {
	const char *name, *samples, *on_conflict;
	const char *one, *many; /* names of the prepared statements */
	struct column columns[COLUMNS_MAX];
	int columns_count;
	uint32_t type, array_type;
	PGresult *rows;
};

/* The numbers of a sample, which every copy replaces, wherever they are in its rows. */
struct sample {
	int64_t event_id, entity_id, created_at;
};

struct floor {
	PGconn *db;
	struct table event, entry;
	bool is_typed;
	struct sample *samples;
	int64_t samples_count;
	int64_t next; /* number of the next row; every row has another one */
	char *bytes;  /* of the parameters of one commit */
	size_t bytes_max;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "floor: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static double cpu_seconds(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static PGresult *query(PGconn *db, const char *sql, bool is_binary)
{
	PGresult *result = PQexecParams(db, sql, 0, NULL, NULL, NULL, NULL, is_binary);

	if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
		die(sql, PQerrorMessage(db));
	return result;
}

/* ---- statements */

/* The columns that are sent, each with this in front: "a, b" or "r.a, r.b". */
static void write_columns(FILE *sql, const struct table *t, const char *before)
{
	const char *comma = "";

	for (int i = 0; i < t->columns_count; i++) {
		if (!t->columns[i].is_sent)
			continue;
		fprintf(sql, "%s%s%s", comma, before, t->columns[i].name);
		comma = ", ";
	}
}

/* One row is a parameter of the table's own row type, and many are an array of them. Measured: a
   value or an array for each column takes more time, and one row takes less without unnest(). */
static void prepare(PGconn *db, const struct table *t, bool is_many)
{
	char *text = NULL;
	size_t length = 0;
	FILE *sql = open_memstream(&text, &length);
	PGresult *result;

	if (!sql)
		die(t->name, "out of memory");
	fprintf(sql, "insert into %s as t (", t->name);
	write_columns(sql, t, "");
	fputs(is_many ? ") select " : ") values (", sql);
	write_columns(sql, t, is_many ? "r." : "($1).");
	fprintf(sql, "%s on conflict %s", is_many ? " from unnest($1) r" : ")", t->on_conflict);
	fclose(sql);
	result = PQprepare(db, is_many ? t->many : t->one, text, 1,
			   is_many ? &t->array_type : &t->type);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		die(text, PQerrorMessage(db));
	PQclear(result);
	free(text);
}

/* "(key) do update set ... where the row is newer", as the recording does it, without the rest of
   its rules. */
static char *upsert(PGconn *db, const struct table *t)
{
	char *text = NULL;
	size_t length = 0;
	FILE *sql = open_memstream(&text, &length);
	PGresult *keys;
	char ask[1000];

	snprintf(ask, sizeof(ask),
		 "select string_agg(a.attname, ', ') from pg_index i join pg_attribute a on "
		 "a.attrelid = i.indrelid and a.attnum = any (i.indkey) where i.indisprimary and "
		 "i.indrelid = '%s'::regclass",
		 t->name);
	keys = query(db, ask, false);
	if (!sql)
		die(t->name, "out of memory");
	fprintf(sql, "(%s) do update set ", PQgetvalue(keys, 0, 0));
	for (int i = 0, n = 0; i < t->columns_count; i++)
		if (t->columns[i].is_sent) /* the others are computed */
			fprintf(sql, "%s%s = excluded.%s", n++ ? ", " : "", t->columns[i].name,
				t->columns[i].name);
	fputs(" where (excluded.changed_at, excluded.changed_event_id) > "
	      "(t.changed_at, t.changed_event_id)",
	      sql);
	fclose(sql);
	PQclear(keys);
	return text;
}

static void read_table(PGconn *db, struct table *t)
{
	PGresult *columns;
	char *text = NULL;
	size_t length = 0;
	FILE *sql;
	char ask[1000];

	snprintf(ask, sizeof(ask),
		 "select a.attname, a.atttypid::int, t.oid::int, t.typarray::int, "
		 "not a.atthasdef and a.attidentity = '' "
		 "from pg_attribute a join pg_type t on t.typrelid = a.attrelid "
		 "where a.attrelid = '%s'::regclass and a.attnum > 0 and not a.attisdropped "
		 "order by a.attnum",
		 t->name);
	columns = query(db, ask, false);
	t->columns_count = PQntuples(columns);
	if (t->columns_count == 0 || t->columns_count > COLUMNS_MAX)
		die(t->name, "no columns, or too many");
	t->type = (uint32_t)atoll(PQgetvalue(columns, 0, 2));
	t->array_type = (uint32_t)atoll(PQgetvalue(columns, 0, 3));
	sql = open_memstream(&text, &length);
	if (!sql)
		die(t->name, "out of memory");
	fputs("select ", sql);
	for (int i = 0; i < t->columns_count; i++) {
		t->columns[i].name = strdup(PQgetvalue(columns, i, 0));
		t->columns[i].type = (uint32_t)atoll(PQgetvalue(columns, i, 1));
		t->columns[i].is_sent = PQgetvalue(columns, i, 4)[0] == 't';
		fprintf(sql, "%s%s", i ? ", " : "", t->columns[i].name);
	}
	fprintf(sql, " from %s", t->samples);
	fclose(sql);
	t->rows = query(db, text, true);
	free(text);
	PQclear(columns);
}

/* ---- rows */

static int64_t read_number(const char *at)
{
	uint64_t bits;

	memcpy(&bits, at, sizeof(bits));
	return (int64_t)be64toh(bits);
}

static char *write_number(char *at, int64_t number)
{
	uint64_t bits = htobe64((uint64_t)number);

	memcpy(at, &bits, sizeof(bits));
	return at + sizeof(bits);
}

static char *write_word(char *at, uint32_t word)
{
	word = htobe32(word);
	memcpy(at, &word, sizeof(word));
	return at + sizeof(word);
}

static char *write_value(char *at, const struct table *t, int row, int column,
			 const struct sample *sample, int64_t shift)
{
	int length = PQgetlength(t->rows, row, column);
	const char *value = PQgetvalue(t->rows, row, column);
	int64_t number;

	at = write_word(at, t->columns[column].type);
	if (!t->columns[column].is_sent || PQgetisnull(t->rows, row, column))
		return write_word(at, UINT32_MAX);
	at = write_word(at, (uint32_t)length);
	if (length == sizeof(number)) {
		number = read_number(value);
		if (number == sample->event_id || number == sample->entity_id ||
		    number == sample->created_at)
			return write_number(at, number + shift);
	}
	memcpy(at, value, (size_t)length);
	return at + length;
}

/* An array of rows as PostgreSQL reads it in binary. */
static char *write_rows(char *at, const struct floor *f, const struct table *t, int count)
{
	at = write_word(at, 1); /* dimension */
	at = write_word(at, 0); /* no element is null */
	at = write_word(at, t->type);
	at = write_word(at, (uint32_t)count);
	at = write_word(at, 1); /* index of the first */
	for (int i = 0; i < count; i++) {
		int64_t number = f->next + i;
		int row = (int)(number % f->samples_count);
		/* past the samples themselves; numbers of one sample stay apart, and so do theirs
		 */
		int64_t shift = (number / f->samples_count + 1) * f->samples_count;
		char *length = at;

		at = write_word(at + 4, (uint32_t)t->columns_count);
		for (int column = 0; column < t->columns_count; column++)
			at = write_value(at, t, row, column, &f->samples[row], shift);
		write_word(length, (uint32_t)(at - length - 4));
	}
	return at;
}

static size_t longest_row(const struct table *t)
{
	size_t longest = 0;

	for (int row = 0; row < PQntuples(t->rows); row++) {
		size_t length = 8 + 8 * (size_t)t->columns_count;

		for (int column = 0; column < t->columns_count; column++)
			length += (size_t)PQgetlength(t->rows, row, column);
		longest = length > longest ? length : longest;
	}
	return longest;
}

static int column_of(const struct table *t, const char *name)
{
	for (int i = 0; i < t->columns_count; i++)
		if (strcmp(t->columns[i].name, name) == 0)
			return i;
	die(t->name, "a column is missing");
	return -1;
}

static void read_samples(struct floor *f)
{
	int event_id = column_of(&f->event, "event_id");
	int entity_id = column_of(&f->event, "entity_id");
	int created_at = column_of(&f->event, "created_at");

	f->samples_count = PQntuples(f->event.rows);
	f->samples = calloc((size_t)f->samples_count, sizeof(*f->samples));
	if (!f->samples)
		die("samples", "out of memory");
	for (int i = 0; i < f->samples_count; i++)
		f->samples[i] = (struct sample){
			.event_id = read_number(PQgetvalue(f->event.rows, i, event_id)),
			.entity_id = read_number(PQgetvalue(f->event.rows, i, entity_id)),
			.created_at = read_number(PQgetvalue(f->event.rows, i, created_at)),
		};
}

/* ---- commits */

static char *send_rows(struct floor *f, const struct table *t, char *at, int count)
{
	char *end = write_rows(at, f, t, count);
	/* a row alone is an element of the array */
	const char *value = count == 1 ? at + ARRAY_HEAD + 4 : at;
	int length = (int)(end - value), format = 1;

	if (!PQsendQueryPrepared(f->db, count == 1 ? t->one : t->many, 1, &value, &length, &format,
				 0))
		die(t->name, PQerrorMessage(f->db));
	return end;
}

static void take_result(struct floor *f, int count)
{
	PGresult *result = PQgetResult(f->db);

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		die("insert", PQerrorMessage(f->db));
	if (atoi(PQcmdTuples(result)) != count)
		die("insert", "a row was there already");
	PQclear(result);
	if (PQgetResult(f->db))
		die("insert", "more results than statements");
}

/* Inserts and commits so many rows. */
static void commit(struct floor *f, int count)
{
	char *at = f->bytes;

	if (!f->is_typed) {
		send_rows(f, &f->event, at, count);
		take_result(f, count);
	} else {
		/* In a pipeline, what is sent before the synchronization is one transaction. */
		PQenterPipelineMode(f->db);
		at = send_rows(f, &f->event, at, count);
		send_rows(f, &f->entry, at, count);
		if (!PQpipelineSync(f->db))
			die("sync", PQerrorMessage(f->db));
		take_result(f, count);
		take_result(f, count);
		PQclear(PQgetResult(f->db));
		if (!PQexitPipelineMode(f->db))
			die("sync", PQerrorMessage(f->db));
	}
	f->next += count;
}

/* Commits until the time is over; the number of commits, and how long each took. */
static size_t run(struct floor *f, int count, double seconds, uint32_t *durations_us)
{
	int64_t end_ns = now_ns() + (int64_t)(seconds * 1e9);
	size_t commits = 0;

	for (int64_t begun_ns = now_ns(), now = begun_ns; now < end_ns && commits < COMMITS_MAX;
	     begun_ns = now) {
		commit(f, count);
		now = now_ns();
		durations_us[commits++] = (uint32_t)((now - begun_ns) / 1000);
	}
	return commits;
}

static int by_size(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

static void measure(struct floor *f, int connections, double warm_seconds, double seconds)
{
	int batch = connections < BATCH_MAX ? connections : BATCH_MAX;
	/* a row waits for so many commits */
	double turns = (double)((connections + batch - 1) / batch);
	uint32_t *durations_us = calloc(COMMITS_MAX, sizeof(*durations_us));
	size_t commits, warm;
	double cpu, took;
	int64_t begun_ns;

	if (!durations_us)
		die("durations", "out of memory");
	warm = run(f, batch, warm_seconds, durations_us) * (size_t)batch;
	puts("ready");
	fflush(stdout);
	if (getchar() == EOF)
		return;
	cpu = cpu_seconds();
	begun_ns = now_ns();
	commits = run(f, batch, seconds, durations_us);
	took = (double)(now_ns() - begun_ns) / 1e9;
	cpu = cpu_seconds() - cpu;
	qsort(durations_us, commits, sizeof(*durations_us), by_size);
	printf("{\"connections\":%d,\"seconds\":%.3f,\"warm\":%zu,\"ok\":%zu,\"rate\":%.1f,"
	       "\"p50_ms\":%.3f,\"p95_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,"
	       "\"cpu_seconds\":%.6f}\n",
	       connections, took, warm, commits * (size_t)batch, (double)commits * batch / took,
	       turns * durations_us[(commits - 1) / 2] / 1000.0,
	       turns * durations_us[(commits - 1) * 95 / 100] / 1000.0,
	       turns * durations_us[(commits - 1) * 99 / 100] / 1000.0,
	       turns * durations_us[commits - 1] / 1000.0, cpu);
	fflush(stdout);
	while (getchar() != EOF)
		;
	free(durations_us);
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "connections", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 's' },
		{ "warm", required_argument, NULL, 'w' },
		{ "typed", no_argument, NULL, 't' },
		{ 0 },
	};
	struct floor f = {
		.event = { .name = "ledger.event",
			   .samples = "public.sample_event order by event_id",
			   .on_conflict = "do nothing",
			   .one = "event",
			   .many = "events" },
		.entry = { .name = "toggl.time_entry",
			   .samples = "public.sample_entry order by changed_event_id",
			   .one = "entry",
			   .many = "entries" },
	};
	double seconds = 5, warm_seconds = 1;
	int connections = 64, option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'c':
			connections = atoi(optarg);
			break;
		case 's':
			seconds = atof(optarg);
			break;
		case 'w':
			warm_seconds = atof(optarg);
			break;
		case 't':
			f.is_typed = true;
			break;
		default:
			die("usage", "floor --connections N --seconds S --warm S [--typed]");
		}
	}
	if (connections < 1 || seconds <= 0)
		die("usage", "--connections and --seconds are 1 or more");
	f.db = PQconnectdb(""); /* as the environment says */
	if (PQstatus(f.db) != CONNECTION_OK)
		die("connect", PQerrorMessage(f.db));
	/* Without this the first executions are planned each. */
	PQclear(query(f.db, "set plan_cache_mode = force_generic_plan", false));
	read_table(f.db, &f.event);
	read_table(f.db, &f.entry);
	f.entry.on_conflict = upsert(f.db, &f.entry);
	read_samples(&f);
	if (f.samples_count < 1 || PQntuples(f.entry.rows) != f.samples_count)
		die("samples", "there are none, or events and time entries do not match");
	f.bytes_max = 2 * ARRAY_HEAD + BATCH_MAX * (longest_row(&f.event) + longest_row(&f.entry));
	f.bytes = malloc(f.bytes_max);
	if (!f.bytes)
		die("parameters", "out of memory");
	for (int many = 0; many < 2; many++) {
		prepare(f.db, &f.event, many);
		prepare(f.db, &f.entry, many);
	}
	measure(&f, connections, warm_seconds, seconds);
	PQfinish(f.db);
	return EXIT_SUCCESS;
}
