-- History: what was loaded from Toggl for the time before the callbacks, whether the tables agree with
-- Toggl day by day, and the last proof that callbacks still come. The functions are in
-- sql/functions/toggl_client: history.sql, compare.sql and proof.sql.

create table ledger.history_window (
  workspace_id bigint not null,
  from_day date not null,
  until_day date not null,
  job_id bigint references ledger.toggl_job on delete set null,
  started_at timestamptz,
  loaded_at timestamptz,
  requests bigint not null default 0,
  entries bigint not null default 0,
  recorded bigint not null default 0,
  seconds_here bigint,
  seconds_toggl bigint,
  primary key (workspace_id, from_day),
  check (from_day <= until_day)
);
create index history_window_job on ledger.history_window (job_id);
comment on table ledger.history_window is
  'Ranges of days whose time entries a job loads from Toggl, at most a year each; the newest is loaded first.';
comment on column ledger.history_window.workspace_id is 'Toggl workspace.';
comment on column ledger.history_window.from_day is 'First day.';
comment on column ledger.history_window.until_day is 'Last day.';
comment on column ledger.history_window.job_id is
  'Job that loads it, or loaded it; null: that job is not kept any more.';
comment on column ledger.history_window.started_at is 'When its first request was sent; null: it waits.';
comment on column ledger.history_window.loaded_at is 'When its last page was recorded; null: it is not complete.';
comment on column ledger.history_window.requests is 'Requests that it took so far.';
comment on column ledger.history_window.entries is 'Time entries in the answers so far.';
comment on column ledger.history_window.recorded is
  'Events recorded so far: entries that were missing here or older than at Toggl.';
comment on column ledger.history_window.seconds_here is
  'Seconds of its days here after it was loaded; null: not compared yet.';
comment on column ledger.history_window.seconds_toggl is
  'Seconds of its days by Toggl''s totals; null: not compared yet, or Toggl did not tell.';

create table ledger.toggl_probe (
  workspace_id bigint not null,
  subject text not null,
  value jsonb not null,
  seen_at timestamptz not null default now(),
  primary key (workspace_id, subject)
);
comment on table ledger.toggl_probe is
  'What a workspace at Toggl turned out to allow, where Toggl documents nothing. Each is only a first guess of the '
  'next request, which works without it too.';
comment on column ledger.toggl_probe.workspace_id is 'Toggl workspace.';
comment on column ledger.toggl_probe.subject is
  'page_size: the largest page of the detailed report; weekly: may the token read the weekly report; event_log: are '
  'the events of a subscription listed.';
comment on column ledger.toggl_probe.value is 'What was found: a number, or true or false.';
comment on column ledger.toggl_probe.seen_at is 'When. A false one is tried again after a month.';

create table ledger.completeness (
  workspace_id bigint not null,
  day date not null,
  user_id bigint not null default 0,
  seconds_here bigint,
  seconds_toggl bigint,
  checked_at timestamptz,
  state text not null check (state in ('equal', 'filled', 'differs', 'unknown')),
  primary key (workspace_id, day, user_id)
);
create index completeness_differs on ledger.completeness (workspace_id, day) where state = 'differs';
comment on table ledger.completeness is
  'Do the time entries of a day agree with Toggl''s own sums? By user, and for all users of the workspace.';
comment on column ledger.completeness.workspace_id is 'Toggl workspace.';
comment on column ledger.completeness.day is
  'Day on which the entries start, each in the time zone of its user, as Toggl''s reports count.';
comment on column ledger.completeness.user_id is 'Toggl user; 0: all users of the workspace.';
comment on column ledger.completeness.seconds_here is 'Seconds of the entries here, without running ones.';
comment on column ledger.completeness.seconds_toggl is 'Seconds by Toggl; null: Toggl did not tell.';
comment on column ledger.completeness.checked_at is 'When Toggl was last asked.';
comment on column ledger.completeness.state is
  'equal: both agree; filled: they agree since what was missing was loaded; differs: they do not agree; unknown: it '
  'cannot be known, because Toggl did not tell the sum or the time zone of the user is unknown.';

create table ledger.repair_range (
  repair_id bigint generated always as identity primary key,
  workspace_id bigint not null,
  from_at timestamptz not null,
  until_at timestamptz not null,
  reason text not null,
  noted_at timestamptz not null default now(),
  job_id bigint references ledger.toggl_job on delete set null,
  closed_at timestamptz,
  filled bigint,
  unknown_days bigint,
  check (from_at <= until_at)
);
create index repair_range_open on ledger.repair_range (workspace_id) where closed_at is null;
comment on table ledger.repair_range is
  'Ranges of time in which callbacks may be missing. A job compares each with Toggl and records what is missing; it '
  'stays open until that is done.';
comment on column ledger.repair_range.repair_id is 'Number of the row.';
comment on column ledger.repair_range.workspace_id is 'Toggl workspace.';
comment on column ledger.repair_range.from_at is 'Begin of the range.';
comment on column ledger.repair_range.until_at is 'End of the range.';
comment on column ledger.repair_range.reason is
  'Why callbacks may be missing: silence, disabled (the subscription was), spool (it lost or refused events), restored '
  '(from a backup), failover.';
comment on column ledger.repair_range.noted_at is 'When it was noted.';
comment on column ledger.repair_range.job_id is 'Job that closes it; null: none began.';
comment on column ledger.repair_range.closed_at is 'When the comparison ended; null: the range is open.';
comment on column ledger.repair_range.filled is 'Events that the comparison recorded.';
comment on column ledger.repair_range.unknown_days is 'Days of the range that could not be compared.';

create table ledger.proof (
  workspace_id bigint not null,
  subscription_id bigint not null,
  asked_at timestamptz,
  arrived_at timestamptz,
  state text not null default 'asked' check (state in ('asked', 'proved', 'refused', 'lost', 'rejected')),
  detail jsonb,
  primary key (workspace_id, subscription_id)
);
comment on table ledger.proof is
  'The last proof that callbacks of a subscription at Toggl arrive: Toggl is asked for a ping, and the ping must come.';
comment on column ledger.proof.workspace_id is 'Toggl workspace.';
comment on column ledger.proof.subscription_id is 'Toggl''s number of the subscription.';
comment on column ledger.proof.asked_at is 'When Toggl was last asked for a ping.';
comment on column ledger.proof.arrived_at is
  'When a callback of the subscription''s endpoint last arrived with a valid signature: an event or a ping; never '
  'what was loaded.';
comment on column ledger.proof.state is
  'asked: no answer yet; proved: the ping came; refused: Toggl did not send it; lost: Toggl said that it was sent, and '
  'nothing came; rejected: it came and was refused here.';
comment on column ledger.proof.detail is 'Why, in a form for people; null: it was proved.';
