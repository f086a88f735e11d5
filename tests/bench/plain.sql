-- SPDX-License-Identifier: ISC
-- Takes the writing of the typed tables away from a migrated database, and nothing else, so that
-- recording can be measured without them. measure.py checks that no time entry was written.
do $$
declare
  writer record;
begin
  for writer in
    select p.oid::regprocedure as name, pg_get_function_arguments(p.oid) as arguments, p.proname,
           pg_get_function_result(p.oid) as result
    from pg_proc p
    where p.pronamespace = 'ledger'::regnamespace and p.proname in ('apply', 'write_one_time_entry')
  loop
    execute format('create or replace function ledger.%I(%s) returns %s language plpgsql '
                   'set search_path = ledger, pg_temp as %L', writer.proname, writer.arguments, writer.result,
                   case writer.result when 'void' then 'begin end' else 'begin return true; end' end);
  end loop;
end
$$;
