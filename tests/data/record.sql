-- Records the rows of the temporary table `events` as the receiver does. For \ir.
select receiver.append(
  array_agg(901::bigint), array_agg(901::bigint), array_agg(7435584::bigint), array_agg(8023169274700000 + nth),
  array_agg(created_at), array_agg(created_at + interval '1 second'), array_agg(creator_id), array_agg((payload ->> 'id')::bigint),
  array_agg(model), array_agg(action), array_agg('\xabcd'::bytea),
  array_agg(json_build_object('event_id', 8023169274700000 + nth, 'created_at', to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                              'creator_id', creator_id,
                              'metadata', json_build_object('action', action, 'model', model, 'workspace_id', '7435584'),
                              'payload', payload || '{"workspace_id":7435584}')),
  'webhook')
from (select * from events order by nth) t;
drop table events;
