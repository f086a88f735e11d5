# SPDX-License-Identifier: ISC
"""What a member may see is the same by all ways: Track API, list of events,
delivery, replay. Random events and roles against a model that knows nothing of
the SQL; HL_RIGHTS_SEEDS says how many, HL_RIGHTS_FIRST with which they begin."""
import itertools
import json
import os
import random
import re

import api_contract
import pytest

from api_client import BASE, account, without_limits
from deliveries import assert_genuine, run_round, start_courier, subscribe
from installation import WORKSPACE, wait_for
from subscriber import Subscriber

pytestmark = pytest.mark.plain

SEEDS = range(int(os.environ.get("HL_RIGHTS_FIRST", "0")), int(os.environ.get("HL_RIGHTS_FIRST", "0")) + int(os.environ.get("HL_RIGHTS_SEEDS", "3")))
BEN = 9000002
HOME = f"/api/v9/workspaces/{WORKSPACE}"
PAY = ["rate", "rate_last_updated", "labor_cost", "labor_cost_last_updated", "fixed_fee", "default_hourly_rate", "billable_amount", "hourly_rate",
       "hourly_rate_in_cents", "labour_cost_in_cents", "by_rate", "cost", "amount", "price"]
SPELLED = {"rate": ['"r\\u0061te"', '"rate"', '"RATE"'], "labor_cost": ['"labor\\u005fcost"', '"laborCost"', '"labor_cost"']}
NONE_OF_IT = {"note": '"corporate, generated at the rate of 5"', "n": "9007199254740993", "flag": "true", "currency": '"EUR"',
              "half": '"\\ud800"', "nul": '"a\\u0000b"', "huge": "1e400", "estimated_hours": "4", "template": "null"}
WORTH = ["424242.5", '"424242"', "null", '{"value":424242}', "[424242,{\"x\":424242}]", "4242421e10"]


# ---- random events

def members(rng, depth=0):
    """Members of an object as JSON text: pay, what looks like it, and what has some
    further inside."""
    made = []
    for key in rng.sample(PAY, rng.randint(0, 3)):
        made.append(f"{rng.choice(SPELLED.get(key, [json.dumps(key)]))}:{rng.choice(WORTH)}")
    for key in rng.sample(list(NONE_OF_IT), rng.randint(0, 3)):
        made.append(f'"{key}":{NONE_OF_IT[key]}')
    if depth < 3 and rng.random() < 0.4:
        inside = "{" + ",".join(members(rng, depth + 1)) + "}"
        made.append(rng.choice([f'"inside":{inside}', f'"list":[1,{inside}]', f'"text":{json.dumps(inside)}']))
    rng.shuffle(made)
    return made


def request(rng):
    """request_body: JSON in a string, an object, cut short, a form, JSON Patch."""
    whole = "{" + ",".join(members(rng)) + "}"
    return rng.choice([json.dumps(whole), json.dumps(whole), whole, json.dumps(whole[:-1]), '"rate=424242&name=x"', '""',
                        json.dumps('[{"op":"replace","path":"/rate","value":424242}]')])


def random_events(seed, ben, first):
    """(model, entity, payload text, request text) in their order: projects first, some
    of them private, one's own entries and others'."""
    rng = random.Random(seed)
    public = {first + n: rng.random() < 0.5 for n in range(3)}
    belongs = {project for project in public if rng.random() < 0.5}
    events = []

    def tell(model, entity, **known):
        given = [f'"{key}":{json.dumps(value)}' for key, value in {"id": entity, "workspace_id": WORKSPACE, **known}.items()]
        events.append((model, entity, "{" + ",".join(given + members(rng)) + "}", request(rng)))

    for project, is_public in public.items():
        tell("project", project, name=f"p{project}", is_private=not is_public, active=True)
    for project in belongs:
        tell("project_user", project + 10, project_id=project, user_id=ben)
    for _ in range(rng.randint(6, 12)):
        project, whose = rng.choice(list(public)), rng.choice([ben, ben + 1])
        rng.choice([
            lambda: tell("time_entry", first + rng.randint(20, 25), user_id=whose, project_id=rng.choice([None, project]), description="x",
                         start="2026-07-01T10:00:00Z", stop="2026-07-01T11:00:00Z", duration=3600),
            lambda: tell("task", first + 30, name="t", project_id=project, active=True),
            lambda: tell("workspace_user", first + 40, user_id=whose, name="u"),
            lambda: tell("project_user", first + 50, project_id=project, user_id=ben + 1),
            lambda: tell("client", first + 60, name="c"),
            lambda: tell("workspace", WORKSPACE, name="w"),
        ])()
    return events, {project for project in public if public[project] or project in belongs}


