-- Schema toggl: functions that compute the value of tracked time for queries of analysts. Rates are
-- the current ones, because Toggl's events do not say since when a rate is valid. The rules of
-- entities.sql apply.

create or replace function toggl.amounts(from_date date, until_date date, zone text default 'UTC',
                                         bucket text default 'total', running_until timestamptz default null,
                                         week_start integer default 1)
returns table (bucket_start date, workspace_id bigint, client_id bigint, client_name text, project_id bigint,
               project_name text, task_id bigint, task_name text, user_id bigint, user_name text, billable boolean,
               seconds bigint, hours numeric, currency text, rate numeric, rate_of text, amount numeric,
               labor_cost numeric, cost numeric, fixed_fee numeric)
language sql stable set search_path = ledger, pg_temp
as $$
  select t.bucket_start, t.workspace_id, p.client_id, c.name, t.project_id, p.name, t.task_id, k.name, t.user_id,
         u.user_name,
         t.billable, t.seconds, round(t.seconds / 3600.0, 4),
         case when t.project_id is null or p.payload is not null then coalesce(p.currency, w.default_currency) end,
         v.rate, r.rate_of, trim_scale(v.rate * t.seconds / 3600), v.labor_cost,
           trim_scale(v.labor_cost * t.seconds / 3600),
         nullif(p.fixed_fee, 0)
  from toggl.tracked(from_date, until_date, zone, bucket, running_until, week_start => week_start) t
  left join toggl.workspace w on w.workspace_id = t.workspace_id
  left join toggl.project p on p.workspace_id = t.workspace_id and p.project_id = t.project_id
  left join toggl.client c on c.workspace_id = p.workspace_id and c.client_id = p.client_id
  left join toggl.task k on k.workspace_id = t.workspace_id and k.task_id = t.task_id
  left join toggl.users u on u.workspace_id = t.workspace_id and u.user_id = t.user_id
  left join (
    select distinct on (m.workspace_id, m.project_id, m.user_id) m.workspace_id, m.project_id, m.user_id, m.rate,
           m.labor_cost
    from toggl.project_user m
    where m.project_id is not null and m.user_id is not null
    order by m.workspace_id, m.project_id, m.user_id, m.deleted_at is null desc, m.changed_at desc,
      m.changed_event_id desc) m
    on m.workspace_id = t.workspace_id and m.project_id = t.project_id and m.user_id = t.user_id
  cross join lateral (select case
    when t.billable is not true or p.fixed_fee <> 0 then null
    -- The rate of an entity that was never seen is not known.
    when t.project_id is not null and p.payload is null or t.task_id is not null and k.payload is null then null
    when k.rate is not null then 'task'
    when m.rate is not null then 'project user'
    when p.rate is not null then 'project'
    when u.rate is not null then 'user'
    when w.default_hourly_rate <> 0 then 'workspace' end) r (rate_of)
  cross join lateral (select case r.rate_of when 'task' then k.rate when 'project user' then m.rate
                                  when 'project' then p.rate
                                            when 'user' then u.rate when 'workspace' then w.default_hourly_rate end,
                             coalesce(m.labor_cost, u.labor_cost)) v (rate, labor_cost)
  order by t.bucket_start, c.name, p.name, k.name, u.user_name
