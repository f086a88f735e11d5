-- The monitor: event counts by hour, call baselines, counters, state of hosts, findings, and alerts
-- to the owner. The functions are in sql/functions/monitor.

create table ledger.monitor (
  only_row boolean primary key default true check (only_row),
  made_at timestamptz not null default now(),
  read_epoch integer not null default 0,
  read_txid xid8 not null default '0',
  read_seq bigint not null default 0,
  read_at timestamptz not null default '-infinity',
  learned_at timestamptz not null default '-infinity',
  evaluated_at timestamptz not null default '-infinity'
);
comment on table ledger.monitor is
  'Progress of counting, and times of the monitor''s work; one row. A session that does this work locks the row.';
comment on column ledger.monitor.only_row is 'Keeps it at one row.';
comment on column ledger.monitor.made_at is 'When the monitor started.';
comment on column ledger.monitor.read_epoch is
  'Events up to this cursor (epoch, txid, seq) are in ledger.event_count_received and ledger.counter.';
comment on column ledger.monitor.read_txid is 'See read_epoch.';
comment on column ledger.monitor.read_seq is 'See read_epoch.';
comment on column ledger.monitor.read_at is 'When everything before that moment was counted.';
comment on column ledger.monitor.learned_at is 'When ledger.call_baseline was last made.';
comment on column ledger.monitor.evaluated_at is 'When the findings were last checked for alerts.';
insert into ledger.monitor default values;

create table ledger.event_count_received (
  hour timestamptz not null,
  endpoint_id bigint not null,
  workspace_id bigint not null,
  model text not null,
  source text not null,
  count bigint not null,
  last_at timestamptz not null,
  primary key (hour, endpoint_id, workspace_id, model, source)
);
comment on table ledger.event_count_received is
  'Events recorded, counted by the hour of reception; a little behind the ledger.';
comment on column ledger.event_count_received.hour is 'Start of the hour.';
comment on column ledger.event_count_received.endpoint_id is 'Endpoint they came to.';
comment on column ledger.event_count_received.workspace_id is 'Toggl workspace.';
comment on column ledger.event_count_received.model is 'Kind of entity.';
comment on column ledger.event_count_received.source is 'How they came, as in ledger.event.source.';
comment on column ledger.event_count_received.count is 'How many.';
comment on column ledger.event_count_received.last_at is 'When the last one was received.';

-- For the charts of the admin page. A late event, after an outage or when Toggl is connected, is
-- counted in the hour of its creation. One table cannot serve both: the detection of silences needs
-- the hours of reception, a chart needs those of creation, and rows for each pair of hours would be
-- almost as many as the events.
create table ledger.event_count_created (
  hour timestamptz not null,
  model text not null,
  count bigint not null,
  primary key (hour, model)
);
comment on table ledger.event_count_created is
  'Events of the last 400 days, counted by the hour of the change; without events loaded from Toggl; a little behind '
  'the ledger.';
comment on column ledger.event_count_created.hour is 'Start of the hour of their created_at.';
comment on column ledger.event_count_created.model is 'Kind of entity.';
comment on column ledger.event_count_created.count is 'How many.';

create table ledger.call_baseline (
  endpoint_id bigint primary key references ledger.endpoint on delete cascade,
  first_at timestamptz not null,
  last_at timestamptz not null,
  weeks integer not null default 0,
  rates real[],
  silence_limit real
);
comment on table ledger.call_baseline is
  'Usual rate of callbacks of an endpoint, computed from the weeks before its last event.';
comment on column ledger.call_baseline.endpoint_id is 'Endpoint.';
comment on column ledger.call_baseline.first_at is 'When the first event was received.';
comment on column ledger.call_baseline.last_at is 'When the last event that was counted was received.';
comment on column ledger.call_baseline.weeks is
  'How many weeks it was learned from, at most 4; 0: there is less than one.';
comment on column ledger.call_baseline.rates is
  'Events an hour, of each of the 168 hours of a week (UTC, from Monday 0:00).';
comment on column ledger.call_baseline.silence_limit is
  'A silence is unusual when more expected events than this are missing.';

create table ledger.counter (
  name text not null,
  label text not null default '',
  other_label text not null default '',
  value bigint not null,
  primary key (name, label, other_label)
);
comment on table ledger.counter is
  'Counters since the ledger was created, for metrics, which need numbers that only grow.';
comment on column ledger.counter.name is
  'What: events (label model, other source), refusals (label reason), batches and batch_le (label size), attempts '
  '(label ok or failed), attempt_us, attempt_le (label milliseconds), drift.';
comment on column ledger.counter.label is 'Of which kind.';
comment on column ledger.counter.other_label is 'And of which other kind.';
comment on column ledger.counter.value is 'How many.';

create table ledger.host (
  place text not null,
  program text not null,
  version text not null,
  seen_at timestamptz not null,
  spool_records bigint,
  spool_bytes bigint,
  spool_max_bytes bigint,
  spool_damaged bigint,
  spool_oldest_at timestamptz,
  spool_aside bigint not null default 0,
  spool_late interval not null default '1 minute',
  spool_seen_at timestamptz,
  primary key (place, program)
);
comment on table ledger.host is
  'Programs that run housekeeping or the monitor, their hosts, and the state of the spool there.';
