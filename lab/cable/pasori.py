"""A Sony PaSoRi RC-S380: frames of its port-100 protocol, and a FeliCa card that somebody lays on it."""
import struct

from cable.device import CableDevice, endpoint, interface

ACK = bytes.fromhex("0000ff00ff00")


def frame(data):
    """The frame around a command or an answer."""
    length = struct.pack("<H", len(data))
    return (b"\0\0\xff\xff\xff" + length + bytes([-sum(length) & 0xFF]) + data
            + bytes([-sum(data) & 0xFF, 0]))


class PaSoRi(CableDevice):
    """Answers the commands that set it up, and each look for a card."""

    vendor, product, release, usb = 0x054C, 0x06C3, 0x0111, 0x0200
    names = ("SONY", "RC-S380/P", "0000001")
    card, system, field, looks, set_ups, broken = None, 0x0003, False, 0, 0, 0

    def begin(self):
        self.field, self.looks, self.set_ups = False, 0, 0

    def interfaces(self):
        return interface(0, 2, 0xFF, 0xFF, 0xFF) + endpoint(0x02, 2, 64) + endpoint(0x81, 2, 64)

    async def do_lay(self, card):
        """Somebody lays a card on the reader: its IDm in hexadecimal."""
        self.card = bytes.fromhex(card)
        return True

    async def do_lift(self):
        """The card is taken away."""
        self.card = None
        return True

    def received(self, number, data):
        if data == ACK:
            return None
        length = struct.unpack_from("<H", data, 5)[0] if len(data) >= 10 else -1
        body = data[8:8 + length]
        if data != frame(body) or body[:1] != b"\xd6":
            self.event("bad-frame", data=data.hex())
            return self.connection.send(1, bytes.fromhex("0000ffffff"))
        self.connection.send(1, ACK)
        answer = self._answer(body[1], body[2:])
        if answer is None:
            return self.event("unknown", data=body.hex())
        return self.connection.send(1, frame(bytes([0xD7, body[1] + 1]) + answer))

    def _answer(self, command, rest):
        if command == 0x28:  # which types of commands there are
            return bytes(7) + b"\x03"
        if command == 0x20:
            return b"\x11\x01"
        if command == 0x2A:
            self.set_ups += 1
            return b"\0"
        if command in (0x00, 0x02, 0x06):
            self.field = self.field if command == 0x02 else command == 0x00
            return b"\0"
        return self._look(rest) if command == 0x04 else None

    def _look(self, rest):
        self.looks += 1
        if self.broken:
            self.broken -= 1
            return b"\x10\0\0\0"
        wanted = struct.unpack_from(">H", rest, 4)[0]
        if self.card is None or wanted not in (0xFFFF, self.system):
            return b"\x80\0\0\0"
        manufacturer = bytes.fromhex("100b4b428485d0ff")
        return (b"\0\0\0\0\x08" + b"\x14\x01" + self.card + manufacturer
                + struct.pack(">H", self.system))
