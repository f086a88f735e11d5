-- The interface schema of the command line.
-- Runs alone: an open transaction of another test would be the oldest of the server.
begin;
create extension if not exists pgtap;
select plan(92);

-- ---- endpoints

select is(endpoint_name, 'workspace 7435584', 'an endpoint without a name is called after its workspace')
from operator.endpoint_add('address_of_the_first_1', null, 7435584, '\x01');
select is(endpoint_name, 'zweite', 'or as given')
from operator.endpoint_add('address_of_the_second_', 'zweite', null, '\x02');
select is(endpoint_name, 'endpoint', 'or simply so')
from operator.endpoint_add('address_of_the_third_3', null, null, '\x03');
create temp view first as select endpoint_id from ledger.endpoint where address = 'address_of_the_first_1';
create temp view third as select endpoint_id from ledger.endpoint where address = 'address_of_the_third_3';
select throws_ok($$select operator.endpoint_add('address_of_the_first_1', null, 1, '\x01')$$, '23505', null, 'an address is unique');
select throws_ok($$select operator.endpoint_add('address_of_the_fourth4', '', 1, '\x01')$$, '22023', null, 'a name is not empty');
select throws_ok($$select operator.endpoint_add('address_of_the_fourth4', repeat('x', 201), 1, '\x01')$$, '22023', null, 'nor longer than 200');
select throws_ok($$select operator.endpoint_add('address_of_the_fourth4', 'x', -1, '\x01')$$, '22023', null, 'a workspace is above 0');
select is(count(*), 3::bigint, 'a refused one leaves nothing') from ledger.endpoint;

select is(count(*), 3::bigint, 'list gives all') from operator.endpoint_list(null, 10);
select is(count(*), 1::bigint, 'or a page') from operator.endpoint_list((select endpoint_id from first), 1);
select results_eq(
  $$select name, workspace_id, enabled, valid_secrets from operator.endpoint_find((select endpoint_id from first))$$,
  $$values ('workspace 7435584', 7435584::bigint, true, 1::bigint)$$, 'find gives one');
select throws_ok($$select operator.endpoint_find(999)$$, 'P0002', null, 'or says that there is none');

select operator.endpoint_enable((select endpoint_id from first), false);
select is(enabled, false, 'disabled') from operator.endpoint_find((select endpoint_id from first));
select operator.endpoint_enable((select endpoint_id from first), true);
select is(enabled, true, 'and enabled') from operator.endpoint_find((select endpoint_id from first));
select throws_ok($$select operator.endpoint_enable(999, true)$$, 'P0002', null, 'only one that there is');

-- ---- secrets

select cmp_ok(operator.endpoint_rotate((select endpoint_id from first), '\x11', 3600000000), '>', 0::bigint, 'rotate gives the number of the new secret');
select results_eq(
  $$select is_valid, valid_until_us from operator.secret_list((select endpoint_id from first))$$,
  $$values (true, null::bigint), (true, ledger.us(now() + interval '1 hour'))$$, 'the new one has no end, the old one has');
select operator.endpoint_rotate((select endpoint_id from first), '\x12', 7200000000);
select results_eq(
  $$select valid_until_us from operator.secret_list((select endpoint_id from first))$$,
  $$values (null::bigint), (ledger.us(now() + interval '2 hours')), (ledger.us(now() + interval '1 hour'))$$,
  'a second rotation does not prolong the first');
select operator.endpoint_rotate((select endpoint_id from first), '\x13', 0);
select is(count(*) filter (where is_valid), 1::bigint, 'keeping the old ones for no time ends them')
from operator.secret_list((select endpoint_id from first));
select throws_ok($$select operator.endpoint_rotate(999, '\x13', 0)$$, 'P0002', null, 'only of an endpoint that there is');
select throws_ok($$select operator.endpoint_rotate(1, '\x13', -1)$$, '22023', null, 'not into the past');
select throws_ok($$select operator.endpoint_rotate(1, '\x13', 9e15::bigint)$$, '22023', null, 'nor for ever');

create temp view current as
  select s.secret_id, s.endpoint_id from ledger.endpoint_secret s where s.sealed = '\x13';
select is(operator.secret_revoke(endpoint_id, secret_id), 0::bigint, 'revoking the last says that none is left') from current;
select ok(not exists (select from receiver.keys() k join first f on f.endpoint_id = k.endpoint_id where k.sealed = '\x13'),
          'the receiver gets it no more');
