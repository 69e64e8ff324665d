#!/usr/bin/env bash
# What tests/rpm.sh does in the sandbox.
set -euo pipefail

here=$PWD/tests/rpm
: "${PAM_MFA_TARGET:?tests/rpm/try.sh is for the sandbox}"
export CARGO_TARGET_DIR=/disk/target
mkdir $CARGO_TARGET_DIR
ln -s "$PAM_MFA_TARGET/dist" $CARGO_TARGET_DIR/dist

step() { echo "rpm.sh: $1"; }
wrong() {
    echo "rpm.sh: $1" >&2
    exit 1
}

step 'build, with unit tests'
# Debian's policy is called default, not targeted.
build=(--buildroot /disk/buildroot --define 'selinuxtype default')
rpm/build.sh "${build[@]}" --noclean >/disk/build.log 2>&1 || { tail -n 50 /disk/build.log >&2 && wrong 'no packages'; }
grep -q '^test result: ok\. [1-9]' /disk/build.log || wrong 'no unit test has run'
mkdir /disk/first && mv $CARGO_TARGET_DIR/rpm/*.rpm /disk/first
step 'the same again, as the next release'
rpm/build.sh "${build[@]}" --short-circuit --define 'dist .2' >/disk/next.log 2>&1 ||
    { tail -n 50 /disk/next.log >&2 && wrong 'no next release'; }
mkdir /disk/next && mv $CARGO_TARGET_DIR/rpm/*.rpm /disk/next

step 'rpmlint'
rpmlint --config rpm/rpmlint.toml rpm/pam-mfa.spec /disk/first

step 'what is in them'
# Without what each new command or page of documentation adds, and each libc and compiler calls otherwise.
described() {
    local package what
    for package in /disk/first/*.rpm; do
        rpm --query --package "$package" --queryformat '== %{NAME} %{ARCH}\n'
        rpm --query --package "$package" \
            --queryformat '[%{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILENAMES}\n]' |
            sed '\,/mfactl-\|/mfa-enroll-\|/doc/pam-mfa/docs/\|/\.build-id,d'
        for what in requires provides conflicts obsoletes; do
            rpm --query --package "$package" --$what | sort --unique |
                sed "/^rpmlib(\|^rtld(\|^ld-linux\|^lib.*(G[A-Z]*_/d; s/^/$what /"
        done
        rpm --query --package "$package" --scripts
    done | sed "s/ $(uname --machine)\$/ ARCH/; s/($(uname --machine | tr _ -))/(ARCH)/"
}
described >/disk/described
diff --unified "$here/packages.txt" /disk/described || wrong 'they differ from tests/rpm/packages.txt'

# An empty root but for what runs scriptlets.
root=/disk/root
mkdir -p $root/bin $root/dev
for name in sh grep readlink; do cp "$(command -v busybox)" $root/bin/$name; done
: >$root/dev/null
# Nothing of Fedora is there to satisfy what they require; and Debian's rpm would rather not be used at all.
unmet=(--nodeps --nosignature --force-debian)
of_root() { rpm --root $root "${unmet[@]}" "$@"; }
mine=(pam-mfa pam-mfa-fido pam-mfa-google-authenticator)
packages() { printf '%s\n' "${mine[@]/#//disk/$1/}" | sed "s/\$/-0.1.0-1$2.$(uname --machine).rpm/"; }
verified() {
    local differs
    differs=$(of_root --verify "${mine[@]}") || wrong "rpm -V: $differs"
}
# All that is there and no directory, but for rpm's own.
left() { (cd $root && find . ! -type d ! -path './var/lib/rpm/*' ! -path './root/.rpmdb/*' ! -path './bin/*' ! -path ./dev/null | sort); }

step 'install into an empty root'
mapfile -t first < <(packages first '')
of_root --install "${first[@]}"
verified
modes=$(cd $root/var/lib/pam_mfa && stat --format '%a %n' . users state)
[[ $modes == $'755 .\n711 users\n700 state' ]] || wrong "/var/lib/pam_mfa is: $modes"
for command in bin/mfa-enroll sbin/mfactl; do
    [[ $($root/usr/$command --version) == *' 0.1.0' ]] || wrong "$command does not run"
done
[[ -e $root/usr/lib64/security/pam_google_authenticator.so && -e $root/usr/bin/google-authenticator ]] ||
    wrong 'a link leads nowhere'

step 'upgrade, with what people have enrolled'
echo 'enrolled' >$root/var/lib/pam_mfa/users/alice.toml
echo 'used up' >$root/var/lib/pam_mfa/state/alice
echo 'version = 1' >$root/etc/pam_mfa/policy.toml
mapfile -t next < <(packages next .2)
of_root --upgrade "${next[@]}"
[[ $(rpm --root $root --query --queryformat '%{RELEASE} ' "${mine[@]}") == '1.2 1.2 1.2 ' ]] || wrong 'this is no upgrade'
verified

step 'no erasing while a line needs it'
mkdir -p $root/etc/pam.d
for line in pam_mfa pam_google_authenticator; do
    echo "auth required $line.so" >$root/etc/pam.d/sshd
    said=$(of_root --erase "${mine[@]}" 2>&1) && wrong "erased under a line of $line"
    [[ $said == *"/etc/pam.d/sshd:1:auth required $line.so"* ]] || wrong "not for that reason: $said"
    of_root --install --replacepkgs "${next[@]}" # rpm erases what is in nobody's way
done
rm -r $root/etc/pam.d

step 'erase'
of_root --erase "${mine[@]}"
[[ $(left) == $'./etc/pam_mfa/policy.toml\n./var/lib/pam_mfa/state/alice\n./var/lib/pam_mfa/users/alice.toml' ]] ||
    wrong "this is left: $(left)"
rm -r $root/var/lib/pam_mfa $root/etc/pam_mfa
of_root --install "${first[@]}"
of_root --erase "${mine[@]}"
[[ -z $(left) && ! -e $root/var/lib/pam_mfa && ! -e $root/etc/pam_mfa ]] || wrong "this is left: $(left)"

step 'the old package stands in the way of the links'
cat >/disk/old.spec <<'OLD'
Name: google-authenticator
Version: 1.09
Release: 1
Summary: The old one
License: Apache-2.0
%description
The old one.
%files
OLD
rpmbuild -bb --nodeps --define "_topdir /disk/old" --define "_rpmdir /disk/old" /disk/old.spec >/disk/old.log 2>&1
of_root --install /disk/old/*/google-authenticator-*.rpm
links=/disk/first/pam-mfa-google-authenticator-0.1.0-1.$(uname --machine).rpm
why=$(rpm --root $root --nosignature --force-debian --test --install "$links" 2>&1) && wrong 'both can be installed'
[[ $why == *'google-authenticator conflicts with pam-mfa-google-authenticator'* ||
    $why == *'conflicts with google-authenticator'* ]] || wrong "not for that reason: $why"

step 'the SELinux module, into Debian'\''s policy'
policy() { rpm "${unmet[@]}" "$@" >/disk/policy.log 2>&1 || wrong "rpm $*: $(tail -n 5 /disk/policy.log)"; }
label() { matchpathcon -n /var/lib/pam_mfa/users/alice.toml; }
policy --install /disk/first/pam-mfa-selinux-*.rpm
semodule --list-modules=full | grep -q '^200 pam_mfa ' || wrong "semodule has no pam_mfa: $(cat /disk/policy.log)"
[[ $(label) == *:pam_mfa_var_lib_t:* ]] || wrong "records are $(label)"
policy --upgrade /disk/next/pam-mfa-selinux-*.rpm
[[ $(label) == *:pam_mfa_var_lib_t:* ]] || wrong "after the upgrade, records are $(label)"
policy --erase pam-mfa-selinux
modules=$(semodule --list-modules=full)
! grep pam_mfa <<<"$modules" || wrong 'semodule still has pam_mfa'
