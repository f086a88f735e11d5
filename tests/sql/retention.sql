-- Whole months go, the last state of what was in them stays.
begin;
create extension if not exists pgtap;
select plan(39);
\ir lib/refused.sql

insert into ledger.endpoint (endpoint_id, address, name, workspace_id) overriding system value values (101, 'address_of_the_first_1', 'first', 7);
insert into ledger.endpoint_secret (secret_id, endpoint_id, sealed) overriding system value values (201, 101, '');
select ledger.partition_ensure(m::date) from generate_series(timestamp '2020-01-01', timestamp '2020-04-01', interval '1 month') m;

create function pg_temp.event(n bigint, at timestamptz, model text, action text, entity bigint, payload text)
returns text language sql as $$
  select receiver.append(array[101::bigint], array[201::bigint], array[null::bigint], array[n], array[at], array[now()], array[5::bigint],
                         array[entity], array[model], array[action], array['\xab'::bytea], array[format('{"payload":%s}', payload)::json], 'webhook')
$$;
create function pg_temp.everything() returns setof text language plpgsql as $$
declare
  of_table text;
begin
  for of_table in select c.relname from pg_class c where c.relnamespace = 'toggl'::regnamespace and c.relkind = 'r' order by 1 loop
    return query execute format('select %L || t::text from toggl.%I t', of_table, of_table);
  end loop;
end
$$;
create function pg_temp.kept() returns bigint[] language sql as 'select array_agg(b.event_id order by b.event_id) from ledger.baseline b';

-- January
select pg_temp.event(1, '2020-01-02Z', 'time_entry', 'created', 10, '{"start":"2020-01-02T10:00:00Z","description":"one"}');
select pg_temp.event(2, '2020-01-03Z', 'time_entry', 'updated', 10, '{"start":"2020-01-02T10:00:00Z","description":"two"}');
select pg_temp.event(3, '2020-01-03Z', 'time_entry', 'created', 11, '{"start":"2020-01-02T10:00:00Z"}');
select pg_temp.event(4, '2020-01-04Z', 'time_entry', 'deleted', 11, '{"id":11}');
select pg_temp.event(5, '2020-01-05Z', 'time_entry', 'deleted', 12, 'null');
select pg_temp.event(6, '2020-01-06Z', 'time_entry', 'created', 13, '{"start":"2020-01-02T10:00:00Z"}');
select pg_temp.event(7, '2020-01-07Z', 'time_entry', 'deleted', 13, '{"start":"2020-01-02T10:00:00Z","description":"present"}');
select pg_temp.event(8, '2020-01-08Z', 'time_entry', 'updated', null, '{}');
select pg_temp.event(9, '2020-01-09Z', 'workspace', 'updated', 7, '{"id":7,"name":"old"}');
select pg_temp.event(10, '2020-01-10Z', 'project', 'created', 10, '{"name":"of the same number"}');
-- February
select pg_temp.event(20, '2020-02-02Z', 'time_entry', 'updated', 10, '{"start":"2020-01-02T10:00:00Z","description":"three"}');
select pg_temp.event(21, '2020-02-03Z', 'time_entry', 'updated', 11, '{"start":"2020-01-02T10:00:00Z","description":"there again"}');
select pg_temp.event(22, '2020-02-04Z', 'time_entry', 'deleted', 12, '{"id":12}');
select pg_temp.event(23, '2020-02-05Z', 'time_entry', 'deleted', 13, '{"id":13}');
select pg_temp.event(24, '2020-02-06Z', 'workspace', 'updated', null, '{"name":"new"}');
select pg_temp.event(25, '2020-02-07Z', 'project', 'deleted', 10, '{"id":10}');
-- March, and dates without a partition
select pg_temp.event(30, '2020-03-02Z', 'time_entry', 'updated', 10, '{"start":"2020-01-02T10:00:00Z","description":"four"}');
select pg_temp.event(31, '2019-06-02Z', 'tag', 'created', 14, '{"name":"early"}');
select pg_temp.event(32, '2019-06-03Z', 'time_entry', 'updated', 10, '{"start":"2020-01-02T10:00:00Z","description":"zero"}');
create temp table before as select * from pg_temp.everything() row;
create temp table seen as select entity_id, entity from toggl.changed_since('time_entry');
create temp table march as select * from toggl.time_entries_as_of('2020-03-01Z') t;

