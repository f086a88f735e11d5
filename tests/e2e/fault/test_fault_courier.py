# SPDX-License-Identifier: ISC
"""Whatever becomes of couriers, PostgreSQL and other subscribers: every event
that was acknowledged reaches a subscriber at least once, those of an entity in
their order, and nobody waits for somebody else."""
import contextlib
import json
import random
import signal
import threading
import time

import pytest

from deliveries import Raw, allow_subscribers, duplicates, event_ids, in_order, is_settled, record, run_round, start_courier, subscribe
from installation import WORKSPACE, wait_for
from subscriber import Subscriber

pytestmark = pytest.mark.plain

ENTITIES = 10
SETTINGS = {"delivery_timeout_ms": "400", "courier_lease_ms": "1000", "courier_poll_ms": "500"}


@pytest.fixture
def passing(faulty, record_property):
    allow_subscribers(faulty, **SETTINGS)
    faulty.report = record_property
    return faulty


@pytest.fixture
def healthy():
    subscribers = [Subscriber(), Subscriber()]
    yield subscribers
    for subscriber in subscribers:
        subscriber.close()


class Actor(threading.Thread):
    """Sends events of a few entities of its own; repeats what was not acknowledged."""

    def __init__(self, site, number):
        super().__init__(daemon=True)
        self.site = type(site).__new__(type(site))
        self.site.__dict__ = {**site.__dict__, "next_event": site.next_event + number * 10**6}
        self.entities = range(number * ENTITIES + 1, (number + 1) * ENTITIES + 1)
        self.acknowledged, self.stopped = {}, threading.Event()

    def run(self):
        rng = random.Random(self.entities.start)
        while not self.stopped.is_set():
            body = self.site.event(action="updated", payload={"id": rng.choice(self.entities), "workspace_id": WORKSPACE,
                                                              "name": "x" * rng.randrange(1000)})
            while not self.stopped.is_set():
                try:
                    if self.site.send(body).status == 200:
                        self.acknowledged[json.loads(body)["event_id"]] = time.time()
                        break
                except OSError:
                    pass
                self.stopped.wait(0.02)
            self.stopped.wait(0.002)


@contextlib.contextmanager
def events(site, subscribers, seconds=60, count=3, by_spool=False):
    """Events arrive while the block runs; afterwards each healthy subscriber has
    got all that were acknowledged. Gives a dict of when that was. by_spool: the
    database is away meanwhile, and what waited in the spool is recorded later than
    what came after it; then the order is that of the deliveries."""
    actors = [Actor(site, number) for number in range(count)]
    acknowledged = {}
    for actor in actors:
        actor.start()
    yield lambda: sum(len(actor.acknowledged) for actor in actors)
    for actor in actors:
        actor.stopped.set()
        actor.join(60)
        acknowledged.update(actor.acknowledged)
    site.next_event += count * 10**6
    assert len(acknowledged) > 50

    def missing():
        return [set(acknowledged) - set(event_ids(subscriber)) for subscriber in subscribers]

    try:
        wait_for(lambda: not any(missing()), "all events to be delivered", seconds)
    except AssertionError:
        raise AssertionError(f"{[len(one) for one in missing()]} of {len(acknowledged)} acknowledged events were not delivered") from None
    for number, subscriber in enumerate(subscribers):
        places = dict(site.sql("""select d.event_id, d.delivery_id from ledger.delivery d join ledger.subscription s using (subscription_id)
                                  where s.url_callback = %s""", subscriber.url)) if by_spool else None
        assert in_order(subscriber, places)
        site.report(f"subscriber {number + 1}", f"{len(acknowledged)} events, {duplicates(subscriber)} delivered again")


def wait_for_more(count, more):
    before = count()
    wait_for(lambda: count() >= before + more, f"{more} more events")


def test_two_couriers_at_once(passing, healthy):
    for subscriber in healthy:
        subscribe(passing, subscriber.url)
    couriers = [start_courier(passing, f"courier{number}") for number in range(2)]
    with events(passing, healthy) as count:
        wait_for_more(count, 200)
    assert [duplicates(subscriber) for subscriber in healthy] == [0, 0]
    assert [passing.end(courier) for courier in couriers] == [0, 0]


