# SPDX-License-Identifier: ISC
"""What happened, is it well, who is tracking what."""
import contextlib
import csv
import fcntl
import json
import time

import admin_client
import web_servers
from selenium.webdriver.common.keys import Keys

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>"\'&lt; ⏱ Wahnsinn'
PERSON = 9000001
LOOKS = "return [...document.querySelectorAll('%s .swatch')].map((each) => each.style.backgroundColor + each.className)"
# the colours of the picture
PIXELS = """
    const canvas = document.querySelector("canvas"), seen = new Map();
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4)
        if (data[at + 3] === 255) {
            const colour = `rgb(${data[at]}, ${data[at + 1]}, ${data[at + 2]})`;
            seen.set(colour, (seen.get(colour) ?? 0) + 1);
        }
    return [...seen].filter(([, count]) => count > 40).map(([colour]) => colour).sort();"""


def serve(page, site, zone="Europe/Berlin"):
    """An operator before a site that is served."""
    site.hookledger("operator", "add", "Olga", "--zone", zone, "--password-file", "-", stdin=admin_client.PASSWORD)
    web_servers.lighttpd_spawned(site)
    page.begin(site)


def noon():
    """A zone in which it is noon: for hours, no day begins or ends."""
    return f"Etc/GMT{time.gmtime().tm_hour - 12:+d}"


def entry(site, number, action="created", **fields):
    """A time entry that Toggl sends."""
    payload = {"id": number, "workspace_id": 7435584, "user_id": PERSON, "start": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 4000)),
               "duration": -1, "description": f"Entry {number}", **fields}
    answer = site.send(site.event(model="time_entry", action=action, payload=payload))
    assert answer.status == 200, answer


def test_filters_are_in_the_address(olga):
    olga.open("#/events", anew=False)
    olga.fill("Entity", "project")
    olga.wait(lambda: olga.path() == "/events?model=project", "the filter in the address")
    olga.settle()
    assert set(olga.js("return [...document.querySelectorAll('ol.events .label')].map((each) => each.innerText)")) == {"project"}
    olga.fill("Action", "created")
    olga.wait(lambda: "action=created" in olga.path(), "the second filter")
    olga.settle()
    one = olga.text("ol.events")
    olga.driver.refresh()
    olga.settle()
    assert olga.text("ol.events").split("\n")[1] == one.split("\n")[1]	# mailed, it shows the same
    olga.press("Remove the filter entity: project")
    olga.wait(lambda: olga.path() == "/events?action=created", "one filter less")
    olga.driver.back()
    olga.wait(lambda: "model=project" in olga.path() and olga.field("Entity").get_attribute("value") == "project", "the filters before")


def test_older_events_by_keyboard(olga):
    olga.open("#/events", anew=False)
    count = lambda: len(olga.all("ol.events > li"))
    assert count() == 50
    olga.press("Older events")
    olga.wait(lambda: count() == 100, "50 more")
    olga.js("document.querySelector('ol.events a').focus()")
    olga.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ENTER)
    olga.says("Came by", ".side")
    assert olga.js("return document.activeElement.tagName") == "H2"
    olga.press("Back to the list")
    olga.wait(lambda: olga.js("return [...document.querySelectorAll('ol.events a')].indexOf(document.activeElement)") == 2, "the place one was at")


def test_text_is_searched_and_all_is_shown_as_text(own_page, bare_site):
    """Names, descriptions, bodies and headers of other people are never HTML."""
    page, site = own_page, bare_site
    site.add_endpoint("--name", HOSTILE)
    serve(page, site)
    site.send(site.event(model="workspace_user", payload={"id": 1, "user_id": PERSON, "name": HOSTILE, "email": HOSTILE, "workspace_id": 7435584}))
    site.send(site.event(model="project", payload={"id": 77, "workspace_id": 7435584, "name": HOSTILE, "color": "red;background:url(//x)", "active": True}))
    entry(site, 5, description=HOSTILE, project_id=77, tags=[HOSTILE])
    entry(site, 5, "updated", description=HOSTILE + " again", project_id=77, tags=[HOSTILE, "b"], created_with=HOSTILE)
    site.send(site.event(), headers={"User-Agent": HOSTILE.encode("ascii", "ignore").decode()}, signature="sha256=" + "0" * 64)
    page.login("Olga")
    page.says("onerror")
    for route in ("#/events?text=wahnsinn", "#/time"):
        page.open(route, anew=False)
        page.says("<script>document.title=2</script>")
    page.open("#/events?model=time_entry", anew=False)
    page.js("document.querySelector('ol.events a').click()")
    page.says("again", ".side")
    page.press("Body, as it came")
    page.says("onerror", "details[open] pre")
    page.open(f"#/events?text={'%3Cscript%3E'}&user=1%27--", anew=False)	# an error in words
    page.may_fail(400)
    page.says("number")
    assert page.js("return document.title") == "Events · hookledger"
    assert page.js("return document.querySelectorAll('main img, main script').length") == 0


