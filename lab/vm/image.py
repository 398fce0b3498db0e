"""Fetches and unpacks what the virtual machine is made of, once, into the cache folder.

Nothing is installed: QEMU, a stock Debian kernel and the programs that the guest has and this machine
lacks are downloaded with apt-get and unpacked. Everything is built beside its final name and renamed,
so an interrupted set-up is simply done again.
"""
import fcntl
import lzma
import os
import re
import shutil
import subprocess
import time

from vm.cpio import Cpio

GUEST = os.path.join(os.path.dirname(os.path.realpath(__file__)), "guest")
# Debian's 6.1.192-2 kills bluetoothd when a device refuses the stored key ("kernel BUG at
# lib/list_debug.c" in hci_chan_del); the 6.12 series does not.
KERNEL = "linux-image-6.12-amd64"
QEMU_PACKAGES = ["qemu-system-x86"]
GUEST_PACKAGES = [
    "bluez", "busybox-static", "dbus", "kmod", "libusb-1.0-0", "polkitd", "systemd", "udev", "usb.ids",
    "usbutils"]
# Loaded by the initramfs; dependencies are resolved with modules.dep.
BOOT_MODULES = ["virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_console"]


class CannotSetUp(Exception):
    """Something that the virtual machine needs could not be had; the text says what to do."""


def set_up(cache, kernel, say):
    """Makes whatever is missing in the cache and returns the folder of the wanted kernel."""
    os.makedirs(cache, exist_ok=True)
    folder = os.path.join(cache, "kernels", kernel)
    with open(os.path.join(cache, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        parts = {
            os.path.join(cache, "qemu"): lambda new: _unpack_missing(QEMU_PACKAGES, new),
            os.path.join(cache, "guest"): lambda new: _unpack_missing(GUEST_PACKAGES, new),
            folder: lambda new: _build_kernel(cache, kernel, new),
        }
        missing = [path for path in parts if not os.path.isdir(path)]
        if missing:
            began = time.monotonic()
            say("fetching QEMU, a Debian kernel and the guest's packages into %s" % cache)
            if not _apt_knows(QEMU_PACKAGES[0]):
                _run(["apt-get", "update", "-qq"])
            for path in missing:
                shutil.rmtree(path + ".new", ignore_errors=True)
                os.makedirs(path + ".new")
                parts[path](path + ".new")
                os.rename(path + ".new", path)
            say("the virtual machine is ready (%.0f s)" % (time.monotonic() - began))
    return folder


def _run(command, **options):
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True,
                              env={**os.environ, "LC_ALL": "C"}, **options).stdout
    except FileNotFoundError:
        raise CannotSetUp("%s is not on this machine: the lab needs Debian or a relative of it" % command[0])
    except subprocess.CalledProcessError as error:
        raise CannotSetUp("`%s` failed:\n%s" % (" ".join(command[:6]), error.stderr.strip()[-2000:]))


def _apt_knows(package):
    return "Version:" in subprocess.run(
        ["apt-cache", "show", package], capture_output=True, text=True).stdout


def _unpack_missing(packages, folder):
    """Unpacks those of the packages, and of all that they depend on, which this machine lacks."""
    plan = _run(["apt-get", "install", "-s", "--no-install-recommends", *packages])
    _unpack(re.findall(r"^Inst (\S+) \(", plan, re.M), folder)  # upgrades read "Inst x [old] (new"


def _unpack(packages, folder):
    debs = folder + ".debs"
    shutil.rmtree(debs, ignore_errors=True)
    os.makedirs(debs)
    if packages:
        _run(["apt-get", "download", "-qq", *packages], cwd=debs)
    with open(os.path.join(folder, "packages"), "w") as names:
        for deb in sorted(os.listdir(debs)):
            names.write(" ".join(deb[:-4].split("_")[:2]) + "\n")
            _run(["dpkg", "-x", os.path.join(debs, deb), folder])
    shutil.rmtree(debs)
    _merge_usr(folder)


def _merge_usr(folder):
    """Moves /bin, /lib and so on below /usr, so that the tree can be laid over a merged root."""
    for name in ("bin", "sbin", "lib", "lib64"):
        source, target = os.path.join(folder, name), os.path.join(folder, "usr", name)
        if os.path.isdir(source) and not os.path.islink(source):
            os.makedirs(target, exist_ok=True)
            _run(["cp", "-a", source + "/.", target])
            shutil.rmtree(source)


def _build_kernel(cache, kernel, folder):
    depends = _run(["apt-cache", "depends", kernel])
    package = re.search(r"Depends: (linux-image-\S+)", depends)
    layer = os.path.join(folder, "layer")
    os.makedirs(layer)
    _unpack([package.group(1) if package else kernel], layer)
    modules = os.path.join(layer, "usr/lib/modules")
    release = os.listdir(modules)[0]
    _run(["depmod", "-b", os.path.join(layer, "usr"), release], executable=_tool(cache, "kmod"))
    _unpack_kernel(os.path.join(layer, "boot/vmlinuz-" + release), os.path.join(folder, "vmlinux"))
    shutil.rmtree(os.path.join(layer, "boot"))
    with open(os.path.join(folder, "initrd"), "wb") as initrd:
        initrd.write(_initrd(cache, os.path.join(modules, release)))


def _tool(cache, name):
    for path in (os.path.join(cache, "guest/usr/bin", name), "/usr/bin/" + name, "/bin/" + name):
        if os.path.exists(path):
            return path
    raise CannotSetUp("%s is neither among the guest's packages nor on this machine" % name)


def _unpack_kernel(vmlinuz, target):
    """Unpacks the xz-compressed kernel, which saves three seconds of each emulated boot."""
    with open(vmlinuz, "rb") as file:
        packed = file.read()
    for start in re.finditer(b"\xfd7zXZ\x00", packed):
        try:
            kernel = lzma.LZMADecompressor().decompress(packed[start.start():])
        except lzma.LZMAError:
            continue
        if kernel[:4] == b"\x7fELF":
            with open(target, "wb") as file:
                file.write(kernel)
            return
    shutil.copy(vmlinuz, target)  # packed another way: the guest unpacks it by itself


def modules_in_order(modules, names):
    """The paths of kernel modules below a folder, each after those that it needs."""
    needs = {}
    with open(os.path.join(modules, "modules.dep")) as lines:
        for line in lines:
            path, before = line.split(":", 1)
            needs[re.sub(r"\.ko.*$", "", os.path.basename(path)).replace("-", "_")] = (path, before.split())
    order = []
    for name in names:
        path, before = needs.get(name, (None, []))  # absent: built into the kernel
        for item in [*reversed(before), path]:
            if item and item not in order:
                order.append(item)
    return order


def add_modules(archive, modules, names):
    """Puts modules and the order to load them in into an initramfs."""
    order = modules_in_order(modules, names)
    archive.file("modules/order", "".join(os.path.basename(path) + "\n" for path in order).encode())
    for path in order:
        with open(os.path.join(modules, path), "rb") as file:
            archive.file("modules/" + os.path.basename(path), file.read())


def add_init(archive):
    """Puts the first program into an initramfs."""
    with open(os.path.join(GUEST, "init.sh"), "rb") as file:
        archive.file("init", file.read(), 0o755)


def _initrd(cache, modules):
    archive = Cpio()
    with open(_tool(cache, "busybox"), "rb") as file:
        archive.file("bin/busybox", file.read(), 0o755)
    add_init(archive)
    archive.character_device("dev/console", 5, 1)
    add_modules(archive, modules, BOOT_MODULES)
    return archive.bytes()
