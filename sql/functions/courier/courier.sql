-- Interface schema of hookledger-courier: the only functions that it may call. In each round of its
-- loop it calls courier.gather(), claim() and settle(), and courier.housekeep() when there is time.
-- A lease is for a subscription, not for a delivery: the courier that holds the lease attempts its
-- deliveries. Who may see an event does not belong here: see delivery/visibility.sql.
--
-- Commits here do not wait for the disk. After a crash of the database the lost work is repeated:
-- an event is delivered at least once.

create function courier.listen()
returns void
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  listen hookledger_outbox;
end
$$;
comment on function courier.listen() is
  'Starts listening: from now on this session gets the notifications of receiver.notify().';

-- ---- from the outbox

create function courier.gather(after bigint, enough bigint, most bigint)
returns table (workspace_id bigint, taken bigint, made bigint)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  place bigint;
begin
  perform set_config('synchronous_commit', 'off', true);
  for place in
    select w.workspace_id from ledger.workspace w
    where exists (select from ledger.outbox o where o.workspace_id = w.workspace_id)
    order by w.workspace_id <= gather.after, w.workspace_id
  loop
    workspace_id := place;
    taken := 0;
    made := 0;
    -- One courier at a time, to keep the order. A row lock, because no other role can take it; of a
    -- strength that foreign keys do not wait for.
    if ledger.is_hungry(place, gather.enough)
       and exists (select from ledger.workspace w where w.workspace_id = place for no key update skip locked) then
      select m.taken, m.made into taken, made from ledger.deliveries_make(place, gather.most) m;
      return next;
      return;
    end if;
  end loop;
  if place is not null then
    return next;
  end if;
end
$$;
comment on function courier.gather(bigint, bigint, bigint) is
  'Makes about `most` deliveries of the events of one workspace: the next one after the number `after` with rows in '
  'the outbox, unless all its subscriptions have `enough` due. No row: the outbox is empty. taken 0: enough '
  'deliveries are due, or another courier does it.';

-- ---- leases

create function courier.claim(
  held_ids bigint[], held_leases bigint[], held_renews bigint[], held_wants bigint[], held_from timestamptz[],
  held_after bigint[], hand_owners bigint[], hand_ids bigint[], new_most bigint, new_want bigint, lease_ms bigint)
returns table (subscription_id bigint, workspace_id bigint, lease bigint, delivery_id bigint, due_us bigint,
               attempt bigint, event_id bigint, created_us bigint, body text, payload text, metadata text,
               url_callback text, secret_sealed bytea, secret_before_sealed bytea, parallel bigint, pause_us bigint,
               is_failing boolean)
language plpgsql security definer set search_path = ledger, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
    set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  at constant timestamptz := ledger.clock();
  until constant timestamptz := at + lease_ms * interval '1 millisecond';
  new_ids bigint[];
  -- What members may see is checked now; administrators see all.
  member_ids bigint[];
  member_seen text[];
  one record;