def test_what_changed_is_said_by_name(own_page, bare_site):
    page, site = own_page, bare_site
    site.add_endpoint()
    serve(page, site)
    for number, name in ((11, "Website"), (12, "<b>Shop</b>")):
        site.send(site.event(model="project", payload={"id": number, "workspace_id": 7435584, "name": name, "active": True}))
    began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 4000))
    entry(site, 5, project_id=11, start=began)
    entry(site, 5, "updated", project_id=12, start=began)
    entry(site, 5, "updated", project_id=99, start=began)	# which nobody knows
    page.login("Olga", route="#/events?model=time_entry")
    changes = "return [...document.querySelectorAll('.side table.changes tbody tr')].map((row) => [...row.children].map((cell) => cell.innerText))"
    page.js("document.querySelectorAll('ol.events a')[1].click()")
    page.wait(lambda: page.js(changes) == [["project", "Website", "<b>Shop</b>"]], "the names")
    page.js("document.querySelectorAll('ol.events a')[0].click()")
    page.wait(lambda: page.js(changes) == [["project", "<b>Shop</b>", "99"]], "what is known")


def test_news_wait_until_they_are_asked_for(own_page, bare_site):
    page, site = own_page, bare_site
    site.add_endpoint()
    serve(page, site)
    for number in range(3):
        entry(site, number + 1)
    page.login("Olga", route="#/events")
    before = page.text("ol.events")
    for number in range(3, 6):
        entry(site, number + 1)
    page.says("3 new events")
    assert len(page.all("ol.events > li")) == 3 and before.split("\n")[1] in page.text("ol.events")	# nothing jumps
    page.press("3 new events")
    page.wait(lambda: len(page.all("ol.events > li")) == 6, "the new ones")
    page.js("document.querySelector('[role=switch]').click()")
    entry(site, 7)
    page.wait(lambda: "Entry 7" in page.text("ol.events > li"), "the newest by itself")


def test_why_a_late_event_stands_where_it_does(own_page, bare_site):
    """The list is in the order of recording, and shows when things happened."""
    page, site = own_page, bare_site
    site.add_endpoint()
    serve(page, site)
    for number, minutes in enumerate((0, 9, 11, 60 * 3, 60 * 24 * 2 + 5), 1):
        happened = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - minutes * 60))
        assert site.send(site.event(model="tag", created_at=happened, payload={"id": number, "workspace_id": 7435584, "name": f"Tag {number}"})).status == 200
    assert site.send(site.event(model="tag", payload={"id": 6, "workspace_id": 7435584, "name": "Tag 6"})).status == 200
    site.sql("update ledger.event set source = 'spool' where entity_id = 6")
    page.login("Olga", route="#/events")
    page.wait(lambda: len(page.all("ol.events > li")) == 6, "the events")
    late = page.js("return [...document.querySelectorAll('ol.events > li')].map((each) => each.querySelector('.late')?.firstChild.data ?? null)")
    assert late == ["waited in the spool", "recorded 2 days later", "recorded 3 hours later", "recorded 11 minutes later", None, None], late
    shown = "return [...document.querySelectorAll('.tip')].filter((each) => each.checkVisibility({ visibilityProperty: true })).map((each) => each.innerText)"
    assert page.js(shown) == []
    page.tab_to("Tag 5")
    tip, = page.js(shown)
    assert tip.startswith("Happened: ") and "\nReceived: " in tip, tip
    assert page.axe() == []
    for width in (1280, 360):
        page.screen(width)
        assert not page.is_wide()
        page.shoot(f"events-late-{width}-light", width)
    # however short the times beside it are
    page.js("document.querySelectorAll('.aside > :not(.late)').forEach((each) => { each.textContent = 'x'; })")
    assert not page.is_wide()


def test_the_first_event_turns_the_light_green(own_page, bare_site):
    page, site = own_page, bare_site
    made = site.add_endpoint()
    serve(page, site)
    page.login("Olga")
    page.says("Waiting for the first event")
    page.says(made["address"])
    assert not page.axe()
    page.shoot("overview-empty-1280-light", 1280)
    entry(site, 1)
    page.says("The first event has arrived")


