-- Time by bucket, zone and group: numbers computed by hand, on the sample data of
-- tests/data/sample.sql and on entries around the days when clocks change.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap;
select plan(67);
\o /dev/null
\ir ../data/sample.sql
\o

-- ---- the sample data, May in Berlin

select results_eq(
  $$select client_name, project_name, seconds, hours, billable_seconds, billable_hours
    from toggl.hours_by_project('2026-05-01', '2026-06-01', 'Europe/Berlin')$$,
  $$values ('Globex', 'App', 269400::bigint, 74.8333, 24600::bigint, 6.8333), ('Acme', 'Website', 37800, 10.5, 37800, 10.5),
           ('Acme', 'Flat', 14400, 4, 14400, 4), (null, null, 3600, 1, 3600, 1), (null, null, 2700, 0.75, 0, 0)$$, 'by project');
select results_eq(
  $$select client_name, hours, billable_hours from toggl.hours_by_client('2026-05-01', '2026-06-01', 'Europe/Berlin')$$,
  $$values ('Globex', 74.8333, 6.8333), ('Acme', 14.5, 14.5), (null, 1.75, 1.0)$$, 'by client');
select results_eq(
  $$select user_name, hours, billable_hours from toggl.hours_by_user('2026-05-01', '2026-06-01', 'Europe/Berlin')$$,
  $$values ('Chloé Roy', 70.8333, 6.8333), ('Ada Lind', 13.75, 9.0), ('Ben Okoro', 6.5, 6.5)$$, 'by user');
select results_eq(
  $$select tag_id, tag_name, hours from toggl.hours_by_tag('2026-05-01', '2026-06-01', 'Europe/Berlin')$$,
  $$values (null::bigint, null::text, 82.5833), (801, 'urgent', 8.5), (802, 'remote', 4.5), (null, 'vip', 1.0)$$,
  'by tag: two tags, two rows; one that was never seen by the entry''s own name');
select is(sum(seconds), 327900::numeric, 'the whole, by the finest grain') from toggl.hours('2026-05-01', '2026-06-01', 'Europe/Berlin');
select results_eq(
  $$select bucket_start, user_name, project_name, task_name, billable, seconds
    from toggl.hours('2026-05-05', '2026-05-07', 'Europe/Berlin') order by bucket_start, user_name, project_name$$,
  $$values (date '2026-05-05', 'Ben Okoro', 'App', 'Build', true, 7200::bigint), ('2026-05-06', 'Ben Okoro', 'App', 'Build', true, 7200),
           ('2026-05-06', 'Chloé Roy', 'App', null, true, 4800), ('2026-05-06', 'Chloé Roy', 'Flat', null, true, 14400)$$,
  'by day, with names: midnight in Berlin divides the release');
select results_eq(
  $$select bucket_start, seconds from toggl.hours_by_user('2026-05-05', '2026-05-07', 'UTC', 'day') where user_name = 'Ben Okoro'$$,
  $$values (date '2026-05-05', 14400::bigint)$$, 'and in UTC does not');
select results_eq(
  $$select bucket_start, sum(seconds) from toggl.hours('2026-04-30', '2026-06-01', 'Europe/Berlin', 'week') group by 1 order by 1$$,
  $$values (date '2026-04-27', 7200::numeric), ('2026-05-04', 266700), ('2026-05-11', 43200), ('2026-05-25', 14400)$$, 'by week, from Monday');
select results_eq(
  $$select bucket_start, sum(seconds) from toggl.hours('2026-04-01', '2026-07-01', 'Europe/Berlin', 'month') group by 1 order by 1$$,
  $$values (date '2026-04-01', 3600::numeric), ('2026-05-01', 327900), ('2026-06-01', 129600)$$, 'by month');
select results_eq(
  $$select bucket_start, sum(seconds) from toggl.hours('2026-02-10', '2027-01-01', 'Europe/Berlin', 'quarter') group by 1$$,
  $$values (date '2026-04-01', 461100::numeric)$$, 'by quarter');
select results_eq(
  $$select bucket_start, sum(seconds) from toggl.hours('2026-02-10', '2027-01-01', 'Europe/Berlin', 'year') group by 1$$,
  $$values (date '2026-01-01', 461100::numeric)$$, 'by year');
select results_eq(
  $$select bucket_start, sum(seconds) from toggl.hours('-infinity', 'infinity', 'Europe/Berlin', 'total') group by 1$$,
  $$values ('-infinity'::date, 461100::numeric)$$, 'all of time');

