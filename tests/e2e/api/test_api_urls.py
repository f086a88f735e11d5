# SPDX-License-Identifier: ISC
"""Addresses that hookledger gives to clients, and addresses that clients give to it."""
import json
import urllib.parse

import pytest

from api_client import BASE, EAGER, account, by_hand, set_up
from installation import WORKSPACE
from subscriber import Subscriber

pytestmark = pytest.mark.plain

SUBSCRIPTIONS = f"{BASE}/subscriptions/{WORKSPACE}"


@pytest.fixture
def ada(site):
    """An account of a site whose API is started for each request, with its settings of then."""
    site.write_conf(**EAGER)
    set_up(site)
    return account(site)


def subscribe(site, ada, url, description="x"):
    body = json.dumps({"description": description, "url_callback": url, "enabled": True,
                       "event_filters": [{"entity": "*", "action": "*"}]}).encode()
    return by_hand(site, "POST", SUBSCRIPTIONS, body, HTTP_AUTHORIZATION=ada.authorization, CONTENT_TYPE="application/json")


@pytest.mark.parametrize("public_url, base_path, wanted", [
    ("https://hooks.example.org/", "", "https://hooks.example.org"),
    ("https://hooks.example.org///", "", "https://hooks.example.org"),
    ("HTTPS://Hooks.Example.org/", "", "https://hooks.example.org"),
    ("https://hooks.example.org/behind/a/proxy/", "", "https://hooks.example.org/behind/a/proxy"),
    ("https://hooks.example.org/", "/~olga/hl", "https://hooks.example.org/~olga/hl"),
    ("https://hooks.example.org/~olga/hl/", "/~olga/hl", "https://hooks.example.org/~olga/hl"),
])
def test_the_address_that_validates(site, ada, public_url, base_path, wanted):
    site.write_conf(public_url=public_url, base_path=base_path or None)
    site.base_path = base_path
    shy = Subscriber(lambda request: (200, {}, b"{}"))
    made = subscribe(site, ada, shy.url)
    assert made.status == 200 and made.json()["validated_at"] is None, made
    ping = shy.got[0]["body"]
    number, code = made.json()["subscription_id"], ping["validation_code"]
    path = f"{BASE}/validate/{WORKSPACE}/{number}/{code}"
    assert ping["validation_code_url"] == wanted + path
    assert by_hand(site, "GET", path).status == 200
    # and where a client of it removes no slash, one more at the end does no harm
    assert by_hand(site, "GET", path + "/").json().endswith("has already been validated")
    # the others are made in the same way
    for words in (("tick", "add", "one"), ("endpoint", "add", "--name", "one")):
        said = site.hookledger(*words).stdout
        assert f"{wanted}/{'tick' if words[0] == 'tick' else 'hook'}/" in said, said
    shy.close()


@pytest.mark.parametrize("host", ["１２７.0.0.1", "127。0。0。1", "%31%32%37.0.0.1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "[::ffff:127.0.0.1]", "127.1", "2130706433"])
def test_no_spelling_of_a_private_host_is_called(site, ada, host):
    site.write_conf(allowed_networks=None)
    inside = Subscriber()
    port = urllib.parse.urlsplit(inside.url).port
    url = f"http://{host}:{port}/callback"
    refused = subscribe(site, ada, url)
    unknown = subscribe(site, ada, "http://no-such-host.invalid/")
    words = "URL endpoint {} request failed with error: its host has no public address"
    assert (refused.status, refused.json()) == (400, words.format(url))
    # nobody learns from the answer whether a name exists in our network
    assert (unknown.status, unknown.json()) == (400, words.format("http://no-such-host.invalid/"))
    assert inside.got == []
    inside.close()


def test_an_internationalised_host_is_converted(site, ada):
    """libcurl could not, where no locale was set; here the converted name is looked up, and unknown."""
    shy = Subscriber()
    port = urllib.parse.urlsplit(shy.url).port
    # what IDNA makes of it is 127.0.0.1, which this site allows
    made = subscribe(site, ada, f"http://１２７。0。0。1:{port}/callback")
    assert made.status == 200 and made.json()["validated_at"], made
    assert shy.got[0]["headers"]["Host"] == f"127.0.0.1:{port}"
    for wrong in ("http://exa mple.org/", "http://evil.example／x/", "http://a＠127.0.0.1/", "http://\u202eevil.example/"):
        assert subscribe(site, ada, wrong, "wrong").status == 400
    shy.close()
