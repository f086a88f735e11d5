# SPDX-License-Identifier: ISC
"""Toggl in trouble, or lying: played by a server of the test's own, which counts
what it is asked. Nothing is lost or doubled, and the words say what happened."""
import json
import re
import time

import pytest

from installation import BUILD, WORKSPACE
from toggl_server import HOOKS, connect, later, listed, token_of

pytestmark = pytest.mark.foreign

@pytest.fixture
def us(bare_site):
    return bare_site


def test_the_token_goes_to_toggl_only_as_basic_authentication(us, liar, side):
    connect(us, "secret-token", "--no-load")
    assert {token_of(request) for request in liar.asked} == {"secret-token:api_token"}
    made = next(request for request in liar.asked if request["method"] == "POST")
    assert made["headers"]["Content-Type"] == "application/json"
    # the secret is one of ours, stored before Toggl heard of it
    assert len(made["body"]["secret"]) >= 43 and made["body"]["enabled"] is True
    assert us.sql("select count(*) from ledger.endpoint_secret") == [(1,)]
    assert "secret-token" not in us.all_logs()


def test_a_creation_whose_answer_is_lost_is_not_made_twice(us, liar, side):
    def lose(request, do):
        do()

    side.faults["POST"] = [lose]
    said = connect(us, "t", "--no-load").stdout
    assert "Subscription 11" in said, said
    assert liar.count("POST", "/subscriptions/") == 1
    assert [one["state"] for one in listed(us)] == ["well"]
    assert us.sql("select count(*) from ledger.endpoint where enabled") == [(1,)]


@pytest.mark.parametrize("fault", [(500, {}, "Internal Server Error"), (502, {}, b"<html>bad gateway</html>"),
                                   (200, {}, b"\xff\x00 no text"), (200, {}, {"subscription_id": "many"}), (200, {}, [])],
                         ids=["500", "html", "bytes", "no-number", "list"])
def test_a_creation_that_nobody_knows_of(us, liar, side, fault):
    side.faults["POST"] = [fault]
    done = connect(us, "t", "--no-load", check=False)
    assert done.returncode == 1 and "not in Toggl's list" in done.stderr and "toggl add" in done.stderr, done.stderr
    assert liar.count("POST", "/subscriptions/") == 1 and side.there == {}
    # its endpoint takes nothing, and is kept: Toggl may still be at it
    assert us.sql("select enabled from ledger.endpoint") == [(False,)]
    us.hookledger("toggl", "add", "--workspace", WORKSPACE)
    assert [one["state"] for one in listed(us)] == ["well"]


def test_a_creation_that_takes_too_long(us, liar, side):
    def hang(request, do):
        do()
        time.sleep(3)

    us.write_conf(toggl_timeout_ms="2000")
    side.faults["POST"] = [hang]
    said = connect(us, "t", "--no-load").stdout
    assert "Subscription 11" in said and liar.count("POST", "/subscriptions/") == 1


def test_what_is_asked_too_fast_waits(us, liar):
    fast = [(429, {"Retry-After": "1"}, "too fast"), (429, {}, "too fast")]
    liar.answers["GET /api/me"] = lambda request: fast.pop(0) if fast else (200, {}, {"id": 5, "fullname": "Ada"})
    began = time.monotonic()
    connect(us, "t", "--no-load", "--no-subscription")
    assert liar.count("GET", "/api/me") - liar.count("GET", "/api/me/") == 3 and time.monotonic() - began > 1


def test_trouble_is_tried_a_few_times(us, liar):
    liar.answers["GET /api/me"] = (503, {}, "away")
    done = connect(us, "t", check=False)
    assert done.returncode == 1 and "503" in done.stderr and "Try again later" in done.stderr
    assert liar.count("GET", "/api/me") == 4
    assert us.sql("select count(*) from ledger.toggl_connection where token_sealed is not null") == [(0,)]


def test_a_window_that_is_spent_is_left_alone(us, liar, side):
    connect(us, "t", "--no-load")
    liar.answers[f"GET /api/workspaces/{WORKSPACE}"] = (200, {"X-Toggl-Quota-Remaining": "1", "X-Toggl-Quota-Resets-In": "1800"},
                                                       {"id": WORKSPACE, "name": "Acme"})
    liar.answers[f"GET /api/workspaces/{WORKSPACE}/workspace_users"] = (
        402, {"X-Toggl-Quota-Remaining": "0", "X-Toggl-Quota-Resets-In": "1800"}, "You have hit your hourly limit")
    asked = len(liar.asked)
    done = us.hookledger("toggl", "load", check=False)
    assert done.returncode == 1 and re.search(r"is spent; it starts again at [\d:]{8} UTC \(in 30 minutes\)", done.stderr), done.stderr
    assert len(liar.asked) == asked + 2
    for words in (["load"], ["ping", "11"], ["refresh"]):
        us.hookledger("toggl", *words, check=False)
    # the user's own window is another one
    assert [request["path"] for request in liar.asked[asked + 2:]] == ["/api/me/quota", "/api/me/workspaces"]
    later(us, 31)
    for part in ("workspace_users", "clients", "projects", "tags", "tasks", "project_users"):
        liar.answers[f"GET /api/workspaces/{WORKSPACE}/{part}"] = (200, {}, None)
    us.hookledger("toggl", "continue")
    assert us.sql("select name from toggl.workspace") == [("Acme",)]
    assert us.sql("select count(*) from ledger.toggl_job where finished_at is null") == [(0,)]


