-- The admin page about Toggl: connections, subscriptions at Toggl, their differences from the
-- wanted ones, and jobs. Operations start jobs with admin.toggl_begin()
-- (toggl_client/interface.sql); how jobs work does not belong here (toggl_client/job.sql).

create function ledger.toggl_job_json(j ledger.toggl_job)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select jsonb_build_object(
    'id', j.job_id::text, 'what', j.kind, 'workspace_id', j.given ->> 'workspace', 'item', j.given ->> 'subscription',
    'state', case when j.failed then 'failed' when j.finished_at is not null then 'done'
                  when j.wait_until is not null then 'waits' when j.leased_until > clock_timestamp() then 'works'
                    else 'stopped' end,
    'words', case
      when j.finished_at is not null then j.message
      when j.wait_until is not null then
        ledger.coded_list(j.state -> 'failed',
                          case when j.state ? 'failed' then ledger.coded('toggl.cleanup_waits') end,
        ledger.coded('toggl.job_waits',
                     jsonb_build_object('why', j.wait_reason, 'until',
                                        ledger.rfc3339(date_trunc('second', j.wait_until)))))
      when j.leased_until > clock_timestamp() then coalesce((
        select ledger.coded('toggl.job_again', jsonb_build_object('message', j.state -> 'again', 'attempt', j.tries,
          'wait_ms', extract(epoch
                             from greatest(j.asked_at, c.back_off_until, clock_timestamp()) - clock_timestamp())::bigint
                             * 1000))
        from ledger.toggl_connection c where c.connection_id = j.connection_id and j.state ? 'again'
          and j.asked_at is not null), ledger.coded('toggl.job_works'))
      else ledger.coded('toggl.job_stopped') end,
    'resumes_at', ledger.rfc3339(j.wait_until), 'by_itself', not j.is_interactive,
    'made_at', ledger.rfc3339(j.made_at), 'ended_at', ledger.rfc3339(j.finished_at),
    'result', case when j.finished_at is not null then jsonb_strip_nulls(jsonb_build_object(
      'connection_id', case when j.kind = 'connect' and not j.failed then j.connection_id::text end, 'item',
      j.state -> 'subscription_id',
      'workspace_id', j.state -> 'workspace_id', 'loaded', j.state -> 'loaded')) end)
$$;
comment on function ledger.toggl_job_json(ledger.toggl_job) is
  'A job in the form of the page. state: works, waits (for the quota, until resumes_at), stopped (its process died), '
  'done, failed.';

create function ledger.toggl_differences()
returns table (item bigint, workspace_id bigint, subscription_id bigint, description text, state text, message jsonb,
               repair text, since timestamptz)
language sql stable set search_path = ledger, pg_temp
as $$
  select s.subscription_id, s.workspace_id, s.subscription_id, s.description, t.state, t.message, t.repair,
         coalesce(s.gone_at, s.seen_at)
  from ledger.toggl_subscription s
  cross join lateral ledger.toggl_state(s) t
  where s.deleted_at is null and t.repair is not null
$$;
comment on function ledger.toggl_differences() is
  'Subscriptions at Toggl that differ from the wanted ones, by their last known state; state and repair as '
  'ledger.toggl_state() has them.';

