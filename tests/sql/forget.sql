-- A person is taken out: nothing of the user is left but what the books need.
begin;
create extension if not exists pgtap;
select plan(51);

insert into ledger.endpoint (endpoint_id, address, name, workspace_id) overriding system value values
  (101, 'address_of_the_first_1', 'first', 7), (102, 'address_of_the_second_', 'second', 8);
insert into ledger.endpoint_secret (secret_id, endpoint_id, sealed) overriding system value values (201, 101, ''), (202, 102, '');

-- An event of user `maker`; the body as Toggl sends it.
create function pg_temp.event(n bigint, maker bigint, model text, action text, entity bigint, payload text, endpoint bigint default 101,
                              request text default '{}')
returns text language sql as $$
  select receiver.append(array[endpoint], array[endpoint + 100], array[null::bigint], array[n],
                         array['2026-07-01 10:00Z'::timestamptz + n * interval '1 minute'], array[now()], array[maker],
                         array[entity], array[model], array[action], array['\xab'::bytea],
                         array[json_build_object('event_id', n, 'created_at', '2026-07-01T10:00:00Z', 'creator_id', maker,
                                 'metadata', json_build_object('action', action, 'model', model, 'event_user_id', maker::text, 'model_owner_id', maker::text,
                                    'path', '/api/v9/x', 'request_type', 'POST', 'request_body', request, model || '_id', entity::text),
                                 'payload', payload::json, 'subscription_id', 1, 'timestamp', '2026-07-01T10:00:01Z')], 'webhook')
$$;
create function pg_temp.body(n bigint) returns jsonb language sql as 'select c.body::jsonb from ledger.change c where c.event_id = n';
create function pg_temp.everything() returns table (place text, row_text text) language plpgsql as $$
declare
  of_table text;
begin
  for of_table in select c.oid::regclass::text from pg_class c
                  where c.relnamespace in ('toggl'::regnamespace, 'ledger'::regnamespace) and c.relkind in ('r', 'p') and not c.relispartition
                    and c.oid <> 'ledger.migration'::regclass order by 1 loop
    return query execute format('select %L, t::text from %s t', of_table, of_table);
  end loop;
end
$$;
-- Where 4711 or a text of that person stands; a body in quarantine is shown as bytes.
create view pg_temp.traces as
  select distinct e.place from pg_temp.everything() e
  where replace(e.row_text, '14711', '') ~ '(^|[^0-9])4711([^0-9]|$)' or e.row_text ~ 'Ada|ada@|secret plan|''secret'''
     or e.row_text ~ encode('ada@', 'hex') or replace(e.row_text, encode('14711', 'hex'), '') ~ encode('4711', 'hex');
create function pg_temp.forget(person bigint, workspace bigint default null, most bigint default 3) returns bigint language plpgsql as $$
declare
  job bigint;
  step record;
begin
  select b.erasure_id into job from operator.forget_begin(person, workspace) b;
  loop
    select * into step from operator.forget_step(job, most);
    exit when step.finished;
  end loop;
  return step.replaced;
end
$$;