def test_a_plan_that_lacks_it_is_not_asked_again(us, liar, side):
    side.faults["POST"] = [(402, {"X-Toggl-Quota-Remaining": "20", "X-Toggl-Quota-Resets-In": "100"}, "upgrade")] * 9
    done = connect(us, "t", "--no-load", check=False)
    assert done.returncode == 1 and "plan" in done.stderr and "upgrade" in done.stderr
    assert liar.count("POST", "/subscriptions/") == 1
    assert us.sql("select count(*) from ledger.endpoint") == [(0,)]


def test_wildcards_that_count_for_more(us, liar, side):
    """Nobody has published how Toggl counts them: then the next best filters."""
    refused = (400, {}, "The limit of 3 event filters for your subscription has been exceeded as you're trying to set 27 filters")
    side.faults["POST"] = [refused, refused]
    said = connect(us, "t", "--no-load").stdout
    assert side.there["11"]["event_filters"] == [{"entity": "time_entry", "action": action} for action in ("created", "updated", "deleted")]
    assert "brings time entries: created, updated, deleted\nThe plan has no room for projects: all changes; clients: all changes; " in said, said


def test_the_planner_speaks_as_people_do(us, liar, side):
    connect(us, "t", "--no-load", "--no-subscription")
    said = us.hookledger("toggl", "add", "--workspace", WORKSPACE, "--filters", "time_entry:*").stdout
    assert "brings time entries: all changes\n" in said, said
    proposal = json.loads(us.hookledger("toggl", "plan", WORKSPACE, "--json").stdout)["proposals"][0]
    assert proposal["words"] == "projects: all changes; clients: all changes; tasks: all changes"
    assert proposal["left_out"].startswith("tags: all changes; members: all changes; "), proposal
    # and says what would have to be written to get that
    us.hookledger("toggl", "edit", "11", "--filters", "time_entry:created")
    us.hookledger("toggl", "edit", "11", "--filters", proposal["filters"])
    assert side.there["11"]["event_filters"] == [{"entity": entity, "action": "*"} for entity in ("project", "client", "task")]


def test_a_description_that_is_taken(us, liar, side):
    side.faults["POST"] = [(400, {}, f"Subscription description 'hookledger' is already in use for workspace {WORKSPACE}")]
    connect(us, "t", "--no-load")
    assert side.there["11"]["description"] == "hookledger (2)"


def test_one_that_is_never_validated_is_taken_away(us, liar, side):
    side.faults["POST"] = [lambda request, do: (200, {}, dict(do(), validated_at=None))]
    liar.answers[f"GET {HOOKS}"] = lambda request: (200, {}, [dict(one, validated_at=None) for one in side.there.values()])
    done = connect(us, "t", "--no-load", check=False)
    assert done.returncode == 1 and "has not validated" in done.stderr and "was deleted again" in done.stderr, done.stderr
    assert side.there == {} and us.sql("select count(*) from ledger.endpoint") == [(0,)]


def test_a_deletion_that_does_not_take(us, liar, side):
    connect(us, "t", "--no-load")
    side.there["11"]["enabled"] = False
    side.faults["DELETE"] = [lambda request, do: (200, {}, side.there["11"])]
    us.hookledger("toggl", "delete", "11")
    put = next(request for request in liar.asked if request["method"] == "PUT")
    assert put["body"]["enabled"] is True and liar.count("DELETE") == 2 and side.there == {} and listed(us) == []


def test_a_deletion_that_never_takes(us, liar, side):
    connect(us, "t", "--no-load")
    side.faults["DELETE"] = [lambda request, do: (200, {}, {})] * 9
    done = us.hookledger("toggl", "delete", "11", check=False)
    assert done.returncode == 1 and "deleted twice" in done.stderr and liar.count("DELETE") == 2
    assert len(listed(us)) == 1


