-- When something last arrived at a subscription. Its deliveries do not tell: a
-- replay makes them anew, they expire, and behind thousands that wait nobody
-- finds the last one.
alter table ledger.subscription add column last_success_at timestamptz;
comment on column ledger.subscription.last_success_at is 'When a delivery to it last succeeded, to the minute; null: none has.';

update ledger.subscription s
set last_success_at = (
  select max(a.at)
  from (select o.at, o.status from ledger.attempt o
        where o.workspace_id = s.workspace_id and o.subscription_id = s.subscription_id
        order by o.delivery_id desc, o.attempt desc limit 1000) a
  where a.status between 200 and 299);
