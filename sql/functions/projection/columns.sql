-- Converts the JSON of an entity to the columns of its table in schema toggl. The view ledger.field
-- defines each column; writer.sql makes the writing functions from it, and history.sql the
-- reading ones. A value is read strictly, because that is fast and rarely fails. If it fails,
-- the caller reads again what ledger.cleaned() gives: the entity without the unexpected values; and
-- ledger.drift_count() counts these. Statements that write the typed tables do not belong here.

create or replace view ledger.model (model, id_column, value_keys) as values
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
  'Kinds of entity that have their own table in schema toggl, by the name of the table. id_column: its key besides '
  'workspace_id. value_keys: a deletion whose payload has none of these keys is bare: it has no values of the entity.';

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
  ('project_group', 'deleted_at', 'time', '{server_deleted_at,deleted_at}'),
  ('other_entity', 'deleted_at', 'time', '{server_deleted_at,deleted_at}');
comment on view ledger.field is
  'Columns of the typed tables that are taken from an entity''s JSON. kind: how the value is read (ledger.reading); id '
  'is any 64-bit integer. '
  'keys: the JSON keys of the value; the first key that exists counts, so that a legacy key is used only when the '
  'current one is missing.';

-- ---- one value

create function ledger.fail_value()
returns text
language plpgsql volatile set search_path = ledger, pg_temp
as $$
begin
  raise exception 'a value of an unexpected type' using errcode = '22023';
end
$$;
comment on function ledger.fail_value() is 'Raises 22023: the value does not fit its column.';

