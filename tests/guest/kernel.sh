#!/usr/bin/env bash
# Downloads Debian's kernel and unpacks, of it, what a guest needs into target/sandbox/kernel: vmlinuz and modules.
# It is done once, as whoever calls; nothing is installed.
set -euo pipefail

self=$(realpath "${BASH_SOURCE[0]}")
project=${self%/*/*/*}
cache=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-$project/target}")/sandbox
[[ ! -d $cache/kernel ]] || exit 0

die() {
    printf 'kernel.sh: %s\n' "$1" >&2
    exit 1
}
package=linux-image-amd64
[[ $(uname --machine) == x86_64 ]] || die "the guest is an x86_64 machine, and this one is $(uname --machine)."
command -v apt-get >/dev/null || die "needs $package and no way to get it but apt-get: use Debian."

mkdir -p "$cache"
part=$(mktemp --directory "$cache/kernel.XXXXXX")
trap 'rm -rf "$part"' EXIT
cd "$part"
mkdir -p lists/partial archives/partial unpacked kernel/modules

# Package lists of its own: the machine's may be old or absent, and only root may renew them.
own=(--option Dir::State::Lists="$part/lists" --option Dir::Cache="$part" --option APT::Sandbox::User=root)
echo "kernel.sh: downloading $package into target/sandbox, once" >&2
apt-get "${own[@]}" update >apt.log 2>&1 || die "no package lists; apt-get said: $(grep '^[EW]:' apt.log | tail -n 1)"
# It holds nothing and depends on the kernel of the day.
image=$(apt-cache "${own[@]}" depends --important "$package" 2>/dev/null | sed -n 's/^ *Depends: //p') || true
[[ $image == linux-image-* ]] || die "there is no package $package here: use Debian."
apt-get "${own[@]}" download "$image" >apt.log 2>&1 ||
    die "cannot download $image; apt-get said: $(grep '^E:' apt.log | tail -n 1)"
dpkg-deb --extract "$image"_*.deb unpacked

cp unpacked/boot/vmlinuz-* kernel/vmlinuz
# In the order in which they load. What a kernel has built in, or no more, is no file: what lacks is found at insmod.
for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci \
    netfs fscache 9pnet 9pnet_virtio 9p overlay hid uhid hid-generic; do
    find unpacked -name "$module.ko*" -exec cp {} kernel/modules \; -printf '%f\n' >>kernel/modules/order
done
mv --no-target-directory kernel "$cache/kernel"
