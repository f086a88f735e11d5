# SPDX-License-Identifier: ISC
"""The API as a client sees it."""
import base64
import http.client
import json

from stage import WORKSPACE, Answer

BASE = "/webhooks/api/v1"
USER = 9000001


class Client:
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
            answer = link.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            link.close()

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def subscribe(self, url, description="a test", filters=(("time_entry", "*"),), workspace=WORKSPACE, **more):
        return self.call("POST", f"{BASE}/subscriptions/{workspace}",
                         {"url_callback": url, "description": description, "enabled": True,
                          "event_filters": [{"entity": entity, "action": action} for entity, action in filters], **more})


def set_up(site, plan="premium", organization="Test"):
    """An organization with the test's workspace."""
    made = site.hookledger("organization", "add", organization, "--plan", plan).stdout
    number = made.split()[1]
    site.hookledger("workspace", "add", WORKSPACE, "--organization", number)
    return number


def account(site, name="Ada", user=USER, admin=True, zone="UTC", workspace=WORKSPACE):
    made = json.loads(site.hookledger("account", "add", name, "--user", user, "--zone", zone, "--json").stdout)
    if workspace:
        site.hookledger("account", "grant", made["account_id"], workspace, *(["--admin"] if admin else []))
    client = Client(site, made["api_token"])
    client.account_id = made["account_id"]
    return client