comment on column ledger.host.place is 'Host and folder of the spool.';
comment on column ledger.host.program is 'courier, housekeep or admin.';
comment on column ledger.host.version is 'Version of the program.';
comment on column ledger.host.seen_at is 'When it last said so.';
comment on column ledger.host.spool_records is 'Callbacks in the spool; null: it could not look.';
comment on column ledger.host.spool_bytes is 'Their bytes.';
comment on column ledger.host.spool_max_bytes is 'The limit of the spool.';
comment on column ledger.host.spool_damaged is 'Files in it that could not be read.';
comment on column ledger.host.spool_oldest_at is 'When the oldest of the callbacks was received; null: there is none.';
comment on column ledger.host.spool_aside is 'Callbacks that were set aside in it: acknowledged but not recorded.';
comment on column ledger.host.spool_late is 'One that waits longer is trouble (setting spool_late_s there).';
comment on column ledger.host.spool_seen_at is 'When the spool was last looked at.';

create table ledger.finding (
  kind text not null,
  subject text not null,
  level text not null check (level in ('warning', 'trouble')),
  told_level text check (told_level in ('warning', 'trouble')),
  message jsonb not null,
  link text not null,
  since timestamptz,
  found_at timestamptz not null,
  missed_at timestamptz,
  primary key (kind, subject)
);
comment on table ledger.finding is 'Findings that were reported to the owner and are not over yet.';
comment on column ledger.finding.kind is 'Kind, as ledger.findings() gives it.';
comment on column ledger.finding.subject is 'Subject of the finding.';
comment on column ledger.finding.level is 'warning or trouble, as it is now.';
comment on column ledger.finding.told_level is 'The worst level that was reported.';
comment on column ledger.finding.message is 'The finding as code and parameters, as ledger.coded() gives it.';
comment on column ledger.finding.link is 'Page on which the owner can repair it.';
comment on column ledger.finding.since is 'Since when it is so.';
comment on column ledger.finding.found_at is 'When it was found.';
comment on column ledger.finding.missed_at is 'Since when it is not found any more; after some time it is over.';

create table ledger.alert (
  alert_id bigint generated always as identity primary key,
  kind text not null check (kind in ('mail', 'webhook', 'slack', 'teams', 'discord', 'mattermost', 'googlechat',
                                     'ntfy')),
  target text not null check (length(target) between 1 and 4096),
  secret_sealed bytea,
  enabled boolean not null default true,
  made_at timestamptz not null default now(),
  last_sent_at timestamptz,
  last_problem text,
  last_problem_at timestamptz,
  failing_since timestamptz,
  unique (kind, target)
);
comment on table ledger.alert is 'Alerts: addresses to which findings are reported.';
comment on column ledger.alert.alert_id is 'Number of the row.';
comment on column ledger.alert.kind is
  'mail, webhook (signed JSON for programs), or the chat service whose form of message is sent.';
comment on column ledger.alert.target is 'E-mail address, or URL.';
comment on column ledger.alert.secret_sealed is
  'Secret that signs what is sent to a webhook, sealed with the master key, bound to the text alert and the number.';
comment on column ledger.alert.enabled is 'Is it used?';
comment on column ledger.alert.made_at is 'When it was made.';
comment on column ledger.alert.last_sent_at is 'When something was last sent with success.';
comment on column ledger.alert.last_problem is 'Problem of the last attempt; null: none.';
comment on column ledger.alert.last_problem_at is 'When that was.';
comment on column ledger.alert.failing_since is 'Since when every attempt failed; null: the last one succeeded.';

create table ledger.alert_message (
  message_id bigint generated always as identity primary key,
  alert_id bigint not null references ledger.alert on delete cascade,
  is_test boolean not null default false,
  content jsonb not null,
  made_at timestamptz not null,
  attempts integer not null default 0,
  due_at timestamptz not null,
  lease bigint not null default 0,
  leased_until timestamptz not null default '-infinity',
  sent_at timestamptz,
  dropped_at timestamptz,
  problem text
);
create index alert_message_open on ledger.alert_message (alert_id, message_id)
  where sent_at is null and dropped_at is null;
comment on table ledger.alert_message is 'Messages of the alerts, sent and unsent.';
comment on column ledger.alert_message.message_id is 'Number of the message; the order of those of one alert.';
comment on column ledger.alert_message.alert_id is 'Alert that sends it.';
comment on column ledger.alert_message.is_test is 'A test that a person waits for: it is not tried again.';
comment on column ledger.alert_message.content is
  'Content as codes: timestamp, test, status, page, changes and findings; the program that sends it writes the '
  'sentences.';
comment on column ledger.alert_message.made_at is 'When it was made.';
comment on column ledger.alert_message.attempts is 'Attempts so far.';
comment on column ledger.alert_message.due_at is 'When the next attempt is due.';
comment on column ledger.alert_message.lease is 'Goes up with each attempt: a result of an older one changes nothing.';
comment on column ledger.alert_message.leased_until is 'A courier sends it until then.';
comment on column ledger.alert_message.sent_at is 'When it was sent.';
comment on column ledger.alert_message.dropped_at is 'When it was given up.';
comment on column ledger.alert_message.problem is 'Problem of the last attempt.';
