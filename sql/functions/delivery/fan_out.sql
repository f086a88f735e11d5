-- Makes deliveries of recorded events. The courier calls these functions through courier.gather();
-- replay and the drop of deliveries are called by the command line, the API and the admin page too.
-- Also here: whether an event started or stopped a timer. What the maker of a subscription may see
-- does not belong here: see visibility.sql.

-- ---- timers

-- In plpgsql, because that keeps its plans.
create function ledger.runs(entity jsonb)
returns boolean
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  return case when jsonb_typeof(entity -> 'duration') = 'number'
              then (entity -> 'duration')::numeric < 0 and coalesce(entity -> 'stop', 'null') = 'null' end;
end
$$;
comment on function ledger.runs(jsonb) is
  'Does the timer of a time entry run, by this payload? Null when the payload does not say.';

create function ledger.is_running(body json)
returns boolean
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  return ledger.runs(ledger.payload(body));
end
$$;
comment on function ledger.is_running(json) is
  'Does the timer of this time entry run after this event? Null when the event does not say.';

create function ledger.timer_change(workspace bigint, entry bigint, event bigint, created timestamptz, action text,
                                    body json)
returns text
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  runs boolean := ledger.is_running(body);
  ran boolean := false;
begin
  if action <> 'created' then
    -- Without an earlier event this is not known.
    select ledger.is_running(b.body) into ran
    from (select e.body, e.created_at, e.event_id from ledger.event e
          where e.workspace_id = workspace and e.entity_id = entry and e.model = 'time_entry'
            and (e.created_at, e.event_id) < (created, event)
          union all
          select e.body, e.created_at, e.event_id from ledger.baseline e
          where e.workspace_id = workspace and e.entity_id = entry and e.model = 'time_entry'
            and (e.created_at, e.event_id) < (created, event)
          order by created_at desc, event_id desc limit 1) b;
  end if;
  return case when runs and not ran then 'time_entry.started' when ran and not runs then 'time_entry.stopped' end;
end
$$;
comment on function ledger.timer_change(bigint, bigint, bigint, timestamptz, text, json) is
  'The derived action of an event: time_entry.started when it started the timer, time_entry.stopped when it stopped '
  'the timer, else null. An update is compared with the previous event of the entry; without one the result is null.';

-- ---- making deliveries

create function ledger.workspace_lock(workspace bigint, to_make boolean)
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  if to_make then
    perform pg_advisory_xact_lock(1668246898, hashint8(workspace));
  else
    perform pg_advisory_xact_lock_shared(1668246898, hashint8(workspace));
  end if;
end
$$;
comment on function ledger.workspace_lock(bigint, boolean) is
  'Locks the workspace until the end of the transaction. Sessions that queue deliveries behind open ones (to_make) '
  'and sessions that end open ones exclude each other; otherwise a delivery could wait for ever behind one that has '
  'ended.';

create function ledger.deliveries_make(workspace bigint, most bigint, out taken bigint, out made bigint)
language plpgsql set search_path = ledger, pg_temp
set jit = off set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
declare
  at constant timestamptz := ledger.clock();
  last_event bigint;
  last_time timestamptz;
  events bigint[];
  times timestamptz[];
  wanted text[];
  is_limited boolean;
  is_timed boolean;
