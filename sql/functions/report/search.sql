-- Search for time entries by the words of their descriptions. The words are written some time after
-- recording (projection/words.sql), so the search also reads the entries that were changed since then:
-- it finds what is recorded, whenever that was written, and it writes nothing.

create or replace function toggl.time_entries_with(wanted tsquery, most bigint default null)
returns table (workspace_id bigint, time_entry_id bigint)
language plpgsql stable security definer rows 1000 set search_path = ledger, pg_temp
set jit = off set enable_seqscan = off set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
  at ledger.entry_words_read;
  -- Events after the cursor. Above this number reading all entries takes less time than reading those
  -- of the events.
  few constant bigint := 50000;
begin
  select r.* into at from ledger.entry_words_read r;
  if few < (select count(*) from (select from ledger.event e
                                  where (e.epoch, e.txid, e.seq) > (at.read_epoch, at.read_txid, at.read_seq)
                                  limit few + 1) n) then
    return query
      select t.workspace_id, t.time_entry_id from toggl.time_entry t
      where toggl.search_vector(t.description) @@ wanted
      limit most;
    return;
  end if;
  return query
    with recent as materialized (
      select distinct e.workspace_id, e.entity_id as time_entry_id
      from ledger.event e
      where (e.epoch, e.txid, e.seq) > (at.read_epoch, at.read_txid, at.read_seq) and e.model = 'time_entry'
        and e.entity_id is not null)
    (select t.workspace_id, t.time_entry_id
     from recent r
     join toggl.time_entry t on t.workspace_id = r.workspace_id and t.time_entry_id = r.time_entry_id
     where toggl.search_vector(t.description) @@ wanted
     limit most)
    union all
    (select w.workspace_id, w.time_entry_id
     from ledger.entry_words w
     where w.words @@ wanted
       and not exists (select from recent r where r.workspace_id = w.workspace_id
                       and r.time_entry_id = w.time_entry_id)
     limit most)
    limit most;
end
$$;
comment on function toggl.time_entries_with(tsquery, bigint) is
  'The time entries whose description contains these words (toggl.search_query()), deleted entries too; at most so '
  'many, or all. It uses an index, and it finds entries that were recorded just now. Example: select e.start_at, '
  'e.description from toggl.time_entries_with(toggl.search_query(''sketch'')) w join toggl.time_entries e using '
  '(workspace_id, time_entry_id);';