$$;
comment on function toggl.amounts(date, date, text, text, timestamptz, integer) is
  'Value of the time in a range of dates, for further grouping; not rounded. rate: that of the task, else of the '
  'project''s member (project user), else of the project, of the user, of the workspace, and rate_of says which; the '
  'current rate, also for time tracked earlier. A default rate of 0 of the workspace means that there is none; '
  'another rate of 0 is a rate. currency: the project''s, else the workspace''s, null when the project was never '
  'seen; the rate is taken as an amount in this currency. rate and amount are null for time that is not billable, '
  'that a fixed fee pays, or whose rate is not known, such as that of a project that was never seen. cost: by the '
  'labor cost of the project''s member, else of the user, also of time that is not billable; Toggl names no currency '
  'for it. fixed_fee: that of the project as a whole. What counts as time: toggl.tracked. Example: select '
  'project_name, user_name, hours, rate, rate_of, amount, currency from toggl.amounts(''2026-05-01'', ''2026-06-01'', '
  '''Europe/Berlin'') where billable;';

create or replace function toggl.amounts_by_project(from_date date, until_date date, zone text default 'UTC',
                                                    bucket text default 'total', running_until timestamptz default null,
                                                    week_start integer default 1)
returns table (bucket_start date, workspace_id bigint, client_id bigint, client_name text, project_id bigint,
               project_name text, currency text, billable_seconds bigint, billable_hours numeric, amount numeric,
               unrated_seconds bigint, fixed_fee numeric, cost numeric, uncosted_seconds bigint)
language sql stable set search_path = ledger, pg_temp
as $$
  select a.bucket_start, a.workspace_id, a.client_id, a.client_name, a.project_id, a.project_name, a.currency,
         coalesce(sum(a.seconds) filter (where a.billable), 0)::bigint,
         round(coalesce(sum(a.seconds) filter (where a.billable), 0) / 3600.0, 4),
         round(sum(a.rate * a.seconds) / 3600, 2),
         coalesce(sum(a.seconds) filter (where a.billable and a.rate is null and a.fixed_fee is null), 0)::bigint,
         a.fixed_fee,
         round(sum(a.labor_cost * a.seconds) / 3600, 2),
         coalesce(sum(a.seconds) filter (where a.labor_cost is null), 0)::bigint
  from toggl.amounts(from_date, until_date, zone, bucket, running_until, week_start) a
  group by a.bucket_start, a.workspace_id, a.client_id, a.client_name, a.project_id, a.project_name, a.currency,
    a.fixed_fee
  order by a.bucket_start, a.client_name, a.project_name, a.project_id
$$;
comment on function toggl.amounts_by_project(date, date, text, text, timestamptz, integer) is
  'Earnings and costs of each project. amount and cost are rounded once, to two digits, half away from zero; null '
  'when no rate is known at all. unrated_seconds: billable time for which no rate is known, missing in amount; '
  'uncosted_seconds: time without a labor cost. A project with a fixed fee has that instead of an amount, for all of '
  'its life. Rates: toggl.amounts. Example: select project_name, amount, currency, unrated_seconds, fixed_fee from '
  'toggl.amounts_by_project(''2026-05-01'', ''2026-06-01'', ''Europe/Berlin'');';

create or replace function toggl.amounts_by_client(from_date date, until_date date, zone text default 'UTC',
                                                   bucket text default 'total', running_until timestamptz default null,
                                                   week_start integer default 1)
returns table (bucket_start date, workspace_id bigint, client_id bigint, client_name text, currency text,
               billable_seconds bigint, billable_hours numeric, amount numeric, unrated_seconds bigint,
               fixed_fee_seconds bigint, cost numeric, uncosted_seconds bigint)
language sql stable set search_path = ledger, pg_temp
as $$
  select a.bucket_start, a.workspace_id, a.client_id, a.client_name, a.currency,
         coalesce(sum(a.seconds) filter (where a.billable), 0)::bigint,
         round(coalesce(sum(a.seconds) filter (where a.billable), 0) / 3600.0, 4),
         round(sum(a.rate * a.seconds) / 3600, 2),
         coalesce(sum(a.seconds) filter (where a.billable and a.rate is null and a.fixed_fee is null), 0)::bigint,
         coalesce(sum(a.seconds) filter (where a.billable and a.fixed_fee is not null), 0)::bigint,
         round(sum(a.labor_cost * a.seconds) / 3600, 2),
         coalesce(sum(a.seconds) filter (where a.labor_cost is null), 0)::bigint
  from toggl.amounts(from_date, until_date, zone, bucket, running_until, week_start) a
  group by a.bucket_start, a.workspace_id, a.client_id, a.client_name, a.currency
  order by a.bucket_start, a.client_name, a.client_id, a.currency
$$;
comment on function toggl.amounts_by_client(date, date, text, text, timestamptz, integer) is
  'Amount billed by the hour to each client, one row for each currency. fixed_fee_seconds: billable time of projects '
  'with a fixed fee, which is in toggl.amounts_by_project and not in amount. Other columns as there. Example: select '
  'client_name, amount, currency, fixed_fee_seconds from toggl.amounts_by_client(''2026-05-01'', ''2026-06-01'', '
  '''Europe/Berlin'');';

create or replace function toggl.amounts_by_user(from_date date, until_date date, zone text default 'UTC',
                                                 bucket text default 'total', running_until timestamptz default null,
                                                 week_start integer default 1)
returns table (bucket_start date, workspace_id bigint, user_id bigint, user_name text, currency text,
               billable_seconds bigint, billable_hours numeric, amount numeric, unrated_seconds bigint,
               fixed_fee_seconds bigint, cost numeric, uncosted_seconds bigint)
language sql stable set search_path = ledger, pg_temp
as $$
  select a.bucket_start, a.workspace_id, a.user_id, a.user_name, a.currency,
         coalesce(sum(a.seconds) filter (where a.billable), 0)::bigint,
         round(coalesce(sum(a.seconds) filter (where a.billable), 0) / 3600.0, 4),
         round(sum(a.rate * a.seconds) / 3600, 2),
         coalesce(sum(a.seconds) filter (where a.billable and a.rate is null and a.fixed_fee is null), 0)::bigint,
         coalesce(sum(a.seconds) filter (where a.billable and a.fixed_fee is not null), 0)::bigint,
         round(sum(a.labor_cost * a.seconds) / 3600, 2),
         coalesce(sum(a.seconds) filter (where a.labor_cost is null), 0)::bigint
  from toggl.amounts(from_date, until_date, zone, bucket, running_until, week_start) a
  group by a.bucket_start, a.workspace_id, a.user_id, a.user_name, a.currency
  order by a.bucket_start, a.user_name, a.user_id, a.currency
$$;
comment on function toggl.amounts_by_user(date, date, text, text, timestamptz, integer) is
  'Billed amount of the time of each user, one row for each currency. Other columns as in toggl.amounts_by_client. '
  'Example: select user_name, billable_hours, amount, currency from toggl.amounts_by_user(''2026-05-01'', '
  '''2026-06-01'', ''Europe/Berlin'');';
