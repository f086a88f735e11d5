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
    raise exception 'there is no role hookledger_reader that may read this database'
      using hint = 'set db_roles = yes and run `hookledger migrate`; for a host that allows no roles see doc/operate.md, "For analysts"';
  end if;
  if not exists (select from pg_roles r where r.rolname = current_user and (r.rolsuper or r.rolcreaterole)) then
    raise exception '% may not make or remove roles', current_user
      using hint = format('an administrator can: alter role %I createrole; or do it as doc/operate.md, "For analysts", shows', current_user);
  end if;
end
$$;
comment on function ledger.reader_rights() is
  'Nothing when the current role can make logins for analysts; else an error that says what to do.';

create function ledger.reader_add(login text, verifier text, timeout_ms bigint, connections bigint)
returns text
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  perform ledger.reader_rights();
  if login !~ '^[a-z][a-z0-9_.-]{0,62}$' or login ~ '^(pg|hookledger)_' then
    raise exception 'a login has 1 to 63 of a-z, 0-9, _, . and -, begins with a letter, and not with pg_ or hookledger_'
      using errcode = '22023';
  end if;
  if login in ('none', 'public') then
    raise exception 'PostgreSQL keeps the name "%" for itself', login using errcode = '22023';
  end if;
  if verifier !~ '^SCRAM-SHA-256\$' then
    raise exception 'a password comes as its SCRAM verifier' using errcode = '22023';
  end if;
  if timeout_ms not between 0 and 2147483647 or connections not between 1 and 1000 then
    raise exception 'a time limit is at most 24 days, and connections are 1 to 1000' using errcode = '22023';
  end if;
  if exists (select from pg_roles r where r.rolname = login) then
    raise exception 'there is a role "%" already; roles belong to all databases of a server', login using errcode = '23505';
  end if;
  begin
    execute format('create role %I login password %L connection limit %s in role hookledger_reader',
                   login, verifier, connections);
  exception
    when insufficient_privilege then
      raise exception '% may not make members of hookledger_reader', current_user
        using hint = format('an administrator can: grant hookledger_reader to %I with admin option', current_user);
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
  'Makes a login that reads schema toggl: member of hookledger_reader, read only, each statement at most timeout_ms (0: no limit), at most so many connections. Returns the name of the database.';

create function ledger.reader_list()
returns table (login text, is_ours boolean, timeout text, connections bigint, in_use bigint)
language sql stable set search_path = ledger, pg_temp
begin atomic
  select r.rolname::text,
         coalesce(shobj_description(r.oid, 'pg_authid') = 'Made by `hookledger reader add`.', false),
         coalesce((select o.option_value from pg_options_to_table(r.rolconfig) o where o.option_name = 'statement_timeout'), ''),
         r.rolconnlimit::bigint,
         (select count(*) from pg_stat_activity a where a.usename = r.rolname)
  from pg_auth_members m
  join pg_roles g on g.oid = m.roleid and g.rolname = 'hookledger_reader'
  join pg_roles r on r.oid = m.member and r.rolcanlogin
  order by r.rolname;
end;
comment on function ledger.reader_list() is
  'The logins that are members of hookledger_reader: whether reader_add() made them, their time limit (ms when without a unit; empty: none of their own), how many connections they may have (-1: any number) and have.';

create function ledger.reader_remove(login text)
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  is_ours boolean := (select l.is_ours from ledger.reader_list() l where l.login = reader_remove.login);
begin
  if is_ours is null then
    raise exception 'there is no reader "%"', login using errcode = 'P0002', hint = '`hookledger reader list` shows them';
  end if;
  perform ledger.reader_rights();
  if not is_ours then
    raise exception '"%" was not made by `hookledger reader add`', login
      using hint = format('to take the right away: revoke hookledger_reader from %I', login);
  end if;
  -- Who is connected would stay so. To end somebody's sessions one must be able
  -- to act as he.
  execute format('alter role %I nologin', login);
  execute format('grant %I to %I', login, current_user);
  perform pg_terminate_backend(a.pid) from pg_stat_activity a where a.usename = login;
  begin
    execute format('drop role %I', login);
  exception
    when dependent_objects_still_exist then
      raise exception 'role "%" owns objects, or has other rights', login
        using hint = format('in each database where it has any, an administrator can: drop owned by %I', login);
  end;
end
$$;
comment on function ledger.reader_remove(text) is
  'Ends the sessions of a login that reader_add() made, and drops it. P0002: there is none.';
