# SPDX-License-Identifier: ISC
"""Is this an allowed answer of hookledger-api? Compared with Toggl's published
files, by the list of what we add to them (tests/data/openapi-added.json), and by
doc/openapi.json, our own published file."""
import copy
import json
import re
import urllib.parse

import jsonschema

from installation import SOURCE

WEBHOOKS, TRACK = "/webhooks/api/v1", "/api/v9"
NOBODY = "Incorrect username and/or password"
QUOTA = ("x-toggl-quota-remaining", "x-toggl-quota-resets-in")


def load(path):
    return json.loads((SOURCE / path).read_text(encoding="utf-8"))


def pattern_of(template):
    """Of "subscription {id} was not found"."""
    return ".*".join(re.escape(part) for part in re.split(r"{[^{}]*}", template))


def values_of(template, path):
    """The parameters of a path, by name; None: it does not match."""
    names = re.findall(r"{(\w+)}", template)
    parts = [r"(0|[1-9]\d*)" if name.endswith("_id") else "([^/]+)" for name in names]
    found = re.fullmatch("".join(re.escape(fixed) + part
                                 for fixed, part in zip(re.split(r"{\w+}", template), [*parts, ""])), path)
    # a 64-bit number, as everywhere
    if not found or any(int(value) >= 2**63 for name, value in zip(names, found.groups()) if name.endswith("_id")):
        return None
    return dict(zip(names, found.groups()))


class Toggl:
    """One of the published files (Swagger 2)."""

    def __init__(self, name, prefix, nullable, is_closed):
        self.prefix = prefix
        self.paths = load(f"tests/data/{name}.openapi.json")
        self.definitions = copy.deepcopy(self.paths["definitions"])
        for full, definition in self.definitions.items():
            for key, schema in definition.get("properties", {}).items():
                if any(entry["definition"] in ("*", full) and (key in entry["properties"] or "*" in entry["properties"])
                       for entry in nullable if entry["file"] == name):
                    definition["properties"][key] = {"anyOf": [schema, {"type": "null"}]}
            if is_closed:
                definition["additionalProperties"] = False

    def texts(self, template, method, status):
        """The published texts of an error, as templates; none if the answer is no text."""
        answer = self.paths["paths"].get(template, {}).get(method, {}).get("responses", {}).get(str(status), {})
        if answer.get("schema") != {"type": "string"}:
            return []
        return re.findall(r"<li>(.*?)</li>", answer["description"]) or [answer["description"]]

    def has(self, template, method, status, body):
        if not template.startswith(self.prefix):
            return False
        template = template[len(self.prefix):]
        operation = self.paths["paths"].get(template, {}).get(method, {})
        answer = operation.get("responses", {}).get(str(status))
        if answer is None:
            return False
        if isinstance(body, str):
            return any(re.fullmatch(pattern_of(text), body, re.S) for text in self.texts(template, method, status))
        return fits(body, {**answer["schema"], "definitions": self.definitions}, jsonschema.Draft4Validator)


def fits(body, schema, kind=jsonschema.Draft202012Validator):
    return kind(schema).is_valid(body)


ADDED = load("tests/data/openapi-added.json")
OURS = load("doc/openapi.json")
FILES = (Toggl("webhooks-v1", WEBHOOKS, ADDED["may_be_null"], True), Toggl("track-v9", TRACK, ADDED["may_be_null"], False))
used = set()	# places in ADDED["answers"] that an answer was found at


def ours(schema):
    return {**(schema if isinstance(schema, dict) else {"$ref": f"#/components/schemas/{schema}"}),
            "components": OURS["components"]}


def is_open(operation):
    return operation.get("security", OURS["security"]) == []


def template_of(path):
    """The path of doc/openapi.json that matches this one; None: none does."""
    if re.search(r"%(?![0-9a-fA-F]{2})|%00", path):
        return None
    try:
        path = urllib.parse.unquote(path, errors="strict").rstrip("/")	# %2f at the end is one too
    except UnicodeDecodeError:
        return None
    return next((template for template in OURS["paths"] if values_of(template, path) is not None), None)


def is_added(template, method, status, body):
    operations = OURS["paths"].get(template, {})
    kinds = {template, "known" if operations else "unknown"}
    if operations and not all(is_open(operation) for operation in operations.values()):
        kinds.add("guarded")
    for place, entry in enumerate(ADDED["answers"]):
        if entry["method"] in ("*", method.upper()) and entry["path"] in kinds and entry["status"] == status:
            if (isinstance(body, str) and re.fullmatch(entry["text"], body, re.S) if "text" in entry
                    else fits(body, ours(entry["schema"]))):
                used.add(place)
                return True
    return False


def follow(thing):
    while "$ref" in thing:
        name = thing["$ref"].split("/")
        thing = OURS["components"][name[2]][name[3]]
    return thing


def judge_ours(template, method, answer, body):
    operation = OURS["paths"].get(template, {}).get(method)
    if operation is None:
        assert answer.status in (404, 405) or method == "options", "no operation of doc/openapi.json"
        return
    assert str(answer.status) in operation["responses"], f"{answer.status} is not in doc/openapi.json"
    published_answer = follow(operation["responses"][str(answer.status)])
    jsonschema.Draft202012Validator(ours(published_answer["content"]["application/json"]["schema"])).validate(body)
    # a 429 to an unauthenticated client has none, nor has a 503 before the client is known
    wants_quota = not is_open(operation) and not (isinstance(body, str) and body.startswith(NOBODY)) and answer.status not in (429, 503)
    for name, header in published_answer.get("headers", {}).items():
        value = answer.headers.get(name.lower())
        if name.lower() in QUOTA and not wants_quota or value is None and follow(header).get("required") is False:
            continue
        assert value is not None, f"no header {name}"
        schema = follow(header)["schema"]
        jsonschema.Draft202012Validator(schema).validate(int(value) if schema["type"] == "integer" else value)
    if not wants_quota and answer.status not in (429, 503):
        assert not any(name in answer.headers for name in QUOTA), "a quota that is nobody's"
    if answer.status == 402:
        assert answer.headers[QUOTA[0]] == "0"


def parse(body):
    def no_json(word):
        raise ValueError(word)

    return json.loads(body.decode("utf-8", "strict"), parse_constant=no_json)


def judge(method, path, answer, may_be_busy=False):
    """Raises an AssertionError or a ValidationError when this answer is not allowed.
    `path` is without base path; 503 is allowed only where a test causes it."""
    path, method = path.split("?", 1)[0].rstrip("/"), method.lower() if method.isupper() else f"no method: {method}"
    template = template_of(path)
    assert answer.headers["content-type"] == "application/json", answer.headers
    assert answer.headers["cache-control"] == "no-store", answer.headers
    assert answer.status < 500 or (answer.status == 503 and may_be_busy), (path, answer)
    if method == "head":
        assert answer.body == b""
        return
    body = parse(answer.body)
    if answer.status == 405:
        assert answer.headers["allow"].split(", ")
    assert any(file.has(template or "", method, answer.status, body) for file in FILES) \
        or is_added(template, method, answer.status, body), f"{method} {path}: nobody has published {answer}"
    judge_ours(template, method, answer, body)
