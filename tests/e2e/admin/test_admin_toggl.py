# SPDX-License-Identifier: ISC
"""Toggl's side through the admin page, with another hookledger that plays Toggl."""
import concurrent.futures
import json

import pytest

import web_servers
from admin_client import Page, audit, by_hand, operator
from fixtures import finish, make_site
from installation import WORKSPACE
from toggl_server import Toggl, connect

pytestmark = pytest.mark.plain


@pytest.fixture
def us(bare_site):
    """A site without an endpoint."""
    return bare_site


@pytest.fixture
def alone(us):
    """Its receiver and page are served, and nobody plays Toggl."""
    web_servers.lighttpd_spawned(us)
    return us


@pytest.fixture
def toggl(request, us, shared_cluster, template, run_folder):
    """Another site, which plays Toggl for it; served when it knows where that is."""
    other = make_site(request, shared_cluster, run_folder / "toggls", template)
    try:
        toggl = Toggl(other, us)
        web_servers.lighttpd_spawned(us)
        yield toggl
    finally:
        finish(request, other)


def shown(page):
    answer = page.get("toggl")
    assert answer.status == 200, answer
    return answer.json()


def test_nothing_is_connected_yet(alone):
    page = operator(alone, role="viewer")
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
    assert item["event_filters"] == [{"entity": "time_entry", "action": "*"}] and item["url"] == us.url + "/…"
    assert (seen["differences"], seen["jobs"], seen["refresh_costs"]) == (0, [], 2) and seen["seen_at"]
    plan = page.get(f"toggl/plan?workspace={WORKSPACE}").json()
    assert plan["max_filters"] == 12 and {"entity": "project", "action": "*"} in plan["filters"]
    assert {"entity": "time_entry", "action": "*"} not in plan["filters"]


@pytest.fixture
def page(us, toggl):
    """An owner's page, connected to Toggl through it."""
    one = operator(us)
    answer = one.post("toggl/connect", {"token": toggl.token})
    assert answer.status == 200, answer
    return one


def subscribe(page, **more):
    answer = page.post("toggl/subscriptions", {"workspace_id": str(WORKSPACE), **more})
    assert answer.status == 200, answer
    return answer.json()["result"]["item"]


def states(page):
    return [one["state"] for one in shown(page)["subscriptions"]]


def test_from_a_token_to_events(us, toggl, page):
    answer = page.post("toggl/connect", {"token": f" {toggl.token} "})	# again: a new token of the same user
    assert answer.status == 200 and (answer.coded("words")["code"], answer.coded("words")["name"][:3]) == ("toggl.connected", "Ada"), answer
    assert answer.json()["result"]["connection_id"] == shown(page)["connections"][0]["id"] and len(shown(page)["connections"]) == 1
    plan = page.get(f"toggl/plan?workspace={WORKSPACE}").json()
    assert plan["filters"] == [{"entity": "*", "action": "*"}] and plan["words"] == {"code": "toggl.plan_everything"}
    item = subscribe(page, description="all of it", event_filters=plan["filters"])
    assert [(str(one[0]), one[1], one[3], one[4], one[5]) for one in toggl.subscriptions()] == [(item, "all of it", ["*.*"], True, True)]
    assert states(page) == ["well"]
    # beside it nothing is left; for it there still is all
    assert page.get(f"toggl/plan?workspace={WORKSPACE}").json()["filters"] == []
    assert page.get(f"toggl/plan?workspace={WORKSPACE}&item={item}").json()["filters"] == plan["filters"]
    answer = page.post("toggl/load", {"workspace_id": str(WORKSPACE)})
    assert answer.status == 200 and answer.json()["state"] == "done", answer
    assert shown(page)["workspaces"][0]["loaded_at"]
    # under an endpoint of its own, which is nobody's callback address
    recorded = us.sql("select distinct p.name from ledger.event e join ledger.endpoint p using (endpoint_id) where e.source = 'backfill'")
    assert recorded == [("loaded from Toggl",)]
    assert "loaded from Toggl" not in {one["name"] for one in page.get("endpoints").json()["items"] + page.get("overview").json()["endpoints"]}
    trail = [(action, subject) for _, action, subject in audit(us) if action.startswith("toggl.")]
    assert trail == [("toggl.connect", "connection 1"), ("toggl.connect", "connection 2"),
                     ("toggl.subscribe", f"workspace {WORKSPACE} at Toggl"), ("toggl.load", f"workspace {WORKSPACE} at Toggl")]
    # the token is nowhere in the clear
    everything = str(us.sql("select * from ledger.audit")) + str(us.sql("select * from ledger.toggl_job")) + us.all_logs()
    assert toggl.token not in everything
    assert not us.sql("select from ledger.toggl_connection c where position(%s::bytea in c.token_sealed) > 0", toggl.token.encode())


