-- Subscribers and endpoints on the admin page: who may, how a subscription is in
-- words, what comes in a body, what is on its way.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap;
select plan(70);
\ir lib/refused.sql

create function pg_temp.enter(called text, of_role text) returns bytea language sql as $$
  with o as (insert into ledger.operator (name, role, password) values (called, of_role, 'x') returning operator_id)
  insert into ledger.session (digest, operator_id, made_at, seen_at, expires_at, idle, proved_until)
  select sha256(called::bytea), operator_id, now(), now(), now() + interval '1 day', '1 day', now() + interval '1 hour' from o
  returning digest || '192.0.2.1'::bytea
$$;
create temp table who as select pg_temp.enter('Olga', 'owner') as owner, pg_temp.enter('Vera', 'viewer') as viewer;
grant select on who to public;

create function pg_temp.step(operation text, made text) returns jsonb language sql as $$
  select private::jsonb from who, admin.call(owner, operation, '{}', '{}', null, made::jsonb)
$$;

-- ---- what comes in a body

create function pg_temp.number(value text) returns text language plpgsql as $$
begin
  return coalesce(ledger.given_number(jsonb_build_object('n', value::jsonb), 'n', 100)::text, 'none');
exception when invalid_parameter_value then
  return 'refused';
end
$$;
select results_eq(
  $$select pg_temp.number(t) from unnest(array['1', '"100"', '0', 'null', '101', '-1', '1.5', '1e1', '""', '"x"', 'true', '[1]', '{}', '99999999999999999999']) t$$,
  array['1', '100', '0', 'none', 'refused', 'refused', 'refused', '10', 'refused', 'refused', 'refused', 'refused', 'refused', 'refused'], 'numbers');
create function pg_temp.moment(value text) returns text language plpgsql as $$
begin
  return coalesce(ledger.rfc3339(ledger.given_time(jsonb_build_object('t', value), 't')), 'none');
exception when invalid_parameter_value then
  return 'refused';
end
$$;
select results_eq(
  $$select pg_temp.moment(t) from unnest(array['2026-07-17T11:43:32Z', '2026-07-17T11:43:32.5+02:00', '2026-07-17T11:43Z', null, 'now', 'infinity',
                                               '2026-07-17', '2026-13-17T11:43:32Z', '2026-07-17 11:43:32Z', '']) t$$,
  array['2026-07-17T11:43:32Z', '2026-07-17T09:43:32.500000Z', '2026-07-17T11:43:00Z', 'none', 'refused', 'refused', 'refused', 'refused', 'refused', 'refused'],
  'times');
select is(pg_temp.refused($$select ledger.given_check('{"a": 1, "b": 2}', '{a}')$$),
          '{"code": "member.unknown", "member": "b", "known": "a", "sqlstate": "22023"}', 'a member that is not known');
select is(pg_temp.refused($$select ledger.given_check(null, '{a,b}')$$),
          '{"code": "body.members_missing", "known": "a, b", "sqlstate": "22023"}', 'no body');
select lives_ok($$select ledger.given_check('{}', '{a}', false)$$, 'where none is needed');
select is(pg_temp.refused($$select ledger.given_flag('{"a": "true"}', 'a')$$),
          '{"code": "member.not_boolean", "member": "a", "sqlstate": "22023"}', 'flags are no texts');
select is(pg_temp.refused($$select ledger.given_text('{"a": 1}', 'a')$$),
          '{"code": "member.not_text", "member": "a", "sqlstate": "22023"}', 'nor are numbers');

-- ---- accounts, organizations, workspaces

select is(body::jsonb ->> 'plan', 'premium', 'an organization') from who, admin.call(owner, 'organization_add', '{}', '{}', '{"name": " Test ", "plan": "premium"}',
  '{"enterprise_requests": 7, "enterprise_user_requests": 8}');
select is(body::jsonb -> 'workspaces', '["7"]', 'with a workspace') from who, admin.call(owner, 'workspace_set', '{"workspace_id": "7"}', '{}', '{"organization_id": "1"}');
select is(body, '{"id" : "1"}', 'an account')
from who, admin.call(owner, 'account_add', '{}', '{}', '{"name": " Ada ", "user_id": "900", "email": "", "zone": "Europe/Berlin"}', jsonb_build_object('digest', encode(sha256('token'), 'hex')));
select is(concat_ws(' ', name, user_id, email, time_zone, token_digest = sha256('token')), 'Ada 900 Europe/Berlin t', 'as it was given') from ledger.account;
select is(body::jsonb -> 'workspaces', '[{"id": "7", "is_admin": false}]', 'with access')
from who, admin.call(owner, 'member_set', '{"account_id": "1", "workspace_id": "7"}', '{}', null);
select is(body::jsonb -> 'workspaces', '[{"id": "7", "is_admin": true}]', 'as administrator')
from who, admin.call(owner, 'member_set', '{"account_id": "1", "workspace_id": "7"}', '{}', '{"is_admin": true}');
select is(body::jsonb -> 'max_filters', '5', 'other limits') from who, admin.call(owner, 'organization_change', '{"organization_id": "1"}', '{}', '{"max_filters": 5}',
  '{"enterprise_requests": 7, "enterprise_user_requests": 8}');
