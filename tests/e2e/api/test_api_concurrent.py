# SPDX-License-Identifier: ISC
"""The API when several do something at once, when one of them dies, and when
rights change meanwhile; what is counted is exact."""
import concurrent.futures
import http.client
import json
import signal
import threading

import pytest

import web_servers
from api_client import BASE, EAGER, USER, Client, account, set_up
from installation import WORKSPACE, Calling, sign, wait_for
from subscriber import Subscriber

pytestmark = pytest.mark.plain

SUBSCRIPTIONS = f"{BASE}/subscriptions/{WORKSPACE}"


def together(*calls):
    """Runs them at once; what each gives, in their order."""
    gate = threading.Barrier(len(calls))

    def run(call):
        gate.wait(30)
        return call()

    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def slow(seconds=0.3):
    def answer(request):
        threading.Event().wait(seconds)
        return Subscriber.prove(request)

    return Subscriber(answer)


# ---- what is counted

def set_requests(site, number):
    site.hookledger("organization", "set", site.organization, "--requests", number)


@pytest.mark.parametrize("server", ["lighttpd-spawned", "lighttpd-cgi", "apache-fcgid"])
def test_the_quota_is_exact_in_any_number_of_processes(site, server):
    site.write_conf(**EAGER)
    web_servers.SERVERS[server](site)
    site.organization = set_up(site)
    set_requests(site, 40)
    ada, bob = account(site), account(site, "Bob", USER + 1)
    answers = together(*[lambda one=one: [one.get(f"{BASE}/limits/{WORKSPACE}") for _ in range(10)] for one in (ada, bob) for _ in range(6)])
    for mine in (answers[:6], answers[6:]):
        mine = [answer for some in mine for answer in some]
        left = sorted(int(answer.headers["x-toggl-quota-remaining"]) for answer in mine if answer.status == 200)
        assert left == list(range(40)), "each answer has another number"
        assert [answer.status for answer in mine].count(402) == 20
    assert site.sql("select used from ledger.quota") == [(40,), (40,)]


def test_the_bucket_is_exact(site):
    site.write_conf(api_burst="20", api_per_minute="1")
    web_servers.lighttpd_spawned(site)
    set_up(site)
    ada = account(site)
    statuses = [status for some in together(*[lambda: [ada.get("/api/v9/me/quota").status for _ in range(6)]] * 8) for status in some]
    assert statuses.count(200) == 20 and statuses.count(429) == 28


def test_what_costs_nothing(api_site, subscriber):
    set_requests(api_site, 10)
    ada, nobody = account(api_site), Client(api_site, None)
    made = ada.subscribe(subscriber.url).json()
    one = f"{SUBSCRIPTIONS}/{made['subscription_id']}"

    def left():
        windows = {window["organization_id"]: window["remaining"] for window in ada.get("/api/v9/me/quota").json()}
        return windows[int(api_site.organization)], windows[None]

    assert left() == (9, 30)
    for call in (lambda: nobody.get(f"{BASE}/status"), lambda: ada.get(f"{BASE}/status"), lambda: ada.get(f"{BASE}/openapi.json"),
                 lambda: ada.get(f"{BASE}/validate/{WORKSPACE}/1/x"), lambda: ada.get("/api/v9/me/quota"),
                 lambda: ada.call("POST", SUBSCRIPTIONS, raw=b"{"), lambda: ada.call("PUT", one, raw=b"[]"), lambda: ada.call("PATCH", one, raw=b"\xff"),
                 lambda: ada.call("POST", SUBSCRIPTIONS, raw=b"{}", content_type="text/plain"), lambda: ada.call("POST", SUBSCRIPTIONS, raw=b"{}", content_type=None),
                 lambda: ada.call("POST", SUBSCRIPTIONS, raw=b'"' + b"x" * 70000), lambda: ada.get(f"{BASE}/nowhere"), lambda: ada.call("POST", one, {}),
                 lambda: ada.get(f"{BASE}/limits/4711"), lambda: Client(api_site, "wrong").get(SUBSCRIPTIONS)):
        call()
        assert left() == (9, 30)
    # what was looked into costs one, whatever came of it
    for place, call in enumerate((lambda: ada.call("POST", SUBSCRIPTIONS, {}), lambda: ada.call("DELETE", f"{one}1"), lambda: ada.get(f"{one}/events"),
                                  lambda: ada.call("POST", f"{BASE}/ping/{WORKSPACE}/{made['subscription_id']}"))):
        assert call().headers["x-toggl-quota-remaining"] == str(8 - place)
    ada.get("/api/v9/me")
    assert left() == (5, 29)


