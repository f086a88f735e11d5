# SPDX-License-Identifier: ISC
"""Nothing that was acknowledged is lost, and nothing is there twice, whatever
is killed, stopped, frozen or full. Every test counts."""
import contextlib
import json
import os
import random
import signal
import threading
import time

import pytest

import projection_model
from installation import BUILD, Sender, is_alive, receivers, wait_for

pytestmark = pytest.mark.plain

SENDERS = 4


@contextlib.contextmanager
def traffic(site, count=SENDERS):
    """Senders at work while the block runs; afterwards every acknowledged event
    is in the ledger, once, and the typed tables say what the ledger says."""
    senders = [Sender(site) for _ in range(count)]
    for number, sender in enumerate(senders):
        # each counts its own ids
        sender.site = type(site).__new__(type(site))
        sender.site.__dict__ = {**site.__dict__, "next_event": site.next_event + number * 10**6}
        sender.start()
    yield senders
    acknowledged = [event_id for sender in senders for event_id in sender.stop()]
    site.next_event += count * 10**6
    assert len(acknowledged) > 20, [sender.statuses for sender in senders]

    def settled():
        return set(acknowledged) <= set(site.recorded()) or None

    try:
        wait_for(settled, "all acknowledged events to be recorded", 30)
    except AssertionError:
        missing = set(acknowledged) - set(site.recorded())
        raise AssertionError(f"{len(missing)} of {len(acknowledged)} acknowledged events are lost") from None
    assert set(site.recorded().values()) == {1}
    wait_for(site.spool_is_empty, "the spool to be empty")
    with site.cluster.connect(site.database) as db:
        assert not projection_model.not_projected(db)


def wait_for_more(senders, more=20):
    """Until so many further events are acknowledged."""
    before = sum(len(sender.acknowledged) for sender in senders)
    wait_for(lambda: sum(len(sender.acknowledged) for sender in senders) >= before + more,
             f"{more} more acknowledgements")


def assert_all_acknowledged(senders):
    """No sender ever got a 503."""
    assert {status for sender in senders for status in sender.statuses} == {200}


def end_sessions(db, database):
    db.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (database,))


def test_receivers_killed_at_random(faulty):
    rng = random.Random(1)
    with traffic(faulty) as senders:
        for _ in range(12):
            wait_for_more(senders, 5 + rng.randrange(10))
            victims = receivers(faulty)
            if victims:
                os.kill(rng.choice(victims), signal.SIGKILL)


def test_postgresql_restarted(faulty):
    with traffic(faulty) as senders:
        for mode in ("fast", "immediate", "fast"):
            wait_for_more(senders)
            faulty.cluster.restart(mode)
        wait_for_more(senders)


def test_postgresql_away_for_a_while(faulty):
    with traffic(faulty) as senders:
        wait_for_more(senders)
        faulty.cluster.stop()
        wait_for_more(senders, 200)
        assert not faulty.spool_is_empty()
        faulty.cluster.start()
        wait_for_more(senders)
    # a moment for the senders that met the change, no longer than the deadline
    assert max(sender.slowest for sender in senders) < 4
    assert_all_acknowledged(senders)


def test_postgresql_crashed(faulty):
    with traffic(faulty) as senders:
        for _ in range(3):
            wait_for_more(senders, 30)
            faulty.cluster.crash()
            wait_for_more(senders, 30)
            faulty.cluster.start()


def test_receivers_and_postgresql_killed_together(faulty):
    rng = random.Random(2)
    with traffic(faulty) as senders:
        for _ in range(3):
            wait_for_more(senders, 20)
            faulty.cluster.stop("immediate")
            wait_for_more(senders, 20)
            for victim in receivers(faulty):
                os.kill(victim, signal.SIGKILL)
            wait_for_more(senders, rng.randrange(20) + 1)
            faulty.cluster.start()


def test_postgresql_frozen(faulty):
    with traffic(faulty) as senders:
        wait_for_more(senders)
        with faulty.cluster.frozen():
            wait_for_more(senders, 100)
        wait_for_more(senders)
    assert max(sender.slowest for sender in senders) < 4
    assert_all_acknowledged(senders)


