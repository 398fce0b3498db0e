"""scripts/bench store and uplink: the gateway beside a bare loop in C over SQLite and libcurl, in one run."""
import os
import shutil
import signal
import statistics
import subprocess
import threading
import time

from figure import Figure

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.environ.get("HAKARU_BUILD", os.path.join(ROOT, ".build/release"))
WAITING = int(os.environ.get("HAKARU_BENCH_WAITING", "1000000"))
CONFIGURATION = """\
gateway: { id: bench, consortium-id: C00001, timezone: Asia/Tokyo }
bluetooth: { enabled: false }
usb: { enabled: false }
storage: { maximum: 64GB, reserve: 1MB }
destinations:
  - { name: db, format: meti-1.0, url: "http://127.0.0.1:%(port)d/v1/records", rate: { requests-per-second: 1000 },
      retry: { initial: 100ms, maximum: 1s } }
participants:
  - { id: P0000001, devices: [ { address: "A4:C1:38:00:00:01" } ], consent: [ { destination: db, kinds: all } ] }
"""


def program(name):
    return os.path.join(BUILD, name)


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def fresh(folder, name):
    path = os.path.join(folder, name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def store(folder):
    """Durable ingest, one transaction per reading, beside a bare C loop with the same inserts."""
    count, ours, peers = 1500, [], []
    for _ in range(5):
        mine = fresh(folder, "mine")
        ours.append(count / float(output(program("StoreBench"), "append", mine, str(count))))
        peer = fresh(folder, "peer")
        output(program("StoreBench"), "empty", peer)
        peers.append(count / float(output(
            program("StorePeer"), "append", peer + "/hakaru.db", str(count))))
    ratio = statistics.median(a / b for a, b in zip(ours, peers))
    yield Figure("durable ingest / bare C", ratio, "", 0.85,
                 "%.0f readings/s beside %.0f of C with the same inserts and one fsync each; median of %d "
                 "pairs of %d" % (statistics.median(ours), statistics.median(peers), len(ours), count),
                 more=True)


class Sink:
    """A receiver that answers 204 to everything."""

    def __init__(self):
        self.process = subprocess.Popen([program("StorePeer"), "sink"], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.documents = 0
        threading.Thread(target=self.count, daemon=True).start()

    def count(self):
        for _ in self.process.stdout:
            self.documents += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Daemon:
    """hakarud on a filled store, sending to a sink."""

    def __init__(self, folder, state, sink):
        with open(folder + "/hakaru.yaml", "w") as f:
            f.write(CONFIGURATION % {"port": sink.port})
        self.sink, self.before = sink, sink.documents
        self.socket = folder + "/hakaru.sock"
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [program("hakarud"), "--config", folder + "/hakaru.yaml", "--state-directory", state,
             "--runtime-directory", folder, "--log-level", "error"], stdin=subprocess.DEVNULL,
            env={**os.environ, "HAKARU_DATA_DIRECTORY": ROOT})
        while not self.answers():
            time.sleep(0.002)
        self.ready = time.monotonic() - self.began

    def answers(self):
        return subprocess.run(
            ["curl", "-sf", "-o", "/dev/null", "--unix-socket", self.socket, "http://hakaru/v1/sightings"],
            check=False).returncode == 0

    def memory(self):
        for line in open("/proc/%d/smaps_rollup" % self.process.pid):
            if line.startswith("Anonymous:"):
                return int(line.split()[1]) / 1024

    def drain(self, total, seconds=1800):
        """Waits for the end; returns the seconds at which each tenth was reached and the most memory."""
        marks, most = [0.0], 0
        while len(marks) <= 10:
            delivered = 100 * (self.sink.documents - self.before)
            while len(marks) <= 10 and delivered >= total * len(marks) // 10:
                marks.append(time.monotonic() - self.began - self.ready)
            most = max(most, self.memory())
            if time.monotonic() - self.began > seconds:
                raise SystemExit("bench: %d of %d after %d s" % (delivered, total, seconds))
            time.sleep(0.02)
        return marks, most

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(15)


def uplink(folder):
    """Drain of a backlog beside bare SQLite and libcurl; a million waiting: memory, start, steady rate."""
    count = 20000
    filled = fresh(folder, "filled")
    output(program("StoreBench"), "fill", filled, str(count))
    ours, peers = [], []
    with Sink() as sink:
        for _ in range(3):
            mine = os.path.join(folder, "mine")
            for target in (mine, os.path.join(folder, "peer")):
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(filled, target)
            daemon = Daemon(folder, mine, sink)
            marks, _ = daemon.drain(count)
            ours.append(count / (marks[-1] + daemon.ready))
            daemon.stop()
            done, seconds = output(
                program("StorePeer"), "drain", folder + "/peer/hakaru.db",
                "http://127.0.0.1:%d/v1/records" % sink.port).split()
            assert int(done) == count, done
            peers.append(count / float(seconds))
        ratio = statistics.median(a / b for a, b in zip(ours, peers))
        yield Figure("drain / bare C", ratio, "", 0.6,
                     "%.0f records/s (read, encode, validate, POST, mark) beside %.0f of C; median of 3 drains of "
                     "%d, the start of the daemon included" % (
                         statistics.median(ours), statistics.median(peers), count), more=True)
        many = fresh(folder, "many")
        output(program("StoreBench"), "fill", many, str(WAITING))
        daemon = Daemon(folder, many, sink)
        marks, most = daemon.drain(WAITING)
        daemon.stop()
    parts = [b - a for a, b in zip(marks[1:], marks[2:])]
    yield Figure("start with %d waiting" % WAITING, daemon.ready, "s", 1, "from exec to the first answer")
    yield Figure("anonymous memory", most, "MB", 8, "the most while %d records drain" % WAITING)
    yield Figure("slowest / fastest tenth", max(parts) / min(parts), "", 1.2,
                 "seconds per tenth of %d records without the first: %s" % (
                     WAITING, " ".join("%.1f" % p for p in parts)))
