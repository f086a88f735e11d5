# SPDX-License-Identifier: ISC
"""One visitor's requests stop nobody else's: exports, questions that take long, guesses at passwords."""
import concurrent.futures
import contextlib
import fcntl
import http.client
import json
import subprocess
import time

import psycopg
import pytest

import web_servers
from admin_client import API, PASSWORD, Page, by_hand, operator
from installation import BUILD, runs_as, wait_for

pytestmark = pytest.mark.plain

SOON = 1.0	# of what is not held up; what is, waits for the deadline of 3 s or for ever


@pytest.fixture
def busy(site):
    """Behind a proxy that says whose requests it brings."""
    site.write_conf(trusted_proxies="127.0.0.1", metrics_token="m" * 20)
    web_servers.lighttpd_spawned(site)
    return site


@contextlib.contextmanager
def locked(site, table):
    """Within it nobody else reads the table."""
    with psycopg.connect(site.cluster.conninfo(site.database)) as db:
        db.execute(f"lock table {table} in access exclusive mode")
        yield
        db.rollback()


@contextlib.contextmanager
def no_hashes(site, count=2):
    """Within it no password is computed on this host: all places for it are taken."""
    with contextlib.ExitStack() as stack:
        for number in range(count):
            file = stack.enter_context(open(site.spool / f"password-{number}", "ab"))
            (site.spool / f"password-{number}").chmod(0o666)
            wait_for(lambda file=file: taken(file), "the place")
        yield


