# SPDX-License-Identifier: ISC
"""The API under random requests. A program of hypothesis is several accounts
that do anything in any order; a model says what each request is answered, and
at the end PostgreSQL has what the model has. Hostile requests go to the program
itself, without a web server that would repair or refuse them."""
import json
import secrets
import sys

import hypothesis
import hypothesis.configuration
import pytest
from hypothesis import stateful, strategies as st

import web_servers
from api_client import BASE, EAGER, Client, account as new_account, by_hand, set_up
from api_contract import OURS
from api_model import CALLBACKS, KNOWN, Account, Model, Organization, Refused
from installation import WORKSPACE
from subscriber import Subscriber

pytestmark = pytest.mark.plain

# A failure is reported unchanged: shrinking it takes five minutes
# (add hypothesis.Phase.shrink for that).
SETTINGS = {"phases": [hypothesis.Phase.generate], "deadline": None, "database": None, "print_blob": True, "suppress_health_check": list(hypothesis.HealthCheck)}
ODD = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(width=16, allow_nan=False, allow_infinity=False), st.text(max_size=5), st.just([]), st.just({}),
                st.lists(st.integers(), max_size=2))


@pytest.fixture(autouse=True, scope="module")
def nothing_is_left_in_the_checkout(run_folder):
    hypothesis.configuration.set_hypothesis_home_dir(run_folder / "hypothesis")


def act(request):
    """Answers as the name at the front of the path says."""
    status, proves = CALLBACKS[request["path"].split("/")[1]]
    code = request["body"].get("validation_code")
    return status, {"Location": "http://127.0.0.1:1/"} if status == 302 else {}, json.dumps({"validation_code": code} if proves and code else {}).encode()


# ---- what is sent

def often(*choices):
    """The first ones more often: (times, strategy)."""
    return st.sampled_from([place for place, (times, _) in enumerate(choices) for _ in range(times)]).flatmap(lambda place: choices[place][1])


def bodies(base):
    """Mostly good ones, with one thing wrong."""
    filters = st.lists(st.sampled_from([(entity, action) for entity in ("time_entry", "tag", "*", "nobody") for action in ("created", "*")] + [("time_entry", "started")]),
                       min_size=1, max_size=2, unique=True)
    odd_filters = st.lists(st.one_of(ODD, st.builds(
        lambda entity, action: {"entity": entity, "action": action}, st.sampled_from([*KNOWN, "*", "nobody", "a b", ""]),
        st.sampled_from(["created", "updated", "deleted", "*", "started", "stopped", "painted", "-"]))), max_size=4)
    urls = st.builds(lambda name, place: f"{base}/{name}/{place}", st.sampled_from(["prove", "prove", "prove", "shy", "other", "broken", "moved"]), st.integers(0, 1))
    good = st.fixed_dictionaries(
        {"description": st.sampled_from(["one", "two", "three", "four", "five", "six"]), "url_callback": urls,
         "event_filters": filters.map(lambda pairs: [{"entity": entity, "action": action, "x": 1} for entity, action in pairs])},
        optional={"enabled": st.booleans(), "secret": st.sampled_from(["s", "\u00e9", ""]), "subscription_id": ODD, "unheard_of": ODD})
    wrong = st.one_of(
        st.tuples(st.just("description"), st.one_of(st.sampled_from([" one ", "<b>'\"", "\u23f1\x00", "", "x" * 1001]), st.text(max_size=6), ODD)),
        st.tuples(st.just("url_callback"), st.one_of(ODD, st.sampled_from(
            ["", "x", "ftp://example.org/", "http://127.0.0.1:1/", "http://u:p@127.0.0.1/", "http://[::1/", f"{base}/prove/" + "x" * 4096]))),
        st.tuples(st.just("event_filters"), st.one_of(odd_filters, ODD)),
        st.tuples(st.just("secret"), st.one_of(ODD, st.just("x" * 257))),
        st.tuples(st.just("enabled"), ODD))
    return often((4, good), (3, st.builds(lambda whole, one: {**whole, one[0]: one[1]}, good, wrong)),
                 (1, st.builds(lambda whole, out: {key: value for key, value in whole.items() if key != out}, good,
                               st.sampled_from(["description", "url_callback", "event_filters"]))))


