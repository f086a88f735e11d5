-- Writes the words of time entries (ledger.entry_words) after their events were recorded. The courier,
-- doctor, housekeep and the search of the admin page call entry_words_update(), which reads new events
-- from a cursor. Rebuild, erasure and retention call entry_words_write() for the entries that they
-- touch. The search is in report/search.sql: it also looks at the entries of events after the cursor.

create function ledger.entry_words_write(workspace_ids bigint[], entry_ids bigint[])
returns void
language plpgsql set search_path = ledger, pg_temp set jit = off
as $$
begin
  -- Two sessions that write the words of an entry take turns, so that the later one reads the entry
  -- as the earlier one left it.
  perform from ledger.entry_words_read r for update;

  with present as materialized (
    select i.workspace_id, i.time_entry_id, nullif(toggl.search_vector(t.description), '') as words
    from (select distinct u.workspace_id, u.time_entry_id
          from unnest(workspace_ids, entry_ids) u (workspace_id, time_entry_id)) i
    left join toggl.time_entry t on t.workspace_id = i.workspace_id and t.time_entry_id = i.time_entry_id),
  gone as (
    delete from ledger.entry_words w using present p
    where w.time_entry_id = p.time_entry_id and w.workspace_id = p.workspace_id and p.words is null)
  insert into ledger.entry_words as w (time_entry_id, workspace_id, words)
  select p.time_entry_id, p.workspace_id, p.words
  from present p
  where p.words is not null
  order by p.time_entry_id, p.workspace_id
  on conflict (time_entry_id, workspace_id) do update set words = excluded.words where w.words <> excluded.words;
end
$$;
comment on function ledger.entry_words_write(bigint[], bigint[]) is
  'Writes the present words of these time entries. Holds the lock of ledger.entry_words_read until the end of the '
  'transaction.';

create function ledger.entry_words_write_range(first bigint, last bigint)
returns void
language plpgsql set search_path = ledger, pg_temp set jit = off
as $$
declare
  found record;
begin
  select array_agg(n.workspace_id) as workspace_ids, array_agg(n.time_entry_id) as entry_ids into found
  from (select t.workspace_id, t.time_entry_id
        from toggl.time_entry t
        where t.workspace_id = any (ledger.workspaces_with_rows()) and t.time_entry_id between first and last
        union all
        select w.workspace_id, w.time_entry_id from ledger.entry_words w
        where w.time_entry_id between first and last) n;
  perform ledger.entry_words_write(found.workspace_ids, found.entry_ids);
end
$$;
comment on function ledger.entry_words_write_range(bigint, bigint) is
  'As ledger.entry_words_write(), for the time entries with these numbers, including those without a row.';

create function ledger.entry_words_write_before(until timestamptz)
returns void
language plpgsql set search_path = ledger, pg_temp set jit = off set plan_cache_mode = force_custom_plan
as $$
declare
  progress ledger.entry_words_read;
  found record;
begin
  select r.* into progress from ledger.entry_words_read r for update;
  select array_agg(n.workspace_id) as workspace_ids, array_agg(n.entity_id) as entry_ids into found
  from (select distinct e.workspace_id, e.entity_id
        from ledger.event e
        where (e.epoch, e.txid, e.seq) > (progress.read_epoch, progress.read_txid, progress.read_seq)
          and e.created_at < until and e.model = 'time_entry' and e.entity_id is not null) n;
  if found.entry_ids is not null then
    perform ledger.entry_words_write(found.workspace_ids, found.entry_ids);
  end if;
end
$$;
comment on function ledger.entry_words_write_before(timestamptz) is
  'As ledger.entry_words_write(), for the time entries of events before this time that entry_words_update() has not '
  'read: for retention, which drops these events.';

create function ledger.entry_words_update(most bigint)
returns boolean
language plpgsql set search_path = ledger, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_custom_plan
as $$
declare
  progress ledger.entry_words_read;
  fresh record;
begin
  select r.* into progress from ledger.entry_words_read r for update skip locked;
  if not found then
    return false;
  end if;
  select count(*) as events, array_agg(n.workspace_id) filter (where n.is_entry) as workspace_ids,
         array_agg(n.entity_id) filter (where n.is_entry) as entry_ids,
         array_agg(n.epoch) as epochs, array_agg(n.txid) as txids, array_agg(n.seq) as seqs
  into fresh
  from (select e.epoch, e.txid, e.seq, e.workspace_id, e.entity_id,
               e.model = 'time_entry' and e.entity_id is not null as is_entry
        from ledger.event e
        where (e.epoch, e.txid, e.seq) > (progress.read_epoch, progress.read_txid, progress.read_seq)
          -- before anything that a running transaction could still record
          and (e.epoch, e.txid, e.seq) < ((select s.epoch from ledger.state s), pg_snapshot_xmin(pg_current_snapshot()),
                                          0::bigint)
        order by e.epoch, e.txid, e.seq
        limit most) n;
  if fresh.events = 0 then
    return false;
  end if;
  if fresh.entry_ids is not null then
    perform ledger.entry_words_write(fresh.workspace_ids, fresh.entry_ids);
  end if;
  update ledger.entry_words_read r
  set read_epoch = fresh.epochs[fresh.events], read_txid = fresh.txids[fresh.events],
      read_seq = fresh.seqs[fresh.events];
  return fresh.events = most;
end
$$;
comment on function ledger.entry_words_update(bigint) is
  'Writes the words of the time entries with new events in the ledger, at most so many events, unless another session '
  'does it. True: there are more.';