def test_what_runs_and_what_was_done(own_page, bare_site):
    page, site = own_page, bare_site
    site.add_endpoint()
    serve(page, site, noon())
    entry(site, 1, description="Half an hour", duration=1800, start=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 9000)),
          stop=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 7200)))
    entry(site, 2, description="It runs")
    page.login("Olga", route="#/time")
    page.says("It runs", ".running")
    first = page.text(".running .ticks")
    page.wait(lambda: page.text(".running .ticks") != first, "the clock to go on")
    page.press("The same in numbers")
    assert "1.6" in page.text("figure table")	# 0.5 and 4000 s
    page.press("Last month")
    page.says("No time was tracked in these days.")
    assert "from=" in page.path()
    page.driver.back()
    page.says("It runs", ".running")
    # of many the first few, so that the hours are in sight
    for number in range(3, 14):
        entry(site, number, description=f"Timer {number}")
    page.open("#/time")
    page.says("4 more", "summary")
    shown = "return [...document.querySelectorAll('.running li')].filter((each) => each.checkVisibility()).length"
    assert page.js(shown) == 8
    page.press("4 more")
    assert page.js(shown) == 12
    assert not page.axe()


def test_projects_of_one_colour_are_told_apart(own_page, bare_site):
    page, site = own_page, bare_site
    site.add_endpoint()
    serve(page, site)
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 7 * 86400))
    for number, (seconds, colour) in enumerate(((10800, "#d94182"), (7200, "#d94183"), (3600, "#0b83d9"), (1800, "#d94182"), (900, None)), 1):
        site.send(site.event(model="project", payload={"id": number, "workspace_id": 7435584, "name": f"Project {number}", "color": colour, "active": True}))
        entry(site, number, start=f"{day}T09:00:00Z", duration=seconds, project_id=number)
    entry(site, 6, start=f"{day}T09:00:00Z", duration=600)	# of none
    page.login("Olga", route=f"#/time?from={day}&until={day}")
    page.says("Project 5", ".legend")
    looks = page.js(LOOKS % ".legend")
    assert len(looks) == len(set(looks)) == 6 and sum("pattern0" in look for look in looks) == 4, looks
    assert looks == page.js(LOOKS % "table")
    # in another scheme at once, with the picture
    page.allowed.append("willReadFrequently")
    drawn = page.js(PIXELS)
    page.scheme("dark")
    page.wait(lambda: page.js(LOOKS % ".legend") != looks and page.js(PIXELS) != drawn, "the colours for the dark", 5)
    looks = page.js(LOOKS % ".legend")
    assert looks == page.js(LOOKS % "table")
    whole = {look.partition("swatch")[0] for look in looks if "pattern0" in look}
    page.wait(lambda: whole <= set(page.js(PIXELS)), f"{whole} to be drawn", 5)
    shares = page.js("return [...document.querySelectorAll('.twins section:first-child .share')].map((each) => each.innerText)")
    assert shares == ["43%", "29%", "14%", "7%", "4%", "2%"], shares


def test_an_error_is_said_in_words(olga):
    olga.may_fail(400)
    olga.open("#/events?entity=nonsense", anew=False)
    olga.says("That did not work.")
    olga.says("Try again")


def test_an_export_is_what_is_filtered(olga):
    olga.open("#/events?model=project", anew=False)
    said = olga.driver.execute_async_script("""const done = arguments[arguments.length - 1];
        fetch([...document.querySelectorAll("a[download]")].pop().href).then((answer) => answer.text()).then(done);""")
    lines = [json.loads(line) for line in said.splitlines()]
    expected = olga.site.sql("select count(*)::int from ledger.event where model = 'project'")[0][0]
    assert len(lines) == expected > 0


def test_an_export_is_saved_when_it_is_whole(olga, tmp_path):
    olga.open("#/events?model=project", anew=False)
    olga.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    expected = olga.site.sql("select count(*)::int from ledger.event where model = 'project'")[0][0]
    olga.js("document.querySelector('a[download]').click()")
    saved = tmp_path / "hookledger-events.csv"
    olga.wait(saved.exists, "the file to be saved")
    assert len(list(csv.DictReader(saved.read_text(encoding="utf-8").splitlines()))) == expected > 0
    saved.unlink()
    # all places for exports are taken
    olga.may_fail(503)
    with contextlib.ExitStack() as stack:
        for number in range(2):
            place = stack.enter_context(open(olga.site.spool / f"export-{number}", "ab"))
            (olga.site.spool / f"export-{number}").chmod(0o666)
            fcntl.flock(place, fcntl.LOCK_EX)
        olga.js("document.querySelector('a[download]').click()")
        olga.says("Others are exporting just now")
    # the web server hides that it ended early
    olga.js("const whole = window.fetch; window.fetch = async (...all) => new Response((await (await whole(...all)).text()).slice(0, -20));")
    olga.js("document.querySelector('a[download]').click()")
    olga.says("Nothing was saved")
    assert not list(tmp_path.iterdir())
