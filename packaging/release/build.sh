#!/usr/bin/env bash
# Makes all that a release consists of, in the new directory DIR: the source, the crates that it is built with, Debian's
# packages, and a list of what is compiled into them. RPMs are built where they are to run: docs/install.md says why.
#
#   packaging/release/build.sh DIR [TAG]
#
# TAG has to be v and the version of Cargo.toml. The packages are looked at as well: they keep what docs/install.md says
# of the C library.
set -euo pipefail
shopt -s failglob
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")

die() {
    printf '%s\n' "$1" >&2
    exit 1
}

[[ $# -ge 1 ]] || die 'Where to? packaging/release/build.sh DIR [TAG]'
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$here/Cargo.toml")
[[ $# == 1 || $2 == "v$version" ]] || die "The tag is $2, and Cargo.toml has the version $version."
mkdir "$1"
release=$(realpath "$1")
cd "$here"

packaging/release/sbom.sh >"$release/pam-mfa-$version.cdx.json"
make vendor deb
target=${CARGO_TARGET_DIR:-target}
cp "$target/dist/pam-mfa-$version.tar.xz" "$target/dist/pam-mfa-$version-vendor.tar.xz" "$release"
cp "$target"/deb/*.deb "$release"

promised=$(sed -n 's/.*libc \([0-9.]*\) or later.*/\1/p' docs/install.md)
[[ $promised ]] || die 'docs/install.md does not say which libc the packages need.'
for package in "$release"/*.deb; do
    needed=$(dpkg-deb --field "$package" Depends | sed -n 's/.*\blibc6 (>= \([^)]*\)).*/\1/p')
    [[ -z $needed ]] || dpkg --compare-versions "$needed" le "$promised" ||
        die "$package needs libc $needed, and docs/install.md promises $promised: build on an older system."
done
