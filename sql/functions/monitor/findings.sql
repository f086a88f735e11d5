-- Findings: problems on which the owner should act. ledger.findings() computes them at each call
-- from the tables of other parts; the admin page, doctor, metrics and ledger.evaluate() call it. Each
-- query is bounded, so its cost does not depend on the size of the ledger. Sending alerts does not
-- belong here: see alerts.sql.

create function ledger.finding_todo(message jsonb)
returns jsonb
language sql immutable set search_path = ledger, pg_temp
return message || jsonb_build_object('code', (message ->> 'code') || '.todo');
comment on function ledger.finding_todo(jsonb) is
  'What to do about a finding: the catalogues have a sentence for the code with the suffix .todo, with the same '
  'parameters.';

-- ---- what comes in

create function ledger.findings_arriving(at timestamptz)
returns table (kind text, level text, subject text, message jsonb, since timestamptz, link text)
language plpgsql stable set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    select 'endpoint_mute', 'trouble', 'endpoint ' || e.endpoint_id,
           ledger.coded('finding.endpoint_mute', jsonb_build_object('name', e.name, 'endpoint_id', e.endpoint_id)),
           (select max(least(s.revoked_at, s.valid_until)) from ledger.endpoint_secret s
            where s.endpoint_id = e.endpoint_id), '#/toggl'
    from ledger.endpoint e
    where e.enabled and not exists (
      select from ledger.endpoint_secret s where s.endpoint_id = e.endpoint_id and s.revoked_at is null
        and s.valid_until > at);

  -- Counted by the hour, so that a single typing error is no finding.
  return query
    select case when r.reason = 'unavailable' then 'refused' when r.reason = 'workspace' then 'workspace'
                else 'forged' end,
           case when r.reason = 'unavailable' then 'trouble' else 'warning' end,
           coalesce('endpoint ' || e.endpoint_id, 'unknown addresses'),
           case r.reason
             when 'unavailable' then ledger.coded('finding.refused', jsonb_build_object('count', r.n))
             when 'workspace' then ledger.coded('finding.workspace', jsonb_build_object('count', r.n, 'name', e.name))
             else ledger.coded('finding.forged',
                               jsonb_build_object('count', r.n, 'name', e.name, 'endpoint_id', e.endpoint_id)) end,
           r.since, '#/toggl'
    from (select t.endpoint_id, t.reason, sum(t.count)::bigint as n, min(t.minute) as since
          from ledger.receiver_counter t
          where t.minute >= at - interval '1 hour' and t.reason in ('signature', 'workspace', 'unavailable')
          group by t.endpoint_id, t.reason) r
    left join ledger.endpoint e on e.endpoint_id = r.endpoint_id
    where r.n >= case r.reason when 'unavailable' then 1 when 'workspace' then 3 else 20 end
      and (e.endpoint_id is not null or r.reason = 'unavailable');

  return query
    select 'quarantine', 'warning', 'quarantine',
           ledger.coded('finding.quarantine', jsonb_build_object('count', least(q.n, 1000), 'more', q.n > 1000)),
           q.since, ''
    from (select count(*) as n, min(w.received_at) as since
          from (select o.received_at from ledger.quarantine o where o.retried_at is null limit 1001) w) q
    where q.n > 0;
end
$$;
comment on function ledger.findings_arriving(timestamptz) is 'Findings about endpoints and callbacks.';

create function ledger.findings_silent(at timestamptz)
returns table (kind text, level text, subject text, message jsonb, since timestamptz, link text)
language plpgsql stable set search_path = ledger, pg_temp set jit = off
as $$
#variable_conflict use_column
declare
  -- The events counted so far; when no monitor runs, only the newest events are known.
  is_counted constant boolean := (select w.read_at > at - interval '2 hours' from ledger.monitor w);
  least_span constant interval := ledger.option('silence_minutes') * interval '1 minute';
  least_missing constant bigint := ledger.option('silence_times');
