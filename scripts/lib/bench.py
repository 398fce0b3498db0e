#!/usr/bin/env python3
"""Benchmarks behind scripts/bench. A benchmark yields figures: name, value, unit, limit, how measured."""
import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import decode
import lists
import store
import usb
from figure import Figure

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
HAKARUD = os.path.join(ROOT, ".build/release/hakarud")
CONFIGURATION = """\
gateway: { id: bench, consortium-id: C00001, timezone: Asia/Tokyo }
bluetooth: { enabled: true }
tape: { enabled: true, directory: %(folder)s/tapes }
destinations:
  - { name: common-db, format: meti-1.0, url: "https://localhost:9/v1/records" }
"""


class Daemon:
    """hakarud with every link up, under a notify socket of ours and a private system bus."""

    def __init__(self, folder, bus):
        self.folder = folder
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = os.path.join(folder, "notify")
        if os.path.exists(path):
            os.unlink(path)
        self.notify.bind(path)
        self.notify.settimeout(10)
        environment = {**os.environ, "HAKARU_DATA_DIRECTORY": ROOT, "NOTIFY_SOCKET": path,
                       "WATCHDOG_USEC": "30000000", "DBUS_SYSTEM_BUS_ADDRESS": bus}
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [HAKARUD, "--config", folder + "/hakaru.yaml", "--state-directory", folder + "/state",
             "--runtime-directory", folder, "--log-level", "error"], env=environment,
            stdin=subprocess.DEVNULL)
        while b"READY=1" not in self.notify.recv(4096):
            pass
        self.ready_ms = (time.monotonic() - self.started) * 1000

    def memory(self):
        """PSS and anonymous memory in MB."""
        values = {}
        for line in open("/proc/%d/smaps_rollup" % self.process.pid):
            words = line.split()
            if words[0] in ("Pss:", "Anonymous:"):
                values[words[0]] = int(words[1]) / 1024
        return values["Pss:"], values["Anonymous:"]

    def switches(self):
        """Voluntary context switches of all threads: each is a wake-up that has ended."""
        total = 0
        base = "/proc/%d/task" % self.process.pid
        for task in os.listdir(base):
            for line in open("%s/%s/status" % (base, task)):
                if line.startswith("voluntary_ctxt_switches"):
                    total += int(line.split()[1])
        return total

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(10)
        self.notify.close()
        if code:
            raise SystemExit("bench: hakarud ended with %d" % code)


def start(folder):
    """Start to ready, idle memory, idle wake-ups."""
    bus = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--print-address=1"],
                           stdout=subprocess.PIPE, text=True)
    address = bus.stdout.readline().strip()
    try:
        with open(folder + "/hakaru.yaml", "w") as f:
            f.write(CONFIGURATION % {"folder": folder})
        times = []
        for _ in range(15):
            shutil.rmtree(folder + "/state", ignore_errors=True)
            daemon = Daemon(folder, address)
            times.append(daemon.ready_ms)
            daemon.stop()
        daemon = Daemon(folder, address)
        time.sleep(6)
        pss, anonymous = daemon.memory()
        before = daemon.switches()
        seconds = 30
        time.sleep(seconds)
        wakes = daemon.switches() - before
        watchdog = 0
        daemon.notify.setblocking(False)
        try:
            while True:
                watchdog += b"WATCHDOG=1" in daemon.notify.recv(4096)
        except BlockingIOError:
            pass
        daemon.stop()
    finally:
        bus.terminate()
        bus.wait()
    yield Figure("start to ready, median", statistics.median(times), "ms", 50,
                 "from exec to READY=1 on NOTIFY_SOCKET, 15 starts with a new store, worst %.1f ms"
                 % max(times))
    yield Figure("idle PSS", pss, "MB", 16,
                 "smaps_rollup 6 s after READY: system bus (no bluetoothd on it), tapes, one destination")
    yield Figure("idle anonymous memory", anonymous, "MB", 4, "the same moment")
    yield Figure("idle wake-ups", wakes, "", watchdog + 6,
                 "voluntary context switches of all threads in %d s; limit: those of the watchdog "
                 "(%d messages since the start) and of the look for bluetoothd" % (seconds, watchdog))


BENCHMARKS = {"start": start, "decode": decode.run, "usb": usb.run, "store": store.store,
              "encode": store.encode, "uplink": store.uplink, "lists": lists.run}


def main():
    parser = argparse.ArgumentParser(description="Runs benchmarks of hakarud.")
    parser.add_argument("name", nargs="*", help="which ones (all)")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    if arguments.list:
        for name, function in BENCHMARKS.items():
            print("%-10s %s" % (name, function.__doc__))
        return 0
    unknown = [n for n in arguments.name if n not in BENCHMARKS]
    if unknown:
        parser.error("no benchmark %s; known: %s" % (unknown[0], ", ".join(BENCHMARKS)))
    results = []
    for name in arguments.name or BENCHMARKS:
        print("== " + name)
        folder = tempfile.mkdtemp(prefix="hakaru-bench-")
        try:
            for figure in BENCHMARKS[name](folder):
                print(figure.line(), flush=True)
                results.append({"benchmark": name, **vars(figure)})
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    if arguments.json:
        with open(arguments.json, "w") as f:
            json.dump(results, f, indent=1)
    return 0 if all(r["holds"] for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
