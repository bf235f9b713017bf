#!/usr/bin/env bash
# A throw-away OpenID provider (Debian: glewlwyd, with SQLite) on loopback, for the live tests.
#   glewlwyd.sh up|down|kill|status     stdout is KEY=VALUE lines only; `status` exits 3 when it is down
# `kill` ends the server and keeps its data: the next `up` goes on with them. `down` deletes them.
# Env: CACHE (where the package is unpacked), PORT, ACCESS_TOKEN_TTL (seconds). One instance per PORT.
#
# After `. <(glewlwyd.sh up)`, with me=(-u "$GLEWLWYD_CLIENT_ID:$GLEWLWYD_CLIENT_SECRET"):
#   a JWT of the client (ES256):
#     curl -s "${me[@]}" "$GLEWLWYD_TOKEN_URL" -d grant_type=client_credentials -d scope=api -d resource="$GLEWLWYD_RESOURCE"
#   curl -s "${me[@]}" "$GLEWLWYD_INTROSPECTION_URL" -d token=...
#   a session of the user, whose cookie is good for the authorization endpoint, and the user's consent:
#     curl -s -c jar "$GLEWLWYD_API/auth/" --json '{"username":"alice","password":"password"}'
#     curl -s -b jar "$GLEWLWYD_API/auth/grant/web/" -X PUT --json '{"scope":"openid api"}'
# With a session of `admin` (the same password), $GLEWLWYD_API/mod/plugin/oidc has the settings and the keys.
set -euo pipefail

CACHE=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/portcullis-servers}
PORT=${PORT:-18468}
TTL=${ACCESS_TOKEN_TTL:-900}
SECRET=secret-of-web-0123456789 REDIRECT=https://shop.example.com/auth/callback
RESOURCE=https://api.example.com OTHER_RESOURCE=https://other.example.com
LOG=''

exec 8>&2 # the caller's stderr, also for what fails while output goes to a log
say() { echo "glewlwyd: $*" >&8; }
fail() { say "$*"; exit 1; }
on_exit() { if [ $? -ne 0 ] && [ -n "$LOG" ]; then say "failed; the end of $LOG:"; tail -n 30 "$LOG" >&8; stop; fi; }
trap on_exit EXIT
trap 'exit 130' HUP INT TERM

