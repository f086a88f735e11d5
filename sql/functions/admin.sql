-- Everything that hookledger-admin is able to do.
create schema admin;
comment on schema admin is 'Door of hookledger-admin.';
