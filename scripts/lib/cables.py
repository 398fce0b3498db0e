"""The constructed sessions of devices on a cable: what the gateway asks, and what the device answers.

Records are the profile's vectors, so that a tape and its profile cannot drift apart.
"""
import datetime
import struct

BRIDGE = {"transport": "serial", "vendor-id": "0403", "product-id": "6001"}


def listened(at, frames, header=None, part=0, repeat=1, step=0.4, note=""):
    """A device that sends by itself: `frames` are vectors, cut into transfers of `part` bytes."""
    return {"at": at, "header": header, "note": note, "step": step,
            "talk": lambda shown: [("in", piece) for number in frames for _ in range(repeat)
                                   for piece in pieces(vector(shown, number), part)]}


def asked(at, header, talk, note="", step=0.05):
    """A device that is asked: `talk` makes (direction, bytes[, place]) out of the profile."""
    return {"at": at, "header": header, "note": note, "step": step, "talk": talk}


def usb(vendor_id, product_id, **more):
    return {"transport": "usb", "vendor-id": vendor_id, "product-id": product_id, **more}


def vector(shown, number):
    return bytes.fromhex(shown["vectors"][number]["hex"])


def pieces(data, size):
    return [data[start:start + size] for start in range(0, len(data), size)] if size else [data]


def xor(data):
    value = 0
    for byte in data:
        value ^= byte
    return value


# ---------------------------------------------------------------- Omron 0590:0028

def counted(direction, data):
    """Reports of eight bytes; behind an answer stands what an older one left."""
    filler = b"\0" if direction == "out" else b"\x5a"
    return [(direction, bytes([len(part)]) + part + filler * (7 - len(part))) for part in pieces(data, 7)]


def hhx_command(letters, parameters=b"", answer=None):
    command = letters.encode() + (parameters + bytes([xor(parameters)]) if parameters else b"00")
    if letters == "END":
        command = b"END\xff\xff"
    return counted("out", command) + (counted("in", answer) if answer is not None else [])


def ok(payload):
    return b"OK" + payload + bytes([xor(payload)])


HHX_WAKE = counted("out", bytes(30))


def omron_cuff(shown):
    busy = [("in", bytes.fromhex("0860000000000000"))]
    talk = HHX_WAKE + busy + HHX_WAKE + counted("in", b"OK")
    talk += hhx_command("VER", answer=ok(b"\0M7080IT 207")) + hhx_command("SRL", answer=ok(b"\0\6" + bytes(6)))
    talk += hhx_command("GDC", bytes(4), ok(struct.pack(">BHH", 0, 0x13, 2)))
    # NO: the same command again.
    talk += hhx_command("GME", bytes(4), vector(shown, 2))
    talk += hhx_command("GME", bytes(4), vector(shown, 3))
    talk += hhx_command("GME", bytes([0, 0, 0, 1]), vector(shown, 0))
    return talk + hhx_command("END", answer=b"OK")


def omron_pedometer(shown):
    wake = HHX_WAKE + counted("in", b"OK")
    talk = wake + hhx_command("VER", answer=ok(b"\0HJ-720IT 10"))
    talk += hhx_command("SRL", answer=ok(b"\0\x0dHJ7208Y125980")) + wake
    talk += hhx_command("CNT", answer=ok(bytes([0, 0, 1, 0, 1])))
    talk += hhx_command("GTD", bytes([0, 0, 0, 4]), vector(shown, 2))
    return talk + hhx_command("END", answer=b"OK")


# ---------------------------------------------------------------- Omron 0590:0090

def omron_memory(shown):
    def out(command):
        return ("out", bytes.fromhex(command))
    record = vector(shown, 2)
    memory = (record + b"\xff" * 2800)[:2800]
    talk = [out("020800000000100018"), ("in", bytes.fromhex("0208000000000010").ljust(64, b"\0"))]
    for place in range(0, 2800, 40):
        head = struct.pack(">BBBBHBB", 2, 8, 1, 0, 0x02AC + place, 0x28, 0)
        reply = struct.pack(">BBBBHB", 2, 0x30, 0x81, 0, 0x02AC + place, 0x28) + memory[place:place + 40]
        talk += [("out", head + bytes([xor(head[1:])])), ("in", reply.ljust(64, b"\0"))]
    return talk + [out("02080f000000000007"), ("in", bytes.fromhex("02088f").ljust(64, b"\0"))]


