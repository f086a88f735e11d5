-- The interface schema of hookledger-courier: from the outbox to deliveries, leases,
-- settlements, the retry schedule, housekeeping.
begin;
create extension if not exists pgtap;
select plan(96);

insert into ledger.organization (organization_id, name) overriding system value values (1, 'Small & Sons');
insert into ledger.workspace values (1000, 1), (2000, 1);
insert into ledger.account (account_id, name, user_id, token_digest) overriding system value values
  (1, 'admin', 11, sha256('1')), (2, 'member', 22, sha256('2'));
insert into ledger.member values (1, 1000, true), (2, 1000, false), (1, 2000, true);

create function pg_temp.subscribe(
  id bigint, filters text[] default '{*.*}', account bigint default 1, workspace bigint default 1000)
returns void language sql as $$
  insert into ledger.subscription (subscription_id, workspace_id, account_id, description, url_callback, filters, event_filters,
                                   secret_sealed, enabled, validated_at, validation_code)
  overriding system value
  values (id, workspace, account, 'subscription ' || id, 'http://127.0.0.1:9/' || id, filters, '[]', '\x01', true, now(), 'x')
$$;

-- Records an event as the receiver's append does, from the end of the body on.
create function pg_temp.event(
  id bigint, entity bigint, model text default 'tag', action text default 'updated', payload text default '{"name":"x"}',
  created timestamptz default null, workspace bigint default 1000, metadata text default '{}')
returns boolean language plpgsql as $$
declare
  at timestamptz := coalesce(created, '2026-07-17T10:00:00Z'::timestamptz + id * interval '1 second');
  body json := format('{"event_id":%s,"metadata":%s,"payload":%s}', id, metadata, payload)::json;
begin
  insert into ledger.event (workspace_id, event_id, created_at, received_at, epoch, endpoint_id, secret_id, creator_id,
                            entity_id, model, action, source, signature, body)
  values (workspace, id, at, now(), 1, 1, 1, 11, entity, model, action, 'webhook', '\x01', body);
  perform ledger.apply(array[workspace], array[id], array[at], array[11::bigint], array[entity], array[model], array[action], array[body]);
  return ledger.outbox_add(array[workspace], array[id], array[at], array[model], array[action]);
end
$$;

create function pg_temp.gather(most bigint default 100) returns text language sql as
  $$ select string_agg(workspace_id || ':' || taken || ':' || made, ' ') from courier.gather(0, 1000, most) $$;

-- What a courier has: leases and the deliveries in its hand.
create temporary table lease (subscription_id bigint primary key, lease bigint);
create temporary table hand (subscription_id bigint, delivery_id bigint primary key, attempt bigint, event_id bigint, pause_us bigint);
grant all on lease, hand to public;

create function pg_temp.claim(new_most bigint default 10, want bigint default 8)
returns text language plpgsql as $$
declare
  events text;
begin
  with c as (
    select * from courier.claim(
      array(select subscription_id from lease order by 1), array(select lease from lease order by subscription_id),
      array(select 0::bigint from lease), array(select want from lease), array(select null::timestamptz from lease), array(select 0::bigint from lease),
      array(select subscription_id from hand order by delivery_id), array(select delivery_id from hand order by delivery_id),
      new_most, want, 30000)),
  l as (insert into lease select distinct c.subscription_id, c.lease from c on conflict do nothing),
  h as (insert into hand select c.subscription_id, c.delivery_id, c.attempt, (c.body::json ->> 'event_id')::bigint, c.pause_us from c
        returning subscription_id, event_id, delivery_id)
  select string_agg(h.subscription_id || ':' || coalesce(h.event_id::text, '-'), ' ' order by h.subscription_id, h.delivery_id) into events from h;
  return events;
end
$$;

-- Settles what is in the hand with one status, and gives all leases back.
create function pg_temp.settle(status bigint, pause_ms bigint default null, keep bigint default 0, stale bigint default 0)
returns text language plpgsql as $$
declare
  said text;
