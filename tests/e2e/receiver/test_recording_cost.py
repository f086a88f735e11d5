# SPDX-License-Identifier: ISC
"""What PostgreSQL does to record an event, in counters that are the same in every run: statements (those inside
functions too), bytes of WAL, and pages looked up in shared buffers. They must be within 5 % of the numbers in
tests/data/recording-cost.json. Time is measured in tests/bench.

Who changes a number on purpose writes the file again, and says why in the commit:

    HL_WRITE_COSTS=1 tests/run e2e -k recording_cost
"""
import datetime
import json
import os
import pathlib
import signal
import tempfile

import pytest

import fastcgi
from installation import SOURCE, WORKSPACE, Cluster, descendants, give, signal_all
from fixtures import finish, make_site, migrated

pytestmark = pytest.mark.plain

FILE = SOURCE / "tests/data/recording-cost.json"
TOLERANCE = 0.05
POSTGRESQL = 15	# the numbers depend on it
BATCH = 32
# of each measurement: how many transactions go before, so that plans are made and tables have grown,
# and how many are counted; a multiple of the numbers that a session takes from the sequence at a time
BEFORE, COUNTED = 64, 64
# Nothing writes but the receiver: no checkpoint, no autovacuum, no full-page image, no snapshot for a standby.
QUIET = ("fsync=off", "full_page_writes=off", "autovacuum=off", "checkpoint_timeout=1d", "max_wal_size=8GB",
         "wal_level=minimal", "max_wal_senders=0", "shared_preload_libraries=pg_stat_statements",
         "pg_stat_statements.track=all", "pg_stat_statements.max=10000")
COSTS = ("statements", "wal_bytes", "buffer_hits")


@pytest.fixture(scope="module")
def quiet_cluster(run_folder):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="q-", dir=run_folder))
    folder.chmod(0o755)
    cluster = Cluster(give(folder), *QUIET)
    yield cluster
    cluster.stop("immediate")


@pytest.fixture
def quiet_site(request, quiet_cluster, run_folder):
    """A site with a receiver of one process, whose PostgreSQL does nothing else."""
    template = migrated(quiet_cluster, run_folder / "quiet-template")
    site = make_site(request, quiet_cluster, run_folder / "quiet", template)
    site.add_endpoint()
    fastcgi.start_receiver(site)
    yield site
    finish(request, site)


class Callbacks:
    """Callbacks of time entries, a microsecond apart: each entry is created, and updated once later."""

    def __init__(self):
        self.begun = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        self.events = 0

    def body(self, entry, is_update):
        self.events += 1
        time = self.begun + datetime.timedelta(microseconds=100_000 + self.events)
        start = f"{self.begun - datetime.timedelta(hours=1):%Y-%m-%dT%H:%M:%S}Z"
        when = f"{self.begun:%Y-%m-%dT%H:%M:%S}"
        return json.dumps({
            "event_id": 8023169000000000 + self.events, "created_at": f"{time:%Y-%m-%dT%H:%M:%S.%f}Z",
            "creator_id": 9000001,
            "metadata": {"action": "updated" if is_update else "created", "event_user_id": "9000001",
                         "model": "time_entry", "model_owner_id": "9000001",
                         "path": f"/api/v9/workspaces/{WORKSPACE}/time_entries", "request_type": "POST",
                         "request_body": json.dumps({"billable": True, "description": "Écrire la spec"}),
                         "project_id": "190000042", "project_is_private": "false", "time_entry_id": str(entry),
                         "workspace_id": str(WORKSPACE)},
            "payload": {"at": f"{when}+00:00", "billable": True, "description": "Écrire la spec",
                        "duration": 3600 if is_update else -1, "duronly": True, "id": entry,
                        "project_id": 190000042, "server_deleted_at": None, "start": start,
                        "stop": f"{when}Z" if is_update else None, "tag_ids": [15000001, 15000002],
                        "tags": ["billable", "deep work"], "task_id": None, "uid": 9000001, "user_id": 9000001,
                        "wid": WORKSPACE, "workspace_id": WORKSPACE, "pid": 190000042},
            "subscription_id": 10713, "timestamp": f"{time:%Y-%m-%dT%H:%M:%S.%f}406Z",
        }, ensure_ascii=False).encode()


def send_together(site, bodies):
    """The receiver is stopped until all are there, so that it records them in one transaction."""
    pids = descendants(site.receiver.pid)
    signal_all(pids, signal.SIGSTOP)
    try:
        links = []
        for body in bodies:
            links.append(site.link())
            links[-1].sendall(fastcgi.fastcgi(site, body))
    finally:
        signal_all(pids, signal.SIGCONT)
    for link in links:
        assert fastcgi.fastcgi_status(link) == 200
        link.close()


def costs(site, record, batch):
    """The costs of one event, when record(n) records the n-th batch of so many events."""
    for n in range(BEFORE):
        record(n)
    with site.cluster.connect("postgres") as db:
        db.execute("set pg_stat_statements.track = 'none'")
        db.execute("select pg_stat_statements_reset()")
        [begun_lsn] = db.execute("select pg_current_wal_insert_lsn()").fetchone()
        for n in range(BEFORE, BEFORE + COUNTED):
            record(n)
        row = db.execute(
            "select sum(s.calls), pg_current_wal_insert_lsn() - %s::pg_lsn, "
            "sum(s.shared_blks_hit + s.shared_blks_read) filter (where s.toplevel) "
            "from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = %s",
            (begun_lsn, site.database)).fetchone()
    return {cost: round(float(value) / (COUNTED * batch), 3) for cost, value in zip(COSTS, row)}


def measure(site):
    callbacks = Callbacks()
    first_entry = 3050000000
    measured = {}
    for what, batch in (("one event", 1), (f"{BATCH} events in a batch", BATCH)):
        for action, is_update in (("created", False), ("updated", True)):
            def record(n, batch=batch, is_update=is_update, first=first_entry):
                send_together(site, [callbacks.body(first + n * batch + i, is_update) for i in range(batch)])

            measured[f"{what}, {action}"] = costs(site, record, batch)
        first_entry += (BEFORE + COUNTED) * batch
    transactions, events = site.sql("select count(distinct txid), count(*) from ledger.event")[0]
    assert (transactions, events) == (4 * (BEFORE + COUNTED), callbacks.events), "not in batches as they were sent"
    return measured


def differences(measured, wanted):
    for what, numbers in wanted.items():
        for cost, number in numbers.items():
            got = measured[what][cost]
            if abs(got - number) > TOLERANCE * number:
                yield f"{what}: {cost} is {got}, not {number} ({(got / number - 1) * 100:+.0f} %)"


def test_recording_costs_what_it_did(quiet_site, record_property):
    with quiet_site.cluster.connect("postgres") as db:
        db.execute("create extension if not exists pg_stat_statements")
        version = db.info.server_version // 10000
    if version != POSTGRESQL:
        pytest.skip(f"the numbers are those of PostgreSQL {POSTGRESQL}, this is {version}")
    measured = measure(quiet_site)
    if "HL_WRITE_COSTS" in os.environ:
        FILE.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
        record_property("written", str(FILE))
    found = list(differences(measured, json.loads(FILE.read_text(encoding="utf-8"))))
    assert not found, ("Recording an event costs more or less than before:\n  " + "\n  ".join(found)
                       + "\nIf that is right, write tests/data/recording-cost.json again "
                         "(HL_WRITE_COSTS=1 tests/run e2e -k recording_cost) and give the reason in the commit.")
