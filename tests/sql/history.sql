-- What looks back: history, and the entries as they were.
begin;
set local timezone = 'UTC';
create extension if not exists pgtap;
select plan(48);

\ir ../data/tell.sql

-- ---- an ordinary life

select pg_temp.tell(1, '2026-07-01 10:00Z', 'created', '{"id":9,"uid":5,"name":"Ann"}', 9, 'workspace_user');
select pg_temp.tell(2, '2026-07-01 10:00Z', 'created',
  '{"id":70,"uid":5,"description":"Entwurf","start":"2026-07-01T10:00:00Z","stop":null,"duration":-1,"billable":false,"tags":[],"at":"2026-07-01T10:00:00+00:00"}',
  request => '{"created_with":"Toggl web","description":"Entwurf"}');
select pg_temp.tell(4, '2026-07-01 11:00Z', 'updated',
  '{"id":70,"uid":5,"description":"Entwurf","start":"2026-07-01T10:00:00Z","stop":"2026-07-01T11:00:00Z","duration":3600,"billable":false,"tags":[],"at":"2026-07-01T11:00:00+00:00"}');
select pg_temp.tell(6, '2026-07-01 12:00Z', 'deleted', '{"id":70,"server_deleted_at":null}', creator => 6, request => 'not JSON');
-- arrives last, happened in between
select pg_temp.tell(5, '2026-07-01 11:30Z', 'updated',
  '{"id":70,"uid":5,"description":"Entwurf 2","start":"2026-07-01T10:00:00Z","stop":"2026-07-01T11:00:00Z","duration":3600,"billable":true,"tags":["x"],"project_id":3}');
-- and one that changes nothing but when it was changed
select pg_temp.tell(3, '2026-07-01 10:30Z', 'updated',
  '{"id":70,"user_id":5,"description":"Entwurf","start":"2026-07-01T10:00:00Z","stop":null,"duration":-1782900000,"billable":false,"tags":[],"at":"2026-07-01T10:30:00+00:00"}');

select results_eq(
  $$select event_id, action, field, old_value, new_value from toggl.time_entry_history where time_entry_id = 70$$,
  $$values (2::bigint, 'created', 'user_id', null, '5'), (2, 'created', 'description', null, 'Entwurf'),
           (2, 'created', 'start_at', null, '2026-07-01T10:00:00+00:00'), (2, 'created', 'billable', null, 'false'),
           (2, 'created', 'tags', null, '[]'),
           (4, 'updated', 'stop_at', null, '2026-07-01T11:00:00+00:00'), (4, 'updated', 'duration_seconds', null, '3600'),
           (5, 'updated', 'project_id', null, '3'), (5, 'updated', 'description', 'Entwurf', 'Entwurf 2'),
           (5, 'updated', 'billable', 'false', 'true'), (5, 'updated', 'tags', '[]', '["x"]'),
           (6, 'deleted', 'deleted_at', null, '2026-07-01T12:00:00+00:00')$$,
  'each change field by field, in the order it happened, whatever the order of arrival');
select results_eq(
  $$select distinct event_id, changed_by, changed_by_name, app from toggl.time_entry_history where time_entry_id = 70 order by 1$$,
  $$values (2::bigint, 5::bigint, 'Ann', 'Toggl web'), (4, 5, 'Ann', null), (5, 5, 'Ann', null), (6, 6, null, null)$$,
  'who did it, and by which app where that is said');
select is(array_agg(distinct event_id), array[2::bigint], 'what is the first change says so')
from toggl.time_entry_history where time_entry_id = 70 and is_first;
select is(min(entry_changed_at), '2026-07-01 12:00Z', 'when the entry was last changed')
from toggl.time_entry_history where time_entry_id = 70;
select bag_eq($$select * from toggl.history_of(70)$$,
              $$select workspace_id, time_entry_id, changed_at, event_id, action, changed_by, changed_by_name, app, field, old_value,
                       new_value, is_first from toggl.time_entry_history where time_entry_id = 70$$, 'the function says the same');
select is_empty('select * from toggl.history_of(71)', 'of an entry that nobody knows there is none');
select is_empty('select * from toggl.history_of(null)', 'nor of none');

-- ---- re-creation, an entry that was there before, the same number elsewhere

select pg_temp.tell(7, '2026-07-01 13:00Z', 'created',
  '{"id":70,"uid":5,"description":"Entwurf 2","start":"2026-07-01T10:00:00Z","stop":"2026-07-01T11:00:00Z","duration":3600,"billable":true,"tags":["x"],"project_id":3}');
select results_eq($$select field, old_value, new_value from toggl.history_of(70) where event_id = 7$$,
                  $$values ('deleted_at', '2026-07-01T12:00:00+00:00', null)$$,
                  'a deletion that names only the id forgets nothing, and is taken back by a creation');
