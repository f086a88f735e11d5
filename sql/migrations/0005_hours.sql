-- Hours of a range ask for the entries that reach into it from before: those of
-- more than a day, and those whose duration could not be read, are few.
create index time_entry_long on toggl.time_entry (start_at)
  where duration_seconds > 86400 or duration_seconds is null and stop_at is not null;
