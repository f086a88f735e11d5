/* SPDX-License-Identifier: ISC */
#include "ledger/callback.h"

#include "base/clock.h"
#include "base/json.h"

/* A model or an action is a short name; Toggl's own filters allow only letters, digits and '_'. */
enum { WORD_MAX = 64, CODE_MAX = 256, COSTLY_MIN = 4000 };

enum {
	EVENT_ID,
	CREATED_AT,
	CREATOR_ID,
	CODE,
	PAYLOAD,
	METADATA,
	META_MODEL,
	META_ACTION,
	META_WORKSPACE,
	PAYLOAD_ID,
	PAYLOAD_WORKSPACE,
	PAYLOAD_WID,
	WANTED
};

static const struct json_want wanted[WANTED] = {
	[EVENT_ID] = { "event_id", NULL },
	[CREATED_AT] = { "created_at", NULL },
	[CREATOR_ID] = { "creator_id", NULL },
	[CODE] = { "validation_code", NULL },
	[PAYLOAD] = { "payload", NULL },
	[METADATA] = { "metadata", NULL },
	[META_MODEL] = { "metadata", "model" },
	[META_ACTION] = { "metadata", "action" },
	[META_WORKSPACE] = { "metadata", "workspace_id" },
	[PAYLOAD_ID] = { "payload", "id" },
	[PAYLOAD_WORKSPACE] = { "payload", "workspace_id" },
	[PAYLOAD_WID] = { "payload", "wid" },
};

const char *reason_word(enum reason reason)
{
	static const char *const names[REASON_COUNT] = {
		[REASON_NONE] = "none",		  [REASON_METHOD] = "method",
		[REASON_ADDRESS] = "address",	  [REASON_TYPE] = "type",
		[REASON_LENGTH] = "length",	  [REASON_SIZE] = "size",
		[REASON_SIGNATURE] = "signature", [REASON_JSON] = "json",
		[REASON_EVENT] = "event",	  [REASON_WORKSPACE] = "workspace",
		[REASON_REVOKED] = "revoked",	  [REASON_UNAVAILABLE] = "unavailable",
		[REASON_DUPLICATE] = "duplicate", [REASON_PING] = "ping",
		[REASON_HORIZON] = "horizon",
	};

	return reason < REASON_COUNT ? names[reason] : names[REASON_NONE];
}

bool callback_is_address(struct str text)
{
	/* the same check as of ledger.endpoint */
	if (text.len < 22 || text.len > 128)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '_' || c == '-'))
			return false;
	}
	return true;
}

bool callback_read_signature(struct str header, unsigned char signature[MAC_BYTES])
{
	struct str text = str_trim(header);

	if (!str_starts(text, "sha256="))
		return false;
	text.at += 7;
	text.len -= 7;
	return hex_read(text, signature, MAC_BYTES);
}

static bool is_word(struct str text)
{
	if (text.len == 0 || text.len > WORD_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '_'))
			return false;
	}
	return true;
}

/* The text between the quotes of a string; a name has no escapes. */
static bool read_name(struct json_value value, struct str *name)
{
	struct str inner = value.raw;

	if (value.kind != JSON_STRING)
		return false;
	inner.at++;
	inner.len -= 2;
	if (!is_word(inner))
		return false;
	*name = inner;
	return true;
}

static bool read_time(struct json_value value, int64_t *us)
{
	struct str inner = value.raw;

	if (value.kind != JSON_STRING)
		return false;
	inner.at++;
	inner.len -= 2;
	return clock_read(inner, us);
}

/* A positive id; 0 when there is none, or it is not valid. */
static int64_t id_or_none(struct json_value value)
{
	int64_t id;

	return json_int(value, &id) && id > 0 ? id : 0;
}

/* The code is returned to Toggl unchanged, as JSON text. */
static void read_code(struct json_value value, struct str *code)
{
	if (value.kind == JSON_STRING && value.raw.len > 2 && value.raw.len <= CODE_MAX + 2)
		*code = value.raw;
}

/* Numbers, escapes and members cost PostgreSQL up to 5 us each, as often as it reads them: a
   body of 1 MiB of them took seconds. Each number or member has a comma or a bracket, so the
   function counts these bytes and not values; in ordinary text they are rare. */
int64_t callback_cost(struct str body)
{
	int64_t marks = 0, escapes = 0;

	for (size_t i = 0; i < body.len; i++) {
		char c = body.at[i];

		marks += c == ',' || c == '[' || c == '{';
		escapes += c == '\\';
	}
	return (int64_t)body.len + 128 * marks + 64 * escapes;
}

/* false when the database has to look at the payload more closely: an object inside, an escape
   by number, or a number with an exponent. Doubtful payloads count as not plain. */
static bool is_plain(struct str payload)
{
	for (size_t i = 1; i < payload.len; i++) {
		char before = payload.at[i - 1], c = payload.at[i];

		if (c == '{' || (c == 'u' && before == '\\') ||
		    ((c == 'e' || c == 'E') && before >= '0' && before <= '9'))
			return false;
	}
	return true;
}

/* Which part of an event is missing, as text; NULL when it is complete. */
static const char *read_event(struct callback *cb, const struct json_value *found)
{
	if (!read_time(found[CREATED_AT], &cb->created_us))
		return "created_at is missing or no RFC 3339 time";
	if (found[METADATA].kind != JSON_OBJECT)
		return "metadata is missing or no object";
	if (!read_name(found[META_MODEL], &cb->model))
		return "metadata.model is missing or no word";
	if (!read_name(found[META_ACTION], &cb->action))
		return "metadata.action is missing or no word";
	if (found[PAYLOAD].kind != JSON_OBJECT && found[PAYLOAD].kind != JSON_NULL)
		return "payload is missing or no object";
	cb->payload = found[PAYLOAD].kind == JSON_OBJECT && is_plain(found[PAYLOAD].raw)
			      ? found[PAYLOAD].raw
			      : (struct str){ 0 };
	cb->creator_id = id_or_none(found[CREATOR_ID]);
	cb->entity_id = id_or_none(found[PAYLOAD_ID]);
	cb->workspace_id = id_or_none(found[META_WORKSPACE]);
	if (!cb->workspace_id)
		cb->workspace_id = id_or_none(found[PAYLOAD_WORKSPACE]);
	if (!cb->workspace_id)
		cb->workspace_id = id_or_none(found[PAYLOAD_WID]);
	return NULL;
}

enum err callback_parse(struct callback *cb, enum reason *reason, const char **why)
{
	struct json_value found[WANTED];

	if (json_scan(cb->body, wanted, found, WANTED, NULL)) {
		*reason = REASON_JSON;
		*why = "the body is no JSON object";
		return ERR_INPUT;
	}
	*reason = REASON_EVENT;
	if (!json_int(found[EVENT_ID], &cb->event_id) || cb->event_id < 0) {
		*why = "event_id is missing or no whole number";
		return ERR_INPUT;
	}
	if (cb->event_id == 0) {
		cb->kind = CALLBACK_PING;
		read_code(found[CODE], &cb->validation_code);
		return ERR_NONE;
	}
	cb->kind = CALLBACK_EVENT;
	*why = read_event(cb, found);
	/* No shorter body can be costly, and nearly all bodies are shorter: they cost nothing
	   here. */
	cb->is_costly = cb->body.len > COSTLY_MIN && callback_cost(cb->body) > CALLBACK_COST_MAX;
	return *why ? ERR_INPUT : ERR_NONE;
}
