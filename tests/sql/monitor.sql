-- Findings: each one is caused and then resolved.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap;
select plan(90);

create function pg_temp.findings_of(only_kind text) returns table (level text, subject text, message jsonb)
language sql as $$
  -- durations to the minute: the time that the test takes is in them
  select f.level, f.subject, (select jsonb_object_agg(i.key, case when i.key like '%\_seconds' then to_jsonb(round((i.value)::numeric / 60) * 60) else i.value end)
                              from jsonb_each(f.message) i)
  from ledger.findings() f where f.kind = only_kind
$$;

select is(ledger.whole_seconds(interval '1.9 seconds'), 1::bigint, 'a duration');
select is(ledger.whole_seconds(interval '-3 seconds'), 0::bigint, 'a clock that is ahead');

select is_empty('select * from ledger.findings()', 'a fresh database is well');

-- ---- endpoints and callbacks

select operator.endpoint_add('address_of_the_first_1', 'first', 1, '\x01');
select is_empty('select * from ledger.findings()', 'and one with an endpoint');
update ledger.endpoint_secret set valid_until = now() - interval '1 minute';
select results_eq($$select level, message from pg_temp.findings_of('endpoint_mute')$$,
  $$values ('trouble', '{"code": "finding.endpoint_mute", "name": "first", "endpoint_id": 1}'::jsonb)$$, 'an endpoint without a secret');
update ledger.endpoint_secret set valid_until = 'infinity';
select is_empty('select * from ledger.findings()', 'with one again');

select receiver.count(array[now() - interval '5 minutes', now()], array[1, 1], array['signature', 'signature'], array[10, 9]);
select is_empty('select * from ledger.findings()', 'a few wrong signatures are none');
select receiver.count(array[now()], array[1], array['signature'], array[1]);
select is(level, 'warning', 'many are') from pg_temp.findings_of('forged');
select receiver.count(array[now()], array[0], array['unavailable'], array[1]);
select is(level, 'trouble', 'one that could not be taken is') from pg_temp.findings_of('refused');
select is((select kind from ledger.findings() limit 1), 'refused', 'trouble comes first');
update ledger.receiver_counter set minute = minute - interval '2 hours';
select is_empty('select * from ledger.findings()', 'and passes');

select receiver.quarantine('{1}', '{1}', array[now()], '{event}', array['\x00'::bytea], array['\x00'::bytea]);
select is(message, '{"code": "finding.quarantine", "count": 1, "more": false}', 'quarantine') from pg_temp.findings_of('quarantine');
delete from ledger.quarantine;

-- ---- tables

insert into ledger.drift (day, model, field, found, slot, count) values (current_date, 'time_entry', 'billable', 'string', 0, 3);
select is(message, '{"code": "finding.drift", "model": "time_entry", "field": "billable", "found": "string"}', 'drift') from pg_temp.findings_of('drift');
delete from ledger.drift;

create function pg_temp.move(from_name text, to_name text) returns void language plpgsql as $$
begin
  execute format('alter table ledger.%I rename to %I', from_name, to_name);
end $$;
select pg_temp.move('event_' || to_char(now() at time zone 'UTC', '"y"YYYY"m"MM'), 'away');
select is(level, 'trouble', 'no table for this month') from pg_temp.findings_of('partitions');
select pg_temp.move('away', 'event_' || to_char(now() at time zone 'UTC', '"y"YYYY"m"MM'));
insert into ledger.event (workspace_id, event_id, created_at, received_at, epoch, endpoint_id, secret_id, model, action, source, signature, body)
select 1, n, t.at::timestamptz, now(), 0, 1, 1, 'tag', 'created', 'backfill', '\x', '{}' from (values (1, '2009-03-01'), (2, '1999-01-01'), (3, '2090-01-01')) t (n, at);
select is(message, '{"code": "finding.default_partition", "count": 1, "more": false}', 'an event of a month that can be made')
from pg_temp.findings_of('default_partition');
delete from ledger.event;
select receiver.count(array[now()], array[1], array['workspace'], array[3]);
select is(message, '{"code": "finding.workspace", "count": 3, "name": "first"}', 'another workspace')
from pg_temp.findings_of('workspace');
delete from ledger.receiver_counter;
select is_empty('select * from ledger.findings()', 'all are resolved');

