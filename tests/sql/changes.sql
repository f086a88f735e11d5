-- What becomes of an entity's row, whatever its events are and whatever order
-- they come in; through the receiver's interface schema.
begin;
create extension if not exists pgtap;
set local timezone = 'UTC';
select plan(46);

insert into ledger.endpoint (endpoint_id, address, name, workspace_id) overriding system value values
  (101, 'address_of_the_first_1', 'first', 7), (102, 'address_of_the_second_', 'second', 8);
insert into ledger.endpoint_secret (secret_id, endpoint_id, sealed) overriding system value values (201, 101, ''), (202, 102, '');

-- Events of a batch; those from 1000 on are of the other workspace.
create type pg_temp.change as (n bigint, minute integer, model text, action text, entity bigint, payload text);
create function pg_temp.tell(variadic change pg_temp.change[]) returns text language sql as $$
  select receiver.append(array_agg(101 + t.n / 1000), array_agg(201 + t.n / 1000), array_agg(null::bigint), array_agg(t.n),
                         array_agg('2026-07-01 10:00Z'::timestamptz + t.minute * interval '1 minute'), array_agg(now()), array_agg(5 + t.n % 2),
                         array_agg(t.entity), array_agg(t.model), array_agg(t.action), array_agg('\xab'::bytea),
                         array_agg(format('{"event_id":%s,"metadata":{"time_entry_id":"30","widget_id":"31"},"payload":%s}', t.n, t.payload)::json), 'webhook')
  from unnest(change) t
$$;
create function pg_temp.change(bigint, integer, text, bigint, text, model text default 'time_entry') returns pg_temp.change language sql as
  $$ select ($1, $2, model, $3, $4, $5)::pg_temp.change $$;
create function pg_temp.entry(entry bigint, workspace bigint default 7) returns text language sql as $$
  select concat_ws(' ', description, to_char(deleted_at, '"gone "HH24:MI'), to_char(changed_at, '"changed "HH24:MI'), changed_event_id, changed_by,
                   case when isfinite(payload_at) then to_char(payload_at, '"payload "HH24:MI') else payload_at::text end, payload_event_id,
                   case when payload is null then 'bare' end)
  from toggl.time_entry where workspace_id = workspace and time_entry_id = entry
$$;

-- ---- later and earlier

select is(pg_temp.tell(pg_temp.change(10, 10, 'created', 1, '{"id":1,"start":"2026-07-01T10:00:00Z","description":"one"}')), '', 'made');
select is(pg_temp.entry(1), 'one changed 10:10 10 5 payload 10:10 10', 'is there');
select pg_temp.tell(pg_temp.change(11, 12, 'updated', 1, '{"id":1,"start":"2026-07-01T10:00:00Z","description":"three"}'));
select pg_temp.tell(pg_temp.change(12, 11, 'updated', 1, '{"id":1,"start":"2026-07-01T10:00:00Z","description":"two, late"}'));
select is(pg_temp.entry(1), 'three changed 10:12 11 6 payload 10:12 11', 'an earlier change that comes later changes nothing');
select pg_temp.tell(pg_temp.change(14, 12, 'updated', 1, '{"id":1,"start":"2026-07-01T10:00:00Z","description":"of the same time, later"}'));
select pg_temp.tell(pg_temp.change(13, 12, 'updated', 1, '{"id":1,"start":"2026-07-01T10:00:00Z","description":"of the same time"}'));
select is(pg_temp.entry(1), 'of the same time, later changed 10:12 14 5 payload 10:12 14', 'of those of one time the greatest number counts');
select is(pg_temp.tell(pg_temp.change(14, 12, 'updated', 1, '{"id":1,"start":"2026-07-01T10:00:00Z","description":"not the same"}')), 'r',
          'delivered again');
