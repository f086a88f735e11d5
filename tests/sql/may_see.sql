-- What a member may see: no pay, however it is spelled; and what its rights are now,
-- not what they were when something was recorded.
begin;
create extension if not exists pgtap;
select plan(82);
\ir lib/refused.sql

-- ---- keys

select is(string_agg(k, ' '), null, 'these tell pay')
from unnest('{rate,rate_last_updated,rates,by_rate,labor_cost,labour_cost,labor_cost_last_updated,labour_cost_in_cents,cost,fixed_fee,
              default_hourly_rate,hourly_rate,hourly_rate_in_cents,hourlyRate,HourlyRate,HOURLY-RATE,"hourly rate",amount,billable_amount,
              billable_amount_in_cents,max_amount_cents,total_amount_converted,price,unitPrice,salary,salaries,wage,budget,revenue,profit,
              payment_details,next_payment_date,exchange_rate,paid,bonus,rate2,ratePerHour,hourly,card_details}'::text[]) k
where not ledger.tells_pay(k);
select is(string_agg(k, ' '), null, 'these do not')
from unnest('{id,name,currency,default_currency,billable,estimated_hours,actual_seconds,integration_provider,payload,created_at,duration,
              auto_estimates,recurring_parameters,current_period,feedback,haptic_feedback_enabled,separate,percent,recent,at,start,template,
              project_id,user_id,workspace_id,permissions,working_hours_in_minutes,client_name,expense_ids}'::text[]) k
where ledger.tells_pay(k);
select is(string_agg(format('%s.%s', f.model, k.key), ' '), 'project.fixed_fee project.rate project.rate_last_updated project_user.labor_cost project_user.labor_cost_last_updated project_user.rate project_user.rate_last_updated task.rate task.rate_last_updated workspace.default_hourly_rate workspace.rate_last_updated workspace_user.labor_cost workspace_user.labor_cost_last_updated workspace_user.rate workspace_user.rate_last_updated workspace_user.view_edit_billable_rates workspace_user.view_edit_labor_costs',
          'of the columns of schema toggl') from (select f.model, k.key from ledger.field f, unnest(f.keys) k (key) where ledger.tells_pay(k.key) order by 1, 2) f (model, key), lateral (select f.key) k;

-- ---- what of an event

create function pg_temp.shown(body text) returns text language sql as
  $$ select concat_ws(' | ', coalesce(payload, '='), coalesce(metadata, '=')) from ledger.seen_event(body::json, false) $$;
create function pg_temp.asked(request text, is_text boolean default true) returns text language sql as
  $$ select metadata from ledger.seen_event(json_build_object('metadata', json_build_object('request_body',
       case when is_text then to_json(request) else request::json end), 'payload', json_build_object('id', 1)), false) $$;

select is(pg_temp.shown('{"metadata":{"a":"b"}, "payload":{"id":1 , "name":"Gr\u00f6\u00dfe"}}'), '= | =', 'nothing to hide: as it came');
select is(pg_temp.shown('{"metadata":{"a":"corporate"}, "payload":{"id":1 , "name":"the rate: 5", "tags":["cost","rate"]}}'), '= | =', 'words are no keys');
select is(pg_temp.shown('{"metadata":{},"payload":{"id":8023169274704072,"rate":55.5,"v":1e400,"w":0.10}}'), '{"id":8023169274704072,"v":1e400,"w":0.10} | =',
          'numbers and order stay');
select is(pg_temp.shown('{"metadata":{},"payload":{"rate":null}}'), '{} | =', 'null, too: else it would reveal that there is one');
select is(pg_temp.shown('{"metadata":{},"payload":{"rate":{"amount":5},"rates":[1,2],"labor_cost":"5"}}'), '{} | =', 'whatever its value is');
select is(pg_temp.shown('{"metadata":{},"payload":{"view_edit_billable_rates":true,"rate":false,"x":1}}'), '= | =', 'a flag stays');
select is(pg_temp.shown('{"metadata":{},"payload":{"r\u0061te":5,"labor\u005Fcost":6,"name":"x"}}'), '{"name":"x"} | =', 'spelled with escapes');
select is(pg_temp.shown('{"metadata":{},"payload":{"rate":5,"name":"\u0000","half":"\ud800","\u0000":1}}'), '{"name":"\ufffd","half":"\ufffd","' || chr(65533) || '":1} | =',
          'beside what no text can hold');
