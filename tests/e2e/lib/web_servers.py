# SPDX-License-Identifier: ISC
"""The web servers, each with the configuration from deploy/, filled with the paths of the test."""
import os
import shutil
import socket
import subprocess

from installation import BUILD, INSTALLED_WWW, SOURCE, give, new_folder, wait_for

RECEIVER = "/usr/local/bin/hookledger-receiver"
API = "/usr/local/bin/hookledger-api"
ADMIN = "/usr/local/bin/hookledger-admin"
WWW = "/usr/local/share/hookledger/www"
CONF = "/etc/hookledger.conf"
SOCKET = "/run/hookledger/receiver.sock"
API_SOCKET = "/run/hookledger-api/api.sock"
ADMIN_SOCKET = "/run/hookledger-admin/admin.sock"


# the public paths; all others are not hookledger's
OPEN = "hook|webhooks/api/v1|api/v9|reports/api/v3|tick|admin"


def fill(file, *changes):
    return subprocess.run([SOURCE / "deploy/fill", SOURCE / "deploy" / file,
                           *[f"{old}={new}" for old, new in changes]],
                          capture_output=True, text=True, check=True).stdout


def listens(site):
    try:
        socket.create_connection(("127.0.0.1", site.port), 1).close()
        return True
    except OSError:
        return False


def start(site, name, argv):
    child = site.spawn(name, argv)

    def ready():
        assert child.poll() is None, f"{name} ended at its start:\n{site.all_logs()}"
        return listens(site)

    wait_for(ready, f"{name} to listen")
    site.web = child
    return child


