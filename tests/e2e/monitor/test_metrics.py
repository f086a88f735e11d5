# SPDX-License-Identifier: ISC
"""Health and metrics for machines, judged by Prometheus itself; and every query of
the Grafana dashboard asked of a real one."""
import http.client
import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

import web_servers
from admin_client import operator
from deliveries import allow_subscribers, record, run_round, start_courier, subscribe
from fixtures import kind_or_skip
from installation import SOURCE, WORKSPACE, Sender, free_port, give, new_folder, wait_for
from subscriber import Subscriber

pytestmark = pytest.mark.plain

TOKEN = "token of the metrics"


@pytest.fixture
def watched(site):
    """The page's program, and everything that there are numbers of."""
    allow_subscribers(site, metrics_token=TOKEN, watch_ms="100")
    web_servers.lighttpd_spawned(site)
    return site


@pytest.mark.parametrize("kind", ["apache-cgi", "apache-fcgid", "apache-proxy-fcgi", "apache-htaccess", "nginx"])
def test_the_token_reaches_the_program(site, kind):
    """Apache hides Authorization from programs unless its configuration says otherwise."""
    site.write_conf(metrics_token=TOKEN)
    kind_or_skip(kind)(site)
    assert ask(site, "metrics")[0] == 401 and ask(site, "metrics", "another")[0] == 401
    status, headers, _ = ask(site, "metrics", TOKEN)
    assert status == 200 and headers["content-type"].startswith("text/plain")


