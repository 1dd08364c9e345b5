#!/usr/bin/env bash
# Makes the Python environment NAME from python/NAME.txt in the cache folder and
# prints the path of its interpreter. With the same lock it does nothing; after
# an interruption, or with another lock, it starts anew. The system's Python is
# only asked for its interpreter and pip.
#
#   tools/python-env.sh kernel|test
set -euo pipefail
name=$1
root=$(cd "$(dirname "$0")/.." && pwd)
cache=${QUIRE_CACHE:-$root/.cache}
lock=$root/python/$name.txt
env=$cache/python/$name
uv_version=0.13.9

base=$(python3 -c 'import sys; print(sys.executable)')
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
  echo "python3 is $(python3 --version): the environments need Python 3.10 or newer" >&2
  exit 1
}
key=$(python3 - "$0" "$lock" <<'PY'
import hashlib, sys
h = hashlib.sha256(sys.version.encode())
for name in sys.argv[1:]:
    with open(name, "rb") as f:
        h.update(f.read())
print(h.hexdigest())
PY
)
uv=$cache/uv/bin/uv
if [ "$("$uv" --version 2>/dev/null | cut -d' ' -f2)" != "$uv_version" ]; then
  echo "installing uv $uv_version" >&2
  rm -rf "$cache/uv" "$cache/uv.new"
  # --target is allowed where the system's Python is managed by the system.
  PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --target "$cache/uv.new" "uv==$uv_version" >&2
  mv "$cache/uv.new" "$cache/uv"
fi

if [ "$(cat "$env/.made-from" 2>/dev/null)" = "$key" ] && [ -x "$env/bin/python" ]; then
  echo "$env/bin/python"
  exit 0
fi

echo "making the Python environment $name" >&2
export UV_CACHE_DIR=$cache/uv-cache UV_PYTHON_DOWNLOADS=never
rm -f "$env/.made-from"
"$uv" venv --quiet --clear --python "$base" "$env" >&2
# Without compiled files a kernel's first start takes seconds.
"$uv" pip sync --quiet --require-hashes --compile-bytecode --python "$env/bin/python" "$lock" >&2
if [ "$name" = test ]; then
  "$env/bin/python" -m bash_kernel.install --sys-prefix >&2
fi
# Last: what has no stamp is not whole.
echo "$key" >"$env/.made-from"
echo "$env/bin/python"
