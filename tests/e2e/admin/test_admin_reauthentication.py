# SPDX-License-Identifier: ISC
"""That it is the operator who sits there: the password once more before what gives
power to somebody, and codes besides the password."""
import base64
import concurrent.futures
import hashlib
import hmac
import json
import re
import struct
import urllib.parse

import pytest

import web_servers
from admin_client import PASSWORD, Page, audit, by_hand, operator
from installation import WORKSPACE

pytestmark = pytest.mark.plain

OTHER = "another long password"


def late(site, words="11 minutes"):
    """What was proved is that old."""
    site.sql(f"update ledger.session set proved_until = proved_until - interval '{words}'")


def wants_proof(answer):
    assert answer.status == 403 and answer.json() == {"error": {"code": "session.password_again"}, "needs": "password"}, answer


# ---- the password once more

SUBSCRIPTION = {"account_id": "1", "workspace_id": WORKSPACE, "description": "x", "url_callback": "https://x.example.org/", "enabled": True,
                "event_filters": [{"entity": "tag", "action": "*"}]}
GIVES_POWER = [
    ("POST", "operators", {"name": "Eve", "role": "owner", "zone": "UTC", "password": OTHER}),
    ("PATCH", "operators/2", {"role": "owner"}), ("PATCH", "operators/2", {"password": OTHER}), ("PATCH", "operators/2", {"enabled": True}),
    ("PATCH", "operators/2", {"totp": False}), ("PATCH", "settings", {"silence_minutes": 5}),
    ("POST", "subscribers/accounts", {"name": "Eve"}), ("PATCH", "subscribers/accounts/1", {"enabled": True}),
    ("POST", "subscribers/accounts/1/token", {}), ("PUT", f"subscribers/accounts/1/workspaces/{WORKSPACE}", {"is_admin": True}),
    ("POST", "subscribers/subscriptions", SUBSCRIPTION), ("PATCH", "subscribers/subscriptions/1", {"url_callback": "https://x.example.org/"}),
    ("POST", "subscribers/subscriptions/1/rotate", {}), ("DELETE", "subscribers/subscriptions/1", None),
    ("POST", "endpoints", {"name": "x"}), ("PATCH", "endpoints/1", {"enabled": False}), ("POST", "endpoints/1/rotate", {}), ("DELETE", "endpoints/1/secrets/1", None),
    ("POST", "alerts", {"kind": "mail", "target": "eve@example.org"}), ("PATCH", "alerts/1", {"enabled": False}), ("DELETE", "alerts/1", None),
    ("POST", "toggl/connect", {"token": "x" * 32}), ("POST", "toggl/disconnect", {}), ("POST", "toggl/subscriptions", {"workspace_id": str(WORKSPACE)}),
    ("PATCH", "toggl/subscriptions/1", {"enabled": False}), ("DELETE", "toggl/subscriptions/1", None), ("POST", "toggl/subscriptions/1/rotate", {}),
    ("POST", "toggl/subscriptions/1/repair", {}), ("POST", "toggl/subscriptions/1/adopt", {}),
    ("POST", "ticks", {"name": "Eve"}), ("POST", "me/totp", {}), ("PUT", "me/totp", {"code": "123456"}), ("DELETE", "me/totp", {"code": "123456"}), ("POST", "me/totp/codes", {}),
]


def test_a_session_alone_gives_power_to_nobody(page_site):
    olga = operator(page_site)
    operator(page_site, "Vera", "viewer")
    tables = ("operator", "account", "member", "subscription", "endpoint_secret", "alert", "toggl_connection", "totp", "tick", "option")
    state = lambda: [page_site.sql(f"select to_jsonb(t) from ledger.{name} t order by 1::text") for name in tables]
    before = state()
    late(page_site)
    for method, path, body in GIVES_POWER:
        wants_proof(olga.call(method, path, body))
    assert state() == before
    # what only looks, or asks less of others, goes on
    for path in ("operators", "subscribers", "endpoints", "alerts", "audit", "settings", "toggl"):
        assert olga.get(path).status == 200, path
    assert olga.call("PATCH", "me", {"zone": "Asia/Tokyo"}).status == 200
    assert olga.call("DELETE", "sessions/2").status == 200	# to end a session must be easy


