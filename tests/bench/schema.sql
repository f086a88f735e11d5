-- SPDX-License-Identifier: ISC
-- What the competitors write into: the columns and the two indexes of
-- ledger.event, in one plain table (hookledger's own is partitioned besides).
create sequence event_seq;
create table event (
  workspace_id bigint not null,
  event_id bigint not null,
  created_at timestamptz not null,
  received_at timestamptz not null default now(),
  seq bigint not null default nextval('event_seq'),
  txid xid8 not null default pg_current_xact_id(),
  epoch integer not null default 1,
  endpoint_id bigint not null,
  secret_id bigint not null,
  creator_id bigint,
  entity_id bigint,
  model text not null,
  action text not null,
  source text not null default 'webhook',
  signature bytea not null,
  body json not null,
  primary key (workspace_id, event_id, created_at)
);
create index event_cursor on event (epoch, txid, seq);
