#!/usr/bin/env bash
# Varnish on loopback with a rule that verifies signed addresses (Debian: varnish, varnish-vmod-digest), for the live tests.
#   varnish.sh up|down|status     stdout is KEY=VALUE lines only; `status` exits 3 when it is down
# Env: CACHE (what it remembers), PORT, BACKEND_PORT (default: the next; whoever tests listens there), SIGNING_KEY (base64,
# without bytes of 0, since the module takes text). One instance per PORT.
#
# The rule is in varnish.vcl: `dataProductId`, or `filter` and `limit`, is what is signed. What it lets through is cached
# without `expires` and `secure`, and asked for at the backend without them.
set -euo pipefail

CACHE=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/portcullis-servers}
PORT=${PORT:-18505}
SIGNING_KEY=${SIGNING_KEY:-dGlsZS1zaWduaW5nLWtleS0wMTIzNDU2Nzg5YWJjZGVm}
RULE=$(dirname "${BASH_SOURCE[0]}")/varnish.vcl LOG=''

exec 8>&2 # the caller's stderr, also for what fails while output goes to a log
say() { echo "varnish: $*" >&8; }
fail() { say "$*"; exit 1; }
on_exit() { if [ $? -ne 0 ] && [ -n "$LOG" ]; then say "failed; the end of $LOG:"; tail -n 30 "$LOG" >&8; stop; fi; }
trap on_exit EXIT
trap 'exit 130' HUP INT TERM

# A process is ours only when its pid and its kernel start time are both those we wrote down. A zombie (Z) has ended.
start_time() { sed -n 's/.*) \([^Z]\)/\1/p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
alive() { [ -s "$RUN/pid" ] && read -r pid began settings <"$RUN/pid" && [ -n "$began" ] && [ "$(start_time "$pid")" = "$began" ]; }
stop() { # the manager ends its worker
  local pid began settings signal
  for signal in TERM KILL; do
    ! alive || kill -"$signal" "$pid" || true
    for _ in {1..50}; do alive || break; sleep 0.2; done
  done
  [ ! -s "$RUN/work" ] || rm -rf "$(cat "$RUN/work")"
  rm -f "$RUN/pid" "$RUN/env" "$RUN/work"
}
answers() { # without a signature it answers by itself
  # shellcheck disable=SC2016
  timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "GET / HTTP/1.0\r\n\r\n" >&3 && grep -q " 403 " <&3' "$PORT" 2>/dev/null
}
is_up() { alive && [ -s "$RUN/env" ] && answers; }

is_installed() { command -v varnishd >/dev/null && compgen -G '/usr/lib/*/varnish/vmods/libvmod_digest.so' >/dev/null; }
prepare() {
  local policy=/usr/sbin/policy-rc.d
  ! is_installed || return 0
  if ! command -v apt-get || [ "$(id -u)" != 0 ]; then fail "missing on this machine: varnish, varnish-vmod-digest"; fi
  apt-get update -q
  # Only the programs: without this, Debian starts a server of its own.
  if [ -e "$policy" ]; then policy=''; else printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"; fi
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends varnish varnish-vmod-digest gcc libc6-dev ||
    { [ -z "$policy" ] || rm -f "$policy"; return 1; }
  [ -z "$policy" ] || rm -f "$policy"
  is_installed
}
server() { # in a clean environment, so that nothing of the caller's configures it
  cd / && exec setsid env -i PATH="$PATH" LC_ALL=C varnishd -F -a "127.0.0.1:$PORT" -T none -f "$(cat "$RUN/work")/rule.vcl" \
    -n "$(cat "$RUN/work")/run" -s malloc,32m -p thread_pools=1 -p thread_pool_min=10
}
lines() { printf '%s=%s\n' VARNISH_URL "http://127.0.0.1:$PORT" VARNISH_BACKEND "127.0.0.1:$BACKEND_PORT" VARNISH_KEY "$SIGNING_KEY"; }
up() {
  local pid='' began='' settings='' wanted
  wanted="$BACKEND_PORT $(printf '%s\0' "$SIGNING_KEY" | cat - "$RULE" | cksum)"
  if is_up && [ "$settings" = "$wanted" ]; then return; fi
  stop
  if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then fail "port $PORT is taken by another program"; fi
  LOG=$CACHE/install-varnish.log
  is_installed || say "installing varnish"
  prepare >"$LOG" 2>&1
  LOG=$RUN/log SECONDS=0
  rm -rf "$RUN"; mkdir "$RUN"
  # Its unprivileged processes may not reach CACHE.
  mktemp -d /var/tmp/portcullis-varnish-XXXXXX >"$RUN/work"
  chmod 755 "$(cat "$RUN/work")"
  sed -e "s|@BACKEND_PORT@|$BACKEND_PORT|" -e "s|@SIGNING_KEY@|$SIGNING_KEY|" "$RULE" >"$(cat "$RUN/work")/rule.vcl"
  server </dev/null >"$LOG" 2>&1 8>&- 9>&- &
  echo "$! $(start_time $!) $wanted" >"$RUN/pid"
  until answers; do if ! alive || [ "$SECONDS" -ge 60 ]; then fail "did not start"; fi; sleep 0.2; done
  lines >"$RUN/env"
  LOG=''
}

[[ $PORT =~ ^[0-9]+$ && ${BACKEND_PORT:-0} =~ ^[0-9]+$ ]] || fail "PORT and BACKEND_PORT must be numbers"
[[ $SIGNING_KEY =~ ^[A-Za-z0-9+/]+=*$ ]] || fail "SIGNING_KEY must be base64"
BACKEND_PORT=${BACKEND_PORT:-$((PORT + 1))}
mkdir -p "$CACHE/run"
CACHE=$(cd "$CACHE" && pwd) RUN=$CACHE/run/varnish-$PORT
exec 9>"$CACHE/lock-varnish"
case "${1:-}" in
  up) flock 9; up; cat "$RUN/env" ;;
  down) flock 9; stop ;;
  status) is_up || exit 3; cat "$RUN/env" ;;
  *) say "usage: varnish.sh up|down|status"; exit 2 ;;
esac