def test_whose_pace_it_is(site):
    """The address behind a proxy counts only when the proxy is trusted."""
    site.write_conf(api_burst="2", api_per_minute="1")
    web_servers.lighttpd_spawned(site)
    set_up(site)
    ada = account(site)

    def ask(*forwarded):
        return ada.get("/api/v9/me/quota", headers={"X-Forwarded-For": ", ".join(forwarded)} if forwarded else None).status

    # not trusted: whatever is written there
    assert [ask("192.0.2.1"), ask("192.0.2.2"), ask("192.0.2.3"), ask()] == [200, 200, 429, 429]
    assert site.sql("select host(address) from ledger.bucket") == [("127.0.0.1",)]
    site.sql("delete from ledger.bucket")
    site.write_conf(trusted_proxies="127.0.0.0/8, 198.51.100.0/24")
    site.end(site.web)
    web_servers.lighttpd_spawned(site)
    assert [ask("192.0.2.1"), ask("192.0.2.1"), ask("192.0.2.1"), ask("192.0.2.2"), ask("2001:db8::1")] == [200, 200, 429, 200, 200]
    # what the client itself wrote stands further left
    assert [ask("203.0.113.9", "192.0.2.1"), ask("192.0.2.77", "192.0.2.1", "198.51.100.7")] == [429, 429]
    assert [ask("::ffff:192.0.2.2"), ask("192.0.2.2")] == [200, 429]
    # of IPv6 a network of 64 bits is one client
    assert [ask("2001:db8::2"), ask("2001:db8::ffff:1"), ask("2001:db8:0:1::1")] == [200, 429, 200]
    assert {row[0] for row in site.sql("select host(address) from ledger.bucket")} == {"192.0.2.1", "192.0.2.2", "2001:db8::", "2001:db8:0:1::"}


# ---- several at once

def test_two_alike_at_once(api_site):
    """One is made; the others get the error that its description is in use."""
    callback = slow()
    ada, bob = account(api_site), account(api_site, "Bob", USER + 1)
    answers = together(*[lambda one=one: one.subscribe(callback.url, "the same") for one in (ada, bob, ada, bob, ada)])
    assert sorted(answer.status for answer in answers) == [200, 400, 400, 400, 400]
    assert {answer.json() for answer in answers if answer.status == 400} == {f"Subscription description 'the same' is already in use for workspace {WORKSPACE}"}
    assert len(callback.got) == 1 and len(ada.get(SUBSCRIPTIONS).json()) == 1
    # renamed at once to one name
    numbers = [ada.subscribe(callback.url, f"number {place}", enabled=False).json() for place in range(2)]
    renamed = together(*[lambda one=one: ada.call("PUT", f"{SUBSCRIPTIONS}/{one['subscription_id']}", {**one, "description": "renamed"}) for one in numbers])
    assert sorted(answer.status for answer in renamed) == [200, 400]
    callback.close()


def test_the_limit_holds_when_many_are_made_and_enabled_at_once(api_site):
    callback = slow()
    ada = account(api_site)
    answers = together(*[lambda place=place: ada.subscribe(callback.url, f"number {place}") for place in range(8)])
    assert [answer.status for answer in answers].count(200) == 3
    words = f"User {USER} already reached the limit of 3 enabled subscriptions for workspace {WORKSPACE}"
    assert {answer.json() for answer in answers if answer.status != 200} == {words}
    for one in ada.get(SUBSCRIPTIONS).json():
        ada.call("DELETE", f"{SUBSCRIPTIONS}/{one['subscription_id']}")
    off = [ada.subscribe(callback.url, f"number {place}", enabled=False).json() for place in range(6)]
    answers = together(*[lambda one=one: ada.call("PATCH", f"{SUBSCRIPTIONS}/{one['subscription_id']}", {"enabled": True}) for one in off[:3]],
                       *[lambda one=one: ada.call("PUT", f"{SUBSCRIPTIONS}/{one['subscription_id']}", {**one, "enabled": True}) for one in off[3:]])
    assert sorted(answer.status for answer in answers) == [200] * 3 + [400] * 3
    assert [one["enabled"] for one in ada.get(SUBSCRIPTIONS).json()].count(True) == 3
    callback.close()


