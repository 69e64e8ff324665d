#!/usr/bin/env bash
# Compiles the end-to-end tests as whoever calls, and runs them in the sandbox against what `make build` left.
#
#   tests/e2e.sh [NAME...]      all tests, or those whose names hold one of these
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

compiled=$(cargo test --package sandbox --no-run --locked --message-format json-render-diagnostics)
compiled=$(sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' <<<"$compiled" | sort)

# Most of a login is waiting for somebody else: three tests a core.
# shellcheck disable=SC2016
tests/sandbox.sh --packages "openssh-server sudo oathtool libpam-google-authenticator libpam0g-dev" -- bash -c '
    tests/install.sh || exit
    export RUST_TEST_THREADS=$(($(nproc) * 3))
    mapfile -t tests <<<"$1"
    worst=0
    for test in "${tests[@]}"; do "$test" "${@:2}" || worst=$?; done
    exit $worst
' - "$compiled" "$@"
