# SPDX-License-Identifier: ISC
"""Requests of Reports v3 that nobody should send: each gets an answer, none an error of the server."""
import pytest

from api_client import account, without_limits
from installation import WORKSPACE

pytestmark = pytest.mark.plain

REPORTS = f"/reports/api/v3/workspace/{WORKSPACE}"
RANGE = {"start_date": "2026-05-01", "end_date": "2026-06-30"}
PATHS = ["search/time_entries", "search/time_entries/totals", "weekly/time_entries", "summary/time_entries", "filters/users",
         "filters/projects", "filters/clients"]
NAMES = ["start_date", "end_date", "page_size", "first_id", "first_row_number", "first_timestamp", "rounding", "min_duration_seconds",
         "max_duration_seconds", "billable", "enrich_response", "with_graph", "include_time_entry_ids", "active", "is_active", "start", "ids",
         "name", "currency", "grouping", "sub_grouping", "description", "time_entry_ids", "user_ids", "client_ids", "tag_ids", "order_by",
         "order_dir", "granularity", "resolution"]
VALUES = [None, -1, 10 ** 18 - 1, 10 ** 40, 1.5, "x", "1' or '1'='1", "microsecond", "0000-01-01", "0001-01-01", "9999-12-31", True, {}, [None], [10 ** 40], "%"]
CURSOR = {"first_id": 5, "first_row_number": 1, "first_timestamp": 5}


@pytest.fixture
def ada(api_site):
    for number, more in enumerate(({}, {"at": None}, {"user_id": None}, {"start": "0001-01-01T00:00:00Z", "stop": "0001-01-01T00:00:01Z"},
                                   {"start": "9999-12-31T23:59:59Z", "stop": None, "duration": 10 ** 17},
                                   {"description": None}, {"duration": 10 ** 18 - 1}, {"duration": 9223372036854775807}, {"duration": 9223372036854775807})):
        payload = {"id": 1000 + number, "workspace_id": WORKSPACE, "user_id": 9000001, "project_id": None, "description": "x", "billable": False,
                   "start": "2026-05-03T06:30:00Z", "stop": "2026-05-03T07:30:00Z", "duration": 3600, "tag_ids": [], "at": "2026-05-03T08:00:00Z"}
        assert api_site.send(api_site.event(model="time_entry", payload=payload | more, action="created")).status == 200
    without_limits(api_site)
    return account(api_site, "Ada", 9000001)


@pytest.mark.parametrize("path", PATHS)
def test_values(ada, path):
    for name in NAMES:
        for value in VALUES:
            asked = {**RANGE, "with_graph": True, **(CURSOR if name in CURSOR else {}), name: value}
            assert ada.post(f"{REPORTS}/{path}", asked).status in (200, 400), asked


def test_null_is_as_if_missing(ada):
    for path in PATHS:
        for name in NAMES[2:]:
            plain, null = (ada.post(f"{REPORTS}/{path}", {**RANGE, **more}) for more in ({}, {name: None}))
            assert (null.status, null.body) == (plain.status, plain.body), (path, name)
    first = ada.post(f"{REPORTS}/search/time_entries", {**RANGE, **dict.fromkeys(CURSOR), "billable": None, "min_duration_seconds": None})
    assert len(first.json()) > 3


@pytest.mark.parametrize("order", ["date", "user", "duration", "description", "last_update"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_pages_of_entries_without_the_value(ada, order, direction):
    found, cursor = [], {}
    while cursor is not None:
        answer = ada.post(f"{REPORTS}/search/time_entries", {"start_date": "0001-01-01", "page_size": 1, "order_by": order, "order_dir": direction, **cursor})
        found += [one["time_entries"][0]["id"] for one in answer.json()]
        assert len(found) == len(set(found)), found
        cursor = {name: int(answer.headers[f"x-next-{header}"]) for name, header in
                  (("first_id", "id"), ("first_row_number", "row-number"), ("first_timestamp", "timestamp"))} if "x-next-id" in answer.headers else None
    assert len(found) == ada.site.sql("select count(*) from toggl.time_entry where duration_seconds is not null")[0][0] >= 8


@pytest.mark.parametrize("body", [
    b"", b"null", b"[]", b"5", b'"x"', b"{", b"[" * 20000, b'{"a":' * 5000 + b"1" + b"}" * 5000, b'{"a":' * 20 + b"1" + b"}" * 20,
    b'{"start_date": "2026-05-01", "description": "a\\u0000b"}', b'{"start_date": "2026-05-01", "description": "\\ud800"}',
    b'{"start_date": "2026-05-01", "x": 1e200000}', b'{"start_date": "2026-05-01", "description": "\xff\xfe"}',
    b'{"start_date": "2026-05-01", "ids": [' + b"1," * 10001 + b"1]}"], ids=range(14))
def test_bodies(ada, body):
    for path in PATHS:
        answer = ada.call("POST", f"{REPORTS}/{path}", raw=body)
        assert answer.status == 400 or answer.status == 200 and body.startswith(b'{"a"'), (path, answer)
