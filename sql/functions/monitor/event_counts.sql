-- Event counts by hour, and the baseline of each endpoint computed from them. The courier, the
-- admin page and doctor call event_counts_update(), which reads new events from a cursor. The
-- append itself writes no counter, because sessions would wait for each other's rows.

create function ledger.count_up(what text[], labels text[], other_labels text[], values_ bigint[])
returns void
language sql set search_path = ledger, pg_temp
as $$
  insert into ledger.counter as c (name, label, other_label, value)
  select i.name, i.label, i.other_label, sum(i.value)
  from unnest(what, labels, other_labels, values_) i (name, label, other_label, value)
  where i.value > 0
  group by 1, 2, 3 order by 1, 2, 3
  on conflict (name, label, other_label) do update set value = c.value + excluded.value
$$;
comment on function ledger.count_up(text[], text[], text[], bigint[]) is
  'Adds to the counters of ledger.counter, always in the same order, so that two sessions do not deadlock.';

create function ledger.last_event_at(endpoint bigint)
returns timestamptz
language sql stable set search_path = ledger, pg_temp
return greatest(
  (select r.last_at from ledger.call_baseline r where r.endpoint_id = endpoint),
  (select max(n.received_at)
   from (select o.endpoint_id, o.received_at from ledger.event o order by o.epoch desc, o.txid desc, o.seq desc
         limit 100) n
   where n.endpoint_id = endpoint));
comment on function ledger.last_event_at(bigint) is
  'Time of the last event of an endpoint: from the counts, or among the newest hundred events; null: never.';

create function ledger.hour_of_week(moment timestamptz)
returns integer
language sql immutable set search_path = ledger, pg_temp
return (extract(isodow from moment at time zone 'UTC')::integer - 1) * 24 + extract(hour
    from moment at time zone 'UTC')::integer + 1;
comment on function ledger.hour_of_week(timestamptz) is
  'Which of the 168 hours of a week it is, from 1 (Monday 0:00 UTC).';

create function ledger.call_baseline_learn(endpoint bigint)
returns void
language plpgsql set search_path = ledger, pg_temp set jit = off
as $$
declare
  known ledger.call_baseline;
  until timestamptz;
  weeks_known integer;
  learnt real[];
  quiet real;
begin
  select r.* into known from ledger.call_baseline r where r.endpoint_id = endpoint;
  -- The weeks end with the last event, so that the current silence does not change the baseline.
  until := date_trunc('hour', known.last_at, 'UTC') + interval '1 hour';
  weeks_known := floor(least(4, extract(epoch from until - date_trunc('hour', known.first_at, 'UTC')) / 604800));
  if weeks_known < 1 then
    update ledger.call_baseline r set weeks = 0, rates = null, silence_limit = null where r.endpoint_id = endpoint
      and r.weeks > 0;
    return;
  end if;
  with hours as (
    select h.hour, ledger.hour_of_week(h.hour) as place,
           ceil(extract(epoch from until - h.hour) / 604800)::integer as week, coalesce(p.n, 0) as n
    from generate_series(until - weeks_known * interval '7 days', until - interval '1 hour', '1 hour') h (hour)
    left join (select o.hour, sum(o.count) as n from ledger.event_count_received o
               where o.endpoint_id = endpoint and o.hour >= until - weeks_known * interval '7 days'
                 and o.source in ('webhook', 'spool')
               group by o.hour) p on p.hour = h.hour),
  -- One hour with an import must not change the other weeks.
  most as (select 2 * percentile_cont(0.9) within group (order by o.n) as n from hours o where o.n > 0),
  slot as (select o.place, avg(least(o.n, m.n)) as n from hours o cross join most m group by o.place),
  -- Averaged with the hours next to it: people are not punctual, and daylight saving time moves all
  -- hours by one.
  smooth as (
    select s.place, (s.n + b.n + a.n) / 3 as rate
    from slot s
    join slot b on b.place = (s.place + 166) % 168 + 1
    join slot a on a.place = s.place % 168 + 1),
  run as (
    select o.week, o.n, s.rate, count(*) filter (where o.n > 0) over (order by o.hour) as part
    from hours o join smooth s on s.place = o.place),
  gap as (select min(r.week) as week, sum(r.rate) as missed from run r where r.n = 0 group by r.part),
  -- The median of the weeks: a holiday affects one week of four.
  longest as (
    select percentile_cont(0.5) within group (order by w.missed) as missed
    from (select g.week, coalesce(max(l.missed), 0) as missed
          from generate_series(1, weeks_known) g (week) left join gap l on l.week = g.week group by g.week) w)
  select (select array_agg(s.rate::real order by s.place) from smooth s), (select (2 * l.missed)::real from longest l)
  into learnt, quiet;
  update ledger.call_baseline r set weeks = weeks_known, rates = learnt, silence_limit = quiet
    where r.endpoint_id = endpoint;
