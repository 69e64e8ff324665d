#!/usr/bin/env bash
# Stands in for systemctl where no systemd runs: sshd reads its settings anew, and a unit that has to be there is started
# by doing what its ExecStart lines say, with its credential decrypted.
set -euo pipefail

die() {
    echo "$1" >&2
    exit 5
}

verb=$1 now=no units=()
shift
for word in "$@"; do
    case $word in
        --now) now=yes ;;
        -*) die "systemctl: $word is not known here" ;;
        *) units+=("$word") ;;
    esac
done

unit() {
    for directory in /etc/systemd/system /usr/lib/systemd/system /usr/local/lib/systemd/system; do
        [[ ! -e $directory/$1 ]] || { echo "$directory/$1" && return; }
    done
    die "Unit $1 could not be found."
}

start() {
    [[ $1 == *.service ]] || return 0
    local file credential directory
    file=$(unit "$1")
    directory=$(mktemp --directory)
    credential=$(sed -n 's/^LoadCredentialEncrypted=//p' "$file")
    [[ -z $credential ]] ||
        systemd-creds decrypt --name="${credential%%:*}" "${credential#*:}" "$directory/${credential%%:*}"
    while read -r name; do install -d -m 700 "/run/$name"; done < <(sed -n 's/^RuntimeDirectory=//p' "$file")
    while read -r line; do
        (umask 077 && ${line//%d/"$directory"})
    done < <(sed -n 's/^ExecStart=//p' "$file")
    rm -r "$directory"
}

case $verb in
    daemon-reload) ;;
    reload | restart)
        [[ ${units[*]} == ssh || ${units[*]} == sshd ]] || die "Unit ${units[*]} could not be found."
        /usr/sbin/sshd -t
        kill -HUP "$(</run/sshd.pid)"
        sleep 0.3 # until it listens again
        ;;
    enable | start)
        for name in "${units[@]}"; do
            unit "$name" >/dev/null
            if [[ $verb == start || $now == yes ]]; then start "$name"; fi
        done
        ;;
    disable | stop | status) for name in "${units[@]}"; do unit "${name%.service}.service" >/dev/null; done ;;
    *) die "systemctl: $verb is not known here" ;;
esac
