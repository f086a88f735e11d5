-- What the owner is to be told: everything here is something to act on. A
-- finding is looked up each time it is asked for, from what other parts leave
-- behind, and each look is bounded, whatever the size of the ledger.

create function ledger.for_long(span interval)
returns text
language sql immutable set search_path = ledger, pg_temp
as $$
  select n || ' ' || unit || case when n = 1 then '' else 's' end
  from (select extract(epoch from greatest(span, interval '0')) as s) t
  cross join lateral (
    select case when s < 90 then round(s) when s < 5400 then round(s / 60) when s < 172800 then round(s / 3600) else round(s / 86400) end as n,
           case when s < 90 then 'second' when s < 5400 then 'minute' when s < 172800 then 'hour' else 'day' end as unit) u
$$;
comment on function ledger.for_long(interval) is 'A duration in words, in the unit that suits it: 40 seconds, 4 minutes, 5 hours, 3 days.';

create function ledger.so_many(n bigint, most bigint, noun text)
returns text
language sql immutable set search_path = ledger, pg_temp
return case when n > most then 'more than ' || most else n::text end || ' ' ||
       case when n = 1 then noun when noun ~ '[^aeiou]y$' then left(noun, -1) || 'ies' else noun || 's' end;
comment on function ledger.so_many(bigint, bigint, text) is 'A count in words that was not counted further than `most`.';

-- ---- what comes in

create function ledger.findings_arriving(at timestamptz)
returns table (kind text, level text, subject text, words text, todo text, since timestamptz, link text)
language plpgsql stable set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    select 'endpoint_mute', 'trouble', 'endpoint ' || e.endpoint_id,
           format('The endpoint "%s" has no valid secret and answers 401 to every callback.', e.name),
           format('Give it a new secret: `hookledger endpoint rotate %s`, and tell Toggl.', e.endpoint_id),
           (select max(least(s.revoked_at, s.valid_until)) from ledger.endpoint_secret s where s.endpoint_id = e.endpoint_id), '#/toggl'
    from ledger.endpoint e
    where e.enabled and not exists (
      select from ledger.endpoint_secret s where s.endpoint_id = e.endpoint_id and s.revoked_at is null and s.valid_until > at);

  -- By the hour, so that one typing error is none.
  return query
    select case when r.reason = 'unavailable' then 'refused' when r.reason = 'workspace' then 'workspace' else 'forged' end,
           case when r.reason = 'unavailable' then 'trouble' else 'warning' end,
           coalesce('endpoint ' || e.endpoint_id, 'unknown addresses'),
           case r.reason
             when 'unavailable' then format('%s were answered 503 within an hour: neither database nor spool could take them.',
                                            ledger.so_many(r.n, 1000000000, 'callback'))
             when 'workspace' then format('%s of another workspace came to the endpoint "%s" within an hour and were refused.',
                                          ledger.so_many(r.n, 1000000000, 'callback'), e.name)
             else format('%s to the endpoint "%s" had a wrong signature, or none, within an hour: forged, or our secret is not Toggl''s.',
                         ledger.so_many(r.n, 1000000000, 'callback'), e.name) end,
           case r.reason
             when 'unavailable' then 'Look at the disk of the spool and at the database; `hookledger doctor` says what is wrong. Toggl sends them again for a while.'
             when 'workspace' then 'Make an endpoint of its own for that workspace, and give its address to that subscription at Toggl.'
             else format('If events are missing, rotate the secret (`hookledger endpoint rotate %s`); else nothing is lost.', e.endpoint_id) end,
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
           format('%s with a good signature %s in quarantine: Toggl sent what is no event.',
                  ledger.so_many(q.n, 1000, 'callback'), case when q.n = 1 then 'waits' else 'wait' end),
           'Look at them with `hookledger quarantine list`, and try again with `hookledger quarantine retry` after an upgrade.',
           q.since, ''
    from (select count(*) as n, min(w.received_at) as since
          from (select o.received_at from ledger.quarantine o where o.retried_at is null limit 1001) w) q
    where q.n > 0;
end
$$;
comment on function ledger.findings_arriving(timestamptz) is 'Findings about endpoints and callbacks.';

