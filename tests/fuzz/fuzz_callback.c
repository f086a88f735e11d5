/* SPDX-License-Identifier: ISC */
/* Any bytes as a callback: what it gives out lies within the body and has the
   form that SQL is promised. */
#include "fuzz.h"

#include "ledger/callback.h"

static void is_inside(struct str part, struct str whole)
{
	MUST(part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct callback cb = { .body = { (const char *)data, size } };
	unsigned char signature[MAC_BYTES];
	enum reason reason = REASON_NONE;
	const char *why = NULL;

	if (callback_read_signature(cb.body, signature))
		MUST(size >= 71);
	callback_is_address(cb.body);
	if (callback_parse(&cb, &reason, &why)) {
		MUST(reason == REASON_JSON || reason == REASON_EVENT);
		MUST(why && *why);
		return 0;
	}
	if (cb.kind == CALLBACK_PING) {
		MUST(cb.event_id == 0);
		if (cb.validation_code.at)
			is_inside(cb.validation_code, cb.body);
		return 0;
	}
	MUST(cb.event_id > 0 && cb.workspace_id >= 0 && cb.creator_id >= 0 && cb.entity_id >= 0);
	/* a day beyond the years 0 to 9999 on either side, for the offset */
	MUST(cb.created_us > INT64_C(-62167305600000000) &&
	     cb.created_us < INT64_C(253402387200000000));
	MUST(cb.model.len > 0 && cb.action.len > 0);
	is_inside(cb.model, cb.body);
	is_inside(cb.action, cb.body);
	return 0;
}
