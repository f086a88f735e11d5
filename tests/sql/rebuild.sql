-- The typed tables written anew from the ledger: what was there is there again,
-- whatever happened to them.
begin;
create extension if not exists pgtap;
select plan(25);

insert into ledger.endpoint (endpoint_id, address, name, workspace_id) overriding system value values
  (101, 'address_of_the_first_1', 'first', 7), (102, 'address_of_the_second_', 'second', 8);
insert into ledger.endpoint_secret (secret_id, endpoint_id, sealed) overriding system value values (201, 101, ''), (202, 102, '');

-- One event; the minute of the hour is its number.
create function pg_temp.event(n bigint, endpoint bigint, model text, action text, entity bigint, payload text)
returns text language sql as $$
  select receiver.append(array[endpoint], array[endpoint + 100], array[null::bigint], array[n],
                         array['2026-07-01 10:00Z'::timestamptz + n * interval '1 minute'], array[now()], array[5::bigint],
                         array[entity], array[model], array[action], array[''::bytea],
                         array[format('{"payload":%s}', payload)::json], 'webhook')
$$;
create function pg_temp.everything() returns setof text language plpgsql as $$
declare
  of_table text;
begin
  for of_table in select c.relname from pg_class c where c.relnamespace = 'toggl'::regnamespace and c.relkind = 'r' order by 1 loop
    return query execute format('select %L || t::text from toggl.%I t', of_table, of_table);
  end loop;
end
$$;
-- Begins (anew) and goes to the end, `most` events a step: how many steps, and
-- how many rows were removed.
create function pg_temp.rebuild(most bigint, out steps bigint, out removed bigint) language plpgsql as $$
declare
  step record;
begin
  steps := 0;
  removed := 0;
  perform operator.rebuild_begin(true);
  loop
    select * into step from operator.rebuild_step(most);
    steps := steps + 1;
    removed := removed + step.removed;
    exit when step.finished;
  end loop;
end
$$;

select is_empty('select * from operator.rebuild_state()', 'a database that had its tables from the first needs no rebuild');
select throws_ok('select operator.rebuild_step(10)', '22023', null, 'a step of no rebuild');

-- Made and changed; made, deleted with all its fields, by a late older change not
-- brought back; made and deleted by number only; deleted and never seen; deleted
-- and made again; deleted, and deleted once more by number only.
select pg_temp.event(1, 101, 'time_entry', 'created', 10, '{"start":"2026-07-01T10:00:00Z","description":"one","duration":60}');
select pg_temp.event(2, 101, 'time_entry', 'updated', 10, '{"start":"2026-07-01T10:00:00Z","description":"two","duration":61}');
select pg_temp.event(4, 101, 'time_entry', 'deleted', 11, '{"start":"2026-07-01T10:00:00Z","description":"gone","server_deleted_at":"2026-07-01T11:00:00Z"}');
select pg_temp.event(3, 101, 'time_entry', 'created', 11, '{"start":"2026-07-01T10:00:00Z","description":"late"}');
select pg_temp.event(5, 101, 'time_entry', 'created', 12, '{"start":"2026-07-01T10:00:00Z"}');
select pg_temp.event(6, 101, 'time_entry', 'deleted', 12, '{"id":12}');
select pg_temp.event(7, 101, 'time_entry', 'deleted', 13, 'null');
select pg_temp.event(8, 101, 'project', 'created', 10, '{"name":"of the same number"}');
select pg_temp.event(9, 101, 'project', 'deleted', 10, '{"id":10}');
select pg_temp.event(10, 101, 'project', 'created', 10, '{"name":"again"}');
select pg_temp.event(11, 101, 'tag', 'deleted', 14, '{"name":"t"}');
select pg_temp.event(12, 101, 'tag', 'deleted', 14, '{"id":14}');
-- Odd values; the same entity in another workspace; unknown kinds; workspaces
-- whose events name them or nothing.
select pg_temp.event(13, 101, 'time_entry', 'updated', 15, '{"start":"soon","duration":"x","description":"odd"}');
select pg_temp.event(14, 102, 'time_entry', 'created', 10, '{"start":"2026-07-01T10:00:00Z","description":"elsewhere"}');
select pg_temp.event(15, 102, 'approval', 'created', 16, '{"state":"open"}');
select pg_temp.event(16, 102, 'approval', 'deleted', 16, '{"id":16}');
select pg_temp.event(17, 101, 'workspace', 'updated', 7, '{"id":7,"name":"ours"}');
select pg_temp.event(18, 102, 'workspace', 'updated', null, '{"name":"nameless"}');
select pg_temp.event(19, 101, 'time_entry', 'updated', null, '{"description":"of nothing"}');
select pg_temp.event(20, 101, 'workspace_user', 'created', -3, '{"user_id":5,"name":"Ada"}');
select pg_temp.event(21, 101, 'client', 'created', 9223372036854775807, '{"name":"far"}');
create temp table before as select * from pg_temp.everything() row;
select is(count(*), 13::bigint, 'the rows of some events') from before;
create temp table drift as select * from ledger.drift;

