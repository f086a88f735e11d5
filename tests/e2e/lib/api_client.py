# SPDX-License-Identifier: ISC
"""A client of the API. It compares every answer with the published files of Toggl and with
ours."""
import base64
import http.client
import json
import subprocess

import api_contract
from installation import BUILD, WORKSPACE, Answer, runs_as

BASE = "/webhooks/api/v1"
USER = 9000001
# settings for tests that test neither addresses nor rate limits
EAGER = {"allowed_networks": "127.0.0.1", "handshake_timeout_ms": "2000", "api_burst": "100000", "api_per_minute": "6000000"}


class Client:
    may_be_busy = False	# a test that takes the database away sets it

    def __init__(self, site, token, password="api_token", authorization=None):
        self.site = site
        self.token = token
        self.authorization = authorization or "Basic " + base64.b64encode(f"{token}:{password}".encode()).decode()

    def call(self, method, path, body=None, *, headers=None, timeout=30, raw=None, content_type="application/json"):
        everything = dict(headers or {})
        if self.token is not None:
            everything["Authorization"] = self.authorization
        data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
        if data is not None and content_type:
            everything["Content-Type"] = content_type
        link = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=timeout)
        try:
            link.request(method, self.site.base_path + path, data, everything)
            got = link.getresponse()
            answer = Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
        finally:
            link.close()
        api_contract.judge(method, path, answer, self.may_be_busy)
        return answer

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def post(self, path, body, **more):
        return self.call("POST", path, body, **more)

    def subscribe(self, url, description="a test", filters=(("time_entry", "*"),), workspace=WORKSPACE, **more):
        return self.call("POST", f"{BASE}/subscriptions/{workspace}",
                         {"url_callback": url, "description": description, "enabled": True,
                          "event_filters": [{"entity": entity, "action": action} for entity, action in filters], **more})


def by_hand(site, method, path, body=b"", **variables):
    """Runs hookledger-api as a web server does by CGI; returns its answer."""
    done = subprocess.run([BUILD / "hookledger-api"], input=body, capture_output=True, cwd=site.work, timeout=60, check=True,
                          env={**site.environment(), "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": method, "REQUEST_URI": site.base_path + path,
                               "REMOTE_ADDR": "127.0.0.1", "CONTENT_LENGTH": str(len(body)), **variables}, **runs_as())
    head, _, rest = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode("ascii").split("\r\n"))
    answer = Answer(int(headers.pop("Status").split()[0]), {name.lower(): value for name, value in headers.items()}, rest)
    api_contract.judge(method, path, answer)
    return answer


def set_up(site, plan="premium", organization="Test"):
    """An organization with the test's workspace."""
    made = site.hookledger("organization", "add", organization, "--plan", plan).stdout
    number = made.split()[1]
    site.hookledger("workspace", "add", WORKSPACE, "--organization", number)
    return number


def without_limits(site):
    """Its organizations get the plan without Toggl's limits, such as that of 90 days of time entries."""
    site.sql("update ledger.organization set plan = 'enterprise'")


def account(site, name="Ada", user=USER, admin=True, zone="UTC", workspace=WORKSPACE):
    made = json.loads(site.hookledger("account", "add", name, "--user", user, "--zone", zone, "--json").stdout)
    if workspace:
        site.hookledger("account", "grant", made["account_id"], workspace, *(["--admin"] if admin else []))
    client = Client(site, made["api_token"])
    client.account_id = made["account_id"]
    return client
