#!/usr/bin/env bash
# What tests/confinement.sh does in the sandbox.
set -euo pipefail

: "${PAM_MFA_SANDBOX:?tests/confinement/try.sh is for the sandbox}"
step() { echo "confinement.sh: $1"; }
wrong() {
    echo "confinement.sh: $1" >&2
    exit 1
}

step "the SELinux module, in Debian's policy"
work=$(mktemp --directory)
cp packaging/selinux/pam_mfa.* tests/confinement/mfa_guest.te "$work"
make -C "$work" -f /usr/share/selinux/devel/Makefile NAME=default >"$work/log" 2>&1 ||
    wrong "it does not compile: $(<"$work/log")"
semodule -n -i "$work/pam_mfa.pp" -i "$work/mfa_guest.pp" >"$work/log" 2>&1 || wrong "it does not link: $(<"$work/log")"

step 'labels'
while read -r path type; do
    context=$(matchpathcon -n "$path")
    [[ $context == *":$type:s0" ]] || wrong "$path is $context, not $type"
done <<'LABELS'
/etc/pam_mfa                          pam_mfa_etc_t
/etc/pam_mfa/policy.toml              pam_mfa_etc_t
/run/pam_mfa                          pam_mfa_runtime_t
/var/run/pam_mfa/failures             pam_mfa_runtime_t
/var/lib/pam_mfa                      pam_mfa_var_lib_t
/var/lib/pam_mfa/users/alice.toml     pam_mfa_var_lib_t
/usr/libexec/mfa-fido                 pam_mfa_fido_exec_t
/home/alice/.google_authenticator     pam_mfa_home_t
/home/alice/.google_authenticator~mfa pam_mfa_home_t
/root/.google_authenticator           pam_mfa_home_t
LABELS

step 'rules'
policy=(/etc/selinux/default/policy/policy.*)
# sesearch(1) and seinfo(1) take seconds to read the policy: once for each question.
sesearch "${policy[0]}" -A -t 'pam_mfa_.*' -rt -dt >"$work/allowed"
sesearch "${policy[0]}" -T -D 'pam_mfa_.*' -rd >"$work/labelled"
sesearch "${policy[0]}" -A -s pam_mfa_fido_t >"$work/helper"
sesearch "${policy[0]}" -A -t pam_mfa_var_lib_t -c file -p read >"$work/records"
sesearch "${policy[0]}" -A -t shadow_t -c file -p read >"$work/shadow"
seinfo "${policy[0]}" -x -a pam_domain >"$work/pam_domain"

# allowed DOMAIN TYPE:CLASS PERMISSION...
allowed() {
    local permission rule
    rule=$(grep "^allow $1 $2 " "$work/allowed") || wrong "$1 may do nothing to $2"
    for permission in "${@:3}"; do grep --quiet --word-regexp "$permission" <<<"${rule#*:}" || wrong "$1 may not $permission $2"; done
}
labelled() { grep --quiet --line-regexp "type_transition $1" "$work/labelled" || wrong "no type_transition $1"; }

for domain in sshd_t user_sudo_t local_login_t xdm_t; do
    grep --quiet --line-regexp "[[:space:]]$domain" "$work/pam_domain" || wrong "$domain is no pam_domain"
done
for domain in pam_domain user_su_t crond_t ftpd_t postgresql_t openvpn_t policykit_auth_t; do
    allowed $domain pam_mfa_etc_t:file read
    ! grep "^allow $domain pam_mfa_etc_t:file .*write" "$work/allowed" || wrong "$domain may write the policy"
    allowed $domain pam_mfa_var_lib_t:file read write lock create rename
    allowed $domain pam_mfa_runtime_t:dir create add_name
    allowed $domain pam_mfa_runtime_t:file read write lock create
    allowed $domain pam_mfa_home_t:file read write lock create rename unlink
done
for domain in pam_domain user_su_t unconfined_domain_type; do
    allowed $domain pam_mfa_fido_t:process transition sigkill
    allowed $domain pam_mfa_fido_t:process2 nnp_transition
done
for domain in sshd_t user_sudo_t user_su_t local_login_t xdm_t postgresql_t unconfined_t; do
    labelled "$domain pam_mfa_fido_exec_t:process pam_mfa_fido_t;"
    labelled "$domain var_run_t:dir pam_mfa_runtime_t pam_mfa;"
    labelled "$domain user_home_dir_t:file pam_mfa_home_t .google_authenticator~mfa;"
done

step 'who else may read records: only who may read /etc/shadow'
readers() { cut --delimiter ' ' --fields 2 "$work/$1" | sort --unique; }
programs='pam_domain|sudodomain|sysadm_t|crond_t|ftpd_t|openvpn_t|postgresql_t|policykit_auth_t|[a-z]+_su_t'
others=$(comm -23 <(readers records) <(readers shadow) | grep --invert-match --extended-regexp --line-regexp "$programs") || true
[[ $(readers records) == *pam_domain* && -z $others ]] || wrong "these read records, and not /etc/shadow: $others"

step 'mfa-fido: keys in USB ports, and nothing that is secret'
grep --quiet '^allow pam_mfa_fido_t usb_device_t:chr_file {.* ioctl .* open read write' "$work/helper" ||
    wrong 'it may not use keys'
! grep 'pam_mfa_\(var_lib\|home\|runtime\)_t:\|shadow_t:\|user_home_t:\|:capability\|tcp_socket {.* connect\|execute_no_trans' \
    "$work/helper" || wrong 'it may do that'

step 'logins, where SELinux enforces'
tests/install.sh
cc -o /usr/local/bin/host tests/src/host.c -lpam
SELINUX=${policy[0]} tests/guest/boot.sh tests/confinement/guest.sh

step 'AppArmor profiles with our lines'
profiles=$work/profiles
cp --recursive /etc/apparmor.d "$profiles"
for profile in /usr/share/apparmor/extra-profiles/usr.sbin.{sshd,vsftpd} "$profiles/usr.sbin.smbd"; do
    compiled() {
        apparmor_parser --base "$profiles" --skip-kernel-load --skip-cache --dump rule-exprs "$profile" >"$work/rules" 2>&1
    }
    rm -rf "$profiles/abstractions/authentication.d"
    compiled || wrong "$profile does not parse: $(tail --lines 3 "$work/rules")"
    ! grep --quiet mfa "$work/rules" || wrong "$profile names us already"
    install -D --mode 644 --target-directory "$profiles/abstractions/authentication.d" packaging/apparmor/pam_mfa
    compiled || wrong "$profile does not parse with our lines: $(tail --lines 3 "$work/rules")"
    for path in /etc/pam_mfa /var/lib/pam_mfa run/pam_mfa mfa-fido hidraw; do
        grep --quiet "$path" "$work/rules" || wrong "$profile has no rule for $path"
    done
done
