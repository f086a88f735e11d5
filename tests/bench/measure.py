# SPDX-License-Identifier: ISC
"""One contestant, started, loaded and weighed."""
import sys
import time

import contestants
from stage import WORKSPACE, cpu_seconds, free_port, peak_memory_mb

WARM_SECONDS = 1	# compilers at run time, connection pools, caches
DRAIN_SECONDS = 10


def say(text):
    print(text, file=sys.stderr, flush=True)


def address_of(stage, contestant):
    """Path and secret that its callbacks are sent with."""
    if contestant.database in ("", "bench"):
        return "/hook/static", contestants.SECRET
    endpoint = stage.hookledger(contestant.database)
    return endpoint["path"], endpoint["secret"]


def table_of(contestant):
    return "event" if contestant.database == "bench" else "ledger.event"


def empty(stage, contestant):
    """Everybody starts with empty tables, right after a checkpoint."""
    tables = ["event"]
    if contestant.database != "bench":
        tables = ["ledger.event", *stage.sql(contestant.database, "select format('toggl.%I', relname) from pg_class "
                                             "where relnamespace = 'toggl'::regnamespace and relkind = 'r'").split()]
    stage.sql(contestant.database, f"truncate {', '.join(tables)} cascade")


def lost_rows(stage, contestant, first_id, acknowledged):
    """How many of the acknowledged events were not recorded; what is spooled is drained first."""
    count = (f"select count(*) from {table_of(contestant)} "
             f"where workspace_id = {WORKSPACE} and event_id >= {first_id}")
    rows = int(stage.sql(contestant.database, count))
    deadline = time.monotonic() + DRAIN_SECONDS
    while rows < acknowledged and contestant.database != "bench" and time.monotonic() < deadline:
        # A program that has answered may still be at work with a part of the spool.
        stage.command(stage.hookledger(contestant.database)["conf"], "spool", "drain")
        time.sleep(0.1)
        rows = int(stage.sql(contestant.database, count))
    return max(0, acknowledged - rows)


def measure(stage, contestant, children, port, connections, seconds):
    path, secret = address_of(stage, contestant)
    roots = [child.pid for child in children]
    database = [stage.postgres.pid]
    sessions = 0

    def watch():
        nonlocal sessions
        sessions = max(sessions, stage.sessions(contestant.database))

    def weigh():
        everything = cpu_seconds(roots)
        # A process a request is gone before it can be weighed: it counts as the server's.
        program = 0 if contestant.brief else cpu_seconds(roots, contestant.program)
        return everything - program, program, cpu_seconds(database)

    if contestant.database:
        if contestant.empties:
            empty(stage, contestant)
        stage.sql(contestant.database, "checkpoint")
    first_id = stage.next_id
    warm = stage.load(port, path, secret, connections, seconds=WARM_SECONDS, updates=contestant.updates)
    before = weigh()
    result = stage.load(port, path, secret, connections, seconds=seconds, updates=contestant.updates,
                        watch=watch if contestant.watched else None)
    spent = [now - then for now, then in zip(weigh(), before)]
    result["name"] = contestant.name
    for key, seconds_spent in zip(("server_us", "program_us", "database_us"), spent):
        result[key] = seconds_spent / result["ok"] * 1e6 if result["ok"] else 0
    result["cpu_us"] = result["server_us"] + result["program_us"] + result["database_us"]
    result["memory_mb"] = peak_memory_mb(roots, contestant.program)
    result["sessions"] = sessions
    result["errors"] += warm["errors"]
    result["lost"] = 0
    if contestant.database:
        result["lost"] = lost_rows(stage, contestant, first_id, warm["ok"] + result["ok"])
    return result


def describe(result):
    why = {**result["statuses"], **{key: value for key, value in result["failures"].items() if value}}
    say(f"  {result['name']:12} {result['connections']:5} connections {result['rate']:7.0f}/s  "
        f"CPU {result['cpu_us']:.1f} us ({result['server_us']:.0f} server, "
        f"{result['program_us']:.0f} program, {result['database_us']:.0f} PostgreSQL)  p50 {result['p50_ms']:.2f} p99 {result['p99_ms']:.2f} ms  errors {result['errors']}  lost {result['lost']}"
        + (f"  {why}" if result["errors"] else ""))


def perform(stage, contestant, connections, seconds):
    """Starts a contestant, measures it at each number of connections, stops it."""
    port = free_port()
    results = []
    children = []
    before = list(stage.running)
    try:
        children = contestant.start(stage, port)
        stage.wait_for_port(port, children)
        for count in connections:
            result = measure(stage, contestant, children, port, count, seconds)
            describe(result)
            results.append(result)
    finally:
        for child in reversed([child for child in stage.running if child not in before]):
            stage.stop(child)
    return results


def rounds(stage, taking_part, chosen):
    results = []
    for number in range(1, chosen.rounds + 1):
        say(f"round {number} of {chosen.rounds}")
        for contestant in taking_part:
            for result in perform(stage, contestant, chosen.connections, chosen.seconds):
                result["round"] = number
                results.append(result)
    return results
