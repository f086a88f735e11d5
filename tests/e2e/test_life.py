# SPDX-License-Identifier: ISC
"""The life of the data: the typed tables are written anew while others record,
are stopped at any point, and are in the end what the ledger says."""
import hashlib
import json
import signal
import subprocess

import pytest

import conftest
from stage import BUILD, SQL, WORKSPACE, Site, new_folder, runs_as, wait_for

EVENTS, START = 20000, "2026-06-01"
STORY = ("--events", EVENTS, "--start", START, "--people", 5, "--workspace", WORKSPACE)


def tables(site):
    return [name for name, in site.sql(
        "select relname from pg_class where relnamespace = 'toggl'::regnamespace and relkind = 'r' order by 1")]


def contents(site):
    """Every typed table as (rows, checksum)."""
    return {name: site.sql(f"select count(*), md5(string_agg(t::text, E'\\n' order by t::text)) from toggl.{name} t")[0]
            for name in tables(site)}


def told(site, *more):
    return json.loads(site.hookledger("simulate", "--into-database", *STORY, "--json", *more).stdout)


@pytest.fixture(scope="module")
def truth(shared_cluster, template, run_folder):
    """The typed tables of the story, told in order and once."""
    site = Site(shared_cluster, new_folder(run_folder / "truth"), template)
    assert told(site, "--connections", 1)["recorded"] == EVENTS
    yield contents(site)
    site.close()


@pytest.fixture
def told_site(bare_site):
    told(bare_site)
    return bare_site


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


def damage(site):
    """What no command of ours does."""
    site.sql("update toggl.time_entry set description = 'x', payload = null where time_entry_id % 7 = 0")
    site.sql("update toggl.time_entry set changed_at = '2099-01-01', changed_event_id = 1 where time_entry_id % 11 = 0")
    site.sql("delete from toggl.time_entry where time_entry_id % 5 = 0")
    site.sql("delete from toggl.project")
    site.sql("insert into toggl.tag (workspace_id, tag_id, changed_at, changed_event_id, payload_at, payload_event_id)"
             " values (1, 1, now(), 1, now(), 1)")


def test_rebuild_while_others_record(bare_site, truth):
    """In random order, with redeliveries, at full speed: a change that is
    recorded while its entity is written anew is never lost."""
    site = bare_site
    site.add_endpoint()
    recording = begin(site, "simulate", "--into-database", *STORY, "--shuffle", 3000, "--duplicates", 20,
                      "--connections", 3)
    rounds = 0
    while recording.poll() is None:
        site.hookledger("rebuild", "--restart")
        rounds += 1
    status, output = finish(site, recording)
    assert status == 0, output
    assert rounds > 2
    assert contents(site) == truth
    damage(site)
    assert contents(site) != truth
    assert json.loads(site.hookledger("rebuild", "--json").stdout)["removed"] > 1
    assert contents(site) == truth


def waits_for_lock(site):
    return site.sql("select true from pg_stat_activity where datname = %s and wait_event_type = 'Lock'", site.database)


@pytest.mark.parametrize("place", [0.01, 0.7])
def test_rebuild_that_is_killed_goes_on(told_site, truth, place):
    site = told_site
    damage(site)
    with site.cluster.connect(site.database) as holder:
        holder.autocommit = False
        holder.execute("""select from toggl.time_entry where time_entry_id = (
                            select percentile_disc(%s) within group (order by time_entry_id) from toggl.time_entry) for update""",
                       [place])
        child = begin(site, "rebuild")
        wait_for(lambda: waits_for_lock(site), "the rebuild to come to a row that somebody holds")
        child.send_signal(signal.SIGKILL)
        finish(site, child)
        assert "is not finished" in site.hookledger("doctor", check=False).stdout
        holder.rollback()
    done = site.hookledger("rebuild")
    assert "going on" in done.stderr and f"{EVENTS} events" in done.stdout
    assert contents(site) == truth


def test_two_rebuilds_share_the_work(told_site, truth):
    site = told_site
    damage(site)
    children = [begin(site, "rebuild") for _ in range(2)]
    for child in children:
        status, output = finish(site, child)
        assert status == 0, output
    assert site.sql("select events_done, finished_at is not null from ledger.rebuild") == [(EVENTS, True)]
    assert contents(site) == truth


def test_upgrade_of_a_ledger_without_tables(request, shared_cluster, run_folder, truth):
    """From the schema of the first release: migrate says what is to be done,
    doctor does until it is done."""
    site = conftest.make_site(request, shared_cluster, run_folder / "sites", "template0")
    try:
        first = (SQL / "migrations/0001_ledger.sql").read_text(encoding="utf-8")
        site.sql((SQL / "setup.sql").read_text(encoding="utf-8"))
        site.sql(first)
        site.sql("select ledger.migration_end(1, '0001_ledger.sql', %s, '0.1.0')", hashlib.sha256(first.encode()).hexdigest())
        site.sql("insert into ledger.endpoint (address, name, workspace_id) values (repeat('a', 32), 'e', %s)", WORKSPACE)
        dump = site.hookledger("simulate", "--dump", *STORY).stdout
        with site.cluster.connect(site.database) as db:
            db.execute("create temp table dumped (body json)")
            with db.cursor().copy("copy dumped from stdin") as copy:
                for line in dump.splitlines():
                    copy.write_row((line,))
            db.execute("""insert into ledger.event (workspace_id, event_id, created_at, received_at, epoch, endpoint_id, secret_id,
                                                    creator_id, entity_id, model, action, source, signature, body)
                          select %s, (body ->> 'event_id')::bigint, (body ->> 'created_at')::timestamptz, now(), 1, 1, 1,
                                 (body ->> 'creator_id')::bigint, (body -> 'payload' ->> 'id')::bigint,
                                 body -> 'metadata' ->> 'model', body -> 'metadata' ->> 'action', 'webhook', '', body
                          from dumped""", [WORKSPACE])
        assert "run `hookledger rebuild`" in site.hookledger("migrate").stdout
        assert "run `hookledger rebuild`" in site.hookledger("migrate").stdout
        assert "run `hookledger rebuild`" in site.hookledger("doctor", check=False).stdout
        assert contents(site)["time_entry"][0] == 0
        site.hookledger("rebuild")
        assert "rebuild" not in site.hookledger("migrate").stdout
        assert "rebuild" not in site.hookledger("doctor", check=False).stdout
        assert contents(site) == truth
    finally:
        conftest.finish(request, site)
