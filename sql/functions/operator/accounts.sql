-- Interface schema of the command line: organizations, workspaces, accounts and their
-- subscriptions, and addresses for web-cron.

create function operator.organization_add(called text, plan text, id bigint, requests bigint, of_user bigint)
returns bigint
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  added bigint;
begin
  perform ledger.label_check(called);
  if not exists (select from ledger.plan p where p.plan = organization_add.plan) then
    perform ledger.refuse('organization.plan_unknown', jsonb_build_object('plan', plan));
  end if;
  if id is null then
    -- Behind those that were given by number.
    perform setval(pg_get_serial_sequence('ledger.organization', 'organization_id'),
                   (select greatest(coalesce(max(o.organization_id), 0), 1) from ledger.organization o),
                   exists (select from ledger.organization));
    insert into ledger.organization (name, plan, hourly_requests, user_requests)
    values (called, organization_add.plan, requests, of_user) returning organization_id into added;
  else
    insert into ledger.organization (organization_id, name, plan, hourly_requests, user_requests)
    values (id, called, organization_add.plan, requests, of_user) returning organization_id into added;
  end if;
  return added;
exception
  when unique_violation then
    perform ledger.refuse('organization.exists', jsonb_build_object('organization_id', id));
  when check_violation or numeric_value_out_of_range then
    perform ledger.refuse('organization.limits');
end
$$;
comment on function operator.organization_add(text, text, bigint, bigint, bigint) is
  'Makes an organization; id null: the next number. requests, of_user: numbers of its own, or null for those of the '
  'plan. Returns its number.';

create function operator.organization_list()
returns table (organization_id bigint, name text, plan text, max_webhooks bigint, max_filters bigint,
               hourly_requests bigint, user_requests bigint, workspaces bigint)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select o.organization_id, o.name, o.plan, coalesce(o.max_webhooks, p.max_webhooks)::bigint,
         coalesce(o.max_filters, p.max_filters)::bigint, coalesce(o.hourly_requests, p.hourly_requests)::bigint,
         coalesce(o.user_requests, p.user_requests)::bigint,
         (select count(*) from ledger.workspace w where w.organization_id = o.organization_id)
  from ledger.organization o join ledger.plan p on p.plan = o.plan
  order by o.organization_id
$$;
comment on function operator.organization_list() is 'Organizations with the limits that hold for each.';

create function operator.organization_set(id bigint, plan text, webhooks bigint, filters bigint, requests bigint,
                                          of_user bigint)
returns void
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  if plan is not null and not exists (select from ledger.plan p where p.plan = organization_set.plan) then
    perform ledger.refuse('organization.plan_unknown', jsonb_build_object('plan', plan));
  end if;
  update ledger.organization o
  set plan = coalesce(organization_set.plan, o.plan),
      -- A new plan brings its own numbers, but for those that are given with it.
      max_webhooks = coalesce(webhooks, case when organization_set.plan is null then o.max_webhooks end),
      max_filters = coalesce(filters, case when organization_set.plan is null then o.max_filters end),
      hourly_requests = coalesce(requests, case when organization_set.plan is null then o.hourly_requests end),
      user_requests = coalesce(of_user, case when organization_set.plan is null then o.user_requests end)
  where o.organization_id = id;
  if not found then
    perform ledger.refuse('organization.unknown', jsonb_build_object('organization_id', id), 'P0002');
  end if;
exception
  when check_violation or numeric_value_out_of_range then
    perform ledger.refuse('organization.numbers');
end
$$;
comment on function operator.organization_set(bigint, text, bigint, bigint, bigint, bigint) is
  'Changes the plan, or numbers that differ from it; null leaves one as it is.';

create function operator.workspace_add(id bigint, organization bigint)
returns void
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  insert into ledger.workspace as w (workspace_id, organization_id) values (id, organization)
  on conflict (workspace_id) do update set organization_id = excluded.organization_id;
