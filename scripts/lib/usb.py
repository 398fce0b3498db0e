"""The benchmark of cable messages: decoding them beside a copy of the same bytes."""
import json
import os
import subprocess
import sys

from figure import Figure

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
NAMES = {
    "apdu": "20601 APDUs", "astm": "ASTM frames", "kiosk_csv": "kiosk lines", "scale_lines": "scale lines",
    "omron_records": "Omron records",
}
# What a full-speed bus carries in bulk at the most: 19 packets of 64 bytes in each millisecond (USB 2.0, table 5-9).
BUS = 1.216


def run(folder):
    """Messages of devices on a cable: framing and decoding, as a ratio to memcpy of the same bytes."""
    found = json.loads(subprocess.run(
        [os.path.join(ROOT, ".build/release/CableBench"), os.path.join(ROOT, "device-profiles")],
        check=True, stdout=subprocess.PIPE, text=True).stdout)
    for name, result in found.items():
        rate, copy = (result["bytes"] / result[key] * 1e3 for key in ("decode_ns", "copy_ns"))
        yield Figure(NAMES[name], copy / rate, "x", copy / BUS,
                     "%.2f M messages/s, %.1f MB/s (%d messages, %d bytes), the fastest of 5 passes; times as long as "
                     "memcpy of each transfer (%.0f MB/s); limit: what a full-speed bus delivers at the most, %.1f MB/s"
                     % (result["messages"] / result["decode_ns"] * 1e3, rate, result["messages"], result["bytes"],
                        copy, BUS))


if __name__ == "__main__":
    sys.exit("run scripts/bench usb")
