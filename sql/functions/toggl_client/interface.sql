-- Functions about Toggl in the interface schemas: the same ones for each program that sends
-- requests to Toggl, and the lists of the command line. How a job works does not belong here: see
-- job.sql.

select ledger.interface_function(called) from unnest(array[
  'operator.toggl_begin', 'operator.toggl_turn', 'operator.toggl_leave', 'operator.toggl_due',
  'operator.toggl_unsigned', 'operator.toggl_record', 'operator.toggl_local',
  'operator.toggl_connection_add', 'operator.toggl_disconnect',
  'courier.toggl_begin', 'courier.toggl_turn', 'courier.toggl_leave', 'courier.toggl_due',
  'courier.toggl_unsigned', 'courier.toggl_record', 'courier.toggl_local',
  'admin.toggl_turn', 'admin.toggl_leave',
  'admin.toggl_unsigned', 'admin.toggl_record', 'admin.toggl_local']) called;

-- ---- of the admin page: the audit trail names the operator who starts a job

create function admin.toggl_begin(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  kind constant text := request.made ->> 'kind';
  parameters constant jsonb := request.made -> 'parameters';
  connection constant bigint := request.made ->> 'connection_id';
  was ledger.toggl_subscription;
begin
  select s.* into was from ledger.toggl_subscription s
  where s.subscription_id = (parameters -> 'subscription')::bigint and s.deleted_at is null limit 1;
  return (
    select ledger.answer(null, private => to_jsonb(b), audit => ledger.audited(
      'toggl.' || kind,
      case when was.subscription_id is not null then
             ledger.coded('subject.toggl_subscription',
                          jsonb_build_object('subscription_id', was.subscription_id, 'workspace_id', was.workspace_id))
           when parameters ? 'workspace' then
             ledger.coded('subject.toggl_workspace', jsonb_build_object('workspace_id', parameters -> 'workspace'))
           when parameters ? 'job' then
             ledger.coded('subject.toggl_job', jsonb_build_object('job_id', parameters -> 'job'))
           else ledger.coded('subject.connection', jsonb_build_object('connection_id', connection)) end,
      case when kind in ('change', 'delete') and was.subscription_id is not null then
        jsonb_build_object('description', was.description, 'url', ledger.url_shown(was.url), 'filters',
                           array_to_string(was.filters, ','), 'enabled', was.enabled) end,
      nullif(parameters - '{hook_url,workspace,subscription,job,connect}'::text[], '{}')))
    from ledger.toggl_begin(connection, kind, parameters || jsonb_build_object('by', who.name),
                            request.made ->> 'address', ledger.made_bytes(request, 'secret'), true) b);
end
$$;
comment on function admin.toggl_begin(ledger.operator, admin.request) is
  'As ledger.toggl_begin(), whose arguments are in made.';

create function admin.toggl_connection_add(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  return ledger.answer(null, private => jsonb_build_object('connection_id', ledger.toggl_connection_add()));
end
$$;
comment on function admin.toggl_connection_add(ledger.operator, admin.request) is
  'POST toggl/connect: as ledger.toggl_connection_add().';

create function admin.toggl_connection_token(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  update ledger.toggl_connection c set token_sealed = ledger.made_bytes(request, 'sealed')
  where c.connection_id = (request.made ->> 'connection_id')::bigint and c.token_sealed is null and c.user_id is null;
  return ledger.answer('{}');
end
$$;
comment on function admin.toggl_connection_token(ledger.operator, admin.request) is
  'Gives a new connection its token. made: connection_id; sealed, bound to the text toggl and its number.';

-- ---- of the command line only

create function operator.toggl_connection_token(connection bigint, sealed bytea)
returns void
language sql volatile security definer set search_path = ledger, pg_temp
as $$ update ledger.toggl_connection c set token_sealed = sealed where c.connection_id = connection $$;
comment on function operator.toggl_connection_token(bigint, bytea) is
  'Gives a connection its token, sealed bound to the text toggl and its number; null ends it.';

create function operator.toggl_connection_list()
returns table (connection_id bigint, user_id bigint, name text, email text, connected_us bigint, checked_us bigint,
               refused_us bigint)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select c.connection_id, c.user_id, c.name, c.email, ledger.us(c.connected_at), ledger.us(c.checked_at),
         ledger.us(c.refused_at)
  from ledger.toggl_connection c where c.token_sealed is not null and c.user_id is not null order by c.connection_id
$$;
comment on function operator.toggl_connection_list() is 'Connected Toggl users.';

create function operator.toggl_workspace_list(connection bigint)
returns table (workspace_id bigint, name text, organization_id bigint, is_admin boolean, max_webhooks bigint,
               max_filters bigint, listed_us bigint, loaded_us bigint)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select w.workspace_id, w.name, w.organization_id, w.is_admin, w.max_webhooks::bigint, w.max_filters::bigint,
         ledger.us(w.listed_at), ledger.us(w.loaded_at)
  from ledger.toggl_workspace w where connection is null or w.connection_id = connection order by w.workspace_id
$$;
comment on function operator.toggl_workspace_list(bigint) is
  'Workspaces of a connection (null: of all), with the limits of their plans where they were asked.';

create function operator.toggl_subscription_list()
returns table (workspace_id bigint, subscription_id bigint, description text, filters text, enabled boolean,
               validated_us bigint, endpoint_id bigint, url text, state text, words jsonb, mend text, seen_us bigint)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select s.workspace_id, s.subscription_id, s.description, array_to_string(s.filters, ' '), s.enabled,
         ledger.us(s.validated_at),
         s.endpoint_id, s.url, t.state, t.message,
         case when t.repair like 'endpoint %' then t.repair else 'toggl ' || t.repair || ' ' || s.subscription_id end,
         ledger.us(coalesce(w.listed_at, s.seen_at))
  from ledger.toggl_subscription s
  left join ledger.toggl_workspace w on w.workspace_id = s.workspace_id
  cross join lateral ledger.toggl_state(s) t
  where s.deleted_at is null
  order by s.workspace_id, s.subscription_id
$$;
comment on function operator.toggl_subscription_list() is
  'Subscriptions at Toggl as they were when we last looked (seen_us), how they differ from what we want, and the '
  'command that repairs it.';

create function operator.toggl_subscription_find(item bigint)
returns table (workspace_id bigint, connection_id bigint, endpoint_id bigint, address text)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
begin
  return query
    select s.workspace_id, w.connection_id, s.endpoint_id, e.address
    from ledger.toggl_subscription s
    left join ledger.toggl_workspace w on w.workspace_id = s.workspace_id
    left join ledger.endpoint e on e.endpoint_id = s.endpoint_id
    where s.subscription_id = item and s.deleted_at is null
    order by s.endpoint_id nulls last limit 1;
  if not found then
    perform ledger.refuse('toggl.subscription_unknown', jsonb_build_object('subscription_id', item), 'P0002');
  end if;
end
$$;
comment on function operator.toggl_subscription_find(bigint) is
  'Workspace of a subscription, and the address of its endpoint (null: it was made elsewhere). P0002: it does not '
  'exist.';

create function operator.toggl_quota_list()
returns table (connection_id bigint, name text, organization_id bigint, remaining bigint, total bigint,
               resets_us bigint, seen_us bigint)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select w.connection_id, c.name, w.organization_id,
         case when w.resets_at <= ledger.clock() then coalesce(w.total, 30) else w.remaining end::bigint,
           w.total::bigint,
         case when w.resets_at > ledger.clock() then ledger.us(w.resets_at) end, ledger.us(w.seen_at)
  from ledger.toggl_window w join ledger.toggl_connection c on c.connection_id = w.connection_id
  where c.token_sealed is not null
  order by w.connection_id, w.organization_id
$$;
comment on function operator.toggl_quota_list() is
  'Remaining quota at Toggl, by its answers; organization 0: the user''s own. resets_us null: the window has ended, '
  'the next request begins one.';

create function operator.toggl_job_list()
returns table (job_id bigint, kind text, workspace_id bigint, made_us bigint, waits_until_us bigint, words jsonb)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select j.job_id, j.kind, (j.given -> 'workspace')::bigint, ledger.us(j.made_at), ledger.us(j.wait_until),
         j.wait_reason
  from ledger.toggl_job j where j.finished_at is null order by j.job_id
$$;
comment on function operator.toggl_job_list() is
  'Jobs that have not ended: running, waiting for the quota, or left by a process that died.';

create function operator.history_list()
returns table (workspace_id bigint, "from" text, until text, loaded_us bigint, entries bigint, recorded bigint,
               requests bigint, seconds_here bigint, seconds_toggl bigint, job_id bigint)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select w.workspace_id, w.from_day::text, w.until_day::text, ledger.us(w.loaded_at), w.entries, w.recorded,
         w.requests, w.seconds_here, w.seconds_toggl,
         (select j.job_id from ledger.toggl_job j where j.job_id = w.job_id and j.finished_at is null)
  from ledger.history_window w order by w.workspace_id, w.from_day desc
$$;
comment on function operator.history_list() is
  'Ranges of days that were loaded from Toggl, or wait for it. loaded_us null: not complete; job_id: the job that will '
  'load it. Both sums in seconds, without running entries.';

create function operator.completeness_list(workspace bigint, from_day text, until_day text)
returns table (workspace_id bigint, day text, state text, seconds_here bigint, seconds_toggl bigint, people text,
               checked_us bigint)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  days record;
begin
  select r.* into days
  from ledger.compare_range(jsonb_strip_nulls(jsonb_build_object('from', from_day, 'until', until_day))) r;
  return query
    select c.workspace_id, c.day::text, c.state, c.seconds_here, c.seconds_toggl,
           (select string_agg(format('%s: %s', coalesce(u.user_name, p.user_id::text),
                                     to_char(p.seconds_here - p.seconds_toggl, 'FMSG999999999990')), ', '
                              order by p.user_id)
            from ledger.completeness p
            left join toggl.users u on u.workspace_id = p.workspace_id and u.user_id = p.user_id
            where p.workspace_id = c.workspace_id and p.day = c.day and p.user_id > 0 and p.state = 'differs'),
           ledger.us(c.checked_at)
    from ledger.completeness c
    where c.user_id = 0 and c.day between days.first and days.last and (workspace is null or c.workspace_id = workspace)
    order by c.workspace_id, c.day;
end
$$;
comment on function operator.completeness_list(bigint, text, text) is
  'The days of a range that were compared with Toggl, as toggl.completeness has them (workspace null: of all; without '
  'days the last seven). people: who differs, with the seconds that are more or fewer here.';

create function operator.toggl_plan(workspace bigint)
returns table (fallback bigint, words jsonb, left_out jsonb, filters text, max_webhooks bigint, max_filters bigint)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
declare
  home ledger.toggl_workspace;
begin
  select w.* into home from ledger.toggl_workspace w where w.workspace_id = workspace;
  if not found then
    perform ledger.refuse('toggl.workspace_unknown', jsonb_build_object('workspace_id', workspace), 'P0002');
  end if;
  return query
    select p.fallback, ledger.coded('toggl.filters',
                                    jsonb_build_object('filters', ledger.toggl_filters_write(p.filters))),
           case when p.left_out <> '{}' then
                ledger.coded('toggl.filters',
                             jsonb_build_object('filters', ledger.toggl_filters_write(p.left_out))) end,
           replace(array_to_string(p.filters, ','), '.', ':'), home.max_webhooks::bigint, home.max_filters::bigint
    from ledger.toggl_plan(coalesce(home.max_filters, 3), ledger.toggl_covered(workspace)) p
    order by p.fallback;
end
$$;
comment on function operator.toggl_plan(bigint) is
  'Proposal for one more subscription of a workspace, as ledger.toggl_plan() makes it, in a form for people; filters: '
  'as they are written at the command line. No row: nothing is left, or the plan allows none. P0002: no such '
  'workspace.';
