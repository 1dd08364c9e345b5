#!/usr/bin/env bash
# Installs Debian's Chromium where there is none: the tests of the pages drive
# it. Prints its path.
set -euo pipefail
chromium=/usr/bin/chromium
if [ ! -x "$chromium" ]; then
  echo 'installing Chromium' >&2
  {
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium fonts-dejavu-core
  } >&2
fi
echo "$chromium"
