# SPDX-License-Identifier: ISC
"""What hookledger-api serves, and what three files say that it serves: Toggl's,
ours, and the list of what is ours only. (That every answer of every other test
is in them is checked by api_client.Client.)"""
import re
import threading

import jsonschema
import pytest

import api_contract
import web_servers
from api_client import BASE, EAGER, USER, Client, account, by_hand, set_up
from api_contract import ADDED, FILES, OURS
from installation import SOURCE, WORKSPACE, wait_for
from subscriber import Subscriber

pytestmark = pytest.mark.plain

WEBHOOKS = FILES[0]
SUBSCRIPTIONS = f"{BASE}/subscriptions/{WORKSPACE}"
MANY = "/subscriptions/{workspace_id}"
ONE = MANY + "/{subscription_id}"


# ---- the document

def routes():
    """The rows of the table in api/main.c: (path, method) and whether it is open."""
    text = (SOURCE / "src/api/main.c").read_text(encoding="utf-8")
    rows = re.findall(r'^\t\{ \{ "([A-Z]+)", ((?:WEBHOOKS|TRACK|REPORTS)?)\s*"([^"]*)" \},\s+([A-Z]+),', text, re.M)
    prefixes = {"": ""} | dict(re.findall(r'^#define (WEBHOOKS|TRACK|REPORTS) "([^"]+)"', text, re.M))
    return {(prefixes[prefix] + path, method.lower()): scope == "OPEN" for method, prefix, path, scope in rows}


def test_every_route_is_in_the_document_and_the_other_way_round():
    published = {(path, method): api_contract.is_open(operation) for path, item in OURS["paths"].items() for method, operation in item.items()}
    assert routes() == published
    assert len(published) > 25


def test_all_of_toggls_webhooks_api_is_served():
    wanted = {(api_contract.WEBHOOKS + path, method) for path, item in WEBHOOKS.paths["paths"].items() for method in item}
    assert wanted < set(routes())


