# SPDX-License-Identifier: ISC
"""hookledger connected to Toggl, which another hookledger plays."""
import json

import pytest

from installation import BUILD, WORKSPACE, wait_for
from toggl_server import connect, later, listed

pytestmark = pytest.mark.plain


def fill(toggl, projects=3):
    """Entities that Toggl had before, sent through a separate endpoint."""
    site = toggl.site
    site.add_endpoint()
    for number in range(projects):
        body = site.event(model="project", payload={"id": 100 + number, "workspace_id": WORKSPACE, "name": f"P{number}", "active": True,
                                                    "is_private": False, "client_id": 7, "at": "2024-05-06T07:08:09Z"})
        assert site.send(body).status == 200
    for model, payload in (("client", {"id": 7, "wid": WORKSPACE, "name": "C \u23f1", "at": "2023-01-02T03:04:05Z"}),
                           ("tag", {"id": 7, "workspace_id": WORKSPACE, "name": "T"}),
                           ("task", {"id": 9, "workspace_id": WORKSPACE, "project_id": 100, "name": "K", "active": True}),
                           ("workspace_user", {"id": 5, "user_id": 9000001, "workspace_id": WORKSPACE, "name": "Ada", "rate": 12.5}),
                           ("workspace", {"id": WORKSPACE, "name": "Acme", "api_token": "s3cret"})):
        assert site.send(site.event(model=model, payload=payload)).status == 200


def tables(site):
    return {model: site.sql(f"select to_jsonb(t) - 'changed_at' - 'changed_event_id' - 'payload_at' - 'payload_event_id' - 'changed_by' "
                            f"from toggl.{model} t order by 1::text")
            for model in ("project", "client", "tag", "task", "workspace", "workspace_user")}


def test_connect_from_nothing(us, toggl):
    fill(toggl)
    said = connect(us, toggl.token).stdout
    assert "Connected as Ada" in said and "Proposed filters: everything\n" in said and "brings everything\n" in said, said
    (number, description, url, filters, enabled, validated), = toggl.subscriptions()
    assert (description, filters, enabled, validated) == ("hookledger", ["*.*"], True, True)
    assert url.startswith(us.url + "/hook/")
    one, = listed(us)
    assert (one["subscription_id"], one["state"], one["mend"]) == (str(number), "well", None)
    assert us.hookledger("toggl", "plan", WORKSPACE).stdout.startswith("Nothing is left to subscribe to")
    assert json.loads(us.hookledger("toggl", "plan", WORKSPACE, "--json").stdout)["proposals"] == []
    unknown = us.hookledger("toggl", "plan", 999, check=False)
    assert unknown.returncode == 1 and "no connected Toggl user is known to be in workspace 999" in unknown.stderr
    # names are there from the first hour, without what is secret
    assert us.sql("select name, client_id from toggl.project order by project_id") == [("P0", 7), ("P1", 7), ("P2", 7)]
    assert us.sql("select name from toggl.client union all select name from toggl.tag union all select name from toggl.task "
                  "union all select name from toggl.workspace_user union all select name from toggl.workspace") == [
        ("C \u23f1",), ("T",), ("K",), ("Ada",), ("Acme",)]
    assert not us.sql("select from ledger.event where body::text ~ 's3cret'")
    # the token is nowhere in the clear
    assert not us.sql("select from ledger.toggl_connection c where position(%s::bytea in c.token_sealed) > 0", toggl.token.encode())
    # an event reaches us
    assert toggl.site.send(toggl.site.event(model="tag")).status == 200


def test_what_is_loaded_is_of_the_ledger(us, toggl):
    fill(toggl)
    connect(us, toggl.token)
    before = tables(us)
    assert us.sql("select source, count(*) from ledger.event group by 1") == [("backfill", 8)]
    assert us.sql("select count(*) from ledger.event where event_id >= 0") == [(0,)]
    assert json.loads(us.hookledger("verify", "--json").stdout) == {"genuine": 8, "false": 0, "unknown": 0, "forgotten": 0}
    us.sql("truncate toggl.project, toggl.client, toggl.tag, toggl.task, toggl.workspace, toggl.workspace_user")
    us.hookledger("rebuild", "--restart")
    assert tables(us) == before
    # again: nothing is new, so nothing is recorded
    us.hookledger("toggl", "load")
    assert us.sql("select count(*) from ledger.event") == [(8,)]
    # and nothing of it is passed on
    assert us.sql("select count(*) from ledger.outbox") == [(0,)]


