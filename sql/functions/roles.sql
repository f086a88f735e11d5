-- Run after grants.sql when the setting db_roles is yes: a role without login
-- for each program, with its door and nothing else. Logins are made members:
--   create role web login password '…' in role hookledger_receiver;
do $$
declare
  door text;
begin
  foreach door in array array['receiver', 'operator'] loop
    begin
      execute format('create role %I nologin', 'hookledger_' || door);
    exception
      when duplicate_object or unique_violation then null;
    end;
    execute format('grant usage on schema %I to %I', door, 'hookledger_' || door);
    execute format('grant execute on all functions in schema %I to %I', door, 'hookledger_' || door);
  end loop;
end
$$;
