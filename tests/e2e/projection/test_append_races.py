# SPDX-License-Identifier: ISC
"""Two at once in the database, where one transaction sees the other half done."""
import threading

import psycopg
import pytest

from installation import WORKSPACE, wait_for

pytestmark = pytest.mark.plain

APPEND = """select receiver.append(
  array_agg(%(endpoint)s::bigint), array_agg(%(secret)s::bigint), array_agg(%(workspace)s::bigint), array_agg(e),
  array_agg('2026-07-17T11:43:32Z'::timestamptz), array_agg(now()), array_agg(null::bigint), array_agg(null::bigint), array_agg('tag'::text),
  array_agg('created'::text), array_agg('\\xab'::bytea), array_agg('{}'::json), 'webhook') from unnest(%(events)s::bigint[]) e"""


class Second(threading.Thread):
    """A statement in a connection of its own, which another one holds up."""

    def __init__(self, site, text, values):
        super().__init__()
        self.connection = site.cluster.connect(site.database)
        self.text, self.values, self.row, self.error = text, values, None, None

    def run(self):
        try:
            self.row = self.connection.execute(self.text, self.values).fetchone()
            self.connection.commit()
        except psycopg.Error as error:
            self.error = error
        finally:
            self.connection.close()

    def start_and_block(self, site):
        pid = self.connection.info.backend_pid
        self.start()
        wait_for(lambda: site.sql("select cardinality(pg_blocking_pids(%s)) > 0", pid)[0][0], "the second waits for the first")


def values(events, workspace=WORKSPACE, endpoint=1, secret=1):
    return {"events": events, "workspace": workspace, "endpoint": endpoint, "secret": secret}


@pytest.fixture
def open_site(bare_site):
    """A site with an endpoint whose workspace the first event fixes."""
    bare_site.hookledger("endpoint", "add")
    return bare_site


@pytest.mark.parametrize("workspace, verdict, events", [(WORKSPACE, "", [1, 2, 3]), (WORKSPACE + 1, "ww", [1])])
def test_two_first_events_at_once(open_site, workspace, verdict, events):
    """Both workers find an endpoint without a workspace; whoever is second must
    record its events too, or say that they are of another workspace: never
    call duplicate what is not there."""
    with open_site.cluster.connect(open_site.database) as first:
        first.autocommit = False
        first.execute(APPEND, values([1]))
        second = Second(open_site, APPEND, values([2, 3], workspace))
        second.start_and_block(open_site)
        first.commit()
    second.join()
    assert second.error is None
    assert second.row[0].replace("r", "") == verdict
    assert [row[0] for row in open_site.sql("select event_id from ledger.event order by 1")] == events


def test_the_same_event_at_once(open_site):
    """The second waits, and its event is a duplicate only once it is recorded."""
    open_site.sql("update ledger.endpoint set workspace_id = %s", WORKSPACE)
    with open_site.cluster.connect(open_site.database) as first:
        first.autocommit = False
        first.execute(APPEND, values([1]))
        second = Second(open_site, APPEND, values([1, 2]))
        second.start_and_block(open_site)
        first.commit()
    second.join()
    assert second.row[0] == "dr"


def test_the_same_event_and_the_first_fails(open_site):
    open_site.sql("update ledger.endpoint set workspace_id = %s", WORKSPACE)
    with open_site.cluster.connect(open_site.database) as first:
        first.autocommit = False
        first.execute(APPEND, values([1]))
        second = Second(open_site, APPEND, values([1]))
        second.start_and_block(open_site)
        first.rollback()
    second.join()
    assert second.row[0] == ""
    assert open_site.recorded() and open_site.sql("select count(*) from ledger.event")[0][0] == 1


def test_tail_does_not_skip_what_is_committed_late(open_site):
    """A transaction that began first and commits last: its events come before
    those of the other, so a reader waits for it."""
    open_site.sql("update ledger.endpoint set workspace_id = %s", WORKSPACE)
    read = "select event_id from operator.event_read(null, null, 10, 1000, null, null, null, null, null, null, null)"
    with open_site.cluster.connect(open_site.database) as late:
        late.autocommit = False
        late.execute(APPEND, values([1]))
        with open_site.cluster.connect(open_site.database) as early:
            early.execute(APPEND, values([2]))
            early.commit()
        assert open_site.sql(read) == []
        late.commit()
    assert [row[0] for row in open_site.sql(read)] == [1, 2]
