-- A deletion is final until the entity is created again, whatever updates come
-- later, and in whatever order, batches and tables it comes.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap;
select * from no_plan();
\o /dev/null
\ir ../data/tell.sql

-- n: the minute in which it happened. gone: the minute of the deletion that stands.
create temp table scenario (scenario text, n int, action text, more text, gone int);
insert into scenario values
  ('updated after it', 1, 'created', 'x', 3), ('updated after it', 3, 'deleted', 'x', 3), ('updated after it', 5, 'updated', 'x', 3),
  ('by number only, then updated', 1, 'created', 'x', 3), ('by number only, then updated', 3, 'deleted', null, 3), ('by number only, then updated', 5, 'updated', 'x', 3),
  ('created again', 1, 'created', 'x', null), ('created again', 3, 'deleted', null, null), ('created again', 5, 'updated', 'x', null), ('created again', 7, 'created', 'x', null),
  ('created before the update', 3, 'deleted', 'x', null), ('created before the update', 4, 'created', 'x', null), ('created before the update', 5, 'updated', 'x', null),
  ('deleted twice', 2, 'created', 'x', 6), ('deleted twice', 3, 'deleted', 'x', 6), ('deleted twice', 6, 'deleted', null, 6), ('deleted twice', 8, 'archived', 'x', 6),
  ('never seen', 3, 'deleted', null, 3), ('never seen', 5, 'updated', 'x', 3), ('never seen', 6, 'updated', 'x', 3),
  ('by what an update says', 1, 'created', 'x', null), ('by what an update says', 4, 'updated', 'gone', null), ('by what an update says', 5, 'updated', 'x', null),
  ('the last update says it', 3, 'deleted', 'x', 9), ('the last update says it', 4, 'created', 'x', 9), ('the last update says it', 5, 'updated', 'gone', 9);
create temp table applied (scenario text, model text, way text, entity bigint, gone int);

create function pg_temp.happen(of_scenario text, of_model text, entity bigint, ns int[]) returns void language sql as $$
  select receiver.append(array_agg(101::bigint), array_agg(201::bigint), array_agg(7435584::bigint), array_agg(entity * 10 + s.n order by s.n), array_agg(timestamptz '2026-05-01 10:00Z' + s.n * interval '1 minute' order by s.n),
                         array_agg(clock_timestamp()), array_agg(5::bigint), array_agg(entity), array_agg(of_model), array_agg(s.action order by s.n), array_agg('\xab'::bytea),
                         array_agg(format('{"metadata":{"action":%s},"payload":%s}', to_json(s.action), case when s.more is null then format('{"id":%s}', entity) else
                           format('{"id":%s,"name":"of %s","start":"2026-05-01T10:00:00Z","duration":%2$s%s}', entity, s.n, case s.more when 'gone' then ',"server_deleted_at":"2026-05-01T10:09:00Z"' end) end)::json order by s.n), 'webhook')
  from scenario s where s.scenario = of_scenario and s.n = any (ns)
$$;
create function pg_temp.apply_all() returns void language plpgsql as $$
declare
  p record;
  n int;
  entity bigint := 1000;
begin
  for p in
    with recursive orders (scenario, ns) as (
      select distinct s.scenario, '{}'::int[] from scenario s
      union all
      select o.scenario, o.ns || s.n from orders o join scenario s on s.scenario = o.scenario and s.n <> all (o.ns))
    select o.scenario, o.ns, m.model, s.gone
    from orders o join lateral (select max(s.gone) as gone, count(*) from scenario s where s.scenario = o.scenario) s on s.count = cardinality(o.ns)
    cross join unnest('{time_entry,project,expense}'::text[]) m (model)
    order by o.scenario, m.model, o.ns
  loop
    -- one by one; the first alone and the others in one batch; all but the last in one
    entity := entity + 1;
    foreach n in array p.ns loop
      perform pg_temp.happen(p.scenario, p.model, entity, array[n]);
    end loop;
    insert into applied values (p.scenario, p.model, 'one by one ' || p.ns::text, entity, p.gone);
    entity := entity + 1;
    perform pg_temp.happen(p.scenario, p.model, entity, p.ns[1:1]);
    perform pg_temp.happen(p.scenario, p.model, entity, p.ns[2:]);
    insert into applied values (p.scenario, p.model, 'one first ' || p.ns::text, entity, p.gone);
    entity := entity + 1;
    perform pg_temp.happen(p.scenario, p.model, entity, p.ns[:cardinality(p.ns) - 1]);
    perform pg_temp.happen(p.scenario, p.model, entity, p.ns[cardinality(p.ns):]);
    insert into applied values (p.scenario, p.model, 'one last ' || p.ns::text, entity, p.gone);
    entity := entity + 1;
    perform pg_temp.happen(p.scenario, p.model, entity, p.ns);
    insert into applied values (p.scenario, p.model, 'at once', entity, p.gone);
  end loop;
