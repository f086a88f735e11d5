-- The admin page: the list of events with the data for a sentence about each, new events, and the
-- export of a filtered list. The search does not belong here: see event_search.sql.

-- ---- descriptions of events

create function ledger.payload_quick(body json)
returns jsonb
language plpgsql immutable set search_path = ledger, pg_temp
as $$
declare
  whole constant text := body::text;
  payload text;
begin
  -- A list of such events would take too long for the page (50 of half a megabyte: 8 s).
  if octet_length(whole) > 65536 then
    return null;
  end if;
  -- Without such an escape and without an exponent there is nothing to repair.
  if position('\u' in whole) = 0 then
    payload := body -> 'payload';
    if length(payload) < 16000 and payload !~ '[0-9][eE][-+0-9]' then
      return payload::jsonb;
    end if;
  end if;
  return ledger.payload(body);
end
$$;
comment on function ledger.payload_quick(json) is
  'As ledger.payload(), for lists: it takes a third of the time when no value needs repair. Null for a body above 64 '
  'KiB.';

create function ledger.events_described(refs ledger.event_ref[])
returns table (place bigint, epoch integer, txid xid8, seq bigint, workspace_id bigint, event_id bigint,
               created_at timestamptz, received_at timestamptz, model text, action text, entity_id bigint,
               creator_id bigint, source text, workspace text, who text, what text, name text, duration_seconds bigint,
               project text)
-- In plpgsql, because that keeps its plan. The plan suits few events, whatever the planner
-- estimates: it reads each event by its key (offset 0). It looks up people and workspaces once for
-- all events, and the previous events of all entities in one scan of each partition: one lookup for
-- each entity took 0.8 ms an event.
language plpgsql stable set search_path = ledger, pg_temp
set jit = off set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
#variable_conflict use_column
begin
  return query
    with listed as materialized (
      select f.place, e.epoch, e.txid, e.seq, e.workspace_id, e.event_id, e.created_at, e.received_at, e.model,
             e.action, e.entity_id, e.creator_id, e.source,
             case jsonb_typeof(p.payload) when 'object' then p.payload else '{}' end as payload
      from unnest(refs) with ordinality f (epoch, txid, seq, workspace_id, event_id, created_at, place)
      cross join lateral (
        select o.* from ledger.event o
        where o.workspace_id = f.workspace_id and o.event_id = f.event_id and o.created_at = f.created_at offset 0) e
      cross join lateral (select ledger.payload_quick(e.body) as payload offset 0) p),
    people as materialized (
      select d.workspace_id, d.creator_id,
             (select u.user_name from toggl.users u where u.workspace_id = d.workspace_id
              and u.user_id = d.creator_id) as who
      from (select distinct t.workspace_id, t.creator_id from listed t) d),
    workspaces as materialized (
      select d.workspace_id, (select o.name from toggl.workspace o where o.workspace_id = d.workspace_id) as workspace
      from (select distinct t.workspace_id from listed t) d),
    history as materialized (
      select c.workspace_id, c.entity_id, c.created_at, c.event_id,
             lag(c.body) over (partition by c.workspace_id, c.entity_id order by c.created_at, c.event_id) as before
      from ledger.change c
      where c.entity_id = any ((select array_agg(distinct t.entity_id) from listed t where t.model = 'time_entry'
                                and t.action = 'updated')::bigint[])
        and c.model = 'time_entry'),
    ran as materialized (
      select t.place, ledger.runs(ledger.payload_quick(h.before)) as ran
      from listed t
      join history h on h.workspace_id = t.workspace_id and h.entity_id = t.entity_id and h.created_at = t.created_at
        and h.event_id = t.event_id
      where t.model = 'time_entry' and t.action = 'updated' and h.before is not null),
    named as (
      select t.*, w.workspace, u.who,
             coalesce(
               t.payload ->> case t.model when 'time_entry' then 'description' else 'name' end,
               case t.model
                 when 'time_entry' then (select o.description from toggl.time_entry o
                                         where o.workspace_id = t.workspace_id and o.time_entry_id = t.entity_id)
                 when 'project' then (select o.name from toggl.project o where o.workspace_id = t.workspace_id
                                      and o.project_id = t.entity_id)
                 when 'client' then (select o.name from toggl.client o where o.workspace_id = t.workspace_id
                                     and o.client_id = t.entity_id)
                 when 'tag' then (select o.name from toggl.tag o where o.workspace_id = t.workspace_id
                                  and o.tag_id = t.entity_id)
                 when 'task' then (select o.name from toggl.task o where o.workspace_id = t.workspace_id
                                   and o.task_id = t.entity_id)
                 when 'workspace_user' then (select o.name from toggl.workspace_user o
                                             where o.workspace_id = t.workspace_id
                   and o.workspace_user_id = t.entity_id)
                 when 'project_user' then (
                   select u.user_name from toggl.users u
                   where u.workspace_id = t.workspace_id
                     and u.user_id = (select o.user_id from toggl.project_user o where o.workspace_id = t.workspace_id
                                      and o.project_user_id = t.entity_id))
                 when 'workspace' then w.workspace end) as name,
             case when t.model in ('time_entry', 'task', 'project_user') and j.project ~ '^[0-9]{1,18}$' then
               (select o.name from toggl.project o where o.workspace_id = t.workspace_id
                and o.project_id = j.project::bigint) end as project,
             case when t.model = 'time_entry' and t.action in ('created', 'updated') then
                  ledger.runs(t.payload) end as runs,
             case when t.action = 'created' then false else r.ran end as ran
      from listed t
      cross join lateral (select coalesce(t.payload ->> 'project_id', t.payload ->> 'pid') as project) j
      left join workspaces w on w.workspace_id = t.workspace_id
      left join people u on u.workspace_id = t.workspace_id and u.creator_id is not distinct from t.creator_id
      left join ran r on r.place = t.place)
    select n.place, n.epoch, n.txid, n.seq, n.workspace_id, n.event_id, n.created_at, n.received_at, n.model, n.action,
           n.entity_id, n.creator_id, n.source, n.workspace, n.who,
           -- as in ledger.timer_change()
           case when n.runs and not n.ran then case n.action when 'created' then 'started' else 'continued' end
                when n.ran and not n.runs then 'stopped'
                else n.action end,
           left(n.name, 300),
           case when n.model = 'time_entry' and n.action <> 'deleted'
                and n.payload ->> 'duration' ~ '^[0-9]{1,18}$' then (n.payload ->> 'duration')::bigint end,
           left(n.project, 300)
    from named n
    order by n.place;
