# SPDX-License-Identifier: ISC
"""What the typed tables cost: recording with them beside recording without."""
import contestants
from measure import perform, say
from report import median, print_table, ratio
from stage import Trouble

CONNECTIONS = [64, 256]
UPDATES = 4
LOADS = (("new", "new entries", 0), ("edited", f"1 to {UPDATES} updates each", UPDATES))


def check(stage, contestant):
    """With the tables there are rows, and without them none."""
    rows, made, all_events = map(int, stage.sql(contestant.database, "select (select count(*) from toggl.time_entry), "
                                 "count(*) filter (where action = 'created'), count(*) from ledger.event").split("|"))
    say(f"  {contestant.name}: {made} of the {all_events} events made an entry, {rows} rows of time entries")
    if rows != (0 if contestant.database == "plain" else made):
        raise Trouble(f"{contestant.name}: {rows} time entries where {made} were made")


def split(results, taking_part):
    print(f"\n{'CPU us an event':42} {'conns':>5} {'lighttpd':>9} {'receiver':>9} {'PostgreSQL':>11} {'all':>6}")
    for contestant in taking_part:
        for count in CONNECTIONS:
            numbers = [median(results, contestant.name, count, key)
                       for key in ("server_us", "program_us", "database_us", "cpu_us")]
            print("{:42} {:5} {:9.1f} {:9.1f} {:11.1f} {:6.1f}".format(contestant.name, count, *numbers))


def tables_run(stage, goals, chosen):
    taking_part = [contestants.ledger(f"{name}, {load}", database, updates=updates)
                   for load, _, updates in LOADS for name, database in (("without", "plain"), ("with", "ledger"))]
    results = []
    for number in range(1, chosen.rounds + 1):
        say(f"round {number} of {chosen.rounds}")
        for contestant in taking_part:
            for result in perform(stage, contestant, CONNECTIONS, chosen.seconds):
                results.append({**result, "round": number})
            if number == 1:
                check(stage, contestant)
    print_table(results, taking_part, CONNECTIONS)
    split(results, taking_part)
    for load, what, _ in LOADS:
        for count in CONNECTIONS:
            goals.add(f"requests/s of without tables, {what}, at {count}",
                      ratio(results, f"with, {load}", f"without, {load}", count, "rate"), 0.67, False)
            goals.add(f"events a CPU second, the same, at {count}",
                      ratio(results, f"without, {load}", f"with, {load}", count, "cpu_us"), 0.67, False)
    return results
