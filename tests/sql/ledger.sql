-- Partitions, cursors and the rules of the tables.
begin;
create extension if not exists pgtap;
select plan(26);

insert into ledger.endpoint (endpoint_id, address, name, workspace_id) overriding system value
values (101, 'address_of_the_first_1', 'first', 1);

create function pg_temp.record(number bigint, created timestamptz) returns void language sql as $$
  insert into ledger.event (workspace_id, event_id, created_at, received_at, epoch, endpoint_id, secret_id, model,
                            action, source, signature, body)
  values (1, number, created, now(), 1, 101, 201, '', '', 'webhook', '\x00', '{}')
$$;

create function pg_temp.place_of(number bigint) returns text language sql as
  $$ select tableoid::regclass::text from ledger.event where event_id = number $$;

-- Midnight of a month differs between zones; the partitions are of UTC.
set local timezone = 'Pacific/Auckland';

select pg_temp.record(1, '2031-03-01T00:00:00Z');
select pg_temp.record(2, '2031-03-31T23:59:59.999999Z');
select pg_temp.record(3, '2031-04-01T00:00:00Z');
select pg_temp.record(4, '2031-02-28T23:59:59.999999Z');
select is(pg_temp.place_of(1), 'ledger.event_default', 'a month without a partition goes to the default one');
select is(ledger.partition_ensure('2031-03-15'), true, 'the partition is made');
select is(ledger.partition_ensure('2031-03-01'), false, 'once');
select is(pg_temp.place_of(1), 'ledger.event_y2031m03', 'the first moment of the month has moved');
select is(pg_temp.place_of(2), 'ledger.event_y2031m03', 'the last too');
select is(pg_temp.place_of(3), 'ledger.event_default', 'the first moment of the next has not');
select is(pg_temp.place_of(4), 'ledger.event_default', 'the last of the one before has not');
select is(count(*), 4::bigint, 'none is lost and none is doubled') from ledger.event;
select pg_temp.record(5, '2031-03-31T23:00:00Z');
select is(pg_temp.place_of(5), 'ledger.event_y2031m03', 'a new event goes to the partition');
select throws_ok($$select pg_temp.record(1, '2031-03-01T00:00:00Z')$$, '23505', null, 'and is unique there');
select lives_ok($$select ledger.partition_ensure('2031-02-01'), ledger.partition_ensure('2031-04-01')$$,
                'months side by side');
select is(pg_temp.place_of(3), 'ledger.event_y2031m04', 'what belongs there has moved');

set local timezone = 'America/Anchorage';
select is(ledger.partition_ensure('2031-05-01'), true, 'west of Greenwich');
select pg_temp.record(6, '2031-05-31T23:59:59Z');
select is(pg_temp.place_of(6), 'ledger.event_y2031m05', 'the month is that of UTC there too');

-- A partition has what the table has.
select is(
  (select count(*) from pg_index where indrelid = 'ledger.event_y2031m03'::regclass),
  (select count(*) from pg_index where indrelid = 'ledger.event'::regclass), 'a partition has all indexes');

-- Ahead: last month to three months ahead; what is there already does not count.
select ledger.partition_ahead();
select is(ledger.partition_ahead(), 0, 'made once');
select ok(to_regclass('ledger.event_' || to_char(now() at time zone 'UTC' + interval '3 months', '"y"YYYY"m"MM'))
          is not null, 'three months ahead are there');
select pg_temp.record(7, '2019-05-05T00:00:00Z');
select pg_temp.record(8, '1969-05-05T00:00:00Z');
select pg_temp.record(9, '9999-12-31T23:59:59Z');
select is(ledger.partition_ahead(), 1, 'a month of the past that came is made');
select is(pg_temp.place_of(7), 'ledger.event_y2019m05', 'and its events are moved');
select is(pg_temp.place_of(8) || pg_temp.place_of(9), 'ledger.event_beforeledger.event_default',
          'unbelievable dates make no partition');

-- Cursors.
select is(ledger.cursor_write(2, '18446744073709551615', 9223372036854775807), '2-18446744073709551615-9223372036854775807',
          'a cursor is written');
select is(ledger.cursor_read('2-18446744073709551615-9223372036854775807'),
          (2, '18446744073709551615', 9223372036854775807)::ledger.cursor, 'and read');
select throws_ok($$select ledger.cursor_read('1-2')$$, '22023', null, 'two numbers are no cursor');
select throws_ok($$select ledger.cursor_read('99999999999-2-1')$$, '22023', null, 'eleven digits are no epoch');

-- Rules of the tables.
select throws_ok($$insert into ledger.endpoint (address, name) values ('short', 'x')$$, '23514', null,
                 'an address has 22 characters at least');
select throws_ok($$insert into ledger.state values (true)$$, '23505', null, 'there is one row of state');

select * from finish();
rollback;
