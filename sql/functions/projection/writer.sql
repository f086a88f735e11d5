-- Makes the functions that write the typed tables of schema toggl: ledger.write_TABLE() for each kind
-- of entity, from the columns in ledger.field, and ledger.write_one_time_entry() for a single event.
-- A batch is read strictly first. If a value has an unexpected type, the statement is repeated
-- without such values: they become null and are counted. ledger.apply() and receiver.append_one()
-- call these functions. How a value is read does not belong here: see columns.sql.

create function ledger.writer(of_model text)
returns text
language plpgsql stable set search_path = ledger, pg_temp
as $maker$
declare
  -- Words in braces are holes; the list at the end of this function says what fills each.
  source text := $sql$
    create function ledger.write_{table}(workspace_ids bigint[], event_ids bigint[], created timestamptz[],
                                         creator_ids bigint[],
      entity_ids bigint[], models text[], actions text[], bodies json[], again boolean, payloads text[])
    returns void
    language plpgsql
    as $body$
    declare
      written bigint;
    begin
      begin
        if again or payloads is null
           or 'deleted' = any (actions)
           and exists (select from {batch} where {of this table} and not {is complete})
           or cardinality({key}s) > (select count(distinct i.id) from unnest({key}s) i (id)) then
          {write all, strictly};
        else
          {write latest};
          get diagnostics written = row_count;
          -- Some rows are not the latest event of their entity, but may be the last one that
          -- created or deleted it.
          if written < cardinality(event_ids)
             and written < (select count(*) from unnest(models, entity_ids) i (model, entity_id)
                            where {of this table}) then
            {write all, strictly};
          end if;
        end if;
      exception when data_exception or program_limit_exceeded then
        if not again then
          {count};
        end if;
        {write all, tolerantly};
      end;
    end
    $body$;
    comment on function ledger.write_{table}(bigint[], bigint[], timestamptz[], bigint[], bigint[], text[], text[],
                                             json[], boolean, text[]) is
      'Part of ledger.apply(): writes toggl.{table}. Made by ledger.writer().'$sql$;

  -- Most calls have one event, and parameters cost much less than arrays.
  source_of_one constant text := $sql$;
    create function ledger.write_one_{table}(workspace bigint, event bigint, created timestamptz, creator bigint,
                                             entity bigint, of_action text, plain text)
    returns boolean
    language plpgsql
    as $body$
    begin
      {write latest, of one};
      return found;
    exception when data_exception or program_limit_exceeded then
      return false;
    end
    $body$;
    comment on function ledger.write_one_{table}(bigint, bigint, timestamptz, bigint, bigint, text, text) is
      'Part of receiver.append_one(): writes toggl.{table} from one event, which is no deletion and has this payload, '
      'plain as in ledger.apply(). False: nothing was written, because the row has something later or the payload is '
      'unusual; then ledger.apply() does it. Made by ledger.writer().'$sql$;

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
            where {of this table} and {is complete}
            offset 0$sql$;
  strictly constant text := $sql$cross join lateral (
              select case when p.entity ?| '{secrets}' then ledger.without_secrets(p.entity) else p.entity end as entity
              from (select case when i.payload is not null then i.payload::jsonb
                                when r.payload::text ~ '{maybe not plain}' then ledger.plain_payload(r.payload)
                                else r.payload::jsonb end as entity
                    from (select case when i.payload is null then i.body -> 'payload' end as payload offset 0) r
                      offset 0) p offset 0) j
            cross join lateral (select {values} from (select j.entity) e offset 0) v$sql$;
  tolerantly constant text := $sql$cross join lateral (
              select ledger.without_secrets(ledger.payload(i.body)) as entity offset 0) j
            cross join lateral (
              select {values} from (select ledger.cleaned('{table}', j.entity) as entity offset 0) e offset 0) v$sql$;

  -- Deletions whose payload has no values of the entity (see ledger.model.value_keys).
  bare constant text := $sql$
            select {keys of i}, i.created_at as changed_at, i.event_id as changed_event_id, i.creator_id as changed_by,
                   {lifecycle}, i.created_at as gone_at
            from {batch}
            where {of this table} and not {is complete}$sql$;

  -- The usual case: each entity has one event in the batch, no event is a bare deletion, payloads are
  -- plain and of the usual types, and the table has nothing later. Then that event becomes the row.
  write_latest constant text := $sql$
          insert into toggl.{table} as t ({keys}, {columns}deleted_at, changed_at, changed_event_id, changed_by,
                                          payload_at, payload_event_id, payload, lifecycle_at, lifecycle_event_id,
                                          gone_at)
          select {with duration}
          from (
            select {keys of i}, {record readings}coalesce({record deletion},
                                                   case when {is deleted} then i.created_at end) as deleted_at,
                   i.created_at as changed_at, i.event_id as changed_event_id, i.creator_id as changed_by,
                   i.created_at as payload_at, i.event_id as payload_event_id, j.document as payload, {lifecycle},
                   case when {is deleted} then coalesce({record deletion}, i.created_at) end as gone_at
            from {events}
            cross join lateral (select i.payload::jsonb as document offset 0) j
            cross join lateral jsonb_to_record(j.document) as r ({record})
            where {of this table} and not j.document ?| '{secrets}'{types are right}{keys are current}
            offset 0) s{in order}
          on conflict ({keys}) do update
            set {columns as excluded}changed_at = excluded.changed_at, changed_event_id = excluded.changed_event_id,
                changed_by = excluded.changed_by, payload_at = excluded.payload_at,
                payload_event_id = excluded.payload_event_id, payload = excluded.payload,
                deleted_at = case when excluded.lifecycle_at is null then coalesce(t.gone_at, excluded.deleted_at)
                                  else excluded.deleted_at end,
                lifecycle_at = coalesce(excluded.lifecycle_at, t.lifecycle_at),
                lifecycle_event_id = coalesce(excluded.lifecycle_event_id, t.lifecycle_event_id),
                gone_at = case when excluded.lifecycle_at is null then t.gone_at else excluded.gone_at end
            where (excluded.changed_at, excluded.changed_event_id) > (t.changed_at, t.changed_event_id)$sql$;
  -- (in a select list, because what a function in FROM returns is copied)
  events constant text := $sql$(select unnest(workspace_ids), unnest(event_ids), unnest(created), unnest(creator_ids),
                                       unnest(entity_ids), unnest(models), unnest(actions), unnest(payloads))
                   as i (workspace_id, event_id, created_at, creator_id, entity_id, model, action, payload)$sql$;
  one_event constant text := $sql$(select workspace, event, created, creator, entity, of_action, plain)
                   as i (workspace_id, event_id, created_at, creator_id, entity_id, action, payload)$sql$;

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
            select distinct on ({keys}) {with duration} from parsed s
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
                                  when {is newer payload} then
                                    case when excluded.gone_at is null then excluded.deleted_at
                                         else ledger.deletion_in('{table}', excluded.payload) end
                                  when t.gone_at is null then t.deleted_at
                                  else ledger.deletion_in('{table}', t.payload) end, {latest lifecycle}
            where (excluded.payload_at, excluded.payload_event_id) > (t.payload_at, t.payload_event_id)
               or (excluded.changed_at, excluded.changed_event_id) > (t.changed_at, t.changed_event_id)
               or excluded.lifecycle_at is not null
               and (t.lifecycle_at is null
                    or (excluded.lifecycle_at, excluded.lifecycle_event_id) > (t.lifecycle_at, t.lifecycle_event_id))
                 or again$sql$;
  is_newer_payload constant text
    := '(excluded.payload_at, excluded.payload_event_id) >= (t.payload_at, t.payload_event_id)';
  is_newer_change constant text
    := '(excluded.changed_at, excluded.changed_event_id) >= (t.changed_at, t.changed_event_id)';
  newer_lifecycle constant text
    := '(t.lifecycle_at is null or (excluded.lifecycle_at, excluded.lifecycle_event_id) >= (t.lifecycle_at, '
       't.lifecycle_event_id))';

  count_unexpected constant text := $sql$
          perform ledger.drift_count('{table}', array_agg(i.model), array_agg(i.body))
          from {batch}
          where {of this table} and {is complete}$sql$;

  known ledger.model;
  keys text;
  keys_of_i text;
  of_this_table text;
  columns text[];
  readings text[];
  raw_values text[];
  record_readings text;
  record_deletion text;
  record text;
  record_mismatches text;
  current_keys text[];
  legacy_keys text[];
  with_duration text := 's.*';
  hole text[];
