-- Erasure of a person (`hookledger forget`). The bodies of events that the user made, or that are
-- about the user, are replaced by the parts that the company's books need. An alias replaces the
-- user's number. The SHA-256 of each original body stays. The command line calls
-- operator.forget_step() until it is finished.

-- ---- personal data

create or replace view ledger.book_key (model, keys) as values
  ('time_entry', '{project_id,pid,task_id,tid,billable,start,stop,duration,duronly,tags,tag_ids,expense_ids}'::text[]),
  ('workspace_user', '{role,role_id,admin,workspace_admin,organization_admin,active,inactive,is_direct,group_ids,rate,'
                     'rate_last_updated,labor_cost,labor_cost_last_updated,working_hours_in_minutes}'),
  ('project_user', '{project_id,pid,group_id,gid,manager,rate,rate_last_updated,labor_cost,labor_cost_last_updated}');
comment on view ledger.book_key is
  'Keys that are kept of a person''s own entity, besides its number, workspace, user and times of change. Nothing '
  'else is kept of kinds that are not here.';
comment on column ledger.book_key.model is 'Kind of entity.';
comment on column ledger.book_key.keys is 'Keys of its JSON.';

create or replace view ledger.company_model (model) as values
  ('project'), ('client'), ('tag'), ('task'), ('workspace'), ('project_group');
comment on view ledger.company_model is
  'Kinds of entity that belong to the company, whichever user made them: they keep their names.';
comment on column ledger.company_model.model is 'Kind of entity.';

create function ledger.is_user_key(key text)
returns boolean
language sql immutable set search_path = ledger, pg_temp
return key ~ '^(uids?|(.+_)?(user|creator|owner|author|assignee|approver|manager|member)(_ids?)?)$'
       and key not in ('workspace_user', 'workspace_user_id', 'workspace_user_ids', 'project_user', 'project_user_id',
                       'project_user_ids');
comment on function ledger.is_user_key(text) is 'Does this key of Toggl''s JSON hold a user''s number (or numbers)?';

create function ledger.own_user(body json)
returns text
language sql immutable set search_path = ledger, pg_temp
return (select case when jsonb_typeof(p.entity) = 'object' then coalesce(p.entity ->> 'user_id', p.entity ->> 'uid') end
        from (select ledger.whole_payload(body)) p (entity));
comment on function ledger.own_user(json) is
  'The user of this entity, by its payload; null when the payload names none.';

create function ledger.frame(body json)
returns jsonb
language sql immutable set search_path = ledger, pg_temp
return ledger.whole_payload(('{"payload":' || body::text || '}')::json);
comment on function ledger.frame(json) is
  'A whole callback as jsonb, whatever its content; parts that jsonb does not accept become strings.';

create function ledger.without_user(value jsonb, person bigint, alias bigint, texts text[],
                                    inner_one boolean default true)
returns jsonb
language plpgsql immutable set search_path = ledger, pg_temp
as $$
declare
  number constant jsonb := to_jsonb(person);
  word constant jsonb := to_jsonb(person::text);
  roles text[];
  part text;
  redacted text;
begin
  if strpos(value::text, person::text) = 0
     and not exists (select from unnest(texts) t where strpos(value::text, t) > 0) then
    return value;
  end if;
  case jsonb_typeof(value)
    when 'string' then
      redacted := value #>> '{}';
      foreach part in array texts loop
        redacted := replace(redacted, part, '(forgotten)');
      end loop;
      return to_jsonb(redacted);
    when 'array' then
      return (select jsonb_agg(ledger.without_user(e.value, person, alias, texts) order by e.place)
              from jsonb_array_elements(value) with ordinality e (value, place));
    when 'object' then
      -- creator_name is the name of the user in creator_id
      select coalesce(array_agg(case when e.key in ('uid', 'user_id') then 'user'
                                     else regexp_replace(e.key, '_ids?$', '') end), '{}')
      into roles
      from jsonb_each(value) e where ledger.is_user_key(e.key) and e.value in (number, word);
      return (
        select coalesce(jsonb_object_agg(e.key, case
                 when not ledger.is_user_key(e.key) then ledger.without_user(e.value, person, alias, texts)
                 when e.value = number then to_jsonb(alias)
                 when e.value = word then to_jsonb(alias::text)
                 when jsonb_typeof(e.value) = 'array' then (
                   select jsonb_agg(case when a.value = number then to_jsonb(alias)
                                         when a.value = word then to_jsonb(alias::text)
                                         else ledger.without_user(a.value, person, alias, texts) end order by a.place)
                   from jsonb_array_elements(e.value) with ordinality a (value, place))
                 else ledger.without_user(e.value, person, alias, texts) end), '{}')
        from jsonb_each(value) e
        where ledger.is_user_key(e.key)
           or not exists (select from unnest(roles) r where starts_with(e.key, r || '_'))
              and not (inner_one and 'user' = any (roles)
                       and e.key ~ '(^|_)(name|fullname|email|avatar|image|phone|timezone)'));
    else
      return value;
  end case;