begin
  select string_agg(s.subscription_id || case when s.is_held then '' else ' lost' end || coalesce(' ' || s.disabled_reason, ''), ', '
                    order by s.subscription_id)
  into said
  from courier.settle(
    array(select subscription_id from lease order by 1), array(select lease - stale from lease order by subscription_id),
    array(select keep from lease),
    array(select subscription_id from hand order by delivery_id), array(select delivery_id from hand order by delivery_id),
    array(select attempt from hand order by delivery_id), array(select status from hand), array(select 1234::bigint from hand),
    array(select pause_ms from hand), array(select 'said'::text from hand),
    array(select case when status between 200 and 299 then null else 'status ' || status end from hand),
    10000, 3, 14400000, 259200000, 432000000) s;
  delete from hand;
  if keep = 0 then
    delete from lease;
  end if;
  return said;
end
$$;

create function pg_temp.wait(length interval) returns void language sql as
  $$ update ledger.state set clock_offset = clock_offset + length $$;

-- event:state of a subscription, in the order of making
create function pg_temp.states(subscription bigint) returns text language sql as $$
  select string_agg(d.event_id || ':' || d.state, ' ' order by d.delivery_id) from ledger.delivery d where d.subscription_id = subscription
$$;

-- ---- gather

do $$ begin perform pg_temp.subscribe(1); end $$;
do $$ begin perform pg_temp.subscribe(2, '{tag.created,client.*}'); end $$;
select ok(pg_temp.event(1, 7), 'an event that somebody asked for is in the outbox');
select ok(pg_temp.event(3, 7), 'another of the same entity');
select ok(pg_temp.event(2, 7, created => '2026-07-17T11:00:00Z'), 'a third, later by its time');
select ok(pg_temp.event(4, 8, 'client', 'created'), 'of another entity, for both');
select ok(not pg_temp.event(5, 7, workspace => 2000), 'an event that nobody asked for is not');
select results_eq('select has_events, next_us from courier.look()', $$values (true, null::bigint)$$, 'look() sees the outbox');
select is(pg_temp.gather(), '1000:4:5', 'deliveries are made of all, by the filters');
select is(pg_temp.gather(), null, 'nothing is left');
select is(pg_temp.states(1), '1:due 3:behind 4:due 2:behind', 'in the order of time; of an entity the first is due, the rest stands behind');
select is(pg_temp.states(2), '4:due', 'by its own filters');
select ok(pg_temp.event(6, 7) and pg_temp.event(7, null) and pg_temp.event(8, null), 'more events');
select is(pg_temp.gather(2), '1000:2:2', 'no more at a time than asked for');
select is(pg_temp.gather(2), '1000:1:1', 'the rest next time');
select is(pg_temp.states(1), '1:due 3:behind 4:due 2:behind 6:behind 7:due 8:behind',
          'behind what is open already; without an entity in order of the kind');
select is(next_us <= 0, true, 'look() sees what is due') from courier.look();

-- ---- claim

select is(pg_temp.claim(1, 2), '1:1 1:4', 'as many subscriptions and deliveries as wanted');
select ok(leased_until > now() + interval '29 seconds', 'the lease is kept') from ledger.subscription where subscription_id = 1;
select is(pg_temp.claim(), '1:7 2:4', 'what is in the hand is not given again; other subscriptions are');
select is(pg_temp.claim(), null, 'what stands behind is not given');
select is((select count(*) from courier.claim('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', 10, 10, 30000)), 0::bigint,
          'another courier gets nothing while the leases last');
select is(next_us between 25000000 and 30000000, true, 'look() says when they end') from courier.look();
select results_eq(
  $$select url_callback, secret_sealed, secret_before_sealed, parallel, payload, metadata, is_failing
    from courier.claim('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', 0, 0, 30000)
    union all select 'http://127.0.0.1:9/2', '\x01'::bytea, null, null::bigint, null, null, false$$,
  $$values ('http://127.0.0.1:9/2', '\x01'::bytea, null::bytea, null::bigint, null, null, false)$$, 'no new ones when none are wanted');

