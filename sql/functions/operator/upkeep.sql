-- Interface schema of the command line: facts for `hookledger doctor`, counters, partitions, and
-- the new epoch after a restore.

create function operator.migrations()
returns table (version bigint, name text, checksum text, program_version text, applied_us bigint)
language sql stable security definer set search_path = ledger, pg_temp
begin atomic
  select m.version::bigint, m.name, m.checksum, m.program_version, ledger.us(m.applied_at)
  from ledger.migration m
  order by m.version;
end;
comment on function operator.migrations() is 'Schema steps that this database has; 0 stands for all functions.';

create function operator.refusals(since timestamptz)
returns table (endpoint_id bigint, reason text, count bigint)
language sql stable security definer set search_path = ledger, pg_temp
begin atomic
  select t.endpoint_id, t.reason, sum(t.count)::bigint
  from ledger.receiver_counter t
  where t.minute >= since
  group by t.endpoint_id, t.reason
  order by t.endpoint_id, t.reason;
end;
comment on function operator.refusals(timestamptz) is
  'Callbacks that were not recorded since then, by endpoint (0: unknown address) and reason.';

create function operator.facts()
returns table (fact text, value text)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
declare
  newest record;
begin
  select e.epoch, e.txid, e.seq into newest
  from ledger.event e order by e.epoch desc, e.txid desc, e.seq desc limit 1;
  return query values
    ('now_us', ledger.us(clock_timestamp())::text),
    ('server_version', current_setting('server_version_num')),
    ('server_encoding', current_setting('server_encoding')),
    ('fsync', current_setting('fsync')),
    ('full_page_writes', current_setting('full_page_writes')),
    ('synchronous_commit', current_setting('synchronous_commit')),
    ('synchronous_standby_names', current_setting('synchronous_standby_names')),
    ('standbys', (select count(*) from pg_stat_replication)::text),
    ('in_recovery', pg_is_in_recovery()::text),
    ('read_only', current_setting('default_transaction_read_only')),
    -- the connection sets them itself, but behind a pooler it cannot
    ('odd_settings', (
      select string_agg(format('%s = %s', w.name, w.value), ', ' order by w.name)
      from (values ('standard_conforming_strings', 'on'), ('array_nulls', 'on'), ('transform_null_equals', 'off'),
            ('quote_all_identifiers', 'off'),
                   ('default_transaction_isolation', 'read committed'), ('IntervalStyle', 'postgres'),
                   ('lock_timeout', '0')) w (name, value)
      where current_setting(w.name) <> w.value)),
    ('endpoints', (select count(*) from ledger.endpoint e where not ledger.is_loading(e.endpoint_id))::text),
    ('alive_us', ledger.us(ledger.last_sign_of_life())::text),
    ('endpoints_enabled', (select count(*) from ledger.endpoint e where e.enabled)::text),
    ('txid_behind', (
      newest is not null and newest.epoch = (select state.epoch from ledger.state)
      and newest.txid >= pg_snapshot_xmax(pg_current_snapshot()))::text),
    ('seq_behind', (newest is not null and newest.seq > (select last_value from ledger.event_seq))::text);
end
$$;
comment on function operator.facts() is
  'Facts for `hookledger doctor`, as pairs. txid_behind and seq_behind true: the database was restored from a backup '
  'and its counters are behind its rows.';

create function operator.housekeep(keep_days bigint default 1100)
returns bigint
language plpgsql security definer set search_path = ledger, pg_temp set lock_timeout = '5s'
as $$
begin
  delete from ledger.receiver_counter t
    where t.minute < now() - make_interval(days => least(keep_days, 100000)::integer);
  delete from ledger.drift d where d.day < (now() at time zone 'UTC')::date - least(keep_days, 100000)::integer;
  perform ledger.buckets_empty(ledger.clock(), null);
  -- First the lock of partition_ahead(): retention takes the two locks in this order too.
  perform pg_advisory_xact_lock(7306021983461007);
  while ledger.entry_words_update(20000) loop
  end loop;
  return ledger.partition_ahead();
end
$$;
comment on function operator.housekeep(bigint) is
  'Makes the partitions of the next months and moves what the default partition has of them, removes counters '
  '(refusals, unexpected values) older than so many days, deletes empty buckets, and writes the words of all entries '
  'for the search. Waits at most 5 s for a lock. Returns how many partitions it made.';

create function operator.drift_list(since timestamptz)
returns table (day text, model text, field text, found text, count bigint)
language sql stable security definer set search_path = ledger, pg_temp
begin atomic
  select to_char(d.day, 'YYYY-MM-DD'), d.model, d.field, d.found, sum(d.count)::bigint
  from ledger.drift d
  where d.day >= (since at time zone 'UTC')::date
  group by d.day, d.model, d.field, d.found
  order by d.day desc, d.model, d.field, d.found;
end;
comment on function operator.drift_list(timestamptz) is
  'Values of an unexpected type by day (UTC), the newest first: kind of entity, column, and the JSON type that was '
  'found (value: the type was right).';

create function operator.partition_make(moment timestamptz)
returns bigint
language plpgsql security definer set search_path = ledger, pg_temp set lock_timeout = '1s'
as $$
declare
  month timestamp := date_trunc('month', moment at time zone 'UTC');
begin
  if moment >= (select state.horizon from ledger.state) then
    -- Two sessions that do this at the same time would deadlock.
    perform pg_advisory_xact_lock(7306021983461007);
    perform ledger.partition_ensure(month::date);
  end if;
  return ledger.us((month + interval '1 month') at time zone 'UTC');
end
$$;
comment on function operator.partition_make(timestamptz) is
  'Makes the partition of the month that the moment is in, before many events of it are recorded, unless it is there '
  'or retention has dropped it. Fails when a lock takes longer than 1 s. Returns when that month ends (UTC), in '
  'microseconds since 1970.';

create function operator.restored()
returns bigint
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  raised bigint;
begin
  update ledger.state set epoch = state.epoch + 1 returning state.epoch into raised;
  -- Events that were recorded after the backup are missing here.
  perform ledger.repair_gap_everywhere(
    (select max(n.received_at)
     from (select e.received_at from ledger.event e order by e.epoch desc, e.txid desc, e.seq desc limit 1000) n),
    ledger.clock(), 'restored');
  perform setval('ledger.event_seq', greatest((select last_value from ledger.event_seq),
                                              (select coalesce(max(e.seq), 1) from ledger.event e)));
  return raised;
end
$$;
comment on function operator.restored() is
  'To be called once after the database was restored from a backup: starts a new epoch, so that readers that continue '
  'from a cursor skip nothing, puts the sequence of events ahead of its rows, and notes the time since the last event '
  'to be compared with Toggl. Returns the new epoch.';
