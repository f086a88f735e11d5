# SPDX-License-Identifier: ISC
"""Tables, views and queries of schema toggl as files: every format is read back
and compared; what is broken off never looks whole; a query can do no harm."""
import contextlib
import csv
import decimal
import fcntl
import io
import json
import os
import pathlib
import pty
import re
import secrets
import signal
import struct
import subprocess
import termios

import pytest

from installation import BUILD, new_folder, runs_as, wait_for

pytestmark = pytest.mark.plain

ROWS = 300_000
# A row of each has a text with everything that could break out of a format.
NASTY = ["", " ", "\n", "\r\n", "\\", "\\.", "\\N", "\\n", "\"", "\"\"", "'", ",", ";", "\t", "\x01\x02", "NULL", "null",
         "a\\\"b\n\r\tc", "".join(chr(code) for code in range(1, 0x300)), "\u2028\u2029\ufeff", "\U0001f550 Größe, Ωmega, 時間",
         "\x7f\x80\x9f", "=1+1", "--", "/*", "$$", "%s %I %%"]


@contextlib.contextmanager
def running(site, *words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE):
    """The command at work; it has ended behind."""
    with subprocess.Popen([BUILD / "hookledger", "export", *words], stdin=stdin, stdout=stdout, stderr=stderr,
                          cwd=site.work, env=site.environment(), **runs_as()) as child:
        try:
            yield child
        finally:
            child.kill()


def export(site, *words, stdin=None, status=0):
    """Bytes of standard output; with another status the words on stderr."""
    with running(site, *words, stdin=subprocess.PIPE) as child:
        out, err = child.communicate(stdin, timeout=100)
    assert child.returncode == status, (words, err)
    return out if status == 0 else err.decode()


@pytest.fixture
def tables(bare_site):
    """A site with a table of every type and every nasty text in schema toggl."""
    site = bare_site
    site.write_conf(log_level="info")
    site.sql("""create table toggl.odd (id bigint primary key, t text, j json, b jsonb, y bytea, n numeric, f float8,
        at timestamptz, plain timestamp, d date, i interval, texts text[], ids bigint[], yes boolean)""")
    with site.cluster.connect(site.database) as db:
        for number, text in enumerate(NASTY):
            db.execute("insert into toggl.odd (id, t, j, b, texts) values (%s, %s, %s, %s, %s)",
                       (2**63 - 1 - number, text, json.dumps({text: text}, indent=2, ensure_ascii=False).replace("\n ", "\r\n "),
                        json.dumps([text], ensure_ascii=False), [text, None, text]))
        db.execute(r"""insert into toggl.odd values
            (-9223372036854775808, null, '{"a": "\u0000\ud800", "a": 1e200000}', '{}', '\x00ff5c0a', 'NaN', 'infinity',
             '2026-03-29 01:30:00.123456+00', '2026-03-29 01:30:00.1', '2024-02-29', '-1 mon 2 days 03:04:05.6', '{}', '{}', true),
            (1, 'numbers', null, null, '', 123456789012345678901234567890.000000001, 0.1, 'infinity', null, '-infinity', '90 min',
             null, '{1,9223372036854775807,null}', false),
            (0, null, null, null, null, null, null, null, null, null, null, null, null, null)""")
    return site


def load(site, data, options):
    site.sql("create table toggl.again (like toggl.odd)")
    with site.cluster.connect(site.database) as db, db.cursor() as cursor:
        with cursor.copy(f"copy toggl.again from stdin ({options})") as copy:
            copy.write(data)
    site.sql("alter table toggl.again rename to loaded")
    rows = [site.sql(f"select row(x.*)::text from toggl.{table} x order by id") for table in ("odd", "loaded")]
    assert rows[0] == rows[1] and len(rows[0]) == len(NASTY) + 3


def test_copy_is_loaded_back(tables):
    load(tables, export(tables, "odd", "--format", "copy"), "format text")