def test_couriers_killed_at_random(passing, healthy):
    rng = random.Random(1)
    for subscriber in healthy:
        subscribe(passing, subscriber.url)
    couriers = [start_courier(passing, f"courier{number}") for number in range(2)]
    with events(passing, healthy) as count:
        for _ in range(10):
            wait_for_more(count, 5 + rng.randrange(30))
            number = rng.randrange(2)
            couriers[number].kill()
            couriers[number].wait()
            couriers[number] = start_courier(passing, f"courier{number}")


def test_the_only_courier_is_killed_in_the_middle_of_requests(passing, healthy):
    """What was under way is sent again, by the next one, when the lease is over."""
    held = threading.Event()
    healthy[0].answer = lambda _: held.wait(10) and (200, {}, b"")
    subscribe(passing, healthy[0].url)
    sent = record(passing, 3)
    first = start_courier(passing)
    wait_for(lambda: healthy[0].got, "a request")
    first.kill()
    first.wait()
    held.set()
    start_courier(passing)
    wait_for(lambda: is_settled(passing), "everything to be delivered")
    assert event_ids(healthy[0]) == [sent[0], *sent]


def test_told_to_end_it_leaves_nothing_behind(passing, healthy):
    subscribe(passing, healthy[0].url)
    with events(passing, healthy[:1]) as count:
        for _ in range(5):
            courier = start_courier(passing)
            wait_for_more(count, 30)
            assert passing.end(courier) == 0
            assert passing.sql("select count(*) from ledger.subscription where leased_until > now()") == [(0,)]
        start_courier(passing)
    assert duplicates(healthy[0]) == 0


def test_rounds_at_once(passing, healthy):
    """As of cron, while others are still at it."""
    subscribe(passing, healthy[0].url)
    with events(passing, healthy[:1]) as count:
        for _ in range(3):
            wait_for_more(count, 30)
            rounds = [threading.Thread(target=run_round, args=(passing, 5)) for _ in range(3)]
            for one in rounds:
                one.start()
            for one in rounds:
                one.join()
        start_courier(passing)
    assert duplicates(healthy[0]) == 0


def test_a_courier_frozen_longer_than_its_lease(passing, healthy):
    subscribe(passing, healthy[0].url)
    couriers = [start_courier(passing, f"courier{number}") for number in range(2)]
    with events(passing, healthy[:1]) as count:
        for courier in couriers * 2:
            wait_for_more(count, 20)
            courier.send_signal(signal.SIGSTOP)
            try:
                got = len(healthy[0].got)
                wait_for(lambda got=got: len(healthy[0].got) > got + 20, "the other one to take over")
                wait_for_more(count, 20)
            finally:
                courier.send_signal(signal.SIGCONT)


def test_postgresql_restarted(passing, healthy):
    for subscriber in healthy:
        subscribe(passing, subscriber.url)
    start_courier(passing)
    with events(passing, healthy, by_spool=True) as count:
        for mode in ("fast", "immediate", "fast"):
            wait_for_more(count, 40)
            passing.cluster.restart(mode)
        wait_for_more(count, 40)


def test_postgresql_and_courier_crash_together(passing, healthy):
    subscribe(passing, healthy[0].url)
    courier = start_courier(passing)
    with events(passing, healthy[:1], by_spool=True) as count:
        for _ in range(3):
            wait_for_more(count, 40)
            passing.cluster.crash()
            courier.kill()
            courier.wait()
            wait_for_more(count, 20)
            passing.cluster.start()
            courier = start_courier(passing)


def test_postgresql_frozen(passing, healthy):
    subscribe(passing, healthy[0].url)
    start_courier(passing)
    with events(passing, healthy[:1], by_spool=True) as count:
        wait_for_more(count, 40)
        with passing.cluster.frozen():
            wait_for_more(count, 40)
        wait_for_more(count, 40)


def test_without_its_functions(passing, healthy):
    """As in the middle of a migration."""
    subscribe(passing, healthy[0].url)
    start_courier(passing)
    with events(passing, healthy[:1], by_spool=True) as count:
        wait_for_more(count, 40)
        passing.sql("alter schema courier rename to elsewhere")
        wait_for_more(count, 40)
        passing.sql("alter schema elsewhere rename to courier")
        wait_for_more(count, 40)
    assert duplicates(healthy[0]) == 0


