-- Alerts: messages to the owner about findings that are new, worse or over, once by each enabled
-- alert. courier.monitor() calls ledger.evaluate(), which writes the messages; a courier claims each
-- with a lease and sends it, so that two couriers never send the same message. What is a finding
-- does not belong here: see findings.sql.

create function ledger.findings_json()
returns jsonb
language sql volatile set search_path = ledger, pg_temp
as $$
  select coalesce(jsonb_agg(jsonb_build_object('kind', f.kind, 'level', f.level, 'subject', f.subject,
                                               'message', f.message, 'since', ledger.rfc3339(f.since),
                                               'link', f.link)), '[]')
  from ledger.findings() f
$$;
comment on function ledger.findings_json() is 'The findings as a list of objects, in their order.';

create function ledger.alert_write(only_alert bigint, page text, seen jsonb, changes jsonb)
returns void
language sql set search_path = ledger, pg_temp
as $$
  insert into ledger.alert_message (alert_id, is_test, content, made_at, due_at)
  select n.alert_id, changes is null,
         jsonb_build_object('timestamp', ledger.rfc3339(c.at), 'test', changes is null, 'page', page,
           'status', coalesce(case when seen @> '[{"level": "trouble"}]' then 'trouble' end, seen #>> '{0,level}',
                              'well'),
           'changes', coalesce(changes, '[]'), 'findings', jsonb_path_query_array(seen, '$[0 to 99]')),
         c.at, c.at
  from ledger.alert n, ledger.clock() c (at)
  where case when only_alert is null then n.enabled else n.alert_id = only_alert end
$$;
comment on function ledger.alert_write(bigint, text, jsonb, jsonb) is
  'Writes a message of findings, as ledger.findings_json() gives them, and of changes (objects with change: new, '
  'worse or over) for each enabled alert; changes null: a test, for one alert.';

create function ledger.evaluate(page text)
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  at constant timestamptz := ledger.clock();
  seen jsonb;
  changes jsonb;
begin
  -- One session at a time; another one is doing it now.
  if not exists (select from ledger.monitor w for update skip locked) then
    return;
  end if;
  seen := ledger.findings_json();
  insert into ledger.finding as o (kind, subject, level, message, link, since, found_at)
  select distinct on (f.kind, f.subject) f.kind, f.subject, f.level, f.message, f.link, f.since, at
  from jsonb_to_recordset(seen) f (kind text, subject text, level text, message jsonb, link text, since timestamptz)
  order by f.kind, f.subject, f.level
  on conflict (kind, subject) do update
    set level = excluded.level, message = excluded.message, link = excluded.link, since = excluded.since,
        found_at = case when o.missed_at is null then o.found_at else at end, missed_at = null;
  perform ledger.repair_gap_finding(o, false) from ledger.finding o where o.found_at = at and o.missed_at is null;
  update ledger.finding o
  set missed_at = at,
      message = coalesce((select ledger.repair_gap_coded(r) from ledger.repair_range r
                          where o.kind = 'gap' and r.repair_id = substring(o.subject from '^gap (\d+)$')::bigint),
                         o.message)
  where o.missed_at is null and not exists (
    select from jsonb_to_recordset(seen) f (kind text, subject text) where f.kind = o.kind and f.subject = o.subject);
  perform ledger.repair_gap_finding(o, true) from ledger.finding o where o.missed_at = at;
  delete from ledger.finding o where o.missed_at is not null and o.told_level is null;

  with gone as (
    delete from ledger.finding o where o.missed_at <= at - interval '5 minutes' returning o.*),
  worse as (
    update ledger.finding o set told_level = o.level
    from ledger.finding b
    where b.kind = o.kind and b.subject = o.subject and o.missed_at is null
      -- Without an enabled alert nothing is marked as reported: an alert that is enabled later gets
      -- the findings of that time.
      and exists (select from ledger.alert n where n.enabled)
      and (o.told_level is null or o.told_level = 'warning' and o.level = 'trouble')
    returning o.*, case when b.told_level is null then 'new' else 'worse' end as change)
  select jsonb_agg(jsonb_build_object('change', c.change, 'kind', c.kind, 'level', c.level, 'subject', c.subject,
                                      'message', c.message,
                                      'link', c.link, 'since', ledger.rfc3339(c.since)) order by c.level <> 'trouble',
                                      c.kind, c.subject)
  into changes
  from (select w.change, w.kind, w.level, w.subject, w.message, w.link, w.since from worse w
        union all select 'over', g.kind, g.level, g.subject, g.message, g.link, g.since from gone g) c;
  if changes is not null then
    perform ledger.alert_write(null, page, seen, changes);
  end if;
  delete from ledger.alert_message m where coalesce(m.sent_at, m.dropped_at) < at - interval '30 days';
  delete from ledger.host h where h.seen_at < at - interval '30 days';
  update ledger.monitor w set evaluated_at = at;
