# SPDX-License-Identifier: ISC
"""Unusual requests to the API, unusual addresses and answers of callbacks.
api_client.Client checks that each answer is allowed."""
import json
import socket
import threading
import time

import pytest

import web_servers
from api_client import BASE, EAGER, USER, Client, account, by_hand, set_up
from installation import WORKSPACE
from subscriber import Subscriber

pytestmark = pytest.mark.foreign

SUBSCRIPTIONS = f"{BASE}/subscriptions/{WORKSPACE}"
TAG = [{"entity": "tag", "action": "created"}]


def restarted(site, **changes):
    site.write_conf(**changes)
    site.end(site.web)
    web_servers.lighttpd_spawned(site)
    return site


# ---- requests

ODD = [None, True, False, 0, -1, 1.5, 1e300, 2**63, 2**64, "", " ", "x", "\x00", "\ud800", "🕰", [], [None], [[]], {}, {"a": {}}, "null", "[]"]
FIELDS = ["description", "url_callback", "event_filters", "secret", "enabled", "subscription_id", "workspace_id", "user_id", "validated_at",
          "created_at", "deleted_at", "has_pending_events", "pending_until", "unheard_of"]


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_of_any_type(api_site, subscriber, field):
    """Refused, or as if it were not there; and what only the server sets stays the server's."""
    api_site.sql("update ledger.organization set max_webhooks = 1000")
    ada = account(api_site)
    good = {"description": "a test", "url_callback": subscriber.url, "event_filters": TAG, "secret": "s", "enabled": True}
    made = ada.call("POST", SUBSCRIPTIONS, good).json()
    one = f"{SUBSCRIPTIONS}/{made['subscription_id']}"
    for place, value in enumerate(ODD):
        body = json.dumps({**good, "description": f"odd {place}", field: value}).encode()
        answers = [ada.call("POST", SUBSCRIPTIONS, raw=body), ada.call("PUT", one, raw=json.dumps({**good, field: value}).encode())]
        for answer in answers:
            if field not in good or (field, answer.status) in (("secret", 200), ("enabled", 200)):
                assert answer.status == 200, (value, answer)
            if answer.status == 200:
                answered = answer.json()
                assert answered["workspace_id"] == WORKSPACE and answered["user_id"] == USER and answered["deleted_at"] is None
                assert answered["enabled"] is (value if field == "enabled" and value is not None else True)
                assert answered["secret"] and "unheard_of" not in answered and "pending_until" not in answered
        assert answers[1].status != 200 or answers[1].json()["subscription_id"] == made["subscription_id"]
        ada.call("PUT", one, good)


def test_clients_send_whole_subscriptions_back(api_site, subscriber):
    ada = account(api_site)
    made = ada.subscribe(subscriber.url).json()
    one = f"{SUBSCRIPTIONS}/{made['subscription_id']}"
    same = ada.call("PUT", one, made).json()
    assert {**same, "updated_at": None} == {**made, "updated_at": None}
    off = ada.call("PATCH", one, {**made, "enabled": False, "secret": "another", "description": "another"}).json()
    assert {**off, "updated_at": None} == {**made, "enabled": False, "updated_at": None}
    again = ada.call("POST", SUBSCRIPTIONS, {**made, "description": "again"}).json()
    assert again["subscription_id"] != made["subscription_id"] and again["secret"] == made["secret"]


def test_an_update_with_and_without_each_field(api_site, subscriber):
    ada = account(api_site)
    made = ada.subscribe(subscriber.url, secret="first").json()
    one = f"{SUBSCRIPTIONS}/{made['subscription_id']}"
    new = {"description": "new", "url_callback": subscriber.url + "/new", "secret": "second", "enabled": False, "event_filters": TAG}
    whole = {key: made[key] for key in new}
    for field, value in new.items():
        changed = ada.call("PUT", one, {**whole, field: value})
        assert changed.status == 200 and {key: changed.json()[key] for key in new} == {**whole, field: value}
        without = ada.call("PUT", one, {key: value for key, value in whole.items() if key != field})
        if field == "description":
            assert (without.status, without.json()) == (400, "Subscription description must not be empty")
        else:
            assert {key: without.json()[key] for key in new} == {**whole, field: value}
        assert ada.call("PUT", one, whole).status == 200
    assert ada.call("PATCH", one, {"enabled": False}).json()["enabled"] is False
    assert ada.call("PUT", one, {"description": "still off"}).json()["enabled"] is False


