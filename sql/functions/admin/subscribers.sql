-- The admin page: accounts, organizations and workspaces of our API. The functions of the command
-- line (operator/accounts.sql) check the values.

-- ---- members of a body

create function ledger.given_check(given jsonb, known text[], needs_some boolean default true)
returns void
language plpgsql immutable set search_path = ledger, pg_temp
as $$
declare
  odd text := (select k from jsonb_object_keys(given) k where k <> all (known) order by k limit 1);
begin
  if needs_some and (given is null or given = '{}') then
    perform ledger.refuse('body.members_missing', jsonb_build_object('known', array_to_string(known, ', ')));
  end if;
  if odd is not null then
    perform ledger.refuse('member.unknown',
                          jsonb_build_object('member', left(odd, 100), 'known', array_to_string(known, ', ')));
  end if;
end
$$;
comment on function ledger.given_check(jsonb, text[], boolean) is
  '22023: the body of a request has an unknown member, or is empty and must not be.';

create function ledger.given_text(given jsonb, key text)
returns text
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  if jsonb_typeof(given -> key) not in ('string', 'null') then
    perform ledger.refuse('member.not_text', jsonb_build_object('member', key));
  end if;
  return given ->> key;
end
$$;
comment on function ledger.given_text(jsonb, text) is 'A member that is a text; null: it is missing.';

create function ledger.given_flag(given jsonb, key text)
returns boolean
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  if jsonb_typeof(given -> key) not in ('boolean', 'null') then
    perform ledger.refuse('member.not_boolean', jsonb_build_object('member', key));
  end if;
  return given ->> key;
end
$$;
comment on function ledger.given_flag(jsonb, text) is 'A member that is true or false; null: it is missing.';

create function ledger.given_number(given jsonb, key text, most bigint default 999999999999999999)
returns bigint
language plpgsql immutable set search_path = ledger, pg_temp
as $$
declare
  member text := given ->> key;
begin
  if member is null then
    return null;
  end if;
  if jsonb_typeof(given -> key) not in ('number', 'string') or member !~ '^[0-9]{1,18}$' or member::bigint > most then
    perform ledger.refuse('member.not_number', jsonb_build_object('member', key, 'highest', most));
  end if;
  return member::bigint;
end
$$;
comment on function ledger.given_number(jsonb, text, bigint) is
  'A member that is a whole number of 0 or more, as a number or as a text of digits; null: it is missing.';

create function ledger.given_time(given jsonb, key text)
returns timestamptz
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  member text := ledger.given_text(given, key);
begin
  if member !~ '^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)$' then
    perform ledger.refuse('member.not_time', jsonb_build_object('member', key));
  end if;
  return member::timestamptz;	-- here, where an error is caught
exception when datetime_field_overflow then
  perform ledger.refuse('member.not_time', jsonb_build_object('member', key));
end
$$;
comment on function ledger.given_time(jsonb, text) is 'A member that is a time as in RFC 3339; null: it is missing.';

-- ---- accounts

create function ledger.account_named(a ledger.account)
returns jsonb
language sql immutable set search_path = ledger, pg_temp
return ledger.coded('subject.account', jsonb_build_object('account_id', a.account_id, 'name', a.name));
comment on function ledger.account_named(ledger.account) is 'An account, as the audit trail names it.';

create function ledger.organization_named(id bigint, name text)
returns jsonb
language sql immutable set search_path = ledger, pg_temp
return ledger.coded('subject.organization', jsonb_build_object('organization_id', id, 'name', name));
comment on function ledger.organization_named(bigint, text) is 'An organization, as the audit trail names it.';

create function ledger.account_find(id bigint)
returns ledger.account
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  a ledger.account;
begin
  select o.* into a from ledger.account o where o.account_id = id;
  if not found then
    perform ledger.refuse('account.unknown', jsonb_build_object('account_id', id), 'P0002');
  end if;
  return a;
end
$$;
comment on function ledger.account_find(bigint) is 'The account with this number. P0002: there is none.';

create function ledger.account_json(a ledger.account)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select jsonb_build_object(
    'id', a.account_id::text, 'name', a.name, 'user_id', a.user_id::text, 'email', a.email, 'zone', a.time_zone,
    'enabled', a.enabled,
    'seen_at', ledger.rfc3339(a.seen_at), 'token_made_at', ledger.rfc3339(a.token_made_at),
    'workspaces', coalesce((select jsonb_agg(jsonb_build_object('id', m.workspace_id::text, 'is_admin', m.is_admin)
                                             order by m.workspace_id)
                            from ledger.member m where m.account_id = a.account_id), '[]'))
