# SPDX-License-Identifier: ISC
"""Load the past, see what is complete, and what differs from Toggl: another hookledger plays Toggl."""
import pytest

import web_servers
from admin_client import PASSWORD
from fixtures import finish, make_site
from installation import WORKSPACE
from toggl_server import Toggl, connect

ADA = 9000001


@pytest.fixture
def past(request, own_page, bare_site, shared_cluster, template, run_folder):
    """Our page, connected to a Toggl that has ten entries of the last ten days."""
    other = make_site(request, shared_cluster, run_folder / "toggls", template)
    try:
        page = own_page
        page.toggl = Toggl(other, bare_site)
        other.add_endpoint()
        for number in range(1, 11):
            tell(other, number)
        web_servers.lighttpd_spawned(bare_site)
        connect(bare_site, page.toggl.token, "--no-subscription", "--no-load")
        bare_site.hookledger("operator", "add", "Olga", "--password-file", "-", stdin=PASSWORD)
        page.ours = bare_site
        page.login("Olga", route="#/toggl/history")
        page.says("nothing loaded yet")
        yield page
    finally:
        finish(request, other)


def tell(site, ago):
    """An entry of an hour, so many days ago."""
    day, stamp = site.sql("select to_char(t.at, 'YYYY-MM-DD'), to_char(t.at, 'YYYY-MM-DD\"T\"10:00:00\"Z\"') "
                          "from (select ledger.clock() at time zone 'UTC' - %s * interval '1 day' as at) t", ago)[0]
    body = site.event(model="time_entry", action="created", created_at=stamp, event_id=500 + ago,
                      payload={"id": ago, "user_id": ADA, "workspace_id": WORKSPACE, "start": f"{day}T08:00:00Z", "duration": 3600,
                               "description": f"entry {ago}", "at": stamp})
    assert site.send(body).status == 200
    body = site.event(model="workspace_user", action="created", created_at=stamp, event_id=600 + ago,
                      payload={"id": 401, "user_id": ADA, "name": "Ada", "timezone": "Etc/UTC", "workspace_id": WORKSPACE, "at": stamp})
    assert site.send(body).status == 200


def day(site, ago):
    return site.sql("select ((ledger.clock() at time zone 'UTC')::date - %s::integer)::text", ago)[0][0]


def shoot(page, name):
    for width in (360, 1280):
        page.screen(width)
        assert not page.is_wide(), width
        for dark in (False, True):
            page.scheme("dark" if dark else "light")
            page.shoot(f"{name}-{width}-{'dark' if dark else 'light'}", width)
    page.scheme("light")


def test_from_a_plan_to_the_calendar(past):
    page, us = past, past.ours
    us.hookledger("toggl", "load")
    page.js("document.getElementById('history-from').value = arguments[0]", day(us, 10))
    page.press("Plan")
    page.says("About 10 entries", ".plan")
    assert us.sql("select count(*) from ledger.event where source = 'backfill' and model = 'time_entry'") == [(0,)], "nothing is loaded by a plan"
    shoot(page, "history-planned")
    page.press("Load")
    page.wait(lambda: "loaded since" in page.text("main"), "the load")
    assert us.sql("select count(*) from toggl.time_entry") == [(10,)]
    page.wait(lambda: len(page.all("td.day.equal, td.day.filled")) >= 10, "the calendar")
    assert page.axe() == []
    shoot(page, "history-loaded")


def test_a_day_that_differs(past):
    page, us = past, past.ours
    us.hookledger("toggl", "load")
    us.hookledger("history", "load", "--yes", "--from", day(us, 10))
    wrong = day(us, 3)
    us.sql("update ledger.completeness set state = 'differs', seconds_toggl = 7200 where day = %s and user_id = 0", wrong)
    us.sql("insert into ledger.completeness (workspace_id, day, user_id, seconds_here, seconds_toggl, checked_at, state) "
           "values (%s, %s, %s, 3600, 7200, now(), 'differs') on conflict (workspace_id, day, user_id) do update set state = 'differs', seconds_toggl = 7200",
           WORKSPACE, wrong, ADA)
    us.sql("insert into ledger.repair_range (workspace_id, from_at, until_at, reason, closed_at, filled, unknown_days) "
           "values (%s, now() - interval '3 hours', now() - interval '1 hour', 'silence', now(), 2, 0)", WORKSPACE)
    page.open("#/toggl/history")
    page.says("What differs")
    page.says("Ada")
    page.says("−1 hr")
    page.says("2 changes")
    assert page.axe() == []
    shoot(page, "history-differs")
    # by keyboard: the days that have something to say are links
    link = page.all("td.day.differs a")[0]
    link.send_keys("\n")
    page.says("time by person")
    page.says("1 hr here, 2 hrs at Toggl")
    page.press("Compare again")
    page.wait(lambda: us.sql("select state from ledger.completeness where day = %s and user_id = 0", wrong)[0][0] in ("equal", "filled"), "the comparison", 30)
    page.wait(lambda: not page.all("td.day.differs"), "the calendar")


def test_what_cannot_be_loaded_says_why(past):
    page = past
    page.may_fail(400)
    page.js("const field = document.getElementById('history-from'); field.removeAttribute('max'); field.value = '2999-01-01'")
    page.press("Plan")
    page.says("2999", "form > [role=alert]")
    assert not page.all(".plan button")


def test_a_viewer_only_looks(past):
    page, us = past, past.ours
    us.hookledger("operator", "add", "Vera", "--role", "viewer", "--password-file", "-", stdin=PASSWORD)
    page.driver.delete_all_cookies()
    page.login("Vera", route="#/toggl/history")
    page.says("nothing loaded yet")
    assert not page.all("#history-from")