begin
  return query
    with newest as materialized (
      select n.endpoint_id, max(n.received_at) as last_at
      from (select e.endpoint_id, e.received_at, e.source from ledger.event e
            order by e.epoch desc, e.txid desc, e.seq desc limit 100) n
      where n.source in ('webhook', 'spool')
      group by n.endpoint_id),
    lone as (select count(*) = 1 as is_lone from ledger.endpoint e where e.enabled),
    state as (
      select e.endpoint_id, e.name, e.created_at, greatest(r.last_at, n.last_at) as last_at, r.weeks, r.rates,
             greatest(r.silence_limit, least_missing) as silence_limit,
             case when not l.is_lone then e.name end as which
      from ledger.endpoint e
      cross join lone l
      left join ledger.call_baseline r on r.endpoint_id = e.endpoint_id
      left join newest n on n.endpoint_id = e.endpoint_id
      -- The silence of a disabled subscription is no finding: toggl_off reports it.
      where e.enabled and not exists (
        select from ledger.toggl_subscription o
        where o.endpoint_id = e.endpoint_id and o.deleted_at is null and o.gone_at is null and not o.wanted_enabled
          and o.enabled is not true))
    select 'silence', case when x.expected >= 3 * s.silence_limit then 'trouble' else 'warning' end,
           'endpoint ' || s.endpoint_id,
           ledger.coded('finding.silence',
                        jsonb_build_object('name', s.which, 'silent_seconds', ledger.whole_seconds(at - s.last_at),
             'usual_seconds', ledger.whole_seconds((at - s.last_at) / x.expected))),
           s.last_at, '#/toggl'
    from state s
    -- Whole hours after the one of the last event, and the elapsed part of the current hour.
    cross join lateral (
      select sum(s.rates[ledger.hour_of_week(h.hour)] * least(1, extract(epoch from at - h.hour) / 3600)) as expected
      from generate_series(date_trunc('hour', s.last_at, 'UTC') + interval '1 hour',
                           least(at, s.last_at + interval '28 days'), '1 hour') h (hour)) x
    where is_counted and s.weeks > 0 and x.expected >= s.silence_limit and s.last_at <= at - least_span
    union all
    select 'silence', 'warning', 'endpoint ' || s.endpoint_id,
           case when s.last_at is null then
                ledger.coded('finding.silence_new',
                             jsonb_build_object('name', s.name, 'age_seconds', ledger.whole_seconds(at - s.created_at)))
                else ledger.coded('finding.silence_rare',
                                  jsonb_build_object('name', s.which, 'silent_seconds',
                                                     ledger.whole_seconds(at - s.last_at))) end,
           coalesce(s.last_at, s.created_at), '#/toggl'
    from state s
    where is_counted
      and case when s.last_at is null then s.created_at < at - interval '1 day'
               -- Without enough data for a baseline: a silence longer than a weekend.
               when coalesce(s.weeks, 0) = 0 then s.last_at < at - interval '3 days'
               else s.last_at < at - interval '30 days'
                    and coalesce((select sum(r) * 4 from unnest(s.rates) r), 0) < s.silence_limit end;
end
$$;
comment on function ledger.findings_silent(timestamptz) is
  'Endpoints without callbacks for an unusually long time: more events were expected since the last one, by the hours '
  'of the week, than are missing in any silence of a usual week.';

-- ---- what it is kept in

create function ledger.findings_keeping(at timestamptz)
returns table (kind text, level text, subject text, message jsonb, since timestamptz, link text)
language plpgsql stable set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  month constant timestamp := date_trunc('month', at at time zone 'UTC');
  has_this constant boolean := to_regclass('ledger.event_' || to_char(month, '"y"YYYY"m"MM')) is not null;
  has_next constant boolean
    := to_regclass('ledger.event_' || to_char(month + interval '1 month', '"y"YYYY"m"MM')) is not null;
