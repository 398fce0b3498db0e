"""A glucose meter of the Accu-Chek Guide kind: a passkey bond, stored records, the record access control
point (RACP).

Its base time never changes; what its owner sets goes into the time offset of the records taken from then
on. It closes the connection when nothing happens for a while.
"""
import asyncio
import datetime
import struct
import time

from bumble import att, gatt

from room.formats import glucose, glucose_context, now
from room.peripheral import (
    AUTHENTICATED, INDICATIONS, IoCapability, Peripheral, Property, uuid)

REPORT, DELETE, ABORT, COUNT, COUNT_ANSWER, ANSWER = 1, 2, 3, 4, 5, 6
SUCCESS, OPCODE_UNSUPPORTED, OPERATOR_UNSUPPORTED, INVALID_OPERAND, NO_RECORDS = 1, 2, 4, 5, 6
ALL, AT_LEAST, FIRST, LAST = 1, 3, 5, 6
BY_SEQUENCE = 1
NOT_SUBSCRIBED, BUSY = 0xFD, 0xFE
POST_MEAL = 2


class Meter(Peripheral):
    """Shows a passkey, keeps records, answers requests for them one at a time."""

    service, appearance = 0x1808, 0x0400
    io, mitm, security = IoCapability.DISPLAY_OUTPUT_ONLY, True, AUTHENTICATED
    manufacturer, model = "Roche", "Accu-Chek Guide"

    def __init__(self, room, name, address):
        super().__init__(room, name, address)
        self.serial = "9" + self.suffix
        self.passkey = 314159
        self.offset_minutes = 602
        self.idle_seconds = 15.0
        self.pause = 0.01  # seconds between two records
        self.garbage = []  # bytes in hexadecimal that it sends before the records of the next report
        self.wrong_answer = ""  # bytes in hexadecimal in place of its next answer
        self.records, self.procedure, self.busy = [], None, False
        self.active = 0.0

    @property
    def shown_name(self):
        return "meter+" + self.suffix

    def event(self, event, **more):
        if event in ("connected", "paired", "encrypted", "subscribed", "racp"):
            self.active = time.monotonic()
        super().event(event, **more)

    def services(self):
        self.measurement = self.characteristic(0x2A18, Property.NOTIFY)
        self.context = self.characteristic(0x2A34, Property.NOTIFY)
        self.control = self.characteristic(
            0x2A52, Property.INDICATE | Property.WRITE, att.AttributeValue(write=self._requested))
        feature = self.characteristic(0x2A51, Property.READ, b"\x00\x00")
        return [gatt.Service(uuid(self.service), [self.measurement, self.context, feature, self.control])]

    async def do_store(self, count, minutes_apart=61, context_every=3, days_back=0):
        """Somebody measured so many times; every so manieth record has a context. Returns the records.

        `days_back`: by a clock that was put back so far.
        """
        stored, first = [], (self.records[-1][0] + 1 if self.records else 1)
        start = now().replace(microsecond=0) - datetime.timedelta(days=days_back)
        for index in range(count):
            sequence = first + index
            shown = start - datetime.timedelta(minutes=minutes_apart * (count - index))
            value, with_context = 91 + (sequence - 1) % 500, sequence % context_every == 0
            base = shown - datetime.timedelta(minutes=self.offset_minutes)
            self.records.append((
                sequence, glucose(sequence, base, self.offset_minutes, value, with_context),
                glucose_context(sequence, POST_MEAL) if with_context else None))
            stored.append({"sequence": sequence, "glucose": value, "shown": shown.isoformat()})
        return stored

    async def do_passkey(self):
        """The number that it will show."""
        return self.passkey

    async def run_session(self):
        try:
            while time.monotonic() - self.active < self.idle_seconds:
                await asyncio.sleep(0.1)
                if self.busy:
                    self.active = time.monotonic()
        finally:
            if self.procedure:
                self.procedure.cancel()
            self.busy = False
        self.event("session-done")
        # As a task of its own: this one is cancelled by the disconnection.
        self.closing = asyncio.create_task(self.do_disconnect())

    def _requested(self, connection, value):
        self.event("racp", value=value.hex())
        if value[:1] == bytes([ABORT]):
            if self.busy:
                self.procedure.cancel()
            self.procedure = asyncio.create_task(self._answer(ANSWER, bytes([ABORT, SUCCESS])))
            return
        if not self.listening(self.control, INDICATIONS):
            raise att.ATT_Error(NOT_SUBSCRIBED)
        if self.busy:
            raise att.ATT_Error(BUSY)
        self.busy = True
        self.procedure = asyncio.create_task(self._run(value))

    async def _run(self, request):
        opcode, operator = request[0], request[1] if len(request) > 1 else 0
        if opcode not in (REPORT, COUNT):  # also DELETE: the meter's owner deletes on the meter
            return await self._answer(ANSWER, bytes([opcode, OPCODE_UNSUPPORTED]))
        chosen, problem = self._choose(operator, request[2:])
        if problem:
            return await self._answer(ANSWER, bytes([opcode, problem]))
        if opcode == COUNT:
            return await self._answer(COUNT_ANSWER, struct.pack("<H", len(chosen)))
        garbage, self.garbage = self.garbage, []
        for value in garbage:
            await self.stack.notify_subscriber(self.connection, self.measurement, bytes.fromhex(value))
        for sequence, value, context in chosen:
            self.event("record", sequence=sequence)
            await self.stack.notify_subscriber(self.connection, self.measurement, value)
            if context:
                await self.stack.notify_subscriber(self.connection, self.context, context)
            await asyncio.sleep(self.pause)
        self.event("reported", records=len(chosen), first=chosen[0][0] if chosen else None)
        await self._answer(ANSWER, bytes([opcode, SUCCESS if chosen else NO_RECORDS]))

    def _choose(self, operator, operand):
        if operator in (ALL, FIRST, LAST):
            return {ALL: self.records, FIRST: self.records[:1], LAST: self.records[-1:]}[operator], None
        if operator != AT_LEAST:
            return [], OPERATOR_UNSUPPORTED
        if len(operand) != 3 or operand[0] != BY_SEQUENCE:
            return [], INVALID_OPERAND
        least = struct.unpack_from("<H", operand, 1)[0]
        return [record for record in self.records if record[0] >= least], None

    async def _answer(self, opcode, body):
        self.busy = False  # the next request may follow this answer's confirmation at once
        wrong, self.wrong_answer = self.wrong_answer, ""
        answer = bytes.fromhex(wrong) if wrong else bytes([opcode, 0]) + body
        self.event("answering", value=answer.hex())
        await self.stack.indicate_subscriber(self.connection, self.control, answer)
