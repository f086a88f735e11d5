-- The admin page: our callback addresses and their secrets. The operations use the functions
-- of the command line (operator/endpoints.sql).

create function ledger.endpoint_json(e ledger.endpoint, hook text)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select jsonb_build_object(
    'id', e.endpoint_id::text, 'name', e.name, 'workspace_id', e.workspace_id::text, 'enabled', e.enabled, 'retired',
    ledger.is_retired(e.endpoint_id),
    'workspace', (select w.name from toggl.workspace w where w.workspace_id = e.workspace_id),
    'url', hook || e.address, 'created_at', ledger.rfc3339(e.created_at),
    'last_event_at', ledger.rfc3339(ledger.last_event_at(e.endpoint_id)),
    'secrets', coalesce((
      select jsonb_agg(jsonb_build_object(
               'id', s.secret_id::text, 'valid_from', ledger.rfc3339(s.valid_from),
               'valid_until', case when isfinite(s.valid_until) then ledger.rfc3339(s.valid_until) end,
               'revoke_warning', case when n.valid = 1 then ledger.coded('endpoint.warn_revoke_last')
                                      else ledger.coded('endpoint.warn_revoke') end) order by s.secret_id)
      from ledger.endpoint_secret s
      where s.endpoint_id = e.endpoint_id and s.revoked_at is null and s.valid_until > now()), '[]'),
    'warnings', jsonb_build_object(
      'disable', ledger.coded('endpoint.warn_disable'), 'rotate', ledger.coded('endpoint.warn_rotate')))
  from (select count(*) as valid from ledger.endpoint_secret s
        where s.endpoint_id = e.endpoint_id and s.revoked_at is null and s.valid_until > now()) n
$$;
comment on function ledger.endpoint_json(ledger.endpoint, text) is
  'An endpoint in the form of the page; hook: the URL in front of its address.';

create function ledger.endpoint_named(e ledger.endpoint)
returns jsonb
language sql immutable set search_path = ledger, pg_temp
return ledger.coded('subject.endpoint', jsonb_build_object('endpoint_id', e.endpoint_id, 'name', e.name));
comment on function ledger.endpoint_named(ledger.endpoint) is 'An endpoint, as the audit trail names it.';

create function ledger.endpoint_of(path jsonb)
returns ledger.endpoint
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  id bigint := ledger.id_of(path ->> 'endpoint_id', 'endpoint_id');
  e ledger.endpoint;
begin
  select o.* into e from ledger.endpoint o where o.endpoint_id = id;
  if not found then
    perform ledger.refuse('endpoint.unknown', jsonb_build_object('endpoint_id', id), 'P0002');
  end if;
  return e;
end
$$;
comment on function ledger.endpoint_of(jsonb) is 'The endpoint with the number in a path. P0002: there is none.';

