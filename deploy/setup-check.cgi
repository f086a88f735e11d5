#!/bin/sh
# SPDX-License-Identifier: ISC
# setup-check.cgi: shows in the browser what is missing on a shared host, where the
# error log cannot be read. It answers only with the setup_token of the settings, never
# shows a value of them, and shows nothing after the setup is complete. It needs a
# shell and the standard tools; nothing of hookledger.
#
# What a request brings is data: it is cut to a few characters, compared, and never
# part of a command, a pattern or an answer.
set -u
LC_ALL=C PATH=/usr/local/bin:/usr/bin:/bin
export LC_ALL PATH
umask 077
exec 2>/dev/null

TOKEN_MAX=400	# characters, as sent
NAME=hookledger/hookledger.conf
here=$(cd "$(dirname "$0")" && pwd -P) || here=$(pwd -P)
[ -f "$here/setup-check.cgi" ] || here=$(pwd -P)

# ---- what was sent

# The value of token= or setup_token=, or all of a text without "=".
field() { # TEXT
	case $1 in
	*setup_token=*) rest=${1#*setup_token=} ;;
	*token=*) rest=${1#*token=} ;;
	*=*) rest= ;;
	*) rest=$1 ;;
	esac
	printf %s "${rest%%&*}"
}

# Percent-decoded. Only printable characters: a setup_token has no others.
decoded() { # TEXT
	text=$1 out=
	while [ -n "$text" ]; do
		case $text in
		%[0-9A-Fa-f][0-9A-Fa-f]*)
			digits=${text#%} more=${digits#??}
			digits=${digits%"$more"} text=$more
			case $digits in
			[2-6]?|7[0-9A-Ea-e]) out=$out$(printf "\\$(printf %03o "0x$digits")"; echo .) out=${out%.} ;;
			*) return ;;
			esac ;;
		+*) out="$out " text=${text#?} ;;
		*) next=${text#?} out=$out${text%"$next"} text=$next ;;
		esac
	done
	printf %s "$out"
}

sent() {
	case ${REQUEST_METHOD:-GET} in
	POST)
		case ${CONTENT_LENGTH:-} in
		'' | *[!0-9]* | ?????*) return ;;
		esac
		[ "$CONTENT_LENGTH" -le 4096 ] || return
		raw=$(head -c "$CONTENT_LENGTH" | tr -d '\000\n\r') ;;
	*) raw=${QUERY_STRING:-} ;;
	esac
	raw=$(field "$raw")
	[ "${#raw}" -le "$TOKEN_MAX" ] || return
	decoded "$raw"
}

# Two texts are compared by their digests, so that the duration reveals nothing about
# them. They go through a pipe, because every process can read arguments.
digest() { # TEXT
	if command -v sha256sum >/dev/null; then
		printf %s "$1" | sha256sum
	elif command -v openssl >/dev/null; then
		printf %s "$1" | openssl dgst -sha256
	fi | tr -dc '0-9a-f '
}

# ---- where the settings are

home() {
	line=$(getent passwd "$(id -u)")
	[ -n "$line" ] || line=$(while IFS=: read -r name x uid rest; do
		[ "$uid" = "$(id -u)" ] && printf '%s:%s:%s:%s\n' "$name" "$x" "$uid" "$rest" && break
	done </etc/passwd)
	line=${line%:*}
	printf %s "${line##*:}"
}

# The last value of a key, as the programs read it.
setting() { # KEY
	sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*//p" "$conf" | tail -n 1 | sed 's/[[:space:]]*$//'
}

