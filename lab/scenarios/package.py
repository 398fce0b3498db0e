"""The Debian package as a shop installs it: systemd as process 1, bluetoothd, a meter on a cable, its sandbox."""
import datetime
import glob
import grp
import json
import os
import pwd
import re
import shutil
import subprocess
import time

from framework.cables import Cables
from framework.gateway import CABLES, DEVICES, configuration
from framework.registry import scenario
from framework.systemd import UNIT, complaints, exposure, install_package, run, shows, systemctl
from framework.waiting import expect, expect_that, until

TOKEN, STORE = "/etc/hakaru/token", "/var/lib/hakaru"
DROP_IN = "/etc/systemd/system/%s.d/lab.conf" % UNIT


def install(home):
    """Installs the package as `dpkg -i` does it; the service starts with it."""
    said = install_package(home.package)
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


def no_complaints():
    """Nothing in the journal says that something was not permitted."""
    text = subprocess.run(["journalctl", "-u", UNIT, "--no-pager", "-o", "cat"], capture_output=True, text=True).stdout
    expect("complaints in the journal", complaints(text.splitlines()), [])
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
