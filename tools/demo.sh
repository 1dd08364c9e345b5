#!/usr/bin/env bash
# Starts a server on a free loopback port with a data folder of its own, runs
# the example through its API, and stops it. Succeeds only if the operation did.
set -euo pipefail
cd "$(dirname "$0")/.."
quire=${QUIRE_BIN:-bin/quire}
cache=${QUIRE_CACHE:-$PWD/.cache}
out=$cache/demo/sales-report.ipynb

python=$(tools/python-env.sh kernel)

work=$(mktemp -d)
server=
finish() {
  status=$?
  trap - EXIT
  if [ -n "$server" ]; then
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" || true
  fi
  if [ "$status" -ne 0 ] && [ -s "$work/server.log" ]; then
    echo "--- the server's log" >&2
    tail -n 40 "$work/server.log" >&2
  fi
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Fonts are looked for once, and not in the user's home.
export MPLCONFIGDIR=$cache/matplotlib
"$python" -c 'import matplotlib.font_manager' 2>/dev/null

"$quire" serve --listen 127.0.0.1:0 --data "$work/data" --python "$python" \
  --address-file "$work/address" >"$work/server.log" 2>&1 &
server=$!
for _ in $(seq 300); do
  [ -s "$work/address" ] && break
  kill -0 "$server" 2>/dev/null || { echo "the server did not start" >&2; exit 1; }
  sleep 0.1
done
[ -s "$work/address" ] || { echo "the server did not start within 30 s" >&2; exit 1; }
QUIRE_ADDRESS=$(cat "$work/address")
QUIRE_TOKEN=$(cat "$work/data/token")
export QUIRE_ADDRESS QUIRE_TOKEN
echo "server on $QUIRE_ADDRESS"

# field reads one value from a command's JSON: field '["id"]'.
field() { "$python" -c "import json, sys; print(json.load(sys.stdin)$1)"; }

project=$("$quire" project create demo -o json | field '["id"]')
echo "project $project"
"$quire" files put --project "$project" examples/sales.csv sales.csv
"$quire" files put --project "$project" examples/sales-report.ipynb sales-report.ipynb

"$quire" execute --project "$project" sales-report.ipynb -v region=north -v top=2 \
  --output-variable total_revenue --output-variable best_month --output-variable top_products --wait

execution=$("$quire" execution list --project "$project" -o json | field '["executions"][0]["id"]')
mkdir -p "$(dirname "$out")"
"$quire" execution notebook "$execution" -O "$out"
echo "executed notebook: $out"
