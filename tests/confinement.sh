#!/usr/bin/env bash
# Compiles packaging/selinux in the sandbox, links it with Debian's policy, looks at what then is allowed to whom, and logs
# in where an emulated machine's kernel enforces it; and parses AppArmor profiles with packaging/apparmor. Of the module it
# takes what `make build` left.
#
#   tests/confinement.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tests/guest/kernel.sh
packages="make selinux-policy-dev selinux-policy-default policycoreutils selinux-utils setools"
packages+=" qemu-system-x86 busybox-static zstd gcc libc6-dev libpam0g-dev libfido2-1 oathtool openssl procps"
packages+=" apparmor apparmor-profiles"
tests/sandbox.sh --packages "$packages" -- tests/confinement/try.sh
