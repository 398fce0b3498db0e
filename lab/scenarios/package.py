"""The Debian package as a shop installs it: systemd as process 1, bluetoothd, a meter on a cable, its sandbox."""
import ctypes
import datetime
import glob
import grp
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time

from framework.cables import Cables
from framework.gateway import CABLES, DEVICES, configuration
from framework.registry import scenario
from framework.waiting import Failed, expect, expect_that, until
from scenarios.service import UNIT, journal, run, shows, systemctl

TOKEN, STORE = "/etc/hakaru/token", "/var/lib/hakaru"
DROP_IN = "/etc/systemd/system/%s.d/lab.conf" % UNIT
# What a sandbox that is too tight makes a program say.
DENIED = re.compile(r"permission|denied|not permitted|EACCES|EPERM|usb-no-permission", re.I)


def install(home):
    """Installs the package as `dpkg -i` does it; the service starts with it."""
    # This machine's root may be that of a container, where packages start no service.
    if os.path.exists("/usr/sbin/policy-rc.d"):
        os.unlink("/usr/sbin/policy-rc.d")
    # The index of all manuals is no part of this, and takes an emulated machine minutes.
    if os.path.exists("/usr/bin/mandb"):
        os.unlink("/usr/bin/mandb")
        os.symlink("/bin/true", "/usr/bin/mandb")
    if os.path.exists("/usr/bin/hakarud"):  # an earlier scenario's
        run("dpkg", "--purge", "hakaru", seconds=240)
        if os.path.exists(DROP_IN):
            os.unlink(DROP_IN)
        systemctl("daemon-reload")
    said = run("dpkg", "--force-confold", "--force-unsafe-io", "-i", home.package, seconds=240)
    expect("enabled", systemctl("is-enabled", UNIT), "enabled")
    until("the service runs", lambda: shows("ActiveState") == "active", 60)
    home.gateway.runtime = "/run/hakaru"
    until("the daemon answers", home.answers, 60)
    return said


def configure(home, devices):
    """The shop's configuration, with its files in /etc/hakaru; the running daemon takes it over."""
    for name, source in (("token", os.path.join(home.folder, "token")), ("ca.pem", home.receiver.authority)):
        shutil.copy(source, "/etc/hakaru/" + name)
    shutil.chown(TOKEN, "hakaru", "root")
    os.chmod(TOKEN, 0o400)
    os.chmod("/etc/hakaru/ca.pem", 0o644)
    text = configuration(home.receiver.url, "/etc/hakaru/ca.pem", "/etc/hakaru/token", devices)
    text = text.replace("usb: { enabled: false }", "usb: { enabled: true }")
    with open("/etc/hakaru/hakaru.yaml", "w") as file:
        file.write(text)
    until("the file is in force without a restart",
          lambda: home.gateway.status()["destinations"] and
          home.gateway.status()["configuration"]["state"] == "current", 30)


def drop_in(text):
    """Gives the unit other settings and restarts it."""
    os.makedirs(os.path.dirname(DROP_IN), exist_ok=True)
    with open(DROP_IN, "w") as file:
        file.write("[Service]\n" + text + "\n")
    systemctl("daemon-reload")
    systemctl("restart", UNIT)


def restarted(home, before, seconds=90, look=lambda: None):
    """Waits for another process in the place of the one before, with a `look` at each try; gives how long that took."""
    began = time.monotonic()

    def is_another():
        look()
        return shows("MainPID") not in ("0", str(before))

    until("the service is another process", is_another, seconds)
    until("the service is active again", lambda: shows("ActiveState") == "active", 60)
    until("the daemon answers", home.answers, 60)
    return time.monotonic() - began


