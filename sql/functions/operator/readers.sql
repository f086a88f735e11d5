-- Logins of analysts: `hookledger reader`. For the owner of the database, who
-- calls them with his own rights: making roles is nothing that an interface schema may do.

create function ledger.reader_rights()
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  reader oid := (select r.oid from pg_roles r where r.rolname = 'hookledger_reader');
begin
  -- Roles belong to all databases: it may be there for another one.
  if reader is null or not has_schema_privilege(reader, 'toggl', 'usage') then
    perform ledger.refuse('reader.role_missing');
  end if;
  if not exists (select from pg_roles r where r.rolname = current_user and (r.rolsuper or r.rolcreaterole)) then
    perform ledger.refuse('reader.no_createrole',
                          jsonb_build_object('role', current_user, 'quoted_role', quote_ident(current_user)));
  end if;
end
$$;
comment on function ledger.reader_rights() is
  'Nothing when the current role can make logins for analysts; else an error that says what to do.';

create function ledger.reader_own_group()
returns text
language sql stable set search_path = ledger, pg_temp
return (select 'hookledger_reader_' || d.oid from pg_database d where d.datname = current_database());
comment on function ledger.reader_own_group() is
  'The role that replaces hookledger_reader where the owner of this database may not make members of '
  'hookledger_reader: since PostgreSQL 16 only the role that created it may, and that can be the owner of another '
  'database of the server.';

create function ledger.reader_group()
returns text
language sql stable set search_path = ledger, pg_temp
return case
  when current_setting('server_version_num')::integer < 160000
       or exists (select from pg_roles r where r.rolname = current_user and r.rolsuper)
       or pg_has_role('hookledger_reader', 'member with admin option') then 'hookledger_reader'
  else ledger.reader_own_group() end;
comment on function ledger.reader_group() is 'The role of which the current role makes logins for analysts a member.';

create function ledger.reader_grant(reader text)
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  execute format('grant usage on schema toggl to %I', reader);
  execute format('grant select on all tables in schema toggl to %I', reader);
  execute format('grant execute on all functions in schema toggl to %I', reader);
end
$$;
comment on function ledger.reader_grant(text) is 'Lets a role read schema toggl, where no secret is, and nothing else.';

create function ledger.reader_add(login text, verifier text, timeout_ms bigint, connections bigint)
returns text
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  reader constant text := ledger.reader_group();
begin
  perform ledger.reader_rights();
  if login !~ '^[a-z][a-z0-9_.-]{0,62}$' or login ~ '^(pg|hookledger)_' then
    perform ledger.refuse('reader.login_malformed');
  end if;
  if login in ('none', 'public') then
    perform ledger.refuse('reader.login_reserved', jsonb_build_object('login', login));
  end if;
  if verifier !~ '^SCRAM-SHA-256\$' then
    perform ledger.refuse('reader.password_form');
  end if;
  if timeout_ms not between 0 and 2147483647 or connections not between 1 and 1000 then
    perform ledger.refuse('reader.limits');
  end if;
  if exists (select from pg_roles r where r.rolname = login) then
    perform ledger.refuse('reader.role_exists', jsonb_build_object('login', login), '23505');
  end if;
  if not exists (select from pg_roles r where r.rolname = reader) then
    execute format('create role %I nologin', reader);
    perform ledger.reader_grant(reader);
  end if;
  begin
    execute format('create role %I login password %L connection limit %s in role %I', login, verifier, connections,
                   reader);
  exception
    when insufficient_privilege then
      perform ledger.refuse('reader.no_admin_option',
                            jsonb_build_object('role', current_user, 'quoted_role', quote_ident(current_user)));
  end;
  execute format('alter role %I set default_transaction_read_only = on', login);
  execute format('alter role %I set statement_timeout = %L', login, timeout_ms);
  execute format('alter role %I set idle_in_transaction_session_timeout = %L', login, '5min');
  execute format('alter role %I set search_path = toggl', login);
  execute format('comment on role %I is %L', login, 'Made by `hookledger reader add`.');
  return current_database();
end
$$;
comment on function ledger.reader_add(text, text, bigint, bigint) is
  'Makes a login that reads schema toggl: member of ledger.reader_group(), read only, each statement at most '
  'timeout_ms (0: no limit), at most so many connections. Returns the name of the database.';

create function ledger.reader_list()
returns table (login text, is_ours boolean, timeout text, connections bigint, in_use bigint)
language sql stable set search_path = ledger, pg_temp
begin atomic
  select r.rolname::text,
         coalesce(shobj_description(r.oid, 'pg_authid') = 'Made by `hookledger reader add`.', false),
         coalesce((select o.option_value from pg_options_to_table(r.rolconfig) o
                   where o.option_name = 'statement_timeout'), ''),
         r.rolconnlimit::bigint,
         (select count(*) from pg_stat_activity a where a.usename = r.rolname)
  from pg_auth_members m
  join pg_roles g on g.oid = m.roleid and g.rolname in ('hookledger_reader', ledger.reader_own_group())
  join pg_roles r on r.oid = m.member and r.rolcanlogin
  -- PostgreSQL 16 makes who creates a role its administrator, by a membership.
  where not m.admin_option
  order by r.rolname;
end;
comment on function ledger.reader_list() is
  'The logins that are members of hookledger_reader: whether reader_add() made them, their time limit (ms when '
  'without a unit; empty: none of their own), how many connections they may have (-1: any number) and have.';

create function ledger.reader_remove(login text)
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  is_ours boolean := (select l.is_ours from ledger.reader_list() l where l.login = reader_remove.login);
begin
  if is_ours is null then
    perform ledger.refuse('reader.unknown', jsonb_build_object('login', login), 'P0002');
  end if;
  perform ledger.reader_rights();
  if not is_ours then
    perform ledger.refuse('reader.not_ours', jsonb_build_object('login', login, 'quoted_login', quote_ident(login)));
  end if;
  -- Open sessions would continue. A role may end the sessions of a role only if it is a member of
  -- it.
  execute format('alter role %I nologin', login);
  execute format('grant %I to %I', login, current_user);
  perform pg_terminate_backend(a.pid) from pg_stat_activity a where a.usename = login;
  begin
    execute format('drop role %I', login);
  exception
    when dependent_objects_still_exist then
      perform ledger.refuse('reader.owns_objects',
                            jsonb_build_object('login', login, 'quoted_login', quote_ident(login)));
  end;
end
$$;
comment on function ledger.reader_remove(text) is
  'Ends the sessions of a login that reader_add() made, and drops it. P0002: there is none.';
