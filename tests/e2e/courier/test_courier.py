# SPDX-License-Identifier: ISC
"""What subscribers get, and when."""
import json
import time

import pytest

from deliveries import (allow_subscribers, assert_genuine, event_ids, is_settled, record, rotate, run_round,
                        start_courier, states, subscribe)
from installation import WORKSPACE, wait_for
from subscriber import Subscriber

pytestmark = pytest.mark.foreign


@pytest.fixture
def passing(lighttpd):
    """A site whose events may be passed on."""
    allow_subscribers(lighttpd)
    return lighttpd


@pytest.fixture
def listener():
    subscriber = Subscriber()
    yield subscriber
    subscriber.close()


def test_a_round(passing, listener):
    number = subscribe(passing, listener.url)
    sent = record(passing, 5)
    log = run_round(passing)
    assert event_ids(listener) == sent
    assert "delivered=5 failed=0" in log
    assert states(passing, number) == [(event, "delivered") for event in sent]
    for request in listener.events():
        assert_genuine(request)
    run_round(passing)
    assert len(listener.got) == 5


def test_the_body_is_toggls(passing, listener):
    number = subscribe(passing, listener.url)
    body = ('{"event_id" :8023169274704072,"created_at":"2026-07-17T11:43:32.827Z","creator_id":9000001,'
            '"metadata":{"action":"created","model":"tag","big":"18446744073709551616"},'
            '"payload":{"id":15000001,"workspace_id":%d, "n":1.10, "big":18446744073709551617,"x":"\\u0000\\ud800<"},'
            '"subscription_id":10713,"timestamp":"2026-07-17T11:43:33.1Z","url_callback":"https://other.example/"}' % WORKSPACE)
    assert passing.send(body.encode()).status == 200
    run_round(passing)
    got = listener.events()[0]["raw"].decode()
    start = body[1:body.index(',"subscription_id"')].replace('"event_id" :', '"event_id":')
    assert got.startswith("{" + start + f',"subscription_id":{number},"timestamp":"20')
    assert got.endswith(f',"url_callback":"{listener.url}"}}')


def test_secrets_stay_here(passing, listener):
    subscribe(passing, listener.url)
    record(passing, payload={"id": 15000001, "workspace_id": WORKSPACE, "name": "x", "deep": {"api_token": "geheimnis"}})
    run_round(passing)
    assert "geheimnis" not in listener.events()[0]["raw"].decode()
    assert listener.events()[0]["body"]["payload"]["deep"] == {}


def test_an_event_is_delivered_at_once(passing, listener):
    subscribe(passing, listener.url)
    start_courier(passing)
    record(passing)
    wait_for(lambda: len(listener.got) == 1, "the first event")
    delays = []
    for count in range(2, 22):
        wait_for(lambda: is_settled(passing), "the one before to be settled")
        record(passing)
        acknowledged = time.time()
        wait_for(lambda count=count: len(listener.got) == count, "the next event")
        delays.append(listener.got[-1]["at"] - acknowledged)
    assert sorted(delays)[10] < 0.05, delays


def test_at_rest_it_asks_nothing(passing, listener):
    passing.write_conf(courier_poll_ms="3000")
    subscribe(passing, listener.url)
    start_courier(passing)
    record(passing)
    wait_for(lambda: len(listener.got) == 1 and is_settled(passing), "an event")

    def last_call():
        return passing.sql("select query_start from pg_stat_activity where application_name = 'hookledger-courier'")[0][0]

    calls, until = {last_call()}, time.monotonic() + 7
    wait_for(lambda: calls.add(last_call()) or time.monotonic() > until, "time to pass at rest")
    assert len(calls) <= 4, calls


def test_order_of_an_entity(passing, listener):
    """Its later events wait while an earlier one is tried again; others do not."""
    failures = {}

    def answer(request):
        event = request["body"]["event_id"]
        failures[event] = failures.get(event, 0) + 1
        return (500 if request["body"]["payload"]["id"] == 1 and failures[event] < 3 else 200), {}, b""

    listener.answer = answer
    subscribe(passing, listener.url)
    slow = [record(passing, payload={"id": 1, "workspace_id": WORKSPACE, "name": "x"})[0] for _ in range(3)]
    quick = [record(passing, payload={"id": 2, "workspace_id": WORKSPACE, "name": "x"})[0] for _ in range(3)]
    start_courier(passing)
    wait_for(lambda: is_settled(passing), "everything to be delivered")
    got = event_ids(listener)
    assert [event for event in got if event in slow] == [event for event in slow for _ in range(3)]
    assert [event for event in got if event in quick] == quick
    assert got.index(quick[-1]) < got.index(slow[-1])
    attempts = passing.sql("""select status, problem, answer from ledger.attempt a join ledger.delivery d using (subscription_id, delivery_id)
                              where event_id = %s order by attempt""", slow[0])
    assert attempts == [(500, "answered with status 500", None)] * 2 + [(200, None, None)]


