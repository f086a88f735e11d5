-- Erasure of a person on request: how far it has come, and what stays of it.

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
comment on table ledger.erasure is 'Persons who were taken out of the ledger. When it is done, nothing here says who it was.';
comment on column ledger.erasure.erasure_id is 'Number of the row.';
comment on column ledger.erasure.alias is 'Negative number that stands for the person since; random, so nothing leads from it to the user.';
comment on column ledger.erasure.workspace_id is 'Only of this workspace; null: of all.';
comment on column ledger.erasure.user_id is 'Toggl user; null when it is done.';
comment on column ledger.erasure.names is 'Names by which the user was known; null when it is done.';
comment on column ledger.erasure.emails is 'E-mail addresses of the user; null when it is done.';
comment on column ledger.erasure.requested_at is 'When it was begun.';
comment on column ledger.erasure.since_epoch is 'Epoch when it was begun.';
comment on column ledger.erasure.since_txid is 'What such transactions and later ones have recorded is looked at again at the end.';
comment on column ledger.erasure.after_entity_id is 'Entities up to this number are done.';
comment on column ledger.erasure.events_done is 'Events that were looked at.';
comment on column ledger.erasure.replaced is 'Events whose body was replaced.';
comment on column ledger.erasure.finished_at is 'When it was done; null: not yet.';
create unique index erasure_open on ledger.erasure (user_id, coalesce(workspace_id, 0)) where finished_at is null;
