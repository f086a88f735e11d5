# SPDX-License-Identifier: ISC
"""Deliveries on the admin page: what came of each attempt, and once more."""
import pytest

import web_servers
from admin_subscribers import EAGER, XSS, actions, done, grounds, listed, refused, subscribe
from catalogue import sentence
from deliveries import event_ids, is_settled, record, run_round
from installation import WORKSPACE, Calling, wait_for
from subscriber import Subscriber

pytestmark = pytest.mark.plain


@pytest.fixture
def page_site(site):
    site.write_conf(**EAGER)
    web_servers.lighttpd_spawned(site)
    return site


def test_deliveries_and_replays(page_site, olga):
    account, _ = grounds(olga)
    one = Subscriber()
    number = subscribe(olga, account, one.url)["id"]
    one.answer = lambda request: (500, {"Content-Type": "text/html"}, XSS.encode())
    page_site.write_conf(delivery_give_up_ms="1000", delivery_failing_ms="100000000")
    events = [*record(page_site, payload={"id": 1}), *record(page_site, payload={"id": 2})]
    wait_for(lambda: run_round(page_site) and page_site.sql("select count(*) from ledger.delivery where state = 'dead'")[0][0] == 2, "both to be given up")
    seen = listed(olga, number)
    assert (seen["dead"], seen["waiting"], seen["state"]) == (2, 0, "failing") and seen["failing_since"]

    path = f"subscribers/subscriptions/{number}/deliveries"
    first = done(olga.get(path + "?limit=1"))
    second = done(olga.get(f"{path}?limit=1&after={first['next']}"))
    items = first["items"] + second["items"]
    assert [int(item["event_id"]) for item in items] == events[::-1] and second["next"] is None
    assert all(item["state"] == "dead" and item["attempts"] >= 2 and item["ended_at"] and item["last_status"] == 500 and "500" in item["last_problem"] and item["workspace_id"] == str(WORKSPACE) for item in items)
    assert [item["event"]["event_id"] for item in items] == [item["event_id"] for item in items] and items[0]["event"]["sentence_parts"]["what"] == "created"
    assert done(olga.get(path + "?state=delivered"))["items"] == [] and len(done(olga.get(path + "?state=dead"))["items"]) == 2
    for query in ("state=eaten", "after=x", "limit=0", "limit=501", "limit=x"):
        refused(olga.get(f"{path}?{query}"), 400)
    detail = done(olga.get(f"subscribers/deliveries/{items[0]['id']}"))
    assert detail["attempts"][0]["status"] == 500 and detail["attempts"][0]["took_ms"] >= 0 and detail["attempts"][0]["answer"] == XSS and detail["url"] == one.url.removesuffix("callback") + "…"
    assert detail["event_created_at"].endswith("Z") and len(detail["attempts"]) == items[0]["attempts"]

    # one, then all that was given up
    one.answer = one.prove
    assert done(olga.post(f"subscribers/deliveries/{items[1]['id']}/replay")) == {"state": "due", "words": {"code": "delivery.replayed"}}
    answer = done(olga.post(f"subscribers/subscriptions/{number}/replay", {"dead": True}))
    assert answer["replayed"] == 1 and answer["next"] is None and "never made for it" in sentence(answer["words"])
    one.got.clear()
    wait_for(lambda: run_round(page_site) and is_settled(page_site), "both to be delivered")
    assert sorted(event_ids(one)) == sorted(events)
    assert listed(olga, number)["state"] == "well"
    success = listed(olga, number)["last_success_at"]
    assert success

    # a range
    page_site.sql("update ledger.delivery set created_at = '2026-01-01T00:00:00Z' where event_id = %s", events[0])
    replay = f"subscribers/subscriptions/{number}/replay"
    assert done(olga.post(replay, {"since": "2026-01-01T00:00:00Z", "until": "2026-01-01T00:00:01Z"}))["replayed"] == 1
    assert done(olga.post(replay, {"since": "2026-01-01T01:00:00+01:00"}))["replayed"] == 1	# the other is due already
    assert listed(olga, number)["waiting"] == 2 and listed(olga, number)["last_success_at"] == success
    for body in (None, {}, {"dead": False}, {"since": "yesterday"}, {"since": "2026-02-30T00:00:00Z"}, {"since": 5}, {"dead": "yes"}, {"all": True},
                 {"dead": True, "after": "x"}):
        refused(olga.post(replay, body), 400)

    # what is made for nobody cannot be replayed
    done(olga.call("PATCH", f"subscribers/subscriptions/{number}", {"enabled": False}))
    record(page_site, payload={"id": 3})
    run_round(page_site)
    assert page_site.sql("select count(*) from ledger.delivery")[0][0] == 2
    assert done(olga.post(f"subscribers/deliveries/{items[0]['id']}/replay"))["words"] == {"code": "delivery.replayed_waits"}
    done(olga.call("DELETE", f"subscribers/subscriptions/{number}"))
    refused(olga.post(f"subscribers/deliveries/{items[0]['id']}/replay"), 400, "deleted")
    assert [action for action in actions(page_site) if action.endswith("replay")] == ["delivery.replay"] + 3 * ["subscription.replay"] + ["delivery.replay"]
    one.close()


def test_a_long_replay_goes_on_beside_other_requests(page_site, olga, subscriber):
    account, _ = grounds(olga)
    number = subscribe(olga, account, subscriber.url)["id"]
    page_site.sql("""insert into ledger.delivery (workspace_id, subscription_id, event_id, created_at, entity_id, model, action, state, settled_at)
                     select %s, %s, n, now(), n, 'tag', 'created', 'dead', now() from generate_series(1, 5500) n""", WORKSPACE, int(number))
    replaying = Calling(olga.post, f"subscribers/subscriptions/{number}/replay", {"dead": True})
    beside = 0
    while replaying.thread.is_alive():
        done(olga.get("session"))
        beside += 1
    assert done(replaying.result())["replayed"] == 5500 and beside > 2
    assert page_site.sql("select count(*) from ledger.delivery where state = 'due'")[0][0] == 5500
    assert actions(page_site).count("subscription.replay") == 1
