-- Interface schema of hookledger-api: admission of requests, and Toggl's Webhooks API v1. The
-- program calls api.admit() first for each request, then one function for its route. Error texts
-- are those that Toggl publishes. The Track API does not belong here: see track_v9.sql.

-- ---- authentication and limits

create function api.admit(
  token bytea, client text, workspace bigint, costs boolean, burst bigint, per_minute bigint)
returns table (status bigint, problem text, account_id bigint, user_id bigint, is_admin boolean,
               has_quota boolean, remaining bigint, resets_in bigint, retry_after bigint)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  clock timestamptz := ledger.clock();
  home inet := ledger.network_of(client)::inet;
  who ledger.account;
  organization bigint := 0;
  total integer;
  began timestamptz;
  spent integer;
  filled real;
  is_counted boolean := false;
begin
  -- Losing a count in a crash does no harm, so the commit does not wait for the disk.
  perform set_config('synchronous_commit', 'off', true);
  select a.* into who from ledger.account a where a.token_digest = token and a.enabled;
  account_id := coalesce(who.account_id, 0);
  user_id := who.user_id;
  has_quota := who.account_id is not null;

  -- The bucket: when it is full the client must wait. Unauthenticated clients of an address share
  -- one.
  insert into ledger.bucket as b (account_id, address, level, at)
  values (account_id, home, 1, clock)
  on conflict (account_id, address) do update
    set level = ledger.bucket_level(b.level, b.at, per_minute, clock), at = greatest(clock, b.at)
    where ledger.bucket_level(b.level, b.at, per_minute, clock) <= burst
  returning b.level into filled;
  if filled is null then
    status := 429;
    problem := ledger.api_text('too_fast');
    select ledger.bucket_wait(ledger.bucket_level(b.level, b.at, per_minute, clock), burst, per_minute) into retry_after
    from ledger.bucket b where b.account_id = admit.account_id and b.address = home;
  elsif who.account_id is null then
    status := 403;
    problem := ledger.api_text('login');
  end if;
  if who.account_id is null then
    return next;
    return;
  end if;

  if workspace is not null then
    select m.is_admin, l.organization_id, l.hourly_requests into is_admin, organization, total
    from ledger.member m join ledger.workspace_limit l on l.workspace_id = m.workspace_id
    where m.account_id = who.account_id and m.workspace_id = workspace;
    if not found then
      -- the answer then shows the user's own quota window
      organization := 0;
      if status is null then
        status := 403;
        problem := ledger.api_text('no_workspace');
      end if;
    end if;
  end if;

  total := coalesce(total, ledger.user_requests(who.account_id));

  -- The window: begins with its first request, lasts 60 minutes. Refused requests cost nothing.
  if status is null and costs and total > 0 then
    insert into ledger.quota as q (account_id, organization_id, started_at, used)
    values (who.account_id, organization, clock, 1)
    on conflict (account_id, organization_id) do update
      set used = case when q.started_at + interval '60 minutes' <= clock then 1 else q.used + 1 end,
          started_at = case when q.started_at + interval '60 minutes' <= clock then clock else q.started_at end
      where q.started_at + interval '60 minutes' <= clock or q.used < total
    returning q.started_at, q.used into began, spent;
    is_counted := began is not null;
  end if;
  if not is_counted then
    select q.started_at, q.used into began, spent from ledger.quota q
    where q.account_id = who.account_id and q.organization_id = organization
      and q.started_at + interval '60 minutes' > clock;
  end if;
  remaining := greatest(total - coalesce(spent, 0), 0);
  resets_in := ledger.resets_in(began, clock);
  if status is null and costs and not is_counted then
    status := 402;
    problem := ledger.api_text('quota', resets_in::text);
  end if;
  status := coalesce(status, 200);
  if status = 200 and (who.seen_at is null or who.seen_at < clock - interval '1 hour') then
    update ledger.account a set seen_at = clock where a.account_id = who.account_id;
  end if;
  return next;
end
$$;
comment on function api.admit(bytea, text, bigint, boolean, bigint, bigint) is
  'Checks a request before any other work: the token (its SHA-256), the leaky bucket of token and address (the /64 '
  'network of IPv6), membership of the workspace (null: the request belongs to none) and the quota window. If `costs`, '
  'takes one request from the window. status 200; or 402, 403 or 429 with a problem text; account_id 0: the token is '
  'unknown. has_quota: the rest of the window is known, for every answer to a known account. Exact for any number of '
  'processes. The windows follow Toggl''s API documentation.';

