"""A Contour meter: ASTM frames in HID reports that begin with ABC, one for each acknowledgement."""
import struct

from cable.device import CableDevice, descriptor, endpoint, interface

REPORT = bytes.fromhex("0600ff0901a1010901150026ff007508954081020901954091 02c0".replace(" ", ""))
ACK, NAK, ENQ, EOT = 6, 21, 5, 4


class Contour(CableDevice):
    """Keeps [number, moment as yyyymmddHHMM, mg/dL]; reports carry stale bytes behind their count.

    Frames are cut into reports of `part` bytes. Every `broken`-th frame goes out with a wrong checksum once.
    """

    vendor, product, release = 0x1A79, 0x6002, 0x0100
    names = ("Bayer HealthCare LLC", "Contour USB", None)
    part, broken, clock = 23, 0, "20260301080000"

    def __init__(self, room, name):
        super().__init__(room, name)
        self.records, self.wrong = [], 0

    def begin(self):
        self._frames, self._place, self._spoiled = [], -1, set()

    def interfaces(self):
        hid = descriptor(0x21, struct.pack("<HBBBH", 0x0110, 0, 1, 0x22, len(REPORT)))
        return interface(0, 2, 3) + hid + endpoint(0x81, 3, 64, 1) + endpoint(0x02, 3, 64, 1)

    def other_descriptor(self, kind):
        if kind == 0x22:
            return REPORT
        raise LookupError

    def request(self, kind, request, value, index, data):
        if (kind, request) == (0x21, 0x0A):
            return b""
        raise LookupError

    async def do_measure(self, when, mg_dl):
        """A measurement on the meter's own clock."""
        self.records.append([len(self.records) + 1, when, mg_dl])
        return len(self.records)

    def _texts(self):
        yield ("H|\\^&||7w3LBL|Bayer7390^01.24\\01.04\\09.02.20^7390-2336773^7403-|A=1^C=63^U=0^V=10600|%d||||||1|%s"
               % (len(self.records), self.clock))
        for number, when, value in self.records:
            yield "R|%d|^^^Glucose|%d|mg/dL^P||||%s" % (number, value, when)
        yield "L|1||N"

    def received(self, number, data):
        if data[:3] != b"ABC" or data[3] != 1:
            return self.event("deaf", data=data.hex())
        said = data[4]
        if said == ord("X"):
            self._frames = list(self._texts())
            self._place = -1
            return self._send(bytes([ENQ]))
        if said == ACK:
            self._place += 1
        elif said != NAK:
            return self.event("deaf", data=data.hex())
        if self._place < 0:
            return self._send(bytes([ENQ]))
        if self._place < len(self._frames):
            return self._frame()
        return self._send(bytes([EOT])) if self._place == len(self._frames) else None

    def _frame(self):
        text = self._frames[self._place]
        last = text.startswith("L")
        body = b"%d" % ((self._place + 1) % 8) + text.encode() + b"\r" + (b"\x03" if last else b"\x17")
        total = sum(body) & 0xFF
        if self.broken and (self._place + 1) % self.broken == 0 and self._place not in self._spoiled:
            self._spoiled.add(self._place)
            self.wrong += 1
            total ^= 1
        self._send(b"\x02" + body + b"%02X\r\n" % total)

    def _send(self, data):
        while data:
            part, data = data[:self.part], data[self.part:]
            self.connection.send(1, (b"ABC" + bytes([len(part)]) + part).ljust(64, b"\xee"))
