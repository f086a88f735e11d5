# SPDX-License-Identifier: ISC
"""deploy/quickstart as a person starts it, in copies of this checkout."""
import contextlib
import datetime
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess

import pytest

from installation import SOURCE, new_folder, runs_as, wait_for

pytestmark = pytest.mark.plain

AS_ROOT = os.geteuid() == 0
NAMES = ["CALLBACK_URL", "CALLBACK_SECRET", "WORKSPACE_ID", "DATABASE_URL", "HOOKLEDGER_CONF"]
root_only = pytest.mark.skipif(not AS_ROOT, reason="only root can become another user")


def quiet_port():
    """A free one that nobody gets by chance while hookledger is being built."""
    while True:
        port = random.randrange(20000, 30000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port


class Checkout:
    """A copy of the project in a folder of its own, used by one user."""

    def __init__(self, folder, user):
        self.folder, self.user = folder, user
        shutil.copytree(SOURCE, folder, symlinks=True,
                        ignore=shutil.ignore_patterns("var", ".git", "__pycache__", "autom4te.cache", "node_modules"))
        if user:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, user["user"], user["group"], follow_symlinks=False)
        self.port = quiet_port()
        self.env = {**os.environ, "HOME": str(folder)}

    def spawn(self, *words):
        # where the tests run in the background Ctrl-C is ignored, also by all that they start
        command = ["env", "--default-signal=INT", self.folder / "deploy/quickstart", *map(str, words)]
        return subprocess.Popen(command, cwd=self.folder, env=self.env,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                start_new_session=True, **(self.user or {}))

    def quickstart(self, *words, status=0):
        child = self.spawn(*words)
        out, _ = child.communicate(timeout=300)
        assert child.returncode == status, out
        return out

    def start(self):
        return self.quickstart("--detach", "--port", self.port)

    def stay(self):
        """Started in the foreground, until it says how to end it."""
        child = self.spawn("--port", self.port)
        lines = [""]
        while "Ctrl-C" not in lines[-1]:
            lines.append(child.stdout.readline())
            assert lines[-1], "".join(lines)
        return child

    def shell(self, command):
        """What a script does that uses var/quickstart/env."""
        done = subprocess.run(["bash", "-euc", f". var/quickstart/env; {command}"], cwd=self.folder, env=self.env,
                              capture_output=True, text=True, check=False, timeout=60, **(self.user or {}))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, sql, database="$DATABASE_URL"):
        return self.shell(f'psql -XAtc "{sql}" "{database}"').strip()

    def events(self):
        return int(self.ask("select count(*) from ledger.event"))

    @contextlib.contextmanager
    def company_of(self, people):
        """Started with a company of this size, by the script of this copy; stopped in the end."""
        script = self.folder / "deploy/quickstart"
        text = script.read_text(encoding="utf-8")
        assert "company=(--people 100 " in text
        self.quickstart("--stop")
        script.write_text(text.replace("--people 100 ", f"--people {people} "), encoding="utf-8")
        try:
            self.start()
            yield
            self.quickstart("--stop")
        finally:
            script.write_text(text, encoding="utf-8")

    def next_event(self):
        """The time of the next event of the company that is at work."""
        pid = (self.folder / "var/quickstart/toggl/simulate.pid").read_text().strip()
        with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
            words = file.read().rstrip("\0").split("\0")
        done = subprocess.run([*[word for word in words[:words.index("--retry")]], "--dump", "--events", "1",
                               "--since", datetime.datetime.now(datetime.UTC).isoformat()],
                              capture_output=True, text=True, check=True, timeout=60, stdin=subprocess.DEVNULL)
        return datetime.datetime.fromisoformat(json.loads(done.stdout)["created_at"])

    def processes(self):
        """Whatever runs out of its folders."""
        folders = [str(self.folder), os.path.realpath(self.folder / "var/quickstart")]
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    words = file.read().decode("utf-8", "replace").replace("\0", " ")
            except OSError:
                continue
            if any(folder in words for folder in folders) and "pytest" not in words:
                found.append(words)
        return found


def started(folder, user=None):
    checkout = Checkout(folder, user)
    try:
        yield checkout
    finally:
        checkout.quickstart("--reset")
        assert not checkout.processes()


@pytest.fixture(scope="module")
def checkout(run_folder):
    """As whoever runs the tests: root in CI."""
    yield from started(new_folder(run_folder / "quick") / "a")


