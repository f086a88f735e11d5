-- Schema toggl: views of the typed tables with names, for queries of analysts. Users build their
-- own views on these. So a view is replaced and never dropped, and new columns go to its end.
-- Nothing here depends on a function of schema ledger, because migrate drops those. The comment of
-- each view and function ends with an example, which a test runs.

-- The only rule for durations. The bounds keep sums of absurd entries in range, and avoid the error
-- that a difference of infinite times raises. The function has no SET clause and only immutable
-- parts, so that the planner inlines it (a call for each row would make recording 10 % slower).
create or replace function toggl.entry_seconds(start_at timestamptz, stop_at timestamptz, duration_seconds bigint)
returns bigint
language sql immutable parallel safe
return case when duration_seconds >= 0 then least(duration_seconds, 4000000000)
            when stop_at is null then null
            when stop_at > start_at and start_at > '-infinity'
            then case when stop_at < 'infinity' then
                      least(floor(extract(epoch from stop_at - start_at)), 4000000000)::bigint
                      else 4000000000 end
            else 0 end;
comment on function toggl.entry_seconds(timestamptz, timestamptz, bigint) is
  'Duration of a time entry in seconds, by the rule that all reports use: the duration that Toggl sent, even if '
  'stop_at differs; without a usable one (below zero, missing or of an unexpected type) the time from start to stop. '
  'At least 0, also when it stopped before it started, and at most 4000000000 (126 years); null while it runs. The '
  'columns named duration_seconds hold this value. Example: select time_entry_id, toggl.entry_seconds(start_at, '
  'least(stop_at, ''2026-06-01''), null) from toggl.time_entries;';

create or replace view toggl.users as
select distinct on (w.workspace_id, w.user_id)
       w.workspace_id, w.user_id, w.name as user_name, w.email as user_email, w.active, w.role, w.timezone,
       w.rate, w.labor_cost, w.working_minutes, w.deleted_at
from toggl.workspace_user w
where w.user_id is not null
order by w.workspace_id, w.user_id, w.deleted_at is null desc, w.changed_at desc, w.changed_event_id desc;
comment on view toggl.users is
  'The people of each workspace, one row for each user. For a user who left and came back: the row that is not '
  'deleted, or else the row that changed last. Example: select user_name, user_email from toggl.users where '
  'deleted_at is null order by user_name;';
comment on column toggl.users.workspace_id is 'Toggl workspace.';
comment on column toggl.users.user_id is 'Toggl user, as time entries name it.';
comment on column toggl.users.user_name is 'Name.';
comment on column toggl.users.user_email is 'E-mail address.';
comment on column toggl.users.active is 'false: deactivated in this workspace.';
comment on column toggl.users.role is 'Role in this workspace.';
comment on column toggl.users.timezone is 'Time zone of the user''s profile, such as Europe/Berlin.';
comment on column toggl.users.rate is 'Hourly rate of the user in this workspace; null when none is set.';
comment on column toggl.users.labor_cost is 'What an hour of the user costs; null when none is set.';
comment on column toggl.users.working_minutes is 'Minutes of the user''s working day.';
comment on column toggl.users.deleted_at is 'When the user left the workspace; null while a member.';

-- Without a SET clause, for the same reason as toggl.entry_seconds.
create or replace function toggl.tags_of(workspace bigint, tag_ids bigint[], tags text[])
returns table (tag_id bigint, tag_name text)
language sql stable
begin atomic
  with way (is_by_id) as (
    select exists (select from unnest(tag_ids) i (id) where i.id is not null)
           and (not exists (select from unnest(tags) n (name) where btrim(n.name) <> '')
                or not exists (select from unnest(tag_ids) i (id)
                               where i.id is not null
                                 and not exists (select from toggl.tag k
                                                 where k.workspace_id = workspace and k.tag_id = i.id
                                                   and (k.deleted_at is not null or btrim(k.name) <> '')))))
  select i.id, case when btrim(g.name) <> '' then g.name end
  from (select distinct u.id from unnest(tag_ids) u (id) where u.id is not null) i
  left join toggl.tag g on g.workspace_id = workspace and g.tag_id = i.id
  where (select w.is_by_id from way w) and g.deleted_at is null
  union all
  select s.live, n.name
  from (select distinct u.name from unnest(tags) u (name) where btrim(u.name) <> '') n
  cross join lateral (
    select max(g.tag_id) filter (where g.deleted_at is null) as live,
           bool_or(g.deleted_at is null)
           filter (where coalesce(tag_ids, '{}') = '{}' or g.tag_id = any (tag_ids)) as is_there
    from toggl.tag g where g.workspace_id = workspace and g.name = n.name) s
  where not (select w.is_by_id from way w) and s.is_there is not false;
end;
comment on function toggl.tags_of(bigint, bigint[], text[]) is
  'Names of the tags of an entry with these tags: each once, with the current name; if one of them was never seen, '
  'the names that the entry itself has. A deleted tag disappears from every entry, as at Toggl, although Toggl sends '
  'no event of these entries. A tag without a name is left out. Example: select g.tag_id, g.tag_name from '
  'toggl.time_entry e cross join lateral toggl.tags_of(e.workspace_id, e.tag_ids, e.tags) g;';

