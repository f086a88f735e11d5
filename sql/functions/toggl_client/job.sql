-- Jobs at Toggl. A job is a row with a queue of requests, so that it survives the end of its
-- process and a used-up quota. The command line, the admin page and the courier start a job with
-- toggl_begin() and call toggl_turn() in a loop: it evaluates the last answer and returns the next
-- request. The programs only send the requests. What an answer means does not belong here: see
-- step.sql.

create function ledger.toggl_request(job ledger.toggl_job, inout step jsonb, out api text, out method text,
                                     out path text, out body jsonb, out organization bigint, out endpoint bigint)
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  home bigint := (step -> 'ws')::bigint;
  item text := home || '/' || (step ->> 'id');
  s ledger.toggl_subscription;
  most bigint;
begin
  select w.organization_id, w.max_filters into organization, most from ledger.toggl_workspace w
    where w.workspace_id = home;
  -- An unknown workspace has no organization: its requests count for the user's own window.
  organization := coalesce(organization, 0);
  method := 'GET';
  api := 'webhooks';
  case step ->> 'do'
    when 'me' then api := 'track'; path := '/me';
    when 'quota' then api := 'track'; path := '/me/quota'; organization := null;
    when 'workspaces' then api := 'track'; path := '/me/workspaces';
    when 'limits' then path := '/limits/' || home;
    when 'list' then path := '/subscriptions/' || home;
    when 'ping', 'prove' then method := 'POST'; path := '/ping/' || item;
    when 'delete' then method := 'DELETE'; path := '/subscriptions/' || item;
    when 'create' then
      method := 'POST';
      path := '/subscriptions/' || home;
      endpoint := (step -> 'endpoint')::bigint;
      if not step ? 'fallbacks' then
        step := step || jsonb_build_object('fallbacks', (
          select jsonb_agg(jsonb_build_object('filters', p.filters, 'left', p.left_out) order by p.fallback)
          from ledger.toggl_plan(coalesce(most, 3), ledger.toggl_covered(home)) p));
      end if;
      body := jsonb_build_object('description', step -> 'description', 'url_callback', step -> 'url', 'enabled', true,
        'event_filters', ledger.toggl_event_filters(array(select
                                                          jsonb_array_elements_text(step -> 'fallbacks' -> 0
                                                              -> 'filters'))));
    when 'write' then
      method := 'PUT';
      path := '/subscriptions/' || item;
      endpoint := (step -> 'endpoint')::bigint;
      select o.* into s from ledger.toggl_subscription o where o.workspace_id = home
        and o.subscription_id = (step -> 'id')::bigint;
      -- All members, and always `enabled`: Toggl handles an update without it wrongly.
      body := jsonb_build_object('description', coalesce(step ->> 'description', s.description),
        'url_callback', coalesce(step ->> 'url', s.url), 'enabled',
        coalesce((step -> 'enabled')::boolean, s.enabled, true),
        'event_filters', ledger.toggl_event_filters(case when step ? 'filters'
          then array(select jsonb_array_elements_text(step -> 'filters')) else s.filters end));
    when 'load' then api := 'track'; path := ledger.load_path(step);
    when 'gone' then api := 'track'; path := ledger.load_path(step);
    else
      select r.* into api, method, path, body from ledger.report_request(step) r;
      if not step ? 'ws' then
        organization := 0;
      end if;
  end case;
end
$$;
comment on function ledger.toggl_request(ledger.toggl_job, jsonb) is
  'The request of a step. api: webhooks, track or reports; organization: whose window counts, null: none; endpoint: '
  'the endpoint whose newest secret goes into the body. step returns the step with the values that were chosen.';

create function ledger.toggl_verify(workspace bigint, subscription bigint)
returns jsonb
language sql immutable set search_path = ledger, pg_temp
return jsonb_build_array(jsonb_build_object('do', 'ping', 'ws', workspace, 'id', subscription, 'quiet', true),
                         jsonb_build_object('do', 'list', 'ws', workspace, 'id', subscription, 'then', 'verified'));
