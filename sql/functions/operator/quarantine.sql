-- Part of the interface schema of the command line: callbacks in quarantine.

create function operator.quarantine_list(after bigint, most bigint, waiting boolean)
returns table (quarantine_id bigint, endpoint_id bigint, secret_id bigint, received_us bigint,
               reason text, bytes bigint, retried_us bigint, retried_as text)
language sql stable security definer set search_path = ledger, pg_temp
begin atomic
  select q.quarantine_id, q.endpoint_id, q.secret_id, ledger.us(q.received_at), q.reason,
         octet_length(q.body)::bigint, ledger.us(q.retried_at), q.retried_as
  from ledger.quarantine q
  where q.quarantine_id > coalesce(after, 0) and (q.retried_at is null or not waiting)
  order by q.quarantine_id
  limit most;
end;
comment on function operator.quarantine_list(bigint, bigint, boolean) is
  'Callbacks in quarantine by number; with `waiting` only those that no retry has recorded.';

create function operator.quarantine_find(item bigint)
returns table (quarantine_id bigint, endpoint_id bigint, secret_id bigint, address text,
               received_us bigint, reason text, retried_us bigint, retried_as text,
               signature bytea, body bytea)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
begin
  return query
    select q.quarantine_id, q.endpoint_id, q.secret_id, e.address, ledger.us(q.received_at),
           q.reason, ledger.us(q.retried_at), q.retried_as, q.signature, q.body
    from ledger.quarantine q
    join ledger.endpoint e on e.endpoint_id = q.endpoint_id
    where q.quarantine_id = item;
  if not found then
    perform ledger.refuse('quarantine.unknown', jsonb_build_object('quarantine_id', item), 'P0002');
  end if;
end
$$;
comment on function operator.quarantine_find(bigint) is 'One callback in quarantine with its body; P0002 when absent.';

create function operator.quarantine_settle(item bigint, outcome text)
returns void
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  if outcome is null or outcome not in ('recorded', 'duplicate') then
    perform ledger.refuse('quarantine.outcome_unknown');
  end if;
  update ledger.quarantine q set retried_at = now(), retried_as = outcome where q.quarantine_id = item;
  if not found then
    perform ledger.refuse('quarantine.unknown', jsonb_build_object('quarantine_id', item), 'P0002');
  end if;
end
$$;
comment on function operator.quarantine_settle(bigint, text) is
  'Notes that a retry of a callback in quarantine succeeded, and how: recorded or duplicate.';