end
$$;
comment on function ledger.events_described(ledger.event_ref[]) is
  'Each of these events with the parts of its sentence: who, what (started, stopped, continued, or the action), the '
  'name (from the event, else the present one), the duration, the project.';

create function ledger.events_json(refs ledger.event_ref[])
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select coalesce(jsonb_agg(n.item order by n.place), '[]')
  from (select t.place, jsonb_build_object(
          'cursor', t.epoch || '-' || t.txid || '-' || t.seq, 'workspace_id', t.workspace_id::text, 'workspace',
          t.workspace,
          'event_id', t.event_id::text, 'created_at', ledger.rfc3339(t.created_at), 'received_at',
          ledger.rfc3339(t.received_at),
          'model', t.model, 'action', t.action, 'entity_id', t.entity_id::text, 'user_id', t.creator_id::text,
          'user_name', t.who, 'source', t.source,
          'sentence_parts', jsonb_build_object('who', t.who, 'what', t.what, 'name', t.name, 'duration_seconds',
                                               t.duration_seconds,
                                               'project', t.project)) as item
        from ledger.events_described(refs) t) n
$$;
comment on function ledger.events_json(ledger.event_ref[]) is
  'The items of the page''s list, in the order of the references; see ledger.events_described().';

-- ---- lists of the page

create function ledger.news_from(refs ledger.event_ref[])
returns text
language sql stable set search_path = ledger, pg_temp
as $$
  -- A running transaction may still record events before those that the page shows.
  select case when refs[1] is null then ledger.cursor_write(s.epoch, pg_snapshot_xmin(pg_current_snapshot()), 0)
              else (select ledger.cursor_write(l.epoch, l.txid, l.seq)
                    from (values (refs[1].epoch, refs[1].txid, refs[1].seq),
                          (s.epoch, pg_snapshot_xmin(pg_current_snapshot()), 0)) l (epoch, txid, seq)
                    order by l.epoch, l.txid, l.seq limit 1) end
  from ledger.state s