create function ledger.findings_silent(at timestamptz)
returns table (kind text, level text, subject text, words text, todo text, since timestamptz, link text)
language plpgsql stable set search_path = ledger, pg_temp set jit = off
as $$
#variable_conflict use_column
declare
  todo constant text := 'See whether the subscription at Toggl is enabled and validated (`hookledger toggl list --refresh`), and whether its address can be reached from outside (DNS, TLS, firewall).';
  -- Counted so far; when nobody counts, only the newest events are known.
  is_counted constant boolean := (select w.read_at > at - interval '2 hours' from ledger.watch w);
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
             case when l.is_lone then '' else format(' "%s"', e.name) end as which
      from ledger.endpoint e
      cross join lone l
      left join ledger.call_baseline r on r.endpoint_id = e.endpoint_id
      left join newest n on n.endpoint_id = e.endpoint_id
      -- The silence of what was switched off on purpose is no news: toggl_off tells.
      where e.enabled and not exists (
        select from ledger.toggl_subscription o
        where o.endpoint_id = e.endpoint_id and o.deleted_at is null and o.gone_at is null and not o.wanted_enabled and o.enabled is not true))
    select 'silence', case when x.expected >= 3 * s.silence_limit then 'trouble' else 'warning' end, 'endpoint ' || s.endpoint_id,
           format('Toggl has not called%s for %s (usually every %s).', s.which, ledger.for_long(at - s.last_at),
                  ledger.for_long((at - s.last_at) / x.expected)),
           todo, s.last_at, '#/toggl'
    from state s
    -- Whole hours after that of the last event, and the part of this one.
    cross join lateral (
      select sum(s.rates[ledger.hour_of_week(h.hour)] * least(1, extract(epoch from at - h.hour) / 3600)) as expected
      from generate_series(date_trunc('hour', s.last_at, 'UTC') + interval '1 hour', least(at, s.last_at + interval '28 days'), '1 hour') h (hour)) x
    where is_counted and s.weeks > 0 and x.expected >= s.silence_limit and s.last_at <= at - least_span
    union all
    select 'silence', 'warning', 'endpoint ' || s.endpoint_id,
           case when s.last_at is null then format('No event has come to the endpoint "%s" since it was made %s ago.', s.name, ledger.for_long(at - s.created_at))
                else format('Toggl has not called%s for %s.', s.which, ledger.for_long(at - s.last_at)) end,
           todo, coalesce(s.last_at, s.created_at), '#/toggl'
    from state s
    where is_counted
      and case when s.last_at is null then s.created_at < at - interval '1 day'
               -- Too little is known of it: longer than a weekend.
               when coalesce(s.weeks, 0) = 0 then s.last_at < at - interval '3 days'
               else s.last_at < at - interval '30 days'
                    and coalesce((select sum(r) * 4 from unnest(s.rates) r), 0) < s.silence_limit end;
end
$$;
comment on function ledger.findings_silent(timestamptz) is
  'Endpoints that have not been called for longer than is usual for the hours of the week: so many events were to be expected since the last one that no usual week has such a silence.';

-- ---- what it is kept in

create function ledger.findings_keeping(at timestamptz)
returns table (kind text, level text, subject text, words text, todo text, since timestamptz, link text)
language plpgsql stable set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  month constant timestamp := date_trunc('month', at at time zone 'UTC');
  has_this constant boolean := to_regclass('ledger.event_' || to_char(month, '"y"YYYY"m"MM')) is not null;
  has_next constant boolean := to_regclass('ledger.event_' || to_char(month + interval '1 month', '"y"YYYY"m"MM')) is not null;