def test_numbers_of_64_bits(api_site, subscriber):
    large = 2**63 - 1
    api_site.hookledger("workspace", "add", large, "--organization", api_site.organization)
    ada = account(api_site, user=large, workspace=large)
    api_site.sql("select setval(pg_get_serial_sequence('ledger.subscription', 'subscription_id'), 9007199254740992)")
    made = ada.subscribe(subscriber.url, workspace=large).json()
    assert (made["subscription_id"], made["workspace_id"], made["user_id"]) == (9007199254740993, large, large)
    assert subscriber.got[0]["body"]["subscription_id"] == 9007199254740993
    assert ada.get(f"{BASE}/subscriptions/{large}").json() == [made]
    for path in (f"{BASE}/subscriptions/{large + 1}", f"{BASE}/subscriptions/-1", f"{BASE}/subscriptions/007", f"{BASE}/subscriptions/1e3",
                 f"{BASE}/subscriptions/0x1", f"{BASE}/subscriptions/+1", f"{BASE}/subscriptions/%31x"):
        assert ada.get(path).status == 404
    assert ada.get(f"{BASE}/subscriptions/0").status == 403
    assert ada.get("/api/v9/me").json()["id"] == large


def test_paths(api_site):
    ada = account(api_site)
    for path in (f"{BASE}/", f"{BASE}//status", "/api/v9/", "//api/v9/me", f"{BASE}/validate/1/2/", f"{BASE}/Status"):
        assert ada.get(path).status == 404, path
    # many clients add a slash
    for path in (f"{BASE}/status/", f"{SUBSCRIPTIONS}/", f"{SUBSCRIPTIONS}//", "/api/v9/me/", "/api/v9/me/?with_related_data=true",
                 "/api/v9/me/logged/", f"/api/v9/workspaces/{WORKSPACE}/projects/"):
        assert ada.get(path).json() == ada.get(path.replace("/?", "?").rstrip("/")).json(), path
    wrong = ada.call("PATCH", f"{BASE}/status/", {})
    assert (wrong.status, wrong.headers["allow"]) == (405, "GET, HEAD")
    # what some web servers refuse themselves
    for path in (f"{BASE}/validate/1/2/%ff", f"{BASE}/validate/1/2/%c0%80", f"{BASE}/validate/1/2/%00", f"{BASE}/validate/1/2/%", f"{BASE}/%zz"):
        assert by_hand(api_site, "GET", path).status == 404, path
    # decoded once
    assert ada.get(f"{BASE}/st%61tus").status == 200
    assert ada.get(f"{BASE}/st%2561tus").status == 404
    # a slash that is encoded is a part of nothing
    assert ada.get(f"{BASE}/validate/1/2/a%2Fb").status == 404
    odd = Client(api_site, None).get(f"{BASE}/validate/1/2/%22%27%3Cb%3E%F0%9F%95%B0")
    assert odd.json() == "subscription 2 for workspace 1 and validation code '\"'<b>🕰' was not found"


def test_methods(api_site):
    ada = account(api_site)
    number = 1
    for path, allowed in ((f"{BASE}/status", "GET, HEAD"), (SUBSCRIPTIONS, "GET, HEAD, POST"), (f"{SUBSCRIPTIONS}/{number}", "PUT, PATCH, DELETE"),
                          (f"{BASE}/ping/{WORKSPACE}/{number}", "POST"), ("/api/v9/me", "GET, HEAD")):
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            if method in allowed:
                continue
            answer = ada.call(method, path, {} if method in ("POST", "PUT", "PATCH") else None)
            assert answer.status == 405 and answer.headers["allow"] == allowed, (method, path)
            assert "access-control-allow-origin" not in answer.headers
    get, head = ada.get(f"{BASE}/limits/{WORKSPACE}"), ada.call("HEAD", f"{BASE}/limits/{WORKSPACE}")
    assert head.status == 200 and head.headers["content-length"] == get.headers["content-length"]
    assert head.headers["x-toggl-quota-remaining"] == str(int(get.headers["x-toggl-quota-remaining"]) - 1)
    assert ada.call("HEAD", f"{BASE}/nowhere").status == 404
    assert Client(api_site, None).call("HEAD", f"{BASE}/limits/{WORKSPACE}").status == 403


