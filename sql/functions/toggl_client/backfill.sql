-- Records entities that a job has loaded from Toggl's REST API. They go through the ledger, so that
-- a rebuild gives the same typed tables: each entity that differs from its row becomes an event of
-- source backfill, signed with a generated secret, and delivered only to subscriptions that ask for
-- loaded events. toggl_step() calls toggl_arrive() for each page; the programs then sign the events and
-- call toggl_record().

comment on column ledger.event.source is
  'How it came: webhook; spool when the database was not available; quarantine when a retry recorded it; local when '
  'it was generated here (`hookledger simulate --into-database`); backfill when it was loaded from Toggl''s REST API; '
  'compare when a comparison with Toggl found it, log when it is from Toggl''s list of the events of a subscription.';

create function ledger.toggl_payloads(workspace bigint, of_model text, ids bigint[])
returns table (entity_id bigint, payload jsonb, changed_at timestamptz, deleted_at timestamptz)
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  known ledger.model;
begin
  select m.* into known from ledger.model m where m.model = of_model;
  if known.model is null then
    return query
      select o.entity_id, o.payload, o.changed_at, o.deleted_at from toggl.other_entity o
      where o.workspace_id = workspace and o.model = of_model and o.entity_id = any (ids);
    return;
  end if;
  return query execute format(
    'select t.%1$I, t.payload, t.changed_at, t.deleted_at from toggl.%2$I t where t.workspace_id = $1 and t.%1$I = '
    'any ($2)',
    coalesce(known.id_column, 'workspace_id'), of_model) using workspace, ids;
end
$$;
comment on function ledger.toggl_payloads(bigint, text, bigint[]) is
  'Current entities of the typed tables, in the form of Toggl''s JSON.';

create function ledger.toggl_arrival_number(job bigint)
returns void
language sql set search_path = ledger, pg_temp
as $$
  update ledger.toggl_arrival a
  set body = json_build_object('event_id', a.event_id, 'created_at', a.body -> 'created_at', 'creator_id',
                               a.body -> 'creator_id',
                               'metadata', a.body -> 'metadata', 'payload', a.body -> 'payload')
  where a.job_id = job and a.body ->> 'event_id' = '0'
$$;
comment on function ledger.toggl_arrival_number(bigint) is
  'Writes the numbers of new arrivals of a job into their bodies: a number is known only after the insert, and the '
  'signature covers it.';

create function ledger.toggl_arrive(job ledger.toggl_job, step jsonb, parsed jsonb, state jsonb)
returns table (note jsonb, more jsonb, bad jsonb)
language plpgsql set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  home constant bigint := (step -> 'ws')::bigint;
  of_model constant text := step ->> 'model';
  clock constant timestamptz := ledger.clock();
  earliest constant timestamptz := ledger.load_earliest(clock);
  -- Toggl computes these fields from the time entries: a new value is no change of the entity.
  computed constant text[] := case when job.kind = 'reload'
    then '{actual_seconds,actual_hours,tracked_seconds,total_count,last_modified}' else '{}' end;
  list jsonb := case of_model
                     when 'task' then case jsonb_typeof(parsed) when 'object' then parsed -> 'data' else parsed end
                              when 'workspace' then jsonb_build_array(parsed) else parsed end;
  page constant integer := coalesce((step -> 'page')::integer, 1);
