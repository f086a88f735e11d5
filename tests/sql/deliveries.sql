-- Which events a subscription's maker may see, what the derived filters take, and
-- what is sent instead of secrets.
begin;
create extension if not exists pgtap;
select plan(73);

insert into ledger.organization (organization_id, name) overriding system value values (1, 'Small & Sons');
insert into ledger.workspace values (1000, 1);
-- an administrator; a member; one who may not use the workspace; a disabled administrator
insert into ledger.account (account_id, name, user_id, token_digest, enabled) overriding system value values
  (1, 'admin', 11, sha256('1'), true), (2, 'member', 22, sha256('2'), true),
  (3, 'outsider', 22, sha256('3'), true), (4, 'disabled', 11, sha256('4'), false);
insert into ledger.member values (1, 1000, true), (2, 1000, false), (4, 1000, true);
insert into ledger.subscription (subscription_id, workspace_id, account_id, description, url_callback, filters, event_filters,
                                 secret_sealed, enabled, validated_at, validation_code)
overriding system value
select i, 1000, i, 'of account ' || i, 'http://127.0.0.1:9/', '{*.*}', '[]', '\x01', true, now(), 'x' from generate_series(1, 4) i;

create function pg_temp.record(id bigint, model text, action text, entity bigint, payload text, metadata text)
returns void language plpgsql as $$
declare
  at timestamptz := '2026-07-17T10:00:00Z'::timestamptz + id * interval '1 second';
  body json := format('{"event_id":%s,"metadata":%s,"payload":%s}', id, metadata, payload)::json;
begin
  insert into ledger.event (workspace_id, event_id, created_at, received_at, epoch, endpoint_id, secret_id, creator_id,
                            entity_id, model, action, source, signature, body)
  values (1000, id, at, now(), 1, 1, 1, 11, entity, model, action, 'webhook', '\x01', body);
  perform ledger.apply(array[1000::bigint], array[id], array[at], array[11::bigint], array[entity], array[model], array[action], array[body]);
  perform ledger.outbox_add(array[1000::bigint], array[id], array[at], array[model], array[action]);
end
$$;

-- Records an event and says which of the subscriptions got it.
create sequence pg_temp.event;
create function pg_temp.seen(model text, payload text, entity bigint default 5, action text default 'updated', metadata text default '{}')
returns text language plpgsql as $$
declare
  id bigint := nextval('pg_temp.event');
begin
  perform pg_temp.record(id, model, action, entity, payload, metadata);
  perform courier.gather(0, 1000, 1000);
  return (select coalesce(string_agg(d.subscription_id::text, ' ' order by d.subscription_id), '') from ledger.delivery d where d.event_id = id);
end
$$;

-- ---- what belongs to nobody in particular

select is(pg_temp.seen('tag', '{"name":"x"}'), '1 2', 'a tag: every member; no outsider, no disabled account');
select is(pg_temp.seen('client', '{"name":"x"}'), '1 2', 'a client: every member');
select is(pg_temp.seen('workspace', '{"name":"x"}', 1000), '1 2', 'the workspace: every member');
select is(pg_temp.seen('workspace_user', '{"user_id":33}'), '1 2', 'a user of it: every member');
select is(pg_temp.seen('invoice', '{"user_id":22}'), '1', 'a kind that is not known: administrators');
select is(pg_temp.seen('', '{}', null), '1', 'no kind at all: administrators');

-- ---- time entries

select is(pg_temp.seen('time_entry', '{"user_id":22,"project_id":null}'), '1 2', 'one''s own entry without a project');
select is(pg_temp.seen('time_entry', '{"user_id":33,"project_id":null}', 6), '1', 'somebody else''s');
select is(pg_temp.seen('time_entry', '{"uid":22,"pid":null}', 7), '1 2', 'by the older names of the keys');
select is(pg_temp.seen('time_entry', '{"user_id":33,"uid":22,"project_id":null}', 7), '1', 'of two names the newer counts');
select is(pg_temp.seen('time_entry', '{"project_id":null}', 8), '1', 'nobody knows whose');
select is(pg_temp.seen('time_entry', '{"user_id":null,"project_id":null}', 8), '1', 'whose is null');
select is(pg_temp.seen('time_entry', '{"user_id":"x","project_id":null}', 8), '1', 'whose is no number');
select is(pg_temp.seen('time_entry', '{"user_id":22.5,"project_id":null}', 8), '1', 'whose is no whole number');
select is(pg_temp.seen('time_entry', '{"user_id":22000000000000000000,"project_id":null}', 8), '1', 'whose is beyond all numbers');
select is(pg_temp.seen('time_entry', '{"user_id":22,"project_id":null,"description":"\u0000"}', 9), '1 2', 'with a character that no text can hold');
select is(pg_temp.seen('time_entry', '{"user_id":22,"project_id":77}', 10), '1', 'one''s own, of a project that nobody knows');
select is(pg_temp.seen('time_entry', '{"user_id":22,"project_id":77}', 10, metadata => '{"project_is_private":"false"}'), '1 2',
          'unless the event says that it is public');