end
$$;
select pg_temp.apply_all();
create temp view there as
  select time_entry_id as entity, deleted_at, to_jsonb(t) - '{time_entry_id,payload_event_id,changed_event_id,lifecycle_event_id,payload}'::text[] as row from toggl.time_entry t
  union all select project_id, deleted_at, to_jsonb(t) - '{project_id,payload_event_id,changed_event_id,lifecycle_event_id,payload}'::text[] from toggl.project t
  union all select entity_id, deleted_at, to_jsonb(t) - '{entity_id,payload_event_id,changed_event_id,lifecycle_event_id,payload}'::text[] from toggl.other_entity t;
create temp view wrong as
  select o.scenario, o.model, o.way, extract(minute from t.deleted_at) as is_gone, o.gone from applied o left join there t using (entity)
  where t.entity is null or t.deleted_at is distinct from timestamptz '2026-05-01 10:00Z' + o.gone * interval '1 minute';
\o
select cmp_ok(count(*), '>', 1000::bigint, 'many orders') from applied;
select is_empty('select * from wrong', 'a deletion is final, and a creation after it is a new beginning, in any order');
select is_empty($$select o.scenario, o.model, count(distinct t.row) from applied o join there t using (entity) group by 1, 2 having count(distinct t.row) > 1$$, 'all orders make the same row');
select is_empty($$select h.time_entry_id, o.scenario, o.way from applied o left join toggl.time_entries h on h.time_entry_id = o.entity where o.model = 'time_entry' and (h.time_entry_id is null) <> (o.gone is not null)$$, 'the views have what is there');

create temp table before as select * from there;
create function pg_temp.rebuild() returns void language plpgsql as $$
begin
  perform operator.rebuild_begin(true);
  while not (select s.finished from operator.rebuild_step(700) s) loop
  end loop;
end
$$;
select pg_temp.rebuild() \g /dev/null
select bag_eq('select entity, row from there', 'select entity, row from before', 'written anew over what is there');
update toggl.time_entry set deleted_at = null, gone_at = null, lifecycle_at = 'infinity' where time_entry_id % 3 = 0;
delete from toggl.time_entry where time_entry_id % 3 = 1;
delete from toggl.project;
delete from toggl.other_entity;
select pg_temp.rebuild() \g /dev/null
select bag_eq('select entity, row from there', 'select entity, row from before', 'and from the ledger alone');

-- History and states of the past, minute by minute, against the events in their order.
create temp view state as
  select o.entity, m.minute, (select s.action from scenario s where s.scenario = o.scenario and s.n <= m.minute and s.action in ('created', 'deleted') order by s.n desc limit 1) = 'deleted' is true
         or (select s.more from scenario s where s.scenario = o.scenario and s.n <= m.minute and s.more is not null order by s.n desc limit 1) = 'gone' is true as is_gone
  from applied o cross join generate_series(0, 9) m (minute)
  where o.model = 'time_entry' and o.way = 'at once' and exists (select from scenario s where s.scenario = o.scenario and s.n <= m.minute);
select is_empty($$select s.* from state s left join toggl.time_entries_as_of(timestamptz '2026-05-01 10:00:30Z' + s.minute * interval '1 minute') a on a.time_entry_id = s.entity
                  where (a.time_entry_id is null) <> s.is_gone$$, 'as of each minute');
select is_empty(
  $$select s.* from state s
    cross join lateral (select h.new_value is not null as is_gone from toggl.history_of(s.entity) h
                        where h.field = 'deleted_at' and h.changed_at <= timestamptz '2026-05-01 10:00:30Z' + s.minute * interval '1 minute'
                        order by h.changed_at desc limit 1) h
    where h.is_gone <> s.is_gone$$, 'and in history');

-- Retention keeps what it takes.
select ledger.baseline_add('2026-05-01 10:05:30Z') \g /dev/null
delete from ledger.event where created_at < '2026-05-01 10:05:30Z';
delete from toggl.time_entry;
select pg_temp.rebuild() \g /dev/null
select bag_eq('select entity, row from there', 'select entity, row from before', 'also from what retention leaves');
select * from finish();
rollback;
