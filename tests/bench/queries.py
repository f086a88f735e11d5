# SPDX-License-Identifier: ISC
"""How fast the typed tables answer, on a ledger of two million events."""
import json
import re
import statistics
import subprocess
import time

from measure import log
from environment import TICK, Process, BenchError

EVENTS = 2_000_000
PEOPLE = 300	# two million events are a year of theirs
START = "2025-01-01"
RUNS = 9
MONTH = "'2025-05-01', '2025-06-01', 'Europe/Berlin'"
DATABASE = "queries"
EXPLAIN = """load 'auto_explain';
set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;
set auto_explain.log_analyze = on; set auto_explain.log_buffers = on; set auto_explain.log_level = notice;
"""

# what, query, most milliseconds (None: only to look at)
QUERIES = (
    ("hours by project, a month", f"select * from toggl.hours_by_project({MONTH})", 30),
    ("the same by day", f"select * from toggl.hours_by_project({MONTH}, 'day')", None),
    ("hours by everything, a month", f"select * from toggl.hours({MONTH}, 'total')", None),
    ("amounts by project, a month", f"select * from toggl.amounts_by_project({MONTH})", None),
    ("hours by user, a year", "select * from toggl.hours_by_user('2025-01-01', '2026-01-01', 'Europe/Berlin')", 250),
    ("one entry's history", "select * from toggl.time_entry_history where time_entry_id = {entry} "
                            "order by changed_at, event_id", 5),
    ("the newest 100 entries", "select * from toggl.time_entries order by start_at desc limit 100", 5),
    ("the newest 100 of one user", "select * from toggl.time_entries where user_id = {user} "
                                   "order by start_at desc limit 100", None),
    ("100 entries of half a year ago", "select * from toggl.time_entries where start_at < '2025-06-15' "
                                       "order by start_at desc limit 100", None),
    ("who is tracking now", "select * from toggl.running", None),
)


def psql(env, script):
    """Runs a script in one session; what it says on either stream."""
    done = subprocess.run([env.pg_bin / "psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-h", env.sockets, "-U", "bench",
                           "-d", DATABASE], input=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode:
        raise BenchError(f"psql: {done.stdout[-2000:]}")
    return done.stdout


def fill(env, goals, events):
    conf = env.hookledger(DATABASE)["conf"]
    log(f"  recording {events} events")
    made = json.loads(env.command(conf, "simulate", "--into-database", "--json", "--events", str(events),
                                    "--people", str(PEOPLE), "--start", START))
    env.sql(DATABASE, "vacuum (analyze)")
    entries = int(env.sql(DATABASE, "select count(*) from toggl.time_entry"))
    size = env.sql(DATABASE, "select pg_size_pretty(pg_database_size(current_database()))")
    log(f"  took {made['duration_ms'] / 1000:.0f} s, {made['rate']} a second; {entries} time entries, {size}")
    goals.add("seconds to simulate the events into the database", made["duration_ms"] / 1000, 180, True)


def times(env, query):
    """Milliseconds of the first run in a new session and of the later ones, and the CPU time of one of those."""
    argv = [env.pg_bin / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", env.sockets, "-U", "bench", "-d", DATABASE]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as session:

        def ask(text):
            print(text + "\n\\o\n\\echo done", file=session.stdin, flush=True)
            return "".join(iter(session.stdout.readline, "done\n"))

        def run(count):
            said = ask("\\timing on\n\\o /dev/null\n" + f"{query};\n" * count)
            return [float(number) for number in re.findall(r"^Time: ([\d.]+) ms", said, re.M)]

        backend = int(ask("select pg_backend_pid();"))
        first = run(1)
        before = Process(backend).ticks
        later = run(RUNS)
        cpu_ms = (Process(backend).ticks - before) / TICK * 1000 / RUNS
        session.stdin.close()
    return first[0], later, cpu_ms


def digest(env):
    """One number for all that the typed tables say."""
    tables = env.sql(DATABASE, "select relname from pg_class where relnamespace = 'toggl'::regnamespace "
                                 "and relkind = 'r' order by 1").split()
    return [env.sql(DATABASE, f"select count(*), sum(hashtextextended(t::text, 0)) from toggl.{table} t")
            for table in tables]


def rebuild(env, goals, events):
    conf = env.hookledger(DATABASE)["conf"]
    before = digest(env)
    rates = []
    for _ in range(2):
        begun = time.monotonic()
        env.command(conf, "rebuild", "--restart")
        rates.append(events / (time.monotonic() - begun))
        log(f"  rebuilt at {rates[-1]:.0f} events a second")
    goals.add("events a second, hookledger rebuild", max(rates), 20000, False)
    after = digest(env)
    goals.add("tables that a rebuild changed", sum(a != b for a, b in zip(before, after)), 0, True)


def plans(env, asked):
    text = ""
    for what, query, _ in asked:
        # the first run of a session also reads the catalogue
        said = psql(env, f"\\o /dev/null\n{query};\n{EXPLAIN}{query};\n")
        text += f"-- {what}\n{query};\n{said}\n"
    (env.work / "plans.txt").write_text(text, encoding="utf-8")
    print(text)


def queries_run(env, goals, options):
    events = options.rows or EVENTS
    fill(env, goals, events)
    entry = env.sql(DATABASE, "select entity_id from ledger.event where model = 'time_entry' "
                                "group by 1 order by count(*) desc, 1 limit 1")
    user = env.sql(DATABASE, "select user_id from toggl.time_entry group by 1 order by count(*) desc limit 1")
    asked = [(what, query.format(entry=entry, user=user), most) for what, query, most in QUERIES]
    print(f"\n{'':40} {'rows':>6} {'first ms':>9} {'median ms':>10} {'(runs)':>15} {'CPU ms':>7} {'goal ms':>8}")
    for what, query, most in asked:
        rows = int(env.sql(DATABASE, f"select count(*) from ({query}) q"))
        first, later, cpu_ms = times(env, query)
        median, spread = statistics.median(later), f"{min(later):.1f}-{max(later):.1f}"
        print(f"{what:40} {rows:6} {first:9.1f} {median:10.1f} {spread:>15} {cpu_ms:7.1f} {most or '':>8}")
        if most:
            goals.add(f"ms, {what}", (median, spread), most, True)
    if options.plans:
        plans(env, asked)
    rebuild(env, goals, events)
    return []