end
$$;
comment on function ledger.evaluate(text) is
  'Compares the findings with those already reported. A finding that is new or became trouble is reported at once; '
  'one that was not found for 5 minutes is over and is reported once more. page: address of the admin page, for links.';

create function ledger.outage_over(since timestamptz, message jsonb)
returns void
language sql set search_path = ledger, pg_temp
as $$
  insert into ledger.finding as o (kind, subject, level, told_level, message, link, since, found_at, missed_at)
  values ('database', 'database', 'trouble', 'trouble', message, '', outage_over.since, outage_over.since,
          ledger.clock())
  on conflict (kind, subject) do update set since = least(o.since, excluded.since), message = excluded.message,
    missed_at = least(o.missed_at, excluded.missed_at)
$$;
comment on function ledger.outage_over(timestamptz, jsonb) is
  'Called by a courier that has reported an outage of the database, after it has ended: ledger.evaluate() then reports '
  'it once, as any finding that is over.';

create function ledger.alert_claim(lease_ms bigint)
returns table (message_id bigint, lease bigint, alert_id bigint, kind text, target text, secret_sealed bytea,
               content text, made_us bigint, next_us bigint)
language plpgsql set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  at constant timestamptz := ledger.clock();
begin
  update ledger.alert_message m set dropped_at = at, problem = coalesce(m.problem, 'disabled')
  from ledger.alert n
  where n.alert_id = m.alert_id and not n.enabled and m.sent_at is null and m.dropped_at is null and not m.is_test;
  return query
    with due as (
      select m.message_id from ledger.alert_message m
      where m.sent_at is null and m.dropped_at is null and m.due_at <= at and m.leased_until <= at and not m.is_test
        -- in order: the message of the end comes after the one of the beginning
        and not exists (select from ledger.alert_message o
                        where o.alert_id = m.alert_id and o.message_id < m.message_id
                          and o.sent_at is null and o.dropped_at is null and not o.is_test)
      order by m.due_at, m.message_id
      limit 1
      for update of m skip locked),
    taken as (
      update ledger.alert_message m
      set lease = m.lease + 1, leased_until = at + lease_ms * interval '1 millisecond', attempts = m.attempts + 1
      from due d where m.message_id = d.message_id
      returning m.*)
    select t.message_id, t.lease, n.alert_id, n.kind, n.target, n.secret_sealed, t.content::text, ledger.us(t.made_at),
           0::bigint
    from taken t join ledger.alert n on n.alert_id = t.alert_id;
  if not found then
    return query
      select 0::bigint, 0::bigint, 0::bigint, ''::text, ''::text, null::bytea, ''::text, 0::bigint,
             ledger.us(min(greatest(m.due_at, m.leased_until))) - ledger.us(at)
      from ledger.alert_message m where m.sent_at is null and m.dropped_at is null and not m.is_test;
  end if;
end
$$;
comment on function ledger.alert_claim(bigint) is
  'Leases a due message to the caller for this time, with all data for sending it; message_id 0: none is due, and the '
  'next will be in next_us (null: there is none).';

