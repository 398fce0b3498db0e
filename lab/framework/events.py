"""The daemon's stream of events, listened to all the while."""
import json
import os
import socket
import threading
import time


class EventWatch:
    """Keeps every stored record's key with the moment at which the stream told of it."""

    def __init__(self, gateway):
        self.stored = {}
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(os.path.join(gateway.runtime, "hakaru.sock"))
        self._socket.sendall(b"GET /v1/events HTTP/1.1\r\nHost: lab\r\n\r\n")
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self._socket.makefile("rb"):
            at = time.time()
            if line.startswith(b"data:") and b'"key"' in line:
                self.stored.setdefault(json.loads(line[5:])["key"], at)

    def close(self):
        """Stops listening."""
        self._socket.close()
