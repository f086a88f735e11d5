# SPDX-License-Identifier: ISC
"""`hookledger invoice`: what was invoiced, and what is different since."""
import json

import pytest

from installation import WORKSPACE

pytestmark = pytest.mark.plain

APPEND = """select receiver.append('{1}', '{1}', array[%s::bigint], array[%s::bigint], array[%s::timestamptz], array[clock_timestamp()],
  '{5}', array[%s::bigint], '{time_entry}', array[%s], '{"\\\\xab"}', array[%s::json], 'webhook')"""


def tell(db, event, entry, start, seconds, created="2026-06-01T00:00:00Z", action="created", **more):
    payload = {"id": entry, "user_id": 5, "start": start, "duration": seconds, "description": "Entwürfe", **more}
    db.execute(APPEND, (WORKSPACE, event, created, entry, action, json.dumps({"metadata": {}, "payload": payload})))


@pytest.fixture
def may(site):
    """Two entries of May, and one of June."""
    with site.cluster.connect(site.database) as db:
        tell(db, 1, 101, "2026-05-04T08:00:00Z", 5400)
        tell(db, 2, 102, "2026-05-05T08:00:00Z", 3600)
        tell(db, 3, 103, "2026-06-01T08:00:00Z", 3600)
    return site


def freeze(site, name="May", *more, check=True):
    return site.hookledger("invoice", "freeze", name, "--from", "2026-05-01", "--until", "2026-06-01",
                           "--zone", "Europe/Berlin", *more, check=check)


def changes(site, name="May"):
    found = json.loads(site.hookledger("invoice", "changes", name, "--json").stdout)["changes"]
    return {(row["time_entry_id"], row["change"], row["field"], row["old_value"], row["new_value"]) for row in found}


def test_days_that_are_not_certain(may):
    done = freeze(may)
    assert done.returncode == 0
    assert "of its 31 days 31 are not compared with Toggl since the day ended (the first is 2026-05-01)" in done.stderr, done.stderr
    assert "toggl compare --from 2026-05-01" in done.stderr
    may.sql("select ledger.completeness_set(%s, array[d::date], '{0}', '{1}', array[case d::date when '2026-05-30' then 2 when '2026-05-31' then null "
            "else 1 end]::bigint[], '{true}') from generate_series('2026-05-01'::date, '2026-05-31', '1 day') d", WORKSPACE)
    may.hookledger("invoice", "thaw", "May")
    frozen = json.loads(freeze(may, "May", "--json").stdout)
    assert frozen["unchecked"] == [] and frozen["differs"] == ["2026-05-30"] and frozen["unknown"] == ["2026-05-31"], frozen
    may.sql("update ledger.completeness set state = 'filled'")
    may.hookledger("invoice", "thaw", "May")
    assert "compare" not in freeze(may).stderr


def test_from_freeze_to_thaw(may):
    assert freeze(may).stdout == "Invoice May is frozen: 2 entries, 2:30 hours.\n"
    assert changes(may) == set()
    with may.cluster.connect(may.database) as db:
        tell(db, 4, 101, "2026-05-04T08:00:00Z", 7200, created="2026-06-02T00:00:00Z", action="updated")
        tell(db, 5, 102, "2026-05-05T08:00:00Z", 3600, created="2026-06-02T00:00:00Z", action="deleted")
    assert changes(may) == {("101", "changed", "duration_seconds", "5400", "7200"),
                            ("102", "deleted", "deleted_at", None, "2026-06-02T00:00:00+00:00")}
    text = may.hookledger("invoice", "changes", "May").stdout
    assert "duration_seconds" in text and "7200" in text

    [listed] = json.loads(may.hookledger("invoice", "list", "--json").stdout)["invoices"]
    assert {key: listed[key] for key in ("name", "from_day", "until_day", "zone", "entries", "seconds", "entries_now", "seconds_now")} == {
        "name": "May", "from_day": "2026-05-01", "until_day": "2026-06-01", "zone": "Europe/Berlin",
        "entries": 2, "seconds": 9000, "entries_now": 1, "seconds_now": 7200}
    assert "Europe/Berlin" in may.hookledger("invoice", "list").stdout

    again = freeze(may, check=False)
    assert again.returncode == 1 and "invoice thaw" in again.stderr
    assert "forgotten" in may.hookledger("invoice", "thaw", "May").stdout
    assert json.loads(may.hookledger("invoice", "list", "--json").stdout)["invoices"] == []
    assert json.loads(freeze(may, "May", "--json").stdout)["entries"] == 1


@pytest.mark.parametrize("arguments, status, words", [
    (("freeze", "x"), 2, "say which days"),
    (("freeze",), 2, "NAME"),
    (("freeze", "x", "--from", "2026-05-01", "--until", "2026-05-01", "--zone", "UTC"), 1, "range is empty"),
    (("freeze", "x", "--from", "1 May", "--until", "2026-05-01", "--zone", "UTC"), 1, "a day looks like"),
    (("freeze", "x", "--from", "2026-02-30", "--until", "2026-05-01", "--zone", "UTC"), 1, "out of range"),
    (("freeze", "x", "--from", "2026-05-01", "--until", "2026-06-01", "--zone", "Berlin"), 1, "Europe/Berlin"),
    (("freeze", "x", "--from", "2026-05-01", "--until", "2026-06-01", "--zone", "UTC", "--client", "4"), 1, "no client 4"),
    (("changes", "June"), 1, "there is no invoice"),
    (("thaw", "June"), 1, "there is no invoice"),
])
def test_mistakes_are_explained(site, arguments, status, words):
    done = site.hookledger("invoice", *arguments, check=False)
    assert done.returncode == status and words in done.stderr, done.stderr


def test_what_is_under_way_during_the_freeze_shows(may):
    """Recorded by transactions that began before the freeze and commit after it."""
    with may.cluster.connect(may.database) as slow:
        slow.autocommit = False
        tell(slow, 4, 101, "2026-05-04T08:00:00Z", 60, created="2026-06-02T00:00:00Z", action="updated")
        tell(slow, 5, 104, "2026-05-06T08:00:00Z", 60)
        freeze(may)
        assert changes(may) == set()
        slow.commit()
    found = {(entry, field, old, new) for entry, _, field, old, new in changes(may)}
    assert ("101", "duration_seconds", "5400", "60") in found
    assert ("104", "duration_seconds", None, "60") in found
    [listed] = json.loads(may.hookledger("invoice", "list", "--json").stdout)["invoices"]
    assert listed["entries"] == 2 and listed["entries_now"] == 3
