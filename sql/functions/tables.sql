-- The typed tables of schema toggl are written here, in the transaction that
-- records an event. One table says what each column is made of (ledger.field);
-- the function that writes a table is made from it. Values are cast strictly,
-- because that is fast, and nearly always right. Only when a batch holds a value
-- of an odd type it is repeated with values that are known to be good; what is
-- odd becomes null and is counted.

create or replace view ledger.model (model, id_column, telling) as values
  ('time_entry', 'time_entry_id', '{start}'::text[]),
  ('project', 'project_id', '{name}'),
  ('client', 'client_id', '{name}'),
  ('tag', 'tag_id', '{name}'),
  ('task', 'task_id', '{name}'),
  ('workspace', null, '{name}'),
  ('workspace_user', 'workspace_user_id', '{user_id,uid}'),
  ('project_user', 'project_user_id', '{project_id,pid}'),
  ('project_group', 'project_group_id', '{project_id,pid}');
comment on view ledger.model is
  'Kinds of entity that have a table of their own in schema toggl, by its name. id_column: its key beside workspace_id. telling: a deletion whose payload has none of these keys says only that the entity is gone.';

create or replace view ledger.field (model, name, kind, keys) as values
  ('time_entry', 'user_id', 'id', '{user_id,uid}'::text[]),
  ('time_entry', 'project_id', 'id', '{project_id,pid}'),
  ('time_entry', 'task_id', 'id', '{task_id,tid}'),
  ('time_entry', 'description', 'text', '{description}'),
  ('time_entry', 'start_at', 'time', '{start}'),
  ('time_entry', 'stop_at', 'time', '{stop}'),
  ('time_entry', 'duration_seconds', 'duration', '{duration}'),
  ('time_entry', 'billable', 'flag', '{billable}'),
  ('time_entry', 'tag_ids', 'ids', '{tag_ids}'),
  ('time_entry', 'tags', 'texts', '{tags}'),
  ('time_entry', 'expense_ids', 'ids', '{expense_ids}'),
  ('time_entry', 'shared_with', 'json', '{shared_with}'),
  ('time_entry', 'permissions', 'texts', '{permissions}'),
  ('time_entry', 'updated_at', 'time', '{at}'),
  ('time_entry', 'deleted_at', 'time', '{server_deleted_at,deleted_at}'),
  ('project', 'client_id', 'id', '{client_id,cid}'),
  ('project', 'name', 'text', '{name}'),
  ('project', 'is_private', 'flag', '{is_private}'),
  ('project', 'active', 'flag', '{active}'),
  ('project', 'status', 'status', '{status}'),
  ('project', 'color', 'text', '{color}'),
  ('project', 'billable', 'flag', '{billable}'),
  ('project', 'rate', 'money', '{rate}'),
  ('project', 'rate_updated_at', 'time', '{rate_last_updated}'),
  ('project', 'currency', 'text', '{currency}'),
  ('project', 'fixed_fee', 'money', '{fixed_fee}'),
  ('project', 'estimated_seconds', 'id', '{estimated_seconds}'),
  ('project', 'estimated_hours', 'id', '{estimated_hours}'),
  ('project', 'auto_estimates', 'flag', '{auto_estimates}'),
  ('project', 'actual_seconds', 'id', '{actual_seconds}'),
  ('project', 'actual_hours', 'id', '{actual_hours}'),
  ('project', 'recurring', 'flag', '{recurring}'),
  ('project', 'recurring_parameters', 'json', '{recurring_parameters}'),
  ('project', 'current_period', 'json', '{current_period}'),
  ('project', 'start_date', 'date', '{start_date}'),
  ('project', 'end_date', 'date', '{end_date}'),
  ('project', 'template', 'flag', '{template}'),
  ('project', 'template_id', 'id', '{template_id}'),
  ('project', 'pinned', 'flag', '{pinned}'),
  ('project', 'can_track_time', 'flag', '{can_track_time}'),
  ('project', 'created_at', 'time', '{created_at}'),
  ('project', 'external_reference', 'text', '{external_reference}'),
  ('project', 'integration_ext_id', 'text', '{integration_ext_id}'),
  ('project', 'integration_ext_type', 'text', '{integration_ext_type}'),
  ('project', 'integration_provider', 'text', '{integration_provider}'),
  ('project', 'permissions', 'texts', '{permissions}'),
  ('project', 'updated_at', 'time', '{at}'),
  ('project', 'deleted_at', 'time', '{server_deleted_at,deleted_at}'),
  ('client', 'name', 'text', '{name}'),
  ('client', 'archived', 'flag', '{archived}'),
  ('client', 'notes', 'text', '{notes}'),
  ('client', 'creator_id', 'id', '{creator_id}'),
  ('client', 'external_reference', 'text', '{external_reference}'),
  ('client', 'integration_ext_id', 'text', '{integration_ext_id}'),
  ('client', 'integration_ext_type', 'text', '{integration_ext_type}'),
  ('client', 'integration_provider', 'text', '{integration_provider}'),
  ('client', 'permissions', 'texts', '{permissions}'),
  ('client', 'updated_at', 'time', '{at}'),
  ('client', 'deleted_at', 'time', '{server_deleted_at,deleted_at}'),
  ('tag', 'name', 'text', '{name}'),
  ('tag', 'creator_id', 'id', '{creator_id}'),
  ('tag', 'integration_ext_id', 'text', '{integration_ext_id}'),
  ('tag', 'integration_ext_type', 'text', '{integration_ext_type}'),
  ('tag', 'integration_provider', 'text', '{integration_provider}'),
  ('tag', 'permissions', 'texts', '{permissions}'),
  ('tag', 'updated_at', 'time', '{at}'),
  ('tag', 'deleted_at', 'time', '{deleted_at,server_deleted_at}'),
  ('task', 'project_id', 'id', '{project_id,pid}'),
  ('task', 'user_id', 'id', '{user_id,uid}'),
  ('task', 'client_id', 'id', '{client_id,cid}'),
  ('task', 'name', 'text', '{name}'),
  ('task', 'active', 'flag', '{active}'),
  ('task', 'estimated_seconds', 'id', '{estimated_seconds}'),
  ('task', 'tracked_milliseconds', 'id', '{tracked_seconds}'),
  ('task', 'rate', 'money', '{rate}'),
  ('task', 'rate_updated_at', 'time', '{rate_last_updated}'),
  ('task', 'recurring', 'flag', '{recurring}'),
  ('task', 'toggl_accounts_id', 'text', '{toggl_accounts_id}'),
  ('task', 'external_reference', 'text', '{external_reference}'),
  ('task', 'integration_ext_id', 'text', '{integration_ext_id}'),
  ('task', 'integration_ext_type', 'text', '{integration_ext_type}'),
  ('task', 'integration_provider', 'text', '{integration_provider}'),
  ('task', 'permissions', 'texts', '{permissions}'),
  ('task', 'updated_at', 'time', '{at}'),
  ('task', 'deleted_at', 'time', '{server_deleted_at,deleted_at}'),
  ('workspace', 'organization_id', 'id', '{organization_id}'),
  ('workspace', 'name', 'text', '{name}'),
  ('workspace', 'default_currency', 'text', '{default_currency}'),
  ('workspace', 'default_hourly_rate', 'money', '{default_hourly_rate}'),
  ('workspace', 'rate_updated_at', 'time', '{rate_last_updated}'),
  ('workspace', 'premium', 'flag', '{premium}'),
  ('workspace', 'business_ws', 'flag', '{business_ws}'),
  ('workspace', 'rounding', 'id', '{rounding}'),
  ('workspace', 'rounding_minutes', 'id', '{rounding_minutes}'),
  ('workspace', 'working_minutes', 'id', '{working_hours_in_minutes}'),
  ('workspace', 'projects_billable_by_default', 'flag', '{projects_billable_by_default}'),
  ('workspace', 'projects_private_by_default', 'flag', '{projects_private_by_default}'),
  ('workspace', 'projects_enforce_billable', 'flag', '{projects_enforce_billable}'),
  ('workspace', 'only_admins_may_create_projects', 'flag', '{only_admins_may_create_projects}'),
  ('workspace', 'only_admins_may_create_tags', 'flag', '{only_admins_may_create_tags}'),
  ('workspace', 'only_admins_see_team_dashboard', 'flag', '{only_admins_see_team_dashboard}'),
  ('workspace', 'limit_public_project_data', 'flag', '{limit_public_project_data}'),
  ('workspace', 'hide_start_end_times', 'flag', '{hide_start_end_times}'),
  ('workspace', 'reports_collapse', 'flag', '{reports_collapse}'),
  ('workspace', 'disable_approvals', 'flag', '{disable_approvals}'),
  ('workspace', 'disable_expenses', 'flag', '{disable_expenses}'),
  ('workspace', 'disable_timesheet_view', 'flag', '{disable_timesheet_view}'),
  ('workspace', 'te_constraints', 'json', '{te_constraints}'),
  ('workspace', 'ical_enabled', 'flag', '{ical_enabled}'),
  ('workspace', 'logo_url', 'text', '{logo_url}'),
  ('workspace', 'max_data_retention_days', 'id', '{max_data_retention_days}'),
  ('workspace', 'last_modified_at', 'time', '{last_modified}'),
  ('workspace', 'suspended_at', 'time', '{suspended_at}'),
  ('workspace', 'role', 'text', '{role}'),
  ('workspace', 'admin', 'flag', '{admin}'),
  ('workspace', 'permissions', 'texts', '{permissions}'),
  ('workspace', 'updated_at', 'time', '{at}'),
  ('workspace', 'deleted_at', 'time', '{server_deleted_at,deleted_at}'),
  ('workspace_user', 'user_id', 'id', '{user_id,uid}'),
  ('workspace_user', 'name', 'text', '{name}'),
  ('workspace_user', 'email', 'text', '{email}'),
  ('workspace_user', 'role', 'text', '{role}'),
  ('workspace_user', 'role_id', 'id', '{role_id}'),
  ('workspace_user', 'admin', 'flag', '{admin}'),
  ('workspace_user', 'workspace_admin', 'flag', '{workspace_admin}'),
  ('workspace_user', 'organization_admin', 'flag', '{organization_admin}'),
  ('workspace_user', 'active', 'flag', '{active}'),
  ('workspace_user', 'inactive', 'flag', '{inactive}'),
  ('workspace_user', 'is_direct', 'flag', '{is_direct}'),
  ('workspace_user', 'group_ids', 'ids', '{group_ids}'),
  ('workspace_user', 'timezone', 'text', '{timezone}'),
  ('workspace_user', 'rate', 'money', '{rate}'),
  ('workspace_user', 'rate_updated_at', 'time', '{rate_last_updated}'),
  ('workspace_user', 'labor_cost', 'money', '{labor_cost}'),
  ('workspace_user', 'labor_cost_updated_at', 'time', '{labor_cost_last_updated}'),
  ('workspace_user', 'working_minutes', 'id', '{working_hours_in_minutes}'),
  ('workspace_user', 'view_edit_billable_rates', 'flag', '{view_edit_billable_rates}'),
  ('workspace_user', 'view_edit_labor_costs', 'flag', '{view_edit_labor_costs}'),
  ('workspace_user', 'two_factor_enabled', 'flag', '{2fa_enabled}'),
  ('workspace_user', 'avatar_file_name', 'text', '{avatar_file_name}'),
  ('workspace_user', 'updated_at', 'time', '{at}'),
  ('workspace_user', 'deleted_at', 'time', '{server_deleted_at,deleted_at}'),
  ('project_user', 'project_id', 'id', '{project_id,pid}'),
  ('project_user', 'user_id', 'id', '{user_id,uid}'),
  ('project_user', 'group_id', 'id', '{group_id,gid}'),
  ('project_user', 'manager', 'flag', '{manager}'),
  ('project_user', 'rate', 'money', '{rate}'),
  ('project_user', 'rate_updated_at', 'time', '{rate_last_updated}'),
  ('project_user', 'labor_cost', 'money', '{labor_cost}'),
  ('project_user', 'labor_cost_updated_at', 'time', '{labor_cost_last_updated}'),
  ('project_user', 'updated_at', 'time', '{at}'),
  ('project_user', 'deleted_at', 'time', '{server_deleted_at,deleted_at}'),
  ('project_group', 'project_id', 'id', '{project_id,pid}'),
  ('project_group', 'group_id', 'id', '{group_id}'),
  ('project_group', 'deleted_at', 'time', '{server_deleted_at,deleted_at}');