def taken(file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False


def timed(call):
    began = time.monotonic()
    return call(), time.monotonic() - began


def is_well_served(site, *pages):
    """Health, metrics and what others look at are answered at once."""
    anonymous = Page(site)
    for call in (lambda: anonymous.get("health"), lambda: anonymous.get("metrics", headers={"Authorization": "Bearer " + "m" * 20}),
                 lambda: anonymous.get("setup"), *(lambda page=page: page.get("session") for page in pages),
                 *(lambda page=page: page.get("settings") for page in pages)):
        answer, seconds = timed(call)
        assert answer.status == 200 and seconds < SOON, (answer, seconds)


def guess(site, name, address, password="guess number one", **more):
    return Page(site).call("POST", "session", {"name": name, "password": password}, headers={"X-Forwarded-For": address}, **more)


# ---- what takes long

WAITING = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


def test_questions_that_take_long_stop_nobody_else(busy):
    olga, vera = operator(busy), operator(busy, "Vera", role="viewer")
    again = Page(busy)	# another session of hers: it is the operator that has a limit
    assert again.login("Vera").status == 200
    for page in (olga, vera, again) * 2:	# who they are is known to both processes
        page.get("settings")
    with concurrent.futures.ThreadPoolExecutor(12) as crowd:
        with locked(busy, "toggl.project"):
            asked = [crowd.submit(page.get, "events?text=website") for page in (vera, again) for _ in range(6)]
            wait_for(lambda: busy.sql(WAITING), "one to wait")
            for _ in range(2):
                is_well_served(busy, olga)
                assert len(busy.sql(WAITING)) <= 2	# one in each process
            first = next(iter(concurrent.futures.as_completed(asked))).result()
            assert first.status == 503 and "longer than the 3 seconds" in first.error, first
        assert {each.result().status for each in asked} <= {200, 503}
    assert vera.get("events?text=website").status == 200


def test_a_session_that_is_waited_for_stops_nobody_else(busy):
    """Each request writes when its session was used last; not behind another that takes long."""
    vera, olga = operator(busy, "Vera", role="viewer"), operator(busy)
    with psycopg.connect(busy.cluster.conninfo(busy.database)) as db:
        busy.sql("update ledger.session set seen_at = seen_at - interval '10 minutes'")
        db.execute("select from ledger.session for update")
        is_well_served(busy, vera, olga)
        db.rollback()


def test_one_who_asks_for_too_much_is_told(busy):
    vera = operator(busy, "Vera", role="viewer")
    for _ in range(4):	# who she is is known to both processes
        vera.get("settings")
    with concurrent.futures.ThreadPoolExecutor(80) as crowd:
        with locked(busy, "toggl.project"):
            asked = [crowd.submit(vera.get, "events?text=website") for _ in range(80)]
            refused = next(answer for each in concurrent.futures.as_completed(asked) if (answer := each.result()).status == 429)
            assert "at once" in refused.error and int(refused.headers["retry-after"]) > 0
            is_well_served(busy)


# ---- exports

@pytest.fixture(scope="module")
def many(request, shared_cluster, template, run_folder):
    """A site with 11,000 events and four viewers."""
    import fixtures
    site = fixtures.make_site(request, shared_cluster, run_folder / "sites", template)
    site.hookledger("simulate", "--into-database", "--events", 11000, "--people", 50, "--start", "2026-01-05")
    site.write_conf(metrics_token="m" * 20)
    web_servers.lighttpd_spawned(site)
    site.viewers = [operator(site, f"Viewer {number}", role="viewer") for number in range(4)]
    yield site
    site.close()


def test_viewers_who_export_at_once(many):
    with concurrent.futures.ThreadPoolExecutor(4) as crowd:
        asked = [crowd.submit(viewer.get, "events/export?format=csv", timeout=60) for viewer in many.viewers]
        while not all(each.done() for each in asked):
            is_well_served(many, many.viewers[0])
        answers = [each.result() for each in asked]
    assert {answer.status for answer in answers} <= {200, 503}, answers
    assert sum(answer.status == 200 for answer in answers) >= 2
    for answer in answers:
        if answer.status == 200:
            assert answer.body.count(b"\r\n") == 11001 and answer.body.startswith(b"created_at,")
        else:
            assert "exporting" in answer.error and int(answer.headers["retry-after"]) > 0


def test_an_export_says_that_it_is_whole(many):
    whole = many.viewers[0].get("events/export?format=ndjson&end=that-was-it")
    lines = whole.body.decode().split("\n")
    assert lines[-2:] == ["that-was-it", ""] and len(lines) == 11002
    assert len({json.loads(line)["event_id"] for line in lines[:-2]}) == 11000
    assert many.viewers[0].get("events/export?end=a%0Ab").status == 400
    head = many.viewers[0].call("HEAD", "events/export")
    assert head.status == 200 and not head.body


def begin_export(site, page, query="format=csv&end=whole"):
    """One by plain CGI, of which nobody reads more than the beginning."""
    child = subprocess.Popen([BUILD / "hookledger-admin"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=site.work,
                             env={**site.environment(), "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET",
                                  "REQUEST_URI": f"{API}/events/export?{query}", "REMOTE_ADDR": "127.0.0.1",
                                  "HTTP_COOKIE": f"hl_session={page.cookie}"}, **runs_as())
    assert child.stdout.read(12) == b"Status: 200 "
    return child


def test_a_slow_reader_holds_no_transaction_and_no_memory(many):
    child = begin_export(many, many.viewers[1])
    try:
        def is_at_rest():
            states = many.sql("select state from pg_stat_activity where datname = current_database() and query like '%admin.call%' and pid <> pg_backend_pid()")
            return states and all(state == "idle" for state, in states)
        wait_for(is_at_rest, "the export to wait for its reader")
        with open(f"/proc/{child.pid}/status", encoding="ascii") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
        assert peak < 200_000 if "asan" in str(BUILD) else peak < 40_000
        # one more is refused for every operator, as long as all places are taken
        other = begin_export(many, many.viewers[2])
        try:
            refused = many.viewers[3].get("events/export")
            assert refused.status == 503 and "exporting" in refused.error
        finally:
            other.kill()
            other.communicate()
    finally:
        rest, _ = child.communicate(timeout=60)
    assert rest.endswith(b"\r\nwhole\n")


def test_an_export_that_breaks_off_is_not_whole(many):
    page = Page(many)
    assert page.login("Viewer 3").status == 200
    child = begin_export(many, page)
    page.call("DELETE", "session")
    rest, _ = child.communicate(timeout=60)
    assert not rest.endswith(b"whole\n") and rest.count(b"\r\n") < 11000


def test_a_stream_behind_each_web_server(served):
    served.hookledger("simulate", "--into-database", "--events", 3000, "--people", 20, "--start", "2026-01-05")
    page = operator(served)
    whole = page.get("events/export?end=whole")
    assert whole.status == 200 and whole.body.count(b"\r\n") == 3001 and whole.body.endswith(b"\r\nwhole\n")
    # in the middle of it a row of which the database can make no line
    served.sql("create sequence ledger.cells")
    served.sql("""create or replace function ledger.csv_cell(value text) returns text language plpgsql as $$
                  begin if nextval('ledger.cells') > 9000 then raise 'no such line'; end if; return value; end $$""")
    try:
        part = page.get("events/export?end=whole")
    except http.client.IncompleteRead as cut:
        assert not cut.partial.endswith(b"whole\n")
    else:
        # not every web server says it, and plain CGI has no way to
        assert not part.body.endswith(b"whole\n") and (part.status >= 400 or served.server.partition("-")[0] != "nginx"), part


# ---- passwords

def test_guessing_holds_up_nobody_but_who_logs_in(busy):
    olga = operator(busy)
    with concurrent.futures.ThreadPoolExecutor(24) as crowd:
        with no_hashes(busy):
            asked = [crowd.submit(guess, busy, f"nobody {number}", f"198.51.100.{number}") for number in range(24)]
            time.sleep(0.1)	# nothing depends on it: the longer, the more of them wait
            for _ in range(5):
                is_well_served(busy, olga)
                assert timed(lambda: olga.get("overview"))[1] < SOON
        assert {each.result().status for each in asked} <= {401, 503}
    assert guess(busy, "Olga", "203.0.113.9", PASSWORD).status == 200


def test_a_crowd_from_one_address_is_told_at_once(busy):
    with concurrent.futures.ThreadPoolExecutor(40) as crowd:
        with no_hashes(busy):
            asked = [crowd.submit(guess, busy, f"nobody {number}", "198.51.100.1") for number in range(40)]
            refused = next(answer for each in concurrent.futures.as_completed(asked) if (answer := each.result()).status == 429)
            assert int(refused.headers["retry-after"]) > 0
        assert {each.result().status for each in asked} <= {401, 429, 503}


def test_known_and_unknown_names_answer_alike(busy):
    """Here the whole answers; tests/sql/logins_guessed.sql has longer sequences of guesses."""
    operator(busy)
    answers = []
    for name in ("Olga", "Oskar"):
        busy.sql("delete from ledger.throttle")
        answers.append([(answer.status, answer.body, answer.headers["retry-after"] if answer.status == 429 else None, sorted(answer.headers))
                        for answer in (guess(busy, name, "203.0.113.1", f"wrong password {number}") for number in range(13))])
    assert answers[0] == answers[1] and [status for status, *_ in answers[0]] == [401] * 10 + [429] * 3


def test_names_that_nobody_has_are_not_kept(busy):
    guess(busy, "a password in the wrong field", "203.0.113.1")
    assert "wrong field" not in str(busy.sql("select * from ledger.throttle")) and len(busy.sql("select 1 from ledger.throttle")) == 3


# ---- the first visit

def test_guesses_at_the_setup_token_are_counted(bare_site):
    token = "a token of twenty and more"
    bare_site.write_conf(trusted_proxies="127.0.0.1", setup_token=token)

    def setup(said, address):
        # a process each: what it counts is not in its memory
        return by_hand(bare_site, "POST", "setup", json.dumps({"token": said, "name": "Olga", "zone": "UTC", "password": PASSWORD}).encode(),
                       HTTP_X_FORWARDED_FOR=address)

    statuses = [setup(f"guess {number}", "198.51.100.1").status for number in range(12)]
    assert statuses == [403] * 10 + [429] * 2
    late = setup(token, "198.51.100.1")
    assert late.status == 429 and int(late.headers["retry-after"]) > 0 and "set-cookie" not in late.headers
    assert setup(token, "198.51.100.2").status == 200	# the owner, from elsewhere