select pg_temp.tell(20, '2026-07-02 10:00Z', 'updated', '{"id":72,"description":"x"}', 72);
select results_eq($$select action, field, new_value, is_first from toggl.history_of(72)$$, $$values ('updated', 'description', 'x', true)$$,
                  'the first that is known is not always the making');
select pg_temp.tell(21, '2026-07-02 10:00Z', 'created', '{"id":70,"description":"elsewhere"}', workspace => 555);
select results_eq($$select workspace_id, field, is_first from toggl.time_entry_history where event_id = 21$$,
                  $$values (555::bigint, 'description', true)$$, 'another workspace''s entry of the same number is another entry');
select is(count(*), 1::bigint, 'and can be asked for') from toggl.history_of(70, 555);
select is(count(distinct workspace_id), 2::bigint, 'or both') from toggl.history_of(70);
select pg_temp.tell(22, '2026-07-02 10:00Z', 'created', '{"id":73}', 73);
select results_eq($$select action, field, new_value from toggl.history_of(73)$$, $$values ('created', null::text, null::text)$$,
                  'one that was made with nothing in it is not passed over');
select pg_temp.tell(23, '2026-07-02 11:00Z', 'deleted', 'null', 74);
select results_eq($$select action, field, is_first from toggl.history_of(74)$$, $$values ('deleted', 'deleted_at', true)$$,
                  'nor one of which only the end is known');

-- What retention leaves counts like events.
with gone as (delete from ledger.event where event_id in (2, 3, 4, 5) returning *)
insert into ledger.baseline
select workspace_id, event_id, created_at, received_at, seq, txid, epoch, endpoint_id, secret_id, creator_id, entity_id, model,
       action, source, signature, body from gone where event_id = 5;
select results_eq($$select distinct event_id, is_first from toggl.history_of(70, 7435584) order by 1$$,
                  $$values (5::bigint, true), (6, false), (7, false)$$, 'history begins with the baseline');

-- ---- hostile bodies

select pg_temp.tell(30, '2026-07-03 10:00Z', 'created', '{"id":80,"description":"nul \u0000 and half \ud800","start":"2026-07-03T10:00:00Z"}', 80,
                    request => '{"created_with":"a\u0000b"}');
select pg_temp.tell(31, '2026-07-03 11:00Z', 'updated', '{"id":80,"description":1e200000,"start":"2026-07-03T10:00:00Z","duration":1e400}', 80);
select pg_temp.tell(32, '2026-07-03 12:00Z', 'updated',
  '{"id":80,"description":{"a":1},"start":"soon","stop":[],"duration":"3600","billable":"yes","tags":"x","tag_ids":[1,"2"],"uid":true}', 80);
select pg_temp.tell(33, '2026-07-03 13:00Z', 'updated', '[1,2]', 80);
select pg_temp.tell(34, '2026-07-03 14:00Z', 'updated', '"text"', 80);
select pg_temp.tell(35, '2026-07-03 15:00Z', 'updated', '{"id":80,"start":"9999-12-31T23:59:59Z","duration":9223372036854775807,"tags":[null,""]}', 80);
select results_eq(
  $$select event_id, field, old_value, new_value from toggl.history_of(80)$$,
  $$values (30::bigint, 'description', null, U&'nul \FFFD and half \FFFD'), (30, 'start_at', null, '2026-07-03T10:00:00+00:00'),
           (31, 'description', U&'nul \FFFD and half \FFFD', '1e200000'),
           (32, 'description', '1e200000', null), (32, 'start_at', '2026-07-03T10:00:00+00:00', null),
           (35, 'start_at', null, '9999-12-31T23:59:59+00:00'), (35, 'duration_seconds', null, '4000000000'),
           (35, 'tags', null, '[null, ""]')$$,
  'what jsonb does not take, and values of odd types, break nothing: they read as in the table');
select is_empty($$select from toggl.time_entry t, ledger.event e,
                    ledger.time_entry_of_event(e.workspace_id, e.entity_id, e.created_at, e.event_id, e.creator_id, e.action, e.body) r
                  where e.model = 'time_entry' and (e.workspace_id, e.entity_id, e.created_at, e.event_id) =
                        (t.workspace_id, t.time_entry_id, t.changed_at, t.changed_event_id)
                    and t.payload_at = t.changed_at
                    and to_jsonb(r) - '{lifecycle_at,lifecycle_event_id}'::text[] <> to_jsonb(t) - '{lifecycle_at,lifecycle_event_id}'::text[]$$,
                'an event reads as the row that the table made of it');
