# SPDX-License-Identifier: ISC
"""Overview, Events and Time of the admin page, through a real web server."""
import csv
import datetime
import io
import json
import threading
import urllib.parse

import pytest

import web_servers
from admin_client import PASSWORD, Page, by_hand, operator
from installation import WORKSPACE

pytestmark = pytest.mark.plain

PLACES = ("overview", "events", "events/new?after=0-0-0", "events/newer?after=0-0-0", "events/export", "time",
          f"events/{WORKSPACE}/1/2026-11-25T08:00:00Z")


@pytest.fixture
def full(page_site):
    """A week of a made-up company."""
    page_site.hookledger("simulate", "--into-database", "--events", "3000", "--workspace", str(WORKSPACE), "--seed", "7")
    return page_site


def q(**filters):
    return urllib.parse.urlencode(filters)


def walk(page, path="events", limit=200, **filters):
    """All items of a list, page by page."""
    items, after = [], None
    while True:
        answer = page.get(f"{path}?{q(**filters, limit=limit, **({'after': after} if after else {}))}")
        assert answer.status == 200, answer
        got = answer.json()
        assert len(got["items"]) <= limit
        items += got["items"]
        after = got["next"]
        if not after:
            return items


def keys(items):
    return [(item["workspace_id"], item["event_id"], item["created_at"]) for item in items]


def wanted(site, condition, *values):
    """The same asked of the ledger itself."""
    return site.sql(f"select count(*) from ledger.event e where {condition}", *values)[0][0]


def test_a_list_is_whole_and_in_order(full):
    olga = operator(full)
    items = walk(olga, limit=77)
    assert len(items) == wanted(full, "true") and len(set(keys(items))) == len(items)
    assert [item["event_id"] for item in items] == \
        [str(number) for number, in full.sql("select event_id from ledger.event order by epoch desc, txid desc, seq desc")]


@pytest.mark.parametrize("filters, condition", [
    ({"model": "time_entry"}, "e.model = 'time_entry'"),
    ({"model": "project"}, "e.model = 'project'"),
    ({"model": "no such"}, "false"),
    ({"action": "deleted"}, "e.action = 'deleted'"),
    ({"model": "time_entry", "action": "updated"}, "e.model = 'time_entry' and e.action = 'updated'"),
    ({"workspace": WORKSPACE}, f"e.workspace_id = {WORKSPACE}"),
    ({"workspace": 5}, "false"),
    ({"model": "", "action": "", "user": "", "text": " "}, "true"),
])
def test_filters(full, filters, condition):
    items = walk(operator(full), **filters)
    assert len(items) == wanted(full, condition) and len(set(keys(items))) == len(items)


def test_filters_by_who_and_which(full):
    olga = operator(full)
    for place in ("events", "events/new", "events/newer", "events/export"):
        answer = olga.get(f"{place}?modle=tag")
        assert answer.status == 400 and '"modle" here, only workspace, model, action, user, entity, since, until, text, ' in answer.error, answer
    user, entity = full.sql("select creator_id, entity_id from ledger.event where model = 'time_entry' order by seq limit 1")[0]
    assert len(walk(olga, user=user)) == wanted(full, "e.creator_id = %s", user)
    assert len(walk(olga, entity=entity, limit=1)) == wanted(full, "e.entity_id = %s", entity)
    assert len(walk(olga, entity=entity, action="updated")) == wanted(full, "e.entity_id = %s and e.action = 'updated'", entity)


def test_filters_by_time(full):
    olga = operator(full)
    first, mid, last = full.sql("select min(created_at), percentile_disc(0.5) within group (order by created_at), max(created_at) from ledger.event")[0]
    for since, until in ((mid, None), (None, mid), (first, mid), (mid, last), (last, first), (mid, mid)):
        filters = {name: at.isoformat() for name, at in (("since", since), ("until", until)) if at}
        items = walk(olga, limit=50, **filters)
        assert len(items) == wanted(full, "e.created_at >= coalesce(%s, '-infinity'::timestamptz) and e.created_at < coalesce(%s, 'infinity'::timestamptz)",
                                    since, until)
        assert len(set(keys(items))) == len(items)
        times = [datetime.datetime.fromisoformat(item["created_at"]) for item in items]
        assert times == sorted(times, reverse=True)
    whole = walk(olga, since=first.isoformat(), until=mid.isoformat(), model="project", action="created")
    assert len(whole) == wanted(full, "e.created_at >= %s and e.created_at < %s and e.model = 'project' and e.action = 'created'", first, mid)


