# SPDX-License-Identifier: ISC
"""Deliveries and pings are genuine by the Standard Webhooks specification, as its
own library and Svix's judge them."""
import json
import os
import pathlib
import subprocess
import threading

import pytest

import web_servers
from api_client import BASE, account, set_up
from deliveries import start_courier
from installation import SOURCE, WORKSPACE, wait_for
from subscriber import Subscriber

MODULES = pathlib.Path(os.environ.get("HL_NPM", "/nonexistent"))

pytestmark = [pytest.mark.plain,
              pytest.mark.skipif(not (MODULES / "standardwebhooks").exists(),
                                 reason="not installed: standardwebhooks of npm (tests/run installs it)")]


def verdict(request, secret, body=None):
    headers = {name: value for name, value in request["headers"].items() if name.startswith("webhook-")}
    asked = {"secret": secret, "headers": headers, "body": (body or request["raw"]).decode()}
    done = subprocess.run(["node", SOURCE / "tests/npm/verify.js"], input=json.dumps(asked), text=True, capture_output=True,
                          check=True, env={**os.environ, "NODE_PATH": str(MODULES)})
    return done.stdout.strip()


@pytest.mark.parametrize("secret", ["plain words", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_the_library_takes_our_deliveries(site, secret):
    site.write_conf(allowed_networks="127.0.0.1")
    web_servers.lighttpd_spawned(site)
    set_up(site)
    start_courier(site)
    subscriber = Subscriber()
    made = account(site).subscribe(subscriber.url, filters=[("tag", "*")], secret=secret)
    assert made.status == 200, made
    assert site.send(site.event()).status == 200
    wait_for(lambda: len(subscriber.events()) == 1, "the delivery")
    first = subscriber.events()[0]
    assert verdict(first, secret) == "genuine"
    assert verdict(first, secret, first["raw"] + b" ") != "genuine"
    assert verdict(first, secret[:-1] + "x") != "genuine"
    # while the secret is being rotated, both judge it genuine
    new = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    site.hookledger("subscription", "rotate", made.json()["subscription_id"], "--secret-file", "-", stdin=new)
    assert site.send(site.event()).status == 200
    wait_for(lambda: len(subscriber.events()) == 2, "the next one")
    second = subscriber.events()[1]
    assert verdict(second, new) == verdict(second, secret) == "genuine"
    subscriber.close()


# ---- a subscriber that looks at nothing before its library has verified it

class NodeSubscriber:
    def __init__(self, library, secret):
        self.process = subprocess.Popen(["node", SOURCE / "tests/npm/subscriber.js", library, secret], text=True, stdout=subprocess.PIPE,
                                        env={**os.environ, "NODE_PATH": str(MODULES)})
        self.url = self.process.stdout.readline().strip()
        self.lines = []
        self.reader = threading.Thread(target=lambda: self.lines.extend(line.split() for line in self.process.stdout), daemon=True)
        self.reader.start()

    def words(self):
        return [line[0] for line in self.lines]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()


@pytest.mark.parametrize("library", ["standardwebhooks", "svix"])
@pytest.mark.parametrize("secret", ["plain words", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_who_verifies_by_a_library_can_validate(site, library, secret):
    site.write_conf(allowed_networks="127.0.0.1")
    web_servers.lighttpd_spawned(site)
    set_up(site)
    start_courier(site)
    ada = account(site)
    strict, other = NodeSubscriber(library, secret), NodeSubscriber(library, "another secret")
    refused = ada.subscribe(other.url, "forged", secret=secret)
    wait_for(lambda: other.words() == ["forged"], "its word")
    assert refused.status == 400 and refused.json().endswith("responded with status 401 instead of 200")
    made = ada.subscribe(strict.url, filters=[("tag", "*")], secret=secret)
    assert made.status == 200 and made.json()["validated_at"], made
    number = made.json()["subscription_id"]
    # each ping is a message of its own
    for _ in range(2):
        assert ada.call("POST", f"{BASE}/ping/{WORKSPACE}/{number}").status == 200
    wait_for(lambda: strict.words() == ["ping"] * 3, "three pings")
    assert len({line[1] for line in strict.lines}) == 3
    assert site.send(site.event()).status == 200
    wait_for(lambda: "event" in strict.words(), "the delivery")
    # while the secret is being rotated, who has the old one or the new one takes it
    new = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    site.hookledger("subscription", "rotate", number, "--secret-file", "-", stdin=new)
    newer = NodeSubscriber(library, new)
    assert ada.call("POST", f"{BASE}/ping/{WORKSPACE}/{number}").status == 200
    moved = ada.call("PUT", f"{BASE}/subscriptions/{WORKSPACE}/{number}", {"description": "moved", "url_callback": newer.url})
    assert moved.status == 200 and moved.json()["validated_at"], moved
    wait_for(lambda: newer.words() == ["ping"], "the ping")
    assert "forged" not in strict.words()
    for one in (strict, other, newer):
        one.close()
