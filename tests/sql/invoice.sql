-- Invoices: what is kept, and what is different since.
begin;
set local client_min_messages = warning;
set local timezone = 'America/New_York';
create extension if not exists pgtap;
select plan(40);
\o /dev/null
\ir ../data/tell.sql
\o

-- Told before the freeze happened yesterday, after it tomorrow, unless said otherwise.
create function pg_temp.entry(
  event bigint, entry bigint, start text, seconds bigint default 3600, project bigint default 1, words text default 'x', more text default '',
  created timestamptz default now() + interval '1 day', action text default 'updated', workspace bigint default 7435584)
returns void language sql as $$
  select pg_temp.tell(event, created, action,
    format('{"id":%s,"user_id":5,"project_id":%s,"description":%s,"start":"%s","stop":"%s","duration":%s,"billable":true,"tags":["b","a"]%s}',
           entry, coalesce(project::text, 'null'), to_json(words), start, start, seconds, more), entry, workspace => workspace)
$$;
create function pg_temp.before(event bigint, entry bigint, start text, seconds bigint default 3600, project bigint default 1,
                               workspace bigint default 7435584) returns void language sql as
  $$ select pg_temp.entry(event, entry, start, seconds, project, created => now() - interval '1 day', action => 'created', workspace => workspace) $$;
create temp view changed as
  select time_entry_id as entry, change, field, old_value, new_value from toggl.invoice_change where name = 'May';

\o /dev/null
select pg_temp.tell(1, now() - interval '2 days', 'created', '{"id":1,"client_id":90,"name":"Website"}', 1, 'project');
select pg_temp.tell(2, now() - interval '2 days', 'created', '{"id":2,"client_id":91,"name":"App"}', 2, 'project');
select pg_temp.tell(3, now() - interval '2 days', 'created', '{"id":90,"name":"Acme"}', 90, 'client');
select pg_temp.tell(4, now() - interval '2 days', 'created', '{"id":8,"user_id":5,"name":"Ann"}', 8, 'workspace_user');
-- the first and the last second of May in Berlin, and those beside them
select pg_temp.before(11, 101, '2026-04-30T21:59:59Z'), pg_temp.before(12, 102, '2026-04-30T22:00:00Z'),
       pg_temp.before(13, 103, '2026-05-31T21:59:59Z'), pg_temp.before(14, 104, '2026-05-31T22:00:00Z');
select pg_temp.before(15, 105, '2026-05-10T10:00:00Z', 60), pg_temp.before(16, 106, '2026-05-11T10:00:00Z', -1),
       pg_temp.before(17, 107, '2026-05-12T10:00:00Z'), pg_temp.before(18, 108, '2026-05-13T10:00:00Z'),
       pg_temp.before(19, 109, '2026-05-14T10:00:00Z'), pg_temp.before(20, 110, '2026-05-15T10:00:00Z', project => 2),
       pg_temp.before(21, 111, '2026-05-16T10:00:00Z', project => null), pg_temp.before(22, 112, '2026-05-17T10:00:00Z', workspace => 555);
select pg_temp.before(23, 113, '2026-05-18T10:00:00Z');
select pg_temp.tell(24, now() - interval '1 hour', 'deleted', '{"id":113}', 113);
\o

-- ---- freeze

select results_eq($$select entries, seconds from operator.invoice_freeze('May', '2026-05-01', '2026-06-01', 'Europe/Berlin', null, 90, null)$$,
                  $$values (7::bigint, 5 * 3600 + 60::bigint + 0)$$, 'the entries of a client''s projects, in days of a zone');
select results_eq($$select entries from operator.invoice_freeze('all', '2026-05-01', '2026-06-01', 'Europe/Berlin', null, null, null)$$,
                  array[10::bigint], 'of everybody');
select results_eq($$select entries from operator.invoice_freeze('555', '2026-05-01', '2026-06-01', 'Europe/Berlin', 555, null, null)$$,
                  array[1::bigint], 'of a workspace');
select results_eq($$select entries from operator.invoice_freeze('App', '2026-05-15', '2026-05-16', 'Pacific/Kiritimati', null, null, 2)$$,
                  array[0::bigint], 'of a project, where the day is another');
select results_eq(
  $$select entry from ledger.invoice_entry where time_entry_id = 105 limit 1$$,
  $$values ('{"user_id":5,"project_id":1,"task_id":null,"description":"x","start_at":"2026-05-10T10:00:00+00:00",
              "stop_at":"2026-05-10T10:00:00+00:00","duration_seconds":60,"billable":true,"tags":["a","b"]}'::jsonb)$$,
  'as they are, in UTC and in order');