def test_a_secret_that_is_rotated_while_its_subscription_is_changed(api_site, subscriber, held):
    ada = account(api_site)
    made = ada.subscribe(subscriber.url, secret="first").json()
    one = f"{SUBSCRIPTIONS}/{made['subscription_id']}"
    changing = Calling(ada.call, "PUT", one, {"description": "moved", "url_callback": held.url})
    held.wait()
    assert held.got[0]["headers"]["X-Webhook-Signature-256"] == sign(held.got[0]["raw"], "first")
    api_site.hookledger("subscription", "rotate", made["subscription_id"], "--secret-file", "-", stdin="second")
    held.over.set()
    assert changing.result().json()["secret"] == "second", "the change had none"
    # pings are signed with the new one, and a secret that is given is the last word
    ada.call("POST", f"{BASE}/ping/{WORKSPACE}/{made['subscription_id']}")
    assert held.got[-1]["headers"]["X-Webhook-Signature-256"] == sign(held.got[-1]["raw"], "second")
    assert ada.call("PUT", one, {"description": "moved", "secret": "third"}).json()["secret"] == "third"


def test_one_that_is_deleted_while_it_is_changed(api_site, subscriber, held):
    ada = account(api_site)
    made = ada.subscribe(subscriber.url).json()
    one = f"{SUBSCRIPTIONS}/{made['subscription_id']}"
    changing = Calling(ada.call, "PUT", one, {**made, "url_callback": held.url})
    held.wait()
    assert ada.call("DELETE", one).status == 200
    held.over.set()
    gone = changing.result()
    assert (gone.status, gone.json()) == (404, f"subscription {made['subscription_id']} for workspace {WORKSPACE} was not found")
    assert ada.get(SUBSCRIPTIONS).json() == []


# ---- rights

def test_a_maker_who_may_no_longer(api_site, subscriber, held):
    ada, bob = account(api_site), account(api_site, "Bob", USER + 1, admin=False)
    made = bob.subscribe(subscriber.url, "his").json()
    one = f"{SUBSCRIPTIONS}/{made['subscription_id']}"
    changing = Calling(bob.call, "PUT", one, {**made, "url_callback": held.url})
    making = Calling(bob.subscribe, held.url, "half made")
    wait_for(lambda: len(held.got) == 2, "both pings")
    api_site.hookledger("account", "revoke", bob.account_id, WORKSPACE)
    held.over.set()
    for answer in (changing.result(), making.result(), bob.get(SUBSCRIPTIONS), bob.call("DELETE", one), bob.get(f"{one}/events")):
        assert (answer.status, answer.json()) == (403, "User not found/accessible for workspace")
    # an administrator still sees it, as it was
    assert [(seen["description"], seen["url_callback"], seen["user_id"]) for seen in ada.get(SUBSCRIPTIONS).json()] == [("his", subscriber.url, USER + 1)]
    assert "half made" not in str(api_site.sql("select description from ledger.subscription"))
    api_site.hookledger("account", "disable", bob.account_id)
    assert (bob.get("/api/v9/me").status, bob.get("/api/v9/me").json()) == (403, "Incorrect username and/or password")
    api_site.hookledger("account", "enable", bob.account_id)
    api_site.hookledger("account", "grant", bob.account_id, WORKSPACE)
    assert [seen["secret"] for seen in bob.get(SUBSCRIPTIONS).json()] == [made["secret"]]
    # a new token is another; the old one is refused at once
    fresh = json.loads(api_site.hookledger("account", "rotate", bob.account_id, "--json").stdout)["api_token"]
    assert bob.get(SUBSCRIPTIONS).status == 403 and Client(api_site, fresh).get(SUBSCRIPTIONS).status == 200


