# SPDX-License-Identifier: ISC
"""Answers of Toggl with values that are no values: each job ends and says why; none is asked again for ever."""
import pytest

from installation import WORKSPACE
from test_compare_trouble import REPORTS, liar, reports, side, us  # noqa: F401 (fixtures)
from test_history_trouble import SEARCH, TOTALS, Report, entry, load
from toggl_server import connect

pytestmark = pytest.mark.plain

HUGE = 999999999999999999
DEEP = b"[" * 100000 + b"]" * 100000


def item(**more):
    one = entry(1)
    one["time_entries"][0] |= more
    return one


HOSTILE = {
    "huge": [item(seconds=HUGE, id=1000 + n) for n in range(20)],
    "beyond 64 bits": [item(seconds=10 ** 40, id=10 ** 30)],
    "float": [item(seconds=1e300, id=7.5)],
    "deep": DEEP,
    "deep in a field": b'[{"description": ' + DEEP + b', "time_entries": [{"id": 5, "seconds": 1, "start": "2026-05-01T00:00:00Z", "at": "2026-05-01T00:00:00Z"}]}]',
    "zero byte": [item() | {"description": "a\x00b"}],
    "surrogate": b'[{"description": "\\ud800", "time_entries": [{"id": 5, "seconds": 1, "start": "2026-05-01T00:00:00Z", "at": "2026-05-01T00:00:00Z"}]}]',
    "year 0": [item(start="0000-01-01T00:00:00Z", stop="0000-01-01T00:00:00Z", at="0000-00-00T00:00:00Z")],
    "year 1": [item(start="0001-01-01T00:00:00Z", stop="0001-01-01T00:00:00Z", at="0001-01-01T00:00:00+14:00")],
    "year 9999": [item(start="9999-12-31T23:59:59Z", stop="9999-12-31T23:59:59-12:00", at="9999-12-31T23:59:59-12:00")],
    "infinity": [item(start="infinity", stop="-infinity", at="infinity")],
    "year 294276": [item(start="294276-12-31T00:00:00Z", at="294276-12-31T00:00:00Z")],
    "wrong types": [{"user_id": {}, "project_id": [], "task_id": "x", "billable": "maybe", "description": {"a": 1}, "tag_ids": [{"a": 1}, "x", None],
                     "tag_names": [1, {}, None], "time_entries": [{"id": 5, "seconds": 1, "start": "2026-05-01T00:00:00Z", "at": "2026-05-01T00:00:00Z"}]}],
    "strings": ["a", 1, None, True, []], "object": {"a": 1}, "number": 5, "null": b"null", "nothing": b"", "html": b"<html>",
    "many": b"[" + b",".join([b"{}"] * 20000) + b"]",
    "weekly huge": [{"user_id": 9000001, "project_id": n, "seconds": [HUGE] * 7} for n in range(20)],
    "weekly long": [{"user_id": 9000001, "seconds": [1] * 20000}],
    "weekly odd": [{"user_id": 10 ** 30, "seconds": {"a": 1}}, {"user_id": -1, "seconds": ["x", None, {}]}, {"seconds": [1]}],
    "totals huge": {"seconds": HUGE, "graph": [{"seconds": HUGE}] * 400, "resolution": "day"},
    "totals long": {"seconds": 1, "graph": [{"seconds": 1}] * 20000},
    "totals odd": {"seconds": "x", "graph": [None, "a", [], {"seconds": -5}, {"seconds": 1e300}], "resolution": ["day"]},
}
HEADERS = {
    "huge": {"X-Next-ID": HUGE, "X-Next-Row-Number": HUGE, "X-Next-Timestamp": HUGE, "X-Page-Size": HUGE},
    "odd": {"X-Next-ID": "abc", "X-Next-Row-Number": "-1", "X-Next-Timestamp": "1e9", "X-Page-Size": "0"},
    "range": {"X-Range-Start": "9999-99-99"}, "range 0": {"X-Range-Start": "0000-00-00"}, "range far": {"X-Range-Start": "9999-12-31"},
    "quota": {"X-Toggl-Quota-Remaining": "99999999999999999999999", "X-Toggl-Quota-Resets-In": "99999999999999999999"},
    "quota below": {"X-Toggl-Quota-Remaining": "-5", "X-Toggl-Quota-Resets-In": "-99999999999"},
    "quota large": {"X-Toggl-Quota-Remaining": "5000000000", "X-Toggl-Quota-Resets-In": "5000000000"},
    "large": {"X-Junk": "x" * 60000},
}


