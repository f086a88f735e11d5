# SPDX-License-Identifier: ISC
"""The part of Toggl's Track API that is answered from the typed tables, on the
sample data of tests/data, whose answers can be computed by hand."""
import calendar
import json

import pytest

from api_client import account, without_limits
from installation import WORKSPACE
from psql import psql

pytestmark = pytest.mark.plain

ADA, BEN, HERE = 9000001, 9000002, f"/api/v9/workspaces/{WORKSPACE}"


@pytest.fixture
def sample_site(api_site):
    psql(api_site, "\\i data/sample.sql")
    return api_site


def names(answer):
    assert answer.status == 200, answer
    return [one["name"] for one in answer.json()]


def numbers(answer):
    assert answer.status == 200, answer
    return [one["id"] for one in answer.json()]


def test_who_am_i(sample_site):
    ada = account(sample_site, "Ada at work", zone="Europe/Berlin")
    me = ada.get("/api/v9/me").json()
    assert (me["id"], me["email"], me["fullname"], me["timezone"], me["default_workspace_id"]) == (ADA, "ada@example.org", "Ada Lind", "Europe/Berlin", WORKSPACE)
    assert not me["projects"]
    related = ada.get("/api/v9/me?with_related_data=true").json()
    assert [[one["name"] for one in related[kind]] for kind in ("workspaces", "clients", "projects", "tags", "tasks")] == [
        ["Atelier Nord"], ["Acme", "Globex"], ["App", "Flat", "Website"], ["remote", "urgent"], ["Build", "Design"]]
    assert related["time_entries"] == []
    # a user without any event
    eve = account(sample_site, "Eve", 4711, workspace=None).get("/api/v9/me").json()
    assert (eve["id"], eve["fullname"], eve["default_workspace_id"]) == (4711, "Eve", None)


def test_workspaces_and_organizations(sample_site):
    ada, ben = account(sample_site), account(sample_site, "Ben", BEN, admin=False)
    for who, role in ((ada, "admin"), (ben, "user")):
        one = who.get("/api/v9/me/workspaces").json()[0]
        assert (one["id"], one["name"], one["organization_id"], one["role"], one["admin"]) == (
            WORKSPACE, "Atelier Nord", int(sample_site.organization), role, role == "admin")
        assert one["active_project_count"] == 3 and who.get(HERE).json()["name"] == "Atelier Nord"
        organization = who.get("/api/v9/me/organizations").json()
        assert [(one["id"], one["name"], one["admin"], one["pricing_plan_name"]) for one in organization] == [
            (int(sample_site.organization), "Test", role == "admin", "Premium")]


def test_projects_are_for_those_who_may_see_them(sample_site):
    """Whether a project is private is not known of these: unknown means no."""
    ada, ben, dan = account(sample_site), account(sample_site, "Ben", BEN, admin=False), account(sample_site, "Dan", 9000004, admin=False)
    for where in (f"{HERE}/projects", "/api/v9/me/projects"):
        assert names(ada.get(where)) == ["App", "Flat", "Website"]
        assert names(ben.get(where)) == ["Website"], "of which he is a member"
        assert names(dan.get(where)) == []
    assert ada.get(f"{HERE}/projects/603").json()["fixed_fee"] == 5000
    for who, number in ((ben, 603), (ada, 699), (ada, 2**62)):
        answer = who.get(f"{HERE}/projects/{number}")
        assert (answer.status, answer.json()) == (400, "Invalid project_id")
    # tasks and memberships go with them
    assert [ada.get(f"{HERE}/tasks").json()["total_count"], ben.get(f"{HERE}/tasks").json()["total_count"]] == [2, 1]
    assert names(ben.get("/api/v9/me/tasks")) == ["Design"]
    assert numbers(ada.get(f"{HERE}/project_users")) == numbers(ben.get(f"{HERE}/project_users")) == [751]
    assert numbers(dan.get(f"{HERE}/project_users")) == []
    sample_site.sql("update toggl.project set is_private = false where project_id = 602")
    assert names(dan.get(f"{HERE}/projects")) == ["App"] and names(ben.get(f"{HERE}/projects")) == ["App", "Website"]


