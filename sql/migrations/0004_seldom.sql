-- Loads of one kind of entity read on from a cursor (toggl.changed_since). Nearly
-- all events are of time entries, and are read by event_cursor; those of the other
-- kinds are few and far between, and would be looked for among all the rest. An
-- event of a time entry costs nothing here.
create index event_seldom on ledger.event (model, epoch, txid, seq) where model <> 'time_entry';
create index baseline_seldom on ledger.baseline (model, epoch, txid, seq) where model <> 'time_entry';
