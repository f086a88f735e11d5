# SPDX-License-Identifier: ISC
"""Faults of a hookledger that records and delivers, as functions of the
installation `on`. INSTANT is over when it returns and needs no database; so are
those of SHORT, which do. LASTING are context managers: the fault lasts as long as the
block. revive() repairs all of them."""
import contextlib
import os
import signal
import subprocess
import threading

import psycopg

import web_servers
from deliveries import start_courier
from installation import descendants, give, is_alive, signal_all, wait_for

HOURS = 12	# how far the clock jumps at most: far less than deliveries are tried for


class Installation:
    """A site whose programs, disks, database and second subscriber may be damaged."""

    def __init__(self, site, rng, disks, shaky):
        self.site, self.rng, self.disks, self.shaky = site, rng, disks, shaky
        self.cluster = site.cluster
        self.unended = []	# what ran of PostgreSQL when it had not ended in order
        self.couriers = [start_courier(site, f"courier{number}") for number in range(2)]

    def programs(self, name):
        """The process ids of a program that the web server has started."""
        found = []
        for pid in descendants(self.site.web.pid):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/comm", encoding="ascii") as comm:
                if comm.read().startswith(f"hookledger-{name}"[:15]):
                    found.append(pid)
        return sorted(found)

    def revive(self):
        """Starts every program that should run."""
        if self.cluster.child.poll() is not None:
            self.start_cluster()
        if self.site.web.poll() is not None:
            web_servers.lighttpd_spawned(self.site)
        for number, courier in enumerate(self.couriers):
            if courier.poll() is not None:
                self.couriers[number] = start_courier(self.site, f"courier{number}")

    def start_cluster(self):
        """It works also while processes of the last one are ending."""
        def starts():
            try:
                self.cluster.start()
                return True
            except (RuntimeError, AssertionError):
                return False

        wait_for(starts, "PostgreSQL to start again", 60)

    def sql(self, text):
        """Runs a statement that may fail; returns whether it worked."""
        try:
            self.site.sql(text)
            return True
        except psycopg.Error:
            return False


def pause(on, least, most):
    """The time for which a fault lasts."""
    threading.Event().wait(on.rng.uniform(least, most))


def kill_one(on, pids):
    if pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(on.rng.choice(pids), signal.SIGKILL)


# ---- short faults

def kill_receiver(on):
    kill_one(on, on.programs("receiver"))


def kill_api(on):
    kill_one(on, on.programs("api"))


def kill_admin(on):
    kill_one(on, on.programs("admin"))


def kill_courier(on):
    courier = on.rng.choice(on.couriers)
    courier.kill()
    courier.wait()


def kill_web_server(on):
    """Also its children: a new process would treat their files as those of another."""
    family = descendants(on.site.web.pid)
    on.site.web.kill()
    on.site.web.wait()
    signal_all(family - {on.site.web.pid}, signal.SIGKILL)
    wait_for(lambda: not any(is_alive(pid) for pid in family), "its programs to be gone")


def kill_backend(on):
    """The postmaster ends all other processes too, and recovers."""
    with contextlib.suppress(psycopg.Error):
        kill_one(on, [pid for pid, in on.site.sql("select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")])


def kill_postmaster(on):
    pids = on.cluster.pids()
    on.cluster.child.kill()
    on.cluster.child.wait()
    signal_all([pid for pid in pids if on.rng.random() < 0.5], signal.SIGKILL)


def crash_database(on):
    on.cluster.crash()


def stop_database(on):
    """As an operator does: kills it if it does not end in time."""
    try:
        on.cluster.stop("fast")
    except subprocess.TimeoutExpired:
        processes = subprocess.run(["ps", "-o", "pid,stat,wchan:24,etime,args", "--pid", ",".join(map(str, on.cluster.pids()))],
                                   capture_output=True, text=True, check=False)
        on.unended.append(processes.stdout)
        on.cluster.stop("immediate")


def restart_database(on):
    stop_database(on)


def restart_immediately(on):
    on.cluster.stop("immediate")


def end_sessions(on):
    on.sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")


def jump_of_the_clock(on):
    """By up to half a day, forward or back."""
    on.sql(f"update ledger.state set clock_offset = '{on.rng.randrange(HOURS * 3600)} seconds'")


def upgrade(on):
    on.sql("update ledger.migration set checksum = 'older' where version = 0")
    on.site.hookledger("migrate", check=False)


# ---- lasting faults

@contextlib.contextmanager
def stopped(pids):
    signal_all(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        signal_all(pids, signal.SIGCONT)


def hang_of_database(on):
    return on.cluster.frozen()


def hang_of_receiver(on):
    return stopped(on.programs("receiver")[:1])


def hang_of_courier(on):
    return stopped([on.rng.choice(on.couriers).pid])


@contextlib.contextmanager
def full(folder):
    """The disk of this folder is full."""
    filler = folder / "filler"
    free = os.statvfs(folder)
    with open(filler, "wb") as file:
        with contextlib.suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, max(free.f_bavail * free.f_frsize, 1))
    try:
        yield
    finally:
        filler.unlink()


def disk_of_database_full(on):
    return full(on.disks["database"])


@contextlib.contextmanager
def disk_of_spool_full(on):
    """It has an effect while the database is unavailable."""
    on.cluster.stop("immediate")
    with full(on.disks["spool"]):
        yield


@contextlib.contextmanager
def database_away(on):
    stop_database(on)
    yield


@contextlib.contextmanager
def table_locked(on):
    try:
        with on.cluster.connect(on.site.database) as db, db.transaction():
            db.execute("set local lock_timeout = '5s'; lock table ledger.event in access exclusive mode")
            yield
    except psycopg.Error:	# it is killed meanwhile, or was
        pass


def shaking(how):
    @contextlib.contextmanager
    def shake(on):
        on.shaky.treat(how)
        try:
            yield
        finally:
            on.shaky.treat("well")
    return shake


INSTANT = {"kill -9 receiver": kill_receiver, "kill -9 courier": kill_courier, "kill -9 API": kill_api, "kill -9 admin program": kill_admin,
           "kill -9 web server": kill_web_server}
SHORT = {"kill -9 PostgreSQL backend": kill_backend, "kill -9 postmaster": kill_postmaster, "PostgreSQL crashes": crash_database,
         "PostgreSQL restarts": restart_database, "PostgreSQL restarts at once": restart_immediately, "sessions ended": end_sessions,
         "clock jumps": jump_of_the_clock, "upgrade": upgrade}
LASTING = {"database hangs": hang_of_database, "receiver hangs": hang_of_receiver, "courier hangs": hang_of_courier, "database away": database_away,
           "table locked": table_locked, "subscriber fails": shaking("fails"), "subscriber hangs": shaking("hangs"), "subscriber is slow": shaking("slow")}
# on separate file systems, which only root can make
FULL = {"disk of database full": disk_of_database_full, "disk of spool full": disk_of_spool_full}


def mount(folder, size):
    """Mounts a small file system in memory; returns the function that unmounts it."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", str(folder)], check=True)
    give(folder)
    return lambda: subprocess.run(["umount", "-l", str(folder)], check=True)
