-- The interface schema of hookledger-api: who may ask how much, and subscriptions.
begin;
create extension if not exists pgtap;
select plan(92);

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
select is(pg_temp.drip('2001:db8::2:1') || ' ' || pg_temp.drip('2001:db8::3'), '200 429 2', 'where a network of 64 bits shares one');
select is(pg_temp.drip('2001:db8:0:1::1'), '200', 'and the next has its own');
select is(pg_temp.drip('198.51.100.7', 'ada'), '200', 'and another token');
select pg_temp.later('2 seconds');
select is(pg_temp.drip('198.51.100.7'), '200', 'it has leaked one');
select is(pg_temp.drip('198.51.100.7'), '429 2', 'and no more');
select pg_temp.later('-1 hours');
select is(pg_temp.drip('198.51.100.7'), '429 2', 'a clock that goes back lets nobody through');

select is(array_agg(ledger.throttle_add('name', '1', 2, 30)), '{0,0,2}', 'logins that fail drip alike') from generate_series(1, 3);
select pg_temp.later('2 seconds');
select is(array_agg(ledger.throttle_add('name', '1', 2, 30)), '{0,2}', 'and leak as fast') from generate_series(1, 2);
select is(concat_ws(' ', status, has_quota, remaining), '429 t 29', 'a known account gets its quota also then')
from api.admit(sha256('bob'), '198.51.100.7', 100, true, 2, 30);
select is(concat_ws(' ', status, has_quota), '403 f', 'unauthenticated clients are not') from api.admit(sha256('nobody'), '198.51.100.9', 100, true, 2, 30);
select is(concat_ws(' ', status, has_quota, remaining), '403 t 30', 'elsewhere it is the user''s own window')
from api.admit(sha256('bob'), '198.51.100.9', 200, true, 2, 30);
select is(ledger.resets_in(clock + interval '1 second', clock), 3600::bigint, 'a window that another process began after this clock was read')
from (values (timestamptz '2026-01-01Z')) c (clock);

-- ---- filters

select is(ledger.filters_problem('[{"entity":"time_entry","action":"started"},{"entity":"*","action":"*"}]', 2), null, 'our own actions');
select is(ledger.filters_problem('[{"entity":"tag","action":"started"}]', 2), 'Invalid value ''started'' for event filter action', 'only where they mean something');
select is(ledger.filters_problem('[1]', 2), 'The entity field for each subscription event filter must be non-empty', 'no object');
select is(ledger.filters_problem('{"entity":"tag"}', 2), 'The list of event filters must not be empty', 'no list');
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
    select w.problem into words from api.subscription_write(account, 100, id, 'POST', body::json, '\x01', found.url, found.code, true) w;
  end if;
end
$$;
create function pg_temp.body(called text, enabled text default 'true') returns text language sql as $$
  select format('{"description":"%s","url_callback":"https://example.org/x","enabled":%s,"event_filters":[{"entity":"tag","action":"*"}]}', called, enabled)
$$;
select is(words, null, 'one may be made') from pg_temp.make(1, pg_temp.body('one'));
select is(words, 'User 11 already reached the limit of 1 enabled subscriptions for workspace 100', 'one enabled on the free plan')
from pg_temp.make(1, pg_temp.body('two'));
select is(words, 'The url_callback contains a blank or a character that cannot be seen: remove it, or write %20 for a blank that belongs there', 'a URL with a blank or what cannot be seen')
from unnest(array['https://example.org/a b', ' https://example.org/a', 'https://example.org/a\t', 'https://exam\u200bple.org/a', '\ufeffhttps://example.org/']) u (url),
     pg_temp.make(1, replace(pg_temp.body('blank', 'false'), 'https://example.org/x', u.url));
select is(words, null, 'a disabled one more') from pg_temp.make(1, pg_temp.body('two', 'false'));
select is(words, 'Subscription description ''two'' is already in use for workspace 100', 'the description is unique in the workspace')
from pg_temp.make(2, pg_temp.body('two', 'false'));
select results_eq($$select description, filters, enabled, validated_at is not null, pending_until from ledger.subscription order by 1$$,
                  $$values ('one', '{tag.*}'::text[], true, true, null::timestamptz), ('two', '{tag.*}', false, true, null)$$, 'as they were asked for');

