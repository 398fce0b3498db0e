"""A device that plays its side of a tape: any model of which a tape is at hand, with its own protocol.

It serves what the tape serves, waits for the writes that the tape expects, and sends what the tape sends
once it is subscribed to. A write that the tape does not expect is told as an event.
"""
import asyncio
import datetime
import json

from bumble import att, gatt

from room.peripheral import INDICATIONS, NOTIFICATIONS, Peripheral, Property, uuid

FLAGS = {"read": Property.READ, "write": Property.WRITE, "notify": Property.NOTIFY,
         "write-without-response": Property.WRITE_WITHOUT_RESPONSE, "indicate": Property.INDICATE}
SLOWEST = 0.2  # seconds between two lines, however long the recorded session took
LONGEST = 31  # bytes of advertising data; what is more goes into the scan response


def plain(value):
    """Bytes of hexadecimal digits that may stand in groups."""
    return bytes.fromhex(value.replace(" ", ""))


class Played(Peripheral):
    """One device of one tape."""

    def __init__(self, room, name, address, tape):
        with open(tape) as file:
            self.header, *self.lines = [json.loads(line) for line in file if line.strip()]
        self.made, self.values, self.writes = {}, {}, asyncio.Queue()
        super().__init__(room, name, address or self.header["address"])
        # What the tape says of a characteristic first is what the device answers from the beginning.
        for line in reversed(self.lines):
            if "read" in line:
                self.values[line["read"]["uuid"].lower()] = line["read"]["value"]

    @property
    def shown_name(self):
        return "played"

    def base_services(self):
        return []  # only what the tape has

    def services(self):
        found = []
        for service in next(line["services"] for line in self.lines if "services" in line):
            if service["uuid"].lower() not in ("1800", "1801"):
                found.append(gatt.Service(uuid(service["uuid"].upper()), [
                    self._characteristic(entry) for entry in service["characteristics"]]))
        return found

    def _characteristic(self, entry):
        number, flags = entry["uuid"].lower(), Property(0)
        for name in entry["properties"]:
            flags |= FLAGS[name]
        value = att.AttributeValue(
            read=lambda connection: plain(self.values.get(number, "")),
            write=lambda connection, value: self.writes.put_nowait((number, value.hex())))
        self.made[number] = self.characteristic(number.upper(), flags, value)
        return self.made[number]

    def advertising(self):
        data, parts = plain(next(l["advertisement"]["data"] for l in self.lines if "advertisement" in l)), [b"", b""]
        while data:
            length = data[0] + 1
            parts[len(parts[0]) + length > LONGEST] += data[:length]
            data = data[length:]
        return tuple(parts)

    async def run_session(self):
        self.writes = asyncio.Queue()
        start = next(index for index, line in enumerate(self.lines) if "services" in line)
        before = self.lines[start]["at"]
        for line in self.lines[start + 1:]:
            await self._play(line, before)
            before = line["at"]
        self.event("played", lines=len(self.lines))
        # As a task of its own: this one is cancelled by the disconnection.
        self.closing = asyncio.create_task(self.do_disconnect())

    async def _play(self, line, before):
        if "write" in line:
            await self._expect(line["write"])
        elif "read" in line:
            self.values[line["read"]["uuid"].lower()] = line["read"]["value"]
        elif "notify" in line or "indicate" in line:
            moments = [datetime.datetime.fromisoformat(text) for text in (before, line["at"])]
            await asyncio.sleep(min(SLOWEST, (moments[1] - moments[0]).total_seconds()))
            said = line.get("notify") or line["indicate"]
            sent = self.made[said["uuid"].lower()]
            await self.until_listening(sent, NOTIFICATIONS if "notify" in line else INDICATIONS)
            send = self.stack.notify_subscriber if "notify" in line else self.stack.indicate_subscriber
            await send(self.connection, sent, plain(said["value"]))

    async def _expect(self, wanted):
        number, value = await self.writes.get()
        right = plain(wanted["value"]).hex() if "*" not in wanted["value"] else value
        if (number, value) != (wanted["uuid"].lower(), right):
            self.event("unexpected-write", uuid=number, value=value, wanted=wanted)