comment on function ledger.toggl_verify(bigint, bigint) is
  'The steps that check whether a subscription is validated: ping it again, which validates it, and read it.';

create function ledger.toggl_repair(s ledger.toggl_subscription)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select case t.state
    when 'missing' then jsonb_build_array(jsonb_build_object('do', 'create', 'ws', s.workspace_id, 'endpoint',
                                                             s.endpoint_id,
      'url', s.wanted_url, 'description', s.description, 'replaces', s.subscription_id,
      'fallbacks', jsonb_build_array(jsonb_build_object('filters', s.wanted_filters, 'left', '[]'::jsonb))))
    when 'unvalidated' then ledger.toggl_verify(s.workspace_id, s.subscription_id)
    when 'well' then '[]' when 'off' then '[]' when 'unknown' then '[]' when 'endpoint' then '[]'
    else jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('do', 'write', 'ws', s.workspace_id, 'id',
                                                                s.subscription_id, 'url', s.wanted_url,
      'filters', s.wanted_filters, 'enabled', s.wanted_enabled, 'endpoint',
      case when t.state = 'url' then s.endpoint_id end))) end
  from ledger.toggl_state(s) t
$$;
comment on function ledger.toggl_repair(ledger.toggl_subscription) is
  'The steps that repair a subscription at Toggl; none when nothing has to be changed at Toggl.';

create function ledger.toggl_begin(
  connection bigint, job_kind text, parameters jsonb, address text, secret bytea, is_interactive boolean)
returns table (job_id bigint, lease bigint)
language plpgsql set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  wanted jsonb := parameters;
  home bigint := (wanted -> 'workspace')::bigint;
  item bigint := (wanted -> 'subscription')::bigint;
  s ledger.toggl_subscription;
  steps jsonb;
  made bigint;
  held ledger.toggl_job;
  lacking text[];
