-- Subscribers and endpoints on the admin page: who may, how a subscription is in
-- words, what comes in a body, what is on its way.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap;
select plan(74);

create function pg_temp.enter(called text, of_role text) returns bytea language sql as $$
  with o as (insert into ledger.operator (name, role, password) values (called, of_role, 'x') returning operator_id)
  insert into ledger.session (digest, operator_id, made_at, seen_at, expires_at, idle, proved_until)
  select sha256(called::bytea), operator_id, now(), now(), now() + interval '1 day', '1 day', now() + interval '1 hour' from o
  returning digest || '192.0.2.1'::bytea
$$;
create temp table who as select pg_temp.enter('Olga', 'owner') as owner, pg_temp.enter('Vera', 'viewer') as viewer;
grant select on who to public;

-- ---- who may

-- Calls a function of the door with nothing but a session; the SQLSTATE it ends with.
create function pg_temp.state_of(f regprocedure, session bytea) returns text language plpgsql as $$
declare
  types text[] := (select array_agg(format_type(t, null) order by n) from pg_proc p, unnest(p.proargtypes) with ordinality a (t, n) where p.oid = f);
  nulls text := (select string_agg(', null::' || t, '' order by n) from unnest(types[2:]) with ordinality a (t, n));
begin
  execute format('select * from admin.%I($1%s)', (select proname from pg_proc where oid = f), nulls) using session;
  return '00000';
exception when others then
  return sqlstate;
end
$$;
create temp view of_sessions as
  select p.oid::regprocedure as f, p.proname as name from pg_proc p
  where p.pronamespace = 'admin'::regnamespace and p.proargnames[1] = 'session' and p.proargmodes[1] is distinct from 'o';
select cmp_ok((select count(*) from of_sessions), '>=', 25::bigint, 'functions that take a session');
select is_empty($$select f from of_sessions where pg_temp.state_of(f, sha256('nobody') || '192.0.2.1'::bytea) <> 'HL401'$$, 'none of them for a stranger');
select is_empty($$select f from of_sessions where pg_temp.state_of(f, null) <> 'HL401'$$, 'nor for nobody');
select results_eq(
  $$select (name::text) collate "default" from of_sessions, who where name ~ '^(account|member|organization|workspace|subscri|ping|deliver|endpoint|secret)'
    and pg_temp.state_of(f, viewer) <> 'HL403' order by 1$$,
  array['delivery_list', 'delivery_read', 'endpoint_list', 'subscriber_list'], 'a viewer only looks');

-- ---- what comes in a body

create function pg_temp.number(told text) returns text language plpgsql as $$
begin
  return coalesce(ledger.given_number(jsonb_build_object('n', told::jsonb), 'n', 100)::text, 'none');
exception when invalid_parameter_value then
  return 'refused';
end
$$;
select results_eq(
  $$select pg_temp.number(t) from unnest(array['1', '"100"', '0', 'null', '101', '-1', '1.5', '1e1', '""', '"x"', 'true', '[1]', '{}', '99999999999999999999']) t$$,
  array['1', '100', '0', 'none', 'refused', 'refused', 'refused', '10', 'refused', 'refused', 'refused', 'refused', 'refused', 'refused'], 'numbers');
create function pg_temp.moment(told text) returns text language plpgsql as $$
begin
  return coalesce(ledger.rfc3339(ledger.given_time(jsonb_build_object('t', told), 't')), 'none');
exception when invalid_parameter_value then
  return 'refused';
end
$$;
select results_eq(
  $$select pg_temp.moment(t) from unnest(array['2026-07-17T11:43:32Z', '2026-07-17T11:43:32.5+02:00', '2026-07-17T11:43Z', null, 'now', 'infinity',
                                               '2026-07-17', '2026-13-17T11:43:32Z', '2026-07-17 11:43:32Z', '']) t$$,
  array['2026-07-17T11:43:32Z', '2026-07-17T09:43:32.500000Z', '2026-07-17T11:43:00Z', 'none', 'refused', 'refused', 'refused', 'refused', 'refused', 'refused'],
  'times');
