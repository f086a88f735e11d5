# SPDX-License-Identifier: ISC
"""History from a Toggl that refuses, repeats itself, breaks off or lies."""
import datetime
import json

import pytest

from installation import BUILD, WORKSPACE, wait_for
from toggl_server import Liar, connect, later

pytestmark = pytest.mark.plain

SEARCH = f"POST /reports/workspace/{WORKSPACE}/search/time_entries"
TOTALS = f"{SEARCH}/totals"
WEBHOOK_FREE = ("--no-subscription", "--no-load")


def entry(number, seconds=600, **more):
    start = datetime.datetime(2026, 5, 1, 8, tzinfo=datetime.timezone.utc) + datetime.timedelta(hours=number)
    stop = start + datetime.timedelta(seconds=seconds)
    return {"user_id": 9000001, "project_id": None, "task_id": None, "billable": False, "description": f"entry {number}", "tag_ids": [],
            "row_number": number + 1, "time_entries": [{"id": 100 + number, "seconds": seconds, "start": start.isoformat(),
                                                        "stop": stop.isoformat(), "at": stop.isoformat()}], **more}


class Report:
    """A detailed report with these entries, and its totals."""

    def __init__(self, liar, entries):
        self.entries, self.most, self.faults = entries, 1000, []
        liar.answers[SEARCH], liar.answers[TOTALS] = self.page, self.totals
        liar.answers["GET /api/me/time_entries"] = (200, {}, [])

    def within(self, body):
        return [one for one in self.entries if body["start_date"] <= one["time_entries"][0]["start"][:10] <= body["end_date"]]

    def page(self, request):
        body = request["body"]
        assert body["rounding"] == 0 and body["rounding_minutes"] == 0
        found = self.within(body)
        if body["page_size"] > self.most:
            return 400, {}, "Invalid 'page_size' value, allowed values are: '1 to 50'"
        first = body.get("first_row_number", 1) - 1
        page, rest = found[first:first + body["page_size"]], found[first + body["page_size"]:]
        headers = {"X-Page-Size": body["page_size"]}
        if rest:
            headers |= {"X-Next-ID": rest[0]["time_entries"][0]["id"], "X-Next-Row-Number": first + body["page_size"] + 1,
                        "X-Next-Timestamp": 1000 + first}
        answer = (200, headers, page)
        return self.faults.pop(0)(answer) if self.faults else answer

    def totals(self, request):
        found, body = self.within(request["body"]), request["body"]
        days = (datetime.date.fromisoformat(body["end_date"]) - datetime.date.fromisoformat(body["start_date"])).days + 1
        graph = [{"seconds": 0} for _ in range(days)]
        for one in found:
            day = datetime.date.fromisoformat(one["time_entries"][0]["start"][:10]) - datetime.date.fromisoformat(body["start_date"])
            graph[day.days]["seconds"] += one["time_entries"][0]["seconds"]
        return 200, {}, {"seconds": sum(day["seconds"] for day in graph), "resolution": "day", "graph": graph}


@pytest.fixture
def liar(us):
    server = Liar(us)
    yield server
    server.close()


@pytest.fixture
def report(us, liar):
    """70 entries of four days; Toggl takes pages of 50 or less."""
    made = Report(liar, [entry(number) for number in range(70)])
    # one calendar year, so one window, whenever the test runs
    us.sql("update ledger.state set clock_offset = '2026-12-01T12:00:00Z'::timestamptz - clock_timestamp()")
    connect(us, "t0ken", *WEBHOOK_FREE)
    us.sql("update ledger.toggl_window set total = 600, remaining = 600")
    us.sql(f"insert into ledger.toggl_probe values ({WORKSPACE}, 'page_size', '20')")
    return made


def load(us, *more, check=True):
    return us.hookledger("history", "load", "--from", "2026-04-01", "--yes", "--json", *more, check=check)


def loaded(us):
    return us.sql("select count(*) from toggl.time_entry")[0][0], us.sql("select count(*) from ledger.event where model = 'time_entry'")[0][0]


def test_pages_are_read_in_turn(us, liar, report):
    load(us)
    assert loaded(us) == (70, 70)
    assert liar.count("POST", "search/time_entries") - liar.count("POST", "totals") == 4
    assert us.sql("select distinct state from ledger.completeness where seconds_toggl > 0") == [("equal",)]


