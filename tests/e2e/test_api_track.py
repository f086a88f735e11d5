# SPDX-License-Identifier: ISC
"""What is answered of Toggl's Track API v9, from the typed tables of a story."""
import json

import pytest

from api import account
from stage import WORKSPACE

pytestmark = pytest.mark.plain

HOME = f"/api/v9/workspaces/{WORKSPACE}"


@pytest.fixture
def told(api_site):
    """The API's site, with a workspace's story in its tables."""
    api_site.hookledger("simulate", "--url", api_site.endpoint["callback_url"], "--secret-file", "-", "--events", 600,
                        "--workspace", WORKSPACE, "--people", 8, "--start", "2026-06-01T00:00:00Z",
                        stdin=api_site.endpoint["secret"])
    # a project that only its members see
    api_site.sql("""update toggl.project set is_private = true where project_id = (
                    select project_id from toggl.project where deleted_at is null order by 1 limit 1)""")
    return api_site


def ids(answer):
    assert answer.status == 200, answer
    return sorted(one["id"] for one in answer.json())


def there(site, table, key, more="true"):
    return [one for one, in site.sql(f"select {key} from toggl.{table} t where deleted_at is null and {more} order by 1")]


def test_lists_are_what_the_tables_have(told):
    ada = account(told)
    assert ids(ada.get(f"{HOME}/projects?per_page=200")) == there(told, "project", "project_id", "coalesce(active, true)")
    assert ids(ada.get(f"{HOME}/projects?active=both&per_page=200")) == there(told, "project", "project_id")
    assert ids(ada.get(f"{HOME}/projects?active=false")) == there(told, "project", "project_id", "not active")
    assert ids(ada.get("/api/v9/me/projects?include_archived=true")) == there(told, "project", "project_id")
    assert ids(ada.get(f"{HOME}/clients?status=both")) == there(told, "client", "client_id")
    assert ids(ada.get(f"{HOME}/tags")) == there(told, "tag", "tag_id") == ids(ada.get("/api/v9/me/tags"))
    assert ids(ada.get(f"{HOME}/workspace_users")) == there(told, "workspace_user", "workspace_user_id")
    assert ids(ada.get(f"{HOME}/project_users")) == there(told, "project_user", "project_user_id",
                                                         "project_id in (select project_id from toggl.project)")
    tasks = ada.get(f"{HOME}/tasks?active=both&per_page=200")
    wanted = there(told, "task", "task_id", "project_id in (select project_id from toggl.project)")
    assert sorted(one["id"] for one in tasks.json()["data"]) == wanted and tasks.json()["total_count"] == len(wanted)
    assert len(wanted) > 1 and len(there(told, "project", "project_id")) > 3


def test_pages(told):
    ada = account(told)
    whole = [one["id"] for one in ada.get(f"{HOME}/projects?active=both&per_page=200").json()]
    pages = [one["id"] for page in range(1, 9) for one in ada.get(f"{HOME}/projects?active=both&per_page=3&page={page}").json()]
    assert pages == whole[:24]
    names = [one["name"] for one in ada.get(f"{HOME}/projects?active=both&name=e").json()]
    assert names and all("e" in name.lower() for name in names)


def test_a_private_project_is_its_members_business(told):
    hidden = told.sql("select project_id from toggl.project where is_private and deleted_at is null order by 1 limit 1")[0][0]
    told.sql("delete from toggl.project_user where project_id = %s", hidden)
    bob = account(told, "Bob", 4711, admin=False)
    assert hidden not in ids(bob.get(f"{HOME}/projects?active=both&per_page=200"))
    absent = bob.get(f"{HOME}/projects/{hidden}")
    assert (absent.status, absent.json()) == (400, "Invalid project_id")
    told.sql("""insert into toggl.project_user (workspace_id, project_user_id, project_id, user_id, changed_at, changed_event_id,
                payload_at, payload_event_id, payload) values (%s, 1, %s, 4711, now(), 1, now(), 1, '{"id": 1}')""", WORKSPACE, hidden)
    assert hidden in ids(bob.get(f"{HOME}/projects?active=both&per_page=200"))
    assert bob.get(f"{HOME}/projects/{hidden}").json()["id"] == hidden
    # what people earn is for administrators
    assert not any("rate" in one or "labor_cost" in one for one in bob.get(f"{HOME}/workspace_users").json())


def test_me(told):
    user = told.sql("select user_id from toggl.time_entry where deleted_at is null group by 1 order by count(*) desc limit 1")[0][0]
    ada = account(told, "Ada", user, zone="Asia/Kolkata")
    me = ada.get("/api/v9/me?with_related_data=true").json()
    assert me["id"] == user and me["timezone"] == "Asia/Kolkata" and me["default_workspace_id"] == WORKSPACE
    assert me["fullname"] == told.sql("select name from toggl.workspace_user where user_id = %s limit 1", user)[0][0]
    assert len(me["projects"]) == len(there(told, "project", "project_id")) and me["tags"] and me["clients"]
    assert [one["id"] for one in ada.get("/api/v9/me/workspaces").json()] == [WORKSPACE]
    assert ada.get(HOME).json()["id"] == WORKSPACE
    assert [one["pricing_plan_name"] for one in ada.get("/api/v9/me/organizations").json()] == ["Premium"]
    entries = ada.get("/api/v9/me/time_entries?start_date=2026-05-01&end_date=2027-01-01").json()
    assert sorted(one["id"] for one in entries) == there(told, "time_entry", "time_entry_id", f"user_id = {user}")
    assert all(one["start"].endswith("+05:30") for one in entries)
    current = ada.get("/api/v9/me/time_entries/current").json()
    running = there(told, "time_entry", "time_entry_id", f"user_id = {user} and stop_at is null and duration_seconds is null")
    assert (current and current["id"]) in (running or [None])
    assert json.dumps(me).count("api_token") == 0
