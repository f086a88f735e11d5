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
from measure import log, rounds
from queries import queries_run
from report import Goals, heading, is_complete, check_goals, results_table
from scenarios import large_run, many_run, spool_run
from tables import tables_run


SCENARIOS = (	# option, function, what it measures
    ("spool", spool_run, "acknowledging while PostgreSQL is stopped, then draining"),
    ("many", many_run, "2,000 connections"),
    ("courier", courier_run, "deliveries to subscribers, and recording beside them"),
    ("tables", tables_run, "recording with the typed tables beside without"),
    ("large", large_run, "a ledger of 10 million rows against an empty one"),
    ("queries", queries_run, "queries on a ledger of 2 million events"),
    ("api", api_run, "response times of the API for subscribers"),
    ("admin", admin_run, "response times of the admin page's data with 2 million events"),
)


def read_options():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description="The benchmark; see tests/bench/README.md.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", default="1,64,256", metavar="N,N")
    parser.add_argument("--only", default="", metavar="NAME,NAME", help="targets: " + ", ".join(targets.NAMES))
    parser.add_argument("--smoke", action="store_true",
                        help="one second of each that is installed; says nothing of speed")
    for name, _, what in SCENARIOS:
        parser.add_argument(f"--{name}", action="store_true", help=what)
    parser.add_argument("--plans", action="store_true", help="with --queries: their plans too")
    parser.add_argument("--rows", type=int, help="how many events for --large, --queries and --admin")
    parser.add_argument("--commit", default="unknown", help=argparse.SUPPRESS)
    parser.add_argument("--work", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--pg-bin", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.connections = [int(text) for text in options.connections.split(",")]
    options.only = [name for name in options.only.split(",") if name]
    unknown = set(options.only) - set(targets.NAMES)
    if unknown:
        parser.error("no such target: " + ", ".join(sorted(unknown)))
    if options.smoke:
        options.rounds, options.seconds, options.connections = 1, 1, [64]
    return options


def side_by_side(env, goals, options):
    chosen_targets = []
    for target in targets.all_targets(env):
        if options.only and target.name not in options.only:
            continue
        missing = target.missing()
        if missing:
            log(f"  {target.name} is left out, missing: {', '.join(missing)}")
        else:
            chosen_targets.append(target)
    if any(target.database == competitors.DATABASE for target in chosen_targets):
        competitors.make_table(env)
    load = os.getloadavg()[0]
    results = rounds(env, chosen_targets, options)
    table = results_table(results, chosen_targets, options.connections)
    print(f"\n{table}")
    if not options.smoke:
        check_goals(goals, results)
    if is_complete(results, options):
        text = f"{heading(env, options, load)}\n\n{table}\n\n{goals.table()}\n"
        (env.work / "results.md").write_text(text, encoding="utf-8")
    return results


def run(env, options):
    goals = Goals()
    results = []
    env.start_postgres()
    scenarios = [scenario for name, scenario, _ in SCENARIOS if getattr(options, name)]
    for scenario in scenarios or [side_by_side]:
        results += scenario(env, goals, options)
    goals.show()
    (env.work / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    broken = sum(result["errors"] + result["lost"] for result in results)
    if options.smoke:
        print(f"smoke: {len(results)} targets, {broken} errors")
        return 1 if broken or not results else 0
    return 0


def main():
    options = read_options()
    env = Environment(options.work, options.pg_bin)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return run(env, options)
    except BenchError as error:
        log(f"tests/bench/run: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        env.close()


if __name__ == "__main__":
    sys.exit(main())