begin
  if job_kind = 'resume' then
    update ledger.toggl_job j
    set lease = j.lease + 1, leased_until = clock_timestamp() + interval '5 minutes',
        is_interactive = toggl_begin.is_interactive
    where j.job_id = (wanted -> 'job')::bigint and j.finished_at is null and j.leased_until <= clock_timestamp()
    returning j.* into held;
    if held.job_id is null then
      perform ledger.refuse('toggl.job_unknown', jsonb_build_object('job_id', wanted -> 'job'), 'P0002');
    end if;
    return query select held.job_id, held.lease;
    return;
  end if;
  if item is not null then
    select o.* into s from ledger.toggl_subscription o
    where o.subscription_id = item and (home is null or o.workspace_id = home) and o.deleted_at is null;
    if not found then
      perform ledger.refuse('toggl.subscription_unknown', jsonb_build_object('subscription_id', item), 'P0002');
    end if;
    home := s.workspace_id;
  end if;
  if home is not null and not (wanted ? 'connect') then
    select w.connection_id into connection from ledger.toggl_workspace w
    join ledger.toggl_connection c on c.connection_id = w.connection_id and c.token_sealed is not null
    where w.workspace_id = home;
    if not found then
      perform ledger.refuse('toggl.workspace_unconnected', jsonb_build_object('workspace_id', home), 'P0002');
    end if;
  end if;
  if not exists (select from ledger.toggl_connection c where c.connection_id = connection
                 and c.token_sealed is not null) then
    perform ledger.refuse('toggl.unconnected', state => 'P0002');
  end if;

  if job_kind in ('subscribe', 'rotate', 'adopt') then
    held := ledger.toggl_conflicting_job(job_kind, home, item, null);
    if held.leased_until <= clock_timestamp() and coalesce(held.wait_until, '-infinity') <= ledger.clock()
       and held.kind = job_kind and held.given - '{hook_url,by,endpoint,url,secret}'::text[] = wanted
       - '{hook_url,by}'::text[] then
      -- Left by a process that died, and requested again.
      return query select *
        from ledger.toggl_begin(connection, 'resume', jsonb_build_object('job', held.job_id), null, null,
                                is_interactive);
      return;
    elsif held.job_id is not null then
      perform ledger.refuse('toggl.job_conflict', ledger.toggl_conflicting_job_coded(held), '23505');
    end if;
  end if;
  if job_kind = 'subscribe' then
    -- A second request a moment later gets the result of the first one.
    select array_agg(f) into lacking
    from unnest(case when wanted ? 'filters' then ledger.toggl_filters_read(wanted ->> 'filters')
                     else (select p.filters from ledger.toggl_workspace w
                           cross join ledger.toggl_plan(coalesce(w.max_filters, 3), ledger.toggl_covered(home)) p
                           where w.workspace_id = home order by p.fallback limit 1) end) f
    where not array[f, split_part(f, '.', 1) || '.*', '*.' || split_part(f, '.', 2), '*.*'] &&
      coalesce(ledger.toggl_covered(home), '{}');
    if lacking is null then
      perform ledger.refuse('toggl.nothing_left', jsonb_build_object('workspace_id', home), '23505');
    end if;
  end if;
  if job_kind in ('subscribe', 'adopt') then
    insert into ledger.endpoint as e (address, name, workspace_id)
    values (address, left(coalesce(wanted ->> 'description', s.description, 'workspace ' || home), 200), home)
    returning e.endpoint_id into made;
    insert into ledger.endpoint_secret (endpoint_id, sealed) values (made, secret);
    wanted := wanted || jsonb_build_object('endpoint', made, 'url', (wanted ->> 'hook_url') || address);
  elsif job_kind = 'rotate' then
    if s.endpoint_id is null then
      perform ledger.refuse('toggl.subscription_foreign', jsonb_build_object('subscription_id', item));
    end if;
    insert into ledger.endpoint_secret as t (endpoint_id, sealed) values (s.endpoint_id, secret) returning t.secret_id
      into made;
    wanted := wanted || jsonb_build_object('endpoint', s.endpoint_id, 'secret', made);
  end if;

  -- The installation may have moved: the wanted address is the one by public_url.
  if (job_kind = 'repair' or (wanted ->> 'repair')::boolean) and wanted ->> 'hook_url' ~* '^https?://' then
    update ledger.toggl_subscription o set wanted_url = (wanted ->> 'hook_url') || e.address
    from ledger.endpoint e
    where e.endpoint_id = o.endpoint_id and (home is null or o.workspace_id = home)
      and (item is null or o.subscription_id = item)
      and o.wanted_url is distinct from (wanted ->> 'hook_url') || e.address;
  end if;

  if job_kind = 'compare' then
    -- The days stay the same when the job waits for the quota.
    wanted := wanted || (select jsonb_build_object('from', r.first, 'until', r.last)
                         from ledger.compare_range(wanted) r);
  elsif job_kind = 'reload' then
    wanted := wanted || jsonb_build_object('at', ledger.rfc3339(ledger.clock()));
  end if;
  steps := case job_kind
    when 'connect' then '[{"do": "me"}, {"do": "quota"}, {"do": "workspaces"}]'
    when 'refresh' then '[{"do": "quota"}, {"do": "workspaces"}]'
    when 'quota' then '[{"do": "quota"}]'
    when 'subscribe' then
      case when (select w.limits_at is null from ledger.toggl_workspace w where w.workspace_id = home)
           then jsonb_build_array(jsonb_build_object('do', 'limits', 'ws', home)) else '[]' end
      || coalesce((select jsonb_build_array(jsonb_build_object('do', 'list', 'ws', home, 'then', 'late', 'urls',
                                                               jsonb_agg(j.given -> 'url')))
                   from ledger.toggl_job j
                   where j.kind = 'subscribe' and (j.given -> 'workspace')::bigint = home and j.failed
                     and j.state ? 'doubt'
                     and j.finished_at > now() - interval '1 day' having count(*) > 0), '[]')
      || jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('do', 'create', 'ws', home, 'endpoint',
                                                                wanted -> 'endpoint',
           'url', wanted -> 'url', 'description', wanted -> 'description',
           'fallbacks', case when wanted ? 'filters' then jsonb_build_array(jsonb_build_object(
             'filters', ledger.toggl_filters_read(wanted ->> 'filters'), 'left', '[]'::jsonb)) end)))
    when 'change' then jsonb_build_array(jsonb_build_object('do', 'list', 'ws', home),
      jsonb_strip_nulls(jsonb_build_object('do', 'write', 'ws', home, 'id', item, 'description',
                                           wanted -> 'description', 'enabled', wanted -> 'enabled',
        'filters', case when wanted ? 'filters' then to_jsonb(ledger.toggl_filters_read(wanted ->> 'filters')) end)))
    when 'rotate' then jsonb_build_array(jsonb_build_object('do', 'list', 'ws', home),
      jsonb_build_object('do', 'write', 'ws', home, 'id', item, 'endpoint', s.endpoint_id))
    when 'adopt' then jsonb_build_array(jsonb_build_object('do', 'list', 'ws', home),
      jsonb_build_object('do', 'write', 'ws', home, 'id', item, 'endpoint', made, 'url', wanted -> 'url', 'enabled',
                         true))
    when 'repair' then jsonb_build_array(jsonb_build_object('do', 'list', 'ws', home, 'id', item, 'then', 'repair'))
    when 'ping' then jsonb_build_array(jsonb_build_object('do', 'ping', 'ws', home, 'id', item))
    when 'validate' then ledger.toggl_verify(home, item)
    when 'delete' then jsonb_build_array(jsonb_build_object('do', 'delete', 'ws', home, 'id', item),
      jsonb_build_object('do', 'list', 'ws', home, 'id', item, 'then', 'deleted'))
    when 'load' then ledger.load_steps(job_kind, connection, home)
    when 'reload' then ledger.load_steps(job_kind, connection, home)
    when 'check' then (
      select jsonb_agg(jsonb_build_object('do', 'list', 'ws', w.workspace_id, 'then', 'check') order by w.workspace_id)
      from ledger.toggl_workspace w
      where w.connection_id = connection and exists (
        select from ledger.toggl_subscription o where o.workspace_id = w.workspace_id and o.endpoint_id is not null
          and o.deleted_at is null))
    when 'prove' then (
      select jsonb_agg(jsonb_build_object('do', 'prove', 'ws', d.workspace_id, 'id', d.subscription_id, 'endpoint',
                                          d.endpoint_id, 'quiet', not is_interactive,
                                          -- Receivers count by the clock, which tests do not move. The ping may be
                                          -- counted before Toggl's answer is evaluated.
                                          'since', clock_timestamp(),
                                          'counted', ledger.calls_counted(d.endpoint_id, clock_timestamp()))
                       order by d.workspace_id, d.subscription_id)
      from ledger.proofs_due(case when is_interactive then 0 else (wanted -> 'hours')::bigint end) d)
    when 'history_plan' then ledger.history_steps(job_kind, connection, home, wanted)
    when 'history' then ledger.history_steps(job_kind, connection, home, wanted)
    when 'compare' then ledger.repair_steps(wanted) || ledger.compare_steps(connection, home, wanted) end;

  if job_kind in ('load', 'reload', 'check', 'history', 'compare', 'prove') then
    -- One at a time, or two jobs would load the same data.
    perform from ledger.toggl_connection c where c.connection_id = toggl_begin.connection for update;
    select j.* into held from ledger.toggl_job j
    where j.connection_id = connection and j.kind = job_kind and j.finished_at is null
      and (job_kind in ('check', 'prove', 'reload')
           or j.given -> 'workspace' is not distinct from wanted -> 'workspace')
      and (job_kind <> 'compare'
           or array[j.given -> 'from', j.given -> 'until'] = array[wanted -> 'from', wanted -> 'until'])
    order by j.job_id limit 1;
    if held.job_id is not null then
      return query select *
        from ledger.toggl_begin(connection, 'resume', jsonb_build_object('job', held.job_id), null, null,
                                is_interactive);
      return;
    end if;
  end if;
  insert into ledger.toggl_job as j (connection_id, kind, given, is_interactive, queue, leased_until)
  values (connection, job_kind, wanted, is_interactive, coalesce(steps, '[]'),
          clock_timestamp() + interval '5 minutes')
  returning j.* into held;
  if job_kind = 'history' then
    perform ledger.history_begin(held);
  elsif job_kind = 'compare' then
    perform ledger.repair_begin(held);
  end if;
  return query select held.job_id, held.lease;
