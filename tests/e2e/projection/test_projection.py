# SPDX-License-Identifier: ISC
"""The typed tables through the real path: current the moment a callback is
answered, whatever it says, and by whichever way it comes into the ledger."""
import concurrent.futures
import json
import os
import random
import re

import pytest

import projection_model
import web_servers
from event_generator import ODD, payload
from installation import WORKSPACE, wait_for

pytestmark = pytest.mark.plain

MODELS = [*projection_model.COLUMNS, "expense"]
ROOM = 1024 * 1024 - 2000


def number_in(value):
    text = value.text if isinstance(value, projection_model.Number) else value
    return int(text) if isinstance(text, str) and re.fullmatch("[0-9]+", text) and 0 < int(text) < 2**63 else None


def entity_in(model, action, document):
    """The entity of an event: its payload names it; of a deletion, if need be, the metadata."""
    payload_id = document["payload"].get("id") if isinstance(document["payload"], dict) else None
    return number_in(payload_id) or (number_in(document["metadata"].get(model + "_id")) if action == "deleted" else None)


def event(site, model, action, text, entity=None, second=0):
    """The bytes of an event with this payload (JSON text), and what truth needs."""
    site.next_event += 1
    body = (f'{{"event_id":{site.next_event},"created_at":"2026-07-01T10:{second // 60:02}:{second % 60:02}Z","creator_id":9000001,'
            f'"metadata":{{"action":"{action}","model":"{model}","{model}_id":"{entity}","workspace_id":"{WORKSPACE}"}},'
            f'"payload":{text},"subscription_id":1,"timestamp":"2026-07-01T10:00:00Z"}}')
    return body.encode(), projection_model.Event(WORKSPACE, site.next_event, 1782900000000000 + second * 1000000, 9000001,
                                      entity_in(model, action, projection_model.parse(body)), model, action, body)


def assert_projected(site, events):
    """The tables and counters are what these events say."""
    rows, drift = projection_model.rows_after(events)
    with site.cluster.connect(site.database) as db:
        there = projection_model.rows_there(db)
        assert there.keys() == rows.keys()
        for place, row in rows.items():
            assert there[place] == row, place
        assert projection_model.drift_there(db) == drift


def test_current_at_once(lighttpd):
    """Made, changed, deleted by number only, made again, deleted: after each
    answer the row is what the event said."""
    rng = random.Random(1)
    events = []
    for second, action in enumerate(("created", "updated", "deleted", "created", "deleted")):
        for model in MODELS:
            text = 'null' if second == 2 else payload(rng, model, 41, 0.9, 0)
            body, recorded = event(lighttpd, model, action, text, 41, second)
            assert lighttpd.send(body).status == 200
            events.append(recorded)
            if model == "workspace":
                assert_projected(lighttpd, events)
        assert_projected(lighttpd, events)
    assert len(projection_model.rows_after(events)[0]) == len(MODELS)


# What a body may cost to be taken apart (ledger.cost()): 1 a byte, 128 a comma, 64 a backslash.
COST = 524288 - 20000


