-- The schemas of functions: one for each program, which may call nothing else.
create schema receiver;
comment on schema receiver is 'Interface schema of hookledger-receiver: the functions that it may call.';
create schema operator;
comment on schema operator is 'Interface schema of the command line: the functions that it may call.';
create schema api;
comment on schema api is 'Interface schema of hookledger-api: the functions that it may call.';
create schema courier;
comment on schema courier is 'Interface schema of hookledger-courier: the functions that it may call.';
create schema admin;
comment on schema admin is 'Interface of hookledger-admin: call(), and the few functions that need no session.';
