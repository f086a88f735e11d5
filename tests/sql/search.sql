-- What a search finds: whatever way letters are written, and in scripts that have
-- no blanks.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap;
select * from no_plan();

create temp table sample_text (n bigint generated always as identity, text text);
insert into sample_text (text) values
  ('Weekly meeting with the client'), ('週間会議の準備とデータベース設計'), (U&'Cafe\0301 mu\0308de'), ('Größe der STRASSE prüfen'),
  ('İstanbul ofisi, ısı ölçümü'), ('ＡＢＣ会社　第２部'), ('ﾃﾞｰﾀﾍﾞｰｽの更新'), ('การประชุมประจำสัปดาห์'), ('ປະຊຸມປະຈໍາອາທິດ'), ('ការប្រជុំប្រចាំសប្តាហ៍'),
  ('주간회의를 준비'), (U&'\1112\1161\11AB\1100\1173\11AF'), ('ЁЛКА и ещё йод'), ('ΟΔΥΣΣΕΥΣ Αθήνα'), ('API設計書v2'), (U&'\30AB\3099\30BF\30AB\30CA'), ('𠮷野家で昼食'),
  ('Đặng Văn Łukasz, Ærø, œuvre'), ('ﬁnal oﬃce'), ('会'), ('人々〇〇'), (U&'Silben\00ADtrennung'), ('ကုမ္ပဏီအစည်းအဝေး'), ('مُحَمَّد'), ('東京・大阪、京都');
insert into toggl.time_entry (workspace_id, time_entry_id, description, changed_at, changed_event_id, payload_at, payload_event_id)
select 7, n, text, now(), n, now(), n from sample_text;

select ledger.entry_words_write_range(1, 1000);
select is(ledger.entities_with(ledger.words_query(q), 100), f, format('"%s" finds %s', q, f))
from (values
  ('meeting', '{1}'::bigint[]), ('MEET', '{1}'), ('clie week', null), ('week clie', null), ('weekly clie', '{1}'),
  ('会議', '{2}'), ('会議の準備', '{2}'), ('議の', '{2}'), ('準備', '{2}'), ('備', '{2}'), ('会', '{2,6,20}'), ('議会', null), ('会の議', null), ('設計', '{2,15}'), ('週間 設計', '{2}'),
  ('café', '{3}'), (U&'cafe\0301', '{3}'), ('CAFÉ', '{3}'), ('MÜDE', '{3}'), ('müde', '{3}'),
  ('grösse', '{4}'), ('GRÖSSE', '{4}'), ('strasse', '{4}'), ('GRÖẞE', '{4}'), ('Größe', '{4}'), ('straße', '{4}'), ('PRÜFEN', '{4}'), (U&'pru\0308fen', '{4}'),
  ('istanbul', '{5}'), ('İSTANBUL', '{5}'), ('isi', '{5}'), ('ISI', '{5}'), ('ÖLÇÜMÜ', '{5}'),
  ('abc', '{6}'), ('ABC会社', '{6}'), ('第2部', '{6}'), ('ａｂｃ', '{6}'), ('会社', '{6}'),
  ('データベース', '{2,7}'), ('ﾃﾞｰﾀ', '{2,7}'), ('ベース', '{2,7}'), ('更新', '{7}'),
  ('ประชุม', '{8}'), ('สัปดาห์', '{8}'), ('ປະຊຸມ', '{9}'), ('ប្រជុំ', '{10}'), ('အစည်းအဝေး', '{23}'),
  ('회의', '{11}'), ('주간', '{11}'), ('준비', '{11}'), ('한글', '{12}'), (U&'\1112\1161\11AB', '{12}'),
  ('ёлка', '{13}'), ('ещё', '{13}'), ('ЙОД', '{13}'), ('οδυσσευς', '{14}'), ('Οδυσσευσ', '{14}'), ('αθήνα', '{14}'), ('ΑΘΉΝΑ', '{14}'),
  ('api', '{15}'), ('設計書', '{15}'), ('API設計', '{15}'), ('ガタカナ', '{16}'), (U&'\30AB\3099\30BF', '{16}'), ('カタ', null), ('𠮷野', '{17}'), ('野家', '{17}'), ('昼食', '{17}'),
  ('đặng', '{18}'), (U&'\0110\1EA1\0306ng', '{18}'), ('ŁUKASZ', '{18}'), ('ærø', '{18}'), ('ŒUVRE', '{18}'), ('final', '{19}'), ('office', '{19}'),
  ('人々', '{21}'), ('silbentrennung', '{22}'), ('محمد', '{24}'), ('東京', '{25}'), ('京大', null), ('京都', '{25}')) q (q, f);
