-- The interface schema of hookledger-receiver: rows in, rows and verdicts out.
begin;
create extension if not exists pgtap;
select plan(50);

-- Two endpoints of workspaces, one that has none yet; the second endpoint has
-- no part in the first one's secret.
insert into ledger.endpoint (endpoint_id, address, name, workspace_id) overriding system value values
  (101, 'address_of_the_first_1', 'first', 7435584),
  (102, 'address_of_the_second_', 'second', 555),
  (103, 'address_of_the_third_3', 'third', null);
insert into ledger.endpoint_secret (secret_id, endpoint_id, sealed) overriding system value values
  (201, 101, '\x01'), (202, 102, '\x02'), (203, 103, '\x03'), (204, 101, '\x04');

create function pg_temp.append(
  events bigint[], endpoint bigint default 101, secret bigint default 201, workspace bigint default 7435584,
  created timestamptz default '2026-07-17T11:43:32.827Z', received timestamptz default now(),
  body text default '{"a" : 1,"a":"\u0000"}')
returns text language sql as $$
  select receiver.append(
    array_agg(endpoint), array_agg(secret), array_agg(workspace), array_agg(e), array_agg(created),
    array_agg(received), array_agg(9::bigint), array_agg(null::bigint), array_agg('time_entry'::text),
    array_agg('created'::text), array_agg('\xabcd'::bytea), array_agg(body::json), 'webhook')
  from unnest(events) e
$$;

-- What is in the table was recorded by this very transaction; as if it were older.
create function pg_temp.age() returns void language sql as
  $$ update ledger.event set txid = '3' $$;

-- ---- keys

select is(count(*), 4::bigint, 'keys() gives every secret of enabled endpoints') from receiver.keys();
select results_eq(
  $$select secret_id from receiver.keys() where endpoint_id = 101$$, array[204::bigint, 201],
  'the newest secret of an endpoint comes first');
select results_eq(
  $$select sealed, valid_until_us from receiver.keys() where secret_id = 203$$,
  $$values ('\x03'::bytea, 9223372036854775807)$$, 'sealed as stored; no end is the largest number');
update ledger.endpoint_secret set valid_until = now() - interval '1 hour' where secret_id = 204;
select ok(exists (select from receiver.keys() where secret_id = 204), 'one that ran out within a day is there, for the spool');
update ledger.endpoint_secret set valid_until = now() - interval '2 days' where secret_id = 204;
select ok(not exists (select from receiver.keys() where secret_id = 204), 'one that ran out long ago is not');
update ledger.endpoint_secret set valid_until = 'infinity', revoked_at = now() where secret_id = 204;
select ok(not exists (select from receiver.keys() where secret_id = 204), 'a revoked one is not');
update ledger.endpoint set enabled = false where endpoint_id = 102;
select ok(not exists (select from receiver.keys() where endpoint_id = 102), 'a disabled endpoint has no keys');
update ledger.endpoint set enabled = true where endpoint_id = 102;

-- ---- append: what is new

select is(pg_temp.append('{1,2,3}'), '', 'a batch of new events: no verdict needed');
select is(count(*), 3::bigint, 'all are there') from ledger.event;
select results_eq(
  $$select workspace_id, created_at, endpoint_id, secret_id, creator_id, entity_id, model, action, source, signature,
           body::text, epoch, txid::text
    from ledger.event where event_id = 1$$,
  $$values (7435584::bigint, '2026-07-17T11:43:32.827Z'::timestamptz, 101::bigint, 201::bigint, 9::bigint,
            null::bigint, 'time_entry', 'created', 'webhook', '\xabcd'::bytea, '{"a" : 1,"a":"\u0000"}', 1,
            pg_current_xact_id()::text)$$,
  'every column as given, the body byte for byte');
