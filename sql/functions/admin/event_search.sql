-- Search for events on the admin page, called by the functions of event_list.sql. The newest first,
-- in the order of recording, by the key (epoch, txid, seq). When few events pass a filter, the
-- search reads the ledger in pieces and returns how far it has come.

create function ledger.words_query(given text)
returns tsquery
language sql immutable set search_path = ledger, pg_temp
return toggl.search_query(left(given, 4000));
comment on function ledger.words_query(text) is
  'User input as a query of full-text search: toggl.search_query(). Null: the text has no word.';

create function ledger.event_filter_of(query jsonb)
returns ledger.event_filter
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  wanted ledger.event_filter;
begin
  wanted.workspace := ledger.id_of(query ->> 'workspace', 'workspace');
  wanted.model := nullif(query ->> 'model', '');
  wanted.action := nullif(query ->> 'action', '');
  wanted.creator := ledger.id_of(query ->> 'user', 'user');
  wanted.entity := ledger.id_of(query ->> 'entity', 'entity');
  if length(query ->> 'text') > 200 then
    perform ledger.refuse('search.text_long');
  end if;
  begin
    wanted.since := nullif(query ->> 'since', '')::timestamptz;
    wanted.until := nullif(query ->> 'until', '')::timestamptz;
  exception when data_exception then
    perform ledger.refuse('time.malformed_range');
  end;
  if nullif(btrim(query ->> 'text'), '') is not null then
    wanted.words := ledger.words_query(query ->> 'text');
    if wanted.words is null then
      perform ledger.refuse('search.no_word', jsonb_build_object('text', query ->> 'text'));
    end if;
  end if;
  return wanted;
end
$$;
comment on function ledger.event_filter_of(jsonb) is
  'Reads the parameters workspace, model, action, user, entity, since, until and text. 22023: one is not valid.';

create function ledger.has_words(workspace bigint, of_model text, entity bigint, words tsquery)
returns boolean
language sql stable set search_path = ledger, pg_temp
as $$
  select case of_model
    when 'time_entry' then
      exists (select from toggl.time_entry t where t.workspace_id = workspace and t.time_entry_id = entity
                                     and toggl.search_vector(t.description) @@ words)
    when 'project' then exists (select from toggl.project t where t.workspace_id = workspace and t.project_id = entity
                                  and toggl.search_name(t.name) @@ words)
    when 'client' then exists (select from toggl.client t where t.workspace_id = workspace and t.client_id = entity
                                 and toggl.search_name(t.name) @@ words)
    when 'tag' then exists (select from toggl.tag t where t.workspace_id = workspace and t.tag_id = entity
                              and toggl.search_name(t.name) @@ words)
    when 'task' then exists (select from toggl.task t where t.workspace_id = workspace and t.task_id = entity
                               and toggl.search_name(t.name) @@ words)
    when 'workspace_user' then
      exists (select from toggl.workspace_user t where t.workspace_id = workspace and t.workspace_user_id = entity
                                         and toggl.search_name(t.name) @@ words)
    else false end
$$;
comment on function ledger.has_words(bigint, text, bigint, tsquery) is
  'Does the present name or description of an entity contain these words?';

create function ledger.entities_with(words tsquery, most bigint)
returns bigint[]
language sql stable set search_path = ledger, pg_temp set jit = off set enable_seqscan = off
as $$
  select array_agg(distinct i.id) from (
    (select t.time_entry_id as id from toggl.time_entries_with(words, most) t)
    union all (select t.project_id from toggl.project t where toggl.search_name(t.name) @@ words limit most)
    union all (select t.client_id from toggl.client t where toggl.search_name(t.name) @@ words limit most)
    union all (select t.tag_id from toggl.tag t where toggl.search_name(t.name) @@ words limit most)
    union all (select t.task_id from toggl.task t where toggl.search_name(t.name) @@ words limit most)
    union all (select t.workspace_user_id from toggl.workspace_user t where toggl.search_name(t.name) @@ words
               limit most)) i