insert into toggl.project (workspace_id, project_id, name, changed_at, changed_event_id, payload_at, payload_event_id)
select 7, 100 + n, name, now(), n, now(), n
from unnest(array['Chloé Łukasz Ærø', U&'Jose\0301 Đặng', 'Müller-Straße', '東京プロジェクト']) with ordinality u (name, n);
select is(ledger.entities_with(ledger.words_query(q), 100), f, format('the name "%s" finds %s', q, f))
from (values ('chloe', '{101}'::bigint[]), ('Chloé', '{101}'), (U&'CHLOE\0301', '{101}'), ('lukasz', '{101}'), ('aero', '{101}'), ('Ærø', '{18,101}'), ('jose', '{102}'), ('JOSÉ', '{102}'),
             ('dang', '{102}'), ('muller', '{103}'), ('Müller', '{103}'), ('muller strasse', '{103}'), ('プロジェクト', '{104}'), ('京プロ', '{104}')) q (q, f);
select is(ledger.words_query('、。 !'), null, 'there is no word in it');
select is(ledger.words_query(''), null, 'nor in nothing');
select throws_ok($$select ledger.event_filter_of('{"text":"!?"}')$$, '22023', null, 'which is said');
select lives_ok($$select toggl.search_vector(repeat('会議', 100000)), toggl.search_vector(repeat('a', 1000000)), toggl.search_query(repeat('会', 200))$$, 'long texts');
select is(toggl.search_vector(null), null, 'no description, no words');
select is(toggl.search_vector(normalize(text, nfd)), toggl.search_vector(normalize(text, nfc)), 'composed or not: ' || n) from sample_text;
select is(ledger.has_words(7, 'time_entry', 2, ledger.words_query('会議')), true, 'one entity');
select results_eq($$select t.time_entry_id from toggl.time_entry t where toggl.search_vector(t.description) @@ toggl.search_query('会議')$$, 'select 2::bigint', 'in SQL too');

-- The words are written after the events are recorded; a search finds what is recorded in any case.
insert into ledger.endpoint (endpoint_id, address, name, workspace_id) overriding system value values (101, 'address_of_the_first_1', 'first', 7);
insert into ledger.endpoint_secret (secret_id, endpoint_id, sealed) overriding system value values (201, 101, '');
-- An event of an entry; the minute of the hour is its number.
create function pg_temp.event(n bigint, entry bigint, action text, description text) returns text language sql as $$
  select receiver.append(array[101], array[201], array[7], array[n], array[date_trunc('hour', now()) + n * interval '1 minute'], array[now()], array[5],
                         array[entry], array['time_entry'], array[action], array[''::bytea],
                         array[json_build_object('payload', json_build_object('id', entry, 'start', '2026-07-01T10:00:00Z', 'description', description))], 'webhook')
$$;
create function pg_temp.found(words text) returns bigint[] language sql as $$
  select array_agg(w.time_entry_id order by w.time_entry_id) from toggl.time_entries_with(toggl.search_query(words)) w
$$;
-- A running transaction is not read, and this test is one: the events are made older.
create function pg_temp.update_words(most bigint) returns boolean language plpgsql as $$
begin
  update ledger.event e set txid = '5' where e.txid = pg_current_xact_id();
  return ledger.entry_words_update(most);
end
$$;
create view pg_temp.written as select array_agg(w.time_entry_id order by w.time_entry_id) as ids from ledger.entry_words w where w.words @@ toggl.search_query('ward');
update ledger.entry_words_read set read_epoch = 0, read_txid = '0';

