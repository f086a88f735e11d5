# SPDX-License-Identifier: ISC
"""Once a day what no subscription at Toggl brings is loaded again, after all other work and within half of the quota."""
import pytest

from installation import WORKSPACE
from toggl_server import Liar, connect, later

pytestmark = pytest.mark.plain
DAY = 24 * 60 + 1


def tell(toggl, model, action="created", **payload):
    """An entity at Toggl, which no callback of us brings."""
    site = toggl.site
    if not site.sql("select from ledger.endpoint"):
        site.add_endpoint()
    body = site.event(model=model, action=action, payload={"workspace_id": WORKSPACE, **payload})
    assert site.send(body).status == 200


def connected(us, toggl, filters, *more):
    connect(us, toggl.token, "--filters", filters, *more)
    us.write_conf(toggl_load_hours="24", toggl_check_hours="0")


def go_on(us, check=True):
    """What the courier does by itself."""
    return us.hookledger("toggl", "continue", check=check)


def project(us, number=100):
    return us.sql("select name, deleted_at is not null from toggl.project where project_id = %s", number)


def test_a_renamed_project(us, toggl):
    tell(toggl, "project", id=100, name="old", active=True, at="2026-01-02T03:04:05Z")
    tell(toggl, "tag", id=7, name="T", at="2026-01-02T03:04:05Z")
    connected(us, toggl, "time_entry:*")
    assert project(us) == [("old", False)]
    tell(toggl, "project", "updated", id=100, name="new", active=True, at="2026-02-02T03:04:05Z")
    used, events = toggl.used(), us.sql("select count(*) from ledger.event")[0][0]
    later(us, 23 * 60)
    go_on(us)
    assert project(us) == [("old", False)] and toggl.used() == used, "a day has not passed"
    later(us, 61)
    go_on(us)
    assert project(us) == [("new", False)]
    # the whole list of each of seven kinds by the workspace's window (groups have no path there), deletions of
    # four kinds by the user's
    spent = toggl.used()
    assert (spent[0] - used[0], spent[1] - used[1]) == (4, 7)
    assert us.sql("select count(*) from ledger.event") == [(events + 1,)], "what is equal writes nothing"
    assert us.sql("select distinct source from ledger.event") == [("backfill",)]
    assert us.sql("select count(*) from ledger.outbox") == [(0,)]
    # neither proof of life nor news
    assert us.sql("select last_event_at from toggl.freshness") == [(None,)]
    go_on(us)
    assert toggl.used() == spent, "once a day"
    later(us, DAY)
    toggl.later(DAY)
    go_on(us)
    assert toggl.used() == (4, 7) and us.sql("select count(*) from ledger.event") == [(events + 1,)]


def test_what_toggl_deleted(us, toggl):
    tell(toggl, "project", id=100, name="P", active=True, at="2026-01-02T03:04:05Z")
    tell(toggl, "project", id=101, name="Q", active=False, at="2026-01-02T03:04:05Z")
    tell(toggl, "client", id=7, name="C", archived=True, at="2026-01-02T03:04:05Z")
    connected(us, toggl, "time_entry:*")
    assert project(us, 101) == [("Q", False)], "archived ones too"
    assert us.sql("select name, archived from toggl.client") == [("C", True)]
    tell(toggl, "project", "deleted", id=100, name="P", active=True)
    tell(toggl, "client", "deleted", id=7, name="C")
    later(us, DAY)
    go_on(us)
    assert project(us) == [("P", True)] and project(us, 101) == [("Q", False)]
    assert us.sql("select deleted_at is not null from toggl.client") == [(True,)]
    count = us.sql("select count(*) from ledger.event")
    later(us, DAY)
    go_on(us)
    assert us.sql("select count(*) from ledger.event") == count
    us.sql("truncate toggl.project, toggl.client")
    us.hookledger("rebuild", "--restart")
    assert project(us) == [("P", True)]


@pytest.mark.parametrize("filters, requests", (("*:*", None), ("time_entry:*,project:*,client:*", (2, 5)),
                                               ("project:created,project:updated,*:deleted", (3, 6))))
def test_what_the_filters_bring_is_not_asked(us, toggl, filters, requests):
    connected(us, toggl, filters)
    used = toggl.used()
    later(us, DAY)
    go_on(us)
    spent = toggl.used()
    assert (spent[0] - used[0], spent[1] - used[1]) == (requests or (0, 0))
    assert us.sql("select count(*) from ledger.toggl_job where kind = 'reload'") == [(int(bool(requests)),)]


