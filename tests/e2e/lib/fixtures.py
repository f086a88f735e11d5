# SPDX-License-Identifier: ISC
"""Fixtures of the end-to-end and browser tests: a cluster, sites, and the counts for
tests/run."""
import os
import pathlib
import shutil
import tempfile

import pytest

import admin_client
import api_client
import fastcgi
import subscriber as subscribers
import toggl_server
import web_servers
from installation import BUILD, IS_SANITIZED, Cluster, Site, give, new_folder
from smtp_server import MailServer

SECONDS = {}	# of each test: set-up, call and teardown


@pytest.fixture(scope="session")
def run_folder():
    assert (BUILD / "hookledger-receiver").exists(), \
        f"no programs in {BUILD}: tests/run builds them, HL_BUILD names another folder"
    # Short, because a socket's path has at most 107 bytes; and not a tmpfs,
    # because durability is tested.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hl-", dir="/var/tmp"))
    folder.chmod(0o755)
    give(folder)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_cluster(run_folder):
    """It survives no power cut, so it does not wait for the disk: making and dropping a database
    for each test takes a tenth of the time."""
    cluster = Cluster(run_folder / "c", "fsync=off", "full_page_writes=off")
    yield cluster
    cluster.stop("immediate")


def migrated(cluster, folder):
    """A migrated, empty database; the database of every test is a copy of it."""
    first = Site(cluster, folder, "template0")
    first.hookledger("migrate")
    cluster.create("hl_template", first.database)
    first.close()
    return "hl_template"


@pytest.fixture(scope="session")
def template(shared_cluster, run_folder):
    return migrated(shared_cluster, run_folder / "template")


def make_site(request, cluster, folder, template):
    number = len(list(folder.glob("t*")))
    return Site(cluster, new_folder(folder) / f"t{number}", template)


def finish(request, site):
    failed = any(getattr(report, "failed", False) for report in getattr(request.node, "reports", []))
    try:
        site.close()
    finally:
        if failed:
            print(site.all_logs())


def is_foreign(item):
    """By the closest mark: the test's own, or else that of its file."""
    for mark in item.iter_markers():
        if mark.name in ("foreign", "plain"):
            return mark.name == "foreign"
    return False


def pytest_collection_modifyitems(config, items):
    """With the sanitizers, only tests marked as foreign."""
    left_out = [item for item in items if IS_SANITIZED and not is_foreign(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    # slow tests first, so that no worker is alone with one at the end; without workers in the
    # order of the files, as the quickstart needs it
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not item.get_closest_marker("timeout"))


def pytest_sessionfinish(session):
    """Writes the counts, and the seconds of each test, for tests/run."""
    path = os.environ.get("HL_COUNTS")
    if not path or hasattr(session.config, "workerinput"):	# a worker of xdist sees a part
        return
    stats = session.config.pluginmanager.get_plugin("terminalreporter").stats
    count = {kind: len(stats.get(kind, ())) for kind in ("passed", "failed", "error", "skipped")}
    with open(path, "w", encoding="ascii") as counts:
        counts.write(f"{count['passed']} {count['failed'] + count['error']} {count['skipped']}\n")
    with open(f"{path}.seconds", "w", encoding="utf-8") as times:
        times.writelines(f"{sum(took):.1f} {test}\n" for test, took in SECONDS.items())


def pytest_runtest_logreport(report):
    SECONDS.setdefault(report.nodeid, []).append(report.duration)


def pytest_terminal_summary(terminalreporter):
    """Shows numbers of a test that passed."""
    for report in terminalreporter.stats.get("passed", ()):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{report.nodeid.rsplit('::')[-1]}: {name}: {value}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    item.reports = [*getattr(item, "reports", []), outcome.get_result()]


@pytest.fixture
def bare_site(request, shared_cluster, template, run_folder):
    """A site without an endpoint."""
    site = make_site(request, shared_cluster, run_folder / "sites", template)
    yield site
    finish(request, site)


@pytest.fixture
def site(bare_site):
    """A site with an endpoint, no web server yet."""
    bare_site.add_endpoint()
    return bare_site


@pytest.fixture
def other_site(request, shared_cluster, template, run_folder):
    """A second installation, with its own endpoint and database."""
    site = make_site(request, shared_cluster, run_folder / "sites", template)
    site.add_endpoint()
    yield site
    finish(request, site)


def kind_or_skip(name):
    """The function that starts this kind of web server."""
    lacking = web_servers.missing(name)
    if lacking:
        pytest.skip(f"not installed: {lacking}")
    return web_servers.SERVERS[name]


@pytest.fixture(params=list(web_servers.SERVERS))
def served(request, site):
    """A site behind each web server in turn."""
    site.server = request.param
    kind_or_skip(request.param)(site)
    return site


@pytest.fixture
def lighttpd(site):
    """A site behind lighttpd, which starts the receiver."""
    site.server = "lighttpd-spawned"
    web_servers.lighttpd_spawned(site)
    return site


@pytest.fixture
def receiver(site):
    """A site whose receiver gets FastCGI records from the test."""
    return fastcgi.start_receiver(site)


@pytest.fixture
def api_site(site):
    """A site with an organization and a workspace, whose API may call 127.0.0.1
    and has no rate limits."""
    site.write_conf(**api_client.EAGER)
    web_servers.lighttpd_spawned(site)
    site.organization = api_client.set_up(site)
    return site


@pytest.fixture
def page_site(site):
    """A site that serves the admin page."""
    web_servers.lighttpd_spawned(site)
    return site


@pytest.fixture
def olga(page_site):
    """A browser of that site in which an owner is logged in."""
    return admin_client.operator(page_site)


@pytest.fixture
def liar(us):
    """Toggl for the site `us`: a server with the answers of the test."""
    one = toggl_server.Liar(us)
    yield one
    one.close()


@pytest.fixture
def side(liar):
    """Toggl for the site `us`, with at most one subscription."""
    return toggl_server.Side(liar)


@pytest.fixture
def subscriber():
    one = subscribers.Subscriber()
    yield one
    one.close()


@pytest.fixture
def held():
    one = subscribers.Held()
    yield one
    one.close()


@pytest.fixture
def mail():
    """A mail server that keeps its mails."""
    server = MailServer()
    yield server
    server.close()


@pytest.fixture
def hook():
    """A subscriber that accepts everything with an empty answer."""
    one = subscribers.Subscriber(lambda request: (200, {}, b""))
    yield one
    one.close()


@pytest.fixture(scope="module")
def own_cluster(run_folder):
    """A PostgreSQL that a module of tests may stop, crash and freeze."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="f-", dir=run_folder))
    folder.chmod(0o755)
    give(folder)
    cluster = Cluster(folder)
    yield cluster
    cluster.stop("immediate")


@pytest.fixture(scope="module")
def own_template(own_cluster, run_folder):
    return migrated(own_cluster, run_folder / "own-template")


@pytest.fixture
def faulty(request, own_cluster, own_template, run_folder):
    """A site behind lighttpd whose PostgreSQL may be damaged."""
    site = make_site(request, own_cluster, run_folder / "faulty", own_template)
    site.add_endpoint()
    site.write_conf(db_deadline_ms="1500")
    web_servers.lighttpd_spawned(site)
    yield site
    finish(request, site)
