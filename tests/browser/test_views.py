# SPDX-License-Identifier: ISC
"""Every view on a phone and a desk, light and dark: nothing to scroll sideways,
nothing that axe-core finds; the pictures are kept in var/screenshots."""
import time

import pytest

from browser import DESK, PHONE

VIEWS = ["overview", "events", "time", "toggl", "toggl/history", "subscribers", "subscribers/accounts", "subscribers/organizations", "settings", "settings/operators",
         "settings/sessions", "settings/alerts", "settings/ticks", "settings/findings", "settings/audit"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_every_view(page, width, scheme):
    page.screen(width)
    page.scheme(scheme)
    page.open("#/overview")
    problems = look(page, "login", width, scheme)
    page.login("Olga")
    for view in VIEWS:
        page.open(f"#/{view}", anew=False)
        problems += look(page, view, width, scheme)
    page.open("#/events?model=time_entry", anew=False)
    page.js("document.querySelector('ol.events a').click()")
    page.says("About it")
    page.settle()
    problems += look(page, "event", width, scheme)
    assert not problems, "\n".join(problems)


def look(page, view, width, scheme):
    name = view.replace("/", "-")
    page.shoot(f"{name}-{width}-{scheme}", width)
    found = [f"{name} at {width} in {scheme}: {violation}" for violation in page.axe()]
    if page.is_wide():
        found.append(f"{name} at {width} has to be scrolled sideways")
    if width == PHONE and page.js("return [...document.querySelectorAll('.scrolls:has(.cards)')].some((one) => one.scrollWidth > one.clientWidth)"):
        found.append(f"{name} at {width} has cards to be scrolled sideways")
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_paper(olga, scheme):
    """No sheet is left empty, whatever is as long as it likes; colours that say something are there, dark ones are not."""
    days = time.strftime("from=%Y-%m-%d", time.gmtime(time.time() - 5 * 86400)) + time.strftime("&until=%Y-%m-%d", time.gmtime())
    for view, route in (("overview", "overview"), ("events", "events"), ("time", f"time?{days}"), ("toggl", "toggl")):
        olga.scheme(scheme)
        olga.screen(DESK)
        olga.open(f"#/{route}", anew=False)
        sheets = olga.paper(f"{view}-paper-{scheme}")
        lines = [len([line for line in sheet.splitlines() if line.strip()]) for sheet in sheets]
        assert all(count > 10 for count in lines[:-1]), f"{view}: lines on each sheet: {lines}"
        assert "Log out" not in sheets[0] and "Actions" not in "".join(sheets)
        olga.scheme(scheme, "print")
        olga.screen(700)
        looks = olga.js("return [...document.querySelectorAll('.swatch, .label, progress')].map((one) => getComputedStyle(one).printColorAdjust)")
        assert set(looks) == {"exact"} or view == "toggl" and not looks
        assert olga.js("return [...document.querySelectorAll('.uplot')].every((one) => one.getBoundingClientRect().right <= one.closest('.block').getBoundingClientRect().right)")
        assert olga.js("return getComputedStyle(document.documentElement).getPropertyValue('--quiet')").strip() == "#57606a"


def test_the_week_of_who_looks(olga):
    """Weeks begin as where the browser's language is spoken, also where it does not say how."""
    olga.open("#/time", anew=False)
    olga.settle()
    first, mine = olga.js("return import(new URL('js/format.js', document.baseURI)).then((m) => [new Date(document.querySelector('#time-from').value).getUTCDay(), m.weekStart()])")
    assert first == mine
    asked = """const { weekStart } = await import(new URL('js/format.js', document.baseURI));
               const days = () => ['en-US', 'de-DE', 'ar-EG', 'ja-JP', 'en-GB', 'fa', 'pt-BR', 'hi'].map((each) => weekStart(each));
               const said = days(), own = Intl.Locale.prototype.getWeekInfo;
               delete Intl.Locale.prototype.getWeekInfo;
               Object.defineProperty(Intl.Locale.prototype, 'weekInfo', { value: undefined, configurable: true });
               return [said, days()];"""
    assert olga.js(f"return (async () => {{ {asked} }})()") == [[0, 1, 6, 0, 1, 6, 0, 0]] * 2
