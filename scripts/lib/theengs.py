"""TheengsDecoder on a stream of advertisements: theengs.py STREAM FRAMES, run by its own Python."""
import json
import struct
import sys
import time

import TheengsDecoder


def packets(data):
    """The messages of the stream."""
    offset = 0
    while offset < len(data):
        count, = struct.unpack_from("<H", data, offset)
        yield data[offset + 2:offset + 2 + count]
        offset += 2 + count


def document(packet):
    """A message of the management socket as TheengsDecoder wants it."""
    address, rssi = packet[6:12][::-1], struct.unpack_from("b", packet, 13)[0]
    made = {"id": ":".join("%02X" % byte for byte in address), "rssi": rssi}
    data, offset = packet[20:], 0
    while offset < len(data) and data[offset]:
        kind, value = data[offset + 1], data[offset + 2:offset + 1 + data[offset]]
        if kind in (0x08, 0x09):
            made["name"] = value.decode(errors="replace")
        elif kind == 0x16:
            made["servicedatauuid"] = "%02x%02x" % (value[1], value[0])
            made["servicedata"] = value[2:].hex()
        elif kind == 0xFF:
            made["manufacturerdata"] = value.hex()
        offset += 1 + data[offset]
    return json.dumps(made)


def main(stream, frames):
    with open(stream, "rb") as file:
        documents = [document(packet) for packet in packets(file.read())][:frames]
    decoded, began = 0, time.perf_counter()
    for text in documents:
        decoded += bool(TheengsDecoder.decodeBLE(text))
    seconds = time.perf_counter() - began
    print(json.dumps({"rate": len(documents) / seconds, "frames": len(documents), "decoded": decoded}))


main(sys.argv[1], int(sys.argv[2]))
