# SPDX-License-Identifier: ISC
"""`hookledger simulate`: which events it sends and when, and that what
--into-database leaves is what callbacks leave."""
import contextlib
import datetime
import json
import signal
import subprocess

import pytest

import web_servers
from installation import BUILD, WORKSPACE, runs_as, wait_for

pytestmark = pytest.mark.plain

START = ("--start", "2025-02-20", "--seed", 3)

# all of an event but when and how it came
EVENT = """workspace_id, event_id, created_at, endpoint_id, secret_id, creator_id, entity_id, model, action,
           signature, body::text as body"""
TABLES = ("time_entry", "project", "client", "tag", "task", "workspace", "workspace_user", "project_user",
          "project_group")


def fill(site, *more, check=True):
    return site.hookledger("simulate", "--into-database", "--json", *START, *more, check=check)


def counts(site, *more):
    return json.loads(fill(site, *more).stdout)


def keep(site, name):
    """Puts what is recorded aside, and empties the ledger."""
    site.sql(f"create table public.{name}_event as select {EVENT} from ledger.event")
    for table in TABLES:
        site.sql(f"create table public.{name}_{table} as select to_jsonb(t) as row from toggl.{table} t")
        site.sql(f"truncate toggl.{table}")
    site.sql("truncate ledger.event cascade")


def test_it_records_what_callbacks_would(site):
    web_servers.lighttpd_spawned(site)
    site.hookledger("simulate", "--url", site.endpoint["callback_url"], "--secret-file", "-", "--events", 1200,
                    "--retry", *START, stdin=site.endpoint["secret"])
    keep(site, "sent")
    found = counts(site, "--events", 1200, "--duplicates", 10, "--shuffle", 300)
    assert (found["recorded"], found["refused"], found["endpoint_is_new"]) == (1200, 0, False)
    assert found["duplicates"] > 60
    assert set(site.sql("select source from ledger.event")) == {("local",)}
    site.hookledger("verify")
    # of an event that came twice any delivery may be the recorded one
    as_sent = "workspace_id, event_id, created_at, endpoint_id, secret_id, creator_id, entity_id, model, action"
    keep(site, "mixed")
    assert counts(site, "--events", 1200)["recorded"] == 1200
    keep(site, "made")
    assert site.sql("select count(*) from public.sent_event") == [(1200,)]
    for name, columns in (("made", "*"), ("mixed", as_sent)):
        difference = f"(select {columns} from public.sent_event except select {columns} from public.{name}_event)"
        assert site.sql(f"select count(*) from {difference} d") == [(0,)], name
    # Taken from the whole body, as a rebuild does it, they are the same.
    counts(site, "--events", 1200)
    site.hookledger("rebuild", "--restart")
    keep(site, "rebuilt")
    for table in TABLES:
        assert site.sql(f"select count(*) > 0 from public.sent_{table}") == [(True,)], table
        for name in ("made", "mixed", "rebuilt"):
            assert site.sql(f"""(table public.sent_{table} except table public.{name}_{table})
                                union all (table public.{name}_{table} except table public.sent_{table})""") == [], table