def test_a_rotation_that_is_refused_changes_nothing(us, liar, side):
    connect(us, "t", "--no-load")
    side.faults["PUT"] = [(400, {}, "URL endpoint x responded with status 401 instead of 2xx")]
    done = us.hookledger("toggl", "rotate", "11", check=False)
    assert done.returncode == 1 and "master_key" in done.stderr, done.stderr
    assert us.sql("select count(*) filter (where revoked_at is null and valid_until = 'infinity'), count(*) from ledger.endpoint_secret") == [(1, 2)]
    # whose outcome nobody knows: both are good
    side.faults["PUT"] = [(500, {}, "oh")] * 4
    assert us.hookledger("toggl", "rotate", "11", check=False).returncode == 1
    assert us.sql("select count(*) from ledger.endpoint_secret where revoked_at is null and valid_until = 'infinity'") == [(2,)]


@pytest.mark.parametrize("answer", [{"id": "x"}, [], "null", 5, b"<html>", b"", None, {"id": -1}],
                         ids=["no-number", "list", "text", "number", "html", "empty", "null", "negative"])
def test_something_else_than_toggl(us, liar, answer):
    liar.answers["GET /api/me"] = (200, {}, answer)
    done = connect(us, "t", check=False)
    assert done.returncode == 1 and "toggl_api_url" in done.stderr, done.stderr
    assert us.sql("select count(*) from ledger.toggl_connection where token_sealed is not null") == [(0,)]


def test_lists_full_of_lies(us, liar, side):
    connect(us, "t", "--no-load")
    entity = {"id": 1, "workspace_id": WORKSPACE, "name": "good", "at": "9999-01-01T00:00:00Z"}
    liar.answers.update({
        f"GET /api/workspaces/{WORKSPACE}": (200, {}, {"id": 1, "name": "another"}),
        f"GET /api/workspaces/{WORKSPACE}/workspace_users": (403, {}, "not for you"),
        f"GET /api/workspaces/{WORKSPACE}/clients": (200, {}, [entity, entity, None, 5, [], {"id": "1e9"}, {"id": 2**70},
                                                             {"id": 3, "wid": 5, "name": "of another"}, {"id": 2, "name": "a\u0000b", "at": []}]),
        # a server that knows no pages
        f"GET /api/workspaces/{WORKSPACE}/projects": (200, {}, [{"id": 1 + n, "name": f"p{n}"} for n in range(300)]),
        f"GET /api/workspaces/{WORKSPACE}/tags": (200, {}, "null"),
        f"GET /api/workspaces/{WORKSPACE}/tasks": (200, {}, {"data": None}),
        f"GET /api/workspaces/{WORKSPACE}/project_users": (200, {}, []),
    })
    done = us.hookledger("toggl", "load", check=False)
    assert "no list of tags" in done.stderr, done.stderr
    liar.answers[f"GET /api/workspaces/{WORKSPACE}/tags"] = (200, {}, None)
    done = us.hookledger("toggl", "load")
    assert "left out" in done.stdout and "not for you" in done.stdout, done.stdout
    assert us.sql("select client_id from toggl.client order by 1") == [(1,), (2,)]
    assert us.sql("select count(*), count(distinct project_id) from toggl.project") == [(300, 300)]
    assert us.sql("select count(*) from ledger.event where created_at > now()") == [(0,)]
    assert us.sql("select count(*) from toggl.workspace") == [(0,)]
    assert json.loads(us.hookledger("verify", "--json").stdout)["false"] == 0
    before = us.sql("select count(*) from ledger.event")
    us.hookledger("toggl", "load")
    assert us.sql("select count(*) from ledger.event") == before


def test_the_background_leaves_the_reserve_to_people(us, liar, side):
    connect(us, "t", "--no-load")
    liar.answers[f"GET {HOOKS}"] = lambda request: (200, {"X-Toggl-Quota-Remaining": "5", "X-Toggl-Quota-Resets-In": "1800"},
                                                    list(side.there.values()))
    us.hookledger("toggl", "refresh")
    later(us, 7 * 60)
    us.sql("update ledger.toggl_window set remaining = 5, resets_at = resets_at + interval '8 hours'")
    asked = len(liar.asked)
    done = us.hookledger("toggl", "continue", check=False)
    assert done.returncode == 1 and "are reserved for jobs of people who wait" in done.stderr, done.stderr
    assert len(liar.asked) == asked
    us.hookledger("toggl", "ping", "11")
    assert len(liar.asked) == asked + 1


def test_the_pace_is_shared_by_processes(us, liar, side):
    connect(us, "t", "--no-load")
    us.write_conf(toggl_pace_ms="400")
    asked = len(liar.asked)
    children = [us.spawn(f"ping{n}", [BUILD / "hookledger", "toggl", "ping", "11"]) for n in range(4)]
    for child in children:
        assert child.wait(60) == 0
        us.processes.remove(child)
    times = sorted(request["at"] for request in liar.asked[asked:])
    assert len(times) == 4 and all(after - before > 0.3 for before, after in zip(times, times[1:])), times
