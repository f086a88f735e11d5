-- Retention: drops whole months of the ledger and keeps the last state of each entity
-- (ledger.baseline). `hookledger retention` calls operator.retention_plan(), then retention_mark()
-- and retention_drop() for each month.

create or replace view ledger.held as
  select i.from_at, i.until_at, ledger.coded('retention.held_by_invoice', jsonb_build_object('name', i.name)) as reason
  from ledger.invoice i
  union all
  select min(o.created_at), max(o.created_at) + interval '1 microsecond',
         ledger.coded('retention.held_by_outbox')
  from ledger.outbox o
  group by date_trunc('month', o.created_at at time zone 'UTC')
  union all
  select min(d.created_at), max(d.created_at) + interval '1 microsecond',
         ledger.coded('retention.held_by_deliveries')
  from ledger.delivery d
  where d.state in ('due', 'behind')
    and not exists (select from ledger.subscription s where s.subscription_id = d.subscription_id
                    and not exists (select from ledger.served v where v.subscription_id = s.subscription_id))
  group by date_trunc('month', d.created_at at time zone 'UTC');
comment on view ledger.held is 'What retention may not drop: a range of time, and why.';
comment on column ledger.held.from_at is 'Its beginning.';
comment on column ledger.held.until_at is 'Its end, not part of it.';
comment on column ledger.held.reason is 'Why the events of that time are needed, as code and parameters.';

create function ledger.months(until date)
returns table (month date, partition text, ends_at timestamptz, reason jsonb)
language sql stable set search_path = ledger, pg_temp set timezone = 'UTC'
as $$
  select m.month, min(m.partition), m.month + interval '1 month',
         (select ledger.coded('retention.reasons',
                              jsonb_build_object('reasons', jsonb_agg(distinct h.reason order by h.reason)))
          from ledger.held h
          where h.from_at < m.month + interval '1 month' and h.until_at > m.month
          having count(*) > 0)
  from (select to_date(substr(c.relname, 8), 'YYYY"m"MM') as month, c.relname::text as partition
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'ledger.event'::regclass and c.relname ~ '^event_y\d{4}m\d\d$'
        union all
        select distinct date_trunc('month', d.created_at)::date, null
        from ledger.event_default d where d.created_at < months.until
        union all
        select distinct date_trunc('month', b.created_at)::date, null
        from ledger.event_before b where b.created_at < months.until) m
  where m.month < months.until
  group by m.month
$$;
comment on function ledger.months(date) is
  'Months (UTC) before this one that the ledger has a partition for, or rows in ledger.event_before or its default '
  'partition. partition: its name, or null. reason: why it may not be dropped, as code and parameters, or null.';

create function operator.retention_plan(before text, keep bigint)
returns table (month text, events bigint, bytes bigint, verdict text, reason jsonb)
language plpgsql stable security definer set search_path = ledger, pg_temp set timezone = 'UTC'
  set jit = off set max_parallel_workers_per_gather = 0
as $$
declare
  -- Counting reads the smallest index alone when VACUUM has marked the pages (0.3 s for 5 million
  -- events, and 4.6 s without the marks). Until then the statistics of a large month are enough.
  large constant integer := 100000;
  estimate bigint;
  this_month constant date := date_trunc('month', now())::date;
  until date;
  one record;
  blocked boolean := false;
begin
  if before !~ '^\d{4}-(0[1-9]|1[0-2])$' or before < '0001' then
    perform ledger.refuse('retention.month_malformed', jsonb_build_object('month', before));
  end if;
  until := coalesce((before || '-01')::date, this_month - make_interval(months => least(keep, 12000)::integer));
  if until > this_month then
    perform ledger.refuse('retention.month_current', jsonb_build_object('month', to_char(this_month, 'YYYY-MM')));
  end if;
  for one in select * from ledger.months(until) m order by m.month loop
    month := to_char(one.month, 'YYYY-MM');
    reason := one.reason;
    select count(*), coalesce(sum(pg_column_size(d.*)), 0) into events, bytes
    from (select d.* from ledger.event_default d where d.created_at >= one.month and d.created_at < one.ends_at
          union all
          select b.* from ledger.event_before b where b.created_at >= one.month and b.created_at < one.ends_at) d;
    if one.partition is not null then
      select c.reltuples into estimate
      from pg_class c
      where c.oid = format('ledger.%I', one.partition)::regclass
        and c.reltuples > large and c.relallvisible < 0.9 * c.relpages;
      if estimate is null then
        execute format('select count(*) from ledger.%I', one.partition) into estimate;
      end if;
      events := events + estimate;
      bytes := bytes + pg_total_relation_size(format('ledger.%I', one.partition)::regclass);
    end if;
    blocked := blocked or reason is not null;
    verdict := case when reason is not null then 'held' when blocked then 'behind' else 'drop' end;
    return next;
  end loop;
