-- The job compare: do the time entries of a range of days agree with Toggl? It searches the entries that
-- Toggl changed last, asks for the seconds by user and day, and reads only the days that differ. What is
-- missing is recorded, what differs is corrected; what is gone is confirmed first. toggl_step() calls
-- toggl_step_compare() for each answer. Which entry wins does not belong here: see entries.sql.

-- ---- the job

create function ledger.compare_range(given jsonb, out first date, out last date)
language plpgsql stable set search_path = ledger, pg_temp set timezone = 'UTC'
as $$
declare
  today constant date := ledger.clock()::date;
begin
  begin
    if coalesce(given ->> 'from', '2000-01-01') !~ '^\d{4}-\d\d-\d\d$'
       or coalesce(given ->> 'until', '2000-01-01') !~ '^\d{4}-\d\d-\d\d$' then
      raise datetime_field_overflow;
    end if;
    last := coalesce((given ->> 'until')::date, today);
    first := coalesce((given ->> 'from')::date, last - 6);
  exception when datetime_field_overflow or invalid_datetime_format then
    perform ledger.refuse('day.malformed');
  end;
  -- (a zone may be a day ahead)
  if greatest(first, last) > today + 1 then
    perform ledger.refuse('compare.future', jsonb_build_object('day', greatest(first, last)));
  end if;
  if first > last then
    perform ledger.refuse('compare.order', jsonb_build_object('from', first, 'last', last));
  end if;
  if last - first > 366 then
    perform ledger.refuse('compare.long');
  end if;
  first := greatest(first, (select s.horizon::date from ledger.state s where isfinite(s.horizon)));
  last := greatest(first, last);
end
$$;
comment on function ledger.compare_range(jsonb) is
  'The days that a job compares, by its arguments from and until; without them the last seven. Not before the horizon '
  'of retention. 22023: no such range.';

create function ledger.compare_steps(connection bigint, home bigint, given jsonb)
returns jsonb
language plpgsql set search_path = ledger, pg_temp set timezone = 'UTC'
as $$
declare
  days record;
  steps jsonb;
begin
  select r.* into days from ledger.compare_range(given) r;
  if not exists (select from ledger.toggl_workspace w
                 where w.connection_id = connection and (home is null or w.workspace_id = home) and w.is_admin) then
    perform ledger.refuse('compare.no_administrator', jsonb_strip_nulls(jsonb_build_object('workspace_id', home)));
  end if;
  -- Only an administrator sees the entries of all users.
  perform ledger.compare_store(w.workspace_id, days.first, days.last, 'none', '[]')
  from ledger.toggl_workspace w
  where w.connection_id = connection and (home is null or w.workspace_id = home) and w.is_admin is not true;
  select jsonb_agg(s.one order by w.workspace_id, s.place, s.one ->> 'from') into steps
  from ledger.toggl_workspace w
  cross join lateral (
    select 1 as place, jsonb_build_object('do', 'entries', 'ws', w.workspace_id, 'then', 'recent', 'from',
             days.first - 1, 'until', days.last + 1, 'size',
             coalesce(ledger.toggl_probed(w.workspace_id, 'page_size'), '1000'),
             'only', '{"order_by": "last_update", "order_dir": "DESC"}'::jsonb) as one
    union all
    select 2, jsonb_build_object('do', 'weekly', 'ws', w.workspace_id, 'from', g::date, 'until',
                                 least(g::date + 6, days.last), 'round', 0)
    from generate_series(days.first::timestamp, days.last::timestamp, '7 days') g
    where ledger.toggl_probed(w.workspace_id, 'weekly') is distinct from 'false'
    union all
    select 2, ledger.compare_by_totals(w.workspace_id, days.first, days.last, 0)
    where ledger.toggl_probed(w.workspace_id, 'weekly') = 'false') s
  where w.connection_id = connection and (home is null or w.workspace_id = home) and w.is_admin;
  return steps;
end
$$;
comment on function ledger.compare_steps(bigint, bigint, jsonb) is
  'The first steps of a job compare of these workspaces. Of a workspace whose user is no administrator nothing can be '
  'known; that is stored at once.';

create function ledger.compare_by_totals(home bigint, first date, last date, round integer)
returns jsonb
language sql immutable set search_path = ledger, pg_temp
return jsonb_build_object('do', 'totals', 'ws', home, 'from', first, 'until', last, 'round', round);
comment on function ledger.compare_by_totals(bigint, date, date, integer) is
  'The step that asks for the seconds of each day, without users.';

