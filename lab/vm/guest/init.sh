#!/bin/busybox sh
# The initramfs: puts the root together and hands over to stage2.sh.
PATH=/bin; export PATH
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /run /layers /root
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
mount -t tmpfs -o mode=755 run /run
. /lab/settings
die() { echo "lab: $*" >/dev/console; sync; reboot -f; }
while read -r module; do insmod "/modules/$module" 2>/dev/null; done </modules/order
lower=
for layer in $LAB_LAYERS; do
  mkdir -p "/layers/$layer"
  mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=1048576,cache=loose "$layer" "/layers/$layer" ||
    die "no layer $layer"
  lower=$lower:/layers/$layer
done
mkdir /layers/top
if [ -n "$LAB_DISK" ]; then
  mount -t ext4 "$LAB_DISK" /layers/top || die "no disk"
else
  mount -t tmpfs -o mode=755,size=80% top /layers/top
fi
mkdir -p /layers/top/upper /layers/top/work
mount -t overlay -o "lowerdir=${lower#:},upperdir=/layers/top/upper,workdir=/layers/top/work" root /root ||
  die "no overlay"
mkdir -p /run/lab; cp -a /lab/. /run/lab/; cp /bin/busybox /run/lab/
mkdir -p /root/proc /root/sys /root/dev /root/run /root/tmp
for folder in proc sys dev run; do mount --move /$folder /root/$folder; done
exec switch_root /root /run/lab/busybox sh /run/lab/stage2.sh
