# SPDX-License-Identifier: ISC
"""Ways to run it that change nothing for the sender: behind pgbouncer, with a
role for each program, with many connections behind every server."""
import json
import os
import secrets
import signal
import subprocess

import psycopg
import pytest

import web_servers
from callback_socket import answer_of, connect, head
from deliveries import allow_subscribers, event_ids, is_settled, record, run_round, start_courier, subscribe
from installation import BUILD, free_port, runs_as, wait_for
from subscriber import Subscriber

pytestmark = pytest.mark.plain

MANY = 256


def test_many_connections_at_once(served):
    """All are open before the first is used; each gets its 200, and is recorded once."""
    links = [connect(served) for _ in range(MANY)]
    bodies = [served.event() for _ in links]
    for link, body in zip(links, bodies):
        link.sendall(head(served, len(body), body, Connection="close") + body)
    assert [answer_of(link) for link in links] == [200] * MANY
    # plain CGI leaves some to the next one, who drains the spool
    if not served.spool_is_empty():
        served.hookledger("spool", "drain")
    wait_for(served.spool_is_empty, "the spool to be empty")
    assert served.recorded() == {json.loads(body)["event_id"]: 1 for body in bodies}


@pytest.fixture
def pooled(bare_site):
    """A site whose programs reach PostgreSQL through pgbouncer only."""
    site = bare_site
    if not os.path.exists("/usr/sbin/pgbouncer"):
        pytest.skip("not installed: pgbouncer")
    port = free_port()
    conf = site.work / "pgbouncer.ini"
    conf.write_text(f"""
[databases]
* = host={site.cluster.sockets} port=5432 user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
""", encoding="ascii")
    site.write_conf(db_pooled="yes", database=f"host=127.0.0.1 port={port} dbname={site.database} user=postgres")
    site.start_pool = lambda: site.spawn("pgbouncer", ["/usr/sbin/pgbouncer", conf])
    site.pool = site.start_pool()
    wait_for(lambda: site.hookledger("endpoint", "list", check=False).returncode == 0, "pgbouncer")
    site.add_endpoint()
    return site


def test_behind_pgbouncer(pooled):
    site = pooled
    web_servers.lighttpd_spawned(site)
    for _ in range(60):
        assert site.send(site.event()).status == 200
    assert set(site.sql("select source from ledger.event")) == {("webhook",)}
    assert len(site.recorded()) == 60
    site.hookledger("migrate")
    site.hookledger("housekeep")
    site.hookledger("verify")
    assert len(json.loads(site.hookledger("event", "list", "--limit", "5", "--json").stdout)["events"]) == 5
    assert site.hookledger("export", "tag").stdout.count("\n") == 2
    # a statement and its columns, settings and the stream in one transaction
    done = site.hookledger("export", "--format", "ndjson", "--query", "select pg_sleep(0), current_setting('TimeZone') as zone",
                           "--zone", "Asia/Tokyo")
    assert json.loads(done.stdout)["zone"] == "Asia/Tokyo"
    assert "read-only" in site.hookledger("export", "--query", "delete from tag returning 1", check=False).stderr
    assert site.hookledger("export", "--query", "select current_setting('TimeZone')").stdout.endswith("UTC\n")
    # away and back, as PostgreSQL itself
    site.end(site.pool)
    assert site.send(site.event()).status == 200
    assert len(site.recorded()) == 60
    site.pool = site.start_pool()
    wait_for(lambda: len(site.recorded()) == 61, "the spool to be drained")


def test_a_courier_behind_pgbouncer(pooled):
    """Nobody can wake it there: it looks by itself."""
    allow_subscribers(pooled, courier_poll_ms="300")
    web_servers.lighttpd_spawned(pooled)
    listener = Subscriber()
    subscribe(pooled, listener.url)
    start_courier(pooled)
    sent = record(pooled, 3)
    wait_for(lambda: len(listener.got) == 3, "its events")
    more = record(pooled, 3)
    wait_for(lambda: is_settled(pooled), "more of them")
    assert event_ids(listener) == sent + more
    listener.close()