begin
  -- The next month is missing only in the last days of one, unless nobody looks after it.
  if not has_this or not has_next and at > (month + interval '20 days') at time zone 'UTC' then
    return query select 'partitions', case when has_this then 'warning' else 'trouble' end, 'partitions',
      format('No table was made for the events of %s month: they go to the default partition, where they are slow to find.',
             case when has_this then 'next' else 'this' end),
      'Run `hookledger housekeep`, and put it into cron monthly.', null::timestamptz, '';
  end if;
  return query
    select 'default_partition', 'warning', 'partitions',
           format('%s in the default partition: their dates are odd, or nobody made their month.', ledger.so_many(d.n, 1000, 'event')),
           'Run `hookledger housekeep`: it moves those of believable dates.', d.since, ''
    from (select count(*) as n, min(o.received_at) as since
          from (select e.received_at from ledger.event_default e
                where e.created_at >= '2006-01-01' and e.created_at < at + interval '1 year' limit 1001) o) d
    where d.n > 0;
  return query
    select 'drift', 'warning', 'fields',
           case when f.found = 'costly'
                then format('A callback of a %s that came within a week is too costly to take apart: it is recorded, but in no table, and not passed on.', f.model)
                else format('Values of an odd type came within a week, the newest in %s.%s (%s): those columns are null.', f.model, f.field, f.found) end,
           case when f.found = 'costly' then 'Toggl does not send such: see who else knows the secret. `hookledger drift` lists all.'
                else 'Nothing is lost: the payload has them. `hookledger drift` lists all; an upgrade of hookledger may know the new type.' end,
           f.day::timestamp at time zone 'UTC', ''
    from (select d.model, d.field, d.found, d.day from ledger.drift d
          where d.day >= (at at time zone 'UTC')::date - 6 and d.found <> 'value'
          order by d.found <> 'costly', d.day desc, d.model, d.field, d.found limit 1) f;

  -- What a host last said of its spool, if that was not long ago.
  return query
    select 'spool', case when h.spool_oldest_at < at - h.spool_late or h.spool_bytes > h.spool_max_bytes / 2 then 'trouble' else 'warning' end,
           'spool of ' || h.place,
           format('%s in the spool of %s, the oldest for %s; %s of it are used (seen %s ago).',
                  ledger.so_many(h.spool_records, 1000000000000, 'callback') || case when h.spool_records = 1 then ' waits' else ' wait' end, h.place,
                  ledger.for_long(at - h.spool_oldest_at), ceil(100.0 * h.spool_bytes / greatest(h.spool_max_bytes, 1)) || ' %',
                  ledger.for_long(at - h.spool_seen_at)),
           'They are safe on disk, and are recorded when the database takes them: `hookledger doctor` and the log of the receiver say why it does not.',
           h.spool_oldest_at, ''
    from ledger.host h
    where h.spool_seen_at > at - interval '1 day' and h.spool_records > 0
      and (h.spool_oldest_at < at - h.spool_late or h.spool_bytes > h.spool_max_bytes / 2)
      and not exists (select from ledger.host o where o.place = h.place
                      and (o.spool_seen_at, o.program) > (h.spool_seen_at, h.program))
    union all
    select 'spool_aside', 'trouble', 'spool of ' || h.place,
           format('%s acknowledged and not recorded: the database did not take %s, each time alone, while it took others; set aside in the spool of %s.',
                  ledger.so_many(h.spool_aside, 1000000000000, 'callback') || case when h.spool_aside = 1 then ' was' else ' were' end,
                  case when h.spool_aside = 1 then 'it' else 'them' end, h.place),
           'Look at them there (`hookledger spool list`), and at the log of the receiver for the reason; `hookledger spool retry` tries them again.', null, ''
    from ledger.host h
    where h.spool_seen_at > at - interval '1 day' and h.spool_aside > 0
      and not exists (select from ledger.host o where o.place = h.place
                      and (o.spool_seen_at, o.program) > (h.spool_seen_at, h.program))
    union all
    select 'spool_damaged', 'warning', 'spool of ' || h.place,
           format('%s of the spool of %s cannot be read.', ledger.so_many(h.spool_damaged, 1000000000000, 'file'), h.place),
           'What could be read of them was recorded. Look at them (`hookledger spool status`), and move them away.', null, ''
    from ledger.host h
    where h.spool_seen_at > at - interval '1 day' and h.spool_damaged > 0
      and not exists (select from ledger.host o where o.place = h.place
                      and (o.spool_seen_at, o.program) > (h.spool_seen_at, h.program));
end
$$;
comment on function ledger.findings_keeping(timestamptz) is 'Findings about the tables.';

-- ---- Toggl's side

