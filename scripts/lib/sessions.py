"""The constructed sessions: which characteristics a model has, and in which order its frames come."""
import datetime
import json
import os
import subprocess

from cables import CABLES, cable_header, cable_lines

ZONE = datetime.timezone(datetime.timedelta(hours=9))
ADDRESS = "A4:C1:38:00:%02X:%02X"
PROPERTIES = {"r": "read", "w": "write", "n": "notify", "i": "indicate"}


def connected(at, services, frames, clock=None, ahead=0, sets=None, info=None, bond=None, records=False,
              writes=(), settle=0.06, note=""):
    """A session with a connection.

    `services` is {service: "2a35=i 2a08=rw"}; `frames` are numbers of the profile's vectors; `clock` is the
    characteristic that is read, `ahead` how many seconds it is fast, `sets` what is written to it ("*": any);
    `settle`: seconds after discovery; `info` is (maker, model, serial); `records`: stored records are asked for by the access point.
    """
    return {"at": at, "services": services, "frames": frames, "clock": clock, "ahead": ahead, "sets": sets,
            "info": info, "bond": bond, "records": records, "writes": writes, "settle": settle,
            "note": note}


def broadcast(at, frames, step=0.4, note="", beside=b""):
    """A device that is only listened to: `frames` are vectors, one advertisement each."""
    return {"at": at, "frames": frames, "step": step, "note": note, "beside": beside}


BP = {"1810": "2a35=i 2a49=r", "1805": "2a2b=rwn"}
GLUCOSE = {"1808": "2a18=n 2a34=n 2a52=wi 2a51=r"}
LEFU = {"ffb0": "ffb1=w ffb2=n"}

