# SPDX-License-Identifier: ISC
"""Who gets into the admin page, and who may do what there."""
import hashlib
import json
import time

import pytest

import web_servers
from admin_client import PASSWORD, Page, audit, by_hand, operator
from installation import Site, new_folder, wait_for

pytestmark = pytest.mark.foreign

OTHER = "another long password"


def test_login_and_logout(page_site):
    olga = operator(page_site, zone="Europe/Berlin")
    me = olga.get("session").json()
    assert me["operator"]["name"] == "Olga" and me["operator"]["role"] == "owner" and me["operator"]["zone"] == "Europe/Berlin"
    assert isinstance(me["operator"]["id"], str) and me["version"] and me["public_url"] == page_site.url
    assert me["workspaces"][0]["id"] == "7435584"
    assert olga.call("DELETE", "session").status == 200
    assert olga.get("session").status == 401
    assert audit(page_site) == [("command line", "operator.add", "operator 1 (Olga)"), ("Olga", "session.begin", "operator 1 (Olga)"),
                                ("Olga", "session.end", "operator 1 (Olga)")]


def test_ones_language(page_site):
    olga = operator(page_site)
    vera = operator(page_site, "Vera", "viewer")
    assert vera.get("session").json()["operator"]["language"] is None
    for given in ({"language": "xx1"}, {"language": 5}, {"language": "../de"}, {}):
        assert vera.call("PUT", "me/language", given).status == 400, given
    for language in ("de", "de", None):
        assert vera.call("PUT", "me/language", {"language": language}).status == 200
        assert vera.get("session").json()["operator"]["language"] == language
    assert olga.get("session").json()["operator"]["language"] is None
    assert [one for one in audit(page_site) if one[1] == "operator.change"] == [("Vera", "operator.change", "operator 2 (Vera)")] * 2


def test_the_cookie(page_site):
    page_site.hookledger("operator", "add", "Olga", "--password-file", "-", stdin=PASSWORD)
    answer = Page(page_site).login("OLGA")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/admin/;" in cookie
    assert "Secure" not in cookie	# http on the machine itself
    token = cookie.split(";")[0].split("=", 1)[1]
    assert len(token) == 43
    # what is kept of it is no way in
    digest, = page_site.sql("select digest from ledger.session")[0]
    assert digest == hashlib.sha256(token.encode()).digest()
    for name in ("cache-control", "x-content-type-options", "content-security-policy"):
        assert answer.headers[name]


def test_a_secure_cookie_behind_tls(site):
    site.write_conf(public_url="https://hooks.example.org", base_path="/~olga/hl")
    site.base_path = "/~olga/hl"
    site.hookledger("operator", "add", "Olga", "--password-file", "-", stdin=PASSWORD)
    answer = by_hand(site, "POST", "session", json.dumps({"name": "Olga", "password": PASSWORD}).encode())
    assert answer.status == 200, answer
    cookie = answer.headers["set-cookie"]
    # of that name only a page that came by TLS can set one, and none without the attribute
    assert cookie.startswith("__Secure-hl_session=") and cookie.endswith("; Secure") and "Path=/~olga/hl/admin/;" in cookie
    token = cookie.split(";")[0].split("=", 1)[1]
    assert by_hand(site, "GET", "session", HTTP_COOKIE=f"__Secure-hl_session={token}").json()["operator"]["name"] == "Olga"
    assert by_hand(site, "GET", "session", HTTP_COOKIE=f"hl_session={token}").json()["operator"] is None


def test_two_cookies_are_refused(page_site):
    """One of them may be what a neighbour on the host has set."""
    olga, otto = operator(page_site), operator(page_site, "Otto")
    for cookie in (f"hl_session={olga.cookie}; hl_session={otto.cookie}", f"hl_session={olga.cookie};hl_session={olga.cookie}",
                   f"hl_session=x; theme=dark; hl_session={olga.cookie}", f"hl_session=; hl_session={olga.cookie}"):
        for method, path, body in (("GET", "session", None), ("GET", "operators", None), ("PATCH", "settings", {"silence_minutes": 30}),
                                   ("POST", "session", {"name": "Olga", "password": PASSWORD})):
            answer = olga.call(method, path, body, headers={"Cookie": cookie})
            assert answer.status == 400 and "two session cookies" in answer.error, (cookie, path)
    assert olga.get("session").json()["operator"]["name"] == "Olga"


