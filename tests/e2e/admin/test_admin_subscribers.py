# SPDX-License-Identifier: ISC
"""Subscribers on the admin page: accounts, limits, subscriptions by the API's own
path, and who may."""
import json

import pytest

import web_servers
from admin_client import Page, audit, by_hand, operator
from admin_subscribers import ALL, EAGER, USER, XSS, actions, done, grounds, listed, order, refused, subscribe
from api_client import BASE, Client
from catalogue import sentence
from deliveries import assert_genuine, record, run_round
from installation import WORKSPACE, Calling, free_port
from subscriber import Subscriber

pytestmark = pytest.mark.plain


@pytest.fixture
def page_site(site):
    site.write_conf(**EAGER)
    web_servers.lighttpd_spawned(site)
    return site


# ---- who, and how much

def test_accounts_and_limits(page_site, olga):
    account, token = grounds(olga)
    client = Client(page_site, token)
    assert client.get(f"{BASE}/limits/{WORKSPACE}").json() == {"max_webhooks": 3, "max_events_per_webhook": 12}

    assert done(olga.call("PATCH", "subscribers/organizations/1", {"max_filters": 2, "hourly_requests": 5000}))["max_filters"] == 2
    assert client.get(f"{BASE}/limits/{WORKSPACE}").json()["max_events_per_webhook"] == 2
    assert done(olga.call("PATCH", "subscribers/organizations/1", {"plan": "free"}))["hourly_requests"] == 30
    assert done(olga.call("PATCH", "subscribers/organizations/1", {"plan": "enterprise", "user_requests": 50}))["user_requests"] == 50
    assert done(olga.call("PATCH", "subscribers/organizations/1", {"plan": "free"}))["user_requests"] == 30

    # its last character ends a line in JavaScript, and is none of a name
    refused(olga.call("PATCH", f"subscribers/accounts/{account}", {"name": XSS}), 400)
    name = XSS.removesuffix("\u2028")
    changed = done(olga.call("PATCH", f"subscribers/accounts/{account}", {"name": name, "email": None, "zone": "UTC"}))
    assert (changed["name"], changed["email"], changed["zone"]) == (name, None, "UTC")
    fresh = done(olga.post(f"subscribers/accounts/{account}/token"))["token"]
    assert len(fresh) == 32 and fresh != token
    assert client.get("/api/v9/me").status == 403 and Client(page_site, fresh).get("/api/v9/me").status == 200
    done(olga.call("PATCH", f"subscribers/accounts/{account}", {"enabled": False}))
    assert Client(page_site, fresh).get("/api/v9/me").status == 403

    seen = done(olga.get("subscribers"))
    one, = seen["accounts"]
    assert one["name"] == name and one["enabled"] is False and one["user_id"] == str(USER) and one["seen_at"]
    assert one["workspaces"] == [{"id": str(WORKSPACE), "is_admin": True}] and one["warnings"]["token"]
    assert seen["organizations"][0]["workspaces"] == [str(WORKSPACE)]
    assert seen["workspaces"] == [{"id": str(WORKSPACE), "name": f"workspace {WORKSPACE}", "organization_id": "1"}]
    assert seen["plans"][0] == {"plan": "free", "max_webhooks": 1, "max_filters": 3, "hourly_requests": 30, "user_requests": 30}
    assert "started" in seen["event_filters"]["time_entry"] and seen["subscriptions"] == []
    assert done(olga.call("DELETE", f"subscribers/accounts/{account}/workspaces/{WORKSPACE}"))["workspaces"] == []

    assert actions(page_site) == ["organization.add", "workspace.set", "account.add", "account.grant", *["organization.change"] * 4,
                                  "account.change", "account.token", "account.change", "account.revoke"]
    trail = json.dumps(done(olga.get("audit")))
    assert token not in trail and fresh not in trail
    before, after = page_site.sql("select before, after from ledger.audit where action = 'account.revoke'")[0]
    assert before == [{"id": str(WORKSPACE), "is_admin": True}] and after == []


