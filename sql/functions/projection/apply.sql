-- Applies recorded events to the typed tables of schema toggl, in the transaction that records them.
-- receiver.append() and the rebuild call these functions. They call the writers of the tables (see
-- writer.sql) in a fixed order. ledger.apply() and the writers have no SET, because one costs 40 us:
-- their callers have pinned the search path, and all their names are qualified.

create function ledger.entity_in(body json, of_model text)
returns bigint
language plpgsql immutable set search_path = ledger, pg_temp
as $$
declare
  id text;
begin
  if octet_length(body::text) <= 4000 or not ledger.is_costly(body) then
    id := ledger.repaired_escapes(body::text)::json -> 'metadata' ->> (of_model || '_id');
  end if;
  return case when id ~ '^[1-9]\d{0,18}$' and id::numeric < 9223372036854775808 then id::bigint end;
end
$$;
comment on function ledger.entity_in(json, text) is
  'Number of the entity of a callback without a payload, from its metadata; null when the metadata does not name one, '
  'or when the body is too costly to parse.';

create function ledger.deletion_in(of_model text, entity jsonb)
returns timestamptz
language plpgsql stable set search_path = ledger, pg_temp set timezone = 'UTC'
as $$
declare
  value constant jsonb := (
    select nullif(entity -> k.key, 'null')
    from ledger.field f cross join unnest(f.keys) with ordinality k (key, place)
    where f.model = of_model and f.name = 'deleted_at' and entity ? k.key order by k.place limit 1);
