# SPDX-License-Identifier: ISC
"""Coming in, going about, going out."""
from selenium.webdriver.common.keys import Keys

import admin_client


def test_login_and_logout(page):
    page.may_fail(401)
    page.open("#/settings/operators")
    page.fill("Name", "Olga")
    page.fill("Password", "wrong password")
    page.press("Log in")
    page.says("Name or password is wrong", "form > [role=alert]")
    page.wait(lambda: page.focused() == "Password", "the password to be typed again")
    page.press("Log in")
    page.wait(lambda: page.all("form > [role=alert]"), "a second error")
    assert len(page.all("[role=alert]")) == 1 and not page.all(".toast") and page.axe() == []
    page.fill("Password", "correct horse Größe")
    page.press("Log in")
    page.says("Add an operator")	# where one wanted to go
    assert page.js("return document.cookie") == ""	# scripts cannot read it
    page.press("Log out")
    page.says("Log in")
    page.open("#/settings/operators")
    page.says("Log in")


def test_a_session_that_has_ended(olga):
    olga.may_fail(401, 403)
    olga.open("#/settings/sessions", anew=False)
    olga.site.sql("delete from ledger.session")
    olga.js("location.hash = '#/settings/operators'")
    olga.says("Your session has ended")
    olga.fill("Name", "Olga")
    olga.fill("Password", "correct horse Größe")
    olga.press("Log in")
    olga.says("Add an operator")


def test_what_was_typed_stays_when_the_session_ends(olga):
    olga.may_fail(401, 403)
    olga.open("#/settings/operators", anew=False)
    olga.fill("Name", "Wilma")
    olga.fill("Password", "some long password")
    olga.site.sql("delete from ledger.session")
    olga.named("Add", "button").click()	# not press(): it waits for the answer
    olga.says("Your session has ended. Log in to continue.", "dialog")
    assert olga.axe() == []
    olga.fill("Name", "Olga")
    olga.fill("Password", "correct horse Größe")
    olga.press("Log in", "dialog button")
    olga.says("Wilma", "table")
    olga.site.sql("delete from ledger.operator where name = 'Wilma'")


def test_who_does_not_log_in_again_is_asked_on_the_page(olga):
    olga.may_fail(401)
    olga.open("#/overview", anew=False)
    olga.site.sql("delete from ledger.session")
    olga.js("location.hash = '#/settings/sessions'")
    olga.says("Your session has ended", "dialog")
    olga.press("Close", "dialog header button")
    olga.wait(lambda: not olga.all("dialog"), "the form on the page")
    olga.says("Your session has ended", "main")
    assert not olga.all("nav a[aria-current]")


def test_a_session_that_ends_between_two_views(olga):
    olga.may_fail(401)
    olga.open("#/events", anew=False)
    olga.open("#/overview", anew=False)
    for view in ("Events", "Time", "Toggl", "Subscribers", "Overview", "Settings"):
        end_session_and_press(olga, view)
        olga.says("Your session has ended")
        olga.settle()
        assert olga.all("input[type=password]"), olga.text()	# a late answer has not replaced the form
        log_in(olga)
        olga.wait(lambda view=view: olga.all("nav a[aria-current=page]") and olga.one("nav a[aria-current=page]").text == view, f"{view}, the view that was chosen")
        olga.settle()


def end_session_and_press(olga, view):
    """The first request after the end of the session is the one of the new view. A
    refresh of the old view that comes first shows the form by itself: then again."""
    for _ in range(5):
        olga.site.sql("delete from ledger.session")
        if olga.js("""const link = [...document.querySelectorAll("nav a")].find((each) => each.innerText === arguments[0]);
                link?.click(); return Boolean(link);""", view):
            return
        log_in(olga)
        olga.wait(lambda: olga.all("nav a[aria-current=page]"), "the view of before")
        olga.settle()
    raise AssertionError("the old view is always first")


def log_in(olga):
    olga.fill("Name", "Olga")
    olga.fill("Password", "correct horse Größe")
    olga.press("Log in")


def test_a_late_answer_of_the_old_session(olga):
    """It does not throw out who has logged in again since."""
    olga.may_fail(401)
    olga.open("#/overview", anew=False)
    # the first answer to a request for events waits until it is let go
    olga.js("""const real = window.fetch;
        window.fetch = (url, how) => String(url).includes("api/events?") && !window.letGo
            ? new Promise((done) => { window.letGo = () => done(new Response('{"error":"late"}', { status: 401 })); }) : real(url, how);""")
    olga.js("location.hash = '#/events'")	# not press(): the page does not settle
    olga.wait(lambda: olga.js("return Boolean(window.letGo)"), "the request")
    olga.js("document.querySelector('.who button').click()")
    olga.wait(lambda: olga.all("input[type=password]"), "the form to log in")
    olga.js("""document.querySelector("input[name=name]").value = "Olga";
        document.querySelector("input[name=password]").value = "correct horse Größe";
        document.querySelector("form button[type=submit]").click();""")
    olga.wait(lambda: olga.all("nav a[aria-current=page]"), "to be logged in")
    olga.js("window.letGo()")
    olga.settle()
    assert olga.all("nav a[aria-current=page]") and "has ended" not in olga.text()


