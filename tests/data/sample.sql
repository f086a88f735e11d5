-- Sample data: a small workspace in May 2026, recorded by receiver.append() as
-- callbacks. Its hours and amounts can be computed by hand. Times in Berlin are
-- UTC+2. For \ir, inside a transaction or not; doc/questions.md queries it.
--
--   Ada     no rate of her own: 90 EUR of the workspace
--   Ben     70 an hour, costs 35; on Website 80, costs 30
--   Chloé   left and came back; Dan tracks nothing
--   Website (Acme)   100 an hour, its task Design 120
--   App     (Globex) no rate, in USD
--   Flat    (Acme)   fixed fee of 5000
create temp table events (nth integer generated always as identity, created_at timestamptz, creator_id bigint,
                        model text, action text, payload jsonb);
insert into events (created_at, creator_id, model, action, payload) values
  ('2026-04-01T08:00:00Z', 9000001, 'workspace', 'updated',
   '{"id":7435584,"name":"Atelier Nord","organization_id":11,"default_currency":"EUR","default_hourly_rate":90}'),
  ('2026-04-01T08:00:01Z', 9000001, 'workspace_user', 'created',
   '{"id":401,"user_id":9000001,"name":"Ada Lind","email":"ada@example.org","active":true,"role":"admin","timezone":"Europe/Berlin","rate":null,"labor_cost":null}'),
  ('2026-04-01T08:00:02Z', 9000001, 'workspace_user', 'created',
   '{"id":402,"user_id":9000002,"name":"Ben Okoro","email":"ben@example.org","active":true,"role":"user","timezone":"Europe/Berlin","rate":70,"labor_cost":35}'),
  ('2026-04-01T08:00:03Z', 9000001, 'workspace_user', 'created',
   '{"id":403,"user_id":9000003,"name":"Chloé Roy","email":"chloe@old.example","active":true,"role":"user","rate":1}'),
  ('2026-04-02T08:00:00Z', 9000001, 'workspace_user', 'deleted',
   '{"id":403,"user_id":9000003,"name":"Chloé Roy","email":"chloe@old.example","active":true,"role":"user","rate":1}'),
  ('2026-04-03T08:00:00Z', 9000001, 'workspace_user', 'created',
   '{"id":413,"user_id":9000003,"name":"Chloé Roy","email":"chloe@example.org","active":true,"role":"user","timezone":"America/New_York","rate":null}'),
  ('2026-04-03T08:00:01Z', 9000001, 'workspace_user', 'created',
   '{"id":404,"user_id":9000004,"name":"Dan Sousa","email":"dan@example.org","active":true,"role":"user"}'),
  ('2026-04-03T09:00:00Z', 9000001, 'client', 'created', '{"id":501,"wid":7435584,"name":"Acme"}'),
  ('2026-04-03T09:00:01Z', 9000001, 'client', 'created', '{"id":502,"wid":7435584,"name":"Globex"}'),
  ('2026-04-03T09:00:02Z', 9000001, 'project', 'created',
   '{"id":601,"client_id":501,"name":"Website","active":true,"billable":true,"rate":100,"currency":"EUR","estimated_seconds":72000}'),
  ('2026-04-03T09:00:03Z', 9000001, 'project', 'created',
   '{"id":602,"client_id":502,"name":"App","active":true,"billable":true,"rate":null,"currency":"USD"}'),
  ('2026-04-03T09:00:04Z', 9000001, 'project', 'created',
   '{"id":603,"client_id":501,"name":"Flat","active":true,"billable":true,"rate":null,"fixed_fee":5000}'),
  ('2026-04-03T09:00:05Z', 9000001, 'task', 'created', '{"id":701,"project_id":601,"name":"Design","active":true,"rate":120}'),
  ('2026-04-03T09:00:06Z', 9000001, 'task', 'created', '{"id":702,"project_id":602,"name":"Build","active":true,"rate":null}'),
  ('2026-04-03T09:00:07Z', 9000001, 'project_user', 'created',
   '{"id":751,"project_id":601,"user_id":9000002,"manager":false,"rate":80,"labor_cost":30}'),
  ('2026-04-03T09:00:08Z', 9000001, 'tag', 'created', '{"id":801,"name":"urgent"}'),
  ('2026-04-03T09:00:09Z', 9000001, 'tag', 'created', '{"id":802,"name":"from home"}'),
  ('2026-04-03T09:00:10Z', 9000001, 'tag', 'updated', '{"id":802,"name":"remote"}'),

  -- over the end of April, in Berlin: one hour in each month
  ('2026-04-30T23:00:05Z', 9000002, 'time_entry', 'created',
   '{"id":3010,"user_id":9000002,"project_id":601,"start":"2026-04-30T21:00:00Z","stop":"2026-04-30T23:00:00Z","duration":7200,"billable":true,"description":"Night shift","tag_ids":null,"tags":[]}'),
  ('2026-05-04T10:00:05Z', 9000001, 'time_entry', 'created',
   '{"id":3001,"user_id":9000001,"project_id":601,"task_id":701,"start":"2026-05-04T07:00:00Z","stop":"2026-05-04T10:00:00Z","duration":10800,"billable":true,"description":"Sketches","tag_ids":[801],"tags":["urgent"]}'),
  ('2026-05-04T09:30:05Z', 9000002, 'time_entry', 'created',
   '{"id":3003,"user_id":9000002,"project_id":601,"start":"2026-05-04T08:00:00Z","stop":"2026-05-04T09:30:00Z","duration":5400,"billable":true,"description":"Review","tag_ids":[],"tags":[]}'),
  ('2026-05-04T15:30:05Z', 9000001, 'time_entry', 'created',
   '{"id":3002,"user_id":9000001,"project_id":601,"start":"2026-05-04T11:00:00Z","stop":"2026-05-04T15:30:00Z","duration":16200,"billable":true,"description":"Pages","tag_ids":[802,801],"tags":["from home","urgent"]}'),
  -- over midnight in Berlin, not in UTC
  ('2026-05-06T00:00:05Z', 9000002, 'time_entry', 'created',
   '{"id":3004,"user_id":9000002,"project_id":602,"task_id":702,"start":"2026-05-05T20:00:00Z","stop":"2026-05-06T00:00:00Z","duration":14400,"billable":true,"description":"Release","tag_ids":null,"tags":[]}'),
  ('2026-05-06T08:20:05Z', 9000003, 'time_entry', 'created',
   '{"id":3005,"user_id":9000003,"project_id":602,"start":"2026-05-06T07:00:00Z","stop":"2026-05-06T08:20:00Z","duration":4800,"billable":true,"description":"Login form","tag_ids":null,"tags":[]}'),
  ('2026-05-06T13:00:05Z', 9000003, 'time_entry', 'created',
   '{"id":3006,"user_id":9000003,"project_id":603,"start":"2026-05-06T09:00:00Z","stop":"2026-05-06T13:00:00Z","duration":14400,"billable":true,"description":"Workshop","tag_ids":null,"tags":[]}'),
  ('2026-05-07T07:45:05Z', 9000001, 'time_entry', 'created',
   '{"id":3007,"user_id":9000001,"project_id":null,"start":"2026-05-07T07:00:00Z","stop":"2026-05-07T07:45:00Z","duration":2700,"billable":false,"description":"Mail","tag_ids":null,"tags":[]}'),
  -- forgotten from Friday evening to Monday morning: started, then stopped
  ('2026-05-08T15:00:01Z', 9000003, 'time_entry', 'created',
   '{"id":3050537739,"user_id":9000003,"project_id":602,"start":"2026-05-08T15:00:00Z","stop":null,"duration":-1778252400,"billable":false,"description":"Tests","tag_ids":null,"tags":[]}'),
  ('2026-05-11T07:00:02Z', 9000003, 'time_entry', 'updated',
   '{"id":3050537739,"user_id":9000003,"project_id":602,"start":"2026-05-08T15:00:00Z","stop":"2026-05-11T07:00:00Z","duration":230400,"billable":false,"description":"Tests","tag_ids":null,"tags":[]}'),
  -- of a project and with a tag that were never seen
  ('2026-05-12T08:00:05Z', 9000001, 'time_entry', 'created',
   '{"id":3009,"user_id":9000001,"project_id":699,"start":"2026-05-12T07:00:00Z","stop":"2026-05-12T08:00:00Z","duration":3600,"billable":true,"description":"Support","tag_ids":[801,899],"tags":["urgent","vip"]}'),
  ('2026-05-13T10:00:05Z', 9000001, 'time_entry', 'created',
   '{"id":3011,"user_id":9000001,"project_id":601,"start":"2026-05-13T07:00:00Z","stop":"2026-05-13T10:00:00Z","duration":10800,"billable":true,"description":"A mistake","tag_ids":null,"tags":[]}'),
  ('2026-05-13T10:05:00Z', 9000001, 'time_entry', 'deleted',
   '{"id":3011,"user_id":9000001,"project_id":601,"start":"2026-05-13T07:00:00Z","stop":"2026-05-13T10:00:00Z","duration":10800,"billable":true,"description":"A mistake","tag_ids":null,"tags":[],"server_deleted_at":"2026-05-13T10:05:00Z"}'),
  -- a duration only
  ('2026-05-14T09:00:05Z', 9000003, 'time_entry', 'created',
   '{"id":3014,"user_id":9000003,"project_id":602,"start":"2026-05-14T07:00:00Z","stop":null,"duration":5400,"billable":true,"description":"Call","tag_ids":null,"tags":[]}'),
  -- stop and duration disagree
  ('2026-05-15T08:00:05Z', 9000001, 'time_entry', 'created',
   '{"id":3015,"user_id":9000001,"project_id":601,"start":"2026-05-15T07:00:00Z","stop":"2026-05-15T08:00:00Z","duration":1800,"billable":true,"description":"Proofs","tag_ids":null,"tags":[]}'),
  -- forty hours, over the end of May
  ('2026-06-02T10:00:05Z', 9000001, 'time_entry', 'created',
   '{"id":3012,"user_id":9000001,"project_id":602,"start":"2026-05-31T18:00:00Z","stop":"2026-06-02T10:00:00Z","duration":144000,"billable":false,"description":"Migration","tag_ids":null,"tags":[]}'),
  ('2026-06-03T06:00:02Z', 9000002, 'time_entry', 'created',
   '{"id":3013,"user_id":9000002,"project_id":601,"start":"2026-06-03T06:00:00Z","stop":null,"duration":-1780466400,"billable":true,"description":"Deploy","tag_ids":[802],"tags":["from home"]}');

insert into ledger.endpoint (endpoint_id, address, name, workspace_id) overriding system value
values (901, 'address_of_the_sample1', 'sample', 7435584);
insert into ledger.endpoint_secret (secret_id, endpoint_id, sealed) overriding system value values (901, 901, '\x01');
\ir record.sql
