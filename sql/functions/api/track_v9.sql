-- The part of Toggl's Track API v9 that a client needs before it subscribes: its user, and the
-- content of its workspaces. Answers come from the typed tables, in Toggl's form. Part of the
-- interface schema of hookledger-api. Each function takes the account, the workspace (null if the
-- path has none), the parameters of the query as JSON and the number at the end of the path. It
-- returns a status and a JSON text.

create function ledger.zoned(entity jsonb, of_model text, zone text)
returns jsonb
-- plpgsql keeps its plans; a list calls this thousands of times
language plpgsql stable set search_path = ledger, pg_temp set timezone = 'UTC'
as $$
declare
  shown jsonb := entity;
  name text;
  time_text text;
begin
  for name in select k.key from ledger.field f, unnest(f.keys) k (key) where f.model = of_model and f.kind = 'time' loop
    time_text := entity ->> name;
    continue when jsonb_typeof(entity -> name) is distinct from 'string' or time_text = '';
    if time_text !~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$' then
      raise data_exception;
    end if;
    shown := shown || jsonb_build_object(name, ledger.rfc3339(time_text::timestamptz, zone));
  end loop;
  return shown;
exception when data_exception then
  -- One parameter is not valid: check each one.
  return entity || coalesce((
    select jsonb_object_agg(k.key, ledger.rfc3339((entity ->> k.key)::timestamptz, zone))
    from ledger.field f, unnest(f.keys) k (key)
    where f.model = of_model and f.kind = 'time' and jsonb_typeof(entity -> k.key) = 'string'
      and entity ->> k.key <> '' and ledger.is_good('time', entity -> k.key)), '{}');
end
$$;
comment on function ledger.zoned(jsonb, text, text) is
  'The entity with its times in this time zone, as far as its table has columns for them.';

create function ledger.entity_json(entity jsonb, of_model text, id bigint, workspace bigint, deleted timestamptz,
                                   zone text)
returns jsonb
language sql stable set search_path = ledger, pg_temp
return ledger.published(of_model,
         coalesce(ledger.zoned(entity, of_model, zone), jsonb_build_object('id', id, 'workspace_id', workspace))
         || case when deleted is null then '{}' else
              jsonb_build_object(case of_model when 'tag' then 'deleted_at' else 'server_deleted_at' end,
                                 ledger.rfc3339(deleted, zone)) end);
comment on function ledger.entity_json(jsonb, text, bigint, bigint, timestamptz, text) is
  'An entity in the form of a list of the Track API: times in this time zone, the time of its deletion, and every '
  'published field, even if its value is not known.';

create function ledger.unix_or_null(text_form text)
returns timestamptz
language sql immutable set search_path = ledger, pg_temp
return case when text_form ~ '^\d{1,11}$' then to_timestamp(text_form::bigint) end;
comment on function ledger.unix_or_null(text) is
  'The time that is this number of seconds after 1970; null for any other text.';

create function ledger.page(query jsonb, fallback integer, most integer)
returns table (size integer, skipped bigint, number bigint)
language sql immutable set search_path = ledger, pg_temp
as $$
  select s.size, (n.number - 1) * s.size, n.number
  from (select case when query ->> 'per_page' ~ '^[1-9]\d{0,8}$' then least((query ->> 'per_page')::integer, most)
                    else fallback end as size) s,
       (select case when query ->> 'page' ~ '^[1-9]\d{0,8}$' then (query ->> 'page')::bigint else 1 end as number) n
$$;
comment on function ledger.page(jsonb, integer, integer) is
  'The size of a page and the number of rows before it, from the parameters page and per_page; most null: no limit by '
  'default.';

create function api.v9_projects(account bigint, workspace bigint, query jsonb, item bigint)
returns table (status bigint, body text)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
declare
  zone text := (select a.time_zone from ledger.account a where a.account_id = account);
  which text := query ->> 'active';
  since timestamptz := ledger.unix_or_null(query ->> 'since');
  -- Toggl's /me/projects is not paginated.
  is_paged boolean := workspace is not null or query ?| '{page,per_page}';
  one jsonb;
