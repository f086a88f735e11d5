-- Sums by Toggl's rule, what a comparison stored, and the days of an invoice that are not certain.
begin;
set local client_min_messages = warning;
set local timezone = 'America/New_York';
create extension if not exists pgtap;
select plan(19);
\o /dev/null
\ir ../data/tell.sql
\o

create function pg_temp.member(event bigint, usr bigint, zone text, more text default '') returns void language sql as $$
  select pg_temp.tell(event, now() - interval '2 days', 'created',
    format('{"id":%s,"user_id":%s,"name":"x","timezone":%s%s}', usr + 100, usr, to_json(zone), more), usr + 100, 'workspace_user')
$$;
create function pg_temp.entry(event bigint, entry bigint, usr bigint, start text, seconds bigint, action text default 'created')
returns void language sql as $$
  select pg_temp.tell(event, now() - interval '1 day' + event * interval '1 second', action,
    format('{"id":%s,"user_id":%s,"start":"%s","duration":%s}', entry, usr, start, seconds), entry)
$$;
create function pg_temp.sums(since date, until date) returns table (day date, user_id bigint, seconds bigint) language sql as $$
  select day, user_id, case when has_zone then seconds end from ledger.seconds_by_day(7435584, since, until) order by 1, 2
$$;

\o /dev/null
select pg_temp.member(1, 5, 'Europe/Berlin'), pg_temp.member(2, 6, 'America/Los_Angeles'), pg_temp.member(3, 7, 'Mars/Olympus'),
       pg_temp.member(4, 8, 'Pacific/Kiritimati'), pg_temp.member(5, 9, 'Pacific/Pago_Pago');
-- around the midnights of 3 and 4 May
select pg_temp.entry(11, 101, 5, '2026-05-02T21:59:59Z', 1), pg_temp.entry(12, 102, 5, '2026-05-02T22:00:00Z', 10),
       pg_temp.entry(13, 103, 5, '2026-05-03T21:30:00Z', 7200), pg_temp.entry(14, 104, 5, '2026-05-03T22:00:00Z', 100),
       pg_temp.entry(15, 105, 6, '2026-05-04T06:59:59Z', 1000), pg_temp.entry(16, 106, 6, '2026-05-04T07:00:00Z', 3),
       pg_temp.entry(17, 107, 8, '2026-05-02T10:00:00Z', 4), pg_temp.entry(18, 108, 8, '2026-05-02T09:59:59Z', 5),
       pg_temp.entry(19, 109, 9, '2026-05-04T10:59:59Z', 6), pg_temp.entry(20, 110, 9, '2026-05-04T11:00:00Z', 7);
\o

select results_eq($$select * from pg_temp.sums('2026-05-03', '2026-05-03')$$,
  $$values (date '2026-05-03', 5::bigint, 7210::bigint), ('2026-05-03', 6, 1000), ('2026-05-03', 8, 4), ('2026-05-03', 9, 6)$$,
  'whole entries on their start day in their user''s zone, east and west');
select is((select sum(seconds) from pg_temp.sums('2026-05-01', '2026-05-31')), 8336::numeric, 'each counts once');
select pg_temp.entry(21, 111, 5, '2026-05-03T08:00:00Z', -1777795200);
select is((select seconds from pg_temp.sums('2026-05-03', '2026-05-03') where user_id = 5), 7210::bigint, 'running ones do not count');
select pg_temp.entry(22, 103, 5, '2026-05-03T21:30:00Z', 7200, 'deleted');
select is((select seconds from pg_temp.sums('2026-05-03', '2026-05-03') where user_id = 5), 10::bigint, 'deleted ones do not count');
select pg_temp.entry(23, 112, 7, '2026-05-03T08:00:00Z', 60);
select results_eq($$select * from pg_temp.sums('2026-05-03', '2026-05-03') where user_id = 7$$,
  $$values (date '2026-05-03', 7::bigint, null::bigint)$$, 'an unknown zone: the days cannot be known');
select pg_temp.entry(24, 113, 77, '2026-05-03T08:00:00Z', 60);
select results_eq($$select * from pg_temp.sums('2026-05-03', '2026-05-03') where user_id = 77$$,
  $$values (date '2026-05-03', 77::bigint, null::bigint)$$, 'a user who was never seen');
select is_empty($$select * from pg_temp.sums('2026-05-20', '2026-05-20')$$, 'and no row where there is no time');
-- DST: 29 March 2026 has 23 hours in Berlin, 25 October 25
select pg_temp.entry(25, 114, 5, '2026-03-28T23:00:00Z', 10), pg_temp.entry(26, 115, 5, '2026-03-29T21:59:59Z', 20),
       pg_temp.entry(27, 116, 5, '2026-03-29T22:00:00Z', 40), pg_temp.entry(28, 117, 5, '2026-10-24T22:00:00Z', 1),
       pg_temp.entry(29, 118, 5, '2026-10-25T22:59:59Z', 2), pg_temp.entry(30, 119, 5, '2026-10-25T23:00:00Z', 4);
select is((select seconds from pg_temp.sums('2026-03-29', '2026-03-29')), 30::bigint, 'the short day');
select is((select seconds from pg_temp.sums('2026-10-25', '2026-10-25')), 3::bigint, 'the long day');
-- a user who left keeps the zone
select pg_temp.tell(31, now(), 'deleted', '{"id":106}', 106, 'workspace_user');
select is((select seconds from pg_temp.sums('2026-05-03', '2026-05-03') where user_id = 6), 1000::bigint, 'a user who left');

select is(ledger.known_zone(z), null, coalesce(z, 'null') || ' is no zone') from unnest(array[null, 'CEST', '+02:00', 'Europe/Nowhere', '']) z (z);

-- ---- what is stored

\o /dev/null
select ledger.completeness_set(7435584, '{2026-05-03,2026-05-03}', '{0,5}', '{10,10}', '{12,12}', '{true,true}');
select ledger.completeness_set(7435584, '{2026-05-03,2026-05-04,2026-05-05,2026-05-06,2026-05-04}', '{0,0,0,0,5}', '{12,3,1,1,4}', '{12,null,2,1,4}',
                               '{true,true,true,true,false}');
\o
select results_eq('select day, user_id, seconds_here, seconds_toggl, state from toggl.completeness where day < ''2026-05-05'' order by 1, 2 nulls first',
  $$values (date '2026-05-03', null::bigint, 12::bigint, 12::bigint, 'filled'), ('2026-05-03', 5, 10, 12, 'differs'), ('2026-05-04', null, 3, null, 'unknown'), ('2026-05-04', 5, 4, 4, 'unknown')$$,
  'the last result counts; null: all users');
select results_eq($$select * from ledger.days_not_agreed('{7435584}', '2026-05-03', '2026-05-07', 'Europe/Berlin') order by 1$$,
  $$values (date '2026-05-04', 'unknown'), ('2026-05-05', 'differs'), ('2026-05-07', 'unchecked')$$, 'the days that are not certain');
update ledger.completeness set checked_at = '2026-05-06T21:59:59Z' where day = '2026-05-06';
select is((select state from ledger.days_not_agreed('{7435584}', '2026-05-06', '2026-05-06', 'Europe/Berlin')), 'unchecked',
          'checked before the day ended is not checked');
select is(unchecked, '["2026-05-06", "2026-05-07"]'::jsonb, 'an invoice says so')
from operator.invoice_freeze('May', '2026-05-03', '2026-05-08', 'Europe/Berlin', 7435584, null, null);
select * from finish();
rollback;
