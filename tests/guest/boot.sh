#!/usr/bin/env bash
# Runs a command as root in a guest, within the sandbox: an emulated machine with Debian's kernel on the sandbox's root,
# of which it changes nothing. What the sandbox lacks is there: devices of the guest's own, and setuid programs without
# what LD_PRELOAD would slip between them and the kernel.
#
#   tests/guest/boot.sh COMMAND [ARGUMENT...]
#
# SELINUX names a policy for SELinux, which the kernel then has from the start. It enforces nothing until somebody tells it to.
#
# Nothing but the processor is needed: it is emulated, since KVM is not to be had everywhere. The exit code is the
# command's, 125 if the guest never came that far, 124 if it did not end within 240 seconds.
set -euo pipefail

self=$(realpath "${BASH_SOURCE[0]}")
kernel=${PAM_MFA_TARGET:?tests/guest/boot.sh is for the sandbox}/sandbox/kernel
work=$(mktemp --directory)
{
    export -p
    printf 'cd %q\nexec' "$PWD"
    printf ' %q' "$@"
} >/run/command
cd "$work"

# The compressed kernel within vmlinuz (Documentation/arch/x86/boot.rst of Linux: setup_sects, payload_offset and
# payload_length). An emulated processor unpacks it in eight seconds, this one in one. Its last four bytes are no part of
# the zstd or xz that it is; zstd(1) reads both.
field() { od --address-radix n --skip-bytes "$1" --read-bytes "$2" --format "u$2" "$kernel/vmlinuz"; }
start=$((($(field 0x1f1 1) + 1) * 512 + $(field 0x248 4)))
length=$(($(field 0x24c 4) - 4))
head --bytes $((start + length)) "$kernel/vmlinuz" | tail --bytes $length | zstd --decompress >vmlinux

mkdir root
cp --archive /etc root # every test copies it, and over 9p that takes seconds
cp -r "$kernel/modules" root
cp "${self%/*}/init.sh" root/init
cp "$(command -v busybox)" root
lsm=
if [[ ${SELINUX-} ]]; then
    cp "$SELINUX" root/policy
    lsm=' security=selinux'
fi
(cd root && find . | busybox cpio -o -H newc) >initramfs 2>cpio.log

# One processor: two would wait for each other's locks where the machine has other things to do.
machine=(-accel tcg -M pc -cpu 'qemu64,+rdrand' -smp 1 -m 512 -nodefaults -nic none -no-reboot -display none)
# What is at the same address in every process is translated once.
settings="console=ttyS0 loglevel=0 panic=-1 mitigations=off norandmaps$lsm"
: >code
timeout --kill-after 5 240 qemu-system-x86_64 "${machine[@]}" -kernel vmlinux -initrd initramfs \
    -append "$settings" -serial stdio -serial file:code \
    -virtfs local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap </dev/null
code=$(tr --delete '\r' <code)
exit "${code:-125}"
