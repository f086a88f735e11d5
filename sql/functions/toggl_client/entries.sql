-- Time entries from answers of Toggl: reads them, compares each with its row, and stores those that are
-- missing or differ as events that wait for their signature (see backfill.sql). The steps of history
-- and compare call these functions. Which requests are sent does not belong here: see history.sql
-- and compare.sql.

create function ledger.toggl_time(value jsonb)
returns timestamptz
language sql stable set search_path = ledger, pg_temp set timezone = 'UTC'
return case when jsonb_typeof(value) = 'string' and ledger.is_good('time', value)
            then nullif(value #>> '{}', '')::timestamptz end;
comment on function ledger.toggl_time(jsonb) is 'A time from the answer of another server; null when it is none.';

create function ledger.entries_of_report(workspace bigint, parsed jsonb)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
    'id', e.id, 'workspace_id', workspace, 'user_id', ledger.toggl_number(i.item -> 'user_id'),
    'project_id', ledger.toggl_number(i.item -> 'project_id'), 'task_id', ledger.toggl_number(i.item -> 'task_id'),
    'description', i.item -> 'description', 'billable', i.item -> 'billable',
    'start', ledger.rfc3339(e.start_at), 'stop', ledger.rfc3339(e.stop_at), 'duration', e.seconds,
    'tag_ids', case jsonb_typeof(i.item -> 'tag_ids') when 'array' then i.item -> 'tag_ids' else '[]' end,
    'tags', case jsonb_typeof(i.item -> 'tag_names') when 'array' then i.item -> 'tag_names' end,
    'at', ledger.rfc3339(e.at), 'hookledger_source', 'reports'))
    order by i.place, e.place), '[]')
  from jsonb_array_elements(case jsonb_typeof(parsed) when 'array' then parsed else '[]' end)
         with ordinality i (item, place)
  cross join lateral (
    select ledger.toggl_number(t.one -> 'id') as id, ledger.toggl_time(t.one -> 'start') as start_at,
           ledger.toggl_time(t.one -> 'stop') as stop_at, ledger.toggl_number(t.one -> 'seconds') as seconds,
           ledger.toggl_time(t.one -> 'at') as at, t.place
    from jsonb_array_elements(case jsonb_typeof(i.item -> 'time_entries') when 'array' then i.item -> 'time_entries'
                                   else '[]' end) with ordinality t (one, place)
    where jsonb_typeof(t.one) = 'object') e
  where jsonb_typeof(i.item) = 'object' and e.id > 0 and e.start_at is not null and e.seconds >= 0
    and e.at is not null
$$;
comment on function ledger.entries_of_report(bigint, jsonb) is
  'The time entries of a page of Toggl''s detailed report in the form of the Track API, in their order. '
  'hookledger_source marks them, because the report lacks some fields. Items that are no entry are left out.';

create function ledger.toggl_arrive_entries(job ledger.toggl_job, workspace bigint, items jsonb, source text,
                                            confirmed timestamptz)
returns integer
language plpgsql set search_path = ledger, pg_temp set jit = off
as $$
#variable_conflict use_column
declare
  horizon constant timestamptz := (select s.horizon from ledger.state s);
  stored integer;
