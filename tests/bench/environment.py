# SPDX-License-Identifier: ISC
"""What the benchmark runs on: a private PostgreSQL, migrated databases, processes that are stopped at
the end whatever happens, and their CPU time and memory, read from /proc."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

WORKSPACE = 7435584	# whose time entries the load generator sends
TICK = os.sysconf("SC_CLK_TCK")
START_SECONDS = 30
STOP_SECONDS = 15

POSTGRESQL_CONF = """
listen_addresses = ''
unix_socket_directories = '{sockets}'
max_connections = 150
shared_buffers = 256MB
fsync = on
synchronous_commit = on
full_page_writes = on
max_wal_size = 8GB
checkpoint_timeout = 30min
logging_collector = off
log_checkpoints = off
"""


class BenchError(Exception):
    """The benchmark cannot go on; the text says why."""


class Process:
    """One line of /proc/PID/stat."""

    def __init__(self, pid):
        with open(f"/proc/{pid}/stat", encoding="latin-1") as stat:
            text = stat.read()
        self.name = text[text.index("(") + 1:text.rindex(")")]
        fields = text[text.rindex(")") + 2:].split()
        self.pid = int(pid)
        self.ended = fields[0] in "ZX"
        self.parent = int(fields[1])
        # Own time and that of children which have ended and were waited for.
        self.ticks = sum(int(value) for value in fields[11:15])
        self.started = int(fields[19])


def processes():
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                process = Process(entry)
            except (OSError, ValueError):
                continue
            found[process.pid] = process
    return found


def descendants(roots):
    """These processes and all that descend from them."""
    by_pid = processes()
    members = {pid: by_pid[pid] for pid in roots if pid in by_pid}
    grown = True
    while grown:
        grown = False
        for process in by_pid.values():
            if process.pid not in members and process.parent in members:
                members[process.pid] = process
                grown = True
    return members


def cpu_seconds(roots, program=""):
    """CPU time of these processes and their descendants, or of those whose name starts so."""
    return sum(process.ticks for process in descendants(roots).values()
               if process.name.startswith(program[:15])) / TICK


def peak_memory_mb(roots, program):
    """The largest resident set that any process of this program ever had."""
    peak = 0.0
    for process in descendants(roots).values():
        if not process.name.startswith(program[:15]):
            continue
        try:
            with open(f"/proc/{process.pid}/status", encoding="latin-1") as status:
                fields = dict(line.split(":", 1) for line in status if ":" in line)
        except OSError:
            continue
        if "VmHWM" in fields:
            peak = max(peak, int(fields["VmHWM"].split()[0]) / 1024)
    return peak


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Environment:
    """A work folder with a PostgreSQL in it."""

    def __init__(self, work, pg_bin):
        self.work = pathlib.Path(work)
        self.bin = self.work / "bin"
        self.pg_bin = pathlib.Path(pg_bin)
        self.data = self.work / "pgdata"
        self.sockets = self.work / "s"
        self.postgres = None
        self.running = []
        self.next_id = 8023169000000000
        self.hookledgers = {}

    # Processes

    def spawn(self, argv, env=None, name=None):
        """In a session of its own: Apache's prefork ends its whole process group."""
        name = name or pathlib.Path(argv[0]).name
        with open(self.work / f"{name}.log", "ab") as log:
            child = subprocess.Popen([str(arg) for arg in argv], stdin=subprocess.DEVNULL,
                                     stdout=log, stderr=log, cwd=self.work,
                                     start_new_session=True, env={**os.environ, **(env or {})})
        self.running.append(child)
        return child

    def stop(self, child, sign=signal.SIGTERM):
        """Ends a process and whatever it has started."""
        members = descendants([child.pid])
        if child.poll() is None:
            child.send_signal(sign)
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        deadline = time.monotonic() + 2
        left = self.alive(members)
        while left and time.monotonic() < deadline:
            time.sleep(0.02)
            left = self.alive(members)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        if child in self.running:
            self.running.remove(child)

    @staticmethod
    def alive(members):
        now = processes()
        return [pid for pid, process in members.items()
                if pid in now and now[pid].started == process.started and not now[pid].ended]

    def close(self):
        for child in list(reversed(self.running)):
            self.stop(child, signal.SIGINT if child is self.postgres else signal.SIGTERM)

    def wait_for_port(self, port, children):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            for child in children:
                if child.poll() is not None:
                    raise BenchError(f"{child.args[0]} ended with {child.returncode} at its start")
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise BenchError(f"nobody listens on port {port}")

    def wait_for_path(self, path):
        deadline = time.monotonic() + START_SECONDS
        while not path.exists():
            if time.monotonic() > deadline:
                raise BenchError(f"{path.name} did not appear")
            time.sleep(0.05)

    # PostgreSQL

    def start_postgres(self, *options):
        if not self.data.exists():
            self.sockets.mkdir(exist_ok=True)
            subprocess.run([self.pg_bin / "initdb", "-D", self.data, "-A", "trust", "-U", "bench", "-E", "UTF8",
                            "--locale=C.UTF-8", "--no-sync"], check=True, stdout=subprocess.DEVNULL)
            with open(self.data / "postgresql.conf", "a", encoding="utf-8") as conf:
                conf.write(POSTGRESQL_CONF.format(sockets=self.sockets))
        self.postgres = self.spawn([self.pg_bin / "postgres", "-D", self.data, *options])
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run([self.pg_bin / "pg_isready", "-q", "-h", self.sockets, "-U", "bench"],
                             check=False).returncode:
            if self.postgres.poll() is not None or time.monotonic() > deadline:
                raise BenchError("PostgreSQL does not start")
            time.sleep(0.05)

    def stop_postgres(self):
        self.stop(self.postgres, signal.SIGINT)
        self.postgres = None

    def sql(self, database, text):
        done = subprocess.run([self.pg_bin / "psql", "-XAtqv", "ON_ERROR_STOP=1", "-h", self.sockets, "-U", "bench",
                               "-d", database, "-c", text], capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchError(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    def sql_file(self, database, path):
        subprocess.run([self.pg_bin / "psql", "-Xqv", "ON_ERROR_STOP=1", "-h", self.sockets, "-U", "bench",
                        "-d", database, "-f", path], check=True, stdout=subprocess.DEVNULL)

    def sessions(self, database):
        """How many connections this database has, without asking it."""
        count = 0
        for pid in descendants([self.postgres.pid]):
            try:
                title = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode("latin-1")
            except OSError:
                continue
            count += title.startswith("postgres: ") and f" {database} " in title
        return count

    # hookledger

    def hookledger(self, database="ledger"):
        """A migrated database with one endpoint; made when first asked for. In that called plain the
        typed tables are not written."""
        if database in self.hookledgers:
            return self.hookledgers[database]
        spool = self.work / f"spool-{database}"
        spool.mkdir(mode=0o700)
        conf = self.work / f"{database}.conf"
        conf.write_text(f"database = host={self.sockets} dbname={database} user=bench\n"
                        f"master_key = {'5b' * 32}\n"
                        "public_url = http://127.0.0.1\n"
                        "allowed_networks = 127.0.0.1\n"
                        f"spool_dir = {spool}\n"
                        f"sql_dir = {self.work}/sql\n", encoding="utf-8")
        conf.chmod(0o600)
        self.sql("postgres", f"create database {database}")
        self.command(conf, "migrate")
        if database == "plain":
            self.sql_file(database, self.work / "plain.sql")
        endpoint = json.loads(self.command(conf, "endpoint", "add", "--workspace", str(WORKSPACE), "--json"))
        self.hookledgers[database] = {"conf": conf, "spool": spool, "secret": endpoint["secret"],
                                      "path": "/hook/" + endpoint["address"]}
        return self.hookledgers[database]

    def command(self, conf, *words):
        done = subprocess.run([self.bin / "hookledger", "--conf", conf, *words],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchError(f"hookledger {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    # Load

    def load(self, port, path, secret, connections, seconds=None, requests=None, updates=0, rate=0, watch=None):
        """Runs the load generator; watch is called ten times a second meanwhile."""
        argv = [self.bin / "load", "--port", port, "--path", path, "--connections", connections,
                "--first-id", self.next_id, "--updates", updates, "--rate", rate]
        argv += ["--requests", requests] if requests else ["--seconds", seconds]
        self.next_id += 20000000
        child = subprocess.Popen([str(arg) for arg in argv], stdout=subprocess.PIPE, text=True,
                                 env={**os.environ, "HOOKLEDGER_BENCH_SECRET": secret})
        self.running.append(child)
        try:
            while watch:
                watch()
                try:
                    child.wait(0.1)
                    break
                except subprocess.TimeoutExpired:
                    pass
            out, _ = child.communicate()
        finally:
            self.running.remove(child)
        if child.returncode:
            raise BenchError("the load generator failed")
        return json.loads(out)
