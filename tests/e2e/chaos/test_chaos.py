# SPDX-License-Identifier: ISC
"""Faults of all kinds, one after the other and on top of one another, in an order
that HL_CHAOS_SEED fixes, HL_CHAOS_FAULTS of them, while callbacks come in, some of
them twice, and two subscribers get them. In the end it is counted: what was
acknowledged is recorded once, and delivered."""
import collections
import contextlib
import http.client
import json
import os
import pathlib
import random
import tempfile
import threading
import time

import pytest

import api_client
import faults
import web_servers
from admin_client import Page
from deliveries import allow_subscribers, is_settled, subscribe
from fixtures import finish, migrated
from installation import WORKSPACE, Cluster, Site, give, new_folder, wait_for
from subscriber import Subscriber

pytestmark = [pytest.mark.plain, pytest.mark.timeout(0)]

FAULTS = int(os.environ.get("HL_CHAOS_FAULTS", "100"))
SEED = int(os.environ.get("HL_CHAOS_SEED", "1"))
SENDERS, ENTITIES = 3, 10
SETTINGS = {"db_deadline_ms": "1500", "delivery_timeout_ms": "400", "courier_lease_ms": "1000", "courier_poll_ms": "500"}


class Receipts:
    """How often each event came; nothing else is kept."""

    def __init__(self):
        self.times = collections.Counter()

    def append(self, request):
        if request["body"]["payload"] != "ping":
            self.times[request["body"]["event_id"]] += 1


class Shaky(Subscriber):
    """Answers requests by its mode: well, fails, hangs, slow."""

    def __init__(self):
        self.how, self.over = "well", threading.Event()
        super().__init__(self.treated)
        self.got = Receipts()

    def treat(self, how):
        self.over.set()
        self.over, self.how = threading.Event(), how

    def treated(self, request):
        how = self.how
        if how == "well":
            return 200, {}, b""
        if how == "slow":
            self.over.wait(0.3)
            return 200, {}, b""
        if how == "hangs":
            self.over.wait(30)
        self.got.times[request["body"]["event_id"]] -= 1	# not taken
        return 500, {}, b""


class Sender(threading.Thread):
    """Events of a few entities, as Toggl: again what was not acknowledged, and now and
    then also what was."""

    def __init__(self, site, number):
        super().__init__(daemon=True)
        self.rng, self.first = random.Random(number), number * ENTITIES + 1
        self.site = type(site).__new__(type(site))
        self.site.__dict__ = {**site.__dict__, "next_event": site.next_event + number * 10**7}
        self.acknowledged, self.again, self.refused, self.stopped = [], 0, 0, threading.Event()

    def send(self, body):
        try:
            return self.site.send(body, timeout=10).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def run(self):
        while not self.stopped.is_set():
            action = self.rng.choice(["created", "updated", "updated", "deleted"])
            body = self.site.event(model=self.rng.choice(["time_entry", "tag", "project"]), action=action, payload={
                "id": self.rng.randrange(self.first, self.first + ENTITIES), "workspace_id": WORKSPACE, "name": "Größe"})
            while not self.send(body) and not self.stopped.is_set():
                self.refused += 1
                self.stopped.wait(0.05)
            if not self.stopped.is_set():
                self.acknowledged.append(json.loads(body)["event_id"])
                self.again += self.rng.random() < 0.15 and self.send(body)
            self.stopped.wait(0.04)


