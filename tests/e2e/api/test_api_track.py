# SPDX-License-Identifier: ISC
"""Toggl's Track API v9, answered from the typed tables of generated events."""
import json

import pytest

import api_contract
from api_client import account, without_limits
from installation import WORKSPACE

pytestmark = pytest.mark.plain

HOME = f"/api/v9/workspaces/{WORKSPACE}"


@pytest.fixture
def site_with_events(api_site):
    """The API's site, with the generated events of a workspace."""
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


def test_lists_are_what_the_tables_have(site_with_events):
    ada = account(site_with_events)
    assert ids(ada.get(f"{HOME}/projects?per_page=200")) == there(site_with_events, "project", "project_id", "coalesce(active, true)")
    assert ids(ada.get(f"{HOME}/projects?active=both&per_page=200")) == there(site_with_events, "project", "project_id")
    assert ids(ada.get(f"{HOME}/projects?active=false")) == there(site_with_events, "project", "project_id", "not active")
    assert ids(ada.get("/api/v9/me/projects?include_archived=true")) == there(site_with_events, "project", "project_id")
    assert ids(ada.get(f"{HOME}/clients?status=both")) == there(site_with_events, "client", "client_id")
    assert ids(ada.get(f"{HOME}/tags")) == there(site_with_events, "tag", "tag_id") == ids(ada.get("/api/v9/me/tags"))
    assert ids(ada.get(f"{HOME}/workspace_users")) == there(site_with_events, "workspace_user", "workspace_user_id")
    assert ids(ada.get(f"{HOME}/project_users")) == there(site_with_events, "project_user", "project_user_id",
                                                         "project_id in (select project_id from toggl.project)")
    tasks = ada.get(f"{HOME}/tasks?active=both&per_page=200")
    wanted = there(site_with_events, "task", "task_id", "project_id in (select project_id from toggl.project)")
    assert sorted(one["id"] for one in tasks.json()["data"]) == wanted and tasks.json()["total_count"] == len(wanted)
    assert len(wanted) > 1 and len(there(site_with_events, "project", "project_id")) > 3


def test_pages(site_with_events):
    ada = account(site_with_events)
    whole = [one["id"] for one in ada.get(f"{HOME}/projects?active=both&per_page=200").json()]
    pages = [one["id"] for page in range(1, 9) for one in ada.get(f"{HOME}/projects?active=both&per_page=3&page={page}").json()]
    assert pages == whole[:24]
    names = [one["name"] for one in ada.get(f"{HOME}/projects?active=both&name=e").json()]
    assert names and all("e" in name.lower() for name in names)


def test_a_private_project_is_its_members_business(site_with_events):
    hidden = site_with_events.sql("select project_id from toggl.project where is_private and deleted_at is null order by 1 limit 1")[0][0]
    site_with_events.sql("delete from toggl.project_user where project_id = %s", hidden)
    bob = account(site_with_events, "Bob", 4711, admin=False)
    assert hidden not in ids(bob.get(f"{HOME}/projects?active=both&per_page=200"))
    absent = bob.get(f"{HOME}/projects/{hidden}")
    assert (absent.status, absent.json()) == (400, "Invalid project_id")
    site_with_events.sql("""insert into toggl.project_user (workspace_id, project_user_id, project_id, user_id, changed_at, changed_event_id,
                payload_at, payload_event_id, payload) values (%s, 1, %s, 4711, now(), 1, now(), 1, '{"id": 1}')""", WORKSPACE, hidden)
    assert hidden in ids(bob.get(f"{HOME}/projects?active=both&per_page=200"))
    assert bob.get(f"{HOME}/projects/{hidden}").json()["id"] == hidden
    # what people earn is for administrators
    assert not any(one["rate"] or one["labor_cost"] or one["rate_last_updated"] for one in bob.get(f"{HOME}/workspace_users").json())


def test_me(site_with_events):
    user = site_with_events.sql("select user_id from toggl.time_entry where deleted_at is null group by 1 order by count(*) desc limit 1")[0][0]
    ada = account(site_with_events, "Ada", user, zone="Asia/Kolkata")
    me = ada.get("/api/v9/me?with_related_data=true").json()
    assert me["id"] == user and me["timezone"] == "Asia/Kolkata" and me["default_workspace_id"] == WORKSPACE
    assert me["fullname"] == site_with_events.sql("select name from toggl.workspace_user where user_id = %s limit 1", user)[0][0]
    assert len(me["projects"]) == len(there(site_with_events, "project", "project_id")) and me["tags"] and me["clients"]
    assert [one["id"] for one in ada.get("/api/v9/me/workspaces").json()] == [WORKSPACE]
    assert ada.get(HOME).json()["id"] == WORKSPACE
    assert [one["pricing_plan_name"] for one in ada.get("/api/v9/me/organizations").json()] == ["Premium"]
    without_limits(site_with_events)
    entries = ada.get("/api/v9/me/time_entries?start_date=2026-05-01&end_date=2027-01-01").json()
    assert sorted(one["id"] for one in entries) == there(site_with_events, "time_entry", "time_entry_id", f"user_id = {user}")
    assert all(one["start"].endswith("+05:30") for one in entries)
    current = ada.get("/api/v9/me/time_entries/current").json()
    running = there(site_with_events, "time_entry", "time_entry_id", f"user_id = {user} and stop_at is null and duration_seconds is null")
    assert (current and current["id"]) in (running or [None])
    assert me["api_token"] == "" and {one["api_token"] for one in me["workspaces"]} == {""}