create function ledger.findings_toggl(at timestamptz)
returns table (kind text, level text, subject text, words text, todo text, since timestamptz, link text)
language plpgsql stable set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    select 'toggl_token', 'trouble', 'connection ' || c.connection_id,
           format('Toggl refuses the API token of %s.', coalesce(c.name, c.email, 'connection ' || c.connection_id)),
           'Run `hookledger connect` with a new token (Toggl, Profile settings).', c.refused_at, '#/toggl'
    from ledger.toggl_connection c
    where c.refused_at is not null and c.token_sealed is not null;
  return query
    select 'toggl_' || d.state, case when d.state = 'filters' then 'warning' else 'trouble' end,
           'Toggl subscription ' || d.subscription_id,
           format('"%s" at Toggl: %s.', coalesce(d.description, d.subscription_id::text), d.words),
           format('Mend it: `hookledger %s`.', case when d.mend like 'endpoint%' then d.mend
                                                    else 'toggl ' || d.mend || ' ' || d.subscription_id end),
           d.since, '#/toggl'
    from ledger.toggl_differences() d
    -- What was made elsewhere is none of ours, and may well be meant so.
    where d.state <> 'unknown'
    order by d.workspace_id, d.subscription_id
    limit 100;
  -- Switched off on purpose, and forgotten: nothing is recorded, and all else is well.
  return query
    select 'toggl_off', 'warning', 'Toggl subscription ' || s.subscription_id,
           format('"%s" at Toggl is switched off on purpose: nothing comes from workspace "%s".', coalesce(s.description, s.subscription_id::text),
                  coalesce((select w.name from ledger.toggl_workspace w where w.workspace_id = s.workspace_id), s.workspace_id::text)),
           format('Enable it when its events are wanted again: `hookledger toggl enable %s`.', s.subscription_id), null::timestamptz, '#/toggl'
    from ledger.toggl_subscription s
    cross join lateral ledger.toggl_state(s) d
    where s.deleted_at is null and d.state = 'off'
      and not exists (select from ledger.toggl_subscription o
                      where o.workspace_id = s.workspace_id and o.endpoint_id is not null and o.enabled and o.gone_at is null and o.deleted_at is null)
    order by s.workspace_id, s.subscription_id
    limit 100;
  return query
    select 'quota', 'warning', format('connection %s, organization %s', w.connection_id, w.organization_id),
           format('The quota%s that Toggl gives %s is spent until %s%s.', ' of ' || w.total || ' requests an hour',
                  case when w.organization_id = 0 then 'the user' else 'organization ' || w.organization_id end,
                  ledger.o_clock(w.resets_at, 'HH24:MI'),
                  case when j.n = 1 then '; a job waits for it' when j.n > 1 then format('; %s jobs wait for it', j.n) else '' end),
           'Work at Toggl goes on by itself then; events come as before. Other programs that use this user''s token spend the same quota.',
           w.seen_at, '#/toggl'
    from ledger.toggl_window w
    join ledger.toggl_connection c on c.connection_id = w.connection_id and c.token_sealed is not null
    cross join lateral (select count(*) as n from ledger.toggl_job o
                        where o.connection_id = w.connection_id and o.finished_at is null and o.wait_until > at) j
    where w.remaining <= 0 and w.in_flight = 0 and w.resets_at > at;
  return query
    select 'toggl_job', 'warning', format('%s of connection %s', j.kind, j.connection_id),
           format('What hookledger wanted to do at Toggl by itself (%s) failed: %s', j.kind, j.words),
           'Try it by hand (`hookledger toggl list --refresh`): that says what Toggl answers.', j.finished_at, '#/toggl'
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
returns table (kind text, level text, subject text, words text, todo text, since timestamptz, link text)
language plpgsql stable set search_path = ledger, pg_temp
set enable_seqscan = off set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  return query
    select case when s.disabled_reason is null then 'subscription_failing' else 'subscription_disabled' end,
           case when s.disabled_reason is null then 'warning' else 'trouble' end,
           'subscription ' || s.subscription_id,
           case when s.disabled_reason = 'gone' then format('The subscription "%s" was disabled: its address answered 410 (gone).', s.description)
                when s.disabled_reason is not null then format('The subscription "%s" was disabled: it only failed for days.', s.description)
                else format('The subscription "%s" has failed for %s.', s.description, ledger.for_long(at - s.failing_since)) end,
           case when s.disabled_reason is null then 'Look at its attempts, and mend the program behind its address; what waits is sent then.'
                else 'Mend its address, enable it again, and replay what it missed.' end,
           s.failing_since, '#/subscribers'
    from ledger.subscription s
    where s.deleted_at is null and s.pending_until is null
      and case when s.disabled_reason is not null then not s.enabled else s.enabled and s.failing_since < at - interval '1 hour' end
    order by s.subscription_id
    limit 100;

  -- Of one that answers, in nobody's hands: nobody delivers.
  return query
    select 'overdue', case when o.since < at - interval '1 hour' then 'trouble' else 'warning' end, 'deliveries',
           format('Deliveries are overdue for %s: no courier is working.', ledger.for_long(at - o.since)),
           'Start hookledger-courier, or put `hookledger-courier --once` into cron; its log says why when it does not work.',
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
           format('%s to "%s" %s given up within %s.', ledger.so_many(d.n, 100, 'delivery'), s.description,
                  case when d.n = 1 then 'was' else 'were' end, ledger.so_many(ledger.option('dead_days'), 1000, 'day')),
           format('When its address works again, replay them: `hookledger subscription replay %s --dead`.', s.subscription_id),
           d.since, format('#/subscribers/deliveries/%s?state=dead', s.subscription_id)
    from ledger.subscription s
    cross join lateral (
      select count(*) as n, min(o.settled_at) as since
      from (select l.settled_at from ledger.delivery l
            where l.subscription_id = s.subscription_id and l.state = 'dead' and l.settled_at > at - ledger.option('dead_days') * interval '1 day'
            limit 101) o) d
    where s.deleted_at is null and d.n > 0
    order by s.subscription_id
    limit 100;
