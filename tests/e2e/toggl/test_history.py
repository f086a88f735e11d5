# SPDX-License-Identifier: ISC
"""History: the time entries from before the callbacks, loaded from another hookledger that plays Toggl."""
import json

import pytest

from installation import WORKSPACE, wait_for
from toggl_server import connect, later

pytestmark = pytest.mark.plain

# what Reports does not have, or what names the event
OTHER = ("changed_at,changed_event_id,changed_by,payload,payload_at,payload_event_id,lifecycle_at,lifecycle_event_id,gone_at,"
         "source,expense_ids,shared_with,permissions")


def fill(toggl, events=300, start="2026-05-01T00:00:00Z", seed=3):
    site = toggl.site
    if not getattr(site, "endpoint", None):
        site.add_endpoint()
    site.hookledger("simulate", "--into-database", "--events", events, "--workspace", WORKSPACE, "--seed", seed, "--start", start,
                    "--people", 5)


def entries(site, running=False):
    return site.sql(f"select jsonb_strip_nulls(to_jsonb(t) - '{{{OTHER}}}'::text[] - 'updated_at') || jsonb_build_object("
                    f"'tag_ids', coalesce(t.tag_ids, '{{}}'), 'tags', coalesce(t.tags, '{{}}')) from toggl.time_entry t where deleted_at is null"
                    f" and (duration_seconds is not null or {running}) order by time_entry_id")


def ready(us, toggl, **more):
    fill(toggl, **more)
    connect(us, toggl.token, "--no-subscription", "--no-load")
    us.hookledger("toggl", "load")


def load(us, *more, check=True):
    return us.hookledger("history", "load", "--from", "2025-11-01", "--yes", *more, check=check)


def test_plan_then_load(us, toggl):
    ready(us, toggl)
    before = toggl.used()
    plan = us.hookledger("history", "plan", "--from", "2025-11-01").stdout
    assert "within this hour's quota" in plan and "since 2025-11-01" in plan, plan
    assert toggl.used()[1] == before[1] + 2 and not us.sql("select from ledger.event where model = 'time_entry'")
    said = load(us).stdout
    assert entries(us) and entries(us) == entries(toggl.site), said
    assert "differ" not in said and "could not" not in said, said
    assert us.sql("select distinct source from ledger.event where model = 'time_entry'") == [("backfill",)]
    assert us.sql("select distinct state from ledger.completeness") == [("equal",)]
    # those of the last 90 days of the token's owner are whole, all others from the report; the API does not tell
    assert us.sql("select distinct source from toggl.time_entry") == [("reports",)]
    assert us.sql("select from toggl.time_entry where ledger.published('time_entry', payload) ? 'hookledger_source'") == []
    windows = json.loads(us.hookledger("history", "list", "--json").stdout)["windows"]
    assert windows[-1]["from"] == "2025-11-01" and windows[-1]["until"] == "2025-12-31" and all(one["loaded_at"] for one in windows)
    assert "0 invalid" in us.hookledger("verify").stdout
    # twice changes nothing
    count = us.sql("select count(*) from ledger.event")
    us.sql("delete from ledger.history_window")
    load(us)
    assert us.sql("select count(*) from ledger.event") == count


def test_nothing_is_loaded_without_yes(us, toggl):
    ready(us, toggl, events=40)
    refused = us.hookledger("history", "load", "--from", "2026-04-01", stdin="", check=False)
    assert refused.returncode == 1 and "--yes" in refused.stderr and "About" in refused.stdout
    assert not us.sql("select from ledger.event where model = 'time_entry'")


@pytest.mark.parametrize("arguments, words", [
    ((), "--from 2024-01-01"), (("--from", "yesterday"), "a day looks like"), (("--from", "2026-02-30"), "a day looks like"),
    (("--from", "2999-01-01"), "in the future"), (("--from", "2026-01-01", "--workspace", 5), "no connected Toggl user"),
])
def test_bad_input(us, toggl, arguments, words):
    connect(us, toggl.token, "--no-subscription", "--no-load")
    used = toggl.used()
    refused = us.hookledger("history", "plan", *arguments, check=False)
    assert refused.returncode == 1 and words in refused.stderr, refused.stderr
    assert toggl.used() == used


def test_the_quota_ends_and_the_load_goes_on(us, toggl):
    ready(us, toggl, events=400)
    us.sql(f"insert into ledger.toggl_probe values ({WORKSPACE}, 'page_size', '50')")
    toggl.limit(toggl.used()[1] + 3)
    waits = load(us, check=False)
    assert "starts again at" in waits.stderr, waits.stderr
    kept = us.sql("select count(*) from ledger.event where model = 'time_entry'")[0][0]
    toggl.limit(1000)
    for site in (us, toggl.site):
        later(site)
    us.hookledger("toggl", "continue")
    assert entries(us) == entries(toggl.site)
    # a page was fetched once only
    requests, loaded = us.sql("select sum(requests), sum(entries) from ledger.history_window")[0]
    assert loaded == len(entries(us)) + 0 * requests and kept <= loaded


def test_a_callback_wins(us, toggl):
    """In both orders: before and after the load, with the same `at`."""
    ready(us, toggl, events=60)
    us.add_endpoint()
    first, second = toggl.site.sql("select payload, time_entry_id from toggl.time_entry where deleted_at is null and "
                                   "duration_seconds is not null order by start_at limit 2")
    def callback(payload, number):
        body = us.event(model="time_entry", payload={**payload, "description": f"by callback {number}"}, action="updated",
                        created_at=payload["at"].replace("+00:00", "Z"))
        assert us.send(body).status == 200
    callback(first[0], 1)
    load(us)
    callback(second[0], 2)
    rows = dict(us.sql("select time_entry_id, description from toggl.time_entry where time_entry_id in (%s, %s)", first[1], second[1]))
    assert rows == {first[1]: "by callback 1", second[1]: "by callback 2"}