create function admin.toggl_read(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  clock timestamptz := ledger.clock();
begin
  return ledger.answer(json_build_object(
    'connections', coalesce((
      select json_agg(json_build_object(
        'id', c.connection_id::text, 'user_id', c.user_id::text, 'user', c.name, 'email', c.email,
        'state', case when c.refused_at is not null then 'refused' else 'well' end,
        'state_words', case when c.refused_at is not null then ledger.coded('toggl.connection_refused')
                            else ledger.coded('toggl.connection_well') end,
        'connected_at', ledger.rfc3339(c.connected_at), 'checked_at', ledger.rfc3339(c.checked_at), 'seen_at',
        ledger.rfc3339(q.seen_at),
        'quota', coalesce(q.windows, '[]'::json)) order by c.connection_id)
      from ledger.toggl_connection c
      cross join lateral (
        select max(w.seen_at) as seen_at, json_agg(json_build_object(
                 'organization_id', nullif(w.organization_id, 0)::text,
                 'name', case when w.organization_id = 0 then coalesce(c.name, c.email, 'the user') else o.names end,
                 'remaining', case when w.resets_at <= clock then coalesce(w.total, 30) else w.remaining end, 'total',
                 w.total,
                 'resets_at', case when w.resets_at > clock then ledger.rfc3339(w.resets_at) end,
                 'seen_at', ledger.rfc3339(w.seen_at)) order by w.organization_id) as windows
        from ledger.toggl_window w
        cross join lateral (select string_agg(h.name, ', ' order by h.name) as names from ledger.toggl_workspace h
                            where h.organization_id = w.organization_id and h.connection_id = w.connection_id) o
        where w.connection_id = c.connection_id) q
      where c.token_sealed is not null and c.user_id is not null), '[]'::json),
    'workspaces', coalesce((
      select json_agg(json_build_object(
        'id', w.workspace_id::text, 'name', w.name, 'connection_id', w.connection_id::text, 'is_admin', w.is_admin,
        'plan', case when (w.max_webhooks, w.max_filters) = (1, 3) then 'free'
                     when (w.max_webhooks, w.max_filters) = (2, 6) then 'starter'
                     when (w.max_webhooks, w.max_filters) = (3, 12) then 'premium' end,
        'limits', case when w.limits_at is not null then
                       json_build_object('webhooks', w.max_webhooks, 'filters', w.max_filters) end,
        'limits_at', ledger.rfc3339(w.limits_at), 'seen_at', ledger.rfc3339(w.listed_at), 'loaded_at',
        ledger.rfc3339(w.loaded_at))
        order by w.name, w.workspace_id)
      from ledger.toggl_workspace w join ledger.toggl_connection c using (connection_id)
      where c.token_sealed is not null), '[]'::json),
    'subscriptions', coalesce((
      with newest as materialized (
        select n.endpoint_id, max(n.received_at) as last_at
        from (select e.endpoint_id, e.received_at, e.source from ledger.event e order by e.epoch desc, e.txid desc,
              e.seq desc limit 100) n
        where n.source in ('webhook', 'spool')
        group by n.endpoint_id)
      select json_agg(json_build_object(
        'item', s.subscription_id::text, 'connection_id', c.connection_id::text, 'workspace_id', s.workspace_id::text,
        'workspace', coalesce(w.name, 'workspace ' || s.workspace_id), 'subscription_id', s.subscription_id::text,
        'description', s.description, 'url', case when who.role = 'owner' then s.url else ledger.url_shown(s.url) end,
        'event_filters', coalesce(ledger.toggl_event_filters(s.filters), '[]'),
        'enabled', s.enabled, 'validated_at', ledger.rfc3339(s.validated_at), 'endpoint_id', s.endpoint_id::text,
        'state', case t.state when 'missing' then 'gone' when 'unknown' then 'foreign' when 'url' then 'changed'
                      when 'filters' then 'changed' else t.state end,
        'state_words', t.message, 'difference', case when t.repair is not null then t.message end,
        'mend', case when t.repair like 'endpoint %' then 'endpoint' else t.repair end,
        'last_event_at', ledger.rfc3339(greatest(r.last_at, n.last_at)),
        'seen_at', ledger.rfc3339(coalesce(w.listed_at, s.seen_at))) order by w.name, s.workspace_id, s.subscription_id)
      from ledger.toggl_subscription s
      left join ledger.toggl_workspace w on w.workspace_id = s.workspace_id
      left join ledger.toggl_connection c on c.connection_id = w.connection_id and c.token_sealed is not null
      left join ledger.call_baseline r on r.endpoint_id = s.endpoint_id
      left join newest n on n.endpoint_id = s.endpoint_id
      cross join lateral ledger.toggl_state(s) t
      where s.deleted_at is null), '[]'::json),
    'differences', (select count(*) from ledger.toggl_differences()),
    'jobs', coalesce((
      select json_agg(ledger.toggl_job_json(j) order by j.job_id)
      from (select o.* from ledger.toggl_job o where o.finished_at is null
            union all
            -- A failed job, until a later one succeeds. An interactive one is shown only for a
            -- while, because the operator has already seen the error.
            select f.* from (select distinct on (o.connection_id, o.kind) o.* from ledger.toggl_job o
                             join ledger.toggl_connection c on c.connection_id = o.connection_id
                               and c.token_sealed is not null
                             where o.finished_at > now() - case when o.is_interactive then interval '1 hour'
                                                                else interval '1 day' end
                             order by o.connection_id, o.kind, o.job_id desc) f where f.failed) j), '[]'::json),
    'seen_at', (select ledger.rfc3339(min(w.listed_at)) from ledger.toggl_workspace w join ledger.toggl_connection c
                using (connection_id)
                where c.token_sealed is not null),
    -- One request for the workspaces of each user; for each workspace one for its list, and one a day
    -- for its limits.
    'refresh_costs', (select count(*) from ledger.toggl_connection c where c.token_sealed is not null)
      + (select coalesce(sum(case when w.limits_at > clock - interval '1 day' then 1 else 2 end), 0)
         from ledger.toggl_workspace w join ledger.toggl_connection c using (connection_id)
           where c.token_sealed is not null))::text);
end
$$;
comment on function admin.toggl_read(ledger.operator, admin.request) is
  'GET toggl: the last known state at Toggl, with its age. refresh_costs: the number of quota requests for a refresh.';

create function admin.toggl_job_read(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  return (select ledger.answer(ledger.toggl_job_json(j)::text)
          from ledger.toggl_job j where j.job_id = ledger.id_of(request.path ->> 'job_id', 'job_id'));
end
$$;
comment on function admin.toggl_job_read(ledger.operator, admin.request) is
  'GET toggl/jobs/{job_id}: the state of a job. Null: there is none.';

create function admin.toggl_plan(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  home ledger.toggl_workspace;
  p record;
begin
  select w.* into home from ledger.toggl_workspace w
    where w.workspace_id = ledger.id_of(request.query ->> 'workspace', 'workspace');
  if not found then
    perform ledger.refuse('toggl.workspace_unknown', jsonb_build_object('workspace_id', request.query -> 'workspace'),
                          'P0002');
  end if;
  select o.* into p from ledger.toggl_plan(coalesce(home.max_filters, 3),
                                           ledger.toggl_covered(home.workspace_id,
                                                                ledger.id_of(request.query ->> 'item', 'item'))) o
    order by o.fallback limit 1;
  return ledger.answer(json_build_object(
    'filters', coalesce(ledger.toggl_event_filters(p.filters), '[]'), 'max_filters', home.max_filters, 'max_webhooks',
    home.max_webhooks,
    'used', (select count(*) from ledger.toggl_subscription s where s.workspace_id = home.workspace_id
             and s.deleted_at is null and s.gone_at is null),
    'leaves_out', coalesce(ledger.toggl_event_filters(p.left_out), '[]'),
    'words', case when p.filters is null then ledger.coded('toggl.plan_nothing')
                  when p.left_out = '{}' then ledger.coded('toggl.plan_everything')
                  else ledger.coded('toggl.plan_leaves_out',
                                    jsonb_build_object('filters', ledger.toggl_filters_write(p.left_out))) end)::text);
end
$$;
comment on function admin.toggl_plan(ledger.operator, admin.request) is
  'GET toggl/plan?workspace=: the filters that the planner proposes for a new subscription; with item= for this '
  'subscription beside the others.';

create function admin.toggl_event_filters(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  return (select ledger.answer(json_object_agg(f.entity, '{created,updated,deleted}'::text[] order by f.entity)::text)
          from ledger.filter_entity f);
end
$$;
comment on function admin.toggl_event_filters(ledger.operator, admin.request) is
  'GET toggl/event_filters: each entity with its actions, without those that only hookledger has.';

-- ---- operations

create function ledger.toggl_job_kind(operation text)
returns text
language sql immutable set search_path = ledger, pg_temp
return substr(operation, length('toggl_') + 1);
comment on function ledger.toggl_job_kind(text) is
  'The kind of job that an operation of admin.toggl_ask() begins: refresh for toggl_refresh.';

create function admin.toggl_ask(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  kind constant text := ledger.toggl_job_kind(request.operation);
  item bigint := ledger.id_of(request.path ->> 'subscription_id', 'subscription_id');
  home bigint := ledger.id_of(request.given ->> 'workspace_id', 'workspace_id');
  parameters jsonb := '{}';
  address text;
  connections text := '0';
begin
  if kind in ('subscribe', 'change') then
    if request.given ? 'description'
      and (jsonb_typeof(request.given -> 'description') <> 'string'
           or length(btrim(request.given ->> 'description')) not between 1 and 250) then
      perform ledger.refuse('input.text_length', '{"name": "description", "least": 1, "most": 250}');
    end if;
    if request.given ? 'enabled' and jsonb_typeof(request.given -> 'enabled') <> 'boolean' then
      perform ledger.refuse('input.not_flag', '{"name": "enabled"}');
    end if;
    if request.given ? 'event_filters' then
      if jsonb_typeof(request.given -> 'event_filters') <> 'array' or request.given -> 'event_filters' = '[]'
        or exists (
        select from jsonb_array_elements(case jsonb_typeof(request.given -> 'event_filters')
                                              when 'array' then request.given -> 'event_filters' else '[]' end) f
        where jsonb_typeof(f) <> 'object' or coalesce(f ->> 'entity', '') !~ '^(\w{1,50}|\*)$'
          or coalesce(f ->> 'action', '') !~ '^(\w{1,50}|\*)$') then
        perform ledger.refuse('toggl.event_filters_malformed');
      end if;
      parameters := jsonb_build_object('filters', (
        select string_agg((f ->> 'entity') || ':' || (f ->> 'action'), ',' order by n)
          from jsonb_array_elements(request.given -> 'event_filters') with ordinality e (f, n)));
    end if;
    parameters := parameters || jsonb_strip_nulls(jsonb_build_object(
      'description', btrim(request.given ->> 'description'),
      'enabled', case when kind = 'change' then request.given -> 'enabled' end));
    if kind = 'change' and parameters = '{}' then
      perform ledger.refuse('input.nothing_to_change', '{"names": ["description", "event_filters", "enabled"]}');
    end if;
  end if;
  if kind = 'subscribe' then
    if home is null then
      perform ledger.refuse('toggl.workspace_wanted');
    end if;
    parameters := '{"description": "hookledger"}' || parameters;
  end if;
  if kind = 'resume' then
    parameters := jsonb_build_object('job', ledger.id_of(request.path ->> 'job_id', 'job_id'));
  elsif item is not null then
    parameters := parameters || jsonb_build_object('subscription', item);
    address := (select e.address from ledger.toggl_subscription s join ledger.endpoint e using (endpoint_id)
                where s.subscription_id = item and s.deleted_at is null limit 1);
    if kind = 'rotate' and address is null and exists (
      select from ledger.toggl_subscription s where s.subscription_id = item and s.deleted_at is null) then
      perform ledger.refuse('toggl.subscription_foreign', jsonb_build_object('subscription_id', item));
    end if;
  elsif home is not null then
    parameters := parameters || jsonb_build_object('workspace', home);
  end if;
  if kind in ('history_plan', 'history', 'compare') then
    parameters := parameters || jsonb_strip_nulls(jsonb_build_object('from', request.given ->> 'from', 'until',
                                                                     request.given ->> 'until'));
  end if;
  if kind in ('refresh', 'load', 'check', 'history_plan', 'history', 'compare') and home is null then
    connections := (
      select string_agg(k.connection_id::text, ' ' order by k.connection_id)
      from (select c.connection_id from ledger.toggl_connection c
            where c.token_sealed is not null and c.user_id is not null
              and c.connection_id = coalesce(ledger.id_of(request.given ->> 'connection_id', 'connection_id'),
                                             c.connection_id)
            order by c.connection_id limit 8) k);
    if connections is null then
      perform ledger.refuse('toggl.unconnected', state => 'P0002');
    end if;
  end if;
  return ledger.answer(null, private => jsonb_build_object(
    'kind', kind, 'connections', connections, 'parameters', parameters::text, 'address', address));
end
$$;
comment on function admin.toggl_ask(ledger.operator, admin.request) is
  'Reads and checks a request of the page for Toggl. private: kind, parameters and address (of the endpoint of a '
  'subscription that gets a new secret) for admin.toggl_begin(); connections: a job for each, 0 where the parameters '
  'name a workspace or subscription.';

create function admin.toggl_outcome(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  return (
    with outcomes as (
      select j.job_id, ledger.toggl_job_json(j) as t, ledger.toggl_job_json(j) ->> 'state' as state
      from ledger.toggl_job j where j.job_id = any (string_to_array(request.made ->> 'jobs', ' ')::bigint[])),
    -- The result is the worst one of several jobs.
    sum as (
      select case when bool_or(o.state = 'failed') then 409 when bool_and(o.state = 'done') then 200
                  else 202 end as status,
             ledger.coded_list(variadic array_agg(o.t -> 'words' order by o.job_id)) as message from outcomes o)
    select ledger.answer((case when s.status = 409 then jsonb_build_object('error', s.message) else '{}' end
                          || jsonb_build_object(
      'job', o.t ->> 'id', 'state', o.state, 'words', s.message, 'resumes_at', o.t -> 'resumes_at', 'result',
      o.t -> 'result'))::text,
      status => s.status)
    from sum s cross join lateral (
      select o.* from outcomes o
      where o.state = case s.status when 409 then 'failed' when 200 then 'done' else o.state end
        and (s.status <> 202 or o.state <> 'done')
      order by o.job_id limit 1) o);
end
$$;
comment on function admin.toggl_outcome(ledger.operator, admin.request) is
  'The answer to a request that started jobs (made: jobs, their numbers): 200 when all are done, 409 when one failed, '
  'else 202 and an unfinished job. Null: there is none of them.';

create function admin.toggl_disconnect(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  connection bigint := ledger.id_of(request.given ->> 'connection_id', 'connection_id');
  was ledger.toggl_connection;
  n bigint;
begin
  select c.* into was from ledger.toggl_connection c
  where c.token_sealed is not null and c.connection_id = coalesce(connection, c.connection_id) order by c.connection_id
    limit 1;
  n := ledger.toggl_disconnect(connection);
  return ledger.answer(json_build_object('stay', n, 'words',
                                         ledger.coded('toggl.forgotten', jsonb_build_object('stay', n)))::text,
    audit => ledger.audited('toggl.disconnect',
                            ledger.coded('subject.connection', jsonb_build_object('connection_id', was.connection_id)),
                            jsonb_build_object('user', was.name, 'email', was.email), null));
end
$$;
comment on function admin.toggl_disconnect(ledger.operator, admin.request) is
  'POST toggl/disconnect: deletes the token of a connection; subscriptions at Toggl stay.';
