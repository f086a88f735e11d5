-- What an account may see. This file alone decides it, for the answers of the Track
-- API (api/track_v9.sql), the list of a subscription's events (api/delivery_list.sql), making deliveries
-- (fan_out.sql), sending them (courier/courier.sql) and replay (operator/deliveries.sql):
--
--   which events, entries and projects   may_see_events(), may_see_entry(), may_see_project()
--   what of one                          seen_event(), seen_entity()
--
-- An administrator of the workspace sees all. A member sees data of the workspace, its own time
-- entries, and projects that are public or that have it as a known member, but no pay. The rule is
-- applied when an event is sent, not when it is recorded.

-- ---- pay

-- Pay, costs and prices of people's time. The rule uses words in the key and not a list of keys, so
-- that a key that Toggl adds later is hidden too.

create function ledger.tells_pay(key text)
returns boolean
language sql immutable set search_path = ledger, pg_temp
return concat(key, ' ', regexp_replace(key, '([[:lower:]\d])([[:upper:]])', '\1_\2', 'g')) ~* (
  '(^|[^a-z])(hourly|daily|weekly|monthly|yearly|labou?r|billable|billing|bill|pay|user|member|fixed|flat|base|'
  'default|unit|total|net|gross|cost|sell|exchange)?'
  || '(rate|cost|fee|amount|price|pricing|pay|payment|payroll|payout|paid|salary|salarie|wage|earning|income|revenue'
  || '|profit|profitability|margin|budget|money|cent|charge|commission|compensation|bonu|bonuse|tariff|remuneration|'
     'hourly|card)s?($|[^a-z])');
comment on function ledger.tells_pay(text) is
  'Is a key of this name about pay, a price or a cost, or the time of its change, such as rate, labor_cost, '
  'fixed_fee, default_hourly_rate, billable_amount_in_cents, rate_last_updated or hourlyRate?';

-- The letters of a key may be written as escapes. A body always has a payload. A long word that may
-- be base64 is not decoded here, so it counts as possible pay.
create function ledger.may_tell_pay(content text)
returns boolean
language sql immutable
return content ~* 'rate|cost|fee|amount|pric|pay(?!load)|paid|salar|wage|earning|income|revenue|profit|margin|budget|'
                  'money|cent|charge|commission|compens|bonu|tariff|remun|hourly|card|\\u00[4-7]'
       or position('%' in content) > 0 and content ~ '%[4-7][[:xdigit:]]'
       or position('request_body' in content) > 0
       and content ~ 'request_body"\s*:\s*"\s*([^\u0001-\u007f]|[\w+/-]{12,}=*\s*")';
comment on function ledger.may_tell_pay(text) is
  'Could this JSON hold a key for which ledger.tells_pay() is true? A fast check, nearly always false for time '
  'entries.';

create function ledger.pay_key_like()
returns text
language sql immutable
return '(rate|cost|fee|amount|pric|pay|paid|salar|wage|earning|income|revenue|profit|margin|budget|money|cent|charge|'
       'commission|compens|bonu|tariff|remun|hourly|card)[^":]*"\s*:';
comment on function ledger.pay_key_like() is
  'A regular expression for a possible key of pay (ledger.tells_pay()) in JSON, or in JSON inside a string.';

create function ledger.read_json(content text)
returns json
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  return ledger.repaired_escapes(content)::json;
exception when data_exception or program_limit_exceeded then
  return null;
end
$$;
comment on function ledger.read_json(text) is
  'The text as json whose strings can all be decoded; null when it is no JSON.';

