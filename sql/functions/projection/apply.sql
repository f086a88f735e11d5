-- Writes the typed tables of schema toggl, in the transaction that records an event.
-- receiver.append() and the rebuild call these functions. `hookledger migrate` generates the
-- function that writes a table from the columns in ledger.field. A batch is read strictly first. If
-- a value has an unexpected type, the statement is repeated without such values: they become null
-- and are counted. How a value is read does not belong here: see columns.sql.

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

-- ---- the writer of a table

create function ledger.writer(of_model text)
returns text
language plpgsql stable set search_path = ledger, pg_temp
as $maker$
declare
  source text := $sql$
    create function ledger.write_{table}(workspace_ids bigint[], event_ids bigint[], created timestamptz[],
                                         creator_ids bigint[],
      entity_ids bigint[], models text[], actions text[], bodies json[], again boolean, payloads text[])
    returns void
    language plpgsql set search_path = ledger, pg_temp
    as $body$
    declare
      written bigint;
    begin
      begin
        if 'deleted' = any (actions) and exists (select from {batch} where {mine} and not {is complete})
           or cardinality(event_ids) > 1
           and (select count(*) > count(distinct i.{key})
                from unnest(workspace_ids, entity_ids) i (workspace_id, entity_id)) then
          {write all, strictly};
        else
          {write complete};
          get diagnostics written = row_count;
          -- Some rows are not the latest event of their entity, but may be the last one that
          -- created or deleted it.
          if written < cardinality(event_ids)
             and written < (select count(*) from unnest(models, entity_ids) i (model, entity_id) where {mine}) then
            {write all, strictly};
          end if;
        end if;
      exception when data_exception or program_limit_exceeded then
        if not again then
          {count};
        end if;
        {write all, carefully};
      end;
    end
    $body$;
    comment on function ledger.write_{table}(bigint[], bigint[], timestamptz[], bigint[], bigint[], text[], text[],
                                             json[], boolean, text[]) is
      'Part of ledger.apply(): writes toggl.{table}. Made by ledger.writer().'$sql$;

  batch constant text := $sql$unnest(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions,
                                     bodies, payloads)
                   as i (workspace_id, event_id, created_at, creator_id, entity_id, model, action, body, payload)$sql$;

  -- The values of the batch: the latest change of each entity that has a full payload. All changes
  -- are read, not only the latest ones, so that an unexpected value is always found, whatever the
  -- other events of the batch are.
  read constant text := $sql$
            select {keys of i}, {readings}coalesce({gone},
                                                   case when i.action = 'deleted' then i.created_at end) as deleted_at,
                   i.created_at as changed_at, i.event_id as changed_event_id, i.creator_id as changed_by,
                   i.created_at as payload_at, i.event_id as payload_event_id, j.entity as payload,
                   {lifecycle}, case when i.action = 'deleted' then coalesce({gone}, i.created_at) end as gone_at
            from {batch}
            {read}
            where {mine} and {is complete}
            offset 0$sql$;
  complete constant text := $sql$
          select distinct on ({keys}) {as it counts}
          from ({parsed}) s
          order by {keys}, s.changed_at desc, s.changed_event_id desc$sql$;
  strictly constant text := $sql$cross join lateral (
              select case when p.entity ?| '{secrets}' then ledger.without_secrets(p.entity) else p.entity end as entity
              from (select case when i.payload is not null then i.payload::jsonb
                                when r.payload::text ~ '{may need care}' then ledger.plain_payload(r.payload)
                                else r.payload::jsonb end as entity
                    from (select case when i.payload is null then i.body -> 'payload' end as payload offset 0) r
                      offset 0) p offset 0) j
            cross join lateral (select {values} from (select j.entity) e offset 0) v$sql$;
  carefully constant text := $sql$cross join lateral (
              select ledger.without_secrets(ledger.payload(i.body)) as entity offset 0) j
            cross join lateral (
              select {values} from (select ledger.cleaned('{table}', j.entity) as entity offset 0) e offset 0) v$sql$;

  -- Deletions whose payload has no values of the entity (see ledger.model.telling).
  bare constant text := $sql$
            select {keys of i}, i.created_at as changed_at, i.event_id as changed_event_id, i.creator_id as changed_by,
                   {lifecycle}, i.created_at as gone_at
            from {batch}
            where {mine} and not {is complete}$sql$;

  -- The usual case: each entity has one event in the batch, and no event is a bare deletion. Then
  -- that event becomes the row, unless the table has a later one.
  write_complete constant text := $sql$
          insert into toggl.{table} as t ({keys}, {columns}deleted_at, changed_at, changed_event_id, changed_by,
                                          payload_at, payload_event_id, payload, lifecycle_at, lifecycle_event_id,
                                          gone_at)
          {complete, strictly}
          on conflict ({keys}) do update
            set {columns as payload}payload = excluded.payload, payload_at = excluded.payload_at,
                payload_event_id = excluded.payload_event_id, {latest change},
                deleted_at = case when {newer lifecycle} then excluded.deleted_at
                                  else coalesce(t.gone_at, excluded.deleted_at) end, {latest lifecycle}
            where (excluded.payload_at, excluded.payload_event_id) > (t.payload_at, t.payload_event_id)
               or again and (excluded.payload_at, excluded.payload_event_id) = (t.payload_at, t.payload_event_id)$sql$;

  -- Otherwise up to three events make a row: the latest payload, the latest event, and the latest
  -- creation or deletion. One statement writes all rows in the order of their keys: with two
  -- statements, two sessions could lock the same rows in different order and deadlock.
  write_all constant text := $sql$
          insert into toggl.{table} as t ({keys}, {columns}deleted_at, changed_at, changed_event_id, changed_by,
                                          payload_at, payload_event_id, payload, lifecycle_at, lifecycle_event_id,
                                          gone_at)
          with parsed as materialized ({parsed, strictly}),
          happened as materialized (
            select {keys}, changed_at, changed_event_id, changed_by, lifecycle_at, lifecycle_event_id, gone_at
              from parsed
            union all
            {bare}),
          complete as (
            select distinct on ({keys}) {as it counts} from parsed s
            order by {keys}, s.changed_at desc, s.changed_event_id desc),
          last as (
            select distinct on ({keys}) {keys}, changed_at, changed_event_id, changed_by from happened
            order by {keys}, changed_at desc, changed_event_id desc),
          lived as (
            select distinct on ({keys}) {keys}, lifecycle_at, lifecycle_event_id, gone_at from happened
            order by {keys}, lifecycle_at desc nulls last, lifecycle_event_id desc)
          select {keys}, {columns}coalesce(v.gone_at, p.deleted_at), l.changed_at, l.changed_event_id, l.changed_by,
                 coalesce(p.payload_at, '-infinity'), coalesce(p.payload_event_id, 0), p.payload, v.lifecycle_at,
                   v.lifecycle_event_id, v.gone_at
          from last l
          join lived v using ({keys})
          left join complete p using ({keys})
          order by {keys}
          on conflict ({keys}) do update
            set {latest payload}, {latest change},
                deleted_at = case when case when {newer lifecycle} then excluded.gone_at else t.gone_at end is not null
                                  then case when {newer lifecycle} then excluded.gone_at else t.gone_at end
                                  when {is newer} then case when excluded.gone_at is null then excluded.deleted_at
                                                            else ledger.deletion_in('{table}', excluded.payload) end
                                  when t.gone_at is null then t.deleted_at
                                  else ledger.deletion_in('{table}', t.payload) end, {latest lifecycle}
            where (excluded.payload_at, excluded.payload_event_id) > (t.payload_at, t.payload_event_id)
               or (excluded.changed_at, excluded.changed_event_id) > (t.changed_at, t.changed_event_id)
               or excluded.lifecycle_at is not null
               and (t.lifecycle_at is null
                    or (excluded.lifecycle_at, excluded.lifecycle_event_id) > (t.lifecycle_at, t.lifecycle_event_id))
                 or again$sql$;
  is_newer constant text := '(excluded.payload_at, excluded.payload_event_id) >= (t.payload_at, t.payload_event_id)';
  is_later constant text := '(excluded.changed_at, excluded.changed_event_id) >= (t.changed_at, t.changed_event_id)';
  newer_lifecycle constant text
    := '(t.lifecycle_at is null or (excluded.lifecycle_at, excluded.lifecycle_event_id) >= (t.lifecycle_at, '
       't.lifecycle_event_id))';

  count_odd constant text := $sql$
          perform ledger.drift_count('{table}', array_agg(i.model), array_agg(i.body))
          from {batch}
          where {mine} and {is complete}$sql$;

  known ledger.model;
  keys text;
  keys_of_i text;
  mine text;
  columns text[];
  readings text[];
  picked text[];
  counted text := 's.*';
  hole text[];
