/* SPDX-License-Identifier: ISC */
#include "ledger/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/db.h"
#include "base/log.h"
#include "ledger/callback.h"

/* We wrote the file, but a limit costs nothing: some 20,000 endpoints. */
enum { FILE_MAX = 8 * 1024 * 1024 };

struct key {
	struct str address;
	int64_t endpoint_id;
	int64_t secret_id;
	int64_t valid_from_us, valid_until_us;
	struct mac *mac; /* NULL: the secret does not open with our master key */
};

struct keyring {
	const struct sealer *sealer;
	struct key *keys; /* sorted by address; of one address the newest secret first */
	size_t count;
	struct buf text; /* the keys as the file contains them; addresses are borrowed from it */
	bool is_loaded;
	int64_t tried_at_ms;  /* the last attempt to load them from the database; 0: none */
	int64_t loaded_at_ms; /* the last success; 0: none */
	int64_t as_of_ms;     /* when that load began; 0: none */
};

static int by_address(const void *a, const void *b)
{
	const struct key *left = a, *right = b;
	int order = str_compare(left->address, right->address);

	if (order)
		return order;
	return (left->secret_id < right->secret_id) - (left->secret_id > right->secret_id);
}

struct keyring *keyring_new(const struct sealer *sealer)
{
	struct keyring *ring = mem_zero(1, sizeof(*ring));

	ring->sealer = sealer;
	return ring;
}

void keyring_free(struct keyring *ring)
{
	if (!ring)
		return;
	for (size_t i = 0; i < ring->count; i++)
		mac_free(ring->keys[i].mac);
	free(ring->keys);
	buf_done(&ring->text);
	free(ring);
}

bool keyring_is_loaded(const struct keyring *ring)
{
	return ring->is_loaded;
}

int64_t keyring_age_ms(const struct keyring *ring)
{
	return ring->tried_at_ms ? clock_ms() - ring->tried_at_ms : INT64_MAX;
}

bool keyring_is_fresh(const struct keyring *ring, int64_t within_ms)
{
	return ring->loaded_at_ms && clock_ms() - ring->loaded_at_ms <= within_ms;
}

bool keyring_is_since(const struct keyring *ring, int64_t at_ms)
{
	return ring->as_of_ms && ring->as_of_ms >= at_ms;
}

/* One line of the text: endpoint, address, secret, from, until, sealed in hex. */
static bool read_key(struct keyring *ring, struct str line)
{
	static struct log_gate gate;
	struct key key = { 0 };
	struct buf plain = { 0 };
	struct str endpoint = str_cut(&line, ' '), sealed;
	unsigned char *raw;
	bool fine;

	key.address = str_cut(&line, ' ');
	fine = str_int(endpoint, &key.endpoint_id) &&
	       str_int(str_cut(&line, ' '), &key.secret_id) &&
	       str_int(str_cut(&line, ' '), &key.valid_from_us) &&
	       str_int(str_cut(&line, ' '), &key.valid_until_us);
	if (!fine || line.len % 2)
		return false;
	raw = mem_new(line.len / 2);
	fine = hex_read(line, raw, line.len / 2);
	sealed = (struct str){ .at = (const char *)raw, .len = line.len / 2 };
	if (fine && seal_open(ring->sealer, key.address, sealed, &plain) == ERR_NONE)
		key.mac = mac_new(buf_str(&plain));
	if (fine) {
		ring->keys = mem_grow(ring->keys, ring->count + 1, sizeof(struct key));
		ring->keys[ring->count++] = key;
	}
	if (fine && !key.mac && log_gate_passes(&gate, 1))
		log_write(LOG_ERROR, "secret_does_not_open",
			  (struct log_field[]){
				  log_num("endpoint", key.endpoint_id),
				  log_num("secret", key.secret_id),
				  log_text("hint", "is master_key the one it was sealed with?"),
				  log_end() });
	mem_wipe(plain.at, plain.cap);
	buf_done(&plain);
	free(raw);
	return fine;
}

static const char header[] = "hookledger keyring 1\n";

/* Makes the keys from ring->text. false: it is not in our format. */
static bool read_text(struct keyring *ring)
{
	struct str rest = buf_str(&ring->text);

	if (!str_starts(rest, header))
		return false;
	rest.at += sizeof(header) - 1;
	rest.len -= sizeof(header) - 1;
	while (rest.len)
		if (!read_key(ring, str_cut(&rest, '\n')))
			return false;
	if (ring->count)
		qsort(ring->keys, ring->count, sizeof(struct key), by_address);
	return true;
}

/* Puts the keys of `fresh` into force; `fresh` gets the old ones. */
static void swap_keys(struct keyring *ring, struct keyring *fresh)
{
	struct keyring old = *ring;

	ring->keys = fresh->keys;
	ring->count = fresh->count;
	ring->text = fresh->text;
	ring->is_loaded = true;
	fresh->keys = old.keys;
	fresh->count = old.count;
	fresh->text = old.text;
}

enum err keyring_load(struct keyring *ring, struct db *db, int64_t wait_ms, bool *changed)
{
	struct keyring *fresh = keyring_new(ring->sealer);
	struct db_rows *rows = NULL;
	enum err err;

