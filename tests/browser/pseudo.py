# SPDX-License-Identifier: ISC
"""A language that nobody speaks: the English catalogue with all its letters replaced,
and dates, numbers and units in Greek. What is still written in Latin letters did not
come from the catalogue, if it is not data that the server has sent."""
import json
import re
import shutil
import subprocess

from installation import INSTALLED_WWW

LATIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
STRANGE = str.maketrans(LATIN, "áƀćďéƒǵĥíĵķĺḿńóṕɋŕśťúṽẃẋýźÁƁĆĎÉƑǴĤÍĴĶĹḾŃÓṔɊŔŚŤÚṼẂẊÝŹ")

# Members of answers whose values stand for a text and are never shown as they are.
STANDS_FOR = {"state", "level", "kind", "action", "model", "role", "source", "verified", "reason", "plan", "what", "entity", "field", "needs"}
TIME = re.compile(r"[0-9]{4}\\-[0-9]{2}\\-[0-9]{2}T[0-9:.\\]+Z")	# escaped
# What anybody may show: products, units, the languages by their own names, a command.
KNOWN = ["hookledger", "Toggl", "Chrome", "Linux", "English", "Deutsch", "https://", "kB", "MB", "ms", "CET", "CEST", "UTC", "GMT", "127.0.0.1",
         "simulate --url", "CALLBACK_URL", "--secret-file FILE --events"]


def strange(template):
    """Only what stands outside of the braces of a placeholder."""
    depth, made = 0, ""
    for letter in template:
        depth -= letter == "}"
        made += letter if depth % 2 else letter.translate(STRANGE)
        depth += letter == "{"
    return f"⟦{made}⟧"


def of_all(catalogue, make):
    return {key: of_all(value, make) if isinstance(value, dict) else make(value) for key, value in catalogue.items()}


def english():
    done = subprocess.run(["node", "--input-type=module", "-e", "process.stdout.write(JSON.stringify((await import(process.argv[1])).default))",
                           str(INSTALLED_WWW / "js/words/en.js")], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


class Words:
    """The page in that language, in a folder of its own; of_words["events/news"] is how a text is written there."""

    def __init__(self, folder):
        self.folder = folder
        self.texts = of_all(english(), strange)
        shutil.copytree(INSTALLED_WWW, folder)
        (folder / "js/words/en.js").write_text(f"export default {json.dumps(self.texts)};\n", encoding="utf-8")
        words = folder / "js/words.js"
        text = words.read_text(encoding="utf-8")
        assert text.count("const locale = localeOf(wanted);") == 1
        words.write_text(text.replace("const locale = localeOf(wanted);", 'const locale = "el-GR";'), encoding="utf-8")

    def __getitem__(self, path):
        found = self.texts
        for key in path.split("/"):
            found = found[key]
        return found


# Keeps what the server answers; text that is read aloud or stands in a tip counts as shown.
LISTEN = """
    const real = window.fetch;
    window.answers = [];
    window.fetch = async (...all) => {
        const answer = await real(...all);
        window.answers.push(answer.clone().text().catch(() => ""));
        return answer;
    };"""
SHOWN = """
    const found = [], said = ["aria-label", "title", "placeholder", "alt", "data-head"];
    const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT,
        (node) => (node.nodeType === 1 && node.matches("script, style, noscript, pre") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT));
    for (let node = walk.currentNode; node; node = walk.nextNode())
        if (node.nodeType === 3) found.push([node.data, node.parentNode.outerHTML.slice(0, 100)]);
        else said.filter((name) => node.hasAttribute(name)).forEach((name) => found.push([node.getAttribute(name), `${name} of ${node.outerHTML.slice(0, 100)}`]));
    return found.filter(([text]) => /[A-Za-z]{2}/.test(text));"""


def strings(value, key="", into=None):
    """What data an answer has."""
    into = set() if into is None else into
    if isinstance(value, dict):
        for name, one in value.items():
            strings(one, name, into)
    elif isinstance(value, list):
        for one in value:
            strings(one, key, into)
    elif isinstance(value, str) and key not in STANDS_FOR:
        into.add(" ".join(value.split()))
        into.update(" ".join(line.split()) for line in value.split("\n"))
        into.add(value.removesuffix("/…"))
        into.add(value[:1].upper() + value[1:])	# a refusal
    return into


def written(text):
    """In a sentence of the server the page writes the times anew."""
    return TIME.sub(".{3,30}", re.escape(text))


class Finder:
    def __init__(self, page):
        self.page = page
        self.known = set(KNOWN) | {zone.replace("_", " ") for zone in page.js("return Intl.supportedValuesOf('timeZone')")}
        self.escaped = {}
        page.listener = page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": LISTEN})["identifier"]

    def done(self):
        self.page.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", {"identifier": self.page.listener})

    def learn(self):
        for answer in self.page.js("return Promise.all(window.answers)"):
            try:
                strings(json.loads(answer), into=self.known)
            except ValueError:
                pass

    def look(self, where):
        """Keeps what escaped the catalogue."""
        self.learn()
        known = {text for text in self.known if re.search("[A-Za-z]{2}", text)}
        pattern = re.compile("|".join(rf"(?<![A-Za-z]){written(text)}(?![A-Za-z])" for text in sorted(known, key=len, reverse=True)))
        for text, place in self.page.js(SHOWN):
            text = " ".join(text.split())
            if text not in known and re.search("[A-Za-z]{2}", pattern.sub("", text)):
                self.escaped.setdefault(text, f"{where}: {text!r} in {place}")
