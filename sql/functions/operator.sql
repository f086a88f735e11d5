-- Everything that the command line (hookledger) is able to do, besides migrate.
create schema operator;
comment on schema operator is 'Door of the command line.';

-- ---- endpoints and their secrets

create function operator.endpoint_list(after bigint, most bigint)
returns table (endpoint_id bigint, address text, name text, workspace_id bigint, enabled boolean,
               created_us bigint, valid_secrets bigint)
language sql stable security definer set search_path = ledger, pg_temp
begin atomic
  select e.endpoint_id, e.address, e.name, e.workspace_id, e.enabled, ledger.us(e.created_at),
         (select count(*) from ledger.endpoint_secret s
          where s.endpoint_id = e.endpoint_id and s.revoked_at is null and s.valid_until > now())
  from ledger.endpoint e
  where e.endpoint_id > coalesce(after, 0)
  order by e.endpoint_id
  limit most;
end;
comment on function operator.endpoint_list(bigint, bigint) is
  'Endpoints with a number above `after`, at most `most` of them, by number.';

create function operator.endpoint_find(endpoint bigint)
returns table (endpoint_id bigint, address text, name text, workspace_id bigint, enabled boolean,
               created_us bigint, valid_secrets bigint)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
begin
  return query select * from operator.endpoint_list(endpoint - 1, 1) l where l.endpoint_id = endpoint;
  if not found then
    raise exception 'there is no endpoint %', endpoint using errcode = 'P0002';
  end if;
end
$$;
comment on function operator.endpoint_find(bigint) is 'One endpoint, as endpoint_list() gives it; P0002 when absent.';

