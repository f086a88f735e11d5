# SPDX-License-Identifier: ISC
"""What is shown changes, and nobody who reads or types is disturbed."""
from selenium.webdriver.common.keys import Keys

# `show(make)` patches a box of the page's own with what make(el) gives
BEGIN = """return (async () => {
    const { el, patch } = await import(new URL('js/dom.js', document.baseURI));
    window.el = el;
    window.box = document.getElementById("content");
    box.replaceChildren();
    window.show = (...made) => patch(box, ...made);
    window.by = (css) => box.querySelector(css);
})()"""


def begin(page):
    page.open()
    page.js(BEGIN)
    return page


def test_a_control_with_the_focus_gets_another_given_value(page):
    """Such as after Back. What somebody is typing stays as long as the page gives the same."""
    begin(page)
    assert page.js("""
        const form = (day, place, on) => el("form", null, el("input", { type: "date", class: "day", value: day }),
            el("select", { class: "place" }, ["a", "b"].map((each) => el("option", { value: each, selected: each === place }, each))),
            el("input", { type: "checkbox", class: "on", checked: on }));
        const values = () => [by(".day").value, by(".place").value, by(".on").checked].join();
        show(form("2026-05-01", "a", false));
        const found = [];
        by(".day").focus();
        by(".day").value = "2026-05-09";
        show(form("2026-05-01", "a", false));
        found.push(values());
        by(".day").value = "2026-05-01";
        show(form("2026-05-02", "a", false));
        found.push(values());
        by(".place").focus();
        by(".place").value = "b";
        show(form("2026-05-02", "a", false));
        found.push(values());
        show(form("2026-05-02", "b", false));
        show(form("2026-05-02", "a", false));
        found.push(values());
        by(".on").focus();
        show(form("2026-05-02", "a", true));
        found.push(values());
        return found;
    """) == ["2026-05-09,a,false", "2026-05-02,a,false", "2026-05-02,b,false", "2026-05-02,a,false", "2026-05-02,a,true"]


def test_nodes_that_are_the_same_stay(page):
    begin(page)
    assert page.js("""
        const row = (key, text) => el("li", { "data-key": key }, el("details", null, el("summary", null, text), el("input", { class: key })));
        const list = (...rows) => el("ul", null, rows.map((key) => row(key, `${key} at first`)));
        show(list("a", "b", "c"), el("p", null, "below"));
        const [a, b, c] = box.querySelectorAll("li"), p = by("p");
        by("li:nth-child(2) details").open = true;
        by("input.b").focus();
        by("input.b").value = "being typed";
        by("input.b").setSelectionRange(2, 5);
        const stays = () => document.activeElement === by("input.b") && by("input.b").value === "being typed"
            && by("input.b").selectionStart === 2 && by("input.b").selectionEnd === 5 && b.querySelector("details").open;
        const order = () => [...box.querySelectorAll("li")].map((each) => each.dataset.key).join("");
        const found = [];
        // rows come before, change places, go, and are the same nodes
        for (const wanted of ["xabc", "xbca", "bc", "cba", "b"]) {
            show(list(...wanted), el("p", null, wanted));
            found.push(order() === wanted && stays() && box.querySelector("[data-key=b]") === b && by("p") === p && p.textContent === wanted);
        }
        return found""") == [True] * 5


def test_one_key_in_two_lists(page):
    """Keys are of their list: what is under another of the same key is another."""
    begin(page)
    assert page.js("""
        const lists = (first, second) => [first, second].map((rows, place) => el("section", { "data-key": `s${place}` },
            rows.map((key) => el("p", { "data-key": key }, `${place} ${key}`))));
        show(lists(["1", "2"], ["1", "2"]));
        const before = [...box.querySelectorAll("p")];
        show(lists(["2"], ["2", "1", "3"]));
        const after = [...box.querySelectorAll("p")];
        return [after.map((each) => each.textContent), after[0] === before[1], after[1] === before[3], after[2] === before[2]]
        """) == [["0 2", "1 2", "1 1", "1 3"], True, True, True]


