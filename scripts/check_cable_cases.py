"""The USB and serial cases of scripts/check-cases: their bytes in, what the program prints compared.

A case holds `hex`, `record_hex` or `text` (one message), `exchange` (what went over the cable), `pairs`
(bytes and their checksum), descriptors, or only a layout in words, out of which records are built here.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts" / "lib"))
import cables  # noqa: E402

# What a case calls a value, and what decode calls it.
VALUES = {
    "systolic": ("systolic", "mm[Hg]"),
    "diastolic": ("diastolic", "mm[Hg]"),
    "mean": ("mean_arterial_pressure", "mm[Hg]"),
    "pulse": ("pulse_rate", "/min"),
    "pulse_bpm": ("pulse_rate", "/min"),
    "mg_dl": ("glucose", "mg/dL"),
    "mmol_l": ("glucose", "mmol/L"),
    "weight_kg": ("weight", "kg"),
    "height_cm": ("height", "cm"),
    "bmi": ("body_mass_index", "kg/m2"),
    "fat_percent": ("body_fat", "%"),
    "muscle_kg": ("muscle_mass", "kg"),
    "bone_kg": ("bone_mass", "kg"),
    "water_percent": ("body_water", "%"),
    "water_kg": ("body_water_mass", "kg"),
    "steps": ("steps", "{steps}"),
    "kcal": ("calories", "kcal"),
    "distance_miles": ("distance", "[mi_i]"),
}
WEIGHT_UNITS = {"kg": "kg", "g": "g", "lb": "[lb_av]", "oz": "[oz_av]"}
TIMES = ("time", "device_time", "meter_clock")
SOURCES = ("usb", "serial", "eeprom", "stamp")
FLAGS = {"irregular heartbeat": "irregular-pulse", "body movement": "body-movement"}


# Plays what happens to a plugged device, as a case tells it; it needs `swift build --build-tests`.
PLUGS = "ServicesPlugCasesTests"


def run_tests(name, case):
    # The built tests themselves: a second `swift test` would wait for one that runs this script.
    program = os.path.join(ROOT, ".build/debug/hakaruPackageTests.xctest")
    if not os.access(program, os.X_OK):
        return False, "the tests are not built: swift build --build-tests"
    done = subprocess.run(
        [program, "--testing-library", "swift-testing", "--filter", name], cwd=ROOT,
        env={**os.environ, "HAKARU_CABLE_CASE": case},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    passed = re.search(r"Test run with (\d+) tests? .*passed", done.stdout)
    return done.returncode == 0 and passed and int(passed[1]) > 0, done.stdout.strip()[-200:]


def pedometer(day):
    """A session with one day in the memory."""
    wake = cables.HHX_WAKE + cables.counted("in", b"OK")
    talk = wake + cables.hhx_command("VER", answer=cables.ok(b"\0HJ-720IT 10"))
    talk += cables.hhx_command("SRL", answer=cables.ok(b"\0\x0dHJ7208Y125980")) + wake
    talk += cables.hhx_command("CNT", answer=cables.ok(bytes([0, 0, 1, 0, 1])))
    talk += cables.hhx_command("GTD", bytes([0, 0, 0, 4]), day)
    return talk + cables.hhx_command("END", answer=b"OK")


def running_day(steps):
    """The answer with the running day of the pedometer, so far with so many steps."""
    # Steps, aerobic steps and minutes, kcal, distance, fat, flag, day counter, weight, stride.
    nibbles = f"{steps:05d}" + "00000" + "0000" + "00006" + "00013" + "0003" + "8" + "00a" + "1470" + "0320"
    return cables.ok(bytes([0, 0x14]) + bytes.fromhex(nibbles))


def cuff_record(wanted):
    """A record of the cuff with the values that a case expects of it."""
    at = datetime.fromisoformat(wanted["time"])
    return bytes([0, at.year - 2000, at.month, at.day, at.hour, at.minute, at.second, 0,
                  *int(wanted["systolic"]).to_bytes(2), int(wanted["diastolic"]),
                  int(wanted["pulse"]), 0, 0])


def broken_cuff(record, broken, count):
    """A session with so many records of which one, counted from 1, never comes whole."""
    talk = cables.HHX_WAKE + cables.counted("in", b"OK")
    talk += cables.hhx_command("VER", answer=cables.ok(b"\0M670IT  100"))
    talk += cables.hhx_command("SRL", answer=cables.ok(b"\0\6" + bytes(6)))
    talk += cables.hhx_command("GDC", bytes(4), cables.ok(bytes([0, 0, 0x13, 0, count])))
    for index in range(broken - 1):
        # Each older record is a minute older.
        older = bytearray(record)
        older[5] = (older[5] - index) % 60
        talk += cables.hhx_command("GME", bytes([0, 0, 0, index]), cables.ok(bytes(older)))
    for _ in range(5):
        talk += cables.hhx_command("GME", bytes([0, 0, 0, broken - 1]), cables.ok(record)[:9])
    return talk


class Failed(Exception):
    """The program refused, or printed nothing."""


class CableCase:
    """One case on its way through the program."""

    def __init__(self, case, run, names):
        self.case = case
        self.call = run
        self.names = names
        self.expected = case["expected"]
        self.failures = []
        self.checks = 0

    def failed(self):
        if self.case["protocol"] == "ieee11073-20601":
            return self.personal_health()
        kinds = [("config_hex", self.enumerate), ("pairs", self.pairs),
                 ("next_record_numbers", self.record_numbers), ("exchange", self.exchange),
                 ("record_layout", self.named_layout), ("layout", self.formulas),
                 ("commands", self.commands), ("symptom", self.symptom)]
        if self.case["kind"] == "duplicates":
            kinds.insert(0, ("sequence", self.sequence))
        if self.case["protocol"] == "bootstrap-to-utc":
            kinds.insert(0, ("changes", self.clock_changes))
        if self.case["protocol"] == "hotplug-state":
            kinds.insert(0, ("sequence", self.plugs))
        for key, check in kinds:
            if key in self.case:
                check()
                break
        else:
            self.message()
        if self.checks == 0 and not self.failures:
            self.failures.append("nothing of this case can be seen in what the program prints")
        return self.failures

    # Running.

    def decode(self, *arguments):
        """The objects that decode prints, by the first name of the model that the program knows."""
        refusal = None
        for name in self.names:
            try:
                return self.call(["decode", "--model", name, "--json", *arguments])
            except Exception as error:
                refusal = refusal or error
                if "no profile knows" not in str(error):
                    raise Failed(str(error)) from error
        raise Failed(str(refusal))

    def from_sources(self, hex_, sources):
        """What the first source that accepts the bytes makes of them; else what the last one says."""
        refused = None
        for source in sources:
            try:
                found = self.decode("--source", source, "--hex", hex_)
            except Failed as error:
                refused = refused or error
                continue
            if found[0]["outcome"] != "rejected":
                return found
            refused = found
        if isinstance(refused, Failed) or refused is None:
            raise refused or Failed("no source")
        return refused

    # Kinds of cases.

    def enumerate(self):
        found = self.call(["explain", "--json", "--device-descriptor", self.case["hex"],
                           "--configuration", self.case["config_hex"],
                           "--report-descriptor", self.case["hid_report_desc_hex"]])[0]
        for key, value in self.expected.items():
            self.check(same(value, found.get("descriptors", {}).get(key)), key, value,
                       found.get("descriptors", {}).get(key))

    def pairs(self):
        for hex_, wanted in self.case["pairs"].items():
            found = Details(self.decode("--source", "checksum", "--hex", hex_))
            shown = next(iter(found.details.values()), None)
            self.check(same(wanted, shown), hex_, wanted, shown)

    def record_numbers(self):
        rows = zip(self.case["next_record_numbers"], self.case["record_u16"],
                   self.expected["record_u32"])
        for following, low, wanted in rows:
            hex_ = int(low).to_bytes(2, "little").hex()
            found = Details(self.decode("--source", "number", "--hex", hex_,
                                        "--next-record", str(following)))
            self.check(same(wanted, found["record_u32"]), f"next {following}", wanted,
                       found["record_u32"])

    # Whole sessions.

    def replay(self, *tapes):
        """What replay prints of sessions, one after the other; each is a date and a talk."""
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for number, (at, talk) in enumerate(tapes):
                header = {"tape": 1, "transport": "usb", "vendor-id": "0590", "product-id": "0028"}
                lines = [json.dumps(header)]
                moment, before = datetime.fromisoformat(at + "T18:00:00+09:00"), "out"
                for direction, data in talk:
                    # Longer than any answer may take, where the host has to ask again.
                    wait = 1500 if (before, direction) == ("in", "out") else 50
                    moment, before = moment + timedelta(milliseconds=wait), direction
                    lines.append(json.dumps({"at": moment.isoformat(timespec="milliseconds"),
                                             direction: {"data": data.hex()}}))
                files.append(f"{folder}/{number}.tape")
                with open(files[-1], "w") as file:
                    file.write("\n".join(lines) + "\n")
            return self.call(["replay", *files, "--timezone", "Asia/Tokyo", "--json"])

    def sequence(self):
        """A day of the pedometer read several times on that day: each takes the place of the one before."""
        rule = self.expected["rule"]
        day = re.search(r"\d{4}-\d{2}-\d{2}", rule)
        counts = re.search(r"(\d+(?: then \d+)+)\s+steps", rule)
        if not day or not counts:
            raise Failed("the rule names no day, or no numbers of steps")
        wanted = [int(steps) for steps in counts[1].split(" then ")]
        found = self.replay(*((day[0], pedometer(running_day(steps))) for steps in wanted))
        steps = [int(item["values"]["steps"]["value"]) for item in found]
        self.check(steps == wanted, "steps", wanted, steps)
        self.check(len({item["record_key"] for item in found}) == 1, "rule", "one key",
                   [item["record_key"] for item in found])
        times = {(item["device_time"] or item["observation_time"])[:10] for item in found}
        self.check(times == {day[0]}, "day", day[0], times)

    def symptom(self):
        """One record stops in the middle, every time: those before it, and nothing of zeros."""
        wanted = self.expected["record"]
        place = re.search(r"record (\d+) of (\d+)", self.case["symptom"])
        broken, count = map(int, place.groups()) if place else (2, 2)
        day = (datetime.fromisoformat(wanted["time"]) + timedelta(days=1)).date().isoformat()
        found = self.replay((day, broken_cuff(cuff_record(wanted), broken, count)))
        measured = [item for item in found if item["outcome"] == "measurement"]
        self.check(len(measured) == self.expected["records_emitted"], "records_emitted",
                   self.expected["records_emitted"], len(measured))
        one = Details(measured or found)
        for key in ("time", "systolic", "diastolic", "pulse"):
            self.member(key, wanted[key], one)

    def clock_changes(self):
        """What stamps meant on a clock whose changes the device wrote down."""
        lookups = self.expected.get("lookups", [])
        asked = {key: self.case[key] for key in ("zone", "most_recent_utc", "changes")
                 if key in self.case}
        asked["lookups"] = [{key: one.get(key) for key in ("device_time", "index")}
                            for one in lookups]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(asked, file)
            file.flush()
            found = self.call(["explain", "--clock-changes", file.name, "--json"])
        for wanted, got in zip(lookups, [one for one in found if "device_time" in one]):
            for key, value in wanted.items():
                shown = got.get(key)
                if key == "utc" and value and shown:
                    shown, value = datetime.fromisoformat(shown), datetime.fromisoformat(value)
                self.check(shown == value, f"{key} of {wanted['device_time']}", value, shown)
        changes = [one for one in found if "change" in one]
        for key, values in self.expected.items():
            if key == "lookups" or not isinstance(values, list):
                continue
            for value, got in zip(values, changes):
                if value is not None:
                    self.check(got.get(key) == value, key, value, got.get(key))

    def plugs(self):
        """What happens to a plugged device: played on the code that serves it, by its tests."""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(self.case, file, default=str)
            file.flush()
            passed, said = run_tests(PLUGS, file.name)
        self.check(passed, self.case["sequence"], self.expected["rule"], said)

    def exchange(self):
        lines = [json.dumps({"tape": 1, "transport": "usb"})]
        for second, step in enumerate(self.case["exchange"]):
            at = f"2026-03-01T08:{second // 60:02}:{second % 60:02}.000+09:00"
            for hex_ in self.wire_bytes(step):
                lines.append(json.dumps({"at": at, step["dir"]: {"data": hex_}}))
        today = [key.removeprefix("date_when_host_is_") for key in self.expected
                 if key.startswith("date_when_host_is_")]
        with tempfile.NamedTemporaryFile("w", suffix=".tape") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            options = ["--today", today[0]] if today else []
            self.compare(self.decode("--exchange", file.name, *options))

    def personal_health(self):
        """APDUs; a bare report is read by the configuration that the case names or describes."""
        hex_ = self.case.get("hex")
        if hex_ is None:
            objects = self.talk([step["hex"] for step in self.case["exchange"]
                                 if step["dir"] == "in"])
        elif len(hex_) <= 8:
            objects = self.decode("--source", "number", "--hex", hex_)
        elif "observations" in self.expected:
            objects = self.talk([*health_configuration(self.case), hex_])
        else:
            objects = self.decode("--source", "usb", "--hex", hex_)
        found = Details(objects)
        if "reject" in self.expected:
            self.check(found.outcome == "rejected", "outcome", "rejected", found.outcome)
            return self.failures
        rejected = [item.get("reason") for item in objects if item["outcome"] == "rejected"]
        self.check(not rejected, "outcome", "APDUs that are understood", rejected)
        for key, value in self.expected.items():
            self.health_member(key, value, found, objects)
        return self.failures

    def talk(self, apdus):
        lines = [json.dumps({"tape": 1, "transport": "usb"})]
        lines += [json.dumps({"at": f"2026-03-01T08:00:{second:02}.000+09:00", "in": {"data": hex_}})
                  for second, hex_ in enumerate(apdus)]
        with tempfile.NamedTemporaryFile("w", suffix=".tape") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            return self.decode("--exchange", file.name)

    def health_member(self, key, value, found, objects):
        if key == "observations":
            for one in value:
                self.observation(one, found)
        elif key == "objects":
            for one in value:
                name = f"object-{one['handle']}"
                wanted = f"{one['class']} {one['type']} {one['unit']} {one['attr_val_map']}"
                self.check(found[name] == wanted, name, wanted, found[name])
        elif key == "segment_data":
            for name, inner in value.items():
                self.health_member(f"segment_data_{name}", inner, found, objects)
        elif key == "segment_data_entries":
            for one in value:
                stamp = str(one["relative_time_s"])
                shown = [detail for item in objects for detail in [item.get("details") or {}]
                         if detail.get("relative-time") == stamp]
                number_ = "no number" if one["value"] == "NaN" else f"{one['value']:.1f}"
                holds = any(text.startswith(number_) for detail in shown
                            for text in detail.values())
                self.check(holds, f"entry at {stamp}", one["value"], shown)
        elif key == "time":
            self.check(found.time == value.removesuffix(".00"), key, value, found.time)
        elif key == "value":
            self.check(same(value, found["value"]), key, value, found["value"])
        elif key == "emit":
            self.check(not found.measurements, key, "no measurement", found.outcome)
        elif key in ("next", "reply", "device_clock") or is_prose(key, value):
            return
        else:
            self.check(same(value, found[key]), key, value, found[key])

    def observation(self, wanted, found):
        """One of the measurements of that moment holds all its values."""
        units = {**VALUES, "body_fat_percent": ("body_fat", "%"),
                 "spo2_percent": ("oxygen_saturation", "%")}
        stamp = wanted.get("time", self.expected.get("time", "")).removesuffix(".00")
        for key, value in wanted.items():
            if key not in units:
                continue
            name, unit = units[key]
            shown = [item["values"].get(name) for item in found.measurements
                     if item.get("device_time") == stamp]
            holds = any(item and number(item["value"]) == number(value) and item["unit"] == unit
                        for item in shown)
            self.check(holds, f"{key} at {stamp}", value, shown)

    def wire_bytes(self, step):
        """The bytes as they went over the cable, where a case holds only what was inside."""
        if "hex" in step:
            return [step["hex"]]
        if "text" in step:
            return ["02" + step["text"].encode().hex() + "03"]
        payload = bytes.fromhex(step["payload_hex"])
        parts = [payload[start:start + 7] for start in range(0, len(payload), 7)]
        return [(bytes([len(part)]) + part.ljust(7, b"\xcd")).hex() for part in parts]

    def message(self):
        hex_ = self.case.get("hex") or self.case.get("record_hex")
        if isinstance(self.case.get("text"), str):
            hex_ = self.case["text"].encode().hex()
        if not isinstance(hex_, str):
            raise Failed("the case holds no bytes")
        bare = "record_hex" in self.case or self.case["kind"] == "checksum"
        self.compare(self.from_sources(hex_, ("checksum",) if bare else SOURCES))

    def named_layout(self):
        """Builds records of the places that the layout names, each with one flag of the case."""
        names = self.case["record_layout"].split()
        for mask, meaning in self.expected["flags"].items():
            mask = int(mask, 16)
            place = {"yy": 12, "mm": 5, "dd": 6, "hh": 7, "mi": 8, "ss": 9, "unit": 0,
                     "SYS_hi": 300 >> 8, "SYS_lo": 300 & 255, "DIA": 90, "PUL": 70,
                     "FLAGS_hi": mask >> 8, "FLAGS_lo": mask & 255}
            record = bytes(place[name] for name in names if name != "XOR")
            objects = self.decode("--source", "checksum", "--hex", record.hex())
            found = Details(objects)
            self.check(number(found.value("systolic")) == 300, "systolic", 300,
                       found.value("systolic"))
            if meaning in FLAGS:
                self.check(FLAGS[meaning] in found.flags, meaning, FLAGS[meaning], found.flags)
            else:
                index = mask // (mask & -mask)
                self.check(same(index, found["truread_index"]), meaning, index,
                           found["truread_index"])

    def formulas(self):
        """Computes the places of a layout that are said as formulas, for records built here."""
        text = self.expected.get("record")
        if text:
            return self.word_formulas(text)
        for seed in range(12):
            b = [95 + seed, 55 + seed, 60 + seed, (seed % 12 + 1) | (seed % 2) << 7,
                 (seed + 1) | (seed // 2 % 2) << 7, seed, seed * 4, 20 + seed | (seed // 4 % 2) << 7]
            names = {f"b{index}": value for index, value in enumerate(b)}
            got = {key: eval(rule, {"__builtins__": {}}, names)  # A formula of the case file.
                   for key, rule in self.expected.items() if re.fullmatch(r"[b0-9x+&a-f()]+", rule)}
            found = Details(self.decode("--source", "usb", "--hex", bytes(b).hex()))
            for name in ("systolic", "diastolic", "pulse"):
                value = found.value(VALUES[name][0])
                self.check(number(value) == got[name], name, got[name], value)
            time = (f"{got['year']:04}-{got['month']:02}-{got['day']:02}"
                    f"T{got['hour']:02}:{got['minute']:02}")
            self.check((found.time or "").startswith(time), "time", time, found.time)
            for key, flag in (("body_movement", "body-movement"), ("arrhythmia", "irregular-pulse")):
                self.check(bool(got[key]) == (flag in found.flags), key, bool(got[key]), found.flags)
            self.check((2 if got["user2"] else 1) == found.slot, "user", got["user2"], found.slot)

    def word_formulas(self, text):
        rules = dict(re.findall(r"(\w+)=(\(?[w>&0-9()]+)", text))
        start, end = map(int, re.search(r"chars (\d+)\.\.(\d+)", text).groups())
        names = {"sys": "systolic", "dia": "diastolic"}
        for word in (0x04814078, 0x0641912C, 0x03C0C85A):
            record = "2607110905".ljust(start, "0") + f"{word:0{end - start}x}"
            found = Details(self.decode("--source", "usb", "--hex", record.ljust(32, "0").encode().hex()))
            self.check((found.time or "").startswith("2026-07-11T09:05"), "time",
                       "2026-07-11T09:05", found.time)
            for name, rule in rules.items():
                wanted = eval(rule, {"__builtins__": {}}, {"w": word})
                value = found.value(VALUES[names.get(name, name)][0])
                self.check(number(value) == wanted, name, wanted, value)

    def commands(self):
        for name, text in self.case["commands"].items():
            hex_ = text.split()[0]
            bytes_ = bytes.fromhex(hex_)
            total = 0
            for byte in bytes_[1:-1]:
                total ^= byte
            self.check(total == bytes_[-1], f"{name} xor", hex(bytes_[-1]), hex(total))
            found = Details(self.decode("--source", "usb", "--hex", hex_))
            self.check(found["command"] == name, name, name, found["command"])
            for key in self.expected:
                shown = found[key]
                if shown is not None:
                    self.check(same(self.expected[key], shown), key, self.expected[key], shown)
        length = int(self.expected["record_len"])
        empty = self.decode("--source", "usb", "--hex", "ff" * length)[0]
        self.check("empty-slot" in empty["flags"], "empty_record", "an empty slot", empty)
        short = self.decode("--source", "usb", "--hex", "ff" * (length - 1))[0]
        self.check(short["outcome"] == "rejected", "record_len", "rejected", short)

    # Comparing.

    def check(self, holds, what, expected, got):
        self.checks += 1
        if not holds:
            self.failures.append(f"{what}: expected {expected!r}, got {got!r}")

    def compare(self, objects):
        found = Details(objects)
        if "reject" in self.expected:
            self.check(found.outcome == "rejected", "outcome", "rejected", found.outcome)
            return
        self.check(found.outcome != "rejected", "outcome", "a message that is understood",
                   objects[0].get("reason"))
        if self.expected.get("emit") is False:
            self.check(not found.measurements, "emit", "no measurement", found.outcome)
        for key, value in self.expected.items():
            self.member(key, value, found)

    def member(self, key, value, found):
        if key == "emit" or is_prose(key, value):
            return
        if key.startswith("date_when_host_is_"):
            self.check((found.time or "").startswith(value), key, value, found.time)
        elif key in TIMES:
            self.check((found.time or "").startswith(value), key, value, found.time)
        elif key in VALUES and (is_number(value) or value is None):
            name, unit = VALUES[key]
            item = found.values.get(name, {})
            holds = number(item.get("value")) == number(value)
            self.check(holds and (value is None or item.get("unit") == unit), key, value, item)
        elif key == "value":
            item = found.values.get("weight", {})
            self.check(number(item.get("value")) == number(value), key, value, item)
        elif key == "unit" and value in WEIGHT_UNITS and "weight" in found.values:
            shown = found.values["weight"]["unit"]
            self.check(shown == WEIGHT_UNITS[value], key, WEIGHT_UNITS[value], shown)
        elif key == "records" and isinstance(value, list):
            self.records(value, found)
        elif key in ("count", "records") and found[key] is None:
            self.check(len(found.measurements) == value, key, value, len(found.measurements))
        elif isinstance(value, dict):
            for name, inner in value.items():
                self.member(f"{key}_{name}", inner, found)
        elif (key.endswith("_ok") or key.endswith("_verified")) and value is True:
            self.check(found.outcome != "rejected", key, "accepted", found.outcome)
        elif isinstance(value, list):
            shown = ",".join(str(item) for item in value)
            self.check(same(shown, found[key]), key, shown, found[key])
        else:
            shown = found[key]
            if isinstance(value, str) and re.fullmatch("0x[0-9a-fA-F]+", value):
                shown = found["code"] if found["code"] is not None else shown
            self.check(same(value, shown), key, value, shown)

    def records(self, wanted, found):
        self.check(len(found.measurements) == len(wanted), "records", len(wanted),
                   len(found.measurements))
        for row, item in zip(wanted, found.measurements):
            one = Details([item])
            for key, value in row.items():
                if key == "user":
                    self.check(one.slot == value, key, value, one.slot)
                else:
                    self.member(key, value, one)


# What stands before a bare report: the association, and the configuration where it is the agent's own.
HEALTH_ASSOCIATION = ("e2000032800000000001002a50790026800000008000800000000000000000800000"
                      "00081122334455667788{}0001010000000000")
HEALTH_CONFIGURATIONS = {"bp": "02bc", "scale": "05dc", "glucose": "06a4", "other": "0190"}
HEALTH_TYPES = {"weight_kg": "0002e140 06c3", "body_fat_percent": "0002e14c 0220"}


def health_configuration(case):
    """The APDUs that say how the report of a case is laid out."""
    if "ext config" not in case["model"]:
        return [HEALTH_ASSOCIATION.format(HEALTH_CONFIGURATIONS[case["class"]])]
    objects = ""
    for one in case["expected"]["observations"]:
        type_, unit = HEALTH_TYPES[next(key for key in one if key in HEALTH_TYPES)].split()
        attributes = ("092f0004" + type_ + "09960002" + unit
                      + "0a55000c000200080a56000409900008")
        objects += f"0006{one['handle']:04x}0003{len(attributes) // 2:04x}" + attributes
    count = len(case["expected"]["observations"])
    report = f"4000{count:04x}{len(objects) // 2:04x}" + objects
    event = f"0000ffffffff0d1c{len(report) // 2:04x}" + report
    message = f"00010101{len(event) // 2:04x}" + event
    apdu = f"{len(message) // 2:04x}" + message
    return [HEALTH_ASSOCIATION.format("4000"), f"e700{len(apdu) // 2:04x}" + apdu]


class Details:
    """What all objects of one call say together."""

    def __init__(self, objects):
        if not objects:
            raise Failed("the program printed nothing")
        self.measurements = [item for item in objects if item["outcome"] == "measurement"]
        first = (self.measurements or objects)[0]
        self.outcome = first["outcome"]
        self.time = next((item["device_time"] for item in objects if item.get("device_time")), None)
        self.slot = first.get("user_slot")
        self.flags = [flag for item in objects for flag in item.get("flags") or []]
        self.values = {}
        self.details = {}
        for item in objects:
            self.values.update(item.get("values") or {})
            self.details.update(item.get("details") or {})

    def __getitem__(self, key):
        name = key.replace("_", "-")
        return self.details.get(name, self.details.get(name.lower()))

    def value(self, name):
        return (self.values.get(name) or {}).get("value")


def is_prose(key, value):
    """Words for people: what cannot stand in an output of numbers and names."""
    if key in ("meaning", "rule", "note", "quirk", "layout", "end", "end_marker", "clock_not_set"):
        return True
    return isinstance(value, str) and len(value.split()) > 3


def is_number(value):
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def number(value):
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation:
        return value


def same(wanted, shown):
    """Equal as numbers, as hexadecimal digits in any spelling, or as text."""
    if wanted is None or shown is None:
        return wanted is None and shown is None
    if isinstance(wanted, bool):
        return str(shown) == str(wanted).lower() or shown is wanted
    if is_number(wanted):
        return number(wanted) == number(shown)
    plain = [str(text).lower().removeprefix("0x") for text in (wanted, shown)]
    return plain[0] == plain[1] or str(shown).startswith(str(wanted)) and "T" in str(wanted)