def test_a_page_that_may_not_copy(olga):
    """Over plain http a browser has no clipboard for it."""
    olga.open("#/toggl")
    olga.js("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    address = olga.text(".copyable code")
    olga.press("Copy")
    olga.says("press Ctrl+C")
    assert olga.js("return String(getSelection())") == address


def test_an_address_that_is_none(olga):
    for place in ("settings/constructor", "subscribers/constructor", "constructor"):
        olga.open(f"#/{place}", anew=False)
        olga.says("There is no such page.")
    olga.open("#/time?from=foo", anew=False)
    olga.says("By person")


def test_a_filter_that_nothing_can_fit(olga):
    olga.open("#/events?text=%00", anew=False)
    olga.says("Remove that filter.")
    olga.press("Remove the filter text", ".chip")
    olga.wait(lambda: olga.all("ol.events > li"), "the events")


def test_an_address_with_a_time_that_is_none(olga):
    olga.may_fail(400)
    olga.open("#/events?since=foo")
    olga.says("Since and until are times such as")
    olga.press("foo", ".chip")
    olga.wait(lambda: olga.all("ol.events > li"), "the events")


def test_places_and_the_way_back(olga):
    for view in ("Events", "Time", "Toggl", "Subscribers", "Settings"):
        olga.press(view, "nav a")
        olga.wait(lambda view=view: olga.text("h1") == view, view)
        assert olga.js("return document.title") == f"{view} · hookledger"
        assert olga.js("return document.activeElement.tagName") == "H1"	# a screen reader hears where it is
        assert olga.one("nav a[aria-current=page]").text == view
    olga.driver.back()
    olga.wait(lambda: olga.text("h1") == "Subscribers", "the view before")
    olga.driver.refresh()
    olga.wait(lambda: olga.text("h1") == "Subscribers", "the same place")
    olga.open("#/nonsense", anew=False)
    olga.says("There is no such page.")


def test_by_keyboard_alone(page):
    page.open()
    page.wait(lambda: page.focused() == "Name", "the name to have the focus")
    page.keys("Olga", Keys.TAB, "correct horse Größe", Keys.ENTER)
    page.wait(lambda: page.all("nav[aria-label=Views]"), "to be logged in")
    page.settle()
    page.open()
    page.keys(Keys.TAB)
    assert page.focused() == "Skip to content"
    page.keys(Keys.ENTER)
    assert page.js("return document.activeElement.id") == "content"
    page.js("document.activeElement.blur()")
    page.tab_to("^Settings$")
    page.keys(Keys.ENTER)
    page.wait(lambda: page.text("h1") == "Settings", "the settings")
    page.settle()
    page.tab_to("^Operators$")
    page.keys(Keys.ENTER)
    page.says("Add an operator")
    page.settle()
    page.tab_to("Actions: Vera")
    assert page.js("return getComputedStyle(document.activeElement).outlineStyle") != "none"	# it can be seen
    page.keys(Keys.ENTER)
    page.tab_to("Disable", 6)
    page.keys(Keys.ENTER)
    page.says("Disable Vera?", "dialog")
    page.keys(Keys.ESCAPE)
    page.wait(lambda: not page.all("dialog"), "the dialog to be gone")


def test_a_viewer_is_shown_no_button_that_changes(vera):
    for route in ("#/settings/operators", "#/settings/alerts", "#/settings/findings", "#/toggl", "#/subscribers", "#/subscribers/accounts", "#/subscribers/organizations"):
        vera.open(route, anew=False)
        names = vera.js("""return [...document.querySelectorAll("main button, main summary")].filter((each) => !each.disabled)
            .map((each) => (each.getAttribute("aria-label") ?? each.innerText).trim())""")
        assert all(name in ("", "Copy", "The same in numbers", "More filters") for name in names), (route, names)


def test_two_at_once(olga):
    """An operator sees the changes of another, and no wrong message."""
    other = admin_client.Page(olga.site)
    other.login("Olga")
    olga.open("#/settings/operators", anew=False)
    made = other.post("operators", {"name": "Between", "role": "viewer", "zone": "UTC", "password": "some long password"})
    olga.press("Events", "nav a")
    olga.press("Settings", "nav a")
    olga.press("Operators", ".tabs a")
    olga.says("Between")
    # both disable: the second finds what it wanted
    other.call("PATCH", f"operators/{made.json()['id']}", {"enabled": False})
    olga.choose("Between", "Disable")
    olga.confirm("Between", "Disable")
    assert olga.site.sql("select enabled from ledger.operator where name = 'Between'") == [(False,)]


def test_how_long_a_cold_load_takes(olga, record_property):
    """Measured, not asserted: the machine may be busy."""
    olga.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
    olga.open()
    olga.wait(lambda: olga.all("canvas"), "the chart")
    took, bytes_ = olga.js("""
        const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
        const own = all.filter((each) => !each.name.includes("/api/"));
        return [Math.max(...all.map((each) => each.responseEnd)),
                own.reduce((sum, each) => sum + each.encodedBodySize, 0)];""")
    record_property("cold load of the overview, ms", round(took))
    record_property("the page's own files as they were sent, bytes", bytes_)
