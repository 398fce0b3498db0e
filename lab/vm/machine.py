"""Boots the virtual machine, runs one command in it and brings back its output and exit status.

The guest's root is an overlay: a tmpfs on top, then the kernel's modules, the unpacked guest packages
and this machine's "/" read-only over 9p. Whatever the command writes is lost, except in shared folders.
The guest has no network device.
"""
import ctypes
import dataclasses
import fcntl
import os
import re
import selectors
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from vm.cpio import Cpio
from vm.image import BOOT_MODULES, GUEST, add_init, add_modules

FAULT = re.compile(r"^.*(?:kernel BUG|BUG:|Oops|general protection|INFO: task).*$", re.M)
TIMED_OUT, DIED = 124, 125
_running, _stopping = set(), threading.Event()


@dataclasses.dataclass
class Machine:
    """What to boot and what to run in it."""

    cache: str
    kernel: str  # the folder that image.set_up returned
    command: list
    environment: dict = dataclasses.field(default_factory=dict)
    shares: list = dataclasses.field(default_factory=list)  # folders, live and writable in the guest
    modules: list = dataclasses.field(default_factory=list)
    folder: str = "/"  # where the command starts
    systemd: bool = False  # systemd as process 1, the command as a service of it
    line: bool = False  # the machine's own USB serial adapter; what is written to port lab.voice comes out of it
    memory: str = "2G"
    disk: object = None  # a VolatileDisk that keeps what is written, in the place of memory
    timeout: float = 300
    more: list = dataclasses.field(default_factory=list)  # further arguments for QEMU
    cut: threading.Event = dataclasses.field(default_factory=threading.Event)  # set: it is killed at once


@dataclasses.dataclass
class Outcome:
    """How it ended."""

    status: int  # the command's own; 124 after the time-out; 125 when the machine did not start or died
    why: str  # empty unless the machine itself is to blame
    boot_seconds: float
    faults: list  # lines of the guest kernel that tell of a fault
    console: str  # the end of the kernel's console


def acceleration():
    """`kvm` where this machine can run a stock guest with it, else `tcg` (emulation).

    Some hosts offer a /dev/kvm without hardware behind it; a stock kernel dies there.
    """
    try:
        with open("/proc/cpuinfo") as file:
            flags = re.search(r"^flags\s*:(.*)$", file.read(), re.M)
        if not flags or not {"svm", "vmx"} & set(flags.group(1).split()):
            return "tcg"
        device = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
        try:
            os.close(fcntl.ioctl(device, 0xAE01, 0))  # KVM_CREATE_VM
        finally:
            os.close(device)
        return "kvm"
    except OSError:
        return "tcg"


def stop_all():
    """Ends every machine that runs now, from a signal handler for example; none can start afterwards."""
    _stopping.set()
    for vm in list(_running):
        vm.kill()


def stopping():
    """Whether stop_all was called."""
    return _stopping.is_set()


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class PowerCut(Exception):
    """Raised by who reads the output: the machine ends at this moment, whatever it was doing."""


def run(machine, output):
    """Runs the machine to its end; `output(bytes)` gets what the command prints, as it comes."""
    work = tempfile.mkdtemp(prefix="hakaru-lab-")
    ends = {name: socket.socketpair() for name in ("output", "status")}
    console = os.path.join(work, "console")
    log = open(os.path.join(work, "qemu"), "w+")
    vm = None
    try:
        with open(os.path.join(work, "initrd"), "wb") as initrd:
            with open(os.path.join(machine.kernel, "initrd"), "rb") as base:
                initrd.write(base.read())
            initrd.write(_orders(machine))
        if machine.disk:
            machine.disk.power_on(os.path.join(work, "disk"))
        began = time.monotonic()
        vm = subprocess.Popen(
            _arguments(machine, work, {name: pair[1].fileno() for name, pair in ends.items()}),
            env=_environment(machine.cache), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            pass_fds=[pair[1].fileno() for pair in ends.values()], preexec_fn=_die_with_parent)
        _running.add(vm)
        if _stopping.is_set():
            vm.kill()
        for pair in ends.values():
            pair[1].close()
        status, why, boot = _follow(
            vm, ends["output"][0], ends["status"][0], began, machine.timeout, output, machine.cut)
        log.seek(0)
        complaint = log.read()[-2000:] if why else ""
        text = ""
        if os.path.exists(console):
            with open(console, errors="replace") as file:
                text = file.read()
        return Outcome(status, (why + "\n" + complaint).strip(), boot, FAULT.findall(text)[:5], text[-4000:])
    finally:
        if vm is not None:
            vm.kill()
            vm.wait()
            _running.discard(vm)
        log.close()
        for pair in ends.values():
            pair[0].close()
        shutil.rmtree(work, ignore_errors=True)


def _layers(machine):
    return [("kernel", os.path.join(machine.kernel, "layer")),
            ("guest", os.path.join(machine.cache, "guest")), ("host", "/")]