def test_csv_is_loaded_back(tables):
    data = export(tables, "toggl.odd")
    load(tables, data, "format csv, header")
    rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    by_id = {int(row["id"]): row for row in rows}
    assert [by_id[2**63 - 1 - number]["t"] for number in range(len(NASTY))] == NASTY
    assert [json.loads(by_id[2**63 - 1 - number]["b"])[0] for number in range(len(NASTY))] == NASTY
    assert by_id[-2**63]["at"] == "2026-03-29 01:30:00.123456+00"


BOM = b"\xef\xbb\xbf"


def test_csv_for_a_spreadsheet(tables):
    """No text is a formula, numbers are numbers, times have no offset, and all else is as without the option."""
    query = """select * from (values ('=HYPERLINK("http://x","y")', e'\\t=1', -12.50, float8 '-1e-7', timestamptz '2026-03-29 01:30:00.5+00', array['=1'], 8023169274704072, interval '26:03:04'),
                                     ('-5', 'a;=1', null, null, '-infinity', null, null, null)) x ("größe %s", "=b", n, f, at, texts, id, i)"""
    wanted = [b"\xef\xbb\xbfgr\xc3\xb6\xc3\x9fe %s,'=b,n,f,at,texts,id,i",
              b"\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\",'\t'=1,-12.50,-1e-07,2026-03-29 03:30:00,{=1},'8023169274704072,26:03:04",
              b"-5,a;'=1,,,'-infinity,,,", b""]
    given = ["--spreadsheet", "--zone", "Europe/Berlin", "--query", query]
    assert export(tables, *given).split(b"\n") == wanted
    german = export(tables, *given, "--decimal", "comma").split(b"\n")
    assert german[1] == b"\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\";'\t'=1;-12,50;-1e-07;2026-03-29 03:30:00;{=1};'8023169274704072;26:03:04"
    assert german[2] == b"-5;\"a;'=1\";;;'-infinity;;;"
    assert export(tables, *given, "--decimal", "comma", "--separator", "tab").split(b"\n")[2] == b"-5\ta;'=1\t\t\t'-infinity\t\t\t"
    assert export(tables, "--separator", "semicolon", "--query", "select 1 a, 2.5 b, 'x;y' c") == b"a;b;c\n1;2.5;\"x;y\"\n"
    assert export(tables, "tag", "--spreadsheet").startswith(BOM + b"workspace_id,")
    for words, problem in ((["--format", "ndjson"], "--spreadsheet is for CSV"), (["--decimal", "dot"], "--decimal is point or comma"),
                           (["--separator", "x"], "--separator is comma, semicolon or tab")):
        assert problem in export(tables, "odd", "--spreadsheet", *words, status=2)
    assert "--decimal goes with --spreadsheet" in export(tables, "odd", "--decimal", "comma", status=2)
    assert "--separator is for CSV" in export(tables, "odd", "--format", "copy", "--separator", "tab", status=2)
    assert "must be one select" in export(tables, "--spreadsheet", "--query", "select 1; delete from odd", status=1)


def test_what_a_spreadsheet_changes_in_hostile_texts(tables):
    def rows(*words):
        return list(csv.reader(io.StringIO(export(tables, *words).removeprefix(BOM).decode(), newline="")))
    tables.sql("create view toggl.odd_view as select t, b from toggl.odd order by id")
    plain, safe = rows("odd_view"), rows("odd_view", "--spreadsheet")
    assert len(plain) == len(safe) > len(NASTY)
    for row, other in zip(plain, safe):
        for was, now in zip(row, other):
            assert now.replace("'", "") == was.replace("'", "")
            for piece in re.split(r"[,;|\t\r\n]", now):
                assert not re.match(r"[\s\"]*[-=+@]", piece) or re.fullmatch(r"[-+]?[\d.]+", piece), (was, now)


