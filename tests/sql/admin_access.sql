-- The admin page: addresses whose knowledge gives access, as far as they are shown; which
-- names operators may have, whose password was just given, and codes.
begin;
create extension if not exists pgtap;
select plan(90);

-- ---- addresses

select is(ledger.url_shown(of_url), shown, coalesce(of_url, 'null')) from (values
  ('https://hooks.slack.com/services/T0/B0/secret', 'https://hooks.slack.com/…'),
  ('https://chat.example.org:8443/hooks/secret?key=secret#secret', 'https://chat.example.org:8443/…'),
  ('https://user:secret@example.org/', 'https://example.org'),
  ('https://user:se@cret@example.org/in', 'https://example.org/…'),
  ('https://example.org', 'https://example.org'),
  ('https://example.org?key=secret', 'https://example.org/…'),
  ('https://example.org#secret', 'https://example.org/…'),
  ('https://example.org\@secret', 'https://example.org/…'),
  ('HTTPS://[2001:db8::1]:80/secret', 'HTTPS://[2001:db8::1]:80/…'),
  ('secret', '…'),
  ('', '…'),
  (null, null)) v (of_url, shown);

-- ---- names

create function pg_temp.add(called text) returns text language plpgsql as $$
begin
  return (ledger.operator_make(called, 'viewer', 'UTC', 'x')).name;
exception when sqlstate '22023' or unique_violation then
  return sqlstate;
end $$;

select is(pg_temp.add(given), kept, given) from (values
  ('Olga', 'Olga'), (E'  Otto\u00a0 von\u3000Berg ', 'Otto von Berg'), (E'\uff36\uff45\uff52\uff41', 'Vera'),
  (E'Zoe\u0308', 'Zoë'), ('Ирина', 'Ирина'), ('Ελένη', 'Ελένη'), ('李小龙', '李小龙'), ('山田 Taro', '山田 Taro'), ('ada@example.org', 'ada@example.org'),
  ('Ali', 'Ali'), ('Coco', 'Coco'), ('OIes', 'OIes'), ('محمد', 'محمد'), ('O''Neil-Smith', 'O''Neil-Smith')) v (given, kept);
select is(pg_temp.add(given), '23505', format('taken already: %s', given)) from (values
  ('Olga'), ('OLGA'), (' olga '), (E'Olga\u2003'), (E'\uff2flga'), ('0lga'), ('O1ga'), ('0LGA'), (E'Zo\u00eb'), ('Сосо'), ('AIi'), ('ОІеѕ')) v (given);
select is(pg_temp.add(given), '22023', format('no name: %s', given)) from (values
  (E'Ol\u200bga'), (E'\u202eaglO'), (E'Olga\u200e'), (E'\ufeffOlga'), (E'Ol\u00adga'), (E'Ol\tga\u0007'), (E'\u2066Olga\u2069'), (E'\u3164'), (E'Olga\u2060'),
  (E'Olga\U000e0041'), (E'Olga\ufe0f'), (E'\u041elga'), (E'Olg\u03b1'), (E'\u13aalga'), (''), ('   '), (E'\u00a0'), (repeat('x', 101)), (E'a\u2028b'), (E'a\tb')) v (given);

-- ---- whose password was just given, and codes

create function pg_temp.enter(called text, of_role text, proved interval) returns bytea language sql as $$
  with o as (insert into ledger.operator (name, role, password) values (called, of_role, 'kept') returning operator_id)
  insert into ledger.session (digest, operator_id, made_at, seen_at, expires_at, idle, proved_until)
  select sha256(called::bytea), operator_id, now(), now(), now() + interval '1 day', '1 day', ledger.clock() + proved from o
  returning digest || '192.0.2.1'::bytea
$$;
create function pg_temp.state_of(session bytea, needs_owner boolean) returns text language plpgsql as $$
begin
  return (ledger.session_enter(session, case when needs_owner then 'owner' else 'viewer' end, true)).name;
exception when others then
  return sqlstate;
end $$;
create temp table who as select pg_temp.enter('Nina', 'owner', '1 minute') as nina, pg_temp.enter('Nils', 'owner', '-1 second') as nils,
                                pg_temp.enter('Noah', 'viewer', '1 minute') as noah, pg_temp.enter('Nell', 'viewer', '-1 second') as nell;
create function pg_temp.call(session bytea, operation text, made text default null, out status bigint, out body text, out p jsonb) language sql as $$
  select c.status, c.body, c.private::jsonb from admin.call(session, operation, '{}', '{}', null, made::jsonb) c