-- ---- the sums

create function ledger.weekly_sums(parsed jsonb, first date)
returns jsonb
language sql immutable set search_path = ledger, pg_temp
as $$
  select coalesce(jsonb_agg(jsonb_build_object('user', s.user_id, 'day', s.day, 'seconds', s.seconds)), '[]')
  from (select ledger.toggl_number(g -> 'user_id') as user_id, first + (n.place - 1)::integer as day,
               sum(coalesce(ledger.toggl_number(n.one), 0))::bigint as seconds
        from jsonb_array_elements(parsed) g
        cross join lateral jsonb_array_elements(
          case jsonb_typeof(g -> 'seconds') when 'array' then g -> 'seconds' else '[]' end)
          with ordinality n (one, place)
        where jsonb_typeof(g) = 'object'
        group by 1, 2) s
  where s.user_id > 0
$$;
comment on function ledger.weekly_sums(jsonb, date) is
  'Seconds by user and day of an answer of the weekly report that begins with this day: a list of objects.';

create function ledger.compare_sums(home bigint, first date, last date, mode text, there jsonb)
returns table (day date, user_id bigint, seconds_here bigint, seconds_toggl bigint, is_known boolean)
language sql stable set search_path = ledger, pg_temp set jit = off
as $$
  with here as materialized (select s.* from ledger.seconds_by_day(home, first, last) s),
  zone as materialized (select z.user_id from ledger.user_zones(home) z),
  told as (
    select (t ->> 'day')::date as day, (t -> 'user')::bigint as user_id, (t -> 'seconds')::bigint as seconds
    from jsonb_array_elements(there) t
    where (t ->> 'day')::date between first and last),
  person as (
    select coalesce(h.day, t.day) as day, coalesce(h.user_id, t.user_id, -1) as user_id,
           coalesce(h.seconds, 0) as here,
           case when mode = 'weekly' then coalesce(t.seconds, 0) end as there,
           z.user_id is not null as has_zone
    from here h
    full join (select o.* from told o where o.user_id is not null and o.seconds > 0) t
      on t.day = h.day and t.user_id = h.user_id
    left join zone z on z.user_id = coalesce(h.user_id, t.user_id)),
  whole as (
    select d.day, coalesce(sum(p.here), 0)::bigint as here,
           case mode when 'weekly' then coalesce(sum(p.there), 0)::bigint
             when 'totals' then (select t.seconds from told t where t.day = d.day and t.user_id is null) end as there,
           coalesce(bool_and(p.has_zone), true) as has_zone,
           coalesce(bool_or(p.has_zone and p.here <> p.there), false) as differs
    from (select g::date as day from generate_series(first::timestamp, last::timestamp, '1 day') g) d
    left join person p on p.day = d.day
    group by d.day)
  select p.day, p.user_id, p.here, p.there, p.has_zone from person p where p.user_id > 0
  union all
  -- Someone who differs is known, whatever is unknown of others.
  select w.day, 0, w.here, w.there, w.has_zone or w.differs and w.here <> w.there from whole w
$$;
comment on function ledger.compare_sums(bigint, date, date, text, jsonb) is
  'Seconds here and at Toggl by day and user (0: all). mode: weekly (there has users), totals (it has only days) or '
  'none (Toggl told nothing). is_known false: the time zone of a user is unknown.';

create function ledger.compare_store(home bigint, first date, last date, mode text, there jsonb,
                                     filled date[] default '{}')
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  found record;
begin
  select array_agg(s.day) as days, array_agg(s.user_id) as users, array_agg(s.seconds_here) as here,
         array_agg(s.seconds_toggl) as there, array_agg(s.is_known) as known
  into found
  from ledger.compare_sums(home, first, last, mode, there) s;
  delete from ledger.completeness c
  where c.workspace_id = home and c.day between first and last
    and not (c.day, c.user_id) in (select * from unnest(found.days, found.users));
  perform ledger.completeness_set(home, found.days, found.users, found.here, found.there, found.known);
  -- An entry of the wrong user leaves the sum of the day as it is.
  update ledger.completeness c set state = 'differs'
  where c.workspace_id = home and c.day between first and last and c.user_id = 0 and c.state in ('equal', 'filled')
    and exists (select from ledger.completeness p
                where p.workspace_id = home and p.day = c.day and p.user_id > 0 and p.state = 'differs');
  update ledger.completeness c set state = 'filled'
  where c.workspace_id = home and c.day = any (filled) and c.user_id = 0 and c.state = 'equal';
