-- What time is worth: the sample data of tests/data/sample.sql, and each rule of the rates.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap;
select plan(28);
\o /dev/null
\ir ../data/sample.sql
\o
set local timezone = 'UTC';

create function pg_temp.website() returns table (user_name text, rate numeric, rate_of text, amount numeric) language sql as $$
  select a.user_name, a.rate, a.rate_of, a.amount from toggl.amounts('2026-05-01', '2026-06-01', 'Europe/Berlin') a
  where a.project_id = 601 and a.task_id is null
$$;

-- ---- the sample data

select results_eq(
  $$select project_name, task_name, user_name, hours, rate, rate_of, amount, currency
    from toggl.amounts('2026-05-01', '2026-06-01', 'Europe/Berlin') where rate is not null order by 1, 2, 3$$,
  $$values ('App', 'Build', 'Ben Okoro', 4.0, 70::numeric, 'user', 280::numeric, 'USD'), ('App', null, 'Chloé Roy', 2.8333, 90, 'workspace', 255, 'USD'),
           ('Website', 'Design', 'Ada Lind', 3, 120, 'task', 360, 'EUR'), ('Website', null, 'Ada Lind', 5, 100, 'project', 500, 'EUR'),
           ('Website', null, 'Ben Okoro', 2.5, 80, 'project user', 200, 'EUR')$$, 'a rate of each kind');
select results_eq(
  $$select project_name, currency, billable_hours, amount, unrated_seconds, fixed_fee, cost, uncosted_seconds
    from toggl.amounts_by_project('2026-05-01', '2026-06-01', 'Europe/Berlin')$$,
  $$values ('Flat', 'EUR', 4.0, null::numeric, 0::bigint, 5000::numeric, null::numeric, 14400::bigint), ('Website', 'EUR', 10.5, 1060.00, 0, null, 75.00, 28800),
           ('App', 'USD', 6.8333, 535.00, 0, null, 140.00, 255000), (null, null, 1, null, 3600, null, null, 3600),
           (null, 'EUR', 0, null, 0, null, null, 2700)$$,
  'by project: the fixed fee beside, a project that was never seen without amount and currency');
select results_eq(
  $$select client_name, currency, billable_hours, amount, unrated_seconds, fixed_fee_seconds
    from toggl.amounts_by_client('2026-05-01', '2026-06-01', 'Europe/Berlin')$$,
  $$values ('Acme', 'EUR', 14.5, 1060.00, 0::bigint, 14400::bigint), ('Globex', 'USD', 6.8333, 535.00, 0, 0), (null, 'EUR', 0, null, 0, 0), (null, null, 1, null, 3600, 0)$$,
  'by client');
select results_eq(
  $$select user_name, currency, amount, cost from toggl.amounts_by_user('2026-05-01', '2026-06-01', 'Europe/Berlin')$$,
  $$values ('Ada Lind', 'EUR', 860.00, null::numeric), ('Ada Lind', 'USD', null, null), ('Ada Lind', null, null, null), ('Ben Okoro', 'EUR', 200.00, 75.00),
           ('Ben Okoro', 'USD', 280.00, 140.00), ('Chloé Roy', 'EUR', null, null), ('Chloé Roy', 'USD', 255.00, null)$$, 'by user and currency');
select results_eq(
  $$select bucket_start, amount from toggl.amounts_by_project('2026-04-01', '2026-06-01', 'Europe/Berlin', 'month') where project_name = 'Website'$$,
  $$values (date '2026-04-01', 80.00), ('2026-05-01', 1060.00)$$, 'by month: an hour of the night shift in each');
select is(amount, 400.00, 'a running timer, on demand')
from toggl.amounts_by_client('2026-06-03', '2026-06-04', 'Europe/Berlin', running_until => '2026-06-03 11:00Z');
select is(sum(cost), 215::numeric, 'labor costs are of all time, billable or not') from toggl.amounts('2026-05-01', '2026-06-01', 'Europe/Berlin');

-- ---- one rate after the other is taken away

update toggl.task set rate = null;
select is(rate_of, 'project', 'no rate of the task: that of the project')
from toggl.amounts('2026-05-01', '2026-06-01', 'Europe/Berlin') where task_name = 'Design';
update toggl.project_user set rate = null;
select results_eq('select rate, rate_of from pg_temp.website() order by user_name', $$values (100::numeric, 'project'), (100, 'project')$$, 'none of the member: that of the project');
update toggl.project set rate = null;
select results_eq('select rate, rate_of from pg_temp.website() order by user_name', $$values (90::numeric, 'workspace'), (70, 'user')$$, 'none of the project: that of the user');
update toggl.workspace_user set rate = null;
select results_eq('select rate, rate_of from pg_temp.website() order by user_name', $$values (90::numeric, 'workspace'), (90, 'workspace')$$, 'none of the user: that of the workspace');
update toggl.workspace set default_hourly_rate = 0;
select results_eq('select rate, rate_of, amount from pg_temp.website() order by user_name', $$values (null::numeric, null::text, null::numeric), (null, null, null)$$,
                  'a default of 0 is none: no amount, and not 0');
