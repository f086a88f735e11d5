# SPDX-License-Identifier: ISC
"""Nothing on the screen is older than it says."""
OFFLINE = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}


def offline(page, is_off):
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": is_off, **OFFLINE})


def test_a_server_that_is_gone(olga):
    olga.allowed += ["net::ERR_INTERNET_DISCONNECTED"]
    for view in ("#/overview", "#/events"):
        olga.open(view, anew=False)
        olga.settle()
        assert not olga.text("#strip")
        offline(olga, True)
        try:
            olga.says("No answer since", "#strip", 40)
            assert olga.js("return getComputedStyle(document.querySelector('main')).opacity") < "1"
            assert olga.all("main h1"), "what was shown stays"
        finally:
            offline(olga, False)
        olga.wait(lambda: not olga.text("#strip"), "the connection to be back", 40)


def test_a_timer_does_not_tick_without_an_answer(olga):
    olga.allowed += ["net::ERR_INTERNET_DISCONNECTED"]
    olga.open("#/time", anew=False)
    olga.settle()
    offline(olga, True)
    try:
        olga.js("return import(new URL('js/api.js', document.baseURI)).then((api) => api.get('session').catch(() => {}))")
        olga.says("No answer since", "#strip", 40)
    finally:
        offline(olga, False)
    olga.wait(lambda: not olga.text("#strip"), "the connection to be back", 40)


def test_lists_of_subscribers_renew_themselves(olga):
    olga.open("#/subscribers/organizations", anew=False)
    olga.settle()
    olga.site.sql("insert into ledger.organization (name) values ('Made meanwhile')")
    olga.says("Made meanwhile", "table", 40)


def test_a_body_with_large_numbers_is_indented(olga):
    indented = olga.js("""return import(new URL('js/views/events.js', document.baseURI)).then((m) => m.pretty(arguments[0]))""".replace("arguments[0]", "'{\"id\":9007199254740993,\"list\":[],\"of\":[1,\"a \\\\\" {b\"],\"none\":{}}'"))
    assert indented == '''{
  "id": 9007199254740993,
  "list": [],
  "of": [
    1,
    "a \\" {b"
  ],
  "none": {}
}''', indented


def test_hours_without_events_are_in_the_numbers(olga):
    olga.open("#/overview", anew=False)
    olga.settle()
    olga.press("The same in numbers", "summary") if olga.all("figure.chart details") else None
    if olga.all("figure.chart table"):
        assert len(olga.all("figure.chart tbody tr")) == 48
