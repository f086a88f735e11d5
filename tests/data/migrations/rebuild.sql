-- A migration that only tests have: the typed tables are to be written anew, as
-- after a change of what they are made of.
insert into ledger.rebuild (reason) values ('upgrade');
