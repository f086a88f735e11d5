-- The ledger: endpoints and their secrets, events as they came, what was
-- refused, and the counters. State only; behaviour is in sql/functions.

create table ledger.state (
  only_row boolean primary key default true check (only_row),
  epoch integer not null default 1,
  horizon timestamptz not null default '-infinity',
  login_key text not null default gen_random_uuid()::text || gen_random_uuid(),
  clock_offset interval not null default '0',
  housekept_at timestamptz not null default '-infinity'
);
comment on table ledger.state is 'Facts about this database as a whole; one row.';
comment on column ledger.state.only_row is 'Keeps it at one row.';
comment on column ledger.state.epoch is
  'Goes up when the database is restored from a backup (`hookledger restored`): transaction numbers start anew then, and cursors of readers must not skip what carries the old ones. And when a person was taken out (`hookledger forget`), so that copies are loaded anew.';
comment on column ledger.state.horizon is
  'Events created before this were dropped by retention; when one is delivered again it is counted and not recorded.';
comment on column ledger.state.login_key is 'Random: with it the names that are tried at login are digested.';
comment on column ledger.state.clock_offset is
  'Added to the clock wherever quotas, buckets, leases and due times are judged; 0 but in tests.';
comment on column ledger.state.housekept_at is 'When a courier last finished its housekeeping.';
insert into ledger.state default values;

create table ledger.endpoint (
  endpoint_id bigint generated always as identity primary key,
  address text not null unique check (address ~ '^[A-Za-z0-9_-]{22,128}$'),
  name text not null check (length(name) between 1 and 200),
  workspace_id bigint,
  enabled boolean not null default true,
  created_at timestamptz not null default now()
);
comment on table ledger.endpoint is 'A callback address of ours, one for each subscription at Toggl.';
comment on column ledger.endpoint.endpoint_id is 'Number of the endpoint.';
comment on column ledger.endpoint.address is 'Last part of the callback URL: base64url text of at least 128 random bits.';
comment on column ledger.endpoint.name is 'What the owner calls it.';
comment on column ledger.endpoint.workspace_id is
  'Toggl workspace whose events it takes; null until its first genuine event fixes it.';
comment on column ledger.endpoint.enabled is 'A disabled endpoint answers 404.';
comment on column ledger.endpoint.created_at is 'When it was made.';

create table ledger.endpoint_secret (
  secret_id bigint generated always as identity primary key,
  endpoint_id bigint not null references ledger.endpoint,
  sealed bytea not null,
  valid_from timestamptz not null default now(),
  valid_until timestamptz not null default 'infinity',
  revoked_at timestamptz
);
create index endpoint_secret_endpoint on ledger.endpoint_secret (endpoint_id);
comment on table ledger.endpoint_secret is
  'Secrets that judge the callbacks of an endpoint: the current one and, while it is being rotated, the one before. Never deleted while an event refers to it.';
comment on column ledger.endpoint_secret.secret_id is 'Number of the secret; events name the one that judged them.';
comment on column ledger.endpoint_secret.endpoint_id is 'Whose secret it is.';
comment on column ledger.endpoint_secret.sealed is
  'The secret under AES-256-GCM with the master key of the settings file; bound to the address of the endpoint.';
comment on column ledger.endpoint_secret.valid_from is 'Good for callbacks received from then on.';
comment on column ledger.endpoint_secret.valid_until is 'Good for callbacks received before this time.';
comment on column ledger.endpoint_secret.revoked_at is 'Withdrawn at once: nothing received from then on is taken.';

create type ledger.cursor as (epoch integer, txid xid8, seq bigint);
comment on type ledger.cursor is
  'A cursor: how far a reader of the ledger has come in the order of recording.';

-- Every session takes 64 at a time: a number a row costs a lock each.
create sequence ledger.event_seq cache 64;