select throws_ok(format($$select operator.invoice_freeze(%L, %L, %L, %L, null, %s, null)$$, name, from_day, until_day, zone, client), '22023', null, why)
from (values ('May', '2026-05-01', '2026-06-01', 'UTC', 'null', 'a name is used once'), ('', '2026-05-01', '2026-06-01', 'UTC', 'null', 'a name is not empty'),
             ('x', '2026-06-01', '2026-06-01', 'UTC', 'null', 'a range is not empty'), ('x', 'yesterday', '2026-06-01', 'UTC', 'null', 'a day is a day'),
             ('x', '2026-05-01', '2026-06-01', 'Berlin', 'null', 'a zone is a zone'), ('x', '2026-05-01', '2026-06-01', 'UTC', '99', 'a client is known')) t
       (name, from_day, until_day, zone, client, why);
select throws_ok($$select operator.invoice_freeze('x', '2026-02-01', '2026-02-30', 'UTC', null, null, null)$$, '22008', null, 'a day exists');
select throws_ok($$select operator.invoice_freeze('x', '2026-02-01', '2026-02-03', 'UTC', 99, null, null)$$, '22023', null, 'a workspace is known');
select throws_ok($$select operator.invoice_freeze('x', '2026-02-01', '2026-02-03', 'UTC', null, null, 99)$$, '22023', null, 'a project is known');
select is_empty($$select from toggl.invoice_change$$, 'nothing is different yet');
set local timezone = 'Asia/Kolkata';
select is_empty($$select from toggl.invoice_change$$, 'in another time zone neither');

-- ---- what is different since

