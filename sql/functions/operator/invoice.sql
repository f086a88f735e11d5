-- Invoices: stores the entries of a range as they were when it was invoiced; views compare them
-- with the current tables. `hookledger invoice` calls these functions. The result does not depend
-- on when a change was recorded: a change that arrives while the range is frozen is missing in the
-- stored entries and shows as a difference.

-- Times as text in UTC, whatever the time zone of the session: they are compared.
create or replace view ledger.invoice_row as
  select t.workspace_id, t.time_entry_id, t.start_at, d.duration_seconds, t.deleted_at, t.changed_at, t.changed_by,
         t.project_id,
         p.client_id, p.changed_at as client_changed_at, p.changed_by as client_changed_by,
         jsonb_build_object(
           'user_id', t.user_id, 'project_id', t.project_id, 'task_id', t.task_id, 'description', t.description,
           'start_at', (to_jsonb(t.start_at at time zone 'UTC') #>> '{}') || '+00:00',
           'stop_at', (to_jsonb(t.stop_at at time zone 'UTC') #>> '{}') || '+00:00',
           'duration_seconds', d.duration_seconds, 'billable', t.billable,
           'tags', coalesce((select jsonb_agg(g.name order by g.name) from unnest(t.tags) g (name)), '[]')) as entry
  from toggl.time_entry t
  cross join lateral (select toggl.entry_seconds(t.start_at, t.stop_at, t.duration_seconds)) d (duration_seconds)
  -- by key: the planner cannot know how many entries a range has
  left join lateral (select x.client_id, x.changed_at, x.changed_by from toggl.project x
                     where x.workspace_id = t.workspace_id and x.project_id = t.project_id offset 0) p on true;
comment on view ledger.invoice_row is 'Each time entry with the columns that an invoice keeps.';
comment on column ledger.invoice_row.workspace_id is 'Toggl workspace.';
comment on column ledger.invoice_row.time_entry_id is 'Time entry.';
comment on column ledger.invoice_row.start_at is 'When it began.';
comment on column ledger.invoice_row.duration_seconds is 'How long it took: toggl.entry_seconds.';
comment on column ledger.invoice_row.deleted_at is 'When it was deleted.';
comment on column ledger.invoice_row.changed_at is 'When it was last changed.';
comment on column ledger.invoice_row.changed_by is 'Who made that change.';
comment on column ledger.invoice_row.project_id is 'Project.';
comment on column ledger.invoice_row.client_id is 'Client of the project.';
comment on column ledger.invoice_row.client_changed_at is
  'When the project was last changed, and with it perhaps the client.';
comment on column ledger.invoice_row.client_changed_by is 'Who made that change.';
comment on column ledger.invoice_row.entry is 'As ledger.invoice_entry.entry.';

create or replace view ledger.invoice_now as
  select i.invoice_id, r.workspace_id, r.time_entry_id, r.duration_seconds, r.entry, r.changed_at, r.changed_by,
         r.client_changed_at, r.client_changed_by
  from ledger.invoice i
  join ledger.invoice_row r on r.start_at >= i.from_at and r.start_at < i.until_at and r.deleted_at is null
  where (i.workspace_id is null or r.workspace_id = i.workspace_id)
    and (i.client_id is null or r.client_id = i.client_id)
    and (i.project_id is null or r.project_id = i.project_id);
comment on view ledger.invoice_now is 'The entries that each invoice would have if it were made now.';
comment on column ledger.invoice_now.invoice_id is 'Invoice.';
comment on column ledger.invoice_now.workspace_id is 'Toggl workspace.';
comment on column ledger.invoice_now.time_entry_id is 'Time entry.';
comment on column ledger.invoice_now.duration_seconds is 'How long it took.';
comment on column ledger.invoice_now.entry is 'As ledger.invoice_entry.entry.';
comment on column ledger.invoice_now.changed_at is 'When the entry was last changed.';
comment on column ledger.invoice_now.changed_by is 'Who made that change.';
comment on column ledger.invoice_now.client_changed_at is 'When its project was last changed.';
comment on column ledger.invoice_now.client_changed_by is 'Who made that change.';

-- By workspace, because the key of invoice_entry starts with it.
create or replace view toggl.invoice as
  select i.name, i.workspace_id, i.client_id,
         (select c.name from toggl.client c where c.client_id = i.client_id order by c.changed_at desc
          limit 1) as client_name,
         i.project_id,
         (select p.name from toggl.project p where p.project_id = i.project_id order by p.changed_at desc
          limit 1) as project_name,
         i.from_at, i.until_at, i.zone, i.frozen_at, f.entries, f.seconds, n.entries as entries_now,
           n.seconds as seconds_now
  from ledger.invoice i
  cross join lateral (select count(*) as entries,
                      least(coalesce(sum((e.entry ->> 'duration_seconds')::bigint), 0),
                            9223372036854775807)::bigint as seconds
                      from (select distinct p.workspace_id from ledger.endpoint p where p.workspace_id is not null) w
                      join ledger.invoice_entry e on e.workspace_id = w.workspace_id and e.invoice_id = i.invoice_id) f
  cross join lateral (select count(*) as entries,
                      least(coalesce(sum(e.duration_seconds), 0), 9223372036854775807)::bigint as seconds
                      from ledger.invoice_now e where e.invoice_id = i.invoice_id) n;
comment on view toggl.invoice is
  'Time that was invoiced (`hookledger invoice freeze`), with what it came to then and now. Example: select name, '
  'entries, seconds, seconds_now - seconds as seconds_more from toggl.invoice order by frozen_at;';
comment on column toggl.invoice.name is 'What the owner calls it.';
comment on column toggl.invoice.workspace_id is 'Only entries of this workspace; null: of all.';
comment on column toggl.invoice.client_id is 'Only entries of this client''s projects; null: of all.';
comment on column toggl.invoice.client_name is 'Name of that client.';
comment on column toggl.invoice.project_id is 'Only entries of this project; null: of all.';
comment on column toggl.invoice.project_name is 'Name of that project.';
comment on column toggl.invoice.from_at is 'Entries that start then or later.';
comment on column toggl.invoice.until_at is 'Entries that start before then.';
comment on column toggl.invoice.zone is 'Time zone that the range was given in.';
comment on column toggl.invoice.frozen_at is 'When it was frozen.';
comment on column toggl.invoice.entries is 'How many entries it had then.';
comment on column toggl.invoice.seconds is 'Their duration in seconds; one that was running counts nothing.';
comment on column toggl.invoice.entries_now is 'How many entries the same range has now.';
comment on column toggl.invoice.seconds_now is 'Their duration in seconds.';

create or replace view toggl.invoice_change as
  select i.name, d.workspace_id, d.time_entry_id, d.change, d.field, d.old_value, d.new_value, d.changed_at,
         d.changed_by,
         u.user_name as changed_by_name, d.changed_at < i.frozen_at as was_late
  from ledger.invoice i
  cross join lateral (
    -- what was frozen, and is different
    select s.workspace_id, s.time_entry_id,
           case when s.is_gone then 'deleted' when s.is_inside then 'changed' else 'moved out' end as change,
           f.field, f.old_value, f.new_value,
           case when f.field = 'client_id' and s.is_same_project then s.client_changed_at
                else s.changed_at end as changed_at,
           case when f.field = 'client_id' and s.is_same_project then s.client_changed_by
                else s.changed_by end as changed_by
    from (
      select e.workspace_id, e.time_entry_id, e.entry as old_entry, r.entry as new_entry, r.client_id, r.deleted_at,
             r.changed_at, r.changed_by, r.client_changed_at, r.client_changed_by,
             r.time_entry_id is null or r.deleted_at is not null as is_gone,
             i.client_id is not null and r.client_id is distinct from i.client_id as is_other_client,
             r.project_id::text is not distinct from e.entry ->> 'project_id' as is_same_project,
             r.start_at >= i.from_at and r.start_at < i.until_at and (i.client_id is null or r.client_id = i.client_id)
               and (i.project_id is null or r.project_id = i.project_id) as is_inside
      from (select distinct p.workspace_id from ledger.endpoint p where p.workspace_id is not null) w
      join ledger.invoice_entry e on e.workspace_id = w.workspace_id and e.invoice_id = i.invoice_id
      left join lateral (select x.* from ledger.invoice_row x
                         where x.workspace_id = e.workspace_id and x.time_entry_id = e.time_entry_id offset 0) r on true
      offset 0) s
    cross join lateral (
      select k.field, s.old_entry ->> k.field as old_value, s.new_entry ->> k.field as new_value
      from unnest('{user_id,project_id,task_id,description,start_at,stop_at,duration_seconds,billable,tags}'::text[])
        k (field)
      where s.new_entry is not null and s.old_entry ->> k.field is distinct from s.new_entry ->> k.field
      union all
      select 'client_id', i.client_id::text, s.client_id::text where s.new_entry is not null and s.is_other_client
      union all
      select 'deleted_at', null, (to_jsonb(s.deleted_at at time zone 'UTC') #>> '{}') || '+00:00' where s.is_gone) f
    where s.is_gone or s.is_other_client or s.old_entry is distinct from s.new_entry
    union all
    -- what was not frozen, and is there
    select n.workspace_id, n.time_entry_id, case when n.was_known then 'moved in' else 'added' end,
           f.field, null, n.entry ->> f.field,
           case when n.is_by_client then n.client_changed_at else n.changed_at end,
           case when n.is_by_client then n.client_changed_by else n.changed_by end
    from (
      select x.*, k.was_known,
             i.client_id is not null and k.was_known and x.changed_at < i.frozen_at
             and x.client_changed_at >= i.frozen_at as is_by_client
      from (
        select y.* from ledger.invoice_now y
        where y.invoice_id = i.invoice_id
          and not exists (select from ledger.invoice_entry e
                          where e.workspace_id = y.workspace_id and e.invoice_id = i.invoice_id
                            and e.time_entry_id = y.time_entry_id)) x
      cross join lateral (
        select exists (select from ledger.change c
                       where c.entity_id = x.time_entry_id and c.workspace_id = x.workspace_id
                         and c.model = 'time_entry'
                         and c.received_at < i.frozen_at) as was_known) k
      offset 0) n
    cross join
      unnest('{user_id,project_id,task_id,description,start_at,stop_at,duration_seconds,billable,tags}'::text[])
      f (field)
    where n.entry ->> f.field is not null) d
  left join toggl.users u on u.workspace_id = d.workspace_id and u.user_id = d.changed_by;
comment on view toggl.invoice_change is
  'What is different today in time that was invoiced, one row a field. Example: select name, time_entry_id, change, '
  'field, old_value, new_value, changed_at, changed_by_name from toggl.invoice_change order by name, time_entry_id, '
  'field;';
comment on column toggl.invoice_change.name is 'Invoice.';
comment on column toggl.invoice_change.workspace_id is 'Toggl workspace.';
comment on column toggl.invoice_change.time_entry_id is 'Time entry.';
comment on column toggl.invoice_change.change is
  'changed; deleted; added: it was made since, or known too late; moved out of or moved in to the range, the project '
  'or the client''s projects.';
comment on column toggl.invoice_change.field is
  'What is different: a column of toggl.time_entry, or client_id, the client of its project. Of an entry that was '
  'added or moved in: each that has a value.';
comment on column toggl.invoice_change.old_value is
  'As it was invoiced; times in UTC, tags as a JSON list in alphabetical order.';
comment on column toggl.invoice_change.new_value is 'As it is now.';
comment on column toggl.invoice_change.changed_at is
  'When the entry was last changed (for client_id, its project); null when nothing is known of it any more.';
comment on column toggl.invoice_change.changed_by is 'Toggl user who made that change.';
comment on column toggl.invoice_change.changed_by_name is 'Name of that user.';
comment on column toggl.invoice_change.was_late is
  'It happened before the range was frozen, and was recorded after it.';

-- ---- the operator's part

create function operator.invoice_freeze(name text, from_day text, until_day text, zone text, workspace bigint,
                                        client bigint, project bigint)
returns table (invoice_id bigint, entries bigint, seconds bigint, days bigint, unchecked jsonb, differs jsonb,
               unknown jsonb)
language plpgsql security definer set search_path = ledger, pg_temp set jit = off
as $$
#variable_conflict use_column
declare
  frozen ledger.invoice;
  workspaces bigint[];
begin
  if length(invoice_freeze.name) not between 1 and 200 then
    perform ledger.refuse('name.length');
  end if;
  if from_day !~ '^\d{4}-\d\d-\d\d$' or until_day !~ '^\d{4}-\d\d-\d\d$' then
    perform ledger.refuse('day.malformed');
  end if;
  if not exists (select from pg_timezone_names z where z.name = invoice_freeze.zone) then
    perform ledger.refuse('zone.unknown', jsonb_build_object('zone', invoice_freeze.zone));
  end if;
  if until_day::date <= from_day::date then
    perform ledger.refuse('range.empty');
  end if;
  -- A number that was never recorded is a typing error.
  if not exists (select from ledger.endpoint e where e.workspace_id = workspace) and workspace is not null then
    perform ledger.refuse('workspace.unknown', jsonb_build_object('workspace_id', workspace));
  end if;
  if not exists (select from toggl.client c where c.client_id = client)
     and not exists (select from toggl.project p where p.client_id = client) and client is not null then
    perform ledger.refuse('client.unknown', jsonb_build_object('client_id', client));
  end if;
  if not exists (select from toggl.project p where p.project_id = project)
     and not exists (select from toggl.time_entry t where t.project_id = project) and project is not null then
    perform ledger.refuse('project.unknown', jsonb_build_object('project_id', project));
  end if;
  insert into ledger.invoice (name, workspace_id, client_id, project_id, from_at, until_at, zone, frozen_at)
  values (invoice_freeze.name, workspace, client, project, from_day::timestamp at time zone invoice_freeze.zone,
          until_day::timestamp at time zone invoice_freeze.zone, invoice_freeze.zone, clock_timestamp())
  returning * into frozen;
  -- One statement, so one snapshot: a later commit shows as a difference.
  insert into ledger.invoice_entry (workspace_id, invoice_id, time_entry_id, entry)
  select n.workspace_id, n.invoice_id, n.time_entry_id, n.entry from ledger.invoice_now n
    where n.invoice_id = frozen.invoice_id;
  workspaces := array(
    select workspace where workspace is not null
    union select p.workspace_id from toggl.project p
          where workspace is null and (p.project_id = project or project is null and p.client_id = client)
    union select e.workspace_id from ledger.endpoint e
          where workspace is null and client is null and project is null and e.workspace_id is not null);
  return query
    select frozen.invoice_id, f.entries, f.seconds, (until_day::date - from_day::date)::bigint, n.unchecked, n.differs,
           n.unknown
    from (select count(*) as entries,
                 least(coalesce(sum((e.entry ->> 'duration_seconds')::bigint), 0),
                       9223372036854775807)::bigint as seconds
          from ledger.invoice_entry e where e.invoice_id = frozen.invoice_id) f
    cross join (select coalesce(jsonb_agg(d.day order by d.day) filter (where d.state = 'unchecked'),
                                '[]') as unchecked,
                       coalesce(jsonb_agg(d.day order by d.day) filter (where d.state = 'differs'), '[]') as differs,
                       coalesce(jsonb_agg(d.day order by d.day) filter (where d.state = 'unknown'), '[]') as unknown
                from ledger.days_not_agreed(workspaces, from_day::date, until_day::date - 1, frozen.zone) d) n;
exception
  when unique_violation then
    perform ledger.refuse('invoice.exists', jsonb_build_object('name', invoice_freeze.name));
end
$$;
comment on function operator.invoice_freeze(text, text, text, text, bigint, bigint, bigint) is
  'Keeps the entries that start from the first day on, before the last (which does not belong to the range), in a '
  'time zone, as they are now. workspace, client, project: only theirs; null: of all. Returns how many there are and '
  'their seconds, how many days the range has, and which of them may lack something that Toggl has: unchecked (not '
  'compared with Toggl since the day ended), differs, unknown (it cannot be known).';

create function operator.invoice_list()
returns table (name text, from_day text, until_day text, zone text, workspace_id bigint, client text, project text,
               frozen_us bigint, entries bigint, seconds bigint, entries_now bigint, seconds_now bigint)
language sql stable security definer set search_path = ledger, pg_temp set jit = off
as $$
  select i.name, to_char(i.from_at at time zone i.zone, 'YYYY-MM-DD'),
         to_char(i.until_at at time zone i.zone, 'YYYY-MM-DD'), i.zone, i.workspace_id,
         coalesce(i.client_name, i.client_id::text),
         coalesce(i.project_name, i.project_id::text), ledger.us(i.frozen_at), i.entries, i.seconds, i.entries_now,
           i.seconds_now
  from toggl.invoice i
  order by i.frozen_at, i.name
$$;
comment on function operator.invoice_list() is
  'What was invoiced, the oldest first, as toggl.invoice has it; days in the zone of each, until_day does not belong '
  'to it.';

create function operator.invoice_changes(name text)
returns table (time_entry_id bigint, change text, field text, old_value text, new_value text, changed_us bigint,
               changed_by text, was_late boolean)
language plpgsql stable security definer set search_path = ledger, pg_temp set jit = off
as $$
#variable_conflict use_column
begin
  if not exists (select from ledger.invoice i where i.name = invoice_changes.name) then
    perform ledger.refuse('invoice.unknown', jsonb_build_object('name', invoice_changes.name), 'P0002');
  end if;
  return query
    select c.time_entry_id, c.change, c.field, c.old_value, c.new_value, ledger.us(c.changed_at),
           coalesce(c.changed_by_name, c.changed_by::text), c.was_late
    from toggl.invoice_change c
    where c.name = invoice_changes.name
    order by c.changed_at, c.time_entry_id, c.field;
end
$$;
comment on function operator.invoice_changes(text) is
  'What is different today in time that was invoiced, as toggl.invoice_change has it; P0002 when there is no such '
  'invoice.';

create function operator.invoice_thaw(name text)
returns void
language plpgsql security definer set search_path = ledger, pg_temp
as $$
begin
  delete from ledger.invoice i where i.name = invoice_thaw.name;
  if not found then
    perform ledger.refuse('invoice.unknown', jsonb_build_object('name', invoice_thaw.name), 'P0002');
  end if;
end
$$;
comment on function operator.invoice_thaw(text) is
  'Forgets an invoice and what was kept of it; P0002 when there is none.';
