# SPDX-License-Identifier: ISC
"""How fast the admin page's Overview, Events and Time are answered with two million
events, by FastCGI and by plain CGI: the median of what one browser waits."""
import http.client
import json
import statistics
import subprocess
import time
import urllib.parse

import targets
from measure import log
from environment import WORKSPACE, BenchError, free_port

DATABASE = "admin"
EVENTS = 2_000_000
PEOPLE = 300	# two million events are a year of theirs
START = "2025-01-01"
RUNS = 15
PASSWORD = "a password of the benchmark"
PROGRAM = "hookledger-admin"
API = "/admin/api"


def fastcgi(env, port, conf):
    return targets.lighttpd(env, port, f'''
server.modules += ("mod_fastcgi")
fastcgi.server = ("/" => (("bin-path" => "{env.bin}/{PROGRAM}", "socket" => "{env.work}/s/admin.sock",
  "max-procs" => 2, "check-local" => "disable", "bin-environment" => ("HOOKLEDGER_CONF" => "{conf}"))))
''')


def cgi(env, port, conf):
    return targets.lighttpd(env, port, f'''
server.modules += ("mod_cgi", "mod_alias", "mod_setenv")
alias.url = ("{API}/" => "{env.bin}/{PROGRAM}/")
setenv.set-environment = ("HOOKLEDGER_CONF" => "{conf}")
cgi.assign = ("{PROGRAM}" => "")
''')


class Browser:
    def __init__(self, port, cookie=None):
        self.link = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.headers = {"Cookie": cookie} if cookie else {}

    def ask(self, method, path, body=None):
        """Milliseconds, the answer and its text."""
        begun = time.perf_counter()
        self.link.request(method, f"{API}/{path}", body, {**self.headers, **({"Content-Type": "application/json"} if body else {})})
        answer = self.link.getresponse()
        text = answer.read()
        return (time.perf_counter() - begun) * 1000, answer, text


def fill(env, goals, conf, events):
    log(f"  recording {events} events")
    made = json.loads(env.command(conf, "simulate", "--into-database", "--json", "--events", str(events),
                                    "--people", str(PEOPLE), "--start", START))
    env.sql(DATABASE, "vacuum (analyze)")
    # as the courier does in its spare time
    env.sql(DATABASE, "do $$ begin while ledger.event_counts_update(50000) loop null; end loop; end $$")
    log(f"  took {made['duration_ms'] / 1000:.0f} s, {made['rate']} a second")
    goals.add("seconds to simulate the events into the database", made["duration_ms"] / 1000, 180, True)


def asked(env):
    """What, and the path of it."""
    def one(query):
        return env.sql(DATABASE, query).strip()

    old = one("select to_char(min(created_at) + interval '30 days', 'YYYY-MM-DD') from ledger.event")
    late = one("select to_char(max(created_at) - interval '3 days', 'YYYY-MM-DD') from ledger.event")
    entity = one("select entity_id from ledger.event where model = 'time_entry' limit 1")
    user = one("select creator_id from ledger.event where creator_id is not null order by epoch desc, txid desc, seq desc limit 1")
    event = one("select workspace_id || '/' || event_id || '/' || ledger.rfc3339(created_at) from ledger.event "
                "where model = 'time_entry' and action = 'updated' limit 1")
    cursor = one("select ledger.cursor_write(epoch, txid, seq) from ledger.event order by epoch desc, txid desc, seq desc offset 1000 limit 1")
    words = one("select description from toggl.time_entry where length(description) > 5 group by 1 order by count(*), 1 limit 1")
    common = one("select split_part(description, ' ', 1) from toggl.time_entry where length(description) > 5 group by 1 order by count(*) desc limit 1")
    return [(what, path + urllib.parse.urlencode(filters)) for what, path, filters in (
        ("overview", "overview", {}),
        ("the newest 50", "events", {}),
        ("the newest 500", "events?", {"limit": 500}),
        ("1000 further down", "events?", {"after": cursor}),
        ("of a kind", "events?", {"model": "time_entry"}),
        ("of a rare kind", "events?", {"model": "client"}),
        ("of a kind that there is not", "events?", {"model": "workspace"}),
        ("deleted", "events?", {"action": "deleted"}),
        ("of a workspace", "events?", {"workspace": WORKSPACE}),
        ("of a workspace that there is not", "events?", {"workspace": 1}),
        ("by a user", "events?", {"user": user}),
        ("by nobody", "events?", {"user": 1}),
        ("of an entity", "events?", {"entity": entity}),
        ("of a day long ago", "events?", {"since": f"{old}T00:00:00Z", "until": f"{old}T23:59:59Z"}),
        ("until long ago, deleted", "events?", {"until": f"{old}T00:00:00Z", "action": "deleted"}),
        ("since three days, by nobody", "events?", {"since": f"{late}T00:00:00Z", "user": 1}),
        ("with rare words", "events?", {"text": words}),
        ("with a common word", "events?", {"text": common}),
        ("with the beginning of a word", "events?", {"text": common[:2]}),
        ("with a word that there is not", "events?", {"text": "quetzalcoatl"}),
        ("how many are new", "events/new?", {"after": cursor}),
        ("what is new", "events/newer?", {"after": cursor}),
        ("one event in full", f"events/{event}", {}),
        ("hours of a month", "time?", {"from": "2025-05-01", "until": "2025-05-31"}))]


def measure(port, cookie, what, path):
    browser = Browser(port, cookie)
    times = []
    for _ in range(RUNS):
        ms, answer, text = browser.ask("GET", path)
        if answer.status != 200:
            raise BenchError(f"{what}: {answer.status} {text[:200]}")
        times.append(ms)
    return {"name": what, "p50_ms": statistics.median(times), "most_ms": max(times), "bytes": len(text), "errors": 0, "lost": 0}


def admin_run(env, goals, options):
    conf = env.hookledger(DATABASE)["conf"]
    fill(env, goals, conf, options.rows or EVENTS)
    subprocess.run([env.bin / "hookledger", "--conf", conf, "operator", "add", "bench", "--zone", "Europe/Berlin", "--password-file", "-"],
                   input=PASSWORD, text=True, check=True, capture_output=True)
    results, cookie = [], None
    print(f"\n{'':36} {'FastCGI ms':>11} {'CGI ms':>8} {'bytes':>9}")
    servers = []
    for begin in (fastcgi, cgi):
        port = free_port()
        server = begin(env, port, conf)
        env.wait_for_port(port, [server])
        servers.append(port)
        if not cookie:
            _, answer, text = Browser(port).ask("POST", "session", json.dumps({"name": "bench", "password": PASSWORD}))
            if answer.status != 200:
                raise BenchError(f"no login: {answer.status} {text[:200]}")
            cookie = answer.headers["Set-Cookie"].split(";")[0]
    for what, path in asked(env):
        quick, plain = (measure(port, cookie, what, path) for port in servers)
        print(f"{what:36} {quick['p50_ms']:11.1f} {plain['p50_ms']:8.1f} {quick['bytes']:9}", flush=True)
        results += [{**quick, "way": "fastcgi"}, {**plain, "way": "cgi"}]
        # Overview and Events; this is only to look at
        if what != "hours of a month":
            goals.add(f"ms, {what}", quick["p50_ms"], 50, True)
            goals.add(f"ms, {what}, by plain CGI", plain["p50_ms"], 100, True)
    return results