-- ---- Toggl

insert into ledger.toggl_connection (user_id, name, token_sealed) values (1, 'Ada', '\x00');
insert into ledger.toggl_workspace (workspace_id, connection_id, organization_id) values (1, 1, 1);
insert into ledger.toggl_subscription (workspace_id, subscription_id, description, url, enabled, validated_at, endpoint_id, wanted_url, wanted_filters, wanted_enabled)
values (1, 77, 'all', 'u', true, now(), 1, 'u', '{}', true), (1, 78, 'somebody else''s', 'v', false, null, null, null, null, null);
select is_empty('select * from ledger.findings()', 'a subscription that is well, and one that is not ours');
update ledger.toggl_subscription set enabled = false;
select results_eq($$select level, message from pg_temp.findings_of('toggl_disabled')$$,
  $$values ('trouble', '{"code": "finding.toggl_differs", "name": "all", "state": {"code": "toggl.state_disabled"}, "repair": "repair", "subscription_id": 77}'::jsonb)$$, 'one that Toggl disabled');
update ledger.toggl_subscription set wanted_enabled = false where subscription_id = 77;
select results_eq($$select kind, level, message from ledger.findings()$$,
  $$values ('toggl_off', 'warning', '{"code": "finding.toggl_off", "name": "all", "workspace": "1", "subscription_id": 77}'::jsonb)$$, 'one that we disabled');
update ledger.toggl_workspace set name = 'Home';
insert into ledger.toggl_subscription (workspace_id, subscription_id, description, url, enabled, validated_at, endpoint_id, wanted_url, wanted_filters, wanted_enabled)
values (1, 79, 'another', 'u', true, now(), 1, 'u', '{}', true);
select is_empty('select * from ledger.findings()', 'beside another that works');
delete from ledger.toggl_subscription where subscription_id = 79;
select is(message ->> 'workspace', 'Home', 'by the name of the workspace') from pg_temp.findings_of('toggl_off');
update ledger.toggl_subscription set wanted_enabled = true where subscription_id = 77;
update ledger.toggl_subscription set enabled = true;
update ledger.toggl_connection set refused_at = now();
select is(message, '{"code": "finding.toggl_token", "name": "Ada", "connection_id": 1}', 'a token that is refused') from pg_temp.findings_of('toggl_token');
update ledger.toggl_connection set refused_at = null;
insert into ledger.toggl_job (connection_id, kind, given, is_interactive, queue, leased_until, finished_at, failed, message)
select connection_id, 'check', '{}', n = 1, '[]', now(), now(), true, '{"code": "toggl.no_answer"}' from ledger.toggl_connection, generate_series(1, 2) n;
select is(message, '{"code": "finding.toggl_job", "job": "check", "why": {"code": "toggl.no_answer"}}', 'a look that failed') from pg_temp.findings_of('toggl_job');
insert into ledger.toggl_job (connection_id, kind, given, is_interactive, queue, leased_until, finished_at, failed, message)
select connection_id, 'check', '{}', false, '[]', now(), now(), false, '{"code": "toggl.done"}' from ledger.toggl_connection;
select is_empty('select * from ledger.findings()', 'and worked the next time');
update ledger.toggl_subscription set filters = '{tag.created}', wanted_filters = '{*.*}' where subscription_id = 77;
select is(level, 'warning', 'other filters than ours') from pg_temp.findings_of('toggl_filters');
update ledger.toggl_subscription set filters = '{*.*}' where subscription_id = 77;
select is_empty('select * from ledger.findings()', 'as they were');

