# SPDX-License-Identifier: ISC
"""Ranges of time in which callbacks may be missing are noted by themselves, shown, compared with Toggl and closed."""
import json

import pytest

from installation import WORKSPACE, wait_for
from toggl_server import connect, later

pytestmark = pytest.mark.plain

ADA = 9000001


@pytest.fixture
def toggl(us, toggl):
    toggl.site.add_endpoint()
    tell(toggl.site, 401, {"user_id": ADA, "name": "Ada", "timezone": "Etc/UTC"}, "workspace_user")
    connect(us, toggl.token, "--no-load")
    us.write_conf(toggl_check_hours="1")
    check(us)
    return toggl


def tell(site, number, payload, model="time_entry"):
    """An event at the site that plays Toggl. Nothing delivers it: what is made here is missing at ours."""
    stamp = site.sql("select to_char(ledger.clock() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")[0][0]
    body = site.event(model=model, action="created", created_at=stamp, event_id=number,
                      payload={**payload, "id": number, "workspace_id": WORKSPACE, "at": stamp[:19] + "Z"})
    assert site.send(body).status == 200


def lose_an_entry(toggl, number=1):
    """Made at Toggl a moment ago; its callback does not come."""
    start = toggl.site.sql("select to_char((ledger.clock() - interval '1 minute') at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")[0][0]
    tell(toggl.site, number, {"user_id": ADA, "start": start, "duration": 30, "description": "lost"})


def check(us):
    return us.hookledger("toggl", "check", check=False)


def evaluate(us):
    us.sql("select ledger.evaluate('')")


def gaps(us):
    return us.sql("select reason, closed_at is not null, filled from ledger.repair_range order by repair_id")


def findings(us):
    return [one for one in json.loads(us.hookledger("findings", "--json", check=False).stdout)["findings"] if one["kind"] == "gap"]


def repair(us):
    us.hookledger("toggl", "continue")


def entries(us):
    return us.sql("select count(*) from toggl.time_entry where deleted_at is null")[0][0]


def test_disabled_and_repaired(us, toggl):
    us.write_conf(toggl_repair="no")
    lose_an_entry(toggl)
    toggl.site.sql("update ledger.subscription set enabled = false")
    check(us)
    assert gaps(us) == [], "it goes on"
    assert us.sql("select count(*) from ledger.toggl_subscription where broken_since is not null") == [(1,)]
    us.hookledger("toggl", "repair")
    assert gaps(us) == [("disabled", False, None)]
    evaluate(us)
    (one,) = findings(us)
    said = json.dumps(one)
    assert "may be missing" in said and "the subscription did not deliver" in said and "hookledger toggl continue" in said
    repair(us)
    assert gaps(us) == [("disabled", True, 1)] and entries(us) == 1
    assert findings(us) == []
    repair(us)
    check(us)
    assert len(gaps(us)) == 1, "noted once"


def test_the_end_says_what_was_filled(us, toggl):
    us.hookledger("alert", "add", "mail", "ada@example.org")
    lose_an_entry(toggl)
    us.sql("select ledger.repair_gap(%s, ledger.clock() - interval '1 hour', ledger.clock(), 'silence')", WORKSPACE)
    evaluate(us)
    repair(us)
    evaluate(us)
    later(us, 6)
    evaluate(us)
    said = us.sql("select c.value from ledger.alert_message m, jsonb_array_elements(m.content -> 'changes') c where c.value ->> 'kind' = 'gap' "
                  "order by m.message_id")
    assert [one["change"] for one, in said] == ["new", "over"]
    assert said[1][0]["message"]["code"] == "finding.gap_closed" and said[1][0]["message"]["count"] == 1


def test_gone_and_made_again(us, toggl):
    toggl.site.sql("update ledger.subscription set deleted_at = ledger.clock(), enabled = false")
    lose_an_entry(toggl)
    check(us)
    assert len([one for one in toggl.subscriptions() if one[4]]) == 1, "toggl_repair makes it again"
    assert [one[0] for one in gaps(us)] == ["disabled"]
    repair(us)
    assert gaps(us) == [("disabled", True, 1)] and entries(us) == 1


def test_a_new_subscription_has_no_gap(us, toggl):
    assert gaps(us) == []
    later(us)
    check(us)
    assert gaps(us) == []


