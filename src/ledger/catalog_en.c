/* SPDX-License-Identifier: ISC */
/* English. A refusal begins with a small letter and has no full stop, because it stands behind
   "hookledger: "; findings, results and what mails say are whole sentences. Names of commands
   stand in backquotes. Sorted by code (a unit test looks). */
#include "ledger/catalog.h"

const struct catalog_row catalog_rows[] = {
	/* ---- account */
	{ "account.disabled", "the account \"{name}\" is disabled; enable it first" },
	{ "account.lengths", "a name has 1 to 200 characters, an e-mail address up to 320" },
	{ "account.no_access", "account {account_id} has no access to workspace {workspace_id}" },
	{ "account.unknown",
	  "there is no account {account_id}; `hookledger account list` shows all" },
	{ "account.user_missing",
	  "\"user_id\" must be the number of the Toggl user that the account stands for" },
	{ "account.warn_disable",
	  "Its token is refused, and its subscriptions get nothing until it is enabled again." },
	{ "account.warn_token", "The present token stops working at once: give the new one to "
				"every program that uses it." },
	{ "account.workspace_missing",
	  "the account \"{name}\" has no access to workspace {workspace_id}; give it that first" },
	/* ---- alert */
	{ "alert.blank_in_address",
	  "the address contains a blank or an invisible character: remove it" },
	{ "alert.no_address", "this is no e-mail address such as ada@example.org" },
	{ "alert.no_kind",
	  "an alert goes by mail, webhook, slack, teams, discord, mattermost, googlechat or ntfy" },
	{ "alert.no_topic",
	  "this is no address of an ntfy topic such as https://ntfy.sh/my-topic" },
	{ "alert.no_url", "this is no http or https URL such as https://example.org/hook" },
	{ "alert.other_chat", "this address belongs to {chat}, which takes messages of its own "
			      "form: choose {chat} instead of {given}" },
	{ "alert.outage", "trouble: the courier on {place} cannot use the database" },
	{ "alert.target_exists", "there is an alert for this target already" },
	{ "alert.test_failed", "{problem}" },
	{ "alert.test_pending",
	  "another test is being sent just now; please try again in a moment" },
	{ "alert.test_taken", "The test was taken. Look whether it arrives." },
	{ "alert.too_many", "there are {most} alerts already; remove one first" },
	{ "alert.unknown", "there is no alert with the number {alert_id}" },
	/* ---- body */
	{ "body.cut_short", "the body is not as long as Content-Length says" },
	{ "body.malformed", "the body is no JSON object: it goes wrong at byte {byte}" },
	{ "body.members_missing", "the body must be a JSON object with something of {known}" },
	{ "body.other_type", "the Content-Type must be application/json" },
	{ "body.too_big", "the body is larger than this server takes" },
	/* ---- client */
	{ "client.unknown", "no client {client_id} is known" },
	/* ---- compare */
	{ "compare.future", "{day} is in the future: compare days up to today" },
	{ "compare.long", "at most 366 days are compared at once; `hookledger history load` loads "
			  "more and compares it" },
	{ "compare.no_administrator",
	  "{workspace_id, select, none {no workspace is} other {workspace {workspace_id} is not}} "
	  "connected with an administrator's token, and only an administrator sees the entries of "
	  "all users: connect with one (`hookledger connect`)" },
	{ "compare.no_weekly", "Workspace {workspace_id} does not give the weekly report, so "
			       "persons cannot be compared, only days: {message}" },
	{ "compare.order", "the first day, {from}, is after the last one, {last}: exchange them" },
	{ "compare.summary",
	  "{from} to {last}, workspace {workspace_id}: {equal, plural, one {# day is} other {# "
	  "days are}} equal, {filled} filled, {differs, plural, one {# differs} other {# differ}}, "
	  "{unknown} cannot be known; {recorded, plural, =0 {nothing} one {# entry} other {# "
	  "entries}} recorded, {requests, plural, one {# request} other {# requests}}" },
	{ "compare.unconfirmed",
	  "Toggl's reports of workspace {workspace_id} lack {count, plural, one {# entry} other {# "
	  "entries}} that {count, plural, one {is} other {are}} here, but Toggl did not confirm "
	  "that {count, plural, one {it is} other {they are}} deleted: nothing was changed" },
	/* ---- conf */
	{ "conf.master_key_unset", "master_key is not set in hookledger.conf, so secrets cannot be "
				   "sealed: write the output of `openssl rand -hex 32` into it" },
	{ "conf.public_url_malformed", "public_url in hookledger.conf is no http or https URL" },
	{ "conf.public_url_unset", "public_url is not set in hookledger.conf, so there is no "
				   "address that Toggl could call" },
	/* ---- cursor */
	{ "cursor.malformed", "a cursor looks like 1-734-12" },
	{ "cursor.missing", "after is missing: the cursor of the newest event that is shown" },
	{ "cursor.not_of_list", "after is no cursor of this list" },
	/* ---- day */
	{ "day.malformed", "a day looks like 2026-05-31" },
	{ "day.named_malformed", "{name} must be a day such as 2026-07-17" },
	/* ---- db */
	{ "db.away",
	  "the database cannot answer now; nothing was changed, please try again in a moment" },
	{ "db.refused", "{problem}" },
	{ "db.slow", "this took the database longer than the {limit_ms} that it may take; nothing "
		     "was changed. Ask for a shorter time or with fewer filters, or try again when "
		     "less is going on" },
	/* ---- delivery */
	{ "delivery.dropped_account",
	  "the account of its subscription is disabled, or may not use the workspace any more" },
	{ "delivery.dropped_address", "its address is gone (410)" },
	{ "delivery.dropped_deleted", "its subscription is deleted" },
	{ "delivery.dropped_disabled", "its subscription is disabled for long" },
	{ "delivery.dropped_unseen", "the account of its subscription may not see it any more" },
	{ "delivery.gone",
	  "there is no delivery {delivery_id}; those that ended are forgotten after a while" },
	{ "delivery.not_visible", "the account of subscription {subscription_id} may not see this "
				  "event, so it is not delivered to it" },
	{ "delivery.replayed", "It is due now." },
	{ "delivery.replayed_behind", "It is delivered behind an earlier one of the same entity." },
	{ "delivery.replayed_waits",
	  "It is due as soon as the subscription is enabled and validated." },
	{ "delivery.state_malformed",
	  "a delivery is waiting (due or behind), delivered, dead or dropped, not \"{state}\"" },
	{ "delivery.state_unknown", "a delivery is due, behind, delivered, dead or dropped" },
	{ "delivery.unknown",
	  "there is no delivery {delivery_id}; `hookledger delivery list` shows the newest" },
	/* ---- endpoint */
	{ "endpoint.no_secret",
	  "this endpoint has no secret that is good: give it a new one first" },
	{ "endpoint.revoked", "What is signed with it is not taken any more." },
	{ "endpoint.revoked_last", "The endpoint has no secret any more: every callback is "
				   "answered 401 until it is given a new one." },
	{ "endpoint.secret_unopened",
	  "the secret of this endpoint does not open with the master_key in hookledger.conf: give "
	  "it a new one, or put the key back" },
	{ "endpoint.test_broken", "The connection ended without an answer that is HTTP: is it the "
				  "right port, and http or https as in public_url?" },
	{ "endpoint.test_disabled",
	  "A signed ping came back, but this endpoint is disabled: every event is answered 404." },
	{ "endpoint.test_disabled_404",
	  "hookledger-receiver answers 404, because this endpoint is disabled." },
	{ "endpoint.test_down", "The web server answers, but what stands behind it does not work: "
				"look at its log and at that of hookledger-receiver." },
	{ "endpoint.test_name", "The host of public_url has no address: look at its spelling in "
				"hookledger.conf, and at DNS." },
	{ "endpoint.test_other_site", "Something else answers at this address: the web server does "
				      "not pass it to hookledger-receiver." },
	{ "endpoint.test_redirect", "The web server sends on to another address, which Toggl does "
				    "not follow: set public_url to that one." },
	{ "endpoint.test_refused", "The ping was refused: look at the log of the web server and at "
				   "that of hookledger-receiver." },
	{ "endpoint.test_secret", "The signature was refused: the receiver has another secret for "
				  "this address, so another database or another master_key." },
	{ "endpoint.test_timeout", "No answer came in time: a firewall that drops, a web server "
				   "that hangs, or the receiver does not run." },
	{ "endpoint.test_tls", "TLS fails, and Toggl will find the same: look at the certificate, "
			       "its chain and the name it is for." },
	{ "endpoint.test_unknown",
	  "hookledger-receiver answers, and does not know this address: it works on another "
	  "database, or could not read the new endpoint yet." },
	{ "endpoint.test_unreachable", "Nobody takes connections there: does the web server run, "
				       "on this port, and does a firewall let it through?" },
	{ "endpoint.test_well", "A signed ping went out, and the right answer came back: Toggl can "
				"reach this endpoint, if it can reach this host." },
	{ "endpoint.test_wrong_path",
	  "The web server answers, and does not pass this path to hookledger-receiver: look at its "
	  "configuration, base_path and public_url." },
	{ "endpoint.tests_pending",
	  "too many endpoints are being tried out right now; please try again in a moment" },
	{ "endpoint.unknown", "there is no endpoint {endpoint_id}" },
	{ "endpoint.warn_disable", "It answers 404 to every callback: events of that time do not "
				   "come, and Toggl disables the subscription after a while." },
	{ "endpoint.warn_revoke", "What is signed with it is answered 401 from then on." },
	{ "endpoint.warn_revoke_last",
	  "It is the only one that is good: every callback is answered 401 from then on, and Toggl "
	  "disables the subscription after a while." },
	{ "endpoint.warn_rotate",
	  "What is signed with the secret of now is taken for as long as you say; give the new one "
	  "to the subscription at Toggl before that." },
	/* ---- event */
	{ "event.not_recorded", "no such event is recorded; retention may have dropped it" },
	{ "event.time_malformed",
	  "the time of the event must be one such as 2026-07-17T11:43:32Z" },
	{ "event.unknown", "no event {event_id} is recorded" },
	/* ---- export */
	{ "export.end_malformed", "end has at most 64 letters, digits and -: the last line by "
				  "which a whole export is known" },
	{ "export.format_unknown", "a format is csv, ndjson or copy, not \"{format}\"" },
	{ "export.kind_unknown", "format is csv, spreadsheet or ndjson" },
	{ "export.others_run",
	  "others are exporting just now, as many as may at once; please try again in a minute" },
	{ "export.own_runs",
	  "an export of yours is still on its way; wait until it is there, then try again" },
	{ "export.separator_malformed", "separator is comma, semicolon or tab" },
	{ "export.separator_unknown",
	  "a separator is a comma, a semicolon or a tab, a decimal sign a point or a comma" },
	{ "export.source_count", "an export is of a table, of a view or of a query" },
	{ "export.table_unknown",
	  "there is no table or view \"{table}\" in schema toggl; there are: {known}" },
	/* ---- finding */
	{ "finding.alert", "Alerts by {way, select, mail {e-mail} other {{way}}} to {target} have "
			   "failed for {failing_seconds}: {problem}." },
	{ "finding.alert.todo",
	  "Correct it, then send a test: `hookledger alert test {alert_id}`." },
	{ "finding.completeness",
	  "On {day} {name, select, none {workspace {workspace_id}} other {{name} (workspace "
	  "{workspace_id})}} has {count, plural, one {# second} other {# seconds}} here, and "
	  "{toggl, plural, one {# second} other {# seconds}} at Toggl." },
	{ "finding.completeness.todo",
	  "`hookledger toggl compare --from {day} --until {day}` compares the day again and says "
	  "what it finds; where Toggl's own reports contradict each other it stays." },
	{ "finding.costly", "A callback of a {model} within the last week is too costly to parse. "
			    "It is recorded, but it is in no table and is not delivered." },
	{ "finding.costly.todo", "Toggl does not send such callbacks: find out who else knows the "
				 "secret. `hookledger drift` lists all of them." },
	{ "finding.courier", "No courier has worked for {idle_seconds}: no deliveries, no alerts "
			     "and no maintenance." },
	{ "finding.courier.todo",
	  "Start hookledger-courier, or put `hookledger-courier --once` into cron." },
	{ "finding.database",
	  "The courier on {place} cannot use the database since {since_at}: {why}. Receivers still "
	  "acknowledge callbacks and keep them in the spool{count, select, none {} other { "
	  "({count} now, {spool_bytes})}}; they record them when the database is back. Subscribers "
	  "get nothing until then." },
	{ "finding.database.todo", "Check PostgreSQL, its disk, and the setting `database`; "
				   "`hookledger doctor` shows what is wrong." },
	{ "finding.dead",
	  "{more, select, true {more than } other {}}{count, plural, one {# delivery} other {# "
	  "deliveries}} to \"{name}\" {count, plural, one {was} other {were}} given up within "
	  "{days, plural, one {# day} other {# days}}." },
	{ "finding.dead.todo", "When its address works again, replay them: `hookledger "
			       "subscription replay {subscription_id} --dead`." },
	{ "finding.default_partition",
	  "{more, select, true {more than } other {}}{count, plural, one {# event} other {# "
	  "events}} in the default partition: their dates are odd, or nobody made their month." },
	{ "finding.default_partition.todo",
	  "Run `hookledger housekeep`: it moves events with plausible dates." },
	{ "finding.drift", "Values of an unexpected type came within the last week, the newest in "
			   "{model}.{field} ({found}): these columns are null." },
	{ "finding.drift.todo", "Nothing is lost: the payload has the values. `hookledger drift` "
				"lists all; a newer hookledger may know the type." },
	{ "finding.endpoint_mute",
	  "The endpoint \"{name}\" has no valid secret and answers 401 to every callback." },
	{ "finding.endpoint_mute.todo", "Give it a new secret (`hookledger endpoint rotate "
					"{endpoint_id}`), and enter it at Toggl." },
	{ "finding.forged",
	  "{count, plural, one {# callback} other {# callbacks}} to the endpoint \"{name}\" had a "
	  "wrong signature, or none, within an hour: forged, or our secret is not Toggl's." },
	{ "finding.forged.todo", "If events are missing, rotate the secret (`hookledger endpoint "
				 "rotate {endpoint_id}`); else nothing is lost." },
	{ "finding.gap",
	  "Callbacks of {workspace} may be missing from {since_at} until {until_at}: {reason, "
	  "select, silence {Toggl did not call} disabled {the subscription did not deliver} "
	  "refused {callbacks were refused here} spool {the spool lost callbacks} restored {the "
	  "database was restored from a backup} other {the database failed over}}." },
	{ "finding.gap.todo",
	  "{state, select, right {It cannot be compared with Toggl: connect with the API token of "
	  "an administrator of the workspace (`hookledger connect`).} failed {The comparison with "
	  "Toggl failed; the courier tries again every hour.} running {The courier is comparing it "
	  "with Toggl, and records what is missing.} other {The courier compares it with Toggl and "
	  "records what is missing; `hookledger toggl continue` does it now.}}" },
	{ "finding.gap_closed",
	  "Callbacks of {workspace} might have been missing from {since_at} until {until_at}. It "
	  "was compared with Toggl: {count, plural, =0 {nothing was missing} one {# change was "
	  "recorded} other {# changes were recorded}}{days, plural, =0 {} one {; # day could not "
	  "be compared or still differs} other {; # days could not be compared or still "
	  "differ}}." },
	{ "finding.gap_closed.todo", "Nothing more: toggl.completeness has each day." },
	{ "finding.overdue",
	  "Deliveries are overdue for {overdue_seconds}: no courier is working." },
	{ "finding.overdue.todo", "Start hookledger-courier, or put `hookledger-courier --once` "
				  "into cron; its log shows why it does not work." },
	{ "finding.partition_next", "No table was made for the events of next month: they go to "
				    "the default partition, where they are slow to find." },
	{ "finding.partition_next.todo",
	  "Run `hookledger housekeep`, and put it into cron monthly." },
	{ "finding.partition_this", "No table was made for the events of this month: they go to "
				    "the default partition, where they are slow to find." },
	{ "finding.partition_this.todo",
	  "Run `hookledger housekeep`, and put it into cron monthly." },
	{ "finding.proof_lost",
	  "Toggl says that it sent a ping for \"{name}\", and none has arrived: events are "
	  "lost too." },
	{ "finding.proof_lost.todo",
	  "See whether the callback address can be reached from outside (DNS, TLS, firewall) "
	  "and whether the web server gives /hook/ to hookledger-receiver; the log of the web"
	  " server shows whether the request came. `hookledger toggl check` asks Toggl." },
	{ "finding.proof_refused", "Toggl refused to send a ping for \"{name}\": {why}." },
	{ "finding.proof_refused.todo",
	  "The courier checks the subscription and repairs it, unless toggl_repair is no; "
	  "`hookledger toggl repair {subscription_id}` does it now." },
	{ "finding.proof_rejected",
	  "The ping for \"{name}\" arrived and was refused here: {why}." },
	{ "finding.proof_rejected.todo",
	  "A refused signature means that Toggl signs with another secret: `hookledger toggl "
	  "rotate {subscription_id}` gives it a new one; for the others see the log of "
	  "hookledger-receiver." },
	{ "finding.quarantine",
	  "{more, select, true {more than } other {}}{count, plural, one {# callback with a good "
	  "signature waits} other {# callbacks with a good signature wait}} in quarantine: Toggl "
	  "sent what is no event." },
	{ "finding.quarantine.todo", "Look at them with `hookledger quarantine list`, and try "
				     "again with `hookledger quarantine retry` after an upgrade." },
	{ "finding.quota",
	  "The quota{total, select, none {} other { of {total} requests an hour}} that Toggl gives "
	  "{organization_id, select, 0 {the user} other {organization {organization_id}}} is spent "
	  "until {until}{count, plural, =0 {} one {; a job waits for it} other {; # jobs wait for "
	  "it}}." },
	{ "finding.quota.todo", "Work at Toggl continues by itself then; events arrive as before. "
				"Other programs that use this user's token spend the same quota." },
	{ "finding.refused",
	  "{count, plural, one {# callback was} other {# callbacks were}} answered 503 within an "
	  "hour: neither the database nor the spool could store them." },
	{ "finding.refused.todo",
	  "Check the disk of the spool and the database; `hookledger doctor` shows what is wrong. "
	  "Toggl sends the callbacks again for a while." },
	{ "finding.silence", "Toggl has not called{name, select, none {} other { \"{name}\"}} for "
			     "{silent_seconds} (usually every {usual_seconds})." },
	{ "finding.silence.todo", "See whether the subscription at Toggl is enabled and validated "
				  "(`hookledger toggl list --refresh`), and whether its address "
				  "can be reached from outside (DNS, TLS, firewall)." },
	{ "finding.silence_new",
	  "No event has come to the endpoint \"{name}\" since it was made {age_seconds} ago." },
	{ "finding.silence_new.todo",
	  "See whether the subscription at Toggl is enabled and validated (`hookledger toggl list "
	  "--refresh`), and whether its address can be reached from outside (DNS, TLS, "
	  "firewall)." },
	{ "finding.silence_rare",
	  "Toggl has not called{name, select, none {} other { \"{name}\"}} for {silent_seconds}." },
	{ "finding.silence_rare.todo",
	  "See whether the subscription at Toggl is enabled and validated (`hookledger toggl list "
	  "--refresh`), and whether its address can be reached from outside (DNS, TLS, "
	  "firewall)." },
	{ "finding.spool", "{count, plural, one {# callback waits} other {# callbacks wait}} in "
			   "the spool of {place}, the oldest for {oldest_seconds}; the spool is "
			   "{percent} % full (seen {seen_seconds} ago)." },
	{ "finding.spool.todo",
	  "They are safe on disk, and are recorded when the database accepts them: `hookledger "
	  "doctor` and the log of the receiver show why it does not." },
	{ "finding.spool_aside",
	  "{count, plural, one {# callback was acknowledged and not recorded: the database did not "
	  "take it} other {# callbacks were acknowledged and not recorded: the database did not "
	  "take them}}, each time alone, while it took others; set aside in the spool of "
	  "{place}." },
	{ "finding.spool_aside.todo",
	  "`hookledger spool list` shows them, and the log of the receiver has the reason; "
	  "`hookledger spool retry` tries them again." },
	{ "finding.spool_damaged",
	  "{count, plural, one {# file} other {# files}} of the spool of {place} cannot be read." },
	{ "finding.spool_damaged.todo", "The readable part of them was recorded. Look at them "
					"(`hookledger spool status`), and move them away." },
	{ "finding.subscription_disabled",
	  "The subscription \"{name}\" was disabled: all its deliveries failed for days." },
	{ "finding.subscription_disabled.todo",
	  "Repair its address, enable it again, and replay the missed events." },
	{ "finding.subscription_failing",
	  "The subscription \"{name}\" has failed for {failing_seconds}." },
	{ "finding.subscription_failing.todo",
	  "Look at its attempts, and repair the program behind its address; waiting events are "
	  "then sent." },
	{ "finding.subscription_gone",
	  "The subscription \"{name}\" was disabled: its address answered 410 (gone)." },
	{ "finding.subscription_gone.todo",
	  "Repair its address, enable it again, and replay the missed events." },
	{ "finding.toggl_differs", "\"{name}\" at Toggl: {state}." },
	{ "finding.toggl_differs.todo",
	  "Repair it: `hookledger {repair, select, endpoint {endpoint enable {endpoint_id}} other "
	  "{toggl {repair} {subscription_id}}}`." },
	{ "finding.toggl_job", "A background job at Toggl ({job}) failed: {why}" },
	{ "finding.toggl_job.todo",
	  "Try it by hand (`hookledger toggl list --refresh`): that shows Toggl's answer." },
	{ "finding.toggl_off", "\"{name}\" at Toggl is switched off on purpose: no events come "
			       "from workspace \"{workspace}\"." },
	{ "finding.toggl_off.todo", "Enable it when its events are wanted again: `hookledger toggl "
				    "enable {subscription_id}`." },
	{ "finding.toggl_token", "Toggl refuses the API token of {name, select, none {connection "
				 "{connection_id}} other {{name}}}." },
	{ "finding.toggl_token.todo",
	  "Run `hookledger connect` with a new token (Toggl, Profile settings)." },
	{ "finding.workspace",
	  "{count, plural, one {# callback} other {# callbacks}} of another workspace came to the "
	  "endpoint \"{name}\" within an hour and were refused." },
	{ "finding.workspace.todo", "Make an endpoint of its own for that workspace, and give its "
				    "address to that subscription at Toggl." },
	/* ---- forget */
	{ "forget.token_in_use",
	  "Toggl is called with the API token of this user: run `hookledger toggl disconnect` "
	  "first, and `hookledger connect` with the token of another" },
	{ "forget.unknown", "there is no erasure {erasure_id}" },
	/* ---- history */
	{ "history.cursor_incomplete",
	  "Toggl's report of workspace {workspace_id} names only a part of where its next "
	  "page begins; try again later" },
	{ "history.cursor_repeats",
	  "Toggl's report of workspace {workspace_id} gives the same page again; what came "
	  "before it is recorded. `hookledger history load` goes on where it stopped" },
	{ "history.differs",
	  "The sums of {count, plural, one {# day differs} other {# days differ}} from "
	  "Toggl's" },
	{ "history.future", "{day} is in the future; history begins with a day in the past" },
	{ "history.no_date", "say from which day: --from 2024-01-01" },
	{ "history.no_list",
	  "Toggl answered with something that is no report of time entries of workspace "
	  "{workspace_id}" },
	{ "history.no_right",
	  "the connected user may not read the reports of workspace {workspace_id}; connect "
	  "with an administrator's token: {message}" },
	{ "history.not_compared",
	  "The sums of workspace {workspace_id} could not be compared with Toggl's: {message}" },
	{ "history.not_in_plan",
	  "the plan of workspace {workspace_id} does not include this report: {message}" },
	{ "history.plan_hours",
	  "About {entries, plural, one {# entry} other {# entries}} since {from}, {requests, "
	  "plural, one {# request} other {# requests}}: about {hours, plural, one {# hour} "
	  "other {# hours}} at {total} requests an hour; {reserve} stay in reserve" },
	{ "history.plan_now",
	  "About {entries, plural, one {# entry} other {# entries}} since {from}, {requests, "
	  "plural, one {# request} other {# requests}}, within this hour's quota" },
	{ "history.range_cut",
	  "Toggl gives the entries of workspace {workspace_id} since {from} only: its plan "
	  "allows no more" },
	{ "history.range_horizon",
	  "Retention has dropped everything before {from}: the load begins there" },
	{ "history.unknown",
	  "Toggl did not tell the sums of {count, plural, one {# day} other {# days}}" },
	{ "history.window",
	  "{from} to {until}, workspace {workspace_id}: {entries, plural, one {# entry} other"
	  " {# entries}} in {requests, plural, one {# request} other {# requests}}; "
	  "{recorded, plural, =0 {nothing was} one {# was} other {# were}} new" },
	/* ---- input */
	{ "input.not_flag", "\"{name}\" must be true or false" },
	{ "input.nothing_to_change", "nothing to change: give one of {names}" },
	{ "input.text_length", "\"{name}\" must be a text of {least} to {most} characters" },
	/* ---- invoice */
	{ "invoice.exists",
	  "there is an invoice \"{name}\" already; `hookledger invoice thaw` forgets it" },
	{ "invoice.unknown",
	  "there is no invoice \"{name}\"; `hookledger invoice list` shows all" },
	/* ---- limit */
	{ "limit.malformed", "limit must be a whole number from 1 to 500" },
	/* ---- lock */
	{ "lock.deliveries", "deliveries of a workspace" },
	{ "lock.upkeep", "migrate, rebuild and housekeep" },
	/* ---- login */
	{ "login.crowd", "too many are logging in just now; please try again in a moment" },
	{ "login.own_crowd", "too many attempts to log in at once; please wait a moment" },
	{ "login.too_often", "too many attempts; try again in {wait_seconds}" },
	{ "login.wrong", "name or password is wrong" },
	/* ---- member */
	{ "member.not_boolean", "\"{member}\" must be true or false" },
	{ "member.not_number", "\"{member}\" must be a whole number up to {highest}" },
	{ "member.not_text", "\"{member}\" must be a text" },
	{ "member.not_text_within",
	  "\"{member}\" is missing, or is no text of at most {most} bytes" },
	{ "member.not_time", "\"{member}\" must be a time such as 2026-07-17T11:43:32Z" },
	{ "member.unknown", "\"{member}\" is not known here; known are {known}" },
	/* ---- metrics */
	{ "metrics.off", "there is nothing at this address; the setting metrics_token opens it" },
	{ "metrics.token_wanted", "this needs the setting metrics_token as bearer token" },
	/* ---- name */
	{ "name.invisible", "a name must not have control characters, invisible characters, or "
			    "characters that change the direction of text" },
	{ "name.length", "a name has 1 to 200 characters" },
	/* ---- number */
	{ "number.malformed", "{name} must be a whole number" },
	/* ---- operator */
	{ "operator.exists", "there is an operator \"{name}\" already" },
	{ "operator.language_malformed",
	  "\"language\" is a code such as de, or null for the language of the browser" },
	{ "operator.last_owner",
	  "{name} is the only owner who can log in; make another one first" },
	{ "operator.name_alike", "there is an operator already whose name looks like \"{name}\"" },
	{ "operator.name_length", "a name has 1 to 100 characters, and no space at its ends" },
	{ "operator.name_mixed", "a name has letters of one alphabet (Latin, Cyrillic, Greek, …), "
				 "not of several that look alike" },
	{ "operator.name_unknown", "there is no operator \"{name}\"" },
	{ "operator.role_unknown", "a role is owner or viewer" },
	{ "operator.unknown", "there is no operator {operator_id}" },
	/* ---- option */
	{ "option.body_malformed", "the body must be an object of options and their values" },
	{ "option.range", "\"{name}\" must be a whole number from {lowest} to {highest}" },
	{ "option.unknown", "there is no option \"{name}\"" },
	/* ---- organization */
	{ "organization.exists", "organization {organization_id} exists already" },
	{ "organization.limits",
	  "a name has 1 to 200 characters, requests are a number up to 100000000" },
	{ "organization.number_malformed", "the number of an organization is above 0" },
	{ "organization.numbers",
	  "webhooks and filters are numbers up to 10000, requests up to 100000000" },
	{ "organization.plan_unknown",
	  "there is no plan \"{plan}\"; free, starter, premium and enterprise are" },
	{ "organization.unknown",
	  "there is no organization {organization_id}; `hookledger organization list` shows all" },
	/* ---- overview */
	{ "overview.ready", "Ready. No event has come yet." },
	{ "overview.well", "All is well. The last event came {last_seconds} ago." },
	/* ---- password */
	{ "password.guessable", "this password is among the first that are guessed: common words, "
				"names, years, rows of keys and repetitions count little; take "
				"more words that have nothing to do with each other" },
	{ "password.not_text",
	  "a password is text in UTF-8, without tabs, line ends and their like" },
	{ "password.too_long", "a password has at most 1000 bytes" },
	{ "password.too_short", "a password needs at least 12 characters; three or four words that "
				"have nothing to do with each other are easy to remember" },
	{ "password.wrong", "that is not your present password" },
	/* ---- program */
	{ "program.fault", "something is wrong with hookledger itself; its log says what" },
	/* ---- project */
	{ "project.unknown", "no project {project_id} is known" },
	/* ---- proof */
	{ "proof.refused_here", "{reasons, select, none {no reason is known} other {{reasons}}}" },
	/* ---- quarantine */
	{ "quarantine.outcome_unknown", "a retry ends as recorded or duplicate" },
	{ "quarantine.unknown", "there is nothing with the number {quarantine_id} in quarantine" },
	/* ---- query */
	{ "query.malformed", "the query of the URL is not properly encoded" },
	{ "query.unknown", "there is no parameter \"{name}\" here, {known, select, none {and no "
			   "other} other {only {known}}}" },
	/* ---- range */
	{ "range.empty",
	  "the range is empty: --until is the first day that does not belong to it" },
	{ "range.malformed", "from must not be later than until, and they may be 400 days apart" },
	/* ---- reader */
	{ "reader.limits", "a time limit is at most 24 days, and connections are 1 to 1000" },
	{ "reader.login_malformed", "a login has 1 to 63 of a-z, 0-9, _, . and -, begins with a "
				    "letter, and not with pg_ or hookledger_" },
	{ "reader.login_reserved", "PostgreSQL keeps the name \"{login}\" for itself" },
	{ "reader.no_admin_option",
	  "{role} may not make members of hookledger_reader; an administrator can: grant "
	  "hookledger_reader to {quoted_role} with admin option" },
	{ "reader.no_createrole",
	  "{role} may not make or remove roles; an administrator can: alter role {quoted_role} "
	  "createrole; or do it as doc/operate.md, \"For analysts\", shows" },
	{ "reader.not_ours", "\"{login}\" was not made by `hookledger reader add`; to take the "
			     "right away: revoke hookledger_reader from {quoted_login}" },
	{ "reader.operator_no_member",
	  "hookledger_operator must be a member of hookledger_reader, and {role} may not make it "
	  "one; an administrator can: grant hookledger_reader to hookledger_operator" },
	{ "reader.owns_objects",
	  "role \"{login}\" owns objects, or has other rights; in each database where it has any, "
	  "an administrator can: drop owned by {quoted_login}" },
	{ "reader.password_form", "a password comes as its SCRAM verifier" },
	{ "reader.role_exists",
	  "there is a role \"{login}\" already; roles belong to all databases of a server" },
	{ "reader.role_missing", "there is no role hookledger_reader that may read this database; "
				 "set db_roles = yes and run `hookledger migrate`; for a host that "
				 "allows no roles see doc/operate.md, \"For analysts\"" },
	{ "reader.unknown", "there is no reader \"{login}\"; `hookledger reader list` shows them" },
	/* ---- rebuild */
	{ "rebuild.not_begun", "no rebuild was begun" },
	/* ---- replay */
	{ "replay.unspecified",
	  "choose the deliveries: '{'\"dead\": true'}' for all dead ones, '{'\"since\": "
	  "\"2026-07-17T00:00:00Z\"'}' for those of all events since then" },
	/* ---- request */
	{ "request.crowd", "too much is asked at once; please try again in a moment" },
	{ "request.forged",
	  "this request did not come from the admin page; load the page anew and try again" },
	{ "request.late", "so much is asked at once that this waited for 20 seconds; please try "
			  "again in a moment" },
	{ "request.no_address", "there is nothing at this address" },
	{ "request.no_thread", "this host lets the program start no thread; its log says why" },
	{ "request.nothing_there", "there is no such thing" },
	{ "request.other_methods", "this address has other methods" },
	{ "request.own_crowd",
	  "you ask for too much at once; please wait until some of it is there" },
	/* ---- retention */
	{ "retention.held", "{month} stays: {reason}" },
	{ "retention.held_by_deliveries", "deliveries that wait" },
	{ "retention.held_by_invoice", "invoice {name}" },
	{ "retention.held_by_outbox", "events that are still to be delivered" },
	{ "retention.month_current",
	  "the current month{month, select, none {} other { ({month})}} and those after it stay" },
	{ "retention.month_malformed", "a month is written as 2026-05, not \"{month}\"" },
	{ "retention.not_marked", "{month} was not marked" },
	{ "retention.reader_busy",
	  "a long query or backup is reading ledger.event; try again when it has ended" },
	{ "retention.reasons", "{reasons}" },
	{ "retention.writer_busy",
	  "a long transaction is writing to ledger.event; try again when it has ended" },
	/* ---- seal */
	{ "seal.alert", "the secret of alert {alert_id}" },
	{ "seal.endpoint", "secret {secret_id} of endpoint {endpoint_id}" },
	{ "seal.subscription", "the secret of subscription {subscription_id}" },
	{ "seal.toggl", "the API token of connection {connection_id} to Toggl" },
	{ "seal.totp", "the secret of the codes of operator {operator_id}" },
	/* ---- search */
	{ "search.no_word", "there is no word to look for in \"{text}\"" },
	{ "search.text_long", "text has at most 200 characters" },
	/* ---- secret */
	{ "secret.kept_too_long", "the old secret may be kept for a year at most" },
	{ "secret.revoked", "secret {secret_id} is revoked already" },
	{ "secret.unknown", "endpoint {endpoint_id} has no secret {secret_id}" },
	/* ---- session */
	{ "session.none", "you are not logged in, or your session has ended" },
	{ "session.not_owner", "only an owner may do this" },
	{ "session.password_again", "this takes your password once more" },
	{ "session.password_changed", "your password was changed meanwhile; log in again" },
	{ "session.two_cookies",
	  "two session cookies came, and one of them is not from here; delete the cookies of this "
	  "host in the browser, and log in again" },
	{ "session.unknown", "there is no session {session_id}" },
	/* ---- setup */
	{ "setup.database_away",
	  "the tables are there, but the database does not answer; try again" },
	{ "setup.done", "hookledger is set up already; log in" },
	{ "setup.no_tables", "the tables could not be made: {problem, select, none {the files of "
			     "the setting sql_dir cannot be read} other {{problem}}}" },
	{ "setup.no_token", "there is no set-up token in the settings; with a shell, `hookledger "
			    "operator add NAME` makes the first operator" },
	{ "setup.token_short",
	  "the setting setup_token is too short to be safe: give it 20 characters or more" },
	{ "setup.token_wrong", "this is not the set-up token of the settings file" },
	/* ---- subject */
	{ "subject.account", "account {account_id} ({name})" },
	{ "subject.alert", "alert {alert_id}" },
	{ "subject.connection", "connection {connection_id}" },
	{ "subject.delivery", "delivery {delivery_id} to subscription {subscription_id}" },
	{ "subject.endpoint", "endpoint {endpoint_id} ({name})" },
	{ "subject.operator", "operator {operator_id} ({name})" },
	{ "subject.option", "{name}" },
	{ "subject.organization", "organization {organization_id} ({name})" },
	{ "subject.subscription", "subscription {subscription_id} ({name})" },
	{ "subject.tick", "address {tick_id} ({name})" },
	{ "subject.toggl_job", "job {job_id}" },
	{ "subject.toggl_subscription",
	  "subscription {subscription_id} of workspace {workspace_id} at Toggl" },
	{ "subject.toggl_workspace", "workspace {workspace_id} at Toggl" },
	{ "subject.workspace", "workspace {workspace_id}" },
	/* ---- subscription */
	{ "subscription.account_missing",
	  "say for which account and in which workspace: \"account_id\" and \"workspace_id\"" },
	{ "subscription.deleted",
	  "subscription {subscription_id} is deleted: nothing is delivered to it any more" },
	{ "subscription.limits",
	  "parallel is a number from 1 to 256, rate one from 0.001 to 1000000" },
	{ "subscription.pinged",
	  "Its address answered {status} in {milliseconds} ms{is_proven, select, true { with the "
	  "validation code: the subscription is valid.} false {, but without the validation code: "
	  "the subscription gets events once its address has answered '{'\"validation_code\": …'}' "
	  "to a ping, or has called the validation_code_url that stands in it.} other {.}}" },
	{ "subscription.refused", "{message}" },
	{ "subscription.replayed",
	  "{count, plural, one {# delivery is} other {# deliveries are}} due once "
	  "more.{hidden_count, plural, =0 {} one { # is left out: the account of the subscription "
	  "may not see what it tells.} other { # are left out: the account of the subscription may "
	  "not see what they tell.}}{more, select, true { There are more: go on.} other {}} Events "
	  "that came while the subscription was disabled or not validated were never made for it, "
	  "and are not among them." },
	{ "subscription.state_account_disabled", "Its account \"{account}\" is disabled." },
	{ "subscription.state_dead",
	  "{count, plural, one {One delivery was} other {# deliveries were}} given up after many "
	  "attempts; replay those that are still useful." },
	{ "subscription.state_disabled",
	  "It is disabled: nothing is sent to it, and events in the meantime are not sent later." },
	{ "subscription.state_failing",
	  "Every attempt has failed for {failing_seconds}; look at the last deliveries." },
	{ "subscription.state_given_up",
	  "All its deliveries failed for days, so it was disabled. Repair its address, enable it, "
	  "and replay the dead deliveries." },
	{ "subscription.state_gone", "Its address answered 410 (gone), so nothing is sent to it. "
				     "Give it another address, or delete it." },
	{ "subscription.state_no_access",
	  "Its account \"{account}\" has no access to the workspace." },
	{ "subscription.state_paused", "Its address asked for a pause of {pause_seconds} more." },
	{ "subscription.state_unvalidated",
	  "Its address is not validated yet: ping it, or call the validation URL in the ping." },
	{ "subscription.state_well", "All due deliveries are sent." },
	{ "subscription.unknown",
	  "there is no subscription {subscription_id}; `hookledger subscription list` shows all" },
	{ "subscription.warn_delete",
	  "The subscription and its secret are deleted for good.{count, plural, =0 {} one { 1 "
	  "waiting delivery is dropped.} other { {more, select, true {More than } other {}}{count} "
	  "waiting deliveries are dropped.}}" },
	{ "subscription.warn_disable",
	  "Nothing is sent to it any more. Events in the meantime are never sent, not by a replay "
	  "either.{count, plural, =0 {} one { 1 waiting delivery stays until it is enabled.} other "
	  "{ {more, select, true {More than } other {}}{count} waiting deliveries stay until it is "
	  "enabled.}}" },
	{ "subscription.warn_replay",
	  "Its address gets these events again. There are no deliveries for events that came while "
	  "it was disabled or not validated." },
	{ "subscription.warn_rotate",
	  "Deliveries are signed with a new secret at once. For 24 hours the old secret signs too, "
	  "but only in the header webhook-signature." },
	/* ---- tick */
	{ "tick.too_many", "there are 50 addresses for web-cron already; remove one first" },
	{ "tick.unknown", "there is no tick address {tick_id}; `hookledger tick list` shows all" },
	/* ---- time */
	{ "time.malformed_range", "since and until are times such as 2026-07-17T11:43:32Z" },
	/* ---- toggl */
	{ "toggl.adopted",
	  "Subscription {subscription_id} sends to us now, signed with a secret of ours" },
	{ "toggl.answered",
	  "Toggl answered {status}{answer, select, none {} other {: \"{answer}\"}}" },
	{ "toggl.asked_to_wait", "Toggl asks to wait for a while" },
	{ "toggl.busy", "too much is being done at Toggl right now; nothing was begun, please try "
			"again when some of it has ended" },
	{ "toggl.callback_refused", "{message}. {hint}" },
	{ "toggl.callback_unusable",
	  "Toggl could not use the callback address {url}. {message}. {hint}" },
	{ "toggl.changed", "Subscription {subscription_id} is changed" },
	{ "toggl.cleanup_waits", "The cleanup after it has to wait." },
	{ "toggl.connected", "Connected as {name, select, none {} other {{name} }}{email, select, "
			     "none {} other {<{email}> }}(user {user_id})" },
	{ "toggl.connection_refused",
	  "Toggl refuses the API token: connect again with the new one (Toggl, Profile settings)" },
	{ "toggl.connection_unknown", "there is no such connection, or there are several: say "
				      "which (`hookledger toggl quota` lists them)" },
	{ "toggl.connection_well", "connected" },
	{ "toggl.created", "Subscription {subscription_id} \"{description}\" of workspace "
			   "{workspace_id} brings {filters}" },
	{ "toggl.cut_off", "the program ended while it waited for the answer" },
	{ "toggl.delete_failed", "Toggl still lists subscription {subscription_id} after it was "
				 "deleted twice; delete it in Toggl (Integrations, Webhooks)" },
	{ "toggl.deleted", "Subscription {subscription_id} is deleted" },
	{ "toggl.disconnected", "the connection to Toggl was ended meanwhile" },
	{ "toggl.done", "done" },
	{ "toggl.event_filters_malformed", "\"event_filters\" must be a list of at least one "
					   "'{\"entity\",\"action\"}'; either may be \"*\"" },
	{ "toggl.filter", "{entity, select, * {everything} time_entry {time entries} project "
			  "{projects} client {clients} task {tasks} tag {tags} workspace_user "
			  "{members} project_user {project members} workspace {the workspace} "
			  "project_group {project groups} other {{entity}}}{actions, select, none "
			  "{{entity, select, * {} other {: all changes}}} other {: {actions}}}" },
	{ "toggl.filters", "{filters}" },
	{ "toggl.filters_malformed", "filters look like time_entry:*,project:created (an entity "
				     "and an action, either may be *)" },
	{ "toggl.forgotten",
	  "The API token is forgotten.{stay, plural, =0 {} one { One subscription of ours stays at "
	  "Toggl, and events go on coming.} other { # subscriptions of ours stay at Toggl, and "
	  "events go on coming.}}" },
	{ "toggl.hint_dns", "So the name {host} is not known outside, or leads to no public "
			    "address: check the DNS entry and the setting public_url" },
	{ "toggl.hint_log", "Check that the address can be reached from outside, and what the web "
			    "server's log says" },
	{ "toggl.hint_other",
	  "So something answers there, but not hookledger-receiver: Toggl wants 200 with the code "
	  "of the ping. Does public_url lead to this host?" },
	{ "toggl.hint_path",
	  "So a web server was reached, and it does not know the path: check that it passes /hook/ "
	  "to hookledger-receiver, and the settings public_url and base_path" },
	{ "toggl.hint_receiver",
	  "So the web server was reached and hookledger-receiver did not answer: is it running, "
	  "and does it reach the database? `hookledger doctor` and the web server's log say more" },
	{ "toggl.hint_redirect", "So the address redirects, which Toggl does not follow: set "
				 "public_url to where it leads (https?)" },
	{ "toggl.hint_refused", "So a web server, a firewall or a proxy in front of "
				"hookledger-receiver refuses it: look into its log" },
	{ "toggl.hint_request",
	  "Check DNS, TLS, firewall and path of {url}: can anybody reach it from outside?" },
	{ "toggl.hint_signature",
	  "So hookledger-receiver was reached and took the signature for wrong: is it of the same "
	  "database and master_key as this program? `hookledger doctor` looks" },
	{ "toggl.hint_slow", "So {host} did not answer in time: a firewall that drops packets, or "
			     "a web server that waits for hookledger-receiver" },
	{ "toggl.hint_tls", "So the TLS certificate of {host} is not accepted: has it run out, is "
			    "it for this name, does the server send the whole chain?" },
	{ "toggl.hint_unreachable",
	  "So nothing takes connections from outside at {host}: check the web server, its port, "
	  "the firewall, and that the address is a public one" },
	{ "toggl.in_doubt", "{message}. It is not known whether Toggl did it: `hookledger toggl "
			    "list --refresh` shows it" },
	{ "toggl.job_again",
	  "{message}. The request is repeated in {wait_ms} (attempt {attempt})." },
	{ "toggl.job_conflict",
	  "{by, select, none {{is_interactive, select, true {Somebody at the command line} other "
	  "{The courier}}} other {{by}}} is {subscription_id, select, none {making a "
	  "subscription{workspace_id, select, none {} other { for workspace {workspace_id}}}} "
	  "other {giving subscription {subscription_id} a new secret}} at Toggl already (job "
	  "{job_id}, begun at {begun_at}); nothing more was begun, or there could be two. {state, "
	  "select, waits {It waits for the quota until {until} and goes on by itself then} works "
	  "{Wait until it has ended, then look at `hookledger toggl list`. Should its program have "
	  "died, the courier goes on with it at {until}} other {Its program was cut off: the "
	  "courier goes on with it, or `hookledger toggl continue {job_id}`, and nothing is done "
	  "twice}}" },
	{ "toggl.job_forgotten", "forgotten" },
	{ "toggl.job_lost", "another process has continued this job, or it has ended: `hookledger "
			    "toggl list` shows the present state" },
	{ "toggl.job_stopped",
	  "Its program ended; the courier continues it, and nothing is done twice." },
	{ "toggl.job_unknown",
	  "there is no job {job_id} to continue: it has ended, or another process works on it" },
	{ "toggl.job_waits", "{why}. It continues by itself at {until}; nothing is lost." },
	{ "toggl.job_works", "It is in progress." },
	{ "toggl.left_out",
	  "{model, select, workspace {the workspace} workspace_user {members} client {clients} "
	  "project {projects} tag {tags} task {tasks} project_user {project members} group "
	  "{groups} project_group {project groups} other {{model}}} of workspace {workspace_id} "
	  "are left out: {message}" },
	{ "toggl.limit_reached", "{message}. Delete or disable one (`hookledger toggl list`), or "
				 "adopt one that was made elsewhere" },
	{ "toggl.list_unread",
	  "The subscriptions of workspace {workspace_id} could not be read: {why}" },
	{ "toggl.listed_disabled", "Toggl lists subscription {subscription_id} as disabled; "
				   "`hookledger toggl enable {subscription_id}` tries again" },
	{ "toggl.made_meanwhile", "nothing was made: an earlier request without an answer has made "
				  "subscription {subscription_id} \"{description}\"" },
	{ "toggl.made_unknown",
	  "{why}, and its list could not be read: {message}. The endpoint is kept; `hookledger "
	  "toggl list --refresh` shows whether it was made" },
	{ "toggl.no_answer", "Toggl gave no answer: {problem, select, none {the connection broke "
			     "off} other {{problem}}}" },
	{ "toggl.no_list", "{message}, which is no list of {model, select, workspace {workspaces} "
			   "workspace_user {members} client {clients} project {projects} tag "
			   "{tags} task {tasks} project_user {project members} other {{model}}}" },
	{ "toggl.no_room", "The plan has no room for {filters}" },
	{ "toggl.no_subscriptions", "{message}, which is no list of subscriptions" },
	{ "toggl.no_user", "{message}, which names no user; is toggl_api_url right?" },
	{ "toggl.no_workspaces", "{message}, which is no list of workspaces" },
	{ "toggl.not_a_member", "this user is not in workspace {workspace_id}; the workspaces are "
				"{workspaces, select, none {none} other {{workspaces}}}" },
	{ "toggl.not_allowed", "the connected user may not do that in workspace {workspace_id}; an "
			       "administrator's token may: {message}" },
	{ "toggl.not_in_plan", "the plan of this workspace does not have that: {message}" },
	{ "toggl.not_json", "Toggl answered 200 with something that is not JSON" },
	{ "toggl.not_made", "{why}. The subscription is not in Toggl's list; try again later. If "
			    "Toggl makes it after all, it is adopted" },
	{ "toggl.not_validated", "Toggl has not validated subscription {subscription_id}: the ping "
				 "to {url} was not answered with its code. {hint}" },
	{ "toggl.nothing_left",
	  "nothing is left to subscribe to in workspace {workspace_id}: subscriptions of ours "
	  "bring all of that already, or the plan allows none; see `hookledger toggl list`" },
	{ "toggl.pace_wait", "{why}; it may be asked again at {until} (in {wait_ms})" },
	{ "toggl.ping_asked",
	  "Toggl was asked for a ping of subscription {subscription_id}; `hookledger doctor` "
	  "says whether it arrived" },
	{ "toggl.pinged", "Toggl has sent a ping for subscription {subscription_id}" },
	{ "toggl.plan_everything", "That is everything." },
	{ "toggl.plan_leaves_out", "That leaves out {filters}." },
	{ "toggl.plan_nothing", "Nothing is left to subscribe to: your subscriptions have all of "
				"it, or the plan allows none." },
	{ "toggl.quota_reserved", "{remaining} requests of Toggl's quota are left; they are "
				  "reserved for jobs of people who wait" },
	{ "toggl.quota_spent",
	  "the quota{total, select, none {} other { of {total} requests an hour}} that Toggl gives "
	  "{organization_id, select, 0 {a user} other {organization {organization_id}}} is spent" },
	{ "toggl.quota_wait", "{why}; it starts again at {until} (in {wait_ms})" },
	{ "toggl.rotated", "Subscription {subscription_id} has a new secret; signatures with the "
			   "old one are accepted for 24 hours more" },
	{ "toggl.state_disabled", "Toggl has disabled it, so no events come" },
	{ "toggl.state_endpoint", "our endpoint {endpoint_id} is disabled and answers 404" },
	{ "toggl.state_filters", "its filters are not the wanted ones" },
	{ "toggl.state_missing", "Toggl does not have it any more" },
	{ "toggl.state_off", "disabled, as wanted" },
	{ "toggl.state_unknown", "made elsewhere: its events do not come here" },
	{ "toggl.state_unvalidated", "its address is not validated, so no events come" },
	{ "toggl.state_url",
	  "it sends to another address: {url, select, none {none} other {{url}}}" },
	{ "toggl.state_well", "events arrive" },
	{ "toggl.subscription_differs",
	  "Subscription {subscription_id} of workspace {workspace_id}: {state}" },
	{ "toggl.subscription_foreign",
	  "subscription {subscription_id} was made elsewhere; `hookledger toggl adopt "
	  "{subscription_id}` gives it a secret of ours" },
	{ "toggl.subscription_missing",
	  "Toggl has no subscription {subscription_id} in workspace {workspace_id}{message, "
	  "select, none {} other {: {message}}}; `hookledger toggl refresh` looks" },
	{ "toggl.subscription_state",
	  "Subscription {subscription_id}: {state}{repair, select, none {} adopt {; `hookledger "
	  "toggl adopt {subscription_id}`} endpoint {; `hookledger endpoint enable {endpoint_id}`} "
	  "other {; `hookledger toggl {repair}`}}" },
	{ "toggl.subscription_unknown", "subscription {subscription_id} at Toggl is not known; "
					"`hookledger toggl list --refresh` asks Toggl" },
	{ "toggl.taken_away", "the new subscription was deleted again: {why}" },
	{ "toggl.token_empty", "\"token\" is empty; the API token stands at the end of "
			       "https://track.toggl.com/profile" },
	{ "toggl.token_refused", "Toggl refuses the API token: was it reset? `hookledger connect` "
				 "takes the new one ({message})" },
	{ "toggl.token_unknown", "Toggl does not know this API token; it is at the end of the page "
				 "https://track.toggl.com/profile ({message})" },
	{ "toggl.too_fast", "{message}. Toggl still reports too many requests; does another "
			    "program use this token? Try again later" },
	{ "toggl.try_later", "{message}. Try again later" },
	{ "toggl.unconnected", "there is no connection to Toggl; `hookledger connect` makes one" },
	{ "toggl.unlisted", "Toggl does not list subscription {subscription_id} any more" },
	{ "toggl.validated", "Subscription {subscription_id} is validated: events arrive" },
	{ "toggl.workspace_unconnected", "no connected Toggl user is in workspace {workspace_id}; "
					 "`hookledger connect` makes a connection" },
	{ "toggl.workspace_unknown",
	  "no connected Toggl user is known to be in workspace {workspace_id}; `hookledger toggl "
	  "list --refresh` asks Toggl" },
	{ "toggl.workspace_wanted", "say for which workspace: \"workspace_id\"" },
	/* ---- totp */
	{ "totp.code_expired", "this code is no longer valid; wait for the next one" },
	{ "totp.code_of_other", "this is not the code that belongs to the secret; look at the "
				"clock of the phone, and take the code of now" },
	{ "totp.code_wanted", "now the code that your app shows, or a recovery code" },
	{ "totp.code_wrong", "this code is not valid, or was used already" },
	{ "totp.not_begun", "there is no secret to confirm; start again" },
	{ "totp.off_already", "you log in without codes" },
	{ "totp.on_already", "you log in with codes already; turn that off first" },
	{ "totp.only_off", "\"totp\" can only be made false: its owner turns it on" },
	{ "totp.own_off",
	  "turn off your own codes with a code, or with `hookledger operator totp-reset`" },
	/* ---- user */
	{ "user.malformed", "a user is a whole number above 0" },
	/* ---- workspace */
	{ "workspace.malformed", "a workspace is a whole number above 0" },
	{ "workspace.no_organization",
	  "workspace {workspace_id} is not served yet: give it an organization first" },
	{ "workspace.not_served", "workspace {workspace_id} is not served yet: `hookledger "
				  "workspace add {workspace_id} --organization ID`" },
	{ "workspace.unknown", "no workspace {workspace_id} is known" },
	/* ---- zone */
	{ "zone.unknown",
	  "there is no time zone \"{zone}\"; write one such as Europe/Berlin or UTC" },
};

const size_t catalog_count = sizeof(catalog_rows) / sizeof(catalog_rows[0]);