begin
  perform ledger.workspace_lock(workspace, true);
  select s.event_id, s.created_at into last_event, last_time
  from (select o.event_id, o.created_at, sum(cardinality(o.subscription_ids))
        over (order by o.event_id, o.created_at) as total
        from (select b.* from ledger.outbox b where b.workspace_id = workspace
              order by b.event_id, b.created_at limit most) o) s
  where s.total >= most
  order by s.event_id, s.created_at limit 1;
  with batch as (
    delete from ledger.outbox o
    where o.workspace_id = workspace
      and (o.event_id, o.created_at) <= (coalesce(last_event, 9223372036854775807), coalesce(last_time, 'infinity'))
    returning o.event_id, o.created_at, o.subscription_ids)
  select array_agg(b.event_id), array_agg(b.created_at), array_agg(b.subscription_ids::text)
  into events, times, wanted
  from batch b;
  taken := coalesce(cardinality(events), 0);
  made := 0;
  if taken = 0 then
    return;
  end if;
  select coalesce(bool_or(not m.is_admin), false),
         coalesce(bool_or(s.filters && '{time_entry.started,time_entry.stopped}'), false)
  into is_limited, is_timed
  from ledger.subscription s
  join ledger.member m on m.account_id = s.account_id and m.workspace_id = s.workspace_id
  where s.workspace_id = workspace and s.deleted_at is null;

  with item as materialized (
    select e.event_id, e.created_at, e.model, e.action, e.entity_id, i.wanted::bigint[] as wanted,
           ledger.patterns_of(e.source, e.model, e.action) as patterns,
           case when is_timed and e.model = 'time_entry' and e.action in ('created', 'updated')
                     and e.source not in ('backfill', 'compare')
                then ledger.timer_change(workspace, e.entity_id, e.event_id, e.created_at, e.action,
                                         e.body) end as timer
    from unnest(events, times, wanted) i (event_id, created_at, wanted)
    -- Row by row, so that each is looked up by its key: see courier.settle().
    cross join lateral (
      select v.event_id, v.created_at, v.model, v.action, coalesce(v.entity_id, 0) as entity_id, v.source, v.body
      from ledger.event v
      where v.workspace_id = workspace and v.event_id = i.event_id and v.created_at = i.created_at limit 1) e),
  scope as materialized (
    select * from ledger.event_scope(workspace, case when is_limited then events end,
                                     case when is_limited then times end)),
  pair as (
    select s.subscription_id, i.*,
           row_number() over (partition by s.subscription_id, i.model, i.entity_id
                              order by i.created_at, i.event_id) as place
    from item i
    cross join lateral unnest(i.wanted) w (subscription_id)
    -- The subscription may be disabled or not validated now: then its deliveries wait. A deleted
    -- subscription gets none, nor does one whose address answered 410.
    join ledger.subscription s
      on s.subscription_id = w.subscription_id and s.deleted_at is null and s.disabled_reason is distinct from 'gone'
    join ledger.account a on a.account_id = s.account_id and a.enabled
    join ledger.member m on m.account_id = s.account_id and m.workspace_id = workspace
    left join scope x on x.event_id = i.event_id and x.created_at = i.created_at
    where (s.filters && i.patterns[1:4] or i.timer = any (s.filters))
      and (m.is_admin or ledger.is_in_scope(workspace, a.user_id, x.of_user, x.of_project)))
  insert into ledger.delivery (workspace_id, subscription_id, event_id, created_at, entity_id, model, action, state,
                               due_at, made_at)
  select workspace, p.subscription_id, p.event_id, p.created_at, p.entity_id, p.model, p.action,
         case when p.place > 1 then 'behind'
              when exists (select from ledger.delivery d	-- by the index delivery_open: see courier.settle()
                           where d.subscription_id = p.subscription_id and d.model = p.model
                             and d.entity_id = p.entity_id
                             and d.state in ('due', 'behind')) then 'behind'
              else 'due' end,
         at, at
  from pair p
  order by p.created_at, p.event_id;
  get diagnostics made = row_count;
end
$$;
comment on function ledger.deliveries_make(bigint, bigint) is
  'Makes about `most` deliveries of the first rows in the outbox of a workspace, in the order of (created_at, '
  'event_id), for the subscriptions whose makers may see the event, and removes the rows. Open deliveries of the same '
  'entity and subscription are delivered first.';

create function ledger.deliveries_drop(workspace bigint, subscription bigint, most bigint, why text)
returns bigint
language plpgsql set search_path = ledger, pg_temp set plan_cache_mode = force_custom_plan
as $$
declare
  of_state text;
  part bigint;
  dropped bigint := 0;
begin
  perform ledger.workspace_lock(workspace, false);
  -- Deliveries that wait are dropped first, so that none waits for a dropped one.
  foreach of_state in array '{behind,due}'::text[] loop
    update ledger.delivery d
    set state = 'dropped', settled_at = ledger.clock(), dropped_for = case when d.last_error is null then why end
    where d.workspace_id = workspace and d.subscription_id = subscription and d.delivery_id in (
      select o.delivery_id from ledger.delivery o
      where o.workspace_id = workspace and o.subscription_id = subscription and o.state in ('due', 'behind')
        and o.state = of_state
      limit most - dropped);
    get diagnostics part = row_count;
    dropped := dropped + part;
    exit when dropped >= most;
  end loop;
  return dropped;
end
$$;
comment on function ledger.deliveries_drop(bigint, bigint, bigint, text) is
  'Drops up to `most` open deliveries of a subscription; why: see ledger.delivery_problem(). Returns how many.';

create function ledger.delivery_problem(dropped_for text, last_error text)
returns jsonb
language sql immutable set search_path = ledger, pg_temp
return case dropped_for when 'subscription_deleted' then ledger.coded('delivery.dropped_deleted')
                          when 'subscription_disabled' then ledger.coded('delivery.dropped_disabled')
                          when 'address_gone' then ledger.coded('delivery.dropped_address')
                          when 'account_off' then ledger.coded('delivery.dropped_account')
                          when 'not_visible' then ledger.coded('delivery.dropped_unseen')
                          else to_jsonb(last_error) end;