READS = [path for path in OURS["paths"] if path.startswith("/api/v9/") and path != "/api/v9/me/quota"]
QUERIES = st.lists(st.tuples(st.sampled_from(["since", "active", "page", "per_page", "name", "status", "search", "start_date", "end_date", "before", "billable",
                                              "include_archived", "include_not_active", "sort_order", "pid", "with_related_data", "offset", "x"]),
                             st.one_of(st.sampled_from(["0", "1", "-1", "true", "false", "both", "2026-01-01", "2026-01-01T00:00:00Z", "infinity", "99999999999",
                                                        "1e9", "", "DESC", "%25", "%27", "%5C", "294276-12-31", "0001-01-01+BC", "9999999999999999999"]))),
                   max_size=3).map(lambda pairs: "&".join("=".join(pair) for pair in pairs))


def machine(site, subscriber, db):
    base = subscriber.url.rsplit("/", 1)[0]

    class Accounts(stateful.RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.model = model = Model(base)
            self.codes = {}
            # straight into the tables: the operator's functions look a time zone up in 20 ms
            for plan in ((2, 3, 40), (1, 2, 100)):
                number = self.value("""insert into ledger.organization (name, plan, max_webhooks, max_filters, hourly_requests)
                                       values ('fuzz', 'free', %s, %s, %s) returning organization_id""", *plan)
                workspace = self.value("""insert into ledger.workspace select coalesce(max(workspace_id), 0) + 1, %s from ledger.workspace
                                          returning workspace_id""", number)
                model.organizations[workspace] = Organization(number, *plan)
            self.places = here, there = list(model.organizations)
            for rights in ({here: True}, {here: False}, {here: False, there: True}, {there: False}, {}, {here: True}):
                user, is_enabled = 1000 + len(model.accounts), len(model.accounts) < 5
                token = secrets.token_urlsafe(24)
                number = self.value("""insert into ledger.account (name, user_id, time_zone, token_digest, enabled)
                                       values ('fuzz', %s, 'Asia/Kolkata', sha256(%s), %s) returning account_id""", user, token.encode(), is_enabled)
                for workspace, is_admin in rights.items():
                    self.value("insert into ledger.member values (%s, %s, %s) returning 1", number, workspace, is_admin)
                model.accounts.append(Account(number, user, token, is_enabled, rights))

        @staticmethod
        def value(text, *values):
            return db.execute(text, values).fetchone()[0]

        def client(self, who):
            return Client(site, self.model.accounts[who].token) if who is not None else Client(site, "wrong")

        def account(self, who):
            return self.model.accounts[who] if who is not None else None

        def expect(self, answer, work):
            """`work` is what the model does; a refusal of the model is one of the API."""
            try:
                wanted = work()
            except Refused as refused:
                assert answer.status == refused.status, (answer, refused)
                if refused.words and refused.words.endswith("error: "):
                    assert answer.json().startswith(refused.words), (answer, refused)
                elif refused.words:
                    assert answer.json() == refused.words, (answer, refused)
                return None
            assert answer.status == 200, answer
            return wanted

        def same(self, answered, one, asker):
            assert (answered["subscription_id"], answered["workspace_id"], answered["user_id"]) == (one.number, one.workspace, one.maker.user)
            assert answered["description"] == one.description and answered["url_callback"] == one.url and answered["enabled"] is one.is_enabled
            assert [(given["entity"], given["action"]) for given in answered["event_filters"]] == one.filters
            assert (answered["validated_at"] is not None) is one.is_valid
            assert answered.get("secret") == (one.secret if one.maker is asker else None)

        # who asks in which workspace: members, mostly
        asking = st.sampled_from([(0, 0)] * 6 + [(1, 0)] * 4 + [(2, 0), (2, 0), (2, 1), (2, 1), (3, 1), (3, 1), (4, 0), (5, 0), (None, 0), (0, 1), (3, 0)])
        which = st.integers(0, 19)

        def number(self, asking, which):
            """Of a subscription: mostly one of the workspace, else any or none."""
            here = sorted(one.number for one in self.model.subscriptions.values() if one.workspace == self.places[asking[1]])
            if which < 17 and here:
                return here[which % len(here)]
            return {17: 0, 18: 2**63 - 1}.get(which) if 17 <= which < 19 else max(self.codes, default=1)

        def write(self, method, asking, number, body):
            account, workspace = self.account(asking[0]), self.places[asking[1]]
            path = f"{BASE}/subscriptions/{workspace}" + (f"/{number}" if method != "POST" else "")
            subscriber.got.clear()
            answer = self.client(asking[0]).call(method, path, body)

            def work():
                self.model.admit(account, workspace)
                old = self.model.find(account, workspace, number) if method != "POST" else None
                return self.model.write(account, workspace, method, old, body)

            new = self.expect(answer, work)
            if new is None:
                return
            answered = answer.json()
            if method == "POST":
                assert answered["subscription_id"] not in self.model.subscriptions
                new.number = answered["subscription_id"]
            new.secret = new.secret or answered.get("secret")
            assert new.secret
            for got in subscriber.got:
                if "validation_code" in got["body"]:
                    self.codes[new.number] = got["body"]["validation_code"]
            self.model.subscriptions[new.number] = new
            self.same(answered, new, account)

        @stateful.initialize(names=st.lists(st.sampled_from(["prove", "prove", "shy"]), min_size=4, max_size=4))
        def begin(self, names):
            for place, (asking, name) in enumerate(zip(((0, 0), (1, 0), (2, 0), (2, 1)), names)):
                self.write("POST", asking, None, {"description": f"first {place}", "url_callback": f"{base}/{name}/0", "event_filters": [{"entity": "*", "action": "*"}]})

        @stateful.rule(asking=asking, body=bodies(base))
        def make(self, asking, body):
            self.write("POST", asking, None, body)

        @stateful.rule(asking=asking, which=which, body=bodies(base))
        def change_another(self, asking, which, body):
            self.write("PUT", asking, self.number(asking, which), body)

        @stateful.rule(asking=asking, which=which, body=bodies(base))
        def change(self, asking, which, body):
            self.write("PUT", asking, self.number(asking, which), body)

        @stateful.rule(asking=asking, which=which, body=often(
            (5, st.booleans().map(lambda on: {"enabled": on})), (1, bodies(base)), (1, ODD.map(lambda odd: {"enabled": odd}))))
        def enable(self, asking, which, body):
            self.write("PATCH", asking, self.number(asking, which), body)

        @stateful.rule(asking=asking, which=which)
        def delete(self, asking, which):
            account, workspace, number = self.account(asking[0]), self.places[asking[1]], self.number(asking, which)
            answer = self.client(asking[0]).call("DELETE", f"{BASE}/subscriptions/{workspace}/{number}")

            def work():
                self.model.admit(account, workspace)
                return self.model.find(account, workspace, number)

            one = self.expect(answer, work)
            if one:
                assert answer.json()["deleted_at"]
                del self.model.subscriptions[number]

        @stateful.rule(asking=asking)
        def read(self, asking):
            account, workspace = self.account(asking[0]), self.places[asking[1]]
            answer = self.client(asking[0]).get(f"{BASE}/subscriptions/{workspace}")

            def work():
                self.model.admit(account, workspace)
                return self.model.visible(account, workspace)

            wanted = self.expect(answer, work)
            if wanted is not None:
                answered = answer.json()
                assert [one["subscription_id"] for one in answered] == sorted(one.number for one in wanted)
                for one in answered:
                    self.same(one, self.model.subscriptions[one["subscription_id"]], account)

        @stateful.rule(asking=asking, which=which, offset=st.sampled_from(["", "?offset=0", "?offset=-1", "?offset=99999999999", "?offset=x"]))
        def read_events(self, asking, which, offset):
            account, workspace, number = self.account(asking[0]), self.places[asking[1]], self.number(asking, which)
            answer = self.client(asking[0]).get(f"{BASE}/subscriptions/{workspace}/{number}/events{offset}")

            def work():
                self.model.admit(account, workspace)
                return self.model.find(account, workspace, number)

            if self.expect(answer, work):
                assert answer.json() == {"total": 0, "events": []}

        @stateful.rule(asking=asking, which=which)
        def ping(self, asking, which):
            account, workspace, number = self.account(asking[0]), self.places[asking[1]], self.number(asking, which)
            answer = self.client(asking[0]).call("POST", f"{BASE}/ping/{workspace}/{number}")

            def work():
                self.model.admit(account, workspace)
                one = self.model.find(account, workspace, number)
                return one, self.model.ping(one.url)

            done = self.expect(answer, work)
            if done:
                done[0].is_valid = done[0].is_valid or done[1]

        @stateful.rule(asking=asking, which=which, code=st.one_of(st.none(), st.text("abc0123456789'%", min_size=1, max_size=64)))
        def validate(self, asking, which, code):
            """None: the right one, by whoever knows it."""
            workspace, number = self.places[asking[1]], self.number(asking, which)
            right = self.codes.get(number)
            code = right if code is None and right else code or "x"
            answer = Client(site, None).get(f"{BASE}/validate/{workspace}/{number}/{code.replace('%', '%25')}")
            one = self.model.subscriptions.get(number)
            if not one or one.workspace != workspace or code != right:
                assert answer.json() == f"subscription {number} for workspace {workspace} and validation code '{code}' was not found"
            elif one.is_valid:
                assert answer.json() == f"subscription {number} has already been validated"
            else:
                assert (answer.status, answer.json()) == (200, "OK")
                one.is_valid = True

        @stateful.rule(asking=asking, path=st.sampled_from([*READS, f"{BASE}/event_filters", BASE + "/limits/{workspace_id}"]), query=QUERIES)
        def ask(self, asking, path, query):
            account = self.account(asking[0])
            workspace = self.places[asking[1]] if "{workspace_id}" in path else None
            answer = self.client(asking[0]).get(path.replace("{workspace_id}", str(workspace)).replace("{project_id}", "7") + "?" + query)
            try:
                self.model.admit(account, workspace)
                assert answer.status in (200, 400), answer
            except Refused as refused:
                assert answer.status == refused.status, (answer, refused)

        @stateful.rule(asking=asking)
        def ask_quota(self, asking):
            account = self.account(asking[0])
            answer = self.client(asking[0]).get("/api/v9/me/quota")
            if self.expect(answer, lambda: self.model.admit(account, None, costs=False) or True):
                mine = {self.model.organizations[workspace].number: self.model.organizations[workspace].requests for workspace in account.rights}
                assert {window["organization_id"]: (window["total"], window["total"] - window["remaining"]) for window in answer.json()} == {
                    number or None: (total, self.model.used.get((account.number, number), 0)) for number, total in {0: 30, **mine}.items()}

        @stateful.rule()
        def an_hour_goes_by(self):
            db.execute("update ledger.state set clock_offset = clock_offset + interval '61 minutes'")
            self.model.used.clear()

        @stateful.rule(who=st.integers(0, 3))
        def ban(self, who):
            """One of them, and lets all others in again."""
            for place, account in enumerate(self.model.accounts[:5]):
                if account.is_enabled is (place == who):
                    account.is_enabled = not account.is_enabled
                    self.value("select operator.account_set(%s::bigint, null, null, null, %s, null)", account.number, account.is_enabled)

        def teardown(self):
            if sys.exc_info()[0]:
                return	# a rule has failed already
            numbers = [account.number for account in self.model.accounts]
            found = db.execute("""select subscription_id, workspace_id, account_id, description, url_callback, filters, enabled, validated_at is not null
                                  from ledger.subscription where account_id = any (%s) and deleted_at is null order by 1""", [numbers]).fetchall()
            assert found == [(one.number, one.workspace, one.maker.number, one.description, one.url, [".".join(given) for given in one.filters], one.is_enabled, one.is_valid)
                             for one in sorted(self.model.subscriptions.values(), key=lambda one: one.number)]
            used = db.execute("""select account_id, organization_id, used from ledger.quota
                                 where account_id = any (%s) and started_at + interval '60 minutes' > ledger.clock()""", [numbers]).fetchall()
            assert {row[:2]: row[2] for row in used} == self.model.used
            assert self.value("select count(*) from ledger.subscription where pending_until is not null or asked_code is not null") == 0

    return Accounts


@pytest.mark.timeout(400)
def test_accounts_that_do_anything(site):
    site.write_conf(**EAGER)
    web_servers.lighttpd_spawned(site)
    subscriber = Subscriber(act)
    with site.cluster.connect(site.database) as db:
        stateful.run_state_machine_as_test(machine(site, subscriber, db),
                                           settings=hypothesis.settings(max_examples=80, stateful_step_count=60, **SETTINGS))
    subscriber.close()


# ---- hostile requests

def pieces(*more):
    return st.lists(st.one_of(st.sampled_from(["/", "//", "..", ".", "%", "%00", "%2f", "%ff", "%C3%A9", "é", "?", "=", "&", ";", "+", "#", "\\", "'", '"', "<", "{", "\x01", "\x7f",
                                               str(2**63), "-1", "0", str(WORKSPACE), "1", "x" * 5000, *more]),
                              st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), max_size=8)), max_size=6).map("".join)


