# SPDX-License-Identifier: ISC
"""The owner gets an alert that the database is away, although the targets are stored in it."""
import re
import signal

import pytest

from deliveries import add_alert, allow_subscribers, assert_genuine, start_courier
from installation import wait_for

pytestmark = pytest.mark.plain


@pytest.fixture
def watched(faulty, mail, hook):
    """Checked ten times a second; outages of half a second are reported."""
    allow_subscribers(faulty, watch_ms="100", courier_poll_ms="200", smtp_url=mail.url, public_url="https://example.org")
    add_alert(faulty, "mail", "ada@example.org")
    faulty.hook_secret = add_alert(faulty, "webhook", hook.url)["secret"]
    return faulty


def know(site):
    """Until a courier has looked, and after that has asked whom to tell."""
    looked = site.sql("select max(seen_at) from ledger.host where program = 'courier'")[0][0]
    for _ in range(2):
        seen = site.sql("select max(seen_at) from ledger.host where program = 'courier'")[0][0] or looked
        wait_for(lambda seen=seen: (site.sql("select max(seen_at) from ledger.host where program = 'courier'")[0][0] or seen) != seen,
                 "the courier to look")


def pass_time(site, span):
    site.sql("update ledger.state set clock_offset = clock_offset + %s::interval", span)


def test_told_once_and_when_over(watched, mail, hook):
    courier = start_courier(watched)
    know(watched)
    # it looks again when the spool has something to tell of
    courier.send_signal(signal.SIGSTOP)
    watched.cluster.stop()
    try:
        assert watched.send(watched.event()).status == 200
        courier.send_signal(signal.SIGCONT)
        wait_for(lambda: mail.letters and hook.got, "the alert")
        letter = mail.letters[0]
        assert letter.recipients == ["ada@example.org"] and "cannot use the database" in letter.subject
        text = " ".join(letter.text.split())
        assert "TROUBLE: The courier on " in text and re.search(r"keep them in the spool \(1 now, \d+ bytes\)", text) and "hookledger doctor" in text, text
        assert ".." not in text and " ." not in text
        assert "https://example.org/admin/" in text and "password" not in text
        assert_genuine(hook.got[0], watched.hook_secret)
        change, = hook.got[0]["body"]["changes"]
        assert (change["change"], change["kind"], change["level"], hook.got[0]["body"]["status"]) == ("new", "database", "trouble", "trouble")
        # for as long as it lasts, nobody hears more
        assert watched.end(courier) == 0
        courier = None
    finally:
        watched.cluster.start()
    assert len(mail.letters) == len(hook.got) == 1


def test_that_it_is_over_is_told_by_the_database(watched, mail, hook):
    couriers = [start_courier(watched, f"courier{number}") for number in range(2)]
    know(watched)
    know(watched)
    watched.cluster.stop()
    try:
        # each sends what it sees: the couriers do not know of one another
        wait_for(lambda: len(mail.letters) == len(hook.got) == 2, "the alert")
    finally:
        watched.cluster.start()
    wait_for(lambda: watched.all_logs().count("event=outage_over") == 2, "the couriers to be back", 30)
    assert watched.sql("select count(*) from ledger.finding where kind = 'database'") == [(1,)]
    pass_time(watched, "6 minutes")
    wait_for(lambda: len(mail.letters) == len(hook.got) == 3, "the alert of the end", 30)
    assert mail.letters[2].subject == "hookledger: all is well again" and "OVER: The courier on " in mail.letters[2].text
    change, = hook.got[2]["body"]["changes"]
    assert (change["change"], change["kind"], hook.got[2]["body"]["status"]) == ("over", "database", "well")
    assert watched.sql("select count(*) from ledger.finding") == [(0,)]
    assert all(watched.end(courier) == 0 for courier in couriers)


def test_a_restart_is_told_nobody(watched, mail, hook):
    watched.write_conf(watch_ms="3000")	# away is 15 s, longer than a restart takes
    start_courier(watched)
    know(watched)
    for mode in ("fast", "immediate"):
        watched.cluster.restart(mode)
        know(watched)
    assert not mail.letters and not hook.got


def test_one_that_hangs_is_away_too(watched, mail):
    """A call that is not answered ends by its deadline."""
    start_courier(watched)
    know(watched)
    with watched.cluster.frozen():
        wait_for(lambda: mail.letters, "the alert", 60)
    assert "cannot use the database" in mail.letters[0].subject


def test_a_target_that_fails_is_tried_again(watched, mail, hook):
    answers = [(500, {}, b"")] * 2
    hook.answer = lambda request: answers.pop(0) if answers else (200, {}, b"")
    start_courier(watched)
    know(watched)
    watched.cluster.stop()
    try:
        wait_for(lambda: len(hook.got) == 3, "the third attempt")
        wait_for(lambda: mail.letters, "the other way")
    finally:
        watched.cluster.start()
    assert len(mail.letters) == 1
