#!/usr/bin/env bash
# Published SDKs: installs them once, then answers as the script beside this one says it, `sdks.mjs` or `dpop.mjs`. Nothing is
# fetched while they verify. Usage: run.sh SCRIPT. Env: CACHE (install folder). Needs Node >= 20 and npm.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/portcullis-servers}
app=$cache/sdks-$(cksum <"$here/package.json" | cut -d' ' -f1)
mkdir -p "$app"
exec 9>"$app.lock"
flock 9
if [ ! -e "$app/done" ]; then
  cp "$here/package.json" "$app/"
  npm install --prefix "$app" --no-audit --no-fund --ignore-scripts >&2
  touch "$app/done"
fi
cp "$here/$1" "$app/" # a module finds its packages by the folder it is in
exec 9>&-
exec node "$app/$1"
