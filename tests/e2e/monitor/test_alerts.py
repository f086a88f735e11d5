# SPDX-License-Identifier: ISC
"""Alerts: each problem is reported once to each target, and its end too."""
import json
import os
import threading

import pytest

from deliveries import add_alert, allow_subscribers, assert_genuine, record, run_round, start_courier, subscribe
from installation import wait_for
from smtp_server import MailServer, Sendmail, certificate
from subscriber import Subscriber

pytestmark = pytest.mark.plain


def pass_time(site, span):
    site.sql("update ledger.state set clock_offset = clock_offset + %s::interval", span)


def break_it(site, words="gone"):
    """A subscription that only fails, since three hours ago."""
    return site.sql("update ledger.subscription set failing_since = ledger.clock() - interval '3 hours', description = %s returning subscription_id",
                    words)[0][0]


def repair_it(site):
    site.sql("update ledger.subscription set failing_since = null")


@pytest.fixture
def passing(site):
    allow_subscribers(site, watch_ms="100")
    subscribe(site, "http://127.0.0.1:9/")
    return site


def findings(site, status):
    done = site.hookledger("findings", check=False)
    assert done.returncode == status, done
    return done.stdout


def test_told_once_and_when_over(passing, mail, hook):
    """By e-mail and webhook; then nothing; then that it is over."""
    passing.write_conf(smtp_url=mail.url, mail_from="hookledger@example.org", public_url="https://example.org")
    add_alert(passing, "mail", "ada@example.org")
    secret = add_alert(passing, "webhook", hook.url)["secret"]
    run_round(passing)
    assert not mail.letters and not hook.got
    assert findings(passing, 0) == "All is well.\n"

    break_it(passing, "Größe ⏱")
    assert "has failed for 3 hours" in findings(passing, 3)
    run_round(passing)
    run_round(passing)
    assert len(mail.letters) == 1 and len(hook.got) == 1
    letter = mail.letters[0]
    assert (letter.sender, letter.recipients) == ("hookledger@example.org", ["ada@example.org"])
    assert letter.subject == 'hookledger: warning: The subscription "Größe ⏱" has failed for 3 hours.'
    assert "WARNING: The subscription" in letter.text and "https://example.org/admin/#/subscribers" in letter.text
    assert letter.message["To"] == "ada@example.org" and letter.message["Auto-Submitted"] == "auto-generated"
    assert_genuine(hook.got[0], secret)
    body = hook.got[0]["body"]
    assert (body["type"], body["status"], body["test"]) == ("hookledger.findings", "warning", False)
    assert [(one["change"], one["kind"], one["level"]) for one in body["changes"]] == [("new", "subscription_failing", "warning")]
    assert body["findings"][0]["link"].startswith("https://example.org/admin/#/subscribers")

    repair_it(passing)
    run_round(passing)
    pass_time(passing, "6 minutes")
    run_round(passing)
    run_round(passing)
    assert [one.subject for one in mail.letters[1:]] == ["hookledger: all is well again"]
    assert [one["change"] for one in hook.got[1]["body"]["changes"]] == ["over"] and hook.got[1]["body"]["status"] == "well"
    assert len(hook.got) == 2


def test_a_short_break_is_told_once(passing, mail):
    """What comes and goes within minutes is one finding, and so is what gets worse twice."""
    passing.write_conf(smtp_url=mail.url)
    add_alert(passing, "mail", "ada@example.org")
    for _ in range(3):
        break_it(passing)
        run_round(passing)
        repair_it(passing)
        run_round(passing)
    assert len(mail.letters) == 1


