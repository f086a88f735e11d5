# SPDX-License-Identifier: ISC
"""Passing on: deliveries a second, what a million that wait cost, recording beside
a courier at work, and how soon an event is delivered when nothing else happens."""
import hashlib
import hmac
import http.client
import http.server
import json
import pathlib
import statistics
import threading
import time

import targets
from measure import log
from report import median
from environment import WORKSPACE, BenchError, cpu_seconds, free_port, descendants

EVENTS = 60_000	# made ready for a measurement of deliveries
FEW, MANY = 1_000, 1_000_000
OFFERED = 2000
QUIET_EVENTS = 100


# Subscribers

def nginx(env, count):
    """Answers an empty 200 on so many ports; their URLs."""
    ports = [free_port() for _ in range(count)]
    conf = env.work / "subscribers.conf"
    servers = "\n".join(f'server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 ""; }} }}' for port in ports)
    paths = "\n".join(f"{name}_temp_path {env.work}/{name}_temp;" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    conf.write_text(f"""
daemon off;
pid {env.work}/subscribers.pid;
error_log {env.work}/subscribers.log;
events {{ worker_connections 8192; }}
http {{
{paths}
access_log off;
keepalive_requests 1000000000;
{servers}
}}
""")
    child = env.spawn(["nginx", "-c", conf], name="subscribers")
    for port in ports:
        env.wait_for_port(port, [child])
    return child, [f"http://127.0.0.1:{port}/callback" for port in ports]


class Listener:
    """One that notes when each event came."""

    def __init__(self):
        self.times = {}
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                now = time.monotonic()
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                owner.times[body["event_id"]] = now
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/callback"


# Databases

def subscribed(env, database, urls):
    """A hookledger with a subscription for everything to each URL."""
    conf = env.hookledger(database)["conf"]
    secret = env.work / "subscriber-secret"
    secret.write_text("geheim")
    if env.sql(database, "select count(*) from ledger.workspace") == "0":
        env.sql(database, f"""
            insert into ledger.organization (organization_id, name) overriding system value values (1, 'bench');
            insert into ledger.workspace values ({WORKSPACE}, 1);
            insert into ledger.account (account_id, name, user_id, token_digest) overriding system value values (1, 'bench', 1, sha256('1'));
            insert into ledger.member values (1, {WORKSPACE}, true)""")
    env.sql(database, "truncate ledger.subscription, ledger.outbox, ledger.delivery, ledger.attempt restart identity")
    for number, url in enumerate(urls, 1):
        env.sql(database, f"""
            insert into ledger.subscription (workspace_id, account_id, description, url_callback, filters, event_filters,
                                             secret_sealed, enabled, validated_at, validation_code)
            values ({WORKSPACE}, 1, 'bench {number}', '{url}', '{{*.*}}', '[]', '', true, now(), 'x')""")
        env.command(conf, "subscription", "rotate", str(number), "--keep", "0s", "--secret-file", str(secret))
    return conf


def fill(env, database, count, made):
    """So many events of 1.2 kB, of entities with five each, that wait for all
    subscriptions: as rows of the outbox, or as deliveries."""
    env.sql(database, "truncate ledger.event, ledger.outbox, ledger.delivery, ledger.attempt")
    env.sql(database, f"""
        set synchronous_commit = off;
        insert into ledger.event (workspace_id, event_id, created_at, received_at, epoch, endpoint_id, secret_id, creator_id,
                                  entity_id, model, action, source, signature, body)
        select {WORKSPACE}, n, date_trunc('month', now()) + n * interval '1 ms', now(), 1, 1, 1, 9000001, e.id, 'time_entry', 'updated',
               'webhook', '\\x00', format('{{"event_id":%s,"created_at":"2026-07-17T11:43:32.827Z","creator_id":9000001,'
                 '"metadata":{{"action":"updated","event_user_id":"9000001","model":"time_entry","request_type":"PUT",'
                 '"request_body":"%s","workspace_id":"{WORKSPACE}"}},"payload":{{"id":%s,"description":"%s","user_id":9000001}}}}',
                 n, repeat('x', 400), e.id, repeat('y', 500))::json
        from generate_series(1, {count}) n, lateral (select n % greatest({count} / 5, 1) + 1 as id) e;
        insert into ledger.outbox
        select workspace_id, event_id, created_at, (select array_agg(subscription_id) from ledger.subscription) from ledger.event""")
    if made:
        env.sql(database, f"set synchronous_commit = off; select ledger.deliveries_make({WORKSPACE}, {count})")
    env.sql(database, "vacuum analyze ledger.event, ledger.outbox, ledger.delivery, ledger.attempt")
    env.sql(database, "checkpoint")


# Measurements

def backends(env, database):
    """CPU seconds of the sessions of a database, without asking it."""
    found = {}
    for pid in descendants([env.postgres.pid]):
        try:
            title = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode("latin-1")
        except OSError:
            continue
        if title.startswith("postgres: ") and f" {database} " in title and "autovacuum" not in title:
            found[pid] = cpu_seconds([pid])
    return found


def deliver(env, database, conf, seconds, name):
    """One courier for a while: deliveries a second between its first and its last
    attempt, and what each cost the courier and its session of PostgreSQL."""
    courier = env.spawn([env.bin / "hookledger-courier", "--conf", conf, "--once", "--seconds", int(seconds)], name="courier")
    used, sessions = 0.0, {}
    while courier.poll() is None:
        used = max(used, cpu_seconds([courier.pid], "hookledger-couri"))
        sessions.update(backends(env, database))
        time.sleep(0.01)
    env.running.remove(courier)
    database_used = sum(sessions.values())
    count, span, failed, twice = env.sql(database, """
        select count(*), extract(epoch from max(at) - min(at)), count(*) filter (where status <> 200),
               count(*) - count(distinct (subscription_id, delivery_id)) from ledger.attempt""").split("|")
    count = int(count)
    if not count:
        raise BenchError("the courier delivered nothing")
    result = {"name": name, "connections": 0, "deliveries": count, "rate": count / max(float(span), 0.001),
              "courier_us": used / count * 1e6, "database_us": database_used / count * 1e6,
              "errors": int(failed) + int(twice), "lost": 0}
    result["cpu_us"] = result["courier_us"] + result["database_us"]
    log(f"  {name:34} {result['rate']:7.0f}/s  CPU {result['cpu_us']:.0f} us a delivery ({result['courier_us']:.0f} courier, "
        f"{result['database_us']:.0f} PostgreSQL), {count} deliveries, errors {result['errors']}")
    return result


def record(env, database, seconds, name, courier):
    """The receiver behind lighttpd at a fixed offered rate."""
    target = targets.ledger(name, database)
    port = free_port()
    children = target.start(env, port)
    env.wait_for_port(port, children)
    conf, endpoint = env.hookledger(database)["conf"], env.hookledger(database)
    env.sql(database, "truncate ledger.event, toggl.time_entry")
    if courier:
        env.sql(database, "truncate ledger.outbox, ledger.delivery, ledger.attempt")
        children.append(env.spawn([env.bin / "hookledger-courier", "--conf", conf], name="courier"))
    env.load(port, endpoint["path"], endpoint["secret"], 64, seconds=2, rate=OFFERED)
    result = env.load(port, endpoint["path"], endpoint["secret"], 64, seconds=seconds, rate=OFFERED)
    delivered = int(env.sql(database, "select count(*) from ledger.attempt"))
    for child in reversed(children):
        env.stop(child)
    log(f"  {name:34} {result['rate']:7.0f}/s  p50 {result['p50_ms']:.2f} p99 {result['p99_ms']:.2f} ms, errors {result['errors']}, "
        f"{delivered / (seconds + 2):.0f} deliveries/s beside it")
    return {**result, "name": name, "connections": 64, "lost": 0, "delivered": delivered / (seconds + 2)}


def quiet(env, database, listener):
    """From the acknowledgement of a lone event to its delivery, in milliseconds."""
    port = free_port()
    children = targets.ledger("quiet", database).start(env, port)
    env.wait_for_port(port, children)
    endpoint = env.hookledger(database)
    children.append(env.spawn([env.bin / "hookledger-courier", "--conf", endpoint["conf"]], name="courier"))
    link = http.client.HTTPConnection("127.0.0.1", port)
    acknowledged = {}
    for _ in range(QUIET_EVENTS):
        env.next_id += 1
        body = json.dumps({"event_id": env.next_id, "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "creator_id": 1,
                           "metadata": {"action": "created", "model": "tag", "workspace_id": str(WORKSPACE)},
                           "payload": {"id": env.next_id, "workspace_id": WORKSPACE, "name": "x"}}).encode()
        link.request("POST", endpoint["path"], body, {
            "Content-Type": "application/json",
            "X-Webhook-Signature-256": "sha256=" + hmac.new(endpoint["secret"].encode(), body, hashlib.sha256).hexdigest()})
        answer = link.getresponse()
        answer.read()
        if answer.status != 200:
            raise BenchError(f"an event was answered {answer.status}")
        acknowledged[env.next_id] = time.monotonic()
        time.sleep(0.1)
    time.sleep(1)
    for child in reversed(children):
        env.stop(child)
    delays = [(listener.times[event] - at) * 1000 for event, at in acknowledged.items() if event in listener.times]
    lost = len(acknowledged) - len(delays)
    log(f"  at rest: delivered {statistics.median(delays):.1f} ms after the acknowledgement (median), {max(delays):.1f} at most, lost {lost}")
    return statistics.median(delays), lost


def courier_run(env, goals, options):
    results = []
    child, urls = nginx(env, 20)
    listener = Listener()
    for number in range(1, options.rounds + 1):
        log(f"round {number} of {options.rounds}")
        for count in (1, 20):
            conf = subscribed(env, "passing", urls[:count])
            fill(env, "passing", EVENTS // count, made=False)
            results.append({**deliver(env, "passing", conf, 60, f"to {count} subscriber{'s' if count > 1 else ''}"), "round": number})
        conf = subscribed(env, "passing", urls[:1])
        fill(env, "passing", FEW, made=True)
        results.append({**deliver(env, "passing", conf, 60, "few wait"), "round": number})
        fill(env, "passing", MANY, made=True)
        results.append({**deliver(env, "passing", conf, options.seconds, "a million waits"), "round": number})
        subscribed(env, "passing", urls)
        for name, database, courier in (("recording, nobody subscribed", "ledger", False), ("recording, 20 subscribed", "passing", True)):
            results.append({**record(env, database, options.seconds, name, courier), "round": number})
    subscribed(env, "passing", [listener.url])
    env.sql("passing", "truncate ledger.event")
    delay, lost = quiet(env, "passing", listener)
    env.stop(child)
    for count, name in ((1, "to 1 subscriber"), (20, "to 20 subscribers")):
        goals.add(f"deliveries a second, {name}", median(results, name, 0, "rate"), 3000, False)
    goals.add("CPU of a delivery, a million wait, of a thousand",
              median(results, "a million waits", 0, "cpu_us") / median(results, "few wait", 0, "cpu_us"), 1.1, True)
    for key, what, limit, most in (("rate", "recorded a second", 0.8, False), ("p99_ms", "p99", 2, True)):
        goals.add(f"{what}, 20 subscribed, of nobody, at {OFFERED}/s offered",
                  median(results, "recording, 20 subscribed", 64, key) / median(results, "recording, nobody subscribed", 64, key), limit, most)
    goals.add("milliseconds from acknowledgement to delivery, at rest", delay, 50, True)
    goals.add("failed or delivered twice, and lost at rest", sum(result["errors"] for result in results) + lost, 0, True)
    return results
