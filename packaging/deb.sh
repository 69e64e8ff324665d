#!/usr/bin/env bash
# Builds the Debian packages as a builder does, without network, from what packaging/vendor.sh left and in a copy of its
# own. They are in target/deb then.
set -euo pipefail
umask 022
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() {
    printf '%s\n' "$1" >&2
    exit 1
}

target=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
packaged=$(dpkg-parsechangelog --show-field Version)
[[ ${packaged%-*} == "$version" ]] || die "Cargo.toml says version $version, debian/changelog $packaged."

here=$target/deb-build
tree=$here/pam-mfa-$version
rm -rf "$tree" "$here"/pam-mfa_* "$here"/*.deb
mkdir -p "$here" "$target/deb"
cp "$target/dist/pam-mfa-$version.tar.xz" "$here/pam-mfa_$version.orig.tar.xz"
cp "$target/dist/pam-mfa-$version-vendor.tar.xz" "$here/pam-mfa_$version.orig-vendor.tar.xz"
tar --extract --directory "$here" --file "$here/pam-mfa_$version.orig.tar.xz"
tar --extract --directory "$tree" --file "$here/pam-mfa_$version.orig-vendor.tar.xz"
cp --recursive debian "$tree"

debian/copyright.sh "$tree/vendor" | diff "$tree/debian/copyright" - ||
    die 'Cargo.lock names other crates than debian/copyright: debian/copyright.sh makes it anew.'

# Rust of the release, where that is new enough, else rustup's.
profile=()
rustc=$(dpkg-query --show --showformat '${Version}' rustc 2>/dev/null) || true
if dpkg --compare-versions "${rustc:-0}" lt "$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)"; then
    profile=(--build-profiles=pkg.pam-mfa.rustup)
    # The build has a home of its own, in which rustup finds nothing.
    PATH=$(dirname "$(rustup which cargo)"):$PATH
fi

# What is compiled stays for the next time. `make check` runs the tests, with more time.
cd "$tree"
DEB_BUILD_OPTIONS="nocheck ${DEB_BUILD_OPTIONS-}" CARGO_TARGET_DIR=$here/target \
    dpkg-buildpackage --no-sign "${profile[@]}"
rm -f "$target"/deb/*
mv "$here"/pam-mfa_* "$here"/*.deb "$target/deb"
rm -r "$tree"
