# SPDX-License-Identifier: ISC
"""The floor of the database: floor.c inserts ready-made rows into the tables of a migrated database.
There is no web server, no receiver and no load generator."""
import json
import os
import subprocess

from environment import BenchError, cpu_seconds

DATABASE = "floor"


def load(env, connections, warm_seconds, seconds, is_typed):
    """Runs floor.c: its result, and the CPU time that PostgreSQL used for it. The warm-up does not count."""
    argv = [env.bin / "floor", "--connections", connections, "--warm", warm_seconds, "--seconds", seconds]
    argv += ["--typed"] if is_typed else []
    child = subprocess.Popen([str(arg) for arg in argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                             env={**os.environ, "PGHOST": str(env.sockets), "PGUSER": "bench", "PGDATABASE": DATABASE})
    env.running.append(child)
    try:
        if child.stdout.readline() != "ready\n":
            raise BenchError("the floor has failed")
        before = cpu_seconds([env.postgres.pid])
        child.stdin.write("go\n")
        child.stdin.flush()
        line = child.stdout.readline()
        spent = cpu_seconds([env.postgres.pid]) - before
        child.communicate()
    finally:
        env.running.remove(child)
    if child.returncode:
        raise BenchError("the floor has failed")
    return json.loads(line), spent