def test_pages_of_another_origin(api_site):
    """Off unless set; then the same for every answer."""
    ada = account(api_site)
    origin = {"Origin": "https://app.example.org"}
    assert not any(name.startswith("access-control") for name in ada.get(f"{BASE}/status", headers=origin).headers)
    restarted(api_site, api_cors_origin=origin["Origin"])
    asked = Client(api_site, None).call("OPTIONS", SUBSCRIPTIONS, headers={**origin, "Access-Control-Request-Method": "POST"})
    assert asked.status == 200
    assert "PATCH" in asked.headers["access-control-allow-methods"] and "Authorization" in asked.headers["access-control-allow-headers"]
    for answer in (asked, ada.get(f"{BASE}/status"), ada.get(SUBSCRIPTIONS), ada.get(f"{BASE}/nowhere"), ada.call("DELETE", SUBSCRIPTIONS),
                   Client(api_site, "x").get(SUBSCRIPTIONS), ada.call("POST", SUBSCRIPTIONS, raw=b"x")):
        assert answer.headers["access-control-allow-origin"] == origin["Origin"] and answer.headers["vary"] == "Origin", answer
        assert "access-control-allow-credentials" not in answer.headers
    assert ada.call("OPTIONS", f"{BASE}/nowhere").status == 404


def test_by_cgi_and_below_a_path(site, subscriber):
    site.write_conf(**EAGER, base_path="/~ada/hookledger")
    site.base_path = site.settings["base_path"]
    set_up(site)
    ada = account(site)
    who = {"HTTP_AUTHORIZATION": ada.authorization, "CONTENT_TYPE": "application/json; charset=utf-8"}
    made = by_hand(site, "POST", SUBSCRIPTIONS, json.dumps({"description": "by hand", "url_callback": subscriber.url, "event_filters": TAG}).encode(), **who)
    assert made.status == 200 and made.json()["validated_at"]
    assert subscriber.got[0]["body"]["validation_code_url"].startswith(f"{site.url}/~ada/hookledger{BASE}/validate/{WORKSPACE}/")
    assert by_hand(site, "GET", SUBSCRIPTIONS, **who).json() == [made.json()]
    assert by_hand(site, "HEAD", SUBSCRIPTIONS, **who).status == 200
    assert by_hand(site, "GET", SUBSCRIPTIONS, HTTP_AUTHORIZATION="", REDIRECT_HTTP_AUTHORIZATION=ada.authorization).status == 200
    assert by_hand(site, "GET", SUBSCRIPTIONS).status == 403
    assert by_hand(site, "GET", "/outside", REQUEST_URI=SUBSCRIPTIONS, **who).status == 404


# ---- descriptions

@pytest.mark.parametrize("text", ["'; drop table ledger.subscription; --", "<script>alert(1)</script>", "⏱ größer \U0001F9D1‍\U0001F680", "%s %n {0} $1 \\",
                                  "a\nb\tc\x7f", "x" * 1000, "\"'`&amp;", "‮evil", "null"])
def test_a_description_of_any_letters(api_site, subscriber, text):
    ada = account(api_site)
    made = ada.subscribe(subscriber.url, text)
    assert made.status == 200 and made.json()["description"] == text.strip(" ")
    assert ada.get(SUBSCRIPTIONS).json() == [made.json()]
    again = ada.subscribe(subscriber.url, text)
    assert (again.status, again.json()) == (400, f"Subscription description '{text}' is already in use for workspace {WORKSPACE}")
    listed = json.loads(api_site.hookledger("subscription", "list", "--json").stdout)["subscriptions"]
    assert [one["description"] for one in listed] == [text]


def test_a_description_with_nul(api_site, subscriber):
    ada = account(api_site)
    body = json.dumps({"description": "a_b", "url_callback": subscriber.url, "event_filters": TAG}).replace("a_b", "a\\u0000b")
    made = ada.call("POST", SUBSCRIPTIONS, raw=body.encode())
    assert (made.status, made.json()["description"]) == (200, "a�b")


# ---- addresses of callbacks

def refused(client, url, description="x"):
    answer = client.subscribe(url, description)
    assert answer.status == 400, (url, answer)
    words = answer.json()
    assert words.startswith(f"URL endpoint {url} request failed with error: "), words
    return words.split("error: ", 1)[1]


def test_addresses_that_are_none(api_site):
    ada = account(api_site)
    for url in ("ftp://example.org/", "file:///etc/passwd", "gopher://127.0.0.1:5432/_x", "example.org/x", "//example.org/x", "mailto:a@example.org",
                "http://", "https://", "http://:80/", "javascript:alert(1)", "unix:///run/x", "dict://127.0.0.1/", "x", "http//x",
                "http://ada:secret@127.0.0.1/", "https://ada@example.org/", "http://127.0.0.1:99999/", "http://127.0.0.1:-1/", "http://[::1/"):
        assert "must be an http or https URL" in refused(ada, url), url
    # what is pasted with something in it that nobody sees
    for url in ("http://exa mple.org/", "http://[fe80::1%25eth0]/\x01", "http://a\r\nb/", "https://example.org/a b", " https://example.org/", "https://example.org/\u200b",
                "https://example.org/\u00a0", "https://example.org/\t"):
        answer = ada.subscribe(url, "x")
        assert answer.status == 400 and "contains a blank or a character that cannot be seen" in answer.json(), (url, answer)
    assert api_site.sql("select from ledger.subscription") == []