-- ---- subscriptions

select operator.organization_add('o', 'free', 5, null, null);
select operator.workspace_add(1, 5);
select operator.account_add('a', 7, null, 'UTC', sha256('x'));
select operator.member_set(1, 1, true, true);
insert into ledger.subscription (workspace_id, account_id, description, url_callback, filters, event_filters, secret_sealed, enabled, validated_at, validation_code, failing_since)
values (1, 1, 's', 'http://x', '{*.*}', '[]', '\x00', true, now(), 'c', now() - interval '59 minutes');
select is_empty('select * from ledger.findings()', 'one that has failed for less than an hour');
update ledger.subscription set failing_since = now() - interval '3 hours';
select is(message, '{"code": "finding.subscription_failing", "name": "s", "failing_seconds": 10800}', 'and for longer') from pg_temp.findings_of('subscription_failing');
update ledger.subscription set enabled = false, disabled_reason = 'gone';
select is(level, 'trouble', 'and one that was disabled') from pg_temp.findings_of('subscription_disabled');
update ledger.subscription set enabled = true, disabled_reason = null, failing_since = null;
insert into ledger.delivery (workspace_id, subscription_id, event_id, created_at, entity_id, model, action, state, due_at)
values (1, 1, 1, now(), 1, 'tag', 'created', 'due', now() - interval '20 minutes');
select is(message, '{"code": "finding.overdue", "overdue_seconds": 1200}', 'overdue') from pg_temp.findings_of('overdue');
update ledger.subscription set leased_until = now() + interval '1 minute';
select is_empty('select * from ledger.findings()', 'but not when a courier has them');

delete from ledger.delivery;
update ledger.subscription set leased_until = '-infinity';

-- ---- given up, and what a host sees

insert into ledger.delivery (workspace_id, subscription_id, event_id, created_at, entity_id, model, action, state, due_at, settled_at)
select 1, 1, n, now(), 1, 'tag', 'created', 'dead', now(), now() - n * interval '1 day' from generate_series(1, 9) n;
select is(message, '{"code": "finding.dead", "count": 6, "more": false, "name": "s", "days": 7, "subscription_id": 1}', 'dead deliveries, those of a week') from pg_temp.findings_of('dead');
insert into ledger.option (name, value) values ('dead_days', '2');
select is(message, '{"code": "finding.dead", "count": 1, "more": false, "name": "s", "days": 2, "subscription_id": 1}', 'or of as many days as the owner has set') from pg_temp.findings_of('dead');
delete from ledger.option;
delete from ledger.delivery;
select is_empty('select * from ledger.findings()', 'none');

select ledger.host_seen('here', 'courier', '1', 0, 0, 1000, 0, null);
select is_empty('select * from ledger.findings()', 'an empty spool');
select ledger.host_seen('here', 'courier', '1', 3, 30, 1000, 0, now() - interval '50 seconds');
select is_empty('select * from ledger.findings()', 'one that is being emptied');
select ledger.host_seen('here', 'courier', '1', 3, 30, 1000, 0, now() - interval '5 minutes', 0, 600);
select is_empty('select * from ledger.findings()', 'or late by what its host says');
select ledger.host_seen('here', 'courier', '1', 3, 30, 1000, 0, now() - interval '70 seconds');
select is(level, 'trouble', 'one that waits for more than a minute') from pg_temp.findings_of('spool');
select ledger.host_seen('here', 'courier', '1', 3, 30, 1000, 0, now() - interval '20 minutes');
select results_eq($$select level, message from pg_temp.findings_of('spool')$$,
  $$values ('trouble', '{"code": "finding.spool", "count": 3, "place": "here", "oldest_seconds": 1200, "percent": 3, "seen_seconds": 0}'::jsonb)$$, 'an old one');
