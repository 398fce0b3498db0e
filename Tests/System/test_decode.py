"""`hakaru decode` against a second decoder: frames by chance, each field, each special value, each broken form."""
import json
import os
import random
import subprocess
import sys
import unittest
from decimal import Decimal

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from gateway import PROGRAMS, ROOT  # noqa: E402
from standard_layouts import LAYOUTS, SPECIAL, SPECIAL_FLOAT, Frames, le, medfloat, sfloat, signed  # noqa: E402

COUNT = int(os.environ.get("HAKARU_FRAMES", "300"))
SEED = os.environ.get("HAKARU_SEED", "2A35")


def run(*words):
    """A command with --json: its exit code, what stands on stdout line by line, and stderr."""
    done = subprocess.run([os.path.join(PROGRAMS, "hakaru"), *words, "--json"], capture_output=True,
                          env={**os.environ, "HAKARU_DATA_DIRECTORY": ROOT})
    lines = [json.loads(line, parse_float=Decimal) for line in done.stdout.splitlines()]
    return done.returncode, lines, done.stderr.decode()


def decode(source, frames, model="sig"):
    """What each of these frames is; all in one run."""
    code, lines, errors = run("decode", "--model", model, "--source", source, "--hex", ",".join(f.hex() for f in frames))
    assert code == 0, errors
    return lines


def same(value, expected):
    """The same number in the same digits: 36.0 is not 36."""
    if value is None or expected is None:
        return value is expected
    return str(value) == format(expected, "f")


class Differential(unittest.TestCase):
    def chunks(self, source, frames, size=100):
        for first in range(0, len(frames), size):
            part = frames[first:first + size]
            lines = decode(source, part)
            self.assertEqual(len(lines), len(part), source)
            yield from zip(part, lines)

    def compare(self, source, frame, expected, got):
        where = "%s %s: %s" % (source, frame.hex(), got)
        for name, value in expected.items():
            if name == "values":
                self.assertEqual(set(got["values"]), set(value), where)
                for quantity, (number, unit) in value.items():
                    self.assertEqual(got["values"][quantity]["unit"], unit, where)
                    self.assertTrue(same(got["values"][quantity]["value"], number), (where, quantity, number))
            elif name == "flags":
                self.assertEqual(sorted(got["flags"]), sorted(value), where)
            else:
                self.assertEqual(got[name], value, (where, name))

    def test_every_standard_layout_is_read_as_a_second_decoder_reads_it(self):
        for source, make in LAYOUTS.items():
            frames = Frames(random.Random(SEED + source))
            made = [make(frames) for _ in range(COUNT)]
            expected = {frame: out for frame, out in made}
            for frame, got in self.chunks(source, list(expected)):
                self.compare(source, frame, expected[frame], got)

    def test_broken_frames_give_no_number_and_say_where_they_break(self):
        """Every truncation, a byte too many, reserved flags, dates that do not exist, noise."""
        for source, make in LAYOUTS.items():
            chance = random.Random(SEED + "broken" + source)
            frames = Frames(chance)
            whole = [make(frames)[0] for _ in range(40)]
            broken = [frame[:size] for frame in whole for size in range(len(frame))]
            if source not in ("gatt:2a37",):  # Its intervals have no count: one more byte pair is one more.
                broken += [frame + bytes([chance.getrandbits(8)]) for frame in whole]
            if source in ("gatt:2a35", "gatt:2a36", "gatt:2a18"):
                broken += [bytes([frame[0] | 0x80]) + frame[1:] for frame in whole]
            lines = decode(source, broken)
            self.assertEqual(len(lines), len(broken))
            for frame, got in zip(broken, lines):
                if source == "gatt:2a37" and got["outcome"] == "measurement":
                    continue
                if source == "gatt:2a2b" and len(frame) == 7:  # A date alone, as some devices write and read it.
                    continue
                self.assertEqual(got["outcome"], "rejected", (source, frame.hex(), got))
                self.assertEqual(got["values"], {}, (source, frame.hex()))
                self.assertTrue(got["reason"], (source, frame.hex()))
                self.assertLessEqual(got["offset"], len(frame))

    def test_a_date_that_does_not_exist_gives_no_number(self):
        frames = Frames(random.Random(SEED + "dates"))
        dates = [frames.impossible_date() for _ in range(60)]
        for source, before, after in (("gatt:2a35", "02780050005d00", ""), ("gatt:2a9d", "02c832", ""),
                                      ("gatt:2a18", "020100", "63b011"), ("gatt:2a08", "", ""),
                                      ("gatt:2a2b", "", "000000"), ("gatt:2a1c", "026d0100ff", "")):
            lines = decode(source, [bytes.fromhex(before) + date + bytes.fromhex(after) for date in dates])
            for date, got in zip(dates, lines):
                numbers = [value["value"] for value in got["values"].values() if value["value"] is not None]
                self.assertEqual((got["outcome"], numbers, got["device_time"]), ("rejected", [], None), date.hex())

    def test_numbers_alone_are_exact(self):
        chance = random.Random(SEED)
        for size, read in ((2, sfloat), (4, medfloat)):
            raws = [chance.getrandbits(8 * size) for _ in range(300)]
            raws += list(SPECIAL if size == 2 else SPECIAL_FLOAT)
            raws = [raw for raw in raws if size == 2 or -12 <= signed(raw >> 24, 8) <= 12]
            for raw, got in zip(raws, decode("number", [le(raw, size) for raw in raws])):
                expected = read(raw)
                details = got.get("details") or {}
                if expected is None:
                    self.assertNotIn("value", details, hex(raw))
                    self.assertIn("special", details, hex(raw))
                else:
                    self.assertEqual(Decimal(str(details["value"])), expected, hex(raw))