def test_an_administrator_edits_for_others(api_site, subscriber):
    ada, bob = account(api_site), account(api_site, "Bob", USER + 1, admin=False)
    made = bob.subscribe(subscriber.url, "his", secret="his alone").json()
    one = f"{SUBSCRIPTIONS}/{made['subscription_id']}"
    seen = ada.get(SUBSCRIPTIONS).json()[0]
    assert seen == {key: value for key, value in made.items() if key != "secret"}
    changed = ada.call("PUT", one, {**seen, "description": "better"}).json()
    assert changed["user_id"] == USER + 1 and "secret" not in changed
    assert bob.get(SUBSCRIPTIONS).json()[0]["secret"] == "his alone"
    assert ada.call("POST", f"{BASE}/ping/{WORKSPACE}/{made['subscription_id']}").status == 200
    assert subscriber.got[-1]["body"]["creator_id"] == USER, "who had it sent"
    # the limit is the maker's
    for place in range(2):
        assert bob.subscribe(subscriber.url, f"his {place}").status == 200
    ada.call("PATCH", one, {"enabled": False})
    assert bob.subscribe(subscriber.url, "his last").status == 200
    full = ada.call("PATCH", one, {"enabled": True})
    assert (full.status, full.json()) == (400, f"User {USER + 1} already reached the limit of 3 enabled subscriptions for workspace {WORKSPACE}")
    gone = ada.call("DELETE", one).json()
    assert gone["deleted_at"] and gone["enabled"] is False and "secret" not in gone


def test_workspaces_do_not_see_each_other(api_site, subscriber):
    other = WORKSPACE + 1
    api_site.hookledger("workspace", "add", other, "--organization", api_site.organization)
    ada, eve = account(api_site), account(api_site, "Eve", USER + 2, workspace=other)
    made = ada.subscribe(subscriber.url, "mine").json()
    for method, body in (("PUT", made), ("PATCH", {"enabled": False}), ("DELETE", None)):
        assert eve.call(method, f"{SUBSCRIPTIONS}/{made['subscription_id']}", body).status == 403
        answer = eve.call(method, f"{BASE}/subscriptions/{other}/{made['subscription_id']}", body)
        assert (answer.status, answer.json()) == (404, f"subscription {made['subscription_id']} for workspace {other} was not found")
    assert eve.call("POST", f"{BASE}/ping/{other}/{made['subscription_id']}").status == 404
    assert eve.get(f"{BASE}/subscriptions/{other}/{made['subscription_id']}/events").status == 404
    code = subscriber.got[0]["body"]["validation_code"]
    assert eve.get(f"{BASE}/validate/{other}/{made['subscription_id']}/{code}").status == 400
    # a description is unique in its workspace only
    assert eve.subscribe(subscriber.url, "mine", workspace=other).status == 200
    assert ada.get(SUBSCRIPTIONS).json() == [made]


# ---- half done

def test_an_api_that_is_killed_while_it_asks(site, held, subscriber):
    site.write_conf(**{**EAGER, "handshake_timeout_ms": "30000"})
    web_servers.lighttpd_socket(site)
    set_up(site, plan="free")
    ada = account(site)

    def subscribe():
        try:
            Client(site, ada.token).subscribe(held.url, "half")
        except (AssertionError, KeyError, http.client.HTTPException, OSError):
            pass	# what the web server says of it is its own

    asking = Calling(subscribe)
    held.wait()
    site.end(site.api, signal.SIGKILL)
    asking.result()
    web_servers.start_api(site)
    assert ada.get(SUBSCRIPTIONS).json() == []
    assert json.loads(site.hookledger("subscription", "list", "--json").stdout)["subscriptions"] == []
    # for a while it might still be finished by the process that asks
    assert ada.subscribe(subscriber.url, "half").json() == f"Subscription description 'half' is already in use for workspace {WORKSPACE}"
    assert ada.subscribe(subscriber.url, "other").json() == f"User {USER} already reached the limit of 1 enabled subscriptions for workspace {WORKSPACE}"
    number, code = site.sql("select subscription_id, validation_code from ledger.subscription")[0]
    site.sql("update ledger.state set clock_offset = '4 minutes 50 seconds'")
    assert ada.subscribe(subscriber.url, "half").status == 400
    site.sql("update ledger.state set clock_offset = '5 minutes 1 second'")
    gone = ada.get(f"{BASE}/validate/{WORKSPACE}/{number}/{code}")
    assert gone.json() == f"subscription {number} for workspace {WORKSPACE} and validation code '{code}' was not found"
    made = ada.subscribe(subscriber.url, "half")
    assert made.status == 200 and made.json()["subscription_id"] != number
    assert site.sql("select subscription_id from ledger.subscription") == [(made.json()["subscription_id"],)]


