"""Devices that only advertise: no host stack, only packets on the air."""
import asyncio
import struct
import time

from bumble import hci

from room.air import Advertisement, Kind
from room.formats import advertisement


class Broadcaster:
    """Repeats advertisements; subclasses say which."""

    interval = 0.1

    def __init__(self, room, name, address):
        self.room, self.name = room, name
        self.address = hci.Address(address, hci.Address.PUBLIC_DEVICE_ADDRESS)
        self.task = None

    async def start(self):
        """Nothing to do before the first advertisement."""

    def event(self, event, **more):
        """Tells the scenarios what happened."""
        self.room.event(event, self.name, **more)

    def say(self, data, scan_response=b"", kind=Kind.ADV_SCAN_IND):
        """Puts one advertisement on the air."""
        self.room.air.send_advertising_pdu(None, Advertisement(self.address, kind, data, scan_response))

    def play(self, coroutine):
        """Runs the coroutine in place of what the device did before."""
        if self.task:
            self.task.cancel()
        self.task = asyncio.create_task(coroutine)

    async def do_silence(self):
        """Stops advertising."""
        if self.task:
            self.task.cancel()


class Crowd(Broadcaster):
    """Foreign devices with random addresses that fill the air, as in a block of flats."""

    sent = 0

    async def do_advertise(self, devices=50, per_second=20, seconds=10):
        """Lets that many bystanders advertise in turn."""
        self.play(self._murmur(devices, per_second, seconds))

    async def do_count(self):
        """How many advertisements the bystanders have sent."""
        return self.sent

    async def _murmur(self, devices, per_second, seconds):
        began, self.sent = time.monotonic(), 0
        addresses = [hci.Address(struct.pack("<IBB", number, 0, 0xC0), hci.Address.RANDOM_DEVICE_ADDRESS)
                     for number in range(devices)]
        while (passed := time.monotonic() - began) < seconds:
            if self.sent >= passed * per_second:
                await asyncio.sleep(0.005)
                continue
            busy = time.monotonic()
            for _ in range(4):
                beacon = b"\x4c\x00\x02\x15" + bytes(16) + struct.pack("<I", self.sent)
                self.room.air.send_advertising_pdu(None, Advertisement(
                    addresses[self.sent % devices], Kind.ADV_NONCONN_IND,
                    advertisement((0x01, b"\x06"), (0xFF, beacon)), b"", -80))
                self.sent += 1
            await asyncio.sleep(0)  # what was said is delivered now
            # Half of the room's time is the devices', however far behind this is.
            await asyncio.sleep(time.monotonic() - busy)
        self.event("silent", advertisements=self.sent)
