/* SPDX-License-Identifier: ISC */
/* Answers of the API: always JSON, errors as a string, with the headers for the caller's quota
   and for pages of another origin. */
#include "api/api.h"
#include "api/api_conf.h"

#include "base/conf.h"
#include "base/db.h"
#include "http/http_server.h"
#include "http/json_server.h"
#include "base/json.h"
#include "base/log.h"

enum { BUSY_S = 2 }; /* Retry-After of a 503 */

/* For web pages of another origin, if the setting allows one. */
static void add_origin(struct api *api, struct buf *headers)
{
	const char *origin = api_conf(api->conf)->cors_origin;

	if (!origin)
		return;
	json_server_header(headers, "Access-Control-Allow-Origin: %s", origin);
	json_server_header(headers, "Vary: Origin");
	json_server_header(headers, "Access-Control-Expose-Headers: X-Toggl-Quota-Remaining, "
				    "X-Toggl-Quota-Resets-In, Retry-After, X-Next-ID, "
				    "X-Next-Row-Number, X-Next-Timestamp, X-Page-Size, "
				    "X-Range-Start, X-Range-End");
}

void api_answer(struct api *api, struct http_req *req, const struct caller *caller, int status,
		struct str json)
{
	api_answer_with(api, req, caller, status, (struct str){ 0 }, json);
}

void api_answer_with(struct api *api, struct http_req *req, const struct caller *caller, int status,
		     struct str lines, struct str json)
{
	struct buf headers = { 0 };

	while (lines.len) {
		struct str line = str_cut(&lines, '\n');

		json_server_header(&headers, "%.*s", (int)line.len, line.at);
	}
	if (caller && caller->has_quota) {
		json_server_header(&headers, "X-Toggl-Quota-Remaining: %lld",
				   (long long)caller->remaining);
		json_server_header(&headers, "X-Toggl-Quota-Resets-In: %lld",
				   (long long)caller->resets_in);
	}
	if (status == 503 || (status == 429 && caller))
		json_server_header(&headers, "Retry-After: %lld",
				   (long long)(status == 503 ? BUSY_S : caller->retry_after));
	add_origin(api, &headers);
	http_answer(req, status, headers.len ? buf_text(&headers) : NULL, json);
	buf_done(&headers);
}

void api_refuse(struct api *api, struct http_req *req, const struct caller *caller, int status,
		const char *problem)
{
	struct buf json = { 0 };

	json_quote(&json, str_of(problem));
	api_answer(api, req, caller, status, buf_str(&json));
	buf_done(&json);
}

void api_refuse_failed(struct api *api, struct http_req *req, const struct caller *caller,
		       const char *function, enum err err)
{
	log_write(LOG_ERROR, "call_failed",
		  (struct log_field[]){ log_text("function", function),
					log_text("why", db_problem(api->db)), log_end() });
	if (err == ERR_BUSY)
		api_refuse(api, req, caller, 503,
			   "The database cannot answer now; please try again in a moment");
	else
		api_refuse(api, req, caller, 500, "Internal Server Error");
}

enum err api_call(struct api *api, struct http_req *req, const struct caller *caller,
		  const char *function, const struct db_args *args, struct db_rows **out)
{
	struct db_rows *found = NULL;
	enum err err = db_call(api->db, function, args, api->conf->db_deadline_ms, &found);

	if (err)
		api_refuse_failed(api, req, caller, function, err);
	else if (out)
		*out = found;
	else
		db_rows_free(found);
	return err;
}

void api_answer_preflight(struct api *api, struct http_req *req)
{
	struct buf headers = { 0 };

	buf_addf(&headers,
		 "Access-Control-Allow-Origin: %s\r\nVary: Origin\r\n"
		 "Access-Control-Allow-Methods: GET, POST, PUT, PATCH, DELETE\r\n"
		 "Access-Control-Allow-Headers: Authorization, "
		 "Content-Type\r\nAccess-Control-Max-Age: 600",
		 api_conf(api->conf)->cors_origin);
	http_answer(req, 200, buf_text(&headers), str_of("\"OK\""));
	buf_done(&headers);
}

void api_refuse_method(struct api *api, struct http_req *req, const char *allow)
{
	struct buf headers = { 0 };

	buf_add_text(&headers, allow);
	add_origin(api, &headers);
	http_answer(req, 405, buf_text(&headers), str_of("\"Method Not Allowed\""));
	buf_done(&headers);
}
