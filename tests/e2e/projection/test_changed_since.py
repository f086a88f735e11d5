# SPDX-License-Identifier: ISC
"""Copies of the tables that other systems keep by toggl.changed_since(), while
several transactions record at once."""
import json
import random
import threading

import pytest

from installation import WORKSPACE

# What is tried here is SQL; the sanitizers have nothing to see in it.
pytestmark = pytest.mark.plain

APPEND = """select receiver.append(
  array_fill(1::bigint, array[n]), array_fill(1::bigint, array[n]), array_fill(%(workspace)s::bigint, array[n]), %(events)s::bigint[],
  %(created)s::timestamptz[], array_fill(now(), array[n]), array_fill(5::bigint, array[n]), %(entities)s::bigint[],
  array_fill('project'::text, array[n]), %(actions)s::text[], array_fill('\\xab'::bytea, array[n]), %(bodies)s::json[], 'webhook')
  from cardinality(%(events)s::bigint[]) n"""


def append(db, *rows):
    """Records (event, second, entity, action, payload) in one call."""
    # in one order, so that two batches never deadlock
    events, seconds, entities, actions, payloads = zip(*sorted(rows, key=lambda one: one[:2]), strict=True)
    db.execute(APPEND, {
        "workspace": WORKSPACE, "events": list(events), "entities": list(entities), "actions": list(actions),
        "created": [f"2026-07-17T11:{second // 60:02}:{second % 60:02}Z" for second in seconds],
        "bodies": [json.dumps({"metadata": {}, "payload": payload}) for payload in payloads]})


def named(name):
    return {"name": name}


class Copy:
    """What a system of somebody else does."""

    def __init__(self, site):
        self.db = site.cluster.connect(site.database)
        self.cursor, self.rows, self.restarts = None, {}, 0

    def page(self, most=1000):
        """Takes a page in; how many rows it had."""
        rows = self.db.execute("select * from toggl.changed_since('project', %s, %s)", (self.cursor, most)).fetchall()
        if rows and rows[0][1]:
            self.rows, self.restarts = {}, self.restarts + 1
        entities = [row[3] for row in rows]
        assert len(set(entities)) == len(entities), "an entity twice in a page"
        for cursor, _, _, entity, _, _, row in rows:
            self.rows[entity], self.cursor = row, cursor
        return len(rows)

    def catch_up(self, most=1000):
        while self.page(most) == most:
            pass


@pytest.fixture
def copy(site):
    one = Copy(site)
    yield one
    one.db.close()


def table(site):
    with site.cluster.connect(site.database) as db:
        db.execute("set timezone = 'UTC'")
        return dict(db.execute("select project_id, to_jsonb(p) from toggl.project p").fetchall())


def test_what_commits_late_is_not_skipped(site, copy):
    with site.cluster.connect(site.database) as slow, site.cluster.connect(site.database) as quick:
        slow.autocommit = False
        append(slow, (1, 0, 10, "created", named("slow")))
        append(quick, (2, 0, 20, "created", named("quick")))
        order = slow.execute("select pg_current_xact_id()::text::bigint < (select max(txid::text::bigint) from ledger.event)").fetchone()
        assert order[0], "the slow one has the lower number"
        assert copy.page() == 0, "no row is given that may not be complete"
        slow.commit()
    copy.catch_up()
    assert {row["name"] for row in copy.rows.values()} == {"slow", "quick"}


def test_what_is_rolled_back_is_not_told(site, copy):
    with site.cluster.connect(site.database) as slow:
        slow.autocommit = False
        append(slow, (1, 0, 10, "created", named("never")))
        slow.rollback()
    assert copy.page() == 0


def write(site, seed, trouble):
    """Random changes of a few entities in transactions of random size."""
    rng = random.Random(seed)
    try:
        with site.cluster.connect(site.database) as db:
            db.autocommit = False
            for number in range(120):
                # An entity a transaction, so that two never wait for each other
                # for each other over several calls.
                entity = rng.randrange(1, 25)
                for call in range(rng.randrange(1, 4)):
                    event = seed * 100000 + number * 10 + call
                    payload = rng.choice([None, {"id": entity}, named(f"{event}"), named(f"{event}"), named("same")])
                    action = rng.choice(["updated", "updated", "deleted"]) if payload and "name" in payload else "deleted"
                    append(db, (event, rng.randrange(3000), entity, action, payload))
                if rng.random() < 0.1:
                    db.rollback()
                else:
                    db.commit()
    except Exception as error:	# pylint: disable=broad-except
        trouble.append(error)


@pytest.mark.parametrize("most", [1, 7, 1000])
def test_a_copy_equals_the_table(site, copy, most):
    trouble = []
    writers = [threading.Thread(target=write, args=(site, seed, trouble)) for seed in range(1, 5)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        copy.page(most)
    for writer in writers:
        writer.join()
    assert not trouble
    copy.catch_up(most)
    assert copy.rows == table(site)
    assert copy.restarts == 1
    assert len(copy.rows) == 24

    anew = Copy(site)
    anew.catch_up(most)
    assert anew.rows == copy.rows, "a load from the beginning gives the same"
    anew.db.close()


def test_a_restored_database_starts_the_load_anew(site, copy):
    with site.cluster.connect(site.database) as db:
        for number in range(1, 8):
            append(db, (number, 0, number, "created", named(f"{number}")))
        copy.catch_up(3)
        # As a backup would have it: the last two are lost.
        db.execute("delete from ledger.event where event_id > 5")
        db.execute("delete from toggl.project where project_id > 5")
        site.hookledger("restored")
        append(db, (9, 0, 9, "created", named("9")))
    copy.catch_up(3)
    assert copy.restarts == 2
    assert copy.rows == table(site)
    assert sorted(copy.rows) == [1, 2, 3, 4, 5, 9]
    copy.catch_up(3)
    assert copy.restarts == 2, "and only once"