-- What 4711 is, by others
select pg_temp.event(1, 9, 'workspace_user', 'created', 50, '{"id":50,"user_id":4711,"uid":4711,"name":"Ada Byron","email":"ada@old.example.org","role":"admin","rate":80.5,"timezone":"Europe/London"}');
select pg_temp.event(2, 9, 'workspace_user', 'updated', 50, '{"id":50,"user_id":4711,"uid":4711,"name":"Ada Lovelace","email":"ada@example.org","rate":90,"active":true}');
select pg_temp.event(3, 9, 'project_user', 'created', 51, '{"id":51,"project_id":60,"user_id":4711,"user_name":"Ada Lovelace","rate":95,"manager":true}');
-- what 4711 does, and others do to it
select pg_temp.event(4, 4711, 'time_entry', 'created', 70, '{"id":70,"user_id":4711,"uid":4711,"project_id":4711,"start":"2026-07-01T10:00:00Z","stop":"2026-07-01T11:00:00Z","duration":3600,"billable":true,"description":"secret plan","tags":["deep work"],"tag_ids":[3],"permissions":["Ada"]}', request => '{"description":"secret plan"}');
select pg_temp.event(5, 9, 'time_entry', 'updated', 70, '{"id":70,"user_id":4711,"project_id":4711,"start":"2026-07-01T10:00:00Z","duration":3700,"billable":true,"description":"secret plan B","tags":["deep work"]}', request => '{"description":"secret plan B","created_with":"x"}');
select pg_temp.event(6, 9, 'time_entry', 'updated', 70, '{"id":70,"start":"2026-07-01T10:00:00Z","duration":3700,"description":"secret plan B","tags":["deep work"]}');
select pg_temp.event(7, 4711, 'time_entry', 'created', 71, '{"id":71,"uid":"4711","start":"2026-07-01T12:00:00Z","duration":60,"description":"secret plan C"}');
select pg_temp.event(8, 4711, 'time_entry', 'deleted', 71, '{"id":71}');
select pg_temp.event(9, 4711, 'time_entry', 'updated', null, '{"user_id":4711,"description":"secret plan D"}');
select pg_temp.event(10, 4711, 'holiday', 'created', 72, '{"id":72,"user_id":4711,"comment":"secret plan E","at":"2026-07-01T10:00:00Z"}');
-- what is the company's, or of others
select pg_temp.event(11, 4711, 'project', 'created', 60, '{"id":60,"name":"Engine","creator_id":4711,"creator_name":"Ada Lovelace","client_id":4711,"rate":12}');
select pg_temp.event(12, 9, 'task', 'created', 61, '{"id":61,"name":"Punch cards","user_id":4711,"user_name":"Ada Lovelace","project_id":60}');
select pg_temp.event(13, 9, 'time_entry', 'created', 73, '{"id":73,"user_id":9,"start":"2026-07-01T10:00:00Z","duration":5,"description":"mail to ada@example.org","shared_with":[{"user_id":4711,"user_name":"Ada Lovelace","name":"Ada","accepted":true},{"user_id":8,"user_name":"Max"}],"shared_with_user_ids":[4711,8]}');
select pg_temp.event(14, 4711, 'time_entry', 'updated', 73, '{"id":73,"user_id":9,"start":"2026-07-01T10:00:00Z","duration":6,"description":"of Max","shared_with":[{"user_id":4711,"user_name":"Ada Lovelace"}]}');
select pg_temp.event(15, 9, 'time_entry', 'created', 74, '{"id":74,"user_id":9,"start":"2026-07-01T10:00:00Z","duration":6,"project_id":4711,"description":"call with A. Lovelace"}');
select pg_temp.event(16, 9, 'tag', 'created', 75, '{"id":75,"name":"t"}', request => '{"user_id":4711}');
select pg_temp.event(17, 4711, 'workspace', 'updated', 7, '{"id":7,"name":"ours"}');
select pg_temp.event(18, 9, 'client', 'created', 4711, '{"id":4711,"name":"number as the user''s","creator_id":9}');
select pg_temp.event(19, 4711, 'time_entry', 'created', 76, '{"id":76,"user_id":4711,"start":"2026-07-01T10:00:00Z","duration":7,"description":"\u0000 secret plan F","expense_ids":[1e200000]}');
-- elsewhere
select pg_temp.event(30, 4711, 'time_entry', 'created', 80, '{"id":80,"user_id":4711,"start":"2026-07-01T10:00:00Z","duration":8,"description":"elsewhere"}', 102);