def test_the_document_is_well_formed():
    """Enough of OpenAPI 3.1 for the tools that read it."""
    names = []

    def look(thing):
        if isinstance(thing, list):
            for one in thing:
                look(one)
        elif isinstance(thing, dict) and "$ref" in thing:
            assert set(thing) == {"$ref"} and api_contract.follow(thing)
        elif isinstance(thing, dict):
            if "schema" in thing:
                jsonschema.Draft202012Validator.check_schema(thing["schema"])
            for one in thing.values():
                look(one)

    look(OURS)
    for things in OURS["components"].values():
        assert all(re.fullmatch(r"\w+", name) for name in things)
    for schema in OURS["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for path, item in OURS["paths"].items():
        for operation in item.values():
            names.append(operation["operationId"])
            assert operation["summary"].endswith((".", "?")) and "200" in operation["responses"]
            assert all(answer.get("description") or "$ref" in answer for answer in operation["responses"].values())
            assert [one["name"] for one in operation.get("parameters", []) if one["in"] == "path"] == re.findall(r"{(\w+)}", path)
    assert len(set(names)) == len(names)


def test_the_document_is_served_to_anybody(api_site):
    answer = Client(api_site, None).get(f"{BASE}/openapi.json")
    assert (answer.status, answer.json()) == (200, OURS)


# ---- every published text

def fill(text, values):
    return re.sub(r"{([^{}]*)}", lambda found: str(values[found[1]]), text)


GOOD = {"description": "fine", "enabled": True, "event_filters": [{"entity": "tag", "action": "created"}]}


def filters(*pairs):
    return {"event_filters": [{"entity": entity, "action": action} for entity, action in pairs]}


# text: what is changed in a good body to cause it, and what stands in its places
SAID = {
    "Subscription description must not be empty": [({"description": wrong}, {}) for wrong in ("", None, "  ", 5, ["x"], {})],
    "Subscription description '{description}' is already in use for workspace {workspace_id}":
        [({"description": name}, {"description": "taken"}) for name in ("taken", " taken ")],
    "The list of event filters must not be empty": [({"event_filters": wrong}, {}) for wrong in ([], None, {}, "tag.created", 7)],
    "The limit of {allowed limit} event filters for your subscription has been exceeded as you're trying to set {number of filters} filters":
        [(filters(*[("tag", "created")] * 13), {"allowed limit": 12, "number of filters": 13})],
    "The following event filter appears more than once for your subscription: {subscription_id}":
        [(filters(("tag", "created"), ("tag", "*"), ("tag", "created")), {"subscription_id": "tag.created"})],
    "The following event filter appears more than once for your subscription: {event_filter}":
        [(filters(("*", "*"), ("*", "*")), {"event_filter": "*.*"})],
    "The entity field for each subscription event filter must be non-empty":
        [({"event_filters": [wrong]}, {}) for wrong in ({"entity": "", "action": "created"}, {"action": "created"}, {}, 5, None, "tag", ["tag"],
                                                        {"entity": {"entity": "tag"}, "action": "created"})],
    "The value '{entity}' for the filter entity can only contain letters, numbers and '_' or be '*' to match all entities":
        [(filters((wrong, "created")), {"entity": wrong}) for wrong in ("a b", "**", "tag.*", "tag\n", "'; drop table x", "⏱")],
    "The action field for each subscription event filter must be non-empty":
        [({"event_filters": [wrong]}, {}) for wrong in ({"entity": "tag"}, {"entity": "tag", "action": ""}, {"entity": "tag", "action": 1})],
    "The value '{action}' for the filter action can only contain letters, numbers and '_' or be '*' to match all actions":
        [(filters(("tag", wrong)), {"action": wrong}) for wrong in ("-", "* ", "created,updated")],
    "Invalid value '{action}' for event filter action":
        [(filters((entity, wrong)), {"action": wrong}) for entity, wrong in (("tag", "painted"), ("tag", "started"), ("*", "Created"), ("nobody", "x"))],
}
ANSWERED = "URL endpoint {url_callback} responded with status {HTTP status code} instead of 200"
ANSWERED_PUT = ANSWERED.replace("200", "2xx")
FAILED = "URL endpoint {url_callback} request failed with error: {HTTP error}"
LIMIT = "User {user_id} already reached the limit of {allowed limit} enabled subscriptions for workspace {workspace_id}"


def test_no_published_text_is_without_a_test():
    for method, template, elsewhere in (("post", MANY, {ANSWERED, FAILED, LIMIT}), ("put", ONE, {ANSWERED_PUT, FAILED, LIMIT}),
                                        ("patch", ONE, {ANSWERED, FAILED, LIMIT})):
        texts = set(WEBHOOKS.texts(template, method, 400))
        assert elsewhere <= texts
        assert texts - elsewhere <= set(SAID) if method != "patch" else texts == elsewhere
    assert len(WEBHOOKS.texts("/validate/{workspace_id}/{subscription_id}/{validation_code}", "get", 400)) == 2


@pytest.mark.parametrize("method", ["post", "put"])
def test_what_is_wrong_with_a_body(api_site, subscriber, method):
    ada = account(api_site)
    assert ada.subscribe(subscriber.url, "taken", enabled=False).status == 200
    number = ada.subscribe(subscriber.url, "other").json()["subscription_id"]
    place, template = (SUBSCRIPTIONS, MANY) if method == "post" else (f"{SUBSCRIPTIONS}/{number}", ONE)
    before = ada.get(SUBSCRIPTIONS).json()
    for text in WEBHOOKS.texts(template, method, 400):
        for change, values in SAID.get(text, ()):
            answer = ada.call(method.upper(), place, {**GOOD, "url_callback": subscriber.url, **change})
            assert (answer.status, answer.json()) == (400, fill(text, {"workspace_id": WORKSPACE, **values})), change
    assert ada.get(SUBSCRIPTIONS).json() == before
    assert len(subscriber.got) == 2, "nobody is pinged for what is refused"


def test_what_is_wrong_with_the_callback(api_site, subscriber):
    ada = account(api_site)
    grumpy = Subscriber(lambda request: (503, {}, b"no"))
    numbers = [ada.subscribe(subscriber.url, f"number {place}", enabled=False).json()["subscription_id"] for place in range(2)]
    gone = "http://127.0.0.1:1/x"
    for url, values in ((grumpy.url, {"HTTP status code": 503}), (gone, {"HTTP error": "{}"})):
        for method, template, place, text in (("POST", MANY, SUBSCRIPTIONS, ANSWERED), ("PUT", ONE, f"{SUBSCRIPTIONS}/{numbers[0]}", ANSWERED_PUT)):
            answer = ada.call(method, place, {**GOOD, "url_callback": url})
            assert answer.status == 400
            if url == grumpy.url:
                assert answer.json() == fill(text, {"url_callback": url, **values})
            else:
                assert answer.json().startswith(fill(FAILED, {"url_callback": url, "HTTP error": ""})) and "connect" in answer.json()
    # PATCH pings the address that it has
    subscriber.answer = lambda request: (418, {}, b"")
    answer = ada.call("PATCH", f"{SUBSCRIPTIONS}/{numbers[1]}", {"enabled": True})
    assert (answer.status, answer.json()) == (400, fill(ANSWERED, {"url_callback": subscriber.url, "HTTP status code": 418}))
    api_site.sql("update ledger.subscription set url_callback = %s where subscription_id = %s", gone, numbers[1])
    answer = ada.call("PATCH", f"{SUBSCRIPTIONS}/{numbers[1]}", {"enabled": True})
    assert answer.status == 400 and answer.json().startswith(f"URL endpoint {gone} request failed with error: ")
    assert [one["enabled"] for one in ada.get(SUBSCRIPTIONS).json()] == [False, False]
    grumpy.close()


def test_the_limit_of_enabled_ones(api_site, subscriber):
    ada = account(api_site)
    off = ada.subscribe(subscriber.url, "off", enabled=False).json()["subscription_id"]
    for place in range(3):
        assert ada.subscribe(subscriber.url, f"number {place}").status == 200
    words = fill(LIMIT, {"user_id": USER, "allowed limit": 3, "workspace_id": WORKSPACE})
    for method, place, body in (("POST", SUBSCRIPTIONS, GOOD), ("PUT", f"{SUBSCRIPTIONS}/{off}", GOOD), ("PATCH", f"{SUBSCRIPTIONS}/{off}", {"enabled": True})):
        answer = ada.call(method, place, {**body, "url_callback": subscriber.url})
        assert (answer.status, answer.json()) == (400, words)


# ---- every text of our own

def test_every_answer_that_we_add(api_site, subscriber):
    """As the list says, and each of them: else it would be longer than what we do."""
    api_site.write_conf(api_cors_origin="https://app.example.org")
    api_site.end(api_site.web)
    web_servers.lighttpd_spawned(api_site)
    ada = account(api_site)
    outsider = account(api_site, "Outsider", USER + 1, workspace=None)
    api_contract.used.clear()
    number = ada.subscribe(subscriber.url, "first").json()["subscription_id"]
    one = f"{SUBSCRIPTIONS}/{number}"
    get, nobody = ada.get, Client(api_site, None)
    assert nobody.get(f"{BASE}/limits/1").status == 403
    assert nobody.call("PUT", f"{BASE}/status", {}).status == 405
    assert nobody.get(f"{BASE}/nowhere").status == 404
    assert nobody.call("OPTIONS", one).status == 200
    assert nobody.get(f"{BASE}/openapi.json").status == 200
    tick = api_site.hookledger("tick", "add", "x").stdout.split("/tick/")[1].split()[0]
    assert [nobody.get(f"/tick/{token}").status for token in (tick, "x")] == [200, 404]
    for path in (f"{BASE}/limits/{WORKSPACE}", f"{one}/events"):
        assert outsider.get(path).status == 403
    for report in ("search/time_entries", "search/time_entries/totals", "weekly/time_entries", "summary/time_entries"):
        path = f"/reports/api/v3/workspace/{WORKSPACE}/{report}"
        assert [ada.post(path, asked).status for asked in ({"start_date": "2026-05-01", "end_date": "2026-05-31"}, {})] == [200, 400]
        assert outsider.post(path, {"start_date": "2026-05-01", "end_date": "2026-05-31"}).status == 403
    for names in ("users", "projects", "clients"):
        path = f"/reports/api/v3/workspace/{WORKSPACE}/filters/{names}"
        assert [ada.post(path, asked).status for asked in ({}, {"ids": list(range(2001))})] == [200, 400]
        assert outsider.post(path, {}).status == 403
    assert get("/api/v9/me/time_entries?start_date=2001-01-01").status == 400
    # pings
    ping = f"{BASE}/ping/{WORKSPACE}/{number}"
    assert ada.call("POST", f"{BASE}/ping/{WORKSPACE}/1{number}").status == 404
    subscriber.answer = lambda request: (204, {}, b"")
    assert ada.call("POST", ping).status == 400
    # bodies
    for method, path in (("POST", SUBSCRIPTIONS), ("PUT", one), ("PATCH", one)):
        assert ada.call(method, path, raw=b"{}", content_type="text/json").status == 415
        assert ada.call(method, path, raw=b'{"a":"' + b"x" * 70000 + b'"}').status == 413
        assert ada.call(method, path, raw=b"{").status == 400
        assert ada.call(method, path, {**GOOD, "url_callback": subscriber.url, "enabled": "yes"}).status == 400
        short = by_hand(api_site, method, path, b"{}", CONTENT_LENGTH="3", CONTENT_TYPE="application/json", HTTP_AUTHORIZATION=ada.authorization)
        assert short.status == 400
    assert ada.call("PATCH", one, {}).status == 400
    for change in ({"description": "x" * 1001}, {"url_callback": "http://x/" + "x" * 4096}, {"url_callback": "http://x/a b"}, {"secret": 5}, {"secret": "é" * 129}):
        for method, path in (("POST", SUBSCRIPTIONS), ("PUT", one)):
            assert ada.call(method, path, {**GOOD, "url_callback": subscriber.url, **change}).status == 400
    # what only reads
    assert get(f"{one}/events").status == 200
    assert get(f"{SUBSCRIPTIONS}/1{number}/events").status == 404
    assert get(f"{one}/events?offset=%").status == 400
    assert get("/api/v9/me/time_entries/current").json() is None
    assert get("/api/v9/me/time_entries?start_date=yesterday-ish").status == 400
    assert get("/api/v9/me/clients?status=lost").status == 400
    assert get(f"/api/v9/workspaces/{WORKSPACE}/tasks?active=perhaps").status == 400
    assert get(f"/api/v9/workspaces/{WORKSPACE}/projects?per_page=201").status == 400
    assert get(f"/api/v9/workspaces/{WORKSPACE}/projects/1?per_page=201").json() == "Invalid project_id"
    assert get("/api/v9/me/logged").json() == "OK"
    # limits
    api_site.sql("update ledger.organization set hourly_requests = 0")
    assert get(f"{BASE}/limits/{WORKSPACE}").status == 402
    api_site.sql("update ledger.bucket set level = 1e9")
    assert get(f"{BASE}/limits/{WORKSPACE}").status == 429
    api_site.sql("alter function api.admit rename to admitted")
    ada.may_be_busy = True
    busy = get(f"{BASE}/limits/{WORKSPACE}")
    assert busy.status == 503 and busy.headers["retry-after"]
    unseen = [entry for place, entry in enumerate(ADDED["answers"]) if place not in api_contract.used]
    assert [entry for entry in unseen if not entry.get("text", "").startswith("Too many callbacks")] == []


def test_more_callbacks_than_one_process_asks(site):
    site.write_conf(**{**EAGER, "handshake_timeout_ms": "60000"})
    web_servers.lighttpd_socket(site)
    organization = set_up(site)
    site.hookledger("organization", "set", organization, "--webhooks", 1000, "--requests", 100000)
    ada = account(site)
    ada.may_be_busy = True
    over = threading.Event()
    silent = Subscriber(lambda request: (over.wait(60), (500, {}, b""))[1])
    number = site.sql("""insert into ledger.subscription (workspace_id, account_id, description, url_callback, filters, event_filters,
                                                          secret_sealed, enabled, validation_code)
                         values (%s, %s, 'old', %s, '{*.*}', '[{"entity":"*","action":"*"}]', '', false, 'x') returning subscription_id""",
                      WORKSPACE, int(ada.account_id), silent.url)[0][0]
    threads = [threading.Thread(target=ada.subscribe, args=(silent.url, f"silent {place}"), kwargs={"timeout": 90}) for place in range(256)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(silent.got) == 256, "256 callbacks to be asked", 60)
    words = "Too many callbacks are being asked right now; please try again in a moment"
    site.sql("update ledger.subscription set secret_sealed = (select secret_sealed from ledger.subscription where pending_until is not null limit 1)"
             " where subscription_id = %s", number)
    assert ada.subscribe(silent.url, "one more").json() == words
    assert site.sql("select from ledger.subscription where description = 'one more'") == []
    assert ada.get(f"{BASE}/limits/{WORKSPACE}").status == 200, "the others are served"
    over.set()
    for thread in threads:
        thread.join()
    assert ada.get(SUBSCRIPTIONS).json() and len(ada.get(SUBSCRIPTIONS).json()) == 1
    silent.close()