@pytest.mark.timeout(400)
def test_from_nothing_to_recorded_events(checkout):
    out = checkout.start()
    assert f"http://127.0.0.1:{checkout.port}/hook/" in out
    # what is printed works as it is, and shows no password to who lists processes
    line = re.search(r"psql '(postgresql://\S+)'", out)
    assert checkout.shell(f"env -u DATABASE_URL {line[0]} -XAtc 'select current_database()'") == "hookledger\n"
    settings = (checkout.folder / "var/quickstart/hookledger.conf").read_text()
    password = re.search(r"^database = postgresql://hookledger:([^@]{20,})@", settings, re.M)[1]
    assert password not in checkout.shell('printf "%s\n" "$DATABASE_URL" "$TOGGL_DATABASE_URL"') + out
    assert (checkout.folder / "var/quickstart/pgpass").stat().st_mode & 0o777 == 0o600
    # the page, and a login that works
    said = dict(line.split("=", 1) for line in checkout.shell("env | grep ^ADMIN_").splitlines())
    assert said["ADMIN_URL"] == f"http://127.0.0.1:{checkout.port}/admin/" and said["ADMIN_URL"] in out and said["ADMIN_PASSWORD"] in out
    assert "js/main.js" in checkout.shell('curl -fsS "$ADMIN_URL"')
    assert '"csrf"' in checkout.shell("""curl -fsS -H 'Content-Type: application/json' "${ADMIN_URL}api/session" -d '{"name":"'"$ADMIN_USER"'","password":"'"$ADMIN_PASSWORD"'"}'""")
    assert "deploy/quickstart --stop" in out
    # four days of a hundred people came from Toggl, and all of what Toggl has since the connection
    assert checkout.events() > 4000
    assert int(checkout.ask("select count(*) from ledger.event where source = 'webhook'")) >= checkout.events() - 500
    assert checkout.ask("select count(distinct user_id) from toggl.time_entry") == "100"
    values = checkout.shell(f"printf '%s\\n' {' '.join(f'${name}' for name in NAMES)}; command -v hookledger").split()
    assert len(values) == len(NAMES) + 1
    assert values[0].startswith(f"http://127.0.0.1:{checkout.port}/hook/")
    assert values[2] == "7435584"
    assert values[5].startswith(os.path.realpath(checkout.folder / "var/quickstart"))
    assert (checkout.folder / "var/quickstart/env").stat().st_mode & 0o77 == 0
    run = checkout.folder / "var/quickstart"
    for log in ("postgresql/log", "migrate.log", "courier.log", "lighttpd.log", "toggl/migrate.log", "toggl/courier.log", "toggl/simulate.log"):
        assert (run / log).stat().st_mode & 0o77 == 0, log


def test_it_is_connected(checkout):
    """As one is to Toggl: by a subscription that Toggl has validated, with the names loaded."""
    known = json.loads(checkout.shell("hookledger toggl list --json"))["subscriptions"]
    assert [(one["state"], one["enabled"]) for one in known] == [("well", True)]
    me = json.loads(checkout.shell('curl -fsS -u "$TOGGL_API_TOKEN:api_token" "$TOGGL_URL/api/v9/me"'))
    assert me["default_workspace_id"] == 7435584
    assert "All is well" in checkout.shell("hookledger findings")
    # what Toggl did not send, because it was before the connection
    assert checkout.ask("select count(*) from ledger.event where source = 'backfill'") > "0"
    assert int(checkout.ask("select count(*) from toggl.project where name is null")) == 0


@pytest.mark.timeout(400)
def test_something_happens(checkout):
    """In a company of a hundred nothing may happen for ten minutes at night; one of
    2,000 makes an event within seconds at any hour."""
    with checkout.company_of(2000):
        due = checkout.next_event()
        wait_for(lambda: datetime.datetime.now(datetime.UTC) > due, "the time of the event", 60)
        wait_for(lambda: int(checkout.ask(f"select count(*) from ledger.event where created_at >= '{due.isoformat()}'")) > 0, "the event", 20)


@pytest.mark.timeout(400)
def test_a_second_start_takes_seconds_and_keeps_the_data(checkout):
    checkout.start()
    env = (checkout.folder / "var/quickstart/env").read_text()
    checkout.shell('hookledger simulate --url "$CALLBACK_URL" --secret-file - --seed 2 --events 50 --start 2026-01-01 '
                   '<<<"$CALLBACK_SECRET"')
    by_hand = "select count(*) from ledger.event join ledger.endpoint using (endpoint_id) where name = 'by hand'"
    assert checkout.ask(by_hand) == "50"
    before = checkout.events()
    assert "already" in checkout.quickstart("--detach")
    checkout.quickstart("--stop")
    assert not checkout.processes()
    child = checkout.spawn("--detach")
    out, _ = child.communicate(timeout=20)	# seconds, not a build
    assert child.returncode == 0, out
    assert checkout.ask(by_hand) == "50"
    assert before <= checkout.events() < before + 200
    assert checkout.ask("select count(*) from ledger.event", "$TOGGL_DATABASE_URL") > "0"
    assert (checkout.folder / "var/quickstart/env").read_text() == env
    assert checkout.shell("hookledger doctor >/dev/null; hookledger verify").strip()


