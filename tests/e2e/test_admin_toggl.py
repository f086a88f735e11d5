# SPDX-License-Identifier: ISC
"""Toggl's side through the admin page, with another hookledger that plays Toggl."""
import pytest

import servers
from admin import operator
from conftest import finish, make_site
from stage import WORKSPACE
from toggl_pair import Toggl, connect


@pytest.fixture
def us(bare_site):
    """A site without an endpoint whose receiver and page are served."""
    servers.lighttpd_spawned(bare_site)
    return bare_site


@pytest.fixture
def toggl(request, us, shared_cluster, template, run_folder):
    """Another site, which plays Toggl for it."""
    other = make_site(request, shared_cluster, run_folder / "toggls", template)
    try:
        yield Toggl(other, us)
    finally:
        finish(request, other)


def shown(page):
    answer = page.get("toggl")
    assert answer.status == 200, answer
    return answer.json()


def test_nothing_is_connected_yet(us):
    page = operator(us, role="viewer")
    assert shown(page) == {"connections": [], "workspaces": [], "subscriptions": [], "differences": 0, "jobs": [], "seen_at": None,
                           "refresh_costs": 0}
    assert page.get("toggl/plan?workspace=1").status == 404
    assert page.get("toggl/jobs/1").status == 404
    assert page.get("toggl/jobs/x").status == 404
    assert {"created", "updated", "deleted"} <= set(page.get("toggl/event_filters").json()["time_entry"])


def test_what_is_there(us, toggl):
    connect(us, toggl.token, "--filters", "time_entry:*", "--no-load")
    page = operator(us, role="viewer")
    seen = shown(page)
    one, = seen["connections"]
    assert (one["user"], one["state"]) == ("Ada", "well") and toggl.token not in str(seen)
    assert {window["organization_id"] for window in one["quota"]} == {None, toggl.organization}
    home, = seen["workspaces"]
    assert (home["id"], home["connection_id"], home["plan"], home["limits"]) == (str(WORKSPACE), one["id"], "premium", {"webhooks": 3, "filters": 12})
    item, = seen["subscriptions"]
    assert (item["item"], item["state"], item["difference"], item["enabled"]) == (str(toggl.subscriptions()[0][0]), "well", None, True)
    assert item["event_filters"] == [{"entity": "time_entry", "action": "*"}] and item["url"].startswith(us.url + "/hook/")
    assert (seen["differences"], seen["jobs"], seen["refresh_costs"]) == (0, [], 2) and seen["seen_at"]
    plan = page.get(f"toggl/plan?workspace={WORKSPACE}").json()
    assert plan["max_filters"] == 12 and {"entity": "project", "action": "*"} in plan["filters"]
    assert {"entity": "time_entry", "action": "*"} not in plan["filters"]
