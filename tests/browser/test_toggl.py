# SPDX-License-Identifier: ISC
"""Connect, change, repair: Toggl's side, played by another hookledger."""
import pytest

import web_servers
from admin_client import PASSWORD
from fixtures import finish, make_site
from toggl_server import Liar, Toggl

HOSTILE = '<img src=x onerror="document.title=1"> & "so"'


@pytest.fixture
def connected(request, own_page, bare_site, shared_cluster, template, run_folder):
    """Our page, and a Toggl whose token it has not got yet."""
    other = make_site(request, shared_cluster, run_folder / "toggls", template)
    try:
        own_page.toggl = Toggl(other, bare_site)
        web_servers.lighttpd_spawned(bare_site)
        bare_site.hookledger("operator", "add", "Olga", "--password-file", "-", stdin=PASSWORD)
        own_page.login("Olga", route="#/toggl")
        own_page.says("hookledger is not connected to Toggl yet")
        yield own_page
    finally:
        finish(request, other)


def connect(page):
    page.fill("API token", page.toggl.token)
    page.press("Connect")
    page.says("Connected as Ada")
    page.wait(lambda: page.all("button") and "New subscription" in page.text("main"), "to be connected")


def states(page):
    return page.site.sql("select description, enabled, filters from ledger.subscription where deleted_at is null")


def test_from_the_token_to_a_subscription(connected):
    page = connected
    page.may_fail(409)
    page.fill("API token", "not a token")
    page.press("Connect")
    page.says("Toggl does not know this API token", "form > [role=alert]")
    assert page.field("API token").get_property("value") == "not a token" and not page.all(".toast")
    connect(page)
    assert not page.all("[role=alert]")
    assert page.toggl.token not in page.js("return document.documentElement.outerHTML")
    page.press("New subscription")
    page.says("That is everything", "dialog")
    page.fill("Description", HOSTILE)
    page.press("Create at Toggl", "dialog button")
    page.says(HOSTILE, "table")
    assert [(one[1], one[4], one[5]) for one in page.toggl.subscriptions()] == [(HOSTILE, True, True)]
    assert page.js("return document.title") != "1" and page.axe() == []
    for width in (360, 1280):
        page.screen(width)
        assert not page.is_wide()
        page.shoot(f"toggl-connected-{width}-light", width)

    page.screen(1280)
    page.choose(HOSTILE, "Send a ping")
    page.wait(lambda: page.all(".toast.well"), "the result of the ping")
    page.choose(HOSTILE, "Disable")
    page.wait(lambda: not page.toggl.subscriptions()[0][4], "Toggl to have it disabled")
    page.choose(HOSTILE, "Enable")
    page.wait(lambda: page.toggl.subscriptions()[0][4], "Toggl to have it enabled")
    page.choose(HOSTILE, "Edit")
    page.fill("Description", "renamed")
    page.press("Save", "dialog button")
    page.says("renamed", "table")
    page.choose("renamed", "Rotate the secret")
    page.confirm("renamed", "Rotate the secret")
    page.wait(lambda: page.site.sql("select count(*) from ledger.endpoint_secret")[0][0] == 2, "a second secret")
    page.settle()
    page.choose("renamed", "Delete")
    page.confirm("renamed", "Delete")
    page.says("Toggl has no subscription for these workspaces.")
    assert page.toggl.subscriptions() == []
    # its address is out of the way, and there for who looks for it
    page.says("No callback address yet.")
    page.press("1 address no longer used", "summary")
    page.says(HOSTILE, "details[open] table")
    page.press("Overview", "nav a")
    page.says("none yet", ".facts")


def test_what_was_made_elsewhere_is_adopted(connected, subscriber):
    page = connected
    made = page.toggl.ada.subscribe(subscriber.url, "by hand")
    assert made.status == 200, made
    connect(page)
    page.press("Ask Toggl now")
    page.says("by hand", "table")
    page.choose("by hand", "Adopt")
    page.confirm("by hand", "Adopt")
    page.wait(lambda: page.toggl.subscriptions()[0][2].startswith(page.site.url), "the address to be ours")
    page.settle()
    page.says("well", "table")


def test_a_spent_quota_is_said_with_its_end(connected):
    page = connected
    connect(page)
    page.toggl.limit(1)
    page.press("New subscription")
    page.press("Create at Toggl", "dialog button")
    page.wait(lambda: "Under way" in page.text("main") or page.all(".toast"), "a result")
    page.says("minute")	# when it goes on
    page.toggl.limit(1000)
    page.toggl.later()


def test_toggls_own_words_are_text(own_page, bare_site):
    page = own_page
    liar = Liar(bare_site, {"GET /api/me": (403, {}, HOSTILE)})
    try:
        web_servers.lighttpd_spawned(bare_site)
        bare_site.hookledger("operator", "add", "Olga", "--password-file", "-", stdin=PASSWORD)
        page.may_fail(400, 403, 409, 502)
        page.login("Olga", route="#/toggl")
        page.fill("API token", "x" * 32)
        page.press("Connect")
        page.says(HOSTILE, "form > [role=alert]")
        assert page.js("return document.title").startswith("Toggl") and not page.all("form img")
    finally:
        liar.close()


def test_callback_addresses(own_page, bare_site):
    page = own_page
    web_servers.lighttpd_spawned(bare_site)
    bare_site.hookledger("operator", "add", "Olga", "--password-file", "-", stdin=PASSWORD)
    page.login("Olga", route="#/toggl")
    page.press("New address")
    page.fill("Name", HOSTILE)
    page.press("New address", "dialog button")
    page.says("This is shown once", "dialog")
    assert "/hook/" in page.text("dialog")
    page.press("Close", "dialog footer button")
    page.press(f"Actions: {HOSTILE}", "summary")
    assert page.axe() == []	# an open menu too
    page.press(f"Actions: {HOSTILE}", "summary")
    page.choose(HOSTILE, "Test")
    page.wait(lambda: page.all(".toast"), "its answer")
    page.choose(HOSTILE, "Rotate the secret")
    page.confirm(HOSTILE, "Rotate the secret")
    page.says("This is shown once", "dialog")
    page.press("Close", "dialog footer button")
    assert bare_site.sql("select count(*) from ledger.endpoint_secret")[0][0] == 2
    page.choose(HOSTILE, "Disable")
    page.confirm(HOSTILE, "Disable")
    page.wait(lambda: bare_site.sql("select enabled from ledger.endpoint") == [(False,)], "it to be disabled")