select is(unrated_seconds, 37800::bigint, 'and the time without a rate is returned')
from toggl.amounts_by_project('2026-05-01', '2026-06-01', 'Europe/Berlin') where project_name = 'Website';
delete from toggl.workspace;
select is(currency, null, 'a workspace that was never seen: no currency') from toggl.amounts_by_project('2026-05-01', '2026-06-01', 'Europe/Berlin') where project_name = 'Flat';
select is(currency, 'USD', 'but that of the project') from toggl.amounts_by_project('2026-05-01', '2026-06-01', 'Europe/Berlin') where project_name = 'App';

-- ---- single rules

update toggl.project set rate = 0 where project_id = 601;
select results_eq('select rate, rate_of, amount from pg_temp.website() where user_name = ''Ada Lind''', $$values (0::numeric, 'project', 0::numeric)$$,
                  'a project that is done for nothing');
update toggl.project set rate = 100 where project_id = 601;
update toggl.project_user set rate = 80;
insert into toggl.project_user (workspace_id, project_user_id, project_id, user_id, rate, deleted_at, changed_at, changed_event_id, payload_at, payload_event_id)
values (7435584, 752, 601, 9000002, 1, '2026-05-01', '2026-05-01', 1, '2026-05-01', 1), (7435584, 753, 601, null, 2, null, now(), 1, now(), 1);
select results_eq('select rate, amount from pg_temp.website() where user_name = ''Ben Okoro''', $$values (80::numeric, 200::numeric)$$, 'a former membership does not count, nor a group''s');
update toggl.project_user set deleted_at = now() where project_user_id = 751;
select is(rate, 1::numeric, 'of two former ones that which changed last') from pg_temp.website() where user_name = 'Ben Okoro';
select is((select count(*) from toggl.amounts('2026-05-01', '2026-06-01', 'Europe/Berlin')), (select count(*) from toggl.hours('2026-05-01', '2026-06-01', 'Europe/Berlin', 'total')),
          'and no row is doubled');
update toggl.time_entry set task_id = 799 where time_entry_id = 3015;
select results_eq($$select rate, currency from toggl.amounts('2026-05-01', '2026-06-01', 'Europe/Berlin') where task_id = 799$$,
                  $$values (null::numeric, 'EUR')$$, 'a task that was never seen: its rate is not known');
update toggl.project set fixed_fee = 0 where project_id = 603;
update toggl.project set rate = 10 where project_id = 603;
select is(amount, 40.00, 'a fixed fee of 0 is none') from toggl.amounts_by_project('2026-05-01', '2026-06-01', 'Europe/Berlin') where project_name = 'Flat';
update toggl.project set fixed_fee = 10, rate = 10 where project_id = 603;
select results_eq($$select amount, fixed_fee, unrated_seconds from toggl.amounts_by_project('2026-05-01', '2026-06-01', 'Europe/Berlin') where project_name = 'Flat'$$,
                  $$values (null::numeric, 10::numeric, 0::bigint)$$, 'with a fixed fee the hours earn nothing, whatever the rate');
update toggl.time_entry set billable = null where time_entry_id = 3003;
select is(amount, 1.00, 'nobody said that it is billable: it is not')
from toggl.amounts_by_user('2026-05-01', '2026-06-01', 'Europe/Berlin') where user_name = 'Ben Okoro' and currency = 'EUR';

-- ---- rounding

delete from toggl.time_entry;
update toggl.project set rate = 100 where project_id = 601;
update toggl.project_user set rate = null;
insert into toggl.time_entry (workspace_id, time_entry_id, user_id, project_id, start_at, duration_seconds, billable, changed_at, changed_event_id, payload_at, payload_event_id)
select 7435584, n, 9000000 + n, 601, '2026-05-04 08:00Z', 1200, true, now(), 1, now(), 1 from generate_series(1, 3) n;
select is(sum(amount), 99.9999999999999999, 'three thirds of a hundred, one by one') from toggl.amounts('2026-05-01', '2026-06-01');
select is(amount, 100.00, 'the sum is rounded once') from toggl.amounts_by_project('2026-05-01', '2026-06-01');
update toggl.time_entry set duration_seconds = 9 where time_entry_id = 1;
update toggl.project set rate = 2 where project_id = 601;
delete from toggl.time_entry where time_entry_id > 1;
select is(amount, 0.01, 'half a cent is one') from toggl.amounts_by_project('2026-05-01', '2026-06-01');
update toggl.time_entry set duration_seconds = 8;
select is(amount, 0.00, 'less is none') from toggl.amounts_by_project('2026-05-01', '2026-06-01');
update toggl.project set rate = 1e14, currency = null where project_id = 601;
update toggl.time_entry set duration_seconds = 9223372036854775807;
select lives_ok($$select * from toggl.amounts_by_client('-infinity', 'infinity', bucket => 'total')$$, 'no number is too large');

select * from finish();
rollback;
