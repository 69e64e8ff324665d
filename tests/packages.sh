#!/usr/bin/env bash
# Builds the Debian packages without network, on this machine's release and on Debian 13, and runs their tests in clean
# roots of both. `make vendor` has left what they are built of.
#
#   tests/packages.sh [NAME...]
#
# All tests of tests/tests/packages, or those whose names hold one of these.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")
# Of the whole workspace, for the reason that e2e.sh gives.
compiled=$(cargo test --workspace --test packages --no-run --locked --message-format json-render-diagnostics)
compiled=$(sed -n '/"kind":\["test"\]/s/.*"executable":"\([^"]*\)".*/\1/p' <<<"$compiled")

# Runs the tests on this release of Debian, with the packages in this directory.
try() {
    local root
    root=$(tests/root.sh --cached libpam-google-authenticator "$1" openssh-server sudo oathtool iproute2)
    echo "packages.sh: clean roots of $1"
    # Most of a login is waiting for somebody else.
    # shellcheck disable=SC2016
    tests/sandbox.sh --root "$root" -- sh -c 'cp -r "$1" /packages && shift && exec env "$@"' - "$2" \
        DEBIAN_FRONTEND=noninteractive RUST_TEST_THREADS=$(($(nproc) * 3)) "$compiled" --ignored "${@:3}"
}

alone=(unshare --net)
[[ $EUID == 0 ]] || alone+=(--user --map-current-user)
"${alone[@]}" packaging/deb.sh
# shellcheck source=/dev/null
own=$(. /etc/os-release && echo "$VERSION_CODENAME")
try "$own" "$target/deb" "$@"
if [[ $own == trixie ]]; then
    echo 'packages.sh: not tried on Debian 12: what is built here may not start there' >&2
    exit
fi

# With Debian's own Rust. What the sandbox builds leaves it by its standard output.
needed=$(sed -n '/^Build-Depends:/,/^[^ ]*:/s/^ \([a-z0-9-]*\).*/\1/p' debian/control)
# shellcheck disable=SC2086
root=$(tests/root.sh trixie build-essential $needed iproute2)
rm -rf "$target/deb-trixie"
mkdir "$target/deb-trixie"
# shellcheck disable=SC2016
tests/sandbox.sh --root "$root" -- sh -c '
    ln -s "$PAM_MFA_TARGET/dist" /disk && CARGO_TARGET_DIR=/disk packaging/deb.sh >&2 && tar --create --directory /disk/deb .
' | tar --extract --directory "$target/deb-trixie"
try trixie "$target/deb-trixie" "$@"
