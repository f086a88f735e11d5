# SPDX-License-Identifier: ISC
"""Runs the contestants side by side and prints one table; started by tests/bench/run."""
import argparse
import json
import signal
import sys

import contestants
from admin import admin_run
from api import api_run
from courier import courier_run
from extra import large_run, many_run, spool_run
from measure import rounds, say
from questions import questions_run
from report import Goals, judge, print_table
from stage import Stage, Trouble
from tables import tables_run


def options():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description="The benchmark; see tests/bench/README.md.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", default="1,64,256", metavar="N,N")
    parser.add_argument("--only", default="", metavar="NAME,NAME", help="contestants: " + ", ".join(contestants.NAMES))
    parser.add_argument("--smoke", action="store_true",
                        help="one second of each that is installed; says nothing of speed")
    parser.add_argument("--spool", action="store_true", help="acknowledging while PostgreSQL is stopped, then draining")
    parser.add_argument("--many", action="store_true", help="2,000 connections")
    parser.add_argument("--courier", action="store_true", help="deliveries to subscribers, and recording beside them")
    parser.add_argument("--tables", action="store_true", help="recording with the typed tables beside without")
    parser.add_argument("--large", action="store_true", help="a ledger of 10 million rows against an empty one")
    parser.add_argument("--questions", action="store_true", help="what is asked of a ledger of 2 million events")
    parser.add_argument("--api", action="store_true", help="how fast the API for subscribers answers")
    parser.add_argument("--admin", action="store_true", help="how fast the admin page is answered with 2 million events")
    parser.add_argument("--plans", action="store_true", help="with --questions: their plans too")
    parser.add_argument("--rows", type=int, help="how many events for --large, --questions and --admin")
    parser.add_argument("--work", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--pg-bin", required=True, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    chosen.connections = [int(text) for text in chosen.connections.split(",")]
    chosen.only = [name for name in chosen.only.split(",") if name]
    unknown = set(chosen.only) - set(contestants.NAMES)
    if unknown:
        parser.error("no such contestant: " + ", ".join(sorted(unknown)))
    if chosen.smoke:
        chosen.rounds, chosen.seconds, chosen.connections = 1, 1, [64]
    return chosen


def side_by_side(stage, goals, chosen):
    taking_part = []
    for contestant in contestants.everyone(stage):
        if chosen.only and contestant.name not in chosen.only:
            continue
        missing = contestant.missing(stage)
        if missing:
            say(f"  {contestant.name} is left out, missing: {', '.join(missing)}")
        else:
            taking_part.append(contestant)
    if any(contestant.database == "bench" for contestant in taking_part):
        stage.sql("postgres", "create database bench")
        stage.sql_file("bench", stage.work / "schema.sql")
    results = rounds(stage, taking_part, chosen)
    print_table(results, taking_part, chosen.connections)
    if not chosen.smoke:
        judge(goals, results)
    return results


def run(stage, chosen):
    goals = Goals()
    results = []
    stage.start_postgres()
    special = chosen.spool or chosen.many or chosen.large or chosen.tables or chosen.courier or chosen.questions or chosen.api or chosen.admin
    if special and not stage.has_hookledger():
        raise Trouble("there is no hookledger-receiver to measure")
    if chosen.spool:
        spool_run(stage, goals)
    if chosen.many:
        results += many_run(stage, goals, chosen.seconds)
    if chosen.large:
        results += large_run(stage, goals, chosen)
    if chosen.courier:
        results += courier_run(stage, goals, chosen)
    if chosen.tables:
        results += tables_run(stage, goals, chosen)
    if chosen.questions:
        results += questions_run(stage, goals, chosen)
    if chosen.api:
        results += api_run(stage, goals, chosen)
    if chosen.admin:
        results += admin_run(stage, goals, chosen)
    if not special:
        results = side_by_side(stage, goals, chosen)
    goals.show()
    (stage.work / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    broken = sum(result["errors"] + result["lost"] for result in results)
    if chosen.smoke:
        print(f"smoke: {len(results)} contestants, {broken} errors")
        return 1 if broken or not results else 0
    return 0


def main():
    chosen = options()
    stage = Stage(chosen.work, chosen.pg_bin)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return run(stage, chosen)
    except Trouble as trouble:
        say(f"tests/bench/run: {trouble}")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        stage.close()


if __name__ == "__main__":
    sys.exit(main())