-- ---- settle

select is(pg_temp.settle(200, stale => 1), '1 lost, 2 lost', 'a stale lease is reported');
select is(pg_temp.states(1), '1:due 3:behind 4:due 2:behind 6:behind 7:due 8:behind', 'and changes nothing');
select is(count(*), 0::bigint, 'not even an attempt') from ledger.attempt;
select is(max(last_success_at), null, 'nor when one last succeeded') from ledger.subscription;
do $$ begin perform pg_temp.wait('31 seconds'); end $$;
select is(pg_temp.claim(), '1:1 1:4 1:7 2:4', 'a lease that ran out is taken by the next');
select is(pg_temp.settle(200), '1, 2', 'settled');
select is(pg_temp.states(1), '1:delivered 3:due 4:delivered 2:behind 6:behind 7:delivered 8:due', 'of each entity the next is due');
select results_eq('select attempt, status, duration_us, answer, problem from ledger.attempt where subscription_id = 2',
                  $$values (1, 200::smallint, 1234::bigint, 'said', null::text)$$, 'the attempt is recorded');
select is(last_success_at, (select max(a.at) from ledger.attempt a where a.subscription_id = 2), 'and that something has succeeded') from ledger.subscription where subscription_id = 2;
select results_eq('select attempts, last_error, settled_at is not null from ledger.delivery where subscription_id = 2',
                  $$values (1, null::text, true)$$, 'and counted');
select is(pg_temp.claim(), '1:3 1:8', 'the lease was given back, and the next come');
create temporary table kept as select * from hand;
select is(pg_temp.settle(200, keep => 1), '1', 'settled, the lease is kept');
insert into hand select * from kept;
select is(pg_temp.settle(500, keep => 1), '1', 'the same results again');
select is(pg_temp.states(1), '1:delivered 3:delivered 4:delivered 2:due 6:behind 7:delivered 8:delivered', 'count once');

-- ---- back-off

select is(pg_temp.claim(), '1:2', 'the next');
select is(pg_temp.settle(500), '1', 'fails');
select results_eq('select state, attempts, last_error from ledger.delivery where event_id = 2', $$values ('due', 1, 'status 500')$$,
                  'it is due again');
select ok(due_at - ledger.clock() between interval '7 seconds' and interval '12 seconds', 'first after some 10 seconds')
from ledger.delivery where event_id = 2;
select ok(failing_since is not null, 'the subscription fails') from ledger.subscription where subscription_id = 1;
select is(pg_temp.claim(), null, 'not before its time, and what is behind it waits');
do $$ begin perform pg_temp.wait('13 seconds'); end $$;
select is(pg_temp.claim(), '1:2', 'then it is claimed again');
select is(pg_temp.settle(500), '1', 'fails again');
select ok(due_at - ledger.clock() between interval '23 seconds' and interval '36 seconds', 'then after three times as long')
from ledger.delivery where event_id = 2;
do $$ begin perform pg_temp.wait('37 seconds'); end $$;
select is(pg_temp.claim(), '1:2', 'a third time');
select is(pg_temp.settle(503, pause_ms => 600000), '1', 'asked to wait');
select ok(due_at - ledger.clock() > interval '595 seconds', 'Retry-After holds for the delivery') from ledger.delivery where event_id = 2;
select ok(paused_until - ledger.clock() > interval '595 seconds', 'and for the subscription') from ledger.subscription where subscription_id = 1;
do $$ begin perform pg_temp.event(9, 9); end $$;
select is(pg_temp.gather(), '1000:1:1', 'another event meanwhile');
select is(pg_temp.claim(), null, 'waits for the end of the pause');
select ok(next_us between 590000000 and 601000000, 'look() knows of it') from courier.look();
do $$ begin perform pg_temp.wait('601 seconds'); end $$;
select is(pg_temp.claim(), '1:2 1:9', 'then both come');
select is(pg_temp.settle(0, pause_ms => 900000000), '1', 'no answer; a pause beyond all bounds');
select ok(last_success_at < ledger.clock() - interval '10 minutes', 'what fails leaves the last success') from ledger.subscription where subscription_id = 1;
select ok(due_at - ledger.clock() between interval '3 hours' and interval '4 hours 1 second', 'is cut to the longest')
from ledger.delivery where event_id = 2;
select ok(paused_until < ledger.clock(), 'only 429 and 503 pause the subscription') from ledger.subscription where subscription_id = 1;

