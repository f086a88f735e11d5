# SPDX-License-Identifier: ISC
"""The page speaks the language of the browser, or the one that an operator has chosen."""
import re

import pytest

import admin_client
from browser import DESK, PHONE
from installation import SOURCE
from test_views import VIEWS, look


def log_in(page):
    page.fill("Name", "Olga")
    page.fill("Passwort", admin_client.PASSWORD)
    page.press("Anmelden")
    page.wait(lambda: page.all("nav[aria-label=Ansichten]"), "to be logged in")
    page.settle()


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_every_view_in_german(page, width):
    page.languages("de-DE,de,en")
    page.screen(width)
    page.open()
    assert page.js("return document.documentElement.lang") == "de" and page.js("return document.title") == "Anmelden · hookledger"
    problems = look(page, "login-de", width, "light")
    log_in(page)
    for view in VIEWS:
        page.open(f"#/{view}", anew=False)
        problems += look(page, f"{view}-de", width, "light")
    page.open("#/events?model=time_entry", anew=False)
    page.js("document.querySelector('ol.events a').click()")
    page.says("Empfangen")
    page.settle()
    problems += look(page, "event-de", width, "light")
    assert not problems, "\n".join(problems)


def test_numbers_and_times_are_of_the_same_language(page):
    page.languages("de-DE,de,en")
    page.open()
    log_in(page)
    assert page.js("""
        const { ago, clockOrDate, exact, hours, list, number, percent, roughly, size, span } = await import(new URL("js/format.js", document.baseURI));
        const at = "2026-03-04T05:06:07Z", now = Date.parse(at) + 29 * 60000;
        return [ago(at, now), number(1234567), hours(5400), percent(0.5), roughly(7200), span(4800), size(1500000), list(["a", "b"]), clockOrDate(at).slice(0, 10), exact(at).slice(0, 10)];
        """.join(("return (async () => {", "})()"))) == ["vor 29 Minuten", "1.234.567", "1,5", "50\xa0%", "2 Stunden", "1 Std. 20 Min.", "1,5 MB", "a, b", "04.03.2026", "04.03.2026"]


def test_an_operator_chooses_a_language(olga):
    try:
        olga.open("#/settings/me", anew=False)
        olga.fill("Language", "Deutsch")
        olga.js("arguments[0].form.requestSubmit(arguments[0].form.querySelector('button'))", olga.field("Language"))
        olga.says("Gespeichert.")
        olga.wait(lambda: olga.text("h1") == "Einstellungen" and olga.text("nav[aria-label=Ansichten]"), "all of the page to be German")
        assert olga.js("return [document.documentElement.lang, document.title, document.querySelector('#skip').textContent]") == \
            ["de", "Einstellungen · hookledger", "Zum Inhalt springen"]
        assert olga.site.sql("select language from ledger.operator where name = 'Olga'") == [("de",)]
        olga.open("#/events")	# in another tab
        olga.wait(lambda: olga.text("h1") == "Ereignisse", "the choice to be kept")
        olga.settle()
        olga.open("#/settings/me", anew=False)
        olga.fill("Sprache", "wie der Browser")
        olga.js("arguments[0].form.requestSubmit(arguments[0].form.querySelector('button'))", olga.field("Sprache"))
        olga.says("Saved.")
        olga.wait(lambda: olga.text("h1") == "Settings", "the browser's language")
        assert olga.site.sql("select language from ledger.operator where name = 'Olga'") == [(None,)]
    finally:
        olga.site.sql("update ledger.operator set language = null")


def test_a_language_that_nobody_has_written(page):
    page.languages("fr-FR,nl")
    page.open()
    page.says("Log in")
    assert page.js("return document.documentElement.lang") == "en"