def doctor(*faults):
    """What `hakaru doctor` says; the codes of its problems must be these."""
    done = subprocess.run(["hakaru", "doctor", "--json"], capture_output=True, text=True, timeout=120)
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    problems = sorted(f["code"] for f in findings if f["state"] == "problem")
    expect("problems that the doctor finds", problems, sorted(faults))
    expect("exit code of the doctor", done.returncode, 1 if faults else 0)
    lacking = [f for f in findings if f["state"] == "problem" and not f.get("remedy")]
    expect("problems without a remedy", lacking, [])
    return findings


def cuff_on_a_cable(home, cables, count, start=0):
    """Somebody measures with the cuff on the cable and plugs it in; waits for its records at the receiver."""
    before = len(home.receiver.records("blood_pressure"))
    moment = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=9))) - datetime.timedelta(hours=1)
    for number in range(start, start + count):
        when = moment + datetime.timedelta(minutes=number)
        cables.do("omron", "measure", when=[*when.timetuple()[:6]], systolic=110 + number, diastolic=70, pulse=60)
    cables.plug("omron")
    home.receiver.wait_for(before + count, "blood_pressure")
    cables.do("omron", "unplug")


def cuff_on_the_air(home, systolic):
    """Somebody measures with the cuff on the air."""
    before = len(home.receiver.records("blood_pressure"))
    home.room.do("cuff", "measure", systolic=systolic, diastolic=70, pulse=60)
    home.room.do("cuff", "advertise", seconds=60)
    home.receiver.wait_for(before + 1, "blood_pressure", seconds=90)


def weigh(home, kg):
    """Somebody steps on the scale that advertises."""
    before = len(home.receiver.records("weighing_scale"))
    home.room.do("mi-scale", "weigh", kg=kg, impedance=512)
    home.receiver.wait_for(before + 1, "weighing_scale")


def no_complaints(since=""):
    """Nothing in the journal says that something was not permitted."""
    text = subprocess.run(["journalctl", "-u", UNIT, "--no-pager", "-o", "cat"], capture_output=True, text=True).stdout
    # The recovery ladder names the steps that are not permitted here; they are passed over by design.
    lines = text.splitlines()
    # The kernel tells of a device before udevd has given its node away; the session that follows shows that it was.
    sessions = [place for place, line in enumerate(lines) if "session-started" in line and "link=usb" in line]
    found = [line for place, line in enumerate(lines) if DENIED.search(line) and "adapter-recovery" not in line and
             not ("usb-no-permission" in line and sessions and place < sessions[-1])]
    expect("complaints in the journal", found, [])
    return len(text.splitlines())


@scenario("systemd-package", systemd=True, bluetoothd=False, plugged=False, package=True, seconds=700)
def package(home):
    """The package is installed with dpkg; a cuff on a cable, a cuff and a scale on the air deliver in its sandbox.

    The configuration takes effect without a restart, the doctor finds each fault that is made, nobody but the
    group reads the socket, and the journal has no word of a refused permission.
    """
    install(home)
    expect("complaints about the unit", run("systemd-analyze", "verify", "--man=no", UNIT), "")
    process = int(shows("MainPID"))
    expect("user", pwd.getpwuid(os.stat("/proc/%d" % process).st_uid).pw_name, "hakaru")
    home.room.do("dongle", "plug")
    until("bluetoothd runs", lambda: systemctl("is-active", "bluetooth.service") == "active", 60)
    home.gateway.wait_for_adapter("scanning")
    configure(home, DEVICES + CABLES)
    expect("the process after the change", int(shows("MainPID")), process)
    until("the clock is seen as synchronised", lambda: home.gateway.status()["clock"]["synchronised"], 30)
    told = subprocess.run(["journalctl", "-u", UNIT, "--no-pager", "-o", "cat"], capture_output=True, text=True).stdout
    expect_that("systemd answers the gateway", "time-service-silent" not in told)
    cables = Cables(home.folder)
    cables.start()
    try:
        weigh(home, 68.2)
        cuff_on_the_air(home, 131)
        cuff_on_a_cable(home, cables, 4)
        names = devices_of_udev(cables)
    finally:
        cables.stop()
    expect("records at the receiver", len(home.receiver.records()), 6)
    lines = no_complaints()
    members(home)
    faults(home)
    expect("restarts", shows("NRestarts"), "0")
    memory = int(shows("MemoryCurrent")) / 1e6
    with_cables = exposure()
    expect_that("the exposure is at most 1.5, not %.1f" % with_cables, with_cables <= 1.5)
    drop_in(open("/usr/share/hakaru/systemd/hakarud-no-cables.conf").read())
    home.gateway.wait_for_adapter("scanning")
    weigh(home, 69.3)
    without = exposure()
    expect_that("without cables it is smaller: %.1f" % without, without < with_cables)
    return {"records": 7, "rules": names, "exposure": with_cables, "without cables": without, "journal_lines": lines,
            "memory": "%.1f MB" % memory}