# ---------------------------------------------------------------- Contour

def astm(number, text, last):
    body = b"%d" % number + text + b"\r" + (b"\x03" if last else b"\x17")
    return b"\x02" + body + b"%02X\r\n" % (sum(body) & 0xFF)


def abc(direction, data):
    return [(direction, (b"ABC" + bytes([len(part)]) + part).ljust(64, b"\0")) for part in pieces(data, 60)]


def contour(shown, wrap=abc):
    header = (b"H|\\^&||7w3LBL|Bayer7390^01.24\\01.04\\09.02.20^7390-2336773^7403-|A=1^C=63^G=1^I=0200^R=0^S=1"
              b"^U=0^V=10600^X=070070070070180130150250^Y=360126090050099050300089^Z=1|1714||||||1|20120205203520")
    frames = [header[:-2]] + [vector(shown, number) for number in range(1, len(shown["vectors"]))]
    frames += [b"L|1||N"]
    talk = wrap("out", b"X") + wrap("in", b"\x05") + wrap("out", b"\x06")
    for number, text in enumerate(frames):
        talk += wrap("in", astm((number + 1) % 8, text, text[:1] == b"L")) + wrap("out", b"\x06")
    return talk


def contour_line(shown):
    return contour(shown, lambda direction, data: [(direction, part) for part in pieces(data, 16)])


# ---------------------------------------------------------------- Abbott

def typed(direction, kind, data, filler=b"\0"):
    return [(direction, (bytes([kind, len(part)]) + part).ljust(64, filler)) for part in pieces(data, 62) or [b""]]


def abbott_list(rows):
    text = b"".join(rows)
    return text + b"%d,%08X\r\n" % (len(rows), sum(text) & 0xFFFFFFFF) if rows else b"Log Empty\r\n"


def abbott(serial, *commands):
    """The greeting, then one reply for each command; replies are split anywhere, with stale bytes behind."""
    talk = typed("out", 4, b"") + typed("out", 5, b"") + typed("out", 0x15, b"")
    talk += typed("in", 0x06, serial + b"\0") + typed("in", 0x34, b"") + typed("in", 0x35, b"1.43\0")
    talk += typed("out", 1, b"")
    for command, text in commands:
        end = b"CKSM:%08X\r\nCMD OK\r\n" % (sum(text) & 0xFFFFFFFF)
        talk += typed("out", 0x60, command + b"\r\n") + typed("in", 0x60, text + end, b"\xa5")
    return talk


def insulinx(shown):
    rows = [vector(shown, 2), vector(shown, 0)]
    return abbott(b"JEMC012-0345", (b"$date?", b"8,27,14\r\n"), (b"$time?", b"12,50\r\n"),
                  (b"$result?", abbott_list(rows)))


def libre(shown):
    # The clock was put back by an hour; what stands before that in the memory is dated through it.
    scans = [vector(shown, number) for number in (5, 2, 4)] + [vector(shown, 7) + b"\r\n", vector(shown, 3)]
    return abbott(b"00000000 (No SerialNum)", (b"$date?", b"3,1,26\r\n"), (b"$time?", b"7,10\r\n"),
                  (b"$sn?", b"JCMV123-R4567\r\n"), (b"$arresult?", abbott_list(scans)),
                  (b"$history?", abbott_list([vector(shown, 6) + b"\r\n"])))


def neo(shown):
    rows = [vector(shown, number) for number in (3, 4, 5, 6)]
    return abbott(b"LAMV001-00001", (b"$date?", b"3,1,26\r\n"), (b"$time?", b"7,10\r\n"),
                  (b"$serlnum?", b"LAMV001-00001\r\n"), (b"$result?", abbott_list(rows)))


