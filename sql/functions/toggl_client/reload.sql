-- What is loaded whole from Toggl's REST API: clients, projects, tasks, tags, users, members of projects,
-- groups. The job load asks for all of it; the job reload, once a day, for the kinds of entity whose
-- changes no subscription of ours brings. How an answer is recorded does not belong here: see backfill.sql.

comment on column ledger.toggl_job.kind is
  'connect, refresh, quota, subscribe, change, rotate, adopt, repair, validate, ping, delete, load, reload, check, '
  'history_plan, history, compare or prove.';

create or replace view ledger.toggl_loaded (place, model, filter, list) as values
  (1, 'workspace', 'workspace', null),
  (2, 'workspace_user', 'workspace_user', null),
  (3, 'client', 'client', '/me/clients?since='),
  (4, 'project', 'project', '/me/projects?include_archived=true&since='),
  (5, 'tag', 'tag', '/me/tags?since='),
  (6, 'task', 'task', '/me/tasks?include_not_active=true&since='),
  (7, 'project_user', 'project_user', null),
  (8, 'group', 'project_group', null);
comment on view ledger.toggl_loaded is
  'Kinds of entity that are loaded whole, in their order. Toggl sends no events of a group, so it counts as brought '
  'when project groups are; these are loaded after the groups, where there are any.';
comment on column ledger.toggl_loaded.place is 'Order.';
comment on column ledger.toggl_loaded.model is 'Kind of entity.';
comment on column ledger.toggl_loaded.filter is 'The entity of the filters that bring its changes.';
comment on column ledger.toggl_loaded.list is 'The list that names deleted ones too, those since a time; null: none.';

create function ledger.toggl_unpushed(workspace bigint)
returns table (place integer, model text)
language sql stable set search_path = ledger, pg_temp
as $$
  select k.place, k.model
  from ledger.toggl_loaded k
  where exists (
    select from unnest('{created,updated,deleted}'::text[]) a (action)
    where not exists (
      select from ledger.toggl_subscription s
      where s.workspace_id = workspace and s.endpoint_id is not null and s.enabled and s.validated_at is not null
        and s.gone_at is null and s.deleted_at is null
        and s.filters && array[k.filter || '.' || a.action, k.filter || '.*', '*.' || a.action, '*.*']))
$$;
comment on function ledger.toggl_unpushed(bigint) is
  'Kinds of entity of which our subscriptions of a workspace, enabled and validated, do not bring all changes.';

create function ledger.is_reloaded(w ledger.toggl_workspace)
returns boolean
language sql stable set search_path = ledger, pg_temp
return w.loaded_at is not null
  or exists (select from ledger.toggl_subscription s
             where s.workspace_id = w.workspace_id and s.endpoint_id is not null and s.deleted_at is null);
comment on function ledger.is_reloaded(ledger.toggl_workspace) is
  'Is the workspace loaded every day? One that was loaded before, or has a subscription of ours; the user of the '
  'token may be a member of others.';

create function ledger.load_steps(job_kind text, connection bigint, home bigint)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  with wanted as (
    select w.workspace_id, k.*
    from ledger.toggl_workspace w
    cross join ledger.toggl_loaded k
    where w.connection_id = connection and (home is null or w.workspace_id = home)
      and (job_kind = 'load'
           or ledger.is_reloaded(w) and k.model in (select u.model from ledger.toggl_unpushed(w.workspace_id) u)))
  select jsonb_agg(s.step order by s.part, s.workspace_id, s.place)
  from (
    select 1 as part, w.workspace_id, w.place,
           jsonb_build_object('do', 'load', 'ws', w.workspace_id, 'model', w.model, 'page', 1) as step
    from wanted w
    union all
    -- One request for all workspaces. Toggl is said to tell of three months.
    select 2, null, w.place,
           jsonb_build_object('do', 'gone', 'model', w.model, 'of', jsonb_agg(w.workspace_id order by w.workspace_id),
                              'since', extract(epoch from ledger.clock() - interval '80 days')::bigint)
    from wanted w where w.list is not null
    group by w.place, w.model) s
$$;
comment on function ledger.load_steps(text, bigint, bigint) is
  'The steps of a job load or reload: each list, and then what Toggl has deleted. home: one workspace; null: all of '
  'the connection.';

create function ledger.reload_due(hours bigint)
returns table (connection_id bigint, kind text, parameters text)
language sql stable set search_path = ledger, pg_temp
as $$
  select c.connection_id, 'reload', '{}'
  from ledger.toggl_connection c
  where hours > 0 and c.token_sealed is not null and c.user_id is not null and c.refused_at is null
    and c.connected_at + hours * interval '1 hour' <= ledger.clock()
    -- Everything else first.
    and not exists (select from ledger.toggl_job j where j.connection_id = c.connection_id and j.finished_at is null)
    -- However the last one ended.
    and not exists (select from ledger.toggl_job j
                    where j.connection_id = c.connection_id and j.kind = 'reload'
                      and (j.given ->> 'at')::timestamptz + hours * interval '1 hour' > ledger.clock())
    and exists (select from ledger.toggl_workspace w
                where w.connection_id = c.connection_id and ledger.is_reloaded(w)
                  and coalesce(w.loaded_at, '-infinity') + hours * interval '1 hour' <= ledger.clock()
                  and exists (select from ledger.toggl_unpushed(w.workspace_id)))
