# SPDX-License-Identifier: ISC
"""The page while Toggl is in trouble, slow, or lying: nothing is lost or doubled,
and the answer says what happened. And who goes on with what waits: the courier."""
import json
import re
import subprocess
import threading
import time

import pytest

import web_servers
from admin_client import PASSWORD, by_hand, operator
from api_client import Client
from deliveries import run_round, start_courier
from installation import BUILD, WORKSPACE, wait_for
from toggl_server import HOOKS, later, subscription

pytestmark = pytest.mark.foreign

SPENT = (402, {"X-Toggl-Quota-Remaining": "0", "X-Toggl-Quota-Resets-In": "1800"}, "You have hit your hourly limit")


@pytest.fixture
def us(bare_site):
    bare_site.write_conf(toggl_hold_ms="20000")
    return bare_site


@pytest.fixture
def page(us, liar, side):
    web_servers.lighttpd_spawned(us)
    return connected(us)


def connected(us):
    one = operator(us)
    done(one, one.post("toggl/connect", {"token": "secret-token"}))
    return one


def done(page, answer):
    """It succeeds; on a busy machine perhaps behind an answer that did not wait."""
    assert answer.status in (200, 202), answer
    if answer.status == 202:
        wait_for(lambda: page.get(f"toggl/jobs/{answer.json()['job']}").json()["state"] == "done", "the job to end")


def subscribe(page, **more):
    return page.post("toggl/subscriptions", {"workspace_id": str(WORKSPACE), **more})


def states(page):
    return [one["state"] for one in page.get("toggl").json()["subscriptions"]]


def jobs(page):
    return [(one["what"], one["state"]) for one in page.get("toggl").json()["jobs"]]


def open_jobs(us):
    return us.sql("select count(*) from ledger.toggl_job where finished_at is null")[0][0]


# ---- what Toggl says

def test_a_token_that_is_none(us, liar, side):
    web_servers.lighttpd_spawned(us)
    liar.answers["GET /api/me"] = (403, {}, "Incorrect username and/or password")
    one = operator(us)
    answer = one.post("toggl/connect", {"token": "secret-token"})
    assert answer.status == 409 and answer.coded() == {
        "code": "toggl.token_unknown", "message": {"code": "toggl.answered", "status": 403, "answer": "Incorrect username and/or password"}}
    # how it ended is still to be read, and nothing of the token is left
    result = one.get(f"toggl/jobs/{answer.json()['job']}").json()
    assert (result["state"], result["words"]) == ("failed", answer.coded())
    assert us.sql("select count(*) from ledger.toggl_connection where token_sealed is not null") == [(0,)]
    assert one.get("toggl").json()["connections"] == []
    assert "secret-token" not in us.all_logs() + answer.body.decode() + str(us.sql("select * from ledger.audit"))


def test_a_creation_whose_answer_is_lost_is_not_made_twice(us, liar, side, page):
    side.faults["POST"] = [lambda request, do: do() and None]
    answer = subscribe(page)
    assert answer.status == 200 and answer.json()["result"]["item"] == "11", answer
    assert liar.count("POST", "/subscriptions/") == 1 and states(page) == ["well"]


@pytest.mark.parametrize("fault", [(500, {}, "Internal Server Error"), (502, {}, b"<html>bad gateway</html>"), (200, {}, b"\xff\x00"),
                                   (200, {}, {"subscription_id": "many"})], ids=["500", "html", "bytes", "no-number"])
def test_a_creation_that_nobody_knows_of(us, liar, side, page, fault):
    side.faults["POST"] = [fault]
    answer = subscribe(page)
    assert answer.status == 409 and answer.coded()["code"] == "toggl.not_made", answer
    assert liar.count("POST", "/subscriptions/") == 1 and side.there == {}
    assert us.sql("select enabled from ledger.endpoint") == [(False,)]
    assert subscribe(page).status == 200 and states(page) == ["well"]