def test_rotation_signs_with_both(passing, listener):
    number = subscribe(passing, listener.url, secret="alt")
    rotate(passing, number, "neu", keep="1h")
    record(passing)
    run_round(passing)
    assert_genuine(listener.got[0], "neu", "alt")
    passing.sql("update ledger.subscription set secret_before_until = now() - interval '1 second'")
    record(passing)
    run_round(passing)
    assert_genuine(listener.got[1], "neu")


def test_what_is_seen(passing, listener):
    """A member gets its own entries, an administrator all."""
    everything = subscribe(passing, listener.url, filters=("time_entry.*",))
    own = subscribe(passing, listener.url, filters=("time_entry.*",), account=2)
    for user in (9000001, 9000002):
        record(passing, model="time_entry", payload={"id": user, "workspace_id": WORKSPACE, "user_id": user, "project_id": None})
    run_round(passing)
    seen = {(request["body"]["subscription_id"], request["body"]["payload"]["user_id"]) for request in listener.events()}
    assert seen == {(everything, 9000001), (everything, 9000002), (own, 9000002)}


def test_started_and_stopped(passing, listener):
    subscribe(passing, listener.url, filters=("time_entry.stopped",))

    def entry(action, duration, stop, **more):
        return record(passing, model="time_entry", action=action,
                      payload={"id": 7, "workspace_id": WORKSPACE, "user_id": 9000001, "duration": duration, "stop": stop, **more})[0]

    entry("created", -1, None)
    entry("updated", -1, None, description="x")
    stopped = entry("updated", 60, "2026-07-17T11:43:32Z")
    entry("updated", 70, "2026-07-17T11:43:42Z")
    run_round(passing)
    assert event_ids(listener) == [stopped]
    assert listener.events()[0]["body"]["metadata"]["action"] == "updated"


def test_pace_and_parallel(passing, listener):
    """A subscription's own limits."""
    at_once, most = [0], [0]

    def answer(_):
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        time.sleep(0.02)
        at_once[0] -= 1
        return 200, {}, b""

    listener.answer = answer
    subscribe(passing, listener.url, parallel=2, rate_per_second=20)
    for number in range(20):
        record(passing, payload={"id": number + 1, "workspace_id": WORKSPACE, "name": "x"})
    began = time.monotonic()
    run_round(passing)
    assert len(listener.got) == 20
    assert most[0] <= 2
    assert time.monotonic() - began >= 0.9


def test_gone(passing, listener):
    listener.answer = lambda _: (410, {}, b"")
    number = subscribe(passing, listener.url)
    sent = record(passing, 3)
    log = run_round(passing)
    assert len(listener.got) == 1 and "subscription_disabled" in log
    assert states(passing, number) == [(event, "dropped") for event in sent]
    assert passing.sql("select enabled, disabled_reason from ledger.subscription") == [(False, "gone")]
    record(passing)
    run_round(passing)
    assert len(listener.got) == 1


def test_retry_after(passing, listener):
    """Nobody is called before the time it asked for, whatever waits."""
    listener.answer = lambda _: (200, {}, b"") if len(listener.got) > 1 else (503, {"Retry-After": "2"}, b"later")
    subscribe(passing, listener.url, parallel=1)
    for number in range(4):
        record(passing, payload={"id": number + 1, "workspace_id": WORKSPACE, "name": "x"})
    start_courier(passing)
    wait_for(lambda: is_settled(passing), "everything to be delivered")
    assert len(listener.got) == 5
    assert listener.got[1]["at"] - listener.got[0]["at"] >= 1.99
    assert passing.sql("select answer from ledger.attempt where status = 503") == [("later",)]


def test_given_up(passing, listener):
    passing.write_conf(delivery_give_up_ms="300")
    listener.answer = lambda request: (200 if request["body"]["payload"]["id"] == 2 else 400, {}, b"no\x1b[31m\xff")
    number = subscribe(passing, listener.url)
    first = record(passing, payload={"id": 1, "workspace_id": WORKSPACE, "name": "x"})
    second = record(passing, payload={"id": 2, "workspace_id": WORKSPACE, "name": "x"})
    start_courier(passing)
    wait_for(lambda: is_settled(passing), "the end of it")
    assert sorted(states(passing, number)) == sorted([(first[0], "dead"), (second[0], "delivered")])
    assert passing.sql("select last_error, attempts > 2 from ledger.delivery where state = 'dead'") == [("answered with status 400", True)]
    assert passing.sql("select distinct answer from ledger.attempt where status = 400") == [("no\\x1b[31m\\xff",)]


def test_disabled_when_it_only_fails(passing, listener):
    passing.write_conf(delivery_failing_ms="300")
    listener.answer = lambda _: (500, {}, b"")
    subscribe(passing, listener.url)
    record(passing)
    start_courier(passing)
    wait_for(lambda: passing.sql("select disabled_reason from ledger.subscription") == [("failing",)], "it to be disabled")
    assert passing.sql("select state from ledger.delivery") == [("due",)]
    listener.answer = lambda _: (200, {}, b"")
    passing.hookledger("subscription", "enable", 1)
    wait_for(lambda: is_settled(passing), "it to be delivered after all")


