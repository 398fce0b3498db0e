"""The strict HTTPS receiver of the test suite, as a scenario sees it."""
import json
import os
import shutil
import socket
import subprocess
import sys

from framework.program import Program
from framework.waiting import Failed, expect, until

PORT = 8443
FOLDER = "Tests/Receiver"


def make_certificates(root, folder):
    """Writes the authority and the server's certificate, once for all scenarios."""
    made = subprocess.run([os.path.join(root, FOLDER, "make-certificates.sh"), folder],
                          capture_output=True, text=True)
    if made.returncode:
        raise Failed("no certificates: " + made.stderr)


class Receiver:
    """Runs the receiver; reads from its log what came; can make it misbehave."""

    def __init__(self, root, folder, certificates, token):
        self.url = "https://127.0.0.1:%d/v1/records" % PORT
        self.authority = os.path.join(certificates, "ca.pem")
        self.journal = os.path.join(folder, "receiver.jsonl")
        self._control = os.path.join(folder, "receiver.sock")
        self._ready = os.path.join(folder, "receiver.ready")
        self._certificates, self._served = certificates, os.path.join(folder, "server.pem")
        self.set_certificate("server")
        self.program = Program("receiver", [
            sys.executable, os.path.join(root, FOLDER, "receiver.py"),
            "--cert", self._served,
            "--key", os.path.join(certificates, "server.key"), "--port", str(PORT), "--bearer", token,
            "--accept", "blood-glucose", "--log", self.journal, "--control", self._control,
            "--ready-file", self._ready], folder)

    def set_certificate(self, name):
        """Chooses what it shows from its next start on: `server`, `expired` or `other`."""
        shutil.copy(os.path.join(self._certificates, name + ".pem"), self._served)

    def start(self):
        """Starts it and waits until it listens."""
        if os.path.exists(self._ready):
            os.unlink(self._ready)
        self.program.start()

        def ready():
            self.program.expect_running()
            return os.path.exists(self._ready)
        # A Python program starts slowly on a busy machine that is emulated.
        until("the receiver listens", ready, 60, every=0.05)

    def stop(self):
        """Ends it: the gateway finds nobody listening."""
        self.program.stop()

    def command(self, do, **more):
        """Tells the receiver how to behave from now on."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(10)
            control.connect(self._control)
            control.sendall(json.dumps({"do": do, **more}).encode() + b"\n")
            return json.loads(control.makefile().readline())

    def log(self):
        """Everything that it has written down, one dictionary a line."""
        try:
            with open(self.journal) as lines:
                return [json.loads(line) for line in lines if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def arrivals(self, table=None):
        """Every record that came, as often as it came, whatever became of it."""
        return [entry for entry in self.log() if entry["event"] == "record"
                and table in (None, entry["table"].rpartition(".")[2])]

    def records(self, table=None):
        """The values of the accepted records."""
        return [entry["values"] for entry in self.arrivals(table) if entry["verdict"] == "accepted"]

    def wait_for(self, count, table=None, seconds=60):
        """Waits until so many records were accepted; returns them."""
        def enough():
            records = self.records(table)
            if len(records) < count:
                refused = [e for e in self.log() if e.get("error") or e.get("verdict") == "rejected"]
                raise Failed("%d of them; %s" % (len(records), refused[-1] if refused else "none refused"))
            return records
        return until("%d records %sat the receiver" % (count, table + " " if table else ""), enough, seconds)

    def expect_exactly(self, count, table=None):
        """States that so many records came, each of them once."""
        arrivals = self.arrivals(table)
        expect("records at the receiver, accepted and all that came",
               (len(self.records(table)), len(arrivals)), (count, count))
