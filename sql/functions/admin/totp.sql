-- The second factor of an operator: codes of an app (RFC 6238) and recovery codes. Each code is
-- valid once. The expected code is computed in C (ledger/totp); this file has the rules of its use.

create function ledger.totp_is_on(operator bigint)
returns boolean
language sql stable set search_path = ledger, pg_temp
as $$ select exists (select from ledger.totp t where t.operator_id = operator and t.confirmed_at is not null) $$;
comment on function ledger.totp_is_on(bigint) is 'Does this operator log in with a code?';

create function ledger.totp_left(operator bigint)
returns bigint
language sql stable set search_path = ledger, pg_temp
as $$ select count(*) from ledger.recovery_code c where c.operator_id = operator and c.used_at is null $$;
comment on function ledger.totp_left(bigint) is 'The number of valid recovery codes of this operator.';

create function ledger.totp_json(operator bigint)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select coalesce((select jsonb_build_object('on', true, 'since', ledger.rfc3339(t.confirmed_at), 'codes_left',
                                             ledger.totp_left(operator))
                   from ledger.totp t where t.operator_id = operator and t.confirmed_at is not null), '{"on": false}')
$$;
comment on function ledger.totp_json(bigint) is 'An operator''s second factor in the form of the page.';

create function ledger.totp_use(operator bigint, step bigint, recovery bytea)
returns boolean
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  -- The lock of the row puts two concurrent uses in an order.
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
  'Consumes a code: the one of a step, or the recovery code with this SHA-256 (null: no recovery code). false: there '
  'is no such code, or it was used before.';

create function ledger.totp_throttle(operator bigint, client text)
returns bigint
language sql volatile set search_path = ledger, pg_temp
as $$
  -- An address from which the operator has logged in before has a bucket of its own, so that an
  -- attacker elsewhere who knows the password cannot lock the operator out. Three codes of a million
  -- are valid at a time: a day with a guess a minute finds one with a probability of 1 in 230.
  select ledger.throttle_add('code', operator || case when exists (
    select from ledger.operator_address a where a.operator_id = operator and a.address = ledger.network_of(client))
    then ' ' || ledger.network_of(client) else '' end, 5, 1)
$$;
comment on function ledger.totp_throttle(bigint, text) is
  'Counts a code that comes with the right password. 0, or the seconds until the next attempt is allowed.';

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
  'Called when the password was right: whether the operator logs in with codes (is_on), and the secret to compare a '
  'code with; step: the present one. wait_s above 0: too many attempts, the client must wait.';

-- ---- changes by the operator