def test_an_export_is_interrupted_behind_pgbouncer(pooled):
    """The wish to cancel goes through it too."""
    with subprocess.Popen([BUILD / "hookledger", "export", "--query", "select pg_sleep(3600)"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=pooled.environment(), **runs_as()) as child:
        def is_asleep():
            return pooled.sql("select count(*) from pg_stat_activity where datname = %s and state = 'active'"
                              " and wait_event = 'PgSleep'", pooled.database) != [(0,)]

        wait_for(is_asleep, "the server to begin")
        child.send_signal(signal.SIGINT)
        assert b"interrupted" in child.stderr.read() and child.wait(60) == 128 + signal.SIGINT
    wait_for(lambda: not is_asleep(), "the server to end")


def test_a_role_for_each_program(site):
    """Each program can do what it must, and its role nothing else."""
    name, password = site.database, secrets.token_hex(8)
    logins = {program: f"{name}_{program}" for program in ("receiver", "courier", "operator")}
    site.write_conf(db_roles="yes")
    # another set of functions and grants, as an upgrade brings it
    site.sql("update ledger.migration set checksum = 'older' where version = 0")
    site.hookledger("migrate")
    for program, login in logins.items():
        site.sql(f"create role {login} login password '{password}' in role hookledger_{program}")
    allow_subscribers(site)
    listener = Subscriber()
    owner = site.settings["database"]
    conninfo = {program: f"{site.cluster.conninfo(name, login)} password={password}"
                for program, login in logins.items()}
    try:
        site.write_conf(database=None, database__owner=owner, database__receiver=conninfo["receiver"],
                        database__operator=conninfo["operator"], database__courier=conninfo["courier"])
        subscribe(site, listener.url)
        web_servers.lighttpd_spawned(site)
        for _ in range(10):
            assert site.send(site.event()).status == 200
        assert site.send(site.event(workspace=7)).status == 400
        assert set(site.sql("select source from ledger.event")) == {("webhook",)}
        assert site.sql("select count(*) from ledger.quarantine") == [(1,)]
        wait_for(lambda: site.counter("workspace") == 1, "the counter")
        run_round(site)
        assert len(listener.got) == 10
        courier = start_courier(site)
        assert site.send(site.event()).status == 200
        wait_for(lambda: len(listener.got) == 11, "the courier to be woken")
        site.end(courier)
        site.hookledger("event", "list")
        site.hookledger("endpoint", "rotate", site.endpoint["endpoint_id"])
        site.hookledger("housekeep")
        site.hookledger("simulate", "--into-database")
        site.hookledger("verify")
        site.hookledger("migrate")
        for program, denied in (("receiver", "select operator.facts()"), ("courier", "table ledger.subscription"),
                                ("courier", "select receiver.keys()"), ("receiver", "table ledger.endpoint_secret"),
                                ("receiver", "delete from ledger.event"), ("operator", "delete from ledger.event"),
                                ("operator", "select receiver.keys()"), ("operator", "create table ledger.x()")):
            with psycopg.connect(conninfo[program], autocommit=True) as db:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    db.execute(denied)
    finally:
        listener.close()
        site.end(site.web)
        for login in logins.values():
            site.sql(f"drop role {login}")


def test_a_secret_that_nobody_has_seen_is_no_success(site):
    """It is shown once; a script must not go on as if it had been."""
    with open("/dev/full", "w", encoding="ascii") as full:
        for words in (["endpoint", "add"], ["endpoint", "add", "--json"],
                      ["endpoint", "rotate", str(site.endpoint["endpoint_id"])]):
            done = subprocess.run([BUILD / "hookledger", *words], stdout=full, stderr=subprocess.PIPE, text=True,
                                  env=site.environment(), check=False, timeout=60, **runs_as())
            assert done.returncode == 1, words
            assert "could not be written" in done.stderr
