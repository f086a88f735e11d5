-- Ranges of time in which callbacks may be missing are noted by themselves: what that needs to know of
-- subscriptions and proofs. The functions are in sql/functions/toggl_client/gaps.sql and proof.sql.

alter table ledger.toggl_subscription
  add column well_at timestamptz,
  add column broken_since timestamptz;
comment on column ledger.toggl_subscription.well_at is
  'When a list of Toggl last showed it enabled, validated and with our address; null: never.';
comment on column ledger.toggl_subscription.broken_since is
  'Since when it may have delivered nothing, as it is not enabled, not validated, gone, or has another address; null: '
  'it delivers, or it never did.';

alter table ledger.proof add column failed_since timestamptz;
comment on column ledger.proof.failed_since is
  'The last sign of life before the first ping that did not arrive; null: the last ping arrived.';