end
$$;
comment on function ledger.without_user(jsonb, bigint, bigint, text[], boolean) is
  'The JSON with the alias in place of the user''s number wherever a key holds users, without the names and addresses '
  'next to it, and without these texts. inner_one: an object with a user_id is about the user, such as an entry of a '
  'list of people.';

create function ledger.body_without(body json, event_id bigint, model text, is_own boolean, person bigint, alias bigint,
                                    texts text[])
returns json
language plpgsql stable set search_path = ledger, pg_temp set timezone = 'UTC'
as $$
declare
  entity jsonb := ledger.whole_payload(body);
  frame jsonb := ledger.frame(body);
  metadata jsonb := frame -> 'metadata';
begin
  if is_own and jsonb_typeof(entity) = 'object' then
    entity := (
      select coalesce(jsonb_object_agg(e.key, e.value), '{}')
      from jsonb_each(entity) e
      where e.key in ('id', 'workspace_id', 'wid', 'user_id', 'uid', 'at', 'created_at', 'deleted_at',
                      'server_deleted_at')
         or e.key = any (coalesce((select k.keys from ledger.book_key k where k.model = body_without.model), '{}')));
  elsif is_own then
    entity := null;
  end if;
  if jsonb_typeof(metadata) = 'object' then
    metadata := (select coalesce(jsonb_object_agg(e.key, e.value), '{}') from jsonb_each(metadata) e
                 where e.key in ('action', 'model', 'request_type') or e.key ~ '_id$');
  else
    metadata := null;
  end if;
  return jsonb_build_object(
    'event_id', event_id, 'created_at', frame -> 'created_at', 'subscription_id', frame -> 'subscription_id',
    'timestamp', frame -> 'timestamp',
    'creator_id', ledger.without_user(jsonb_build_object('creator_id', frame -> 'creator_id'), person, alias, texts)
    -> 'creator_id',
    'metadata', ledger.without_user(metadata, person, alias, texts, false),
    'payload', ledger.without_user(entity, person, alias, texts, false),
    -- For a body that was replaced before, the digest of the first original.
    'forgotten', coalesce(case when jsonb_typeof(frame -> 'forgotten') = 'object' then frame -> 'forgotten' end,
                          jsonb_build_object(
      'sha256', encode(sha256(convert_to(body::text, 'UTF8')), 'hex'), 'at', to_jsonb(now()))));
end
$$;
comment on function ledger.body_without(json, bigint, text, boolean, bigint, bigint, text[]) is
  'The replacement of a body: its time; of the entity the keys in ledger.book_key when it is the person''s own, '
  'otherwise all except the person''s data; of metadata the numbers and the kind of change; and the SHA-256 of the '
  'original.';

create function ledger.is_about(body json, model text, person bigint, texts text[])
returns boolean
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  entity jsonb := ledger.whole_payload(body);
  metadata jsonb := ledger.frame(body) -> 'metadata';
  request jsonb;
begin
  if ledger.without_user(jsonb_build_array(entity, metadata), person, -1, texts) <> jsonb_build_array(entity,
      metadata) then
    return true;
  end if;
  if coalesce(metadata ->> 'path', '') ~ ('/(users?|me)/' || person || '(/|$)') then
    return true;
  end if;
  -- The request is there as text.
  request := ledger.whole_payload(format('{"payload":%s}', metadata ->> 'request_body')::json);
  return ledger.without_user(request, person, -1, texts) is distinct from request;
exception when data_exception then
  return false;
end
$$;
comment on function ledger.is_about(json, text, bigint, text[]) is
  'Does the body name this user, or one of these texts?';

-- ---- the person

create function ledger.known_as(person bigint, workspace bigint, out names text[], out emails text[])
language sql stable set search_path = ledger, pg_temp
as $$
  select coalesce(array_agg(distinct s.name) filter (where length(s.name) > 2), '{}'),
         coalesce(array_agg(distinct s.email) filter (where strpos(s.email, '@') > 0), '{}')
  from toggl.workspace_user w
  join ledger.change c on c.workspace_id = w.workspace_id and c.entity_id = w.workspace_user_id
    and c.model = 'workspace_user'
  cross join lateral (select ledger.whole_payload(c.body) as entity offset 0) p
  cross join lateral (values (ledger.member_text(p.entity, 'name'), ledger.member_text(p.entity, 'email')),
                             (ledger.member_text(p.entity, 'fullname'), ledger.member_text(p.entity, 'openid_email')))
                             s (name, email)
  where w.user_id = person and (workspace is null or w.workspace_id = workspace)