def test_the_password_opens_it_again(page_site):
    olga, other = operator(page_site), Page(page_site)
    assert other.login("Olga").status == 200
    late(page_site)
    assert olga.post("session/proof", {"password": "the password of others"}).status == 403
    assert olga.post("session/proof", {}).status == 400
    wants_proof(olga.call("PATCH", "settings", {"silence_minutes": 30}))
    answer = olga.post("session/proof", {"password": PASSWORD})
    assert answer.status == 200 and answer.json()["until"].endswith("Z")
    assert olga.call("PATCH", "settings", {"silence_minutes": 30}).status == 200
    wants_proof(other.call("PATCH", "settings", {"silence_minutes": 31}))	# another session is another desk
    assert page_site.sql("select round(extract(epoch from proved_until - ledger.clock()) / 60) from ledger.session order by session_id") == [(10,), (-1,)]
    assert "session.prove" in [row[1] for row in audit(page_site)]
    # a page of another origin cannot send it, nor who is not logged in
    assert olga.post("session/proof", {"password": PASSWORD}, headers={"X-HL-CSRF": None}).status == 403
    assert Page(page_site).post("session/proof", {"password": PASSWORD}).status == 403


def test_a_stolen_session_guesses_in_vain(page_site):
    olga = operator(page_site)
    late(page_site)
    statuses = [olga.post("session/proof", {"password": f"guess number {number}"}).status for number in range(22)]
    assert statuses[:20] == [403] * 20 and statuses[-1] == 429
    assert olga.post("session/proof", {"password": PASSWORD}).status == 429
    assert Page(page_site).login("Olga").status == 200	# a bucket of its own


def test_strangers_do_not_keep_an_owner_from_it(page_site):
    """Who guesses at the login fills another bucket."""
    olga = operator(page_site)
    late(page_site)
    page_site.sql("insert into ledger.throttle values ('name', '1', 1000, now()) on conflict (kind, subject) do update set level = 1000")
    assert olga.post("session/proof", {"password": PASSWORD}).status == 200


def test_how_long_is_a_setting(site):
    site.write_conf(session_proof_minutes=90)
    web_servers.lighttpd_spawned(site)
    operator(site)
    assert site.sql("select proved_until - made_at = interval '90 minutes' from ledger.session") == [(True,)]


# ---- codes

