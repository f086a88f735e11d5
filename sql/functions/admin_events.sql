-- The admin page: the list of events, each as what makes a sentence; what is new;
-- and the export of what is filtered.

-- ---- as sentences

create function ledger.entity_name(workspace bigint, of_model text, entity bigint, payload jsonb)
returns text
language sql stable set search_path = ledger, pg_temp
as $$
  select coalesce(
    case when of_model = 'time_entry' then payload ->> 'description' else payload ->> 'name' end,
    case of_model
      when 'time_entry' then (select t.description from toggl.time_entry t where t.workspace_id = workspace and t.time_entry_id = entity)
      when 'project' then (select t.name from toggl.project t where t.workspace_id = workspace and t.project_id = entity)
      when 'client' then (select t.name from toggl.client t where t.workspace_id = workspace and t.client_id = entity)
      when 'tag' then (select t.name from toggl.tag t where t.workspace_id = workspace and t.tag_id = entity)
      when 'task' then (select t.name from toggl.task t where t.workspace_id = workspace and t.task_id = entity)
      when 'workspace_user' then (select t.name from toggl.workspace_user t where t.workspace_id = workspace and t.workspace_user_id = entity)
      when 'project_user' then (select u.user_name from toggl.project_user t join toggl.users u using (workspace_id, user_id)
                                where t.workspace_id = workspace and t.project_user_id = entity)
      else (select w.name from toggl.workspace w where of_model = 'workspace' and w.workspace_id = workspace) end)
$$;
comment on function ledger.entity_name(bigint, text, bigint, jsonb) is 'What an entity is called: as the payload says it, else as it is now.';

create function ledger.sentence_parts(e ledger.event)
returns jsonb
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  payload jsonb := ledger.payload(e.body);
  timer text := case when e.model = 'time_entry' and e.action in ('created', 'updated')
                     then ledger.timer_change(e.workspace_id, e.entity_id, e.event_id, e.created_at, e.action, e.body) end;
  project text := coalesce(payload ->> 'project_id', payload ->> 'pid');
  seconds text := payload ->> 'duration';
begin
  if jsonb_typeof(payload) is distinct from 'object' then
    payload := '{}';
  end if;
  return jsonb_build_object(
    'who', (select u.user_name from toggl.users u where u.workspace_id = e.workspace_id and u.user_id = e.creator_id),
    'what', case timer when 'time_entry.started' then case when e.action = 'created' then 'started' else 'continued' end
                       when 'time_entry.stopped' then 'stopped'
                       else e.action end,
    'name', left(ledger.entity_name(e.workspace_id, e.model, e.entity_id, payload), 300),
    'duration_seconds', case when e.model = 'time_entry' and ledger.is_uint(seconds) and e.action <> 'deleted' then seconds::bigint end,
    'project', case when e.model in ('time_entry', 'task', 'project_user') and ledger.is_uint(project) then
                 (select left(p.name, 300) from toggl.project p where p.workspace_id = e.workspace_id and p.project_id = project::bigint) end);
end
$$;
comment on function ledger.sentence_parts(ledger.event) is 'The pieces of the sentence that says what an event tells: who, what (started, stopped, continued, or the action), the name, the duration, the project.';

create function ledger.event_json(e ledger.event)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select jsonb_build_object(
    'cursor', ledger.place_write(e.epoch, e.txid, e.seq), 'workspace_id', e.workspace_id::text,
    'workspace', (select w.name from toggl.workspace w where w.workspace_id = e.workspace_id),
    'event_id', e.event_id::text, 'created_at', ledger.rfc3339(e.created_at), 'received_at', ledger.rfc3339(e.received_at),
    'model', e.model, 'action', e.action, 'entity_id', e.entity_id::text, 'user_id', e.creator_id::text,
    'user_name', s.parts ->> 'who', 'sentence_parts', s.parts, 'source', e.source)
  from (select ledger.sentence_parts(e) as parts offset 0) s
$$;
comment on function ledger.event_json(ledger.event) is 'An event as an item of the page''s list.';

create function ledger.events_json(marks ledger.mark[])
returns jsonb
language sql stable set search_path = ledger, pg_temp set jit = off set enable_seqscan = off
as $$
  select coalesce(jsonb_agg(ledger.event_json(e) order by f.place), '[]')
  from unnest(marks) with ordinality f (epoch, txid, seq, workspace_id, event_id, created_at, place)
  join ledger.event e on e.workspace_id = f.workspace_id and e.event_id = f.event_id and e.created_at = f.created_at
$$;
comment on function ledger.events_json(ledger.mark[]) is 'Items of the page''s list, in this order.';

-- ---- what the page asks

create function ledger.news_from(marks ledger.mark[])
returns text
language sql stable set search_path = ledger, pg_temp
as $$
  -- A transaction still at work may record behind what is shown already.
  select case when marks[1] is null then ledger.place_write(s.epoch, pg_snapshot_xmin(pg_current_snapshot()), 0)
              else (select ledger.place_write(l.epoch, l.txid, l.seq)
                    from (values (marks[1].epoch, marks[1].txid, marks[1].seq), (s.epoch, pg_snapshot_xmin(pg_current_snapshot()), 0)) l (epoch, txid, seq)
                    order by l.epoch, l.txid, l.seq limit 1) end
  from ledger.state s
$$;
comment on function ledger.news_from(ledger.mark[]) is 'The cursor from which news of a list are looked for; what is shown already may come once more.';

create function admin.event_list(session bytea, path jsonb, query jsonb, given jsonb)
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter(session);
  wish ledger.wish := ledger.wish_of(query);
  page record;
