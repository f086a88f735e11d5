-- Health and metrics for machines: numbers for Prometheus (text format 0.0.4), which the admin
-- program returns. Counters come from ledger.counter, gauges from bounded index scans: the cost
-- does not grow with the ledger.

create function ledger.metric_label(label text)
returns text
language sql immutable set search_path = ledger, pg_temp
return replace(replace(replace(coalesce(label, ''), '\', '\\'), '"', '\"'), E'\n', '\n');
comment on function ledger.metric_label(text) is 'A text escaped for the quotes of a label.';

create function ledger.metric(called text, kind text, help text, samples text[])
returns text
language sql immutable set search_path = ledger, pg_temp
return case when cardinality(samples) > 0
  then format(E'# HELP %s %s\n# TYPE %s %s\n', called, help, called, kind)
       || (select string_agg(called || s, E'\n' order by n) from unnest(samples) with ordinality i (s, n)) || E'\n'
  else '' end;
comment on function ledger.metric(text, text, text, text[]) is
  'A family of metrics. Each line has the part after the name, such as {label="x"} 1. Empty when there is none.';

create function ledger.metric_histogram(called text, help text, bounds text, scale numeric, total text)
returns text
language sql stable set search_path = ledger, pg_temp
as $$
  with class as (
    select c.label, c.value, case c.label when '+Inf' then 'infinity'::float8 else c.label::float8 end as bound
    from ledger.counter c where c.name = bounds),
  up_to as (
    select c.bound, c.label, sum(c.value) over (order by c.bound) as value from class c
    union all
    select 'infinity', '+Inf', coalesce(sum(c.value), 0) from class c
      where not exists (select from class i where i.label = '+Inf'))
  select ledger.metric(called, 'histogram', help,
    (select array_agg(format('_bucket{le="%s"} %s',
                             case u.label when '+Inf' then u.label else trim_scale(u.label::numeric / scale)::text end,
                             u.value)
                      order by u.bound) from up_to u)
    || format('_sum %s', trim_scale(coalesce((select c.value from ledger.counter c where c.name = total), 0)::numeric /
                                    scale / case when scale = 1 then 1 else 1000 end))
    || format('_count %s', (select coalesce(sum(c.value), 0) from class c)))
$$;
comment on function ledger.metric_histogram(text, text, text, numeric, text) is
  'A histogram of what was counted by class under `bounds`, and its sum, counted under `total`. scale 1000: classes '
  'in milliseconds and the sum in microseconds, shown in seconds.';

create function ledger.metrics_passing_on(at timestamptz)
returns text
language plpgsql stable set search_path = ledger, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
    set enable_sort = off
as $$
declare
  most constant bigint := 100000;
  of_state record;
begin
  select count(*) filter (where s.enabled and s.validated_at is not null) as flowing,
         count(*) filter (where not s.enabled) as disabled,
         count(*) filter (where s.enabled and s.validated_at is null) as unvalidated,
         count(*) filter (where s.enabled and s.failing_since is not null) as failing
  into of_state
  from ledger.subscription s where s.deleted_at is null and s.pending_until is null;
  return ledger.metric('hookledger_subscriptions', 'gauge',
                       'Subscriptions of our own subscribers, by state; those that fail are enabled too.', array[
           format('{state="enabled"} %s', of_state.flowing), format('{state="disabled"} %s', of_state.disabled),
           format('{state="unvalidated"} %s', of_state.unvalidated), format('{state="failing"} %s', of_state.failing)])
      || ledger.metric('hookledger_deliveries', 'gauge',
                       'Deliveries that wait, and those that were given up and are kept (counted up to 100000).', array[
           format('{state="waiting"} %s', (
             select count(*) from (
               select from ledger.served s join ledger.delivery d on d.subscription_id = s.subscription_id
                 and d.state in ('due', 'behind')
               limit most) w)),
           format('{state="dead"} %s', (
             select count(*) from (
               select from ledger.subscription s join ledger.delivery d on d.subscription_id = s.subscription_id
                 and d.state = 'dead'
               where s.deleted_at is null limit most) w))])
      || ledger.metric('hookledger_outbox_events', 'gauge',
                       'Recorded events of which deliveries are still to be made (counted up to 10000).', array[
           format(' %s', (select count(*) from (select from ledger.outbox o limit 10000) o))])
      || ledger.metric('hookledger_delivery_attempts_total', 'counter', 'Attempts to deliver.', array[
           format('{result="ok"} %s',
                  coalesce((select c.value from ledger.counter c where c.name = 'attempts' and c.label = 'ok'), 0)),
           format('{result="failed"} %s',
                  coalesce((select c.value from ledger.counter c where c.name = 'attempts' and c.label = 'failed'),
                           0))])
      || ledger.metric_histogram('hookledger_delivery_duration_seconds', 'How long attempts to deliver took.',
                                 'attempt_le', 1000, 'attempt_us');
end
$$;
comment on function ledger.metrics_passing_on(timestamptz) is 'Metrics of subscriptions and deliveries.';

create function ledger.metrics_arriving(at timestamptz)
returns text
language plpgsql stable set search_path = ledger, pg_temp set jit = off
as $$
begin
  return ledger.metric('hookledger_events_total', 'counter', 'Events recorded, by entity and by how they came.', (
           select array_agg(format('{entity="%s",source="%s"} %s', ledger.metric_label(c.label),
                                   ledger.metric_label(c.other_label), c.value)
                            order by c.label, c.other_label) from ledger.counter c where c.name = 'events'))
      || ledger.metric_histogram('hookledger_batch_size', 'Events that were recorded by one transaction.', 'batch_le',
                                 1, 'batched')
      || ledger.metric('hookledger_refusals_total', 'counter', 'Callbacks that were refused, by reason.', (
           select array_agg(format('{reason="%s"} %s', ledger.metric_label(r.reason), coalesce(c.value, 0))
                            order by r.reason)
           from unnest(array['method', 'address', 'type', 'length', 'size', 'signature', 'json', 'event', 'workspace',
                             'revoked', 'unavailable']) r (reason)
           left join ledger.counter c on c.name = 'refusals' and c.label = r.reason))
      || ledger.metric('hookledger_repeated_total', 'counter',
                       'Callbacks that were taken and not recorded: duplicates, pings, and events before the horizon '
                       'of retention.', (
           select array_agg(format('{what="%s"} %s', r.reason, coalesce(c.value, 0)) order by r.reason)
           from unnest(array['duplicate', 'ping', 'horizon']) r (reason)
           left join ledger.counter c on c.name = 'refusals' and c.label = r.reason))
      || coalesce((
           select ledger.metric('hookledger_endpoint_last_event_timestamp_seconds', 'gauge',
                                'When the last event came to an endpoint.', array_agg(
                    format('{endpoint="%s",name="%s"} %s', l.endpoint_id, ledger.metric_label(l.name),
                           round(extract(epoch from l.last_at), 3)) order by l.endpoint_id))
               || ledger.metric('hookledger_last_event_age_seconds', 'gauge',
                                'Time since the last event came to any endpoint.', array[
                    format(' %s', round(extract(epoch from greatest(at - max(l.last_at), interval '0')), 3))])
           from (select e.endpoint_id, e.name, greatest(r.last_at, n.last_at) as last_at
                 from ledger.endpoint e
                 left join ledger.call_baseline r on r.endpoint_id = e.endpoint_id
                 left join (select o.endpoint_id, max(o.received_at) as last_at
                            from (select v.endpoint_id, v.received_at, v.source from ledger.event v
                                  order by v.epoch desc, v.txid desc, v.seq desc limit 100) o
                            where o.source in ('webhook', 'spool') group by o.endpoint_id) n
                              on n.endpoint_id = e.endpoint_id
                 where e.enabled
                 order by e.endpoint_id limit 1000) l
           where l.last_at is not null), '')
      || ledger.metric('hookledger_last_ping_age_seconds', 'gauge',
                       'Time since a ping that Toggl was asked for arrived, by subscription at Toggl.', (
           select array_agg(format('{subscription="%s"} %s', p.subscription_id,
                                   round(extract(epoch from greatest(at - p.arrived_at, interval '0')), 3))
                            order by p.subscription_id)
           from (select * from ledger.proof o where o.arrived_at is not null order by o.subscription_id limit 1000) p))
      || ledger.metric('hookledger_ping_missing', 'gauge',
                       'Is a ping that Toggl was asked for missing (1)? By subscription at Toggl.', (
           select array_agg(format('{subscription="%s"} %s', p.subscription_id,
                                   (p.state in ('refused', 'lost', 'rejected'))::integer) order by p.subscription_id)
           from (select * from ledger.proof o order by o.subscription_id limit 1000) p))
      || ledger.metric('hookledger_quarantine_callbacks', 'gauge',
                       'Callbacks that wait in quarantine (counted up to 10000).', array[
           format(' %s', (select count(*) from (select from ledger.quarantine q where q.retried_at is null limit 10000)
                          q))])
      || ledger.metric('hookledger_default_partition_events', 'gauge',
                       'Events whose month has no table of its own (counted up to 10000).', array[
           format(' %s', (select count(*) from (select from ledger.event_default d limit 10000) d))]);
end
$$;
comment on function ledger.metrics_arriving(timestamptz) is 'Metrics of callbacks and events.';

create function ledger.metrics_around(at timestamptz, program_version text)
returns text
language plpgsql volatile set search_path = ledger, pg_temp set jit = off
as $$
declare
  seen constant jsonb := ledger.findings_json();
begin
  return ledger.metric('hookledger_build_info', 'gauge', 'Versions; the value is 1.', array[
           format('{version="%s",schema="%s",postgresql="%s"} 1', ledger.metric_label(program_version),
                  (select max(m.version) from ledger.migration m), current_setting('server_version_num'))])
      || ledger.metric('hookledger_status', 'gauge', '0: all is well, 1: there are warnings, 2: there is trouble.',
                       array[
           format(' %s', (select coalesce(max(case f ->> 'level' when 'trouble' then 2 else 1 end), 0)
                          from jsonb_array_elements(seen) f))])
      || ledger.metric('hookledger_findings', 'gauge', 'What is not well, by kind.', (
           select array_agg(format('{kind="%s",level="%s"} %s', k.kind, k.level, k.n) order by k.kind, k.level)
           from (select f ->> 'kind' as kind, f ->> 'level' as level, count(*) as n from jsonb_array_elements(seen) f
                 group by 1, 2) k))
      || ledger.metric('hookledger_spool_callbacks', 'gauge', 'Callbacks in the spool of a host.', (
           select array_agg(format('{host="%s"} %s', ledger.metric_label(h.place), h.spool_records) order by h.place)
             from ledger.spools() h))
      || ledger.metric('hookledger_spool_aside', 'gauge',
                       'Callbacks set aside in the spool of a host: acknowledged, and not recorded.', (
           select array_agg(format('{host="%s"} %s', ledger.metric_label(h.place), h.spool_aside) order by h.place)
             from ledger.spools() h))
      || ledger.metric('hookledger_spool_bytes', 'gauge', 'Their bytes.', (
           select array_agg(format('{host="%s"} %s', ledger.metric_label(h.place), h.spool_bytes) order by h.place)
             from ledger.spools() h))
      || ledger.metric('hookledger_spool_limit_bytes', 'gauge', 'The limit of the spool of a host.', (
           select array_agg(format('{host="%s"} %s', ledger.metric_label(h.place), h.spool_max_bytes) order by h.place)
             from ledger.spools() h))
      || ledger.metric('hookledger_spool_age_seconds', 'gauge',
                       'How long the oldest callback has been in the spool of a host; 0: it is empty.', (
           select array_agg(format('{host="%s"} %s', ledger.metric_label(h.place),
                                   round(extract(epoch from greatest(at - coalesce(h.spool_oldest_at, at),
                                                                     interval '0')), 3)) order by h.place)
                                     from ledger.spools() h))
      || ledger.metric('hookledger_program_seen_timestamp_seconds', 'gauge',
                       'When a program on a host last looked after the ledger.', (
           select array_agg(format('{program="%s",host="%s",version="%s"} %s', ledger.metric_label(h.program),
                                   ledger.metric_label(h.place),
                                   ledger.metric_label(h.version), round(extract(epoch from h.seen_at), 3))
                                   order by h.program, h.place) from ledger.host h))
      || ledger.metric('hookledger_toggl_quota_remaining', 'gauge', 'Requests that Toggl still takes in this window.', (
           select array_agg(format('{connection="%s",organization="%s"} %s', w.connection_id, w.organization_id,
                                   case when w.resets_at <= at then coalesce(w.total, w.remaining)
                                        else greatest(w.remaining, 0) end)
                            order by w.connection_id, w.organization_id)
           from ledger.toggl_window w))
      || ledger.metric('hookledger_toggl_quota_limit', 'gauge', 'Requests in a whole window.', (
           select array_agg(format('{connection="%s",organization="%s"} %s', w.connection_id, w.organization_id,
                                   w.total)
                            order by w.connection_id, w.organization_id)
           from ledger.toggl_window w where w.total is not null))
      || ledger.metric('hookledger_toggl_quota_resets_timestamp_seconds', 'gauge', 'When the window ends.', (
           select array_agg(format('{connection="%s",organization="%s"} %s', w.connection_id, w.organization_id,
                                   round(extract(epoch from w.resets_at), 3))
                            order by w.connection_id, w.organization_id)
           from ledger.toggl_window w))
      || ledger.metric('hookledger_toggl_subscriptions', 'gauge', 'Subscriptions at Toggl, by what is so with them.', (
           select array_agg(format('{state="%s"} %s', t.state, t.n) order by t.state)
           from (select x.state, count(*) as n from ledger.toggl_subscription s
                 cross join lateral ledger.toggl_state(s) x
                 where s.deleted_at is null group by x.state) t))
      || ledger.metric('hookledger_alerts_waiting', 'gauge', 'Alert messages that are not sent yet.', array[
           format(' %s', (select count(*) from ledger.alert_message m where m.sent_at is null and m.dropped_at is null
                          and not m.is_test))]);
end
$$;
comment on function ledger.metrics_around(timestamptz, text) is 'Metrics of findings, hosts, and what is at Toggl.';

create function ledger.spools()
returns setof ledger.host
language sql stable set search_path = ledger, pg_temp
as $$
  select distinct on (h.place) h.* from ledger.host h
  where h.spool_records is not null and h.spool_seen_at > now() - interval '1 day'
  order by h.place, h.spool_seen_at desc
$$;
comment on function ledger.spools() is 'The last known state of the spool of each host, not older than a day.';

create function ledger.event_counts_refresh(most bigint)
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  perform set_config('synchronous_commit', 'off', true);
  if (select w.read_at < ledger.clock() - interval '15 seconds' from ledger.monitor w) then
    perform ledger.event_counts_update(most);
  end if;
end
$$;
comment on function ledger.event_counts_refresh(bigint) is
  'Counts new events of the ledger, at most so many, unless this was done just now.';
