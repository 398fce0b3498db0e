"""Tapes made for a test: a cuff that is measured with, at a time and with a clock that the test chooses."""
import datetime
import json

ZONE = datetime.timezone(datetime.timedelta(hours=9))
START = datetime.datetime(2026, 3, 1, 8, 0, 0, tzinfo=ZONE)
CUFF = "A4:C1:38:00:01:01"
ADVERTISEMENT = "02010503031018150941 26445f55412d363531424c455f304131423243"


def date_time(moment):
    """A local time as the seven bytes of 2A08."""
    return "%02x%02x%02x%02x%02x%02x%02x" % (
        moment.year & 255, moment.year >> 8, moment.month, moment.day, moment.hour, moment.minute,
        moment.second)


def pressure(systolic, diastolic, pulse, moment):
    """A 2A35 record with time and pulse, in mmHg."""
    def sfloat(number):
        return "%02x%02x" % (number & 255, number >> 8)
    return ("16" + sfloat(systolic) + sfloat(diastolic) + sfloat((systolic + 2 * diastolic) // 3)
            + date_time(moment) + sfloat(pulse) + "0000")


def cuff(records, at=START, slow=datetime.timedelta(), address=CUFF, clock=True, synchronised=True,
         note=None):
    """A session of a UA-651BLE class cuff: `records` are (systolic, diastolic, pulse, true time)."""
    step = datetime.timedelta(milliseconds=200)
    now = at
    lines = [{"tape": 1, "transport": "ble", "address": address, "address-type": "public",
              "note": note or "made for a test"}]

    def line(name, value):
        nonlocal now
        lines.append({"at": now.isoformat(timespec="milliseconds"), name: value})
        now += step

    if not synchronised:
        line("gateway-clock", {"synchronised": False})
    line("advertisement", {"data": ADVERTISEMENT, "rssi": -60})
    line("connected", {})
    characteristics = [{"uuid": "2a35", "properties": ["indicate"]}]
    if clock:
        characteristics.append({"uuid": "2a08", "properties": ["read", "write"]})
    line("services", [{"uuid": "1810", "characteristics": characteristics}])
    if clock:
        line("read", {"uuid": "2a08", "value": date_time(now - slow)})
        if synchronised:
            line("write", {"uuid": "2a08", "value": "*"})
    for systolic, diastolic, pulse, moment in records:
        line("indicate", {"uuid": "2a35", "value": pressure(
            systolic, diastolic, pulse, moment - slow)})
    line("disconnected", {"by": "device"})
    return "".join(json.dumps(entry) + "\n" for entry in lines)


def wrong_clock(records, address=CUFF):
    """A session while the gateway shows 1970; its clock steps to START when it is synchronised.

    The device's own clock is right.
    """
    boot = datetime.datetime(1970, 1, 1, 9, 0, 10, tzinfo=ZONE)
    lines = cuff(records, at=boot, synchronised=False, address=address).splitlines(True)
    for number, line in enumerate(lines):
        entry = json.loads(line)
        if "read" in entry:
            since = datetime.datetime.fromisoformat(entry["at"]) - boot
            entry["read"]["value"] = date_time(START + since)
            lines[number] = json.dumps(entry) + "\n"
    return "".join(lines) + json.dumps(
        {"at": START.isoformat(timespec="milliseconds"), "gateway-clock": {"synchronised": True}}) + "\n"


def series(count, first=START, systolic=120):
    """`count` measurements a minute apart, the last one a minute before `first`."""
    return [(systolic + n % 40, 70 + n % 20, 60 + n % 30,
             first - datetime.timedelta(minutes=count - n)) for n in range(count)]
