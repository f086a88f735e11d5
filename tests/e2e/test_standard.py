# SPDX-License-Identifier: ISC
"""Deliveries are genuine by the Standard Webhooks specification, as its own
library judges them."""
import json
import os
import pathlib
import subprocess

import pytest

import servers
from api import account, set_up
from delivering import start_courier
from stage import SOURCE, wait_for
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
    servers.lighttpd_spawned(site)
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
