-- Everything that hookledger-receiver is able to do.

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
  'Sealed secrets of all enabled endpoints, the newest first. Times in microseconds since 1970. Those that ran out within a day are there too, for callbacks that wait in a spool.';

create function receiver.append(
  endpoint_ids bigint[], secret_ids bigint[], workspace_ids bigint[], event_ids bigint[],
  created timestamptz[], received timestamptz[], creator_ids bigint[], entity_ids bigint[],
  models text[], actions text[], signatures bytea[], bodies json[], origin text,
  payloads text[] default null, is_any_costly boolean default null)
returns text
language plpgsql security definer set search_path = ledger, pg_temp set jit = off
as $$
declare
  -- Of each secret in the batch: whose it is, of which workspace, and until when it is
  -- good. Looked up and not joined: bodies would be copied through every join and
  -- sort (measured: 40 us a call and 2 us an event less).
  secrets bigint[];
  owners bigint[];
  homes bigint[];
  ends timestamptz[];
  n integer;
  recorded bigint;
  is_wanted boolean := false;
  verdicts text;
begin
  -- Nothing is acknowledged that is not on disk, whatever the default of this
  -- database or role is. Lasts until the end of the transaction.
  if current_setting('synchronous_commit') in ('off', 'local') then
    perform set_config('synchronous_commit', 'on', true);
  end if;

  select array_agg(s.secret_id), array_agg(e.endpoint_id), array_agg(e.workspace_id), array_agg(least(s.revoked_at, s.valid_until))
  into secrets, owners, homes, ends
  from ledger.endpoint_secret s
  join ledger.endpoint e on e.endpoint_id = s.endpoint_id
  where s.secret_id = any (secret_ids) and e.enabled;

  -- An endpoint without a workspace takes that of its first genuine event.
  if array_position(homes, null) is not null then
    for n in
      select p from generate_subscripts(homes, 1) p where homes[p] is null and clock_timestamp() < ends[p] order by owners[p]
    loop
      update ledger.endpoint e set workspace_id = (
        select i.workspace_id
        from unnest(endpoint_ids, secret_ids, workspace_ids) with ordinality
               as i (endpoint_id, secret_id, workspace_id, place)
        where i.endpoint_id = owners[n] and i.secret_id = secrets[n] and i.workspace_id is not null
        order by i.place limit 1)
      where e.endpoint_id = owners[n] and e.workspace_id is null;
      -- ours, or that of a worker who was faster
      homes[n] := (select e.workspace_id from ledger.endpoint e where e.endpoint_id = owners[n]);
    end loop;
  end if;

  -- In the order of the arrays, whatever their secrets are: two batches that overlap
  -- would deadlock otherwise. Epoch and horizon are looked up behind the lock
  -- of the insert: who moves them holds off those who record, and what was read
  -- before would be too old.
  insert into ledger.event (workspace_id, event_id, created_at, received_at, epoch, endpoint_id,
                            secret_id, creator_id, entity_id, model, action, source, signature, body)
  select homes[array_position(secrets, i.secret_id)], i.event_id, i.created_at, i.received_at,
         (select state.epoch from ledger.state), i.endpoint_id, i.secret_id, i.creator_id,
         case when i.entity_id is null and i.action = 'deleted' then ledger.entity_in(i.body, i.model) else i.entity_id end,
         i.model, i.action, origin, i.signature, i.body
  from unnest(endpoint_ids, secret_ids, workspace_ids, event_ids, created, received, creator_ids,
              entity_ids, models, actions, signatures, bodies)
         as i (endpoint_id, secret_id, workspace_id, event_id, created_at, received_at, creator_id,
               entity_id, model, action, signature, body)
  where owners[array_position(secrets, i.secret_id)] = i.endpoint_id
    and coalesce(i.workspace_id, homes[array_position(secrets, i.secret_id)]) = homes[array_position(secrets, i.secret_id)]
    and i.received_at < ends[array_position(secrets, i.secret_id)]
    and i.created_at >= (select state.horizon from ledger.state)
  on conflict do nothing;
  get diagnostics recorded = row_count;
  -- The whole batch is new and good: nearly always.
  if recorded = cardinality(event_ids) then
    if is_any_costly is null then
      is_any_costly := exists (select from unnest(bodies) i (body) where octet_length(i.body::text) > 4000 and ledger.is_costly(i.body));
    end if;
    if array_position(entity_ids, null) is null and not is_any_costly then
      workspace_ids := case when cardinality(secrets) = 1 then array_fill(homes[1], array[cardinality(event_ids)])
                            else (select array_agg(homes[array_position(secrets, i.secret_id)] order by i.place)
                                  from unnest(secret_ids) with ordinality as i (secret_id, place)) end;
      perform ledger.apply(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies, false, payloads);
      is_wanted := ledger.outbox_add(workspace_ids, event_ids, created, models, actions);
    else
      is_wanted := ledger.apply_recorded(endpoint_ids, event_ids, created);
    end if;
    return case when is_wanted then '+' else '' end;
  elsif recorded > 0 then
    is_wanted := ledger.apply_recorded(endpoint_ids, event_ids, created);
  end if;

  -- Something was not recorded: one letter for each callback, in their order.
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
  -- One by one, by key: a join would be planned by statistics, which a table that
  -- was filled just now has not (27 s for 20,000 duplicates, not 1 s).
  left join lateral (
    select v.txid from ledger.event v
    where v.workspace_id = e.workspace_id and v.event_id = i.event_id and v.created_at = i.created_at
    limit 1) v on true;
  -- Not there, and by now no reason why not: somebody enabled the endpoint
  -- between these statements. The caller repeats.
  if position('u' in verdicts) > 0 then
    raise exception 'an endpoint changed meanwhile' using errcode = '40001';
  end if;
  return coalesce(verdicts, '') || case when is_wanted then '+' else '' end;
end
$$;
comment on function receiver.append(bigint[], bigint[], bigint[], bigint[], timestamptz[], timestamptz[],
                                    bigint[], bigint[], text[], text[], bytea[], json[], text, text[], boolean) is
  'Records a batch of judged callbacks in one go, and brings typed tables and outbox up to them. In the order of (event_id, created) two batches that overlap never deadlock. Empty text: all are new and recorded. Otherwise a letter for each, in order: r recorded (also the second of two alike in this batch), d duplicate, h before the retention horizon, a unknown or disabled endpoint, k secret revoked or run out when it was received, w of another workspace. A plus sign at the end: some are in the outbox now: call receiver.notify(). An endpoint without a workspace is given that of its first event. workspace_ids may hold null: then the endpoint decides. payloads: as in ledger.apply(). is_any_costly: does ledger.is_costly() hold for any of the bodies? Null: it is looked up.';

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
    and not exists (select from ledger.quarantine q where q.endpoint_id = i.endpoint_id and q.forgotten = sha256(i.body))
  order by i.endpoint_id, sha256(i.body)
  on conflict (endpoint_id, digest) do nothing;
end;
comment on function receiver.quarantine(bigint[], bigint[], timestamptz[], text[], bytea[], bytea[]) is
  'Keeps callbacks with a good signature that are no event, for the owner to look at; the same body once an endpoint.';

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
  select ledger.count_up(array_fill('refusals'::text, array[cardinality(reasons)]), reasons, array_fill(''::text, array[cardinality(reasons)]), counts);
end;
comment on function receiver.count(timestamptz[], bigint[], text[], bigint[]) is
  'Adds to the counters of what came and was not recorded.';

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
  'Notifies the couriers of so many events recorded since the last call. A call of its own, after the answers: a transaction that notifies cannot share its commit with others.';
