# SPDX-License-Identifier: ISC
"""The address for web-cron: a call of it runs a round of the courier."""
import pytest

import web_servers
from api_client import Client, account, set_up
from installation import wait_for
from subscriber import Subscriber

pytestmark = pytest.mark.plain


def subscribed(site, server):
    site.write_conf(allowed_networks="127.0.0.1")
    web_servers.SERVERS[server](site)
    set_up(site)
    subscriber = Subscriber()
    assert account(site).subscribe(subscriber.url, filters=[("tag", "*")]).status == 200
    said = site.hookledger("tick", "add", "web-cron").stdout
    return subscriber, "/tick/" + said.split("/tick/")[1].split()[0]


@pytest.mark.parametrize("server", ["lighttpd-spawned", "apache-htaccess", "nginx"])
def test_a_call_delivers_what_is_due(site, server):
    subscriber, path = subscribed(site, server)
    assert site.send(site.event()).status == 200
    nobody = Client(site, None)
    answer = nobody.get(path)
    assert (answer.status, answer.json()) == (200, {"status": "OK"})
    wait_for(lambda: len(subscriber.events()) == 1, "the delivery")
    began = site.sql("select used_at from ledger.tick")
    soon = nobody.get(path)
    assert (soon.status, soon.json()) == (200, {"status": "OK"})
    assert site.sql("select used_at from ledger.tick") == began, "one a few seconds is enough"
    assert nobody.get(path[:-1]).status == 404
    assert nobody.get("/tick/").status in (403, 404), "some servers refuse it themselves"
    number = site.hookledger("tick", "list").stdout.splitlines()[1].split()[0]
    site.hookledger("tick", "remove", number)
    assert nobody.get(path).status == 404
    assert path.split("/")[-1] not in site.all_logs()
    subscriber.close()
