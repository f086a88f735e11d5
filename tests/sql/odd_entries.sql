-- The duration of an entry, for all values that Toggl sends: one answer for hours, money,
-- invoices, lists and states of the past. And tags that are no more.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap;
select * from no_plan();
\o /dev/null
\ir ../data/tell.sql

create temp table odd (n bigint, start text, stop text, duration text, lasts bigint);
insert into odd values
  (1, '2026-05-05T10:00:00Z', '2026-05-05T09:55:40Z', '-260', 0),	-- as Toggl once answered
  (2, '2026-05-05T10:00:00Z', '1970-01-01T00:00:00Z', '-1777975200', 0),
  (3, '2026-05-05T10:00:00Z', '2026-05-05T11:00:00Z', '-1777975200', 3600),	-- stopped, and the duration is stale
  (4, '2026-05-05T10:00:00Z', '2026-05-05T11:00:00Z', '"3600"', 3600),
  (5, '2026-05-05T10:00:00Z', '2026-05-05T11:00:00Z', 'null', 3600),
  (6, '2026-05-05T10:00:00Z', '2026-05-05T11:00:00Z', '1800', 1800),
  (7, '2026-05-05T10:00:00Z', '2026-05-05T09:00:00Z', '1800', 1800),
  (8, '2026-05-05T10:00:00Z', '2026-05-05T10:00:00Z', '-1', 0),
  (9, '2026-05-05T10:00:00Z', '2026-05-05T10:00:00Z', '0', 0),
  (10, '2026-05-05T10:00:00.75Z', '2026-05-05T10:00:02.25Z', '-1', 1),
  (11, '2026-05-05T10:00:00Z', null, '9223372036854775807', 4000000000),
  (12, '0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '-1', 4000000000),
  (13, '2026-05-05T10:00:00Z', '2026-05-09T10:00:00Z', '60.5', 345600),
  (14, '2999-01-01T00:00:00Z', '2999-01-01T01:00:00Z', '-9223372036854775808', 3600),
  (15, '2026-05-05T10:00:00Z', null, '-260', null),	-- these run
  (16, '2026-05-05T10:00:00Z', null, '-5', null),
  (17, '2026-05-05T10:00:00Z', null, 'null', null),
  (18, null, '2026-05-05T11:00:00Z', '-1', 0),	-- without a start: in no range
  (19, null, null, '60', 60);
select pg_temp.tell(n, timestamptz '2026-05-06Z' + n * interval '1 minute', 'updated',
                    format('{"id":%s,"user_id":5,"project_id":6,"task_id":%1$s,"start":%s,"stop":%s,"duration":%s,"billable":true}',
                           n, coalesce(to_json(start), 'null'), coalesce(to_json(stop), 'null'), duration), n)
from odd;
create temp view lasts as select n, lasts from odd order by n;
create temp view adds_up as select n, lasts from odd where lasts > 0 and start is not null order by n;
\o
select results_eq('select time_entry_id, duration_seconds from toggl.time_entry order by 1', 'table lasts', 'the table');
select results_eq('select time_entry_id, duration_seconds from toggl.time_entries order by 1', 'table lasts', 'the view');
select results_eq('select time_entry_id, duration_seconds from toggl.time_entries_as_of(''2026-05-07Z'') order by 1', 'table lasts', 'as of a time');
select results_eq($$select time_entry_id, new_value::bigint from toggl.time_entry_history where field = 'duration_seconds' order by 1$$,
                  'select n, lasts from lasts where lasts is not null', 'history');
select results_eq($$select task_id, seconds from toggl.hours('-infinity', 'infinity', bucket => 'total') order by 1$$, 'table adds_up', 'hours');
select results_eq($$select task_id, seconds from toggl.amounts('-infinity', 'infinity', bucket => 'total') order by 1$$, 'table adds_up', 'amounts');
select operator.invoice_freeze('all', '0001-01-01', '9999-01-01', 'UTC', null, null, null) \g /dev/null
select results_eq($$select seconds::numeric, seconds_now::numeric, entries from toggl.invoice$$,
                  $$select sum(lasts), sum(lasts), count(*) from odd where start is not null$$, 'an invoice');
select results_eq('select time_entry_id from toggl.running order by 1', $$values (15::bigint), (16), (17)$$, 'those that run');
select results_eq($$select task_id, seconds from toggl.tracked('-infinity', 'infinity', bucket => 'total', running_until => '2026-05-05 10:10Z') where task_id in (15, 16, 17) order by 1$$,
                  $$values (15::bigint, 600::bigint), (16, 600), (17, 600)$$, 'a timer counts from its start, whatever its negative duration says');
select results_eq($$select task_id, seconds from toggl.tracked('-infinity', 'infinity', bucket => 'total', running_until => 'infinity') where task_id = 15$$,
                  $$values (15::bigint, 4000000000)$$, 'even for ever');
select is(sum(d.seconds), t.seconds, 'the ' || b || 's of a range add up to the range')
from unnest('{day,week,month,quarter,year}'::text[]) b,
     lateral (select sum(seconds) from toggl.tracked('2026-05-01', '2026-06-01', 'America/New_York', 'total')) t (seconds),
     lateral toggl.tracked('2026-05-01', '2026-06-01', 'America/New_York', b) d
group by b, t.seconds;
select is_empty($$select from toggl.tracked('2026-04-01', '2026-07-01', 'UTC', 'day', '2026-06-01') where seconds <= 0$$, 'nothing is below zero');
select results_eq($$select task_id, seconds from toggl.tracked('-infinity', '2026-05-05', 'UTC', 'total') union all
                    select task_id, seconds from toggl.tracked('2026-05-08', 'infinity', 'UTC', 'total') where task_id = 13 order by 1$$,
                  $$values (12::bigint, 4000000000), (13, 122400)$$, 'a range without a beginning or an end divides an entry too');

-- Rows of a database that was written before there was the rule, or by somebody else.
update toggl.time_entry t set duration_seconds = case when o.duration ~ '^-?\d+$' then o.duration::bigint end from odd o
where o.n = t.time_entry_id and o.n not in (15, 16);
select results_eq('select time_entry_id, duration_seconds from toggl.time_entries order by 1', 'table lasts', 'other rows: the view');
select results_eq($$select task_id, seconds from toggl.hours('-infinity', 'infinity', bucket => 'total') order by 1$$, 'table adds_up', 'other rows: hours');
select is(seconds_now, seconds, 'other rows: an invoice') from toggl.invoice;

-- ---- tags that are no more

\o /dev/null
delete from toggl.time_entry;
select pg_temp.tell(100 + id, '2026-05-01 10:00Z', 'created', format('{"id":%s,"name":%s}', id, to_json(name)), id, 'tag')
from (values (1, 'kept'), (2, 'gone'), (3, 'left'), (4, ''), (6, 'left')) t (id, name);
select pg_temp.tell(110, '2026-05-02 10:00Z', 'deleted', '{"id":2,"name":"gone"}', 2, 'tag'), pg_temp.tell(111, '2026-05-02 10:00Z', 'deleted', '{"id":3}', 3, 'tag'),
       pg_temp.tell(112, '2026-05-02 10:00Z', 'deleted', 'null', 5, 'tag');
select pg_temp.tell(120 + n, '2026-05-01 12:00Z', 'created', format('{"id":%s,"task_id":%1$s,"start":"2026-05-01T10:00:00Z","duration":60,"tag_ids":%s,"tags":%s}', n, ids, names), n)
from (values (1, '[1,2]', '["kept","gone"]'), (2, '[2]', '["gone"]'), (3, 'null', '["gone"]'), (4, 'null', '["left"]'), (5, 'null', '[""]'),
             (6, '[4]', '[""]'), (7, '[1,1]', '["kept","kept"]'), (8, '[5]', '["was deleted before it was seen"]'), (9, '[2,99]', '["gone","never seen"]'),
             (10, '[null]', '[null,"  "]'), (11, '[3]', '["left"]'), (12, '[99]', '[]'), (13, '[]', '[]'), (14, '[4]', 'null')) e (n, ids, names);
\o
select results_eq('select time_entry_id, tag_names from toggl.time_entries order by 1',
  $$values (1::bigint, '{kept}'::text[]), (2, '{}'), (3, '{}'), (4, '{left}'), (5, '{}'), (6, '{}'), (7, '{kept}'), (8, '{}'), (9, '{"never seen"}'), (10, '{}'),
           (11, '{}'), (12, '{}'), (13, '{}'), (14, '{}')$$, 'a deleted tag is gone from its entries, a tag without a name is none');
select results_eq('select time_entry_id, tag_ids from toggl.time_entries where time_entry_id in (1, 2, 3, 7, 9, 11) order by 1',
  $$values (1::bigint, '{1}'::bigint[]), (2, '{}'), (3, null), (7, '{1,1}'), (9, '{99}'), (11, '{}')$$, 'by number too');
select results_eq($$select tag_id, tag_name, seconds from toggl.hours_by_tag('2026-05-01', '2026-05-02') order by 1, 2$$,
  $$values (1::bigint, 'kept', 120::bigint), (4, null, 120), (6, 'left', 60), (99, null, 60), (null, 'never seen', 60), (null, null, 420)$$,
  'and so in hours: an entry counts once a tag');
select results_eq($$select tags, tag_ids from toggl.time_entry where time_entry_id = 2$$, $$values ('{gone}'::text[], '{2}'::bigint[])$$, 'the table keeps what the entry said');
select pg_temp.tell(113, '2026-05-03 10:00Z', 'created', '{"id":2,"name":"back"}', 2, 'tag') \g /dev/null
select results_eq('select tag_names from toggl.time_entries where time_entry_id = 1', $$values ('{back,kept}'::text[])$$, 'unless it comes back');

-- ---- weeks, and points in time for dates

select results_eq(
  format($$select string_agg(to_char(bucket_start, 'Dy DD'), ', ' order by bucket_start) from toggl.buckets('2026-05-01', '2026-05-12', 'UTC', 'week', %s)$$, d),
  format($$values (%L)$$, w), 'weeks from day ' || d)
from (values (1, 'Mon 27, Mon 04, Mon 11'), (7, 'Sun 26, Sun 03, Sun 10'), (0, 'Sun 26, Sun 03, Sun 10'), (6, 'Sat 25, Sat 02, Sat 09'), (5, 'Fri 01, Fri 08')) w (d, w);
select throws_ok(format($$select toggl.buckets('2026-05-01', '2026-05-12', week_start => %s)$$, d), '22023', null, 'no week from day ' || d)
from unnest('{8,-1,null}'::text[]) d where d is not null;
select throws_ok($$select toggl.buckets('2026-05-01', '2026-05-12', week_start => null)$$, '22023', null, 'nor from none');
select is_empty(format($$select 1 from toggl.%s('2026-05-01', '2026-06-01', 'UTC', 'week', week_start => 7) where bucket_start > '2026-05-01' and extract(dow from bucket_start) <> 0$$, f),
                'weeks from Sunday: ' || f)
from unnest('{hours,hours_by_project,hours_by_client,hours_by_user,hours_by_tag,amounts,amounts_by_project,amounts_by_client,amounts_by_user,tracked}'::text[]) f;
select results_eq($$select bucket_start, seconds from toggl.hours_by_user('2026-04-20', '2026-05-10', 'UTC', 'week', week_start => 7)$$,
                  $$values (date '2026-04-26', 840::bigint)$$, 'what is on a Friday is in the week of the Sunday before');
create function pg_temp.in_zone(zone text, query text) returns text language plpgsql as $$
declare
  result text;
begin
  perform set_config('timezone', zone, true);
  execute 'select string_agg(x::text, '';'' order by x::text) from (' || query || ') x' into result;
  perform set_config('timezone', 'UTC', true);
  return result;
end
$$;
select pg_temp.tell(200 + n, '2026-06-01Z', 'created', format('{"id":%s,"project_id":1,"start":"2026-03-%sT23:30:00Z","duration":7200}', 200 + n, 28 + n), 200 + n)
from generate_series(0, 3) n \g /dev/null
select isnt(pg_temp.in_zone('UTC', $$select * from toggl.hours('2026-03-30', '2026-04-01')$$), null, 'there are hours');
select is(pg_temp.in_zone(w.zone, format('select * from toggl.%s(%s, %L, ''day'')', w.call, d.days, w.zone)),
          (select pg_temp.in_zone(w.zone, format('select * from toggl.%s(date ''2026-03-30'', date ''2026-04-01'', %L, ''day'')', w.call, w.zone))),
          w.call || '(' || d.days || ') in ' || w.zone)
from unnest('{UTC,Asia/Tokyo,America/New_York,Pacific/Kiritimati}'::text[]) z (zone), unnest('{hours_by_project,hours_by_client,hours_by_user,hours_by_tag,hours,amounts}'::text[]) c (call)
cross join lateral (select z.zone, c.call) w,
     unnest(array[$$'2026-03-30', '2026-04-01'$$, $$date '2026-03-30', '2026-04-01'$$, $$'2026-03-30', timestamptz '2026-04-01'$$, $$'2026-03-30', timestamp '2026-04-01 10:00'$$,
                          $$date '2026-03-30', date_trunc('month', timestamptz '2026-04-15 12:00')$$]) d (days)
where w.call = 'hours_by_project' or d.days like '%date_trunc%';
select results_eq($$select day_start from toggl.day_start('2026-03-30', 'Asia/Tokyo')$$, $$values (timestamptz '2026-03-29 15:00Z')$$, 'the start of a day');
select results_eq($$select time_entry_id from toggl.ran_through(timestamptz '2026-03-29', timestamptz '2026-03-30')$$, 'select 1::bigint where false', 'all that take dates do');

-- ---- a call for each row would be slow

create function pg_temp.plan(query text) returns text language plpgsql as $$
declare
  line text;
  result text := '';
begin
  for line in execute 'explain (verbose) ' || query loop
    result := result || line;
  end loop;
  return result;
end
$$;
select is(pg_temp.plan(q) ~ f, false, f || ' is part of the query that asks')
from (values ('select duration_seconds from toggl.time_entries', 'entry_seconds'), ('select tag_names from toggl.time_entries', 'tags_of'),
             ('select toggl.search_vector(description) from toggl.time_entry', 'search_vector')) v (q, f);

select * from finish();
rollback;