-- ---- what counts

select is((select seconds from toggl.hours_by_project('2026-06-01', '2026-07-01', 'Europe/Berlin') where project_name = 'App'), 129600::bigint,
          'an entry of forty hours reaches into June by 36');
select is((select seconds from toggl.hours_by_project('2026-06-02', '2026-06-03', 'Europe/Berlin')), 43200::bigint, 'into a day by 12');
select is((select seconds from toggl.hours_by_project('2026-05-10', '2026-05-11', 'Europe/Berlin')), 86400::bigint, 'one of 64 hours covers a day');
select is_empty($$select from toggl.hours('2026-06-03', '2026-06-04', 'Europe/Berlin')$$, 'a running one does not count');
select results_eq(
  $$select project_name, seconds from toggl.hours('2026-06-03', '2026-06-04', 'Europe/Berlin', running_until => '2026-06-03 06:30:00.9Z')$$,
  $$values ('Website', 1800::bigint)$$, 'unless it is said until when, in whole seconds');
select is(seconds, 57600::bigint, 'nor beyond the range') from toggl.hours('2026-06-03', '2026-06-04', 'Europe/Berlin', running_until => '2027-01-01');
select is_empty($$select from toggl.hours('2026-06-03', '2026-06-04', 'Europe/Berlin', running_until => '2026-06-03 05:00Z')$$,
                'nor from before it began');
select is(sum(seconds), 1800::numeric, 'the duration counts where stop says something else') from toggl.hours('2026-05-15', '2026-05-16', 'Europe/Berlin');
select is(sum(seconds), 5400::numeric, 'and where there is no stop') from toggl.hours('2026-05-14', '2026-05-15', 'Europe/Berlin');
select is_empty($$select from toggl.hours('2026-05-13', '2026-05-14', 'Europe/Berlin')$$, 'what was deleted does not');
update toggl.time_entry set duration_seconds = null where time_entry_id in (3015, 3012);
select is(sum(seconds), 3600::numeric, 'stop counts where the duration could not be read') from toggl.hours('2026-05-15', '2026-05-16', 'Europe/Berlin');
select is(sum(seconds), 129600::numeric, 'also of a long one that reaches in') from toggl.hours('2026-06-01', '2026-06-04', 'Europe/Berlin');
update toggl.time_entry set stop_at = start_at - interval '1 hour' where time_entry_id = 3015;
update toggl.time_entry set start_at = null where time_entry_id = 3014;
select is_empty($$select from toggl.hours('2026-05-14', '2026-05-16', 'Europe/Berlin')$$, 'no start, or a stop before it: nothing');
update toggl.time_entry set duration_seconds = 9223372036854775807, start_at = '2026-05-14 07:00Z' where time_entry_id in (3014, 3015);
select is(sum(seconds), 295200::numeric, 'a duration that is nonsense breaks nothing') from toggl.hours('2026-05-14', '2026-05-16', 'UTC');
select ok(sum(seconds) between 8e9 and 9e9, 'not even all of time') from toggl.hours('-infinity', 'infinity', bucket => 'total');

-- ---- tags

update toggl.time_entry set tag_ids = null, tags = '{urgent,other}' where time_entry_id = 3001;
update toggl.time_entry set tag_ids = '{899}', tags = null where time_entry_id = 3002;
select results_eq(
  $$select tag_id, tag_name, seconds from toggl.hours_by_tag('2026-05-04', '2026-05-05', 'Europe/Berlin') order by 1, 2$$,
  $$values (801::bigint, 'urgent', 10800::bigint), (899, null, 16200), (null, 'other', 10800), (null, null, 5400)$$,
  'tags by name only, tags by number only');

-- ---- days of a zone

create temp table day_of (zone text, day date, seconds bigint);
insert into day_of values
  ('Europe/Berlin', '2026-03-29', 82800), ('Europe/Berlin', '2026-10-25', 90000), ('America/New_York', '2026-03-08', 82800),
  ('America/New_York', '2026-11-01', 90000), ('Asia/Kolkata', '2026-03-29', 86400), ('Pacific/Apia', '2011-12-29', 86400),
  ('Pacific/Apia', '2011-12-30', 0), ('Pacific/Apia', '2011-12-31', 86400), ('Australia/Lord_Howe', '2026-04-05', 88200),
  ('Australia/Lord_Howe', '2026-10-04', 84600), ('America/Havana', '2026-11-01', 90000), ('America/Sao_Paulo', '2018-11-04', 82800),
  ('Asia/Pyongyang', '2015-08-14', 88200), ('UTC', '2026-03-29', 86400);
