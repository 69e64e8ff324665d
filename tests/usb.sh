#!/usr/bin/env bash
# Compiles the tests of keys on USB as whoever calls, and runs them in an emulated machine with such keys, against what
# `make build` left.
#
#   tests/usb.sh [NAME...]
#
# All tests of tests/tests/usb.rs, or those whose names hold one of these.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tests/guest/kernel.sh
# Of the whole workspace, for the reason that e2e.sh gives.
compiled=$(cargo test --workspace --test usb --no-run --locked --message-format json-render-diagnostics)
compiled=$(sed -n '/"kind":\["test"\]/s/.*"executable":"\([^"]*\)".*/\1/p' <<<"$compiled")

packages="qemu-system-x86 busybox-static zstd sudo oathtool fido2-tools libpam-u2f pamu2fcfg"
# The tests share the machine's one set of devices: one at a time.
# shellcheck disable=SC2016
tests/sandbox.sh --packages "$packages" -- sh -c 'tests/install.sh && exec tests/guest/boot.sh "$@"' - \
    "$compiled" --ignored --test-threads 1 "$@"
