# SPDX-License-Identifier: ISC
"""Toggl's Webhooks API v1, served by hookledger-api behind a web server."""
import json
import threading
import time

import pytest

import web_servers
from api_client import BASE, USER, Client, account, set_up
from installation import WORKSPACE, sign
from subscriber import Subscriber

pytestmark = pytest.mark.foreign


def test_status_needs_nobody(api_site):
    answer = Client(api_site, None).get(f"{BASE}/status")
    assert (answer.status, answer.json()) == (200, {"status": "OK"})


NOBODY = "Incorrect username and/or password"
WANTED = NOBODY + (": this API takes an API token only, by HTTP Basic authentication with the token as the user name "
                   "and the word api_token as the password")


def test_credentials(api_site):
    ada = account(api_site)
    assert ada.get(f"{BASE}/event_filters").status == 200
    for client in (Client(api_site, None), Client(api_site, "wrong"), Client(api_site, "")):
        answer = client.get(f"{BASE}/event_filters")
        assert (answer.status, answer.json()) == (403, NOBODY)
        assert "x-toggl-quota-remaining" not in answer.headers
    # at Toggl these would be credentials; so the answer says what is needed here
    for client in (Client(api_site, "ada@example.org", "secret"), Client(api_site, "ada@example.org", ""), Client(api_site, ada.token, "password"),
                   Client(api_site, ada.token, "API_TOKEN"), Client(api_site, ada.token, ""), Client(api_site, "", ada.token),
                   Client(api_site, ada.token, authorization="Bearer " + ada.token), Client(api_site, "Jürgen", "pässword"),
                   Client(api_site, ada.token, authorization="Basic !!!")):
        for path in (f"{BASE}/event_filters", "/api/v9/me", "/api/v9/me/logged"):
            answer = client.get(path)
            assert (answer.status, answer.json()) == (403, WANTED)
            assert "x-toggl-quota-remaining" not in answer.headers


def test_logged(api_site):
    ada = account(api_site)
    answer = ada.get("/api/v9/me/logged")
    assert (answer.status, answer.json()) == (200, "OK") and int(answer.headers["x-toggl-quota-remaining"]) >= 0


def test_the_type_of_a_body(api_site, subscriber):
    ada = account(api_site)
    body = json.dumps({"description": "x", "url_callback": subscriber.url, "event_filters": [{"entity": "*", "action": "*"}]}).encode()
    where = f"{BASE}/subscriptions/{WORKSPACE}"
    said = 'The Content-Type must be application/json: send the body with the header "Content-Type: application/json"'
    for given, more in ((None, "; this one came without"), ("text/plain", "; this one came as text/plain"),
                        ("application/x-www-form-urlencoded", "; this one came as application/x-www-form-urlencoded"),
                        ("application/vnd.api+json; charset=utf-8", "; this one came as application/vnd.api+json"),
                        ("x" * 101, "")):
        answer = ada.call("POST", where, raw=body, content_type=given)
        assert (answer.status, answer.json()) == (415, said + more)
    assert subscriber.got == []
    for number, given in enumerate(("application/json", "application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8")):
        answer = ada.call("POST", where, raw=body.replace(b'"x"', b'"x%d"' % number), content_type=given)
        assert answer.status == 200, answer
        ada.call("DELETE", f"{where}/{answer.json()['subscription_id']}")


def test_the_handshake(api_site, subscriber):
    ada = account(api_site)
    answer = ada.subscribe(subscriber.url, secret="topsecret")
    assert answer.status == 200, answer
    made = answer.json()
    assert made["user_id"] == USER and made["workspace_id"] == WORKSPACE and made["enabled"] is True
    assert made["secret"] == "topsecret" and made["validated_at"] and made["deleted_at"] is None
    ping = subscriber.got[0]
    assert ping["body"]["payload"] == "ping" and ping["body"]["event_id"] == 0
    assert ping["headers"]["X-Webhook-Signature-256"] == sign(ping["raw"], "topsecret")
    assert ping["body"]["validation_code_url"].endswith(
        f"/webhooks/api/v1/validate/{WORKSPACE}/{made['subscription_id']}/{ping['body']['validation_code']}")
    listed = ada.get(f"{BASE}/subscriptions/{WORKSPACE}").json()
    assert listed == [made]