select ledger.host_seen('here', 'courier', '1', 3, 501, 1000, 0, now());
select is(level, 'trouble', 'one that fills') from pg_temp.findings_of('spool');
select ledger.host_seen('here', 'courier', '1', 0, 0, 1000, 1, null);
select is(message, '{"code": "finding.spool_damaged", "count": 1, "place": "here"}', 'a damaged one') from pg_temp.findings_of('spool_damaged');
select ledger.host_seen('here', 'courier', '1', 0, 0, 1000, 0, null, 2, 60);
select results_eq($$select level, message from pg_temp.findings_of('spool_aside')$$,
  $$values ('trouble', '{"code": "finding.spool_aside", "count": 2, "place": "here"}'::jsonb)$$,
  'callbacks that were set aside');
select ok(ledger.metrics_around(now(), '1') like E'%\nhookledger_spool_aside{host="here"} 2\n%', 'in the metrics too');
select ledger.host_seen('here', 'courier', '2', 0, 0, 1000, 0, null);
select is_empty('select * from ledger.findings()', 'and well again');
update ledger.host set seen_at = now() - interval '25 hours', spool_seen_at = now() - interval '25 hours';
select is(message, '{"code": "finding.courier", "idle_seconds": 90000}', 'nobody works') from pg_temp.findings_of('courier');
update ledger.host set seen_at = now();

-- ---- quota

insert into ledger.toggl_window (connection_id, organization_id, total, remaining, resets_at, seen_at)
select connection_id, 5, 30, 0, '2035-01-01 10:42Z', now() from ledger.toggl_connection;
select is(message, '{"code": "finding.quota", "total": 30, "organization_id": 5, "until": "2035-01-01T10:42:00Z", "count": 0}', 'a spent quota') from pg_temp.findings_of('quota');
update ledger.toggl_window set resets_at = now();
select is_empty('select * from ledger.findings()', 'until its window ends');

-- ---- silence: three weeks of office hours (8:00 to 17:00 UTC, every 4 minutes), a holiday among them

create function pg_temp.at(moment timestamptz) returns void language sql as $$ update ledger.state set clock_offset = moment - clock_timestamp() $$;
create function pg_temp.call(moment timestamptz) returns void language sql as $$
  insert into ledger.event (workspace_id, event_id, created_at, received_at, txid, epoch, endpoint_id, secret_id, model, action, source, signature, body)
  select 1, 1000000 + extract(epoch from moment)::bigint, moment, moment, extract(epoch from moment)::bigint::text::xid8, 0, 1, 1, 'time_entry', 'updated', 'webhook', '\x', '{}'
$$;
create function pg_temp.silence() returns table (level text, message jsonb) language sql as $$
  select ledger.event_counts_update(100000);
  update ledger.monitor set learned_at = '-infinity';
  select ledger.event_counts_update(100000);
  select level, message from pg_temp.findings_of('silence')
$$;
-- from Monday on
select pg_temp.at('2026-05-04 08:00Z');
update ledger.endpoint set created_at = '2026-05-01';
select is(message - 'age_seconds', '{"code": "finding.silence_new", "name": "first"}', 'an endpoint that never was called') from pg_temp.silence();
select pg_temp.call('2026-05-01 12:00Z');
select is_empty('select * from pg_temp.silence()', 'a silence of a weekend, of which nothing is known');
select pg_temp.at('2026-05-05 08:00Z');
select is(message - 'silent_seconds', '{"code": "finding.silence_rare"}', 'and of longer than that') from pg_temp.silence();
select count(*) from (
  select pg_temp.call(d + n * interval '4 minutes')
  from generate_series(timestamptz '2026-05-04 08:00Z', '2026-05-22 08:00Z', '1 day') d, generate_series(0, 134) n
  where extract(isodow from d) < 6 and d::date <> '2026-05-14') c;
