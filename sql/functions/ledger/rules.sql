-- Small functions that several interface schemas use: codes and errors, labels, URLs, partitions,
-- times and cursors. Rules of one program do not belong here.

-- ---- codes and parameters

create function ledger.coded(code text, params jsonb default '{}')
returns jsonb
language sql immutable set search_path = ledger, pg_temp
return jsonb_build_object('code', code) || jsonb_strip_nulls(params);
comment on function ledger.coded(text, jsonb) is
  'A message for people as one flat object: the code (area.what) and its parameters, without those that are null. The '
  'sentences are in src/ledger/catalog_en.c and www/js/words. The code is always written as a literal at the call.';

create function ledger.coded_list(variadic parts jsonb[])
returns jsonb
language sql immutable set search_path = ledger, pg_temp
as $$
  select case when count(*) > 1 then jsonb_agg(e.one order by p.n, e.n) else min(e.one #>> '{}')::jsonb end
  from unnest(parts) with ordinality p (part, n)
  cross join lateral jsonb_array_elements(case jsonb_typeof(p.part) when 'array' then p.part
                                               else jsonb_build_array(p.part) end) with ordinality e (one, n)
  where p.part is not null
$$;
comment on function ledger.coded_list(jsonb[]) is
  'Joins several messages, each an object of ledger.coded() or a list of them, to a list; a single one stays an '
  'object; null: there is none.';

create function ledger.refuse(code text, params jsonb default '{}', state text default '22023')
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  raise exception '%', code using errcode = state, detail = ledger.coded(code, params)::text;
end
$$;
comment on function ledger.refuse(text, jsonb, text) is
  'Raises an error: MESSAGE is the code, DETAIL the object of ledger.coded(). state: 22023 the caller must change '
  'something, P0002 it does not exist, 23505 it exists already, HL401 to HL428 the caller has no permission, 55P03 a '
  'later call may work.';

create function ledger.whole_seconds(span interval)
returns bigint
language sql immutable set search_path = ledger, pg_temp
return floor(extract(epoch from greatest(span, interval '0')))::bigint;
comment on function ledger.whole_seconds(interval) is
  'A duration for parameters of codes: in whole seconds, never below 0.';

-- ---- the rest

create function ledger.interface_function(called text)
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  f pg_proc;
begin
  select p.* into strict f from pg_proc p where p.pronamespace = 'ledger'::regnamespace
    and p.proname = split_part(called, '.', 2);
  execute format(
    'create function %s(%s) returns %s language sql %s security definer set search_path = ledger, pg_temp as %L',
    called, pg_get_function_arguments(f.oid), pg_get_function_result(f.oid),
    case f.provolatile when 's' then 'stable' else 'volatile' end,
    format('select * from ledger.%I(%s)', f.proname,
           (select string_agg(quote_ident(a.name), ', ' order by a.nth)
            from unnest(f.proargnames[:f.pronargs]) with ordinality a (name, nth))));
  execute format('comment on function %s(%s) is %L', called, pg_get_function_identity_arguments(f.oid),
                 format('As ledger.%s().', f.proname));
end
$$;
comment on function ledger.interface_function(text) is
  'Creates a function of an interface schema (`called`, with its schema) that calls the function of the same name in '
  'schema ledger with the same parameters and result.';

create function ledger.label_check(called text)
returns void
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  if called ~ '[\u0001-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff'
              '\U000e0000-\U000e007f]' then
    perform ledger.refuse('name.invisible');
  end if;
end
$$;
comment on function ledger.label_check(text) is
  'Checks a name of an endpoint, an account or an organization; names need not be unique. Error 22023 when a list '
  'would not show the name as it is. Characters that join letters or emoji are allowed.';

create function ledger.url_shown(url text)
returns text
language sql immutable set search_path = ledger, pg_temp
as $$
  select coalesce(case when m[3] = '' or m[3] = '/' then m[1] || m[2] else m[1] || m[2] || '/…' end, '…')
  from (select regexp_match(url, '^([A-Za-z][A-Za-z0-9+.-]*://)(?:[^/?#\\]*@)?([^/?#\\@]+)(.*)$') as m) r
  where url is not null
$$;
comment on function ledger.url_shown(text) is
  'The part of a URL that may be shown: scheme, host and port, without user, path and query, because the URL of a '
  'chat is itself a secret. Null for null.';

create function ledger.event_before_ends()
returns timestamptz
language sql stable set search_path = ledger, pg_temp
as $$
  select substring(pg_get_expr(c.relpartbound, c.oid) from $re$TO \('([^']+)'\)$re$)::timestamptz
  from pg_class c where c.oid = 'ledger.event_before'::regclass
$$;
comment on function ledger.event_before_ends() is 'The end of the range of ledger.event_before, not part of it.';

create function ledger.partition_ensure(month date)
returns boolean
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  -- A timestamp without time zone: with a date, date_trunc() would use the time zone of the
  -- session.
  first timestamptz := date_trunc('month', month::timestamp) at time zone 'UTC';
  next timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') at time zone 'UTC';
  partition text := 'event_' || to_char(month::timestamp, '"y"YYYY"m"MM');
begin
  if to_regclass('ledger.' || partition) is not null or first < ledger.event_before_ends() then
    return false;
  end if;
  -- The new table is filled first and attached afterwards, because a partition cannot be attached
  -- while the default partition has rows for it.
  execute format('create table ledger.%I (like ledger.event including defaults including constraints including '
                 'comments)', partition);
  execute format('lock table ledger.event_default in exclusive mode');
  execute format(
    'with moved as (delete from ledger.event_default where created_at >= %L and created_at < %L returning *)
     insert into ledger.%I select * from moved', first, next, partition);
  execute format('alter table ledger.event attach partition ledger.%I for values from (%L) to (%L)',
                 partition, first, next);
  return true;
end
$$;
comment on function ledger.partition_ensure(date) is
  'Creates the partition of ledger.event for the month (UTC) and moves the month''s rows from the default partition '
  'into it. False when it exists, or when the month belongs to ledger.event_before.';

create function ledger.event_before_extend()
returns void
language plpgsql set search_path = ledger, pg_temp set timezone = 'UTC' set lock_timeout = '5s'
as $$
declare
  bound timestamptz;
begin
  -- Two sessions that do this at the same time would deadlock.
  perform pg_advisory_xact_lock(7306021983461007);
  select least(min(to_date(substr(c.relname, 8), 'YYYY"m"MM')), date_trunc('month', now())::date)::timestamptz
  into bound
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'ledger.event'::regclass and c.relname ~ '^event_y\d{4}m\d\d$';
  if bound <= ledger.event_before_ends() then
    return;
  end if;
  lock table only ledger.event in access exclusive mode;
  alter table ledger.event detach partition ledger.event_before;
  with moved as (delete from ledger.event_default d where d.created_at < bound returning *)
  insert into ledger.event_before select * from moved;
  execute format('alter table ledger.event attach partition ledger.event_before for values from (minvalue) to (%L)',
                 bound);
end
$$;
comment on function ledger.event_before_extend() is
  'Lets ledger.event_before reach to the first month that has a partition of its own, before many older events are '
  'loaded: else each of their months would get a partition. Fails when a lock takes longer than 5 s.';

create function ledger.partition_ahead()
returns integer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  made integer := 0;
  month date;
begin
  -- Two sessions that do this at the same time would deadlock.
  perform pg_advisory_xact_lock(7306021983461007);
  for month in
    select m::date from generate_series(date_trunc('month', now() at time zone 'UTC') - interval '1 month',
                                        date_trunc('month', now() at time zone 'UTC') + interval '3 months',
                                        interval '1 month') m
    where m at time zone 'UTC' >= (select s.horizon from ledger.state s)
    union
    -- Months of rows in the default partition, if the date is plausible; other rows stay in the
    -- default partition.
    select distinct date_trunc('month', d.created_at at time zone 'UTC')::date
    from ledger.event_default d
    where d.created_at >= '2006-01-01' and d.created_at < now() + interval '1 year'
    order by 1
  loop
    made := made + ledger.partition_ensure(month)::integer;
  end loop;
  return made;
end
$$;
comment on function ledger.partition_ahead() is
  'Creates the partitions from last month to three months ahead, and those of months that have rows in the default '
  'partition. Returns how many it created.';

-- (without a "set", so that the planner inlines it)
create function ledger.us(moment timestamptz)
returns bigint
language sql immutable
return case when isfinite(moment) then (extract(epoch from moment) * 1000000)::bigint end;
comment on function ledger.us(timestamptz) is 'Microseconds since 1970; null for null and for infinity.';

create function ledger.has_blank(url text)
returns boolean
language sql immutable set search_path = ledger, pg_temp
return url ~ U&'[[:space:][:cntrl:]\00A0\1680\2000-\200F\2028-\202F\205F-\2064\3000\FEFF]';
comment on function ledger.has_blank(text) is
  'Does it contain a blank or another invisible character? Text that was copied and pasted often does.';

create function ledger.rfc3339(moment timestamptz)
returns text
language sql stable strict set search_path = ledger, pg_temp
as $$
  select to_char(moment at time zone 'UTC', case when moment = date_trunc('second', moment)
                                              then 'YYYY-MM-DD"T"HH24:MI:SS"Z"'
                                              else 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' end)
$$;
comment on function ledger.rfc3339(timestamptz) is 'A time as RFC 3339 in UTC, for JSON.';

create function ledger.cursor_read(cursor text)
returns ledger.cursor
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  if cursor !~ '^\d{1,10}-\d{1,20}-\d{1,19}$' then
    perform ledger.refuse('cursor.malformed');
  end if;
  return (split_part(cursor, '-', 1)::integer, split_part(cursor, '-', 2)::xid8,
          split_part(cursor, '-', 3)::bigint)::ledger.cursor;
end
$$;
comment on function ledger.cursor_read(text) is 'Reads a cursor; 22023 when it is none.';

create function ledger.cursor_write(epoch integer, txid xid8, seq bigint)
returns text
language sql immutable set search_path = ledger, pg_temp
return epoch || '-' || txid::text || '-' || seq;
comment on function ledger.cursor_write(integer, xid8, bigint) is
  'Writes a cursor: how far a reader of the ledger has come.';
