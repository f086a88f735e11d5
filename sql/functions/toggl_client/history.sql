-- History: loads the time entries from before the callbacks. The job history_plan asks Toggl for the sums
-- and for one page, and says what a load would take; the job history loads it, a calendar year at a
-- time, the newest first. Jobs and their quota: see job.sql. How an entry becomes an event: see
-- entries.sql. What is not a time entry is loaded by the job load.

-- ---- what is found out about Toggl

create function ledger.toggl_probed(workspace bigint, subject text)
returns jsonb
language sql stable set search_path = ledger, pg_temp
return (select p.value from ledger.toggl_probe p
        where p.workspace_id = workspace and p.subject = toggl_probed.subject
          and (p.value <> 'false' or p.seen_at > ledger.clock() - interval '30 days'));
comment on function ledger.toggl_probed(bigint, text) is
  'What was found out about a workspace at Toggl; null: nothing yet, or so long ago that it is tried again.';

create function ledger.toggl_probe_set(workspace bigint, subject text, value jsonb)
returns void
language sql set search_path = ledger, pg_temp
as $$
  insert into ledger.toggl_probe as p (workspace_id, subject, value, seen_at)
  values (workspace, subject, value, ledger.clock())
  on conflict (workspace_id, subject) do update set value = excluded.value, seen_at = excluded.seen_at
$$;
comment on function ledger.toggl_probe_set(bigint, text, jsonb) is 'Remembers what was found out about a workspace.';

-- ---- the requests

create function ledger.report_request(step jsonb, out api text, out method text, out path text, out body jsonb)
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  home constant text := step ->> 'ws';
  -- Rounding would change the seconds of each entry.
  exactly constant jsonb := '{"rounding": 0, "rounding_minutes": 0}';
begin
  api := 'reports';
  method := 'POST';
  case step ->> 'do'
  when 'entries' then
    path := '/workspace/' || home || '/search/time_entries';
    body := exactly || jsonb_build_object('start_date', step -> 'from', 'end_date', step -> 'until', 'page_size',
                                          step -> 'size', 'enrich_response', true, 'order_by', 'date', 'order_dir',
                                          'DESC') || coalesce(step -> 'cursor', '{}') || coalesce(step -> 'only', '{}');
  when 'totals' then
    path := '/workspace/' || home || '/search/time_entries/totals';
    body := exactly || jsonb_build_object('start_date', step -> 'from', 'end_date', step -> 'until', 'granularity',
                                          'day', 'resolution', 'day', 'with_graph', true);
  when 'weekly' then
    path := '/workspace/' || home || '/weekly/time_entries';
    body := exactly || jsonb_build_object('start_date', step -> 'from', 'end_date', step -> 'until', 'calculate',
                                          'time');
  when 'confirm' then
    path := '/workspace/' || home || '/search/time_entries';
    body := exactly || jsonb_build_object('start_date', step -> 'from', 'end_date', step -> 'until',
                                          'time_entry_ids', step -> 'ids' || (step -> 'control'), 'page_size',
                                          greatest(jsonb_array_length(step -> 'ids') + 1, 50), 'enrich_response', true);
  when 'event_log' then
    api := 'webhooks';
    method := 'GET';
    body := null;
    path := '/subscriptions/' || home || '/' || (step ->> 'id') || '/events?offset=' || (step ->> 'offset');
  when 'my_entries' then
    api := 'track';
    method := 'GET';
    body := null;
    path := '/me/time_entries?' || case when step ? 'since' then 'since=' || (step ->> 'since')
                                        else 'start_date=' || (step ->> 'from') || '&end_date=' || (step ->> 'until')
                                        end;
  end case;
end
$$;
comment on function ledger.report_request(jsonb) is
  'The request of a step that reads time entries or sums. size, cursor, only: page size, the three values of the last '
  'answer''s cursor, and further filters of the detailed report.';

-- ---- the job

