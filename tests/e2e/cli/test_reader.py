# SPDX-License-Identifier: ISC
"""Logins of analysts: they read schema toggl, and can do nothing else that
matters. Made by an owner who is no superuser, as on a real host."""
import json
import re
import secrets

import psycopg
import pytest

from installation import wait_for

pytestmark = pytest.mark.plain

Denied = psycopg.errors.InsufficientPrivilege


def make_owned(site, *rights):
    """Gives the site a database of its own, of an owner with these rights."""
    cluster, name, password = site.cluster, site.database, secrets.token_hex(8)
    site.owner = name + "_owner"
    cluster.drop(name)
    with cluster.connect("postgres") as db:
        db.execute(f"create role {site.owner} login {' '.join(rights)} password '{password}'")
        db.execute(f"create database {name} owner {site.owner} template template0 encoding 'UTF8'")
    site.write_conf(database=f"{cluster.conninfo(name, site.owner)} password={password}", db_roles="yes", log_level="info")


@pytest.fixture
def owned(bare_site):
    site = bare_site
    # made by an administrator once: later owners may lack the right, or not be their admin
    with site.cluster.connect("postgres") as db:
        for name in ("receiver", "operator", "api", "courier", "admin", "reader"):
            if not db.execute("select from pg_roles where rolname = %s", [f"hookledger_{name}"]).fetchall():
                db.execute(f"create role hookledger_{name} nologin")
        db.execute("grant hookledger_reader to hookledger_operator")
    make_owned(site, "createrole")
    site.hookledger("migrate")
    site.logins = []
    yield site
    with site.cluster.connect("postgres") as db:
        db.execute(f'drop database "{site.database}" with (force)')
        for login in site.logins:
            db.execute(f"drop role if exists {login}")
        db.execute(f"drop role {site.owner}")


def add(site, *options):
    login = f"{site.database}_{secrets.token_hex(3)}"
    site.logins.append(login)
    return json.loads(site.hookledger("reader", "add", login, "--json", *options).stdout)


def connect(site, made):
    return psycopg.connect(f"{site.cluster.conninfo(made['database'], made['login'])} password={made['password']}", autocommit=True)


def refused(db, error, text):
    with pytest.raises(error):
        db.execute(text)


def test_reads_toggl_and_nothing_else(owned):
    site = owned
    site.hookledger("endpoint", "add", "--workspace", "7435584")
    site.hookledger("simulate", "--into-database", "--events", 300)
    with connect(site, add(site)) as db:
        assert db.execute("select count(*) > 0 from time_entry").fetchone() == (True,)
        names = [row[0] for row in db.execute("select oid::regclass::text from pg_class where relnamespace = 'toggl'::regnamespace"
                                              " and relkind in ('r', 'p', 'v', 'm')")]
        assert {"time_entry", "project", "workspace_user"} <= set(names)
        for name in names:
            db.execute(f"select * from {name} limit 5")
        assert db.execute("select p.oid::regprocedure::text from pg_proc p where p.pronamespace = 'toggl'::regnamespace"
                          " and not has_function_privilege(p.oid, 'execute')").fetchall() == []

        # as it is, and after it has made itself free to write
        for error in (psycopg.errors.ReadOnlySqlTransaction, Denied):
            for text in ("insert into tag (workspace_id, tag_id, changed_at, changed_event_id, payload_at, payload_event_id)"
                         " values (1, 1, now(), 1, now(), 1)", "update time_entry set description = ''", "delete from project",
                         "truncate client", "create table toggl.mine (x int)", "create table ledger.mine (x int)",
                         "create schema mine", "drop view toggl.time_entries", "alter table tag add x int"):
                refused(db, (error, Denied), text)
            db.execute("set default_transaction_read_only = off")

        for text in ("select * from ledger.event", "select * from ledger.endpoint_secret", "table ledger.migration",
                     "select * from receiver.keys()", "select * from operator.facts()", "select * from operator.secret_read(0, 9)",
                     "select ledger.reader_add('x', 'y', 1, 1)", "select rolpassword from pg_authid", "select * from pg_shadow",
                     "select pg_read_file('postgresql.conf')", "copy (select 1) to program 'true'", "copy tag to '/tmp/x'",
                     "set role hookledger_operator", f"set role {site.owner}", "create role x", f"alter role {site.owner} password 'x'",
                     "select query_to_xml('select * from ledger.endpoint_secret', true, true, '')",
                     "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postgres'"):
            refused(db, Denied, text)
        # what other sessions ask is not shown
        assert db.execute("select count(*) from pg_stat_activity where usename <> current_user and query not like '<insuff%'"
                          " and query <> ''").fetchone() == (0,)