create function ledger.alert_settle(message bigint, lease bigint, wrong text)
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  at constant timestamptz := ledger.clock();
  held ledger.alert_message;
begin
  select m.* into held from ledger.alert_message m
  where m.message_id = message and m.lease = alert_settle.lease and m.sent_at is null
    and m.dropped_at is null for update;
  if not found then
    return;
  end if;
  update ledger.alert_message m
  set sent_at = case when wrong is null then at end, problem = wrong, leased_until = '-infinity',
      -- From half a minute to an hour, for three days.
      dropped_at = case when wrong is not null and (m.is_test or m.made_at < at - interval '3 days') then at end,
      due_at = at + least(interval '1 hour', interval '30 seconds' * power(2, least(m.attempts - 1, 10))) *
        (0.9 + 0.2 * random())
  where m.message_id = message;
  update ledger.alert n
  set last_sent_at = case when wrong is null then at else n.last_sent_at end,
      last_problem = left(wrong, 500), last_problem_at = case when wrong is null then n.last_problem_at else at end,
      failing_since = case when wrong is not null then coalesce(n.failing_since, at) end
  where n.alert_id = held.alert_id;
end
$$;
comment on function ledger.alert_settle(bigint, bigint, text) is
  'Stores the result of sending a message: wrong null: it was sent. Otherwise it is due again later, for three days; '
  'a test message is not. A lease that is not the current one changes nothing.';

create function ledger.alert_test(alert bigint, page text, lease_ms bigint)
returns table (message_id bigint, lease bigint, alert_id bigint, kind text, target text, secret_sealed bytea,
               content text, made_us bigint)
language plpgsql set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
begin
  if not exists (select from ledger.alert n where n.alert_id = alert) then
    perform ledger.refuse('alert.unknown', jsonb_build_object('alert_id', alert), 'P0002');
  end if;
  perform ledger.alert_write(alert, page, ledger.findings_json(), null);
  return query
    with taken as (
      update ledger.alert_message m
      set lease = 1, leased_until = ledger.clock() + lease_ms * interval '1 millisecond', attempts = 1
      where m.message_id = (select max(o.message_id) from ledger.alert_message o where o.alert_id = alert and o.is_test)
      returning m.*)
    select t.message_id, t.lease, n.alert_id, n.kind, n.target, n.secret_sealed, t.content::text, ledger.us(t.made_at)
    from taken t join ledger.alert n on n.alert_id = t.alert_id;
end
$$;
comment on function ledger.alert_test(bigint, text, bigint) is
  'Writes a test message and leases it to the caller, as ledger.alert_claim() does. P0002: no such alert.';

-- ---- which ways there are

create function ledger.alert_chat(target text)
returns text
language sql immutable set search_path = ledger, pg_temp
as $$
select case
  when h.host = 'hooks.slack.com' or h.host = 'hooks.slack-gov.com' then 'slack'
  when h.host ~ '(^|\.)(webhook\.office\.com|logic\.azure\.com|powerplatform\.com|powerautomate\.com)$' then 'teams'
  when h.host ~ '(^|\.)(discord\.com|discordapp\.com)$' then 'discord'
  when h.host = 'chat.googleapis.com' then 'googlechat'
  when h.host = 'ntfy.sh' then 'ntfy' end
from (select lower(substring(target from '^https?://([^/:?#]+)')) as host) h
$$;
comment on function ledger.alert_chat(text) is
  'The kind of chat of an address, if its host shows it; null: it does not.';

