#!/usr/bin/env python3
"""The guest's side of a cut of power: hakarud with its store on the disk, under a stream of tapes.

    guest.py --root REPOSITORY --programs FOLDER --number N

Prints `STORED {json}` with every record that the disk brought back, `WORKING`, then `ACCEPTED key values` for
each record as soon as the socket shows it, and `UNSYNCED n` for each line of a file that nobody synchronises.
It never ends by itself.
"""
import argparse
import datetime
import http.client
import json
import os
import random
import socket
import subprocess
import sys
import time

DISK, WORK = "/mnt/disk", "/run/power"


class Connection(http.client.HTTPConnection):
    """HTTP over the daemon's socket."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(20)
        self.sock.connect(WORK + "/hakaru.sock")


def get(connection, path):
    connection.request("GET", path)
    return json.loads(connection.getresponse().read())


def told(record):
    """What must not change of a record."""
    return [record["key"], json.dumps([record["values"], record["observation_time"]], sort_keys=True)]


def start(options):
    """Starts hakarud and waits until it answers."""
    with open(WORK + "/hakaru.yaml", "w") as file:
        file.write("""\
gateway: { id: power-cut, consortium-id: C00001, timezone: Asia/Tokyo }
bluetooth: { enabled: false }
usb: { enabled: false }
tape: { enabled: true, directory: %s/tapes }
destinations: []
""" % WORK)
    subprocess.Popen(
        [options.programs + "/hakarud", "--config", WORK + "/hakaru.yaml", "--state-directory", DISK + "/state",
         "--runtime-directory", WORK, "--log-level", "warning"], stdin=subprocess.DEVNULL,
        env={**os.environ, "HAKARU_DATA_DIRECTORY": options.root})
    while True:
        connection = Connection("localhost")
        try:
            get(connection, "/v1/status")
            return connection
        except (OSError, http.client.HTTPException, ValueError):
            time.sleep(0.02)


def pages(connection, after):
    """Records after a row, until there are no more."""
    while found := get(connection, "/v1/records?limit=500&after=%d" % after)["records"]:
        yield from found
        after = found[-1]["id"]


def drop(tapes, number, index):
    """One more session of one of four cuffs; each reading has a minute of its own."""
    address = "A4:C1:38:00:03:%02X" % (index % 4)
    begin = tapes.START + datetime.timedelta(days=number, minutes=20 * index)
    text = tapes.cuff(tapes.series(random.randint(1, 8), first=begin), begin, address=address)
    path = "%s/tapes/%d-%04d.tape" % (WORK, number, index)
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("root", "programs", "number"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()
    sys.path.insert(0, options.root + "/Tests/System")
    import tapes
    os.makedirs(WORK + "/tapes")
    os.makedirs(DISK, exist_ok=True)
    subprocess.run(["mount", "-t", "ext4", "/dev/vda", DISK], check=True)
    unsynced = DISK + "/unsynced"
    before = 0
    if os.path.exists(unsynced):
        with open(unsynced) as file:
            before = len(file.read().split())
        os.unlink(unsynced)
    connection = start(options)
    stored = [record for record in pages(connection, 0)]
    storage = get(connection, "/v1/status")["storage"]
    print("STORED " + json.dumps({
        "records": [told(record) for record in stored], "unsynced": before, "state": storage["state"],
        "set_aside": [name for name in os.listdir(DISK + "/state") if "corrupt" in name]}), flush=True)
    after = max([record["id"] for record in stored], default=0)
    print("WORKING", flush=True)
    index, lines = 0, 0
    with open(unsynced, "a") as file:
        while True:
            if len([name for name in os.listdir(WORK + "/tapes") if name.endswith(".tape")]) < 3:
                drop(tapes, int(options.number), index)
                index += 1
            for record in pages(connection, after):
                after = record["id"]
                print("ACCEPTED " + json.dumps(told(record)), flush=True)
            lines += 1
            file.write("%d\n" % lines)
            file.flush()
            print("UNSYNCED %d" % lines, flush=True)
            time.sleep(0.02)


if __name__ == "__main__":
    main()
