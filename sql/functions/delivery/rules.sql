-- Rules of passing on that more than one interface schema uses: the clock, leaky buckets, the
-- plans, which subscription an event is for, and what its maker may see.

create function ledger.clock()
returns timestamptz
language sql volatile set search_path = ledger, pg_temp
as 'select clock_timestamp() + (select s.clock_offset from ledger.state s)';
comment on function ledger.clock() is
  'The current time for quotas, buckets, leases and due times: the clock plus ledger.state.clock_offset, which only '
  'tests set.';

-- The next two functions have no search_path of their own: with one, the planner could not inline
-- them, and api.admit() would take 50 % longer. The names in them were resolved when they were
-- created.

create function ledger.bucket_level(was real, at timestamptz, per_minute bigint, clock timestamptz)
returns double precision
language sql immutable
return greatest(0, was - per_minute / 60.0::double precision * extract(epoch from greatest(clock - at, '0'))::double
                precision) + 1;
comment on function ledger.bucket_level(real, timestamptz, bigint, timestamptz) is
  'Level of a leaky bucket now, with one more request in it. It had this level at that time and loses per_minute.';

create function ledger.bucket_wait(level double precision, burst bigint, per_minute bigint)
returns bigint
language sql immutable
return greatest(1, ceil((level - burst) * 60.0::double precision / per_minute))::bigint;
comment on function ledger.bucket_wait(double precision, bigint, bigint) is
  'Seconds until a bucket of that size has room, by the level of ledger.bucket_level(): at least one.';

create function ledger.buckets_empty(at timestamptz, most bigint)
returns bigint
language plpgsql set search_path = ledger, pg_temp
as $$
#variable_conflict use_column
declare
  -- At any reasonable rate they are empty long before.
  until constant timestamptz := buckets_empty.at - interval '1 day';
  part bigint;
  gone bigint := 0;
begin
  delete from ledger.bucket b
  where (b.account_id, b.address) in (select o.account_id, o.address from ledger.bucket o where o.at < until
                                      limit most);
  get diagnostics gone = row_count;
  delete from ledger.throttle t
  where (t.kind, t.subject) in (select o.kind, o.subject from ledger.throttle o where o.at < until limit most - gone);
  get diagnostics part = row_count;
  return gone + part;
end
$$;
comment on function ledger.buckets_empty(timestamptz, bigint) is
  'Deletes at most so many leaky buckets (null: all) of the API and of logins that were not used for a day: an empty '
  'bucket needs no row. Returns how many.';

create function ledger.resets_in(began timestamptz, clock timestamptz)
returns bigint
language sql immutable set search_path = ledger, pg_temp
-- Another process may have started the window after this clock was read.
return least(coalesce(ceil(extract(epoch from began + interval '60 minutes' - clock))::bigint, 3600), 3600);
comment on function ledger.resets_in(timestamptz, timestamptz) is
  'Seconds until the end of a quota window that began then; the full length of a window that has not begun.';

create or replace view ledger.plan (plan, max_webhooks, max_filters, hourly_requests, user_requests) as values
  ('free', 1, 3, 30, 30),
  ('starter', 2, 6, 240, 30),
  ('premium', 3, 12, 600, 30),
  ('enterprise', 10, 50, 1000000, 1000000);
comment on view ledger.plan is
  'Limits of the plans: free, starter and premium as Toggl publishes them. For enterprise Toggl says only that limits '
  'are agreed with the customer: the numbers here are our choice, and an organization may have others.';

create or replace view ledger.workspace_limit as
  select w.workspace_id, w.organization_id,
         coalesce(o.max_webhooks, p.max_webhooks) as max_webhooks,
         coalesce(o.max_filters, p.max_filters) as max_filters,
         coalesce(o.hourly_requests, p.hourly_requests) as hourly_requests,
         coalesce(o.user_requests, p.user_requests) as user_requests
  from ledger.workspace w
  join ledger.organization o on o.organization_id = w.organization_id
  join ledger.plan p on p.plan = o.plan;
comment on view ledger.workspace_limit is
  'The limits of each workspace: those of its organization, or else of the plan.';

create function ledger.user_requests(account bigint)
returns integer
language sql stable set search_path = ledger, pg_temp
return coalesce((select max(l.user_requests) from ledger.member m join ledger.workspace_limit l
                 on l.workspace_id = m.workspace_id
                 where m.account_id = account),
                (select p.user_requests from ledger.plan p where p.plan = 'free'));
comment on function ledger.user_requests(bigint) is
  'Requests per hour of the account that belong to no workspace: the largest limit among the organizations of its '
  'workspaces, or the limit of plan free while it has none.';

