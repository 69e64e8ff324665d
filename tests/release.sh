#!/usr/bin/env bash
# What packaging/release makes is what it says, and whoever verifies a release by docs/install.md notices a change.
#
#   tests/release.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tests/prerequisites.sh check-packages

die() {
    printf 'release: %s\n' "$1" >&2
    exit 1
}
same() {
    diff --unified=0 <(printf '%s\n' "$2") <(printf '%s\n' "$3") || die "$1: what is expected is above with -, what is there with +."
}
scratch=$(mktemp --directory)
trap 'rm -rf "$scratch"' EXIT

echo 'release: the workflows name nothing that is not here'
/usr/bin/python3 - .github/workflows/*.yml <<'PYTHON'
import os, re, sys, yaml

for path in sys.argv[1:]:
    with open(path) as file:
        workflow = yaml.safe_load(file)
    assert workflow["permissions"] == {}, f"{path}: a job says what it may do"
    for name, job in workflow["jobs"].items():
        at = f"{path}: {name}"
        if "uses" in job:
            assert os.path.isfile(job["uses"].removeprefix("./")), f"{at}: {job['uses']}"
            continue
        assert job["timeout-minutes"] > 0, at
        runs = [step["run"] for step in job["steps"]] # every step is a script of ours, none an action of others
        assert not any("${{" in run for run in runs), f"{at}: what others write comes by the environment"
        for script in re.findall(r"(?:^|\s)((?:\.ci|packaging|tests)/[\w./-]+)", "\n".join(runs)):
            assert script == "packaging/release/allowed_signers" or os.access(script, os.X_OK), f"{at}: {script}"
PYTHON

echo 'release: the list of crates is complete'
packaging/release/sbom.sh >"$scratch/sbom"
in_all=$(cargo tree --locked --edges normal,no-proc-macro --prefix none \
    --package pam_mfa --package mfa-fido --package mfa-enroll --package mfactl |
    sed -n 's/^\([^ ]*\) v\([^ ]*\).*/\1 \2/p' | sort -u)
listed=$(jq --raw-output '.components[] | select(.purl | startswith("pkg:cargo/")) | "\(.name) \(.version)"' "$scratch/sbom")
same 'crates' "$in_all" "$(sort <<<"$listed")"
# Whether $2 is in the binary $1.
within() {
    jq --exit-status --arg binary "$1" --arg crate "$2" '
        .dependencies[] | select(.ref | startswith("pkg:cargo/\($binary)@"))
        | any(.dependsOn[]; test("/\($crate)@"))
    ' "$scratch/sbom" >/dev/null
}
for pair in 'pam_mfa ring' 'pam_mfa libgcc' 'pam_mfa rust-std' 'mfa-fido p256' 'mfa-enroll clap' 'mfactl toml_edit'; do
    # shellcheck disable=SC2086
    within $pair || die "the list lacks: $pair"
done
for pair in 'pam_mfa clap' 'mfa-enroll toml_edit' 'mfactl proptest' 'mfactl clap_derive' 'pam_mfa cc' 'mfactl libgcc'; do
    # shellcheck disable=SC2086
    ! within $pair || die "the list has what is not there: $pair"
done
jq --exit-status 'all(.components[]; .licenses[0].expression | test("^[A-Za-z0-9.() -]+$"))' "$scratch/sbom" >/dev/null ||
    die 'a crate has no licence.'
packaging/release/sbom.sh | cmp - "$scratch/sbom" || die 'the list is another each time.'

echo 'release: who verifies by docs/install.md notices a change'
out=$scratch/out
mkdir "$out"
cp Cargo.lock "$scratch/sbom" "$out"
for key in ours other; do ssh-keygen -q -t ed25519 -N '' -C '' -f "$scratch/$key"; done
signers=$scratch/allowed_signers
echo "release namespaces=\"pam-mfa-release\" $(cat "$scratch/ours.pub")" >"$signers"
packaging/release/sums.sh "$out"
packaging/release/sign.sh "$out" "$signers" <"$scratch/ours"

# The commands as people copy them, run where they would run them.
commands=$(sed -n '/^## Verify/,/^## /{/^```sh/,/^```/p}' docs/install.md | grep -v '^```')
[[ $commands == *'-Y verify'*$'\n'*sha256sum* ]] || die 'docs/install.md does not say how to verify a release.'
verified() {
    rm -rf "$scratch/got"
    cp -r "$out" "$scratch/got"
    cp "$signers" "$scratch/got/allowed_signers"
    [[ $# == 0 ]] || (cd "$scratch/got" && "$@") || die "not done: $*"
    (cd "$scratch/got" && bash -e -c "$commands") >"$scratch/said" 2>&1
}
refused() {
    ! verified "${@:2}" || die "$1, and nobody would notice."
}
verified || die "a release that is in order is refused: $(<"$scratch/said")"
verified rm Cargo.lock || die "a release of which not all was fetched is refused: $(<"$scratch/said")"
refused 'a byte of a file is another' sed -i '1s/^./x/' Cargo.lock
refused 'a byte of the checksums is another' sed -i '1s/^./x/' SHA256SUMS
refused 'a file and its checksum are others' sh -c 'echo x >>Cargo.lock && sha256sum Cargo.lock sbom >SHA256SUMS'
refused 'somebody else has signed' sh -c \
    "rm SHA256SUMS.sig && ssh-keygen -q -Y sign -f '$scratch/other' -n pam-mfa-release SHA256SUMS"
refused 'the signature is for something else' sh -c \
    "rm SHA256SUMS.sig && ssh-keygen -q -Y sign -f '$scratch/ours' -n git SHA256SUMS"
refused 'there is no signature' rm SHA256SUMS.sig
refused 'a package is in no list' sh -c 'echo x >pam-mfa.deb'

! packaging/release/sign.sh "$out" "$signers" <"$scratch/other" 2>/dev/null || die 'a key that nobody knows has signed.'
[[ ! -e $out/SHA256SUMS.sig ]] || die 'a signature that nobody can verify is left.'
! packaging/release/build.sh "$scratch/new" v0 2>/dev/null || die 'a tag of another version is built.'
[[ ! -e $scratch/new ]] || die 'something of it is left.'
echo 'release: as it should be'
