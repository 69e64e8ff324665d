#!/usr/bin/env bash
# Debian's own review of what `make deb` left, source and binaries: no error and no warning.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tests/sandbox.sh --packages lintian -- sh -c '
    set -- "$PAM_MFA_TARGET"/deb/*.changes
    [ -e "$1" ] || { echo "lintian.sh: there are no packages: run make deb first." >&2; exit 1; }
    lintian --allow-root --fail-on error,warning "$@"
'
