-- The admin page: the ways by which the owner is told, and what machines ask.

create function ledger.notice_json(n ledger.notice)
returns json
language sql stable set search_path = ledger, pg_temp
as $$
  select json_build_object(
    'id', n.notice_id::text, 'kind', n.kind, 'target', ledger.notice_shown(n), 'enabled', n.enabled,
    'last_sent_at', ledger.rfc3339(n.last_sent_at), 'last_problem', n.last_problem, 'last_problem_at', ledger.rfc3339(n.last_problem_at),
    'waiting', (select count(*) from ledger.notice_message m
                where m.notice_id = n.notice_id and m.sent_at is null and m.dropped_at is null and not m.is_test))
$$;
comment on function ledger.notice_json(ledger.notice) is 'A notice as the page has it.';

create function ledger.notice_of(path jsonb)
returns ledger.notice
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  n ledger.notice;
begin
  select o.* into n from ledger.notice o where o.notice_id = ledger.id_of(path ->> 'notice_id', 'the number of a notice');
  if not found then
    raise exception 'there is no notice with the number %', path ->> 'notice_id' using errcode = 'P0002';
  end if;
  return n;
end
$$;
comment on function ledger.notice_of(jsonb) is 'The notice that a path names; P0002: none.';

create function admin.notice_list(session bytea, path jsonb, query jsonb, given jsonb)
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  perform ledger.enter(session);
  return query select 200::bigint, json_build_object('items', coalesce((
    select json_agg(ledger.notice_json(n) order by n.notice_id) from ledger.notice n), '[]'), 'next', null)::text;
end
$$;
comment on function admin.notice_list(bytea, jsonb, jsonb, jsonb) is 'GET notices.';