create function ledger.history_windows(first date, last date)
returns table (from_day date, until_day date)
language sql immutable set search_path = ledger, pg_temp
as $$
  select greatest(y, first), least((y + interval '1 year')::date - 1, last)
  from (select g::date as y from generate_series(date_trunc('year', first::timestamp), last::timestamp, '1 year') g) w
  order by y desc
$$;
comment on function ledger.history_windows(date, date) is
  'The parts of a range of days that are loaded one after the other: calendar years, the newest first.';

create function ledger.history_from(given jsonb)
returns date
language plpgsql stable set search_path = ledger, pg_temp set timezone = 'UTC'
as $$
declare
  horizon constant timestamptz := (select s.horizon from ledger.state s);
  wanted date;
begin
  if given ->> 'from' is null then
    perform ledger.refuse('history.no_date');
  end if;
  begin
    if given ->> 'from' !~ '^\d{4}-\d\d-\d\d$' then
      raise datetime_field_overflow;
    end if;
    wanted := (given ->> 'from')::date;
  exception when datetime_field_overflow or invalid_datetime_format then
    perform ledger.refuse('day.malformed');
  end;
  if wanted > ledger.clock()::date then
    perform ledger.refuse('history.future', jsonb_build_object('day', wanted));
  end if;
  -- (Toggl has existed since 2006)
  return greatest(wanted, '2006-01-01', case when isfinite(horizon) then horizon::date end);
end
$$;
comment on function ledger.history_from(jsonb) is
  'The first day that a job of history loads, by its arguments: not before the horizon of retention. 22023: none is '
  'given, or it is no day of the past.';

create function ledger.history_steps(job_kind text, connection bigint, home bigint, given jsonb)
returns jsonb
language plpgsql set search_path = ledger, pg_temp set timezone = 'UTC'
as $$
declare
  first constant date := ledger.history_from(given);
  last constant date := ledger.clock()::date;
  -- Reports v3 documents no limit of a page; what is refused is halved.
  size constant integer := 1000;
begin
  if job_kind = 'history_plan' then
    return (
      select jsonb_agg(jsonb_build_object('ws', w.workspace_id, 'then', 'plan', 'do', s.what,
               'size', coalesce(ledger.toggl_probed(w.workspace_id, 'page_size'), to_jsonb(size)),
               'from', case s.what when 'totals' then first
                            else (select l.from_day from ledger.history_windows(first, last) l limit 1) end,
               'until', last) order by w.workspace_id, s.place)
      from ledger.toggl_workspace w, unnest('{totals,entries}'::text[]) with ordinality s (what, place)
      where w.connection_id = connection and (home is null or w.workspace_id = home));
  end if;
  -- The user's own entries come whole from the Track API, which knows the last 90 days.
  return jsonb_build_array(
      jsonb_build_object('do', 'my_entries', 'from', greatest(first, last - 88), 'until', last + 1),
      jsonb_build_object('do', 'my_entries', 'since',
                         extract(epoch from greatest(first::timestamptz, ledger.clock() - interval '88 days'))::bigint))
    || (select jsonb_agg(jsonb_build_object('do', 'entries', 'ws', w.workspace_id, 'window', l.from_day,
                 -- Days are those of each entry's user's zone: so a day more on both sides.
                 'from', l.from_day - 1, 'until', l.until_day + 1,
                 'size', coalesce(ledger.toggl_probed(w.workspace_id, 'page_size'), to_jsonb(size)))
                 order by l.from_day desc, w.workspace_id)
        from ledger.toggl_workspace w
        cross join ledger.history_windows(first, last) l
        where w.connection_id = connection and (home is null or w.workspace_id = home)
          -- A load that failed goes on where it was.
          and not exists (select from ledger.history_window o
                          where o.workspace_id = w.workspace_id and o.from_day = l.from_day
                            and o.until_day = l.until_day and o.loaded_at > ledger.clock() - interval '12 hours'));
