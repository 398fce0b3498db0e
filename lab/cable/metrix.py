"""A TRUE METRIX meter in its cradle: messages in brackets, over HID reports that count their bytes."""
import datetime
import struct

from cable.device import CableDevice, descriptor, endpoint, interface

REPORT = bytes.fromhex("0600ff0901a10109011500" "26ff0075089540" "810209019540" "9102c0")
ZONE = datetime.timezone(datetime.timedelta(hours=9))


def message(content):
    """A message: its checksum runs over all characters, the brackets included."""
    text = b"(" + content + b")"
    return text + b"%02X" % (sum(text) & 0xFF)


class TrueMetrix(CableDevice):
    """Keeps [moment, mg/dL, control]; asleep it hears nothing but the command that wakes it.

    `in_cradle` off: only the cradle is on the cable, and nobody answers. `broken`: that many results go out with a
    wrong checksum of their frame, `wrong_sums`: that many downloads with a wrong one of their own. `slow` is how many
    seconds the meter's clock is behind. Reports carry `part` bytes, and stale ones behind them.
    """

    vendor, product, release = 0x1F41, 0x0000, 0x0100
    names = ("Trividia Health", "TRUE METRIX", None)
    part, broken, wrong_sums, slow, in_cradle, model = 24, 0, 0, 0, True, b"MR2"

    def __init__(self, room, name):
        super().__init__(room, name)
        self.records, self.downloads, self.awake, self.sleeps, self.deaf = [], 0, False, 0, 0

    def begin(self):
        self.awake = False

    def interfaces(self):
        hid = descriptor(0x21, struct.pack("<HBBBH", 0x0110, 0, 1, 0x22, len(REPORT)))
        return interface(0, 2, 3) + hid + endpoint(0x81, 3, 64, 1) + endpoint(0x02, 3, 64, 1)

    def other_descriptor(self, kind):
        if kind == 0x22:
            return REPORT
        raise LookupError

    def request(self, kind, request, value, index, data):
        if (kind, request) == (0x21, 0x0A):
            return b""
        raise LookupError

    async def do_measure(self, when, mg_dl, control=False):
        """A measurement on the meter's own clock: [year, month, day, hour, minute]."""
        self.records.append([when, mg_dl, control])
        return len(self.records)

    def received(self, number, data):
        """A report: A0, how many characters, a command in its frame, zeros."""
        text = data[2:2 + data[1]] if len(data) == 64 else b""
        command = text[1:-3]
        if data[:1] != b"\xa0" or text != message(command) or data[2 + len(text):].strip(b"\0"):
            self.deaf += 1
            return self.event("deaf", data=data.hex())
        self.event("command", text=command.decode())
        if not self.in_cradle:
            return None
        if command == b"^":
            self.awake = True
            return None
        if not self.awake:
            return None
        if command == b"_":
            self.awake = False
            self.sleeps += 1
            return None
        answers = {b"I": self._who, b"Z1": self._serial, b"V": lambda: [b"v1.02"], b"T": self._clock,
                   b"G": self._results}
        if command not in answers:
            self.deaf += 1
            return self.event("deaf", data=data.hex())
        return self._say(answers[command]())

    def _who(self):
        return [b"i" + self.model]

    def _serial(self):
        return self._who() + [b"z1TA12345678"]

    def _clock(self):
        now = datetime.datetime.now(ZONE) - datetime.timedelta(seconds=self.slow)
        return [b"t" + now.strftime("%S%M%H%d%m%y").encode()]

    def _results(self):
        self.downloads += 1
        results = [b"%X%03X%03X%03X0%X" % (month, day * 100 + year % 100, hour * 100 + minute, mg_dl, control)
                   for (year, month, day, hour, minute), mg_dl, control in reversed(self.records)]
        total = sum(sum(digits) for digits in results)
        if self.wrong_sums:
            self.wrong_sums -= 1
            total += 1
        checksum = b"x0%04X" % (total & 0xFFFF)
        return [b"g5" + digits for digits in results] + [checksum, checksum]

    def _say(self, contents):
        stream = b"\r\n"
        for content in contents:
            text = message(content)
            if self.broken and content[:2] == b"g5":
                self.broken -= 1
                text = text[:-1] + (b"0" if text[-1:] != b"0" else b"1")
            stream += text
        while stream:
            part, stream = stream[:self.part], stream[self.part:]
            self.connection.send(1, (bytes([len(part)]) + part).ljust(64, b"("))
