# SPDX-License-Identifier: ISC
"""Trouble at Toggl as it is seen: the page says what happened, what it waits for
and until when, goes on after, and nothing is made twice. What another hookledger
cannot be made to answer, a server of the test's own answers."""
import threading

import pytest
from selenium.webdriver.common.keys import Keys

import web_servers
from admin_client import PASSWORD
from deliveries import run_round
from fixtures import finish, make_site
from installation import WORKSPACE
from toggl_server import HOOKS, Toggl, later

SPENT = (402, {"X-Toggl-Quota-Remaining": "0", "X-Toggl-Quota-Resets-In": "1800"}, "You have hit your hourly limit")
PARTS = ("", "/workspace_users", "/clients", "/projects", "/tags", "/tasks", "/project_users")


@pytest.fixture
def us(bare_site):
    bare_site.write_conf(toggl_hold_ms="8000")
    return bare_site


@pytest.fixture
def liar(liar):
    """It knows a workspace with nothing in it."""
    for part in PARTS:
        liar.answers[f"GET /api/workspaces/{WORKSPACE}{part}"] = (200, {}, None if part else {"id": WORKSPACE, "name": "Acme"})
    return liar


def log_in(page, us):
    web_servers.lighttpd_spawned(us)
    us.hookledger("operator", "add", "Olga", "--zone", "Asia/Tokyo", "--password-file", "-", stdin=PASSWORD)
    page.login("Olga", route="#/toggl")


def connect(page, token="secret-token"):
    page.fill("API token", token)
    page.press("Connect")
    page.says("Connected as Ada")
    page.says("New subscription", "main")
    quiet(page)


@pytest.fixture
def connected(own_page, us, liar, side):
    """Our page, connected to the server that answers what a test wants."""
    own_page.may_fail(409)
    log_in(own_page, us)
    connect(own_page)
    return own_page


def quiet(page):
    """Takes the messages away, so that the next one is another."""
    page.settle()
    page.js("document.getElementById('toasts').replaceChildren()")


def create(page, settled=True):
    page.press("New subscription", "main button")
    page.says("plan", "dialog")
    page.wait(lambda: page.all("dialog input:checked") or "everything" in page.text("dialog"), "filters to be proposed")
    button = page.named("Create at Toggl", "dialog button")
    page.js("arguments[0].scrollIntoView({ block: 'center' })", button)
    button.click()
    if settled:
        page.settle()


def under_way(page):
    """Of each row of "Under way" or "What failed": what, how it stands, when it goes on."""
    return page.js("""return [...document.querySelectorAll("section[data-key='Under way'] tbody tr, section[data-key='What failed'] tbody tr")]
        .map((row) => [...row.children].map((cell) => cell.innerText))""")


def toast(page, level, words):
    page.wait(lambda: any(words in one.text for one in page.all(f".toast.{level}")), f'a message "{words}"')


def refused(page, *words):
    """By us or by Toggl: the window is there still, with what was typed."""
    for part in words:
        page.says(part, "dialog form > [role=alert]")
    page.settle()
    assert page.js("return document.querySelector('dialog input[type=text]').value") == "hookledger"
    assert page.all("dialog .chip") and not page.all(".toast.trouble")


def shoot(page, name):
    """What is seen, on a desk and on a phone, and by whom who does not see."""
    for width in (360, 1280):
        page.screen(width)
        assert not page.is_wide(), name
        page.shoot(f"toggl-{name}-{width}-light", width)
    page.screen(1280)
    assert page.axe() == []


def open_jobs(us):
    return us.sql("select count(*) from ledger.toggl_job where finished_at is null")[0][0]


# ---- the quota

def test_a_quota_that_ends_in_the_middle_of_loading(own_page, us, request, shared_cluster, template, run_folder):
    """With another hookledger, which really counts."""
    page = own_page
    other = make_site(request, shared_cluster, run_folder / "toggls", template)
    try:
        toggl = Toggl(other, us)
        log_in(page, us)
        connect(page, toggl.token)
        used = toggl.used()[1]
        toggl.limit(used + 3)
        page.press("Load names")
        toast(page, "warning", "is spent. It continues by itself at ")
        what, state, resumes = under_way(page)[0]
        assert what.startswith("Load names") and "waits" in state and "nothing is lost" in state and "minutes" in resumes, under_way(page)
        assert toggl.used()[1] == used + 3
        shoot(page, "quota-spent")
        # another visitor sees it too, and pressing again starts no second job
        page.open("#/toggl")
        page.says("Under way")
        quiet(page)
        page.press("Load names")
        page.wait(lambda: page.all(".toast"), "a result")
        assert len(under_way(page)) == 1 and toggl.used()[1] == used + 3
        quiet(page)
        toggl.limit(600)
        toggl.later()
        later(us)
        run_round(us)
        page.wait(lambda: page.all(".toast.well"), "the message that it continued")
        page.wait(lambda: not under_way(page), "nothing to be under way")
        assert us.sql("select count(*) > 0, count(*) = count(distinct (model, entity_id)) from ledger.event") == [(True, True)]
    finally:
        finish(request, other)


