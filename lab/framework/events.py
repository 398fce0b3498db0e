"""The daemon's stream of events, listened to all the while."""
import json
import os
import socket
import threading
import time


class EventWatch:
    """Keeps every stored record's key with the moment at which the stream told of it, and every session."""

    def __init__(self, gateway):
        self.stored, self.connections, self._is_over = {}, 0, False
        self.sessions = []  # what the stream tells of each session with a device that has ended
        self._path = os.path.join(gateway.runtime, "hakaru.sock")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._is_over:
            try:
                with socket.socket(socket.AF_UNIX) as stream:
                    stream.connect(self._path)
                    stream.settimeout(1)
                    stream.sendall(b"GET /v1/events HTTP/1.1\r\nHost: lab\r\nAccept: text/event-stream\r\n\r\n")
                    self.connections += 1
                    self._listen(stream)
            except OSError:
                time.sleep(0.2)

    def _listen(self, stream):
        rest = b""
        while not self._is_over:
            try:
                data = stream.recv(65536)
            except socket.timeout:
                continue
            if not data:
                return
            at = time.time()
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                if line.startswith(b"data:") and b'"key"' in line:
                    self.stored.setdefault(json.loads(line[5:])["key"], at)
                elif line.startswith(b"data:") and b'"heard_at_ms"' in line:
                    self.sessions.append(json.loads(line[5:]))

    def close(self):
        """Stops listening."""
        self._is_over = True
        self._thread.join(5)