$$;
comment on function ledger.entities_with(tsquery, bigint) is
  'The numbers of entities whose name or description contains these words, at most so many of each kind.';

-- As in operator.event_list(): the planner must not sort all remaining rows, and filters that are
-- null are removed before planning.
create function ledger.event_walk(from_cursor ledger.cursor, wanted ledger.event_filter, most bigint, chunk bigint)
returns table (refs ledger.event_ref[], looked bigint, epoch integer, txid xid8, seq bigint, created_at timestamptz)
language plpgsql stable set search_path = ledger, pg_temp
set enable_sort = off set enable_incremental_sort = off set enable_seqscan = off set enable_bitmapscan = off
set plan_cache_mode = force_custom_plan set jit = off
as $$
#variable_conflict use_column
declare
  -- so that the planner uses the index of the rare kinds
  is_rare constant boolean := wanted.model <> 'time_entry';
begin
  return query
  with piece as materialized (
    (select e.epoch, e.txid, e.seq, e.workspace_id, e.event_id, e.created_at, e.creator_id, e.model, e.action,
     e.entity_id
     from ledger.event e
     where is_rare and e.model <> 'time_entry' and e.model = wanted.model
       and (e.epoch, e.txid, e.seq) < (from_cursor.epoch, from_cursor.txid, from_cursor.seq)
     order by e.epoch desc, e.txid desc, e.seq desc
     limit chunk)
    union all
    (select e.epoch, e.txid, e.seq, e.workspace_id, e.event_id, e.created_at, e.creator_id, e.model, e.action,
     e.entity_id
     from ledger.event e
     where is_rare is not true and (e.epoch, e.txid, e.seq) < (from_cursor.epoch, from_cursor.txid, from_cursor.seq)
     order by e.epoch desc, e.txid desc, e.seq desc
     limit chunk)),
  fit as (
    select row(p.epoch, p.txid, p.seq, p.workspace_id, p.event_id, p.created_at)::ledger.event_ref as ref
    from piece p
    where (wanted.workspace is null or p.workspace_id = wanted.workspace)
      and (wanted.model is null or p.model = wanted.model)
      and (wanted.action is null or p.action = wanted.action)
      and (wanted.creator is null or p.creator_id = wanted.creator)
      and (wanted.words is null or ledger.has_words(p.workspace_id, p.model, p.entity_id, wanted.words))
    limit most)
  select (select array_agg(f.ref) from fit f), n.count, l.epoch, l.txid, l.seq, l.created_at
  from (select count(*) from piece) n
  left join lateral (select p.* from piece p offset greatest(n.count - 1, 0) limit 1) l on true;
end
$$;
comment on function ledger.event_walk(ledger.cursor, ledger.event_filter, bigint, bigint) is
  'Reads the next `chunk` events before a cursor, in the order of recording, and returns those that pass the filter, '
  'at most `most`. looked: the number of events read; also the cursor and time of the oldest of them. It ignores the '
  'filters of time and wanted.entity.';

create function ledger.event_span(moment timestamptz, event bigint, workspace bigint, wanted ledger.event_filter,
                                  most bigint, chunk bigint)
returns table (refs ledger.event_ref[], looked bigint, created_at timestamptz, event_id bigint, workspace_id bigint)
language plpgsql stable set search_path = ledger, pg_temp
set enable_sort = off set enable_incremental_sort = off set enable_seqscan = off set enable_bitmapscan = off
set plan_cache_mode = force_custom_plan set jit = off
as $$
#variable_conflict use_column
begin
  return query
  with piece as materialized (
    select e.epoch, e.txid, e.seq, e.workspace_id, e.event_id, e.created_at, e.creator_id, e.model, e.action,
           e.entity_id
    from ledger.event e
    where (e.created_at, e.event_id, e.workspace_id) < (moment, event, workspace)
      and e.created_at <= moment and e.created_at >= coalesce(wanted.since, '-infinity')
    order by e.created_at desc, e.event_id desc, e.workspace_id desc
    limit chunk),
  fit as (
    select row(p.epoch, p.txid, p.seq, p.workspace_id, p.event_id, p.created_at)::ledger.event_ref as ref
    from piece p
    where (wanted.workspace is null or p.workspace_id = wanted.workspace)
      and (wanted.model is null or p.model = wanted.model)
      and (wanted.action is null or p.action = wanted.action)
      and (wanted.creator is null or p.creator_id = wanted.creator)
      and (wanted.words is null or ledger.has_words(p.workspace_id, p.model, p.entity_id, wanted.words))
    limit most)
  select (select array_agg(f.ref) from fit f), n.count, l.created_at, l.event_id, l.workspace_id
  from (select count(*) from piece) n
  left join lateral (select p.* from piece p offset greatest(n.count - 1, 0) limit 1) l on true;