$$;
select is(concat_ws(' ', pg_temp.state_of(nina, true), pg_temp.state_of(nils, true), pg_temp.state_of(noah, true), pg_temp.state_of(nell, true),
                         pg_temp.state_of(noah, false), pg_temp.state_of(nell, false), pg_temp.state_of('nobody', false)),
          'Nina HL428 HL403 HL403 Noah HL428 HL401', 'a role is judged first, then the proof') from who;
select is(p.status, 200::bigint, 'a password that was right') from who, pg_temp.call(nils, 'prove', '{"compared": "kept", "minutes": 5}') p;
select is(pg_temp.state_of(nils, true), 'Nils', 'is a proof') from who;
select throws_ok(format($$select pg_temp.call(%L, 'prove', '{"compared": "another", "minutes": 5}')$$, nils), 'HL403', null, 'not one that was changed meanwhile') from who;

create temp table of_nina as select o.operator_id as id from ledger.operator o where o.name = 'Nina';
select is(concat_ws(' ', c.is_on, c.wait_s, c.step), 'f 0', 'an operator without codes logs in without one') from of_nina, admin.code_begin(id, '192.0.2.1', true) c;
select is(b.p ->> 'name', 'Nina', 'begun') from who, pg_temp.call(nina, 'totp_begin') b;
select is(m.status, 201::bigint, 'a secret is kept') from who, pg_temp.call(nina, 'totp_make', '{"sealed": "01"}') m;
select is(ledger.totp_is_on(id), false, 'and does nothing before it is confirmed') from of_nina;
select is(concat_ws(' ', r.p ->> 'sealed', (r.p ->> 'step')::bigint = floor(extract(epoch from ledger.clock()) / 30)), '01 t', 'what its code is compared with')
from who, pg_temp.call(nina, 'totp_read', '{"is_on": false}') r;
select is(c.body::jsonb - 'since', '{"on": true, "codes_left": 2}', 'confirmed')
from who, pg_temp.call(nina, 'totp_confirm', jsonb_build_object('step', 100, 'digests', array[encode(sha256('a'), 'hex'), encode(sha256('b'), 'hex')])::text) c;
select throws_ok(format($$select pg_temp.call(%L, 'totp_make', '{"sealed": "02"}')$$, nina), '23505', null, 'no other secret takes its place') from who;
select is(concat_ws(' ', c.is_on, c.wait_s, c.sealed), 't 0 \x01', 'a code is asked for') from of_nina, admin.code_begin(id, '192.0.2.1', false) c;
select is(ledger.totp_use(id, step, recovery), is_good, format('step %s, recovery %s', step, recovery)) from of_nina, (values
  (100::bigint, null::bytea, false), (99, null, false), (101, null, true), (101, null, false), (null, null, false), (null, sha256('a'), true),
  (null, sha256('a'), false), (null, sha256('c'), false), (100, sha256('b'), true)) v (step, recovery, is_good);
create function pg_temp.log_in(operator bigint, step bigint, recovery bytea) returns bigint language sql as $$
  select status from admin.login_end(operator, 'kept', sha256(random()::text::bytea), '192.0.2.1', 'x', 1, 1, 1, step, recovery)
$$;
select is(pg_temp.log_in(id, step, null), status, format('a login with step %s', step)) from of_nina, (values
  (null::bigint, 403::bigint), (101, 403), (102, 200), (102, 403)) v (step, status);
select is((select count(*) from ledger.session s, of_nina n where s.operator_id = n.id), 2::bigint, 'only a good code made a session');
-- Five at once (the confirmation was one), then one a minute; and where she has logged in before, counted apart.
select is((select array_agg(c.wait_s > 0 order by n) from of_nina, generate_series(1, 7) n, lateral admin.code_begin(id, '198.51.100.1', n > 0) c),
          '{f,f,f,f,t,t,t}', 'guesses are bounded');
select is(c.wait_s, 0::bigint, 'not hers') from of_nina, admin.code_begin(id, '192.0.2.1', true) c;
select throws_ok(format($$select pg_temp.call(%L, 'totp_end', '{"step": 102}')$$, nina), 'HL403', null, 'turned off by no used code') from who;
select is(e.body, '{"on": false}', 'by a good one') from who, pg_temp.call(nina, 'totp_end', '{"step": 103}') e;
select is_empty('select from ledger.recovery_code', 'and nothing is left');
select is(operator.totp_reset('Nina'), false, 'nothing to reset');

select * from finish();
rollback;
