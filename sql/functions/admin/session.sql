-- The admin page: sessions, permissions, logins and the audit trail. hookledger-admin calls
-- admin.call() for each request that needs a session: it checks the session, looks up the operation
-- and its role in admin.operation, runs it and writes the audit trail. An operation is a function
-- of this schema that no role may call directly:
--   admin.NAME(who ledger.operator, request admin.request) returns admin.answer
create type admin.request as (operation text, session bytea, path jsonb, query jsonb, given jsonb, made jsonb);
comment on type admin.request is
  'The data of a request. session: its digest; path and query: objects of texts; given: the body, or null; made: '
  'values that hookledger-admin made for it (sealed secrets, digests; bytes in hex), never a value of the body.';

create type admin.audit_entry as (action text, subject jsonb, before jsonb, after jsonb);
comment on type admin.audit_entry is 'The change of an operation, without secrets.';

create type admin.answer as (status bigint, body text, private jsonb, audit admin.audit_entry[]);
comment on type admin.answer is
  'The result of an operation: status and body of the answer, private data for hookledger-admin only (bytes in hex), '
  'and entries for the audit trail. Null: the object does not exist.';

create table admin.operation (
  name text primary key,
  role text not null check (role in ('none', 'viewer', 'owner')),
  is_proved boolean not null default false check (not is_proved or role <> 'none'),
  is_audited boolean not null default false,
  function text not null
);
comment on table admin.operation is 'All operations of hookledger-admin. Other functions cannot be called.';
comment on column admin.operation.name is 'The name, for admin.call().';
comment on column admin.operation.role is
  'Required role: owner; viewer: every operator who is logged in; none: it needs no session, and hookledger-admin '
  'calls the function directly.';
comment on column admin.operation.is_proved is
  'It also needs a password check within session_proof_minutes: for operations that give permissions.';
comment on column admin.operation.is_audited is 'It may write to the audit trail.';
comment on column admin.operation.function is 'The function of schema admin that runs it.';

create function ledger.session_enter(session bytea, role text, is_proved boolean)
returns ledger.operator
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  clock timestamptz := ledger.clock();
  token bytea := substring(session from 1 for 32);
  home text := convert_from(substring(session from 33), 'UTF8');
  who ledger.operator;
  proved_until timestamptz;
begin
  select o.* into who
  from ledger.session s join ledger.operator o using (operator_id)
  where s.digest = token and s.expires_at > clock and s.seen_at + s.idle > clock and o.enabled;
  if not found then
    perform ledger.refuse('session.none', '{}', 'HL401');
  end if;
  if who.role <> 'owner' and role is distinct from 'viewer' then
    perform ledger.refuse('session.not_owner', '{}', 'HL403');
  end if;
  perform set_config('hookledger.client', home, true);
  -- A long request of the same session may hold the lock of the row: then it writes the same value.
  update ledger.session s set seen_at = clock, address = nullif(home, '')::inet
  where s.session_id = (select o.session_id from ledger.session o
                        where o.digest = token and o.seen_at < clock - interval '1 minute' for update skip locked);
  if is_proved and not exists (select from ledger.session s where s.digest = token and s.proved_until > clock) then
    perform ledger.refuse('session.password_again', '{}', 'HL428');
  end if;
  return who;
end
$$;
comment on function ledger.session_enter(bytea, text, boolean) is
  'The operator of the session, or an error. SQLSTATE HL401: no valid session. HL403: a viewer, and role is not '
  'viewer. HL428: is_proved, and no recent password check; somebody else may use an open or stolen session. `session`: '
  'the SHA-256 of the token in the cookie; after these 32 bytes the address of the request as text.';