select results_eq('select * from pg_temp.rebuild(1000)', 'values (1::bigint, 0::bigint)', 'written anew in one step');
select bag_eq('select * from pg_temp.everything()', 'select * from before', 'it is what was there');
select is(events_done, 19::bigint, 'the events of entities are counted') from operator.rebuild_state();
select isnt(finished_us, null, 'and it is finished') from operator.rebuild_state();
select ok(not goes_on, 'another begins anew') from operator.rebuild_begin(false);
select ok(goes_on, 'and goes on until it is finished') from operator.rebuild_begin(false);
select cmp_ok(steps, '>', 5::bigint, 'it is the same in small steps') from pg_temp.rebuild(2);
select bag_eq('select * from pg_temp.everything()', 'select * from before', 'all of it');
select bag_eq('select * from ledger.drift', 'select * from drift', 'odd values are not counted once more');

delete from toggl.time_entry;
delete from toggl.project;
delete from toggl.other_entity;
delete from toggl.workspace;
select is(removed, 0::bigint, 'rows that were lost') from pg_temp.rebuild(4);
select bag_eq('select * from pg_temp.everything()', 'select * from before', 'are there again');

update toggl.time_entry set description = 'wrong', payload = '{}', deleted_at = null, changed_by = null where payload is not null;
update toggl.tag set deleted_at = null, changed_by = 99;
select is(removed, 0::bigint, 'values that were changed') from pg_temp.rebuild(4);
select bag_eq('select * from pg_temp.everything()', 'select * from before', 'are right again');

update toggl.project set changed_at = 'infinity';
update toggl.time_entry set payload_at = '2099-01-01', description = 'from nowhere' where time_entry_id = 15;
-- its key is that of a deletion which says only that it is gone
update toggl.time_entry set payload_at = changed_at, payload_event_id = changed_event_id, description = 'x' where time_entry_id = 12;
update toggl.workspace set payload_event_id = 1 where workspace_id = 7;
select is(removed, 4::bigint, 'rows that say they come from what was not recorded') from pg_temp.rebuild(4);
select bag_eq('select * from pg_temp.everything()', 'select * from before', 'are right again too');

insert into toggl.tag (workspace_id, tag_id, name, changed_at, changed_event_id, payload_at, payload_event_id) values
  (7, 500, 'never', now(), 1, now(), 1), (7, 14000, 'never', now(), 1, '-infinity', 0), (9, 10, 'of no workspace', now(), 1, now(), 1);
insert into toggl.other_entity (workspace_id, model, entity_id, changed_at, changed_event_id, payload_at, payload_event_id)
values (8, 'expense', 16, now(), 1, '-infinity', 0);
insert into toggl.workspace (workspace_id, name, changed_at, changed_event_id, payload_at, payload_event_id) values (9, 'never', now(), 1, now(), 1);
select is(removed, 5::bigint, 'rows of entities that were never recorded') from pg_temp.rebuild(4);
select bag_eq('select * from pg_temp.everything()', 'select * from before', 'are gone');

-- As retention leaves it.
insert into ledger.baseline select e.* from ledger.event e where e.event_id not in (3, 8, 9, 19) and e.event_id <= 10;
delete from ledger.event where event_id <= 10;
delete from toggl.time_entry;
delete from toggl.project;
select is(removed, 0::bigint, 'from the baseline and what came after it') from pg_temp.rebuild(3);
select bag_eq('select * from pg_temp.everything()', 'select * from before', 'it is the same');

-- An upgrade: the migration has left the wish.
update ledger.rebuild set reason = 'upgrade', started_at = null, after_entity_id = null, finished_at = null, events_done = 7;
select results_eq('select reason, started_us, finished_us from operator.rebuild_state()', $$values ('upgrade', null::bigint, null::bigint)$$,
                  'one that is wanted');
select results_eq('select goes_on, events_done from operator.rebuild_begin(false)', 'values (false, 0::bigint)', 'begins from the start');
select is(reason, 'upgrade', 'and its reason stays') from operator.rebuild_state();
select * from finish();
rollback;