select is(pg_temp.entry(1), 'of the same time, later changed 10:12 14 5 payload 10:12 14', 'it changes nothing');
select pg_temp.tell(pg_temp.change(21, 3, 'updated', 2, '{"id":2,"start":"2026-07-01T10:00:00Z","description":"c"}'),
                    pg_temp.change(22, 1, 'created', 2, '{"id":2,"start":"2026-07-01T10:00:00Z","description":"a"}'),
                    pg_temp.change(23, 2, 'updated', 2, '{"id":2,"start":"2026-07-01T10:00:00Z","description":"b"}'));
select is(pg_temp.entry(2), 'c changed 10:03 21 6 payload 10:03 21', 'of one batch the latest counts, not the last');
select pg_temp.tell(pg_temp.change(1021, 3, 'updated', 2, '{"id":2,"start":"2026-07-01T10:00:00Z","description":"of another workspace"}'),
                    pg_temp.change(24, 4, 'updated', 2, '{"id":2,"start":"2026-07-01T10:00:00Z","description":"d"}'));
select is(pg_temp.entry(2) || ', ' || pg_temp.entry(2, 8), 'd changed 10:04 24 5 payload 10:04 24, of another workspace changed 10:03 1021 6 payload 10:03 1021',
          'the same number in another workspace is another entity');
select pg_temp.tell(pg_temp.change(25, 5, 'updated', 2, '{"id":2,"start":"2026-07-01T10:00:00Z"}'));
select is(pg_temp.entry(2), 'changed 10:05 25 6 payload 10:05 25', 'what is not there any more is null');
select pg_temp.tell(pg_temp.change(26, 6, 'archived', 2, '{"id":2,"description":"by an action that nobody knows"}'));
select is(pg_temp.entry(2), 'by an action that nobody knows changed 10:06 26 5 payload 10:06 26', 'an unknown action tells too');

-- ---- running

select pg_temp.tell(pg_temp.change(30, 1, 'created', 3, '{"id":3,"start":"2026-07-01T10:00:00Z","stop":null,"duration":-1}'));
select results_eq('select start_at, stop_at, duration_seconds from toggl.time_entry where time_entry_id = 3 and workspace_id = 7',
                  $$values ('2026-07-01 10:00Z'::timestamptz, null::timestamptz, null::bigint)$$, 'a timer that runs');
select pg_temp.tell(pg_temp.change(31, 2, 'updated', 3, '{"id":3,"start":"2026-07-01T10:00:00Z","stop":"2026-07-01T11:00:00Z","duration":3600}'));
select results_eq('select stop_at, duration_seconds from toggl.time_entry where time_entry_id = 3 and workspace_id = 7',
                  $$values ('2026-07-01 11:00Z'::timestamptz, 3600::bigint)$$, 'and was stopped');

-- ---- deletions

select pg_temp.tell(pg_temp.change(40, 1, 'created', 4, '{"id":4,"start":"2026-07-01T10:00:00Z","description":"a"}'));
select pg_temp.tell(pg_temp.change(41, 5, 'deleted', 4, '{"id":4,"start":"2026-07-01T10:00:00Z","description":"b","server_deleted_at":"2026-07-01T10:04:00Z"}'));
select is(pg_temp.entry(4), 'b gone 10:04 changed 10:05 41 6 payload 10:05 41', 'deleted with all its fields');
select pg_temp.tell(pg_temp.change(42, 4, 'updated', 4, '{"id":4,"start":"2026-07-01T10:00:00Z","description":"late"}'));
select is(pg_temp.entry(4), 'b gone 10:04 changed 10:05 41 6 payload 10:05 41', 'a late update does not bring it back');
select pg_temp.tell(pg_temp.change(43, 6, 'created', 4, '{"id":4,"start":"2026-07-01T10:00:00Z","description":"again"}'));
select is(pg_temp.entry(4), 'again changed 10:06 43 6 payload 10:06 43', 'one that was made again does');
select pg_temp.tell(pg_temp.change(44, 7, 'deleted', 4, '{"id":4,"start":"2026-07-01T10:00:00Z","description":"c"}'));
select is(pg_temp.entry(4), 'c gone 10:07 changed 10:07 44 5 payload 10:07 44', 'deleted without saying when: then');
select pg_temp.tell(pg_temp.change(45, 8, 'updated', 4, '{"id":4,"start":"2026-07-01T10:00:00Z","description":"d","server_deleted_at":"2026-07-01T10:07:30Z"}'));
select is(pg_temp.entry(4), 'd gone 10:07 changed 10:08 45 6 payload 10:08 45', 'an update may say that it was deleted');