begin
  -- A page cut to 200 rows would look like the last page. A single project is not paginated.
  if workspace is not null and item is null and query ->> 'per_page' ~ '^\d{3,}$'
     and (query ->> 'per_page')::numeric > 200 then
    return query select 400::bigint, to_json(ledger.api_text('per_page'))::text;
    return;
  end if;
  if workspace is null and query ? 'include_archived' then
    if query ->> 'include_archived' not in ('true', 'false') then
      return query select 400::bigint, to_json(ledger.api_text('include_archived'))::text;
      return;
    end if;
    which := case when query ->> 'include_archived' = 'true' then 'both' end;
  end if;
  if item is not null then
    select ledger.published('project', ledger.zoned(ledger.seen_entity(p.payload, m.is_admin), 'project', zone))
      into one
    from ledger.member m
    join toggl.project p on p.workspace_id = m.workspace_id
    where m.account_id = account and p.workspace_id = workspace and p.project_id = item and p.deleted_at is null
      and p.project_id in (select ledger.may_see_project(account, workspace));
    if one is null then
      return query select 400::bigint, to_json(ledger.api_text('project_id'))::text;
    else
      return query select 200::bigint, one::text;
    end if;
    return;
  end if;
  return query
    select 200::bigint, coalesce(json_agg(ledger.entity_json(ledger.seen_entity(p.payload, p.is_admin), 'project',
                                                             p.project_id, p.workspace_id, p.deleted_at, zone)
                                          order by p.name, p.project_id), '[]')::text
    from (
      select p.*, m.is_admin
      from ledger.member m
      -- once for each workspace: in the condition it would be evaluated for each project
      cross join lateral ledger.may_see_project(account, m.workspace_id) v (project_id)
      join toggl.project p on p.workspace_id = m.workspace_id and p.project_id = v.project_id
      where m.account_id = account and (workspace is null or m.workspace_id = workspace)
        and (p.deleted_at is null or since is not null) and (since is null or p.changed_at >= since)
        and (which = 'both' or since is not null or coalesce(p.active, true) = (which is distinct from 'false'))
        and (not query ? 'name' or p.name ilike '%' || replace(replace(replace(query ->> 'name', '\', '\\'), '%', '\%'),
                                                               '_', '\_') || '%')
        and (query ->> 'billable' is null or p.billable = (query ->> 'billable' = 'true'))
      order by p.name, p.project_id
      limit case when is_paged then (select g.size from ledger.page(query, 151, null) g) end
      offset case when is_paged then (select g.skipped from ledger.page(query, 151, null) g) end) p;
end
$$;
comment on function api.v9_projects(bigint, bigint, jsonb, bigint) is
  'GET /workspaces/{id}/projects (in pages, by default of 151) and /me/projects (all by default): active, since, name, '
  'billable, page, per_page; with a number, one project.';

create function api.v9_clients(account bigint, workspace bigint, query jsonb, item bigint)
returns table (status bigint, body text)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
declare
  zone text := (select a.time_zone from ledger.account a where a.account_id = account);
  wanted text := coalesce(query ->> 'status', case when workspace is null then 'both' else 'active' end);
  since timestamptz := ledger.unix_or_null(query ->> 'since');
begin
  if wanted not in ('active', 'archived', 'both') then
    return query select 400::bigint, to_json(ledger.api_text('client_status'))::text;
    return;
  end if;
  return query
    select 200::bigint, coalesce(json_agg(ledger.entity_json(ledger.seen_entity(c.payload, m.is_admin), 'client',
                                                             c.client_id, c.workspace_id, c.deleted_at, zone)
                                          order by c.name, c.client_id), '[]')::text
    from ledger.member m
    join toggl.client c on c.workspace_id = m.workspace_id
    where m.account_id = account and (workspace is null or m.workspace_id = workspace)
      and (c.deleted_at is null or since is not null) and (since is null or c.changed_at >= since)
      and (wanted = 'both' or coalesce(c.archived, false) = (wanted = 'archived'))
      and (not query ? 'name' or position(lower(query ->> 'name') in lower(c.name)) > 0);
end
$$;
comment on function api.v9_clients(bigint, bigint, jsonb, bigint) is
  'GET /workspaces/{id}/clients and /me/clients: status, name, since.';

create function api.v9_tags(account bigint, workspace bigint, query jsonb, item bigint)
returns table (status bigint, body text)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select 200::bigint, coalesce(json_agg(t.entity order by t.name, t.tag_id), '[]')::text
  from (
    select ledger.entity_json(ledger.seen_entity(t.payload, m.is_admin), 'tag', t.tag_id, t.workspace_id, t.deleted_at,
                              a.time_zone) as entity, t.name, t.tag_id
    from ledger.account a
    join ledger.member m on m.account_id = a.account_id
    join toggl.tag t on t.workspace_id = m.workspace_id
    where a.account_id = account and (workspace is null or m.workspace_id = workspace)
      and (t.deleted_at is null or query ? 'since')
      and (not query ? 'since' or t.changed_at >= ledger.unix_or_null(query ->> 'since'))
      and (not query ? 'search' or position(lower(query ->> 'search') in lower(t.name)) > 0)
    order by t.name, t.tag_id
    limit case when query ? 'per_page' or query ? 'page' then (select g.size from ledger.page(query, 200, null) g) end
    offset case when query ? 'per_page'
                or query ? 'page' then (select g.skipped from ledger.page(query, 200, null) g) end) t
$$;
comment on function api.v9_tags(bigint, bigint, jsonb, bigint) is
  'GET /workspaces/{id}/tags and /me/tags: search, page, per_page, since.';

create function api.v9_tasks(account bigint, workspace bigint, query jsonb, item bigint)
returns table (status bigint, body text)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
declare
  zone text := (select a.time_zone from ledger.account a where a.account_id = account);
  which text := coalesce(query ->> 'active', 'true');
  size integer;
  skipped bigint;
  number bigint;
begin
  if workspace is null then
    which := case coalesce(query ->> 'include_not_active', 'false') when 'true' then 'both'
                  when 'false' then 'true' end;
  end if;
  if which is null or which not in ('true', 'false', 'both') then
    return query select 400::bigint,
      to_json(ledger.api_text(case when workspace is null then 'include_not_active' else 'active' end))::text;
    return;
  end if;
  if workspace is not null or query ?| '{page,per_page}' then	-- Toggl's /me/tasks has no pages
    select g.size, g.skipped, g.number into size, skipped, number from ledger.page(query, 50, null) g;
  end if;
  return query
    with mine as (
      select t.payload, m.is_admin, t.name, t.task_id, t.workspace_id, t.deleted_at
      from ledger.member m
      cross join lateral ledger.may_see_project(account, m.workspace_id) v (project_id)
      join toggl.task t on t.workspace_id = m.workspace_id and t.project_id = v.project_id
      where m.account_id = account and (workspace is null or m.workspace_id = workspace)
        and (t.deleted_at is null or query ? 'since')
        and (not query ? 'since' or t.changed_at >= ledger.unix_or_null(query ->> 'since'))
        and (which = 'both' or coalesce(t.active, true) = (which = 'true'))
        and (not query ? 'pid' or t.project_id::text = query ->> 'pid')
        and (not query ? 'search' or position(lower(query ->> 'search') in lower(t.name)) > 0)),
    page as (
      select ledger.entity_json(ledger.seen_entity(p.payload, p.is_admin), 'task', p.task_id, p.workspace_id,
                                p.deleted_at, zone) as entity, p.name, p.task_id
      from (select * from mine
            order by case when upper(query ->> 'sort_order') = 'DESC' then mine.name end desc, mine.name, mine.task_id
            limit size offset skipped) p),
    list as (
      select coalesce(json_agg(p.entity order by case when upper(query ->> 'sort_order') = 'DESC' then p.name end desc,
                               p.name, p.task_id), '[]') as entities
      from page p)
    select 200::bigint, case when workspace is null then l.entities else
      json_build_object('total_count', (select count(*) from mine), 'per_page', size, 'page', number, 'sort_field',
                        'name',
                        'sort_order', case when upper(query ->> 'sort_order') = 'DESC' then 'DESC' else 'ASC' end,
                        'data', l.entities) end::text
    from list l;
end
$$;
comment on function api.v9_tasks(bigint, bigint, jsonb, bigint) is
  'GET /workspaces/{id}/tasks (an object with total_count and data, in pages) and /me/tasks (a list of all by '
  'default): active, pid, search, sort_order, page, per_page, since.';

create function api.v9_users(account bigint, workspace bigint, query jsonb, item bigint)
returns table (status bigint, body text)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select 200::bigint, coalesce(json_agg(json_build_object(
           'id', u.user_id, 'email', coalesce(u.email, ''), 'fullname', coalesce(u.name, ''), 'inactive',
           coalesce(u.inactive, false),
           'is_active', coalesce(u.active, true), 'is_admin', coalesce(u.workspace_admin, u.admin, false), 'role',
           coalesce(u.role, 'user'))
           order by u.name, u.user_id), '[]')::text
  from (select distinct on (u.user_id) u.*
        from toggl.workspace_user u
        join ledger.member m on m.account_id = account and m.workspace_id = u.workspace_id
        where u.workspace_id = workspace and u.deleted_at is null and u.user_id is not null
        order by u.user_id, u.changed_at desc) u
$$;
comment on function api.v9_users(bigint, bigint, jsonb, bigint) is 'GET /workspaces/{id}/users.';

create function api.v9_workspace_users(account bigint, workspace bigint, query jsonb, item bigint)
returns table (status bigint, body text)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select 200::bigint, coalesce(json_agg(ledger.published('workspace_user',
                                                         ledger.zoned(ledger.seen_entity(u.payload, m.is_admin),
           'workspace_user', a.time_zone)) order by u.name, u.workspace_user_id), '[]')::text
  from ledger.account a
  join ledger.member m on m.account_id = a.account_id and m.workspace_id = workspace
  join toggl.workspace_user u on u.workspace_id = workspace and u.deleted_at is null
  where a.account_id = account
$$;
comment on function api.v9_workspace_users(bigint, bigint, jsonb, bigint) is 'GET /workspaces/{id}/workspace_users.';

create function api.v9_project_users(account bigint, workspace bigint, query jsonb, item bigint)
returns table (status bigint, body text)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select 200::bigint, coalesce(json_agg(ledger.published('project_user',
                                                         ledger.zoned(ledger.seen_entity(u.payload, m.is_admin),
           'project_user', a.time_zone)) order by u.project_user_id), '[]')::text
  from ledger.account a
  join ledger.member m on m.account_id = a.account_id and m.workspace_id = workspace
  join toggl.project_user u on u.workspace_id = workspace and u.deleted_at is null
  where a.account_id = account and u.project_id in (select ledger.may_see_project(account, workspace))
$$;
comment on function api.v9_project_users(bigint, bigint, jsonb, bigint) is 'GET /workspaces/{id}/project_users.';

create function ledger.workspace_json(account bigint, workspace bigint)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select ledger.published('workspace', jsonb_build_object('name', coalesce(t.name, 'Workspace ' || l.workspace_id))
         || coalesce(ledger.zoned(ledger.seen_entity(t.payload, m.is_admin), 'workspace', a.time_zone), '{}')
         || jsonb_build_object('id', l.workspace_id, 'organization_id', l.organization_id, 'admin', m.is_admin,
                               'role', case when m.is_admin then 'admin' else 'user' end))
  from ledger.account a
  join ledger.member m on m.account_id = a.account_id and m.workspace_id = workspace
  join ledger.workspace_limit l on l.workspace_id = m.workspace_id
  left join toggl.workspace t on t.workspace_id = m.workspace_id
  where a.account_id = account
$$;
comment on function ledger.workspace_json(bigint, bigint) is 'A workspace as the account sees it, in Toggl''s form.';

create function api.v9_workspace(account bigint, workspace bigint, query jsonb, item bigint)
returns table (status bigint, body text)
language sql stable security definer set search_path = ledger, pg_temp
as $$ select 200::bigint, ledger.workspace_json(account, workspace)::text $$;
comment on function api.v9_workspace(bigint, bigint, jsonb, bigint) is 'GET /workspaces/{id}.';

create function api.v9_workspaces(account bigint, workspace bigint, query jsonb, item bigint)
returns table (status bigint, body text)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select 200::bigint, coalesce(json_agg(ledger.workspace_json(account, m.workspace_id)
                                        || jsonb_build_object('active_project_count', (
           select count(*) from toggl.project p where p.workspace_id = m.workspace_id and p.deleted_at is null
             and coalesce(p.active, true)))
           order by m.workspace_id), '[]')::text
  from ledger.member m where m.account_id = account
$$;
comment on function api.v9_workspaces(bigint, bigint, jsonb, bigint) is 'GET /me/workspaces.';

create function api.v9_organizations(account bigint, workspace bigint, query jsonb, item bigint)
returns table (status bigint, body text)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select 200::bigint, coalesce(json_agg(ledger.published('organization', jsonb_build_object(
           'id', o.organization_id, 'name', o.name, 'admin', o.is_admin, 'owner', false,
           'pricing_plan_name', initcap(o.plan), 'pricing_plan_enterprise', o.plan = 'enterprise',
           'is_multi_workspace_enabled', o.workspaces > 1, 'created_at', ledger.rfc3339(o.created_at, a.time_zone),
           'at', ledger.rfc3339(o.created_at, a.time_zone), 'max_workspaces', greatest(o.workspaces, 1), 'user_count',
           o.users,
           'trial_info', '{}'::jsonb)) order by o.organization_id), '[]')::text
  from ledger.account a
  cross join lateral (
    select o.*, bool_or(m.is_admin) over (partition by o.organization_id) as is_admin,
           (select count(*) from ledger.workspace w where w.organization_id = o.organization_id) as workspaces,
           (select count(distinct u.user_id) from ledger.workspace w join toggl.workspace_user u
            on u.workspace_id = w.workspace_id
            where w.organization_id = o.organization_id and u.deleted_at is null) as users,
           row_number() over (partition by o.organization_id) as place
    from ledger.member m join ledger.workspace w on w.workspace_id = m.workspace_id
    join ledger.organization o on o.organization_id = w.organization_id
    where m.account_id = a.account_id) o
  where a.account_id = account and o.place = 1
$$;
comment on function api.v9_organizations(bigint, bigint, jsonb, bigint) is 'GET /me/organizations.';

create function api.v9_quota(account bigint, workspace bigint, query jsonb, item bigint)
returns table (status bigint, body text)
language sql volatile security definer set search_path = ledger, pg_temp
as $$
  select 200::bigint, coalesce(json_agg(json_build_object(
           'organization_id', w.organization_id,
           'remaining', greatest(w.total - coalesce(q.used, 0), 0),
           'resets_in_secs', ledger.resets_in(q.started_at, c.clock),
           'total', w.total) order by w.organization_id nulls first), '[]')::text
  from (select ledger.clock() as clock) c
  cross join lateral (
    select null::bigint as organization_id, ledger.user_requests(account) as total
    union
    select l.organization_id, l.hourly_requests
    from ledger.member m join ledger.workspace_limit l on l.workspace_id = m.workspace_id
    where m.account_id = account) w
  left join ledger.quota q on q.account_id = account and q.organization_id = coalesce(w.organization_id, 0)
                          and q.started_at + interval '60 minutes' > c.clock
$$;
comment on function api.v9_quota(bigint, bigint, jsonb, bigint) is
  'GET /me/quota: the remaining requests in each window of the account.';

create function ledger.own_entries_since(account bigint)
returns timestamptz
language sql volatile set search_path = ledger, pg_temp set timezone = 'UTC'
as $$
  select case when bool_and(o.plan <> 'enterprise') then date_trunc('day', ledger.clock()) - interval '90 days' end
  from ledger.member m
  join ledger.workspace w on w.workspace_id = m.workspace_id
  join ledger.organization o on o.organization_id = w.organization_id
  where m.account_id = account
$$;
comment on function ledger.own_entries_since(bigint) is
  'The earliest start_date of /me/time_entries, as at Toggl; null: there is no limit, because an '
  'organization of the account has the plan enterprise, or it has none.';

create function api.v9_time_entries(account bigint, workspace bigint, query jsonb, item bigint)
returns table (status bigint, body text)
language plpgsql volatile security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.account;
  since timestamptz := ledger.unix_or_null(query ->> 'since');
  earliest timestamptz;
  latest timestamptz;
begin
  select a.* into who from ledger.account a where a.account_id = account;
  begin
    earliest := (query ->> 'start_date')::timestamp at time zone who.time_zone;
    latest := coalesce(query ->> 'end_date', query ->> 'before')::timestamp at time zone who.time_zone;
    if query ->> 'start_date' ~ 'T.*(Z|[+-]\d\d)' then earliest := (query ->> 'start_date')::timestamptz; end if;
    if coalesce(query ->> 'end_date', query ->> 'before') ~ 'T.*(Z|[+-]\d\d)' then
      latest := coalesce(query ->> 'end_date', query ->> 'before')::timestamptz;
    end if;
  exception when data_exception then
    return query select 400::bigint,
      to_json(ledger.api_text('dates'))::text;
    return;
  end;
  if earliest < ledger.own_entries_since(account) then
    return query select 400::bigint,
      to_json(ledger.api_text('own_entries', ledger.own_entries_since(account)::date::text))::text;
    return;
  end if;
  if since is null and earliest is null and latest is null then
    earliest := ledger.clock() - interval '9 days';
  end if;
  return query
    select 200::bigint, coalesce(json_agg(ledger.entity_json(ledger.seen_entity(t.payload, t.is_admin), 'time_entry',
                                                             t.time_entry_id, t.workspace_id, t.deleted_at,
                                                             who.time_zone)
                                          order by t.start_at desc, t.time_entry_id desc), '[]')::text
    from (select t.*, m.is_admin
          from ledger.member m
          join toggl.time_entry t on t.workspace_id = m.workspace_id
          where m.account_id = account and t.user_id = who.user_id
            and (m.is_admin or ledger.may_see_entry(who.user_id, t))
            and (t.deleted_at is null or since is not null)
            and (since is null or t.changed_at >= since)
            and (earliest is null or t.start_at >= earliest) and (latest is null or t.start_at < latest)
         ) t;
end
$$;
comment on function api.v9_time_entries(bigint, bigint, jsonb, bigint) is
  'GET /me/time_entries: the account''s own time entries, by since (also deleted ones), start_date and end_date, or '
  'before; by default the last nine days.';

create function api.v9_current(account bigint, workspace bigint, query jsonb, item bigint)
returns table (status bigint, body text)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select 200::bigint, coalesce((
    select ledger.published('time_entry',
                            ledger.zoned(ledger.seen_entity(t.payload, m.is_admin), 'time_entry', a.time_zone))
    from ledger.account a
    join ledger.member m on m.account_id = a.account_id
    join toggl.time_entry t on t.workspace_id = m.workspace_id and t.user_id = a.user_id
    where a.account_id = account and t.stop_at is null and t.duration_seconds is null and t.deleted_at is null
      and (m.is_admin or ledger.may_see_entry(a.user_id, t))
    order by t.start_at desc limit 1)::text, 'null')
$$;
comment on function api.v9_current(bigint, bigint, jsonb, bigint) is
  'GET /me/time_entries/current: the running timer, or null.';

create function api.v9_me(account bigint, workspace bigint, query jsonb, item bigint)
returns table (status bigint, body text)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select 200::bigint, ledger.published('me', jsonb_build_object(
           'id', a.user_id, 'email', coalesce(a.email, u.email, ''), 'fullname', coalesce(u.name, a.name), 'timezone',
           a.time_zone,
           'default_workspace_id', (select min(m.workspace_id) from ledger.member m where m.account_id = account),
           'beginning_of_week', 1, 'created_at', ledger.rfc3339(a.created_at, a.time_zone),
           'updated_at', ledger.rfc3339(coalesce(u.changed_at, a.created_at), a.time_zone),
           'at', ledger.rfc3339(coalesce(u.changed_at, a.created_at), a.time_zone),
           'authorization_updated_at', ledger.rfc3339(a.token_made_at, a.time_zone))
         || case when query ->> 'with_related_data' = 'true' then jsonb_build_object(
              'workspaces', (select v.body::jsonb from api.v9_workspaces(account, null, '{}', null) v),
              'clients', (select v.body::jsonb from api.v9_clients(account, null, '{}', null) v),
              'projects', (select v.body::jsonb from api.v9_projects(account, null, '{"active": "both"}', null) v),
              'tags', (select v.body::jsonb from api.v9_tags(account, null, '{}', null) v),
              'tasks', (select v.body::jsonb
                        from api.v9_tasks(account, null, '{"include_not_active": "true"}', null) v),
              'time_entries', (select v.body::jsonb from api.v9_time_entries(account, null, '{}', null) v))
              else '{}' end)::text
  from ledger.account a
  left join lateral (
    select u.name, u.email, u.changed_at from toggl.workspace_user u
    join ledger.member m on m.account_id = account and m.workspace_id = u.workspace_id
    where u.user_id = a.user_id and u.deleted_at is null
    order by u.changed_at desc limit 1) u on true
  where a.account_id = account
$$;
comment on function api.v9_me(bigint, bigint, jsonb, bigint) is 'GET /me, also with_related_data.';