select is(extract(epoch from b.until_at - b.from_at)::bigint, d.seconds, d.zone || ', ' || d.day || ' has ' || d.seconds || ' seconds')
from day_of d cross join lateral toggl.buckets(d.day, d.day + 1, d.zone) b;

create function pg_temp.entry(id bigint, start_at timestamptz, seconds bigint) returns void language sql as $$
  insert into toggl.time_entry (workspace_id, time_entry_id, task_id, start_at, stop_at, duration_seconds, changed_at, changed_event_id, payload_at, payload_event_id)
  values (555, id, id, start_at, start_at + seconds * interval '1 second', seconds, now(), 1, now(), 1)
$$;
create function pg_temp.days(id bigint, zone text) returns table (day date, seconds bigint) language sql as $$
  select t.bucket_start, t.seconds
  from toggl.time_entry e
  cross join lateral toggl.tracked((e.start_at - interval '2 days')::date, (e.stop_at + interval '3 days')::date, zone, 'day') t
  where e.workspace_id = 555 and e.time_entry_id = id and t.workspace_id = 555 and t.task_id = id
$$;
select pg_temp.entry(1, '2026-03-28 22:00Z', 21600), pg_temp.entry(2, '2026-10-31 03:59:59Z', 2 + 90000), pg_temp.entry(3, '2026-05-04 18:00Z', 3600),
       pg_temp.entry(4, '2011-12-30 09:00Z', 7200), pg_temp.entry(5, '2026-04-04 12:30Z', 99000), pg_temp.entry(6, '2026-05-04 23:59:58.25Z', 4) \g /dev/null
select results_eq($$select * from pg_temp.days(1, 'Europe/Berlin') order by 1$$,
                  $$values (date '2026-03-28', 3600::bigint), ('2026-03-29', 18000)$$, 'over a night that lacks an hour');
select results_eq($$select * from pg_temp.days(2, 'America/New_York') order by 1$$,
                  $$values (date '2026-10-30', 1::bigint), ('2026-10-31', 86400), ('2026-11-01', 3601)$$, 'into a day that has one more');
select results_eq($$select * from pg_temp.days(3, 'Asia/Kolkata') order by 1$$,
                  $$values (date '2026-05-04', 1800::bigint), ('2026-05-05', 1800)$$, 'midnight at half past six');
select results_eq($$select * from pg_temp.days(4, 'Pacific/Apia') order by 1$$,
                  $$values (date '2011-12-29', 3600::bigint), ('2011-12-31', 3600)$$, 'over a day that never was');
select results_eq($$select * from pg_temp.days(5, 'Australia/Lord_Howe') order by 1$$,
                  $$values (date '2026-04-04', 1800::bigint), ('2026-04-05', 88200), ('2026-04-06', 9000)$$, 'over half an hour twice');
select results_eq($$select * from pg_temp.days(6, 'UTC') order by 1$$,
                  $$values (date '2026-05-04', 1::bigint), ('2026-05-05', 3)$$, 'parts of a second are never lost');

-- ---- any entry, any zone

delete from toggl.time_entry;
select setseed(0.2026);
select pg_temp.entry(n, case when n % 3 = 0 then timestamptz '2011-12-30 10:00Z' when n % 3 = 1 then timestamptz '2026-03-28 20:00Z' else timestamptz '2026-04-04 15:00Z' end
                        + (random() * 4 - 3) * interval '1 day', (random() ^ 4 * 400000)::bigint + 1)
from generate_series(1, 1000) n \g /dev/null
create temp table zones (zone text);
insert into zones values ('Europe/Berlin'), ('America/New_York'), ('Asia/Kolkata'), ('Pacific/Apia'), ('Australia/Lord_Howe');
select is_empty(
  format($$select e.time_entry_id, z.zone, e.duration_seconds, sum(t.seconds)
    from toggl.time_entry e cross join zones z
    left join (select z.zone, t.* from zones z cross join lateral toggl.tracked('2011-12-01', '2026-05-01', z.zone, %L) t) t
      on t.zone = z.zone and t.task_id = e.task_id
    group by 1, 2, 3 having sum(t.seconds) is distinct from e.duration_seconds$$, bucket),
  'the pieces of 1000 entries add up to their durations in 5 zones, by ' || bucket)
