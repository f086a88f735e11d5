-- An address that a subscription is just being given can be validated by its URL
-- while it is asked, before it is the subscription's.
alter table ledger.subscription
  add asked_code text,
  add asked_validated_at timestamptz;
comment on column ledger.subscription.asked_code is 'Code of the ping that a new address is being asked with; null: none is.';
comment on column ledger.subscription.asked_validated_at is 'When that code came back by the validation URL.';
