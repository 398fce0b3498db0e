# Runs the command: its output goes to one port of the host, its exit status to the other.
. /run/lab/settings
busybox=/run/lab/busybox
[ -x /sbin/modprobe ] && for module in $LAB_MODULES; do
  /sbin/modprobe "$module" || echo "lab: no module $module" >/dev/console
done
cd "$LAB_FOLDER" 2>/dev/null || cd /
$busybox mkfifo /run/lab/output
$busybox cat /run/lab/output >/run/lab/port-lab.output &
copier=$!
read -r up idle </proc/uptime; echo "start $up" >/run/lab/port-lab.status
$busybox setsid $busybox sh /run/lab/command </dev/null >/run/lab/output 2>&1
status=$?
sync
# A daemon left behind may hold the pipe open; its output is not waited for.
( $busybox sleep 1; kill $copier 2>/dev/null ) & wait $copier 2>/dev/null
echo "done $status" >/run/lab/port-lab.status
[ -n "$LAB_SYSTEMD" ] && exec $busybox reboot -f
exit 0
