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
