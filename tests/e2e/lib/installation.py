# SPDX-License-Identifier: ISC
"""What an end-to-end test runs on: one private PostgreSQL for the whole run,
and a site a test: a database, a settings file, an endpoint, a web server. All
programs are the real ones. As root everything is run as the user postgres,
because PostgreSQL refuses root and nothing here needs it."""
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import pwd
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time

import psycopg

from catalogue import sentence

SOURCE = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("HL_BUILD", SOURCE / "var/test-build")).resolve()
INSTALLED_WWW = pathlib.Path(os.environ.get("HL_WWW", BUILD.parent / "share/hookledger/www"))
SQL = pathlib.Path(os.environ.get("HL_SQL", SOURCE / "sql"))
IS_SANITIZED = "HL_SANITIZED" in os.environ
# Texts that none of our programs may ever output.
ALARM = re.compile(r"ERROR: (Address|Leak)Sanitizer|runtime error: |stack smashing|free\(\): |double free|malloc\(\): ")
WORKSPACE = 7435584
START_SECONDS = 30
# of free_port(); none of those that the quickstart tries first
PORTS = range(16000, 32000)
RESERVATIONS = []

# of the PostgreSQL of the tests; deploy/cluster has the rest
POSTGRESQL = ("listen_addresses=", "max_connections=60", "shared_buffers=64MB", "max_prepared_transactions=2",
              "log_line_prefix=%m %d ")


def wait_for(condition, what, seconds=START_SECONDS):
    """Waits until condition() is true, and returns its value; for at most `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for: {what}")
        time.sleep(0.02)


class Calling:
    """A call in another thread."""

    def __init__(self, call, *words, **more):
        self.answer = None

        def run():
            self.answer = call(*words, **more)

        self.thread = threading.Thread(target=run)
        self.thread.start()

    def result(self):
        self.thread.join(60)
        return self.answer


def is_free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def free_port():
    """A port of 127.0.0.1 that no other test gets while this process lives. It
    is below those that the system gives to connections (ip_local_port_range), and
    an abstract socket of its name reserves it, also from other runs."""
    for port in random.SystemRandom().sample(PORTS, 1000):
        reservation = socket.socket(socket.AF_UNIX)
        try:
            reservation.bind(f"\0hookledger-test-port-{port}")
        except OSError:
            reservation.close()
            continue
        if is_free(port):
            RESERVATIONS.append(reservation)
            return port
        reservation.close()
    raise AssertionError("no free port")


def runs_as():
    """Keyword arguments for subprocess: the user that runs the programs of a test."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def give(path):
    """Gives a file or folder to the user of runs_as()."""
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(path, user.pw_uid, user.pw_gid)
    return path


def new_folder(path):
    path.mkdir(parents=True, exist_ok=True)
    return give(path)


def sign(body, secret):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signal_all(pids, number):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


