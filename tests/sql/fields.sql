-- From JSON to columns: every field of every kind of entity, with good values and
-- odd ones, each in a batch of its own and all of them mixed in batches.
begin;
create extension if not exists pgtap;
set local timezone = 'UTC';
select plan(23);

-- ---- what the columns are

create temp view wanted_column as
  select f.model, f.name, case f.kind when 'id' then 'bigint' when 'duration' then 'bigint' when 'money' then 'numeric'
                                      when 'flag' then 'boolean' when 'text' then 'text' when 'status' then 'text'
                                      when 'time' then 'timestamp with time zone' when 'date' then 'date'
                                      when 'ids' then 'bigint[]' when 'texts' then 'text[]' when 'json' then 'jsonb' end as type
  from ledger.field f
  union all
  select t.model, c.name, c.type
  from (select m.model from ledger.model m union all values ('other_entity')) t (model)
  cross join (values ('workspace_id', 'bigint'), ('changed_at', 'timestamp with time zone'), ('changed_event_id', 'bigint'),
                     ('changed_by', 'bigint'), ('payload_at', 'timestamp with time zone'), ('payload_event_id', 'bigint'),
                     ('payload', 'jsonb'), ('lifecycle_at', 'timestamp with time zone'), ('lifecycle_event_id', 'bigint'),
                     ('gone_at', 'timestamp with time zone')) c (name, type)
  union all
  select m.model, m.id_column, 'bigint' from ledger.model m where m.id_column is not null
  union all
  values ('other_entity', 'model', 'text'), ('other_entity', 'entity_id', 'bigint'), ('time_entry', 'source', 'text');
select set_eq(
  $$select c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod) from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'toggl'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped$$,
  'select model, name, type from wanted_column', 'the columns of the tables are those of ledger.field, each of the type of its kind');
select is_empty('select model, name from wanted_column group by 1, 2 having count(*) > 1', 'once');
select is_empty($$select f.model, k from ledger.field f, unnest(f.keys) k group by 1, 2 having count(*) > 1$$,
                'no key is read for two columns: what is odd in one would be left out of the other');
select is_empty($$select f.model, k from ledger.field f, unnest(f.keys) k where k = any (ledger.secrets())$$, 'nor is a secret');
select is_empty($$select m.model from ledger.model m where not exists (
                    select from ledger.field f where f.model = m.model and f.keys && m.value_keys)$$,
                'what tells of an entity is read');
select set_eq(
  $$select f.keys::text from ledger.field f where cardinality(f.keys) > 1 and f.name <> 'deleted_at'$$,
  $$values ('{user_id,uid}'), ('{project_id,pid}'), ('{task_id,tid}'), ('{client_id,cid}'), ('{group_id,gid}')$$, 'legacy twins');

-- ---- what is read

