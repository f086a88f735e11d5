-- What `hookledger export` is given to run.
begin;
create extension if not exists pgtap;
select plan(28);
\ir lib/refused.sql

create temp view wanted as select * from operator.export_plan('tag', null, 'csv', 'UTC', null);

-- ---- what there is

select results_eq($$select kind, about from operator.export_list() where name = 'time_entry'$$,
                  $$select 'table', obj_description('toggl.time_entry'::regclass)$$, 'a table is listed with its comment');
create view toggl.one as select 1 as number;
create materialized view toggl.two as select 2 as number;
comment on view toggl.one is 'One row. Example: select number from toggl.one;';
select results_eq($$select name, kind, about from operator.export_list() where name in ('one', 'two')$$,
                  $$values ('one', 'view', 'One row.'), ('two', 'view', '')$$, 'so is a view, without its example');
select is_empty($$select l.name from operator.export_list() l where to_regclass('toggl.' || quote_ident(l.name)) is null$$,
                'and nothing that is not there');
select cmp_ok(count(*), '>=', 10::bigint, 'the tables of a Toggl workspace') from operator.export_list() where kind = 'table';

-- ---- a name

select matches(copying, '^copy \(\nselect \* from toggl\.tag\n\) to stdout \(format csv, header', 'a table as CSV') from wanted;
select is(copying, (select copying from wanted), 'with its schema or without') from operator.export_plan('toggl.tag', null, 'csv', 'UTC', null);
select matches(copying, 'format text', 'in the format of COPY') from operator.export_plan('one', null, 'copy', 'UTC', null);
select matches(copying, 'row_to_json.*format csv', 'as NDJSON, which is one column of CSV') from operator.export_plan('tag', null, 'ndjson', 'UTC', null);
select matches(copying, e'delimiter E''\x01'', quote E''\x02''', 'without bytes that JSON has')
from operator.export_plan('tag', null, 'ndjson', 'UTC', null);
select matches(copying, '^copy \(select toggl\.spreadsheet_cell\(x\.c1::text, pg_typeof\(x\.c1\), ''\.''\) as number from \(\nselect \* from toggl\.one\n\) x \(c1\)\) to stdout \(format csv, header',
               'for a spreadsheet each cell is looked at') from operator.export_plan('one', null, 'spreadsheet', 'UTC', null);
create table toggl."odd ""name; drop" (x integer);
select matches(copying, 'toggl\."odd ""name; drop"', 'a name is quoted') from operator.export_plan('odd "name; drop', null, 'csv', 'UTC', null);
select is(pg_temp.refused($$select operator.export_plan('nothing', null, 'csv', 'UTC', null)$$) - 'known',
          '{"code": "export.table_unknown", "table": "nothing", "sqlstate": "P0002"}', 'a name that is none');
select throws_ok($$select operator.export_plan('ledger.event', null, 'csv', 'UTC', null)$$, 'P0002', null, 'nor one of another schema');
select throws_ok($$select operator.export_plan('tag_pkey', null, 'csv', 'UTC', null)$$, 'P0002', null, 'nor an index');

-- ---- a query

select matches(copying, e'^copy \\(\nselect 1 -- one\n\\) to stdout', 'a comment at its end ends there')
from operator.export_plan(null, 'select 1 -- one', 'csv', 'UTC', null);
select matches(copying, '%s %I %%', 'signs of format() in it are its own') from operator.export_plan(null, $$select '%s %I %%'$$, 'csv', 'UTC', null);
select throws_ok($$select operator.export_plan('tag', 'select 1', 'csv', 'UTC', null)$$, '22023', null, 'a name or a query');
select throws_ok($$select operator.export_plan(null, null, 'csv', 'UTC', null)$$, '22023', null, 'one of them');
select is(pg_temp.refused($$select operator.export_plan('tag', null, 'xml', 'UTC', null)$$),
          '{"code": "export.format_unknown", "format": "xml", "sqlstate": "22023"}', 'a format that is none');

select matches(copying, 'pg_typeof\(x\.c1\), ''\.''\) as "a ""b", toggl\.spreadsheet_cell\(x\.c2::text, pg_typeof\(x\.c2\), ''\.''\) as "%s", toggl\.spreadsheet_cell\(x\.c3::text, pg_typeof\(x\.c3\), ''\.''\) as "''=h" from \(\ntable x\n\) x \(c1, c2, c3\)', 'columns of a query by their names, which are no formulas either')
from operator.export_plan(null, 'table x', 'spreadsheet', 'UTC', array['a "b', '%s', '=h']);
select is(copying, null, 'which must be known') from operator.export_plan(null, 'table x', 'spreadsheet', 'UTC', '{}');

-- ---- for a spreadsheet

create temp table texts as
select text, text as wanted from unnest(array['x', '', '-5', '+5', '-0.25', '-.5e-3', '0', '0.5', '123456789012345', '1+1', '''=1', 'a-b, c+d; e=f', 'x@y.org',
                                              'a;-5,+3;.5', e'-5\t-6', 'a; b, c', '2026-05-04', '12:30', 'größe', null]) text
union all
select text, '''' || text from unnest(array['=1+1', '-1+1', '+49 30 1', '@x', '-', '-infinity', '=', '-1.2.3', ' =1', '"=1"', e'\u00a0=1', e'\u200b@x', e'\ufeff=1', e'\u0001=1', e'\u2003=1', e'\u061c=1', e'\ufe0f@x', e'\u2066\u3000＝1',
                                            '＝1+1', '＋1', '－1', '＠x', '﹦1',
                                            '8023169274704072', '-8023169274704072', '1234567890123456.5', '007', '12E5']) text
