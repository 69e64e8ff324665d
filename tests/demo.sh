#!/usr/bin/env bash
# `make demo`: a real sshd asks for a one-time code, accepts it once, and refuses it the second time; a network that is on
# the bypass list needs none. Everything that is shown is real; each outcome is checked, and one that is not as promised
# ends the demo with a sentence and exit code 1. Runs in tests/sandbox.sh.
set -euo pipefail
trap 'exit 130' INT TERM

cd "$(dirname "${BASH_SOURCE[0]}")"
./install.sh

bold='' dim='' green='' plain=''
if [[ -t 1 && ${TERM:-dumb} != dumb ]]; then
    bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' plain=$'\e[0m'
fi

step=0
title() { printf '\n%s%d. %s%s\n' "$bold" $((step += 1)) "$1" "$plain"; }
say() { printf '   %s\n' "$@"; }
show() { printf '\n   %s%s$ %s%s\n' "$dim" "${2-}" "$1" "$plain"; }
indent() { sed 's/^/   | /'; }
kept() { printf '   %s=> %s%s\n' "$green" "$1" "$plain"; }
broken() {
    printf '\nThe demo failed: %s\n\nWhat was logged:\n' "$1" >&2
    cat /var/log/auth.log >&2
    exit 1
}

# Accounts, homes and settings of this machine's people stay out of sight.
mount -t tmpfs -o mode=0755 home /home
mount -t tmpfs -o mode=0700 root /root
userdel alice 2>/dev/null || true
rm -rf /etc/ssh /etc/pam_mfa /var/log/auth.log
mkdir -p /etc/ssh /root/.ssh /run/sshd
ip address add 192.0.2.1 dev lo
echo '192.0.2.1 server' >>/etc/hosts

# The system log: what reaches /dev/log, without its numeric priority.
perl -MIO::Socket::UNIX -e '
    my $log = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "/run/log.sock") or die "no log: $!";
    chmod 0666, "/run/log.sock";
    $| = 1;
    while (defined $log->recv(my $line, 65536)) { $line =~ s/^<\d+>//; print "$line\n" }
' >/var/log/auth.log &
for _ in {1..100}; do [[ ! -S /run/log.sock ]] || break; sleep 0.02; done

printf '%s\n' "${bold}pam_mfa: a second factor for a real sshd${plain}" \
    "All of this happens in a throw-away copy of this machine, with no network."

title 'A server that wants a key and then a code'
useradd --create-home --shell /bin/sh alice
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
install -D --mode 644 /root/.ssh/id_ed25519.pub /home/alice/.ssh/authorized_keys
echo "server $(cat /etc/ssh/ssh_host_ed25519_key.pub)" >/root/.ssh/known_hosts
printf 'NumberOfPasswordPrompts 1\n' >/root/.ssh/config
cat >/etc/pam.d/sshd <<'PAM'
auth     required  pam_mfa.so
account  required  pam_unix.so
session  required  pam_permit.so
PAM
cat >/etc/ssh/sshd_config <<'CONFIG'
UsePAM yes
AuthenticationMethods publickey,keyboard-interactive
CONFIG
show 'cat /etc/pam.d/sshd'
indent </etc/pam.d/sshd
show 'cat /etc/ssh/sshd_config'
indent </etc/ssh/sshd_config
# OpenSSH 9.8 and later make an address wait that failed before; the failures below are meant.
if /usr/sbin/sshd -T | grep -q persourcepenalties; then
    echo 'PerSourcePenalties no' >>/etc/ssh/sshd_config
fi
show '/usr/sbin/sshd'
/usr/sbin/sshd || broken 'sshd did not start.'

title 'alice enrols'
say 'As herself, without any rights. -t -d: codes by time, each good once. -f -w 3 -u: no questions. -C: she does not' \
    'have to type a code to confirm, so that nobody here waits 30 s for the next one; leave it out at home.'
show 'mfa-enroll -t -d -f -w 3 -u -C -Q utf8'
(cd /home/alice && setpriv --reuid alice --regid alice --init-groups \
    env HOME=/home/alice USER=alice LOGNAME=alice mfa-enroll -t -d -f -w 3 -u -C -Q utf8) >/run/enrolled 2>&1 ||
    broken "mfa-enroll said: $(</run/enrolled)"
indent </run/enrolled
state=/home/alice/.google_authenticator
[[ $(stat --format '%U %a' $state) == 'alice 400' ]] || broken "$state is not hers alone."
secret=$(head -n 1 $state)
{ read -r scratch && read -r another; } < <(grep '^[0-9]\{8\}$' $state) || broken 'there are no scratch codes.'
kept 'Her phone would scan this. Here oathtool stands in for it.'

# Logs alice in with the answer $1 to the prompt; whether she gets a shell. She sits at a terminal, made by script(1),
# since ssh shows some of what a server says only there. A terminal does not show such an answer; the demo does. $2 is the
# network that she is in, if it is not the server's own.
mkfifo /run/keys
attempt() {
    # shellcheck disable=SC2016 # the other side knows $USER
    local command='ssh alice@server '\''echo Welcome, $USER.'\' there=() well=0
    show "$command" "${2-}"
    [[ $# == 1 ]] || there=(nsenter --net="/run/netns/$2")
    : >/run/seen # the prompt of the login before is not waited for
    timeout 60 "${there[@]}" script --quiet --return --command "$command" /dev/null </run/keys >/run/seen 2>&1 &
    exec {keyboard}<>/run/keys
    # What is typed before the prompt is there is lost.
    for _ in {1..300}; do
        if grep -q 'Verification code: ' /run/seen || ! kill -0 $! 2>/dev/null; then break; fi
        sleep 0.1
    done
    echo "$1" >&"$keyboard"
    wait $! || well=$?
    exec {keyboard}>&-
    tr -d '\r' </run/seen | sed "s/Verification code: \$/&$1/" | tee /run/said | indent
    [[ $well == 0 ]] && grep -q '^Welcome, alice\.$' /run/said
}

title 'She logs in with the code of this moment'
show 'oathtool --totp --base32 SECRET'
code=$(oathtool --totp --base32 "$secret")
indent <<<"$code"
attempt "$code" || broken 'the right code was refused.'
kept 'The key was right and the code was right: she is in.'

title 'Somebody looked over her shoulder and types the same code'
! attempt "$code" || broken 'a code was accepted twice.'
grep -q 'That code has been used' /run/said || broken 'the refusal does not say that the code has been used.'
kept 'Refused: a code is good once.'

title 'She lost her phone, and takes a scratch code'
attempt "$scratch" || broken 'a scratch code was refused.'
! grep -q "^$scratch\$" $state || broken 'a used scratch code is still in the file.'
kept 'In; and that scratch code is gone from her list.'

title 'The same scratch code again'
! attempt "$scratch" || broken 'a scratch code was accepted twice.'
kept 'Refused.'

# A network of its own with this name and address, on a cable to the server.
network() {
    ip netns add "$1"
    ip link add "to-$1" type veth peer name eth0 netns "$1"
    ip address add 192.0.2.1 peer "$2" dev "to-$1"
    ip link set "to-$1" up
    ip -netns "$1" address add "$2" peer 192.0.2.1 dev eth0
    ip -netns "$1" link set eth0 up
}

title 'The office needs no code'
say 'Two other networks: the office, where she is 203.0.113.5, and her home, where she is 198.51.100.9.'
network office 203.0.113.5
network home 198.51.100.9
show "mfactl bypass add 203.0.113.0/28 --services sshd --reason 'Office network'"
mfactl bypass add 203.0.113.0/28 --services sshd --reason 'Office network' >/run/added 2>&1 ||
    broken "mfactl said: $(</run/added)"
indent </run/added
attempt '' office || broken 'the office was refused.'
! grep -q 'Verification code' /run/said || broken 'the office was asked for a code.'
kept 'In by the key alone.'

title 'From home she is asked as before'
attempt "$another" home || broken 'a scratch code was refused.'
grep -q 'Verification code' /run/said || broken 'nobody asked for a code.'
kept 'Asked, and in: a bypass follows the address.'

title 'What was logged'
show 'grep pam_mfa /var/log/auth.log'
grep pam_mfa /var/log/auth.log | indent
[[ $(grep -c 'pam_mfa(sshd:auth): accepted user=alice' /var/log/auth.log) == 3 ]] || broken 'three acceptances were not logged.'
[[ $(grep -c 'pam_mfa(sshd:auth): denied user=alice' /var/log/auth.log) == 2 ]] || broken 'two denials were not logged.'
grep -q 'pam_mfa(sshd:auth): skipped user=alice bypass=' /var/log/auth.log || broken 'the bypass was not logged.'

printf '\n%s\n' "${green}${bold}As promised: one code, one login. All that is left of this are the packages in target/sandbox.${plain}"
