-- Last of sql/functions: who may do what. Nobody by default; with roles
-- (setting db_roles) each program its interface schema.
revoke all on schema ledger, toggl, receiver, operator, api, courier, admin from public;
revoke all on all tables in schema ledger, toggl from public;
revoke all on all sequences in schema ledger from public;
revoke all on all functions in schema ledger, toggl, receiver, operator, api, courier, admin from public;