union all
select text, wanted from (values
  ('a,=1', 'a,''=1'), ('a;=1', 'a;''=1'), (e'a\t=1', e'a\t''=1'), ('a|=1', 'a|''=1'), (e'a\u000b=1', e'a\u000b''=1'), (e'a\u0085-x', e'a\u0085''-x'), (e'a\u2028＝1', e'a\u2028''＝1'), (e'a\n=1', e'a\n''=1'), (e'a\r\n@x', e'a\r\n''@x'), ('a;;=1', 'a;;''=1'),
  ('a;" =1";b', 'a;''" =1";b'), ('a; ＝1', 'a;'' ＝1'), ('=1;=2', '''=1;''=2'), ('a;-5;-x', 'a;-5;''-x'), (e'-5\n=1', e'-5\n''=1'), ('a;+49 30', 'a;''+49 30'),
  (e'\t=1', e'''\t''=1'), (e'\n', e'''\n'), (e'\r=1', e'''\r''=1')) x (text, wanted);
select is_empty($$select text, toggl.spreadsheet_text(text), wanted from texts where toggl.spreadsheet_text(text) is distinct from wanted$$,
                'an apostrophe stands before each formula and each number that would change, and nowhere else');

set timezone = 'Europe/Berlin';
select is(toggl.spreadsheet_cell(at::text, pg_typeof(at)), wanted, 'a time in the zone, without offset, to the second: ' || wanted)
from (values (timestamptz '2026-03-29 01:30:00.123456+00', '2026-03-29 03:30:00'), ('2026-01-01 00:00:00+00', '2026-01-01 01:00:00'), ('0044-03-15 12:00:00 BC', '0044-03-15 12:00:00 BC'),
             ('12026-01-01 00:00+01', '12026-01-01 00:00:00'), ('-infinity', '''-infinity'), ('infinity', 'infinity')) x (at, wanted);
set timezone = 'Asia/Kolkata';
select is(toggl.spreadsheet_cell(at::text, pg_typeof(at)), '2026-03-29 07:00:00', 'also where the offset has minutes') from (select timestamptz '2026-03-29 01:30:00+00' as at) x;
select is(toggl.spreadsheet_cell(value, type, ','), wanted, format('%s %s', type, value))
from (values ('12.50', 'numeric'::regtype, '12,50'), ('-0.5', 'double precision', '-0,5'), ('-1e-07', 'double precision', '-1e-07'), ('NaN', 'numeric', 'NaN'), ('-Infinity', 'numeric', '''-Infinity'),
             ('8023169274704072', 'bigint', '''8023169274704072'), ('-8023169274704072', 'bigint', '''-8023169274704072'), ('999999999999999', 'bigint', '999999999999999'),
             ('0.30000000000000004', 'double precision', '0,30000000000000004'), ('2026-03-29 01:30:00.5', 'timestamp', '2026-03-29 01:30:00'), ('2026-03-29', 'date', '2026-03-29'),
             ('1 day 02:03:04.9', 'interval', '26:03:04'), ('-00:00:05', 'interval', '''-0:00:05'), ('12.50', 'text', '12.50'), ('=1', 'text', '''=1'), ('{=1}', 'text[]', '{=1}'),
             ('true', 'boolean', 'true'), (null, 'interval', null), (null, 'text', null)) x (value, type, wanted);
select matches(copying, 'delimiter '';''', 'the separator that is wanted') from operator.export_plan('one', null, 'csv', 'UTC', null, ';');
select matches(copying, ''',''\) as number.*delimiter ''\t''', 'with the decimal sign that is wanted') from operator.export_plan('one', null, 'spreadsheet', 'UTC', null, e'\t', ',');
select throws_ok($$select operator.export_plan('one', null, 'csv', 'UTC', null, '''')$$, '22023', null, 'a separator that is none');
select throws_ok($$select operator.export_plan('one', null, 'spreadsheet', 'UTC', null, ',', 'x')$$, '22023', null, 'a decimal sign that is none');
set timezone = 'UTC';

-- ---- how it begins

select matches(opening, '^begin transaction read only;.*search_path = toggl, pg_temp', 'read only, names looked up in toggl') from wanted;
select matches(opening, 'timezone = ''Asia/Kolkata''', 'in the zone that is wanted') from operator.export_plan('tag', null, 'csv', 'Asia/Kolkata', null);
select is(pg_temp.refused($$select operator.export_plan('tag', null, 'csv', 'Nowhere', null)$$),
          '{"code": "zone.unknown", "zone": "Nowhere", "sqlstate": "22023"}', 'which there must be');
select throws_ok($$select operator.export_plan('tag', null, 'csv', '+02:00', null)$$, '22023', null, 'an offset is none: its sign would be misread');
\ir ../../sql/functions/roles.sql
select matches(opening, 'set local role hookledger_reader', 'as a reader, when there is that role') from wanted;

select * from finish();
rollback;
