"""The scenario's side of the virtual room."""
import json
import os
import select
import signal
import socket
import sys
import time

from framework.waiting import Failed


class RoomClient:
    """Starts a room in a process of its own and talks with it."""

    name = "room"

    def __init__(self, folder):
        self._socket_path = os.path.join(folder, self.name + ".sock")
        self.log = os.path.join(folder, self.name + ".log")
        self._process, self._socket, self._lines = None, None, b""
        self.events, self._answers = [], []

    def start(self, plugged):
        """Forks: bumble, which takes seconds to import, is imported once for all scenarios."""
        self._process = os.fork()
        if self._process == 0:
            try:
                self._become_room(plugged)
            finally:
                os._exit(1)
        self._socket = self._connect()

    def _become_room(self, plugged):
        os.setsid()
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        sys.stdout.flush()
        os.dup2(log, 1)
        os.dup2(log, 2)
        self._serve(plugged)

    def _serve(self, plugged):
        import asyncio
        from room.control import serve
        asyncio.run(serve(self._socket_path, plugged))

    def _connect(self):
        end = time.monotonic() + 20
        while True:
            client = socket.socket(socket.AF_UNIX)
            try:
                client.connect(self._socket_path)
                return client
            except OSError:
                client.close()
                if time.monotonic() > end or os.waitpid(self._process, os.WNOHANG)[0]:
                    self._process = None
                    raise Failed("the virtual room did not start: see room.log")
                time.sleep(0.05)

    def stop(self):
        """Ends the room."""
        if self._socket:
            self._socket.close()
        if self._process:
            os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)
            self._process = None

    def _pump(self, seconds):
        """Reads what has come within so many seconds."""
        if not select.select([self._socket], [], [], max(0, seconds))[0]:
            return
        data = self._socket.recv(65536)
        if not data:
            raise Failed("the virtual room ended: see room.log")
        *lines, self._lines = (self._lines + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            (self._answers if "ok" in message else self.events).append(message)

    def do(self, device, do, **more):
        """Has a device do something and returns its answer."""
        self._socket.sendall(json.dumps({"device": device, "do": do, **more}).encode() + b"\n")
        end = time.monotonic() + 30
        while not self._answers:
            if time.monotonic() > end:
                raise Failed("the virtual room did not answer to %s %s" % (device, do))
            self._pump(0.5)
        answer = self._answers.pop(0)
        if not answer["ok"]:
            raise Failed("%s cannot %s: %s" % (device, do, answer["error"]))
        return answer["result"]

    def add(self, name, kind, address):
        """Brings one more device of a kind into the room."""
        self.do("room", "add", name=name, kind=kind, address=address)

    def seen(self, device, event, after=0, **match):
        """The events of that kind from place `after` in the history on."""
        self._pump(0)
        return [e for e in self.events[after:]
                if e["device"] == device and e["event"] == event
                and all(e.get(key) == value for key, value in match.items())]

    def mark(self):
        """The present end of the history, to wait only for what comes after it."""
        self._pump(0)
        return len(self.events)

    def wait(self, device, event, seconds=45, after=0, count=1, **match):
        """Waits for the event, or for so many of it; returns the last of them."""
        end = time.monotonic() + seconds
        while len(found := self.seen(device, event, after, **match)) < count:
            left = end - time.monotonic()
            if left <= 0:
                raise Failed("not within %g s: %d × %s %s%s (came %d times; last events: %s)" % (
                    seconds, count, device, event, " %s" % match if match else "", len(found),
                    ", ".join("%s %s" % (e["device"], e["event"]) for e in self.events[-6:])))
            self._pump(min(left, 0.5))
        return found[count - 1]