def test_a_silence_that_is_over(us, toggl):
    (endpoint,) = us.sql("select endpoint_id from ledger.toggl_subscription")[0]
    us.sql("insert into ledger.finding (kind, subject, level, message, link, since, found_at) values ('silence', 'endpoint ' || %s, "
           "'warning', '{\"code\": \"finding.silence\"}', '', ledger.clock() - interval '5 hours', ledger.clock() - interval '1 hour')", endpoint)
    evaluate(us)
    assert us.sql("select reason, until_at - from_at > interval '299 minutes' from ledger.repair_range") == [("silence", True)]
    evaluate(us)
    assert len(gaps(us)) == 1


def test_an_endpoint_without_a_secret(us, toggl):
    secrets = us.sql("update ledger.endpoint_secret set revoked_at = clock_timestamp() returning secret_id")
    evaluate(us)
    us.sql("update ledger.endpoint_secret set revoked_at = null where secret_id = any (%s)", [one for one, in secrets])
    evaluate(us)
    assert gaps(us) == [("refused", False, None)]


def test_callbacks_that_nothing_took(us, toggl):
    us.sql("insert into ledger.receiver_counter (minute, endpoint_id, reason, count) values (date_trunc('minute', ledger.clock()), 0, 'unavailable', 3)")
    evaluate(us)
    assert gaps(us) == []
    later(us)
    evaluate(us)
    assert gaps(us) == [("refused", False, None)]


def test_a_spool_that_lost_records(us, toggl):
    us.sql("select ledger.host_seen('here', 'courier', '1', 0, 0, 1000, 2, null, 0, 60)")
    evaluate(us)
    evaluate(us)
    assert us.sql("select reason, until_at - from_at from ledger.repair_range")[0][0] == "spool" and len(gaps(us)) == 1


def test_a_ping_that_does_not_come(us, toggl):
    us.write_conf(toggl_prove_hours="6", toggl_repair="no", toggl_check_hours="0")
    us.sql("insert into ledger.proof (workspace_id, subscription_id, arrived_at, state) select workspace_id, subscription_id, "
           "ledger.clock(), 'proved' from ledger.toggl_subscription")
    url = toggl.site.sql("update ledger.subscription set url_callback = 'http://127.0.0.1:9/hook/x' returning url_callback")
    assert url
    later(us, 7 * 60)
    repair(us)
    later(us, 2)
    repair(us)
    assert us.sql("select state in ('lost', 'refused') and failed_since is not null from ledger.proof") == [(True,)]
    was = [one[0] for one in gaps(us)]
    address = us.sql("select url from ledger.toggl_subscription")[0][0]
    toggl.site.sql("update ledger.subscription set url_callback = %s", address)
    lose_an_entry(toggl)
    later(us, 7 * 60)
    repair(us)
    wait_for(lambda: (repair(us), us.sql("select state from ledger.proof") == [("proved",)])[1], "the ping to be counted", 20)
    repair(us)
    assert us.sql("select failed_since from ledger.proof") == [(None,)]
    assert gaps(us)[-1] == ("silence", True, 1) and len(gaps(us)) == len(was) + 1 and entries(us) == 1


def test_a_restored_database(us, toggl):
    us.add_endpoint()
    assert us.send(us.event(created_at="2026-07-01T10:00:00Z")).status == 200
    us.sql("update ledger.event set received_at = ledger.clock() - interval '3 hours'")
    assert "compared with Toggl" in us.hookledger("restored").stdout
    assert us.sql("select reason, until_at - from_at between '179 minutes' and '190 minutes' from ledger.repair_range") == [("restored", True)]


def test_nobody_is_connected(us):
    us.sql("select ledger.repair_gap(%s, now() - interval '1 hour', now(), 'silence')", WORKSPACE)
    assert gaps(us) == []


def test_without_the_right(us, toggl):
    us.sql("update ledger.toggl_workspace set is_admin = false")
    us.sql("select ledger.repair_gap(%s, ledger.clock() - interval '1 hour', ledger.clock(), 'silence')", WORKSPACE)
    (one,) = findings(us)
    assert "administrator" in one["todo"]


def test_health_has_the_last_sign_of_life(us, toggl):
    assert json.loads(us.sql("select body from admin.health()")[0][0])["alive_at"] is None
    us.sql("insert into ledger.proof (workspace_id, subscription_id, arrived_at, state) select workspace_id, subscription_id, "
           "'2026-07-01T10:00:00Z', 'proved' from ledger.toggl_subscription")
    assert json.loads(us.sql("select body from admin.health()")[0][0])["alive_at"] == "2026-07-01T10:00:00Z"