begin
  select * into known from ledger.model m where m.model = of_model;
  if of_model = 'other_entity' then
    keys := 'workspace_id, model, entity_id';
    keys_of_i := 'i.workspace_id, i.model, i.entity_id';
    mine := format('i.model <> all (%L) and i.entity_id is not null', (select array_agg(m.model) from ledger.model m));
  elsif known.id_column is null then
    keys := 'workspace_id';
    keys_of_i := 'i.workspace_id';
    mine := format('i.model = %L', of_model);
  else
    keys := 'workspace_id, ' || known.id_column;
    keys_of_i := 'i.workspace_id, i.entity_id as ' || known.id_column;
    mine := format('i.model = %L and i.entity_id is not null', of_model);
  end if;
  select coalesce(array_agg(f.name) filter (where f.name <> 'deleted_at'), '{}'),
         array_agg(ledger.reading(f.kind, 'v.' || f.name) || ' as ' || f.name) filter (where f.name <> 'deleted_at'),
         array_agg(format('nullif(coalesce(%s), ''null'') as %s',
                          (select string_agg(format('e.entity -> %L', k.key), ', ' order by k.place)
                           from unnest(f.keys) with ordinality k (key, place)), f.name))
  into columns, readings, picked
  from ledger.field f where f.model = of_model;

  -- The duration of an entry depends on three of its values.
  if 'duration_seconds' = any (columns) then
    counted := (select string_agg(case c when 'duration_seconds' then
                                       'toggl.entry_seconds(s.start_at, s.stop_at, s.duration_seconds) as ' || c
      else 's.' || c end, ', ')
                from unnest(string_to_array(keys, ', ') || columns
                            || '{deleted_at,changed_at,changed_event_id,changed_by,payload_at,payload_event_id,'
                               'payload,lifecycle_at,lifecycle_event_id,gone_at}'::text[]) c);
  end if;

  foreach hole slice 1 in array array[
    ['{write complete}', write_complete],
    ['{write all, strictly}', write_all],
    ['{write all, carefully}', replace(write_all, '{parsed, strictly}', '{parsed, carefully}')],
    ['{count}', count_odd],
    ['{complete, strictly}', replace(complete, '{parsed}', replace(read, '{read}', strictly))],
    ['{parsed, strictly}', replace(read, '{read}', strictly)],
    ['{parsed, carefully}', replace(read, '{read}', carefully)],
    ['{bare}', bare],
    ['{lifecycle}', 'case when i.action in (''created'', ''deleted'') then i.created_at end as lifecycle_at, '
                    'case when i.action in (''created'', ''deleted'') then i.event_id end as lifecycle_event_id'],
    ['{key}', case when of_model = 'workspace' then 'workspace_id' else 'entity_id' end],
    ['{is newer}', is_newer],
    ['{newer lifecycle}', newer_lifecycle],
    ['{latest lifecycle}',
     (select string_agg(format('%1$s = case when %2$s then excluded.%1$s else t.%1$s end', c, newer_lifecycle),
                                        E',\n                ')
                      from unnest('{lifecycle_at,lifecycle_event_id,gone_at}'::text[]) c)],
    ['{batch}', batch],
    -- An object inside the entity may have secrets too. The pattern is short, because the search
    -- takes more time than any other part except parsing.
    ['{may need care}', '.\{|\\u|\d[eE][+-]?\d{3}'],
    ['{secrets}', ledger.secrets()::text],
    ['{is complete}', '(i.action <> ''deleted'' or ledger.is_telling(i.model, i.body))'],
    ['{as it counts}', counted],
    ['{mine}', mine],
    ['{keys}', keys],
    ['{keys of i}', keys_of_i],
    ['{columns}', (select coalesce(string_agg(c || ', ', ''), '') from unnest(columns) c)],
    ['{readings}', (select coalesce(string_agg(r || E',\n                   ', ''), '') from unnest(readings) r)],
    ['{gone}', ledger.reading('time', 'v.deleted_at')],
    ['{values}', array_to_string(picked, ', ')],
    ['{columns as payload}', (select coalesce(string_agg(format('%1$s = excluded.%1$s, ', c), ''), '')
                              from unnest(columns) c)],
    ['{latest payload}', (select
                          string_agg(format('%1$s = case when %2$s then excluded.%1$s else t.%1$s end', c, is_newer),
                                     E',\n                ')
                              from unnest(columns || '{payload,payload_at,payload_event_id}'::text[]) c)],
    ['{latest change}',
     (select string_agg(format('%1$s = case when %2$s then excluded.%1$s else t.%1$s end', c, is_later),
                        E',\n                ')
                              from unnest('{changed_at,changed_event_id,changed_by}'::text[]) c)],
    ['{table}', of_model]] loop
    source := replace(source, hole[1], hole[2]);
  end loop;
  return source;
