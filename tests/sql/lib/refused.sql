-- For tests: what a statement is refused with, as {"sqlstate", "code", parameters}. Included by \ir.
create function pg_temp.refused(statement text)
returns jsonb
language plpgsql
as $$
declare
  detail text;
begin
  execute statement;
  return null;
exception when others then
  get stacked diagnostics detail = pg_exception_detail;
  return case when detail like '{%' then detail::jsonb else jsonb_build_object('message', sqlerrm) end || jsonb_build_object('sqlstate', sqlstate);
end
$$;
