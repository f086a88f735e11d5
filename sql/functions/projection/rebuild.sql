-- Rebuild: writes the typed tables again from the ledger, while callbacks keep arriving.
-- `hookledger rebuild` calls operator.rebuild_step() repeatedly; each call handles a range of
-- entities in one transaction. A rebuild that was interrupted continues later.

create or replace view ledger.entity as
  select t.workspace_id, 'time_entry' as model, t.time_entry_id as entity_id, t.changed_at, t.changed_event_id,
         t.payload_at, t.payload_event_id, t.payload is null and t.payload_at = '-infinity' as is_bare, t.lifecycle_at,
         t.lifecycle_event_id from toggl.time_entry t
  union all
  select t.workspace_id, 'project', t.project_id, t.changed_at, t.changed_event_id, t.payload_at, t.payload_event_id,
         t.payload is null and t.payload_at = '-infinity', t.lifecycle_at, t.lifecycle_event_id from toggl.project t
  union all
  select t.workspace_id, 'client', t.client_id, t.changed_at, t.changed_event_id, t.payload_at, t.payload_event_id,
         t.payload is null and t.payload_at = '-infinity', t.lifecycle_at, t.lifecycle_event_id from toggl.client t
  union all
  select t.workspace_id, 'tag', t.tag_id, t.changed_at, t.changed_event_id, t.payload_at, t.payload_event_id,
         t.payload is null and t.payload_at = '-infinity', t.lifecycle_at, t.lifecycle_event_id from toggl.tag t
  union all
  select t.workspace_id, 'task', t.task_id, t.changed_at, t.changed_event_id, t.payload_at, t.payload_event_id,
         t.payload is null and t.payload_at = '-infinity', t.lifecycle_at, t.lifecycle_event_id from toggl.task t
  union all
  select t.workspace_id, 'workspace', t.workspace_id, t.changed_at, t.changed_event_id, t.payload_at,
         t.payload_event_id, t.payload is null and t.payload_at = '-infinity', t.lifecycle_at, t.lifecycle_event_id
    from toggl.workspace t
  union all
  select t.workspace_id, 'workspace_user', t.workspace_user_id, t.changed_at, t.changed_event_id, t.payload_at,
         t.payload_event_id, t.payload is null and t.payload_at = '-infinity', t.lifecycle_at, t.lifecycle_event_id
    from toggl.workspace_user t
  union all
  select t.workspace_id, 'project_user', t.project_user_id, t.changed_at, t.changed_event_id, t.payload_at,
         t.payload_event_id, t.payload is null and t.payload_at = '-infinity', t.lifecycle_at, t.lifecycle_event_id
    from toggl.project_user t
  union all
  select t.workspace_id, 'project_group', t.project_group_id, t.changed_at, t.changed_event_id, t.payload_at,
         t.payload_event_id, t.payload is null and t.payload_at = '-infinity', t.lifecycle_at, t.lifecycle_event_id
    from toggl.project_group t
  union all
  select t.workspace_id, t.model, t.entity_id, t.changed_at, t.changed_event_id, t.payload_at, t.payload_event_id,
         t.payload is null and t.payload_at = '-infinity', t.lifecycle_at, t.lifecycle_event_id
    from toggl.other_entity t;
comment on view ledger.entity is 'Every row of the typed tables by its key, with the events from which it was written.';
comment on column ledger.entity.workspace_id is 'Toggl workspace.';
comment on column ledger.entity.model is 'Kind of entity.';
comment on column ledger.entity.entity_id is 'Toggl''s number of it.';
comment on column ledger.entity.changed_at is 'created_at of the last change.';
comment on column ledger.entity.changed_event_id is 'Number of that event.';
comment on column ledger.entity.payload_at is 'created_at of the event that the columns come from.';
comment on column ledger.entity.payload_event_id is 'Number of that event.';
comment on column ledger.entity.lifecycle_at is 'created_at of the last event that created or deleted it.';
comment on column ledger.entity.lifecycle_event_id is 'Number of that event.';
comment on column ledger.entity.is_bare is 'The only known event is a deletion without values.';

create function ledger.write_order(of_model text)
returns integer
language sql immutable set search_path = ledger, pg_temp
return coalesce(array_position('{time_entry,project,client,tag,task,workspace,workspace_user,project_user,'
                               'project_group}', of_model), 10);
comment on function ledger.write_order(text) is
  'Position of a table in the order in which ledger.apply() writes the tables. A session that writes several tables '
  'keeps this order.';

create function ledger.workspaces_with_rows()
returns bigint[]
language sql stable set search_path = ledger, pg_temp
as $$
  -- Goes from one workspace to the next by the keys of the tables, without reading all rows.
  with recursive found (workspace_id) as (
    select (select min(t.workspace_id) from ledger.entity t)
    union all
    select (select min(t.workspace_id) from ledger.entity t where t.workspace_id > f.workspace_id)
    from found f where f.workspace_id is not null)
  select coalesce(array_agg(f.workspace_id), '{}') from found f where f.workspace_id is not null
