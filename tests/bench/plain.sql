-- Takes the writing of the typed tables away from a migrated database, and nothing
-- else, so that recording can be measured beside recording without them.
do $$
declare
  writer regprocedure := (select p.oid from pg_proc p where p.pronamespace = 'ledger'::regnamespace and p.proname = 'apply');
begin
  execute format('create or replace function ledger.apply(%s) returns void language plpgsql '
                 'set search_path = ledger, pg_temp as %L',
                 pg_get_function_arguments(writer), 'begin end');
end
$$;