RULES = "/usr/lib/udev/rules.d/"
# A complaint about a line begins with its file; what a rule did begins with the device.
COMPLAINT = re.compile(r"(?m)^(/\S+/rules\.d/\S*hakaru\S*:\d+.*)$")


def devices_of_udev(cables):
    """The shipped rules are without mistake, give nodes to the group alone, and name a line by its socket."""
    told = subprocess.run(["udevadm", "test", "/devices/virtual/mem/null"], capture_output=True, text=True)
    said = told.stdout + told.stderr
    expect("complaints about the rules", COMPLAINT.findall(said), [])
    rules = [name for name in os.listdir(RULES) if "hakaru" in name]
    for name in rules:
        expect_that("udevd reads %s" % name, RULES + name in said)
    # The same look finds a mistake where there is one.
    os.makedirs("/run/udev/rules.d", exist_ok=True)
    with open("/run/udev/rules.d/61-hakaru-lab.rules", "w") as file:
        file.write('SUBSYSTEM=="tty", GRUOP="hakaru"\n')
    told = subprocess.run(["udevadm", "test", "/devices/virtual/mem/null"], capture_output=True, text=True)
    expect_that("a mistake is seen", COMPLAINT.findall(told.stdout + told.stderr) != [])
    os.unlink("/run/udev/rules.d/61-hakaru-lab.rules")
    link = "/dev/hakaru/"
    for _ in range(2):
        path = cables.plug("adapter")
        until("the line has its socket's name", lambda: os.path.exists(link + path), 30)
        facts = os.stat(link + path)
        expect("mode and group of the line", (facts.st_mode & 0o777, facts.st_gid),
               (0o660, grp.getgrnam("hakaru").gr_gid))
        line = os.path.realpath(link + path)
        told = run("udevadm", "test", run("udevadm", "info", "--query=path", line))
        expect_that("the rules name the link: %s" % told[-1500:], "hakaru/" + path in told)
        told = run("udevadm", "info", "--query=property", line)
        expect_that("no modem is looked for behind it", "ID_MM_PORT_IGNORE=1" in told)
        cables.do("adapter", "unplug")
        until("the name goes with the line", lambda: not os.path.lexists(link + path), 30)
    return len(rules)


def exposure():
    """The figure of `systemd-analyze security`: the smaller the better."""
    last = run("systemd-analyze", "security", "--no-pager", UNIT, seconds=120).splitlines()[-1]
    return float(re.search(r"(\d+\.\d+)", last).group(1))


def members(home):
    """The socket answers to root and to the group, to nobody else."""
    run("useradd", "--no-create-home", "--shell", "/bin/sh", "staff-member")
    words = ["setpriv", "--reuid", "staff-member", "--regid", "staff-member", "--init-groups",
             "hakaru", "status", "--json"]
    refused = subprocess.run(words, capture_output=True, text=True)
    expect("exit code for a stranger", refused.returncode, 1)
    expect_that("the stranger is told why: %s" % refused.stderr, "not-permitted" in refused.stderr)
    run("usermod", "-aG", "hakaru", "staff-member")
    allowed = subprocess.run(words, capture_output=True, text=True)
    expect("exit code for a member of the group", (allowed.returncode, allowed.stderr), (0, ""))
    taken = subprocess.run([*words[:words.index("hakaru")], "cat", TOKEN], capture_output=True, text=True)
    expect("what a member of the group sees of the token", (taken.returncode, taken.stdout), (1, ""))