class Cluster:
    """The private PostgreSQL."""

    def __init__(self, work, *settings):
        self.work = work
        new_folder(work)
        self.sockets = work
        self.data = work / "data"
        self.cluster("make", work, 5432, *POSTGRESQL, *settings)
        self.bin = pathlib.Path(self.cluster("bin").strip())
        self.start()

    @staticmethod
    def cluster(*words):
        done = subprocess.run([SOURCE / "deploy/cluster", *map(str, words)], capture_output=True, text=True,
                              check=False)
        if done.returncode:
            raise AssertionError(f"deploy/cluster {words[0]}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self):
        # A child of this process, so that it is reaped after a kill and its
        # process id is free again.
        with open(self.work / "postgresql.log", "ab") as log:
            self.child = subprocess.Popen([self.bin / "postgres", "-D", self.data], stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=log, cwd=self.work, **runs_as())
        wait_for(self.is_ready, "PostgreSQL to start")

    def is_ready(self):
        if self.child.poll() is not None:
            log = (self.work / "postgresql.log").read_text(encoding="utf-8")
            raise RuntimeError(f"PostgreSQL does not start:\n{log[-2000:]}")
        return subprocess.run([self.bin / "pg_isready", "-q", "-h", self.sockets], check=False).returncode == 0

    def stop(self, mode="fast"):
        self.child.send_signal({"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode])
        self.child.wait(60)

    def restart(self, mode="fast"):
        self.stop(mode)
        self.start()

    def pids(self):
        """The postmaster and all its processes."""
        return sorted(descendants(self.child.pid))

    def held(self):
        """All its processes; the postmaster is stopped, so that it starts no others."""
        os.kill(self.child.pid, signal.SIGSTOP)
        return self.pids()

    @contextlib.contextmanager
    def frozen(self):
        """A context in which all its processes are stopped."""
        pids = self.held()
        try:
            signal_all(pids, signal.SIGSTOP)
            yield
        finally:
            signal_all(pids, signal.SIGCONT)

    def crash(self):
        """A power cut for PostgreSQL: kills all processes at once."""
        pids = self.held()
        signal_all(reversed(pids), signal.SIGKILL)
        self.child.wait(60)
        wait_for(lambda: not any(is_alive(pid) for pid in pids), "PostgreSQL to be gone")

    def conninfo(self, database, user="postgres"):
        return f"host={self.sockets} dbname={database} user={user}"

    def connect(self, database, user="postgres"):
        return psycopg.connect(self.conninfo(database, user), autocommit=True)

    def create(self, name, template):
        with self.connect("postgres") as db:
            db.execute(f'create database "{name}" template "{template}"')

    def drop(self, name):
        with self.connect("postgres") as db:
            db.execute(f'drop database if exists "{name}" with (force)')


def receivers(site):
    """The process ids of the receiver."""
    found = []
    for pid in descendants(site.web.pid) | (descendants(site.receiver.pid) if hasattr(site, "receiver") else set()):
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii") as comm:
                if comm.read().startswith("hookledger-rece"):
                    found.append(pid)
        except OSError:
            pass
    return found


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def descendants(root):
    parents = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="latin-1") as stat:
                parents[int(entry)] = int(stat.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    found, grown = {root}, True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def coded(self, member="error"):
        """The message (code and parameters) of an error, or in another member."""
        return self.json()[member]

    @property
    def error(self):
        """The error as a sentence."""
        return sentence(self.coded())

    def __repr__(self):
        return f"Answer({self.status}, {self.body[:200]!r})"


class Site:
    """One installation of hookledger for one test."""

    www = INSTALLED_WWW

    def __init__(self, cluster, work, template):
        self.cluster = cluster
        self.work = work
        self.database = "t_" + secrets.token_hex(6)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.base_path = ""
        self.processes = []
        self.links = []	# sockets of the test, closed at its end
        self.next_event = 8023169000000000 + secrets.randbelow(10**9)
        new_folder(work)
        self.spool = new_folder(work / "spool")
        self.logs = new_folder(work / "log")
        cluster.create(self.database, template)
        self.settings = {
            "database": cluster.conninfo(self.database),
            "master_key": secrets.token_hex(32),
            "public_url": self.url,
            "spool_dir": str(self.spool),
            "sql_dir": str(SQL),
            "log_level": "debug",
        }
        self.conf = work / "hookledger.conf"
        self.write_conf()
        self.endpoint = None

    def write_conf(self, **changes):
        self.settings.update({key.replace("__", "."): value for key, value in changes.items()})
        # atomically: a program that starts at this moment reads the old or the new file
        fresh = self.conf.with_suffix(".new")
        fresh.write_text("".join(f"{key} = {value}\n" for key, value in self.settings.items()
                                 if value is not None), encoding="utf-8")
        fresh.chmod(0o640)
        give(fresh)
        fresh.rename(self.conf)

    def add_migration(self, name):
        """Gives this site its own SQL files: those of the release, and after them a
        migration of tests/data/migrations. Returns its file."""
        folder = self.work / "sql"
        shutil.copytree(SQL, folder)
        number = len(list((folder / "migrations").iterdir())) + 1
        file = folder / "migrations" / f"{number:04}_{name}.sql"
        shutil.copy(SOURCE / "tests/data/migrations" / f"{name}.sql", file)
        self.write_conf(sql_dir=folder)
        return file

    # Programs

    def environment(self):
        return {**os.environ, "HOOKLEDGER_CONF": str(self.conf), "LC_ALL": "C.UTF-8"}

    def spawn(self, name, argv):
        with open(self.logs / f"{name}.log", "ab") as log:
            child = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=log,
                                     stderr=log, cwd=self.work, env=self.environment(),
                                     start_new_session=True,	# Apache signals its whole group
                                     **runs_as())
        self.processes.append(child)
        return child

    def end(self, child, sign_number=signal.SIGTERM, seconds=15):
        """Ends a process and its children; returns its exit status."""
        family = descendants(child.pid)
        if child.poll() is None:
            child.send_signal(sign_number)
        try:
            child.wait(seconds)
        finally:
            # A process that outlives its parent (a receiver of a killed web server).
            for pid in family:
                if is_alive(pid) and pid != child.pid:
                    try:
                        wait_for(lambda pid=pid: not is_alive(pid), f"process {pid} to end", 5)
                    except AssertionError:
                        os.kill(pid, signal.SIGKILL)
            if child in self.processes:
                self.processes.remove(child)
        return child.returncode

    def hookledger(self, *arguments, stdin=None, check=True, env=None):
        """Runs the command line; returns its CompletedProcess (text)."""
        done = subprocess.run([BUILD / "hookledger", *map(str, arguments)], input=stdin, text=True,
                              capture_output=True, cwd=self.work, check=False, timeout=120,
                              env={**self.environment(), **(env or {})}, **runs_as())
        if check and done.returncode:
            raise AssertionError(f"hookledger {' '.join(map(str, arguments))}: exit {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    # Endpoint and callbacks

    def add_endpoint(self, *more, workspace=WORKSPACE, secret=None):
        arguments = ["endpoint", "add", "--json", *more]
        if workspace:
            arguments += ["--workspace", workspace]
        if secret is not None:
            arguments += ["--secret-file", "-"]
        self.endpoint = json.loads(self.hookledger(*arguments, stdin=secret).stdout)
        return self.endpoint

    def event(self, workspace=WORKSPACE, model="tag", action="created", **fields):
        """Bytes of a new event in Toggl's shape; keyword arguments replace
        members, None leaves one out."""
        self.next_event += 1
        body = {
            "event_id": self.next_event,
            "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "creator_id": 9000001,
            "metadata": {"action": action, "model": model, "event_user_id": "9000001",
                         "request_type": "POST", "workspace_id": str(workspace)},
            "payload": {"id": 15000001, "workspace_id": workspace, "name": "Größe ⏱ \"v2\""},
            "subscription_id": 10713,
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        body.update(fields)
        return json.dumps({key: value for key, value in body.items() if value is not None},
                          ensure_ascii=False).encode()

    def send(self, body, *, method="POST", address=None, path=None, secret=None, signature=None,
             content_type="application/json", headers=None, timeout=30, port=None):
        """Sends one callback to the web server; signature False: none."""
        address = address or (self.endpoint["address"] if self.endpoint else "x")
        path = path if path is not None else f"{self.base_path}/hook/{address}"
        all_headers = {}
        if content_type is not None:
            all_headers["Content-Type"] = content_type
        if signature is None:
            signature = sign(body, secret or self.endpoint["secret"])
        if signature is not False:
            all_headers["X-Webhook-Signature-256"] = signature
        all_headers.update(headers or {})
        link = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=timeout)
        try:
            link.request(method, path, body, all_headers)
            answer = link.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            link.close()

    # What was recorded

    def sql(self, text, *values):
        with self.cluster.connect(self.database) as db:
            done = db.execute(text, values or None)
            return done.fetchall() if done.description else []

    def recorded(self):
        """(event_id, times recorded) of all events."""
        return dict(self.sql("select event_id, count(*) from ledger.event group by 1"))

    def counter(self, reason):
        return self.sql("select coalesce(sum(count), 0)::int from ledger.receiver_counter where reason = %s",
                        reason)[0][0]

    def spool_is_empty(self):
        return not list(self.spool.glob("*.spool"))

    def keep(self, link):
        """A socket that is closed with the site, for tests that do not close theirs."""
        self.links.append(link)
        return link

    def close(self):
        for link in self.links:
            link.close()
        for child in list(reversed(self.processes)):
            try:
                self.end(child)
            except subprocess.TimeoutExpired:
                for pid in descendants(child.pid):
                    os.kill(pid, signal.SIGKILL)
                child.wait()
        self.cluster.drop(self.database)
        alarm = ALARM.search(self.all_logs())
        assert not alarm, self.all_logs()

    def all_logs(self):
        text = []
        for log in sorted(self.logs.iterdir()):
            text.append(f"---- {log.name}\n{log.read_text(encoding='utf-8', errors='replace')[-20000:]}")
        return "\n".join(text)


class Sender(threading.Thread):
    """Sends events one after the other as Toggl would, until stop(): repeats an
    event that was not acknowledged, and keeps what was. The same few entities
    are changed and deleted by all."""

    def __init__(self, site, retry=True):
        super().__init__(daemon=True)
        self.rng = random.Random(self.name)
        self.site, self.retry = site, retry
        self.acknowledged, self.statuses, self.slowest = [], {}, 0.0
        self.stopped = threading.Event()

    def run(self):
        while not self.stopped.is_set():
            body = self.one_event()
            event_id = json.loads(body)["event_id"]
            while not self.stopped.is_set():
                began = time.monotonic()
                try:
                    status = self.site.send(body).status
                except (OSError, http.client.HTTPException) as trouble:
                    status = type(trouble).__name__
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.statuses[status] = self.statuses.get(status, 0) + 1
                if status == 200:
                    self.acknowledged.append(event_id)
                if status == 200 or not self.retry:
                    break
                self.stopped.wait(0.02)

    def one_event(self):
        model, action = self.rng.choice(["time_entry", "tag", "project"]), self.rng.choice(["created", "updated", "updated", "deleted"])
        said = {} if action == "deleted" else {"name": "Größe", "start": "2026-07-01T10:00:00Z", "duration": self.rng.choice([60, -1, "odd"])}
        return self.site.event(model=model, action=action, payload={"id": self.rng.randint(1, 4), **said})

    def stop(self):
        self.stopped.set()
        self.join(60)
        return self.acknowledged
