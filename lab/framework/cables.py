"""The scenario's side of the devices on a cable."""
import asyncio
import os
import subprocess
import sys

from framework.room import RoomClient
from framework.waiting import Failed


class Cables(RoomClient):
    """Starts the drawer of cables in a process of its own and talks with it."""

    name = "cables"

    def __init__(self, folder, udev=False):
        super().__init__(folder)
        self._udev = udev  # udevd loads what a device needs, as on anybody's machine

    def start(self, plugged=None):
        """Loads what the devices need of the kernel, then starts them unplugged."""
        drivers = ["usbhid", "hid_generic", "usb_storage", "cdc_acm", "ftdi_sio"]
        if self._udev:  # a serial line's class of devices is not known yet when hakarud starts
            subprocess.run(["modprobe", "-r", "cdc_acm", "ftdi_sio"], capture_output=True)
            drivers = []
        for module in ("vhci_hcd", *drivers):
            done = subprocess.run(["modprobe", module], capture_output=True, text=True)
            if done.returncode and module == "vhci_hcd":
                raise Failed("no module %s: %s" % (module, done.stderr.strip()))
        super().start(plugged)

    def _serve(self, plugged):
        from cable.control import serve
        sys.stdout.flush()
        asyncio.run(serve(self._socket_path))

    def kernel(self):
        """What the kernel said lately."""
        told = subprocess.run(["dmesg"], capture_output=True, text=True).stdout
        return "\n".join(told.splitlines()[-25:])

    def line(self):
        """The machine's own adapter: its socket, and what is said behind it goes into the file returned."""
        for module in ("xhci_pci", "usbserial", "ftdi_sio"):
            subprocess.run(["modprobe", module], capture_output=True)
        return open("/run/lab/port-lab.voice", "wb", buffering=0)

    def plug(self, name):
        """Plugs a device in and returns the path of its socket, `1-1`."""
        port = self.do(name, "plug")
        return "%d-%d" % (bus(), port + 1)


def bus():
    """The number of the virtual hub's bus for slow devices."""
    root = "/sys/devices/platform/vhci_hcd.0"
    numbers = [int(name[3:]) for name in os.listdir(root) if name[3:].isdigit()]
    return min(numbers)
