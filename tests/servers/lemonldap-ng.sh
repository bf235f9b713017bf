#!/usr/bin/env bash
# A throw-away OpenID provider (Debian's LemonLDAP::NG, its demo users) on loopback, for the live tests.
#   lemonldap-ng.sh up|down|status|start|rotate     stdout is KEY=VALUE lines only; `status` exits 3 when it is down
# Env: CACHE (what it unpacks and remembers), PORT. One instance per PORT.
#
# `start` after `down` goes on with the same keys and sessions; `up` after it begins anew. `rotate` is the provider's own script:
# a new key signs, and the old one is not published any more.
# Users: dwho and rtyler, whose passwords are their names. After `. <(lemonldap-ng.sh up)`:
#   curl -s "$LEMON_ISSUER.well-known/openid-configuration"
#   curl -s -u "$LEMON_WEB" "$LEMON_TOKEN_URL" -d grant_type=client_credentials -d scope=read     a JWT; opaque by LEMON_OPAQUE
#   curl -s -u "$LEMON_API" "$LEMON_INTROSPECTION_URL" -d token=...
# Clients are `id:secret`. The secret of LEMON_ODD has characters that are encoded in a form.
#
# Its packages are unpacked and not installed, so that they start nothing and add no jobs. The Perl modules they need are installed.
set -euo pipefail

CACHE=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/portcullis-servers}
PORT=${PORT:-18469}
LOG=''

PARTS=(liblemonldap-ng-common-perl liblemonldap-ng-handler-perl liblemonldap-ng-portal-perl)
MODULES=(
  libapache-session-perl libcache-cache-perl libclass-xsaccessor-perl libclone-perl libconfig-inifiles-perl libconvert-pem-perl
  libcrypt-openssl-bignum-perl libcrypt-openssl-rsa-perl libcrypt-openssl-x509-perl libcrypt-rijndael-perl libcrypt-urandom-perl
  libemail-date-format-perl libhtml-template-perl libio-string-perl libjson-perl libjson-xs-perl liblist-moreutils-perl
  libmouse-perl libplack-perl libregexp-assemble-perl libstring-random-perl libtext-unidecode-perl liburi-perl libwww-perl openssl
)

exec 8>&2 # the caller's stderr, also for what fails while output goes to a log
say() { echo "lemonldap-ng: $*" >&8; }
fail() { say "$*"; exit 1; }
on_exit() { if [ $? -ne 0 ] && [ -n "$LOG" ]; then say "failed; the end of $LOG:"; tail -n 30 "$LOG" >&8; stop; fi; }
trap on_exit EXIT
trap 'exit 130' HUP INT TERM