end
$$;
comment on function ledger.toggl_begin(bigint, text, jsonb, text, bytea, boolean) is
  'Starts a job, or takes over one that waits (resume; load, reload and check without it). The endpoint and the sealed '
  'secret of a new subscription are stored here, before the request to Toggl. P0002: no such connection, subscription '
  'or job; 23505: another job conflicts, see ledger.toggl_conflicting_job(), or it exists already.';

create function ledger.toggl_end(inout job ledger.toggl_job)
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  is_bad boolean := job.state ? 'failed';
  endpoint bigint := (job.given -> 'endpoint')::bigint;
begin
  job.failed := is_bad;
  job.finished_at := clock_timestamp();
  job.message := coalesce(job.state -> 'failed', ledger.coded_list(job.state -> 'notes'), ledger.coded('toggl.done'));
  update ledger.toggl_job j
  set queue = '[]', state = job.state, finished_at = job.finished_at, failed = job.failed, message = job.message,
      asked_at = null, wait_until = null
  where j.job_id = job.job_id;
  if is_bad and job.kind in ('subscribe', 'adopt') and not job.state ? 'keep' then
    update ledger.endpoint e set enabled = false where e.endpoint_id = endpoint;
    -- It can have received only pings; if it has received an event, it stays.
    if not exists (select from ledger.event e where e.workspace_id = (job.given -> 'workspace')::bigint
                   and e.endpoint_id = endpoint)
       and not exists (select from ledger.quarantine q where q.endpoint_id = endpoint)
       and not exists (select from ledger.toggl_subscription o where o.endpoint_id = endpoint)
       and not job.state ? 'doubt' then
      delete from ledger.endpoint_secret t where t.endpoint_id = endpoint;
      delete from ledger.endpoint e where e.endpoint_id = endpoint;
    end if;
  elsif job.kind = 'rotate' then
    if not is_bad then
      update ledger.endpoint_secret t set valid_until = least(t.valid_until, now() + interval '24 hours')
      where t.endpoint_id = endpoint and t.secret_id < (job.given -> 'secret')::bigint;
    elsif not job.state ? 'doubt' then
      update ledger.endpoint_secret t set revoked_at = now() where t.secret_id = (job.given -> 'secret')::bigint;
    end if;
  elsif is_bad and job.kind = 'connect' then
    -- The job must stay readable; toggl_connection_add() cleans up later.
    update ledger.toggl_connection c set token_sealed = null where c.connection_id = job.connection_id
      and c.user_id is null;
  elsif not is_bad and job.kind = 'load' then
    update ledger.toggl_workspace w set loaded_at = ledger.clock()
    where w.connection_id = job.connection_id
      and (not job.given ? 'workspace' or w.workspace_id = (job.given -> 'workspace')::bigint);
  elsif not is_bad and job.kind = 'compare' then
    perform ledger.repair_end(job);
  elsif not is_bad and job.kind = 'check' then
    update ledger.toggl_connection c set checked_at = ledger.clock() where c.connection_id = job.connection_id;
  end if;
