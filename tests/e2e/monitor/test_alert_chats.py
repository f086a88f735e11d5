# SPDX-License-Identifier: ISC
"""Findings in chats: each service gets the body that its incoming webhook takes,
and a refusal is shown with the text of the service."""
import json

import pytest

from deliveries import add_alert, run_round
from test_alerts import break_it, passing  # pylint: disable=unused-import

pytestmark = pytest.mark.foreign

KINDS = ("slack", "teams", "discord", "mattermost", "googlechat", "ntfy")


def text_of(kind, request):
    """What a person reads, from the place where the service shows it."""
    body = request["body"]
    if kind == "discord":
        assert set(body) == {"content", "allowed_mentions"} and body["allowed_mentions"] == {"parse": []}
        assert len(body["content"]) <= 2000
        return body["content"]
    if kind == "teams":
        attachment, = body["attachments"]
        assert body["type"] == "message" and attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
        card = attachment["content"]
        assert card["type"] == "AdaptiveCard" and all(block["type"] == "TextBlock" and block["wrap"] for block in card["body"])
        return "\n".join(block["text"] for block in card["body"])
    if kind == "ntfy":
        assert set(body) <= {"topic", "title", "message", "priority", "tags", "click"}
        assert body["topic"] == "ntfy" and body["priority"] == 4
        return body["title"] + "\n" + body["message"]
    assert set(body) == {"text"}
    return body["text"]


@pytest.fixture
def alerting_site(passing, hook):
    """A site that sends findings to each kind of chat."""
    for kind in KINDS:
        answer = add_alert(passing, kind, f"{hook.url}/{kind}")
        assert set(answer) == {"id"}, "nothing that is sent to a chat is signed"
    return passing


def test_each_chat_gets_its_own_form(alerting_site, hook):
    hostile = "<!channel> @everyone <@U1> *x* [y](http://evil.example) &amp; `z` \u202e\U0001f600 \"\\"
    break_it(alerting_site, hostile)
    run_round(alerting_site)
    assert len(hook.got) == len(KINDS)
    rows = alerting_site.sql("select n.kind from ledger.alert_message m join ledger.alert n using (alert_id) where sent_at is not null order by m.message_id")
    assert sorted(kind for kind, in rows) == sorted(KINDS)
    markdown = "\\<!channel\\> @\u200beveryone \\<@\u200bU1\\> \\*x\\* \\[y\\](http://evil.example) &amp; \\`z\\`"
    harmless = {"slack": "&lt;!channel&gt; @everyone &lt;@U1&gt; *x* [y](http://evil.example) &amp;amp; `z`",
                "googlechat": "<\u200b!channel> @everyone <\u200b@U1> *x*", "ntfy": hostile.replace("\u202e", " "),	# the catalogue lets nothing turn the direction of a text
                "discord": markdown, "mattermost": markdown, "teams": markdown}
    seen = set()
    for request in hook.got:
        headers = {name.lower(): value for name, value in request["headers"].items()}
        assert headers["content-type"].lower() == "application/json; charset=utf-8"
        assert not any("signature" in name for name in headers)
        # JSON for ntfy names the topic and goes to its root
        kind = "ntfy" if request["path"] == "/callback/" else request["path"].removeprefix("/callback/")
        seen.add(kind)
        text = text_of(kind, request)
        assert "WARNING" in text and "hookledger: warning" in text and harmless[kind] in text, (kind, text)
    assert seen == set(KINDS)


def test_a_chat_says_why_it_refuses(alerting_site, hook):
    hook.answer = lambda request: (404, {}, b"no_service\n\x1b[31m" + b"x" * 5000)
    done = alerting_site.hookledger("alert", "test", 1, check=False)
    assert done.returncode == 1 and "answered with status 404: no_service" in done.stderr
    assert "\x1b" not in done.stderr and len(done.stderr) < 500
    # the older connectors of Teams refuse with 200
    hook.answer = lambda request: (200, {}, b"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429")
    number, = (row["alert_id"] for row in json.loads(alerting_site.hookledger("alert", "list", "--json").stdout)["alerts"] if row["kind"] == "teams")
    done = alerting_site.hookledger("alert", "test", number, check=False)
    assert done.returncode == 1 and "delivery failed" in done.stderr
    hook.answer = lambda request: (202, {}, b"")
    assert "was taken" in alerting_site.hookledger("alert", "test", number).stdout


def test_an_answer_that_repeats_the_address(alerting_site, hook):
    """The address lets in whoever reads it, and viewers read what went wrong."""
    number = add_alert(alerting_site, "slack", f"{hook.url}/services/secretpart?key=othersecret")["id"]
    hook.answer = lambda request: (404, {}, f"Cannot POST {request['path']}".encode())
    done = alerting_site.hookledger("alert", "test", number, check=False)
    assert done.returncode == 1 and "answered with status 404: Cannot POST" in done.stderr
    kept, = alerting_site.sql("select last_problem from ledger.alert where alert_id = %s", number)[0]
    for words in (done.stdout + done.stderr, kept, alerting_site.hookledger("alert", "list", "--json").stdout):
        assert "secretpart" not in words and "othersecret" not in words


@pytest.mark.parametrize("kind, target, problem", [
    ("webhook", "https://hooks.slack.com/services/T/B/secretpart", "belongs to slack"),
    ("slack", "https://discord.com/api/webhooks/1/secretpart", "choose discord instead of slack"),
    ("webhook", "https://prod-1.westeurope.logic.azure.com:443/workflows/secretpart", "belongs to teams"),
    ("webhook", "https://CHAT.googleapis.com/v1/spaces/secretpart", "belongs to googlechat"),
    ("ntfy", "https://ntfy.sh/", "no address of an ntfy topic"),
    ("ntfy", "https://ntfy.example/bad topic", "contains a blank"),
    ("slack", "hooks.slack.com/services/secretpart", "no http or https URL"),
    ("pager", "https://x.example/", "goes by mail, webhook, slack"),
])
def test_what_fits_no_chat(site, kind, target, problem):
    """Is said before anything is kept, and the address, which is a secret, is not repeated."""
    done = site.hookledger("alert", "add", kind, target, check=False)
    assert done.returncode != 0 and problem in done.stderr and "secretpart" not in done.stderr
    assert site.sql("select count(*) from ledger.alert") == [(0,)]
