# SPDX-License-Identifier: ISC
"""Scenarios of the receiver: the spool, many connections, a large ledger."""
import time

import targets
from environment import WORKSPACE, free_port
from measure import WARM_SECONDS, address_of, log, measure_target
from report import ratio, worst

SPOOL_EVENTS = 60_000
MANY = 2000
LARGE_ROWS = 10_000_000


def recorded_since(env, first_id):
    return int(env.sql("ledger", "select count(*) from ledger.event "
                                   f"where workspace_id = {WORKSPACE} and event_id >= {first_id}"))


def spool_run(env, goals, _):
    """PostgreSQL is stopped: what is acknowledged goes to the spool; then drained."""
    target = targets.find(env, "lighttpd")
    path, secret = address_of(env, target)
    port = free_port()
    [server] = target.start(env, port)
    env.wait_for_port(port, [server])
    env.load(port, path, secret, 64, seconds=WARM_SECONDS)	# the workers know their secrets now
    env.stop_postgres()
    first_id = env.next_id
    result = env.load(port, path, secret, 64, requests=SPOOL_EVENTS)
    env.stop(server)
    env.start_postgres()
    log(f"  spool: {result['ok']} acknowledged at {result['rate']:.0f}/s, p99 {result['p99_ms']:.1f} ms, "
        f"errors {result['errors']}")
    before = recorded_since(env, first_id)
    begun = time.monotonic()
    env.command(env.hookledger()["conf"], "spool", "drain")
    seconds = time.monotonic() - begun
    drained = recorded_since(env, first_id) - before
    log(f"  {drained} drained in {seconds:.1f} s")
    goals.add("acknowledged a second into the spool, at 64", result["rate"], 2000, False)
    goals.add("errors while PostgreSQL is stopped", result["errors"], 0, True)
    goals.add("drained events a second", drained / seconds, 10000, False)
    goals.add("acknowledged but not drained", max(0, result["ok"] - before - drained), 0, True)
    return []


def many_run(env, goals, options):
    results = []
    for name in ("null", "lighttpd"):
        results += measure_target(env, targets.find(env, name), [MANY], options.seconds)
    goals.add(f"errors, at {MANY} connections", worst(results, "lighttpd", MANY, "errors"), 0, True)
    goals.add(f"acknowledged but not recorded, at {MANY}", worst(results, "lighttpd", MANY, "lost"), 0, True)
    return results


def fill(env, database, rows):
    """Copies one recorded event over and over, with other ids and times of this month."""
    columns = env.sql(database, """
        select attname from pg_attribute where attrelid = 'ledger.event'::regclass and attnum > 0
        and not attisdropped and attgenerated = '' and attidentity = '' order by attnum""").split()
    changed = {"event_id": "1000000000000 + n",
               "created_at": f"now() - (now() - date_trunc('month', now())) * (1 - n / {rows + 1}::float8)"}
    values = ", ".join(changed.get(column, f"sample.{column}") for column in columns)
    env.sql(database, "create table public.sample as select * from ledger.event limit 1")
    env.sql(database, f"set synchronous_commit = off; insert into ledger.event ({', '.join(columns)}) "
                        f"select {values} from public.sample, generate_series(1, {rows}) as n")
    env.sql(database, "drop table public.sample")
    env.sql(database, "vacuum (analyze, freeze) ledger.event")


def large_run(env, goals, options):
    empty, large = targets.ledger("empty", "ledger"), targets.ledger("large", "ledger_large")
    large.empties = False
    measure_target(env, large, [64], 0.2)	# leaves the row that is copied
    rows = options.rows or LARGE_ROWS
    log(f"  recording {rows} rows")
    begun = time.monotonic()
    fill(env, large.database, rows)
    log(f"  took {time.monotonic() - begun:.0f} s, "
        + env.sql(large.database, "select pg_size_pretty(pg_database_size(current_database()))"))
    results = []
    for number in range(1, options.rounds + 1):
        log(f"round {number} of {options.rounds}")
        for target in (empty, large):
            for result in measure_target(env, target, [64, 256], options.seconds):
                results.append({**result, "round": number})
    for count in (64, 256):
        goals.add(f"requests/s with {rows} rows, of an empty ledger, at {count}",
                  ratio(results, "large", "empty", count, "rate"), 0.9, False)
        goals.add(f"events a CPU second, the same, at {count}",
                  ratio(results, "empty", "large", count, "cpu_us"), 0.9, False)
    return results
