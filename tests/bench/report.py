# SPDX-License-Identifier: ISC
"""The table of results and the goals beside it, as text for the terminal and for README.md."""
import os
import pathlib
import statistics
import time

import targets

# What the goals compare: README.md is written only when all of these were measured.
COMPARED = {"null", "floor", "floor-typed", "lighttpd", "plain", "go-group", "go-plain"}
CONNECTIONS = {1, 64, 256}


def median(results, name, connections, key):
    values = [result[key] for result in results
              if result["name"] == name and result["connections"] == connections]
    return statistics.median(values) if values else None


def worst(results, name, connections, key):
    return max((result[key] for result in results
                if result["name"] == name and result["connections"] == connections), default=None)


def measured(results, connections, formula):
    """The median of formula(get) over the rounds, with the lowest and the highest; get(name, key) is a number of
    that round. Targets of one round are compared, because a noisy minute hits them together. None when something
    was not measured."""
    def in_round(number):
        of_round = [result for result in results if result["round"] == number]
        return formula(lambda name, key: median(of_round, name, connections, key))

    try:
        each = [in_round(number) for number in sorted({result["round"] for result in results})]
        return statistics.median(each), f"{min(each):.2f} to {max(each):.2f}"
    except (TypeError, statistics.StatisticsError, ZeroDivisionError):
        return None


def ratio(results, left, right, connections, key):
    return measured(results, connections, lambda get: get(left, key) / get(right, key))


def as_table(head, rows):
    """Markdown that can be read in a terminal too: columns of one width, numbers on the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [[head[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(head[1:], widths[1:]))],
             ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]]
    lines += [[row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
              for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def results_table(results, chosen_targets, connections):
    rows = []
    for target in chosen_targets:
        what = f"`{target.name}`: {target.what}"
        for count in connections:
            def get(key, how=median, name=target.name, at=count):
                return how(results, name, at, key)

            if get("rate") is None:
                continue
            rows.append((what, count, f"{get('rate'):,.0f}", f"{get('cpu_us'):.1f}", f"{get('server_us'):.1f}",
                         f"{get('program_us'):.1f}", f"{get('database_us'):.1f}",
                         f"{get('batch'):.1f}" if get("batch", worst) else "",
                         f"{get('p50_ms'):.2f}", f"{get('p99_ms'):.2f}", f"{get('memory_mb', worst):.0f}" if get("memory_mb", worst) else "",
                         get("errors", worst), get("lost", worst)))
    return as_table(("target", "connections", "events/s", "CPU us", "server", "program", "PostgreSQL", "a commit",
                     "p50 ms", "p99 ms", "MB", "errors", "lost"), rows)


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
        self.lines.append((what, f"at {'most' if most else 'least'} {limit:g}", f"{number:.2f}", spread,
                           "yes" if reached else "no"))

    def table(self):
        return as_table(("goal", "limit", "measured", "rounds", "reached"), self.lines)

    def show(self):
        if self.lines:
            print(f"\n{self.table()}")


def check_recording(goals, results):
    """Both the recording without typed rows, which is the work of the competitors, and the product."""
    for name, what, floor, latency, of_group, of_parts in (
            ("plain", "without typed rows", "floor", 1.2, 0.85, 1.25),
            ("lighttpd", "with typed rows", "floor-typed", 1.5, 1, 1.35)):
        goals.add(f"1 connection, {what}: PostgreSQL's CPU, of the database floor",
                  ratio(results, name, floor, 1, "database_us"), 1.6, True)
        goals.add(f"1 connection, {what}: p50, of Go with one INSERT an event",
                  ratio(results, name, "go-plain", 1, "p50_ms"), latency, True)
        for count in (64, 256):
            goals.add(f"{count} connections, {what}: CPU, of Go with group commit",
                      ratio(results, name, "go-group", count, "cpu_us"), of_group, True)
            goals.add(f"{count} connections, {what}: CPU, of null and PostgreSQL's of the database floor",
                      measured(results, count, lambda get, name=name, floor=floor: get(name, "cpu_us")
                               / (get("null", "cpu_us") + get(floor, "database_us"))), of_parts, True)
    for count in (64, 256):
        goals.add(f"{count} connections: events/s with typed rows, of without",
                  ratio(results, "lighttpd", "plain", count, "rate"), 0.67, False)


def check_goals(goals, results):
    check_recording(goals, results)
    for count in (64, 256):
        goals.add(f"{count} connections, without typed rows: CPU, of Go with one INSERT an event",
                  ratio(results, "plain", "go-plain", count, "cpu_us"), 0.33, True)
        goals.add(f"{count} connections, without typed rows: events/s, of PHP-FPM behind lighttpd",
                  ratio(results, "plain", "php-lighttpd", count, "rate"), 4, False)
    goals.add("256 connections: MB of a worker", worst(results, "lighttpd", 256, "memory_mb"), 16, True)
    goals.add("256 connections: errors behind Apache mod_proxy_fcgi", worst(results, "apache-proxy", 256, "errors"),
              0, True)
    for name in ("lighttpd-cgi", "apache-cgi"):
        goals.add(f"64 connections, {name}: events/s", median(results, name, 64, "rate"), 300, False)
        goals.add(f"{name}: database connections", max((result["sessions"] for result in results
                  if result["name"] == name), default=None), targets.CGI_CONNECTIONS, True)
    goals.add("apache-fcgid: database connections", max((result["sessions"] for result in results
              if result["name"] == "apache-fcgid"), default=None), targets.FCGID_PROCESSES, True)
    goals.add("acknowledged and not recorded, all runs", sum(result["lost"] for result in results), 0, True)


def is_complete(results, options):
    return (not options.smoke and COMPARED <= {result["name"] for result in results}
            and CONNECTIONS <= set(options.connections))


def processor():
    lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown processor")


def heading(env, options, load):
    """When, what and where."""
    return (f"{time.strftime('%Y-%m-%d', time.gmtime())}, commit {options.commit}. {os.cpu_count()} cores "
            f"({processor()}) shared with the load generator, load average {load:.1f} at the start; "
            f"PostgreSQL {env.sql('postgres', 'show server_version').split()[0]}. "
            f"Medians of {options.rounds} rounds of {options.seconds:g} s.")
