"""Devices that only advertise: no host stack, only packets on the air."""
import asyncio
import os
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


REPORTS = 6  # in one HCI event
# Length, flags and the beginning of a beacon; a number of four bytes follows.
BEACON = b"\x1d\x02\x01\x06\x19\xff\x4c\x00\x02\x15" + bytes(16)


class Crowd(Broadcaster):
    """Foreign devices with random addresses that fill the air, as in a block of flats."""

    sent = 0

    async def do_advertise(self, devices=50, per_second=20, seconds=10):
        """Lets that many bystanders advertise in turn."""
        self.play(self._murmur(devices, per_second, seconds))

    async def do_flood(self, devices, rates, seconds):
        """Strangers advertise at each of these rates for so many seconds, as fast as the machine carries it."""
        self.play(self._flood(devices, rates, seconds))

    async def _flood(self, devices, rates, seconds):
        """Past the air and its controllers: HCI events of six reports each, written to every dongle that scans.

        What the kernel does not take at once is lost, as on the air; it counts as not sent.
        """
        index = 0
        for rate in rates:
            began, first, unheard = time.monotonic(), index, 0
            while (passed := time.monotonic() - began) < seconds:
                if index - first + unheard >= passed * rate:
                    await asyncio.sleep(0.005)
                    continue
                busy = time.monotonic()
                for _ in range(10):
                    if self._burst(devices, index):
                        index += REPORTS
                    else:
                        unheard += REPORTS
                # Half of the room's time is the devices', however far behind this is.
                await asyncio.sleep(time.monotonic() - busy)
            self.event("flooded", rate=rate, sent=index - first, unheard=unheard,
                       seconds=round(time.monotonic() - began, 1))
        self.event("silent", advertisements=index)

    def _burst(self, devices, index):
        body = b"".join(
            b"\x03\x01" + struct.pack("<IBB", number % devices, 0, 0xC0) + BEACON + struct.pack("<I", number) + b"\xb0"
            for number in range(index, index + REPORTS))
        packet = struct.pack("<BBBBB", 4, 0x3E, len(body) + 2, 2, REPORTS) + body
        heard = False
        for dongle in self.room.dongles.values():
            controller = dongle.controller
            if dongle.descriptor < 0 or not controller.le_scan_enable or controller.le_scanning_filter_policy & 1:
                continue
            try:
                os.write(dongle.descriptor, packet)
                heard = True
            except BlockingIOError:
                pass
        return heard

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
