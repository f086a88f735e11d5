-- Interface schema of hookledger-receiver: the only functions that it may call. Each worker calls
-- receiver.keys() when it starts and after a change, receiver.append() for each batch of callbacks
-- (append_one() for a single callback), and receiver.notify() after it has answered. How events
-- become rows of the typed tables does not belong here: see projection/apply.sql.

create function receiver.keys()
returns table (endpoint_id bigint, address text, secret_id bigint, sealed bytea,
               valid_from_us bigint, valid_until_us bigint)
language sql stable security definer set search_path = ledger, pg_temp
begin atomic
  select e.endpoint_id, e.address, s.secret_id, s.sealed,
         (extract(epoch from s.valid_from) * 1000000)::bigint,
         case when s.valid_until = 'infinity' then 9223372036854775807
              else (extract(epoch from s.valid_until) * 1000000)::bigint end
  from ledger.endpoint e
  join ledger.endpoint_secret s on s.endpoint_id = e.endpoint_id
  where e.enabled and s.revoked_at is null and s.valid_until > now() - interval '1 day'
  order by e.address, s.secret_id desc;
end;
comment on function receiver.keys() is
  'Sealed secrets of all enabled endpoints, the newest first. Times in microseconds since 1970. Includes secrets that '
  'expired in the last day, for callbacks that wait in a spool.';

create function ledger.workspaces_adopt(endpoint_ids bigint[], secret_ids bigint[], workspace_ids bigint[])
returns boolean
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  one record;
  adopted boolean := false;
begin
  for one in
    select e.endpoint_id, (array_agg(i.workspace_id order by i.place))[1] as workspace_id
    from unnest(endpoint_ids, secret_ids, workspace_ids) with ordinality
           as i (endpoint_id, secret_id, workspace_id, place)
    join ledger.endpoint e on e.endpoint_id = i.endpoint_id and e.enabled and e.workspace_id is null
    join ledger.endpoint_secret s on s.secret_id = i.secret_id and s.endpoint_id = e.endpoint_id
                                  and clock_timestamp() < least(s.revoked_at, s.valid_until)
    where i.workspace_id is not null
    group by e.endpoint_id
    order by e.endpoint_id
  loop
    -- (unless another session was first)
    update ledger.endpoint e set workspace_id = one.workspace_id
    where e.endpoint_id = one.endpoint_id and e.workspace_id is null;
    adopted := true;
  end loop;
  return adopted;
end
$$;
comment on function ledger.workspaces_adopt(bigint[], bigint[], bigint[]) is
  'Gives each of these endpoints that has no workspace the workspace of its first event, if the secret of the event is '
  'valid. False: none of them needs one, or no event names one.';

create function receiver.append(
  endpoint_ids bigint[], secret_ids bigint[], workspace_ids bigint[], event_ids bigint[],
  created timestamptz[], received timestamptz[], creator_ids bigint[], entity_ids bigint[],
  models text[], actions text[], signatures bytea[], bodies json[], origin text,
  payloads text[] default null, is_any_costly boolean default null)
returns text
language plpgsql security definer set search_path = ledger, pg_temp set jit = off
-- the plans do not depend on the values, and making a plan costs more than recording an event
set plan_cache_mode = force_generic_plan
as $$
declare
  inserted bigint;
  recorded bigint := 0;
  got_deliveries boolean := false;
  verdicts text;