def test_validation_by_its_url(api_site):
    ada = account(api_site)
    shy = Subscriber(lambda request: (200, {}, b"{}"))
    made = ada.subscribe(shy.url).json()
    assert made["validated_at"] is None
    code = shy.got[0]["body"]["validation_code"]
    where = f"{BASE}/validate/{WORKSPACE}/{made['subscription_id']}"
    nobody = Client(api_site, None)
    wrong = nobody.get(f"{where}/abc")
    assert (wrong.status, wrong.json()) == (400, f"subscription {made['subscription_id']} for workspace {WORKSPACE} "
                                                 "and validation code 'abc' was not found")
    assert nobody.get(f"{where}/{code}").status == 200
    again = nobody.get(f"{where}/{code}")
    assert (again.status, again.json()) == (400, f"subscription {made['subscription_id']} has already been validated")
    assert ada.get(f"{BASE}/subscriptions/{WORKSPACE}").json()[0]["validated_at"]
    shy.close()


def test_validation_while_the_ping_waits(api_site):
    ada = account(api_site)

    def call_back(request):
        Client(api_site, None).get(request["body"]["validation_code_url"].split(api_site.url)[1])
        return 200, {}, b"thanks"

    eager = Subscriber(call_back)
    made = ada.subscribe(eager.url)
    assert made.status == 200 and made.json()["validated_at"]
    eager.close()


def test_a_callback_that_does_not_answer_as_it_should(api_site):
    ada = account(api_site)
    grumpy = Subscriber(lambda request: (503, {}, b"no"))
    answer = ada.subscribe(grumpy.url)
    assert (answer.status, answer.json()) == (400, f"URL endpoint {grumpy.url} responded with status 503 instead of 200")
    assert ada.get(f"{BASE}/subscriptions/{WORKSPACE}").json() == []
    # its description is free again
    grumpy.answer = Subscriber.prove
    assert ada.subscribe(grumpy.url).status == 200
    gone = ada.subscribe("http://127.0.0.1:1/x", "another")
    assert gone.status == 400 and gone.json().startswith("URL endpoint http://127.0.0.1:1/x request failed with error: ")
    grumpy.close()


def test_private_addresses_are_refused(api_site, subscriber):
    api_site.write_conf(allowed_networks=None)
    api_site.end(api_site.web)
    web_servers.lighttpd_spawned(api_site)
    answer = account(api_site).subscribe(subscriber.url)
    assert answer.status == 400 and "request failed with error" in answer.json(), answer
    assert not subscriber.got


def test_the_limit_of_the_plan(api_site, subscriber):
    ada, eve = account(api_site), account(api_site, "Eve", USER + 1)
    for place in range(3):
        assert ada.subscribe(subscriber.url, f"number {place}").status == 200
    full = ada.subscribe(subscriber.url, "one more")
    words = f"User {USER} already reached the limit of 3 enabled subscriptions for workspace {WORKSPACE}"
    assert (full.status, full.json()) == (400, words)
    off = ada.subscribe(subscriber.url, "one more", enabled=False)
    assert off.status == 200 and off.json()["enabled"] is False
    number = off.json()["subscription_id"]
    on = ada.call("PATCH", f"{BASE}/subscriptions/{WORKSPACE}/{number}", {"enabled": True})
    assert (on.status, on.json()) == (400, words)
    # counted by user
    assert eve.subscribe(subscriber.url, "of another").status == 200
    # a disabled one can be deleted
    gone = ada.call("DELETE", f"{BASE}/subscriptions/{WORKSPACE}/{number}")
    assert gone.status == 200 and gone.json()["deleted_at"]
    again = ada.call("DELETE", f"{BASE}/subscriptions/{WORKSPACE}/{number}")
    assert (again.status, again.json()) == (404, f"subscription {number} for workspace {WORKSPACE} was not found")
    assert ada.get(f"{BASE}/limits/{WORKSPACE}").json() == {"max_webhooks": 3, "max_events_per_webhook": 12}