def test_sendmail(passing, run_folder):
    """Not through a shell, and with nothing in it that could be an option or a header."""
    sendmail = Sendmail(passing.work)
    passing.write_conf(mail_sendmail=sendmail.program, mail_from="hookledger@example.org")
    number = add_alert(passing, "mail", "o'neil+$HOME@example.org")["id"]
    break_it(passing, "x\r\nBcc: eve@example.org\r\n\r\n.\r\n`id`")
    run_round(passing)
    letter, = sendmail.letters
    assert letter.recipients == ["o'neil+$HOME@example.org"] and letter.sender == "hookledger@example.org"
    assert letter.message["Bcc"] is None and "Bcc: eve" in letter.subject
    assert b"\r" not in letter.raw

    sendmail.write("echo 'no such user' >&2; exit 67\n")
    done = passing.hookledger("alert", "test", number, check=False)
    assert done.returncode == 1 and "it ended with status 67: no such user" in done.stderr
    assert "no such user" in passing.hookledger("alert", "list").stdout
    sendmail.write("exec sleep 1000\n")
    passing.sql("update ledger.finding set told_level = null")
    passing.write_conf(delivery_timeout_ms="1000")
    courier = start_courier(passing)
    wait_for(lambda: passing.sql("select 1 from ledger.alert_message where leased_until > ledger.clock() and sent_at is null"),
             "the courier to wait for sendmail")
    assert passing.end(courier) == 0


def test_what_sendmail_says_in_another_encoding(passing):
    """Is noted all the same: what cannot be settled would keep all other messages waiting."""
    sendmail = Sendmail(passing.work)
    passing.write_conf(mail_sendmail=sendmail.program, mail_from="hookledger@example.org")
    add_alert(passing, "mail", "ada@example.org")
    sendmail.write(r"printf 'Empf\344nger unbekannt' >&2; exit 67" + "\n")
    break_it(passing)
    run_round(passing)
    assert "Empf\ufffdnger unbekannt" in passing.hookledger("alert", "list").stdout


@pytest.mark.parametrize("target", ["-oQ/tmp@example.org", "ada@example.org\nBcc: eve@example.org", "ada@example.org,eve@example.org",
                                    "ada", "Ada <ada@example.org>"])
def test_what_is_no_address(site, target):
    done = site.hookledger("alert", "add", "mail", "--", target, check=False)
    assert done.returncode != 0 and "no e-mail address" in done.stderr


def test_a_test_says_what_came_of_it(passing, mail, hook):
    passing.write_conf(smtp_url=mail.url)
    number, other = add_alert(passing, "mail", "ada@example.org")["id"], add_alert(passing, "webhook", hook.url)["id"]
    assert "was taken" in passing.hookledger("alert", "test", number).stdout
    assert mail.letters[0].subject == "hookledger: this is a test" and "All is well now." in mail.letters[0].text
    passing.hookledger("alert", "test", other)
    assert hook.got[0]["body"]["test"] is True

    mail.refuse = "550 5.1.1 no such mailbox"
    done = passing.hookledger("alert", "test", number, check=False)
    assert done.returncode == 1 and "no such mailbox" in done.stderr
    hook.answer = lambda request: (500, {}, b"")
    done = passing.hookledger("alert", "test", other, check=False)
    assert done.returncode == 1 and "answered with status 500" in done.stderr
    passing.write_conf(allowed_networks=None)
    done = passing.hookledger("alert", "test", other, check=False)
    assert done.returncode == 1 and "not allowed" in done.stderr
    # what failed while somebody looked is not sent later
    hook.answer = lambda request: (200, {}, b"")
    passing.write_conf(allowed_networks="127.0.0.1")
    pass_time(passing, "2 hours")
    run_round(passing)
    assert len([one for one in hook.got if one["body"]["test"]]) == 2
    assert passing.hookledger("alert", "test", 99, check=False).returncode == 1


def test_a_password(passing):
    """It is given to the server of this machine; not in clear to another."""
    server = MailServer(login=("ada", "geheimnis"))
    try:
        passing.write_conf(smtp_url=server.url, smtp_user="ada", smtp_password="geheimnis")
        number = add_alert(passing, "mail", "ada@example.org")["id"]
        passing.hookledger("alert", "test", number)
        passing.write_conf(smtp_password="falsch")
        done = passing.hookledger("alert", "test", number, check=False)
        assert done.returncode == 1 and "Login denied" in done.stderr and "falsch" not in done.stderr and len(server.letters) == 1
        # by its name in DNS it is some host
        passing.write_conf(smtp_url=f"smtp://localhost.localdomain:{server.port}", smtp_password="geheimnis")
        assert passing.hookledger("alert", "test", number, check=False).returncode == 1
        assert len(server.letters) == 1
    finally:
        server.close()


