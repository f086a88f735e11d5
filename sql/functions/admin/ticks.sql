-- The admin page: addresses for web-cron. The operations use the functions of the command line
-- (operator/accounts.sql).

create function ledger.tick_json(t ledger.tick)
returns json
language sql stable set search_path = ledger, pg_temp
as $$
  select json_build_object('id', t.tick_id::text, 'name', t.name, 'created_at', ledger.rfc3339(t.created_at), 'used_at',
                           ledger.rfc3339(t.used_at))
$$;
comment on function ledger.tick_json(ledger.tick) is
  'An address for web-cron in the form of the page, without the address itself, of which only a digest is stored.';

create function admin.tick_list(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  return ledger.answer(json_build_object('items', coalesce((
    select json_agg(ledger.tick_json(t) order by t.tick_id) from ledger.tick t), '[]'), 'next', null)::text);
end
$$;
comment on function admin.tick_list(ledger.operator, admin.request) is 'GET ticks.';

create function ledger.tick_named(id bigint, name text)
returns jsonb
language sql immutable set search_path = ledger, pg_temp
return ledger.coded('subject.tick', jsonb_build_object('tick_id', id, 'name', name));
comment on function ledger.tick_named(bigint, text) is 'An address for web-cron, as the audit trail names it.';

create function admin.tick_add(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  called text;
  id bigint;
begin
  perform ledger.given_check(request.given, '{name}', false);
  called := btrim(coalesce(ledger.given_text(request.given, 'name'), ''));
  if called = '' then
    perform ledger.refuse('name.length');
  end if;
  if (select count(*) from ledger.tick) >= 50 then
    perform ledger.refuse('tick.too_many');
  end if;
  id := operator.tick_add(called, ledger.made_bytes(request, 'digest'));
  return ledger.answer((select ledger.tick_json(t)::text from ledger.tick t where t.tick_id = id), status => 201,
    audit => ledger.audited('tick.add', ledger.tick_named(id, called), null,
                            jsonb_build_object('name', called)));
end
$$;
comment on function admin.tick_add(ledger.operator, admin.request) is
  'POST ticks {"name"}. made: digest, the SHA-256 of its token. The caller adds the address to this answer; it is '
  'shown only once.';

create function admin.tick_remove(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  id bigint := ledger.id_of(request.path ->> 'tick_id', 'tick_id');
  called text := (select t.name from ledger.tick t where t.tick_id = id);
begin
  if called is null then
    perform ledger.refuse('tick.unknown', jsonb_build_object('tick_id', id), 'P0002');
  end if;
  perform operator.tick_remove(id);
  return ledger.answer('{}',
    audit => ledger.audited('tick.remove', ledger.tick_named(id, called), jsonb_build_object('name', called),
                            null));
end
$$;
comment on function admin.tick_remove(ledger.operator, admin.request) is
  'DELETE ticks/{id}: removes an address; it then answers 404.';