def xtra(shown):
    # The first command is lost.
    about = (b"S/N:\tDCGT224-N1602\r\nVer:\t4.100\tMMOL\r\n" + vector(shown, 1) +
             b"\r\nMarket:\t1\t0\r\nROM:\t1\t0\t0\t0\r\nUsage:\t3\r\nCMD OK\r\n")
    memory = b"\r\nDCGT224-N1602\r\n4.100\r\nApr  22 2014 02:14:40\r\n003\r\n"
    memory += b"".join(vector(shown, number) + b"\r\n" for number in (3, 5, 4))
    memory += b"0x%04X  END\r\n" % (sum(memory) & 0xFFFF)
    talk = [("out", b"$colq\r\n"), ("wait", 4), ("out", b"$colq\r\n")]
    talk += [("in", piece) for piece in pieces(about, 31)] + [("out", b"$xmem\r\n")]
    return talk + [("in", piece) for piece in pieces(memory, 31)]


# ---------------------------------------------------------------- LifeScan

def crc(data):
    value = 0xFFFF
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = ((value << 1) ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return value


def packet(body, link=0):
    data = bytes([2, len(body) + 6, link]) + body + b"\x03"
    return data + struct.pack("<H", crc(data))


def verio(shown):
    def ask(body, answer):
        return [("out", packet(body), "lba:3"), ("in", packet(b"\x03\x06" + answer).ljust(512, b"\0"), "lba:3")]
    now = 825_014_400
    inquiry = bytes([0, 0x80, 2, 2, 31, 0, 0, 0]) + b"LifeScan".ljust(24) + b"1.00"
    talk = [("in", inquiry + b"LifeScan MSC", "inquiry")]
    talk += ask(b"\x03\x20\x02", struct.pack("<I", now)) + ask(b"\x03\x27\x00", struct.pack("<H", 2))
    for place, (age, value) in enumerate(((600, 104), (4200, 95))):
        record = struct.pack("<HBHIHBBBB", place, 0, 2 - place, now - age, value, 0, 0, 0, 0x0B)
        talk += ask(b"\x03\x31\x02" + struct.pack("<H", place) + b"\0", record + b"\0")
    return talk


def linked(serial, clock, records):
    """A meter that numbers and acknowledges its packets; one packet of it comes twice."""
    talk = [("out", packet(b"", 8)), ("in", packet(b"", 12))]
    state = {"sent": 0, "expected": 0}

    def ask(body, answer, again=False):
        s, e = state["sent"], state["expected"]
        reply = packet(b"\x05\x06" + answer, e | (1 - s) << 1)
        out = [("out", packet(body, s | e << 1))]
        if again:
            # It has not heard that its last packet came.
            out += [("in", state["last"]), ("out", packet(b"", 4 | s | e << 1))]
        state.update(sent=1 - s, expected=1 - e, last=reply)
        out += [("in", packet(b"", 4 | (1 - s) << 1))] + [("in", piece) for piece in pieces(reply, 9)]
        return out + [("out", packet(b"", 4 | state["sent"] | state["expected"] << 1))]
    talk += ask(bytes.fromhex("050b0200000000846ae87300"), serial)
    talk += ask(b"\x05\x20\x02\0\0\0\0", struct.pack("<I", clock))
    talk += ask(b"\x05\x1f\xf5\x01", struct.pack("<H", len(records)), again=True)
    for index, record in enumerate(records):
        talk += ask(b"\x05\x1f" + struct.pack("<H", index), record)
    return talk + [("out", packet(b"", 8))]


def ultra_mini(shown):
    newest = vector(shown, 3)[5:-3]
    age = 10 * 3600 + 35 * 60
    older = struct.pack("<II", struct.unpack("<I", newest[:4])[0] - age, 98)
    return linked(b"C176SA0KA\0", struct.unpack("<I", newest[:4])[0] + 1500, [newest, older])


def verio_iq(shown):
    def ask(body, answer):
        reply = packet(b"\x03\x06" + answer)
        return [("out", packet(body))] + [("in", piece) for piece in pieces(reply, 10)]
    records = [vector(shown, number)[5:-3] for number in (0, 1)]
    talk = ask(b"\x03\x0b\x01\x02", b"ZGMC01AB\0")
    talk += ask(b"\x03\x20\x02", struct.pack("<I", struct.unpack("<I", records[0][:4])[0] + 1500))
    talk += ask(b"\x03\x27\0", struct.pack("<H", 2))
    for index, record in enumerate(records):
        talk += ask(b"\x03\x21" + struct.pack("<H", index), record)
    return talk


# ---------------------------------------------------------------- SD CodeFree, GlucoMen Areo

def codefree_frame(direction, message):
    return bytes([0x53, direction, len(message) + 2]) + message + bytes([xor(message), 0xAA])


def codefree(shown):
    second = codefree_frame(0x20, bytes([0x20, 0, 26, 2, 28, 20, 10, 0, 83, 0]) + bytes(range(7)))
    count = codefree_frame(0x20, b"\x30" + struct.pack(">H", 2) + b"\xaa" * 19)
    fetch = ("out", codefree_frame(0x10, b"\x10\x60"))
    talk = [("in", b"\0" + codefree_frame(0x20, b"\x10\x30")), ("out", codefree_frame(0x10, b"\x10\x40"))]
    talk += [("in", piece) for piece in pieces(count, 16)] + [fetch]
    talk += [("in", piece) for piece in pieces(vector(shown, 3), 16)] + [fetch, ("in", second), fetch]
    return talk + [("in", codefree_frame(0x20, b"\x10\x70"))]


def areo(shown):
    def block(*lines):
        body = b"[\r\n" + b"".join(line + b"\r\n" for line in lines)
        value = 0
        for byte in body:
            value ^= byte
            for _ in range(8):
                value = value >> 1 ^ 0x8C if value & 1 else value >> 1
        return [("in", piece) for piece in pieces(body + b"%02X\r\n]\r\n" % value, 20)]
    talk = [("out", b"\xa2")] + block(vector(shown, 3))
    return talk + [("out", b"\x80")] + block(vector(shown, 0), vector(shown, 1))


def caresens(shown):
    def frame(command, data=b""):
        body = b"\x02iSPc" + bytes([len(data) + 7]) + command + data
        return body + struct.pack(">H", crc(body + b"\x03")) + b"\x03"

    def ask(command, answer, data=b""):
        return [("out", frame(command, data))] + [("in", piece) for piece in pieces(frame(command, answer), 24)]
    records = [vector(shown, number) for number in range(4)]
    talk = [("out", b"\x80"), ("in", b"\x80")] + ask(b"RSNB", b"ML19B0C0123 ")
    talk += ask(b"RTIM", bytes([26, 3, 1, 7, 10, 1])) + ask(b"NCOT", struct.pack(">H", 4))
    return talk + ask(b"GLUE", b"".join(records), struct.pack(">HB", 1, 4))


# ---------------------------------------------------------------- Microlife, Beurer

def microlife(shown):
    def ask(command, text):
        answer = b"\x06" + text + b"%02X" % (sum(text) & 0xFF)
        reports = [("in", bytes([0xF0 | len(part)]) + part.ljust(7, b"\x33")) for part in pieces(answer, 7)]
        return [("out", bytes([4, 0x12, 0x16, 0x18, command, 0, 0, 0]))] + reports + [("wait", 1)]
    older = b"2607102130000000" + b"%08X" % (66 << 20 | 84 << 10 | 131) + b"00000000"
    clock = b"07112026091000" + b"0" * 18
    return ask(0x26, clock) + ask(0x22, b"0002".ljust(32, b"0") + vector(shown, 2) + older)


BEURER_OLDER = bytes.fromhex("6a3b42070a151e1a")


def beurer_usb(shown):
    def ask(answer, *question):
        return [("out", bytes(question).ljust(8, b"\xf4")), ("in", answer.ljust(8, b"\xf4"))]
    talk = ask(b"\x55", 0xAA) + ask(b"Andon Bl", 0xA4) + ask(b"ood Pres", 0xA5) + ask(b"sure Met", 0xA6)
    talk += ask(b"er KD001", 0xA7) + ask(b"\3", 0xA2) + ask(vector(shown, 2), 0xA3, 1)
    talk += ask(BEURER_OLDER, 0xA3, 2) + ask(b"\xa9", 0xA3, 3)
    return talk + [("out", bytes([byte]).ljust(8, b"\xf4")) for byte in (0xF7, 0xF6)]


def beurer_line(shown):
    talk = [("out", b"\xaa"), ("in", b"\x55"), ("out", b"\xa2"), ("in", b"\3")]
    talk += [("out", b"\xa3\1"), ("in", b"\xac" + vector(shown, 1)[:4]), ("in", vector(shown, 1)[4:])]
    return talk + [("out", b"\xa3\2"), ("in", b"\xac" + BEURER_OLDER), ("out", b"\xa3\3"), ("in", b"\xa9")]


# ---------------------------------------------------------------- TRUE METRIX

def metrix_message(content):
    text = b"(" + content + b")"
    return text + b"%02X" % (sum(text) & 0xFF)


def true_metrix(shown):
    def ask(command, *messages, part=63):
        text = metrix_message(command)
        reports = [("in", (bytes([len(piece)]) + piece).ljust(64, b"\x5a")) for piece in pieces(b"".join(messages), part)]
        return [("out", bytes([0xA0, len(text)]) + text)] + reports + [("wait", 2.1)]
    # Both of two equal results, one beyond the range, one of control solution.
    results = [vector(shown, number) for number in (0, 0, 2, 4, 6)]
    total = sum(sum(message[3:-3]) for message in results)
    model, serial = metrix_message(b"iBLU"), metrix_message(b"z1TA12345678")
    talk = ask(b"^", b"\xff*") + ask(b"I", model) + ask(b"Z1", model, serial, part=11)
    talk += ask(b"V", metrix_message(b"v1.02")) + ask(b"T", metrix_message(b"t090015150626"), part=5)
    checksum = metrix_message(b"x0%04X" % (total & 0xFFFF))
    talk += ask(b"G", *results, checksum, checksum, part=24)
    return talk + [("out", b"\xa0\x05" + metrix_message(b"_"))]


# ---------------------------------------------------------------- JPI

def jpi(shown):
    dump = b"\x02" + vector(shown, 2) + b"\x03"
    return [("out", b"\x02R00\x03")] + [("in", piece) for piece in pieces(dump, 7)]


# ---------------------------------------------------------------- TaiDoc, OneTouch Ultra2

def taidoc(shown):
    def frame(command, data, end):
        body = bytes([0x51, command]) + data.ljust(4, b"\0") + bytes([end])
        return body + bytes([sum(body) & 0xFF])

    def ask(command, answer, index=0):
        return [("out", frame(command, struct.pack("<H", index), 0xA3)), ("in", frame(command, answer, 0xA5))]

    def stamp(year, month, day, hour, minute):
        return struct.pack("<HBB", (year - 2000) << 9 | month << 5 | day, minute, hour)
    # Asleep: it says 54, and is asked again.
    talk = [("out", frame(0x22, b"", 0xA3)), ("in", frame(0x54, b"", 0xA5))]
    talk += ask(0x22, b"") + ask(0x24, bytes.fromhex("7742")) + ask(0x23, stamp(2026, 3, 1, 7, 10))
    talk += ask(0x2B, struct.pack("<H", 2))
    talk += ask(0x25, stamp(2026, 3, 1, 6, 45)) + [("out", frame(0x26, b"", 0xA3)), ("in", vector(shown, 0))]
    talk += ask(0x25, stamp(2026, 2, 28, 21, 14), 1) + [("out", frame(0x26, b"\1", 0xA3)), ("in", vector(shown, 1))]
    return talk + [("out", frame(0x50, b"", 0xA3))]


def ultra2(shown):
    def line(text):
        return text + b" %04X\r\n" % (sum(text) & 0xFFFF)

    def ask(name, *lines):
        return [("wait", 1), ("out", b"\x11\r" + name)] + [("in", line(text)) for text in lines]
    talk = ask(b"DM@", b'@ "GMF600DCY"') + ask(b"DMF", b'F "SAT","03/21/15","16:50:00   "')
    record = vector(shown, 0)
    return talk + ask(b"DMP", b'P 002,"GMF600DCY","MG/DL "') + [("in", record[:30]), ("in", record[30:])] + [
        ("in", line(b'P "FRI","03/20/15","07:02:05   "," HIGH ","N","00", 00'))]


CABLES = {
    "and-standard-scale": listened("2026-03-01T07:10:00", [0, 1], part=6, repeat=20, step=0.01,
                                   note="each weighing is sent twenty times"),
    "and-tm-2657p": listened("2026-07-11T09:05:20", [1, 2], part=8, step=0.03),
    "beurer-bm55": asked("2026-07-11T09:10:00", usb("0c45", "7406"), beurer_usb),
    "beurer-serial": asked("2026-07-11T09:10:00", BRIDGE, beurer_line),
    "caresens-usb": asked("2026-03-01T07:10:00", usb("10c4", "8a32"), caresens),
    "contour-serial": asked("2012-02-05T20:35:00", BRIDGE, contour_line),
    "contour-usb": asked("2012-02-05T20:35:00", usb("1a79", "6002", product="Contour USB"), contour),
    "freestyle-insulinx": asked("2014-08-27T12:50:00", usb("1a61", "3460"), insulinx),
    "freestyle-libre": asked("2026-03-01T07:10:00", usb("1a61", "3650"), libre),
    "freestyle-precision-neo": asked("2026-03-01T07:10:00", usb("1a61", "3850"), neo),
    "glucomen-areo": asked("2026-03-01T07:10:00", {**BRIDGE, "vendor-id": "10c4", "product-id": "ea60"}, areo),
    "gtech-gl-310": listened("2026-03-01T07:10:00", [0], part=32, step=0.03),
    "hid-scale": listened("2026-03-01T07:10:00", [1, 3, 2], usb("0922", "8003", **{"class": "hid"}), repeat=5, step=0.5),
    "jpi-visomat": asked("2015-11-03T21:32:00", usb("1247", "00f8"), jpi),
    "microlife-watchbp": asked("2026-07-11T09:09:58", usb("04b4", "5500"), microlife),
    "omron-hbp-9020": listened("2023-04-27T15:06:10", [2], part=10, step=0.04),
    "omron-hbp-9030": listened("2026-07-11T09:05:30", [0, 1], {**BRIDGE, "transport": "usb"}, part=16, step=0.02),
    "omron-hem-7080it": asked("2013-01-02T00:10:00", usb("0590", "0028"), omron_cuff,
                              "busy once, and NO once"),
    "omron-hem-7131u": asked("2026-07-11T09:10:00", usb("0590", "0090", serial="20140112345"), omron_memory),
    "omron-hj-720it": asked("2009-05-20T18:00:00", usb("0590", "0028"), omron_pedometer),
    "onetouch-ultra-mini": asked("2026-03-01T07:10:00", BRIDGE, ultra_mini, "one packet comes twice"),
    "onetouch-verio-iq": asked("2026-03-01T07:10:00", {**BRIDGE, "vendor-id": "10c4", "product-id": "85a7"}, verio_iq),
    "onetouch-verio-usb": asked("2026-02-21T19:40:00", usb("2766", "0004", serial="VERIO001"), verio),
    "onetouch-ultra-2": asked("2015-03-21T16:50:00", BRIDGE, ultra2, step=0.25),
    "precision-xtra": asked("2014-04-22T02:14:37", BRIDGE, xtra, "the first command is not heard"),
    "sd-codefree": asked("2026-03-01T07:10:00", {**BRIDGE, "vendor-id": "10c4", "product-id": "ea60"}, codefree),
    "taidoc-td-42xx": asked("2026-03-01T07:10:10", usb("10c4", "ea80", **{"bound-to": "taidoc-td-42xx"}), taidoc,
                            "asleep at first"),
    "tanita-mc-780": listened("2026-06-03T11:59:30", [0], part=62, step=0.07),
    "tanita-sc-330": listened("2023-05-02T11:59:30", [0, 1], part=62, step=0.07),
    "true-metrix": asked("2026-06-15T15:00:00", usb("1f41", "0000"), true_metrix,
                         "said twice: model and checksum; equal: two of its results"),
    "terumo-bp-500": listened("2021-04-27T15:30:20", [2], part=16, step=0.07),
}


def cable_header(name, session):
    header = dict(session["header"] or BRIDGE)
    if header["transport"] == "serial" and name != "onetouch-verio-iq" or header.get("vendor-id") == BRIDGE["vendor-id"]:
        header["bound-to"] = name
    return header


def cable_lines(lines, session, shown):
    for direction, data, *place in session["talk"](shown):
        if direction == "wait":
            lines.now += datetime.timedelta(seconds=data)
            continue
        body = {"data": data.hex()}
        if place:
            body["endpoint"] = place[0]
        lines.add(direction, body, session["step"])
