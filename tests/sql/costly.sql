-- Bodies that cost too much to take apart: recorded as they came, and nothing more.
begin;
create extension if not exists pgtap;
select plan(32);

insert into ledger.endpoint (endpoint_id, address, name, workspace_id) overriding system value values (101, 'address_of_the_first_1', 'first', 7);
insert into ledger.endpoint_secret (secret_id, endpoint_id, sealed) overriding system value values (201, 101, '');
insert into ledger.organization (organization_id, name) overriding system value values (1, 'o');
insert into ledger.workspace values (7, 1);
insert into ledger.account (account_id, name, user_id, token_digest) overriding system value values (1, 'a', 1, sha256('1'));
insert into ledger.subscription (workspace_id, account_id, description, url_callback, filters, event_filters, secret_sealed, enabled,
                                 validated_at, validation_code)
values (7, 1, 's', 'http://127.0.0.1/', '{*.*}', '[]', '', true, now(), 'x');

-- ---- what a body costs (the same numbers are in tests/unit/test_callback.c)

select results_eq(
  $$select ledger.cost(d) from unnest(array['{}', '{"a":1,"b":[2,3]}', '{"a":"\u0000\\n"}', '{"é":"漢"}']) with ordinality u (d, place) order by place$$,
  array[130, 529, 337, 140], 'bytes, commas and opening brackets, backslashes');
select ok(not ledger.is_costly(format('{"x":"%s"}', repeat('x', 524152))::json), 'half a megabyte of text is not too costly');
select ok(ledger.is_costly(format('{"x":"%s"}', repeat('x', 524153))::json), 'one byte more is');
select ok(not ledger.is_costly(format('{"x":[%s1]}', repeat('1,', 4030))::json), '4,000 numbers are not too costly');

-- ---- each shape

create function pg_temp.event(n bigint, model text, action text, entity bigint, payload text, metadata text default '{}')
returns text language sql as $$
  select receiver.append(array[101::bigint], array[201::bigint], array[null::bigint], array[n],
                         array['2026-07-01 10:00Z'::timestamptz + n * interval '1 minute'], array[now()], array[5::bigint],
                         array[entity], array[model], array[action], array[''::bytea],
                         array[format('{"payload":%s,"metadata":%s}', payload, metadata)::json], 'webhook')
$$;
create temp table shape (n bigint generated always as identity, called text, payload text, metadata text default '{}');
insert into shape (called, payload) values
  ('exponents', format('{"x":[%s1]}', repeat('1e999,', 100000))),
  ('small exponents', format('{"x":[%s1]}', repeat('1e-99999,', 100000))),
  ('NUL escapes', format('{"description":"%s"}', repeat('\u0000', 100000))),
  ('half pairs', format('{"description":"%s"}', repeat('\ud800', 100000))),
  ('escapes, one by one', format('{"x":[%s1]}', repeat('"\ud800",', 60000))),
  ('members', (select format('{%s}', string_agg(format('"k%s":1', i), ',')) from generate_series(1, 50000) i)),
  ('the same member', format('{"x":1%s}', repeat(',"x":1', 100000))),
  ('long keys', (select format('{%s}', string_agg(format('"%s%s":1', repeat('k', 500), i), ',')) from generate_series(1, 1500) i)),
  ('objects', format('{"shared_with":[%s1]}', repeat('{},', 100000))),
  ('nesting', format('{"x":[%s1]}', repeat(repeat('[', 55) || repeat(']', 55) || ',', 2000))),
  ('tags', format('{"tag_ids":[%s"x"]}', repeat('1,', 200000))),
  ('names of tags', format('{"tags":[%s1]}', repeat('"",', 100000))),
  ('a number', format('{"duration":%s}', repeat('1', 600000))),
  ('words', (select format('{"description":"%s"}', string_agg(i::text, ' ')) from generate_series(1, 100000) i)),
  ('secrets', format('{"x":[%s1]}', repeat('{"api_token":1},', 50000)));
insert into shape (called, payload, metadata) values
  ('metadata', '{"description":"m"}', format('{"x":[%s1]}', repeat('1e999,', 100000)));
select results_eq($$select called, pg_temp.event(n, 'time_entry', 'created', n, payload, metadata) from shape order by n$$,
                  $$select called, '' from shape order by n$$, 'each is recorded');
select results_eq($$select s.called from shape s join ledger.event e on e.event_id = s.n
                    where e.body::text = format('{"payload":%s,"metadata":%s}', s.payload, s.metadata) order by s.n$$,
                  'select called from shape order by n', 'byte for byte');