def test_a_session_lasts_half_a_day(page_site):
    """The defaults: 12 hours without use, 7 days in any case."""
    operator(page_site)
    assert page_site.sql("select idle = interval '12 hours', expires_at - made_at = interval '7 days' from ledger.session") == [(True, True)]


@pytest.mark.parametrize("name, password", [("Olga", "wrong password"), ("nobody", PASSWORD), ("", PASSWORD), ("Olga", ""),
                                            ("Olga'; drop table ledger.operator; --", PASSWORD), ("Olga", "x" * 1000)])
def test_wrong_credentials_say_the_same(page_site, name, password):
    operator(page_site)
    answer = Page(page_site).login(name, password)
    assert (answer.status, answer.error) == (401, "name or password is wrong")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"nonsense", b'{"name":1,"password":2}', b'{"name":"a","password":null}',
                                 b'{"name":"a\\u0000","password":"b"}', b'{"name":"' + b"x" * 5000 + b'","password":"b"}'])
def test_odd_logins_are_told_what_is_wrong(page_site, raw):
    answer = Page(page_site).call("POST", "session", raw=raw)
    assert answer.status == 400 and answer.error


def test_brute_force_is_slowed_before_anything_is_computed(page_site):
    operator(page_site)
    attacker = Page(page_site)
    statuses = [attacker.login("Olga", f"guess number {number}").status for number in range(12)]
    assert statuses[:9] == [401] * 9 and statuses[-1] == 429
    answer = attacker.login("Olga")
    assert answer.status == 429 and 0 < int(answer.headers["retry-after"]) <= 60 and "try again" in answer.error
    began = time.monotonic()
    for _ in range(20):
        attacker.login("Olga", "guess")
    assert time.monotonic() - began < 20 * 0.05	# no scrypt


@pytest.fixture
def proxied_site(site):
    """Behind a proxy that says whose requests it brings."""
    site.write_conf(trusted_proxies="127.0.0.1")
    web_servers.lighttpd_spawned(site)
    return site


def test_guessing_elsewhere_does_not_lock_the_owner_out(proxied_site):
    page_site = proxied_site
    olga = operator(page_site)
    for number in range(40):
        Page(page_site).call("POST", "session", {"name": "Olga", "password": "guess"},
                             headers={"X-Forwarded-For": f"198.51.100.{number}"})
    elsewhere = Page(page_site).call("POST", "session", {"name": "Olga", "password": PASSWORD}, headers={"X-Forwarded-For": "198.51.100.200"})
    assert elsewhere.status == 429
    assert olga.login("Olga").status == 200	# from where she was before


def test_ipv6_strangers_are_counted_by_network(proxied_site):
    operator(proxied_site)
    statuses = [Page(proxied_site).call("POST", "session", {"name": "nobody", "password": "guess"},
                                     headers={"X-Forwarded-For": f"2001:db8:1:2::{number:x}"}).status for number in range(1, 14)]
    assert statuses[-1] == 429


