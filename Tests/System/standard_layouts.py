"""The Bluetooth standard's health layouts a second time, written from the standard alone, and frames of them by chance.

Each `make_…` gives a frame and what has to be read in it: either the words of `hakaru decode` or None for a frame that
no layout allows. The program's own decoders share nothing with this file.
"""
import datetime
from decimal import Decimal

SPECIAL = {0x07FF: None, 0x0800: None, 0x07FE: None, 0x0802: None, 0x0801: None}
SPECIAL_FLOAT = {0x007FFFFF: None, 0x00800000: None, 0x007FFFFE: None, 0x00800002: None, 0x00800001: None}


def signed(number, bits):
    """Two's complement."""
    return number - (1 << bits) if number >> (bits - 1) else number


def sfloat(raw):
    """IEEE 11073 SFLOAT: four bits of exponent above twelve of mantissa, both two's complement; None for specials."""
    if raw in SPECIAL:
        return None
    return shown(signed(raw & 0xFFF, 12), signed(raw >> 12, 4))


def medfloat(raw):
    """IEEE 11073 FLOAT: eight bits of exponent above 24 of mantissa; None for specials."""
    if raw in SPECIAL_FLOAT:
        return None
    return shown(signed(raw & 0xFFFFFF, 24), signed(raw >> 24, 8))


def shown(mantissa, exponent):
    """The digits that the device sent: 360 and -1 are 36.0; no exponent is written."""
    return Decimal(mantissa) * 10 ** exponent if exponent >= 0 else Decimal(mantissa).scaleb(exponent)


def le(number, size=2):
    return (number & (1 << 8 * size) - 1).to_bytes(size, "little")


