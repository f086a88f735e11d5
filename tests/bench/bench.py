# SPDX-License-Identifier: ISC
"""Runs the targets side by side and prints one table; started by tests/bench/run."""
import argparse
import json
import os
import signal
import sys

import competitors
import targets
from admin import admin_run
from api import api_run
from courier import courier_run
from environment import BenchError, Environment
from measure import rounds, say
from queries import queries_run
from report import Goals, heading, is_complete, judge, results_table
from scenarios import large_run, many_run, spool_run
from tables import tables_run


def options():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description="The benchmark; see tests/bench/README.md.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", default="1,64,256", metavar="N,N")
    parser.add_argument("--only", default="", metavar="NAME,NAME", help="targets: " + ", ".join(targets.NAMES))
    parser.add_argument("--smoke", action="store_true",
                        help="one second of each that is installed; says nothing of speed")
    parser.add_argument("--spool", action="store_true", help="acknowledging while PostgreSQL is stopped, then draining")
    parser.add_argument("--many", action="store_true", help="2,000 connections")
    parser.add_argument("--courier", action="store_true", help="deliveries to subscribers, and recording beside them")
    parser.add_argument("--tables", action="store_true", help="recording with the typed tables beside without")
    parser.add_argument("--large", action="store_true", help="a ledger of 10 million rows against an empty one")
    parser.add_argument("--queries", action="store_true", help="what is asked of a ledger of 2 million events")
    parser.add_argument("--api", action="store_true", help="how fast the API for subscribers answers")
    parser.add_argument("--admin", action="store_true",
                        help="how fast the admin page is answered with 2 million events")
    parser.add_argument("--plans", action="store_true", help="with --queries: their plans too")
    parser.add_argument("--rows", type=int, help="how many events for --large, --queries and --admin")
    parser.add_argument("--commit", default="unknown", help=argparse.SUPPRESS)
    parser.add_argument("--work", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--pg-bin", required=True, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    chosen.connections = [int(text) for text in chosen.connections.split(",")]
    chosen.only = [name for name in chosen.only.split(",") if name]
    unknown = set(chosen.only) - set(targets.NAMES)
    if unknown:
        parser.error("no such target: " + ", ".join(sorted(unknown)))
    if chosen.smoke:
        chosen.rounds, chosen.seconds, chosen.connections = 1, 1, [64]
    return chosen


def side_by_side(env, goals, chosen):
    chosen_targets = []
    for target in targets.everyone(env):
        if chosen.only and target.name not in chosen.only:
            continue
        missing = target.missing()
        if missing:
            say(f"  {target.name} is left out, missing: {', '.join(missing)}")
        else:
            chosen_targets.append(target)
    if any(target.database == competitors.DATABASE for target in chosen_targets):
        competitors.make_table(env)
    load = os.getloadavg()[0]
    results = rounds(env, chosen_targets, chosen)
    table = results_table(results, chosen_targets, chosen.connections)
    print(f"\n{table}")
    if not chosen.smoke:
        judge(goals, results)
    if is_complete(results, chosen):
        text = f"{heading(env, chosen, load)}\n\n{table}\n\n{goals.table()}\n"
        (env.work / "results.md").write_text(text, encoding="utf-8")
    return results


def run(env, chosen):
    goals = Goals()
    results = []
    env.start_postgres()
    special = (chosen.spool or chosen.many or chosen.large or chosen.tables or chosen.courier or chosen.queries
               or chosen.api or chosen.admin)
    if chosen.spool:
        spool_run(env, goals)
    if chosen.many:
        results += many_run(env, goals, chosen.seconds)
    if chosen.large:
        results += large_run(env, goals, chosen)
    if chosen.courier:
        results += courier_run(env, goals, chosen)
    if chosen.tables:
        results += tables_run(env, goals, chosen)
    if chosen.queries:
        results += queries_run(env, goals, chosen)
    if chosen.api:
        results += api_run(env, goals, chosen)
    if chosen.admin:
        results += admin_run(env, goals, chosen)
    if not special:
        results = side_by_side(env, goals, chosen)
    goals.show()
    (env.work / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    broken = sum(result["errors"] + result["lost"] for result in results)
    if chosen.smoke:
        print(f"smoke: {len(results)} targets, {broken} errors")
        return 1 if broken or not results else 0
    return 0


def main():
    chosen = options()
    env = Environment(chosen.work, chosen.pg_bin)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return run(env, chosen)
    except BenchError as error:
        say(f"tests/bench/run: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        env.close()


if __name__ == "__main__":
    sys.exit(main())
