-- Part of the interface schema of the command line: endpoints and their secrets.

create function operator.endpoint_list(after bigint, most bigint)
returns table (endpoint_id bigint, address text, name text, workspace_id bigint, enabled boolean,
               created_us bigint, valid_secrets bigint)
language sql stable security definer set search_path = ledger, pg_temp
begin atomic
  select e.endpoint_id, e.address, e.name, e.workspace_id, e.enabled, ledger.us(e.created_at),
         (select count(*) from ledger.endpoint_secret s
          where s.endpoint_id = e.endpoint_id and s.revoked_at is null and s.valid_until > now())
  from ledger.endpoint e
  where e.endpoint_id > coalesce(after, 0)
  order by e.endpoint_id
  limit most;
end;
comment on function operator.endpoint_list(bigint, bigint) is
  'Endpoints with a number above `after`, at most `most` of them, by number.';

create function operator.endpoint_find(endpoint bigint)
returns table (endpoint_id bigint, address text, name text, workspace_id bigint, enabled boolean,
               created_us bigint, valid_secrets bigint)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
begin
  return query select * from operator.endpoint_list(endpoint - 1, 1) l where l.endpoint_id = endpoint;
  if not found then
    perform ledger.refuse('endpoint.unknown', jsonb_build_object('endpoint_id', endpoint), 'P0002');
  end if;
end
$$;
comment on function operator.endpoint_find(bigint) is 'One endpoint, as endpoint_list() gives it; P0002 when absent.';

create function operator.endpoint_add(address text, name text, workspace bigint, sealed bytea)
returns table (endpoint_id bigint, secret_id bigint, endpoint_name text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  added bigint;
  called text := coalesce(endpoint_add.name, 'workspace ' || workspace, 'endpoint');
begin
  perform ledger.label_check(called);
  if length(called) not between 1 and 200 then
    perform ledger.refuse('name.length');
  end if;
  if workspace <= 0 then
    perform ledger.refuse('workspace.malformed');
  end if;
  insert into ledger.endpoint as e (address, name, workspace_id)
  values (endpoint_add.address, called, workspace)
  returning e.endpoint_id into added;
  return query
    insert into ledger.endpoint_secret as s (endpoint_id, sealed)
    values (added, endpoint_add.sealed)
    returning added, s.secret_id, called;
end
$$;
comment on function operator.endpoint_add(text, text, bigint, bytea) is
  'Makes an endpoint with its first secret. With workspace null the first event with a valid signature sets it. The '
  'sealed secret is bound to the address.';

create function operator.endpoint_enable(endpoint bigint, enable boolean)
returns void
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  update ledger.endpoint e set enabled = enable where e.endpoint_id = endpoint;
  if not found then
    perform ledger.refuse('endpoint.unknown', jsonb_build_object('endpoint_id', endpoint), 'P0002');
  end if;
end
$$;
comment on function operator.endpoint_enable(bigint, boolean) is
  'Enables or disables an endpoint; a disabled one answers 404. P0002 when absent.';

create function operator.endpoint_rotate(endpoint bigint, sealed bytea, keep_us bigint)
returns bigint
language plpgsql security definer set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  added bigint;
begin
  if keep_us not between 0 and 31536000000000 then
    perform ledger.refuse('secret.kept_too_long');
  end if;
  -- Without the lock, two sessions that rotate at the same time would each leave the secret of the
  -- other without an end.
  perform from ledger.endpoint e where e.endpoint_id = endpoint for update;
  if not found then
    perform ledger.refuse('endpoint.unknown', jsonb_build_object('endpoint_id', endpoint), 'P0002');
  end if;
  update ledger.endpoint_secret s
  set valid_until = now() + keep_us * interval '1 microsecond'
  where s.endpoint_id = endpoint and s.revoked_at is null
    and s.valid_until > now() + keep_us * interval '1 microsecond';
  insert into ledger.endpoint_secret as s (endpoint_id, sealed)
  values (endpoint, endpoint_rotate.sealed)
  returning s.secret_id into added;
  return added;
end
$$;
comment on function operator.endpoint_rotate(bigint, bytea, bigint) is
  'Gives an endpoint a new secret; those it has stay valid for keep_us microseconds more. Returns the number of the '
  'new one. P0002 when the endpoint is absent.';

create function operator.secret_list(endpoint bigint)
returns table (secret_id bigint, valid_from_us bigint, valid_until_us bigint, revoked_us bigint,
               is_valid boolean)
language sql stable security definer set search_path = ledger, pg_temp
begin atomic
  select s.secret_id, ledger.us(s.valid_from), ledger.us(s.valid_until), ledger.us(s.revoked_at),
         s.revoked_at is null and s.valid_until > now()
  from ledger.endpoint_secret s
  where s.endpoint_id = endpoint
  order by s.secret_id desc;
end;
comment on function operator.secret_list(bigint) is
  'Secrets of an endpoint, the newest first, without their values. valid_until_us null: no end.';

create function operator.secret_revoke(endpoint bigint, secret bigint)
returns bigint
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  update ledger.endpoint_secret s set revoked_at = now()
  where s.endpoint_id = endpoint and s.secret_id = secret and s.revoked_at is null;
  if not found then
    if exists (select from ledger.endpoint_secret s where s.endpoint_id = endpoint and s.secret_id = secret) then
      perform ledger.refuse('secret.revoked', jsonb_build_object('secret_id', secret));
    end if;
    perform ledger.refuse('secret.unknown', jsonb_build_object('endpoint_id', endpoint, 'secret_id', secret), 'P0002');
  end if;
  return (select count(*) from ledger.endpoint_secret s
          where s.endpoint_id = endpoint and s.revoked_at is null and s.valid_until > now());
end
$$;
comment on function operator.secret_revoke(bigint, bigint) is
  'Revokes a secret at once: callbacks signed with it and received from now on are not recorded. Returns how many '
  'valid ones the endpoint has left.';

create function operator.secret_read(after bigint, most bigint)
returns table (secret_id bigint, endpoint_id bigint, address text, sealed bytea, is_valid boolean)
language sql stable security definer set search_path = ledger, pg_temp
begin atomic
  select s.secret_id, s.endpoint_id, e.address, s.sealed, s.revoked_at is null and s.valid_until > now()
  from ledger.endpoint_secret s
  join ledger.endpoint e on e.endpoint_id = s.endpoint_id
  where s.secret_id > coalesce(after, 0)
  order by s.secret_id
  limit most;
end;
comment on function operator.secret_read(bigint, bigint) is
  'Sealed secrets of all endpoints, those out of use too, by number: for verifying recorded events, and for signing '
  'as Toggl does.';