end
$$;
comment on function ledger.event_span(timestamptz, bigint, bigint, ledger.event_filter, bigint, bigint) is
  'As ledger.event_walk(), in the order of the time at Toggl: events before (moment, event, workspace), back to '
  '`since` of the filter.';

create function ledger.event_pick(from_cursor ledger.cursor, wanted ledger.event_filter, ids bigint[], most bigint)
returns ledger.event_ref[]
language plpgsql stable set search_path = ledger, pg_temp set plan_cache_mode = force_custom_plan set jit = off
set enable_seqscan = off
as $$
begin
  return (
    -- Otherwise the planner would read all events in their order until it finds these.
    with mine as materialized (
      select e.epoch, e.txid, e.seq, e.workspace_id, e.event_id, e.created_at, e.creator_id, e.model, e.action,
             e.entity_id
      from ledger.event e
      where e.entity_id = any (ids))
    select array_agg(row(p.epoch, p.txid, p.seq, p.workspace_id, p.event_id, p.created_at)::ledger.event_ref
                     order by p.epoch desc, p.txid desc, p.seq desc)
    from (
      select e.*
      from mine e
      where (e.epoch, e.txid, e.seq) < (from_cursor.epoch, from_cursor.txid, from_cursor.seq)
        and (wanted.workspace is null or e.workspace_id = wanted.workspace)
        and (wanted.model is null or e.model = wanted.model)
        and (wanted.action is null or e.action = wanted.action)
        and (wanted.creator is null or e.creator_id = wanted.creator)
        and (wanted.since is null or e.created_at >= wanted.since)
        and (wanted.until is null or e.created_at < wanted.until)
        and (wanted.words is null or ledger.has_words(e.workspace_id, e.model, e.entity_id, wanted.words))
      order by e.epoch desc, e.txid desc, e.seq desc
      limit most) p);
end
$$;
comment on function ledger.event_pick(ledger.cursor, ledger.event_filter, bigint[], bigint) is
  'The events of these entities that pass the filter, before a cursor, newest first.';

create function ledger.span_read(after text, wanted ledger.event_filter, out moment timestamptz, out event bigint,
                                 out workspace bigint)
language plpgsql stable set search_path = ledger, pg_temp
as $$
begin
  moment := coalesce(wanted.until, 'infinity');
  -- `until` itself is excluded
  event := -9223372036854775808;
  workspace := -9223372036854775808;
  if after is null then
    return;
  end if;
  if after !~ '^t-?[0-9]{1,16}~-?[0-9]{1,19}~-?[0-9]{1,19}$' then
    perform ledger.refuse('cursor.not_of_list');
  end if;
  moment := timestamptz 'epoch' + split_part(substring(after from 2), '~', 1)::bigint * interval '1 microsecond';
  event := split_part(after, '~', 2)::bigint;
  workspace := split_part(after, '~', 3)::bigint;
end
$$;
comment on function ledger.span_read(text, ledger.event_filter) is
  'The cursor of a list in the order of created_at; without a cursor the start of the list.';