def test_a_later_event_wins_over_what_is_loaded(us, toggl):
    fill(toggl, projects=1)
    connect(us, toggl.token)
    address, = us.sql("select e.address from ledger.endpoint e where e.enabled")[0]
    secret = json.loads(us.hookledger("endpoint", "rotate", us.sql("select endpoint_id from ledger.endpoint where enabled")[0][0],
                                      "--json").stdout)["secret"]
    body = us.event(model="project", action="updated",
                    payload={"id": 100, "workspace_id": WORKSPACE, "name": "renamed", "at": "2024-05-06T07:08:09Z"})
    assert us.send(body, address=address, secret=secret).status == 200
    us.hookledger("toggl", "load")
    assert us.sql("select name from toggl.project") == [("renamed",)]


def test_loading_waits_for_the_quota(us, toggl):
    fill(toggl)
    connect(us, toggl.token, "--no-load")
    user, organization = toggl.used()
    toggl.limit(organization + 3)
    done = us.hookledger("toggl", "load", check=False)
    assert done.returncode == 1 and "is spent" in done.stderr and "toggl continue" in done.stderr, done.stderr
    assert toggl.used()[1] == organization + 3
    # not one request more until the window starts again
    assert us.hookledger("toggl", "load", check=False).returncode == 1
    assert us.hookledger("toggl", "ping", listed(us)[0]["subscription_id"], check=False).returncode == 1
    assert toggl.used()[1] == organization + 3
    toggl.later()
    later(us)
    toggl.limit(600)
    assert us.hookledger("toggl", "continue").returncode == 0
    assert us.sql("select count(*) from toggl.project") == [(3,)]
    assert us.sql("select count(*), count(distinct (model, entity_id)) from ledger.event") == [(8, 8)]


def test_the_free_plan(us, toggl):
    toggl.site.hookledger("organization", "set", toggl.organization, "--plan", "free")
    said = connect(us, toggl.token, "--no-load").stdout
    assert "1 subscription with 3 filters" in said, said
    # what comes already needs no request to be refused
    used = toggl.used()
    done = us.hookledger("toggl", "add", "--workspace", WORKSPACE, "--filters", "tag:*,project:created", check=False)
    assert done.returncode == 1 and "bring all of that already" in done.stderr and toggl.used() == used, done.stderr
    us.hookledger("toggl", "edit", listed(us)[0]["subscription_id"], "--filters", "time_entry:*")
    done = us.hookledger("toggl", "add", "--workspace", WORKSPACE, "--filters", "tag:*", check=False)
    assert done.returncode == 1 and "already reached the limit of 1" in done.stderr and "toggl list" in done.stderr
    assert len(toggl.subscriptions(True)) == 1
    # the endpoint that was made for it is gone again
    assert us.sql("select count(*) from ledger.endpoint") == [(1,)]


def test_two_that_look_at_the_same_moment(us, toggl):
    """Neither sees that the other begins: they have to wait for one another."""
    connect(us, toggl.token, "--no-subscription", "--no-load")
    with us.cluster.connect(us.database) as held:
        held.autocommit = False
        held.execute("select from ledger.toggl_workspace for update")
        children = [us.spawn(f"add{n}", [BUILD / "hookledger", "toggl", "add", "--workspace", str(WORKSPACE)]) for n in range(2)]
        wait_for(lambda: us.sql("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") == [(2,)],
                 "both to wait")
        held.rollback()
    assert sorted(child.wait(60) for child in children) == [0, 1], us.all_logs()
    for child in children:
        us.processes.remove(child)
    assert len(toggl.subscriptions()) == 1
    assert us.sql("select count(*) from ledger.toggl_job where kind = 'subscribe'") == [(1,)]


def test_own_filters_and_their_mistakes(us, toggl):
    connect(us, toggl.token, "--filters", "time_entry:*, project:created", "--no-load")
    assert toggl.subscriptions()[0][3] == ["time_entry.*", "project.created"]
    number = listed(us)[0]["subscription_id"]
    us.hookledger("toggl", "edit", number, "--filters", "tag:*", "--description", "tags only")
    assert toggl.subscriptions()[0][1:4] == ("tags only", listed(us)[0]["url"], ["tag.*"])
    assert listed(us)[0]["state"] == "well"
    done = us.hookledger("toggl", "edit", number, "--filters", "tag", check=False)
    assert done.returncode == 1 and "time_entry:*" in done.stderr
    done = us.hookledger("toggl", "edit", number, "--filters", "tag:painted", check=False)
    assert done.returncode == 1 and "Invalid value 'painted'" in done.stderr
    assert toggl.subscriptions()[0][3] == ["tag.*"]