@pytest.mark.foreign
def test_nobody_waits_for_a_bad_subscriber(passing, healthy):
    """Slow, silent, absurd: beside all of them a healthy one gets its events at once."""
    over = threading.Event()
    private = Subscriber()
    passing.write_conf(delivery_retry_first_ms="1000")

    def read_request(link):
        data = b""
        while b"\r\n\r\n" not in data:
            data += link.recv(65536)

    def silent(link):
        over.wait(60)

    def garbage(link):
        read_request(link)
        link.sendall(bytes(range(256)) * 4)

    def megabytes(link):
        read_request(link)
        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n")
        while not over.is_set():
            link.sendall(b"x" * 65536)

    def endless_headers(link):
        read_request(link)
        link.sendall(b"HTTP/1.1 200 OK\r\n")
        while not over.is_set():
            link.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")

    def drip(link):
        read_request(link)
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":
            link.sendall(bytes([byte]))
            if over.wait(0.2):
                return

    def closes(link):
        link.recv(10)

    def redirect(link):
        read_request(link)
        link.sendall(f"HTTP/1.1 302 Found\r\nLocation: {private.url}\r\nContent-Length: 0\r\n\r\n".encode())

    bad = {treat.__name__: Raw(treat) for treat in (silent, garbage, megabytes, endless_headers, drip, closes, redirect)}
    nobody = Raw(closes)
    nobody.close()
    numbers = {name: subscribe(passing, one.url) for name, one in bad.items()}
    numbers["nobody"] = subscribe(passing, nobody.url)
    slow = Subscriber(lambda _: (time.sleep(0.3), (200, {}, b""))[1])
    subscribe(passing, slow.url)
    subscribe(passing, healthy[0].url)
    start_courier(passing)
    try:
        with events(passing, healthy[:1], count=1) as count:
            wait_for_more(count, 200)
        received = dict(passing.sql("select event_id, extract(epoch from received_at)::float from ledger.event"))
        late = sorted(request["at"] - received[request["body"]["event_id"]] for request in healthy[0].events())
        assert late[int(len(late) * 0.9)] < 0.5, late[-20:]
        wait_for(lambda: len(passing.sql("select distinct subscription_id from ledger.attempt")) == len(numbers) + 2,
                 "an attempt of each")
        said = dict(passing.sql("select distinct on (subscription_id) subscription_id, status || ' ' || coalesce(problem, '') from ledger.attempt"))
        said = {name: said[number] for name, number in numbers.items()}
        assert "302" in said["redirect"] and not private.got, said
        assert all(said[name].startswith("0 ") for name in ("silent", "garbage", "endless_headers", "drip", "closes", "nobody")), said
        assert said["megabytes"].startswith(("0 ", "200 ")), said
        assert set(event_ids(slow)) <= set(received)
    finally:
        over.set()
        for one in [*bad.values(), slow, private]:
            one.close()


def test_many_silent_subscribers(passing, healthy):
    """More of them than there are places would be for all their requests."""
    over = threading.Event()
    silent = Raw(lambda link: over.wait(60))
    passing.write_conf(courier_requests_max="64")
    for _ in range(24):
        subscribe(passing, silent.url)
    start_courier(passing)
    record(passing, 20, payload={"id": 1, "workspace_id": WORKSPACE, "name": "x"})
    for entity in range(2, 30):
        record(passing, payload={"id": entity, "workspace_id": WORKSPACE, "name": "x"})
    wait_for(lambda: silent.count > 100, "it to be busy with them")
    subscribe(passing, healthy[0].url)
    with events(passing, healthy[:1], count=1) as count:
        wait_for_more(count, 100)
    over.set()
    silent.close()


def test_a_name_that_leads_to_a_private_address(passing, healthy):
    """Judged is the address of the connection, whatever a name server says."""
    passing.write_conf(allowed_networks=None)
    subscribe(passing, healthy[0].url.replace("127.0.0.1", "localhost"))
    record(passing)
    run_round(passing, 3)
    assert not healthy[0].got
    assert "no public address" in passing.sql("select last_error from ledger.delivery")[0][0]


def test_a_key_that_opens_nothing(passing, healthy):
    """Nothing is sent unsigned, and with the right key it goes on."""
    key = passing.settings["master_key"]
    subscribe(passing, healthy[0].url)
    sent = record(passing, 2)
    passing.write_conf(master_key="5b" * 32)
    assert "secret_does_not_open" in run_round(passing, 2)
    assert not healthy[0].got
    passing.write_conf(master_key=key)
    start_courier(passing)
    wait_for(lambda: is_settled(passing), "them to be delivered")
    assert event_ids(healthy[0]) == sent