@pytest.mark.parametrize("method, path, body, status, words", [
    ("POST", "accounts", {}, 400, "name, user_id"),
    ("POST", "accounts", {"name": "Ada"}, 400, "user_id"),
    ("POST", "accounts", {"name": "", "user_id": 1}, 400, "1 to 200"),
    ("POST", "accounts", {"name": "x" * 201, "user_id": 1}, 400, "1 to 200"),
    ("POST", "accounts", {"name": "Ada", "user_id": -1}, 400, "user_id"),
    ("POST", "accounts", {"name": "Ada", "user_id": 1.5}, 400, "user_id"),
    ("POST", "accounts", {"name": "Ada", "user_id": "1; drop table"}, 400, "user_id"),
    ("POST", "accounts", {"name": "Ada", "user_id": 10**30}, 400, "user_id"),
    ("POST", "accounts", {"name": "Ada", "user_id": [1]}, 400, "user_id"),
    ("POST", "accounts", {"name": {"a": 1}, "user_id": 1}, 400, "name"),
    ("POST", "accounts", {"name": "Ada\u0000", "user_id": 1}, 400, ""),
    ("POST", "accounts", {"name": "Ada", "user_id": 1, "zone": "Moon/Base"}, 400, "Moon/Base"),
    ("POST", "accounts", {"name": "Ada", "user_id": 1, "token": "mine"}, 400, "token"),
    ("PATCH", "accounts/1", {}, 400, ""),
    ("PATCH", "accounts/1", {"enabled": "yes"}, 400, "true or false"),
    ("PATCH", "accounts/1", {"name": ""}, 400, "1 to 200"),
    ("PATCH", "accounts/99", {"name": "x"}, 404, "99"),
    ("PATCH", "accounts/x", {"name": "x"}, 404, ""),
    ("PATCH", "accounts/9999999999999999999", {"name": "x"}, 404, ""),
    ("PATCH", "accounts/1000000000000000000", {"name": "x"}, 400, "whole number"),
    ("POST", "accounts/99/token", {}, 404, "99"),
    ("PUT", "accounts/1/workspaces/5", {"is_admin": 1}, 400, "true or false"),
    ("PUT", "accounts/1/workspaces/5", {"admin": True}, 400, "is_admin"),
    ("PUT", "accounts/1/workspaces/5", {"is_admin": True}, 404, "is not served yet"),
    ("PUT", "accounts/99/workspaces/5", {"is_admin": True}, 404, "99"),
    ("DELETE", "accounts/1/workspaces/5", None, 404, "no access"),
    ("POST", "organizations", {"name": "x", "plan": "golden"}, 400, "golden"),
    ("POST", "organizations", {"plan": "free"}, 400, "1 to 200"),
    ("POST", "organizations", {"name": "x", "id": 1}, 400, "exists already"),
    ("PATCH", "organizations/1", {"max_filters": 10001}, 400, "10000"),
    ("PATCH", "organizations/1", {"hourly_requests": 10**15}, 400, "100000000"),
    ("PATCH", "organizations/1", {"max_webhooks": True}, 400, "max_webhooks"),
    ("PATCH", "organizations/7", {"plan": "free"}, 404, "7"),
    ("PUT", "workspaces/5", {}, 400, "organization_id"),
    ("PUT", "workspaces/5", {"organization_id": "7"}, 404, "7"),
    ("PUT", "workspaces/0", {"organization_id": "1"}, 400, "above 0"),
    ("POST", "subscriptions/9/ping", None, 404, "9"),
    ("POST", "subscriptions/9/rotate", None, 404, "9"),
    ("POST", "subscriptions/9/replay", {"dead": True}, 404, "9"),
    ("GET", "subscriptions/9/deliveries", None, 404, "9"),
    ("DELETE", "subscriptions/9", None, 404, "9"),
    ("PATCH", "subscriptions/9", {"enabled": True}, 404, "9"),
    ("GET", "deliveries/9", None, 404, "9"),
    ("POST", "deliveries/9/replay", None, 404, "9"),
    ("GET", "accounts", None, 405, ""),
    ("GET", "nothing", None, 404, ""),
])
def test_odd_requests_are_told_what_is_wrong(page_site, olga, method, path, body, status, words):
    grounds(olga)
    page_site.sql("delete from ledger.audit")
    refused(olga.call(method, "subscribers/" + path, body), status, words)
    assert not audit(page_site)


