-- The admin page: subscriptions of our subscribers. An operator makes, changes and pings one through
-- the code of the API (api/webhooks_v1.sql, src/delivery/subscription), on behalf of its account.

create function ledger.subscription_state(s ledger.subscription, dead bigint)
returns table (state text, message jsonb)
language sql stable set search_path = ledger, pg_temp
as $$
  select case when not s.enabled and s.disabled_reason = 'gone' then 'gone'
              when not s.enabled then 'disabled'
              when not a.enabled or m.account_id is null then 'held'
              when s.validated_at is null then 'unvalidated'
              when s.failing_since is not null then 'failing'
              when isfinite(s.paused_until) and s.paused_until > c.at then 'paused'
              when dead > 0 then 'dead'
              else 'well' end,
         case when not s.enabled and s.disabled_reason = 'gone' then ledger.coded('subscription.state_gone')
              when not s.enabled and s.disabled_reason = 'failing' then ledger.coded('subscription.state_given_up')
              when not s.enabled then ledger.coded('subscription.state_disabled')
              when not a.enabled then
                ledger.coded('subscription.state_account_disabled', jsonb_build_object('account', a.name))
              when m.account_id is null then
                ledger.coded('subscription.state_no_access', jsonb_build_object('account', a.name))
              when s.validated_at is null then ledger.coded('subscription.state_unvalidated')
              when s.failing_since is not null
              then ledger.coded('subscription.state_failing',
                                jsonb_build_object('failing_seconds', ledger.whole_seconds(c.at - s.failing_since)))
              when isfinite(s.paused_until) and s.paused_until > c.at
              then ledger.coded('subscription.state_paused',
                                jsonb_build_object('pause_seconds', ledger.whole_seconds(s.paused_until - c.at)))
              when dead > 0 then ledger.coded('subscription.state_dead', jsonb_build_object('count', dead))
              else ledger.coded('subscription.state_well') end
  from (select ledger.clock() as at) c
  join ledger.account a on a.account_id = s.account_id
  left join ledger.member m on m.account_id = s.account_id and m.workspace_id = s.workspace_id
$$;
comment on function ledger.subscription_state(ledger.subscription, bigint) is
  'The state of a subscription, as one word and as a message; dead: the number of its dead deliveries.';

-- Through the indexes: for a subscription without statistics the planner assumes the average number
-- of deliveries, which few subscriptions have (16 ms each instead of 0.2).
create function ledger.subscription_json(s ledger.subscription)
returns jsonb
language sql stable set search_path = ledger, pg_temp set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
  select jsonb_build_object(
    'id', s.subscription_id::text, 'workspace_id', s.workspace_id::text,
    'workspace', coalesce((select w.name from toggl.workspace w where w.workspace_id = s.workspace_id),
                          'workspace ' || s.workspace_id),
    'account_id', a.account_id::text, 'account', a.name, 'description', s.description, 'url',
    ledger.url_shown(s.url_callback),
    'event_filters', s.event_filters, 'enabled', s.enabled, 'validated_at', ledger.rfc3339(s.validated_at),
    'created_at', ledger.rfc3339(s.created_at), 'updated_at', ledger.rfc3339(s.updated_at),
    'secret_before_until',
    case when s.secret_before_until > ledger.clock() then ledger.rfc3339(s.secret_before_until) end,
    'state', t.state, 'state_words', t.message, 'waiting', n.waiting, 'dead', n.dead, 'failing_since',
    ledger.rfc3339(s.failing_since),
    'last_success_at', ledger.rfc3339(s.last_success_at),
    'warnings', jsonb_build_object(
      'disable', ledger.coded('subscription.warn_disable', c.waits), 'delete',
      ledger.coded('subscription.warn_delete', c.waits),
      'rotate', ledger.coded('subscription.warn_rotate'), 'replay', ledger.coded('subscription.warn_replay')))
  from ledger.account a
  cross join lateral (
    select (select count(*) from (select from ledger.delivery d
                                  where d.subscription_id = s.subscription_id and d.state in ('due', 'behind')
                                    and s.deleted_at is null
                                  limit 100001) w) as waiting,
           (select count(*) from (select from ledger.delivery d
                                  where d.subscription_id = s.subscription_id and d.state = 'dead'
                                    limit 100001) w) as dead) n
  cross join lateral jsonb_build_object('count', least(n.waiting, 100000), 'more', n.waiting > 100000) c (waits)
  cross join lateral ledger.subscription_state(s, n.dead) t
  where a.account_id = s.account_id