-- `said` reads as `shown`; where it is odd, by which type it is counted.
create temp table sample (kind text, said text, shown text, odd text);
insert into sample values
  ('id', '0', '0', null), ('id', '9223372036854775807', '9223372036854775807', null),
  ('id', '-9223372036854775808', '-9223372036854775808', null), ('id', '-7', '-7', null), ('id', '1e3', '1000', null),
  ('id', '9223372036854775808', null, 'value'), ('id', '5.0', null, 'value'), ('id', '1.5', null, 'value'), ('id', '"5"', null, 'string'),
  ('id', '1e200000', null, 'string'), ('id', '""', null, 'string'),
  ('duration', '3600', '3600', null), ('duration', '0', '0', null), ('duration', '-1', null, null), ('duration', '-1782900000', null, null),
  ('duration', '60.5', null, 'value'), ('duration', '"60"', null, 'string'), ('duration', '-9223372036854775809', null, 'value'),
  ('money', '85.25', '85.25', null), ('money', '0', '0', null), ('money', '-3', '-3', null), ('money', '1e2', '100', null),
  ('money', '999999999999999.99', '999999999999999.99', null), ('money', '1e15', null, 'value'), ('money', '-1e15', null, 'value'),
  ('money', '1e-16000', null, 'string'), ('money', '"85"', null, 'string'),
  ('flag', 'true', 'true', null), ('flag', 'false', 'false', null), ('flag', '"true"', null, 'string'), ('flag', '1', null, 'number'),
  ('text', '"x"', 'x', null), ('text', '""', '', null), ('text', '"Gr\u00f6\u00dfe \ud83d\ude00 \"q\" \\"', 'Größe 😀 "q" \', null),
  ('text', '"a\u0000b\ud800c\udc00\ud83d"', 'a�b�c��', null), ('text', '"\\u0000 \\\ud800 9e107d [1e1000,"', '\u0000 \� 9e107d [1e1000,', null),
  ('text', '5', null, 'number'), ('text', 'true', null, 'boolean'),
  ('text', '[]', null, 'array'), ('text', '[null]', null, 'array'),
  ('flag', '[]', null, 'array'), ('flag', '[null]', null, 'array'), ('flag', '"t"', null, 'string'),
  ('status', '"active"', 'active', null), ('status', '"deleted"', 'deleted', null), ('status', '"paused"', null, 'value'),
  ('status', '""', null, 'value'), ('status', '1', null, 'number'),
  ('time', '"2026-07-01T10:00:00Z"', '2026-07-01 10:00:00+00', null), ('time', '"2026-07-01T12:00:00+02:00"', '2026-07-01 10:00:00+00', null),
  ('time', '"2026-07-01T10:00:00.123456789Z"', '2026-07-01 10:00:00.123457+00', null),
  ('time', '"2026-07-01T10:00:00.5-05:45"', '2026-07-01 15:45:00.5+00', null), ('time', '"2026-12-31T23:59:60Z"', '2027-01-01 00:00:00+00', null),
  ('time', '"0001-01-01T00:00:00Z"', '0001-01-01 00:00:00+00', null), ('time', '"9999-12-31T23:59:59Z"', '9999-12-31 23:59:59+00', null),
  ('time', '""', null, null), ('time', '"0000-01-01T00:00:00Z"', null, 'value'), ('time', '"2026-02-30T00:00:00Z"', null, 'value'),
  ('time', '"2026-07-01T25:00:00Z"', null, 'value'), ('time', '"2026-07-01T10:00:00"', null, 'value'), ('time', '"2026-07-01 10:00:00Z"', null, 'value'),
  ('time', '"2026-07-01T10:00:00+99:00"', null, 'value'), ('time', '"now"', null, 'value'), ('time', '"infinity"', null, 'value'),
  ('time', '"-infinity"', null, 'value'), ('time', '"today"', null, 'value'), ('time', '1782900000', null, 'number'),
  ('date', '"2026-07-01"', '2026-07-01', null), ('date', '"2024-02-29T00:00:00Z"', '2024-02-29', null), ('date', '""', null, null),
  ('date', '"2026-02-29"', null, 'value'), ('date', '"2026-13-01"', null, 'value'), ('date', '"0000-01-01"', null, 'value'),
  ('date', '"tomorrow"', null, 'value'), ('date', '"01.07.2026"', null, 'value'), ('date', '20260701', null, 'number'),
  ('ids', '[]', '{}', null), ('ids', '[1,9223372036854775807,null]', '{1,9223372036854775807,NULL}', null), ('ids', '[1,"2"]', null, 'value'),
  ('ids', '[1.5]', null, 'value'), ('ids', '[[1]]', null, 'value'), ('ids', '[9223372036854775808]', null, 'value'), ('ids', '5', null, 'number'),
  ('texts', '[]', '{}', null), ('texts', '["a","ü",null,""]', '{a,ü,NULL,""}', null), ('texts', '["a",1]', null, 'value'),
  ('texts', '[["a"]]', null, 'value'), ('texts', '"a"', null, 'string'),
  ('json', '{"a":[1,{"b":2.50}]}', '{"a": [1, {"b": 2.50}]}', null), ('json', '"s"', '"s"', null), ('json', '[]', '[]', null),
  ('json', '[{"x":1,"api_token":"hush","y":{"ical_url":2,"invitation_code":3}}]', '[{"x": 1, "y": {}}]', null),
  ('json', '{"invite\u005furl":[1]}', '{}', null), ('json', '1e200000', '"1e200000"', null);
insert into sample select k.kind, v.said, null, case when k.kind = 'duration' and v.said = '-1' then null else v.odd end
from (select distinct f.kind from ledger.field f) k
cross join (values ('null', null), ('{}', 'object'), ('{"a":{"b":[null]}}', 'object'), ('[{}]', null), ('[true]', null)) v (said, odd)
where k.kind <> 'json' or v.said = 'null';
update sample s set odd = case when s.kind in ('ids', 'texts') then 'value' else 'array' end where s.said in ('[{}]', '[true]');

create temp table sample_event as
  select row_number() over () as n, f.model, f.name, k.key, s.kind, s.said, s.shown, s.odd,
         format('{"id":%s,"%s":%s,"unknown":{"api_token":"hush","kept":[1]}}', row_number() over (), k.key, s.said) as payload
  from ledger.field f
  cross join unnest(f.keys) k (key)
  join sample s on s.kind = f.kind
  where f.model <> 'other_entity';
select cmp_ok(count(*), '>', 2500::bigint, 'every field with every value') from sample_event;

create function pg_temp.apply(sample_event sample_event[], home bigint) returns void language sql as $$
  select ledger.apply(array_agg(home + t.n), array_agg(t.n), array_agg('2026-07-01Z'::timestamptz), array_agg(5::bigint), array_agg(t.n),
                      array_agg(t.model), array_agg('updated'::text), array_agg(format('{"payload":%s}', t.payload)::json))
  from unnest(sample_event) t
$$;
create function pg_temp.shown(model text, name text, home bigint) returns text language plpgsql as $$
declare
  shown text;
begin
  execute format('select %I::text from toggl.%I where workspace_id = $1', name, model) into strict shown using home;
  return shown;
end
$$;
create temp view drifted as select d.model, d.field, d.found, sum(d.count) as count from ledger.drift d group by 1, 2, 3;

-- Each in a workspace of its own, because a workspace is one row.
select lives_ok($$select pg_temp.apply(array[t], 0) from sample_event t$$, 'each alone');
select is_empty(
  $$select t.model, t.name, t.key, t.said, t.shown, pg_temp.shown(t.model, t.name, t.n) from sample_event t
    where pg_temp.shown(t.model, t.name, t.n) is distinct from t.shown$$, 'is read as it should be');
select is_empty(
  $$select t.model, t.payload, pg_temp.shown(t.model, 'payload', t.n) from sample_event t
    where pg_temp.shown(t.model, 'payload', t.n)::jsonb - t.key <> jsonb_build_object('id', t.n, 'unknown', '{"kept": [1]}'::jsonb)
       or t.kind <> 'json' and t.said !~ '\\u|e-?[0-9]{3}' and pg_temp.shown(t.model, 'payload', t.n)::jsonb -> t.key <> t.said::jsonb$$,
  'and stands in the payload, which has all but secrets');
select set_eq(
  'select model, field, found, count from drifted where field <> ''payload''',
  'select model, name, odd, count(*)::numeric from sample_event where odd is not null group by 1, 2, 3', 'what is odd is counted');
select set_eq(
  'select model, found, count from drifted where field = ''payload''',
  $$select model, 'value', count(*)::numeric from sample_event where said ~ 'e-?[0-9]{3}' or said like '"a\\u0000b%' or said like '%\\\\\\ud800%' group by 1, 2$$,
  'and a payload that jsonb does not take as it stands');
create temp table counted as table drifted;

-- One event as the receiver sends it: its payload is plain, and Toggl sends the current keys.
create temp table one as
  select t.*, ledger.write_one_time_entry(2000000 + t.n, t.n, '2026-07-01Z', 5, t.n, 'updated',
                format('{"user_id":null,"project_id":null,"task_id":null,"server_deleted_at":null,"%s":%s}', t.key, t.said)) as is_written
  from sample_event t join ledger.field f on f.model = t.model and f.name = t.name and f.keys[1] = t.key
  where t.model = 'time_entry' and t.said !~ '\{|\\u|[eE][+-]?[0-9]{3}';
select cmp_ok(count(*), '>', 150::bigint, 'many values come alone and plain') from one;
select is_empty('select name, said, is_written from one where is_written <> (odd is null)', 'the way of one event takes what is not odd');
select is_empty($$select name, said, shown, pg_temp.shown('time_entry', name, 2000000 + n) from one
                  where is_written and pg_temp.shown('time_entry', name, 2000000 + n) is distinct from shown$$, 'and reads it as the other does');
delete from toggl.time_entry where workspace_id > 2000000;

-- The same in batches, in which the good and the odd come together.
select lives_ok($$select pg_temp.apply(array_agg(t order by t.n), 1000000) from sample_event t group by md5(t.n::text) < 'c', t.n % 97$$, 'mixed in batches');
create function pg_temp.all_but_place(of_table text, home bigint, id text) returns setof text language plpgsql as $$
begin
  return query execute format('select (to_jsonb(t) - ''workspace_id'' || jsonb_build_object(''home'', t.workspace_id - $1))::text from toggl.%I t
                               where t.workspace_id > $1 and t.workspace_id < $1 + 1000000', of_table) using home;
end
$$;
select is_empty(
  $$select r from ledger.model m, pg_temp.all_but_place(m.model, 0, m.id_column) r
    except select r from ledger.model m, pg_temp.all_but_place(m.model, 1000000, m.id_column) r$$, 'gives the same rows');
select is((select count(*) from ledger.model m, pg_temp.all_but_place(m.model, 1000000, m.id_column)), count(*), 'all of them') from sample_event;
select set_eq('table drifted', 'select model, field, found, 2 * count from counted', 'and counts the same again');

-- ---- with the payload beside the body, as the receiver sends it when it is plain

create temp table plain as
  select t.*, format('{"id":%s,"%s":%s}', t.n, t.key, t.said) as beside
  from sample_event t join ledger.field f on f.model = t.model and f.name = t.name and f.keys[1] = t.key
  where t.said !~ '\{|\\u|[0-9][eE]';
create function pg_temp.apply_beside(plain plain[]) returns void language sql as $$
  select ledger.apply(array_agg(3000000 + t.n), array_agg(t.n), array_agg('2026-07-01Z'::timestamptz), array_agg(5::bigint), array_agg(t.n),
                      array_agg(t.model), array_agg('updated'::text), array_agg(format('{"payload":%s}', t.beside)::json), false,
                      array_agg(t.beside))
  from unnest(plain) t
$$;
delete from ledger.drift;
-- each odd one alone, so that no other value makes its batch be read with care
select lives_ok($$select pg_temp.apply_beside(array_agg(t)) from plain t group by case when t.odd is null then -(t.n % 97) else t.n end$$,
                'payloads beside the bodies');
select is_empty(
  $$select t.model, t.name, t.said, t.shown, pg_temp.shown(t.model, t.name, 3000000 + t.n) from plain t
    where pg_temp.shown(t.model, t.name, 3000000 + t.n) is distinct from t.shown$$, 'are read as the bodies are');
select set_eq(
  'select model, field, found, count from drifted',
  'select model, name, odd, count(*)::numeric from plain where odd is not null group by 1, 2, 3', 'and what is odd in them is counted');

-- ---- twins

create temp table twin as
  select row_number() over () as n, f.model, f.name, f.keys[1] as modern, f.keys[2] as legacy
  from ledger.field f where cardinality(f.keys) = 2 and f.kind = 'id';
select pg_temp.apply(array_agg(row(t.n + of.place * 100, t.model, t.name, null, null, null, null, null, format(of.payload, t.modern, t.legacy))::sample_event), 5000000)
from twin t, (values (1, '{"id":1,"%1$s":7,"%2$s":8}'), (2, '{"id":1,"%2$s":8,"%1$s":7}'), (3, '{"id":1,"%2$s":8}'),
                     (4, '{"id":1,"%2$s":8,"%1$s":null}'), (5, '{"id":1,"%1$s":"odd","%2$s":8}')) of (place, payload);
select is_empty(
  $$select t.model, t.name, place, pg_temp.shown(t.model, t.name, 5000000 + t.n + place * 100)
    from twin t, unnest('{7,7,8,null,null}'::text[]) with ordinality w (wanted, place)
    where pg_temp.shown(t.model, t.name, 5000000 + t.n + place * 100) is distinct from wanted$$,
  'a legacy twin is read only where it stands alone');

select * from finish();
rollback;
