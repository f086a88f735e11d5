-- Every object of schema toggl has a comment. The example at the end of the comment of
-- each view and function returns rows of the sample data to a role that may only read
-- schema toggl.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap;
\o /dev/null
\ir ../data/sample.sql
\ir ../../sql/functions/roles.sql
-- as if recorded by a transaction that is over: a load goes no further
update ledger.event set txid = '3';
select operator.invoice_freeze('May', '2026-05-01', '2026-06-01', 'Europe/Berlin', null, null, null);
select ledger.completeness_set(7435584, '{2026-05-04}', '{0}', '{3600}', '{7200}', '{true}');
update toggl.time_entry set description = 'Sketches and pages' where time_entry_id = 3001;
select ledger.entry_words_write_range(1, 9999);
\o

create temp view described as
  select c.oid::regclass::text as name, obj_description(c.oid, 'pg_class') as comment
  from pg_class c where c.relnamespace = 'toggl'::regnamespace and c.relkind in ('v', 'm')
  union all
  select p.oid::regprocedure::text, obj_description(p.oid, 'pg_proc')
  from pg_proc p where p.pronamespace = 'toggl'::regnamespace;

select plan(4 + count(*)::integer) from described;
select isnt_empty('select from described', 'there are views and functions');
select is_empty($$select name from described where comment is null or comment !~ ' Example: select [^;]+;$'$$,
                'the comment of each ends with an example');
select is_empty(
  $$select c.relname || '.' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'toggl'::regnamespace and c.relkind in ('r', 'v', 'm') and a.attnum > 0 and not a.attisdropped
      and col_description(c.oid, a.attnum) is null$$, 'every column has a comment');
select is_empty(
  $$select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'toggl'::regnamespace and p.pronargs > 0 and (p.proargnames is null or '' = any (p.proargnames))$$,
  'every argument has a name');
grant select on described to hookledger_reader;
set local role hookledger_reader;
select isnt_empty(substring(comment from ' Example: (select [^;]+);$'), 'example of ' || name) from described order by name;
reset role;

select * from finish();
rollback;