select pg_temp.tell(pg_temp.change(50, 1, 'created', 5, '{"id":5,"start":"2026-07-01T10:00:00Z","description":"a"}'));
select pg_temp.tell(pg_temp.change(51, 5, 'deleted', 5, '{"id":5}'));
select is(pg_temp.entry(5), 'a gone 10:05 changed 10:05 51 6 payload 10:01 50', 'deleted by number only: what was known of it stays');
select pg_temp.tell(pg_temp.change(52, 4, 'updated', 5, '{"id":5,"start":"2026-07-01T10:00:00Z","description":"late"}'));
select is(pg_temp.entry(5), 'late gone 10:05 changed 10:05 51 6 payload 10:04 52', 'a late update tells more of it, and does not bring it back');
select pg_temp.tell(pg_temp.change(53, 3, 'deleted', 5, '{"id":5,"at":"2026-07-01T10:03:00Z","workspace_id":7}'));
select is(pg_temp.entry(5), 'late gone 10:05 changed 10:05 51 6 payload 10:04 52', 'an earlier deletion does nothing');
select pg_temp.tell(pg_temp.change(54, 6, 'updated', 5, '{"id":5,"start":"2026-07-01T10:00:00Z","description":"back"}'));
select is(pg_temp.entry(5), 'back gone 10:05 changed 10:06 54 5 payload 10:06 54', 'nor does a later one: only a creation does');
select is(pg_temp.tell(pg_temp.change(60, 5, 'deleted', null, 'null')), '', 'deleted without a payload');
select is(pg_temp.entry(30), 'gone 10:05 changed 10:05 60 5 -infinity 0 bare', 'the metadata names it');
select pg_temp.tell(pg_temp.change(61, 3, 'created', 30, '{"id":30,"start":"2026-07-01T10:00:00Z","description":"a"}'));
select is(pg_temp.entry(30), 'a gone 10:05 changed 10:05 60 5 payload 10:03 61', 'what was before may come after');
select pg_temp.tell(pg_temp.change(70, 1, 'created', 6, '{"id":6,"start":"2026-07-01T10:00:00Z","description":"a"}'), pg_temp.change(71, 3, 'deleted', 6, '{"id":6}'),
                    pg_temp.change(72, 2, 'updated', 6, '{"id":6,"start":"2026-07-01T10:00:00Z","description":"b"}'), pg_temp.change(73, 2, 'deleted', 6, '{}'),
                    pg_temp.change(74, 1, 'created', 66, '{"id":66,"start":"2026-07-01T10:00:00Z"}'));
select is(pg_temp.entry(6), 'b gone 10:03 changed 10:03 71 6 payload 10:02 72', 'all of it in one batch');
select pg_temp.tell(pg_temp.change(75, 3, 'deleted', 67, '{"id":67}'), pg_temp.change(76, 3, 'updated', 67, '{"id":67,"start":"2026-07-01T10:00:00Z","description":"a"}'));
select is(pg_temp.entry(67), 'a gone 10:03 changed 10:03 76 5 payload 10:03 76', 'also within one second');
select pg_temp.tell(pg_temp.change(77, 3, 'updated', 68, '{"id":68,"start":"2026-07-01T10:00:00Z","description":"a"}'), pg_temp.change(78, 3, 'deleted', 68, '{"id":68}'));
select is(pg_temp.entry(68), 'a gone 10:03 changed 10:03 78 5 payload 10:03 77', 'and the other way round');
select is(pg_temp.tell(pg_temp.change(79, 3, 'updated', null, 'null'), pg_temp.change(80, 3, 'created', null, '{"start":"2026-07-01T10:00:00Z"}')), '',
          'events that name no entity are recorded');

