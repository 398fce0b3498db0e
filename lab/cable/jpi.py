"""The cuff behind the 1247:00f8 bridge: CDC whose descriptors the kernel's driver refuses, text in STX and ETX."""
from cable.device import CableDevice, endpoint, interface

DUMP = "M1001M20115110321300134097083"


class JPICuff(CableDevice):
    """Answers R00 with both users' memory, cut into short transfers."""

    vendor, product, release, usb = 0x1247, 0x00F8, 0x0100, 0x0110
    names = ("JPI", "Blood pressure monitor", None)
    interfaces_count, code = 2, 2
    dump, part, garbage = DUMP, 7, ""

    def begin(self):
        self._heard = b""

    def interfaces(self):
        # The union descriptor names an interface that is not there.
        broken = bytes.fromhex("0524001001" "0524060007")
        return (interface(0, 1, 2, 2, 1) + broken + endpoint(0x82, 3, 8, 10)
                + interface(1, 2, 10) + endpoint(0x81, 2, 64) + endpoint(0x01, 2, 64))

    def received(self, number, data):
        self._heard += data
        while b"\x03" in self._heard:
            frame, _, self._heard = self._heard.partition(b"\x03")
            command = frame.rpartition(b"\x02")[2].decode("ascii", "replace")
            self.event("command", text=command)
            if command == "R00":
                answer = bytes.fromhex(self.garbage) + b"\x02" + self.dump.encode() + b"\x03"
                while answer:
                    self.connection.send(1, answer[:self.part])
                    answer = answer[self.part:]
