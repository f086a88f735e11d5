-- What `hookledger migrate` needs before the first migration: the schema ledger, its list of
-- migrations, and the few functions that keep that list. Run at the start of every migrate, in a
-- transaction of its own; may be repeated. The lock makes a second migrate wait until the first one
-- has ended.
begin;
select pg_advisory_xact_lock(7306021983461007);

create schema if not exists ledger;
comment on schema ledger is
  'Everything that hookledger records. Only the functions in the interface schemas (receiver, operator, api, courier, '
  'admin) touch it.';

create table if not exists ledger.migration (
  version integer primary key,
  name text not null,
  checksum text not null,
  program_version text not null,
  applied_at timestamptz not null default now()
);
comment on table ledger.migration is 'Schema steps that this database has, one row a file of sql/migrations.';
comment on column ledger.migration.version is 'Number in front of the file name; 0 stands for all of sql/functions.';
comment on column ledger.migration.name is 'File name without folder.';
comment on column ledger.migration.checksum is 'SHA-256 of the file as it was applied, in hex.';
comment on column ledger.migration.program_version is 'hookledger version that applied it.';
comment on column ledger.migration.applied_at is 'When it was committed.';

create or replace function ledger.migration_list()
returns table (version integer, name text, checksum text, program_version text, applied_at timestamptz)
language sql stable set search_path = ledger, pg_temp
as 'select m.version, m.name, m.checksum, m.program_version, m.applied_at from ledger.migration m order by m.version';
comment on function ledger.migration_list() is 'The migrations that were applied.';

create or replace function ledger.migration_begin(step bigint, digest text, newest bigint)
returns boolean
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  gone text;
begin
  perform pg_advisory_xact_lock(7306021983461007);
  -- Another migrate may have changed the schema while this one waited for the lock.
  if exists (select from ledger.migration m where m.version > newest) then
    raise exception 'a newer hookledger has migrated this database just now; install that one'
      using errcode = '22023';
  end if;
  if exists (select from ledger.migration m
             where m.version = step and (step > 0 or m.checksum = digest)) then
    return false;
  end if;
  -- The interface schemas depend on the tables. The last step creates them again. Until then the
  -- receiver cannot append, and writes callbacks to its spool.
  foreach gone in array array['receiver', 'operator', 'api', 'courier', 'admin'] loop
    execute format('drop schema if exists %I cascade', gone);
  end loop;
  -- All names are read first: dropping one view also drops the views that depend on it.
  foreach gone in array coalesce((
    select array_agg(format('%s if exists %s', case p.prokind when 'p' then 'procedure' else 'function' end,
                            p.oid::regprocedure))
    from pg_proc p
    where p.pronamespace = 'ledger'::regnamespace and p.proname not like 'migration\_%'), '{}') loop
    execute 'drop ' || gone || ' cascade';
  end loop;
  -- They are dropped now, so the last step must run even if its files did not change.
  delete from ledger.migration m where m.version = 0;
  return true;
end
$$;
comment on function ledger.migration_begin(bigint, text, bigint) is
  'Takes the migration lock for this transaction and drops the interface schemas. False when another migrate was '
  'faster and the step is there already; an error when the database has a version above `newest`.';

create or replace function ledger.migration_end(step bigint, file text, digest text, program text)
returns void
language sql set search_path = ledger, pg_temp
as $$
  insert into ledger.migration (version, name, checksum, program_version)
  values (step::integer, file, digest, program)
  on conflict (version) do update
    set name = excluded.name, checksum = excluded.checksum,
        program_version = excluded.program_version, applied_at = now()
$$;
comment on function ledger.migration_end(bigint, text, text, text) is
  'Notes that a step is applied; part of the step''s own transaction.';

revoke all on schema ledger from public;
revoke all on all functions in schema ledger from public;
commit;