begin
  -- The partition of the next month is missing only when housekeeping does not run.
  if not has_this or not has_next and at > (month + interval '20 days') at time zone 'UTC' then
    return query select 'partitions', case when has_this then 'warning' else 'trouble' end, 'partitions',
      case when has_this then ledger.coded('finding.partition_next') else ledger.coded('finding.partition_this') end,
        null::timestamptz, '';
  end if;
  return query
    select 'default_partition', 'warning', 'partitions',
           ledger.coded('finding.default_partition', jsonb_build_object('count', least(d.n, 1000), 'more', d.n > 1000)),
             d.since, ''
    from (select count(*) as n, min(o.received_at) as since
          from (select e.received_at from ledger.event_default e
                where e.created_at >= '2006-01-01' and e.created_at < at + interval '1 year' limit 1001) o) d
    where d.n > 0;
  return query
    select 'drift', 'warning', 'fields',
           case when f.found = 'costly' then ledger.coded('finding.costly', jsonb_build_object('model', f.model))
                else ledger.coded('finding.drift',
                                  jsonb_build_object('model', f.model, 'field', f.field, 'found', f.found)) end,
           f.day::timestamp at time zone 'UTC', ''
    from (select d.model, d.field, d.found, d.day from ledger.drift d
          where d.day >= (at at time zone 'UTC')::date - 6 and d.found <> 'value'
          order by d.found <> 'costly', d.day desc, d.model, d.field, d.found limit 1) f;

  -- The last reported state of the spool of each host, if it is recent.
  return query
    select 'spool', case when h.spool_oldest_at < at - h.spool_late or h.spool_bytes > h.spool_max_bytes / 2 then
                         'trouble' else 'warning' end,
           'spool of ' || h.place,
           ledger.coded('finding.spool', jsonb_build_object('count', h.spool_records, 'place', h.place,
             'oldest_seconds', ledger.whole_seconds(at - h.spool_oldest_at), 'percent',
             ceil(100.0 * h.spool_bytes / greatest(h.spool_max_bytes, 1)),
             'seen_seconds', ledger.whole_seconds(at - h.spool_seen_at))),
           h.spool_oldest_at, ''
    from ledger.host h
    where h.spool_seen_at > at - interval '1 day' and h.spool_records > 0
      and (h.spool_oldest_at < at - h.spool_late or h.spool_bytes > h.spool_max_bytes / 2)
      and not exists (select from ledger.host o where o.place = h.place
                      and (o.spool_seen_at, o.program) > (h.spool_seen_at, h.program))
    union all
    select 'spool_aside', 'trouble', 'spool of ' || h.place,
           ledger.coded('finding.spool_aside', jsonb_build_object('count', h.spool_aside, 'place', h.place)), null, ''
    from ledger.host h
    where h.spool_seen_at > at - interval '1 day' and h.spool_aside > 0
      and not exists (select from ledger.host o where o.place = h.place
                      and (o.spool_seen_at, o.program) > (h.spool_seen_at, h.program))
    union all
    select 'spool_damaged', 'warning', 'spool of ' || h.place,
           ledger.coded('finding.spool_damaged', jsonb_build_object('count', h.spool_damaged, 'place', h.place)), null,
             ''
    from ledger.host h
    where h.spool_seen_at > at - interval '1 day' and h.spool_damaged > 0
      and not exists (select from ledger.host o where o.place = h.place
                      and (o.spool_seen_at, o.program) > (h.spool_seen_at, h.program));
end
$$;
comment on function ledger.findings_keeping(timestamptz) is 'Findings about the tables.';

-- ---- Toggl's side