-- ---- other kinds

select pg_temp.tell(pg_temp.change(90, 1, 'created', 1, '{"id":1,"name":"w","ical_enabled":true,"ical_url":"hush"}', 'workspace'),
                    pg_temp.change(91, 2, 'updated', null, '{"name":"x","api_token":"hush"}', 'workspace'));
select results_eq('select workspace_id, name, ical_enabled, changed_event_id, payload::text from toggl.workspace',
                  $$values (7::bigint, 'x', null::boolean, 91::bigint, '{"name": "x"}')$$, 'a workspace is one row, whatever its events name');
select pg_temp.tell(pg_temp.change(92, 3, 'deleted', 7, '{"id":7}', 'workspace'));
select results_eq('select name, deleted_at from toggl.workspace', $$values ('x', '2026-07-01 10:03Z'::timestamptz)$$, 'and may be deleted');
select pg_temp.tell(pg_temp.change(100, 1, 'created', 31, '{"id":31,"a":1}', 'widget'), pg_temp.change(101, 1, 'created', 31, '{"id":31,"b":1}', 'gadget'),
                    pg_temp.change(102, 1, 'created', 31, '{"id":31,"c":1,"api_token":"hush"}', 'other_entity'));
select results_eq('select model, entity_id, payload::text, deleted_at from toggl.other_entity order by 1',
                  $$values ('gadget', 31::bigint, '{"b": 1, "id": 31}', null::timestamptz), ('other_entity', 31, '{"c": 1, "id": 31}', null),
                           ('widget', 31, '{"a": 1, "id": 31}', null)$$, 'kinds that nobody knows');
select pg_temp.tell(pg_temp.change(103, 2, 'deleted', null, 'null', 'widget'),
                    pg_temp.change(104, 2, 'deleted', 31, '{"id":31,"server_deleted_at":"2026-07-01T10:01:30Z","b":2}', 'gadget'),
                    pg_temp.change(105, 2, 'updated', 31, '{"id":31,"deleted_at":"soon"}', 'other_entity'));
select results_eq('select model, payload::text, deleted_at from toggl.other_entity order by 1',
                  $$values ('gadget', '{"b": 2, "id": 31, "server_deleted_at": "2026-07-01T10:01:30Z"}', '2026-07-01 10:01:30Z'::timestamptz),
                           ('other_entity', '{"id": 31, "deleted_at": "soon"}', null), ('widget', '{"a": 1, "id": 31}', '2026-07-01 10:02Z')$$,
                  'are deleted and changed like the others');
select results_eq('select model, field, found, count from ledger.drift', $$values ('other_entity', 'deleted_at', 'value', 1::bigint)$$,
                  'and what is odd in them is counted');

-- ---- counters

delete from ledger.drift;
select pg_temp.tell(pg_temp.change(110, 1, 'created', 7, '{"id":7,"start":"soon","stop":"later","duration":60}'),
                    pg_temp.change(111, 2, 'updated', 7, '{"id":7,"start":"now","duration":60}'),
                    pg_temp.change(112, 3, 'updated', 7, '{"id":7,"start":"2026-07-01T10:00:00Z","duration":"60"}'),
                    pg_temp.change(113, 4, 'deleted', 7, '{"id":7,"at":"odd"}'),
                    pg_temp.change(114, 5, 'created', null, '{"start":"odd"}'),
                    pg_temp.change(115, 1, 'created', 8, '{"id":8,"start":"2026-07-01T10:00:00Z","description":"fine","duration":60}'));
create temp view counted as select model, field, found, sum(count) as count from ledger.drift group by 1, 2, 3;
select set_eq('table counted', $$values ('time_entry', 'start_at', 'value', 2::numeric), ('time_entry', 'stop_at', 'value', 1),
                                        ('time_entry', 'duration_seconds', 'string', 1)$$,
              'each odd value once: of every change that tells of an entity, not of the latest only');