def test_an_api_that_is_told_to_end_while_it_asks(site, held):
    """What was begun is finished."""
    site.write_conf(**{**EAGER, "handshake_timeout_ms": "30000"})
    web_servers.lighttpd_socket(site)
    set_up(site)
    ada = account(site)
    asking = Calling(ada.subscribe, held.url)
    held.wait()
    site.api.send_signal(signal.SIGTERM)
    held.over.set()
    made = asking.result()
    assert made.status == 200 and made.json()["validated_at"]
    assert site.api.wait(15) == 0


# ---- time zones

ZONES = [
    ("Europe/Berlin", "2026-03-29 00:59:59Z", "2026-03-29T01:59:59.000000+01:00"), ("Europe/Berlin", "2026-03-29 01:00:00Z", "2026-03-29T03:00:00.000000+02:00"),
    ("Europe/Berlin", "2026-10-25 00:59:59Z", "2026-10-25T02:59:59.000000+02:00"), ("Europe/Berlin", "2026-10-25 01:00:00Z", "2026-10-25T02:00:00.000000+01:00"),
    ("America/New_York", "2026-03-08 06:59:59Z", "2026-03-08T01:59:59.000000-05:00"), ("America/New_York", "2026-03-08 07:00:00Z", "2026-03-08T03:00:00.000000-04:00"),
    ("America/New_York", "2026-11-01 05:59:59Z", "2026-11-01T01:59:59.000000-04:00"), ("America/New_York", "2026-11-01 06:00:00Z", "2026-11-01T01:00:00.000000-05:00"),
    ("America/St_Johns", "2026-03-08 05:29:59Z", "2026-03-08T01:59:59.000000-03:30"), ("America/St_Johns", "2026-03-08 05:30:00Z", "2026-03-08T03:00:00.000000-02:30"),
    ("Australia/Lord_Howe", "2026-10-03 15:29:59Z", "2026-10-04T01:59:59.000000+10:30"), ("Australia/Lord_Howe", "2026-10-03 15:30:00Z", "2026-10-04T02:30:00.000000+11:00"),
    ("Asia/Kolkata", "2026-06-01 00:00:00.5Z", "2026-06-01T05:30:00.500000+05:30"), ("Pacific/Kiritimati", "2026-12-31 12:00:00Z", "2027-01-01T02:00:00.000000+14:00"),
    ("Pacific/Apia", "2011-12-30 09:59:59Z", "2011-12-29T23:59:59.000000-10:00"), ("Pacific/Apia", "2011-12-30 10:00:00Z", "2011-12-31T00:00:00.000000+14:00"),
    ("UTC", "2026-07-01 00:00:00Z", "2026-07-01T00:00:00.000000Z"),
]


def test_times_across_daylight_saving(api_site, subscriber):
    ada = account(api_site)
    ada.subscribe(subscriber.url)
    for zone, moment, shown in ZONES:
        api_site.hookledger("account", "set", ada.account_id, "--zone", zone)
        api_site.sql("update ledger.subscription set created_at = %s, validated_at = %s", moment, moment)
        seen = ada.get(SUBSCRIPTIONS).json()[0]
        assert (seen["created_at"], seen["validated_at"]) == (shown, shown), zone
    # callbacks say UTC, whoever made the subscription
    ada.call("POST", f"{BASE}/ping/{WORKSPACE}/{seen['subscription_id']}")
    assert subscriber.got[-1]["body"]["created_at"].endswith("Z")