begin
  -- A callback is acknowledged only when it is on disk, whatever the default of the database or
  -- role is. Valid until the end of the transaction.
  if current_setting('synchronous_commit') in ('off', 'local') then
    perform set_config('synchronous_commit', 'on', true);
  end if;

  -- One round. After it, endpoints without a workspace get the one of their first event; then a second
  -- round records their events.
  loop
    -- Rows are inserted in the order of the arrays, not by secret: otherwise two batches with the
    -- same events could deadlock. Epoch and horizon are read after the insert has its lock: a
    -- session that changes them blocks the sessions that record, so values read before the lock
    -- could be out of date. The secret is looked up row by row, because a join or sort would copy
    -- the bodies.
    insert into ledger.event (workspace_id, event_id, created_at, received_at, epoch, endpoint_id,
                              secret_id, creator_id, entity_id, model, action, source, signature, body)
    select e.workspace_id, i.event_id, i.created_at, i.received_at, t.epoch, i.endpoint_id, i.secret_id, i.creator_id,
           case when i.entity_id is null and i.action = 'deleted' then ledger.entity_in(i.body, i.model)
                else i.entity_id end,
           i.model, i.action, origin, i.signature, i.body
    from ledger.state t
    -- (in a select list, because what a function in FROM returns is copied)
    cross join (select unnest(endpoint_ids), unnest(secret_ids), unnest(workspace_ids), unnest(event_ids),
                       unnest(created), unnest(received), unnest(creator_ids), unnest(entity_ids), unnest(models),
                       unnest(actions), unnest(signatures), unnest(bodies))
           as i (endpoint_id, secret_id, workspace_id, event_id, created_at, received_at, creator_id,
                 entity_id, model, action, signature, body)
    cross join lateral (
      select p.workspace_id
      from ledger.endpoint_secret s
      join ledger.endpoint p on p.endpoint_id = s.endpoint_id
      where s.secret_id = i.secret_id and p.endpoint_id = i.endpoint_id and p.enabled
        and coalesce(i.workspace_id, p.workspace_id) = p.workspace_id
        and i.received_at < least(s.revoked_at, s.valid_until)
      limit 1) e
    where i.created_at >= t.horizon
    on conflict do nothing;
    get diagnostics inserted = row_count;
    recorded := recorded + inserted;
    exit when recorded = cardinality(event_ids) or not ledger.workspaces_adopt(endpoint_ids, secret_ids, workspace_ids);
  end loop;

  -- The usual case: all events of the batch are new and valid.
  if recorded = cardinality(event_ids) then
    if is_any_costly is null then
      is_any_costly := exists (select from unnest(bodies) i (body) where octet_length(i.body::text) > 4000
                               and ledger.is_costly(i.body));
    end if;
    if is_any_costly or array_position(entity_ids, null) is not null
       or array_position(workspace_ids, null) is not null then
      got_deliveries := ledger.apply_recorded(endpoint_ids, event_ids, created);
    else
      perform ledger.apply(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies, false,
                           payloads);
      got_deliveries := exists (select from ledger.active_subscription s where s.workspace_id = any (workspace_ids))
                        and ledger.outbox_add(workspace_ids, event_ids, created, models, actions);
    end if;
    return case when got_deliveries then '+' else '' end;
  elsif recorded > 0 then
    got_deliveries := ledger.apply_recorded(endpoint_ids, event_ids, created);
  end if;

  -- At least one callback was not recorded: return one letter for each callback, in their order.
  select string_agg(
           case
             when e.endpoint_id is null or not e.enabled then 'a'
             when s.secret_id is null or i.received_at >= s.valid_until
                  or i.received_at >= s.revoked_at then 'k'
             when i.workspace_id <> e.workspace_id or e.workspace_id is null then 'w'
             when i.created_at < state.horizon then 'h'
             when v.txid = pg_current_xact_id() then 'r'
             when v.txid is not null then 'd'
             else 'u'
           end, '' order by i.place)
  into verdicts
  from unnest(endpoint_ids, secret_ids, workspace_ids, event_ids, created, received) with ordinality
         as i (endpoint_id, secret_id, workspace_id, event_id, created_at, received_at, place)
  cross join ledger.state
  left join ledger.endpoint e on e.endpoint_id = i.endpoint_id
  left join ledger.endpoint_secret s on s.secret_id = i.secret_id and s.endpoint_id = i.endpoint_id
  -- Row by row, by key: the planner has no statistics for a table that was filled just now, so a
  -- join could get a bad plan (27 s for 20,000 duplicates instead of 1 s).
  left join lateral (
    select v.txid from ledger.event v
    where v.workspace_id = e.workspace_id and v.event_id = i.event_id and v.created_at = i.created_at
    limit 1) v on true;
  -- The event was not recorded, but there is no reason for it any more: another session enabled the
  -- endpoint between these statements. The caller repeats the call.
  if position('u' in verdicts) > 0 then
    raise exception 'an endpoint changed meanwhile' using errcode = '40001';
  end if;
  return coalesce(verdicts, '') || case when got_deliveries then '+' else '' end;
end
$$;
comment on function receiver.append(bigint[], bigint[], bigint[], bigint[], timestamptz[], timestamptz[], bigint[],
  bigint[], text[], text[], bytea[], json[], text, text[], boolean) is
  'Records a batch of verified callbacks, and applies them to the typed tables and the outbox. The caller sorts the '
  'batch by (event_id, created), so that two batches with the same events do not deadlock. Returns an empty text when '
  'all are new and recorded. Otherwise a letter for each, in order: r recorded (also the second of two equal '
  'callbacks in this batch), d duplicate, h before the retention horizon, a unknown or disabled endpoint, k secret '
  'revoked or expired when the callback was received, w event of another workspace. A plus sign at the end: the '
  'outbox got rows, so the caller calls receiver.notify(). An endpoint without a workspace gets the workspace of its '
  'first event. workspace_ids may hold null: then the workspace of the endpoint is used. payloads: as in '
  'ledger.apply(). is_any_costly: does ledger.is_costly() hold for any of the bodies? Null: this function checks it.';

create function receiver.append_one(
  endpoint bigint, secret bigint, workspace bigint, event bigint, created timestamptz, received timestamptz,
  creator bigint, entity bigint, of_model text, of_action text, signature bytea, body json, origin text,
  payload text, is_costly boolean)
returns text
language plpgsql security definer set search_path = ledger, pg_temp set plan_cache_mode = force_generic_plan
as $$
declare
  event_workspace bigint;
  has_subscriber boolean;
  got_deliveries boolean := false;
