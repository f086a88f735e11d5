-- The list of migrations, and that the functions can be made anew at any time. The
-- variable "functions" is a file with all of them, in order (tests/run).
begin;
set local client_min_messages = warning;
create extension if not exists pgtap;
select plan(20);

select results_eq('select version from ledger.migration_list() where version <= 3', array[0, 1, 2, 3], 'all functions, and the first steps');
select is_empty($$select from ledger.migration_list() where checksum !~ '^[0-9a-f]{64}$' or name = '' or program_version = ''$$,
                'each with its checksum, name and program');
select is_empty(
  $$select l.version from (select version, row_number() over (order by version) - 1 as place from ledger.migration_list()) l
    where l.version <> l.place$$, 'without gaps');

create temp table before as
  select p.oid::regprocedure::text as name, pg_get_functiondef(p.oid) as body, obj_description(p.oid, 'pg_proc') as comment,
         coalesce(array_to_string(p.proacl, ','), 'default') as acl
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname in ('ledger', 'receiver', 'operator', 'api', 'courier', 'admin');
create temp view now_there as
  select p.oid::regprocedure::text as name, pg_get_functiondef(p.oid) as body, obj_description(p.oid, 'pg_proc') as comment,
         coalesce(array_to_string(p.proacl, ','), 'default') as acl
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname in ('ledger', 'receiver', 'operator', 'api', 'courier', 'admin');
create temp table newest as select max(version)::bigint as version from ledger.migration;

select is(ledger.migration_begin(1, 'x', version), false, 'a step that is there is not done again') from newest;
select is(ledger.migration_begin(0, (select checksum from ledger.migration where version = 0), version), false,
          'nor the functions when they are the same') from newest;
select ok(to_regnamespace('receiver') is not null, 'and the interface schemas stay');
select throws_ok($$select ledger.migration_begin(0, 'x', version - 1) from newest$$, '22023', null,
                 'an older program may not touch a newer schema');
-- What people built on schema toggl.
create view public.mine as select e.*, u.role, r.running_for from toggl.time_entries e
  left join toggl.users u using (workspace_id, user_id) left join toggl.running r using (workspace_id, time_entry_id);
create temp table mine_before as select pg_get_viewdef('public.mine'::regclass) as text;
select is(ledger.migration_begin(0, 'other', version), true, 'other functions are a step') from newest;
select ok(to_regnamespace('receiver') is null and to_regnamespace('operator') is null, 'the interface schemas are gone');
select is_empty($$select name from now_there where name !~ '^ledger.migration_'$$, 'and the functions behind them are gone');
select has_table('ledger', 'event', 'the tables are not');
select is_empty('select from ledger.migration_list() where version = 0', 'nor are they listed as applied any more');

\i :functions
select bag_eq('select name, body, comment from now_there', 'select name, body, comment from before', 'made anew they are the same');
select is_empty(
  $$select b.name from before b join now_there n on n.name = b.name
    where not exists (select from pg_roles where rolname like 'hookledger\_%') and n.acl <> b.acl$$, 'with the same rights');
select lives_ok($$select ledger.migration_end(0, 'functions', repeat('0', 64), '9.9.9')$$, 'the step is noted');
select results_eq($$select checksum, program_version from ledger.migration_list() where version = 0$$,
                  $$values (repeat('0', 64), '9.9.9')$$, 'in place of the one before');
select is(pg_get_viewdef('public.mine'::regclass), text, 'a view that somebody built on toggl is still there') from mine_before;
select lives_ok('select * from public.mine', 'and works');
select lives_ok('select * from operator.facts()', 'the operator''s interface schema works');
select lives_ok('select * from receiver.keys()', 'the receiver''s interface schema works');

select * from finish();
rollback;