NOT_PUBLIC = ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "017700000001", "0", "0.0.0.0", "10.0.0.1", "169.254.169.254",
              "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fd00::1]", "[fe80::1]", "localhost",
              "LOCALHOST.", "%6c%6f%63%61%6c%68%6f%73%74", "%31%32%37.0.0.1", "127。0。0。1", "192.168.1.1", "100.64.0.1", "224.0.0.1", "255.255.255.255",
              "127.0.1", "127.0.0.01", "0x7F.0x0.0x0.0x1", "0177.0.0.01", "0x7f.0.1", "127.0x0.0.1", "00000177.1", "127.0.0.1.", "127.000.000.001", "１２７.０.０.１",
              "①②⑦.⓪.⓪.①", "ｌｏｃａｌｈｏｓｔ", "localhost.localdomain", "0x0", "00", "0.0", "017700000001.", "0x000000007f000001", "4294967295", "3232235777", "0xa9fea9fe",
              "2852039166", "0251.0376.0251.0376", "169.254.43518", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::ffff:0:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::169.254.169.254]",
              "[2002:a9fe:a9fe::1]", "[2001:0:7f00:1::]", "[fec0::1]", "[ff02::1]", "[fc00::]", "[::ffff:a9fe:a9fe]", "172.16.0.1", "172.31.255.255", "198.18.0.1", "192.0.0.1",
              "192.0.2.1", "240.0.0.1", "100.127.255.255", "127.255.255.254", "127.0.0.1%00.example.org", "127.0.0.1%2eexample.org", "127.0.0.1%09"]


def test_addresses_that_are_not_public(api_site, subscriber):
    """Judged when the connection is made: however the address is written, and whatever a name stands for."""
    restarted(api_site, allowed_networks=None)
    ada = account(api_site)
    port = subscriber.url.rsplit(":", 1)[1]
    assert socket.gethostbyname("localhost") == "127.0.0.1"
    for host in NOT_PUBLIC:
        words = refused(ada, f"http://{host}:{port}")
        assert words == "its host has no public address" or any(
            part in words for part in ("must be an http", "bad/illegal format")), (host, words)
    for host in ("127.0.0.1", "127.1", "2130706433", "0x7f.1", "017700000001", "localhost", "[::ffff:127.0.0.1]"):
        assert refused(ada, f"http://{host}:{port}") == "its host has no public address"
    assert not subscriber.got and api_site.sql("select from ledger.subscription") == []


def test_addresses_that_are_allowed(api_site, subscriber):
    ada = account(api_site)
    port = subscriber.url.rsplit(":", 1)[1].split("/")[0]
    for place, url in enumerate((f"http://2130706433:{port}/a", f"http://localhost:{port}/b?c=d&e=%20#fragment", f"HTTP://127.1:{port}", f"http://[::ffff:127.0.0.1]:{port}/é")):
        made = ada.subscribe(url, f"number {place}", enabled=False)
        assert made.status == 200 and made.json()["url_callback"] == url, made
    assert [got["path"] for got in subscriber.got[:3]] == ["/a", "/b?c=d&e=%20", "/"]


# ---- answers of callbacks

def test_a_callback_that_sends_elsewhere(api_site, subscriber):
    ada = account(api_site)
    for status in (301, 302, 303, 307, 308):
        sender = Subscriber(lambda request, status=status: (status, {"Location": subscriber.url}, b""))
        answer = ada.subscribe(sender.url)
        assert (answer.status, answer.json()) == (400, f"URL endpoint {sender.url} responded with status {status} instead of 200")
        sender.close()
    assert not subscriber.got