def filled(text, is_whole):
    """As often as there is room in a body, or as it may be to be taken apart."""
    return text * (ROOM // len(text.encode()) if is_whole else COST // (len(text.encode()) + 64 * text.count("\\")))


def listed(text, is_whole, *last):
    """The same with commas between."""
    count = ROOM // (len(text.encode()) + 1) if is_whole else COST // (len(text.encode()) + 1 + 128 + 256 * text.count("[") + 256 * text.count("{"))
    return ",".join([text] * count + list(last))


def large(number, is_whole):
    """Payloads of time entries, each large in another way; with the number of the entry."""
    fill, row = (lambda text: filled(text, is_whole)), (lambda text, *last: listed(text, is_whole, *last))
    return {
        "text": f'{{"id":{number},"description":"{fill("x")}"}}',
        "NULs": f'{{"id":{number},"description":"{fill(chr(92) + "u0000")}"}}',
        "half surrogates": f'{{"id":{number},"description":"{fill(chr(92) + "ud800")}"}}',
        "numbers that are long when read": f'{{"id":{number},"tag_ids":[{row("1e100000")}]}}',
        "small ones too": f'{{"id":{number},"tag_ids":[{row("-1e-16000")}]}}',
        "empty strings and such a number": f'{{"id":{number},"tags":[{row(chr(34) * 2, "1e999")}]}}',
        "numbers": f'{{"id":{number},"tag_ids":[{row("7")}]}}',
        "numbers, the last is none": f'{{"id":{number},"tag_ids":[' + row("7", '"x"') + ']}',
        "objects": f'{{"id":{number},"shared_with":[{row("{}")}]}}',
        "lists": f'{{"id":{number},"shared_with":' + "[" * 50 + row("[]") + "]" * 50 + "}",
        "members": f'{{"id":{number},' + ",".join(f'"k{n}":1' for n in range(70000 if is_whole else 3000)) + "}",
        "one member": f'{{"id":{number},{row(chr(34) + "start" + chr(34) + ":1")}}}',
        "digits": f'{{"id":{number},"duration":{fill("7")}}}',
        "fractions": f'{{"id":{number},"duration":[{row("0." + "7" * 16384)}]}}',
        "tags": f'{{"id":{number},"tags":[' + ",".join(f'"{n}"' for n in range(100000 if is_whole else 3500)) + "]}",
    }


@pytest.mark.parametrize("name", large(1, True))
def test_large_values(lighttpd, name):
    """Answered in time, and never more memory than a machine has. What would take long is
    recorded and not taken apart; what may be is small in the tables when it is small in a body."""
    costly, _ = event(lighttpd, "time_entry", "updated", large(1, True)[name])
    body, recorded = event(lighttpd, "time_entry", "updated", large(2, False)[name])
    assert [lighttpd.send(one).status for one in (costly, body)] == [200, 200]
    with lighttpd.cluster.connect(lighttpd.database) as db:
        wait_for(lambda: db.execute("select count(*) from ledger.event").fetchone() == (2,), "both to be recorded")
        assert db.execute("select distinct source in ('webhook', 'spool') from ledger.event").fetchall() == [(True,)]
        assert db.execute("select octet_length(body::text) from ledger.event order by 1 desc limit 1").fetchone() == (len(costly),)
        (number, size), = db.execute("select time_entry_id, length(payload::text) from toggl.time_entry").fetchall()
        assert number == 2 and size < 3 * ROOM
        # of which the model that assert_projected() asks knows nothing
        assert db.execute("delete from ledger.drift where found = 'costly' returning model, field, count").fetchall() == [("time_entry", "body", 1)]
        peaks = [memory_peak(pid) for pid, in db.execute("select pid from pg_stat_activity where datname = current_database()")]
        assert max(peaks) < 700 * 2**20
    assert_projected(lighttpd, [recorded])


def memory_peak(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1)) * 1024


# The whole payload of a time entry, or a part of it, in every way it may be odd.
STRANGE = [
    "{}", "null", '{"id":null}', '{"id":0}', '{"id":-5}', '{"id":"77"}', '{"id":1.5}', '{"id":9223372036854775807}',
    '{"id":9223372036854775808}', '{"id":1e3}', '{"id":1,"id":78,"description":"of the last"}',
    '{"id":79,"description":"first","description":"last"}', '{"\\u0069d":80,"st\\u0061rt":"2026-07-01T10:00:00Z"}',
    '{"id":81,"wid":5,"uid":6,"pid":7,"tid":8}', '{"id":82,"wid":-5,"uid":"6","user_id":null,"pid":7,"project_id":-7}',
    '{"id":83,"start":"2026-07-01T10:00:00Z","stop":"2026-07-01T09:00:00Z","duration":-9223372036854775808}',
    '{"id":84,"":"","\\u0000":"\\u0000","\\ud800":{"\\udc00":[]},"tags":["","\\u0000"]}',
    '{"id":85,"description":"\\u202e\\u0007<script>\\ufffe\\uffff\\/"}', '{"id":86,"tags":[[],{}],"tag_ids":[[]],"shared_with":[[[[[]]]]]}',
    '{"id":87,"deep":' + "[" * 61 + "]" * 61 + "}", '{"id":88,"deep":' + '{"a":' * 61 + "1e999" + "}" * 61 + "}",
]


def test_strange_values(lighttpd):
    """Each alone and with others at once, in the midst of good ones: all are
    answered 200 and recorded, and none costs another anything."""
    rng = random.Random(2)
    sent = [event(lighttpd, "time_entry", action, text, 90, second)
            for second, (action, text) in enumerate((action, text) for action in ("updated", "deleted") for text in STRANGE)]
    number = 1000
    for model in MODELS:
        for _, kind, keys in projection_model.fields(model if model in projection_model.COLUMNS else "other_entity"):
            for key in keys:
                number += 1
                odd = rng.choice(ODD)
                sent.append(event(lighttpd, model, "updated", f'{{"id":{number},"name":"x","{key}":{odd}}}'))
                number += 1
                sent.append(event(lighttpd, model, "created", payload(rng, model, number, 0.9, 0)))
    if os.environ.get("HL_SANITIZED"):
        sent = sent[::4]
    for body, _ in sent[:len(STRANGE)]:
        assert lighttpd.send(body).status == 200, body
    with concurrent.futures.ThreadPoolExecutor(16) as crowd:
        rest = [body for body, _ in sent[len(STRANGE):]]
        rng.shuffle(rest)
        for body, answer in zip(rest, crowd.map(lighttpd.send, rest)):
            assert answer.status == 200, body
    wait_for(lambda: lighttpd.sql("select count(*) from ledger.event") == [(len(sent),)], "all to be recorded")
    assert lighttpd.sql("select count(*) from ledger.quarantine") == [(0,)]
    assert_projected(lighttpd, [recorded for _, recorded in sent])