class Frames:
    """Frames by chance."""

    def __init__(self, chance):
        self.chance = chance

    def flags(self, *bits):
        return sum(1 << bit for bit in bits if self.chance.random() < 0.5)

    def date_time(self, unknown=0.1):
        """Seven bytes, and the time in ISO 8601 or None."""
        year, month = self.chance.choice([1582, 1999, 2000, 2016, 2024, 2026, 2038, 2100, 9999]), self.chance.randint(1, 12)
        day = self.chance.randint(1, 28)
        if self.chance.random() < 0.2:
            year, month, day = self.chance.choice([(2024, 2, 29), (2000, 2, 29), (2025, 12, 31), (2026, 4, 30)])
        clock = self.chance.choice([(0, 0, 0), (23, 59, 59), (12, 34, 56), (8, 0, 1)])
        iso = "%04d-%02d-%02dT%02d:%02d:%02d" % (year, month, day, *clock)
        if self.chance.random() < unknown:
            field = self.chance.randint(0, 2)
            year, month, day = [0 if field == n else part for n, part in enumerate((year, month, day))]
            iso = None
        return le(year) + bytes([month, day, *clock]), iso

    def impossible_date(self):
        year, month, day, hour, minute, second = self.chance.choice([
            (2026, 13, 1, 0, 0, 0), (2026, 2, 29, 0, 0, 0), (2100, 2, 29, 1, 1, 1), (2026, 4, 31, 0, 0, 0),
            (2026, 1, 32, 0, 0, 0), (2026, 1, 1, 24, 0, 0), (2026, 1, 1, 0, 60, 0), (1581, 12, 31, 0, 0, 0),
            (10000, 1, 1, 0, 0, 0), (2026, 1, 1, 255, 255, 255), (65535, 255, 255, 0, 0, 0)])
        return le(year) + bytes([month, day, hour, minute, second])

    def number(self, low, high, exponents, special=0.08):
        """An SFLOAT between two values, written with one of these exponents; its bytes, and its value or None."""
        if self.chance.random() < special:
            raw = self.chance.choice(list(SPECIAL))
            return le(raw), None
        for _ in range(100):
            exponent = self.chance.choice(exponents)
            unit = Decimal(10) ** exponent
            mantissa = int(Decimal(self.chance.randint(int(low), int(high))) / unit) + self.chance.randint(-3, 3)
            raw = exponent << 12 & 0xF000 | mantissa & 0xFFF
            if 1 <= mantissa <= 2045 and low <= mantissa * unit <= high:
                return le(raw), sfloat(raw)
        raise ValueError("no number fits")

    def user(self):
        user = self.chance.choice([0, 1, 2, 8, 254, 255])
        return bytes([user]), None if user == 255 else user

    def base(self, outcome, kind, values, **more):
        return {"outcome": outcome, "kind": kind, "values": values, "device_time": None, "user_slot": None,
                "sequence_number": None, "flags": [], **more}

    def blood_pressure(self, source="gatt:2a35"):
        flags = self.flags(0, 1, 2, 3, 4)
        kilopascal = flags & 1
        unit = "kPa" if kilopascal else "mm[Hg]"
        frame, values = bytes([flags]), {}
        exponents = [-1, -2] if kilopascal else [0, -1, 0, 1]
        for name, low, high in (("systolic", 8, 40), ("diastolic", 5, 30), ("mean_arterial_pressure", 6, 35)):
            scale = 1 if kilopascal else 7
            raw, value = self.number(low * scale, high * scale, exponents)
            frame += raw
            values[name] = (value, unit)
        out = self.base("measurement", "blood-pressure", values)
        if flags & 2:
            raw, out["device_time"] = self.date_time()
            frame += raw
        if flags & 4:
            raw, value = self.number(30, 200, [0, 0, -1])
            frame += raw
            values["pulse_rate"] = (value, "/min")
        if flags & 8:
            raw, out["user_slot"] = self.user()
            frame += raw
        if flags & 16:
            status = self.chance.getrandbits(16)
            frame += le(status)
            names = [(0, "body-movement"), (1, "cuff-too-loose"), (2, "irregular-pulse"), (5, "improper-position")]
            out["flags"] = [name for bit, name in names if status >> bit & 1]
            out["flags"] += {1: ["pulse-rate-high"], 2: ["pulse-rate-low"]}.get(status >> 3 & 3, [])
        if values["systolic"][0] is None or values["diastolic"][0] is None:
            out["outcome"] = "failed-measurement"
        if source == "gatt:2a36":
            out["outcome"] = "not-final"
        return frame, out

    def cuff_pressure(self):
        return self.blood_pressure("gatt:2a36")

    def weight(self):
        flags = self.flags(0, 1, 2, 3)
        unit, step = ("[lb_av]", Decimal("0.01")) if flags & 1 else ("kg", Decimal("0.005"))
        raw = 0xFFFF if self.chance.random() < 0.1 else self.chance.choice(
            [self.chance.randint(200, 0xFFFE), 13000, 0xFFFE, 1])
        if raw == 0xFFFF:
            flags &= 0x07
        frame = bytes([flags]) + le(raw)
        values = {"weight": (None if raw == 0xFFFF else raw * step, unit)}
        out = self.base("failed-measurement" if raw == 0xFFFF else "measurement", "weight", values)
        if flags & 2:
            more, out["device_time"] = self.date_time()
            frame += more
        if flags & 4:
            more, out["user_slot"] = self.user()
            frame += more
        if flags & 8:
            index, height = self.chance.randint(1, 0xFFFF), self.chance.randint(1, 0xFFFF)
            frame += le(index) + le(height)
            values["body_mass_index"] = (index * Decimal("0.1"), "kg/m2")
            values["height"] = (height * Decimal("0.1"), "[in_i]") if flags & 1 else (height * Decimal("0.001"), "m")
        return frame, out

    def body_composition(self):
        flags = self.flags(*range(12))
        fat = 0xFFFF if self.chance.random() < 0.1 else self.chance.randint(1, 700)
        if fat == 0xFFFF:
            flags &= 0x07
        frame = le(flags) + le(fat)
        values = {"body_fat": (None if fat == 0xFFFF else fat * Decimal("0.1"), "%")}
        out = self.base("failed-measurement" if fat == 0xFFFF else "measurement", "body-composition", values)
        if flags & 2:
            more, out["device_time"] = self.date_time()
            frame += more
        if flags & 4:
            more, out["user_slot"] = self.user()
            frame += more
        mass = (Decimal("0.01"), "[lb_av]") if flags & 1 else (Decimal("0.005"), "kg")
        fields = [(3, "basal_metabolism", Decimal(1), "kJ"), (4, "muscle", Decimal("0.1"), "%"),
                  (5, "muscle_mass", *mass), (6, "fat_free_mass", *mass), (7, "soft_lean_mass", *mass),
                  (8, "body_water_mass", *mass), (9, "impedance", Decimal("0.1"), "Ohm"), (10, "weight", *mass),
                  (11, "height", *((Decimal("0.1"), "[in_i]") if flags & 1 else (Decimal("0.001"), "m")))]
        for bit, name, step, unit in fields:
            if flags >> bit & 1:
                raw = self.chance.randint(1, 0xFFFF)
                frame += le(raw)
                values[name] = (raw * step, unit)
        return frame, out

    def glucose(self):
        flags = self.flags(0, 2, 3, 4) | 2
        sequence = self.chance.choice([0, 1, 17, 255, 256, 65535, self.chance.getrandbits(16)])
        base, iso = self.date_time()
        frame = bytes([flags]) + le(sequence) + base
        out = self.base("measurement", "glucose", {}, sequence_number=sequence, device_time=iso)
        if flags & 1:
            offset = self.chance.choice([0, -540, 334, 602, 1, -1, 32766, -32767, 0x7FFF, -0x8000])
            frame += le(offset)
            if offset in (0x7FFF, -0x8000) or not iso:
                out["device_time"] = None
            else:
                out["device_time"] = later(iso, offset)
        unit, shift, bounds = ("mmol/L", 3, (1, 33)) if flags & 4 else ("mg/dL", 5, (20, 600))
        if self.chance.random() < 0.12:
            raw = self.chance.choice(list(SPECIAL))
        else:
            exponent = self.chance.choice([-1, -2] if flags & 4 else [0, 0, -1, 1])
            mantissa = max(1, min(2045, int(Decimal(self.chance.randint(*bounds)) / Decimal(10) ** exponent)))
            raw = exponent - shift << 12 & 0xF000 | mantissa
        value = None if raw in SPECIAL else shown(signed(raw & 0xFFF, 12), signed(raw >> 12, 4) + shift)
        kind, place = self.chance.choice([1, 2, 3, 8, 9, 10]), self.chance.choice([1, 2, 3, 4, 15])
        frame += le(raw) + bytes([place << 4 | kind])
        out["values"]["glucose"] = (value, unit)
        if kind == 10 or place == 4:
            out["outcome"] = "control-solution"
        if value is None:
            out["outcome"] = "failed-measurement"
        if flags & 8:
            status = self.chance.choice([0, 1, 1 << 5, 1 << 6, 1 << 11, 0x0821])
            frame += le(status)
            names = [(0, "battery-low"), (5, "result-too-high"), (6, "result-too-low"), (11, "time-fault")]
            out["flags"] = [name for bit, name in names if status >> bit & 1]
        if raw == 0x07FE:
            out["flags"] = sorted({*out["flags"], "result-too-high"})
        if raw == 0x0802:
            out["flags"] = sorted({*out["flags"], "result-too-low"})
        return frame, out

    def temperature(self):
        flags = self.flags(0, 1, 2)
        low, high, unit = (95, 106, "[degF]") if flags & 1 else (35, 41, "Cel")
        if self.chance.random() < 0.1:
            raw = self.chance.choice(list(SPECIAL_FLOAT))
        else:
            exponent = self.chance.choice([-1, -2, -1, 0])
            mantissa = self.chance.randint(low * 10 ** -exponent, high * 10 ** -exponent)
            raw = exponent << 24 & 0xFF000000 | mantissa
        value = medfloat(raw)
        frame = bytes([flags]) + le(raw, 4)
        out = self.base("measurement" if value is not None else "failed-measurement", "temperature",
                        {"body_temperature": (value, unit)})
        if flags & 2:
            more, out["device_time"] = self.date_time()
            frame += more
        if flags & 4:
            frame += bytes([self.chance.randint(1, 9)])
        return frame, out

    def heart_rate(self):
        flags = self.flags(0, 1, 2, 3, 4)
        rate = self.chance.randint(30, 300 if flags & 1 else 255)
        frame = bytes([flags]) + le(rate, 2 if flags & 1 else 1)
        if flags & 8:
            frame += le(self.chance.getrandbits(16))
        if flags & 16:
            frame += b"".join(le(self.chance.getrandbits(16)) for _ in range(self.chance.randint(1, 4)))
        return frame, {"outcome": "measurement", "kind": "heart-rate", "values": {"heart_rate": (Decimal(rate), "/min")},
                       "device_time": None, "user_slot": None, "sequence_number": None}

    def clock(self):
        """Current Time: a date, the day of the week, fractions, the reason of an adjustment."""
        raw, iso = self.date_time()
        return raw + bytes([self.chance.randint(0, 7), self.chance.getrandbits(8), self.chance.getrandbits(4)]), {
            "outcome": "device-state", "kind": None, "values": {}, "device_time": iso}

    def date(self):
        raw, iso = self.date_time()
        return raw, {"outcome": "device-state", "kind": None, "values": {}, "device_time": iso}


def later(iso, minutes):
    """A local time some minutes later; None after the year 9999."""
    try:
        moment = datetime.datetime.fromisoformat(iso) + datetime.timedelta(minutes=minutes)
    except OverflowError:
        return None
    return moment.isoformat()


LAYOUTS = {"gatt:2a35": Frames.blood_pressure, "gatt:2a36": Frames.cuff_pressure, "gatt:2a9d": Frames.weight,
           "gatt:2a9c": Frames.body_composition, "gatt:2a18": Frames.glucose, "gatt:2a1c": Frames.temperature,
           "gatt:2a37": Frames.heart_rate, "gatt:2a2b": Frames.clock, "gatt:2a08": Frames.date}