def is_served(path):
    """The socket accepts connections; between bind and listen it would refuse."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def start_receiver(site, workers=1):
    """Starts hookledger-receiver on its socket."""
    path = site.work / "receiver.sock"
    site.receiver = site.spawn("receiver", [BUILD / "hookledger-receiver", "--listen", f"unix:{path}",
                                            "--workers", workers])
    wait_for(lambda: is_served(path), "the receiver to listen")
    site.socket = path
    return path


def start_api(site, workers=1):
    """Starts hookledger-api on its socket."""
    path = site.work / "api.sock"
    site.api = site.spawn("api", [BUILD / "hookledger-api", "--listen", f"unix:{path}", "--workers", workers])
    wait_for(lambda: is_served(path), "the API to listen")
    return path


def start_admin(site, workers=1):
    """Starts hookledger-admin on its socket."""
    path = site.work / "admin.sock"
    site.admin = site.spawn("admin", [BUILD / "hookledger-admin", "--listen", f"unix:{path}", "--workers", workers])
    wait_for(lambda: is_served(path), "the admin program to listen")
    return path


def lighttpd(site, text):
    conf = site.work / "lighttpd.conf"
    conf.write_text(f'''
server.port = {site.port}
server.bind = "127.0.0.1"
server.document-root = "{new_folder(site.work / "www")}"
server.upload-dirs = ( "{new_folder(site.work / "upload")}" )
server.modules = ( "mod_access" )
$HTTP["url"] !~ "^/({OPEN})(/|$)" {{ url.access-deny = ( "" ) }}
{text}
{fill("lighttpd/page.conf", (WWW, site.www))}
''', encoding="utf-8")
    give(conf)
    start(site, "lighttpd", ["/usr/sbin/lighttpd", "-D", "-f", conf])


def lighttpd_spawned(site):
    lighttpd(site, fill("lighttpd/fastcgi-spawned.conf", (RECEIVER, BUILD / "hookledger-receiver"),
                        (API, BUILD / "hookledger-api"), (ADMIN, BUILD / "hookledger-admin"),
                        ("/run/lighttpd/hookledger", site.work / "spawned"), (CONF, site.conf)))


def lighttpd_socket(site):
    path = start_receiver(site)
    lighttpd(site, fill("lighttpd/fastcgi-socket.conf", (SOCKET, path), (API_SOCKET, start_api(site)),
                        (ADMIN_SOCKET, start_admin(site))))


def lighttpd_cgi(site):
    lighttpd(site, fill("lighttpd/cgi.conf", (RECEIVER, BUILD / "hookledger-receiver"),
                        (API, BUILD / "hookledger-api"), (ADMIN, BUILD / "hookledger-admin"), (CONF, site.conf)))


SIZES = {"event": "ThreadsPerChild 64\nServerLimit 8\nMaxRequestWorkers 512\nStartServers 2",
         "prefork": "MaxRequestWorkers 150\nStartServers 4"}


def apache(site, text, *modules, mpm="event"):
    folder = "/usr/lib/apache2/modules"
    load = "\n".join(f"LoadModule {name}_module {folder}/mod_{name}.so"
                     for name in (f"mpm_{mpm}", "authz_core", "alias", "env", "reqtimeout", "mime", "dir", "headers", "filter",
                                  "deflate", *modules))
    run = new_folder(site.work / "apache")
    conf = site.work / "apache.conf"
    conf.write_text(f'''
ServerRoot "{run}"
ServerName 127.0.0.1
Listen 127.0.0.1:{site.port}
PidFile "{run}/pid"
DefaultRuntimeDir "{run}"
Mutex pthread
ErrorLog "{site.logs}/apache-error.log"
DocumentRoot "{new_folder(site.work / "www")}"
{load}
TypesConfig /dev/null
{SIZES[mpm]}
# as a host with other pages
<Location "/">
  Require all denied
</Location>
{text}
''', encoding="utf-8")
    give(conf)
    start(site, "apache", ["/usr/sbin/apache2", "-D", "FOREGROUND", "-f", conf])


def apache_page():
    return fill("apache/page.conf", (WWW, INSTALLED_WWW))


def apache_proxy_fcgi(site):
    path = start_receiver(site)
    apache(site, fill("apache/proxy-fcgi.conf", (SOCKET, path), (API_SOCKET, start_api(site)),
                      (ADMIN_SOCKET, start_admin(site))) + apache_page(), "proxy", "proxy_fcgi")


def apache_fcgid(site):
    run = site.work / "apache"
    ipc = new_folder(site.work / "fcgid")
    apache(site, f'FcgidIPCDir "{ipc}"\nFcgidProcessTableFile "{ipc}/table"\n'
           + fill("apache/fcgid.conf", (RECEIVER, BUILD / "hookledger-receiver"), (API, BUILD / "hookledger-api"),
                  ("/usr/local/bin", BUILD), (CONF, site.conf)) + apache_page(), "fcgid")
    return run


def apache_cgi(site):
    apache(site, f'ScriptSock "{site.work}/cgid.sock"\n'
           + fill("apache/cgi.conf", (RECEIVER, BUILD / "hookledger-receiver"), (API, BUILD / "hookledger-api"), ("/usr/local/bin", BUILD),
                  (CONF, site.conf)) + apache_page(), "cgid")


def apache_htaccess(site):
    """A folder of a website on shared hosting, with only the program and .htaccess."""
    site.base_path = "/toggl"
    site.write_conf(base_path=site.base_path)
    folder = new_folder(new_folder(site.work / "www") / "toggl")
    shutil.copy(BUILD / "hookledger-receiver", folder / "receiver.cgi")
    shutil.copy(BUILD / "hookledger-api", folder / "api.cgi")
    shutil.copy(BUILD / "hookledger-admin", folder / "admin.cgi")
    shutil.copytree(INSTALLED_WWW, folder / "admin")
    shutil.copy(SOURCE / "deploy/apache/page.htaccess", folder / "admin/.htaccess")
    (folder / ".htaccess").write_text(fill("apache/.htaccess", ("/home/you/hookledger/hookledger.conf", site.conf)),
                                      encoding="utf-8")
    apache(site, f'''
<Location "/toggl/">
  Require all granted
</Location>
<Directory "{site.work}/www">
  Options FollowSymLinks ExecCGI
  AllowOverride FileInfo
</Directory>
''', "cgi", "rewrite", "setenvif", mpm="prefork")


def nginx(site):
    path = start_receiver(site)
    run = new_folder(site.work / "nginx")
    text = fill("nginx/hookledger.conf", (SOCKET, path), (API_SOCKET, start_api(site)), (ADMIN_SOCKET, start_admin(site)),
                (WWW, INSTALLED_WWW), ("include fastcgi_params", "include /etc/nginx/fastcgi_params"))
    conf = site.work / "nginx.conf"
    conf.write_text(f'''
daemon off;
worker_processes 1;
pid {run}/pid;
error_log {site.logs}/nginx-error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {run}/body;
  fastcgi_temp_path {run}/fastcgi;
  proxy_temp_path {run}/proxy;
  uwsgi_temp_path {run}/uwsgi;
  scgi_temp_path {run}/scgi;
  server {{
    listen 127.0.0.1:{site.port} backlog=4096;
    location ~ . {{ return 403; }}
    {text}
  }}
}}
''', encoding="utf-8")
    give(conf)
    start(site, "nginx", ["/usr/sbin/nginx", "-c", conf])


SERVERS = {
    "lighttpd-spawned": lighttpd_spawned,
    "lighttpd-socket": lighttpd_socket,
    "lighttpd-cgi": lighttpd_cgi,
    "apache-proxy-fcgi": apache_proxy_fcgi,
    "apache-fcgid": apache_fcgid,
    "apache-cgi": apache_cgi,
    "apache-htaccess": apache_htaccess,
    "nginx": nginx,
}


def missing(name):
    """The missing parts of this kind of server on this machine; "": none."""
    program = {"lighttpd": "/usr/sbin/lighttpd", "apache": "/usr/sbin/apache2", "nginx": "/usr/sbin/nginx"}[
        name.split("-")[0]]
    needs = [program] + (["/usr/lib/apache2/modules/mod_fcgid.so"] if name == "apache-fcgid" else [])
    return ", ".join(need for need in needs if not os.path.exists(need))
