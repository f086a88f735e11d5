-- Schema toggl: time by day, week, month, client, project, task, user and tag in a time zone for
-- queries of analysts. Entries are split at the borders of the buckets, in whole seconds that add
-- up to the entry's duration. The rules of entities.sql apply.

create or replace function toggl.buckets(from_date date, until_date date, zone text default 'UTC',
                                         bucket text default 'day', week_start integer default 1)
returns table (bucket_start date, from_at timestamptz, until_at timestamptz)
language plpgsql stable set search_path = ledger, pg_temp
as $$
begin
  if bucket is null or bucket not in ('day', 'week', 'month', 'quarter', 'year', 'total') then
    raise exception 'there is no bucket "%"', bucket
      using errcode = '22023', hint = 'A bucket is day, week, month, quarter, year or total.';
  end if;
  if from_date is null or until_date is null
     or bucket <> 'total' and (not isfinite(from_date) or not isfinite(until_date)
                               or until_date - from_date > 40000) then
    raise exception 'the range from % until % cannot be divided', from_date, until_date
      using errcode = '22023',
        hint = 'Give two dates that are not more than a hundred years apart; for all time -infinity, infinity and the '
               'bucket total.';
  end if;
  if week_start is null or week_start not between 0 and 7 then
    raise exception 'a week cannot begin on day %', coalesce(week_start::text, 'null')
      using errcode = '22023', hint = 'week_start is 1 for Monday to 7 for Sunday, as in ISO 8601; 0 is Sunday too.';
  end if;
  -- PostgreSQL also accepts offsets (with the opposite sign) and abbreviations; both would be wrong
  -- for half of the year without an error.
  begin
    perform now() at time zone zone;
    if zone is null or zone ~ '\d' and zone !~* '^Etc/GMT[+-]?\d{1,2}$|^[A-Z]{3}\d[A-Z]{3}$'
       or exists (select from pg_timezone_abbrevs a where a.abbrev = upper(zone)
                  and a.abbrev not in ('UTC', 'GMT')) then
      raise invalid_parameter_value;
    end if;
  exception when invalid_parameter_value then
    raise exception 'cannot use "%" as a time zone', zone
      using errcode = '22023',
            hint = 'Names are such as Europe/Berlin or UTC, not offsets and abbreviations, which know no daylight '
                   'saving time; all are in pg_timezone_names.';
  end;

  return query
    with slice (label, first, next) as (
      select s.label, greatest(s.label, from_date), coalesce(lead(s.label) over (order by s.label), until_date)
      from (select from_date as label where bucket = 'total' and from_date < until_date
            union all
            select g::date
            from generate_series(case when bucket = 'week' then
                                      from_date::timestamp - (extract(isodow from from_date)::integer - week_start + 7)
                                      % 7 * interval '1 day'
                                      when bucket <> 'total' then date_trunc(bucket, from_date::timestamp) end,
                                 until_date::timestamp - interval '1 day',
                                 case bucket when 'quarter' then interval '3 months' when 'total' then null
                                      else ('1 ' || bucket)::interval end) g) s),
    border (day, at) as (
      select d.day, coalesce(
        -- Clocks were set back over midnight: the first of the two midnights counts.
        case when (d.at - interval '3 hours') at time zone zone <> d.day - interval '3 hours' then (
          select min(d.at - g * interval '10 minutes') from generate_series(1, 18) g
          where (d.at - g * interval '10 minutes') at time zone zone = d.day) end, d.at)
      from (select u.day, u.day::timestamp at time zone zone as at
            from (select s.first from slice s union select s.next from slice s) u (day)) d)
    select s.label, f.at, n.at
    from slice s join border f on f.day = s.first join border n on n.day = s.next
    order by s.label;
end
$$;
comment on function toggl.buckets(date, date, text, text, integer) is
  'The days, weeks, months, quarters or years of a range of dates, or the range as a whole (total), with the moments '
  'at which they begin and end in a time zone. until_date itself is not in the range. The first bucket begins with '
  'from_date although bucket_start may be earlier. A day that does not exist in the zone is included and empty. '
  'week_start: the day that weeks begin with, 1 for Monday to 7 for Sunday (0 is Sunday too). Example: select '
  'bucket_start, from_at, until_at from toggl.buckets(''2026-05-01'', ''2026-06-01'', ''Europe/Berlin'', ''week'');';

