-- Everything that hookledger-courier is able to do.
create schema courier;
comment on schema courier is 'Door of hookledger-courier.';