exception
  when foreign_key_violation then
    perform ledger.refuse('organization.unknown', jsonb_build_object('organization_id', organization), 'P0002');
  when check_violation then
    perform ledger.refuse('workspace.malformed');
end
$$;
comment on function operator.workspace_add(bigint, bigint) is
  'Enables delivery of the events of a workspace, under this organization; a second call moves it there.';

create function operator.workspace_list()
returns table (workspace_id bigint, organization_id bigint, organization text, name text, accounts bigint,
               subscriptions bigint)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select w.workspace_id, w.organization_id, o.name, t.name,
         (select count(*) from ledger.member m where m.workspace_id = w.workspace_id),
         (select count(*) from ledger.subscription s where s.workspace_id = w.workspace_id and s.deleted_at is null
          and s.pending_until is null)
  from ledger.workspace w
  join ledger.organization o on o.organization_id = w.organization_id
  left join toggl.workspace t on t.workspace_id = w.workspace_id
  order by w.workspace_id
$$;
comment on function operator.workspace_list() is 'Workspaces whose events are delivered to subscribers.';

create function ledger.zone_check(zone text)
returns void
language plpgsql stable set search_path = ledger, pg_temp
as $$
begin
  if not exists (select from pg_timezone_names z where z.name = zone) then
    perform ledger.refuse('zone.unknown', jsonb_build_object('zone', zone));
  end if;
end
$$;
comment on function ledger.zone_check(text) is '22023 when this is no name of a time zone.';

create function operator.account_add(called text, toggl_user bigint, email text, zone text, digest bytea)
returns bigint
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  added bigint;
begin
  perform ledger.label_check(called);
  perform ledger.zone_check(zone);
  insert into ledger.account (name, user_id, email, time_zone, token_digest)
  values (called, toggl_user, account_add.email, zone, digest)
  returning account_id into added;
  return added;
exception
  when check_violation then
    perform ledger.refuse('account.lengths');
end
$$;
comment on function operator.account_add(text, bigint, text, text, bytea) is
  'Makes an account for a Toggl user; digest is the SHA-256 of its token. Returns its number.';

create function operator.account_list()
returns table (account_id bigint, name text, user_id bigint, email text, time_zone text, enabled boolean,
               workspaces text, subscriptions bigint, seen_us bigint)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select a.account_id, a.name, a.user_id, a.email, a.time_zone, a.enabled,
         (select string_agg(m.workspace_id || case when m.is_admin then ' (admin)' else '' end, ', '
                            order by m.workspace_id)
          from ledger.member m where m.account_id = a.account_id),
         (select count(*) from ledger.subscription s where s.account_id = a.account_id and s.deleted_at is null
          and s.pending_until is null),
         ledger.us(a.seen_at)
  from ledger.account a
  order by a.account_id
$$;
comment on function operator.account_list() is 'Accounts with the workspaces that each may use; never a token.';

create function operator.account_set(id bigint, called text, mail text, zone text, enable boolean, digest bytea)
returns void
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  perform ledger.label_check(called);
  if zone is not null then
    perform ledger.zone_check(zone);
  end if;
  update ledger.account a
  set name = coalesce(called, a.name), email = nullif(coalesce(mail, a.email), ''),
      time_zone = coalesce(zone, a.time_zone),
      enabled = coalesce(enable, a.enabled), token_digest = coalesce(digest, a.token_digest),
      token_made_at = case when digest is null then a.token_made_at else now() end
  where a.account_id = id;
  if not found then
    perform ledger.refuse('account.unknown', jsonb_build_object('account_id', id), 'P0002');
  end if;
exception
  when check_violation then
    perform ledger.refuse('account.lengths');
end
$$;
comment on function operator.account_set(bigint, text, text, text, boolean, bytea) is
  'Changes an account; null changes nothing, an empty address removes it. A new digest makes the previous token '
  'invalid at once.';