end
$$;
comment on function ledger.compare_store(bigint, date, date, text, jsonb, date[]) is
  'Stores the result of a comparison of a range. filled: days that differed when it began.';

create function ledger.compare_evaluate(step jsonb, mode text, there jsonb, inout state jsonb, out more jsonb)
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  home constant bigint := step -> 'ws';
  first constant date := step ->> 'from';
  last constant date := step ->> 'until';
  round constant integer := coalesce((step -> 'round')::integer, 0);
  key constant text[] := array['compare', home::text];
  held jsonb := state #> key;
  differing record;
begin
  more := '[]';
  -- (a person who differs, or a day whose sum differs where persons are not told)
  select array_agg(distinct s.day order by s.day) as days,
         array_agg(distinct s.user_id) filter (where s.user_id > 0) as users
  into differing
  from ledger.compare_sums(home, first, last, mode, there) s
  where s.is_known and s.seconds_here <> s.seconds_toggl;
  if differing.days is not null and round < 2 then
    held := held || jsonb_build_object('filled', coalesce(held -> 'filled', '[]') || to_jsonb(differing.days));
    -- Days at most two apart are read together.
    with island as (
      select d.day, count(*) filter (where d.is_first) over (order by d.day) as nth
      from (select u.day, coalesce(u.day - lag(u.day) over (order by u.day) > 2, true) as is_first
            from unnest(differing.days) u (day)) d)
    select jsonb_agg(jsonb_build_object('do', 'entries', 'ws', home, 'then', 'day', 'first', i.first, 'last', i.last,
             'from', i.first - 1, 'until', i.last + 1,
             'size', coalesce(ledger.toggl_probed(home, 'page_size'), '1000'),
             -- The second time all users: an entry may have moved to another one.
             'only', case when round = 0 and cardinality(differing.users) <= 50
                          then jsonb_build_object('user_ids', differing.users) else '{}' end) order by i.first)
    into more
    from (select min(o.day) as first, max(o.day) as last from island o group by o.nth) i;
    more := more || jsonb_build_array(step || jsonb_build_object('round', round + 1));
  else
    perform ledger.compare_store(home, first, last, mode, there, array(
      select distinct d::date from jsonb_array_elements_text(coalesce(held -> 'filled', '[]')) d));
  end if;
  state := jsonb_set(state, key, held);
end
$$;
comment on function ledger.compare_evaluate(jsonb, text, jsonb, jsonb) is
  'Compares sums by day. more: the steps that read the days that differ, and ask for the sums again; at most twice. '
  'Else the result is stored.';

-- ---- entries