create or replace function toggl.day_start(day date, zone text)
returns timestamptz
language sql stable set search_path = ledger, pg_temp
as $$
  select b.from_at from toggl.buckets(day, day + 1, zone, 'total') b
$$;
comment on function toggl.day_start(date, text) is
  'The moment at which a day begins in a time zone. Example: select start_at, user_name, description from '
  'toggl.time_entries where start_at >= toggl.day_start(''2026-05-04'', ''Europe/Berlin'') and start_at < '
  'toggl.day_start(''2026-05-05'', ''Europe/Berlin'');';

create or replace function toggl.tracked(from_date date, until_date date, zone text default 'UTC',
                                         bucket text default 'total',
                                         running_until timestamptz default null,
                                         by text[] default '{user,project,task}',
                                         week_start integer default 1)
returns table (bucket_start date, workspace_id bigint, user_id bigint, project_id bigint, task_id bigint,
               billable boolean, tag_ids bigint[], tags text[], seconds bigint)
-- A custom plan sees the range and the names in `by` as constants: so it estimates well, leaves out
-- what is not asked for, and reads the index time_entry_start alone. The planner expects far more
-- groups than there are. Without these settings it would sort and use JIT compilation.
language plpgsql stable set search_path = ledger, pg_temp set plan_cache_mode = force_custom_plan
  set enable_sort = off set jit = off
as $$
#variable_conflict use_column
declare
  by_user constant boolean := 'user' = any (by);
  by_project constant boolean := 'project' = any (by);
  by_task constant boolean := 'task' = any (by);
  by_tag constant boolean := 'tag' = any (by);
  labels date[];
  borders timestamptz[];
  range_from timestamptz;
  range_until timestamptz;
  last_whole timestamptz;
  is_one boolean;
begin
  select array_agg(b.bucket_start order by b.from_at, b.bucket_start),
         array_agg(b.from_at order by b.from_at, b.bucket_start) || max(b.until_at), min(b.from_at), max(b.until_at)
  into labels, borders, range_from, range_until
  from toggl.buckets(from_date, until_date, zone, bucket, week_start) b;
  is_one := cardinality(labels) = 1;
  -- An entry of up to 24 hours that starts by then ends in the range. (A day of the session's time
  -- zone may have 23 or 25.)
  last_whole := range_until - interval '24 hours';

  return query
  with entry as not materialized (
    -- An entry may begin before the range and end in it. Entries of up to a day are found by their
    -- start; the few longer ones have their own index.
    select e.workspace_id, e.user_id, e.project_id, e.task_id, e.billable, e.tag_ids, e.tags,
           e.start_at, e.duration_seconds as seconds, e.start_at <= last_whole as ends_before
    from toggl.time_entry e
    where e.start_at > range_from - interval '24 hours' and e.start_at < range_until
      and e.duration_seconds between 1 and 86400 and e.deleted_at is null
    union all
    select e.workspace_id, e.user_id, e.project_id, e.task_id, e.billable, e.tag_ids, e.tags,
           e.start_at, l.seconds, false
    from toggl.time_entry e
    cross join lateral (select toggl.entry_seconds(e.start_at, e.stop_at, e.duration_seconds)) l (seconds)
    where (e.duration_seconds > 86400 or coalesce(e.duration_seconds, -1) < 0 and e.stop_at is not null)
      and e.start_at > '-infinity' and e.start_at < range_until and e.deleted_at is null
      and l.seconds > 0
    union all
    select e.workspace_id, e.user_id, e.project_id, e.task_id, e.billable, e.tag_ids, e.tags,
           e.start_at, l.seconds, false
    from toggl.time_entry e
    cross join lateral (select toggl.entry_seconds(e.start_at, running_until, null)) l (seconds)
    where e.stop_at is null and e.duration_seconds is null and e.deleted_at is null
      and e.start_at > '-infinity' and e.start_at < running_until and l.seconds > 0),
  piece as (
    -- Only one of the two branches runs: with one bucket there is nothing to search, and the end of
    -- most entries need not be computed.
    select 1 as nth, range_from as from_at, range_until as until_at, e.*
    from entry e
    where is_one and e.start_at < range_until
      and (e.start_at >= range_from or e.start_at + e.seconds * interval '1 second' > range_from)
    union all
    select n.nth, borders[n.nth], borders[n.nth + 1], n.workspace_id, n.user_id, n.project_id, n.task_id,
           n.billable, n.tag_ids, n.tags, n.start_at, n.seconds, false
    from (select generate_series(width_bucket(greatest(e.start_at, range_from), borders),
                                 width_bucket(least(e.end_at, range_until) - interval '1 microsecond', borders)) as nth,
                 e.*
          from (select o.*, o.start_at + o.seconds * interval '1 second' as end_at from entry o) e
          where not is_one and e.end_at > range_from and e.start_at < range_until) n),
  sums as (
    select p.nth, p.workspace_id, case when by_user then p.user_id end as user_id,
           case when by_project then p.project_id end as project_id, case when by_task then p.task_id end as task_id,
           p.billable, case when by_tag then p.tag_ids end as tag_ids, case when by_tag then p.tags end as tags,
           -- (a range may have no beginning or no end: infinite times have no difference)
           sum(case when p.ends_before or p.start_at + p.seconds * interval '1 second' <= p.until_at then p.seconds
                    else floor(extract(epoch from p.until_at - p.start_at))::bigint end
               - case when p.start_at >= p.from_at then 0
                      else floor(extract(epoch from p.from_at - p.start_at))::bigint end)::bigint as seconds
    from piece p
    group by 1, 2, 3, 4, 5, 6, 7, 8)
  select labels[u.nth], u.workspace_id, u.user_id, u.project_id, u.task_id, u.billable, u.tag_ids, u.tags, u.seconds
  from sums u
  where u.seconds > 0;
