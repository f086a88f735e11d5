# SPDX-License-Identifier: ISC
"""No text of the page stands outside of the catalogue: every view, window, menu and
empty state in a language that nobody speaks."""
import time

import pytest

import api_client
import web_servers
from admin_client import PASSWORD
from conftest import record_events
from installation import WORKSPACE, Site, new_folder
from pseudo import Finder, Words
from selenium.webdriver.common.keys import Keys
from test_views import VIEWS

TOKEN = "a set-up token of my own"


@pytest.fixture(scope="session")
def words(run_folder):
    return Words(run_folder / "pseudo")


@pytest.fixture
def finder(chromium):
    chromium.languages("en-GB")
    one = Finder(chromium)
    yield one
    one.done()
    problems = chromium.problems()
    chromium.driver.get("about:blank")
    assert not one.escaped, "\n".join(one.escaped.values())
    assert not problems, "\n".join(problems)


def begin(page, site, words):
    site.www = words.folder
    web_servers.lighttpd_spawned(site)
    page.begin(site)


def log_in(page, words, password=PASSWORD):
    page.fill(words["login/name"], "Olga")
    page.fill(words["login/password"], password)
    page.press(words["login/act"])


def visit(page, finder, *views):
    for view in views:
        page.open(f"#/{view}", anew=False)
        finder.look(view)


def press(page, text, css="button, summary, a"):
    """By the script, so that items of closed menus can be pressed too."""
    page.wait(lambda: page.js("""
        const scope = [...document.querySelectorAll("dialog[open]")].pop() ?? document;
        const found = [...scope.querySelectorAll(arguments[1])].find((each) => (each.getAttribute("aria-label") ?? each.textContent).trim() === arguments[0]);
        found?.click();
        return Boolean(found);""", text, css), f"a button {text}")


def window(page, finder, text, css="button"):
    """A window that opens, and is closed without doing anything."""
    press(page, text, css)
    page.wait(lambda: page.all("dialog[open]"), f"the window of {text}")
    page.settle()
    finder.look(f"the window of {text}")
    page.keys(Keys.ESCAPE)
    page.wait(lambda: not page.all("dialog"), "the window to be gone")


def toast(page, finder):
    page.wait(lambda: page.all(".toast"), "a message")
    page.settle()
    finder.look("a message")
    page.js("document.getElementById('toasts').replaceChildren()")


def test_coming_in_and_where_nothing_is_yet(chromium, finder, words, bare_site):
    page = chromium
    bare_site.hookledger("operator", "add", "Olga", "--password-file", "-", stdin=PASSWORD)
    begin(page, bare_site, words)
    page.may_fail(401)
    page.open()
    finder.look("login")
    log_in(page, words, "wrong password")
    page.wait(lambda: page.all("form > [role=alert]"), "to be refused")
    finder.look("login, refused")
    log_in(page, words)
    page.wait(lambda: page.all("nav a"), "to be logged in")
    visit(page, finder, *VIEWS, "events?text=x", "events?text=%00", "nonsense", f"time?from=2020-01-01&until=2020-01-07")
    # ---- the session ends; the server is gone
    bare_site.sql("delete from ledger.session")
    page.js("location.hash = '#/settings/operators'")
    page.wait(lambda: page.all("input[type=password]"), "to be asked")
    finder.look("login, after the session")
    page.js("window.fetch = () => Promise.reject(new TypeError('gone'))")
    log_in(page, words)
    page.wait(lambda: page.all("form > [role=alert]"), "an error")
    finder.look("login, no server")


def test_the_first_visit(chromium, finder, words, shared_cluster, run_folder):
    site = Site(shared_cluster, new_folder(run_folder / "sites" / "pseudo-first"), "template0")
    try:
        site.write_conf(setup_token=TOKEN)
        begin(chromium, site, words)
        chromium.open()
        finder.look("setup")
    finally:
        site.close()


@pytest.fixture
def site(chromium, words, bare_site):
    bare_site.add_endpoint("--name", "Toggl")
    bare_site.write_conf(**api_client.EAGER)
    record_events(bare_site)
    begin(chromium, bare_site, words)
    chromium.open()
    log_in(chromium, words)
    chromium.wait(lambda: chromium.all("nav a"), "to be logged in")
    chromium.settle()
    return bare_site