-- (without a "set", so that the planner inlines it)
create function ledger.patterns(model text, action text)
returns text[]
language sql immutable
return array[model || '.' || action, model || '.*', '*.' || action, '*.*']
       || case when model = 'time_entry' and action in ('created', 'updated')
               then '{time_entry.started,time_entry.stopped}'::text[] else '{}' end;
comment on function ledger.patterns(text, text) is
  'The filters that an event of this kind may match. Whether a timer was started or stopped is decided when the '
  'delivery is made, so both actions are included.';

create function ledger.patterns_of(source text, model text, action text)
returns text[]
language sql immutable
return case when source in ('backfill', 'compare') then array[model || '.backfilled', '*.backfilled']
            else ledger.patterns(model, action) end;
comment on function ledger.patterns_of(text, text, text) is
  'The filters that an event may match, by its source. An event that was loaded or corrected (backfill, compare) has '
  'filters of its own. An event from Toggl''s list of events (log) is a late callback, and matches as any callback.';

create or replace view ledger.active_subscription as
  select s.workspace_id, s.subscription_id, s.filters, s.account_id, s.leased_until, s.paused_until
  from ledger.subscription s
  where s.enabled and s.validated_at is not null and s.deleted_at is null and s.pending_until is null;
comment on view ledger.active_subscription is
  'Subscriptions that get the events that are recorded now: enabled, validated and not deleted.';
comment on column ledger.active_subscription.workspace_id is 'Workspace whose events it gets.';
comment on column ledger.active_subscription.subscription_id is 'Number of the subscription.';
comment on column ledger.active_subscription.filters is 'Its filters as entity.action, sorted.';
comment on column ledger.active_subscription.account_id is 'Account that made it.';
comment on column ledger.active_subscription.leased_until is 'Until then a courier has the lease.';
comment on column ledger.active_subscription.paused_until is 'Nothing is sent before.';

create function ledger.outbox_add(
  workspace_ids bigint[], event_ids bigint[], created timestamptz[], models text[], actions text[])
returns boolean
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  insert into ledger.outbox (workspace_id, event_id, created_at, subscription_ids)
  select i.workspace_id, i.event_id, i.created_at, m.subscription_ids
  from unnest(workspace_ids, event_ids, created, models, actions) i (workspace_id, event_id, created_at, model, action)
  join (select k.workspace_id, k.model, k.action, array_agg(s.subscription_id) as subscription_ids
        from (select distinct u.workspace_id, u.model, u.action
              from unnest(workspace_ids, models, actions) u (workspace_id, model, action)) k
        join ledger.active_subscription s
          on s.workspace_id = k.workspace_id and s.filters && ledger.patterns(k.model, k.action)
        group by k.workspace_id, k.model, k.action) m
    on m.workspace_id = i.workspace_id and m.model = i.model and m.action = i.action
  on conflict do nothing;
  return found;
end
$$;
comment on function ledger.outbox_add(bigint[], bigint[], timestamptz[], text[], text[]) is
  'Adds a row to the outbox for each of these new events that matches a filter of an enabled and validated '
  'subscription. True: it added one.';

create function ledger.outbox_add_loaded(
  workspace_ids bigint[], event_ids bigint[], created timestamptz[], models text[], actions text[], sources text[])
returns void
language sql set search_path = ledger, pg_temp
as $$
  insert into ledger.outbox (workspace_id, event_id, created_at, subscription_ids)
  select i.workspace_id, i.event_id, i.created_at, array_agg(s.subscription_id)
  from unnest(workspace_ids, event_ids, created, models, actions, sources)
         i (workspace_id, event_id, created_at, model, action, source)
  join ledger.active_subscription s
    on s.workspace_id = i.workspace_id and s.filters && ledger.patterns_of(i.source, i.model, i.action)
  group by i.workspace_id, i.event_id, i.created_at
  on conflict do nothing
$$;
comment on function ledger.outbox_add_loaded(bigint[], bigint[], timestamptz[], text[], text[], text[]) is
  'As ledger.outbox_add(), for new events that were loaded from Toggl.';

-- ---- what a subscription may be

create or replace view ledger.filter_entity (entity, actions) as
  select m.model, array['created', 'updated', 'deleted', 'backfilled']
         || case when m.model = 'time_entry' then array['started', 'stopped'] else '{}' end
  from unnest('{client,project,project_group,project_user,tag,task,time_entry,workspace,workspace_user}'::text[])
    m (model);
