#!/usr/bin/env bash
# Writes DIR/SHA256SUMS, a line for every file in it, for `sha256sum --check`.
#
#   packaging/release/sums.sh DIR
set -euo pipefail
cd "${1:?the directory of the release}"
rm -f SHA256SUMS SHA256SUMS.sig
names=(*)
sha256sum -- "${names[@]}" >SHA256SUMS