def ended(us, ran, what):
    left = us.sql("select kind, queue -> 0 ->> 'do', state from ledger.toggl_job where finished_at is null and wait_until is null")
    return [] if not left and ran.returncode in (0, 1, 75) else [(what, ran.returncode, ran.stdout[-300:], ran.stderr[-600:], left)]


def clear(us):
    us.sql("delete from ledger.history_window")
    us.sql("delete from ledger.toggl_arrival")
    us.sql("delete from ledger.toggl_job")
    us.sql("update ledger.toggl_window set total = 60000, remaining = 60000, resets_at = ledger.clock() + interval '1 hour'")
    us.sql("update ledger.toggl_connection set back_off_until = '-infinity'")


def test_history(us, liar):
    report = Report(liar, [entry(number) for number in range(70)])
    us.sql("update ledger.state set clock_offset = '2026-12-01T12:00:00Z'::timestamptz - clock_timestamp()")
    connect(us, "t0ken", "--no-subscription", "--no-load")
    wrong = []
    for place in (SEARCH, TOTALS, "GET /api/me/time_entries"):
        before = liar.answers[place]
        for name, answer in HOSTILE.items():
            clear(us)
            liar.answers[place] = (200, {}, answer)
            wrong += ended(us, load(us, check=False), (place, name))
        for name, headers in HEADERS.items():
            clear(us)
            liar.answers[place] = lambda request: (lambda a: (a[0], {**a[1], **headers}, a[2]))(before(request) if callable(before) else before)
            wrong += ended(us, load(us, check=False), (place, "header", name))
        liar.answers[place] = before
    assert not wrong


def test_compare(us, liar, reports):
    wrong = []
    for place in (f"{REPORTS}/weekly/time_entries", f"{REPORTS}/search/time_entries", f"{REPORTS}/search/time_entries/totals"):
        before = liar.answers[place]
        if place.endswith("totals"):
            liar.answers[f"{REPORTS}/weekly/time_entries"] = (402, {}, "no")
        for name, answer in HOSTILE.items():
            clear(us)
            liar.answers[place] = (200, {}, answer)
            wrong += ended(us, us.hookledger("toggl", "compare", "--json", check=False), (place, name))
        liar.answers[place] = before
    assert not wrong


def test_an_entry_of_the_future_can_still_be_changed(us, liar):
    """A callback that comes later than the load wins, whatever the loaded entry says of its time."""
    liar.answers["GET /api/me/time_entries"] = (200, {}, [])
    liar.answers[SEARCH] = (200, {}, [item(id=5, at="9999-12-31T23:59:59Z")])
    liar.answers[TOTALS] = (200, {}, {"seconds": 600})
    connect(us, "t0ken", "--no-subscription", "--no-load")
    clear(us)
    load(us)
    assert us.sql("select description, changed_at < ledger.clock() + interval '1 hour' from toggl.time_entry") == [("entry 1", True)]
    later_at = us.sql("select to_char((ledger.clock() + interval '10 minutes') at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")[0][0]
    sent = us.event(model="time_entry", action="updated", created_at=later_at, payload={
        "id": 5, "workspace_id": WORKSPACE, "user_id": 9000001, "description": "changed", "start": "2026-05-01T08:00:00Z", "stop": None,
        "duration": 600, "at": later_at})
    assert us.send(sent).status == 200
    assert us.sql("select description from toggl.time_entry") == [("changed",)]