def test_cannot_run_away(owned):
    made = add(owned, "--timeout", "1s", "--connections", "2")
    with connect(owned, made) as db:
        assert db.execute("show search_path").fetchone() == ("toggl",)
        assert db.execute("show idle_in_transaction_session_timeout").fetchone() == ("5min",)
        for text in ("select pg_sleep(60)", "select count(*) from generate_series(1, 1000000000000)",
                     "with recursive x as (select 1 as n union all select n + 1 from x) select max(n) from x"):
            refused(db, psycopg.errors.QueryCanceled, text)
        with connect(owned, made) as second:
            with pytest.raises(psycopg.OperationalError, match="too many connections"):
                connect(owned, made)
            second.execute("select 1")
        listed = {row["login"]: row for row in json.loads(owned.hookledger("reader", "list", "--json").stdout)["readers"]}
        assert listed[made["login"]]["statement_timeout"] == "1000" and listed[made["login"]]["connections_max"] == 2
        assert listed[made["login"]]["made_here"] is True
    wait_for(lambda: re.search(rf"^{made['login']} +1 s +0 of 2 +here$", owned.hookledger("reader", "list").stdout, re.M),
             "no connection")
    with connect(owned, add(owned, "--timeout", "0")) as db:
        assert db.execute("show statement_timeout").fetchone() == ("0",)


def test_nobody_sees_the_password(owned):
    """Not the server, however much it logs; and it is shown once."""
    owned.sql(f'alter database "{owned.database}" set log_statement = \'all\'')
    owned.sql(f'alter database "{owned.database}" set log_min_duration_statement = 0')
    login = owned.database + "_text"
    owned.logins.append(login)
    said = owned.hookledger("reader", "add", login).stdout
    password = said.split("password      ")[1].split("\n")[0]
    assert len(password) == 32 and login in said and "at most 60 s" in said and "at most 5" in said
    log = (owned.cluster.work / "postgresql.log").read_text(encoding="utf-8")
    assert "ledger.reader_add" in log and password not in log
    assert owned.sql("select left(rolpassword, 14) from pg_authid where rolname = %s", login) == [("SCRAM-SHA-256$",)]
    with psycopg.connect(f"{owned.cluster.conninfo(owned.database, login)} password={password}") as db:
        db.execute("select * from time_entry")


def test_remove(owned):
    made = add(owned)
    db = connect(owned, made)
    try:
        db.execute("select 1")
        said = owned.hookledger("reader", "remove", made["login"]).stdout
        assert made["login"] in said
        with pytest.raises(psycopg.OperationalError):
            db.execute("select 1")
    finally:
        db.close()
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        connect(owned, made)
    assert made["login"] not in owned.hookledger("reader", "list").stdout
    for words, problem in ((("remove", made["login"]), "there is no reader"), (("remove", owned.owner), "there is no reader"),
                           (("remove", "postgres"), "there is no reader"), (("remove", "x; drop role postgres"), "there is no reader")):
        assert problem in failed(owned, *words)


def failed(site, *words, status=1):
    done = site.hookledger("reader", *words, check=False)
    assert done.returncode == status and done.stdout == "" and done.stderr.count("\n") == 1 + (status == 2), (words, done)
    return done.stderr


def test_what_cannot_be(owned):
    site = owned
    for name in ("", "Analyst", "a b", "1st", "pg_x", "hookledger_x", "x" * 64, "x;y", "é", "x\"y"):
        assert "a login has 1 to 63" in failed(site, "add", name), name
    for name in ("none", "public"):
        assert f'keeps the name "{name}" for itself' in failed(site, "add", name)
    made = add(site)
    assert "there is a role" in failed(site, "add", made["login"])
    assert "there is a role" in failed(site, "add", "postgres")
    assert "connections are 1 to 1000" in failed(site, "add", "many", "--connections", "100000")
    assert "24 days" in failed(site, "add", "long", "--timeout", "900d")
    assert "needs NAME" in failed(site, "add", status=2)
    # made by hand: shown, and left alone
    hand = site.database + "_hand"
    site.logins.append(hand)
    site.sql(f"create role {hand} login in role hookledger_reader")
    assert re.search(rf"^{hand} +none +0 +by hand$", site.hookledger("reader", "list").stdout, re.M)
    assert "was not made by" in failed(site, "remove", hand)
    # one that has something elsewhere
    site.sql(f"create schema of_it; alter schema of_it owner to {made['login']}")
    assert f"drop owned by {made['login']}" in failed(site, "remove", made["login"])
    assert made["login"] in site.hookledger("reader", "list").stdout
    with connect(site, made):
        pass


def test_an_owner_who_may_not(owned):
    site = owned
    with site.cluster.connect("postgres") as db:
        db.execute(f"alter role {site.owner} nocreaterole")
    problem = failed(site, "add", "x")
    assert "may not make or remove roles" in problem and f"alter role {site.owner} createrole" in problem


def test_a_database_without_roles(bare_site):
    """Whatever roles other databases of the server have."""
    bare_site.write_conf(log_level="info")
    problem = failed(bare_site, "add", "x")
    assert "no role hookledger_reader" in problem and "db_roles = yes" in problem and "For analysts" in problem


def test_without_a_role(bare_site):
    """What doc/operate.md shows for a host that allows one login only."""
    site = bare_site
    options = "-c default_transaction_read_only=on -c search_path=toggl -c statement_timeout=1s"
    with psycopg.connect(site.cluster.conninfo(site.database), options=options, autocommit=True) as db:
        db.execute("select * from time_entry")
        refused(db, psycopg.errors.ReadOnlySqlTransaction, "delete from time_entry")
        refused(db, psycopg.errors.QueryCanceled, "select pg_sleep(60)")
