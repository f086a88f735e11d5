-- The words of time entries, by which the search finds them. They are kept beside the entries and
-- written after recording: an index on toggl.time_entry took 20 µs of each event, and sometimes
-- 15 ms. What writes them is in sql/functions/projection/words.sql, what reads them in
-- sql/functions/report/search.sql.

create table ledger.entry_words (
  time_entry_id bigint not null,
  workspace_id bigint not null,
  words tsvector not null,
  primary key (time_entry_id, workspace_id)
);
comment on table ledger.entry_words is
  'The words of the descriptions of time entries, as they were at the cursor in ledger.entry_words_read.';
comment on column ledger.entry_words.time_entry_id is 'Time entry.';
comment on column ledger.entry_words.workspace_id is 'Toggl workspace.';
comment on column ledger.entry_words.words is
  'toggl.search_vector() of its description. An entry without words has no row.';

create table ledger.entry_words_read (
  only_row boolean primary key default true check (only_row),
  read_epoch integer not null,
  read_txid xid8 not null,
  read_seq bigint not null
);
comment on table ledger.entry_words_read is
  'How far ledger.entry_words is; one row. A session that writes words locks the row.';
comment on column ledger.entry_words_read.only_row is 'Keeps it at one row.';
comment on column ledger.entry_words_read.read_epoch is
  'The words are those after the events up to this cursor (epoch, txid, seq).';
comment on column ledger.entry_words_read.read_txid is 'See read_epoch.';
comment on column ledger.entry_words_read.read_seq is 'See read_epoch.';

-- First the cursor, then the words: the second statement sees all events before the cursor.
insert into ledger.entry_words_read (read_epoch, read_txid, read_seq)
select s.epoch, pg_snapshot_xmin(pg_current_snapshot()), 0 from ledger.state s;
insert into ledger.entry_words (time_entry_id, workspace_id, words)
select t.time_entry_id, t.workspace_id, v.words
from toggl.time_entry t
cross join lateral (select toggl.search_vector(t.description) as words offset 0) v
where v.words <> '';
create index entry_words_words on ledger.entry_words using gin (words);
drop index toggl.time_entry_words;

comment on function toggl.search_vector(text) is
  'The words of a description (of its first 4,000 characters). toggl.time_entries_with() finds time entries by an '
  'index of these words; this function is for other texts, and for a few entries. Example: select start_at, '
  'description from toggl.time_entry where start_at >= ''2026-05-01'' and toggl.search_vector(description) @@ '
  'toggl.search_query(''sketch'');';
comment on function toggl.search_query(text) is
  'Turns typed text into a query for toggl.time_entries_with() and toggl.search_vector(). It finds texts with all the '
  'words; the last word may be the beginning of a word, and runs of a script without blanks match anywhere. Null: the '
  'text has no word. Example: select e.start_at, e.description from '
  'toggl.time_entries_with(toggl.search_query(''sketches pag'')) w join toggl.time_entries e using (workspace_id, '
  'time_entry_id);';