begin
  -- As in receiver.append().
  if current_setting('synchronous_commit') in ('off', 'local') then
    perform set_config('synchronous_commit', 'on', true);
  end if;
  if of_model = 'time_entry' and of_action in ('created', 'updated') and entity is not null and payload is not null
     and not is_costly then
    insert into ledger.event as n (workspace_id, event_id, created_at, received_at, epoch, endpoint_id, secret_id,
                                   creator_id, entity_id, model, action, source, signature, body)
    select e.workspace_id, event, created, received, t.epoch, endpoint, secret, creator, entity, of_model, of_action,
           origin, signature, body
    from ledger.endpoint_secret s
    join ledger.endpoint e on e.endpoint_id = s.endpoint_id
    cross join ledger.state t
    where s.secret_id = secret and e.endpoint_id = endpoint and e.enabled
      and coalesce(workspace, e.workspace_id) = e.workspace_id and received < least(s.revoked_at, s.valid_until)
      and created >= t.horizon
    on conflict do nothing
    returning n.workspace_id,
              exists (select from ledger.active_subscription a where a.workspace_id = n.workspace_id)
    into event_workspace, has_subscriber;
  end if;
  -- Nothing is recorded yet: this is no plain change of a time entry, or the statement refused it.
  if event_workspace is null then
    return receiver.append(array[endpoint], array[secret], array[workspace], array[event], array[created],
                           array[received], array[creator], array[entity], array[of_model], array[of_action],
                           array[signature], array[body], origin, array[payload], is_costly);
  end if;
  if not ledger.write_one_time_entry(event_workspace, event, created, creator, entity, of_action, payload) then
    perform ledger.apply(array[event_workspace], array[event], array[created], array[creator], array[entity],
                         array[of_model], array[of_action], array[body], false, array[payload]);
  end if;
  -- As ledger.outbox_add(), which costs twice as much for one event.
  if has_subscriber then
    insert into ledger.outbox (workspace_id, event_id, created_at, subscription_ids)
    select event_workspace, event, created, m.subscription_ids
    from (select array_agg(s.subscription_id) as subscription_ids
          from ledger.active_subscription s
          where s.workspace_id = event_workspace and s.filters && ledger.patterns(of_model, of_action)) m
    where m.subscription_ids is not null
    on conflict do nothing;
    got_deliveries := found;
  end if;
  return case when got_deliveries then '+' else '' end;
end
$$;
comment on function receiver.append_one(bigint, bigint, bigint, bigint, timestamptz, timestamptz, bigint, bigint,
  text, text, bytea, json, text, text, boolean) is
  'The same as receiver.append() for one callback. A change of a time entry, which nearly all callbacks are, costs '
  'much less than there; for anything else this function calls receiver.append().';

create function receiver.quarantine(
  endpoint_ids bigint[], secret_ids bigint[], received timestamptz[], reasons text[],
  signatures bytea[], bodies bytea[])
returns void
language sql security definer set search_path = ledger, pg_temp
begin atomic
  insert into ledger.quarantine (endpoint_id, secret_id, received_at, reason, signature, body)
  select i.endpoint_id, i.secret_id, i.received_at, i.reason, i.signature, i.body
  from unnest(endpoint_ids, secret_ids, received, reasons, signatures, bodies)
         as i (endpoint_id, secret_id, received_at, reason, signature, body)
  where exists (select from ledger.endpoint e where e.endpoint_id = i.endpoint_id)
    and not exists (select from ledger.quarantine q where q.endpoint_id = i.endpoint_id
                    and q.forgotten = sha256(i.body))
  order by i.endpoint_id, sha256(i.body)
  on conflict (endpoint_id, digest) do nothing;
end;
comment on function receiver.quarantine(bigint[], bigint[], timestamptz[], text[], bytea[], bytea[]) is
  'Keeps callbacks with a valid signature that are no event, so that the owner can look at them; an endpoint keeps '
  'the same body only once.';

create function receiver.count(minutes timestamptz[], endpoint_ids bigint[], reasons text[], counts bigint[])
returns void
language sql security definer set search_path = ledger, pg_temp
begin atomic
  insert into ledger.receiver_counter as t (minute, endpoint_id, reason, count)
  select date_trunc('minute', i.minute), i.endpoint_id, i.reason, sum(i.count)
  from unnest(minutes, endpoint_ids, reasons, counts) as i (minute, endpoint_id, reason, count)
  group by 1, 2, 3
  order by 1, 2, 3
  on conflict (minute, endpoint_id, reason) do update set count = t.count + excluded.count;
  select ledger.count_up(array_fill('refusals'::text, array[cardinality(reasons)]), reasons,
                         array_fill(''::text, array[cardinality(reasons)]), counts);
end;
comment on function receiver.count(timestamptz[], bigint[], text[], bigint[]) is
  'Adds to the counters of callbacks that were not recorded.';

create function receiver.notify(events bigint)
returns void
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  perform set_config('synchronous_commit', 'off', true);
  perform pg_notify('hookledger_outbox', events::text);
end
$$;
comment on function receiver.notify(bigint) is
  'Notifies the couriers of the number of events recorded since the last call. It is a separate call after the '
  'answers, because transactions that notify commit one after the other.';
