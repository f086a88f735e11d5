# SPDX-License-Identifier: ISC
"""A test server in place of Toggl: another hookledger (its API, with accounts), or a small server
with prepared answers. Both keep their requests."""
import base64
import http.server
import json
import threading
import time

import api_client
import web_servers
from installation import BUILD, WORKSPACE, free_port

BASE = "/webhooks/api/v1"
REPORTS = "/reports/api/v3"
HOOKS = f"/hooks/subscriptions/{WORKSPACE}"	# of the test's own server
FAST = {"toggl_prove_hours": "0", "toggl_pace_ms": "0", "toggl_timeout_ms": "5000", "toggl_compare_days": "0",
        "toggl_load_hours": "0"}


class Toggl:
    """A hookledger in place of Toggl, for the site `us`."""

    def __init__(self, site, us, plan="premium"):
        self.site = site
        site.write_conf(allowed_networks="127.0.0.1", handshake_timeout_ms="2000", api_burst="10000", api_per_minute="600000")
        web_servers.lighttpd_spawned(site)
        self.organization = api_client.set_up(site, plan)
        self.ada = api_client.account(site)
        point(us, site.url + BASE, site.url + "/api/v9", site.url + REPORTS)

    @property
    def token(self):
        return self.ada.token

    def subscriptions(self, everything=False):
        return self.site.sql("select subscription_id, description, url_callback, filters, enabled, validated_at is not null "
                             "from ledger.subscription where (deleted_at is null or %s) order by 1", everything)

    def used(self):
        """The requests counted in the windows: (the user's, the organization's)."""
        rows = dict(self.site.sql("select organization_id, used from ledger.quota where account_id = %s", self.ada.account_id))
        return rows.get(0, 0), rows.get(int(self.organization), 0)

    def limit(self, requests):
        self.site.hookledger("organization", "set", self.organization, "--requests", requests)

    def later(self, minutes=61):
        self.site.sql(f"update ledger.state set clock_offset = clock_offset + interval '{minutes} minutes'")


def point(us, webhooks, track, reports):
    us.write_conf(toggl_webhooks_url=webhooks, toggl_api_url=track, toggl_reports_url=reports, **FAST)


def later(us, minutes=61):
    us.sql(f"update ledger.state set clock_offset = clock_offset + interval '{minutes} minutes'")


def connect(us, token, *more, check=True):
    return us.hookledger("connect", "--token-file", "-", "--yes", *more, stdin=token + "\n", check=check)


def listed(us):
    return json.loads(us.hookledger("toggl", "list", "--json").stdout)["subscriptions"]


class Liar:
    """A server with prepared answers: `answers` maps "METHOD /path" to
    a function of the request, or a (status, headers, body) of JSON or bytes."""

    def __init__(self, us, answers=None):
        self.asked = []
        self.answers = {
            "GET /api/me": (200, {}, {"id": 9000001, "fullname": "Ada", "email": "ada@example.org"}),
            "GET /api/me/quota": (200, {}, []),
            "GET /api/me/workspaces": (200, {}, [{"id": WORKSPACE, "organization_id": 77, "name": "Acme", "admin": True}]),
            f"GET /hooks/limits/{WORKSPACE}": (200, {}, {"max_webhooks": 1, "max_events_per_webhook": 3}),
            f"GET /hooks/subscriptions/{WORKSPACE}": (200, {}, []),
            **(answers or {}),
        }
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                length = int(self.headers.get("Content-Length", 0))
                raw = self.rfile.read(length)
                request = {"method": self.command, "path": self.path, "headers": dict(self.headers), "at": time.monotonic(),
                           "body": json.loads(raw) if raw else None}
                owner.asked.append(request)
                found = owner.answers.get(f"{self.command} {self.path.split('?')[0]}", (404, {}, "not found"))
                answer = found(request) if callable(found) else found
                if answer is None:
                    self.close_connection = True
                    return
                status, headers, body = answer
                out = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Length": len(out), **headers}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(out)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

        self.port = free_port()
        self.server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        point(us, f"http://127.0.0.1:{self.port}/hooks", f"http://127.0.0.1:{self.port}/api", f"http://127.0.0.1:{self.port}/reports")

    def count(self, method, path=""):
        return sum(1 for request in self.asked if request["method"] == method and path in request["path"])

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def token_of(request):
    return base64.b64decode(request["headers"]["Authorization"].split()[1]).decode()


def subscription(request, number=11, **changes):
    """A subscription in the form of Toggl, from the request that makes it."""
    body = {"subscription_id": number, "workspace_id": WORKSPACE, "user_id": 9000001, "validated_at": "2026-07-01T10:00:00Z",
            "deleted_at": None, **request["body"]}
    return {key: value for key, value in {**body, **changes}.items() if key != "secret"}


class Side:
    """Toggl with at most one subscription; `faults` are used first."""

    def __init__(self, liar):
        self.there = {}
        self.faults = {}	# method: list of answers, or functions of (request, what it would answer)
        liar.answers[f"GET {HOOKS}"] = lambda request: self.serve("GET", request, lambda: list(self.there.values()))
        liar.answers[f"POST {HOOKS}"] = lambda request: self.serve("POST", request, lambda: self.make(request))
        liar.answers[f"PUT {HOOKS}/11"] = lambda request: self.serve("PUT", request, lambda: self.change(request))
        liar.answers[f"DELETE {HOOKS}/11"] = lambda request: self.serve("DELETE", request, lambda: self.there.pop("11", {}))
        liar.answers[f"POST /hooks/ping/{WORKSPACE}/11"] = (200, {}, {"status": "OK"})

    def serve(self, method, request, do):
        waiting = self.faults.get(method, [])
        fault = waiting.pop(0) if waiting else None
        if callable(fault):
            return fault(request, do)
        return fault or (200, {}, do())

    def make(self, request):
        self.there["11"] = subscription(request)
        return self.there["11"]

    def kill_in_creation(self, us):
        """`hookledger toggl add` of `us` is killed after the subscription is made and before the answer."""
        made, is_dead = threading.Event(), threading.Event()

        def slowly(_, do):
            do()
            made.set()
            is_dead.wait(30)

        self.faults["POST"] = [slowly]
        child = us.spawn("add", [BUILD / "hookledger", "toggl", "add", "--workspace", str(WORKSPACE)])
        assert made.wait(10)
        child.kill()
        child.wait()
        us.processes.remove(child)
        is_dead.set()

    def change(self, request):
        self.there["11"] = subscription(request)
        return self.there["11"]
