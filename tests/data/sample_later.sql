-- What follows sample.sql: on the fifth of June, May is invoiced to Acme. Then three
-- entries of May are changed, deleted and added. For \ir.
select operator.invoice_freeze('Acme, May 2026', '2026-05-01', '2026-06-01', 'Europe/Berlin', null, 501, null);
update ledger.invoice set frozen_at = '2026-06-05T08:00:00Z' where name = 'Acme, May 2026';
create temp table events (nth integer generated always as identity (start 101), created_at timestamptz, creator_id bigint,
                        model text, action text, payload jsonb);
insert into events (created_at, creator_id, model, action, payload) values
  ('2026-06-08T08:00:00Z', 9000002, 'time_entry', 'updated',
   '{"id":3003,"user_id":9000002,"project_id":601,"start":"2026-05-04T08:00:00Z","stop":"2026-05-04T10:00:00Z","duration":7200,"billable":true,"description":"Review","tag_ids":[],"tags":[]}'),
  ('2026-06-08T08:05:00Z', 9000001, 'time_entry', 'deleted',
   '{"id":3015,"user_id":9000001,"project_id":601,"start":"2026-05-15T07:00:00Z","stop":"2026-05-15T08:00:00Z","duration":1800,"billable":true,"description":"Proofs","tag_ids":null,"tags":[],"server_deleted_at":"2026-06-08T08:05:00Z"}'),
  ('2026-06-09T09:00:00Z', 9000002, 'time_entry', 'created',
   '{"id":3016,"user_id":9000002,"project_id":601,"start":"2026-05-20T07:00:00Z","stop":"2026-05-20T08:00:00Z","duration":3600,"billable":true,"description":"Hotfix","tag_ids":null,"tags":[]}');
\ir record.sql
