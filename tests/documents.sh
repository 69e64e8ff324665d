#!/usr/bin/env bash
# Carries out what the documents show, after `make build deb`: make's commands here, as whoever calls, all others in a sandbox
# for each document.
#
#   tests/documents.sh [FILE...]     all documents, or these, such as docs/import.md
#
# VERBOSE=1 shows what was on the terminals, also where all is well.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=("${CARGO_TARGET_DIR:-target}"/deb/libpam-mfa_*.deb)
[[ -e ${packages[0]} ]] || { echo 'documents.sh: there are no packages to install: call make deb before.' >&2; exit 1; }

# Of the whole workspace, as tests/e2e.sh does.
DOCUMENTS=$* cargo test --workspace --test documents --locked -- --include-ignored --skip one_document --nocapture
