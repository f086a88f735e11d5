# SPDX-License-Identifier: ISC
"""`hookledger toggl compare`: another hookledger plays Toggl; what was lost is found, filled and confirmed."""
import json

import pytest

from installation import WORKSPACE
from toggl_server import connect

pytestmark = pytest.mark.plain

ADA, BEN = 9000001, 9000002


@pytest.fixture
def toggl(us, toggl):
    toggl.site.add_endpoint()
    for number, user, zone in ((401, ADA, "Europe/Berlin"), (402, BEN, "America/Los_Angeles")):
        tell(toggl.site, number, "created", {"id": number, "user_id": user, "name": f"user {user}", "timezone": zone}, "workspace_user", days=9)
    for number in range(1, 7):	# the same at both sides
        tell(toggl.site, number, "created", entry(number, ADA if number % 2 else BEN, f"{day(toggl.site, number)}T10:00:00Z"), days=8)
    connect(us, toggl.token, "--no-subscription", "--no-load")
    us.hookledger("toggl", "load")
    us.hookledger("toggl", "compare")
    assert us.sql("select count(*) from toggl.time_entry") == [(6,)]
    return toggl


def day(site, ago):
    """The day so many days ago."""
    return site.sql("select ((ledger.clock() at time zone 'UTC')::date - %s::integer)::text", ago)[0][0]


def tell(site, number, action, payload, model="time_entry", days=0, creator=ADA):
    """An event at the site that plays Toggl, so many days ago; `number` is different for each entity and change."""
    site.event_number = getattr(site, "event_number", 1000) + 1
    at = site.sql("select (ledger.clock() - %s * interval '1 day')::timestamptz", days)[0][0]
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    body = site.event(model=model, action=action, created_at=stamp, event_id=site.event_number,
                      payload={**payload, "workspace_id": WORKSPACE, "at": stamp[:19] + "Z"})
    assert site.send(body).status == 200


def entry(number, user, start, seconds=3600, **more):
    return {"id": number, "user_id": user, "start": start, "duration": seconds, "description": f"entry {number}", **more}


def compare(us, *more, check=True):
    return us.hookledger("toggl", "compare", *more, check=check)


def states(us):
    return dict(us.sql("select day::text, state from toggl.completeness where user_id is null"))


def seconds(us):
    return dict(us.sql("select day::text, seconds_here from toggl.completeness where user_id is null and seconds_here > 0"))


def ours(us, number):
    rows = us.sql("select user_id, start_at, duration_seconds, deleted_at is not null from toggl.time_entry where time_entry_id = %s", number)
    return rows[0] if rows else None


def test_nothing_differs(us, toggl):
    events = us.sql("select count(*) from ledger.event")
    before = toggl.used()[1]
    done = compare(us)
    assert "7 days are equal" in done.stdout or "filled" in done.stdout, done.stdout
    assert toggl.used()[1] - before == 2, "one search, one week"
    assert us.sql("select count(*) from ledger.event") == events
    assert set(states(us).values()) <= {"equal", "filled"} and len(states(us)) == 7, states(us)
    said = json.loads(compare(us, "--json").stdout)
    assert said["end"] == "done" and said["result"]["compare"][str(WORKSPACE)]["requests"] == 2, said


def test_what_a_gap_hides(us, toggl):
    site = toggl.site
    tell(site, 11, "created", entry(11, ADA, f"{day(site, 2)}T08:00:00Z", 1800))
    tell(site, 1, "updated", entry(1, ADA, f"{day(site, 1)}T10:00:00Z", description="same length"))
    tell(site, 2, "updated", entry(2, BEN, f"{day(site, 5)}T10:00:00Z"))	# to another day
    # to another user; 05:00 in Los Angeles is the day before, in Berlin not
    tell(site, 3, "updated", entry(3, BEN, f"{day(site, 3)}T05:00:00Z"))
    tell(site, 5, "deleted", entry(5, ADA, f"{day(site, 5)}T10:00:00Z"))
    done = compare(us)
    assert "differ" in done.stdout and ", 0 differ" in done.stdout, done.stdout
    assert ours(us, 11)[2] == 1800 and not ours(us, 11)[3]
    assert us.sql("select description from toggl.time_entry where time_entry_id = 1") == [("same length",)]
    assert ours(us, 2)[1].strftime("%Y-%m-%d") == day(us, 5)
    assert ours(us, 3)[0] == BEN
    assert ours(us, 5)[3], "deleted"
    assert set(states(us).values()) <= {"equal", "filled"} and "filled" in states(us).values(), states(us)
    assert us.sql("select count(*) from ledger.event where source = 'compare'")[0][0] >= 1
    assert "0 invalid" in us.hookledger("verify").stdout
    events = us.sql("select count(*) from ledger.event")
    compare(us)
    assert us.sql("select count(*) from ledger.event") == events, "twice changes nothing"