$$;
comment on function ledger.known_as(bigint, bigint) is
  'Names and e-mail addresses that a user ever had in a workspace.';

create function ledger.quarantined(person bigint, workspace bigint, texts text[])
returns setof bigint
language sql stable set search_path = ledger, pg_temp
as $$
  select q.quarantine_id
  from ledger.quarantine q join ledger.endpoint p on p.endpoint_id = q.endpoint_id
  where (workspace is null or p.workspace_id = workspace)
    and (encode(q.body, 'escape') ~ ('(^|[^0-9\\])' || person || '([^0-9]|$)')
         or exists (select from unnest(texts) t where position(convert_to(t, 'UTF8') in q.body) > 0))
$$;
comment on function ledger.quarantined(bigint, bigint, text[]) is
  'Callbacks in quarantine that contain the number of this user or one of these texts.';

create function operator.forget_look(person bigint, workspace bigint)
returns table (names text, emails text, made bigint, about bigint, mentions bigint, entries bigint, invoices bigint,
               quarantined bigint, accounts bigint, is_begun boolean)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
declare
  known record;
begin
  select * into known from ledger.known_as(person, workspace);
  names := array_to_string(known.names, ', ');
  emails := array_to_string(known.emails, ', ');
  select count(*) filter (where c.creator_id = person),
         count(*) filter (where c.creator_id is distinct from person and c.own = person::text),
         count(*) filter (where c.creator_id is distinct from person and c.own is distinct from person::text
                            and exists (select from unnest(known.names) n where strpos(c.body::text, n) > 0))
  into made, about, mentions
  from (select k.creator_id, k.body,
               case when k.creator_id is distinct from person and strpos(k.body::text, person::text) > 0
                         and k.model not in (select m.model from ledger.company_model m) then
                         ledger.own_user(k.body) end as own
        from ledger.change k where workspace is null or k.workspace_id = workspace offset 0) c;
  select count(*) into entries from toggl.time_entry t
    where t.user_id = person and (workspace is null or t.workspace_id = workspace);
  select count(*) into invoices from ledger.invoice_entry i
  where i.entry ->> 'user_id' = person::text and (workspace is null or i.workspace_id = workspace);
  select count(*) into quarantined from ledger.quarantined(person, workspace, known.names || known.emails);
  select count(*) into accounts from ledger.account a where a.user_id = person and workspace is null;
  is_begun := exists (select from ledger.erasure e
                      where e.user_id = person and e.workspace_id is not distinct from workspace);
  return next;
end
$$;
comment on function operator.forget_look(bigint, bigint) is
  'Numbers of recorded data about a user (null: in all workspaces): events made by the user, others about the user''s '
  'own entities, others that have the name in their text, which stay; time entries; entries of invoices; callbacks in '
  'quarantine; accounts of our API. is_begun: an erasure was not finished.';

-- ---- the erasure

create function operator.forget_begin(person bigint, workspace bigint)
returns table (erasure_id bigint, events_done bigint, events bigint)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  if person is null or person <= 0 then
    perform ledger.refuse('user.malformed');
  end if;
  if workspace is null and exists (select from ledger.toggl_connection c
                                   where c.user_id = person and c.token_sealed is not null) then
    perform ledger.refuse('forget.token_in_use', '{}', '55000');
  end if;
  insert into ledger.erasure (alias, workspace_id, user_id, names, emails, since_epoch)
  select -1 - ('x' || left(encode(sha256(uuid_send(gen_random_uuid())), 'hex'), 12))::bit(48)::bigint,
         workspace, person, k.names, k.emails, s.epoch
  from ledger.known_as(person, workspace) k, ledger.state s
  on conflict (user_id, coalesce(workspace_id, 0)) where finished_at is null do nothing;
  return query
    select e.erasure_id, e.events_done, (select count(*) from ledger.change c)
    from ledger.erasure e
    where e.user_id = person and e.workspace_id is not distinct from workspace;
end
$$;
comment on function operator.forget_begin(bigint, bigint) is
  'Starts the erasure of a user, or continues it. The alias is random, so it does not identify the user. 55000: the '
  'user''s token is in use.';

-- Many in one statement, because each statement opens all partitions.
create function ledger.body_replace(job ledger.erasure, workspace_ids bigint[], event_ids bigint[],
                                    created timestamptz[], bodies json[])
