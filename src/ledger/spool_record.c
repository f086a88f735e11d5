/* SPDX-License-Identifier: ISC */
/* How a callback is written to a spool file and read from it. */
#include "ledger/spool_internal.h"

#include <string.h>

const char spool_file_magic[SPOOL_MAGIC_BYTES + 1] = "HLSPOOL1";
const uint32_t spool_record_magic = 0x484c5245; /* "HLRE" */

uint32_t spool_u32(const char *at)
{
	const unsigned char *b = (const unsigned char *)at;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

int64_t spool_i64(const char *at)
{
	return (int64_t)((uint64_t)spool_u32(at) << 32 | spool_u32(at + 4));
}

static void check_of(const unsigned char salt[SPOOL_SALT_BYTES], struct str record,
		     unsigned char check[SPOOL_CHECK_BYTES])
{
	unsigned char both[SPOOL_SALT_BYTES + DIGEST_BYTES], digest[DIGEST_BYTES];

	memcpy(both, salt, SPOOL_SALT_BYTES);
	crypto_digest(record, both + SPOOL_SALT_BYTES);
	crypto_digest((struct str){ (const char *)both, sizeof(both) }, digest);
	memcpy(check, digest, SPOOL_CHECK_BYTES);
}

void spool_write_record(struct buf *out, enum spool_kind kind, const struct callback *cb)
{
	size_t len = SPOOL_FIXED_BYTES + cb->address.len + cb->body.len + SPOOL_CHECK_BYTES;

	buf_add_u32(out, spool_record_magic);
	buf_add_u32(out, (uint32_t)len);
	buf_add_char(out, (char)kind);
	buf_add_char(out, (char)cb->reason);
	buf_add_u16(out, (uint16_t)cb->address.len);
	buf_add_u64(out, (uint64_t)cb->received_us);
	buf_add_u64(out, (uint64_t)cb->endpoint_id);
	buf_add_u64(out, (uint64_t)cb->secret_id);
	buf_add(out, cb->signature, MAC_BYTES);
	buf_add_str(out, cb->address);
	buf_add_str(out, cb->body);
	buf_add(out, "\0\0\0\0\0\0\0", SPOOL_CHECK_BYTES);
}

void spool_write_checks(struct buf *out, const unsigned char salt[SPOOL_SALT_BYTES])
{
	for (size_t at = 0, len; at < out->len; at += len) {
		len = spool_u32(out->at + at + 4);
		check_of(salt, (struct str){ out->at + at, len - SPOOL_CHECK_BYTES },
			 (unsigned char *)out->at + at + len - SPOOL_CHECK_BYTES);
	}
}

size_t spool_record_length(const struct spool_file *file, const char *at, size_t left)
{
	unsigned char check[SPOOL_CHECK_BYTES];
	size_t len;

	if (left < SPOOL_FIXED_BYTES + SPOOL_CHECK_BYTES || spool_u32(at) != spool_record_magic)
		return 0;
	len = spool_u32(at + 4);
	if (len < SPOOL_FIXED_BYTES + SPOOL_CHECK_BYTES || len > left)
		return 0;
	check_of(file->salt, (struct str){ at, len - SPOOL_CHECK_BYTES }, check);
	return memcmp(at + len - SPOOL_CHECK_BYTES, check, SPOOL_CHECK_BYTES) == 0 ? len : 0;
}

void spool_read_record(const char *at, size_t len, struct callback *cb, enum spool_kind *kind)
{
	size_t address_len = (size_t)(unsigned char)at[10] << 8 | (unsigned char)at[11];

	*cb = (struct callback){ 0 };
	*kind = (enum spool_kind)at[8];
	cb->reason = (enum reason)at[9];
	cb->received_us = spool_i64(at + 12);
	cb->endpoint_id = spool_i64(at + 20);
	cb->secret_id = spool_i64(at + 28);
	memcpy(cb->signature, at + 36, MAC_BYTES);
	if (address_len > len - SPOOL_FIXED_BYTES - SPOOL_CHECK_BYTES)
		address_len = 0;
	cb->address = (struct str){ at + SPOOL_FIXED_BYTES, address_len };
	cb->body = (struct str){ at + SPOOL_FIXED_BYTES + address_len,
				 len - SPOOL_FIXED_BYTES - address_len - SPOOL_CHECK_BYTES };
}
