-- The views of schema toggl, on the sample data of tests/data/sample.sql.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap;
select plan(21);
\o /dev/null
\ir ../data/sample.sql
\o

-- ---- users, time_entries, running

select results_eq(
  'select user_id, user_name, user_email, deleted_at from toggl.users order by user_id',
  $$values (9000001::bigint, 'Ada Lind', 'ada@example.org', null::timestamptz), (9000002, 'Ben Okoro', 'ben@example.org', null),
           (9000003, 'Chloé Roy', 'chloe@example.org', null), (9000004, 'Dan Sousa', 'dan@example.org', null)$$,
  'a user is one row; of one who came back the row of today');
select is((select count(*) from toggl.time_entries), (select count(*) from toggl.time_entry where deleted_at is null),
          'each entry that is not deleted is one row');
select results_eq(
  'select user_name, project_name, client_name, task_name, tag_names from toggl.time_entries where time_entry_id = 3001',
  $$values ('Ada Lind', 'Website', 'Acme', 'Design', array['urgent'])$$, 'with its names');
select is(tag_names, '{remote,urgent}', 'tags by their names of today, in their order') from toggl.time_entries where time_entry_id = 3002;
select is(tag_names, '{urgent,vip}', 'as the entry names them when one was never seen') from toggl.time_entries where time_entry_id = 3009;
select is(tag_names, '{}', 'no tags: an empty list') from toggl.time_entries where time_entry_id = 3004;
select results_eq(
  'select project_id, project_name, client_name from toggl.time_entries where time_entry_id = 3009',
  'values (699::bigint, null::text, null::text)', 'a project that was never seen: no name, and no lost row');
select is_empty('select from toggl.time_entries where time_entry_id = 3011', 'a deleted entry is not there');
select results_eq('select time_entry_id, stop_at, duration_seconds from toggl.time_entries where time_entry_id in (3013, 3014) order by 1',
                  'values (3013::bigint, null::timestamptz, null::bigint), (3014, null, 5400)', 'a running one is, and one without a stop');
update toggl.time_entry set tag_ids = null, tags = '{b,a}' where time_entry_id = 3004;
select is(tag_names, '{a,b}', 'tags by name only') from toggl.time_entries where time_entry_id = 3004;
update toggl.time_entry set tag_ids = '{899,802}', tags = null where time_entry_id = 3004;
select is(tag_names, '{remote}', 'tags by number only') from toggl.time_entries where time_entry_id = 3004;
update toggl.time_entry set tag_ids = '{899}', tags = '{}' where time_entry_id = 3004;
select is(tag_names, '{}', 'tags that nobody can name') from toggl.time_entries where time_entry_id = 3004;

select results_eq(
  'select time_entry_id, user_name, project_name, description, start_at from toggl.running',
  $$values (3013::bigint, 'Ben Okoro', 'Website', 'Deploy', timestamptz '2026-06-03 06:00Z')$$, 'who is tracking what, since when');
update toggl.time_entry set start_at = now() - interval '26 hours 3.5 seconds' where time_entry_id = 3013;
select results_eq('select running_seconds, running_for from toggl.running', $$values (93603::bigint, interval '1 day 02:00:03')$$, 'for how long');
update toggl.time_entry set start_at = now() + interval '1 minute' where time_entry_id = 3013;
select results_eq('select running_seconds, running_for from toggl.running', $$values (0::bigint, interval '0')$$, 'a clock ahead of ours: not yet');
update toggl.time_entry set deleted_at = now() where time_entry_id = 3013;
select is_empty('select from toggl.running', 'a deleted timer does not run');

update toggl.workspace_user set deleted_at = '2026-05-01', name = 'Of ' || email where user_id = 9000003;
select is((select user_name from toggl.users where user_id = 9000003), 'Of chloe@example.org', 'of one who left twice the row that changed last');
insert into toggl.workspace_user (workspace_id, workspace_user_id, user_id, name, changed_at, changed_event_id, payload_at, payload_event_id)
values (555, 1, 9000003, 'Elsewhere', now(), 1, now(), 1);
select is((select count(*) from toggl.time_entries where user_id = 9000003), 4::bigint, 'nor does another workspace double a row');

-- ---- the plans

create function pg_temp.plan_of(query text) returns text language plpgsql as $$
declare
  line text;
  lines text := '';
begin
  for line in execute 'explain ' || query loop
    lines := lines || line || E'\n';
  end loop;
  return lines;
end
$$;
insert into toggl.time_entry (workspace_id, time_entry_id, user_id, start_at, stop_at, duration_seconds, changed_at, changed_event_id, payload_at, payload_event_id)
select 7435584, n, 9000001, timestamptz '2026-01-01' + n * interval '1 hour', timestamptz '2026-01-01' + n * interval '1 hour', 60, now(), 1, now(), 1
from generate_series(10001, 20000) n;
analyze toggl.time_entry;
select matches(pg_temp.plan_of('select * from toggl.time_entries order by start_at desc limit 100'), 'Index Scan Backward using time_entry_start',
               'the newest entries come by index');
select matches(pg_temp.plan_of($$select * from toggl.time_entries where start_at >= '2026-05-01' and start_at < '2026-05-02'$$),
               'Index Scan using time_entry_start', 'and those of a range');
select matches(pg_temp.plan_of('select * from toggl.running'), 'Index Scan using time_entry_running', 'and those that run');

select * from finish();
rollback;