create function admin.endpoint_list(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  above bigint := coalesce(ledger.id_of(request.query ->> 'after', 'after'), 0);
  most integer := ledger.page_limit(request.query);
begin
  return (
    with page as (select e from ledger.endpoint e where e.endpoint_id > above and not ledger.is_loading(e.endpoint_id)
                  order by e.endpoint_id limit most + 1),
    shown as (select p.e from page p order by (p.e).endpoint_id limit most)
    select ledger.answer(json_build_object(
      'items', coalesce((select json_agg(ledger.endpoint_json(p.e, request.made ->> 'hook') order by (p.e).endpoint_id)
                         from shown p), '[]'),
      'next', case when (select count(*) from page) > most then (select max((p.e).endpoint_id)::text
                                                                 from shown p) end)::text));
end
$$;
comment on function admin.endpoint_list(ledger.operator, admin.request) is
  'GET endpoints: all that Toggl can call. made: hook, the URL in front of an address.';

create function admin.endpoint_add(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  id bigint;
  made ledger.endpoint;
begin
  perform ledger.given_check(request.given, '{name,workspace_id}', false);
  select a.endpoint_id into id
  from operator.endpoint_add(request.made ->> 'address', nullif(btrim(ledger.given_text(request.given, 'name')), ''),
                             ledger.given_number(request.given, 'workspace_id'),
                             ledger.made_bytes(request, 'sealed')) a;
  select e.* into made from ledger.endpoint e where e.endpoint_id = id;
  return ledger.answer(json_build_object('id', made.endpoint_id::text, 'name', made.name, 'url',
                                         request.made ->> 'url')::text, status => 201,
    audit => ledger.audited('endpoint.add', ledger.endpoint_named(made), null,
                             jsonb_build_object('name', made.name, 'workspace_id', made.workspace_id::text)));
end
$$;
comment on function admin.endpoint_add(ledger.operator, admin.request) is
  'POST endpoints. made: address, its first secret (sealed) and its URL.';

create function admin.endpoint_change(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  was ledger.endpoint := ledger.endpoint_of(request.path);
  enable boolean := ledger.given_flag(request.given, 'enabled');
begin
  perform ledger.given_check(request.given, '{enabled}');
  if enable is null then
    perform ledger.refuse('member.not_boolean', jsonb_build_object('member', 'enabled'));
  end if;
  perform operator.endpoint_enable(was.endpoint_id, enable);
  return ledger.answer(json_build_object('id', was.endpoint_id::text, 'enabled', enable)::text,
    audit => ledger.audited(case when enable then 'endpoint.enable' else 'endpoint.disable' end,
                            ledger.endpoint_named(was),
                             jsonb_build_object('enabled', was.enabled), jsonb_build_object('enabled', enable)));
end
$$;
comment on function admin.endpoint_change(ledger.operator, admin.request) is
  'PATCH endpoints/{endpoint_id}: enables or disables an endpoint.';

create function admin.endpoint_find(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  e ledger.endpoint := ledger.endpoint_of(request.path);
begin
  return ledger.answer(null, private => jsonb_build_object('address', e.address, 'enabled', e.enabled, 'sealed', (
    select encode(o.sealed, 'hex') from ledger.endpoint_secret o
    where o.endpoint_id = e.endpoint_id and o.revoked_at is null and o.valid_until > now()
    order by o.secret_id desc limit 1)));
end
$$;
comment on function admin.endpoint_find(ledger.operator, admin.request) is
  'Called before POST endpoints/{endpoint_id}/test and before a secret is rotated. private: its address, whether it is '
  'enabled, and its newest valid secret, sealed (null: none).';

create function admin.endpoint_rotate(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  e ledger.endpoint := ledger.endpoint_of(request.path);
  keep bigint;
  made bigint;
begin
  perform ledger.given_check(request.given, '{keep_hours}', false);
  keep := coalesce(ledger.given_number(request.given, 'keep_hours', 8760), 24);
  made := operator.endpoint_rotate(e.endpoint_id, ledger.made_bytes(request, 'sealed'), keep * 3600000000);
  return ledger.answer(json_build_object('id', e.endpoint_id::text, 'secret_id', made::text,
                                                     'previous_valid_until',
                                                     ledger.rfc3339(now() + keep * interval '1 hour'))::text,
    audit => ledger.audited('endpoint.rotate', ledger.endpoint_named(e), null,
                             jsonb_build_object('secret_id', made::text, 'keep_hours', keep)));
end
$$;
comment on function admin.endpoint_rotate(ledger.operator, admin.request) is
  'POST endpoints/{endpoint_id}/rotate. made: a new secret, sealed. The secret before it stays valid for keep_hours '
  '(24).';

create function admin.secret_revoke(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  e ledger.endpoint := ledger.endpoint_of(request.path);
  secret bigint := ledger.id_of(request.path ->> 'secret_id', 'secret_id');
  left_over bigint := operator.secret_revoke(e.endpoint_id, secret);
begin
  return ledger.answer(json_build_object(
    'valid_secrets', left_over,
    'words', case when left_over = 0 then ledger.coded('endpoint.revoked_last')
                  else ledger.coded('endpoint.revoked') end)::text,
    audit => ledger.audited('endpoint.revoke', ledger.endpoint_named(e),
                            jsonb_build_object('secret_id', secret::text)));
end
$$;
comment on function admin.secret_revoke(ledger.operator, admin.request) is
  'DELETE endpoints/{endpoint_id}/secrets/{secret_id}: revokes a secret at once.';
