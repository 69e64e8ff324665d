#!/usr/bin/env bash
# Runs a command as root: as it is for root, else through sudo, else through su.
#   tests/as-root.sh COMMAND [ARGUMENT...]
set -euo pipefail

if [[ $EUID == 0 ]]; then
    exec "$@"
elif command -v sudo >/dev/null && sudo --validate; then
    exec sudo -- "$@"
elif [[ -t 0 ]] && command -v su >/dev/null; then
    echo "This needs root; su asks for root's password." >&2
    exec su --command "$(printf '%q ' "$@")"
else
    echo "This needs root, and neither sudo nor su can be asked here: run it from a root shell." >&2
    exit 1
fi
