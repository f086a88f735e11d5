# SPDX-License-Identifier: ISC
"""The admin page behind each web server: its files with all that belongs to
them, and its data."""
import gzip
import http.client
import re

import pytest

import web_servers
from admin_client import PASSWORD, Page, operator
from fixtures import kind_or_skip
from installation import Answer

pytestmark = pytest.mark.plain

POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
HEADERS = {"content-security-policy": POLICY, "x-content-type-options": "nosniff", "referrer-policy": "no-referrer",
           "cross-origin-opener-policy": "same-origin", "cache-control": "no-cache",
           "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()"}


def get(site, path, **headers):
    link = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    try:
        link.request("GET", site.base_path + path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        got = link.getresponse()
        return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
    finally:
        link.close()


def look_at(site):
    """Whatever the page's files and data have to be behind a web server."""
    index = get(site, "/admin/")
    assert index.status == 200 and b'<script type="module" src="js/main.js">' in index.body, index
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    assert {name: index.headers.get(name) for name in HEADERS} == HEADERS
    for path, kind in (("/admin/js/main.js", "text/javascript; charset=utf-8"), ("/admin/style.css", "text/css; charset=utf-8"),
                       ("/admin/icon.svg", "image/svg+xml"), ("/admin/vendor/pico.min.css", "text/css; charset=utf-8")):
        plain, packed = get(site, path), get(site, path, Accept_Encoding="gzip")
        assert plain.status == 200 and plain.headers["content-type"].lower() == kind, (path, plain.headers)
        assert {name: plain.headers.get(name) for name in HEADERS} == HEADERS
        if "svg" not in path:
            assert packed.headers["content-encoding"] == "gzip" and gzip.decompress(packed.body) == plain.body
            assert "accept-encoding" in packed.headers["vary"].lower()
        # what a browser has already does not come again
        for answer, more in ((plain, {}), (packed, {"Accept_Encoding": "gzip"})):
            again = get(site, path, If_None_Match=answer.headers["etag"], **more)
            assert (again.status, again.body) == (304, b""), (path, answer.headers, again)
    moved = get(site, "/admin")
    assert moved.status in (301, 302) and moved.headers["location"].endswith(site.base_path + "/admin/")
    for path in ("/admin/nothing", "/admin/js/", "/admin/api/nothing", "/admin/.htaccess", "/admin/%2e%2e/hookledger.conf"):
        answer = get(site, path)
        assert answer.status in (403, 404) and b"main.js" not in answer.body, (path, answer)
    assert get(site, "/admin/nothing").status == get(site, "/admin/api/nothing").status == 404


def log_in(site):
    olga = operator(site)
    assert olga.get("session").json()["operator"]["name"] == "Olga"
    answer = olga.get("operators")
    assert answer.status == 200 and "no-store" in answer.headers["cache-control"], answer
    assert Page(site).get("operators").status == 401
    assert Page(site).login("Olga", PASSWORD + "x").status == 401
    assert olga.post("session", {}, headers={"X-HL-CSRF": "wrong"}).status in (400, 403)
    assert olga.call("DELETE", "session").status == 200


def test_the_page(served):
    look_at(served)
    log_in(served)


@pytest.mark.parametrize("kind", ["lighttpd-spawned", "lighttpd-cgi", "apache-proxy-fcgi", "apache-cgi", "nginx"])
def test_below_a_path(site, kind, monkeypatch):
    """With the path before each /admin of the configuration."""
    fill = web_servers.fill
    monkeypatch.setattr(web_servers, "fill", lambda *words: re.sub(r'(?<=[ "^])/admin(?=[/$" ])', "/team/hours/admin", fill(*words)))
    monkeypatch.setattr(web_servers, "OPEN", web_servers.OPEN.replace("|admin", "|team/hours/admin"))
    site.base_path = "/team/hours"
    site.write_conf(base_path=site.base_path)
    kind_or_skip(kind)(site)
    look_at(site)
    log_in(site)