create function ledger.reading(kind text, value text)
returns text
language sql immutable set search_path = ledger, pg_temp
return replace(regexp_replace(case kind
  when 'id' then $$case jsonb_typeof(?) when 'number' then (? #>> '{}')::bigint else fail(bigint) end$$
  -- a timer that runs has a negative duration
  when 'duration' then $$case jsonb_typeof(?) when 'number' then nullif(greatest((? #>> '{}')::bigint, -1), -1)
                              else fail(bigint) end$$
  when 'money' then $$case jsonb_typeof(?) when 'number' then
      case when abs(?::numeric) < 1e15 then ?::numeric else fail(numeric) end else fail(numeric) end$$
  when 'flag' then $$case jsonb_typeof(?) when 'boolean' then ?::boolean else fail(boolean) end$$
  when 'text' then $$case jsonb_typeof(?) when 'string' then ? #>> '{}' else fail(text) end$$
  when 'status' then $$case when ? #>> '{}' in ('upcoming', 'active', 'ended', 'archived', 'deleted') then ? #>> '{}'
                            else fail(text) end$$
  -- RFC 3339 with a zone only: a cast would also accept "now", "infinity" and other forms.
  when 'time' then $$case when ? #>> '{}' like '____-__-__T__:__:__%Z' or ? #>> '{}' like '____-__-__T__:__:__%:__'
      then (? #>> '{}')::timestamptz when ? <> '""' then fail(timestamptz) end$$
  when 'date' then $$case when ? #>> '{}' like '____-__-__' or ? #>> '{}' like '____-__-__T__:__:__%' then
                          left(? #>> '{}', 10)::date
      when ? <> '""' then fail(date) end$$
  when 'ids' then $$case when ? = '[]' then '{}' when jsonb_typeof(?) = 'array' then (
      select array_agg(case jsonb_typeof(e.v) when 'number' then (e.v #>> '{}')::bigint when 'null' then null
                            else ledger.fail_value()::bigint end)
      from jsonb_array_elements(?) e (v)) else fail(bigint[]) end$$
  when 'texts' then $$case when ? = '[]' then '{}' when jsonb_typeof(?) = 'array' then (
      select array_agg(case when jsonb_typeof(e.v) in ('string', 'null') then e.v #>> '{}' else ledger.fail_value() end)
      from jsonb_array_elements(?) e (v)) else fail(text[]) end$$
  when 'json' then '?'
end, 'fail\(([a-z\[\]]+)\)', '(case when ? is not null then ledger.fail_value() end)::\1', 'g'), '?', value);
comment on function ledger.reading(text, text) is
  'The text of an expression that reads `value`, itself an expression of type jsonb that is null where the JSON says '
  'null. It fails when the value is not of this kind. An empty time or date is null.';

-- jsonb_to_record() reads a whole entity in one call. That costs a statement much less than 15
-- expressions do, but it reads the text "5" as the number 5: so the JSON types are checked first.

create function ledger.record_type(kind text)
returns text
language sql immutable set search_path = ledger, pg_temp
return case kind when 'id' then 'bigint' when 'duration' then 'bigint' when 'money' then 'numeric'
                 when 'flag' then 'boolean' when 'ids' then 'bigint[]' when 'texts' then 'text[]'
                 when 'json' then 'jsonb' else 'text' end;
comment on function ledger.record_type(text) is 'The type as which jsonb_to_record() reads a value of this kind.';

create function ledger.record_reading(kind text, value text)
returns text
language sql immutable set search_path = ledger, pg_temp
return replace(case kind
  when 'duration' then $$nullif(greatest(?, -1), -1)$$
  when 'money' then $$case when abs(?) >= 1e15 then ledger.fail_value()::numeric else ? end$$
  when 'status' then $$case when ? in ('upcoming', 'active', 'ended', 'archived', 'deleted') then ?
                            when ? is not null then ledger.fail_value() end$$
  when 'time' then $$case when ? like '____-__-__T__:__:__%Z' or ? like '____-__-__T__:__:__%:__' then ?::timestamptz
                          when ? <> '' then ledger.fail_value()::timestamptz end$$
  when 'date' then $$case when ? like '____-__-__' or ? like '____-__-__T__:__:__%' then left(?, 10)::date
                          when ? <> '' then ledger.fail_value()::date end$$
  else '?'
end, '?', value);
comment on function ledger.record_reading(text, text) is
  'The same as ledger.reading() for a value of type ledger.record_type() that jsonb_to_record() has read.';

create function ledger.record_mismatch(kind text, value text)
returns text
language sql immutable set search_path = ledger, pg_temp
return replace(case
  when kind in ('id', 'duration', 'money') then '{value}.type() == "string"'
  when kind = 'flag' then '({value}.type() != "boolean" && {value}.type() != "null")'
  -- (a comparison looks into a list, so that [] and [null] would not differ from null)
  when kind = 'text' then '({value}.type() != "string" && {value}.type() != "null")'
  when kind = 'ids' then '{value}[*].type() == "string" || {value}[*].type() == "array"'
  -- (a filter unwraps a list inside the list, so its type is checked before)
  when kind = 'texts' then '{value}[*].type() == "array" || exists ({value}[*] ? (@.type() != "string" && @ != null))'
end, '{value}', value);
comment on function ledger.record_mismatch(text, text) is
  'A predicate of jsonpath that is true when jsonb_to_record() reads the value without an error although it is not of '
  'this kind; null: there is no such value.';

do $$
begin
  -- "is null" makes PostgreSQL evaluate the value; it skips an expression whose result is not used.
  execute format($make$
    create function ledger.is_good(kind text, value jsonb)
    returns boolean
    language plpgsql stable set search_path = ledger, pg_temp set timezone = 'UTC'
    as $body$
    declare
      is_none boolean;
    begin
      case kind
      %s
      end case;
      return true;
    exception when data_exception or program_limit_exceeded then
      return false;
    end
    $body$ $make$,
    (select string_agg(format(E'when %L then\n        is_none := (%s) is null;', k.kind,
                              ledger.reading(k.kind, 'value')), E'\n      ')
     from (select distinct f.kind from ledger.field f order by 1) k));
end
$$;
comment on function ledger.is_good(text, jsonb) is 'Can the value be read as this kind? Made from ledger.reading().';

-- ---- the entity as a whole

create function ledger.secrets()
returns text[]
language sql immutable set search_path = ledger, pg_temp
return '{api_token,ical_url,invite_url,invitation_code}'::text[];
comment on function ledger.secrets() is 'Keys of Toggl''s JSON whose values are secrets.';

create function ledger.without_secrets(entity jsonb)
returns jsonb
language plpgsql immutable set search_path = ledger, pg_temp
as $$
declare
  -- A key as jsonb writes it; inside a string the quotation mark would have a backslash.
  secret constant text := '"(' || array_to_string(ledger.secrets(), '|') || ')": ';
  is_large boolean;
begin
  if jsonb_typeof(entity) = 'object' then
    entity := entity - ledger.secrets();
  end if;
  if entity::text !~ secret then
    return entity;
  end if;
  -- Toggl sends no JSON of this size with secrets deep inside. Parsing all of it would take
  -- seconds, so the whole value that contains a secret is left out.
  is_large := octet_length(entity::text) > 16384;
  if jsonb_typeof(entity) = 'object' then
    return (select coalesce(jsonb_object_agg(e.key,
                                             case when is_large then e.value else ledger.without_secrets(e.value) end),
                                             '{}')
            from jsonb_each(entity) e where not (is_large and e.value::text ~ secret));
  end if;
  return (select coalesce(jsonb_agg(case when is_large then e.value else ledger.without_secrets(e.value) end
                                    order by e.place), '[]')
          from jsonb_array_elements(entity) with ordinality e (value, place)
            where not (is_large and e.value::text ~ secret));
end
$$;
comment on function ledger.without_secrets(jsonb) is
  'The JSON without the keys that neither readers nor subscribers may see, at any depth.';

create function ledger.repaired_escapes(document text, instead text default '\ufffd')
returns text
language plpgsql immutable set search_path = ledger, pg_temp
as $$
declare
  -- Bytes that do not occur in JSON replace the valid escapes temporarily.
  backslash constant text := E'\x01';
  surrogate constant text := E'\x02';
begin
  if document !~ '\\u(0000|[dD][89a-fA-F])' then
    return document;
  end if;
  document := replace(document, '\\', backslash);
  document := regexp_replace(document, '\\(u[dD][89abAB][[:xdigit:]]{2})\\(u[dD][c-fC-F][[:xdigit:]]{2})',
                             surrogate || '\1' || surrogate || '\2', 'g');
  document := regexp_replace(document, '\\u(0000|[dD][89a-fA-F][[:xdigit:]]{2})', '\' || instead, 'g');
  return replace(replace(document, surrogate, '\'), backslash, '\\');
end
$$;
comment on function ledger.repaired_escapes(text, text) is
  'A JSON text with U+FFFD (or another escape) for the escapes that json takes and jsonb does not: NUL, and half a '
  'surrogate pair.';

create function ledger.is_number(value text)
returns boolean
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  perform value::numeric;
  return true;
exception when data_exception then
  return false;
end
$$;
comment on function ledger.is_number(text) is 'Is this a number within the range of jsonb?';

create function ledger.repaired_numbers(document text)
returns text
language plpgsql immutable set search_path = ledger, pg_temp
as $$
declare
  huge_exponent constant text := '-?\d+(?:\.\d+)?[eE][+-]?\d{3,}';
  -- A number without such an exponent is out of range only when it has more digits.
  long_length constant integer := 16000;
  backslash constant text := E'\x01';
  quote constant text := E'\x02';
  parts text[];
begin
  if length(document) <= long_length and document !~ '\d[eE][+-]?\d{3}' then
    return document;
  end if;
  -- The text is split at quotation marks: every second part is a string.
  parts := string_to_array(replace(replace(document, '\\', backslash), '\"', quote), '"');
  for n in 1..cardinality(parts) by 2 loop
    if length(parts[n]) > long_length and parts[n] ~ '\d{255}' then
      parts[n] := (
        select string_agg(case when length(w.word[1]) > long_length and not ledger.is_number(w.word[1]) then
                               '"' || w.word[1] || '"'
                               else regexp_replace(w.word[1], huge_exponent, '"\&"', 'g') end, '' order by w.place)
        from regexp_matches(parts[n], '[-+.eE\d]+|[^-+.eE\d]+', 'g') with ordinality w (word, place));
    elsif length(parts[n]) > 4 then
      parts[n] := regexp_replace(parts[n], huge_exponent, '"\&"', 'g');
    end if;
  end loop;
  return replace(replace(array_to_string(parts, '"'), quote, '\"'), backslash, '\\');
end
$$;
comment on function ledger.repaired_numbers(text) is
  'A JSON text in which numbers that jsonb does not take are strings, and those with three digits of an exponent: '
  '1e100000 is eight bytes here and 100,000 when it is read.';

create function ledger.cost(document text)
returns integer
language plpgsql immutable set search_path = ledger, pg_temp
as $$
declare
  bytes constant integer := octet_length(document);
begin
  return bytes + 128 * (bytes - octet_length(translate(document, ',[{', ''))) + 64 *
    (bytes - octet_length(replace(document, '\', '')));
end
$$;
comment on function ledger.cost(text) is
  'Upper limit for the cost of parsing a JSON text, in bytes of plain text (about 40 ns each): 1 for each byte, 128 '
  'for each comma and opening bracket, 64 for each backslash. The receiver counts in the same way before PostgreSQL '
  'sees a body (callback_cost()).';

create function ledger.is_costly(body json)
returns boolean
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  -- A body below 4,064 bytes cannot reach the budget, because a byte costs 129 at most. Most callers
  -- compare the length too, which saves the call.
  return octet_length(body::text) > 4000
         and (octet_length(body::text) > 524288 or ledger.cost(body::text) > 524288);
end
$$;
comment on function ledger.is_costly(json) is
  'Is the body of a callback beyond the budget of 524,288 (ledger.cost())? Then it is recorded and can be verified, '
  'but it is not parsed: it changes no typed table (a deletion still deletes) and reaches no subscriber. The rule '
  'depends only on the body, so that a rebuild has the same result.';

create function ledger.payload(body json)
returns jsonb
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  if octet_length(body::text) > 4000 and ledger.is_costly(body) then
    return null;
  end if;
  return ledger.whole_payload(body);
end
$$;
comment on function ledger.payload(json) is
  'The payload of a callback as jsonb, as ledger.whole_payload(); null when the body is too costly to parse '
  '(ledger.is_costly()).';

create function ledger.whole_payload(body json)
returns jsonb
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  return ledger.repaired_numbers((ledger.repaired_escapes(body::text)::json -> 'payload')::text)::jsonb;
end
$$;
comment on function ledger.whole_payload(json) is
  'The payload of a callback as jsonb, whatever its content and cost: characters that jsonb does not accept become '
  'U+FFFD, and huge numbers become strings. Secrets are still in it.';

create function ledger.plain_payload(payload json)
returns jsonb
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  if ledger.repaired_numbers(payload::text) <> payload::text then
    perform ledger.fail_value();
  end if;
  return ledger.without_secrets(payload::jsonb);
end
$$;
comment on function ledger.plain_payload(json) is
  'The payload as jsonb without secrets; fails when jsonb does not accept it unchanged.';

create function ledger.is_plain(body json)
returns boolean
language plpgsql immutable set search_path = ledger, pg_temp
as $$
declare
  payload constant text := ledger.repaired_escapes(body::text)::json -> 'payload';
begin
  -- An escape was repaired in the payload if another replacement gives another payload. (If it was
  -- repaired elsewhere in the body, both are the same.)
  return ledger.repaired_numbers(payload) = payload
         and payload = (ledger.repaired_escapes(body::text, '\ufffe')::json -> 'payload')::text;
end
$$;
comment on function ledger.is_plain(json) is 'Does jsonb accept the payload unchanged?';

create function ledger.has_values(of_model text, body json)
returns boolean
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  entity constant jsonb := ledger.payload(body);
  value_keys constant text[] := (select m.value_keys from ledger.model m where m.model = of_model);
begin
  return case when jsonb_typeof(entity) is distinct from 'object' then false
              when value_keys is not null then entity ?| value_keys
              else entity - '{id,workspace_id,wid,at,deleted_at,server_deleted_at}'::text[] <> '{}' end;
end
$$;
comment on function ledger.has_values(text, json) is
  'Does the payload of a deletion have values of the entity (a key of ledger.model.value_keys; for an unknown kind, '
  'any key)?';

-- ---- unexpected values

-- These functions are in plpgsql, because it keeps their plans: when Toggl changes a field, all events
-- may suddenly have unexpected values.

create function ledger.drifted(of_model text, entity jsonb)
returns table (name text, keys text[], type text)
language plpgsql stable set search_path = ledger, pg_temp
as $$
begin
  return query
    select f.name, f.keys,
           case when jsonb_typeof(v.value) = case when f.kind in ('id', 'duration', 'money') then 'number'
                                                  when f.kind = 'flag' then 'boolean'
                                                  when f.kind in ('ids', 'texts') then 'array' else 'string' end
                then 'value' else jsonb_typeof(v.value) end
    from ledger.field f
    cross join lateral (select nullif(entity -> k.key, 'null') from unnest(f.keys) with ordinality k (key, place)
                        where entity ? k.key order by k.place limit 1) v (value)
    where f.model = of_model and v.value is not null and not ledger.is_good(f.kind, v.value);
end
$$;
comment on function ledger.drifted(text, jsonb) is
  'Columns that cannot be read from this entity, with the JSON keys of each and the JSON type found there; value: the '
  'type is right, the value is not.';

create function ledger.cleaned(of_model text, entity jsonb)
returns jsonb
language plpgsql stable set search_path = ledger, pg_temp
as $$
begin
  if jsonb_typeof(entity) = 'object' then
    entity := entity - coalesce((select array_agg(k) from ledger.drifted(of_model, entity) d, unnest(d.keys) k), '{}');
  end if;
  return entity;
end
$$;
comment on function ledger.cleaned(text, jsonb) is 'The entity without the keys whose values do not fit their columns.';

create function ledger.drift_count(of_model text, models text[], bodies json[])
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  insert into ledger.drift as d (day, model, field, found, slot, count)
  select (now() at time zone 'UTC')::date, i.model, o.field, o.type, pg_backend_pid() % 16, count(*)
  from unnest(models, bodies) i (model, body)
  cross join lateral (
    select c.name, c.type from ledger.drifted(of_model, ledger.payload(i.body)) c
    union all
    select 'payload', 'value' where not ledger.is_plain(i.body)) o (field, type)
  group by i.model, o.field, o.type
  order by i.model, o.field, o.type
  on conflict on constraint drift_pkey do update set count = d.count + excluded.count;
end
$$;
comment on function ledger.drift_count(text, text[], json[]) is
  'Counts the unexpected values of these events in ledger.drift: columns that cannot be read, and payload when jsonb '
  'does not accept it unchanged. Rows are always updated in the same order, so that two sessions do not deadlock.';
