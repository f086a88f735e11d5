# SPDX-License-Identifier: ISC
"""Organizations, workspaces, accounts, subscriptions and addresses for web-cron
by command line: what they do, what they refuse, and that tokens and secrets are
shown once and are nowhere else."""
import json
import re
import subprocess

import pytest

import web_servers
from api_client import BASE, USER, Client, account, set_up
from installation import WORKSPACE, runs_as

pytestmark = pytest.mark.plain

SUBSCRIPTIONS = f"{BASE}/subscriptions/{WORKSPACE}"


def listed(site, *words):
    found = json.loads(site.hookledger(*words, "--json").stdout)
    assert len(found) == 1
    return next(iter(found.values()))


def words_of(site, status, *words, stdin=None):
    """What the command says when it refuses."""
    done = site.hookledger(*words, check=False, stdin=stdin)
    assert done.returncode == status and not done.stdout, (words, done)
    return "\n".join(line for line in done.stderr.splitlines() if not line.startswith("ts="))


# ---- what is refused

LONG = "x" * 201
REFUSED = [
    (2, ("organization", "add"), "needs NAME"),
    (1, ("organization", "add", ""), "a name has 1 to 200 characters"),
    (1, ("organization", "add", LONG), "a name has 1 to 200 characters"),
    (1, ("organization", "add", "x", "--plan", "gold"), "there is no plan \"gold\"; free, starter, premium and enterprise are"),
    (1, ("organization", "add", "x", "--id", "1"), "organization 1 exists already"),
    (2, ("organization", "add", "x", "--id", "0"), "must be a whole number above 0"),
    (2, ("organization", "set", "1"), "nothing to change"),
    (2, ("organization", "set", "x", "--plan", "free"), "must be a whole number above 0"),
    (1, ("organization", "set", "4711", "--plan", "free"), "there is no organization 4711"),
    (1, ("organization", "set", "1", "--plan", "gold"), "there is no plan"),
    (1, ("organization", "set", "1", "--webhooks", "10001"), "webhooks and filters are numbers up to 10000"),
    (1, ("organization", "set", "1", "--requests", "99999999999"), "requests up to 100000000"),
    (1, ("organization", "set", "1", "--user-requests", "100000001"), "requests up to 100000000"),
    (1, ("organization", "add", "x", "--user-requests", "100000001"), "a number up to 100000000"),
    (2, ("organization", "set", "1", "--filters", "-1"), "must be a whole number"),
    (2, ("workspace", "add", "7"), "--organization ID"),
    (2, ("workspace", "add", "0", "--organization", "1"), "must be a whole number above 0"),
    (2, ("workspace", "add", "9223372036854775808", "--organization", "1"), "must be a whole number above 0"),
    (1, ("workspace", "add", "7", "--organization", "4711"), "there is no organization 4711"),
    (2, ("account", "add", "x"), "--user ID"),
    (2, ("account", "add", "x", "--user", "0"), "must be a whole number above 0"),
    (1, ("account", "add", "", "--user", "1"), "a name has 1 to 200 characters"),
    (1, ("account", "add", "x", "--user", "1", "--zone", "Mars/Olympus"), "there is no time zone \"Mars/Olympus\""),
    (1, ("account", "add", "x", "--user", "1", "--zone", "posix/../etc"), "there is no time zone"),
    (1, ("account", "add", "x", "--user", "1", "--email", "x" * 321), "an e-mail address up to 320"),
    (2, ("account", "set", "1"), "nothing to change"),
    (1, ("account", "set", "1", "--name", ""), "a name has 1 to 200 characters"),
    (1, ("account", "set", "1", "--zone", "CET-"), "there is no time zone"),
    (2, ("account", "grant", "1"), "needs ID WORKSPACE_ID"),
    (1, ("account", "grant", "1", "4711"), "workspace 4711 is not served yet"),
    (1, ("account", "grant", "4711", str(WORKSPACE)), "there is no account 4711"),
    (1, ("account", "revoke", "1", "4711"), "account 1 has no access to workspace 4711"),
    *[(1, ("account", word, "4711"), "there is no account 4711") for word in ("enable", "disable", "rotate", "quota", "quota-reset")],
    (1, ("account", "set", "4711", "--name", "x"), "there is no account 4711"),
    *[(2, ("account", word, "x"), "must be a whole number above 0") for word in ("set", "enable", "disable", "rotate", "quota", "quota-reset")],
    *[(1, ("subscription", word, "4711"), "there is no subscription 4711") for word in ("enable", "disable", "rotate", "delete")],
    (2, ("subscription", "set", "x", "--valid"), "must be a whole number above 0"),
    *[(2, ("subscription", word, "x"), "must be a whole number above 0") for word in ("enable", "disable", "rotate", "delete")],
    *[(2, ("subscription", word), "needs ID") for word in ("set", "enable", "disable", "rotate", "delete")],
    (2, ("subscription", "list", "--workspace", "x"), "must be a whole number above 0"),
    (2, ("subscription", "set", "1"), "nothing to change"),
    (1, ("subscription", "set", "1", "--parallel", "257"), "parallel is a number from 1 to 256, rate one from 0.001 to 1000000"),
    (1, ("subscription", "set", "1", "--parallel", "99999"), "parallel is a number from 1 to 256"),
    (2, ("subscription", "set", "1", "--parallel", "0"), "must be a whole number above 0"),
    *[(1, ("subscription", "set", "1", "--rate", rate), "rate one from 0.001 to 1000000") for rate in ("0", "-1", "x", "1e999", "nan")],
    (1, ("subscription", "rotate", "1", "--keep", "400d"), "for a year at most"),
    (2, ("subscription", "rotate", "1", "--secret-file", "/nowhere"), "/nowhere cannot be read"),
    (1, ("tick", "add", ""), "a name has 1 to 200 characters"),
    (1, ("tick", "remove", "4711"), "there is no tick address 4711"),
    (2, ("tick", "remove", "x"), "must be a whole number above 0"),
]