end
$$;
comment on function toggl.tracked(date, date, text, text, timestamptz, text[], integer) is
  'Seconds tracked in a range of dates in a time zone, by numbers: the base of toggl.hours and similar functions. '
  'Buckets as in toggl.buckets. How long an entry lasts: toggl.entry_seconds; counted from its start, so that an '
  'entry without a start is in no range. It is split where a bucket ends; the seconds of its pieces add up to its '
  'duration. Running entries count until running_until, and do not count when it is null. week_start: as in '
  'toggl.buckets. by: what to divide it by, besides bucket, workspace and billable: user, project, task, tag. Columns '
  'that are not named are null; fewer names are faster. Example: select bucket_start, project_id, sum(seconds) from '
  'toggl.tracked(''2026-05-01'', ''2026-06-01'', ''Europe/Berlin'', ''week'') group by 1, 2;';

create or replace function toggl.hours(from_date date, until_date date, zone text default 'UTC',
                                       bucket text default 'day', running_until timestamptz default null,
                                       week_start integer default 1)
returns table (bucket_start date, workspace_id bigint, client_id bigint, client_name text, project_id bigint,
               project_name text, task_id bigint, task_name text, user_id bigint, user_name text, billable boolean,
               seconds bigint, hours numeric)
language sql stable set search_path = ledger, pg_temp
as $$
  select t.bucket_start, t.workspace_id, p.client_id, c.name, t.project_id, p.name, t.task_id, k.name, t.user_id,
         u.user_name,
         t.billable, t.seconds, round(t.seconds / 3600.0, 4)
  from toggl.tracked(from_date, until_date, zone, bucket, running_until, week_start => week_start) t
  left join toggl.project p on p.workspace_id = t.workspace_id and p.project_id = t.project_id
  left join toggl.client c on c.workspace_id = p.workspace_id and c.client_id = p.client_id
  left join toggl.task k on k.workspace_id = t.workspace_id and k.task_id = t.task_id
  left join toggl.users u on u.workspace_id = t.workspace_id and u.user_id = t.user_id
  order by t.bucket_start, c.name, p.name, k.name, u.user_name
