#!/usr/bin/env python3
"""The demonstration behind scripts/demo: the real daemon, recorded devices, a checking receiver.

Starts the receiver (Tests/Receiver) and hakarud with a configuration of its own in a temporary folder,
plays the tapes of four devices one after the other, prints each reading as the receiver accepts it,
then the status. Ends with a summary; its exit code is 0 only when every number in it is as expected.
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
RELEASE = os.path.join(ROOT, ".build/release")
DEVICES = [
    # profile, tape, what it is, records that reach the receiver
    ("and-ua-651ble", "backlog", "cuff with 32 stored records, 30 of them failed, clock 6 min slow", 2),
    ("and-uc-352ble", "weighing", "weight scale, clock 40 s fast, one weighing in kg, one in lb", 2),
    ("roche-accu-chek", "first-session", "glucose meter, four records: one HI, one control solution", 2),
    ("xiaomi-mi-body-composition-scale-2", "weighing", "advertisement-only scale, one weighing", 1),
    ("and-ua-651ble", "backlog", "the same cuff sends everything again", 0),
]
CONFIGURATION = """\
gateway:
  id: demo
  consortium-id: C00001
  timezone: Asia/Tokyo
bluetooth: { enabled: false }
usb: { enabled: false }
tape: { enabled: true, directory: %(tapes)s }
destinations:
  - name: common-db
    format: meti-1.0
    url: %(url)s
    authorization: { bearer-token-file: %(token)s }
    tls: { ca-file: %(ca)s }
    extensions: [blood-glucose]
    accept-simulated: true
participants:
  - id: P0000001
    devices: [ %(devices)s ]
    consent: [ { destination: common-db, kinds: all } ]