create function ledger.event_page_of_time(after text, wanted ledger.event_filter, most bigint, most_looked bigint,
                                          out refs ledger.event_ref[], out next text, out looked_to timestamptz)
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  at record;
  piece record;
  chunk bigint := greatest(most + 1, 500);
  seen bigint := 0;
begin
  refs := '{}';
  at := ledger.span_read(after, wanted);
  loop
    select * into piece from ledger.event_span(at.moment, at.event, at.workspace, wanted, most + 1 - cardinality(refs),
                                               chunk);
    refs := refs || coalesce(piece.refs, '{}');
    seen := seen + piece.looked;
    exit when cardinality(refs) > most or piece.looked < chunk;
    select piece.created_at as moment, piece.event_id as event, piece.workspace_id as workspace into at;
    if seen >= most_looked then
      next := format('t%s~%s~%s', ledger.us(at.moment), at.event, at.workspace);
      looked_to := at.moment;
      exit;
    end if;
    chunk := least(chunk * 8, 20000, most_looked - seen);
  end loop;
  if cardinality(refs) > most then
    refs := refs[:most];
    next := format('t%s~%s~%s', ledger.us(refs[most].created_at), refs[most].event_id, refs[most].workspace_id);
    looked_to := null;
  end if;
end
$$;
comment on function ledger.event_page_of_time(text, ledger.event_filter, bigint, bigint) is
  'As ledger.event_page(), for a list with since or until: in the order of the time at Toggl.';

create function ledger.event_page(after text, wanted ledger.event_filter, most bigint, most_looked bigint,
                                  out refs ledger.event_ref[], out next text, out looked_to timestamptz)
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  from_cursor ledger.cursor;
  is_plain boolean := wanted.workspace is null and wanted.model is null and wanted.action is null
    and wanted.creator is null and wanted.words is null;
  chunk bigint := case when is_plain then most + 1 else 500 end;
  seen bigint := 0;
  ids bigint[];
  piece record;
begin
  if wanted.entity is null and (wanted.since is not null or wanted.until is not null) then
    select * into refs, next, looked_to from ledger.event_page_of_time(after, wanted, most, most_looked);
    return;
  end if;
  refs := '{}';
  from_cursor := ledger.cursor_read(coalesce(after, '2147483647-18446744073709551615-0'));
  if wanted.entity is not null then
    refs := coalesce(ledger.event_pick(from_cursor, wanted, array[wanted.entity], most + 1), '{}');
  else
    loop
      select * into piece from ledger.event_walk(from_cursor, wanted, most + 1 - cardinality(refs), chunk);
      refs := refs || coalesce(piece.refs, '{}');
      seen := seen + piece.looked;
      exit when cardinality(refs) > most or piece.looked < chunk;
      from_cursor := row(piece.epoch, piece.txid, piece.seq)::ledger.cursor;
      -- Rare words are found by their index; for common words the next piece has enough events.
      if wanted.words is not null and ids is null and (cardinality(refs) * 8 < most or seen > 4000) then
        ids := coalesce(ledger.entities_with(wanted.words, 2000), '{}');
        if cardinality(ids) < 2000 then
          refs := refs || coalesce(ledger.event_pick(from_cursor, wanted, ids, most + 1 - cardinality(refs)), '{}');
          exit;
        end if;
      end if;
      if seen >= most_looked then
        next := ledger.cursor_write(from_cursor.epoch, from_cursor.txid, from_cursor.seq);
        looked_to := piece.created_at;
        exit;
      end if;
      chunk := least(chunk * 8, 20000, most_looked - seen);
    end loop;
  end if;
  if cardinality(refs) > most then
    refs := refs[:most];
    next := ledger.cursor_write(refs[most].epoch, refs[most].txid, refs[most].seq);
    looked_to := null;
  end if;
end
$$;
comment on function ledger.event_page(text, ledger.event_filter, bigint, bigint) is
  'A page of events before a cursor, in the order of recording; with since or until, in the order of the time at '
  'Toggl. next: the cursor of the following page, null at the end. looked_to: the search stopped after most_looked '
  'events, at this time, and there may be more.';
