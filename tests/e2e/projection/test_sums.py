# SPDX-License-Identifier: ISC
"""All sums of time agree with each other, for entries of any kind: those in Toggl's own answers,
and worse ones. Each example is recorded by receiver.append(), queried, and rolled back."""
import datetime
import json
import os

import hypothesis
import pytest

from hypothesis import strategies as st

import projection_model
from installation import WORKSPACE

pytestmark = pytest.mark.plain

EXAMPLES = int(os.environ.get("HL_SUMS_EXAMPLES", "60"))
SETTINGS = {"max_examples": EXAMPLES, "deadline": None, "database": None, "derandomize": "HL_SUMS_EXAMPLES" not in os.environ,
            "print_blob": True, "suppress_health_check": list(hypothesis.HealthCheck)}
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe", "America/Sao_Paulo")
# Days when clocks change or a day is left out, and the ends of time.
DAYS = ("2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2011-12-30", "2026-04-05", "2018-11-04", "2024-02-29", "2026-05-31", "1970-01-01")


def moment(day, seconds):
    return (datetime.datetime.fromisoformat(day) + datetime.timedelta(seconds=seconds)).isoformat(timespec="microseconds") + "Z"


near = st.builds(moment, st.sampled_from(DAYS), st.one_of(st.integers(-200000, 200000), st.floats(-90000, 90000, allow_nan=False)))
odd = st.sampled_from([None, "", "soon", "infinity", "-infinity", 5, [], {}, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2999-01-01T00:00:00Z"])
seconds = st.one_of(st.none(), st.integers(0, 400000), st.integers(-2**63, 2**63 - 1), st.integers(0, 400000).map(str),
                    st.sampled_from([0, -1, -260, -1777975200, 60.5, "soon", 2**63, [], True]))
entry = st.fixed_dictionaries({}, optional={
    "start": st.one_of(near, near, near, odd), "stop": st.one_of(near, near, odd), "duration": seconds, "billable": st.booleans(),
    "project_id": st.integers(1, 2), "user_id": st.integers(1, 2)})
TELL = """select receiver.append(array_fill(1::bigint, array[n]), array_fill(1::bigint, array[n]), array_fill(null::bigint, array[n]),
    array_agg(i), array_fill('2026-06-01Z'::timestamptz, array[n]), array_fill(now(), array[n]), array_fill(5::bigint, array[n]), array_agg(i),
    array_fill('time_entry'::text, array[n]), array_fill('updated'::text, array[n]), array_fill('\\x00'::bytea, array[n]),
    array_agg(format('{"payload":%%s}', p)::json), 'webhook')
  from (select p, i, count(*) over ()::int as n from unnest(%s::text[]) with ordinality u (p, i)) u group by n"""


def lasts(payload):
    """What a row of truth says of this payload: (start, seconds or None)."""
    row = projection_model.rows_after([projection_model.Event(WORKSPACE, 1, 0, None, 1, "time_entry", "updated", json.dumps({"payload": payload}))])[0]["time_entry", (WORKSPACE, 1)]
    return row["start_at"], row["duration_seconds"]


def ask(db, query, *values):
    return db.execute(query, values).fetchall()


def of_all_time(db, function):
    return sum(n for n, in ask(db, f"select seconds from toggl.{function}('-infinity', 'infinity', bucket => 'total')"))


def test_everything_adds_up(bare_site):
    @hypothesis.settings(**SETTINGS)
    @hypothesis.given(st.lists(entry, min_size=1, max_size=6), st.sampled_from(ZONES), st.integers(1, 7), near.map(lambda text: text[:10]), st.integers(1, 60))
    def check(entries, zone, week_start, day, days):
        db.execute("begin")
        try:
            db.execute(TELL, ([json.dumps(each) for each in entries],))
            rule = [lasts(each) for each in entries]
            wanted = sum(length or 0 for start, length in rule if start is not None)
            # one rule
            for relation in ("time_entry", "time_entries", "time_entries_as_of('2026-07-01Z')"):
                assert [n for n, in ask(db, f"select duration_seconds from toggl.{relation} order by time_entry_id")] == [length for _, length in rule], relation
            for function in ("tracked", "hours", "hours_by_project", "hours_by_client", "hours_by_user", "hours_by_tag", "amounts"):
                assert of_all_time(db, function) == wanted, function
            frozen, = ask(db, "select seconds from operator.invoice_freeze('x', '0001-01-01', '9999-12-31', 'UTC', null, null, null)")
            assert frozen[0] == sum(length or 0 for start, length in rule if start is not None and start < 253402214400000000)
            assert ask(db, "select seconds_now - seconds from toggl.invoice") == [(0,)]
            assert ask(db, "select count(*) from toggl.running") == [(sum(length is None for _, length in rule),)]
            # a range is the sum of what it is divided into, and no part is below zero
            until = (datetime.date.fromisoformat(day) + datetime.timedelta(days=days)).isoformat()
            total = None
            for bucket in ("total", "day", "week", "month", "quarter", "year"):
                parts = ask(db, """select bucket_start, seconds from toggl.hours(%s::date, %s::date, %s, %s, running_until => '2026-11-01T10:00Z', week_start => %s)""",
                            day, until, zone, bucket, week_start)
                assert all(n > 0 for _, n in parts)
                total = sum(n for _, n in parts) if total is None else total
                assert sum(n for _, n in parts) == total, bucket
                if bucket == "week":
                    assert all(start.isoweekday() == week_start for start, _ in parts)
            # and of two ranges beside each other, which end and begin nowhere too
            halves = [sum(n for n, in ask(db, "select seconds from toggl.tracked(%s::date, %s::date, %s, 'total')", *half, zone))
                      for half in (("-infinity", day), (day, until), (until, "infinity"))]
            assert sum(halves) == wanted
        finally:
            db.execute("rollback")

    with bare_site.cluster.connect(bare_site.database) as db:
        db.execute("insert into ledger.endpoint (endpoint_id, address, name, workspace_id) overriding system value values (1, 'address_of_the_first_1', 'x', %s)", (WORKSPACE,))
        db.execute("insert into ledger.endpoint_secret (secret_id, endpoint_id, sealed) overriding system value values (1, 1, '')")
        check()


def test_a_report_reads_the_index_alone(bare_site):
    with bare_site.cluster.connect(bare_site.database) as db:
        db.execute("""insert into toggl.time_entry (workspace_id, time_entry_id, user_id, project_id, billable, start_at, stop_at,
                      duration_seconds, changed_at, changed_event_id, payload_at, payload_event_id, payload)
                      select 1, n, n % 3, n % 5, n % 2 = 0, at, at + interval '1 minute', 60, at, n, at, n, jsonb_build_object('text', repeat('x', 600))
                      from (select n, timestamptz '2026-01-01' + n * interval '1 hour' as at from generate_series(1, 5000) n) e""")
        db.execute("vacuum (analyze) toggl.time_entry")
        for question, wanted in (("hours_by_project('2026-02-01', '2026-03-01')", 672 * 60), ("hours_by_user('2026-01-01', '2027-01-01')", 5000 * 60),
                                 ("hours('2026-02-01', '2026-03-01', 'Asia/Tokyo', 'day')", 672 * 60)):
            with db.transaction():
                assert ask(db, f"select sum(seconds) from toggl.{question}") == [(wanted,)]
                assert ask(db, "select seq_scan, idx_tup_fetch from pg_stat_xact_user_tables where relid = 'toggl.time_entry'::regclass") == [(0, 0)], question