# ---- subscriptions

def test_a_subscription_by_the_apis_own_path(page_site, olga, subscriber):
    account, token = grounds(olga)
    made = subscribe(olga, account, subscriber.url, description=XSS)
    assert made["validated"] is True and made["status"] == 200 and len(made["secret"]) == 43 and "validation code" in sentence(made["words"])
    ping, = subscriber.got
    assert ping["body"]["validation_code"] and ping["body"]["subscription_id"] == int(made["id"])
    # the account has it as if it had made it by the API
    own, = Client(page_site, token).get(f"{BASE}/subscriptions/{WORKSPACE}").json()
    assert own["description"] == XSS and own["secret"] == made["secret"] and own["validated_at"]
    seen = listed(olga, made["id"])
    assert (seen["state"], seen["description"], seen["account"], seen["url"]) == ("well", XSS, "Ada", subscriber.url)
    assert seen["event_filters"] == ALL and "secret" not in seen and seen["warnings"]["delete"]

    record(page_site, 2)
    assert listed(olga, made["id"])["last_success_at"] is None
    run_round(page_site)
    for request in subscriber.events():
        assert_genuine(request, made["secret"])
    assert listed(olga, made["id"])["last_success_at"]

    # changing what is no address asks nobody
    asked = len(subscriber.got)
    done(olga.call("PATCH", f"subscribers/subscriptions/{made['id']}", {"event_filters": [{"entity": "tag", "action": "created"}]}))
    done(olga.call("PATCH", f"subscribers/subscriptions/{made['id']}", {"enabled": False}))
    assert len(subscriber.got) == asked and listed(olga, made["id"])["state"] == "disabled"
    assert listed(olga, made["id"])["state_words"] == {"code": "subscription.state_disabled"}
    # enabling it does, and so does another address
    assert done(olga.call("PATCH", f"subscribers/subscriptions/{made['id']}", {"enabled": True}))["validated"] is True
    assert "validation_code" not in subscriber.got[-1]["body"]
    done(olga.call("PATCH", f"subscribers/subscriptions/{made['id']}", {"url_callback": subscriber.url + "/2", "description": "new"}))
    assert subscriber.got[-1]["path"] == "/callback/2" and len(subscriber.got) == asked + 2
    seen = listed(olga, made["id"])
    assert seen["description"] == "new" and seen["url"].endswith("/2") and seen["validated_at"] and seen["event_filters"] == [{"entity": "tag", "action": "created"}]

    done(olga.call("DELETE", f"subscribers/subscriptions/{made['id']}"))
    assert done(olga.get("subscribers"))["subscriptions"] == []
    assert Client(page_site, token).get(f"{BASE}/subscriptions/{WORKSPACE}").json() == []
    assert actions(page_site)[4:] == ["subscription.add"] + 4 * ["subscription.change"] + ["subscription.remove"]
    before, after = page_site.sql("select before, after from ledger.audit where action = 'subscription.change' order by audit_id desc limit 1")[0]
    # a callback's address may be as good as a password: the trail has its host, and that it is another
    host = subscriber.url.removesuffix("callback") + "…"
    assert (before["url"], after["url"], after["address"]) == (host, host, "another")
    assert made["secret"] not in json.dumps(done(olga.get("audit?limit=500")))


