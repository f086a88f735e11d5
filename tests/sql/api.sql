-- The door of hookledger-api: who may ask how much, and subscriptions.
begin;
create extension if not exists pgtap;
select plan(50);

insert into ledger.organization (organization_id, name, plan, hourly_requests) values (1, 'one', 'free', 3), (2, 'two', 'premium', null);
insert into ledger.workspace values (100, 1), (200, 2), (300, 1);
insert into ledger.account (account_id, name, user_id, time_zone, token_digest, enabled) overriding system value values
  (1, 'Ada', 11, 'Europe/Berlin', sha256('ada'), true), (2, 'Bob', 12, 'UTC', sha256('bob'), true),
  (3, 'Eve', 13, 'UTC', sha256('eve'), false);
insert into ledger.member values (1, 100, true), (1, 200, true), (1, 300, false), (2, 100, false);

create function pg_temp.ask(token text, workspace bigint, costs boolean default true, client text default '192.0.2.1')
returns text language sql as $$
  select concat_ws(' ', status, remaining, nullif(retry_after, 0))
  from api.admit(sha256(token::bytea), client, workspace, costs, 1000, 60000)
$$;
create function pg_temp.later(span interval) returns void language sql as
  $$ update ledger.state set clock_offset = clock_offset + span $$;

-- ---- admission

select is(pg_temp.ask('nobody', 100), '403', 'an unknown token');
select is(pg_temp.ask('eve', 100), '403', 'a disabled account is as if it were unknown');
select is(problem, 'Incorrect username and/or password', 'in Toggl''s words')
from api.admit(sha256('eve'), '192.0.2.1', 100, true, 1000, 60000);
select is(problem, 'User not found/accessible for workspace', 'a workspace that it may not use')
from api.admit(sha256('bob'), '192.0.2.1', 200, true, 1000, 60000);
select is(count(*), 0::bigint, 'refused requests cost nothing') from ledger.quota;
select is(pg_temp.ask('ada', 100), '200 2', 'the first of three');
select is(pg_temp.ask('ada', 300), '200 1', 'workspaces of an organization share a window');
select is(pg_temp.ask('bob', 100), '200 2', 'accounts do not');
select is(pg_temp.ask('ada', 200), '200 599', 'nor do organizations');
select is(pg_temp.ask('ada', null), '200 29', 'what is in no workspace has a window of 30');
select is(pg_temp.ask('ada', 100), '200 0', 'the last');
select is(pg_temp.ask('ada', 100), '402 0', 'and over it');
select is(pg_temp.ask('ada', 100, false), '200 0', 'what is free is still free');
select is(pg_temp.ask('ada', 300), '402 0', 'for all of the organization');
select ok(resets_in between 3590 and 3600, 'the window ends an hour after its first request')
from api.admit(sha256('ada'), '192.0.2.1', 100, true, 1000, 60000);
select pg_temp.later('3590 seconds');
select is(pg_temp.ask('ada', 100), '402 0', 'not earlier');
select pg_temp.later('20 seconds');
select is(pg_temp.ask('ada', 100), '200 2', 'then it begins anew');
update ledger.organization set hourly_requests = 0 where organization_id = 1;
select is(pg_temp.ask('bob', 100), '402 0', 'a quota of nothing');
update ledger.organization set hourly_requests = null where organization_id = 1;
select is(pg_temp.ask('bob', 100), '200 29', 'the plan''s, where the organization has no number');

-- ---- the bucket

create function pg_temp.drip(client text, token text default 'bob') returns text language sql as $$
  select concat_ws(' ', status, nullif(retry_after, 0)) from api.admit(sha256(token::bytea), client, null, false, 2, 30)
$$;
select is(pg_temp.drip('198.51.100.7'), '200', 'two at once');
select is(pg_temp.drip('198.51.100.7'), '200', 'two at once');
select is(pg_temp.drip('198.51.100.7'), '429 2', 'then one in two seconds');
select is(pg_temp.drip('198.51.100.8'), '200', 'another address has a bucket of its own');
select is(pg_temp.drip('2001:db8::1'), '200', 'IPv6 too');
select is(pg_temp.drip('198.51.100.7', 'ada'), '200', 'and another token');
select pg_temp.later('2 seconds');
select is(pg_temp.drip('198.51.100.7'), '200', 'it has leaked one');
select is(pg_temp.drip('198.51.100.7'), '429 2', 'and no more');
select pg_temp.later('-1 hours');
select is(pg_temp.drip('198.51.100.7'), '429 2', 'a clock that goes back lets nobody through');

