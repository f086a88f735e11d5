# SPDX-License-Identifier: ISC
"""Proof of life: Toggl is asked for a ping when no events come; a finding says which part of the way is broken."""
import json

import pytest

from installation import WORKSPACE, wait_for
from toggl_server import connect, later

pytestmark = pytest.mark.plain


@pytest.fixture
def subscribed(us, toggl):
    us.write_conf(toggl_prove_hours="6")
    connect(us, toggl.token, "--no-load")
    return us


def go_on(us):
    """What the courier does by itself, without checks of the subscriptions."""
    us.hookledger("toggl", "continue", check=False)


def proof(us):
    return us.sql("select state from ledger.proof")


def findings(us):
    return [one for one in json.loads(us.hookledger("doctor", "--json", check=False).stdout)["checks"] if "ping" in json.dumps(one)]


def ask(us, hours=7):
    """Hours later, by the database's clock."""
    later(us, hours * 60)
    go_on(us)


def test_the_ping_arrives(subscribed, toggl):
    us = subscribed
    go_on(us)
    assert proof(us) == [], "events and the validation are younger than six hours"
    ask(us)
    assert proof(us) == [("asked",)]
    wait_for(lambda: (go_on(us), proof(us) == [("proved",)])[1], "the ping to be counted", 20)
    (alive,) = us.sql("select last_ping_at is not null and is_proved from toggl.freshness")
    assert alive == (True,)
    shown = us.sql("select ledger.metrics_arriving(ledger.clock())")[0][0]
    assert 'hookledger_ping_missing{subscription="1"} 0' in shown and "hookledger_last_ping_age_seconds" in shown
    count = toggl.used()
    go_on(us)
    assert toggl.used() == count, "not asked again"


def test_nothing_is_asked_while_events_come(subscribed):
    us = subscribed
    us.sql("update ledger.state set clock_offset = '7 hours'")
    us.sql("update ledger.call_baseline set last_at = clock_timestamp() + interval '6 hours'")
    us.sql("insert into ledger.call_baseline (endpoint_id, first_at, last_at) select endpoint_id, clock_timestamp(), "
           "clock_timestamp() + interval '6 hours' from ledger.toggl_subscription on conflict do nothing")
    go_on(us)
    assert proof(us) == []


def test_never_with_zero_hours(subscribed):
    us = subscribed
    us.write_conf(toggl_prove_hours="0")
    ask(us, 100)
    assert proof(us) == []


def test_sent_and_nothing_came(subscribed, toggl):
    us = subscribed
    # Toggl's requests end at an address of nobody
    toggl.site.sql("update ledger.subscription set url_callback = 'http://127.0.0.1:9/hook/x'")
    us.write_conf(toggl_repair="no", toggl_check_hours="0")
    ask(us)
    state = proof(us)
    later(us, 2)
    go_on(us)
    assert proof(us) in ([("lost",)], [("refused",)]), state
    assert findings(us)


def test_it_came_and_was_refused(subscribed, toggl):
    us = subscribed
    us.write_conf(toggl_repair="no", toggl_check_hours="0")
    us.sql("update ledger.proof set state = 'asked'")
    (endpoint,) = us.sql("select endpoint_id from ledger.toggl_subscription")[0]
    us.sql(f"insert into ledger.proof (workspace_id, subscription_id, asked_at, state, detail) select {WORKSPACE}, subscription_id, "
           "ledger.clock(), 'asked', jsonb_build_object('since', clock_timestamp(), 'counted', ledger.calls_counted(endpoint_id, clock_timestamp())) "
           "from ledger.toggl_subscription")
    address = us.sql("select address from ledger.endpoint where endpoint_id = %s", endpoint)[0][0]
    bad = us.send(us.event(), address=address, secret="not the secret")
    assert bad.status == 401
    wait_for(lambda: us.sql("select sum(count) from ledger.receiver_counter where reason = 'signature'")[0][0], "the refusal to be counted", 20)
    later(us, 2)
    go_on(us)
    assert proof(us) == [("rejected",)]
    assert "signature" in json.dumps(findings(us))
