/* SPDX-License-Identifier: ISC */
/* The bytes of a Toggl callback and what they say. Whether they are genuine is
   the keyring's to judge, before anything here looks into the body. */
#ifndef HL_LEDGER_CALLBACK_H
#define HL_LEDGER_CALLBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/crypto.h"
#include "base/err.h"
#include "base/mem.h"

enum callback_kind { CALLBACK_EVENT, CALLBACK_PING };

/* Why something was not recorded; also the word in ledger.receiver_counter.reason. */
enum reason {
	REASON_NONE = 0,
	REASON_METHOD,
	REASON_ADDRESS,
	REASON_TYPE,
	REASON_LENGTH,
	REASON_SIZE,
	REASON_SIGNATURE,
	REASON_JSON,	    /* signed, but no JSON object that PostgreSQL takes */
	REASON_EVENT,	    /* signed JSON without the fields of an event */
	REASON_WORKSPACE,   /* of another workspace than the endpoint's */
	REASON_REVOKED,	    /* the secret was revoked or had run out */
	REASON_UNAVAILABLE, /* neither database nor spool could take it */
	REASON_DUPLICATE,   /* the last three are no refusals */
	REASON_PING,
	REASON_HORIZON, /* older than what retention left */
	REASON_COUNT
};

struct callback {
	/* as it came; address and body are borrowed from the request or spool */
	struct str address;
	struct str body;
	unsigned char signature[MAC_BYTES];
	int64_t received_us;

	/* by keyring_judge(); both 0: not judged yet */
	int64_t endpoint_id;
	int64_t secret_id;

	/* by callback_parse(); strings borrowed from the body */
	enum callback_kind kind;
	int64_t event_id; /* 0: a ping */
	int64_t created_us;
	int64_t workspace_id; /* 0: the body names none */
	int64_t creator_id;   /* 0: none */
	int64_t entity_id;    /* 0: none */
	struct str model;
	struct str action;
	struct str payload;	    /* when it is plain (see ledger.apply), else at == NULL */
	bool is_costly;		    /* beyond the budget: recorded, and not taken apart */
	struct str validation_code; /* JSON, with its quotes; at == NULL: none */

	enum reason reason; /* why it went to quarantine, for the spool's records of that kind */
};

const char *reason_word(enum reason reason);

/* Can this be the address of an endpoint at all (base64url, 22 to 128)? */
bool callback_is_address(struct str text);

/* "sha256=" and 64 hex digits (Toggl's X-Webhook-Signature-256). */
bool callback_read_signature(struct str header, unsigned char signature[MAC_BYTES]);

/* What a JSON text costs PostgreSQL at most to take apart, as ledger.cost() has
   it: its bytes, 128 for each comma and opening bracket, 64 for each backslash. */
int64_t callback_cost(struct str body);
enum { CALLBACK_COST_MAX = 524288 }; /* as ledger.is_costly() has it */

/* Reads body into the fields of the third group. ERR_INPUT with *reason
   REASON_JSON or REASON_EVENT; *why says in plain words what is missing. */
MUST_USE enum err callback_parse(struct callback *cb, enum reason *reason, const char **why);

#endif
