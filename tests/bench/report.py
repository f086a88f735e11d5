# SPDX-License-Identifier: ISC
"""The table, and the goals beside it."""
import statistics

import contestants


def median(results, name, connections, key):
    values = [result[key] for result in results
              if result["name"] == name and result["connections"] == connections]
    return statistics.median(values) if values else None


def worst(results, name, connections, key):
    return max((result[key] for result in results
                if result["name"] == name and result["connections"] == connections), default=None)


def print_table(results, taking_part, connections):
    print(f"\n{'':42} {'conns':>5} {'req/s':>8} {'CPU us':>8} {'p50 ms':>8} {'p99 ms':>8} "
          f"{'MB':>6} {'DB':>3} {'errors':>6} {'lost':>5}")
    for contestant in taking_part:
        what = f"{contestant.name}: {contestant.what}"
        for count in connections:
            rate = median(results, contestant.name, count, "rate")
            if rate is None:
                continue
            line = [median(results, contestant.name, count, key) for key in ("cpu_us", "p50_ms", "p99_ms")]
            last = [worst(results, contestant.name, count, key) for key in ("memory_mb", "sessions", "errors", "lost")]
            print(f"{what[:42]:42} {count:5} {rate:8.0f} {line[0]:8.1f} {line[1]:8.2f} {line[2]:8.2f} "
                  f"{last[0]:6.1f} {last[1] if contestant.watched else '':>3} {last[2]:6} {last[3]:5}")
            what = ""
    print("Medians of the rounds; the last four columns are the worst. CPU: server, program and PostgreSQL an event.")


class Goals:
    def __init__(self):
        self.lines = []

    def add(self, what, value, limit, most):
        """most: the value may be at most the limit; otherwise at least. A value is a number, or one
        with the lowest and highest of the rounds; None when it was not measured."""
        if value is None:
            return
        number, spread = value if isinstance(value, tuple) else (value, "")
        reached = number <= limit if most else number >= limit
        self.lines.append((what, number, spread, "<=" if most else ">=", limit, "reached" if reached else "missed"))

    def show(self):
        if not self.lines:
            return
        print(f"\n{'goal':56} {'value':>9} {'(rounds)':>13}    {'limit':>8}")
        for what, value, spread, sign, limit, verdict in self.lines:
            print(f"{what:56} {value:9.2f} {spread:>13} {sign} {limit:8.2f}  {verdict}")


def ratio(results, left, right, connections, key):
    """Of the medians; and beside it the lowest and highest of the single rounds."""
    numbers = [median(results, name, connections, key) for name in (left, right)]
    if not all(numbers):
        return None
    found = {(result["name"], result["round"]): result[key] for result in results
             if result["connections"] == connections}
    each = [found[left, number] / found[right, number] for name, number in found
            if name == left and found.get((right, number))]
    return numbers[0] / numbers[1], f"{min(each):.2f}-{max(each):.2f}"


def judge(goals, results):
    ours = "plain"	# the same work as theirs: they keep no tables but that of the events
    compared = (	# whom, what, measured as, limit at 64 and at 256, at most?
        ("null", "CPU of null", "cpu_us", 1.6, 1.6, True),
        ("go-plain", "CPU of Go, one INSERT an event", "cpu_us", 0.33, 0.33, True),
        ("go-group", "CPU of Go, group commit", "cpu_us", 0.9, 0.9, True),
        ("null", "requests/s of null", "rate", 0.65, 0.75, False),
        ("go-plain", "requests/s of Go, one INSERT an event", "rate", 2.5, 2.5, False),
        ("php-lighttpd", "requests/s of PHP-FPM behind lighttpd", "rate", 4, 4, False),
    )
    for whom, what, key, at_64, at_256, most in compared:
        for count, limit in ((64, at_64), (256, at_256)):
            goals.add(f"{what}, at {count}", ratio(results, ours, whom, count, key), limit, most)
    goals.add("median latency of Go, at 1", ratio(results, ours, "go-plain", 1, "p50_ms"), 1.3, True)
    for count in (64, 256):
        goals.add(f"requests/s of without typed tables, at {count}", ratio(results, "lighttpd", ours, count, "rate"),
                  0.67, False)
    goals.add("MB resident a worker, at 256", worst(results, "lighttpd", 256, "memory_mb"), 16, True)
    goals.add("errors behind Apache mod_proxy_fcgi, at 256", worst(results, "apache-proxy", 256, "errors"), 0, True)
    for name in ("lighttpd-cgi", "apache-cgi"):
        goals.add(f"requests/s, {name}, at 64", median(results, name, 64, "rate"), 100, False)
        goals.add(f"database connections, {name}", max((result["sessions"] for result in results
                  if result["name"] == name), default=None), contestants.CGI_CONNECTIONS, True)
    goals.add("database connections, apache-fcgid", max((result["sessions"] for result in results
              if result["name"] == "apache-fcgid"), default=None), contestants.FCGID_PROCESSES, True)
    goals.add("acknowledged but not recorded, all runs", sum(result["lost"] for result in results), 0, True)
