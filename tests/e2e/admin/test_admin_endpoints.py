# SPDX-License-Identifier: ISC
"""Endpoints on the admin page: made, rotated, revoked, and tried out by a ping
through the real web server."""
import json
import socket
import ssl
import subprocess
import threading

import pytest

import web_servers
from admin_client import Page, audit, by_hand, operator
from admin_subscribers import done, refused
from catalogue import sentence
from installation import WORKSPACE, free_port
from subscriber import Subscriber

pytestmark = pytest.mark.plain

XSS = '<img src=x onerror=alert(1)>"\''


@pytest.fixture
def page_site(site):
    site.write_conf(handshake_timeout_ms="1500")
    web_servers.lighttpd_spawned(site)
    return site


def tried(page, number="1"):
    answer = done(page.post(f"endpoints/{number}/test"))
    assert sentence(answer["words"]) and answer["milliseconds"] >= 0
    return answer["result"]


def test_from_making_to_revoking(page_site, olga):
    made = done(olga.post("endpoints", {"name": XSS, "workspace_id": str(WORKSPACE)}), 201)
    assert made["name"] == XSS and made["url"].startswith(page_site.url + "/hook/") and len(made["secret"]) == 43
    address = made["url"].rsplit("/", 1)[1]
    assert page_site.send(page_site.event(), address=address, secret=made["secret"]).status == 200
    seen = done(olga.get("endpoints"))
    assert [one["id"] for one in seen["items"]] == ["1", made["id"]] and seen["next"] is None
    one = seen["items"][1]
    assert (one["name"], one["url"], one["enabled"], one["workspace_id"]) == (XSS, made["url"], True, str(WORKSPACE))
    assert one["last_event_at"].endswith("Z") and len(one["secrets"]) == 1 and one["secrets"][0]["valid_until"] is None
    assert made["secret"] not in json.dumps(seen) and one["warnings"]["disable"]
    page = done(olga.get("endpoints?limit=1"))
    assert [item["id"] for item in page["items"]] == ["1"] and [item["id"] for item in done(olga.get("endpoints?after=" + page["next"]))["items"]] == [made["id"]]

    path = f"endpoints/{made['id']}"
    fresh = done(olga.post(path + "/rotate", {"keep_hours": 1}))
    assert fresh["previous_valid_until"].endswith("Z")
    for secret in (made["secret"], fresh["secret"]):
        assert page_site.send(page_site.event(), address=address, secret=secret).status == 200
    old, new = done(olga.get("endpoints"))["items"][1]["secrets"]
    assert old["valid_until"] and new["valid_until"] is None and new["id"] == fresh["secret_id"]
    assert done(olga.call("DELETE", f"{path}/secrets/{old['id']}"))["valid_secrets"] == 1
    assert page_site.send(page_site.event(), address=address, secret=made["secret"]).status == 401
    assert page_site.send(page_site.event(), address=address, secret=fresh["secret"]).status == 200
    warning = done(olga.get("endpoints"))["items"][1]["secrets"][0]["revoke_warning"]
    assert warning == {"code": "endpoint.warn_revoke_last"}
    assert done(olga.call("DELETE", f"{path}/secrets/{new['id']}"))["words"] == {"code": "endpoint.revoked_last"}
    assert page_site.send(page_site.event(), address=address, secret=fresh["secret"]).status == 401
    refused(olga.post(path + "/test"), 409, "no secret")

    done(olga.call("PATCH", path, {"enabled": False}))
    assert page_site.send(page_site.event(), address=address, secret=fresh["secret"]).status == 404
    done(olga.call("PATCH", path, {"enabled": True}))
    assert [action for _, action, _ in audit(page_site) if action.startswith("endpoint.")] == [
        "endpoint.add", "endpoint.rotate", "endpoint.revoke", "endpoint.revoke", "endpoint.disable", "endpoint.enable"]
    assert fresh["secret"] not in json.dumps(done(olga.get("audit")))