insert into ledger.baseline select * from ledger.event e where e.event_id = 3;
delete from ledger.event where event_id = 3;
insert into ledger.invoice (invoice_id, name, from_at, until_at, zone) overriding system value values (1, 'i', '2026-07-01Z', '2026-08-01Z', 'UTC');
insert into ledger.invoice_entry select n.workspace_id, 1, n.time_entry_id, n.entry from ledger.invoice_now n;
select receiver.quarantine('{101,101,101}', '{201,201,201}', array_fill(now(), '{3}'), '{event,event,event}', array_fill('\xab'::bytea, '{3}'),
  array['{"x":4711}', 'ada@example.org', '{"x":14711}']::bytea[]);
insert into ledger.account (name, user_id, email, token_digest) values ('Ada', 4711, 'ada@example.org', sha256('1')), ('Max', 8, null, sha256('2'));
insert into ledger.toggl_connection (user_id, name, email, token_sealed) values (4711, 'Ada', 'ada@example.org', '\xab'), (8, 'Max', 'max@example.org', '\xab');
insert into ledger.toggl_job (connection_id, kind, given, is_interactive, queue, leased_until, finished_at, failed, message)
select connection_id, 'connect', '{}', true, '[]', now(), now(), false, ledger.coded('toggl.connected', jsonb_build_object('name', name)) from ledger.toggl_connection;
select ledger.entry_words_write_range(1, 1000);
create temp table hours as select time_entry_id, project_id, start_at, stop_at, duration_seconds, billable, tags, tag_ids from toggl.time_entry where workspace_id = 7;
create temp table original as select c.event_id, c.body::text as body from ledger.change c;
create temp table cursor as select max(cursor) as cursor from toggl.changed_since('time_entry');

insert into ledger.completeness values (7, '2026-05-03', 4711, 1, 1, now(), 'equal'), (7, '2026-05-03', 5, 1, 1, now(), 'equal');

-- ---- the look

select results_eq('select names, emails, made, about, entries, invoices, quarantined, accounts, is_begun from operator.forget_look(4711, null)',
  $$values ('Ada Byron, Ada Lovelace', 'ada@example.org, ada@old.example.org', 10::bigint, 4::bigint, 2::bigint, 2::bigint, 2::bigint, 1::bigint, false)$$,
  'what is recorded of a user');
select results_eq('select made, entries, accounts from operator.forget_look(4711, 8)', 'values (1::bigint, 1::bigint, 0::bigint)', 'in one workspace');
select results_eq('select names, made, entries from operator.forget_look(5555, null)', $$values ('', 0::bigint, 0::bigint)$$, 'or nothing');
select throws_ok('select * from operator.forget_begin(4711, null)', '55000', null, 'whose token is in use is not forgotten');
update ledger.toggl_connection set token_sealed = null;
select throws_ok('select * from operator.forget_begin(-5, null)', '22023', null, 'an alias is no user');
select throws_ok('select * from operator.forget_step(1, 10)', 'P0002', null, 'nor is there an erasure yet');

-- ---- in one workspace

select results_eq('select events_done, events from operator.forget_begin(4711, 7)', 'values (0::bigint, 20::bigint)', 'it begins');
select is(is_begun, true, 'which is seen') from operator.forget_look(4711, 7);
select is(count(*), 1::bigint, 'and goes on when it is begun again')
from (select * from operator.forget_begin(4711, 7) union select * from operator.forget_begin(4711, 7)) b;
select is(pg_temp.forget(4711, 7), 17::bigint, 'it takes the user out of the events');
create temp view alias as select e.alias from ledger.erasure e where e.workspace_id = 7;
select ok(alias < 0, 'the alias is negative') from alias;
select is(count(*), 1::bigint, 'the same user elsewhere stays') from toggl.time_entry where user_id = 4711;
select results_eq('select e.user_id, e.names, e.emails, e.finished_at is not null from ledger.erasure e', $$values (null::bigint, null::text[], null::text[], true)$$,
                  'nothing says who it was');
