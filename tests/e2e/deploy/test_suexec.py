# SPDX-License-Identifier: ISC
"""The bundle on a shared host: a real Apache with suEXEC, an unprivileged customer,
from the first visit to a delivered event; and what such hosts do not allow."""
import base64
import hashlib
import itertools
import os
import re
import subprocess

import pytest

import suexec
from admin_client import PASSWORD, Page
from admin_subscribers import grounds
from api_client import BASE, Client
from installation import BUILD, SOURCE, WORKSPACE, new_folder, wait_for
from subscriber import Subscriber

pytestmark = [pytest.mark.plain, pytest.mark.skipif(bool(suexec.lacking()), reason=f"not here: {suexec.lacking()}")]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    to = tmp_path_factory.mktemp("hosting") / "bundle"
    done = subprocess.run([SOURCE / "deploy/hosting-bundle", BUILD.parent, to], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return to


@pytest.fixture(scope="module")
def machine(shared_cluster, run_folder):
    host = suexec.Host(shared_cluster, run_folder / "hosting")
    yield host
    host.close()


@pytest.fixture
def hosted(request, machine, run_folder):
    site = suexec.HostedSite(machine, new_folder(run_folder / "sites") / f"h{abs(hash(request.node.name)) % 10**6}")
    yield site
    if any(getattr(report, "failed", False) for report in getattr(request.node, "reports", [])):
        print(site.all_logs())
    site.close()


def first_visit(site):
    page = Page(site)
    assert page.get("session").json() == {"operator": None, "setup": True}
    answer = page.post("setup", {"token": site.setting("setup_token"), "name": "Olga", "password": PASSWORD, "zone": "Europe/Berlin"}, timeout=120)
    assert answer.status == 200, answer
    page.take(answer)
    return page


def fetched(site, path):
    return site.send(b"", method="GET", path=f"/hookledger/{path}", signature=False, content_type=None)


def test_from_the_first_visit_to_a_delivered_event(hosted, bundle):
    site = hosted
    # .htaccess as it was shipped: suEXEC takes its variable away anyhow
    site.upload(bundle, is_edited=False)
    site.apache()
    assert b"<title>" in fetched(site, "admin/").body
    page = first_visit(site)
    made = page.post("endpoints", {"name": "Toggl"}).json()
    assert made["url"].startswith(f"{site.url}/hookledger/hook/")
    site.endpoint = {"address": made["url"].rsplit("/", 1)[1], "secret": made["secret"]}
    assert site.send(site.event()).status == 200

    # a subscriber, by the API, whose token comes in the header Authorization
    _, token = grounds(page)
    subscriber = Subscriber()
    assert Client(site, token).get("/api/v9/me").status == 200
    assert Client(site, token).get("/api/v9/me", headers={"Redirect-Http-Authorization": "Basic eDp5"}).status == 200
    assert Client(site, "x" * 32).get("/api/v9/me").status == 403
    assert Client(site, None).get("/api/v9/me", headers={"Http-Authorization": "x", "Redirect-Http-Authorization": f"Basic {token}"}).status == 403
    assert Client(site, token).subscribe(subscriber.url, filters=[("tag", "*")]).status == 200
    assert site.send(site.event()).status == 200

    # the round that delivers, by an address made on the page
    tick = page.post("ticks", {"name": "web-cron"}).json()["url"]
    assert Client(site, None).get(tick.removeprefix(site.url).removeprefix(site.base_path)).status == 200
    wait_for(subscriber.events, "the delivery")
    assert subscriber.events()[0]["body"]["metadata"]["model"] == "tag"
    subscriber.close()

    # all of it was the customer's
    assert {os.stat(file).st_uid for file in (site.private / "spool").iterdir()} == {os.stat(site.conf).st_uid}
    for path in ("", "lib/", "hookledger.conf", ".htaccess", "admin/.htaccess", "../hookledger/hookledger.conf", "admin/js/", "receiver.cgi", "admin.cgi"):
        assert fetched(site, path).status in (400, 403, 404), path


def test_metrics_and_a_variable_that_names_the_settings(hosted, bundle):
    site = hosted
    site.upload(bundle)
    with open(site.conf, "a", encoding="utf-8") as conf:
        conf.write("metrics_token = 0123456789abcdef0123\n")
    other = site.work / "other.conf"
    other.write_text("metrics_token = of-somebody-else-0123\nmaster_key = " + "0" * 64 + "\n", encoding="utf-8")
    other.chmod(0o644)
    site.apache()
    first_visit(site)
    page = Page(site)
    assert page.get("metrics").status == 401
    assert page.get("metrics", headers={"Authorization": "Bearer 0123456789abcdef0123"}).status == 200
    for name in ("Hookledger-Conf", "HOOKLEDGER_CONF", "Http-Hookledger-Conf"):
        assert page.get("metrics", headers={"Authorization": "Bearer of-somebody-else-0123", name: str(other)}).status == 401


@pytest.mark.parametrize("spoil, why", [
    (lambda site: site.conf.chmod(0o640), "chmod 600"),
    (lambda site: site.conf.chmod(0o604), "chmod 600"),
    (lambda site: os.chown(site.conf, 0, 0) or site.conf.chmod(0o600), "cannot be read: Permission denied"),
    (lambda site: site.private.chmod(0o777), "others may write to its folder"),
    (lambda site: site.conf.rename(site.private / "real") and site.conf.symlink_to("real"), "symbolic link"),
    (lambda site: site.conf.rename(site.private / "real"), "there is no settings file"),
], ids=["group", "others", "root's", "folder", "link", "none"])
def test_settings_that_are_refused(hosted, bundle, spoil, why):
    site = hosted
    site.upload(bundle)
    spoil(site)
    site.apache()
    got = fetched(site, "admin/api/session")
    assert got.status == 500
    assert "setup-check.cgi" in got.json()["error"] and str(site.host.home) not in got.body.decode()
    if why != "others may write to its folder":	# hookledger-cgi sees that before
        assert why.replace("cannot be read: ", "") in site.error_log


WORDS = ("FileInfo", "Options", "Indexes", "Limit", "AuthConfig")
EVERY = ["None", "All", "FileInfo Options=ExecCGI,Indexes", "Options=ExecCGI,Indexes"] + [
    " ".join(chosen) for count in range(1, len(WORDS) + 1) for chosen in itertools.combinations(WORDS, count)]


def table_of_manual():
    """The table of deploy/shared-hosting.md: what is allowed, and what then becomes of
    the files as shipped where the host gives ExecCGI, and without and with the line
    Options where it does not."""
    rows = {}
    for line in (SOURCE / "deploy/shared-hosting.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == 4:
            rows[cells[0]] = cells[1:]
    return rows


def row_of(overrides):
    words = overrides.split()
    if overrides == "None":
        return "nothing (`None`)"
    if overrides != "All" and "FileInfo" not in words:
        return "anything without `FileInfo`"
    if overrides == "All" or any(word.startswith("Options") for word in words):
        return "`FileInfo` and `Options` or `Options=ExecCGI,…`, or `All`"
    return "`FileInfo`, and anything but `Options`"


def outcome(site, folder):
    """What becomes of the page, its data, the API and setup-check.cgi."""
    def get(path):
        return site.send(b"", method="GET", path=f"{folder}/{path}", signature=False, content_type=None,
                         headers={"Authorization": "Basic eDphcGlfdG9rZW4="})

    data, check = get("admin/api/session"), get("setup-check.cgi")
    if {data.status, check.status} == {500} and b'"error"' not in data.body:
        return "error 500"
    if 403 in (data.status, check.status):
        return "error 403"
    if check.body.startswith(b"#!"):
        return "programs as text"
    assert b"<!doctype html>" in check.body and b"<title>" in get("admin/").body
    assert get("lib/").status == 403 and get(".htaccess").status == 403
    return "works"


def test_what_hosts_allow(hosted, bundle):
    """Every combination, each for a folder of its own behind one Apache."""
    site = hosted
    site.upload(bundle)
    folders, more = {}, []
    for number, (overrides, (given, has_line)) in enumerate(itertools.product(EVERY, ((True, False), (False, False), (False, True)))):
        folder = site.website.parent / f"v{number}"
        subprocess.run(["cp", "-a", site.website, folder], check=True)
        if has_line:
            rules = folder / ".htaccess"
            rules.write_text(rules.read_text(encoding="utf-8").replace("#Options +ExecCGI", "Options +ExecCGI"), encoding="utf-8")
        more.append(f'Alias "/v{number}" "{folder}"\n<Directory "{folder}">\nOptions FollowSymLinks {"ExecCGI" if given else ""}\n'
                    f'AllowOverride {overrides}\nDirectoryIndex index.html\n</Directory>')
        folders[overrides, given, has_line] = f"/v{number}"
    site.apache(more="\n".join(more))
    found = {key: outcome(site, folder) for key, folder in folders.items()}
    table = table_of_manual()
    for overrides in EVERY:
        seen = [found[overrides, given, has_line] for given, has_line in ((True, False), (False, False), (False, True))]
        assert seen == table.get(row_of(overrides)), (overrides, seen)


# ---- setup-check.cgi

def asked(site, token, how="query"):
    """What setup-check.cgi says to this token; its body."""
    if how == "query":
        answer = site.send(b"", method="GET", path=f"/hookledger/setup-check.cgi?{token}", signature=False, content_type=None, headers={"X-Probe": "yes", "Authorization": "Basic eDp5"})
    else:
        answer = site.send(f"token={token}".encode(), path="/hookledger/setup-check.cgi", signature=False,
                           content_type="application/x-www-form-urlencoded", headers={"Authorization": "Basic eDp5"})
    assert answer.status == 200, answer
    return answer.body.decode()


def wrongs(body):
    return [line for line in body.splitlines() if "<b>wrong</b>" in line]


HOSTILE = ("", "?", "*", "token=*", "token=", "token=%2a", "token=%00", "token=%", "token=%zz", "token=%0a", "token=$(id)", "token=`id`", "token=%24%28id%29",
           "token=';id;'", "token=%27%3bid%3b%27", "token=\\\\", "token=%5c%5c%5cc", "token=%25s%25n", "token=--version", "-n", "-e", "token=-n", "--help",
           "token=" + "x" * 4000, "token=" + "%41" * 300, "x=1&token=x&token=y", "setup_token=[a-z]*", "token=..%2f..%2fetc%2fpasswd", "token=%ff%fe", "&&&", "token==")


def test_setup_check(hosted, bundle):
    site = hosted
    site.upload(bundle)
    token = site.setting("setup_token")
    values = [site.setting(key) for key in ("setup_token", "master_key", "database")] + [site.password, str(site.conf)]
    site.apache()
    short = asked(site, "")
    assert "answers only" in short and "<li" not in short
    for hostile in HOSTILE[:4]:
        assert asked(site, hostile) == short, hostile
        assert asked(site, hostile, "post") == short, hostile
    for near in (token[:-1], token + "x", token[:-1] + "?", token.upper() + "+", "token=" + token + "%20", "other=" + token):
        assert asked(site, near) == short, near
    # as a form, as a query, encoded or not
    encoded = "".join(f"%{ord(char):02X}" for char in token)
    for answer in (asked(site, token), asked(site, f"token={token}"), asked(site, f"setup_token={encoded}&x=1"), asked(site, token, "post")):
        assert not wrongs(answer), answer
        assert "Authorization arrives" in answer
        assert not any(value in answer for value in values)
    assert "header Authorization arrives" in asked(site, token, "post")
    # the script of the form may run, and asks for that
    script, policy = re.search("<script>(.*)</script>", short)[1], fetched(site, "setup-check.cgi").headers["Content-Security-Policy"]
    assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in policy
    assert '"X-Probe": "yes"' in script and "Authorization" in script

    def saying(spoil, mend, *words):
        spoil()
        found = asked(site, token)
        mend()
        for word in words:
            assert any(word in line for line in wrongs(found)), (word, found)
        assert not any(value in found for value in values), found

    receiver, library, text = site.private / "hookledger-receiver", site.private / "lib/libpq.so.5", site.conf.read_text(encoding="utf-8")
    put = lambda new: lambda: site.conf.write_text(new, encoding="utf-8")
    saying(lambda: receiver.chmod(0o644), lambda: receiver.chmod(0o755), "hookledger-receiver may not be executed")
    saying(lambda: (site.website / "api.cgi").chmod(0o644), lambda: (site.website / "api.cgi").chmod(0o755), "api.cgi may not be executed")
    saying(lambda: (site.website / "api.cgi").rename(site.work / "api"), lambda: (site.work / "api").rename(site.website / "api.cgi"), "api.cgi is missing")
    # as FTP leaves it in text mode
    whole = library.read_bytes()
    saying(lambda: library.write_bytes(whole.replace(b"\n", b"\r\n")[:len(whole) // 2]), lambda: library.write_bytes(whole), "copied in binary mode")
    saying(lambda: library.write_bytes(b"text"), lambda: library.write_bytes(whole), "libpq.so.5", "lacks a library")
    saying(put(text.replace("base_path = /hookledger", "base_path = /other")), put(text), "base_path is not the path of this page")
    saying(put(text.replace("database = host=", "database = host=... ")), put(text), "three dots")
    saying(put(text.replace("database = host=/", "database = host=/nowhere/")), put(text), "database cannot be reached")
    saying(put(text + "no_such_setting = 1\n"), put(text), "hookledger.conf line", "no_such_setting")
    saying(put(text.replace("master_key = ", "#master_key = ")), put(text), "master_key is not set")
    saying(lambda: site.conf.chmod(0o644), lambda: site.conf.chmod(0o600), "permissions to 600")
    saying(lambda: site.private.chmod(0o777), lambda: site.private.chmod(0o711), "folder of the settings")
    saying(lambda: (site.private / "spool").chmod(0o500), lambda: (site.private / "spool").chmod(0o700), "spool_dir cannot be written")
    rules = site.website / ".htaccess"
    shipped = rules.read_text(encoding="utf-8")
    saying(lambda: rules.write_text("AddHandler cgi-script .cgi\n", encoding="utf-8"), lambda: rules.write_text(shipped, encoding="utf-8"), "rules of .htaccess are not in force")

    saying(lambda: rules.write_text(shipped.replace("SetEnvIf Auth", "#SetEnvIf Auth"), encoding="utf-8"), lambda: rules.write_text(shipped, encoding="utf-8"),
           "Authorization does not arrive")

    # without settings there is no token, so nobody is answered, but it says so
    site.conf.rename(site.private / "aside")
    assert "No settings file was found" in asked(site, token) and not wrongs(asked(site, token))
    (site.private / "aside").rename(site.conf)
    site.conf.write_text(text.replace("setup_token = ", "#setup_token = "), encoding="utf-8")
    assert "no setup_token" in asked(site, token)
    site.conf.write_text(text.replace(f"setup_token = {token}", "setup_token = short"), encoding="utf-8")
    assert "no setup_token" in asked(site, "short")
    site.conf.write_text(text, encoding="utf-8")

    first_visit(site)
    over = asked(site, token)
    assert "set-up is done" in over and "<li" not in over
    assert asked(site, "x") == short


def test_setup_check_with_the_settings_in_the_website(hosted, bundle):
    site = hosted
    site.upload(bundle)
    site.apache(more=f'Alias "/inside" "{site.private}"')
    token = site.setting("setup_token")
    # as where the whole home folder is the website
    site.end(site.web)
    site.apache(more=f'DocumentRoot "{site.host.home}"\n<Directory "{site.host.home}">\nRequire all granted\n</Directory>')
    assert any("inside of the website" in line for line in wrongs(asked(site, token)))


@pytest.mark.parametrize("shell", ["dash", "bash", "bash --posix"])
def test_setup_check_by_each_shell(tmp_path, shell):
    token = "a b+c%d'e\"f$(id)`g`*\\\\&=0123456789"
    conf = tmp_path / "hookledger.conf"
    conf.write_text(f"setup_token = {token}\n", encoding="utf-8")
    quoted = "".join(f"%{ord(char):02x}" for char in token)
    def said(query, **more):
        return subprocess.run([*shell.split(), SOURCE / "deploy/setup-check.cgi"], capture_output=True, text=True, check=False, cwd=tmp_path,
                              env={"HOOKLEDGER_CONF": str(conf), "QUERY_STRING": query, "REQUEST_METHOD": "GET", **more})

    short = said("").stdout
    for hostile in HOSTILE:
        assert said(hostile).stdout == short, hostile
    assert said(hostile, REQUEST_METHOD="POST", CONTENT_LENGTH="$(id)").stdout == short
    for query, is_known in ((f"token={quoted}", True), (f"token={quoted}0", False), ("token=" + quoted.replace("%20", "+"), True), ("token=*", False), ("-n", False)):
        done = said(query)
        assert (done.returncode, "<li" in done.stdout) == (0, is_known), (query, done.stdout)
        assert done.stdout.startswith("Content-Type: text/html") and token not in done.stdout
