# SPDX-License-Identifier: ISC
"""A comparison with a Toggl that refuses or lies; every night, and after an outage."""
import datetime
import json

import pytest

from deliveries import allow_subscribers, subscribe
from installation import WORKSPACE
from toggl_server import Liar, Side, connect, later

pytestmark = pytest.mark.plain

REPORTS = f"POST /reports/workspace/{WORKSPACE}"
EVENTS = f"GET /hooks/subscriptions/{WORKSPACE}/11/events"
ADA = 9000001


class Reports:
    """Toggl's reports of these entries: {number: (start, seconds)}, all of one user in UTC."""

    def __init__(self, liar, entries):
        self.entries = dict(entries)
        liar.answers[f"{REPORTS}/weekly/time_entries"] = self.weekly
        liar.answers[f"{REPORTS}/search/time_entries"] = self.search
        liar.answers[f"{REPORTS}/search/time_entries/totals"] = self.totals

    def days(self, body):
        first = datetime.date.fromisoformat(body["start_date"])
        sums = [0] * ((datetime.date.fromisoformat(body["end_date"]) - first).days + 1)
        for start, seconds in self.entries.values():
            nth = (start.date() - first).days
            if 0 <= nth < len(sums):
                sums[nth] += seconds
        return sums

    def weekly(self, request):
        sums = self.days(request["body"])
        return 200, {}, [{"user_id": ADA, "project_id": None, "seconds": sums + [0] * (7 - len(sums))}] if any(sums) else []

    def totals(self, request):
        sums = self.days(request["body"])
        return 200, {}, {"seconds": sum(sums), "resolution": "day", "graph": [{"seconds": one} for one in sums]}

    def search(self, request):
        body = request["body"]
        assert body["rounding"] == 0
        found, first = self.found(body), body.get("first_row_number", 1) - 1
        after = first + body["page_size"]
        return 200, {} if after >= len(found) else {"X-Next-ID": 1 + after, "X-Next-Row-Number": 1 + after, "X-Next-Timestamp": 1 + after}, found[first:after]

    def found(self, body):
        return [{"user_id": ADA, "description": f"entry {number}", "tag_ids": [], "billable": False, "time_entries": [
            {"id": number, "seconds": seconds, "start": start.isoformat(), "stop": (start + datetime.timedelta(seconds=seconds)).isoformat(),
             "at": start.isoformat()}]} for number, (start, seconds) in self.entries.items()
            if body["start_date"] <= str(start.date()) <= body["end_date"] and number in body.get("time_entry_ids", [number])]


@pytest.fixture
def us(us):
    us.add_endpoint()
    return us


@pytest.fixture
def liar(us):
    server = Liar(us)
    yield server
    server.close()


@pytest.fixture
def side(liar):
    return Side(liar)


@pytest.fixture
def reports(us, liar, side):
    """Four entries of the days before, at both sides."""
    noon = us.sql("select date_trunc('day', ledger.clock(), 'UTC') + interval '12 hours'")[0][0].astimezone(datetime.timezone.utc)
    made = Reports(liar, {100 + ago: (noon - datetime.timedelta(days=ago), 3600) for ago in range(1, 5)})
    tell(us, "workspace_user", {"id": 401, "user_id": ADA, "name": "Ada Lind", "timezone": "UTC"})
    for number, (start, seconds) in made.entries.items():
        tell(us, "time_entry", entry(number, start, seconds), at=start)
    connect(us, "t0ken", "--no-load")
    return made


def entry(number, start, seconds):
    return {"id": number, "user_id": ADA, "start": start.isoformat(), "duration": seconds, "description": f"entry {number}"}


def tell(us, model, payload, action="created", at=None):
    stamp = (at or datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=6)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    body = us.event(model=model, action=action, created_at=stamp, payload={**payload, "workspace_id": WORKSPACE, "at": stamp[:19] + "Z"})
    assert us.send(body).status == 200


