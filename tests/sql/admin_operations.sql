-- The operations of the admin page: hookledger-admin can do nothing that is not in
-- admin.operation, and nobody more than it says there. Made of that table, so that a
-- new operation is tested as soon as it is there.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap;
select no_plan();

create function pg_temp.enter(called text, of_role text, proved interval, lasts interval default '1 day') returns bytea language sql as $$
  with o as (insert into ledger.operator (name, role, password) values (called, of_role, 'x') returning operator_id)
  insert into ledger.session (digest, operator_id, made_at, seen_at, expires_at, idle, proved_until)
  select sha256(called::bytea), operator_id, now() - interval '1 hour', now(), now() + lasts, '1 day', now() + proved from o
  returning digest || '192.0.2.1'::bytea
$$;
create temp table who as
  select pg_temp.enter('Olga', 'owner', '1 hour') as owner, pg_temp.enter('Otto', 'owner', '-1 second') as unproved,
         pg_temp.enter('Vera', 'viewer', '1 hour') as viewer, pg_temp.enter('Emil', 'owner', '1 hour', '-1 second') as expired;

-- The SQLSTATE with which an operation ends that is given nothing; whatever it did is undone.
create function pg_temp.state_of(session bytea, operation text) returns text language plpgsql as $$
begin
  perform admin.call(session, operation, '{}', '{}', null, null);
  raise exception using errcode = 'HL000';
exception when others then
  return sqlstate;
end
$$;

-- ---- what there is

create temp view functions as
  select p.oid, p.proname::text as name, p.prosecdef as is_granted, pg_get_function_identity_arguments(p.oid) as arguments
  from pg_proc p where p.pronamespace = 'admin'::regnamespace and p.proname <> 'call';
select cmp_ok((select count(*) from admin.operation), '>=', 90::bigint, 'there are operations');
select is_empty('select f.name from functions f where not exists (select from admin.operation o where o.function = f.name)',
                'every function that hookledger-admin can reach is one');
select is_empty('select o.name from admin.operation o where not exists (select from functions f where f.name = o.function)',
                'and every one has its function');
select is_empty('select name from functions group by name having count(*) > 1', 'of which there is but one');
select is_empty($$select f.name from functions f join admin.operation o on o.function = f.name
                  where f.is_granted is distinct from (o.role = 'none')$$,
                'those without a session are called directly, all others by admin.call() only');
select is_empty($$select f.name from functions f where not f.is_granted and f.arguments <> 'who ledger.operator, request admin.request'$$,
                'and know the operator');
select throws_ok($$insert into admin.operation (name, role, function) values ('x', null, 'overview')$$, '23502', null, 'none without a role');
select throws_ok($$insert into admin.operation (name, role, function) values ('x', 'anybody', 'overview')$$, '23514', null, 'nor with one that there is not');
select is_empty($$select o.name from admin.operation o where o.role = 'viewer' and o.is_audited
                  and o.name !~ '^(session|prove|me|language|totp)_?'$$, 'a viewer changes what is his own');

-- ---- who may

select is(pg_temp.state_of(session, o.name), 'HL401', format('%s: nothing for %s', o.name, called))
from admin.operation o, who, lateral (values
  ('an unauthenticated client', null), ('a forged session', sha256('nobody') || '192.0.2.1'::bytea), ('a session that has ended', expired)) v (called, session);
select is(pg_temp.state_of(viewer, o.name), 'HL403', o.name || ': not for a viewer') from admin.operation o, who where o.role = 'owner';
select is(pg_temp.state_of(unproved, o.name), 'HL428', o.name || ': takes the password once more') from admin.operation o, who where o.is_proved;
select isnt(pg_temp.state_of(viewer, o.name), refused, format('%s: for a viewer too, not %s', o.name, refused))
from admin.operation o, who, unnest(array['HL401', 'HL403']) refused where o.role = 'viewer'
  and o.name not in ('prove', 'totp_end');	-- they refuse a wrong password or code alike
select isnt(pg_temp.state_of(owner, o.name), refused, format('%s: for an owner, not %s', o.name, refused))
from admin.operation o, who, unnest(array['HL401', 'HL428']) refused where o.role <> 'none';
select is(pg_temp.state_of(owner, o.name), '42883', o.name || ': not by admin.call()') from admin.operation o, who where o.role = 'none';
select is(pg_temp.state_of(owner, 'no_such'), '42883', 'what is not in the table is not there') from who;
select is(pg_temp.state_of(viewer, 'no_such'), 'HL403', 'of which a viewer learns nothing') from who;

-- ---- the trail

create function admin.loud(who ledger.operator, request admin.request) returns admin.answer language sql as $$
  select ledger.answer('{}', audit => ledger.audited('loud', '"a thing"') || ledger.audited('loud', '"another"', '1', '2'))
$$;
insert into admin.operation (name, role, is_audited, function) values ('loud', 'viewer', true, 'loud'), ('quiet', 'viewer', false, 'loud');
select is(c.status, 200::bigint, 'an operation that changes something') from who, admin.call(viewer, 'loud', '{}', '{}', null) c;
select is(string_agg(concat_ws(' ', operator, host(address), action, subject #>> '{}', before, after), ', ' order by audit_id),
          'Vera 192.0.2.1 loud a thing, Vera 192.0.2.1 loud another 1 2', 'is in the trail, with who it was') from ledger.audit;
select is(pg_temp.state_of(viewer, 'quiet'), 'P0001', 'one that may not write there is refused') from who;
select is((select count(*) from ledger.audit), 2::bigint, 'and has done nothing');

select * from finish();
rollback;