def test_what_happened(chromium, finder, words, site):
    page = chromium
    page.open()
    visit(page, finder, "overview", "events", "time")
    page.js("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    finder.look("time, opened")
    for model in ("time_entry", "project", "tag", "workspace_user"):
        page.open(f"#/events?model={model}&action=created&since=2020-01-01T00:00:00Z&workspace={WORKSPACE}&user=&entity=", anew=False)
        finder.look(f"events, {model}")
        if page.all("ol.events a"):
            page.js("document.querySelector('ol.events a').click()")
            page.wait(lambda: page.all(".detail"), "the event")
            page.settle()
            finder.look(f"an event, {model}")
    site.sql("update ledger.event set source = case when event_id % 2 = 0 then 'spool' else 'quarantine' end")
    page.open("#/events", anew=False)
    finder.look("late events")
    site.send(site.event(model="tag", payload={"id": 6, "workspace_id": int(WORKSPACE), "name": "Tag 6"}))
    page.wait(lambda: page.all("button.news"), "the new event", 20)
    finder.look("new events")


def test_subscribers(chromium, finder, words, site, subscriber):
    page = chromium
    t = "subscribers/"
    assert site.ada.subscribe(subscriber.url, "of mine").status == 200
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    site.send(site.event(model="tag", created_at=now, payload={"id": 6, "workspace_id": int(WORKSPACE), "name": "Tag 6"}))
    visit(page, finder, "subscribers", "subscribers/deliveries/1", "subscribers/accounts", "subscribers/organizations")
    page.open("#/subscribers/deliveries/1", anew=False)
    if page.all("button.sentence"):
        page.js("document.querySelector('button.sentence').click()")
        page.wait(lambda: page.all("dialog[open]"), "the delivery")
        finder.look("a delivery")
        page.keys(Keys.ESCAPE)
    page.open("#/subscribers", anew=False)
    for item in ("add", "edit", "replaySince", "rotate", "disable", "remove"):
        window(page, finder, words[f"{t}{item}"])
    press(page, words[f"{t}ping"])
    toast(page, finder)
    page.open("#/subscribers/accounts", anew=False)
    for item in ("addAccount", "grant", "newToken", "disableAccount"):
        window(page, finder, words[f"{t}{item}"])
    page.open("#/subscribers/organizations", anew=False)
    for item in ("addOrganization", "edit", "addWorkspace"):
        window(page, finder, words[f"{t}{item}"])
    for change in ("enabled = false", "enabled = true, validated_at = null", "validated_at = now(), failing_since = now() - interval '1 day'"):
        site.sql(f"update ledger.subscription set {change}")
        visit(page, finder, "settings", "subscribers")


def test_settings(chromium, finder, words, site, subscriber):
    page = chromium
    visit(page, finder, *[view for view in VIEWS if view.startswith("settings")])
    page.open("#/settings/me", anew=False)
    window(page, finder, words["settings/totp/begin"])
    press(page, words["save"])
    toast(page, finder)
    site.sql("delete from ledger.totp")
    site.sql("insert into ledger.totp (operator_id, secret_sealed, made_at, confirmed_at) values (1, '', now(), now()), (2, '', now(), now())")
    visit(page, finder, "settings/operators", "settings/me")
    window(page, finder, words["settings/totp/end"])
    page.open("#/settings/operators", anew=False)
    for item in ("reset", "totp/reset", "disable"):
        window(page, finder, words[f"settings/{item}"])
    page.open("#/settings/alerts", anew=False)
    page.fill(words["settings/kind"], "webhook")
    finder.look("an alert by webhook")
    page.fill(words["settings/targets/webhook"], subscriber.url)
    window(page, finder, words["settings/addAct"])	# it shows the secret
    page.settle()
    finder.look("alerts")
    press(page, words["settings/testOf"].replace("{name}", f"{subscriber.url.rsplit('/', 1)[0]}/…"))
    toast(page, finder)
    window(page, finder, words["settings/removeAlert"])
    page.open("#/settings/ticks", anew=False)
    page.fill(words["settings/ticks/name"], "cron of mine")
    window(page, finder, words["settings/ticks/add"])
    page.settle()
    finder.look("addresses for web-cron")
    window(page, finder, words["settings/ticks/remove"])
    visit(page, finder, "settings/audit")
    # ---- the password once more
    site.sql("update ledger.session set proved_until = now() - interval '1 second'")
    page.may_fail(403)
    page.open("#/settings/ticks", anew=False)
    page.fill(words["settings/ticks/name"], "another")
    press(page, words["settings/ticks/add"])
    page.wait(lambda: page.all("dialog[open]"), "the password to be asked for")
    finder.look("the password once more")
    page.keys(Keys.ESCAPE)
    page.settle()
    finder.look("without the password")


@pytest.fixture
def us(bare_site, words):
    bare_site.write_conf(toggl_hold_ms="8000")
    return bare_site


def test_toggl(chromium, finder, words, us, liar, side):
    page = chromium
    for part in ("", "/workspace_users", "/clients", "/projects", "/tags", "/tasks", "/project_users"):
        liar.answers[f"GET /api/workspaces/{WORKSPACE}{part}"] = (200, {}, None if part else {"id": WORKSPACE, "name": "Acme"})
    us.hookledger("operator", "add", "Olga", "--password-file", "-", stdin=PASSWORD)
    begin(page, us, words)
    page.open("#/toggl")
    log_in(page, words)
    page.wait(lambda: page.all("nav a"), "to be logged in")
    page.settle()
    finder.look("toggl, not connected")
    window(page, finder, words["endpoints/add"])
    page.fill(words["toggl/token"], "secret-token")
    press(page, words["toggl/connect"])
    toast(page, finder)
    window(page, finder, words["toggl/add"])
    press(page, words["toggl/add"])
    page.wait(lambda: page.all("dialog .chip"), "filters to be proposed")
    press(page, words["toggl/create"])
    toast(page, finder)
    page.wait(lambda: page.all("section table details.menu"), "the subscription")
    finder.look("toggl, a subscription")
    for item in ("edit", "rotate", "remove"):
        window(page, finder, words[f"toggl/{item}"])
    window(page, finder, words["toggl/disconnect"])
    for item in ("rotate", "disable"):
        press(page, words["toggl/subscriptions"], "h2")
        page.js("""document.querySelectorAll("details.menu").forEach((each, place, all) => { if (place < all.length - 1) each.remove(); })""")
        window(page, finder, words[f"endpoints/{item}"])
        page.open("#/overview", anew=False)
        page.open("#/toggl", anew=False)
    us.sql("insert into ledger.history_window values (%s, '2025-01-01', '2025-12-31', null, now(), now(), 3, 10, 10, 3600, 3600)", WORKSPACE)
    us.sql("insert into ledger.completeness select %s, current_date - n::integer, 0, 3600, case n when 3 then null else 3600 + n end, now(), s "
           "from unnest('{equal,filled,differs,unknown}'::text[]) with ordinality u (s, n)", WORKSPACE)
    us.sql("insert into ledger.completeness values (%s, current_date - 3, 9000001, 3600, 3603, now(), 'differs')", WORKSPACE)
    us.sql("insert into ledger.repair_range (workspace_id, from_at, until_at, reason, closed_at, filled, unknown_days) "
           "select %s, now() - interval '3 hours', now() - interval '1 hour', r, case r when 'silence' then now() end, 2, 1 "
           "from unnest('{silence,disabled,refused,spool,restored,failover}'::text[]) r", WORKSPACE)
    page.open("#/toggl/history", anew=False)
    page.settle()
    finder.look("history")
    page.may_fail(409)	# this Toggl has no reports
    press(page, words["history/plan"])
    page.settle()
    finder.look("history, not planned")
    page.js("document.querySelector('td.day.differs a')?.click()")
    page.settle()
    finder.look("history of a day")
    page.open("#/toggl", anew=False)
    page.settle()
    # ---- a job that waits
    side.faults["PUT"] = [(402, {"X-Toggl-Quota-Remaining": "0", "X-Toggl-Quota-Resets-In": "1800"}, "You have hit your hourly limit")]
    press(page, words["toggl/disable"])
    toast(page, finder)
    page.settle()
    finder.look("toggl, a job that waits")
    us.sql("update ledger.toggl_job set leased_until = clock_timestamp(), wait_until = null where finished_at is null")
    visit(page, finder, "overview", "toggl")
