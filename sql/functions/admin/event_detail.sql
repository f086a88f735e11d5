-- The admin page: one event with all its data.

create function ledger.event_values(e ledger.event)
returns jsonb
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  clean jsonb := ledger.without_secrets(ledger.payload(e.body));
  entry_row jsonb;
begin
  if jsonb_typeof(clean) is distinct from 'object' then
    return '{}';
  end if;
  if e.model = 'time_entry' then
    entry_row := to_jsonb(ledger.read_time_entry(clean));
    return (select jsonb_object_agg(f.name, entry_row -> f.name)
            from ledger.field f where f.model = 'time_entry' and f.name <> all ('{updated_at,permissions}'));
  end if;
  return coalesce((
    select jsonb_object_agg(f.name, (select clean -> k.key from unnest(f.keys) with ordinality k (key, place)
                                     where nullif(clean -> k.key, 'null') is not null order by k.place limit 1))
    from ledger.field f where f.model = e.model and f.name <> all ('{updated_at,permissions}')), clean);
end
$$;
comment on function ledger.event_values(ledger.event) is
  'The values that an event gives to its entity, without secrets, by the columns of its table. Values of a time entry '
  'are read as the table reads them; an entity of an unknown kind is returned unchanged.';

create function ledger.name_behind(workspace bigint, field text, value jsonb)
returns text
language sql stable set search_path = ledger, pg_temp
as $$
  select left(case field
    when 'project_id' then (select o.name from toggl.project o where o.workspace_id = workspace and o.project_id = n.id)
    when 'client_id' then (select o.name from toggl.client o where o.workspace_id = workspace and o.client_id = n.id)
    when 'task_id' then (select o.name from toggl.task o where o.workspace_id = workspace and o.task_id = n.id)
    when 'user_id' then (select o.user_name from toggl.users o where o.workspace_id = workspace and o.user_id = n.id)
    when 'creator_id' then (select o.user_name from toggl.users o where o.workspace_id = workspace
                            and o.user_id = n.id) end, 300)
  from (select ledger.toggl_number(value) as id) n
$$;
comment on function ledger.name_behind(bigint, text, jsonb) is
  'The present name of the entity whose number is the value of a field. Null: the name is not known, or the field '
  'holds no number of an entity.';

create function ledger.event_changes(e ledger.event)
returns jsonb
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  before ledger.event;
  was jsonb := '{}';
  became jsonb := ledger.event_values(e);
begin
  if e.entity_id is not null then
    select c.workspace_id, c.event_id, c.created_at, c.received_at, c.seq, c.txid, c.epoch, c.endpoint_id, c.secret_id,
           c.creator_id, c.entity_id, c.model, c.action, c.source, c.signature, c.body
    into before
    from ledger.change c
    where c.workspace_id = e.workspace_id and c.entity_id = e.entity_id and c.model = e.model
      and (c.created_at, c.event_id) < (e.created_at, e.event_id)
    order by c.created_at desc, c.event_id desc limit 1;
    if found then
      was := ledger.event_values(before);
    end if;
  end if;
  if e.action = 'deleted' and not ledger.has_values(e.model, e.body) then
    became := was || jsonb_build_object('deleted_at', to_jsonb(e.created_at));
  end if;
  return coalesce((
    select jsonb_agg(jsonb_build_object('field', k.key, 'old', nullif(was -> k.key, 'null'), 'new',
                                        nullif(became -> k.key, 'null'))
                     || jsonb_strip_nulls(jsonb_build_object('old_name',
                                                             ledger.name_behind(e.workspace_id, k.key, was -> k.key),
                                                             'new_name', ledger.name_behind(e.workspace_id, k.key,
                                                                 became -> k.key)))
                     order by f.place nulls last, k.key)
    from (select jsonb_object_keys(was) as key union select jsonb_object_keys(became)) k
    left join (select o.name, row_number() over () as place from ledger.field o where o.model = e.model) f
      on f.name = k.key
    where nullif(was -> k.key, 'null') is distinct from nullif(became -> k.key, 'null')), '[]');
end
$$;
comment on function ledger.event_changes(ledger.event) is
  'The changes of an event: field, old and new value, and the names of the entities that these values are numbers of. '
  'It compares the event with the previous recorded event of its entity, by the time at Toggl. Without a previous one '
  'all values are new.';

create function admin.event_read(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp set jit = off
as $$
declare
  e ledger.event;
  moment timestamptz;
begin
  begin
    moment := (request.path ->> 'created_at')::timestamptz;
  exception when data_exception then
    perform ledger.refuse('event.time_malformed');
  end;
  select o.* into e from ledger.event o
  where o.workspace_id = ledger.id_of(request.path ->> 'workspace_id', 'workspace_id')
    and o.event_id = ledger.id_of(request.path ->> 'event_id', 'event_id')
    and o.created_at = moment;
  if not found then
    perform ledger.refuse('event.not_recorded', '{}', 'P0002');
  end if;
  return (
  select ledger.answer((
           (ledger.events_json(array[row(e.epoch, e.txid, e.seq, e.workspace_id, e.event_id,
                                         e.created_at)::ledger.event_ref]) -> 0) || jsonb_build_object(
            'body', e.body::text, 'app', ledger.app(e.body), 'signature',
            case when length(e.signature) > 0 then 'sha256=' || encode(e.signature, 'hex') end,
            'changes', ledger.event_changes(e),
            'deliveries', coalesce((
              select jsonb_agg(jsonb_build_object(
                       'delivery_id', d.delivery_id::text, 'subscription_id', d.subscription_id::text, 'description',
                       s.description,
                       'state', d.state, 'attempts', d.attempts, 'last_problem',
                       ledger.delivery_problem(d.dropped_for, d.last_error), 'ended_at',
                       ledger.rfc3339(d.settled_at)) order by d.delivery_id)
              from ledger.delivery d left join ledger.subscription s on s.subscription_id = d.subscription_id
              where d.workspace_id = e.workspace_id and d.event_id = e.event_id and d.created_at = e.created_at),
                '[]')))::text,
         private => jsonb_build_object('signature', encode(e.signature, 'hex'), 'address', p.address, 'sealed',
                                       encode(s.sealed, 'hex')))
  from (select) one
  left join ledger.endpoint p on p.endpoint_id = e.endpoint_id
  left join ledger.endpoint_secret s on s.secret_id = e.secret_id);
end
$$;
comment on function admin.event_read(ledger.operator, admin.request) is
  'GET events/{workspace_id}/{event_id}/{created_at}: the event, with its body as received. private: the values that '
  'its signature is verified with; the secret is sealed for the address.';