def test_a_wrong_token(us, toggl):
    done = connect(us, "nonsense", check=False)
    assert done.returncode == 1 and "does not know this API token" in done.stderr, done.stderr
    assert "nonsense" not in done.stdout + done.stderr
    assert us.sql("select count(*) from ledger.toggl_connection where token_sealed is not null") == [(0,)]


@pytest.mark.parametrize("change, words", [
    ({"public_url": "http://127.0.0.1:1"}, "nothing takes connections"),
    ({"public_url": "http://nowhere.invalid"}, "DNS entry"),
    ({"base_path": "/hook"}, "public_url and base_path"),
], ids=["refused", "dns", "path"])
def test_a_handshake_that_fails(us, toggl, change, words):
    us.write_conf(**change)
    done = connect(us, toggl.token, check=False)
    assert done.returncode == 1 and "could not use the callback address" in done.stderr and words in done.stderr, done.stderr
    assert toggl.subscriptions() == []
    assert us.sql("select count(*) from ledger.endpoint") == [(0,)]
    # and then it works
    us.write_conf(public_url=us.url, base_path=None)
    us.hookledger("toggl", "add", "--workspace", WORKSPACE)
    assert listed(us)[0]["state"] == "well"


def test_differences_are_seen_and_mended(us, toggl):
    us.write_conf(toggl_repair="no")
    connect(us, toggl.token, "--no-load")
    number = listed(us)[0]["subscription_id"]
    where = "where subscription_id = " + number

    def state():
        us.hookledger("toggl", "refresh")
        return [one["state"] for one in listed(us)]

    toggl.site.sql(f"update ledger.subscription set enabled = false {where}")
    assert state() == ["disabled"]
    assert us.hookledger("toggl", "check", check=False).returncode == 1
    us.hookledger("toggl", "repair", number)
    assert toggl.subscriptions()[0][4:] == (True, True) and state() == ["well"]

    toggl.site.sql(f"update ledger.subscription set validated_at = null {where}")
    assert state() == ["unvalidated"]
    us.hookledger("toggl", "validate", number)
    assert state() == ["well"]

    toggl.site.sql(f"update ledger.subscription set filters = '{{tag.*}}', event_filters = '[{{\"entity\": \"tag\", \"action\": \"*\"}}]' {where}")
    assert state() == ["filters"]
    us.hookledger("toggl", "repair")
    assert toggl.subscriptions()[0][3] == ["*.*"] and state() == ["well"]

    ours = toggl.subscriptions()[0][2]
    toggl.site.sql(f"update ledger.subscription set url_callback = 'http://elsewhere.invalid/' {where}")
    assert state() == ["url"]
    us.hookledger("toggl", "repair", number)
    assert toggl.subscriptions()[0][2] == ours and state() == ["well"]

    toggl.site.sql(f"update ledger.subscription set deleted_at = now() {where}")
    assert state() == ["missing"]
    us.hookledger("toggl", "repair", number)
    assert state() == ["well"] and toggl.subscriptions()[0][2] == ours


def test_the_owner_moves(us, toggl):
    """Another public_url: a repair gives it to Toggl, which validates the new address."""
    connect(us, toggl.token, "--no-load")
    before = toggl.subscriptions()[0][2]
    us.write_conf(public_url=us.url.replace("127.0.0.1", "localhost"))
    toggl.site.write_conf(allowed_networks="127.0.0.1, ::1")
    us.hookledger("toggl", "repair")
    after, validated = toggl.subscriptions()[0][2], toggl.subscriptions()[0][5]
    assert (after, validated) == (before.replace("127.0.0.1", "localhost"), True) and after != before
    assert [one["state"] for one in listed(us)] == ["well"]


def test_the_check_repairs_only_when_it_may(us, toggl):
    us.write_conf(toggl_repair="no")
    connect(us, toggl.token, "--no-load")
    toggl.site.sql("update ledger.subscription set enabled = false")
    assert us.hookledger("toggl", "check", check=False).returncode == 1
    assert toggl.subscriptions()[0][4] is False
    us.write_conf(toggl_repair="yes")	# as by default
    assert us.hookledger("toggl", "check").returncode == 0
    assert toggl.subscriptions()[0][4:] == (True, True)