begin
  perform set_config('synchronous_commit', 'off', true);
  update ledger.subscription s set leased_until = until
  from unnest(held_ids, held_leases, held_renews) h (subscription_id, lease, renew)
  where s.subscription_id = h.subscription_id and s.lease = h.lease and h.renew > 0;

  if new_most > 0 then
    with candidate as (
      select s.subscription_id
      from ledger.active_subscription s
      where s.leased_until <= at and s.paused_until <= at
        -- in the order of the index delivery_due, so that the planner uses it
        and (select d.due_at from ledger.delivery d
             where d.workspace_id = s.workspace_id and d.subscription_id = s.subscription_id and d.state = 'due'
             order by d.due_at, d.delivery_id limit 1) <= at
        and exists (select from ledger.account a join ledger.member m on m.account_id = a.account_id
                    where a.account_id = s.account_id and a.enabled and m.workspace_id = s.workspace_id)
      order by s.leased_until
      limit new_most
      for update of s skip locked),
    taken as (
      update ledger.subscription s set lease = greatest(s.lease + 1, ledger.us(at)), leased_until = until
      from candidate c where s.subscription_id = c.subscription_id
      returning s.subscription_id)
    select array_agg(t.subscription_id) into new_ids from taken t;
  end if;

  for one in
    select v.account_id, v.workspace_id, v.subscription_id, i.want, i.from_at, i.after_id
    from (select h.* from unnest(held_ids, held_wants, held_from, held_after) h (subscription_id, want, from_at,
        after_id) where h.want > 0
          union all
          select n.id, new_want, null, null from unnest(new_ids) n (id)) i
    join ledger.served v on v.subscription_id = i.subscription_id and not v.is_admin
  loop
    member_ids := member_ids || one.subscription_id;
    member_seen := member_seen || ledger.deliveries_seen(
      one.account_id, one.workspace_id, one.subscription_id, at, one.want, one.from_at, one.after_id,
      (select array_agg(h.id) from unnest(hand_owners, hand_ids) h (owner, id)
       where h.owner = one.subscription_id))::text;
    if member_seen[cardinality(member_seen)] = '{}' and one.subscription_id = any (new_ids) then
      -- none of its deliveries is returned, so the courier would never settle it
      update ledger.subscription s set leased_until = at where s.subscription_id = one.subscription_id;
    end if;
  end loop;

  return query
    with hand as (
      select h.owner, array_agg(h.id) as ids from unnest(hand_owners, hand_ids) h (owner, id) group by h.owner),
    mine as (
      select i.subscription_id, i.want, i.from_at, i.after_id, i.lease
      from unnest(held_ids, held_leases, held_wants, held_from, held_after) i (subscription_id, lease, want, from_at,
          after_id)
      where i.want > 0
      union all
      select n.id, new_want, null, null, null from unnest(new_ids) n (id))
    select s.subscription_id, s.workspace_id, s.lease, d.delivery_id, ledger.us(d.due_at), d.attempts + 1::bigint,
           d.event_id, ledger.us(d.created_at), e.body::text, c.payload, c.metadata, s.url_callback, s.secret_sealed,
           case when s.secret_before_until > at then s.secret_before_sealed end,
           s.parallel::bigint,
           -- (least() ignores null, which means no limit)
           case when s.rate_per_second is not null then least(1000000 / s.rate_per_second, 1000000000)::bigint end,
             s.failing_since is not null
    from mine i
    join ledger.subscription s on s.subscription_id = i.subscription_id and s.lease = coalesce(i.lease, s.lease)
    -- a lease can last longer than the right to see the events
    join ledger.served v on v.subscription_id = s.subscription_id
    left join hand h on h.owner = i.subscription_id
    cross join lateral (
      select d.* from ledger.delivery d
      where d.workspace_id = s.workspace_id and d.subscription_id = s.subscription_id and d.state = 'due'
        and d.due_at <= at
        and (d.due_at, d.delivery_id) > (coalesce(i.from_at, '-infinity'), coalesce(i.after_id, 0))
        and (h.ids is null or d.delivery_id <> all (h.ids))
        and (v.is_admin or d.delivery_id = any (member_seen[array_position(member_ids, i.subscription_id)]::bigint[]))
      order by d.due_at, d.delivery_id limit i.want) d
    left join lateral (
      select e.body from ledger.event e
      where e.workspace_id = d.workspace_id and e.event_id = d.event_id and e.created_at = d.created_at
        limit 1) e on true
    -- (the same result as seen_event(), without its cost in nearly all cases)
    left join lateral (
      select o.payload, o.metadata from ledger.without_secrets_of(e.body) o
      where v.is_admin and ledger.may_have_secrets(e.body::text)
      union all
      select o.payload, o.metadata from ledger.seen_event(e.body, false) o where not v.is_admin) c on e.body is not null
    where s.enabled and s.validated_at is not null and s.deleted_at is null and s.pending_until is null
      and s.paused_until <= at
    union all
    select h.subscription_id, 0, h.lease, 0, 0, 0, 0, 0, null, null, null, '', null, null, null, null, false
    from unnest(held_ids, held_leases) h (subscription_id, lease)
    where not exists (select from ledger.subscription s where s.subscription_id = h.subscription_id
                      and s.lease = h.lease);
end
$$;
comment on function courier.claim(bigint[], bigint[], bigint[], bigint[], timestamptz[], bigint[], bigint[], bigint[],
  bigint, bigint, bigint) is
  'Renews leases that are held where held_renews is not 0, takes up to new_most new ones of subscriptions with '
  'something due, and returns due deliveries with all data for sending them: of each held one held_wants more behind '
  'the place (held_from, held_after) in the order of due_at, of each new one new_want. hand_ids are deliveries that '
  'are with the courier already, hand_owners their subscriptions. delivery_id 0: the lease is lost. body null: the '
  'event is not in the ledger any more. payload and metadata: to be sent instead of those in the body, when these '
  'hold data that the maker of the subscription may not see. Deliveries of events that the maker may not see at all '
  'are dropped.';