# ---- what Toggl publishes of each answer

def left_out(schema, value, where):
    """The places of fields that the published model has and the answer has not."""
    file = api_contract.FILES[1].paths
    schema = next(iter(schema["allOf"]), schema) if "allOf" in schema else schema
    if "$ref" in schema:
        schema = file["definitions"][schema["$ref"].rsplit("/", 1)[1]]
    if isinstance(value, list):
        return {place for one in value for place in left_out(schema["items"], one, f"{where}[]")}
    if not isinstance(value, dict):
        return set()
    fields = schema.get("properties", {})
    return ({f"{where}.{key}" for key in fields if key not in value}
            | {place for key in fields if key in value for place in left_out(fields[key], value[key], f"{where}.{key}")})


def test_every_published_field_is_there(site_with_events):
    user = site_with_events.sql("select user_id from toggl.time_entry where deleted_at is null group by 1 order by count(*) desc limit 1")[0][0]
    # of some entities nothing but their number is known, of others all that a model has within it
    for table in ("project", "client", "tag", "task", "time_entry", "workspace_user", "project_user"):
        site_with_events.sql(f"""update toggl.{table} set payload = jsonb_build_object('id', {table}_id)
                     where {table}_id = (select min({table}_id) from toggl.{table} where deleted_at is null)""")
    site_with_events.sql("""update toggl.project set payload = payload || '{"recurring_parameters": [{"period": "monthly"}], "current_period": {}}'
                where project_id = (select max(project_id) from toggl.project where deleted_at is null)""")
    site_with_events.sql("""update toggl.time_entry set payload = payload || '{"shared_with": [{"user_id": 1}]}' where user_id = %s""", user)
    site_with_events.sql("""insert into toggl.workspace (workspace_id, changed_at, changed_event_id, payload_at, payload_event_id, payload)
                values (%s, now(), 1, now(), 1, '{"csv_upload": {}, "subscription": {"card_details": {}, "contact_detail": {}, "payment_details": {},
                "subscription_period": {"trial": true}}}') on conflict (workspace_id) do update set payload = excluded.payload""", WORKSPACE)
    running = site_with_events.sql("select max(time_entry_id) from toggl.time_entry where user_id = %s and deleted_at is null", user)[0][0]
    site_with_events.sql("update toggl.time_entry set stop_at = null, duration_seconds = null where time_entry_id = %s", running)
    project = site_with_events.sql("select min(project_id) from toggl.project where deleted_at is null")[0][0]
    ada = account(site_with_events, "Ada", user)
    without_limits(site_with_events)
    seen = 0
    for template, item in api_contract.FILES[1].paths["paths"].items():
        path = api_contract.TRACK + template.replace("{workspace_id}", str(WORKSPACE)).replace("{project_id}", str(project))
        query = {"/me/time_entries": "?start_date=2026-05-01&end_date=2027-01-01"}.get(template, "?active=both&include_archived=true&status=both")
        schema = item["get"]["responses"]["200"].get("schema")
        for more in ("", "&with_related_data=true"):
            answer = ada.get(path + query + more)
            assert answer.status == 200 and answer.json(), (path, answer)
            assert left_out(schema, answer.json(), template) == set()
            seen += 1
    assert seen == 2 * len(api_contract.FILES[1].paths["paths"])
    me = ada.get("/api/v9/me").json()
    assert {key: me[key] for key in ("has_password", "openid_enabled", "image_url", "toggl_accounts_id", "oauth_providers", "projects")} == {
        "has_password": False, "openid_enabled": False, "image_url": "", "toggl_accounts_id": "", "oauth_providers": [], "projects": None}
    assert me["authorization_updated_at"].endswith("Z")
    # a model within another that is there is whole, and the legacy names say the same
    projects = {one["id"]: one for one in ada.get("/api/v9/me/projects?include_archived=true").json()}
    recurring = projects[max(projects)]["recurring_parameters"]
    assert recurring[0] == {"custom_period": 0, "estimated_seconds": 0, "parameter_end_date": None, "parameter_start_date": None, "period": "monthly",
                            "project_start_date": None}
    told_ones = [one for one in projects.values() if one["workspace_id"]]
    assert told_ones and all(one["cid"] == one["client_id"] and one["wid"] == one["workspace_id"] for one in told_ones)
    # no answer has a secret, only the field for one
    assert me["api_token"] == "" and json.dumps(me).count("api_token") == 1