select is_empty('select * from toggl.time_entry', 'none is in the table');
select is_empty('select * from ledger.outbox', 'none is passed on');
select results_eq($$select model, field, found, sum(count) from ledger.drift group by 1, 2, 3$$,
                  $$select 'time_entry', 'body', 'costly', count(*)::numeric from shape$$, 'each is counted');
select results_eq($$select model, field, found, count from operator.drift_list(now() - interval '2 days')$$,
                  $$select 'time_entry', 'body', 'costly', count(*) from shape$$, 'and counted');
select ok(exists (select from ledger.findings() f where f.kind = 'drift' and f.message ->> 'code' = 'finding.costly'), 'a finding for the owner');

-- ---- readers of such events

select is(ledger.payload(e.body), null, 'nothing is read from the body') from ledger.event e where e.event_id = 1;
select is(ledger.is_running(e.body), null, 'nor whether a timer runs') from ledger.event e where e.event_id = 1;
select is(of_user, 0::bigint, 'nobody but administrators may see one') from ledger.event_scope(7, '{1}', array[timestamptz '2026-07-01 10:01Z']);
select is(jsonb_array_length(ledger.events_json(array_agg(row(e.epoch, e.txid, e.seq, e.workspace_id, e.event_id, e.created_at)::ledger.event_ref))),
          (select count(*)::integer from shape), 'the page lists them') from ledger.event e;
select is(ledger.payload_quick(format('{"payload":{"description":"%s"}}', repeat('9', 500000))::json), null, 'a list reads none that is long, either');
select is(ledger.event_changes(e), '[]', 'and shows one') from ledger.event e where e.event_id = 1;
select is(count(*), (select count(*) from shape), 'all can be exported')
from operator.event_read(null, '1-9999999999-0', 1000, 100000000, null, null, null, null, null, null, null);
select isnt(ledger.whole_payload(e.body), null, 'who must know can look all the same') from ledger.event e where e.event_id = 1;

-- ---- among others, and deletions

select is(receiver.append('{101,101,101}', '{201,201,201}', '{null,null,null}', '{50,51,52}',
  array_fill(timestamptz '2026-07-01 10:55Z', '{3}'), array[now(), now(), now()], '{5,5,5}', '{1000,1001,1002}',
  '{time_entry,time_entry,tag}', '{created,created,created}', array_fill(''::bytea, '{3}'),
  array['{"payload":{"description":"good"}}'::json, (select format('{"payload":%s}', payload) from shape where n = 1)::json,
        '{"payload":{"name":"t"}}'::json], 'webhook', '{null,null,null}', true),
  '+', 'a batch with one of them');
select results_eq('select time_entry_id, description from toggl.time_entry', $$values (1000::bigint, 'good')$$, 'the others are in the tables');
select results_eq('select tag_id, name from toggl.tag', $$values (1002::bigint, 't')$$, 'all of them');
select results_eq('select event_id from ledger.outbox order by 1', 'values (50::bigint), (52)', 'and are passed on');

select is(pg_temp.event(60, 'time_entry', 'updated', 1000, payload), '', 'an update of a good one') from shape where n = 1;
select is(description, 'good', 'the row stays as it was') from toggl.time_entry where time_entry_id = 1000;
select is(pg_temp.event(61, 'time_entry', 'updated', 1000, '{"description":"better"}'), '+', 'the next one');
select is(description, 'better', 'counts') from toggl.time_entry where time_entry_id = 1000;
select is(pg_temp.event(62, 'tag', 'deleted', 1002, payload), '', 'a deletion') from shape where n = 6;
select isnt(deleted_at, null, 'deletes') from toggl.tag where tag_id = 1002;

-- ---- once more

create temp table before as select * from toggl.time_entry;
create temp table before_tag as select * from toggl.tag;
delete from toggl.time_entry where time_entry_id = 1000;
insert into toggl.time_entry (workspace_id, time_entry_id, description, changed_at, changed_event_id, payload_at, payload_event_id)
values (7, 1, 'not by this event', '2026-07-01 10:01Z', 1, '2026-07-01 10:01Z', 1);
select operator.rebuild_begin(true);
select is(removed, 1::bigint, 'a rebuild removes what no such event can have written') from operator.rebuild_step(100000);
select bag_eq('table toggl.time_entry', 'table before', 'and comes to the same rows');
select bag_eq('table toggl.tag', 'table before_tag', 'of other kinds too');
select * from finish();
rollback;
