/* SPDX-License-Identifier: ISC */
#include "ledger/schema_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "ledger/ledger_conf.h"

/* Each line is a path below sql/functions, in the order to run them; "#" begins a comment. */
static const char order_file[] = "ORDER";
/* Run only with db_roles. */
static const char roles_file[] = "roles.sql";
/* A file of sql/ has tens of kilobytes. */
enum { SQL_MAX = 4 * 1024 * 1024, NUMBER_DIGITS = 4 };

static void sum(struct str text, char hex[CHECKSUM_CHARS + 1])
{
	unsigned char digest[DIGEST_BYTES];
	struct buf out = { 0 };

	crypto_digest(text, digest);
	buf_add_hex(&out, digest, sizeof(digest));
	memcpy(hex, out.at, CHECKSUM_CHARS + 1);
	buf_done(&out);
}

static bool read_sql(const char *dir, const char *name, struct buf *text, struct buf *problem)
{
	struct buf path = { 0 };
	char piece[16384];
	ssize_t got = -1;
	int fd;

	buf_addf(&path, "%s/%s", dir, name);
	fd = open(buf_text(&path), O_RDONLY | O_CLOEXEC);
	text->max = SQL_MAX;
	while (fd >= 0 && !text->full && (got = read(fd, piece, sizeof(piece))) > 0)
		buf_add(text, piece, (size_t)got);
	if (got < 0)
		buf_addf(problem, "%s cannot be read: %s", buf_text(&path), strerror(errno));
	else if (text->full)
		buf_addf(problem, "%s is larger than %d bytes", buf_text(&path), SQL_MAX);
	if (fd >= 0)
		close(fd);
	buf_done(&path);
	return got >= 0 && !text->full;
}

/* "0001_ledger.sql" */
static bool is_migration(const char *name, int64_t *version)
{
	struct str number = { .at = name, .len = NUMBER_DIGITS };
	size_t len = strlen(name);

	return len > NUMBER_DIGITS + 5 && name[NUMBER_DIGITS] == '_' &&
	       strcmp(name + len - 4, ".sql") == 0 && name[0] != '-' && str_int(number, version) &&
	       *version > 0;
}

static int only_migrations(const struct dirent *entry)
{
	int64_t version;

	return is_migration(entry->d_name, &version);
}

static bool add_migration(struct schema_files *schema, const char *dir, const char *name,
			  struct buf *problem)
{
	struct schema_file *step = &schema->migrations[schema->count];
	struct buf text = { 0 };
	bool fine;

	*step = (struct schema_file){ .name = mem_dup(str_of(name)) };
	schema->count++;
	fine = is_migration(name, &step->version) && read_sql(dir, name, &text, problem);
	if (fine && step->version != (int64_t)schema->count) {
		buf_addf(problem, "%s/%s is out of order: number %zu was expected", dir, name,
			 schema->count);
		fine = false;
	}
	if (fine) {
		sum(buf_str(&text), step->checksum);
		step->text = mem_dup(buf_str(&text));
	}
	buf_done(&text);
	return fine;
}

static bool load_migrations(struct schema_files *schema, const char *sql_dir, struct buf *problem)
{
	struct dirent **names = NULL;
	struct buf dir = { 0 };
	bool fine = true;
	int count;

	buf_addf(&dir, "%s/migrations", sql_dir);
	count = scandir(buf_text(&dir), &names, only_migrations, alphasort);
	if (count <= 0) {
		buf_addf(problem,
			 "no schema in %s (%s); is hookledger installed, or the setting "
			 "sql_dir right?",
			 buf_text(&dir), count < 0 ? strerror(errno) : "no files");
		fine = false;
	}
	schema->migrations = mem_zero(count > 0 ? (size_t)count : 0, sizeof(*schema->migrations));
	for (int i = 0; i < count; i++) {
		fine = fine && add_migration(schema, buf_text(&dir), names[i]->d_name, problem);
		free(names[i]);
	}
	free(names);
	buf_done(&dir);
	return fine;
}

static bool add_functions(struct buf *all, const char *dir, struct str name, struct buf *problem)
{
	struct buf path = { 0 }, text = { 0 };
	bool fine;

	buf_add_str(&path, name);
	fine = read_sql(dir, buf_text(&path), &text, problem);
	buf_addf(all, "\n-- %s\n", buf_text(&path));
	buf_add_str(all, buf_str(&text));
	buf_done(&text);
	buf_done(&path);
	return fine;
}

/* The checksum of the functions also covers setup.sql, so a change there is applied with them. It
   covers the file of the roles only with db_roles, so a change of that setting is a change. */
static bool load_functions(struct schema_files *schema, const struct conf *conf,
			   struct buf *problem)
{
	struct buf all = { 0 }, dir = { 0 }, order = { 0 };
	struct str rest;
	bool fine;

	buf_addf(&dir, "%s/functions", ledger_conf(conf)->sql_dir);
	buf_add_text(&all, schema->setup);
	fine = read_sql(buf_text(&dir), order_file, &order, problem);
	rest = buf_str(&order);
	while (fine && rest.len > 0) {
		struct str line = str_cut(&rest, '\n');
		struct str name = str_trim(str_cut(&line, '#'));

		if (name.len > 0 && (conf->db_roles || !str_is(name, roles_file)))
			fine = add_functions(&all, buf_text(&dir), name, problem);
	}
	if (fine) {
		schema->functions = (struct schema_file){ .name = mem_dup(str_of("functions")) };
		sum(buf_str(&all), schema->functions.checksum);
		schema->functions.text = mem_dup(
			(struct str){ .at = all.at + strlen(schema->setup),
				      .len = all.len - strlen(schema->setup) });
	}
	buf_done(&all);
	buf_done(&dir);
	buf_done(&order);
	return fine;
}

bool schema_files_load(struct schema_files *schema, const struct conf *conf, struct buf *problem)
{
	struct buf setup = { 0 };
	bool fine;

	*schema = (struct schema_files){ 0 };
	fine = load_migrations(schema, ledger_conf(conf)->sql_dir, problem) &&
	       read_sql(ledger_conf(conf)->sql_dir, "setup.sql", &setup, problem);
	if (fine) {
		schema->setup = mem_dup(buf_str(&setup));
		fine = load_functions(schema, conf, problem);
	}
	buf_done(&setup);
	return fine;
}

static void step_done(struct schema_file *step)
{
	free(step->name);
	free(step->text);
}

void schema_files_done(struct schema_files *schema)
{
	for (size_t i = 0; i < schema->count; i++)
		step_done(&schema->migrations[i]);
	step_done(&schema->functions);
	free(schema->migrations);
	free(schema->setup);
	*schema = (struct schema_files){ 0 };
}

struct schema_files_state schema_files_compare(const struct schema_files *schema,
					       const struct db_rows *applied)
{
	struct schema_files_state state = { .pending = schema->count, .functions_pending = true };

	for (size_t i = 0; applied && i < db_rows_count(applied); i++) {
		int64_t version = db_int(applied, i, "version");
		struct str checksum = db_str(applied, i, "checksum");

		if (version > (int64_t)schema->count) {
			state.newer = version;
		} else if (version == 0) {
			state.functions_pending = !str_is(checksum, schema->functions.checksum);
		} else {
			state.pending--;
			if (!str_is(checksum, schema->migrations[version - 1].checksum))
				state.changed = &schema->migrations[version - 1];
		}
	}
	state.functions_pending = state.functions_pending || state.pending > 0;
	return state;
}
