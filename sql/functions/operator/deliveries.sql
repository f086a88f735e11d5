-- Interface schema of the command line: lists of deliveries, and replay.

create function operator.delivery_list(subscription bigint, of_state text, before bigint, most bigint)
returns table (delivery_id bigint, subscription_id bigint, event_id bigint, model text, action text, entity_id bigint,
               state text, attempts bigint, due_us bigint, settled_us bigint, last_error jsonb)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
begin
  if of_state is not null and of_state not in ('due', 'behind', 'delivered', 'dead', 'dropped') then
    perform ledger.refuse('delivery.state_unknown');
  end if;
  return query
    select d.delivery_id, d.subscription_id, d.event_id, d.model, d.action, nullif(d.entity_id, 0), d.state,
           d.attempts::bigint,
           case when d.state = 'due' then ledger.us(d.due_at) end, ledger.us(d.settled_at),
           ledger.delivery_problem(d.dropped_for, d.last_error)
    from ledger.subscription s
    cross join lateral (
      select i.* from ledger.delivery i
      where i.workspace_id = s.workspace_id and i.subscription_id = s.subscription_id
        and (before is null or i.delivery_id < before) and (of_state is null or i.state = of_state)
      order by i.delivery_id desc limit most) d
    where subscription is null or s.subscription_id = subscription
    order by d.delivery_id desc
    limit most;
end
$$;
comment on function operator.delivery_list(bigint, text, bigint, bigint) is
  'Deliveries, the newest first, with a number below `before`; of one subscription and in one state, or null: of all. '
  'due_us: when the next attempt is due.';

create function operator.delivery_find(delivery bigint)
returns table (delivery_id bigint, subscription_id bigint, workspace_id bigint, url_callback text, event_id bigint,
               event_created_us bigint, model text, action text, entity_id bigint, state text, attempts bigint,
               made_us bigint, due_us bigint, settled_us bigint, last_error jsonb)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
begin
  return query
    select d.delivery_id, d.subscription_id, d.workspace_id, s.url_callback, d.event_id, ledger.us(d.created_at),
           d.model, d.action, nullif(d.entity_id, 0), d.state, d.attempts::bigint, ledger.us(d.made_at),
           case when d.state = 'due' then ledger.us(d.due_at) end, ledger.us(d.settled_at),
           ledger.delivery_problem(d.dropped_for, d.last_error)
    from ledger.subscription s
    join ledger.delivery d on d.workspace_id = s.workspace_id and d.subscription_id = s.subscription_id
      and d.delivery_id = delivery;
  if not found then
    perform ledger.refuse('delivery.unknown', jsonb_build_object('delivery_id', delivery), 'P0002');
  end if;
end
$$;
comment on function operator.delivery_find(bigint) is 'One delivery; P0002 when absent.';

create function operator.attempt_list(delivery bigint)
returns table (attempt bigint, ended_us bigint, status bigint, milliseconds bigint, problem text, answer text)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select a.attempt::bigint, ledger.us(a.at), a.status::bigint, a.duration_us / 1000, a.problem, a.answer
  from ledger.subscription s
  join ledger.attempt a on a.workspace_id = s.workspace_id and a.subscription_id = s.subscription_id
    and a.delivery_id = delivery
  order by a.attempt
$$;
comment on function operator.attempt_list(bigint) is
  'Attempts of one delivery, the first one first; status 0: no answer.';

create function operator.delivery_replay(delivery bigint)
returns text
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  one record;
begin
  select * into one from operator.delivery_find(delivery);
  if exists (select from ledger.subscription s where s.subscription_id = one.subscription_id
             and s.deleted_at is not null) then
    perform ledger.refuse('subscription.deleted', jsonb_build_object('subscription_id', one.subscription_id));
  end if;
  if ledger.deliveries_of_maker(one.workspace_id, one.subscription_id, array[delivery]) = '{}' then
    perform ledger.refuse('delivery.not_visible', jsonb_build_object('subscription_id', one.subscription_id));
  end if;
  if one.state = 'due' then
    update ledger.delivery d set due_at = ledger.clock()
    where d.workspace_id = one.workspace_id and d.subscription_id = one.subscription_id and d.delivery_id = delivery
      and d.state = 'due';
  elsif one.state <> 'behind' then
    perform ledger.delivery_replay(one.workspace_id, one.subscription_id, array[delivery]);
  end if;
  notify hookledger_outbox;
  return (select f.state from operator.delivery_find(delivery) f);
end
$$;
comment on function operator.delivery_replay(bigint) is
  'Replays an ended delivery, or makes a waiting one due at once. Returns its new state: due, or behind when an '
  'earlier one of its entity is open. P0002 when absent, 22023 when the account of the subscription may not see it.';

create function operator.subscription_replay(subscription bigint, since timestamptz, until timestamptz,
                                             dead_only boolean, after bigint, most bigint)
returns table (replayed bigint, looked_at bigint, last_id bigint, hidden bigint)
language plpgsql security definer set search_path = ledger, pg_temp set plan_cache_mode = force_custom_plan
as $$
declare
  home bigint := (select s.workspace_id from ledger.subscription s where s.subscription_id = subscription
                  and s.deleted_at is null);
  ids bigint[];
begin
  if home is null then
    perform ledger.refuse('subscription.unknown', jsonb_build_object('subscription_id', subscription), 'P0002');
  end if;
  select count(*), max(d.delivery_id),
         array_agg(d.delivery_id) filter (where d.settled_at is not null and (not dead_only or d.state = 'dead')
                                            and (since is null or d.created_at >= since)
                                            and (until is null or d.created_at < until))
  into looked_at, last_id, ids
  from (select i.delivery_id, i.settled_at, i.state, i.created_at
        from ledger.delivery i
        where i.workspace_id = home and i.subscription_id = subscription and i.delivery_id > coalesce(after, 0)
        order by i.delivery_id limit most) d;
  ids := coalesce(ids, '{}');
  hidden := cardinality(ids) - cardinality(ledger.deliveries_of_maker(home, subscription, ids));
  replayed := ledger.delivery_replay(home, subscription, ids);
  notify hookledger_outbox;
  return next;
end
$$;
comment on function operator.subscription_replay(bigint, timestamptz, timestamptz, boolean, bigint, bigint) is
  'Replays the ended deliveries of a subscription: of events created since then and before `until` (null: all), or '
  'only the dead ones. Reads `most` deliveries with a number above `after`; to be repeated with last_id until '
  'looked_at is less. hidden: how many were left out, because the account of the subscription may not see them.';
