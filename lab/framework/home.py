"""The home that a scenario plays in: everything fresh, everything ended afterwards."""
import os
import subprocess

from framework.bluetooth import Bluetooth
from framework.cables import Cables
from framework.gateway import TOKEN, Gateway
from framework.receiver import Receiver
from framework.room import RoomClient
from framework.unit import UnitGateway
from framework.waiting import Failed


class Home:
    """A room with devices, bluetoothd, a receiver and a gateway that has not been started yet."""

    def __init__(self, options, certificates, folder, about):
        os.makedirs(folder, exist_ok=True)
        root, programs = options.root, options.programs
        self.folder, self.root, self.programs, self._about = folder, root, programs, about
        self.unit = options.unit
        self.room = Cables(folder, udev=options.unit) if about.cables else RoomClient(folder)
        self.cables = self.room
        self.bluetooth = Bluetooth(folder, options.debug, options.unit)
        self.package, self.boot = options.package, options.boot
        self.receiver, self.gateway = None, None
        if about.needs_programs:
            self.receiver = Receiver(root, folder, certificates, TOKEN)
            self.gateway = (UnitGateway if options.unit else Gateway)(
                root, programs, folder, self.receiver, options.debug, cables=about.cables)

    def answers(self):
        """Whether a daemon that is not this home's child answers on its socket."""
        try:
            return bool(self.gateway.status())
        except Failed:
            return False

    def open(self):
        """Starts what the scenario finds running; the daemon is the scenario's to start."""
        if self._about.cables:
            self.room.start()
        else:
            self.bluetooth.watch()
            self.room.start(self._about.plugged)
            if self._about.bluetoothd:
                self.bluetooth.start()
        if self.receiver:
            self.receiver.start()

    def close(self):
        """Ends everything, whatever state it is in."""
        if self.gateway:
            self.gateway.close()
            self.receiver.program.kill()
        self.bluetooth.close()
        self.room.stop()

    def tails(self):
        """The ends of the logs, for a scenario that failed."""
        parts = []
        if self.gateway:
            parts.append(("hakarud", self.gateway.daemon.tail()))
            parts.append(("receiver", self.receiver.program.tail(20)))
            parts.append(("receiver's journal", "\n".join(str(line)[:400] for line in self.receiver.log()[-12:])))
        if self._about.package:
            words = ["journalctl", "-b", "--no-pager", "-o", "short-monotonic", "-n", "60", "-u", "hakarud.service"]
            parts.append(("the service", subprocess.run(words, capture_output=True, text=True, timeout=60).stdout))
        if self._about.cables:
            parts.append(("kernel", self.room.kernel()))
        else:
            parts.append(("bluetoothd", self.bluetooth.daemon.tail(20)))
        with open(self.room.log, errors="replace") as log:
            parts.append(("room", "\n".join(log.read().splitlines()[-20:])))
        if not self._about.cables:
            parts.append(("HCI traffic", self.bluetooth.traffic()))
        return "\n".join("--- %s\n%s" % part for part in parts)