# A process is ours only when its pid and its kernel start time are both those we wrote down. A zombie (Z) has ended.
start_time() { sed -n 's/.*) \([^Z]\)/\1/p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
alive() { [ -s "$RUN/pid" ] && read -r pid began settings <"$RUN/pid" && [ -n "$began" ] && [ "$(start_time "$pid")" = "$began" ]; }
stop() {
  local pid began settings signal
  for signal in TERM KILL; do
    ! alive || kill -"$signal" "$pid" || true
    for _ in {1..50}; do alive || break; sleep 0.2; done
  done
  rm -f "$RUN/pid" "$RUN/env"
}
kid() { # of the key that signs
  # shellcheck disable=SC2016
  timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "GET /oauth2/jwks HTTP/1.0\r\nHost: 127.0.0.1:$0\r\n\r\n" >&3 &&
    grep -o "\"kid\":\"[^\"]*\"" <&3' "$PORT" 2>/dev/null
}
answers() { kid >/dev/null; }
is_up() { alive && [ -s "$RUN/env" ] && answers; }

is_installed() { [ -e "$APP/done" ] && dpkg -s "${MODULES[@]}" >/dev/null 2>&1; }
prepare() {
  local deb
  ! is_installed || return 0
  if ! command -v apt-get || [ "$(id -u)" != 0 ]; then fail "missing on this machine: ${MODULES[*]}"; fi
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -qy --no-install-recommends "${MODULES[@]}"
  rm -rf "$APP"; mkdir "$APP"
  (cd "$APP" && apt-get download -q "${PARTS[@]}")
  for deb in "$APP"/*.deb; do dpkg-deb -x "$deb" "$APP"; rm "$deb"; done
  touch "$APP/done"
}
lines() {
  local issuer=http://127.0.0.1:$PORT/
  cat <<END
LEMON_ISSUER=$issuer
LEMON_TOKEN_URL=${issuer}oauth2/token
LEMON_INTROSPECTION_URL=${issuer}oauth2/introspect
LEMON_CALLBACK=http://127.0.0.1/auth/callback
LEMON_PORT=$PORT
LEMON_WEB=web:secret-of-web-0123456789
LEMON_OPAQUE=opaque:secret-of-opaque-0123456789
LEMON_API=api:secret-of-api-0123456789
LEMON_ODD=odd:a/secret+of@odd-0123456789
END
}
# What a function says about each client. The number is 1 if its access tokens are JWTs.
each() { local client; for client in web:1 opaque:0 api:0 odd:0; do "$1" ${client/:/ }; done | paste -sd, ; }
secret_of() { lines | sed -n "s/^LEMON_[A-Z]*=$1://p"; }
options() {
  tr -d '\n' <<END
"$1": { "oidcRPMetaDataOptionsClientID": "$1", "oidcRPMetaDataOptionsClientSecret": "$(secret_of "$1")",
  "oidcRPMetaDataOptionsRedirectUris": "http://127.0.0.1/auth/callback", "oidcRPMetaDataOptionsRequirePKCE": 1,
  "oidcRPMetaDataOptionsBypassConsent": 1, "oidcRPMetaDataOptionsAllowClientCredentialsGrant": 1,
  "oidcRPMetaDataOptionsRefreshToken": 1, "oidcRPMetaDataOptionsAccessTokenJWT": $2,
  "oidcRPMetaDataOptionsIDTokenSignAlg": "RS256", "oidcRPMetaDataOptionsIDTokenForceClaims": 1,
  "oidcRPMetaDataOptionsAccessTokenSignAlg": "RS256", "oidcRPMetaDataOptionsAccessTokenClaims": 1 }
END
  echo
}
attributes() { echo "\"$1\": { \"name\": \"cn\", \"email\": \"mail\", \"groups\": \"groups\" }"; }
scopes() { echo "\"$1\": { \"groups\": \"groups\" }"; }
one_line() { awk '{ printf "%s\\n", $0 }'; }
configure() {
  mkdir -p "$RUN"/{conf,sessions/lock,cache}
  cat >"$RUN/lemonldap-ng.ini" <<END
[all]
logLevel = warn
checkTime = 1
[configuration]
type = File
dirName = $RUN/conf
[portal]
staticPrefix = /static
templateDir = $APP/usr/share/lemonldap-ng/portal/templates
languages = en
END
  openssl genrsa -out "$RUN/key.pem" 2048
  # It has to load a captcha, and none is shown: this module needs no images.
  cat >"$RUN/conf/lmConf-1.json" <<END
{ "cfgNum": 1, "cfgDate": $(date +%s), "cfgAuthor": "tests", "key": "$(openssl rand -hex 16)",
  "portal": "http://127.0.0.1:$PORT/", "domain": "127.0.0.1", "authentication": "Demo", "userDB": "Same",
  "locationRules": { "127.0.0.1": { "default": "accept" } },
  "globalStorage": "Apache::Session::File",
  "globalStorageOptions": { "Directory": "$RUN/sessions", "LockDirectory": "$RUN/sessions/lock",
    "generateModule": "Lemonldap::NG::Common::Apache::Session::Generate::SHA256" },
  "localSessionStorage": "Cache::FileCache",
  "localSessionStorageOptions": { "namespace": "sessions", "cache_root": "$RUN/cache", "cache_depth": 1 },
  "captcha": "::Lib::OneTimeToken",
  "issuerDBOpenIDConnectActivation": 1, "oidcServiceKeyIdSig": "first",
  "oidcServicePrivateKeySig": "$(one_line <"$RUN/key.pem")",
  "oidcServicePublicKeySig": "$(openssl rsa -in "$RUN/key.pem" -pubout | one_line)",
  "oidcRPMetaDataOptions": { $(each options) },
  "oidcRPMetaDataExportedVars": { $(each attributes) },
  "oidcRPMetaDataOptionsExtraClaims": { $(each scopes) } }
END
}
perl_of() { # a program of the provider, in a clean environment, so that nothing of the caller's configures it
  exec setsid env -i PATH="$PATH" HOME="$RUN" LC_ALL=C PERL5LIB="$APP/usr/share/perl5" LLNG_DEFAULTCONFFILE="$RUN/lemonldap-ng.ini" "$@"
}
server() {
  cd / && perl_of plackup -E deployment -s HTTP::Server::PSGI --host 127.0.0.1 --port "$PORT" \
    -MLemonldap::NG::Portal::Main -e 'Lemonldap::NG::Portal::Main->run({})'
}
start() { # with the configuration and the sessions that are there
  LOG=$RUN/log SECONDS=0
  server </dev/null >>"$LOG" 2>&1 8>&- 9>&- &
  echo "$! $(start_time $!) $wanted" >"$RUN/pid"
  until answers; do if ! alive || [ "$SECONDS" -ge 60 ]; then fail "did not start"; fi; sleep 0.2; done
  lines >"$RUN/env"
  LOG=''
}
up() {
  local pid began settings='' wanted
  wanted=$(cksum <"${BASH_SOURCE[0]}")
  if is_up && [ "$settings" = "$wanted" ]; then return; fi
  stop
  if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then fail "port $PORT is taken by another program"; fi
  LOG=$CACHE/install-lemonldap-ng.log
  is_installed || say "installing lemonldap-ng"
  prepare >"$LOG" 2>&1
  rm -rf "$RUN"
  configure >>"$LOG" 2>&1
  start
}
rotate() {
  local before SECONDS=0
  is_up
  before=$(kid)
  (perl_of perl "$APP/usr/share/lemonldap-ng/bin/rotateOidcKeys") >>"$RUN/log" 2>&1
  until [ "$(kid)" != "$before" ]; do [ "$SECONDS" -lt 20 ] || fail "the key is the same"; sleep 0.2; done
}
restart() {
  local wanted
  wanted=$(cksum <"${BASH_SOURCE[0]}")
  [ -e "$RUN/conf" ] || fail "there is nothing to go on with"
  stop
  start
}

[[ $PORT =~ ^[0-9]+$ ]] || fail "PORT must be a number"
mkdir -p "$CACHE/run"
CACHE=$(cd "$CACHE" && pwd) APP=$CACHE/lemonldap-ng RUN=$CACHE/run/lemonldap-ng-$PORT
exec 9>"$CACHE/lock-lemonldap-ng"
case "${1:-}" in
  up) flock 9; up; cat "$RUN/env" ;;
  down) flock 9; stop ;;
  status) is_up || exit 3; cat "$RUN/env" ;;
  start) flock 9; restart; cat "$RUN/env" ;;
  rotate) flock 9; rotate ;;
  *) say "usage: lemonldap-ng.sh up|down|status|start|rotate"; exit 2 ;;
esac
