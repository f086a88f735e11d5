-- Interface schema of the command line: the statements of `hookledger export`. SQL text belongs
-- here, so these functions build the statements; the command line runs them in its own session,
-- because a function cannot stream.

-- Who confines it: the role of the readers when there is one that may read here
-- (roles belong to all databases) and the session may become it.
create function ledger.export_opening(zone text, format text)
returns text
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  reader oid := (select r.oid from pg_roles r where r.rolname = 'hookledger_reader');
  -- to become a role is a right of its own from version 16 on
  become text := case when current_setting('server_version_num')::integer >= 160000 then 'set' else 'member' end;
  opening text;
begin
  if not exists (select from pg_timezone_names z where lower(z.name) = lower(zone)) then
    perform ledger.refuse('zone.unknown', jsonb_build_object('zone', zone));
  end if;
  opening := format(
    'begin transaction read only; '
    'set local search_path = toggl, pg_temp; '
    'set local timezone = %L; '
    'set local datestyle = ''ISO''; '
    'set local intervalstyle = %L; '
    'set local bytea_output = ''hex''; '
    'set local extra_float_digits = 1; '
    'set local statement_timeout = 0; ',
    zone, case format when 'ndjson' then 'iso_8601' else 'postgres' end);
  begin
    -- An export that was killed then ends at the server too; not every system supports this check.
    perform set_config('client_connection_check_interval', '5s', true);
    opening := opening || 'set local client_connection_check_interval = ''5s''; ';
  exception
    when invalid_parameter_value then null;
  end;
  if pg_has_role(session_user, reader, become) and has_schema_privilege(reader, 'toggl', 'usage') then
    opening := opening || 'set local role hookledger_reader; ';
  end if;
  return opening;
end
$$;
comment on function ledger.export_opening(text, text) is
  'Statements that begin the transaction of an export: read only, names looked up in toggl, times in that zone '
  '(22023: there is none), as hookledger_reader when the session may become it.';

create function operator.export_list()
returns table (name text, kind text, about text)
language sql stable security definer set search_path = ledger, pg_temp
begin atomic
  select c.relname::text, case when c.relkind in ('v', 'm') then 'view' else 'table' end,
         split_part(coalesce(obj_description(c.oid, 'pg_class'), ''), ' Example: ', 1)
  from pg_class c
  where c.relnamespace = to_regnamespace('toggl') and c.relkind in ('r', 'p', 'v', 'm', 'f')
    and not c.relispartition
  order by c.relname;
end;
comment on function operator.export_list() is
  'The tables and views of schema toggl, each with its comment, without the example in it.';

create function operator.export_plan(relation text, query text, format text, zone text, columns text[],
                                     separator text default ',', decimal_sign text default '.')
returns table (opening text, copying text, closing text)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
declare
  known text[] := (select array_agg(l.name) from operator.export_list() l);
  bare text := regexp_replace(relation, '^toggl\.', '');
  source text;
begin
  if separator not in (',', ';', E'\t') or decimal_sign not in ('.', ',') then
    perform ledger.refuse('export.separator_unknown');
  end if;
  if (relation is null) = (query is null) then
    perform ledger.refuse('export.source_count');
  end if;
  if query is not null then
    source := query;
  elsif bare = any (known) then
    source := format('select * from toggl.%I', bare);
    columns := (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
                where a.attrelid = format('toggl.%I', bare)::regclass and a.attnum > 0 and not a.attisdropped);
  else
    perform ledger.refuse('export.table_unknown',
                          jsonb_build_object('table', bare, 'known', coalesce(array_to_string(known, ', '), 'none')),
                          'P0002');
  end if;
  -- The server has parsed the query alone before: it is one whole statement, so it cannot close the
  -- parenthesis around it. The line end ends a comment in it.
  case format
    when 'csv' then
      copying := format(E'copy (\n%s\n) to stdout (format csv, header, delimiter %L, encoding ''UTF8'')', source,
                        separator);
    when 'spreadsheet' then
      copying := (
        select format(E'copy (select %s from (\n%s\n) x (%s)) to stdout (format csv, header, delimiter %L, encoding '
                      '''UTF8'')',
                      string_agg(format('toggl.spreadsheet_cell(x.c%1$s::text, pg_typeof(x.c%1$s), %2$L) as %3$I',
                                        c.place, decimal_sign,
                                        toggl.spreadsheet_text(c.name)), ', ' order by c.place), source,
                      string_agg('c' || c.place, ', ' order by c.place), separator)
        from unnest(columns) with ordinality c (name, place)
        having count(*) > 0);
    when 'copy' then
      copying := format(E'copy (\n%s\n) to stdout (format text, encoding ''UTF8'')', source);
    when 'ndjson' then
      -- Text format would double every backslash. CSV with a delimiter and a quote that never occur
      -- in JSON leaves it unchanged; line ends are only between the tokens of a column of type
      -- json.
      copying := format(E'copy (select replace(replace(row_to_json(x.*)::text, E''\\n'', '' ''), E''\\r'', '' '') '
                        'from (\n%s\n) x) '
                        'to stdout (format csv, delimiter E''\x01'', quote E''\x02'', encoding ''UTF8'')', source);
    else
      perform ledger.refuse('export.format_unknown', jsonb_build_object('format', format));
  end case;
  -- Before version 16 the functions of large objects write even read only.
  return query select ledger.export_opening(zone, format), copying, 'rollback';
end
$$;
comment on function operator.export_plan(text, text, text, text, text[], text, text) is
  'What to run, one after the other, to export a table or view of schema toggl (P0002: there is none of that name), '
  'or a query, as csv, ndjson, copy, or as the csv that a spreadsheet takes, cells separated by `separator`, numbers '
  'with `decimal_sign` (for a spreadsheet only). A query must have been described by itself after `opening`, as one '
  'statement that gives columns; for a spreadsheet their names are wanted then, and `copying` is null without them.';
