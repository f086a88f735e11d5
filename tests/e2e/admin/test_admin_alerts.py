# SPDX-License-Identifier: ISC
"""Alerts on the admin page."""
import threading

import pytest

import web_servers
from admin_client import Page, audit, by_hand, operator
from admin_subscribers import done, refused
from catalogue import sentence
from deliveries import allow_subscribers, assert_genuine
from installation import WORKSPACE, Calling, wait_for

pytestmark = pytest.mark.plain

XSS = "o'<img/src=x>@example.org"


@pytest.fixture
def page_site(site, mail):
    allow_subscribers(site, smtp_url=mail.url, mail_from="hookledger@example.org")
    web_servers.lighttpd_spawned(site)
    return site


def test_from_making_to_removing(page_site, olga, mail, hook):
    assert done(olga.get("alerts")) == {"items": [], "next": None}
    one = done(olga.post("alerts", {"kind": "mail", "target": "ada@example.org"}), 201)
    assert (one["kind"], one["target"], one["enabled"], one["last_sent_at"]) == ("mail", "ada@example.org", True, None)
    assert "secret" not in one
    other = done(olga.post("alerts", {"kind": "webhook", "target": hook.url}), 201)
    assert len(other["secret"]) == 43
    assert [item["id"] for item in done(olga.get("alerts"))["items"]] == [one["id"], other["id"]]
    assert other["secret"] not in olga.get("alerts").body.decode()

    assert done(olga.post(f"alerts/{one['id']}/test"))["sent"] is True
    assert mail.letters[0].subject == "hookledger: this is a test"
    assert done(olga.post(f"alerts/{other['id']}/test"))["sent"] is True
    assert_genuine(hook.got[0], other["secret"])
    assert done(olga.get("alerts"))["items"][0]["last_sent_at"].endswith("Z")

    mail.refuse = "550 5.1.1 no such mailbox"
    answer = done(olga.post(f"alerts/{one['id']}/test"))
    assert answer["sent"] is False and "no such mailbox" in sentence(answer["words"])
    assert "no such mailbox" in done(olga.get("alerts"))["items"][0]["last_problem"]

    changed = done(olga.call("PATCH", f"alerts/{one['id']}", {"enabled": False, "target": "ben@example.org"}))
    assert (changed["enabled"], changed["target"], changed["last_problem"]) == (False, "ben@example.org", None)
    assert done(olga.call("DELETE", f"alerts/{other['id']}")) == {}
    refused(olga.call("DELETE", f"alerts/{other['id']}"), 404, "no alert with the number")
    assert [row[1] for row in audit(page_site) if row[1].startswith("alert")] == [
        "alert.add", "alert.add", "alert.test", "alert.test", "alert.test", "alert.change", "alert.remove"]
    assert other["secret"] not in str(page_site.sql("select before::text, after::text from ledger.audit"))


@pytest.mark.parametrize("given, words", [
    ({}, "goes by mail, webhook"), ({"kind": "mail"}, "no e-mail address"), ({"kind": "pager", "target": "1"}, "goes by mail, webhook"),
    ({"kind": "mail", "target": XSS}, "no e-mail address"), ({"kind": "mail", "target": "-oQ/tmp@example.org"}, "no e-mail address"),
    ({"kind": "mail", "target": "a@example.org\r\nBcc: b@example.org"}, "no e-mail address"),
    ({"kind": "webhook", "target": "javascript:alert(1)"}, "no http or https"), ({"kind": "webhook", "target": ["x"]}, "no http or https"),
    ({"kind": "webhook", "target": "http://a@b/"}, "no http or https"), ({"kind": {"a": 1}, "target": "x"}, "goes by mail, webhook"),
])
def test_what_cannot_be_told(olga, given, words):
    refused(olga.post("alerts", given), 400, words)


def test_once(olga):
    done(olga.post("alerts", {"kind": "mail", "target": "ada@example.org"}), 201)
    refused(olga.post("alerts", {"kind": "mail", "target": "ada@example.org"}), 409, "already")
    two = done(olga.post("alerts", {"kind": "mail", "target": "ben@example.org"}), 201)
    refused(olga.call("PATCH", f"alerts/{two['id']}", {"target": "ada@example.org"}), 409, "already")
    refused(olga.call("PATCH", f"alerts/{two['id']}", {"target": "nobody"}), 400, "no e-mail address")
    refused(olga.call("PATCH", f"alerts/{two['id']}", {"enabled": "no"}), 400, "true or false")
    refused(olga.post("alerts/99/test"), 404)
    refused(olga.post("alerts/x/test"), 404)


