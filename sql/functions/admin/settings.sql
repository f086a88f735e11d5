-- The admin page: operators, sessions, the audit trail, options, and the first visit.

create function admin.operator_name(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  return ledger.answer(null, private => jsonb_build_object('name', case
    when request.path ? 'operator_id' then (
      select o.name from ledger.operator o
        where o.operator_id = ledger.id_of(request.path ->> 'operator_id', 'operator_id'))
    else who.name end));
end
$$;
comment on function admin.operator_name(ledger.operator, admin.request) is
  'Called before a password is computed, which takes long: the name of its operator (the operator in the path, else '
  'the one of the session), because a password must not contain it.';

-- ---- operators

create function admin.operator_list(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  return ledger.answer(json_build_object('items', coalesce((
    select json_agg(json_build_object('id', o.operator_id::text, 'name', o.name, 'role', o.role, 'zone', o.time_zone,
                                      'enabled', o.enabled, 'totp', ledger.totp_is_on(o.operator_id), 'is_me',
                                      o.operator_id = who.operator_id,
                                      'made_at', ledger.rfc3339(o.made_at), 'seen_at', ledger.rfc3339(o.seen_at),
                                      'password_at', ledger.rfc3339(o.password_at)) order by lower(o.name))
    from ledger.operator o), '[]'::json), 'next', null)::text);
end
$$;
comment on function admin.operator_list(ledger.operator, admin.request) is 'GET operators.';

create function admin.operator_add(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  made ledger.operator := ledger.operator_make(request.given ->> 'name', request.given ->> 'role',
                                               request.given ->> 'zone', request.made ->> 'password');
begin
  return ledger.answer(json_build_object('id', made.operator_id::text)::text, status => 201,
    audit => ledger.audited('operator.add', ledger.operator_named(made), null, ledger.operator_json(made)));
end
$$;
comment on function admin.operator_add(ledger.operator, admin.request) is
  'POST operators. made: the stored form of the password (base/password).';

create function admin.operator_change(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  id bigint := ledger.id_of(request.path ->> 'operator_id', 'operator_id');
  password text := request.made ->> 'password';
  audit admin.audit_entry[];
  was ledger.operator;
  made ledger.operator;
begin
  if request.given ? 'enabled' and jsonb_typeof(request.given -> 'enabled') <> 'boolean' then
    perform ledger.refuse('member.not_boolean', jsonb_build_object('member', 'enabled'));
  end if;
  if request.given ? 'totp' and request.given -> 'totp' <> 'false' then
    perform ledger.refuse('totp.only_off');
  end if;
  select o.* into was from ledger.operator o where o.operator_id = id;
  if request.given ? 'totp' and id = who.operator_id then
    perform ledger.refuse('totp.own_off', '{}', 'HL403');
  elsif request.given ? 'totp' and was.operator_id is not null then
    if ledger.totp_reset(was) then
      audit := ledger.audited('totp.reset', ledger.operator_named(was));
    end if;
    if request.given - 'totp' = '{}' then
      return ledger.answer('{}', audit => audit);
    end if;
  end if;
  made := ledger.operator_change(id, request.given ->> 'role', request.given ->> 'zone',
                                 (request.given ->> 'enabled')::boolean, password);
  return ledger.answer('{}', audit => audit
    || ledger.audited(case when password is null then 'operator.change' else 'operator.password' end,
                      ledger.operator_named(made), ledger.operator_json(was), ledger.operator_json(made)));
end
$$;
comment on function admin.operator_change(ledger.operator, admin.request) is
  'PATCH operators/{operator_id}: role, zone, enabled, totp (false: reset). made: password, the stored form of a new '
  'one (base/password), or null.';

create function admin.password_read(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  -- Not the bucket of logins, which unauthenticated clients can fill.
  return ledger.answer(null, private => jsonb_build_object(
    'wait_s', ledger.throttle_add('proof', who.operator_id::text, 20, 10), 'password', who.password));
end
$$;
comment on function admin.password_read(ledger.operator, admin.request) is
  'The stored password of the operator, for a comparison. Counts the attempt, so that a stolen session cannot guess '
  'it.';

create function admin.prove(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  until timestamptz := ledger.clock() + make_interval(mins => (request.made ->> 'minutes')::integer);
begin
  if who.password is distinct from request.made ->> 'compared' then
    perform ledger.refuse('session.password_changed', '{}', 'HL403');
  end if;
  update ledger.session s set proved_until = until where s.digest = request.session;
  return ledger.answer(json_build_object('until', ledger.rfc3339(until))::text,
    audit => ledger.audited('session.prove', ledger.operator_named(who)));
end
$$;
comment on function admin.prove(ledger.operator, admin.request) is
  'POST session/proof: the password was right. made: compared, the value from password_read(); minutes, for which the '
  'check counts.';

create function admin.me_change(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  password text := request.made ->> 'password';
  mine ledger.session;
  made ledger.operator;
begin
  select s.* into mine from ledger.session s where s.digest = request.session;
  made := ledger.operator_change(who.operator_id, null, request.given ->> 'zone', null, password);
  if password is not null then
    -- all other sessions end; this one has just had a password check
    insert into ledger.session overriding system value select mine.*;
  end if;
  return ledger.answer('{}', audit => case when password is not null or made.time_zone <> who.time_zone then
    ledger.audited(case when password is null then 'operator.change' else 'operator.password' end,
                   ledger.operator_named(made), ledger.operator_json(who), ledger.operator_json(made)) end);
end
$$;
comment on function admin.me_change(ledger.operator, admin.request) is
  'PATCH me: the operator''s own time zone and password (made: the stored form, base/password; null: unchanged). A new '
  'password ends the operator''s other sessions.';

create function admin.language_set(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  made ledger.operator;
begin
  if coalesce(jsonb_typeof(request.given -> 'language'), '') not in ('string', 'null')
    or request.given ->> 'language' !~ '^[a-z]{2,3}$' then
    perform ledger.refuse('operator.language_malformed');
  end if;
  update ledger.operator o set language = request.given ->> 'language' where o.operator_id = who.operator_id
    returning o.* into made;
  return ledger.answer('{}', audit => case when made.language is distinct from who.language then
    ledger.audited('operator.change', ledger.operator_named(made), ledger.operator_json(who),
                   ledger.operator_json(made)) end);
end
$$;
comment on function admin.language_set(ledger.operator, admin.request) is
  'PUT me/language: the language of the page for this operator; null: the browser''s.';

-- ---- sessions

create function admin.session_list(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  clock timestamptz := ledger.clock();
begin
  return ledger.answer(json_build_object('items', coalesce((
    select json_agg(json_build_object('id', s.session_id::text, 'operator', o.name,
                                      'is_me', s.digest = request.session,
                                      'made_at', ledger.rfc3339(s.made_at), 'seen_at', ledger.rfc3339(s.seen_at),
                                      'expires_at', ledger.rfc3339(least(s.expires_at, s.seen_at + s.idle)),
                                      'address', host(s.address), 'agent', s.agent) order by s.seen_at desc)
    from ledger.session s join ledger.operator o using (operator_id)
    where s.expires_at > clock and s.seen_at + s.idle > clock
      and (who.role = 'owner' or o.operator_id = who.operator_id)), '[]'::json),
    'next', null)::text);
end
$$;
comment on function admin.session_list(ledger.operator, admin.request) is
  'GET sessions: an owner sees all, a viewer only their own.';

create function admin.session_remove(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  id bigint := ledger.id_of(request.path ->> 'session_id', 'session_id');
  whose ledger.operator;
begin
  delete from ledger.session s using ledger.operator o
  where s.session_id = id and o.operator_id = s.operator_id and (who.role = 'owner' or o.operator_id = who.operator_id)
  returning o.* into whose;
  if not found then
    perform ledger.refuse('session.unknown', jsonb_build_object('session_id', id), 'P0002');
  end if;
  return ledger.answer('{}',
    audit => ledger.audited('session.remove', ledger.operator_named(whose)));
end
$$;
comment on function admin.session_remove(ledger.operator, admin.request) is
  'DELETE sessions/{session_id}: ends a session; the operator''s own, or for an owner any.';

-- ---- the audit trail

create function admin.audit_list(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  most integer := ledger.page_limit(request.query);
  below bigint := coalesce(ledger.id_of(request.query ->> 'after', 'after'), 9223372036854775807);
begin
  return (
  with page as (
    select a.* from ledger.audit a where a.audit_id < below order by a.audit_id desc limit most + 1
  ), shown as (select * from page order by audit_id desc limit most)
  select ledger.answer(json_build_object(
    'items', coalesce((select json_agg(json_build_object(
                         'id', s.audit_id::text, 'at', ledger.rfc3339(s.at), 'operator', s.operator, 'address',
                         host(s.address),
                         'action', s.action, 'subject', s.subject, 'before', s.before, 'after', s.after)
                         order by s.audit_id desc)
                       from shown s), '[]'::json),
    'next', case when (select count(*) from page) > most then (select min(audit_id)::text from shown) end)::text));
end
$$;
comment on function admin.audit_list(ledger.operator, admin.request) is
  'GET audit: newest first; after: the number of the last item shown.';

-- ---- options

create function ledger.option_known()
returns table (name text, fallback bigint, lowest bigint, highest bigint)
language sql immutable set search_path = ledger, pg_temp
as $$
  values
    -- minutes without a callback before the silence is a finding
    ('silence_minutes', 60::bigint, 5::bigint, 10080::bigint),
    -- and the least number of expected events that are missing
    ('silence_times', 12, 2, 100000),
    -- days for which dead deliveries are a finding
    ('dead_days', 7, 1, 365)
$$;
comment on function ledger.option_known() is
  'The options that an owner can set on the page: whole numbers, each with its default and its limits.';

create function ledger.option(called text)
returns bigint
language sql stable set search_path = ledger, pg_temp
as $$
  select coalesce((select (o.value #>> '{}')::bigint from ledger.option o where o.name = called), k.fallback)
  from ledger.option_known() k where k.name = called
$$;
comment on function ledger.option(text) is 'The value of an option.';

create function ledger.settings_json()
returns json
language sql stable set search_path = ledger, pg_temp
as $$
  select json_build_object('items',
                           json_agg(json_build_object('name', k.name, 'value', ledger.option(k.name), 'default',
                                                      k.fallback,
                                                               'least', k.lowest, 'most', k.highest)))
  from ledger.option_known() k
$$;
comment on function ledger.settings_json() is 'All options in the form of the page.';

create function admin.settings_read(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  return ledger.answer(ledger.settings_json()::text);
end
$$;
comment on function admin.settings_read(ledger.operator, admin.request) is 'GET settings.';

create function admin.settings_change(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  item record;
  was bigint;
  audit admin.audit_entry[];
begin
  if request.given is null then
    perform ledger.refuse('option.body_malformed');
  end if;
  for item in select g.key, g.value, k.* from jsonb_each(request.given) g left join ledger.option_known() k
    on k.name = g.key loop
    if item.name is null then
      perform ledger.refuse('option.unknown', jsonb_build_object('name', left(item.key, 100)));
    end if;
    if jsonb_typeof(item.value) <> 'number' or item.value #>> '{}' !~ '^[0-9]{1,15}$'
       or (item.value #>> '{}')::bigint not between item.lowest and item.highest then
      perform ledger.refuse('option.range',
                            jsonb_build_object('name', item.name, 'lowest', item.lowest, 'highest', item.highest));
    end if;
    was := ledger.option(item.name);
    continue when was = (item.value #>> '{}')::bigint;
    insert into ledger.option as o (name, value) values (item.name, item.value)
    on conflict (name) do update set value = excluded.value, set_at = ledger.clock();
    audit := audit || ledger.audited('settings.change',
                                     ledger.coded('subject.option', jsonb_build_object('name', item.name)),
                                     to_jsonb(was), item.value);
  end loop;
  return ledger.answer(ledger.settings_json()::text, audit => audit);
end
$$;
comment on function admin.settings_change(ledger.operator, admin.request) is 'PATCH settings: {"name": value, …}.';

-- ---- the first visit

create function admin.has_operators()
returns boolean
language sql stable security definer set search_path = ledger, pg_temp
as $$ select exists (select from ledger.operator) $$;
comment on function admin.has_operators() is 'Does an operator exist already? Then the first visit is over.';

create function admin.setup(called text, zone text, kept text, client text)
returns bigint
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  made ledger.operator;
begin
  lock table ledger.operator in share row exclusive mode;
  if exists (select from ledger.operator) then
    perform ledger.refuse('setup.done', '{}', '23505');
  end if;
  made := ledger.operator_make(called, 'owner', zone, kept);
  perform set_config('hookledger.client', client, true);
  perform ledger.audit_write(made, 'setup', ledger.operator_named(made), null, ledger.operator_json(made));
  return made.operator_id;
end
$$;
comment on function admin.setup(text, text, text, text) is
  'The first visit: makes the owner, and only the first one. 23505: operators exist.';
