-- The second factor of an operator: codes of an app (RFC 6238), each of which is
-- good once, and recovery codes. What a code is compared with is computed in C
-- (ledger/totp); here is what it may be used for.

create function ledger.totp_is_on(operator bigint)
returns boolean
language sql stable set search_path = ledger, pg_temp
as $$ select exists (select from ledger.totp t where t.operator_id = operator and t.confirmed_at is not null) $$;
comment on function ledger.totp_is_on(bigint) is 'Does this operator log in with a code?';

create function ledger.totp_left(operator bigint)
returns bigint
language sql stable set search_path = ledger, pg_temp
as $$ select count(*) from ledger.recovery_code c where c.operator_id = operator and c.used_at is null $$;
comment on function ledger.totp_left(bigint) is 'How many recovery codes of this operator are good.';

create function ledger.totp_json(operator bigint)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select coalesce((select jsonb_build_object('on', true, 'since', ledger.rfc3339(t.confirmed_at), 'codes_left', ledger.totp_left(operator))
                   from ledger.totp t where t.operator_id = operator and t.confirmed_at is not null), '{"on": false}')
$$;
comment on function ledger.totp_json(bigint) is 'What the page has of an operator''s second factor.';

create function ledger.totp_use(operator bigint, step bigint, recovery bytea)
returns boolean
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  -- The row''s lock makes one of two that come at once the later.
  update ledger.totp t set last_step = step
  where t.operator_id = operator and t.last_step < step;
  if found then
    return true;
  end if;
  update ledger.recovery_code c set used_at = ledger.clock()
  where c.operator_id = operator and c.digest = recovery and c.used_at is null;
  return found;
end
$$;
comment on function ledger.totp_use(bigint, bigint, bytea) is
  'Uses a code up: that of a step, or the recovery code with this SHA-256 (null: it is none). false: it is none, or was used.';

create function ledger.totp_throttle(operator bigint, client text)
returns bigint
language sql volatile set search_path = ledger, pg_temp
as $$
  -- Where the operator has logged in before is a bucket of its own, so that somebody
  -- elsewhere who knows the password cannot keep the operator out. Three codes of a
  -- million are good at a time: at one guess a minute a day finds one in 230 times.
  select ledger.throttle_add('code', operator || case when exists (
    select from ledger.operator_address a where a.operator_id = operator and a.address = ledger.network_of(client))
    then ' ' || ledger.network_of(client) else '' end, 5, 1)
$$;
comment on function ledger.totp_throttle(bigint, text) is 'Counts a code that somebody gives who knew the password: 0, or the seconds until another may be tried.';

-- ---- logging in

create function admin.code_begin(operator bigint, client text, has_code boolean)
returns table (is_on boolean, wait_s bigint, sealed bytea, step bigint)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
begin
  is_on := ledger.totp_is_on(operator);
  wait_s := 0;
  if is_on and has_code then
    wait_s := ledger.totp_throttle(operator, client);
  end if;
  if is_on and wait_s = 0 then
    select t.secret_sealed into sealed from ledger.totp t where t.operator_id = operator;
    step := floor(extract(epoch from ledger.clock()) / 30);
  end if;
  return next;
end
$$;
comment on function admin.code_begin(bigint, text, boolean) is
  'The password was right: does the operator log in with a code besides (is_on), and what it is compared with; step: the present one. wait_s above 0: too many were tried, come back then.';

-- ---- by the operator