@pytest.fixture
def peopled(bare_site):
    """Numbers of everything begin with 1."""
    site = bare_site
    assert set_up(site) == "1"
    ada = account(site)
    assert ada.account_id == "1"
    site.sql("""insert into ledger.subscription (workspace_id, account_id, description, url_callback, filters, event_filters, secret_sealed, enabled, validation_code)
                values (%s, 1, 'by hand', 'https://example.org/', '{*.*}', '[{"entity":"*","action":"*"}]', '', true, 'x')""", WORKSPACE)
    site.ada = ada
    return site


def state(site):
    tables = ("organization", "workspace", "account", "member", "subscription", "tick")
    return [site.sql(f"select to_jsonb(t) from ledger.{table} t order by 1") for table in tables]


def test_what_is_refused(peopled):
    before = state(peopled)
    for status, words, wanted in REFUSED:
        said = words_of(peopled, status, *words)
        assert said.startswith("hookledger: ") and wanted in said, (words, said)
        assert "violates" not in said and "ERROR" not in said
    assert state(peopled) == before
    for empty in ("", "x" * 257):
        assert "a secret has 1 to 256 bytes" in words_of(peopled, 2, "subscription", "rotate", "1", "--secret-file", "-", stdin=empty)
    assert state(peopled) == before


def test_what_editors_add_to_a_secret_is_left_out(bare_site):
    """A byte order mark, blanks, Windows' line ends, further lines; and it is said."""
    plain = bare_site.add_endpoint(secret="made-elsewhere")
    assert plain["secret"] == "made-elsewhere" if "secret" in plain else True
    for text, words in (("made-elsewhere\r\n", ""), ("made-elsewhere\n\n", ""), ("\ufeffmade-elsewhere", "a byte order mark, "),
                        (" made-elsewhere \n", "blanks around it, "), ("made-elsewhere\nand more\n", "further lines, ")):
        done = bare_site.hookledger("endpoint", "rotate", plain["endpoint_id"], "--secret-file", "-", stdin=text)
        assert (f"note: {words}left out of the secret" in done.stderr) == bool(words), (text, done.stderr)
    body = bare_site.event()
    bare_site.endpoint = {**plain, "secret": "made-elsewhere"}
    web_servers.lighttpd_spawned(bare_site)
    assert bare_site.send(body).status == 200


def test_every_command_explains_itself(bare_site):
    for group in ("organization", "workspace", "account", "subscription", "tick"):
        names = re.findall(rf"^  ({group} [a-z-]+)", bare_site.hookledger("--help").stdout, re.M)
        assert len(names) >= 2
        for name in names:
            assert name in bare_site.hookledger(*name.split(), "--help").stdout


# ---- what is done

