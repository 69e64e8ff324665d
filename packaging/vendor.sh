#!/usr/bin/env bash
# Makes the two tarballs that packages are built of: this tree, and the crates that it needs, for a build without network.
#
#   packaging/vendor.sh
#
# Leaves in target/dist pam-mfa-VERSION.tar.xz, with what git would commit but for debian/, and
# pam-mfa-VERSION-vendor.tar.xz, which is unpacked in that tree: `cargo --config vendor/config.toml` takes its crates from
# there.
set -euo pipefail
umask 022
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
name=pam-mfa-$version
dist=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")/dist
mkdir -p "$dist"
part=$(mktemp --directory "$dist/making.XXXXXX")
trap 'rm -rf "$part"' EXIT

# pack NAME TAR-ARGUMENT...: the same content makes the same tarball, whoever packs it where.
pack() {
    tar --create --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime="@$when" "${@:2}" |
        xz --threads=1 -1 >"$part/$1"
    mv "$part/$1" "$dist/$1"
    echo "$dist/$1"
}

when=$(git log -1 --format=%ct)
git ls-files -z --cached --others --exclude-standard -- ':!debian' >"$part/files"
pack "$name.tar.xz" --null --no-recursion --files-from "$part/files" --transform "flags=r;s|^|$name/|"

# The crates are those of Cargo.lock: without a newer one they are there already.
vendor=$name-vendor.tar.xz
if [[ $dist/$vendor -nt Cargo.lock && $dist/$vendor -nt packaging/vendor.sh ]]; then
    echo "$dist/$vendor"
    exit
fi
cargo vendor --quiet --locked "$part/vendor"
printf '%s\n' '[source.crates-io]' 'replace-with = "vendored"' '[source.vendored]' 'directory = "vendor"' \
    >"$part/vendor/config.toml"
# Cargo wants a crate of Cargo.lock to be there for every system. What only Windows and WebAssembly build is half of it, and
# libraries that nobody could build from source: the name, the version and nothing else stays.
for crate in "$part"/vendor/{windows,wasi,wit-bindgen}*; do
    find "$crate" -mindepth 1 -maxdepth 1 ! -name Cargo.toml ! -name .cargo-checksum.json -exec rm -r {} +
    mkdir "$crate/src"
    touch "$crate/src/lib.rs"
    sed --in-place 's/"files":{[^}]*}/"files":{}/' "$crate/.cargo-checksum.json"
done
when=$(git log -1 --format=%ct Cargo.lock)
pack "$vendor" --directory "$part" vendor
