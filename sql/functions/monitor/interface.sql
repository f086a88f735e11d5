-- Functions of the monitor in the interface schemas of courier, admin page and command line. The
-- rules do not belong here: see event_counts.sql, findings.sql and alerts.sql.

select ledger.interface_function(called) from unnest(array[
  'courier.alert_claim', 'courier.alert_settle', 'courier.outage_over',
  'operator.alert_add', 'operator.alert_test', 'operator.alert_settle',
  'admin.alert_settle']) called;

create function courier.monitor(place text, version text, records bigint, bytes bigint, most_bytes bigint,
                                damaged bigint, oldest timestamptz, aside bigint, late_seconds bigint, page text,
                                names text[], labels text[], counts bigint[])
returns table (is_more boolean)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  perform set_config('synchronous_commit', 'off', true);
  perform ledger.host_seen(place, 'courier', version, records, bytes, most_bytes, damaged, oldest, aside, late_seconds);
  perform ledger.count_up(names, labels, array_fill(''::text, array[cardinality(names)]), counts);
  -- A batch that is small enough not to delay deliveries, and larger than the number of new events
  -- meanwhile.
  is_more := ledger.event_counts_update(2000);
  is_more := ledger.entry_words_update(2000) or is_more;
  perform ledger.evaluate(page);
  return next;
end
$$;
comment on function courier.monitor(text, text, bigint, bigint, bigint, bigint, timestamptz, bigint, bigint, text,
  text[], text[], bigint[]) is
  'Called regularly by a courier: stores that it runs at `place` and the state of its spool, adds its counters, '
  'counts new events of the ledger and writes the words of their entries (is_more: there are more, call again soon), '
  'and writes messages about changed findings.';

create function courier.alert_targets()
returns table (alert_id bigint, kind text, target text, secret_sealed bytea)
language sql stable security definer set search_path = ledger, pg_temp
as $$ select n.alert_id, n.kind, n.target, n.secret_sealed from ledger.alert n where n.enabled order by n.alert_id
  limit 50 $$;
comment on function courier.alert_targets() is
  'The enabled alerts. A courier keeps them in memory, so that it can report an outage of the database.';

-- ---- of the command line

create function operator.findings()
returns table (kind text, level text, subject text, words jsonb, todo jsonb, since_us bigint, link text)
language plpgsql volatile security definer set search_path = ledger, pg_temp
as $$
begin
  perform ledger.event_counts_update(20000);
  perform ledger.entry_words_update(20000);
  return query select f.kind, f.level, f.subject, f.message, ledger.finding_todo(f.message), ledger.us(f.since), f.link
    from ledger.findings() f;
end
$$;
comment on function operator.findings() is
  'All findings, after counting the new events of the ledger; as ledger.findings().';

create function operator.host_seen(place text, version text, records bigint, bytes bigint, most_bytes bigint,
                                   damaged bigint, oldest timestamptz, aside bigint, late_seconds bigint)
returns void
language sql volatile security definer set search_path = ledger, pg_temp
as $$ select ledger.host_seen(place, 'housekeep', version, records, bytes, most_bytes, damaged, oldest, aside,
                              late_seconds) $$;
comment on function operator.host_seen(text, text, bigint, bigint, bigint, bigint, timestamptz, bigint, bigint) is
  'As ledger.host_seen(): housekeep was run.';

create function operator.alert_list()
returns table (alert_id bigint, kind text, target text, enabled boolean, last_sent_us bigint, last_problem text,
               waiting bigint)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select n.alert_id, n.kind, ledger.alert_shown(n), n.enabled, ledger.us(n.last_sent_at), n.last_problem,
         (select count(*) from ledger.alert_message m where m.alert_id = n.alert_id and m.sent_at is null
          and m.dropped_at is null)
  from ledger.alert n order by n.alert_id
$$;
comment on function operator.alert_list() is 'Alerts (only the host of a URL), and how many messages wait to be sent.';

create function operator.alert_secret(alert bigint, sealed bytea)
returns void
language sql volatile security definer set search_path = ledger, pg_temp
as $$ update ledger.alert n set secret_sealed = sealed, enabled = true where n.alert_id = alert $$;
comment on function operator.alert_secret(bigint, bytea) is
  'Gives a webhook its secret, sealed and bound to the text alert and its number, and enables it.';

create function operator.alert_enable(alert bigint, enable boolean)
returns void
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  update ledger.alert n set enabled = enable where n.alert_id = alert;
  if not found then
    perform ledger.refuse('alert.unknown', jsonb_build_object('alert_id', alert), 'P0002');
  end if;
end
$$;
comment on function operator.alert_enable(bigint, boolean) is 'Enables or disables an alert; P0002: no such.';

create function operator.alert_remove(alert bigint)
returns void
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  delete from ledger.alert n where n.alert_id = alert;
  if not found then
    perform ledger.refuse('alert.unknown', jsonb_build_object('alert_id', alert), 'P0002');
  end if;
end
$$;
comment on function operator.alert_remove(bigint) is 'Removes an alert and its messages; P0002: no such.';

create function operator.lock_holders()
returns table (holder text, of_program text, pid bigint, what jsonb)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select coalesce(a.usename::text, 'unknown'), coalesce(a.application_name, ''), l.pid::bigint,
         case when l.classid::bigint = 1668246898 then ledger.coded('lock.deliveries')
              else ledger.coded('lock.upkeep') end
  from pg_locks l
  left join pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.granted
    and l.database = (select d.oid from pg_database d where d.datname = current_database())
    and (l.classid::bigint = 1668246898 and l.objsubid = 2
         or l.objsubid = 1 and (l.classid::bigint << 32 | l.objid::bigint) in (7306021983461007, 7306021983461008))
    and coalesce(a.application_name, '') not like 'hookledger%'
$$;
comment on function operator.lock_holders() is
  'Sessions of other programs that hold advisory locks of hookledger, and so block its programs.';