returns void
language sql set search_path = ledger, pg_temp
as $$
  update ledger.event e
  set body = n.body, creator_id = case when e.creator_id = job.user_id then job.alias else e.creator_id end
  from unnest(workspace_ids, event_ids, created, bodies) n (workspace_id, event_id, created_at, body)
  where e.workspace_id = n.workspace_id and e.event_id = n.event_id and e.created_at = n.created_at;

  update ledger.baseline b
  set body = n.body, creator_id = case when b.creator_id = job.user_id then job.alias else b.creator_id end
  from unnest(workspace_ids, event_ids, created, bodies) n (workspace_id, event_id, created_at, body)
  where b.workspace_id = n.workspace_id and b.event_id = n.event_id and b.created_at = n.created_at
$$;
comment on function ledger.body_replace(ledger.erasure, bigint[], bigint[], timestamptz[], json[]) is
  'Replaces the bodies of the events by these, and the user by the alias.';

create function ledger.forget_in(job ledger.erasure, range text)
returns bigint[]
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  one record;
  is_own boolean;
  body json;
  workspace_ids bigint[] := '{}';
  event_ids bigint[] := '{}';
  created timestamptz[] := '{}';
  bodies json[] := '{}';
  bytes bigint := 0;
  entities bigint[] := '{}';
begin
  for one in execute format($sql$
    select c.workspace_id, c.event_id, c.created_at, c.creator_id, c.entity_id, c.model, c.body, c.is_persons
    from (
      select h.*, coalesce(bool_or(h.own = $1::text) over (partition by h.workspace_id, h.model, h.entity_id), false)
                  and h.entity_id is not null as is_persons
      from (
        select k.workspace_id, k.event_id, k.created_at, k.creator_id, k.entity_id, k.model, k.body, f.is_hit,
               case when f.is_hit and k.model not in (select m.model from ledger.company_model m) then
                    ledger.own_user(k.body) end as own
        from ledger.change k
        cross join lateral (select coalesce(k.creator_id = $1, false) or strpos(k.body::text, $1::text) > 0
                                   or exists (select from unnest($2) t where strpos(k.body::text, t) > 0) as is_hit
                                   offset 0) f
        where (%s) and ($3 is null or k.workspace_id = $3)) h) c
    where c.is_hit or c.is_persons
    $sql$, range)
    using job.user_id, job.emails, job.workspace_id
  loop
    is_own := one.model not in (select m.model from ledger.company_model m)
              and (one.is_persons and coalesce(ledger.own_user(one.body), job.user_id::text) = job.user_id::text
                   or one.entity_id is null and ledger.own_user(one.body) = job.user_id::text);
    continue when is_own is not true and one.creator_id is distinct from job.user_id
                  and not ledger.is_about(one.body, one.model, job.user_id, job.emails);
    body := ledger.body_without(one.body, one.event_id, one.model, is_own is true, job.user_id, job.alias, job.emails);
    workspace_ids := workspace_ids || one.workspace_id;
    event_ids := event_ids || one.event_id;
    created := created || one.created_at;
    bodies := bodies || body;
    bytes := bytes + octet_length(body::text);
    entities := entities || one.entity_id;
    if bytes > 16777216 then
      perform ledger.body_replace(job, workspace_ids, event_ids, created, bodies);
      workspace_ids := '{}';
      event_ids := '{}';
      created := '{}';
      bodies := '{}';
      bytes := 0;
    end if;
  end loop;
  perform ledger.body_replace(job, workspace_ids, event_ids, created, bodies);
  return entities;
end
$$;
comment on function ledger.forget_in(ledger.erasure, text) is
  'Replaces the bodies of the events of a range (a condition on ledger.change k) that are about the user. Returns '
  'their entities, one for each event.';

