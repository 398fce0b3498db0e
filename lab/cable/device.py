"""What every virtual USB device has: descriptors, plugging, faults."""
import errno
import struct

from cable.usbip import FULL_SPEED, Connection


def descriptor(kind, body):
    """A descriptor with its length."""
    return struct.pack("BB", len(body) + 2, kind) + body


def endpoint(address, kind, size, interval=0):
    """An endpoint: kind 2 is bulk, 3 is interrupt."""
    return descriptor(5, struct.pack("<BBHB", address, kind, size, interval))


def interface(number, endpoints, code, sub=0, protocol=0, name=0):
    """An interface that so many endpoints follow."""
    return descriptor(4, bytes([number, 0, endpoints, code, sub, protocol, name]))


class CableDevice:
    """One device; a subclass gives descriptors and reacts to what the host sends.

    `pull_after` pulls the cable when the host has sent so many transfers, before they are answered.
    """

    vendor, product, release, usb, code, speed = 0x1209, 1, 0x0100, 0x0200, 0, FULL_SPEED
    packet0, interfaces_count = 64, 1
    names = ("Lab", "Device", None)  # manufacturer, product, serial number
    interface_name = None

    def __init__(self, room, name):
        self.room, self.name, self.connection = room, name, None
        self.silent, self.pull_after, self.sent = False, None, 0

    def event(self, event, **more):
        """Tells the scenario."""
        self.room.event(event, self.name, **more)

    # what a scenario can do

    async def do_plug(self):
        """Puts the device into the first free socket; returns its path."""
        if self.connection and self.connection.is_open:
            raise OSError(errno.EALREADY, "it is plugged in")
        self.sent = 0
        self.begin()
        self.connection = Connection(self, self.speed)
        self.event("plugged", port=self.connection.port)
        return self.connection.port

    async def do_unplug(self):
        """Pulls the cable, whatever goes on."""
        self.pull()
        return True

    async def do_set(self, **attributes):
        """Sets attributes, such as `silent` or `pull_after`."""
        for name, value in attributes.items():
            if not hasattr(self, name):
                raise AttributeError(name)
            setattr(self, name, value)
        return True

    async def do_get(self, name):
        """Tells an attribute."""
        return getattr(self, name)

    def pull(self):
        """Ends the connection, once."""
        if self.connection and self.connection.is_open:
            self.connection.pull()
            self.event("unplugged", sent=self.sent)

    # what the kernel asks

    def took(self, number, data):
        """A transfer of the host; the cable may be pulled at just this one."""
        self.sent += 1
        if self.pull_after is not None and self.sent >= self.pull_after:
            self.pull_after = None
            return self.pull()
        if not self.silent:
            self.received(number, data)
        return None

    def asked(self, number):
        """The host waits for a transfer."""

    def control(self, kind, request, value, index, length, data):
        """A request on the control pipe; LookupError is a stall."""
        if kind in (0x80, 0x81) and request == 6:
            return self._descriptor(value >> 8, value & 0xFF)
        if kind == 0x80 and request == 8:
            return b"\1"
        if kind & 0x7F <= 2 and request == 0:
            return b"\0\0"
        if kind in (0, 1, 2) and request in (1, 3, 9, 11):  # features, configuration, alternate setting
            return b""
        return self.request(kind, request, value, index, data)

    def _descriptor(self, kind, index):
        strings = [name for name in (*self.names, self.interface_name)]
        if kind == 1:
            numbers = [place + 1 if strings[place] else 0 for place in range(3)]
            return descriptor(1, struct.pack(
                "<HBBBBHHHBBBB", self.usb, self.code, 0, 0, self.packet0, self.vendor, self.product,
                self.release, *numbers, 1))
        if kind == 2:
            body = self.interfaces()
            return descriptor(2, struct.pack(
                "<HBBBBB", 9 + len(body), self.interfaces_count, 1, 0, 0x80, 50)) + body
        if kind == 3:
            if index == 0:
                return descriptor(3, struct.pack("<H", 0x0409))
            if index <= len(strings) and strings[index - 1]:
                return descriptor(3, strings[index - 1].encode("utf-16-le"))
        return self.other_descriptor(kind)

    # for subclasses

    def begin(self):
        """The device has just got power."""

    def interfaces(self):
        """The configuration's body."""
        raise NotImplementedError

    def other_descriptor(self, kind):
        """A descriptor of its class."""
        raise LookupError

    def request(self, kind, request, value, index, data):
        """A request of its class."""
        raise LookupError

    def received(self, number, data):
        """What the host sent to an endpoint."""
