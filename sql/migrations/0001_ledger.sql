-- The ledger: endpoints and their secrets, events as they came, quarantined callbacks, and the
-- counters of refused callbacks. `hookledger migrate` applies each migration once, in the order of
-- the numbers. Only tables, types and sequences are here; functions are in sql/functions.

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
  'Goes up when the database is restored from a backup (`hookledger restored`): transaction numbers then start again, '
  'and cursors of readers must not skip events with the old numbers. Goes up too when a person is erased (`hookledger '
  'forget`), so that readers load their copies again.';
comment on column ledger.state.horizon is
  'Retention has dropped the events created before this time. If Toggl sends one of them again, it is counted and not '
  'recorded.';
comment on column ledger.state.login_key is 'Random key of the digests of names that clients try at login.';
comment on column ledger.state.clock_offset is
  'Added to the clock wherever quotas, buckets, leases and due times are computed; 0 except in tests.';
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
comment on column ledger.endpoint.address is
  'Last part of the callback URL: base64url text of at least 128 random bits.';
comment on column ledger.endpoint.name is 'Name that the owner gave it.';
comment on column ledger.endpoint.workspace_id is
  'Toggl workspace whose events it takes; null until its first event with a valid signature sets it.';
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
  'Secrets that verify the callbacks of an endpoint: the current one and, during a rotation, the previous one. A '
  'secret is not deleted while an event refers to it.';
comment on column ledger.endpoint_secret.secret_id is
  'Number of the secret; each event names the secret that verified it.';
comment on column ledger.endpoint_secret.endpoint_id is 'Endpoint of the secret.';
comment on column ledger.endpoint_secret.sealed is
  'The secret under AES-256-GCM with the master key of the settings file; bound to the address of the endpoint.';
comment on column ledger.endpoint_secret.valid_from is 'Valid for callbacks received at this time or later.';
comment on column ledger.endpoint_secret.valid_until is 'Valid for callbacks received before this time.';
comment on column ledger.endpoint_secret.revoked_at is
  'When it was revoked: callbacks received at this time or later are refused.';

create type ledger.cursor as (epoch integer, txid xid8, seq bigint);
comment on type ledger.cursor is
  'A cursor: how far a reader of the ledger has come in the order of recording.';

-- Each session takes 64 numbers at a time, because each access to the sequence takes a lock.
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
  -- In this order for lists of a range of time; everything else looks for all three.
  primary key (created_at, event_id, workspace_id)
) partition by range (created_at);
alter sequence ledger.event_seq owned by ledger.event.seq;
comment on table ledger.event is
  'Every event that was acknowledged, as it came. Partitioned by month of created_at; the same event (workspace_id, '
  'event_id, created_at) is here once.';
comment on column ledger.event.workspace_id is 'Toggl workspace.';
comment on column ledger.event.event_id is 'Toggl''s number of the event; 64 bits.';
comment on column ledger.event.created_at is 'When the change happened at Toggl.';
comment on column ledger.event.received_at is 'When the callback arrived here.';
comment on column ledger.event.seq is 'Order of recording within one transaction and roughly overall; has gaps.';
comment on column ledger.event.txid is 'Transaction that recorded it; (epoch, txid, seq) is the cursor of a reader.';
comment on column ledger.event.epoch is 'ledger.state.epoch at the time.';
comment on column ledger.event.endpoint_id is 'Endpoint it came to.';
comment on column ledger.event.secret_id is 'Secret that verified it.';
comment on column ledger.event.creator_id is 'Toggl user who made the change.';
comment on column ledger.event.entity_id is 'Entity that was changed; null when the callback names none.';
comment on column ledger.event.model is 'Kind of entity, such as time_entry; empty when the callback names none.';
comment on column ledger.event.action is 'created, updated or deleted; empty when the callback names none.';
comment on column ledger.event.source is
  'How it came: webhook; spool when the database was not available; quarantine when a retry recorded it; local when '
  'it was generated here (`hookledger simulate --into-database`).';