select throws_ok($$select ledger.given_check('{"a": 1, "b": 2}', '{a}')$$, '22023', '"b" is nothing that can be given here; a can', 'a member that is not known');
select throws_ok($$select ledger.given_check(null, '{a,b}')$$, '22023', 'the body must be a JSON object with something of a, b', 'no body');
select lives_ok($$select ledger.given_check('{}', '{a}', false)$$, 'where none is needed');
select throws_ok($$select ledger.given_flag('{"a": "true"}', 'a')$$, '22023', '"a" must be true or false', 'flags are no texts');
select throws_ok($$select ledger.given_text('{"a": 1}', 'a')$$, '22023', '"a" must be a text', 'nor are numbers');

-- ---- accounts, organizations, workspaces

select is(body::jsonb ->> 'plan', 'premium', 'an organization') from who, admin.organization_add(owner, '{}', '{}', '{"name": " Test ", "plan": "premium"}', 7, 8);
select is(body::jsonb -> 'workspaces', '["7"]', 'with a workspace') from who, admin.workspace_set(owner, '{"workspace_id": "7"}', '{}', '{"organization_id": "1"}');
select is(body, '{"id" : "1"}', 'an account')
from who, admin.account_add(owner, '{}', '{}', '{"name": " Ada ", "user_id": "900", "email": "", "zone": "Europe/Berlin"}', sha256('token'));
select is(concat_ws(' ', name, user_id, email, time_zone, token_digest = sha256('token')), 'Ada 900 Europe/Berlin t', 'as it was given') from ledger.account;
select is(body::jsonb -> 'workspaces', '[{"id": "7", "is_admin": false}]', 'with access')
from who, admin.member_set(owner, '{"account_id": "1", "workspace_id": "7"}', '{}', null);
select is(body::jsonb -> 'workspaces', '[{"id": "7", "is_admin": true}]', 'as administrator')
from who, admin.member_set(owner, '{"account_id": "1", "workspace_id": "7"}', '{}', '{"is_admin": true}');
select is(body::jsonb -> 'max_filters', '5', 'other limits') from who, admin.organization_change(owner, '{"organization_id": "1"}', '{}', '{"max_filters": 5}', 7, 8);
select is(body, '{"id" : "1"}', 'another token') from who, admin.account_token(owner, '{"account_id": "1"}', '{}', null, sha256('other'));
select ok(token_digest = sha256('other'), 'is there') from ledger.account;
select is(string_agg(action || ' ' || subject || ' ' || host(address), ', ' order by audit_id),
  'organization.add organization 1 (Test) 192.0.2.1, workspace.set workspace 7 192.0.2.1, account.add account 1 (Ada) 192.0.2.1, '
  || 'account.grant account 1 (Ada) 192.0.2.1, account.grant account 1 (Ada) 192.0.2.1, organization.change organization 1 (Test) 192.0.2.1, '
  || 'account.token account 1 (Ada) 192.0.2.1', 'each in the trail') from ledger.audit;
