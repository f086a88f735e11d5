# SPDX-License-Identifier: ISC
"""Whatever happens at Toggl while callbacks are lost: after the load and the comparison our tables equal Toggl's.

A random sequence of changes of time entries; the receiver is away at random times, the subscription is disabled
once, the quota is 30 requests an hour, and the loader is killed at random moments. HL_HISTORY_SEEDS runs so many
sequences (2), from the seed HL_HISTORY_SEED (1)."""
import datetime
import os
import random
import re
import time

import pytest

from installation import BUILD, WORKSPACE
from toggl_server import connect, later

pytestmark = pytest.mark.plain

ADA, BEN, CAM = PEOPLE = 9000001, 9000002, 9000003
ZONES = {ADA: "Europe/Berlin", BEN: "America/Los_Angeles", CAM: "Asia/Kolkata"}
DAYS = 20
SEEDS = range(int(os.environ.get("HL_HISTORY_SEED", "1")), int(os.environ.get("HL_HISTORY_SEED", "1")) + int(os.environ.get("HL_HISTORY_SEEDS", "2")))


class Sequence:
    """Changes at Toggl in the order of time, some of which reach us."""

    def __init__(self, seed, us, toggl):
        self.rng = random.Random(seed)
        self.us, self.toggl = us, toggl
        self.there, self.number, self.event_id = {}, 100, 7000
        (now,) = us.sql("select ledger.clock()")[0]
        self.now = now.astimezone(datetime.timezone.utc).replace(microsecond=0)
        self.at = self.now - datetime.timedelta(days=DAYS)

    def tell(self, model, action, payload, reaches_us):
        self.event_id += 1
        stamp = self.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        body = self.us.event(model=model, action=action, created_at=stamp, event_id=self.event_id,
                             payload={**payload, "workspace_id": WORKSPACE, "at": stamp[:19] + "Z"})
        for site in (self.toggl.site, self.us) if reaches_us else (self.toggl.site,):
            assert site.send(body).status == 200

    def people(self):
        for user in PEOPLE:
            self.tell("workspace_user", "created", {"id": user - 8999000, "user_id": user, "name": f"user {user}", "timezone": ZONES[user]}, True)

    def start(self):
        """A moment of the last days, also near midnight of each zone."""
        return (self.at - datetime.timedelta(hours=self.rng.choice([0, 1, 2, 7, 9, 15, 23, 30, 72]), minutes=self.rng.randrange(60)))

    def entry(self, number, **changes):
        one = {"id": number, "user_id": self.rng.choice(PEOPLE), "start": self.start().strftime("%Y-%m-%dT%H:%M:%SZ"),
               "duration": self.rng.choice([1, 59, 1800, 3600, 5400, 86400]), "description": f"entry {number}", "billable": self.rng.random() < 0.5}
        return {**one, **changes}

    def step(self, reaches_us):
        self.at += datetime.timedelta(seconds=self.rng.randrange(60, 2 * DAYS * 86400 // 60))
        self.at = min(self.at, self.now - datetime.timedelta(seconds=60 - self.event_id % 60))
        alive = sorted(self.there)
        what = self.rng.choice(["create", "create", "same length", "move", "person", "timer", "delete"]) if alive else "create"
        if what in ("create", "timer"):
            self.number += 1
            number, action = self.number, "created"
            held = self.entry(number, **({"duration": -1} if what == "timer" else {}))
        else:
            number, action = self.rng.choice(alive), "updated"
            held = dict(self.there[number])
        if what == "same length":
            held["description"] = f"changed {self.event_id}"
        elif what == "move":
            held["start"] = self.start().strftime("%Y-%m-%dT%H:%M:%SZ")
        elif what == "person":
            held["user_id"] = self.rng.choice(PEOPLE)
        if held["duration"] < 0 and what not in ("timer", "delete"):
            held["duration"] = 2700	# stopped
        if what == "delete":
            action = "deleted"
            del self.there[number]
        else:
            self.there[number] = held
        self.tell("time_entry", action, held, reaches_us)


def tables(site):
    """What is to be equal: entries that have ended and are not deleted. A timer is in no sum and in no report."""
    return site.sql("select time_entry_id, user_id, start_at, duration_seconds, description, billable from toggl.time_entry "
                    "where deleted_at is null and duration_seconds is not null order by 1")


def by_day(site, first, last):
    return site.sql("select day, user_id, seconds from ledger.seconds_by_day(%s, %s, %s) where seconds > 0 order by 1, 2", WORKSPACE, first, last)


@pytest.fixture
def us(us):
    us.add_endpoint()
    return us


@pytest.fixture
def toggl(us, toggl):
    toggl.site.add_endpoint()
    return toggl


def killed(us, rng, *arguments):
    """A command of ours that is killed at a random moment; True: it ended before."""
    child = us.spawn("load", [BUILD / "hookledger", *map(str, arguments)])
    time.sleep(rng.random() * 0.3)
    is_over = child.poll() is not None
    child.kill()
    child.wait()
    us.processes.remove(child)
    return is_over


def open_jobs(us):
    return us.sql("select count(*) from ledger.toggl_job where finished_at is null")[0][0]


def go_on(us, toggl, spent):
    """Until no job waits, hour by hour."""
    for _ in range(60):
        # a job whose process was killed is continued when its lease is over
        us.sql("update ledger.toggl_job set leased_until = '-infinity' where finished_at is null")
        us.hookledger("toggl", "continue", check=False)
        if not open_jobs(us):
            break
        spent.append(toggl.used()[1])
        for site in (us, toggl.site):
            later(site)
    assert not open_jobs(us), us.sql("select kind, wait_until, wait_reason, message from ledger.toggl_job where finished_at is null")


def load(us, toggl, rng, first, spent):
    """Within the estimate, with a quota of 30, and killed now and then."""
    us.sql(f"insert into ledger.toggl_probe values ({WORKSPACE}, 'page_size', '50') on conflict do nothing")
    plan = us.hookledger("history", "plan", "--from", first).stdout
    estimate = int(re.search(r"(\d+) requests?", plan).group(1))
    toggl.limit(30)
    kills = sum(not killed(us, rng, "history", "load", "--yes", "--from", first) for _ in range(rng.randrange(1, 3)))
    for _ in range(rng.randrange(3)):
        us.sql("update ledger.toggl_job set leased_until = '-infinity' where finished_at is null")
        kills += not killed(us, rng, "toggl", "continue")
    if not us.sql("select from ledger.toggl_job where kind = 'history'"):
        us.hookledger("history", "load", "--yes", "--from", first, check=False)
    go_on(us, toggl, spent)
    requests, entries = us.sql("select sum(requests), sum(entries) from ledger.history_window")[0]
    assert requests is not None and requests + 2 <= estimate + kills, (requests, estimate, kills, plan)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_tables_equal_toggls(us, toggl, seed):
    rng = random.Random(1000 + seed)
    sequence, spent = Sequence(seed, us, toggl), []
    connect(us, toggl.token, "--no-load")
    us.hookledger("toggl", "check")
    us.hookledger("toggl", "load")
    sequence.people()
    is_there, disabled_at = True, rng.randrange(20, 60)
    for number in range(70):
        if rng.random() < 0.15:
            is_there = not is_there
        if number == disabled_at:
            toggl.site.sql("update ledger.subscription set enabled = false")
        sequence.step(is_there and number < 60 and not disabled_at <= number < disabled_at + 8)
    us.hookledger("toggl", "check", check=False)
    first = (sequence.now - datetime.timedelta(days=DAYS + 5)).date()
    assert tables(us) != tables(toggl.site), "callbacks were lost"
    if rng.random() < 0.6:
        load(us, toggl, rng, first, spent)
    toggl.limit(30)
    for _ in range(rng.randrange(3)):
        killed(us, rng, "toggl", "compare", "--from", first)
        go_on(us, toggl, spent)
    us.hookledger("toggl", "compare", "--from", first, check=False)
    go_on(us, toggl, spent)
    ours, theirs = tables(us), tables(toggl.site)
    assert ours == theirs, f"seed {seed}: only here {sorted(set(ours) - set(theirs))}, only at Toggl {sorted(set(theirs) - set(ours))}"
    last = sequence.now.date()
    assert by_day(us, first, last) == by_day(toggl.site, first, last), f"seed {seed}"
    assert us.sql("select day, user_id, state from ledger.completeness where state not in ('equal', 'filled')") == [], f"seed {seed}"
    assert max(spent, default=0) <= 30, f"seed {seed}: {spent}"
    assert us.sql("select event_id, count(*) from ledger.event group by 1 having count(*) > 1") == [], f"seed {seed}"
    assert "0 invalid" in us.hookledger("verify").stdout
    # the history of an entry is readable and a rebuild gives the same
    us.hookledger("rebuild")
    assert tables(us) == ours, f"seed {seed}: after a rebuild"