def test_controls_show_what_they_are_given(page):
    begin(page)
    assert page.js("""
        const made = (text, isOn, chosen) => [el("input", { type: "text", value: text }), el("input", { type: "checkbox", checked: isOn }),
            el("select", null, ["x", "y", "z"].map((each) => el("option", { value: each, selected: each === chosen }, each))),
            el("progress", { max: "9", value: text.length }), el("textarea", null, text)];
        const seen = () => [by("input").value, by("[type=checkbox]").checked, by("select").value, by("progress").value, by("textarea").value];
        const all = [];
        show(made("one", false, "y")), all.push(seen());
        show(made("three", true, "z")), all.push(seen());
        // what somebody has changed and left
        by("input").value = by("textarea").value = "mine", by("[type=checkbox]").checked = false, by("select").value = "x";
        show(made("three", true, "z")), all.push(seen());
        show(made("", false, "none of them")), all.push(seen());
        return all""") == [["one", False, "y", 3, "one"], ["three", True, "z", 5, "three"], ["three", True, "z", 5, "three"], ["", False, "x", 0, ""]]
    # but not while somebody is at it
    assert page.js("""
        const given = (text, chosen) => [el("input", { type: "text", value: text }), el("select", null, ["x", "y"].map((each) => el("option", { selected: each === chosen }, each)))];
        show(given("one", "x"));
        by("input").focus();
        by("input").value = "mine";
        show(given("two", "x"));
        const typed = by("input").value;
        by("select").focus();
        by("select").value = "y";
        show(given("two", "x"));
        return [typed, by("input").value, by("select").value, document.activeElement === by("select")]""") == ["mine", "two", "y", True]


def test_details_stay_as_the_reader_has_them(page):
    """Until the page itself wants them otherwise."""
    begin(page)
    assert page.js("""
        const made = (isOpen) => el("details", { open: isOpen }, el("summary", null, "more"));
        const is = () => by("details").open, all = [];
        show(made(false)), all.push(is());
        by("details").open = true, show(made(false)), all.push(is());
        show(made(true)), all.push(is());
        by("details").open = false, show(made(true)), all.push(is());
        show(made(false)), show(made(true)), all.push(is());
        return all""") == [False, True, True, False, True]


def test_listeners_work_and_what_is_kept(page):
    begin(page)
    assert page.js("""
        const said = [];
        show(el("button", { onclick: () => said.push("first") }, "1"), el("form", { "data-keep": "" }, el("input", { value: "kept" })), el("i", { onclick: () => said.push("i") }));
        const button = by("button");
        by("form input").value = "typed";
        show(el("button", { onclick: () => said.push("second") }, "2"), el("form", { "data-keep": "" }, el("p")), el("i"), el("b", { onclick: () => said.push("new") }));
        button.click(), by("b").click(), by("i").click();
        return [said, button === by("button"), button.textContent, by("form input").value]""") == [["second", "new"], True, "2", "typed"]
    # a button that runs stays as it is; styles come and go without an attribute of ours
    assert page.js("""
        const swatch = (colour) => { const node = el("s"); node.style.backgroundColor = colour; return node; };
        show(el("button"), swatch("rgb(1, 2, 3)"), el("ul"));
        by("button").setAttribute("aria-busy", "true"), by("button").disabled = true, by("ul").style.top = "5px";
        show(el("button"), swatch("rgb(4, 5, 6)"), el("ul"));
        return [by("button").disabled, by("button").ariaBusy, by("s").style.backgroundColor, by("ul").style.top]""") == [True, "true", "rgb(4, 5, 6)", "5px"]


def test_the_days_of_the_time_view_follow_the_address(olga):
    olga.open("#/time", anew=False)
    olga.press("Last month")
    shown = lambda: [olga.field(name).get_property("value") for name in ("From", "Until")]
    olga.wait(lambda: f"from={shown()[0]}&until={shown()[1]}" in olga.path(), "the fields to show the month")
    before = olga.path()
    olga.press("This month")
    olga.wait(lambda: olga.path() != before and f"from={shown()[0]}" in olga.path(), "the fields to show this month")
    olga.driver.back()
    olga.wait(lambda: olga.path() == before and f"from={shown()[0]}&until={shown()[1]}" in before, "the fields of before")


def test_a_reader_is_not_disturbed_by_a_refresh(olga):
    """The overview asks again every ten seconds; here at once."""
    olga.open("#/overview", anew=False)
    olga.wait(lambda: olga.all("canvas"), "the chart")
    olga.press("The same in numbers", "summary")
    olga.js("""window.figure = document.querySelector("figure"); window.region = document.querySelector("figure .scrolls");
        region.focus(); region.scrollTop = 40; getSelection().selectAllChildren(document.querySelector("h2"));
        window.chosen = String(getSelection());""")
    at = olga.js("return region.scrollTop")
    olga.wait(lambda: olga.js("""return performance.getEntriesByType("resource").filter((each) => each.name.endsWith("api/overview")).length >= 2"""), "a refresh", 30)
    olga.keys(Keys.SHIFT)
    assert olga.js("""return [figure.isConnected, document.activeElement === region, region.scrollTop, String(getSelection()) === chosen,
        document.querySelector("figure details").open]""") == [True, True, at, True, True]
