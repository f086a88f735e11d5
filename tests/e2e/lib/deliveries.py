# SPDX-License-Identifier: ISC
"""Shared by the tests of the courier: subscriptions made without the API, couriers, and checks
of a delivery."""
import base64
import hashlib
import hmac
import json
import socket
import subprocess
import threading

from installation import BUILD, WORKSPACE, runs_as, sign

USER = 9000001
QUICK = {"allowed_networks": "127.0.0.1", "delivery_retry_first_ms": "50", "delivery_retry_factor": "1",
         "courier_poll_ms": "1000"}


def allow_subscribers(site, **settings):
    """An organization with the test's workspace, an administrator (account 1) and
    a member (account 2); callbacks to this machine are allowed."""
    site.write_conf(**{**QUICK, **settings})
    site.sql("""insert into ledger.organization (organization_id, name) overriding system value values (1, 'Test')""")
    site.sql("insert into ledger.workspace values (%s, 1)", WORKSPACE)
    for number, is_admin in ((1, True), (2, False)):
        site.sql("""insert into ledger.account (account_id, name, user_id, token_digest) overriding system value
                    values (%s, 'account ' || %s, %s, sha256(%s))""", number, number, USER + number - 1, b"%d" % number)
        site.sql("insert into ledger.member values (%s, %s, %s)", number, WORKSPACE, is_admin)


def add_alert(site, kind, target):
    """An alert of the owner; returns the JSON of the command line."""
    return json.loads(site.hookledger("alert", "add", "--json", kind, target).stdout)


def subscribe(site, url, secret="geheim", filters=("*.*",), account=1, **columns):
    """Makes an enabled and validated subscription; returns its number."""
    number = site.sql("""
        insert into ledger.subscription (workspace_id, account_id, description, url_callback, filters, event_filters,
                                         secret_sealed, enabled, validated_at, validation_code)
        values (%s, %s, 'test ' || gen_random_uuid(), %s, %s, '[]', '', true, now(), 'x') returning subscription_id""",
        WORKSPACE, account, url, list(filters))[0][0]
    for name, value in columns.items():
        site.sql(f"update ledger.subscription set {name} = %s where subscription_id = %s", value, number)
    rotate(site, number, secret)
    return number


def rotate(site, number, secret, keep="0s"):
    site.hookledger("subscription", "rotate", number, "--keep", keep, "--secret-file", "-", stdin=secret)


def start_courier(site, name="courier"):
    return site.spawn(name, [BUILD / "hookledger-courier"])


def run_round(site, seconds=30):
    """Runs one round of a courier."""
    done = subprocess.run([BUILD / "hookledger-courier", "--once", "--seconds", str(seconds)], capture_output=True,
                          text=True, cwd=site.work, check=False, timeout=seconds + 30, env=site.environment(), **runs_as())
    assert done.returncode == 0, done.stderr
    return done.stderr


def standard_signature(request, secret):
    """Verifies a request by the text of the Standard Webhooks specification."""
    headers = request["headers"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request["raw"]
    return "v1," + base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def assert_genuine(request, secret="geheim", *before):
    headers = request["headers"]
    assert headers["X-Webhook-Signature-256"] == sign(request["raw"], secret)
    assert headers["webhook-signature"].split(" ") == [standard_signature(request, one) for one in (secret, *before)]
    assert abs(int(headers["webhook-timestamp"]) - request["at"]) < 60
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"].startswith("hookledger/")


def states(site, subscription):
    """(event_id, state) in the order in which the deliveries were made."""
    return site.sql("select event_id, state from ledger.delivery where subscription_id = %s order by delivery_id", subscription)


def event_ids(subscriber):
    return [request["body"]["event_id"] for request in subscriber.events()]


def is_settled(site):
    """No delivery is open."""
    return site.sql("""select not exists (select from ledger.outbox)
                              and not exists (select from ledger.delivery where state in ('due', 'behind'))""")[0][0]


def record(site, count=1, **fields):
    """Sends events to the receiver; returns their numbers."""
    numbers = []
    for _ in range(count):
        body = site.event(**fields)
        assert site.send(body).status == 200
        numbers.append(json.loads(body)["event_id"])
    return numbers


class Raw:
    """A subscriber whose connections a test handles: `treat` gets the socket in a thread;
    when it returns, the connection ends."""

    def __init__(self, treat):
        self.treat = treat
        self.count = 0
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/callback"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                link, _ = self.socket.accept()
            except OSError:
                return
            self.count += 1
            threading.Thread(target=self.attend, args=(link,), daemon=True).start()

    def attend(self, link):
        with link:
            try:
                self.treat(link)
            except OSError:
                pass

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def in_order(subscriber, places=None):
    """Were the events of each entity first delivered in the order of their numbers, or of their
    positions?"""
    seen, last = set(), {}
    for request in subscriber.events():
        event, entity = request["body"]["event_id"], request["body"]["payload"]["id"]
        if event in seen:
            continue
        seen.add(event)
        place = places[event] if places else event
        if place < last.get(entity, 0):
            return False
        last[entity] = place
    return True


def duplicates(subscriber):
    got = event_ids(subscriber)
    return len(got) - len(set(got))