def test_private_addresses_are_refused(passing, listener):
    passing.write_conf(allowed_networks=None)
    subscribe(passing, listener.url)
    record(passing)
    said = run_round(passing, 5)
    assert not listener.got
    # the subscriber's record does not show the internal address; the operator's log does
    assert passing.sql("select last_error from ledger.delivery") == [("its host has no public address",)]
    assert "127.0.0.1 is" in said


def test_other_people_s_urls(passing):
    """What is no callback address at all fails like one that does not answer."""
    for url in ("ftp://127.0.0.1/", "file:///etc/passwd", "http://user:word@127.0.0.1/", "nonsense", "http://[::1"):
        subscribe(passing, url)
    record(passing)
    run_round(passing, 3)
    assert passing.sql("select distinct last_error from ledger.delivery") == [("the callback address is no http or https URL",)]


def test_disabled_and_enabled(passing, listener):
    """What was on its way waits, what happens meanwhile is not for it."""
    number = subscribe(passing, listener.url)
    first = record(passing)
    passing.hookledger("subscription", "disable", number)
    record(passing)
    run_round(passing)
    assert not listener.got
    passing.hookledger("subscription", "enable", number)
    last = record(passing)
    run_round(passing)
    assert event_ids(listener) == first + last


def test_an_event_that_comes_back_is_the_same(passing, listener):
    """A loop ends: through our own receiver it is a duplicate."""
    listener.answer = lambda request: (passing.send(request["raw"]).status, {}, b"")
    subscribe(passing, listener.url)
    record(passing)
    run_round(passing)
    run_round(passing)
    assert len(listener.got) == 1
    wait_for(lambda: passing.counter("duplicate") == 1, "the counter")
    assert set(passing.recorded().values()) == {1}


def test_deliveries_by_command(passing, listener):
    """What an operator sees of them, and delivering once more."""
    passing.write_conf(delivery_give_up_ms="0")
    listener.answer = lambda _: (500, {}, b"not now")
    number = subscribe(passing, listener.url)
    sent = record(passing, 3)
    run_round(passing)
    listed = json.loads(passing.hookledger("delivery", "list", "--json").stdout)["deliveries"]
    assert [(int(row["event_id"]), row["state"], row["last_error"]) for row in listed] == \
        [(event, "dead", "answered with status 500") for event in reversed(sent)]
    assert not json.loads(passing.hookledger("delivery", "list", "--state", "due", "--json").stdout)["deliveries"]
    assert passing.hookledger("delivery", "list", "--state", "lost", check=False).returncode == 1
    assert len(passing.hookledger("delivery", "list", "--limit", "1").stdout.splitlines()) == 2

    first = listed[-1]["delivery_id"]
    shown = json.loads(passing.hookledger("delivery", "show", first, "--json").stdout)
    assert shown["delivery"]["url_callback"] == listener.url
    assert [(row["status"], row["answer"]) for row in shown["attempts"]] == [(500, "not now")]
    text = passing.hookledger("delivery", "show", first).stdout
    assert f"to subscription {number}: dead" in text and "not now" in text
    assert "no delivery 99" in passing.hookledger("delivery", "show", "99", check=False).stderr

    listener.answer = lambda _: (200, {}, b"")
    assert "due now" in passing.hookledger("delivery", "replay", first).stdout
    run_round(passing)
    assert event_ids(listener) == sent + sent[:1]
    assert passing.hookledger("subscription", "replay", number, check=False).returncode == 2
    assert passing.hookledger("subscription", "replay", number, "--dead").stdout.startswith("2 of")
    assert [state for _, state in states(passing, number)] == ["delivered", "due", "behind"]
    run_round(passing)
    assert event_ids(listener) == sent + sent
    assert passing.hookledger("subscription", "replay", number, "--since", "1h").stdout.startswith("3 of")
    run_round(passing)
    assert event_ids(listener) == sent * 3
    assert passing.hookledger("subscription", "replay", number, "--since", "2100-01-01").stdout.startswith("0 of")
    attempts = json.loads(passing.hookledger("delivery", "show", first, "--json").stdout)["attempts"]
    assert [row["status"] for row in attempts] == [500, 200, 200]


def test_a_replay_wakes_the_courier(passing, listener):
    passing.write_conf(courier_poll_ms="3600000")
    number = subscribe(passing, listener.url)
    start_courier(passing)
    record(passing)
    wait_for(lambda: is_settled(passing) and len(listener.got) == 1, "the event")
    passing.hookledger("subscription", "replay", number, "--since", "1h")
    wait_for(lambda: len(listener.got) == 2, "it once more", 5)
