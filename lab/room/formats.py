"""The bytes of the Bluetooth SIG layouts that the devices send. All fields are little endian."""
import datetime
import struct

NAN = 0x07FF
JAPAN = datetime.timezone(datetime.timedelta(hours=9))


def now():
    """The true local time, the one that a well-set device shows."""
    return datetime.datetime.now(JAPAN).replace(tzinfo=None)


def sfloat(value, exponent=0):
    """An 11073 SFLOAT: a 12-bit mantissa and a 4-bit exponent of ten; `None` is NaN."""
    if value is None:
        return struct.pack("<H", NAN)
    return struct.pack("<H", (exponent & 0xF) << 12 | value & 0xFFF)


def date_time(moment):
    """Date Time 2A08, seven bytes."""
    return struct.pack("<HBBBBB", moment.year, moment.month, moment.day, moment.hour, moment.minute,
                       moment.second)


def parse_date_time(value):
    """The moment in the seven bytes of 2A08; raises ValueError where there is none."""
    if len(value) != 7:
        raise ValueError("a Date Time has 7 bytes, not %d" % len(value))
    return datetime.datetime(*struct.unpack("<HBBBBB", value))


def blood_pressure(moment, systolic=None, diastolic=None, mean=None, pulse=None):
    """Blood Pressure Measurement 2A35 as a UA-651BLE sends it: time, pulse and status present.

    Without values it is the record of a failed measurement: NaN in every field, status 0.
    """
    return (b"\x16" + sfloat(systolic) + sfloat(diastolic) + sfloat(mean) + date_time(moment)
            + sfloat(pulse) + b"\0\0")


def weight(moment, kilograms):
    """Weight Measurement 2A9D as a UC-352BLE sends it: kilograms in steps of 5 g, time present."""
    return b"\x02" + struct.pack("<H", round(kilograms / 0.005)) + date_time(moment)


def glucose(sequence, base, offset_minutes, milligrams_per_decilitre, context=False):
    """Glucose Measurement 2A18 as an Accu-Chek Guide sends it.

    Time offset, concentration (kg/L), type (undetermined plasma), location (unknown) and status present.
    """
    return (bytes([0x1B if context else 0x0B]) + struct.pack("<H", sequence) + date_time(base)
            + struct.pack("<h", offset_minutes) + sfloat(milligrams_per_decilitre, -5) + b"\xf8" + b"\0\0")


def glucose_context(sequence, meal):
    """Glucose Measurement Context 2A34 with the meal field alone."""
    return struct.pack("<BHB", 0x02, sequence, meal)


def mi_scale(moment, kilograms, impedance, control):
    """Service data 181B of a Mi Body Composition Scale 2, thirteen bytes."""
    return (bytes([0x02, control]) + date_time(moment)
            + struct.pack("<HH", impedance, round(kilograms * 200)))


def advertisement(*structures):
    """Advertising data of (type, bytes) pairs."""
    return b"".join(bytes([len(data) + 1, kind]) + data for kind, data in structures)