select is(received_at, now(), 'received_at is what the receiver said') from ledger.event where event_id = 1;
select is(pg_temp.append('{9223372036854775807}'), '', 'an id of 64 bits');
select is(pg_temp.append('{8023169274704072}', created => '1999-12-31T23:59:59Z'), '', 'a date without a partition');
select is(tableoid::regclass::text, 'ledger.event_before', 'is in the partition before the months')
from ledger.event where event_id = 8023169274704072;
select is(receiver.append('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', 'webhook'), '',
          'an empty batch');

-- ---- append: what is not

select pg_temp.age();
select is(pg_temp.append('{1,2,3}'), 'ddd', 'the same again: duplicates');
select is(pg_temp.append('{1,4,2,5}'), 'drdr', 'old and new mixed, in their order');
select is(count(*), 7::bigint, 'nothing twice') from ledger.event;
select is(pg_temp.append('{6,6,7}'), 'rrr', 'twins within a batch: both are recorded');
select is(count(*), 1::bigint, 'the twins are one row') from ledger.event where event_id = 6;
select pg_temp.age();
select is(pg_temp.append('{1}', created => '2026-07-17T11:43:33Z'), '', 'another created_at is another event');
select is(pg_temp.append('{1}', endpoint => 102, secret => 202, workspace => 555), '',
          'the same number in another workspace is another event');

select is(pg_temp.append('{10}', workspace => 555), 'w', 'of a foreign workspace');
select is(pg_temp.append('{10}', endpoint => 999), 'a', 'to an unknown endpoint');
select is(pg_temp.append('{10}', secret => 999), 'k', 'by an unknown secret');
select is(pg_temp.append('{10}', secret => 202), 'k', 'by the secret of another endpoint');
select is(pg_temp.append('{10}', secret => 204), 'k', 'by a revoked secret');
select is(pg_temp.append('{11}', secret => 204, received => now() - interval '1 minute'), '',
          'by a revoked secret, but received before: the spool was full of it');
update ledger.endpoint_secret set revoked_at = null, valid_until = now() where secret_id = 204;
select is(pg_temp.append('{10}', secret => 204), 'k', 'by a secret that ran out');
select is(pg_temp.append('{12}', secret => 204, received => now() - interval '1 minute'), '',
          'by a secret that has run out since');
update ledger.endpoint set enabled = false where endpoint_id = 102;
select is(pg_temp.append('{10}', endpoint => 102, secret => 202, workspace => 555), 'a', 'to a disabled endpoint');
update ledger.endpoint set enabled = true where endpoint_id = 102;
update ledger.state set horizon = '2026-01-01';
select is(pg_temp.append('{10}', created => '2025-12-31T23:59:59Z'), 'h', 'from before the horizon');
update ledger.state set horizon = '-infinity';
select ok(not exists (select from ledger.event where event_id = 10), 'none of these is recorded');

select is(
  receiver.append(
    '{101,999,101,102,101}', '{201,201,201,202,201}', '{7435584,7435584,555,555,7435584}', '{1,20,21,22,23}',
    array_fill('2026-07-17T11:43:32.827Z'::timestamptz, '{5}'), array_fill(now(), '{5}'),
    array_fill(null::bigint, '{5}'), array_fill(null::bigint, '{5}'), array_fill(''::text, '{5}'),
    array_fill(''::text, '{5}'), array_fill('\x00'::bytea, '{5}'), array_fill('{}'::json, '{5}'), 'spool'),
  'dawrr', 'each of a mixed batch gets its own verdict, and the good ones are recorded');

select is(
  receiver.append('{999,101}', '{201,201}', '{7435584,7435584}', '{24,25}', '{2026-07-01,2026-07-01}', '{now,now}',
                  '{1,1}', '{1,1}', '{a,a}', '{a,a}', '{\\x00,\\x00}', '{"{}","{}"}', 'webhook'),
  'ar', 'a secret named with another endpoint first');

-- ---- append: the workspace of an endpoint

