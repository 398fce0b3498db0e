"""The room as a process: its devices, and a socket on which the scenarios act and listen.

JSON lines: a request `{"device": …, "do": …, …}` is answered with `{"ok": …}`; every client gets the
events, `{"event": …, "device": …, …}`, those before it connected included.
"""
import asyncio
import json
import sys
import time

from room.air import Air, Dongle
from room.broadcaster import Crowd
from room.cuff import Cuff
from room.hostile import Hostile
from room.meter import Meter
from room.miscale import MiScale
from room.played import Played
from room.s400 import S400
from room.scale import Scale

DEVICES = {
    "cuff": (Cuff, "C0:26:DA:00:00:01"),
    "scale": (Scale, "C0:26:DA:00:00:02"),
    "meter": (Meter, "00:60:19:00:00:03"),
    "mi-scale": (MiScale, "5C:CA:D3:00:00:04"),
    "s400": (S400, "5C:CA:D3:00:00:06"),
    "crowd": (Crowd, "00:00:00:00:00:05"),
}
DONGLES = {"dongle": "00:1A:7D:DA:71:11", "second-dongle": "00:1A:7D:DA:71:12"}
KINDS = {**{name: kind for name, (kind, _) in DEVICES.items()}, "hostile": Hostile}  # what can be added


class Room:
    """Everything on the air, and who watches it."""

    def __init__(self):
        self.air, self.devices, self.dongles = Air(), {}, {}
        self._clients, self._history = set(), []

    def event(self, event, device, **more):
        """Tells every client, and those still to come."""
        line = json.dumps({"event": event, "device": device, "at": round(time.time(), 3), **more}) + "\n"
        self._history.append(line)
        sys.stdout.write(line)
        sys.stdout.flush()
        for client in self._clients:
            client.write(line.encode())

    async def start(self, plugged):
        """Puts the devices in, and the dongle where the scenario wants one."""
        for name, (kind, address) in DEVICES.items():
            self.devices[name] = kind(self, name, address)
            await self.devices[name].start()
        if plugged:
            self._dongle("dongle", "plug")

    def _dongle(self, name, do, address=None, **settings):
        dongle = self.dongles.get(name)
        if do == "set":
            for setting, value in settings.items():
                setattr(dongle if setting == "silent" else dongle.controller, setting, value)
            self.event("set", name, **settings)
        elif do == "plug":
            self.dongles[name] = Dongle(self.air, address or DONGLES[name])
            self.event("plugged", name, adapter="hci%d" % self.dongles[name].index)
        elif do == "unplug":
            dongle.unplug()
            self.event("unplugged", name)
        else:
            raise ValueError("a dongle can only be plugged, unplugged and set")
        return True

    async def do_add(self, name, kind, address):
        """Brings one more device of a kind."""
        self.devices[name] = KINDS[kind](self, name, address)
        await self.devices[name].start()

    async def do_tape(self, name, tape, address=None):
        """Brings a device that plays a tape, under the tape's own address or another."""
        self.devices[name] = Played(self, name, address, tape)
        await self.devices[name].start()

    async def _do(self, request):
        name, do = request.pop("device"), request.pop("do")
        if name == "room":
            return await getattr(self, "do_" + do)(**request)
        if name in DONGLES:
            return self._dongle(name, do, **request)
        return await getattr(self.devices[name], "do_" + do)(**request)

    async def serve_client(self, reader, writer):
        """Answers one client until it leaves."""
        for line in self._history:
            writer.write(line.encode())
        self._clients.add(writer)
        try:
            while line := await reader.readline():
                try:
                    answer = {"ok": True, "result": await self._do(json.loads(line))}
                except Exception as error:  # whatever a device does wrong belongs to the scenario
                    answer = {"ok": False, "error": repr(error)}
                writer.write(json.dumps(answer).encode() + b"\n")
        except ConnectionError:
            pass
        finally:
            self._clients.discard(writer)
            writer.close()


async def serve(socket_path, plugged=True):
    """Runs the room until the process is ended."""
    room = Room()
    await room.start(plugged)
    server = await asyncio.start_unix_server(room.serve_client, socket_path)
    async with server:
        await server.serve_forever()
