-- Planner: chooses the filters of subscriptions within the limits of a Toggl plan, and compares the
-- subscriptions at Toggl with the wanted ones. Called by toggl_step(), the lists of the command
-- line and the admin page.

create or replace view ledger.toggl_worth (place, entity) as values
  (1, 'time_entry'), (2, 'project'), (3, 'client'), (4, 'task'), (5, 'tag'),
  (6, 'workspace_user'), (7, 'project_user'), (8, 'workspace'), (9, 'project_group');
comment on view ledger.toggl_worth is
  'Entities by their value for the typed tables: the planner subscribes to the first ones first.';
comment on column ledger.toggl_worth.place is 'Order.';
comment on column ledger.toggl_worth.entity is 'Entity, as filters name it.';

create function ledger.toggl_plan(most bigint, covered text[])
returns table (fallback bigint, filters text[], left_out text[])
language sql stable set search_path = ledger, pg_temp
as $$
  with single as (
    select w.entity || '.' || a.action as filter, w.entity, a.action,
           -- All actions of time entries; then created and updated of the others, then deleted.
           case when w.place = 1 then a.n when a.n < 3 then 10 + w.place * 2 + a.n else 100 + w.place end as worth
    from ledger.toggl_worth w,
         (values (1, 'created'), (2, 'updated'), (3, 'deleted')) a (n, action)
    where not (array[w.entity || '.' || a.action, w.entity || '.*', '*.' || a.action, '*.*'] &&
               coalesce(covered, '{}'))),
  whole as (
    select s.entity || '.*' as filter, s.entity, min(s.worth) as worth from single s group by s.entity
      having count(*) = 3),
  ranked as (
    -- The remaining actions of an entity that is covered in part come after whole entities.
    select 2 as fallback, w.filter, row_number() over (order by w.is_part, w.worth) as place
    from (select o.filter, o.worth, false as is_part from whole o
          union all
          select s.filter, s.worth, true from single s
            where not exists (select from whole o where o.entity = s.entity)) w
    where exists (select from whole)
    union all
    select 3, s.filter, row_number() over (order by s.worth) from single s),
  proposed as (
    select 1 as fallback, array['*.*'] as filters
    where coalesce(covered, '{}') = '{}' and most > 0
    union all
    select r.fallback, array_agg(r.filter order by r.place) from ranked r where r.place <= most group by r.fallback)
  select p.fallback::bigint, p.filters,
         array(select f.one
               from (select case when count(*) = 3 then array[s.entity || '.*']
                                 else array_agg(s.filter order by s.worth) end as filters, min(s.worth) as worth
                     from single s
                     where not (array[s.filter, s.entity || '.*', '*.*'] && p.filters)
                     group by s.entity) o, unnest(o.filters) with ordinality f (one, n)
               order by o.worth, f.n)
  from proposed p
  order by p.fallback
$$;
comment on function ledger.toggl_plan(bigint, text[]) is
  'Filters for a subscription that may have `most` of them, besides subscriptions that cover some already: the best '
  'proposal first, then smaller ones, in case Toggl counts a wildcard as more than one filter (this is not '
  'documented). left_out: filters that no subscription will have.';

create function ledger.toggl_covered(workspace bigint, but bigint default null)
returns text[]
language sql stable set search_path = ledger, pg_temp
as $$
  select array_agg(distinct f) from ledger.toggl_subscription s, unnest(s.filters) f
  where s.workspace_id = workspace and s.endpoint_id is not null and s.enabled and s.gone_at is null
    and s.subscription_id is distinct from but
$$;
comment on function ledger.toggl_covered(bigint, bigint) is
  'Filters of our enabled subscriptions of a workspace, except one of them; null: none.';

create function ledger.toggl_filters_write(filters text[])
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select jsonb_agg(ledger.coded('toggl.filter', jsonb_build_object('entity', g.entity, 'actions', g.actions))
                   order by g.place)
  from (select split_part(f.one, '.', 1) as entity, min(f.n) as place,
               nullif(jsonb_agg(split_part(f.one, '.', 2) order by f.n), '["*"]') as actions
        from unnest(filters) with ordinality f (one, n) group by 1) g
$$;
comment on function ledger.toggl_filters_write(text[]) is
  'Filters in a form for people, one for each entity: time entries: created, updated; projects: all changes. actions '
  'is missing for all changes. Null: there are none.';

