# SPDX-License-Identifier: ISC
"""Callbacks that cost the database too much keep nobody waiting: bodies that are too
costly to take apart, and those that it never takes."""
import json
import urllib.error
import urllib.request

import pytest

import web_servers
from installation import WORKSPACE, wait_for

pytestmark = pytest.mark.plain

OTHER = WORKSPACE + 1

# a statement_timeout of the server, and the same of the client
DEADLINE = "700"


def attacks():
    yield "exponents", '"x":[' + "1e999," * 170000 + "1]"
    yield "small exponents", '"x":[' + "1e-99999," * 100000 + "1]"
    yield "NUL", '"description":"' + "\\u0000" * 170000 + '"'
    yield "half pairs", '"description":"' + "\\ud800" * 170000 + '"'
    yield "escapes one by one", '"x":[' + '"\\u0000",' * 100000 + "1]"
    yield "tags", '"tag_ids":[' + "1," * 500000 + '"x"]'
    yield "names of tags", '"tags":[' + '"",' * 300000 + "1]"
    yield "objects", '"shared_with":[' + "{}," * 300000 + "1]"
    yield "members", ",".join(f'"k{n}":1' for n in range(80000))
    yield "nesting", '"x":[' + ("[" * 55 + "]" * 55 + ",") * 9000 + "1]"
    yield "a number", '"duration":' + "9" * 1000000
    yield "words", '"description":"' + " ".join(map(str, range(150000))) + '"'


@pytest.fixture
def two(site):
    """A site with two endpoints, each of a workspace of its own."""
    site.write_conf(db_deadline_ms=DEADLINE, spool_retry_ms="100")
    first = site.endpoint
    site.good = site.add_endpoint(workspace=OTHER)
    site.endpoint = first
    web_servers.lighttpd_spawned(site)
    return site


def send_good(site):
    event = site.event(workspace=OTHER)
    assert site.send(event, address=site.good["address"], secret=site.good["secret"]).status == 200
    return json.loads(event)["event_id"]


def body_of(site, more):
    """An event of a time entry with so much more in its payload."""
    body = site.event(model="time_entry", payload={"id": site.next_event})
    return body.replace(b'"payload": {', b'"payload": {' + more.encode() + b",")


def test_costly_bodies_are_recorded_and_hold_nobody_up(two):
    sent = {}
    for name, more in attacks():
        body = body_of(two, more)
        assert len(body) <= 1048576, name
        assert two.send(body).status == 200, name
        sent[two.next_event] = body
        send_good(two)
    wait_for(two.spool_is_empty, "the spool to be empty")
    wait_for(lambda: len(two.recorded()) == 2 * len(sent), "all to be recorded")
    with two.cluster.connect(two.database) as db:
        for event_id, body in sent.items():
            assert db.execute("select body::text from ledger.event where event_id = %s", (event_id,)).fetchone() == (body.decode(),)
        assert not db.execute("select from toggl.time_entry").fetchall()
        assert db.execute("select sum(count) from ledger.drift where found = 'costly'").fetchone() == (len(sent),)
        # what C counts is what SQL counts
        assert db.execute("select bool_and(ledger.is_costly(body)) from ledger.event where model = 'time_entry'").fetchone() == (True,)
    event_id = next(iter(sent))
    assert "in no table, and not delivered" in two.hookledger("event", "show", str(event_id)).stdout
    assert json.loads(two.hookledger("event", "show", str(event_id), "--json").stdout)["costly"] is True
    assert '"costly"' in two.hookledger("drift", "--json").stdout
    assert "too costly" in two.hookledger("doctor", check=False).stdout
    assert two.hookledger("verify").returncode == 0
    two.hookledger("rebuild")
    assert not two.sql("select 1 from toggl.time_entry")


POISON = """
create function ledger.poison() returns trigger language plpgsql as $$
begin
  if new.model = 'poison' then
    perform pg_sleep(60);
  end if;
  return new;
end
$$;
create trigger poison before insert on ledger.event for each row execute function ledger.poison()"""


def test_what_is_never_taken_is_set_aside(two):
    with two.cluster.connect(two.database) as db:
        db.execute(POISON)
    poison = [two.event(model="poison") for _ in range(2)]
    for body in poison:
        assert two.send(body).status == 200
    # all others of both endpoints are recorded meanwhile
    good = []

    def is_set_aside():
        good.append(send_good(two))
        body = two.event()
        assert two.send(body).status == 200
        good.append(json.loads(body)["event_id"])
        return len(list(two.spool.glob("*.aside"))) == 2

    wait_for(is_set_aside, "both to be set aside", 60)
    wait_for(lambda: set(good) <= set(two.recorded()), "the others to be recorded")
    wait_for(two.spool_is_empty, "the spool to be empty")
    listed = json.loads(two.hookledger("spool", "list", "--json").stdout)["aside"]
    assert len(listed) == 2 and {row["bytes"] for row in listed} == {len(body) for body in poison}
    assert listed[0]["name"] in two.hookledger("spool", "list").stdout
    assert json.loads(two.hookledger("spool", "status", "--json").stdout)["aside_records"] == 2
    assert "set aside, acknowledged and not recorded: 2" in two.hookledger("doctor", check=False).stdout
    two.hookledger("housekeep")
    found = json.loads(two.hookledger("findings", "--json", check=False).stdout)
    assert [row["level"] for row in found["findings"] if row["kind"] == "spool_aside"] == ["trouble"], found
    with pytest.raises(urllib.error.HTTPError) as health:
        urllib.request.urlopen(f"http://127.0.0.1:{two.port}/admin/api/health", timeout=10)
    assert health.value.code == 503 and "spool_aside" in health.value.read().decode()

    with two.cluster.connect(two.database) as db:
        db.execute("drop trigger poison on ledger.event")
    assert two.hookledger("spool", "retry", "no-such", check=False).returncode == 1
    assert "1 put back" in two.hookledger("spool", "retry", listed[0]["name"]).stdout
    two.hookledger("spool", "retry", "--all")
    wait_for(lambda: {json.loads(body)["event_id"] for body in poison} <= set(two.recorded()), "both to be recorded")
    assert json.loads(two.hookledger("spool", "list", "--json").stdout) == {"aside": []}
    two.hookledger("housekeep")
    found = json.loads(two.hookledger("findings", "--json", check=False).stdout)
    assert not [row for row in found["findings"] if row["kind"].startswith("spool")], found


def test_a_database_that_hangs_sets_nothing_aside(two):
    sent = []
    with two.cluster.connect(two.database) as db:
        with db.transaction():
            # everything that is recorded waits, and nothing else does
            db.execute("lock table ledger.event in access exclusive mode")
            for _ in range(6):
                sent.append(send_good(two))
            # each is tried alone, again and again
            wait_for(lambda: len(list(two.spool.glob("retry-*.spool"))) >= 2, "some to be put behind the others", 60)
            before = {path.name for path in two.spool.glob("retry-*.spool")}
            wait_for(lambda: {path.name for path in two.spool.glob("retry-*.spool")} != before, "another try", 60)
            assert not list(two.spool.glob("*.aside"))
    wait_for(lambda: set(sent) <= set(two.recorded()), "all to be recorded", 60)
    wait_for(two.spool_is_empty, "the spool to be empty")
    assert not list(two.spool.glob("*.aside"))
