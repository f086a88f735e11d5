-- SPDX-License-Identifier: ISC
-- What the competitors write into: the columns of ledger.event and as many
-- indexes, in one plain table (hookledger's own is partitioned besides).
create table event (
  workspace_id bigint not null,
  event_id bigint not null,
  created_at timestamptz not null,
  received_at timestamptz not null default now(),
  seq bigint generated always as identity,
  epoch integer not null default 1,
  txid xid8 not null default pg_current_xact_id(),
  endpoint_id bigint not null,
  secret_id bigint not null,
  signature bytea not null,
  creator_id bigint,
  model text,
  action text,
  entity_id bigint,
  source text not null default 'webhook',
  body json not null,
  primary key (workspace_id, event_id, created_at)
);
create index event_cursor on event (txid, seq);