-- ---- subscriptions

-- Functions that only read have parameters and results as in track_v9.sql.
create function api.limits(account bigint, workspace bigint, query jsonb, item bigint)
returns table (status bigint, body text)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select 200::bigint, json_build_object('max_webhooks', l.max_webhooks, 'max_events_per_webhook', l.max_filters)::text
  from ledger.workspace_limit l where l.workspace_id = workspace
$$;
comment on function api.limits(bigint, bigint, jsonb, bigint) is 'GET /limits/{id}.';

create function api.event_filters(account bigint, workspace bigint, query jsonb, item bigint)
returns table (status bigint, body text)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select 200::bigint, json_object_agg(f.entity, f.actions order by f.entity)::text
  from ledger.filter_entity f
$$;
comment on function api.event_filters(bigint, bigint, jsonb, bigint) is
  'GET /event_filters: each entity with its actions.';

create function api.subscription_read(account bigint, workspace bigint, subscription bigint)
returns table (subscription_id bigint, body text, sealed bytea, is_own boolean)
-- plpgsql keeps the plan, because planning takes longer than execution
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select s.subscription_id,
         json_build_object(
           'subscription_id', s.subscription_id,
           'workspace_id', s.workspace_id,
           'user_id', o.user_id,
           'description', s.description,
           'enabled', s.enabled,
           'event_filters', s.event_filters,
           'url_callback', s.url_callback,
           'validated_at', ledger.rfc3339(s.validated_at, me.time_zone),
           'has_pending_events',
           exists (select from ledger.served v join ledger.delivery d on d.subscription_id = v.subscription_id
                                         where v.subscription_id = s.subscription_id and d.state in ('due', 'behind'))
                                 or s.deleted_at is null
                                 and exists (select from (select x.subscription_ids from ledger.outbox x
                                                          where x.workspace_id = s.workspace_id limit 1000) x
                                               where s.subscription_id = any (x.subscription_ids)),
           'created_at', ledger.rfc3339(s.created_at, me.time_zone),
           'updated_at', ledger.rfc3339(s.updated_at, me.time_zone),
           'deleted_at', ledger.rfc3339(s.deleted_at, me.time_zone))::text,
         s.secret_sealed, s.account_id = subscription_read.account
  from ledger.account me
  join ledger.member m on m.account_id = me.account_id and m.workspace_id = subscription_read.workspace
  join ledger.subscription s on s.workspace_id = subscription_read.workspace
    and (s.account_id = me.account_id or m.is_admin)
  join ledger.account o on o.account_id = s.account_id
  where me.account_id = subscription_read.account
    and (case when subscription is null then s.deleted_at is null else s.subscription_id = subscription end)
    and s.pending_until is null
  order by s.subscription_id;
end
$$;
comment on function api.subscription_read(bigint, bigint, bigint) is
  'Subscriptions that the account may see in the workspace: its own, or all for an administrator; all existing ones, '
  'or one (also just after its deletion). body: the JSON object, to which the program adds the secret from `sealed`. '
  'Of the events that wait for the courier, it reads the first thousand.';

create function api.subscription_check(
  account bigint, workspace bigint, subscription bigint, method text, given json)
returns table (status bigint, problem text, subscription_id bigint, url text, code text, ping_code text,
               must_ping boolean, sealed bytea, secret text, sealed_before bytea)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  may_all boolean;
  old ledger.subscription;
  new ledger.subscription;
  limits ledger.workspace_limit;
  body jsonb := ledger.payload(json_build_object('payload', given));
  filters jsonb;