folder=$(home)/hookledger
conf=$folder/hookledger.conf is_named=
case ${HOOKLEDGER_CONF:-} in
/*) conf=$HOOKLEDGER_CONF folder=${HOOKLEDGER_CONF%/*} is_named=yes ;;
esac

wanted=
if [ -f "$conf" ] && [ -r "$conf" ]; then
	wanted=$(setting setup_token)
	state=token
	[ "${#wanted}" -ge 20 ] || state=none wanted=
elif [ -e "$conf" ] || [ -L "$conf" ]; then
	state=unreadable
else
	state=absent
fi

# ---- the page

html() { # of standard input
	tr -dc '\040-\176\n' | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g'
}

begin() {
	printf 'Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n'
	printf 'Referrer-Policy: no-referrer\r\nX-Robots-Tag: noindex\r\n'
	# the hash is that of the one script, in short_answer()
	printf "Content-Security-Policy: default-src 'none'; script-src 'sha256-K6e17FpBXbsJhWUSNg6tUsYx2s2xHHl8kh4nFO1Z+Fw='; connect-src 'self'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'\r\n\r\n"
	cat <<-'END'
		<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
		<title>hookledger: set-up check</title>
		<style>body{font:1rem/1.5 sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}
		li{margin:.4rem 0;list-style:none}b{display:inline-block;min-width:4.5rem}.wrong b{color:#b00020}.fine b{color:#1b6e2e}
		input,button{font:inherit;padding:.3rem .5rem}pre{white-space:pre-wrap}</style>
		<h1>hookledger: set-up check</h1>
	END
}

# Its script sends the token with a header Authorization, so that the answer says whether
# that arrives; without scripts the form goes without it.
short_answer() {
	begin
	cat <<-'END'
		<p>This page answers only to the <code>setup_token</code> of the settings.</p>
		<form method="post"><input type="password" name="token" aria-label="setup_token" autocomplete="off"> <button>Check</button></form>
		<script>document.forms[0].addEventListener("submit", async (event) => { event.preventDefault(); const answer = await fetch(location.pathname, { method: "POST", headers: { Authorization: "Basic cHJvYmU6cHJvYmU=", "X-Probe": "yes" }, body: new URLSearchParams(new FormData(event.target)) }); document.body.innerHTML = (await answer.text()).split("</style>")[1]; });</script>
	END
	case $state in
	absent) echo "<p>No settings file was found: it must be $NAME in your home folder, or the file that the line SetEnv of .htaccess names.</p>" ;;
	unreadable) echo "<p>The settings file cannot be read: it must be a file of the user whom the web server runs this program as.</p>" ;;
	none) echo "<p>The settings have no setup_token of 20 characters or more, so nobody can be answered.</p>" ;;
	esac
	exit 0
}

given=$(sent; echo .) given=${given%.}
[ -n "$wanted" ] && [ -n "$given" ] || short_answer
wanted_digest=$(digest "$wanted") given_digest=$(digest "$given")
[ -n "$wanted_digest" ] && [ "$wanted_digest" = "$given_digest" ] || short_answer

# ---- the programs

# In the folder of the bundle, or where `make install` puts them.
program() { # NAME
	for file in "$folder/$1" "$folder/bin/$1"; do
		[ ! -e "$file" ] || { printf %s "$file"; return; }
	done
}

# A program without this request, which it would take for its own.
alone() { # [VARIABLE=VALUE...] PROGRAM [ARGUMENT...]
	env -i PATH="$PATH" HOOKLEDGER_CONF="${HOOKLEDGER_CONF:-}" HOOKLEDGER_LOG_LEVEL=error "$@"
}

base=$(setting base_path)
admin=$(program hookledger-admin)
asked=
if [ -n "$admin" ] && [ -x "$admin" ]; then
	asked=$(alone GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=GET REQUEST_URI="$base/admin/api/setup" REMOTE_ADDR=127.0.0.1 "$admin" </dev/null)
fi
case $asked in
*'"needed":false'*)
	begin
	echo '<p>The set-up is done. This page says nothing more: delete <code>setup-check.cgi</code> from the website.</p>'
	exit 0 ;;
esac

# ---- what is looked at, each with its line

fine() { printf '<li class="fine"><b>fine</b> %s</li>\n' "$1"; }
note() { printf '<li><b>note</b> %s</li>\n' "$1"; }
wrong() { printf '<li class="wrong"><b>wrong</b> %s</li>\n' "$1"; }	# TEXT: ours, or through html()

# The permissions as ls has them, drwxr-xr-x, and the owner's number.
facts() { ls -ldn -- "$1" | { read -r mode links owner rest; printf '%s %s' "$mode" "$owner"; }; }

is_mine() { [ "$(facts "$1" | cut -d ' ' -f 2)" = "$(id -u)" ]; }

others_may_write() { case $(facts "$1") in ?????w* | ????????w*) return 0 ;; esac; return 1; }

others_may_use() { case $(facts "$1") in ????------*) return 1 ;; esac; return 0; }

check_user() {
	if is_mine "$here/setup-check.cgi"; then
		fine 'The web server runs programs as their owner (suEXEC or the like).'
		! others_may_write "$here" || wrong 'Others may write to this folder, and suEXEC runs nothing then: set its permissions to 755.'
	else
		note 'The web server runs programs as a user of its own. That user must be able to read the settings and the programs and to write to the spool folder, and the line SetEnv of .htaccess must name the settings.'
		[ -n "$is_named" ] || wrong 'HOOKLEDGER_CONF does not arrive: is the line SetEnv in .htaccess?'
	fi
}

check_cgi() { # FILE
	if [ ! -f "$here/$1" ]; then
		wrong "$1 is missing in this folder of the website."
	elif [ ! -x "$here/$1" ]; then
		wrong "$1 may not be executed; FTP loses that: set its permissions to 755."
	elif others_may_write "$here/$1"; then
		wrong "$1 can be written to by others, and suEXEC does not run it then: set its permissions to 755."
	else
		fine "$1 is there and may be executed."
	fi
}

check_program() { # NAME
	file=$(program "$1")
	if [ -z "$file" ]; then
		wrong "$1 is missing in the folder hookledger of your home."
		return
	elif [ ! -x "$file" ]; then
		wrong "$1 may not be executed; FTP loses that: set its permissions to 755."
		return
	fi
	said=$(alone "$file" --version 2>&1 </dev/null | head -n 3)
	case $said in
	"$1 "*) fine "$1 starts." ;;
	*"error while loading shared libraries"* | *"version"*"not found"*)
		wrong "$1 lacks a library: $(printf %s "${said#*: }" | html) (the folder lib must be beside the programs, and was it copied in binary mode?)" ;;
	*) wrong "$1 does not start: was it copied in binary mode, and is it for this kind of processor? $(printf %s "$said" | html)" ;;
	esac
}

check_settings() {
	fine 'The settings file is there.'
	if [ -z "$is_named" ]; then
		[ ! -L "$conf" ] || wrong 'The settings file is a symbolic link: it must be a file.'
		[ ! -L "$folder" ] || wrong 'The folder hookledger is a symbolic link: it must be a folder.'
		is_mine "$conf" || wrong 'The settings file belongs to somebody else.'
		! others_may_use "$conf" || wrong 'Others may use the settings file: set its permissions to 600.'
		! others_may_write "$folder" || wrong 'Others may write to the folder of the settings: set its permissions to 711 or 700.'
	fi
	for key in database master_key public_url; do
		case $(setting "$key") in
		'') wrong "$key is not set." ;;
		*...*) wrong "$key has its three dots still: fill it in." ;;
		esac
	done
	if [ "${SCRIPT_NAME:-}" = "$base/setup-check.cgi" ]; then
		fine 'base_path is the folder as the world sees it.'
	else
		wrong 'base_path is not the path of this page without /setup-check.cgi, as it must be.'
	fi
	command=$(program hookledger)
	[ -n "$command" ] && [ -x "$command" ] || return
	said=$(alone "$command" conf --show 2>&1 >/dev/null </dev/null)
	[ -z "$said" ] || wrong "The settings cannot be used: hookledger.conf$(printf %s "${said##*"$conf"}" | head -n 1 | html)"
	spool=$(setting spool_dir)
	if [ -z "$spool" ] || [ ! -d "$spool" ]; then
		wrong 'spool_dir names no folder: make it, and write its whole path.'
	elif [ ! -w "$spool" ]; then
		wrong 'The folder of spool_dir cannot be written to.'
	else
		fine 'The spool folder is there and can be written to.'
	fi
}

# The whole path of a folder, when it is within another.
is_within() { # FOLDER OUTER
	[ -n "$2" ] && [ "$2" != / ] || return 1
	inner=$(cd "$1" && pwd -P)/ outer=$(cd "$2" && pwd -P)/
	case $inner in "$outer"*) return 0 ;; esac
	return 1
}

check_website() {
	if [ "${HTTP_HOOKLEDGER_RULES:-}" = yes ]; then
		fine '.htaccess is read, with its rules.'
	else
		wrong 'The rules of .htaccess are not in force: is the file there (its name begins with a dot, and FTP programs hide it), and does the host allow it (AllowOverride FileInfo)?'
	fi
	if [ -n "${HTTP_AUTHORIZATION:-}${REDIRECT_HTTP_AUTHORIZATION:-}" ]; then
		fine 'The header Authorization arrives.'
	elif [ "${HTTP_X_PROBE:-}" = yes ]; then
		wrong 'The header Authorization does not arrive, so that metrics and your own subscribers are refused: is the part SetEnvIf of .htaccess there, and mod_setenvif at the host?'
	else
		note 'The header Authorization was not sent to this page, so it is not known whether it arrives: a browser with JavaScript tries it.'
	fi
	if is_within "$folder" "${DOCUMENT_ROOT:-}" || is_within "$folder" "${CONTEXT_DOCUMENT_ROOT:-}" || is_within "$folder" "$here"; then
		wrong 'The settings are inside of the website, where they may be fetched by HTTP: move the folder hookledger to beside the website.'
	elif [ -e "$here/hookledger.conf" ]; then
		wrong 'A hookledger.conf is in this folder of the website: delete it.'
	else
		fine 'The settings are outside of the website: they cannot be fetched by HTTP.'
	fi
}

check_database() {
	command=$(program hookledger)
	sql=$(setting sql_dir)
	if [ -n "$sql" ] && [ ! -f "$sql/setup.sql" ]; then
		wrong 'sql_dir is not the folder sql of the bundle: write its whole path.'
	elif [ -z "$command" ] || [ ! -x "$command" ]; then
		return
	elif alone "$command" migrate --dry-run </dev/null >/dev/null; then
		fine 'The database can be reached.'
	else
		# what PostgreSQL says of it has the names of the settings in it
		wrong 'The database cannot be reached, or its tables cannot be made: is the line database right, and may that role make tables?'
	fi
	case $asked in
	*'"needed":true'*) fine 'hookledger answers. Open <a href="admin/">the admin page</a> and give it the setup_token.' ;;
	*) wrong 'hookledger does not answer; the other lines say why.' ;;
	esac
}

begin
echo '<ul>'
check_user
check_website
check_cgi receiver.cgi
check_cgi api.cgi
check_cgi admin.cgi
for name in hookledger-receiver hookledger-api hookledger-admin hookledger-courier hookledger; do
	check_program "$name"
done
check_settings
check_database
echo '</ul>'
echo '<p>When the set-up is done, delete this file, setup-check.cgi.</p>'