begin
  page := ledger.event_page(nullif(query ->> 'after', ''), wish, ledger.page_limit(query), 20000);
  return query select 200::bigint, jsonb_build_object(
    'items', ledger.events_json(page.marks), 'next', page.next, 'looked_to', ledger.rfc3339(page.looked_to),
    'newest', case when nullif(query ->> 'after', '') is null then
      -- what was recorded last is not the first of a list by time
      ledger.news_from(case when wish.since is null and wish.until is null then page.marks end) end)::text;
end
$$;
comment on function admin.event_list(bytea, jsonb, jsonb, jsonb) is 'GET events: a page, the newest first; filters as ledger.wish_of() reads them.';

create function ledger.event_news(after text, wish ledger.wish, most bigint)
returns ledger.mark[]
language plpgsql stable set search_path = ledger, pg_temp
set enable_sort = off set enable_incremental_sort = off set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  place ledger.place := ledger.place_read(after);
begin
  return (
    select array_agg(row(p.epoch, p.txid, p.seq, p.workspace_id, p.event_id, p.created_at)::ledger.mark)
    from (
      select e.epoch, e.txid, e.seq, e.workspace_id, e.event_id, e.created_at, e.creator_id, e.model, e.action, e.entity_id
      from ledger.event e
      where (e.epoch, e.txid, e.seq) > (place.epoch, place.txid, place.seq)
      order by e.epoch desc, e.txid desc, e.seq desc
      limit most) p
    where (wish.workspace is null or p.workspace_id = wish.workspace)
      and (wish.model is null or p.model = wish.model)
      and (wish.action is null or p.action = wish.action)
      and (wish.creator is null or p.creator_id = wish.creator)
      and (wish.entity is null or p.entity_id = wish.entity)
      and (wish.since is null or p.created_at >= wish.since)
      and (wish.until is null or p.created_at < wish.until)
      and (wish.words is null or ledger.has_words(p.workspace_id, p.model, p.entity_id, wish.words)));
end
$$;
comment on function ledger.event_news(text, ledger.wish, bigint) is 'Those of the newest `most` events behind a cursor that pass, the newest first.';

create function ledger.news_after(query jsonb)
returns text
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  if nullif(query ->> 'after', '') is null then
    raise exception 'after is missing: the cursor of the newest event that is shown' using errcode = '22023';
  end if;
  return (query ->> 'after');
end
$$;
comment on function ledger.news_after(jsonb) is 'The parameter after, which must be there.';

create function admin.event_new(session bytea, path jsonb, query jsonb, given jsonb)
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter(session);
begin
  return query select 200::bigint, jsonb_build_object('count', coalesce(cardinality(
    ledger.event_news(ledger.news_after(query), ledger.wish_of(query), 1000)), 0))::text;
end
$$;
comment on function admin.event_new(bytea, jsonb, jsonb, jsonb) is 'GET events/new: how many of the newest 1000 events behind a cursor pass.';

create function admin.event_newer(session bytea, path jsonb, query jsonb, given jsonb)
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter(session);
  marks ledger.mark[] := coalesce(ledger.event_news(ledger.news_after(query), ledger.wish_of(query), 500), '{}');
begin
  return query select 200::bigint, jsonb_build_object('items', ledger.events_json(marks),
    'newest', case when cardinality(marks) > 0 then ledger.news_from(marks) else ledger.news_after(query) end)::text;
end
$$;
comment on function admin.event_newer(bytea, jsonb, jsonb, jsonb) is 'GET events/newer: those of the newest 500 events behind a cursor that pass, the newest first.';

-- ---- the export of what is filtered

create function ledger.csv_cell(value text)
returns text
language sql immutable set search_path = ledger, pg_temp
as $$
  -- a cell that a spreadsheet would take for a formula is made a text
  select case when value is null then '' else '"' || replace(case when value ~ '^[=+@\t\r-]' then '''' || value else value end, '"', '""') || '"' end
$$;
comment on function ledger.csv_cell(text) is 'A cell of CSV (RFC 4180), safe to open in a spreadsheet.';

create function admin.event_export(session bytea, path jsonb, query jsonb, given jsonb, most bigint)
returns table (line text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter(session);
  kind text := coalesce(query ->> 'format', 'csv');
  page record;
begin
  if kind not in ('csv', 'ndjson') then
    raise exception 'format is csv or ndjson' using errcode = '22023';
  end if;
  page := ledger.event_page(null, ledger.wish_of(query), most, 200000);
  if kind = 'csv' then
    line := 'created_at,workspace_id,workspace,event_id,entity,action,entity_id,user_id,user,what,name,duration_seconds,project,source';
    return next;
  end if;
  return query
    select case kind when 'ndjson' then j.item::text else concat_ws(',',
             ledger.csv_cell(j.item ->> 'created_at'), ledger.csv_cell(j.item ->> 'workspace_id'), ledger.csv_cell(j.item ->> 'workspace'),
             ledger.csv_cell(j.item ->> 'event_id'), ledger.csv_cell(j.item ->> 'model'), ledger.csv_cell(j.item ->> 'action'),
             ledger.csv_cell(j.item ->> 'entity_id'), ledger.csv_cell(j.item ->> 'user_id'), ledger.csv_cell(j.item ->> 'user_name'),
             ledger.csv_cell(j.item #>> '{sentence_parts,what}'), ledger.csv_cell(j.item #>> '{sentence_parts,name}'),
             ledger.csv_cell(j.item #>> '{sentence_parts,duration_seconds}'), ledger.csv_cell(j.item #>> '{sentence_parts,project}'),
             ledger.csv_cell(j.item ->> 'source')) end
    from jsonb_array_elements(ledger.events_json(page.marks)) with ordinality j (item, place)
    order by j.place;
end
$$;
comment on function admin.event_export(bytea, jsonb, jsonb, jsonb, bigint) is 'GET events/export: the newest `most` events that pass, a line each, as CSV (with a head) or JSON.';