create function ledger.toggl_filters(list jsonb)
returns text[]
language sql immutable set search_path = ledger, pg_temp
as $$
  select coalesce(array_agg(distinct f.filter order by f.filter), '{}')
  from (select (e ->> 'entity') || '.' || (e ->> 'action') as filter
        from jsonb_array_elements(case jsonb_typeof(list) when 'array' then list else '[]' end) e
        where jsonb_typeof(e) = 'object') f
  where f.filter is not null
$$;
comment on function ledger.toggl_filters(jsonb) is 'event_filters of a subscription as entity.action, sorted.';

create function ledger.toggl_event_filters(filters text[])
returns jsonb
language sql immutable set search_path = ledger, pg_temp
as $$
  select jsonb_agg(jsonb_build_object('entity', split_part(f.filter, '.', 1), 'action', split_part(f.filter, '.', 2))
                   order by f.place)
  from unnest(filters) with ordinality f (filter, place)
$$;
comment on function ledger.toggl_event_filters(text[]) is
  'The inverse of ledger.toggl_filters(): entity.action as event_filters.';

create function ledger.toggl_filters_read(list text)
returns text[]
language plpgsql immutable set search_path = ledger, pg_temp
as $$
declare
  made text[];
begin
  select array_agg(replace(btrim(f.one), ':', '.') order by f.place) into made
  from regexp_split_to_table(list, '[,[:space:]]+') with ordinality f (one, place) where f.one <> '';
  if made is null or exists (select from unnest(made) f where f !~ '^(\w+|\*)\.(\w+|\*)$') then
    perform ledger.refuse('toggl.filters_malformed');
  end if;
  return made;
end
$$;
comment on function ledger.toggl_filters_read(text) is
  'Reads filters as people write them: time_entry:*,project:created. 22023 when they are none.';

create function ledger.toggl_hint(problem text, url text)
returns jsonb
language plpgsql immutable set search_path = ledger, pg_temp
as $$
declare
  status text := substring(problem from 'responded with status (\d{3})');
  host jsonb := jsonb_build_object('host', substring(url from '^[a-z]+://([^/]+)'));
begin
  return case
    when status = '404' then ledger.coded('toggl.hint_path')
    when status in ('301', '302', '303', '307', '308') then ledger.coded('toggl.hint_redirect')
    when status = '401' then ledger.coded('toggl.hint_signature')
    when status in ('403', '405', '406', '411', '413', '415') then ledger.coded('toggl.hint_refused')
    when status like '5__' then ledger.coded('toggl.hint_receiver')
    when status like '2__' then ledger.coded('toggl.hint_other')
    -- the last one is the text of another hookledger
    when problem ~* 'resolve|no such host|dns|name or service|no public address' then
      ledger.coded('toggl.hint_dns', host)
    when problem ~* 'x509|certificate|tls|ssl' then ledger.coded('toggl.hint_tls', host)
    when problem ~* 'refused|failed to connect|no route|unreachable|not public|not globally|private' then
      ledger.coded('toggl.hint_unreachable', host)
    when problem ~* 'deadline|time.?out|timed out' then ledger.coded('toggl.hint_slow', host)
    when problem ~* 'request failed' then ledger.coded('toggl.hint_request', jsonb_build_object('url', url))
    else ledger.coded('toggl.hint_log') end;
end
$$;
comment on function ledger.toggl_hint(text, text) is
  'What to check when Toggl could not use a callback address, by the problem that it reports.';

-- ---- how Toggl's side differs

create function ledger.toggl_state(s ledger.toggl_subscription)
returns table (state text, message jsonb, repair text)
language sql stable set search_path = ledger, pg_temp
as $$
  select d.state,
    case d.state
      when 'well' then ledger.coded('toggl.state_well')
      when 'off' then ledger.coded('toggl.state_off')
      when 'missing' then ledger.coded('toggl.state_missing')
      when 'unknown' then ledger.coded('toggl.state_unknown')
      when 'url' then ledger.coded('toggl.state_url', jsonb_build_object('url', ledger.url_shown(s.url)))
      when 'endpoint' then ledger.coded('toggl.state_endpoint', jsonb_build_object('endpoint_id', s.endpoint_id))
      when 'disabled' then ledger.coded('toggl.state_disabled')
      when 'unvalidated' then ledger.coded('toggl.state_unvalidated')
      when 'filters' then ledger.coded('toggl.state_filters') end,
    case d.state
      when 'well' then null when 'off' then null
      when 'unknown' then 'adopt'
      when 'endpoint' then 'endpoint enable ' || s.endpoint_id
      when 'unvalidated' then 'validate'
      else 'repair' end
  from (select case
      when s.endpoint_id is null then 'unknown'
      when s.gone_at is not null then 'missing'
      when s.url is distinct from s.wanted_url then 'url'
      when not exists (select from ledger.endpoint e where e.endpoint_id = s.endpoint_id and e.enabled)
        and s.wanted_enabled then 'endpoint'
      when s.enabled is not true and s.wanted_enabled then 'disabled'
      when s.enabled is not true then 'off'
      when s.validated_at is null then 'unvalidated'
      when s.filters <> s.wanted_filters then 'filters'
      else 'well' end as state) d
