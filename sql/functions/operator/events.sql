-- Part of the interface schema of the command line: the events of the ledger.

-- The planner takes a comparison of rows for far more selective than it is, and would sort all
-- remaining rows for every page (0.9 s for a page of 1000 in a million, instead of 16 ms with the
-- index event_cursor). Filters that are null must be removed before planning.
create function operator.event_list(
  before text, most bigint, workspace bigint, of_model text, of_action text, entity bigint,
  creator bigint, since timestamptz, until timestamptz)
returns table (cursor text, workspace_id bigint, event_id bigint, created_us bigint, received_us bigint,
               endpoint_id bigint, secret_id bigint, creator_id bigint, model text, action text,
               entity_id bigint, source text)
language plpgsql stable security definer set search_path = ledger, pg_temp
set enable_sort = off set enable_incremental_sort = off set plan_cache_mode = force_custom_plan
as $$
declare
  from_cursor ledger.cursor := ledger.cursor_read(coalesce(before, '2147483647-18446744073709551615-0'));
begin
  return query
    select ledger.cursor_write(e.epoch, e.txid, e.seq), e.workspace_id, e.event_id,
           ledger.us(e.created_at), ledger.us(e.received_at), e.endpoint_id, e.secret_id,
           e.creator_id, e.model, e.action, e.entity_id, e.source
    from ledger.event e
    where (e.epoch, e.txid, e.seq) < (from_cursor.epoch, from_cursor.txid, from_cursor.seq)
      and (workspace is null or e.workspace_id = workspace)
      and (of_model is null or e.model = of_model)
      and (of_action is null or e.action = of_action)
      and (entity is null or e.entity_id = entity)
      and (creator is null or e.creator_id = creator)
      and (since is null or e.created_at >= since)
      and (until is null or e.created_at < until)
    order by e.epoch desc, e.txid desc, e.seq desc
    limit most;
end
$$;
comment on function operator.event_list(text, bigint, bigint, text, text, bigint, bigint, timestamptz, timestamptz) is
  'Events in the order of recording, the newest first, before a cursor (null: from the end). A filter of null lets '
  'all pass; since and until bound created_at.';

create function operator.event_read(
  after text, before text, most bigint, most_bytes bigint, workspace bigint, of_model text,
  of_action text, entity bigint, creator bigint, since timestamptz, until timestamptz)
returns table (cursor text, workspace_id bigint, event_id bigint, created_us bigint, received_us bigint,
               endpoint_id bigint, secret_id bigint, creator_id bigint, model text, action text,
               entity_id bigint, source text, signature bytea, body json)
language plpgsql stable security definer set search_path = ledger, pg_temp
set enable_sort = off set enable_incremental_sort = off set plan_cache_mode = force_custom_plan
as $$
declare
  from_cursor ledger.cursor := ledger.cursor_read(coalesce(after, '0-0-0'));
  stop ledger.cursor := ledger.cursor_read(coalesce(before, operator.event_end()));
  bytes bigint := 0;
begin
  for cursor, workspace_id, event_id, created_us, received_us, endpoint_id, secret_id, creator_id,
      model, action, entity_id, source, signature, body in
    select ledger.cursor_write(e.epoch, e.txid, e.seq), e.workspace_id, e.event_id,
           ledger.us(e.created_at), ledger.us(e.received_at), e.endpoint_id, e.secret_id,
           e.creator_id, e.model, e.action, e.entity_id, e.source, e.signature, e.body
    from ledger.event e
    where (e.epoch, e.txid, e.seq) > (from_cursor.epoch, from_cursor.txid, from_cursor.seq)
      and (e.epoch, e.txid, e.seq) < (stop.epoch, stop.txid, stop.seq)
      and (workspace is null or e.workspace_id = workspace)
      and (of_model is null or e.model = of_model)
      and (of_action is null or e.action = of_action)
      and (entity is null or e.entity_id = entity)
      and (creator is null or e.creator_id = creator)
      and (since is null or e.created_at >= since)
      and (until is null or e.created_at < until)
    order by e.epoch, e.txid, e.seq
    limit most
  loop
    return next;
    bytes := bytes + octet_length(body::text);
    exit when bytes >= most_bytes;
  end loop;
end
$$;
comment on function operator.event_read(text, text, bigint, bigint, bigint, text, text, bigint, bigint, timestamptz,
  timestamptz) is
  'Events with their bodies in the order of recording, between two cursors (null: from the start, to event_end()), at '
  'most `most` rows and about most_bytes of bodies, at least one row if there is one. A filter of null lets all pass; '
  'since and until bound created_at.';

create function operator.event_end()
returns text
language sql stable security definer set search_path = ledger, pg_temp
begin atomic
  select ledger.cursor_write(state.epoch, pg_snapshot_xmin(pg_current_snapshot()), 0) from ledger.state;
end;
comment on function operator.event_end() is
  'The cursor after all complete events: no running transaction can commit an event before it.';

create function operator.event_count(
  after text, before text, workspace bigint, of_model text, of_action text, entity bigint,
  creator bigint, since timestamptz, until timestamptz)
returns bigint
language plpgsql stable security definer set search_path = ledger, pg_temp
set plan_cache_mode = force_custom_plan
as $$
declare
  from_cursor ledger.cursor := ledger.cursor_read(coalesce(after, '0-0-0'));
  stop ledger.cursor := ledger.cursor_read(coalesce(before, operator.event_end()));
begin
  return (
    select count(*)
    from ledger.event e
    where (e.epoch, e.txid, e.seq) > (from_cursor.epoch, from_cursor.txid, from_cursor.seq)
      and (e.epoch, e.txid, e.seq) < (stop.epoch, stop.txid, stop.seq)
      and (workspace is null or e.workspace_id = workspace)
      and (of_model is null or e.model = of_model)
      and (of_action is null or e.action = of_action)
      and (entity is null or e.entity_id = entity)
      and (creator is null or e.creator_id = creator)
      and (since is null or e.created_at >= since)
      and (until is null or e.created_at < until));
end
$$;
comment on function operator.event_count(text, text, bigint, text, text, bigint, bigint, timestamptz, timestamptz) is
  'How many rows event_read() would give in all.';

create function operator.event_find(event bigint)
returns table (cursor text, workspace_id bigint, event_id bigint, created_us bigint, received_us bigint,
               endpoint_id bigint, secret_id bigint, creator_id bigint, model text, action text,
               entity_id bigint, source text, signature bytea, body json)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
begin
  -- Reads the whole index of the key, which begins with the time.
  return query
    select ledger.cursor_write(e.epoch, e.txid, e.seq), e.workspace_id, e.event_id,
           ledger.us(e.created_at), ledger.us(e.received_at), e.endpoint_id, e.secret_id,
           e.creator_id, e.model, e.action, e.entity_id, e.source, e.signature, e.body
    from ledger.event e
    where e.event_id = event
    order by e.epoch, e.txid, e.seq;
  if not found then
    perform ledger.refuse('event.unknown', jsonb_build_object('event_id', event), 'P0002');
  end if;
end
$$;
comment on function operator.event_find(bigint) is
  'The recorded events with this number of Toggl''s: normally one. P0002 when there is none.';