@pytest.mark.parametrize("finds", ["create", "refresh"])
def test_a_creation_that_comes_to_be_when_it_was_given_up(us, liar, side, page, finds):
    """As behind a gateway that does not wait: the place in the plan is taken, once."""
    late = []
    side.faults["POST"] = [lambda request, do: late.append(request) or (504, {}, "Gateway Time-out")]
    answer = subscribe(page)
    assert answer.status == 409 and answer.coded() == {
        "code": "toggl.not_made", "why": {"code": "toggl.answered", "status": 504, "answer": "Gateway Time-out"}}, answer
    side.there["11"] = subscription(late[0])
    if finds == "create":
        answer = subscribe(page)
        assert answer.status == 409 and answer.coded() == {"code": "toggl.made_meanwhile", "subscription_id": 11, "description": "hookledger"}, answer
    else:
        assert page.post("toggl/refresh").status == 200
        assert subscribe(page).status == 409
    assert liar.count("POST", "/subscriptions/") == 1 and states(page) == ["well"]
    assert us.sql("select enabled from ledger.endpoint") == [(True,)]


@pytest.mark.parametrize("fault, code, hint", [
    ((400, {}, "URL endpoint x responded with status 404 instead of 2xx"), "toggl.callback_unusable", {"code": "toggl.hint_path"}),
    ((402, {"X-Toggl-Quota-Remaining": "20"}, "upgrade"), "toggl.not_in_plan", None),
    ((403, {}, "not an admin"), "toggl.not_allowed", None),
    ((400, {}, "already reached the limit of 1 subscriptions"), "toggl.limit_reached", None),
])
def test_a_creation_that_is_refused_leaves_nothing(us, liar, side, page, fault, code, hint):
    side.faults["POST"] = [fault] * 5
    answer = subscribe(page)
    result = answer.coded()
    assert answer.status == 409 and result["code"] == code and result.get("hint") == hint, answer
    assert result["message"] == {"code": "toggl.answered", "status": fault[0], "answer": fault[2]}
    assert liar.count("POST", "/subscriptions/") == 1 and us.sql("select count(*) from ledger.endpoint") == [(0,)]
    assert open_jobs(us) == 0


def test_a_rotation_that_nobody_knows_of_keeps_both_secrets(us, liar, side, page):
    assert subscribe(page).status == 200
    side.faults["PUT"] = [(500, {}, "oh")] * 4
    answer = page.post("toggl/subscriptions/11/rotate")
    assert answer.status == 409 and answer.coded()["code"] == "toggl.in_doubt"
    assert us.sql("select count(*) from ledger.endpoint_secret where revoked_at is null and valid_until = 'infinity'") == [(2,)]


@pytest.mark.parametrize("answer", [{"id": "x"}, [], 5, b"<html>", b"", None], ids=["no-number", "list", "number", "html", "empty", "null"])
def test_something_else_than_toggl(us, liar, side, answer):
    web_servers.lighttpd_spawned(us)
    liar.answers["GET /api/me"] = (200, {}, answer)
    result = operator(us).post("toggl/connect", {"token": "t"})
    assert result.status == 409 and result.coded()["code"] == "toggl.no_user", result


def test_what_is_asked_too_fast_and_trouble_wait(us, liar, side, page):
    fast = [(429, {"Retry-After": "1"}, "too fast"), (503, {}, "away")]
    liar.answers["GET /api/me/workspaces"] = lambda request: fast.pop(0) if fast else (200, {}, [
        {"id": WORKSPACE, "organization_id": 77, "name": "Acme", "admin": True}])
    began = time.monotonic()
    assert page.post("toggl/refresh").status == 200
    assert time.monotonic() - began > 1 and not fast


def test_what_the_plan_has_no_room_for(us, liar, side, page):
    assert subscribe(page, event_filters=[{"entity": "time_entry", "action": "*"}]).status == 200
    plan = page.get(f"toggl/plan?workspace={WORKSPACE}").json()
    assert plan["leaves_out"][0] == {"entity": "tag", "action": "*"} and plan["words"]["code"] == "toggl.plan_leaves_out", plan
    assert [one["entity"] for one in plan["words"]["filters"][:2]] == ["tag", "workspace_user"] and "actions" not in plan["words"]["filters"][0], plan


# ---- what waits

