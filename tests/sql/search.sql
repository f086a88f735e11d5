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
select matches(pg_temp.plan($$select from toggl.time_entry t where toggl.search_vector(t.description) @@ toggl.search_query('会議')$$), 'time_entry_words', 'by the index');
select * from finish();
rollback;