begin
  select * into known from ledger.model m where m.model = of_model;
  if of_model = 'other_entity' then
    keys := 'workspace_id, model, entity_id';
    keys_of_i := 'i.workspace_id, i.model, i.entity_id';
    of_this_table := format('i.model <> all (%L) and i.entity_id is not null',
                            (select array_agg(m.model) from ledger.model m));
  elsif known.id_column is null then
    keys := 'workspace_id';
    keys_of_i := 'i.workspace_id';
    of_this_table := format('i.model = %L', of_model);
  else
    keys := 'workspace_id, ' || known.id_column;
    keys_of_i := 'i.workspace_id, i.entity_id as ' || known.id_column;
    of_this_table := format('i.model = %L and i.entity_id is not null', of_model);
  end if;
  select coalesce(array_agg(f.name) filter (where f.name <> 'deleted_at'), '{}'),
         array_agg(ledger.reading(f.kind, 'v.' || f.name) || ' as ' || f.name) filter (where f.name <> 'deleted_at'),
         array_agg(format('nullif(coalesce(%s), ''null'') as %s',
                          (select string_agg(format('e.entity -> %L', k.key), ', ' order by k.place)
                           from unnest(f.keys) with ordinality k (key, place)), f.name))
  into columns, readings, raw_values
  from ledger.field f where f.model = of_model;
  -- A column with several keys is read from the first of them: so that one must be there when a later one is.
  select string_agg(format('%s as %s, ', ledger.record_reading(f.kind, v.value), f.name), E'\n                   ')
           filter (where f.name <> 'deleted_at'),
         min(ledger.record_reading(f.kind, v.value)) filter (where f.name = 'deleted_at'),
         string_agg(format('%I %s', f.keys[1], ledger.record_type(f.kind)), ', '),
         string_agg(ledger.record_mismatch(f.kind, format('$.%I', f.keys[1])), ' || '),
         array_agg(f.keys[1]) filter (where cardinality(f.keys) > 1),
         array_agg(f.keys[2]) filter (where cardinality(f.keys) > 1)
  into record_readings, record_deletion, record, record_mismatches, current_keys, legacy_keys
  from ledger.field f cross join lateral (select format('r.%I', f.keys[1]) as value) v
  where f.model = of_model;
  if of_model = 'time_entry' then
    source := source || source_of_one;
  end if;

  -- The duration of an entry depends on three of its values.
  if 'duration_seconds' = any (columns) then
    with_duration := (select string_agg(case c when 'duration_seconds' then
                                       'toggl.entry_seconds(s.start_at, s.stop_at, s.duration_seconds) as ' || c
      else 's.' || c end, ', ')
                from unnest(string_to_array(keys, ', ') || columns
                            || '{deleted_at,changed_at,changed_event_id,changed_by,payload_at,payload_event_id,'
                               'payload,lifecycle_at,lifecycle_event_id,gone_at}'::text[]) c);
  end if;

  -- What fills a hole may have holes that stand below it in this list.
  foreach hole slice 1 in array array[
    -- the one event is no deletion
    ['{write latest, of one}', replace(replace(replace(replace(write_latest, '{events}', one_event),
                                                       '{is deleted}', 'false'), '{of this table}', 'true'),
                                       '{in order}', '')],
    ['{write latest}', replace(write_latest, '{events}', events)],
    ['{is deleted}', 'i.action = ''deleted'''],
    ['{in order}', E'\n          order by {keys}'],
    ['{write all, strictly}', write_all],
    ['{write all, tolerantly}', replace(write_all, '{parsed, strictly}', '{parsed, tolerantly}')],
    ['{count}', count_unexpected],
    ['{parsed, strictly}', replace(read, '{read}', strictly)],
    ['{parsed, tolerantly}', replace(read, '{read}', tolerantly)],
    ['{bare}', bare],
    ['{lifecycle}', 'case when i.action in (''created'', ''deleted'') then i.created_at end as lifecycle_at, '
                    'case when i.action in (''created'', ''deleted'') then i.event_id end as lifecycle_event_id'],
    ['{key}', case when of_model = 'workspace' then 'workspace_id' else 'entity_id' end],
    ['{is newer payload}', is_newer_payload],
    ['{newer lifecycle}', newer_lifecycle],
    ['{latest lifecycle}',
     (select string_agg(format('%1$s = case when %2$s then excluded.%1$s else t.%1$s end', c, newer_lifecycle),
                                        E',\n                ')
                      from unnest('{lifecycle_at,lifecycle_event_id,gone_at}'::text[]) c)],
    ['{batch}', batch],
    -- An object inside the entity may have secrets too. The pattern is short, because the search
    -- takes more time than any other part except parsing.
    ['{maybe not plain}', '.\{|\\u|\d[eE][+-]?\d{3}'],
    ['{secrets}', ledger.secrets()::text],
    ['{is complete}', '(i.action <> ''deleted'' or ledger.has_values(i.model, i.body))'],
    ['{with duration}', with_duration],
    ['{of this table}', of_this_table],
    ['{keys}', keys],
    ['{keys of i}', keys_of_i],
    ['{columns}', (select coalesce(string_agg(c || ', ', ''), '') from unnest(columns) c)],
    ['{readings}', (select coalesce(string_agg(r || E',\n                   ', ''), '') from unnest(readings) r)],
    ['{gone}', ledger.reading('time', 'v.deleted_at')],
    ['{values}', array_to_string(raw_values, ', ')],
    ['{columns as excluded}', (select coalesce(string_agg(format('%1$s = excluded.%1$s, ', c), ''), '')
                               from unnest(columns) c)],
    ['{record readings}', coalesce(record_readings, '')],
    ['{record deletion}', record_deletion],
    ['{record}', record],
    ['{types are right}', case when record_mismatches is null then ''
                               else format(' and not j.document @@ %L', record_mismatches) end],
    ['{keys are current}', format('
              and (not j.document ?| %L or j.document ?& %L)', legacy_keys, current_keys)],
    ['{latest payload}', (select
                          string_agg(format('%1$s = case when %2$s then excluded.%1$s else t.%1$s end', c,
                                            is_newer_payload),
                                     E',\n                ')
                              from unnest(columns || '{payload,payload_at,payload_event_id}'::text[]) c)],
    ['{latest change}',
     (select string_agg(format('%1$s = case when %2$s then excluded.%1$s else t.%1$s end', c, is_newer_change),
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