def test_rules_are_the_apis(page_site, olga, subscriber):
    account, _ = grounds(olga, "free")
    made = subscribe(olga, account, subscriber.url)
    refused(olga.post("subscribers/subscriptions", order(account, subscriber.url)), 400, "already in use")
    assert "limit of 1 enabled" in refused(olga.post("subscribers/subscriptions", order(account, subscriber.url, description="two")), 400)
    number = made["id"]
    for body, words in (({"event_filters": []}, "must not be empty"), ({"event_filters": ALL * 4}, "limit of 3"), ({"description": " "}, "must not be empty"),
                        ({"event_filters": [{"entity": "tag", "action": "eaten"}]}, "Invalid value"), ({"url_callback": "ftp://x/"}, "http or https"),
                        ({"url_callback": ""}, "must not be empty"), ({"secret": 5}, "secret must be a string"), ({"enabled": "x"}, "true or false"),
                        ({"secret": "x" * 257}, "256 bytes"), ({}, "JSON object"), ({"colour": "red"}, "colour"), ({"url_callback": "http://10.0.0.1/"}, "no public address")):
        refused(olga.call("PATCH", f"subscribers/subscriptions/{number}", body), 400, words)
    for change, status, words in (({"account_id": None}, 404, ""), ({"account_id": "9"}, 404, "9"), ({"workspace_id": "5"}, 400, "no access to workspace 5"),
                                  ({"workspace_id": "x"}, 400, "workspace_id"), ({"description": None}, 400, "must not be empty")):
        refused(olga.post("subscribers/subscriptions", {**order(account, subscriber.url, description="three"), **change}), status, words)
    assert listed(olga, number)["state"] == "well" and len(done(olga.get("subscribers"))["subscriptions"]) == 1
    assert not page_site.sql("select from ledger.subscription where pending_until is not null")


def test_addresses_that_do_not_answer_well(page_site, olga):
    account, _ = grounds(olga)
    one = Subscriber(lambda request: (500, {}, b"broken"))
    try:
        refused(olga.post("subscribers/subscriptions", order(account, one.url)), 400, "responded with status 500 instead of 200")
        one.answer = lambda request: (200, {}, b"{}")
        made = subscribe(olga, account, one.url)
        assert made["validated"] is False and "without the validation code" in sentence(made["words"])
        assert listed(olga, made["id"])["state"] == "unvalidated"
        answer = done(olga.post(f"subscribers/subscriptions/{made['id']}/ping"))
        assert answer["validated"] is False and answer["status"] == 200 and answer["milliseconds"] >= 0
        one.answer = one.prove
        assert done(olga.post(f"subscribers/subscriptions/{made['id']}/validate"))["validated"] is True
        assert listed(olga, made["id"])["state"] == "well"
        assert sentence(done(olga.post(f"subscribers/subscriptions/{made['id']}/ping"))["words"]).startswith("Its address answered 200 in")
        one.answer = lambda request: (404, {}, b"")
        refused(olga.post(f"subscribers/subscriptions/{made['id']}/ping"), 400, "status 404")
    finally:
        one.close()
    refused(olga.post("subscribers/subscriptions", order(account, f"http://127.0.0.1:{free_port()}/", description="two")), 400, "request failed")
    assert actions(page_site)[4:] == ["subscription.add", "subscription.validate"]


def test_a_slow_address_holds_up_nobody(page_site, olga, held):
    """Asked while it hangs: others are answered, by the same process too."""
    account, _ = grounds(olga)
    asking = Calling(olga.post, "subscribers/subscriptions", order(account, held.url))
    held.wait()
    for _ in range(20):	# more than there are processes
        assert done(olga.get("subscribers"))["subscriptions"] == []
    assert not asking.answer
    held.over.set()
    assert done(asking.result(), 201)["validated"] is True


def test_logging_out_while_the_address_is_asked(page_site, olga, held):
    account, _ = grounds(olga)
    asking = Calling(olga.post, "subscribers/subscriptions", order(account, held.url))
    held.wait()
    done(olga.call("DELETE", "session"))
    held.over.set()
    refused(asking.result(), 401)
    assert page_site.sql("select pending_until is null from ledger.subscription") == [(False,)]	# nobody sees it, and it goes by itself