create function courier.settle(
  held_ids bigint[], held_leases bigint[], held_keeps bigint[],
  owner_ids bigint[], delivery_ids bigint[], attempts bigint[], statuses bigint[], durations_us bigint[],
  pauses_ms bigint[], answers text[], problems text[],
  first_ms bigint, factor bigint, longest_ms bigint, give_up_ms bigint, failing_ms bigint)
returns table (subscription_id bigint, is_held boolean, is_open boolean, disabled_reason text)
language plpgsql security definer set search_path = ledger, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
  set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  at constant timestamptz := ledger.clock();
  longest constant interval := longest_ms * interval '1 millisecond';
  mine bigint[];
  ended record;
begin
  perform set_config('synchronous_commit', 'off', true);
  -- Always in the same order, so that two couriers do not deadlock.
  perform ledger.workspace_lock(w.workspace_id, false)
  from (select distinct s.workspace_id from ledger.subscription s where s.subscription_id = any (held_ids) order by 1)
    w;
  select array_agg(l.subscription_id) into mine
  from (select s.subscription_id
        from unnest(held_ids, held_leases) h (subscription_id, lease)
        join ledger.subscription s on s.subscription_id = h.subscription_id and s.lease = h.lease
        order by s.subscription_id for update of s) l;

  -- The settings of this function make PostgreSQL look up each delivery by its key. Otherwise a join
  -- could get a bad plan, because the planner has no statistics for a table that is being filled
  -- (30 ms a call with 8,000 rows, and rising).
  with result as materialized (
    select d.workspace_id, i.*, d.first_attempt_at,
           case when i.status between 200 and 299 then null
                when i.status = 0 and i.pause_ms = 0 then at
                else at + greatest(
      -- 20 % more or less, so that deliveries that failed together are not retried together;
      -- limited as a number, because after many attempts the result is too large for an interval
      least(longest_ms, (0.8 + 0.4 * random()) * first_ms * power(factor, least(d.attempts - d.attempts_before, 40)))
        * interval '1 millisecond',
      least(longest, coalesce(i.pause_ms, 0) * interval '1 millisecond')) end as next_at
    from unnest(owner_ids, delivery_ids, attempts, statuses, durations_us, pauses_ms, answers, problems)
           i (owner_id, delivery_id, attempt, status, duration_us, pause_ms, answer, problem)
    join ledger.subscription s on s.subscription_id = i.owner_id
    -- (apart from the condition on the state: otherwise the planner could use an index of open deliveries)
    cross join lateral (
      select d.* from ledger.delivery d
      where d.workspace_id = s.workspace_id and d.subscription_id = i.owner_id and d.delivery_id = i.delivery_id
      offset 0) d
    -- Otherwise it is already settled: the courier lost the answer of that call.
    where i.owner_id = any (mine) and d.state = 'due' and d.attempts = i.attempt - 1),
  settled as (
    update ledger.delivery d
    set attempts = n.attempt, first_attempt_at = coalesce(d.first_attempt_at, at), last_attempt_at = at,
        last_error = n.problem,
        state = n.becomes, due_at = case when n.becomes = 'due' then n.next_at else d.due_at end,
        settled_at = case when n.becomes <> 'due' then at end
    from (select r.*,
                 case when r.next_at is null then 'delivered'
                      when r.status = 410 then 'dropped'
                      when r.status < 0 or r.next_at > coalesce(r.first_attempt_at, at)
                                                       + give_up_ms * interval '1 millisecond' then 'dead'
                      else 'due' end as becomes
          from result r) n
    where d.workspace_id = n.workspace_id and d.subscription_id = n.owner_id and d.delivery_id = n.delivery_id
    returning d.workspace_id, d.subscription_id, d.delivery_id, d.model, d.entity_id, d.state, n.attempt, n.status,
              n.duration_us, n.answer, n.problem),
  attempted as (
    insert into ledger.attempt (workspace_id, subscription_id, delivery_id, attempt, at, status, duration_us, answer,
                                problem)
    select s.workspace_id, s.subscription_id, s.delivery_id, s.attempt, at, greatest(s.status, 0), s.duration_us,
           s.answer, s.problem
    from settled s)
  select array_agg(s.workspace_id) as workspace_ids, array_agg(s.subscription_id) as owner_ids,
         array_agg(s.delivery_id) as delivery_ids, array_agg(s.model) as models, array_agg(s.entity_id) as entity_ids
  into ended
  from settled s
  where s.state <> 'due';

  -- The next delivery of each entity becomes due. The search starts at the ended one, because
  -- earlier ones are dead index entries until vacuum. Only a replayed delivery has a lower number. By
  -- the index delivery_open. The condition has no workspace, so that the planner cannot use the
  -- primary key, which has this order too (0.6 ms instead of 3 us).
  if ended.delivery_ids is not null then
    update ledger.delivery d
    set state = 'due', due_at = ledger.clock()
    from (
      select e.workspace_id, e.owner_id, coalesce(
               (select o.delivery_id
                from ledger.delivery o
                where o.subscription_id = e.owner_id and o.model = e.model and o.entity_id = e.entity_id
                  and o.state in ('due', 'behind') and o.delivery_id > e.delivery_id
                order by o.delivery_id limit 1),
               (select o.delivery_id
                from ledger.delivery o
                where o.subscription_id = e.owner_id and o.model = e.model and o.entity_id = e.entity_id
                  and o.state in ('due', 'behind')
                order by o.delivery_id limit 1)) as behind
      from unnest(ended.workspace_ids, ended.owner_ids, ended.delivery_ids, ended.models, ended.entity_ids)
             e (workspace_id, owner_id, delivery_id, model, entity_id)
      offset 0) b
    where d.workspace_id = b.workspace_id and d.subscription_id = b.owner_id and d.delivery_id = b.behind;
  end if;

  return query
    with changed as (
      update ledger.subscription s
      set failing_since = n.failing_since,
          last_success_at = case when n.has_worked then at else s.last_success_at end,
          enabled = s.enabled and n.reason is null,
          disabled_reason = coalesce(n.reason, s.disabled_reason),
          paused_until = greatest(s.paused_until, n.paused_until),
          leased_until = case when n.is_kept then s.leased_until else least(s.leased_until, at) end
      from (
        select h.subscription_id, h.is_kept, b.paused_until, b.has_worked,
               case when b.is_gone then 'gone'
                    when b.has_failed and not b.has_worked and o.enabled
                         and o.failing_since <= at - failing_ms * interval '1 millisecond' then 'failing' end as reason,
               case when b.has_worked then null
                    when b.has_failed then coalesce(o.failing_since, at) else o.failing_since end as failing_since
        from (select u.id as subscription_id, u.keep > 0 as is_kept
              from unnest(held_ids, held_keeps) u (id, keep) where u.id = any (mine)) h
        join ledger.subscription o on o.subscription_id = h.subscription_id
        left join (
          select i.owner_id, bool_or(i.status between 200 and 299) as has_worked,
                 bool_or(i.status not between 200 and 299) as has_failed,
                 bool_or(i.status = 410) as is_gone,
                 max(at + least(i.pause_ms * interval '1 millisecond', longest))
                   filter (where i.status in (429, 503) and i.pause_ms > 0) as paused_until
          from unnest(owner_ids, statuses, pauses_ms) i (owner_id, status, pause_ms)
          group by i.owner_id) b on b.owner_id = h.subscription_id) n
      where s.subscription_id = n.subscription_id
        and (not n.is_kept or n.reason is not null or n.paused_until > s.paused_until
             or n.failing_since is distinct from s.failing_since
             or n.has_worked and coalesce(s.last_success_at, '-infinity') < at - interval '1 minute')
      returning s.subscription_id, n.reason)
    select h.id, coalesce(h.id = any (mine), false),
           c.reason is null and s.enabled and s.validated_at is not null and s.deleted_at is null
             and s.pending_until is null,
           c.reason
    from unnest(held_ids) h (id)
    left join ledger.subscription s on s.subscription_id = h.id
    left join changed c on c.subscription_id = h.id;

  if 410 = any (statuses) then
    perform ledger.deliveries_drop(s.workspace_id, s.subscription_id, 1000, 'address_gone')
    from ledger.subscription s
    where s.subscription_id = any (mine) and s.disabled_reason = 'gone' and not s.enabled;
  end if;
