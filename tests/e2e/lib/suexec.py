# SPDX-License-Identifier: ISC
"""A shared host: Apache with suEXEC runs a customer's programs as the customer. The customer is a
user of this machine with a home folder, a website and a database."""
import contextlib
import os
import pathlib
import secrets
import shutil
import subprocess

import web_servers
from installation import Site, new_folder, wait_for

SUEXEC = pathlib.Path("/usr/lib/apache2/suexec-custom")
# as on a host with cPanel or Plesk
GIVEN = "FollowSymLinks ExecCGI"


def lacking():
    """The reason why this machine cannot be a shared host; "": it can."""
    if os.geteuid() != 0:
        return "takes root"
    return ", ".join(str(need) for need in (SUEXEC, "/usr/lib/apache2/modules/mod_suexec.so", "/usr/sbin/useradd") if not os.path.exists(need))


def run(*words):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True).stdout


class Host:
    """The machine with a user for Apache and one for the customer, until close()."""

    def __init__(self, cluster, work):
        self.cluster, self.work = cluster, work
        self.made = []
        mark = secrets.token_hex(4)
        self.customer, self.web = f"hlc{mark}", f"hlw{mark}"
        self.home = work / "home" / self.customer
        self.home.parent.mkdir(parents=True, exist_ok=True)
        for folder in (work, self.home.parent):
            folder.chmod(0o755)
        for user, home in ((self.customer, self.home), (self.web, work)):
            wait_for(lambda user=user, home=home: self.add_user(user, home), f"user {user}")
            self.made.append(user)
        # the folders whose programs suEXEC runs for the user of this web server
        self.rules = pathlib.Path("/etc/apache2/suexec") / self.web
        self.rules.parent.mkdir(exist_ok=True)
        self.rules.write_text(f"{work}\npublic_html\n", encoding="utf-8")

    @staticmethod
    def add_user(user, home):
        """False: another process, such as a test worker, is changing the users."""
        done = subprocess.run(["/usr/sbin/useradd", "--no-create-home", "--no-log-init", "--home-dir", home, "--shell", "/usr/sbin/nologin", user],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0 or "lock" in done.stderr, done.stderr
        return done.returncode == 0

    def own(self, path, mode=None):
        """Gives a folder with its contents to the customer."""
        run("chown", "-R", f"{self.customer}:", path)
        if mode is not None:
            os.chmod(path, mode)

    def make_home(self):
        shutil.rmtree(self.home, ignore_errors=True)
        (self.home / "public_html").mkdir(parents=True)
        self.own(self.home, 0o711)
        (self.home / "public_html").chmod(0o755)

    def close(self):
        self.rules.unlink(missing_ok=True)
        for user in self.made:
            subprocess.run(["/usr/sbin/userdel", user], check=False, capture_output=True)


class HostedSite(Site):
    """A customer's hookledger on that machine: the bundle, installed as in README.txt."""

    def __init__(self, host, work):
        super().__init__(host.cluster, work, "template0")
        self.host = host
        self.password = secrets.token_hex(8)
        self.base_path = "/hookledger"
        host.make_home()
        self.private, self.website = host.home / "hookledger", host.home / "public_html/hookledger"
        self.role = f"hl_{secrets.token_hex(4)}"
        with self.cluster.connect("postgres") as db:
            db.execute(f"create role {self.role} login password '{self.password}'")
            db.execute(f'alter database "{self.database}" owner to {self.role}')

    def upload(self, bundle, is_edited=True):
        """Uploads the files as with FTP, with the permissions of README.txt."""
        shutil.copytree(bundle / "private", self.private)
        shutil.copytree(bundle / "website", self.website)
        conf = self.private / "hookledger.conf"
        changes = {"host=localhost dbname=... user=... password=...": f"host={self.cluster.sockets} dbname={self.database} user={self.role} password={self.password}",
                   "https://...": self.url, "/home/you": str(self.host.home)}
        text = conf.read_text(encoding="utf-8")
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        conf.write_text(text + "allowed_networks = 127.0.0.0/8\n", encoding="utf-8")
        if is_edited:
            rules = self.website / ".htaccess"
            rules.write_text(rules.read_text(encoding="utf-8").replace("/home/you", str(self.host.home)), encoding="utf-8")
        self.host.own(self.private, 0o711)
        self.host.own(self.website, 0o755)
        conf.chmod(0o600)
        self.conf = conf

    def setting(self, key):
        return next(line.split(" = ", 1)[1] for line in self.conf.read_text(encoding="utf-8").splitlines() if line.startswith(f"{key} = "))

    @property
    def error_log(self):
        path = self.logs / "apache-error.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def apache(self, overrides="All", given=GIVEN, more=""):
        """Starts Apache as root, as on such a host."""
        run_folder = new_folder(self.work / "apache")
        modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
                            for name in ("mpm_prefork", "authz_core", "authz_host", "alias", "env", "setenvif", "mime", "dir", "headers", "filter", "deflate",
                                         "autoindex", "cgi", "rewrite", "suexec", "userdir"))
        conf = self.work / "apache.conf"
        conf.write_text(f'''
ServerRoot "{run_folder}"
ServerName 127.0.0.1
Listen 127.0.0.1:{self.port}
PidFile "{run_folder}/pid"
DefaultRuntimeDir "{run_folder}"
User {self.host.web}
Group www-data
ErrorLog "{self.logs}/apache-error.log"
{modules}
TypesConfig /dev/null
StartServers 2
MaxRequestWorkers 20
DocumentRoot "{self.work}/www"
SuexecUserGroup {self.host.customer} {self.host.customer}
Alias "/hookledger" "{self.website}"
<Directory "{self.host.home}/public_html">
  Options {given}
  AllowOverride {overrides}
  Require all granted
</Directory>
{more}
''', encoding="utf-8")
        new_folder(self.work / "www")
        self.spawn_as_root("apache", ["/usr/sbin/apache2", "-D", "FOREGROUND", "-f", conf])
        wait_for(lambda: web_servers.listens(self), f"Apache to listen: {self.all_logs()}")

    def spawn_as_root(self, name, argv):
        with open(self.logs / f"{name}.log", "ab") as log:
            child = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                     cwd=self.work, start_new_session=True)
        self.processes.append(child)
        self.web = child

    def close(self):
        super().close()
        with contextlib.suppress(Exception), self.cluster.connect("postgres") as db:
            db.execute(f"drop role {self.role}")