def test_a_disabled_subscription_brings_nothing(us, toggl):
    connected(us, toggl, "*:*")
    us.sql("update ledger.toggl_subscription set enabled = false")
    later(us, DAY)
    go_on(us)
    assert us.sql("select count(*) from ledger.toggl_job where kind = 'reload' and not failed") == [(1,)]


def test_it_can_be_switched_off(us, toggl):
    connected(us, toggl, "time_entry:*")
    us.write_conf(toggl_load_hours="0")
    later(us, 10 * DAY)
    go_on(us)
    assert us.sql("select count(*) from ledger.toggl_job where kind = 'reload'") == [(0,)]


def test_other_work_first(us, toggl):
    """It begins when no other job waits, and leaves half of the window."""
    connected(us, toggl, "time_entry:*", "--no-load")
    toggl.later()
    toggl.limit(8)
    later(us, DAY)
    # of each window of 30 until Toggl says another number
    us.sql("update ledger.toggl_window set total = 8, remaining = 8, resets_at = ledger.clock() + interval '50 minutes' where organization_id <> 0")
    waits = go_on(us, check=False)
    assert waits.returncode == 1
    assert toggl.used()[1] == 4
    assert us.hookledger("toggl", "load", check=False).returncode == 1
    assert toggl.used()[1] == 8, "a person gets the other half"
    us.sql("update ledger.toggl_job set finished_at = now(), failed = true where kind = 'reload'")
    later(us, DAY)
    us.sql("update ledger.toggl_job set leased_until = now() + interval '1 hour' where kind = 'load'")
    go_on(us, check=False)
    assert us.sql("select count(*) from ledger.toggl_job where kind = 'reload'") == [(1,)], "a load waits"


def test_groups_and_a_kind_that_fails(us):
    """Groups have no table of their own; which of them work on a project is asked for given projects."""
    here = f"GET /api/workspaces/{WORKSPACE}"
    liar = Liar(us, {
        f"{here}": (200, {}, {"id": WORKSPACE, "name": "Acme"}),
        f"{here}/projects": (200, {}, [{"id": 100 + n, "workspace_id": WORKSPACE, "name": f"P{n}"} for n in range(3)]),
        f"{here}/groups": (200, {}, [{"id": 5, "workspace_id": WORKSPACE, "name": "Night shift", "at": "2026-01-02T03:04:05Z"}]),
        f"{here}/project_groups": (200, {}, [{"id": 9, "group_id": 5, "pid": 101, "wid": WORKSPACE}])})
    try:
        connect(us, "token", "--no-subscription")
        us.write_conf(toggl_load_hours="24", toggl_check_hours="0")
        assert us.sql("select model, entity_id, payload ->> 'name' from toggl.other_entity") == [("group", 5, "Night shift")]
        assert us.sql("select group_id, project_id from toggl.project_group") == [(5, 101)]
        assert [r["path"].split("?")[1] for r in liar.asked if "/project_groups" in r["path"]] == ["project_ids=100,101,102"]
        liar.answers[f"{here}/projects"] = (200, {}, {"no": "list"})
        liar.answers[f"{here}/groups"] = (200, {}, [{"id": 5, "workspace_id": WORKSPACE, "name": "Day shift", "at": "2026-02-02T03:04:05Z"}])
        later(us, DAY)
        go_on(us)
        assert us.sql("select payload ->> 'name' from toggl.other_entity") == [("Day shift",)]
        assert us.sql("select failed, message::text ~ 'no_list' from ledger.toggl_job where kind = 'reload'") == [(False, True)]
    finally:
        liar.close()


@pytest.mark.parametrize("deleted", (None, "never", 17, [], {}, "9999-99-99T00:00:00Z", "2026-02-30T00:00:00Z"))
def test_deletions_that_are_none(us, deleted):
    here = f"GET /api/workspaces/{WORKSPACE}"
    liar = Liar(us, {f"{here}/projects": (200, {}, [{"id": 100, "workspace_id": WORKSPACE, "name": "P"}]),
                     "GET /api/me/projects": (200, {}, [{"id": 100, "workspace_id": WORKSPACE, "server_deleted_at": deleted}, 7, None,
                                                        {"id": "x", "server_deleted_at": "2026-01-01T00:00:00Z"},
                                                        {"id": 100, "workspace_id": 3, "server_deleted_at": "2026-01-01T00:00:00Z"}]),
                     "GET /api/me/tags": (200, {}, {"no": "list"}), "GET /api/me/clients": (400, {}, "since is too old"),
                     "GET /api/me/tasks": (200, {}, b"\xff{")})
    try:
        connect(us, "token", "--no-subscription")
        assert us.sql("select project_id, deleted_at from toggl.project") == [(100, None)]
    finally:
        liar.close()