begin
  select m.is_admin into may_all from ledger.member m where m.account_id = account and m.workspace_id = workspace;
  select l.* into limits from ledger.workspace_limit l where l.workspace_id = workspace;
  if subscription is not null then
    select s.* into old from ledger.subscription s
    where s.subscription_id = subscription and s.workspace_id = workspace and s.deleted_at is null
      and s.pending_until is null and (s.account_id = account or may_all)
    for update;
    if not found then
      return query select 404::bigint,
        ledger.api_text('no_subscription', subscription::text, workspace::text),
                          null::bigint, null, null, null, null::boolean, null::bytea, null, null::bytea;
      return;
    end if;
  end if;
  new := old;
  status := 400;
  -- Incomplete and left by a crash: it does not block this one.
  delete from ledger.subscription s where s.workspace_id = workspace and s.pending_until <= ledger.clock();

  if method <> 'PATCH' then
    new.description := btrim(coalesce(ledger.member_text(body, 'description'), ''));
    if new.description = '' then
      problem := ledger.api_text('description_empty');
    elsif length(new.description) > 1000 then
      problem := ledger.api_text('description_long');
    elsif exists (select from ledger.subscription s
                  where s.workspace_id = workspace and s.description = new.description and s.deleted_at is null
                    and s.subscription_id is distinct from subscription) then
      problem := ledger.api_text('description_taken', new.description, workspace::text);
    end if;
    if problem is null then
      filters := case when body ? 'event_filters' or old.subscription_id is null then body -> 'event_filters'
                      else old.event_filters::jsonb end;
      problem := ledger.filters_problem(filters, limits.max_filters);
    end if;
    if problem is null then
      new.event_filters := (select json_agg(json_build_object('entity', f ->> 'entity', 'action', f ->> 'action'))
                            from jsonb_array_elements(filters) f);
      new.filters := array(select (f ->> 'entity') || '.' || (f ->> 'action') from jsonb_array_elements(filters) f);
      new.url_callback := coalesce(ledger.member_text(body, 'url_callback'), old.url_callback, '');
      if new.url_callback = '' then
        problem := ledger.api_text('url_empty');
      elsif length(new.url_callback) > 4096 then
        problem := ledger.api_text('url_long');
      elsif ledger.has_blank(new.url_callback) then
        problem := ledger.api_text('url_blank');
      elsif jsonb_typeof(body -> 'secret') not in ('string', 'null') then
        problem := ledger.api_text('secret_kind');
      elsif octet_length(ledger.member_text(body, 'secret')) > 256 then
        problem := ledger.api_text('secret_long');
      end if;
    end if;
  end if;
  if problem is null and jsonb_typeof(body -> 'enabled') not in ('boolean', 'null') then
    problem := ledger.api_text('enabled_kind');
  elsif problem is null and method = 'PATCH' and ledger.member_flag(body, 'enabled') is null then
    problem := ledger.api_text('enabled_missing');
  end if;
  if problem is null then
    -- Not given: true for a new one, unchanged for an old one.
    new.enabled := coalesce(ledger.member_flag(body, 'enabled'), old.enabled, true);
    if new.enabled and (old.enabled is not true) then
      problem := ledger.enabled_problem(coalesce(old.account_id, account), workspace, subscription);
    end if;
  end if;
  if problem is not null then
    return query select status, problem, null::bigint, null, null, null, null::boolean, null::bytea, null, null::bytea;
    return;
  end if;

  -- The callback is pinged when it is new, changed, or enabled again.
  must_ping := old.subscription_id is null or new.url_callback <> old.url_callback or (new.enabled and not old.enabled);
  code := case when old.subscription_id is null or new.url_callback <> old.url_callback
               then encode(sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')), 'hex')
                 else old.validation_code end;
  ping_code := case when old.subscription_id is null or code <> old.validation_code or old.validated_at is null then
                    code end;
  url := new.url_callback;
  secret := case when method <> 'PATCH' then nullif(ledger.member_text(body, 'secret'), '') end;
  sealed := old.secret_sealed;
  sealed_before := case when old.secret_before_until > ledger.clock() then old.secret_before_sealed end;
  status := 200;
  if old.subscription_id is not null then
    subscription_id := old.subscription_id;
    if code <> old.validation_code then
      -- so that the validation URL can validate the new address during the ping
      update ledger.subscription s set asked_code = subscription_check.code, asked_validated_at = null
      where s.subscription_id = old.subscription_id;
    end if;
  else
    -- Written before the ping for the same reason; no list shows it until the answer has come.
    insert into ledger.subscription as s (workspace_id, account_id, description, url_callback, filters, event_filters,
                                          secret_sealed, enabled, validation_code, pending_until)
    values (workspace, account, new.description, new.url_callback, new.filters, new.event_filters, '', new.enabled,
            code,
            ledger.clock() + interval '5 minutes')
    returning s.subscription_id into subscription_id;
  end if;
  return next;
exception
  when unique_violation then
    return query select 400::bigint,
      ledger.api_text('description_taken', new.description, workspace::text),
                        null::bigint, null, null, null, null::boolean, null::bytea, null, null::bytea;
end
$$;
comment on function api.subscription_check(bigint, bigint, bigint, text, json) is
  'First half of POST (subscription null), PUT and PATCH: checks the request, with error texts of Toggl''s API. '
  'Returns whether the callback must be pinged, its URL, and the validation code (ping_code null: the callback is '
  'validated, and the ping has no code). It writes a new subscription, but no list shows it until '
  'subscription_write(), and it is removed after 5 minutes. sealed_before: the previous secret during a rotation. '
  'secret: the one in the request; null: keep the secret, or make a new one.';

create function api.subscription_write(
  account bigint, workspace bigint, subscription bigint, method text, given json, new_sealed bytea, asked_url text,
  code text, validated boolean)
returns table (status bigint, problem text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  old ledger.subscription;
  new ledger.subscription;
  body jsonb := ledger.payload(json_build_object('payload', given));
  clock timestamptz := ledger.clock();
begin
  select s.* into old from ledger.subscription s
  where s.subscription_id = subscription and s.workspace_id = workspace and s.deleted_at is null
    and (s.account_id = account or (s.pending_until is null and exists (
          select from ledger.member m where m.account_id = account and m.workspace_id = workspace and m.is_admin)))
  for update;
  if not found then
    return query select 404::bigint, ledger.api_text('no_subscription', subscription::text, workspace::text);
    return;
  end if;
  new := old;
  new.enabled := coalesce(ledger.member_flag(body, 'enabled'), old.enabled);
  -- The data may have changed during the wait for the callback's answer.
  if not exists (select from ledger.account a join ledger.member m on m.account_id = a.account_id
                 where a.account_id = account and a.enabled and m.workspace_id = workspace) then
    status := 403;
    problem := ledger.api_text('no_workspace');
  elsif new.enabled and (old.pending_until is not null or not old.enabled) then
    status := 400;
    problem := ledger.enabled_problem(old.account_id, workspace, subscription);
  end if;
  if problem is not null then
    perform api.subscription_give_up(subscription, code);
    return query select status, problem;
    return;
  end if;
  if method <> 'PATCH' then
    new.description := btrim(ledger.member_text(body, 'description'));
    new.url_callback := coalesce(ledger.member_text(body, 'url_callback'), old.url_callback);
    if body ? 'event_filters' then
      new.event_filters := (select json_agg(json_build_object('entity', f ->> 'entity', 'action', f ->> 'action'))
                            from jsonb_array_elements(body -> 'event_filters') f);
      new.filters := array(select (f ->> 'entity') || '.' || (f ->> 'action')
                           from jsonb_array_elements(body -> 'event_filters') f);
    end if;
  end if;
  -- The result of the ping is valid only for the pinged address, not for one that another request
  -- has set since.
  if new.url_callback = asked_url then
    new.validation_code := code;
    new.validated_at := case
      when validated then coalesce(case when old.validation_code = code then old.validated_at end, clock)
      when old.validation_code = code then old.validated_at
      when old.asked_code = code then old.asked_validated_at end;
  end if;
  update ledger.subscription s
  set description = new.description,
      event_filters = new.event_filters,
      filters = new.filters,
      url_callback = new.url_callback,
      validation_code = new.validation_code,
      validated_at = new.validated_at,
      asked_code = nullif(s.asked_code, code),
      secret_sealed = coalesce(new_sealed, s.secret_sealed),
      enabled = new.enabled,
      disabled_reason = case when new.enabled then null else s.disabled_reason end,
      failing_since = case when new.enabled and not s.enabled then null else s.failing_since end,
      pending_until = null,
      updated_at = clock
  where s.subscription_id = subscription;
  return query select 200::bigint, null::text;
exception
  when unique_violation then
    return query select 400::bigint, ledger.api_text('description_taken',
                                                     btrim(ledger.member_text(body, 'description')), workspace::text);
end
$$;
comment on function api.subscription_write(bigint, bigint, bigint, text, json, bytea, text, text, boolean) is
  'Second half: writes the request after the callback has answered. new_sealed null keeps the secret. asked_url, code: '
  'results of subscription_check(); validated: the answer contained the code. Checks rights and limits again.';

create function api.subscription_give_up(subscription bigint, code text)
returns void
language sql security definer set search_path = ledger, pg_temp
as $$
  delete from ledger.subscription s where s.subscription_id = subscription and s.pending_until is not null;
  update ledger.subscription s set asked_code = null where s.subscription_id = subscription and s.asked_code = code;
$$;
comment on function api.subscription_give_up(bigint, text) is
  'Removes a new subscription whose callback did not answer correctly. For an existing one it removes the code of the '
  'ping.';

create function api.subscription_delete(account bigint, workspace bigint, subscription bigint)
returns table (status bigint, problem text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  -- before the row, in the order of courier.settle()
  perform ledger.workspace_lock(workspace, false);
  update ledger.subscription s set deleted_at = ledger.clock(), enabled = false, updated_at = ledger.clock()
  where s.subscription_id = subscription and s.workspace_id = workspace and s.deleted_at is null
    and s.pending_until is null
    and (s.account_id = account or exists (
          select from ledger.member m where m.account_id = account and m.workspace_id = workspace and m.is_admin));
  if found then
    perform ledger.deliveries_drop(workspace, subscription, 1000, 'subscription_deleted');
    return query select 200::bigint, null::text;
  else
    return query select 404::bigint, ledger.api_text('no_subscription', subscription::text, workspace::text);
  end if;
end
$$;
comment on function api.subscription_delete(bigint, bigint, bigint) is
  'Deletes a subscription, enabled or not, and drops up to a thousand open deliveries; the courier drops the rest.';

create function api.subscription_validate(workspace bigint, subscription bigint, code text)
returns table (status bigint, problem text)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  old ledger.subscription;
  digest constant bytea := sha256(convert_to(code, 'UTF8'));
begin
  select s.* into old from ledger.subscription s
  where s.subscription_id = subscription and s.workspace_id = workspace and s.deleted_at is null
    and (s.pending_until is null or s.pending_until > ledger.clock())
  for update;
  -- Digests are compared, so that the time of the comparison does not reveal the code.
  if sha256(convert_to(old.asked_code, 'UTF8')) = digest and old.asked_validated_at is null then
    update ledger.subscription s set asked_validated_at = ledger.clock() where s.subscription_id = subscription;
    return query select 200::bigint, null::text;
  elsif sha256(convert_to(old.validation_code, 'UTF8')) = digest and old.validated_at is null then
    update ledger.subscription s set validated_at = ledger.clock() where s.subscription_id = subscription;
    return query select 200::bigint, null::text;
  elsif digest in (sha256(convert_to(old.validation_code, 'UTF8')), sha256(convert_to(old.asked_code, 'UTF8'))) then
    return query select 400::bigint, ledger.api_text('validated', subscription::text);
  else
    return query select 400::bigint, ledger.api_text('no_code', subscription::text, workspace::text,
                                                     code);
  end if;
end
$$;
comment on function api.subscription_validate(bigint, bigint, text) is
  'Validates a subscription by its code, as GET /validate does; with the code of a new address, during its ping, '
  'validates that address.';

create function api.ping_find(account bigint, workspace bigint, subscription bigint)
returns table (status bigint, problem text, url text, code text, sealed bytea, sealed_before bytea)
language plpgsql stable security definer set search_path = ledger, pg_temp
as $$
begin
  return query
    select 200::bigint, null::text, s.url_callback, case when s.validated_at is null then s.validation_code end,
           s.secret_sealed,
           case when s.secret_before_until > ledger.clock() then s.secret_before_sealed end
    from ledger.subscription s
    where s.subscription_id = subscription and s.workspace_id = workspace and s.deleted_at is null
      and s.pending_until is null
      and (s.account_id = account or exists (
            select from ledger.member m where m.account_id = account and m.workspace_id = workspace and m.is_admin));
  if not found then
    return query select 404::bigint, ledger.api_text('no_subscription', subscription::text, workspace::text),
                        null::text, null::text, null::bytea, null::bytea;
  end if;
end
$$;
comment on function api.ping_find(bigint, bigint, bigint) is
  'The URL of a ping, and the secrets that sign it (sealed_before: the previous one, during a rotation); the code, if '
  'the subscription is not validated.';

create function api.tick_use(digest bytea)
returns text
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  update ledger.tick t set used_at = ledger.clock()
  where t.token_digest = digest and (t.used_at is null or t.used_at < ledger.clock() - interval '5 seconds');
  return case when found then 'begin' when exists (select from ledger.tick t where t.token_digest = digest) then 'soon'
              else 'unknown' end;
end
$$;
comment on function api.tick_use(bytea) is
  'Whether a request to the address with this token (its SHA-256) may start a round of the courier. begin: yes; soon: '
  'a round started within the last 5 seconds; unknown: there is no such address.';