def test_words(page_site):
    ids = {}
    for number, words in enumerate(("Website relaunch", "website: second try", "Büro Größe", "nothing of it"), 1):
        body = page_site.event(model="tag", event_id=number, payload={"id": number, "workspace_id": WORKSPACE, "name": words})
        assert page_site.send(body).status == 200
        ids[words] = str(number)
    olga = operator(page_site)
    for text, found in (("website", 2), ("WEBSITE rel", 1), ("webs", 2), ("büro", 1), ("größ", 1), ("ebsite", 0), ("try second", 1), ("'; drop table x; --", 0)):
        assert len(walk(olga, text=text)) == found, text
    assert [item["event_id"] for item in walk(olga, text="relaunch", model="tag")] == [ids["Website relaunch"]]
    item, = walk(olga, text="relaunch")
    assert item["sentence_parts"]["name"] == "Website relaunch" and item["sentence_parts"]["what"] == "created"


def test_words_of_old_events(full):
    """Rare words are found by the index, behind all that is looked at first."""
    for number in range(3):
        full.sql("update toggl.time_entry set description = 'Quetzalcoatl ' || %s where (workspace_id, time_entry_id) = "
                 "(select workspace_id, entity_id from ledger.event where model = 'time_entry' order by seq offset %s limit 1)", number, number * 5)
    items = walk(operator(full), text="quetzal")
    assert len(items) == wanted(full, "e.model = 'time_entry' and exists (select from toggl.time_entry t where t.workspace_id = e.workspace_id "
                                "and t.time_entry_id = e.entity_id and t.description like 'Quetz%%')") > 0


ODD = ("'", "' or '1'='1", "\\", "%", "1;select pg_sleep(9)", "-1", "99999999999999999999", "NaN", "ü", "x" * 5000, "{}", "[1]", "null", "1e9",
       "infinity", "\t", "2026-02-30", "2026-11-25T08:00:00Z", "0001-01-01", "1-1-1", "t1~1~1", "t99999999999999999~1~1", "9999999999-99999999999999999999-9")
NAMES = ("workspace", "model", "action", "user", "entity", "since", "until", "text", "after", "limit", "format", "from")


@pytest.mark.parametrize("name", NAMES)
def test_odd_values_do_no_harm(page_site, name):
    page_site.send(page_site.event())
    olga = operator(page_site)
    for value in ODD:
        for place in ("events", "events/new", "events/newer", "events/export", "time", "overview"):
            answer = olga.get(f"{place}?{q(**{name: value})}")
            assert answer.status in (200, 400), (name, value, place, answer)
            assert answer.status == 200 or "json" not in answer.headers["content-type"] or answer.error, (name, value, place, answer)
    for raw in ("%00", "%ff", "%", "%C3%28"):
        assert olga.get(f"events?{name}={raw}").status in (200, 400)
    assert wanted(page_site, "true") == 1


def test_odd_addresses_of_an_event(page_site):
    page_site.send(page_site.event())
    olga = operator(page_site)
    for value in ODD:
        for path in (f"{value}/1/2026-11-25T08:00:00Z", f"1/{value}/2026-11-25T08:00:00Z", f"1/1/{value}"):
            answer = olga.get("events/" + "/".join(urllib.parse.quote(part, safe="") for part in path.split("/", 2)))
            assert answer.status in (400, 404), (path, answer)


def test_pages_have_no_gap_while_events_arrive(full):
    olga = operator(full)
    before = set(keys(walk(olga)))
    stop = threading.Event()

    def arrive():
        number = 500000
        while not stop.is_set():
            number += 1
            assert full.send(full.event(event_id=number)).status == 200

    sender = threading.Thread(target=arrive)
    sender.start()
    try:
        for _ in range(3):
            items = walk(olga, limit=100)
            assert len(set(keys(items))) == len(items)
            assert before <= set(keys(items))
    finally:
        stop.set()
        sender.join()


def test_what_is_new(page_site):
    olga = operator(page_site)
    newest = olga.get("events").json()["newest"]
    assert olga.get(f"events/new?after={newest}").json() == {"count": 0}
    for number in (1, 2, 3):
        page_site.send(page_site.event(event_id=number, model="tag" if number < 3 else "client"))
    assert olga.get(f"events/new?after={newest}").json() == {"count": 3}
    assert olga.get(f"events/new?after={newest}&model=tag").json() == {"count": 2}
    newer = olga.get(f"events/newer?after={newest}").json()
    assert [item["event_id"] for item in newer["items"]] == ["3", "2", "1"]
    page_site.send(page_site.event(event_id=4))
    again = olga.get(f"events/newer?after={newer['newest']}").json()["items"]
    # what is shown already may come once more, what is new must come
    assert again[0]["event_id"] == "4" and len(again) <= 2
    assert olga.get("events/new").status == 400