def signed(checkout, body):
    return checkout.shell(f"""body='{body}'
        signature=$(printf %s "$body" | openssl dgst -sha256 -hmac "$CALLBACK_SECRET" | sed 's/.* //')
        curl -sS -o /dev/null -w '%{{http_code}}' -H 'Content-Type: application/json' -H "X-Webhook-Signature-256: sha256=$signature" -d "$body" "$CALLBACK_URL" """)


@pytest.mark.timeout(400)
def test_it_starts_whatever_is_found(checkout):
    checkout.start()
    signed(checkout, '{"hello":1}')	# an event it is not; it is kept aside
    assert "quarantine" in checkout.shell("hookledger findings || true")
    checkout.quickstart("--stop")
    assert "quarantine" in checkout.start()
    assert "it is running already, on port" in checkout.quickstart("--detach", "--port", quiet_port(), status=1)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("part", ["lighttpd", "hookledger-courier", "toggl/lighttpd", "toggl/simulate"])
def test_a_part_that_was_killed(checkout, part):
    """A start makes it whole again, and nothing of it is left in the end."""
    checkout.start()
    whole = len(checkout.processes())
    pid = int((checkout.folder / f"var/quickstart/{part}.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    checkout.start()
    wait_for(lambda: len(checkout.processes()) == whole, "as many processes as before", 20)
    assert "js/main.js" in checkout.shell('curl -fsS "$ADMIN_URL"')
    assert checkout.shell('curl -sS -o /dev/null -w "%{http_code}" "${ADMIN_URL%admin/}error.log"') == "404"
    pid = int((checkout.folder / f"var/quickstart/{part}.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    checkout.quickstart("--stop")
    wait_for(lambda: not checkout.processes(), "no process left", 20)


@pytest.mark.timeout(400)
def test_on_another_port(checkout):
    """Toggl learns where it has to call now."""
    checkout.start()
    checkout.quickstart("--stop")
    port = quiet_port()
    checkout.quickstart("--detach", "--port", port)
    url = json.loads(checkout.shell("hookledger toggl list --json"))["subscriptions"][0]["url"]
    assert url.startswith(f"http://127.0.0.1:{port}/hook/")
    checkout.quickstart("--stop")
    checkout.start()


def test_a_terminal_that_stays(checkout):
    """In the foreground it runs until Ctrl-C."""
    checkout.quickstart("--stop")
    child = checkout.stay()
    assert checkout.events() > 4000
    # as a terminal does: to every process of the foreground
    os.killpg(child.pid, signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 0, out
    assert "Stopped" in out
    assert not checkout.processes()


def test_stop_ends_a_foreground_one_too(checkout):
    child = checkout.stay()
    checkout.quickstart("--stop")
    assert "Stopped" in child.communicate(timeout=60)[0]
    assert child.returncode == 0


def test_a_port_that_is_taken(checkout):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        out = checkout.quickstart("--detach", "--port", other.getsockname()[1], status=1)
        assert "in use" in out


@root_only
def test_a_folder_of_somebody_else(checkout):
    child = subprocess.run([checkout.folder / "deploy/quickstart"], capture_output=True, text=True, check=False,
                           timeout=60, **runs_as())
    assert child.returncode == 1
    assert "may not write to" in child.stderr


def test_wrong_usage(checkout):
    for words in (["--nonsense"], ["--port"], ["--port", "x"], ["--port", "99999"]):
        assert "usage" in checkout.quickstart(*words, status=2)
    assert "--detach" in checkout.quickstart("--help")


@root_only
@pytest.mark.timeout(400)
def test_without_root(run_folder):
    folder = new_folder(run_folder / "quick-user")
    for checkout in started(folder / "a", runs_as()):
        checkout.start()
        assert checkout.events() > 4000
        assert not os.path.islink(checkout.folder / "var/quickstart")


@root_only
@pytest.mark.timeout(400)
def test_a_checkout_that_only_root_can_reach(run_folder):
    """As /root is: PostgreSQL and lighttpd get a folder elsewhere. As they do, and make,
    where a name has a blank, a quote or a letter of another script in it."""
    folder = run_folder / "quick closed"
    folder.mkdir(mode=0o700)
    for checkout in started(folder / "it's $HOME & Größe"):
        checkout.start()
        assert checkout.events() > 4000
        elsewhere = os.readlink(checkout.folder / "var/quickstart")
        assert re.fullmatch(r"/var/lib/hookledger-quickstart-[0-9a-f]{8}", elsewhere)
        checkout.quickstart("--reset")
        assert not os.path.exists(elsewhere)


@root_only
def test_without_root_missing_packages_are_named(run_folder):
    packages = shutil.copy(SOURCE / "deploy/packages", run_folder)
    done = subprocess.run([packages, "sh:dash", "no-such-program:a-package", "/no/such/*:another"],
                          capture_output=True, text=True, check=False, cwd="/", **runs_as())
    assert done.returncode == 1
    assert "apt-get install a-package another" in done.stderr
