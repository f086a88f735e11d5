-- Finding events by words, and the deliveries of an event.

create type ledger.mark as (epoch integer, txid xid8, seq bigint, workspace_id bigint, event_id bigint, created_at timestamptz);
comment on type ledger.mark is 'An event: its place, and its key.';

create type ledger.wish as (workspace bigint, model text, action text, creator bigint, entity bigint, since timestamptz, until timestamptz, words tsquery);
comment on type ledger.wish is 'The filters of a list of events; null lets all pass.';

-- By what one remembers of it. Time entries are many, the others few.
create index time_entry_words on toggl.time_entry using gin (to_tsvector('simple', left(coalesce(description, ''), 4000)));
create index project_words on toggl.project using gin (to_tsvector('simple', left(coalesce(name, ''), 4000)));
create index client_words on toggl.client using gin (to_tsvector('simple', left(coalesce(name, ''), 4000)));
create index tag_words on toggl.tag using gin (to_tsvector('simple', left(coalesce(name, ''), 4000)));
create index task_words on toggl.task using gin (to_tsvector('simple', left(coalesce(name, ''), 4000)));
create index workspace_user_words on toggl.workspace_user using gin (to_tsvector('simple', left(coalesce(name, ''), 4000)));

-- What became of an event, for who looks at it.
create index delivery_event on ledger.delivery (workspace_id, event_id);

-- Lists of a range of time; and those of what is seldom, which most events are not.
create index event_created on ledger.event (created_at, event_id, workspace_id);
create index event_rare on ledger.event (epoch, txid, seq) where model <> 'time_entry';
