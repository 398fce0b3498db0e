"""The drawer of cables as a process, spoken to like the room: JSON lines on a socket."""
import asyncio
import json
import sys
import time

from cable.bridge import Adapter, SerialCuff
from cable.contour import Contour
from cable.health import HealthScale
from cable.jpi import JPICuff
from cable.keyboard import Keyboard
from cable.metrix import TrueMetrix
from cable.omron import OmronCuff
from cable.pasori import PaSoRi
from cable.pasori300 import PaSoRi300
from cable.storage import Disk, Verio

DEVICES = {
    "omron": OmronCuff, "omron-2": OmronCuff, "jpi": JPICuff, "verio": Verio, "stick": Disk,
    "adapter": Adapter, "reader": Keyboard, "keyboard": Keyboard, "pasori": PaSoRi, "pasori-300": PaSoRi300,
    "serial-cuff": SerialCuff, "contour": Contour, "health-scale": HealthScale,
    "true-metrix": TrueMetrix,
}


class Drawer:
    """All devices, and who watches them."""

    def __init__(self):
        self.devices = {name: kind(self, name) for name, kind in DEVICES.items()}
        self._clients, self._history = set(), []

    def event(self, event, device, **more):
        """Tells every client, and those still to come."""
        line = json.dumps({"event": event, "device": device, "at": round(time.time(), 3), **more}) + "\n"
        self._history.append(line)
        sys.stdout.write(line)
        sys.stdout.flush()
        for client in self._clients:
            client.write(line.encode())

    async def _do(self, request):
        name, do = request.pop("device"), request.pop("do")
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
        finally:
            self._clients.discard(writer)


async def serve(path):
    """Serves until the process is ended."""
    drawer = Drawer()
    server = await asyncio.start_unix_server(drawer.serve_client, path)
    async with server:
        await server.serve_forever()
