-- The admin page's settings: operators, sessions, the audit trail, options, and
-- the first visit.

create function admin.may(session bytea, needs_owner boolean, needs_proof boolean, of_operator text)
returns table (name text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  who ledger.operator := case when needs_proof then ledger.enter_proved(session, needs_owner) else ledger.enter(session, needs_owner) end;
begin
  name := case when of_operator is null then who.name
               else (select o.name from ledger.operator o where o.operator_id = ledger.id_of(of_operator, 'the operator''s number')) end;
  return next;
end
$$;
comment on function admin.may(bytea, boolean, boolean, text) is
  'Before work that is dear: the error of ledger.enter() or enter_proved(), or the name of the operator with this number (null: of who asks), which makes a bad password.';

-- ---- operators

create function admin.operator_list(session bytea, path jsonb, query jsonb, given jsonb)
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter(session);
begin
  return query select 200::bigint, json_build_object('items', coalesce((
    select json_agg(json_build_object('id', o.operator_id::text, 'name', o.name, 'role', o.role, 'zone', o.time_zone,
                                      'enabled', o.enabled, 'totp', ledger.totp_is_on(o.operator_id), 'is_me', o.operator_id = who.operator_id,
                                      'made_at', ledger.rfc3339(o.made_at), 'seen_at', ledger.rfc3339(o.seen_at),
                                      'password_at', ledger.rfc3339(o.password_at)) order by lower(o.name))
    from ledger.operator o), '[]'::json), 'next', null)::text;
end
$$;
comment on function admin.operator_list(bytea, jsonb, jsonb, jsonb) is 'GET operators.';

create function admin.operator_add(session bytea, called text, of_role text, zone text, kept text)
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter_proved(session);
  made ledger.operator := ledger.operator_make(called, of_role, zone, kept);
begin
  perform ledger.audit_write(who, 'operator.add', ledger.operator_named(made), null, ledger.operator_json(made));
  return query select 201::bigint, json_build_object('id', made.operator_id::text)::text;
end
$$;
comment on function admin.operator_add(bytea, text, text, text, text) is 'POST operators; kept: as base/password keeps a password.';

create function admin.operator_change(session bytea, path jsonb, query jsonb, given jsonb, kept text)
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter_proved(session);
  id bigint := ledger.id_of(path ->> 'operator_id', 'the operator''s number');
  was ledger.operator;
  made ledger.operator;
begin
  if given ? 'enabled' and jsonb_typeof(given -> 'enabled') <> 'boolean' then
    raise exception '"enabled" must be true or false' using errcode = '22023';
  end if;
  if given ? 'totp' and given -> 'totp' <> 'false' then
    raise exception '"totp" can only be made false: its owner turns it on' using errcode = '22023';
  end if;
  select o.* into was from ledger.operator o where o.operator_id = id;
  if given ? 'totp' and id = who.operator_id then
    raise exception 'turn your own codes off with a code, or by `hookledger operator totp-reset`' using errcode = 'HL403';
  elsif given ? 'totp' and was.operator_id is not null then
    perform ledger.totp_reset(who, was);
    if given - 'totp' = '{}' then
      return query select 200::bigint, '{}'::text;
      return;
    end if;
  end if;
  made := ledger.operator_change(id, given ->> 'role', given ->> 'zone', (given ->> 'enabled')::boolean, kept);
  perform ledger.audit_write(who, case when kept is null then 'operator.change' else 'operator.password' end,
                             ledger.operator_named(made), ledger.operator_json(was), ledger.operator_json(made));
  return query select 200::bigint, '{}'::text;
end
$$;
comment on function admin.operator_change(bytea, jsonb, jsonb, jsonb, text) is 'PATCH operators/{operator_id}: role, zone, enabled, totp (false: reset); kept: a new password, or null.';

create function admin.password_read(session bytea)
returns table (wait_s bigint, password text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  who ledger.operator := ledger.enter(session);
begin
  -- Not the bucket of those who log in: strangers fill that one.
  wait_s := ledger.throttle_add('proof', who.operator_id::text, 20, 10);
  password := who.password;
  return next;
end
$$;
comment on function admin.password_read(bytea) is 'What one''s old password is compared with; counted, so that a stolen session cannot guess it.';

create function admin.prove(session bytea, compared text, proof_minutes bigint)
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter(session);
  until timestamptz := ledger.clock() + make_interval(mins => proof_minutes::integer);
begin
  if who.password <> compared then
    raise exception 'your password was changed meanwhile; log in again' using errcode = 'HL403';
  end if;
  update ledger.session s set proved_until = until where s.digest = substring(session from 1 for 32);
  perform ledger.audit_write(who, 'session.prove', ledger.operator_named(who));
  return query select 200::bigint, json_build_object('until', ledger.rfc3339(until))::text;
end
$$;
comment on function admin.prove(bytea, text, bigint) is
  'POST session/proof: the password was right, as password_read() gave what it was compared with; ledger.enter_proved() takes the session for so many minutes.';

create function admin.me_change(session bytea, new_zone text, kept text)
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter(session);
  mine ledger.session;
  made ledger.operator;
begin
  select s.* into mine from ledger.session s where s.digest = substring(session from 1 for 32);
  made := ledger.operator_change(who.operator_id, null, new_zone, null, kept);
  if kept is not null then
    -- all others are out; this one was just proved
    insert into ledger.session overriding system value select mine.*;
  end if;
  if kept is not null or made.time_zone <> who.time_zone then
    perform ledger.audit_write(who, case when kept is null then 'operator.change' else 'operator.password' end,
                               ledger.operator_named(made), ledger.operator_json(who), ledger.operator_json(made));
  end if;
  return query select 200::bigint, '{}'::text;
end
$$;
comment on function admin.me_change(bytea, text, text) is 'PATCH me: one''s own zone and password (null: as it is). A new password ends one''s other sessions.';

create function admin.language_set(session bytea, path jsonb, query jsonb, given jsonb)
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter(session);
  made ledger.operator;
begin
  if coalesce(jsonb_typeof(given -> 'language'), '') not in ('string', 'null') or given ->> 'language' !~ '^[a-z]{2,3}$' then
    raise exception '"language" is a code such as de, or null: as the browser has it' using errcode = '22023';
  end if;
  update ledger.operator o set language = given ->> 'language' where o.operator_id = who.operator_id returning o.* into made;
  if made.language is distinct from who.language then
    perform ledger.audit_write(who, 'operator.change', ledger.operator_named(made), ledger.operator_json(who), ledger.operator_json(made));
  end if;
  return query select 200::bigint, '{}'::text;
end
$$;
comment on function admin.language_set(bytea, jsonb, jsonb, jsonb) is 'PUT me/language: the language in which the page speaks to the operator; null: as the browser has it.';

-- ---- sessions

create function admin.session_list(session bytea, path jsonb, query jsonb, given jsonb)
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter(session);
  clock timestamptz := ledger.clock();
begin
  return query select 200::bigint, json_build_object('items', coalesce((
    select json_agg(json_build_object('id', s.session_id::text, 'operator', o.name,
                                      'is_me', s.digest = substring(session_list.session from 1 for 32),
                                      'made_at', ledger.rfc3339(s.made_at), 'seen_at', ledger.rfc3339(s.seen_at),
                                      'expires_at', ledger.rfc3339(least(s.expires_at, s.seen_at + s.idle)),
                                      'address', host(s.address), 'agent', s.agent) order by s.seen_at desc)
    from ledger.session s join ledger.operator o using (operator_id)
    where s.expires_at > clock and s.seen_at + s.idle > clock and (who.role = 'owner' or o.operator_id = who.operator_id)), '[]'::json),
    'next', null)::text;
end
$$;
comment on function admin.session_list(bytea, jsonb, jsonb, jsonb) is 'GET sessions: an owner sees all, others their own.';

create function admin.session_remove(session bytea, path jsonb, query jsonb, given jsonb)
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter(session);
  id bigint := ledger.id_of(path ->> 'session_id', 'the session''s number');
  whose ledger.operator;
begin
  delete from ledger.session s using ledger.operator o
  where s.session_id = id and o.operator_id = s.operator_id and (who.role = 'owner' or o.operator_id = who.operator_id)
  returning o.* into whose;
  if not found then
    raise exception 'there is no session %', id using errcode = 'P0002';
  end if;
  perform ledger.audit_write(who, 'session.remove', ledger.operator_named(whose));
  return query select 200::bigint, '{}'::text;
end
$$;
comment on function admin.session_remove(bytea, jsonb, jsonb, jsonb) is 'DELETE sessions/{session_id}: ends a login, one''s own or, by an owner, anybody''s.';

-- ---- the audit trail

create function admin.audit_list(session bytea, path jsonb, query jsonb, given jsonb)
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter(session);
  most integer := ledger.page_limit(query);
  below bigint := coalesce(ledger.id_of(query ->> 'after', 'after'), 9223372036854775807);
begin
  return query
  with page as (
    select a.* from ledger.audit a where a.audit_id < below order by a.audit_id desc limit most + 1
  ), shown as (select * from page order by audit_id desc limit most)
  select 200::bigint, json_build_object(
    'items', coalesce((select json_agg(json_build_object(
                         'id', s.audit_id::text, 'at', ledger.rfc3339(s.at), 'operator', s.operator, 'address', host(s.address),
                         'action', s.action, 'subject', s.subject, 'before', s.before, 'after', s.after) order by s.audit_id desc)
                       from shown s), '[]'::json),
    'next', case when (select count(*) from page) > most then (select min(audit_id)::text from shown) end)::text;
end
$$;
comment on function admin.audit_list(bytea, jsonb, jsonb, jsonb) is 'GET audit: newest first; after: the number of the last item shown.';

-- ---- options

create function ledger.option_known()
returns table (name text, fallback bigint, lowest bigint, highest bigint, words text)
language sql immutable set search_path = ledger, pg_temp
as $$
  values
    ('silence_minutes', 60::bigint, 5::bigint, 10080::bigint, 'Minutes that Toggl must be silent at least before it counts as a finding.'),
    ('silence_times', 12, 2, 100000, 'And so many events that were to be expected at these hours of the week must be missing; more where long silences are usual.'),
    ('dead_days', 7, 1, 365, 'Days for which deliveries that were given up count as a finding.')
$$;
comment on function ledger.option_known() is 'What an owner can set on the page: whole numbers, each with its default, its bounds and what it is.';

create function ledger.option(called text)
returns bigint
language sql stable set search_path = ledger, pg_temp
as $$
  select coalesce((select (o.value #>> '{}')::bigint from ledger.option o where o.name = called), k.fallback)
  from ledger.option_known() k where k.name = called
$$;
comment on function ledger.option(text) is 'The value of an option.';

create function admin.settings_read(session bytea, path jsonb, query jsonb, given jsonb)
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter(session);
begin
  return query select 200::bigint, json_build_object('items', (
    select json_agg(json_build_object('name', k.name, 'value', ledger.option(k.name), 'default', k.fallback,
                                      'least', k.lowest, 'most', k.highest, 'words', k.words))
    from ledger.option_known() k))::text;
end
$$;
comment on function admin.settings_read(bytea, jsonb, jsonb, jsonb) is 'GET settings.';

create function admin.settings_change(session bytea, path jsonb, query jsonb, given jsonb)
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter_proved(session);
  item record;
  was bigint;
begin
  if given is null then
    raise exception 'the body must be an object of options and their values' using errcode = '22023';
  end if;
  for item in select g.key, g.value, k.* from jsonb_each(given) g left join ledger.option_known() k on k.name = g.key loop
    if item.name is null then
      raise exception 'there is no option "%"', left(item.key, 100) using errcode = '22023';
    end if;
    if jsonb_typeof(item.value) <> 'number' or item.value #>> '{}' !~ '^[0-9]{1,15}$'
       or (item.value #>> '{}')::bigint not between item.lowest and item.highest then
      raise exception '"%" must be a whole number from % to %', item.name, item.lowest, item.highest using errcode = '22023';
    end if;
    was := ledger.option(item.name);
    continue when was = (item.value #>> '{}')::bigint;
    insert into ledger.option as o (name, value) values (item.name, item.value)
    on conflict (name) do update set value = excluded.value, set_at = ledger.clock();
    perform ledger.audit_write(who, 'settings.change', item.name, to_jsonb(was), item.value);
  end loop;
  return query select r.status, r.body from admin.settings_read(session, path, query, given) r;
end
$$;
comment on function admin.settings_change(bytea, jsonb, jsonb, jsonb) is 'PATCH settings: {"name": value, …}.';

-- ---- the first visit

create function admin.has_operators()
returns boolean
language sql stable security definer set search_path = ledger, pg_temp
as $$ select exists (select from ledger.operator) $$;
comment on function admin.has_operators() is 'Is the first visit over?';

create function admin.setup(called text, zone text, kept text, client text)
returns bigint
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  made ledger.operator;
begin
  lock table ledger.operator in share row exclusive mode;
  if exists (select from ledger.operator) then
    raise exception 'hookledger is set up already; log in' using errcode = '23505';
  end if;
  made := ledger.operator_make(called, 'owner', zone, kept);
  perform set_config('hookledger.client', client, true);
  perform ledger.audit_write(made, 'setup', ledger.operator_named(made), null, ledger.operator_json(made));
  return made.operator_id;
end
$$;
comment on function admin.setup(text, text, text, text) is 'The first visit: makes the owner, and only the first one. 23505: there are operators.';