create function ledger.alert_check(kind text, target text)
returns void
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  if kind = 'mail' then
    -- One plain address: nothing in it that a header or a command line could take for more.
    if target is null or length(target) > 254
       or target !~ '^[A-Za-z0-9.!#$%&''*+/=?^_`{|}~][-A-Za-z0-9.!#$%&''*+/=?^_`{|'
                    '}~]*@[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$' then
      perform ledger.refuse('alert.no_address');
    end if;
  elsif kind = any ('{webhook,slack,teams,discord,mattermost,googlechat,ntfy}') then
    if ledger.has_blank(target) then
      perform ledger.refuse('alert.blank_in_address');
    end if;
    if target is null or length(target) > 4096
      or target !~ '^https?://[^[:space:][:cntrl:]/@]+(/[^[:space:][:cntrl:]]*)?$' then
      perform ledger.refuse('alert.no_url');
    end if;
    if kind = 'ntfy' and target !~ '^https?://[^/]+/([^?#]*/)?[-_A-Za-z0-9]{1,64}/*(\?[^#]*)?$' then
      perform ledger.refuse('alert.no_topic');
    end if;
    if kind <> coalesce(ledger.alert_chat(target), kind) then
      perform ledger.refuse('alert.other_chat', jsonb_build_object('chat', ledger.alert_chat(target), 'given', kind));
    end if;
  else
    perform ledger.refuse('alert.no_kind');
  end if;
end
$$;
comment on function ledger.alert_check(text, text) is 'Raises 22023 when an alert cannot go there.';

create function ledger.alert_shown(n ledger.alert)
returns text
language sql immutable set search_path = ledger, pg_temp
return case n.kind when 'mail' then n.target else ledger.url_shown(n.target) end;
comment on function ledger.alert_shown(ledger.alert) is
  'Where an alert goes, as everybody may know it: the e-mail address, but of a URL the host alone, because who knows '
  'the URL of a chat can write there.';

create function ledger.alert_state(n ledger.alert)
returns jsonb
language sql immutable set search_path = ledger, pg_temp
return jsonb_build_object('kind', n.kind, 'target', ledger.alert_shown(n));
comment on function ledger.alert_state(ledger.alert) is 'What the trail has of an alert.';

create function ledger.alert_add(kind text, target text)
returns bigint
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  made bigint;
begin
  perform ledger.alert_check(kind, target);
  if (select count(*) from ledger.alert) >= 50 then
    perform ledger.refuse('alert.too_many', '{"most": 50}');
  end if;
  insert into ledger.alert as n (kind, target, enabled)
    values (alert_add.kind, alert_add.target, alert_add.kind <> 'webhook')
  returning n.alert_id into made;
  return made;
exception when unique_violation then
  perform ledger.refuse('alert.target_exists', state => '23505');
end
$$;
comment on function ledger.alert_add(text, text) is
  'Makes an alert. A webhook is enabled when it gets its secret: its number binds that.';

-- ---- who looks after it

create function ledger.host_seen(place text, program text, version text, records bigint, bytes bigint,
                                 most_bytes bigint, damaged bigint, oldest timestamptz, aside bigint default 0,
                                 late_seconds bigint default 60)
returns void
language sql set search_path = ledger, pg_temp
as $$
  insert into ledger.host as h (place, program, version, seen_at, spool_records, spool_bytes, spool_max_bytes,
                                spool_damaged, spool_oldest_at, spool_aside, spool_late, spool_seen_at)
  values (left(place, 1000), program, version, ledger.clock(), records, bytes, most_bytes, damaged, oldest, aside,
          make_interval(secs => late_seconds),
          case when records is not null then ledger.clock() end)
  on conflict on constraint host_pkey do update
    set version = excluded.version, seen_at = excluded.seen_at, spool_records = excluded.spool_records,
        spool_bytes = excluded.spool_bytes,
        spool_max_bytes = excluded.spool_max_bytes, spool_damaged = excluded.spool_damaged,
          spool_oldest_at = excluded.spool_oldest_at,
        spool_aside = excluded.spool_aside, spool_late = excluded.spool_late,
        spool_seen_at = coalesce(excluded.spool_seen_at, h.spool_seen_at)
$$;
comment on function ledger.host_seen(text, text, text, bigint, bigint, bigint, bigint, timestamptz, bigint, bigint) is
  'A program says that it works, and what it sees of the spool beside it (records null: it cannot look).';
