-- The admin page: the overview. Counts come from ledger.event_count_created, which the monitor
-- updates; newer events are counted here.

create function ledger.last_call_at()
returns timestamptz
language sql stable set search_path = ledger, pg_temp
return greatest(
  (select max(r.last_at) from ledger.call_baseline r),
  (select max(e.received_at)
   from (select o.received_at, o.source from ledger.event o order by o.epoch desc, o.txid desc, o.seq desc
         limit 100) e
   where e.source not in ('backfill', 'compare', 'log')));
comment on function ledger.last_call_at() is
  'When the last event arrived. Events that were loaded from Toggl do not count. The time comes from the counts, or '
  'from the newest hundred events; null: never.';

create function ledger.all_is_well(at timestamptz)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select case when l.at is null then ledger.coded('overview.ready')
              else ledger.coded('overview.well',
                                jsonb_build_object('last_seconds', ledger.whole_seconds(all_is_well.at - l.at))) end
  from (select ledger.last_call_at() as at) l
$$;
comment on function ledger.all_is_well(timestamptz) is 'The message when there are no findings.';

create function ledger.day_count(day date, zone text, until timestamptz)
returns bigint
language sql stable set search_path = ledger, pg_temp
as $$
  select coalesce(sum(h.count), 0)::bigint from ledger.event_count_created h
  where h.hour >= date_trunc('hour', day::timestamp at time zone zone) and h.hour < until
$$;
comment on function ledger.day_count(date, text, timestamptz) is
  'The number of events on a day in a time zone, until a moment, in whole hours.';

create function admin.overview(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp set jit = off
as $$
declare
  clock timestamptz := ledger.clock();
  today date := (clock at time zone who.time_zone)::date;
  found jsonb;
  worst jsonb;
  usual numeric;
begin
  perform ledger.event_counts_update(2000);
  select coalesce(jsonb_agg(jsonb_build_object('kind', f.kind, 'level', f.level, 'subject', f.subject,
                                               'words', f.message, 'todo', ledger.finding_todo(f.message),
                                               'since', ledger.rfc3339(f.since), 'link', f.link)
                                               order by f.level = 'trouble' desc, f.since), '[]')
  into found from ledger.findings() f;
  worst := found -> 0;
  -- The same weekday of earlier weeks, until this time of day.
  select avg(d.n) into usual
  from (select ledger.day_count(today - 7 * w, who.time_zone, clock - w * interval '7 days') as n
        from generate_series(1, 4) w
        where (today - 7 * w)::timestamp at time zone who.time_zone >= (select min(h.hour)
                                                                        from ledger.event_count_created h)) d;

  return ledger.answer(jsonb_build_object(
    'now', ledger.rfc3339(clock),
    'level', coalesce(worst ->> 'level', 'well'),
    'sentence', coalesce(worst -> 'words', ledger.all_is_well(clock)),
    'findings', found,
    'last_event_at', ledger.rfc3339(ledger.last_call_at()),
    'last_ping_at', (select ledger.rfc3339(max(f.last_ping_at)) from toggl.freshness f),
    'events_today', ledger.day_count(today, who.time_zone, 'infinity'),
    'events_usual_today', round(usual),
    'by_hour', coalesce((
      select jsonb_agg(jsonb_build_object('hour', ledger.rfc3339(h.hour), 'model', h.model, 'count', h.n)
                       order by h.hour, h.model)
      from (select p.hour, p.model, p.count as n from ledger.event_count_created p
            where p.hour > clock - interval '49 hours' and p.hour <= clock) h), '[]'),
    'endpoints', coalesce((
      select jsonb_agg(jsonb_build_object(
               'id', e.endpoint_id::text, 'name', e.name, 'workspace_id', e.workspace_id::text,
               'workspace', (select w.name from toggl.workspace w where w.workspace_id = e.workspace_id), 'enabled',
               e.enabled,
               'last_event_at', ledger.rfc3339(ledger.last_event_at(e.endpoint_id)),
               'refusals_day', r.n) order by e.endpoint_id)
      from ledger.endpoint e
      cross join lateral (select coalesce(sum(t.count), 0) as n from ledger.receiver_counter t
                          where t.minute > clock - interval '1 day' and t.endpoint_id = e.endpoint_id
                            and t.reason not in ('duplicate', 'ping', 'horizon')) r
      where not ledger.is_loading(e.endpoint_id) and (r.n > 0 or not ledger.is_retired(e.endpoint_id))), '[]'),
    'subscribers', (
      select jsonb_build_object(
        'subscriptions', count(*), 'failing', count(*) filter (where s.enabled and s.failing_since is not null),
        'waiting', coalesce(sum(n.waiting), 0), 'dead', coalesce(sum(n.dead), 0))
      from ledger.subscription s
      cross join lateral (
        select (select count(*)
                from (select from ledger.served v join ledger.delivery d on d.subscription_id = v.subscription_id
                                      where v.subscription_id = s.subscription_id and d.state in ('due', 'behind')
                                        limit 10001) w) as waiting,
               (select count(*) from (select from ledger.delivery d where d.subscription_id = s.subscription_id
                                      and d.state = 'dead' limit 10001) w) as dead) n
      where s.deleted_at is null and s.pending_until is null),
    'quota', coalesce((
      select jsonb_agg(jsonb_build_object(
               'organization_id', w.organization_id::text, 'name', c.name,
               'remaining', case when w.resets_at <= clock then coalesce(w.total, 30) else w.remaining end, 'total',
               coalesce(w.total, 30),
               'resets_at', case when w.resets_at > clock then ledger.rfc3339(w.resets_at) end, 'seen_at',
               ledger.rfc3339(w.seen_at))
             order by w.connection_id, w.organization_id)
      from ledger.toggl_window w join ledger.toggl_connection c on c.connection_id = w.connection_id
      where c.token_sealed is not null and w.remaining is not null), '[]'),
    'spool', (
      select jsonb_build_object('records', coalesce(sum(h.records), 0), 'bytes', coalesce(sum(h.bytes), 0), 'max_bytes',
                                coalesce(sum(h.most), 0),
                                'oldest_at', ledger.rfc3339(min(h.oldest)), 'seen_at', ledger.rfc3339(min(h.seen)))
      from (select distinct on (o.place) o.spool_records as records, o.spool_bytes as bytes, o.spool_max_bytes as most,
            o.spool_oldest_at as oldest,
                   o.spool_seen_at as seen
            from ledger.host o where o.spool_seen_at > clock - interval '1 day'
              order by o.place, o.spool_seen_at desc) h),
    'refusals', coalesce((
      select jsonb_agg(jsonb_build_object('reason', t.reason, 'count', t.n) order by t.n desc, t.reason)
      from (select o.reason, sum(o.count) as n from ledger.receiver_counter o
            where o.minute > clock - interval '1 day' and o.reason not in ('duplicate', 'ping', 'horizon')
              group by o.reason) t), '[]'),
    'toggl', (
      select jsonb_build_object('connected',
                                exists (select from ledger.toggl_connection c where c.token_sealed is not null),
                                'subscriptions', (select count(*) from ledger.toggl_subscription s
                                                  where s.deleted_at is null),
                                'differences', (select count(*) from ledger.toggl_differences()))))::text);
end
$$;
comment on function admin.overview(ledger.operator, admin.request) is
  'GET overview: level, sentence and findings, and the numbers below them.';
