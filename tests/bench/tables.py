# SPDX-License-Identifier: ISC
"""What the typed tables cost: recording with them beside recording without."""
import targets
from measure import log, measure_target
from report import median, ratio, results_table
from environment import BenchError

CONNECTIONS = [64, 256]
UPDATES = 4
LOADS = (("new", "new entries", 0), ("edited", f"1 to {UPDATES} updates each", UPDATES))


def check(env, target):
    """With the tables there are rows, and without them none."""
    rows, made, all_events = map(int, env.sql(target.database, "select (select count(*) from toggl.time_entry), "
                                 "count(*) filter (where action = 'created'), count(*) from ledger.event").split("|"))
    log(f"  {target.name}: {made} of the {all_events} events made an entry, {rows} rows of time entries")
    if rows != (0 if target.database == "plain" else made):
        raise BenchError(f"{target.name}: {rows} time entries where {made} were made")


def split(results, chosen_targets):
    print(f"\n{'CPU us an event':42} {'conns':>5} {'lighttpd':>9} {'receiver':>9} {'PostgreSQL':>11} {'all':>6}")
    for target in chosen_targets:
        for count in CONNECTIONS:
            numbers = [median(results, target.name, count, key)
                       for key in ("server_us", "program_us", "database_us", "cpu_us")]
            print("{:42} {:5} {:9.1f} {:9.1f} {:11.1f} {:6.1f}".format(target.name, count, *numbers))


def tables_run(env, goals, options):
    chosen_targets = [targets.ledger(f"{name}, {load}", database, updates=updates)
                   for load, _, updates in LOADS for name, database in (("without", "plain"), ("with", "ledger"))]
    results = []
    for number in range(1, options.rounds + 1):
        log(f"round {number} of {options.rounds}")
        for target in chosen_targets:
            for result in measure_target(env, target, CONNECTIONS, options.seconds):
                results.append({**result, "round": number})
            if number == 1:
                check(env, target)
    print(f"\n{results_table(results, chosen_targets, CONNECTIONS)}")
    split(results, chosen_targets)
    for load, what, _ in LOADS:
        for count in CONNECTIONS:
            goals.add(f"requests/s of without tables, {what}, at {count}",
                      ratio(results, f"with, {load}", f"without, {load}", count, "rate"), 0.67, False)
            goals.add(f"events a CPU second, the same, at {count}",
                      ratio(results, f"without, {load}", f"with, {load}", count, "cpu_us"), 0.67, False)
    return results
