# SPDX-License-Identifier: ISC
"""The bundle for shared hosting, copied as by FTP to a user's folder behind
Apache, and used from the first visit on."""
import json
import os
import re
import subprocess

import pytest

import servers
from admin import PASSWORD, Page
from stage import BUILD, SOURCE, Site, give, new_folder, wait_for

pytestmark = pytest.mark.plain


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    to = tmp_path_factory.mktemp("hosting") / "bundle"
    done = subprocess.run([SOURCE / "deploy/hosting-bundle", BUILD.parent, to], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return to


@pytest.fixture
def host(shared_cluster, run_folder):
    """A database that never saw hookledger, and a user who owns some folders."""
    site = Site(shared_cluster, new_folder(run_folder / "sites") / "host", "template0")
    yield site
    site.close()


def copy(folder, to):
    """As FTP does: the files, modes as README.txt says."""
    subprocess.run(["cp", "-r", str(folder), str(to)], check=True)
    for path, folders, files in os.walk(to):
        for name in (".", *folders, *files):
            give(os.path.join(path, name))


def edit(path, *changes):
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, (path, old)
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def install(site, bundle):
    home = new_folder(site.work / "home")
    public = new_folder(home / "public_html")
    copy(bundle / "private", home / "hookledger")
    copy(bundle / "website", public / "hookledger")
    conf = home / "hookledger/hookledger.conf"
    edit(conf, ("host=localhost dbname=... user=... password=...", site.cluster.conninfo(site.database)), ("https://...", site.url),
         ("/home/you", str(home)))
    edit(public / "hookledger/.htaccess", ("/home/you", str(home)))
    site.base_path = "/hookledger"
    modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
                        for name in ("cgi", "rewrite", "dir", "mime", "headers", "deflate", "filter")
                        if name not in ("filter",) or os.path.exists("/usr/lib/apache2/modules/mod_filter.so"))
    servers.apache(site, f'''{modules}
DocumentRoot "{public}"
<Location "/hookledger/">
  Require all granted
</Location>
<Directory "{public}">
  AllowOverride All
</Directory>
''', mpm="prefork")
    return home, conf


def test_what_is_in_it(bundle):
    assert oct((bundle / "private/hookledger.conf").stat().st_mode)[-3:] == "600"
    for program in (*(bundle / "website").glob("*.cgi"), bundle / "private/hookledger", bundle / "private/hookledger-courier"):
        needed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        assert "not found" not in needed
        foreign = [line for line in needed.splitlines() if "=> /" in line and str(program.parent / "lib") not in line
                   and not re.search(r"/lib(c|m|dl|rt|pthread|resolv)\.so", line)]
        assert not foreign, (program, foreign)
    first = re.search("setup_token = (.*)", (bundle / "private/hookledger.conf").read_text(encoding="utf-8"))[1]
    assert len(first) == 32


def test_from_the_first_visit_on(host, bundle):
    site = host
    home, conf = install(site, bundle)
    token = re.search("setup_token = (.*)", conf.read_text(encoding="utf-8"))[1]
    page = Page(site)
    assert page.get("session").json() == {"operator": None, "setup": True}
    answer = page.post("setup", {"token": token, "name": "Olga", "password": PASSWORD, "zone": "Europe/Berlin"}, timeout=120)
    assert answer.status == 200, answer
    page.take(answer)
    made = page.post("endpoints", {"name": "Toggl"}).json()
    assert made["url"].startswith(f"{site.url}/hookledger/hook/")
    site.endpoint = {"address": made["url"].rsplit("/", 1)[1], "secret": made["secret"]}
    assert page.get("overview").json()["last_event_at"] is None
    sent = site.send(site.event())
    assert sent.status == 200, sent
    wait_for(lambda: page.get("overview").json()["last_event_at"], "the page to show the event")
    listed = page.get("events").json()["items"]
    assert len(listed) == 1 and listed[0]["workspace_id"] == "7435584"
    # what is private is nobody's business
    for path in ("hookledger.conf", "lib/libpq.so.5", ".htaccess", "admin/.htaccess", "../hookledger/hookledger.conf", "sql/setup.sql"):
        got = site.send(b"", method="GET", path=f"/hookledger/{path}", signature=False, content_type=None)
        assert got.status in (400, 403, 404), (path, got)
    listed = json.loads(subprocess.run([home / "hookledger/hookledger", "--conf", conf, "operator", "list", "--json"], capture_output=True, text=True,
                                       check=True, env={"PATH": "/usr/bin", "LC_ALL": "C.UTF-8"}).stdout)
    assert [one["name"] for one in listed["operators"]] == ["Olga"]