@pytest.mark.parametrize("starts", [False, True])
def test_tls(passing, starts):
    """By TLS at once and by STARTTLS, and not to a server that cannot prove its name."""
    context, trusted = certificate(passing.work)
    server = MailServer(login=("ada", "geheimnis"), tls=context, starts=starts)
    try:
        passing.write_conf(smtp_url=f"smtp{'' if starts else 's'}://localhost:{server.port}", smtp_user="ada", smtp_password="geheimnis",
                           ca_file=trusted)
        number = add_alert(passing, "mail", "ada@example.org")["id"]
        passing.hookledger("alert", "test", number)
        assert server.encrypted == 1 and len(server.letters) == 1
        passing.write_conf(ca_file=None)
        done = passing.hookledger("alert", "test", number, check=False)
        assert done.returncode == 1 and "certificate" in done.stderr and len(server.letters) == 1
    finally:
        server.close()


def test_what_fails_is_tried_again(passing, mail):
    mail.refuse = "451 4.3.0 come back later"
    passing.write_conf(smtp_url=mail.url)
    add_alert(passing, "mail", "ada@example.org")
    break_it(passing)
    run_round(passing)
    assert "come back later" in passing.hookledger("alert", "list").stdout
    pass_time(passing, "15 minutes")
    run_round(passing)
    assert "Alerts by e-mail to ada@example.org have failed" in findings(passing, 3)
    mail.refuse = None
    pass_time(passing, "2 hours")
    run_round(passing)
    pass_time(passing, "1 minute")
    run_round(passing)
    assert mail.letters[0].subject.startswith("hookledger: warning: The subscription")
    assert "come back later" not in passing.hookledger("alert", "list").stdout
    # the failure of the alerts is over too
    assert "Alerts by e-mail" not in findings(passing, 3)


def test_two_couriers_tell_once(passing, mail, hook):
    """Ten changes, four couriers that look ten times a second."""
    hold = threading.Event()
    hook.answer = lambda request: (hold.wait(0.05), (200, {}, b""))[1]

    def all_is_sent():
        return passing.sql("select count(*) from ledger.alert_message where sent_at is null")[0][0] == 0

    passing.write_conf(smtp_url=mail.url)
    add_alert(passing, "mail", "ada@example.org")
    add_alert(passing, "webhook", hook.url)
    for number in range(4):
        start_courier(passing, f"courier{number}")
    for change in range(10):
        break_it(passing) if change % 2 == 0 else repair_it(passing)
        if change % 2:
            wait_for(lambda: passing.sql("select 1 from ledger.finding where missed_at is not null"), "it to be missed")
            pass_time(passing, "6 minutes")
        wait_for(lambda change=change: len(hook.got) > change and len(mail.letters) > change, "the change to be reported")
        # a clock that is put forward ends the lease of what is still under way
        wait_for(all_is_sent, "it to be sent")
    assert len(hook.got) == 10 and len(mail.letters) == 10
    expected = ["new", "over"] * 5
    assert [one["body"]["changes"][0]["change"] for one in hook.got] == expected


def test_a_slow_one_holds_up_no_delivery(lighttpd, hook):
    """A webhook that is silent, while events are delivered."""
    hold, listener = threading.Event(), Subscriber()
    hook.answer = lambda request: (hold.wait(8), (200, {}, b""))[1]
    allow_subscribers(lighttpd, watch_ms="100")
    subscribe(lighttpd, listener.url)
    add_alert(lighttpd, "webhook", hook.url)
    other = subscribe(lighttpd, "http://127.0.0.1:9/", enabled=True, failing_since="2026-01-01")
    start_courier(lighttpd)
    wait_for(lambda: hook.got, "the webhook to be called")
    record(lighttpd, 5)
    wait_for(lambda: len(listener.got) == 5, "the deliveries", 5)
    assert not lighttpd.sql("select 1 from ledger.alert_message where sent_at is not null")
    hold.set()
    wait_for(lambda: lighttpd.sql("select 1 from ledger.alert_message where sent_at is not null"), "the webhook to answer")
    listener.close()
    assert other


