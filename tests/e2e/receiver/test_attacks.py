# SPDX-License-Identifier: ISC
"""Classes of attack that have a name, each as a table: session fixation, requests forged
from other sites, requests hidden in requests. (Addresses that a subscriber must not
have: api/test_api_odd.py and tests/unit/test_address.c. What the programs may do in the
database: tests/sql/grants.sql.)"""
import struct

import pytest

import raw_http
from admin_client import PASSWORD, Page, operator
from fastcgi import fastcgi, fastcgi_status, pair, record
from installation import sign

pytestmark = pytest.mark.foreign


# ---- session fixation

def test_a_login_never_takes_over_a_session(page_site):
    """What a browser has when it logs in, by whomever it was put there, is no session afterwards."""
    mallory = operator(page_site, "Mallory", role="viewer")
    operator(page_site)
    for planted in ("a" * 43, mallory.cookie, mallory.cookie[:-1] + ("A" if mallory.cookie[-1] != "A" else "B"), "%20", "x" * 4000):
        victim = Page(page_site)
        victim.cookie = planted
        assert victim.login("Olga").status == 200
        assert victim.cookie != planted and victim.csrf != mallory.csrf
        # who planted it is nobody else for it
        thief = Page(page_site)
        thief.cookie = planted
        seen = thief.get("session").json().get("operator")
        assert not seen or (planted, seen["name"]) == (mallory.cookie, "Mallory")


def test_a_session_is_new_at_each_login_and_over_after_it(page_site):
    olga = operator(page_site)
    cookies, codes = {olga.cookie}, {olga.csrf}
    for _ in range(3):
        before = Page(page_site)
        before.cookie, before.csrf = olga.cookie, olga.csrf
        assert olga.login("Olga").status == 200
        assert olga.cookie not in cookies and olga.csrf not in codes
        cookies.add(olga.cookie)
        codes.add(olga.csrf)
    assert olga.call("DELETE", "session").status == 200
    assert olga.get("operators").status == 401


def test_a_session_is_in_a_cookie_only(page_site):
    olga = operator(page_site)
    name = f"hl_session={olga.cookie}"
    for path, headers in ((f"operators?{name}", {}), (f"operators;{name}", {}), ("operators", {"Authorization": f"Bearer {olga.cookie}"}),
                          ("operators", {"X-HL-Session": olga.cookie}), ("operators", {"Cookie": f"HL_SESSION={olga.cookie}"}), ("operators", {"Cookie": f"x={name}"}),
                          ("operators", {"Cookie": f"hl_session[]={olga.cookie}"}), ("operators", {"Cookie": f"hl_session={olga.cookie}x"})):
        assert Page(page_site).get(path, headers=headers).status in (400, 401, 404), (path, headers)


# ---- requests that another site's page sends

FORM_TYPES = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "")
CHANGES = (("PATCH", "settings", {"silence_minutes": 31}), ("POST", "endpoints", {"name": "Mallory's"}),
           ("POST", "operators", {"name": "Mallory", "password": PASSWORD, "role": "owner", "zone": "UTC"}), ("DELETE", "session", None))


def forgeries(page, other):
    """Headers that a page of another site can bring about, or that lack what ours sends."""
    yield from ({"X-HL-CSRF": code} for code in (None, "", "x", "null", "undefined", other.csrf, page.csrf[:-1], page.csrf + "x", page.csrf.swapcase(), page.cookie))
    yield from ({"Sec-Fetch-Site": site, "X-HL-CSRF": None} for site in ("cross-site", "same-site", "none", "same-origin", None))
    yield from ({"Sec-Fetch-Site": site} for site in ("cross-site", "same-site", "none", "same-origin, cross-site"))
    yield from ({"X-HL-CSRF": None, "Content-Type": kind} for kind in FORM_TYPES)
    yield {"X-HL-CSRF": None, "Origin": "null"}
    yield {"X-HL-CSRF": None, "X-CSRF-Token": page.csrf}
    yield {"X-HL-CSRF": None, "Cookie": f"hl_session={page.cookie}; X-HL-CSRF={page.csrf}"}


def test_no_other_site_changes_anything(page_site):
    olga, other = operator(page_site), operator(page_site, "Otto")
    for method, path, body in CHANGES:
        for headers in forgeries(olga, other):
            answer = olga.call(method, path, body, headers=headers)
            assert answer.status in (400, 403, 415), (method, path, headers, answer)
        # with the code where no script of ours puts it, and by methods that forms have
        assert olga.call(method, f"{path}?X-HL-CSRF={olga.csrf}&csrf={olga.csrf}", body, headers={"X-HL-CSRF": None}).status == 403
        assert olga.call(method, path, {**(body or {}), "csrf": olga.csrf}, headers={"X-HL-CSRF": None}).status in (400, 403)
        for verb in ("GET", "HEAD", "POST"):
            if verb != method:
                headers = {"X-HTTP-Method-Override": method, "X-HTTP-Method": method, "X-Method-Override": method, "X-HL-CSRF": None}
                assert olga.call(verb, f"{path}?_method={method}", None, headers=headers).status in (200, 400, 403, 404, 405)
    assert not page_site.sql("select from ledger.option") and not page_site.sql("select from ledger.endpoint where name like 'Mallory%%'")
    assert [row[0] for row in page_site.sql("select name from ledger.operator order by 1")] == ["Olga", "Otto"]
    assert olga.get("session").json()["operator"]["name"] == "Olga"


# ---- a request hidden in a request

def recorded(site):
    """The bodies, byte for byte."""
    return [text.encode() for text, in site.sql("select body::text from ledger.event")]