$$;
comment on function ledger.news_from(ledger.event_ref[]) is
  'The cursor from which the page asks for new events of a list. Events that it already shows may come again.';

create function admin.event_list(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  wanted ledger.event_filter := ledger.event_filter_of(request.query);
  page record;
begin
  -- So that the search has few new entries to read, also without a courier.
  if wanted.words is not null then
    perform ledger.entry_words_update(20000);
  end if;
  page := ledger.event_page(nullif(request.query ->> 'after', ''), wanted, ledger.page_limit(request.query), 20000);
  return ledger.answer(jsonb_build_object(
    'items', ledger.events_json(page.refs), 'next', page.next, 'looked_to', ledger.rfc3339(page.looked_to),
    'newest', case when nullif(request.query ->> 'after', '') is null then
      -- in a list by time, the event recorded last need not be the first
      ledger.news_from(case when wanted.since is null and wanted.until is null then page.refs end) end)::text);
end
$$;
comment on function admin.event_list(ledger.operator, admin.request) is
  'GET events: a page of events, newest first. Filters: see ledger.event_filter_of().';

create function ledger.event_news(after text, wanted ledger.event_filter, most bigint)
returns ledger.event_ref[]
language plpgsql stable set search_path = ledger, pg_temp
set enable_sort = off set enable_incremental_sort = off set plan_cache_mode = force_custom_plan set jit = off
as $$
declare
  from_cursor ledger.cursor := ledger.cursor_read(after);
begin
  return (
    select array_agg(row(p.epoch, p.txid, p.seq, p.workspace_id, p.event_id, p.created_at)::ledger.event_ref)
    from (
      -- Two queries, by epoch: a backward index scan ends only where the first column gets smaller
      -- than the bound, and in a single query it never does.
      (select e.epoch, e.txid, e.seq, e.workspace_id, e.event_id, e.created_at, e.creator_id, e.model, e.action,
       e.entity_id
       from ledger.event e
       where e.epoch > from_cursor.epoch
       order by e.epoch desc, e.txid desc, e.seq desc
       limit most)
      union all
      (select e.epoch, e.txid, e.seq, e.workspace_id, e.event_id, e.created_at, e.creator_id, e.model, e.action,
       e.entity_id
       from ledger.event e
       where e.epoch = from_cursor.epoch and (e.txid, e.seq) > (from_cursor.txid, from_cursor.seq)
       order by e.txid desc, e.seq desc
       limit most)
      limit most) p
    where (wanted.workspace is null or p.workspace_id = wanted.workspace)
      and (wanted.model is null or p.model = wanted.model)
      and (wanted.action is null or p.action = wanted.action)
      and (wanted.creator is null or p.creator_id = wanted.creator)
      and (wanted.entity is null or p.entity_id = wanted.entity)
      and (wanted.since is null or p.created_at >= wanted.since)
      and (wanted.until is null or p.created_at < wanted.until)
      and (wanted.words is null or ledger.has_words(p.workspace_id, p.model, p.entity_id, wanted.words)));
end
$$;
comment on function ledger.event_news(text, ledger.event_filter, bigint) is
  'The events that pass the filter, of the newest `most` events behind a cursor; newest first.';

create function ledger.news_after(query jsonb)
returns text
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  if nullif(query ->> 'after', '') is null then
    perform ledger.refuse('cursor.missing');
  end if;
  return (query ->> 'after');
end
$$;
comment on function ledger.news_after(jsonb) is 'The required parameter `after`.';

create function admin.event_new(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  return ledger.answer(jsonb_build_object('count', coalesce(cardinality(
    ledger.event_news(ledger.news_after(request.query), ledger.event_filter_of(request.query), 1000)), 0))::text);
end
$$;
comment on function admin.event_new(ledger.operator, admin.request) is
  'GET events/new: the number of events that pass the filter, of the newest 1000 behind a cursor.';

create function admin.event_newer(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  refs ledger.event_ref[]
    := coalesce(ledger.event_news(ledger.news_after(request.query), ledger.event_filter_of(request.query), 500), '{}');
begin
  return ledger.answer(jsonb_build_object('items', ledger.events_json(refs),
    'newest', case when cardinality(refs) > 0 then ledger.news_from(refs)
                   else ledger.news_after(request.query) end)::text);
end
$$;
comment on function admin.event_newer(ledger.operator, admin.request) is
  'GET events/newer: the events that pass the filter, of the newest 500 behind a cursor; newest first.';

-- ---- the export of a filtered list

create function ledger.csv_cell(value text)
returns text
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  return coalesce('"' || replace(toggl.spreadsheet_text(value), '"', '""') || '"', '');
end
$$;
comment on function ledger.csv_cell(text) is 'A cell of CSV (RFC 4180), safe to open in a spreadsheet.';

create function ledger.number_cell(number bigint, format text)
returns text
language sql immutable set search_path = ledger, pg_temp
  return coalesce(case format when 'csv' then '"' || number || '"' else ledger.csv_cell(number::text) end, '');
comment on function ledger.number_cell(bigint, text) is
  'An id as a cell of CSV: the number, or (format spreadsheet) a text if a spreadsheet would round the number.';

create function admin.event_export(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  kind text := coalesce(request.query ->> 'format', 'csv');
  zone_here text := who.time_zone;
  cut text := case coalesce(request.query ->> 'separator', 'comma') when 'comma' then ',' when 'semicolon' then ';'
                   when 'tab' then E'\t' end;
  after text := request.made ->> 'after';
  page record;
  head text := '';
  lines text;
begin
  if kind not in ('csv', 'spreadsheet', 'ndjson') then
    perform ledger.refuse('export.kind_unknown');
  end if;
  if cut is null then
    perform ledger.refuse('export.separator_malformed');
  end if;
  page := ledger.event_page(after, ledger.event_filter_of(request.query), (request.made ->> 'most')::bigint, 20000);
  if kind <> 'ndjson' and after is null then
    head := case kind when 'spreadsheet' then E'\ufeff' else '' end
      || replace('created_at,workspace_id,workspace,event_id,entity,action,entity_id,user_id,user,what,name,'
                 'duration_seconds,project,source', ',', cut) || E'\r\n';
  end if;
  if kind <> 'ndjson' then
    lines := (
      select string_agg(concat_ws(cut, t.at, t.workspace_id, ledger.csv_cell(t.workspace), t.event_id,
                                  ledger.csv_cell(t.model), ledger.csv_cell(t.action),
               t.entity_id, t.creator_id, ledger.csv_cell(t.who), ledger.csv_cell(t.what), ledger.csv_cell(t.name),
               ledger.csv_cell(t.duration_seconds::text), ledger.csv_cell(t.project), ledger.csv_cell(t.source))
               || E'\r\n', '' order by t.place)
      from (
        select t.place, t.workspace, t.model, t.action, t.who, t.what, t.name, t.duration_seconds, t.project, t.source,
               -- programs need the exact time and number; a spreadsheet reads no offset and at most
               -- 15 digits
               case kind when 'csv' then '"' || ledger.rfc3339(t.created_at) || '"'
                    else to_char(t.created_at at time zone zone_here, 'YYYY-MM-DD HH24:MI:SS') end as at,
               ledger.number_cell(t.workspace_id, kind) as workspace_id,
               ledger.number_cell(t.event_id, kind) as event_id,
               ledger.number_cell(t.entity_id, kind) as entity_id, ledger.number_cell(t.creator_id, kind) as creator_id
        from ledger.events_described(page.refs) t) t);
  else
    lines := (select string_agg(j.item::text || E'\n', '' order by j.place)
              from jsonb_array_elements(ledger.events_json(page.refs)) with ordinality j (item, place));
  end if;
  return ledger.answer(head || coalesce(lines, ''),
                       private => jsonb_build_object('next', page.next, 'count', coalesce(cardinality(page.refs), 0)));
end
$$;
comment on function admin.event_export(ledger.operator, admin.request) is
  'GET events/export, one page of it: events that pass the filter, newest first, one per line, as CSV (with a header '
  'line on the first page) or JSON. made: most, the limit; after, the `next` of the previous page. private: count, '
  'their number; next, null after the last page. A page without events need not be the last.';
