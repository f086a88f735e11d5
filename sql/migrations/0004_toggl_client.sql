-- Toggl's REST API: connections with their tokens, quota windows, workspaces and subscriptions at
-- Toggl, and jobs. The functions are in sql/functions/toggl_client.

create table ledger.toggl_connection (
  connection_id bigint generated always as identity primary key,
  user_id bigint unique,
  name text,
  email text,
  token_sealed bytea,
  made_at timestamptz not null default now(),
  connected_at timestamptz,
  checked_at timestamptz,
  next_slot_at timestamptz not null default '-infinity',
  back_off_until timestamptz not null default '-infinity',
  failures integer not null default 0,
  refused_at timestamptz
);
comment on table ledger.toggl_connection is 'Toggl users whose API token we have.';
comment on column ledger.toggl_connection.connection_id is 'Number of the connection.';
comment on column ledger.toggl_connection.user_id is 'Toggl user; null until Toggl has accepted the token.';
comment on column ledger.toggl_connection.name is 'Name of that user.';
comment on column ledger.toggl_connection.email is 'E-mail address of that user.';
comment on column ledger.toggl_connection.token_sealed is
  'The API token, sealed with the master key, bound to the text toggl and the number; null: disconnected.';
comment on column ledger.toggl_connection.made_at is 'When the row was made.';
comment on column ledger.toggl_connection.connected_at is 'When Toggl accepted the token.';
comment on column ledger.toggl_connection.checked_at is 'When Toggl''s side was last compared with ours.';
comment on column ledger.toggl_connection.next_slot_at is
  'When the next request may begin: the pace that all processes share.';
comment on column ledger.toggl_connection.back_off_until is
  'No request before then: Toggl said it was too fast, or was in trouble.';
comment on column ledger.toggl_connection.failures is 'Such answers since the last successful one.';
comment on column ledger.toggl_connection.refused_at is 'Since when Toggl refuses the token; null: it does not.';

create table ledger.toggl_window (
  connection_id bigint not null references ledger.toggl_connection on delete cascade,
  organization_id bigint not null,
  total integer,
  remaining integer not null,
  resets_at timestamptz not null,
  in_flight integer not null default 0,
  asked_at timestamptz not null default '-infinity',
  seen_at timestamptz,
  primary key (connection_id, organization_id)
);
comment on table ledger.toggl_window is 'Quota windows: how many requests Toggl still takes, by its answers.';
comment on column ledger.toggl_window.connection_id is 'Connection.';
comment on column ledger.toggl_window.organization_id is 'Toggl''s organization; 0: the user''s own window.';
comment on column ledger.toggl_window.total is 'Requests in a whole window; null: not known.';
comment on column ledger.toggl_window.remaining is 'Requests left, without those in flight.';
comment on column ledger.toggl_window.resets_at is 'When the window ends.';
comment on column ledger.toggl_window.in_flight is 'Requests in flight.';
comment on column ledger.toggl_window.asked_at is 'When the last request began.';
comment on column ledger.toggl_window.seen_at is 'When an answer last gave the number of requests left; null: never.';

create table ledger.toggl_workspace (
  workspace_id bigint primary key,
  connection_id bigint not null references ledger.toggl_connection on delete cascade,
  organization_id bigint not null,
  name text,
  is_admin boolean,
  max_webhooks integer,
  max_filters integer,
  limits_at timestamptz,
  listed_at timestamptz,
  loaded_at timestamptz,
  endpoint_id bigint references ledger.endpoint
);
comment on table ledger.toggl_workspace is 'Workspaces that a connected user is in.';
comment on column ledger.toggl_workspace.workspace_id is 'Toggl workspace.';
comment on column ledger.toggl_workspace.connection_id is 'Connection whose token is used for it.';
comment on column ledger.toggl_workspace.organization_id is 'Its organization, whose quota counts.';
comment on column ledger.toggl_workspace.name is 'Name.';
comment on column ledger.toggl_workspace.is_admin is 'Is the user an administrator of it?';
comment on column ledger.toggl_workspace.max_webhooks is 'Subscriptions that its plan allows; null: not asked yet.';
comment on column ledger.toggl_workspace.max_filters is 'Filters a subscription that its plan allows.';
comment on column ledger.toggl_workspace.limits_at is 'When these two were read from Toggl.';
comment on column ledger.toggl_workspace.listed_at is 'When its subscriptions were last read from Toggl.';
comment on column ledger.toggl_workspace.loaded_at is 'When users, clients, projects, tags and tasks were last loaded.';
comment on column ledger.toggl_workspace.endpoint_id is
  'Endpoint under which what was loaded is recorded; it takes no callbacks. Null: nothing was loaded yet.';

create table ledger.toggl_subscription (
  workspace_id bigint not null,
  subscription_id bigint not null,
  user_id bigint,
  description text,
  url text,
  filters text[] not null default '{}',
  enabled boolean,
  validated_at timestamptz,
  seen_at timestamptz not null default now(),
  gone_at timestamptz,
  endpoint_id bigint references ledger.endpoint,
  wanted_url text,
  wanted_filters text[],
  wanted_enabled boolean,
  deleted_at timestamptz,
  primary key (workspace_id, subscription_id)
);
comment on table ledger.toggl_subscription is
  'Subscriptions at Toggl: their last known state, and the wanted state of ours.';
