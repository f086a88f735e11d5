-- Hours of a range ask for the entries that reach into it from before: those of
-- more than a day are few, and those whose duration stop_at tells are hardly any:
-- what is recorded has it already.
create index time_entry_long on toggl.time_entry (start_at)
  where duration_seconds > 86400 or coalesce(duration_seconds, -1) < 0 and stop_at is not null;