select throws_ok($$select operator.secret_revoke(endpoint_id, secret_id) from current$$, '22023', null, 'twice is once');
select throws_ok($$select operator.secret_revoke((select endpoint_id from third), secret_id) from current$$, 'P0002', null,
                 'only of its own endpoint');
select results_eq($$select sealed from operator.secret_read(null, 2)$$, array['\x01'::bytea, '\x02'], 'all secrets, a page');
select is(count(*), 6::bigint, 'those out of use too') from operator.secret_read(0, 100);
select is(count(*), 6::bigint, 'and with its home, for a new master key') from operator.sealed_list();
select is(operator.sealed_replace(e.address, '\x13', '\x99'), true, 'a secret is sealed anew')
from current c join ledger.endpoint e on e.endpoint_id = c.endpoint_id;
select is(operator.sealed_replace(e.address, '\x13', '\x98'), false, 'unless somebody was faster')
from current c join ledger.endpoint e on e.endpoint_id = c.endpoint_id;
savepoint subscribed;
insert into ledger.organization (organization_id, name) values (1, 'one');
insert into ledger.workspace values (7435584, 1);
insert into ledger.account (account_id, name, user_id, token_digest) overriding system value values (1, 'Ada', 11, sha256('ada'));
insert into ledger.subscription (subscription_id, workspace_id, account_id, description, url_callback, filters, event_filters,
                                 secret_sealed, secret_before_sealed, enabled, validation_code)
overriding system value values (77, 7435584, 1, 'x', 'https://example.org/', '{}', '[]', '\x71', '\x72', true, 'c');
select set_eq($$select context, sealed from operator.sealed_list() where context like 'subscription:%'$$,
              $$values ('subscription:77', '\x71'::bytea), ('subscription:77', '\x72')$$, 'those of subscriptions too, both');
select is(operator.sealed_replace('subscription:77', '\x72', '\x79'), true, 'the one before');
select results_eq('select secret_sealed, secret_before_sealed from ledger.subscription', $$values ('\x71'::bytea, '\x79'::bytea)$$, 'and no other');
rollback to subscribed;

-- ---- events

create function pg_temp.record(event bigint, txid xid8, epoch integer, model text default 'tag', workspace bigint default 7435584)
returns void language sql as $$
  insert into ledger.event (workspace_id, event_id, created_at, received_at, epoch, txid, endpoint_id, secret_id, creator_id,
                            entity_id, model, action, source, signature, body)
  values (workspace, event, '2026-07-01'::timestamptz + event * interval '1 day', now(), epoch, txid, 1, 1, 5, event * 10,
          model, 'created', 'webhook', '\xab', ('{"n" : ' || event || '}')::json)
$$;
-- Recorded in the order 2, 1 (a transaction with a higher number that
-- committed earlier has the lower place), then 3, in the next epoch 4.
select pg_temp.record(1, '700', 1), pg_temp.record(2, '600', 1), pg_temp.record(3, '701', 1, 'project');
create temp table seqs as select event_id, seq from ledger.event;

select results_eq($$select event_id from operator.event_list(null, 10, null, null, null, null, null, null, null)$$,
                  array[3::bigint, 1, 2], 'the newest first, in the order of transactions');
select results_eq(
  $$select event_id from operator.event_list(
      (select cursor from operator.event_list(null, 1, null, null, null, null, null, null, null)),
      1, null, null, null, null, null, null, null)$$,
  array[1::bigint], 'a page goes on before a cursor');
select is_empty($$select event_id from operator.event_list(null, 10, 999, null, null, null, null, null, null)$$, 'by workspace');
select results_eq($$select event_id from operator.event_list(null, 10, 7435584, 'project', 'created', 30, 5, null, null)$$,
                  array[3::bigint], 'by everything');
select is_empty($$select event_id from operator.event_list(null, 10, null, null, 'deleted', null, null, null, null)$$, 'by action');
select is_empty($$select event_id from operator.event_list(null, 10, null, null, null, 99, null, null, null)$$, 'by entity');
select is_empty($$select event_id from operator.event_list(null, 10, null, null, null, null, 99, null, null)$$, 'by user');
select results_eq(
  $$select event_id from operator.event_list(null, 10, null, null, null, null, null, '2026-07-02', '2026-07-03')$$,
  array[1::bigint], 'from a time, which belongs to it, to a time, which does not');
select throws_ok($$select operator.event_list('nonsense', 1, null, null, null, null, null, null, null)$$, '22023', null,
                 'a cursor that is none');