$$;
comment on function ledger.account_json(ledger.account) is 'An account in the form of the page, without its token.';

create function admin.account_add(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  id bigint;
  made ledger.account;
begin
  perform ledger.given_check(request.given, '{name,user_id,email,zone}');
  if coalesce(ledger.given_number(request.given, 'user_id'), 0) = 0 then
    perform ledger.refuse('account.user_missing');
  end if;
  id := operator.account_add(
    coalesce(btrim(ledger.given_text(request.given, 'name')), ''), ledger.given_number(request.given, 'user_id'),
    nullif(ledger.given_text(request.given, 'email'), ''),
    coalesce(ledger.given_text(request.given, 'zone'), 'UTC'), ledger.made_bytes(request, 'digest'));
  made := ledger.account_find(id);
  return ledger.answer(json_build_object('id', made.account_id::text)::text, status => 201,
    audit => ledger.audited('account.add', ledger.account_named(made), null, ledger.account_json(made)));
end
$$;
comment on function admin.account_add(ledger.operator, admin.request) is
  'POST subscribers/accounts. made: digest, the SHA-256 of its token.';

create function admin.account_change(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  was ledger.account := ledger.account_find(ledger.id_of(request.path ->> 'account_id', 'account_id'));
  made ledger.account;
begin
  perform ledger.given_check(request.given, '{name,email,zone,enabled}');
  perform operator.account_set(was.account_id, btrim(ledger.given_text(request.given, 'name')),
                               case when request.given ? 'email' then
                                    coalesce(ledger.given_text(request.given, 'email'), '') end,
                               ledger.given_text(request.given, 'zone'), ledger.given_flag(request.given, 'enabled'),
                               null);
  made := ledger.account_find(was.account_id);
  return ledger.answer(ledger.account_json(made)::text,
    audit => ledger.audited('account.change', ledger.account_named(made), ledger.account_json(was),
                            ledger.account_json(made)));
end
$$;
comment on function admin.account_change(ledger.operator, admin.request) is
  'PATCH subscribers/accounts/{account_id}: name, email, zone, enabled.';

create function admin.account_token(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  a ledger.account := ledger.account_find(ledger.id_of(request.path ->> 'account_id', 'account_id'));
begin
  perform operator.account_set(a.account_id, null, null, null, null, ledger.made_bytes(request, 'digest'));
  return ledger.answer(json_build_object('id', a.account_id::text)::text,
    audit => ledger.audited('account.token', ledger.account_named(a)));
end
$$;
comment on function admin.account_token(ledger.operator, admin.request) is
  'POST subscribers/accounts/{account_id}/token: replaces its token; the old one is no longer valid. made: digest, the '
  'SHA-256 of the new one.';

create function admin.member_set(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  was ledger.account := ledger.account_find(ledger.id_of(request.path ->> 'account_id', 'account_id'));
  workspace bigint := ledger.id_of(request.path ->> 'workspace_id', 'workspace_id');
  before jsonb := ledger.account_json(was) -> 'workspaces';
begin
  perform ledger.given_check(request.given, '{is_admin}', false);
  perform ledger.given_flag(request.given, 'is_admin');
  if not exists (select from ledger.workspace w where w.workspace_id = workspace) then
    perform ledger.refuse('workspace.no_organization', jsonb_build_object('workspace_id', workspace), 'P0002');
  end if;
  perform operator.member_set(was.account_id, workspace, true,
                              coalesce(ledger.given_flag(request.given, 'is_admin'), false));
  return ledger.answer(ledger.account_json(was)::text,
    audit => ledger.audited('account.grant', ledger.account_named(was), before,
                            ledger.account_json(was) -> 'workspaces'));
end
$$;
comment on function admin.member_set(ledger.operator, admin.request) is
  'PUT subscribers/accounts/{account_id}/workspaces/{workspace_id}: grants the account access to the workspace, as '
  'administrator or not.';

create function admin.member_remove(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  a ledger.account := ledger.account_find(ledger.id_of(request.path ->> 'account_id', 'account_id'));
  was jsonb := ledger.account_json(a);
begin
  perform operator.member_set(a.account_id,
                              ledger.id_of(request.path ->> 'workspace_id', 'workspace_id'), false,
                              false);
  return ledger.answer(ledger.account_json(a)::text,
    audit => ledger.audited('account.revoke', ledger.account_named(a), was -> 'workspaces',
                            ledger.account_json(a) -> 'workspaces'));
end
$$;
comment on function admin.member_remove(ledger.operator, admin.request) is
  'DELETE subscribers/accounts/{account_id}/workspaces/{workspace_id}: revokes this access.';

-- ---- organizations and workspaces

create function ledger.organization_json(id bigint)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select jsonb_build_object(
    'id', o.organization_id::text, 'name', o.name, 'plan', o.plan, 'max_webhooks',
    coalesce(o.max_webhooks, p.max_webhooks),
    'max_filters', coalesce(o.max_filters, p.max_filters), 'hourly_requests',
    coalesce(o.hourly_requests, p.hourly_requests),
    'user_requests', coalesce(o.user_requests, p.user_requests),
    'workspaces', coalesce((select jsonb_agg(w.workspace_id::text order by w.workspace_id)
                            from ledger.workspace w where w.organization_id = o.organization_id), '[]'))
  from ledger.organization o join ledger.plan p on p.plan = o.plan
  where o.organization_id = id
$$;
comment on function ledger.organization_json(bigint) is
  'An organization with its effective limits. Null: there is none.';

create function admin.organization_add(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  plan text := coalesce(ledger.given_text(request.given, 'plan'), 'enterprise');
  made bigint;
begin
  perform ledger.given_check(request.given, '{name,plan,id}');
  if ledger.given_number(request.given, 'id') = 0 then
    perform ledger.refuse('organization.number_malformed');
  end if;
  made := operator.organization_add(coalesce(btrim(ledger.given_text(request.given, 'name')), ''), plan,
                                    ledger.given_number(request.given, 'id'),
                                    case when plan = 'enterprise' then (request.made
                                                                        ->> 'enterprise_requests')::bigint end,
                                    case when plan = 'enterprise' then (request.made
                                                                        ->> 'enterprise_user_requests')::bigint end);
  return ledger.answer(ledger.organization_json(made)::text, status => 201,
    audit => ledger.audited('organization.add', ledger.organization_named(made, btrim(request.given ->> 'name')),
                            null,
                             ledger.organization_json(made)));
end
$$;
comment on function admin.organization_add(ledger.operator, admin.request) is
  'POST subscribers/organizations; id: its number at Toggl, by default the next free one; plan: by default enterprise, '
  'with the numbers of the settings (made: enterprise_requests, enterprise_user_requests).';

create function admin.organization_change(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  id bigint := ledger.id_of(request.path ->> 'organization_id', 'organization_id');
  was jsonb := ledger.organization_json(id);
begin
  perform ledger.given_check(request.given, '{plan,max_webhooks,max_filters,hourly_requests,user_requests}');
  if was is null then
    perform ledger.refuse('organization.unknown', jsonb_build_object('organization_id', id), 'P0002');
  end if;
  perform operator.organization_set(id, ledger.given_text(request.given, 'plan'),
                                    ledger.given_number(request.given, 'max_webhooks'),
                                    ledger.given_number(request.given, 'max_filters'),
                                    coalesce(ledger.given_number(request.given, 'hourly_requests'),
                                             case when request.given
                                                  ->> 'plan' = 'enterprise' then (request.made
                                                      ->> 'enterprise_requests')::bigint end),
                                    coalesce(ledger.given_number(request.given, 'user_requests'),
                                             case when request.given
                                                  ->> 'plan' = 'enterprise' then (request.made
                                                      ->> 'enterprise_user_requests')::bigint end));
  return ledger.answer(ledger.organization_json(id)::text,
    audit => ledger.audited('organization.change', ledger.organization_named(id, was ->> 'name'), was,
                            ledger.organization_json(id)));
end
$$;
comment on function admin.organization_change(ledger.operator, admin.request) is
  'PATCH subscribers/organizations/{organization_id}: another plan, or limits that differ from the plan''s.';

create function admin.workspace_set(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  id bigint := ledger.id_of(request.path ->> 'workspace_id', 'workspace_id');
  organization bigint := ledger.given_number(request.given, 'organization_id');
  was bigint := (select w.organization_id from ledger.workspace w where w.workspace_id = id);
begin
  perform ledger.given_check(request.given, '{organization_id}');
  if ledger.organization_json(organization) is null then
    perform ledger.refuse('organization.unknown',
                          jsonb_build_object('organization_id', request.given ->> 'organization_id'), 'P0002');
  end if;
  perform operator.workspace_add(id, organization);
  return ledger.answer(ledger.organization_json(organization)::text,
    audit => ledger.audited('workspace.set', ledger.coded('subject.workspace', jsonb_build_object('workspace_id', id)),
                            case when was is not null then jsonb_build_object('organization_id', was::text) end,
                             jsonb_build_object('organization_id', organization::text)));
end
$$;
comment on function admin.workspace_set(ledger.operator, admin.request) is
  'PUT subscribers/workspaces/{workspace_id}: delivers its events to subscribers, under the limits of this '
  'organization.';
