# SPDX-License-Identifier: ISC
"""What the typed tables should hold after some events, as a person would work it
out: the events put in order and applied one by one. Knows nothing of the SQL: the
columns stand here a second time, on purpose."""
import collections
import datetime
import decimal
import json
import re

SECRETS = {"api_token", "ical_url", "invite_url", "invitation_code"}

# column:kind, and the keys that it is read from where they are not its name
COLUMNS = {
    "time_entry": """user_id:id=user_id,uid project_id:id=project_id,pid task_id:id=task_id,tid description:text
        start_at:time=start stop_at:time=stop duration_seconds:duration=duration billable:flag tag_ids:ids tags:texts
        expense_ids:ids shared_with:json permissions:texts updated_at:time=at""",
    "project": """client_id:id=client_id,cid name:text is_private:flag active:flag status:status color:text billable:flag
        rate:money rate_updated_at:time=rate_last_updated currency:text fixed_fee:money estimated_seconds:id
        estimated_hours:id auto_estimates:flag actual_seconds:id actual_hours:id recurring:flag recurring_parameters:json
        current_period:json start_date:date end_date:date template:flag template_id:id pinned:flag can_track_time:flag
        created_at:time external_reference:text integration_ext_id:text integration_ext_type:text
        integration_provider:text permissions:texts updated_at:time=at""",
    "client": """name:text archived:flag notes:text creator_id:id external_reference:text integration_ext_id:text
        integration_ext_type:text integration_provider:text permissions:texts updated_at:time=at""",
    "tag": """name:text creator_id:id integration_ext_id:text integration_ext_type:text integration_provider:text
        permissions:texts updated_at:time=at""",
    "task": """project_id:id=project_id,pid user_id:id=user_id,uid client_id:id=client_id,cid name:text active:flag
        estimated_seconds:id tracked_milliseconds:id=tracked_seconds rate:money rate_updated_at:time=rate_last_updated
        recurring:flag toggl_accounts_id:text external_reference:text integration_ext_id:text integration_ext_type:text
        integration_provider:text permissions:texts updated_at:time=at""",
    "workspace": """organization_id:id name:text default_currency:text default_hourly_rate:money
        rate_updated_at:time=rate_last_updated premium:flag business_ws:flag rounding:id rounding_minutes:id
        working_minutes:id=working_hours_in_minutes projects_billable_by_default:flag projects_private_by_default:flag
        projects_enforce_billable:flag only_admins_may_create_projects:flag only_admins_may_create_tags:flag
        only_admins_see_team_dashboard:flag limit_public_project_data:flag hide_start_end_times:flag
        reports_collapse:flag disable_approvals:flag disable_expenses:flag disable_timesheet_view:flag
        te_constraints:json ical_enabled:flag logo_url:text max_data_retention_days:id last_modified_at:time=last_modified
        suspended_at:time role:text admin:flag permissions:texts updated_at:time=at""",
    "workspace_user": """user_id:id=user_id,uid name:text email:text role:text role_id:id admin:flag workspace_admin:flag
        organization_admin:flag active:flag inactive:flag is_direct:flag group_ids:ids timezone:text rate:money
        rate_updated_at:time=rate_last_updated labor_cost:money labor_cost_updated_at:time=labor_cost_last_updated
        working_minutes:id=working_hours_in_minutes view_edit_billable_rates:flag view_edit_labor_costs:flag
        two_factor_enabled:flag=2fa_enabled avatar_file_name:text updated_at:time=at""",
    "project_user": """project_id:id=project_id,pid user_id:id=user_id,uid group_id:id=group_id,gid manager:flag rate:money
        rate_updated_at:time=rate_last_updated labor_cost:money labor_cost_updated_at:time=labor_cost_last_updated
        updated_at:time=at""",
    "project_group": "project_id:id=project_id,pid group_id:id",
    "other_entity": "",
}
GONE = {"tag": ("deleted_at", "server_deleted_at")}
# A deletion without any of these only reports that the entity is gone.
TELLING = {"time_entry": {"start"}, "workspace_user": {"user_id", "uid"}, "project_user": {"project_id", "pid"},
           "project_group": {"project_id", "pid"}}
SAYS_NOTHING = {"id", "workspace_id", "wid", "at", "deleted_at", "server_deleted_at"}


def fields(model):
    """(column, kind, keys) of a table, its deleted_at last."""
    for word in COLUMNS[model].split():
        column, _, rest = word.partition(":")
        kind, _, keys = rest.partition("=")
        yield column, kind, keys.split(",") if keys else [column]
    yield "deleted_at", "time", GONE.get(model, ("server_deleted_at", "deleted_at"))


class Odd(Exception):
    """A value has not the type of its column."""