def _orders(machine):
    """A second archive behind the initramfs: the settings, the command and the guest's scripts."""
    settings = {
        "LAB_LAYERS": " ".join(name for name, _ in _layers(machine)),
        "LAB_SHARES": " ".join(machine.shares),
        "LAB_MODULES": " ".join(machine.modules),
        "LAB_FOLDER": machine.folder,
        "LAB_SYSTEMD": "1" if machine.systemd else "",
        "LAB_DISK": "/dev/vda" if machine.disk else "",
    }
    command = "".join("export %s=%s\n" % (k, shlex.quote(v)) for k, v in machine.environment.items())
    command += "exec " + shlex.join(machine.command) + "\n"
    archive = Cpio()
    archive.file("lab/settings", "".join(
        "%s=%s\n" % (name, shlex.quote(value)) for name, value in settings.items()).encode())
    archive.file("lab/command", command.encode())
    if machine.disk:
        # In the place of what the initramfs in the cache has.
        modules = os.path.join(machine.kernel, "layer/usr/lib/modules")
        add_init(archive)
        add_modules(archive, os.path.join(modules, os.listdir(modules)[0]),
                    [*BOOT_MODULES, "virtio_blk", "crc32c_generic", "ext4"])
    for name in ("stage2.sh", "runner.sh", "lab.service", "lab.target"):
        with open(os.path.join(GUEST, name), "rb") as file:
            archive.file("lab/" + name, file.read())
    return archive.bytes()


def _environment(cache):
    qemu = os.path.join(cache, "qemu/usr/lib/x86_64-linux-gnu")
    library_path = ":".join(filter(None, [qemu, os.environ.get("LD_LIBRARY_PATH")]))
    return {**os.environ, "LD_LIBRARY_PATH": library_path, "QEMU_MODULE_DIR": qemu + "/qemu"}


def _arguments(machine, work, ports):
    qemu = os.path.join(machine.cache, "qemu/usr")
    accelerator = acceleration()
    arguments = [
        os.path.join(qemu, "bin/qemu-system-x86_64"),
        "-L", os.path.join(qemu, "share/qemu"), "-L", os.path.join(qemu, "share/seabios"),
        # q35 rather than microvm: the latter hangs in every fourth emulated boot.
        "-M", "q35", "-accel", accelerator + (",thread=multi,tb-size=512" if accelerator == "tcg" else ""),
        "-cpu", "host" if accelerator == "kvm" else "Nehalem",
        "-smp", str(min(2, os.cpu_count() or 1)), "-m", machine.memory,
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-kernel", os.path.join(machine.kernel, "vmlinux"), "-initrd", os.path.join(work, "initrd"),
        "-append", "console=ttyS0 panic=-1 mitigations=off tsc=unstable quiet loglevel=5",
        "-chardev", "file,id=console,path=" + os.path.join(work, "console"), "-serial", "chardev:console",
        "-device", "virtio-rng-pci", "-device", "virtio-serial-pci"]
    if machine.disk:
        arguments += ["-blockdev", "driver=nbd,node-name=disk,server.type=unix,server.path="
                      + os.path.join(work, "disk"), "-device", "virtio-blk-pci,drive=disk,write-cache=on"]
    for name, descriptor in ports.items():
        arguments += ["-chardev", "socket,id=%s,fd=%d" % (name, descriptor),
                      "-device", "virtserialport,chardev=%s,name=lab.%s" % (name, name)]
    if machine.line:
        # Two ends of one socket: the adapter's, and one that the guest writes to as the device behind it.
        path = os.path.join(work, "line")
        arguments += ["-chardev", "socket,id=line,path=%s,server=on,wait=off" % path,
                      "-device", "qemu-xhci,id=xhci", "-device", "usb-serial,chardev=line,bus=xhci.0",
                      "-chardev", "socket,id=voice,path=%s,reconnect=1" % path,
                      "-device", "virtserialport,chardev=voice,name=lab.voice"]
    folders = [(name, path, ",readonly=on") for name, path in _layers(machine)]
    folders += [("share%d" % i, path, "") for i, path in enumerate(machine.shares)]
    for name, path, mode in folders:
        arguments += ["-fsdev", "local,id=fs_%s,path=%s,security_model=none,multidevs=remap%s"
                      % (name, path, mode),
                      "-device", "virtio-9p-pci,fsdev=fs_%s,mount_tag=%s" % (name, name)]
    return arguments + machine.more


def _follow(vm, out, report, began, timeout, output, cut):
    """Passes the output on until the guest reports the end; gives status, blame and boot time."""
    selector = selectors.DefaultSelector()
    selector.register(out, selectors.EVENT_READ)
    selector.register(report, selectors.EVENT_READ)
    reported, booted = b"", 0.0
    while selector.get_map():
        left = began + timeout - time.monotonic()
        if left <= 0:
            vm.kill()
            return TIMED_OUT, "the virtual machine was stopped after %g s" % timeout, booted
        if cut.is_set():
            vm.kill()
            vm.wait()
            _drain(out, output)
            return DIED, "the power was cut", booted
        for key, _ in selector.select(min(left, 0.02)):
            try:
                data = key.fileobj.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                selector.unregister(key.fileobj)
            elif key.fileobj is out:
                output(data)
            else:
                reported += data
                booted = booted or time.monotonic() - began
        ended = re.search(rb"done (\d+)\n", reported)
        if ended:
            _drain(out, output)
            return int(ended.group(1)), "", booted
    return DIED, "the virtual machine ended early", booted


def _drain(out, output):
    out.settimeout(0.05)
    try:
        while data := out.recv(65536):
            output(data)
    except OSError:
        pass