end
$$;
comment on function courier.settle(bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[],
  bigint[], text[], text[], bigint, bigint, bigint, bigint, bigint) is
  'Takes the results of attempts: 2xx is delivered, 410 disables the subscription and drops what is open, below 0 is '
  'dead at once, the rest is due again by exponential back-off or dead when that would be give_up_ms after the first '
  'attempt. pauses_ms is what Retry-After asked for, or null; 0 without an answer (status 0): due at once, because a '
  'connection that was kept had ended; after 429 and 503 it holds for the whole subscription. One that only fails for '
  'failing_ms is disabled. Of each entity the next delivery is due. Leases of held_keeps 0 are given back. A lease '
  'that is not the current one (is_held false) changes nothing, nor does a result that was settled before. is_open: '
  'more may be delivered to it; disabled_reason: why this call disabled it.';

create function courier.look()
returns table (has_events boolean, next_us bigint)
language sql security definer set search_path = ledger, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
as $$
  select exists (select from ledger.workspace w
                 where exists (select from ledger.outbox o where o.workspace_id = w.workspace_id)),
         ledger.us(min(greatest(d.due_at, s.paused_until, s.leased_until))) - ledger.us(ledger.clock())
  from ledger.active_subscription s
  cross join lateral (
    select d.due_at from ledger.delivery d
    where d.workspace_id = s.workspace_id and d.subscription_id = s.subscription_id and d.state = 'due'
    order by d.due_at, d.delivery_id limit 1) d
  where (select a.enabled from ledger.account a join ledger.member m on m.account_id = a.account_id
         where a.account_id = s.account_id and m.workspace_id = s.workspace_id)