PATHS = st.one_of(
    st.sampled_from(list(OURS["paths"])).flatmap(lambda template: st.fixed_dictionaries(
        {name: st.one_of(st.just(str(WORKSPACE)), st.just("1"), pieces()) for name in ("workspace_id", "subscription_id", "project_id", "validation_code", "token")}).map(
            lambda values: template.format(**values))),
    pieces(BASE, "/api/v9", "/me", "/subscriptions", "/status").map(lambda text: "/" + text))
HEADERS = st.dictionaries(
    st.sampled_from(["CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_AUTHORIZATION", "REDIRECT_HTTP_AUTHORIZATION", "HTTP_X_FORWARDED_FOR", "REMOTE_ADDR", "HTTP_ORIGIN", "HTTP_HOST",
                     "HTTP_CONTENT_ENCODING", "HTTP_TRANSFER_ENCODING", "HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_COOKIE", "QUERY_STRING", "PATH_INFO", "SCRIPT_NAME", "HTTP_PROXY"]),
    st.one_of(st.sampled_from(["", "0", "-1", "5", "999999999999999999999", "application/json", "application/json; charset=utf-7", "Basic", "Basic Og==", "Basic Onw=", "Bearer x",
                               "127.0.0.1", "::1", "10.0.0.1, unknown, [::1]:99999", "gzip", "chunked", "DELETE", "TOKEN", "http://127.0.0.1:9/"]), pieces()), max_size=5)
