-- The gate to Toggl, the planner, and what an answer means: without a server.
begin;
create extension if not exists pgtap;
set search_path = ledger, public;
\ir lib/refused.sql
select plan(48);

insert into toggl_connection (user_id, token_sealed, connected_at) values (1, 'x', now());
insert into toggl_workspace (workspace_id, connection_id, organization_id, name) values (5, 1, 9, 'w');

-- ---- windows

select is(message, null, 'the first request may go') from toggl_admit(1, 9, false, 5, 0);
select results_eq('select remaining, in_flight from toggl_window', $$values (29, 1)$$, 'and is counted before anybody knows the plan');
select lives_ok('select toggl_heard(1, 9, 200, 239, 3600, null)', 'an answer tells');
select results_eq('select remaining, in_flight from toggl_window', $$values (239, 0)$$, 'and is believed');
select count(*) from generate_series(1, 3) n, lateral toggl_admit(1, 9, false, 5, n * 0);
select lives_ok('select toggl_heard(1, 9, 200, 10, 3600, null)', 'three are under way, one comes back');
select results_eq('select remaining, in_flight from toggl_window', $$values (8, 2)$$, 'what the others will cost is taken off');
update toggl_window set remaining = 5;
select is(message, '{"code": "toggl.quota_reserved", "remaining": 5}', 'the background stops at the reserve') from toggl_admit(1, 9, true, 5, 0);
select is(message, null, 'people do not') from toggl_admit(1, 9, false, 5, 0);
update toggl_window set remaining = 0, total = 240;
select is(message, '{"code": "toggl.quota_spent", "total": 240, "organization_id": 9}', 'then nobody may') from toggl_admit(1, 9, false, 5, 0);
select is(remaining, 0, 'and nothing was taken') from toggl_window;
update state set clock_offset = '61 minutes';
select is(message, null, 'after the reset it goes on') from toggl_admit(1, 9, false, 5, 0);
select is(remaining, 239, 'with a whole window') from toggl_window;
update toggl_window set in_flight = 7, asked_at = clock() - interval '6 minutes';
select is(message, null, 'what a dead process had under way') from toggl_admit(1, 9, false, 5, 0);
select is(in_flight, 1, 'is forgotten') from toggl_window;
select lives_ok($$select toggl_quota_learn(1, '[{"organization_id": null, "remaining": 12, "resets_in_secs": 60, "total": 30}, {"organization_id": 9, "remaining": 3, "resets_in_secs": 5, "total": 600}, 7, {"remaining": "x"}]')$$, '/me/quota is taken over');
select results_eq('select organization_id, remaining, total from toggl_window order by 1', $$values (0::bigint, 12, 30), (9, 2, 600)$$, 'less what is under way');

-- ---- pace

select ok(wait_ms between 900 and 2000, 'a second between two') from (select w.wait_ms from generate_series(1, 2) n, lateral toggl_admit(1, null, false, 5, 1000 + n * 0) w offset 1) w;
select lives_ok('select toggl_heard(1, 9, 429, null, null, 30)', 'too fast');
select ok(back_off_until between clock_timestamp() + interval '28 seconds' and clock_timestamp() + interval '31 seconds', 'Retry-After is honoured') from toggl_connection;
update toggl_connection set back_off_until = '-infinity', failures = 3;
select lives_ok('select toggl_heard(1, 9, 0, null, null, null)', 'no answer');
select ok(back_off_until between clock_timestamp() + interval '3 seconds' and clock_timestamp() + interval '9 seconds', 'longer each time') from toggl_connection;
select lives_ok('select toggl_heard(1, 9, 200, null, null, null)', 'until one comes');
select is(failures, 0, 'then it is over') from toggl_connection;

-- ---- the planner

