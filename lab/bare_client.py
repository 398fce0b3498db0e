"""How long each stage of a session takes where nobody but a small BlueZ client wants the adapter.

One cuff, bonded in the first round, amid a crowd: what of the daemon's times is the machine's, the kernel's
and bluetoothd's.
"""
import asyncio
import time

from central import Central
from room.formats import date_time, now

CUFF = "C0:26:DA:00:00:01"


def measure(room, foreign, per_second, window, rounds):
    """Plays the rounds; returns the lengths of each stage, and how much of the crowd the machine carried."""
    return asyncio.run(_measure(room, foreign, per_second, window, rounds))


async def _measure(room, foreign, per_second, window, rounds):
    central, lengths = await Central().open(), {}
    device = central.device(CUFF)
    room.do("crowd", "advertise", devices=foreign, per_second=per_second, seconds=300)
    crowded = time.monotonic()
    await central.scan(True)
    for turn in range(rounds):
        room.do("cuff", "measure", systolic=200 + turn, diastolic=60, pulse=60)
        central.objects.get((device, "Device1"), {}).pop("RSSI", None)
        mark, moments = room.mark(), [("shown", time.time())]
        room.do("cuff", "advertise", seconds=window)
        await central.until(lambda: central.get(device, "Device1", "RSSI") is not None, "the cuff is heard")
        moments.append(("heard", time.time()))
        await central.scan(False)
        moments.append(("discovery stopped", time.time()))
        # Pair connects by itself; after Connect bluetoothd 5.66 may never answer it.
        await central.call(device, "Device1", "Connect" if turn else "Pair")
        moments.append(("linked", time.time()))
        await central.services(device)
        moments.append(("services", time.time()))
        # What a gateway has to do before it takes records: see how wrong the cuff's clock is, and set it.
        await central.read(device, 0x2A08)
        await central.write(device, 0x2A08, date_time(now()))
        moments.append(("clock", time.time()))
        path = await central.subscribe(device, 0x2A35)
        moments.append(("subscribed", time.time()))
        await central.wait_values(path, turn + 1)
        moments.append(("value", time.time()))
        # Else bluetoothd would subscribe by itself next time, before the clock is read.
        await central.call(path, "GattCharacteristic1", "StopNotify")
        await central.gone(device)
        began = time.time()
        await central.scan(True)
        room.wait("cuff", "session-done", after=mark)
        if turn:  # the first one pairs
            for (_, before), (name, at) in zip(moments, moments[1:]):
                lengths.setdefault(name, []).append(at - before)
            lengths.setdefault("shown to value", []).append(moments[-1][1] - moments[0][1])
            lengths.setdefault("discovery started", []).append(time.time() - began)
    carried = room.do("crowd", "count") / (time.monotonic() - crowded)
    room.do("crowd", "silence")
    return lengths, carried