def test_change_and_delete(us, toggl, page):
    item = subscribe(page)
    where = f"toggl/subscriptions/{item}"
    answer = page.call("PATCH", where, {"description": "tags", "event_filters": [{"entity": "tag", "action": "*"}]})
    assert answer.status == 200, answer
    assert toggl.subscriptions()[0][1] == "tags" and toggl.subscriptions()[0][3] == ["tag.*"]
    assert page.call("PATCH", where, {"enabled": False}).status == 200
    assert toggl.subscriptions()[0][4] is False and states(page) == ["off"]
    assert page.call("PATCH", where, {"enabled": True}).status == 200
    assert toggl.subscriptions()[0][4:] == (True, True) and states(page) == ["well"]
    assert page.post(f"{where}/ping").coded("words") == {"code": "toggl.pinged", "subscription_id": int(item)}
    assert page.post(f"{where}/rotate").status == 200
    assert us.sql("select count(*), count(*) filter (where valid_until < 'infinity') from ledger.endpoint_secret") == [(2, 1)]
    assert page.post(f"{where}/validate").status == 200
    assert page.call("DELETE", where).status == 200
    assert toggl.subscriptions() == [] and states(page) == []
    before, after = us.sql("select before, after from ledger.audit where action = 'toggl.change' order by audit_id")[0]
    assert (before["description"], before["filters"], after) == ("hookledger", "*.*", {"description": "tags", "filters": "tag:*"})


def test_differences_are_mended(us, toggl, page):
    item = subscribe(page)
    for column, state in (("enabled = false", "disabled"), ("url_callback = 'http://elsewhere.invalid/'", "changed"),
                          ("deleted_at = now()", "gone")):
        toggl.site.sql(f"update ledger.subscription set {column} where subscription_id = {item}")
        assert page.post("toggl/refresh").status == 200
        one, = shown(page)["subscriptions"]
        assert (one["state"], one["mend"], shown(page)["differences"]) == (state, "repair", 1) and one["difference"] == one["state_words"]
        assert page.post(f"toggl/subscriptions/{item}/repair").status == 200
        assert states(page) == ["well"]


def test_two_at_once_make_one(us, toggl, page):
    """Two owners press Create, and somebody types: in three processes."""
    pages = [page, operator(us, "Otto"), operator(us, "Odile")]
    wish = {"workspace_id": str(WORKSPACE), "event_filters": [{"entity": "time_entry", "action": "*"}]}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        typed = pool.submit(us.hookledger, "toggl", "add", "--workspace", WORKSPACE, "--filters", "time_entry:*", check=False)
        answers = list(pool.map(lambda one: one.post("toggl/subscriptions", wish), pages * 3))
        typed = typed.result()
    assert len(toggl.subscriptions()) == 1 and states(page) == ["well"]
    assert [answer.status for answer in answers].count(200) + (typed.returncode == 0) == 1, (answers, typed)
    refused = [answer.coded()["code"] for answer in answers if answer.status != 200]
    assert set(refused) <= {"toggl.job_conflict", "toggl.nothing_left"}, refused
    refused += [typed.stderr] if typed.returncode else []
    assert {answer.status for answer in answers} <= {200, 409} and len(refused) == 9
    if typed.returncode:
        words = typed.stderr
        assert "at Toggl already" in words and "nothing more was begun" in words or "bring all of that already" in words, words
    # of the others nothing is left, and neither stands in the trail
    assert us.sql("select count(*) from ledger.endpoint") == [(1,)]
    assert us.sql("select count(*) from ledger.toggl_job where kind = 'subscribe'") == [(1,)]
    assert [action for _, action, _ in audit(us) if action == "toggl.subscribe"] == ["toggl.subscribe"] * [a.status for a in answers].count(200)
    # what is not there yet can be made beside it
    assert page.post("toggl/subscriptions", {**wish, "event_filters": [{"entity": "tag", "action": "*"}]}).status == 200
    assert len(toggl.subscriptions()) == 2


def test_one_made_elsewhere_is_taken_over(us, toggl, page):
    us.add_endpoint(secret="made-elsewhere")
    made = toggl.ada.subscribe(us.endpoint["callback_url"], description="old", secret="made-elsewhere")
    assert made.status == 200, made
    us.sql("update ledger.endpoint set address = repeat('z', 40)")
    assert page.post("toggl/refresh").status == 200
    one, = shown(page)["subscriptions"]
    assert (one["state"], one["mend"]) == ("foreign", "adopt")
    answer = page.post(f"toggl/subscriptions/{one['item']}/rotate")
    assert answer.status == 400 and answer.coded() == {"code": "toggl.subscription_foreign", "subscription_id": int(one["item"])}
    assert page.post(f"toggl/subscriptions/{one['item']}/adopt", {"secret": "made-elsewhere"}).status == 200
    assert states(page) == ["well"] and toggl.subscriptions()[0][4:] == (True, True)
    assert "made-elsewhere" not in str(us.sql("select * from ledger.audit"))


