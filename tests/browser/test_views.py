# SPDX-License-Identifier: ISC
"""Every view on a phone and a desk, light and dark: nothing to scroll sideways,
nothing that axe-core finds; the pictures are kept in var/screenshots."""
import pytest

from browser import DESK, PHONE

VIEWS = ["overview", "events", "time", "toggl", "subscribers", "subscribers/accounts", "subscribers/organizations", "settings", "settings/operators",
         "settings/sessions", "settings/notices", "settings/findings", "settings/audit"]


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
    return found