def test_ndjson_is_read_by_others(tables):
    lines = export(tables, "odd", "--format", "ndjson").split(b"\n")
    assert lines.pop() == b"" and len(lines) == len(NASTY) + 3
    by_id = {row["id"]: row for row in (json.loads(line, parse_float=decimal.Decimal) for line in lines)}
    for number, text in enumerate(NASTY):
        row = by_id[2**63 - 1 - number]
        assert (row["t"], row["j"], row["b"], row["texts"]) == (text, {text: text}, [text], [text, None, text])
    row = by_id[-2**63]
    assert row["at"] == "2026-03-29T01:30:00.123456+00:00" and row["y"] == "\\x00ff5c0a" and row["n"] == "NaN"
    assert row["j"]["a"] == decimal.Decimal("1e200000") and row["i"] == "P-1M2DT3H4M5.6S" and row["d"] == "2024-02-29"
    row = by_id[1]
    assert row["n"] == decimal.Decimal("123456789012345678901234567890.000000001") and row["ids"] == [1, 2**63 - 1, None]
    assert row["f"] == decimal.Decimal("0.1") and row["at"] == "infinity"
    assert set(by_id[0].values()) == {0, None}


def test_times_are_in_the_zone(tables):
    def at(*words):
        return [json.loads(line)["at"] for line in export(tables, "--format", "ndjson", *words).splitlines()]
    query = ["--query", "select at from odd where id = -9223372036854775808"]
    assert at(*query) == ["2026-03-29T01:30:00.123456+00:00"]
    assert at(*query, "--zone", "Europe/Berlin") == ["2026-03-29T03:30:00.123456+02:00"]
    assert at(*query, "--zone", "asia/kolkata") == ["2026-03-29T07:00:00.123456+05:30"]
    # whatever the database thinks
    tables.sql(f"alter database \"{tables.database}\" set datestyle = 'German'")
    tables.sql(f"alter database \"{tables.database}\" set timezone = 'America/New_York'")
    assert at(*query) == ["2026-03-29T01:30:00.123456+00:00"]
    assert export(tables, *query, "--zone", "Asia/Tokyo") == b"at\n2026-03-29 10:30:00.123456+09\n"
    assert "there is no time zone" in export(tables, *query, "--zone", "+02:00", status=1)


def test_all_that_is_there(tables):
    """Every table and view of the schema, in every format."""
    tables.sql("create view toggl.odd_view as select id, t from toggl.odd")
    listed = export(tables, "--list").decode().splitlines()
    names = [line.split()[0] for line in listed[1:]]
    assert {"time_entry", "project", "odd_view", "odd"} <= set(names)
    assert re.search(r"^time_entry +table +A time entry", "\n".join(listed), re.M)
    for name in names:
        columns = [row[0] for row in tables.sql(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum",
            f"toggl.{name}")]
        head = next(csv.reader(io.StringIO(export(tables, name).decode())))
        assert head == columns, name
    for form in ("csv", "copy", "ndjson"):
        assert len(export(tables, "odd_view", "--format", form)) > 1000
        assert export(tables, "tag", "--format", form).count(b"\n") == (form == "csv")


def test_names_that_are_none(tables):
    problem = export(tables, "time_entrys", status=1)
    assert 'no table or view "time_entrys"' in problem and "time_entry, " in problem
    for name in ("ledger.event", "tag; drop table toggl.tag", "tag_pkey", "pg_class", "", "toggl."):
        assert "there is no table or view" in export(tables, name, status=1), name


def test_queries(tables):
    query = "-- hours\nselect id as \"größe \"\"x\"\"\", x.* from odd join (values (1, '%s')) x on id = column1 order by 1; \n;\n"
    assert export(tables, "--query", query) == "\"größe \"\"x\"\"\",column1,column2\n1,1,%s\n".encode()
    assert export(tables, "--query-file", "-", stdin=query.encode()) == export(tables, "--query", query)
    file = tables.work / "query.sql"
    file.write_text(query, encoding="utf-8")
    assert json.loads(export(tables, "--query-file", file, "--format", "ndjson")) == {"größe \"x\"": 1, "column1": 1, "column2": "%s"}
    for form, wanted in (("csv", b"x,export\n1,2\n"), ("copy", b"1\t2\n"), ("ndjson", b'{"x":1,"export":2}\n')):
        assert export(tables, "--format", form, "--query", "with y as (values (1, 2)) select column1 x, column2 export from y") == wanted
    assert export(tables, "--query", "table tag").startswith(b"workspace_id,")
    assert export(tables, "--query", "select '); select 1 --' as a -- the end") == b"a\n); select 1 --\n"