# ---- the model

def tells_pay(key):
    return key.lower().replace("laborcost", "labor_cost") in PAY


def stripped(value):
    if isinstance(value, dict):
        if isinstance(value.get("path"), str) and tells_pay(value["path"].lstrip("/")):
            value = {key: one for key, one in value.items() if key != "value"}
        return {key: stripped(one) for key, one in value.items() if not tells_pay(key)}
    if isinstance(value, list):
        return [stripped(one) for one in value]
    if isinstance(value, str) and value.startswith(("{", "[")):
        try:
            within = json.loads(value)
        except ValueError:
            return value
        return json.dumps(stripped(within))
    return value


def plain(value):
    """To compare by: strings of JSON as what they hold, halves and NULs as what they
    become in a database, no times."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if key not in ("start", "stop", "server_deleted_at", "withheld")}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, str):
        if value.startswith(("{", "[")):
            try:
                return plain(json.loads(value))
            except ValueError:
                pass
        return "a text" if value == "1e400" else re.sub("[\x00\ud800-\udfff\ufffd]", "?", value)
    return "a text" if value in (float("inf"), 1e400) else value


def may_see(model, payload, ben, seen):
    if model == "time_entry":
        return payload["user_id"] == ben and payload["project_id"] in seen | {None}
    if model == "project":
        return payload["id"] in seen
    if model in ("task", "project_user"):
        return payload["project_id"] in seen
    return True


def asked_plain(metadata):
    """What stands in request_body, where it can be judged."""
    body = metadata.get("request_body")
    if isinstance(body, str) and body:
        try:
            return plain(json.loads(body))
        except ValueError:
            return None
    return plain(body) if body not in (None, "") else None


def assert_seen(got, want, is_admin, where):
    """got: the event as it came; want: (model, entity, payload, request)."""
    payload, request_body = json.loads(want[2]), json.loads(want[3])
    assert plain(got["payload"]) == plain(payload if is_admin else stripped(payload)), (where, want)
    asked = asked_plain({"request_body": request_body})
    assert asked_plain(got["metadata"]) == (asked if is_admin else stripped(asked)), (where, want)
    assert is_admin or "424242" not in json.dumps(got), (where, want)
    if not is_admin and isinstance(request_body, str) and "424242" in request_body and asked is None:
        assert got["metadata"]["withheld"] == "request_body", (where, want)


def test_all_ways_tell_the_same(api_site, monkeypatch):
    # these events have models without a published schema
    monkeypatch.setattr(api_contract, "judge", lambda *_: None)
    site = api_site
    without_limits(site)
    site.hookledger("organization", "set", site.organization, "--requests", 100000)
    ben = account(site, "Ben", BEN, admin=False)
    subscriber = Subscriber()
    number = itertools.count(1)
    for seed in SEEDS:
        rng = random.Random(seed)
        events, seen = random_events(seed, BEN, 10_000 * (seed + 1))
        subscription = subscribe(site, subscriber.url, account=ben.account_id)
        site.hookledger("account", "grant", ben.account_id, WORKSPACE, *(["--admin"] if rng.random() < 0.5 else []))
        events = {next(number): one for one in events}
        for event, (model, entity, payload, asked) in events.items():
            body = (f'{{"event_id":{event},"created_at":"2026-07-01T10:00:00.{event:06}Z","creator_id":1,"metadata":{{"action":"updated",'
                    f'"model":"{model}","{model}_id":"{entity}","workspace_id":"{WORKSPACE}","request_body":{asked}}},"payload":{payload}}}').encode()
            assert site.send(body).status == 200
        ask_all_ways(site, ben, subscription, subscriber, events, seen, lambda: run_round(site))
        # the role becomes another, and everything is sent once more
        is_admin = rng.random() < 0.5
        site.hookledger("account", "grant", ben.account_id, WORKSPACE, *(["--admin"] if is_admin else []))
        if rng.random() < 0.5:
            site.sql("update toggl.project set is_private = true where not is_private")
            seen &= {row[0] for row in site.sql("select project_id from toggl.project_user where user_id = %s", BEN)}
        ask_all_ways(site, ben, subscription, subscriber, events, seen,
                     lambda: (site.hookledger("subscription", "replay", subscription, "--since", "2020-01-01"), run_round(site)))
        site.hookledger("subscription", "delete", subscription)
    subscriber.close()


def ask_all_ways(site, ben, subscription, subscriber, events, seen, send):
    is_admin = site.sql("select is_admin from ledger.member where account_id = %s", ben.account_id)[0][0]
    site.sql("delete from ledger.quota")
    subscriber.got.clear()
    made = {row[0] for row in site.sql("select event_id from ledger.delivery where subscription_id = %s", subscription)}
    send()
    made |= {row[0] for row in site.sql("select event_id from ledger.delivery where subscription_id = %s", subscription)}
    visible = {event for event, one in events.items() if event in made and (is_admin or may_see(one[0], json.loads(one[2]), BEN, seen))}
    came = {request["body"]["event_id"]: request["body"] for request in subscriber.events()}
    assert set(came) == visible
    for event, body in came.items():
        assert_seen(body, events[event], is_admin, "delivery")
    for request in subscriber.events():
        assert_genuine(request)
    # the list of what is on its way
    answer = ben.get(f"{BASE}/subscriptions/{WORKSPACE}/{subscription}/events").json()
    listed = {one["event_id"]: one for one in answer["events"]}
    assert set(listed) == visible and answer["total"] == len(visible)
    for event, one in listed.items():
        assert_seen(one, events[event], is_admin, "list")
    # the Track API: as the last event of each entity says
    last = {(model, entity): event for event, (model, entity, *_) in events.items()}
    for where, model in (("projects?active=both", "project"), ("workspace_users", "workspace_user"), ("project_users", "project_user"), ("clients?status=both", "client")):
        answer = ben.get(f"{HOME}/{where}").json()
        compare_entities(answer, model, last, events, is_admin, BEN, seen)
    compare_entities(ben.get(f"{HOME}/tasks?active=both").json()["data"], "task", last, events, is_admin, BEN, seen)
    own = ben.get("/api/v9/me/time_entries?start_date=2026-06-30&end_date=2026-07-03").json()
    compare_entities(own, "time_entry", {key: event for key, event in last.items() if json.loads(events[event][2]).get("user_id") == BEN},
                     events, is_admin, BEN, seen)
    related = ben.get("/api/v9/me?with_related_data=true").body.decode()
    assert is_admin or "424242" not in related


def compare_entities(answer, model, last, events, is_admin, ben, seen):
    wanted = {entity: json.loads(events[event][2]) for (kind, entity), event in last.items() if kind == model}
    wanted = {entity: payload for entity, payload in wanted.items() if is_admin or may_see(model, payload, ben, seen)}
    got = {one["id"]: one for one in answer if one["id"] in {entity for kind, entity in last if kind == model}}
    assert set(got) == set(wanted), model
    for entity, payload in wanted.items():
        want, have = plain(payload if is_admin else stripped(payload)), plain(got[entity])
        # (published fields without a value in any event may be there, without a value)
        assert {key: have.get(key) for key in want} == want, model
        assert is_admin or not any(have.get(key) for key in have if tells_pay(key)), model
    assert is_admin or "424242" not in json.dumps(answer)


# ---- a right that is taken while something waits

def own(number, user, **more):
    return {"id": number, "workspace_id": WORKSPACE, "user_id": user, "project_id": None, "description": f"of {user}", **more}


def test_who_was_an_administrator_gets_no_more(api_site):
    """Waiting deliveries, retries and replays of somebody who lost the right are
    dropped, say why, and are in nobody's way."""
    site = api_site
    site.write_conf(allowed_networks="127.0.0.1", delivery_retry_first_ms="50", delivery_retry_factor="1", courier_poll_ms="1000", api_burst="100000",
                    api_per_minute="6000000")
    ben = account(site, "Ben", BEN, admin=True)
    is_well = []
    subscriber = Subscriber(lambda request: Subscriber.prove(request) if is_well else (500, {}, b""))
    subscription = subscribe(site, subscriber.url, account=ben.account_id)
    for number, user in ((1, 9000001), (2, 9000002), (1, 9000002)):
        assert site.send(site.event(model="time_entry", action="updated", payload=own(number, user))).status == 200
    courier = start_courier(site)
    wait_for(lambda: len(subscriber.events()) > 3, "attempts that fail")
    site.hookledger("account", "grant", ben.account_id, WORKSPACE)
    wait_for(lambda: site.sql("select count(*) from ledger.delivery where state = 'dropped'")[0][0] == 1, "it is dropped")
    subscriber.got.clear()
    is_well.append(True)
    wait_for(lambda: site.sql("select count(*) from ledger.delivery where state = 'delivered'")[0][0] == 2, "the others are delivered")
    assert sorted(one["body"]["payload"]["id"] for one in subscriber.events()) == [1, 2]
    assert all(one["body"]["payload"]["user_id"] == 9000002 for one in subscriber.events())
    shown = site.hookledger("delivery", "list", "--state", "dropped").stdout
    assert "the account of its subscription may not see it any more" in shown
    listed = ben.get(f"{BASE}/subscriptions/{WORKSPACE}/{subscription}/events").json()
    assert listed["total"] == 2 and all(one["payload"]["user_id"] == 9000002 for one in listed["events"])
    is_well.clear()
    said = site.hookledger("subscription", "replay", subscription, "--since", "2020-01-01").stdout
    assert said.startswith("2 of the deliveries") and "1 are left out: the account of the subscription may not see them." in said
    # what waits for a subscription that is deleted
    wait_for(lambda: site.sql("select count(*) from ledger.delivery where state = 'due'")[0][0] == 2, "they wait")
    site.hookledger("subscription", "delete", subscription)
    assert {row for row in site.sql("select state, coalesce(dropped_for, last_error) from ledger.delivery where state <> 'delivered'")} <= {
        ("dropped", "subscription_deleted"), ("dropped", "answered with status 500"), ("dropped", "not_visible")}
    courier.terminate()
    courier.wait(10)
    subscriber.close()