create function admin.notice_begin(session bytea, path jsonb, query jsonb, given jsonb)
returns table (notice_id bigint, kind text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  perform ledger.enter_proved(session);
  perform ledger.notice_check(given ->> 'kind', given ->> 'target');
  return query select nextval(pg_get_serial_sequence('ledger.notice', 'notice_id')), given ->> 'kind';
end
$$;
comment on function admin.notice_begin(bytea, jsonb, jsonb, jsonb) is 'Before a notice is made: may it be, and the number that its secret is bound to.';

create function admin.notice_add(session bytea, path jsonb, query jsonb, given jsonb, number bigint, sealed bytea)
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter(session, true);
  n ledger.notice;
begin
  perform ledger.notice_check(given ->> 'kind', given ->> 'target');
  if (select count(*) from ledger.notice) >= 50 then
    raise exception 'there are 50 notices already; remove one first' using errcode = '22023';
  end if;
  insert into ledger.notice (notice_id, kind, target, secret_sealed) overriding system value
  values (number, given ->> 'kind', given ->> 'target', nullif(sealed, ''))
  on conflict on constraint notice_kind_target_key do nothing
  returning * into n;
  if n.notice_id is null then
    raise exception 'findings are told there already' using errcode = '23505';
  end if;
  perform ledger.audit_write(who, 'notice.add', format('notice %s', n.notice_id), null, ledger.notice_told(n));
  return query select 201::bigint, ledger.notice_json(n)::text;
end
$$;
comment on function admin.notice_add(bytea, jsonb, jsonb, jsonb, bigint, bytea) is
  'POST notices {"kind": mail, webhook or a chat''s, "target"}: number as notice_begin() gave it; sealed: the secret of a webhook, else empty.';

create function admin.notice_change(session bytea, path jsonb, query jsonb, given jsonb)
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter_proved(session);
  n ledger.notice := ledger.notice_of(path);
  -- What was shown of it, sent back, changes nothing.
  wanted text := coalesce(nullif(given ->> 'target', ledger.notice_shown(n)), n.target);
begin
  if given ? 'enabled' and jsonb_typeof(given -> 'enabled') <> 'boolean' then
    raise exception 'enabled must be true or false' using errcode = '22023';
  end if;
  perform ledger.notice_check(n.kind, wanted);
  if exists (select from ledger.notice o where o.kind = n.kind and o.target = wanted and o.notice_id <> n.notice_id) then
    raise exception 'findings are told there already' using errcode = '23505';
  end if;
  update ledger.notice o
  set target = wanted, enabled = coalesce((given ->> 'enabled')::boolean, o.enabled),
      failing_since = case when o.target = wanted then o.failing_since end,
      last_problem = case when o.target = wanted then o.last_problem end
  where o.notice_id = n.notice_id;
  perform ledger.audit_write(who, 'notice.change', format('notice %s', n.notice_id),
    jsonb_build_object('target', ledger.notice_shown(n), 'enabled', n.enabled),
    (select jsonb_build_object('target', ledger.notice_shown(o), 'enabled', o.enabled)
            || case when o.target <> n.target and ledger.notice_shown(o) = ledger.notice_shown(n) then '{"address": "another"}' else '{}' end::jsonb
     from ledger.notice o where o.notice_id = n.notice_id));
  return query select 200::bigint, ledger.notice_json(o)::text from ledger.notice o where o.notice_id = n.notice_id;
end
$$;
comment on function admin.notice_change(bytea, jsonb, jsonb, jsonb) is 'PATCH notices/{id} {"enabled", "target"}.';

create function admin.notice_remove(session bytea, path jsonb, query jsonb, given jsonb)
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter_proved(session);
  n ledger.notice := ledger.notice_of(path);
begin
  delete from ledger.notice o where o.notice_id = n.notice_id;
  perform ledger.audit_write(who, 'notice.remove', format('notice %s', n.notice_id), ledger.notice_told(n), null);
  return query select 200::bigint, '{}'::text;
end
$$;
comment on function admin.notice_remove(bytea, jsonb, jsonb, jsonb) is 'DELETE notices/{id}, with what waits for it.';

create function admin.notice_test(session bytea, path jsonb, query jsonb, given jsonb, page text, lease_ms bigint)
returns table (message_id bigint, lease bigint, notice_id bigint, kind text, target text, secret_sealed bytea, subject text, words text,
               body text, status text, made_us bigint)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator := ledger.enter(session, true);
  n ledger.notice := ledger.notice_of(path);
begin
  perform ledger.audit_write(who, 'notice.test', format('notice %s', n.notice_id), null, ledger.notice_told(n));
  return query select * from ledger.notice_test(n.notice_id, page, lease_ms);
end
$$;
comment on function admin.notice_test(bytea, jsonb, jsonb, jsonb, text, bigint) is 'POST notices/{id}/test: the message, for the caller to send; as ledger.notice_test().';

-- ---- for machines

create function admin.health()
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  perform ledger.pulse_refresh(2000);
  return query
    select case when bool_or(f.level = 'trouble') then 503 else 200 end::bigint,
           json_build_object('status', case when bool_or(f.level = 'trouble') then 'trouble' else 'well' end,
                             'findings', coalesce(json_agg(distinct f.kind), '[]'))::text
    from ledger.findings() f;
end
$$;
comment on function admin.health() is 'GET health, without a login: 200, or 503 when there is trouble, and the kinds of all findings.';

create function admin.metrics(place text, version text, records bigint, bytes bigint, most_bytes bigint, damaged bigint, oldest timestamptz, aside bigint, late_seconds bigint)
returns text
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  at timestamptz;
begin
  perform ledger.pulse_refresh(20000);
  if records is not null then
    perform ledger.host_seen(place, 'admin', version, records, bytes, most_bytes, damaged, oldest, aside, late_seconds);
  end if;
  at := ledger.clock();
  return ledger.metrics_arriving(at) || ledger.metrics_passing_on(at) || ledger.metrics_around(at, version);
end
$$;
comment on function admin.metrics(text, text, bigint, bigint, bigint, bigint, timestamptz, bigint, bigint) is
  'GET metrics: the text that Prometheus reads (format 0.0.4). Takes what the program sees of its host''s spool, records null: nothing.';