class Number(collections.namedtuple("Number", "text")):
    """A number as JSON writes it."""

    def parts(self):
        return re.fullmatch(r"-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?", self.text).groups()

    def is_huge(self):
        whole, fraction, exponent = self.parts()
        return len(whole) > 131072 or len(fraction or "") > 16383 or len((exponent or "").lstrip("+-")) >= 3

    def is_whole(self):
        _, fraction, exponent = self.parts()
        return len(fraction or "") <= int(exponent or 0)

    def value(self):
        return decimal.Decimal(self.text)


# ---- JSON

def parse(text):
    return json.loads(text, parse_int=Number, parse_float=Number)


def mended(value):
    """In a form that jsonb accepts: no NUL, no half surrogate, no number beyond its range, and none
    that is short in JSON and thousands of digits long when it is read."""
    if isinstance(value, dict):
        return {mended(key): mended(each) for key, each in value.items()}
    if isinstance(value, list):
        return [mended(each) for each in value]
    if isinstance(value, str):
        return re.sub("[\x00\ud800-\udfff]", "\ufffd", value)
    return value.text if isinstance(value, Number) and value.is_huge() else value


def without_secrets(value):
    if isinstance(value, dict):
        return {key: without_secrets(each) for key, each in value.items() if key not in SECRETS}
    if isinstance(value, list):
        return [without_secrets(each) for each in value]
    return value


def canonical(value):
    """Equal for values that are the same JSON, and only for those."""
    if isinstance(value, dict):
        return ("object", tuple(sorted((key, canonical(each)) for key, each in value.items())))
    if isinstance(value, list):
        return ("array", tuple(canonical(each) for each in value))
    if isinstance(value, Number):
        return ("number", value.value())
    return (type(value).__name__, value)


def type_of(value):
    names = {dict: "object", list: "array", str: "string", bool: "boolean", Number: "number"}
    return names[type(value)]


# ---- one value

def read_id(value):
    if not isinstance(value, Number) or not value.is_whole() or not -2**63 <= value.value() < 2**63:
        raise Odd
    return int(value.value())


def read_duration(value):
    seconds = read_id(value)
    return seconds if seconds >= 0 else None


def read_money(value):
    if not isinstance(value, Number) or abs(value.value()) >= 10**15:
        raise Odd
    return value.value()


def read_flag(value):
    if not isinstance(value, bool):
        raise Odd
    return value


def read_text(value):
    if not isinstance(value, str):
        raise Odd
    return value


def read_status(value):
    if value not in ("upcoming", "active", "ended", "archived", "deleted"):
        raise Odd
    return value


def day_of(year, month, day):
    try:
        return datetime.date(int(year), int(month), int(day))
    except ValueError as error:
        raise Odd from error


def read_time(value):
    """Microseconds since 1970."""
    if value == "":
        return None
    found = isinstance(value, str) and re.fullmatch(
        r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(?:Z|([+-])(\d\d):(\d\d))", value)
    if not found:
        raise Odd
    year, month, day, hour, minute, second, fraction, sign, zone_hour, zone_minute = found.groups()
    days = day_of(year, month, day).toordinal() - datetime.date(1970, 1, 1).toordinal()
    if int(hour) > 23 or int(minute) > 59 or int(second) > 60 or int(zone_hour or 0) > 15 or int(zone_minute or 0) > 59:
        raise Odd
    zone = int(zone_hour or 0) * 60 + int(zone_minute or 0)
    minutes = days * 1440 + int(hour) * 60 + int(minute) - (-zone if sign == "-" else zone)
    return (minutes * 60 + int(second)) * 1000000 + round(decimal.Decimal("0" + (fraction or ".0")) * 1000000)


def read_date(value):
    if value == "":
        return None
    found = isinstance(value, str) and re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)(?:T\d\d:\d\d:\d\d.*)?", value)
    if not found:
        raise Odd
    return day_of(*found.groups()).isoformat()


def read_list(read):
    def reader(value):
        if not isinstance(value, list):
            raise Odd
        return [None if each is None else read(each) for each in value]
    return reader


READ = {"id": read_id, "duration": read_duration, "money": read_money, "flag": read_flag, "text": read_text,
        "status": read_status, "time": read_time, "date": read_date, "ids": read_list(read_id),
        "texts": read_list(read_text), "json": canonical}
TYPES = {"id": "number", "duration": "number", "money": "number", "flag": "boolean", "ids": "array", "texts": "array"}


# ---- events

Event = collections.namedtuple("Event", "workspace event_id created_us creator entity model action body")


def table_of(model):
    return model if model in COLUMNS and model != "other_entity" else "other_entity"


def key_of(event):
    table = table_of(event.model)
    if table == "workspace":
        return table, (event.workspace,)
    if table == "other_entity":
        return table, (event.workspace, event.model, event.entity)
    return table, (event.workspace, event.entity)


