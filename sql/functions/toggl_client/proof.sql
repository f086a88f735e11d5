-- Proof of life: do callbacks of our subscriptions at Toggl still arrive? When none came for some hours,
-- and when an unusual silence is found, the job prove asks Toggl for a ping; ledger.proof_evaluate() sees
-- whether it came. What was loaded from Toggl's REST API proves nothing. Requests and quota: see job.sql.

create function ledger.calls_counted(endpoint bigint, since timestamptz)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select coalesce(jsonb_object_agg(c.reason, c.n), '{}')
  from (select r.reason, sum(r.count) as n from ledger.receiver_counter r
        where r.endpoint_id = calls_counted.endpoint and r.minute >= date_trunc('minute', since)
        group by r.reason) c
$$;
comment on function ledger.calls_counted(bigint, timestamptz) is
  'Callbacks of an endpoint that were not recorded since the begin of that minute: how many pings, and how many '
  'refused ones by reason. Receivers count within a few seconds.';

create function ledger.proofs_due(hours bigint)
returns table (connection_id bigint, workspace_id bigint, subscription_id bigint, endpoint_id bigint)
language sql stable set search_path = ledger, pg_temp
as $$
  select w.connection_id, s.workspace_id, s.subscription_id, s.endpoint_id
  from ledger.toggl_subscription s
  join ledger.toggl_workspace w on w.workspace_id = s.workspace_id
  join ledger.toggl_connection c on c.connection_id = w.connection_id and c.token_sealed is not null
                                 and c.refused_at is null
  left join ledger.proof p on p.workspace_id = s.workspace_id and p.subscription_id = s.subscription_id
  where s.endpoint_id is not null and s.enabled and s.validated_at is not null and s.deleted_at is null
    and s.gone_at is null and hours > 0
    -- An event proves more than a ping.
    and (greatest(p.asked_at, ledger.last_event_at(s.endpoint_id), s.validated_at) + hours * interval '1 hour'
         <= ledger.clock()
         or coalesce(p.asked_at, '-infinity') < ledger.clock() - interval '1 hour'
            and exists (select from ledger.finding f
                        where f.kind = 'silence' and f.subject = 'endpoint ' || s.endpoint_id and f.missed_at is null
                          and f.found_at > coalesce(p.asked_at, '-infinity')))
$$;
comment on function ledger.proofs_due(bigint) is
  'Our enabled subscriptions at Toggl without an event or a ping for so many hours (0: none), and those for which a '
  'silence was found since Toggl was last asked, at most once an hour.';

create function ledger.proof_step(step jsonb, status bigint, message jsonb, inout bad jsonb, out note jsonb)
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  home constant bigint := (step -> 'ws')::bigint;
  item constant bigint := (step -> 'id')::bigint;
begin
  insert into ledger.proof as p (workspace_id, subscription_id, asked_at, failed_since, state, detail)
  select home, item, ledger.clock(),
         case when status in (400, 404) and o.failed_since is null then
                greatest(o.arrived_at, ledger.last_event_at((step -> 'endpoint')::bigint))
              else o.failed_since end,
         case when status = 200 then 'asked' when status in (400, 404) then 'refused'
              else coalesce(o.state, 'asked') end,
         case when status = 200 then jsonb_build_object('since', step -> 'since', 'counted', step -> 'counted')
              else message end
  from (values (home)) h (workspace)
  left join ledger.proof o on o.workspace_id = h.workspace and o.subscription_id = item
  on conflict (workspace_id, subscription_id) do update
    set asked_at = excluded.asked_at, failed_since = excluded.failed_since, state = excluded.state,
        detail = excluded.detail;
  note := case when status = 200 then
               ledger.coded('toggl.ping_asked', jsonb_build_object('subscription_id', item)) end;
  if status in (400, 404) then
    bad := coalesce(bad, message);
  end if;
end
$$;
comment on function ledger.proof_step(jsonb, bigint, jsonb, jsonb) is
  'Evaluates Toggl''s answer to the request for a ping. When Toggl is away or refuses the token, the earlier state '
  'stays, and it is asked again at the next time.';