class Words(unittest.TestCase):
    """What may be asked, and how."""
    FRAME = "00 78 00 50 00 5D 00"

    def test_a_source_may_be_spelled_in_every_usual_way(self):
        for source in ("gatt:2a35", "gatt:2A35", "GATT:2a35", "gatt:0x2A35", "gatt:00002A35-0000-1000-8000-00805F9B34FB"):
            code, lines, errors = run("decode", "--model", "sig", "--source", source, "--hex", self.FRAME)
            self.assertEqual((code, lines[0]["outcome"]), (0, "measurement"), (source, errors))

    def test_a_model_may_be_named_as_its_maker_or_people_do(self):
        for model in ("UA-651BLE", "ua-651ble", "A&D UA-651BLE", "and-ua-651ble"):
            code, lines, _ = run("decode", "--model", model, "--source", "gatt:2a35", "--hex", self.FRAME)
            self.assertEqual((code, lines[0]["values"]["systolic"]["value"]), (0, 120), model)

    def test_a_frame_without_a_byte_is_rejected_like_every_other_that_is_too_short(self):
        for model, source in (("sig", "gatt:2a35"), ("sig", "gatt:2a18"), ("sig", "gatt:2a9c"), ("sig", "number"),
                              ("sig", "advertisement"), ("Hutbit", "gatt:ffb2"), ("XMTZC05HM", "service-data:181b"),
                              ("HEM-7600T", "eeprom"), ("HBP-9030", "usb"), ("AD-4212", "serial")):
            code, lines, errors = run("decode", "--model", model, "--source", source, "--hex", "")
            self.assertEqual(code, 0, (model, errors))
            for line in lines:
                self.assertEqual((line["outcome"], line["values"]), ("rejected", {}), (model, source))

    def test_what_the_standard_says_of_a_device_is_read_for_every_connected_model(self):
        frames = {"gatt:2a19": "64", "gatt:2a08": "e9070c1f173b3a", "gatt:2a2b": "e9070c1f173b3a030000",
                  "gatt:2a9f": "200201", "gatt:2a52": "06000101", "gatt:2a49": "0100", "gatt:2a29": "412644"}
        for model in ("UC-421BLE", "Accu-Chek Guide"):
            for source, text in frames.items():
                code, lines, errors = run("decode", "--model", model, "--source", source, "--hex", text)
                self.assertEqual((code, [line["outcome"] for line in lines]), (0, ["device-state"]), (model, source, errors))

    def test_a_measurement_that_a_model_does_not_make_is_refused_with_what_it_has(self):
        code, lines, errors = run("decode", "--model", "UC-352BLE", "--source", "gatt:2a35", "--hex", self.FRAME)
        self.assertEqual((code, lines), (1, []))
        self.assertIn("it has: gatt:2a9d", json.loads(errors)["error"]["message"])

    def test_wrong_words_are_wrong_usage_and_say_what_is_accepted(self):
        good = {"--model": "sig", "--source": "gatt:2a35", "--hex": "00"}
        for change in ({"--source": "2a35"}, {"--source": "gatt:zz"}, {"--source": "bluetooth"}, {"--hex": "0"},
                       {"--hex": "0g"}, {"--hex": None}, {"--source": None}, {"--model": None},
                       {"--address": "zz"}, {"--key": "00"}, {"--colour": "red"}):
            words = [word for pair in {**good, **change}.items() if pair[1] is not None for word in pair]
            code, lines, errors = run("decode", *words)
            self.assertEqual((code, lines), (2, []), words)
            self.assertEqual(json.loads(errors)["error"]["code"], "usage", words)
        code, _, errors = run("decode", "--model", "none such", "--source", "gatt:2a35", "--hex", "00")
        self.assertEqual((code, "none such" in json.loads(errors)["error"]["message"]), (1, True))


if __name__ == "__main__":
    unittest.main()
