# SPDX-License-Identifier: ISC
"""What is loaded from Toggl reaches subscribers that ask for it, and no others."""
import pytest

from deliveries import allow_subscribers, run_round, subscribe
from installation import WORKSPACE
from subscriber import Subscriber
from toggl_server import connect

pytestmark = pytest.mark.plain


@pytest.fixture
def listeners():
    both = Subscriber(), Subscriber()
    yield both
    for one in both:
        one.close()


def test_only_who_asks(us, toggl, listeners):
    asks, news = listeners
    allow_subscribers(us)
    subscribe(us, asks.url, filters=("project.backfilled",))
    subscribe(us, news.url, filters=("*.*",))
    toggl.site.add_endpoint()
    for model, payload in (("project", {"id": 100, "name": "P", "active": True}), ("tag", {"id": 7, "name": "T"})):
        assert toggl.site.send(toggl.site.event(model=model, payload={"workspace_id": WORKSPACE, "at": "2026-01-02T03:04:05Z", **payload})).status == 200
    connect(us, toggl.token)
    run_round(us)
    (got,) = asks.events()
    assert got["body"]["event_id"] < 0 and got["body"]["metadata"]["model"] == "project" and got["body"]["payload"]["name"] == "P"
    assert news.events() == []
    us.hookledger("toggl", "load")
    run_round(us)
    assert len(asks.events()) == 1, "what is equal is no event"
