-- History: each change of a time entry, the entries at a past time, and loads by other systems
-- (toggl.changed_since), for analysts and their programs. The objects in schema toggl survive
-- migrations, because users build on them: views and functions are replaced and never dropped,
-- columns are only appended, and none depends on a function of schema ledger in a way that
-- PostgreSQL tracks (it does not track a body between dollar signs).

create or replace view ledger.change as
  select e.workspace_id, e.event_id, e.created_at, e.received_at, e.seq, e.txid, e.epoch, e.endpoint_id, e.secret_id,
         e.creator_id, e.entity_id, e.model, e.action, e.source, e.signature, e.body
  from ledger.event e
  union all
  select b.workspace_id, b.event_id, b.created_at, b.received_at, b.seq, b.txid, b.epoch, b.endpoint_id, b.secret_id,
         b.creator_id, b.entity_id, b.model, b.action, b.source, b.signature, b.body
  from ledger.baseline b;
comment on view ledger.change is
  'All known events: those of ledger.event, and for dropped months the last events of each entity (ledger.baseline). '
  'Columns as in ledger.event.';
do $$
declare
  name text;
begin
  for name in select a.attname from pg_attribute a where a.attrelid = 'ledger.change'::regclass and a.attnum > 0 loop
    execute format('comment on column ledger.change.%I is %L', name, 'As in ledger.event.');
  end loop;
end
$$;

-- ---- one event

create function ledger.reader(of_model text)
returns text
language plpgsql stable set search_path = ledger, pg_temp
as $maker$
declare
  targets text;
  picked text;
  readings text;
  frame text := $sql$
    create function ledger.read_{table}(entity jsonb)
    returns toggl.{table}
    language plpgsql stable set search_path = ledger, pg_temp set timezone = 'UTC'
    as $body$
    declare
      entry_row toggl.{table};
      -- (a text search first: parsing an object costs ten times as much)
      safe constant jsonb := case when entity::text ~ array_to_string(ledger.secrets(), '|')
                                  then ledger.without_secrets(entity) else entity end;
      clean jsonb := safe;
    begin
      begin
        {read};
      exception when data_exception or program_limit_exceeded then
        clean := ledger.cleaned('{table}', safe);
        {read};
      end;
      {counted}entry_row.payload := safe;
      return entry_row;
    end
    $body$;
    comment on function ledger.read_{table}(jsonb) is
      'What an entity says, as a row of toggl.{table}; a value of an unexpected type is null. Made by ledger.reader().';
  $sql$;
begin
  select string_agg('entry_row.' || f.name, ', '),
         string_agg(format('nullif(coalesce(%s), ''null'') as %s',
                           (select string_agg(format('clean -> %L', key), ', ' order by place)
                            from unnest(f.keys) with ordinality u (key, place)), f.name), ', '),
         string_agg(ledger.reading(f.kind, 'v.' || f.name), E',\n          ')
  into targets, picked, readings
  from ledger.field f where f.model = of_model;
  frame := replace(frame, '{read}', format(E'select %s\n        into %s\n        from (select %s offset 0) v', readings,
                                           targets, picked));
  frame := replace(frame, '{counted}',
                   case when exists (select from ledger.field f
                                     where f.model = of_model and f.name = 'duration_seconds')
                        then E'entry_row.duration_seconds := toggl.entry_seconds(entry_row.start_at, '
                             'entry_row.stop_at, entry_row.duration_seconds);\n      ' else '' end);
  return replace(frame, '{table}', of_model);
end
$maker$;
comment on function ledger.reader(text) is
  'The text of the function that reads an entity as a row of its table, from ledger.field.';

do $$
begin
  execute ledger.reader('time_entry');
end
$$;

create function ledger.time_entry_of_event(
  workspace bigint, entry bigint, at timestamptz, event bigint, creator bigint, of_action text, body json)
