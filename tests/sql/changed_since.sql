-- Loads by other systems, from cursor to cursor. (With transactions that run at
-- once: tests/e2e/projection/test_changed_since.py.)
begin;
set local client_min_messages = warning;
create extension if not exists pgtap;
select plan(35);
\o /dev/null
\ir ../data/tell.sql
\o

-- What is in the ledger was recorded by this very transaction; as if it were
-- older: a transaction an event, in the order of their numbers.
create function pg_temp.age() returns void language sql as
  $$ update ledger.event set txid = (700 + event_id)::text::xid8 where txid = pg_current_xact_id() $$;
create function pg_temp.record(event bigint, created timestamptz, action text, payload text, entity bigint, model text default 'project',
                             workspace bigint default 7435584)
returns void language sql as
  $$ select pg_temp.tell(event, created, action, payload, entity, model, workspace => workspace); select pg_temp.age() $$;
create function pg_temp.page(after text default null, of_model text default 'project', most integer default 1000)
returns table (cursor text, is_restart boolean, workspace_id bigint, entity_id bigint, name text, is_deleted boolean) language sql as $$
  select c.cursor, c.is_restart, c.workspace_id, c.entity_id, c.entity ->> 'name', c.deleted_at is not null
  from toggl.changed_since(of_model, after, most) c
$$;

\o /dev/null
select pg_temp.record(1, '2026-07-01Z', 'created', '{"name":"a"}', 10);
select pg_temp.record(2, '2026-07-02Z', 'created', '{"name":"b"}', 20);
select pg_temp.record(3, '2026-07-03Z', 'updated', '{"name":"a2"}', 10);
select pg_temp.record(4, '2026-07-03Z', 'created', '{"name":"time"}', 10, 'time_entry');
select pg_temp.record(5, '2026-07-04Z', 'created', '{"name":"elsewhere"}', 10, workspace => 555);
\o

select results_eq('select is_restart, workspace_id, entity_id, name from pg_temp.page()',
                  $$values (true, 7435584::bigint, 20::bigint, 'b'), (true, 7435584, 10, 'a2'), (true, 555, 10, 'elsewhere')$$,
                  'from the beginning: each entity once, as it is now, in the order of recording');
select is(entity - '{payload,changed_at}'::text[], (select to_jsonb(p) - '{payload,changed_at}'::text[] from toggl.project p where name = 'b'),
          'as the row of its table') from toggl.changed_since('project') where entity_id = 20;
select matches(cursor, '^1\.1-702-\d+$', 'with a cursor') from pg_temp.page() where entity_id = 20;
select results_eq('select name, is_restart from pg_temp.page((select cursor from pg_temp.page(most => 1)))',
                  $$values ('a2', false), ('elsewhere', false)$$, 'from there it goes on');
select is(count(*), 1::bigint, 'a page has at most so many') from pg_temp.page(most => 1);
select is(name, 'time', 'of one kind only') from toggl.changed_since('time_entry') c, lateral (select c.entity -> 'payload' ->> 'name') p (name);
create temp view last as select max(cursor) as cursor from pg_temp.page();
select is_empty('select * from pg_temp.page((select cursor from last))', 'nothing new, no rows');

-- ---- what changes between pages

create temp table kept as select cursor from last;
\o /dev/null
select pg_temp.record(6, '2026-07-05Z', 'deleted', '{"name":"b"}', 20);
select pg_temp.record(7, '2026-07-01 12:00Z', 'updated', '{"name":"older"}', 10);
\o
select results_eq('select entity_id, name, is_deleted from pg_temp.page((select cursor from kept))', $$values (20::bigint, 'b', true)$$,
                  'a deletion is a change; a late older one is none');
-- Gone before what it was: the row has two events.
\o /dev/null
select pg_temp.record(8, '2026-07-06Z', 'deleted', 'null', 30);
\o
select results_eq($$select name, is_deleted from pg_temp.page('1.1-707-999999999')$$, $$values (null::text, true)$$, 'a deletion that names only the id');
\o /dev/null
select pg_temp.record(9, '2026-07-05Z', 'created', '{"name":"c"}', 30);
\o
select results_eq($$select name, is_deleted from pg_temp.page('1.1-708-999999999')$$, $$values ('c', true)$$, 'a new creation shows it again');
select is(count(*), 1::bigint, 'and once from the beginning') from pg_temp.page() where entity_id = 30;
\o /dev/null
select pg_temp.record(10, '2026-07-05Z', 'created', '{"name":"d"}', 40);
select pg_temp.record(11, '2026-07-06Z', 'deleted', 'null', 40);
\o
select results_eq($$select name, is_deleted from pg_temp.page('1.1-709-999999999')$$, $$values ('d', true)$$, 'the other way about: once too');
select results_eq($$select name, is_deleted from pg_temp.page('1.1-710-999999999')$$, $$values ('d', true)$$, 'where it was deleted');
select is_empty($$select * from pg_temp.page('1.1-711-999999999')$$, 'and then no more');

