# SPDX-License-Identifier: ISC
"""A person is taken out on request: no dump of the database has a trace of it,
and the company's books are what they were."""
import json
import re
import signal
import subprocess

import pytest

from generated_site import append, begin, contents, finish, generated, simulate, copied_site, expected, waits_for_lock  # noqa: F401
from installation import BUILD, WORKSPACE, runs_as, sign, wait_for

# What is tried here is SQL; the sanitizers have nothing to see in it.
pytestmark = pytest.mark.plain

# ten weeks: every text of a person is looked for in every dump
EVENTS = 6000
HOURS = """select coalesce(project_id, 0), billable, count(*), sum(duration_seconds), min(start_at), max(stop_at)
           from toggl.time_entry where deleted_at is null group by 1, 2 order by 1, 2"""


class Person:
    """Somebody of the generated company, and every text that only this person has."""

    def __init__(self, site):
        self.id, self.name, self.email = site.sql(
            """select user_id, name, email from toggl.workspace_user w
               where exists (select from toggl.time_entry t where t.user_id = w.user_id) order by user_id desc limit 1""")[0]
        others = "\n".join(body for body, in site.sql(
            """select body::text from ledger.event
               where model in ('project', 'client', 'tag', 'task') or creator_id <> %s and strpos(body::text, %s) = 0""",
            self.id, str(self.id)))
        words = [text for text, in site.sql("select distinct description from toggl.time_entry where user_id = %s and length(description) > 8",
                                            self.id)]
        # as a dump writes them: in COPY's text, or in JSON within it
        self.words = [word for word in words if word not in others and not re.search(r'["\\\t\n]', word)]
        assert len(self.words) > 5

    def traces(self, dump):
        found = set(re.findall(rf"(?<!\d){self.id}(?!\d)", dump))
        return found | {text for text in (self.name, self.email, *self.words) if text in dump}


def dump(site):
    return subprocess.run([site.cluster.bin / "pg_dump", site.cluster.conninfo(site.database)], capture_output=True, text=True,
                          check=True).stdout


def forget(site, person, *more, **how):
    return site.hookledger("forget", "--user", person.id, *more, **how)


def test_no_trace_is_left(copied_site):
    site, person = copied_site, Person(copied_site)
    site.hookledger("retention", "--before", "2025-03", "--apply")
    site.sql("""insert into ledger.invoice (name, from_at, until_at, zone) values ('all', '2025-01-01', '2026-01-01', 'UTC')""")
    site.sql("insert into ledger.invoice_entry select workspace_id, invoice_id, time_entry_id, entry from ledger.invoice_now")
    site.sql("insert into ledger.quarantine (endpoint_id, secret_id, received_at, reason, signature, body)"
             " values (1, 1, now(), 'event', '', convert_to(%s, 'UTF8'))", json.dumps({"creator_id": person.id, "name": person.name}))
    assert person.traces(dump(site)) >= {str(person.id), person.name, person.email, *person.words}
    books = site.sql(HOURS)
    copied = site.sql("select max(cursor) from toggl.changed_since('time_entry', null, 100)")[0][0]
    body = site.sql("select event_id, body::text, encode(sha256(convert_to(body::text, 'UTF8')), 'hex') from ledger.event where creator_id = %s limit 1",
                    person.id)[0]

    look = json.loads(forget(site, person, "--dry-run", "--json").stdout)
    assert look["user_id"] == str(person.id) and look["made"] > 100 and look["entries"] > 50 and look["quarantined"] == 1
    assert look["names"] == person.name and look["emails"] == person.email
    asked = forget(site, person, stdin=f"{person.id}5\n", check=False)
    assert asked.returncode == 1 and "nothing was changed" in asked.stderr and person.name in asked.stdout
    assert forget(site, person, stdin="", check=False).returncode == 1
    assert site.sql("select count(*) from ledger.erasure") == [(0,)]
    done = forget(site, person, stdin=f"{person.id}\n")
    replaced = int(re.search(r"Forgotten: (\d+) events", done.stdout).group(1))
    assert replaced >= look["made"] + look["about"]

    assert person.traces(dump(site)) == set()
    assert site.sql(HOURS) == books
    assert site.sql("select count(*) from toggl.invoice_change") == [(0,)]
    before = contents(site)
    assert json.loads(site.hookledger("rebuild", "--json").stdout)["removed"] == 0
    assert contents(site) == before
    assert site.sql("select is_restart from toggl.changed_since('time_entry', %s, 1)", copied) == [(True,)]

    verified = json.loads(site.hookledger("verify", "--json").stdout)
    assert verified["false"] == verified["unknown"] == 0 and 0 < verified["forgotten"] <= replaced
    assert "replaced when a person was forgotten" in site.hookledger("verify").stdout
    shown = site.hookledger("event", "show", body[0]).stdout
    assert "until a person was forgotten" in shown and body[2] in shown
    again = forget(site, person, "--yes", check=False)
    assert again.returncode == 1 and "nothing is recorded of user" in again.stderr


