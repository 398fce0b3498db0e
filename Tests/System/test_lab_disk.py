"""The lab's disk with a write cache: what a cut of power may take, and what it may not."""
import os
import socket
import struct
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../lab"))
from vm.disk import FLUSH, FORCED, READ, SECTOR, WRITE, VolatileDisk  # noqa: E402

SIZE = 1 << 20


class Client:
    """What QEMU says to a network block device."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(2)
        self.socket.connect(path)
        self.read(18)
        self.socket.sendall(struct.pack(">I8sII", 3, b"IHAVEOPT", 7, 0))
        while True:
            _, _, kind, length = struct.unpack(">QIII", self.read(20))
            self.read(length)
            if kind == 1:
                return

    def read(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def send(self, kind, sector=0, data=b"", length=0, flags=0):
        self.socket.sendall(
            struct.pack(">IHHQQI", 0x25609513, flags, kind, 7, sector * SECTOR, length or len(data)) + data)

    def ask(self, *words, **more):
        self.send(*words, **more)
        _, error, handle = struct.unpack(">IIQ", self.read(16))
        return error, handle

    def write(self, sector, byte, count=1, flags=0):
        return self.ask(WRITE, sector, bytes([byte]) * SECTOR * count, flags=flags)


class LabDisk(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "disk")
        self.disk = VolatileDisk(self.path, SIZE)
        self.disk.power_on(self.path + ".socket")
        self.client = Client(self.path + ".socket")
        self.addCleanup(self.client.socket.close)

    def on_disk(self, count):
        with open(self.path, "rb") as file:
            return [file.read(SECTOR)[0] for _ in range(count)]

    def test_a_write_is_read_back_and_on_the_disk_only_after_its_flush(self):
        self.assertEqual(self.client.write(0, 1, count=4), (0, 7))
        self.client.send(READ, 0, length=4 * SECTOR)
        self.client.read(16)
        self.assertEqual(self.client.read(4 * SECTOR), b"\1" * 4 * SECTOR)
        self.assertEqual(self.on_disk(4), [0, 0, 0, 0])
        self.assertEqual(self.client.ask(FLUSH), (0, 7))
        self.assertEqual(self.on_disk(4), [1, 1, 1, 1])
        self.assertEqual(self.disk.flushes, 1)

    def test_a_cut_takes_some_of_what_was_not_flushed_and_nothing_else(self):
        self.client.write(0, 1, count=100)
        self.client.ask(FLUSH)
        self.client.write(100, 2, count=100)
        self.client.write(200, 3, flags=FORCED)
        waiting, lost = self.disk.cut(seed=1)
        self.assertEqual(waiting, 100)
        self.assertTrue(20 < lost < 80, lost)
        found = self.on_disk(201)
        self.assertEqual(found[:100], [1] * 100)
        self.assertEqual(found[100:200].count(0), lost)
        self.assertEqual(found[200], 3)

    def test_a_strike_waits_for_a_write_that_is_not_flushed_and_answers_nothing_after(self):
        struck = threading.Event()
        self.client.write(0, 1)
        self.client.ask(FLUSH)
        self.disk.strike(struck.set)
        self.client.write(1, 2, flags=FORCED)
        self.assertFalse(struck.is_set(), "a forced write waits for nothing")
        self.client.send(WRITE, 2, b"\3" * SECTOR)
        self.assertTrue(struck.wait(2))
        self.client.socket.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            self.client.read(16)
        self.client.send(FLUSH)
        with self.assertRaises(TimeoutError):
            self.client.read(16)
        self.assertEqual(self.disk.cut(seed=2)[0], 1, "the flush came too late")
        self.assertEqual(self.on_disk(2), [1, 2])

    def test_an_orderly_end_writes_everything(self):
        self.client.write(0, 9, count=3)
        self.disk.power_off()
        self.assertEqual(self.on_disk(3), [9, 9, 9])

    def test_the_disk_goes_on_after_a_cut_with_what_is_left(self):
        self.client.write(0, 1)
        self.client.ask(FLUSH)
        self.disk.cut(seed=3)
        self.client.socket.close()
        self.disk.power_on(self.path + ".again")
        again = Client(self.path + ".again")
        self.addCleanup(again.socket.close)
        again.send(READ, 0, length=SECTOR)
        again.read(16)
        self.assertEqual(again.read(SECTOR), b"\1" * SECTOR)


if __name__ == "__main__":
    unittest.main()
