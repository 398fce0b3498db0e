"""The habits that A&D's cuff and scale share.

They keep measurements until somebody takes them, advertise for a short while, want a Just Works bond,
send what they have oldest first as soon as they are subscribed to, each record after the confirmation of
the one before, and close the connection themselves about a second after the last. A record whose
delivery was cut off comes again in the next session. Their clock runs on by itself, however wrong it is;
setting it changes no stored time.
"""
import asyncio
import dataclasses
import datetime
import time

from bumble import att, gatt

from room.formats import date_time, now, parse_date_time
from room.peripheral import ENCRYPTED, INDICATIONS, Peripheral, Property, uuid

DATA_FIELD_IGNORED = 0x80
CLOSE, SEND_ALL = bytes.fromhex("020103"), bytes.fromhex("0200e1")


@dataclasses.dataclass
class Record:
    """One stored measurement and whether a host has confirmed it."""

    value: bytes
    delivered: bool = False


class AndDevice(Peripheral):
    """A&D's habits; subclasses add the measurement service."""

    security = ENCRYPTED
    legacy_pairing = True
    manufacturer = "A&D Medical"
    measurement_number = 0

    def __init__(self, room, name, address):
        super().__init__(room, name, address)
        self.serial = "5" + self.suffix
        self.records = []
        self.clock_offset = 0.0  # seconds that the device's clock is ahead of the true time
        self.pause = 0.0  # seconds between a confirmation and the next record
        self.closes_after = 1.0  # seconds after the last record
        self.idle_seconds = 15.0  # seconds until it gives up on a host that does not subscribe
        self.clock_value = None  # bytes in hexadecimal that its clock gives in place of the time
        self.clock_refuses = 0  # an ATT error with which it answers to who reads or sets its clock
        self.resend_last = False  # sends the last delivered record again in the next session

    def clock(self):
        """The device's own idea of the local time."""
        return now() + datetime.timedelta(seconds=self.clock_offset)

    def measurement_service(self, extra):
        """The service with the measurement, the extra characteristics and the clock."""
        self.measurement = self.characteristic(self.measurement_number, Property.INDICATE)
        clock = self.characteristic(0x2A08, Property.READ | Property.WRITE, att.AttributeValue(
            read=self._clock_read, write=self._clock_written))
        return gatt.Service(uuid(self.service), [self.measurement, *extra, clock])

    def vendor_service(self):
        """A&D's own service: a host may ask for all records, or for the end of the connection."""
        command = self.characteristic("233BF001-5A34-1B6D-975C-000D5690ABE4", Property.WRITE,
                                      att.AttributeValue(write=self._command_written))
        return gatt.Service(uuid("233BF000-5A34-1B6D-975C-000D5690ABE4"), [command])

    def _clock_read(self, connection):
        self.event("clock-read")
        if self.clock_refuses:
            raise att.ATT_Error(self.clock_refuses)
        return date_time(self.clock()) if self.clock_value is None else bytes.fromhex(self.clock_value)

    def _clock_written(self, connection, value):
        if self.clock_refuses:
            raise att.ATT_Error(self.clock_refuses)
        try:
            moment = parse_date_time(value)
        except ValueError:
            raise att.ATT_Error(DATA_FIELD_IGNORED)
        before, self.clock_offset = self.clock_offset, (moment - now()).total_seconds()
        self.event("clock-set", value=value.hex(), error=round(self.clock_offset, 3), before=round(before, 3))

    def _command_written(self, connection, value):
        self.event("command", value=value.hex())
        if value == SEND_ALL:
            for record in self.records:
                record.delivered = False
        elif value == CLOSE:
            self.closing = asyncio.create_task(self.do_disconnect())

    def store(self, value):
        """Keeps one measurement."""
        self.records.append(Record(value))

    async def do_store_bytes(self, value):
        """Keeps whatever bytes, as a device with a fault would send them."""
        self.store(bytes.fromhex(value))

    async def do_records(self):
        """How many records the device holds and how many of them were delivered."""
        return {"stored": len(self.records), "delivered": sum(r.delivered for r in self.records)}

    async def run_session(self):
        queue = []
        if self.resend_last and self.records and self.records[-1].delivered:
            queue, self.resend_last = [self.records[-1]], False
        since, sent = time.monotonic(), 0
        while True:
            pending = queue or [record for record in self.records if not record.delivered]
            if pending and self.listening(self.measurement, INDICATIONS):
                await self._send(pending[0])
                if pending is queue:
                    queue.pop(0)
                since, sent = time.monotonic(), sent + 1
                await asyncio.sleep(self.pause)
                continue
            if time.monotonic() - since > (self.closes_after if sent and not pending else self.idle_seconds):
                break
            await asyncio.sleep(0.02)
        self.event("session-done", sent=sent, left=len(pending))
        # As a task of its own: this one is cancelled by the disconnection.
        self.closing = asyncio.create_task(self.do_disconnect())

    async def _send(self, record):
        index = self.records.index(record)
        self.event("sending", index=index, value=record.value.hex(), again=record.delivered)
        await self.stack.indicate_subscriber(self.connection, self.measurement, record.value)
        record.delivered = True
        self.event("confirmed", index=index, value=record.value.hex())