-- ---- the look at it

select results_eq($$select month, events, verdict, reason from operator.retention_plan('2020-04', null)$$,
  $$values ('2019-06', 2::bigint, 'drop', null::jsonb), ('2020-01', 10, 'drop', null), ('2020-02', 6, 'drop', null), ('2020-03', 1, 'drop', null)$$,
  'months before one');
-- Only to look at: as if it were large.
update pg_class set reltuples = 200000, relpages = 1000, relallvisible = 800 where oid = 'ledger.event_y2020m01'::regclass;
select is(events, 200000::bigint, 'a large month that has to be read whole is estimated') from operator.retention_plan('2020-02', null)
where month = '2020-01';
update pg_class set relallvisible = 950 where oid = 'ledger.event_y2020m01'::regclass;
select is(events, 10::bigint, 'and counted when an index is enough') from operator.retention_plan('2020-02', null) where month = '2020-01';
select is(min(bytes) > 0, true, 'with their size') from operator.retention_plan('2020-04', null);
select is(count(*), 3::bigint, 'or all but so many') from operator.retention_plan(null, (
  extract(year from age(date_trunc('month', now()), '2020-03-01')) * 12 + extract(month from age(date_trunc('month', now()), '2020-03-01')))::bigint);
select is_empty($$select * from operator.retention_plan(null, 100000000)$$, 'none of so many');
select is(pg_temp.refused($$select * from operator.retention_plan('2020-13', null)$$),
          '{"code": "retention.month_malformed", "month": "2020-13", "sqlstate": "22023"}', 'no month');
select throws_ok($$select * from operator.retention_plan('2020-1-1', null)$$, '22023', null, 'nor this');
select throws_ok(format('select * from operator.retention_plan(%L, null)', to_char(now() + interval '32 days', 'YYYY-MM')), '22023', null,
                 'the current month stays');
select throws_ok(format('select operator.retention_mark(%L)', to_char(now(), 'YYYY-MM')), '22023', null, 'for every caller');

insert into ledger.invoice (name, from_at, until_at, zone) values ('2020-7', '2020-01-31 23:00Z', '2020-02-29 23:00Z', 'Europe/Berlin');
select results_eq($$select month, verdict, reason from operator.retention_plan('2020-04', null)$$,
  $$select v.month, v.verdict, case when v.verdict = 'held' then '{"code": "retention.reasons", "reasons": [{"code": "retention.held_by_invoice", "name": "2020-7"}]}'::jsonb end
    from (values ('2019-06', 'drop'), ('2020-01', 'held'), ('2020-02', 'held'), ('2020-03', 'behind')) v (month, verdict)$$,
  'what was invoiced stays, and what is after it');
select is(pg_temp.refused(format('select operator.retention_mark(%L)', month)),
          '{"code": "retention.held", "month": "2020-01", "sqlstate": "22023", "reason": {"code": "retention.reasons", "reasons": [{"code": "retention.held_by_invoice", "name": "2020-7"}]}}', why)
from (values ('2020-01', 'it cannot be marked'), ('2020-03', 'nor what is behind it')) v (month, why);
update ledger.invoice set from_at = '2020-02-01Z', until_at = '2020-03-01Z';
select results_eq($$select month, verdict from operator.retention_plan('2020-04', null)$$,
  $$values ('2019-06', 'drop'), ('2020-01', 'drop'), ('2020-02', 'held'), ('2020-03', 'behind')$$, 'a month that it only touches does not');
