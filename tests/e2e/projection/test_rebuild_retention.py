# SPDX-License-Identifier: ISC
"""The life of the data: the typed tables are written anew while others record,
are stopped at any point, and are in the end what the ledger says."""
import json
import signal
import threading

import pytest

import web_servers
from generated_site import (EVENTS, SIMULATE, append, begin, contents, finish, generated, simulate, copied_site, expected,  # noqa: F401
                  waits_for_lock)
from installation import WORKSPACE, wait_for

# What is tried here is SQL; the sanitizers have nothing to see in it.
pytestmark = pytest.mark.plain


def damage(site):
    """What no command of ours does."""
    site.sql("update toggl.time_entry set description = 'x', payload = null where time_entry_id % 7 = 0")
    site.sql("update toggl.time_entry set changed_at = '2099-01-01', changed_event_id = 1 where time_entry_id % 11 = 0")
    site.sql("delete from toggl.time_entry where time_entry_id % 5 = 0")
    site.sql("delete from toggl.project")
    site.sql("insert into toggl.tag (workspace_id, tag_id, changed_at, changed_event_id, payload_at, payload_event_id)"
             " values (1, 1, now(), 1, now(), 1)")


def test_rebuild_while_others_record(bare_site, expected):
    """In random order, with redeliveries, at full speed: a change that is
    recorded while its entity is written anew is never lost."""
    site = bare_site
    site.add_endpoint()
    recording = begin(site, "simulate", "--into-database", *SIMULATE, "--shuffle", 3000, "--duplicates", 20,
                      "--connections", 3)
    rounds = 0
    while recording.poll() is None:
        site.hookledger("rebuild", "--restart")
        rounds += 1
    status, output = finish(site, recording)
    assert status == 0, output
    assert rounds > 2
    assert contents(site) == expected
    damage(site)
    assert contents(site) != expected
    assert json.loads(site.hookledger("rebuild", "--json").stdout)["removed"] > 1
    assert contents(site) == expected


@pytest.mark.parametrize("place", [0.01, 0.7])
def test_rebuild_that_is_killed_goes_on(copied_site, expected, place):
    site = copied_site
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
    assert contents(site) == expected


def test_two_rebuilds_share_the_work(copied_site, expected):
    site = copied_site
    damage(site)
    children = [begin(site, "rebuild") for _ in range(2)]
    for child in children:
        status, output = finish(site, child)
        assert status == 0, output
    assert site.sql("select events_done, finished_at is not null from ledger.rebuild") == [(EVENTS, True)]
    assert contents(site) == expected


def test_upgrade_that_needs_a_rebuild(bare_site, expected):
    """Events are in the ledger, and none of them is in the tables: migrate says what is
    to be done, and doctor does until it is done."""
    site = bare_site
    site.sql("insert into ledger.endpoint (address, name, workspace_id) values (repeat('a', 32), 'e', %s)", WORKSPACE)
    dump = site.hookledger("simulate", "--dump", *SIMULATE).stdout
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
    assert "rebuild" not in site.hookledger("migrate").stdout
    added = site.add_migration("rebuild")
    done = site.hookledger("migrate").stdout
    assert f"applied {added.name}" in done and "run `hookledger rebuild`" in done
    assert "run `hookledger rebuild`" in site.hookledger("migrate").stdout
    assert "run `hookledger rebuild`" in site.hookledger("doctor", check=False).stdout
    assert contents(site)["time_entry"][0] == 0
    site.hookledger("rebuild")
    assert "rebuild" not in site.hookledger("migrate").stdout
    assert "rebuild" not in site.hookledger("doctor", check=False).stdout
    assert contents(site) == expected


# ---- values of an odd type

def test_the_owner_sees_what_toggl_has_changed(site):
    assert "of an odd type" not in site.hookledger("doctor", check=False).stdout
    web_servers.lighttpd_spawned(site)
    for payload in ({"id": 5, "name": 7}, {"id": 6, "name": 8}, {"id": 7, "name": "fine"}):
        assert site.send(site.event(payload=payload)).status == 200
    found = json.loads(site.hookledger("drift", "--json").stdout)["drift"]
    assert [{key: row[key] for key in ("model", "field", "found", "count")} for row in found] == [
        {"model": "tag", "field": "name", "found": "number", "count": 2}]
    assert "tag" in site.hookledger("drift", "--since", "1d").stdout
    assert json.loads(site.hookledger("drift", "--json", "--since", "2099-01-01").stdout) == {"drift": []}
    assert "the newest in tag.name (number)" in site.hookledger("doctor", check=False).stdout
    assert site.sql("select name, payload ->> 'name' from toggl.tag where tag_id = 5") == [(None, "7")]


# ---- retention

def test_retention_keeps_what_is_known(copied_site, expected):
    site = copied_site
    later = "select * from toggl.time_entry_history where changed_at >= '2025-06-01Z' order by changed_at, time_entry_id, field"
    as_of = "select * from toggl.time_entries_as_of('2025-07-01Z') t order by time_entry_id"
    before = site.sql(as_of), {row for row in site.sql(later)}
    copy = site.sql("select entity_id, entity from toggl.changed_since('time_entry', null, 100000) order by 1")
    plan = json.loads(site.hookledger("retention", "--before", "2025-06", "--json").stdout)["months"]
    assert [row["month"] for row in plan] == ["2025-02", "2025-03", "2025-04", "2025-05"]
    shown = site.hookledger("retention", "--before", "2025-06").stdout
    assert "Nothing was changed" in shown and site.sql("select count(*) from ledger.event") == [(EVENTS,)]
    done = json.loads(site.hookledger("retention", "--before", "2025-06", "--apply", "--json").stdout)
    assert done["events"] == sum(row["events"] for row in plan) > 1000
    assert 0 < done["kept"] < done["events"]
    assert site.sql("select count(*) from ledger.event") == [(EVENTS - done["events"],)]
    assert contents(site) == expected
    assert site.sql(as_of) == before[0]
    assert site.sql("select entity_id, entity from toggl.changed_since('time_entry', null, 100000) order by 1") == copy
    site.hookledger("rebuild")
    assert contents(site) == expected
    again = simulate(site, check=False)
    assert (again["recorded"], again["horizon"], again["duplicates"]) == (0, done["events"], EVENTS - done["events"])
    assert contents(site) == expected
    assert "There is nothing to drop" in site.hookledger("retention", "--before", "2025-06", "--apply").stdout