end
$$;
comment on function operator.retention_plan(text, bigint) is
  'The plan for each month before this one (2026-05), or, when it is null, for all except the current month and the '
  '`keep` months before it. verdict: drop; held, with the reason; behind: kept because an earlier one is held. Bytes '
  'with indexes. events: of a month with more than 100,000 that VACUUM has not visited since, an estimate.';

create function ledger.hold_off()
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  -- Sessions that record queue behind this lock request: so it waits only briefly, and tries again.
  for attempt in 1..20 loop
    begin
      perform set_config('lock_timeout', '200ms', true);
      lock table only ledger.event in share row exclusive mode;
      perform set_config('lock_timeout', '0', true);
      return;
    exception
      when lock_not_available then perform pg_sleep(0.1 + random() * 0.4);
    end;
  end loop;
  perform ledger.refuse('retention.writer_busy', '{}', '55P03');
end
$$;
comment on function ledger.hold_off() is
  'Blocks recording until the end of the transaction: transactions that were recording have committed, new ones wait. '
  'Only for short transactions.';

create function operator.retention_mark(month text)
returns void
language plpgsql security definer set search_path = ledger, pg_temp set timezone = 'UTC'
as $$
declare
  until constant date := (month || '-01')::date + interval '1 month';
  held record;
begin
  if until > now() then
    perform ledger.refuse('retention.month_current');
  end if;
  select to_char(m.month, 'YYYY-MM') as month, m.reason into held
  from ledger.months(until) m
  where m.reason is not null
  order by m.month
  limit 1;
  if found then
    perform ledger.refuse('retention.held', jsonb_build_object('month', held.month, 'reason', held.reason));
  end if;
  -- A transaction that starts after this sees the new horizon, because an insert reads it after it
  -- has its lock.
  perform ledger.hold_off();
  update ledger.state s set horizon = until where s.horizon < until;
end
$$;
comment on function operator.retention_mark(text) is
  'Moves the horizon to the end of this month (2026-05): older events are not recorded any more. Fails when this '
  'month or an earlier one is held.';

create function ledger.baseline_add(until timestamptz)
returns bigint
language plpgsql set search_path = ledger, pg_temp set work_mem = '64MB'
as $$
declare
  added bigint;