end
$$;
comment on function ledger.toggl_end(ledger.toggl_job) is
  'Ends a job and cleans up: removes the endpoint of a subscription that was not created, and a secret that Toggl did '
  'not take. state: failed (why), keep (the endpoint is in use), doubt (it is not known whether Toggl did it).';

create function ledger.toggl_turn(
  job bigint, lease bigint, how jsonb, status bigint, answer text, remaining bigint, resets_in bigint,
  retry_after bigint, problem text, headers jsonb default null)
returns table (verdict text, wait_ms bigint, api text, method text, path text, body text, context text, sealed bytea,
               connection_id bigint, token bytea, message jsonb, result text, next_lease bigint)
language plpgsql set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  j ledger.toggl_job;
  step jsonb;
  asked record;
  until_us timestamptz;
  background boolean;
  why jsonb := to_jsonb(problem);
  is_backed_off boolean;
  parsed jsonb;
begin
  select o.* into j from ledger.toggl_job o where o.job_id = job for update;
  if j.job_id is null or j.lease <> toggl_turn.lease or j.finished_at is not null then
    verdict := 'lost';
    message := ledger.coded('toggl.job_lost');
    return next;
    return;
  end if;
  next_lease := j.lease + 1;
  background := not j.is_interactive;
  step := j.queue -> 0;
  if status is null and j.asked_at is not null and step ->> 'do' = 'create' then
    -- Interrupted during the request: Toggl may have created it.
    status := 0;
    why := ledger.coded('toggl.cut_off');
  end if;
  if status is not null and j.asked_at is not null then
    select r.* into asked from ledger.toggl_request(j, step) r;
    perform ledger.toggl_heard(j.connection_id, asked.organization, status, remaining, resets_in, retry_after);
    if status = 402 and remaining = 0 then
      -- The window is used up; toggl_heard() has noted until when. The request counts as not sent.
      update ledger.toggl_window w set remaining = 0
      where w.connection_id = j.connection_id and w.organization_id = coalesce(asked.organization, 0);
    elsif (status = 429 and j.tries < 6)
       or ((status = 0 or status >= 500) and j.tries < 4
           and (asked.method <> 'POST' or asked.api = 'reports' or step ->> 'do' = 'ping')) then
      -- Repeat after the back-off.
      j.state := j.state || jsonb_build_object('again', ledger.toggl_message(status, answer, why));
    else
      j.queue := j.queue - 0;
      j.state := j.state - 'again';
      j.tries := 0;
      select s.queue, s.state into j.queue, j.state
      from ledger.toggl_step(j, step, status, answer, why, how, headers) s;
    end if;
  end if;
  j.asked_at := null;

  if exists (select from ledger.toggl_arrival a where a.job_id = job) then
    verdict := 'sign';
  elsif j.queue = '[]' then
    j := ledger.toggl_end(j);
    verdict := case when j.failed then 'failed' else 'done' end;
    message := j.message;
    result := (j.state - '{notes,failed,again}'::text[])::text;
    return next;
    return;
  else
    select c.back_off_until into until_us from ledger.toggl_connection c where c.connection_id = j.connection_id
      and c.token_sealed is not null;
    if not found then
      j.state := j.state || jsonb_build_object('failed', ledger.coded('toggl.disconnected'));
      j := ledger.toggl_end(j);
      verdict := 'failed';
      message := j.message;
      return next;
      return;
    end if;
    is_backed_off := until_us > clock_timestamp() + interval '1 minute';
    if is_backed_off then
      wait_ms := ceil(extract(epoch from until_us - clock_timestamp()) * 1000)::bigint;
      message := ledger.coded('toggl.asked_to_wait');
    else
      select r.* into asked from ledger.toggl_request(j, j.queue -> 0) r;
      select a.wait_ms, a.message into wait_ms, message
      from ledger.toggl_admit(j.connection_id, asked.organization, background,
                              -- It leaves half of each window to everything else.
                              case when j.kind = 'reload' then 2000000000 else (how -> 'reserve')::bigint end,
                              (how -> 'pace_ms')::bigint) a;
    end if;
    if message is not null then
      verdict := 'wait';
      -- By ledger.clock(), which tests move, as for the windows.
      j.wait_until := ledger.clock() + wait_ms * interval '1 millisecond';
      j.wait_reason := message;
      parsed := jsonb_build_object('why', message, 'until', ledger.rfc3339(date_trunc('second', j.wait_until)),
                                   'wait_ms', wait_ms);
      message := ledger.coded_list(
        j.state -> 'failed',
        case when j.state ? 'failed' then ledger.coded('toggl.cleanup_waits') end,
        case when is_backed_off then ledger.coded('toggl.pace_wait', parsed)
             else ledger.coded('toggl.quota_wait', parsed) end);
    else
      verdict := 'ask';
      j.queue := jsonb_set(j.queue, '{0}', asked.step);
      j.asked_at := clock_timestamp();
      j.tries := j.tries + 1;
      j.wait_until := null;
      api := asked.api;
      method := asked.method;
      path := asked.path;
      body := asked.body::text;
      connection_id := j.connection_id;
      token := (select c.token_sealed from ledger.toggl_connection c where c.connection_id = j.connection_id);
      if asked.endpoint is not null then
        select e.address, t.sealed into context, sealed
        from ledger.endpoint e join ledger.endpoint_secret t on t.endpoint_id = e.endpoint_id
        where e.endpoint_id = asked.endpoint and t.revoked_at is null and t.valid_until > now()
        order by t.secret_id desc limit 1;
      end if;
    end if;
  end if;
  update ledger.toggl_job o
  set queue = j.queue, state = j.state, asked_at = j.asked_at, tries = j.tries, wait_until = j.wait_until,
      lease = next_lease,
      wait_reason = case when verdict = 'wait' then j.wait_reason end,
      leased_until = clock_timestamp() + case when verdict = 'wait' then interval '0'
                                              else interval '5 minutes' + coalesce(wait_ms, 0) *
                                                interval '1 millisecond' end
  where o.job_id = job;
  return next;
