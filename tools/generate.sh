#!/bin/sh
# Writes internal/gen anew from api/**/*.proto.
set -eu
cd "$(dirname "$0")"
exec go run ./generate