def test_a_quota_that_ends_in_the_middle(us, liar, side, page):
    assert subscribe(page).status == 200
    side.faults["PUT"] = [SPENT]
    asked = len(liar.asked)
    answer = page.call("PATCH", "toggl/subscriptions/11", {"description": "other"})
    assert answer.status == 202, answer
    result = answer.json()
    assert result["state"] == "waits" and (result["words"]["code"], result["words"]["why"]["code"]) == ("toggl.job_waits", "toggl.quota_spent"), result
    # the page shows times as the operator has them
    assert result["words"]["until"][:16] == result["resumes_at"][:16], result
    assert jobs(page) == [("change", "waits")] and len(liar.asked) == asked + 2
    # not one request more until then, whoever asks
    assert page.post("toggl/subscriptions/11/ping").status == 202
    run_round(us)
    assert len(liar.asked) == asked + 2
    later(us, 31)
    run_round(us)
    assert side.there["11"]["description"] == "other" and liar.count("PUT") == 2 and open_jobs(us) == 0
    result = page.get(f"toggl/jobs/{result['job']}").json()
    assert (result["state"], result["words"]) == ("done", {"code": "toggl.changed", "subscription_id": 11})
    assert page.post(f"toggl/jobs/{result['id']}/continue").status == 404


@pytest.mark.parametrize("method, path, body", [
    ("POST", "toggl/subscriptions", {"workspace_id": str(WORKSPACE)}), ("DELETE", "toggl/subscriptions/11", None),
    ("POST", "toggl/subscriptions/11/rotate", {}), ("POST", "toggl/subscriptions/11/validate", {}),
    ("POST", "toggl/subscriptions/11/repair", {}), ("POST", "toggl/refresh", {}), ("POST", "toggl/load", {}), ("POST", "toggl/check", {})])
def test_every_action_outlives_a_spent_quota(us, liar, side, page, method, path, body):
    for part in ("", "/workspace_users", "/clients", "/projects", "/tags", "/tasks", "/project_users"):
        liar.answers[f"GET /api/workspaces/{WORKSPACE}{part}"] = (200, {}, None if part else {"id": WORKSPACE, "name": "Acme"})
    if path != "toggl/subscriptions":
        assert subscribe(page).status == 200
    # in the middle of what has a middle
    left = 0 if path in ("toggl/subscriptions", "toggl/subscriptions/11/repair", "toggl/check", "toggl/refresh") else 1
    us.sql(f"update ledger.toggl_window set remaining = {left}, resets_at = ledger.clock() + interval '30 minutes'")
    answer = page.call(method, path, body)
    assert answer.status == 202 and answer.json()["resumes_at"], answer
    later(us, 31)
    answer = page.post(f"toggl/jobs/{answer.json()['job']}/continue")
    assert answer.status == 200, answer
    assert open_jobs(us) == 0 and states(page) == ([] if method == "DELETE" else ["well"])
    assert liar.count("POST", "/subscriptions/") == 1 and liar.count("DELETE") <= 1


def hang(liar, key, answer):
    """Lets an address answer only when the event that is returned is set."""
    gate = threading.Event()

    def serve(request):
        gate.wait(30)
        return answer(request) if callable(answer) else answer

    liar.answers[key] = serve
    return gate


def test_one_that_takes_long_goes_on_behind_the_answer(us, liar, side):
    us.write_conf(toggl_hold_ms="500", toggl_timeout_ms="20000")
    web_servers.lighttpd_spawned(us)
    page = connected(us)
    done(page, subscribe(page))
    gate = hang(liar, f"POST /hooks/ping/{WORKSPACE}/11", (200, {}, {"status": "OK"}))
    began = time.monotonic()
    answer = page.post("toggl/subscriptions/11/ping")
    assert answer.status == 202 and answer.json()["state"] == "works" and answer.json()["resumes_at"] is None, answer
    # others are served meanwhile
    assert page.get("toggl").status == 200 and time.monotonic() - began < 5
    gate.set()
    done(page, answer)
    assert liar.count("POST", "/ping/") == 1


def test_so_many_at_once_and_no_more(us, liar, side):
    us.write_conf(toggl_hold_ms="500", toggl_timeout_ms="20000")
    web_servers.lighttpd_spawned(us)
    page = connected(us)
    done(page, subscribe(page))
    gate = hang(liar, f"POST /hooks/ping/{WORKSPACE}/11", (200, {}, {"status": "OK"}))
    answers = [page.post("toggl/subscriptions/11/ping") for _ in range(30)]
    refused = [one for one in answers if one.status == 503]
    assert refused and {one.status for one in answers} == {202, 503} and "nothing was begun" in refused[0].error
    assert "retry-after" in refused[0].headers
    assert us.sql("select count(*) from ledger.toggl_job where kind = 'ping'") == [(30 - len(refused),)]
    gate.set()
    wait_for(lambda: open_jobs(us) == 0, "all to end")
    done(page, page.post("toggl/subscriptions/11/ping"))