def faults(home):
    """Each fault is made, found by the doctor under its name, and undone."""
    expect("warnings of the doctor", [f["code"] for f in doctor() if f["state"] == "warning"], [])
    shutil.chown(TOKEN, "root")
    doctor("not-readable")
    # As an older installation had it: whoever may see the state could send as the gateway.
    os.chmod(TOKEN, 0o640)
    shutil.chown(TOKEN, "root", "hakaru")
    expect("warnings of the doctor", [f["code"] for f in doctor() if f["state"] == "warning"], ["readable-by-group"])
    run("systemd-tmpfiles", "--create", "hakaru.conf")
    expect("warnings of the doctor", [f["code"] for f in doctor() if f["state"] == "warning"], [])
    switch = next(path for path in glob.glob("/sys/class/rfkill/*")
                  if open(path + "/name").read().startswith("hci"))
    with open(switch + "/soft", "w") as file:
        file.write("1")
    doctor("adapter-blocked")
    with open(switch + "/soft", "w") as file:
        file.write("0")
    home.room.do("dongle", "unplug")
    until("the adapter is gone", lambda: not glob.glob("/sys/class/bluetooth/hci*"))
    doctor("adapter-absent")
    home.room.do("dongle", "plug")
    until("the adapter is back", lambda: glob.glob("/sys/class/bluetooth/hci*"))
    systemctl("mask", "--runtime", "--now", "bluetooth.service")
    doctor("no-bluetoothd")
    systemctl("unmask", "--runtime", "bluetooth.service")
    systemctl("start", "bluetooth.service")
    home.receiver.set_certificate("expired")
    home.receiver.stop()
    home.receiver.start()
    doctor("tls")
    home.receiver.stop()
    doctor("connection")
    home.receiver.set_certificate("server")
    home.receiver.start()
    text = open("/etc/hakaru/hakaru.yaml").read()
    with open("/etc/hakaru/hakaru.yaml", "w") as file:
        file.write(text.replace("consortium-id", "consortium"))
    until("the daemon refuses it", lambda: home.gateway.status()["configuration"]["state"] == "refused")
    done = subprocess.run(["hakaru", "doctor", "--json"], capture_output=True, text=True)
    codes = {json.loads(line)["code"] for line in done.stdout.splitlines()}
    expect_that("the doctor names both: %s" % codes, {"configuration", "configuration-refused"} <= codes)
    with open("/etc/hakaru/hakaru.yaml", "w") as file:
        file.write(text)
    until("the daemon takes it", lambda: home.gateway.status()["configuration"]["state"] == "current")
    japanese = subprocess.run(["hakaru", "doctor"], capture_output=True, text=True,
                              env={**os.environ, "LC_ALL": "ja_JP.UTF-8"}).stdout
    expect_that("the doctor speaks Japanese: " + japanese, "同期しています" in japanese)
    systemctl("stop", UNIT)
    doctor("no-daemon")
    systemctl("start", UNIT)
    until("the daemon answers", home.answers, 60)


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


KEPT = "/var/lib/hakaru-lab.json"  # on the machine's disk


def keys():
    """The keys of all stored records, as the command tells them."""
    told = run("hakaru", "records", "--limit", "10000", "--json")
    return sorted(json.loads(line)["key"] for line in told.splitlines())


