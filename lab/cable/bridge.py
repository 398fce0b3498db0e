"""An FTDI adapter with a device on its serial line: every adapter says the same of itself."""
from cable.device import CableDevice, endpoint, interface


class Adapter(CableDevice):
    """Each transfer to the host begins with two bytes of line state, as the chip's do."""

    vendor, product, release, usb = 0x0403, 0x6001, 0x0600, 0x0200
    names = ("FTDI", "FT232R USB UART", "A900LAB1")

    def begin(self):
        self.settings = {}
        self._waiting = False

    def interfaces(self):
        return interface(0, 2, 0xFF, 0xFF, 0xFF, 2) + endpoint(0x81, 2, 64) + endpoint(0x02, 2, 64)

    def request(self, kind, request, value, index, data):
        if kind == 0x40:
            self.settings[str(request)] = [value, index]
            if request in (3, 4):
                self.event("setting", request=request, value=value)
            return b""
        if kind == 0xC0:
            return b"\x10" if request == 0x0A else b"\x01\x60"
        raise LookupError

    async def do_say(self, text, split=None):
        """The device behind the adapter sends text, whole or in parts of so many bytes."""
        data = text.encode("latin-1")
        for start in range(0, len(data), split or 62):
            self.connection.send(1, b"\x01\x60" + data[start:start + (split or 62)])
        return True

    def received(self, number, data):
        self.event("heard", data=data.hex())

    def answer(self, data, part=62):
        """The device behind the adapter sends bytes, in parts."""
        for start in range(0, len(data), part):
            self.connection.send(1, b"\x01\x60" + data[start:start + part])


class SerialCuff(Adapter):
    """A Beurer cuff behind an adapter: one byte asks, records are counted from 1, the newest last."""

    names = ("FTDI", "FT232R USB UART", "A900LAB2")

    def __init__(self, room, name):
        super().__init__(room, name)
        self.records = []

    def begin(self):
        super().begin()
        self._asked = b""

    async def do_measure(self, when, systolic, diastolic, pulse, user=1):
        """A measurement: `when` is [year, month, day, hour, minute]."""
        self.records.append([when, systolic, diastolic, pulse, user])
        return len(self.records)

    def received(self, number, data):
        self._asked += data
        while self._asked:
            if self._asked[0] == 0xA3:
                if len(self._asked) < 2:
                    return
                index, self._asked = self._asked[1], self._asked[2:]
                self.event("command", index=index)
                self._record(index)
                continue
            first, self._asked = self._asked[0], self._asked[1:]
            if first == 0xAA:
                self.answer(b"\x55")
            elif first == 0xA2:
                self.answer(bytes([len(self.records)]))

    def _record(self, index):
        if not 0 < index <= len(self.records):
            return self.answer(b"\xa9")
        (year, month, day, hour, minute), systolic, diastolic, pulse, user = self.records[index - 1]
        return self.answer(bytes([0xAC, systolic - 25, diastolic - 25, pulse, month, day | (user - 1) << 7, hour,
                                  minute, year - 2000]), 4)
