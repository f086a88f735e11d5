# SPDX-License-Identifier: ISC
"""The English sentence of a code and its parameters, by src/ledger/catalog_en.c: what
the admin program answers is { code, …parameters }, and tests read sentences."""
import functools
import json
import pathlib
import re

ENGLISH = pathlib.Path(__file__).resolve().parents[3] / "src/ledger/catalog_en.c"
ROW = re.compile(r'\{ "([a-z_0-9]+\.[a-z_0-9.]+)",\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\}')
QUOTED = re.compile(r"'([{}][^']*)'")
SPANS = ((172800, 86400, "day"), (5400, 3600, "hour"), (90, 60, "minute"), (0, 1, "second"))


@functools.cache
def templates():
    text = ENGLISH.read_text(encoding="utf-8")
    return {code: "".join(json.loads(piece) for piece in re.findall(r'"(?:[^"\\]|\\.)*"', pieces)) for code, pieces in ROW.findall(text)}


def sentence(message):
    if isinstance(message, list):
        return "\n".join(map(sentence, message))
    return fill(templates()[message["code"]], message)


def written(name, value):
    if value is None:
        return "?"
    if isinstance(value, list):
        return ("; " if any(isinstance(item, dict) for item in value) else ", ").join(written(name, item) for item in value)
    if isinstance(value, dict):
        return sentence(value)
    if isinstance(value, int) and name.endswith(("_seconds", "_ms")):
        seconds = value / 1000 if name.endswith("_ms") else value
        size, unit = next((size, unit) for least, size, unit in SPANS if seconds >= least)
        return f"{round(seconds / size)} {unit}" + "s" * (round(seconds / size) != 1)
    return json.dumps(value) if isinstance(value, bool) else str(value)


def branches(text):
    """ "one {a} other {b}" as a dict."""
    found, depth, key, begun = {}, 0, "", 0
    for at, letter in enumerate(text):
        depth += letter == "{"
        if letter == "{" and depth == 1:
            key, begun = text[begun:at].strip(), at + 1
        elif letter == "}" and depth == 1:
            found[key], begun = text[begun:at], at + 1
        depth -= letter == "}"
    return found


def fill(template, params, number=None):
    made, depth, begun = "", 0, 0
    quoted = QUOTED.sub(lambda match: "".join(chr(0xe000 + ord(letter)) for letter in match[1]), template)	# braces that are text
    for at, letter in enumerate(quoted):
        if letter == "{" and not depth:
            begun = at + 1
        elif letter == "}" and depth == 1:
            made += placeholder(quoted[begun:at], params)
        elif not depth:
            made += number if letter == "#" and number else letter
        depth += (letter == "{") - (letter == "}")
    return re.sub("[\ue000-\ue0ff]", lambda match: chr(ord(match[0]) - 0xe000), made)


def placeholder(text, params):
    name, kind, rest = ([part.strip() for part in text.split(",", 2)] + [None, None])[:3]
    value = params.get(name)
    if kind is None:
        return written(name, value)
    by = branches(rest)
    if kind == "plural":
        one = "one" if value == 1 else "other"
        return fill(by.get(f"={value}", by.get(one, by["other"])), params, str(value))
    return fill(by.get("none" if value is None else json.dumps(value).strip('"'), by.get("other", "")), params)
