#!/usr/bin/env bash
# A throw-away stand-in for Amazon Cognito (PyPI moto, all in memory) on loopback, for the live tests: one user pool
# with two app clients, two groups and a confirmed user who is in both.
#   cognito.sh up|down|status     stdout is KEY=VALUE lines only; `status` exits 3 when it is down
# Env: CACHE (install folder), PORT, MOTO_VERSION. One instance per PORT; every start makes a new pool.
#
# After `. <(cognito.sh up)`, the tokens of the user (.AuthenticationResult has AccessToken, IdToken, RefreshToken):
#   curl -s "$COGNITO_URL/" -H 'Content-Type: application/x-amz-json-1.1' \
#     -H 'X-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth' \
#     -d "{\"AuthFlow\":\"USER_PASSWORD_AUTH\",\"ClientId\":\"$COGNITO_CLIENT_ID\",\"AuthParameters\":
#          {\"USERNAME\":\"$COGNITO_USERNAME\",\"PASSWORD\":\"$COGNITO_PASSWORD\"}}"
# `iss` is the amazonaws.com address of the pool; only the key set is served here. Unlike the real thing: the `kid` is
# always "dummy" and its private key is public (it comes with moto), keys never rotate,
# tokens always live an hour, and `email_verified` is the string "true".
set -euo pipefail

CACHE=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/portcullis-servers}
PORT=${PORT:-18475}
VERSION=${MOTO_VERSION:-5.2.5}
LOG=''

exec 8>&2 # the caller's stderr, also for what fails while output goes to a log
say() { echo "cognito: $*" >&8; }
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
answers() { # any pool id will do: moto serves the one key set for all of them
  # shellcheck disable=SC2016
  timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "GET /us-east-1_x/.well-known/jwks.json HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n" >&3 && grep -q keys <&3' "$PORT" 2>/dev/null
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
  # Not moto[server], which is more than twice the size: serving Cognito takes no more than this.
  "$APP/bin/python" -m pip install --disable-pip-version-check "moto[cognitoidp]==$VERSION" flask==3.1.3 flask-cors==6.0.5
  touch "$APP/done"
}
server() { # in a clean environment, so that nothing of the caller's configures it
  cd "$RUN" && exec setsid env -i PATH="$PATH" HOME="$RUN" "$APP/bin/python" -m moto.server -H 127.0.0.1 -p "$PORT"
}
seed() { # makes the pool and prints the KEY=VALUE lines
  "$APP/bin/python" - "http://127.0.0.1:$PORT" <<'PY'
import json, sys, urllib.request

url = sys.argv[1]
http = urllib.request.build_opener(urllib.request.ProxyHandler({}))

def call(action, **body):
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"AWSCognitoIdentityProviderService.{action}"}
    return json.load(http.open(urllib.request.Request(url + "/", json.dumps(body).encode(), headers), timeout=30))

pool = call("CreateUserPool", PoolName="portcullis", AutoVerifiedAttributes=["email"])["UserPool"]["Id"]
client = {
    "UserPoolId": pool, "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    "ReadAttributes": ["email", "email_verified"],
}
web, other = (call("CreateUserPoolClient", **client, ClientName=name)["UserPoolClient"]["ClientId"] for name in ("web", "other"))
user = {"UserPoolId": pool, "Username": "alice"}
password = "User-pass-123"
email = [{"Name": "email", "Value": "alice@example.com"}, {"Name": "email_verified", "Value": "true"}]
created = call("AdminCreateUser", **user, UserAttributes=email, MessageAction="SUPPRESS")["User"]["Attributes"]
call("AdminSetUserPassword", **user, Password=password, Permanent=True)
groups = ["admins", "editors"]
for group in groups:
    call("CreateGroup", UserPoolId=pool, GroupName=group)
    call("AdminAddUserToGroup", **user, GroupName=group)
lines = {
    "URL": url, "POOL_ID": pool, "ISSUER": f"https://cognito-idp.us-east-1.amazonaws.com/{pool}",
    "JWKS_URI": f"{url}/{pool}/.well-known/jwks.json", "CLIENT_ID": web, "OTHER_CLIENT_ID": other,
    "USERNAME": user["Username"], "PASSWORD": password, "GROUPS": ",".join(groups),
    "SUB": next(pair["Value"] for pair in created if pair["Name"] == "sub"),
}
for key, value in lines.items():
    print(f"COGNITO_{key}={value}")
PY
}
up() {
  local pid began settings wanted="$VERSION"
  if is_up && [ "$settings" = "$wanted" ]; then return; fi
  stop
  if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then fail "port $PORT is taken by another program"; fi
  LOG=$CACHE/install-cognito.log
  [ -e "$APP/done" ] || say "installing moto $VERSION"
  prepare >"$LOG" 2>&1
  LOG=$RUN/log SECONDS=0
  rm -rf "$RUN"; mkdir "$RUN"
  server </dev/null >"$LOG" 2>&1 8>&- 9>&- &
  echo "$! $(start_time $!) $wanted" >"$RUN/pid"
  until answers; do if ! alive || [ "$SECONDS" -ge 60 ]; then fail "did not start"; fi; sleep 0.2; done
  seed >"$RUN/env.new" 2>>"$LOG"
  mv "$RUN/env.new" "$RUN/env"
  LOG=''
}

[[ $PORT =~ ^[0-9]+$ ]] || fail "PORT must be a number"
mkdir -p "$CACHE/run"
CACHE=$(cd "$CACHE" && pwd) APP=$CACHE/moto-$VERSION RUN=$CACHE/run/cognito-$PORT
exec 9>"$CACHE/lock-cognito"
case "${1:-}" in
  up) flock 9; up; cat "$RUN/env" ;;
  down) flock 9; stop ;;
  status) is_up || exit 3; cat "$RUN/env" ;;
  *) say "usage: cognito.sh up|down|status"; exit 2 ;;
esac
