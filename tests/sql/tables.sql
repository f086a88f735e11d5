-- Writing the typed tables: odd values never fail an event or its neighbours.
begin;
create extension if not exists pgtap;
select plan(14);

create function pg_temp.apply(models text[], actions text[], payloads text[]) returns void language sql as $$
  select ledger.apply(array_fill(1::bigint, array[cardinality(models)]),
                      (select array_agg(n) from generate_series(1, cardinality(models)) n),
                      array_fill('2026-07-01Z'::timestamptz, array[cardinality(models)]),
                      array_fill(5::bigint, array[cardinality(models)]),
                      (select array_agg(n * 10) from generate_series(1, cardinality(models)) n), models, actions,
                      (select array_agg(format('{"payload":%s}', p)::json order by place)
                       from unnest(payloads) with ordinality u (p, place)))
$$;

select lives_ok(
  $$select pg_temp.apply(array_fill('time_entry'::text, '{6}'), '{created,created,created,created,created,deleted}', array[
      '{"start":"2026-07-01T10:00:00Z","duration":60}',
      '{"start":"soon","stop":[],"duration":"60","billable":"yes","tags":"x","tag_ids":[1,"2"],"uid":true,"description":{}}',
      '{"description":"\u0000","start":"2026-07-01T10:00:00Z","duration":1e200000}', '"text"', '[1,2]', 'null'])$$,
  'a batch with values of odd types is written');
select results_eq(
  $$select time_entry_id, start_at, duration_seconds, description, deleted_at from toggl.time_entry order by 1$$,
  $$values (10::bigint, '2026-07-01 10:00Z'::timestamptz, 60::bigint, null::text, null::timestamptz),
           (20, null, null, null, null), (30, '2026-07-01 10:00Z', null, U&'\FFFD', null), (40, null, null, null, null),
           (50, null, null, null, null), (60, null, null, null, '2026-07-01Z')$$,
  'what can be read is there, what is odd is null');
select is(payload -> 'start', '"soon"', 'and stands in the payload') from toggl.time_entry where time_entry_id = 20;
select bag_eq(
  $$select field, found from ledger.drift where model = 'time_entry'$$,
  $$values ('start_at', 'value'), ('stop_at', 'array'), ('duration_seconds', 'string'), ('billable', 'string'), ('tags', 'string'),
           ('tag_ids', 'value'), ('user_id', 'boolean'), ('description', 'object'), ('payload', 'value')$$,
  'each is counted');
select is(sum(count), 2::numeric, 'a number that jsonb does not take counts as text')
from ledger.drift where field = 'duration_seconds';

select lives_ok(
  $$select pg_temp.apply('{approval,approval,approval,approval,approval}', '{deleted,deleted,deleted,deleted,created}',
                         array['null', '"text"', '[1]', '{"id":40,"at":"x"}', 'null'])$$,
  'an unknown kind of entity, deleted with a payload that is no object');
select results_eq(
  $$select entity_id, deleted_at is not null, payload::text from toggl.other_entity order by 1$$,
  $$values (10::bigint, true, null), (20, true, null), (30, true, null), (40, true, null), (50, false, 'null')$$,
  'is gone all the same');

select pg_temp.apply('{project}', '{created}', array['{"name":"x","current_period":{"start_date":"2026-07-01","deep":[{"invitation_code":"hush"}]}}']);
select is(to_jsonb(p) ->> 'current_period', '{"deep": [{}], "start_date": "2026-07-01"}', 'no secret in a column of JSON') from toggl.project p;

-- ---- payloads that the caller has taken out already

create temp table given as
select n, p.payload, format('{"payload":%s}', p.payload)::json as body
from unnest(array['{"start":"2026-07-01T10:00:00Z","duration":60,"tags":["a"],"api_token":"hush"}', '{"start":"2026-07-01T11:00:00Z","duration":"60"}',
                  '{"start":"2026-07-01T12:00:00Z","x":{"ical_url":"hush"}}']) with ordinality p (payload, n);
create function pg_temp.write(first bigint, payloads text[]) returns void language sql as $$
  select ledger.apply(array_agg(2::bigint), array_agg(n), array_agg('2026-07-01Z'::timestamptz), array_agg(5::bigint), array_agg(first + n),
                      array_agg('time_entry'::text), array_agg('created'::text), array_agg(body), false, payloads)
  from given
$$;
select lives_ok($$select pg_temp.write(100, null); select pg_temp.write(200, (select array[min(payload) filter (where n = 1)] from given));
                  select pg_temp.write(300, (select array_agg(case when n < 3 then payload end order by n) from given))$$,
                'payloads may be given, or some of them');
create temp view written as
  select time_entry_id / 100 as way, time_entry_id % 100 as n, to_jsonb(t) - 'time_entry_id' as row from toggl.time_entry t where workspace_id = 2;
select results_eq('select n, row from written where way = 2 order by 1', 'select n, row from written where way = 1 order by 1', 'the rows are the same');
select results_eq('select n, row from written where way = 3 order by 1', 'select n, row from written where way = 1 order by 1', 'also when one is odd');
select is(count(*), 0::bigint, 'and no secret is in them') from written where row::text like '%hush%';

select is(ledger.is_good(kind, value::jsonb), false, kind || ' is not ' || value)
from (values ('id', '"5"'), ('texts', '[1]')) v (kind, value);

select * from finish();
rollback;