def test_organizations_and_workspaces(bare_site):
    site = bare_site
    assert site.hookledger("organization", "add", "Acme").stdout == "Organization 1 is made.\n"
    for name in ("Ümläut \x1b[2J", "a\u202eb", "a\u200bb", "a\u2028b", "a\nb"):
        assert "must not have control characters" in site.hookledger("organization", "add", name, check=False).stderr
    assert site.hookledger("organization", "add", "Ümläut <b>", "--id", 500, "--plan", "enterprise").stdout == "Organization 500 is made.\n"
    assert site.hookledger("organization", "add", "behind it", "--plan", "starter").stdout == "Organization 501 is made.\n"
    plans = {one["organization_id"]: (one["plan"], one["max_webhooks"], one["max_filters"], one["hourly_requests"], one["user_requests"])
             for one in listed(site, "organization", "list")}
    # enterprise unless said otherwise, with numbers that nobody reaches; the others have Toggl's
    million = 1000000
    assert plans == {"1": ("enterprise", 10, 50, million, million), "500": ("enterprise", 10, 50, million, million), "501": ("starter", 2, 6, 240, 30)}
    site.write_conf(enterprise_requests=7000, enterprise_user_requests=700)
    site.hookledger("organization", "add", "by the settings", "--id", 600)
    site.hookledger("organization", "add", "and by hand", "--id", 601, "--user-requests", 0)
    site.hookledger("organization", "set", 501, "--plan", "enterprise", "--requests", 9)
    site.write_conf(enterprise_requests=None, enterprise_user_requests=None)
    found = {one["organization_id"]: (one["hourly_requests"], one["user_requests"]) for one in listed(site, "organization", "list")}
    assert [found[number] for number in ("1", "600", "601", "501")] == [(million, million), (7000, 700), (7000, 0), (9, 700)]
    for number in (600, 601):
        site.sql("delete from ledger.organization where organization_id = %s", number)
    site.hookledger("organization", "set", 1, "--plan", "free")
    site.sql("update ledger.organization set name = 'older' || chr(27) || '[2J' where organization_id = 500")
    assert "\x1b" not in site.hookledger("organization", "list").stdout
    site.hookledger("organization", "set", 1, "--webhooks", 0, "--requests", 5)
    site.hookledger("organization", "set", 1, "--filters", 9)
    found = listed(site, "organization", "list")[0]
    assert (found["plan"], found["max_webhooks"], found["max_filters"], found["hourly_requests"]) == ("free", 0, 9, 5)
    site.hookledger("organization", "set", 1, "--plan", "premium", "--filters", 20)
    found = listed(site, "organization", "list")[0]
    assert (found["plan"], found["max_webhooks"], found["max_filters"], found["hourly_requests"]) == ("premium", 3, 20, 600)
    site.hookledger("workspace", "add", WORKSPACE, "--organization", 1)
    site.hookledger("workspace", "add", 2**63 - 1, "--organization", 1)
    site.hookledger("workspace", "add", WORKSPACE, "--organization", 500)
    assert [(one["workspace_id"], one["organization_id"]) for one in listed(site, "workspace", "list")] == [(str(WORKSPACE), "500"), (str(2**63 - 1), "1")]
    assert [one["workspaces"] for one in listed(site, "organization", "list")] == [1, 1, 0]


def test_accounts(peopled):
    site, ada = peopled, peopled.ada
    site.hookledger("account", "set", 1, "--name", "Ada L", "--email", "ada@example.org", "--zone", "America/New_York")
    found = listed(site, "account", "list")
    assert len(found) == 1 and {**found[0], "seen_at": 0} == {
        "account_id": "1", "name": "Ada L", "user_id": str(USER), "email": "ada@example.org", "time_zone": "America/New_York", "enabled": True,
        "workspaces": f"{WORKSPACE} (admin)", "subscriptions": 1, "seen_at": 0}
    site.hookledger("account", "set", 1, "--email", "")
    site.hookledger("account", "grant", 1, WORKSPACE)
    found = listed(site, "account", "list")[0]
    assert (found["email"], found["workspaces"]) == (None, str(WORKSPACE))
    site.hookledger("account", "disable", 1)
    assert listed(site, "account", "list")[0]["enabled"] is False
    assert "no " in site.hookledger("account", "list").stdout
    site.hookledger("account", "enable", 1)
    site.hookledger("account", "revoke", 1, WORKSPACE)
    assert listed(site, "account", "list")[0]["workspaces"] is None
    assert ada.token not in site.hookledger("account", "list").stdout
    # the windows that are open
    site.sql("insert into ledger.quota values (1, 0, ledger.clock(), 3), (1, 1, ledger.clock() - interval '59 minutes', 5), (1, 99, ledger.clock() - interval '61 minutes', 7)")
    assert [(one["organization_id"], one["used"], one["total"]) for one in listed(site, "account", "quota", 1)] == [("0", 3, 30), ("1", 5, 600)]
    assert site.hookledger("account", "quota-reset", 1).stdout == "3 windows of account 1 begin anew with the next request.\n"
    assert listed(site, "account", "quota", 1) == []


