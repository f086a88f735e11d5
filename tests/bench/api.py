# SPDX-License-Identifier: ISC
"""How fast the API answers, beside what cannot be avoided: a request that needs no
database, and the same by plain CGI. One client that waits for each answer, then
eight; and once more with a million events that wait for the courier."""
import base64
import http.client
import http.server
import json
import socket
import statistics
import threading
import time

import targets
from measure import log
from environment import WORKSPACE, BenchError, cpu_seconds, free_port

DATABASE = "api"
BASE = "/webhooks/api/v1"
SUBSCRIPTIONS = f"{BASE}/subscriptions/{WORKSPACE}"
CLIENTS = 8
SILENT = 10
WAITING = 1_000_000
PROGRAM = "hookledger-api"

# what, method, path; % is a subscription
ASKED = (
    ("status, which asks no database", "GET", f"{BASE}/status"),
    ("list of subscriptions", "GET", SUBSCRIPTIONS),
    ("limits", "GET", f"{BASE}/limits/{WORKSPACE}"),
    ("what is left of the quota", "GET", "/api/v9/me/quota"),
    ("who am I", "GET", "/api/v9/me"),
    ("a ping, with the callback's answer", "POST", f"{BASE}/ping/{WORKSPACE}/%"),
    ("wrong credentials", "GET", f"{BASE}/subscriptions/0"),
)