create function admin.totp_begin(session bytea)
returns table (operator_id bigint, name text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  who ledger.operator := ledger.enter_proved(session, false);
begin
  if ledger.totp_is_on(who.operator_id) then
    raise exception 'you log in with codes already; turn that off first' using errcode = '23505';
  end if;
  operator_id := who.operator_id;
  name := who.name;
  return next;
end
$$;
comment on function admin.totp_begin(bytea) is 'Before a secret is made: who gets it. 23505: codes are on already.';

create function admin.totp_make(session bytea, sealed bytea)
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter_proved(session, false);
begin
  insert into ledger.totp as t (operator_id, secret_sealed, made_at) values (who.operator_id, sealed, ledger.clock())
  on conflict (operator_id) do update set secret_sealed = excluded.secret_sealed, made_at = excluded.made_at, last_step = 0
  where t.confirmed_at is null;
  if not found then
    raise exception 'you log in with codes already; turn that off first' using errcode = '23505';
  end if;
  return query select 201::bigint, '{}'::text;
end
$$;
comment on function admin.totp_make(bytea, bytea) is 'POST me/totp: keeps the secret; it is of no effect before admin.totp_confirm(). 23505: codes are on already.';

create function admin.totp_read(session bytea, is_on boolean)
returns table (operator_id bigint, wait_s bigint, sealed bytea, step bigint)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  who ledger.operator := ledger.enter_proved(session, false);
  mine ledger.totp;
begin
  select t.* into mine from ledger.totp t where t.operator_id = who.operator_id and (t.confirmed_at is not null) = is_on;
  if not found then
    raise exception '%', case when is_on then 'you log in without codes' else 'there is no secret to confirm; begin anew' end using errcode = 'P0002';
  end if;
  operator_id := who.operator_id;
  wait_s := ledger.totp_throttle(who.operator_id, current_setting('hookledger.client', true));
  sealed := mine.secret_sealed;
  step := floor(extract(epoch from ledger.clock()) / 30);
  return next;
end
$$;
comment on function admin.totp_read(bytea, boolean) is
  'What a code is compared with, of who asks: of codes that are on, or of a secret that is not confirmed yet (is_on false). Counted. P0002: there is none.';

create function ledger.recovery_write(operator bigint, digests bytea[])
returns void
language sql set search_path = ledger, pg_temp
as $$
  delete from ledger.recovery_code c where c.operator_id = operator;
  insert into ledger.recovery_code (operator_id, digest) select operator, d from unnest(digests) d;
$$;
comment on function ledger.recovery_write(bigint, bytea[]) is 'Replaces the recovery codes of an operator by these, each as its SHA-256.';

create function admin.totp_confirm(session bytea, step bigint, digests bytea[])
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter_proved(session, false);
begin
  update ledger.totp t set confirmed_at = ledger.clock(), last_step = step
  where t.operator_id = who.operator_id and t.confirmed_at is null and t.last_step < step;
  if not found then
    raise exception 'this code is not good any more; wait for the next one' using errcode = '22023';
  end if;
  perform ledger.recovery_write(who.operator_id, digests);
  -- Whoever had only the password is out.
  delete from ledger.session s where s.operator_id = who.operator_id and s.digest <> substring(session from 1 for 32);
  perform ledger.audit_write(who, 'totp.on', ledger.operator_named(who));
  return query select 200::bigint, ledger.totp_json(who.operator_id)::text;
end
$$;
comment on function admin.totp_confirm(bytea, bigint, bytea[]) is
  'PUT me/totp: the code of this step was right, so that codes are asked for from now on; digests: of the recovery codes. Ends one''s other sessions.';

create function admin.totp_codes(session bytea, digests bytea[])
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter_proved(session, false);
begin
  if not ledger.totp_is_on(who.operator_id) then
    raise exception 'you log in without codes' using errcode = 'P0002';
  end if;
  perform ledger.recovery_write(who.operator_id, digests);
  perform ledger.audit_write(who, 'totp.codes', ledger.operator_named(who));
  return query select 200::bigint, ledger.totp_json(who.operator_id)::text;
end
$$;
comment on function admin.totp_codes(bytea, bytea[]) is 'POST me/totp/codes: other recovery codes; those before are good no more.';

create function admin.totp_end(session bytea, step bigint, recovery bytea)
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter_proved(session, false);
begin
  if not ledger.totp_is_on(who.operator_id) then
    raise exception 'you log in without codes' using errcode = 'P0002';
  end if;
  if not ledger.totp_use(who.operator_id, step, recovery) then
    raise exception 'this code is not good, or was used already' using errcode = 'HL403';
  end if;
  delete from ledger.totp t where t.operator_id = who.operator_id;
  perform ledger.audit_write(who, 'totp.off', ledger.operator_named(who));
  return query select 200::bigint, '{"on": false}'::text;
end
$$;
comment on function admin.totp_end(bytea, bigint, bytea) is
  'DELETE me/totp: no code is asked for any more. Takes a code (as ledger.totp_use()), because a session and the password may be somebody else''s.';

-- ---- for somebody who has lost the app and the recovery codes

create function ledger.totp_reset(by ledger.operator, whose ledger.operator)
returns boolean
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  is_gone boolean;
begin
  delete from ledger.totp t where t.operator_id = whose.operator_id;
  is_gone := found;
  if is_gone then
    perform ledger.audit_write(by, 'totp.reset', ledger.operator_named(whose));
  end if;
  return is_gone;
end
$$;
comment on function ledger.totp_reset(ledger.operator, ledger.operator) is
  'The operator `whose` logs in with the password alone until new codes are set up; `by` did it. false: so it was already.';

create function operator.totp_reset(called text)
returns boolean
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  whose ledger.operator;
  nobody ledger.operator;
begin
  nobody.name := 'command line';
  select o.* into whose from ledger.operator o where lower(o.name) = lower(ledger.name_of(called));
  if not found then
    raise exception 'there is no operator "%"', called using errcode = 'P0002';
  end if;
  return ledger.totp_reset(nobody, whose);
end
$$;
comment on function operator.totp_reset(text) is 'Turns the codes of the operator of this name off, see ledger.totp_reset(). P0002: there is none.';