comment on view ledger.field is
  'Columns of the typed tables that are taken from an entity''s JSON. kind: how the value is read (ledger.reading). keys: where it stands; the first key that is there counts, so that a legacy twin fills the column only where it stands alone.';

-- ---- one value

create function ledger.odd()
returns text
language plpgsql volatile set search_path = ledger, pg_temp
as $$
begin
  raise exception 'a value of an odd type' using errcode = '22023';
end
$$;
comment on function ledger.odd() is 'Fails with 22023: a value is not what its column takes.';

create function ledger.reading(kind text, value text)
returns text
language sql immutable set search_path = ledger, pg_temp
return replace(regexp_replace(case kind
  when 'id' then $$case jsonb_typeof(?) when 'number' then (? #>> '{}')::bigint else odd(bigint) end$$
  -- a timer that runs has a negative duration
  when 'duration' then $$case jsonb_typeof(?) when 'number' then nullif(greatest((? #>> '{}')::bigint, -1), -1) else odd(bigint) end$$
  when 'money' then $$case jsonb_typeof(?) when 'number' then
      case when abs(?::numeric) < 1e15 then ?::numeric else odd(numeric) end else odd(numeric) end$$
  when 'flag' then $$case jsonb_typeof(?) when 'boolean' then ?::boolean else odd(boolean) end$$
  when 'text' then $$case jsonb_typeof(?) when 'string' then ? #>> '{}' else odd(text) end$$
  when 'status' then $$case when ? #>> '{}' in ('upcoming', 'active', 'ended', 'archived', 'deleted') then ? #>> '{}' else odd(text) end$$
  -- Four digits of a year and a T: not "now", "infinity" and what else a cast takes.
  when 'time' then $$case when ? #>> '{}' like '____-__-__T__:__:__%' then (? #>> '{}')::timestamptz
      when ? <> '""' then odd(timestamptz) end$$
  when 'date' then $$case when ? #>> '{}' like '____-__-__' or ? #>> '{}' like '____-__-__T%' then left(? #>> '{}', 10)::date
      when ? <> '""' then odd(date) end$$
  when 'ids' then $$case when ? = '[]' then '{}' when jsonb_typeof(?) = 'array' then (
      select array_agg(case jsonb_typeof(e.v) when 'number' then (e.v #>> '{}')::bigint when 'null' then null else ledger.odd()::bigint end)
      from jsonb_array_elements(?) e (v)) else odd(bigint[]) end$$
  when 'texts' then $$case when ? = '[]' then '{}' when jsonb_typeof(?) = 'array' then (
      select array_agg(case when jsonb_typeof(e.v) in ('string', 'null') then e.v #>> '{}' else ledger.odd() end)
      from jsonb_array_elements(?) e (v)) else odd(text[]) end$$
  when 'json' then 'case when ? is not null then ledger.without_secrets(?) end'
end, 'odd\(([a-z\[\]]+)\)', '(case when ? is not null then ledger.odd() end)::\1', 'g'), '?', value);
comment on function ledger.reading(text, text) is
  'The text of an expression that reads `value`, itself an expression of type jsonb that is null where the JSON says null. It fails where the value is not of the kind. An empty time or date is null.';

create function ledger.is_good(kind text, value jsonb)
returns boolean
language plpgsql stable set search_path = ledger, pg_temp set timezone = 'UTC'
as $$
declare
  is_null boolean;
begin
  -- (not "… or true": the planner would spare itself the reading)
  execute format('select (%s) is null', ledger.reading(kind, '$1')) into is_null using value;
  return true;
exception
  when data_exception or program_limit_exceeded then return false;
end
$$;
comment on function ledger.is_good(text, jsonb) is 'Can the value be read as this kind?';

-- ---- one entity

create function ledger.secrets()
returns text[]
language sql immutable set search_path = ledger, pg_temp
return '{api_token,ical_url,invite_url,invitation_code}'::text[];
comment on function ledger.secrets() is 'Keys of Toggl''s JSON whose values give rights away.';

create function ledger.without_secrets(entity jsonb)
returns jsonb
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  return case jsonb_typeof(entity)
    when 'object' then (
      select coalesce(jsonb_object_agg(e.key, case when jsonb_typeof(e.value) in ('object', 'array')
                                                   then ledger.without_secrets(e.value) else e.value end), '{}')
      from jsonb_each(entity) e where e.key <> all (ledger.secrets()))
    when 'array' then (
      select coalesce(jsonb_agg(case when jsonb_typeof(e.value) in ('object', 'array')
                                     then ledger.without_secrets(e.value) else e.value end order by e.place), '[]')
      from jsonb_array_elements(entity) with ordinality e (value, place))
    else entity
  end;
end
$$;
comment on function ledger.without_secrets(jsonb) is
  'The JSON without the keys that neither readers nor subscribers may see, at any depth.';

create function ledger.payload(body json)
returns jsonb
language plpgsql immutable set search_path = ledger, pg_temp
as $$
declare
  -- A number such as 1e100000 is ten bytes here and forty thousand in jsonb.
  huge constant text := '\d[eE]\+?\d{4}';
  text_form text := body::text;
  entity jsonb := '{}';
  member record;
begin
  if octet_length(text_form) < 16384 or text_form !~ huge then
    begin
      return (body -> 'payload')::jsonb;
    exception when data_exception or program_limit_exceeded then null;
    end;
  end if;
  -- What json takes and jsonb does not: NUL and half a surrogate pair.
  text_form := regexp_replace(text_form, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g');
  text_form := regexp_replace(text_form, '(?<!\\)((?:\\\\)*)\\u[dD][89abAB][[:xdigit:]]{2}(?!\\u[dD][c-fC-F][[:xdigit:]]{2})', '\1\\ufffd', 'g');
  text_form := regexp_replace(text_form, '(?<!\\u[dD][89abAB][[:xdigit:]]{2})(?<!\\)((?:\\\\)*)\\u[dD][c-fC-F][[:xdigit:]]{2}', '\1\\ufffd', 'g');
  -- Member by member: one that cannot be had is kept as text.
  for member in select e.key, e.value from json_each(case json_typeof(text_form::json -> 'payload')
                                                     when 'object' then text_form::json -> 'payload' end) e
  loop
    begin
      if member.value::text ~ huge then
        raise data_exception;
      end if;
      entity := entity || jsonb_build_object(member.key, member.value::jsonb);
    exception when data_exception or program_limit_exceeded then
      entity := entity || jsonb_build_object(member.key, to_jsonb(member.value::text));
    end;
  end loop;
  return entity;
exception when data_exception or program_limit_exceeded then
  return '{}';
end
$$;
comment on function ledger.payload(json) is
  'The payload of a callback as jsonb, whatever is in it: characters that jsonb does not take become U+FFFD, a member that it does not take becomes a string of its JSON. Never fails for the sake of the body.';

create function ledger.is_plain(body json)
returns boolean
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  perform (body -> 'payload')::jsonb;
  return true;
exception when data_exception or program_limit_exceeded then return false;
end
$$;
comment on function ledger.is_plain(json) is 'Does jsonb take the payload as it stands?';

create function ledger.drifted(of_model text, entity jsonb)
returns table (name text, keys text[], found text)
language sql stable set search_path = ledger, pg_temp
as $$
  select f.name, f.keys,
         case when jsonb_typeof(v.value) = case when f.kind in ('id', 'duration', 'money') then 'number' when f.kind = 'flag' then 'boolean'
                                                when f.kind in ('ids', 'texts') then 'array' else 'string' end
              then 'value' else jsonb_typeof(v.value) end
  from ledger.field f
  cross join lateral (select nullif(entity -> k.key, 'null') from unnest(f.keys) with ordinality k (key, place)
                      where entity ? k.key order by k.place limit 1) v (value)
  where f.model = of_model and v.value is not null and not ledger.is_good(f.kind, v.value)
$$;
comment on function ledger.drifted(text, jsonb) is
  'Columns that cannot be read from this entity, with the keys of each and the JSON type found there; value: the type is right, the value is not.';

create function ledger.cleaned(of_model text, entity jsonb)
returns jsonb
language sql stable set search_path = ledger, pg_temp
return case when jsonb_typeof(entity) = 'object'
            then entity - coalesce((select array_agg(k) from ledger.drifted(of_model, entity) d, unnest(d.keys) k), '{}') else entity end;
comment on function ledger.cleaned(text, jsonb) is 'The entity without the keys that cannot be read as their columns.';

create function ledger.drift_count(of_model text, models text[], bodies json[])
returns void
language sql set search_path = ledger, pg_temp
as $$
  insert into ledger.drift as d (day, model, field, found, slot, count)
  select (now() at time zone 'UTC')::date, of_model, o.name, o.found, pg_backend_pid() % 16, count(*)
  from unnest(models, bodies) b (model, body)
  cross join lateral (
    select c.name, c.found from ledger.drifted(of_model, ledger.payload(b.body)) c
    union all
    select 'payload', 'value' where not ledger.is_plain(b.body)) o
  where b.model = of_model
  group by o.name, o.found
  order by o.name, o.found
  on conflict (day, model, field, found, slot) do update set count = d.count + excluded.count
$$;
comment on function ledger.drift_count(text, text[], json[]) is
  'Adds to the counters of odd values. In one order, so that two sessions never wait for each other crosswise.';

create function ledger.entity_in(body json, of_model text)
returns bigint
language plpgsql immutable set search_path = ledger, pg_temp
as $$
declare
  id text := body -> 'metadata' ->> (of_model || '_id');
begin
  return case when id ~ '^[1-9]\d{0,17}$' then id::bigint end;
exception when data_exception then return null;
end
$$;
comment on function ledger.entity_in(json, text) is
  'The entity that a callback without a payload is about, by its metadata; null when that does not say it.';

create function ledger.is_telling(of_model text, body json)
returns boolean
language sql stable set search_path = ledger, pg_temp
as $$
  -- (a path, because it takes a payload that is no object)
  select coalesce(p.entity ?| (select m.telling from ledger.model m where m.model = of_model),
                  p.entity @? '$.keyvalue() ? (!(@.key like_regex "^(id|workspace_id|wid|at|deleted_at|server_deleted_at)$"))',
                  false)
  from (select ledger.payload(body)) p (entity)
$$;
comment on function ledger.is_telling(text, json) is
  'Does a deletion say what was deleted (ledger.model.telling; of an unknown kind: anything at all), or only that it was?';

-- ---- all tables

create function ledger.writer(of_model text)
returns text
language plpgsql stable set search_path = ledger, pg_temp
as $maker$
declare
  known ledger.model;
  is_other boolean := of_model = 'other_entity';
  keys text;
  sources text;
  columns text;
  picked text;
  readings text;
  updates text;
  full_text text := $sql$
    insert into toggl.{table} as t ({keys}, {columns}deleted_at, changed_at, changed_event_id, changed_by,
                                    payload_at, payload_event_id, payload)
    select {sources}, {readings}coalesce({gone}, case when l.action = 'deleted' then l.created_at end),
           l.created_at, l.event_id, l.creator_id, l.created_at, l.event_id,
           {safe}
    from (
      select distinct on ({sources_i}) i.*
      from {batch}
      where {mine} and (i.action <> 'deleted' or ledger.is_telling(i.model, i.body))
      order by {sources_i}, i.created_at desc, i.event_id desc) l
    cross join lateral (select l.body -> 'payload' as part offset 0) p
    cross join lateral (select {entity} as entity offset 0) j
    cross join lateral (select {clean} as clean offset 0) k
    cross join lateral (select {picked} offset 0) v
    on conflict ({keys}) do update
      set {updates}payload = excluded.payload,
          payload_at = excluded.payload_at, payload_event_id = excluded.payload_event_id,
          deleted_at = case when (excluded.changed_at, excluded.changed_event_id) >= (t.changed_at, t.changed_event_id)
                            then excluded.deleted_at else t.deleted_at end,
          changed_by = case when (excluded.changed_at, excluded.changed_event_id) >= (t.changed_at, t.changed_event_id)
                            then excluded.changed_by else t.changed_by end,
          changed_event_id = case when excluded.changed_at > t.changed_at then excluded.changed_event_id
                                  when excluded.changed_at = t.changed_at then greatest(excluded.changed_event_id, t.changed_event_id)
                                  else t.changed_event_id end,
          changed_at = greatest(excluded.changed_at, t.changed_at)
      where (excluded.payload_at, excluded.payload_event_id) > (t.payload_at, t.payload_event_id)
         or again and (excluded.payload_at, excluded.payload_event_id) = (t.payload_at, t.payload_event_id)
  $sql$;
  frame text := $sql$
    create function ledger.write_{table}(workspace_ids bigint[], event_ids bigint[], created timestamptz[], creator_ids bigint[],
      entity_ids bigint[], models text[], actions text[], bodies json[], again boolean)
    returns void
    language plpgsql set search_path = ledger, pg_temp
    as $body$
    begin
      begin
        {fast};
      exception when data_exception or program_limit_exceeded then
        if not again then
          perform ledger.drift_count('{table}', models, bodies);
        end if;
        {careful};
      end;
      if 'deleted' = any (actions) then
        insert into toggl.{table} as t ({keys}, deleted_at, changed_at, changed_event_id, changed_by,
                                        payload_at, payload_event_id)
        select distinct on ({sources_i}) {sources_i}, i.created_at, i.created_at, i.event_id, i.creator_id, '-infinity', 0
        from {batch}
        where {mine} and i.action = 'deleted' and not ledger.is_telling(i.model, i.body)
        order by {sources_i}, i.created_at desc, i.event_id desc
        on conflict ({keys}) do update
          set deleted_at = excluded.deleted_at, changed_at = excluded.changed_at,
              changed_event_id = excluded.changed_event_id, changed_by = excluded.changed_by
          where (excluded.changed_at, excluded.changed_event_id) > (t.changed_at, t.changed_event_id)
             or again and (excluded.changed_at, excluded.changed_event_id) = (t.changed_at, t.changed_event_id);
      end if;
    end
    $body$;
    comment on function ledger.write_{table}(bigint[], bigint[], timestamptz[], bigint[], bigint[], text[], text[], json[], boolean) is
      'Part of ledger.apply(): writes toggl.{table}. Made by ledger.writer().';
  $sql$;
  batch constant text := $sql$unnest(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies)
             as i (workspace_id, event_id, created_at, creator_id, entity_id, model, action, body)$sql$;
begin
  select * into known from ledger.model m where m.model = of_model;
  keys := case when is_other then 'workspace_id, model, entity_id' else concat_ws(', ', 'workspace_id', known.id_column) end;
  sources := case when is_other then 'l.workspace_id, l.model, l.entity_id'
                  else concat_ws(', ', 'l.workspace_id', case when known.id_column is not null then 'l.entity_id' end) end;
  select string_agg(f.name || ', ', ''),
         string_agg(format('%s = excluded.%s, ', f.name, f.name), ''),
         string_agg(ledger.reading(f.kind, 'v.' || f.name) || ', ', E'\n           ')
  into columns, updates, readings
  from ledger.field f where f.model = of_model and f.name <> 'deleted_at';
  select string_agg(format('nullif(coalesce(%s), ''null'') as %s',
                           (select string_agg(format('k.clean -> %L', key), ', ' order by place)
                            from unnest(f.keys) with ordinality u (key, place)), f.name), ', ')
  into picked
  from (select f.name, f.keys from ledger.field f where f.model = of_model
        union all select 'deleted_at', '{server_deleted_at,deleted_at}' where is_other) f;

  frame := replace(replace(frame, '{fast}', replace(replace(replace(full_text,
      '{entity}', 'case when octet_length(l.body::text) < 16384 then p.part::jsonb else ledger.payload(l.body) end'),
      -- An object inside the entity is rare, and a text is searched for one fast.
      '{safe}', format('case when j.entity ?| %L or p.part::text like ''_%%{%%'' then ledger.without_secrets(j.entity) else j.entity end',
                       ledger.secrets())),
      '{clean}', 'j.entity')),
    '{careful}', replace(replace(replace(full_text,
      '{entity}', 'ledger.payload(l.body)'),
      '{safe}', 'ledger.without_secrets(j.entity)'),
      '{clean}', format('ledger.cleaned(%L, j.entity)', of_model)));
  frame := replace(frame, '{batch}', batch);
  frame := replace(frame, '{mine}', case
    when is_other then format('i.entity_id is not null and i.model <> all (%L::text[])', (select array_agg(m.model) from ledger.model m))
    when known.id_column is null then format('i.model = %L', of_model)
    else format('i.model = %L and i.entity_id is not null', of_model) end);
  frame := replace(frame, '{sources_i}', replace(sources, 'l.', 'i.'));
  frame := replace(frame, '{sources}', sources);
  frame := replace(frame, '{keys}', keys);
  frame := replace(frame, '{columns}', coalesce(columns, ''));
  frame := replace(frame, '{updates}', coalesce(updates, ''));
  frame := replace(frame, '{readings}', coalesce(readings, ''));
  frame := replace(frame, '{picked}', picked);
  frame := replace(frame, '{gone}', ledger.reading('time', 'v.deleted_at'));
  return replace(frame, '{table}', of_model);
end
$maker$;
comment on function ledger.writer(text) is
  'The text of the function that writes the table of a kind of entity, from ledger.model and ledger.field.';

do $$
declare
  of_model text;
begin
  for of_model in select m.model from ledger.model m union all select 'other_entity' loop
    execute ledger.writer(of_model);
  end loop;
end
$$;

create function ledger.apply(
  workspace_ids bigint[], event_ids bigint[], created timestamptz[], creator_ids bigint[],
  entity_ids bigint[], models text[], actions text[], bodies json[], again boolean default false)
returns void
language plpgsql set search_path = ledger, pg_temp set timezone = 'UTC'
as $$
begin
  -- Always in this order, and within a table by key: two that write at once never
  -- wait for each other crosswise.
  if 'time_entry' = any (models) then
    perform ledger.write_time_entry(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies, again);
  end if;
  if 'project' = any (models) then
    perform ledger.write_project(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies, again);
  end if;
  if 'client' = any (models) then
    perform ledger.write_client(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies, again);
  end if;
  if 'tag' = any (models) then
    perform ledger.write_tag(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies, again);
  end if;
  if 'task' = any (models) then
    perform ledger.write_task(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies, again);
  end if;
  if 'workspace' = any (models) then
    perform ledger.write_workspace(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies, again);
  end if;
  if 'workspace_user' = any (models) then
    perform ledger.write_workspace_user(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies, again);
  end if;
  if 'project_user' = any (models) then
    perform ledger.write_project_user(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies, again);
  end if;
  if 'project_group' = any (models) then
    perform ledger.write_project_group(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies, again);
  end if;
  if not models <@ '{time_entry,project,client,tag,task,workspace,workspace_user,project_user,project_group}' then
    perform ledger.write_other_entity(workspace_ids, event_ids, created, creator_ids, entity_ids, models, actions, bodies, again);
  end if;
end
$$;
comment on function ledger.apply(bigint[], bigint[], timestamptz[], bigint[], bigint[], text[], text[], json[], boolean) is
  'Brings the typed tables up to these events. Of each entity the latest event by (created_at, event_id) counts, whatever the order they come in; an event that was applied before changes nothing. An odd value never fails. `again`: an event that the row comes from already is applied once more, for a rebuild.';

create function ledger.apply_recorded(event_ids bigint[], created timestamptz[])
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  told record;
begin
  select array_agg(e.workspace_id) as workspace_ids, array_agg(e.event_id) as event_ids, array_agg(e.created_at) as created,
         array_agg(e.creator_id) as creator_ids, array_agg(e.entity_id) as entity_ids, array_agg(e.model) as models,
         array_agg(e.action) as actions, array_agg(e.body) as bodies
  into told
  from (select distinct i.event_id, i.created_at from unnest(event_ids, created) i (event_id, created_at)) i
  cross join (select distinct p.workspace_id from ledger.endpoint p) w
  join ledger.event e on e.workspace_id = w.workspace_id and e.event_id = i.event_id and e.created_at = i.created_at
                     and e.txid = pg_current_xact_id();
  if told.event_ids is not null then
    perform ledger.apply(told.workspace_ids, told.event_ids, told.created, told.creator_ids, told.entity_ids,
                         told.models, told.actions, told.bodies);
    perform ledger.outbox_add(told.workspace_ids, told.event_ids, told.created, told.models, told.actions);
  end if;
end
$$;
comment on function ledger.apply_recorded(bigint[], timestamptz[]) is
  'Brings typed tables and outbox up to those of these events that this very transaction has recorded.';
