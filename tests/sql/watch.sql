-- What the owner is told: each finding made and mended.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap;
select plan(24);

create function pg_temp.told(only_kind text) returns table (level text, subject text, words text)
language sql as $$ select f.level, f.subject, f.words from ledger.findings() f where f.kind = only_kind $$;

select is(ledger.for_long(interval '1 second'), '1 second', 'one is one');
select is(ledger.for_long(interval '-3 seconds'), '0 seconds', 'a clock that is ahead');
select is(ledger.for_long(interval '4 minutes 20 seconds'), '4 minutes', 'minutes');
select is(ledger.for_long(interval '5 hours'), '5 hours', 'hours');
select is(ledger.for_long(interval '3 days 2 hours'), '3 days', 'days');

select is_empty('select * from ledger.findings()', 'a fresh database is well');

-- ---- endpoints and callbacks

select operator.endpoint_add('address_of_the_first_1', 'first', 1, '\x01');
select is_empty('select * from ledger.findings()', 'and one with an endpoint');
update ledger.endpoint_secret set valid_until = now() - interval '1 minute';
select results_eq($$select level, words from pg_temp.told('endpoint_mute')$$,
  $$values ('trouble', 'The endpoint "first" has no valid secret and answers 401 to every callback.')$$, 'an endpoint without a secret');
update ledger.endpoint_secret set valid_until = 'infinity';
select is_empty('select * from ledger.findings()', 'with one again');

select receiver.tally(array[now() - interval '5 minutes', now()], array[1, 1], array['signature', 'signature'], array[10, 9]);
select is_empty('select * from ledger.findings()', 'a few wrong signatures are none');
select receiver.tally(array[now()], array[1], array['signature'], array[1]);
select is(level, 'warning', 'many are') from pg_temp.told('forged');
select receiver.tally(array[now()], array[0], array['unavailable'], array[1]);
select is(level, 'trouble', 'one that could not be taken is') from pg_temp.told('refused');
select is((select kind from ledger.findings() limit 1), 'refused', 'trouble comes first');
update ledger.tally set minute = minute - interval '2 hours';
select is_empty('select * from ledger.findings()', 'and passes');

select receiver.quarantine('{1}', '{1}', array[now()], '{event}', array['\x00'::bytea], array['\x00'::bytea]);
select is(words, '1 callback with a good signature waits in quarantine: Toggl sent what is no event.', 'quarantine') from pg_temp.told('quarantine');
delete from ledger.quarantine;

-- ---- tables

insert into ledger.drift (day, model, field, found, slot, count) values (current_date, 'time_entry', 'billable', 'string', 0, 3);
select matches(words, 'time_entry.billable \(string\)', 'drift') from pg_temp.told('drift');
delete from ledger.drift;

-- ---- Toggl

insert into ledger.toggl_connection (user_id, name, token_sealed) values (1, 'Ada', '\x00');
insert into ledger.toggl_workspace (workspace_id, connection_id, organization_id) values (1, 1, 1);
insert into ledger.toggl_subscription (workspace_id, subscription_id, description, url, enabled, validated_at, endpoint_id, wanted_url, wanted_filters, wanted_enabled)
values (1, 77, 'all', 'u', true, now(), 1, 'u', '{}', true), (1, 78, 'somebody else''s', 'v', false, null, null, null, null, null);
select is_empty('select * from ledger.findings()', 'a subscription that is well, and one that is not ours');
update ledger.toggl_subscription set enabled = false;
select results_eq($$select level, words from pg_temp.told('toggl_disabled')$$,
  $$values ('trouble', '"all" at Toggl: Toggl has disabled it, so no events come.')$$, 'one that Toggl disabled');
update ledger.toggl_subscription set enabled = true;
update ledger.toggl_connection set refused_at = now();
select is(words, 'Toggl refuses the API token of Ada.', 'a token that is refused') from pg_temp.told('toggl_token');
update ledger.toggl_connection set refused_at = null;

-- ---- subscriptions

select operator.organization_add('o', 'free', 5);
select operator.workspace_add(1, 5);
select operator.account_add('a', 7, null, 'UTC', sha256('x'));
select operator.member_set(1, 1, true, true);
insert into ledger.subscription (workspace_id, account_id, description, url_callback, filters, event_filters, secret_sealed, enabled, validated_at, validation_code, failing_since)
values (1, 1, 's', 'http://x', '{*.*}', '[]', '\x00', true, now(), 'c', now() - interval '59 minutes');
select is_empty('select * from ledger.findings()', 'one that has failed for less than an hour');
update ledger.subscription set failing_since = now() - interval '3 hours';
select is(words, 'The subscription "s" has failed for 3 hours.', 'and for longer') from pg_temp.told('subscription_failing');
update ledger.subscription set enabled = false, disabled_reason = 'gone';
select is(level, 'trouble', 'and one that was disabled') from pg_temp.told('subscription_disabled');
update ledger.subscription set enabled = true, disabled_reason = null, failing_since = null;
insert into ledger.delivery (workspace_id, subscription_id, event_id, created_at, entity_id, model, action, state, due_at)
values (1, 1, 1, now(), 1, 'tag', 'created', 'due', now() - interval '20 minutes');
select is(words, 'Deliveries are overdue for 20 minutes: no courier is working.', 'overdue') from pg_temp.told('overdue');
update ledger.subscription set leased_until = now() + interval '1 minute';
select is_empty('select * from ledger.findings()', 'but not when a courier has them');

select * from finish();
rollback;