select is(body, '{"id" : "1"}', 'another token') from who, admin.call(owner, 'account_token', '{"account_id": "1"}', '{}', null,
  jsonb_build_object('digest', encode(sha256('other'), 'hex')));
select ok(token_digest = sha256('other'), 'is there') from ledger.account;
select is(string_agg(concat_ws(' ', action, subject ->> 'code', coalesce(subject -> 'organization_id', subject -> 'workspace_id', subject -> 'account_id'),
                               subject ->> 'name', host(address)), ', ' order by audit_id),
  'organization.add subject.organization 1 Test 192.0.2.1, workspace.set subject.workspace 7 192.0.2.1, account.add subject.account 1 Ada 192.0.2.1, '
  || 'account.grant subject.account 1 Ada 192.0.2.1, account.grant subject.account 1 Ada 192.0.2.1, organization.change subject.organization 1 Test 192.0.2.1, '
  || 'account.token subject.account 1 Ada 192.0.2.1', 'each in the trail') from ledger.audit;
select is(concat_ws(' ', before #>> '{0,is_admin}', after #>> '{0,is_admin}'), 'false true', 'with what it was before')
from ledger.audit where action = 'account.grant' and before <> '[]';
select is_empty($$select from ledger.audit where concat(before, after) ~ 'token"|digest'$$, 'and no token');

-- ---- a subscription by the API's path

create temp table asked as
  select b.private::jsonb as p from who, admin.call(owner, 'subscription_begin', '{}', '{}',
    '{"workspace_id": 7, "account_id": "1", "description": "one", "url_callback": "https://x.example/", "event_filters": [{"entity": "*", "action": "*"}]}') b;
select is(concat_ws(' ', p ->> 'account_id', p ->> 'user_id', p ->> 'workspace_id', p ->> 'subscription_id', p ->> 'method'), '1 900 7 POST', 'on behalf of the account') from asked;
select is((p ->> 'asked')::jsonb ? 'account_id', false, 'with the body of the API') from asked;
create temp table checked as
  select pg_temp.step('subscription_check', (p || jsonb_build_object('given', p -> 'asked'))::text) as c from asked;
select is(concat_ws(' ', c -> 'status', c -> 'subscription_id', c -> 'must_ping'), '200 1 true', 'judged') from checked;
select isnt(pg_temp.step('ping_find', '{"account_id": 1, "workspace_id": 7, "subscription_id": 1}') ->> 'status', '200', 'seen by nobody yet');
select is(pg_temp.refused($$select from who, admin.call(owner, 'subscription_remove', '{"subscription_id": "1"}', '{}', null)$$),
          '{"code": "subscription.unknown", "subscription_id": 1, "sqlstate": "P0002"}', 'not by the page either');
select is(pg_temp.step('subscription_write', (p || c || jsonb_build_object('given', p -> 'asked', 'sealed', '01', 'validated', false))::text) ->> 'status',
          '200', 'written') from asked, checked;
select is(concat_ws(' ', action, subject, after ->> 'url'),
          'subscription.add {"code": "subject.subscription", "name": "one", "subscription_id": 1} https://x.example', 'in the trail')
from ledger.audit order by audit_id desc limit 1;
select is(b.private::jsonb, '{"account_id": 1, "user_id": 900, "workspace_id": 7, "subscription_id": 1, "method": "PATCH", "asked": "{\"enabled\": false}"}',
          'enabled alone is PATCH') from who, admin.call(owner, 'subscription_begin', '{"subscription_id": "1"}', '{}', '{"enabled": false}') b;
select is((p ->> 'method') || ' ' || (p ->> 'asked'), 'PUT {"description": "one", "url_callback": "https://y.example/"}',
          'anything else PUT, which asks for the description')
from who, admin.call(owner, 'subscription_begin', '{"subscription_id": "1"}', '{}', '{"url_callback": "https://y.example/"}') b, cast(b.private as jsonb) p;
select is(b.private::jsonb ->> 'method', null, 'a ping has no method') from who, admin.call(owner, 'ping_begin', '{"subscription_id": "1"}', '{}', null) b;

create function pg_temp.how(number bigint default 1) returns text language sql as $$
  select concat_ws(' ', j ->> 'state', j ->> 'waiting', j ->> 'dead', (j ->> 'last_success_at') is not null)
  from ledger.subscription s, ledger.subscription_json(s) j where s.subscription_id = number
$$;
select is(pg_temp.how(), 'unvalidated 0 0 f', 'not valid yet');
select is(pg_temp.step('subscription_validate', (c || '{"workspace_id": 7}')::text) ->> 'status', '200', 'a ping that brought the code') from checked;
select is(pg_temp.how(), 'well 0 0 f', 'well');
select is((select action from ledger.audit order by audit_id desc limit 1), 'subscription.validate', 'in the trail');
select is(pg_temp.step('subscription_validate', '{"workspace_id": 7, "subscription_id": 1, "code": "x"}') ->> 'status', '400', 'a wrong code');

create function pg_temp.deliver(number integer, of_state text) returns void language sql as $$
  insert into ledger.delivery (workspace_id, subscription_id, event_id, created_at, entity_id, model, action, state, settled_at)
  values (7, 1, number, now(), number, 'tag', 'created', of_state, case when of_state not in ('due', 'behind') then ledger.clock() end)
$$;
select pg_temp.deliver(1, 'delivered'), pg_temp.deliver(2, 'due'), pg_temp.deliver(3, 'behind');
update ledger.subscription set last_success_at = ledger.clock();
select is(pg_temp.how(), 'well 2 0 t', 'what waits and what went well');
select pg_temp.deliver(4, 'dead');
select is(pg_temp.how(), 'dead 2 1 t', 'what was given up');
update ledger.subscription set paused_until = ledger.clock() + interval '3 minutes';
select is(pg_temp.how(), 'paused 2 1 t', 'a pause that it asked for');
update ledger.subscription set paused_until = 'infinity';
select is(pg_temp.how(), 'dead 2 1 t', 'one without an end is none that it asked for');
update ledger.subscription set failing_since = ledger.clock() - interval '2 hours', paused_until = '-infinity';
select is(pg_temp.how(), 'failing 2 1 t', 'failing');
select is(w.message, '{"code": "subscription.state_failing", "failing_seconds": 7200}', 'and for how long')
from ledger.subscription s, ledger.subscription_state(s, 1) w;
update ledger.account set enabled = false;
select is(pg_temp.how(), 'held 2 1 t', 'its account is disabled');
select throws_ok($$select from who, admin.call(owner, 'ping_begin', '{"subscription_id": "1"}', '{}', null)$$, '22023',
                 'account.disabled', 'which is in the way of a change too');
update ledger.account set enabled = true;
delete from ledger.member;
select is(pg_temp.how(), 'held 2 1 t', 'or has no access any more');
select throws_ok($$select from who, admin.call(owner, 'ping_begin', '{"subscription_id": "1"}', '{}', null)$$, '22023',
                 'account.workspace_missing', 'likewise');
insert into ledger.member values (1, 7, true);
update ledger.subscription set enabled = false, disabled_reason = 'failing';
select ok(w.state = 'disabled' and w.message ->> 'code' = 'subscription.state_given_up', 'disabled by the courier') from ledger.subscription s, ledger.subscription_state(s, 1) w;
update ledger.subscription set disabled_reason = 'gone';
select is(pg_temp.how(), 'gone 2 1 t', 'gone');
select is(j -> 'warnings' -> 'delete', '{"code": "subscription.warn_delete", "count": 2, "more": false}', 'what deleting it would do')
from ledger.subscription s, ledger.subscription_json(s) j;
update ledger.subscription set enabled = true, disabled_reason = null, failing_since = null;

-- ---- deliveries

create function pg_temp.listed(query jsonb) returns text language sql as $$
  select (select string_agg(i ->> 'event_id' || ':' || (i ->> 'state'), ' ') from json_array_elements(l.body::json -> 'items') i) || coalesce(' > ' || (l.body::json ->> 'next'), '')
  from who, admin.call(viewer, 'delivery_list', '{"subscription_id": "1"}', query, null) l
$$;
select is(pg_temp.listed('{}'), '4:dead 3:behind 2:due 1:delivered', 'the newest first');
select is(pg_temp.listed('{"limit": "2"}'), '4:dead 3:behind > 3', 'by pages');
select is(pg_temp.listed('{"limit": "2", "after": "3"}'), '2:due 1:delivered', 'to the last');
select is(pg_temp.listed('{"state": "dead"}'), '4:dead', 'of one state');
select is(pg_temp.listed('{"state": "waiting"}'), '3:behind 2:due', 'or of what waits');
select throws_ok($$select pg_temp.listed('{"state": "eaten"}')$$, '22023', null, 'of those that there are');
select is(r.body::jsonb ->> 'state', 'due', 'one once more') from who, admin.call(owner, 'delivery_replay', '{"delivery_id": "4"}', '{}', null) r;
select is(pg_temp.listed('{}'), '4:due 3:behind 2:due 1:delivered', 'is due');
select is(concat_ws(' ', r.private::jsonb -> 'replayed', r.private::jsonb -> 'looked_at', r.private::jsonb -> 'last_id'), '1 4 4', 'and of a range what has ended')
from who, admin.call(owner, 'subscription_replay', '{"subscription_id": "1"}', '{}', '{"since": "2026-01-01T00:00:00Z"}') r;
select is(concat_ws(' ', r.private::jsonb -> 'replayed', r.private::jsonb -> 'looked_at'), '0 0', 'the rest of it leaves no line in the trail')
from who, admin.call(owner, 'subscription_replay', '{"subscription_id": "1"}', '{}', '{"since": "2026-01-01T00:00:00Z"}', '{"after": 4}') r;
select is((select count(*) from ledger.audit where action = 'subscription.replay'), 1::bigint, 'but the first');
select is(r.status, 200::bigint, 'deleted') from who, admin.call(owner, 'subscription_remove', '{"subscription_id": "1"}', '{}', null) r;
select is(pg_temp.refused($$select from who, admin.call(owner, 'delivery_replay', '{"delivery_id": "4"}', '{}', null)$$),
          '{"code": "subscription.deleted", "subscription_id": 1, "sqlstate": "22023"}', 'nothing goes to it any more');
select is(l.body::jsonb -> 'subscriptions', '[]', 'nor is it listed') from who, admin.call(viewer, 'subscriber_list', '{}', '{}', null) l;

-- ---- endpoints

select is(concat_ws(' ', a.status, a.body::jsonb ->> 'url'), '201 https://h/hook/address_of_the_first_1', 'an endpoint')
from who, admin.call(owner, 'endpoint_add', '{}', '{}', '{"name": "Toggl", "workspace_id": "7"}',
  '{"address": "address_of_the_first_1", "sealed": "01", "url": "https://h/hook/address_of_the_first_1"}') a;
select is(f.private::jsonb, '{"address": "address_of_the_first_1", "enabled": true, "sealed": "01"}', 'with its secret')
from who, admin.call(owner, 'endpoint_find', '{"endpoint_id": "1"}', '{}', null) f;
select ok(l.body::jsonb #>> '{items,0,url}' = 'https://h/hook/address_of_the_first_1' and l.body !~ 'sealed' and l.body::jsonb #>> '{items,0,secrets,0,revoke_warning,code}' = 'endpoint.warn_revoke_last',
          'listed without it') from who, admin.call(viewer, 'endpoint_list', '{}', '{}', null, '{"hook": "https://h/hook/"}') l;
select is(r.body::jsonb ->> 'valid_secrets', '0', 'revoked') from who, admin.call(owner, 'secret_revoke', '{"endpoint_id": "1", "secret_id": "1"}', '{}', null) r;
select is(f.private::jsonb ->> 'sealed', null, 'it has none then') from who, admin.call(owner, 'endpoint_find', '{"endpoint_id": "1"}', '{}', null) f;

-- ---- logging in

create temp table begun as select b.operator_id, b.password from admin.login_begin('Olga', '192.0.2.1') b;
select is(e.status, 200::bigint, 'whose password was right is in')
from begun b, admin.login_end(b.operator_id, b.password, sha256('t1'), '192.0.2.1', 'x', 1, 1, 1, null, null) e;
update ledger.operator set password = 'another' where name = 'Olga';
select is(e.status, 401::bigint, 'but not by one that was changed while it was compared')
from begun b, admin.login_end(b.operator_id, b.password, sha256('t2'), '192.0.2.1', 'x', 1, 1, 1, null, null) e;
select is(e.status, 200::bigint, 'a new session needs no proof')
from begun b, admin.login_end(b.operator_id, null, sha256('t3'), '192.0.2.1', 'x', 1, 1, 1, null, null) e;
update ledger.operator set enabled = false where name = 'Olga';
select is(e.status, 401::bigint, 'a disabled one is not')
from begun b, admin.login_end(b.operator_id, 'another', sha256('t4'), '192.0.2.1', 'x', 1, 1, 1, null, null) e;

select * from finish();
rollback;