def test_retention_leaves_what_is_needed(copied_site):
    site = copied_site
    site.sql("insert into ledger.invoice (name, from_at, until_at, zone) values ('March', '2025-03-01Z', '2025-04-01Z', 'UTC')")
    done = site.hookledger("retention", "--before", "2025-06", "--apply", check=False)
    assert done.returncode == 1
    assert "dropped 2025-02" in done.stdout and "2025-03 and later months stay: invoice March" in done.stdout
    assert site.sql("select min(created_at) >= '2025-03-01Z' from ledger.event") == [(True,)]
    for wrong in ((), ("--before", "2025-06", "--keep-months", "3"), ("--keep-months", "0")):
        assert site.hookledger("retention", *wrong, check=False).returncode == 2
    wrong = site.hookledger("retention", "--before", "June", check=False)
    assert wrong.returncode == 1 and "a month is written as" in wrong.stderr


def test_retention_waits_for_who_records(copied_site):
    """An event that is on its way when its month is marked is either kept or refused."""
    site = copied_site
    with site.cluster.connect(site.database) as worker:
        worker.autocommit = False
        assert worker.execute(*append(site, 1, "2025-02-20Z", 77)).fetchone() == ("",)
        child = begin(site, "retention", "--before", "2025-03", "--apply")
        wait_for(lambda: waits_for_lock(site), "retention to wait for the append")
        worker.commit()
        status, output = finish(site, child)
        assert status == 0, output
    assert site.sql("select entity_id from ledger.baseline where event_id = 1") == [(77,)]
    with site.cluster.connect(site.database) as marker, site.cluster.connect(site.database) as worker:
        # first once, so that its plan is made and kept as in a worker that runs for days
        assert worker.execute(*append(site, 2, "2025-03-20Z", 77)).fetchone() == ("",)
        marker.autocommit = False
        marker.execute("select operator.retention_mark('2025-03')")
        answer = []
        waiting = threading.Thread(target=lambda: answer.append(worker.execute(*append(site, 3, "2025-03-21Z", 78)).fetchone()))
        waiting.start()
        wait_for(lambda: waits_for_lock(site), "the append to wait for the mark")
        marker.commit()
        waiting.join(30)
        assert answer == [("h",)]
    assert site.sql("select count(*) from toggl.time_entry where time_entry_id = 78") == [(0,)]
    site.hookledger("retention", "--before", "2025-04", "--apply")
    assert json.loads(site.hookledger("rebuild", "--json").stdout)["removed"] == 0


def test_retention_that_is_killed_goes_on(copied_site, expected):
    site = copied_site
    with site.cluster.connect(site.database) as reader:
        reader.autocommit = False
        reader.execute("select from ledger.event limit 1")
        child = begin(site, "retention", "--before", "2025-05", "--apply")
        wait_for(lambda: site.sql("select horizon = '2025-05-01Z' from ledger.state") == [(True,)], "the horizon to move")
        wait_for(lambda: site.sql("select true from pg_stat_activity where datname = %s and query like '%%retention_drop%%'"
                                  " and wait_event in ('relation', 'PgSleep')", site.database), "it to wait for the reader")
        # who records does not wait for the reader
        with site.cluster.connect(site.database) as worker:
            assert worker.execute(*append(site, 4, "2025-05-01Z", 1)).fetchone() == ("",)
        child.send_signal(signal.SIGKILL)
        finish(site, child)
    children = [begin(site, "retention", "--before", "2025-05", "--apply") for _ in range(2)]
    for child in children:
        status, output = finish(site, child)
        assert status == 0, output
    assert site.sql("select count(*) from ledger.event where created_at < '2025-05-01Z'") == [(0,)]
    site.sql("delete from ledger.event where event_id = 4")
    site.hookledger("rebuild")
    assert contents(site) == expected


def test_retention_while_others_record(bare_site):
    """Late events of months that go: what was recorded is kept, what is refused
    changes nothing."""
    site = bare_site
    site.add_endpoint()
    recording = begin(site, "simulate", "--into-database", *SIMULATE, "--shuffle", 4000, "--connections", 3, "--json")
    wait_for(lambda: site.sql("select count(*) > 3000 from ledger.event")[0][0], "events")
    while recording.poll() is None:
        month = site.sql("select to_char(max(created_at), 'YYYY-MM') from ledger.event")[0][0]
        site.hookledger("retention", "--before", month, "--apply")
    counts = json.loads(finish(site, recording)[1].splitlines()[-1])
    # what was tried again because its outcome was not known is a duplicate
    assert counts["horizon"] > 0 and counts["recorded"] + counts["horizon"] + counts["duplicates"] == EVENTS, counts
    before = contents(site)
    assert before["time_entry"][0] > 1000
    assert json.loads(site.hookledger("rebuild", "--json").stdout)["removed"] == 0
    assert contents(site) == before
