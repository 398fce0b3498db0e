#!/usr/bin/env python3
"""Writes debian/hakaru.metainfo.xml: what a software centre shows, and which devices the package serves.

    metainfo.py            writes it
    metainfo.py --check    states that it fits the udev rules

The devices come from udev/60-hakaru-devices.rules; adapters that any serial device may sit behind are left out.
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
RULES = os.path.join(ROOT, "udev/60-hakaru-devices.rules")
TARGET = os.path.join(ROOT, "debian/hakaru.metainfo.xml")
ADAPTERS = {"0403", "067b", "10c4", "1a86"}
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<component type="generic">
  <id>hakaru</id>
  <metadata_license>FSFAP</metadata_license>
  <project_license>LicenseRef-unstated</project_license>
  <name>Hakaru</name>
  <summary>Device gateway for scales, blood-pressure cuffs and glucose meters</summary>
  <summary xml:lang="ja">体重計、血圧計、血糖計のデバイスゲートウェイ</summary>
  <description>
    <p>
      Reads health devices over Bluetooth LE and USB, keeps the values and sends them in the Japanese
      health-data exchange format until the receiver has them.
    </p>
  </description>
  <provides>
    <binary>hakarud</binary>
    <binary>hakaru</binary>
"""
TAIL = """  </provides>
</component>
"""


def modaliases(rules):
    """The patterns of the USB devices that the rules name, in order."""
    found = []
    for vendor, products in re.findall(
            r'^SUBSYSTEM=="usb", ATTR\{idVendor\}=="(\w+)", ATTR\{idProduct\}=="([\w|]+)"', rules, re.M):
        if vendor not in ADAPTERS:
            found += ["usb:v%sp%sd*" % (vendor.upper(), p.upper()) for p in products.split("|")]
    return found


def text():
    """The whole file."""
    with open(RULES) as file:
        lines = ["    <modalias>%s</modalias>\n" % alias for alias in modaliases(file.read())]
    return HEAD + "".join(lines) + TAIL


def main():
    if sys.argv[1:] == ["--check"]:
        with open(TARGET) as file:
            if file.read() != text():
                sys.exit("debian/hakaru.metainfo.xml does not fit the udev rules: run scripts/lib/metainfo.py")
        return
    with open(TARGET, "w") as file:
        file.write(text())


if __name__ == "__main__":
    main()