$$;
comment on function ledger.subscription_json(ledger.subscription) is
  'A subscription in the form of the page (only the host of its URL), with the effects of dangerous actions. waiting '
  'and dead are counted up to 100001.';

create function ledger.subscription_described(s ledger.subscription)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select jsonb_build_object('description', s.description, 'url', ledger.url_shown(s.url_callback), 'event_filters',
                            s.event_filters, 'enabled', s.enabled)
$$;
comment on function ledger.subscription_described(ledger.subscription) is
  'The values of a subscription in an entry of the audit trail.';

create function ledger.subscription_named(s ledger.subscription)
returns jsonb
language sql immutable set search_path = ledger, pg_temp
return ledger.coded('subject.subscription', jsonb_build_object('subscription_id', s.subscription_id, 'name',
                                                             left(s.description, 200)));
comment on function ledger.subscription_named(ledger.subscription) is 'A subscription, as the audit trail names it.';

create function ledger.subscription_of(path jsonb)
returns ledger.subscription
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  id bigint := ledger.id_of(path ->> 'subscription_id', 'subscription_id');
  s ledger.subscription;
begin
  select o.* into s from ledger.subscription o
  where o.subscription_id = id and o.deleted_at is null and o.pending_until is null;
  if not found then
    perform ledger.refuse('subscription.unknown', jsonb_build_object('subscription_id', id), 'P0002');
  end if;
  return s;
end
$$;
comment on function ledger.subscription_of(jsonb) is
  'The subscription with the number in a path. P0002: there is none.';