def test_subscriptions(api_site, subscriber):
    site, ada = api_site, account(api_site)
    made = ada.subscribe(subscriber.url, "one", secret="first").json()
    number = made["subscription_id"]
    found = listed(site, "subscription", "list", "--workspace", WORKSPACE)
    assert [(one["subscription_id"], one["description"], one["filters"], one["enabled"], one["waiting"]) for one in found] == [(str(number), "one", "time_entry.*", True, 0)]
    assert found[0]["validated_at"] and listed(site, "subscription", "list", "--workspace", WORKSPACE + 1) == []
    site.hookledger("subscription", "disable", number)
    assert listed(site, "subscription", "list")[0]["disabled_reason"] == "operator"
    assert ada.get(SUBSCRIPTIONS).json()[0]["enabled"] is False
    site.hookledger("subscription", "enable", number)
    assert ada.get(SUBSCRIPTIONS).json()[0]["enabled"] is True and listed(site, "subscription", "list")[0]["disabled_reason"] is None
    site.sql("update ledger.subscription set validated_at = null")
    site.hookledger("subscription", "set", number, "--parallel", 256, "--rate", "0.5", "--valid")
    assert site.sql("select parallel, rate_per_second, validated_at is not null from ledger.subscription") == [(256, 0.5, True)]
    # a secret that was made up is said once, one that was given not at all
    rotated = json.loads(site.hookledger("subscription", "rotate", number, "--json").stdout)
    assert ada.get(SUBSCRIPTIONS).json()[0]["secret"] == rotated["secret"]
    given = site.hookledger("subscription", "rotate", number, "--secret-file", "-", "--keep", "1h", stdin="made elsewhere")
    assert "made elsewhere" not in given.stdout and ada.get(SUBSCRIPTIONS).json()[0]["secret"] == "made elsewhere"
    assert site.sql("select secret_before_until - ledger.clock() between interval '59 minutes' and interval '1 hour' from ledger.subscription") == [(True,)]
    site.hookledger("subscription", "rotate", number, "--keep", "0")
    assert site.sql("select secret_before_sealed, secret_before_until from ledger.subscription") == [(None, None)]
    site.hookledger("subscription", "delete", number)
    assert listed(site, "subscription", "list") == [] and ada.get(SUBSCRIPTIONS).json() == []
    assert [one["subscription_id"] for one in listed(site, "subscription", "list", "--all")] == [str(number)]
    assert "there is no subscription" in words_of(site, 1, "subscription", "delete", number)


def test_tokens_and_secrets_are_nowhere_else(api_site, subscriber):
    """Not in a dump of the database, not in a log, not in the list of processes' words."""
    site = api_site
    ada = account(site, "Ada")
    before = ada.token
    said = site.hookledger("account", "rotate", ada.account_id).stdout
    token = re.search(r"API token +(\S+)", said)[1]
    assert len(token) >= 32 and token != before
    ada = Client(site, token)
    made = ada.subscribe(subscriber.url, "one").json()
    rotated = json.loads(site.hookledger("subscription", "rotate", made["subscription_id"], "--json").stdout)["secret"]
    address = site.hookledger("tick", "add", "cron").stdout
    tick = re.search(r"/tick/(\S+)", address)[1]
    assert address.count(tick) == 1 and f"{site.url}/tick/{tick}" in address
    assert ada.call("POST", f"{BASE}/ping/{WORKSPACE}/{made['subscription_id']}").status == 200
    assert Client(site, before).get(SUBSCRIPTIONS).status == 403
    for words in (("account", "list"), ("subscription", "list", "--all"), ("tick", "list"), ("organization", "list"), ("conf", "--show"), ("doctor",)):
        for form in ((), ("--json",)):
            out = site.hookledger(*words, *form, check=False)
            assert not any(secret in out.stdout + out.stderr for secret in (before, token, made["secret"], rotated, tick)), words
    dump = subprocess.run([f"{site.cluster.bin}/pg_dump", "-h", site.cluster.sockets, "-U", "postgres", site.database], capture_output=True, check=True, **runs_as()).stdout
    logs = "".join(path.read_text(encoding="utf-8", errors="replace") for path in [*site.logs.iterdir(), site.cluster.work / "postgresql.log"])
    assert len(dump) > 100_000 and b"COPY ledger.account" in dump and "db_connected" in logs
    for secret in (before, token, made["secret"], rotated, tick):
        assert secret.encode() not in dump and secret.encode().hex().encode() not in dump and secret not in logs
    # and the API shows the secret to its maker only
    other = account(site, "Other", USER + 1)
    assert rotated not in other.get(SUBSCRIPTIONS).body.decode() and rotated in ada.get(SUBSCRIPTIONS).body.decode()
    site.hookledger("tick", "remove", listed(site, "tick", "list")[0]["tick_id"])
    assert listed(site, "tick", "list") == []