select is(pg_temp.shown('{"metadata":{},"payload":{"a":1,"rate":5,"a":2,"rate":6}}'), '{"a":1,"a":2} | =', 'keys that stand twice');
select is(pg_temp.shown('{"metadata":{},"payload":{"users":[{"id":1,"labor_cost":5},{"id":2}],"project":{"template":{"fixed_fee":9,"x":[[{"rate":1}]]}}}}'),
          '{"users":[{"id":1},{"id":2}],"project":{"template":{"x":[[{}]]}}} | =', 'at any depth');
select is(pg_temp.shown('{"metadata":{},"payload":[{"rate":5}]}'), '[{}] | =', 'a payload that is no object');
select is(pg_temp.shown('{"metadata":{},"payload":{"more":"{\"rate\":5,\"x\":1}","name":"{rate} of {"}}'), '{"more":"{\"x\":1}","name":"{rate} of {"} | =',
          'a string that is JSON; one that only looks like it is words');
select is(pg_temp.shown('{"metadata":{"rate":"55","rate_last_updated":"x","action":"updated"},"payload":{}}'), '= | {"action":"updated"}', 'metadata itself');
select is(pg_temp.shown('{"payload":{"rate":5}}'), '{} | =', 'no metadata');
select is(pg_temp.shown('{"metadata":"{\"rate\":5}","payload":{}}'), '= | "{}"', 'metadata that is a string');
select is(pg_temp.shown('{"metadata":"{\"rate\":5","payload":{}}'), '= | {"withheld":"metadata"}', 'that is no JSON');
select is(pg_temp.shown('{"metadata":{},"payload":{"id":1,"api_token":"s","rate":5}}'), '{"id":1} | =', 'secrets as ever');

select is(pg_temp.asked('{"name":"x","rate":50}'), '{"request_body":"{\"name\":\"x\"}"}', 'what was sent to Toggl');
select is(pg_temp.asked('{"name":"x","rate":50}', false), '{"request_body":{"name":"x"}}', 'that is no string');
select is(pg_temp.asked('{"name":"corporate","id":1}'), null, 'without pay as it came');
select is(pg_temp.asked(to_json('{"r\u0061te":50}'::text)::text), '{"request_body":"\"{}\""}', 'a string in a string');
select is(pg_temp.asked('[{"op":"replace","path":"/rate","value":50},{"op":"replace","path":"/name","value":"x"}]'),
          '{"request_body":"[{\"op\":\"replace\",\"path\":\"/rate\"},{\"op\":\"replace\",\"path\":\"/name\",\"value\":\"x\"}]"}', 'JSON Patch (RFC 6902)');
select is(pg_temp.asked('[{"field":"labor_cost","old":1,"new":2}]'), '{"request_body":"[{\"field\":\"labor_cost\"}]"}', 'a list of changes');
select is(pg_temp.asked('{"field_name":"rate","new_value":2,"level_id":3}'), '{"request_body":"{\"field_name\":\"rate\",\"level_id\":3}"}', 'by other names');
select is(pg_temp.asked('{"field":"rate","original":1,"amended":2,"at":"now","active":true}'), '{"request_body":"{\"field\":\"rate\",\"at\":\"now\",\"active\":true}"}', 'whatever the values are called');
select is(pg_temp.asked('{"fields":["name","rate"],"values":["x",50]}'), '{"request_body":"{\"fields\":[\"name\",\"rate\"]}"}', 'several fields');
select is(pg_temp.asked('[["rate",50],["rate","50"],["tags","rate"]]'), '{"request_body":"[[],[],[\"tags\",\"rate\"]]"}', 'pairs');
select is(pg_temp.asked(said), '{"withheld":"request_body"}', 'no JSON: ' || said)
from unnest(array['r%61te=50', 'eyJyYXRlIjo1MH0=', chr(65279) || '{"rate":50}']) said;
select is(pg_temp.asked(''), null, 'nothing at all');
select is(pg_temp.shown('{"metadata":{"request":{"body":"rate=50"},"url":"/x?r%61te=5","action":"updated"},"payload":{}}'), '= | {"action":"updated","withheld":"request,url"}',
          'a form that stands deeper, and letters that are encoded');
select is(pg_temp.shown('{"metadata":{"changed_field":"rate","old_value":1,"new_value":2,"model":"x"},"payload":{}}'), '= | {"changed_field":"rate","model":"x"}', 'a change in metadata itself');
select is(pg_temp.shown('{"metadata":{},"payload":{"users":{"1":{"RaTe":4,"payrate":5}},"tags":["rate","2026"]}}'), '{"users":{"1":{}},"tags":["rate","2026"]} | =', 'odd letters; tags are words');
select is(pg_temp.asked('{"name":"Rate of today","color":"#fff","auto_estimates":true,"from":1}'), '{"request_body":"{\"name\":\"Rate of today\",\"color\":\"#fff\",\"auto_estimates\":true}"}',
          'one that is only called so keeps what it has');
