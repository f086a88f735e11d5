# SPDX-License-Identifier: ISC
"""Clients that open a connection and do not go on: the web server of deploy/ takes the
place back in time, and callbacks are taken meanwhile. And many callbacks at once from one
address, as Toggl's are: none is refused."""
import http.client
import selectors
import socket
import time

import pytest

import web_servers
from installation import sign, wait_for

pytestmark = pytest.mark.plain

# one of each web server; how a program is behind it does not matter here
KINDS = ["lighttpd-socket", "apache-proxy-fcgi", "nginx"]
HALF_OPEN = 600	# above the places that Apache has in these tests
# the longest limit of deploy/, and what a busy machine adds
LIMIT_SECONDS = 15 + 15


@pytest.fixture(params=KINDS)
def web(request, site):
    web_servers.SERVERS[request.param](site)
    return site


def opened(site, data):
    link = socket.create_connection(("127.0.0.1", site.port), 30)
    link.sendall(data)
    link.setblocking(False)
    return link


def test_half_open_connections_end(web):
    """Of nothing, of half a head, of half a body; and callbacks are answered all the while."""
    head = (f"POST {web.base_path}/hook/{web.endpoint['address']} HTTP/1.1\r\nHost: 127.0.0.1\r\n").encode()
    half_body = head + b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    links = [opened(web, data) for _ in range(HALF_OPEN // 3) for data in (b"P", head, half_body)]
    began, waiting = time.monotonic(), set(links)
    assert web.send(web.event(), timeout=60).status == 200
    with selectors.DefaultSelector() as selector:
        for link in links:
            selector.register(link, selectors.EVENT_READ)
        while waiting and time.monotonic() - began < LIMIT_SECONDS:
            for key, _ in selector.select(1):
                try:
                    data = key.fileobj.recv(65536)
                except ConnectionResetError:
                    data = b""
                if not data:	# an answer (408, 400) may come first
                    selector.unregister(key.fileobj)
                    waiting.discard(key.fileobj)
        assert not waiting, f"{len(waiting)} connections are still open after {LIMIT_SECONDS} s"
    for link in links:
        link.close()
    assert web.send(web.event()).status == 200


def test_many_callbacks_from_one_address(web):
    """256 connections at once, each with a callback of its own."""
    requests = []
    for _ in range(256):
        body = web.event()
        link = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
        link.connect()
        requests.append((link, body))
    for link, body in requests:
        link.putrequest("POST", f"{web.base_path}/hook/{web.endpoint['address']}")
        for name, value in {"Content-Type": "application/json", "Content-Length": len(body),
                            "X-Webhook-Signature-256": sign(body, web.endpoint["secret"])}.items():
            link.putheader(name, str(value))
        link.endheaders(body)
    assert {link.getresponse().status for link, _ in requests} == {200}
    for link, _ in requests:
        link.close()
    wait_for(lambda: web.sql("select count(*) from ledger.event") == [(256,)], "all to be recorded")
