# SPDX-License-Identifier: ISC
"""Plain CGI when many callbacks come at once: one process drains the spool for all others."""
import fcntl
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import web_servers
from installation import descendants, wait_for

pytestmark = pytest.mark.foreign


@pytest.fixture
def by_cgi(site):
    """A receiver as plain CGI that has written its keys down."""
    web_servers.lighttpd_cgi(site)
    assert site.send(site.event()).status == 200
    wait_for(lambda: len(descendants(site.web.pid)) == 1, "its process to end")
    return site


@pytest.fixture
def drained(by_cgi):
    """Some other process is the drainer, and has nothing to do with the database yet."""
    path = by_cgi.spool / "drainer-0"
    with open(path, "ab") as slot:
        os.chmod(path, 0o666)
        fcntl.flock(slot, fcntl.LOCK_EX)
        by_cgi.release = lambda: fcntl.flock(slot, fcntl.LOCK_UN)
        yield by_cgi


def waiting(site):
    return [path.name for path in site.spool.iterdir() if path.suffix == ".spool"]


def test_nothing_stays_behind(by_cgi):
    """All are acknowledged and recorded, and nobody has to drain by hand."""
    bodies = [by_cgi.event() for _ in range(150)]
    with ThreadPoolExecutor(16) as pool:
        assert {answer.status for answer in pool.map(by_cgi.send, bodies)} == {200}
    wait_for(lambda: len(by_cgi.recorded()) == 151, "all to be recorded")
    assert set(by_cgi.recorded().values()) == {1}
    wait_for(lambda: not waiting(by_cgi), "the spool to be empty")


def test_nothing_stays_behind_one_connection(by_cgi):
    """Without a connection a process only spools: the one that has it looks again when it leaves."""
    by_cgi.write_conf(cgi_connections="1")
    sent = 1
    with ThreadPoolExecutor(4) as pool:
        for _ in range(40):
            bodies = [by_cgi.event() for _ in range(3)]
            assert {answer.status for answer in pool.map(by_cgi.send, bodies)} == {200}
            sent += len(bodies)
            wait_for(lambda: not waiting(by_cgi) and len(by_cgi.recorded()) == sent, "all to be recorded", 5)


def test_who_leaves_waits_for_writers(drained):
    """A process that relied on the one with the connection is still writing when that one leaves."""
    assert drained.send(drained.event()).status == 200
    [name] = waiting(drained)
    (drained.spool / name).rename(drained.spool / "being-written")
    drained.release()
    path = drained.spool / "writers"
    with open(path, "ab") as writer:
        os.chmod(path, 0o666)
        fcntl.flock(writer, fcntl.LOCK_SH)
        assert drained.send(drained.event()).status == 200
        time.sleep(0.5)
        (drained.spool / "being-written").rename(drained.spool / name)
    wait_for(lambda: len(drained.recorded()) == 3 and not waiting(drained), "the spool to be drained", 5)


def test_slots_of_another_user(by_cgi):
    """Then connections cannot be counted, but callbacks are recorded."""
    for number in range(4):
        slot = by_cgi.spool / f"slot-{number}"
        slot.touch()
        slot.chmod(0)
    assert by_cgi.send(by_cgi.event()).status == 200
    wait_for(lambda: len(by_cgi.recorded()) == 2 and not waiting(by_cgi), "the callback to be recorded", 5)


def test_an_event_is_spooled_for_the_drainer(drained):
    for _ in range(3):
        assert drained.send(drained.event()).status == 200
    assert len(drained.recorded()) == 1 and waiting(drained)
    # when nobody drains any more, the next one does
    drained.release()
    assert drained.send(drained.event()).status == 200
    wait_for(lambda: len(drained.recorded()) == 5 and not waiting(drained), "the spool to be drained")


def test_what_needs_the_database_gets_it(drained):
    """A key that was made since, a wrong one, an address that nobody has."""
    new = drained.add_endpoint("--name", "new")
    ping = json.dumps({"event_id": 0, "payload": "ping", "validation_code": "v"}).encode()
    assert drained.send(ping, path=f"/hook/{new['address']}", secret=new["secret"]).json() == {"validation_code": "v"}
    assert drained.send(ping).json() == {"validation_code": "v"}
    assert drained.send(drained.event(), secret="guessed").status == 401
    assert drained.send(drained.event(), path="/hook/" + "x" * len(new["address"])).status == 404
    assert drained.send(b"x" * 2_000_000).status == 413
    assert not waiting(drained)


def test_a_signed_body_that_is_no_event_is_kept(drained):
    assert drained.send(b'{"no":"event"}').status == 400
    # a refusal is answered before the body is kept
    wait_for(lambda: len(waiting(drained)) == 1, "the body to be in the spool", 5)
    drained.release()
    assert drained.send(drained.event()).status == 200
    wait_for(lambda: drained.sql("select count(*) from ledger.quarantine") == [(1,)], "the body to be in the quarantine")