select is(pg_temp.seen('time_entry', '{"user_id":22}', 11), '1', 'it does not say of which project');
select is(pg_temp.seen('time_entry', '{"user_id":22,"project_id":"x"}', 11), '1', 'the project is no number');
select is(pg_temp.seen('time_entry', '{}', 5, 'deleted'), '1 2', 'a deletion that says only that: as the entry was');
select is(pg_temp.seen('time_entry', '{}', 6, 'deleted'), '1', 'somebody else''s likewise');
select is(pg_temp.seen('time_entry', '{}', 404, 'deleted'), '1', 'of an entry that was never seen');

-- ---- projects

select is(pg_temp.seen('project', '{"name":"public","is_private":false}', 50), '1 2', 'a public project');
select is(pg_temp.seen('project', '{"name":"private","is_private":true}', 60), '1', 'a private one');
select is(pg_temp.seen('project', '{"name":"who knows"}', 70), '1', 'one that does not say');
select is(pg_temp.seen('time_entry', '{"user_id":22,"project_id":50}', 12), '1 2', 'one''s own entry of a public project');
select is(pg_temp.seen('time_entry', '{"user_id":22,"project_id":60}', 13), '1', 'of a private one that one is not known in');
select is(pg_temp.seen('time_entry', '{"user_id":22,"project_id":60}', 13, metadata => '{"project_is_private":"false"}'), '1',
          'whatever an event says of it');
select is(pg_temp.seen('time_entry', '{"user_id":22,"project_id":50}', 12, metadata => '{"project_is_private":"true"}'), '1',
          'a public one, but the event says private');
select is(pg_temp.seen('time_entry', '{"user_id":22,"project_id":70}', 14), '1', 'of one that does not say');
select is(pg_temp.seen('task', '{"name":"t","project_id":50}'), '1 2', 'a task of a public project');
select is(pg_temp.seen('task', '{"name":"t","project_id":60}', 6), '1', 'of a private one');
select is(pg_temp.seen('task', '{"name":"t"}', 7), '1', 'of none that it says');
select is(pg_temp.seen('task', '{}', 5, 'deleted'), '1 2', 'deleted: as it was');
select is(pg_temp.seen('project_group', '{"project_id":50,"group_id":1}'), '1 2', 'a group of a public project');
select is(pg_temp.seen('project_group', '{"project_id":60,"group_id":1}', 6), '1', 'of a private one: its members are not known');
select is(pg_temp.seen('project_user', '{"project_id":60,"user_id":33}'), '1', 'another''s membership of the private one');
select is(pg_temp.seen('time_entry', '{"user_id":22,"project_id":60}', 13), '1', 'still not known in it');
select is(pg_temp.seen('project_user', '{"project_id":60,"user_id":22}', 6), '1 2', 'one''s own membership');
select is(pg_temp.seen('time_entry', '{"user_id":22,"project_id":60}', 13), '1 2', 'now one''s own entry of it is seen');
select is(pg_temp.seen('time_entry', '{"user_id":33,"project_id":60}', 15), '1', 'another''s is not');
select is(pg_temp.seen('project', '{"name":"private","is_private":true}', 60), '1 2', 'the project itself is');
select is(pg_temp.seen('task', '{"name":"t","project_id":60}', 6), '1 2', 'and its task');
select is(pg_temp.seen('project_user', '{"project_id":60,"user_id":22}', 6, 'deleted'), '1', 'the end of the membership');
select is(pg_temp.seen('time_entry', '{"user_id":22,"project_id":60}', 13), '1', 'and of what it showed');
select is(pg_temp.seen('project', '{"name":"public","is_private":true}', 50), '1', 'a public project that was made private');
select is(pg_temp.seen('time_entry', '{"user_id":22,"project_id":50}', 12), '1', 'and what belongs to it');
update ledger.member set is_admin = false where account_id = 1;
select is(pg_temp.seen('project', '{"name":"private","is_private":true}', 60), '', 'nobody is an administrator: nobody');
update ledger.member set is_admin = true where account_id = 1;

-- ---- started, stopped

update ledger.subscription set filters = '{time_entry.started}' where subscription_id = 1;
update ledger.subscription set filters = '{time_entry.stopped}', account_id = 1 where subscription_id = 2;
select is(pg_temp.seen('time_entry', '{"user_id":33,"project_id":null,"duration":-1,"stop":null}', 20, 'created'), '1', 'a timer is started');
select is(pg_temp.seen('time_entry', '{"user_id":33,"project_id":null,"duration":-1,"stop":null,"description":"x"}', 20), '', 'it runs on');
select is(pg_temp.seen('time_entry', '{"user_id":33,"project_id":null,"duration":60,"stop":"2026-07-17T10:00:00Z"}', 20), '2', 'it is stopped');
select is(pg_temp.seen('time_entry', '{"user_id":33,"project_id":null,"duration":70,"stop":"2026-07-17T10:00:10Z"}', 20), '', 'it is changed later');
select is(pg_temp.seen('time_entry', '{"user_id":33,"project_id":null,"duration":-1784288612,"stop":null}', 20), '1', 'it is started again');
select is(pg_temp.seen('time_entry', '{"user_id":33}', 20, 'deleted'), '', 'it is deleted while it runs');
select is(pg_temp.seen('time_entry', '{"user_id":33,"project_id":null,"duration":60,"stop":"2026-07-17T10:00:00Z"}', 21, 'created'), '',
          'one that is entered as a whole is neither');