def test_months_have_partitions(bare_site):
    found = counts(bare_site, "--events", 6000, "--people", 4)
    assert found["endpoint_is_new"] and found["workspace_id"] == str(WORKSPACE)
    assert bare_site.sql("select count(*) from ledger.event_default") == [(0,)]
    months = bare_site.sql("select count(distinct tableoid) from ledger.event")[0][0]
    assert months > 3
    first, last = bare_site.sql("select min(created_at), max(created_at) from ledger.event")[0]
    assert (found["first_at"], found["last_at"]) == (first.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                                                     last.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    bare_site.hookledger("verify")


def test_a_repeat_only_counts(site):
    assert counts(site, "--events", 700)["recorded"] == 700
    again = counts(site, "--events", 1000, "--connections", 1)
    assert (again["recorded"], again["duplicates"]) == (300, 700)
    assert len(site.recorded()) == 1000


def test_stopped_and_continued(site):
    """Ctrl-C loses nothing of what it has counted, and the same command goes on."""
    command = [BUILD / "hookledger", "simulate", "--into-database", "--json", *map(str, START), "--events", "60000",
               "--connections", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=site.environment(), **runs_as()) as child:
        wait_for(site.recorded, "the first batch")
        child.send_signal(signal.SIGINT)
        said = json.loads(child.communicate(timeout=60)[0])
    assert child.returncode == 1
    assert 0 < said["recorded"] < 60000
    assert len(site.recorded()) == said["recorded"]
    again = counts(site, "--events", 60000)
    assert (again["recorded"], again["duplicates"]) == (60000 - said["recorded"], said["recorded"])


def test_partitions_cannot_be_made_now(bare_site):
    """Retention holds the lock that making a partition needs: everything is recorded, in
    the default partition."""
    with bare_site.cluster.connect(bare_site.database) as holder:
        holder.autocommit = False
        holder.execute("select pg_advisory_xact_lock(7306021983461007)")
        assert counts(bare_site, "--events", 700, "--connections", 1)["recorded"] == 700
        holder.rollback()
    assert bare_site.sql("select count(*) > 0 from ledger.event_default") == [(True,)]


def test_it_chooses_the_endpoint_of_the_workspace(site):
    first = int(site.endpoint["endpoint_id"])
    second = int(site.add_endpoint(workspace=7)["endpoint_id"])
    assert counts(site)["endpoint_id"] == str(first)
    assert counts(site, "--workspace", 7)["endpoint_id"] == str(second)
    named = counts(site, "--endpoint", second, "--events", 150)
    assert (named["workspace_id"], named["recorded"], named["duplicates"]) == ("7", 50, 100)
    assert site.sql("select workspace_id, count(*) from ledger.event group by 1 order by 1") == \
        [(7, 150), (WORKSPACE, 100)]
    # a disabled one is passed over, as if there were none
    site.hookledger("endpoint", "disable", first)
    assert counts(site, "--events", 101)["endpoint_is_new"]


def events_of(site, *more):
    done = site.hookledger("simulate", "--dump", *START, *more)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_part_of_the_events(site):
    whole = events_of(site, "--events", 600)
    first, last = whole[200]["created_at"], whole[400]["created_at"]
    assert events_of(site, "--until", last) == [event for event in whole if event["created_at"] < last]
    assert events_of(site, "--since", first, "--until", last) == [event for event in whole if first <= event["created_at"] < last]
    assert events_of(site, "--since", first, "--events", 7) == [event for event in whole if first <= event["created_at"]][:7]
    assert events_of(site, "--until", "2025-02-20") == []


def live(site, *more):
    """Of so many people that somebody does something every second or so."""
    return [BUILD / "hookledger", "simulate", "--url", site.endpoint["callback_url"], "--secret-file", "-", "--json", "--live",
            "--people", "8000", "--every-day", "--start", "2d", *more]


@contextlib.contextmanager
def run_live(site, *more):
    child = subprocess.Popen(live(site, *more), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=site.environment(), **runs_as())
    try:
        child.stdin.write(site.endpoint["secret"])
        child.stdin.close()
        yield child
        child.wait()
    finally:
        child.kill()
        child.stdout.close()
        child.wait()


def test_live(site):
    """What has happened comes at once, the rest when its time has come."""
    web_servers.lighttpd_spawned(site)
    since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=30)
    with run_live(site, "--since", since.isoformat()) as child:
        wait_for(lambda: site.sql("select count(*) from ledger.event where created_at > %s", since + datetime.timedelta(seconds=32)) >= [(3,)],
                 "events that happen now", 60)
        child.send_signal(signal.SIGINT)
        said = json.loads(child.stdout.read())
    # its end is no failure
    assert child.returncode == 0, said
    recorded = site.sql("select created_at, received_at from ledger.event order by received_at")
    assert said["distinct"] == said["events"] == len(recorded) and said["unacknowledged"] == 0
    assert all(since <= created < received for created, received in recorded)
    # those of before came together, those of later each in its time
    late = [received - created for created, received in recorded if created > since + datetime.timedelta(seconds=30)]
    assert late and max(late) < datetime.timedelta(seconds=10)


def test_live_for_a_number_of_events(site):
    web_servers.lighttpd_spawned(site)
    with run_live(site, "--since", "1m", "--events", "5") as child:
        said = json.loads(child.stdout.read())
    assert (child.returncode, said["events"], said["distinct"]) == (0, 5, 5)


@pytest.mark.parametrize("words, error", [
    (["--live", "--dump"], "--live sends each event when its time comes"),
    (["--live", "--shuffle", "4", "--url", "http://127.0.0.1/", "--secret-file", "-"], "--live sends each event when its time comes"),
    (["--into-database", "--live"], "--into-database sends nothing"),
    (["--into-database", "--since", "1d"], "do not go with --into-database"),
    (["--dump", "--since", "yesterday"], "is no time"),
])
def test_parts_it_refuses(site, words, error):
    done = site.hookledger("simulate", *words, check=False, stdin="")
    assert (done.returncode, done.stdout) == (2, "")
    assert error in done.stderr


@pytest.mark.parametrize("words, error", [
    (["--url", "http://127.0.0.1/"], "--into-database sends nothing"),
    (["--endpoint", "77"], "there is no endpoint 77"),
    (["--endpoint", "1", "--workspace", "7"], "takes events of workspace 7435584 only"),
])
def test_what_it_refuses(site, words, error):
    done = fill(site, *words, check=False)
    assert done.returncode in (1, 2)
    assert error in done.stderr
    assert site.recorded() == {}


def test_a_secret_that_does_not_open(site):
    site.write_conf(master_key="7" * 64)
    done = fill(site, check=False)
    assert done.returncode == 1
    assert "endpoint rotate" in done.stderr
    assert site.recorded() == {}
