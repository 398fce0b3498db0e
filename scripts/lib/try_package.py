#!/usr/bin/env python3
"""Lives through a package's life in a minimal Debian 12: install, backlog, upgrade, remove, purge.

    try_package.py PACKAGE.deb [OLDER.deb]

Without OLDER the same contents under a lower version are what is upgraded from. Needs root. The Debian is made
with debootstrap in cache/debian (HAKARU_LAB_CACHE) and copied; nothing of this machine's Swift is in it.
"""
import contextlib
import glob
import hashlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
RECEIVER = os.path.join(ROOT, "Tests/Receiver")
CACHE = os.environ.get("HAKARU_LAB_CACHE", os.path.join(ROOT, "cache"))
TAPES = ["and-ua-651ble", "and-uc-352ble"]
CONFIGURATION = """gateway: { id: gw-package, consortium-id: C00001 }
bluetooth: { enabled: false }
usb: { enabled: false }
tape: { enabled: true }
destinations:
  - name: common-db
    format: meti-1.0
    url: %s
    tls: { ca-file: /etc/hakaru/ca.pem }
    authorization: { bearer-token-file: /etc/hakaru/token }
    accept-simulated: true
    retry: { initial: 100ms, maximum: 1s }
participants:
  - id: P0000001
    devices: [ %s ]
    consent: [ { destination: common-db, kinds: all } ]
"""


class Wrong(Exception):
    """Something does not hold; the text says what."""


def expect(what, got, wanted):
    """States that two things are equal."""
    if got != wanted:
        raise Wrong("%s: %r, expected %r" % (what, got, wanted))
    print("  %s: %s" % (what, json.dumps(got) if not isinstance(got, str) else got))