def test_a_new_secret(page_site, olga, subscriber):
    account, _ = grounds(olga)
    made = subscribe(olga, account, subscriber.url, secret="chosen by myself")
    assert "secret" not in made
    fresh = done(olga.post(f"subscribers/subscriptions/{made['id']}/rotate", {"keep_hours": 2}))["secret"]
    record(page_site)
    run_round(page_site)
    assert_genuine(subscriber.events()[0], fresh, "chosen by myself")
    last = done(olga.post(f"subscribers/subscriptions/{made['id']}/rotate", {"keep_hours": 0}))["secret"]
    record(page_site)
    run_round(page_site)
    assert_genuine(subscriber.events()[1], last)
    for body in ({"keep_hours": -1}, {"keep_hours": 9000}, {"keep_hours": "x"}, {"keep": 1}):
        refused(olga.post(f"subscribers/subscriptions/{made['id']}/rotate", body), 400)


def test_why_it_gets_nothing(page_site, olga, subscriber):
    account, _ = grounds(olga)
    number = subscribe(olga, account, subscriber.url)["id"]
    done(olga.call("PATCH", f"subscribers/accounts/{account}", {"enabled": False}))
    assert listed(olga, number)["state"] == "held" and listed(olga, number)["state_words"] == {"code": "subscription.state_account_disabled", "account": "Ada"}
    refused(olga.call("PATCH", f"subscribers/subscriptions/{number}", {"enabled": False}), 400, "disabled")
    done(olga.call("PATCH", f"subscribers/accounts/{account}", {"enabled": True}))
    subscriber.answer = lambda request: (410, {}, b"")
    record(page_site)
    run_round(page_site)
    assert listed(olga, number)["state"] == "gone" and listed(olga, number)["state_words"] == {"code": "subscription.state_gone"}


def test_as_a_plain_cgi_program(page_site, olga, subscriber):
    """A process a request: it lives as long as the address is asked, and as a replay takes."""
    account, _ = grounds(olga)
    who = {"HTTP_COOKIE": f"hl_session={olga.cookie}", "HTTP_X_HL_CSRF": olga.csrf}
    made = done(by_hand(page_site, "POST", "subscribers/subscriptions", json.dumps(order(account, subscriber.url)).encode(), **who), 201)
    assert made["validated"] is True and len(subscriber.got) == 1
    page_site.sql("""insert into ledger.delivery (workspace_id, subscription_id, event_id, created_at, entity_id, model, action, state, settled_at)
                     select %s, %s, n, now(), n, 'tag', 'created', 'dead', now() from generate_series(1, 2500) n""", WORKSPACE, int(made["id"]))
    replay = by_hand(page_site, "POST", f"subscribers/subscriptions/{made['id']}/replay", b'{"dead": true}', **who)
    assert done(replay)["replayed"] == 2500


def test_two_operators_at_once(page_site, olga, held):
    """Both change the same subscription while its address is asked: what one says about another thing stays."""
    account, _ = grounds(olga)
    held.over.set()
    one = f"subscribers/subscriptions/{subscribe(olga, account, held.url)['id']}"
    otto = operator(page_site, "Otto")
    held.hold()
    moving = Calling(olga.call, "PATCH", one, {"url_callback": held.url + "/new"})
    held.wait()
    done(otto.call("PATCH", one, {"event_filters": [{"entity": "tag", "action": "*"}]}))
    held.over.set()
    done(moving.result())
    seen = listed(otto, one.rsplit("/", 1)[1])
    assert seen["url"] == held.url + "/new" and seen["event_filters"] == [{"entity": "tag", "action": "*"}] and seen["state"] == "well"
    # deleted meanwhile: nothing comes back to life
    held.hold()
    moving = Calling(olga.call, "PATCH", one, {"url_callback": held.url + "/newer"})
    held.wait()
    done(otto.call("DELETE", one))
    refused(otto.call("DELETE", one), 404)
    held.over.set()
    refused(moving.result(), 404, "not found")
    assert [(who, what) for who, what, _ in audit(page_site) if what.startswith("subscription.")] == [
        ("Olga", "subscription.add"), ("Otto", "subscription.change"), ("Olga", "subscription.change"), ("Otto", "subscription.remove")]


# ---- who may