-- ---- the end of it

update ledger.delivery set first_attempt_at = ledger.clock() - interval '71 hours' where event_id = 2;
update ledger.delivery set state = 'delivered', settled_at = ledger.clock() where event_id = 9;
do $$ begin perform pg_temp.wait('5 hours'); end $$;
select is(pg_temp.claim() || ' ' || pg_temp.settle(500), '1:2 1', 'fails once more');
select is(pg_temp.states(1), '1:delivered 3:delivered 4:delivered 2:dead 6:due 7:delivered 8:delivered 9:delivered',
          'after three days it is dead, and the next of the entity is due');
update ledger.subscription set failing_since = ledger.clock() - interval '6 days' where subscription_id = 1;
select is(pg_temp.claim() || ' ' || pg_temp.settle(200), '1:6 1', 'one success');
select ok(failing_since is null and enabled, 'and it fails no longer') from ledger.subscription where subscription_id = 1;
select ok(last_success_at > ledger.clock() - interval '1 minute', 'the last success is another') from ledger.subscription where subscription_id = 1;
do $$ begin perform pg_temp.event(10, 10); end $$;
do $$ begin perform pg_temp.gather(); end $$;
update ledger.subscription set failing_since = ledger.clock() - interval '6 days' where subscription_id = 1;
select is(pg_temp.claim() || ' ' || pg_temp.settle(500), '1:10 1 failing', 'one that has only failed for days is disabled');
select is(pg_temp.states(1) like '%10:due', true, 'what is open stays');
do $$ begin perform pg_temp.wait('1 hour'); end $$;
select is(pg_temp.claim(), null, 'and is not attempted');

do $$ begin perform pg_temp.event(11, 11, 'client'); end $$;
do $$ begin perform pg_temp.event(12, 11, 'client'); end $$;
do $$ begin perform pg_temp.gather(); end $$;
select is(pg_temp.claim() || ' ' || pg_temp.settle(410), '2:11 2 gone', '410 disables at once');
select is(pg_temp.states(2), '4:delivered 11:dropped 12:dropped', 'and drops what is open');
do $$ begin perform pg_temp.event(13, 13, 'client'); end $$;
select is(pg_temp.gather() is null and pg_temp.states(2) not like '%13%', true, 'nothing more is made for it');

-- An owner may let attempts go on for a year; and each replay of what waits is one more.
do $$ begin perform pg_temp.subscribe(4, '{client.*}'); end $$;
do $$ begin perform pg_temp.event(16, 16, 'client'); end $$;
do $$ begin perform pg_temp.gather(); end $$;
update ledger.delivery set attempts = 60 where event_id = 16;
select is(pg_temp.claim() || ' ' || pg_temp.settle(500), '4:16 4', 'a failure after many');
select ok(due_at - ledger.clock() between interval '3 hours' and interval '4 hours 1 second', 'is due after the longest pause')
from ledger.delivery where event_id = 16;
delete from ledger.delivery where event_id = 16;

-- ---- a pace that nobody can mean

do $$ begin perform pg_temp.subscribe(5, '{client.*}'); end $$;
do $$ begin perform pg_temp.event(17, 17, 'client'); end $$;
do $$ begin perform pg_temp.gather(); end $$;
select throws_ok(format('select operator.subscription_set(5, null, null, null, %L)', rate), '22023',
                 'subscription.limits', 'no rate: ' || rate)
