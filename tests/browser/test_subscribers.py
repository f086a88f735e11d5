# SPDX-License-Identifier: ISC
"""Subscribers of one's own: accounts, limits, subscriptions, deliveries."""
import web_servers
from admin_client import PASSWORD
from deliveries import start_courier
from installation import wait_for

HOSTILE = '<img src=x onerror="document.title=1"> & "so"'


def test_from_an_organization_to_a_delivery(own_page, bare_site, subscriber):
    page, site = own_page, bare_site
    site.add_endpoint("--name", "Toggl")
    site.hookledger("operator", "add", "Olga", "--password-file", "-", stdin=PASSWORD)
    web_servers.lighttpd_spawned(site)
    page.login("Olga", route="#/subscribers/organizations")
    page.press("New organization")
    page.fill("Name", HOSTILE)
    page.fill("Plan", "premium")
    page.press("New organization", "dialog button")
    page.says(HOSTILE, "table")
    page.choose(HOSTILE, "Add a workspace")
    page.fill("Workspace number", "7435584")
    page.press("Add a workspace", "dialog button")
    page.wait(lambda: site.sql("select count(*) from ledger.workspace")[0][0] == 1, "the workspace")
    page.settle()

    page.press("Accounts", ".tabs a")
    page.press("New account")
    page.fill("Name", HOSTILE)
    page.fill("Toggl user number", "9000001")
    page.press("New account", "dialog button")
    page.says("This is shown once", "dialog")
    page.press("Close", "dialog footer button")
    page.choose(HOSTILE, "Give access to a workspace")
    page.one("dialog input[type=checkbox]").click()
    page.press("Give access to a workspace", "dialog button")
    page.wait(lambda: site.sql("select is_admin from ledger.member") == [(True,)], "access")
    page.settle()

    page.press("Subscriptions", ".tabs a")
    page.press("New subscription")
    page.fill("Description", HOSTILE)
    page.fill("Address", subscriber.url)
    page.press("Create", "dialog button")
    page.says("This is shown once", "dialog")
    page.press("Close", "dialog footer button")
    page.says(HOSTILE, "table")
    assert site.sql("select description, enabled, validated_at is not null from ledger.subscription") == [(HOSTILE, True, True)]
    assert page.js("return document.title").startswith("Subscribers") and page.axe() == []
    for width in (360, 1280):
        page.screen(width)
        assert not page.is_wide()
        page.shoot(f"subscribers-some-{width}-light", width)
    page.screen(1280)

    start_courier(site)
    before = len(subscriber.got)
    for _ in range(2):
        assert site.send(site.event(model="time_entry", payload={"id": 1, "workspace_id": 7435584, "user_id": 9000001,
                                                                 "start": "2026-11-25T08:00:00Z", "duration": 60})).status == 200
    wait_for(lambda: len(subscriber.got) >= before + 2, "two deliveries")
    page.choose(HOSTILE, "Deliveries")
    page.says("delivered", "table")
    assert len(page.all("table.cards tbody tr")) == 2
    before = len(subscriber.got)
    page.press("Send again")
    wait_for(lambda: len(subscriber.got) > before, "it to come again")
    page.js("document.querySelector('table.cards tbody button.plain').click()")
    page.says("200", "dialog")
    page.keys("\ue00c")
    page.open("#/subscribers", anew=False)
    page.choose(HOSTILE, "Disable")
    page.confirm(HOSTILE, "Disable")
    page.wait(lambda: site.sql("select enabled from ledger.subscription") == [(False,)], "it to be disabled")
    page.settle()
    page.choose(HOSTILE, "Delete")
    page.confirm(HOSTILE, "Delete")
    page.says("Nobody has subscribed yet.")
    page.open("#/settings/audit", anew=False)
    page.says("none → number: 7435584, administrator: yes", "table")
    assert "[" not in page.text("table") and "{" not in page.text("table")


def test_an_address_that_is_refused(own_page, bare_site):
    page, site = own_page, bare_site
    site.write_conf(allowed_networks=None)
    site.add_endpoint("--name", "Toggl")
    number = site.hookledger("organization", "add", "Test", "--plan", "free").stdout.split()[1]
    site.hookledger("workspace", "add", "7435584", "--organization", number)
    site.hookledger("account", "add", "Ada", "--user", "9000001", "--json")
    site.hookledger("account", "grant", "1", "7435584")
    site.hookledger("operator", "add", "Olga", "--password-file", "-", stdin=PASSWORD)
    web_servers.lighttpd_spawned(site)
    page.may_fail(400, 409)
    page.login("Olga", route="#/subscribers")
    page.press("New subscription")
    page.fill("Description", "to the inside")
    page.fill("Address", "http://127.0.0.1:1/")
    page.press("Create", "dialog button")
    page.wait(lambda: page.all("dialog [role=alert]"), "an error")
    assert page.field("Description").get_attribute("value") == "to the inside"	# nothing typed is lost
    assert page.axe() == []
    assert not site.sql("select from ledger.subscription where enabled and validated_at is not null")
