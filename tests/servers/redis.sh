#!/usr/bin/env bash
# A throw-away Redis on loopback, with a password and without persistence, for the live tests.
#   redis.sh up|down|status     stdout is KEY=VALUE lines only; `status` exits 3 when it is down
# Env: CACHE (what it remembers), PORT. One instance per PORT. It takes the server that is in PATH, then Debian's.
set -euo pipefail

CACHE=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/portcullis-servers}
PORT=${PORT:-18486}
LOG=''

exec 8>&2 # the caller's stderr, also for what fails while output goes to a log
say() { echo "redis: $*" >&8; }
fail() { say "$*"; exit 1; }
on_exit() { if [ $? -ne 0 ] && [ -n "$LOG" ]; then say "failed; the end of $LOG:"; tail -n 30 "$LOG" >&8; stop; fi; }
trap on_exit EXIT
trap 'exit 130' HUP INT TERM

# A process is ours only when its pid and its kernel start time are both those we wrote down. A zombie (Z) has ended.
start_time() { sed -n 's/.*) \([^Z]\)/\1/p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
alive() { [ -s "$RUN/pid" ] && read -r pid began settings <"$RUN/pid" && [ -n "$began" ] && [ "$(start_time "$pid")" = "$began" ]; }
stop() {
  local pid began settings
  if alive; then
    kill -KILL "$pid" # nothing of it is kept
    for _ in {1..250}; do alive || break; sleep 0.02; done
  fi
  rm -f "$RUN/pid" "$RUN/env"
}
answers() { grep -q "Ready to accept connections" "$RUN/log" && (exec 3<>"/dev/tcp/127.0.0.1/$PORT"); } 2>/dev/null
is_up() { alive && [ -s "$RUN/env" ] && answers; }

# Debian has the program twice, and by its name it is the server. The package of tools does not start one of its own.
find_server() { SERVER=$(command -v redis-server || command -v redis-check-rdb); }
prepare() {
  ! find_server || return 0
  if ! command -v apt-get || [ "$(id -u)" != 0 ]; then fail "missing on this machine: redis-server"; fi
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends redis-tools
  find_server
}
start() { # in a clean environment, so that nothing of the caller's configures it
  # shellcheck disable=SC2016
  (cd "$RUN" && exec env -i PATH="$PATH" LC_ALL=C setsid bash -c 'exec -a redis-server "$@"' - "$SERVER" \
    --bind 127.0.0.1 --port "$PORT" --requirepass portcullis --save '' --appendonly no --daemonize no) \
    </dev/null >>"$LOG" 2>&1 8>&- 9>&- &
  echo "$! $(start_time $!) $wanted" >"$RUN/pid"
}
up() {
  local pid='' began='' settings='' wanted
  LOG=$CACHE/install-redis.log
  find_server || say "installing redis"
  prepare >"$LOG" 2>&1
  LOG=''
  wanted=$(cksum <"$SERVER" | tr ' ' -)
  if is_up && [ "$settings" = "$wanted" ]; then return; fi
  stop
  if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then fail "port $PORT is taken by another program"; fi
  rm -rf "$RUN"; mkdir "$RUN"
  LOG=$RUN/log SECONDS=0
  start
  until answers; do
    alive || fail "did not start"
    [ "$SECONDS" -lt 60 ] || fail "did not start"
    sleep 0.02
  done
  printf '%s=%s\n' REDIS_URL "redis://:portcullis@127.0.0.1:$PORT" >"$RUN/env"
  LOG=''
}

[[ $PORT =~ ^[0-9]+$ ]] || fail "PORT must be a number"
mkdir -p "$CACHE/run"
CACHE=$(cd "$CACHE" && pwd) RUN=$CACHE/run/redis-$PORT
exec 9>"$CACHE/lock-redis"
case "${1:-}" in
  up) flock 9; up; cat "$RUN/env" ;;
  down) flock 9; stop ;;
  status) is_up || exit 3; cat "$RUN/env" ;;
  *) say "usage: redis.sh up|down|status"; exit 2 ;;
esac