end
$$;
comment on function ledger.history_steps(text, bigint, bigint, jsonb) is
  'The first steps of a job history_plan or history of these workspaces. A window that was loaded within 12 hours is '
  'not loaded again.';

create function ledger.history_begin(job ledger.toggl_job)
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  perform ledger.event_before_extend();
  delete from ledger.history_window o
  using jsonb_array_elements(job.queue) q
  where q ->> 'do' = 'entries' and o.workspace_id = (q -> 'ws')::bigint
    and daterange(o.from_day, o.until_day, '[]')
        && daterange((q ->> 'from')::date + 1, (q ->> 'until')::date - 1, '[]');
  insert into ledger.history_window (workspace_id, from_day, until_day, job_id)
  select (q -> 'ws')::bigint, (q ->> 'from')::date + 1, (q ->> 'until')::date - 1, job.job_id
  from jsonb_array_elements(job.queue) q where q ->> 'do' = 'entries';
end
$$;
comment on function ledger.history_begin(ledger.toggl_job) is
  'Prepares a load: the windows of its queue, and the partition for old events.';

create function ledger.history_page(job ledger.toggl_job, step jsonb, headers jsonb, parsed jsonb, inout bad jsonb,
                                    out more jsonb, out note jsonb, inout state jsonb)
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  home constant bigint := (step -> 'ws')::bigint;
  entries constant jsonb := ledger.entries_of_report(home, parsed);
  ids constant jsonb := (select coalesce(jsonb_agg(e -> 'id'), '[]') from jsonb_array_elements(entries) e);
  cursor jsonb := jsonb_strip_nulls(jsonb_build_object(
    'first_id', ledger.toggl_number(headers -> 'X-Next-ID'),
    'first_row_number', ledger.toggl_number(headers -> 'X-Next-Row-Number'),
    'first_timestamp', ledger.toggl_number(headers -> 'X-Next-Timestamp')));
  begins date;
  stored integer;
  pages integer;