create function ledger.names_pay(document json, names text)
returns boolean
language sql immutable set search_path = ledger, pg_temp
as $$
  select exists (
    select from json_each(document) o
    cross join lateral json_array_elements(case when json_typeof(o.value) = 'array' then o.value
                                                else json_build_array(o.value) end) v (value)
    where o.key ~* ('(^|_)(' || names || ')s?$') and json_typeof(v.value) = 'string'
      and ledger.tells_pay(v.value #>> '{}'))
$$;
comment on function ledger.names_pay(json, text) is
  'Does the object name a key of pay (ledger.tells_pay()) as the value of a key that ends with one of these names? '
  '{"field": "rate", "new": 50} does.';

create function ledger.changed_keys()
returns text
language sql immutable
return '(^|_)(values?|vals?|data|old|new|was|is|before|after|previous|prior|original|updated|current|from|to)$';
comment on function ledger.changed_keys() is
  'A regular expression for the keys that hold the values in an object of ledger.names_pay().';

create function ledger.form_tells_pay(words text)
returns boolean
language sql immutable set search_path = ledger, pg_temp
as $$
  select exists (select from regexp_matches(left(words, 16384), '([\w.%-]+)\s*[=:]', 'g') w (word)
                 where ledger.tells_pay(w.word[1]) or w.word[1] ~* '%[4-7][0-9a-f]')
$$;
comment on function ledger.form_tells_pay(text) is
  'Does a text that is no JSON (a form, the query of a URL) have a name of pay (ledger.tells_pay()), or a name with '
  'encoded letters?';

create function ledger.without_pay(document json, is_strict boolean, depth integer default 0)
returns json
language plpgsql immutable set search_path = ledger, pg_temp
as $$
declare
  content constant text := document::text;
  is_change boolean;
  is_named boolean;
  within json;
begin
  if not ledger.may_tell_pay(content) then
    return null;
  end if;
  -- Parsing JSON that is large, deep or has many members takes too long for a courier (0.1 ms for
  -- each object). The JSON that Toggl documents is less than a tenth of these limits.
  if depth > 16 or octet_length(content) > 16384 or depth = 0
    and octet_length(content) - octet_length(replace(content, ':', '')) > 500 then
    if content !~ '\\u00[4-7]' and content !~* ledger.pay_key_like() then
      return null;
    end if;
    raise program_limit_exceeded;
  end if;
  case json_typeof(document)
  when 'object' then
    -- offset 0, here and below: otherwise a member is evaluated at each of its mentions, which
    -- doubles the work at each level {"op":"replace","path":"/rate","value":50}
    is_named := content ~* '(path|key|field|property|attribute|column)s?"'
      and ledger.names_pay(document, 'path|key|field|property|attribute|column');
    -- an object with a name or a type may be a project called "Budget"
    is_change := is_named or content ~* '(name|type|kind)s?"' and ledger.names_pay(document, 'name|type|kind');
    return (
      select case when bool_or(m.is_gone or m.shown is not null)
                  then concat('{', string_agg(concat(to_json(m.key), ':', coalesce(m.shown, m.value)), ','
                                              order by m.place)
                                   filter (where not m.is_gone), '}')::json end
      from (select e.key, e.value, e.place, g.is_gone,
                   case when not g.is_gone and json_typeof(e.value) in ('object', 'array', 'string')
                        then ledger.without_pay(e.value, is_strict, depth + 1) end as shown
            from json_each(document) with ordinality e (key, value, place)
            cross join lateral (
              -- a flag holds no amount: view_edit_billable_rates
              select ledger.may_tell_pay(e.key) and ledger.tells_pay(e.key) and e.value::text not in ('true', 'false')
                     or is_change and e.key ~* ledger.changed_keys()
                     or is_named and e.key !~*
                     '(^|_)(ids?|at|op|operation|action|model|entity|event|source|path|key|field|property|attribute|'
                     'column|name|type|kind)s?$'
                        and e.value::text not in ('true', 'false') as is_gone offset 0) g
            offset 0) m);
  when 'array' then
    -- ["rate", 50]
    if exists (select from json_array_elements(document) e (value) where json_typeof(e.value) = 'string'
               and ledger.tells_pay(e.value #>> '{}'))
       and exists (select from json_array_elements(document) e (value)
                   where json_typeof(e.value) = 'number' or is_strict and json_typeof(e.value) = 'string'
                     and e.value #>> '{}' ~ '^\s*[-+]?[\d.,]+\s*$') then
      return '[]';
    end if;
    return (
      select case when bool_or(m.shown is not null)
                  then concat('[', string_agg(coalesce(m.shown, m.value)::text, ',' order by m.place), ']')::json end
      from (select e.value, e.place, ledger.without_pay(e.value, is_strict, depth + 1) as shown
            from json_array_elements(document) with ordinality e (value, place)
            offset 0) m);
  when 'string' then
    -- JSON inside a string, as in the request of metadata
    if document #>> '{}' !~ '^\s*[[{"]' then
      if is_strict and ledger.form_tells_pay(document #>> '{}') then
        raise data_exception;
      end if;
      return null;
    end if;
    within := ledger.read_json(document #>> '{}');
    if within is null and is_strict then
      raise data_exception;
    end if;
    return to_json(ledger.without_pay(within, is_strict, depth + 1)::text);
  else
    return null;
  end case;
end
$$;
comment on function ledger.without_pay(json, boolean, integer) is
  'The JSON without the keys of pay, at any depth, also in strings that contain JSON; null when it has none. The rest '
  'is unchanged except for blanks. is_strict: a string that begins like JSON but is none, or that has names of pay '
  'like a form (ledger.form_tells_pay()), raises a data_exception. JSON that is large, deep or has many members raises '
  'program_limit_exceeded, unless it cannot have such a key.';

-- ---- what of an entity, what of an event

create function ledger.seen_entity(entity jsonb, sees_pay boolean)
returns jsonb
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  return case when sees_pay then entity else coalesce(ledger.without_pay(entity::text::json, false)::jsonb, entity) end;
exception when data_exception or program_limit_exceeded then
  return (select coalesce(jsonb_object_agg(e.key, e.value), '{}') from jsonb_each(entity) e
          where e.key in ('id', 'workspace_id'))
         || '{"withheld": "payload"}';
end
$$;
comment on function ledger.seen_entity(jsonb, boolean) is
  'The form in which an account sees an entity that it may see: all of it, or all without pay. For an entity that '
  'cannot be checked: only its numbers, and a note that its payload is withheld.';

create function ledger.seen_metadata(metadata json, withheld text[])
returns json
language plpgsql immutable set search_path = ledger, pg_temp
as $$
declare
  kept text[] := '{}';
  is_less boolean := cardinality(withheld) > 0;
  is_change boolean;
  one record;
  shown json;
begin
  if json_typeof(metadata) is distinct from 'object' then
    begin
      if not is_less then
        return ledger.without_pay(metadata, true);
      end if;
    exception when data_exception or program_limit_exceeded then
      withheld := '{metadata}';
    end;
    metadata := '{}';
  end if;
  is_change := ledger.names_pay(metadata, 'key|field|property|attribute|column');
  for one in select e.key, e.value from json_each(metadata) with ordinality e (key, value, place) order by e.place loop
    if ledger.tells_pay(one.key) or is_change and one.key ~* ledger.changed_keys() then
      is_less := true;
      continue;
    end if;
    shown := null;
    if one.key = 'request_body' or ledger.may_tell_pay(one.value::text) then
      begin
        shown := ledger.without_pay(one.value, true);
        -- Text that is no JSON is not parsed here: a form, encoded text, or JSON that was cut.
        if one.key = 'request_body'
          and (ledger.may_tell_pay(one.value::text) or one.value::text ~ '^"\s*([^\u0001-\u007f]|[\w+/-]{12,}=*\s*"$)')
          and json_typeof(one.value) = 'string' and one.value #>> '{}' !~ '^\s*([[{"]|$)' then
          raise data_exception;
        end if;
      exception when data_exception or program_limit_exceeded then
        withheld := withheld || one.key;
        continue;
      end;
    end if;
    is_less := is_less or shown is not null;
    kept := kept || concat(to_json(one.key), ':', coalesce(shown, one.value));
  end loop;
  if cardinality(withheld) > 0 then
    kept := kept || concat('"withheld":', to_json(array_to_string(withheld, ',')));
  elsif not is_less then
    return null;
  end if;
  return concat('{', array_to_string(kept, ','), '}');
end
$$;
comment on function ledger.seen_metadata(json, text[]) is
  'metadata of an event without pay, which may also be in the request that made the change (request_body); null when '
  'it has none. Parts that cannot be checked are left out, and `withheld` names them, after the names from the caller.';

create function ledger.seen_event(body json, sees_pay boolean, out payload text, out metadata text)
language plpgsql immutable set search_path = ledger, pg_temp
as $$
declare
  event json;
  withheld text[] := '{}';
begin
  select c.payload, c.metadata into payload, metadata from ledger.without_secrets_of(body) c;
  if sees_pay or not ledger.may_tell_pay(body::text) then
    return;
  end if;
  event := ledger.read_json(body::text);
  begin
    if event is null then
      withheld := '{metadata}';
      raise data_exception;
    end if;
    payload := coalesce(ledger.without_pay(coalesce(payload::json, event -> 'payload'), false)::text, payload);
  exception when data_exception or program_limit_exceeded then
    withheld := '{payload}' || withheld;
    payload := '{}';
  end;
  metadata := coalesce(ledger.seen_metadata(coalesce(metadata::json, event -> 'metadata'), withheld)::text, metadata);
end
$$;
comment on function ledger.seen_event(json, boolean) is
  'Payload and metadata to be sent instead of the originals of an event: without secrets, and without pay for an '
  'account that may not see it; null where nothing is left out. Parts that cannot be checked are withheld, and '
  'metadata.withheld names them.';

-- ---- which ones
create function ledger.id_in(entity jsonb, keys text[])
returns bigint
language sql immutable set search_path = ledger, pg_temp
as $$
  select case when jsonb_typeof(v.value) = 'null' then 0
              when v.value #>> '{}' ~ '^[1-9]\d{0,17}$' then (v.value #>> '{}')::bigint end
  from (select entity -> k.key from unnest(keys) with ordinality k (key, place)
        where entity ? k.key order by k.place limit 1) v (value)
$$;
comment on function ledger.id_in(jsonb, text[]) is
  'The number of the first of these keys that exists; 0 when the value says that there is none, null when no key '
  'exists or the value is no number.';

create function ledger.says_private_project(body json)
returns boolean
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  return case ledger.read_json(body::text) -> 'metadata' ->> 'project_is_private' when 'true' then true
              when 'false' then false end;
exception when data_exception then return null;
end
$$;
comment on function ledger.says_private_project(json) is
  'Does the callback say itself that the project it is about is private? Null: it does not say.';

create function ledger.is_member(workspace bigint, user_id bigint, project_id bigint)
returns boolean
language sql stable set search_path = ledger, pg_temp
as $$
  select exists (select from toggl.project_user p
                 where p.workspace_id = workspace and p.user_id = is_member.user_id
                   and p.project_id = is_member.project_id and p.deleted_at is null)
$$;
comment on function ledger.is_member(bigint, bigint, bigint) is
  'Is the user known (toggl.project_user) as a member of the project? A member by a group only is not known: Toggl '
  'sends groups, but not their members.';

create function ledger.may_see_project(account bigint, workspace bigint)
returns setof bigint
language sql stable set search_path = ledger, pg_temp
as $$
  select p.project_id
  from toggl.project p
  join ledger.account a on a.account_id = account
  join ledger.member m on m.account_id = account and m.workspace_id = workspace
  where p.workspace_id = workspace
    and (m.is_admin or p.is_private is false or exists (
          select from toggl.project_user u
          where u.workspace_id = workspace and u.project_id = p.project_id and u.user_id = a.user_id
            and u.deleted_at is null))
$$;
comment on function ledger.may_see_project(bigint, bigint) is
  'Projects that the account may see: all for an administrator, else projects that are known to be public or to have '
  'the account''s user as a member.';

create function ledger.may_see_entry(of_user bigint, t toggl.time_entry)
returns boolean
language sql stable set search_path = ledger, pg_temp
as $$
  select t.user_id = of_user and coalesce(p.project_id = 0 or ledger.is_member(t.workspace_id, of_user, p.project_id)
                                          or coalesce(j.is_private, e.is_private, true) is false
                                          and e.is_private is not true, false)
  from (select ledger.id_in(t.payload, '{project_id,pid}') as project_id) p
  left join toggl.project j on j.workspace_id = t.workspace_id and j.project_id = p.project_id
  left join lateral (
    select ledger.says_private_project(v.body) as is_private from ledger.event v
    where v.workspace_id = t.workspace_id and v.event_id = t.payload_event_id and v.created_at = t.payload_at
      limit 1) e on true
$$;
comment on function ledger.may_see_entry(bigint, toggl.time_entry) is
  'May this Toggl user, who is no administrator, see the time entry? The rule of ledger.event_scope() for the event '
  'from which its row comes.';

create function ledger.event_scope(workspace bigint, event_ids bigint[], created timestamptz[])
returns table (event_id bigint, created_at timestamptz, of_user bigint, of_project bigint)
language sql stable set search_path = ledger, pg_temp set jit = off set enable_seqscan = off
as $$
  with events as materialized (
    select i.event_id, i.created_at, e.model, e.entity_id, ledger.says_private_project(e.body) as is_private,
           case when e.model = 'time_entry'
                then coalesce(ledger.id_in(p.entity, '{user_id,uid}'), ledger.id_in(k.payload, '{user_id,uid}'), 0)
                when e.model not in ('project', 'client', 'tag', 'task', 'workspace', 'workspace_user', 'project_user',
                                     'project_group')
                then 0 end as of_user,
           case when e.model = 'project' then coalesce(e.entity_id, -1)
                -- 0 is an answer: the entry has no project
                when e.model = 'time_entry'
                then nullif(coalesce(ledger.id_in(p.entity, '{project_id,pid}'),
                                     ledger.id_in(k.payload, '{project_id,pid}'), -1), 0)
                when e.model in ('task', 'project_user', 'project_group')
                then coalesce(nullif(ledger.id_in(p.entity, '{project_id,pid}'), 0),
                              nullif(ledger.id_in(k.payload, '{project_id,pid}'), 0), -1)
           end as of_project,
           coalesce(e.model = 'project' and p.entity -> 'is_private' = 'true', false) as says_private
    from unnest(event_ids, created) i (event_id, created_at)
    -- Row by row, by key: see courier.settle().
    left join lateral (
      select v.* from ledger.event v
      where v.workspace_id = workspace and v.event_id = i.event_id and v.created_at = i.created_at limit 1) e on true
    cross join lateral (select ledger.payload(e.body) as entity offset 0) p
    left join lateral (
      select t.payload from toggl.time_entry t
      where e.model = 'time_entry' and t.workspace_id = workspace and t.time_entry_id = e.entity_id
      union all
      select t.payload from toggl.task t where e.model = 'task' and t.workspace_id = workspace
        and t.task_id = e.entity_id
      union all
      select t.payload from toggl.project_user t
      where e.model = 'project_user' and t.workspace_id = workspace and t.project_user_id = e.entity_id
      union all
      select t.payload from toggl.project_group t
      where e.model = 'project_group' and t.workspace_id = workspace and t.project_group_id = e.entity_id
      limit 1) k on true)
  select o.event_id, o.created_at, o.of_user,
         case when o.says_private or o.is_private or coalesce(j.is_private, o.is_private, true) then o.of_project end
  from events o
  left join lateral (
    select j.is_private from toggl.project j where j.workspace_id = workspace and j.project_id = o.of_project
      limit 1) j on true
$$;
comment on function ledger.event_scope(bigint, bigint[], timestamptz[]) is
  'Who may see these events, but administrators, who see all. of_user: only this Toggl user. of_project: only members '
  'of this private project. Null: no such limit; a number below 1: nobody, because the owner is not known. The user '
  'of a time entry and the project of an entity are read from the event''s payload, or else from the typed row of the '
  'entity. A project is public only if toggl.project has it so, or, while it has no row of it, the event''s own '
  'metadata; nothing may say otherwise. Kinds of entity that hookledger does not know are for administrators. An '
  'event that is not in the ledger any more has no data and no limit.';

create function ledger.is_in_scope(workspace bigint, user_id bigint, of_user bigint, of_project bigint)
returns boolean
language sql stable set search_path = ledger, pg_temp
return (of_user is null or of_user = is_in_scope.user_id)
       and (of_project is null or ledger.is_member(workspace, is_in_scope.user_id, of_project));
comment on function ledger.is_in_scope(bigint, bigint, bigint, bigint) is
  'May this Toggl user, who is no administrator, see an event of which ledger.event_scope() says so?';

create function ledger.may_see_events(account bigint, workspace bigint, event_ids bigint[], created timestamptz[])
returns table (event_id bigint, created_at timestamptz)
language plpgsql stable set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  is_admin boolean;
  me bigint;
begin
  select m.is_admin, a.user_id into is_admin, me
  from ledger.account a join ledger.member m on m.account_id = a.account_id
  where a.account_id = account and a.enabled and m.workspace_id = workspace;
  if is_admin then
    return query select i.event_id, i.created_at from unnest(event_ids, created) i (event_id, created_at);
  elsif me is not null then
    return query
      select s.event_id, s.created_at from ledger.event_scope(workspace, event_ids, created) s
      where ledger.is_in_scope(workspace, me, s.of_user, s.of_project);
  end if;
end
$$;
comment on function ledger.may_see_events(bigint, bigint, bigint[], timestamptz[]) is
  'Of these events, those that the account may see now; none when it is disabled or may not use the workspace.';

-- ---- whose subscriptions

create or replace view ledger.served as
  select s.subscription_id, s.workspace_id, s.account_id, a.user_id, m.is_admin
  from ledger.subscription s
  join ledger.account a on a.account_id = s.account_id and a.enabled
  join ledger.member m on m.account_id = s.account_id and m.workspace_id = s.workspace_id
  where s.deleted_at is null and s.pending_until is null and (s.enabled or s.disabled_reason is distinct from 'gone');
comment on view ledger.served is
  'Subscriptions to which something may still be delivered, now or when they are enabled again: not deleted or gone, '
  'and of an account that may use the workspace. Open deliveries of any other subscription are dropped.';
comment on column ledger.served.subscription_id is 'Subscription.';
comment on column ledger.served.workspace_id is 'Its workspace.';
comment on column ledger.served.account_id is 'Account that made it.';
comment on column ledger.served.user_id is 'Toggl user of that account.';
comment on column ledger.served.is_admin is 'Is that user an administrator of the workspace?';