select pg_temp.at('2026-05-22 17:30Z');
select is_empty('select * from pg_temp.silence()', 'the end of a day');
select is(weeks, 3, 'three weeks are known') from ledger.call_baseline;
select cmp_ok(silence_limit, '<', 30::real, 'none of which has an unusual silence within its days') from ledger.call_baseline;
select is(sum(count), (select count(*)::numeric from ledger.event), 'each event is counted') from ledger.event_count_received;
select is(sum(count), (select count(*)::numeric from ledger.event), 'by the hour of its creation') from ledger.event_count_created;
select is(sum(value), (select count(*)::numeric from ledger.event), 'and again by its kind') from ledger.counter where name = 'events';
select pg_temp.at('2026-05-24 15:00Z');
select is_empty('select * from pg_temp.silence()', 'a weekend');
select pg_temp.at('2026-05-25 08:55Z');
select is_empty('select * from pg_temp.silence()', 'a Monday morning');
select pg_temp.at('2026-05-25 09:40Z');
select results_eq('select level from pg_temp.silence()', $$values ('warning')$$, 'a Monday on which nobody calls');
select pg_temp.at('2026-05-27 12:00Z');
select ok(message ->> 'code' = 'finding.silence' and (message -> 'silent_seconds')::numeric / 86400 between 4.5 and 5.5 and (message -> 'usual_seconds')::numeric between 60 and 5400, 'what the owner reads') from pg_temp.silence();
select is(level, 'trouble', 'three of them') from pg_temp.silence();
select pg_temp.call('2026-05-27 12:00Z');
select is_empty('select * from pg_temp.silence()', 'until one comes');
select pg_temp.at('2026-05-27 17:00Z');
select is(level, 'trouble', 'after that five hours are unusual') from pg_temp.silence();
select ok((message -> 'silent_seconds')::numeric between 4.5 * 3600 and 5.5 * 3600 and (message -> 'usual_seconds')::numeric between 210 and 330, 'which is what the owner reads') from pg_temp.silence();
insert into ledger.option (name, value) values ('silence_minutes', '320');
select is_empty('select * from pg_temp.silence()', 'unless the owner has set more');
update ledger.option set name = 'silence_times', value = '1000';
select is_empty('select * from pg_temp.silence()', 'or more events');
delete from ledger.option;
update ledger.monitor set read_at = '-infinity';
select is_empty($$select * from pg_temp.findings_of('silence')$$, 'but when nobody counts, it reports nothing');
update ledger.endpoint set enabled = false;
select is_empty('select * from pg_temp.silence()', 'nor of a disabled endpoint');
-- what comes late stands where it happened; what is loaded or very old nowhere
insert into ledger.event (workspace_id, event_id, created_at, received_at, txid, epoch, endpoint_id, secret_id, model, action, source, signature, body)
select 1, 77 + n, t, '2026-05-27 16:30Z', 1800000000::text::xid8, 0, 1, 1, 'client', 'created', s, '\x', '{}'
from (values (1, timestamptz '2026-05-26 03:10Z', 'webhook'), (2, '2026-05-26 03:59Z', 'spool'), (3, '2026-05-26 03:20Z', 'backfill'), (4, '2021-01-01Z', 'local')) v (n, t, s);
select ledger.event_counts_update(100000);
select results_eq($$select hour, count from ledger.event_count_created where model = 'client'$$, $$values (timestamptz '2026-05-26 03:00Z', 2::bigint)$$,
                  'by the hour of their creation, late ones too');
select is(ledger.day_count('2026-05-26', 'Europe/Berlin', '2026-05-26 04:00Z'), 2::bigint, 'and so a day is counted');
delete from ledger.event;
update ledger.endpoint set enabled = true;
delete from ledger.call_baseline;
update ledger.state set clock_offset = '0';
update ledger.endpoint set created_at = now();
select is_empty('select * from ledger.findings()', 'all is well');

-- ---- telling

