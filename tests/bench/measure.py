# SPDX-License-Identifier: ISC
"""Measures one target: starts it, sends it load, and reads the CPU time from /proc."""
import sys
import time

import floor
import targets
from environment import WORKSPACE, BenchError, cpu_seconds, free_port, peak_memory_mb

WARM_SECONDS = 1	# compilers at run time, connection pools, caches
DRAIN_SECONDS = 10


def log(text):
    print(text, file=sys.stderr, flush=True)


def address_of(env, target):
    """Path and secret that its callbacks are sent with."""
    if target.database in ("", "bench"):
        return "/hook/static", targets.SECRET
    endpoint = env.hookledger(target.database)
    return endpoint["path"], endpoint["secret"]


def table_of(target):
    return "event" if target.database == "bench" else "ledger.event"


def truncate_tables(env, target):
    """Everybody starts with empty tables, right after a checkpoint."""
    tables = ["event"]
    if target.database != "bench":
        tables = ["ledger.event", *env.sql(target.database, "select format('toggl.%I', relname) from pg_class "
                                             "where relnamespace = 'toggl'::regnamespace and relkind = 'r'").split()]
    env.sql(target.database, f"truncate {', '.join(tables)} cascade")


def events_per_commit(env, target):
    return float(env.sql(target.database, f"select count(*) / greatest(count(distinct txid), 1)::float8 "
                                          f"from {table_of(target)}"))


def lost_rows(env, target, first_id, acknowledged):
    """How many of the acknowledged events were not recorded; what is spooled is drained first."""
    count = (f"select count(*) from {table_of(target)} "
             f"where workspace_id = {WORKSPACE} and event_id >= {first_id}")
    rows = int(env.sql(target.database, count))
    deadline = time.monotonic() + DRAIN_SECONDS
    while rows < acknowledged and target.database != "bench" and time.monotonic() < deadline:
        # A program that has answered may still be at work with a part of the spool.
        env.command(env.hookledger(target.database)["conf"], "spool", "drain")
        time.sleep(0.1)
        rows = int(env.sql(target.database, count))
    return max(0, acknowledged - rows)


def measure_requests(env, target, children, port, connections, seconds):
    """Sends callbacks over so many connections: the result, how many were acknowledged in the warm-up too, and
    the CPU seconds of web server, program and PostgreSQL."""
    path, secret = address_of(env, target)
    roots = [child.pid for child in children]
    sessions = 0

    def watch():
        nonlocal sessions
        sessions = max(sessions, env.sessions(target.database))

    def read_cpu():
        everything = cpu_seconds(roots)
        # A process a request is gone before it can be weighed: it counts as the server's.
        program = 0 if target.brief else cpu_seconds(roots, target.program)
        return everything - program, program, cpu_seconds([env.postgres.pid])

    warm = env.load(port, path, secret, connections, seconds=WARM_SECONDS, updates=target.updates)
    before = read_cpu()
    result = env.load(port, path, secret, connections, seconds=seconds, updates=target.updates,
                      watch=watch if target.watched else None)
    spent = [now - then for now, then in zip(read_cpu(), before)]
    result["errors"] += warm["errors"]
    result["sessions"] = sessions
    result["memory_mb"] = peak_memory_mb(roots, target.program)
    return result, warm["ok"] + result["ok"], spent


def measure_floor(env, target, connections, seconds):
    result, database = floor.load(env, connections, WARM_SECONDS, seconds, target.is_typed)
    result.update(errors=0, sessions=1, memory_mb=0, statuses={}, failures={})
    return result, result["warm"] + result["ok"], [0, result["cpu_seconds"], database]


def measure(env, target, children, port, connections, seconds):
    if target.database:
        if target.empties:
            truncate_tables(env, target)
        env.sql(target.database, "checkpoint")
    first_id = 0 if target.is_floor else env.next_id
    if target.is_floor:
        result, acknowledged, spent = measure_floor(env, target, connections, seconds)
    else:
        result, acknowledged, spent = measure_requests(env, target, children, port, connections, seconds)
    result["name"] = target.name
    for key, seconds_spent in zip(("server_us", "program_us", "database_us"), spent):
        result[key] = seconds_spent / result["ok"] * 1e6 if result["ok"] else 0
    result["cpu_us"] = result["server_us"] + result["program_us"] + result["database_us"]
    if target.database == "plain" and env.sql("plain", "select count(*) from toggl.time_entry") != "0":
        raise BenchError("plain.sql has not taken away the writing of the typed tables")
    result["lost"] = 0
    result["batch"] = 0
    if target.database:
        result["lost"] = lost_rows(env, target, first_id, acknowledged)
        result["batch"] = events_per_commit(env, target)
    return result


def log_result(result):
    why = {**result["statuses"], **{key: value for key, value in result["failures"].items() if value}}
    log(f"  {result['name']:12} {result['connections']:5} connections {result['rate']:7.0f}/s  "
        f"CPU {result['cpu_us']:.1f} us ({result['server_us']:.0f} server, {result['program_us']:.0f} program, "
        f"{result['database_us']:.0f} PostgreSQL)  p50 {result['p50_ms']:.2f} p99 {result['p99_ms']:.2f} ms  "
        + (f"{result['batch']:.1f} a commit  " if result["batch"] else "")
        + f"errors {result['errors']}  lost {result['lost']}" + (f"  {why}" if result["errors"] else ""))


def measure_target(env, target, connections, seconds):
    """Starts a target, measures it at each number of connections, stops it."""
    port = free_port()
    results = []
    children = []
    before = list(env.running)
    try:
        children = target.start(env, port)
        if children:
            env.wait_for_port(port, children)
        for count in connections:
            result = measure(env, target, children, port, count, seconds)
            log_result(result)
            results.append(result)
    finally:
        for child in reversed([child for child in env.running if child not in before]):
            env.stop(child)
    return results


def rounds(env, chosen_targets, options):
    results = []
    for number in range(1, options.rounds + 1):
        log(f"round {number} of {options.rounds}")
        # Every second round goes backwards: what comes later in a round is not always measured later.
        for target in chosen_targets if number % 2 else reversed(chosen_targets):
            for result in measure_target(env, target, options.connections, options.seconds):
                result["round"] = number
                results.append(result)
    return results
