# SPDX-License-Identifier: ISC
"""Reports v3: the detailed report in pages, its totals, and the week."""
import pytest

from api_client import account
from installation import WORKSPACE

pytestmark = pytest.mark.plain

REPORTS = f"/reports/api/v3/workspace/{WORKSPACE}"
RANGE = {"start_date": "2026-05-01", "end_date": "2026-06-30"}


@pytest.fixture
def site(api_site):
    """Entries of three users in two zones, one of them running, one deleted."""
    def send(model, payload, action="created"):
        assert api_site.send(api_site.event(model=model, payload=payload, action=action)).status == 200
    for user, zone in ((9000001, "Europe/Berlin"), (9000002, "America/Los_Angeles"), (9000003, "Nowhere/Known")):
        send("workspace_user", {"id": user + 5, "user_id": user, "workspace_id": WORKSPACE, "name": f"U{user}", "timezone": zone,
                                "email": f"{user}@example.org"})
    send("project", {"id": 71, "workspace_id": WORKSPACE, "name": "Website", "client_id": None, "is_private": False, "active": True})
    for number in range(30):
        send("time_entry", {"id": 1000 + number, "workspace_id": WORKSPACE, "user_id": 9000001 + number % 3,
                            "project_id": 71 if number % 2 else None, "description": f"entry {number % 7}", "billable": number % 5 == 0,
                            "start": f"2026-05-{1 + number % 28:02}T06:30:00Z", "stop": f"2026-05-{1 + number % 28:02}T07:30:00Z",
                            "duration": 3600 + number, "tag_ids": [5] if number % 4 == 0 else [], "tags": [],
                            "at": f"2026-05-{1 + number % 28:02}T08:00:00Z"})
    send("time_entry", {"id": 2000, "workspace_id": WORKSPACE, "user_id": 9000001, "start": "2026-05-03T06:30:00Z", "stop": None,
                        "duration": -1, "at": "2026-05-03T06:30:00Z"})
    send("time_entry", {"id": 1029, "workspace_id": WORKSPACE}, "deleted")
    return api_site


@pytest.fixture
def ada(site):
    return account(site, "Ada", 9000001)


def pages(client, **asked):
    """All items of a report, and the number of pages."""
    found, count, cursor = [], 0, {}
    while True:
        answer = client.post(f"{REPORTS}/search/time_entries", {**RANGE, **asked, **cursor})
        assert answer.status == 200, answer
        found += answer.json()
        count += 1
        if "x-next-id" not in answer.headers:
            return found, count
        cursor = {"first_id": int(answer.headers["x-next-id"]), "first_row_number": int(answer.headers["x-next-row-number"]),
                  "first_timestamp": int(answer.headers["x-next-timestamp"])}


def ids(found):
    return [one["time_entries"][0]["id"] for one in found]


