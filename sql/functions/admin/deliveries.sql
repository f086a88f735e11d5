-- The admin page: deliveries to our subscribers, and replay. The operations use the functions of
-- the command line (operator/deliveries.sql).

create function ledger.delivery_json(d ledger.delivery)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select jsonb_build_object(
    'id', d.delivery_id::text, 'subscription_id', d.subscription_id::text, 'workspace_id', d.workspace_id::text,
    'event_id', d.event_id::text, 'event_created_at', ledger.rfc3339(d.created_at), 'model', d.model, 'action',
    d.action,
    'entity_id', nullif(d.entity_id, 0)::text, 'state', d.state, 'attempts', d.attempts, 'made_at',
    ledger.rfc3339(d.made_at),
    'due_at', case when d.state = 'due' then ledger.rfc3339(d.due_at) end, 'last_attempt_at',
    ledger.rfc3339(d.last_attempt_at),
    'ended_at', ledger.rfc3339(d.settled_at), 'last_problem', ledger.delivery_problem(d.dropped_for, d.last_error),
    'last_status', (select nullif(t.status, 0) from ledger.attempt t
                    where t.workspace_id = d.workspace_id and t.subscription_id = d.subscription_id
                      and t.delivery_id = d.delivery_id
                      and t.attempt = d.attempts))
$$;
comment on function ledger.delivery_json(ledger.delivery) is 'A delivery in the form of the page.';

create function admin.delivery_list(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp set plan_cache_mode = force_custom_plan
as $$
declare
  s ledger.subscription := ledger.subscription_of(request.path);
  of_state text := nullif(request.query ->> 'state', '');
  below bigint := coalesce(ledger.id_of(request.query ->> 'after', 'after'), 9223372036854775807);
  most integer := ledger.page_limit(request.query);
begin
  if of_state not in ('waiting', 'due', 'behind', 'delivered', 'dead', 'dropped') then
    perform ledger.refuse('delivery.state_malformed', jsonb_build_object('state', left(of_state, 50)));
  end if;
  return (
    with page as (
      select d from ledger.delivery d
      where d.workspace_id = s.workspace_id and d.subscription_id = s.subscription_id and d.delivery_id < below
        and (of_state is null or d.state = of_state or of_state = 'waiting' and d.state in ('due', 'behind'))
      order by d.delivery_id desc limit most + 1),
    shown as (select p.d from page p order by (p.d).delivery_id desc limit most),
    events as materialized (
      select i.event from jsonb_array_elements(ledger.events_json((
        select array_agg(row(null, null, null, (p.d).workspace_id, (p.d).event_id, (p.d).created_at)::ledger.event_ref)
          from shown p))) i (event))
    select ledger.answer(json_build_object(
      'items', coalesce((
        select json_agg(ledger.delivery_json(p.d) || jsonb_build_object('event', t.event)
                        order by (p.d).delivery_id desc)
        from shown p
        left join events t on t.event ->> 'event_id' = (p.d).event_id::text
          and t.event ->> 'created_at' = ledger.rfc3339((p.d).created_at)), '[]'),
      'next', case when (select count(*) from page) > most then (select min((p.d).delivery_id)::text
                                                                 from shown p) end)::text));
end
$$;
comment on function admin.delivery_list(ledger.operator, admin.request) is
  'GET subscribers/subscriptions/{subscription_id}/deliveries?state=&after=&limit=: deliveries, newest first, each '
  'with its event as an item of the list of events; null when retention dropped the event.';

create function ledger.delivery_of(path jsonb)
returns ledger.delivery
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  id bigint := ledger.id_of(path ->> 'delivery_id', 'delivery_id');
  d ledger.delivery;
begin
  -- Through the subscriptions, because the key begins with them.
  select o.* into d
  from ledger.subscription s
  join ledger.delivery o on o.workspace_id = s.workspace_id and o.subscription_id = s.subscription_id
    and o.delivery_id = id;
  if not found then
    perform ledger.refuse('delivery.gone', jsonb_build_object('delivery_id', id), 'P0002');
  end if;
  return d;
end
$$;
comment on function ledger.delivery_of(jsonb) is 'The delivery with the number in a path. P0002: there is none.';

create function admin.delivery_read(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  d ledger.delivery := ledger.delivery_of(request.path);
begin
  return (
    select ledger.answer((ledger.delivery_json(d) || jsonb_build_object(
      'description', s.description, 'url', ledger.url_shown(s.url_callback),
      'attempts', coalesce((
        select jsonb_agg(jsonb_build_object('attempt', t.attempt, 'at', ledger.rfc3339(t.at), 'status',
                                            nullif(t.status, 0),
                                            'took_ms', t.duration_us / 1000, 'problem', t.problem, 'answer', t.answer)
                                            order by t.attempt)
        from ledger.attempt t
        where t.workspace_id = d.workspace_id and t.subscription_id = d.subscription_id
          and t.delivery_id = d.delivery_id), '[]')))::text)
    from ledger.subscription s where s.subscription_id = d.subscription_id);
end
$$;
comment on function admin.delivery_read(ledger.operator, admin.request) is
  'GET subscribers/deliveries/{delivery_id}: a delivery with the result of each attempt. A status of null means no '
  'answer.';

create function admin.delivery_replay(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  d ledger.delivery := ledger.delivery_of(request.path);
  of_state text := operator.delivery_replay(d.delivery_id);
begin
  return (select ledger.answer(json_build_object(
    'state', of_state,
    'words', case when of_state = 'behind' then ledger.coded('delivery.replayed_behind')
                  when s.enabled and s.validated_at is not null then ledger.coded('delivery.replayed')
                  else ledger.coded('delivery.replayed_waits') end)::text,
    audit => ledger.audited('delivery.replay',
                            ledger.coded('subject.delivery', jsonb_build_object('delivery_id', d.delivery_id,
                                                                                'subscription_id', d.subscription_id)),
                            jsonb_build_object('state', d.state), jsonb_build_object('state', of_state)))
  from ledger.subscription s where s.subscription_id = d.subscription_id);
end
$$;
comment on function admin.delivery_replay(ledger.operator, admin.request) is
  'POST subscribers/deliveries/{delivery_id}/replay: repeats a delivery that has ended; one that waits for its next '
  'attempt becomes due at once.';

create function admin.subscription_replay(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  s ledger.subscription := ledger.subscription_of(request.path);
  after bigint := request.made ->> 'after';
  audit admin.audit_entry[];
  since timestamptz := ledger.given_time(request.given, 'since');
  until timestamptz := ledger.given_time(request.given, 'until');
  dead_only boolean := coalesce(ledger.given_flag(request.given, 'dead'), false);
begin
  perform ledger.given_check(request.given, '{since,until,dead,after}');
  if since is null and not dead_only then
    perform ledger.refuse('replay.unspecified');
  end if;
  if after is null then
    after := coalesce(ledger.given_number(request.given, 'after'), 0);
    audit := ledger.audited('subscription.replay', ledger.subscription_named(s), null, request.given);
  end if;
  return (select ledger.answer(null, audit => audit, private => to_jsonb(r))
          from operator.subscription_replay(s.subscription_id, since, until, dead_only, after, 1000) r);
end
$$;
comment on function admin.subscription_replay(ledger.operator, admin.request) is
  'POST subscribers/subscriptions/{subscription_id}/replay, for a thousand deliveries at a time. made: after, null in '
  'the first call, then the last_id of the call before; the caller repeats it while looked_at is 1000. private: as '
  'operator.subscription_replay().';