from unnest(array['day', 'week', 'month', 'year', 'total']) bucket;

-- Another way to the same: minute by minute, each on the day that clocks show.
update toggl.time_entry set start_at = date_trunc('minute', start_at), duration_seconds = 60 * (1 + duration_seconds / 600);
select is_empty(
  $$(select z.zone, e.task_id, ((e.start_at + m * interval '1 minute') at time zone z.zone)::date, count(*) * 60
     from zones z cross join toggl.time_entry e cross join generate_series(0, e.duration_seconds / 60 - 1) m group by 1, 2, 3)
    except
    select z.zone, t.task_id, t.bucket_start, t.seconds from zones z cross join lateral toggl.tracked('2011-12-01', '2026-05-01', z.zone, 'day') t$$,
  'each minute is on the day that clocks there show');

-- ---- divided by less

select results_eq(
  format($$select workspace_id, user_id, billable, bucket_start, seconds
           from toggl.tracked('2011-12-01', '2026-05-01', 'Pacific/Apia', %1$L, null, '{user}') order by 1, 2, 3, 4$$, bucket),
  format($$select workspace_id, user_id, billable, bucket_start, sum(seconds)::bigint
           from toggl.tracked('2011-12-01', '2026-05-01', 'Pacific/Apia', %1$L, null, '{user,project,task,tag}')
           group by 1, 2, 3, 4 order by 1, 2, 3, 4$$, bucket), 'by user alone, each ' || bucket)
from unnest('{total,month}'::text[]) bucket;
select is_empty($$select from toggl.tracked('2011-12-01', '2026-05-01', 'UTC', 'total', null, '{project}')
                  where user_id is not null or task_id is not null or tag_ids is not null or tags is not null$$,
                'what it is not divided by is null');
select results_eq($$select sum(seconds) from toggl.tracked('2011-12-01', '2026-05-01', 'UTC', 'total', null, '{}')$$,
                  $$select sum(seconds) from toggl.tracked('2011-12-01', '2026-05-01', 'UTC', 'day')$$, 'one bucket has what all days have');

-- ---- the time zone of the session

insert into toggl.time_entry (workspace_id, time_entry_id, user_id, start_at, stop_at, duration_seconds, changed_at,
                              changed_event_id, payload_at, payload_event_id)
values (99, 1, 1, '2031-03-29 23:30+01', '2031-03-31 00:30+02', 86400, now(), 1, now(), 1);
set local timezone = 'Europe/Berlin';
select results_eq(
  $$select r.until_date - r.from_date, t.seconds
    from (values (date '2031-03-29', date '2031-03-31'), ('2031-03-30', '2031-03-31'), ('2031-03-31', '2031-04-01')) r (from_date, until_date)
    cross join toggl.tracked(r.from_date, r.until_date, 'Europe/Berlin') t where t.workspace_id = 99$$,
  $$values (2, 84600::bigint), (1, 82800), (1, 1800)$$, 'a day of 23 hours in an entry of 24, also in a session in that zone');

-- ---- what cannot be

select throws_ok($$select toggl.day_start('2026-05-01', 'Europe/Belin')$$, '22023', 'cannot use "Europe/Belin" as a time zone', 'an unknown zone');
select throws_ok($$select * from toggl.hours('2026-05-01', '2026-06-01', 'CEST')$$, '22023', 'cannot use "CEST" as a time zone',
                 'an abbreviation: it knows no daylight saving time');
select throws_ok($$select * from toggl.hours('2026-05-01', '2026-06-01', 'UTC+2')$$, '22023', 'cannot use "UTC+2" as a time zone',
                 'an offset: PostgreSQL would read it the other way round');
select throws_ok($$select * from toggl.hours('2026-05-01', '2026-06-01', null)$$, '22023', null, 'no zone');
select throws_ok($$select * from toggl.hours('2026-05-01', '2026-06-01', bucket => 'hour')$$, '22023', 'there is no bucket "hour"', 'an unknown bucket');
select throws_ok($$select * from toggl.hours('0001-01-01', '9999-01-01')$$, '22023', null, 'a range of millions of days');
select is_empty($$select from toggl.buckets('2026-05-01', '2026-05-01')$$, 'an empty range has no days');
select lives_ok($$select * from toggl.hours('2026-05-02', '2026-05-01', bucket => 'total')$$, 'nor has one that is turned round');

select * from finish();
rollback;