def test_what_comes_again_changes_nothing(copied_site):
    site, person = copied_site, Person(copied_site)
    forget(site, person, "--yes")
    before = contents(site)
    again = simulate(site, events=EVENTS)
    assert again["recorded"] == 0
    assert contents(site) == before
    assert person.traces(dump(site)) == set()


def test_killed_and_two_at_once(copied_site):
    site, person = copied_site, Person(copied_site)
    books = site.sql(HOURS)
    with site.cluster.connect(site.database) as holder:
        holder.autocommit = False
        # behind the first step, which has 5,000 events
        holder.execute("""select from toggl.time_entry where time_entry_id = (
                            select percentile_disc(0.95) within group (order by time_entry_id) from toggl.time_entry) for update""")
        child = begin(site, "forget", "--user", person.id, "--yes")
        wait_for(lambda: waits_for_lock(site), "it to come to a row that somebody holds")
        child.send_signal(signal.SIGKILL)
        finish(site, child)
        holder.rollback()
    assert site.sql("select finished_at is null and events_done > 0 from ledger.erasure") == [(True,)]
    assert "goes on with it" in forget(site, person, "--dry-run").stdout
    children = [begin(site, "forget", "--user", person.id, "--yes") for _ in range(2)]
    # one goes on with what the killed one began; the other does so too, or finds nothing when it begins after the end
    ends = [finish(site, child) for child in children]
    assert any(status == 0 for status, _ in ends), ends
    assert all(status == 0 or "nothing is recorded of user" in output for status, output in ends), ends
    assert site.sql("select count(*) <= 2, bool_and(user_id is null) from ledger.erasure") == [(True, True)]
    assert person.traces(dump(site)) == set()
    assert site.sql(HOURS) == books


def test_what_is_recorded_meanwhile_is_forgotten_too(copied_site):
    """A change that comes behind the place where the erasure is."""
    site, person = copied_site, Person(copied_site)
    with site.cluster.connect(site.database) as holder, site.cluster.connect(site.database) as worker:
        holder.autocommit = worker.autocommit = False
        holder.execute("select from toggl.time_entry where time_entry_id = (select max(time_entry_id) from toggl.time_entry) for update")
        # begun before it, and committed when it has passed
        statement, values = append(site, 1, "2025-03-31Z", 5)
        worker.execute(statement.replace("array[5::bigint]", f"array[{person.id}::bigint]"), values)
        child = begin(site, "forget", "--user", person.id, "--yes")
        wait_for(lambda: waits_for_lock(site), "it to come to the last entry")
        worker.commit()
        holder.rollback()
        status, output = finish(site, child)
        assert status == 0, output
    assert site.sql("select creator_id < 0 from ledger.event where event_id = 1") == [(True,)]
    assert site.sql("select changed_by < 0 from toggl.time_entry where time_entry_id = 5") == [(True,)]
    assert person.traces(dump(site)) == set()


def test_not_while_callbacks_wait_in_the_spool(copied_site):
    site, person = copied_site, Person(copied_site)
    endpoint = site.add_endpoint(workspace=WORKSPACE + 1)
    body = site.event(workspace=WORKSPACE + 1)
    given = {"REQUEST_METHOD": "POST", "REQUEST_URI": f"/hook/{endpoint['address']}", "CONTENT_TYPE": "application/json",
             "CONTENT_LENGTH": str(len(body)), "HTTP_X_WEBHOOK_SIGNATURE_256": sign(body, endpoint["secret"]),
             "HOOKLEDGER_DATABASE": "host=/nowhere dbname=x"}
    answer = subprocess.run([BUILD / "hookledger-receiver"], input=body, capture_output=True, check=True,
                            env={**site.environment(), **given}, **runs_as())
    assert b"200" in answer.stdout, answer
    refused = forget(site, person, "--yes", check=False)
    assert refused.returncode == 1 and "hookledger spool drain" in refused.stderr
    assert site.sql("select count(*) from ledger.erasure") == [(0,)]
    site.hookledger("spool", "drain")
    forget(site, person, "--yes")


@pytest.mark.parametrize("wrong", [(), ("--user", "0"), ("--user", "-5"), ("--user", "x"), ("--user", "5", "more")])
def test_wrong_usage(bare_site, wrong):
    assert bare_site.hookledger("forget", *wrong, check=False).returncode == 2