create function ledger.proof_evaluate()
returns void
language sql set search_path = ledger, pg_temp
as $$
  with outcome as (
    select o.*, case when o.came then 'proved' when o.refused <> '{}' then 'rejected' else 'lost' end as state
    from (
      select q.workspace_id, q.subscription_id, q.asked_at, q.failed_since,
             greatest(q.arrived_at, ledger.last_event_at(s.endpoint_id)) as alive_at,
             (n.counted ->> 'ping')::bigint > coalesce((q.detail #>> '{counted,ping}')::bigint, 0)
               or ledger.last_event_at(s.endpoint_id) > (q.detail ->> 'since')::timestamptz as came,
             array(select c.key from jsonb_each_text(n.counted) c
                   where c.key not in ('ping', 'duplicate', 'horizon')
                     and c.value::bigint > coalesce((q.detail #>> array['counted', c.key])::bigint, 0)
                   order by c.key) as refused
      from ledger.proof q
      join ledger.toggl_subscription s on s.workspace_id = q.workspace_id and s.subscription_id = q.subscription_id
      cross join lateral ledger.calls_counted(s.endpoint_id, (q.detail ->> 'since')::timestamptz) n (counted)
      where q.state = 'asked' and q.detail ? 'since') o
    where coalesce(o.came, false) or o.asked_at < ledger.clock() - interval '60 seconds'),
  -- The first ping that fails begins a repair of the time before it, and the first that arrives again
  -- one of the whole outage. Between these two the comparison of each night fills the gaps.
  noted as (
    select ledger.repair_gap(o.workspace_id, coalesce(o.failed_since, o.alive_at), ledger.clock(), 'silence')
    from outcome o where (o.state = 'proved') = (o.failed_since is not null)),
  done as (select count(*) from noted)
  update ledger.proof p
  set state = v.state,
      detail = case when v.state = 'rejected' then
                      ledger.coded('proof.refused_here', jsonb_build_object('reasons', v.refused)) end,
      arrived_at = case when v.state = 'proved' then ledger.clock() else p.arrived_at end,
      failed_since = case when v.state <> 'proved' then coalesce(p.failed_since, v.alive_at) end
  from outcome v, done
  where p.workspace_id = v.workspace_id and p.subscription_id = v.subscription_id and p.state = 'asked'
$$;
comment on function ledger.proof_evaluate() is
  'Has the ping that Toggl was asked for arrived? After 60 seconds without it: was it refused here (rejected), or did '
  'it not come (lost)? When the first one does not arrive, and when one arrives again, the time since the last sign of '
  'life is noted for repair.';

create function ledger.findings_proof()
returns table (kind text, level text, subject text, message jsonb, since timestamptz, link text)
language sql stable set search_path = ledger, pg_temp
as $$
  select 'proof', 'trouble', 'Toggl subscription ' || p.subscription_id,
         case p.state
           when 'refused' then ledger.coded('finding.proof_refused', n.named || jsonb_build_object('why', p.detail))
           when 'rejected' then ledger.coded('finding.proof_rejected', n.named || jsonb_build_object('why', p.detail))
           else ledger.coded('finding.proof_lost', n.named) end, p.asked_at, '#/toggl'
  from ledger.proof p
  join ledger.toggl_subscription s on s.workspace_id = p.workspace_id and s.subscription_id = p.subscription_id
  cross join lateral (select jsonb_build_object('name', coalesce(s.description, s.subscription_id::text),
                                                'subscription_id', s.subscription_id) as named) n
  where p.state in ('refused', 'lost', 'rejected') and s.deleted_at is null and s.gone_at is null and s.enabled
    -- (a later event proves more)
    and coalesce(ledger.last_event_at(s.endpoint_id) < p.asked_at, true)
  order by p.workspace_id, p.subscription_id limit 100
$$;
comment on function ledger.findings_proof() is
  'Subscriptions at Toggl whose ping was asked for and did not arrive: which part of the way is broken.';

create or replace view toggl.freshness as
  select w.workspace_id,
         greatest((select max(r.last_at) from ledger.event_count_received r
                   where r.workspace_id = w.workspace_id and r.source in ('webhook', 'spool')),
                  (select max(n.received_at)
                   from (select e.workspace_id, e.received_at, e.source from ledger.event e
                         order by e.epoch desc, e.txid desc, e.seq desc limit 100) n
                   where n.workspace_id = w.workspace_id and n.source in ('webhook', 'spool'))) as last_event_at,
         (select max(p.arrived_at) from ledger.proof p where p.workspace_id = w.workspace_id) as last_ping_at,
         (select max(p.asked_at) from ledger.proof p where p.workspace_id = w.workspace_id) as asked_at,
         not exists (select from ledger.proof p
                     join ledger.toggl_subscription s
                       on s.workspace_id = p.workspace_id and s.subscription_id = p.subscription_id
                     where p.workspace_id = w.workspace_id and p.state in ('refused', 'lost', 'rejected')
                       and s.deleted_at is null and s.gone_at is null and s.enabled) as is_proved
  from (select t.workspace_id from ledger.toggl_workspace t
        union
        select e.workspace_id from ledger.endpoint e where e.workspace_id is not null) w;
comment on view toggl.freshness is
  'How fresh the tables are: when Toggl last called, for each workspace. In a quiet workspace Toggl is asked for a '
  'ping every few hours (the setting toggl_prove_hours), so that silence and an outage are told apart. What was loaded '
  'from Toggl''s REST API does not count. Example: select workspace_id, greatest(last_event_at, last_ping_at) as '
  'alive_at, is_proved from toggl.freshness;';
comment on column toggl.freshness.workspace_id is 'Toggl workspace.';
comment on column toggl.freshness.last_event_at is 'When the last event arrived; null: none is known.';
comment on column toggl.freshness.last_ping_at is 'When the last ping that Toggl was asked for arrived; null: none.';
comment on column toggl.freshness.asked_at is 'When Toggl was last asked for one; null: never.';
comment on column toggl.freshness.is_proved is
  'False: a ping was asked for and did not arrive, so events may be missing.';

create function ledger.last_sign_of_life()
returns timestamptz
language sql stable set search_path = ledger, pg_temp
return (select max(greatest(f.last_event_at, f.last_ping_at)) from toggl.freshness f);
comment on function ledger.last_sign_of_life() is
  'When the last event or ping of Toggl arrived, for all workspaces; null: never.';