begin
  more := '[]';
  -- Toggl sometimes sends null for an empty list.
  if parsed is null or jsonb_typeof(coalesce(list, 'null')) not in ('array', 'null') then
    bad := ledger.coded('toggl.no_list', jsonb_build_object('model', of_model));
    return next;
    return;
  end if;
  list := case jsonb_typeof(list) when 'array' then list else '[]' end;
  insert into ledger.toggl_arrival (job_id, workspace_id, created_at, model, entity_id, body)
  select job.job_id, home, e.created_at, of_model, e.id, json_build_object(
           'event_id', 0, 'created_at', to_char(e.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
           'creator_id', null,
           -- (an entity in Toggl's list exists: for a deleted row only a creation says so)
           'metadata', json_build_object('action',
                                         case when exists (select
                                                           from ledger.toggl_payloads(home, of_model, array[e.id]) k
             where k.deleted_at is not null)
                                                         then 'created' else 'updated' end, 'model', of_model,
                                                         'workspace_id', home::text, 'request_type', 'GET'),
           'payload', e.entity)
  from (
    select distinct on (1) ledger.toggl_number(t.one -> 'id') as id, ledger.without_secrets(t.one) as entity,
           greatest(least(case when jsonb_typeof(t.one -> 'at') = 'string' and ledger.is_good('time', t.one -> 'at')
                               then (t.one ->> 'at')::timestamptz end, clock), earliest) as created_at
    from jsonb_array_elements(list) t (one)
    where jsonb_typeof(t.one) = 'object' and ledger.toggl_number(t.one -> 'id') > 0
      -- An entity that names another workspace is ignored.
      and coalesce(ledger.toggl_number(t.one -> 'workspace_id'), ledger.toggl_number(t.one -> 'wid'), home) = home
      and (of_model <> 'workspace' or ledger.toggl_number(t.one -> 'id') = home)) e
  where not exists (
    select from ledger.toggl_payloads(home, of_model, array[e.id]) k
    where k.changed_at > e.created_at or (k.payload - computed = e.entity - computed and k.deleted_at is null))
  order by e.id;
  perform ledger.toggl_arrival_number(job.job_id);

  if of_model in ('project', 'tag', 'task') and jsonb_array_length(list) >= 200 and page < 500
     -- A server without pages returns the same page again.
     and (page = 1 or list #>> '{0,id}' is distinct from state ->> 'first_of_page') then
    more := jsonb_build_array(step || jsonb_build_object('page', page + 1));
  elsif of_model = 'group' and list <> '[]' then
    more := ledger.project_group_steps(home);
  end if;
  return next;
end
$$;
comment on function ledger.toggl_arrive(ledger.toggl_job, jsonb, jsonb, jsonb) is
  'Stores the entities of an answer that are new or newer than their rows in ledger.toggl_arrival, where they wait '
  'for the signature. more: the next page, if there may be one.';

create function ledger.toggl_unsigned(job bigint)
returns table (workspace_id bigint, event_id bigint, body json, endpoint_id bigint, address text, secret_id bigint,
               sealed bytea)
language sql stable set search_path = ledger, pg_temp
as $$
  select a.workspace_id, a.event_id, a.body, e.endpoint_id, e.address, t.secret_id, t.sealed
  from (select * from ledger.toggl_arrival a where a.job_id = job order by a.workspace_id, a.event_id limit 500) a
  left join ledger.toggl_workspace w on w.workspace_id = a.workspace_id
  left join ledger.endpoint e on e.endpoint_id = w.endpoint_id
  left join lateral (select * from ledger.endpoint_secret t where t.endpoint_id = e.endpoint_id
                     order by t.secret_id desc limit 1) t on true
  order by a.workspace_id, a.event_id
$$;
comment on function ledger.toggl_unsigned(bigint) is
  'Loaded entities of a job without a signature, at most 500, and the secret to sign them with; endpoint_id null: the '
  'workspace has none yet, toggl_local() makes it.';

create function ledger.toggl_local(workspace bigint, address text, sealed bytea)
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  made bigint;
begin
  perform from ledger.toggl_workspace w where w.workspace_id = workspace and w.endpoint_id is null for update;
  if found then
    insert into ledger.endpoint as e (address, name, workspace_id, enabled)
    values (toggl_local.address, 'loaded from Toggl', workspace, false) returning e.endpoint_id into made;
    insert into ledger.endpoint_secret (endpoint_id, sealed) values (made, toggl_local.sealed);
    update ledger.toggl_workspace w set endpoint_id = made where w.workspace_id = workspace;
  end if;
end
$$;
comment on function ledger.toggl_local(bigint, text, bytea) is
  'Gives a workspace the endpoint under which what is loaded is recorded, unless it has one: disabled, so that it '
  'takes no callbacks.';

create function ledger.is_loading(endpoint bigint)
returns boolean
language sql stable set search_path = ledger, pg_temp
return exists (select from ledger.toggl_workspace w where w.endpoint_id = endpoint);
comment on function ledger.is_loading(bigint) is
  'Is it an endpoint under which only what is loaded is recorded? It takes no callbacks.';

create function ledger.is_retired(endpoint bigint)
returns boolean
language sql stable set search_path = ledger, pg_temp
return exists (select from ledger.endpoint e where e.endpoint_id = endpoint and not e.enabled)
  and not exists (select from ledger.toggl_subscription s where s.endpoint_id = endpoint and s.deleted_at is null)
  and (exists (select from ledger.toggl_subscription s where s.endpoint_id = endpoint)
       or exists (select from ledger.toggl_job j where j.kind = 'subscribe' and j.failed
                  and (j.given -> 'endpoint')::bigint = endpoint));
comment on function ledger.is_retired(bigint) is
  'Is it a disabled endpoint of a subscription at Toggl that was deleted, or was never created? It is kept for its '
  'events.';

create function ledger.toggl_record(job bigint, event_ids bigint[], signatures bytea[], endpoint bigint, secret bigint)
returns bigint
language plpgsql set search_path = ledger, pg_temp set jit = off
as $$
declare
  loaded record;
  fresh record;
begin
  select array_agg(a.workspace_id order by a.event_id) as workspace_ids,
         array_agg(a.event_id order by a.event_id) as event_ids,
         array_agg(a.created_at order by a.event_id) as created, array_agg(null::bigint) as creator_ids,
         array_agg(a.entity_id order by a.event_id) as entity_ids, array_agg(a.model order by a.event_id) as models,
         array_agg(a.body #>> '{metadata,action}' order by a.event_id) as actions,
           array_agg(a.body order by a.event_id) as bodies,
         array_agg(i.signature order by a.event_id) as signatures,
         array_agg(a.source order by a.event_id) as sources
  into loaded
  from unnest(event_ids, signatures) i (event_id, signature)
  join ledger.toggl_arrival a on a.event_id = i.event_id and a.job_id = job
  join ledger.toggl_workspace w on w.workspace_id = a.workspace_id and w.endpoint_id = endpoint;
  if loaded.event_ids is null then
    return 0;
  end if;
  -- The horizon may have moved; it is read after the insert has its lock, as in receiver.append().
  with recorded as (
  insert into ledger.event (workspace_id, event_id, created_at, received_at, epoch, endpoint_id, secret_id, creator_id,
                            entity_id, model, action, source, signature, body)
  select i.workspace_id, i.event_id, i.created_at, clock_timestamp(), (select s.epoch from ledger.state s), endpoint,
         secret, null,
         i.entity_id, i.model, i.action, i.source, i.signature, i.body
  from unnest(loaded.workspace_ids, loaded.event_ids, loaded.created, loaded.entity_ids, loaded.models, loaded.actions,
              loaded.signatures, loaded.bodies, loaded.sources)
         i (workspace_id, event_id, created_at, entity_id, model, action, signature, body, source)
  where i.created_at >= (select s.horizon from ledger.state s)
  on conflict do nothing
  returning workspace_id, event_id, created_at, model, action, source)
  select array_agg(r.workspace_id) as workspace_ids, array_agg(r.event_id) as event_ids,
         array_agg(r.created_at) as created, array_agg(r.model) as models, array_agg(r.action) as actions,
         array_agg(r.source) as sources
  into fresh
  from recorded r;
  perform ledger.outbox_add_loaded(fresh.workspace_ids, fresh.event_ids, fresh.created, fresh.models, fresh.actions,
                                   fresh.sources);
  if (select count(*) from ledger.event e
      join unnest(loaded.workspace_ids, loaded.event_ids, loaded.created) i (workspace_id, event_id, created_at)
        on e.workspace_id = i.workspace_id and e.event_id = i.event_id
        and e.created_at = i.created_at) = cardinality(loaded.event_ids) then
    perform ledger.apply(loaded.workspace_ids, loaded.event_ids, loaded.created, loaded.creator_ids, loaded.entity_ids,
                         loaded.models, loaded.actions, loaded.bodies);
  end if;
  delete from ledger.toggl_arrival a where a.job_id = job and a.event_id = any (loaded.event_ids);
  return cardinality(loaded.event_ids);
end
$$;
comment on function ledger.toggl_record(bigint, bigint[], bytea[], bigint, bigint) is
  'Records signed entities as events with the source of their arrival and applies them to the typed tables. '
  'Subscribers with a filter for them get them: see ledger.patterns_of(). Returns how many.';