begin
  return case when value is not null and ledger.is_good('time', value) then
              nullif(value #>> '{}', '')::timestamptz end;
end
$$;
comment on function ledger.deletion_in(text, jsonb) is
  'Time of the deletion in the JSON of the entity; null when there is none that can be read.';

-- ---- all tables

create function ledger.apply(
  workspace_ids bigint[], event_ids bigint[], created timestamptz[], creator_ids bigint[],
  entity_ids bigint[], models text[], actions text[], bodies json[], again boolean default false,
  payloads text[] default null)
returns void
language plpgsql
as $$
begin
  -- Nearly all batches have only time entries, and each condition below costs 3 us.
  if models <@ '{time_entry}' then
    perform ledger.write_time_entry(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies,
                                    again, payloads);
    return;
  end if;
  -- Always in this order, and within a table by key, so that two sessions that write at the same
  -- time do not deadlock.
  if 'time_entry' = any (models) then
    perform ledger.write_time_entry(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies,
                                    again, payloads);
  end if;
  if 'project' = any (models) then
    perform ledger.write_project(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies,
                                 again, payloads);
  end if;
  if 'client' = any (models) then
    perform ledger.write_client(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies,
                                again, payloads);
  end if;
  if 'tag' = any (models) then
    perform ledger.write_tag(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies, again,
                             payloads);
  end if;
  if 'task' = any (models) then
    perform ledger.write_task(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies,
                              again, payloads);
  end if;
  if 'workspace' = any (models) then
    perform ledger.write_workspace(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies,
                                   again, payloads);
  end if;
  if 'workspace_user' = any (models) then
    perform ledger.write_workspace_user(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions,
                                        bodies, again, payloads);
  end if;
  if 'project_user' = any (models) then
    perform ledger.write_project_user(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions,
                                      bodies, again, payloads);
  end if;
  if 'project_group' = any (models) then
    perform ledger.write_project_group(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions,
                                       bodies, again, payloads);
  end if;
  if not models <@ '{time_entry,project,client,tag,task,workspace,workspace_user,project_user,project_group}' then
    perform ledger.write_other_entity(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions,
                                      bodies, again, payloads);
  end if;
end
$$;
comment on function ledger.apply(bigint[], bigint[], timestamptz[], bigint[], bigint[], text[], text[], json[],
  boolean, text[]) is
  'Applies these events to the typed tables. The latest event of each entity by (created_at, event_id) counts; a '
  'deletion counts until a later creation. The order of arrival does not matter, and an event that was applied before '
  'changes nothing. An unexpected value is no error. `again`: apply an event again even if the row comes from it, for '
  'a rebuild. payloads: the payloads of the bodies, which saves parsing them here, or null; each is null or a plain '
  'object: no object inside it, no \u, and no number with an exponent.';

create function ledger.apply_without_costly(
  workspace_ids bigint[], event_ids bigint[], created timestamptz[], creator_ids bigint[], entity_ids bigint[],
  models text[], actions text[], bodies json[], costly boolean[])
returns boolean
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  applied record;
  cheap record;
begin
  insert into ledger.drift as d (day, model, field, found, slot, count)
  select (now() at time zone 'UTC')::date, i.model, 'body', 'costly', pg_backend_pid() % 16, count(*)
  from unnest(models, costly) i (model, is_costly)
  where i.is_costly
  group by i.model
  order by i.model
  on conflict on constraint drift_pkey do update set count = d.count + excluded.count;
  -- A deletion needs only the number of the entity.
  select array_agg(i.workspace_id) as workspace_ids, array_agg(i.event_id) as event_ids,
         array_agg(i.created_at) as created,
         array_agg(i.creator_id) as creator_ids, array_agg(i.entity_id) as entity_ids, array_agg(i.model) as models,
         array_agg(i.action) as actions, array_agg(i.body) as bodies
  into applied
  from unnest(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies, costly)
         as i (workspace_id, event_id, created_at, creator_id, entity_id, model, action, body, is_costly)
  where not i.is_costly or i.action = 'deleted';
  if applied.event_ids is not null then
    perform ledger.apply(applied.workspace_ids, applied.event_ids, applied.created, applied.creator_ids,
                         applied.entity_ids,
                         applied.models, applied.actions, applied.bodies);
  end if;
  select array_agg(i.workspace_id) as workspace_ids, array_agg(i.event_id) as event_ids,
         array_agg(i.created_at) as created,
         array_agg(i.model) as models, array_agg(i.action) as actions
  into cheap
  from unnest(workspace_ids, event_ids, created, models, actions, costly) as i (workspace_id, event_id, created_at,
      model, action, is_costly)
  where not i.is_costly;
  return cheap.event_ids is not null
         and ledger.outbox_add(cheap.workspace_ids, cheap.event_ids, cheap.created, cheap.models, cheap.actions);
end
$$;
comment on function ledger.apply_without_costly(bigint[], bigint[], timestamptz[], bigint[], bigint[], text[], text[],
  json[], boolean[]) is
  'Applies these events to the typed tables and the outbox. Of the events whose body is too costly to parse '
  '(ledger.is_costly()) it applies only deletions, and counts them in ledger.drift. True: the outbox got rows.';

create function ledger.apply_recorded(endpoint_ids bigint[], event_ids bigint[], created timestamptz[])
returns boolean
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  recorded record;
begin
  select array_agg(e.workspace_id) as workspace_ids, array_agg(e.event_id) as event_ids,
         array_agg(e.created_at) as created,
         array_agg(e.creator_id) as creator_ids, array_agg(e.entity_id) as entity_ids, array_agg(e.model) as models,
         array_agg(e.action) as actions, array_agg(e.body) as bodies, array_agg(c.is_costly) as costly
  into recorded
  from (select distinct p.workspace_id, i.event_id, i.created_at
        from unnest(endpoint_ids, event_ids, created) i (endpoint_id, event_id, created_at)
        join ledger.endpoint p on p.endpoint_id = i.endpoint_id) i
  -- Row by row, by key: the planner has no statistics for a table that was filled just now, so a
  -- join could get a bad plan.
  cross join lateral (
    select v.* from ledger.event v
    where v.workspace_id = i.workspace_id and v.event_id = i.event_id and v.created_at = i.created_at
    limit 1) e
  cross join lateral (select octet_length(e.body::text) > 4000 and ledger.is_costly(e.body) as is_costly offset 0) c
  where e.txid = pg_current_xact_id();
  if recorded.event_ids is not null then
    if true = any (recorded.costly) then
      return ledger.apply_without_costly(recorded.workspace_ids, recorded.event_ids, recorded.created,
                                         recorded.creator_ids, recorded.entity_ids, recorded.models,
                                         recorded.actions, recorded.bodies, recorded.costly);
    end if;
    perform ledger.apply(recorded.workspace_ids, recorded.event_ids, recorded.created, recorded.creator_ids,
                         recorded.entity_ids,
                         recorded.models, recorded.actions, recorded.bodies);
    return ledger.outbox_add(recorded.workspace_ids, recorded.event_ids, recorded.created, recorded.models,
                             recorded.actions);
  end if;
  return false;
end
$$;
comment on function ledger.apply_recorded(bigint[], bigint[], timestamptz[]) is
  'Applies the events that the current transaction has recorded, of those given, to the typed tables and the outbox. '
  'True: the outbox got rows.';