def test_a_quota_that_something_else_has_spent(connected, us, liar, side):
    """Toggl says so in the middle of a creation."""
    page = connected
    side.faults["POST"] = [SPENT]
    create(page)
    toast(page, "warning", "is spent")
    (what, state, resumes), = under_way(page)
    assert what.startswith("New subscription") and "It continues by itself at" in state and "minutes" in resumes
    # by the operator's clock, as the browser writes it
    begins = page.js("return new Intl.DateTimeFormat(navigator.language, { timeZone: 'Asia/Tokyo', timeStyle: 'short' }).format(new Date(arguments[0]))",
                     us.sql("select ledger.rfc3339(wait_until) from ledger.toggl_job where finished_at is null")[0][0])
    assert f"{begins}; nothing is lost" in state, (begins, state)
    # a second one would be a double: who is at it, and until when
    create(page)
    refused(page, "Olga is making a subscription", "It waits for the quota until", f"{begins} and goes on")
    page.shoot("toggl-creation-refused-1280-light", 1280)
    page.press("Cancel")
    page.settle()
    assert len(under_way(page)) == 1
    shoot(page, "creation-waits")
    quiet(page)
    later(us, 31)
    run_round(us)
    toast(page, "well", 'Subscription 11 "hookledger"')
    page.says("well", "table")
    assert not under_way(page) and liar.count("POST", "/subscriptions/") == 2 and list(side.there) == ["11"]
    assert us.sql("select count(*) from ledger.endpoint") == [(1,)]


# ---- what Toggl answers

def test_one_that_is_asked_too_fast(connected, us, liar, side):
    page = connected
    side.faults["POST"] = [(429, {"Retry-After": "6"}, "Too many requests")]
    create(page, settled=False)
    page.says('Toggl answered 429: "Too many requests". The request is repeated in ')
    shoot(page, "asked-too-fast")
    toast(page, "well", "Subscription 11")
    page.wait(lambda: not under_way(page), "nothing to be under way")
    assert liar.count("POST", "/subscriptions/") == 2 and list(side.there) == ["11"]


def test_one_that_is_away_for_a_while(connected, us, liar, side):
    """While the list is read, which may be asked again."""
    page = connected
    create(page)
    quiet(page)
    side.faults["GET"] = [(503, {"Retry-After": "3"}, "away")] * 2
    page.choose("hookledger", "Disable")
    toast(page, "well", "Subscription 11 is changed")
    page.says("disabled", "table")
    assert side.there["11"]["enabled"] is False and liar.count("PUT") == 1 and not under_way(page)


@pytest.mark.parametrize("fault", [(500, {}, "Internal Server Error"), (502, {}, b"<html><h1>Bad Gateway</h1></html>"),
                                   (200, {}, {"subscription_id": "<b>many</b>"})], ids=["500", "html", "lie"])
def test_a_creation_that_toggl_knows_nothing_of(connected, us, liar, side, fault):
    page = connected
    side.faults["POST"] = [fault]
    create(page)
    refused(page, "The subscription is not in Toggl's list; try again later")
    # it is still there when the message is gone
    page.open("#/toggl")
    (what, state), = under_way(page)
    assert what.startswith("New subscription") and "failed" in state and "not in Toggl's list" in state
    if fault[0] == 500:
        shoot(page, "creation-failed")
    create(page)
    toast(page, "well", "Subscription 11")
    page.wait(lambda: not under_way(page), "the failure to be over")
    assert liar.count("POST", "/subscriptions/") == 2 and list(side.there) == ["11"] and not page.all("main h1 b, #toasts h1")


def test_a_creation_that_was_made_before_the_answer_broke_off(connected, us, liar, side):
    page = connected
    side.faults["POST"] = [lambda request, do: do() and (500, {}, "oh")]
    create(page)
    toast(page, "well", "Subscription 11")
    assert liar.count("POST", "/subscriptions/") == 1 and us.sql("select count(*) from ledger.endpoint where enabled") == [(1,)]


@pytest.fixture
def gate():
    """Until it is set, what is asked of Toggl hangs."""
    one = threading.Event()
    yield one
    one.set()


def test_an_answer_that_does_not_come(own_page, us, liar, side, gate):
    page = own_page
    us.write_conf(toggl_timeout_ms="4000")
    page.may_fail(409)
    log_in(page, us)
    connect(page)
    side.faults["POST"] = [lambda request, do: do() and gate.wait(30) and None]
    create(page, settled=False)
    page.says("It is in progress.")
    toast(page, "well", "Subscription 11")
    assert liar.count("POST", "/subscriptions/") == 1 and list(side.there) == ["11"]


