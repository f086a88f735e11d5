-- When a comparison with Toggl begins by itself: every night for the last days, and for each range of time
-- in which callbacks may be missing (ledger.repair_range). The courier and `hookledger toggl continue`
-- ask toggl_due(). A repair first reads Toggl's list of the events of our subscriptions, where there is
-- one. How days are compared does not belong here: see compare.sql.

create function ledger.compare_due(days bigint)
returns table (connection_id bigint, kind text, parameters text)
language sql stable set search_path = ledger, pg_temp set timezone = 'UTC'
as $$
  with connected as (
    select c.connection_id, c.connected_at,
           (ledger.clock() at time zone coalesce((
              select z.zone from ledger.toggl_workspace w cross join lateral ledger.user_zones(w.workspace_id) z
              where w.connection_id = c.connection_id and z.user_id = c.user_id limit 1), 'UTC')) as local_at
    from ledger.toggl_connection c
    where c.token_sealed is not null and c.user_id is not null and c.refused_at is null
      and exists (select from ledger.toggl_workspace w where w.connection_id = c.connection_id and w.is_admin))
  select w.connection_id, 'compare', json_build_object(
           'workspace', r.workspace_id, 'ranges', json_agg(r.repair_id order by r.repair_id),
           'from', greatest(min(r.from_at)::date - 1, least(max(r.until_at), ledger.clock())::date - 360),
           'until', least(max(r.until_at)::date + 1, ledger.clock()::date))::text
  from ledger.repair_range r
  join ledger.toggl_workspace w on w.workspace_id = r.workspace_id and w.is_admin
  join connected c on c.connection_id = w.connection_id
  where r.closed_at is null and r.from_at <= ledger.clock()
    -- One that failed is tried again an hour later.
    and not exists (select from ledger.toggl_job j
                    where j.job_id = r.job_id
                      and (j.finished_at is null or j.finished_at > clock_timestamp() - interval '1 hour'))
  group by w.connection_id, r.workspace_id
  union all
  -- At night by the clock of the connected user, once.
  select c.connection_id, 'compare', json_build_object(
           'night', (c.local_at - interval '2 hours')::date, 'from', ledger.clock()::date - days::integer + 1,
           'until', ledger.clock()::date)::text
  from connected c
  where days > 0 and c.connected_at < ledger.clock() - interval '2 hours'
    and not exists (select from ledger.toggl_job j
                    where j.connection_id = c.connection_id and j.kind = 'compare'
                      and j.given ->> 'night' >= (c.local_at - interval '2 hours')::date::text)
$$;
comment on function ledger.compare_due(bigint) is
  'Comparisons that should begin now: one for each workspace with open ranges in ledger.repair_range, and once a '
  'night, from two o''clock by the zone of the connected user, one of the last so many days (0: never). Only where '
  'the user is an administrator.';

create function ledger.repair_steps(given jsonb)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select coalesce(jsonb_agg(jsonb_build_object('do', 'event_log', 'ws', s.workspace_id, 'id', s.subscription_id,
                                               'offset', 0) order by s.subscription_id), '[]')
  from ledger.toggl_subscription s
  where given ? 'ranges' and s.workspace_id = (given -> 'workspace')::bigint and s.endpoint_id is not null
    and s.deleted_at is null and s.gone_at is null
    and ledger.toggl_probed(s.workspace_id, 'event_log') is distinct from 'false'
$$;
comment on function ledger.repair_steps(jsonb) is
  'The steps with which a repair begins: Toggl''s list of the events of each of our subscriptions, unless it turned '
  'out that there is none.';

create function ledger.repair_begin(job ledger.toggl_job)
returns void
language sql set search_path = ledger, pg_temp
as $$
  update ledger.repair_range r set job_id = job.job_id
  where job.given ? 'ranges' and r.closed_at is null and job.given -> 'ranges' @> to_jsonb(r.repair_id)
$$;
comment on function ledger.repair_begin(ledger.toggl_job) is 'Notes the job that compares ranges in their rows.';