def ask(site, path, token=None, method="GET"):
    link = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    try:
        link.request(method, f"{site.base_path}/admin/api/{path}", headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = link.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
    finally:
        link.close()


def value(text, line):
    """Of the metric that begins so."""
    found = [one for one in text.splitlines() if one.startswith(line + " ")]
    assert len(found) == 1, (line, text)
    return float(found[0].split(" ")[-1])


def fill(site):
    """Events, deliveries that worked, failed, wait and are dead; refusals; Toggl's side; a finding."""
    listener = Subscriber()
    subscribe(site, listener.url)
    broken = subscribe(site, "http://127.0.0.1:9/")
    record(site, 5)
    body = site.event(model="time_entry", action="created", payload={"id": 1})
    assert [site.send(body).status for _ in range(3)] == [200] * 3
    assert site.send(site.event(), signature="sha256=" + "0" * 64).status == 401
    assert site.send(site.event(), address="x" * 32).status == 404
    run_round(site)
    site.sql("update ledger.delivery set state = 'dead', settled_at = now() where delivery_id = (select min(delivery_id) from ledger.delivery where subscription_id = %s)", broken)
    site.sql("insert into ledger.toggl_connection (user_id, name, token_sealed) values (1, 'Ada', '')")
    site.sql("insert into ledger.toggl_window (connection_id, organization_id, total, remaining, resets_at, seen_at) values (1, 7, 30, 12, now() + interval '1 hour', now())")
    site.sql("insert into ledger.toggl_workspace (workspace_id, connection_id, organization_id) values (%s, 1, 7)", WORKSPACE)
    site.sql("""insert into ledger.toggl_subscription (workspace_id, subscription_id, url, enabled, validated_at, endpoint_id, wanted_url, wanted_filters, wanted_enabled)
                values (%s, 9, 'u', true, now(), 1, 'u', '{}', true)""", WORKSPACE)
    wait_for(lambda: site.sql("select count(*) from ledger.counter where name = 'refusals' and label in ('duplicate', 'signature', 'address')")[0][0] == 3,
             "the counters of each receiver to be written")
    listener.close()


def test_health(watched):
    status, headers, body = ask(watched, "health")
    assert (status, json.loads(body)) == (200, {"status": "well", "alive_at": None, "findings": []})
    assert headers["cache-control"] == "no-store"
    assert ask(watched, "health", method="HEAD")[0] == 200
    subscribe(watched, "http://127.0.0.1:9/", disabled_reason="gone", enabled=False)
    wait_for(lambda: ask(watched, "health")[0] == 503, "it to be seen")
    assert json.loads(ask(watched, "health")[2]) == {"status": "trouble", "alive_at": None, "findings": ["subscription_disabled"]}
    watched.sql("update ledger.subscription set disabled_reason = null, enabled = true, failing_since = now() - interval '2 hours'")
    wait_for(lambda: ask(watched, "health")[0] == 200, "the health to be good")
    assert json.loads(ask(watched, "health")[2]) == {"status": "well", "alive_at": None, "findings": ["subscription_failing"]}


def test_health_is_cheap_to_ask(watched):
    """An unauthenticated client that asks often makes the database work no more than once in two seconds a process."""
    def calls():
        return watched.sql("select xact_commit + xact_rollback from pg_stat_database where datname = current_database()")[0][0]

    ask(watched, "health")
    began, before = time.monotonic(), calls()
    for _ in range(200):
        assert ask(watched, "health")[0] == 200
    seconds = time.monotonic() - began
    assert calls() - before < 60 + 30 * seconds


def test_health_without_a_database(faulty):
    assert ask(faulty, "health")[0] == 200
    faulty.cluster.stop()
    try:
        wait_for(lambda: ask(faulty, "health")[0] == 503, "it to be noticed")
        assert json.loads(ask(faulty, "health")[2]) == {"status": "trouble", "findings": ["database"]}
    finally:
        faulty.cluster.start()
    wait_for(lambda: ask(faulty, "health")[0] == 200, "it to be back")


def test_who_may_read_metrics(watched):
    for token in (None, "wrong", TOKEN + "x", TOKEN[:-1], ""):
        status, headers, body = ask(watched, "metrics", token)
        assert status == 401 and headers["www-authenticate"].startswith("Bearer") and "hookledger_" not in body, token
    status, headers, body = ask(watched, "metrics", TOKEN)
    assert status == 200 and headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    olga = operator(watched)
    assert olga.get("metrics").status == 401
    assert ask(watched, "metrics", TOKEN, "POST")[0] == 405


def test_there_are_no_metrics_without_a_token(site):
    web_servers.lighttpd_spawned(site)
    assert ask(site, "metrics", "x")[0] == 404


def test_the_numbers(watched):
    fill(watched)
    status, _, text = ask(watched, "metrics", TOKEN)
    assert status == 200
    assert value(text, 'hookledger_events_total{entity="tag",source="webhook"}') == 5
    assert value(text, 'hookledger_events_total{entity="time_entry",source="webhook"}') == 1
    assert value(text, "hookledger_batch_size_sum") == 6 and value(text, "hookledger_batch_size_count") == 6
    assert value(text, 'hookledger_batch_size_bucket{le="1"}') == 6
    assert value(text, 'hookledger_refusals_total{reason="signature"}') == 1
    assert value(text, 'hookledger_refusals_total{reason="address"}') == 1
    assert value(text, 'hookledger_repeated_total{what="duplicate"}') == 2
    assert value(text, 'hookledger_delivery_attempts_total{result="ok"}') == 6
    assert value(text, 'hookledger_delivery_attempts_total{result="failed"}') >= 1
    assert value(text, "hookledger_delivery_duration_seconds_count") == sum(
        value(text, f'hookledger_delivery_attempts_total{{result="{one}"}}') for one in ("ok", "failed"))
    assert 0 < value(text, "hookledger_delivery_duration_seconds_sum") < 60
    assert value(text, 'hookledger_deliveries{state="dead"}') == 1
    assert 0 <= value(text, "hookledger_last_event_age_seconds") < 60
    assert value(text, 'hookledger_toggl_quota_remaining{connection="1",organization="7"}') == 12
    assert value(text, 'hookledger_toggl_subscriptions{state="well"}') == 1
    assert value(text, "hookledger_status") == 1
    assert value(text, 'hookledger_findings{kind="dead",level="warning"}') == 1
    spool, = [line for line in text.splitlines() if line.startswith("hookledger_spool_callbacks{")]
    assert str(watched.spool) in spool and spool.endswith(" 0")
    # counters only grow, and count once
    record(watched, 2)
    watched.sql("update ledger.state set clock_offset = clock_offset + interval '1 minute'")
    text = ask(watched, "metrics", TOKEN)[2]
    assert value(text, 'hookledger_events_total{entity="tag",source="webhook"}') == 7
    assert ask(watched, "metrics", TOKEN)[2].count("# TYPE") == text.count("# TYPE")


def test_each_event_is_counted_once(watched):
    """By couriers and metrics at once, while others record."""
    senders = [Sender(watched) for _ in range(6)]
    for number in range(3):
        start_courier(watched, f"courier{number}")
    for one in senders:
        one.start()
    for _ in range(20):
        assert ask(watched, "metrics", TOKEN)[0] == 200
        watched.sql("update ledger.state set clock_offset = clock_offset + interval '20 seconds'")
    sent = sum(len(one.stop()) for one in senders)
    assert sent > 50

    def counted():
        watched.sql("update ledger.state set clock_offset = clock_offset + interval '20 seconds'")
        text = ask(watched, "metrics", TOKEN)[2]
        return sum(float(line.split(" ")[-1]) for line in text.splitlines() if line.startswith("hookledger_events_total{"))

    recorded = watched.sql("select count(*) from ledger.event")[0][0]
    wait_for(lambda: counted() >= recorded, "all to be counted")
    assert counted() == recorded == watched.sql("select sum(count) from ledger.event_count_received")[0][0]
    assert watched.sql("select sum(value) from ledger.counter where name = 'batched'")[0][0] == recorded
    assert watched.sql("select sum(value) from ledger.counter where name = 'batch_le'") == watched.sql("select count(distinct (epoch, txid)) from ledger.event")


def test_names_are_escaped(watched):
    watched.sql("update ledger.endpoint set name = E'a\"b\\\\c\\nd'")
    record(watched, 1)
    check(ask(watched, "metrics", TOKEN)[2])
    assert r'name="a\"b\\c\nd"' in ask(watched, "metrics", TOKEN)[2]


def check(text):
    promtool = shutil.which("promtool")
    assert promtool, "promtool is not installed: apt-get install prometheus"
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0 and not done.stderr.strip(), done.stderr + done.stdout


def queries(dashboard):
    """(panel, query), with the dashboard's variables filled in."""
    found = []
    for panel in dashboard["panels"]:
        for inner in [panel, *panel.get("panels", [])]:
            for target in inner.get("targets", []):
                text = target["expr"].replace("$__rate_interval", "5s").replace("$__range", "1m").replace("$__interval", "1s")
                found.append((inner["title"], re.sub(r"\$\{?job\}?", "hookledger", text)))
    return found


def test_the_dashboard(watched):
    """Prometheus takes the metrics, and each query of the dashboard has an answer."""
    prometheus = shutil.which("prometheus")
    assert prometheus, "prometheus is not installed: apt-get install prometheus"
    fill(watched)
    check(ask(watched, "metrics", TOKEN)[2])
    folder = new_folder(watched.work / "prometheus")
    (folder / "token").write_text(TOKEN, encoding="utf-8")
    (folder / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: hookledger
    metrics_path: /admin/api/metrics
    authorization: {{credentials_file: {folder}/token}}
    static_configs: [{{targets: ["127.0.0.1:{watched.port}"]}}]
""", encoding="utf-8")
    for path in folder.iterdir():
        give(path)
    port = free_port()
    watched.spawn("prometheus", [prometheus, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                                 f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"])

    def query(text):
        url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": text})
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]["result"]
        except (ConnectionError, urllib.error.HTTPError) as trouble:
            if isinstance(trouble, urllib.error.HTTPError) and trouble.code == 400:
                raise AssertionError(f"{text}: {trouble.read()}") from trouble
            return []
        except urllib.error.URLError:
            return []

    wait_for(lambda: len(query('up{job="hookledger"} == 1')) == 1, "Prometheus to have read it", 60)
    wait_for(lambda: query("count_over_time(hookledger_status[1m]) >= 4"), "it to have read it a few times", 60)
    dashboard = json.loads((SOURCE / "deploy/grafana/hookledger.json").read_text(encoding="utf-8"))
    asked = queries(dashboard)
    assert len(asked) >= 15
    for title, text in asked:
        assert query(text), f"{title}: {text} has no answer"
    # and the other way: each metric that there is has its place
    shown = " ".join(text for _, text in asked)
    names = re.findall(r"^# TYPE (\S+)", ask(watched, "metrics", TOKEN)[2], re.M)
    assert not [name for name in names if name not in shown]
