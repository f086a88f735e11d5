-- The list of events on the admin page: filters, paging by key, words, what is new,
-- and what is said of each.
begin;
set local timezone = 'UTC';
set local client_min_messages = warning;
create extension if not exists pgtap;
select plan(93);

\ir ../data/tell.sql

with o as (insert into ledger.operator (name, role, password) values ('Vera', 'viewer', 'x') returning operator_id)
insert into ledger.session (digest, operator_id, made_at, seen_at, expires_at, idle, proved_until)
select sha256('Vera'), operator_id, now(), now(), now() + interval '1 day', '1 day', now() + interval '1 hour' from o;

create function pg_temp.ask(operation text, query jsonb default '{}') returns jsonb language plpgsql as $$
declare
  answer text;
begin
  select body into answer from admin.call(sha256('Vera') || '192.0.2.1'::bytea, operation, null, query, null);
  return answer;
end
$$;
create function pg_temp.ids(answer jsonb) returns text language sql as $$
  select coalesce(string_agg(i.item ->> 'event_id', ' ' order by i.place), '-') from jsonb_array_elements(answer -> 'items') with ordinality i (item, place)
$$;
create function pg_temp.list(query jsonb default '{}') returns text language sql as $$ select pg_temp.ids(pg_temp.ask('event_list', query)) $$;
-- What the page says of an event.
create function pg_temp.item(event bigint) returns jsonb language sql as $$
  select i.item from jsonb_array_elements(pg_temp.ask('event_list', '{"limit": "500"}') -> 'items') i (item)
  where i.item ->> 'event_id' = event::text
$$;
create function pg_temp.part(event bigint, part text) returns text language sql as $$ select pg_temp.item(event) -> 'sentence_parts' ->> part $$;
-- All of a list, page by page, as the page walks through it; a bar between pages.
create function pg_temp.walk(query jsonb, size integer) returns text language plpgsql as $$
declare
  answer jsonb;
  after text;
  said text;
begin
  loop
    answer := pg_temp.ask('event_list', query || jsonb_build_object('limit', size::text) || jsonb_strip_nulls(jsonb_build_object('after', after)));
    said := concat_ws(' | ', said, pg_temp.ids(answer));
    after := answer ->> 'next';
    exit when after is null or length(said) > 500;
  end loop;
  return said;
end
$$;

select is(pg_temp.ask('event_list'), jsonb_build_object('items', '[]'::jsonb, 'next', null, 'looked_to', null, 'newest', pg_temp.ask('event_list') -> 'newest'),
          'an empty ledger is an empty list');
select ok(pg_temp.ask('event_list') ->> 'newest' ~ '^\d+-\d+-0$', 'from which news can be looked for');
select throws_ok($$select * from admin.call(null, 'event_list', null, '{}', null)$$, 'HL401', null, 'not for an unauthenticated client');
select throws_ok($$select * from admin.call(null, 'event_new', null, '{"after": "0-0-0"}', null)$$, 'HL401', null, 'nor what is new');
select throws_ok($$select * from admin.call(null, 'event_export', null, '{}', null, '{"most": 10}')$$, 'HL401', null, 'nor the export');

-- ---- sample events