$$;
comment on function ledger.workspaces_with_rows() is 'Workspaces that have a row in a typed table.';

create function ledger.orphan_rows(first bigint, last bigint)
returns table (workspace_id bigint, model text, entity_id bigint)
language sql stable set search_path = ledger, pg_temp
as $$
  with events as materialized (
    select k.workspace_id, k.event_id, k.created_at, k.entity_id, k.model, k.action,
           k.action <> 'deleted' or ledger.has_values(k.model, k.body) as is_full
    from ledger.change k
    where k.entity_id between first and last
      and (k.action = 'deleted' or octet_length(k.body::text) <= 4000 or not ledger.is_costly(k.body)))
  -- c: the event of the last change; p: of the payload; v: of the last creation or deletion.
  select t.workspace_id, t.model, t.entity_id
  from ledger.entity t
  left join events c on c.workspace_id = t.workspace_id and c.model = t.model and c.entity_id = t.entity_id
                  and c.event_id = t.changed_event_id and c.created_at = t.changed_at
  left join events p on p.workspace_id = t.workspace_id and p.model = t.model and p.entity_id = t.entity_id
                  and p.event_id = t.payload_event_id and p.created_at = t.payload_at and p.is_full
  left join events v on v.workspace_id = t.workspace_id and v.model = t.model and v.entity_id = t.entity_id
                  and v.event_id = t.lifecycle_event_id and v.created_at = t.lifecycle_at
                  and v.action in ('created', 'deleted')
  where t.workspace_id = any (ledger.workspaces_with_rows()) and t.entity_id between first and last
    and t.model <> 'workspace'
    and (c.event_id is null or p.event_id is null and not t.is_bare or v.event_id is null
         and t.lifecycle_at is not null)
  union all
  -- A workspace has one row, even when its events name different entities.
  select t.workspace_id, 'workspace', t.workspace_id
  from toggl.workspace t
  where t.workspace_id between first and last
    and not (exists (select from ledger.change k
                     where k.workspace_id = t.workspace_id and k.event_id = t.changed_event_id
                       and k.created_at = t.changed_at and k.model = 'workspace')
             and (t.payload is null and t.payload_at = '-infinity'
                  or exists (select from ledger.change k
                             where k.workspace_id = t.workspace_id and k.event_id = t.payload_event_id
                               and k.created_at = t.payload_at and k.model = 'workspace'
                               and (k.action <> 'deleted' or ledger.has_values(k.model, k.body))))
             and (t.lifecycle_at is null
                  or exists (select from ledger.change k
                             where k.workspace_id = t.workspace_id and k.event_id = t.lifecycle_event_id
                               and k.created_at = t.lifecycle_at and k.model = 'workspace'
                               and k.action in ('created', 'deleted'))))
$$;
comment on function ledger.orphan_rows(bigint, bigint) is
  'Rows of these entities that have no event in the ledger: something else has written them.';

create function ledger.rebuild_entities(first bigint, last bigint)
returns bigint
language plpgsql set search_path = ledger, pg_temp set work_mem = '64MB'
as $$
declare
  orphan record;
  batch record;
  removed bigint := 0;
begin
  for orphan in
    select s.workspace_id, s.model, s.entity_id, m.id_column, m.model is null as is_other
    from ledger.orphan_rows(first, last) s left join ledger.model m on m.model = s.model
    order by ledger.write_order(s.model), s.workspace_id, s.model, s.entity_id
  loop
    execute format('delete from toggl.%I t where t.workspace_id = $1%s%s',
                   case when orphan.is_other then 'other_entity' else orphan.model end,
                   case when orphan.is_other then ' and t.model = $2' end,
                   ' and t.' || case when orphan.is_other then 'entity_id' else orphan.id_column end || ' = $3')
    using orphan.workspace_id, orphan.model, orphan.entity_id;
    removed := removed + 1;
  end loop;

  -- This statement sees everything that an append has committed until now, so it restores a row
  -- that was removed above. It is planned for each range: a generic plan could be a bad one.
  for batch in execute format($sql$
    select array_agg(p.workspace_id order by p.place) as workspace_ids,
           array_agg(p.event_id order by p.place) as event_ids,
           array_agg(p.created_at order by p.place) as created, array_agg(p.creator_id order by p.place) as creator_ids,
           array_agg(p.entity_id order by p.place) as entity_ids, array_agg(p.model order by p.place) as models,
           array_agg(p.action order by p.place) as actions, array_agg(p.body order by p.place) as bodies
    from (
      select l.*, row_number() over of_model as place, sum(pg_column_size(l.body)) over of_model as bytes
      from (
        select k.*, count(*) filter (where k.action <> 'deleted')
                      over latest_first as rank,
               k.action in ('created', 'deleted')
                 and count(*) filter (where k.action in ('created', 'deleted')) over latest_first = 1 as is_lifecycle
        from ledger.change k
        -- as in ledger.apply_without_costly()
        where %s and (k.action = 'deleted' or octet_length(k.body::text) <= 4000 or not ledger.is_costly(k.body))
        window latest_first as (partition by k.workspace_id, k.model, k.entity_id order by k.created_at desc,
                                k.event_id desc)) l
      -- The latest event that is no deletion (it has rank 1), the deletions after it (rank 0), and
      -- the last event that created or deleted the entity.
      where l.rank = case when l.action = 'deleted' then 0 else 1 end or l.is_lifecycle
      window of_model as (partition by l.model order by l.workspace_id, l.entity_id, l.created_at desc,
                          l.event_id desc)) p
    group by p.model, p.place / 200, p.bytes / 4194304
    order by ledger.write_order(p.model), p.model, p.place / 200, p.bytes / 4194304
    $sql$, case when first is null then $sql$k.entity_id is null and k.model = 'workspace'$sql$
                else format('k.entity_id between %s and %s', first, last) end)
  loop
    perform ledger.apply(batch.workspace_ids, batch.event_ids, batch.created, batch.creator_ids, batch.entity_ids,
                         batch.models, batch.actions, batch.bodies, true);
  end loop;
  if first is not null then
    perform ledger.entry_words_write_range(first, last);
  end if;
  return removed;
