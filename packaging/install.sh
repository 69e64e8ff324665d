#!/usr/bin/env bash
# Puts what `make build` left where it belongs. This is the one list of it: the distribution packages are staged by it.
#
#   [DESTDIR=...] [PREFIX=/usr/local] packaging/install.sh
#
# DESTDIR is put before every path, for staging. PAMDIR is where PAM's modules are, by default the directory of its own;
# UNITDIR where systemd looks, ZSHDIR where zsh looks for completions. Nothing in /etc is touched. Uses no network and
# compiles nothing.
set -euo pipefail
umask 022
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() {
    printf '%s\n' "$1" >&2
    exit 1
}

built=${CARGO_TARGET_DIR:-target}/release
DESTDIR=${DESTDIR-}
PREFIX=${PREFIX:-/usr/local}
UNITDIR=${UNITDIR:-$PREFIX/lib/systemd/system}
ZSHDIR=${ZSHDIR:-$PREFIX/share/zsh/site-functions}
if [[ -z ${PAMDIR-} ]]; then
    # Beside the system's own: a PAM line then needs no path.
    for there in /lib64 "/lib/$(cc -print-multiarch 2>/dev/null)" /lib; do
        [[ ! -e $there/security/pam_unix.so ]] || { PAMDIR=$there/security && break; }
    done
fi
[[ ${PAMDIR-} ]] || die 'Where are the modules of PAM? Say PAMDIR=DIRECTORY, the one that has pam_unix.so.'

# put MODE DIRECTORY FILE...: the files, under their own names
put() {
    install -D --mode "$1" --target-directory "$DESTDIR$2" "${@:3}"
}
# name MODE PATH FILE: one file, under the name that PATH ends in
name() {
    install -D --mode "$1" --no-target-directory "$3" "$DESTDIR$2"
}

for file in libpam_mfa.so mfa-fido mfa-enroll mfactl manual/man1 manual/man5 manual/man8 manual/completions; do
    [[ -e $built/$file ]] || die "There is no $built/$file: run make build first."
done

name 644 "$PAMDIR/pam_mfa.so" "$built/libpam_mfa.so"
put 755 "$PREFIX/bin" "$built/mfa-enroll"
put 755 "$PREFIX/sbin" "$built/mfactl"
put 755 /usr/libexec "$built/mfa-fido" # whatever PREFIX is: the module starts no other

put 644 "$UNITDIR" packaging/systemd/*
sed --in-place "s|/usr/sbin/mfactl|$PREFIX/sbin/mfactl|" "$DESTDIR$UNITDIR/pam-mfa-policy-revert.service"
put 644 /usr/share/pam-configs packaging/pam-configs/mfa # off until somebody switches it on

shopt -s failglob # an empty directory is a mistake
for section in 1 5 8; do
    put 644 "$PREFIX/share/man/man$section" "$built/manual/man$section"/*."$section"
done
put 644 "$PREFIX/share/bash-completion/completions" "$built"/manual/completions/bash/*
put 644 "$ZSHDIR" "$built"/manual/completions/zsh/*
put 644 "$PREFIX/share/fish/vendor_completions.d" "$built"/manual/completions/fish/*

doc=$PREFIX/share/doc/pam-mfa
put 644 "$doc" README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE
for page in docs/*.md docs/*/*.md; do put 644 "$doc/${page%/*}" "$page"; done
name 644 "$doc/examples/policy.toml" packaging/policy.toml.sample
put 644 "$doc/examples/fail2ban/filter.d" packaging/fail2ban/filter.d/*
put 644 "$doc/examples/fail2ban/jail.d" packaging/fail2ban/jail.d/*
put 644 "$doc/examples/apparmor" packaging/apparmor/pam_mfa
put 644 "$doc/authselect" packaging/authselect/*