def test_a_slow_subscriber_gets_nothing_that_waited_long(api_site):
    """What a courier has in its hand is claimed anew after a while."""
    site = api_site
    site.write_conf(allowed_networks="127.0.0.1", courier_poll_ms="1000", delivery_parallel="1", delivery_timeout_ms="30000")
    ben = account(site, "Ben", BEN, admin=True)
    slow = Subscriber()
    held = []

    def answer(request):
        held.append(request)
        wait_for(lambda: len(held) != 1 or released, "it is let go")
        return Subscriber.prove(request)

    released = []
    slow.answer = answer
    subscribe(site, slow.url, account=ben.account_id)
    for number in range(1, 6):
        assert site.send(site.event(model="time_entry", action="updated", payload=own(number, 9000001 + number % 2))).status == 200
    courier = start_courier(site)
    wait_for(lambda: held, "the first is under way")
    site.hookledger("account", "grant", ben.account_id, WORKSPACE)
    wait_for(lambda: site.sql("select count(*) from ledger.delivery where state = 'dropped'")[0][0] >= 2, "what waits in the hand is judged again", seconds=30)
    released.append(True)
    wait_for(lambda: not site.sql("select from ledger.delivery where state in ('due', 'behind')"), "all is settled")
    assert all(one["body"]["payload"]["user_id"] == 9000002 for one in slow.events()[1:])
    courier.terminate()
    courier.wait(10)
    slow.close()