create function ledger.repair_end(job ledger.toggl_job)
returns void
language sql set search_path = ledger, pg_temp
as $$
  update ledger.repair_range r
  set closed_at = ledger.clock(),
      filled = coalesce((job.state #> array['compare', r.workspace_id::text, 'recorded'])::bigint, 0)
               + coalesce((job.state -> 'logged')::bigint, 0),
      unknown_days = (select count(*) from ledger.completeness c
                      where c.workspace_id = r.workspace_id and c.user_id = 0 and c.state in ('unknown', 'differs')
                        and c.day between (r.from_at at time zone 'UTC')::date
                                      and (r.until_at at time zone 'UTC')::date)
  where job.given ? 'ranges' and r.closed_at is null and r.job_id = job.job_id
    -- One that has grown since the job was made stays open.
    and (r.until_at at time zone 'UTC')::date <= (job.given ->> 'until')::date
    and ((r.from_at at time zone 'UTC')::date >= (job.given ->> 'from')::date
         or r.from_at < r.until_at - interval '359 days')
$$;
comment on function ledger.repair_end(ledger.toggl_job) is
  'Closes the ranges of a comparison that has ended: what it recorded, and how many days are still not certain.';

create function ledger.repair_log(job ledger.toggl_job, step jsonb, status bigint, parsed jsonb, inout state jsonb,
                                  out more jsonb)
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  home constant bigint := step -> 'ws';
  since constant timestamptz := greatest(ledger.clock() - interval '8 days', (select s.horizon from ledger.state s));
  -- {"total": …, "events": […]} by older documents
  list constant jsonb := case jsonb_typeof(parsed) when 'object' then parsed -> 'events' else parsed end;
  items constant jsonb := case jsonb_typeof(list) when 'array' then list else '[]' end;
  stored integer;
begin
  more := '[]';
  if status <> 200 or jsonb_typeof(list) is distinct from 'array' then
    -- Nobody documents this list; without it the comparison finds the same, but not who did it.
    if status in (400, 402, 403, 404, 405, 410, 200) then
      perform ledger.toggl_probe_set(home, 'event_log', 'false');
    end if;
    return;
  end if;
  perform ledger.toggl_probe_set(home, 'event_log', 'true');
  insert into ledger.toggl_arrival (event_id, job_id, workspace_id, created_at, model, entity_id, source, body)
  select distinct on (e.event_id) e.event_id, job.job_id, home, e.created_at, e.model, e.entity_id, 'log',
         e.body::json
  from (select ledger.toggl_number(i.one -> 'event_id') as event_id,
               ledger.toggl_time(i.one -> 'created_at') as created_at,
               i.one #>> '{metadata,model}' as model, i.one #>> '{metadata,action}' as action,
               ledger.toggl_number(i.one #> '{payload,id}') as entity_id, ledger.without_secrets(i.one) as body
        from jsonb_array_elements(items) i (one)
        where jsonb_typeof(i.one) = 'object' and jsonb_typeof(i.one -> 'payload') = 'object') e
  where e.event_id > 0 and e.entity_id > 0 and e.created_at between since and ledger.clock() + interval '5 minutes'
    and e.action in ('created', 'updated', 'deleted') and e.model in (select m.model from ledger.model m)
    and coalesce(ledger.toggl_number(e.body #> '{metadata,workspace_id}'), home) = home
    and not exists (select from ledger.event v
                    where v.workspace_id = home and v.event_id = e.event_id and v.created_at = e.created_at)
  order by e.event_id
  on conflict do nothing;
  get diagnostics stored = row_count;
  state := state || jsonb_build_object('logged', coalesce((state -> 'logged')::bigint, 0) + stored);
  -- A page without anything new: what is older is here.
  if stored > 0 and (step -> 'offset')::bigint < 100000 then
    more := jsonb_build_array(step || jsonb_build_object('offset', (step -> 'offset')::bigint
                                                                   + jsonb_array_length(items)));
  end if;
end
$$;
comment on function ledger.repair_log(ledger.toggl_job, jsonb, bigint, jsonb, jsonb) is
  'Evaluates a page of Toggl''s list of the events of a subscription: stores those of the last week that are not '
  'here, as they are, with source log. more: the next page.';