delete from ledger.invoice;
insert into ledger.outbox values (7, 20, '2020-02-02Z', '{1}');
select is(reason #> '{reasons,0}', '{"code": "retention.held_by_outbox"}', 'nor may what no courier has seen go') from operator.retention_plan('2020-03', null) where month = '2020-02';
delete from ledger.outbox;
insert into ledger.delivery (workspace_id, subscription_id, event_id, created_at, entity_id, model, action, state)
values (7, 1, 1, '2020-01-02Z', 10, 'time_entry', 'created', 'delivered'), (7, 1, 20, '2020-02-02Z', 10, 'time_entry', 'updated', 'behind');
select results_eq($$select month, reason #>> '{reasons,0,code}' from operator.retention_plan('2020-03', null)$$,
  $$values ('2019-06', null::text), ('2020-01', null), ('2020-02', 'retention.held_by_deliveries')$$, 'nor what still waits for a subscriber');
delete from ledger.delivery;

-- ---- doing it

select throws_ok($$select operator.retention_drop('2020-01')$$, '22023', 'retention.not_marked', 'not without a mark');
select operator.retention_mark('2020-01');
select is(horizon, '2020-02-01Z', 'the horizon') from ledger.state;
select is(pg_temp.event(1, '2020-01-02Z', 'time_entry', 'created', 10, '{}'), 'h', 'what is before it is not recorded any more');
select is(pg_temp.event(40, '2020-01-31 23:59Z', 'time_entry', 'created', 10, '{}'), 'h', 'new or not');
select isnt(pg_temp.event(20, '2020-02-02Z', 'time_entry', 'updated', 10, '{}'), 'h', 'what is behind it is there as before');
insert into ledger.completeness select 7, d, 0, 1, 1, now(), 'equal' from unnest('{2020-01-31,2020-02-01}'::date[]) d;
select results_eq($$select * from operator.retention_drop('2020-01')$$, 'values (12::bigint, 9::bigint)', 'January, and what is before it');
select is(pg_temp.kept(), '{1,2,3,4,5,7,9,10,31}', 'of each entity the last full event, a deletion after it, and what created or deleted it last');
select results_eq('select day from ledger.completeness', $$values (date '2020-02-01')$$, 'nor its comparisons with Toggl');
select is(to_regclass('ledger.event_y2020m01'), null, 'the partition is gone');
select is_empty('select from ledger.event_default', 'and the early ones');
select results_eq($$select * from operator.retention_drop('2020-01')$$, 'values (0::bigint, 0::bigint)', 'once more: nothing');
select operator.retention_mark('2020-01');
select is(horizon, '2020-02-01Z', 'nor does the horizon move') from ledger.state;
select bag_eq('select * from pg_temp.everything()', 'select * from before', 'the tables are as they were');

select operator.retention_mark('2020-02');
select results_eq($$select * from operator.retention_drop('2020-02')$$, 'values (6::bigint, 6::bigint)', 'February');
select is(pg_temp.kept(), '{1,4,7,10,20,21,22,23,24,25,31}', 'what is superseded is not kept any longer');
select results_eq('select received_at > now() - interval ''1 day'', signature, body::text, source, creator_id from ledger.baseline where event_id = 21',
  $$values (true, '\xab'::bytea, '{"payload":{"start":"2020-01-02T10:00:00Z","description":"there again"}}', 'webhook', 5::bigint)$$,
  'what is kept is all of the event');
select results_eq('select time_entry_id, description from toggl.time_entries_as_of(''2020-03-01Z'') order by 1',
                  'select time_entry_id, description from march order by 1', 'history since the horizon is true');
select bag_eq($$select entity_id, entity from toggl.changed_since('time_entry')$$, 'select * from seen', 'a complete load gives all');
select operator.rebuild_begin(true);
select is(removed, 0::bigint, 'a rebuild finds no row without an event') from operator.rebuild_step(1000);
select bag_eq('select * from pg_temp.everything()', 'select * from before', 'and gives what was there');
delete from toggl.time_entry;
select operator.rebuild_begin(true);
select operator.rebuild_step(1000);
select bag_eq('select * from pg_temp.everything()', 'select * from before', 'also of nothing');
select is(operator.housekeep() >= 0 and to_regclass('ledger.event_y2020m01') is null, true, 'housekeeping makes none of them again');
select is_empty($$select month from operator.retention_plan('2020-03', null)$$, 'nothing is left to drop');
select * from finish();
rollback;