	ring->tried_at_ms = clock_ms();
	err = db_call(db, "receiver.keys", NULL, wait_ms, &rows);
	if (err) {
		log_write(LOG_WARN, "keys_not_loaded",
			  (struct log_field[]){ log_text("why", db_problem(db)), log_end() });
		goto done;
	}
	buf_add_text(&fresh->text, header);
	for (size_t i = 0; i < db_rows_count(rows); i++) {
		struct buf sealed = { 0 };

		buf_addf(&fresh->text, "%" PRId64 " ", db_int(rows, i, "endpoint_id"));
		buf_add_str(&fresh->text, db_str(rows, i, "address"));
		buf_addf(&fresh->text, " %" PRId64 " %" PRId64 " %" PRId64 " ",
			 db_int(rows, i, "secret_id"), db_int(rows, i, "valid_from_us"),
			 db_int(rows, i, "valid_until_us"));
		db_bytes(rows, i, "sealed", &sealed);
		buf_add_hex(&fresh->text, sealed.at, sealed.len);
		buf_add_char(&fresh->text, '\n');
		buf_done(&sealed);
	}
	if (changed)
		*changed = !ring->is_loaded ||
			   !str_equal(buf_str(&ring->text), buf_str(&fresh->text));
	if (!read_text(fresh)) {
		err = ERR_FAULT;
		goto done;
	}
	swap_keys(ring, fresh);
	ring->loaded_at_ms = clock_ms();
	ring->as_of_ms = ring->tried_at_ms;
done:
	db_rows_free(rows);
	keyring_free(fresh);
	return err;
}

/* A command that root runs must not leave a file that the receiver cannot read. Everything in
   the folder belongs to its owner. */
static void give_to_owner(int fd, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct stat facts;
	char *dir;

	if (geteuid() != 0 || !slash)
		return;
	dir = mem_dup((struct str){ path, (size_t)(slash - path) });
	if (stat(dir, &facts) == 0 && fchown(fd, facts.st_uid, facts.st_gid))
		log_write(LOG_WARN, "keyring_owner",
			  (struct log_field[]){ log_text("why", strerror(errno)), log_end() });
	free(dir);
}

enum err keyring_save(const struct keyring *ring, const char *path)
{
	struct buf aside = { 0 };
	enum err err = ERR_FAULT;
	int fd;

	/* Written under another name and renamed, so that a reader sees the old or the new file
	   complete. */
	buf_addf(&aside, "%s.%ld", path, (long)getpid());
	/* Removes what an ended process left. Another user may have put a hard link to one of
	   root's files there: it must neither be emptied nor change its owner. */
	unlink(buf_text(&aside));
	fd = open(buf_text(&aside), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		give_to_owner(fd, path);
	if (fd >= 0 && write(fd, ring->text.at, ring->text.len) == (ssize_t)ring->text.len &&
	    fsync(fd) == 0 && rename(buf_text(&aside), path) == 0)
		err = ERR_NONE;
	if (err) {
		log_write(LOG_WARN, "keyring_not_saved",
			  (struct log_field[]){ log_text("path", path),
						log_text("why", strerror(errno)), log_end() });
		unlink(buf_text(&aside));
	}
	if (fd >= 0)
		close(fd);
	buf_done(&aside);
	return err;
}

enum err keyring_load_file(struct keyring *ring, const char *path)
{
	struct keyring *fresh = keyring_new(ring->sealer);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	enum err err = ERR_ABSENT;
	struct stat facts;

	if (fd < 0)
		goto done;
	err = ERR_FAULT;
	if (fstat(fd, &facts) || !S_ISREG(facts.st_mode) || facts.st_size > FILE_MAX)
		goto done;
	buf_need(&fresh->text, (size_t)facts.st_size);
	if (read(fd, fresh->text.at, (size_t)facts.st_size) != facts.st_size)
		goto done;
	fresh->text.len = (size_t)facts.st_size;
	fresh->text.at[fresh->text.len] = '\0';
	if (!read_text(fresh))
		goto done;
	swap_keys(ring, fresh);
	ring->loaded_at_ms = ring->as_of_ms = 0;
	err = ERR_NONE;
done:
	if (err == ERR_FAULT)
		log_write(LOG_WARN, "keyring_file_unusable",
			  (struct log_field[]){ log_text("path", path), log_end() });
	if (fd >= 0)
		close(fd);
	keyring_free(fresh);
	return err;
}

/* The first key of the address; NULL: there is none. */
static const struct key *first_of(const struct keyring *ring, struct str address)
{
	size_t low = 0, high = ring->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (str_compare(ring->keys[middle].address, address) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == ring->count || !str_equal(ring->keys[low].address, address))
		return NULL;
	return &ring->keys[low];
}

int64_t keyring_endpoint(const struct keyring *ring, struct str address)
{
	const struct key *key = first_of(ring, address);

	return key ? key->endpoint_id : 0;
}

enum err keyring_verify(const struct keyring *ring, struct callback *cb)
{
	const struct key *key = first_of(ring, cb->address);
	const struct key *end = ring->keys + ring->count;
	unsigned char expected[MAC_BYTES];
	enum err err = ERR_DENIED;

	if (!key)
		return ERR_ABSENT;
	cb->endpoint_id = key->endpoint_id;
	for (; key < end && str_equal(key->address, cb->address); key++) {
		if (cb->received_us >= key->valid_until_us)
			continue;
		if (!key->mac) {
			err = ERR_BUSY;
			continue;
		}
		mac_sign(key->mac, cb->body, expected);
		if (crypto_equal(expected, cb->signature, MAC_BYTES)) {
			cb->secret_id = key->secret_id;
			return ERR_NONE;
		}
	}
	return err;
}
