"""A disk that loses what was not flushed when its power is cut, as cheap cards and drives do.

QEMU reaches it as a network block device over a Unix socket. A write stays in memory until the guest flushes (or
asks for this one to be forced); at the cut each sector that was not flushed is kept or lost by chance.
"""
import os
import random
import socket
import struct
import threading

SECTOR = 512
READ, WRITE, DISCONNECT, FLUSH = 0, 1, 2, 3
FORCED = 1  # FUA: this write is on the disk when it is answered
OPTION_ABORT, OPTION_INFO, OPTION_GO = 2, 6, 7
REPLY_ACK, REPLY_INFO, REPLY_UNSUPPORTED = 1, 3, 0x80000001
INVALID = 22


class VolatileDisk:
    """An image file with a write cache; serves one machine at a time."""

    def __init__(self, path, size):
        self.path = path
        if not os.path.exists(path):
            with open(path, "wb") as image:
                image.truncate(size)
        self._image = open(path, "r+b", buffering=0)
        self._size = os.path.getsize(path)
        self._cache, self._lock, self._powered = {}, threading.Lock(), False
        self._strike = None
        self.flushes = 0

    def power_on(self, socket_path):
        """Serves the next machine on a socket."""
        if os.path.exists(socket_path):
            os.unlink(socket_path)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(socket_path)
        listener.listen(1)
        self._powered = True
        threading.Thread(target=self._serve, args=(listener,), daemon=True).start()

    def strike(self, struck):
        """The power fails as soon as a write waits for its flush; `struck` is called then, nothing is answered after."""
        with self._lock:
            self._strike = struck

    def cut(self, seed):
        """The power fails: gives how many sectors were not flushed, and how many of these were lost."""
        dice = random.Random(seed)
        with self._lock:
            self._powered, self._strike = False, None
            waiting, lost = sorted(self._cache.items()), 0
            self._cache.clear()
            for sector, data in waiting:
                if dice.random() < 0.5:
                    lost += 1
                else:
                    self._put(sector, data)
        return len(waiting), lost

    def power_off(self):
        """An orderly end: everything is written."""
        with self._lock:
            self._powered = False
            self._flush()

    def _put(self, sector, data):
        os.pwrite(self._image.fileno(), data, sector * SECTOR)

    def _flush(self):
        for sector, data in self._cache.items():
            self._put(sector, data)
        self._cache.clear()

    def _read(self, offset, length):
        data = bytearray(os.pread(self._image.fileno(), length, offset))
        first = offset // SECTOR
        for sector in range(first, (offset + length) // SECTOR):
            if sector in self._cache:
                at = (sector - first) * SECTOR
                data[at:at + SECTOR] = self._cache[sector]
        return bytes(data)

    def _write(self, offset, data, forced):
        for at in range(0, len(data), SECTOR):
            sector = (offset + at) // SECTOR
            if forced:
                self._cache.pop(sector, None)
                self._put(sector, data[at:at + SECTOR])
            else:
                self._cache[sector] = data[at:at + SECTOR]

    # The protocol: the fixed newstyle handshake, then requests one after the other.

    def _serve(self, listener):
        client, _ = listener.accept()
        listener.close()
        with client, client.makefile("rb") as reader:
            try:
                if self._shake_hands(client, reader):
                    while self._answer(client, reader):
                        pass
            except (OSError, struct.error):
                pass  # the machine was ended

    def _shake_hands(self, client, reader):
        client.sendall(b"NBDMAGICIHAVEOPT" + struct.pack(">H", 1 | 2))
        reader.read(4)
        while True:
            _, option, length = struct.unpack(">8sII", reader.read(16))
            reader.read(length)

            def reply(kind, body=b""):
                client.sendall(struct.pack(">QIII", 0x3E889045565A9, option, kind, len(body)) + body)
            if option in (OPTION_INFO, OPTION_GO):
                reply(REPLY_INFO, struct.pack(">HQH", 0, self._size, 1 | 4 | 8))  # takes flush and FUA
                reply(REPLY_INFO, struct.pack(">HIII", 3, SECTOR, 4096, 1 << 25))
                reply(REPLY_ACK)
                if option == OPTION_GO:
                    return True
            elif option == OPTION_ABORT:
                reply(REPLY_ACK)
                return False
            else:
                reply(REPLY_UNSUPPORTED)

    def _answer(self, client, reader):
        head = reader.read(28)
        if len(head) < 28:
            return False
        _, flags, kind, handle, offset, length = struct.unpack(">IHHQQI", head)
        body = reader.read(length) if kind == WRITE else b""
        with self._lock:
            if kind == DISCONNECT or not self._powered:
                return False
            error, data = 0, b""
            if kind == READ:
                data = self._read(offset, length)
            elif kind == WRITE:
                self._write(offset, body, flags & FORCED)
            elif kind == FLUSH:
                self.flushes += 1
                self._flush()
            else:
                error = INVALID
            if self._strike and self._cache:
                self._powered = False
                self._strike()
        if not self._powered:
            # A disk without power says nothing, not even that it is gone.
            while client.recv(65536):
                pass
            return False
        with self._lock:
            client.sendall(struct.pack(">IIQ", 0x67446698, error, handle) + data)
        return True