def test_a_process_that_is_ended_gives_its_jobs_back(us, liar, side):
    us.write_conf(toggl_hold_ms="500")
    web_servers.lighttpd_spawned(us)
    page = connected(us)
    done(page, subscribe(page))
    variables = {"HTTP_COOKIE": f"hl_session={page.cookie}", "HTTP_X_HL_CSRF": page.csrf}
    gate = hang(liar, f"GET {HOOKS}", lambda request: (200, {}, list(side.there.values())))
    threading.Timer(1.5, gate.set).start()
    answer = by_hand(us, "PATCH", "toggl/subscriptions/11", json.dumps({"description": "by cgi"}).encode(), **variables)
    assert answer.status == 202 and answer.json()["state"] == "stopped" and answer.coded("words") == {"code": "toggl.job_stopped"}, answer
    assert liar.count("PUT") == 0
    # at once: nobody has to wait for a lease
    run_round(us)
    assert side.there["11"]["description"] == "by cgi" and liar.count("PUT") == 1 and open_jobs(us) == 0


# ---- two at once

def lapse(us):
    """As if the process that works on it had died some time ago."""
    us.sql("update ledger.toggl_job set leased_until = clock_timestamp() where finished_at is null")


def test_who_makes_one_is_said(us, liar, side):
    us.write_conf(toggl_hold_ms="300", toggl_timeout_ms="20000")
    web_servers.lighttpd_spawned(us)
    page = connected(us)
    gate, made = threading.Event(), threading.Event()

    def slowly(request, do):
        do()
        made.set()
        gate.wait(30)
        return (200, {}, side.there["11"])

    side.faults["POST"] = [slowly]
    job = subscribe(page).json()["job"]
    assert made.wait(10)
    answer = subscribe(operator(us, "Otto"))
    result = answer.coded()
    assert answer.status == 409 and (result["code"], result["by"], result["workspace_id"], result["job_id"], result["state"]) == (
        "toggl.job_conflict", "Olga", WORKSPACE, int(job), "works"), result
    gate.set()
    wait_for(lambda: open_jobs(us) == 0, "it to end")
    assert states(page) == ["well"] and liar.count("POST", "/subscriptions/") == 1


def test_one_that_waits_for_the_quota_keeps_its_place(us, liar, side, page):
    us.sql("update ledger.toggl_window set remaining = 0, resets_at = ledger.clock() + interval '30 minutes'")
    job = subscribe(page).json()["job"]
    answer = subscribe(page)
    assert answer.status == 409, answer
    assert (answer.coded()["code"], answer.coded()["state"]) == ("toggl.job_conflict", "waits"), answer
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]+Z", answer.coded()[name]) for name in ("begun_at", "until")), answer
    assert us.sql("select count(*) from ledger.endpoint") == [(1,)]
    later(us, 31)
    assert page.post("session/proof", {"password": PASSWORD}).status == 200
    # the same again is the one that waits; another has to wait for it
    other = {"workspace_id": str(WORKSPACE), "description": "another"}
    answer = page.post("toggl/subscriptions", other)
    assert answer.status == 409 and answer.coded()["state"] == "stopped", answer
    answer = subscribe(page)
    assert answer.status == 200 and answer.json()["job"] == job, answer
    assert liar.count("POST", "/subscriptions/") == 1 and us.sql("select count(*) from ledger.endpoint") == [(1,)]


def test_a_process_that_dies_in_the_middle_locks_nobody_out(us, liar, side, page):
    """Killed while Toggl was making it: whoever comes next finds what was made."""
    side.kill_in_creation(us)
    answer = subscribe(page)
    result = answer.coded()
    assert answer.status == 409 and (result["code"], result["is_interactive"], result["state"]) == ("toggl.job_conflict", True, "works"), answer
    assert "by" not in result and "until" in result, answer
    lapse(us)
    answer = subscribe(page)
    assert answer.status == 200 and answer.json()["result"]["item"] == "11", answer
    assert liar.count("POST", "/subscriptions/") == 1 and states(page) == ["well"] and open_jobs(us) == 0


