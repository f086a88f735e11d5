-- What `hookledger export` is given to run.
begin;
create extension if not exists pgtap;
select plan(28);

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
select matches(copying, '^copy \(select toggl\.spreadsheet_text\(x\.c1::text\) as number from \(\nselect \* from toggl\.one\n\) x \(c1\)\) to stdout \(format csv, header',
               'for a spreadsheet each cell is looked at') from operator.export_plan('one', null, 'spreadsheet', 'UTC', null);
create table toggl."odd ""name; drop" (x integer);
select matches(copying, 'toggl\."odd ""name; drop"', 'a name is quoted') from operator.export_plan('odd "name; drop', null, 'csv', 'UTC', null);
select throws_ok($$select operator.export_plan('nothing', null, 'csv', 'UTC', null)$$, 'P0002',
                 'there is no table or view "nothing" in schema toggl', 'a name that is none');
select throws_ok($$select operator.export_plan('ledger.event', null, 'csv', 'UTC', null)$$, 'P0002', null, 'nor one of another schema');
select throws_ok($$select operator.export_plan('tag_pkey', null, 'csv', 'UTC', null)$$, 'P0002', null, 'nor an index');

-- ---- a query

select matches(copying, e'^copy \\(\nselect 1 -- one\n\\) to stdout', 'a comment at its end ends there')
from operator.export_plan(null, 'select 1 -- one', 'csv', 'UTC', null);
select matches(copying, '%s %I %%', 'signs of format() in it are its own') from operator.export_plan(null, $$select '%s %I %%'$$, 'csv', 'UTC', null);
select throws_ok($$select operator.export_plan('tag', 'select 1', 'csv', 'UTC', null)$$, '22023', null, 'a name or a query');
select throws_ok($$select operator.export_plan(null, null, 'csv', 'UTC', null)$$, '22023', null, 'one of them');
select throws_ok($$select operator.export_plan('tag', null, 'xml', 'UTC', null)$$, '22023', 'a format is csv, ndjson or copy, not "xml"', 'a format that is none');

select matches(copying, 'x\.c1::text\) as "a ""b", toggl\.spreadsheet_text\(x\.c2::text\) as "%s", toggl\.spreadsheet_text\(x\.c3::text\) as "''=h" from \(\ntable x\n\) x \(c1, c2, c3\)', 'columns of a query by their names, which are no formulas either')
from operator.export_plan(null, 'table x', 'spreadsheet', 'UTC', array['a "b', '%s', '=h']);
select is(copying, null, 'which must be known') from operator.export_plan(null, 'table x', 'spreadsheet', 'UTC', '{}');

-- ---- for a spreadsheet

create temp table texts as
select text, false as is_formula from unnest(array['x', '', ' =1', '-5', '+5', '-0.25', '-.5e-3', '1+1', '''=1', e'x\n=1', null]) text
union all
select text, true from unnest(array['=1+1', '-1+1', '+49 30 1', '@x', e'\t=1', e'\n=1', e'\r=1', '-', '-infinity', '=', e'-5\n=1', '-1.2.3']) text;
select is_empty($$select text from texts where toggl.spreadsheet_text(text) is distinct from case when is_formula then '''' end || text
                  and is_formula$$, 'a formula gets an apostrophe');
select is_empty($$select text from texts where toggl.spreadsheet_text(text) is distinct from text and not is_formula$$, 'any other text is as it is');

-- ---- how it begins

select matches(opening, '^begin transaction read only;.*search_path = toggl, pg_temp', 'read only, names looked up in toggl') from wanted;
select matches(opening, 'timezone = ''Asia/Kolkata''', 'in the zone that is wanted') from operator.export_plan('tag', null, 'csv', 'Asia/Kolkata', null);
select throws_ok($$select operator.export_plan('tag', null, 'csv', 'Nowhere', null)$$, '22023', 'there is no time zone "Nowhere"', 'which there must be');
select throws_ok($$select operator.export_plan('tag', null, 'csv', '+02:00', null)$$, '22023', null, 'an offset is none: its sign would be misread');
\ir ../../sql/functions/roles.sql
select matches(opening, 'set local role hookledger_reader', 'as a reader, when there is that role') from wanted;

select * from finish();
rollback;
