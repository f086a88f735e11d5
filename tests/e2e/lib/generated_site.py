# SPDX-License-Identifier: ISC
"""Shared by the tests of rebuild, retention and erasure: a site with generated events, copies
of it, the content of its typed tables, commands that run beside the test."""
import json
import subprocess

import pytest

import fixtures
from installation import BUILD, WORKSPACE, Site, new_folder, runs_as

EVENTS, START = 20000, "2025-02-01"


def simulate_options(events):
    return "--events", events, "--start", START, "--people", 5, "--workspace", WORKSPACE


SIMULATE = simulate_options(EVENTS)


def tables(site):
    return [name for name, in site.sql(
        "select relname from pg_class where relnamespace = 'toggl'::regnamespace and relkind = 'r' order by 1")]


def contents(site):
    """Every typed table as (rows, checksum)."""
    return {name: site.sql(f"select count(*), md5(string_agg(t::text, E'\\n' order by t::text)) from toggl.{name} t")[0]
            for name in tables(site)}


def simulate(site, *more, events=EVENTS, check=True):
    return json.loads(site.hookledger("simulate", "--into-database", *simulate_options(events), "--json", *more, check=check).stdout)


@pytest.fixture(scope="module")
def generated(request, shared_cluster, template, run_folder):
    """A site with the generated events, recorded once and in order; a module can set their number
    (EVENTS)."""
    events = getattr(request.module, "EVENTS", EVENTS)
    site = Site(shared_cluster, new_folder(run_folder / "generated"), template)
    assert simulate(site, "--connections", 1, events=events)["recorded"] == events
    yield site
    site.close()


@pytest.fixture(scope="module")
def expected(generated):
    return contents(generated)


@pytest.fixture
def copied_site(request, shared_cluster, run_folder, generated, expected):
    """A copy of that site."""
    site = fixtures.make_site(request, shared_cluster, run_folder / "sites", generated.database)
    site.write_conf(master_key=generated.settings["master_key"])
    yield site
    fixtures.finish(request, site)


def begin(site, *words):
    """A command that runs beside the test."""
    child = subprocess.Popen([str(word) for word in (BUILD / "hookledger", *words)], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=site.work,
                             env=site.environment(), **runs_as())
    site.processes.append(child)
    return child


def finish(site, child):
    output = child.communicate(timeout=120)[0]
    site.processes.remove(child)
    return child.returncode, output


def waits_for_lock(site):
    return site.sql("select true from pg_stat_activity where datname = %s and wait_event_type = 'Lock'", site.database)


def append(site, event, created, entity, action="updated"):
    """The statement, and its values, that records one change of a time entry."""
    return ("""select receiver.append(array[e.endpoint_id], array[s.secret_id], array[null::bigint], array[%s::bigint],
                                      array[%s::timestamptz], array[now()], array[5::bigint], array[%s::bigint], array['time_entry'],
                                      array[%s], array['\\x00'::bytea], array['{"payload":{"start":"2025-02-01T10:00:00Z"}}'::json], 'webhook')
               from ledger.endpoint e join ledger.endpoint_secret s using (endpoint_id)""", [event, created, entity, action])