select is(pg_temp.asked('%7B%22rate%22%3A50%7D'), '{"withheld":"request_body"}', 'written for a URL: withheld');
select is(pg_temp.asked('{"name":"x","rate":50'), '{"withheld":"request_body"}', 'cut short: withheld');
select is(pg_temp.asked('rate=50&name=x'), '{"withheld":"request_body"}', 'a form: withheld');
select is(pg_temp.asked('name=x&color=red'), null, 'without such a word it cannot tell pay');
select is(pg_temp.asked('{"rate":"\u0000","x":"\ud800"}'), '{"request_body":"{\"x\":\"\\ufffd\"}"}', 'with what no text can hold');
select is(pg_temp.shown('{"metadata":{"path":"/x?rate=5","note":"the rate: five","k":1},"payload":{}}'), '= | {"k":1,"withheld":"path,note"}', 'words that may tell it');
select is(pg_temp.asked('{"rate":5,"x":"' || repeat('x', 20000) || '"}'), '{"withheld":"request_body"}', 'what is large: withheld');
select is(pg_temp.asked('{"note":"' || repeat('corporate ', 20000) || '"}'), null, 'unless it has no such key');
select is(pg_temp.shown('{"metadata":{},"payload":' || repeat('[', 3000) || '{"rate":5}' || repeat(']', 3000) || '}'), '{} | {"withheld":"payload"}', 'what is deep');
select is(pg_temp.shown('{"metadata":{},"payload":{"a":[' || repeat('{"rate":5},', 20000) || '1]}}'), '{} | {"withheld":"payload"}', 'what is of many members');
select is(ledger.seen_entity('{"id":1,"workspace_id":2,"rate":5,"name":"x"}', false), '{"id":1,"workspace_id":2,"name":"x"}', 'an entity likewise');
select is(ledger.seen_entity(jsonb_build_object('id', 1, 'workspace_id', 2, 'rate', 5, 'name', repeat('x', 20000)), false), '{"id":1,"workspace_id":2,"withheld":"payload"}',
          'one that is large');
select is(ledger.seen_entity('{"id":1,"rate":5}', true), '{"id":1,"rate":5}', 'an administrator sees it');
select is(concat_ws('|', payload, metadata), '', 'in an event, too') from ledger.seen_event('{"metadata":{"request_body":"{\"rate\":"},"payload":{"rate":5}}', true);

-- ---- rights as they are now

insert into ledger.organization (organization_id, name) overriding system value values (1, 'Small & Sons');
insert into ledger.workspace values (1000, 1);
insert into ledger.account (account_id, name, user_id, token_digest) overriding system value values (1, 'was admin', 22, sha256('1')), (2, 'admin', 11, sha256('2'));
insert into ledger.member values (1, 1000, true), (2, 1000, true);
insert into ledger.subscription (subscription_id, workspace_id, account_id, description, url_callback, filters, event_filters,
                                 secret_sealed, enabled, validated_at, validation_code)
overriding system value
select i, 1000, i, 'of account ' || i, 'http://127.0.0.1:9/', '{*.*}', '[]', '\x01', true, now(), 'x' from generate_series(1, 2) i;

create function pg_temp.record(id bigint, model text, entity bigint, payload text)
returns void language plpgsql as $$
declare
  at timestamptz := date_trunc('minute', now()) + id * interval '1 second';
  body json := format('{"event_id":%s,"metadata":{"model":"%s"},"payload":%s}', id, model, payload)::json;
begin
  insert into ledger.event (workspace_id, event_id, created_at, received_at, epoch, endpoint_id, secret_id, creator_id,
                            entity_id, model, action, source, signature, body)
  values (1000, id, at, now(), 1, 1, 1, 11, entity, model, 'updated', 'webhook', '\x01', body);
  perform ledger.apply(array[1000::bigint], array[id], array[at], array[11::bigint], array[entity], array[model], array['updated'], array[body]);
  perform ledger.outbox_add(array[1000::bigint], array[id], array[at], array[model], array['updated']);
end
$$;
create function pg_temp.claim() returns text language sql as $$
  select string_agg(c.subscription_id || ':' || c.event_id || case when c.payload is null then '' else c.payload end, ' ' order by c.subscription_id, c.event_id)
  from courier.claim('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', 10, 64, 0) c
$$;
create function pg_temp.states(subscription bigint) returns text language sql as $$
  select string_agg(d.event_id || ' ' || d.state || coalesce(' ' || coalesce(d.dropped_for, split_part(d.last_error, ' ', 2)), ''), ', ' order by d.delivery_id)
  from ledger.delivery d where d.subscription_id = subscription