comment on function ledger.delivery_problem(text, text) is
  'What was wrong with a delivery at last, to be said to people: a code, or what an attempt met with; null: nothing.';

create function ledger.deliveries_hide(workspace bigint, subscription bigint, ids bigint[])
returns boolean
language plpgsql set search_path = ledger, pg_temp
set jit = off set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
declare
  at constant timestamptz := ledger.clock();
  one record;
begin
  -- Does not wait for the lock: the caller holds locks of subscriptions, and settle() takes those
  -- after this one. The caller repeats what is not dropped now.
  if not pg_try_advisory_xact_lock_shared(1668246898, hashint8(workspace)) then
    return false;
  end if;
  -- Row by row, so that each is looked up by its key: see courier.settle().
  for one in select i.id from unnest(ids) i (id) order by i.id loop
    update ledger.delivery d
    set state = 'dropped', settled_at = at, last_error = null, dropped_for = 'not_visible'
    where d.workspace_id = workspace and d.subscription_id = subscription and d.delivery_id = one.id
      and d.state = 'due';
    continue when not found;
    update ledger.delivery n set state = 'due', due_at = at
    where n.workspace_id = workspace and n.subscription_id = subscription and n.state = 'behind' and n.delivery_id = (
      select o.delivery_id
      from ledger.delivery d
      join ledger.delivery o on o.subscription_id = d.subscription_id and o.model = d.model
        and o.entity_id = d.entity_id
                            and o.state in ('due', 'behind')
      where d.workspace_id = workspace and d.subscription_id = subscription and d.delivery_id = one.id
      order by o.delivery_id limit 1);
  end loop;
  return true;
end
$$;
comment on function ledger.deliveries_hide(bigint, bigint, bigint[]) is
  'Drops due deliveries that the maker of the subscription may not see any more, with that reason; the next delivery '
  'of each entity becomes due. False: nothing was done, because another session makes deliveries.';

create function ledger.deliveries_seen(account bigint, workspace bigint, subscription bigint, at timestamptz,
                                       want bigint, from_at timestamptz, after_id bigint, but bigint[])
returns bigint[]
language plpgsql set search_path = ledger, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
    set plan_cache_mode = force_generic_plan
as $$
declare
  fine bigint[] := '{}';
  hidden bigint[];
  part record;
begin
  -- The number of rounds is limited, so that a call stays short even when many deliveries are
  -- dropped.
  for round in 1..32 loop
    select array_agg(d.delivery_id) as ids, array_agg(d.event_id) as events, array_agg(d.created_at) as times,
           max(d.due_at) as last_at, count(*) as n
    into part
    from (select d.* from ledger.delivery d
          where d.workspace_id = workspace and d.subscription_id = subscription and d.state = 'due' and d.due_at <= at
            and (d.due_at, d.delivery_id) > (coalesce(from_at, '-infinity'), coalesce(after_id, 0))
            and d.delivery_id <> all (coalesce(but, '{}'))
          order by d.due_at, d.delivery_id limit want) d;
    exit when part.n = 0;
    select coalesce(array_agg(i.id) filter (where s.event_id is null), '{}'),
           fine || coalesce(array_agg(i.id) filter (where s.event_id is not null), '{}')
    into hidden, fine
    from unnest(part.ids, part.events, part.times) i (id, event_id, created_at)
    left join ledger.may_see_events(account, workspace, part.events, part.times) s on s.event_id = i.event_id
      and s.created_at = i.created_at;
    if cardinality(hidden) > 0 and not ledger.deliveries_hide(workspace, subscription, hidden) then
      exit;
    end if;
    exit when cardinality(fine) >= want or part.n < want;
    from_at := part.last_at;
    after_id := part.ids[part.n];
  end loop;
  return fine;
end
$$;
comment on function ledger.deliveries_seen(bigint, bigint, bigint, timestamptz, bigint, timestamptz, bigint,
  bigint[]) is
  'Numbers of about `want` due deliveries after the position (from_at, after_id), without those in `but`, that the '
  'account of the subscription may see now. The account is no administrator. Deliveries that it may not see are '
  'dropped.';

create function ledger.is_hungry(workspace bigint, enough bigint)
returns boolean
language sql stable set search_path = ledger, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
as $$
  select coalesce(bool_or(not exists (
           select from ledger.delivery d
           where d.workspace_id = workspace and d.subscription_id = s.subscription_id and d.state = 'due'
           order by d.due_at, d.delivery_id offset enough limit 1)), true)
  from ledger.active_subscription s
  where s.workspace_id = workspace
$$;
comment on function ledger.is_hungry(bigint, bigint) is
  'Has any subscription of the workspace that gets events at most `enough` due deliveries? Rows of the outbox are far '
  'smaller than deliveries, so they stay there while all subscriptions have enough. Also true when no subscription '
  'gets events.';