-- ---- what is not complete

select pg_temp.tell(12, '2026-07-07Z', 'updated', '{"name":"a3"}', 10, 'project');
select is_empty($$select * from pg_temp.page('1.1-711-999999999')$$, 'what a transaction that still runs has recorded waits');
select pg_temp.age();
select results_eq($$select name from pg_temp.page('1.1-711-999999999')$$, $$values ('a3')$$, 'and comes when it is over');

-- ---- baseline

with gone as (delete from ledger.event where entity_id = 20 and model = 'project' returning *)
insert into ledger.baseline
select workspace_id, event_id, created_at, received_at, seq, txid, epoch, endpoint_id, secret_id, creator_id, entity_id, model,
       action, source, signature, body from gone where action = 'deleted';
select results_eq('select name, is_deleted from pg_temp.page() where entity_id = 20', $$values ('b', true)$$,
                  'a load from the beginning has what retention has left');
create function pg_temp.by_pages(of_model text, size integer) returns setof bigint language plpgsql as $$
declare
  place text;
  entity bigint;
  found_here integer;
begin
  loop
    found_here := 0;
    for place, entity in select c.cursor, c.entity_id from toggl.changed_since(of_model, place, size) c loop
      found_here := found_here + 1;
      return next entity;
    end loop;
    exit when found_here < size;
  end loop;
end
$$;
select bag_eq($$select pg_temp.by_pages('project', 1)$$, 'select project_id from toggl.project', 'page by page all come, each once');

-- ---- kinds

\o /dev/null
select pg_temp.record(20, '2026-07-08Z', 'updated', '{"name":"Home"}', 7435584, 'workspace');
select pg_temp.record(21, '2026-07-08Z', 'updated', '{"name":"Home 2"}', null, 'workspace');
select pg_temp.record(22, '2026-07-08Z', 'created', '{"name":"x \u0000"}', 1, 'approval');
select pg_temp.record(23, '2026-07-08Z', 'created', '{"name":"y"}', 2, 'approval');
\o
select results_eq($$select entity_id, name from pg_temp.page(null, 'workspace')$$, $$values (7435584::bigint, 'Home 2')$$, 'a workspace');
select results_eq($$select entity_id, entity -> 'payload' ->> 'name' from toggl.changed_since('approval')$$,
                  $$values (1::bigint, U&'x \FFFD'), (2, 'y')$$, 'a kind without a table of its own');
select is_empty(format('select * from toggl.changed_since(%L)', model), 'none yet: ' || model)
from (values ('client'), ('tag'), ('task'), ('workspace_user'), ('project_user'), ('project_group')) m (model);
select throws_ok($$select * from toggl.changed_since('projects')$$, '22023', null, 'a kind that nobody knows is a mistake');
select throws_ok($$select * from toggl.changed_since('project', '1-700-5')$$, '22023', null, 'so is a cursor of something else');
select throws_ok($$select * from toggl.changed_since('project', null, 0)$$, '22023', null, 'and a page of nothing');

-- ---- restored

select is(bool_and(is_restart), true, 'a cursor from the future is of another database: all anew') from pg_temp.page('1.1-99999999999-1');
\o /dev/null
select operator.restored();
\o
select is(bool_and(is_restart), true, 'after a restore: all anew') from pg_temp.page((select cursor from kept));
select bag_eq($$select pg_temp.by_pages('project', 2)$$, 'select project_id from toggl.project',
              'the load of the new epoch comes to its end, through the events of the old one');

-- ---- the plan, as a reader

create function pg_temp.plan_of(model text) returns text language plpgsql as $$
declare
  line text;
  lines text := '';
begin
  set local enable_seqscan = off;
  set local enable_sort = off;
  for line in execute format('explain (costs off) select * from ledger.change c where c.model = %L
                              and (c.epoch, c.txid, c.seq) > (1, ''7''::xid8, 7) and (c.epoch, c.txid, c.seq) < (2, ''7''::xid8, 7)
                              order by c.epoch, c.txid, c.seq limit 10', model) loop
    lines := lines || line || E'\n';
  end loop;
  return lines;
end
$$;
select doesnt_match(pg_temp.plan_of(model), '->  Sort|Seq Scan', 'read in order of an index, nothing sorted: ' || model)
from unnest('{time_entry,project}'::text[]) model;
reset enable_seqscan;
reset enable_sort;

\ir ../../sql/functions/roles.sql
set local role hookledger_reader;
select isnt_empty($$select * from toggl.changed_since('project')$$, 'a reader loads');

select * from finish();
rollback;
