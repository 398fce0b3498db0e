"""Proves the machine, bluetoothd and every virtual device without hakarud.

A small BlueZ client takes its place (`central`) and checks each byte. When this fails, the lab is at
fault and not the daemon.
"""
import asyncio
import datetime
import struct
import time

from central import ADAPTER, Central
from framework.waiting import Failed, expect, expect_that
from room.formats import date_time, now, parse_date_time

CUFF, SCALE = "C0:26:DA:00:00:01", "C0:26:DA:00:00:02"
METER, MI_SCALE = "00:60:19:00:00:03", "5C:CA:D3:00:00:04"
FAILED_RECORD = bytes.fromhex("16ff07ff07ff07")


def run(home):
    """Plays all parts; returns the seconds of each."""
    return asyncio.run(_parts(home.room))


async def _parts(room):
    central, figures = await Central().open(), {}
    for part in (cuff, cuff_fades, scale, meter, mi_scale, dongle):
        began = time.monotonic()
        try:
            await part(room, central)
        except Failed:
            raise
        except Exception as error:
            raise Failed("%s: %r" % (part.__name__, error)) from error
        figures[part.__name__] = "%.1f s" % (time.monotonic() - began)
    return figures


async def cuff(room, central):
    """A backlog of 32 over a Just Works bond; the device closes; the last record comes again."""
    device = central.device(CUFF)
    room.do("cuff", "set", clock_offset=-360.0)
    good = room.do("cuff", "backlog", failed=30, good=2)
    room.do("cuff", "advertise", seconds=30)
    await central.find(device)
    expect("the cuff's name", central.get(device, "Device1", "Name"), "A&D_UA-651BLE_000001")
    await central.call(device, "Device1", "Pair")
    expect("questions at a Just Works bond", central.agent.asked, [])
    await central.services(device)
    expect("model", await central.read(device, 0x2A24), b"UA-651BLE")
    slow = (now() - parse_date_time(await central.read(device, 0x2A08))).total_seconds()
    expect_that("the cuff's clock is 6 minutes slow, not %.1f s" % slow, 358 < slow < 363)
    path = await central.subscribe(device, 0x2A35)
    records = await central.wait_values(path, 32)
    await central.write(device, 0x2A08, date_time(now() + datetime.timedelta(seconds=0.5)))
    await central.gone(device)
    expect("failed measurements", sum(r.startswith(FAILED_RECORD) for r in records), 30)
    expect("good measurements last", [struct.unpack_from("<H", r, 1)[0] for r in records[30:]],
           [reading["systolic"] for reading in good])
    times = [parse_date_time(r[7:14]) for r in records]
    expect_that("records come oldest first", times == sorted(times))
    expect("delivered", room.do("cuff", "records"), {"stored": 32, "delivered": 32})
    error = room.wait("cuff", "clock-set")["error"]
    expect_that("the clock that was set is right, not %.1f s off" % error, abs(error) < 2)
    room.do("cuff", "set", resend_last=True)
    room.do("cuff", "advertise", seconds=30)
    await central.call(device, "Device1", "Connect")
    # bluetoothd restores the subscription by itself while its client lives
    again = await central.wait_values(path, 33)
    expect("the record that came again", again[32], records[31])
    await central.gone(device)


async def cuff_fades(room, central):
    """The link is lost in the middle of a backlog: the record on its way comes again."""
    device = central.device(CUFF)
    mark, path = room.mark(), central.characteristic(device, 0x2A35)
    before = len(central.received(path))
    room.do("cuff", "backlog", failed=0, good=8)
    room.do("cuff", "set", pause=0.3)
    room.do("cuff", "advertise", seconds=30)
    await central.call(device, "Device1", "Connect")
    await central.wait_values(path, before + 3)
    room.do("cuff", "fade")
    await central.gone(device)
    left = room.do("cuff", "records")
    expect_that("records are left after the link was lost", left["delivered"] < left["stored"])
    room.do("cuff", "set", pause=0.0)
    room.do("cuff", "advertise", seconds=30)
    await central.call(device, "Device1", "Connect")
    await asyncio.to_thread(room.wait, "cuff", "session-done", after=mark)
    await central.gone(device)
    expect("records delivered in the end", room.do("cuff", "records")["delivered"], 40)
    expect_that("all eight arrived", len(set(central.received(path)[before:])) == 8)