select is(pg_temp.seen('time_entry', '{"user_id":33,"project_id":null,"duration":60,"stop":"2026-07-17T10:00:00Z"}', 22), '',
          'what nothing is known of before is not stopped');
select is(pg_temp.seen('time_entry', '{"user_id":33,"project_id":null}', 20), '', 'one that says nothing of it is neither');

-- ---- loaded or corrected

update ledger.subscription set filters = '{*.*,time_entry.started}' where subscription_id = 1;
update ledger.subscription set filters = '{time_entry.backfilled}', account_id = 1 where subscription_id = 2;
create function pg_temp.loaded(id bigint, source text, model text default 'time_entry', action text default 'created') returns text language plpgsql as $$
declare
  at timestamptz := '2026-07-17T12:00:00Z'::timestamptz + abs(id) * interval '1 second';
begin
  insert into ledger.event (workspace_id, event_id, created_at, received_at, epoch, endpoint_id, secret_id, creator_id,
                            entity_id, model, action, source, signature, body)
  values (1000, id, at, now(), 1, 1, 1, 11, 90, model, action, source, '\x01', '{"payload":{"user_id":22,"duration":-1,"stop":null}}');
  perform ledger.outbox_add_loaded(array[1000::bigint], array[id], array[at], array[model], array[action], array[source]);
  perform courier.gather(0, 1000, 1000);
  return (select coalesce(string_agg(d.subscription_id::text, ' ' order by d.subscription_id), '') from ledger.delivery d where d.event_id = id);
end
$$;
select is(pg_temp.loaded(-1, 'backfill'), '2', 'what was loaded goes only to who asks for it, and starts no timer');
select is(pg_temp.loaded(-2, 'compare', 'time_entry', 'deleted'), '2', 'what was corrected too, whatever the action');
select is(pg_temp.loaded(-3, 'backfill', 'tag'), '', 'of the kind that was asked for');
select is(pg_temp.loaded(9001, 'log'), '1', 'what Toggl''s list of events has is a late callback');
update ledger.subscription set filters = '{*.backfilled}' where subscription_id = 2;
select is(pg_temp.loaded(-4, 'backfill', 'tag'), '2', 'of any kind');
select is(pg_temp.seen('time_entry', '{"user_id":33,"duration":-1}', 91), '1', 'and nothing that is not loaded');
select is(ledger.filters_problem('[{"entity":"tag","action":"backfilled"},{"entity":"*","action":"backfilled"}]', 2), null, 'a filter like others');

-- ---- secrets

create function pg_temp.clean(body text) returns text language sql as
  $$ select concat_ws(' | ', payload, metadata) from ledger.without_secrets_of(body::json) $$;
select is(pg_temp.clean('{"metadata":{"a":"b"},"payload":{"id":1,"name":"Gr\u00f6\u00dfe \u003c\u0026"}}'), '', 'nothing to hide: as it came');
select is(pg_temp.clean('{"metadata":{"a":"b"},"payload":{"id":8023169274704072,"api_token":"s","deep":[{"ical_url":"s","x":1}]}}'),
          '{"id": 8023169274704072, "deep": [{"x": 1}]}', 'secrets at any depth; numbers stay exact');
select is(pg_temp.clean('{"metadata":{},"payload":{"id":1,"\u0061pi_t\u006fken":"s"}}'), '{"id": 1}', 'spelled with escapes');
select is(pg_temp.clean('{"metadata":{"action":"updated","request_body":"{\"invite_url\":\"s\"}"},"payload":{"id":1}}'),
          '{"action": "updated"}', 'in what was sent to Toggl');
select is(pg_temp.clean('{"metadata":{"x":"\u0000"},"payload":{"api_token":"s","name":"\u0000"}}'), '{"name": "' || chr(65533) || '"}',
          'beside what PostgreSQL cannot read');
select is(pg_temp.clean('{"metadata":{"x":"\u0000","request_body":"{\"ical_url\":\"s\"}","n":1e400},"payload":{}}'), '{"n": "1e400", "x": "' || chr(65533) || '"}',
          'in metadata too');
select is(pg_temp.clean('{"metadata":{},"payload":{"name":"invite the invitation"}}'), '', 'a word is no key');
select is((select array_agg(s) from unnest(ledger.secrets()) s where not ledger.may_have_secrets(format('{"%s":1}', s))), null,
          'the cheap test overlooks none of the keys');

select * from finish();
rollback;
