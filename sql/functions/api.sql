-- Everything that hookledger-api is able to do.
create schema api;
comment on schema api is 'Door of hookledger-api.';