SESSIONS = {
    "1byone-scale": connected("2026-03-01T07:10:00", LEFU, [2, 1, 3]),
    "and-ua-1200ble": connected(
        "2026-01-01T00:00:20", BP, [1, 0], clock="2a2b", ahead=-15, bond="just-works",
        info=("A&D Medical", "UA-1200BLE", "5190100001"), note="the clock is 15 seconds slow"),
    "and-uc-421ble": connected(
        "2026-01-01T00:00:20", {"181d": "2a9d=i 2a9e=r", "181b": "2a9c=i 2a9b=r", "181c": "2a9f=wi 2a9a=r",
                                "1805": "2a2b=rwn"},
        [0, 1], clock="2a2b", bond="just-works", info=("A&D Medical", "UC-421BLE", "5200100001")),
    "and-ut-201ble": connected(
        "2018-03-10T21:52:30", {"1809": "2a1c=i 2a1e=n 2a08=rw"}, [0, 1], clock="2a08", ahead=3, sets="now",
        bond="just-works", info=("A&D Medical", "UT-201BLE", "5180100001"), note="the clock is 3 seconds fast"),
    "ascensia-contour": connected(
        "2025-12-31T15:05:00", GLUCOSE, [0], bond="passkey-entry", records=True,
        info=("Ascensia", "Contour7801", "7801123")),
    "caresens-n": connected(
        "2025-12-31T15:05:00", GLUCOSE, [0], bond="passkey-entry", records=True,
        info=("i-SENS", "CareSens", "0123456")),
    "mylife-meter": connected(
        "2025-12-31T15:05:00", GLUCOSE, [0], bond="passkey-entry", records=True),
    "beurer-bf720": connected(
        "2026-05-12T18:54:04", {"181d": "2a9d=i 2a9e=r", "181b": "2a9c=i 2a9b=r", "181c": "2a9f=wi",
                                "1805": "2a2b=rw", "fff0": "fff1=rw"},
        [0, 2], clock="2a2b", bond="just-works", info=("Beurer", "BF720", "720000001")),
    "beurer-bm85": connected("2026-08-11T21:00:10", {"1810": "2a35=i"}, [0, 1, 3], bond="just-works",
                             info=("Beurer", "BM85", "850000001")),
    "detecto-6880": connected("2026-03-01T07:10:00", {"181d": "2a9d=ri"}, [1, 0]),
    "fittrack-scale": connected("2026-03-01T07:10:00", LEFU, [1, 0],
                                note="nobody said what the display is set to, so there is no record"),
    "hutbit-scale": connected("2026-03-01T07:10:00", LEFU, [1, 0]),
    "koogeek-s1": connected("2026-03-01T07:10:00", {"fff0": "fff4=n"}, [0]),
    "laica-smart-scale": broadcast("2026-03-01T07:10:00", [0, 0, 1, 1]),
    "mgb-scale": connected("2026-03-01T07:10:00", LEFU, [1, 0, 2]),
    "microlife-bp3gy1-2n": connected(
        "2024-06-15T14:31:00", {"fff0": "fff1=n fff2=w"}, [2], bond="just-works",
        writes=[("fff2", "4dff000900000000000000fd52")]),
    "nipro-nbp-1ble": connected(
        "2024-06-15T17:17:40", {"1810": "2a35=i 2a08=rw"}, [2], clock="2a08", sets="now", bond="just-works", settle=1.2,
        info=("NIPRO", "NBP-1BLE", "1700001")),
    "nipro-nt-100b": connected(
        "2018-03-10T21:52:30", {"1809": "2a1c=i", "00001523-1212-efde-1523-785feabcd123":
                                "00001524-1212-efde-1523-785feabcd123=wn"}, [1, 2], bond="just-works"),
    "omron-hem-9200t": connected(
        "2026-01-01T00:00:20", {"1810": "2a35=i 2a49=r", "1805": "2a2b=rwn"}, [1, 0], clock="2a2b",
        bond="passkey-entry", info=("OMRON HEALTHCARE", "HEM-9200T", "2019030001")),
    "omron-hn-300t2": connected(
        "2026-01-01T00:00:20", {"181d": "2a9d=n 2a9e=r", "1805": "2a2b=rwn"}, [0], clock="2a2b", sets="*",
        bond="just-works", info=("OMRON HEALTHCARE", "HN-300T2", "2021050001")),
    "omron-standard-cuff": connected(
        "2026-01-01T00:00:20", {"1810": "2a35=i 2a52=wi 2a49=r", "1805": "2a2b=rwn"}, [1], clock="2a2b",
        bond="just-works", records=True, info=("OMRON HEALTHCARE", "HEM-6233T", "2020010001")),
    "polar-heart-rate": broadcast("2026-03-01T07:10:00", [0, 0, 1], step=1),
    "renpho-es-26r": broadcast("2026-03-01T07:10:00", [0]),
    "renpho-es-wbe28": connected(
        "2026-07-04T12:26:10", {"181d": "2a9d=i 2a9e=r", "181b": "2a9c=i 2a9b=r"}, [0, 1]),
    "sanitas-sbm69": connected(
        "2024-06-15T17:18:10", {"1810": "2a35=i"}, [3, 0], bond="passkey-entry",
        info=("Sanitas", "SBM69", "690000001")),
    "sig": connected("2026-01-01T00:00:20", {"1810": "2a35=i 2a49=r 2a08=rw"}, [0], clock="2a08", ahead=60,
                     note="the clock is a minute fast; it is read and not set"),
    "soehnle-shape-sense-200": connected(
        "2019-08-21T08:32:10", {"352e3000-28e9-40b8-a361-6db4cca4147c": "352e3001-28e9-40b8-a361-6db4cca4147c=n"},
        [0], note="no clock can be read"),
    "taylor-bia": connected("2026-03-01T07:10:00", LEFU, [1, 0]),
    "vitafit-vt701": connected("2026-03-01T07:10:00", {"fff0": "fff4=n"}, [1, 0, 2]),
    "xiaogui-qj-j": broadcast("2026-03-01T07:10:00", [0, 1, 1], beside=bytes.fromhex("a4c138000001")),
    "xiaogui-tzc4": broadcast("2026-03-01T07:10:00", [1, 0, 0], beside=bytes.fromhex("a4c138000001")),
    "xiaomi-mi-band": broadcast("2026-03-01T07:10:00", [0, 1], step=1),
    "xiaomi-mi-smart-scale": broadcast("2026-03-01T07:10:00", [1, 1, 0, 0, 2],
                                       note="the scale's clock shows 1970"),
    "xiaomi-s400": broadcast("2026-03-01T07:10:00", [0, 1], note="without the owner's key"),
    "yonker-yk-ibpa1": connected(
        "2024-11-25T19:20:05", {"cdeacd80-5235-4c07-8846-93a37ee6b86d": "cdeacd81-5235-4c07-8846-93a37ee6b86d=n"},
        [1, 0]),
}

SESSIONS.update(CABLES)


def profiles(program, root, names):
    """What `hakaru profile show` says of profiles, by their ids."""
    done = subprocess.run([program, "profile", "show", *names, "--json"], capture_output=True, check=True,
                          env={**os.environ, "HAKARU_DATA_DIRECTORY": root, "HAKARU_OWN_PROFILES": "/nowhere"})
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    return {profile["id"]: profile for profile in shown}


class Lines:
    """The lines of a tape, each a little later than the one before."""

    def __init__(self, name, session):
        number = sorted(SESSIONS.keys() - CABLES.keys() | {name}).index(name) + 1
        self.now = datetime.datetime.fromisoformat(session["at"]).replace(tzinfo=ZONE)
        note = "Constructed from public layout descriptions, not recorded from a device"
        radio = {"transport": "ble", "address": ADDRESS % (1, number), "address-type": "public"}
        shown = cable_header(name, session) if "talk" in session else radio
        header = {"tape": 1, **shown,
                  "note": note + ("; " + session["note"] if session["note"] else "") + "."}
        self.lines = [json.dumps(header)]

    def add(self, name, value, after=0.06):
        entry = {"at": self.now.isoformat(timespec="milliseconds"), name: value}
        self.lines.append(json.dumps(entry, separators=(",", ":")))
        self.now += datetime.timedelta(seconds=after)

    def text(self):
        return "\n".join(self.lines) + "\n"