def how_long(row):
    """The duration of a time entry: the one of the payload, else from start to stop; None while it runs,
    never below zero, and limited so that sums do not overflow."""
    if row["duration_seconds"] is not None:
        return min(row["duration_seconds"], 4 * 10**9)
    if row["stop_at"] is None:
        return None
    if row["start_at"] is None:
        return 0
    return min(max(row["stop_at"] - row["start_at"], 0) // 1000000, 4 * 10**9)


def says_what_it_was(table, payload):
    if not isinstance(payload, dict):
        return False
    if table == "other_entity":
        return bool(set(payload) - SAYS_NOTHING)
    return bool(set(payload) & TELLING.get(table, {"name"}))


def rows_after(events):
    """The rows after these events, {(table, key): {column: value}}, and how often
    each (model, field, JSON type) was odd."""
    rows, drift, lives = {}, collections.Counter(), {}
    for event in sorted(events, key=lambda event: (event.created_us, event.event_id)):
        if event.entity is None and event.model != "workspace":
            continue
        table, key = key_of(event)
        payload = parse(event.body).get("payload")
        row = rows.get((table, key))
        if event.action == "deleted" and not says_what_it_was(table, payload):
            if row is None:
                row = {column: None for column, _, _ in fields(table)}
                row.update(payload=None, payload_at="-infinity", payload_event_id=0)
            row = {**row, "deleted_at": event.created_us}
            lives[table, key] = (event, event.created_us)
        else:
            if canonical(mended(payload)) != canonical(payload):
                drift[event.model, "payload", "value"] += 1
            row, entity = {}, without_secrets(mended(payload))
            for column, kind, keys in fields(table):
                value = next((entity[key] for key in keys if key in entity), None)
                try:
                    row[column] = None if value is None else READ[kind](value)
                except Odd:
                    row[column] = None
                    found = type_of(value)
                    drift[event.model, column, "value" if found == TYPES.get(kind, "string") else found] += 1
            if table == "time_entry":
                row["duration_seconds"] = how_long(row)
            if row["deleted_at"] is None and event.action == "deleted":
                row["deleted_at"] = event.created_us
            # A deletion is final until it is created again.
            if event.action in ("created", "deleted"):
                lives[table, key] = (event, row["deleted_at"] if event.action == "deleted" else None)
            elif lives.get((table, key), (None, None))[1] is not None:
                row["deleted_at"] = lives[table, key][1]
            row.update(payload=canonical(entity), payload_at=event.created_us, payload_event_id=event.event_id)
        life, gone = lives.get((table, key), (None, None))
        row = {**row, "lifecycle_at": life.created_us if life else None, "lifecycle_event_id": life.event_id if life else None,
               "gone_at": gone}
        if table == "time_entry":
            # (only loaded entries have negative numbers, and none of the generated events is loaded)
            row["source"] = None if row["payload_event_id"] >= 0 else "api"
        rows[table, key] = {**row, "changed_at": event.created_us, "changed_event_id": event.event_id,
                            "changed_by": event.creator}
    return rows, drift


# ---- the database

KEYS = {"workspace": 1, "other_entity": 3}
SHOWN = {"timestamp with time zone": "case when isfinite({0}) then (extract(epoch from {0}) * 1000000)::bigint::text else {0}::text end",
         "ARRAY": "to_json({0})::text"}
READ_BACK = {"bigint": int, "text": str, "boolean": lambda text: text == "true", "numeric": decimal.Decimal, "date": str,
             "timestamp with time zone": lambda text: text if "infinity" in text else int(text), "ARRAY": json.loads,
             "jsonb": lambda text: canonical(parse(text))}


def rows_there(db, where="true"):
    """The rows of the typed tables, as rows_after() gives them."""
    rows = {}
    for table in COLUMNS:
        columns = db.execute("""select column_name, data_type from information_schema.columns
                                where table_schema = 'toggl' and table_name = %s order by ordinal_position""",
                             (table,)).fetchall()
        shown = ", ".join(SHOWN.get(kind, "{0}::text").format(f'"{name}"') for name, kind in columns)
        wide = KEYS.get(table, 2)
        for cells in db.execute(f"select {shown} from toggl.{table} where {where}"):
            values = [None if cell is None else READ_BACK[kind](cell) for cell, (_, kind) in zip(cells, columns)]
            names = [name for name, _ in columns]
            rows[table, tuple(values[:wide])] = dict(zip(names[wide:], values[wide:]))
    return rows


def drift_there(db):
    return collections.Counter({(model, field, found): count for model, field, found, count in db.execute(
        "select model, field, found, sum(count)::int from ledger.drift group by 1, 2, 3")})


def events_there(db):
    """The events of the ledger."""
    return [Event(*row) for row in db.execute("""select workspace_id, event_id, ledger.us(created_at), creator_id, entity_id,
                                                        model, action, body::text from ledger.event""")]


def not_projected(db):
    """Differences between the typed rows and the events of the ledger, in both directions."""
    wanted, there = rows_after(events_there(db))[0], rows_there(db)
    return [(place, wanted.get(place), there.get(place)) for place in wanted.keys() | there.keys()
            if wanted.get(place) != there.get(place)]