def test_five_thousand_entries_on_a_day(us, liar, report):
    us.sql("delete from ledger.toggl_probe")
    for number in range(5000):
        one = entry(number, seconds=17)
        start = datetime.datetime(2026, 5, 4, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=17 * number)
        one["time_entries"][0] |= {"start": start.isoformat(), "stop": (start + datetime.timedelta(seconds=17)).isoformat(), "at": start.isoformat()}
        report.entries.append(one | {"time_entries": [one["time_entries"][0] | {"id": 10000 + number}]})
    load(us)
    assert loaded(us) == (5070, 5070)
    assert us.sql("select seconds_here = seconds_toggl and seconds_here >= 85000, state from ledger.completeness where day = '2026-05-04' and user_id = 0") == [(True, "equal")]


def test_page_sizes_that_are_refused(us, liar, report):
    us.sql("delete from ledger.toggl_probe")
    report.most = 50
    load(us)
    assert loaded(us) == (70, 70)
    size = us.sql("select value from ledger.toggl_probe where subject = 'page_size'")[0][0]
    assert 25 < size <= 50
    # remembered
    asked = len(liar.asked)
    us.sql("delete from ledger.history_window")
    load(us)
    assert all(request["body"]["page_size"] <= 50 for request in liar.asked[asked:] if request["path"].endswith("search/time_entries"))


def repeated(answer):
    return answer[0], {**answer[1], "X-Next-ID": 120, "X-Next-Row-Number": 21, "X-Next-Timestamp": 1000}, answer[2]


def test_a_cursor_that_repeats_ends_the_job(us, liar, report):
    report.faults = [lambda answer: answer, repeated]
    ended = load(us, check=False)
    assert ended.returncode == 1 and "same page again" in ended.stdout, ended.stdout
    assert loaded(us) == (20, 20) and liar.count("POST", "search/time_entries") == 2
    # what was loaded stays, and the next load ends it
    load(us)
    assert loaded(us) == (70, 70)


def test_a_page_that_brings_nothing_new_ends_the_job(us, report):
    first = {}

    def keep(answer):
        first["page"] = answer[2]
        return answer

    report.faults = [keep, lambda answer: (answer[0], answer[1], first["page"])]
    assert "same page again" in load(us, check=False).stdout
    assert loaded(us) == (20, 20)


def test_pages_that_go_round_end_the_job(us, liar, report):
    """Three pages in turn, for ever, each with a cursor that the one before did not have."""
    pages = [liar.answers[SEARCH]({"body": {"rounding": 0, "rounding_minutes": 0, "start_date": "2026-01-01", "end_date": "2026-12-31",
                                            "page_size": 20, "first_row_number": 1 + 20 * place}}) for place in range(3)]
    asked = iter(range(50))
    liar.answers[SEARCH] = lambda request: (lambda n: (200, {**pages[n % 3][1], "X-Next-Timestamp": n}, pages[n % 3][2]))(next(asked))
    assert "same page again" in load(us, check=False).stdout
    assert loaded(us) == (60, 60) and liar.count("POST", "search/time_entries") <= 8


def test_sums_that_are_no_sums(us, liar, report):
    """Beyond 64 bits: the job says so and ends; the entries stay."""
    liar.answers[TOTALS] = (200, {}, {"seconds": 5, "resolution": "day", "graph": [{"seconds": 999999999999999999}] * 400})
    ended = load(us, check=False)
    assert ended.returncode == 1 and "no report of time entries" in ended.stdout, ended.stdout
    assert loaded(us) == (70, 70) and us.sql("select failed from ledger.toggl_job where kind = 'history'") == [(True,)]


def test_a_part_of_a_cursor(us, report):
    report.faults = [lambda answer: (200, {"X-Next-ID": 5, "X-Next-Row-Number": 21}, answer[2])]
    assert "only a part" in load(us, check=False).stdout


def test_a_range_that_is_cut(us, report):
    """The plan gives less than was asked: said, and those days cannot be known."""
    report.faults = [lambda answer: (200, {**answer[1], "X-Range-Start": "2026-05-01"}, answer[2])]
    said = json.loads(load(us).stdout)["words"]
    assert "since 2026-05-01 only" in said and "did not tell the sums" in said, said
    assert us.sql("select distinct state from ledger.completeness where day < '2026-05-01'") == [("unknown",)]
    assert us.sql("select count(*) from ledger.completeness where day >= '2026-05-01' and state <> 'equal'") == [(0,)]


