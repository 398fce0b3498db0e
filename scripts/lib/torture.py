#!/usr/bin/env python3
"""The crash run behind scripts/torture: the real daemon, recorded cuffs, a receiver that checks and remembers.

Three things are counted. *Due*: every reading of a device that comes back after the crash, and every
reading that the socket had shown before a kill whose device never came back. *Arrived*: what the receiver
accepted. *Keys*: natural keys with two values, and the same document under two Idempotency-Keys.
"""
import argparse
import collections
import datetime
import http.client
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
os.environ.setdefault("HAKARU_BUILD", os.path.join(ROOT, ".build/release"))
sys.path.insert(0, os.path.join(ROOT, "Tests/System"))
import tapes  # noqa: E402
from gateway import Gateway, Stuck, read  # noqa: E402

CUFFS = ["A4:C1:38:00:02:%02X" % n for n in range(4)]


class SocketConnection(http.client.HTTPConnection):
    """HTTP over the daemon's socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=2)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(2)
        self.sock.connect(self.path)


class Witness(threading.Thread):
    """Reads the records from the socket all the time: what it has seen, the gateway has accepted."""

    def __init__(self, gateway):
        super().__init__(daemon=True)
        self.gateway, self.seen, self.after, self.ended = gateway, set(), 0, False

    def run(self):
        while not self.ended:
            try:
                connection = SocketConnection(self.gateway.path("hakaru.sock"))
                while not self.ended:
                    connection.request("GET", "/v1/records?limit=500&after=%d" % self.after)
                    self.note(json.loads(connection.getresponse().read()))
                    time.sleep(0.01)
            except (OSError, ValueError, http.client.HTTPException):
                time.sleep(0.01)

    def note(self, answer):
        for record in answer["records"]:
            self.after = max(self.after, record["id"])
            self.seen.add((record["device"].removeprefix("ble:"), record["observation_time"][:19]))


class Torture:
    def __init__(self, options):
        self.options, self.chance = options, random.Random(options.seed)
        self.gateway = Gateway("hakaru-torture-")
        self.witness = Witness(self.gateway)
        self.due, self.gone, self.witnessed, self.restarts = set(), 0, 0, []
        self.rounds = self.kills = self.receiver_kills = 0
        self.waiting = {}  # tape -> the readings it holds

    def receiver(self):
        self.gateway.start_receiver("server", "--resume")

    def drop(self):
        """One more session of one of the cuffs; every reading has a minute of its own."""
        self.rounds += 1
        address = CUFFS[self.rounds % len(CUFFS)]
        start = tapes.START + datetime.timedelta(hours=self.rounds)
        records = tapes.series(self.chance.randint(1, 12), first=start,
                               systolic=100 + self.rounds % 60)
        target = self.gateway.drop("%06d" % self.rounds, tapes.cuff(records, start, address=address))
        self.waiting[target] = {(address, moment.strftime("%Y-%m-%dT%H:%M:%S"))
                                for _, _, _, moment in records}

    def sweep(self):
        """Readings of tapes that were played to their end are due."""
        for target in [t for t in self.waiting if os.path.exists(t + ".played")]:
            self.due |= self.waiting.pop(target)
            os.unlink(target + ".played")

    def kill(self):
        gateway = self.gateway
        while len(self.waiting) < 3:
            self.drop()
        time.sleep(self.chance.choice([0.02, 0.1, 0.4]) * self.chance.random())
        gateway.stop_daemon(signal.SIGKILL)
        self.kills += 1
        self.sweep()
        if self.waiting and self.chance.random() < 0.3:
            # The device is carried away: nothing but the store can bring its readings now.
            target = min(self.waiting)
            os.unlink(target)
            readings = self.waiting.pop(target)
            self.gone += 1
            witnessed = readings & self.witness.seen
            self.witnessed += len(witnessed)
            self.due |= witnessed
        if self.receiver_kills < self.options.receiver_kills * self.kills / self.options.kills:
            gateway.stop_receiver(signal.SIGKILL)
            self.receiver_kills += 1
            if self.chance.random() < 0.5:
                self.restarts.append(gateway.start_daemon())
                self.receiver()
                return
            self.receiver()
        self.restarts.append(gateway.start_daemon())

    def run(self):
        gateway, options = self.gateway, self.options
        self.receiver()
        gateway.configure(CUFFS, change=lambda text: text.replace(
            "    accept-simulated: true\n",
            "    accept-simulated: true\n    batch: { max-records: %d }\n"
            "    rate: { requests-per-second: 1000 }\n" % self.options.batch))
        gateway.start_daemon()
        self.witness.start()
        end = time.monotonic() + options.minutes * 60 if options.minutes else None
        while self.kills < options.kills and not (end and time.monotonic() > end):
            self.kill()
            if self.kills % 20 == 0:
                print("%4d kills of the daemon, %3d of the receiver, %5d readings due" % (
                    self.kills, self.receiver_kills, len(self.due)), flush=True)
        gateway.wait("the end of the last tapes", lambda: self.sweep() or not self.waiting, 120)
        gateway.wait("delivery", lambda: not gateway.hakaru("status")["records"]["waiting"], 120)
        self.witness.ended = True
        return self.judge()

    def judge(self):
        lines = []
        for line in read(self.gateway.path("received")).splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                pass  # a line that a kill of the receiver cut off
        values, deliveries = collections.defaultdict(set), collections.Counter()
        for line in lines:
            if line["event"] != "record" or line["verdict"] == "rejected":
                continue
            held = line["values"]
            key = (line["person_id"], line["table"], held["production_specification_serial"],
                   held["observation_time"])
            deliveries[key] += 1
            values[key].add(json.dumps(
                {k: v for k, v in held.items() if k != "update_time"}, sort_keys=True))
        # What the receiver was told names a device by its serial number; a reading here by its minute:
        # minutes are not shared between the cuffs.
        arrived = {key[3] for key in values}
        due = {moment.replace("-", "").replace("T", "").replace(":", "") for _, moment in self.due}
        refused = [line for line in lines if line["event"] == "record" and line["verdict"] == "rejected"
                   or line["event"] == "request" and line.get("error")]
        status = self.gateway.hakaru("status")["records"]
        stats = self.gateway.control(do="stats")
        figures = [
            ("readings due", len(due), None),
            ("due readings that never arrived", len(due - arrived), 0),
            ("natural keys with two values", sum(len(v) > 1 for v in values.values()), 0),
            ("records refused by the receiver", len(refused), 0),
            ("the same document under another key", stats["unstable_key"], 0),
            ("a key used for another document", stats["key_with_other_body"], 0),
            ("stored but not delivered", status["stored"] - status["delivered"], 0),
            ("stored beyond what arrived", status["stored"] - len(values), 0),
            ("dead letters", status["dead_letters"], 0),
            ("records delivered again under their key", sum(n - 1 for n in deliveries.values()), None),
            ("devices carried away after a kill", self.gone, None),
            ("their readings that had been accepted", self.witnessed, None),
        ]
        print("\n%d kills of the daemon, %d of the receiver, seed %d; restart to answering %.0f ms "
              "median, %.0f ms worst" % (self.kills, self.receiver_kills, self.options.seed,
                                         statistics.median(self.restarts), max(self.restarts)))
        good = True
        for name, value, must in figures:
            holds = must is None or value == must
            good &= holds
            print("  %-42s %6d %s" % (name, value, "" if must is None else
                                      "holds" if holds else "MUST BE %d" % must))
        for line in refused[:5]:
            print("  refused: %s" % (line.get("reason") or line.get("error")))
        return good


def main():
    parser = argparse.ArgumentParser(description="Kills the daemon and the receiver and counts.")
    parser.add_argument("--kills", type=int, default=200, metavar="N")
    parser.add_argument("--receiver-kills", type=int, default=None, metavar="N",
                        help="a quarter of --kills when left out")
    parser.add_argument("--minutes", type=float, default=0, metavar="N")
    parser.add_argument("--batch", type=int, default=2, metavar="N",
                        help="readings to a document (2), so that one travels while the arrival of "
                             "the one before is written down")
    parser.add_argument("--seed", type=int, default=20260301, metavar="N")
    options = parser.parse_args()
    if options.kills < 1:
        parser.error("--kills is at least 1")
    if options.receiver_kills is None:
        options.receiver_kills = options.kills // 4
    torture = Torture(options)
    try:
        good = torture.run()
    except Stuck as stuck:
        print("torture: %s" % stuck, file=sys.stderr)
        good = False
    finally:
        codes = torture.gateway.close()
    if any(code not in (0, -signal.SIGTERM) for code in codes):
        print("torture: exit codes %s" % codes, file=sys.stderr)
        good = False
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