def test_what_people_earn_is_for_administrators(sample_site):
    ada, ben = account(sample_site), account(sample_site, "Ben", BEN, admin=False)
    assert {one["name"]: one["rate"] for one in ada.get(f"{HERE}/workspace_users").json() if "rate" in one} == {"Ada Lind": None, "Ben Okoro": 70, "Chloé Roy": None, "Dan Sousa": None}
    assert ada.get(f"{HERE}/project_users").json()[0]["labor_cost"] == 30
    for where in (f"{HERE}/workspace_users", f"{HERE}/project_users", f"{HERE}/users"):
        # a published field is there, and says nothing
        assert [(key, value) for one in ben.get(where).json() for key, value in one.items()
                if ("rate" in key or "cost" in key) and value is not None and not key.startswith("view_edit_")] == [], where
    users = {one["id"]: (one["fullname"], one["email"], one["is_admin"]) for one in ben.get(f"{HERE}/users").json()}
    assert users == {ADA: ("Ada Lind", "ada@example.org", False), BEN: ("Ben Okoro", "ben@example.org", False),
                     9000003: ("Chloé Roy", "chloe@example.org", False), 9000004: ("Dan Sousa", "dan@example.org", False)}


def test_parameters(sample_site):
    ada = account(sample_site)
    sample_site.sql("update toggl.project set active = false where project_id = 603")
    sample_site.sql("update toggl.task set active = false where task_id = 702")
    sample_site.sql("update toggl.client set archived = true where client_id = 502")
    for where, wanted in (
            (f"{HERE}/projects", ["App", "Website"]), (f"{HERE}/projects?active=false", ["Flat"]), (f"{HERE}/projects?active=both", ["App", "Flat", "Website"]),
            (f"{HERE}/projects?active=both&name=A", ["App", "Flat"]), (f"{HERE}/projects?name=%25", []), (f"{HERE}/projects?name=_", []), (f"{HERE}/projects?name=%5C", []),
            (f"{HERE}/projects?active=both&per_page=1&page=2", ["Flat"]), (f"{HERE}/projects?active=both&per_page=2&page=2", ["Website"]), (f"{HERE}/projects?page=9", []),
            ("/api/v9/me/projects", ["App", "Website"]), ("/api/v9/me/projects?include_archived=true", ["App", "Flat", "Website"]),
            ("/api/v9/me/projects?include_archived=false", ["App", "Website"]),
            (f"{HERE}/clients", ["Acme"]), (f"{HERE}/clients?status=archived", ["Globex"]), (f"{HERE}/clients?status=both&name=LOB", ["Globex"]), ("/api/v9/me/clients", ["Acme", "Globex"]),
            (f"{HERE}/tags?search=GENT", ["urgent"]), (f"{HERE}/tags?per_page=1&page=2", ["urgent"]), ("/api/v9/me/tags", ["remote", "urgent"]),
            ("/api/v9/me/tasks", ["Design"]), ("/api/v9/me/tasks?include_not_active=true", ["Build", "Design"]), ("/api/v9/me/tasks?include_not_active=false", ["Design"])):
        assert names(ada.get(where)) == wanted, where
    for where, wanted in ((f"{HERE}/tasks", ["Design"]), (f"{HERE}/tasks?active=both", ["Build", "Design"]), (f"{HERE}/tasks?active=false", ["Build"]),
                          (f"{HERE}/tasks?active=both&sort_order=desc", ["Design", "Build"]), (f"{HERE}/tasks?active=both&pid=602", ["Build"]),
                          (f"{HERE}/tasks?active=both&per_page=1&page=2", ["Design"]), (f"{HERE}/tasks?search=sig", ["Design"])):
        page = ada.get(where).json()
        assert [one["name"] for one in page["data"]] == wanted, where
        assert page["total_count"] >= len(wanted)
    for where, words in (("/api/v9/me/projects?include_archived=x", "Invalid include_archived"), ("/api/v9/me/tasks?include_not_active=x", "Invalid include_not_active"),
                         (f"{HERE}/clients?status=x", "Client status is invalid")):
        answer = ada.get(where)
        assert (answer.status, answer.json()) == (400, words)