-- one whose callback does not answer
create temp table half as select * from api.subscription_check(2, 100, null, 'POST', pg_temp.body('half')::json);
select is(must_ping, true, 'a new one is pinged') from half;
select is(ping_code, code, 'with its code') from half;
select is_empty($$select from api.subscription_read(1, 100, null) where body like '%half%'$$, 'nobody sees it meanwhile');
select results_eq($$select v.status, v.problem from half, api.subscription_validate(100, subscription_id, code) v$$,
                  $$values (200::bigint, null::text)$$, 'its address can be validated while it is asked');
select lives_ok('select api.subscription_give_up(subscription_id, code) from half', 'given up');
select is(count(*), 2::bigint, 'it is gone') from ledger.subscription;
select is(words, null, 'and its description is free') from pg_temp.make(2, pg_temp.body('half'));

-- one that was left behind by a crash
create temp table crashed as select * from api.subscription_check(1, 300, null, 'POST', pg_temp.body('crashed')::json);
select pg_temp.later('6 minutes');
select is(status, 200::bigint, 'after some minutes it is in nobody''s way')
from api.subscription_check(1, 300, null, 'POST', pg_temp.body('crashed')::json);

select is(status, 200::bigint, 'nor in that of a change')
from api.subscription_check(2, 100, (select subscription_id from ledger.subscription where description = 'half'), 'PUT', pg_temp.body('crashed')::json);

-- what happens while a callback is being asked
create temp table one as select s.subscription_id as id, validation_code as old_code from ledger.subscription s where description = 'one';
create function pg_temp.half(method text, body text, out url text, out code text, out ping_code text) language sql as
  $$ select url, code, ping_code from one, api.subscription_check(1, 100, id, method, body::json) $$;
create function pg_temp.rest(method text, body text, url text, code text, proven boolean) returns text language sql as
  $$ select concat_ws(' ', status, problem) from one, api.subscription_write(1, 100, id, method, body::json, null, url, code, proven) $$;
create function pg_temp.is_valid() returns boolean language sql as
  $$ select s.validated_at is not null from one, ledger.subscription s where s.subscription_id = id $$;
create function pg_temp.at(url text) returns text language sql as $$ select pg_temp.body('one')::jsonb || jsonb_build_object('url_callback', url) $$;

create temp table asked as select * from pg_temp.half('PUT', pg_temp.at('https://two.example/'));
select isnt(code, old_code, 'a new address has a new code') from asked, one;
select ok(pg_temp.is_valid(), 'it is as it was so long');
select is(v.status, 200::bigint, 'the new address can be validated meanwhile') from asked, one, api.subscription_validate(100, id, code) v;
select is(v.problem, format('subscription %s has already been validated', id), 'once') from asked, one, api.subscription_validate(100, id, code) v;
select is(pg_temp.rest('PUT', pg_temp.at('https://two.example/'), url, code, false), '200', 'then it is written') from asked;
select ok(pg_temp.is_valid(), 'and validated');
select results_eq('select s.url_callback, s.validation_code, s.asked_code from one, ledger.subscription s where s.subscription_id = id',
                  'select ''https://two.example/'', code, null::text from asked', 'with its code');

truncate asked;
insert into asked select * from pg_temp.half('PUT', pg_temp.at('https://three.example/'));
select lives_ok('select api.subscription_give_up(id, code) from asked, one', 'one that does not answer');
select is(v.status, 400::bigint, 'its code is forgotten') from asked, one, api.subscription_validate(100, id, code) v;
select ok(pg_temp.is_valid(), 'and the old address stays valid');