def test_a_viewer_only_looks(page_site, olga, hook):
    made = done(olga.post("alerts", {"kind": "webhook", "target": hook.url}), 201)
    vera = operator(page_site, "Vera", "viewer")
    assert len(done(vera.get("alerts"))["items"]) == 1
    refused(vera.post("alerts", {"kind": "mail", "target": "ada@example.org"}), 403)
    refused(vera.post(f"alerts/{made['id']}/test"), 403)
    refused(vera.call("PATCH", f"alerts/{made['id']}", {"enabled": False}), 403)
    refused(vera.call("DELETE", f"alerts/{made['id']}"), 403)
    assert not hook.got
    refused(Page(page_site).get("alerts"), 401)
    refused(olga.post(f"alerts/{made['id']}/test", headers={"X-HL-CSRF": None}), 403)


def test_the_address_of_a_chat_is_shown_to_nobody(page_site, olga, hook):
    """Whoever knows it can write there: viewer, owner, trail, findings and command line have its host."""
    secret = "/services/T0/B0/bearer-secret?key=bearer-secret"
    made = done(olga.post("alerts", {"kind": "webhook", "target": hook.url + secret}), 201)
    done(olga.call("PATCH", f"alerts/{made['id']}", {"target": hook.url + secret + "2"}))
    done(olga.call("PATCH", f"alerts/{made['id']}", {"target": made["target"], "enabled": True}))	# as it was shown
    assert page_site.sql("select target from ledger.alert") == [(hook.url + secret + "2",)]
    done(olga.post(f"alerts/{made['id']}/test"))
    vera = operator(page_site, "Vera", "viewer")
    page_site.sql("update ledger.alert set failing_since = now() - interval '1 day', last_problem = 'it failed'")
    everything = [str(made), page_site.hookledger("alert", "list").stdout, page_site.hookledger("alert", "list", "--json").stdout,
                  page_site.hookledger("findings", check=False).stdout, *(page.get(path).body.decode() for page in (olga, vera) for path in ("alerts", "audit", "overview"))]
    for text in everything:
        assert "bearer-secret" not in text and "services" not in text
    host = hook.url.split("/")[2]
    assert all(host in text for text in everything)
    assert "bearer-secret" not in str(page_site.sql("select a::text from ledger.audit a")) and "bearer-secret" not in page_site.all_logs()
    assert page_site.sql("select after from ledger.audit where action = 'alert.change' order by audit_id")[0][0]["address"] == "another"


def test_the_address_of_a_subscriber_is_shown_to_owners_alone(page_site, olga, hook):
    done(olga.post("subscribers/subscriptions", {
        "account_id": "1", "workspace_id": WORKSPACE, "description": "test", "url_callback": hook.url + "/in?key=bearer-secret",
        "secret": "a secret of the test", "enabled": True, "event_filters": [{"entity": "tag", "action": "*"}]}), 201)
    vera = operator(page_site, "Vera", "viewer")
    assert "bearer-secret" in olga.get("subscribers").body.decode()	# to change it
    assert "bearer-secret" not in vera.get("subscribers").body.decode() and hook.url.split("/")[2] in vera.get("subscribers").body.decode()
    number = done(olga.get("subscribers"))["subscriptions"][0]["id"]
    assert done(olga.call("PATCH", f"subscribers/subscriptions/{number}", {"url_callback": hook.url + "/in?key=bearer-secret-2"}))
    for path in ("audit", "overview", f"subscribers/subscriptions/{number}/deliveries"):
        assert "bearer-secret" not in vera.get(path).body.decode(), path
    assert "bearer-secret" not in str(page_site.sql("select a::text from ledger.audit a"))


def test_a_slow_one_holds_up_nobody(page_site, olga, hook):
    go_on = threading.Event()
    hook.answer = lambda request: (go_on.wait(20), (200, {}, b""))[1]
    made = done(olga.post("alerts", {"kind": "webhook", "target": hook.url}), 201)
    waiting = [Calling(olga.post, f"alerts/{made['id']}/test") for _ in range(4)]
    wait_for(lambda: hook.got, "the webhook to be called")
    for _ in range(20):
        done(olga.get("alerts"))
    go_on.set()
    answers = [one.result() for one in waiting]
    assert sorted(answer.status for answer in answers)[0] == 200 and {answer.status for answer in answers} <= {200, 503}
    assert all(answer.json()["sent"] for answer in answers if answer.status == 200)


def test_by_plain_cgi(page_site, olga, mail):
    made = done(olga.post("alerts", {"kind": "mail", "target": "ada@example.org"}), 201)
    answer = by_hand(page_site, "POST", f"alerts/{made['id']}/test", b"{}", HTTP_COOKIE=f"hl_session={olga.cookie}", HTTP_X_HL_CSRF=olga.csrf)
    assert answer.status == 200 and answer.json()["sent"] is True and len(mail.letters) == 1
    assert by_hand(page_site, "GET", "health").status == 200
    page_site.write_conf(metrics_token="x y")
    answer = by_hand(page_site, "GET", "metrics", HTTP_AUTHORIZATION="Bearer x y")
    assert answer.status == 200 and b"hookledger_status 0" in answer.body