$$;
comment on function courier.look() is
  'Does the outbox have rows, and in how many microseconds (below 1: now) will a delivery be due for which no courier '
  'has a lease? Null: none will.';

-- ---- housekeeping

create function courier.housekeep(every_ms bigint, keep_ms bigint, keep_dead_ms bigint, most bigint)
returns bigint
language plpgsql security definer set search_path = ledger, pg_temp set lock_timeout = '5s'
set plan_cache_mode = force_custom_plan
as $$
declare
  at constant timestamptz := ledger.clock();
  of_workspace bigint;
  of_subscription bigint;
  why text;
  done bigint := 0;
  part bigint;
begin
  if not exists (select from ledger.turn t where t.name = 'housekeep' for update skip locked) then
    return 0;
  end if;
  -- Deliveries that can never be sent. They are dropped at each call, because until then every
  -- search for open deliveries reads them.
  for of_workspace, of_subscription, why in
    select s.workspace_id, s.subscription_id,
           case when s.deleted_at is not null then 'subscription_deleted'
                when v.subscription_id is not null then 'subscription_disabled'
                when s.disabled_reason = 'gone' and not s.enabled then 'address_gone'
                else 'account_off' end
    from ledger.subscription s
    left join ledger.served v on v.subscription_id = s.subscription_id
    where (v.subscription_id is null and s.pending_until is null
           or not s.enabled and s.updated_at < at - keep_dead_ms * interval '1 millisecond')
      and exists (select from ledger.delivery d where d.subscription_id = s.subscription_id
                  and d.state in ('due', 'behind')
                                                  and d.workspace_id = s.workspace_id)
    order by 1, 2
  loop
    exit when done >= most;
    done := done + ledger.deliveries_drop(of_workspace, of_subscription, most - done, why);
  end loop;
  if done > 0 then
    return done;
  end if;
  if (select s.housekept_at from ledger.state s) > at - every_ms * interval '1 millisecond' then
    return 0;
  end if;
  for of_workspace in select w.workspace_id from ledger.workspace w order by 1 loop
    exit when done >= most;
    with old as (
      delete from ledger.delivery d
      where d.workspace_id = of_workspace and (d.subscription_id, d.delivery_id) in (
        select o.subscription_id, o.delivery_id from ledger.delivery o
        where o.workspace_id = of_workspace
          and o.settled_at < at - keep_ms * interval '1 millisecond'
          and (o.state <> 'dead' or o.settled_at < at - keep_dead_ms * interval '1 millisecond')
        order by o.settled_at limit most)
      returning d.subscription_id, d.delivery_id),
    gone as (
      delete from ledger.attempt a using old o
      where a.workspace_id = of_workspace and a.subscription_id = o.subscription_id and a.delivery_id = o.delivery_id)
    select count(*) into part from old;
    done := done + part;
  end loop;
  if done < most then
    done := done + ledger.buckets_empty(at, most - done);
  end if;
  if done > 0 then
    return done;
  end if;
  -- Moving many events takes too long for a courier. The owner does it with hookledger housekeep,
  -- and doctor reports it.
  if (select count(*) from (select from ledger.event_default d where d.created_at >= '2006-01-01' limit 10001) d)
    <= 10000 then
    begin
      perform ledger.partition_ahead();
    exception when lock_not_available then null;	-- next time
    end;
  end if;
  update ledger.state set housekept_at = at;
  return 0;
end
$$;
comment on function courier.housekeep(bigint, bigint, bigint, bigint) is
  'A bounded step of housekeeping: drops open deliveries of a subscription that is not served (ledger.served) or was '
  'disabled long ago; then, unless that was done within every_ms, removes deliveries and attempts that ended before '
  'the given ages (dead ones are kept longer), deletes empty buckets, and creates the partitions of the next months. '
  'Returns the number of rows; 0: finished, or another courier does it.';