returns toggl.time_entry
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  entry_row toggl.time_entry := ledger.read_time_entry(ledger.payload(body));
begin
  entry_row.workspace_id := workspace;
  entry_row.time_entry_id := entry;
  entry_row.deleted_at := coalesce(entry_row.deleted_at, case when of_action = 'deleted' then at end);
  entry_row.changed_at := at;
  entry_row.changed_event_id := event;
  entry_row.changed_by := creator;
  entry_row.payload_at := at;
  entry_row.payload_event_id := event;
  entry_row.lifecycle_at := case when of_action in ('created', 'deleted') then at end;
  entry_row.lifecycle_event_id := case when of_action in ('created', 'deleted') then event end;
  entry_row.gone_at := case when of_action = 'deleted' then entry_row.deleted_at end;
  return entry_row;
end
$$;
comment on function ledger.time_entry_of_event(bigint, bigint, timestamptz, bigint, bigint, text, json) is
  'The row that an event of a time entry makes when there is no row yet.';

create function ledger.app(body json)
returns text
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  -- a string that itself contains JSON
  return nullif((body #>> '{metadata,request_body}')::json ->> 'created_with', '');
exception when data_exception or program_limit_exceeded then
  return null;
end
$$;
comment on function ledger.app(json) is
  'The app that made a change: created_with of the request in Toggl''s metadata; null when there is none that can be '
  'read.';

-- ---- the history of an entry

create or replace function toggl.history_of(entry bigint, workspace bigint default null)
returns table (workspace_id bigint, time_entry_id bigint, changed_at timestamptz, event_id bigint, action text,
               changed_by bigint, changed_by_name text, app text, field text, old_value text, new_value text,
               is_first boolean)
language plpgsql stable security definer rows 20 cost 10000 set search_path = ledger, pg_temp
set timezone = 'UTC' set plan_cache_mode = force_generic_plan set jit = off
as $$
declare
  fields constant text[] := (select array_agg(f.name) from ledger.field f
                             where f.model = 'time_entry' and f.name <> all ('{updated_at,permissions}'));
  change record;
  entry_row toggl.time_entry;
  gone timestamptz;
  before jsonb;
  after jsonb;
begin
  for change in
    select c.workspace_id, c.created_at, c.event_id, c.action, c.creator_id, c.body,
           lag(c.workspace_id) over last is distinct from c.workspace_id as is_first
    from ledger.change c
    where c.entity_id = entry and c.model = 'time_entry' and (workspace is null or c.workspace_id = workspace)
    window last as (order by c.workspace_id, c.created_at, c.event_id)
    order by c.workspace_id, c.created_at, c.event_id
  loop
    if change.is_first then
      before := '{}';
      gone := null;
    end if;
    if change.is_first or changed_by is distinct from change.creator_id then
      changed_by := change.creator_id;
      changed_by_name := (select u.user_name from toggl.users u
                          where u.workspace_id = change.workspace_id and u.user_id = change.creator_id);
    end if;
    entry_row := ledger.time_entry_of_event(change.workspace_id, entry, change.created_at, change.event_id,
                                            change.creator_id, change.action, change.body);
    -- A deletion stays until the entry is created again.
    if change.action in ('created', 'deleted') then
      gone := entry_row.gone_at;
    end if;
    entry_row.deleted_at := coalesce(gone, entry_row.deleted_at);
    after := to_jsonb(entry_row);
    if change.action = 'deleted' and not ledger.has_values('time_entry', change.body) then
      after := before || jsonb_build_object('deleted_at', after -> 'deleted_at');
    end if;
    workspace_id := change.workspace_id;
    time_entry_id := entry;
    changed_at := change.created_at;
    event_id := change.event_id;
    action := change.action;
    app := ledger.app(change.body);
    is_first := change.is_first;
    for field, old_value, new_value in
      select f.name, before ->> f.name, after ->> f.name
      from unnest(fields) with ordinality f (name, place)
      where (before ->> f.name) is distinct from (after ->> f.name)
      order by f.place
    loop
      return next;
    end loop;
    if not found and change.action = 'created' then
      field := null;
      old_value := null;
      new_value := null;
      return next;
    end if;
    before := after;
  end loop;
end
$$;
comment on function toggl.history_of(bigint, bigint) is
  'Rows of toggl.time_entry_history of one entry, the oldest first; only of one workspace if it is given. Example: '
  'select changed_at, changed_by_name, field, old_value, new_value from toggl.history_of(3050537739);';

-- For each workspace, because the key of time_entry starts with it: a search by the number of the
-- entry alone would read the whole index.
create or replace view toggl.time_entry_history as
  select e.workspace_id, e.time_entry_id, h.changed_at, h.event_id, h.action, h.changed_by, h.changed_by_name, h.app,
         h.field, h.old_value, h.new_value, h.is_first, e.changed_at as entry_changed_at
  from (select distinct p.workspace_id from ledger.endpoint p where p.workspace_id is not null) w
  join toggl.time_entry e on e.workspace_id = w.workspace_id
  cross join lateral toggl.history_of(e.time_entry_id, e.workspace_id) h;
comment on view toggl.time_entry_history is
  'Each change of each time entry, one row for each field. A field that is set when the entry is made has old_value '
  'null; a deletion sets the field deleted_at. Values as the columns of toggl.time_entry read them, as text: times in '
  'UTC, lists as JSON. updated_at and permissions are left out, because they add no information. In the order of the '
  'changes at Toggl, (changed_at, event_id), whatever the order they arrived in. Restrict the query to some entries '
  '(time_entry_id = …, or a join), because reading the history of all entries takes long. Example: select changed_at, '
  'changed_by_name, app, field, old_value, new_value from toggl.time_entry_history where time_entry_id = 3050537739 '
  'order by changed_at, event_id;';
comment on column toggl.time_entry_history.workspace_id is 'Toggl workspace.';
comment on column toggl.time_entry_history.time_entry_id is 'Entry that was changed.';
comment on column toggl.time_entry_history.changed_at is 'When it was changed at Toggl.';
comment on column toggl.time_entry_history.event_id is
  'Toggl''s number of the event: rows with the same number are one change.';
comment on column toggl.time_entry_history.action is 'created, updated or deleted, as Toggl called it.';
comment on column toggl.time_entry_history.changed_by is
  'Toggl user who made the change; not always the user who tracked the time.';
comment on column toggl.time_entry_history.changed_by_name is
  'Name of that user as it is now; null when it is not known.';
comment on column toggl.time_entry_history.app is
  'Program that made the change (`created_with` of its request), where Toggl says so.';
comment on column toggl.time_entry_history.field is
  'Column of toggl.time_entry that was changed; null for an entry that was made without anything in it.';
comment on column toggl.time_entry_history.old_value is 'Its value before; null when there was none.';
comment on column toggl.time_entry_history.new_value is 'Its value since; null when it was taken away.';
comment on column toggl.time_entry_history.is_first is
  'Part of the first change that is known. When its action is not created, the entry had these values already and '
  'what was before is not known.';
comment on column toggl.time_entry_history.entry_changed_at is
  'When the entry was last changed. A condition on it beside one on changed_at (entry_changed_at >= t and changed_at '
  '>= t) spares reading the history of the entries that were not changed since.';

-- ---- the entries at a time

-- Most entries did not change since that time: their current row is used. PostgreSQL makes this
-- part of the query that asks, because the function has neither SET nor SECURITY DEFINER: so no row is
-- copied, and only the columns that are asked for are read. For the other entries the last event
-- until that time is used, by a function of its own, because the ledger is read with the rights of
-- its owner.
create or replace function toggl.time_entries_before_change(moment timestamptz)
returns setof toggl.time_entry
language plpgsql stable security definer rows 1000 set search_path = ledger, pg_temp
  set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  -- Few events since then: they name the entries, which costs less than reading the table. The
  -- planner sees the constant and leaves out the other branch.
  few constant boolean := moment >= (select s.horizon from ledger.state s)
    and (select count(*) from (select from ledger.event e where e.created_at > moment limit 50001) n) <= 50000;
begin
  return query
    select r.*
    from (
      select distinct on (c.workspace_id, c.entity_id) c.workspace_id, c.entity_id, c.created_at, c.event_id, c.action
      from (select t.workspace_id, t.time_entry_id
            from (select distinct e.workspace_id, e.entity_id
                  from ledger.event e where e.model = 'time_entry' and e.created_at > moment) n
            join toggl.time_entry t on t.workspace_id = n.workspace_id and t.time_entry_id = n.entity_id
            where few and t.changed_at > moment
            union all
            select t.workspace_id, t.time_entry_id from toggl.time_entry t where not few and t.changed_at > moment) k
      join ledger.change c on c.workspace_id = k.workspace_id and c.entity_id = k.time_entry_id
      where c.model = 'time_entry' and c.created_at <= moment
      order by c.workspace_id, c.entity_id, c.created_at desc, c.event_id desc) l
    join ledger.change c on c.workspace_id = l.workspace_id and c.event_id = l.event_id and c.created_at = l.created_at
    cross join lateral ledger.time_entry_of_event(c.workspace_id, c.entity_id, c.created_at, c.event_id, c.creator_id,
                                                  c.action, c.body) r
    where l.action <> 'deleted' and r.deleted_at is null
      -- an earlier deletion counts, unless the entry was created again
      and (l.action = 'created'
           or (select o.action from ledger.change o
               where o.entity_id = l.entity_id and o.workspace_id = l.workspace_id and o.model = 'time_entry'
                 and o.created_at <= moment
                 and o.action in ('created', 'deleted')
               order by o.created_at desc, o.event_id desc limit 1) is distinct from 'deleted');
end
$$;
comment on function toggl.time_entries_before_change(timestamptz) is
  'Of the time entries that were changed after that time: those that existed then, as they were. The part of '
  'toggl.time_entries_as_of that is read from the ledger. Example: select count(*) from '
  'toggl.time_entries_before_change(now() - interval ''1 hour'');';

create or replace function toggl.time_entries_as_of(moment timestamptz)
returns setof toggl.time_entry
language sql stable rows 100000
begin atomic
  -- The condition holds for all rows of the second part. It stands here because PostgreSQL reads
  -- the parts directly only if they have none.
  select u.*
  from (select t.* from toggl.time_entry t
        union all
        select r.* from toggl.time_entries_before_change(moment) r) u
  where u.changed_at <= moment and u.deleted_at is null;
end;
comment on function toggl.time_entries_as_of(timestamptz) is
  'The time entries as they were at that time, by when changes happened at Toggl; without those that were deleted by '
  'then. Columns as in toggl.time_entry. Events dropped by retention are not known: before its horizon there are only '
  'the entries that did not change after it. Example: select count(*), sum(duration_seconds) from '
  'toggl.time_entries_as_of(''2026-06-01 00:00 Europe/Berlin'');';

-- ---- loads by other systems

-- An entity is returned at the cursor of the event from which its row comes. There can be three:
-- the last payload, the last change, and the last creation or deletion; then the one that was
-- recorded last counts. Its other events are skipped. As in operator.event_read(), the settings
-- stop the planner from sorting all remaining rows.
create or replace function toggl.changed_since(of_model text, after text default null, most integer default 1000)
returns table (cursor text, is_restart boolean, workspace_id bigint, entity_id bigint, changed_at timestamptz,
               deleted_at timestamptz, entity jsonb)
language plpgsql stable security definer rows 1000 set search_path = ledger, pg_temp set timezone = 'UTC'
set enable_sort = off set enable_incremental_sort = off set enable_hashjoin = off set enable_mergejoin = off
    set jit = off
as $$
declare
  known ledger.model;
  era constant integer := (select s.epoch from ledger.state s);
  now_running constant pg_snapshot := pg_current_snapshot();
  from_cursor ledger.cursor;
begin
  select * into known from ledger.model m where m.model = of_model;
  if known.model is null and not exists (select from toggl.other_entity o where o.model = of_model) then
    raise exception 'no % is known', coalesce(quote_ident(of_model), 'entity without a kind') using errcode = '22023',
      hint = 'Kinds are ' || (select string_agg(m.model, ', ') from ledger.model m)
        || ', and the models of toggl.other_entity.';
  end if;
  if most is null or most not between 1 and 100000 then
    raise exception 'a page has 1 to 100000 rows' using errcode = '22023';
  end if;
  if after is not null and after !~ '^\d{1,9}\.' then
    raise exception 'this is no cursor of toggl.changed_since()' using errcode = '22023';
  end if;
  from_cursor := ledger.cursor_read(split_part(after, '.', 2));
  -- The cursor is from before a restore, or from a database that was ahead of this one.
  is_restart := after is null or split_part(after, '.', 1)::integer <> era
                or from_cursor.epoch = era and from_cursor.txid >= pg_snapshot_xmax(now_running);
  if is_restart then
    from_cursor := ledger.cursor_read('0-0-0');
  end if;
  for cursor, workspace_id, entity_id, changed_at, deleted_at, entity in execute format(
    $sql$
      select %5$L || '.' || ledger.cursor_write(c.epoch, c.txid, c.seq), t.workspace_id, t.%1$I, t.changed_at,
             t.deleted_at, to_jsonb(t)
      from ledger.change c
      join toggl.%2$I t on t.workspace_id = c.workspace_id and %3$s
      where c.model = %4$L and (c.epoch, c.txid, c.seq) > ($1, $2, $3) and (c.epoch, c.txid, c.seq) < ($4, $5, 0)
        and case when (t.changed_at, t.changed_event_id) = (t.payload_at, t.payload_event_id)
                      and ((t.lifecycle_at, t.lifecycle_event_id) = (t.changed_at, t.changed_event_id)
                           or t.lifecycle_at is null)
                 then (c.created_at, c.event_id) = (t.changed_at, t.changed_event_id)
                 else ((c.created_at, c.event_id) = (t.changed_at, t.changed_event_id)
                       or (c.created_at, c.event_id) = (t.payload_at, t.payload_event_id)
                       or (c.created_at, c.event_id) = (t.lifecycle_at, t.lifecycle_event_id))
                      and not exists (select from ledger.change o
                                      where o.workspace_id = c.workspace_id
                                        and o.event_id in (t.changed_event_id, t.payload_event_id, t.lifecycle_event_id)
                                        and o.created_at in (t.changed_at, t.payload_at, t.lifecycle_at)
                                        and ((o.created_at, o.event_id) = (t.changed_at, t.changed_event_id)
                                             or (o.created_at, o.event_id) = (t.payload_at, t.payload_event_id)
                                             or (o.created_at, o.event_id) = (t.lifecycle_at, t.lifecycle_event_id))
                                        and (o.epoch, o.txid, o.seq) > (c.epoch, c.txid, c.seq)) end
      order by c.epoch, c.txid, c.seq
      limit $6
    $sql$,
    case when known.model is null then 'entity_id' else coalesce(known.id_column, 'workspace_id') end,
    case when known.model is null then 'other_entity' else of_model end,
    case when known.model is null then format('t.model = %L and t.entity_id = c.entity_id', of_model)
         else coalesce('t.' || known.id_column || ' = c.entity_id', 'true') end,
    of_model, era)
    using from_cursor.epoch, from_cursor.txid, from_cursor.seq, era, pg_snapshot_xmin(now_running), most
  loop
    return next;
  end loop;
end
$$;
comment on function toggl.changed_since(text, text, integer) is
  'For systems that keep a copy: the entities of one kind that changed since the last page, with their current '
  'values, in the order of recording, including deleted ones (deleted_at). of_model: the kind, such as time_entry, '
  'project or a model of toggl.other_entity. after: the cursor of the last row that was loaded; null: from the '
  'beginning. most: rows of a page; a page with fewer rows is the last one for now. entity: the row of its table as '
  'JSON, times in UTC. An entity is at most once in a page. Events of a long transaction are not skipped: they come '
  'when all earlier ones have come. is_restart: the load starts from the beginning, because there was no cursor or '
  'because the database was restored since then: empty the copy first. Example: select cursor, is_restart, entity_id, '
  'deleted_at, entity ->> ''name'' from toggl.changed_since(''project'', null, 500);';
