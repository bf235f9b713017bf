#!/usr/bin/env bash
# A mail catcher (PyPI aiosmtpd, all in memory) on loopback, for the live tests: it delivers nothing.
#   smtp.sh up|down|status     stdout is KEY=VALUE lines only; `status` exits 3 when it is down
# Env: CACHE (install folder), PORT, HTTP_PORT (default: the next), AIOSMTPD_VERSION, SMTP_USER and SMTP_PASSWORD: with
# them, mail is refused without AUTH PLAIN or LOGIN; without them, AUTH is not offered. One instance per PORT.
#
# After `. <(smtp.sh up)`:
#   curl -s "$MAILS_URL/mails"              what was caught, newest last: [{"from": "…", "to": ["…"], "subject": "…",
#                                           "text": "…" or null, "html": "…" or null, "headers": {"Date": ["…"], …},
#                                           "tls": false, "authenticated": false}, …]; `to` is the envelope's
#   curl -s -X DELETE "$MAILS_URL/mails"    forgets it, for every user of the instance
# STARTTLS is offered to everyone; SMTP_CA is the authority of its certificate (127.0.0.1, localhost), new at every start.
set -euo pipefail

CACHE=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/portcullis-servers}
PORT=${PORT:-18495}
VERSION=${AIOSMTPD_VERSION:-1.4.6}
SERVER=$(dirname "${BASH_SOURCE[0]}")/smtp.py LOG=''
SMTP_USER=${SMTP_USER:-} SMTP_PASSWORD=${SMTP_PASSWORD:-}

exec 8>&2 # the caller's stderr, also for what fails while output goes to a log
say() { echo "smtp: $*" >&8; }
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
answers() { # HTTP comes after SMTP
  # shellcheck disable=SC2016
  timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "GET /mails HTTP/1.0\r\n\r\n" >&3 && grep -q "200 OK" <&3' "$HTTP_PORT" 2>/dev/null
}
is_up() { alive && [ -s "$RUN/env" ] && answers; }

need_python() {
  ! python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' || return 0
  if command -v python3 && ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then fail "needs Python >= 3.10"; fi
  if ! command -v apt-get || [ "$(id -u)" != 0 ]; then fail "missing on this machine: python3-venv"; fi
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends python3-venv
}
prepare() {
  [ ! -e "$APP/done" ] || return 0
  need_python
  rm -rf "$APP"
  python3 -m venv "$APP"
  "$APP/bin/python" -m pip install --disable-pip-version-check "aiosmtpd==$VERSION" trustme==1.2.1
  touch "$APP/done"
}
server() { # in a clean environment, so that nothing of the caller's configures it
  cd "$RUN" && exec setsid env -i PATH="$PATH" HOME="$RUN" PORT="$PORT" HTTP_PORT="$HTTP_PORT" SMTP_USER="$SMTP_USER" \
    SMTP_PASSWORD="$SMTP_PASSWORD" "$APP/bin/python" "$RUN/smtp.py"
}
lines() {
  printf '%s=%s\n' SMTP_URL "smtp://127.0.0.1:$PORT" MAILS_URL "http://127.0.0.1:$HTTP_PORT" SMTP_CA "$RUN/ca.pem"
}
up() {
  local pid began settings wanted port
  wanted="$VERSION $HTTP_PORT $(printf '%s\0' "$SMTP_USER" "$SMTP_PASSWORD" | cat - "$SERVER" | cksum)"
  if is_up && [ "$settings" = "$wanted" ]; then return; fi
  stop
  for port in "$PORT" "$HTTP_PORT"; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then fail "port $port is taken by another program"; fi
  done
  LOG=$CACHE/install-smtp.log
  [ -e "$APP/done" ] || say "installing aiosmtpd $VERSION"
  prepare >"$LOG" 2>&1
  LOG=$RUN/log SECONDS=0
  rm -rf "$RUN"; mkdir "$RUN"
  cp "$SERVER" "$RUN/smtp.py"
  server </dev/null >"$LOG" 2>&1 8>&- 9>&- &
  echo "$! $(start_time $!) $wanted" >"$RUN/pid"
  until answers; do if ! alive || [ "$SECONDS" -ge 60 ]; then fail "did not start"; fi; sleep 0.2; done
  lines >"$RUN/env"
  LOG=''
}

[[ $PORT =~ ^[0-9]+$ && ${HTTP_PORT:-0} =~ ^[0-9]+$ ]] || fail "PORT and HTTP_PORT must be numbers"
HTTP_PORT=${HTTP_PORT:-$((PORT + 1))}
mkdir -p "$CACHE/run"
CACHE=$(cd "$CACHE" && pwd) APP=$CACHE/aiosmtpd-$VERSION RUN=$CACHE/run/smtp-$PORT
exec 9>"$CACHE/lock-smtp"
case "${1:-}" in
  up) flock 9; up; cat "$RUN/env" ;;
  down) flock 9; stop ;;
  status) is_up || exit 3; cat "$RUN/env" ;;
  *) say "usage: smtp.sh up|down|status"; exit 2 ;;
esac
