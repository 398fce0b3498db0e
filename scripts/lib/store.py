"""scripts/bench store and uplink: the gateway beside a bare loop in C over SQLite and libcurl, in one run."""
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

from figure import Figure

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.environ.get("HAKARU_BUILD", os.path.join(ROOT, ".build/release"))
WAITING = int(os.environ.get("HAKARU_BENCH_WAITING", "1000000"))
DRAINED = int(os.environ.get("HAKARU_BENCH_DRAINED", "10000"))
CONFIGURATION = """\
gateway: { id: bench, consortium-id: C00001, timezone: Asia/Tokyo }
bluetooth: { enabled: false }
usb: { enabled: false }
tape: { enabled: %(tape)s, directory: %(folder)s/tapes }
storage: { maximum: 64GB, reserve: 1MB }
destinations:
  - { name: db, format: meti-1.0, url: "http://127.0.0.1:%(port)d/v1/records", rate: { requests-per-second: 1000 },
      accept-simulated: true, retry: { initial: 100ms, maximum: %(maximum)s } }
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


# ---------------------------------------------------------------- storing


def store(folder):
    """Durable ingest beside a bare C loop with the same inserts and as many transactions."""
    count, pairs, shared = 200, [], []
    for _ in range(25):
        rate, transactions = ours(folder, count, 2)
        pairs.append((rate, peers(folder, count, transactions)))
        shared.append(count / transactions)
    ratio = statistics.median(a / b for a, b in pairs)
    yield Figure("durable ingest / bare C", ratio, "", 0.85,
                 "%.0f readings/s, %.2f to a transaction, from two callers so that the store need not wait for one, "
                 "beside %.0f of C with the same inserts and as many transactions, without triggers and hashes; "
                 "median of %d pairs of %d" % (
                     statistics.median(a for a, _ in pairs), statistics.median(shared),
                     statistics.median(b for _, b in pairs), len(pairs), count), more=True)
    alone = [(ours(folder, count)[0], peers(folder, count, count)) for _ in range(9)]
    rate = statistics.median(a for a, _ in alone)
    crowd = [ours(folder, 3200, 16) for _ in range(3)]
    many = statistics.median(rate for rate, _ in crowd)
    yield Figure("16 callers / one", many / rate, "", 1.5,
                 "%.0f readings/s from 16 callers at once, %.1f to a transaction, beside %.0f from one that waits for "
                 "each, which is %.2f of what the C loop does with as many transactions" % (
                     many, statistics.median(3200 / transactions for _, transactions in crowd), rate,
                     statistics.median(a / b for a, b in alone)), more=True)


def ours(folder, count, callers=1):
    """Readings a second, and in how many transactions they were stored."""
    seconds, transactions = output(
        program("StoreBench"), "append", fresh(folder, "mine"), str(count), str(callers)).split()
    return count / float(seconds), int(transactions)


def peers(folder, count, transactions):
    peer = fresh(folder, "peer")
    output(program("StoreBench"), "empty", peer)
    return count / float(output(
        program("StorePeer"), "append", peer + "/hakaru.db", str(count), str(transactions)))


def encode(_):
    """A document of 100 records: time beside a copy of its bytes, requests for memory per field."""
    ours = json.loads(output(program("EncodeBench"), ROOT + "/exchange-formats/meti-1.0.yaml",
                             "/usr/share/zoneinfo/Asia/Tokyo"))
    yield Figure("document of 100 records", ours["encode_us"], "us", 100,
                 "%d bytes, %d fields, fastest of 400; %.0f times a memcpy of the same bytes (%.2f us); reading it "
                 "back and holding it against the format takes %.0f us more" % (
                     ours["bytes"], ours["fields"], ours["encode_us"] / ours["copy_us"], ours["copy_us"],
                     ours["validate_us"]))
    more = ours["allocations_of_200"] - ours["allocations_of_100"]
    yield Figure("allocations per field", more / ours["fields"], "", 0.01,
                 "%d requests for memory for a document of 100 records, %d for one of 200" % (
                     ours["allocations_of_100"], ours["allocations_of_200"]))


# ---------------------------------------------------------------- sending


class Sink:
    """A receiver that gives every document the same answer."""

    def __init__(self, port=0, status=204):
        self.process = subprocess.Popen([program("StorePeer"), "sink", str(port), str(status)],
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.documents, self.first, self.last = 0, None, None
        threading.Thread(target=self.count, daemon=True).start()

    def count(self):
        for _ in self.process.stdout:
            self.documents += 1
            self.last = time.monotonic()
            self.first = self.first or self.last

    def wait(self, documents, seconds):
        """Waits for so many documents; returns the documents a second from the first to the last."""
        end = time.monotonic() + seconds
        while self.documents < documents:
            if time.monotonic() > end:
                raise SystemExit("bench: %d of %d documents" % (self.documents, documents))
            time.sleep(0.01)
        return (documents - 1) / (self.last - self.first)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Daemon:
    """hakarud on a filled store, sending to a port."""

    def __init__(self, folder, state, port, maximum="1s", tape="false"):
        with open(folder + "/hakaru.yaml", "w") as f:
            f.write(CONFIGURATION % {"port": port, "folder": folder, "maximum": maximum, "tape": tape})
        self.socket = folder + "/hakaru.sock"
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [program("hakarud"), "--config", folder + "/hakaru.yaml", "--state-directory", state,
             "--runtime-directory", folder, "--log-level", "error"], stdin=subprocess.DEVNULL,
            env={**os.environ, "HAKARU_DATA_DIRECTORY": ROOT})
        while not self.status():
            if self.process.poll() is not None:
                raise SystemExit("bench: hakarud ended with %d" % self.process.returncode)
            time.sleep(0.002)
        self.ready = time.monotonic() - self.began

    def status(self):
        done = subprocess.run(["curl", "-sf", "--unix-socket", self.socket, "http://hakaru/v1/status"],
                              check=False, capture_output=True)
        return json.loads(done.stdout) if done.returncode == 0 and done.stdout else None

    def memory(self):
        """Anonymous memory in MB."""
        for line in open("/proc/%d/smaps_rollup" % self.process.pid):
            if line.startswith("Anonymous:"):
                return int(line.split()[1]) / 1024

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(15)


class SyslogNG:
    """syslog-ng with messages of the same size in its reliable disk buffer, for a receiver that is not there yet."""

    PROGRAM = "/usr/sbin/syslog-ng"
    CONFIGURATION = """\