def test_one_event_in_full(page_site):
    first = page_site.event(model="client", event_id=11, created_at="2026-05-01T10:00:00.123456Z", payload={"id": 5, "wid": WORKSPACE, "name": "Old"})
    second = page_site.event(model="client", action="updated", event_id=12, created_at="2026-05-01T11:00:00Z",
                             payload={"id": 5, "wid": WORKSPACE, "name": "New"})
    for body in (first, second):
        assert page_site.send(body).status == 200
    olga = operator(page_site)
    item = olga.get("events").json()["items"][0]
    answer = olga.get(f"events/{item['workspace_id']}/{item['event_id']}/{item['created_at']}")
    assert answer.status == 200, answer
    event = answer.json()
    assert event["event_id"] == "12" and event["body"].encode() == second and event["verified"] == "genuine"
    assert {"field": "name", "old": "Old", "new": "New"} in event["changes"] and event["deliveries"] == []
    assert event["signature"].startswith("sha256=") and event["sentence_parts"]["what"] == "updated"
    older = olga.get("events").json()["items"][1]
    assert older["created_at"] == "2026-05-01T10:00:00.123456Z"
    changes = olga.get(f"events/{older['workspace_id']}/{older['event_id']}/{older['created_at']}").json()["changes"]
    assert {"field": "name", "old": None, "new": "Old"} in changes
    # a body that was changed later is reported
    page_site.sql("update ledger.event set body = replace(body::text, 'New', 'Mew')::json where event_id = 12")
    assert olga.get(f"events/{item['workspace_id']}/12/{item['created_at']}").json()["verified"] == "false"
    assert page_site.endpoint["secret"].encode() not in answer.body
    assert olga.get(f"events/{WORKSPACE}/13/{item['created_at']}").status == 404


@pytest.mark.parametrize("format_", ["csv", "ndjson"])
def test_export(full, format_):
    full.send(full.event(model="tag", event_id=77, payload={"id": 77, "wid": WORKSPACE, "name": '=HYPERLINK("evil"), "x"\n\r2'}))
    olga = operator(full)
    answer = olga.get(f"events/export?format={format_}&model=tag")
    assert answer.status == 200 and answer.headers["content-disposition"] == f'attachment; filename="hookledger-events.{format_}"'
    if format_ == "csv":
        rows = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
        assert rows[0]["name"].startswith("'=HYPERLINK") and rows[0]["name"].endswith("\n\r2")
    else:
        rows = [json.loads(line) for line in answer.body.decode().split("\n")[:-1]]
        assert rows[0]["sentence_parts"]["name"].startswith("=HYPERLINK")
    assert len(rows) == wanted(full, "e.model = 'tag'")
    assert [row["event_id"] for row in rows] == [item["event_id"] for item in walk(olga, model="tag")]
    assert olga.get("events/export?format=xlsx").status == 400


@pytest.mark.parametrize("separator, sign", [(None, ","), ("comma", ","), ("semicolon", ";"), ("tab", "\t")])
def test_export_for_a_spreadsheet(full, separator, sign):
    """With a byte order mark, local times, no long numbers and no formulas, whatever separates the cells."""
    full.send(full.event(model="tag", created_at="2026-03-29T01:30:00Z", payload={"id": 77, "wid": WORKSPACE, "name": 'a;=1+1,=2\t=3'}))
    olga = operator(full, zone="Europe/Berlin")
    more = f"&separator={separator}" if separator else ""
    answer = olga.get(f"events/export?format=spreadsheet&model=tag{more}")
    assert answer.status == 200 and answer.headers["content-disposition"] == 'attachment; filename="hookledger-events-spreadsheet.csv"'
    assert answer.body.startswith(b"\xef\xbb\xbfcreated_at" + sign.encode()) and answer.body.count(b"\xef\xbb\xbf") == 1
    rows = list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"), newline=""), delimiter=sign))
    row, = (row for row in rows if row["entity_id"] == "77" and row["name"].startswith("a"))
    assert row["created_at"] == "2026-03-29 03:30:00" and row["name"] == "a;'=1+1,'=2\t'=3"
    assert row["workspace_id"] == str(WORKSPACE) and row["event_id"] == f"'{full.next_event}"
    assert olga.get("events/export?format=spreadsheet&separator=x").status == 400


def test_an_export_has_a_limit(site):
    site.write_conf(page_export_max="5")
    web_servers.lighttpd_spawned(site)
    for number in range(8):
        site.send(site.event(event_id=number + 1))
    rows = operator(site).get("events/export?format=ndjson").body.decode().splitlines()
    assert [json.loads(row)["event_id"] for row in rows] == ["8", "7", "6", "5", "4"]


