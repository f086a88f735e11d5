-- Roles. `hookledger migrate` runs this file after grants.sql when the setting db_roles is yes. It
-- makes a role without login for each program, which may call only the functions of its interface
-- schema that are security definer, and a role for analysts, who query schema toggl. Logins become
-- members:
--   create role web login password '…' in role hookledger_receiver;
do $$
declare
  program text;
begin
  foreach program in array array['receiver', 'operator', 'api', 'courier', 'admin'] loop
    -- An existing role is used as it is, so an owner without CREATEROLE can use roles that an
    -- administrator made. Roles belong to all databases of the server, so a migrate of another
    -- database may create them at the same moment.
    if not exists (select from pg_roles r where r.rolname = 'hookledger_' || program) then
      begin
        execute format('create role %I nologin', 'hookledger_' || program);
      exception
        when duplicate_object or unique_violation then null;
      end;
    end if;
    execute format('grant usage on schema %I to %I', program, 'hookledger_' || program);
    -- Functions of an interface schema run with the rights of their owner (security definer). The
    -- operations behind admin.call() do not, and are granted to no role.
    execute (select string_agg(format('grant execute on function %s to %I', p.oid::regprocedure,
                                      'hookledger_' || program), ';')
             from pg_proc p where p.pronamespace = program::regnamespace and p.prosecdef);
  end loop;
  -- Analysts: they read schema toggl, where no secret is, and nothing else.
  if not exists (select from pg_roles r where r.rolname = 'hookledger_reader') then
    begin
      create role hookledger_reader nologin;
    exception
      when duplicate_object or unique_violation then null;
    end;
  end if;
  perform ledger.reader_grant(r.rolname) from pg_roles r
  where r.rolname in ('hookledger_reader', ledger.reader_own_group());
  -- The operator exports as one of them.
  if not pg_has_role('hookledger_operator', 'hookledger_reader', 'member') then
    begin
      grant hookledger_reader to hookledger_operator;
    exception
      when unique_violation then null;
      when insufficient_privilege then
        perform ledger.refuse('reader.operator_no_member', jsonb_build_object('role', current_user), '42501');
    end;
  end if;
end
$$;
