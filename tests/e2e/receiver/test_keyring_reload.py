# SPDX-License-Identifier: ISC
"""A callback that no known key fits may be genuine, by a key that was made since:
it is answered 404 or 401 only by keys that are younger than itself."""
import fcntl
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import web_servers
from installation import descendants, wait_for

pytestmark = pytest.mark.plain

REFUSED = (404, 401)


@pytest.fixture
def by_cgi(site):
    """A receiver as plain CGI that has written its keys down."""
    web_servers.lighttpd_cgi(site)
    assert site.send(site.event()).status == 200
    assert (site.spool / "keyring").exists()
    return site


def busy(site):
    """Holds every slot for a database connection, as other callbacks would."""
    held = []
    for number in range(4):
        path = site.spool / f"slot-{number}"
        held.append(open(path, "ab"))
        os.chmod(path, 0o666)
        fcntl.flock(held[-1], fcntl.LOCK_EX)
    return held


def test_many_at_once_for_a_new_address(by_cgi):
    site = by_cgi
    known = dict(site.endpoint)
    new = site.add_endpoint("--name", "new")
    sent = [(site.event(), endpoint) for _ in range(30) for endpoint in (new, known)]

    def send(one):
        body, endpoint = one
        return site.send(body, path=f"/hook/{endpoint['address']}", secret=endpoint["secret"]).status

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(send, sent)) <= {200, 503}
    assert site.send(site.event()).status == 200


def test_no_slot_is_no_verdict(by_cgi):
    site = by_cgi
    known = dict(site.endpoint)
    new = site.add_endpoint("--name", "new")
    slots = busy(site)
    began = time.monotonic()
    answer = site.send(site.event(), path=f"/hook/{new['address']}", secret=new["secret"])
    assert answer.status == 503 and int(answer.headers["Retry-After"]) > 0
    assert time.monotonic() - began < 3
    # what the keys in the file fit needs no slot
    assert site.send(site.event(), path=f"/hook/{known['address']}", secret=known["secret"]).status == 200
    # a secret that was made since: not distinguishable from a forged one
    rotated = json.loads(site.hookledger("endpoint", "rotate", known["endpoint_id"], "--json").stdout)
    assert site.send(site.event(), path=f"/hook/{known['address']}", secret=rotated["secret"]).status == 503
    for slot in slots:
        slot.close()
    assert site.send(site.event(), path=f"/hook/{new['address']}", secret=new["secret"]).status == 200
    assert site.send(site.event(), path=f"/hook/{known['address']}", secret=rotated["secret"]).status == 200
    # unauthenticated clients cannot make it look like our failure
    assert site.sql("select count(*) from ledger.receiver_counter where reason = 'unavailable'") == [(0,)]


def test_a_free_slot_is_waited_for(by_cgi):
    """The ping of a new subscription comes at once, and Toggl takes one answer."""
    site = by_cgi
    new = site.add_endpoint("--name", "new")
    slots = busy(site)
    with ThreadPoolExecutor(1) as pool:
        ping = pool.submit(site.send, json.dumps({"event_id": 0, "payload": "ping", "validation_code": "v"}).encode(),
                           path=f"/hook/{new['address']}", secret=new["secret"])
        wait_for(lambda: len(descendants(site.web.pid)) > 1, "the program to begin")
        for slot in slots:
            slot.close()
        assert ping.result().json() == {"validation_code": "v"}


def test_what_is_unknown_is_still_told_so(by_cgi):
    site = by_cgi
    for _ in range(4):
        assert site.send(site.event(), path="/hook/" + "x" * len(site.endpoint["address"])).status == 404
        assert site.send(site.event(), secret="guessed").status == 401


def test_a_clock_that_was_set_back(by_cgi):
    """The keys were written down in the future."""
    site = by_cgi
    future = time.time() + 86400
    os.utime(site.spool / "keyring", (future, future))
    new = site.add_endpoint("--name", "new")
    assert site.send(site.event(), path=f"/hook/{new['address']}", secret=new["secret"]).status == 200


def test_without_the_database_an_unknown_address_is_no_verdict(by_cgi):
    site = by_cgi
    site.write_conf(database="host=/nowhere")
    answer = site.send(site.event(), path="/hook/" + "x" * len(site.endpoint["address"]))
    assert answer.status == 503 and "Retry-After" in answer.headers
    # by the keys in the file
    assert site.send(site.event()).status == 200
    assert site.send(site.event(), secret="guessed").status == 401
    assert site.send(site.event(), signature=False).status == 401


def test_by_fastcgi_too(site):
    """Unauthenticated clients may use up the loads of keys: the keys in memory are then older."""
    web_servers.lighttpd_socket(site)
    for _ in range(30):
        site.send(site.event(), path="/hook/" + "x" * len(site.endpoint["address"]))
    new = site.add_endpoint("--name", "new")
    statuses = []

    def is_taken():
        statuses.append(site.send(site.event(), path=f"/hook/{new['address']}", secret=new["secret"]).status)
        return statuses[-1] == 200

    wait_for(is_taken, "the new address to be known")
    assert not set(statuses) & set(REFUSED)
