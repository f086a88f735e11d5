-- Schema toggl for those who ask questions: the typed tables with names in them.
-- People build on it: a view is replaced, never dropped, and gets new columns at
-- its end only; nothing here depends on a function of schema ledger, because
-- migrate drops those. The comment of a view or function ends with an example,
-- which a test runs.

create or replace view toggl.users as
select distinct on (w.workspace_id, w.user_id)
       w.workspace_id, w.user_id, w.name as user_name, w.email as user_email, w.active, w.role, w.timezone,
       w.rate, w.labor_cost, w.working_minutes, w.deleted_at
from toggl.workspace_user w
where w.user_id is not null
order by w.workspace_id, w.user_id, w.deleted_at is null desc, w.changed_at desc, w.changed_event_id desc;
comment on view toggl.users is
  'The people of each workspace, one row a user. Of one who left and came back: the row that is not deleted, else the one that changed last. Example: select user_name, user_email from toggl.users where deleted_at is null order by user_name;';
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

create or replace view toggl.time_entries as
select e.workspace_id, e.time_entry_id, e.description, e.start_at, e.stop_at, e.duration_seconds, e.billable,
       e.user_id, u.user_name, u.user_email,
       e.project_id, p.name as project_name, p.client_id, c.name as client_name,
       e.task_id, t.name as task_name, e.tag_ids,
       coalesce(case when cardinality(e.tag_ids) > 0 or cardinality(e.tags) > 0 then (
         select case when cardinality(e.tag_ids) > 0 and count(g.name) = cardinality(e.tag_ids) or coalesce(e.tags, '{}') = '{}'
                     then array_agg(g.name order by g.name) filter (where g.name is not null)
                     else (select array_agg(n.name order by n.name) from unnest(e.tags) n (name)) end
         from unnest(e.tag_ids) i (tag_id)
         left join toggl.tag g on g.workspace_id = e.workspace_id and g.tag_id = i.tag_id) end, '{}') as tag_names,
       e.updated_at, e.changed_at, e.changed_by
from toggl.time_entry e
left join toggl.users u on u.workspace_id = e.workspace_id and u.user_id = e.user_id
left join toggl.project p on p.workspace_id = e.workspace_id and p.project_id = e.project_id
left join toggl.client c on c.workspace_id = p.workspace_id and c.client_id = p.client_id
left join toggl.task t on t.workspace_id = e.workspace_id and t.task_id = e.task_id
where e.deleted_at is null;
comment on view toggl.time_entries is
  'Time entries that are not deleted, running ones too, with names. A name is null when its entity was never seen. Example: select start_at, user_name, project_name, description from toggl.time_entries order by start_at desc limit 10;';
comment on column toggl.time_entries.workspace_id is 'Toggl workspace.';
comment on column toggl.time_entries.time_entry_id is 'Toggl''s number of the entry.';
comment on column toggl.time_entries.description is 'What was done, in the user''s words.';
comment on column toggl.time_entries.start_at is 'When it began.';
comment on column toggl.time_entries.stop_at is 'When it ended; null while it runs, and for an entry that was given a duration only.';
comment on column toggl.time_entries.duration_seconds is 'How long it took, in seconds; null while it runs.';
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
comment on column toggl.time_entries.tag_ids is 'Tags by number; null or empty without tags.';
comment on column toggl.time_entries.tag_names is 'Tags by their names of today, in alphabetical order; when one of them was never seen, by the names that the entry itself has. Empty without tags.';
comment on column toggl.time_entries.updated_at is 'When Toggl last changed it, in whole seconds.';
comment on column toggl.time_entries.changed_at is 'When the last change that is known happened at Toggl.';
comment on column toggl.time_entries.changed_by is 'Toggl user who made that change.';

create or replace view toggl.running as
select e.workspace_id, e.time_entry_id, e.user_id, e.user_name, e.project_id, e.project_name, e.client_id, e.client_name,
       e.task_id, e.task_name, e.description, e.tag_names, e.billable, e.start_at,
       greatest(floor(extract(epoch from now() - e.start_at)), 0)::bigint as running_seconds,
       greatest(date_trunc('second', now() - e.start_at), interval '0') as running_for
from toggl.time_entries e
where e.stop_at is null and e.duration_seconds is null;
comment on view toggl.running is
  'Who is tracking what, since when, for how long. Example: select user_name, project_name, description, running_for from toggl.running order by start_at;';
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