end
$$;
comment on function ledger.toggl_turn(bigint, bigint, jsonb, bigint, text, bigint, bigint, bigint, text, jsonb) is
  'One turn of a job: takes the answer of its last request (status null: there was none; 0: no answer came, and '
  'problem says why), evaluates it, and returns the next request. verdict: ask (send this after wait_ms), sign '
  '(record what arrived, then turn again), wait (the quota is used up; the courier or a person continues the job), '
  'done, failed, lost. how: reserve, pace_ms, repair. sealed, context: the secret for the member `secret` of the body, '
  'and the text that it is bound to. A lease is valid for one turn: the next one needs next_lease.';

create function ledger.toggl_leave(job bigint, lease bigint)
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  j ledger.toggl_job;
  organization bigint;
begin
  select o.* into j from ledger.toggl_job o
  where o.job_id = job and o.lease = toggl_leave.lease and o.finished_at is null for update;
  if not found then
    return;
  end if;
  if j.asked_at is not null then
    -- Returns the request to the window, because it was not sent.
    select r.organization into organization from ledger.toggl_request(j, j.queue -> 0) r;
    update ledger.toggl_window w set remaining = w.remaining + 1, in_flight = greatest(w.in_flight - 1, 0)
    where w.connection_id = j.connection_id and w.organization_id = organization and w.resets_at > ledger.clock();
    j.asked_at := null;
    j.tries := greatest(j.tries - 1, 0);
  end if;
  update ledger.toggl_job o set asked_at = j.asked_at, tries = j.tries, leased_until = clock_timestamp()
    where o.job_id = job;