def test_a_timer_and_a_user_who_left(us, toggl):
    site = toggl.site
    us.add_endpoint()
    running = {"id": 21, "user_id": ADA, "start": f"{day(site, 1)}T07:00:00Z", "duration": -1, "description": "timer", "workspace_id": WORKSPACE}
    stamp = f"{day(site, 1)}T07:00:00.000000Z"
    assert us.send(us.event(model="time_entry", action="created", created_at=stamp, payload={**running, "at": stamp[:19] + "Z"})).status == 200
    tell(site, 21, "created", entry(21, ADA, running["start"], 5400, description="timer"))
    tell(site, 22, "created", entry(22, BEN, f"{day(site, 2)}T20:00:00Z", 900))
    tell(site, 402, "deleted", {"id": 402, "user_id": BEN, "name": "Ben", "timezone": "America/Los_Angeles"}, "workspace_user")
    us.hookledger("toggl", "compare")
    assert ours(us, 21)[2] == 5400 and ours(us, 22)[2] == 900
    assert set(states(us).values()) <= {"equal", "filled"}, states(us)


def test_days_of_the_change_of_clocks(us, toggl):
    site = toggl.site
    # 29 March 2026 has 23 hours in Berlin: from 23:00 to 22:00 UTC
    for number, start in ((31, "2026-03-28T22:59:59Z"), (32, "2026-03-28T23:00:00Z"), (33, "2026-03-29T21:59:59Z"), (34, "2026-03-29T22:00:00Z")):
        tell(site, number, "created", entry(number, ADA, start, number))
    us.hookledger("toggl", "compare", "--from", "2026-03-28", "--until", "2026-03-30")
    found = us.sql("select day::text, seconds_here, seconds_toggl, state from toggl.completeness where user_id = %s and day < '2026-04-01' order by 1", ADA)
    assert found == [("2026-03-28", 31, 31, "equal"), ("2026-03-29", 65, 65, "equal"), ("2026-03-30", 34, 34, "equal")], found


def test_a_concluded_deletion_yields_to_a_later_sight(us, toggl):
    site = toggl.site
    held = entry(5, ADA, f"{day(site, 5)}T10:00:00Z")
    tell(site, 5, "deleted", held)
    compare(us)
    assert ours(us, 5)[3]
    us.add_endpoint()
    stamp = us.sql("select to_char(ledger.clock() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")[0][0]
    body = us.event(model="time_entry", action="updated", created_at=stamp, payload={**held, "workspace_id": WORKSPACE, "at": stamp[:19] + "Z"})
    assert us.send(body).status == 200
    assert not ours(us, 5)[3]


@pytest.mark.parametrize("arguments, words", [
    (("--from", "yesterday"), "a day looks like"), (("--from", "2999-01-01", "--until", "2999-01-02"), "in the future"),
    (("--from", "2026-05-05", "--until", "2026-05-01"), "exchange them"), (("--from", "2020-01-01",), "366 days"),
    (("--workspace", 5), "no connected Toggl user"),
])
def test_bad_input(us, toggl, arguments, words):
    used = toggl.used()
    refused = compare(us, *arguments, check=False)
    assert refused.returncode == 1 and words in refused.stderr, refused.stderr
    assert toggl.used() == used


def test_no_administrator(us, toggl):
    us.sql("update ledger.toggl_workspace set is_admin = false")
    refused = compare(us, check=False)
    assert refused.returncode == 1 and "administrator" in refused.stderr, refused.stderr
