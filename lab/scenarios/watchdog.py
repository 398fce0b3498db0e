"""The packaged unit in trouble: a part that hangs, little memory, few descriptors, a disk without room."""
import ctypes
import glob
import os
import shutil
import signal
import socket
import subprocess

from framework.cables import Cables
from framework.gateway import DEVICES
from framework.registry import scenario
from framework.systemd import UNIT, run, shows, systemctl
from framework.waiting import Failed, expect, expect_that, until
from scenarios.package import STORE, configure, doctor, drop_in, install, restarted, weigh


class Thread:
    """One thread of a process, stopped by itself: like a call that hangs in the kernel."""

    def __init__(self, process, name):
        self._library = ctypes.CDLL(None, use_errno=True)
        self._library.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        for path in glob.glob("/proc/%d/task/*/comm" % process):
            with open(path) as file:
                if file.read().strip() == name:
                    self.number = int(path.split("/")[4])
                    return
        raise Failed("hakarud has no thread %s" % name)

    def stop(self):
        for request in (0x4206, 0x4207):  # PTRACE_SEIZE, PTRACE_INTERRUPT
            if self._library.ptrace(request, self.number, None, None) != 0:
                raise Failed("ptrace: %s" % os.strerror(ctypes.get_errno()))

    def reap(self):
        """Takes note of its end: a process whose thread is traced stays until the tracer has seen the thread go."""
        try:
            os.waitpid(self.number, os.WNOHANG | 0x40000000)  # __WALL
        except ChildProcessError:
            pass


@scenario("systemd-watchdog", systemd=True, bluetoothd=False, plugged=False, package=True, seconds=700)
def watchdog(home):
    """The shipped unit restarts within 60 s a daemon that hangs, and one whose store or USB thread hangs."""
    install(home)
    home.room.do("dongle", "plug")
    home.gateway.wait_for_adapter("scanning")
    configure(home, DEVICES)
    expect("the watchdog's limit", shows("WatchdogUSec"), "10s")
    took = {}
    process = int(shows("MainPID"))
    os.kill(process, signal.SIGSTOP)
    took["process"] = restarted(home, process)
    home.gateway.wait_for_adapter("scanning")
    weigh(home, 68.2)
    for name, thread in (("store", "spool"), ("usb", "hakaru-usb")):
        process = int(shows("MainPID"))
        stopped = Thread(process, thread)
        stopped.stop()
        # Something has to want the part: an idle thread is not woken to see whether it lives.
        wants = subprocess.Popen(["hakaru", "records"] if name == "store" else
                                 ["udevadm", "trigger", "--action=add", "--subsystem-match=usb"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if name == "usb":
            cables = Cables(home.folder)
            cables.start()
            cables.plug("omron")
        took[name] = restarted(home, process, look=stopped.reap)
        wants.wait(60)
        home.gateway.wait_for_adapter("scanning")
        weigh(home, 69.0 + len(took))
    cables.stop()
    expect_that("every restart within 60 s: %s" % took, all(seconds <= 60 for seconds in took.values()))
    said = subprocess.run(["journalctl", "-u", UNIT, "--no-pager", "-o", "cat"], capture_output=True, text=True).stdout
    for name in ("store", "usb"):
        expect_that("the journal names the %s" % name, "part-hangs part=%s" % name in said)
    home.receiver.expect_exactly(3)
    return {name: "%.0f s" % seconds for name, seconds in took.items()}


@scenario("systemd-limits", systemd=True, bluetoothd=False, plugged=False, package=True, seconds=700)
def limits(home):
    """Little memory, few file descriptors, a disk without room: the gateway says so, loses nothing, goes on."""
    install(home)
    home.room.do("dongle", "plug")
    home.gateway.wait_for_adapter("scanning")
    configure(home, DEVICES)
    drop_in("MemoryMax=40M\nMemorySwapMax=0\n")
    home.gateway.wait_for_adapter("scanning")
    weigh(home, 61.1)
    memory = int(shows("MemoryPeak")) if shows("MemoryPeak").isdigit() else int(shows("MemoryCurrent"))
    drop_in("LimitNOFILE=40\n")
    home.gateway.wait_for_adapter("scanning")
    clients = crowd_of_clients(60)
    weigh(home, 62.2)
    for client in clients:
        client.close()
    until("the socket answers again", home.answers, 60)
    systemctl("stop", UNIT)
    said = full_disk(home)
    expect("restarts by systemd", shows("NRestarts"), "0")
    arrived = sorted(float(record["body_weight"]) for record in home.receiver.records("weighing_scale"))
    expect_that("what was measured with room arrived: %s" % arrived,
                {61.1, 62.2, 63.3, 65.5} <= {round(kg, 1) for kg in arrived})
    return {"memory": "%.1f of 40 MB" % (memory / 1e6), "storage": said["state"], "weighings": len(arrived)}


def full_disk(home):
    """A disk of its own for the store is filled and emptied again, between weighings; gives the state meanwhile."""
    # More than the reserve (a twentieth of the maximum), so that there is room at first.
    run("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", STORE)
    try:
        shutil.chown(STORE, "hakaru", "hakaru")
        os.chmod(STORE, 0o700)
        drop_in("")
        home.gateway.wait_for_adapter("scanning")
        expect("state of the store", home.gateway.status()["storage"]["state"], "ok")
        weigh(home, 63.3)
        filler = STORE + "/filler"
        subprocess.run(["dd", "if=/dev/zero", "of=" + filler, "bs=64k"], capture_output=True)
        home.room.do("mi-scale", "weigh", kg=64.4, impedance=512)
        home.room.wait("mi-scale", "measured")
        said = until("the state says that the disk is full",
                     lambda: home.gateway.status()["storage"]["state"] not in ("ok",) and
                     home.gateway.status()["storage"], 60)
        doctor("disk-short")
        os.unlink(filler)
        until("the store works again", lambda: home.gateway.status()["storage"]["state"] == "ok", 60)
        weigh(home, 65.5)
        return said
    finally:
        systemctl("stop", UNIT)
        run("umount", STORE)
        systemctl("start", UNIT)


def crowd_of_clients(count):
    """So many connections to the socket that say nothing."""
    clients = []
    for _ in range(count):
        client = socket.socket(socket.AF_UNIX)
        client.setblocking(False)
        try:
            client.connect("/run/hakaru/hakaru.sock")
        except OSError:
            pass
        clients.append(client)
    return clients