class Callback(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1	# the answer in one piece

    def do_POST(self):
        code = json.loads(self.rfile.read(int(self.headers["Content-Length"]))).get("validation_code")
        body = json.dumps({"validation_code": code} if code else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def fastcgi(env, port, conf):
    return targets.lighttpd(env, port, f'''
server.modules += ("mod_fastcgi")
fastcgi.server = ("/" => (("bin-path" => "{env.bin}/{PROGRAM}", "socket" => "{env.work}/s/api.sock",
  "max-procs" => {targets.PROCESSES}, "check-local" => "disable", "bin-environment" => ("HOOKLEDGER_CONF" => "{conf}"))))
''')


def cgi(env, port, conf):
    return targets.lighttpd(env, port, f'''
server.modules += ("mod_cgi", "mod_alias", "mod_setenv")
alias.url = ("{BASE}/" => "{env.bin}/{PROGRAM}/", "/api/v9/" => "{env.bin}/{PROGRAM}/")
setenv.set-environment = ("HOOKLEDGER_CONF" => "{conf}")
cgi.assign = ("{PROGRAM}" => "")
''')


class Client:
    def __init__(self, port, token):
        self.link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.headers = {"Authorization": "Basic " + base64.b64encode(f"{token}:api_token".encode()).decode()}

    def ask(self, method, path, body=None):
        """Milliseconds, status and body."""
        begun = time.perf_counter()
        self.link.request(method, path, body, {**self.headers, "Content-Type": "application/json"} if body else self.headers)
        answer = self.link.getresponse()
        text = answer.read()
        return (time.perf_counter() - begun) * 1000, answer.status, text


def many(port, token, method, path, seconds, clients):
    """Milliseconds of all answers of clients that each wait for theirs."""
    until = time.perf_counter() + seconds
    found = []

    def run():
        client = Client(port, token)
        while time.perf_counter() < until:
            found.append(client.ask(method, path)[:2])

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def measure(env, server, port, token, asked, seconds, clients=1):
    what, method, path = asked
    many(port, token, method, path, 0.2, clients)
    before = cpu_seconds([server.pid]) + cpu_seconds([env.postgres.pid])
    found = many(port, token, method, path, seconds, clients)
    cpu = cpu_seconds([server.pid]) + cpu_seconds([env.postgres.pid]) - before
    times = sorted(ms for ms, _ in found)
    wanted = 403 if "wrong" in what else 200
    return {"name": what, "connections": clients, "p50_ms": statistics.median(times), "p99_ms": times[int(len(times) * 0.99)],
            "rate": len(times) / seconds, "cpu_us": cpu / len(times) * 1e6, "errors": sum(status != wanted for _, status in found), "lost": 0}


def ask_silent(port, token, callback_port, place):
    """A subscription whose callback never answers."""
    Client(port, token).ask("POST", SUBSCRIPTIONS, json.dumps({"description": f"silent {place}", "url_callback": f"http://127.0.0.1:{callback_port}/",
                                                               "enabled": False, "event_filters": [{"entity": "tag", "action": "*"}]}))


def prepare(env, callback):
    """An account with three subscriptions; its token and the number of one."""
    conf = env.hookledger(DATABASE)["conf"]
    with open(conf, "a", encoding="utf-8") as more:
        more.write("allowed_networks = 127.0.0.1\nhandshake_timeout_ms = 20000\napi_burst = 100000\napi_per_minute = 6000000\n")
    env.command(conf, "organization", "add", "bench", "--plan", "enterprise")
    env.command(conf, "organization", "set", "1", "--requests", "100000000")
    env.command(conf, "workspace", "add", str(WORKSPACE), "--organization", "1")
    token = json.loads(env.command(conf, "account", "add", "bench", "--user", "9000001", "--json"))["api_token"]
    env.command(conf, "account", "grant", "1", str(WORKSPACE), "--admin")
    port = free_port()
    server = fastcgi(env, port, conf)
    env.wait_for_port(port, [server])
    client = Client(port, token)
    for place in range(3):
        _, status, text = client.ask("POST", SUBSCRIPTIONS, json.dumps({
            "description": f"number {place}", "url_callback": f"http://127.0.0.1:{callback.server_address[1]}/",
            "event_filters": [{"entity": "tag", "action": "*"}]}))
        if status != 200:
            raise BenchError(f"no subscription was made: {status} {text[:200]}")
    env.stop(server)
    return conf, token, json.loads(text)["subscription_id"]


def api_run(env, goals, options):
    callback = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Callback)
    threading.Thread(target=callback.serve_forever, daemon=True).start()
    conf, token, number = prepare(env, callback)
    asked = [(what, method, path.replace("%", str(number))) for what, method, path in ASKED]
    results = []

    def show(result, way):
        results.append({**result, "name": f"{result['name']}, {way}"})
        print(f"{result['name']:40} {way:12} {result['connections']:7} {result['p50_ms']:8.2f} {result['p99_ms']:8.2f} "
              f"{result['rate']:8.0f} {result['cpu_us']:7.0f} {result['errors']:6}")
        return result

    print(f"\n{'':40} {'':12} {'clients':>7} {'p50 ms':>8} {'p99 ms':>8} {'req/s':>8} {'CPU us':>7} {'errors':>6}")
    for way, start in (("FastCGI", fastcgi), ("plain CGI", cgi)):
        port = free_port()
        server = start(env, port, conf)
        env.wait_for_port(port, [server])
        for one in asked:
            if way == "plain CGI" and one[0] not in ("status, which asks no database", "list of subscriptions"):
                continue
            # /me counts in a window of 30, which is not what is measured here
            env.sql(DATABASE, "insert into ledger.quota values (1, 0, ledger.clock(), -100000000) "
                                "on conflict (account_id, organization_id) do update set used = excluded.used, started_at = excluded.started_at")
            result = show(measure(env, server, port, token, one, options.seconds), way)
            if one[0] == "list of subscriptions" and way == "FastCGI":
                goals.add("ms, list of subscriptions, median, FastCGI", result["p50_ms"], 5, True)
                show(measure(env, server, port, token, one, options.seconds, CLIENTS), way)
        if way == "FastCGI":
            with socket.create_server(("127.0.0.1", 0), backlog=SILENT) as silent:
                asking = [threading.Thread(target=ask_silent, args=(port, token, silent.getsockname()[1], place)) for place in range(SILENT)]
                for thread in asking:
                    thread.start()
                time.sleep(0.3)
                result = show(measure(env, server, port, token, (f"list, with {SILENT} silent callbacks asked", "GET", SUBSCRIPTIONS),
                                      options.seconds), way)
                goals.add(f"ms, the same, 99 of 100, with {SILENT} silent callbacks", result["p99_ms"], 100, True)
            for thread in asking:
                thread.join()
            log(f"  {WAITING} events wait for the courier")
            env.sql(DATABASE, f"insert into ledger.outbox select {WORKSPACE}, i, now(), array[999999] from generate_series(1, {WAITING}) i")
            env.sql(DATABASE, "vacuum analyze ledger.outbox")
            result = show(measure(env, server, port, token, (f"list, with {WAITING} waiting", "GET", SUBSCRIPTIONS), options.seconds), way)
            goals.add(f"ms, the same, with {WAITING} events waiting", result["p50_ms"], 5, True)
            env.sql(DATABASE, "truncate ledger.outbox")
        env.stop(server)
    callback.shutdown()
    return results
