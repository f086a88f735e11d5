-- Limits of requests to Toggl: quota, rate, what an answer says about both, and jobs that conflict.
-- toggl_turn() calls toggl_admit() before each request and toggl_heard() after each answer. Windows
-- and rate are rows, because all processes share them.

create function ledger.toggl_admit(connection bigint, organization bigint, background boolean, reserve bigint,
                                   pace_ms bigint)
returns table (wait_ms bigint, message jsonb)
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  clock timestamptz := ledger.clock();
  held ledger.toggl_window;
  slot timestamptz;
begin
  -- organization null: costs nothing.
  if organization is not null then
    -- 30 until an answer gives a number: the window of a user and of the Free plan.
    insert into ledger.toggl_window (connection_id, organization_id, remaining, resets_at)
    values (connection, organization, 30, clock + interval '1 hour')
    on conflict do nothing;
    select w.* into held from ledger.toggl_window w
    where w.connection_id = connection and w.organization_id = organization for update;
    if held.resets_at <= clock then
      held.remaining := coalesce(held.total, 30);
      held.resets_at := clock + interval '1 hour';
      held.in_flight := 0;
    end if;
    if held.remaining <= (case when background then least(reserve, coalesce(held.total, 30) / 2) else 0 end) then
      update ledger.toggl_window w set remaining = held.remaining, resets_at = held.resets_at,
        in_flight = held.in_flight
      where w.connection_id = connection and w.organization_id = organization;
      wait_ms := greatest(ceil(extract(epoch from held.resets_at - clock) * 1000), 1000)::bigint;
      message := case when held.remaining > 0 then
                   ledger.coded('toggl.quota_reserved', jsonb_build_object('remaining', held.remaining))
                   else ledger.coded('toggl.quota_spent',
                                     jsonb_build_object('total', held.total, 'organization_id', organization)) end;
      return next;
      return;
    end if;
    -- Requests of a process that died are not in flight any more.
    update ledger.toggl_window w
    set remaining = held.remaining - 1, resets_at = held.resets_at, asked_at = clock,
        in_flight = case when held.asked_at < clock - interval '5 minutes' then 0 else held.in_flight end + 1
    where w.connection_id = connection and w.organization_id = organization;
  end if;
  update ledger.toggl_connection c
  set next_slot_at = greatest(c.next_slot_at, c.back_off_until, clock_timestamp()) + pace_ms * interval '1 millisecond'
  where c.connection_id = connection
  returning c.next_slot_at - pace_ms * interval '1 millisecond' into slot;
  wait_ms := greatest(ceil(extract(epoch from slot - clock_timestamp()) * 1000), 0)::bigint;
  return next;
end
$$;
comment on function ledger.toggl_admit(bigint, bigint, boolean, bigint, bigint) is
  'May one more request go to Toggl? Takes it from the window (organization 0: the user''s own, null: it costs '
  'nothing) and reserves a time slot: wait_ms until then. message, without the time: the quota is used up until the '
  'window ends, and nothing was taken; background work stops at the reserve.';

create function ledger.toggl_heard(
  connection bigint, organization bigint, status bigint, remaining bigint, resets_in bigint, retry_after bigint)
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  clock timestamptz := ledger.clock();
  ends timestamptz := case when resets_in is not null then
                           clock + least(greatest(resets_in, 0), 86400) * interval '1 second' end;
begin
  -- Without the header our own count stays, except after a refusal.
  update ledger.toggl_window w
  set in_flight = greatest(w.in_flight - 1, 0),
      remaining = case when toggl_heard.remaining is not null
                       then greatest(least(toggl_heard.remaining, 2000000000) - greatest(w.in_flight - 1, 0), 0)
                       else w.remaining end,
      resets_at = coalesce(ends, w.resets_at),
      seen_at = case when toggl_heard.remaining is not null then clock else w.seen_at end
  where w.connection_id = connection and w.organization_id = organization;
  if status = 429 or status >= 500 or status = 0 then
    -- Twice as long each time, with a random part, so that processes do not retry together.
    update ledger.toggl_connection c
    set failures = c.failures + 1,
        back_off_until = greatest(c.back_off_until, clock_timestamp()
          + least(coalesce(retry_after, 0), 3600) * interval '1 second'
          + case when retry_after is null then least(2 ^ least(c.failures, 8), 120) * (0.5 + random() / 2) *
                 interval '1 second' else '0' end)
    where c.connection_id = connection;
  else
    update ledger.toggl_connection c
    set failures = 0, refused_at = case when status in (401, 403) then c.refused_at end
    where c.connection_id = connection and (c.failures > 0 or c.refused_at is not null);
  end if;
end
$$;
comment on function ledger.toggl_heard(bigint, bigint, bigint, bigint, bigint, bigint) is
  'Evaluates what an answer says about quota and rate: the headers X-Toggl-Quota-Remaining and -Resets-In, '
  'Retry-After (null: not there), and the status (0: no answer).';