def test_health_is_told_while_postgresql_is_frozen(faulty):
    """Nor does a cancel get through to it."""
    def health():
        answer = faulty.send(b"", method="GET", path="/admin/api/health", signature=False, content_type=None, timeout=30)
        return answer.status

    wait_for(lambda: health() == 200, "it to be well")
    with faulty.cluster.frozen():
        wait_for(lambda: health() == 503, "the trouble to be reported", 20)
        assert health() == 503
    wait_for(lambda: health() == 200, "it to be well again")


def test_table_locked(faulty):
    with traffic(faulty) as senders:
        wait_for_more(senders)
        with faulty.cluster.connect(faulty.database) as db:
            with db.transaction():
                db.execute("lock table ledger.event in access exclusive mode")
                wait_for_more(senders, 100)
        wait_for_more(senders)
    assert_all_acknowledged(senders)


def test_read_only(faulty):
    with traffic(faulty) as senders:
        wait_for_more(senders)
        with faulty.cluster.connect("postgres") as db:
            db.execute(f'alter database "{faulty.database}" set default_transaction_read_only = on')
            end_sessions(db, faulty.database)
            wait_for_more(senders, 100)
            db.execute(f'alter database "{faulty.database}" reset default_transaction_read_only')
            end_sessions(db, faulty.database)
        wait_for_more(senders)
    assert_all_acknowledged(senders)


def test_connections_refused(faulty):
    with traffic(faulty) as senders:
        wait_for_more(senders)
        with faulty.cluster.connect("postgres") as db:
            db.execute(f'alter database "{faulty.database}" allow_connections = false')
            end_sessions(db, faulty.database)
            wait_for_more(senders, 100)
            db.execute(f'alter database "{faulty.database}" allow_connections = true')
        wait_for_more(senders)
    assert_all_acknowledged(senders)


def test_without_its_functions(faulty):
    """As in the middle of a migration: the interface schemas are dropped, then made again."""
    with traffic(faulty) as senders:
        wait_for_more(senders)
        faulty.sql("alter schema receiver rename to elsewhere")
        wait_for_more(senders, 100)
        faulty.sql("alter schema elsewhere rename to receiver")
        wait_for_more(senders)
    assert_all_acknowledged(senders)


def test_upgrade_under_load(faulty):
    """Two versions of the schema meet: the interface schemas are dropped and made again
    again and again while callbacks arrive."""
    with traffic(faulty) as senders:
        for _ in range(4):
            wait_for_more(senders, 15)
            # another digest: migrate must do all of its last step
            faulty.sql("update ledger.migration set checksum = 'older' where version = 0")
            faulty.hookledger("migrate")
        wait_for_more(senders)
    assert_all_acknowledged(senders)


def test_an_upgrade_that_deadlocks_begins_again(faulty):
    """A transaction that has read one view and goes on to another, in another order than
    migrate replaces them: PostgreSQL ends migrate's, which repeats it."""
    faulty.sql("update ledger.migration set checksum = 'older' where version = 0")
    outcomes = []
    with faulty.cluster.connect(faulty.database) as db:
        # migrate waits for less time than we do, so it is the one that is ended
        db.execute("set deadlock_timeout = '1min'")
        db.execute("begin")
        db.execute("select 1 from ledger.served limit 0")
        thread = threading.Thread(target=lambda: outcomes.append(
            faulty.hookledger("migrate", check=False, env={"PGOPTIONS": "-c deadlock_timeout=3s"})))
        thread.start()
        wait_for(lambda: faulty.sql("select 1 from pg_locks where not granted and relation = 'ledger.served'::regclass"), "migrate to wait for us")
        db.execute("select 1 from ledger.model limit 0")	# given as soon as migrate is ended
        db.execute("rollback")
        thread.join(60)
    assert outcomes[0].returncode == 0, outcomes[0]
    assert "made the functions anew" in outcomes[0].stdout


