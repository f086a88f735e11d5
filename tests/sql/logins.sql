-- Logins of analysts, as far as SQL decides; the rest is tried end to end.
begin;
create extension if not exists pgtap;
select plan(12);

select throws_ok($$select ledger.reader_add('someone', 'SCRAM-SHA-256$x', 1000, 1)$$, '22023',
                 'reader.role_missing', 'a role elsewhere is none here');
\ir ../../sql/functions/roles.sql
select lives_ok('select ledger.reader_rights()', 'with the role it can be');
select throws_ok($$select ledger.reader_add('someone', 'in clear', 1000, 1)$$, '22023', null, 'a password is not taken');
select throws_ok($$select ledger.reader_add('Some One', 'SCRAM-SHA-256$x', 1000, 1)$$, '22023', null, 'nor a name that needs quotes');
select throws_ok($$select ledger.reader_add('someone', 'SCRAM-SHA-256$x', -1, 1)$$, '22023', null, 'nor a limit below 0');
select throws_ok($$select ledger.reader_add('someone', 'SCRAM-SHA-256$x', 1000, 0)$$, '22023', null, 'nor no connection at all');
select throws_ok($$select ledger.reader_add('hookledger_reader', 'SCRAM-SHA-256$x', 1000, 1)$$, '22023', null, 'nor a name of ours');

create function pg_temp.verifier() returns text language sql as
  $$select 'SCRAM-SHA-256$4096:' || encode('0123456789abcdef', 'base64') || '$' || encode(sha256('a'), 'base64') || ':' || encode(sha256('b'), 'base64')$$;
select is(ledger.reader_add('pgtap_reader', pg_temp.verifier(), 1000, 3), current_database()::text, 'a login is made');
select results_eq($$select is_ours, timeout, connections, in_use from ledger.reader_list() where login = 'pgtap_reader'$$,
                  $$values (true, '1000', 3::bigint, 0::bigint)$$, 'and listed');
select throws_ok($$select ledger.reader_add('pgtap_reader', pg_temp.verifier(), 1000, 3)$$, '23505', null, 'once');
select ledger.reader_remove('pgtap_reader');
select is_empty($$select from pg_roles where rolname = 'pgtap_reader'$$, 'and dropped');
select throws_ok($$select ledger.reader_remove('pgtap_reader')$$, 'P0002', null, 'once');

select * from finish();
rollback;