\o /dev/null
select pg_temp.entry(31, 105, '2026-05-10T10:00:00Z', 90, words => 'y');
select pg_temp.entry(32, 106, '2026-05-11T10:00:00Z', 1800);
select pg_temp.entry(33, 107, '2026-06-12T10:00:00Z');
select pg_temp.entry(34, 108, '2026-05-13T10:00:00Z', project => 2);
select pg_temp.tell(35, now() + interval '1 day', 'deleted', '{"id":109}', 109, creator => 6);
select pg_temp.entry(36, 110, '2026-05-15T10:00:00Z');
select pg_temp.entry(37, 104, '2026-05-31T21:00:00Z');
select pg_temp.entry(38, 201, '2026-05-20T10:00:00Z', action => 'created');
-- happened before, arrives now
select pg_temp.entry(39, 202, '2026-05-21T10:00:00Z', created => now() - interval '3 hours', action => 'created');
select pg_temp.entry(40, 102, '2026-04-30T22:00:00Z', 3601, created => now() - interval '3 hours');
-- changes nothing of the invoice
select pg_temp.entry(41, 103, '2026-05-31T21:59:59+00:00', more => ',"tag_ids":[1],"at":"2026-07-01T00:00:00Z"');
\o
select bag_eq('select entry, change, field, old_value, new_value from changed where change not in (''added'', ''moved in'')',
  $$values (102::bigint, 'changed', 'duration_seconds', '3600', '3601'),
           (105, 'changed', 'duration_seconds', '60', '90'), (105, 'changed', 'description', 'x', 'y'),
           (106, 'changed', 'duration_seconds', '0', '1800'),
           (107, 'moved out', 'start_at', '2026-05-12T10:00:00+00:00', '2026-06-12T10:00:00+00:00'),
           (107, 'moved out', 'stop_at', '2026-05-12T10:00:00+00:00', '2026-06-12T10:00:00+00:00'),
           (108, 'moved out', 'project_id', '1', '2'), (108, 'moved out', 'client_id', '90', '91'),
           (109, 'deleted', 'deleted_at', null, (select to_jsonb((now() + interval '1 day') at time zone 'UTC') #>> '{}') || '+00:00')$$,
  'changed, moved out, deleted: field by field, old and new');
select bag_eq($$select entry, change, new_value from changed where field = 'start_at' and change in ('added', 'moved in')$$,
  $$values (104::bigint, 'moved in', '2026-05-31T21:00:00+00:00'), (110, 'moved in', '2026-05-15T10:00:00+00:00'),
           (201, 'added', '2026-05-20T10:00:00+00:00'), (202, 'added', '2026-05-21T10:00:00+00:00')$$, 'moved in, added');
select bag_eq($$select field, old_value, new_value from changed where entry = 201$$,
  $$values ('user_id', null, '5'), ('project_id', null, '1'), ('description', null, 'x'), ('start_at', null, '2026-05-20T10:00:00+00:00'),
           ('stop_at', null, '2026-05-20T10:00:00+00:00'), ('duration_seconds', null, '3600'), ('billable', null, 'true'),
           ('tags', null, '["a", "b"]')$$, 'with all it has');
select is(array_agg(distinct time_entry_id order by time_entry_id), '{102,202}', 'what happened before and was recorded after says so')
from toggl.invoice_change where name = 'May' and was_late;
select results_eq($$select distinct time_entry_id, changed_by, changed_by_name from toggl.invoice_change where name = 'May' and time_entry_id in (105, 109)$$,
                  $$values (105::bigint, 5::bigint, 'Ann'), (109, 6, null)$$, 'who did it');
select is_empty($$select from toggl.invoice_change where name = 'App'$$,
              'another invoice has its own');
select results_eq($$select entries, seconds, entries_now, seconds_now, client_name from toggl.invoice where name = 'May'$$,
                  $$values (7::bigint, 5 * 3600 + 60::bigint, 8::bigint, 3601 + 90 + 1800 + 5 * 3600::bigint, 'Acme')$$, 'what it came to, and would now');

-- A project that gets another client takes its entries along.
\o /dev/null
select pg_temp.tell(50, now() + interval '2 days', 'updated', '{"id":1,"client_id":91,"name":"Website"}', 1, 'project', creator => 6);
select pg_temp.tell(51, now() + interval '2 days', 'updated', '{"id":2,"client_id":90,"name":"App"}', 2, 'project', creator => 6);
\o
select results_eq(
  $$select change, field, old_value, new_value, changed_at, changed_by, was_late from toggl.invoice_change where name = 'May' and time_entry_id = 103$$,
  $$values ('moved out', 'client_id', '90', '91', now() + interval '2 days', 6::bigint, false)$$, 'by the project''s change');
select is_empty($$select from toggl.invoice_change where name = 'May' and time_entry_id = 110$$, 'one that came and went is not there');
select bag_eq($$select entry, change from changed where field = 'project_id'$$, $$values (108::bigint, 'changed')$$,
              'and one that went is back in another project');

-- ---- of odd values

\o /dev/null
select pg_temp.tell(60, now() + interval '3 days', 'updated', '{"id":105,"description":"\u0000","start":"soon","duration":1e200000}', 105);
select pg_temp.entry(61, 301, '2026-05-25T10:00:00Z', 9223372036854775807, project => 2),
       pg_temp.entry(62, 302, '2026-05-25T10:00:00Z', 9223372036854775807, project => 2);
\o
select bag_eq($$select change, field, new_value from changed where entry = 105 and field in ('start_at', 'duration_seconds', 'description')$$,
              $$values ('moved out', 'start_at', null), ('moved out', 'duration_seconds', null), ('moved out', 'description', U&'\FFFD')$$,
              'an entry that cannot be read any more is shown');
select is(seconds_now, 8000003600, 'absurd durations are no error') from toggl.invoice where name = 'May';
\o /dev/null
delete from toggl.time_entry where time_entry_id = 105;
\o
select results_eq($$select change, field, new_value, changed_at from toggl.invoice_change where name = 'May' and time_entry_id = 105$$,
                  $$values ('deleted', 'deleted_at', null::text, null::timestamptz)$$, 'so is one that is gone without a trace');

-- ---- list, changes, thaw

select results_eq($$select name, zone, client, workspace_id, entries from operator.invoice_list()$$,
  $$values ('May', 'Europe/Berlin', 'Acme', null::bigint, 7::bigint), ('all', 'Europe/Berlin', null, null, 10),
           ('555', 'Europe/Berlin', null, 555, 1), ('App', 'Pacific/Kiritimati', null, null, 0)$$, 'all of them');
select is((select count(*) from operator.invoice_changes('May')), (select count(*) from changed), 'the changes of one');
select is_empty($$select * from operator.invoice_changes('555')$$, 'or none');
select throws_ok($$select operator.invoice_changes('June')$$, 'P0002', null, 'of one that there is');
select throws_ok($$select operator.invoice_thaw('June')$$, 'P0002', null, 'which thaw minds too');
select operator.invoice_thaw('May');
select is_empty($$select from toggl.invoice_change where name = 'May'$$, 'thawed, it is forgotten');
select is_empty($$select from ledger.invoice_entry e where not exists (select from ledger.invoice i where i.invoice_id = e.invoice_id)$$, 'wholly');
select is(entries, 3::bigint, 'and the name is free') from operator.invoice_freeze('May', '2026-05-01', '2026-06-01', 'Europe/Berlin', null, 90, null);

\ir ../../sql/functions/roles.sql
set local role hookledger_reader;
select isnt_empty('select * from toggl.invoice', 'a reader sees invoices');
select lives_ok('select * from toggl.invoice_change', 'and what is different');
select throws_ok('select * from ledger.invoice_now', '42501', null, 'but not the tables behind');

select * from finish();
rollback;