def test_codes_become_sentences(page):
    page.open()
    said = page.js("""return (async () => {
        const { sentenceOf, w } = await import(new URL("js/words.js", document.baseURI));
        const { compile } = await import(new URL("js/template.js", document.baseURI));
        const plain = { rules: new Intl.PluralRules("en"), number: String, value: (name, value) => String(value ?? "?") };
        const made = (template, given) => compile(template, plain)(given);
        return [
            sentenceOf("ready"), sentenceOf(null), sentenceOf({ code: "endpoint.unknown", endpoint_id: 1234567 }), sentenceOf({ code: "endpoint.unknown" }),
            sentenceOf([{ code: "endpoint.unknown", endpoint_id: { code: "cursor.malformed" } }, "and so on"]),
            sentenceOf({ code: "constructor", x: 1 }).includes("constructor"), sentenceOf({ n: 7 }).includes('{"n":7}'),
            made("{n, plural, =0 {nothing waits} one {# callback waits} other {# callbacks wait}} here", { n: 0 }),
            made("{n, plural, =0 {nothing waits} one {# callback waits} other {# callbacks wait}} here", { n: 1 }),
            made("{n, plural, =0 {nothing waits} one {# callback waits} other {# callbacks wait}} here", { n: "2" }),
            made("The plan{total, select, none {} other { of {total} requests}} of {who, select, user {a user} other {'{'{who}'}'}}", { who: "user" }),
            made("The plan{total, select, none {} other { of {total} requests}} of {who, select, user {a user} other {'{'{who}'}'}}", { who: "x", total: 30 }),
            made("seit {n_seconds, dative} so", { n_seconds: 3 }), made("{is_late, select, true {late} other {in time}}", { is_late: true }), made("Toggl's #1, it''s {a}", { a: "so" }), made("{a} {b}", { a: 1 }),
        ];
    })()""")
    assert said == ["ready", "", "There is no callback address 1234567.", "There is no callback address ?.",
                    "There is no callback address A cursor looks like 1-734-12..\nand so on", True, True,
                    "nothing waits here", "1 callback waits here", "2 callbacks wait here", "The plan of a user", "The plan of 30 requests of {x}", "seit 3 so",
                    "late", "Toggl's #1, it''s so", "1 ?"]


# ---- the catalogues

JS = SOURCE / "www/js"
LANGUAGES = sorted(path.stem for path in (JS / "words").glob("*.js"))


def catalogue(page, language):
    """Key to template, such as "events/news"."""
    return page.js("""return (async () => {
        const flat = (all, path) => Object.entries(all).flatMap(([key, value]) => typeof value === "object" ? flat(value, `${path}${key}/`) : [[`${path}${key}`, value]]);
        return Object.fromEntries(flat((await import(new URL(`js/words/${arguments[0]}.js`, document.baseURI))).default, ""));
    })()""".replace("arguments[0]", f"'{language}'"))


def parameters(template):
    """What stands between braces, but not the branches, whose braces are within these."""
    names, depth, plain = set(), 0, re.sub("'[{}][^']*'", "", template)
    for place, letter in enumerate(plain):
        if letter == "{" and depth % 2 == 0:
            names.add(re.match(r" *([a-z_]+) *[,}]", plain[place + 1:]).group(1))
        depth += (letter == "{") - (letter == "}")
    assert depth == 0, template
    return sorted(names)


def test_all_languages_say_the_same_things(page):
    page.open()
    english = catalogue(page, "en")
    assert len(english) > 500 and LANGUAGES == ["de", "en"]
    for language in LANGUAGES:
        other = catalogue(page, language)
        assert sorted(other) == sorted(english)
        assert all(isinstance(text, str) and text.strip() for text in other.values())
        different = [(key, text, other[key]) for key, text in english.items() if parameters(text) != parameters(other[key])]
        assert not different


def test_each_column_has_a_word(olga):
    """Of those that an event can change."""
    fields = {key.partition("/")[2] for key in catalogue(olga, "en") if key.startswith("fields/")}
    assert not {name for name, in olga.site.sql("select name from ledger.field")} - fields


def uses():
    """Of each file the paths of the catalogue that it names: "events/news", and whether more follows in brackets."""
    for path in JS.rglob("*.js"):
        if path.parent.name == "words":
            continue
        text = path.read_text(encoding="utf-8")
        aliases = {"w": "", **{name: f"{at.replace('.', '/')}/" for name, at in re.findall(r"\b(\w) = w\.([a-zA-Z.]+)[,;]", text)}}
        for name, keys, more in re.findall(r"(?<![\w.$])([a-z])\.((?:[a-zA-Z]+\.)*[a-zA-Z]+)(\??\.?\[|(?=[,)]))?", text):
            if name in aliases:
                yield path.name, aliases[name] + keys.replace(".", "/"), more


def test_each_text_is_there_and_used(page):
    page.open()
    keys = set(catalogue(page, "en"))
    groups = {"/".join(key.split("/")[:depth]) for key in keys for depth in range(1, key.count("/") + 1)}
    used, missing = set(), []
    for file, path, more in uses():
        # what a method of a text, or an object of the same letter, is called with is not of the catalogue
        while path not in keys and path not in groups and "/" in path and path.rpartition("/")[0] in keys:
            path = path.rpartition("/")[0]
        if path in keys:
            used.add(path)
        elif path in groups:
            used |= {key for key in keys if key.startswith(f"{path}/")}
        elif path.split("/")[0] in groups or "/" not in path:
            missing.append((file, path))
    assert not missing and not sorted(keys - used)