select is(count(*), 1::bigint, 'the account stays when it is about one workspace') from ledger.account where user_id = 4711;
select is(pg_temp.forget(4711), 1::bigint, 'then elsewhere too');
select results_eq('select enabled, name, email from ledger.account where user_id < 0', $$values (false, 'forgotten', null::text)$$, 'and the account');
select results_eq('select user_id < 0, name, email from ledger.toggl_connection order by 1', $$values (false, 'Max', 'max@example.org'), (true, 'forgotten', null)$$, 'and the connection that has ended');
select results_eq('select message from ledger.toggl_job order by connection_id', $$values ('{"code": "toggl.job_forgotten"}'::jsonb), ('{"code": "toggl.connected", "name": "Max"}')$$, 'with what was done by it');

-- ---- what is left

create function pg_temp.alias() returns bigint language sql as 'select alias from alias';
create function pg_temp.payload(n bigint) returns jsonb language sql as $$select replace(pg_temp.body(n) ->> 'payload', pg_temp.alias()::text, '-1')::jsonb$$;
select is(pg_temp.payload(4), '{"id":70,"user_id":-1,"uid":-1,"project_id":4711,"start":"2026-07-01T10:00:00Z","stop":"2026-07-01T11:00:00Z","duration":3600,"billable":true,"tags":["deep work"],"tag_ids":[3]}',
  'of the user''s own entry: times, project, what is billable, tags');
select is(replace((pg_temp.body(4) - 'payload' - 'forgotten')::text, pg_temp.alias()::text, '-1')::jsonb,
  '{"event_id":4,"created_at":"2026-07-01T10:00:00Z","creator_id":-1,"subscription_id":1,"timestamp":"2026-07-01T10:00:01Z","metadata":{"action":"created","model":"time_entry","event_user_id":"-1","model_owner_id":"-1","request_type":"POST","time_entry_id":"70"}}',
  'of the callback: when it came and what it was');
select is(pg_temp.body(4) -> 'forgotten' ->> 'sha256', encode(sha256(convert_to(body, 'UTF8')), 'hex'), 'and what proves the original') from original where event_id = 4;
select results_eq('select creator_id, entity_id, model, action, signature from ledger.event where event_id = 4',
  format($$values (%s::bigint, 70::bigint, 'time_entry', 'created', '\xab'::bytea)$$, pg_temp.alias()), 'the event is the same event');
select is(pg_temp.payload(5), '{"id":70,"user_id":-1,"project_id":4711,"start":"2026-07-01T10:00:00Z","duration":3700,"billable":true,"tags":["deep work"]}', 'also when another made it');
select is(creator_id, 9::bigint, 'other users keep their numbers') from ledger.event where event_id = 5;
select is(pg_temp.payload(6), '{"id":70,"start":"2026-07-01T10:00:00Z","duration":3700,"tags":["deep work"]}', 'or it did not say whose it was');
select is(pg_temp.payload(7), '{"id":71,"uid":"-1","start":"2026-07-01T12:00:00Z","duration":60}', 'a number that is text stays text');
select is(pg_temp.payload(9), '{"user_id":-1}', 'an event of no entity');
select is(pg_temp.payload(10), '{"id":72,"user_id":-1,"at":"2026-07-01T10:00:00Z"}', 'of an unknown kind');
select is(pg_temp.payload(19), '{"id":76,"user_id":-1,"start":"2026-07-01T10:00:00Z","duration":7,"expense_ids":["1e200000"]}', 'with what jsonb does not take');
select is(pg_temp.payload(2), '{"id":50,"user_id":-1,"uid":-1,"rate":90,"active":true}', 'of the member: rates and rights');
select is(pg_temp.payload(3), '{"id":51,"project_id":60,"user_id":-1,"rate":95,"manager":true}', 'in the baseline too');
select is(pg_temp.payload(11), '{"id":60,"name":"Engine","creator_id":-1,"client_id":4711,"rate":12}', 'what is the company''s keeps its name');
select is(pg_temp.payload(12), '{"id":61,"name":"Punch cards","user_id":-1,"project_id":60}', 'a task too');
select is(pg_temp.payload(13), '{"id":73,"user_id":9,"start":"2026-07-01T10:00:00Z","duration":5,"description":"mail to (forgotten)","shared_with":[{"user_id":-1,"accepted":true},{"user_id":8,"user_name":"Max"}],"shared_with_user_ids":[-1,8]}',
  'an entry of another stays, less the person');