def test_disconnecting_keeps_what_is_there(us, toggl, page):
    subscribe(page)
    answer = page.post("toggl/disconnect", {"connection_id": shown(page)["connections"][0]["id"]})
    assert answer.status == 200 and answer.json()["stay"] == 1 and answer.coded("words") == {"code": "toggl.forgotten", "stay": 1}
    assert shown(page)["connections"] == [] and len(toggl.subscriptions()) == 1
    answer = page.post("toggl/refresh")
    assert answer.status == 404 and answer.coded() == {"code": "toggl.unconnected"}
    assert page.post("toggl/disconnect").status == 404


@pytest.mark.parametrize("method, path, body, words", [
    ("POST", "toggl/connect", {}, "token"), ("POST", "toggl/connect", {"token": " "}, "token"), ("POST", "toggl/connect", {"token": 5}, "token"),
    ("POST", "toggl/subscriptions", {}, "workspace_id"), ("POST", "toggl/subscriptions", {"workspace_id": "x"}, "workspace_id"),
    ("POST", "toggl/subscriptions", {"workspace_id": str(WORKSPACE), "event_filters": []}, "event_filters"),
    ("POST", "toggl/subscriptions", {"workspace_id": str(WORKSPACE), "event_filters": "*"}, "event_filters"),
    ("POST", "toggl/subscriptions", {"workspace_id": str(WORKSPACE), "event_filters": [{"entity": "a b", "action": "*"}]}, "event_filters"),
    ("POST", "toggl/subscriptions", {"workspace_id": str(WORKSPACE), "description": " "}, "description"),
    ("PATCH", "toggl/subscriptions/1", {}, "nothing to change"), ("PATCH", "toggl/subscriptions/1", {"enabled": "yes"}, "enabled"),
    ("POST", "toggl/disconnect", {"connection_id": "1; drop table ledger.event"}, "connection_id"),
])
def test_what_cannot_be_is_told(alone, method, path, body, words):
    answer = operator(alone).call(method, path, body)
    assert answer.status == 400 and words in answer.error, answer
    assert alone.sql("select from ledger.toggl_job") == []


def test_what_is_not_there(us, toggl, page):
    for method, path in (("DELETE", "toggl/subscriptions/5"), ("POST", "toggl/subscriptions/5/ping"), ("POST", "toggl/subscriptions/5/rotate"),
                         ("POST", "toggl/jobs/77/continue")):
        assert page.call(method, path, {}).status == 404, path
    answer = page.post("toggl/subscriptions", {"workspace_id": "5"})
    assert answer.status == 404 and answer.coded() == {"code": "toggl.workspace_unconnected", "workspace_id": 5}


WRITES = [("POST", "connect", {"token": "t"}), ("POST", "disconnect", {}), ("POST", "refresh", {}), ("POST", "load", {}), ("POST", "check", {}),
          ("POST", "subscriptions", {"workspace_id": str(WORKSPACE)}), ("PATCH", "subscriptions/1", {"enabled": False}),
          ("DELETE", "subscriptions/1", None), ("POST", "jobs/1/continue", {}),
          *(("POST", f"subscriptions/1/{what}", {}) for what in ("ping", "validate", "rotate", "repair", "adopt"))]


def test_who_may_not(us, toggl, page):
    viewer, asked = operator(us, "Vera", role="viewer"), toggl.used()
    jobs = us.sql("select count(*) from ledger.toggl_job")
    assert viewer.get("toggl").status == 200
    for method, path, body in WRITES:
        answer = viewer.call(method, f"toggl/{path}", body)
        assert answer.status == 403 and "owner" in answer.error, path
        for headers in ({"X-HL-CSRF": None}, {"X-HL-CSRF": viewer.csrf}, {"Sec-Fetch-Site": "cross-site"}):
            assert page.call(method, f"toggl/{path}", body, headers=headers).status == 403, path
        assert Page(us).call(method, f"toggl/{path}", body).status in (401, 403), path
    assert Page(us).get("toggl").status == 401
    assert toggl.used() == asked and us.sql("select count(*) from ledger.toggl_job") == jobs and len(shown(page)["connections"]) == 1


def test_by_plain_cgi(us, toggl, page):
    item = subscribe(page)
    variables = {"HTTP_COOKIE": f"hl_session={page.cookie}", "HTTP_X_HL_CSRF": page.csrf}
    answer = by_hand(us, "POST", f"toggl/subscriptions/{item}/rotate", b"{}", **variables)
    assert answer.status == 200 and answer.coded("words")["code"] == "toggl.rotated", answer
    answer = by_hand(us, "POST", "toggl/refresh", **variables)
    assert answer.status == 200, answer
    assert json.loads(by_hand(us, "GET", "toggl", **variables).body)["subscriptions"][0]["state"] == "well"
    assert us.sql("select count(*) from ledger.toggl_job where finished_at is null") == [(0,)]
