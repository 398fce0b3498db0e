"""The guest's system bus, Debian's own bluetoothd, and a capture of what it says to the kernel."""
import os
import shutil
import signal
import subprocess

from framework.program import Program
from framework.service import Service
from framework.waiting import Failed, until

BLUETOOTHD = "/usr/libexec/bluetooth/bluetoothd"
STATE = "/var/lib/bluetooth"


def start_system_bus():
    """Starts D-Bus once; Debian's policy names a group that an unpacked package has not made."""
    with open("/etc/group") as file:
        if not any(line.startswith("bluetooth:") for line in file):
            with open("/etc/group", "a") as groups:
                groups.write("bluetooth:x:990:\n")
    os.makedirs("/run/dbus", exist_ok=True)
    subprocess.run(["dbus-daemon", "--system", "--fork", "--nopidfile"], check=True)


def stop_system_bus():
    """Kills D-Bus: everybody on it loses the connection."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % entry) as file:
                if file.read().startswith("dbus-daemon\0--system"):
                    os.kill(int(entry), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            pass


class Bluetooth:
    """bluetoothd with an empty memory, and btmon; `unit` says that systemd has bluetoothd and the bus."""

    def __init__(self, folder, debug=False, unit=False):
        self._unit = unit
        self.daemon = (Service("bluetooth.service", "bluetoothd", folder) if unit else
                       Program("bluetoothd", [BLUETOOTHD, "-n", *(["-d"] if debug else [])], folder))
        self._bus_monitor = Program("bus", ["dbus-monitor", "--system"], folder) if debug else None
        self.capture = os.path.join(folder, "hci.btsnoop")
        self._monitor = Program("btmon", ["btmon", "-w", self.capture], folder)

    def watch(self):
        """Starts the capture."""
        self._monitor.start()
        if self._bus_monitor:
            self._bus_monitor.start()

    def start(self):
        """Starts bluetoothd and waits until it is on the bus."""
        self.daemon.start()
        until("bluetoothd on the system bus", self._present, 20, every=0.05)

    def stop_bus(self):
        """Kills D-Bus: everybody on it loses the connection."""
        if self._unit:
            subprocess.run(["systemctl", "kill", "-s", "KILL", "dbus.service"], check=True)
            # Its socket would bring it back at once.
            subprocess.run(["systemctl", "stop", "dbus.socket", "dbus.service"], check=True, timeout=60)
        else:
            stop_system_bus()

    def start_bus(self):
        """Starts D-Bus again."""
        if self._unit:
            subprocess.run(["systemctl", "start", "dbus.socket", "dbus.service"], check=True, timeout=60)
        else:
            start_system_bus()

    def _present(self):
        self.daemon.expect_running()
        return subprocess.run(
            ["busctl", "--system", "--no-pager", "status", "org.bluez"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def stop(self):
        """Ends bluetoothd; it keeps its bonds."""
        try:
            self.daemon.stop(within=10)
        except Failed:
            pass  # bluetoothd hangs at times; it is killed then, and that is not what is tested

    def close(self):
        """Ends everything and forgets the bonds."""
        self.daemon.close()
        self._monitor.kill()
        if self._bus_monitor:
            self._bus_monitor.kill()
        shutil.rmtree(STATE, ignore_errors=True)

    def traffic(self, lines=60):
        """The end of the capture as text; all of it is kept beside the capture.

        The guest's btmon needs bluetoothd's own files to read it, which do not outlive the scenario.
        """
        text = subprocess.run(["btmon", "-t", "-r", self.capture], capture_output=True, text=True, errors="replace")
        wanted = [line for line in text.stdout.splitlines() if not line.startswith("@ RAW")]
        with open(self.capture.replace(".btsnoop", ".log"), "w") as file:
            file.write("\n".join(wanted) + "\n")
        return "\n".join(wanted[-lines:])