create table ledger.event (
  workspace_id bigint not null,
  event_id bigint not null,
  created_at timestamptz not null,
  received_at timestamptz not null,
  seq bigint not null default nextval('ledger.event_seq'),
  txid xid8 not null default pg_current_xact_id(),
  epoch integer not null,
  endpoint_id bigint not null,
  secret_id bigint not null,
  creator_id bigint,
  entity_id bigint,
  model text not null,
  action text not null,
  source text not null,
  signature bytea not null,
  body json not null,
  primary key (workspace_id, event_id, created_at)
) partition by range (created_at);
alter sequence ledger.event_seq owned by ledger.event.seq;
comment on table ledger.event is
  'Every event that was acknowledged, as it came. Partitioned by month of created_at; the same event (workspace_id, event_id, created_at) is here once.';
comment on column ledger.event.workspace_id is 'Toggl workspace.';
comment on column ledger.event.event_id is 'Toggl''s number of the event; 64 bits.';
comment on column ledger.event.created_at is 'When the change happened at Toggl.';
comment on column ledger.event.received_at is 'When the callback arrived here.';
comment on column ledger.event.seq is 'Order of recording within one transaction and roughly overall; has gaps.';
comment on column ledger.event.txid is 'Transaction that recorded it; (epoch, txid, seq) is the cursor of those who read on.';
comment on column ledger.event.epoch is 'ledger.state.epoch at the time.';
comment on column ledger.event.endpoint_id is 'Endpoint it came to.';
comment on column ledger.event.secret_id is 'Secret that judged it.';
comment on column ledger.event.creator_id is 'Toggl user who made the change.';
comment on column ledger.event.entity_id is 'Entity that was changed; null when the callback names none.';
comment on column ledger.event.model is 'Kind of entity, such as time_entry; empty when the callback names none.';
comment on column ledger.event.action is 'created, updated or deleted; empty when the callback names none.';
comment on column ledger.event.source is
  'How it came: webhook; spool when the database was away; quarantine when a retry recorded it; local when it was made up here (`hookledger simulate --into-database`).';
comment on column ledger.event.signature is 'The 32 bytes of HMAC-SHA-256 that came with it.';
comment on column ledger.event.body is 'The callback''s body, byte for byte: with signature and secret it can be verified at any later time.';

-- Readers go on from a cursor, and the newest are listed first: the same order.
create index event_cursor on ledger.event (epoch, txid, seq);
-- Nearly all events are of time entries. Those of the other kinds are few and far
-- between, and would be looked for among all the rest: by loads of one kind, which
-- read on from a cursor (toggl.changed_since), and by lists of all. An event of a
-- time entry costs nothing here.
create index event_rare_by_model on ledger.event (model, epoch, txid, seq) where model <> 'time_entry';
create index event_rare on ledger.event (epoch, txid, seq) where model <> 'time_entry';
-- History, states in the past and the rebuild ask for the events of an entity.
create index event_entity on ledger.event (entity_id);
-- Lists of a range of time.
create index event_created on ledger.event (created_at, event_id, workspace_id);

create table ledger.event_default partition of ledger.event default;
comment on table ledger.event_default is
  'Events whose month has no partition (odd dates); housekeeping moves them when it makes one.';

create table ledger.baseline (
  workspace_id bigint not null,
  event_id bigint not null,
  created_at timestamptz not null,
  received_at timestamptz not null,
  seq bigint not null,
  txid xid8 not null,
  epoch integer not null,
  endpoint_id bigint not null,
  secret_id bigint not null,
  creator_id bigint,
  entity_id bigint,
  model text not null,
  action text not null,
  source text not null,
  signature bytea not null,
  body json not null,
  primary key (workspace_id, event_id, created_at)
);
create index baseline_entity on ledger.baseline (entity_id);
create index baseline_cursor on ledger.baseline (epoch, txid, seq);
create index baseline_rare_by_model on ledger.baseline (model, epoch, txid, seq) where model <> 'time_entry';
comment on table ledger.baseline is
  'Of each entity the last event before the retention horizon (and the last that says all of it, and the last that created or deleted it, when those are others): where history and a rebuild start. Same columns as ledger.event.';