@scenario("power-package", systemd=True, bluetoothd=False, plugged=False, package=True, boots=3, seconds=700)
def power(home):
    """The power fails while a cuff on a cable is read, then the machine is shut down: back by itself, complete.

    Boot 1: the package is installed and nobody receives; the power fails in the middle of a session, and the disk
    loses half of what was not flushed. Boot 2: the service comes with the machine, every record that was shown
    before the cut is there, the rest is read, all of it arrives once. Boot 3, after an orderly end: the same.
    """
    return {1: first_boot, 2: second_boot, 3: third_boot}[home.boot](home)


def first_boot(home):
    install(home)
    home.receiver.stop()
    configure(home, CABLES)
    cables = Cables(home.folder)
    cables.start()
    moment = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=9))) - datetime.timedelta(hours=3)
    plan = [[*(moment + datetime.timedelta(minutes=n)).timetuple()[:6]] for n in range(40)]
    for number, when in enumerate(plan):
        cables.do("omron", "measure", when=when, systolic=100 + number, diastolic=70, pulse=60)
    run("sync")
    with open(KEPT, "w") as file:
        json.dump({"plan": plan, "keys": []}, file)
        os.fsync(file.fileno())
    cables.plug("omron")
    seen = until("some records are stored, not all of them yet", lambda: len(keys()) >= 3 and keys(), 60, every=0.05)
    with open(KEPT, "r+") as file:
        json.dump({"plan": plan, "keys": seen}, file)
        os.fsync(file.fileno())
    print("CUT", flush=True)
    time.sleep(60)
    raise Failed("the power was not cut")


def comes_by_itself(home):
    """Goes on with the start as a machine does, and waits for the service."""
    home.gateway.runtime = "/run/hakaru"
    subprocess.run(["systemctl", "--no-block", "start", "multi-user.target"], check=True)
    until("the service runs without being told to", lambda: shows("ActiveState") == "active", 90)
    until("the daemon answers", home.answers, 60)


def second_boot(home):
    with open(KEPT) as file:
        kept = json.load(file)
    # What the receiver of this boot shows is new; the configuration names the old certificates' place.
    for name, source in (("ca.pem", home.receiver.authority),):
        shutil.copy(source, "/etc/hakaru/" + name)
    comes_by_itself(home)
    there = keys()
    expect("records that were shown before the cut and are gone", sorted(set(kept["keys"]) - set(there)), [])
    cables = Cables(home.folder)
    cables.start()
    for number, when in enumerate(kept["plan"]):
        cables.do("omron", "measure", when=when, systolic=100 + number, diastolic=70, pulse=60)
    cables.plug("omron")
    until("all 40 are stored", lambda: len(keys()) >= 40, 120)
    home.receiver.wait_for(40, "blood_pressure", seconds=90)
    until("nothing waits", lambda: home.gateway.status()["records"]["waiting"] == 0, 30)
    values = sorted(int(record["systolic"]) for record in home.receiver.records("blood_pressure"))
    expect("values at the receiver", values, list(range(100, 140)))
    home.receiver.expect_exactly(40)
    cables.stop()
    kept["there"] = len(there)
    with open(KEPT, "w") as file:
        json.dump(kept, file)
        os.fsync(file.fileno())
    systemctl("stop", UNIT)
    run("sync")


def third_boot(home):
    with open(KEPT) as file:
        kept = json.load(file)
    shutil.copy(home.receiver.authority, "/etc/hakaru/ca.pem")
    comes_by_itself(home)
    expect("records after an orderly end", len(keys()), 40)
    expect("records that wait", home.gateway.status()["records"]["waiting"], 0)
    expect("records that were sent once more", len(home.receiver.records()), 0)
    said = subprocess.run(["journalctl", "-b", "-u", UNIT, "--no-pager", "-o", "cat"], capture_output=True, text=True)
    expect_that("the store was closed in order before", "store-unclean-end" not in said.stdout)
    return {"shown before the cut": len(kept["keys"]), "there after it": kept["there"], "in the end": 40}
