-- SPDX-License-Identifier: ISC
-- What the competitors write into: one plain table with all columns, defaults and indexes of
-- ledger.event, in a migrated database. hookledger's own table is partitioned besides.
create table public.event (like ledger.event including all);
alter table public.event
  alter received_at set default now(),
  alter epoch set default 1,
  alter source set default 'webhook';
