# SPDX-License-Identifier: ISC
"""psql, as a user of schema toggl starts it."""
import os
import subprocess

from installation import SOURCE, runs_as


def psql(site, text):
    done = subprocess.run(
        [f"{site.cluster.bin}/psql", "-X", "-q", "--set=ON_ERROR_STOP=1", "--pset=pager=off",
         site.cluster.conninfo(site.database)],
        input=text, capture_output=True, text=True, check=False, timeout=60, cwd=SOURCE / "tests", **runs_as(),
        env={**os.environ, "PGTZ": "Europe/Berlin", "PGCLIENTENCODING": "UTF8", "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0, f"{text}\n{done.stderr}"
    return "".join(line.rstrip() + "\n" for line in done.stdout.rstrip().splitlines())