@version: 3.38
@module disk-buffer
@module http
options { stats-freq(0); stats-level(2); time-reopen(1); };
source s { file("%(folder)s/lines" follow-freq(0.1) flags(no-parse) log-fetch-limit(1000)); };
destination d { http(url("http://127.0.0.1:%(port)d/") method("POST") headers("Content-Type: application/json")
  batch-lines(100) batch-timeout(1000) body("${MESSAGE}") delimiter(",") body-prefix("[") body-suffix("]")
  workers(1) retries(1000000) timeout(10)
  disk-buffer(reliable(yes) disk-buf-size(1073741824) mem-buf-size(10485760) dir("%(folder)s"))); };
log { source(s); destination(d); flags(flow-control); };
"""

    def __init__(self, folder, port, count):
        with open(folder + "/lines", "w") as f:
            for number in range(count):
                f.write('{"person_id":"P0000001","number":%d,"values":"%s"}\n' % (number, "v" * 240))
        with open(folder + "/conf", "w") as f:
            f.write(self.CONFIGURATION % {"folder": folder, "port": port})
        self.control = folder + "/ctl"
        self.process = subprocess.Popen(
            [self.PROGRAM, "-F", "-f", folder + "/conf", "--persist-file", folder + "/persist", "--pidfile",
             folder + "/pid", "--control", self.control, "--no-caps"], stderr=subprocess.DEVNULL)
        end = time.monotonic() + 120
        while ";queued;%d\n" % count not in self.statistics():
            if time.monotonic() > end:
                self.stop()
                raise SystemExit("bench: syslog-ng did not take %d messages" % count)
            time.sleep(0.2)

    def statistics(self):
        return subprocess.run(["/usr/sbin/syslog-ng-ctl", "stats", "--control=" + self.control],
                              check=False, capture_output=True, text=True).stdout

    def stop(self):
        self.process.kill()
        self.process.wait()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def uplink(folder):
    """Drain of a backlog beside bare SQLite and libcurl and beside syslog-ng; a million waiting; an outage."""
    filled = fresh(folder, "filled")
    output(program("StoreBench"), "fill", filled, str(DRAINED))
    runs = {"ours": lambda: drain(folder, filled), "C": lambda: drain_in_c(folder, filled)}
    if os.path.exists(SyslogNG.PROGRAM):
        runs["syslog-ng"] = lambda: drain_syslog(folder)
    else:
        # Not installed by this script: it would take the place of another system logger.
        print("without syslog-ng: its packages are syslog-ng-core and syslog-ng-mod-http")
    rates = {name: [] for name in runs}
    for number in range(5):
        for name in sorted(runs, reverse=number % 2 == 0):
            rates[name].append(runs[name]())
    middle = {name: statistics.median(found) for name, found in rates.items()}
    ratio = statistics.median(a / b for a, b in zip(rates["ours"], rates["C"]))
    yield Figure("drain / bare C", ratio, "", 0.6,
                 "%.0f records/s (read, encode, validate, POST, mark, ledger) beside %.0f of C; median of 5 pairs of "
                 "%d, from the first document to the last" % (middle["ours"], middle["C"], DRAINED), more=True)
    if "syslog-ng" in runs:
        yield Figure("drain / syslog-ng", middle["ours"] / middle["syslog-ng"], "", 1,
                     "beside %.0f messages/s of syslog-ng 3.38, reliable disk buffer, 100 to a request, the same run"
                     % middle["syslog-ng"], more=True)
    yield from million(folder)
    yield from outage(folder)


def drain(folder, filled):
    """Records a second of the daemon."""
    mine = os.path.join(folder, "mine")
    shutil.rmtree(mine, ignore_errors=True)
    shutil.copytree(filled, mine)
    with Sink() as sink:
        daemon = Daemon(folder, mine, sink.port)
        rate = 100 * sink.wait(DRAINED // 100, 300)
        daemon.stop()
    return rate


def drain_in_c(folder, filled):
    """Records a second of the bare loop."""
    peer = os.path.join(folder, "peer")
    shutil.rmtree(peer, ignore_errors=True)
    shutil.copytree(filled, peer)
    with Sink() as sink:
        done, _ = output(program("StorePeer"), "drain", peer + "/hakaru.db",
                         "http://127.0.0.1:%d/v1/records" % sink.port).split()
        assert int(done) == DRAINED, done
        return 100 * sink.wait(DRAINED // 100, 5)


def drain_syslog(folder):
    """Messages a second of syslog-ng."""
    port = free_port()
    peer = SyslogNG(fresh(folder, "syslog"), port, DRAINED)
    try:
        with Sink(port) as sink:
            return 100 * sink.wait(DRAINED // 100, 300)
    finally:
        peer.stop()


def million(folder):
    """Start, memory and rate with very many records waiting, after an unclean end."""
    many = fresh(folder, "many")
    output(program("StoreBench"), "fill", many, str(WAITING))
    Daemon(folder, many, free_port()).stop(signal.SIGKILL)
    port = free_port()
    daemon = Daemon(folder, many, port)
    began = time.monotonic()
    told = daemon.status()
    asked = time.monotonic() - began
    assert told["records"]["waiting"] == WAITING, told["records"]
    most, checking = daemon.memory(), time.monotonic()
    while daemon.status()["storage"]["checking"]:
        most = max(most, daemon.memory())
        time.sleep(0.1)
    checked = time.monotonic() - checking
    with Sink(port) as sink:
        marks, drained = tenths(daemon, sink, 1800)
    most = max(most, drained)
    daemon.stop()
    parts = [b - a for a, b in zip(marks, marks[1:])]
    yield Figure("start with %d waiting" % WAITING, daemon.ready, "s", 1,
                 "from exec to the answer of /v1/status, after a kill -9; the answer by itself %.0f ms; the look "
                 "through the whole store beside it took %.0f s" % (asked * 1000, checked))
    yield Figure("anonymous memory", most, "MB", 8, "the most while %d records lie, are looked through and drain" % WAITING)
    ends = max(parts[0], parts[-1]) / min(parts[0], parts[-1])
    yield Figure("first / last tenth", ends, "", 1.2,
                 "%.0f records/s; seconds per tenth of %d records: %s" % (
                     WAITING / (marks[-1] - marks[0]), WAITING, " ".join("%.1f" % p for p in parts)))


def tenths(daemon, sink, seconds):
    """The moments at which each tenth was delivered, and the most memory meanwhile."""
    marks, most = [], 0
    end = time.monotonic() + seconds
    while len(marks) <= 10:
        while len(marks) <= 10 and sink.documents and 100 * sink.documents >= WAITING * len(marks) // 10:
            marks.append(time.monotonic())
        most = max(most, daemon.memory())
        if time.monotonic() > end:
            raise SystemExit("bench: %d of %d documents" % (sink.documents, WAITING // 100))
        time.sleep(0.02)
    return marks, most


def outage(folder):
    """72 hours without a receiver, 9000 times as fast, while readings go on."""
    sys.path.insert(0, os.path.join(ROOT, "Tests/System"))
    import datetime
    import tapes
    hours, scale = 72, 9000
    fresh(folder, "tapes")
    port = free_port()
    # The cap of 15 minutes is 100 ms here.
    daemon = Daemon(folder, fresh(folder, "out"), port, maximum="100ms", tape="true")
    time.sleep(1)
    first = most = daemon.memory()
    began, refusing = time.monotonic(), None
    for hour in range(hours):
        start = tapes.START + datetime.timedelta(hours=hour)
        text = tapes.cuff(tapes.series(1, first=start), start, address="A4:C1:38:00:00:01")
        path = "%s/tapes/%02d.tape" % (folder, hour)
        with open(path + ".new", "w") as f:
            f.write(text)
        os.rename(path + ".new", path)
        if hour == hours // 2:
            refusing = Sink(port, 503)
        left = began + (hour + 1) * 3600 / scale - time.monotonic()
        time.sleep(max(0, left))
        if hour == 12:
            # Everything that a reading and a try need was needed once.
            first = daemon.memory()
        most = max(most, daemon.memory())
    told = daemon.status()["destinations"][0]
    refusing.__exit__()
    with Sink(port) as sink:
        end = time.monotonic() + 30
        while daemon.status()["records"]["waiting"] and time.monotonic() < end:
            time.sleep(0.1)
        left, documents = daemon.status()["records"]["waiting"], sink.documents
    daemon.stop()
    yield Figure("requests in %d h of outage" % hours, told["counters"]["attempts"], "", 2 * hours * 4 + 40,
                 "full jitter below a cap of 15 min, played %d times as fast, half of it nobody listens, half 503; "
                 "limit: two to a cap; then %d records went in %d documents, %d left" % (
                     scale, hours, documents, left))
    yield Figure("memory of the outage", most - first, "MB", 0.5,
                 "anonymous, the most from the 12th hour on against the 12th hour: %.2f MB; a reading an hour"
                 % first)