def witness(site):
    """What no export may change."""
    return site.sql("select (select count(*) from toggl.odd), (select count(*) from pg_largeobject_metadata), (select count(*) from ledger.endpoint),"
                    " (select count(*) from pg_class where relname not like 'pg\\_%%'), (select count(*) from pg_proc)")


@pytest.mark.parametrize("form", ["csv", "ndjson", "copy"])
def test_queries_that_would_do_harm(tables, form):
    site, folder = tables, tables.work
    mark = folder / "escaped"
    site.sql("create function toggl.write() returns bigint language sql as "
             "'insert into toggl.odd (id) values (77) returning id'")
    before = witness(site)
    for query in (
            "select 1; delete from odd", "select 1;; select 2", "delete from odd", "delete from odd returning id",
            "with gone as (delete from odd returning id) select * from gone", "update odd set t = 'x' returning id",
            "insert into odd (id) values (7) returning id", "select * into toggl.stolen from odd", "select toggl.write()",
            "create table toggl.stolen as select 1", "truncate odd", "drop table odd", "select * from odd for update",
            f"select 1) to program 'touch {mark}' --", f"select 1) to program 'touch {mark}' where (true",
            f"select 1) to '{mark}' --", f"select 1) to '{mark}' /*", f"select 1\n) to '{mark}';\n--",
            f"copy (select 1) to program 'touch {mark}'", f"copy odd to '{mark}'", "copy odd from stdin",
            "select set_config('transaction_read_only', 'off', true), toggl.write()",
            "set transaction read write", "commit", "rollback; delete from odd", "begin", "do $$ begin end $$",
            "select 1) to stdout; delete from odd; --", "explain analyze delete from odd", "call x()", "select",
            "select 1 from", "'", "$$", "(", ")", "select $1", "listen x", "vacuum", "prepare x as select 1", "execute x",
            "declare x cursor for select 1", "lock table odd", "select nextval('ledger.event_seq')",
    ):
        problem = export(site, "--format", form, "--query", query, status=1)
        assert problem.startswith("hookledger: ") and problem.count("\n") == 1, (query, problem)
        assert not mark.exists(), query
        assert witness(site) == before, query
    # PostgreSQL before version 16 lets large objects be written all the same
    with running(site, "--format", form, "--query", "select lo_from_bytea(0, 'x')") as child:
        child.communicate(timeout=60)
    assert witness(site) == before
    for words, problem in ((["--query", " ;\n"], "the query is empty"), (["--query", "select 1", "odd"], "one thing"),
                           (["--list", "odd"], "--list"), ([], "--list"), (["odd", "--format", "xml"], "--format"),
                           (["--query-file", folder / "none"], "cannot be read"), (["odd", "tag"], "takes")):
        assert problem in export(site, *words, status=2)
    if form == "ndjson":
        assert "called \"a\"" in export(site, "--format", form, "--query", "select 1 a, 2 b, 3 a", status=1)
    assert "(line 3)" in export(site, "--query", "select 1,\n 2,\n nobody", status=1)
    assert "0x00" in export(site, "--query-file", "-", stdin=b"select 1\0 from odd", status=1)
    assert "UTF8" in export(site, "--query-file", "-", stdin=b"select '\xff' as a", status=1)


# ---- files

