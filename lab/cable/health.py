"""A scale of the personal health standard (IEEE 11073-20601) on PHDC: an agent with a configuration of its own."""
import struct

from cable.device import CableDevice, descriptor, endpoint, interface

EVENT, CONFIRMED, GET = 0x0101, 0x0201, 0x0103


def bcd(number):
    """Two decimal digits in a byte."""
    return number // 10 << 4 | number % 10


def stamp(when):
    """An absolute time: century to hundredths."""
    year, *rest = when
    return bytes([bcd(year // 100), bcd(year % 100), *(bcd(part) for part in rest), 0])


def apdu(choice, body):
    """An APDU."""
    return struct.pack(">HH", choice, len(body)) + body


def message(invoke, choice, body):
    """A message within an association."""
    inner = struct.pack(">HHH", invoke, choice, len(body)) + body
    return apdu(0xE700, struct.pack(">H", len(inner)) + inner)


def attribute(number, value):
    """An attribute with its length."""
    return struct.pack(">HH", number, len(value)) + value


class HealthScale(CableDevice):
    """Keeps [moment, tenths of a kilogram, tenths of a percent]; forgets one when it was confirmed.

    Sends its APDUs in transfers of `part` bytes; with `together`, several APDUs share transfers.
    """

    vendor, product, release = 0x1209, 0x20F1, 0x0100
    names = ("Lab", "Health scale", "SCALE0001")
    part, together, known, clock = 17, False, False, [2026, 3, 1, 8, 0, 0]
    handles = (1, 2)  # of weight and body fat, in its configuration 4000
    system = bytes.fromhex("0022090000000042")

    def __init__(self, room, name):
        super().__init__(room, name)
        self.records, self.confirmed, self.configurations = [], 0, 0
        self._associated = False

    def begin(self):
        self._heard, self._spoken, self._associated = b"", False, False
        self._waiting, self._out = {}, b""

    def interfaces(self):
        function = descriptor(0x20, bytes([2, 0]))
        quality = descriptor(0x21, bytes([1, 8]))
        return (interface(0, 2, 0x0F) + function + descriptor(0x30, struct.pack("<BBH", 0, 1, 0x100F))
                + endpoint(0x81, 2, 64) + quality + endpoint(0x02, 2, 64) + quality)

    async def do_measure(self, when, weight, fat):
        """A weighing; it is told at once where somebody listens."""
        self.records.append([when, weight, fat])
        if self._associated and self.connection and self.connection.is_open:
            self._report(len(self.records) - 1)
            self._flush()
        return len(self.records)

    async def do_left(self):
        """How many it still keeps."""
        return len([record for record in self.records if record])

    def asked(self, number):
        if not self._spoken and number == 1 and not self.silent:
            self._spoken = True
            self._associate()
            self._flush()

    def _associate(self):
        self._say(apdu(0xE200, bytes.fromhex(
            "80000000" "0001002a" "50790026" "80000000" "8000" "80000000" "00000000" "00800000" "0008")
            + self.system + bytes.fromhex("4000" "0001" "01" "00" "00000000")))

    def received(self, number, data):
        self._heard += data
        while len(self._heard) >= 4:
            length = 4 + struct.unpack_from(">H", self._heard, 2)[0]
            if len(self._heard) < length:
                return
            whole, self._heard = self._heard[:length], self._heard[length:]
            self._take(struct.unpack_from(">H", whole)[0], whole[4:])
        self._flush()

    def _take(self, choice, body):
        self.event("apdu", choice="%04x" % choice)
        if choice == 0xE300:
            result = struct.unpack_from(">H", body)[0]
            if result == 3:
                self._configuration()
            elif result != 0:
                self.event("rejected", result=result)
        elif choice == 0xE400:
            self._associated = False
            self._say(apdu(0xE500, b"\0\0"))
        elif choice == 0xE600:
            self._associated, self._waiting = False, {}
            self.event("aborted")
            self._associate()
        elif choice == 0xE700:
            invoke, kind = struct.unpack_from(">HH", body, 2)
            if kind == CONFIRMED:
                self._confirmed(invoke)
            elif kind == GET:
                self._attributes(invoke)

    def _configuration(self):
        self.configurations += 1
        objects = b""
        for handle, (kind, unit) in zip(self.handles, ((0xE140, 0x06C3), (0xE14C, 0x0220))):
            attributes = (attribute(0x092F, struct.pack(">HH", 2, kind)) + attribute(0x0996, struct.pack(">H", unit))
                          + attribute(0x0A55, bytes.fromhex("00020008" "0a560004" "09900008")))
            objects += struct.pack(">HHHH", 6, handle, 3, len(attributes)) + attributes
        self._event(1, 0x0D1C, struct.pack(">HHH", 0x4000, 2, len(objects)) + objects)

    def _event(self, invoke, kind, information):
        body = struct.pack(">HIHH", 0, 0xFFFFFFFF, kind, len(information)) + information
        self._say(message(invoke, EVENT, body))

    def _attributes(self, invoke):
        attributes = (attribute(0x0928, struct.pack(">H", 4) + b"Lab " + struct.pack(">H", 8) + b"Scale 1 ")
                      + attribute(0x0987, stamp(self.clock)))
        self._say(message(invoke, 0x0203, struct.pack(">HHH", 0, 2, len(attributes)) + attributes))
        self._associated = True
        for place, record in enumerate(self.records):
            if record:
                self._report(place)

    def _report(self, place):
        when, weight, fat = self.records[place]
        values = b""
        for handle, number in zip(self.handles, (weight, fat)):
            value = bytes([0xFF]) + number.to_bytes(3, "big") + stamp(when)
            values += struct.pack(">HH", handle, len(value)) + value
        self._waiting[100 + place] = place
        self._event(100 + place, 0x0D1D, struct.pack(">HHHH", 0xF000, 0, 2, len(values)) + values)

    def _confirmed(self, invoke):
        place = self._waiting.pop(invoke, None)
        if place is not None and self.records[place]:
            self.records[place] = None
            self.confirmed += 1
            self.event("confirmed", place=place)

    def _say(self, data):
        self._out += data
        if not self.together:
            self._flush()

    def _flush(self):
        data, self._out = self._out, b""
        while data:
            self.connection.send(1, data[:self.part])
            data = data[self.part:]
