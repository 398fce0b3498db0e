"""One end of USB/IP: hands the kernel a socket and answers its requests for one device.

Needs root and the module vhci_hcd; no network: the kernel is given one end of a socket pair. Closing the
other end is a pulled cable, at any moment, also in the middle of a transfer.
"""
import asyncio
import collections
import errno
import socket
import struct

VHCI = "/sys/devices/platform/vhci_hcd.0/"
SUBMIT, UNLINK, SUBMITTED, UNLINKED = 1, 2, 3, 4
FULL_SPEED, HIGH_SPEED = 2, 3


def free_port(high=False):
    """The first empty socket of the virtual hub."""
    with open(VHCI + "status") as file:
        for line in file.read().splitlines()[1:]:
            hub, port, state = line.split()[:3]
            if hub == "hs" and int(state) == 4:
                return int(port)
    raise OSError(errno.EBUSY, "no free socket")


class Pipe:
    """What the device has to say on one endpoint, and who waits for it."""

    def __init__(self):
        self.data, self.waiting = collections.deque(), collections.deque()


class Connection:
    """A plugged device's talk with the kernel; `device` answers `control`, `took` and `gives`."""

    def __init__(self, device, speed):
        self._device, self._pipes = device, collections.defaultdict(Pipe)
        self._ours, theirs = socket.socketpair()
        self._ours.setblocking(False)
        self.port = free_port()
        self.is_open = True
        try:
            with open(VHCI + "attach", "w") as file:
                file.write("%d %d %d %d" % (self.port, theirs.fileno(), 0x10000 + self.port, speed))
        finally:
            theirs.close()
        self._task = asyncio.get_running_loop().create_task(self._serve())

    def pull(self):
        """Ends the connection at once."""
        if self.is_open:
            self.is_open = False
            self._task.cancel()
            self._ours.shutdown(socket.SHUT_RDWR)
            self._ours.close()

    def send(self, endpoint, data):
        """Queues one transfer towards the host."""
        self._pipes[endpoint].data.append(bytes(data))
        self._pump(endpoint)

    def stall(self, endpoint):
        """The next transfer of that endpoint fails with a stall."""
        self._pipes[endpoint].data.append(None)
        self._pump(endpoint)

    async def _read(self, buffer, length):
        while len(buffer) < length:
            data = await asyncio.get_running_loop().sock_recv(self._ours, 65536)
            if not data:
                raise ConnectionError
            buffer += data
        return buffer

    async def _serve(self):
        buffer = b""
        try:
            while True:
                buffer = await self._read(buffer, 48)
                command, number, _, inwards, endpoint = struct.unpack_from(">5I", buffer)
                if command == UNLINK:
                    self._unlink(number, struct.unpack_from(">I", buffer, 20)[0])
                    buffer = buffer[48:]
                    continue
                length = struct.unpack_from(">i", buffer, 24)[0]
                setup, end = buffer[40:48], 48 + (0 if inwards else length)
                buffer = await self._read(buffer, end)
                data, buffer = buffer[48:end], buffer[end:]
                self._submit(number, inwards, endpoint, length, setup, data)
        except (ConnectionError, OSError):
            self.is_open = False

    def _submit(self, number, inwards, endpoint, length, setup, data):
        if endpoint == 0:
            try:
                answer = self._device.control(*struct.unpack("<BBHHH", setup), data)
            except LookupError:
                return self._reply(number, -errno.EPIPE)
            return self._reply(number, 0, (answer or b"")[:length] if inwards else b"",
                               None if inwards else len(data))
        if inwards:
            self._pipes[endpoint].waiting.append((number, length))
            self._device.asked(endpoint)
            return self._pump(endpoint)
        if not self.is_open:
            return None
        self._reply(number, 0, actual=len(data))
        self._device.took(endpoint, data)

    def _pump(self, endpoint):
        pipe = self._pipes[endpoint]
        while self.is_open and pipe.data and pipe.waiting:
            number, length = pipe.waiting.popleft()
            data = pipe.data.popleft()
            if data is None:
                self._reply(number, -errno.EPIPE)
                continue
            if len(data) > length:
                pipe.data.appendleft(data[length:])
                data = data[:length]
            self._reply(number, 0, data)

    def _unlink(self, number, victim):
        status = 0
        for pipe in self._pipes.values():
            for waiting in list(pipe.waiting):
                if waiting[0] == victim:
                    pipe.waiting.remove(waiting)
                    status = -errno.ECONNRESET
        self._write(struct.pack(">5Ii24x", UNLINKED, number, 0, 0, 0, status))

    def _reply(self, number, status, data=b"", actual=None):
        self._write(struct.pack(">5IiiiiI8x", SUBMITTED, number, 0, 0, 0, status,
                                len(data) if actual is None else actual, 0, 0, 0) + data)

    def _write(self, data):
        if not self.is_open:
            return
        try:
            self._ours.setblocking(True)
            self._ours.sendall(data)
            self._ours.setblocking(False)
        except OSError:
            self.is_open = False