def code_of(secret, step):
    """RFC 6238, by another hand."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"


def step_now(site):
    return int(site.sql("select floor(extract(epoch from ledger.clock()) / 30)")[0][0])


def pass_by(site, seconds):
    """Time, for what asks ledger.clock(); at the start of a step, so that a test does not run into the next."""
    site.sql(f"""update ledger.state set clock_offset = clock_offset + make_interval(secs => {seconds}
                 + 30 - (extract(epoch from ledger.clock()) + {seconds})::numeric % 30)""")


def turn_on(page):
    """The secret, and the recovery codes."""
    made = page.post("me/totp")
    assert made.status == 201, made
    secret = made.json()["secret"]
    answer = page.call("PUT", "me/totp", {"code": code_of(secret, step_now(page.site))})
    assert answer.status == 200, answer
    return secret, answer.json()["codes"]


def log_in(site, name="Olga", code=None, password=PASSWORD, **more):
    page = Page(site)
    answer = page.post("session", {"name": name, "password": password, **({} if code is None else {"code": code})}, **more)
    page.take(answer)
    return answer


@pytest.fixture
def coded(page_site):
    pass_by(page_site, 0)
    page_site.olga = operator(page_site)
    page_site.secret, page_site.codes = turn_on(page_site.olga)
    return page_site


def test_codes_are_set_up(page_site):
    pass_by(page_site, 0)
    olga, other = operator(page_site), Page(page_site)
    assert other.login("Olga").status == 200 and olga.get("session").json()["operator"]["totp"] == {"on": False}
    made = olga.post("me/totp").json()
    uri = urllib.parse.urlsplit(made["uri"])
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp") and urllib.parse.unquote(uri.path) == f"/hookledger:Olga 127.0.0.1:{page_site.port}"
    assert dict(urllib.parse.parse_qsl(uri.query)) == {"secret": made["secret"], "issuer": "hookledger", "algorithm": "SHA1", "digits": "6", "period": "30"}
    assert len(base64.b32decode(made["secret"])) == 20
    # nothing is asked for before a code has proved that the app has the secret
    assert log_in(page_site).status == 200
    now = step_now(page_site)
    assert olga.call("PUT", "me/totp", {"code": code_of(made["secret"], now + 5)}).status == 403
    assert olga.call("PUT", "me/totp", {"code": ""}).status == 403 and olga.call("PUT", "me/totp", {}).status == 400
    answer = olga.call("PUT", "me/totp", {"code": code_of(made["secret"], now)}).json()
    assert answer["on"] is True and answer["codes_left"] == 10 and len(set(answer["codes"])) == 10
    assert all(re.fullmatch("[A-Z2-7]{4}(-[A-Z2-7]{4}){3}", code) for code in answer["codes"])
    assert olga.get("session").json()["operator"]["totp"]["codes_left"] == 10
    assert other.get("session").status == 401	# who had the password alone is out
    assert olga.post("me/totp").status == 409 and olga.call("PUT", "me/totp", {"code": "123456"}).status == 404
    assert olga.get("operators").json()["items"][0]["totp"] is True
    # kept sealed and hashed
    kept = str(page_site.sql("select t::text, (select string_agg(c::text, ' ') from ledger.recovery_code c) from ledger.totp t")) + str(page_site.sql("select a::text from ledger.audit a"))
    raw = base64.b32decode(made["secret"]).hex()
    assert raw not in kept and made["secret"] not in kept and not any(code.replace("-", "") in kept for code in answer["codes"])
    text = page_site.all_logs()
    assert made["secret"] not in text and not any(code in text for code in answer["codes"])


def test_the_password_and_then_the_code(coded):
    for wrong in ("wrong password", ""):
        answer = log_in(coded, password=wrong, code=code_of(coded.secret, step_now(coded) + 1))
        assert (answer.status, answer.json()) == (401, {"error": {"code": "login.wrong"}})	# nobody learns that there are codes
    answer = log_in(coded)
    assert answer.status == 401 and answer.json()["needs"] == "code" and "set-cookie" not in answer.headers
    for code in ("", "000000", "12345", "AAAA-AAAA-AAAA-AAAA"):
        answer = log_in(coded, code=code)
        assert answer.status == 401 and answer.json()["needs"] == "code" and "set-cookie" not in answer.headers, code
    assert not coded.sql("select from ledger.session where operator_id = 1 offset 1")
    assert [row[1] for row in audit(coded)].count("session.code_wrong") == 4
    pass_by(coded, 300)
    assert log_in(coded, code=" ".join(code_of(coded.secret, step_now(coded)))).status == 200
    assert coded.sql("select seen_at > now() from ledger.operator") == [(True,)]


def test_a_step_is_good_once_and_a_step_around(coded):
    # that of the confirmation is used up, and what was before
    assert log_in(coded, code=code_of(coded.secret, step_now(coded))).status == 401
    pass_by(coded, 600)
    now = step_now(coded)
    assert log_in(coded, code=code_of(coded.secret, now + 2)).status == 401
    assert log_in(coded, code=code_of(coded.secret, now - 2)).status == 401
    assert log_in(coded, code=code_of(coded.secret, now - 1)).status == 200
    assert log_in(coded, code=code_of(coded.secret, now - 1)).status == 401
    pass_by(coded, 600)
    now = step_now(coded)
    assert log_in(coded, code=code_of(coded.secret, now + 1)).status == 200	# a phone whose clock is fast
    for used in (now + 1, now, now - 1):
        assert log_in(coded, code=code_of(coded.secret, used)).status == 401
    pass_by(coded, 600)
    code = code_of(coded.secret, step_now(coded))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        statuses = [answer.status for answer in pool.map(lambda _: log_in(coded, code=code), range(4))]
    assert sorted(statuses) == [200, 401, 401, 401]


def test_recovery_codes_are_good_once(coded):
    first, second = coded.codes[:2]
    assert log_in(coded, code=first).status == 200
    assert log_in(coded, code=first).status == 401
    assert log_in(coded, code=f" {second.lower().replace('-', ' ')} ").status == 200
    assert coded.olga.get("session").json()["operator"]["totp"]["codes_left"] == 8
    fresh = coded.olga.post("me/totp/codes").json()
    assert len(fresh["codes"]) == 10 and fresh["codes_left"] == 10
    pass_by(coded, 600)
    assert log_in(coded, code=coded.codes[2]).status == 401
    assert log_in(coded, code=fresh["codes"][0]).status == 200


def test_guesses_are_bounded_and_nobody_is_locked_out(site):
    site.write_conf(trusted_proxies="127.0.0.1")
    web_servers.lighttpd_spawned(site)
    pass_by(site, 0)
    secret, codes = turn_on(operator(site))
    elsewhere = {"headers": {"X-Forwarded-For": "198.51.100.7"}}
    statuses = [log_in(site, code=f"{number:06}", **elsewhere).status for number in range(8)]
    assert statuses[:5] == [401] * 5 and statuses[-1] == 429
    pass_by(site, 0)
    answer = log_in(site, code=code_of(secret, step_now(site)), headers={"X-Forwarded-For": "198.51.100.8"})
    assert answer.status == 429 and 0 < int(answer.headers["retry-after"]) <= 180	# from anywhere, and for minutes
    assert log_in(site, code=code_of(secret, step_now(site))).status == 200	# but where Olga has logged in before
    pass_by(site, 300)
    assert log_in(site, code=codes[0], **elsewhere).status == 200


def test_codes_are_turned_off_with_a_code(coded):
    pass_by(coded, 60)
    assert coded.olga.call("DELETE", "me/totp", {"code": "000000"}).status == 403
    assert coded.olga.call("DELETE", "me/totp").status == 400
    assert coded.olga.call("PATCH", "operators/1", {"totp": False}).status == 403	# not by the way around
    assert coded.olga.call("DELETE", "me/totp", {"code": code_of(coded.secret, step_now(coded))}).json() == {"on": False}
    assert log_in(coded).status == 200 and not coded.sql("select from ledger.recovery_code")
    assert coded.olga.call("DELETE", "me/totp", {"code": "000000"}).status == 404 and coded.olga.post("me/totp/codes").status == 404
    assert [row[1] for row in audit(coded) if row[1].startswith("totp")] == ["totp.on", "totp.off"]


def test_an_owner_resets_them(coded):
    otto, vera = operator(coded, "Otto"), operator(coded, "Vera", "viewer")
    assert vera.call("PATCH", "operators/1", {"totp": False}).status == 403
    assert otto.call("PATCH", "operators/1", {"totp": True}).status == 400
    assert log_in(coded).status == 401
    assert otto.call("PATCH", "operators/1", {"totp": False}).status == 200
    assert log_in(coded).status == 200
    assert ("Otto", "totp.reset", "operator 1 (Olga)") in audit(coded)
    turn_on(vera)	# viewers have them too
    assert log_in(coded, "Vera").json()["needs"] == "code"


def test_the_command_line_resets_them(coded):
    assert json.loads(coded.hookledger("operator", "list", "--json").stdout)["operators"][0]["totp"] is True
    assert "password alone until" in coded.hookledger("operator", "totp-reset", "OLGA").stdout
    assert "already" in coded.hookledger("operator", "totp-reset", "Olga").stdout
    assert "no operator" in coded.hookledger("operator", "totp-reset", "nobody", check=False).stderr
    assert log_in(coded).status == 200 and ("command line", "totp.reset", "operator 1 (Olga)") in audit(coded)


def test_another_master_key(coded):
    """`reseal` takes the secrets along."""
    coded.write_conf(master_key="f" * 64, master_key_previous=coded.settings["master_key"])
    coded.hookledger("reseal")
    coded.write_conf(master_key_previous=None)
    pass_by(coded, 60)
    code = code_of(coded.secret, step_now(coded))
    assert by_hand(coded, "POST", "session", json.dumps({"name": "Olga", "password": PASSWORD, "code": code}).encode()).status == 200
    # and with a key that is lost, a recovery code lets in
    coded.write_conf(master_key="e" * 64)
    pass_by(coded, 60)
    for given, status in ((code_of(coded.secret, step_now(coded)), 401), (coded.codes[0], 200)):
        body = json.dumps({"name": "Olga", "password": PASSWORD, "code": given}).encode()
        assert by_hand(coded, "POST", "session", body).status == status