def test_one_that_is_gone_is_made_anew_once(us, liar, side, page):
    assert subscribe(page).status == 200
    side.there.clear()
    us.write_conf(toggl_repair="yes")
    gate, asked = threading.Event(), threading.Event()

    def slowly(request, do):
        asked.set()
        gate.wait(30)
        return (200, {}, do())

    side.faults["POST"] = [slowly]
    child = us.spawn("repair", [BUILD / "hookledger", "toggl", "repair"])
    assert asked.wait(10)
    answer = page.post("toggl/subscriptions/11/repair")
    assert answer.status == 409 and answer.coded()["code"] == "toggl.job_conflict" and "subscription_id" not in answer.coded(), answer
    gate.set()
    assert child.wait(30) == 0
    us.processes.remove(child)
    assert liar.count("POST", "/subscriptions/") == 2 and states(page) == ["well"]


def test_two_new_secrets_at_once_are_one(us, liar, side, page):
    assert subscribe(page).status == 200
    gate = hang(liar, f"GET {HOOKS}", lambda request: (200, {}, list(side.there.values())))
    child = us.spawn("rotate", [BUILD / "hookledger", "toggl", "rotate", "11"])
    wait_for(lambda: open_jobs(us) == 1, "it to begin")
    answer = page.post("toggl/subscriptions/11/rotate")
    assert answer.status == 409 and (answer.coded()["code"], answer.coded()["subscription_id"]) == ("toggl.job_conflict", 11), answer
    gate.set()
    assert child.wait(30) == 0
    us.processes.remove(child)
    assert us.sql("select count(*) from ledger.endpoint_secret") == [(2,)] and liar.count("PUT") == 1


# ---- the courier

def test_a_courier_looks_at_toggl(us, liar, side, page):
    assert subscribe(page).status == 200
    side.there["11"]["enabled"] = False
    us.write_conf(toggl_repair="no")
    later(us, 7 * 60)
    start_courier(us)
    wait_for(lambda: states(page) == ["disabled"], "the courier to look")
    assert liar.count("PUT") == 0


def test_a_courier_mends_when_it_may(us, liar, side, page):
    assert subscribe(page).status == 200
    side.there["11"]["enabled"] = False
    later(us, 7 * 60)
    us.write_conf(toggl_repair="yes")
    run_round(us)
    assert side.there["11"]["enabled"] is True and states(page) == ["well"] and liar.count("PUT") == 1


def test_what_failed_by_itself_is_shown(us, liar, side, page):
    us.write_conf(toggl_prove_hours="0")
    assert subscribe(page).status == 200
    later(us, 7 * 60)
    us.sql("update ledger.toggl_connection set refused_at = null")
    liar.answers[f"GET {HOOKS}"] = (401, {}, "Incorrect username and/or password")
    run_round(us)
    shown = page.get("toggl").json()
    assert shown["connections"][0]["state"] == "refused"
    assert [(one["what"], one["state"], one["by_itself"]) for one in shown["jobs"]] == [("check", "failed", True)]


def test_a_web_cron_does_it_too(us, liar, side, page):
    assert subscribe(page).status == 200
    us.sql("update ledger.toggl_window set remaining = 0, resets_at = ledger.clock() + interval '30 minutes'")
    assert page.post("toggl/subscriptions/11/ping").status == 202
    later(us, 31)
    path = "/tick/" + us.hookledger("tick", "add", "web-cron").stdout.split("/tick/")[1].split()[0]
    assert Client(us, None).get(path).status == 200
    wait_for(lambda: liar.count("POST", "/ping/") == 1 and open_jobs(us) == 0, "the round to reach Toggl")


def test_a_courier_that_is_killed_leaves_nobody(us, liar, side, page):
    assert subscribe(page).status == 200
    later(us, 7 * 60)
    gate = hang(liar, f"GET {HOOKS}", lambda request: (200, {}, list(side.there.values())))
    asked = liar.count("GET", HOOKS)
    child = start_courier(us)
    wait_for(lambda: liar.count("GET", HOOKS) > asked, "it to ask")
    beside = subprocess.run(["pgrep", "-P", str(child.pid)], capture_output=True, text=True, check=True).stdout.split()
    assert len(beside) == 1
    child.kill()
    child.wait()
    us.processes.remove(child)
    gate.set()
    wait_for(lambda: subprocess.run(["ps", "-p", beside[0]], capture_output=True).returncode, "the process beside it to end")
