# SPDX-License-Identifier: ISC
"""Shared by the tests of subscribers on the admin page: an account that may subscribe,
and checks of answers."""
from admin_client import audit
from installation import WORKSPACE

USER = 9000001
ALL = [{"entity": "*", "action": "*"}]
XSS = '<script>alert("x")</script>\'"&\u2028'
# settings for a site whose callbacks may go to this machine
EAGER = {"allowed_networks": "127.0.0.1", "handshake_timeout_ms": "2000", "delivery_retry_first_ms": "50", "delivery_retry_factor": "1"}


def done(answer, status=200):
    assert answer.status == status, answer
    return answer.json()


def refused(answer, status, words=""):
    assert answer.status == status and words in answer.error, answer
    return answer.error


def grounds(page, plan="premium"):
    """An organization with the test's workspace and an account that may use it; returns its number and token."""
    number = done(page.post("subscribers/organizations", {"name": "Test", "plan": plan}), 201)["id"]
    done(page.call("PUT", f"subscribers/workspaces/{WORKSPACE}", {"organization_id": number}))
    made = done(page.post("subscribers/accounts", {"name": "Ada", "user_id": str(USER), "email": "ada@example.org", "zone": "Europe/Berlin"}), 201)
    done(page.call("PUT", f"subscribers/accounts/{made['id']}/workspaces/{WORKSPACE}", {"is_admin": True}))
    return made["id"], made["token"]


def order(account, url, **more):
    return {"workspace_id": str(WORKSPACE), "account_id": account, "description": "a test", "url_callback": url, "event_filters": ALL, **more}


def subscribe(page, account, url, **more):
    return done(page.post("subscribers/subscriptions", order(account, url, **more)), 201)


def listed(page, number):
    found, = [one for one in done(page.get("subscribers"))["subscriptions"] if one["id"] == number]
    return found


def actions(site):
    return [action for _, action, _ in audit(site) if action.split(".")[0] in ("account", "organization", "workspace", "subscription", "delivery")]