def test_enable_disable_ping_delete(us, toggl):
    connect(us, toggl.token, "--no-load")
    number = listed(us)[0]["subscription_id"]
    us.hookledger("toggl", "disable", number)
    assert toggl.subscriptions()[0][4] is False and listed(us)[0]["state"] == "off"
    us.hookledger("toggl", "enable", number)
    assert toggl.subscriptions()[0][4] is True and listed(us)[0]["state"] == "well"
    us.hookledger("toggl", "ping", number)
    us.hookledger("toggl", "delete", number)
    assert toggl.subscriptions() == [] and listed(us) == []
    assert us.sql("select count(*) from ledger.endpoint where enabled") == [(0,)]


def test_rotation_keeps_the_old_secret_for_a_day(us, toggl):
    connect(us, toggl.token, "--no-load")
    number = listed(us)[0]["subscription_id"]
    us.hookledger("toggl", "rotate", number)
    assert us.sql("select count(*), count(*) filter (where valid_until < 'infinity') from ledger.endpoint_secret") == [(2, 1)]
    # Toggl signs with the new one: the ping is taken
    us.hookledger("toggl", "ping", number)
    toggl.site.sql("update ledger.subscription set validated_at = null")
    us.sql("update ledger.endpoint_secret set revoked_at = now() where valid_until < 'infinity'")
    us.hookledger("toggl", "validate", number)
    assert toggl.subscriptions()[0][5] is True


def test_adopt_one_that_was_made_elsewhere(us, toggl, shared_cluster):
    us.add_endpoint(secret="made-elsewhere")
    made = toggl.ada.subscribe(us.endpoint["callback_url"].replace("/hook/", "/hook/x"), description="old")
    assert made.status == 400
    made = toggl.ada.subscribe(us.endpoint["callback_url"], description="old", secret="made-elsewhere")
    assert made.status == 200, made
    # of the address of an endpoint of ours it is ours already; of another it is unknown
    us.sql("update ledger.endpoint set address = repeat('z', 40)")
    connect(us, toggl.token, "--no-load", "--no-subscription")
    one, = listed(us)
    assert one["state"] == "unknown" and one["mend"] == f"toggl adopt {one['subscription_id']}"
    us.hookledger("toggl", "adopt", one["subscription_id"])
    assert listed(us)[0]["state"] == "well" and toggl.subscriptions()[0][4:] == (True, True)
    us.hookledger("toggl", "ping", one["subscription_id"])


def test_a_new_token_of_the_same_user(us, toggl):
    connect(us, toggl.token, "--no-load")
    token = json.loads(toggl.site.hookledger("account", "rotate", toggl.ada.account_id, "--json").stdout)["api_token"]
    done = us.hookledger("toggl", "refresh", check=False)
    assert done.returncode == 1 and "refuses the API token" in done.stderr
    connect(us, token, "--no-load", "--no-subscription")
    assert us.sql("select count(*) from ledger.toggl_connection") == [(1,)]
    assert us.hookledger("toggl", "refresh").returncode == 0


def test_disconnect_and_a_new_master_key(us, toggl):
    connect(us, toggl.token, "--no-load")
    old = us.settings["master_key"]
    us.write_conf(master_key="ab" * 32, master_key_previous=old)
    us.hookledger("reseal")
    us.write_conf(master_key_previous=None)
    assert us.hookledger("toggl", "refresh").returncode == 0
    said = us.hookledger("toggl", "disconnect").stdout
    assert "1 subscription of ours stays" in said
    done = us.hookledger("toggl", "refresh", check=False)
    assert done.returncode == 1 and "hookledger connect" in done.stderr


def test_quota_is_shown_as_toggl_has_it(us, toggl):
    connect(us, toggl.token, "--no-load")
    us.hookledger("toggl", "quota", "--refresh")
    rows = json.loads(us.hookledger("toggl", "quota", "--json").stdout)["windows"]
    user, organization = toggl.used()
    left = {row["organization_id"]: row["remaining"] for row in rows}
    assert left == {"0": 30 - user, toggl.organization: 600 - organization}
    wait_for(lambda: us.sql("select count(*) from ledger.toggl_job where finished_at is null") == [(0,)], "no job to be open")