def test_time_entries_are_ones_own(sample_site):
    without_limits(sample_site)
    ada, ben = account(sample_site, zone="Europe/Berlin"), account(sample_site, "Ben", BEN, zone="Asia/Kolkata")
    may = ada.get("/api/v9/me/time_entries?start_date=2026-05-04&end_date=2026-05-08").json()
    assert [(one["id"], one["start"], one["stop"]) for one in may] == [
        (3007, "2026-05-07T09:00:00.000000+02:00", "2026-05-07T09:45:00.000000+02:00"),
        (3002, "2026-05-04T13:00:00.000000+02:00", "2026-05-04T17:30:00.000000+02:00"),
        (3001, "2026-05-04T09:00:00.000000+02:00", "2026-05-04T12:00:00.000000+02:00")]
    # dates are days of one's own zone, times what they say
    assert numbers(ben.get("/api/v9/me/time_entries?start_date=2026-05-01&end_date=2026-05-02")) == [3010]
    assert numbers(ben.get("/api/v9/me/time_entries?start_date=2026-04-30&end_date=2026-05-01")) == []
    assert numbers(ada.get("/api/v9/me/time_entries?start_date=2026-05-04T13:00:00%2B02:00&before=2026-05-05T00:00:00Z")) == [3002]
    assert numbers(ada.get("/api/v9/me/time_entries?before=2026-05-05")) == [3002, 3001]
    assert numbers(ada.get("/api/v9/me/time_entries")) == [], "of the last nine days"
    # an administrator's own, too
    assert ben.get("/api/v9/me/time_entries/current").json()["id"] == 3013
    assert ada.get("/api/v9/me/time_entries/current").json() is None


def test_what_was_changed_since(sample_site):
    """Deleted ones too, with the time of their deletion, even when nothing else is known of them."""
    ada = account(sample_site)
    since = calendar.timegm((2026, 5, 13, 10, 4, 0))
    changed = {one["id"]: one.get("server_deleted_at") for one in ada.get(f"/api/v9/me/time_entries?since={since}").json()}
    assert changed == {3011: "2026-05-13T10:05:00.000000Z", 3015: None, 3012: None}
    body = sample_site.event(action="deleted", payload={"id": 899, "workspace_id": WORKSPACE})
    assert sample_site.send(body).status == 200
    tags = ada.get("/api/v9/me/tags?since=1").json()
    assert [one["id"] for one in tags if one.get("deleted_at")] == [899]
    assert names(ada.get("/api/v9/me/tags")) == ["remote", "urgent"]


def test_nothing_is_seen_of_other_workspaces(sample_site):
    eve = account(sample_site, "Eve", ADA, workspace=None)
    for where in ("workspaces", "organizations", "projects", "clients", "tags", "tasks", "time_entries?start_date=2000-01-01"):
        assert eve.get(f"/api/v9/me/{where}").json() == [], where
    assert eve.get("/api/v9/me/time_entries/current").json() is None
    for where in ("", "/users", "/workspace_users", "/projects", "/projects/601", "/clients", "/tags", "/tasks", "/project_users"):
        answer = eve.get(HERE + where)
        assert (answer.status, answer.json()) == (403, "Forbidden" if where == "/clients" else "User does not have access to this resource.")


def test_secrets_are_not_passed_on(sample_site):
    body = sample_site.event(model="workspace", action="updated", payload={"id": WORKSPACE, "name": "Atelier Nord", "api_token": "0badc0de", "ical_url": "/ical/0badc0de"})
    assert sample_site.send(body).status == 200
    ada = account(sample_site)
    for where in (HERE, "/api/v9/me/workspaces", "/api/v9/me?with_related_data=true"):
        assert "0badc0de" not in json.dumps(ada.get(where).json())
