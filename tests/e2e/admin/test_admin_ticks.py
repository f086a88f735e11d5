# SPDX-License-Identifier: ISC
"""Addresses for web-cron on the admin page, for hosts without a shell."""
import hashlib
import json

import pytest

import web_servers
from admin_client import Page, audit, by_hand, operator
from api_client import Client
from installation import wait_for

pytestmark = pytest.mark.plain


@pytest.fixture
def page_site(site):
    web_servers.lighttpd_spawned(site)
    return site


def test_one_is_made_used_and_removed(page_site):
    olga = operator(page_site)
    assert olga.get("ticks").json() == {"items": [], "next": None}
    made = olga.post("ticks", {"name": "  web-cron "})
    assert made.status == 201
    made = made.json()
    url, token = made["url"], made["url"].rsplit("/", 1)[1]
    assert url == f"{page_site.url}/tick/{token}" and len(token) >= 32 and made["name"] == "web-cron" and made["used_at"] is None
    # kept as its digest, shown once
    assert page_site.sql("select token_digest from ledger.tick") == [(hashlib.sha256(token.encode()).digest(),)]
    assert token not in json.dumps(olga.get("ticks").json()) + json.dumps(olga.get("audit").json()) + page_site.all_logs()
    nobody = Client(page_site, None)
    assert nobody.get(f"/tick/{token}").status == 200
    wait_for(lambda: olga.get("ticks").json()["items"][0]["used_at"], "its use to be seen")
    assert page_site.hookledger("tick", "list").stdout.count("web-cron") == 1
    assert olga.call("DELETE", f"ticks/{made['id']}").status == 200
    assert nobody.get(f"/tick/{token}").status == 404
    assert olga.call("DELETE", f"ticks/{made['id']}").status == 404
    assert [row[1:] for row in audit(page_site) if row[1].startswith("tick")] == [
        ("tick.add", f"address {made['id']} (web-cron)"), ("tick.remove", f"address {made['id']} (web-cron)")]


@pytest.mark.parametrize("body, words", [
    ({}, "1 to 200"), ({"name": ""}, "1 to 200"), ({"name": "   "}, "1 to 200"), ({"name": None}, "1 to 200"), ({"name": "x" * 201}, "1 to 200"),
    ({"name": 5}, "name"), ({"name": ["x"]}, "name"), ({"name": "x", "url": "https://evil.example"}, "url"), ([], ""), ({"name": "a\u0000"}, ""),
])
def test_what_is_wrong(page_site, body, words):
    answer = operator(page_site).post("ticks", body)
    assert answer.status == 400 and words in answer.error, answer
    assert page_site.sql("select count(*) from ledger.tick") == [(0,)]


def test_who_may(page_site):
    olga, vera = operator(page_site), operator(page_site, "Vera", role="viewer")
    number = olga.post("ticks", {"name": "x"}).json()["id"]
    assert vera.get("ticks").json()["items"][0]["name"] == "x"
    assert vera.post("ticks", {"name": "y"}).status == 403 and vera.call("DELETE", f"ticks/{number}").status == 403
    assert Page(page_site).get("ticks").status == 401 and Page(page_site).post("ticks", {"name": "y"}).status in (401, 403)
    assert olga.post("ticks", {"name": "y"}, headers={"X-HL-CSRF": None}).status == 403
    page_site.sql("insert into ledger.tick (name, token_digest) select 'n' || n, sha256(n::text::bytea) from generate_series(1, 49) n")
    assert "50" in olga.post("ticks", {"name": "y"}).error


def test_by_plain_cgi(page_site):
    olga = operator(page_site)
    made = by_hand(page_site, "POST", "ticks", b'{"name":"cgi"}', HTTP_COOKIE=f"hl_session={olga.cookie}", HTTP_X_HL_CSRF=olga.csrf, HTTP_SEC_FETCH_SITE="same-origin")
    assert made.status == 201 and made.json()["url"].startswith(f"{page_site.url}/tick/")
