"""Disks: a LifeScan meter whose registers are blocks, and a stick that only looks like one."""
import struct

from cable.device import CableDevice, endpoint, interface


def crc(data):
    """CRC-CCITT, seed FFFF."""
    value = 0xFFFF
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = ((value << 1) ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return value


def packet(body):
    """02, length, link 0, body, 03, checksum."""
    data = bytes([2, len(body) + 6, 0]) + body + b"\x03"
    return data + struct.pack("<H", crc(data))


class Disk(CableDevice):
    """SCSI over bulk-only transport. Whatever is written to it is told and kept."""

    vendor, product, release = 0x2766, 0x0004, 0x0100
    names = ("LifeScan", "OneTouch", "0001")
    interface_name = "Mass Storage"
    inquiry_vendor, inquiry_product = "Generic", "Flash Disk"

    def __init__(self, room, name):
        super().__init__(room, name)
        self.writes, self.opened = 0, 0

    def begin(self):
        self._write, self._blocks = None, {}

    def interfaces(self):
        return interface(0, 2, 8, 6, 0x50, 4) + endpoint(0x81, 2, 64) + endpoint(0x02, 2, 64)

    def request(self, kind, request, value, index, data):
        if (kind, request) == (0xA1, 0xFE):  # GET MAX LUN
            return b"\0"
        if (kind, request) == (0x21, 0xFF):  # reset
            return b""
        raise LookupError

    def received(self, number, data):
        if self._write:
            address, tag, length, so_far = self._write
            so_far += data
            self._write = (address, tag, length, so_far)
            if len(so_far) >= length:
                self._write = None
                self.writes += 1
                self.event("written", block=address)
                self.wrote(address, so_far)
                self._status(tag)
            return
        if len(data) != 31 or data[:4] != b"USBC":
            return
        tag, length, command = data[4:8], struct.unpack_from("<I", data, 8)[0], data[15:]
        self.opened += 1
        operation, address = command[0], struct.unpack_from(">I", command, 2)[0]
        if operation == 0x12:
            self.event("inquiry")
            text = self.inquiry_vendor.ljust(8)[:8] + self.inquiry_product.ljust(16)[:16] + "1.00"
            self.connection.send(1, (bytes([0, 0x80, 2, 2, 31, 0, 0, 0]) + text.encode())[:length])
            self._status(tag)
        elif operation == 0x28:
            self.event("read", block=address)
            self.connection.send(1, self.block(address))
            self._status(tag)
        elif operation == 0x2A:
            self._write = (address, tag, length, b"")
        elif operation == 0x25:
            self.connection.send(1, struct.pack(">II", 63, 512))
            self._status(tag)
        elif operation == 0x00:
            self._status(tag)
        elif length and data[12] & 0x80:
            self.connection.stall(1)
            self._status(tag, 1)
        else:
            self._status(tag, 1)

    def _status(self, tag, status=0):
        self.connection.send(1, b"USBS" + tag + bytes(4) + bytes([status]))

    def block(self, address):
        """What the host reads."""
        return bytes(512)

    def wrote(self, address, data):
        """What the host wrote."""


class Verio(Disk):
    """Keeps [index, seconds since 2000, mg/dL, meal] lists, the newest last."""

    names = ("LifeScan", "OneTouch Verio", "VERIO001")
    interface_name = "LifeScan MSC"
    inquiry_vendor, inquiry_product = "LifeScan", ""
    clock = 0

    def __init__(self, room, name):
        super().__init__(room, name)
        self.records, self.erased = [], 0

    def begin(self):
        super().begin()
        self._answer = bytes(512)

    async def do_measure(self, seconds, mg_dl, meal=0):
        """A measurement on the meter's own clock."""
        self.records.append([len(self.records) + 1, seconds, mg_dl, meal])
        return len(self.records)

    def block(self, address):
        return self._answer if address == 3 else bytes(512)

    def wrote(self, address, data):
        length = data[1]
        if data[0] != 2 or crc(data[:length - 2]) != struct.unpack_from("<H", data, length - 2)[0]:
            return
        body = data[3:length - 3]
        self.event("command", body=body.hex())
        answer = None
        if body[1] == 0x20:
            answer = struct.pack("<I", self.clock)
        elif body[1] == 0x27:
            answer = struct.pack("<H", len(self.records))
        elif body[1] == 0x31:
            place = struct.unpack_from("<H", body, 3)[0]
            if place < len(self.records):
                number, seconds, value, meal = self.records[-1 - place]
                answer = struct.pack("<HBHIHBBBBBB", place, 0, number, seconds, value, meal, 0, 0, 0x0B, 0, 0)[:16]
        elif body[1] == 0x1A:
            self.erased += 1
        self._answer = packet(b"\x03\x06" + answer if answer is not None else b"\x03\x08").ljust(512, b"\0")
