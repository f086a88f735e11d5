# SPDX-License-Identifier: ISC
"""Chromium, as a person uses it: by what is written and by the keyboard."""
import base64
import json
import os
import pathlib
import re
import subprocess
import time
import urllib.parse

from selenium import webdriver
from selenium.common.exceptions import JavascriptException, NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.chrome.service import Service

import admin_client

PHONE, DESK = 360, 1280
AXE = pathlib.Path(os.environ.get("HL_NPM", "node_modules")) / "axe-core/axe.min.js"


class Browser:
    def __init__(self, shots):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        # not as root in a sandbox; no calls home of the browser itself
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--lang=en-GB",
                     "--disable-background-networking", "--disable-component-update", "--no-first-run", f"--window-size={DESK},900"):
            options.add_argument(word)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.driver.set_page_load_timeout(30)
        self.driver.set_script_timeout(60)
        self.shots = shots
        self.site = None
        self.allowed = []

    def quit(self):
        self.driver.quit()

    # A test

    def begin(self, site):
        self.site, self.allowed = site, []
        self.driver.get("about:blank")
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.screen(DESK)
        self.scheme("light")
        self.languages("en-GB")
        self.read_logs()

    def end(self):
        problems = self.problems()
        self.driver.get("about:blank")
        assert not problems, "\n".join(problems)

    def may_fail(self, *statuses):
        """Answers that this test expects; the browser says them on its console."""
        self.allowed += [f"the server responded with a status of {status}" for status in statuses]

    def read_logs(self):
        return self.driver.get_log("browser"), [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]

    def problems(self):
        console, network = self.read_logs()
        found = [f"console: {entry['level']} {entry['message']}" for entry in console
                 if entry["level"] in ("SEVERE", "WARNING") and not any(words in entry["message"] for words in self.allowed)]
        for event in network:
            if event["method"] == "Network.requestWillBeSent":
                url = event["params"]["request"]["url"]
                if not url.startswith((self.site.url + "/", "data:", "about:", "blob:")):
                    found.append(f"a request to another place: {url}")
        return found

    # The window

    def screen(self, width, height=900):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def scheme(self, name, media=""):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": [
            {"name": "prefers-color-scheme", "value": name}, {"name": "prefers-reduced-motion", "value": "reduce"}]})

    def languages(self, wanted):
        """What the browser says that its person reads, such as "de-DE,de"; for pages that are opened from now on."""
        self.driver.execute_cdp_cmd("Network.setUserAgentOverride", {"userAgent": self.js("return navigator.userAgent"), "acceptLanguage": wanted})

    def shoot(self, name, width):
        """All of the page, as a picture that is kept with the run."""
        height = min(self.js("return document.documentElement.scrollHeight"), 4000)
        self.screen(width, max(height, 700))
        self.driver.save_screenshot(str(self.shots / f"{name}.png"))
        self.screen(width)

    def paper(self, name):
        """Prints the page, keeps it with the run, and gives the text of each sheet."""
        printed = self.shots / f"{name}.pdf"
        printed.write_bytes(base64.b64decode(self.driver.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})["data"]))
        return subprocess.run(["pdftotext", "-layout", printed, "-"], check=True, capture_output=True, text=True).stdout.split("\f")[:-1]

    # Going and looking

    def url(self, route=""):
        return f"{self.site.url}{self.site.base_path}/admin/{route}"

    def open(self, route="#/overview", anew=True):
        if anew:
            self.driver.get("about:blank")
        self.driver.get(self.url(route))
        self.settle()

    def login(self, name, password=admin_client.PASSWORD, route="#/overview"):
        self.open(route)
        self.fill("Name", name)
        self.fill("Password", password)
        self.press("Log in")
        self.wait(lambda: self.all("nav[aria-label=Views]"), f"{name} to be logged in")
        self.settle()

    def settle(self):
        """Until nothing is on its way; what was asked for in a window begins when that is gone."""
        self.wait(lambda: self.js("""
            return document.readyState === "complete" && !document.querySelector("#content > .waiting")
                && !document.querySelector("[aria-busy=true], dialog:not([open])")"""), "the page to settle")

    def wait(self, condition, what, seconds=15):
        deadline = time.monotonic() + seconds
        while True:
            try:
                got = condition()
                if got:
                    return got
            except (StaleElementReferenceException, NoSuchElementException, JavascriptException):
                pass
            assert time.monotonic() < deadline, f"waited in vain for {what}; the page says:\n{self.text()}"
            time.sleep(0.03)

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def text(self, css="body"):
        # without what isolates a name, which nobody sees
        return self.js("return (document.querySelector(arguments[0])?.innerText ?? '').replace(/[\\u2066-\\u2069]/g, '')", css)

    def says(self, words, css="body", seconds=15):
        """Waits until it is written somewhere in there."""
        self.wait(lambda: words in self.text(css), f'"{words}"', seconds)

    def path(self):
        return urllib.parse.urlparse(self.driver.current_url).fragment

    # Doing; what is named is what a screen reader says of it

    def named(self, name, css="button, a, [role=button], summary, select, input, textarea"):
        """The visible control of this name; one that contains it when none is equal."""
        found = self.js("""
            const [name, css] = arguments, exact = [], near = [];
            const scope = [...document.querySelectorAll("dialog[open]")].pop() ?? document;
            for (const node of scope.querySelectorAll(css)) {
                if (!node.checkVisibility?.() || node.disabled) continue;
                const label = node.labels?.[0]?.innerText ?? "";
                const says = (node.getAttribute("aria-label") ?? (label || node.innerText || node.title || "")).trim();
                if (says === name) exact.push(node);
                else if (says.includes(name)) near.push(node);
            }
            return exact[0] ?? near[0] ?? null;""", name, css)
        if not found:
            raise NoSuchElementException(name)
        return found

    def press(self, name, css="button, a, [role=button], summary"):
        def pressed():	# found anew when the page has put another in its place meanwhile
            control = self.named(name, css)
            self.js("arguments[0].scrollIntoView({ block: 'center' })", control)
            control.click()
            return True

        self.wait(pressed, f'a button "{name}"')
        self.settle()

    def choose(self, row, item):
        """An item of the menu "Actions: row"."""
        self.press(f"Actions: {row}", "summary")
        self.press(item, "details[open].menu button")

    def field(self, name):
        return self.wait(lambda: self.named(name, "input, select, textarea"), f'a field "{name}"')

    def fill(self, name, value):
        control = self.field(name)
        if control.tag_name == "select":
            self.js("""const [node, value] = arguments;
                const option = [...node.options].find((each) => each.value === value || each.text === value);
                if (!option) throw new Error(`no option ${value}`);
                node.value = option.value;
                node.dispatchEvent(new Event("change", { bubbles: true }));""", control, value)
        elif control.get_attribute("type") in ("date", "datetime-local"):
            self.js("""const [node, value] = arguments;
                node.value = value;
                node.dispatchEvent(new Event("change", { bubbles: true }));""", control, value)
        else:
            control.clear()
            control.send_keys(value)

    def confirm(self, name, doing):
        """A dangerous action asks for the name."""
        self.says("Type ", "dialog")
        self.one("dialog input").send_keys(name)
        self.press(doing)

    def keys(self, *keys):
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def focused(self):
        """What the focused control is called."""
        return self.js("""const node = document.activeElement;
            return (node.getAttribute("aria-label") ?? (node.labels?.[0]?.innerText || node.innerText || node.name || node.tagName)).trim()""")

    def tab_to(self, name, most=120):
        for _ in range(most):
            self.keys(Keys.TAB)
            if re.search(name, self.focused()):
                return
        raise AssertionError(f"the Tab key does not reach {name}")

    def is_wide(self):
        """Does it have to be scrolled sideways?"""
        return self.js("return document.documentElement.scrollWidth > document.documentElement.clientWidth")

    def axe(self):
        """What axe-core finds: WCAG 2.2 A and AA, and best practices."""
        self.js(AXE.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script("""
            const done = arguments[arguments.length - 1];
            axe.run(document, { resultTypes: ["violations"] }).then((all) => done(all.violations.map((each) =>
                `${each.id}: ${each.help} (${each.nodes.map((node) => node.target.join(" ") + " " + node.html.slice(0, 160)).slice(0, 3).join("; ")})`)),
                (error) => done([String(error)]));""")
        return found
