"""A HID boot keyboard: what a bar-code reader is to the kernel, and what a keyboard is."""
import struct

from cable.device import CableDevice, descriptor, endpoint, interface

REPORT = bytes.fromhex(
    "05010906a101050719e029e71500250175019508810295017508810195057501050819012905910295017503910195067508"
    "150025650507190029658100c0")
SHIFT = 0x02
# Usages of the keys as they lie on a US keyboard; a JIS keyboard has other signs on some of them.
PLAIN = {**{letter: 0x04 + place for place, letter in enumerate("abcdefghijklmnopqrstuvwxyz")},
         **{digit: 0x1E + place for place, digit in enumerate("1234567890")},
         "\n": 0x28, "\t": 0x2B, " ": 0x2C, "-": 0x2D}
US = {"=": (0, 0x2E), ":": (SHIFT, 0x33), "^": (SHIFT, 0x23)}
JIS = {"=": (SHIFT, 0x2D), ":": (0, 0x34), "^": (0, 0x2E)}


class Keyboard(CableDevice):
    """Types in reports of eight bytes, key down and key up."""

    vendor, product, release, usb = 0x05E0, 0x1200, 0x0100, 0x0200
    names = ("Lab", "Bar code reader", None)

    def interfaces(self):
        hid = descriptor(0x21, struct.pack("<HBBBH", 0x0110, 0, 1, 0x22, len(REPORT)))
        return interface(0, 1, 3, 1, 1) + hid + endpoint(0x81, 3, 8, 10)

    def other_descriptor(self, kind):
        if kind == 0x22:
            return REPORT
        raise LookupError

    def request(self, kind, request, value, index, data):
        if kind == 0x21 and request in (0x09, 0x0A, 0x0B):  # lights, idle, boot protocol
            return b""
        raise LookupError

    async def do_type(self, text, layout="us"):
        """Types a text; the caller says where Enter is."""
        for letter in text:
            shift, key = (US if layout == "us" else JIS).get(letter) or (
                SHIFT if letter.isupper() else 0, PLAIN[letter.lower()])
            self.connection.send(1, bytes([shift, 0, key, 0, 0, 0, 0, 0]))
            self.connection.send(1, bytes(8))
        return True