select throws_ok($$select ledger.alert_add('mail', '-oQ/tmp@example.org')$$, '22023', 'alert.no_address', 'no option as an address');
select throws_ok($$select ledger.alert_add('mail', E'a@example.org\nBcc: b@example.org')$$, '22023', 'alert.no_address', 'no line break in one');
select throws_ok($$select ledger.alert_add('webhook', 'ftp://example.org/')$$, '22023', 'alert.no_url', 'no other scheme');
select throws_ok($$select ledger.alert_add('webhook', 'http://user@example.org/')$$, '22023', 'alert.no_url', 'no user in it');
select throws_ok($$select ledger.alert_add('pager', '1')$$, '22023', 'alert.no_kind', 'no other way');
select is(ledger.alert_add('mail', 'ada@example.org'), 1::bigint, 'an address') ;
select throws_ok($$select ledger.alert_add('mail', 'ada@example.org')$$, '23505', 'alert.target_exists', 'once');
select ledger.evaluate('');
select is_empty('select from ledger.alert_message', 'nothing to tell');
update ledger.toggl_subscription set enabled = false where subscription_id = 77;
select ledger.evaluate('https://x/admin/');
select ledger.evaluate('https://x/admin/');
select results_eq($$select content ->> 'status', content #>> '{changes,0,change}', content #>> '{changes,0,message,code}', content #>> '{findings,0,message,state,code}', content ->> 'page' from ledger.alert_message$$,
  $$values ('trouble', 'new', 'finding.toggl_differs', 'toggl.state_disabled', 'https://x/admin/')$$, 'a finding is reported once');
update ledger.toggl_subscription set enabled = true where subscription_id = 77;
select ledger.evaluate('');
update ledger.toggl_subscription set enabled = false where subscription_id = 77;
select ledger.evaluate('');
update ledger.toggl_subscription set enabled = true where subscription_id = 77;
select ledger.evaluate('');
select is((select count(*) from ledger.alert_message), 1::bigint, 'and not again when it comes and goes');
update ledger.state set clock_offset = '6 minutes';
select ledger.evaluate('');
select results_eq($$select content ->> 'status', content #>> '{changes,0,change}', content #>> '{changes,0,message,code}', content ->> 'findings' from ledger.alert_message order by message_id desc limit 1$$,
  $$values ('well', 'over', 'finding.toggl_differs', '[]')$$, 'but when it is over');
select is(content::jsonb #>> '{changes,0,change}', 'new', 'they are sent in their order') from ledger.alert_claim(1000);
select is(message_id, 0::bigint, 'one at a time') from ledger.alert_claim(1000);
select ledger.alert_settle(1, 1, 'no route to host');
select results_eq('select last_problem, failing_since is not null from ledger.alert', $$values ('no route to host', true)$$, 'a problem is kept');
select is(message_id, 0::bigint, 'it is not tried at once') from ledger.alert_claim(1000);
update ledger.state set clock_offset = '8 minutes';
select is(lease, 2::bigint, 'but later') from ledger.alert_claim(1000);
select ledger.alert_settle(1, 1, null);
select is_empty('select from ledger.alert_message where sent_at is not null', 'a stale lease changes nothing');
select ledger.alert_settle(1, 2, null);
select is(content::jsonb #>> '{changes,0,change}', 'over', 'then the next') from ledger.alert_claim(1000);
select ledger.alert_settle(2, 1, null);
select results_eq('select last_problem, failing_since from ledger.alert', $$values (null::text, null::timestamptz)$$, 'all are sent');

update ledger.alert set kind = 'slack', target = 'https://hooks.slack.com/services/T/B/secret', last_problem = 'no route to host',
                         failing_since = ledger.clock() - interval '15 minutes';
select results_eq($$select message from pg_temp.findings_of('alert')$$,
  $$values ('{"code": "finding.alert", "way": "slack", "target": "https://hooks.slack.com/…", "failing_seconds": 900, "problem": "no route to host", "alert_id": 1}'::jsonb)$$, 'a chat that takes nothing, without its address');

select * from finish();
rollback;