begin
  more := '[]';
  if jsonb_typeof(parsed) <> 'array'
     or ids = '[]' and exists (select from jsonb_array_elements(parsed)) then
    bad := ledger.coded('history.no_list', jsonb_build_object('workspace_id', home));
    return;
  end if;
  if cursor <> '{}' and (select count(*) from jsonb_object_keys(cursor)) < 3 then
    bad := ledger.coded('history.cursor_incomplete', jsonb_build_object('workspace_id', home));
    return;
  end if;
  if cursor <> '{}' and (cursor in (step -> 'cursor', state #> '{mark,cursor}')
                         or ids <@ coalesce(state -> 'page', '[]')
                         or ids <@ coalesce(state #> '{mark,page}', '[]')) then
    bad := ledger.coded('history.cursor_repeats', jsonb_build_object('workspace_id', home));
    return;
  end if;
  stored := ledger.toggl_arrive_entries(job, home, entries, 'backfill', ledger.clock());
  update ledger.history_window w
  set started_at = coalesce(w.started_at, ledger.clock()), requests = w.requests + 1,
      entries = w.entries + jsonb_array_length(ids), recorded = w.recorded + stored
  where w.workspace_id = home and w.from_day = (step ->> 'window')::date;
  -- One page is marked, after 1, 2, 4, 8, … pages: a round of any length comes to it again.
  pages := coalesce((state -> 'pages')::integer, 0) + 1;
  state := state || jsonb_build_object('page', ids, 'pages', pages);
  if pages & (pages - 1) = 0 then
    state := state || jsonb_build_object('mark', jsonb_build_object('cursor', cursor, 'page', ids));
  end if;
  if headers ->> 'X-Range-Start' ~ '^\d{4}-\d\d-\d\d' then
    begins := left(headers ->> 'X-Range-Start', 10)::date;
  end if;
  if begins > (step ->> 'window')::date and not coalesce(state -> 'cut' ? home::text, false) then
    state := jsonb_set(state, '{cut}', coalesce(state -> 'cut', '{}') || jsonb_build_object(home, begins));
    note := ledger.coded('history.range_cut', jsonb_build_object('workspace_id', home, 'from', begins));
  end if;
  if cursor <> '{}' then
    more := jsonb_build_array(step || jsonb_build_object('cursor', cursor));
  else
    state := state - '{page,pages,mark}'::text[];
    more := jsonb_build_array(jsonb_build_object('do', 'totals', 'ws', home, 'window', step -> 'window', 'from',
                                                 step -> 'window', 'until', (step ->> 'until')::date - 1));
  end if;
exception when datetime_field_overflow or invalid_datetime_format then
  bad := ledger.coded('history.no_list', jsonb_build_object('workspace_id', home));
end
$$;
comment on function ledger.history_page(ledger.toggl_job, jsonb, jsonb, jsonb, jsonb, jsonb) is
  'Evaluates a page of the detailed report: stores what is new, and returns the step for the next page, or for the '
  'sums of the window after the last one. A cursor that repeats, and a page with nothing that the one before did not '
  'have, end the job: else it would go round for ever.';

create function ledger.totals_by_day(parsed jsonb, first date)
returns table (day date, seconds bigint)
language sql immutable set search_path = ledger, pg_temp
as $$
  select first + (g.place - 1)::integer, coalesce(ledger.toggl_number(g.one -> 'seconds'), 0)
  from jsonb_array_elements(case jsonb_typeof(parsed -> 'graph') when 'array' then parsed -> 'graph' else '[]' end)
         with ordinality g (one, place)
  where coalesce(parsed ->> 'resolution', 'day') = 'day'
$$;
comment on function ledger.totals_by_day(jsonb, date) is
  'The seconds of each day in an answer with sums that begins with this day; no row when it has none by day.';

create function ledger.history_totals(step jsonb, parsed jsonb, inout state jsonb, out note jsonb)
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  home constant bigint := (step -> 'ws')::bigint;
  first constant date := step ->> 'from';
  last constant date := step ->> 'until';
  compared record;
  loaded ledger.history_window;
begin
  -- A day before the range that Toggl gives cannot be known.
  with here as (select s.day, sum(s.seconds)::bigint as seconds
                from ledger.seconds_by_day(home, first, last) s group by s.day),
  both_sides as (
    select d.day, coalesce(h.seconds, 0) as here, t.seconds as there
    from (select g::date as day from generate_series(first::timestamp, last::timestamp, '1 day') g) d
    left join here h on h.day = d.day
    left join (select t.* from ledger.totals_by_day(parsed, first) t
               where t.day >= coalesce((state -> 'cut' ->> home::text)::date, t.day)) t on t.day = d.day)
  select array_agg(b.day order by b.day) as days, array_agg(b.here order by b.day) as here,
         array_agg(b.there order by b.day) as there, sum(b.here)::bigint as seconds_here,
         sum(b.there)::bigint as seconds_there, count(*) filter (where b.here <> b.there) as differing,
         count(*) filter (where b.there is null) as unknown
  into compared
  from both_sides b;
  perform ledger.completeness_set(home, compared.days, array_fill(0::bigint, array[cardinality(compared.days)]),
                                  compared.here, compared.there,
                                  array_fill(true, array[cardinality(compared.days)]));
  update ledger.history_window w
  set loaded_at = ledger.clock(), requests = w.requests + 1, seconds_here = compared.seconds_here,
      seconds_toggl = coalesce(compared.seconds_there, ledger.toggl_number(parsed -> 'seconds'))
  where w.workspace_id = home and w.from_day = (step ->> 'window')::date
  returning w.* into loaded;
  note := ledger.coded_list(
    ledger.coded('history.window', jsonb_build_object('workspace_id', home, 'from', first, 'until', last, 'entries',
                                                      loaded.entries, 'recorded', loaded.recorded, 'requests',
                                                      loaded.requests)),
    case when compared.differing > 0 then
           ledger.coded('history.differs', jsonb_build_object('count', compared.differing)) end,
    case when compared.unknown > 0 then
           ledger.coded('history.unknown', jsonb_build_object('count', compared.unknown)) end);
end
$$;
comment on function ledger.history_totals(jsonb, jsonb, jsonb) is
  'Ends a window: compares Toggl''s sums by day with ours and stores the result in ledger.completeness.';

create function ledger.history_planned(job ledger.toggl_job, state jsonb, reserve bigint)
returns jsonb
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  planned record;
  quota record;
  hours integer;
  shown jsonb;
begin
  select count(*) as workspaces, sum((p.value -> 'entries')::bigint) as entries,
         sum((p.value -> 'requests')::bigint) + 2 as requests, min(p.value ->> 'from') as first
  into planned
  from jsonb_each(state -> 'plan') p;
  -- The window with the smallest quota of the organizations concerned.
  select coalesce(w.total, 30) as total,
         case when w.resets_at <= ledger.clock() then coalesce(w.total, 30) else w.remaining end as remaining
  into quota
  from jsonb_each(state -> 'plan') p
  join ledger.toggl_workspace h on h.workspace_id = p.key::bigint
  join ledger.toggl_window w on w.connection_id = job.connection_id and w.organization_id = h.organization_id
  order by 1 limit 1;
  hours := ceil(greatest(planned.requests - quota.remaining, 0)
                / greatest(quota.total - least(reserve, quota.total / 2), 1)::numeric);
  shown := jsonb_build_object('entries', planned.entries, 'requests', planned.requests, 'from', planned.first);
  return ledger.coded_list(
    case when planned.first > job.given ->> 'from' and planned.first > '2006-01-01' then
           ledger.coded('history.range_horizon', jsonb_build_object('from', planned.first)) end,
    case when planned.requests <= quota.remaining then ledger.coded('history.plan_now', shown)
         else ledger.coded('history.plan_hours', shown || jsonb_build_object(
                'hours', hours, 'total', quota.total, 'reserve', reserve)) end);
end
$$;
comment on function ledger.history_planned(ledger.toggl_job, jsonb, bigint) is
  'What a load would take, from the sums and the page that a plan has asked for.';

create function ledger.history_plan_step(step jsonb, headers jsonb, parsed jsonb, inout state jsonb)
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  home constant text := step ->> 'ws';
  held jsonb := coalesce(state -> 'plan' -> home, '{}');
  sample record;
  entries bigint;
  pages bigint;
begin
  if step ->> 'do' = 'totals' then
    held := jsonb_build_object('from', step -> 'from', 'until', step -> 'until', 'seconds', coalesce(
      ledger.toggl_number(parsed -> 'seconds'),
      (select sum(t.seconds) from ledger.totals_by_day(parsed, (step ->> 'from')::date) t), 0));
  else
    select count(*) as entries, sum(ledger.toggl_number(e -> 'duration'))::bigint as seconds into sample
    from jsonb_array_elements(ledger.entries_of_report(home::bigint, parsed)) e;
    entries := case when not headers ? 'X-Next-ID' and (step ->> 'from')::date = (held ->> 'from')::date
                    then sample.entries
                    when coalesce(sample.seconds, 0) = 0 then sample.entries
                    else greatest(round((held -> 'seconds')::numeric * sample.entries / sample.seconds), sample.entries)
                    end;
    -- A page for each part of a year and its sums, and a page for each full one.
    select count(*) into pages from ledger.history_windows((held ->> 'from')::date, (held ->> 'until')::date);
    held := held || jsonb_build_object('entries', entries, 'requests',
      pages * 2 + entries / greatest(coalesce(ledger.toggl_number(headers -> 'X-Page-Size'),
                                              (step -> 'size')::bigint), 1));
  end if;
  state := jsonb_set(state, '{plan}', coalesce(state -> 'plan', '{}') || jsonb_build_object(home, held));
end
$$;
comment on function ledger.history_plan_step(jsonb, jsonb, jsonb, jsonb) is
  'Evaluates an answer of a plan: the sums, then one page, from which the number of entries is estimated.';

create function ledger.toggl_step_history(
  job ledger.toggl_job, step jsonb, status bigint, parsed jsonb, message jsonb, how jsonb, headers jsonb,
  inout bad jsonb, inout queue jsonb, inout state jsonb, out note jsonb, out more jsonb)
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  home constant bigint := (step -> 'ws')::bigint;
  which constant jsonb := jsonb_build_object('workspace_id', home, 'message', message);
  size constant bigint := step -> 'size';
  asked record;
begin
  more := '[]';
  if status in (401, 402, 403) and bad is not null then
    bad := case status when 402 then ledger.coded('history.not_in_plan', which)
                when 403 then ledger.coded('history.no_right', which) else bad end;
    -- (sums only prove that the tables are complete, and the user's own entries are in the report too)
    if status <> 401 and step ->> 'do' <> 'entries' and not step ? 'then' then
      note := bad;
      bad := null;
    end if;
    return;
  end if;
  if bad is not null then
    return;
  end if;
  if status = 400 and step ->> 'do' = 'entries' and size > 50 and not step ? 'cursor' then
    -- Perhaps the page is too large.
    more := jsonb_build_array(step || jsonb_build_object('size', size / 2));
    return;
  end if;
  if status = 200 and parsed is null and coalesce((step -> 'broken')::integer, 0) < 3 then
    -- Half an answer: the same request again.
    more := jsonb_build_array(step || jsonb_build_object('broken', coalesce((step -> 'broken')::integer, 0) + 1));
    return;
  end if;
  if status <> 200 or parsed is null then
    if step ->> 'do' = 'totals' and not step ? 'then' or step ->> 'do' = 'my_entries' then
      note := ledger.coded('history.not_compared', which);
    else
      bad := message;
    end if;
    return;
  end if;
  if step ? 'size' then
    perform ledger.toggl_probe_set(home, 'page_size', to_jsonb(size));
  end if;
  step := step - 'broken';
  if step ->> 'then' = 'plan' then
    state := ledger.history_plan_step(step, headers, parsed, state);
    if not queue @> '[{"then": "plan"}]' then
      note := ledger.history_planned(job, state, (how -> 'reserve')::bigint);
    end if;
    return;
  end if;
  case step ->> 'do'
  when 'my_entries' then
    perform ledger.toggl_arrive_entries(job, w.workspace_id,
                                        case jsonb_typeof(parsed) when 'array' then parsed else '[]' end, 'backfill',
                                        ledger.clock())
    from ledger.toggl_workspace w
    where w.connection_id = job.connection_id
      and (not job.given ? 'workspace' or w.workspace_id = (job.given -> 'workspace')::bigint);
  when 'entries' then
    select p.* into asked from ledger.history_page(job, step, headers, parsed, bad, state) p;
    bad := asked.bad;
    more := asked.more;
    note := asked.note;
    state := asked.state;
  when 'totals' then
    select t.* into asked from ledger.history_totals(step, parsed, state) t;
    note := asked.note;
    state := asked.state;
  end case;
-- Otherwise the courier would ask for the same answer again and again.
exception when data_exception then
  bad := ledger.coded('history.no_list', which);
end
$$;
comment on function ledger.toggl_step_history(ledger.toggl_job, jsonb, bigint, jsonb, jsonb, jsonb, jsonb, jsonb, jsonb,
  jsonb) is
  'Part of ledger.toggl_step(): answers of the jobs history_plan and history.';