def test_overview(full):
    olga = operator(full, zone="Pacific/Auckland")
    answer = olga.get("overview")
    assert answer.status == 200, answer
    seen = answer.json()
    assert seen["level"] in ("well", "warning", "trouble") and seen["sentence"]
    assert (seen["level"] == "well") == (not seen["findings"])
    assert seen["endpoints"][0]["workspace_id"] == str(WORKSPACE) and seen["endpoints"][0]["enabled"] is True
    assert full.endpoint["secret"].encode() not in answer.body
    assert set(seen) >= {"now", "last_event_at", "events_today", "events_usual_today", "by_hour", "subscribers", "quota", "spool", "refusals", "toggl"}


def test_overview_counts_what_comes(page_site):
    olga = operator(page_site)
    assert olga.get("overview").json()["sentence"] == {"code": "overview.ready"}
    for number in range(7):
        assert page_site.send(page_site.event(event_id=number + 1, model="tag" if number else "client")).status == 200
    assert page_site.send(page_site.event(), signature="sha256=" + "0" * 64).status == 401
    seen = olga.get("overview").json()
    assert (seen["level"], seen["findings"]) == ("well", []) and seen["sentence"]["code"] == "overview.well" and seen["sentence"]["last_seconds"] >= 0
    assert seen["events_today"] == 7 and seen["last_event_at"]
    assert sum(each["count"] for each in seen["by_hour"]) == 7 and {each["model"] for each in seen["by_hour"]} == {"tag", "client"}
    assert seen["spool"]["records"] == 0
    # both views say the same of the address
    assert [each["last_event_at"] for each in olga.get("endpoints").json()["items"]] == [each["last_event_at"] for each in seen["endpoints"]] != [None]
    # what comes late is shown where it happened
    late = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=30)).strftime("%Y-%m-%dT%H:00:00Z")
    assert page_site.send(page_site.event(event_id=8, model="task", created_at=late)).status == 200
    seen = olga.get("overview").json()
    assert seen["events_today"] == 7 and [each for each in seen["by_hour"] if each["model"] == "task"] == [{"hour": late, "model": "task", "count": 1}]


def test_time(full):
    olga = operator(full, zone="Europe/Berlin")
    first, last = (day.isoformat() for day in full.sql("select min(start_at at time zone 'Europe/Berlin')::date, "
                                                       "max(start_at at time zone 'Europe/Berlin')::date from toggl.time_entry")[0])
    answer = olga.get(f"time?from={first}&until={last}")
    assert answer.status == 200, answer
    totals = answer.json()
    seconds = full.sql("select sum(seconds) from toggl.hours(%s, %s::date + 1, 'Europe/Berlin', 'total', ledger.clock())", first, last)[0][0]
    assert totals["zone"] == "Europe/Berlin" and seconds > 0
    for name in ("by_day", "by_project", "by_user"):
        assert abs(sum(each["seconds"] for each in totals[name]) - seconds) < 60 * (1 + len(totals["running"])), name
    assert len(totals["running"]) == full.sql("select count(*) from toggl.running")[0][0]
    assert olga.get("time").status == 200
    assert olga.get("time?workspace=5").json()["by_user"] == []
    assert olga.get("time?from=2026-05-02&until=2026-05-01").status == 400
    assert olga.get("time?from=2020-05-02&until=2026-05-01").status == 400


def test_who_may_read(page_site):
    viewer, anonymous = operator(page_site, "Vera", "viewer"), Page(page_site)
    for place in PLACES:
        assert viewer.get(place).status in (200, 404), place
        answer = anonymous.get(place)
        assert answer.status == 401 and answer.error, place
        assert viewer.post(place.split("?", maxsplit=1)[0]).status == 405


def test_by_plain_cgi(site):
    site.hookledger("operator", "add", "Olga", "--password-file", "-", stdin=PASSWORD)
    answer = by_hand(site, "POST", "session", json.dumps({"name": "Olga", "password": PASSWORD}).encode())
    cookie = answer.headers["set-cookie"].split(";")[0]
    for place in ("overview", "events", "time"):
        assert by_hand(site, "GET", place, HTTP_COOKIE=cookie).status == 200


def test_a_long_answer_comes_whole(full):
    """More than a socket takes at once."""
    olga = operator(full)
    for _ in range(3):
        assert len(olga.get("events?limit=500").json()["items"]) == 500
        assert len(olga.get("events/export?format=ndjson").body.splitlines()) == 3000