select is(pg_temp.payload(14), '{"id":73,"user_id":9,"start":"2026-07-01T10:00:00Z","duration":6,"description":"of Max","shared_with":[{"user_id":-1}]}', 'also what the user did to it');
select is(pg_temp.body(16) -> 'metadata' ? 'request_body', false, 'a request that names the user goes');
select is_empty($$select event_id from original o join ledger.change c using (event_id) where event_id in (15, 18) and c.body::text <> o.body$$, 'what is not about the user is as it was');

select results_eq('select workspace_user_id, user_id, name, email, rate, timezone from toggl.workspace_user',
  format('values (50::bigint, %s::bigint, null::text, null::text, 90::numeric, null::text)', pg_temp.alias()), 'the tables say the same');
select bag_eq('select time_entry_id, project_id, start_at, stop_at, duration_seconds, billable, tags, tag_ids from toggl.time_entry where workspace_id = 7', 'select * from hours', 'the hours are what they were');
select is_empty('select * from toggl.invoice_change', 'no invoice was changed');
select bag_eq($$select convert_from(body, 'UTF8') ~ '^{"forgotten": {"at": ".*", "sha256": "[0-9a-f]{64}"}}$', retried_as from ledger.quarantine$$,
  $$values (true, 'forgotten'), (true, 'forgotten'), (false, null)$$, 'so does the quarantine');
select receiver.quarantine('{101}', '{201}', array[now()], '{event}', array['\xab'::bytea], array['{"x":4711}']::bytea[]);
select is(count(*), 3::bigint, 'which keeps no such callback again') from ledger.quarantine;

create temp table after as select * from pg_temp.everything() where place ~ 'toggl';
select isnt(pg_temp.event(4, 4711, 'time_entry', 'created', 70, '{"id":70,"user_id":4711,"description":"secret plan"}'), '', 'an event that comes again');
select operator.rebuild_begin(true);
select is(removed, 0::bigint, 'and a rebuild') from operator.rebuild_step(1000);
select bag_eq($$select * from pg_temp.everything() where place ~ 'toggl'$$, 'select * from after', 'change nothing');
select is(is_restart, true, 'a copy is loaded again') from (select is_restart from cursor c, toggl.changed_since('time_entry', c.cursor) limit 1) r;

select is(count(*), 1::bigint, 'events of a user who is forgotten later') from (select pg_temp.forget(9) offset 0) f;
select is(pg_temp.body(5) -> 'forgotten' ->> 'sha256', encode(sha256(convert_to(body, 'UTF8')), 'hex'), 'prove the original still') from original where event_id = 5;

select set_eq('select place from pg_temp.traces', $$values ('ledger.event'), ('toggl.time_entry'), ('toggl.project'), ('toggl.client'), ('ledger.invoice_entry')$$,
              'traces only where another thing has the same number');
update ledger.event set entity_id = null, body = '{}' where event_id = 18;
delete from toggl.client;
update toggl.time_entry set project_id = null, payload = payload - 'project_id' where project_id = 4711;
update toggl.project set client_id = null, payload = payload - 'client_id';
update ledger.invoice_entry set entry = entry - 'project_id';
update ledger.event set body = (body::jsonb #- '{payload,project_id}' #- '{payload,client_id}')::json where event_id in (4, 5, 11, 15);
select is_empty('select place from pg_temp.traces', 'and without those nowhere');
select results_eq('select user_id = 4711, count(*) from ledger.completeness where user_id <> 5 group by 1', 'values (false, 1::bigint)', 'the comparisons with Toggl name the alias');
select * from finish();
rollback;