def test_two_migrations_at_once(faulty):
    faulty.sql("update ledger.migration set checksum = 'older' where version = 0")
    outcomes = []
    threads = [threading.Thread(target=lambda: outcomes.append(faulty.hookledger("migrate").returncode))
               for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [0, 0, 0]


def test_spool_over_its_limit(faulty):
    """What does not fit is answered 503, and what was acknowledged is kept."""
    faulty.write_conf(spool_max_bytes="40000")
    for pid in receivers(faulty):
        os.kill(pid, signal.SIGTERM)
    wait_for(lambda: receivers(faulty), "new receivers")
    with traffic(faulty) as senders:
        wait_for_more(senders)
        faulty.cluster.stop()
        wait_for(lambda: any(503 in sender.statuses for sender in senders), "a 503")
        status = json.loads(faulty.hookledger("spool", "status", "--json", check=False).stdout)
        assert sum(path.stat().st_size for path in faulty.spool.glob("*.spool")) <= 40000, status
        faulty.cluster.start()
        wait_for_more(senders)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_spool_disk_full(faulty):
    import subprocess
    from installation import give
    small = faulty.work / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0777", "tmpfs", str(small)], check=True)
    try:
        give(small)
        faulty.write_conf(spool_dir=str(small))
        faulty.spool = small
        for pid in receivers(faulty):
            os.kill(pid, signal.SIGTERM)
        wait_for(lambda: receivers(faulty), "new receivers")
        with traffic(faulty) as senders:
            wait_for_more(senders)
            faulty.cluster.stop()
            wait_for(lambda: any(503 in sender.statuses for sender in senders), "a 503")
            faulty.cluster.start()
            wait_for_more(senders)
    finally:
        faulty.close_web = faulty.end(faulty.web)
        subprocess.run(["umount", "-l", str(small)], check=True)


@pytest.mark.foreign
def test_a_torn_last_record(faulty):
    """Half a record at the end of a file of a process that is gone: the rest is
    drained, the half is not."""
    faulty.cluster.stop()
    acknowledged = []
    for _ in range(10):
        body = faulty.event()
        assert faulty.send(body).status == 200
        acknowledged.append(json.loads(body)["event_id"])
    for pid in receivers(faulty):
        os.kill(pid, signal.SIGKILL)
    files = [path for path in faulty.spool.glob("*.spool")]
    assert files
    for path in files:
        with open(path, "ab") as file:
            file.write(path.read_bytes()[32:80])	# behind the head: half a record
    faulty.cluster.start()
    wait_for(lambda: set(acknowledged) <= set(faulty.recorded()), "the spool to be drained")
    wait_for(faulty.spool_is_empty, "the spool to be empty")
    assert set(faulty.recorded().values()) == {1}
    assert not list(faulty.spool.glob("*.damaged"))


@pytest.mark.foreign
def test_a_damaged_middle_loses_only_itself(faulty):
    faulty.cluster.stop()
    acknowledged = []
    for _ in range(10):
        body = faulty.event()
        assert faulty.send(body).status == 200
        acknowledged.append(json.loads(body)["event_id"])
    for pid in receivers(faulty):
        os.kill(pid, signal.SIGKILL)
    path = max(faulty.spool.glob("*.spool"), key=lambda path: path.stat().st_size)
    content = bytearray(path.read_bytes())
    content[16 + 120] ^= 1	# in the body of its first record
    path.write_bytes(content)
    faulty.cluster.start()
    wait_for(faulty.spool_is_empty, "the spool to be empty")
    wait_for(lambda: len(faulty.recorded()) == 9, "nine of ten events")
    assert len(list(faulty.spool.glob("*.damaged"))) == 1


def test_drained_by_hand(faulty):
    """`hookledger spool drain` does it when no receiver runs."""
    faulty.cluster.stop()
    bodies = [faulty.event() for _ in range(25)]
    assert {faulty.send(body).status for body in bodies} == {200}
    faulty.end(faulty.web)
    status = json.loads(faulty.hookledger("spool", "status", "--json").stdout)
    assert int(status["records"]) == 25
    faulty.cluster.start()
    faulty.hookledger("spool", "drain")
    assert faulty.recorded() == {json.loads(body)["event_id"]: 1 for body in bodies}
    assert {row[0] for row in faulty.sql("select source from ledger.event")} == {"spool"}
    assert faulty.spool_is_empty()


@pytest.mark.foreign
def test_database_away_from_the_start(faulty):
    """No secret was ever known here: callbacks are kept unverified, and judged at
    the drain; a forged one changes a counter only."""
    faulty.end(faulty.web)
    for path in faulty.spool.iterdir():
        path.unlink()
    faulty.cluster.stop()
    import web_servers
    web_servers.lighttpd_spawned(faulty)
    genuine, forged = faulty.event(), faulty.event()
    assert faulty.send(genuine).status == 200
    assert faulty.send(forged, secret="guessed").status == 200
    assert faulty.send(b'{"event_id":0,"payload":"ping","validation_code":"x"}').status == 503
    assert list(faulty.spool.glob("unverified-*.spool"))
    faulty.cluster.start()
    wait_for(faulty.spool_is_empty, "the spool to be empty")
    assert faulty.recorded() == {json.loads(genuine)["event_id"]: 1}
    wait_for(lambda: faulty.counter("signature") == 1, "the forged one to be counted")


def test_a_secret_that_does_not_open(faulty):
    """With the wrong master key nobody can judge: callbacks are kept until the
    right one is back, and do not hold up those that can be judged."""
    import secrets
    import web_servers
    right = faulty.settings["master_key"]
    first = faulty.endpoint
    faulty.end(faulty.web)
    (faulty.spool / "keyring").unlink(missing_ok=True)
    faulty.write_conf(master_key=secrets.token_hex(32))
    web_servers.lighttpd_spawned(faulty)
    genuine = [faulty.event() for _ in range(5)]
    assert {faulty.send(body).status for body in genuine} == {200}
    assert faulty.send(faulty.event(), secret="guessed").status == 200
    assert faulty.send(b'{"event_id":0,"payload":"ping"}').status == 503
    assert faulty.recorded() == {}
    faulty.add_endpoint()	# sealed with the key of now
    later = faulty.event()
    assert faulty.send(later).status == 200
    wait_for(lambda: len(faulty.recorded()) == 1, "the one that can be judged")
    assert list(faulty.spool.glob("unverified-*.spool"))
    faulty.end(faulty.web)
    faulty.write_conf(master_key=right, master_key_previous=faulty.settings["master_key"])
    web_servers.lighttpd_spawned(faulty)
    wait_for(faulty.spool_is_empty, "the spool to be empty")
    assert len(faulty.recorded()) == 6
    faulty.endpoint = first


def test_restart_while_the_database_is_away_keeps_judging(faulty):
    """The keyring file lets a new worker judge without the database."""
    assert faulty.send(faulty.event()).status == 200
    faulty.cluster.stop()
    faulty.end(faulty.web)
    import web_servers
    web_servers.lighttpd_spawned(faulty)
    assert faulty.send(faulty.event(), secret="guessed").status == 401
    assert faulty.send(faulty.event()).status == 200
    answer = faulty.send(b'{"event_id":0,"payload":"ping","validation_code":"x"}')
    assert (answer.status, answer.json()) == (200, {"validation_code": "x"})
    faulty.cluster.start()
    wait_for(lambda: len(faulty.recorded()) == 2, "both events")


def test_counters_outlive_a_receiver_without_a_database(faulty):
    """What it counted is left beside the spool for the next one."""
    import web_servers
    assert faulty.send(faulty.event()).status == 200
    faulty.cluster.stop()
    assert {faulty.send(faulty.event(), secret="guessed").status for _ in range(3)} == {401}
    faulty.end(faulty.web)
    assert (faulty.spool / "counters").stat().st_size > 0
    faulty.cluster.start()
    web_servers.lighttpd_spawned(faulty)
    wait_for(lambda: faulty.counter("signature") == 3, "the counters")


def test_sigterm_answers_what_is_held(faulty):
    """Ended in the middle of traffic, each receiver finishes what it took."""
    with traffic(faulty) as senders:
        for _ in range(5):
            wait_for_more(senders, 10)
            before = receivers(faulty)
            for pid in before:
                os.kill(pid, signal.SIGTERM)
            wait_for(lambda before=before: not any(is_alive(pid) for pid in before), "the old receivers to end", 10)


def test_one_poisoned_event_does_not_refuse_its_neighbours(faulty):
    """\\u0000 in the body is JSON that json takes; what PostgreSQL's json does
    not take is refused alone."""
    answers = {}

    def send(number, body):
        answers[number] = faulty.send(body).status

    with faulty.cluster.connect(faulty.database) as db:
        with db.transaction():
            db.execute("lock table ledger.event in access exclusive mode")
            threads = []
            for number in range(12):
                body = faulty.event(note="\\u0000" if number == 5 else "fine")
                if number == 5:
                    body = body.replace(b"\\\\u0000", b"\\u0000\\ud800")
                thread = threading.Thread(target=send, args=(number, body))
                thread.start()
                threads.append(thread)
            time.sleep(0.2)
    for thread in threads:
        thread.join()
    assert set(answers.values()) == {200}
    wait_for(lambda: len(faulty.recorded()) == 12, "all twelve")


def test_the_build_is_the_one_that_was_named():
    assert (BUILD / "hookledger-receiver").exists()