create function ledger.forget_elsewhere(job ledger.erasure)
returns void
language sql set search_path = ledger, pg_temp
as $$
  update ledger.invoice_entry i
  set entry = i.entry || jsonb_build_object('description', null, 'user_id',
                                            case when i.entry ->> 'user_id' is not null then job.alias end)
  where (job.workspace_id is null or i.workspace_id = job.workspace_id)
    and (i.entry ->> 'user_id' = job.user_id::text
         -- An entry without a user when it was frozen.
         or i.entry ->> 'user_id' is null
            and exists (select from ledger.change c
                        where c.workspace_id = i.workspace_id and c.entity_id = i.time_entry_id
                          and c.model = 'time_entry'
                          and ledger.own_user(c.body) = job.alias::text));

  update ledger.quarantine q
  set forgotten = sha256(q.body),
      body = convert_to(jsonb_build_object('forgotten',
                                           jsonb_build_object('sha256', encode(sha256(q.body), 'hex'), 'at',
                                                              now()))::text, 'UTF8'),
      retried_at = coalesce(q.retried_at, now()), retried_as = coalesce(q.retried_as, 'forgotten')
  where q.quarantine_id in (select ledger.quarantined(job.user_id, job.workspace_id, job.names || job.emails));

  update ledger.account a
  set user_id = job.alias, name = 'forgotten', email = null, enabled = false,
      token_digest = sha256(uuid_send(gen_random_uuid()))
  where a.user_id = job.user_id and job.workspace_id is null;

  update ledger.toggl_job j
  set state = '{}', message = ledger.coded('toggl.job_forgotten')
  from ledger.toggl_connection c
  where c.connection_id = j.connection_id and c.user_id = job.user_id and job.workspace_id is null
    and j.finished_at is not null;

  update ledger.completeness c
  set user_id = job.alias
  where c.user_id = job.user_id and (job.workspace_id is null or c.workspace_id = job.workspace_id)
    and not exists (select from ledger.completeness o
                    where o.workspace_id = c.workspace_id and o.day = c.day and o.user_id = job.alias);
  delete from ledger.completeness c
  where c.user_id = job.user_id and (job.workspace_id is null or c.workspace_id = job.workspace_id);

  update ledger.toggl_connection c
  set user_id = job.alias, name = 'forgotten', email = null
  where c.user_id = job.user_id and job.workspace_id is null and c.token_sealed is null
$$;
comment on function ledger.forget_elsewhere(ledger.erasure) is
  'Removes the user from data that are no events: frozen invoices, the quarantine, accounts of our API (which are '
  'disabled), the comparisons with Toggl, a connection to Toggl that has ended. A new table '
  'with personal data needs a statement here.';

create function operator.forget_step(erasure bigint, most bigint)
returns table (events_done bigint, replaced bigint, finished boolean)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  job ledger.erasure;
  first bigint;
  last bigint;
  covered bigint;
  entities bigint[];
  entity bigint;
begin
  perform pg_advisory_xact_lock(7306021983461008);
  select * into job from ledger.erasure e where e.erasure_id = erasure for update;
  if not found then
    perform ledger.refuse('forget.unknown', jsonb_build_object('erasure_id', erasure), 'P0002');
  end if;
  if job.finished_at is null and job.after_entity_id is distinct from 9223372036854775807 then
    first := coalesce(job.after_entity_id + 1, -9223372036854775808);
    select count(*), max(n.entity_id) into covered, last
    from (select k.entity_id from ledger.change k where k.entity_id >= first order by k.entity_id limit most) n;
    if covered < most then
      last := 9223372036854775807;
    else
      select count(*) into covered from ledger.change k where k.entity_id between first and last;
    end if;
    entities := ledger.forget_in(job, format('k.entity_id between %s and %s', first, last));
    if entities <> '{}' then
      perform ledger.rebuild_entities(first, last);
    end if;
    update ledger.erasure e
    set after_entity_id = last, events_done = job.events_done + covered, replaced = job.replaced + cardinality(entities)
    where e.erasure_id = erasure returning * into job;
  elsif job.finished_at is null then
    entities := ledger.forget_in(job, 'k.entity_id is null');
    if entities <> '{}' then
      perform ledger.rebuild_entities(null, null);
    end if;
    job.replaced := job.replaced + cardinality(entities);
    perform ledger.forget_elsewhere(job);
    -- Events recorded meanwhile, while nothing else records: after this all events are done.
    perform ledger.hold_off();
    entities := ledger.forget_in(job,
                                 format('(k.epoch, k.txid, k.seq) >= (%s, %L, 0)', job.since_epoch, job.since_txid));
    for entity in select distinct u from unnest(entities) u loop
      perform ledger.rebuild_entities(entity, entity);
    end loop;
    -- Readers load their copies again: no event announces these changes.
    update ledger.state s set epoch = s.epoch + 1;
    update ledger.erasure e
    set user_id = null, names = null, emails = null, replaced = job.replaced + cardinality(entities),
        finished_at = clock_timestamp()
    where e.erasure_id = erasure returning * into job;
  end if;
  events_done := job.events_done;
  replaced := job.replaced;
  finished := job.finished_at is not null;
  return next;
end
$$;
comment on function operator.forget_step(bigint, bigint) is
  'Removes the user from the next entities, those of about `most` events, and writes their rows again, in this '
  'transaction. The last step blocks recording while it handles the events that arrived meanwhile, and starts a new '
  'epoch.';
