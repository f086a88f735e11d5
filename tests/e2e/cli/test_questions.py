# SPDX-License-Identifier: ISC
"""doc/questions.md is right: each block of SQL gives the answer that stands
below it, on the sample data of tests/data, whose numbers were computed by hand."""
import re

import pytest

from installation import SOURCE
from psql import psql

# What is tried here is SQL; the sanitizers have nothing to see in it.
pytestmark = pytest.mark.plain

PAGE = SOURCE / "doc/questions.md"

# What Grafana and Metabase put in the place of their variables.
FILLED = (
    (re.compile(r"\$__timeFilter\((\w+)\)"), r"\1 BETWEEN '2026-05-04T22:00:00Z' AND '2026-05-06T21:59:59Z'"),
    (re.compile(r"\$__timeFrom\(\)"), "'2026-05-04T22:00:00Z'"),
    (re.compile(r"\$__timeTo\(\)"), "'2026-05-06T21:59:59Z'"),
    (re.compile(r"\{\{from\}\}"), "date '2026-05-01'"),
    (re.compile(r"\{\{until\}\}"), "date '2026-06-01'"),
)


def questions():
    """Pairs of SQL and the answer that follows it, None where there is none."""
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(r"^```sql\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", text, re.M | re.S)


def fill(sql):
    for variable, value in FILLED:
        sql = variable.sub(value, sql)
    return sql.rstrip().rstrip(";") + ";\n"


def test_the_results_of_the_sample_data(bare_site):
    psql(bare_site, "\\i data/sample.sql")
    asked = questions()
    assert len(asked) > 20, "the page has lost its questions, or this test its eyes"
    assert sum(1 for _, answer in asked if answer) > 15
    invoiced = [pair for pair in asked if "toggl.invoice" in pair[0]]
    assert len(invoiced) == 2
    for sql, answer in (pair for pair in asked if pair not in invoiced):
        assert psql(bare_site, fill(sql)) == answer or not answer, sql
    psql(bare_site, "\\i data/sample_later.sql")
    for sql, answer in invoiced:
        assert psql(bare_site, fill(sql)) == answer, sql


def test_what_other_programs_ask_has_an_answer(bare_site):
    psql(bare_site, "\\i data/sample.sql")
    filled = [sql for sql, answer in questions() if not answer and re.search(r"\$__|\{\{", sql)]
    assert len(filled) == 3
    for sql in filled:
        assert not psql(bare_site, fill(sql)).endswith("(0 rows)\n"), sql