@pytest.mark.parametrize("order", ["date", "user", "duration", "description", "last_update"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_pages_have_each_entry_once(ada, order, direction):
    found, count = pages(ada, page_size=7, order_by=order, order_dir=direction)
    assert sorted(ids(found)) == list(range(1000, 1028)) and count == 4
    assert [one["row_number"] for one in found] == list(range(1, 29))


def test_a_cursor_of_two_values_gives_nothing(ada):
    first = ada.post(f"{REPORTS}/search/time_entries", {**RANGE, "page_size": 5})
    answer = ada.post(f"{REPORTS}/search/time_entries", {**RANGE, "page_size": 5, "first_id": int(first.headers["x-next-id"]),
                                                         "first_row_number": int(first.headers["x-next-row-number"])})
    assert answer.status == 200 and answer.json() == [] and "x-next-id" not in answer.headers
    assert first.headers["x-page-size"] == "5" and first.headers["x-range-start"] == "2026-05-01"


@pytest.mark.parametrize("asked, wanted", [
    ({"project_ids": [71]}, lambda n: n % 2), ({"project_ids": [None]}, lambda n: n % 2 == 0), ({"billable": True}, lambda n: n % 5 == 0),
    ({"tag_ids": [5]}, lambda n: n % 4 == 0), ({"tag_ids": [None]}, lambda n: n % 4), ({"user_ids": [9000002]}, lambda n: n % 3 == 1),
    ({"time_entry_ids": [1003, 1004, 2000, 1029]}, lambda n: n in (3, 4)), ({"description": "ENTRY 3"}, lambda n: n % 7 == 3),
    ({"min_duration_seconds": 3610, "max_duration_seconds": 3612}, lambda n: 10 <= n <= 12), ({"client_ids": [4]}, lambda n: False),
])
def test_filters(ada, asked, wanted):
    assert sorted(ids(pages(ada, **asked)[0])) == [1000 + n for n in range(28) if wanted(n)]


def test_days_are_of_the_user(ada):
    """06:30 UTC is the evening before in Los Angeles."""
    found, _ = pages(ada, start_date="2026-05-01", end_date="2026-05-01")
    assert sorted(ids(found)) == [1000, 1001]	# 1001 begins on 2 May UTC
    found, _ = pages(ada, start_date="2026-04-30", end_date="2026-04-30")
    assert ids(found) == [1028]	# on 1 May UTC


def test_totals_and_week_agree_with_the_entries(ada):
    found, _ = pages(ada, start_date="2026-04-27")
    total = sum(one["time_entries"][0]["seconds"] for one in found)
    answer = ada.post(f"{REPORTS}/search/time_entries/totals",
                      {**RANGE, "start_date": "2026-04-27", "with_graph": True, "granularity": "day"}).json()
    assert answer["seconds"] == total == sum(day["seconds"] for day in answer["graph"]) and len(answer["graph"]) == 65
    weeks = [ada.post(f"{REPORTS}/weekly/time_entries", {"start_date": f"2026-0{month}-{day:02}"}).json()
             for month, day in ((4, 27), (5, 4), (5, 11), (5, 18), (5, 25))]
    assert sum(sum(row["seconds"]) for week in weeks for row in week) == total
    assert all(len(row["seconds"]) == 7 for week in weeks for row in week)


def test_a_member_sees_only_own_entries(site):
    bob = account(site, "Bob", 9000002, admin=False)
    found, _ = pages(bob)
    assert found and {one["user_id"] for one in found} == {9000002}
    total = bob.post(f"{REPORTS}/search/time_entries/totals", RANGE).json()["seconds"]
    assert total == sum(one["time_entries"][0]["seconds"] for one in found)


@pytest.mark.parametrize("grouping, sub_grouping", [(one, other) for one in ("users", "projects", "clients", None)
                                                    for other in ("users", "projects", "clients", "tasks", "tags", "time_entries", None)])
def test_a_summary_has_the_seconds_of_the_entries(ada, grouping, sub_grouping):
    found, _ = pages(ada)
    asked = {name: value for name, value in (("grouping", grouping), ("sub_grouping", sub_grouping)) if value}
    answer = ada.post(f"{REPORTS}/summary/time_entries", {**RANGE, **asked, "include_time_entry_ids": True})
    assert answer.status == 200 and answer.headers["x-grouping"] == (grouping or "projects")
    assert answer.headers["x-sub-grouping"] == (sub_grouping or "time_entries")
    key = {"users": "user_id", "projects": "project_id", "clients": "client_id", "tasks": "task_id"}
    wanted = {}
    for one in found:
        group = one.get(key[grouping or "projects"])
        part = {"tags": (one["tag_ids"] or [None])[0]}.get(sub_grouping, one.get(key.get(sub_grouping, "")))
        title = one["description"] if sub_grouping in ("time_entries", None) else None
        entry = one["time_entries"][0]
        seconds, numbers = wanted.get((group, part, title), (0, []))
        wanted[group, part, title] = (seconds + entry["seconds"], sorted([*numbers, entry["id"]]))
    got = {(group["id"], part["id"], part["title"] if sub_grouping in ("time_entries", None) else None): (part["seconds"], part["ids"])
           for group in answer.json()["groups"] for part in group["sub_groups"]}
    assert got == wanted


def test_a_summary_of_names(ada, site):
    groups = ada.post(f"{REPORTS}/summary/time_entries", {**RANGE, "grouping": "users", "sub_grouping": "projects"}).json()["groups"]
    assert [group["id"] for group in groups] == [9000001, 9000002, 9000003]
    assert [part["title"] for part in groups[0]["sub_groups"]] == [None, "Website"]
    assert "ids" not in groups[0]["sub_groups"][0]
    bob = account(site, "Bob", 9000002, admin=False)
    assert [group["id"] for group in bob.post(f"{REPORTS}/summary/time_entries", {**RANGE, "grouping": "users"}).json()["groups"]] == [9000002]
    only = ada.post(f"{REPORTS}/summary/time_entries", {"time_entry_ids": [1003, 1029], "include_time_entry_ids": True}).json()["groups"]
    assert [part["ids"] for group in only for part in group["sub_groups"]] == [[1003]]
    for asked, words in (({}, "At least one"), ({**RANGE, "grouping": "tags"}, "users, projects, clients"), ({**RANGE, "sub_grouping": 5}, "time_entries"),
                         ({**RANGE, "include_time_entry_ids": "yes"}, "true, false")):
        refused = ada.post(f"{REPORTS}/summary/time_entries", asked)
        assert refused.status == 400 and words in refused.json(), refused


def test_names(ada, site):
    def send(model, payload, action="created"):
        assert site.send(site.event(model=model, payload={"workspace_id": WORKSPACE, **payload}, action=action)).status == 200
    send("project", {"id": 72, "name": "Hidden", "client_id": 4, "is_private": True, "active": False, "rate": 90, "currency": "EUR"})
    send("client", {"id": 4, "name": "Acme"})
    send("client", {"id": 5, "name": "Gone"})
    send("client", {"id": 5, "name": "Gone"}, "deleted")
    send("workspace_user", {"id": 900, "user_id": 9000009, "name": "Left", "inactive": True})
    bob = account(site, "Bob", 9000002, admin=False)

    def names(who, kind, **asked):
        return [one["name"] for one in who.post(f"{REPORTS}/filters/{kind}", asked).json()]

    assert ada.post(f"{REPORTS}/filters/projects", {"ids": [72]}).json() == [
        {"id": 72, "name": "Hidden", "color": "", "client_id": 4, "active": False, "billable": False, "currency": "EUR"}]
    assert names(ada, "projects") == ["Website", "Hidden"] and names(bob, "projects") == ["Website"]
    for asked, wanted in (({"client_ids": [4]}, ["Hidden"]), ({"client_ids": [None]}, ["Website"]), ({"name": "WEB"}, ["Website"]), ({"is_active": True}, ["Website"]),
                          ({"is_private": True}, ["Hidden"]), ({"start": 72}, ["Hidden"]), ({"page_size": 1}, ["Website"]), ({"currency": "USD"}, [])):
        assert names(ada, "projects", **asked) == wanted, asked
    assert names(ada, "clients") == names(bob, "clients") == ["Acme"] and names(ada, "clients", name="x") == names(ada, "clients", start=5) == []
    assert names(ada, "users") == ["U9000001", "U9000002", "U9000003"] and names(bob, "users", ids=[9000003]) == ["U9000003"]
    assert names(ada, "users", active=False) == ["Left"] and names(ada, "users", start=9000003) == ["U9000003"]
    for kind, asked, words in (("users", {"ids": list(range(101))}, "Maximum count of posted IDs is 100"), ("users", {"active": 1}, "active"), ("clients", {"name": 1}, "name"),
                               ("projects", {"ids": "x"}, "ids"), ("projects", {"page_size": 0}, "page_size"), ("projects", {"start": -1}, "start")):
        refused = ada.post(f"{REPORTS}/filters/{kind}", asked)
        assert refused.status == 400 and words in refused.json(), refused


@pytest.mark.parametrize("asked, words", [
    ({}, "At least one parameter must be set"), ({"start_date": "May"}, "Invalid 'start_date' value"), ({"start_date": 5}, "start_date"),
    ({"start_date": "2026-05-02", "end_date": "2026-05-01"}, "end_date"), ({**RANGE, "page_size": 0}, "page_size"),
    ({**RANGE, "page_size": 1001}, "page_size"), ({**RANGE, "page_size": "x"}, "page_size"), ({**RANGE, "user_ids": 5}, "user_ids"),
    ({**RANGE, "user_ids": ["x"]}, "user_ids"), ({**RANGE, "order_by": "size"}, "order_by"), ({**RANGE, "billable": 1}, "billable"),
    ({**RANGE, "first_id": 1e30}, "first_id"), ({**RANGE, "order_dir": "up"}, "order_dir"), ({**RANGE, "description": 7}, "description"),
])
def test_what_is_asked_wrongly(ada, asked, words):
    answer = ada.post(f"{REPORTS}/search/time_entries", asked)
    assert answer.status == 400 and words in answer.json(), answer
