# SPDX-License-Identifier: ISC
"""One's own account: the password once more, and codes at the login."""
import base64
import hashlib
import hmac
import struct

import pytest
from selenium.webdriver.common.keys import Keys

import web_servers
from admin_client import PASSWORD
from browser import DESK, PHONE


@pytest.fixture
def mine(own_page, bare_site):
    bare_site.hookledger("operator", "add", "Olga", "--password-file", "-", stdin=PASSWORD)
    web_servers.lighttpd_spawned(bare_site)
    own_page.login("Olga", route="#/settings/operators")
    return own_page


def press_on(page, name):
    """Without waiting: what was begun goes on when the window that opens is done."""
    page.wait(lambda: page.named(name, "button"), name).click()


def test_what_was_being_done_goes_on(mine):
    """An owner's form stays as it is while the password is asked for."""
    mine.may_fail(403)
    mine.site.sql("update ledger.session set proved_until = now() - interval '1 second'")
    mine.fill("Name", "Vera")
    mine.fill("Password", "some long password")
    press_on(mine, "Add")
    mine.says("Your password once more", "dialog")
    assert mine.focused() == "Password"
    assert mine.axe() == []
    for width in (DESK, PHONE):
        for scheme in ("light", "dark"):
            mine.scheme(scheme)
            mine.shoot(f"proof-{width}-{scheme}", width)
            mine.screen(width)
            assert not mine.is_wide()
    mine.screen(DESK)
    mine.scheme("light")
    mine.keys("the password of others", Keys.ENTER)
    mine.says("That is not your present password", "dialog form > [role=alert]")
    assert not mine.site.sql("select from ledger.operator where name = 'Vera'")
    mine.keys(PASSWORD, Keys.ENTER)	# what was wrong is selected
    mine.says("Vera", "table")
    mine.settle()
    assert mine.site.sql("select role from ledger.operator where name = 'Vera'") == [("viewer",)] and not mine.all("dialog")
    mine.choose("Vera", "Make owner")	# for some minutes nobody is asked again
    mine.wait(lambda: mine.site.sql("select role from ledger.operator where name = 'Vera'") == [("owner",)], "the role")
    mine.settle()


def test_who_does_not_give_it_keeps_the_form(mine):
    mine.may_fail(403)
    mine.site.sql("update ledger.session set proved_until = now() - interval '1 second'")
    mine.fill("Name", "Vera")
    mine.fill("Password", "some long password")
    press_on(mine, "Add")
    mine.says("Your password once more", "dialog")
    mine.keys(Keys.ESCAPE)
    mine.wait(lambda: not mine.all("dialog"), "the window to close")
    mine.says("This takes your password once more", "form > [role=alert]")
    assert mine.field("Name").get_property("value") == "Vera" and mine.focused() == "Add"
    # inside a window of its own too
    mine.open("#/settings/alerts", anew=False)
    mine.fill("E-mail address", "ada@example.org")
    press_on(mine, "Add")
    mine.says("Your password once more", "dialog")
    mine.named("Password", "input").send_keys(PASSWORD, Keys.ENTER)
    mine.says("ada@example.org", "table")
    mine.settle()


def code_of(secret, step):
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"


def code_now(page, secret):
    """That of the next step, so that none is used twice; the clock goes there."""
    page.site.sql("""update ledger.state set clock_offset = clock_offset + interval '30 seconds'
                     + make_interval(secs => 1 - (extract(epoch from ledger.clock()))::numeric % 30)""")
    return code_of(secret, int(page.site.sql("select floor(extract(epoch from ledger.clock()) / 30)")[0][0]))


def shoot(page, name):
    assert page.axe() == []
    for width in (DESK, PHONE):
        for scheme in ("light", "dark"):
            page.scheme(scheme)
            page.screen(width)
            assert not page.is_wide()
            page.shoot(f"{name}-{width}-{scheme}", width)
    page.screen(DESK)
    page.scheme("light")


def test_codes_from_setting_up_to_turning_off(mine):
    mine.may_fail(401, 403)
    mine.open("#/settings/me", anew=False)
    mine.says("Your password alone lets you in")
    mine.press("Set up codes")
    mine.says("Scan this", "dialog")
    secret = mine.text("dialog .copyable code")
    assert mine.one("dialog svg.qr").get_attribute("aria-label").startswith("QR code") and len(base64.b32decode(secret)) == 20
    shoot(mine, "codes-set-up")
    mine.fill("Code from the app", "000000")
    mine.press("Turn codes on")
    mine.says("This is not the code that belongs to the secret", "dialog form > [role=alert]")
    mine.fill("Code from the app", code_now(mine, secret))
    mine.press("Turn codes on")
    mine.says("Recovery codes", "dialog h2")
    recovery = mine.text("dialog pre code").split()
    assert len(recovery) == 10
    shoot(mine, "codes-recovery")
    mine.press("Close", "dialog footer button")
    mine.says("10 recovery codes are left")
    shoot(mine, "codes-on")

    mine.press("Log out")
    mine.fill("Name", "Olga")
    mine.fill("Password", PASSWORD)
    mine.press("Log in")
    mine.wait(lambda: mine.focused() == "Code", "the code to be asked for")
    shoot(mine, "login-code")
    mine.keys("000000", Keys.ENTER)
    mine.says("This code is not valid", "form > [role=alert]")
    mine.press("Start again")
    assert mine.focused() == "Name" and mine.field("Password").get_property("value") == ""
    mine.fill("Password", PASSWORD)
    mine.press("Log in")
    mine.wait(lambda: mine.focused() == "Code", "the code to be asked for")
    mine.keys(recovery[0], Keys.ENTER)
    mine.wait(lambda: mine.all("nav[aria-label=Views]"), "to be logged in")
    mine.settle()
    mine.open("#/settings/me", anew=False)
    mine.says("9 recovery codes are left")
    mine.press("Turn codes off")
    mine.fill("Code", code_now(mine, secret))
    mine.press("Turn codes off", "dialog button[type=submit]")
    mine.says("Your password alone lets you in")
    mine.open("#/settings/audit", anew=False)
    mine.says("turned codes on", "table")
    assert not [each for each in mine.js("return [...document.querySelectorAll('table .label')].map((each) => each.innerText)") if "." in each]


def test_an_owner_resets_the_codes_of_another(mine):
    mine.site.hookledger("operator", "add", "Vera", "--role", "viewer", "--password-file", "-", stdin=PASSWORD)
    mine.site.sql("insert into ledger.totp (operator_id, secret_sealed, made_at, confirmed_at) values (2, '', now(), now())")
    mine.open("#/settings/sessions", anew=False)
    mine.open("#/settings/operators", anew=False)
    mine.choose("Vera", "Reset codes")
    mine.confirm("Vera", "Reset codes")
    mine.wait(lambda: not mine.site.sql("select from ledger.totp"), "the codes to be gone")
    mine.settle()