select is(filters, '{*.*}', 'everything, in one filter') from toggl_plan(3, null) where fallback = 1;
select is(left_out, '{}', 'which leaves out nothing') from toggl_plan(3, null) where fallback = 1;
select is(filters, '{time_entry.*,project.*,client.*}', 'else what is worth most') from toggl_plan(3, null) where fallback = 2;
select is(left_out[1:2], '{task.*,tag.*}', 'and it says what it leaves out') from toggl_plan(3, null) where fallback = 2;
select is(filters, '{time_entry.created,time_entry.updated,time_entry.deleted}', 'or one by one') from toggl_plan(3, null) where fallback = 3;
select is(filters, '{time_entry.created,time_entry.updated,time_entry.deleted,project.created,project.updated,client.created}', 'of six') from toggl_plan(6, null) where fallback = 3;
select is(filters[1:2], '{client.*,task.*}', 'a second one takes what the first has not') from toggl_plan(6, '{time_entry.*,project.*}') where fallback = 2;
select results_eq($$select filters[8:9], left_out from toggl_plan(12, '{time_entry.*,project.created}') where fallback = 2$$,
                  $$values ('{project.updated,project.deleted}'::text[], '{}'::text[])$$, 'and the rest of what it has in part, where there is room');
select is_empty($$select from toggl_plan(3, '{*.*}')$$, 'nothing is left when all is covered');
select is_empty($$select from toggl_plan(0, null)$$, 'nor with no room');
select is(toggl_filters_write(filters), '[{"code": "toggl.filter", "entity": "time_entry", "actions": ["created", "updated", "deleted"]}, {"code": "toggl.filter", "entity": "project", "actions": ["created", "updated"]}, {"code": "toggl.filter", "entity": "client", "actions": ["created"]}]', 'it is listed by entity') from toggl_plan(6, null) where fallback = 3;
select is(toggl_filters_write(left_out), '[{"code": "toggl.filter", "entity": "client", "actions": ["updated", "deleted"]}, {"code": "toggl.filter", "entity": "task"}]', 'also of what is left out in part') from (select left_out[1:3] as left_out from toggl_plan(6, null) where fallback = 3) p;
select is(toggl_filters_write('{*.*,new_thing.*,*.created}'), '[{"code": "toggl.filter", "entity": "*", "actions": ["*", "created"]}, {"code": "toggl.filter", "entity": "new_thing"}]', 'and of what it does not know');
select is(toggl_filters_read(' time_entry:* , project.created'), '{time_entry.*,project.created}', 'filters as people write them');
select is(pg_temp.refused($$select toggl_filters_read('time_entry')$$), '{"code": "toggl.filters_malformed", "sqlstate": "22023"}', 'and what is none');

-- ---- what to check

select is(toggl_hint(problem, 'https://h.example.org/hook/x'), hint, problem)
from (values ('URL endpoint x responded with status 404 instead of 200', '{"code": "toggl.hint_path"}'::jsonb),
             ('URL endpoint x request failed with error: dial tcp: lookup h: no such host', '{"code": "toggl.hint_dns", "host": "h.example.org"}'),
             ('URL endpoint x request failed with error: x509: certificate signed by unknown authority', '{"code": "toggl.hint_tls", "host": "h.example.org"}'),
             ('URL endpoint x request failed with error: context deadline exceeded', '{"code": "toggl.hint_slow", "host": "h.example.org"}'),
             ('URL endpoint x responded with status 301 instead of 200', '{"code": "toggl.hint_redirect"}'),
             ('URL endpoint x responded with status 503 instead of 200', '{"code": "toggl.hint_receiver"}')) v (problem, hint);

-- ---- a turn is taken once

select is(lease, 1::bigint, 'a job begins') from toggl_begin(1, 'refresh', '{}', null, null, true);
update toggl_window set remaining = 9, resets_at = clock() + interval '1 hour';
select is(verdict, 'ask', 'with a request') from toggl_turn(1, 1, '{"reserve": 5, "pace_ms": 0}', null, null, null, null, null, null);
select is(verdict, 'lost', 'the same turn again changes nothing') from toggl_turn(1, 1, '{"reserve": 5, "pace_ms": 0}', 200, '[]', null, null, null, null);
select is(path, '/me/workspaces', 'the next one goes on') from toggl_turn(1, 2, '{"reserve": 5, "pace_ms": 0}', 200, '[]', null, null, null, null);

select * from finish();
rollback;
