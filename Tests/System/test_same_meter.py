"""One meter on two links: what was read over Bluetooth and on the cable is one record each, at the receiver too."""
import datetime
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import tapes  # noqa: E402
from gateway import ROOT, Gateway, read  # noqa: E402

METER = "60:19:00:01:36:3B"
SERIAL = "92900012345"  # as the tape of the cable has it, in the meter's list of numbers
DAY = datetime.datetime(2026, 3, 1, tzinfo=tapes.ZONE)
# What the cable's tape holds, to the minute; the meter itself knows the seconds.
READINGS = [(DAY.replace(hour=7, minute=0, second=12), 120), (DAY.replace(hour=9, minute=30, second=41), 145)]
PROFILES = os.path.join(ROOT, "device-profiles")


def on_the_air(readings, serial=SERIAL, address=METER, at=DAY.replace(hour=12, minute=0)):
    """The first session of a meter of this number with these readings: (time, mg/dL)."""
    lines = [json.loads(line) for line in read(os.path.join(PROFILES, "roche-accu-chek/first-session.tape")).splitlines()]
    lines[0]["address"] = address
    frames = []
    for number, (moment, glucose) in enumerate(readings, 1):
        value = "0b %02x00 %s 0000 %02xb0 f8 0000" % (number, tapes.date_time(moment), glucose)
        frames.append({"notify": {"uuid": "2a18", "value": value}})
    told = [line for line in lines[1:] if "notify" not in line]
    place = next(place for place, line in enumerate(told) if "indicate" in line)
    told[place:place] = frames
    for number, line in enumerate(told):
        line["at"] = (at + datetime.timedelta(milliseconds=200 * number)).isoformat(timespec="milliseconds")
        if line.get("read", {}).get("uuid") == "2a25":
            line["read"]["value"] = serial.encode().hex()
    # The gateway waits before it ends the session.
    told[-1]["at"] = (at + datetime.timedelta(seconds=60)).isoformat(timespec="milliseconds")
    return "".join(json.dumps(line) + "\n" for line in [lines[0], *told])


def on_the_cable(change=lambda text: text):
    return change(read(os.path.join(PROFILES, "roche-accu-chek-usb/session.tape")))


class SameMeter(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway()
        self.addCleanup(self.gateway.close)
        self.gateway.start_receiver()
        self.gateway.configure(devices='{ address: "%s" }, { address: "60:19:00:01:36:3C" }, { serial: "%s" }' % (
            METER, SERIAL))
        self.gateway.start_daemon()

    def play(self, name, text):
        target = self.gateway.drop(name, text)
        self.gateway.played(target)
        self.assertTrue(os.path.exists(target + ".played"), self.gateway.log()[-2000:])

    def sent(self, count):
        """What the receiver took, once nothing waits any more."""
        self.gateway.wait("%d records" % count, lambda: len(self.arrived()) >= count)
        self.gateway.wait("the end of the queue", lambda: not self.gateway.hakaru("status")["records"]["waiting"])
        return self.arrived()

    def arrived(self):
        with open(self.gateway.path("received")) as file:
            lines = [json.loads(line) for line in file]
        return [line["values"] for line in lines if line["event"] == "record" and line["verdict"] == "accepted"]

    def stored(self):
        return self.gateway.hakaru("records", "--limit", "100", lines=True)

    def test_bluetooth_first_then_the_cable(self):
        self.play("a-air", on_the_air(READINGS))
        self.assertEqual(len(self.sent(2)), 2)
        before = {record["key"] for record in self.stored()}
        self.play("b-cable", on_the_cable())
        self.assertEqual({record["key"] for record in self.stored()}, before)
        self.assertEqual(len(self.sent(2)), 2)

    def test_the_cable_first_then_bluetooth(self):
        self.play("a-cable", on_the_cable())
        self.assertEqual(len(self.sent(2)), 2)
        before = {record["key"] for record in self.stored()}
        self.play("b-air", on_the_air(READINGS))
        self.assertEqual({record["key"] for record in self.stored()}, before)
        self.assertEqual(len(self.sent(2)), 2)
        # And once more, in a new run of the daemon.
        self.gateway.stop_daemon()
        self.gateway.start_daemon()
        self.play("c-cable", on_the_cable())
        self.assertEqual(len(self.sent(2)), 2)

    def test_what_only_one_link_has_is_a_record_of_its_own(self):
        later = DAY.replace(hour=11, minute=45, second=3)
        self.play("a-cable", on_the_cable())
        self.play("b-air", on_the_air([*READINGS, (later, 145)]))
        self.assertEqual(len(self.sent(3)), 3)

    def test_another_value_within_the_same_minute_is_another_record(self):
        self.play("a-cable", on_the_cable())
        again = READINGS[0][0] + datetime.timedelta(seconds=30)
        self.play("b-air", on_the_air([*READINGS, (again, 121)]))
        self.assertEqual(len(self.sent(3)), 3)

    def test_a_meter_of_another_number_with_the_same_readings_keeps_its_own(self):
        self.play("a-cable", on_the_cable())
        self.play("b-air", on_the_air(READINGS, serial="92900099999", address="60:19:00:01:36:3C"))
        self.assertEqual(len(self.sent(4)), 4)


if __name__ == "__main__":
    unittest.main()