create function ledger.toggl_quota_learn(connection bigint, parsed jsonb)
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  clock timestamptz := ledger.clock();
begin
  if jsonb_typeof(parsed) <> 'array' then
    return;
  end if;
  insert into ledger.toggl_window as w (connection_id, organization_id, total, remaining, resets_at, seen_at)
  select distinct on (2) connection, coalesce(ledger.toggl_number(q -> 'organization_id'), 0),
         least(ledger.toggl_number(q -> 'total'), 2000000000),
           greatest(least(ledger.toggl_number(q -> 'remaining'), 2000000000), 0),
         clock + least(greatest(coalesce(ledger.toggl_number(q -> 'resets_in_secs'), 3600), 0), 86400) *
           interval '1 second', clock
  from jsonb_array_elements(parsed) q
  where jsonb_typeof(q) = 'object' and ledger.toggl_number(q -> 'remaining') is not null
  on conflict (connection_id, organization_id) do update
    set total = coalesce(excluded.total, w.total), remaining = greatest(excluded.remaining - w.in_flight, 0),
        resets_at = excluded.resets_at, seen_at = excluded.seen_at;
end
$$;
comment on function ledger.toggl_quota_learn(bigint, jsonb) is 'Stores the answer of /me/quota.';

create function ledger.toggl_conflicting_job(job_kind text, workspace bigint, subscription bigint, but bigint)
returns ledger.toggl_job
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  conflict ledger.toggl_job;
begin
  -- Another session that checks waits here, and then sees the new job.
  perform from ledger.toggl_workspace w where w.workspace_id = workspace for update;
  select j.* into conflict from ledger.toggl_job j
  where j.finished_at is null and j.job_id is distinct from but
    and case when job_kind = 'subscribe'
             then (j.kind = 'subscribe' and (j.given -> 'workspace')::bigint = workspace)
                  or j.queue @> jsonb_build_array(jsonb_build_object('do', 'create', 'ws', workspace))
                  or j.queue @> jsonb_build_array(jsonb_build_object('do', 'list', 'ws', workspace, 'then', 'made'))
             else j.kind in ('rotate', 'adopt') and (j.given -> 'subscription')::bigint = subscription end
  order by j.job_id limit 1;
  return conflict;
end
$$;
comment on function ledger.toggl_conflicting_job(text, bigint, bigint, bigint) is
  'The open job, other than `but`, that conflicts with this one: a job that creates a subscription in the workspace '
  '(subscribe), or gives this one a new secret (rotate, adopt). Null: none, and none can start before this '
  'transaction ends.';

create function ledger.toggl_conflicting_job_coded(j ledger.toggl_job)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select ledger.coded('toggl.job_conflict', jsonb_build_object(
    'job_id', j.job_id, 'begun_at', ledger.rfc3339(date_trunc('second', j.made_at)), 'by', j.given -> 'by',
    'is_interactive', j.is_interactive,
    'subscription_id', case when j.kind in ('rotate', 'adopt') then j.given -> 'subscription' end,
    'workspace_id', case when j.kind not in ('rotate', 'adopt') then j.given -> 'workspace' end,
    'state', case when j.wait_until > ledger.clock() then 'waits' when j.leased_until > clock_timestamp() then 'works'
                  else 'stopped' end,
    'until', ledger.rfc3339(date_trunc('second', case when j.wait_until > ledger.clock() then j.wait_until
                                                      else j.leased_until end))))
$$;
comment on function ledger.toggl_conflicting_job_coded(ledger.toggl_job) is
  'Why another job may not start beside this one, and what to do.';

create function ledger.toggl_number(value jsonb)
returns bigint
language sql immutable set search_path = ledger, pg_temp
return case when jsonb_typeof(value) in ('number', 'string')
            and value #>> '{}' ~ '^-?\d{1,18}$' then (value #>> '{}')::bigint end;
comment on function ledger.toggl_number(jsonb) is
  'A whole number from the answer of another server; null when it is none.';

create function ledger.toggl_json(answer text)
returns jsonb
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  return ledger.whole_payload(json_build_object('payload', answer::json));
exception when data_exception or program_limit_exceeded then return null;
end
$$;
comment on function ledger.toggl_json(text) is 'An answer as jsonb; null when it is no JSON.';

create function ledger.toggl_message(status bigint, answer text, problem jsonb)
returns jsonb
language sql immutable set search_path = ledger, pg_temp
return case when status = 0 then ledger.coded('toggl.no_answer', jsonb_build_object('problem', problem))
            else ledger.coded('toggl.answered', jsonb_build_object('status', status, 'answer',
              nullif(left(regexp_replace(coalesce(ledger.toggl_json(answer) #>> '{}', answer), '[[:cntrl:]]+', ' ',
                                         'g'), 300), ''))) end;
comment on function ledger.toggl_message(bigint, text, jsonb) is
  'Toggl''s answer in a form for people. problem: why no answer came, as a text or an object of ledger.coded().';
