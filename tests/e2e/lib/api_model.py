# SPDX-License-Identifier: ISC
"""The rules of the API once more, in the simplest form: the answer to each request, and the
state after it."""
import dataclasses
import re

KNOWN = ("client", "project", "project_group", "project_user", "tag", "task", "time_entry", "workspace", "workspace_user")
ACTIONS = ("created", "updated", "deleted")
OWN = ("started", "stopped")
BODY_MAX = 65536
# the answer of the subscriber's callback at /NAME/…: status, and whether it has the validation code
CALLBACKS = {"prove": (200, True), "shy": (200, False), "other": (202, True), "broken": (500, True), "moved": (302, True)}

# as in ledger.has_blank()
BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]")


@dataclasses.dataclass
class Account:
    number: int
    user: int
    token: str
    is_enabled: bool = True
    rights: dict = dataclasses.field(default_factory=dict)	# workspace: is it an administrator?


@dataclasses.dataclass
class Organization:
    number: int
    webhooks: int
    filters: int
    requests: int


@dataclasses.dataclass
class Subscription:
    number: int
    workspace: int
    maker: Account
    description: str = ""
    url: str = ""
    filters: list = dataclasses.field(default_factory=list)
    secret: str = ""
    is_enabled: bool = True
    is_valid: bool = False


class Refused(Exception):
    def __init__(self, status, words):
        super().__init__(words)
        self.status, self.words = status, words


def text_in(body, key):
    return body[key] if isinstance(body.get(key), str) else None


def filters_problem(given, most):
    if not isinstance(given, list) or not given:
        return "The list of event filters must not be empty"
    if len(given) > most:
        return f"The limit of {most} event filters for your subscription has been exceeded as you're trying to set {len(given)} filters"
    seen = set()
    for one in given:
        one = one if isinstance(one, dict) else {}
        entity, action = text_in(one, "entity") or "", text_in(one, "action") or ""
        if not entity:
            return "The entity field for each subscription event filter must be non-empty"
        if entity != "*" and not re.fullmatch(r"\w+", entity):
            return f"The value '{entity}' for the filter entity can only contain letters, numbers and '_' or be '*' to match all entities"
        if not action:
            return "The action field for each subscription event filter must be non-empty"
        if action != "*" and not re.fullmatch(r"\w+", action):
            return f"The value '{action}' for the filter action can only contain letters, numbers and '_' or be '*' to match all actions"
        if action not in ("*", *ACTIONS) and not (action in OWN and (entity in ("*", "time_entry") or entity not in KNOWN)):
            return f"Invalid value '{action}' for event filter action"
        if (entity, action) in seen:
            return f"The following event filter appears more than once for your subscription: {entity}.{action}"
        seen.add((entity, action))
    return None


class Model:
    def __init__(self, callback_base):
        self.callback_base = callback_base	# of the subscriber: http://127.0.0.1:PORT
        self.organizations = {}	# by workspace
        self.accounts = []
        self.subscriptions = {}
        self.used = {}	# (account, organization or 0): requests in the window

    # ---- rights and limits

    def admit(self, account, workspace, costs=True):
        """Raises Refused; else counts the request."""
        if account is None or not account.is_enabled:
            raise Refused(403, "Incorrect username and/or password")
        if workspace is not None and workspace not in account.rights:
            raise Refused(403, "User not found/accessible for workspace")
        organization = self.organizations.get(workspace)
        window = (account.number, organization.number if organization else 0)
        if not costs:
            return
        if self.used.get(window, 0) >= (organization.requests if organization else 30):
            raise Refused(402, None)
        self.used[window] = self.used.get(window, 0) + 1

    def visible(self, account, workspace):
        return [one for one in self.subscriptions.values()
                if one.workspace == workspace and (one.maker is account or account.rights[workspace])]

    def find(self, account, workspace, number):
        one = self.subscriptions.get(number)
        if one is None or one not in self.visible(account, workspace):
            raise Refused(404, f"subscription {number} for workspace {workspace} was not found")
        return one

    # ---- pings of a callback

    def ping(self, url, takes_any=False):
        """Raises Refused; else: does the answer have the validation code?"""
        found = re.fullmatch(re.escape(self.callback_base) + r"/(\w+)/.*", url)
        if not found:
            raise Refused(400, f"URL endpoint {url} request failed with error: ")
        status, proves = CALLBACKS[found[1]]
        if not (200 <= status < 300 if takes_any else status == 200):
            raise Refused(400, f"URL endpoint {url} responded with status {status} instead of {'2xx' if takes_any else '200'}")
        return proves

    # ---- make and change

    def write(self, account, workspace, method, old, body):
        """The subscription after POST (old None), PUT or PATCH. Raises Refused."""
        organization = self.organizations[workspace]
        new = dataclasses.replace(old) if old else Subscription(0, workspace, account)
        if method != "PATCH":
            new.description = (text_in(body, "description") or "").strip(" ").replace("\x00", "\ufffd")
            if not new.description:
                raise Refused(400, "Subscription description must not be empty")
            if len(new.description) > 1000:
                raise Refused(400, "Subscription description must not be longer than 1000 characters")
            if any(one.workspace == workspace and one.description == new.description and one.number != new.number for one in self.subscriptions.values()):
                raise Refused(400, f"Subscription description '{new.description}' is already in use for workspace {workspace}")
            if "event_filters" in body or not old:
                problem = filters_problem(body.get("event_filters"), organization.filters)
                if problem:
                    raise Refused(400, problem)
                new.filters = [(one["entity"], one["action"]) for one in body["event_filters"]]
            elif len(new.filters) > organization.filters:
                raise AssertionError("limits do not change here")
            new.url = new.url if text_in(body, "url_callback") is None else body["url_callback"].replace("\x00", "\ufffd")
            if not new.url:
                raise Refused(400, "URL endpoint  request failed with error: the url_callback must not be empty")
            if len(new.url) > 4096:
                raise Refused(400, "The url_callback must not be longer than 4096 characters")
            if BLANK.search(new.url):
                raise Refused(400, "The url_callback contains a blank or a character that cannot be seen: remove it, or write %20 for a blank that belongs there")
            if not isinstance(body.get("secret", ""), (str, type(None))):
                raise Refused(400, "The secret must be a string")
            secret = (text_in(body, "secret") or "").replace("\x00", "\ufffd")
            if len(secret.encode()) > 256:
                raise Refused(400, "The secret must not be longer than 256 bytes")
            new.secret = secret or new.secret
        enabled = body.get("enabled")
        if not isinstance(enabled, (bool, type(None))):
            raise Refused(400, "The enabled field must be true or false")
        if method == "PATCH" and enabled is None:
            raise Refused(400, "The enabled field must be set")
        new.is_enabled = new.is_enabled if enabled is None else enabled
        begins = new.is_enabled and not (old and old.is_enabled)
        if begins and sum(one.is_enabled and one.maker is new.maker and one.workspace == workspace for one in self.subscriptions.values()) >= organization.webhooks:
            raise Refused(400, f"User {new.maker.user} already reached the limit of {organization.webhooks} enabled subscriptions for workspace {workspace}")
        is_moved = not old or new.url != old.url
        if is_moved or begins:
            proves = self.ping(new.url, method == "PUT")
            new.is_valid = proves if is_moved else new.is_valid or proves
        return new