from unnest('{nan,infinity,1e-30,0,-1,0.0001,x}'::text[]) rate;
select lives_ok($$select operator.subscription_set(5, null, null, null, '0.001')$$, 'one in a quarter of an hour');
update ledger.subscription set rate_per_second = 'nan' where subscription_id = 5;
select is(pg_temp.claim(), '4:17 5:17', 'one that is there does not keep all others from being claimed');
select results_eq('select subscription_id, pause_us from hand order by 1', 'values (4::bigint, null::bigint), (5, 1000000000)', 'and a subscription without a limit is not slowed down');
do $$ begin perform pg_temp.settle(200); end $$;
delete from ledger.delivery where event_id = 17;

-- ---- what is not in the ledger any more

do $$ begin perform pg_temp.subscribe(3, '{tag.*}'); end $$;
do $$ begin perform pg_temp.event(14, 14); end $$;
do $$ begin perform pg_temp.event(15, 15); end $$;
do $$ begin perform pg_temp.gather(); end $$;
delete from ledger.event where event_id = 14;
select is(pg_temp.claim(), '3:- 3:15', 'an event that retention took is claimed without a body');
delete from hand where event_id = 15;
select is(pg_temp.settle(-1, keep => 1), '3', 'and settled below 0');
select is(pg_temp.states(3), '14:dead 15:due', 'is dead at once');

-- ---- who may not

update ledger.account set enabled = false where account_id = 1;
select is((select count(*) from courier.claim('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', 10, 10, 30000)), 0::bigint,
          'a disabled account''s subscriptions get nothing');
select is(next_us, null, 'and nobody looks for what they would get') from courier.look();
update ledger.account set enabled = true where account_id = 1;
delete from hand;
select is(pg_temp.claim(), '3:15', 'what is due again');
delete from hand;
delete from ledger.member where account_id = 1 and workspace_id = 1000;
select is(pg_temp.claim(), null, 'nor do they by a lease that is held while access is taken away');
insert into ledger.member values (1, 1000, true);
do $$ begin perform pg_temp.settle(200); end $$;

-- ---- housekeeping

create function pg_temp.housekeep() returns bigint language sql as
  $$ select courier.housekeep(3600000, 7 * 86400000::bigint, 30 * 86400000::bigint, 4) $$;
create temporary table before as select count(*) as n from ledger.delivery;
select is(pg_temp.housekeep(), 0::bigint, 'nothing to do: finished');
select ok(ledger.clock() - housekept_at < interval '1 minute', 'noted') from ledger.state;
do $$ begin perform pg_temp.wait('8 days'); end $$;
select is(pg_temp.housekeep(), 4::bigint, 'a step removes no more than asked for');
select is(pg_temp.housekeep() + pg_temp.housekeep() + pg_temp.housekeep(), 6::bigint, 'until nothing is left');
select results_eq($$select distinct state from ledger.delivery order by 1$$, $$values ('dead'), ('due')$$, 'dead and open ones stay');
update ledger.subscription set deleted_at = ledger.clock(), enabled = false where subscription_id = 3;
do $$ begin perform pg_temp.wait('2 hours'); end $$;
do $$ begin perform pg_temp.housekeep(); end $$;
insert into ledger.bucket select 0, inet '10.0.0.0' + n, 1, ledger.clock() - interval '25 hours' from generate_series(1, 6) n;
insert into ledger.bucket values (0, '10.1.0.0', 1, ledger.clock() - interval '23 hours');
insert into ledger.throttle values ('address', '10.0.0.1', 1, ledger.clock() - interval '25 hours');
update ledger.state set housekept_at = '-infinity';
select is(pg_temp.housekeep(), 4::bigint, 'buckets that nobody looked at for a day go, by steps');
select is(pg_temp.housekeep() + pg_temp.housekeep(), 3::bigint, 'and those of logins');
select results_eq('select host(address) from ledger.bucket', array['10.1.0.0'], 'others stay');
select is(pg_temp.states(3), '14:dead 15:dropped', 'what waits for a deleted subscription is dropped');

select * from finish();
rollback;