create function admin.totp_begin(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  if ledger.totp_is_on(who.operator_id) then
    perform ledger.refuse('totp.on_already', '{}', '23505');
  end if;
  return ledger.answer(null, private => jsonb_build_object('operator_id', who.operator_id, 'name', who.name));
end
$$;
comment on function admin.totp_begin(ledger.operator, admin.request) is
  'Called before a secret is made: the operator who gets it. 23505: codes are already on.';

create function admin.totp_make(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  insert into ledger.totp as t (operator_id, secret_sealed, made_at)
  values (who.operator_id, ledger.made_bytes(request, 'sealed'), ledger.clock())
  on conflict (operator_id) do update set secret_sealed = excluded.secret_sealed, made_at = excluded.made_at,
    last_step = 0
  where t.confirmed_at is null;
  if not found then
    perform ledger.refuse('totp.on_already', '{}', '23505');
  end if;
  return ledger.answer('{}', status => 201);
end
$$;
comment on function admin.totp_make(ledger.operator, admin.request) is
  'POST me/totp: stores the secret (made: sealed). It has no effect before admin.totp_confirm(). 23505: codes are '
  'already on.';

create function admin.totp_read(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  is_on constant boolean := request.made ->> 'is_on';
  mine ledger.totp;
begin
  select t.* into mine from ledger.totp t where t.operator_id = who.operator_id
    and (t.confirmed_at is not null) = is_on;
  if not found then
    if is_on then
      perform ledger.refuse('totp.off_already', '{}', 'P0002');
    end if;
    perform ledger.refuse('totp.not_begun', '{}', 'P0002');
  end if;
  return ledger.answer(null, private => jsonb_build_object(
    'operator_id', who.operator_id, 'wait_s',
    ledger.totp_throttle(who.operator_id, current_setting('hookledger.client', true)),
    'sealed', encode(mine.secret_sealed, 'hex'), 'step', floor(extract(epoch from ledger.clock()) / 30)));
end
$$;
comment on function admin.totp_read(ledger.operator, admin.request) is
  'The secret that the operator''s code is compared with: the secret in use, or (made: is_on false) one that is not '
  'confirmed yet. Counts the attempt. P0002: there is none.';

create function ledger.recovery_write(operator bigint, digests jsonb)
returns void
language sql set search_path = ledger, pg_temp
as $$
  delete from ledger.recovery_code c where c.operator_id = operator;
  insert into ledger.recovery_code (operator_id, digest) select operator, decode(d, 'hex')
    from jsonb_array_elements_text(digests) d;
$$;
comment on function ledger.recovery_write(bigint, jsonb) is
  'Replaces the recovery codes of an operator; the list has the SHA-256 of each new code in hex.';

create function admin.totp_confirm(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  update ledger.totp t set confirmed_at = ledger.clock(), last_step = (request.made ->> 'step')::bigint
  where t.operator_id = who.operator_id and t.confirmed_at is null and t.last_step < (request.made ->> 'step')::bigint;
  if not found then
    perform ledger.refuse('totp.code_expired');
  end if;
  perform ledger.recovery_write(who.operator_id, request.made -> 'digests');
  -- Sessions that were made with the password alone end.
  delete from ledger.session s where s.operator_id = who.operator_id and s.digest <> request.session;
  return ledger.answer(ledger.totp_json(who.operator_id)::text,
                       audit => ledger.audited('totp.on', ledger.operator_named(who)));
end
$$;
comment on function admin.totp_confirm(ledger.operator, admin.request) is
  'PUT me/totp: the code of a step was right (made: step), so logins need codes from now on; made: digests of the '
  'recovery codes. Ends the operator''s other sessions.';

create function ledger.totp_require(who ledger.operator)
returns void
language plpgsql stable set search_path = ledger, pg_temp
as $$
begin
  if not ledger.totp_is_on(who.operator_id) then
    perform ledger.refuse('totp.off_already', '{}', 'P0002');
  end if;
end
$$;
comment on function ledger.totp_require(ledger.operator) is 'P0002: the operator logs in without codes.';

create function admin.totp_codes(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  perform ledger.totp_require(who);
  perform ledger.recovery_write(who.operator_id, request.made -> 'digests');
  return ledger.answer(ledger.totp_json(who.operator_id)::text,
                       audit => ledger.audited('totp.codes', ledger.operator_named(who)));
end
$$;
comment on function admin.totp_codes(ledger.operator, admin.request) is
  'POST me/totp/codes: replaces the recovery codes (made: digests); the old ones are no longer valid.';

create function admin.totp_end(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  perform ledger.totp_require(who);
  if not ledger.totp_use(who.operator_id, (request.made ->> 'step')::bigint,
                         ledger.made_bytes(request, 'recovery')) then
    perform ledger.refuse('totp.code_wrong', '{}', 'HL403');
  end if;
  delete from ledger.totp t where t.operator_id = who.operator_id;
  return ledger.answer('{"on": false}', audit => ledger.audited('totp.off', ledger.operator_named(who)));
end
$$;
comment on function admin.totp_end(ledger.operator, admin.request) is
  'DELETE me/totp: logins no longer need a code. Requires a code (made: step, recovery, see ledger.totp_use()), '
  'because session and password may be stolen.';

-- ---- after the app and the recovery codes were lost

create function ledger.totp_reset(whose ledger.operator)
returns boolean
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  delete from ledger.totp t where t.operator_id = whose.operator_id;
  return found;
end
$$;
comment on function ledger.totp_reset(ledger.operator) is
  'The operator logs in with the password alone, until new codes are set up. false: codes were off already.';

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
    perform ledger.refuse('operator.name_unknown', jsonb_build_object('name', called), 'P0002');
  end if;
  if not ledger.totp_reset(whose) then
    return false;
  end if;
  perform ledger.audit_write(nobody, 'totp.reset', ledger.operator_named(whose));
  return true;
end
$$;
comment on function operator.totp_reset(text) is
  'Turns off the codes of the operator with this name, see ledger.totp_reset(). P0002: there is none.';