$$;
comment on function toggl.hours(date, date, text, text, timestamptz, integer) is
  'Hours by bucket, client, project, task, user and billable, to be grouped further: add up seconds, hours are '
  'rounded to four digits. What counts: toggl.tracked. Example: select bucket_start, project_name, sum(seconds) / '
  '3600.0 as hours from toggl.hours(''2026-05-01'', ''2026-06-01'', ''Europe/Berlin'', ''week'') where billable group '
  'by 1, 2 order by 1, 2;';

create or replace function toggl.hours_by_project(from_date date, until_date date, zone text default 'UTC',
                                                  bucket text default 'total', running_until timestamptz default null,
                                                  week_start integer default 1)
returns table (bucket_start date, workspace_id bigint, client_id bigint, client_name text, project_id bigint,
               project_name text, seconds bigint, hours numeric, billable_seconds bigint, billable_hours numeric)
language sql stable set search_path = ledger, pg_temp
as $$
  select t.bucket_start, t.workspace_id, p.client_id, c.name, t.project_id, p.name,
         t.seconds, round(t.seconds / 3600.0, 4), t.billable_seconds, round(t.billable_seconds / 3600.0, 4)
  from (select t.bucket_start, t.workspace_id, t.project_id, sum(t.seconds)::bigint as seconds,
               coalesce(sum(t.seconds) filter (where t.billable), 0)::bigint as billable_seconds
        from toggl.tracked(from_date, until_date, zone, bucket, running_until, '{project}', week_start) t
        group by t.bucket_start, t.workspace_id, t.project_id) t
  left join toggl.project p on p.workspace_id = t.workspace_id and p.project_id = t.project_id
  left join toggl.client c on c.workspace_id = p.workspace_id and c.client_id = p.client_id
  order by t.bucket_start, t.seconds desc, t.project_id
$$;
comment on function toggl.hours_by_project(date, date, text, text, timestamptz, integer) is
  'Hours of each project; entries without a project have a row with project_id null. What counts: toggl.tracked. '
  'Example: select client_name, project_name, hours, billable_hours from toggl.hours_by_project(''2026-05-01'', '
  '''2026-06-01'', ''Europe/Berlin'');';

create or replace function toggl.hours_by_client(from_date date, until_date date, zone text default 'UTC',
                                                 bucket text default 'total', running_until timestamptz default null,
                                                 week_start integer default 1)
returns table (bucket_start date, workspace_id bigint, client_id bigint, client_name text,
               seconds bigint, hours numeric, billable_seconds bigint, billable_hours numeric)
language sql stable set search_path = ledger, pg_temp
as $$
  select p.bucket_start, p.workspace_id, p.client_id, p.client_name, sum(p.seconds)::bigint,
         round(sum(p.seconds) / 3600.0, 4),
         sum(p.billable_seconds)::bigint, round(sum(p.billable_seconds) / 3600.0, 4)
  from toggl.hours_by_project(from_date, until_date, zone, bucket, running_until, week_start) p
  group by p.bucket_start, p.workspace_id, p.client_id, p.client_name
  order by p.bucket_start, sum(p.seconds) desc, p.client_id
$$;
comment on function toggl.hours_by_client(date, date, text, text, timestamptz, integer) is
  'Hours of each client, through its projects; entries without a client have a row with client_id null. What counts: '
  'toggl.tracked. Example: select client_name, hours, billable_hours from toggl.hours_by_client(''2026-05-01'', '
  '''2026-06-01'', ''Europe/Berlin'');';

create or replace function toggl.hours_by_user(from_date date, until_date date, zone text default 'UTC',
                                               bucket text default 'total', running_until timestamptz default null,
                                               week_start integer default 1)
returns table (bucket_start date, workspace_id bigint, user_id bigint, user_name text,
               seconds bigint, hours numeric, billable_seconds bigint, billable_hours numeric)
language sql stable set search_path = ledger, pg_temp
as $$
  select t.bucket_start, t.workspace_id, t.user_id, u.user_name,
         t.seconds, round(t.seconds / 3600.0, 4), t.billable_seconds, round(t.billable_seconds / 3600.0, 4)
  from (select t.bucket_start, t.workspace_id, t.user_id, sum(t.seconds)::bigint as seconds,
               coalesce(sum(t.seconds) filter (where t.billable), 0)::bigint as billable_seconds
        from toggl.tracked(from_date, until_date, zone, bucket, running_until, '{user}', week_start) t
        group by t.bucket_start, t.workspace_id, t.user_id) t
  left join toggl.users u on u.workspace_id = t.workspace_id and u.user_id = t.user_id
  order by t.bucket_start, t.seconds desc, t.user_id