JSONS = st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8)),
                     lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(
                         ["description", "url_callback", "event_filters", "entity", "action", "enabled", "secret", "x", "__proto__", ""]), inner, max_size=6)), max_leaves=12)
BODIES = st.one_of(st.binary(max_size=60), JSONS.map(lambda value: json.dumps(value).encode()),
                   st.sampled_from([b"", b"{}", b"[]", b"null", b"{", b"\xef\xbb\xbf{}", b'{"description":"\\ud800"}', b'{"description":"\\u0000","enabled":1e99999}', b'{"a":' * 100,
                                    b"[" * 70 + b"]" * 70, b'{"x":"' + b"y" * 70000 + b'"}', b'{"description":"a","description":[]}', b"{'a':1}", b'{"enabled":NaN}', b'{"a":1}{"b":2}',
                                    b'{"description":"x","event_filters":[{"entity":"*","action":"*"}],"url_callback":"http://127.0.0.1:1/"}']))


@pytest.mark.timeout(300)
@pytest.mark.foreign
def test_hostile_requests(site):
    """No 5xx, nothing that is not published, and nothing is left behind."""
    site.write_conf(**EAGER)
    set_up(site)
    ada = new_account(site)
    site.sql("update ledger.organization set hourly_requests = 1000000")

    @hypothesis.settings(max_examples=250, **SETTINGS)
    @hypothesis.given(st.one_of(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]), st.sampled_from(["get", "TRACE", "CONNECT", "", "\x01", "GET ", "é"])),
                      PATHS, HEADERS, BODIES, st.booleans())
    def ask(method, path, headers, body, is_known):
        if is_known:
            headers = {**headers, "HTTP_AUTHORIZATION": ada.authorization}
            if "CONTENT_TYPE" not in headers:
                headers["CONTENT_TYPE"] = "application/json"
        by_hand(site, method, path, body, **headers)

    ask()
    assert site.sql("select from ledger.subscription") == []
    assert site.sql("select count(*) from ledger.account") == [(1,)]