end
$$;
comment on function ledger.rebuild_entities(bigint, bigint) is
  'Writes the rows of these entities again from the latest events of each, and removes the rows without an event '
  '(returns how many). Null: the workspaces whose events name no entity. It keeps the order of ledger.apply(), so '
  'that a deadlock with a session that records is rare; after one, one of the two repeats its transaction.';

create function operator.rebuild_state()
returns table (reason text, requested_us bigint, started_us bigint, events_done bigint, finished_us bigint)
language sql stable security definer set search_path = ledger, pg_temp
begin atomic
  select r.reason, ledger.us(r.requested_at), ledger.us(r.started_at), r.events_done, ledger.us(r.finished_at)
  from ledger.rebuild r;
end;
comment on function operator.rebuild_state() is
  'Progress of the last rebuild; no row: there was none. started_us null: requested but not started; finished_us '
  'null: not finished.';

create function operator.rebuild_begin(restart boolean)
returns table (goes_on boolean, events_done bigint, events bigint)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  insert into ledger.rebuild as r (reason, started_at) values ('operator', now())
  on conflict (only_row) do update
    set reason = case when r.finished_at is null then r.reason else excluded.reason end,
        requested_at = case when r.finished_at is null then r.requested_at else now() end,
        started_at = now(), after_entity_id = null, events_done = 0, finished_at = null
    where restart or r.started_at is null or r.finished_at is not null;
  goes_on := not found;
  return query
    select goes_on, r.events_done, (select count(*) from ledger.change k where k.entity_id is not null)
    from ledger.rebuild r;
end
$$;
comment on function operator.rebuild_begin(boolean) is
  'Starts a rebuild, or continues one that is not finished (unless `restart`). events: how many there are now.';

create function operator.rebuild_step(most bigint)
returns table (events_done bigint, removed bigint, finished boolean)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  state ledger.rebuild;
  first bigint;
  last bigint;
  covered bigint;
begin
  -- Waits while retention drops months. Two sessions that rebuild at the same time take turns and
  -- share the work.
  perform pg_advisory_xact_lock(7306021983461008);
  select * into state from ledger.rebuild r for update;
  if not found or state.started_at is null then
    perform ledger.refuse('rebuild.not_begun');
  end if;
  removed := 0;
  finished := state.finished_at is not null;
  events_done := state.events_done;
  if finished then
    return next;
    return;
  end if;
  first := coalesce(state.after_entity_id + 1, -9223372036854775808);
  select count(*), max(n.entity_id) into covered, last
  from (select k.entity_id from ledger.change k where k.entity_id >= first order by k.entity_id limit most) n;
  finished := covered < most;
  if finished then
    last := 9223372036854775807;
  else
    select count(*) into covered from ledger.change k where k.entity_id between first and last;
  end if;
  removed := ledger.rebuild_entities(first, last);
  if finished then
    removed := removed + ledger.rebuild_entities(null, null);
    analyze toggl.time_entry, toggl.project, toggl.client, toggl.tag, toggl.task, toggl.workspace,
            toggl.workspace_user, toggl.project_user, toggl.project_group, toggl.other_entity;
  end if;
  update ledger.rebuild r
  set after_entity_id = last, events_done = r.events_done + covered,
      finished_at = case when rebuild_step.finished then clock_timestamp() end;
  events_done := events_done + covered;
  return next;
end
$$;
comment on function operator.rebuild_step(bigint) is
  'Writes the rows of the next entities again, those of about `most` events, in this transaction. events_done: of the '
  'whole rebuild; removed: rows without an event. Several sessions may call it at the same time.';