"""


class Demo:
    def __init__(self, folder):
        self.folder = folder
        self.children = []
        self.seen = 0
        self.accepted = 0
        self.refused = 0

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def start(self, *command, log):
        out = open(self.path(log), "wb")
        child = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                 env={**os.environ, "HAKARU_DATA_DIRECTORY": ROOT})
        self.children.append(child)
        return child

    def wait(self, what, condition, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = condition()
            if value:
                return value
            for child in self.children:
                if child.poll() is not None:
                    raise SystemExit("demo: %s ended with %s while waiting for %s\n%s" % (
                        child.args[0], child.returncode, what, self.tails()))
            time.sleep(0.05)
        raise SystemExit("demo: %s did not happen in %d s\n%s" % (what, seconds, self.tails()))

    def tails(self):
        text = ""
        for name in ("receiver.out", "hakarud.out"):
            if os.path.exists(self.path(name)):
                text += "--- %s\n%s" % (name, "".join(open(self.path(name)).readlines()[-15:]))
        return text

    def run_receiver(self):
        receiver = os.path.join(ROOT, "Tests/Receiver")
        subprocess.run([os.path.join(receiver, "make-certificates.sh"), self.path("certificates")],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(self.path("token"), "w") as f:
            f.write("demonstration\n")
        self.start(sys.executable, os.path.join(receiver, "receiver.py"), "--port", "0",
                   "--cert", self.path("certificates/server.pem"),
                   "--key", self.path("certificates/server.key"), "--bearer", "demonstration",
                   "--log", self.path("received"), "--control", self.path("control"),
                   "--ready-file", self.path("ready"), "--accept", "blood-glucose",
                   log="receiver.out")
        self.wait("the receiver's start", lambda: os.path.exists(self.path("ready"))
                  and os.path.getsize(self.path("ready")))
        return json.load(open(self.path("ready")))["url"]

    def run_daemon(self, url):
        os.makedirs(self.path("tapes"))
        addresses = sorted({self.tape(p, t)[1] for p, t, _, _ in DEVICES})
        with open(self.path("hakaru.yaml"), "w") as f:
            f.write(CONFIGURATION % {
                "tapes": self.path("tapes"), "url": url, "token": self.path("token"),
                "ca": self.path("certificates/ca.pem"),
                "devices": ", ".join('{ address: "%s" }' % a for a in addresses)})
        started = time.monotonic()
        self.start(os.path.join(RELEASE, "hakarud"), "--config", self.path("hakaru.yaml"),
                   "--state-directory", self.path("state"), "--runtime-directory", self.path(),
                   log="hakarud.out")
        self.wait("hakarud's start", lambda: self.hakaru("status"))
        return time.monotonic() - started

    def hakaru(self, *words, lines=False):
        """What a command prints as JSON; `lines` for those that print one object a line."""
        done = subprocess.run([os.path.join(RELEASE, "hakaru"), "--socket",
                               self.path("hakaru.sock"), *words, "--json"], capture_output=True)
        if done.returncode or not done.stdout:
            return None
        return [json.loads(line) for line in done.stdout.splitlines()] if lines else json.loads(
            done.stdout)

    @staticmethod
    def tape(profile, name):
        path = os.path.join(ROOT, "device-profiles", profile, name + ".tape")
        with open(path) as f:
            return path, json.loads(f.readline())["address"]

    def play(self, number, profile, name):
        path, _ = self.tape(profile, name)
        target = self.path("tapes", "%d-%s.tape" % (number, profile))
        shutil.copy(path, target + ".new")
        os.rename(target + ".new", target)
        self.wait("the end of " + profile, lambda: os.path.exists(target + ".played")
                  or os.path.exists(target + ".failed"))
        if os.path.exists(target + ".failed"):
            raise SystemExit("demo: the tape failed: " + open(target + ".failed.reason").read())
        self.wait("delivery", lambda: not self.hakaru("status")["records"]["waiting"])
        return self.show()

    def show(self):
        """Prints what the receiver wrote down since the last call."""
        lines = open(self.path("received")).readlines() if os.path.exists(self.path("received")) else []
        news = [json.loads(line) for line in lines[self.seen:]]
        self.seen = len(lines)
        count = 0
        for line in news:
            if line["event"] != "record":
                continue
            if line["verdict"] == "accepted":
                count += 1
                self.accepted += 1
            else:
                self.refused += 1
            values = {k: v for k, v in line["values"].items() if k not in (
                "observation_time", "update_time", "origin_of_time_code", "data_input_code",
                "model_manufacturer_code", "model_number", "production_specification_serial")}
            v = line["values"]
            print("    %-9s %s  %-14s %-45s time code %s" % (
                line["verdict"], v.get("observation_time"), line["table"].split(".")[-1],
                "  ".join("%s %s" % item for item in values.items()),
                v.get("origin_of_time_code")), flush=True)
        return count

    def stop(self):
        for child in reversed(self.children):
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        codes = []
        for child in self.children:
            try:
                codes.append(child.wait(10))
            except subprocess.TimeoutExpired:
                child.kill()
                codes.append("killed")
        return codes


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", action="store_true")
    keep = parser.parse_args().keep
    folder = tempfile.mkdtemp(prefix="hakaru-demo-")
    demo = Demo(folder)
    problems = []
    try:
        url = demo.run_receiver()
        print("receiver   %s (TLS, checks every document against the exchange spec)" % url)
        print("hakarud    answers after %.0f ms\n" % (demo.run_daemon(url) * 1000))
        for number, (profile, name, what, expected) in enumerate(DEVICES):
            print("%s: %s" % (profile, what), flush=True)
            count = demo.play(number, profile, name)
            if count != expected:
                problems.append("%s: %d records arrived, %d were due" % (profile, count, expected))
            if count == 0:
                print("    nothing new")
        print()
        subprocess.run([os.path.join(RELEASE, "hakaru"), "--socket", demo.path("hakaru.sock"),
                        "status"], check=True)
        status = demo.hakaru("status")["records"]
        if demo.refused:
            problems.append("%d records were refused" % demo.refused)
        if status["delivered"] != demo.accepted or status["waiting"] or status["quarantined"]:
            problems.append("the gateway counts %s" % status)
        cuff = next(d for d in demo.hakaru("devices", lines=True) if d["profile"] == DEVICES[0][0])
        if cuff["failed_measurements"] != 30:
            problems.append("the cuff counts %d failed measurements, 30 were due"
                            % cuff["failed_measurements"])
        print("\n%d records delivered, each once; %d failed measurements counted, none sent; "
              "%d refused by the receiver" % (demo.accepted, status["failed_measurements"],
                                              demo.refused))
        if keep:
            print("\nrunning on; try:  %s --socket %s records\nCtrl-C ends it" % (
                os.path.join(RELEASE, "hakaru"), demo.path("hakaru.sock")), flush=True)
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            while True:
                time.sleep(3600)
    except KeyboardInterrupt:
        pass
    finally:
        codes = demo.stop()
        shutil.rmtree(folder, ignore_errors=True)
    if any(code not in (0, -signal.SIGTERM) for code in codes):
        problems.append("exit codes %s" % codes)
    if not problems:
        print("every number is as it must be")
    for problem in problems:
        print("demo: " + problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
