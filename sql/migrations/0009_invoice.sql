-- Invoices: time entries as they were when they were invoiced. The functions are in
-- sql/functions/operator/invoice.sql.

create table ledger.invoice (
  invoice_id bigint generated always as identity primary key,
  name text not null unique check (length(name) between 1 and 200),
  workspace_id bigint,
  client_id bigint,
  project_id bigint,
  from_at timestamptz not null,
  until_at timestamptz not null,
  zone text not null,
  frozen_at timestamptz not null default now(),
  check (from_at < until_at)
);
comment on table ledger.invoice is 'Invoiced time: a range of time, and the client or project.';
comment on column ledger.invoice.invoice_id is 'Number of the row.';
comment on column ledger.invoice.name is 'Name that the owner gave it, such as the number of the invoice.';
comment on column ledger.invoice.workspace_id is 'Only entries of this workspace; null: of all.';
comment on column ledger.invoice.client_id is 'Only entries of this client''s projects; null: of all.';
comment on column ledger.invoice.project_id is 'Only entries of this project; null: of all.';
comment on column ledger.invoice.from_at is 'Entries that start then or later.';
comment on column ledger.invoice.until_at is 'Entries that start before then.';
comment on column ledger.invoice.zone is 'Time zone that the range was given in.';
comment on column ledger.invoice.frozen_at is 'When it was frozen.';

create table ledger.invoice_entry (
  workspace_id bigint not null,
  invoice_id bigint not null references ledger.invoice on delete cascade,
  time_entry_id bigint not null,
  entry jsonb not null,
  primary key (workspace_id, invoice_id, time_entry_id)
);
comment on table ledger.invoice_entry is 'The entries of an invoice as they were when it was frozen.';
comment on column ledger.invoice_entry.workspace_id is 'Toggl workspace.';
comment on column ledger.invoice_entry.invoice_id is 'Invoice.';
comment on column ledger.invoice_entry.time_entry_id is 'Time entry.';
comment on column ledger.invoice_entry.entry is
  'Its columns at that time: user_id, project_id, task_id, description, start_at, stop_at, duration_seconds, '
  'billable, tags.';