@pytest.fixture
def installation(request, run_folder):
    """On small disks of its own, where that may be."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="x-", dir=run_folder))
    folder.chmod(0o755)
    give(folder)
    with contextlib.ExitStack() as undo:
        disks = {}
        if os.geteuid() == 0:
            for name, size in (("database", f"{300 + FAULTS * 2}m"), ("spool", "1m")):
                disks[name] = folder / name
                undo.callback(faults.mount(folder / name, size))
        cluster = Cluster(folder / "database", "max_wal_size=64MB", "min_wal_size=32MB")
        undo.callback(cluster.stop, "immediate")
        site = Site(cluster, new_folder(folder / "site"), migrated(cluster, folder / "template"))
        undo.callback(finish, request, site)
        if disks:
            site.spool = disks["spool"]
        site.add_endpoint()
        allow_subscribers(site, spool_dir=str(site.spool), **SETTINGS)
        web_servers.lighttpd_spawned(site)
        steady, shaky = Subscriber(lambda _: (200, {}, b"")), Shaky()
        undo.callback(steady.close)
        undo.callback(shaky.close)
        steady.got = Receipts()
        for one in (steady, shaky):
            one.number = subscribe(site, one.url)
        on = faults.Installation(site, random.Random(SEED), disks, shaky)
        on.subscribers = {"steady": steady, "shaky": shaky}
        yield on
        on.revive()


def befall(on, deck, counted):
    """One fault, or one on top of another; each kind comes as often as the others."""
    lasting = {**faults.LASTING, **(faults.FULL if on.disks else {})}
    if not deck:
        deck.extend([*faults.INSTANT, *faults.SHORT, *lasting])
        on.rng.shuffle(deck)
    name = deck.pop()
    counted[name] += 1
    if name not in lasting:
        {**faults.INSTANT, **faults.SHORT}[name](on)
        faults.pause(on, 0, 0.3)
        return
    with lasting[name](on):
        faults.pause(on, 0.1, 1)
        if on.rng.random() < 0.3:
            another = on.rng.choice(list(faults.INSTANT))
            counted[another] += 1
            faults.INSTANT[another](on)
            faults.pause(on, 0, 0.5)
        if "hangs" in name or "away" in name:
            faults.pause(on, 0, 1.5)


def more(senders, count=3):
    """Some more acknowledgements: it goes on after each fault."""
    before = sum(len(sender.acknowledged) for sender in senders)
    wait_for(lambda: sum(len(sender.acknowledged) for sender in senders) >= before + count, "it to go on", 60)


def settle(on, acknowledged):
    """Everything is recorded and delivered; the clock passes whatever was put off
    until later while it was ahead."""
    wait_for(lambda: on.sql(f"update ledger.state set clock_offset = '{faults.HOURS} hours'"), "PostgreSQL to have recovered", 60)
    deadline = time.monotonic() + 180
    while not (on.site.spool_is_empty() and set(acknowledged) <= set(on.site.recorded()) and is_settled(on.site)):
        if time.monotonic() > deadline:
            return
        on.site.sql("update ledger.state set clock_offset = clock_offset + interval '1 minute'")
        threading.Event().wait(0.3)


def test_nothing_is_lost_or_doubled(installation, capfd):
    on, deck, counted = installation, [], collections.Counter()
    senders = [Sender(on.site, number) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    began = time.monotonic()
    while sum(counted.values()) < FAULTS:
        before = sum(counted.values())
        befall(on, deck, counted)
        on.revive()
        more(senders, 1 + on.rng.randrange(4))
        done = sum(counted.values())
        if done // 50 > before // 50:
            with capfd.disabled():
                print(f"   {done} faults in {time.monotonic() - began:.0f} s", flush=True)
    for sender in senders:
        sender.stopped.set()
        sender.join(60)
    acknowledged = [event for sender in senders for event in sender.acknowledged]
    settle(on, acknowledged)

    recorded = on.site.recorded()
    lost = set(acknowledged) - set(recorded)
    doubled = [event for event, times in recorded.items() if times > 1]
    lines = [f"{times:6} {name}" for name, times in sorted(counted.items())]
    lines.append(f"{sum(counted.values()):6} faults by seed {SEED} in {time.monotonic() - began:.0f} s")
    lines.extend(f"       PostgreSQL had not ended after 60 s:\n{processes}" for processes in on.unended)
    lines.append(f"{len(acknowledged):6} acknowledged, {sum(sender.again for sender in senders)} of them twice; "
                 f"{sum(sender.refused for sender in senders)} times not acknowledged")
    lines.append(f"{len(recorded):6} recorded, {len(doubled)} doubled, {len(lost)} lost")
    missing = {}
    for name, one in on.subscribers.items():
        got = {event for event, times in one.got.times.items() if times > 0}
        dead = {event for event, in on.site.sql("select event_id from ledger.delivery where subscription_id = %s and state = 'dead' and last_error is not null", one.number)}
        missing[name] = set(acknowledged) - got - dead
        lines.append(f"{len(got):6} delivered to the {name} subscriber, {sum(times - 1 for times in one.got.times.values() if times > 1)} times again, "
                     f"{len(dead)} dead, {len(missing[name])} missing")
    with capfd.disabled():
        print("", *lines, sep="\n", flush=True)
    assert not lost and not doubled and not any(missing.values()), (sorted(lost)[:9], doubled[:9], {name: sorted(one)[:9] for name, one in missing.items()})
    assert not list(on.site.spool.glob("*.damaged"))
    assert api_client.Client(on.site, None).get(f"{api_client.BASE}/status").status == 200
    assert Page(on.site).get("session").status == 200
