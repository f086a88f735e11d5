# SPDX-License-Identifier: ISC
"""A PostgreSQL whose settings change how SQL is read, what it does and how its answers
are written: the programs work there as anywhere, and say the same."""
import json
import pathlib
import tempfile

import psycopg
import pytest

import fixtures
import web_servers
from generated_site import contents
from installation import WORKSPACE, Cluster, give, wait_for

pytestmark = pytest.mark.plain

SIMULATE = ("--events", 600, "--start", "2025-02-01", "--people", 4, "--workspace", WORKSPACE)

HOSTILE = {
    "standard_conforming_strings": "off", "DateStyle": "German", "IntervalStyle": "sql_standard", "TimeZone": "Asia/Kathmandu",
    "default_transaction_read_only": "on", "default_transaction_isolation": "serializable", "bytea_output": "escape",
    "extra_float_digits": "-10", "array_nulls": "off", "transform_null_equals": "on", "quote_all_identifiers": "on",
    "backslash_quote": "off", "search_path": "nowhere", "xmlbinary": "hex", "lock_timeout": "1ms", "row_security": "off",
    "idle_in_transaction_session_timeout": "1ms", "statement_timeout": "5ms", "synchronous_commit": "off",
    "escape_string_warning": "off", "check_function_bodies": "off", "client_encoding": "LATIN1", "jit_above_cost": "0",
}
CALM = "-c standard_conforming_strings=on -c DateStyle=ISO -c TimeZone=UTC -c statement_timeout=0 -c lock_timeout=0 " \
       "-c default_transaction_read_only=off -c bytea_output=hex -c array_nulls=on -c idle_in_transaction_session_timeout=0 " \
       "-c extra_float_digits=1 -c IntervalStyle=postgres -c transform_null_equals=off"


class Hostile(Cluster):
    """All sessions have these settings, but those of the tests, which have none of ours to try."""

    def connect(self, database, user="postgres"):
        return psycopg.connect(self.conninfo(database, user), autocommit=True, options=CALM, client_encoding="utf8")


@pytest.fixture(scope="module")
def hostile_cluster(run_folder):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="x-", dir=run_folder))
    folder.chmod(0o755)
    give(folder)
    cluster = Hostile(folder, *[f"{name}={value}" for name, value in HOSTILE.items()])
    yield cluster
    cluster.stop("immediate")


@pytest.fixture(scope="module")
def hostile_template(hostile_cluster, run_folder):
    return fixtures.migrated(hostile_cluster, run_folder / "hostile-template")


@pytest.fixture
def hostile(request, hostile_cluster, hostile_template, run_folder):
    site = fixtures.make_site(request, hostile_cluster, run_folder / "hostile", hostile_template)
    yield site
    fixtures.finish(request, site)


def say(site):
    """The output of the commands for `generated`, without the parts that differ between runs."""
    outputs = []
    for words in (("export", "time_entry"), ("export", "project", "--format", "ndjson"), ("drift", "--json"),
                  ("export", "--query", "select start_at, user_name, duration_seconds from toggl.time_entries order by time_entry_id"),
                  ("export", "--query", r"select 'a\b' as text, '1.5'::float8 / 3 as float, '{1,null}'::int[] as list, date '2025-02-03' as day")):
        done = site.hookledger(*words, check=False)
        outputs.append((words, done.returncode, sorted(done.stdout.splitlines())))
    return outputs


def test_all_is_as_anywhere(hostile, bare_site):
    for site in (hostile, bare_site):
        assert json.loads(site.hookledger("simulate", "--into-database", *SIMULATE, "--json").stdout)["recorded"] == 600
    assert contents(hostile) == contents(bare_site)
    assert say(hostile) == say(bare_site)
    before = contents(hostile)
    hostile.hookledger("rebuild")
    assert contents(hostile) == before
    for words in (("verify",), ("housekeep",), ("endpoint", "list"), ("event", "list", "--limit", "3"), ("migrate",)):
        hostile.hookledger(*words)
    assert "read-only" not in hostile.hookledger("doctor", check=False).stdout


def test_callbacks_are_recorded_and_the_programs_answer(hostile):
    hostile.add_endpoint()
    web_servers.lighttpd_spawned(hostile)
    bodies = [hostile.event(model=model, payload={"id": 7, "name": "Größe \\ \"v2\"", "at": "2026-07-01T10:00:00Z"}) for model in ("tag", "project", "client")]
    for body in bodies:
        assert hostile.send(body).status == 200
    wait_for(lambda: len(hostile.recorded()) == 3, "all to be recorded")
    assert hostile.spool_is_empty()
    assert hostile.sql("select name, updated_at::text from toggl.tag") == [("Größe \\ \"v2\"", "2026-07-01 10:00:00+00")]
    assert hostile.sql("select source from ledger.event group by 1") == [("webhook",)]
    hostile.hookledger("housekeep")
    hostile.hookledger("operator", "add", "olga", check=False)
    assert json.loads(hostile.hookledger("findings", "--json", check=False).stdout)["findings"] is not None
