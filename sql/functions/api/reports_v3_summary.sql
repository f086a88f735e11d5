-- The summary report of Toggl's Reports API v3, and its lists of users, projects and clients, from which a
-- client takes the names for a report. Part of the interface schema of hookledger-api; arguments and
-- results are as in reports_v3.sql, which says which entries a report has.

create function api.report_summary(account bigint, workspace bigint, asked jsonb)
returns table (status bigint, body text, headers text)
language plpgsql stable security definer set search_path = ledger, pg_temp set jit = off
as $$
declare
  flaw constant text := ledger.report_flaw(asked);
  by_what constant text := coalesce(asked ->> 'grouping', 'projects');
  in_what constant text := coalesce(asked ->> 'sub_grouping', 'time_entries');
begin
  if flaw is not null then
    return query select 400::bigint, to_json(flaw)::text, null::text;
    return;
  end if;
  return query
    with part as (
      select case by_what when 'users' then e.user_id when 'clients' then e.client_id else e.project_id end as group_id,
             i.id, case in_what when 'time_entries' then coalesce(e.description, '') end as description,
             sum(e.duration_seconds) as seconds, jsonb_agg(e.time_entry_id order by e.time_entry_id) as ids
      from (select (r.t).*, j.client_id
            from ledger.report_entries(account, workspace, asked) r
            left join toggl.project j on j.workspace_id = workspace and j.project_id = (r.t).project_id) e
      -- An entry with several tags counts for each of them.
      cross join lateral unnest(
        case when in_what = 'tags' and cardinality(e.tag_ids) > 0 then e.tag_ids
             else array[case in_what when 'users' then e.user_id when 'clients' then e.client_id
                          when 'projects' then e.project_id when 'tasks' then e.task_id end] end) i (id)
      group by 1, 2, 3),
    named as (
      select p.*, coalesce(p.description, case in_what
               when 'users' then (select u.user_name from toggl.users u
                                  where u.workspace_id = workspace and u.user_id = p.id)
               when 'projects' then (select j.name from toggl.project j
                                     where j.workspace_id = workspace and j.project_id = p.id)
               when 'clients' then (select c.name from toggl.client c
                                    where c.workspace_id = workspace and c.client_id = p.id)
               when 'tasks' then (select k.name from toggl.task k
                                  where k.workspace_id = workspace and k.task_id = p.id)
               when 'tags' then (select g.name from toggl.tag g
                                 where g.workspace_id = workspace and g.tag_id = p.id) end) as title
      from part p)
    select 200::bigint, jsonb_build_object('groups', coalesce((
             select jsonb_agg(jsonb_build_object('id', g.group_id, 'sub_groups', g.parts)
                              order by g.group_id nulls first)
             from (select n.group_id, jsonb_agg(
                            jsonb_build_object('id', n.id, 'title', n.title, 'seconds', n.seconds, 'rates', '[]'::jsonb,
                                               'billable_rates', '[]'::jsonb)
                            || case when asked -> 'include_time_entry_ids' = 'true'
                                    then jsonb_build_object('ids', n.ids) else '{}' end
                            order by n.title nulls first, n.id) as parts
                   from named n group by n.group_id) g), '[]'))::text,
           concat_ws(E'\n', 'X-Grouping: ' || by_what, 'X-Sub-Grouping: ' || in_what,
                     'X-Range-Start: ' || (asked ->> 'start_date'), 'X-Range-End: ' || (asked ->> 'end_date'));
end
$$;
comment on function api.report_summary(bigint, bigint, jsonb) is
  'POST /workspace/{id}/summary/time_entries: seconds by two things, by default by project and description; rates are '
  'not told.';

-- ---- names

create function ledger.filter_flaw(asked jsonb, most integer)
returns text
language sql stable set search_path = ledger, pg_temp
as $$
  select coalesce(ledger.report_values_flaw(asked),
                  case when cardinality(ledger.ids_asked(asked, 'ids')) > most
                       then ledger.api_text('report_ids', most::text) end)
$$;
comment on function ledger.filter_flaw(jsonb, integer) is
  'The first error in the body of a request for names, which may list so many numbers; null: there is none.';

create function api.filter_users(account bigint, workspace bigint, asked jsonb)
returns table (status bigint, body text, headers text)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
declare
  flaw constant text := ledger.filter_flaw(asked, 100);