def leftovers(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_whole_or_not_there(tables):
    site, folder = tables, new_folder(tables.work / "out")
    file = folder / "odd.csv"
    with running(site, "odd", "--output", file) as child:
        out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (0, b"") and b"%d rows" % (len(NASTY) + 3) in err and str(file).encode() in err
    assert file.read_bytes() == export(site, "odd") and file.stat().st_mode & 0o777 == 0o600
    assert leftovers(folder) == ["odd.csv"]
    # it fails after a megabyte, and the file stays what it was
    whole = file.read_bytes()
    late = ["--query", "select repeat('x', 1000), 1 / (5000 - g) from generate_series(1, 6000) g", "--output", file]
    problem = export(site, *late, status=1)
    assert "division by zero" in problem and f"{file} was not written" in problem
    assert file.read_bytes() == whole and leftovers(folder) == ["odd.csv"]
    export(site, "--query", "select nobody", "--output", folder / "other", status=1)
    export(site, "nothing", "--output", folder / "other", status=1)
    assert leftovers(folder) == ["odd.csv"]
    # a link stays one, its file is replaced
    (folder / "link").symlink_to("odd.csv")
    export(site, "tag", "--output", folder / "link")
    assert (folder / "link").is_symlink() and file.read_bytes() == export(site, "tag")
    # no place, no right, no room
    for place, words in ((folder / "none" / "x", "No such file"), (folder, "Is a directory"), ("/dev/full", "No space left")):
        assert words in export(site, "odd", "--output", place, status=1)
    file.chmod(0o400)
    if os.geteuid() == 0 or not os.access(file, os.W_OK):
        assert "Permission denied" in export(site, "odd", "--output", file, status=1)
    assert leftovers(folder) == ["link", "odd.csv"]
    with open("/dev/full", "wb") as full, running(site, "odd", stdout=full) as child:
        assert "No space left" in child.communicate(timeout=60)[1].decode() and child.returncode == 1


def test_what_was_printed_is_not_all(tables):
    with running(tables, "--query", "select 1 / (5000 - g) from generate_series(1, 6000) g") as child:
        out, err = child.communicate(timeout=60)
    assert child.returncode == 1 and b"division by zero; the output is not complete" in err
    assert out.count(b"\n") <= 5000


ENDLESS = "select g, repeat('x', 500) from (select generate_series(1, 1000000000) g) g"


def is_at_work(site):
    return site.sql("select count(*) from pg_stat_activity where datname = %s and state = 'active' and pid <> pg_backend_pid()"
                    " and backend_type = 'client backend'", site.database) != [(0,)]


def test_a_reader_that_goes_away(tables):
    with running(tables, "--query", ENDLESS) as child:
        assert child.stdout.readline() == b"g,repeat\n"
        child.stdout.close()
        assert child.stderr.read() == b"" and child.wait(60) == 128 + signal.SIGPIPE
    wait_for(lambda: not is_at_work(tables), "the server to end")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("query", [ENDLESS, "select pg_sleep(3600)", "select count(*) from generate_series(1, 1000000000000) g"])
def test_interrupted(tables, number, query):
    """While it waits, computes or streams: the server ends too, no file is left."""
    folder = new_folder(tables.work / "out")
    with running(tables, "--query", query, "--output", folder / "x.csv") as child:
        wait_for(lambda: is_at_work(tables), "the server to begin")
        child.send_signal(number)
        assert "interrupted" in child.communicate(timeout=60)[1].decode() and child.returncode == 128 + number
    assert leftovers(folder) == []
    wait_for(lambda: not is_at_work(tables), "the server to end")


def waiting_in(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


def test_interrupted_while_nobody_reads(tables):
    with running(tables, "--query", ENDLESS) as child:
        assert child.stdout.read(10) == b"g,repeat\n1"
        wait_for(lambda: waiting_in(child.stdout) > 50_000, "the pipe to be full")
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 128 + signal.SIGINT
    wait_for(lambda: not is_at_work(tables), "the server to end")


def test_killed(tables):
    """The server notices within seconds that nobody is there, though it computes."""
    with running(tables, "--query", "select count(*) from generate_series(1, 1000000000000) g") as child:
        wait_for(lambda: is_at_work(tables), "the server to begin")
        child.kill()
    wait_for(lambda: not is_at_work(tables), "the server to end")


def test_the_server_goes_away(tables):
    folder = new_folder(tables.work / "out")
    with running(tables, "--query", ENDLESS, "--output", folder / "x.csv") as child:
        wait_for(lambda: any(path.stat().st_size > 1_000_000 for path in folder.iterdir()), "a megabyte")
        tables.sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and pid <> pg_backend_pid()",
                   tables.database)
        problem = child.communicate(timeout=60)[1].decode()
    assert child.returncode == 1 and "x.csv was not written" in problem and leftovers(folder) == []


def test_memory_does_not_grow(tables):
    """300,000 rows take no more than ten."""
    tables.sql("create table toggl.wide as select g as id, now() + g * interval '1 second' as at, repeat(md5(g::text), 8) as t "
               f"from generate_series(1, {ROWS}) g")
    most = {}
    for form in ("csv", "ndjson", "copy"):
        for query in ("select * from wide limit 10", "select * from wide"):
            lines, peak = 0, 0
            with running(tables, "--format", form, "--query", query) as child:
                while piece := child.stdout.read(1 << 20):
                    lines += piece.count(b"\n")
                    found = re.search(r"^VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{child.pid}/status").read_text("ascii"), re.M)
                    peak = max(peak, int(found[1]) if found else 0)
                assert child.wait(60) == 0 and child.stderr.read() == b""
            assert lines == (10 if "limit" in query else ROWS) + (form == "csv")
            most[form, query] = peak
        few, all_rows = (most[form, query] for query in ("select * from wide limit 10", "select * from wide"))
        assert 0 < all_rows < max(few, 8000) + 4000, most