comment on column ledger.toggl_subscription.workspace_id is 'Toggl workspace.';
comment on column ledger.toggl_subscription.subscription_id is 'Toggl''s number.';
comment on column ledger.toggl_subscription.user_id is 'Toggl user who made it.';
comment on column ledger.toggl_subscription.description is 'Name that its maker gave it.';
comment on column ledger.toggl_subscription.url is 'Where Toggl sends events.';
comment on column ledger.toggl_subscription.filters is 'Its filters as entity.action, sorted.';
comment on column ledger.toggl_subscription.enabled is 'Enabled at Toggl?';
comment on column ledger.toggl_subscription.validated_at is
  'When its address was validated; null: Toggl sends nothing.';
comment on column ledger.toggl_subscription.seen_at is 'When it was last in an answer of Toggl.';
comment on column ledger.toggl_subscription.gone_at is
  'When it was first missing from Toggl''s list; null: it is there.';
comment on column ledger.toggl_subscription.endpoint_id is
  'Our endpoint that it belongs to; null: made elsewhere, we do not have its secret.';
comment on column ledger.toggl_subscription.wanted_url is 'The URL that we gave it.';
comment on column ledger.toggl_subscription.wanted_filters is 'The filters that we gave it.';
comment on column ledger.toggl_subscription.wanted_enabled is 'Do we want it enabled?';
comment on column ledger.toggl_subscription.deleted_at is 'When we deleted it.';

create table ledger.toggl_job (
  job_id bigint generated always as identity primary key,
  connection_id bigint not null references ledger.toggl_connection on delete cascade,
  kind text not null,
  given jsonb not null,
  is_interactive boolean not null,
  queue jsonb not null,
  state jsonb not null default '{}',
  asked_at timestamptz,
  tries integer not null default 0,
  wait_until timestamptz,
  wait_reason jsonb,
  lease bigint not null default 1,
  leased_until timestamptz not null,
  made_at timestamptz not null default now(),
  finished_at timestamptz,
  failed boolean,
  message jsonb
);
create index toggl_job_open on ledger.toggl_job (job_id) where finished_at is null;
comment on table ledger.toggl_job is 'Jobs at Toggl, stored step by step, so that another process can continue a job.';
comment on column ledger.toggl_job.job_id is 'Number of the job.';
comment on column ledger.toggl_job.connection_id is 'Connection whose token is used.';
comment on column ledger.toggl_job.kind is
  'connect, refresh, quota, subscribe, change, rotate, adopt, repair, validate, ping, delete, load, check, '
  'history_plan, history, compare or prove.';
comment on column ledger.toggl_job.given is 'Arguments of the job.';
comment on column ledger.toggl_job.is_interactive is 'Does a person wait for it? Then it may use the reserve.';
comment on column ledger.toggl_job.queue is 'Requests that are still to be made, the next one first.';
comment on column ledger.toggl_job.state is 'Intermediate results.';
comment on column ledger.toggl_job.asked_at is 'When the first request of the queue went out; null: it did not.';
comment on column ledger.toggl_job.tries is 'Attempts of that request so far.';
comment on column ledger.toggl_job.wait_until is
  'When it continues, because the quota is used up; null: it does not wait.';
comment on column ledger.toggl_job.wait_reason is 'Why it waits.';
comment on column ledger.toggl_job.lease is
  'Goes up with each step and with each process that takes the job over: a step is done once, and a step of an '
  'earlier process changes nothing.';
comment on column ledger.toggl_job.leased_until is 'A process works on it until then.';
comment on column ledger.toggl_job.made_at is 'When it began.';
comment on column ledger.toggl_job.finished_at is 'When it ended.';
comment on column ledger.toggl_job.failed is 'How.';
comment on column ledger.toggl_job.message is 'Result, as ledger.coded() gives it.';

-- Descends from a large negative number. Toggl's numbers are never negative, and at the same
-- instant these events sort before Toggl's own.
create sequence ledger.toggl_event_seq;
create table ledger.toggl_arrival (
  event_id bigint primary key default -4611686018427387904 + nextval('ledger.toggl_event_seq'),
  job_id bigint not null references ledger.toggl_job on delete cascade,
  workspace_id bigint not null,
  created_at timestamptz not null,
  model text not null,
  entity_id bigint not null,
  source text not null default 'backfill' check (source in ('backfill', 'compare', 'log')),
  body json not null
);
alter sequence ledger.toggl_event_seq owned by ledger.toggl_arrival.event_id;
create index toggl_arrival_job on ledger.toggl_arrival (job_id);
comment on table ledger.toggl_arrival is
  'Entities that were loaded, in the shape of events, until they are signed and recorded.';
comment on column ledger.toggl_arrival.event_id is
  'Number of the event: negative, so that it cannot be a number of Toggl.';
comment on column ledger.toggl_arrival.job_id is 'Job that loads.';
comment on column ledger.toggl_arrival.workspace_id is 'Toggl workspace.';
comment on column ledger.toggl_arrival.created_at is
  'The entity''s last change as Toggl says it, but not before this month: no older event can follow.';
comment on column ledger.toggl_arrival.model is 'Kind of entity.';
comment on column ledger.toggl_arrival.entity_id is 'Toggl''s number of it.';
comment on column ledger.toggl_arrival.source is
  'Source of the event: backfill; compare when a comparison with Toggl found the difference; log when it comes from '
  'Toggl''s list of the events of a subscription.';
comment on column ledger.toggl_arrival.body is 'The event as it will be recorded.';