select is(pg_temp.append('{30}', endpoint => 103, secret => 203, workspace => null), 'w',
          'neither the event nor the endpoint names a workspace');
select is(pg_temp.append('{30}', endpoint => 103, secret => 999, workspace => 666), 'k',
          'a bad secret does not fix the workspace');
select is(
  receiver.append('{103,103}', '{203,203}', '{777,888}', '{31,32}', '{2026-07-01,2026-07-01}', '{now,now}',
                  '{1,1}', '{1,1}', '{a,a}', '{a,a}', '{\\x00,\\x00}', '{"{}","{}"}', 'webhook'),
  'rw', 'the first genuine event fixes the workspace, within its batch too');
select is(workspace_id, 777::bigint, 'and it stays') from ledger.endpoint where endpoint_id = 103;
select is(pg_temp.append('{33}', endpoint => 103, secret => 203, workspace => null), '',
          'an event without a workspace is of its endpoint''s');

-- ---- append: a poisoned row fails the call; the receiver then repeats singly

select throws_ok($$select pg_temp.append(array[40, null])$$, '23502', null, 'an event without a number is an error of class 23');
select throws_ok($$select pg_temp.append('{40}', body => '{"a":')$$, '22P02', null, 'a broken body is an error of class 22');

-- ---- append: durable, whatever the default is

set local synchronous_commit = off;
select pg_temp.append('{50}');
select is(current_setting('synchronous_commit'), 'on', 'append sets synchronous_commit for its transaction');

-- ---- quarantine and counters

select receiver.quarantine('{101,101,999,102}', '{201,201,1,202}', array_fill(now(), '{4}'), '{json,json,json,event}',
                           '{\\x01,\\x02,\\x03,\\x04}', '{\\xff00,\\xff00,\\xff00,\\xff00}');
select receiver.quarantine('{101}', '{201}', array[now()], '{json}', '{\\x01}', '{\\xff00}');
select results_eq(
  $$select endpoint_id, reason, body from ledger.quarantine order by 1$$,
  $$values (101::bigint, 'json', '\xff00'::bytea), (102, 'event', '\xff00')$$,
  'the same body is kept once an endpoint, and none of an unknown one');

select receiver.count('{2026-07-17T11:43:32Z,2026-07-17T11:43:59Z,2026-07-17T11:44:00Z}', '{101,101,0}',
                      '{signature,signature,address}', '{2,3,4}');
select receiver.count('{2026-07-17T11:43:00Z}', '{101}', '{signature}', '{10}');
select results_eq(
  $$select minute, endpoint_id, reason, count from ledger.receiver_counter order by minute$$,
  $$values ('2026-07-17T11:43Z'::timestamptz, 101::bigint, 'signature', 15::bigint),
           ('2026-07-17T11:44Z', 0, 'address', 4)$$,
  'counters add up by minute, endpoint and reason');
select lives_ok($$select receiver.count('{}', '{}', '{}', '{}')$$, 'nothing to count is fine');

-- ---- what couriers wait for

insert into ledger.organization (organization_id, name) overriding system value values (1, 'o');
insert into ledger.workspace values (7435584, 1);
insert into ledger.account (account_id, name, user_id, token_digest) overriding system value values (1, 'a', 1, sha256('1'));
insert into ledger.subscription (workspace_id, account_id, description, url_callback, filters, event_filters, secret_sealed, enabled,
                                 validated_at, validation_code)
values (7435584, 1, 's', 'http://127.0.0.1/', '{time_entry.created}', '[]', '', true, now(), 'x');
select is(pg_temp.append('{900,901}'), '+', 'somebody asked for it: the answer says that they are to be woken');
select pg_temp.age();
select is(pg_temp.append('{900,902}'), 'dr+', 'also behind verdicts');
select is(pg_temp.append('{900}'), 'd', 'not for what is no news');
select lives_ok('select receiver.notify(3)', 'ring');

select * from finish();
rollback;
