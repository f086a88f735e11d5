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
    perform ledger.refuse('notice.unknown', jsonb_build_object('notice_id', path -> 'notice_id'), 'P0002');
  end if;
  return n;
end
$$;
comment on function ledger.notice_of(jsonb) is 'The notice that a path names; P0002: none.';

create function admin.notice_list(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  return ledger.answer(json_build_object('items', coalesce((
    select json_agg(ledger.notice_json(n) order by n.notice_id) from ledger.notice n), '[]'), 'next', null)::text);
end
$$;
comment on function admin.notice_list(ledger.operator, admin.request) is 'GET notices.';

create function admin.notice_begin(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  perform ledger.notice_check(request.given ->> 'kind', request.given ->> 'target');
  return ledger.answer(null, private => jsonb_build_object(
    'notice_id', nextval(pg_get_serial_sequence('ledger.notice', 'notice_id')), 'kind', request.given ->> 'kind'));
end
$$;
comment on function admin.notice_begin(ledger.operator, admin.request) is 'Before a notice is made: may it be; private: its kind, and the number that its secret is bound to.';

create function admin.notice_add(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  n ledger.notice;
begin
  perform ledger.notice_check(request.given ->> 'kind', request.given ->> 'target');
  if (select count(*) from ledger.notice) >= 50 then
    perform ledger.refuse('notice.too_many', '{"most": 50}');
  end if;
  insert into ledger.notice (notice_id, kind, target, secret_sealed) overriding system value
  values ((request.made ->> 'notice_id')::bigint, request.given ->> 'kind', request.given ->> 'target', ledger.made_bytes(request, 'sealed'))
  on conflict on constraint notice_kind_target_key do nothing
  returning * into n;
  if n.notice_id is null then
    perform ledger.refuse('notice.there_already', state => '23505');
  end if;
  return ledger.answer(ledger.notice_json(n)::text, status => 201,
    audit => ledger.audited('notice.add', format('notice %s', n.notice_id), null, ledger.notice_told(n)));
end
$$;
comment on function admin.notice_add(ledger.operator, admin.request) is
  'POST notices {"kind": mail, webhook or a chat''s, "target"}. made: notice_id as notice_begin() gave it; sealed, the secret of a webhook.';

create function admin.notice_change(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  n ledger.notice := ledger.notice_of(request.path);
  -- What was shown of it, sent back, changes nothing.
  wanted text := coalesce(nullif(request.given ->> 'target', ledger.notice_shown(n)), n.target);
begin
  if request.given ? 'enabled' and jsonb_typeof(request.given -> 'enabled') <> 'boolean' then
    perform ledger.refuse('input.not_flag', '{"name": "enabled"}');
  end if;
  perform ledger.notice_check(n.kind, wanted);
  if exists (select from ledger.notice o where o.kind = n.kind and o.target = wanted and o.notice_id <> n.notice_id) then
    perform ledger.refuse('notice.there_already', state => '23505');
  end if;
  update ledger.notice o
  set target = wanted, enabled = coalesce((request.given ->> 'enabled')::boolean, o.enabled),
      failing_since = case when o.target = wanted then o.failing_since end,
      last_problem = case when o.target = wanted then o.last_problem end
  where o.notice_id = n.notice_id;
  return (
    select ledger.answer(ledger.notice_json(o)::text, audit => ledger.audited(
      'notice.change', format('notice %s', n.notice_id),
      jsonb_build_object('target', ledger.notice_shown(n), 'enabled', n.enabled),
      jsonb_build_object('target', ledger.notice_shown(o), 'enabled', o.enabled)
      || case when o.target <> n.target and ledger.notice_shown(o) = ledger.notice_shown(n) then '{"address": "another"}' else '{}' end::jsonb))
    from ledger.notice o where o.notice_id = n.notice_id);
end
$$;
comment on function admin.notice_change(ledger.operator, admin.request) is 'PATCH notices/{id} {"enabled", "target"}.';

create function admin.notice_remove(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  n ledger.notice := ledger.notice_of(request.path);
begin
  delete from ledger.notice o where o.notice_id = n.notice_id;
  return ledger.answer('{}',
    audit => ledger.audited('notice.remove', format('notice %s', n.notice_id), ledger.notice_told(n), null));
end
$$;
comment on function admin.notice_remove(ledger.operator, admin.request) is 'DELETE notices/{id}, with what waits for it.';

create function admin.notice_test(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  n ledger.notice := ledger.notice_of(request.path);
begin
  return (
    select ledger.answer(null, private => to_jsonb(t) || jsonb_build_object('secret_sealed', encode(t.secret_sealed, 'hex')),
                         audit => ledger.audited('notice.test', format('notice %s', n.notice_id), null, ledger.notice_told(n)))
    from ledger.notice_test(n.notice_id, request.made ->> 'page', (request.made ->> 'lease_ms')::bigint) t);
end
$$;
comment on function admin.notice_test(ledger.operator, admin.request) is 'POST notices/{id}/test. private: the message, for the caller to send; it and made are as ledger.notice_test() has them.';

-- ---- for machines

create function admin.health()
returns table (status bigint, body text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  perform ledger.event_counts_refresh(2000);
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
  perform ledger.event_counts_refresh(20000);
  if records is not null then
    perform ledger.host_seen(place, 'admin', version, records, bytes, most_bytes, damaged, oldest, aside, late_seconds);
  end if;
  at := ledger.clock();
  return ledger.metrics_arriving(at) || ledger.metrics_passing_on(at) || ledger.metrics_around(at, version);
end
$$;
comment on function admin.metrics(text, text, bigint, bigint, bigint, bigint, timestamptz, bigint, bigint) is
  'GET metrics: the text that Prometheus reads (format 0.0.4). Takes what the program sees of its host''s spool, records null: nothing.';
