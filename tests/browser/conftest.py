# SPDX-License-Identifier: ISC
"""A real browser before a real site. A test fails for any error on the console,
any violation of the page's Content-Security-Policy, any request to another host."""
import json
import os
import pathlib
import time

import pytest

import admin_client
import api_client
import web_servers
from browser import Browser
from fixtures import *  # pylint: disable=wildcard-import,unused-wildcard-import
from installation import SOURCE, WORKSPACE, Site, new_folder

SHOTS = pathlib.Path(os.environ.get("HL_SCREENSHOTS", SOURCE / "var/screenshots"))
EVENT_DAYS, EVENTS_MOST = 6, 3000


@pytest.fixture(scope="session")
def chromium():
    SHOTS.mkdir(parents=True, exist_ok=True)
    one = Browser(SHOTS)
    yield one
    one.quit()


def record_events(site):
    """Some days that end now, an operator of each role, a subscriber."""
    began = time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(time.time() - EVENT_DAYS * 86400))
    simulate = ["simulate", "--start", began, "--workspace", WORKSPACE]
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    bodies = site.hookledger(*simulate, "--events", EVENTS_MOST, "--dump").stdout.splitlines()
    happened = sum(json.loads(body)["created_at"] <= now for body in bodies)
    assert 100 < happened < EVENTS_MOST
    site.hookledger(*simulate, "--events", happened, "--into-database")
    for name, role in (("Olga", "owner"), ("Vera", "viewer")):
        site.hookledger("operator", "add", name, "--role", role, "--zone", "Europe/Berlin", "--password-file", "-", stdin=admin_client.PASSWORD)
    api_client.set_up(site)
    site.ada = api_client.account(site)


@pytest.fixture(scope="session")
def site_with_events(shared_cluster, template, run_folder):
    """A site with generated events, for tests that change only rows of their own."""
    site = Site(shared_cluster, new_folder(run_folder / "sites") / "events", template)
    site.add_endpoint("--name", "Toggl")
    site.write_conf(**api_client.EAGER)
    record_events(site)
    web_servers.lighttpd_spawned(site)
    yield site
    site.close()


@pytest.fixture
def page(chromium, site_with_events):
    """The page of that site, nobody logged in."""
    chromium.begin(site_with_events)
    yield chromium
    chromium.end()


@pytest.fixture
def olga(page):
    page.login("Olga")
    return page


@pytest.fixture
def vera(page):
    page.login("Vera")
    return page


@pytest.fixture
def own_page(chromium, bare_site):
    """The page of a site of the test's own; nothing is served yet."""
    bare_site.write_conf(**api_client.EAGER)
    chromium.begin(bare_site)
    yield chromium
    chromium.end()