$$;
create function pg_temp.listed(account bigint, subscription bigint) returns text language sql as $$
  select (l.body::json ->> 'total') || ': ' || (select coalesce(string_agg(concat(e ->> 'event_id', nullif(e -> 'payload' ->> 'rate', '')), ' ' order by (e ->> 'event_id')::bigint), '')
                                   from json_array_elements(l.body::json -> 'events') e)
  from api.event_list(account, 1000, '{}', subscription) l
$$;

savepoint before;
-- ---- what is long, and would make others wait

select pg_temp.record(90, 'tag', 90, format('{"id":90,"workspace_id":1000,"name":"%s"}', repeat('9', 70000)));
select courier.gather(0, 1000, 1000);
select is((select jsonb_build_array(e -> 'payload', e -> 'metadata') from jsonb_array_elements(l.body::jsonb -> 'events') e where e ->> 'event_id' = '90'),
          '[null, {"model": "tag", "action": "updated", "withheld": "payload,metadata"}]', 'is not read for a list')
from api.event_list(2, 1000, '{}', 2) l;
rollback to before;

select pg_temp.record(1, 'time_entry', 5, '{"user_id":33,"project_id":null}');
select pg_temp.record(2, 'time_entry', 5, '{"user_id":33,"project_id":null,"description":"x"}');
select pg_temp.record(3, 'time_entry', 6, '{"user_id":22,"project_id":null}');
select pg_temp.record(4, 'workspace_user', 7, '{"id":7,"user_id":33,"rate":50}');
select pg_temp.record(5, 'time_entry', 5, '{"user_id":22,"project_id":null}');
select courier.gather(0, 1000, 1000);
select is(pg_temp.claim(), '1:1 1:3 1:4 2:1 2:3 2:4', 'administrators get all of it');
select is(pg_temp.listed(1, 1), '5: 1 2 3 450 5', 'and see it in the list');
update ledger.subscription set leased_until = '-infinity';
update ledger.member set is_admin = false where account_id = 1;
select is(pg_temp.listed(1, 1), '3: 3 4 5', 'a member does not: others'' entries, pay');
select is(pg_temp.listed(2, 1), '5: 1 2 3 450 5', 'an administrator who looks at it does');
select is(pg_temp.claim(), '1:3 1:4{"id":7,"user_id":33} 2:1 2:3 2:4', 'waiting deliveries are checked again');
select is(pg_temp.states(1), '1 dropped not_visible, 2 due, 3 due, 4 due, 5 behind', 'and dropped with its reason; the next of the entity is due');
update ledger.subscription set leased_until = '-infinity';
select is(pg_temp.claim(), '1:3 1:4{"id":7,"user_id":33} 2:1 2:3 2:4', 'that one likewise');
select is(pg_temp.states(1), '1 dropped not_visible, 2 dropped not_visible, 3 due, 4 due, 5 due', 'and behind it what may be seen');
update ledger.subscription set leased_until = '-infinity';
select is(pg_temp.claim(), '1:3 1:4{"id":7,"user_id":33} 1:5 2:1 2:3 2:4', 'is delivered');

-- an attempt that was made already; a lease that is held
update ledger.subscription set leased_until = '-infinity';
update ledger.member set is_admin = true where account_id = 1;
select operator.delivery_replay(d.delivery_id) from ledger.delivery d where d.subscription_id = 1 and d.event_id = 1;
select is(pg_temp.states(1), '1 behind, 2 dropped not_visible, 3 due, 4 due, 5 due', 'granted again: it can be replayed');
update ledger.delivery set state = 'delivered', settled_at = now(), attempts = 1 where subscription_id = 1 and event_id > 2;
update ledger.delivery set state = 'due', attempts = 3, last_error = 'answered with status 500' where subscription_id = 1 and event_id = 1;
create temp table held as select c.subscription_id, c.lease from courier.claim('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', 10, 64, 60000) c where c.subscription_id = 1;
update ledger.member set is_admin = false where account_id = 1;
select is((select string_agg(c.event_id::text, ' ') from held h, courier.claim(array[h.subscription_id], array[h.lease], '{0}', '{64}', '{null}', '{0}', '{}', '{}', 0, 64, 60000) c), null,
          'a retry is checked again, by the holder of the lease');
select is(pg_temp.states(1), '1 dropped not_visible, 2 dropped not_visible, 3 delivered, 4 delivered, 5 delivered', 'and dropped');