$$;
comment on function ledger.reload_due(bigint) is
  'Connections whose workspaces should be loaded again now, for what our subscriptions do not bring: when that many '
  'hours have passed since the last time (0: never), and no other job waits.';

create function ledger.load_path(step jsonb)
returns text
language sql stable set search_path = ledger, pg_temp
as $$
  select case when step ->> 'do' = 'gone'
              then (select k.list from ledger.toggl_loaded k where k.model = step ->> 'model') || (step ->> 'since')
              else '/workspaces/' || (step ->> 'ws') || case step ->> 'model'
                when 'workspace' then ''
                when 'workspace_user' then '/workspace_users?includeIndirect=true'
                when 'client' then '/clients?status=both'
                when 'project' then '/projects?active=both&per_page=200&page=' || (step ->> 'page')
                when 'tag' then '/tags?per_page=200&page=' || (step ->> 'page')
                when 'task' then '/tasks?active=both&per_page=200&page=' || (step ->> 'page')
                when 'project_user' then '/project_users'
                when 'group' then '/groups'
                when 'project_group' then '/project_groups?project_ids=' || (
                  select string_agg(p.id, ',' order by p.place)
                  from jsonb_array_elements_text(step -> 'projects') with ordinality p (id, place)) end end
$$;
comment on function ledger.load_path(jsonb) is 'The path of a request that loads, below that of the Track API.';

create function ledger.project_group_steps(workspace bigint)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select coalesce(jsonb_agg(jsonb_build_object('do', 'load', 'ws', workspace, 'model', 'project_group', 'projects',
                                               g.ids) order by g.part), '[]')
  from (select n.part, jsonb_agg(n.project_id order by n.project_id) as ids
        -- Toggl takes at most so many.
        from (select p.project_id, (row_number() over (order by p.project_id) - 1) / 200 as part
              from toggl.project p where p.workspace_id = workspace and p.deleted_at is null) n
        group by n.part) g
$$;
comment on function ledger.project_group_steps(bigint) is
  'The steps that load which groups work on which projects: Toggl lists that only for given projects.';

create function ledger.load_earliest(clock timestamptz)
returns timestamptz
language sql stable set search_path = ledger, pg_temp
-- No event of an entity can be between its last change and now, so the start of
-- the month does as well, and old entities do not make partitions of old months.
return greatest(date_trunc('month', clock at time zone 'UTC') at time zone 'UTC',
                (select s.horizon from ledger.state s));
comment on function ledger.load_earliest(timestamptz) is
  'The earliest time of an event that is made of a loaded entity.';

create function ledger.toggl_arrive_deleted(job ledger.toggl_job, step jsonb, parsed jsonb)
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  clock constant timestamptz := ledger.clock();
  earliest constant timestamptz := ledger.load_earliest(clock);
begin
  insert into ledger.toggl_arrival (job_id, workspace_id, created_at, model, entity_id, body)
  select job.job_id, e.workspace_id, e.created_at, step ->> 'model', e.id, json_build_object(
           'event_id', 0, 'created_at', to_char(e.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
           'creator_id', null,
           'metadata', json_build_object('action', 'deleted', 'model', step ->> 'model', 'workspace_id',
                                         e.workspace_id::text, 'request_type', 'GET'),
           'payload', e.entity)
  from (
    select distinct on (i.id) i.id, i.workspace_id, i.entity,
           -- The last word of Toggl, whatever was seen since.
           greatest(least(case when k.changed_at >= i.deleted_at then clock else i.deleted_at end, clock),
                    earliest) as created_at
    from (select ledger.toggl_number(t.one -> 'id') as id, ledger.without_secrets(t.one) as entity,
                 coalesce(ledger.toggl_number(t.one -> 'workspace_id'), ledger.toggl_number(t.one -> 'wid'))
                   as workspace_id,
                 ledger.toggl_time(coalesce(nullif(t.one -> 'server_deleted_at', 'null'), t.one -> 'deleted_at'))
                   as deleted_at
          from jsonb_array_elements(case jsonb_typeof(parsed) when 'array' then parsed else '[]' end) t (one)
          where jsonb_typeof(t.one) = 'object') i
    left join lateral ledger.toggl_payloads(i.workspace_id, step ->> 'model', array[i.id]) k on true
    where i.id > 0 and i.deleted_at is not null and step -> 'of' @> to_jsonb(i.workspace_id) and k.deleted_at is null
    order by i.id, i.deleted_at desc) e
  order by e.id;
  perform ledger.toggl_arrival_number(job.job_id);
end
$$;
comment on function ledger.toggl_arrive_deleted(ledger.toggl_job, jsonb, jsonb) is
  'Stores the entities of an answer that Toggl has deleted and that are not deleted here, in ledger.toggl_arrival.';