create or replace view toggl.time_entries as
select e.workspace_id, e.time_entry_id, e.description, e.start_at, e.stop_at,
       toggl.entry_seconds(e.start_at, e.stop_at, e.duration_seconds) as duration_seconds, e.billable,
       e.user_id, u.user_name, u.user_email,
       e.project_id, p.name as project_name, p.client_id, c.name as client_name,
       e.task_id, t.name as task_name,
       case when cardinality(e.tag_ids) > 0 then array(
         select i.tag_id from unnest(e.tag_ids) with ordinality i (tag_id, place)
         where i.tag_id is not null
           and not exists (select from toggl.tag g where g.workspace_id = e.workspace_id and g.tag_id = i.tag_id
                           and g.deleted_at is not null)
         order by i.place) else e.tag_ids end as tag_ids,
       coalesce(case when cardinality(e.tag_ids) > 0 or cardinality(e.tags) > 0 then (
         select array_agg(g.tag_name order by g.tag_name) from toggl.tags_of(e.workspace_id, e.tag_ids, e.tags) g
         where g.tag_name is not null) end, '{}') as tag_names,
       e.updated_at, e.changed_at, e.changed_by
from toggl.time_entry e
left join toggl.users u on u.workspace_id = e.workspace_id and u.user_id = e.user_id
left join toggl.project p on p.workspace_id = e.workspace_id and p.project_id = e.project_id
left join toggl.client c on c.workspace_id = p.workspace_id and c.client_id = p.client_id
left join toggl.task t on t.workspace_id = e.workspace_id and t.task_id = e.task_id
where e.deleted_at is null;
comment on view toggl.time_entries is
  'Time entries that are not deleted, running ones too, with names. A name is null when its entity was never seen. '
  'Example: select start_at, user_name, project_name, description from toggl.time_entries order by start_at desc '
  'limit 10;';
comment on column toggl.time_entries.workspace_id is 'Toggl workspace.';
comment on column toggl.time_entries.time_entry_id is 'Toggl''s number of the entry.';
comment on column toggl.time_entries.description is 'What was done, in the user''s words.';
comment on column toggl.time_entries.start_at is 'When it began.';
comment on column toggl.time_entries.stop_at is
  'When it ended; null while it runs, and for an entry that was given a duration only.';
comment on column toggl.time_entries.duration_seconds is
  'How long it took, in seconds: toggl.entry_seconds; null while it runs.';
comment on column toggl.time_entries.billable is 'Is it marked as billable?';
comment on column toggl.time_entries.user_id is 'Toggl user whose time it is.';
comment on column toggl.time_entries.user_name is 'Name of the user.';
comment on column toggl.time_entries.user_email is 'E-mail address of the user.';
comment on column toggl.time_entries.project_id is 'Project, or null.';
comment on column toggl.time_entries.project_name is 'Name of the project.';
comment on column toggl.time_entries.client_id is 'Client of the project, or null.';
comment on column toggl.time_entries.client_name is 'Name of the client.';
comment on column toggl.time_entries.task_id is 'Task, or null.';
comment on column toggl.time_entries.task_name is 'Name of the task.';
comment on column toggl.time_entries.tag_ids is
  'Tags by number, without those that were deleted; null or empty without tags.';
comment on column toggl.time_entries.tag_names is
  'Tags by name, in alphabetical order: toggl.tags_of. Empty without tags.';
comment on column toggl.time_entries.updated_at is 'When Toggl last changed it, in whole seconds.';
comment on column toggl.time_entries.changed_at is 'When the last change that is known happened at Toggl.';
comment on column toggl.time_entries.changed_by is 'Toggl user who made that change.';

create or replace view toggl.running as
select e.workspace_id, e.time_entry_id, e.user_id, e.user_name, e.project_id, e.project_name, e.client_id,
       e.client_name, e.task_id, e.task_name, e.description, e.tag_names, e.billable, e.start_at,
       greatest(floor(extract(epoch from now() - e.start_at)), 0)::bigint as running_seconds,
       greatest(date_trunc('second', now() - e.start_at), interval '0') as running_for
from toggl.time_entry t
join toggl.time_entries e on e.workspace_id = t.workspace_id and e.time_entry_id = t.time_entry_id
-- the condition of the index of running entries
where t.stop_at is null and t.duration_seconds is null and t.deleted_at is null;
comment on view toggl.running is
  'Timers that run now: the user, the work, the start and the duration. Example: select user_name, project_name, '
  'description, running_for from toggl.running order by start_at;';
comment on column toggl.running.workspace_id is 'Toggl workspace.';
comment on column toggl.running.time_entry_id is 'Toggl''s number of the entry.';
comment on column toggl.running.user_id is 'Toggl user whose timer it is.';
comment on column toggl.running.user_name is 'Name of the user.';
comment on column toggl.running.project_id is 'Project, or null.';
comment on column toggl.running.project_name is 'Name of the project.';
comment on column toggl.running.client_id is 'Client of the project, or null.';
comment on column toggl.running.client_name is 'Name of the client.';
comment on column toggl.running.task_id is 'Task, or null.';
comment on column toggl.running.task_name is 'Name of the task.';
comment on column toggl.running.description is 'What is being done, in the user''s words.';
comment on column toggl.running.tag_names is 'Tags, as in toggl.time_entries.';
comment on column toggl.running.billable is 'Is it marked as billable?';
comment on column toggl.running.start_at is 'When it began.';
comment on column toggl.running.running_seconds is 'How long it has run, in seconds.';
comment on column toggl.running.running_for is 'The same as an interval.';
