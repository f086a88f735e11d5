-- Do the tables agree with Toggl? Sums of the time entries here by Toggl's rule, and the result of
-- each comparison by day and user. Jobs that load or compare write it; analysts read the view
-- toggl.completeness. How a comparison is made does not belong here: see compare.sql.

create function ledger.known_zone(zone text)
returns text
language plpgsql stable set search_path = ledger, pg_temp
as $$
begin
  -- PostgreSQL accepts abbreviations and offsets too, which are wrong for half of the year.
  if zone ~ '^[A-Za-z_]+(/[A-Za-z0-9_+-]+){1,2}$' or zone in ('UTC', 'GMT') then
    perform now() at time zone zone;
    return zone;
  end if;
  return null;
exception when invalid_parameter_value then return null;
end
$$;
comment on function ledger.known_zone(text) is
  'The time zone, if it is the name of one that PostgreSQL knows; else null.';

create function ledger.user_zones(workspace bigint)
returns table (user_id bigint, zone text)
language sql stable set search_path = ledger, pg_temp
as $$
  with member as (
    -- A user who left keeps the zone.
    select distinct on (u.user_id) u.user_id, u.timezone
    from toggl.workspace_user u
    where u.workspace_id = workspace and u.user_id is not null and u.timezone is not null
    order by u.user_id, u.deleted_at is not null, u.changed_at desc),
  known as materialized (
    select z.timezone, ledger.known_zone(z.timezone) as zone from (select distinct m.timezone from member m) z)
  select m.user_id, k.zone from member m join known k on k.timezone = m.timezone where k.zone is not null
$$;
comment on function ledger.user_zones(bigint) is
  'Time zones of the users of a workspace; users without a row: theirs is unknown.';

create function ledger.seconds_by_day(workspace bigint, since date, until date)
returns table (day date, user_id bigint, seconds bigint, has_zone boolean)
language plpgsql stable set search_path = ledger, pg_temp set plan_cache_mode = force_custom_plan set jit = off
as $$
#variable_conflict use_column
declare
  -- Zones are at most 14 hours before and 12 hours behind UTC.
  from_at constant timestamptz := since::timestamp at time zone 'UTC' - interval '14 hours';
  until_at constant timestamptz := (until + 1)::timestamp at time zone 'UTC' + interval '12 hours';
begin
  return query
    with zone as materialized (select z.user_id, z.zone from ledger.user_zones(workspace) z),
    entry as not materialized (
      -- (the index time_entry_start alone)
      select e.user_id, e.start_at, e.duration_seconds as seconds
      from toggl.time_entry e
      where e.start_at >= from_at and e.start_at < until_at and e.workspace_id = workspace
        and e.duration_seconds >= 0 and e.deleted_at is null
      union all
      -- (the index time_entry_long; what runs has no seconds)
      select e.user_id, e.start_at, toggl.entry_seconds(e.start_at, e.stop_at, e.duration_seconds)
      from toggl.time_entry e
      where e.start_at >= from_at and e.start_at < until_at and e.workspace_id = workspace
        and coalesce(e.duration_seconds, -1) < 0 and e.stop_at is not null and e.deleted_at is null),
    sums as (
      select (e.start_at at time zone coalesce(z.zone, 'UTC'))::date as day, e.user_id,
             sum(e.seconds)::bigint as seconds, z.zone is not null as has_zone
      from entry e left join zone z on z.user_id = e.user_id
      group by 1, 2, 4)
    select s.day, s.user_id, s.seconds, s.has_zone from sums s where s.day between since and until and s.seconds > 0;
end
$$;
comment on function ledger.seconds_by_day(bigint, date, date) is
  'Seconds of the time entries of a workspace by day and user, as Toggl''s reports count: a whole entry on the day on '
  'which it starts in the time zone of its user; running and deleted ones do not count. Both days belong to the range. '
  'has_zone: false when the time zone of the user is not known; then the days are those of UTC.';

create function ledger.completeness_set(workspace bigint, days date[], users bigint[], here bigint[], there bigint[],
                                        are_known boolean[])
