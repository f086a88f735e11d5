# SPDX-License-Identifier: ISC
"""Senders that are slow, silent, huge, many or hostile, and what the others
notice of them: nothing."""
import json
import os
import socket
import statistics
import struct
import threading
import time

import pytest

import web_servers
from callback_socket import answer_of, connect, head
from fastcgi import fastcgi, fastcgi_connect, fastcgi_status, record
from installation import receivers, wait_for

pytestmark = pytest.mark.foreign


class Drip(threading.Thread):
    """Sends a request in small pieces, for as long as it is let."""

    def __init__(self, link, request, pieces, pause):
        super().__init__(daemon=True)
        self.link, self.request, self.pieces, self.pause = link, request, pieces, pause
        self.done = threading.Event()
        self.start()

    def end(self):
        self.done.set()
        # a sender that blocks notices that its connection is shut down
        self.link.shutdown(socket.SHUT_RDWR)
        self.join()

    def run(self):
        step = max(1, len(self.request) // self.pieces)
        for at in range(0, len(self.request), step):
            if self.done.wait(self.pause):
                break
            try:
                self.link.sendall(self.request[at:at + step])
            except OSError:
                break


def median_ms(site, count=40):
    took = []
    for _ in range(count):
        began = time.monotonic()
        assert site.send(site.event()).status == 200
        took.append((time.monotonic() - began) * 1000)
    return statistics.median(took), max(took)


def test_dripping_senders_delay_nobody(receiver):
    """Fifty senders that stream a large body byte by byte to the one worker,
    and fifty that say nothing: the others do not wait."""
    big = receiver.event(note="x" * 700_000)
    drips = []
    for number in range(50):
        link = receiver.link()
        start = fastcgi(receiver, big)
        link.sendall(start[:300_000 if number % 2 else 100])
        drips.append(Drip(link, start[300_000 if number % 2 else 100:], 5000, 0.05))
        drips.append(Drip(receiver.link(), b"", 1, 0.05))
    slowest = 0.0
    for _ in range(50):
        link = receiver.link()
        began = time.monotonic()
        link.sendall(fastcgi(receiver, receiver.event()))
        assert fastcgi_status(link) == 200
        slowest = max(slowest, time.monotonic() - began)
    for drip in drips:
        drip.end()
    assert slowest < 1, f"a neighbour waited {slowest:.2f} s"


@pytest.mark.parametrize("name", ["apache-proxy-fcgi", "lighttpd-spawned", "nginx"])
def test_a_dripping_sender_behind_a_web_server(site, name):
    web_servers.SERVERS[name](site)
    body = site.event(note="x" * 300_000)
    request = head(site, len(body), body) + body
    drips = [Drip(connect(site), request[at:], 3000, 0.02) for at in (0, 100, 0, 0)]
    time.sleep(0.3)
    _, slowest = median_ms(site)
    for drip in drips:
        drip.end()
    assert slowest < 1000, f"a neighbour waited {slowest:.0f} ms"


def test_a_slow_request_is_taken_when_it_is_whole(receiver):
    for size in (10, 100_000, 900_000):
        body = receiver.event(note="x" * size)
        link = receiver.link()
        drip = Drip(link, fastcgi(receiver, body), 40, 0.005)
        assert fastcgi_status(link) == 200, size
        drip.join()
    assert len(receiver.recorded()) == 3
    assert max(len(row[0]) for row in receiver.sql("select body::text from ledger.event")) > 900_000


def test_a_request_that_never_ends_is_dropped(site):
    site.write_conf(request_timeout_ms="500")
    web_servers.start_receiver(site, workers=1)
    link = fastcgi_connect(site)
    link.sendall(fastcgi(site, site.event())[:200])
    link.settimeout(10)
    assert link.recv(100) == b""


def test_an_endless_body_is_refused_while_it_comes(receiver):
    link = receiver.link()
    body = b"x" * 3_000_000
    sender = Drip(link, fastcgi(receiver, body), 200, 0)
    assert fastcgi_status(link) == 413
    sender.end()
    link = receiver.link()
    sender = Drip(link, fastcgi(receiver, body, CONTENT_LENGTH=None, HTTP_TRANSFER_ENCODING="chunked"), 200, 0)
    assert fastcgi_status(link) == 413
    sender.end()


@pytest.mark.parametrize("length, status", [
    ("5", 401), ("100000", 401), ("-1", 401), ("abc", 401), ("1e3", 401), (" 5", 401),
    ("99999999999999999999", 401), ("2000000", 413), ("9223372036854775807", 413),
])
def test_lengths_that_lie(receiver, length, status):
    link = receiver.link()
    link.sendall(fastcgi(receiver, receiver.event(), CONTENT_LENGTH=length))
    assert fastcgi_status(link) == status
    assert receiver.recorded() == {}


def test_without_a_length(receiver):
    body = receiver.event()
    link = receiver.link()
    link.sendall(fastcgi(receiver, b"", CONTENT_LENGTH=None))
    assert fastcgi_status(link) == 411
    # a web server that has put a chunked body together
    link = receiver.link()
    link.sendall(fastcgi(receiver, body, CONTENT_LENGTH=None))
    assert fastcgi_status(link) == 200


@pytest.mark.parametrize("uri, status", [
    ("/hook/%41%42", 404), ("/hook/", 404), ("/hook", 404), ("/", 404), ("", 404), ("hook", 404),
    ("/hook/%zz", 404), ("/hook/%", 404), ("/hook/%00", 404), ("/hook/" + "a" * 60_000, 404),
    ("/hook/../hook/x", 404), ("//hook/x", 404), ("/hook/x/y", 404), ("/hook/\u00e9", 404),
], ids=lambda value: str(value)[:24])
def test_paths_of_every_shape(receiver, uri, status):
    link = receiver.link()
    link.sendall(fastcgi(receiver, receiver.event(), REQUEST_URI=uri))
    assert fastcgi_status(link) == status


def test_a_path_is_decoded_once_and_its_query_does_not_count(receiver):
    address = receiver.endpoint["address"]
    for uri in (f"/hook/{address}?x=/hook/y", f"/%68ook/{address}", "/hook/%{:02x}".format(ord(address[0])) + address[1:]):
        link = receiver.link()
        link.sendall(fastcgi(receiver, receiver.event(), REQUEST_URI=uri))
        assert fastcgi_status(link) == 200, uri


@pytest.mark.parametrize("nonsense", [
    b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 100, b"\xff" * 9000, b"\x01", record(2, b""), record(5, b""),
    record(1, b"")[:5], record(99, b"x" * 1000) * 3 + record(5, b""), record(4, b"\xff\xff\xff\xff") + record(5, b""),
    record(1, struct.pack(">HB5x", 1, 0)) + record(4, b"\x80\xff\xff\xff\x01ab") + record(4, b"") + record(5, b""),
    record(1, struct.pack(">HB5x", 9, 0)) + record(4, b"") + record(5, b""),
], ids=lambda value: value[:12].hex())
def test_what_is_no_fastcgi(receiver, nonsense):
    link = receiver.link()
    link.sendall(nonsense)
    link.shutdown(socket.SHUT_WR)
    link.settimeout(10)
    try:
        while link.recv(65536):
            pass
    except ConnectionResetError:
        pass	# closed with bytes of ours unread: as good an end
    link = receiver.link()
    link.sendall(fastcgi(receiver, receiver.event()))
    assert fastcgi_status(link) == 200


def test_headers_of_every_length(receiver):
    for size in (1, 100, 8_000, 60_000):
        link = receiver.link()
        link.sendall(fastcgi(receiver, receiver.event(), HTTP_X_NOISE="x" * size))
        assert fastcgi_status(link) == 200, size


def test_a_chunked_body(served):
    """Taken where the server puts it together, refused where it does not; never
    half of it."""
    body = served.event()
    link = connect(served)
    link.sendall(head(served, 0, body, **{"Content-Length": None, "Transfer-Encoding": "chunked"}))
    for at in range(0, len(body), 100):
        piece = body[at:at + 100]
        link.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    link.sendall(b"0\r\n\r\n")
    status = answer_of(link)
    assert status in (200, 411), status
    assert len(served.recorded()) == (status == 200) or not served.spool_is_empty()


def test_a_body_that_breaks_off(served):
    body = served.event()
    link = connect(served)
    link.sendall(head(served, len(body), body) + body[:100])
    link.shutdown(socket.SHUT_WR)
    link.close()
    # no trace of it, and the next one is fine
    assert served.send(served.event()).status == 200
    assert len(served.recorded()) <= 1


def test_two_thousand_connections(lighttpd):
    """All at once, each is answered."""
    links = [connect(lighttpd) for _ in range(2000)]
    bodies = [lighttpd.event() for _ in links]
    for link, body in zip(links, bodies):
        link.sendall(head(lighttpd, len(body), body) + body)
    statuses = [answer_of(link) for link in links]
    for link in links:
        link.close()
    assert statuses == [200] * 2000
    assert lighttpd.recorded() == {json.loads(body)["event_id"]: 1 for body in bodies}


def test_rotation_and_revocation(lighttpd):
    site, endpoint = lighttpd, lighttpd.endpoint
    old = endpoint["secret"]
    assert site.send(site.event()).status == 200
    new = json.loads(site.hookledger("endpoint", "rotate", endpoint["endpoint_id"], "--json").stdout)["secret"]
    # both are good at once, on every worker
    assert {site.send(site.event(), secret=secret).status for secret in (old, new) * 6} == {200}
    secrets = site.sql("select secret_id from ledger.endpoint_secret order by secret_id")
    site.hookledger("endpoint", "revoke", endpoint["endpoint_id"], secrets[0][0])
    # at once: the database refuses what a worker still believes
    assert {site.send(site.event(), secret=old).status for _ in range(6)} == {401}
    ping = b'{"event_id":0,"payload":"ping"}'
    wait_for(lambda: {site.send(ping, secret=old).status for _ in range(4)} == {401}, "pings too", 3)
    assert site.send(site.event(), secret=new).status == 200
    # what the old secret judged stays verifiable
    assert site.hookledger("verify").returncode == 0


def test_the_previous_secret_ends_at_its_time(lighttpd):
    site, endpoint = lighttpd, lighttpd.endpoint
    site.hookledger("endpoint", "rotate", endpoint["endpoint_id"], "--keep", "1s")
    wait_for(lambda: site.send(site.event(), secret=endpoint["secret"]).status == 401, "the end of the old secret", 5)


def test_a_new_endpoint_works_at_once(lighttpd):
    for _ in range(3):
        assert lighttpd.send(lighttpd.event(), address="B" * 32).status == 404
        other = json.loads(lighttpd.hookledger("endpoint", "add", "--json").stdout)
        assert lighttpd.send(lighttpd.event(), address=other["address"], secret=other["secret"]).status == 200


def test_a_base_path(site):
    site.write_conf(base_path="/~user/hookledger")
    web_servers.start_receiver(site)
    for uri, status in ((f"/~user/hookledger/hook/{site.endpoint['address']}", 200),
                        (f"/hook/{site.endpoint['address']}", 404),
                        (f"/~user/hookledgerx/hook/{site.endpoint['address']}", 404)):
        link = fastcgi_connect(site)
        link.sendall(fastcgi(site, site.event(), REQUEST_URI=uri))
        assert fastcgi_status(link) == status, uri


def test_logs_tell_refusals_and_no_secret(lighttpd):
    site = lighttpd
    marker = "zz-in-the-body"
    for number in range(300):
        site.send(site.event(note=marker), secret="guessed", address=None if number % 2 else "C" * 32)
    wait_for(lambda: site.counter("signature") + site.counter("address") == 300, "the counters")
    site.end(site.web)
    log = site.all_logs()
    assert "event=refused" in log and "reason=signature" in log
    assert marker not in log and site.endpoint["secret"] not in log and site.settings["master_key"] not in log
    assert log.count("event=refused") < 100


def test_nothing_is_logged_unescaped(receiver):
    link = receiver.link()
    link.sendall(fastcgi(receiver, receiver.event(), signature="sha256=\x1b[31m",
                         REMOTE_ADDR="1.2.3.4\x1b[31m\nlevel=error event=forged \x9b"))
    assert fastcgi_status(link) == 401
    receiver.end(receiver.receiver)
    log = receiver.all_logs()
    assert "\\x1b[31m" in log and "\x1b" not in log and "\x9b" not in log
    assert "\nlevel=error" not in log


def test_one_worker_stays_small(lighttpd):
    for _ in range(300):
        lighttpd.send(lighttpd.event())
    for pid in receivers(lighttpd):
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            fields = dict(line.split(":", 1) for line in status if ":" in line)
        if "asan" not in os.environ.get("HL_BUILD", ""):
            assert int(fields["VmHWM"].split()[0]) < 16 * 1024


def test_plain_cgi_bounds_its_connections(site):
    """Many at once with one place: the rest goes to the spool and arrives."""
    site.write_conf(cgi_connections="1")
    web_servers.lighttpd_cgi(site)
    statuses, most = [], [0]
    done = threading.Event()

    def watch():
        with site.cluster.connect("postgres") as db:
            while not done.is_set():
                count = db.execute("select count(*) from pg_stat_activity where datname = %s and "
                                   "application_name = 'hookledger-receiver'", (site.database,)).fetchone()[0]
                most[0] = max(most[0], count)

    def send():
        for _ in range(10):
            statuses.append(site.send(site.event()).status)

    watcher = threading.Thread(target=watch)
    watcher.start()
    # one after the other, so that every sender takes another event
    senders = [threading.Thread(target=send) for _ in range(12)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    done.set()
    watcher.join()
    assert set(statuses) == {200}
    assert most[0] <= 1
    site.hookledger("spool", "drain")
    assert set(site.recorded().values()) == {1}
    assert len(site.recorded()) > 60