def read_terminal(fd):
    said = b""
    while True:
        try:
            said += os.read(fd, 4096)
        except OSError:	# the other side is closed
            return said


def test_progress_on_a_terminal(tables):
    """Rows and bytes, taken away at the end; and nothing where there is none."""
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen([BUILD / "hookledger", "export", "--query",
                               "select g, pg_sleep(0.001) from generate_series(1, 400) g"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=theirs, cwd=tables.work,
                              env={**tables.environment(), "TERM": "xterm"}, **runs_as()) as child:
            os.close(theirs)
            said = read_terminal(ours)
        assert child.returncode == 0
    finally:
        os.close(ours)
    assert re.search(rb"\d+ rows, \d+/s, [\d.]+ (bytes|KiB)", said) and said.endswith(b"400 rows, 2.6 KiB\r\n"), said


# ---- who may see what

def test_without_roles_it_is_read_only(tables):
    """One role for everything: a query reads what that role may, and writes nothing."""
    assert export(tables, "--query", "select current_user, current_setting('transaction_read_only') ro") == b"current_user,ro\npostgres,on\n"


def test_with_roles_it_is_a_reader(tables):
    site, login, password = tables, tables.database + "_operator", secrets.token_hex(8)
    site.write_conf(db_roles="yes")
    site.sql("update ledger.migration set checksum = 'older' where version = 0")
    site.hookledger("migrate")
    site.sql(f"create role {login} login password '{password}' in role hookledger_operator")
    try:
        site.write_conf(database=None, database__owner=site.settings["database"],
                        database__operator=f"{site.cluster.conninfo(site.database, login)} password={password}")
        assert len(export(site, "odd")) > 1000
        for option, mark, yes in ((), b"", b"t"), (("--spreadsheet",), BOM, b"true"):
            assert export(site, *option, "--query", "select current_user, session_user = %s own".replace("%s", f"'{login}'")) == \
                mark + b"current_user,own\nhookledger_reader," + yes + b"\n"
        for query in ("select * from ledger.event", "select sealed from ledger.endpoint_secret", "select * from operator.facts()",
                      "select * from operator.secret_read(0, 9)", "select pg_read_file('/etc/passwd')",
                      "select * from pg_authid", "select query_to_xml('select * from ledger.endpoint_secret', true, true, '')"):
            for form in ("csv", "ndjson"):
                assert "permission denied" in export(site, "--format", form, "--query", query, status=1), query
    finally:
        site.sql(f"drop role {login}")
