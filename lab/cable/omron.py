"""A cuff of the 0590:0028 family: commands of letters in 8-byte reports, the newest record first."""
import struct

from cable.device import CableDevice, descriptor, endpoint, interface

REPORT = bytes.fromhex("0600ff0901a1010902150026ff007508950881820903918209049502b182c0")
FIXED = {b"VER": 5, b"PRF": 5, b"SRL": 5, b"CNT": 5, b"GCL": 5, b"CTD": 5, b"MCL": 5, b"END": 5}
LONG = 8  # GDC, GME, GTD: letters, four bytes, checksum


def checksum(data):
    """All bytes XORed."""
    value = 0
    for byte in data:
        value ^= byte
    return value


class OmronCuff(CableDevice):
    """Keeps (moment, systolic, diastolic, pulse) lists; forgets nothing by itself.

    Sleeps until it has heard zeros, says busy (08 60) as often as `busy`, answers every `no`-th command
    with NO first. The bytes beyond the count of a report are those of the report before.
    """

    vendor, product, release, usb, packet0 = 0x0590, 0x0028, 0x0201, 0x0110, 8
    names = ("OMRON HEALTHCARE", "HHX-CABLE-USB1", None)
    version, busy, no, cleared = "M7080IT 207", 1, 0, 0

    def __init__(self, room, name):
        super().__init__(room, name)
        self.records = []

    def begin(self):
        self._awake, self._mode, self._zeros = False, None, 0
        self._command, self._stale, self._commands, self._busy = b"", bytes(8), 0, self.busy
        self._refused = False

    def interfaces(self):
        hid = descriptor(0x21, struct.pack("<HBBBH", 0x0110, 0, 1, 0x22, len(REPORT)))
        return interface(0, 2, 3) + hid + endpoint(0x81, 3, 8, 10) + endpoint(0x02, 3, 8, 10)

    def other_descriptor(self, kind):
        if kind == 0x22:
            return REPORT
        raise LookupError

    def request(self, kind, request, value, index, data):
        if (kind, request) == (0x21, 0x0A):  # SET_IDLE
            return b""
        if (kind, request) == (0x21, 0x09) and value >> 8 == 3:
            self._mode = data.hex()
            self.event("mode", value=self._mode)
            return b""
        raise LookupError

    async def do_measure(self, when, systolic, diastolic, pulse, flags=0):
        """A measurement on the cuff's own clock: `when` is [year, month, day, hour, minute, second]."""
        self.records.append([when, systolic, diastolic, pulse, flags])
        return len(self.records)

    def received(self, number, data):
        payload = data[1:1 + min(data[0], 7)]
        if not self._command and not any(payload):
            self._zeros += len(payload)
            if len(payload) < 7:
                self._wake()
            return
        if not self._awake or self._mode not in ("0101", "0102"):
            return self.event("deaf", data=data.hex())
        self._command += payload
        letters = self._command[:3]
        wanted = FIXED.get(letters, LONG)
        if len(self._command) >= wanted:
            command, self._command = self._command[:wanted], b""
            self._answer(letters, command)
        return None

    def _wake(self):
        zeros, self._zeros = self._zeros, 0
        if zeros < 30 or self._mode is None:
            return self.event("deaf", zeros=zeros)
        if self._busy > 0:
            self._busy -= 1
            return self.connection.send(1, bytes.fromhex("0860") + self._stale[2:])
        self._awake = True
        return self._send(b"OK")

    def _answer(self, letters, command):
        self._commands += 1
        self.event("command", letters=letters.decode("ascii", "replace"), index=command[-2] if len(command) == 8 else None)
        if self.no and self._commands % self.no == 0 and not self._refused:
            self._refused = True
            return self._send(b"NO")
        self._refused = False
        if letters == b"END":
            self._send(b"OK")
            return self._send(b"OFF\r\n")
        body = self._body(letters, command)
        if body is None:
            return self._send(b"NO")
        return self._send(b"OK" + body + bytes([checksum(body)]))

    def _body(self, letters, command):
        if letters == b"VER":
            return b"\0" + self.version.encode()
        if letters == b"SRL":
            return b"\0\6" + bytes(6)
        if letters == b"GDC":
            return struct.pack(">BHH", 0, 0x13 if self.records else 0, len(self.records))
        if letters == b"GME" and checksum(command[3:]) == 0 and command[6] < len(self.records):
            when, systolic, diastolic, pulse, flags = self.records[-1 - command[6]]
            return bytes([0, when[0] - 2000, *when[1:], 0]) + struct.pack(
                ">HBBH", systolic, diastolic, pulse, flags)
        if letters in (b"MCL", b"CTD"):
            self.cleared += 1
            self.event("cleared")
        return None

    def _send(self, data):
        while data:
            part, data = data[:7], data[7:]
            report = bytes([len(part)]) + part + self._stale[1 + len(part):]
            self._stale = report
            self.connection.send(1, report)