create function operator.endpoint_add(address text, name text, workspace bigint, sealed bytea)
returns table (endpoint_id bigint, secret_id bigint, endpoint_name text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  added bigint;
  called text := coalesce(endpoint_add.name, 'workspace ' || workspace, 'endpoint');
begin
  perform ledger.label_check(called);
  if length(called) not between 1 and 200 then
    raise exception 'a name has 1 to 200 characters' using errcode = '22023';
  end if;
  if workspace <= 0 then
    raise exception 'a workspace is a whole number above 0' using errcode = '22023';
  end if;
  insert into ledger.endpoint as e (address, name, workspace_id)
  values (endpoint_add.address, called, workspace)
  returning e.endpoint_id into added;
  return query
    insert into ledger.endpoint_secret as s (endpoint_id, sealed)
    values (added, endpoint_add.sealed)
    returning added, s.secret_id, called;
end
$$;
comment on function operator.endpoint_add(text, text, bigint, bytea) is
  'Makes an endpoint with its first secret. A workspace of null is fixed by the first genuine event. The secret is sealed with the address as its place.';

create function operator.endpoint_enable(endpoint bigint, enable boolean)
returns void
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  update ledger.endpoint e set enabled = enable where e.endpoint_id = endpoint;
  if not found then
    raise exception 'there is no endpoint %', endpoint using errcode = 'P0002';
  end if;
end
$$;
comment on function operator.endpoint_enable(bigint, boolean) is
  'Enables or disables an endpoint; a disabled one answers 404. P0002 when absent.';

create function operator.endpoint_rotate(endpoint bigint, sealed bytea, keep_us bigint)
returns bigint
language plpgsql security definer set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  added bigint;
begin
  if keep_us not between 0 and 31536000000000 then
    raise exception 'the old secret may be kept for a year at most' using errcode = '22023';
  end if;
  -- Two that rotate at once would each leave the other's secret without an end.
  perform from ledger.endpoint e where e.endpoint_id = endpoint for update;
  if not found then
    raise exception 'there is no endpoint %', endpoint using errcode = 'P0002';
  end if;
  update ledger.endpoint_secret s
  set valid_until = now() + keep_us * interval '1 microsecond'
  where s.endpoint_id = endpoint and s.revoked_at is null
    and s.valid_until > now() + keep_us * interval '1 microsecond';
  insert into ledger.endpoint_secret as s (endpoint_id, sealed)
  values (endpoint, endpoint_rotate.sealed)
  returning s.secret_id into added;
  return added;
end
$$;
comment on function operator.endpoint_rotate(bigint, bytea, bigint) is
  'Gives an endpoint a new secret; those it has stay valid for keep_us microseconds more. Returns the number of the new one. P0002 when the endpoint is absent.';

create function operator.secret_list(endpoint bigint)
returns table (secret_id bigint, valid_from_us bigint, valid_until_us bigint, revoked_us bigint,
               is_valid boolean)
language sql stable security definer set search_path = ledger, pg_temp
begin atomic
  select s.secret_id, ledger.us(s.valid_from), ledger.us(s.valid_until), ledger.us(s.revoked_at),
         s.revoked_at is null and s.valid_until > now()
  from ledger.endpoint_secret s
  where s.endpoint_id = endpoint
  order by s.secret_id desc;
end;
comment on function operator.secret_list(bigint) is
  'Secrets of an endpoint, the newest first, without what they are. valid_until_us null: no end.';

create function operator.secret_revoke(endpoint bigint, secret bigint)
returns bigint
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  update ledger.endpoint_secret s set revoked_at = now()
  where s.endpoint_id = endpoint and s.secret_id = secret and s.revoked_at is null;
  if not found then
    if exists (select from ledger.endpoint_secret s where s.endpoint_id = endpoint and s.secret_id = secret) then
      raise exception 'secret % is revoked already', secret using errcode = '22023';
    end if;
    raise exception 'endpoint % has no secret %', endpoint, secret using errcode = 'P0002';
  end if;
  return (select count(*) from ledger.endpoint_secret s
          where s.endpoint_id = endpoint and s.revoked_at is null and s.valid_until > now());
end
$$;
comment on function operator.secret_revoke(bigint, bigint) is
  'Withdraws a secret at once: what is received from now on and signed with it is not recorded. Returns how many valid ones the endpoint has left.';

create function operator.secret_read(after bigint, most bigint)
returns table (secret_id bigint, endpoint_id bigint, address text, sealed bytea, is_valid boolean)
language sql stable security definer set search_path = ledger, pg_temp
begin atomic
  select s.secret_id, s.endpoint_id, e.address, s.sealed, s.revoked_at is null and s.valid_until > now()
  from ledger.endpoint_secret s
  join ledger.endpoint e on e.endpoint_id = s.endpoint_id
  where s.secret_id > coalesce(after, 0)
  order by s.secret_id
  limit most;
end;
comment on function operator.secret_read(bigint, bigint) is
  'Sealed secrets of all endpoints, those out of use too, by number: for verifying what they judged, and for signing as Toggl does.';

-- ---- events

-- PostgreSQL takes a comparison of rows for far more selective than it is and
-- would sort all that is left for every page (0.9 s a page of 1000 in a million,
-- against 16 ms by the index event_cursor, transfer and all). And filters of null must be gone
-- before a plan is made.
create function operator.event_list(
  before text, most bigint, workspace bigint, of_model text, of_action text, entity bigint,
  creator bigint, since timestamptz, until timestamptz)
returns table (cursor text, workspace_id bigint, event_id bigint, created_us bigint, received_us bigint,
               endpoint_id bigint, secret_id bigint, creator_id bigint, model text, action text,
               entity_id bigint, source text)
language plpgsql stable security definer set search_path = ledger, pg_temp
set enable_sort = off set enable_incremental_sort = off set plan_cache_mode = force_custom_plan
as $$
declare
  place ledger.place := ledger.place_read(coalesce(before, '2147483647-18446744073709551615-0'));
begin
  return query
    select ledger.place_write(e.epoch, e.txid, e.seq), e.workspace_id, e.event_id,
           ledger.us(e.created_at), ledger.us(e.received_at), e.endpoint_id, e.secret_id,
           e.creator_id, e.model, e.action, e.entity_id, e.source
    from ledger.event e
    where (e.epoch, e.txid, e.seq) < (place.epoch, place.txid, place.seq)
      and (workspace is null or e.workspace_id = workspace)
      and (of_model is null or e.model = of_model)
      and (of_action is null or e.action = of_action)
      and (entity is null or e.entity_id = entity)
      and (creator is null or e.creator_id = creator)
      and (since is null or e.created_at >= since)
      and (until is null or e.created_at < until)
    order by e.epoch desc, e.txid desc, e.seq desc
    limit most;
end
$$;
comment on function operator.event_list(text, bigint, bigint, text, text, bigint, bigint, timestamptz, timestamptz) is
  'Events in the order of recording, the newest first, before a cursor (null: from the end). A filter of null lets all pass; since and until bound created_at.';

create function operator.event_read(
  after text, before text, most bigint, most_bytes bigint, workspace bigint, of_model text,
  of_action text, entity bigint, creator bigint, since timestamptz, until timestamptz)
returns table (cursor text, workspace_id bigint, event_id bigint, created_us bigint, received_us bigint,
               endpoint_id bigint, secret_id bigint, creator_id bigint, model text, action text,
               entity_id bigint, source text, signature bytea, body json)
language plpgsql stable security definer set search_path = ledger, pg_temp
set enable_sort = off set enable_incremental_sort = off set plan_cache_mode = force_custom_plan
as $$
declare
  place ledger.place := ledger.place_read(coalesce(after, '0-0-0'));
  stop ledger.place := ledger.place_read(coalesce(before, operator.event_end()));
  bytes bigint := 0;
begin
  for cursor, workspace_id, event_id, created_us, received_us, endpoint_id, secret_id, creator_id,
      model, action, entity_id, source, signature, body in
    select ledger.place_write(e.epoch, e.txid, e.seq), e.workspace_id, e.event_id,
           ledger.us(e.created_at), ledger.us(e.received_at), e.endpoint_id, e.secret_id,
           e.creator_id, e.model, e.action, e.entity_id, e.source, e.signature, e.body
    from ledger.event e
    where (e.epoch, e.txid, e.seq) > (place.epoch, place.txid, place.seq)
      and (e.epoch, e.txid, e.seq) < (stop.epoch, stop.txid, stop.seq)
      and (workspace is null or e.workspace_id = workspace)
      and (of_model is null or e.model = of_model)
      and (of_action is null or e.action = of_action)
      and (entity is null or e.entity_id = entity)
      and (creator is null or e.creator_id = creator)
      and (since is null or e.created_at >= since)
      and (until is null or e.created_at < until)
    order by e.epoch, e.txid, e.seq
    limit most
  loop
    return next;
    bytes := bytes + octet_length(body::text);
    exit when bytes >= most_bytes;
  end loop;
end
$$;
comment on function operator.event_read(text, text, bigint, bigint, bigint, text, text, bigint, bigint, timestamptz, timestamptz) is
  'Events with their bodies in the order of recording, between two cursors (null: from the start, to event_end()), at most `most` rows and about most_bytes of bodies, at least one row if there is one. A filter of null lets all pass; since and until bound created_at.';

create function operator.event_end()
returns text
language sql stable security definer set search_path = ledger, pg_temp
begin atomic
  select ledger.place_write(state.epoch, pg_snapshot_xmin(pg_current_snapshot()), 0) from ledger.state;
end;
comment on function operator.event_end() is
  'The cursor behind everything that is surely complete: no transaction that still runs can commit an event before it.';

create function operator.event_count(
  after text, before text, workspace bigint, of_model text, of_action text, entity bigint,
  creator bigint, since timestamptz, until timestamptz)
returns bigint
language plpgsql stable security definer set search_path = ledger, pg_temp
set plan_cache_mode = force_custom_plan
as $$
declare
  place ledger.place := ledger.place_read(coalesce(after, '0-0-0'));
  stop ledger.place := ledger.place_read(coalesce(before, operator.event_end()));
begin
  return (
    select count(*)
    from ledger.event e
    where (e.epoch, e.txid, e.seq) > (place.epoch, place.txid, place.seq)
      and (e.epoch, e.txid, e.seq) < (stop.epoch, stop.txid, stop.seq)
      and (workspace is null or e.workspace_id = workspace)
      and (of_model is null or e.model = of_model)
      and (of_action is null or e.action = of_action)
      and (entity is null or e.entity_id = entity)
      and (creator is null or e.creator_id = creator)
      and (since is null or e.created_at >= since)
      and (until is null or e.created_at < until));
end
$$;
comment on function operator.event_count(text, text, bigint, text, text, bigint, bigint, timestamptz, timestamptz) is
  'How many rows event_read() would give in all.';

create function operator.event_find(event bigint)
returns table (cursor text, workspace_id bigint, event_id bigint, created_us bigint, received_us bigint,
               endpoint_id bigint, secret_id bigint, creator_id bigint, model text, action text,
               entity_id bigint, source text, signature bytea, body json)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
begin
  -- By workspace, because the key of the table starts with it.
  return query
    select ledger.place_write(e.epoch, e.txid, e.seq), e.workspace_id, e.event_id,
           ledger.us(e.created_at), ledger.us(e.received_at), e.endpoint_id, e.secret_id,
           e.creator_id, e.model, e.action, e.entity_id, e.source, e.signature, e.body
    from (select distinct p.workspace_id from ledger.endpoint p where p.workspace_id is not null) w
    join ledger.event e on e.workspace_id = w.workspace_id and e.event_id = event
    order by e.epoch, e.txid, e.seq;
  if not found then
    raise exception 'no event % is recorded', event using errcode = 'P0002';
  end if;
end
$$;
comment on function operator.event_find(bigint) is
  'The recorded events with this number of Toggl''s: normally one. P0002 when there is none.';

-- ---- quarantine

create function operator.quarantine_list(after bigint, most bigint, waiting boolean)
returns table (quarantine_id bigint, endpoint_id bigint, secret_id bigint, received_us bigint,
               reason text, bytes bigint, retried_us bigint, retried_as text)
language sql stable security definer set search_path = ledger, pg_temp
begin atomic
  select q.quarantine_id, q.endpoint_id, q.secret_id, ledger.us(q.received_at), q.reason,
         octet_length(q.body)::bigint, ledger.us(q.retried_at), q.retried_as
  from ledger.quarantine q
  where q.quarantine_id > coalesce(after, 0) and (q.retried_at is null or not waiting)
  order by q.quarantine_id
  limit most;
end;
comment on function operator.quarantine_list(bigint, bigint, boolean) is
  'Callbacks in quarantine by number; with `waiting` only those that no retry has recorded.';

create function operator.quarantine_find(item bigint)
returns table (quarantine_id bigint, endpoint_id bigint, secret_id bigint, address text,
               received_us bigint, reason text, retried_us bigint, retried_as text,
               signature bytea, body bytea)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
begin
  return query
    select q.quarantine_id, q.endpoint_id, q.secret_id, e.address, ledger.us(q.received_at),
           q.reason, ledger.us(q.retried_at), q.retried_as, q.signature, q.body
    from ledger.quarantine q
    join ledger.endpoint e on e.endpoint_id = q.endpoint_id
    where q.quarantine_id = item;
  if not found then
    raise exception 'there is nothing with the number % in quarantine', item using errcode = 'P0002';
  end if;
end
$$;
comment on function operator.quarantine_find(bigint) is 'One callback in quarantine with its body; P0002 when absent.';

create function operator.quarantine_settle(item bigint, outcome text)
returns void
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  if outcome is null or outcome not in ('recorded', 'duplicate') then
    raise exception 'a retry ends as recorded or duplicate' using errcode = '22023';
  end if;
  update ledger.quarantine q set retried_at = now(), retried_as = outcome where q.quarantine_id = item;
  if not found then
    raise exception 'there is nothing with the number % in quarantine', item using errcode = 'P0002';
  end if;
end
$$;
comment on function operator.quarantine_settle(bigint, text) is
  'Notes that a retry of a callback in quarantine succeeded, and how: recorded or duplicate.';

-- ---- health

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
  from ledger.tally t
  where t.minute >= since
  group by t.endpoint_id, t.reason
  order by t.endpoint_id, t.reason;
end;
comment on function operator.refusals(timestamptz) is
  'What came and was not recorded since then, by endpoint (0: unknown address) and reason.';

create function operator.facts()
returns table (fact text, value text)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
declare
  newest record;
  months date[];
begin
  select e.epoch, e.txid, e.seq into newest
  from ledger.event e order by e.epoch desc, e.txid desc, e.seq desc limit 1;
  select array_agg(to_date(substr(c.relname, 8), 'YYYY"m"MM')) into months
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'ledger.event'::regclass and c.relname ~ '^event_y\d{4}m\d\d$';
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
      from (values ('standard_conforming_strings', 'on'), ('array_nulls', 'on'), ('transform_null_equals', 'off'), ('quote_all_identifiers', 'off'),
                   ('default_transaction_isolation', 'read committed'), ('IntervalStyle', 'postgres'), ('lock_timeout', '0')) w (name, value)
      where current_setting(w.name) <> w.value)),
    ('owner', current_user::text),
    ('caller', session_user::text),
    ('endpoints', (select count(*) from ledger.endpoint e where not ledger.is_loading(e.endpoint_id))::text),
    ('endpoints_enabled', (select count(*) from ledger.endpoint e where e.enabled)::text),
    ('endpoints_without_secret', (
      select count(*) from ledger.endpoint e
      where e.enabled and not exists (
        select from ledger.endpoint_secret s
        where s.endpoint_id = e.endpoint_id and s.revoked_at is null and s.valid_until > now()))::text),
    ('partitions', coalesce(cardinality(months), 0)::text),
    ('months_ahead', (
      select count(*) from generate_series(1, 3) ahead
      where (date_trunc('month', now() at time zone 'UTC') + ahead * interval '1 month')::date = any (months))::text),
    ('this_month', (date_trunc('month', now() at time zone 'UTC')::date = any (months))::text),
    ('default_rows', (select count(*) from (select from ledger.event_default limit 10001) d)::text),
    ('quarantine_waiting', (
      select count(*) from (select from ledger.quarantine q where q.retried_at is null limit 10001) q)::text),
    ('epoch', (select state.epoch from ledger.state)::text),
    ('txid_behind', (
      newest is not null and newest.epoch = (select state.epoch from ledger.state)
      and newest.txid >= pg_snapshot_xmax(pg_current_snapshot()))::text),
    ('seq_behind', (newest is not null and newest.seq > (select last_value from ledger.event_seq))::text);