-- replay
select is(pg_temp.refused($$select operator.delivery_replay(d.delivery_id)
                            from ledger.delivery d where d.subscription_id = 1 and d.event_id = 1$$),
          '{"code": "delivery.not_visible", "subscription_id": 1, "sqlstate": "22023"}', 'a replay is refused');
select is(format('%s of %s, %s left out', r.replayed, r.looked_at, r.hidden), '3 of 5, 2 left out', 'or leaves it out and says so')
from operator.subscription_replay(1, '-infinity', null, false, 0, 100) r;
select is(pg_temp.states(1), '1 dropped not_visible, 2 dropped not_visible, 3 due, 4 due, 5 due', 'the others are due');

-- a project that becomes private, a membership that ends
update ledger.subscription set leased_until = '-infinity';
update ledger.delivery set state = 'delivered', settled_at = now() where settled_at is null;
select pg_temp.record(10, 'project', 50, '{"id":50,"name":"p","is_private":false,"rate":5,"fixed_fee":6}');
select pg_temp.record(11, 'task', 51, '{"id":51,"name":"t","project_id":50,"rate":7}');
select courier.gather(0, 1000, 1000);
select is(pg_temp.claim(), '1:10{"id":50,"name":"p","is_private":false} 1:11{"id":51,"name":"t","project_id":50} 2:10 2:11', 'a public project, without its prices');
update ledger.subscription set leased_until = '-infinity';
update toggl.project set is_private = true where project_id = 50;
select is(pg_temp.claim(), '2:10 2:11', 'it became private meanwhile');
update ledger.delivery set state = 'due', settled_at = null where subscription_id = 1 and event_id in (10, 11);
insert into toggl.project_user (workspace_id, project_user_id, project_id, user_id, changed_at, changed_event_id, payload_at, payload_event_id)
values (1000, 60, 50, 22, now(), 1, now(), 1);
update ledger.subscription set leased_until = '-infinity';
select is(pg_temp.claim(), '1:10{"id":50,"name":"p","is_private":false} 1:11{"id":51,"name":"t","project_id":50} 2:10 2:11', 'one who belongs to it sees it');
delete from toggl.project_user;
update ledger.subscription set leased_until = '-infinity';
select is(pg_temp.claim(), '2:10 2:11', 'and then no more');
select is((select leased_until <= ledger.clock() from ledger.subscription where subscription_id = 1), true, 'a lease for nothing is given back');

-- ---- for whom nothing can be delivered any more

create function pg_temp.waiting() returns text language sql as $$
  select concat_ws(' ', (select l.waiting from operator.subscription_list(1000, true) l where l.subscription_id = 2),
                   (select count(*) from ledger.held h where h.reason ->> 'code' = 'retention.held_by_deliveries'),
                   substring(ledger.metrics_passing_on(now()) from 'state="waiting"} (\d+)'),
                   (select s.body::jsonb ->> 'has_pending_events' = 'true' from api.subscription_read(2, 1000, 2) s))
$$;
select is(pg_temp.waiting(), '2 1 2 t', 'two wait');
update ledger.account set enabled = false where account_id = 2;
select is(pg_temp.waiting(), '0 0 0 f', 'the account is disabled: nobody counts them');
select is(courier.housekeep(3600000, 1, 86400000, 1), 1::bigint, 'dropped in bounded steps');
select is(courier.housekeep(3600000, 1, 86400000, 100), 1::bigint, 'to the end');
select is((select string_agg(d.state || ' ' || d.dropped_for, ', ' order by d.delivery_id) from ledger.delivery d where d.subscription_id = 2 and d.event_id > 9),
          'dropped account_off, dropped account_off',
          'with the reason');
update ledger.account set enabled = true where account_id = 2;
update ledger.delivery set state = 'due', settled_at = null, last_error = null, dropped_for = null where subscription_id = 2 and event_id > 9;
update ledger.state set housekept_at = ledger.clock();
delete from ledger.member where account_id = 2;
select is(courier.housekeep(3600000, 1, 86400000, 100), 2::bigint, 'the workspace was taken from it: dropped, whenever the house was kept last');
insert into ledger.member values (2, 1000, true);
update ledger.delivery set state = 'due', settled_at = null, last_error = null, dropped_for = null where subscription_id = 2 and event_id > 9;
select is((select d.status from api.subscription_delete(2, 1000, 2) d), 200::bigint, 'it is deleted');
select is((select string_agg(d.state || ' ' || d.dropped_for, ', ' order by d.delivery_id) from ledger.delivery d where d.subscription_id = 2 and d.event_id > 9),
          'dropped subscription_deleted, dropped subscription_deleted', 'dropped at once');
select is(pg_temp.waiting(), '0 0 0 f', 'and nothing waits');

select * from finish();
rollback;
