-- Who may do what: nobody anything, each program its interface schema.
begin;
create extension if not exists pgtap;
\ir ../../sql/functions/roles.sql
select plan(36);

-- The rules of the house for functions.
create temp view every_interface_function as
  select p.oid, p.oid::regprocedure::text as name, n.nspname as schema, p.prosecdef, p.proconfig, p.proacl
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname in ('receiver', 'operator', 'api', 'courier', 'admin');
-- What is behind admin.call() belongs to no interface.
create temp view behind_call as
  select d.* from every_interface_function d
  where d.schema = 'admin' and split_part(split_part(d.name, '(', 1), '.', 2) in (select o.function from admin.operation o where o.role <> 'none');
create temp view interface_function as select * from every_interface_function d where d.oid not in (select b.oid from behind_call b);
select isnt_empty('select from interface_function', 'there are interface functions');
select isnt_empty('select from behind_call', 'and operations of the admin page');
select is_empty($$select b.name, r.rolname from behind_call b cross join pg_roles r
                  where r.rolname like 'hookledger\_%' and has_function_privilege(r.oid, b.oid, 'execute')$$, 'which no role may call');
select is_empty($$select name from interface_function where not prosecdef$$, 'every function of an interface schema is security definer');
select is_empty(
  $$select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname in ('ledger', 'toggl', 'receiver', 'operator', 'api', 'courier', 'admin')
      and not 'search_path=ledger, pg_temp' = any (coalesce(p.proconfig, '{}'))
      and (p.prosqlbody is null or p.prosecdef)
      -- Pinning costs a call 40 us and keeps the planner from looking inside. All names in these are qualified.
      and not ((n.nspname = 'ledger' and (p.proname like 'write\_%' or p.proname = 'apply')
                or p.oid = 'toggl.time_entries_as_of'::regproc) and not p.prosecdef)$$,
  'every function has its search_path pinned, pg_temp last, or what it names was looked up when it was made');
select is_empty(
  $$select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname in ('ledger', 'toggl', 'receiver', 'operator', 'api', 'courier', 'admin') and obj_description(p.oid, 'pg_proc') is null$$,
  'every function has its contract as comment');
select is_empty(
  $$select c.relname || '.' || a.attname
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace in ('ledger'::regnamespace, 'toggl'::regnamespace) and c.relkind in ('r', 'p', 'v') and not c.relispartition
      and c.relname not in ('field', 'model', 'plan', 'workspace_limit', 'filter_entity') and a.attnum > 0 and not a.attisdropped and col_description(c.oid, a.attnum) is null$$,
  'every column of every table has a comment');

-- The public has nothing.
select is_empty(
  $$select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname in ('ledger', 'toggl', 'receiver', 'operator', 'api', 'courier', 'admin')
      and (p.proacl is null or exists (select from aclexplode(p.proacl) x where x.grantee = 0))$$,
  'the public may execute no function');
select is_empty(
  $$select n.nspname from pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) x
    where n.nspname in ('ledger', 'toggl', 'receiver', 'operator', 'api', 'courier', 'admin') and x.grantee = 0$$,
  'nor use a schema');
select is_empty(
  $$select c.relname from pg_class c, aclexplode(c.relacl) x
    where c.relnamespace in ('ledger'::regnamespace, 'toggl'::regnamespace) and x.grantee = 0$$,
  'nor touch a table');

-- A role has its interface schema.
select is_empty($$select name from interface_function where schema = 'receiver' and not has_function_privilege('hookledger_receiver', oid, 'execute')$$,
                'the receiver may call every function of its interface schema');
select is_empty($$select name from interface_function where schema = 'operator' and not has_function_privilege('hookledger_operator', oid, 'execute')$$,
                'the operator every one of its own');

-- And nothing else.
select is_empty($$select name from interface_function where schema = 'operator' and has_function_privilege('hookledger_receiver', oid, 'execute')$$,
                'the receiver none of the operator''s');
select is_empty($$select name from interface_function where schema = 'receiver' and has_function_privilege('hookledger_operator', oid, 'execute')$$,
                'the operator none of the receiver''s');
create function pg_temp.may_touch(role text) returns setof text language sql as $$
  select c.relname::text from pg_class c
  where c.relnamespace = 'ledger'::regnamespace and c.relkind in ('r', 'p', 'S')
    and case when c.relkind = 'S' then has_sequence_privilege(role, c.oid, 'usage, select, update')
             else has_table_privilege(role, c.oid, 'select, insert, update, delete, truncate, references, trigger') end
  union all
  select p.oid::regprocedure::text from pg_proc p
  where p.pronamespace = 'ledger'::regnamespace and has_function_privilege(role, p.oid, 'execute')
