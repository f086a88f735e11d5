-- The people who use the admin page (operators), their sessions, and the log of their changes. The
-- functions are in sql/functions/admin.

create table ledger.operator (
  operator_id bigint generated always as identity primary key,
  name text not null check (length(name) between 1 and 100 and name = btrim(name)),
  role text not null check (role in ('owner', 'viewer')),
  time_zone text not null default 'UTC',
  language text check (language ~ '^[a-z]{2,3}$'),
  password text not null,
  enabled boolean not null default true,
  made_at timestamptz not null default now(),
  password_at timestamptz not null default now(),
  seen_at timestamptz
);
create unique index operator_name on ledger.operator (lower(name));
comment on table ledger.operator is 'People who may use the admin page.';
comment on column ledger.operator.operator_id is 'Number of our own.';
comment on column ledger.operator.name is
  'Name typed at login, as ledger.name_of() gives it; upper and lower case are equal.';
comment on column ledger.operator.role is 'owner: may change everything; viewer: may look.';
comment on column ledger.operator.time_zone is
  'Time zone in which the page shows times and counts days; a name of the IANA database.';
comment on column ledger.operator.language is
  'Language of the admin page, by ISO 639; null: the language of the browser.';
comment on column ledger.operator.password is
  'scrypt of the password as a PHC string: $scrypt$ln=15,r=8,p=1$salt$hash.';
comment on column ledger.operator.enabled is 'false: may not log in, and has no sessions.';
comment on column ledger.operator.made_at is 'When it was added.';
comment on column ledger.operator.password_at is 'When the password was set.';
comment on column ledger.operator.seen_at is 'Last login.';

create table ledger.session (
  session_id bigint generated always as identity primary key,
  digest bytea not null unique check (length(digest) = 32),
  operator_id bigint not null references ledger.operator on delete cascade,
  made_at timestamptz not null,
  seen_at timestamptz not null,
  expires_at timestamptz not null,
  idle interval not null,
  proved_until timestamptz not null,
  address inet,
  agent text check (length(agent) <= 300)
);
create index session_operator on ledger.session (operator_id);
comment on table ledger.session is 'Sessions of the admin page that have not ended.';
comment on column ledger.session.session_id is 'Public number of the session in lists; it does not authenticate.';
comment on column ledger.session.digest is 'SHA-256 of the token in the cookie.';
comment on column ledger.session.operator_id is 'Operator who logged in.';
comment on column ledger.session.made_at is 'Login.';
comment on column ledger.session.seen_at is 'Last use, to the minute.';
comment on column ledger.session.expires_at is 'When it ends, even if it is used all the time.';
comment on column ledger.session.idle is 'It ends when it is not used for this time.';
comment on column ledger.session.proved_until is
  'Until this time a recent password check counts as proof that the operator uses this session.';
comment on column ledger.session.address is 'Where its last request came from.';
comment on column ledger.session.agent is 'User-Agent of the login, shortened.';

create table ledger.totp (
  operator_id bigint primary key references ledger.operator on delete cascade,
  secret_sealed bytea not null,
  made_at timestamptz not null,
  confirmed_at timestamptz,
  last_step bigint not null default 0
);
comment on table ledger.totp is
  'Operators who log in with a password and a code (RFC 6238), or who are setting this up.';
comment on column ledger.totp.operator_id is 'Who.';
comment on column ledger.totp.secret_sealed is
  'Secret from which the codes are computed, sealed with the master key, bound to the text totp and the operator''s '
  'number.';
comment on column ledger.totp.made_at is 'When the secret was made.';
comment on column ledger.totp.confirmed_at is
  'When the first correct code proved that the app has the secret; null: not yet, and the login asks for no code.';
comment on column ledger.totp.last_step is
  'Time step (of 30 seconds since 1970) of the last code that was used: codes of this step and earlier ones are '
  'refused.';

create table ledger.recovery_code (
  operator_id bigint not null references ledger.totp on delete cascade,
  digest bytea not null check (length(digest) = 32),
  used_at timestamptz,
  primary key (operator_id, digest)
);
comment on table ledger.recovery_code is 'Codes with which an operator can log in without the app; each works once.';
comment on column ledger.recovery_code.operator_id is 'Whose.';
comment on column ledger.recovery_code.digest is
  'SHA-256 of the code. The code has 80 random bits, so trying codes does not find it.';
comment on column ledger.recovery_code.used_at is 'When it was used; null: not used yet.';

create table ledger.throttle (
  kind text not null check (kind in ('address', 'name', 'pair', 'proof', 'code')),
  subject text not null,
  level real not null,
  at timestamptz not null,
  primary key (kind, subject)
);
comment on table ledger.throttle is 'Leaky buckets that count failed logins.';
comment on column ledger.throttle.kind is
  'What is counted: an address (IPv6 by /64), a name, both together (pair), wrong passwords in a session (proof), '
  'wrong codes after the right password (code).';
comment on column ledger.throttle.subject is
  'The address; a digest of the name, also of a name that no operator has; both; the operator''s number.';
comment on column ledger.throttle.level is 'Level at that time.';
comment on column ledger.throttle.at is 'Time of that level.';

create table ledger.operator_address (
  operator_id bigint not null references ledger.operator on delete cascade,
  address text not null,
  seen_at timestamptz not null,
  primary key (operator_id, address)
);
comment on table ledger.operator_address is
  'Addresses from which operators have logged in. Failed logins from other addresses do not block a login from these.';
comment on column ledger.operator_address.operator_id is 'Who.';
comment on column ledger.operator_address.address is 'IPv4 address, or IPv6 network of 64 bits.';
comment on column ledger.operator_address.seen_at is 'Last login from there.';

create table ledger.audit (
  audit_id bigint generated always as identity primary key,
  at timestamptz not null,
  operator_id bigint,
  operator text not null,
  address inet,
  action text not null,
  subject jsonb not null,
  before jsonb,
  after jsonb
);
comment on table ledger.audit is 'Every change made on the admin page; rows are only added.';
comment on column ledger.audit.audit_id is 'In the order of the changes.';
comment on column ledger.audit.at is 'When.';
comment on column ledger.audit.operator_id is 'Operator; null: without a login, such as the first visit.';
comment on column ledger.audit.operator is 'The name at that time.';
comment on column ledger.audit.address is 'From where.';
comment on column ledger.audit.action is 'What was done: endpoint.rotate.';
comment on column ledger.audit.subject is 'To what: {"code": "subject.endpoint", "endpoint_id": 3, "name": "Toggl"}.';
comment on column ledger.audit.before is 'What it was, as far as it changed; never a secret.';
comment on column ledger.audit.after is 'What it became.';

create table ledger.option (
  name text primary key,
  value jsonb not null,
  set_at timestamptz not null default now()
);
comment on table ledger.option is 'What an owner has set on the admin page; what is not here has its default.';
comment on column ledger.option.name is 'One of ledger.option_list().';
comment on column ledger.option.value is 'The value.';
comment on column ledger.option.set_at is 'When.';