select pg_temp.tell(1, '2026-07-01 09:00Z', 'created', '{"id":9,"uid":5,"name":"Ann"}', 9, 'workspace_user', creator => 6);
select pg_temp.tell(2, '2026-07-01 09:00Z', 'created', '{"id":3,"name":"Website relaunch"}', 3, 'project');
select pg_temp.tell(3, '2026-07-01 09:00Z', 'created', '{"id":41,"name":"design website"}', 41, 'tag');
select pg_temp.tell(4, '2026-07-01 10:00Z', 'created', '{"id":70,"uid":5,"description":"Entwurf","start":"2026-07-01T10:00:00Z","stop":null,"duration":-1,"project_id":3}');
select pg_temp.tell(5, '2026-07-01 11:00Z', 'updated', '{"id":70,"uid":5,"description":"Entwurf","start":"2026-07-01T10:00:00Z","stop":"2026-07-01T11:00:00Z","duration":3600,"pid":3}');
select pg_temp.tell(6, '2026-07-01 11:00Z', 'updated', '{"id":70,"description":"Entwurf 2","start":"2026-07-01T10:00:00Z","stop":null,"duration":-1782900000,"project_id":3}');
select pg_temp.tell(7, '2026-07-01 12:00Z', 'deleted', '{"id":70,"server_deleted_at":null}', creator => 6);
select pg_temp.tell(8, '2026-07-01 12:00Z', 'created', '{"id":71,"description":"=1+1","duration":600,"start":"2026-07-01T10:00:00Z"}', 71);
select pg_temp.tell(9, '2026-07-01 12:00Z', 'updated', '{"id":72,"duration":"odd"}', 72);
select pg_temp.tell(8, '2026-07-01 12:00Z', 'created', '{"id":71,"name":"Elsewhere"}', 71, 'project', workspace => 555);
-- arrives last, happened first
select pg_temp.tell(10, '2026-06-30 08:00Z', 'created', '{"id":3,"name":"an older name"}', 3, 'project');
select pg_temp.tell(11, '2026-06-30 08:00Z', 'created', '"no object"', 80, 'invoice');

select is(pg_temp.list(), '11 10 8 9 8 7 6 5 4 3 2 1', 'what was recorded last comes first');

-- ---- filters

select is(pg_temp.list('{"workspace": "555"}'), '8', 'of a workspace');
select is(pg_temp.list('{"workspace": "1"}'), '-', 'of one that there is not');
select is(pg_temp.list('{"model": "project"}'), '10 8 2', 'of a kind');
select is(pg_temp.list('{"model": "time_entry"}'), '9 8 7 6 5 4', 'of the kind that most are of');
select is(pg_temp.list('{"model": "client"}'), '-', 'of a kind that never came');
select is(pg_temp.list('{"action": "deleted"}'), '7', 'what was deleted');
select is(pg_temp.list('{"model": "time_entry", "action": "created"}'), '8 4', 'two filters');
select is(pg_temp.list('{"user": "6"}'), '7 1', 'by a person');
select is(pg_temp.list('{"user": "99"}'), '-', 'by one who did nothing');
select is(pg_temp.list('{"entity": "70"}'), '7 6 5 4', 'of an entity');
select is(pg_temp.list('{"entity": "71"}'), '8 8', 'of a number that two entities have');
select is(pg_temp.list('{"entity": "71", "model": "project"}'), '8', 'and of one of them');
select is(pg_temp.list('{"entity": "70", "since": "2026-07-01T11:00:00Z", "until": "2026-07-01T12:00:00Z"}'), '6 5', 'of an entity, within a time');
select is(pg_temp.list('{"since": "2026-07-01T11:00:00Z"}'), '9 8 8 7 6 5', 'since: that moment too, in the order of when it happened');
select is(pg_temp.list('{"until": "2026-07-01T10:00:00Z"}'), '3 2 1 11 10', 'until: not that moment');
select is(pg_temp.list('{"since": "2026-07-01T11:00:00+02:00", "until": "2026-07-01T12:00:00+02:00"}'), '3 2 1', 'times of a zone');
select is(pg_temp.list('{"since": "2026-07-02T00:00:00Z", "until": "2026-07-01T00:00:00Z"}'), '-', 'the wrong way round is nothing');
select is(pg_temp.list('{"since": "2026-07-01T11:00:00Z", "model": "time_entry", "user": "6"}'), '7', 'time and others');
select is(pg_temp.list('{"model": "", "action": "", "workspace": "", "user": "", "entity": "", "since": "", "until": "", "text": ""}'), pg_temp.list(),
          'what is empty is no filter');
