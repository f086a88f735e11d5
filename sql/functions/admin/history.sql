-- The admin page about history: what was loaded from Toggl for the time before the callbacks, whether the
-- tables agree with Toggl day by day, and the ranges that are repaired. Its operations start jobs by
-- admin.toggl_ask() (toggl.sql); how these work does not belong here (toggl_client/history.sql, compare.sql).

create function ledger.history_complete_since(workspace bigint)
returns date
language sql stable set search_path = ledger, pg_temp
return (
  select greatest(min(s.from_day), (select t.horizon::date from ledger.state t where isfinite(t.horizon)))
  from (select w.from_day,
               bool_and(w.loaded_at is not null and coalesce(w.until_day >= w.next_day - 1, true))
                 over (order by w.from_day desc) as is_whole
        from (select o.*, lag(o.from_day) over (order by o.from_day desc) as next_day
              from ledger.history_window o where o.workspace_id = workspace) w) s
  where s.is_whole);
comment on function ledger.history_complete_since(bigint) is
  'The first day since which the time entries of a workspace were loaded without a gap, not before the '
  'horizon of retention; null: none were loaded.';

create function admin.toggl_history_read(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  return ledger.answer(json_build_object(
    'workspaces', coalesce((
      select json_agg(json_build_object(
        'id', h.workspace_id::text, 'name', coalesce(h.name, h.workspace_id::text), 'is_admin', h.is_admin,
        'complete_since', ledger.history_complete_since(h.workspace_id),
        'differing', (select count(*) from ledger.completeness c
                      where c.workspace_id = h.workspace_id and c.user_id = 0 and c.state = 'differs'),
        'windows', s.windows, 'loaded', s.loaded, 'entries', s.entries, 'recorded', s.recorded,
        'planned_entries', (
          select (j.state #> array['plan', h.workspace_id::text, 'entries'])::bigint
          from ledger.toggl_job j
          where j.kind = 'history_plan' and j.connection_id = h.connection_id
            and j.state #> array['plan', h.workspace_id::text, 'entries'] is not null
          order by j.job_id desc limit 1)) order by h.name, h.workspace_id)
      from ledger.toggl_workspace h
      join ledger.toggl_connection c on c.connection_id = h.connection_id and c.token_sealed is not null
      cross join lateral (
        select count(*) as windows, count(w.loaded_at) as loaded, coalesce(sum(w.entries), 0)::bigint as entries,
               coalesce(sum(w.recorded), 0)::bigint as recorded
        from ledger.history_window w where w.workspace_id = h.workspace_id) s), '[]'::json),
    'windows', coalesce((
      select json_agg(json_build_object(
        'workspace_id', w.workspace_id::text, 'from', w.from_day, 'until', w.until_day,
        'state', case when w.loaded_at is not null then 'loaded' when w.started_at is not null then 'works'
                      else 'waits' end,
        'loaded_at', ledger.rfc3339(w.loaded_at), 'requests', w.requests, 'entries', w.entries,
        'recorded', w.recorded, 'seconds_here', w.seconds_here, 'seconds_toggl', w.seconds_toggl)
        order by w.workspace_id, w.from_day desc)
      from (select o.* from ledger.history_window o order by o.from_day desc limit 200) w), '[]'::json),
    'job', (select ledger.toggl_job_json(j) from ledger.toggl_job j
            where j.kind = 'history' and (j.finished_at is null or j.failed)
              and not exists (select from ledger.toggl_job n where n.kind = 'history' and n.job_id > j.job_id)
            limit 1),
    'repairs', coalesce((
      select json_agg(json_build_object(
        'id', r.repair_id::text, 'workspace_id', r.workspace_id::text, 'reason', r.reason,
        'from_at', ledger.rfc3339(r.from_at), 'until_at', ledger.rfc3339(r.until_at),
        'closed_at', ledger.rfc3339(r.closed_at), 'filled', r.filled, 'unknown_days', r.unknown_days,
        'state', case when r.closed_at is not null then 'closed' else ledger.repair_gap_coded(r) ->> 'state' end)
        order by r.repair_id desc)
      from (select o.* from ledger.repair_range o order by o.closed_at is not null, o.repair_id desc limit 20) r),
      '[]'::json))::text);
end
$$;
comment on function admin.toggl_history_read(ledger.operator, admin.request) is
  'GET toggl/history: for each connected workspace what was loaded and since when it is complete; the windows of the '
  'loads; the job that loads (null: none does, and the last one did not fail); the last ranges that were repaired.';

create function admin.toggl_completeness(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  home constant bigint := ledger.id_of(request.query ->> 'workspace', 'workspace');
  range record;
begin
  if home is null then
    perform ledger.refuse('toggl.workspace_wanted');
  end if;
  range := ledger.compare_range(jsonb_strip_nulls(jsonb_build_object(
    'from', request.query -> 'from', 'until', request.query -> 'until')));
  return ledger.answer(json_build_object(
    'from', range.first, 'until', range.last,
    'days', coalesce((
      select json_agg(json_build_object('day', c.day, 'state', c.state, 'seconds_here', c.seconds_here,
                                        'seconds_toggl', c.seconds_toggl, 'checked_at', ledger.rfc3339(c.checked_at))
                      order by c.day)
      from ledger.completeness c
      where c.workspace_id = home and c.user_id = 0 and c.day between range.first and range.last), '[]'::json),
    'people', coalesce((
      select json_agg(json_build_object(
        'day', c.day, 'user_id', c.user_id::text, 'user', (
          select u.user_name from toggl.users u where u.workspace_id = home and u.user_id = c.user_id),
        'state', c.state, 'seconds_here', c.seconds_here, 'seconds_toggl', c.seconds_toggl) order by c.day, c.user_id)
      from (select o.* from ledger.completeness o
            where o.workspace_id = home and o.user_id > 0 and o.day between range.first and range.last
              and (o.state = 'differs' or range.first = range.last)
            order by o.day desc, o.user_id limit 500) c), '[]'::json))::text);
end
$$;
comment on function admin.toggl_completeness(ledger.operator, admin.request) is
  'GET toggl/completeness?workspace=&from=&until=: the days that were compared with Toggl, and the persons whose time '
  'differs; of a single day all persons. At most 367 days.';