create function admin.call(session bytea, operation text, path jsonb, query jsonb, given jsonb, made jsonb default null)
returns table (status bigint, body text, private text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  op admin.operation;
  who ledger.operator;
  answer admin.answer;
begin
  -- Only an owner learns that an operation does not exist or needs no session.
  select o.* into op from admin.operation o where o.name = operation and o.role <> 'none';
  who := ledger.session_enter(session, op.role, op.is_proved);
  if op.name is null then
    raise exception 'there is no operation "%"', operation using errcode = 'undefined_function';
  end if;
  execute format('select * from admin.%I($1, $2)', op.function) into answer
  using who, row(operation, substring(session from 1 for 32), path, query, given, made)::admin.request;
  if answer.audit is not null then
    if not op.is_audited then
      raise exception 'operation "%" may not write to the audit trail', operation;
    end if;
    perform ledger.audit_write(who, e.action, e.subject, e.before, e.after) from unnest(answer.audit) e;
  end if;
  return query select answer.status, answer.body, answer.private::text;
end
$$;
comment on function admin.call(bytea, text, jsonb, jsonb, jsonb, jsonb) is
  'Runs one operation of admin.operation for the operator of the session, after ledger.session_enter(); the other '
  'arguments are those of admin.request. status null: the object does not exist.';

create function ledger.answer(body text, status bigint default 200, audit admin.audit_entry[] default null,
                              private jsonb default null)
returns admin.answer
language sql immutable set search_path = ledger, pg_temp
return row(status, body, private, audit)::admin.answer;
comment on function ledger.answer(text, bigint, admin.audit_entry[], jsonb) is
  'Makes the result of an operation; body: JSON.';

create function ledger.audited(action text, subject jsonb, before jsonb default null, after jsonb default null)
returns admin.audit_entry[]
language sql immutable set search_path = ledger, pg_temp
return array[row(action, subject, before, after)::admin.audit_entry];
comment on function ledger.audited(text, jsonb, jsonb, jsonb) is 'An entry for the audit trail; join several with ||.';

create function ledger.made_bytes(request admin.request, name text)
returns bytea
language sql immutable set search_path = ledger, pg_temp
return decode(request.made ->> name, 'hex');
comment on function ledger.made_bytes(admin.request, text) is
  'Bytes that hookledger-admin made for a request; null when there are none.';

create function admin.visitor(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  return ledger.answer(null, private => jsonb_build_object('operator_id', who.operator_id));
end
$$;
comment on function admin.visitor(ledger.operator, admin.request) is
  'The operator of a session, for the limit of an operator''s requests in flight.';

create function ledger.audit_write(who ledger.operator, action text, subject jsonb, before jsonb default null,
                                   after jsonb default null)
returns void
language sql set search_path = ledger, pg_temp
as $$
  insert into ledger.audit (at, operator_id, operator, address, action, subject, before, after)
  values (ledger.clock(), who.operator_id, coalesce(who.name, ''),
          nullif(current_setting('hookledger.client', true), '')::inet,
          action, subject, before, after)
$$;
comment on function ledger.audit_write(ledger.operator, text, jsonb, jsonb, jsonb) is
  'Adds an entry to the audit trail for `who`; before and after: the changed values, without secrets.';

create function ledger.page_limit(query jsonb)
returns integer
language plpgsql immutable set search_path = ledger, pg_temp
as $$
declare
  asked text := query ->> 'limit';
begin
  if asked is null then
    return 50;
  end if;
  if asked !~ '^[0-9]{1,4}$' or asked::integer not between 1 and 500 then
    perform ledger.refuse('limit.malformed');
  end if;
  return asked::integer;
end
$$;
comment on function ledger.page_limit(jsonb) is 'The maximum number of items of a list: its parameter limit, or 50.';

create function ledger.id_of(given text, called text)
returns bigint
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  if given is null or given = '' then
    return null;
  end if;
  if given !~ '^-?[0-9]{1,18}$' then
    perform ledger.refuse('number.malformed', jsonb_build_object('name', called));
  end if;
  return given::bigint;
end
$$;
comment on function ledger.id_of(text, text) is
  'A number given as text; null: none was given. `called`: its name, for the error.';

-- ---- logging in

create function ledger.network_of(client text)
returns text
language sql immutable set search_path = ledger, pg_temp
as $$
  select case family(client::inet) when 6 then set_masklen(client::inet, 64)::cidr::text else host(client::inet) end
$$;
comment on function ledger.network_of(text) is
  'The network by which unauthenticated clients are counted: the IPv4 address, or the /64 network of an IPv6 address, '
  'because one client has many addresses there.';

create function ledger.throttle_add(of_kind text, of_subject text, burst bigint, per_minute bigint)
returns bigint
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  clock timestamptz := ledger.clock();
  filled real;
begin
  insert into ledger.throttle as t (kind, subject, level, at)
  values (of_kind, of_subject, 1, clock)
  on conflict (kind, subject) do update
    set level = ledger.bucket_level(t.level, t.at, per_minute, clock), at = greatest(clock, t.at)
    where ledger.bucket_level(t.level, t.at, per_minute, clock) <= burst
  returning t.level into filled;
  if filled is not null then
    return 0;
  end if;
  return (select ledger.bucket_wait(ledger.bucket_level(t.level, t.at, per_minute, clock), burst, per_minute)
          from ledger.throttle t where t.kind = of_kind and t.subject = of_subject);
end
$$;
comment on function ledger.throttle_add(text, text, bigint, bigint) is
  'Adds one to a leaky bucket and returns 0. When it is full, returns the seconds until there is room.';

create function ledger.throttle_add(kinds text[], subjects text[], bursts bigint[], paces bigint[])
returns bigint
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  clock timestamptz := ledger.clock();
  wait_s bigint;
begin
  -- In the order of the buckets, so that two sessions do not deadlock.
  insert into ledger.throttle as t (kind, subject, level, at)
  select b.kind, b.subject, 0, clock from unnest(kinds, subjects) b (kind, subject) order by b.kind, b.subject
  on conflict (kind, subject) do update set level = t.level;
  select coalesce(max(case when ledger.bucket_level(t.level, t.at, b.pace, clock) > b.burst
                           then ledger.bucket_wait(ledger.bucket_level(t.level, t.at, b.pace, clock), b.burst,
                                                   b.pace) end), 0) into wait_s
  from unnest(kinds, subjects, bursts, paces) b (kind, subject, burst, pace)
  join ledger.throttle t on t.kind = b.kind and t.subject = b.subject;
  if wait_s = 0 then
    update ledger.throttle t set level = ledger.bucket_level(t.level, t.at, b.pace, clock), at = greatest(clock, t.at)
    from unnest(kinds, subjects, paces) b (kind, subject, pace)
    where t.kind = b.kind and t.subject = b.subject;
  end if;
  return wait_s;
end
$$;
comment on function ledger.throttle_add(text[], text[], bigint[], bigint[]) is
  'Adds one to each of these leaky buckets and returns 0; when one of them is full, it adds nothing and returns the '
  'seconds until all have room.';

create function ledger.name_digest(called text)
returns text
language plpgsql stable set search_path = ledger, pg_temp
as $$
begin
  return (select encode(sha256(convert_to(s.login_key || lower(coalesce(ledger.name_of(called), '')), 'UTF8')), 'hex')
          from ledger.state s);
end
$$;
comment on function ledger.name_digest(text) is
  'The digest by which logins with a name are counted. Of a name that no operator has, only this is stored: the name '
  'may be a password typed into the wrong field.';

create function admin.login_begin(called text, client text)
returns table (wait_s bigint, operator_id bigint, password text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  who ledger.operator;
  home constant text := ledger.network_of(client);
  digest constant text := ledger.name_digest(called);
  is_home boolean;
  buckets integer;
begin
  perform set_config('synchronous_commit', 'off', true);
  select o.* into who from ledger.operator o where lower(o.name) = lower(ledger.name_of(called)) and o.enabled;
  is_home := exists (select from ledger.operator_address a where a.operator_id = who.operator_id and a.address = home);
  -- The bucket of the name applies only to addresses from which its operator has never logged in.
  -- Otherwise guesses of an unauthenticated client would block the operator.
  buckets := case when is_home then 2 else 3 end;
  wait_s := ledger.throttle_add((array['pair', 'address', 'name'])[:buckets],
                                (array[digest || ' ' || home, home, digest])[:buckets],
                                (array[10, 30, 20])[:buckets]::bigint[], (array[2, 10, 10])[:buckets]::bigint[]);
  if wait_s = 0 then
    operator_id := who.operator_id;
    password := who.password;
  else
    -- smaller differences do not matter to people, so the answers are equal
    wait_s := (wait_s + 9) / 10 * 10;
  end if;
  return next;
end
$$;
comment on function admin.login_begin(text, text) is
  'Called before a password is computed. Counts the attempt by name and address, by address and by name, also for an '
  'unknown name. wait_s above 0: too many attempts, the client must wait; else kept is the stored password for the '
  'comparison, null for an unknown name. Guesses by unauthenticated clients do not block a name at addresses from '
  'which its operator has logged in.';

create function ledger.throttle_forgive(who ledger.operator, client text)
returns void
language sql set search_path = ledger, pg_temp
as $$
  delete from ledger.throttle t where t.kind = 'pair' and t.subject = ledger.name_digest(who.name) || ' '
    || ledger.network_of(client);
  update ledger.throttle t set level = greatest(t.level - 1, 0)
  where t.kind = 'address' and t.subject = ledger.network_of(client) or t.kind = 'name'
    and t.subject = ledger.name_digest(who.name)
$$;
comment on function ledger.throttle_forgive(ledger.operator, text) is
  'Removes an attempt with the right password from the counts. The counts of other names from this address stay, '
  'because otherwise an operator could guess passwords of others without a limit.';

create function admin.login_end(operator bigint, compared text, digest bytea, client text, agent text,
                                idle_hours bigint, most_hours bigint, proof_minutes bigint, step bigint, recovery bytea)
returns table (status bigint)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  clock timestamptz := ledger.clock();
  who ledger.operator;
begin
  -- If the password was changed during the comparison, the old one does not log in.
  select o.* into who from ledger.operator o
  where o.operator_id = operator and o.enabled and (compared is null or o.password = compared)
  for update;
  if not found then
    status := 401;
    return next;
    return;
  end if;
  perform set_config('hookledger.client', client, true);
  if ledger.totp_is_on(operator) and not ledger.totp_use(operator, step, recovery) then
    perform ledger.audit_write(who, 'session.code_wrong', ledger.operator_named(who));
    status := 403;
    return next;
    return;
  end if;
  update ledger.operator o set seen_at = clock where o.operator_id = operator;
  delete from ledger.session s
  where s.operator_id = operator and (s.expires_at <= clock or s.seen_at + s.idle <= clock);
  insert into ledger.session (digest, operator_id, made_at, seen_at, expires_at, idle, proved_until, address, agent)
  values (digest, operator, clock, clock, clock + make_interval(hours => most_hours::integer),
          make_interval(hours => idle_hours::integer),
          clock + make_interval(mins => proof_minutes::integer),
          client::inet, left(agent, 300));
  insert into ledger.operator_address (operator_id, address, seen_at)
    values (operator, ledger.network_of(client), clock)
  on conflict on constraint operator_address_pkey do update set seen_at = excluded.seen_at;
  perform ledger.throttle_forgive(who, client);
  perform ledger.audit_write(who, 'session.begin', ledger.operator_named(who));
  status := 200;
  return next;
end
$$;
comment on function admin.login_end(bigint, text, bytea, text, text, bigint, bigint, bigint, bigint, bytea) is
  'Called after the password matched the one from login_begin() (null: the operator is new). Makes the session '
  '(digest: SHA-256 of its token). The session ends after idle_hours without use and after most_hours in any case; its '
  'password check counts for proof_minutes. 401: the operator was disabled or the password changed meanwhile. 403: the '
  'operator logs in with codes, and neither step nor recovery is valid (see ledger.totp_use()).';

create function admin.session_read(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  return ledger.answer(json_build_object(
    'operator', json_build_object('id', who.operator_id::text, 'name', who.name, 'role', who.role, 'zone',
                                  who.time_zone,
                                  'language', who.language, 'totp', ledger.totp_json(who.operator_id)),
    'workspaces', coalesce((select json_agg(json_build_object('id', w.workspace_id::text, 'name', w.name)
                                            order by w.name, w.workspace_id)
                            from ledger.seen_workspaces() w), '[]'::json))::text);
end
$$;
comment on function admin.session_read(ledger.operator, admin.request) is
  'GET session: the operator of the session, and the known workspaces.';

create function ledger.seen_workspaces()
returns table (workspace_id bigint, name text)
language sql stable set search_path = ledger, pg_temp
as $$
  select k.workspace_id, coalesce(max(k.name), 'workspace ' || k.workspace_id)
  from (select w.workspace_id, w.name from toggl.workspace w where w.deleted_at is null
        union all
        select e.workspace_id, null from ledger.endpoint e where e.workspace_id is not null
        union all
        select w.workspace_id, w.name from ledger.toggl_workspace w) k
  group by k.workspace_id
$$;
comment on function ledger.seen_workspaces() is 'The workspaces that hookledger knows, with their names.';

create function admin.session_end(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  delete from ledger.session s where s.digest = request.session;
  return ledger.answer('{}',
    audit => ledger.audited('session.end', ledger.operator_named(who)));
end
$$;
comment on function admin.session_end(ledger.operator, admin.request) is 'DELETE session: logs out.';