select throws_ok(format('select pg_temp.list(%L)', query), '22023', null, 'refused: ' || query)
from unnest(array['{"user": "me"}', '{"entity": "1 or true"}', '{"workspace": "1e9"}', '{"since": "yesterday-ish"}', '{"limit": "0"}', '{"limit": "501"}',
                  '{"text": "!"}', '{"after": "x"}', '{"after": "1-2-3", "since": "2026-07-01T00:00:00Z"}']) query;

-- ---- paging by key

select is(pg_temp.walk('{}', 5), '11 10 8 9 8 | 7 6 5 4 3 | 2 1', 'page by page');
select is(pg_temp.walk('{}', 6), '11 10 8 9 8 7 | 6 5 4 3 2 1', 'the last page, when it is full, is known to be the last');
select is(pg_temp.walk('{"model": "project"}', 1), '10 | 8 | 2', 'one at a time, of what is seldom');
select is(pg_temp.walk('{"model": "time_entry"}', 4), '9 8 7 6 | 5 4', 'and of what is not');
select is(pg_temp.walk('{"entity": "70"}', 3), '7 6 5 | 4', 'of an entity');
select is(pg_temp.walk('{"until": "2027-01-01T00:00:00Z"}', 1), '9 | 8 | 8 | 7 | 6 | 5 | 4 | 3 | 2 | 1 | 11 | 10',
          'by time: those of one moment are neither left out nor listed twice');
select is(pg_temp.walk('{"since": "2026-07-01T09:00:00Z", "until": "2026-07-01T12:00:00Z"}', 2), '6 5 | 4 3 | 2 1', 'nor where a page ends among them');
select is(pg_temp.walk('{"since": "2026-07-01T12:00:00Z"}', 2), '9 8 | 8 7', 'nor with one number in two workspaces');
select is((select count(distinct i.item ->> 'cursor') from jsonb_array_elements(pg_temp.ask('event_list') -> 'items') i (item)), 12::bigint, 'each has a cursor');
select is(pg_temp.list(jsonb_build_object('after', pg_temp.item(5) ->> 'cursor')), '4 3 2 1', 'behind the cursor of an item come the older ones');
select is(pg_temp.ask('event_list', jsonb_build_object('after', pg_temp.item(5) ->> 'cursor')) ->> 'newest', null, 'a further page says nothing of news');


-- ---- words

select is(pg_temp.list('{"text": "entwurf"}'), '7 6 5 4', 'words of a description, as it is now');
select is(pg_temp.list('{"text": "ENTWURF 2"}'), '7 6 5 4', 'all of them, in any case');
select is(pg_temp.list('{"text": "web"}'), '10 3 2', 'the beginning of one, in the names of other kinds');
select is(pg_temp.list('{"text": "site"}'), '-', 'not its end');
select is(pg_temp.list('{"text": "website design"}'), '3', 'in any order');
select is(pg_temp.list('{"text": "website", "model": "project"}'), '10 2', 'with a filter');
select is(pg_temp.list('{"text": "website", "since": "2026-07-01T00:00:00Z"}'), '3 2', 'within a time');
select is(pg_temp.list('{"text": "elsewhere", "workspace": "7435584"}'), '-', 'another workspace has it');
select is(pg_temp.list('{"text": "ann"}'), '1', 'people');
select is(pg_temp.list($${"text": "'; drop table ledger.event; --"}$$), '-', 'signs are no words');
select throws_ok(format('select pg_temp.list(%L)', jsonb_build_object('text', repeat('x', 201))), '22023', 'search.text_long', 'too long');

-- ---- what is said of each

select is(pg_temp.item(4) - '{cursor,received_at,sentence_parts}'::text[],
  '{"workspace_id": "7435584", "workspace": null, "event_id": "4", "created_at": "2026-07-01T10:00:00Z", "model": "time_entry", "action": "created",
    "entity_id": "70", "user_id": "5", "user_name": "Ann", "source": "webhook"}'::jsonb, 'an item');