-- ---- filters

select is(ledger.filters_problem('[{"entity":"time_entry","action":"started"},{"entity":"*","action":"*"}]', 2, null), null, 'our own actions');
select is(ledger.filters_problem('[{"entity":"tag","action":"started"}]', 2, null), 'Invalid value ''started'' for event filter action', 'only where they mean something');
select is(ledger.filters_problem('[1]', 2, null), 'The entity field for each subscription event filter must be non-empty', 'no object');
select is(ledger.filters_problem('{"entity":"tag"}', 2, null), 'The list of event filters must not be empty', 'no list');
select set_eq($$select unnest(ledger.patterns('tag', 'created'))$$, array['tag.created', 'tag.*', '*.created', '*.*'], 'what an event may match');

-- ---- subscriptions

create function pg_temp.make(account bigint, body text, out id bigint, out words text) language plpgsql as $$
declare
  found record;
begin
  select * into found from api.subscription_check(account, 100, null, 'POST', body::json);
  words := found.problem;
  if found.status = 200 then
    id := found.subscription_id;
    select w.problem into words from api.subscription_write(account, 100, id, 'POST', body::json, '\x01', found.code, true) w;
  end if;
end
$$;
create function pg_temp.body(called text, enabled text default 'true') returns text language sql as $$
  select format('{"description":"%s","url_callback":"https://example.org/x","enabled":%s,"event_filters":[{"entity":"tag","action":"*"}]}', called, enabled)
$$;
select is(words, null, 'one may be made') from pg_temp.make(1, pg_temp.body('one'));
select is(words, 'User 11 already reached the limit of 1 enabled subscriptions for workspace 100', 'one enabled on the free plan')
from pg_temp.make(1, pg_temp.body('two'));
select is(words, null, 'a disabled one more') from pg_temp.make(1, pg_temp.body('two', 'false'));
select is(words, 'Subscription description ''two'' is already in use for workspace 100', 'the description is unique in the workspace')
from pg_temp.make(2, pg_temp.body('two', 'false'));
select results_eq($$select description, filters, enabled, validated_at is not null, pending_until from ledger.subscription order by 1$$,
                  $$values ('one', '{tag.*}'::text[], true, true, null::timestamptz), ('two', '{tag.*}', false, true, null)$$, 'as they were asked for');

-- one whose callback does not answer
create temp table half as select * from api.subscription_check(2, 100, null, 'POST', pg_temp.body('half')::json);
select is(must_ping, true, 'a new one is pinged') from half;
select is(ping_code, code, 'with its code') from half;
select is_empty($$select from api.subscription_read(1, 100, null) where head like '%half%'$$, 'nobody sees it meanwhile');
select results_eq($$select v.status, v.problem from half, api.subscription_validate(100, subscription_id, code) v$$,
                  $$values (200::bigint, null::text)$$, 'its address can be validated while it is asked');
select lives_ok('select api.subscription_give_up(subscription_id) from half', 'given up');
select is(count(*), 2::bigint, 'it is gone') from ledger.subscription;
select is(words, null, 'and its description is free') from pg_temp.make(2, pg_temp.body('half'));

-- one that was left behind by a crash
create temp table crashed as select * from api.subscription_check(1, 300, null, 'POST', pg_temp.body('crashed')::json);
select pg_temp.later('6 minutes');
select is(status, 200::bigint, 'after some minutes it is in nobody''s way')
from api.subscription_check(1, 300, null, 'POST', pg_temp.body('crashed')::json);

-- times
select is(ledger.rfc3339('2026-03-29 00:59:59Z', 'Europe/Berlin'), '2026-03-29T01:59:59.000000+01:00', 'before the clocks change');
select is(ledger.rfc3339('2026-03-29 01:00:00Z', 'Europe/Berlin'), '2026-03-29T03:00:00.000000+02:00', 'and after');
select is(ledger.rfc3339('2026-07-01 00:00:00Z', 'America/St_Johns'), '2026-06-30T21:30:00.000000-02:30', 'half an hour, west');
select is(ledger.rfc3339('2026-07-01 00:00:00Z', 'UTC'), '2026-07-01T00:00:00.000000Z', 'UTC is Z');

select * from finish();
rollback;
