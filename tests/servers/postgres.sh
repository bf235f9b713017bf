#!/usr/bin/env bash
# A throw-away PostgreSQL on loopback, for the live tests: the superuser `portcullis` and two empty databases, of which one
# defaults to serializable transactions. `fsync` is on, so what was committed is there after `kill`.
#   postgres.sh up|down|kill|status     stdout is KEY=VALUE lines only; `status` exits 3 when it is down
# `kill` ends every process of the server with SIGKILL. After that, and after any other crash, `up` recovers the same data.
# `down` deletes the data.
# Env: CACHE (what it remembers), PORT. One instance per PORT. It takes the server that is in PATH, then Debian's newest.
set -euo pipefail

CACHE=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/portcullis-servers}
PORT=${PORT:-18485}
LOG=''

exec 8>&2 # the caller's stderr, also for what fails while output goes to a log
say() { echo "postgres: $*" >&8; }
fail() { say "$*"; exit 1; }
on_exit() { if [ $? -ne 0 ] && [ -n "$LOG" ]; then say "failed; the end of $LOG:"; tail -n 30 "$LOG" >&8; stop; fi; }
trap on_exit EXIT
trap 'exit 130' HUP INT TERM

# A process is ours only when its pid and its kernel start time are both those we wrote down. A zombie (Z) has ended.
start_time() { sed -n 's/.*) \([^Z]\)/\1/p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
alive() { [ -s "$RUN/pid" ] && read -r pid began settings <"$RUN/pid" && [ -n "$began" ] && [ "$(start_time "$pid")" = "$began" ]; }
ended() { for _ in {1..50}; do alive || return 0; sleep 0.2; done; return 1; }
crash() {
  local pid began settings children
  alive || return 0
  kill -STOP "$pid" # it forks no more, and the pids of its children stay theirs
  children=$(cat "/proc/$pid/task/$pid/children")
  # shellcheck disable=SC2086
  kill -KILL "$pid" $children
  ended
}
stop() {
  local pid began settings
  if alive; then
    kill -QUIT "$pid" # no checkpoint: the data goes anyway
    ended || crash
  fi
  [ ! -s "$RUN/data" ] || rm -rf "$(cat "$RUN/data")"
  rm -f "$RUN/pid" "$RUN/env" "$RUN/data"
}
answers() { # the server writes its state into this file, whose first line is its pid
  local lines
  mapfile -t lines <"$(cat "$RUN/data")/postmaster.pid" && [ "${lines[0]:-}" = "$pid" ] && [[ ${lines[7]:-} = ready* ]]
} 2>/dev/null
is_up() { alive && [ -s "$RUN/env" ] && answers; }

find_server() {
  local initdb
  initdb=$(command -v initdb || printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
  BIN=$(dirname "$(readlink -f "$initdb")")
  [ -x "$BIN/initdb" ] && [ -x "$BIN/postgres" ]
}
prepare() {
  local config=/etc/postgresql-common/createcluster.d/portcullis-servers.conf
  ! find_server || return 0
  if ! command -v apt-get || [ "$(id -u)" != 0 ]; then fail "missing on this machine: postgresql"; fi
  apt-get update -q
  # Only the programs: without this, Debian makes and starts a server of its own.
  mkdir -p "${config%/*}"
  echo "create_main_cluster = false" >"$config"
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends postgresql || { rm -f "$config"; return 1; }
  rm -f "$config"
  find_server
}
# PostgreSQL refuses to run as root.
user() { if id -u postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi; }
unprivileged() { # in a clean environment, so that nothing of the caller's configures it
  local as=()
  if [ "$(id -u)" = 0 ]; then as=(setpriv "--reuid=$(user)" "--regid=$(id -g "$(user)")" --clear-groups); fi
  cd / && exec "${as[@]}" env -i PATH="$PATH" LC_ALL=C "$@"
}
make_data() { # in a folder that the unprivileged user reaches, as it may not reach CACHE
  local data
  data=$(mktemp -d /var/tmp/portcullis-postgres-XXXXXX)
  echo "$data" >"$RUN/data"
  if [ "$(id -u)" = 0 ]; then chown "$(user)" "$data"; fi
  # Not synced: it has to outlive the server's processes, not the machine.
  (unprivileged "$BIN/initdb" --no-sync --username=portcullis --auth-local=reject --auth-host=scram-sha-256 \
    --encoding=UTF8 --no-locale --pgdata="$data")
  (unprivileged "$BIN/postgres" --single -c exit_on_error=on -D "$data" postgres) <<'SQL'
ALTER ROLE portcullis PASSWORD 'portcullis'
CREATE DATABASE portcullis
CREATE DATABASE portcullis_serializable
ALTER DATABASE portcullis_serializable SET default_transaction_isolation = 'serializable'
SQL
}
server() {
  unprivileged setsid "$BIN/postgres" -D "$(cat "$RUN/data")" -p "$PORT" -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories= -c max_connections=200
}
start() {
  server </dev/null >>"$LOG" 2>&1 8>&- 9>&- &
  echo "$! $(start_time $!) $wanted" >"$RUN/pid"
}
lines() {
  local url=postgres://portcullis:portcullis@127.0.0.1:$PORT/portcullis
  printf '%s=%s\n' DATABASE_URL "$url" SERIALIZABLE_DATABASE_URL "${url}_serializable"
}
up() {
  local pid='' began='' settings='' wanted recovers=''
  LOG=$CACHE/install-postgres.log
  find_server || say "installing postgresql"
  prepare >"$LOG" 2>&1
  wanted=$("$BIN/postgres" --version)
  LOG=''
  if is_up && [ "$settings" = "$wanted" ]; then return; fi
  if ! alive && [ -s "$RUN/env" ] && [ "$settings" = "$wanted" ]; then recovers=1; else stop; fi
  if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then fail "port $PORT is taken by another program"; fi
  LOG=$RUN/log SECONDS=0
  if [ -n "$recovers" ]; then
    rm -f "$(cat "$RUN/data")/postmaster.pid" # a zombie's pid would stop the server, which also looks for shared memory in use
  else
    rm -rf "$RUN"; mkdir "$RUN"
    make_data >"$LOG" 2>&1
  fi
  start
  until alive && answers; do
    [ "$SECONDS" -lt 60 ] || fail "did not start"
    if ! alive; then
      # Processes that outlive a killed server keep its memory for a moment, and a new one does not start until then.
      [ -n "$recovers" ] || fail "did not start"
      start
    fi
    sleep 0.1
  done
  lines >"$RUN/env"
  LOG=''
}

[[ $PORT =~ ^[0-9]+$ ]] || fail "PORT must be a number"
mkdir -p "$CACHE/run"
CACHE=$(cd "$CACHE" && pwd) RUN=$CACHE/run/postgres-$PORT
exec 9>"$CACHE/lock-postgres"
case "${1:-}" in
  up) flock 9; up; cat "$RUN/env" ;;
  down) flock 9; stop ;;
  kill) flock 9; crash ;;
  status) is_up || exit 3; cat "$RUN/env" ;;
  *) say "usage: postgres.sh up|down|kill|status"; exit 2 ;;
esac