begin
  with item as (
    select distinct on (1) ledger.toggl_number(i.one -> 'id') as id, ledger.without_secrets(i.one) as entity,
           -- No later event could change an entry with a moment in the future. (A clock may be wrong by minutes.)
           least(ledger.toggl_time(i.one -> 'at'), confirmed + interval '5 minutes') as at,
           ledger.toggl_time(coalesce(i.one -> 'server_deleted_at', i.one -> 'deleted_at')) as deleted_at,
           i.one ->> 'hookledger_source' is not null as is_partial
    from jsonb_array_elements(items) i (one)
    where jsonb_typeof(i.one) = 'object'
      and coalesce(ledger.toggl_number(i.one -> 'workspace_id'), ledger.toggl_number(i.one -> 'wid')) = workspace
      and ledger.toggl_number(i.one -> 'id') > 0 and ledger.toggl_time(i.one -> 'at') is not null
    order by 1, ledger.toggl_time(i.one -> 'at') desc),
  known as (
    select n.*, t.time_entry_id is not null as is_known, t.payload,
           t.deleted_at is not null as is_gone,
           -- A deletion that a comparison concluded yields to any later sight of the entry.
           t.deleted_at is not null and t.gone_at is null and t.payload ? 'hookledger_concluded' as is_concluded,
           t.updated_at, t.changed_at, t.source as held_source,
           t.user_id is distinct from ledger.toggl_number(n.entity -> 'user_id')
             or t.project_id is distinct from ledger.toggl_number(coalesce(n.entity -> 'project_id',
                                                                           n.entity -> 'pid'))
             or t.task_id is distinct from ledger.toggl_number(coalesce(n.entity -> 'task_id', n.entity -> 'tid'))
             or coalesce(t.description, '') <> coalesce(n.entity ->> 'description', '')
             or coalesce(t.billable, false)::text <> coalesce(n.entity ->> 'billable', 'false')
             or date_trunc('second', t.start_at)
                is distinct from date_trunc('second', ledger.toggl_time(n.entity -> 'start'))
             or t.duration_seconds is distinct from case when ledger.toggl_number(n.entity -> 'duration') >= 0
                                                         then ledger.toggl_number(n.entity -> 'duration') end
             or (select array_agg(g order by g) from unnest(t.tag_ids) g)
                is distinct from (select array_agg(ledger.toggl_number(g) order by ledger.toggl_number(g))
                                  from jsonb_array_elements(case jsonb_typeof(n.entity -> 'tag_ids')
                                                            when 'array' then n.entity -> 'tag_ids' else '[]' end) g)
             as differs
    from item n
    left join toggl.time_entry t on t.workspace_id = workspace and t.time_entry_id = n.id),
  wanted as (
    select k.*,
           case when k.deleted_at is not null then 'deleted' when not k.is_known or k.is_gone then 'created'
                else 'updated' end as action,
           case when k.deleted_at is not null
                  then least(greatest(k.at, k.deleted_at), confirmed + interval '5 minutes')
                when not k.is_known or not k.is_concluded and k.at > k.changed_at and k.at > k.updated_at
                     or source <> 'compare' and not k.is_concluded then k.at
                -- Toggl changes some things without a new `at`: the event carries the moment at
                -- which it was seen.
                else confirmed end as created_at,
           k.deleted_at is null and k.is_known and (k.is_concluded or source = 'compare'
             and not (k.at > k.changed_at and k.at > k.updated_at)) as is_correction
    from known k
    where case when k.deleted_at is not null then k.is_known and not k.is_gone
               when k.is_concluded then true
               when k.is_gone then false
               when not k.is_known then true
               when source = 'compare' then k.differs and k.at >= coalesce(k.updated_at, '-infinity')
               -- The same state with all fields replaces one from a report.
               else k.at > coalesce(k.updated_at, '-infinity') and k.at > k.changed_at
                      and (k.differs or not k.is_partial)
                    or k.at = k.updated_at and not k.is_partial and k.held_source = 'reports' end)
  insert into ledger.toggl_arrival (job_id, workspace_id, created_at, model, entity_id, source, body)
  select job.job_id, workspace, w.created_at, 'time_entry', w.id,
         case when w.is_correction then 'compare' else 'backfill' end,
         json_build_object('event_id', 0,
           'created_at', to_char(w.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'creator_id', null,
           'metadata', json_build_object('action', w.action, 'model', 'time_entry', 'workspace_id', workspace::text,
                                         'request_type', 'GET'),
           -- What the report lacks stays as it was known.
           'payload', case when w.is_partial
                           then coalesce(w.payload, '{}') - '{pid,project_id,tid,task_id,uid,wid}'::text[]
                                  - '{description,billable,stop,tags,duronly,deleted_at,server_deleted_at}'::text[]
                                  - 'hookledger_concluded' || w.entity
                           else w.entity end)
  from wanted w
  where w.created_at >= horizon
  order by w.id;
  get diagnostics stored = row_count;
  perform ledger.toggl_arrival_number(job.job_id);
  return stored;
end
$$;
comment on function ledger.toggl_arrive_entries(ledger.toggl_job, bigint, jsonb, text, timestamptz) is
  'Stores time entries in the form of the Track API that are missing here or newer than their rows, in '
  'ledger.toggl_arrival; with source compare also those that differ from rows with the same `at`. Returns how many. '
  'created_at of the event is the entry''s `at`, unless that is in the future. Of a correction, and of an entry that '
  'a comparison had thought deleted, it is `confirmed`, and the event''s source is compare. A row from a callback with '
  'the same `at` stays. An entry that Toggl deleted stays deleted. Events before the horizon are left out.';