end
$$;
comment on function ledger.findings_passing_on(timestamptz) is 'Findings about subscriptions and deliveries.';

-- ---- who looks after it

create function ledger.findings_looking_after(at timestamptz)
returns table (kind text, level text, subject text, words text, todo text, since timestamptz, link text)
language plpgsql stable set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    select 'courier', 'warning', 'courier',
           format('No courier has worked for %s: nothing is delivered, told, or looked after.', ledger.for_long(at - c.seen_at)),
           'Start hookledger-courier, or put `hookledger-courier --once` into cron.', c.seen_at, ''
    from (select coalesce((select max(h.seen_at) from ledger.host h where h.program = 'courier'), w.made_at) as seen_at
          from ledger.watch w) c
    where c.seen_at < at - interval '1 day'
      and (exists (select from ledger.notice n where n.enabled)
           or exists (select from ledger.subscription s where s.enabled and s.validated_at is not null and s.deleted_at is null)
           or exists (select from ledger.toggl_connection t where t.token_sealed is not null));
  return query
    select 'notice', 'warning', 'notice ' || n.notice_id,
           format('Nothing can be told by %s to %s for %s: %s.', case n.kind when 'mail' then 'e-mail' else n.kind end, ledger.notice_shown(n),
                  ledger.for_long(at - n.failing_since), rtrim(n.last_problem, '.')),
           format('Mend it, then try it: `hookledger notice test %s`.', n.notice_id), n.failing_since, '#/settings/notices'
    from ledger.notice n
    where n.enabled and n.failing_since < at - interval '10 minutes';
end
$$;
comment on function ledger.findings_looking_after(timestamptz) is 'Findings about those who look after the ledger, and about the ways by which the owner is told.';

create function ledger.findings()
returns table (kind text, level text, subject text, words text, todo text, since timestamptz, link text)
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
      union all select * from ledger.findings_passing_on(at)
      union all select * from ledger.findings_looking_after(at)) f
    order by f.level <> 'trouble', f.kind, f.subject;
end
$$;
comment on function ledger.findings() is
  'Everything that is not well, trouble before warnings: kind (one word), level (warning or trouble), subject (what it is about, the same as long as it lasts), what is so, what to do, since when (null: not known), and the page that mends it (empty: none does). No row: all is well. Each part of it is bounded.';
