# SPDX-License-Identifier: ISC
"""The admin page's data as the page itself asks for it."""
import http.client
import json
import subprocess

from catalogue import sentence
from installation import BUILD, Answer, runs_as

API = "/admin/api"
PASSWORD = "correct horse Größe"


class Page:
    """A browser with one cookie jar; login() first."""

    def __init__(self, site):
        self.site = site
        self.cookie = self.csrf = None

    def call(self, method, path, body=None, *, headers=None, raw=None, timeout=30):
        everything = {"Sec-Fetch-Site": "same-origin"}
        if self.cookie:
            everything["Cookie"] = f"theme=dark; {self.cookie_name()}={self.cookie}"
        if self.csrf and method not in ("GET", "HEAD"):
            everything["X-HL-CSRF"] = self.csrf
        data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
        if data is not None:
            everything["Content-Type"] = "application/json"
        everything.update(headers or {})
        everything = {name: value for name, value in everything.items() if value is not None}
        link = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=timeout)
        try:
            link.request(method, f"{self.site.base_path}{API}/{path}", data, everything)
            got = link.getresponse()
            return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
        finally:
            link.close()

    def cookie_name(self):
        """With TLS the cookie has another name."""
        is_plain = (self.site.settings["public_url"] or "").startswith(("http://127.", "http://localhost"))
        return "hl_session" if is_plain else "__Secure-hl_session"

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.call("POST", path, {} if body is None else body, **more)

    def login(self, name, password=PASSWORD):
        answer = self.post("session", {"name": name, "password": password})
        self.take(answer)
        return answer

    def take(self, answer):
        """Keeps the session cookie of an answer."""
        cookie = answer.headers.get("set-cookie", "")
        if answer.status == 200 and cookie.startswith("hl_session="):
            self.cookie = cookie.split(";")[0].split("=", 1)[1]
            self.csrf = answer.json()["csrf"]


def operator(site, name="Olga", role="owner", zone="UTC", password=PASSWORD):
    """A browser in which a new operator is logged in."""
    site.hookledger("operator", "add", name, "--role", role, "--zone", zone, "--password-file", "-", stdin=password + "\n")
    page = Page(site)
    answer = page.login(name, password)
    assert answer.status == 200, answer
    return page


def by_hand(site, method, path, body=b"", **variables):
    """Runs hookledger-admin as a web server does by CGI; returns its answer."""
    done = subprocess.run([BUILD / "hookledger-admin"], input=body, capture_output=True, cwd=site.work, timeout=60, check=True,
                          env={**site.environment(), "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": method,
                               "REQUEST_URI": f"{site.base_path}{API}/{path}", "REMOTE_ADDR": "127.0.0.1",
                               "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/json", **variables}, **runs_as())
    head, _, rest = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode("ascii").split("\r\n"))
    return Answer(int(headers.pop("Status").split()[0]), {name.lower(): value for name, value in headers.items()}, rest)


def audit(site):
    """The audit trail: (operator, action, subject), oldest first."""
    return [(who, action, sentence(subject)) for who, action, subject in site.sql("select operator, action, subject from ledger.audit order by audit_id")]