-- The end is the oldest transaction that runs; this one does.
select is(operator.event_end(), '1-' || pg_current_xact_id()::text || '-0', 'nothing of a running transaction is complete');
select results_eq($$select event_id from operator.event_read(null, null, 10, 1000000, null, null, null, null, null, null, null)$$,
                  array[2::bigint, 1, 3], 'read gives them in the order of recording');
select pg_temp.record(5, pg_current_xact_id(), 1);
select results_eq($$select event_id from operator.event_read(null, null, 10, 1000000, null, null, null, null, null, null, null)$$,
                  array[2::bigint, 1, 3], 'and not those of a transaction that still runs');
delete from ledger.event where event_id = 5;
select results_eq(
  $$select event_id from operator.event_read(
      (select '1-600-' || seq from seqs where event_id = 2), null, 10, 1000000, null, null, null, null, null, null, null)$$,
  array[1::bigint, 3], 'behind a cursor');
select results_eq(
  $$select event_id from operator.event_read(
      null, (select '1-701-' || seq from seqs where event_id = 3), 10, 1000000, null, null, null, null, null, null, null)$$,
  array[2::bigint, 1], 'before a cursor');
select is(count(*), 2::bigint, 'at most so many')
from operator.event_read(null, null, 2, 1000000, null, null, null, null, null, null, null);
select is(count(*), 1::bigint, 'at most so many bytes, but at least one')
from operator.event_read(null, null, 10, 1, null, null, null, null, null, null, null);
select results_eq(
  $$select signature, body::text from operator.event_read(null, null, 10, 1000000, null, 'project', null, null, null, null, null)$$,
  $$values ('\xab'::bytea, '{"n" : 3}')$$, 'with signature and body as they are');
select is(operator.event_count(null, null, null, null, null, null, null, null, null), 3::bigint, 'count agrees');
select is(operator.event_count(null, null, null, 'tag', null, null, null, null, null), 2::bigint, 'with a filter too');

select results_eq($$select event_id, body::text from operator.event_find(1)$$, $$values (1::bigint, '{"n" : 1}')$$, 'one event');
select throws_ok($$select operator.event_find(999)$$, 'P0002', null, 'or that there is none');

-- ---- quarantine

select receiver.quarantine(array[(select endpoint_id from first), (select endpoint_id from third)], '{1,3}',
                           array_fill(now(), '{2}'), '{json,event}', '{\\x01,\\x02}', '{\\xff00,\\x7b7d}');
create temp view item as select min(quarantine_id) as id, max(quarantine_id) as other from ledger.quarantine;
select results_eq($$select reason, bytes, retried_as from operator.quarantine_list(null, 10, true)$$,
                  $$values ('json', 2::bigint, null), ('event', 2, null)$$, 'what is in quarantine');
select is(count(*), 1::bigint, 'page by page') from operator.quarantine_list((select id from item), 10, true);
select results_eq($$select address, signature, body from operator.quarantine_find((select id from item))$$,
                  $$values ('address_of_the_first_1', '\x01'::bytea, '\xff00'::bytea)$$, 'one of them');
select throws_ok($$select operator.quarantine_find(999)$$, 'P0002', null, 'or that there is none');
select operator.quarantine_settle((select id from item), 'recorded');
select is(count(*), 1::bigint, 'a settled one waits no more') from operator.quarantine_list(null, 10, true);
select is(count(*), 2::bigint, 'but stays') from operator.quarantine_list(null, 10, false);
select is(retried_as, 'recorded', 'with its outcome') from operator.quarantine_find((select id from item));
select throws_ok($$select operator.quarantine_settle((select other from item), 'whatever')$$, '22023', null, 'which is one of two');
select throws_ok($$select operator.quarantine_settle(999, 'recorded')$$, 'P0002', null, 'of something that there is');

-- ---- health

select ok((select count(*) from operator.migrations()) >= 2, 'the steps of the schema');
select receiver.count(array[now(), now(), now() - interval '2 hours'], '{7,7,7}', '{ping,size,size}', '{1,2,4}');
select results_eq($$select reason, count from operator.refusals(now() - interval '1 hour') where endpoint_id = 7$$,
                  $$values ('ping', 1::bigint), ('size', 2)$$, 'what was refused lately');

