#!/usr/bin/env bash
# Runs a command as root in a throw-away copy of this machine: whatever it installs, writes or starts is gone when it
# ends, and the machine itself never sees it.
#
#   tests/sandbox.sh [--root ARCHIVE] [--packages "NAME ..."] [--] COMMAND [ARGUMENT...]
#
# The copy is an overlay over / and every other real file system, written to a fresh tmpfs, in a mount, PID, host name
# and IPC namespace of its own; with --root it is no copy, but what tests/root.sh made. The packages are installed into
# it with the machine's network at hand; the command runs in a network of its own, with nothing but lo. The project and
# its target directory are there at their own paths, read-only. What was downloaded stays in target/sandbox: the next
# run needs no network. The command sees PAM_MFA_SANDBOX=yes and the target directory in PAM_MFA_TARGET. The exit code is
# the command's, 125 where no sandbox could be made.
set -euo pipefail
umask 022

die() {
    printf 'sandbox: %s\n' "$1" >&2
    exit 125
}
trap 'die "line $LINENO failed: $BASH_COMMAND"' ERR

self=$(realpath "${BASH_SOURCE[0]}")
project=${self%/*/*}
target=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-$project/target}")
cache=$target/sandbox

# From the caller to root, from root into the namespaces.
if [[ ${1-} != --inside ]]; then
    [[ -d $cache/root ]] || mkdir -p "$cache/root" || die "cannot write to $target; give it to whoever builds."
    if [[ $EUID != 0 ]]; then
        kept=(TERM="${TERM-}" CARGO_TARGET_DIR="$target") # sudo drops these, and a proxy may be the only way out
        for name in http_proxy https_proxy no_proxy; do kept+=("$name=${!name-}"); done
        exec "$project/tests/as-root.sh" env "${kept[@]}" "$self" "$@"
    fi
    apart=(unshare --mount --propagation private --pid --fork --kill-child --uts --ipc)
    "${apart[@]}" true 2>/dev/null || die "this machine gives root no namespaces; use a real or virtual machine, or\
 start the container with --privileged."
    exec "${apart[@]}" "$self" --inside "$@"
fi
shift

packages=(iproute2)
archive=
while [[ ${1-} == -* ]]; do
    case $1 in
        --packages)
            [[ $# -ge 2 ]] || die '--packages needs the names of packages.'
            read -ra more <<<"$2" && packages+=("${more[@]}") && shift 2
            ;;
        --root)
            [[ -f ${2-} ]] || die '--root needs an archive that tests/root.sh made.'
            archive=$(realpath "$2") && shift 2
            ;;
        --) shift && break ;;
        *) die "unknown option $1; the head of tests/sandbox.sh says what there is." ;;
    esac
done
[[ $# -gt 0 ]] || die 'no command given; the head of tests/sandbox.sh says how.'

# Everything below is built on a tmpfs that only these namespaces see.
mount -t tmpfs -o mode=0755 sandbox "$cache/root"
cd "$cache/root"
root=$PWD/root
mkdir root lower upper work

# Puts an overlay over the file system at $1 into the new root. The paths handed to the kernel are relative, so that
# no comma or colon of the project's path reaches the mount options.
layers=0
overlay() {
    local n=$((layers += 1))
    mkdir -p "lower/$n" "upper/$n" "work/$n" "root$1"
    mount --bind "$1" "lower/$n"
    chmod --reference="lower/$n" "upper/$n"
    chown --reference="lower/$n" "upper/$n"
    mount -t overlay -o "lowerdir=lower/$n,upperdir=upper/$n,workdir=work/$n" overlay "$root$1" 2>why
}
copy_machine() {
    overlay / || die "the kernel lays no overlay over / ($(head -n 1 why)); use a machine or a container whose / takes one."
    while read -r at; do
        at=$(printf %b "$at") # a space is \x20 here
        [[ -d $at ]] || continue
        case $at/ in
            // | /proc/* | /sys/* | /dev/* | /run/* | /tmp/*) ;;
            /usr/* | /etc/* | /var/*) overlay "$at" || die "the kernel lays no overlay over $at ($(head -n 1 why))." ;;
            *) overlay "$at" || true ;; # nobody needs a vfat /boot/efi here: it stays empty
        esac
    done < <(findmnt --real --raw --noheadings --output TARGET | sort --unique)
}
if [[ $archive ]]; then
    mount -t tmpfs -o mode=0755 root root
    tar --extract --preserve-permissions --numeric-owner --xattrs --xattrs-include='*' --file "$archive" --directory root
    mkdir root/dev
else
    copy_machine
fi

mount -t tmpfs -o mode=0755 run "$root/run"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mount -t proc proc "$root/proc"
mount --bind -o ro "$root/proc/sys" "$root/proc/sys" # these settings are the machine's
mount -t sysfs -o ro sysfs "$root/sys"

dev=$root/dev
mount -t tmpfs -o mode=0755 dev "$dev"
mkdir "$dev/pts" "$dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$dev/pts"
mount -t tmpfs -o mode=1777 shm "$dev/shm"
for node in null zero full random urandom tty; do
    touch "$dev/$node"
    mount --bind "/dev/$node" "$dev/$node"
done
if [[ -c /dev/net/tun ]]; then
    mkdir "$dev/net"
    touch "$dev/net/tun"
    mount --bind /dev/net/tun "$dev/net/tun"
fi
ln -s pts/ptmx "$dev/ptmx"
ln -s /proc/self/fd "$dev/fd"
ln -s /proc/self/fd/0 "$dev/stdin"
ln -s /proc/self/fd/1 "$dev/stdout"
ln -s /proc/self/fd/2 "$dev/stderr"
ln -s /run/log.sock "$dev/log" # bound by whoever wants the log

for shared in "$project" "$target"; do
    mkdir -p "$root$shared" # which may lie below the fresh /tmp
    mount --bind -o ro "$shared" "$root$shared"
done

disk=$(mktemp --directory "$cache/disk.XXXXXX")
trap 'rm -rf "$disk"' EXIT
chmod 755 "$disk"
chown --reference="$cache" "$disk"
mkdir "$root/disk"
mount --bind "$disk" "$root/disk"

hostname sandbox
printf '127.0.0.1 localhost sandbox\n::1 localhost\n' >"$root/etc/hosts"
rm -f "$root/etc/resolv.conf" # often a link into the machine's /run
cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # no package starts its daemon
chmod 755 "$root/usr/sbin/policy-rc.d"

# Nothing of the caller's environment reaches a test.
clean=(env --ignore-environment PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
    TERM="${TERM-}" LANG=C.UTF-8 PAM_MFA_SANDBOX=yes PAM_MFA_TARGET="$target")

apt_get() {
    chroot "$root" "${clean[@]}" DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=yes \
        http_proxy="${http_proxy-}" https_proxy="${https_proxy-}" no_proxy="${no_proxy-}" \
        apt-get --quiet --yes --no-install-recommends --option DPkg::Options::=--force-unsafe-io \
        --option Dir::Cache::Archives=/var/cache/sandbox --option APT::Sandbox::User=root "$@" >>apt.log 2>&1
}

missing=()
for name in "${packages[@]}"; do
    # shellcheck disable=SC2016
    state=$(chroot "$root" dpkg-query --show --showformat '${Status}' "$name" 2>/dev/null) || true
    [[ $state == 'install ok installed' ]] || missing+=("$name")
done
if [[ ${#missing[@]} -gt 0 ]]; then
    [[ -x $root/usr/bin/apt-get ]] || die "needs ${missing[*]} and no way to get them but apt-get: use Debian or Ubuntu."
    # One directory for one set of packages on one state of the machine: what is in it fits, whatever the archive
    # holds by now.
    debs=$cache/$( (echo "${missing[@]}" && cat "$root/var/lib/dpkg/status") | sha256sum | head --bytes 16)
    if [[ ! -d $debs ]]; then
        echo "sandbox: downloading ${missing[*]} into target/sandbox, once" >&2
        mkdir -p "$root/var/cache/sandbox/partial"
        # Where the machine's package lists are old or absent, the throw-away root gets its own.
        apt_get install --download-only "${missing[@]}" ||
            { apt_get update && apt_get install --download-only "${missing[@]}"; } ||
            die "cannot download ${missing[*]}; is there a network? apt-get said: $(grep '^[EW]:' apt.log | tail -n 1)"
        part=$(mktemp --directory "$debs.XXXXXX")
        chown --reference="$cache" "$part" # whoever built can remove it
        cp "$root"/var/cache/sandbox/*.deb "$part"
        mv --no-target-directory "$part" "$debs"
    fi
    mkdir -p "$root/var/cache/sandbox/partial" "$root/var/cache/no-lists/partial"
    cp "$debs"/*.deb "$root/var/cache/sandbox"
    rm -f "$root/var/lib/man-db/auto-update" # no manual index, and no minute of waiting for one
    # Openssh-server makes the host keys that are not there, RSA a second long; whoever starts an sshd brings one.
    [[ -d $root/etc/ssh ]] || mkdir "$root/etc/ssh"
    for kind in rsa ecdsa ed25519; do touch "$root/etc/ssh/ssh_host_${kind}_key"; done
    # PostgreSQL makes a database unless told otherwise; whoever starts one brings it.
    mkdir -p "$root/etc/postgresql-common"
    echo 'create_main_cluster = false' >"$root/etc/postgresql-common/createcluster.conf"
    names=("$debs"/*.deb)
    # With no lists to read, apt-get is quick, and takes the files it is given.
    apt_get --option Dir::State::Lists=/var/cache/no-lists install "${names[@]/#"$debs"//var/cache/sandbox}" ||
        die "cannot install ${missing[*]}; apt-get said: $(grep '^E:' apt.log | tail -n 1)"
fi

trap - ERR
# Not exec: this shell stays as the first process of its namespace and reaps what daemons leave.
# shellcheck disable=SC2016
unshare --net chroot "$root" "${clean[@]}" sh -c 'ip link set lo up && cd "$0" && exec "$@"' "$project" "$@"
