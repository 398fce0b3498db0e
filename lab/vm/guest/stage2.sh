# Process 1 in the assembled root: mounts what programs expect, then runs the command, alone or under systemd.
. /run/lab/settings
busybox=/run/lab/busybox
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
for folder in pts shm; do $busybox mkdir -p /dev/$folder; done
$busybox mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
$busybox mount -t tmpfs -o mode=1777 shm /dev/shm
$busybox mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null
$busybox mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
$busybox ln -sf /proc/self/fd /dev/fd
$busybox ln -sf fd/0 /dev/stdin; $busybox ln -sf fd/1 /dev/stdout; $busybox ln -sf fd/2 /dev/stderr
echo lab >/proc/sys/kernel/hostname
$busybox ip link set lo up
# The named virtio-serial ports, which udev would link otherwise.
for port in /sys/class/virtio-ports/*; do
  [ -r "$port/name" ] && read -r name <"$port/name" && [ -n "$name" ] &&
    $busybox ln -sf "/dev/${port##*/}" "/run/lab/port-$name"
done
index=0
for share in $LAB_SHARES; do
  $busybox mkdir -p "$share"
  $busybox mount -t 9p -o trans=virtio,version=9p2000.L,msize=1048576,cache=mmap "share$index" "$share" ||
    echo "lab: share $share failed" >/dev/console
  index=$((index + 1))
done
if [ -n "$LAB_SYSTEMD" ]; then
  $busybox mkdir -p /run/systemd/system
  $busybox cp /run/lab/lab.service /run/lab/lab.target /run/systemd/system/
  $busybox umount /sys/fs/cgroup /dev/shm /sys/kernel/debug 2>/dev/null
  # The stock rule empties /tmp at boot: here that is the host's (read-only, but slow) and the shares'.
  $busybox mkdir -p /etc/tmpfiles.d; $busybox ln -sf /dev/null /etc/tmpfiles.d/tmp.conf
  $busybox rm -f /etc/machine-id /.dockerenv
  echo 0123456789abcdef0123456789abcdef >/etc/machine-id
  exec /lib/systemd/systemd --unit=lab.target --log-target=console --show-status=false
fi
$busybox sh /run/lab/runner.sh
exec $busybox reboot -f