create temp view facts as select * from operator.facts();
select is(count(*), 1::bigint, 'findings: an endpoint that lost its secrets') from operator.findings() where kind = 'endpoint_mute';
select is(count(*), 1::bigint, 'findings: what waits in quarantine') from operator.findings() where kind = 'quarantine';
select is(count(*), 0::bigint, 'findings: partitions are ahead') from operator.findings() where kind = 'partitions';
select is((select value from facts where fact = 'txid_behind'), 'false', 'facts: nothing was restored');

-- As after a restore into a new cluster: rows with higher numbers than it has.
select pg_temp.record(4, '9999999999', 1);
select is((select value from facts where fact = 'txid_behind'), 'true', 'facts: a restored database is noticed');
select is(operator.restored(), 2::bigint, 'restored begins a new epoch');
select is((select value from facts where fact = 'txid_behind'), 'false', 'and then it is well');
select is(operator.event_end(), '2-' || pg_current_xact_id()::text || '-0', 'readers go on in the new epoch');
select results_eq($$select event_id from operator.event_read(null, null, 10, 1000000, null, null, null, null, null, null, null)$$,
                  array[2::bigint, 1, 3, 4], 'after all of the old one');

select is(operator.housekeep(), 1::bigint, 'housekeep makes the partition of a month that came');
insert into ledger.bucket values (0, '192.0.2.1', 1, ledger.clock() - interval '25 hours'), (0, '192.0.2.2', 1, ledger.clock());
select is(operator.housekeep(), 0::bigint, 'once');
select results_eq('select host(address) from ledger.bucket', array['192.0.2.2'], 'a bucket that nobody has looked at for a day is forgotten');
insert into ledger.drift (day, model, field, found, slot, count) values
  ('2026-01-02', 'tag', 'name', 'number', 0, 1), ('2026-01-02', 'tag', 'name', 'number', 7, 2), ('2026-01-03', 'task', 'rate', 'string', 0, 4),
  ((now() at time zone 'UTC')::date, 'tag', 'name', 'number', 0, 1);
select results_eq($$select * from operator.drift_list('2026-01-02 23:00Z') where day < '2026-02'$$,
                  $$values ('2026-01-03', 'task', 'rate', 'string', 4::bigint), ('2026-01-02', 'tag', 'name', 'number', 3)$$, 'odd values by day');
select is_empty($$select * from operator.drift_list('2026-01-03Z') where day = '2026-01-02'$$, 'since a day');
insert into ledger.receiver_counter (minute, endpoint_id, reason, count) values (now() - interval '40 days', 7, 'old', 1), (now() - interval '20 days', 7, 'young', 1);
update ledger.drift set day = (now() at time zone 'UTC')::date - 40 where model = 'task';
select is(operator.housekeep(30), 0::bigint, 'housekeep with a time for counters');
select set_eq($$select reason from ledger.receiver_counter where reason in ('old', 'young')$$, $$values ('young')$$, 'removes older ones');
select is(count(*), 0::bigint, 'of odd values too') from ledger.drift where model = 'task';
select is(operator.partition_make('2019-12-31 23:30-01'), ledger.us('2020-02-01Z'), 'a month of long ago gets a partition');
select is(operator.partition_make('2020-01-31 23:59:59Z'), ledger.us('2020-02-01Z'), 'once');
update ledger.state set horizon = '2019-01-01';
select is(operator.partition_make('2018-06-01Z'), ledger.us('2018-07-01Z'), 'the end of a month that was dropped');
select results_eq($$select count(*) from pg_inherits where inhparent = 'ledger.event'::regclass and inhrelid::regclass::text ~ 'y20(20m01|18m)'$$,
                  array[1::bigint], 'which gets none');

-- ---- names that a list would show as others

select throws_ok(format($$select operator.endpoint_add('address_of_a_hidden_one', %L, null, '')$$, 'Toggl' || c), '22023', null, 'an endpoint')
from unnest(array[e'\u202e', e'\u200b', e'\u001b[31m']) c;
select throws_ok($$select operator.account_add(e'a\u2066b', 5, '', 'UTC', '')$$, '22023', null, 'an account');
select throws_ok($$select operator.organization_add(e'a\u00adb', 'free', null, null, null)$$, '22023', null, 'an organization');

select is_empty($$select n from unnest(array['owner', e'\u014dwner', e'owner\u0332', e'\u1ecdwner', e'owne\u027e', e'\u043ewner', 'Owner', '0wner']) n
                  where ledger.name_skeleton(n) <> 'owner'$$, 'names of operators that one takes for each other, also by marks of their letters');

select * from finish();
rollback;