create function ledger.compare_touched(job bigint, home bigint)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select coalesce(jsonb_agg(distinct (s.at at time zone coalesce(z.zone, 'UTC'))::date), '[]')
  from ledger.toggl_arrival a
  left join toggl.time_entry t on t.workspace_id = a.workspace_id and t.time_entry_id = a.entity_id
  cross join lateral (values (ledger.toggl_time(a.body::jsonb #> '{payload,start}'),
                              ledger.toggl_number(a.body::jsonb #> '{payload,user_id}')),
                             (t.start_at, t.user_id)) s (at, user_id)
  left join ledger.user_zones(home) z on z.user_id = s.user_id
  where a.job_id = job and a.model = 'time_entry' and s.at is not null
$$;
comment on function ledger.compare_touched(bigint, bigint) is
  'The days on which entries change that a job has stored and not recorded yet.';

create function ledger.compare_page(job ledger.toggl_job, step jsonb, headers jsonb, entries jsonb, inout state jsonb,
                                    out more jsonb, out bad jsonb)
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  home constant bigint := step -> 'ws';
  key constant text[] := array['compare', home::text];
  held jsonb := state #> key;
  ids constant jsonb := (select coalesce(jsonb_agg(e -> 'id'), '[]') from jsonb_array_elements(entries) e);
  cursor constant jsonb := jsonb_strip_nulls(jsonb_build_object(
    'first_id', ledger.toggl_number(headers -> 'X-Next-ID'),
    'first_row_number', ledger.toggl_number(headers -> 'X-Next-Row-Number'),
    'first_timestamp', ledger.toggl_number(headers -> 'X-Next-Timestamp')));
  stored integer;
  absent bigint[];
begin
  more := '[]';
  stored := ledger.toggl_arrive_entries(job, home, entries, 'compare', ledger.clock());
  held := held || jsonb_build_object('recorded', coalesce((held -> 'recorded')::bigint, 0) + stored, 'filled',
                                     coalesce(held -> 'filled', '[]') || ledger.compare_touched(job.job_id, home));
  if not held ? 'control' and ids <> '[]' then
    held := held || jsonb_build_object('control', ids -> 0);
  end if;
  if step ->> 'then' = 'recent' then
    -- A page without anything new: what was changed before it is known too.
    if stored > 0 and (select count(*) from jsonb_object_keys(cursor)) = 3
      and cursor <> coalesce(step -> 'cursor', '{}') and not ids <@ coalesce(held -> 'page', '[]') then
      more := jsonb_build_array(step || jsonb_build_object('cursor', cursor));
    end if;
    held := held || jsonb_build_object('page', ids);
  elsif cursor <> '{}' and ((select count(*) from jsonb_object_keys(cursor)) < 3 or cursor = step -> 'cursor'
                            or ids <@ coalesce(held -> 'seen', '[]')) then
    bad := ledger.coded('history.cursor_repeats', jsonb_build_object('workspace_id', home));
  else
    held := held || jsonb_build_object('seen', case when step ? 'cursor' then coalesce(held -> 'seen', '[]')
                                                    else '[]' end || ids);
    if cursor <> '{}' then
      more := jsonb_build_array(step || jsonb_build_object('cursor', cursor));
    else
      -- Known here and not in the answer: perhaps deleted, perhaps moved away.
      absent := array(
        select t.time_entry_id
        from toggl.time_entry t
        left join ledger.user_zones(home) z on z.user_id = t.user_id
        where t.workspace_id = home and t.deleted_at is null and t.duration_seconds is not null
          and t.start_at >= (step ->> 'first')::timestamp at time zone 'UTC' - interval '14 hours'
          and t.start_at < ((step ->> 'last')::date + 1)::timestamp at time zone 'UTC' + interval '12 hours'
          and (t.start_at at time zone coalesce(z.zone, 'UTC'))::date
              between (step ->> 'first')::date and (step ->> 'last')::date
          and (not step -> 'only' ? 'user_ids' or step -> 'only' -> 'user_ids' @> to_jsonb(t.user_id))
          and not held -> 'seen' @> to_jsonb(t.time_entry_id)
        order by t.time_entry_id);
      select coalesce(jsonb_agg(jsonb_build_object('do', 'confirm', 'ws', home, 'ids', b.ids, 'control',
                                                   coalesce(held -> 'seen' -> 0, held -> 'control'),
               -- a year, because a plan may allow no more
               'from', (step ->> 'first')::date - 182, 'until',
               least((step ->> 'first')::date + 182, ledger.clock()::date + 1))), '[]')
      into more
      from (select jsonb_agg(a.id order by a.id) as ids
            from unnest(absent) with ordinality a (id, place) group by (a.place - 1) / 200) b
      -- Without an entry that surely exists an answer proves nothing.
      where coalesce(held -> 'seen' -> 0, held -> 'control') is not null;
      held := held - 'seen';
    end if;
  end if;
  state := jsonb_set(state, key, held);
end
$$;
comment on function ledger.compare_page(ledger.toggl_job, jsonb, jsonb, jsonb, jsonb) is
  'Evaluates a page of entries: stores what is missing or differs. more: the next page, or the queries that confirm '
  'what is not at Toggl any more.';

create function ledger.toggl_arrive_deletion(job ledger.toggl_job, workspace bigint, ids bigint[],
                                             confirmed timestamptz)
returns integer
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  stored integer;
begin
  insert into ledger.toggl_arrival (job_id, workspace_id, created_at, model, entity_id, source, body)
  select job.job_id, workspace, confirmed, 'time_entry', t.time_entry_id, 'compare', json_build_object(
           'event_id', 0, 'created_at', to_char(confirmed at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
           'creator_id', null,
           -- An update, not a deletion: after Toggl's own deletion an entry stays deleted, and this one must
           -- yield to any later sight of it.
           'metadata', json_build_object('action', 'updated', 'model', 'time_entry', 'workspace_id', workspace::text,
                                         'request_type', 'GET'),
           'payload', coalesce(t.payload, jsonb_build_object('id', t.time_entry_id)) || jsonb_build_object(
             'server_deleted_at', ledger.rfc3339(date_trunc('second', confirmed)), 'hookledger_source', 'reports',
             'hookledger_concluded', true))
  from toggl.time_entry t
  where t.workspace_id = workspace and t.time_entry_id = any (ids) and t.deleted_at is null
    and t.changed_at < confirmed
  order by t.time_entry_id;
  get diagnostics stored = row_count;
  perform ledger.toggl_arrival_number(job.job_id);
  return stored;
end
$$;
comment on function ledger.toggl_arrive_deletion(ledger.toggl_job, bigint, bigint[], timestamptz) is
  'Stores deletions that a comparison concluded, because Toggl was asked for these entries and does not have them. '
  'They yield to any later sight of the entry. Returns how many.';

create function ledger.compare_confirm(job ledger.toggl_job, step jsonb, headers jsonb, entries jsonb,
                                       inout state jsonb, out note jsonb)
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  home constant bigint := step -> 'ws';
  key constant text[] := array['compare', home::text];
  held jsonb := state #> key;
  ids constant jsonb := (select coalesce(jsonb_agg(e -> 'id'), '[]') from jsonb_array_elements(entries) e);
  cut constant text := substring(headers ->> 'X-Range-Start' from '^\d{4}-\d\d-\d\d');
  is_proved constant boolean := ids @> (step -> 'control') and not headers ? 'X-Next-ID'
                                and coalesce(cut, step ->> 'from') <= ((step ->> 'from')::date + 150)::text;
  stored integer;
begin
  stored := ledger.toggl_arrive_entries(job, home, entries, 'compare', ledger.clock());
  if is_proved then
    stored := stored + ledger.toggl_arrive_deletion(job, home, array(
      select d::bigint from jsonb_array_elements_text(step -> 'ids') d
      where not ids @> to_jsonb(d::bigint)), ledger.clock());
  else
    note := ledger.coded('compare.unconfirmed', jsonb_build_object(
      'workspace_id', home, 'count', jsonb_array_length(step -> 'ids')));
  end if;
  state := jsonb_set(state, key, held || jsonb_build_object('recorded', coalesce((held -> 'recorded')::bigint, 0)
                                                                        + stored));
end
$$;
comment on function ledger.compare_confirm(ledger.toggl_job, jsonb, jsonb, jsonb, jsonb) is
  'Evaluates the query for entries that seem to be gone. Only when the entry asked beside them is in the answer are '
  'the missing ones deleted: an empty answer proves nothing.';

-- ---- the answers

create function ledger.compare_summary(home bigint, first date, last date, held jsonb)
returns jsonb
language sql stable set search_path = ledger, pg_temp
as $$
  select ledger.coded('compare.summary', jsonb_build_object(
    'workspace_id', home, 'from', first, 'last', last, 'equal', count(*) filter (where c.state = 'equal'),
    'filled', count(*) filter (where c.state = 'filled'), 'differs', count(*) filter (where c.state = 'differs'),
    'unknown', count(*) filter (where c.state = 'unknown'), 'recorded', coalesce(held -> 'recorded', '0'),
    'requests', coalesce(held -> 'requests', '0')))
  from ledger.completeness c
  where c.workspace_id = home and c.user_id = 0 and c.day between first and last
$$;
comment on function ledger.compare_summary(bigint, date, date, jsonb) is
  'The result of a comparison of a workspace, in a form for people.';

create function ledger.toggl_step_compare(
  job ledger.toggl_job, step jsonb, status bigint, parsed jsonb, message jsonb, headers jsonb, inout bad jsonb,
  inout queue jsonb, inout state jsonb, out note jsonb, out more jsonb)
language plpgsql set search_path = ledger, pg_temp set timezone = 'UTC'
as $$
declare
  home constant bigint := step -> 'ws';
  what constant text := step ->> 'do';
  which constant jsonb := jsonb_build_object('workspace_id', home, 'message', message);
  key constant text[] := array['compare', home::text];
  first constant date := job.given ->> 'from';
  last constant date := job.given ->> 'until';
  is_list constant boolean := coalesce(jsonb_typeof(parsed) = 'array', false);
  begins date := step ->> 'from';
  asked record;
begin
  more := '[]';
  if status = 401 then
    return;
  end if;
  state := jsonb_set(state, '{compare}', coalesce(state -> 'compare', '{}'));
  state := jsonb_set(state, key, coalesce(state #> key, '{}') || jsonb_build_object(
    'requests', coalesce((state #> (key || 'requests'::text))::bigint, 0) + 1));
  if status = 400 and what = 'entries' and (step -> 'size')::bigint > 50 and not step ? 'cursor' then
    -- Perhaps the page is too large.
    more := jsonb_build_array(step || jsonb_build_object('size', (step -> 'size')::bigint / 2));
    return;
  elsif status = 200 and parsed is null and coalesce((step -> 'broken')::integer, 0) < 3 then
    -- Half an answer: the same request again.
    more := jsonb_build_array(step || jsonb_build_object('broken', coalesce((step -> 'broken')::integer, 0) + 1));
    return;
  elsif status in (402, 403, 404) then
    bad := null;
    if what = 'weekly' then
      perform ledger.toggl_probe_set(home, 'weekly', 'false');
      select coalesce(jsonb_agg(q.one order by q.place), '[]') into queue
      from jsonb_array_elements(queue) with ordinality q (one, place)
      where q.one ->> 'do' <> 'weekly' or q.one -> 'ws' <> step -> 'ws';
      more := jsonb_build_array(ledger.compare_by_totals(home, first, last, (step -> 'round')::integer));
      note := ledger.coded('compare.no_weekly', which);
    else
      note := case status when 402 then ledger.coded('history.not_in_plan', which)
                when 403 then ledger.coded('history.no_right', which)
                else ledger.coded('history.not_compared', which) end;
      if what = 'totals' then
        perform ledger.compare_store(home, first, last, 'none', '[]');
      end if;
    end if;
  elsif bad is not null then
    return;
  elsif status <> 200 or parsed is null then
    bad := message;
    return;
  elsif what <> 'totals' and not is_list then
    bad := ledger.coded('history.no_list', which);
    return;
  elsif what = 'weekly' then
    perform ledger.toggl_probe_set(home, 'weekly', 'true');
    -- The week may begin on another day than asked.
    if headers ->> 'X-Range-Start' ~ '^\d{4}-\d\d-\d\d'
       and ledger.is_good('date', to_jsonb(left(headers ->> 'X-Range-Start', 10))) then
      begins := left(headers ->> 'X-Range-Start', 10);
    end if;
    select e.* into asked
    from ledger.compare_evaluate(step, case when begins = (step ->> 'from')::date then 'weekly' else 'none' end,
                                 ledger.weekly_sums(parsed, begins), state) e;
    state := asked.state;
    more := asked.more;
  elsif what = 'totals' then
    select e.* into asked
    from ledger.compare_evaluate(step, 'totals', (
           select coalesce(jsonb_agg(jsonb_build_object('day', t.day, 'seconds', t.seconds)), '[]')
           from ledger.totals_by_day(parsed, begins) t), state) e;
    state := asked.state;
    more := asked.more;
  elsif what = 'entries' then
    perform ledger.toggl_probe_set(home, 'page_size', step -> 'size');
    select p.* into asked
    from ledger.compare_page(job, step - 'broken', headers, ledger.entries_of_report(home, parsed), state) p;
    state := asked.state;
    more := asked.more;
    bad := asked.bad;
  elsif what = 'confirm' then
    select c.* into asked
    from ledger.compare_confirm(job, step, headers, ledger.entries_of_report(home, parsed), state) c;
    state := asked.state;
    note := asked.note;
  end if;
  if bad is null and not exists (select from jsonb_array_elements(more || queue) q where q -> 'ws' = step -> 'ws') then
    note := ledger.coded_list(note, ledger.compare_summary(home, first, last, state #> key));
    state := jsonb_set(state, key, (state #> key) - '{page,seen,control,filled}'::text[] || jsonb_build_object('days', (
      select jsonb_agg(jsonb_build_object('day', c.day, 'state', c.state, 'seconds_here', c.seconds_here,
                                          'seconds_toggl', c.seconds_toggl) order by c.day)
      from ledger.completeness c
      where c.workspace_id = home and c.user_id = 0 and c.day between first and last)));
  end if;
exception when data_exception then
  bad := ledger.coded('history.no_list', which);
end
$$;
comment on function ledger.toggl_step_compare(ledger.toggl_job, jsonb, bigint, jsonb, jsonb, jsonb, jsonb, jsonb,
  jsonb) is
  'Part of ledger.toggl_step(): answers of the job compare. Where the weekly report is refused the sums of days are '
  'asked for, and the persons stay unknown.';