select is(concat_ws(' ', before #>> '{0,is_admin}', after #>> '{0,is_admin}'), 'false true', 'with what it was before')
from ledger.audit where action = 'account.grant' and before <> '[]';
select is_empty($$select from ledger.audit where concat(before, after) ~ 'token"|digest'$$, 'and no token');

-- ---- a subscription by the API's path

create temp table asked as
  select b.* from who, admin.subscription_begin(owner, '{}', '{}',
    '{"workspace_id": 7, "account_id": "1", "description": "one", "url_callback": "https://x.example/", "event_filters": [{"entity": "*", "action": "*"}]}', false) b;
select is(concat_ws(' ', account_id, user_id, workspace_id, subscription_id, method), '1 900 7 POST', 'on behalf of the account') from asked;
select is(asked::jsonb ? 'account_id', false, 'with the body of the API') from asked;
create temp table checked as
  select c.* from who, asked a, admin.subscription_check(owner, a.account_id, a.workspace_id, null, a.method, a.asked::json) c;
select is(concat_ws(' ', status, subscription_id, must_ping), '200 1 t', 'judged') from checked;
select is_empty($$select from who, admin.ping_find(owner, 1, 7, 1) where status = 200$$, 'seen by nobody yet');
select throws_ok($$select from who, admin.subscription_remove(owner, '{"subscription_id": "1"}', '{}', null)$$, 'P0002', 'there is no subscription 1', 'not by the page either');
select is(w.status, 200::bigint, 'written')
from who, asked a, checked c, admin.subscription_write(owner, 1, 7, 1, 'POST', a.asked::json, '\x01', c.url, c.code, false) w;
select is(concat_ws(' ', action, subject, after ->> 'url'), 'subscription.add subscription 1 (one) https://x.example', 'in the trail')
from ledger.audit order by audit_id desc limit 1;
select is(admin.subscription_begin(owner, '{"subscription_id": "1"}', '{}', '{"enabled": false}', false)::text,
          '(1,900,7,1,PATCH,"{""enabled"": false}")', 'enabled alone is PATCH') from who;
select is(method || ' ' || asked, 'PUT {"description": "one", "url_callback": "https://y.example/"}', 'anything else PUT, which asks for the description')
from who, admin.subscription_begin(owner, '{"subscription_id": "1"}', '{}', '{"url_callback": "https://y.example/"}', false);
select is(method, null, 'a ping has no method') from who, admin.subscription_begin(owner, '{"subscription_id": "1"}', '{}', null, true);

create function pg_temp.how(number bigint default 1) returns text language sql as $$
  select concat_ws(' ', j ->> 'state', j ->> 'waiting', j ->> 'dead', (j ->> 'last_success_at') is not null)
  from ledger.subscription s, ledger.subscription_json(s) j where s.subscription_id = number
$$;
select is(pg_temp.how(), 'unvalidated 0 0 f', 'not valid yet');
select is(v.status, 200::bigint, 'a ping that brought the code') from who, checked c, admin.subscription_validate(owner, 7, 1, c.code) v;
select is(pg_temp.how(), 'well 0 0 f', 'well');
select is((select action from ledger.audit order by audit_id desc limit 1), 'subscription.validate', 'in the trail');
select is(v.status, 400::bigint, 'a wrong code') from who, admin.subscription_validate(owner, 7, 1, 'x') v;

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
select is(w.words, 'Every attempt has failed for 2 hours; look at the last deliveries.', 'and for how long')
from ledger.subscription s, ledger.subscription_state(s, 1) w;
update ledger.account set enabled = false;
select is(pg_temp.how(), 'held 2 1 t', 'its account is disabled');
select throws_ok($$select from who, admin.subscription_begin(owner, '{"subscription_id": "1"}', '{}', null, true)$$, '22023',
                 'the account "Ada" is disabled; enable it first', 'which is in the way of a change too');
update ledger.account set enabled = true;
delete from ledger.member;
select is(pg_temp.how(), 'held 2 1 t', 'or has no access any more');
select throws_ok($$select from who, admin.subscription_begin(owner, '{"subscription_id": "1"}', '{}', null, true)$$, '22023',
                 'the account "Ada" has no access to workspace 7; give it that first', 'likewise');
insert into ledger.member values (1, 7, true);
update ledger.subscription set enabled = false, disabled_reason = 'failing';
select ok(w.state = 'disabled' and w.words like 'It only failed for days%', 'disabled by the courier') from ledger.subscription s, ledger.subscription_state(s, 1) w;
update ledger.subscription set disabled_reason = 'gone';
select is(pg_temp.how(), 'gone 2 1 t', 'gone');
select ok(j -> 'warnings' ->> 'delete' like '%2 deliveries to it that wait are dropped.', 'what deleting it would do')
from ledger.subscription s, ledger.subscription_json(s) j;
update ledger.subscription set enabled = true, disabled_reason = null, failing_since = null;

-- ---- deliveries

create function pg_temp.listed(query jsonb) returns text language sql as $$
  select (select string_agg(i ->> 'event_id' || ':' || (i ->> 'state'), ' ') from json_array_elements(l.body::json -> 'items') i) || coalesce(' > ' || (l.body::json ->> 'next'), '')
  from who, admin.delivery_list(viewer, '{"subscription_id": "1"}', query, null) l
$$;
select is(pg_temp.listed('{}'), '4:dead 3:behind 2:due 1:delivered', 'the newest first');
select is(pg_temp.listed('{"limit": "2"}'), '4:dead 3:behind > 3', 'by pages');
select is(pg_temp.listed('{"limit": "2", "after": "3"}'), '2:due 1:delivered', 'to the last');
select is(pg_temp.listed('{"state": "dead"}'), '4:dead', 'of one state');
select is(pg_temp.listed('{"state": "waiting"}'), '3:behind 2:due', 'or of what waits');
select throws_ok($$select pg_temp.listed('{"state": "eaten"}')$$, '22023', null, 'of those that there are');
select is(r.body::jsonb ->> 'state', 'due', 'one once more') from who, admin.delivery_replay(owner, '{"delivery_id": "4"}', '{}', null) r;
select is(pg_temp.listed('{}'), '4:due 3:behind 2:due 1:delivered', 'is due');
select is(concat_ws(' ', replayed, looked_at, last_id), '1 4 4', 'and of a range what has ended')
from who, admin.subscription_replay(owner, '{"subscription_id": "1"}', '{}', '{"since": "2026-01-01T00:00:00Z"}', null);
select is(concat_ws(' ', replayed, looked_at), '0 0', 'the rest of it leaves no line in the trail')
from who, admin.subscription_replay(owner, '{"subscription_id": "1"}', '{}', '{"since": "2026-01-01T00:00:00Z"}', 4);
select is((select count(*) from ledger.audit where action = 'subscription.replay'), 1::bigint, 'but the first');
select is(r.status, 200::bigint, 'deleted') from who, admin.subscription_remove(owner, '{"subscription_id": "1"}', '{}', null) r;
select throws_ok($$select from who, admin.delivery_replay(owner, '{"delivery_id": "4"}', '{}', null)$$, '22023',
                 'subscription 1 is deleted: nothing is delivered to it any more', 'nothing goes to it any more');
select is(l.body::jsonb -> 'subscriptions', '[]', 'nor is it listed') from who, admin.subscriber_list(viewer, '{}', '{}', null) l;

-- ---- endpoints

select is(concat_ws(' ', a.status, a.body::jsonb ->> 'url'), '201 https://h/hook/address_of_the_first_1', 'an endpoint')
from who, admin.endpoint_add(owner, '{}', '{}', '{"name": "Toggl", "workspace_id": "7"}', 'address_of_the_first_1', '\x01', 'https://h/hook/address_of_the_first_1') a;
select is(concat_ws(' ', f.endpoint_id, f.address, f.enabled, f.sealed), '1 address_of_the_first_1 t \x01', 'with its secret')
from who, admin.endpoint_find(owner, '{"endpoint_id": "1"}', '{}', null) f;
select ok(l.body::jsonb #>> '{items,0,url}' = 'https://h/hook/address_of_the_first_1' and l.body !~ 'sealed' and l.body::jsonb #>> '{items,0,secrets,0,revoke_warning}' like 'It is the only one%',
          'listed without it') from who, admin.endpoint_list(viewer, '{}', '{}', null, 'https://h/hook/') l;
select is(r.body::jsonb ->> 'valid_secrets', '0', 'revoked') from who, admin.secret_revoke(owner, '{"endpoint_id": "1", "secret_id": "1"}', '{}', null) r;
select ok(f.sealed is null, 'it has none then') from who, admin.endpoint_find(owner, '{"endpoint_id": "1"}', '{}', null) f;

-- ---- logging in

create temp table begun as select b.operator_id, b.password from admin.login_begin('Olga', '192.0.2.1') b;
select is(e.status, 200::bigint, 'whose password was right is in')
from begun b, admin.login_end(b.operator_id, b.password, sha256('t1'), '192.0.2.1', 'x', 1, 1, 1, null, null) e;
update ledger.operator set password = 'another' where name = 'Olga';
select is(e.status, 401::bigint, 'but not by one that was changed while it was compared')
from begun b, admin.login_end(b.operator_id, b.password, sha256('t2'), '192.0.2.1', 'x', 1, 1, 1, null, null) e;
select is(e.status, 200::bigint, 'who has just been made needs none')
from begun b, admin.login_end(b.operator_id, null, sha256('t3'), '192.0.2.1', 'x', 1, 1, 1, null, null) e;
update ledger.operator set enabled = false where name = 'Olga';
select is(e.status, 401::bigint, 'a disabled one is not')
from begun b, admin.login_end(b.operator_id, 'another', sha256('t4'), '192.0.2.1', 'x', 1, 1, 1, null, null) e;

select * from finish();
rollback;