-- as if another transaction had recorded them
update ledger.event set txid = '3';
select is(pg_temp.entry(8), 'fine changed 10:01 115 6 payload 10:01 115', 'a neighbour has nothing of it');
select results_eq('select duration_seconds from toggl.time_entry where time_entry_id in (7, 8) order by time_entry_id', 'values (null::bigint), (60)',
                  'but its own values');
select is(pg_temp.tell(pg_temp.change(111, 2, 'updated', 7, '{"id":7,"start":"now","duration":60}'),
                       pg_temp.change(116, 6, 'updated', 7, '{"id":7,"start":"then","duration":60}')), 'dr', 'one again and one new');
select results_eq($$select count from counted where field = 'start_at'$$, 'values (3::numeric)', 'counts the new one');
select is(pg_temp.tell(pg_temp.change(117, 0, 'updated', 7, '{"id":7,"billable":"late and odd"}')), '', 'odd, and late');
select results_eq($$select found, count from counted where field = 'billable'$$, $$values ('string', 1::numeric)$$, 'counts too');
select is((select array_agg(slot) from ledger.drift), array_fill((pg_backend_pid() % 16)::smallint, array[(select count(*)::integer from ledger.drift)]),
          'in the slot of the session');

-- ---- one odd value among thirty

select lives_ok($$
  select receiver.append(array_agg(101::bigint), array_agg(201::bigint), array_agg(null::bigint), array_agg(200 + n), array_agg('2026-07-01Z'::timestamptz), array_agg(now()),
                         array_agg(5::bigint), array_agg(200 + n), array_agg(case when n % 3 = 0 then 'project' else 'time_entry' end), array_agg('created'::text),
                         array_agg('\xab'::bytea), array_agg(format('{"payload":{"id":%s,"name":"x","start":"2026-07-01T10:00:00Z","description":"d","duration":60,"tag_ids":%s}}',
                                                                     200 + n, case when n = 17 then '[1,"x"]' else '[1]' end)::json), 'webhook')
  from generate_series(1, 30) n$$, 'thirty events, one with an odd value');
select results_eq(
  $$select description, duration_seconds, tag_ids, payload -> 'tag_ids', count(*) from toggl.time_entry where time_entry_id > 200 group by 1, 2, 3, 4 order by 5$$,
  $$values ('d', 60::bigint, null::bigint[], '[1, "x"]'::jsonb, 1::bigint), ('d', 60, '{1}', '[1]', 19)$$, 'its column is null, all others are as they should be');
select results_eq($$select name, count(*) from toggl.project group by 1$$, $$values ('x', 10::bigint)$$, 'in the other tables too');

-- ---- secrets

select pg_temp.tell(
  pg_temp.change(300, 1, 'created', 300, '{"id":300,"name":"x","api_token":"hush","invite\u005furl":"hush","a":[{"\u0061pi_token":"hush","b":{"ical_url":["hush"],"c":{"invitation_code":{"d":"hush"}}}}],"kept":"api_token"}', 'workspace_user'),
  pg_temp.change(301, 1, 'created', 301, format('{"id":301,"name":"x","n":1e200000,"a":{"ical_url":"hush","b":"\u0000"},"large":"%s","c":[{"api_token":"hush"},1]}', repeat('x', 70000)), 'client'));
select is((select payload::text from toggl.workspace_user) || (select (payload - 'large')::text from toggl.client),
          '{"a": [{"b": {"c": {}}}], "id": 300, "kept": "api_token", "name": "x"}' || '{"n": "1e200000", "id": 301, "name": "x"}',
          'secrets are left out at any depth and however they are spelled; of what is very large all that they are in');
select is_empty($$select w::text from toggl.workspace w where w::text like '%hush%' union all select w::text from toggl.workspace_user w where w::text like '%hush%'
                  union all select w::text from toggl.client w where w::text like '%hush%' union all select w::text from toggl.other_entity w where w::text like '%hush%'$$,
                'none is in any column');

select * from finish();
rollback;