select is(ledger.app('{"metadata":{"request_body":"{\"created_with\":\"Toggl iOS\"}"}}'), 'Toggl iOS', 'an app');
select is(ledger.app('{"metadata":{"request_body":{"created_with":"Toggl iOS"}}}'), 'Toggl iOS', 'in JSON that is no string');
select is(ledger.app(body::json), null, 'no app: ' || body)
from unnest(array['{"metadata":{"request_body":"{\"created_with\":\"\"}"}}', '{"metadata":{"request_body":"[1]"}}',
                  '{"metadata":{"request_body":"{"}}', '{"metadata":7}', '7', '{"metadata":{"request_body":"\u0000"}}']) body;
select is(ledger.app(format('{"metadata":{"request_body":%s}}', to_json(repeat('[', 20000)))::json), null, 'no app: deeper than any stack');

-- ---- as it was

select results_eq(
  $$select time_entry_id, description, duration_seconds from toggl.time_entries_as_of('2026-07-01 11:45Z') order by 1$$,
  $$values (70::bigint, 'Entwurf 2', 3600::bigint)$$, 'before it was deleted');
select is_empty($$select from toggl.time_entries_as_of('2026-07-01 12:30Z')$$, 'while it was deleted');
select results_eq(
  $$select workspace_id, time_entry_id from toggl.time_entries_as_of('2026-07-02 12:00Z') order by 1, 2$$,
  $$values (555::bigint, 70::bigint), (7435584, 70), (7435584, 72), (7435584, 73)$$, 'after it was made again');
select results_eq(
  $$select description, start_at from toggl.time_entries_as_of('2026-07-03 11:30Z') where time_entry_id = 80$$,
  $$values ('1e200000', '2026-07-03 10:00Z'::timestamptz)$$, 'odd values read as in the table');
select bag_eq($$select to_jsonb(a) from toggl.time_entries_as_of('infinity') a$$,
              $$select to_jsonb(t) from toggl.time_entry t where deleted_at is null$$, 'in the end it is the table');
select is_empty($$select from toggl.time_entries_as_of('-infinity')$$, 'in the beginning there was nothing');
select is_empty($$select from toggl.time_entries_as_of(null)$$, 'nor is there at no time');

-- ---- secrets

select pg_temp.tell(40, '2026-07-04 10:00Z', 'created',
  '{"id":90,"description":"x","api_\u0074oken":"hush","shared_with":[{"user_id":6,"ical_url":"hush"}],"other":{"invite_url":"hush"}}', 90);
select pg_temp.tell(41, '2026-07-04 11:00Z', 'updated', '{"id":90,"description":"y"}', 90);
select is(to_jsonb(a) ->> 'payload', '{"id": 90, "other": {}, "description": "x", "shared_with": [{"user_id": 6}]}', 'no secret in a state of the past')
from toggl.time_entries_as_of('2026-07-04 10:30Z') a where time_entry_id = 90;
select is(new_value, '[{"user_id": 6}]', 'nor in the history') from toggl.history_of(90) where event_id = 40 and field = 'shared_with';

-- ---- the plan

create function pg_temp.plan_of(query text) returns text language plpgsql as $$
declare
  line text;
  lines text := '';
begin
  set local enable_seqscan = off;
  set local enable_sort = off;
  for line in execute 'explain (costs off) ' || query loop
    lines := lines || line || E'\n';
  end loop;
  reset enable_seqscan;
  reset enable_sort;
  return lines;
end
$$;
select unalike(pg_temp.plan_of('select * from ledger.change c where c.entity_id = 70'), '%Seq Scan%', 'the changes of an entity are found by index, everywhere');
select unalike(pg_temp.plan_of($$select count(*) from toggl.time_entries_as_of('2026-07-01 12:00Z')$$), '%Function Scan on time_entries_as_of%',
               'the entries at a time are part of the query that asks, and not copied');
select unalike(pg_temp.plan_of($$select count(*) from toggl.time_entries_as_of(now() - interval '1 day')$$), '%Function Scan on time_entries_as_of%',
               'at a time that is computed too');
select unalike(pg_temp.plan_of($$select count(*) from toggl.time_entries_as_of('2026-07-01 12:00Z')$$), '%Subquery Scan%', 'nor passed on row by row');

-- ---- random events in random order

do $$
declare
  generated record;