end
$maker$;
comment on function ledger.writer(text) is
  'The text of the function that writes the table of a kind of entity, from ledger.model and ledger.field.';

do $$
declare
  of_model text;
begin
  for of_model in select m.model from ledger.model m union all select 'other_entity' loop
    execute ledger.writer(of_model);
  end loop;
end
$$;

-- ---- all tables

create function ledger.apply(
  workspace_ids bigint[], event_ids bigint[], created timestamptz[], creator_ids bigint[],
  entity_ids bigint[], models text[], actions text[], bodies json[], again boolean default false,
  payloads text[] default null)
returns void
language plpgsql set search_path = ledger, pg_temp set timezone = 'UTC' set jit = off
as $$
begin
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

create function ledger.apply_all_but(
  workspace_ids bigint[], event_ids bigint[], created timestamptz[], creator_ids bigint[], entity_ids bigint[],
  models text[], actions text[], bodies json[], costly boolean[])
returns boolean
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  applied record;
  sent record;
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
  into sent
  from unnest(workspace_ids, event_ids, created, models, actions, costly) as i (workspace_id, event_id, created_at,
      model, action, is_costly)
  where not i.is_costly;
  return sent.event_ids is not null
         and ledger.outbox_add(sent.workspace_ids, sent.event_ids, sent.created, sent.models, sent.actions);
end
$$;
comment on function ledger.apply_all_but(bigint[], bigint[], timestamptz[], bigint[], bigint[], text[], text[],
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
      return ledger.apply_all_but(recorded.workspace_ids, recorded.event_ids, recorded.created, recorded.creator_ids,
                                  recorded.entity_ids,
                                  recorded.models, recorded.actions, recorded.bodies, recorded.costly);
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
