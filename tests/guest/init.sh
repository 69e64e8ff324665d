#!/busybox sh
# shellcheck shell=dash
# The first process of the guest, in its initramfs: lays a tmpfs over the sandbox's root, which comes over 9p and is only
# read, runs there the command that boot.sh left in /run/command, says at the second serial port how that ended, and
# switches off. Where a step fails the kernel panics, and that port stays silent.
set -e
/busybox mkdir /bin && /busybox --install /bin
PATH=/bin

while read -r module; do insmod "/modules/$module"; done </modules/order

mkdir /lower /changes /guest
label= # of all files of the sandbox's root, to which 9p brings none
if [ -e /policy ]; then
    mkdir /selinux
    mount -t selinuxfs selinuxfs /selinux
    dd if=/policy of=/selinux/load bs=16M 2>/dev/null # in one piece
    label=,context=system_u:object_r:lib_t:s0
fi
mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose,msize=512000$label root /lower
mount -t tmpfs -o mode=0755 changes /changes
mkdir /changes/upper /changes/work
mount -t overlay -o lowerdir=/lower,upperdir=/changes/upper,workdir=/changes/work$label overlay /guest

if [ -e /policy ]; then
    mount -t tmpfs -o mode=0755 etc /guest/etc
    cp -a /etc/. /guest/etc
else
    mount --bind /etc /guest/etc
fi
mount -t proc proc /guest/proc
mount -t sysfs -o ro sysfs /guest/sys
[ ! -e /policy ] || mount --bind /selinux /guest/sys/fs/selinux
dev=/guest/dev
mount -t devtmpfs -o mode=0755 dev $dev
mkdir $dev/pts $dev/shm
mount -t devpts -o ptmxmode=0666,mode=0620,gid=5 devpts $dev/pts
mount -t tmpfs -o mode=1777 shm $dev/shm
ln -s /proc/self/fd $dev/fd
ln -s /run/log.sock $dev/log # as in the sandbox
hostname sandbox
ip link set lo up

stty -F $dev/ttyS0 -onlcr
code=0
chroot /guest bash /run/command <$dev/null || code=$?
echo $code >$dev/ttyS1
poweroff -f