comment on column ledger.event.signature is 'The 32 bytes of HMAC-SHA-256 that came with it.';
comment on column ledger.event.body is
  'The callback''s body, byte for byte: with signature and secret it can be verified at any later time.';

-- Readers continue from a cursor, and lists show the newest events first: both use this order.
create index event_cursor on ledger.event (epoch, txid, seq);
-- Nearly all events are about time entries. Two kinds of query look for one of the other kinds: loads of
-- one kind, which continue from a cursor (toggl.changed_since), and lists of events. Without this
-- index they would read all events. An event of a time entry adds nothing to it.
create index event_rare_by_model on ledger.event (model, epoch, txid, seq) where model <> 'time_entry';
-- For the events of one entity: history, past states and the rebuild read them.
create index event_entity on ledger.event (entity_id);

create table ledger.event_default partition of ledger.event default;
comment on table ledger.event_default is
  'Events whose month has no partition (odd dates); housekeeping moves them when it makes one.';
create table ledger.event_before partition of ledger.event for values from (minvalue) to ('2006-01-01 00:00+00');
comment on table ledger.event_before is
  'Events from before the first month that has a partition of its own, such as loaded history.';

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
  'The last event of each entity before the retention horizon. If they are different events, also the last one with a '
  'full payload and the last one that created or deleted the entity. History and a rebuild start here. Same columns '
  'as ledger.event.';
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
-- For the few rows that were not retried yet.
create index quarantine_waiting on ledger.quarantine (quarantine_id) where retried_at is null;
comment on table ledger.quarantine is
  'Callbacks with a valid signature that cannot be recorded as an event. They are kept so that the owner can look at '
  'them and retry.';
comment on column ledger.quarantine.quarantine_id is 'Number of the row.';
comment on column ledger.quarantine.endpoint_id is 'Endpoint it came to.';
comment on column ledger.quarantine.secret_id is 'Secret that verified it.';
comment on column ledger.quarantine.received_at is 'When it arrived.';
comment on column ledger.quarantine.reason is 'Why it is here, in one word as in ledger.receiver_counter.reason.';
comment on column ledger.quarantine.signature is 'The 32 bytes of HMAC-SHA-256 that came with it.';
comment on column ledger.quarantine.body is 'The body, byte for byte.';
comment on column ledger.quarantine.digest is 'SHA-256 of the body: an endpoint keeps the same body only once.';
comment on column ledger.quarantine.retried_at is 'When it was tried again with success, or null.';
comment on column ledger.quarantine.retried_as is
  'Result of the retry: recorded, duplicate, or forgotten (an erasure has replaced the body).';
comment on column ledger.quarantine.forgotten is
  'SHA-256 of the original body, when an erasure has replaced it; the same body is not kept again.';

create table ledger.receiver_counter (
  minute timestamptz not null,
  endpoint_id bigint not null,
  reason text not null,
  count bigint not null,
  primary key (minute, endpoint_id, reason)
);
comment on table ledger.receiver_counter is
  'Callbacks that were not recorded, counted by minute: refusals by reason, duplicates, pings. Only counts are kept, '
  'so that an unauthenticated client cannot fill the disk.';
comment on column ledger.receiver_counter.minute is 'Start of the minute.';
comment on column ledger.receiver_counter.endpoint_id is 'Endpoint, or 0 when the address is unknown.';
comment on column ledger.receiver_counter.reason is
  'method, address, type, length, size, signature, json, event, workspace, revoked, unavailable; duplicate, ping, '
  'horizon are no refusals.';
comment on column ledger.receiver_counter.count is 'How many.';

create table ledger.turn (name text primary key);
comment on table ledger.turn is
  'Locks for work that only one session does at a time: housekeep. A session locks the row. Advisory locks are not '
  'used, because any role can take them.';
comment on column ledger.turn.name is 'Name of the work.';
insert into ledger.turn values ('housekeep');
