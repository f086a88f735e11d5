-- Evaluates an answer of Toggl for its job: stores what it says, and returns the next requests or
-- why the job failed. Called by toggl_turn() for each answer.

create function ledger.toggl_step(
  job ledger.toggl_job, step jsonb, status bigint, answer text, problem jsonb, how jsonb, headers jsonb,
  out queue jsonb, out state jsonb)
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  home bigint := (step -> 'ws')::bigint;
  item bigint := (step -> 'id')::bigint;
  parsed jsonb := case when status = 200 then ledger.toggl_json(answer) end;
  message jsonb := ledger.toggl_message(status, answer, problem);
  error_text text := coalesce(ledger.toggl_json(answer) #>> '{}', answer, '');
  bad jsonb;
  note jsonb;
  s ledger.toggl_subscription;
  learnt bigint;
  more jsonb := '[]';
begin
  queue := job.queue;
  state := job.state;

  -- Statuses with the same meaning for each request.
  if status in (401, 403)
    and (error_text ~* 'username|password|credential' or step ->> 'do' in ('me', 'workspaces')) then
    update ledger.toggl_connection c set refused_at = coalesce(c.refused_at, ledger.clock())
      where c.connection_id = job.connection_id;
    bad := case when job.kind = 'connect'
                then ledger.coded('toggl.token_unknown', jsonb_build_object('message', message))
                else ledger.coded('toggl.token_refused', jsonb_build_object('message', message)) end;
    queue := '[]';
  elsif status = 402 then
    bad := ledger.coded('toggl.not_in_plan', jsonb_build_object('message', message));
  elsif status = 403 then
    bad := ledger.coded('toggl.not_allowed', jsonb_build_object('workspace_id', home, 'message', message));
  elsif status = 429 then
    bad := ledger.coded('toggl.too_fast', jsonb_build_object('message', message));
  elsif status not in (200, 400, 404) and step ->> 'do' not in ('create', 'write') then
    bad := ledger.coded('toggl.try_later', jsonb_build_object('message', message));
  elsif status = 200 and parsed is null then
    message := ledger.coded('toggl.not_json');
  end if;

  case step ->> 'do'
  when 'me' then
    learnt := ledger.toggl_number(parsed -> 'id');
    if bad is null and coalesce(learnt, 0) <= 0 then
      bad := ledger.coded('toggl.no_user', jsonb_build_object('message', message));
      queue := '[]';
    elsif bad is null then
      -- The same user again: the existing connection gets the new token.
      update ledger.toggl_workspace w set connection_id = job.connection_id from ledger.toggl_connection c
      where c.user_id = learnt and w.connection_id = c.connection_id;
      update ledger.toggl_job j set connection_id = job.connection_id from ledger.toggl_connection c
      where c.user_id = learnt and j.connection_id = c.connection_id;
      delete from ledger.toggl_connection c where c.user_id = learnt and c.connection_id <> job.connection_id;
      update ledger.toggl_connection c
      set user_id = learnt, name = left(parsed ->> 'fullname', 200), email = left(parsed ->> 'email', 320),
          connected_at = ledger.clock(), refused_at = null
      where c.connection_id = job.connection_id;
      note := ledger.coded('toggl.connected',
                           jsonb_build_object('name', parsed -> 'fullname', 'email', parsed -> 'email', 'user_id',
                                              learnt));
      state := state || jsonb_build_object('user_id', learnt::text);
    end if;
  when 'quota' then
    -- Optional: the job continues without it.
    bad := case when status in (401, 403) then bad end;
    perform ledger.toggl_quota_learn(job.connection_id, parsed);
  when 'workspaces' then
    if bad is null and jsonb_typeof(parsed) is distinct from 'array' then
      bad := ledger.coded('toggl.no_workspaces', jsonb_build_object('message', message));
    end if;
    if bad is null then
      insert into ledger.toggl_workspace as w (workspace_id, connection_id, organization_id, name, is_admin)
      select distinct on (1) ledger.toggl_number(t.one -> 'id'), job.connection_id,
             coalesce(ledger.toggl_number(t.one -> 'organization_id'), 0),
             left(t.one ->> 'name', 200),
               case when jsonb_typeof(t.one -> 'admin') = 'boolean' then (t.one -> 'admin')::boolean end
      from jsonb_array_elements(parsed) t (one)
      where ledger.toggl_number(t.one -> 'id') > 0
      on conflict (workspace_id) do update
        set organization_id = excluded.organization_id, name = excluded.name,
            is_admin = case when w.connection_id = excluded.connection_id then excluded.is_admin else w.is_admin end,
            -- The workspace stays with its connection as long as that one has a valid token.
            connection_id = case when exists (select from ledger.toggl_connection c
                                              where c.connection_id = w.connection_id and c.token_sealed is not null
                                                and c.refused_at is null)
                                 then w.connection_id else excluded.connection_id end;
      delete from ledger.toggl_workspace w
      where w.connection_id = job.connection_id and w.loaded_at is null and w.endpoint_id is null
        and w.workspace_id not in (select ledger.toggl_number(t.one -> 'id') from jsonb_array_elements(parsed) t (one)
                                   where ledger.toggl_number(t.one -> 'id') is not null)
        and not exists (select from ledger.toggl_subscription o where o.workspace_id = w.workspace_id);
      if job.given ? 'workspace'
        and not exists (select from ledger.toggl_workspace w
                        where w.workspace_id = (job.given -> 'workspace')::bigint) then
        bad := ledger.coded('toggl.not_a_member',
                            jsonb_build_object('workspace_id', job.given -> 'workspace', 'workspaces', (
          select jsonb_agg(w.workspace_id || coalesce(' "' || w.name || '"', '')) from ledger.toggl_workspace w
            where w.connection_id = job.connection_id)));
      else
        select coalesce(jsonb_agg(x.one order by w.workspace_id, x.place), '[]') into more
        from (select w.* from ledger.toggl_workspace w
              where w.connection_id = job.connection_id
                and (not job.given ? 'workspace' or w.workspace_id = (job.given -> 'workspace')::bigint)
              order by w.workspace_id limit case when job.kind = 'connect' then 5 end) w,
             lateral (values (1, jsonb_build_object('do', 'limits', 'ws', w.workspace_id)),
                             (2, jsonb_build_object('do', 'list', 'ws', w.workspace_id))) x (place, one)
        where x.place = 2 or w.limits_at is null or w.limits_at < ledger.clock() - interval '1 day';
      end if;
    end if;
  when 'limits' then
    update ledger.toggl_workspace w
    set max_webhooks = least(ledger.toggl_number(parsed -> 'max_webhooks'), 100000),
        max_filters = least(ledger.toggl_number(parsed -> 'max_events_per_webhook'), 100000), limits_at = ledger.clock()
    where w.workspace_id = home and ledger.toggl_number(parsed -> 'max_webhooks') >= 0
      and ledger.toggl_number(parsed -> 'max_events_per_webhook') >= 0;
    -- Without them the planner takes the smallest plan.
    bad := case when job.kind <> 'connect' and status in (401) then bad end;
  when 'load' then
    -- One kind that fails must not keep the daily load from the others.
    if status in (402, 403, 404) or bad is not null and job.kind = 'reload' and status <> 401 then
      -- Not every plan has groups, and Toggl's list of them is deprecated.
      note := case when step ->> 'model' not in ('group', 'project_group') then
        ledger.coded('toggl.left_out', jsonb_build_object('model', step -> 'model', 'workspace_id', home, 'message',
                                                          message)) end;
      bad := null;
    elsif bad is null then
      select l.note, l.more, l.bad into note, more, bad from ledger.toggl_arrive(job, step, parsed, state) l;
      bad := bad || jsonb_build_object('message', message);
      if job.kind = 'reload' then
        note := ledger.coded_list(note, bad);
        bad := null;
      end if;
      state := state || jsonb_build_object('first_of_page', parsed #>> '{0,id}',
        'loaded', coalesce((state -> 'loaded')::bigint, 0) +
        coalesce(jsonb_array_length(case jsonb_typeof(parsed) when 'array' then parsed else '[]' end), 0));
    end if;
  when 'gone' then
    -- Without this answer deleted entities stay in the tables, and nothing else is wrong.
    bad := case when status = 401 then bad end;
    if status = 200 then
      perform ledger.toggl_arrive_deleted(job, step, parsed);
    end if;
  when 'prove' then
    select p.bad, p.note into bad, note from ledger.proof_step(step, status, message, bad) p;
  when 'entries', 'totals', 'my_entries', 'weekly', 'confirm' then
    if job.kind = 'compare' then
      select c.queue, c.state, c.bad, c.note, c.more into queue, state, bad, note, more
      from ledger.toggl_step_compare(job, step, status, parsed, message, coalesce(headers, '{}'), bad, queue, state) c;
    else
      select h.queue, h.state, h.bad, h.note, h.more into queue, state, bad, note, more
      from ledger.toggl_step_history(job, step, status, parsed, message, how, coalesce(headers, '{}'), bad, queue,
                                     state) h;
    end if;
  when 'event_log' then
    bad := case when status = 401 then bad end;
    if bad is null then
      select l.state, l.more into state, more from ledger.repair_log(job, step, status, parsed, state) l;
    end if;
  else
    select w.queue, w.state, w.bad, w.note, w.more into queue, state, bad, note, more
    from ledger.toggl_step_hook(job, step, status, answer, parsed, message, error_text, bad, how, queue, state) w;
  end case;

  if bad is not null and not state ? 'failed' and not coalesce((step -> 'quiet')::boolean, false) then
    state := state || jsonb_build_object('failed', bad);
    queue := '[]';
  end if;
  if note is not null then
    state := jsonb_set(state, '{notes}', coalesce(state -> 'notes', '[]') || note);
  end if;
  queue := more || queue;
end
$$;
comment on function ledger.toggl_step(ledger.toggl_job, jsonb, bigint, text, jsonb, jsonb, jsonb) is
  'Evaluates the answer to a step. Returns the rest of the queue and the state; state.failed says why it failed, and '
  'then the queue holds the steps that clean up.';

create function ledger.toggl_own(workspace bigint, of_url text)
returns ledger.toggl_subscription
language sql stable set search_path = ledger, pg_temp
as $$
  select s from ledger.toggl_subscription s
  where s.workspace_id = workspace and s.url = of_url and s.gone_at is null and s.deleted_at is null
  order by s.subscription_id desc limit 1
$$;
comment on function ledger.toggl_own(bigint, text) is
  'The subscription at Toggl with this address of ours; null: none.';

create function ledger.toggl_step_hook(
  job ledger.toggl_job, step jsonb, status bigint, answer text, parsed jsonb, message jsonb, error_text text,
  inout bad jsonb, how jsonb,
  inout queue jsonb, inout state jsonb, out note jsonb, out more jsonb)
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  home bigint := (step -> 'ws')::bigint;
  item bigint := (step -> 'id')::bigint;
  which jsonb := jsonb_build_object('subscription_id', item);
  s ledger.toggl_subscription;
  learnt bigint;
  asked record;
  is_handshake boolean := status = 400 and error_text ~* 'URL endpoint';
begin
  more := '[]';
  case step ->> 'do'
  when 'ping' then
    if status = 404 then
      bad := ledger.coded('toggl.subscription_missing',
                          which || jsonb_build_object('workspace_id', home, 'message', message));
    elsif status = 200 then
      note := case when not step ? 'quiet' then ledger.coded('toggl.pinged', which) end;
    end if;
  when 'delete' then
    -- 404: it does not exist any more. The next step checks whether a 200 had an effect.
    bad := case when status in (200, 404) or queue @> '[{"do": "list"}]' then null else coalesce(bad, message) end;
  when 'create' then
    if status = 200 then
      learnt := ledger.toggl_learn(home, parsed);
    end if;
    if learnt is not null then
      select c.* into asked from ledger.toggl_created(home, learnt, step) c;
      note := asked.note;
      more := asked.more;
      state := state || jsonb_build_object('subscription_id', learnt::text, 'workspace_id', home::text);
    elsif status = 400 and error_text ~* 'limit of .* event filters'
      and jsonb_array_length(step -> 'fallbacks') > 1 then
      more := jsonb_build_array(jsonb_set(step, '{fallbacks}', (step -> 'fallbacks') - 0));
    elsif status = 400 and error_text ~* 'description .* in use' and coalesce((step -> 'again')::integer, 1) < 9 then
      more := jsonb_build_array(step || jsonb_build_object('again', coalesce((step -> 'again')::integer, 1) + 1,
                                                           'description',
        regexp_replace(step ->> 'description', ' \(\d\)$', '') || ' (' || (coalesce((step -> 'again')::integer, 1) + 1)
        || ')'));
    elsif bad is not null and status in (401, 402, 403, 429) then
      null;
    elsif status in (0, 200) or status >= 500 then
      -- It is not known whether it was created: its address in the list shows it.
      more := jsonb_build_array(jsonb_build_object('do', 'list', 'ws', home, 'then', 'made', 'of', step,
                                                   'why', message));
      state := state || '{"doubt": true}';
      bad := null;
    else
      bad := case when is_handshake then ledger.coded('toggl.callback_unusable', jsonb_build_object(
               'url', step -> 'url', 'message', message, 'hint', ledger.toggl_hint(error_text, step ->> 'url')))
             when error_text ~* 'reached the limit of' then
               ledger.coded('toggl.limit_reached', jsonb_build_object('message', message))
             else message end;
      state := state || jsonb_build_object('failed', bad);
      queue := '[]';
      -- An incomplete one would use up the only subscription of a small plan.
      more := case when is_handshake then
                   jsonb_build_array(jsonb_build_object('do', 'list', 'ws', home, 'then', 'stray', 'of', step, 'quiet',
                                                        true)) else '[]' end;
    end if;
  when 'write' then
    learnt := case when status = 200 then ledger.toggl_learn(home, parsed) end;
    if learnt = item then
      update ledger.toggl_subscription o
      set endpoint_id = coalesce((job.given -> 'endpoint')::bigint, o.endpoint_id),
          wanted_url = coalesce(step ->> 'url', o.wanted_url, case when job.given ? 'endpoint' then o.url end),
          wanted_filters = case when step ? 'filters' then o.filters else coalesce(o.wanted_filters, o.filters) end,
          wanted_enabled = coalesce((step -> 'enabled')::boolean, o.wanted_enabled, o.enabled)
      where o.workspace_id = home and o.subscription_id = item and (o.endpoint_id is not null or job.given ? 'endpoint')
      returning o.* into s;
      state := state || jsonb_build_object('subscription_id', item::text, 'workspace_id', home::text)
             || case when job.kind = 'adopt' then '{"keep": true}'::jsonb else '{}' end;
      note := case job.kind when 'rotate' then ledger.coded('toggl.rotated', which)
                when 'adopt' then ledger.coded('toggl.adopted', which) else ledger.coded('toggl.changed', which) end;
      if s.enabled and s.validated_at is null then
        more := ledger.toggl_verify(home, item);
      end if;
    elsif status = 404 then
      bad := ledger.coded('toggl.subscription_missing', which || jsonb_build_object('workspace_id', home));
    elsif status in (0, 200) or status >= 500 then
      bad := ledger.coded('toggl.in_doubt', jsonb_build_object('message', message));
      state := state || '{"doubt": true}';
      if job.kind = 'adopt' then
        state := state || jsonb_build_object('failed', bad);
        queue := '[]';
        more := jsonb_build_array(jsonb_build_object('do', 'list', 'ws', home, 'then', 'adopted', 'quiet', true));
      end if;
    elsif bad is null then
      bad := case when is_handshake then ledger.coded('toggl.callback_refused', jsonb_build_object(
                    'message', message, 'hint', ledger.toggl_hint(error_text, coalesce(step ->> 'url', error_text))))
                    else message end;
    end if;
  when 'list' then
    if bad is null and (status <> 200 or jsonb_typeof(coalesce(parsed, 'null')) not in ('array', 'null')) then
      bad := ledger.coded('toggl.no_subscriptions', jsonb_build_object('message', message));
    end if;
    if bad is not null and status <> 401 and coalesce(step ->> 'then', 'check') = 'check'
      and job.kind in ('connect', 'refresh', 'check') then
      -- A workspace without permission must not hide the others.
      note := ledger.coded('toggl.list_unread', jsonb_build_object('workspace_id', home, 'why', bad));
      bad := null;
    elsif bad is null then
      perform ledger.toggl_learn_all(home, parsed);
      select l.* into asked from ledger.toggl_listed(job, step, how, queue, state) l;
      bad := asked.bad;
      note := asked.note;
      more := asked.more;
      queue := asked.queue;
      state := asked.state;
    elsif step ->> 'then' = 'made' then
      bad := ledger.coded('toggl.made_unknown', jsonb_build_object('why', step -> 'why', 'message', message));
      state := state || '{"keep": true}';
    end if;
  end case;
  if status = 200 then
    perform ledger.repair_gap_subscriptions(home);
  end if;
end
$$;
comment on function ledger.toggl_step_hook(ledger.toggl_job, jsonb, bigint, text, jsonb, jsonb, text, jsonb, jsonb,
  jsonb, jsonb) is
  'Part of ledger.toggl_step(): answers of the Webhooks API.';

create function ledger.toggl_created(home bigint, item bigint, step jsonb)
returns table (note jsonb, more jsonb)
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  s ledger.toggl_subscription;
  lost text[] := array(select jsonb_array_elements_text(step -> 'fallbacks' -> 0 -> 'left'));
begin
  update ledger.toggl_subscription o
  set endpoint_id = (step -> 'endpoint')::bigint, wanted_url = step ->> 'url', wanted_enabled = true,
      -- Sorted like the stored ones: Toggl returns them in any order.
      wanted_filters = ledger.toggl_filters(ledger.toggl_event_filters(
        array(select jsonb_array_elements_text(step -> 'fallbacks' -> 0 -> 'filters'))))
  where o.workspace_id = home and o.subscription_id = item
  returning o.* into s;
  update ledger.toggl_subscription o set well_at = r.well_at, broken_since = r.broken_since
  from ledger.toggl_subscription r
  where o.workspace_id = home and o.subscription_id = item
    and r.workspace_id = home and r.subscription_id = (step -> 'replaces')::bigint and r.gone_at is not null;
  delete from ledger.toggl_subscription o where o.workspace_id = home
    and o.subscription_id = (step -> 'replaces')::bigint and o.gone_at is not null;
  note := ledger.coded_list(
    ledger.coded('toggl.created',
                 jsonb_build_object('subscription_id', item, 'description', s.description, 'workspace_id', home,
      'filters', ledger.toggl_filters_write(array(select
                                                  jsonb_array_elements_text(step -> 'fallbacks' -> 0 -> 'filters'))))),
    case when lost <> '{}' then
         ledger.coded('toggl.no_room', jsonb_build_object('filters', ledger.toggl_filters_write(lost))) end);
  more := case when s.enabled is not true then
            jsonb_build_array(jsonb_build_object('do', 'write', 'ws', home, 'id', item, 'enabled', true))
              || ledger.toggl_verify(home, item)
          when s.validated_at is null then ledger.toggl_verify(home, item)
          else '[]' end;
  return next;
end
$$;
comment on function ledger.toggl_created(bigint, bigint, jsonb) is
  'Stores a subscription that Toggl has created for us; more: the remaining steps until events arrive.';

create function ledger.toggl_listed(
  job ledger.toggl_job, step jsonb, how jsonb, inout queue jsonb, inout state jsonb, out bad jsonb, out note jsonb,
  out more jsonb)
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  home bigint := (step -> 'ws')::bigint;
  item bigint := (step -> 'id')::bigint;
  which jsonb := jsonb_build_object('subscription_id', item);
  s ledger.toggl_subscription;
  t record;
  conflict ledger.toggl_job;
begin
  more := '[]';
  select o.* into s from ledger.toggl_subscription o where o.workspace_id = home and o.subscription_id = item;
  case coalesce(step ->> 'then', '')
  when '' then
    null;
  when 'made' then
    s := ledger.toggl_own(home, step -> 'of' ->> 'url');
    if s.subscription_id is not null then
      select c.note, c.more into note, more from ledger.toggl_created(home, s.subscription_id, step -> 'of') c;
      state := (state - 'doubt') || jsonb_build_object('subscription_id', s.subscription_id::text, 'workspace_id',
                                                       home::text);
    else
      bad := ledger.coded('toggl.not_made', jsonb_build_object('why', step -> 'why'));
    end if;
  when 'late' then
    select o.* into s from ledger.toggl_subscription o
    where o.workspace_id = home and o.url in (select jsonb_array_elements_text(step -> 'urls')) and o.gone_at is null
      and o.deleted_at is null limit 1;
    if s.subscription_id is not null then
      bad := ledger.coded('toggl.made_meanwhile',
                          jsonb_build_object('subscription_id', s.subscription_id, 'description', s.description));
    end if;
  when 'stray' then
    s := ledger.toggl_own(home, step -> 'of' ->> 'url');
    if s.subscription_id is not null then
      more := jsonb_build_array(jsonb_build_object('do', 'delete', 'ws', home, 'id', s.subscription_id, 'quiet', true),
                                jsonb_build_object('do', 'list', 'ws', home, 'id', s.subscription_id, 'then', 'deleted',
                                                   'quiet', true));
    end if;
  when 'adopted' then
    s := ledger.toggl_own(home, job.given ->> 'url');
    if s.subscription_id is not null then
      -- The answer was lost, but Toggl did it.
      state := (state - '{failed,doubt}'::text[]) || '{"keep": true}';
      note := ledger.coded('toggl.adopted', jsonb_build_object('subscription_id', s.subscription_id));
      more := case when s.validated_at is null then ledger.toggl_verify(home, s.subscription_id) else '[]' end;
    end if;
  when 'verified' then
    if s.subscription_id is null or s.gone_at is not null then
      bad := ledger.coded('toggl.unlisted', which);
    elsif s.enabled is not true then
      bad := ledger.coded('toggl.listed_disabled', which);
    elsif s.validated_at is null then
      bad := ledger.coded('toggl.not_validated',
                          which || jsonb_build_object('url', s.url, 'hint',
                                                      ledger.toggl_hint('responded with status 200', s.url)));
    else
      note := ledger.coded('toggl.validated', which);
    end if;
    if bad is not null and job.kind = 'subscribe' then
      bad := ledger.coded('toggl.taken_away', jsonb_build_object('why', bad));
      state := state || jsonb_build_object('failed', bad);
      queue := '[]';
      more := jsonb_build_array(jsonb_build_object('do', 'delete', 'ws', home, 'id', item, 'quiet', true),
                                jsonb_build_object('do', 'list', 'ws', home, 'id', item, 'then', 'deleted', 'quiet',
                                                   true));
    end if;
  when 'deleted' then
    if s.subscription_id is null or s.gone_at is not null then
      note := ledger.coded('toggl.deleted', which);
      update ledger.endpoint e set enabled = false
      where e.endpoint_id = s.endpoint_id and not exists (
        select from ledger.toggl_subscription o
        where o.endpoint_id = s.endpoint_id and o.deleted_at is null
          and (o.workspace_id, o.subscription_id) <> (home, item));
      if state ? 'failed' then
        delete from ledger.toggl_subscription o where o.workspace_id = home and o.subscription_id = item;
      else
        update ledger.toggl_subscription o set deleted_at = ledger.clock() where o.workspace_id = home
          and o.subscription_id = item;
      end if;
    elsif not step ? 'twice' then
      -- Toggl does not delete a disabled subscription: enable it first, then delete it again.
      more := jsonb_build_array(
        jsonb_build_object('do', 'write', 'ws', home, 'id', item, 'enabled', true, 'quiet', true),
        jsonb_build_object('do', 'delete', 'ws', home, 'id', item, 'quiet', true),
        jsonb_build_object('do', 'list', 'ws', home, 'id', item, 'then', 'deleted', 'twice', true));
    else
      bad := ledger.coded('toggl.delete_failed', which);
      if state ? 'failed' then
        state := jsonb_set(state, '{failed}', ledger.coded_list(state -> 'failed', bad));
      end if;
    end if;
  when 'repair' then
    select m.* into t from ledger.toggl_state(s) m;
    more := ledger.toggl_repair(s);
    conflict := case when t.state = 'missing' then
                     ledger.toggl_conflicting_job('subscribe', home, null, job.job_id) end;
    if conflict.job_id is not null then
      more := '[]';
      bad := ledger.toggl_conflicting_job_coded(conflict);
    elsif more = '[]' then
      note := ledger.coded('toggl.subscription_state', which || jsonb_build_object('state', t.message,
        'repair', case when t.state = 'endpoint' then 'endpoint' else t.repair end, 'endpoint_id', s.endpoint_id));
    end if;
  when 'check' then
    conflict := ledger.toggl_conflicting_job('subscribe', home, null, job.job_id);
    for s in select o.* from ledger.toggl_subscription o
             where o.workspace_id = home and o.deleted_at is null order by o.subscription_id loop
      select m.* into t from ledger.toggl_state(s) m;
      if t.repair is not null then
        note := ledger.coded_list(note, ledger.coded('toggl.subscription_differs', jsonb_build_object(
          'subscription_id', s.subscription_id, 'workspace_id', home, 'state', t.message)));
      end if;
      if t.state = 'missing' and conflict.job_id is not null then
        note := ledger.coded_list(note, ledger.toggl_conflicting_job_coded(conflict));
      elsif coalesce((job.given -> 'repair')::boolean, (how -> 'repair')::boolean) then
        more := more || coalesce((select jsonb_agg(m.one || '{"quiet": true}')
                                  from jsonb_array_elements(ledger.toggl_repair(s)) m (one)), '[]');
      end if;
    end loop;
  end case;
end
$$;
comment on function ledger.toggl_listed(ledger.toggl_job, jsonb, jsonb, jsonb, jsonb) is
  'Part of ledger.toggl_step(): compares a list of subscriptions with the result that the step expects.';