$$;
select is_empty($$select * from pg_temp.may_touch('hookledger_receiver')$$, 'the receiver may touch nothing in ledger');
select is_empty($$select * from pg_temp.may_touch('hookledger_operator')$$, 'the operator neither');
select ok(not has_schema_privilege('hookledger_receiver', 'ledger', 'usage, create'), 'nor use the schema: receiver');
select ok(not has_schema_privilege('hookledger_operator', 'ledger', 'usage, create'), 'nor use the schema: operator');
select ok(not (select rolcanlogin or rolsuper or rolcreaterole or rolcreatedb or rolbypassrls from pg_roles where rolname = 'hookledger_receiver'),
          'the roles are plain groups');

-- Every role of ours, whatever it is: no interface schema but its own, and no way to more.
create temp view programs as
  select 'hookledger_' || program as role, program from unnest(array['receiver', 'operator', 'api', 'courier', 'admin', 'reader']) program;
create temp view schemas as
  select n.oid, n.nspname as schema from pg_namespace n where n.nspname in ('ledger', 'toggl', 'receiver', 'operator', 'api', 'courier', 'admin');
select is_empty($$select role, name from programs p cross join interface_function d
                  where has_function_privilege(role, d.oid, 'execute') is distinct from (p.program = d.schema)$$,
                'each role may call every function of its own interface schema, and none of another');
select is_empty($$select role, schema from programs p cross join schemas s
                  where has_schema_privilege(role, s.oid, 'usage') is distinct from
                        (p.program = s.schema or (s.schema = 'toggl' and p.program in ('reader', 'operator')))$$,
                'and use no other schema; readers, and the operator who exports as one, schema toggl');
select is_empty($$select role, schema from programs cross join schemas s where has_schema_privilege(role, s.oid, 'create')$$, 'none makes anything in our schemas');
select is_empty($$select role, touched from programs, pg_temp.may_touch(role) touched$$, 'none touches anything in ledger');
select is_empty($$select role, c.relname from programs cross join pg_class c
                  where c.relnamespace = 'toggl'::regnamespace and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(role, c.oid, 'insert, update, delete, truncate, references, trigger')$$, 'none changes anything in toggl');
select is_empty($$select a.role, b.rolname from programs a cross join pg_roles b
                  where b.rolname <> a.role and pg_has_role(a.role, b.oid, 'member')
                    and (a.role, b.rolname) <> ('hookledger_operator', 'hookledger_reader')$$,
                'none is a member of another role, such as those that read files or run programs; the operator is a reader');
select is_empty($$select rolname from pg_roles join programs on role = rolname
                  where rolcanlogin or rolsuper or rolcreaterole or rolcreatedb or rolbypassrls or rolreplication$$, 'none has a power of its own');
select is_empty($$select role, p.proname from programs cross join pg_proc p
                  where p.proname in ('pg_read_file', 'pg_read_binary_file', 'pg_ls_dir', 'lo_import', 'lo_export', 'pg_reload_conf', 'pg_rotate_logfile',
                                      'pg_promote', 'pg_stat_reset') and has_function_privilege(role, p.oid, 'execute')$$,
                'none reads files of the server or steers it');

-- Tried, not only looked up.
grant all on schema public to hookledger_receiver;
set local role hookledger_receiver;
select lives_ok('select * from receiver.keys()', 'the receiver reads its keys');
select lives_ok($$select receiver.append('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', 'webhook')$$, 'and appends');
select throws_ok('select * from ledger.event', '42501', null, 'but reads no event');
select throws_ok('select * from operator.endpoint_list(0, 1)', '42501', null, 'and lists no endpoint');
select throws_ok('select ledger.partition_ahead()', '42501', null, 'and makes no partition');
reset role;
set local role hookledger_operator;
select lives_ok('select * from operator.facts()', 'the operator asks for facts');
select throws_ok('select * from receiver.keys()', '42501', null, 'but does not use the receiver''s interface schema');
reset role;
set local role hookledger_reader;
select lives_ok('select * from toggl.time_entry', 'a reader reads schema toggl');
select throws_ok('select * from operator.facts()', '42501', null, 'but does not use the operator''s interface schema');
reset role;

select * from finish();
rollback;