create function ledger.findings_toggl(at timestamptz)
returns table (kind text, level text, subject text, message jsonb, since timestamptz, link text)
language plpgsql stable set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    select 'toggl_token', 'trouble', 'connection ' || c.connection_id,
           ledger.coded('finding.toggl_token',
                        jsonb_build_object('name', coalesce(c.name, c.email), 'connection_id', c.connection_id)),
                        c.refused_at, '#/toggl'
    from ledger.toggl_connection c
    where c.refused_at is not null and c.token_sealed is not null;
  return query
    select 'toggl_' || d.state, case when d.state = 'filters' then 'warning' else 'trouble' end,
           'Toggl subscription ' || d.subscription_id,
           ledger.coded('finding.toggl_differs',
                        jsonb_build_object('name', coalesce(d.description, d.subscription_id::text), 'state', d.message,
             'repair', case when d.repair like 'endpoint%' then 'endpoint' else d.repair end, 'endpoint_id',
             d.message -> 'endpoint_id',
             'subscription_id', d.subscription_id)),
           d.since, '#/toggl'
    from ledger.toggl_differences() d
    -- Subscriptions made elsewhere are not ours, and may be intended.
    where d.state <> 'unknown'
    order by d.workspace_id, d.subscription_id
    limit 100;
  -- Disabled on purpose and then forgotten: nothing is recorded, without any other finding.
  return query
    select 'toggl_off', 'warning', 'Toggl subscription ' || s.subscription_id,
           ledger.coded('finding.toggl_off',
                        jsonb_build_object('name', coalesce(s.description, s.subscription_id::text),
             'workspace', coalesce((select w.name from ledger.toggl_workspace w where w.workspace_id = s.workspace_id),
                                   s.workspace_id::text),
             'subscription_id', s.subscription_id)), null::timestamptz, '#/toggl'
    from ledger.toggl_subscription s
    cross join lateral ledger.toggl_state(s) d
    where s.deleted_at is null and d.state = 'off'
      and not exists (select from ledger.toggl_subscription o
                      where o.workspace_id = s.workspace_id and o.endpoint_id is not null and o.enabled
                        and o.gone_at is null and o.deleted_at is null)
    order by s.workspace_id, s.subscription_id
    limit 100;
  return query
    select 'quota', 'warning', format('connection %s, organization %s', w.connection_id, w.organization_id),
           ledger.coded('finding.quota', jsonb_build_object('total', w.total, 'organization_id', w.organization_id,
             'until', ledger.rfc3339(date_trunc('second', w.resets_at)), 'count', j.n)),
           w.seen_at, '#/toggl'
    from ledger.toggl_window w
    join ledger.toggl_connection c on c.connection_id = w.connection_id and c.token_sealed is not null
    cross join lateral (select count(*) as n from ledger.toggl_job o
                        where o.connection_id = w.connection_id and o.finished_at is null and o.wait_until > at) j
    where w.remaining <= 0 and w.in_flight = 0 and w.resets_at > at;
  -- Who is known, else the day.
  return query
    select 'completeness', 'warning',
           format('%s, workspace %s', c.day, c.workspace_id)
             || case when c.user_id > 0 then format(', user %s', c.user_id) else '' end,
           ledger.coded('finding.completeness', jsonb_build_object('day', c.day, 'workspace_id', c.workspace_id,
             'name', case when c.user_id > 0 then coalesce((
               select u.user_name from toggl.users u
               where u.workspace_id = c.workspace_id and u.user_id = c.user_id), c.user_id::text) end,
             'count', c.seconds_here, 'toggl', c.seconds_toggl)), c.checked_at, '#/toggl/history'
    from ledger.completeness c
    where c.state = 'differs'
      and (c.user_id > 0 or not exists (select from ledger.completeness p
                                        where p.workspace_id = c.workspace_id and p.day = c.day and p.user_id > 0
                                          and p.state = 'differs'))
    order by c.day desc, c.workspace_id, c.user_id
    limit 50;
  return query
    select 'toggl_job', 'warning', format('%s of connection %s', j.kind, j.connection_id),
           ledger.coded('finding.toggl_job', jsonb_build_object('job', j.kind, 'why', j.message)), j.finished_at,
           '#/toggl'
    from (select distinct on (o.connection_id, o.kind) o.*
          from ledger.toggl_job o
          where not o.is_interactive and o.finished_at > at - interval '1 day'
          order by o.connection_id, o.kind, o.job_id desc) j
    where j.failed;
end
$$;
comment on function ledger.findings_toggl(timestamptz) is 'Findings about what is at Toggl and the quota there.';

-- ---- what goes out

