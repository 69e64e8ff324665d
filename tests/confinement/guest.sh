#!/usr/bin/env bash
# What tests/confinement.sh does in the guest: logins in the domain of sshd, with SELinux enforcing.
set -euo pipefail

wrong() {
    echo "confinement.sh: $1" >&2
    dmesg | grep 'avc: *denied' >&2 || true
    exit 1
}
# In place of what a machine has on a disk: with labels.
labelled() {
    mount -t tmpfs -o mode=0755 tmpfs "$1"
    [[ $# == 1 ]] || cp "${@:2}" "$1"
}

if [[ $(id -Z) == *:kernel_t:* ]]; then
    labelled /run
    labelled /home
    labelled /var/lib
    cp /usr/libexec/mfa-fido /run
    labelled /usr/libexec /run/mfa-fido
    labelled /srv /usr/local/bin/host
    echo 'alice:x:1000:1000::/home/alice:/bin/sh' >>/etc/passwd
    install --directory --owner=1000 --group=1000 /home/alice
    install --directory /var/lib/pam_mfa
    install --directory --mode=711 /var/lib/pam_mfa/users
    install --directory --mode=700 /var/lib/pam_mfa/state
    printf 'auth required pam_mfa.so\naccount required pam_permit.so\n' >/etc/pam.d/sshd
    setfiles -F /etc/selinux/default/contexts/files/file_contexts /etc /dev /run /home /var/lib /usr/libexec
    chcon --type sshd_exec_t /srv/host
    # As what systemd starts; from there a program labelled so is in sshd's domain.
    exec runcon system_u:system_r:initrc_t:s0-s0:c0.c1023 "$0"
fi
dmesg --clear
setenforce 1
[[ $(getenforce) == Enforcing ]] || wrong 'SELinux does not enforce'

# The console is none of sshd's.
login() { /srv/host sshd alice "text:$(oathtool --totp --base32 "$1")" 2>&1 || true; }
secret() { sed -n 's/.*"secret":"\([A-Z2-7]*\)".*/\1/p'; }
label() { stat --format %C "$1"; }

of_record=$(mfa-enroll --user alice -tfC -w 3 --json 2>/dev/null | secret)
[[ $(label /var/lib/pam_mfa/users/alice.toml) == *:pam_mfa_var_lib_t:* ]] || wrong 'a record has no label of ours'
said=$(login "$of_record")
[[ $said == *'result 0' ]] || wrong "a code does not let in: $said"
said=$(login "$of_record")
[[ $said != *'result 0' ]] || wrong 'a code lets in twice'

rm /var/lib/pam_mfa/users/alice.toml
file=/home/alice/.google_authenticator
of_home=$(setpriv --reuid 1000 --regid 1000 --clear-groups env HOME=/home/alice mfa-enroll -tdfuw 3 --json | secret)
[[ $(label $file) == *:pam_mfa_home_t:* ]] || wrong "$file is $(label $file)"
before=$(stat --format %i $file)
said=$(login "$of_home")
[[ $said == *'result 0' ]] || wrong "a code of the file in the home does not let in: $said"
[[ $(stat --format %i $file) != "$before" ]] || wrong "$file was not replaced"
[[ $(label $file) == *:pam_mfa_home_t:* ]] || wrong "after a login, $file is $(label $file)"
[[ $(label /run/pam_mfa) == *:pam_mfa_runtime_t:* ]] || wrong "/run/pam_mfa is $(label /run/pam_mfa)"

# Somebody whose key is not there: mfa-fido waits for it.
key=$(openssl ecparam -name prime256v1 -genkey -noout | openssl ec -pubout -outform DER 2>/dev/null |
    tail --bytes 64 | base64 --wrap 0)
echo "alice:$(head --bytes 64 /dev/urandom | base64 --wrap 0),$key,es256,+presence" >/etc/u2f_mappings
echo 'auth required pam_mfa.so u2f local authfile=/etc/u2f_mappings origin=pam://here key_timeout=10' >/etc/pam.d/sshd
/srv/host sshd alice text: >/run/said 2>&1 &
for _ in {1..100}; do
    ! helper=$(pgrep --exact mfa-fido) || break
    sleep 0.1
done
[[ ${helper-} ]] || wrong "no mfa-fido: $(</run/said)"
[[ $(tr --delete '\0' <"/proc/$helper/attr/current") == *:pam_mfa_fido_t:* ]] || wrong 'mfa-fido is in no domain of its own'
wait $! || true
! pgrep --exact mfa-fido || wrong 'mfa-fido outlives the login'

said=$(dmesg)
! grep 'avc: *denied' <<<"$said" || wrong 'that was denied, and should not have been'