$$;
comment on function toggl.hours_by_user(date, date, text, text, timestamptz, integer) is
  'Hours of each user. What counts: toggl.tracked. Example: select bucket_start, user_name, hours from '
  'toggl.hours_by_user(''2026-05-01'', ''2026-06-01'', ''Europe/Berlin'', ''week'');';

create or replace function toggl.hours_by_tag(from_date date, until_date date, zone text default 'UTC',
                                              bucket text default 'total', running_until timestamptz default null,
                                              week_start integer default 1)
returns table (bucket_start date, workspace_id bigint, tag_id bigint, tag_name text,
               seconds bigint, hours numeric, billable_seconds bigint, billable_hours numeric)
-- By key: otherwise the planner would read all tags for each entry.
language sql stable set search_path = ledger, pg_temp set jit = off set enable_hashjoin = off set enable_seqscan = off
as $$
  with tagged as (
    select t.bucket_start, t.workspace_id, t.billable, t.seconds, g.tag_id, g.tag_name as name
    from toggl.tracked(from_date, until_date, zone, bucket, running_until, '{tag}', week_start) t
    left join lateral toggl.tags_of(t.workspace_id, t.tag_ids, t.tags) g on true)
  select t.bucket_start, t.workspace_id, t.tag_id, t.name, sum(t.seconds)::bigint, round(sum(t.seconds) / 3600.0, 4),
         coalesce(sum(t.seconds) filter (where t.billable), 0)::bigint,
         round(coalesce(sum(t.seconds) filter (where t.billable), 0) / 3600.0, 4)
  from tagged t
  group by t.bucket_start, t.workspace_id, t.tag_id, t.name
  order by t.bucket_start, sum(t.seconds) desc, t.name
$$;
comment on function toggl.hours_by_tag(date, date, text, text, timestamptz, integer) is
  'Hours of each tag; entries without a tag have a row with tag_id null. An entry with two tags counts in both rows, '
  'so the rows add up to more than the tracked time. Which tags an entry has: toggl.tags_of. What counts: '
  'toggl.tracked. Example: select tag_name, hours from toggl.hours_by_tag(''2026-05-01'', ''2026-06-01'', '
  '''Europe/Berlin'');';

create or replace function toggl.ran_through(from_date date, until_date date, zone text default 'UTC',
                                             running_until timestamptz default now())
returns setof toggl.time_entries
language sql stable set search_path = ledger, pg_temp set jit = off
as $$
  with slice as materialized (select b.from_at, b.until_at from toggl.buckets(from_date, until_date, zone, 'total') b)
  select e.*
  from toggl.time_entry t
  -- by key: there are few entries, which the planner cannot know
  cross join lateral (select x.* from toggl.time_entries x
                      where x.workspace_id = t.workspace_id and x.time_entry_id = t.time_entry_id offset 0) e
  where t.deleted_at is null and t.start_at <= (select s.from_at from slice s)
    and (t.start_at >= (select s.from_at from slice s) - interval '24 hours'
         or t.duration_seconds > 86400 or coalesce(t.duration_seconds, -1) < 0 and t.stop_at is not null
         or t.stop_at is null and t.duration_seconds is null)
    and (select s.until_at from slice s)
        <= coalesce(t.start_at + toggl.entry_seconds(t.start_at, t.stop_at, t.duration_seconds) * interval '1 second',
                    running_until)
  order by e.start_at
$$;
comment on function toggl.ran_through(date, date, text, timestamptz) is
  'The time entries that ran without a stop from the beginning of the first day to the end of the last one before '
  'until_date: timers that were forgotten over a weekend (from Saturday until Monday) or a holiday. Example: select '
  'user_name, description, start_at, stop_at from toggl.ran_through(''2026-05-09'', ''2026-05-11'', '
  '''Europe/Berlin'');';
