#!/usr/bin/env bash
# Builds the packages of rpm/pam-mfa.spec from the tarballs that `make vendor` left: target/rpm/*.rpm. Uses no network.
#
#   rpm/build.sh [OPTION...]
#
# The options are rpmbuild's: --nocheck leaves the unit tests out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

command -v rpmbuild >/dev/null || {
    echo 'There is no rpmbuild: install rpm-build on Fedora or RHEL, rpm on Debian or Ubuntu.' >&2
    exit 1
}
target=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-../target}")
# BuildRequires are Fedora's packages: where rpm keeps no packages, it finds none of them.
[[ -n $(rpm --query --all 2>/dev/null) ]] || set -- --nodeps "$@"

# In a place of its own, whatever CARGO_TARGET_DIR says to whoever calls.
exec env --unset=CARGO_TARGET_DIR rpmbuild -bb --define "_topdir $target/rpm/build" \
    --define "_sourcedir $target/dist" --define "_rpmdir $target/rpm" \
    --define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' "$@" pam-mfa.spec