def outer(site, body, lines):
    """The head of a signed callback, with these lines of length or coding."""
    return (f"POST {site.base_path}/hook/{site.endpoint['address']} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"X-Webhook-Signature-256: {sign(body, site.endpoint['secret'])}\r\n{lines}\r\n").encode()


def hidden(site, body):
    return outer(site, body, f"Content-Length: {len(body)}\r\nConnection: close\r\n") + body


# what is to be refused by RFC 9112, section 6.3: {n} is the true length, {more} one that takes in the hidden request
REFUSED = ("Content-Length: {n}\r\nContent-Length: {more}\r\n", "Content-Length: {more}\r\nContent-Length: {n}\r\n", "Content-Length: {n}, {more}\r\n",
           "Content-Length: -{n}\r\n", "Content-Length: 0x{n:x}\r\n", "Content-Length: {n} {n}\r\n", "Content-Length: {n}a\r\n",
           "Content-Length: 18446744073709551616\r\n", "Content-Length: 99999999999999999999999\r\n")
# where servers differ in what they make of it: refused, or one of the two lengths
AMBIGUOUS = ("Content-Length: {n}\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: {more}\r\n",
             "Content-Length: {n}\r\nTransfer-Encoding: xchunked\r\n", "Content-Length: {n}\r\nTransfer-Encoding: identity\r\n",
             "Content-Length: {n}\r\nTransfer-Encoding : chunked\r\n", "Content-Length: {n}\r\nTransfer-Encoding:\x0bchunked\r\n",
             "Content-Length: {n}\r\nX: y\r\n Transfer-Encoding: chunked\r\n", "Content-Length: {n}\r\nTransfer_Encoding: chunked\r\n",
             "Content-Length: {n}\r\nContent_Length: {more}\r\n", "Content-Length: {n}\nTransfer-Encoding: chunked\r\n",
             "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "Content-Length: +{n}\r\n")


def test_what_is_hidden_behind_two_lengths(served):
    """Each body that is recorded is one that was signed, byte for byte, and no server or
    program is out of step afterwards."""
    site, sent = served, set()
    for place, lines in enumerate((*REFUSED, *AMBIGUOUS)):
        for is_chunked in (False, True):
            visible, secret = site.event(), site.event()
            sent |= {visible, secret}
            rest = (b"%x\r\n%s\r\n0\r\n\r\n" % (len(visible), visible) if is_chunked else visible) + hidden(site, secret)
            count = site.sql("select count(*) from ledger.event")[0][0]
            reply = raw_http.exchange(site.port, outer(site, visible, lines.format(n=len(visible), more=len(rest))) + rest, 20)
            if place < len(REFUSED):
                assert reply is None or reply.status in (400, 411, 413, 501), (lines, reply)
                assert site.sql("select count(*) from ledger.event")[0][0] == count, lines
            good = site.event()
            sent.add(good)
            assert site.send(good).status == 200, lines
    bodies = recorded(site)
    assert set(bodies) <= sent and len(bodies) == len(set(bodies))


def begin(request=1, role=1, flags=0):
    return record(1, struct.pack(">HB5x", role, flags), request)


def test_what_is_hidden_in_fastcgi(receiver):
    """As a web server would that is fooled, or not one."""
    def params(body, *more, request=1):
        pairs = [(b"REQUEST_METHOD", b"POST"), (b"REQUEST_URI", f"/hook/{receiver.endpoint['address']}".encode()), (b"CONTENT_TYPE", b"application/json"),
                 (b"HTTP_X_WEBHOOK_SIGNATURE_256", sign(body, receiver.endpoint["secret"]).encode()), *more]
        return record(4, b"".join(pair(*one) for one in pairs), request) + record(4, b"", request)

    def length(body):
        return b"CONTENT_LENGTH", str(len(body)).encode()

    tables = {
        "two lengths": lambda a, b: begin() + params(a, length(a), length(a + b)) + record(5, a) + record(5, b) + record(5, b""),
        "a second request behind the end": lambda a, b: fastcgi(receiver, a) + fastcgi(receiver, b),
        "a second request in the body": lambda a, b: begin() + params(a, length(a)) + record(5, a + fastcgi(receiver, b)) + record(5, b""),
        "another request's records": lambda a, b: begin() + params(a, length(a)) + record(5, b, 2) + record(5, a) + record(5, b""),
        "two requests interleaved": lambda a, b: begin() + begin(2) + params(a, length(a)) + params(b, length(b), request=2) + record(5, a) + record(5, b, 2) + record(5, b""),
        "begun again in the middle": lambda a, b: begin() + params(a, length(a)) + record(5, a[:9]) + fastcgi(receiver, b),
        "parameters behind the body": lambda a, b: begin() + params(a, length(a)) + record(5, a) + record(4, pair(b"CONTENT_LENGTH", b"0")) + record(5, b""),
        "body behind its end": lambda a, b: begin() + params(a, length(a)) + record(5, a) + record(5, b"") + record(5, b),
        "ended before its body": lambda a, b: begin() + params(a, length(a)) + record(2, b"") + record(5, a) + record(5, b""),
        "a connection to be kept": lambda a, b: begin(flags=1) + params(a, length(a)) + record(5, a) + record(5, b"") + fastcgi(receiver, b),
    }
    for name, bytes_of in tables.items():
        visible, secret = receiver.event(), receiver.event()
        link = receiver.link()
        link.sendall(bytes_of(visible, secret))
        try:
            assert fastcgi_status(link) in (None, 200, 400, 401, 411, 413), name
        except ConnectionResetError:
            pass	# closed with bytes of ours unread
        bodies = recorded(receiver)
        assert secret not in bodies and bodies.count(visible) <= 1 and len(bodies) == len(set(bodies)), name
        good = receiver.link()
        good.sendall(fastcgi(receiver, receiver.event()))
        assert fastcgi_status(good) == 200, name