returns void
language sql set search_path = ledger, pg_temp
as $$
  insert into ledger.completeness as c (workspace_id, day, user_id, seconds_here, seconds_toggl, checked_at, state)
  select workspace, i.day, i.user_id, i.here, i.there, ledger.clock(),
         case when not i.is_known or i.there is null then 'unknown' when i.here = i.there then 'equal'
              else 'differs' end
  from unnest(days, users, here, there, are_known) i (day, user_id, here, there, is_known)
  order by i.day, i.user_id
  on conflict (workspace_id, day, user_id) do update
    set seconds_here = excluded.seconds_here, seconds_toggl = excluded.seconds_toggl, checked_at = excluded.checked_at,
        -- (a day that differed and agrees now was filled)
        state = case when excluded.state = 'equal' and c.state in ('differs', 'filled') then 'filled'
                     else excluded.state end
$$;
comment on function ledger.completeness_set(bigint, date[], bigint[], bigint[], bigint[], boolean[]) is
  'Stores the result of a comparison with Toggl: seconds here and at Toggl by day and user (0: all of the workspace). '
  'are_known false: the two cannot be compared.';

create or replace view toggl.completeness as
  select c.workspace_id, c.day, nullif(c.user_id, 0) as user_id, c.seconds_here, c.seconds_toggl, c.checked_at, c.state
  from ledger.completeness c;
comment on view toggl.completeness is
  'Do the time entries of a day agree with Toggl''s own sums? For each day that was compared (`hookledger toggl '
  'compare`, and by itself every night): one row for all users of the workspace, and one for each user who has time '
  'on it. A day without a row was never compared. A day that was compared before it ended may have got more entries '
  'since. Example: select workspace_id, day, seconds_here - seconds_toggl as seconds_more, state from '
  'toggl.completeness where user_id is null and state <> ''equal'' order by day;';
comment on column toggl.completeness.workspace_id is 'Toggl workspace.';
comment on column toggl.completeness.day is
  'Day on which the entries start, each in the time zone of its user, as Toggl''s reports count. An entry that goes '
  'on over midnight counts whole on the day on which it started.';
comment on column toggl.completeness.user_id is 'Toggl user; null: all users of the workspace.';
comment on column toggl.completeness.seconds_here is 'Seconds of the entries here, without running ones.';
comment on column toggl.completeness.seconds_toggl is 'Seconds by Toggl; null: Toggl did not tell.';
comment on column toggl.completeness.checked_at is 'When Toggl was last asked.';
comment on column toggl.completeness.state is
  'equal: both agree; filled: they agree since what was missing was loaded; differs: they do not agree; unknown: it '
  'cannot be known, because Toggl did not tell the sum or the time zone of a user is unknown.';

create function ledger.days_not_agreed(workspaces bigint[], from_day date, until_day date, zone text)
returns table (day date, state text)
language sql stable set search_path = ledger, pg_temp
as $$
  select d.day, (array_agg(s.state order by array_position('{differs,unknown,unchecked}'::text[], s.state)))[1]
  from (select g::date as day
        -- Toggl has existed since 2006, and a day that has not come cannot be compared: a range may have
        -- millions of others.
        from generate_series(greatest(from_day, '2006-01-01')::timestamp,
                             least(until_day, ledger.clock()::date + 1)::timestamp, interval '1 day') g) d
  cross join unnest(workspaces) w (workspace_id)
  left join ledger.completeness c on c.workspace_id = w.workspace_id and c.day = d.day and c.user_id = 0
  cross join lateral (
    -- What was checked before the day had ended says nothing about the rest of it.
    select case when c.state in ('differs', 'unknown') then c.state
                when c.checked_at < (d.day + 1)::timestamp at time zone zone then 'unchecked'
                else coalesce(c.state, 'unchecked') end) s (state)
  where s.state in ('differs', 'unknown', 'unchecked')
  group by d.day
$$;
comment on function ledger.days_not_agreed(bigint[], date, date, text) is
  'The days of a range on which it is not certain that the tables agree with Toggl, and why: differs, unknown (it '
  'cannot be known) or unchecked (not compared since the day ended in this time zone). Both days belong to the range; '
  'days before 2006 and in the future are left out.';