create function operator.member_set(account bigint, workspace bigint, may_use boolean, admin boolean)
returns void
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  if not may_use then
    delete from ledger.member m where m.account_id = account and m.workspace_id = workspace;
    if not found then
      perform ledger.refuse('account.no_access', jsonb_build_object('account_id', account, 'workspace_id', workspace),
                            'P0002');
    end if;
    return;
  end if;
  if not exists (select from ledger.workspace w where w.workspace_id = workspace) then
    perform ledger.refuse('workspace.not_served', jsonb_build_object('workspace_id', workspace), 'P0002');
  end if;
  insert into ledger.member (account_id, workspace_id, is_admin) values (account, workspace, admin)
  on conflict (account_id, workspace_id) do update set is_admin = excluded.is_admin;
exception
  when foreign_key_violation then
    perform ledger.refuse('account.unknown', jsonb_build_object('account_id', account), 'P0002');
end
$$;
comment on function operator.member_set(bigint, bigint, boolean, boolean) is
  'Gives an account access to a workspace, as administrator or not, or takes it away.';

create function ledger.account_check(account bigint)
returns void
language plpgsql stable set search_path = ledger, pg_temp
as $$
begin
  if not exists (select from ledger.account a where a.account_id = account) then
    perform ledger.refuse('account.unknown', jsonb_build_object('account_id', account), 'P0002');
  end if;
end
$$;
comment on function ledger.account_check(bigint) is 'P0002 when there is no such account.';

create function operator.quota_list(account bigint)
returns table (organization_id bigint, used bigint, total bigint, resets_us bigint)
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  perform ledger.account_check(account);
  return query
    select q.organization_id, q.used::bigint,
           coalesce(o.hourly_requests, p.hourly_requests, ledger.user_requests(account))::bigint,
           ledger.us(q.started_at + interval '60 minutes')
    from ledger.quota q
    left join ledger.organization o on o.organization_id = q.organization_id
    left join ledger.plan p on p.plan = o.plan
    where q.account_id = account and q.started_at + interval '60 minutes' > ledger.clock()
    order by q.organization_id;
end
$$;
comment on function operator.quota_list(bigint) is
  'Windows of an account that are open now; organization 0: the user''s own.';

create function operator.quota_reset(account bigint)
returns bigint
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  gone bigint;
begin
  perform ledger.account_check(account);
  delete from ledger.quota q where q.account_id = account;
  get diagnostics gone = row_count;
  return gone;
end
$$;
comment on function operator.quota_reset(bigint) is 'Ends all quota windows of an account. Returns how many were open.';

create function operator.subscription_list(only_workspace bigint, with_deleted boolean)
returns table (subscription_id bigint, workspace_id bigint, account_id bigint, description text, url_callback text,
               filters text, enabled boolean, validated_us bigint, disabled_reason text, waiting bigint, dead bigint,
               created_us bigint, deleted_us bigint)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select s.subscription_id, s.workspace_id, s.account_id, s.description, s.url_callback,
         array_to_string(s.filters, ', '), s.enabled,
         ledger.us(s.validated_at), s.disabled_reason,
         (select count(*) from ledger.served v join ledger.delivery d on d.subscription_id = v.subscription_id
          where v.subscription_id = s.subscription_id and d.state in ('due', 'behind')),
         (select count(*) from ledger.delivery d where d.workspace_id = s.workspace_id
          and d.subscription_id = s.subscription_id and d.state = 'dead'),
         ledger.us(s.created_at), ledger.us(s.deleted_at)
  from ledger.subscription s
  where (only_workspace is null or s.workspace_id = only_workspace) and s.pending_until is null
    and (with_deleted or s.deleted_at is null)
  order by s.subscription_id
$$;
comment on function operator.subscription_list(bigint, boolean) is
  'Subscriptions of our own subscribers, with the numbers of waiting and dead deliveries.';

create function operator.subscription_set(id bigint, enable boolean, validate boolean, new_parallel bigint,
                                          new_rate text)
