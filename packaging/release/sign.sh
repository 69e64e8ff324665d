#!/usr/bin/env bash
# Signs DIR/SHA256SUMS as SHA256SUMS.sig, in the form of OpenSSH.
#
#   packaging/release/sign.sh DIR SIGNERS <KEY
#
# The secret key comes from standard input, unencrypted, and is on no disk. It has to be the one that SIGNERS names, by
# which people verify the release: packaging/release/allowed_signers.
set -euo pipefail
umask 077

die() {
    printf '%s\n' "$1" >&2
    exit 1
}

[[ $# == 2 ]] || die 'packaging/release/sign.sh DIR SIGNERS <KEY'
[[ -f $2 ]] || die "There is no $2: nobody could verify what is signed. CONTRIBUTING.md says how the key is made."
sums=$1/SHA256SUMS
key=$(mktemp --tmpdir=/dev/shm)
trap 'rm -f "$key"' EXIT
cat >"$key"
rm -f "$sums.sig"
ssh-keygen -q -Y sign -f "$key" -n pam-mfa-release "$sums"
chmod 644 "$sums.sig"
ssh-keygen -q -Y verify -f "$2" -I release -n pam-mfa-release -s "$sums.sig" <"$sums" ||
    { rm -f "$sums.sig" && die "The key is not the one that $2 names."; }