comment on view ledger.filter_entity is
  'Entities and actions that a filter may name: Toggl''s, and three actions of hookledger (the entity was loaded or '
  'corrected from Toggl''s REST API; a timer was started, stopped).';

create function ledger.member_text(body jsonb, key text)
returns text
language sql immutable set search_path = ledger, pg_temp
return case jsonb_typeof(body -> key) when 'string' then body ->> key end;
comment on function ledger.member_text(jsonb, text) is 'The value of a JSON member if it is a string, else null.';

create function ledger.member_flag(body jsonb, key text)
returns boolean
language sql immutable set search_path = ledger, pg_temp
return case jsonb_typeof(body -> key) when 'boolean' then (body -> key)::boolean end;
comment on function ledger.member_flag(jsonb, text) is 'The value of a JSON member if it is true or false, else null.';

create function ledger.filters_problem(filters jsonb, most integer)
returns text
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  one jsonb;
  entity_of text;
  action text;
  seen text[] := '{}';
begin
  if filters is null or jsonb_typeof(filters) <> 'array' or filters = '[]' then
    return ledger.api_text('filters_empty');
  end if;
  if jsonb_array_length(filters) > most then
    return ledger.api_text('filters_many', most::text, jsonb_array_length(filters)::text);
  end if;
  for one in select f from jsonb_array_elements(filters) f loop
    entity_of := coalesce(ledger.member_text(one, 'entity'), '');
    action := coalesce(ledger.member_text(one, 'action'), '');
    if entity_of = '' then
      return ledger.api_text('entity_empty');
    elsif entity_of <> '*' and entity_of !~ '^\w+$' then
      return ledger.api_text('entity_odd', left(entity_of, 200));
    elsif action = '' then
      return ledger.api_text('action_empty');
    elsif action <> '*' and action !~ '^\w+$' then
      return ledger.api_text('action_odd', left(action, 200));
    elsif action <> '*' and not exists (
        select from ledger.filter_entity f
        where action = any (f.actions) and (entity_of = '*' or f.entity = entity_of or
              not exists (select from ledger.filter_entity k where k.entity = entity_of))) then
      return ledger.api_text('action_unknown', left(action, 200));
    elsif entity_of || '.' || action = any (seen) then
      return ledger.api_text('filter_twice', entity_of || '.' || action);
    end if;
    seen := seen || (entity_of || '.' || action);
  end loop;
  return null;
end
$$;
comment on function ledger.filters_problem(jsonb, integer) is
  'The problem of a list of filters, in the words of Toggl''s API; null: none.';

create function ledger.enabled_problem(account bigint, workspace bigint, subscription bigint)
returns text
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  most integer := (select l.max_webhooks from ledger.workspace_limit l where l.workspace_id = workspace);
begin
  -- Without the lock two sessions could both take the last free subscription.
  perform pg_advisory_xact_lock(hashtextextended('subscriptions of ' || account || ' in ' || workspace, 0));
  if (select count(*) from ledger.subscription s
      where s.account_id = account and s.workspace_id = workspace and s.enabled and s.deleted_at is null
        and (s.pending_until is null or s.pending_until > ledger.clock())
        and s.subscription_id is distinct from subscription) >= most then
    return ledger.api_text('webhooks_many',
                           (select a.user_id from ledger.account a where a.account_id = account)::text, most::text,
                           workspace::text);
  end if;
  return null;
end
$$;
comment on function ledger.enabled_problem(bigint, bigint, bigint) is
  'Why the account may not have one more enabled subscription in the workspace; null: it may. Other sessions that '
  'check this wait until the end of the transaction.';

create function ledger.rfc3339(moment timestamptz, zone text)
returns text
-- plpgsql, because it evaluates simple expressions fast: a list has thousands of times
language plpgsql stable set search_path = ledger, pg_temp
as $$
declare
  seconds integer;
begin
  if moment is null or not isfinite(moment) or zone is null then
    return null;
  end if;
  seconds := extract(epoch from (moment at time zone zone) - (moment at time zone 'UTC'));
  -- local mean time has offsets that RFC 3339 cannot express
  if seconds % 60 <> 0 then
    seconds := 0;
  end if;
  return to_char((moment at time zone 'UTC') + seconds * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS.US')
         || case when seconds = 0 then 'Z'
                 else case when seconds < 0 then '-' else '+' end
                   || to_char(abs(seconds) * interval '1 second', 'HH24:MI') end;
end
$$;
comment on function ledger.rfc3339(timestamptz, text) is
  'The time in this zone with its offset, in the form of RFC 3339; in UTC when RFC 3339 cannot express the offset; '
  'null for null and infinity.';
