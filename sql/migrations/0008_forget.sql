-- Erasure of a person on request (`hookledger forget`): its progress, and the record that stays.
-- The functions are in sql/functions/ledger/forget.sql.

create table ledger.erasure (
  erasure_id bigint generated always as identity primary key,
  alias bigint not null unique check (alias < 0),
  workspace_id bigint,
  user_id bigint,
  names text[],
  emails text[],
  requested_at timestamptz not null default now(),
  since_epoch integer not null,
  since_txid xid8 not null default pg_snapshot_xmin(pg_current_snapshot()),
  after_entity_id bigint,
  events_done bigint not null default 0,
  replaced bigint not null default 0,
  finished_at timestamptz,
  check (finished_at is null or (user_id is null and names is null and emails is null))
);
comment on table ledger.erasure is 'Erasures of persons from the ledger. A finished one has no data about the person.';
comment on column ledger.erasure.erasure_id is 'Number of the row.';
comment on column ledger.erasure.alias is
  'Negative number that replaces the person''s number. It is random, so it does not lead back to the user.';
comment on column ledger.erasure.workspace_id is 'Only of this workspace; null: of all.';
comment on column ledger.erasure.user_id is 'Toggl user; null when it is done.';
comment on column ledger.erasure.names is 'Names by which the user was known; null when it is done.';
comment on column ledger.erasure.emails is 'E-mail addresses of the user; null when it is done.';
comment on column ledger.erasure.requested_at is 'When it was begun.';
comment on column ledger.erasure.since_epoch is 'Epoch when it was begun.';
comment on column ledger.erasure.since_txid is
  'Events recorded by this transaction and later ones are checked again at the end.';
comment on column ledger.erasure.after_entity_id is 'Entities up to this number are done.';
comment on column ledger.erasure.events_done is 'Events that were checked.';
comment on column ledger.erasure.replaced is 'Events whose body was replaced.';
comment on column ledger.erasure.finished_at is 'When it was done; null: not yet.';
create unique index erasure_open on ledger.erasure (user_id, coalesce(workspace_id, 0)) where finished_at is null;
