-- The deliveries of a subscription, for the account that reads them. Part of the interface schema of
-- hookledger-api, which calls it for the events of a subscription.

create function api.event_list(account bigint, workspace bigint, query jsonb, subscription bigint)
returns table (status bigint, body text)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
declare
  zone text := (select a.time_zone from ledger.account a where a.account_id = account);
  sees_all boolean := (select m.is_admin from ledger.member m where m.account_id = account
                       and m.workspace_id = workspace);
  skipped bigint := case when query ->> 'offset' ~ '^\d{1,9}$' then (query ->> 'offset')::bigint else 0 end;
  since timestamptz := ledger.clock() - interval '7 days';
  total bigint;
  ids bigint[];
begin
  if not exists (select from api.ping_find(account, workspace, subscription) f where f.status = 200) then
    return query select 404::bigint,
      to_json(ledger.api_text('no_subscription', subscription::text, workspace::text))::text;
    return;
  end if;
  if sees_all then
    select count(*) into total from ledger.delivery d
    where d.workspace_id = workspace and d.subscription_id = subscription and d.made_at >= since;
    ids := array(select d.delivery_id from ledger.delivery d
                 where d.workspace_id = workspace and d.subscription_id = subscription and d.made_at >= since
                 order by d.delivery_id desc limit 100 offset skipped);
  else
    with recent as (
      select d.delivery_id, d.event_id, d.created_at from ledger.delivery d
      where d.workspace_id = workspace and d.subscription_id = subscription and d.made_at >= since
      order by d.delivery_id desc limit 5000),
    seen as (
      select r.delivery_id from recent r
      where (r.event_id, r.created_at) in (
        select s.event_id, s.created_at
        from ledger.may_see_events(account, workspace, (select array_agg(r.event_id) from recent r),
                                   (select array_agg(r.created_at) from recent r)) s))
    select (select count(*) from seen), array(select s.delivery_id from seen s order by s.delivery_id desc
                                              limit 100 offset skipped) into total, ids;
  end if;
  return query
    select 200::bigint, json_build_object(
      'total', total,
      'events', coalesce(json_agg(json_build_object(
        'event_id', d.event_id, 'created_at', ledger.rfc3339(d.created_at, zone), 'creator_id', e.creator_id,
        'metadata', e.metadata, 'payload', ledger.zoned(e.payload, d.model, zone),
        'failed_delivery_attempts', d.attempts - (d.state = 'delivered')::integer,
        'last_delivery_attempt', ledger.rfc3339(d.last_attempt_at, zone), 'last_delivery_error',
        coalesce(d.last_error, ledger.api_text(d.dropped_for)))
        order by d.delivery_id desc), '[]'))::text
    from ledger.delivery d
    left join lateral (
      -- A hundred long events would exceed the time limit of an answer and delay other requests.
      -- Toggl's events are a hundredth of this limit.
      select v.creator_id,
             case when l.is_long then
                  json_build_object('model', v.model, 'action', v.action, 'withheld', 'payload,metadata')
                  else coalesce(c.metadata::json, r.event -> 'metadata') end as metadata,
             case when not l.is_long then
               ledger.without_secrets(ledger.payload(json_build_object('payload',
                                                                       coalesce(c.payload::json,
                                                                           r.event -> 'payload')))) end as payload
      from ledger.event v
      cross join lateral (select octet_length(v.body::text) > 65536 as is_long offset 0) l
      left join lateral (select s.payload, s.metadata from ledger.seen_event(v.body, sees_all) s where not l.is_long) c
        on true
      left join lateral (select ledger.read_json(v.body::text) as event where not l.is_long offset 0) r on true
      where v.workspace_id = d.workspace_id and v.event_id = d.event_id and v.created_at = d.created_at
        limit 1) e on true
    where d.workspace_id = workspace and d.subscription_id = subscription and d.delivery_id = any (ids);
end
$$;
comment on function api.event_list(bigint, bigint, jsonb, bigint) is
  'GET /subscriptions/{id}/{id}/events of Toggl''s older document: the subscription''s deliveries of the last week, '
  'newest first, 100 from `offset` on, including failed ones. It shows only events that the calling account may see '
  'now. Events longer than 64 KiB are shortened (metadata.withheld says so). An account that is no administrator gets '
  'only those among the newest 5000.';
