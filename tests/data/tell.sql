-- For \ir: two endpoints, and one event as the receiver records it. The payload is
-- text, so that it may hold what jsonb does not take.
insert into ledger.endpoint (endpoint_id, address, name, workspace_id) overriding system value values
  (101, 'address_of_the_first_1', 'first', 7435584), (102, 'address_of_the_second_', 'second', 555);
insert into ledger.endpoint_secret (secret_id, endpoint_id, sealed) overriding system value values
  (201, 101, '\x01'), (202, 102, '\x02');

create function pg_temp.tell(
  event bigint, created timestamptz, action text, payload text, entity bigint default 70, model text default 'time_entry',
  creator bigint default 5, request text default null, workspace bigint default 7435584)
returns void language sql as $$
  select receiver.append(
    array[case workspace when 555 then 102 else 101 end], array[case workspace when 555 then 202 else 201 end],
    array[workspace], array[event], array[created], array[clock_timestamp()], array[creator], array[entity], array[model],
    array[action], array['\xab'::bytea],
    array[format('{"metadata":{"action":%s,"request_body":%s},"payload":%s}', to_json(action), coalesce(to_json(request), 'null'),
                 payload)::json], 'webhook')
$$;
