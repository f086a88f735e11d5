-- The admin page: alerts, and health and metrics for machines.

create function ledger.alert_json(n ledger.alert)
returns json
language sql stable set search_path = ledger, pg_temp
as $$
  select json_build_object(
    'id', n.alert_id::text, 'kind', n.kind, 'target', ledger.alert_shown(n), 'enabled', n.enabled,
    'last_sent_at', ledger.rfc3339(n.last_sent_at), 'last_problem', n.last_problem, 'last_problem_at',
    ledger.rfc3339(n.last_problem_at),
    'waiting', (select count(*) from ledger.alert_message m
                where m.alert_id = n.alert_id and m.sent_at is null and m.dropped_at is null and not m.is_test))
$$;
comment on function ledger.alert_json(ledger.alert) is 'An alert in the form of the page.';

create function ledger.alert_named(n ledger.alert)
returns jsonb
language sql immutable set search_path = ledger, pg_temp
return ledger.coded('subject.alert', jsonb_build_object('alert_id', n.alert_id));
comment on function ledger.alert_named(ledger.alert) is 'An alert, as the audit trail names it.';

create function ledger.alert_of(path jsonb)
returns ledger.alert
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  n ledger.alert;
begin
  select o.* into n from ledger.alert o where o.alert_id = ledger.id_of(path ->> 'alert_id', 'alert_id');
  if not found then
    perform ledger.refuse('alert.unknown', jsonb_build_object('alert_id', path -> 'alert_id'), 'P0002');
  end if;
  return n;
end
$$;
comment on function ledger.alert_of(jsonb) is 'The alert with the number in a path. P0002: there is none.';

create function admin.alert_list(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  return ledger.answer(json_build_object('items', coalesce((
    select json_agg(ledger.alert_json(n) order by n.alert_id) from ledger.alert n), '[]'), 'next', null)::text);
end
$$;
comment on function admin.alert_list(ledger.operator, admin.request) is 'GET alerts.';

create function admin.alert_begin(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  perform ledger.alert_check(request.given ->> 'kind', request.given ->> 'target');
  return ledger.answer(null, private => jsonb_build_object(
    'alert_id', nextval(pg_get_serial_sequence('ledger.alert', 'alert_id')), 'kind', request.given ->> 'kind'));
end
$$;
comment on function admin.alert_begin(ledger.operator, admin.request) is
  'Called before POST alerts: checks whether the alert can be added. private: its kind, and the number that its secret '
  'is bound to.';

create function admin.alert_add(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  n ledger.alert;
begin
  perform ledger.alert_check(request.given ->> 'kind', request.given ->> 'target');
  if (select count(*) from ledger.alert) >= 50 then
    perform ledger.refuse('alert.too_many', '{"most": 50}');
  end if;
  insert into ledger.alert (alert_id, kind, target, secret_sealed) overriding system value
  values ((request.made ->> 'alert_id')::bigint, request.given ->> 'kind', request.given ->> 'target',
          ledger.made_bytes(request, 'sealed'))
  on conflict on constraint alert_kind_target_key do nothing
  returning * into n;
  if n.alert_id is null then
    perform ledger.refuse('alert.target_exists', state => '23505');
  end if;
  return ledger.answer(ledger.alert_json(n)::text, status => 201,
    audit => ledger.audited('alert.add', ledger.alert_named(n), null, ledger.alert_state(n)));
end
$$;
comment on function admin.alert_add(ledger.operator, admin.request) is
  'POST alerts {"kind": "mail", "webhook" or a kind of chat, "target"}. made: alert_id, from alert_begin(); sealed, '
  'the secret of a webhook.';

create function admin.alert_change(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  n ledger.alert := ledger.alert_of(request.path);
  -- The shortened target that the page shows, sent back, changes nothing.
  wanted text := coalesce(nullif(request.given ->> 'target', ledger.alert_shown(n)), n.target);
begin
  if request.given ? 'enabled' and jsonb_typeof(request.given -> 'enabled') <> 'boolean' then
    perform ledger.refuse('input.not_flag', '{"name": "enabled"}');
  end if;
  perform ledger.alert_check(n.kind, wanted);
  if exists (select from ledger.alert o where o.kind = n.kind and o.target = wanted and o.alert_id <> n.alert_id) then
    perform ledger.refuse('alert.target_exists', state => '23505');
  end if;
  update ledger.alert o
  set target = wanted, enabled = coalesce((request.given ->> 'enabled')::boolean, o.enabled),
      failing_since = case when o.target = wanted then o.failing_since end,
      last_problem = case when o.target = wanted then o.last_problem end
  where o.alert_id = n.alert_id;
  return (
    select ledger.answer(ledger.alert_json(o)::text, audit => ledger.audited(
      'alert.change', ledger.alert_named(n),
      jsonb_build_object('target', ledger.alert_shown(n), 'enabled', n.enabled),
      jsonb_build_object('target', ledger.alert_shown(o), 'enabled', o.enabled)
      || case when o.target <> n.target and ledger.alert_shown(o) = ledger.alert_shown(n) then '{"address": "another"}'
              else '{}' end::jsonb))
    from ledger.alert o where o.alert_id = n.alert_id);
end
$$;
comment on function admin.alert_change(ledger.operator, admin.request) is 'PATCH alerts/{id} {"enabled", "target"}.';

create function admin.alert_remove(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  n ledger.alert := ledger.alert_of(request.path);
begin
  delete from ledger.alert o where o.alert_id = n.alert_id;
  return ledger.answer('{}',
    audit => ledger.audited('alert.remove', ledger.alert_named(n), ledger.alert_state(n), null));
end
$$;
comment on function admin.alert_remove(ledger.operator, admin.request) is
  'DELETE alerts/{id}: removes an alert and its waiting messages.';

create function admin.alert_test(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  n ledger.alert := ledger.alert_of(request.path);
begin
  return (
    select ledger.answer(null,
                         private => to_jsonb(t) || jsonb_build_object('secret_sealed', encode(t.secret_sealed, 'hex')),
                         audit => ledger.audited('alert.test', ledger.alert_named(n), null,
                                                 ledger.alert_state(n)))
    from ledger.alert_test(n.alert_id, request.made ->> 'page', (request.made ->> 'lease_ms')::bigint) t);
end
$$;
comment on function admin.alert_test(ledger.operator, admin.request) is
  'POST alerts/{id}/test. private: the message, which the caller sends; its form and that of made: see '
  'ledger.alert_test().';

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
                             'alive_at', ledger.rfc3339(ledger.last_sign_of_life()),
                             'findings', coalesce(json_agg(distinct f.kind), '[]'))::text
    from ledger.findings() f;
end
$$;
comment on function admin.health() is
  'GET health, without a login: status 200, or 503 when there is trouble, the kinds of all findings, and alive_at: '
  'when the last callback arrived (null: none).';

create function admin.metrics(place text, version text, records bigint, bytes bigint, most_bytes bigint, damaged bigint,
                              oldest timestamptz, aside bigint, late_seconds bigint)
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
  'GET metrics: the text for Prometheus (format 0.0.4). The arguments are the program''s view of the spool of its '
  'host; records null: none.';