def test_nothing_is_cut_silently(site_with_events):
    user = site_with_events.sql("select user_id from toggl.time_entry where deleted_at is null limit 1")[0][0]
    for table, more, values in (("project", "name, active, is_private", "'many ' || i, true, false"),
                                ("task", "name, active, project_id", "'many ' || i, true, 8000000000 + i"),
                                ("tag", "name", "'many ' || i"), ("client", "name", "'many ' || i"),
                                ("time_entry", "user_id, start_at", f"{user}, now() - interval '1 hour'")):
        site_with_events.sql(f"""insert into toggl.{table} (workspace_id, {table}_id, {more}, changed_at, changed_event_id, payload_at, payload_event_id, payload)
                     select {WORKSPACE}, 8000000000 + i, {values}, now(), 1, now(), 1, jsonb_build_object('id', 8000000000 + i, 'workspace_id', {WORKSPACE})
                     from generate_series(1, {1010 if table == "time_entry" else 210}) i""")
    ada = account(site_with_events, "Ada", user)

    def many(answer):
        return len([one for one in answer.json() if one["id"] > 8000000000])

    for path in ("projects", "tasks", "tags", "clients", "time_entries"):
        assert many(ada.get(f"/api/v9/me/{path}")) == (1010 if path == "time_entries" else 210), path
    related = ada.get("/api/v9/me?with_related_data=true").json()
    assert [len([one for one in related[key] if one["id"] > 8000000000]) for key in ("projects", "tasks", "tags", "clients", "time_entries")] == [210] * 4 + [1010]
    assert [len(ada.get(f"/api/v9/me/{path}?per_page=205&page=2").json()) >= 5 for path in ("projects", "tasks", "tags")] == [True] * 3
    # of a workspace they come in pages as Toggl's, until a short one; no page is cut to fewer than were asked for
    assert many(ada.get(f"{HOME}/tags")) == many(ada.get(f"{HOME}/clients")) == many(ada.get(f"{HOME}/tags?per_page=100000")) == 210
    assert len(ada.get(f"{HOME}/projects").json()) == 151
    pages = [ada.get(f"{HOME}/projects?per_page=200&page={page}").json() for page in range(1, 4)]
    assert len(pages[0]) == 200 and len({one["id"] for page in pages for one in page if one["id"] > 8000000000}) == 210
    for per_page in ("201", "1000", "99999999999999999999"):
        too_large = ada.get(f"{HOME}/projects?per_page={per_page}")
        assert (too_large.status, too_large.json()) == (400, "per_page cannot exceed 200")
    tasks = ada.get(f"{HOME}/tasks?per_page=1000").json()
    assert tasks["per_page"] == 1000 and len(tasks["data"]) == tasks["total_count"] >= 210
    assert ada.get(f"{HOME}/tasks").json()["per_page"] == 50


def test_the_window_of_a_user(site_with_events):
    """A number of the organization, and of several the largest."""
    ada = account(site_with_events, "Ada")

    def total():
        return {one["organization_id"]: one["total"] for one in ada.get("/api/v9/me/quota").json()}

    number = int(site_with_events.organization)
    assert total() == {None: 30, number: 600}
    site_with_events.hookledger("organization", "set", number, "--user-requests", 2)
    assert total()[None] == 2
    assert [ada.get("/api/v9/me").status for _ in range(3)] == [200, 200, 402]
    spent = ada.get("/api/v9/me/clients")
    assert (spent.status, spent.headers["x-toggl-quota-remaining"]) == (402, "0")
    assert ada.get(f"{HOME}/tags").status == 200
    other = site_with_events.hookledger("organization", "add", "Other").stdout.split()[1]
    site_with_events.hookledger("workspace", "add", 4711, "--organization", other)
    site_with_events.hookledger("account", "grant", ada.account_id, 4711)
    assert total() == {None: 1000000, number: 600, int(other): 1000000}
    assert ada.get("/api/v9/me").headers["x-toggl-quota-remaining"] == "999997"
    # who may use no workspace has Toggl's
    assert [one["total"] for one in account(site_with_events, "Bob", 4711, workspace=None).get("/api/v9/me/quota").json()] == [30]


def test_own_entries_of_ninety_days(api_site):
    """As at Toggl, unless the plan has no limits."""
    ada = account(api_site)

    def asked(ago, kind="start_date"):
        day = api_site.sql("select ((ledger.clock() at time zone 'UTC')::date - %s::integer)::text", ago)[0][0]
        return ada.get(f"/api/v9/me/time_entries?{kind}={day}&end_date={day}T23:00:00Z")

    refused = asked(92)
    assert refused.status == 400 and refused.json().startswith("start_date must not be earlier than "), refused
    assert [asked(ago).status for ago in (88, 90, 0)] == [200] * 3
    assert ada.get("/api/v9/me/time_entries?since=1").status == 200
    without_limits(api_site)
    assert asked(4000).status == 200