def test_out_of_the_spool(site):
    """What was acknowledged while the tables could not be written is in them when
    the spool is empty; also a batch that takes longer than a call may take."""
    site.write_conf(db_deadline_ms="1000")
    web_servers.lighttpd_spawned(site)
    rng = random.Random(3)
    slow = chr(92) + "u0000"
    sent = [event(site, "time_entry", "updated", f'{{"id":{number},"description":"{slow * 7000}"}}') for number in range(1, 25)]
    sent += [event(site, model, action, payload(rng, model, 41, 0.9, 0.02), 41, second)
             for second, action in enumerate(("created", "updated", "deleted")) for model in MODELS]
    with site.cluster.connect(site.database) as holder:
        holder.autocommit = False
        holder.execute("lock table toggl.time_entry in exclusive mode")
        with concurrent.futures.ThreadPoolExecutor(8) as crowd:
            assert {answer.status for answer in crowd.map(site.send, [body for body, _ in sent])} == {200}
        assert not site.spool_is_empty()
        holder.rollback()
    wait_for(lambda: site.sql("select count(*) from ledger.event") == [(len(sent),)], "all to be recorded", 90)
    wait_for(site.spool_is_empty, "the spool to be empty")
    assert_projected(site, [recorded for _, recorded in sent])


def test_out_of_the_quarantine(lighttpd):
    """An event that was refused, because its endpoint was another's, and retried."""
    body, recorded = event(lighttpd, "project", "created", '{"id":5,"name":"x","rate":"odd"}')
    lighttpd.sql("update ledger.endpoint set workspace_id = 1")
    assert lighttpd.send(body).status == 400
    wait_for(lambda: lighttpd.sql("select count(*) from ledger.quarantine") == [(1,)], "it to be kept")
    assert_projected(lighttpd, [])
    lighttpd.sql("update ledger.endpoint set workspace_id = %s", WORKSPACE)
    assert json.loads(lighttpd.hookledger("quarantine", "retry", "--all", "--json").stdout)
    assert_projected(lighttpd, [recorded])


APPEND = """select receiver.append(array_agg(1::bigint), array_agg(1::bigint), array_agg(null::bigint), array_agg(n), array_agg('2026-07-01Z'::timestamptz),
  array_agg(now()), array_agg(5::bigint), array_agg(case when n %% 2 = 0 or %(full)s then n %% 1000 end), array_agg('time_entry'::text),
  array_agg(case when n %% 5 = 0 then 'deleted' else 'updated' end), array_agg('\\x00'::bytea),
  array_agg(format('{"payload":{"id":%%s,"start":"2026-07-01T10:00:00Z","duration":%%s}}', n, case when n %% 7 = 0 then '"odd"' else '60' end)::json),
  'webhook') from generate_series(%(first)s::bigint, %(last)s::bigint) n"""


@pytest.mark.parametrize("mode", ["auto", "force_generic_plan"])
def test_rows_are_found_by_key(site, mode):
    """Whatever the batch is like, and also by a plan that was made when the tables
    were empty: nothing that grows is read from end to end."""
    with site.cluster.connect(site.database) as db:
        db.execute(f"set plan_cache_mode = {mode}")
        shown = []
        db.add_notice_handler(lambda notice: shown.append(notice.message_primary))
        for first in range(1, 130, 16):
            db.execute(APPEND, {"first": first, "last": first + 20, "full": first % 3 == 0})
        db.execute("""insert into toggl.time_entry (workspace_id, time_entry_id, changed_at, changed_event_id, payload_at, payload_event_id)
                      select w, n, '2026-06-01', n, '2026-06-01', n from generate_series(1, 20) w, generate_series(1000, 6000) n""")
        db.execute("""insert into ledger.event (workspace_id, event_id, created_at, received_at, epoch, endpoint_id, secret_id, entity_id,
                                                model, action, source, signature, body)
                      select w, n, '2026-07-01', now(), 1, 1, 1, n, 'time_entry', 'updated', 'webhook', '', '{}'
                      from generate_series(1, 20) w, generate_series(1000, 6000) n""")
        db.execute("load 'auto_explain'")
        db.execute("set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on; set client_min_messages = log")
        for first in range(200, 400, 16):
            db.execute(APPEND, {"first": first, "last": first + 20, "full": first % 3 == 0})
        plans = "\n".join(shown)
    assert "Conflict Arbiter Indexes: time_entry_pkey" in plans
    assert plans.count("Insert on time_entry") > 10 and "Index Scan using event_" in plans
    assert not re.findall(r"Seq Scan on (?:time_entry|event)\w*.*", plans)