def test_one_that_takes_longer_than_the_page_waits(own_page, us, liar, side, gate):
    page = own_page
    us.write_conf(toggl_hold_ms="500", toggl_timeout_ms="20000")
    log_in(page, us)
    connect(page)
    side.faults["POST"] = [lambda request, do: gate.wait(30) and (200, {}, do())]
    create(page)
    toast(page, "wait", "The result will be shown here.")
    (what, state, _), = under_way(page)
    assert what.startswith("New subscription") and "at work" in state
    shoot(page, "takes-long")
    # somebody looks at another view and comes back
    page.open("#/overview", anew=False)
    page.open("#/toggl", anew=False)
    gate.set()
    toast(page, "well", "Subscription 11")
    page.says("well", "table")
    assert not under_way(page) and liar.count("POST", "/subscriptions/") == 1


def test_a_creation_whose_program_died_is_continued(connected, us, liar, side):
    page = connected
    side.kill_in_creation(us)
    create(page)
    refused(page, "Somebody at the command line is making a subscription")
    page.press("Cancel")
    page.settle()
    # the lease of a process that is gone runs out
    us.sql("update ledger.toggl_job set leased_until = clock_timestamp() where finished_at is null")
    page.says("Its program ended; the courier continues it, and nothing is done twice.")
    shoot(page, "broken-off")
    quiet(page)
    page.press("Continue now")
    toast(page, "well", "Subscription 11")
    page.says("well", "table")
    assert not under_way(page) and liar.count("POST", "/subscriptions/") == 1 and list(side.there) == ["11"]
    assert us.sql("select count(*) from ledger.endpoint") == [(1,)]


# ---- a Toggl that lies

def test_a_handshake_that_fails(connected, us, liar, side):
    page = connected
    side.faults["POST"] = [(400, {}, "URL endpoint http://x responded with status 404 instead of 2xx")]
    create(page)
    refused(page, "check that it passes /hook/ to hookledger-receiver")
    shoot(page, "handshake-failed")
    assert liar.count("POST", "/subscriptions/") == 1 and us.sql("select count(*) from ledger.endpoint") == [(0,)] and open_jobs(us) == 0


def test_what_toggl_refuses_is_mended_where_it_was_typed(connected, us, liar, side):
    page = connected
    side.faults["POST"] = [(400, {}, "this description is <i>forbidden</i>")]
    page.press("New subscription", "main button")
    page.says("everything", "dialog")
    page.fill("Description", "typed at length")
    page.press("Create at Toggl", "dialog button")
    page.says('Toggl answered 400: "this description is <i>forbidden</i>"', "dialog form > [role=alert]")
    assert page.field("Description").get_property("value") == "typed at length" and not page.all("dialog i, .toast")
    page.fill("Description", "another")
    page.press("Create at Toggl", "dialog button")
    toast(page, "well", "Subscription 11")
    assert not page.all("dialog") and side.there["11"]["description"] == "another"
    quiet(page)
    page.choose("another", "Edit")
    side.faults["PUT"] = [(400, {}, "not that either")]
    page.fill("Description", "typed again")
    page.press("Save", "dialog button")
    page.says("not that either", "dialog form > [role=alert]")
    assert page.field("Description").get_property("value") == "typed again"
    page.press("Save", "dialog button")
    page.says("typed again", "table")
    assert not page.all("dialog") and liar.count("POST", "/subscriptions/") == 2


def test_a_window_that_is_closed_while_toggl_thinks(own_page, us, liar, side, gate):
    """The result is shown in any case; until then the window shows the progress."""
    page = own_page
    page.may_fail(409)
    log_in(page, us)
    connect(page)
    side.faults["POST"] = [lambda request, do: gate.wait(30) and (400, {}, "no")]
    create(page, settled=False)
    page.says("It is in progress.", "dialog")
    page.keys(Keys.ESCAPE)
    page.wait(lambda: not page.all("dialog"), "the window to be gone")
    gate.set()
    toast(page, "trouble", 'Toggl answered 400: "no"')
    page.settle()
    assert len(page.all(".toast")) == 1


def test_a_subscription_that_was_changed_at_toggl(connected, us, liar, side):
    """Validated by its own word, and then not; gone, and then there."""
    page = connected
    create(page)
    quiet(page)
    side.there["11"].update(validated_at=None, enabled=False)
    page.press("Ask Toggl now")
    page.says("Toggl has disabled it, so no events come", "table")
    side.there["11"]["enabled"] = True
    page.press("Ask Toggl now")
    page.says("its address is not validated", "table")
    liar.answers[f"GET {HOOKS}"] = (200, {}, {"not": "a list"})
    quiet(page)
    page.press("Ask Toggl now")
    page.wait(lambda: page.all(".toast"), "a result")
    assert any("which is no list of subscriptions" in one.text for one in page.all(".toast"))
    page.says("its address is not validated", "table")
    assert list(side.there) == ["11"] and liar.count("POST", "/subscriptions/") == 1
