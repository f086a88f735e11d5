-- The part of Toggl's Reports API v3 that reads time entries and sums: the detailed report in pages, its
-- totals, and the week. Part of the interface schema of hookledger-api. Each function takes the
-- account, the workspace, the JSON object of the request's body, and returns a status, a JSON text
-- and the headers of the answer, a line each.

-- ---- which entries

create function ledger.report_values_flaw(asked jsonb)
returns text
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  one record;
begin
  for one in
    select k.name, asked -> k.name as value, k.kind
    from (values ('start_date', 'date'), ('end_date', 'date'), ('page_size', 'number'), ('first_id', 'number'),
                 ('first_row_number', 'number'), ('first_timestamp', 'number'), ('rounding', 'number'),
                 ('rounding_minutes', 'number'), ('min_duration_seconds', 'number'), ('max_duration_seconds', 'number'),
                 ('billable', 'boolean'), ('enrich_response', 'boolean'), ('with_graph', 'boolean'),
                 ('include_time_entry_ids', 'boolean'), ('active', 'boolean'), ('is_active', 'boolean'),
                 ('is_billable', 'boolean'), ('is_private', 'boolean'), ('start', 'number'), ('ids', 'ids'),
                 ('name', 'string'), ('currency', 'string'), ('grouping', 'group'), ('sub_grouping', 'part'),
                 ('description', 'string'), ('time_entry_ids', 'ids'), ('user_ids', 'ids'), ('project_ids', 'ids'),
                 ('client_ids', 'ids'), ('task_ids', 'ids'), ('tag_ids', 'ids'), ('order_by', 'order'),
                 ('order_dir', 'direction'), ('granularity', 'granularity'),
                 ('resolution', 'granularity')) k (name, kind)
    where coalesce(asked -> k.name, 'null') <> 'null'
  loop
    case one.kind
    when 'date' then
      if jsonb_typeof(one.value) <> 'string' or one.value #>> '{}' !~ '^\d{4}-\d\d-\d\d$'
         or not ledger.is_good('date', one.value) then
        return ledger.api_text('report_value', one.name, 'YYYY-MM-DD');
      end if;
    when 'number' then
      if ledger.toggl_number(one.value) is null or jsonb_typeof(one.value) <> 'number'
         -- (before 1970 the time of a cursor is negative)
         or ledger.toggl_number(one.value) < 0 and one.name not in ('rounding', 'first_timestamp') then
        return ledger.api_text('report_value', one.name, 'numbers');
      end if;
    when 'boolean' then
      if jsonb_typeof(one.value) <> 'boolean' then
        return ledger.api_text('report_value', one.name, 'true, false');
      end if;
    when 'string' then
      if jsonb_typeof(one.value) <> 'string' then
        return ledger.api_text('report_value', one.name, 'strings');
      end if;
    when 'ids' then
      if jsonb_typeof(one.value) <> 'array' or jsonb_array_length(one.value) > 10000
         or exists (select from jsonb_array_elements(one.value) e
                    where e <> 'null' and (jsonb_typeof(e) <> 'number' or ledger.toggl_number(e) is null)) then
        return ledger.api_text('report_value', one.name, 'lists of numbers');
      end if;
    when 'order' then
      if one.value not in ('"date"', '"last_update"', '"duration"', '"description"', '"user"') then
        return ledger.api_text('report_value', one.name, 'date, user, duration, description, last_update');
      end if;
    when 'group' then
      if one.value not in ('"users"', '"projects"', '"clients"') then
        return ledger.api_text('report_value', one.name, 'users, projects, clients');
      end if;
    when 'part' then
      if one.value not in ('"users"', '"projects"', '"clients"', '"tasks"', '"tags"', '"time_entries"') then
        return ledger.api_text('report_value', one.name, 'users, projects, clients, tasks, tags, time_entries');
      end if;
    when 'direction' then
      if upper(one.value #>> '{}') not in ('ASC', 'DESC') then
        return ledger.api_text('report_value', one.name, 'ASC, DESC');
      end if;
    when 'granularity' then
      if one.value not in ('"day"', '"week"', '"month"') then
        return ledger.api_text('report_value', one.name, 'day, week, month');
      end if;
    end case;
  end loop;
  if asked ? 'page_size' and (asked ->> 'page_size')::bigint not between 1 and 1000 then
    return ledger.api_text('report_value', 'page_size', '1 to 1000');
  end if;
  return null;
end
$$;
comment on function ledger.report_values_flaw(jsonb) is
  'The first value in the body of a request of Reports v3 that is wrong, in Toggl''s words; null: none.';

create function ledger.report_flaw(asked jsonb)
returns text
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  flaw constant text := ledger.report_values_flaw(asked);
begin
  if coalesce(asked ->> 'start_date', asked ->> 'end_date', asked ->> 'time_entry_ids') is null then
    return ledger.api_text('report_empty');
  elsif flaw is not null then
    return flaw;
  end if;
  if coalesce(asked ->> 'end_date', '9999-12-31') < coalesce(asked ->> 'start_date', '0001-01-01') then
    return ledger.api_text('report_range');
  end if;
  return null;
end
$$;
comment on function ledger.report_flaw(jsonb) is
  'What is wrong with the body of a request of Reports v3, in Toggl''s words; null: nothing.';

create function ledger.report_entries(account bigint, workspace bigint, asked jsonb)
returns table (t toggl.time_entry, day date, zone text)
language plpgsql stable set search_path = ledger, pg_temp set jit = off set plan_cache_mode = force_custom_plan
as $$
declare
  own bigint;
  sees_all boolean;
  first constant date := coalesce((asked ->> 'start_date')::date, '0001-01-01');
  last constant date := coalesce((asked ->> 'end_date')::date, '9999-12-31');
  only_entries constant bigint[] := ledger.ids_asked(asked, 'time_entry_ids');
  only_users constant bigint[] := ledger.ids_asked(asked, 'user_ids');
  only_projects constant bigint[] := ledger.ids_asked(asked, 'project_ids');
  only_clients constant bigint[] := ledger.ids_asked(asked, 'client_ids');
  only_tasks constant bigint[] := ledger.ids_asked(asked, 'task_ids');
  only_tags constant bigint[] := ledger.ids_asked(asked, 'tag_ids');
begin
  select a.user_id, m.is_admin into own, sees_all
  from ledger.account a join ledger.member m on m.account_id = a.account_id and m.workspace_id = workspace
  where a.account_id = account;
  return query
    with person as materialized (select z.user_id, z.zone from ledger.user_zones(workspace) z)
    select e, (e.start_at at time zone coalesce(p.zone, 'UTC'))::date, coalesce(p.zone, 'UTC')
    from toggl.time_entry e
    left join person p on p.user_id = e.user_id
    where e.workspace_id = workspace and e.deleted_at is null and e.duration_seconds is not null
      and (only_entries is null or e.time_entry_id = any (only_entries))
      and e.start_at >= (first - 1)::timestamp at time zone 'UTC'
      and e.start_at < (last + 2)::timestamp at time zone 'UTC'
      and (e.start_at at time zone coalesce(p.zone, 'UTC'))::date between first and last
      and (sees_all or ledger.may_see_entry(own, e))
      and (only_users is null or e.user_id = any (only_users))
      and (only_projects is null or coalesce(e.project_id, 0) = any (only_projects))
      and (only_tasks is null or coalesce(e.task_id, 0) = any (only_tasks))
      and (only_tags is null or e.tag_ids && only_tags
           or 0 = any (only_tags) and coalesce(cardinality(e.tag_ids), 0) = 0)
      and (only_clients is null
           or coalesce((select j.client_id from toggl.project j
                        where j.workspace_id = e.workspace_id and j.project_id = e.project_id), 0) = any (only_clients))
      and (asked ->> 'billable' is null or coalesce(e.billable, false) = (asked ->> 'billable')::boolean)
      and (asked ->> 'min_duration_seconds' is null
           or e.duration_seconds >= (asked ->> 'min_duration_seconds')::bigint)
      and (asked ->> 'max_duration_seconds' is null
           or e.duration_seconds <= (asked ->> 'max_duration_seconds')::bigint)
      and (coalesce(asked ->> 'description', '') = ''
           or position(lower(asked ->> 'description') in lower(e.description)) > 0);
end
$$;
comment on function ledger.report_entries(bigint, bigint, jsonb) is
  'The entries of a report that the account may see, with the day on which each starts in the time zone of its user. '
  'Running and deleted entries are in no report.';

create function ledger.ids_asked(asked jsonb, name text)
returns bigint[]
language sql immutable set search_path = ledger, pg_temp
as $$
  select case when jsonb_typeof(asked -> name) = 'array' and asked -> name <> '[]'
              then array(select coalesce(ledger.toggl_number(e), 0) from jsonb_array_elements(asked -> name) e) end
$$;
comment on function ledger.ids_asked(jsonb, text) is
  'A list of numbers of a report''s request, null in it as 0; null: the list is missing or empty, so it filters '
  'nothing.';

-- ---- the reports

create function api.report_detailed(account bigint, workspace bigint, asked jsonb)
returns table (status bigint, body text, headers text)
language plpgsql stable security definer set search_path = ledger, pg_temp set jit = off
as $$
declare
  flaw constant text := ledger.report_flaw(asked);
  last_day constant text := asked ->> 'end_date';
  size integer;
  -- 1: ascending
  direction integer;
  by_what text;
  from_row bigint;
  found jsonb;
  next_id bigint;
  next_key bigint;
begin
  if flaw is not null then
    return query select 400::bigint, to_json(flaw)::text, null::text;
    return;
  end if;
  size := coalesce((asked ->> 'page_size')::integer, 50);
  direction := case when upper(coalesce(asked ->> 'order_dir', 'DESC')) = 'ASC' then 1 else -1 end;
  by_what := coalesce(asked ->> 'order_by', 'date');
  from_row := coalesce((asked ->> 'first_row_number')::bigint, 1);
  -- Two of the three values of the cursor without the third give no rows, as at Toggl.
  if num_nulls(asked ->> 'first_id', asked ->> 'first_row_number', asked ->> 'first_timestamp') in (1, 2) then
    return query select 200::bigint, '[]', 'X-Page-Size: ' || size;
    return;
  end if;
  if asked ->> 'first_id' is not null and by_what = 'date' and direction < 0 then
    -- What lies behind the cursor need not be read. (A day of a zone begins up to a day earlier or later.)
    asked := asked || jsonb_build_object('end_date', least(coalesce((asked ->> 'end_date')::date, '9999-12-31'),
               (to_timestamp((asked ->> 'first_timestamp')::numeric / 1000000) at time zone 'UTC')::date + 2));
  end if;
  with sorted as (
    select (r.t).time_entry_id as id,
           -- (an entry without the value needs a place too, or the next page would not have it)
           direction * coalesce(case by_what when 'duration' then (r.t).duration_seconds::numeric
             when 'user' then (r.t).user_id
             when 'last_update' then floor(extract(epoch from (r.t).updated_at) * 1000000)
             when 'description' then dense_rank() over (order by lower((r.t).description))
             else floor(extract(epoch from (r.t).start_at) * 1000000) end, 0) as key, r.t, r.zone
    from ledger.report_entries(account, workspace, asked) r),
  page as (
    select s.*, from_row + row_number() over (order by s.key, s.id) - 1 as place
    from sorted s
    -- The cursor names the first entry of the next page.
    where asked ->> 'first_id' is null
       or (s.key, s.id) >= (direction * (asked ->> 'first_timestamp')::numeric, (asked ->> 'first_id')::bigint)
    order by s.key, s.id
    limit size + 1)
  select jsonb_agg(jsonb_build_object(
           'user_id', (p.t).user_id, 'username', coalesce(u.user_name, ''), 'project_id', (p.t).project_id, 'task_id',
           (p.t).task_id, 'billable', coalesce((p.t).billable, false), 'description', coalesce((p.t).description, ''),
           'tag_ids', coalesce(to_jsonb((p.t).tag_ids), '[]'), 'billable_amount_in_cents', null,
           'hourly_rate_in_cents', null, 'currency', null, 'row_number', p.place,
           'time_entries', jsonb_build_array(jsonb_build_object(
             'id', (p.t).time_entry_id, 'seconds', (p.t).duration_seconds, 'start',
             ledger.rfc3339((p.t).start_at, p.zone), 'stop',
             ledger.rfc3339(coalesce((p.t).stop_at,
                                     (p.t).start_at + (p.t).duration_seconds * interval '1 second'), p.zone),
             'at', ledger.rfc3339((p.t).updated_at), 'at_tz', ledger.rfc3339((p.t).updated_at, p.zone))))
         || case when asked -> 'enrich_response' = 'true' then jsonb_build_object(
              'email', u.user_email, 'project_name', j.name, 'project_color', j.color, 'project_hex', j.color,
              'client_name', c.name, 'task_name', k.name, 'tag_names', coalesce(to_jsonb((p.t).tags), '[]'))
              else '{}' end
         order by p.place) filter (where p.place < from_row + size),
         -- the first entry of the next page
         (array_agg(p.id order by p.place))[size + 1],
         (array_agg((direction * p.key)::bigint order by p.place))[size + 1]
  into found, next_id, next_key
  from page p
  left join toggl.users u on u.workspace_id = workspace and u.user_id = (p.t).user_id
  left join toggl.project j on j.workspace_id = workspace and j.project_id = (p.t).project_id
  left join toggl.client c on c.workspace_id = workspace and c.client_id = j.client_id
  left join toggl.task k on k.workspace_id = workspace and k.task_id = (p.t).task_id;
  return query
    select 200::bigint, coalesce(found, '[]')::text,
           concat_ws(E'\n', 'X-Page-Size: ' || size, 'X-Range-Start: ' || (asked ->> 'start_date'),
                     'X-Range-End: ' || last_day,
                     'X-Next-ID: ' || next_id,
                     'X-Next-Row-Number: ' || case when next_id is not null then from_row + size end,
                     'X-Next-Timestamp: ' || next_key);
end
$$;
comment on function api.report_detailed(bigint, bigint, jsonb) is
  'POST /workspace/{id}/search/time_entries: the detailed report in pages. An item has one entry; amounts are not '
  'told. The answer''s headers X-Next-ID, X-Next-Row-Number and X-Next-Timestamp, sent back, give the next page.';

create function api.report_totals(account bigint, workspace bigint, asked jsonb)
returns table (status bigint, body text, headers text)
language plpgsql stable security definer set search_path = ledger, pg_temp set jit = off
as $$
declare
  flaw text := case when num_nulls(asked ->> 'start_date', asked ->> 'end_date') = 0
                      then ledger.report_flaw(asked) else ledger.api_text('report_empty') end;
  unit constant text := coalesce(asked ->> 'granularity', asked ->> 'resolution', 'day');
begin
  if flaw is null and (asked ->> 'end_date')::date - (asked ->> 'start_date')::date > 36600 then
    flaw := ledger.api_text('report_range');
  end if;
  if flaw is not null then
    return query select 400::bigint, to_json(flaw)::text, null::text;
    return;
  end if;
  return query
    with entry as materialized (
      select date_trunc(unit, r.day::timestamp)::date as slot, r.day, (r.t).duration_seconds as seconds
      from ledger.report_entries(account, workspace, asked) r),
    slot as (
      select g::date as slot
      from generate_series(date_trunc(unit, (asked ->> 'start_date')::timestamp), (asked ->> 'end_date')::timestamp,
                           ('1 ' || unit)::interval) g)
    select 200::bigint, (jsonb_build_object(
             'seconds', coalesce((select sum(e.seconds) from entry e), 0), 'tracked_days',
             (select count(distinct e.day) from entry e), 'resolution', unit, 'rates', '[]'::jsonb,
             'billable_amount_in_cents', null, 'labour_cost_in_cents', null)
           || case when asked -> 'with_graph' = 'true' then jsonb_build_object('graph', (
                select coalesce(jsonb_agg(jsonb_build_object('seconds', coalesce(s.seconds, 0)) order by g.slot), '[]')
                from slot g
                left join (select e.slot, sum(e.seconds) as seconds from entry e group by e.slot) s
                  on s.slot = g.slot)) else '{}' end)::text,
           'X-Range-Start: ' || (asked ->> 'start_date') || E'\nX-Range-End: ' || (asked ->> 'end_date');
end
$$;
comment on function api.report_totals(bigint, bigint, jsonb) is
  'POST /workspace/{id}/search/time_entries/totals: the sum of the seconds, and with_graph by day, week or month.';

create function api.report_weekly(account bigint, workspace bigint, asked jsonb)
returns table (status bigint, body text, headers text)
language plpgsql stable security definer set search_path = ledger, pg_temp set jit = off
as $$
declare
  flaw text := case when asked ->> 'start_date' is not null then ledger.report_flaw(asked)
                    else ledger.api_text('report_empty') end;
  first date;
begin
  if flaw is not null then
    return query select 400::bigint, to_json(flaw)::text, null::text;
    return;
  end if;
  first := asked ->> 'start_date';
  return query
    select 200::bigint, coalesce((
             select jsonb_agg(jsonb_build_object(
                      'user_id', g.user_id, 'project_id', g.project_id, 'client_id', j.client_id, 'title',
                      jsonb_build_object('user', u.user_name, 'project', j.name), 'seconds', g.seconds)
                      order by g.user_id, g.project_id nulls first)
             from (select b.user_id, b.project_id,
                          (select jsonb_agg(coalesce((b.days ->> (first + d)::text)::bigint, 0) order by d)
                           from generate_series(0, 6) d) as seconds
                   from (select s.user_id, s.project_id, jsonb_object_agg(s.day, s.seconds) as days
                         from (select (r.t).user_id as user_id, (r.t).project_id as project_id, r.day,
                                      sum((r.t).duration_seconds) as seconds
                               from ledger.report_entries(account, workspace, asked || jsonb_build_object(
                                      'end_date', least(coalesce((asked ->> 'end_date')::date, first + 6),
                                                        first + 6))) r
                               group by 1, 2, 3) s
                         group by s.user_id, s.project_id) b) g
             left join toggl.project j on j.workspace_id = workspace and j.project_id = g.project_id
             left join toggl.users u on u.workspace_id = workspace and u.user_id = g.user_id), '[]')::text,
           null::text;
end
$$;
comment on function api.report_weekly(bigint, bigint, jsonb) is
  'POST /workspace/{id}/weekly/time_entries: seconds by user and project of the seven days from start_date on.';