def test_a_request_that_another_page_sent(page_site):
    olga = operator(page_site)
    for headers in ({"X-HL-CSRF": None}, {"X-HL-CSRF": "x"}, {"X-HL-CSRF": olga.csrf[:-1] + "!"}, {"Sec-Fetch-Site": "cross-site"},
                    {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"}):
        answer = olga.call("PATCH", "settings", {"silence_minutes": 30}, headers=headers)
        assert answer.status == 403, headers
    assert not page_site.sql("select from ledger.option")
    # a login too: or an attacker could log somebody in as himself
    assert Page(page_site).call("POST", "session", {"name": "Olga", "password": PASSWORD}, headers={"Sec-Fetch-Site": "cross-site"}).status == 403
    # and the code of another session
    other = operator(page_site, "Otto")
    assert olga.call("PATCH", "settings", {"silence_minutes": 30}, headers={"X-HL-CSRF": other.csrf}).status == 403
    assert olga.call("PATCH", "settings", {"silence_minutes": 30}).status == 200


def test_no_session_is_no_way_in(page_site):
    operator(page_site)
    for cookie in (None, "", "x", "a" * 43, "a" * 5000, "'; select 1; --", "\x80"):
        page = Page(page_site)
        page.cookie = cookie
        is_one = cookie and len(cookie) < 200
        if not is_one:
            assert page.get("session").json() == {"operator": None, "setup": False}
        for path in ("operators", "sessions", "settings", "audit", *(["session"] if is_one else [])):
            answer = page.get(path)
            assert answer.status == 401 and answer.error, (cookie, path)
        assert page.call("PATCH", "settings", {"silence_minutes": 30}).status == 403


def test_sessions_end(page_site):
    olga = operator(page_site)
    page_site.sql("update ledger.session set seen_at = now() - interval '8 days'")
    assert olga.get("session").status == 401
    olga.login("Olga")
    page_site.sql("update ledger.session set expires_at = now()")
    assert olga.get("session").status == 401
    assert page_site.sql("select count(*) from ledger.session")[0][0] == 1
    olga.login("Olga")	# clears up
    assert page_site.sql("select count(*) from ledger.session")[0][0] == 1
    page_site.hookledger("operator", "add", "Otto", "--password-file", "-", stdin=PASSWORD)
    page_site.hookledger("operator", "disable", "Olga")
    assert olga.get("session").status == 401 and olga.login("Olga").status == 401
    page_site.hookledger("operator", "enable", "Olga")
    assert olga.login("Olga").status == 200


def test_a_viewer_looks_and_changes_nothing(page_site):
    operator(page_site)
    vera = operator(page_site, "Vera", role="viewer")
    for path in ("session", "operators", "sessions", "settings", "audit"):
        assert vera.get(path).status == 200, path
    assert [item["operator"] for item in vera.get("sessions").json()["items"]] == ["Vera"]
    before = page_site.sql("select operator_id, role, enabled, password from ledger.operator order by 1")
    for method, path, body in (("PATCH", "settings", {"silence_minutes": 30}),
                               ("POST", "operators", {"name": "x", "role": "owner", "zone": "UTC", "password": OTHER}),
                               ("PATCH", "operators/2", {"role": "owner"}), ("PATCH", "operators/1", {"password": OTHER}),
                               ("DELETE", "sessions/1", None)):
        answer = vera.call(method, path, body)
        assert answer.status in (403, 404), (method, path)
    assert page_site.sql("select operator_id, role, enabled, password from ledger.operator order by 1") == before
    assert not page_site.sql("select from ledger.option")


def test_operators(page_site):
    olga = operator(page_site)
    made = olga.post("operators", {"name": "Vera", "role": "viewer", "zone": "Asia/Tokyo", "password": OTHER})
    assert made.status == 201
    vera = Page(page_site)
    assert vera.login("vera", OTHER).status == 200
    again = olga.post("operators", {"name": "vera", "role": "viewer", "zone": "UTC", "password": OTHER})
    assert again.status == 409 and "already" in again.error
    for change, words in (({"name": ""}, "1 to 100"), ({"role": "king"}, "owner or viewer"), ({"zone": "Mars/Base"}, "time zone"),
                          ({"password": "short"}, "12 characters"), ({"password": "passwordpassword"}, "first that are guessed"),
                          ({"password": "Nora-Nora-2026"}, "first that are guessed"), ({"name": "Ol\u200bga"}, "invisible"), ({"name": "\u202eaglO"}, "invisible"),
                          ({"name": "\u041elga"}, "one alphabet"), ({"name": "x" * 101}, "1 to 100"), ({"name": "a\tb"}, "must not have control characters")):
        answer = olga.post("operators", {"name": "Nora", "role": "viewer", "zone": "UTC", "password": OTHER, **change})
        assert answer.status == 400 and words in answer.error, change
    for name in ("\uff36era", " Vera ", "Vera\u00a0", "VERA"):
        assert olga.post("operators", {"name": name, "role": "viewer", "zone": "UTC", "password": OTHER}).status == 409, name
        assert Page(page_site).login(name, OTHER).status == 200, name
    number = made.json()["id"]
    assert olga.call("PATCH", f"operators/{number}", {"role": "owner", "zone": "UTC"}).status == 200
    assert vera.get("session").json()["operator"]["role"] == "owner"
    assert olga.call("PATCH", f"operators/{number}", {"password": "yet another one"}).status == 200
    assert vera.get("session").status == 401 and vera.login("Vera", OTHER).status == 401
    assert olga.call("PATCH", "operators/999", {"role": "owner"}).status == 404
    assert olga.call("PATCH", f"operators/{number}", {"enabled": "no"}).status == 400
    assert olga.call("PATCH", f"operators/{number}", {"enabled": False}).status == 200
    only = olga.call("PATCH", "operators/1", {"role": "viewer"})
    assert only.status == 400 and "only owner" in only.error
    listed = {item["name"]: item for item in olga.get("operators").json()["items"]}
    assert listed["Vera"]["enabled"] is False and listed["Olga"]["is_me"] is True
    text = json.dumps(olga.get("audit").json())
    assert "operator.change" in text and "operator.password" in text and "scrypt" not in text and OTHER not in text


def test_ones_own_password(page_site):
    olga, other = operator(page_site), Page(page_site)
    assert other.login("Olga").status == 200
    assert olga.call("PATCH", "me", {"password": OTHER, "old_password": "wrong"}).status == 403
    assert olga.call("PATCH", "me", {"password": "short", "old_password": PASSWORD}).status == 400
    assert olga.call("PATCH", "me", {"password": OTHER}).status == 400
    assert olga.call("PATCH", "me", {"password": OTHER, "old_password": PASSWORD, "zone": "Europe/Paris"}).status == 200
    assert olga.get("session").json()["operator"]["zone"] == "Europe/Paris"
    assert other.get("session").status == 401
    assert Page(page_site).login("Olga").status == 401 and Page(page_site).login("Olga", OTHER).status == 200
    # a session on somebody's desk cannot guess for ever
    assert 429 in [olga.call("PATCH", "me", {"password": OTHER, "old_password": "guess"}).status for _ in range(25)]


def test_sessions_are_listed_and_ended(page_site):
    olga, phone = operator(page_site), Page(page_site)
    phone.login("Olga")
    items = olga.get("sessions").json()["items"]
    assert len(items) == 2 and sum(item["is_me"] for item in items) == 1 and items[0]["address"] == "127.0.0.1"
    other = next(item for item in items if not item["is_me"])
    assert olga.call("DELETE", f"sessions/{other['id']}").status == 200
    assert phone.get("session").status == 401 and olga.get("session").status == 200
    assert olga.call("DELETE", f"sessions/{other['id']}").status == 404


def test_settings(page_site):
    olga = operator(page_site)
    assert olga.call("PATCH", "settings", {"silence_minutes": 30}).status == 200
    values = {item["name"]: item["value"] for item in olga.get("settings").json()["items"]}
    assert values["silence_minutes"] == 30
    for body in ({"silence_minutes": 0}, {"silence_minutes": "30"}, {"silence_minutes": 1.5}, {"silence_minutes": 1e99},
                 {"silence_minutes": None}, {"nonsense": 1}, {"silence_minutes": 10**30}):
        answer = olga.call("PATCH", "settings", body)
        assert answer.status == 400 and answer.error, body
    entry = olga.get("audit").json()["items"][0]
    assert (entry["action"], entry["subject"], entry["before"], entry["after"]) == ("settings.change", {"code": "subject.option", "name": "silence_minutes"}, 60, 30)
    assert entry["operator"] == "Olga" and entry["address"] == "127.0.0.1"


def test_the_trail_in_pages(page_site):
    olga = operator(page_site)
    for minutes in range(10, 20):
        olga.call("PATCH", "settings", {"silence_minutes": minutes})
    seen, after = [], ""
    while True:
        page = olga.get(f"audit?limit=4&after={after}").json()
        seen += [item["id"] for item in page["items"]]
        if not page["next"]:
            break
        after = page["next"]
    assert seen == [str(number) for number in range(12, 0, -1)]
    # a filter that is mistyped does not give everything
    answer = olga.get("audit?limit=5&befor=3")
    assert answer.status == 400 and answer.error == 'there is no parameter "befor" here, only after, limit', answer
    answer = olga.get("sessions?limit=5")
    assert answer.status == 400 and answer.error == 'there is no parameter "limit" here, and no other', answer
    assert olga.get("health?from=monitor").status in (200, 503)
    for query in ("limit=0", "limit=501", "limit=x", "after=x", "after=1;drop", "limit=%"):
        assert olga.get(f"audit?{query}").status == 400, query


def test_methods_and_paths(page_site):
    olga = operator(page_site)
    answer = olga.call("PUT", "settings", {})
    assert answer.status == 405 and answer.headers["allow"] == "GET, HEAD, PATCH"
    assert olga.get("nonsense").status == 404 and olga.get("operators/x").status == 404
    assert olga.call("PATCH", "settings", raw=b"{}", headers={"Content-Type": "text/plain"}).status == 415
    assert olga.call("PATCH", "settings", raw=b"{" + b" " * 70000 + b"}").status == 413
    assert olga.call("HEAD", "session").body == b""


def test_the_database_goes_away(page_site):
    olga = operator(page_site)
    page_site.sql("alter function admin.operator_list(ledger.operator, admin.request) rename to gone")
    answer = olga.get("operators")
    assert answer.status == 503 and "gone" not in answer.error and answer.headers["retry-after"]
    page_site.sql("alter function admin.gone(ledger.operator, admin.request) rename to operator_list")
    wait_for(lambda: olga.get("operators").status == 200, "the database to be back")


# ---- the first visit

TOKEN = "a set-up token of my own"
SETUP = {"token": TOKEN, "name": "Olga", "password": PASSWORD, "zone": "Europe/Berlin"}


@pytest.fixture
def empty_site(request, shared_cluster, run_folder):
    """A database that never saw hookledger, and no shell."""
    site = Site(shared_cluster, new_folder(run_folder / "sites" / "empty"), "template0")
    site.write_conf(setup_token=TOKEN)
    yield site
    site.close()


def test_the_first_visit(empty_site):
    site = empty_site
    web_servers.lighttpd_spawned(site)
    page = Page(site)
    assert page.get("session").json()["setup"] is True and page.get("setup").json() == {"needed": True}
    for change, status in (({"token": "a set-up token of others"}, 403), ({"password": "short"}, 400), ({"token": 1}, 400)):
        assert page.post("setup", {**SETUP, **change}).status == status, change
    assert page.call("POST", "setup", SETUP, headers={"Sec-Fetch-Site": "cross-site"}).status == 403
    answer = page.post("setup", SETUP, timeout=120)
    assert answer.status == 200, answer
    page.take(answer)
    assert page.get("session").json()["operator"]["role"] == "owner"
    assert page.get("setup").json() == {"needed": False}
    assert Page(site).get("session").json()["setup"] is False
    again = Page(site).post("setup", {**SETUP, "name": "Eve"})
    assert again.status == 409 and "already" in again.error
    assert site.sql("select count(*) from ledger.operator")[0][0] == 1
    assert audit(site)[0][1] == "setup"


def test_the_first_visit_by_plain_cgi(empty_site):
    answer = by_hand(empty_site, "POST", "setup", json.dumps(SETUP).encode())
    assert answer.status == 200 and answer.json()["operator"]["name"] == "Olga", answer


def test_an_installed_database_that_is_away_is_not_empty(page_site):
    page_site.write_conf(setup_token=TOKEN, database="host=127.0.0.1 port=1 dbname=x user=y connect_timeout=1")
    for method, path, body in (("GET", "session", b""), ("GET", "setup", b""), ("POST", "setup", json.dumps(SETUP).encode())):
        answer = by_hand(page_site, method, path, body)
        assert answer.status == 503 and answer.json()["error"]["code"] == "db.away", answer


def test_no_first_visit_without_a_token(page_site):
    page = Page(page_site)
    assert page.get("session").json()["setup"] is False
    assert page.post("setup", {**SETUP, "token": ""}).status == 403
    page_site.write_conf(setup_token="short")
    answer = by_hand(page_site, "POST", "setup", json.dumps({**SETUP, "token": "short"}).encode())
    assert answer.status == 403 and "too short" in answer.error
    assert not page_site.sql("select from ledger.operator")


# ---- the command line

def test_operator_commands(bare_site):
    site = bare_site
    site.hookledger("operator", "add", "Olga", "--password-file", "-", stdin=PASSWORD)
    for arguments, words in ((("add", "olga"), "already"), (("add", "x", "--role", "king"), "owner or viewer"),
                             (("add", "x", "--zone", "Mars"), "time zone"), (("disable", "Olga"), "only owner"),
                             (("role", "Olga", "viewer"), "only owner"), (("password", "nobody"), "no operator")):
        done = site.hookledger("operator", *arguments, *(["--password-file", "-"] if arguments[0] in ("add", "password") else []),
                               stdin=PASSWORD, check=False)
        assert done.returncode == 1 and words in done.stderr, (arguments, done.stderr)
    short = site.hookledger("operator", "add", "y", "--password-file", "-", stdin="short", check=False)
    assert short.returncode == 1 and "12 characters" in short.stderr
    nowhere = site.hookledger("operator", "add", "y", check=False)
    assert nowhere.returncode == 1 and "--password-file" in nowhere.stderr
    listed = json.loads(site.hookledger("operator", "list", "--json").stdout)["operators"]
    assert [(one["name"], one["role"], one["enabled"]) for one in listed] == [("Olga", "owner", True)]
    assert "LAST LOGIN" in site.hookledger("operator", "list").stdout
