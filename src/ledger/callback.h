/* SPDX-License-Identifier: ISC */
/* The bytes of a Toggl callback, and the fields of its body. keyring_verify() comes first:
   nothing here reads the body of a callback whose signature was not checked. */
#ifndef HL_LEDGER_CALLBACK_H
#define HL_LEDGER_CALLBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/crypto.h"
#include "base/err.h"
#include "base/mem.h"

enum callback_kind { CALLBACK_EVENT, CALLBACK_PING };

/* Why a callback was not recorded; the same names are in ledger.receiver_counter.reason. */
enum reason {
	REASON_NONE = 0,
	REASON_METHOD,
	REASON_ADDRESS,
	REASON_TYPE,
	REASON_LENGTH,
	REASON_SIZE,
	REASON_SIGNATURE,
	REASON_JSON,	    /* signed, but no JSON object that PostgreSQL accepts */
	REASON_EVENT,	    /* signed JSON without the fields of an event */
	REASON_WORKSPACE,   /* of another workspace than the endpoint's */
	REASON_REVOKED,	    /* the secret was revoked or had expired */
	REASON_UNAVAILABLE, /* neither database nor spool could take it */
	REASON_DUPLICATE,   /* the last three are no refusals */
	REASON_PING,
	REASON_HORIZON, /* older than what retention left */
	REASON_COUNT
};

struct callback {
	/* as received; address and body are borrowed from the request or the spool */
	struct str address;
	struct str body;
	unsigned char signature[MAC_BYTES];
	int64_t received_us;

	/* by keyring_verify(); both 0: not verified yet */
	int64_t endpoint_id;
	int64_t secret_id;

	/* by callback_parse(); strings borrowed from the body */
	enum callback_kind kind;
	int64_t event_id; /* 0: a ping */
	int64_t created_us;
	int64_t workspace_id; /* 0: the body has none */
	int64_t creator_id;   /* 0: none */
	int64_t entity_id;    /* 0: none */
	struct str model;
	struct str action;
	struct str payload;	    /* set when it is plain (see ledger.apply), else at == NULL */
	bool is_costly;		    /* above the budget: recorded, but not parsed by the database */
	struct str validation_code; /* JSON, with its quotes; at == NULL: none */

	enum reason reason; /* why it is in the quarantine, for records of the spool of that kind */
};

const char *reason_word(enum reason reason);

/* Has it the form of an endpoint's address (base64url, 22 to 128)? */
bool callback_is_address(struct str text);

/* "sha256=" and 64 hex digits (Toggl's X-Webhook-Signature-256). */
bool callback_read_signature(struct str header, unsigned char signature[MAC_BYTES]);

/* The most that a JSON text can cost PostgreSQL to parse, as ledger.cost() computes it: its
   bytes, and 128 for each comma and opening bracket, and 64 for each backslash. */
int64_t callback_cost(struct str body);
enum { CALLBACK_COST_MAX = 524288 }; /* the limit of ledger.is_costly() */

/* Parses the body into the fields of the third group. ERR_INPUT: *reason is REASON_JSON or
   REASON_EVENT, and *why says what is missing. */
MUST_USE enum err callback_parse(struct callback *cb, enum reason *reason, const char **why);

#endif
