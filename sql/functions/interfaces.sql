-- The schemas of functions: one for each program, which may call nothing else.
create schema receiver;
comment on schema receiver is 'Door of hookledger-receiver.';
create schema operator;
comment on schema operator is 'Door of the command line.';
create schema api;
comment on schema api is 'Door of hookledger-api.';
create schema courier;
comment on schema courier is 'Door of hookledger-courier.';
create schema admin;
comment on schema admin is 'Interface of hookledger-admin: call(), and the few functions that need no session.';