@pytest.mark.parametrize("fault", [
    lambda answer: (200, answer[1], b'[{"user_id": 9000001, "time_en'), lambda answer: (200, answer[1], b"<html>"),
    lambda answer: (500, {}, "Internal Server Error"), lambda answer: (503, {}, "Busy"), lambda answer: (429, {"Retry-After": "0"}, "slow"),
    lambda answer: None,
], ids=["half", "html", "500", "503", "429", "cut off"])
def test_what_goes_wrong_once(us, report, fault):
    report.faults = [lambda answer: answer, fault]
    load(us)
    assert loaded(us) == (70, 70)


@pytest.mark.parametrize("body", [{}, {"a": 1}, "text", [1, 2], [{"time_entries": 5}], [{"time_entries": [{"id": "x"}]}]])
def test_what_is_no_report(us, report, body):
    report.faults = [lambda answer: (200, {}, body)]
    ended = load(us, check=False)
    assert ended.returncode == 1 and "no report of time entries" in ended.stdout, ended.stdout
    assert loaded(us) == (0, 0)


def test_an_empty_answer_deletes_nothing(us, report):
    load(us)
    report.entries = []
    us.sql("delete from ledger.history_window")
    load(us)
    assert us.sql("select count(*) from toggl.time_entry where deleted_at is null") == [(70,)]
    assert us.sql("select count(*) from ledger.completeness where state = 'differs'") == [(4,)]


@pytest.mark.parametrize("status, words", [(402, "does not include this report"), (403, "administrator's token")])
def test_a_token_without_the_right(us, liar, report, status, words):
    liar.answers[SEARCH] = (status, {}, "no")
    ended = load(us, check=False)
    assert ended.returncode == 1 and words in ended.stdout, ended.stdout


def test_sums_that_are_refused(us, liar, report):
    liar.answers[TOTALS] = (402, {}, "feature")
    said = json.loads(load(us).stdout)["words"]
    assert loaded(us) == (70, 70) and "does not include this report" in said, said


def test_the_quota_ends_in_the_middle(us, report):
    report.faults = [lambda answer: answer, lambda answer: (402, {"X-Toggl-Quota-Remaining": 0, "X-Toggl-Quota-Resets-In": 1800}, "spent")]
    waits = json.loads(load(us, check=False).stdout)
    assert waits["end"] == "waits" and loaded(us) == (20, 20)
    later(us)
    us.hookledger("toggl", "continue")
    assert loaded(us) == (70, 70)
    assert us.sql("select entries, requests from ledger.history_window") == [(70, 5)]


def test_a_loader_that_is_killed(us, liar, report):
    """At the third page; another process goes on with it, and no page is fetched twice."""
    held = []
    report.faults = [lambda answer: answer, lambda answer: answer, lambda answer: held.append(1) or None]
    child = us.spawn("load", [BUILD / "hookledger", "history", "load", "--from", "2026-04-01", "--yes", "--json"])
    wait_for(lambda: held, "the third page")
    child.kill()
    child.wait()
    us.processes.remove(child)
    us.sql("update ledger.toggl_job set leased_until = clock_timestamp() where finished_at is null")
    us.hookledger("toggl", "continue")
    assert loaded(us) == (70, 70)
    assert us.sql("select entries from ledger.history_window") == [(70,)]


def test_hostile_values(us, report):
    """Numbers, times and texts that no entry has: left out or kept as they are, never an error."""
    odd = [entry(0, description="\u202e\x00'\"; drop table x; --" + "x" * 5000), entry(1), entry(2), entry(3), entry(4)]
    odd[1]["time_entries"][0]["id"] = 10 ** 40
    odd[2]["time_entries"][0]["start"] = "0001-01-01T00:00:00Z"
    odd[3]["time_entries"][0]["at"] = "not a time"
    odd[4]["tag_ids"] = ["x", None, 10 ** 30]
    report.faults = [lambda answer: (200, {"X-Next-ID": "1; drop", "X-Next-Row-Number": "-", "X-Range-Start": "9999-99-99"}, odd)]
    load(us, check=False)
    assert us.sql("select count(*) from ledger.event")[0][0] <= 5