end
$$;
comment on function ledger.call_baseline_learn(bigint) is
  'Computes the baseline of an endpoint from at most four whole weeks before its last event: events per hour for each '
  'hour of a week, and how many expected events may be missing: twice the longest silence of a usual week; the option '
  'silence_times gives the minimum.';

create function ledger.event_counts_update(most bigint)
returns boolean
language plpgsql set search_path = ledger, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
    set plan_cache_mode = force_custom_plan
as $$
declare
  at constant timestamptz := ledger.clock();
  kept_for constant interval := interval '400 days';
  progress ledger.monitor;
  is_full boolean;
begin
  select w.* into progress from ledger.monitor w for update skip locked;
  if not found then
    return false;
  end if;
  with fresh as materialized (
    select e.epoch, e.txid, e.seq, e.endpoint_id, e.workspace_id, e.model, e.source, e.received_at, e.created_at
    from ledger.event e
    where (e.epoch, e.txid, e.seq) > (progress.read_epoch, progress.read_txid, progress.read_seq)
      -- before anything that a running transaction could still record
      and (e.epoch, e.txid, e.seq) < ((select s.epoch from ledger.state s), pg_snapshot_xmin(pg_current_snapshot()),
                                      0::bigint)
    order by e.epoch, e.txid, e.seq
    limit most),
  -- A batch is counted as a whole: a last batch that may be incomplete is left for the next call,
  -- unless it is the only one.
  cut as (
    select count(*) = most and count(distinct (f.epoch, f.txid)) > 1 as is_open, max(f.epoch) as epoch,
           (select l.txid from fresh l order by l.epoch desc, l.txid desc limit 1) as txid
    from fresh f),
  kept as materialized (
    select f.* from fresh f cross join cut c where not (c.is_open and f.epoch = c.epoch and f.txid = c.txid)),
  by_hour as (
    insert into ledger.event_count_received as p (hour, endpoint_id, workspace_id, model, source, count, last_at)
    select date_trunc('hour', k.received_at, 'UTC'), k.endpoint_id, k.workspace_id, k.model, k.source, count(*),
           max(k.received_at)
    from kept k group by 1, 2, 3, 4, 5
    on conflict (hour, endpoint_id, workspace_id, model, source) do update
      set count = p.count + excluded.count, last_at = greatest(p.last_at, excluded.last_at)),
  happened as (
    insert into ledger.event_count_created as h (hour, model, count)
    select date_trunc('hour', k.created_at, 'UTC'), k.model, count(*)
    from kept k where k.source not in ('backfill', 'compare', 'log') and k.created_at >= at - kept_for group by 1, 2
    on conflict (hour, model) do update set count = h.count + excluded.count),
  last as (
    insert into ledger.call_baseline as r (endpoint_id, first_at, last_at)
    select k.endpoint_id, min(k.received_at), max(k.received_at)
    from kept k
    where k.source in ('webhook', 'spool')
      and exists (select from ledger.endpoint o where o.endpoint_id = k.endpoint_id)
    group by 1
    on conflict (endpoint_id) do update
      set first_at = least(r.first_at, excluded.first_at), last_at = greatest(r.last_at, excluded.last_at)),
  batch as (
    select count(*) as n from kept k where k.source in ('webhook', 'spool') group by k.epoch, k.txid),
  sums as (
    select 'events' as name, k.model as label, k.source as other_label, count(*) as value from kept k
      group by k.model, k.source
    union all
    select 'batch_le', coalesce((select min(l)::text from unnest(array[1, 2, 4, 8, 16, 32, 64, 128, 256, 512]) l
                                 where l >= b.n), '+Inf'), '', count(*)
    from batch b group by 2
    union all
    select 'batched', '', '', sum(b.n)::bigint from batch b),
  counted as (
    select ledger.count_up(array_agg(s.name), array_agg(s.label), array_agg(s.other_label), array_agg(s.value))
      from sums s having count(*) > 0),
  moved as (
    update ledger.monitor w
    set read_epoch = l.epoch, read_txid = l.txid, read_seq = l.seq
    from (select k.epoch, k.txid, k.seq from kept k order by k.epoch desc, k.txid desc, k.seq desc limit 1) l)
  select (select count(*) from fresh) = most into is_full from (select count(*) from counted) c;
  if not is_full then
    update ledger.monitor w set read_at = at;
    if progress.learned_at < at - interval '1 hour' then
      perform ledger.call_baseline_learn(r.endpoint_id) from ledger.call_baseline r;
      delete from ledger.event_count_received p where p.hour < at - kept_for;
      delete from ledger.event_count_created h where h.hour < at - kept_for;
      update ledger.monitor w set learned_at = at;
    end if;
  end if;
  return is_full;
end
$$;
comment on function ledger.event_counts_update(bigint) is
  'Counts events that are new in the ledger, at most so many, unless another session does it, and computes the '
  'baselines once an hour. True: there are more.';
