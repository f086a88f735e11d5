-- Guesses at passwords: what they are counted by, and that they tell nothing.
begin;
create extension if not exists pgtap;
select plan(14);

insert into ledger.operator (name, role, password) values ('Olga', 'owner', 'kept'), ('Vera', 'viewer', 'kept'), ('Gone', 'viewer', 'kept');
update ledger.operator set enabled = false where name = 'Gone';

create function pg_temp.later(seconds integer) returns void language sql as $$
  update ledger.throttle set at = at - make_interval(secs => seconds) $$;

-- A sequence of wrong guesses at a name: the wait in each answer.
create function pg_temp.waits(called text, tries integer, pause integer, addresses integer) returns text
language plpgsql as $$
declare
  waits text := '';
  answer record;
begin
  delete from ledger.throttle;
  for n in 1..tries loop
    perform pg_temp.later(pause);
    select * into answer from admin.login_begin(called, '203.0.113.' || n % addresses);
    waits := waits || ' ' || answer.wait_s;
  end loop;
  return waits;
end
$$;

select is(pg_temp.waits('Olga', 40, 0, 1), pg_temp.waits('Oskar', 40, 0, 1), 'guesses in a row wait equally at a known and at an unknown name');
select is(pg_temp.waits('Olga', 40, 7, 1), pg_temp.waits('Oskar', 40, 7, 1), 'guesses with pauses too');
select is(pg_temp.waits(' olga ', 40, 3, 5), pg_temp.waits('OSKAR', 40, 3, 5), 'and from several addresses');
select is(pg_temp.waits('Olga', 40, 0, 200), pg_temp.waits('', 40, 0, 200), 'and from many');
select is(pg_temp.waits('Gone', 40, 0, 1), pg_temp.waits('Oskar', 40, 0, 1), 'and of one who may not come any more');
select is(pg_temp.waits('Olga', 12, 0, 1), ' 0 0 0 0 0 0 0 0 0 0 30 30', 'ten guesses at once at a name from an address, and two a minute');
select is((select max(length(n)) from regexp_split_to_table(pg_temp.waits('Olga', 25, 0, 200), ' ') n where n <> '0'), 2, 'and twenty from all the world');

-- What an account of one's own is good for.
delete from ledger.throttle;
do $$
begin
  for n in 1..12 loop
    perform * from admin.login_begin('Olga', '203.0.113.7');
    perform * from admin.login_begin('Vera', '203.0.113.7');
    perform * from admin.login_end((select o.operator_id from ledger.operator o where o.name = 'Vera'), 'kept', sha256(n::text::bytea), '203.0.113.7', 'x', 1, 1, 10, null, null);
  end loop;
end
$$;
select is((select wait_s from admin.login_begin('Olga', '203.0.113.7')), 30::bigint, 'the success of another name makes no guess free');
select is((select wait_s from admin.login_begin('Vera', '203.0.113.7')), 0::bigint, 'and has the other name go on');

delete from ledger.throttle;
do $$ begin for n in 1..9 loop perform * from admin.login_begin('Vera', '203.0.113.8'); end loop; end $$;
select is((select status from admin.login_end((select o.operator_id from ledger.operator o where o.name = 'Vera'), 'kept', sha256('v'), '203.0.113.8', 'x', 1, 1, 10, null, null)), 200::bigint,
          'who mistyped and then knew it');
select is((select max(b.wait_s) from generate_series(1, 9), lateral (select * from admin.login_begin('Vera', '203.0.113.8')) b), 0::bigint, 'begins anew');

-- Guessing elsewhere does not keep an owner out where she has been before.
select is((select wait_s from admin.login_begin('Vera', '203.0.113.8')), 0::bigint, 'there is room');
do $$ begin for n in 1..60 loop perform * from admin.login_begin('Vera', '198.51.100.' || n); end loop; end $$;
select is((select array[(select wait_s from admin.login_begin('Vera', '203.0.113.7')), (select least(wait_s, 1) from admin.login_begin('Vera', '192.0.2.1'))]), '{0,1}',
          'a crowd of guessers keeps nobody out of the address of before');
select is((select count(*) from ledger.throttle t where t.subject ilike '%vera%' or t.subject ilike '%olga%'), 0::bigint, 'no name is kept');

select * from finish();
rollback;
