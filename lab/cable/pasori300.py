"""A Sony PaSoRi RC-S300: CCID escape messages on an interface of its own, around the commands of a session.

What it says is what public programs noted of a real one: `C0 03 00 90 00` for a command that is done,
`C0 03 02 64 01` where no card answered, `67 00` for another length than a command has. How a real one refuses
a broken message, or a command out of turn, is not public: here it fails the message, as CCID says, or says `69 85`.
"""
import struct

from cable.device import CableDevice, descriptor, endpoint, interface

DONE = bytes.fromhex("c003009000" "9000")
NOTHING = bytes.fromhex("c003026401" "9000")
WRONG_LENGTH, OUT_OF_TURN, UNKNOWN = b"\x67\0", b"\x69\x85", b"\x6d\0"
FELICA = bytes.fromhex("ff500002" "048f02030000")
FAILED, NO_CARD = 0x42, 0x02


class PaSoRi300(CableDevice):
    """Knows the order of a session: begun, field on, set to FeliCa, then looks.

    `hangs`: so many messages get no answer. `lost` forgets the session, as a reset inside the reader does.
    """

    vendor, product, release, usb = 0x054C, 0x0DC8, 0x0100, 0x0200
    names = ("SONY", "FeliCa Port/PaSoRi 4.0", "0000300")
    interfaces_count = 2
    card, system, hangs = None, 0x0003, 0

    def __init__(self, room, name):
        super().__init__(room, name)
        self.looks, self.sessions, self.bad, self.refusals, self.skipped = 0, 0, 0, 0, 0

    def begin(self):
        self.session = self.field = self.felica = False
        self.looks, self._number = 0, None

    def interfaces(self):
        ccid = descriptor(0x21, bytes.fromhex("1001" "00" "07" "03000000" "a00f0000" "a00f0000" "00" "002a0000" "002a0000"
                                              "00" "fe000000" "00000000" "00000000" "30000200" "0f010000" "ff" "ff"
                                              "0000" "00" "01"))
        smart_card = (interface(0, 3, 0x0B) + ccid + endpoint(0x01, 2, 64) + endpoint(0x81, 2, 64)
                      + endpoint(0x83, 3, 16, 10))
        return smart_card + interface(1, 2, 0xFF) + endpoint(0x02, 2, 64) + endpoint(0x82, 2, 64)

    async def do_lay(self, card):
        """Somebody lays a card on the reader: its IDm in hexadecimal."""
        self.card = bytes.fromhex(card)
        return True

    async def do_lift(self):
        """The card is taken away."""
        self.card = None
        return True

    async def do_lost(self):
        """The reader forgets its session."""
        self.session = self.field = self.felica = False
        return True

    def received(self, number, data):
        """A message: 6B, length (LE32), slot 0, number, three zeros, the command."""
        if number != 2:
            self.bad += 1
            return self.event("bad-frame", data=data.hex(), endpoint=number)
        if self.hangs:
            self.hangs -= 1
            return None
        fault = self._fault(data)
        if fault is not None:
            self.bad += 1
            self.event("bad-frame", data=data.hex(), place=fault)
            return self._send(data[6] if len(data) > 6 else 0, b"", FAILED, fault)
        if self._number is not None and data[6] != (self._number + 1) & 0xFF and data[6] != 1:
            self.skipped += 1
        self._number = data[6]
        body = self._answer(data[10:])
        if body[-2:] != b"\x90\0":
            self.refusals += 1
            self.event("refused", data=data.hex(), answer=body.hex())
        return self._send(data[6], body)

    def _fault(self, data):
        """The place in a message that is wrong, or None."""
        if len(data) < 10:
            return 1
        if data[0] != 0x6B:
            return 0
        if struct.unpack_from("<I", data, 1)[0] != len(data) - 10:
            return 1
        return 5 if data[5] else 7 if data[7:10] != b"\0\0\0" else None

    def _send(self, number, body, status=NO_CARD, error=0):
        self.connection.send(2, b"\x83" + struct.pack("<IBBBBB", len(body), 0, number, status, error, 0) + body)

    def _answer(self, command):
        if command == b"\xff\x56\0\0":  # which firmware there is
            return bytes.fromhex("000000010001ffff0401ffff0100ffff0000" "9000")
        if command[:4] == b"\xff\x50\0\0":
            return self._manage(command[4:])
        if command[:4] == b"\xff\x50\0\2":
            if command != FELICA:
                return WRONG_LENGTH
            if not self.session:
                return OUT_OF_TURN
            self.felica = True
            return DONE
        return self._look(command[4:]) if command[:4] == b"\xff\x50\0\1" else UNKNOWN

    def _manage(self, rest):
        if len(rest) != 4 or rest[0] != 2 or rest[2:] != b"\0\0":
            return WRONG_LENGTH
        if rest[1] in (0x81, 0x82):
            self.session, self.field, self.felica = rest[1] == 0x81, False, False
            self.sessions += self.session
            return DONE
        if rest[1] in (0x83, 0x84):
            if not self.session:
                return OUT_OF_TURN
            self.field = rest[1] == 0x84
            return DONE
        return UNKNOWN

    def _look(self, rest):
        # Short: one byte of length, one behind. Extended: three and three; with two behind a real one says 67 00.
        if len(rest) > 2 and rest[0] and len(rest) == rest[0] + 2:
            fields = rest[1:-1]
        elif len(rest) > 6 and not rest[0] and len(rest) == struct.unpack_from(">H", rest, 1)[0] + 6:
            fields = rest[3:-3]
        else:
            return WRONG_LENGTH
        limit, wanted = fields[:7], fields[7:]
        if limit[:3] != b"\x5f\x46\x04" or wanted[:2] != b"\x95\x82" or len(wanted) < 4:
            return b"\x6a\x80"
        polling = wanted[4:]
        if struct.unpack_from(">H", wanted, 2)[0] != len(polling):
            return WRONG_LENGTH
        if not self.session:
            return OUT_OF_TURN
        self.looks += 1
        is_whole = len(polling) == 6 and polling[0] == 6 and polling[1] == 0
        system = struct.unpack_from(">H", polling, 2)[0] if is_whole else None
        if not (self.field and self.felica and self.card) or system not in (0xFFFF, self.system):
            return NOTHING
        answer = b"\x01" + self.card + bytes.fromhex("053143454682b7ff") + struct.pack(">H", self.system)
        answer = bytes([len(answer) + 1]) + answer
        return bytes.fromhex("c003009000" "920100" "96020000" "97") + bytes([len(answer)]) + answer + b"\x90\0"
