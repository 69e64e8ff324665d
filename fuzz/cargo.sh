#!/usr/bin/env bash
# cargo, for code that tells libFuzzer what of it was reached.
#
#   fuzz/cargo.sh build|clippy [ARGUMENT...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# What cargo-fuzz passes where no sanitizer is wanted. Sanitizers need nightly Rust, coverage does not.
RUSTFLAGS=-Cpasses=sancov-module
for part in level=4 inline-8bit-counters pc-table trace-compares; do
    RUSTFLAGS+=" -Cllvm-args=-sanitizer-coverage-$part"
done
export RUSTFLAGS
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$(realpath ..)/target}
# With a target named, build scripts are built without all this.
host=$(rustc --version --verbose | sed -n 's/^host: //p')
exec cargo "$1" --release --locked --target "$host" "${@:2}"