def compare(us, *more, check=True):
    return us.hookledger("toggl", "compare", *more, check=check)


def states(us):
    return {state for state, in us.sql("select state from toggl.completeness where user_id is null")}


def alive(us):
    return [number for number, in us.sql("select time_entry_id from toggl.time_entry where deleted_at is null order by 1")]


def findings(us):
    return us.sql("select subject, message from ledger.findings() where kind = 'completeness'")


def test_a_refused_week_is_remembered(us, liar, reports):
    liar.answers[f"{REPORTS}/weekly/time_entries"] = (403, {}, "not for your plan")
    reports.entries[105] = (reports.entries[101][0], 60)
    done = compare(us)
    assert "persons cannot be compared" in done.stdout, done.stdout
    assert 105 in alive(us) and states(us) == {"equal", "filled"}, states(us)
    assert us.sql("select distinct state, seconds_toggl from toggl.completeness where user_id is not null") == [("unknown", None)]
    asked = liar.count("POST", "weekly")
    compare(us)
    assert liar.count("POST", "weekly") == asked == 1


def test_all_reports_refused(us, liar, reports):
    for path in ("weekly/time_entries", "search/time_entries", "search/time_entries/totals"):
        liar.answers[f"{REPORTS}/{path}"] = (402, {}, "feature")
    compare(us)
    assert states(us) == {"unknown"} and alive(us) == [101, 102, 103, 104]


def test_an_empty_answer_deletes_nothing(us, liar, reports):
    kept, reports.entries = reports.entries, {}
    done = compare(us)
    assert alive(us) == [101, 102, 103, 104] and "differ" in done.stdout
    found = findings(us)
    assert len(found) == 4 and all(one["count"] == 3600 and one["toggl"] == 0 and one["name"] == "Ada Lind" for _, one in found), found
    assert "Ada Lind" in us.hookledger("doctor", check=False).stdout
    reports.entries = kept
    compare(us)
    assert findings(us) == [] and "differs" not in states(us)


def test_a_deletion_is_confirmed(us, liar, reports):
    start = reports.entries.pop(102)[0]
    honest = reports.search
    # the control is missing: the answer proves nothing
    liar.answers[f"{REPORTS}/search/time_entries"] = lambda request: (200, {}, []) if "time_entry_ids" in request["body"] else honest(request)
    said = compare(us)
    assert "did not confirm" in said.stdout and alive(us) == [101, 102, 103, 104]
    assert [subject.split(",")[0] for subject, _ in findings(us)] == [str(start.date())]
    liar.answers[f"{REPORTS}/search/time_entries"] = honest
    compare(us)
    assert alive(us) == [101, 103, 104] and findings(us) == []
    assert us.sql("select source from ledger.event where entity_id = 102 and source <> 'webhook'") == [("compare",)]
    # it comes back
    reports.entries[102] = (start, 3600)
    compare(us)
    assert alive(us) == [101, 102, 103, 104] and findings(us) == []


def test_an_unknown_zone_cannot_be_known(us, liar, reports):
    us.sql("update toggl.workspace_user set timezone = 'Mars/Olympus'")
    compare(us)
    assert us.sql("select count(*) from toggl.completeness where user_id is null and state = 'unknown'") == [(4,)]
    assert findings(us) == []


@pytest.mark.parametrize("answer", [b"<html>", {"a": 1}, [{"user_id": ADA, "seconds": ["9" * 18] * 100}], None], ids=["html", "object", "huge", "closed"])
def test_an_answer_that_is_none(us, liar, reports, answer):
    liar.answers[f"{REPORTS}/weekly/time_entries"] = None if answer is None else (200, {}, answer)
    done = compare(us, check=False)
    assert done.returncode in (0, 1) and alive(us) == [101, 102, 103, 104]