def test_what_a_callback_may_answer(api_site):
    """200 is enough for a subscription to be made; only the code validates it."""
    ada = account(api_site)
    huge = b'{"validation_code":"' + b"x" * 5_000_000 + b'"}'

    def code(request):
        return request["body"]["validation_code"]

    for place, (answer, is_valid) in enumerate((
            (lambda request: (200, {}, b""), False),
            (lambda request: (200, {}, huge), False),
            (lambda request: (200, {}, b"\x00\xff{{{"), False),
            (lambda request: (200, {}, b"null"), False),
            (lambda request: (200, {}, json.dumps([code(request)]).encode()), False),
            (lambda request: (200, {}, code(request).encode()), False),
            (lambda request: (200, {}, json.dumps({"validation_code": code(request)[:-1]}).encode()), False),
            (lambda request: (200, {}, json.dumps({"validation_code": [code(request)]}).encode()), False),
            (lambda request: (200, {}, json.dumps({"x": {"validation_code": code(request)}}).encode()), False),
            (lambda request: (200, {"Content-Type": "text/html"}, json.dumps({"more": 1, "validation_code": code(request)}).encode()), True))):
        one = Subscriber(answer)
        made = ada.subscribe(one.url, f"number {place}", enabled=False)
        assert made.status == 200 and (made.json()["validated_at"] is not None) is is_valid, (place, made)
        one.close()


def raw_server(reply):
    """Answers each connection with these bytes, and closes it; reply None: says nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(30)

    def serve():
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            link.settimeout(10)
            try:
                link.recv(65536)
                if reply is None:
                    link.recv(65536)	# until the other side gives up
                else:
                    link.sendall(reply)
            except OSError:
                pass
            link.close()

    threading.Thread(target=serve, daemon=True).start()
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}/x"


def test_callbacks_that_do_not_speak_http(api_site):
    restarted(api_site, handshake_timeout_ms="500")
    ada = account(api_site)
    for reply in (b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"\x16\x03\x01", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", b"HTTP/1.1 OK\r\n\r\n",
                  b"HTTP/1.1 200 OK\r\nX: " + b"\xff\x00" * 100 + b"\r\nContent-Length: x\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000, None):
        listener, url = raw_server(reply)
        began = time.monotonic()
        refused(ada, url)
        assert time.monotonic() - began < 10
        listener.close()
    assert ada.get(SUBSCRIPTIONS).json() == []
    # and certificates are looked at
    listener, url = raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    refused(ada, url.replace("http:", "https:"))
    listener.close()


def test_a_ping_of_its_own(api_site, subscriber):
    """Says what is wrong, and validates when the answer has the code."""
    ada = account(api_site)
    subscriber.answer = lambda request: (200, {}, b"{}")
    made = ada.subscribe(subscriber.url).json()
    ping = f"{BASE}/ping/{WORKSPACE}/{made['subscription_id']}"
    subscriber.answer = lambda request: (500, {}, b"")
    answer = ada.call("POST", ping)
    assert (answer.status, answer.json()) == (400, f"URL endpoint {subscriber.url} responded with status 500 instead of 200")
    subscriber.answer = Subscriber.prove
    assert ada.call("POST", ping).status == 200
    assert ada.get(SUBSCRIPTIONS).json()[0]["validated_at"]
    # a disabled one can be pinged too
    assert ada.call("PATCH", f"{SUBSCRIPTIONS}/{made['subscription_id']}", {"enabled": False}).status == 200
    assert ada.call("POST", ping).status == 200


def test_enabling_one_that_was_never_validated(api_site, subscriber):
    ada = account(api_site)
    subscriber.answer = lambda request: (200, {}, b"{}")
    made = ada.subscribe(subscriber.url, enabled=False).json()
    one = f"{SUBSCRIPTIONS}/{made['subscription_id']}"
    on = ada.call("PATCH", one, {"enabled": True}).json()
    assert on["enabled"] is True and on["validated_at"] is None
    assert subscriber.got[0]["body"]["validation_code"] == subscriber.got[1]["body"]["validation_code"]
    assert ada.call("PATCH", one, {"enabled": True}).status == 200
    assert len(subscriber.got) == 2, "it is enabled already"
    subscriber.answer = Subscriber.prove
    ada.call("PATCH", one, {"enabled": False})
    assert ada.call("PATCH", one, {"enabled": True}).json()["validated_at"]


def test_a_new_address_is_validated_by_its_url_while_it_is_asked(api_site, subscriber):
    ada = account(api_site)
    made = ada.subscribe(subscriber.url).json()
    answered = []

    def call_back(request):
        answered.append(Client(api_site, None).get(request["body"]["validation_code_url"].split(api_site.url)[1]).status)
        return 200, {}, b"thanks"

    eager = Subscriber(call_back)
    moved = ada.call("PUT", f"{SUBSCRIPTIONS}/{made['subscription_id']}", {**made, "url_callback": eager.url}).json()
    assert answered == [200] and moved["validated_at"] > made["validated_at"]
    eager.close()
