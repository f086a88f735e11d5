# SPDX-License-Identifier: ISC
"""The operator's account, operators, alerts, the audit trail; and the first visit."""
import pytest

import web_servers
from admin_client import PASSWORD, Page
from browser import PHONE
from installation import Site, new_folder

HOSTILE = "<b>Nora</b> & \"so\""
TOKEN = "a set-up token of my own"


@pytest.fixture
def mine(own_page, bare_site):
    bare_site.hookledger("operator", "add", "Olga", "--password-file", "-", stdin=PASSWORD)
    web_servers.lighttpd_spawned(bare_site)
    own_page.login("Olga", route="#/settings")
    return own_page


def test_ones_zone_and_password(mine):
    mine.fill("Time zone", "Asia/Tokyo")
    mine.press("Save")
    mine.wait(lambda: mine.site.sql("select time_zone from ledger.operator") == [("Asia/Tokyo",)], "the zone")
    mine.settle()
    mine.may_fail(403)
    mine.fill("Present password", "the password of others")
    mine.fill("New password", "another long password")
    mine.press("Change password")
    mine.says("password", "form > [role=alert]")
    assert mine.field("New password").get_property("value") == "another long password"
    mine.fill("Present password", PASSWORD)
    mine.press("Change password")
    mine.says("Saved.")
    assert not mine.all("[role=alert]")
    assert Page(mine.site).login("Olga").status == 401 and Page(mine.site).login("Olga", "another long password").status == 200


def test_operators_and_sessions(mine):
    mine.open("#/settings/operators", anew=False)
    mine.fill("Name", HOSTILE)
    mine.fill("Password", "some long password")
    mine.press("Add")
    mine.says(HOSTILE, "table")
    assert not mine.all("table b")
    nora = Page(mine.site)
    assert nora.login(HOSTILE, "some long password").status == 200
    mine.choose(HOSTILE, "Make owner")
    mine.wait(lambda: nora.get("session").json()["operator"]["role"] == "owner", "the role")
    mine.settle()
    mine.choose(HOSTILE, "Set a new password")
    mine.fill("New password", "yet another password")
    mine.press("Save", "dialog button")
    mine.wait(lambda: nora.get("session").status == 401, "the sessions to end")
    assert nora.login(HOSTILE, "yet another password").status == 200
    mine.open("#/settings/sessions", anew=False)
    mine.says("Chrome on Linux", "table")	# and not all that it says of itself
    mine.press(f"End: {HOSTILE}, 127.0.0.1")
    mine.wait(lambda: nora.get("session").status == 401, "that session to end")
    mine.settle()
    mine.open("#/settings/operators", anew=False)
    mine.choose(HOSTILE, "Disable")
    mine.confirm(HOSTILE, "Disable")
    mine.wait(lambda: nora.login(HOSTILE, "yet another password").status == 401, "the way in to be closed")
    mine.open("#/settings/audit", anew=False)
    mine.says("set a password", "table")
    assert not [each for each in mine.js("return [...document.querySelectorAll('table .label')].map((each) => each.innerText)") if "." in each]
    mine.says("role: viewer → owner", "table")
    assert not mine.all("table b") and "another password" not in mine.text()


def test_thresholds(mine):
    mine.open("#/settings/findings", anew=False)
    mine.fill("Silence of Toggl, minutes", "30")
    mine.press("Save")
    mine.wait(lambda: mine.site.sql("select value::text from ledger.option where name = 'silence_minutes'") == [("30",)], "the option")


def test_alerts(mine, subscriber):
    mine.open("#/settings/alerts", anew=False)
    mine.says("No alert is sent yet")
    mine.fill("By", "webhook")
    mine.fill("https address; it gets signed JSON", subscriber.url)
    mine.press("Add")
    mine.says("This is shown once", "dialog")
    mine.press("Close", "dialog footer button")
    host = subscriber.url.rsplit("/", 1)[0]	# who knows the rest may send there
    assert subscriber.url != host and subscriber.url not in mine.text()
    mine.press(f"Send a test: {host}/…")
    mine.wait(lambda: subscriber.got, "the test to arrive")
    mine.says("The test was taken", ".toast.well")
    subscriber.answer = lambda request: (500, {}, b"")
    mine.press(f"Send a test: {host}/…")
    mine.says("500", ".toast.warning")
    mine.settle()
    mine.choose(f"{host}/…", "Remove")
    mine.confirm(host, "Remove")
    mine.says("No alert is sent yet")


def test_addresses_for_web_cron(mine):
    mine.open("#/settings/ticks", anew=False)
    mine.says("There is no address yet")
    mine.fill("Who calls it", HOSTILE)
    mine.press("Create an address")
    mine.says("This is shown once", "dialog")
    mine.says("/tick/", "dialog")
    mine.press("Close", "dialog footer button")
    mine.says(HOSTILE)
    mine.says("never")
    mine.choose(HOSTILE, "Remove")
    mine.confirm(HOSTILE, "Remove")
    mine.says("There is no address yet")
    # the longest label of the trail stays within its card
    mine.open("#/settings/audit", anew=False)
    mine.screen(PHONE)
    assert mine.js("""return [...document.querySelectorAll("table.cards .label")].every((label) =>
        label.getBoundingClientRect().right <= label.closest("td").getBoundingClientRect().right)""")


def test_a_stolen_page_cannot_act(mine):
    """A script of another page sends the cookie, if the browser lets it, but not the code."""
    mine.may_fail(403)
    status = mine.driver.execute_async_script("""
        const done = arguments[arguments.length - 1];
        fetch("api/settings", { method: "PATCH", headers: { "Content-Type": "application/json" }, body: '{"silence_minutes":5}' })
            .then((answer) => done(answer.status));""")
    assert status == 403 and not mine.site.sql("select from ledger.option")


@pytest.fixture
def empty_site(shared_cluster, run_folder):
    site = Site(shared_cluster, new_folder(run_folder / "sites" / "first"), "template0")
    site.write_conf(setup_token=TOKEN)
    web_servers.lighttpd_spawned(site)
    yield site
    site.close()


def test_the_first_visit(chromium, empty_site):
    page = chromium
    page.begin(empty_site)
    page.may_fail(403)
    page.open()
    page.says("Welcome to hookledger")
    assert page.axe() == []
    page.shoot("setup-1280-light", 1280)
    page.fill("Set-up token", "a set-up token of others")
    page.fill("Your name", "Olga")
    page.fill("A password", PASSWORD)
    page.press("Set up")
    page.says("This is not the set-up token", "form > [role=alert]")
    assert "takes a few seconds" not in page.text()
    page.fill("Set-up token", TOKEN)
    page.press("Set up")
    page.wait(lambda: page.text("h1") == "Toggl", "to be shown how to connect Toggl", 60)
    page.says("hookledger is not connected to Toggl yet")
    page.open("#/overview", anew=False)
    page.says("No event has come yet")
    page.end()
