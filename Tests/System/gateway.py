"""A whole gateway on this machine: hakarud, recorded devices and the strict receiver, each a process.

Used by the system tests beside it and by scripts/demo. Everything lives in one temporary folder.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
PROGRAMS = os.environ.get("HAKARU_BUILD", os.path.join(ROOT, ".build/debug"))
RECEIVER = os.path.join(ROOT, "Tests/Receiver")
TOKEN = "demonstration"
CONFIGURATION = """\
gateway:
  id: system-test
  consortium-id: C00001
  timezone: Asia/Tokyo
bluetooth: { enabled: false }
usb: { enabled: false }
tape: { enabled: true, directory: %(folder)s/tapes }
destinations:
  - name: common-db
    format: meti-1.0
    url: %(url)s
    authorization: { bearer-token-file: %(folder)s/token }
    tls: { ca-file: %(folder)s/certificates/ca.pem }
    extensions: [blood-glucose]
    accept-simulated: true
    retry: { initial: 100ms, maximum: 1s }
participants:
  - id: P0000001
    devices: [ %(devices)s ]
    consent: [ { destination: common-db, kinds: all } ]
%(more)s
"""


class Stuck(Exception):
    """Something did not happen in time; the message has the tails of all logs."""


def read(path):
    """The text of a file."""
    with open(path) as f:
        return f.read()


def tape(profile, name):
    """The path of a profile's tape and the address of its device."""
    path = os.path.join(ROOT, "device-profiles", profile, name + ".tape")
    with open(path) as f:
        return path, json.loads(f.readline())["address"]


class Gateway:
    def __init__(self, prefix="hakaru-system-"):
        self.folder = tempfile.mkdtemp(prefix=prefix)
        self.receiver = self.daemon = None
        self.seen = 0
        self.url = None
        self.port = 0
        os.makedirs(self.path("tapes"))
        subprocess.run([os.path.join(RECEIVER, "make-certificates.sh"), self.path("certificates")],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.token(TOKEN)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def token(self, text):
        with open(self.path("token.new"), "w") as f:
            f.write(text + "\n")
        os.rename(self.path("token.new"), self.path("token"))

    # ---------------------------------------------------------------- processes

    def start(self, *command, log):
        with open(self.path(log), "ab") as out:
            return subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                    env={**os.environ, "HAKARU_DATA_DIRECTORY": ROOT})

    def start_receiver(self, certificate="server", *options):
        """Starts the receiver; the second time on the port of the first."""
        for name in ("ready", "control"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        self.receiver = self.start(
            sys.executable, os.path.join(RECEIVER, "receiver.py"), "--port", str(self.port),
            "--cert", self.path("certificates", certificate + ".pem"),
            "--key", self.path("certificates", "server.key"), "--bearer", TOKEN,
            "--log", self.path("received"), "--control", self.path("control"),
            "--ready-file", self.path("ready"), "--accept", "blood-glucose", *options,
            log="receiver.out")
        self.wait("the receiver's start", lambda: os.path.exists(self.path("ready"))
                  and os.path.getsize(self.path("ready")))
        ready = json.loads(read(self.path("ready")))
        self.url, self.port = ready["url"], ready["port"]

    def stop_receiver(self, how=signal.SIGTERM):
        self.receiver.send_signal(how)
        self.receiver.wait(10)

    def configure(self, addresses=(), more="", devices=None, change=lambda text: text):
        text = CONFIGURATION % {
            "folder": self.folder, "url": self.url or "https://127.0.0.1:9/v1/records", "more": more,
            "devices": devices or ", ".join('{ address: "%s" }' % a for a in addresses)}
        with open(self.path("hakaru.yaml"), "w") as f:
            f.write(change(text))

    def start_daemon(self, *options):
        """Starts hakarud and returns the milliseconds until it answers."""
        begin = time.monotonic()
        self.daemon = self.start(
            os.path.join(PROGRAMS, "hakarud"), "--config", self.path("hakaru.yaml"),
            "--state-directory", self.path("state"), "--runtime-directory", self.folder, *options,
            log="hakarud.out")
        self.wait("hakarud's start", lambda: self.hakaru("status"))
        return (time.monotonic() - begin) * 1000

    def stop_daemon(self, how=signal.SIGTERM):
        self.daemon.send_signal(how)
        return self.daemon.wait(15)

    def close(self):
        """Ends everything and removes the folder; returns the exit codes."""
        codes = []
        for child in (self.daemon, self.receiver):
            if child and child.poll() is None:
                child.send_signal(signal.SIGTERM)
                try:
                    codes.append(child.wait(15))
                except subprocess.TimeoutExpired:
                    child.kill()
                    codes.append("killed")
        shutil.rmtree(self.folder, ignore_errors=True)
        return codes

    # ---------------------------------------------------------------- waiting and asking

    def wait(self, what, condition, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = condition()
            if value:
                return value
            time.sleep(0.03)
        raise Stuck("%s did not happen in %d s\n%s" % (what, seconds, self.tails()))

    def tails(self):
        text = ""
        for name in ("receiver.out", "hakarud.out"):
            if os.path.exists(self.path(name)):
                text += "--- %s\n%s\n" % (name, "\n".join(read(self.path(name)).splitlines()[-15:]))
        return text

    def hakaru(self, *words, lines=False):
        """What a command prints as JSON; `lines` for those that print one object a line."""
        done = subprocess.run([os.path.join(PROGRAMS, "hakaru"), "--socket",
                               self.path("hakaru.sock"), *words, "--json"], capture_output=True)
        if done.returncode or not done.stdout:
            return [] if lines and not done.returncode else None
        return [json.loads(line) for line in done.stdout.splitlines()] if lines else json.loads(
            done.stdout)

    def destination(self):
        return self.hakaru("status")["destinations"][0]

    def control(self, **command):
        done = subprocess.run([sys.executable, os.path.join(RECEIVER, "receiver.py"), "ctl",
                               self.path("control"), json.dumps(command)], capture_output=True,
                              check=True)
        return json.loads(done.stdout)

    def log(self):
        return read(self.path("hakarud.out"))

    # ---------------------------------------------------------------- tapes and what arrived

    def drop(self, name, text):
        """Puts a tape into the watched directory, whole at once."""
        target = self.path("tapes", name + ".tape")
        with open(target + ".new", "w") as f:
            f.write(text)
        os.rename(target + ".new", target)
        return target

    def play(self, profile, name, as_name=None):
        """Plays a profile's tape to its end."""
        path, _ = tape(profile, name)
        target = self.drop(as_name or "%s-%s" % (profile, name), read(path))
        self.played(target)

    def played(self, target):
        self.wait("the end of " + os.path.basename(target),
                  lambda: os.path.exists(target + ".played") or os.path.exists(target + ".failed"))
        if os.path.exists(target + ".failed"):
            raise Stuck("the tape failed: " + read(target + ".failed.reason"))

    def delivered(self):
        """Waits until nothing waits, and returns the receiver's new lines about records."""
        self.wait("delivery", lambda: not self.hakaru("status")["records"]["waiting"])
        return self.news()

    def news(self):
        lines = read(self.path("received")).splitlines() if os.path.exists(
            self.path("received")) else []
        news = [json.loads(line) for line in lines[self.seen:]]
        self.seen = len(lines)
        return [line for line in news if line["event"] == "record"]