-- Without a "set", so that the planner inlines it: a delivery of 1 kB costs PostgreSQL 10 us less
-- than with a call of without_secrets_of().
create function ledger.may_have_secrets(body text)
returns boolean
language sql immutable
return strpos(body, 'api_token') > 0 or strpos(body, 'ical_url') > 0 or strpos(body, 'invit') > 0
       -- the letters of a key may be written as escapes
       or strpos(body, '\u00') > 0;
comment on function ledger.may_have_secrets(text) is
  'False: none of the keys of ledger.secrets() is in this JSON. Cheap, and true for other texts too.';

create function ledger.without_secrets_of(body json, out payload text, out metadata text)
language plpgsql immutable set search_path = ledger, pg_temp
as $$
declare
  secret constant text := array_to_string(ledger.secrets(), '|');
  entity jsonb;
  about jsonb;
begin
  -- (nearly always)
  if not ledger.may_have_secrets(body::text) or body::text !~ (secret || '|\\u00[4-7]') then
    return;
  end if;
  entity := ledger.payload(body);
  if ledger.without_secrets(entity) <> entity then
    payload := ledger.without_secrets(entity)::text;
  end if;
  about := ledger.payload(json_build_object('payload', ledger.read_json(body::text) -> 'metadata'));
  if about::text ~ secret then
    -- request_body is a string that contains JSON: it is removed as a whole
    metadata := (select coalesce(jsonb_object_agg(m.key, m.value), '{}')
                 from jsonb_each(ledger.without_secrets(about)) m
                 where m.value::text !~ secret)::text;
  end if;
exception when data_exception or program_limit_exceeded then
  metadata := '{}';
end
$$;
comment on function ledger.without_secrets_of(json) is
  'Payload and metadata of an event without the keys that hold secrets, to be sent instead of the originals; null '
  'where there are no secrets.';

-- ---- once more

create function ledger.deliveries_of_maker(workspace bigint, subscription bigint, ids bigint[])
returns bigint[]
language plpgsql stable set search_path = ledger, pg_temp set jit = off set enable_seqscan = off
as $$
declare
  maker ledger.served;
  events bigint[];
  times timestamptz[];
begin
  select v.* into maker from ledger.served v where v.subscription_id = subscription;
  if maker.is_admin or maker.subscription_id is null then
    return case when maker.is_admin then ids else '{}' end;
  end if;
  -- Row by row, so that each is looked up by its key: see courier.settle().
  select array_agg(d.delivery_id), array_agg(d.event_id), array_agg(d.created_at) into ids, events, times
  from unnest(ids) i (id)
  cross join lateral (select o.* from ledger.delivery o
                      where o.workspace_id = workspace and o.subscription_id = subscription and o.delivery_id = i.id
                        limit 1) d;
  return array(
    select i.id from unnest(ids, events, times) i (id, event_id, created_at)
    where (i.event_id, i.created_at) in (select s.event_id, s.created_at
                                         from ledger.may_see_events(maker.account_id, workspace, events, times) s));
end
$$;
comment on function ledger.deliveries_of_maker(bigint, bigint, bigint[]) is
  'Of these deliveries, those whose event the maker of the subscription may see now; none of a subscription that is '
  'not served.';

create function ledger.delivery_replay(workspace bigint, subscription bigint, ids bigint[])
returns bigint
language plpgsql set search_path = ledger, pg_temp
set jit = off set enable_seqscan = off
as $$
declare
  at constant timestamptz := ledger.clock();
  one bigint;
  replayed bigint := 0;
begin
  ids := ledger.deliveries_of_maker(workspace, subscription, ids);
  perform ledger.workspace_lock(workspace, true);
  -- Row by row, so that each is looked up by its key: see courier.settle(). In their order, so that
  -- the first delivery of an entity is due and the others wait.
  foreach one in array array(select i from unnest(ids) i order by 1) loop
    update ledger.delivery d
    set state = case when exists (select from ledger.delivery o
                                  where o.subscription_id = subscription and o.model = d.model
                                    and o.entity_id = d.entity_id
                                    and o.state in ('due', 'behind')) then 'behind' else 'due' end,
        due_at = at, settled_at = null, first_attempt_at = null, attempts_before = d.attempts, last_error = null,
        dropped_for = null
    where d.workspace_id = workspace and d.subscription_id = subscription and d.delivery_id = one
      and d.settled_at is not null;
    replayed := replayed + found::integer;
  end loop;
  return replayed;
end
$$;
comment on function ledger.delivery_replay(bigint, bigint, bigint[]) is
  'Makes ended deliveries due again, with a new schedule of attempts, except those that the maker of the subscription '
  'may not see now. Returns how many.';
