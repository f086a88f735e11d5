-- Grants. `hookledger migrate` runs this file last of sql/functions. By default only the owner may
-- call functions; with the setting db_roles, the role of each program may call the functions of its
-- interface schema (roles.sql).
revoke all on schema ledger, toggl, receiver, operator, api, courier, admin from public;
revoke all on all tables in schema ledger, toggl from public;
revoke all on all sequences in schema ledger from public;
revoke all on all functions in schema ledger, toggl, receiver, operator, api, courier, admin from public;
