#!/usr/bin/env bash
# Sees to what `make build`, `make check`, `make fuzz`, `make deb` or `make check-packages` needs on this machine.
#
#   tests/prerequisites.sh build|check|fuzz|deb|check-packages
#
# What lacks is installed after saying so: asked at a terminal, not asked without one or with YES=1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

die() {
    printf '%s\n' "$1" >&2
    exit 1
}

# Tells what is about to be done, and why; whoever sits at a terminal may say no.
agreed() {
    echo "$1"
    if [[ -t 0 && ${YES-} != 1 ]]; then
        read -rp 'Go ahead? [Y/n] ' answer
        [[ ! $answer =~ ^[Nn] ]] || die 'Nothing was installed.'
    fi
}

needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' ../Cargo.toml)
rust="install it with rustup (https://rustup.rs), or with apt-get install cargo on Debian 13 or later."
found=$(rustc --version 2>/dev/null | cut -d ' ' -f 2) || true
cargo --version >/dev/null 2>&1 || found=
[[ $found ]] || die "Rust $needed or later is needed, and there is none${SUDO_USER:+ for root (do not use sudo)}: $rust"
oldest=$(printf '%s\n' "$needed" "$found" | sort --version-sort | head -n 1)
[[ $oldest == "$needed" ]] || die "Rust $needed or later is needed, and this is $found: $rust"

packages=()
components=()
if ! printf '#include <%s>\n' stdio.h security/pam_appl.h | cc -x c -fsyntax-only - 2>/dev/null; then
    packages+=(gcc libc6-dev libpam0g-dev)
fi
# What is linked is asked for, not the headers.
if [[ $1 != fuzz ]] && ! echo 'int main(void) { return 0; }' | cc -x c -o /dev/null - -lfido2 2>/dev/null; then
    packages+=(libfido2-dev)
fi
if [[ $1 == deb || $1 == check-packages ]]; then
    wanted=(build-essential debhelper)
    [[ $1 == deb ]] || wanted+=(mmdebstrap jq openssh-client python3-yaml)
    for name in "${wanted[@]}"; do
        dpkg-query --show --showformat '${Status}' "$name" 2>/dev/null | grep -q ' installed$' || packages+=("$name")
    done
fi
if [[ $1 == check || $1 == fuzz ]]; then
    printf '#include <cstdlib>\n' | c++ -x c++ -fsyntax-only - 2>/dev/null || packages+=(g++)
fi
if [[ $1 == check ]]; then
    cargo fmt --version >/dev/null 2>&1 || components+=(rustfmt)
    cargo clippy --version >/dev/null 2>&1 || components+=(clippy)
fi
if [[ ${#components[@]} -gt 0 ]]; then
    if command -v rustup >/dev/null; then
        agreed "make check needs ${components[*]}: rustup component add ${components[*]}"
        rustup component add "${components[@]}"
    else
        packages+=("${components[@]/#clippy/rust-clippy}")
    fi
fi
if [[ ${#packages[@]} -gt 0 ]]; then
    command -v apt-get >/dev/null || die "make $1 needs ${packages[*]}: install what your distribution\
 calls so, then call make again."
    agreed "make $1 needs packages on this machine: apt-get install ${packages[*]}"
    export DEBIAN_FRONTEND=noninteractive
    # The package lists of a fresh machine may be absent or old.
    # shellcheck disable=SC2016
    ./as-root.sh env DEBIAN_FRONTEND=noninteractive sh -c '
        apt-get install --yes --quiet --no-install-recommends "$@" ||
            { apt-get update --quiet && apt-get install --yes --quiet --no-install-recommends "$@"; }
    ' - "${packages[@]}" || die "Installing ${packages[*]} failed; what apt-get said is above."
fi
