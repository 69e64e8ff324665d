#!/usr/bin/env bash
# Puts what was built into the throw-away root: the module beside the system's own, the programs where packages will.
set -euo pipefail

built=${PAM_MFA_TARGET:?tests/install.sh is for the sandbox: the machine itself is never installed to}/release
unix=$(dpkg --listfiles "libpam-modules:$(dpkg --print-architecture)" | grep '/pam_unix\.so$')
install --mode 644 "$built/libpam_mfa.so" "${unix%/*}/pam_mfa.so"
install -D --mode 755 "$built/mfa-fido" /usr/libexec/mfa-fido
install --mode 755 "$built/mfa-enroll" /usr/bin/mfa-enroll
install --mode 755 "$built/mfactl" /usr/sbin/mfactl