@pytest.mark.parametrize("method, path, body, status, words", [
    ("POST", "endpoints", {"name": "x" * 201}, 400, "1 to 200"),
    ("POST", "endpoints", {"name": 5}, 400, "name"),
    ("POST", "endpoints", {"name": "x\u0000"}, 400, ""),
    ("POST", "endpoints", {"workspace_id": 0}, 400, "above 0"),
    ("POST", "endpoints", {"workspace_id": "-1"}, 400, "workspace_id"),
    ("POST", "endpoints", {"workspace_id": 10**20}, 400, "workspace_id"),
    ("POST", "endpoints", {"address": "mine"}, 400, "address"),
    ("PATCH", "endpoints/1", {"enabled": None}, 400, "true or false"),
    ("PATCH", "endpoints/1", {"enabled": 1}, 400, "true or false"),
    ("PATCH", "endpoints/1", {}, 400, ""),
    ("PATCH", "endpoints/9", {"enabled": True}, 404, "9"),
    ("PATCH", "endpoints/x", {"enabled": True}, 404, ""),
    ("POST", "endpoints/1/rotate", {"keep_hours": 8761}, 400, "8760"),
    ("POST", "endpoints/1/rotate", {"keep_hours": "1.5"}, 400, "keep_hours"),
    ("POST", "endpoints/9/rotate", {"keep_hours": 1}, 404, "9"),
    ("POST", "endpoints/9/test", {}, 404, "9"),
    ("DELETE", "endpoints/1/secrets/9", None, 404, "9"),
    ("DELETE", "endpoints/9/secrets/1", None, 404, "9"),
    ("GET", "endpoints?limit=x", None, 400, "limit"),
    ("GET", "endpoints?after=x", None, 400, "after"),
    ("DELETE", "endpoints/1", None, 405, ""),
])
def test_odd_requests_are_told_what_is_wrong(page_site, olga, method, path, body, status, words):
    page_site.sql("delete from ledger.audit")
    refused(olga.call(method, path, body), status, words)
    assert not audit(page_site) and page_site.sql("select count(*) from ledger.endpoint_secret") == [(1,)]


def test_a_viewer_looks_and_a_stranger_does_not(page_site, olga):
    vera = operator(page_site, "Vera", "viewer")
    done(vera.get("endpoints"))
    refused(Page(page_site).get("endpoints"), 401)
    for method, path in (("POST", "endpoints"), ("PATCH", "endpoints/1"), ("POST", "endpoints/1/rotate"), ("DELETE", "endpoints/1/secrets/1"),
                         ("POST", "endpoints/1/test")):
        refused(vera.call(method, path, {"enabled": False}), 403, "only an owner")
        refused(Page(page_site).call(method, path, {"enabled": False}), 403)
    assert olga.get("endpoints").status == 200
    assert page_site.counter("ping") == 0 and page_site.sql("select enabled from ledger.endpoint") == [(True,)]


# ---- trying it out

def public_url(site, url):
    """The programs have read the settings once: they begin anew."""
    site.write_conf(public_url=url)
    site.end(site.web)
    web_servers.lighttpd_spawned(site)


def test_a_ping_that_comes_back(page_site, olga):
    assert tried(olga) == "well"
    assert page_site.sql("select count(*) from ledger.event") == [(0,)]
    done(olga.call("PATCH", "endpoints/1", {"enabled": False}))
    assert tried(olga) == "disabled"


def test_what_is_on_the_way(page_site, olga):
    """Each thing that can be wrong has its word."""
    own = page_site.url
    for path, result in (("/elsewhere", "wrong_path"),):
        public_url(page_site, own + path)
        assert tried(olga) == result
    public_url(page_site, f"http://127.0.0.1:{free_port()}")
    assert tried(olga) == "unreachable"
    public_url(page_site, "http://no-such-host.invalid")
    assert tried(olga) == "name"
    public_url(page_site, own.replace("http", "https"))
    assert tried(olga) == "tls"

    answers = {"other_site": (200, {}, b"<html>"), "redirect": (301, {"Location": own}, b""), "down": (502, {}, b""), "secret": (401, {}, b""),
               "wrong_path": (404, {}, b"not found"), "refused": (429, {}, b"")}
    other = Subscriber()
    public_url(page_site, other.url.rsplit("/", 1)[0])
    for result, answer in answers.items():
        other.answer = lambda request, answer=answer: answer
        assert tried(olga) == result
    other.close()

    with socket.create_server(("127.0.0.1", 0)) as silent:
        public_url(page_site, f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert tried(olga) == "timeout"
    public_url(page_site, None)
    refused(olga.post("endpoints/1/test"), 409, "public_url")


def test_another_master_key(page_site, olga):
    page_site.write_conf(master_key="0" * 64)
    public_url(page_site, page_site.url)
    refused(olga.post("endpoints/1/test"), 409, "master_key")
    # a new secret is sealed with the key of now
    done(olga.post("endpoints/1/rotate"))
    assert tried(olga) == "well"


def test_as_a_plain_cgi_program(page_site, olga):
    """Held until the answer is there, and then it ends."""
    who = {"HTTP_COOKIE": f"hl_session={olga.cookie}", "HTTP_X_HL_CSRF": olga.csrf}
    assert done(by_hand(page_site, "POST", "endpoints/1/test", **who))["result"] == "well"
    assert done(by_hand(page_site, "GET", "endpoints", **who))["items"][0]["id"] == "1"


def test_a_certificate_that_nobody_trusts(page_site, olga):
    key, cert = page_site.work / "key.pem", page_site.work / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "1",
                    "-subj", "/CN=localhost"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            while True:
                try:
                    link, _ = server.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(link, server_side=True).close()
                except OSError:
                    link.close()

        threading.Thread(target=serve, daemon=True).start()
        public_url(page_site, f"https://localhost:{server.getsockname()[1]}")
        assert tried(olga) == "tls"