WRITES = [("POST", "accounts"), ("PATCH", "accounts/1"), ("POST", "accounts/1/token"), ("PUT", f"accounts/1/workspaces/{WORKSPACE}"),
          ("DELETE", f"accounts/1/workspaces/{WORKSPACE}"), ("POST", "organizations"), ("PATCH", "organizations/1"), ("PUT", "workspaces/5"),
          ("POST", "subscriptions"), ("PATCH", "subscriptions/1"), ("DELETE", "subscriptions/1"), ("POST", "subscriptions/1/ping"),
          ("POST", "subscriptions/1/validate"), ("POST", "subscriptions/1/rotate"), ("POST", "subscriptions/1/replay"), ("POST", "deliveries/1/replay")]
READS = ["subscribers", "subscribers/subscriptions/1/deliveries", "subscribers/deliveries/1"]


ODD = ["null", "true", "0", "-1", "1.5", "1e400", "1e999999", "99999999999999999999", '""', '"x"', '"\\u0000"', '"\\ud800"', "[]", "[[]]", "{}", '[{"entity":1}]',
       '"' + "x" * 5000 + '"', '"2026-13-45T99:99:99Z"', '"\'; select 1; --"', '"1e5"', "[" * 60 + "]" * 60]


def test_whatever_stands_in_a_body_is_no_fault_of_ours(page_site, olga, subscriber):
    account, _ = grounds(olga)
    subscribe(olga, account, subscriber.url)
    record(page_site)
    run_round(page_site)
    whole = order(account, subscriber.url, name="x", user_id="1", plan="free", organization_id="1", max_filters=1, keep_hours=1, dead=True, since="2026-01-01T00:00:00Z",
                  enabled=True, email="x@example.org", zone="UTC", is_admin=False, secret="geheim", id="77", after="1")
    known = {"accounts": ("name", "user_id", "email", "zone"), "accounts/1": ("name", "email", "zone", "enabled"), f"accounts/1/workspaces/{WORKSPACE}": ("is_admin",),
             "organizations": ("name", "plan", "id"), "organizations/1": ("plan", "max_filters"), "workspaces/5": ("organization_id",),
             "subscriptions": ("workspace_id", "account_id", "description", "url_callback", "secret", "event_filters", "enabled"),
             "subscriptions/1": ("description", "url_callback", "secret", "event_filters", "enabled"),
             "subscriptions/1/rotate": ("keep_hours",), "subscriptions/1/replay": ("since", "dead", "after")}
    tried = 0
    for method, path in WRITES:
        if method == "DELETE" or path not in known:
            continue
        for key in known[path]:
            for odd in ODD:
                rest = "".join(f",{json.dumps(other)}:{json.dumps(whole[other])}" for other in known[path] if other != key)
                answer = olga.call(method, "subscribers/" + path, raw=f'{{"{key}":{odd}{rest}}}'.encode())
                assert answer.status in (200, 201, 400, 404, 409) and answer.json() is not None, (method, path, key, odd, answer)
                assert answer.status < 300 or len(answer.error) > 10
                tried += 1
    assert tried > 500
    done(olga.get("subscribers"))


def test_a_viewer_looks_and_a_stranger_does_not(page_site, olga, subscriber):
    account, _ = grounds(olga)
    number = subscribe(olga, account, subscriber.url)["id"]
    record(page_site)
    run_round(page_site)
    delivery = page_site.sql("select delivery_id from ledger.delivery")[0][0]
    assert (account, number, delivery) == ("1", "1", 1)
    before = page_site.sql("select s::text from ledger.subscription s union all select a::text from ledger.account a order by 1")
    vera = operator(page_site, "Vera", "viewer")
    asked = len(subscriber.got)
    for path in READS:
        done(vera.get(path))
    for method, path in WRITES:
        refused(vera.call(method, "subscribers/" + path, {"name": "x", "enabled": False}), 403, "only an owner")
        refused(olga.call(method, "subscribers/" + path, {"name": "x", "enabled": False}, headers={"X-HL-CSRF": vera.csrf}), 403)
        refused(Page(page_site).call(method, "subscribers/" + path, {"name": "x"}), 403)
    for path in READS:
        refused(Page(page_site).get(path), 401)
    assert page_site.sql("select s::text from ledger.subscription s union all select a::text from ledger.account a order by 1") == before
    assert len(subscriber.got) == asked