-- PATCH asks the old address while PUT gives it another one
update ledger.subscription s set enabled = false, validated_at = null from one where s.subscription_id = id;
truncate asked;
insert into asked select * from pg_temp.half('PATCH', '{"enabled":true}');
select is(ping_code, code, 'one that was never validated is asked with its code') from asked;
select is(pg_temp.rest('PUT', pg_temp.at('https://four.example/'), url, code, false), '200', 'the address is changed meanwhile')
from pg_temp.half('PUT', pg_temp.at('https://four.example/'));
select is(pg_temp.rest('PATCH', '{"enabled":true}', url, code, true), '200', 'the old address proves itself') from asked;
select ok(not pg_temp.is_valid(), 'which says nothing of the new one');
select is(s.url_callback, 'https://four.example/', 'and does not bring the old one back') from one, ledger.subscription s where s.subscription_id = id;

-- rights are judged again
truncate asked;
insert into asked select * from pg_temp.half('PUT', pg_temp.at('https://five.example/'));
update ledger.account set enabled = false where account_id = 1;
select is(pg_temp.rest('PUT', pg_temp.at('https://five.example/'), url, code, true), '403 User not found/accessible for workspace',
          'an account that is disabled while its callback is asked') from asked;
update ledger.account set enabled = true where account_id = 1;
select is(s.url_callback, 'https://four.example/', 'changes nothing') from one, ledger.subscription s where s.subscription_id = id;
select is(problem, null, 'PATCH has no secret') from one, api.subscription_check(1, 100, id, 'PATCH', '{"enabled":true,"secret":"x"}');
select is(secret, null, 'whatever is sent with it') from one, api.subscription_check(1, 100, id, 'PATCH', '{"enabled":true,"secret":"x"}');

-- times
select is(ledger.rfc3339('2026-03-29 00:59:59Z', 'Europe/Berlin'), '2026-03-29T01:59:59.000000+01:00', 'before the clocks change');
select is(ledger.rfc3339('2026-03-29 01:00:00Z', 'Europe/Berlin'), '2026-03-29T03:00:00.000000+02:00', 'and after');
select is(ledger.rfc3339('2026-07-01 00:00:00Z', 'America/St_Johns'), '2026-06-30T21:30:00.000000-02:30', 'half an hour, west');
select is(ledger.rfc3339('2026-07-01 00:00:00Z', 'UTC'), '2026-07-01T00:00:00.000000Z', 'UTC is Z');
select is(ledger.rfc3339('2026-10-25 00:30:00Z', 'Europe/Berlin'), '2026-10-25T02:30:00.000000+02:00', 'an hour that comes twice');
select is(ledger.rfc3339('2026-10-25 01:30:00Z', 'Europe/Berlin'), '2026-10-25T02:30:00.000000+01:00', 'an hour that comes twice');
select is(ledger.rfc3339('2026-04-04 14:59:59Z', 'Australia/Lord_Howe'), '2026-04-05T01:59:59.000000+11:00', 'half an hour of summer');
select is(ledger.rfc3339('2026-04-04 15:00:00Z', 'Australia/Lord_Howe'), '2026-04-05T01:30:00.000000+10:30', 'half an hour of summer');
select is(ledger.rfc3339('2011-12-30 09:59:59Z', 'Pacific/Apia'), '2011-12-29T23:59:59.000000-10:00', 'the day that was left out');
select is(ledger.rfc3339('2011-12-30 10:00:00Z', 'Pacific/Apia'), '2011-12-31T00:00:00.000000+14:00', 'the day that was left out');
select is(ledger.rfc3339('1880-01-01 00:00:00Z', 'Europe/Berlin'), '1880-01-01T00:00:00.000000Z', 'an offset with seconds cannot be said');
select is(ledger.rfc3339('infinity', 'UTC'), null, 'nor can infinity');
select is(bool_and(ledger.rfc3339(moment, zone)::timestamptz = moment), true, 'always the same moment, in every zone')
from (select ledger.rfc3339(m, z.name), m as moment, z.name as zone
      from generate_series(timestamptz '2025-12-31Z', '2027-01-01Z', '7 hours 30 minutes') m, pg_timezone_names z
      where z.name ~ '^(Europe|America|Asia|Africa|Australia|Pacific)/[A-M]' and z.name not like '%/%/%') t;

select * from finish();
rollback;
