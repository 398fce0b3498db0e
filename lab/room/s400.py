"""Xiaomi Body Composition Scale S400: one weighing is two encrypted advertisements under the owner's bind key.

Service data FE95 without the address: frame control, product, counter, twelve encrypted bytes, an extended
counter and four bytes of authentication (AES-128-CCM). The first frame has weight, heart rate and the
impedance of the high frequency; the second the impedance of the low one.
"""
import asyncio
import struct
import time

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from room.broadcaster import Broadcaster
from room.formats import advertisement

CONTROL, PRODUCT = b"\x48\x59", b"\xd5\x3b"
OBJECT, LENGTH = 0x6E16, 9
NO_PULSE = 0x7F


class S400(Broadcaster):
    """Advertises each frame for a second."""

    counter = 0x2D
    extended = 0x0000A4
    key = ""

    async def do_set(self, key):
        """Sets the bind key, 32 hexadecimal digits."""
        self.key = key

    async def do_weigh(self, kg, impedance, low, pulse=None, user=1, seconds=1.0):
        """Somebody steps on with bare feet."""
        when = int(time.time())
        rate = NO_PULSE if pulse is None else pulse - 50
        frames = [round(kg * 10) | rate << 11 | round(impedance * 10) << 18, round(low * 10) << 18]
        self.play(self._weighing([self._frame(user, number, when) for number in frames], seconds, kg))

    async def _weighing(self, frames, seconds, kg):
        for index, frame in enumerate(frames):
            if index == 0:
                self.event("measured", kg=kg)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                self.say(advertisement((0x01, b"\x06"), (0x16, b"\x95\xfe" + frame)))
                await asyncio.sleep(self.interval)
        self.event("weighing-over")

    def _frame(self, user, number, when):
        self.counter, self.extended = (self.counter + 1) & 0xFF, self.extended + 1
        counter, extended = bytes([self.counter]), self.extended.to_bytes(3, "little")
        plain = struct.pack("<HBBII", OBJECT, LENGTH, user, number, when)
        nonce = bytes(self.address) + PRODUCT + counter + extended
        sealed = AESCCM(bytes.fromhex(self.key), tag_length=4).encrypt(nonce, plain, b"\x11")
        return CONTROL + PRODUCT + counter + sealed[:-4] + extended + sealed[-4:]
