-- Rules of passing on that more than one door uses: the clock, the plans, which
-- subscription an event is for, and what its maker may see.

create function ledger.clock()
returns timestamptz
language sql volatile set search_path = ledger, pg_temp
as 'select clock_timestamp() + (select s.clock_offset from ledger.state s)';
comment on function ledger.clock() is
  'Now, for quotas, buckets, leases and due times: the clock, moved by ledger.state.clock_offset, which only tests set.';

create or replace view ledger.plan (plan, max_webhooks, max_filters, hourly_requests) as values
  ('free', 1, 3, 30),
  ('starter', 2, 6, 240),
  ('premium', 3, 12, 600),
  ('enterprise', 10, 50, 6000);
comment on view ledger.plan is
  'What the plans allow, as Toggl publishes it; of enterprise only that it is more: an organization may have its own numbers.';

create or replace view ledger.workspace_limit as
  select w.workspace_id, w.organization_id,
         coalesce(o.max_webhooks, p.max_webhooks) as max_webhooks,
         coalesce(o.max_filters, p.max_filters) as max_filters,
         coalesce(o.hourly_requests, p.hourly_requests) as hourly_requests
  from ledger.workspace w
  join ledger.organization o on o.organization_id = w.organization_id
  join ledger.plan p on p.plan = o.plan;
comment on view ledger.workspace_limit is 'The limits of each workspace: those of its organization, or else of the plan.';

create function ledger.patterns(model text, action text)
returns text[]
language sql immutable set search_path = ledger, pg_temp
return array[model || '.' || action, model || '.*', '*.' || action, '*.*']
       || case when model = 'time_entry' and action in ('created', 'updated')
               then '{time_entry.started,time_entry.stopped}'::text[] else '{}' end;
comment on function ledger.patterns(text, text) is
  'The filters that an event of this kind may match. Whether a timer was started or stopped shows when the delivery is made: both are among them.';

create function ledger.outbox_add(
  workspace_ids bigint[], event_ids bigint[], created timestamptz[], models text[], actions text[])
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  if not exists (select from ledger.subscription s
                 where s.workspace_id = any (workspace_ids)
                   and s.enabled and s.validated_at is not null and s.deleted_at is null) then
    return;
  end if;
  insert into ledger.outbox (workspace_id, event_id, created_at, subscription_ids)
  select i.workspace_id, i.event_id, i.created_at, m.subscription_ids
  from unnest(workspace_ids, event_ids, created, models, actions) i (workspace_id, event_id, created_at, model, action)
  join (select k.workspace_id, k.model, k.action, array_agg(s.subscription_id) as subscription_ids
        from (select distinct u.workspace_id, u.model, u.action
              from unnest(workspace_ids, models, actions) u (workspace_id, model, action)) k
        join ledger.subscription s
          on s.workspace_id = k.workspace_id and s.enabled and s.validated_at is not null and s.deleted_at is null
         and s.filters && ledger.patterns(k.model, k.action)
        group by k.workspace_id, k.model, k.action) m
    on m.workspace_id = i.workspace_id and m.model = i.model and m.action = i.action
  on conflict do nothing;
end
$$;
comment on function ledger.outbox_add(bigint[], bigint[], timestamptz[], text[], text[]) is
  'Leaves one row for each of these new events that an enabled and validated subscription has a filter for.';
