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
       case when n = 1 then noun when noun like '%y' then left(noun, -1) || 'ies' else noun || 's' end;
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
           (select max(least(s.revoked_at, s.valid_until)) from ledger.endpoint_secret s where s.endpoint_id = e.endpoint_id), '#/endpoints'
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
             else format('%s to the endpoint "%s" had a wrong signature within an hour: forged, or our secret is not Toggl''s.',
                         ledger.so_many(r.n, 1000000000, 'callback'), e.name) end,
           case r.reason
             when 'unavailable' then 'Look at the disk of the spool and at the database; `hookledger doctor` says what is wrong. Toggl sends them again for a while.'
             when 'workspace' then 'Make an endpoint of its own for that workspace, and give its address to that subscription at Toggl.'
             else format('If events are missing, rotate the secret (`hookledger endpoint rotate %s`); else nothing is lost.', e.endpoint_id) end,
           r.since, '#/endpoints'
    from (select t.endpoint_id, t.reason, sum(t.count)::bigint as n, min(t.minute) as since
          from ledger.tally t
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
           q.since, '#/events'
    from (select count(*) as n, min(w.received_at) as since
          from (select o.received_at from ledger.quarantine o where o.retried_at is null limit 1001) w) q
    where q.n > 0;
end
$$;
comment on function ledger.findings_arriving(timestamptz) is 'Findings about endpoints and callbacks.';

-- ---- what it is kept in

create function ledger.findings_keeping(at timestamptz)
returns table (kind text, level text, subject text, words text, todo text, since timestamptz, link text)
language plpgsql stable set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  month constant timestamp := date_trunc('month', at at time zone 'UTC');
  ahead integer;
begin
  select count(*) into ahead
  from generate_series(0, 1) n
  where to_regclass('ledger.event_' || to_char(month + n * interval '1 month', '"y"YYYY"m"MM')) is not null;
  -- The next month is missing only in the last days of one, unless nobody looks after it.
  if ahead < 2 and (ahead = 0 or at > (month + interval '20 days') at time zone 'UTC') then
    return query select 'partitions', case when ahead = 0 then 'trouble' else 'warning' end, 'partitions',
      format('No table was made for the events of %s month: they go to the default partition, where they are slow to find.',
             case when ahead = 0 then 'this' else 'next' end),
      'Run `hookledger housekeep`, and put it into cron monthly.', null::timestamptz, '#/settings';
  end if;
  return query
    select 'default_partition', 'warning', 'partitions',
           format('%s in the default partition: their dates are odd, or nobody made their month.', ledger.so_many(d.n, 1000, 'event')),
           'Run `hookledger housekeep`: it moves those of believable dates.', d.since, '#/settings'
    from (select count(*) as n, min(o.received_at) as since
          from (select e.received_at from ledger.event_default e
                where e.created_at >= '2006-01-01' and e.created_at < at + interval '1 year' limit 1001) o) d
    where d.n > 0;
  return query
    select 'drift', 'warning', 'fields',
           format('Values of an odd type came within a week, the newest in %s.%s (%s): those columns are null.', f.model, f.field, f.found),
           'Nothing is lost: the payload has them. `hookledger drift` lists all; an upgrade of hookledger may know the new type.',
           f.day::timestamp at time zone 'UTC', '#/settings'
    from (select d.model, d.field, d.found, d.day from ledger.drift d
          where d.day >= (at at time zone 'UTC')::date - 6 and d.found <> 'value'
          order by d.day desc, d.model, d.field, d.found limit 1) f;
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
    select 'toggl_' || t.state, case when t.state = 'filters' then 'warning' else 'trouble' end,
           'Toggl subscription ' || s.subscription_id,
           format('"%s" at Toggl: %s.', coalesce(s.description, s.subscription_id::text), t.words),
           format('Mend it: `hookledger %s`.', case when t.mend like 'endpoint%' then t.mend
                                                    else 'toggl ' || t.mend || ' ' || s.subscription_id end),
           coalesce(s.gone_at, s.seen_at), '#/toggl'
    from ledger.toggl_subscription s
    cross join lateral ledger.toggl_state(s) t
    where s.deleted_at is null and s.endpoint_id is not null and t.mend is not null
    order by s.workspace_id, s.subscription_id
    limit 100;
  -- A spent window alone is nothing to act on; work that waits for it is.
  return query
    select 'toggl_quota', 'warning', 'connection ' || j.connection_id,
           format('%s at Toggl cannot go on: %s.', case when j.n = 1 then 'A job' else j.n || ' jobs' end, coalesce(j.why, 'the quota is spent')),
           'They go on by themselves then. Other programs that use the same user''s token spend the same quota.',
           j.since, '#/toggl'
    from (select o.connection_id, count(*) as n, min(o.made_at) as since, min(o.wait_words) as why
          from ledger.toggl_job o
          where o.finished_at is null and o.wait_until > at
          group by o.connection_id) j;
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
           s.failing_since, '#/subscribers/' || s.subscription_id
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
end
$$;
comment on function ledger.findings_passing_on(timestamptz) is 'Findings about subscriptions and deliveries.';

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
      union all select * from ledger.findings_keeping(at)
      union all select * from ledger.findings_toggl(at)
      union all select * from ledger.findings_passing_on(at)) f
    order by f.level <> 'trouble', f.kind, f.subject;
end
$$;
comment on function ledger.findings() is
  'Everything that is not well, trouble before warnings: kind (one word), level (warning or trouble), subject (what it is about, the same as long as it lasts), what is so, what to do, since when (null: not known), and the page that mends it. No row: all is well. Each part of it is bounded.';