async def scale(room, central):
    """A weighing is offered at once and arrives."""
    device = central.device(SCALE)
    room.do("scale", "weigh", kg=71.35)
    await central.find(device)
    await central.call(device, "Device1", "Pair")
    await central.services(device)
    path = await central.subscribe(device, 0x2A9D)
    value, = await central.wait_values(path, 1)
    expect("the weighing", value[:3].hex(), "02be37")
    await central.gone(device)


async def meter(room, central):
    """A passkey bond, then the record access control point with its refusals."""
    device = central.device(METER)
    stored = room.do("meter", "store", count=7)
    room.do("meter", "advertise")
    await central.find(device)
    central.agent.passkey = 271828
    try:
        await central.call(device, "Device1", "Pair")
        raise Failed("the meter accepted a wrong passkey")
    except RuntimeError:
        await central.gone(device)
    central.agent.passkey = 314159
    room.do("meter", "advertise")
    if (device, "Device1") not in central.objects:
        await central.find(device)
    await central.call(device, "Device1", "Pair")
    expect_that("the bond is authenticated", room.wait("meter", "paired")["authenticated"])
    await central.services(device)
    await _refused(central.write(device, 0x2A52, b"\x01\x01"), "a request without subscriptions")
    values = await central.subscribe(device, 0x2A18)
    contexts = await central.subscribe(device, 0x2A34)
    answers = await central.subscribe(device, 0x2A52)
    requests = [(b"\x04\x01", "05000700"), (b"\x01\x01", "06000101"), (b"\x01\x03\x01\x05\x00", "06000101"),
                (b"\x01\x03\x01\x63\x00", "06000106"), (b"\x02\x01", "06000202")]
    for count, (request, answer) in enumerate(requests, 1):
        await central.write(device, 0x2A52, request)
        got = (await central.wait_values(answers, count))[-1]
        expect("the answer to %s" % request.hex(), got.hex(), answer)
    await central.until(lambda: len(central.received(values)) >= 10, "all records")
    sequences = [struct.unpack_from("<H", value, 1)[0] for value in central.received(values)]
    expect("records: all, then from 5 on", sequences, [1, 2, 3, 4, 5, 6, 7, 5, 6, 7])
    expect("contexts", len(central.received(contexts)), 3)
    first = central.received(values)[0]
    shown = parse_date_time(first[3:10]) + datetime.timedelta(minutes=struct.unpack_from("<h", first, 10)[0])
    expect("base time and offset", shown.isoformat(), stored[0]["shown"])
    room.do("meter", "set", pause=0.5)
    await central.write(device, 0x2A52, b"\x01\x01")
    await _refused(central.write(device, 0x2A52, b"\x01\x01"), "a request during another")
    await central.write(device, 0x2A52, b"\x03\x00")
    got = (await central.wait_values(answers, len(requests) + 1))[-1]
    expect("the answer to an abort", got.hex(), "06000301")
    room.do("meter", "set", idle_seconds=1.0)
    await central.gone(device)


async def _refused(call, what):
    try:
        await call
    except RuntimeError:
        return
    raise Failed("the meter did not refuse " + what)


async def mi_scale(room, central):
    """One weighing among fifty bystanders: every phase is seen."""
    device = central.device(MI_SCALE)
    room.do("crowd", "advertise", devices=50, per_second=20, seconds=8)
    await central.scan(True)
    wanted = bytes.fromhex(room.do("mi-scale", "weigh", kg=68.2, impedance=512, settling=1.0, removed=2.0))

    def data():
        services = central.get(device, "Device1", "ServiceData") or {}
        return next((bytes(v.value) for k, v in services.items() if k.startswith("0000181b")), b"")
    await central.until(lambda: data() == wanted, "the frame with the impedance")
    await central.until(lambda: data()[1:2] == b"\xa6", "the frame after stepping off")
    await central.until(lambda: data()[1:2] == b"\x82", "the empty scale")
    expect("the name", central.get(device, "Device1", "Name"), "MIBFS")
    await central.scan(False)


async def dongle(room, central):
    """The adapter is pulled and put back; the bond survives."""
    room.do("dongle", "unplug")
    await central.until(lambda: (ADAPTER, "Adapter1") not in central.objects, "adapter gone")
    room.do("dongle", "plug")
    await central.until(lambda: central.get(ADAPTER, "Adapter1", "Powered"), "adapter back")
    await central.until(lambda: central.get(central.device(CUFF), "Device1", "Bonded"), "the cuff's bond")
