#!/usr/bin/env bash
# Says what is compiled into the module and the programs: a CycloneDX 1.5 document on standard output.
#
#   packaging/release/sbom.sh
#
# Of Cargo.lock the crates that end up in one of them, and what the compilers bring, Rust's standard library and the
# unwinder of GCC that is linked into the module. `dependencies` says which of it is in which. Not in it: what only
# compiles or tests, and the shared libraries that a package depends on. The same tree gives the same document.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Of all four in one go: so they are built, and a feature that one asks for is on in all.
crates=$(cargo tree --locked --edges normal,no-proc-macro --prefix depth --no-dedupe --format '{p}|{l}' \
    --package pam_mfa --package mfa-fido --package mfa-enroll --package mfactl)
rust=$(rustc --version | cut -d ' ' -f 2)
gcc=$(cc -dumpfullversion)

jq --null-input --raw-input --arg rust "$rust" --arg gcc "$gcc" '
    def component(kind): {
        type: kind, "bom-ref": .ref, name, version, licenses: [{expression: .licence}], purl: .ref
    };
    def runtime(name; version; licence): {
        name: name, version: version, licence: licence, ref: "pkg:generic/\(name)@\(version)"
    };
    runtime("rust-std"; $rust; "MIT OR Apache-2.0") as $std
    | runtime("libgcc"; $gcc; "GPL-3.0-or-later WITH GCC-exception-3.1") as $libgcc
    | [inputs
        | capture("^(?<depth>[0-9]+)(?<name>[^ ]+) v(?<version>[^ |]+)[^|]*\\|(?<licence>.+)$")
        | .licence |= gsub("/"; " OR ") # as older crates wrote it
        | .ref = "pkg:cargo/\(.name)@\(.version | @uri)"]
    | reduce .[] as $crate ([];
        if $crate.depth == "0" then . + [{root: $crate, within: [$std]}] else .[-1].within += [$crate] end)
    | map(if .root.name == "pam_mfa" then .within += [$libgcc] else . end)
    | (map(.root.ref)) as $roots
    | {
        bomFormat: "CycloneDX",
        specVersion: "1.5",
        version: 1,
        metadata: {component: {type: "application", name: "pam-mfa", version: .[0].root.version}},
        components: (
            map(.root | component("application"))
            + (map(.within[]) | unique_by(.ref) | map(select(.ref | IN($roots[]) | not) | component("library")))
        ),
        dependencies: map({ref: .root.ref, dependsOn: (.within | map(.ref) | unique)})
    }
' <<<"$crates"