end
$$;
comment on function ledger.toggl_leave(bigint, bigint) is
  'Gives a job up before the request of the last turn was sent, so that another process can continue at once.';

create function ledger.toggl_connection_add()
returns bigint
language sql set search_path = ledger, pg_temp
as $$
  delete from ledger.toggl_connection c
  where c.user_id is null and c.made_at < now() - interval '1 day'
    and not exists (select from ledger.toggl_job j where j.connection_id = c.connection_id and j.finished_at is null);
  insert into ledger.toggl_connection default values returning connection_id
$$;
comment on function ledger.toggl_connection_add() is
  'A new connection; its number binds the sealed token, which it gets next. Connections that were never completed are '
  'removed after a day.';

create function ledger.toggl_disconnect(connection bigint)
returns bigint
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  update ledger.toggl_connection c set token_sealed = null
  where c.connection_id = coalesce(connection, (
    select case when count(*) = 1 then min(o.connection_id) end from ledger.toggl_connection o
      where o.token_sealed is not null))
    and c.token_sealed is not null
  returning c.connection_id into connection;
  if connection is null then
    perform ledger.refuse('toggl.connection_unknown', state => 'P0002');
  end if;
  return (select count(*) from ledger.toggl_subscription s join ledger.toggl_workspace w
          on w.workspace_id = s.workspace_id
          where w.connection_id = connection and s.endpoint_id is not null and s.deleted_at is null
            and s.gone_at is null);
