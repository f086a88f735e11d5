-- Notes the ranges of time in which callbacks may be missing (ledger.repair_range): a subscription at
-- Toggl delivered nothing, a silence ended, the spool lost events, the database was restored. How such
-- a range is closed does not belong here: see repair.sql.

create function ledger.repair_gap(workspace bigint, since timestamptz, until timestamptz, why text)
returns void
language sql set search_path = ledger, pg_temp
as $$
  with wider as (
    update ledger.repair_range r
    set from_at = least(r.from_at, since), until_at = greatest(r.until_at, until)
    where r.workspace_id = workspace and r.closed_at is null and r.reason = why
      -- A comparison that runs does not read days that are added to its range.
      and not exists (select from ledger.toggl_job j where j.job_id = r.job_id and j.finished_at is null)
    returning r.repair_id)
  insert into ledger.repair_range (workspace_id, from_at, until_at, reason, noted_at)
  select w.workspace_id, least(since, until), until, why, ledger.clock()
  from ledger.toggl_workspace w
  join ledger.toggl_connection c on c.connection_id = w.connection_id and c.token_sealed is not null
  where w.workspace_id = workspace and since is not null and not exists (select from wider)
$$;
comment on function ledger.repair_gap(bigint, timestamptz, timestamptz, text) is
  'Notes that callbacks of a workspace may be missing in a range of time, and why: see ledger.repair_range. It joins '
  'an open range of the same reason. Nothing is noted for a workspace that is not connected, or when since is null.';

create function ledger.repair_gap_everywhere(since timestamptz, until timestamptz, why text)
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  perform ledger.repair_gap(w.workspace_id, since, until, why)
  from ledger.toggl_workspace w
  where exists (select from ledger.toggl_subscription s
                where s.workspace_id = w.workspace_id and s.endpoint_id is not null and s.deleted_at is null);
end
$$;
comment on function ledger.repair_gap_everywhere(timestamptz, timestamptz, text) is
  'ledger.repair_gap() for each workspace with a subscription of ours.';

create function ledger.repair_gap_subscriptions(workspace bigint)
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  at constant timestamptz := ledger.clock();
begin
  with state as (
    select s.subscription_id, s.well_at, s.broken_since, s.endpoint_id,
           t.state in ('well', 'filters')
             and exists (select from ledger.endpoint e where e.endpoint_id = s.endpoint_id and e.enabled) as is_well
    from ledger.toggl_subscription s
    cross join lateral ledger.toggl_state(s) t
    where s.workspace_id = workspace and s.endpoint_id is not null and s.deleted_at is null),
  noted as (
    select ledger.repair_gap(workspace, s.broken_since, at, 'disabled')
    from state s where s.is_well and s.broken_since is not null),
  done as (select count(*) from noted)
  update ledger.toggl_subscription o
  set well_at = case when s.is_well then at else s.well_at end,
      broken_since = case when s.is_well then null
                          else coalesce(s.broken_since, least(at, greatest(s.well_at,
                                                                         ledger.last_event_at(s.endpoint_id)))) end
  from state s, done
  where o.workspace_id = workspace and o.subscription_id = s.subscription_id;
end
$$;
comment on function ledger.repair_gap_subscriptions(bigint) is
  'To be called when Toggl has told of subscriptions of a workspace: remembers which of ours deliver, and since when '
  'the others may have delivered nothing. One that delivers again leaves a range to be repaired.';

create function ledger.repair_gap_finding(f ledger.finding, is_over boolean)
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  at constant timestamptz := ledger.clock();
  endpoint constant bigint := substring(f.subject from '^endpoint (\d+)$');
begin
  case
  when is_over and f.kind in ('silence', 'endpoint_mute', 'refused') and endpoint is not null then
    perform ledger.repair_gap(w.workspace_id, coalesce(f.since, f.found_at), at,
                              case f.kind when 'silence' then 'silence' else 'refused' end)
    from (select s.workspace_id from ledger.toggl_subscription s
          where s.endpoint_id = endpoint and s.deleted_at is null
          union select e.workspace_id from ledger.endpoint e where e.endpoint_id = endpoint) w;
  when is_over and f.kind = 'refused' then
    perform ledger.repair_gap_everywhere(coalesce(f.since, f.found_at), at, 'refused');
  when not is_over and f.kind = 'spool_damaged' then
    -- When the damaged records came is not known. A spool is emptied within minutes, and an outage of
    -- more than a week is rare.
    perform ledger.repair_gap_everywhere(at - interval '7 days', at, 'spool');
  else
    null;
  end case;
end
$$;
comment on function ledger.repair_gap_finding(ledger.finding, boolean) is
  'Called when a finding begins and when it is over: notes the ranges to be repaired after a silence, after callbacks '
  'that were refused because neither database nor spool took them, while an endpoint had no valid secret, and when the '
  'spool has lost records.';

create function ledger.repair_gap_coded(r ledger.repair_range)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select case
    when r.closed_at is not null then ledger.coded('finding.gap_closed', p.known || jsonb_build_object(
      'count', coalesce(r.filled, 0), 'days', coalesce(r.unknown_days, 0)))
    else ledger.coded('finding.gap', p.known || jsonb_build_object('reason', r.reason, 'state', case
      when not exists (select from ledger.toggl_workspace w
                       where w.workspace_id = r.workspace_id and w.is_admin) then 'right'
      when exists (select from ledger.toggl_job j where j.job_id = r.job_id and j.finished_at is null) then 'running'
      when exists (select from ledger.toggl_job j where j.job_id = r.job_id and j.failed) then 'failed'
      else 'waiting' end)) end
  from (select jsonb_build_object(
          'workspace', coalesce((select w.name from ledger.toggl_workspace w where w.workspace_id = r.workspace_id),
                                r.workspace_id::text),
          'since_at', ledger.rfc3339(date_trunc('second', r.from_at)),
          'until_at', ledger.rfc3339(date_trunc('second', r.until_at))) as known) p
$$;
comment on function ledger.repair_gap_coded(ledger.repair_range) is
  'A range in a form for people. While it is open, state: right (the token is not an administrator''s, so it cannot be '
  'compared), running, failed (it is tried again) or waiting. When it is closed, count: events that were filled in; '
  'days: those that could not be compared, or still differ.';

create function ledger.findings_gaps()
returns table (kind text, level text, subject text, message jsonb, since timestamptz, link text)
language sql stable set search_path = ledger, pg_temp
as $$
  select 'gap', 'warning', 'gap ' || r.repair_id, ledger.repair_gap_coded(r), r.from_at, '#/toggl/history'
  from ledger.repair_range r
  where r.closed_at is null
  order by r.repair_id desc
  limit 20
$$;
comment on function ledger.findings_gaps() is 'Findings about ranges of time in which callbacks may be missing.';
