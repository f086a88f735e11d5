-- Toggl's REST API: tokens, windows, what is known of its side.
select;
