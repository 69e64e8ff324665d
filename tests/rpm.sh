#!/usr/bin/env bash
# Builds the packages of rpm/pam-mfa.spec in the sandbox, without network and with their unit tests, looks at them, and
# installs, upgrades and erases them there.
#
#   tests/rpm.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

make --no-print-directory vendor
# What a rustup of the caller's would choose: there, nobody has a home.
toolchain=$(rustc --print sysroot)/bin

packages="rpm rpmlint make gcc libc6-dev libpam0g-dev libfido2-dev pkgconf bzip2 busybox-static"
packages+=" selinux-policy-dev selinux-policy-default policycoreutils selinux-utils setools"
tests/sandbox.sh --packages "$packages" -- sh -c 'PATH=$1:$PATH exec tests/rpm/try.sh' - "$toolchain"