def test_update(api_site, subscriber):
    ada = account(api_site)
    made = ada.subscribe(subscriber.url, secret="first").json()
    where = f"{BASE}/subscriptions/{WORKSPACE}/{made['subscription_id']}"
    # clients send the whole thing back; what we do not know is ignored
    changed = ada.call("PUT", where, {**made, "description": "better", "unheard_of": [1]})
    assert changed.status == 200, changed
    assert changed.json()["description"] == "better" and changed.json()["validated_at"] == made["validated_at"]
    assert len(subscriber.got) == 1, "nothing that needs a ping has changed"
    # another address must prove itself again
    other = Subscriber(lambda request: (204, {}, b""))
    moved = ada.call("PUT", where, {**made, "url_callback": other.url, "secret": "second"})
    assert moved.status == 200 and moved.json()["validated_at"] is None and moved.json()["secret"] == "second"
    assert other.got[0]["headers"]["X-Webhook-Signature-256"] == sign(other.got[0]["raw"], "second")
    assert other.got[0]["body"]["validation_code"] != subscriber.got[0]["body"]["validation_code"]
    off = ada.call("PATCH", where, {"enabled": False})
    assert off.status == 200 and off.json()["enabled"] is False
    # PUT took any 2xx; PATCH wants 200
    back = ada.call("PATCH", where, {"enabled": True})
    assert (back.status, back.json()) == (400, f"URL endpoint {other.url} responded with status 204 instead of 200")
    assert ada.get(f"{BASE}/subscriptions/{WORKSPACE}").json()[0]["enabled"] is False
    other.close()


def test_ping(api_site, subscriber):
    ada = account(api_site)
    made = ada.subscribe(subscriber.url).json()
    answer = ada.call("POST", f"{BASE}/ping/{WORKSPACE}/{made['subscription_id']}")
    assert (answer.status, answer.json()) == (200, {"status": "OK"})
    assert "validation_code" not in subscriber.got[1]["body"]
    absent = ada.call("POST", f"{BASE}/ping/{WORKSPACE}/999999")
    assert absent.status == 404


def test_who_sees_what(api_site, subscriber):
    ada, bob = account(api_site), account(api_site, "Bob", USER + 1, admin=False)
    hers = ada.subscribe(subscriber.url, "hers", secret="hers alone").json()
    his = bob.subscribe(subscriber.url, "his").json()
    assert [one["subscription_id"] for one in bob.get(f"{BASE}/subscriptions/{WORKSPACE}").json()] == [his["subscription_id"]]
    both = ada.get(f"{BASE}/subscriptions/{WORKSPACE}").json()
    assert len(both) == 2 and "secret" not in both[1] and both[0]["secret"] == "hers alone"
    for method, body in (("PUT", hers), ("PATCH", {"enabled": False}), ("DELETE", None)):
        answer = bob.call(method, f"{BASE}/subscriptions/{WORKSPACE}/{hers['subscription_id']}", body)
        assert (answer.status, answer.json()) == (404, f"subscription {hers['subscription_id']} for workspace {WORKSPACE} was not found")
    assert ada.call("PATCH", f"{BASE}/subscriptions/{WORKSPACE}/{his['subscription_id']}", {"enabled": False}).status == 200
    outsider = account(api_site, "Outsider", USER + 2, workspace=None)
    for method, path in (("GET", f"/subscriptions/{WORKSPACE}"), ("POST", f"/subscriptions/{WORKSPACE}"),
                         ("GET", f"/limits/{WORKSPACE}"), ("POST", f"/ping/{WORKSPACE}/{hers['subscription_id']}"),
                         ("GET", "/subscriptions/4711")):
        answer = outsider.call(method, BASE + path, {} if method == "POST" else None)
        assert (answer.status, answer.json()) == (403, "User not found/accessible for workspace")


def test_bodies(api_site):
    ada = account(api_site)
    where = f"{BASE}/subscriptions/{WORKSPACE}"
    assert ada.call("POST", where, raw=b"{}", content_type="text/plain").status == 415
    broken = ada.call("POST", where, raw=b'{"description": "x", }')
    assert broken.status == 400 and "byte 21" in broken.json(), broken
    assert ada.call("POST", where, raw=b"[]").status == 400
    assert ada.call("POST", where, raw=b'{"a":"' + b"x" * 70000 + b'"}').status == 413
    odd = ada.call("POST", where, raw=b'{"description":"\\u0000","event_filters":[{"entity":1,"action":{}}],"enabled":3}')
    assert odd.status == 400
    assert ada.call("PUT", f"{where}/1", {}).status == 404
    assert ada.call("POST", f"{where}/1", {}).status == 405
    assert ada.get(f"{BASE}/nowhere").status == 404