create function ledger.findings_passing_on(at timestamptz)
returns table (kind text, level text, subject text, message jsonb, since timestamptz, link text)
language plpgsql stable set search_path = ledger, pg_temp
set enable_seqscan = off set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  return query
    select case when s.disabled_reason is null then 'subscription_failing' else 'subscription_disabled' end,
           case when s.disabled_reason is null then 'warning' else 'trouble' end,
           'subscription ' || s.subscription_id,
           case when s.disabled_reason = 'gone' then
                ledger.coded('finding.subscription_gone', jsonb_build_object('name', s.description))
                when s.disabled_reason is not null then
                  ledger.coded('finding.subscription_disabled', jsonb_build_object('name', s.description))
                else ledger.coded('finding.subscription_failing',
                                  jsonb_build_object('name', s.description, 'failing_seconds',
                                                     ledger.whole_seconds(at - s.failing_since))) end,
           s.failing_since, '#/subscribers'
    from ledger.subscription s
    where s.deleted_at is null and s.pending_until is null
      and case when s.disabled_reason is not null then not s.enabled
               else s.enabled and s.failing_since < at - interval '1 hour' end
    order by s.subscription_id
    limit 100;

  -- Due deliveries of a subscription that answers, without a lease: no courier delivers.
  return query
    select 'overdue', case when o.since < at - interval '1 hour' then 'trouble' else 'warning' end, 'deliveries',
           ledger.coded('finding.overdue', jsonb_build_object('overdue_seconds', ledger.whole_seconds(at - o.since))),
           o.since, '#/subscribers'
    from (select min(d.due_at) as since
          from ledger.subscription s
          join ledger.account a on a.account_id = s.account_id and a.enabled
          join ledger.member m on m.account_id = s.account_id and m.workspace_id = s.workspace_id
          cross join lateral (
            select n.due_at from ledger.delivery n
            where n.workspace_id = s.workspace_id and n.subscription_id = s.subscription_id and n.state = 'due'
            order by n.due_at, n.delivery_id limit 1) d
          where s.enabled and s.validated_at is not null and s.deleted_at is null and s.pending_until is null
            and greatest(s.leased_until, s.paused_until) < at - interval '10 minutes') o
    where o.since < at - interval '10 minutes';

  return query
    select 'dead', 'warning', 'subscription ' || s.subscription_id,
           ledger.coded('finding.dead',
                        jsonb_build_object('count', least(d.n, 100), 'more', d.n > 100, 'name', s.description,
             'days', ledger.option('dead_days'), 'subscription_id', s.subscription_id)),
           d.since, format('#/subscribers/deliveries/%s?state=dead', s.subscription_id)
    from ledger.subscription s
    cross join lateral (
      select count(*) as n, min(o.settled_at) as since
      from (select l.settled_at from ledger.delivery l
            where l.subscription_id = s.subscription_id and l.state = 'dead'
              and l.settled_at > at - ledger.option('dead_days') * interval '1 day'
            limit 101) o) d
    where s.deleted_at is null and d.n > 0
    order by s.subscription_id
    limit 100;
end
$$;
comment on function ledger.findings_passing_on(timestamptz) is 'Findings about subscriptions and deliveries.';

-- ---- who looks after it

create function ledger.findings_looking_after(at timestamptz)
returns table (kind text, level text, subject text, message jsonb, since timestamptz, link text)
language plpgsql stable set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    select 'courier', 'warning', 'courier',
           ledger.coded('finding.courier', jsonb_build_object('idle_seconds', ledger.whole_seconds(at - c.seen_at))),
             c.seen_at, ''
    from (select coalesce((select max(h.seen_at) from ledger.host h where h.program = 'courier'), w.made_at) as seen_at
          from ledger.monitor w) c
    where c.seen_at < at - interval '1 day'
      and (exists (select from ledger.alert n where n.enabled)
           or exists (select from ledger.subscription s where s.enabled and s.validated_at is not null
                      and s.deleted_at is null)
           or exists (select from ledger.toggl_connection t where t.token_sealed is not null));
  return query
    select 'alert', 'warning', 'alert ' || n.alert_id,
           ledger.coded('finding.alert', jsonb_build_object('way', n.kind, 'target', ledger.alert_shown(n),
             'failing_seconds', ledger.whole_seconds(at - n.failing_since), 'problem', rtrim(n.last_problem, '.'),
             'alert_id', n.alert_id)), n.failing_since, '#/settings/alerts'
    from ledger.alert n
    where n.enabled and n.failing_since < at - interval '10 minutes';
end
$$;
comment on function ledger.findings_looking_after(timestamptz) is
  'Findings about the programs that run housekeeping and the monitor, and about alerts.';

create function ledger.findings()
returns table (kind text, level text, subject text, message jsonb, since timestamptz, link text)
language plpgsql volatile set search_path = ledger, pg_temp set jit = off
as $$
declare
  at constant timestamptz := ledger.clock();
begin
  return query
    select f.* from (
      select * from ledger.findings_arriving(at)
      union all select * from ledger.findings_silent(at)
      union all select * from ledger.findings_keeping(at)
      union all select * from ledger.findings_toggl(at)
      union all select * from ledger.findings_proof()
      union all select * from ledger.findings_gaps()
      union all select * from ledger.findings_passing_on(at)
      union all select * from ledger.findings_looking_after(at)) f
    order by f.level <> 'trouble', f.kind, f.subject;
end
$$;
comment on function ledger.findings() is
  'All findings, trouble before warnings: kind (one word), level (warning or trouble), subject (stays the same while '
  'the finding lasts), message (code and parameters; what to do: ledger.finding_todo()), since when (null: not known), '
  'and the page on which to repair it (empty: none). No row: there is no problem. Each part of it is bounded.';