$$;
comment on function ledger.toggl_state(ledger.toggl_subscription) is
  'How a subscription at Toggl differs from the wanted one, in a form for people, and the command that repairs it '
  '(null: nothing to repair).';

create function ledger.toggl_learn(workspace bigint, parsed jsonb)
returns bigint
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  learnt bigint := ledger.toggl_number(parsed -> 'subscription_id');
  sends_to text := parsed ->> 'url_callback';
begin
  if learnt is null or learnt <= 0 or coalesce(ledger.toggl_number(parsed -> 'workspace_id'), workspace) <> workspace
     or jsonb_typeof(parsed -> 'deleted_at') = 'string' then
    return null;
  end if;
  insert into ledger.toggl_subscription as s (workspace_id, subscription_id, user_id, description, url, filters,
                                              enabled, validated_at, seen_at, endpoint_id)
  values (workspace, learnt, ledger.toggl_number(parsed -> 'user_id'), left(parsed ->> 'description', 1000),
          left(sends_to, 4096),
          ledger.toggl_filters(parsed -> 'event_filters'), parsed -> 'enabled' = 'true',
          case when jsonb_typeof(parsed -> 'validated_at') = 'string'
               and ledger.is_good('time', parsed -> 'validated_at')
               then (parsed ->> 'validated_at')::timestamptz end,
          ledger.clock(),
          -- It is ours when a creation was interrupted before its number arrived.
          (select e.endpoint_id from ledger.endpoint e
           where e.address = substring(sends_to from '/hook/([A-Za-z0-9_-]+)$')))
  on conflict (workspace_id, subscription_id) do update
    set user_id = excluded.user_id, description = excluded.description, url = excluded.url, filters = excluded.filters,
        enabled = excluded.enabled, validated_at = excluded.validated_at, seen_at = excluded.seen_at, gone_at = null,
        deleted_at = null, endpoint_id = coalesce(s.endpoint_id, excluded.endpoint_id);
  update ledger.toggl_subscription s
  set wanted_url = coalesce(s.wanted_url, s.url), wanted_filters = coalesce(s.wanted_filters, s.filters),
      wanted_enabled = coalesce(s.wanted_enabled, true)
  where s.workspace_id = workspace and s.subscription_id = learnt and s.endpoint_id is not null
    and s.wanted_url is null;
  if found then
    -- The creation was given up without an answer, but Toggl made it: its events are wanted.
    update ledger.endpoint e set enabled = true
    where not e.enabled and e.address = substring(sends_to from '/hook/([A-Za-z0-9_-]+)$') and exists (
      select from ledger.toggl_job j
      where j.kind = 'subscribe' and j.failed and j.state ? 'doubt'
        and (j.given -> 'endpoint')::bigint = e.endpoint_id);
  end if;
  return learnt;
end
$$;
comment on function ledger.toggl_learn(bigint, jsonb) is
  'Stores a subscription from Toggl''s answer. Returns its number; null: it is no subscription of this workspace.';

create function ledger.toggl_learn_all(workspace bigint, parsed jsonb)
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  there bigint[];
begin
  select coalesce(array_agg(ledger.toggl_learn(workspace, t.one)), '{}') into there
  from jsonb_array_elements(case jsonb_typeof(parsed) when 'array' then parsed else '[]' end) t (one);
  update ledger.toggl_subscription s set gone_at = coalesce(s.gone_at, ledger.clock())
  where s.workspace_id = workspace and s.deleted_at is null and s.subscription_id <> all (array_remove(there, null));
  delete from ledger.toggl_subscription s
  where s.workspace_id = workspace and s.gone_at is not null and s.endpoint_id is null;
  update ledger.toggl_workspace w set listed_at = ledger.clock() where w.workspace_id = workspace;
end
$$;
comment on function ledger.toggl_learn_all(bigint, jsonb) is
  'Stores Toggl''s list of a workspace: subscriptions missing in it are marked as gone.';