def tape(name, session, shown):
    lines = Lines(name, session)
    if "talk" in session:
        cable_lines(lines, session, shown)
    elif "services" in session:
        connected_lines(lines, session, shown)
    else:
        broadcast_lines(lines, session, shown)
    return lines.text()


# ---------------------------------------------------------------- connected

def connected_lines(lines, session, shown):
    lines.add("advertisement", {"data": shown["examples"][0].replace(" ", ""), "rssi": -58}, 0.3)
    lines.add("connected", {}, 0.6)
    if session["bond"]:
        lines.add("bonded", {"method": session["bond"]}, 0.5)
    services = dict(session["services"])
    if session["info"]:
        services.update({"180a": "2a29=r 2a24=r 2a25=r", "180f": "2a19=rn"})
    lines.add("services", [service(*item) for item in services.items()], session["settle"])
    if session["info"]:
        for uuid, text in zip(("2a29", "2a24", "2a25"), session["info"]):
            lines.add("read", {"uuid": uuid, "value": text.encode().hex()})
        lines.add("read", {"uuid": "2a19", "value": "50"})
    if session["clock"]:
        read_clock(lines, session)
    if session["records"]:
        lines.add("write", {"uuid": "2a52", "value": "01 01"}, 0.2)
    for uuid, value in session["writes"]:
        lines.add("write", {"uuid": uuid, "value": value}, 0.2)
    for number in session["frames"]:
        vector = shown["vectors"][number]
        uuid = vector["source"].split(":")[1]
        how = "indicate" if (uuid + "=i") in " ".join(services.values()).replace("=ri", "=i") else "notify"
        lines.add(how, {"uuid": uuid, "value": vector["hex"].replace(" ", "")}, 0.4)
    if session["records"]:
        lines.add("indicate", {"uuid": "2a52", "value": "06 00 0101"}, 0.4)
    lines.add("disconnected", {"by": "device"})


def service(uuid, characteristics):
    found = []
    for item in characteristics.split():
        name, letters = item.split("=")
        found.append({"uuid": name, "properties": [PROPERTIES[letter] for letter in letters]})
    return {"uuid": uuid, "characteristics": found}


def read_clock(lines, session):
    # At a whole second, so that the clock's error is a whole number.
    lines.now = lines.now.replace(microsecond=0) + datetime.timedelta(seconds=1)
    shown = lines.now + datetime.timedelta(seconds=session["ahead"])
    lines.add("read", {"uuid": session["clock"], "value": clock_bytes(shown, session["clock"])}, 0.15)
    if session["sets"] == "now":
        lines.add("write", {"uuid": session["clock"], "value": clock_bytes(lines.now, session["clock"])}, 0.4)
    elif session["sets"]:
        lines.add("write", {"uuid": session["clock"], "value": session["sets"]}, 0.4)


def clock_bytes(moment, uuid):
    """A Date Time of seven bytes; a Current Time has weekday, fraction and reason behind it."""
    parts = moment.year.to_bytes(2, "little") + bytes(
        [moment.month, moment.day, moment.hour, moment.minute, moment.second])
    return (parts + (bytes([moment.isoweekday(), 0, 0]) if uuid == "2a2b" else b"")).hex()


# ---------------------------------------------------------------- broadcast

def broadcast_lines(lines, session, shown):
    for number in session["frames"]:
        vector = shown["vectors"][number]
        data = structure(vector["source"], bytes.fromhex(vector["hex"]) + session["beside"])
        rest = other_structures(bytes.fromhex(shown["examples"][0]), data[1], data[2:4])
        lines.add("advertisement", {"data": (rest + data).hex(), "rssi": -63}, session["step"])


def structure(source, payload):
    """The AD structure that carries a frame of this source."""
    kind, number = source.split(":")
    if kind == "service-data":
        body = bytes([0x16]) + bytes.fromhex(number)[::-1] + payload
    elif number.startswith("xx"):
        # The other byte of the company id stands in front of the frame.
        body = bytes([0xFF, int(number[2:], 16)]) + payload
    else:
        body = bytes([0xFF]) + bytes.fromhex(number)[::-1] + payload
    return bytes([len(body)]) + body


def other_structures(advertisement, kind, owner):
    """What stands in the example beside the data of this kind and owner."""
    kept, place = b"", 0
    while place < len(advertisement):
        part = advertisement[place:place + 1 + advertisement[place]]
        is_same = part[1] == kind and (part[2:4] == owner or kind == 0xFF)
        kept += b"" if is_same else part
        place += len(part)
    return kept