begin
  if flaw is not null then
    return query select 400::bigint, to_json(flaw)::text, null::text;
    return;
  end if;
  return query
    select 200::bigint, coalesce(jsonb_agg(jsonb_build_object('id', u.user_id, 'name', coalesce(u.name, ''),
                                                              'deleted_at', ledger.rfc3339(u.deleted_at, a.time_zone))
                                           order by u.user_id), '[]')::text, null::text
    from ledger.account a
    cross join lateral (
      select distinct on (w.user_id) w.user_id, w.name, w.deleted_at,
             w.deleted_at is null and not coalesce(w.inactive, false) as is_active
      from ledger.member m
      join toggl.workspace_user w on w.workspace_id = m.workspace_id and w.user_id is not null
      where m.account_id = a.account_id and m.workspace_id = workspace
      order by w.user_id, w.deleted_at nulls first, w.changed_at desc) u
    where a.account_id = account
      and (ledger.ids_asked(asked, 'ids') is null or u.user_id = any (ledger.ids_asked(asked, 'ids')))
      and u.is_active = coalesce((asked ->> 'active')::boolean, true)
      and u.user_id >= coalesce((asked ->> 'start')::bigint, u.user_id);
end
$$;
comment on function api.filter_users(bigint, bigint, jsonb) is
  'POST /workspace/{id}/filters/users: users by ids, active (by default true) and start, the first number.';

create function api.filter_projects(account bigint, workspace bigint, asked jsonb)
returns table (status bigint, body text, headers text)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
declare
  flaw constant text := ledger.filter_flaw(asked, 2000);
  only_ids constant bigint[] := ledger.ids_asked(asked, 'ids');
  only_clients constant bigint[] := ledger.ids_asked(asked, 'client_ids');
begin
  if flaw is not null then
    return query select 400::bigint, to_json(flaw)::text, null::text;
    return;
  end if;
  return query
    select 200::bigint, coalesce(jsonb_agg(jsonb_build_object(
             'id', p.project_id, 'name', coalesce(p.name, ''), 'color', coalesce(p.color, ''), 'client_id', p.client_id,
             'active', coalesce(p.active, true), 'billable', coalesce(p.billable, false), 'currency', p.currency)
             order by p.project_id), '[]')::text, null::text
    from (select p.*
          from ledger.may_see_project(account, workspace) v (project_id)
          join toggl.project p on p.workspace_id = workspace and p.project_id = v.project_id
          where p.deleted_at is null and (only_ids is null or p.project_id = any (only_ids))
            and (only_clients is null or coalesce(p.client_id, 0) = any (only_clients))
            and (coalesce(asked ->> 'name', '') = '' or position(lower(asked ->> 'name') in lower(p.name)) > 0)
            and (asked ->> 'is_active' is null or coalesce(p.active, true) = (asked ->> 'is_active')::boolean)
            and (asked ->> 'is_billable' is null or coalesce(p.billable, false) = (asked ->> 'is_billable')::boolean)
            and (asked ->> 'is_private' is null or coalesce(p.is_private, false) = (asked ->> 'is_private')::boolean)
            and (asked ->> 'currency' is null or p.currency = asked ->> 'currency')
            and p.project_id >= coalesce((asked ->> 'start')::bigint, p.project_id)
          order by p.project_id
          limit coalesce((asked ->> 'page_size')::integer, 201)) p;
end
$$;
comment on function api.filter_projects(bigint, bigint, jsonb) is
  'POST /workspace/{id}/filters/projects: projects that the account may see, by ids, client_ids, name, is_active, '
  'is_billable, is_private and currency; 201 or page_size of them, from the number start on.';

create function api.filter_clients(account bigint, workspace bigint, asked jsonb)
returns table (status bigint, body text, headers text)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
declare
  flaw constant text := ledger.filter_flaw(asked, 2000);
  only_ids constant bigint[] := ledger.ids_asked(asked, 'ids');
begin
  if flaw is not null then
    return query select 400::bigint, to_json(flaw)::text, null::text;
    return;
  end if;
  return query
    select 200::bigint, coalesce(jsonb_agg(jsonb_build_object('id', c.client_id, 'name', coalesce(c.name, ''))
                                           order by c.client_id), '[]')::text, null::text
    from ledger.member m
    join toggl.client c on c.workspace_id = m.workspace_id and c.deleted_at is null
    where m.account_id = account and m.workspace_id = workspace
      and (only_ids is null or c.client_id = any (only_ids))
      and (coalesce(asked ->> 'name', '') = '' or position(lower(asked ->> 'name') in lower(c.name)) > 0)
      and c.client_id >= coalesce((asked ->> 'start')::bigint, c.client_id);
end
$$;
comment on function api.filter_clients(bigint, bigint, jsonb) is
  'POST /workspace/{id}/filters/clients: clients by ids, name and start, the first number.';