begin
  -- The last event of each entity with a full payload, the last deletion when it is later, and the
  -- last event that created or deleted it. A workspace is one entity, whatever its events name.
  insert into ledger.baseline (workspace_id, event_id, created_at, received_at, seq, txid, epoch, endpoint_id,
                               secret_id, creator_id, entity_id, model, action, source, signature, body)
  select e.workspace_id, e.event_id, e.created_at, e.received_at, e.seq, e.txid, e.epoch, e.endpoint_id, e.secret_id,
         e.creator_id, e.entity_id, e.model, e.action, e.source, e.signature, e.body
  from (
    select t.*, count(*) over latest_first as place, count(*) filter (where t.is_full) over latest_first as fulls,
           t.is_lifecycle and count(*) filter (where t.is_lifecycle) over latest_first = 1 as is_last_lifecycle
    from (select k.workspace_id, k.event_id, k.created_at, k.model, k.action in ('created', 'deleted') as is_lifecycle,
          case when k.model = 'workspace' then 0 else k.entity_id end as entity_id,
                 k.action <> 'deleted' or ledger.has_values(k.model, k.body) as is_full
          from ledger.event k where k.created_at < until and (k.entity_id is not null or k.model = 'workspace')) t
    window latest_first as (partition by t.workspace_id, t.model, t.entity_id order by t.created_at desc,
                            t.event_id desc)) l
  join ledger.event e on e.workspace_id = l.workspace_id and e.event_id = l.event_id and e.created_at = l.created_at
  where e.created_at < until
    and (l.is_last_lifecycle or case when l.is_full then l.fulls = 1 else l.fulls = 0 and l.place = 1 end);
  get diagnostics added = row_count;

  -- Older baseline rows of these entities, which the new ones replace.
  delete from ledger.baseline b
  using (
    select t.workspace_id, t.event_id, t.created_at,
           not t.is_last_lifecycle and case when t.is_full then t.fulls > 1 else t.place > 1 end as is_superseded
    from (
      select k.workspace_id, k.event_id, k.created_at, k.is_full, count(*) over latest_first as place,
             count(*) filter (where k.is_full) over latest_first as fulls,
             k.is_lifecycle and count(*) filter (where k.is_lifecycle) over latest_first = 1 as is_last_lifecycle
      from (select o.workspace_id, o.event_id, o.created_at, o.model,
            o.action in ('created', 'deleted') as is_lifecycle,
            case when o.model = 'workspace' then 0 else o.entity_id end as entity_id,
                   o.action <> 'deleted' or ledger.has_values(o.model, o.body) as is_full
            from ledger.baseline o
            where o.model = 'workspace'
               or exists (select from ledger.event n
                          where n.created_at < until and n.entity_id = o.entity_id and n.model = o.model
                            and n.workspace_id = o.workspace_id)) k
      window latest_first as (partition by k.workspace_id, k.model, k.entity_id order by k.created_at desc,
                              k.event_id desc)) t) s
  where s.is_superseded and b.workspace_id = s.workspace_id and b.event_id = s.event_id and b.created_at = s.created_at;
  return added;
end
$$;
comment on function ledger.baseline_add(timestamptz) is
  'Stores the last state of each entity with events before this time in ledger.baseline, and replaces its older rows '
  'there. Returns how many events it added.';

create function operator.retention_drop(month text)
returns table (events bigint, kept bigint)
language plpgsql security definer set search_path = ledger, pg_temp set timezone = 'UTC'
as $$
declare
  first constant date := (month || '-01')::date;
  until constant date := first + interval '1 month';
  dropped record;
  left_over bigint;
begin
  -- Not while partitions or functions are made, or rows are written anew.
  perform pg_advisory_xact_lock(7306021983461007);
  perform pg_advisory_xact_lock(7306021983461008);
  if until > (select s.horizon from ledger.state s) then
    perform ledger.refuse('retention.not_marked', jsonb_build_object('month', month));
  end if;
  events := 0;
  kept := 0;
  select * into dropped from ledger.months(until) m where m.month = first;
  if not found then
    return next;
    return;
  end if;
  if dropped.reason is not null then
    perform ledger.refuse('retention.held', jsonb_build_object('month', month, 'reason', dropped.reason));
  end if;
  kept := ledger.baseline_add(until);
  if dropped.partition is not null then
    execute format('select count(*) from ledger.%I', dropped.partition) into events;
  end if;
  perform ledger.entry_words_write_before(until);
  delete from ledger.completeness c where c.day < until;
  analyze ledger.baseline;
  -- Who records or reads waits behind us while we wait for the lock: so shortly,
  -- and again, until no long query has it.
  for attempt in 1..20 loop
    begin
      perform set_config('lock_timeout', '200ms', true);
      lock table only ledger.event in access exclusive mode;
      if dropped.partition is not null then
        execute format('drop table ledger.%I', dropped.partition);
      end if;
      delete from ledger.event_default d where d.created_at < until;
      get diagnostics left_over = row_count;
      events := events + left_over;
      delete from ledger.event_before b where b.created_at < until;
      get diagnostics left_over = row_count;
      events := events + left_over;
      return next;
      return;
    exception
      when lock_not_available or deadlock_detected then perform pg_sleep(0.1 + random() * 0.4);
    end;
  end loop;
  perform ledger.refuse('retention.reader_busy', '{}', '55P03');
end
$$;
comment on function operator.retention_drop(text) is
  'Drops a month (2026-05) that was marked, in this transaction: keeps the last state of its entities, then drops its '
  'partition and the rows of ledger.event_before and of the default partition up to its end. Recording waits for 0.2 s '
  'at a time at most. Returns how many events were dropped and how many were kept; none when the month was dropped '
  'before.';
