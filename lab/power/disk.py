"""The data disk of a machine whose power is cut: one that keeps all it took, or one with a volatile cache."""
import os
import subprocess

from vm.disk import VolatileDisk

SIZE = 192 << 20


class Disk:
    """One disk over several cuts.

    Without a cache every write that the guest sees done is on the file (cache=none), and only what is in the guest's
    own memory goes with it. With one, see vm/disk.py: half of what was not flushed is lost, too.
    """

    def __init__(self, folder, volatile):
        self.path = os.path.join(folder, "volatile.raw" if volatile else "direct.raw")
        self._socket = self.path + ".socket"
        with open(self.path, "wb") as file:
            file.truncate(SIZE)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-J", "size=4", self.path], check=True)
        self._cache = VolatileDisk(self.path, SIZE) if volatile else None
        self.waiting = self.lost = self.hits = 0

    def arguments(self):
        """QEMU's arguments for the next boot."""
        if not self._cache:
            return ["-drive", "file=%s,format=raw,if=none,id=lab,cache=none" % self.path,
                    "-device", "virtio-blk-pci,drive=lab"]
        self._cache.power_on(self._socket)
        return ["-blockdev", "driver=nbd,node-name=lab,server.type=unix,server.path=" + self._socket,
                "-device", "virtio-blk-pci,drive=lab,write-cache=on"]

    def strike(self, struck):
        """The power fails now or, with a cache, in the middle of the next writes; `struck` is called then."""
        if self._cache:
            self._cache.strike(struck)
        else:
            struck()

    def cut(self, seed):
        """What the power took with it."""
        if self._cache:
            waiting, lost = self._cache.cut(seed)
            self.waiting += waiting
            self.lost += lost
            self.hits += waiting > 0
