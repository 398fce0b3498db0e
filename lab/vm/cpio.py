"""Writes initramfs archives (the `newc` form of cpio)."""
import os
import stat


class Cpio:
    """Collects files in memory; parents are made by themselves."""

    def __init__(self):
        self._parts, self._inode, self._folders = [], 0, set()

    def file(self, name, data, mode=0o644):
        """Adds a regular file."""
        self._add(name, stat.S_IFREG | mode, data)

    def character_device(self, name, major, minor):
        """Adds a device node readable by root."""
        self._add(name, stat.S_IFCHR | 0o600, device=(major, minor))

    def _add(self, name, mode, data=b"", device=(0, 0)):
        parent = os.path.dirname(name)
        if parent and parent not in self._folders:
            self._folders.add(parent)
            self._add(parent, stat.S_IFDIR | 0o755)
        self._inode += 1
        raw = name.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(raw), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields)
        self._parts += [head, raw, b"\0" * (-(len(head) + len(raw)) % 4), data, b"\0" * (-len(data) % 4)]

    def bytes(self):
        """The finished archive. The kernel accepts several of them one behind the other."""
        self._add("TRAILER!!!", 0)
        archive = b"".join(self._parts)
        return archive + b"\0" * (-len(archive) % 512)
