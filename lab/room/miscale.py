"""Xiaomi Mi Body Composition Scale 2: everything it has to say is in its advertisements.

Service data 181B, thirteen bytes: unit, control, the scale's time, impedance, weight. One weighing goes
through phases, and each frame of a phase is repeated many times; the name comes in the scan response.
"""
import asyncio
import datetime
import time

from room.broadcaster import Broadcaster
from room.formats import advertisement, mi_scale, now

SETTLING, STABLE, WITH_IMPEDANCE, REMOVED, RESET = 0x04, 0x24, 0x26, 0xA6, 0x82


class MiScale(Broadcaster):
    """Advertises one weighing after the other; nobody can connect to it here."""

    interval = 0.1
    clock_offset = datetime.timedelta()

    async def do_set(self, clock_offset=0.0):
        """Sets how many seconds the scale's clock is ahead of the true time."""
        self.clock_offset = datetime.timedelta(seconds=clock_offset)

    async def do_weigh(self, kg, impedance, settling=2.0, stable=1.0, final=4.0, removed=3.0):
        """Somebody steps on, stands still, and leaves; the numbers are the seconds of each phase.

        Returns the service data of the frame that counts.
        """
        moment = self._clock() + datetime.timedelta(seconds=settling)
        measured = mi_scale(moment, kg, impedance, WITH_IMPEDANCE)
        self.play(self._weighing(moment, kg, impedance, (settling, stable, final, removed)))
        return measured.hex()

    def _clock(self):
        return now() + self.clock_offset

    async def _weighing(self, moment, kg, impedance, seconds):
        settling, stable, final, removed = seconds
        end, frames = time.monotonic() + settling, 0
        while time.monotonic() < end:
            left = (end - time.monotonic()) / settling
            frames += await self._frame(mi_scale(self._clock(), round(kg * (1 - left / 3), 2), 0, SETTLING))
        for phase, frame in (
                (stable, mi_scale(moment, kg, 0, STABLE)),
                (final, mi_scale(moment, kg, impedance, WITH_IMPEDANCE)),
                (removed, mi_scale(moment, kg, impedance, REMOVED)),
                (removed, mi_scale(moment, 0, 0, RESET))):
            if frame[1] == WITH_IMPEDANCE:
                self.event("measured", kg=kg)
            end = time.monotonic() + phase
            while time.monotonic() < end:
                frames += await self._frame(frame)
        self.event("weighing-over", frames=frames)

    async def _frame(self, data):
        self.say(advertisement((0x01, b"\x06"), (0x03, b"\x1b\x18"), (0x16, b"\x1b\x18" + data)),
                 advertisement((0x09, b"MIBFS")))
        await asyncio.sleep(self.interval)
        return 1
