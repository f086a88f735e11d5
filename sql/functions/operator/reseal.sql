-- Interface schema of the command line: all values sealed with the master key, for `hookledger`
-- when the key is replaced.

create function operator.sealed_list()
returns table (context text, description jsonb, sealed bytea)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select e.address,
         ledger.coded('seal.endpoint', jsonb_build_object('secret_id', s.secret_id, 'endpoint_id', s.endpoint_id)),
         s.sealed
  from ledger.endpoint_secret s
  join ledger.endpoint e on e.endpoint_id = s.endpoint_id
  union all
  select 'subscription:' || s.subscription_id,
         ledger.coded('seal.subscription', jsonb_build_object('subscription_id', s.subscription_id)), v.sealed
  from ledger.subscription s, lateral (values (s.secret_sealed), (s.secret_before_sealed)) v (sealed)
  where octet_length(v.sealed) > 0
  union all
  select 'toggl:' || c.connection_id,
         ledger.coded('seal.toggl', jsonb_build_object('connection_id', c.connection_id)), c.token_sealed
  from ledger.toggl_connection c where c.token_sealed is not null
  union all
  select 'alert:' || n.alert_id, ledger.coded('seal.alert', jsonb_build_object('alert_id', n.alert_id)), n.secret_sealed
  from ledger.alert n where n.secret_sealed is not null
  union all
  select 'totp:' || t.operator_id,
         ledger.coded('seal.totp', jsonb_build_object('operator_id', t.operator_id)), t.secret_sealed
  from ledger.totp t
$$;
comment on function operator.sealed_list() is
  'Everything that is sealed with the master key: the context it is bound to, a description, and the sealed form.';

create function operator.sealed_replace(context text, before bytea, after bytea)
returns boolean
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  replaced bigint;
  total bigint := 0;
begin
  update ledger.endpoint_secret s set sealed = after
  from ledger.endpoint e
  where e.endpoint_id = s.endpoint_id and e.address = context and s.sealed = before;
  get diagnostics replaced = row_count;
  total := total + replaced;
  update ledger.subscription s
  set secret_sealed = case when s.secret_sealed = before then after else s.secret_sealed end,
      secret_before_sealed = case when s.secret_before_sealed = before then after else s.secret_before_sealed end
  where 'subscription:' || s.subscription_id = context and before in (s.secret_sealed, s.secret_before_sealed);
  get diagnostics replaced = row_count;
  total := total + replaced;
  update ledger.toggl_connection c set token_sealed = after
  where 'toggl:' || c.connection_id = context and c.token_sealed = before;
  get diagnostics replaced = row_count;
  total := total + replaced;
  update ledger.alert n set secret_sealed = after
  where 'alert:' || n.alert_id = context and n.secret_sealed = before;
  get diagnostics replaced = row_count;
  total := total + replaced;
  update ledger.totp t set secret_sealed = after
  where 'totp:' || t.operator_id = context and t.secret_sealed = before;
  get diagnostics replaced = row_count;
  return total + replaced > 0;
end
$$;
comment on function operator.sealed_replace(text, bytea, bytea) is
  'Replaces a sealed form of sealed_list(), unless it is not `before` any more (false).';
