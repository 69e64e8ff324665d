#!/usr/bin/env bash
# Compiles the end-to-end tests as whoever calls, and runs them in the sandbox against what `make build` left.
#
#   tests/e2e.sh [--file FILE] [NAME...]
#
# All tests; or those of one file of tests/tests; or those whose names hold one of these.
#
# ROUNDS says how often the races are run; CASES and SEED, how many random scenarios there are and which.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

file='*'
if [[ ${1-} == --file ]]; then
    file=${2:?--file needs the name of a file in tests/tests, without .rs}
    shift 2
fi
# Of the whole workspace, though only two packages are run: alone they would be built with other features, and most of
# what they need with them, once more.
compiled=$(cargo test --workspace --test "$file" --no-run --locked --message-format json-render-diagnostics)
compiled=$(grep -E '"manifest_path":"[^"]*/(tests|benches)/Cargo.toml","target":\{"kind":\["test"\]' <<<"$compiled")
compiled=$(sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' <<<"$compiled" | sort)

settings=()
for name in ROUNDS CASES SEED; do
    [[ ! -v $name ]] || settings+=("$name=${!name}")
done
packages="openssh-server sudo cron at fail2ban postgresql vsftpd curl oathtool libfaketime strace valgrind"
packages+=" libpam-google-authenticator libpam-oath libpam0g-dev e2fsprogs mount"
packages+=" openvpn openssl"
packages+=" libfido2-dev fido2-tools libpam-u2f pamu2fcfg openssh-tests"
packages+=" man-db groff-base zsh fish"

# Most of a login is waiting for somebody else: three tests a core.
# shellcheck disable=SC2016
tests/sandbox.sh --packages "$packages" -- env "${settings[@]}" bash -c '
    tests/install.sh || exit
    export RUST_TEST_THREADS=$(($(nproc) * 3))
    mapfile -t tests <<<"$1"
    meant=$(for test in "${tests[@]}"; do "$test" "${@:2}" --list; done)
    [[ $meant == *": test"* ]] || { echo "e2e.sh: no test is called ${*:2}" >&2; exit 1; }
    worst=0
    for test in "${tests[@]}"; do "$test" "${@:2}" || worst=$?; done
    exit $worst
' - "$compiled" "$@"