end
$$;
comment on function operator.facts() is
  'What `hookledger doctor` looks at, as pairs. txid_behind and seq_behind true: the database was restored from a backup and its counters are behind its rows.';

-- ---- upkeep

create function operator.housekeep(keep_days bigint default 1100)
returns bigint
language plpgsql security definer set search_path = ledger, pg_temp set lock_timeout = '5s'
as $$
begin
  delete from ledger.tally t where t.minute < now() - make_interval(days => least(keep_days, 100000)::integer);
  delete from ledger.drift d where d.day < (now() at time zone 'UTC')::date - least(keep_days, 100000)::integer;
  perform ledger.buckets_empty(ledger.clock(), null);
  return ledger.partition_ahead();
end
$$;
comment on function operator.housekeep(bigint) is
  'Makes the partitions of the next months and moves what the default partition has of them, removes counters (refusals, odd values) older than so many days, and forgets buckets that have run empty. Waits at most 5 s for a lock. Returns how many partitions it made.';

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
  'Values of an odd type by day (UTC), the newest first: kind of entity, column, and the JSON type that was found (value: the type was right).';

create function operator.partition_make(moment timestamptz)
returns bigint
language plpgsql security definer set search_path = ledger, pg_temp set lock_timeout = '5s'
as $$
declare
  month timestamp := date_trunc('month', moment at time zone 'UTC');
begin
  if moment >= (select state.horizon from ledger.state) then
    -- Two at once would wait for each other's locks crosswise.
    perform pg_advisory_xact_lock(7306021983461007);
    perform ledger.partition_ensure(month::date);
  end if;
  return ledger.us((month + interval '1 month') at time zone 'UTC');
end
$$;
comment on function operator.partition_make(timestamptz) is
  'Makes the partition of the month that the moment is in, before many events of it are recorded, unless it is there or retention has dropped it. Waits at most 5 s for a lock. Returns when that month ends (UTC), in microseconds since 1970.';

create function operator.restored()
returns bigint
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  raised bigint;
begin
  update ledger.state set epoch = state.epoch + 1 returning state.epoch into raised;
  perform setval('ledger.event_seq', greatest((select last_value from ledger.event_seq),
                                              (select coalesce(max(e.seq), 1) from ledger.event e)));
  return raised;
end
$$;
comment on function operator.restored() is
  'To be called once after the database was restored from a backup: starts a new epoch, so that readers who go on from a cursor skip nothing, and puts the sequence of events ahead of its rows. Returns the new epoch.';
