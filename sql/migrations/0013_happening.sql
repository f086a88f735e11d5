-- When things happened, for the charts of the admin page. What comes late, after
-- an outage or all at once when Toggl is connected, stands where it belongs.
create table ledger.happening (
  hour timestamptz not null,
  model text not null,
  count bigint not null,
  primary key (hour, model)
);
comment on table ledger.happening is 'Events of the last 400 days, counted by the hour they happened in; without what was loaded from Toggl; a little behind the ledger.';
comment on column ledger.happening.hour is 'Start of the hour of their created_at.';
comment on column ledger.happening.model is 'Kind of entity.';
comment on column ledger.happening.count is 'How many.';

-- Of what is counted already the hour of reception is near enough.
insert into ledger.happening (hour, model, count)
select p.hour, p.model, sum(p.count) from ledger.pulse p where p.source <> 'backfill' group by p.hour, p.model;