end
$$;
comment on function ledger.toggl_disconnect(bigint) is
  'Deletes the token of a connection (null: the only one). Returns how many of our subscriptions stay at Toggl. '
  'P0002: no such connection, or several.';

create function ledger.toggl_due(hours bigint, compare_days bigint, prove_hours bigint, load_hours bigint)
returns table (connection_id bigint, kind text, parameters text)
language sql set search_path = ledger, pg_temp
as $$
  select ledger.proof_evaluate();
  -- Waiting jobs continue first; then connections are checked.
  select j.connection_id, 'resume', json_build_object('job', j.job_id)::text
  from ledger.toggl_job j
  where j.finished_at is null and j.leased_until <= clock_timestamp()
    and coalesce(j.wait_until, '-infinity') <= ledger.clock()
  union all
  select c.connection_id, 'check', '{}'
  from ledger.toggl_connection c
  where c.token_sealed is not null and c.user_id is not null and c.refused_at is null and hours > 0
    and (coalesce(c.checked_at, c.connected_at) + hours * interval '1 hour' <= ledger.clock()
         -- A ping did not arrive: the check finds what was changed at Toggl, and repairs it.
         or exists (select from ledger.proof p
                    join ledger.toggl_workspace w on w.workspace_id = p.workspace_id
                    where w.connection_id = c.connection_id and p.state in ('refused', 'lost')
                      and p.asked_at > coalesce(c.checked_at, '-infinity')))
    and not exists (select from ledger.toggl_job j where j.connection_id = c.connection_id and j.kind = 'check'
                    and j.finished_at is null)
  union all
  select d.connection_id, d.kind, d.parameters from ledger.compare_due(compare_days) d
  union all
  select distinct d.connection_id, 'prove', json_build_object('hours', prove_hours)::text
  from ledger.proofs_due(prove_hours) d
  where not exists (select from ledger.toggl_job j where j.connection_id = d.connection_id and j.kind = 'prove'
                    and j.finished_at is null)
  union all
  select d.connection_id, d.kind, d.parameters from ledger.reload_due(load_hours) d
$$;
comment on function ledger.toggl_due(bigint, bigint, bigint, bigint) is
  'Called by the courier: evaluates the last pings, and returns what is due: jobs that have waited long enough, '
  'connections that were not checked for so many hours or whose ping did not arrive, the comparisons of '
  'ledger.compare_due(), connections with subscriptions that were not heard of for prove_hours (0: never), and what is '
  'loaded again every load_hours (0: never). Each is an argument for toggl_begin().';