comment on column ledger.baseline.workspace_id is 'As in ledger.event, like all columns here.';
comment on column ledger.baseline.event_id is 'As in ledger.event.';
comment on column ledger.baseline.created_at is 'As in ledger.event.';
comment on column ledger.baseline.received_at is 'As in ledger.event.';
comment on column ledger.baseline.seq is 'As in ledger.event.';
comment on column ledger.baseline.txid is 'As in ledger.event.';
comment on column ledger.baseline.epoch is 'As in ledger.event.';
comment on column ledger.baseline.endpoint_id is 'As in ledger.event.';
comment on column ledger.baseline.secret_id is 'As in ledger.event.';
comment on column ledger.baseline.creator_id is 'As in ledger.event.';
comment on column ledger.baseline.entity_id is 'As in ledger.event.';
comment on column ledger.baseline.model is 'As in ledger.event.';
comment on column ledger.baseline.action is 'As in ledger.event.';
comment on column ledger.baseline.source is 'As in ledger.event.';
comment on column ledger.baseline.signature is 'As in ledger.event.';
comment on column ledger.baseline.body is 'As in ledger.event.';

create table ledger.quarantine (
  quarantine_id bigint generated always as identity primary key,
  endpoint_id bigint not null,
  secret_id bigint not null,
  received_at timestamptz not null,
  reason text not null,
  signature bytea not null,
  body bytea not null,
  digest bytea generated always as (sha256(body)) stored,
  retried_at timestamptz,
  retried_as text,
  forgotten bytea
);
create unique index quarantine_once on ledger.quarantine (endpoint_id, digest);
create unique index quarantine_forgotten on ledger.quarantine (endpoint_id, forgotten) where forgotten is not null;
-- What waits: few among many.
create index quarantine_waiting on ledger.quarantine (quarantine_id) where retried_at is null;
comment on table ledger.quarantine is
  'Callbacks with a good signature that are no event we can record; kept so that the owner can look and try again.';
comment on column ledger.quarantine.quarantine_id is 'Number of the row.';
comment on column ledger.quarantine.endpoint_id is 'Endpoint it came to.';
comment on column ledger.quarantine.secret_id is 'Secret that judged it.';
comment on column ledger.quarantine.received_at is 'When it arrived.';
comment on column ledger.quarantine.reason is 'Why it is here, in one word as in ledger.receiver_counter.reason.';
comment on column ledger.quarantine.signature is 'The 32 bytes of HMAC-SHA-256 that came with it.';
comment on column ledger.quarantine.body is 'The body, byte for byte.';
comment on column ledger.quarantine.digest is 'SHA-256 of the body: the same body is kept once an endpoint.';
comment on column ledger.quarantine.retried_at is 'When it was tried again with success, or null.';
comment on column ledger.quarantine.retried_as is 'What became of it then: recorded, duplicate, or forgotten (an erasure has replaced the body).';
comment on column ledger.quarantine.forgotten is
  'SHA-256 of the body that stood here until a person was taken out; the same body is not kept again.';

create table ledger.receiver_counter (
  minute timestamptz not null,
  endpoint_id bigint not null,
  reason text not null,
  count bigint not null,
  primary key (minute, endpoint_id, reason)
);
comment on table ledger.receiver_counter is
  'What came and was not recorded, counted by minute, so that an unauthenticated client cannot fill the disk: refusals by reason, duplicates, pings.';
comment on column ledger.receiver_counter.minute is 'Start of the minute.';
comment on column ledger.receiver_counter.endpoint_id is 'Endpoint, or 0 when the address is unknown.';
comment on column ledger.receiver_counter.reason is
  'method, address, type, length, size, signature, json, event, workspace, revoked, unavailable; duplicate, ping, horizon are no refusals.';
comment on column ledger.receiver_counter.count is 'How many.';

create table ledger.turn (name text primary key);
comment on table ledger.turn is 'Whose row lock is a turn: housekeep. A row, because an advisory lock is anybody''s to take.';
comment on column ledger.turn.name is 'What is done by one at a time.';
insert into ledger.turn values ('housekeep');
