-- Schema toggl: for each function that takes dates, a second one that takes timestamps, so that
-- date_trunc('month', now()) works as an argument. This block generates them from the existing
-- functions; the rules of entities.sql apply. PostgreSQL resolves a literal such as '2026-05-01' to
-- these functions: as midnight in the time zone of the session, whose date there is the written one
-- in every zone.
do $$
declare
  f record;
  called text;
begin
  for f in
    select p.oid, p.proname, p.proretset, pg_get_function_arguments(p.oid) as takes,
           pg_get_function_result(p.oid) as gives,
           pg_get_function_identity_arguments(p.oid) as dates, obj_description(p.oid, 'pg_proc') as about
    from pg_proc p
    where p.pronamespace = 'toggl'::regnamespace and 'date'::regtype = any (p.proargtypes)
  loop
    called := (select string_agg(case when a.type = 'date'::regtype then a.name || '::date' else a.name end, ', '
                                 order by a.place)
               from pg_proc p cross join unnest(p.proargtypes::oid[], p.proargnames[1:p.pronargs]) with ordinality
                 a (type, name, place)
               where p.oid = f.oid);
    execute format('create or replace function toggl.%I(%s) returns %s language sql stable begin atomic select '
                   '%stoggl.%I(%s); end',
                   f.proname, regexp_replace(f.takes, '\mdate\M', 'timestamptz', 'g'), f.gives,
                   case when f.proretset then '* from ' end, f.proname, called);
    execute format('comment on function toggl.%I(%s) is %L', f.proname,
                   regexp_replace(f.dates, '\mdate\M', 'timestamptz', 'g'),
                   format('As toggl.%s(%s), for points in time: each stands for the day that it is on in the time '
                          'zone of the session. Example:%s',
                          f.proname, f.dates, split_part(f.about, ' Example:', 2)));
  end loop;
end
$$;
