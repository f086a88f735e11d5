# SPDX-License-Identifier: ISC
"""Two hookledgers with a database each: the second is subscribed to the first
through its API, and records what the first delivers."""
import json

import pytest

import web_servers
from api_client import BASE, account, set_up
from deliveries import start_courier
from installation import WORKSPACE, wait_for

pytestmark = pytest.mark.plain

TABLES = ("time_entry", "project", "client", "tag", "task", "project_user", "other_entity")


@pytest.fixture
def two(site, other_site):
    """first plays Toggl for second; the subscription is made and validated."""
    site.write_conf(allowed_networks="127.0.0.1", api_burst="10000", api_per_minute="600000")
    web_servers.lighttpd_spawned(site)
    web_servers.lighttpd_spawned(other_site)
    set_up(site)
    start_courier(site)
    site.client = account(site, zone="Europe/Berlin")
    made = site.client.subscribe(other_site.endpoint["callback_url"], "the second", [("*", "*")],
                                 secret=other_site.endpoint["secret"])
    assert made.status == 200 and made.json()["validated_at"], made
    site.number = made.json()["subscription_id"]
    site.where = f"{BASE}/subscriptions/{WORKSPACE}/{site.number}"
    return site, other_site


def tell(site, events, seed=1, start="2026-07-01T00:00:00Z"):
    site.hookledger("simulate", "--url", site.endpoint["callback_url"], "--secret-file", "-", "--events", events,
                    "--workspace", WORKSPACE, "--seed", seed, "--start", start, "--people", 6, stdin=site.endpoint["secret"])


def events(site):
    """Two sequences of events may use the same event_id; with its time it is one event."""
    return set(site.sql("select event_id, created_at from ledger.event"))


def wait_until_equal(first, second):
    wait_for(lambda: events(second) == events(first), "the second to have all events", 60)


def rows(site, table):
    return site.sql(f"select (to_jsonb(t))::text from toggl.{table} t order by 1")


def test_what_the_first_records_the_second_records(two):
    first, second = two
    tell(first, 400)
    wait_until_equal(first, second)
    for table in TABLES:
        assert rows(second, table) == rows(first, table), table
    assert len(rows(second, "time_entry")) > 50
    assert "0 invalid" in second.hookledger("verify").stdout
    wait_for(lambda: first.client.get(f"{BASE}/subscriptions/{WORKSPACE}").json()[0]["has_pending_events"] is False,
             "nothing to be pending")


def test_a_second_that_is_away_gets_all_when_it_is_back(two):
    first, second = two
    tell(first, 30)
    wait_until_equal(first, second)
    second.end(second.web)
    tell(first, 60, seed=2)
    wait_for(lambda: first.sql("select count(*) > 0 from ledger.delivery where attempts > 0 and state = 'due'")[0][0],
             "a failed attempt")
    assert first.client.get(f"{BASE}/subscriptions/{WORKSPACE}").json()[0]["has_pending_events"] is True
    # the courier makes deliveries a moment after the events are recorded
    wait_for(lambda: first.client.get(f"{first.where}/events?offset=0").json()["total"] == len(events(first)),
             "a delivery of each event")
    failed = first.sql("select event_id from ledger.delivery where attempts > 0 and state = 'due'")
    listed = first.client.get(f"{first.where}/events?offset=0").json()["events"]
    assert failed and any(one["failed_delivery_attempts"] for one in listed)
    web_servers.lighttpd_spawned(second)
    # the clock of the first, not the test, waits for the next attempts
    first.sql("update ledger.state set clock_offset = '2 hours'")
    wait_until_equal(first, second)


def test_rotation_loses_nothing(two):
    first, second = two
    tell(first, 30)
    new = json.loads(first.hookledger("subscription", "rotate", first.number, "--json").stdout)["secret"]
    # signed with the new one now, which the second does not know yet: refused, and tried again
    tell(first, 30, seed=2)
    second.hookledger("endpoint", "rotate", second.endpoint["endpoint_id"], "--secret-file", "-", stdin=new)
    first.sql("update ledger.state set clock_offset = '2 hours'")
    wait_until_equal(first, second)
    assert "0 invalid" in second.hookledger("verify").stdout


def test_disabled_means_nothing_enabled_means_from_now_on(two):
    first, second = two
    assert first.client.call("PATCH", first.where, {"enabled": False}).status == 200
    tell(first, 30)
    assert first.client.call("PATCH", first.where, {"enabled": True}).status == 200
    before = set(events(first))
    tell(first, 30, seed=2, start="2026-08-01T00:00:00Z")
    wanted = set(events(first)) - before
    wait_for(lambda: wanted <= set(events(second)), "the events since then", 60)
    assert set(events(second)) == wanted


def test_the_quota_ends_and_begins_anew(two):
    first, _ = two
    number = json.loads(first.hookledger("organization", "list", "--json").stdout)["organizations"][0]["organization_id"]
    first.hookledger("organization", "set", number, "--requests", 4)
    statuses = [first.client.get(f"{BASE}/limits/{WORKSPACE}").status for _ in range(5)]
    assert statuses == [200, 200, 200, 402, 402], "the creation was the first of four"
    first.sql("update ledger.state set clock_offset = '61 minutes'")
    assert first.client.get(f"{BASE}/limits/{WORKSPACE}").status == 200


def test_an_event_that_comes_back_is_the_same_event(two):
    """Subscribed to each other: nothing goes in circles."""
    first, second = two
    second.write_conf(allowed_networks="127.0.0.1")
    second.end(second.web)
    web_servers.lighttpd_spawned(second)
    set_up(second)
    start_courier(second)
    back = account(second).subscribe(first.endpoint["callback_url"], "the first", [("*", "*")],
                                     secret=first.endpoint["secret"])
    assert back.status == 200 and back.json()["validated_at"]
    tell(first, 50)
    wait_until_equal(first, second)
    count = len(events(first))
    wait_for(lambda: second.sql("select count(*) from ledger.delivery where state = 'delivered'")[0][0] == count,
             "the second to have sent all back")
    wait_for(lambda: first.counter("duplicate") == count, "the first to have known all")
    assert len(events(first)) == count
    assert first.sql("select count(*) from ledger.delivery") == [(count,)]
