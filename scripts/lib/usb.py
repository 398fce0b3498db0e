"""The benchmark of cable messages: decoding them beside a copy of the same bytes."""
import json
import os
import subprocess
import sys

from figure import Figure

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
NAMES = {
    "apdu": ("20601 APDUs", 400), "astm": ("ASTM frames", 400), "kiosk_csv": ("kiosk lines", 400),
    "scale_lines": ("scale lines", 400), "omron_records": ("Omron records", 400),
}


def run(folder):
    """Messages of devices on a cable: framing and decoding, as a ratio to memcpy of the same bytes."""
    found = json.loads(subprocess.run(
        [os.path.join(ROOT, ".build/release/CableBench"), os.path.join(ROOT, "device-profiles")],
        check=True, stdout=subprocess.PIPE, text=True).stdout)
    for name, result in found.items():
        words, limit = NAMES[name]
        rate = result["bytes"] / result["decode_ns"] * 1e3
        yield Figure(words, result["decode_ns"] / result["copy_ns"], "x", limit,
                     "%.2f M messages/s, %.1f MB/s (%d messages, %d bytes), the fastest of 5 passes; times as long as "
                     "memcpy of each transfer (%.0f MB/s)" % (
                         result["messages"] / result["decode_ns"] * 1e3, rate, result["messages"],
                         result["bytes"], result["bytes"] / result["copy_ns"] * 1e3))


if __name__ == "__main__":
    sys.exit("run scripts/bench usb")
