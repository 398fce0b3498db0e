"""systemd as process 1: commands, what a unit says of itself, its journal, and the Debian package."""
import json
import os
import re
import subprocess

from framework.waiting import Failed, expect

UNIT = "hakarud.service"
# What a sandbox that is too tight makes a program say.
DENIED = re.compile(r"permission|denied|not permitted|EACCES|EPERM|usb-no-permission", re.I)


def run(*words, seconds=60):
    """Runs a program of the machine; returns what it printed, complaints included."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds)
    if done.returncode:
        raise Failed("%s: status %d, %s\n%s" % (" ".join(words), done.returncode, done.stdout.strip(), journal()))
    return done.stdout.strip()


def journal():
    """The end of what the service wrote."""
    return subprocess.run(["journalctl", "-u", UNIT, "--no-pager", "-o", "cat", "-n", "20"],
                          capture_output=True, text=True).stdout


def written(unit, since):
    """What a unit wrote since a moment of the monotonic clock, as bytes: the other clock may have been set."""
    said = subprocess.run(["journalctl", "-b", "-u", unit, "--no-pager", "-o", "json", "--output-fields=MESSAGE"],
                          capture_output=True).stdout
    lines = []
    for line in said.splitlines():
        entry = json.loads(line)
        message = entry.get("MESSAGE") or ""
        # What has bytes that are no text comes as a list of numbers.
        text = bytes(message) if isinstance(message, list) else message.encode(errors="surrogateescape")
        lines.append((int(entry["__MONOTONIC_TIMESTAMP"]), text))
    return b"".join(text + b"\n" for moment, text in sorted(lines, key=lambda one: one[0]) if moment >= since * 1e6)


def systemctl(*words, seconds=60):
    """Runs systemctl; returns what it printed."""
    return run("systemctl", *words, seconds=seconds)


def shows(name, unit=UNIT):
    """A property of the unit."""
    return systemctl("show", "-p", name, "--value", unit)


def exposure():
    """The figure of `systemd-analyze security`: the smaller the better."""
    last = run("systemd-analyze", "security", "--no-pager", UNIT, seconds=120).splitlines()[-1]
    return float(re.search(r"(\d+\.\d+)", last).group(1))


def complaints(lines):
    """The lines of the journal that say that something was not permitted."""
    # The kernel tells of a device before udevd has given its node away; the session that follows shows that it was.
    sessions = [place for place, line in enumerate(lines) if "session-started" in line and "link=usb" in line]
    # The recovery ladder names the steps that are not permitted here; they are passed over by design. What a device
    # refuses over the air ("ATT error 3: Write not permitted") is its own word.
    return [line for place, line in enumerate(lines) if DENIED.search(line) and "adapter-recovery" not in line and
            "the device refused (ATT error" not in line and not ("usb-no-permission" in line and sessions and place < sessions[-1])]


def install_package(file):
    """Installs the package as `dpkg -i` does it; returns what was said."""
    # This machine's root may be that of a container, where packages start no service.
    if os.path.exists("/usr/sbin/policy-rc.d"):
        os.unlink("/usr/sbin/policy-rc.d")
    # The index of all manuals is no part of this, and takes an emulated machine minutes.
    if os.path.exists("/usr/bin/mandb"):
        os.unlink("/usr/bin/mandb")
        os.symlink("/bin/true", "/usr/bin/mandb")
    if os.path.exists("/usr/bin/hakarud"):  # an earlier scenario's
        run("dpkg", "--purge", "hakaru", seconds=240)
        drop_in = "/etc/systemd/system/%s.d/lab.conf" % UNIT
        if os.path.exists(drop_in):
            os.unlink(drop_in)
        systemctl("daemon-reload")
    said = run("dpkg", "--force-confold", "--force-unsafe-io", "-i", file, seconds=240)
    expect("enabled", systemctl("is-enabled", UNIT), "enabled")
    return said