create function admin.subscriber_list(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  return ledger.answer(jsonb_build_object(
    'accounts', coalesce((
      select jsonb_agg(ledger.account_json(a) || jsonb_build_object('quota', coalesce((
               select jsonb_agg(jsonb_build_object('organization_id', nullif(q.organization_id, 0)::text, 'used',
                                                   q.used,
                                                   'resets_at', ledger.rfc3339(q.started_at + interval '60 minutes')))
               from ledger.quota q
               where q.account_id = a.account_id and q.started_at + interval '60 minutes' > ledger.clock()), '[]'),
             'warnings', jsonb_build_object(
               'token', ledger.coded('account.warn_token'), 'disable', ledger.coded('account.warn_disable')))
             order by a.account_id)
      from ledger.account a), '[]'),
    'organizations', coalesce((select jsonb_agg(ledger.organization_json(o.organization_id) order by o.organization_id)
                               from ledger.organization o), '[]'),
    'workspaces', coalesce((
      select jsonb_agg(jsonb_build_object('id', w.workspace_id::text, 'name',
                                          coalesce(t.name, 'workspace ' || w.workspace_id),
                                          'organization_id', w.organization_id::text) order by w.workspace_id)
      from ledger.workspace w left join toggl.workspace t on t.workspace_id = w.workspace_id), '[]'),
    'plans', (select jsonb_agg(to_jsonb(p) order by p.max_webhooks) from ledger.plan p),
    'event_filters', (select jsonb_object_agg(f.entity, f.actions) from ledger.filter_entity f),
    'subscriptions', coalesce((select jsonb_agg(ledger.subscription_json(s)
                                         -- an operator who may change it sees the whole URL
                                         || case when who.role = 'owner' then jsonb_build_object('url', s.url_callback)
                                                 else '{}' end
                                         order by s.workspace_id, s.description)
                               from ledger.subscription s where s.deleted_at is null and s.pending_until is null),
                                 '[]'))::text);
end
$$;
comment on function admin.subscriber_list(ledger.operator, admin.request) is
  'GET subscribers: accounts, organizations, delivered workspaces, and all subscriptions with their states.';

-- ---- steps of the API, for an operator

create function ledger.api_request_of(a ledger.account, workspace bigint, subscription bigint, method text, asked jsonb)
returns admin.answer
language plpgsql stable set search_path = ledger, pg_temp
as $$
begin
  -- As api.admit() answers the account itself.
  if not a.enabled then
    perform ledger.refuse('account.disabled', jsonb_build_object('name', a.name));
  elsif not exists (select from ledger.member m where m.account_id = a.account_id and m.workspace_id = workspace) then
    perform ledger.refuse('account.workspace_missing', jsonb_build_object('name', a.name, 'workspace_id', workspace));
  end if;
  return ledger.answer(null, private => jsonb_build_object(
    'account_id', a.account_id, 'user_id', a.user_id, 'workspace_id', workspace, 'subscription_id', subscription,
    'method', method,
    'asked', asked::text));
end
$$;
comment on function ledger.api_request_of(ledger.account, bigint, bigint, text, jsonb) is
  'A request to the API on behalf of an account: the account, the method of Toggl''s API (null: a ping) and the body. '
  '22023: the account may not send it.';

create function admin.subscription_begin(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  s ledger.subscription;
begin
  if request.path ? 'subscription_id' then
    s := ledger.subscription_of(request.path);
    perform ledger.given_check(request.given, '{description,url_callback,secret,event_filters,enabled}');
    -- PUT of Toggl's API needs the description each time; PATCH takes only "enabled".
    if request.given - 'enabled' = '{}' then
      return ledger.api_request_of(ledger.account_find(s.account_id), s.workspace_id, s.subscription_id, 'PATCH',
                             request.given);
    end if;
    return ledger.api_request_of(ledger.account_find(s.account_id), s.workspace_id, s.subscription_id, 'PUT',
                           jsonb_build_object('description', s.description) || request.given);
  end if;
  perform ledger.given_check(request.given,
                             '{workspace_id,account_id,description,url_callback,secret,event_filters,enabled}');
  if ledger.given_number(request.given, 'workspace_id') is null or not request.given ? 'account_id' then
    perform ledger.refuse('subscription.account_missing');
  end if;
  return ledger.api_request_of(ledger.account_find(ledger.given_number(request.given, 'account_id')),
                         ledger.given_number(request.given, 'workspace_id'),
                         null, 'POST', request.given - 'workspace_id' - 'account_id');
end
$$;
comment on function admin.subscription_begin(ledger.operator, admin.request) is
  'POST subscribers/subscriptions, and PATCH of one; called before the ping. private: as ledger.api_request_of().';

create function admin.ping_begin(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  s ledger.subscription := ledger.subscription_of(request.path);
begin
  return ledger.api_request_of(ledger.account_find(s.account_id), s.workspace_id, s.subscription_id, null, null);
end
$$;
comment on function admin.ping_begin(ledger.operator, admin.request) is
  'POST subscribers/subscriptions/{subscription_id}/ping and validate; called before the ping. private: as '
  'ledger.api_request_of().';

create function ledger.step_read(request admin.request)
returns table (account bigint, workspace bigint, subscription bigint, method text, given json, sealed bytea, url text,
               code text, validated boolean)
language sql immutable set search_path = ledger, pg_temp
as $$
  select (m ->> 'account_id')::bigint, (m ->> 'workspace_id')::bigint, (m ->> 'subscription_id')::bigint,
         m ->> 'method', (m ->> 'given')::json,
         decode(m ->> 'sealed', 'hex'), m ->> 'url', m ->> 'code', (m ->> 'validated')::boolean
  from (select request.made as m) r
$$;
comment on function ledger.step_read(admin.request) is 'The arguments of a step of the API, from made.';

create function admin.subscription_check(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  return (
    select ledger.answer(null, private => to_jsonb(c)
      || jsonb_build_object('sealed', encode(c.sealed, 'hex'), 'sealed_before', encode(c.sealed_before, 'hex')))
    from ledger.step_read(request) s, api.subscription_check(s.account, s.workspace, s.subscription, s.method, s.given)
      c);
end
$$;
comment on function admin.subscription_check(ledger.operator, admin.request) is
  'api.subscription_check() for an owner on behalf of the account.';

create function admin.subscription_write(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  step record;
  wrote record;
  was ledger.subscription;
  made ledger.subscription;
  entry admin.audit_entry[];
begin
  select * into step from ledger.step_read(request);
  select s.* into was from ledger.subscription s where s.subscription_id = step.subscription;
  select w.* into wrote
  from api.subscription_write(step.account, step.workspace, step.subscription, step.method, step.given, step.sealed,
                              step.url, step.code, step.validated) w;
  if wrote.status = 200 then
    select s.* into made from ledger.subscription s where s.subscription_id = step.subscription;
    entry := ledger.audited(
      case when step.method = 'POST' then 'subscription.add' else 'subscription.change' end,
      ledger.subscription_named(made),
      case when step.method <> 'POST' then ledger.subscription_described(was) end,
      ledger.subscription_described(made)
      || case when step.sealed is not null and step.method <> 'POST' then '{"secret": "another"}' else '{}' end::jsonb
      || case when step.method <> 'POST' and made.url_callback <> was.url_callback
                   and ledger.url_shown(made.url_callback) = ledger.url_shown(was.url_callback)
         then '{"address": "another"}' else '{}' end::jsonb);
  end if;
  return ledger.answer(null, audit => entry, private => to_jsonb(wrote));
end
$$;
comment on function admin.subscription_write(ledger.operator, admin.request) is
  'api.subscription_write() for an owner on behalf of the account, with an entry in the audit trail.';

create function admin.subscription_give_up(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  perform api.subscription_give_up(s.subscription, s.code) from ledger.step_read(request) s;
  return ledger.answer(null, private => '{"status": 200}');
end
$$;
comment on function admin.subscription_give_up(ledger.operator, admin.request) is
  'api.subscription_give_up() for an owner.';

create function admin.subscription_validate(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  validation record;
  entry admin.audit_entry[];
begin
  select v.*, s.subscription into validation from ledger.step_read(request) s,
         api.subscription_validate(s.workspace, s.subscription, s.code) v;
  if validation.status = 200 then
    entry := (select ledger.audited('subscription.validate', ledger.subscription_named(o))
              from ledger.subscription o where o.subscription_id = validation.subscription);
  end if;
  return ledger.answer(null, audit => entry, private => to_jsonb(validation));
end
$$;
comment on function admin.subscription_validate(ledger.operator, admin.request) is
  'api.subscription_validate() for an owner whose ping was answered with the code, with an entry in the audit trail.';

create function admin.ping_find(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  return (
    select ledger.answer(null, private => to_jsonb(p)
      || jsonb_build_object('sealed', encode(p.sealed, 'hex'), 'sealed_before', encode(p.sealed_before, 'hex')))
    from ledger.step_read(request) s, api.ping_find(s.account, s.workspace, s.subscription) p);
end
$$;
comment on function admin.ping_find(ledger.operator, admin.request) is
  'api.ping_find() for an owner on behalf of the account.';

create function admin.subscription_remove(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  s ledger.subscription := ledger.subscription_of(request.path);
begin
  perform api.subscription_delete(s.account_id, s.workspace_id, s.subscription_id);
  return ledger.answer('{}',
    audit => ledger.audited('subscription.remove', ledger.subscription_named(s), ledger.subscription_described(s)));
end
$$;
comment on function admin.subscription_remove(ledger.operator, admin.request) is
  'DELETE subscribers/subscriptions/{subscription_id}: as api.subscription_delete().';

create function admin.subscription_rotate(who ledger.operator, request admin.request)
returns admin.answer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  s ledger.subscription := ledger.subscription_of(request.path);
  keep bigint;
begin
  perform ledger.given_check(request.given, '{keep_hours}', false);
  keep := coalesce(ledger.given_number(request.given, 'keep_hours', 8760), 24);
  perform operator.subscription_rotate(s.subscription_id, ledger.made_bytes(request, 'sealed'), keep * 3600000000);
  return ledger.answer(json_build_object('id', s.subscription_id::text)::text,
    audit => ledger.audited('subscription.rotate', ledger.subscription_named(s), null,
                            jsonb_build_object('keep_hours', keep)));
end
$$;
comment on function admin.subscription_rotate(ledger.operator, admin.request) is
  'POST subscribers/subscriptions/{subscription_id}/rotate. made: a new secret, sealed; the old one also signs for '
  'keep_hours (24).';
