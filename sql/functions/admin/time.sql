-- The admin page: running timers, and tracked time by day, project and person.

create function ledger.day_of(given text, called text)
returns date
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  if given !~ '^\d{4}-\d{2}-\d{2}$' then
    perform ledger.refuse('day.named_malformed', jsonb_build_object('name', called));
  end if;
  return given::date;
exception when datetime_field_overflow or invalid_datetime_format then
  perform ledger.refuse('day.named_malformed', jsonb_build_object('name', called));
end
$$;
comment on function ledger.day_of(text, text) is
  'A day given as text; null: none was given. `called`: its name, for the error.';

create function admin.time_read(who ledger.operator, request admin.request)
returns admin.answer
-- A month of hundreds of people has tens of thousands of rows; they must not go to disk.
language plpgsql set search_path = ledger, pg_temp set jit = off set work_mem = '32MB'
as $$
declare
  clock timestamptz := ledger.clock();
  today date := (clock at time zone who.time_zone)::date;
  first date := coalesce(ledger.day_of(nullif(request.query ->> 'from', ''), 'from'),
                         date_trunc('week', today::timestamp)::date);
  last date := coalesce(ledger.day_of(nullif(request.query ->> 'until', ''), 'until'), today);
  of_workspace bigint := ledger.id_of(request.query ->> 'workspace', 'workspace');
begin
  if last < first or last - first > 400 then
    perform ledger.refuse('range.malformed');
  end if;
  return (
  with piece as materialized (
    select t.bucket_start, t.workspace_id, t.user_id, t.project_id, t.billable, sum(t.seconds)::bigint as seconds
    from toggl.tracked(first, last + 1, who.time_zone, 'day', clock, '{user,project}') t
    where of_workspace is null or t.workspace_id = of_workspace
    group by 1, 2, 3, 4, 5)
  select ledger.answer(jsonb_build_object(
    'zone', who.time_zone, 'from', first, 'until', last,
    'running', coalesce((
      select jsonb_agg(jsonb_build_object('workspace_id', r.workspace_id::text, 'entry_id', r.time_entry_id::text,
                                          'user', r.user_name,
                                          'description', r.description, 'project_id', r.project_id::text, 'project',
                                          r.project_name,
                                          'color', p.color, 'start_at', ledger.rfc3339(r.start_at)) order by r.start_at)
      from (select * from toggl.running o where of_workspace is null or o.workspace_id = of_workspace
            order by o.start_at desc limit 200) r
      left join toggl.project p on p.workspace_id = r.workspace_id and p.project_id = r.project_id), '[]'),
    'by_day', coalesce((
      select jsonb_agg(jsonb_build_object('day', d.day, 'project_id', d.project_id::text, 'project', p.name, 'color',
                                          p.color, 'seconds', d.seconds)
                       order by d.day, d.seconds desc, d.project_id)
      from (select o.bucket_start as day, o.workspace_id, o.project_id, sum(o.seconds)::bigint as seconds from piece o
            group by 1, 2, 3) d
      left join toggl.project p on p.workspace_id = d.workspace_id and p.project_id = d.project_id), '[]'),
    'by_project', coalesce((
      select jsonb_agg(jsonb_build_object('project_id', d.project_id::text, 'project', p.name, 'color', p.color,
                                          'seconds', d.seconds,
                                          'billable_seconds', d.billable) order by d.seconds desc, d.project_id)
      from (select o.workspace_id, o.project_id, sum(o.seconds)::bigint as seconds,
            coalesce(sum(o.seconds) filter (where o.billable), 0)::bigint as billable
            from piece o group by 1, 2) d
      left join toggl.project p on p.workspace_id = d.workspace_id and p.project_id = d.project_id), '[]'),
    'by_user', coalesce((
      select jsonb_agg(jsonb_build_object('user_id', d.user_id::text, 'user', u.user_name, 'seconds', d.seconds)
                       order by d.seconds desc, d.user_id)
      from (select o.workspace_id, o.user_id, sum(o.seconds)::bigint as seconds from piece o group by 1, 2) d
      left join toggl.users u on u.workspace_id = d.workspace_id and u.user_id = d.user_id), '[]'))::text));
end
$$;
comment on function admin.time_read(ledger.operator, admin.request) is
  'GET time: the running timers, and seconds by day and project, by project and by person, between two days in the '
  'operator''s time zone. A running timer counts until now.';