def test_every_night_by_itself(us, liar, reports):
    us.write_conf(toggl_compare_days="7")
    reports.entries[105] = (reports.entries[101][0], 60)
    us.hookledger("toggl", "continue")
    before = us.sql("select count(*) from ledger.toggl_job where kind = 'compare'")[0][0]
    later(us, 24 * 60)
    us.hookledger("toggl", "continue")
    assert us.sql("select count(*) from ledger.toggl_job where kind = 'compare'") == [(before + 1,)]
    assert us.sql("select bool_or(is_interactive or failed) from ledger.toggl_job where kind = 'compare'") == [(False,)]
    assert 105 in alive(us) and us.sql("select count(*) from toggl.completeness where user_id is null")[0][0] >= 7
    asked = liar.count("POST", "weekly")
    us.hookledger("toggl", "continue")
    assert liar.count("POST", "weekly") == asked, "once a night"
    us.write_conf(toggl_compare_days="0")
    later(us, 24 * 60)
    us.hookledger("toggl", "continue")
    assert liar.count("POST", "weekly") == asked, "0: never"


def test_five_thousand_entries_on_a_day(us, liar, reports):
    noon = reports.entries[102][0].replace(hour=0)
    both = {10000 + number: (noon + datetime.timedelta(seconds=10 * number), 10) for number in range(5000)}
    gone = {20000 + number: (noon + datetime.timedelta(seconds=number), 5) for number in range(120)}
    reports.entries |= both | gone
    compare(us)
    assert len(alive(us)) == 4 + 5000 + 120 and states(us) <= {"equal", "filled"}
    for number in gone:
        del reports.entries[number]
    compare(us)
    assert len(alive(us)) == 4 + 5000 and states(us) <= {"equal", "filled"}, us.sql("select message from ledger.toggl_job order by job_id desc limit 1")


def note_gap(us):
    us.sql("insert into ledger.repair_range (workspace_id, from_at, until_at, reason) "
           "values (%s, ledger.clock() - interval '3 days', ledger.clock() - interval '1 day', 'silence')", WORKSPACE)


def test_a_gap_is_closed(us, liar, reports):
    reports.entries[105] = (reports.entries[102][0], 60)
    note_gap(us)
    us.hookledger("toggl", "continue")
    assert us.sql("select closed_at is not null, filled, unknown_days from ledger.repair_range") == [(True, 1, 0)]
    assert 105 in alive(us) and liar.count("GET", "/11/events") == 1
    # the list of events is not there, and is not asked for again
    note_gap(us)
    us.hookledger("toggl", "continue")
    assert liar.count("GET", "/11/events") == 1
    assert us.sql("select count(*) from ledger.repair_range where closed_at is null") == [(0,)]


@pytest.mark.parametrize("form", [lambda events: {"total": len(events), "events": events}, lambda events: events], ids=["object", "list"])
def test_a_gap_is_filled_from_the_list_of_events(us, liar, reports, form):
    allow_subscribers(us)
    subscribe(us, "http://127.0.0.1:9/", filters=("time_entry.*",))
    start = reports.entries[102][0]
    reports.entries[105] = (start, 60)
    stamp = start.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    event = {"event_id": 5005, "created_at": stamp, "creator_id": ADA, "timestamp": stamp, "subscription_id": 11,
             "metadata": {"action": "created", "model": "time_entry", "workspace_id": str(WORKSPACE)},
             "payload": {**entry(105, start, 60), "workspace_id": WORKSPACE, "at": stamp[:19] + "Z"}}
    liar.answers[EVENTS] = lambda request: (200, {}, form([event, None, {"event_id": "x"}] if request["path"].endswith("offset=0") else []))
    note_gap(us)
    us.hookledger("toggl", "continue")
    assert us.sql("select source, event_id from ledger.event where entity_id = 105") == [("log", 5005)]
    assert us.sql("select filled from ledger.repair_range") == [(1,)]
    assert us.sql("select event_id from ledger.outbox") == [(5005,)], "a late callback is delivered like any other"
    assert "0 invalid" in us.hookledger("verify").stdout