def run(*words, **options):
    """Runs a program to its good end and returns what it printed."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode:
        raise Wrong("%s: status %d\n%s" % (" ".join(words), done.returncode, done.stdout[-3000:]))
    return done.stdout


class Debian:
    """A minimal Debian 12 in a folder of its own."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "root")
        run("cp", "-a", base(), self.folder)
        shutil.copy("/etc/resolv.conf", self.folder + "/etc/resolv.conf")
        for path in glob.glob("/etc/apt/apt.conf.d/*prox*"):
            shutil.copy(path, self.folder + "/etc/apt/apt.conf.d/")
        run("mount", "-t", "proc", "proc", self.folder + "/proc")

    def close(self):
        subprocess.run(["umount", "-l", self.folder + "/proc"], check=False)

    def path(self, name):
        return self.folder + name

    def run(self, *words):
        """Runs a program in it, as root."""
        return run("chroot", self.folder, *words, env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8",
            **{k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")}})

    def install(self, package):
        shutil.copy(package, self.path("/root/hakaru.deb"))
        self.run("apt-get", "-qq", "install", "-y", "--no-install-recommends", "/root/hakaru.deb")

    def mode(self, name):
        """Mode, owner and group as `stat` shows them in it."""
        return self.run("stat", "-c", "%a %U:%G", name).strip()

    def version(self):
        return self.run("dpkg-query", "-W", "-f", "${Version}", "hakaru")

    @contextlib.contextmanager
    def daemon(self):
        """hakarud under its own user, as the unit starts it."""
        for name, mode in (("/var/lib/hakaru", "700"), ("/run/hakaru", "755")):
            self.run("install", "-d", "-o", "hakaru", "-g", "hakaru", "-m", mode, name)
        self.run("install", "-d", "-o", "hakaru", "-g", "hakaru", "/var/lib/hakaru/tapes")
        with open(self.path("/tmp/hakarud.log"), "ab") as log:
            process = subprocess.Popen(
                ["chroot", self.folder, "setpriv", "--reuid", "hakaru", "--regid", "hakaru", "--clear-groups",
                 "/usr/bin/hakarud"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            self.wait("hakarud answers", lambda: self.ask("status"))
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(15)
        expect("exit code of hakarud", code, 0)

    def ask(self, *words):
        """What `hakaru` says as JSON; nothing where it cannot."""
        try:
            return [json.loads(line) for line in self.run("hakaru", *words, "--json").splitlines()]
        except Wrong:
            return None

    def wait(self, what, condition, seconds=30):
        end = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > end:
                with open(self.path("/tmp/hakarud.log")) as log:
                    raise Wrong("not within %d s: %s\n%s" % (seconds, what, log.read()[-2000:]))
            time.sleep(0.1)
        return value


def base():
    """The folder of a minimal Debian 12, made once."""
    folder = os.path.join(CACHE, "debian")
    if not os.path.isdir(folder):
        run("scripts/setup", "debootstrap", cwd=ROOT)
        print("making a minimal Debian 12 in %s" % folder)
        shutil.rmtree(folder + ".new", ignore_errors=True)
        os.makedirs(CACHE, exist_ok=True)
        run("debootstrap", "--variant=minbase", "bookworm", folder + ".new")
        os.rename(folder + ".new", folder)
    return folder


def older(package, folder):
    """The same package under a lower version."""
    tree = os.path.join(folder, "older")
    run("dpkg-deb", "-R", package, tree)
    control = os.path.join(tree, "DEBIAN/control")
    with open(control) as file:
        text = file.read()
    with open(control, "w") as file:
        file.write(re.sub(r"(?m)^Version: .*", "Version: 0.0.1", text))
    run("dpkg-deb", "--root-owner-group", "-b", tree, tree + ".deb")
    return tree + ".deb"


@contextlib.contextmanager
def receiver(folder):
    """The strict receiver of the tests; gives its address and a function that returns what came."""
    ready, log = os.path.join(folder, "ready"), os.path.join(folder, "received")
    process = subprocess.Popen(
        [sys.executable, os.path.join(RECEIVER, "receiver.py"), "--port", "0",
         "--cert", folder + "/certificates/server.pem", "--key", folder + "/certificates/server.key",
         "--bearer", "package", "--log", log, "--control", folder + "/control", "--ready-file", ready],
        stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        while not (os.path.exists(ready) and os.path.getsize(ready)):
            time.sleep(0.05)
        with open(ready) as file:
            url = json.load(file)["url"]

        def came():
            with open(log) as file:
                lines = [json.loads(line) for line in file]
            return [line for line in lines if line["event"] == "record"]
        yield url, came
    finally:
        process.terminate()
        process.wait(10)


def configure(debian, folder, url):
    """Writes the administrator's configuration."""
    addresses = []
    for profile in TAPES:
        for tape in glob.glob("%s/device-profiles/%s/*.tape" % (ROOT, profile)):
            with open(tape) as file:
                addresses.append(json.loads(file.readline())["address"])
    owned = ", ".join('{ address: "%s" }' % address for address in sorted(set(addresses)))
    for name, text in (("hakaru.yaml", CONFIGURATION % (url, owned)), ("token", "package\n")):
        with open(debian.path("/etc/hakaru/" + name), "w") as file:
            file.write(text)
    debian.run("chown", "root:hakaru", "/etc/hakaru/hakaru.yaml")
    shutil.copy(folder + "/certificates/ca.pem", debian.path("/etc/hakaru/ca.pem"))


def fresh(debian):
    """What an installation leaves, before anything has run."""
    expect("a Swift toolchain in it", bool(glob.glob(debian.path("/usr/lib*/**/libswiftCore.so"), recursive=True)),
           False)
    expect("mode of /etc/hakaru", debian.mode("/etc/hakaru"), "750 root:hakaru")
    expect("mode of hakaru.yaml", debian.mode("/etc/hakaru/hakaru.yaml"), "640 root:hakaru")
    expect("problems of the shipped configuration", debian.run("hakarud", "--check-config").strip(),
           "/etc/hakaru/hakaru.yaml: no problem found")
    expect("enabled", os.path.islink(debian.path("/etc/systemd/system/multi-user.target.wants/hakarud.service")), True)
    profiles = len(debian.ask("profile", "list") or [])
    if profiles < 90:
        raise Wrong("hakaru profile list names %d profiles" % profiles)
    for page in ("hakaru.1", "hakarud.8", "hakaru.yaml.5"):
        expect("manual %s" % page, os.path.exists(debian.path(
            "/usr/share/man/man%s/%s.gz" % (page[-1], page))), True)


def may_read(debian, user, group, name):
    """Whether a user with this group alone can read a file."""
    try:
        debian.run("setpriv", "--reuid", user, "--regid", group, "--clear-groups", "cat", name)
    except Wrong:
        return False
    return True


def play(debian):
    """Plays recorded devices into the daemon; returns the keys of what is stored."""
    for profile in TAPES:
        for tape in glob.glob("%s/device-profiles/%s/*.tape" % (ROOT, profile)):
            name = "/var/lib/hakaru/tapes/%s-%s" % (profile, os.path.basename(tape))
            shutil.copy(tape, debian.path(name + ".new"))
            debian.run("chown", "hakaru:hakaru", name + ".new")
            os.rename(debian.path(name + ".new"), debian.path(name))
    debian.wait("the tapes are played", lambda: not glob.glob(debian.path("/var/lib/hakaru/tapes/*.tape")))
    return keys(debian)


def keys(debian):
    return sorted(record["key"] for record in debian.ask("records", "--limit", "10000"))


def newer_store(debian):
    """A store that a later version has written is left alone, and both programs say why."""
    store = debian.path("/var/lib/hakaru/hakaru.db")
    with sqlite3.connect(store) as database:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        database.execute("PRAGMA user_version = 99")
    database.close()
    before = digest(store)
    with debian.daemon():
        storage = debian.ask("status")[0]["storage"]
        expect("state of a store from a later version", storage["state"], "newer-schema")
        print("  it says: %s" % storage["reason"])
        if "99" not in storage["reason"] or "install" not in storage["reason"]:
            raise Wrong("the reason names neither the version nor what helps")
    expect("that store is untouched", digest(store) == before, True)
    with sqlite3.connect(store) as database:
        database.execute("PRAGMA user_version = %d" % version)
    database.close()


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def live(debian, package, before, folder):
    """The whole life."""
    print("install %s" % os.path.basename(before))
    debian.install(before)
    first = debian.version()
    fresh(debian)
    configure(debian, folder, "https://127.0.0.1:9/v1/records")
    # As the versions before had it: for the group to read.
    debian.run("chown", "root:hakaru", "/etc/hakaru/token")
    debian.run("chmod", "640", "/etc/hakaru/token")
    with debian.daemon():
        backlog = play(debian)
        waiting = debian.ask("status")[0]["records"]["waiting"]
    if len(backlog) < 5 or not waiting:
        raise Wrong("only %d records, %d waiting: no backlog" % (len(backlog), waiting))
    print("upgrade %s" % os.path.basename(package))
    debian.install(package)
    print("  version: %s, before %s" % (debian.version(), first))
    with open(debian.path("/etc/hakaru/hakaru.yaml")) as file:
        expect("the administrator's configuration is kept", "gw-package" in file.read(), True)
    expect("mode of the token", debian.mode("/etc/hakaru/token"), "400 hakaru:root")
    expect("a member of the group reads the token", may_read(debian, "nobody", "hakaru", "/etc/hakaru/token"), False)
    expect("the gateway reads the token", may_read(debian, "hakaru", "hakaru", "/etc/hakaru/token"), True)
    expect("a stranger looks into /etc/hakaru", may_read(debian, "nobody", "nogroup", "/etc/hakaru/hakaru.yaml"), False)
    newer_store(debian)
    with receiver(folder) as (url, came):
        configure(debian, folder, url)
        with debian.daemon():
            expect("the backlog is the same after the upgrade (%d records)" % len(backlog),
                   keys(debian) == backlog, True)
            debian.wait("delivery", lambda: not debian.ask("status")[0]["records"]["waiting"])
        expect("records at the receiver, each once", len(came()), waiting)
    print("remove")
    debian.run("apt-get", "-qq", "remove", "-y", "hakaru")
    expect("the program is there", os.path.exists(debian.path("/usr/bin/hakarud")), False)
    expect("the store stays", os.path.exists(debian.path("/var/lib/hakaru/hakaru.db")), True)
    expect("the configuration stays", os.path.exists(debian.path("/etc/hakaru/hakaru.yaml")), True)
    debian.install(package)
    with debian.daemon():
        expect("records after it is installed again", len(keys(debian)), len(backlog))
    print("purge")
    debian.run("apt-get", "-qq", "purge", "-y", "hakaru")
    for name in ("/var/lib/hakaru", "/etc/hakaru/hakaru.yaml", "/etc/hakaru/token"):
        expect("%s is there" % name, os.path.exists(debian.path(name)), False)


def main():
    if len(sys.argv) not in (2, 3) or os.geteuid() != 0:
        sys.exit(__doc__)
    package = os.path.abspath(sys.argv[1])
    folder = tempfile.mkdtemp(prefix="hakaru-package-")
    debian = None
    try:
        run(os.path.join(RECEIVER, "make-certificates.sh"), folder + "/certificates")
        debian = Debian(folder)
        live(debian, package, os.path.abspath(sys.argv[2]) if sys.argv[2:] else older(package, folder), folder)
        print("the package holds")
    except Wrong as problem:
        sys.exit("wrong: %s" % problem)
    finally:
        if debian:
            debian.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