returns void
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  -- Slower than every quarter of an hour is not a sensible rate, and NaN is above 0.
  if new_rate::float8 not between 0.001 and 1000000 then
    raise numeric_value_out_of_range;
  end if;
  update ledger.subscription s
  set enabled = coalesce(enable, s.enabled),
      disabled_reason = case when enable then null when not enable then 'operator' else s.disabled_reason end,
      failing_since = case when enable then null else s.failing_since end,
      validated_at = case when validate then coalesce(s.validated_at, ledger.clock()) else s.validated_at end,
      parallel = coalesce(new_parallel, s.parallel), rate_per_second = coalesce(new_rate::real, s.rate_per_second)
  where s.subscription_id = id and s.deleted_at is null and s.pending_until is null;
  if not found then
    perform ledger.refuse('subscription.unknown', jsonb_build_object('subscription_id', id), 'P0002');
  end if;
exception
  when check_violation or numeric_value_out_of_range or invalid_text_representation then
    perform ledger.refuse('subscription.limits');
end
$$;
comment on function operator.subscription_set(bigint, boolean, boolean, bigint, text) is
  'Enables or disables a subscription, marks its address as validated, sets its limits; null changes nothing.';

create function operator.subscription_delete(id bigint)
returns void
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  home constant bigint := (select s.workspace_id from ledger.subscription s where s.subscription_id = id);
begin
  -- before the row, in the order of courier.settle()
  perform ledger.workspace_lock(home, false);
  update ledger.subscription s set deleted_at = ledger.clock(), enabled = false, updated_at = ledger.clock()
  where s.subscription_id = id and s.deleted_at is null;
  if not found then
    perform ledger.refuse('subscription.unknown', jsonb_build_object('subscription_id', id), 'P0002');
  end if;
  perform ledger.deliveries_drop(home, id, 1000, 'subscription_deleted');
end
$$;
comment on function operator.subscription_delete(bigint) is
  'Deletes a subscription; its open deliveries are dropped, beyond a thousand by the courier.';

create function operator.subscription_rotate(id bigint, sealed bytea, keep_us bigint)
returns void
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  if keep_us not between 0 and 31536000000000 then
    perform ledger.refuse('secret.kept_too_long');
  end if;
  update ledger.subscription s
  set secret_before_sealed = case when keep_us > 0 then s.secret_sealed end,
      secret_before_until = case when keep_us > 0 then ledger.clock() + keep_us * interval '1 microsecond' end,
      secret_sealed = sealed, updated_at = ledger.clock()
  where s.subscription_id = id and s.deleted_at is null and s.pending_until is null;
  if not found then
    perform ledger.refuse('subscription.unknown', jsonb_build_object('subscription_id', id), 'P0002');
  end if;
end
$$;
comment on function operator.subscription_rotate(bigint, bytea, bigint) is
  'Gives a subscription a new secret; for keep_us microseconds the previous secret signs too, in the header that '
  'takes two signatures.';

create function operator.tick_add(called text, digest bytea)
returns bigint
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  added bigint;
begin
  insert into ledger.tick (name, token_digest) values (called, digest) returning tick_id into added;
  return added;
exception
  when check_violation then
    perform ledger.refuse('name.length');
end
$$;
comment on function operator.tick_add(text, bytea) is
  'Makes an address for web-cron; digest is the SHA-256 of its token. Returns its number.';

create function operator.tick_list()
returns table (tick_id bigint, name text, created_us bigint, used_us bigint)
language sql stable security definer set search_path = ledger, pg_temp
as $$ select t.tick_id, t.name, ledger.us(t.created_at), ledger.us(t.used_at) from ledger.tick t order by t.tick_id $$;
comment on function operator.tick_list() is 'Addresses for web-cron, without the secret part.';

create function operator.tick_remove(id bigint)
returns void
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  delete from ledger.tick t where t.tick_id = id;
  if not found then
    perform ledger.refuse('tick.unknown', jsonb_build_object('tick_id', id), 'P0002');
  end if;
end
$$;
comment on function operator.tick_remove(bigint) is 'Removes an address for web-cron; P0002 when absent.';
