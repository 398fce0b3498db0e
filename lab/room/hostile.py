"""A device that means harm: it looks like the cuff and says whatever may hurt."""
import asyncio
import random

from room.cuff import Cuff
from room.formats import blood_pressure
from room.peripheral import INDICATIONS

# Clears the screen, sets the title, a C1 sequence, turns the text around, begins a line of its own.
ATTACK = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnitaer\nfake-event key=1\r\x7f"


class Hostile(Cuff):
    """Pairs like the cuff, and then sends frames without end: good ones, cut ones, long ones, noise."""

    manufacturer, model = ATTACK, ATTACK + "A" * 200
    frames = 0
    gives_up_after = 600.0

    def __init__(self, room, name, address):
        super().__init__(room, name, address)
        self.serial = ATTACK * 8

    @property
    def shown_name(self):
        return "A&D_UA-651BLE_\x1b[2J\x9b1m\n"

    async def run_session(self):
        dice = random.Random(self.frames)
        await self.until_listening(self.measurement, INDICATIONS)
        while self.connection:
            good = blood_pressure(self.clock().replace(microsecond=0), 120 + self.frames % 40, 80, 90, 60)
            frame = (good, good[:dice.randrange(len(good))], good + bytes(dice.randrange(1, 200)),
                     bytes(dice.randrange(256) for _ in range(dice.randrange(1, 240))))[self.frames % 4]
            await self.stack.indicate_subscriber(self.connection, self.measurement, frame)
            self.frames += 1
            await asyncio.sleep(0)

    async def do_sent(self):
        """How many frames it has sent in all."""
        return self.frames
