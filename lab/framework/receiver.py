"""The strict HTTPS receiver of the test suite, as a scenario sees it."""
import json
import os
import socket
import sys
import time

from framework.program import Program
from framework.waiting import Failed, until

PORT = 8443
PROGRAM = "Tests/Receiver/receiver.py"


class Receiver:
    """Runs the receiver; reads what it accepted from its log; can make it misbehave."""

    def __init__(self, root, folder, certificates):
        self.url = "https://127.0.0.1:%d/v1/records" % PORT
        self.journal = os.path.join(folder, "receiver.jsonl")
        self._control = os.path.join(folder, "receiver.sock")
        _, certificate, key = certificates
        self.program = Program("receiver", [
            sys.executable, os.path.join(root, PROGRAM), "--cert", certificate, "--key", key,
            "--port", str(PORT), "--log", self.journal, "--control", self._control], folder)

    def start(self):
        """Starts it and waits until it listens."""
        self.program.start()
        until("the receiver listens", self._listens, 20, every=0.05)

    def _listens(self):
        self.program.expect_running()
        try:
            socket.create_connection(("127.0.0.1", PORT), 1).close()
            return True
        except OSError:
            return False

    def stop(self):
        """Ends it: the gateway finds nobody listening."""
        self.program.stop()

    def command(self, **order):
        """Tells the receiver how to behave from now on."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(10)
            control.connect(self._control)
            control.sendall(json.dumps(order).encode() + b"\n")
            return json.loads(control.makefile().readline())

    def log(self):
        """Everything that it has written down, one dictionary a line."""
        try:
            with open(self.journal) as lines:
                return [json.loads(line) for line in lines if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def records(self, kind=None):
        """The records that it accepted, with those that came more than once as often as they came."""
        found = [entry for entry in self.log() if entry.get("event") == "record"]
        return [entry for entry in found if kind in (None, entry.get("kind"))]

    def wait_for(self, count, kind=None, seconds=60):
        """Waits until so many records have arrived; returns them."""
        def enough():
            records = self.records(kind)
            if len(records) < count:
                raise Failed("%d of %d records" % (len(records), count))
            return records
        return until("%d %s records at the receiver" % (count, kind or ""), enough, seconds)
