# SPDX-License-Identifier: ISC
"""Every request of tests/data/cases behind every web server: what is answered,
recorded, kept and counted."""
import pytest

import case_files
import web_servers
from fixtures import finish, kind_or_skip, make_site
from installation import wait_for
from raw_http import exchange

pytestmark = pytest.mark.foreign

# What web servers say by themselves of what they do not pass on.
BY_THE_SERVER = {411, 413}

REFUSED = [case for case in case_files.ALL if case.reason and case.method == "POST"]
KEPT = [case for case in REFUSED if case.reason in ("json", "event", "workspace")]


@pytest.fixture(scope="module", params=list(web_servers.SERVERS))
def shared(request, shared_cluster, template, run_folder):
    """A site behind each web server in turn, the same for all cases."""
    start = kind_or_skip(request.param)
    site = make_site(request, shared_cluster, run_folder / "shared", template)
    site.add_endpoint()
    start(site)
    yield site
    finish(request, site)


def is_ours(answer):
    return answer.headers.get("content-type") == "application/json"


@pytest.mark.parametrize("case", case_files.ALL, ids=lambda case: case.name)
def test_answer(shared, case):
    before = set(shared.recorded())
    answer = exchange(shared.port, case.bytes_for(shared))

    assert answer, "no answer"
    if answer.status != case.status:
        assert answer.status in BY_THE_SERVER | set(case.server_may), answer
    elif case.status == 200:
        assert is_ours(answer) and answer.body.decode() == case.answer
    elif is_ours(answer):
        assert list(answer.json()) == ["error"]
        assert shared.endpoint["secret"].encode() not in answer.body
        assert case.status != 405 or answer.headers["allow"] == "POST"
    recorded = set(shared.recorded()) - before
    if case.kind == "event":
        assert len(recorded) == 1
        rows = shared.sql("select convert_to(body::text, 'UTF8') from ledger.event where event_id = any(%s)",
                          list(recorded))
        assert rows == [(case.body,)]
    else:
        assert not recorded


def test_refusals_are_counted_by_reason(lighttpd):
    answered = {}
    for case in REFUSED:
        if is_ours(exchange(lighttpd.port, case.bytes_for(lighttpd))):
            answered[case.reason] = answered.get(case.reason, 0) + 1
    assert set(answered) >= {"address", "type", "signature", "json", "event", "workspace"}

    def counted():
        return {reason: int(count) for reason, count in
                lighttpd.sql("select reason, sum(count) from ledger.receiver_counter group by reason")}

    wait_for(lambda: sum(counted().values()) >= sum(answered.values()), "all refusals to be counted")
    assert counted() == answered
    # by the address, also when there is no signature to be judged
    assert lighttpd.sql("select distinct endpoint_id from ledger.receiver_counter where reason = 'signature'") == [(int(lighttpd.endpoint["endpoint_id"]),)]
    assert lighttpd.sql("select distinct endpoint_id from ledger.receiver_counter where reason in ('address', 'type', 'method')") == [(0,)]


def test_what_is_signed_but_no_event_is_kept_once(lighttpd):
    for case in KEPT * 2:
        assert exchange(lighttpd.port, case.bytes_for(lighttpd)).status == 400
    kept = lighttpd.sql("select body, reason from ledger.quarantine")
    assert {bytes(body): reason for body, reason in kept} == {case.body: case.reason for case in KEPT}
    assert len(kept) == len(KEPT)


def test_what_is_forged_leaves_nothing(lighttpd):
    for case in REFUSED:
        if case not in KEPT:
            exchange(lighttpd.port, case.bytes_for(lighttpd))
    assert lighttpd.recorded() == {}
    assert lighttpd.sql("select count(*) from ledger.quarantine") == [(0,)]
    assert lighttpd.spool_is_empty()


def test_the_log_is_safe(lighttpd):
    """A line for a refusal at most, rate-limited, without bodies, secrets, control bytes."""
    for case in case_files.ALL:
        exchange(lighttpd.port, case.bytes_for(lighttpd))
    log = (lighttpd.logs / "lighttpd.log").read_bytes()
    assert lighttpd.endpoint["secret"].encode() not in log
    assert b"billable" not in log
    assert all(byte in b"\n" or 32 <= byte < 127 for byte in log)
    assert 0 < log.count(b"event=refused") < len(REFUSED)