select pg_temp.event(1, 2001, 'created', 'first ward'), pg_temp.event(2, 2002, 'created', 'second ward'), pg_temp.event(3, 2003, 'created', null);
select is(pg_temp.found('ward'), '{2001,2002}', 'found before its words are written');
select is((select ids from pg_temp.written), null, 'which they are not');
select is(ledger.entry_words_update(100), false, 'a running transaction is not read');
select is(pg_temp.update_words(2), true, 'two events; there are more');
select is((select ids from pg_temp.written), '{2001,2002}', 'are written');
select is(pg_temp.found('ward'), '{2001,2002}', 'each is found once');
select is(pg_temp.update_words(2), false, 'no more');
select is(pg_temp.update_words(2), false, 'nothing at all');
select is((select count(*) from ledger.entry_words w where w.time_entry_id = 2003), 0::bigint, 'no description, no row');
select pg_temp.event(4, 2001, 'updated', 'first garden'), pg_temp.event(5, 2002, 'updated', null), pg_temp.event(6, 2003, 'updated', 'third ward');
select is(pg_temp.found('ward'), '{2003}', 'changed since: found by the new words only');
select is(pg_temp.found('garden'), '{2001}', 'by any of them');
select is((select ids from pg_temp.written), '{2001,2002}', 'while the old ones are written');
select is((select count(*) from toggl.time_entries_with(toggl.search_query('garden'), 0)), 0::bigint, 'at most none');
select is(pg_temp.update_words(100), false, 'read');
select is((select ids from pg_temp.written), '{2003}', 'the old words are gone');
select is(pg_temp.found('ward'), '{2003}', 'the new ones are found');
select is(pg_temp.found('garden'), '{2001}', 'in all entries');
select is(pg_temp.found(' '), null, 'no word finds nothing');

-- What writes entries without an event writes their words.
delete from ledger.entry_words;
update toggl.time_entry set description = 'overwritten ward' where time_entry_id = 2001;
insert into toggl.time_entry (workspace_id, time_entry_id, description, changed_at, changed_event_id, payload_at, payload_event_id)
values (7, 2004, 'ward of nobody', now(), 1, now(), 1);
insert into ledger.entry_words values (2004, 7, toggl.search_vector('ward of nobody'));
select ledger.rebuild_entities(2000, 3000);
select is(pg_temp.found('ward'), '{2003}', 'after a rebuild');
select is(pg_temp.found('garden'), '{2001}', 'all entries');
select is((select ids from pg_temp.written), '{2003}', 'of none that is gone');
delete from ledger.entry_words;
update ledger.entry_words_read set read_epoch = 0, read_txid = '0';
select ledger.entry_words_write_before(date_trunc('hour', now()) + interval '5 minutes');
select is((select array_agg(w.time_entry_id order by w.time_entry_id) from ledger.entry_words w where w.time_entry_id > 2000), '{2001,2003}',
          'before a month is dropped, the entries of its events');

-- Many events after the cursor.
insert into ledger.event (workspace_id, event_id, created_at, received_at, epoch, endpoint_id, secret_id, creator_id, entity_id, model, action, source, signature, body)
select 7, 1000 + n, now(), now(), 1, 101, 201, 5, 2001, 'time_entry', 'updated', 'webhook', '', '{}' from generate_series(1, 50001) n;
delete from ledger.entry_words;
select is(pg_temp.found('ward'), '{2003}', 'all entries are read');
select is((select count(*) from toggl.time_entries_with(toggl.search_query('ward'), 0)), 0::bigint, 'at most so many');

set local enable_seqscan = off;
create function pg_temp.plan(query text) returns text language plpgsql as $$
declare
  line text;
  sample_text text := '';
begin
  for line in execute 'explain ' || query loop
    sample_text := sample_text || line;
  end loop;
  return sample_text;
end
$$;
select matches(pg_temp.plan($$select from ledger.entry_words w where w.words @@ toggl.search_query('会議')$$), 'entry_words_words', 'by the index');
select * from finish();
rollback;