# A process is ours only when its pid and its kernel start time are both those we wrote down. A zombie (Z) has ended.
start_time() { sed -n 's/.*) \([^Z]\)/\1/p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
alive() { [ -s "$RUN/pid" ] && read -r pid began settings <"$RUN/pid" && [ -n "$began" ] && [ "$(start_time "$pid")" = "$began" ]; }
end() { # by these signals, one after the other
  local pid began settings signal
  for signal; do
    ! alive || kill -"$signal" "$pid" || true
    for _ in {1..50}; do alive || return 0; sleep 0.2; done
  done
}
stop() {
  end TERM KILL
  rm -f "$RUN/pid" "$RUN/env" "$RUN/database"
}
answers() { # the keys are there
  # shellcheck disable=SC2016
  timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "GET /api/oidc/jwks HTTP/1.0\r\n\r\n" >&3 && grep -q kid <&3' "$PORT" 2>/dev/null
}
is_up() { alive && [ -s "$RUN/env" ] && answers; }

is_installed() {
  [ -e "$APP/done" ] && command -v sqlite3 >/dev/null && command -v openssl >/dev/null &&
    ! ldd "$APP/usr/bin/glewlwyd" "$APP"/usr/lib/glewlwyd/*/*.so | grep -q 'not found'
}
# The package is unpacked and not installed, which would add a user and a service. What it needs is installed.
prepare() {
  local package apt=(apt-get -o DPkg::Lock::Timeout=300) needs
  ! is_installed || return 0
  if ! command -v apt-get || [ "$(id -u)" != 0 ]; then fail "missing on this machine: the libraries of glewlwyd, sqlite3"; fi
  "${apt[@]}" update -q
  rm -rf "$APP"; mkdir "$APP"
  (cd "$APP" && apt-get download glewlwyd)
  package=$(printf '%s\n' "$APP"/glewlwyd_*.deb)
  dpkg-deb -x "$package" "$APP"
  needs=$(dpkg-deb -f "$package" Depends | tr ',' '\n' | sed -n 's/^ *\(lib[^ ]*\).*/\1/p')
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -qy --no-install-recommends sqlite3 openssl $needs
  touch "$APP/done"
  is_installed
}
# A private key for ES256 as a JWK. Each part has a fixed place in the DER of RFC 5915.
key() {
  local der=$RUN/key.der
  openssl ecparam -name prime256v1 -genkey -noout -outform DER >"$der"
  part() { tail -c "$1" "$der" | head -c 32 | base64 -w 0 | tr '+/' '-_' | tr -d =; }
  printf '{"kty":"EC","crv":"P-256","alg":"ES256","kid":"first","d":"%s","x":"%s","y":"%s"}' "$(part +8)" "$(part 64)" "$(part 32)"
}
parameters() {
  cat <<END
{
  "iss": "http://127.0.0.1:$PORT/api/oidc", "oauth-as-iss-id": true,
  "jwks-private": "{\"keys\":[$(key | sed 's/"/\\"/g')]}", "jwks-show": true,
  "subject-type": "public", "access-token-duration": $TTL, "refresh-token-duration": 1209600, "code-duration": 60,
  "refresh-token-rolling": true, "refresh-token-one-use": "always",
  "allow-non-oidc": true, "auth-type-code-enabled": true, "auth-type-client-enabled": true, "auth-type-refresh-enabled": true,
  "auth-type-code-revoke-replayed": true, "pkce-allowed": true, "pkce-required": true,
  "email-claim": "mandatory", "additional-parameters": [{"user-parameter": "role", "token-parameter": "roles"}],
  "introspection-revocation-allowed": true, "introspection-revocation-allow-target-client": true,
  "resource-allowed": true, "resource-client-property": "resource",
  "oauth-dpop-allowed": true, "oauth-dpop-iat-duration": 60,
  "session-management-allowed": true, "session-cookie-name": "GLEWLWYD2_OIDC_SID", "session-cookie-expiration": 2419200,
  "back-channel-logout-allowed": true
}
END
}
# Everybody has the password that the package's script gives to `admin`.
settings_sql() {
  cat <<END
INSERT INTO g_scope (gs_name, gs_password_required) VALUES ('api', 0);
INSERT INTO g_user (gu_username, gu_name, gu_email) VALUES ('alice', 'Alice', 'alice@example.com'), ('bob', 'Bob', 'bob@example.com');
INSERT INTO g_user_password (gu_id, guw_password) SELECT gu_id, (SELECT guw_password FROM g_user_password LIMIT 1)
  FROM g_user WHERE gu_username IN ('alice', 'bob');
INSERT INTO g_user_property (gu_id, gup_name, gup_value) SELECT gu_id, 'role', 'admin' FROM g_user WHERE gu_username = 'alice';
INSERT INTO g_user_scope (gus_name) VALUES ('openid'), ('api');
INSERT INTO g_user_scope_user (gu_id, gus_id) SELECT gu_id, gus_id FROM g_user, g_user_scope
  WHERE gu_username IN ('alice', 'bob') AND gus_name IN ('openid', 'api');
INSERT INTO g_client (gc_client_id, gc_name, gc_confidential) VALUES ('web', 'Web', 1);
INSERT INTO g_client_scope (gcs_name) VALUES ('api');
INSERT INTO g_client_scope_client (gc_id, gcs_id) SELECT gc_id, gcs_id FROM g_client, g_client_scope;
INSERT INTO g_client_property (gc_id, gcp_name, gcp_value) SELECT gc_id, column1, column2 FROM g_client, (VALUES
  ('client_secret', '$SECRET'), ('redirect_uri', '$REDIRECT'), ('token_endpoint_auth_method', 'client_secret_basic'),
  ('authorization_type', 'code'), ('authorization_type', 'client_credentials'), ('authorization_type', 'refresh_token'),
  ('resource', '$RESOURCE'), ('resource', '$OTHER_RESOURCE'));
INSERT INTO g_plugin_module_instance (gpmi_module, gpmi_name, gpmi_parameters) VALUES ('oidc', 'oidc', '$(parameters)');
END
}
make_data() {
  rm -rf "$RUN"; mkdir "$RUN"
  { cat "$APP/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3"; settings_sql; } |
    sqlite3 -bail "$RUN/database" >"$LOG" 2>&1
}
server() { # in a clean environment, so that nothing of the caller's configures it
  local lib=$APP/usr/lib/glewlwyd
  cd "$RUN" && exec setsid env -i PATH="$PATH" HOME="$RUN" LC_ALL=C GLWD_PORT="$PORT" GLWD_BIND_ADDRESS=127.0.0.1 \
    GLWD_EXTERNAL_URL="http://127.0.0.1:$PORT" GLWD_API_PREFIX=api GLWD_LOGIN_URL=login.html GLWD_COOKIE_DOMAIN=127.0.0.1 \
    GLWD_LOG_MODE=console GLWD_LOG_LEVEL=INFO GLWD_HASH_ALGORITHM=SHA512 \
    GLWD_DATABASE_TYPE=sqlite3 GLWD_DATABASE_SQLITE3_PATH="$RUN/database" \
    GLWD_USER_MODULE_PATH="$lib/user" GLWD_CLIENT_MODULE_PATH="$lib/client" GLWD_AUTH_SCHEME_MODULE_PATH="$lib/scheme" \
    GLWD_PLUGIN_MODULE_PATH="$lib/plugin" "$APP/usr/bin/glewlwyd" --env-variables
}
lines() {
  local api=http://127.0.0.1:$PORT/api
  cat <<END
GLEWLWYD_API=$api
GLEWLWYD_ISSUER=$api/oidc
GLEWLWYD_TOKEN_URL=$api/oidc/token
GLEWLWYD_INTROSPECTION_URL=$api/oidc/introspect
GLEWLWYD_REVOCATION_URL=$api/oidc/revoke
GLEWLWYD_CLIENT_ID=web
GLEWLWYD_CLIENT_SECRET=$SECRET
GLEWLWYD_REDIRECT_URI=$REDIRECT
GLEWLWYD_RESOURCE=$RESOURCE
GLEWLWYD_OTHER_RESOURCE=$OTHER_RESOURCE
GLEWLWYD_PASSWORD=password
END
}
up() {
  local pid='' began='' settings='' wanted recovers=''
  wanted="$TTL $(cksum <"$0")"
  if is_up && [ "$settings" = "$wanted" ]; then return; fi
  if ! alive && [ -s "$RUN/env" ] && [ "$settings" = "$wanted" ]; then recovers=1; else stop; fi
  if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then fail "port $PORT is taken by another program"; fi
  LOG=$CACHE/install-glewlwyd.log
  is_installed || say "installing glewlwyd"
  prepare >"$LOG" 2>&1
  LOG=$RUN/log SECONDS=0
  [ -n "$recovers" ] || make_data
  server </dev/null >>"$LOG" 2>&1 8>&- 9>&- &
  echo "$! $(start_time $!) $wanted" >"$RUN/pid"
  until answers; do if ! alive || [ "$SECONDS" -ge 60 ]; then fail "did not start"; fi; sleep 0.2; done
  lines >"$RUN/env"
  LOG=''
}

[[ $PORT =~ ^[0-9]+$ ]] || fail "PORT must be a number"
[[ $TTL =~ ^[0-9]+$ ]] || fail "ACCESS_TOKEN_TTL must be a number of seconds"
mkdir -p "$CACHE/run"
CACHE=$(cd "$CACHE" && pwd) APP=$CACHE/glewlwyd RUN=$CACHE/run/glewlwyd-$PORT
exec 9>"$CACHE/lock-glewlwyd"
case "${1:-}" in
  up) flock 9; up; cat "$RUN/env" ;;
  down) flock 9; stop ;;
  kill) flock 9; end KILL ;;
  status) is_up || exit 3; cat "$RUN/env" ;;
  *) say "usage: glewlwyd.sh up|down|kill|status"; exit 2 ;;
esac