select is(pg_temp.item(4) -> 'sentence_parts', '{"who": "Ann", "what": "started", "name": "Entwurf", "duration_seconds": null, "project": "Website relaunch"}'::jsonb,
          'a timer that was started');
select is(pg_temp.item(5) -> 'sentence_parts', '{"who": "Ann", "what": "stopped", "name": "Entwurf", "duration_seconds": 3600, "project": "Website relaunch"}'::jsonb,
          'and stopped; with the old name of the key');
select is(pg_temp.part(6, 'what'), 'continued', 'and continued, within the same second');
select is(pg_temp.item(7) -> 'sentence_parts', '{"who": null, "what": "deleted", "name": "Entwurf 2", "duration_seconds": null, "project": null}'::jsonb,
          'and deleted: the name is that of its row, the user is not known');
select is(pg_temp.ask('event_list', '{"entity": "71", "model": "time_entry"}') #>> '{items,0,sentence_parts,what}', 'created', 'an entry that never ran');
select is(pg_temp.part(9, 'what') || coalesce(pg_temp.part(9, 'duration_seconds'), ' none'), 'updated none', 'without an event before it, and with a duration that is none');
select is(pg_temp.part(10, 'name'), 'an older name', 'the name as it was then');
select is(pg_temp.item(11) -> 'sentence_parts', '{"who": "Ann", "what": "created", "name": null, "duration_seconds": null, "project": null}'::jsonb, 'a payload that is no object');
select is(pg_temp.ask('event_list', '{"workspace": "555"}') #>> '{items,0,sentence_parts,name}', 'Elsewhere', 'of two with one number the right one');
select is(jsonb_array_length(pg_temp.ask('event_list', '{"limit": "500"}') -> 'items'), 12, 'all of them are listed');
select is(ledger.events_json('{}'), '[]'::jsonb, 'of none nothing');
select is(ledger.events_json(array[row(1, '1', 1, 7435584, 12345, '2026-07-01Z')::ledger.event_ref]), '[]'::jsonb, 'nor of one that retention dropped');

-- ---- what is new

select is(pg_temp.ask('event_new', jsonb_build_object('after', pg_temp.item(5) ->> 'cursor')), '{"count": 7}'::jsonb, 'how many came since');
select is(pg_temp.ask('event_new', jsonb_build_object('after', pg_temp.item(11) ->> 'cursor')), '{"count": 0}'::jsonb, 'none since the newest');
select is(pg_temp.ask('event_new', query || jsonb_build_object('after', pg_temp.item(1) ->> 'cursor')) ->> 'count', found, 'with a filter: ' || query::text)
from (values ('{"model": "project"}'::jsonb, '3'), ('{"user": "6"}', '1'), ('{"text": "entwurf"}', '4'), ('{"since": "2026-07-01T11:00:00Z"}', '6'), ('{"entity": "71"}', '2')) t (query, found);
select throws_ok($$select pg_temp.ask('event_new')$$, '22023', 'cursor.missing', 'since when?');
select throws_ok($$select pg_temp.ask('event_new', '{"after": "yesterday"}')$$, '22023', null, 'a cursor that is none');
select is(pg_temp.ids(pg_temp.ask('event_newer', jsonb_build_object('after', pg_temp.item(7) ->> 'cursor'))), '11 10 8 9 8', 'those themselves, the newest first');
select is(pg_temp.ask('event_newer', jsonb_build_object('after', pg_temp.item(11) ->> 'cursor')),
          jsonb_build_object('items', '[]'::jsonb, 'newest', pg_temp.item(11) -> 'cursor'), 'none: one looks on from where one was');
-- What a transaction still at work records may get a place before what is shown.
select is(pg_temp.ask('event_new', jsonb_build_object('after', pg_temp.ask('event_list') ->> 'newest')), '{"count": 12}'::jsonb,
          'news are looked for from before what is not settled yet');
select cmp_ok(cardinality(ledger.event_news('0-0-0', null, 5)), '=', 5, 'at most so many');
select is((ledger.event_news('0-0-0', null, 5))[1].event_id, 11::bigint, 'the newest of them');

-- ---- the export

create function pg_temp.export(query jsonb, most integer) returns text[] language sql as $$
  select regexp_split_to_array(body, '\r?\n') from admin.call(sha256('Vera') || '192.0.2.1'::bytea, 'event_export', null, query, null, jsonb_build_object('most', most))
$$;
select is((select string_agg(split_part(line, ',', 4), ' ' order by n) from unnest(pg_temp.export('{"model": "time_entry"}', 3)) with ordinality e (line, n)), 'event_id "9" "8" "7" ', 'lines of CSV with a head, at most so many');
select matches((pg_temp.export('{"entity": "71", "model": "time_entry", "format": "ndjson"}', 9))[1],
               '^\{.*"=1\+1".*\}$', 'JSON as it is');
select matches((pg_temp.export('{"entity": "71", "model": "time_entry"}', 9))[2],
               $$"'=1\+1"$$, 'but no formula for a spreadsheet');
select throws_ok($$select pg_temp.export('{"format": "xls"}', 9)$$, '22023', 'export.kind_unknown', 'no other format');

-- ---- what few pass is looked for in pieces, and how far is said

insert into ledger.event (workspace_id, event_id, created_at, received_at, epoch, endpoint_id, secret_id, creator_id, entity_id, model, action, source, signature, body)
select 7435584, 1000 + n, timestamptz '2026-07-03Z' + n * interval '1 second', now(), s.epoch, 101, 201, 5, 41, 'tag', 'updated', 'webhook', '\xab', '{"payload": {}}'
from ledger.state s, generate_series(1, 700) n order by n;
create function pg_temp.looked(query jsonb) returns table (ids text, looked_to timestamptz) language plpgsql as $$
declare
  p record;
  after text;
begin
  loop
    select * into p from ledger.event_page(after, ledger.event_filter_of(query), 2, 500);
    ids := (select coalesce(string_agg(m.event_id::text, ' ' order by m.place), '-') from unnest(p.refs) with ordinality m (epoch, txid, seq, workspace_id, event_id, created_at, place));
    looked_to := p.looked_to;
    return next;
    after := p.next;
    exit when after is null;
  end loop;
end
$$;
select results_eq($$select * from pg_temp.looked('{"user": "6"}')$$,
                  $$values ('-', timestamptz '2026-07-03 00:03:21Z'), ('7 1', null)$$, 'nobody among the first 500, then the rest');
select results_eq($$select * from pg_temp.looked('{"user": "6", "since": "2026-01-01T00:00:00Z"}')$$,
                  $$values ('-', timestamptz '2026-07-03 00:03:21Z'), ('7 1', null)$$, 'in the order of time too');
select results_eq($$select * from pg_temp.looked('{"user": "6", "entity": "9"}')$$, $$values ('1', null::timestamptz)$$, 'an entity has an index of its own');
select is(pg_temp.ask('event_new', jsonb_build_object('after', pg_temp.item(1700) ->> 'cursor')), '{"count": 0}'::jsonb, 'nothing is newer');
insert into ledger.event (workspace_id, event_id, created_at, received_at, epoch, txid, endpoint_id, secret_id, creator_id, entity_id, model, action, source, signature, body)
select 7435584, 2000 + n, timestamptz '2026-07-04Z' - n * interval '1 second', now(), s.epoch + n, '3', 101, 201, 5, 41, 'tag', 'updated', 'webhook', '\xab', '{"payload": {}}'
from ledger.state s, generate_series(1, 2) n;
select is(pg_temp.ids(pg_temp.ask('event_newer', jsonb_build_object('after', pg_temp.item(1699) ->> 'cursor'))), '2002 2001 1700',
          'after a restore transactions are counted anew, and what came since is still what is new');
select is(pg_temp.list('{"limit": "3"}'), '2002 2001 1700', 'and first in the list');

select * from finish();
rollback;