def test_quota(api_site):
    number = json.loads(api_site.hookledger("organization", "list", "--json").stdout)["organizations"][0]["organization_id"]
    api_site.hookledger("organization", "set", number, "--requests", 5)
    ada = account(api_site)
    for left in (4, 3, 2, 1, 0):
        answer = ada.get(f"{BASE}/limits/{WORKSPACE}")
        assert answer.status == 200 and answer.headers["x-toggl-quota-remaining"] == str(left)
        assert 3590 <= int(answer.headers["x-toggl-quota-resets-in"]) <= 3600
    spent = ada.get(f"{BASE}/limits/{WORKSPACE}")
    assert spent.status == 402 and spent.headers["x-toggl-quota-remaining"] == "0"
    # another window, and what is free
    assert ada.get(f"{BASE}/event_filters").headers["x-toggl-quota-remaining"] == "29"
    windows = {one["organization_id"]: one for one in ada.get("/api/v9/me/quota").json()}
    assert windows[int(number)]["remaining"] == 0 and windows[None]["remaining"] == 29 and windows[None]["total"] == 30
    api_site.sql("update ledger.state set clock_offset = '59 minutes'")
    assert ada.get(f"{BASE}/limits/{WORKSPACE}").status == 402
    api_site.sql("update ledger.state set clock_offset = '61 minutes'")
    assert ada.get(f"{BASE}/limits/{WORKSPACE}").headers["x-toggl-quota-remaining"] == "4"


def test_the_quota_is_exact_under_concurrency(api_site):
    number = json.loads(api_site.hookledger("organization", "list", "--json").stdout)["organizations"][0]["organization_id"]
    api_site.hookledger("organization", "set", number, "--requests", 40)
    ada, statuses = account(api_site), []

    def ask():
        for _ in range(10):
            statuses.append(ada.get(f"{BASE}/limits/{WORKSPACE}").status)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(200) == 40 and statuses.count(402) == 40


def test_pace(api_site):
    api_site.write_conf(api_burst="3", api_per_minute="60")
    api_site.end(api_site.web)
    web_servers.lighttpd_spawned(api_site)
    ada = account(api_site)
    answers = [ada.get("/api/v9/me/quota") for _ in range(6)]
    assert [answer.status for answer in answers[:3]] == [200] * 3
    assert answers[5].status == 429 and 1 <= int(answers[5].headers["retry-after"]) <= 2
    # the bucket is the token's
    assert account(api_site, "Bob", USER + 1).get("/api/v9/me/quota").status == 200
    api_site.sql("update ledger.state set clock_offset = '10 seconds'")
    assert ada.get("/api/v9/me/quota").status == 200


def test_silent_callbacks_hold_up_nobody(api_site):
    ada, bob = account(api_site), account(api_site, "Bob", USER + 1)
    number = json.loads(api_site.hookledger("organization", "list", "--json").stdout)["organizations"][0]["organization_id"]
    api_site.hookledger("organization", "set", number, "--webhooks", 50)
    waiting = threading.Event()
    silent = Subscriber(lambda request: (waiting.wait(10), (200, {}, b"{}"))[1])
    threads = [threading.Thread(target=ada.subscribe, args=(silent.url, f"silent {place}")) for place in range(10)]
    for thread in threads:
        thread.start()
    while len(silent.got) < 10:
        time.sleep(0.01)
    slowest = 0
    for _ in range(30):
        began = time.monotonic()
        assert bob.get(f"{BASE}/subscriptions/{WORKSPACE}").status == 200
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 1, "a second is far more than 100 ms and far less than the callbacks' silence"
    waiting.set()
    for thread in threads:
        thread.join()
    silent.close()


def test_times_in_the_zone_of_the_account(api_site, subscriber):
    ada = account(api_site, zone="Asia/Kolkata")
    made = ada.subscribe(subscriber.url).json()
    assert made["created_at"].endswith("+05:30"), made


@pytest.mark.parametrize("server", web_servers.SERVERS)
def test_behind_every_server(site, subscriber, server):
    assert not web_servers.missing(server)
    site.write_conf(allowed_networks="127.0.0.1")
    web_servers.SERVERS[server](site)
    set_up(site)
    ada = account(site)
    made = ada.subscribe(subscriber.url)
    assert made.status == 200, made
    number = made.json()["subscription_id"]
    assert ada.call("PATCH", f"{BASE}/subscriptions/{WORKSPACE}/{number}", {"enabled": False}).status == 200
    assert ada.call("PUT", f"{BASE}/subscriptions/{WORKSPACE}/{number}", made.json()).status == 200
    assert ada.call("DELETE", f"{BASE}/subscriptions/{WORKSPACE}/{number}").status == 200
    assert ada.get("/api/v9/me").json()["id"] == USER
    assert ada.get("/api/v9/me/quota").status == 200
    assert ada.get(f"{BASE}/status").json() == {"status": "OK"}
    assert Client(site, "wrong").get(f"{BASE}/limits/{WORKSPACE}").status == 403
