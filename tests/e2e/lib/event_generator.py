# SPDX-License-Identifier: ISC
"""Seeded random events of a few entities with everything that the typed tables
must handle, for the property test."""
import random

from projection_model import COLUMNS, Event, fields

START_US = 1782900000000000	# 2026-07-01T10:00:00Z

GOOD = {
    "id": ["0", "7", "-5", "9223372036854775807", "-9223372036854775808", "1e3", "7200"],
    "duration": ["60", "0", "-1", "-260", "-1782900000", "86400", "9223372036854775807"],
    "money": ["12.5", "0", "99.999", "1e2", "-3", "999999999999999.5"],
    "flag": ["true", "false"],
    "text": ['"x"', '""', '"Gr\\u00f6\\u00dfe \\"q\\""', '"😀 \\ud83d\\ude00 9e107d 3E4567"', '"now, [1e1000, 2"', '"back\\\\u0000slash"'],
    "status": ['"active"', '"archived"'],
    "time": ['"2026-07-01T10:00:00Z"', '"2026-07-01T10:00:00.123456789Z"', '"2026-07-01T12:00:00+02:00"', '""',
             '"0001-01-01T00:00:00Z"', '"9999-12-31T23:59:59-15:00"', '"2026-12-31T23:59:60Z"'],
    "date": ['"2026-07-01"', '"2024-02-29T00:00:00Z"', '""'],
    "ids": ["[]", "[1,2]", "[1,null]"],
    "texts": ["[]", '["a","b"]', '["\\ud83d\\ude00",null]'],
    "json": ['{"a":[1,{"b":2.50}]}', "[1]", '"s"', "5", '{"api_token":"hush","x":1}', '[[{"invite_url":{"a":1}}]]'],
}
ODD = ['"soon"', '"now"', '"infinity"', '"-infinity"', '"epoch"', '"0000-01-01T00:00:00Z"', '"2026-02-30T00:00:00Z"',
       '"2026-13-01"', '"2026-07-01T10:00:00"', '"2026-07-01T10:00:00+99:00"', "1782900000", "5.0", "1.5", "1e200000", "-1e-16000", "1e400",
       "9223372036854775808", "1e15", "10e-1", "1" + "0" * 250, "1" + "0" * 1200, "0." + "3" * 1200, "[]", "{}", '["x"]', "[1]", "[[1]]", "[1.5]", '["a",1]', '[1,"2"]',
       "[9223372036854775808]", "[null]", "true", "false", '"true"', '"5"', '""', "5", "-7", '"\\u0000"', '"a\\ud800b"', '"\\udc00\\ud83d"',
       '"\\\\\\ud83d\\ude00"', '"unknown"', '{"ical_url":1}', '{"\\u0061pi_token":1,"k":[{"a\\u0000":null}]}', '"' + "long " * 300 + '"']
NUL = "\\u0000"
MODELS = [*COLUMNS, "time_entry", "time_entry", "expense", "approval"]


def value(rng, kind, oddity):
    return rng.choice(ODD) if rng.random() < oddity else rng.choice([*GOOD[kind], "null"])


def payload(rng, model, entity, mostly, oddity):
    """An entity as JSON text: some of its fields, and unknown ones."""
    members = [f'"id":{entity}'] if entity else []
    for _, kind, keys in fields(model if model in COLUMNS else "other_entity"):
        if rng.random() < mostly * (0.15 if keys[0].endswith("deleted_at") else 1):
            key = rng.choice(keys) if rng.random() < 0.3 else keys[0]
            members.append(f'"{key}":{value(rng, kind, oddity)}')
    if rng.random() < 0.3:
        members.append('"unknown":' + rng.choice(['{"deep":[{"api_token":"hush"}]}', '"api_token"'] + ODD * (oddity > 0)))
    if rng.random() < 0.1:
        members.append('"' + rng.choice(["api_token", "\\u0061pi_token", "ical_url"]) + '":"hush"')
    if rng.random() < 0.1:
        members.append(rng.choice(members) if members else '"a":1')
    rng.shuffle(members)
    return "{" + ",".join(members) + "}"


def random_events(seed, workspaces, count=None, entities=None):
    """The events of one seed, in no order, for these entities (workspace, model, entity), or for a
    few random ones."""
    rng = random.Random(seed)
    # A third has no unexpected value, because one of them changes how a whole batch is written.
    oddity = [0, 0.02, 0.15][seed // 20 % 3]
    entities = entities or [(rng.choice(workspaces), rng.choice(MODELS), rng.randint(1, 3)) for _ in range(rng.randint(1, 4))]
    count = count or rng.randint(10, 30)
    ids = rng.sample(range(1, 2**62), count)
    events = []
    for number in range(count):
        workspace, model, entity = rng.choice(entities)
        action = rng.choice(["created", "updated", "updated", "deleted", "deleted", "archived"][:rng.choice([3, 5, 6])])
        stated = entity if rng.random() < 0.97 or model == "workspace" else None
        if action == "deleted" and rng.random() < 0.6:
            text = rng.choice(["null", "{}", f'{{"id":{entity}}}', f'{{"id":{entity},"at":"odd","server_deleted_at":5}}'])
            stated = entity
        else:
            text = payload(rng, model, stated, rng.choice([0.2, 0.9]), oddity)
        created = START_US + rng.choice([0, 0, 1, 1000000]) * rng.randint(0, 6)
        body = f'{{"event_id":{ids[number]},"metadata":{{"model":"{model}","note":"{rng.choice(["", "", NUL * (oddity > 0)])}"}},"payload":{text}}}'
        events.append(Event(workspace, ids[number], created, rng.choice([None, 9000001, 9000002]), stated, model, action, body))
    return events
