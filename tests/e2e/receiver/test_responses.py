# SPDX-License-Identifier: ISC
"""The table of answers, behind every web server."""
import json

import pytest

import web_servers
from installation import wait_for

pytestmark = pytest.mark.foreign

PUBLISHED_SECRET = "PGuRrhCFajIyEvFlreKL"
PUBLISHED_BODY = (b'{"event_id":0,"created_at":"2022-06-25T03:58:10.207820267Z","creator_id":6,"metadata":'
                  b'{"request_type":"POST","event_user_id":6},"payload":"ping","subscription_id":6}')
PUBLISHED_SIGNATURE = "sha256=55343383e52a9cd2f56bd4e9fb5b6ce6982fb45955f26ea816cf7495d98c5fd2"


def assert_json(answer):
    assert answer.headers.get("Content-Type") == "application/json", answer
    return json.loads(answer.body)


def assert_refused(answer, status):
    assert answer.status == status, answer
    assert assert_json(answer)["error"]


def test_an_event_is_recorded_verbatim(served):
    body = served.event()
    answer = served.send(body)
    assert answer.status == 200, answer
    assert assert_json(answer) == {"status": "OK"}
    rows = served.sql("select body::text, source, model, action, workspace_id from ledger.event")
    assert [(row[0].encode(), *row[1:]) for row in rows] == \
        [(body, "webhook", "tag", "created", 7435584)] or rows[0][1] == "spool"


def test_the_same_event_again_is_acknowledged_and_not_doubled(served):
    event_id = served.next_event + 1
    body = served.event()
    again = body.replace(b'"timestamp": "2', b'"timestamp": "3')
    assert [served.send(body).status, served.send(body).status, served.send(again).status] == [200] * 3
    assert served.recorded() == {event_id: 1}


def test_a_ping_is_answered_with_its_code(served):
    ping = b'{"event_id":0,"payload":"ping","validation_code":"5f0c\\u0031","creator_id":6}'
    answer = served.send(ping)
    assert answer.status == 200
    assert assert_json(answer) == {"validation_code": "5f0c1"}
    answer = served.send(b'{"event_id":0,"payload":"ping"}')
    assert (answer.status, assert_json(answer)) == (200, {"status": "OK"})
    assert served.recorded() == {}


def test_other_methods_are_refused(served):
    answer = served.send(b"", method="GET", signature=False)
    assert_refused(answer, 405)
    assert answer.headers["Allow"] == "POST"
    assert served.send(served.event(), method="PUT").status == 405


def test_an_unknown_address_is_refused(served):
    assert_refused(served.send(served.event(), address="A" * 32), 404)
    # a path that some servers do not pass on
    assert served.send(served.event(), path="/hook/").status in (403, 404)


def test_a_disabled_endpoint_is_gone(served):
    assert served.send(served.event()).status == 200
    served.hookledger("endpoint", "disable", served.endpoint["endpoint_id"])
    assert_refused(served.send(served.event()), 404)
    served.hookledger("endpoint", "enable", served.endpoint["endpoint_id"])
    assert served.send(served.event()).status == 200


def test_a_query_is_no_command_line(served):
    """Apache makes arguments of it for a CGI program (RFC 3875, 4.4)."""
    address = served.endpoint["address"]
    for query in ("a=b", "word", "--version", "--conf+/nowhere", f"--listen+unix:{served.work}/query.sock",
                  "--listen=unix:/nowhere"):
        answer = served.send(served.event(), path=f"{served.base_path}/hook/{address}?{query}")
        assert answer.status == 200, (query, answer)
    assert not (served.work / "query.sock").exists()


def test_only_json_is_taken(served):
    assert_refused(served.send(served.event(), content_type="text/plain"), 415)
    assert_refused(served.send(served.event(), content_type=None), 415)
    assert served.send(served.event(), content_type="Application/JSON; charset=utf-8").status == 200


def test_the_body_has_a_limit(served):
    big = b'{"x":"' + b"x" * (1024 * 1024) + b'"}'
    assert served.send(big).status == 413
    # one that just fits gets as far as the gate's last step
    assert served.send(b'{"x":"' + b"x" * (1024 * 1024 - 8) + b'"}').status == 400


def test_a_wrong_signature_is_refused(served):
    body = served.event()
    for signature in (False, "", "sha256=", "sha256=" + "0" * 64, "sha1=" + "0" * 40, "sha256=" + "g" * 64,
                      "sha256=" + "0" * 63, "0" * 64, "x" * 7000):
        answer = served.send(body, signature=signature)
        assert answer.status == 401, (signature, answer)
        assert served.endpoint["secret"].encode() not in answer.body
    assert_refused(served.send(body, secret="another"), 401)
    assert served.recorded() == {}


def test_what_is_signed_but_no_event_goes_to_quarantine(served):
    bodies = [b"", b"[1]", b'{"event_id":1}', b"{'a':1}", b'{"event_id":NaN}', b'{"a":1}x', b'"\xff"',
              b'{"event_id":18446744073709551616}', b"[" * 10000,
              served.event(created_at="yesterday"), served.event(metadata=None),
              served.event(payload="ping")]
    for body in bodies:
        assert_refused(served.send(body), 400)

    def kept():
        served.hookledger("spool", "drain")
        return {bytes(row[0]) for row in served.sql("select body from ledger.quarantine")}

    wait_for(lambda: kept() == set(bodies), "all of them in the quarantine", 10)
    assert served.recorded() == {}


def test_the_events_of_another_workspace_are_refused(served):
    assert_refused(served.send(served.event(workspace=7)), 400)
    assert served.recorded() == {}


def test_toggls_published_signature(served):
    """The example of Toggl's own documentation."""
    one = json.loads(served.hookledger("endpoint", "add", "--secret-file", "-", "--json",
                                       stdin=PUBLISHED_SECRET).stdout)
    answer = served.send(PUBLISHED_BODY, address=one["address"], signature=PUBLISHED_SIGNATURE)
    assert answer.status == 200, answer
    wrong = PUBLISHED_SIGNATURE[:-1] + "3"
    assert served.send(PUBLISHED_BODY, address=one["address"], signature=wrong).status == 401


def test_the_partition_of_its_month_is_made_meanwhile(bare_site):
    """An insert that waited for the default partition then fails by its partition constraint
    (SQLSTATE 23514), twice at worst: the callback waits in the spool and is not refused."""
    site = bare_site
    site.add_endpoint()
    web_servers.lighttpd_spawned(site)
    # stands in for that constraint, which no test can break at the right moment twice
    site.sql("alter table ledger.event_default add constraint of_the_partition check (event_id < 0) not valid")
    old = site.event(created_at="2099-05-01T00:00:00Z")
    assert site.send(old).status == 200
    assert not site.recorded() and not site.spool_is_empty()
    site.sql("alter table ledger.event_default drop constraint of_the_partition")
    wait_for(lambda: len(site.recorded()) == 1, "the callback to be recorded")