def test_the_spool_is_seen(site, mail):
    """What waits in the spool of this host, by the courier."""
    site.write_conf(smtp_url=mail.url, watch_ms="100")
    add_alert(site, "mail", "ada@example.org")
    run_round(site)
    assert site.sql("select spool_records, spool_damaged from ledger.host where program = 'courier'") == [(0, 0)]
    (site.spool / "x.damaged").write_bytes(b"x")
    run_round(site)
    assert "1 file of the spool" in mail.letters[0].text
    site.hookledger("housekeep")
    assert site.sql("select spool_damaged from ledger.host where program = 'housekeep'") == [(1,)]
    (site.spool / "x.damaged").unlink()
    run_round(site)
    assert findings(site, 0)


def test_a_spool_whose_name_is_no_utf8(site):
    """Files may have any bytes in their names; who looks after the ledger works all the same."""
    site.hookledger("housekeep", env={"HOOKLEDGER_SPOOL_DIR": os.fsdecode(b"/nowhere/sp\xfcl")})
    place, = site.sql("select place from ledger.host where program = 'housekeep'")[0]
    assert place.endswith(":/nowhere/sp\ufffdl")


def test_a_secret_is_sealed_anew(passing, hook):
    secret = add_alert(passing, "webhook", hook.url)["secret"]
    passing.write_conf(master_key="ab" * 32, master_key_previous=passing.settings["master_key"])
    passing.hookledger("reseal")
    passing.write_conf(master_key_previous=None)
    passing.hookledger("alert", "test", 1)
    assert_genuine(hook.got[0], secret)


def test_enable_disable_remove(passing, mail):
    passing.write_conf(smtp_url=mail.url)
    number = add_alert(passing, "mail", "ada@example.org")["id"]
    passing.hookledger("alert", "disable", number)
    break_it(passing)
    run_round(passing)
    assert not mail.letters
    passing.hookledger("alert", "enable", number)
    passing.sql("update ledger.subscription set enabled = false, disabled_reason = 'failing'")
    run_round(passing)
    assert mail.letters[0].subject.startswith("hookledger: trouble: The subscription")
    passing.hookledger("alert", "remove", number)
    assert passing.hookledger("alert", "remove", number, check=False).returncode == 1
    assert json.loads(passing.hookledger("alert", "list", "--json").stdout) == {"alerts": []}


def test_doctor_tells(passing):
    break_it(passing)
    said = passing.hookledger("doctor", check=False).stdout
    assert "has failed for 3 hours. Look at its attempts" in said
    with passing.cluster.connect(passing.database) as other:
        other.execute("set application_name = 'metabase'")
        other.execute("select pg_advisory_lock(7306021983461007)")
        said = passing.hookledger("doctor", check=False).stdout
        assert "holds an advisory lock that is ours: migrate, rebuild and housekeep wait for it" in said
    assert "advisory" not in passing.hookledger("doctor", check=False).stdout


def test_a_reader_stops_no_courier(lighttpd):
    """Advisory locks are anybody's: turns of couriers are rows."""
    listener = Subscriber()
    allow_subscribers(lighttpd)
    subscribe(lighttpd, listener.url)
    with lighttpd.cluster.connect(lighttpd.database) as reader:
        for key in (1668246897, 1668246899):
            reader.execute("select pg_advisory_lock(%s, hashint8(%s)), pg_advisory_lock(%s, 0)", (key, 7435584, key))
        record(lighttpd, 3)
        run_round(lighttpd)
        assert len(listener.got) == 3
        assert lighttpd.sql("select housekept_at > '-infinity' from ledger.state") == [(True,)]
    listener.close()