begin
  perform setseed(0.42);
  for generated in
    select n, 100 + (random() * 15)::int as entry, '2026-08-01Z'::timestamptz + (random() * 40)::int * interval '1 hour' as at,
           (array['created', 'updated', 'updated', 'updated', 'deleted'])[1 + (random() * 4)::int] as action,
           case when random() < 0.15 then format('{"id":1,"server_deleted_at":"2026-08-02T%s:00:00Z"}', 10 + n % 10)
                when random() < 0.1 then 'null'
                else format('{"start":"2026-08-01T%s:00:00Z","description":%s,"duration":%s,"billable":%s%s}', 10 + n % 12,
                            (array['"a"', '"b"', 'null', '7', '"\u0000"'])[1 + (random() * 4)::int], n % 7 - 3, (random() < 0.5)::text,
                            case when random() < 0.1 then ',"server_deleted_at":"2026-08-03T00:00:00Z"' else '' end) end as payload
    from generate_series(1, 400) n
    order by random()
  loop
    perform pg_temp.tell(1000 + generated.n, generated.at, generated.action, generated.payload, generated.entry);
  end loop;
end
$$;
create function pg_temp.apply_until(moment timestamptz) returns void language sql as $$
  delete from toggl.time_entry;
  select ledger.apply(array_agg(workspace_id), array_agg(event_id), array_agg(created_at), array_agg(creator_id), array_agg(entity_id),
                      array_agg(model), array_agg(action), array_agg(body)) from ledger.change where created_at <= moment;
$$;
create temp table compared (at timestamptz, entry jsonb, is_expected boolean);
create temp table from_table (at timestamptz, entry jsonb);
do $$
declare
  moment timestamptz;
begin
  for moment in select '2026-08-01Z'::timestamptz + n * interval '61 minutes' from generate_series(-1, 40, 5) n loop
    insert into compared select moment, to_jsonb(a), false from toggl.time_entries_as_of(moment) a;
    -- Before the horizon the table names the entries that changed since, and not the ledger.
    update ledger.state set horizon = 'infinity';
    insert into from_table select moment, to_jsonb(a) from toggl.time_entries_as_of(moment) a;
    update ledger.state set horizon = '-infinity';
    perform pg_temp.apply_until(moment);
    insert into compared select moment, to_jsonb(t), true from toggl.time_entry t where deleted_at is null;
    perform pg_temp.apply_until('infinity');
  end loop;
end
$$;
select bag_eq('select at, entry from compared where not is_expected', 'select at, entry from compared where is_expected',
              'a state in the past is what the events until then make of an empty table');
select bag_eq('select at, entry from from_table', 'select at, entry from compared where is_expected', 'however the changed entries are found');
select is_empty(
  $$select t.time_entry_id, f.name, h.new_value
    from toggl.time_entry t cross join unnest('{user_id,description,start_at,duration_seconds,billable,deleted_at}'::text[]) f (name)
    left join lateral (select h.new_value from toggl.history_of(t.time_entry_id, t.workspace_id) h
                       where h.field = f.name order by h.changed_at desc, h.event_id desc limit 1) h on true
    where h.new_value is distinct from to_jsonb(t) ->> f.name$$, 'the last of the history is what the table says');

-- What retention leaves gives the same from its horizon on.
do $$
declare
  moment timestamptz;
begin
  perform ledger.baseline_add('2026-08-01 12:00Z');
  delete from ledger.event where created_at < '2026-08-01 12:00Z';
  for moment in select distinct at from compared where at >= '2026-08-01 12:00Z' loop
    insert into compared select moment, to_jsonb(a), null from toggl.time_entries_as_of(moment) a;
  end loop;
end
$$;
select bag_eq('select at, entry from compared where is_expected is null',
              $$select at, entry from compared where is_expected and at >= '2026-08-01 12:00Z'$$, 'states since the horizon are as they were');
select is_empty(
  $$select t.time_entry_id, f.name, h.new_value
    from toggl.time_entry t cross join unnest('{user_id,description,start_at,duration_seconds,billable,deleted_at}'::text[]) f (name)
    left join lateral (select h.new_value from toggl.history_of(t.time_entry_id, t.workspace_id) h
                       where h.field = f.name order by h.changed_at desc, h.event_id desc limit 1) h on true
    where h.new_value is distinct from to_jsonb(t) ->> f.name$$, 'so is the end of the history');
update ledger.event set txid = '3';
update ledger.baseline set txid = '3';
select bag_eq($$select entity from toggl.changed_since('time_entry', null, 100000)$$, 'select to_jsonb(t) from toggl.time_entry t',
              'and a load from the beginning');

-- ---- as a reader, who has no right in schema ledger

\ir ../../sql/functions/roles.sql
set local role hookledger_reader;
select isnt_empty('select * from toggl.time_entry_history where time_entry_id = 80', 'a reader reads the history');
select isnt_empty('select * from toggl.time_entries_as_of(now())', 'and states in the past');
select throws_ok('select * from ledger.change', '42501', null, 'but not the ledger');
reset role;

select * from finish();
rollback;
