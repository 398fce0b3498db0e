"""The exchange spec (健康情報等交換規約) as a receiver reads it.

Written from the specification's tables alone: neither from the gateway's encoder nor from
exchange-formats/*.yaml, so that a mistake in either shows up here.
"""

import json
import re
from dataclasses import dataclass, field

ALNUM = re.compile(r"[A-Za-z0-9]+")
# Participant codes such as MDM-001 carry a hyphen; everything else is half-width alphanumeric.
PERSON = re.compile(r"[A-Za-z0-9-]+")
NUMBER = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?")
DIGITS = re.compile(r"[0-9]+")
WEARING = ("10", "11", "20", "21", "30", "31", "40", "50")
DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Number(str):
    """A JSON number that still has the characters it was written with."""


class Refused(Exception):
    """A document, or one record of it, breaks the specification."""


def date(width):
    def check(value):
        if type(value) is not str:
            raise Refused("is not a JSON string")
        if not (value.isascii() and DIGITS.fullmatch(value)):
            raise Refused("holds something else than digits")
        if len(value) != width:
            raise Refused(f"has {len(value)} digits, not {width}")
        year, month, day = int(value[:4]), int(value[4:6]), int(value[6:8])
        hour, minute, second = int(value[8:10]), int(value[10:12]), int(value[12:14])
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        if year < 1900 or not 1 <= month <= 12:
            raise Refused("is not a date that exists")
        if not 1 <= day <= DAYS[month - 1] + (1 if month == 2 and leap else 0):
            raise Refused("is not a date that exists")
        if hour > 23 or minute > 59 or second > 59:
            raise Refused("is not a time that exists")
    return check


def text(width, pattern=None, least=1):
    def check(value):
        if type(value) is not str:
            raise Refused("is not a JSON string")
        if len(value) < least or not value.strip():
            raise Refused("is empty")
        if len(value) > width:
            raise Refused(f"has {len(value)} characters, more than {width}")
        if any(ord(c) < 32 or ord(c) == 127 for c in value):
            raise Refused("holds a control character")
        if pattern and not pattern.fullmatch(value):
            raise Refused("holds characters that are not allowed there")
    return check


def code(*allowed):
    def check(value):
        if type(value) is not str:
            raise Refused("is not a JSON string")
        if value not in allowed:
            raise Refused("is not one of " + ", ".join(allowed))
    return check


def number(width, decimals=0, exact=False, positive=False):
    """`width` counts the written characters, the point included."""
    def check(value):
        if type(value) is not Number:
            raise Refused("is not a JSON number")
        match = NUMBER.fullmatch(value)
        if not match:
            raise Refused("is not written as a plain decimal number")
        if len(value) > width:
            raise Refused(f"has {len(value)} characters, more than {width}")
        places = len(match.group(2)) - 1 if match.group(2) else 0
        if places > decimals or (exact and places != decimals):
            raise Refused(f"has {places} decimals, not {decimals}")
        if positive and not float(value) > 0:
            raise Refused("is zero")
    return check


@dataclass
class Table:
    required: dict
    optional: dict = field(default_factory=dict)


MAKER = {"model_manufacturer_code": text(50)}
MODEL = {"model_number": text(50)}
SERIAL = {"production_specification_serial": text(50)}
STAMP = {"origin_of_time_code": code("0", "1"), "update_time": date(17)}
TIME = {"observation_time": date(14)}
PRESSURE = {"systolic": number(3, positive=True), "diastolic": number(3, positive=True)}
PULSE = {"pulse_rate": number(3)}
WEIGHT = {"body_weight": number(6, 2, positive=True)}
FAT = {"body_fat": number(5, 1)}
HBA1C = {"hba1c_value": number(4, 1, positive=True)}
LAB = {"test_lab_id": text(12, ALNUM)}
METHOD = {"measurement_method_code": text(6, ALNUM), "value_criteria_code": text(1, ALNUM)}
ACTIVITY_REQUIRED = {"step": number(5), "total_active_duration": number(4)}
ACTIVITY_OPTIONAL = {
    "walk_time": number(4), "moderate_intensity_activity": number(4),
    "calories": number(6, 1, exact=True), "total_calories": number(6, 1, exact=True),
    "measurement_position_code": code(*WEARING),
}
GLUCOSE = {"blood_glucose": number(5, 1, positive=True)}
MEAL = {"meal_code": text(1, ALNUM)}


def tables_meti(extensions):
    source = {"data_input_code": code("0", "1", "2")}
    device = {**MAKER, **MODEL, **SERIAL, **source, **STAMP}
    update = {"update_time": date(17)}
    home = {
        "weighing_scale": Table({**TIME, **WEIGHT, **device}, FAT),
        "blood_pressure": Table({**TIME, **PRESSURE, **PULSE, **device}),
        "activity_monitor": Table({**TIME, **ACTIVITY_REQUIRED, **device}, ACTIVITY_OPTIONAL),
    }
    if "blood-glucose" in extensions:
        home["blood_glucose"] = Table({**TIME, **GLUCOSE, **device}, MEAL)
    checkup = {
        "hba1c": Table({**TIME, **HBA1C, **source, **LAB, **update}, METHOD),
        "blood_pressure": Table({**TIME, **PRESSURE, **source, **LAB, **update}, PULSE),
    }
    return {"healthcare_information": home, "health_checkup_information": checkup}


def tables_tis(extensions):
    source = {"input_method_code": code("0", "1", "2")}
    device = {**MAKER, **SERIAL, **source, **STAMP}
    position = {"measurement_position": text(200)}
    update = {"update_time": date(17)}
    return {
        "healthcare_information": {
            "weighing_scale": Table({**TIME, **WEIGHT, **device}, {**FAT, **MODEL}),
            "blood_pressure": Table(
                {**TIME, **PRESSURE, **PULSE, **device}, {**MODEL, **position}),
        },
        "health_checkup_information": {
            "hba1c": Table({**TIME, **HBA1C, **source, **LAB, **update}, METHOD),
            "blood_pressure": Table(
                {**TIME, **PRESSURE, **PULSE, **source, **LAB, **update}, position),
        },
    }


FORMATS = {"meti-1.0": tables_meti, "meti-1.0-tis": tables_tis}
HEADER = {
    "format_version": code("1.0"), "send_time": date(17), "consortium_id": text(6, ALNUM),
}


@dataclass
class Entry:
    """One record of a document, in the document's order."""
    index: int
    person: str
    table: str
    values: dict
    reason: str = ""


@dataclass
class Document:
    header: dict
    entries: list
    """Why the whole document is refused; empty when it is not."""
    reason: str = ""


def parse(body):
    if body.startswith(b"\xef\xbb\xbf"):
        raise Refused("the document begins with a byte order mark")
    try:
        content = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(f"the document is not UTF-8 at byte {error.start}") from None

    def members(pairs):
        names = [name for name, _ in pairs]
        for name in names:
            if names.count(name) > 1:
                raise Refused(f"{name} stands twice in one object")
        return dict(pairs)

    def constant(name):
        raise Refused(f"{name} is not JSON")
    try:
        return json.loads(content, parse_float=Number, parse_int=Number,
                          parse_constant=constant, object_pairs_hook=members)
    except (ValueError, RecursionError) as error:
        raise Refused(f"the document is not JSON: {error}") from None


def check_values(where, values, table):
    """Every problem of one record, in one line."""
    problems = []
    for name in table.required:
        if name not in values:
            problems.append(f"{where}.{name} is required and missing")
    for name, value in values.items():
        rule = table.required.get(name) or table.optional.get(name)
        if rule is None:
            problems.append(f"{where}.{name} is not a key of this table")
            continue
        if value is None:
            problems.append(f"{where}.{name} is null")
            continue
        try:
            rule(value)
        except Refused as error:
            problems.append(f"{where}.{name} {error}")
    return "; ".join(problems)


class Rules:
    def __init__(self, name="meti-1.0", extensions=()):
        self.tables = FORMATS[name](extensions)

    def read(self, body):
        """The records of a document; raises where they cannot even be counted."""
        top = parse(body)
        if not isinstance(top, dict):
            raise Refused("the document is not an object")
        people = top.get("person_information")
        if not isinstance(people, list) or not people:
            raise Refused("person_information is not an array with something in it")
        header = {k: v for k, v in top.items() if k != "person_information"}
        document = Document(header, [])
        problem = check_values("document", header, Table(HEADER))
        seen = set()
        for number_, person in enumerate(people):
            problem = self._person(document, number_, person, seen) or problem
        document.reason = problem
        return document

    def _person(self, document, number_, person, seen):
        where = f"person_information[{number_}]"
        if not isinstance(person, dict):
            raise Refused(f"{where} is not an object")
        known = {"person_id": text(20, PERSON)}
        groups = {k: v for k, v in person.items() if k in self.tables}
        rest = {k: v for k, v in person.items() if k not in self.tables}
        problem = check_values(where, rest, Table(known))
        identity = person.get("person_id")
        if isinstance(identity, str):
            if identity in seen:
                problem = problem or f"{where}.person_id stands twice in one document"
            seen.add(identity)
        if not groups:
            raise Refused(f"{where} holds no information")
        for group, arrays in groups.items():
            problem = self._group(document, where, str(identity), group, arrays) or problem
        return problem

    def _group(self, document, where, person, group, arrays):
        problem = ""
        if not isinstance(arrays, dict) or not arrays:
            raise Refused(f"{where}.{group} is not an object with something in it")
        for name, rows in arrays.items():
            path = f"{where}.{group}.{name}"
            table = self.tables[group].get(name)
            if table is None:
                problem = f"{path} is not a table of this format"
                table = Table({})
            if not isinstance(rows, list) or not rows:
                raise Refused(f"{path} is not an array with something in it")
            for position, row in enumerate(rows):
                if not isinstance(row, dict):
                    raise Refused(f"{path}[{position}] is not an object")
                entry = Entry(len(document.entries), person, f"{group}.{name}", row)
                entry.reason = check_values(f"{path}[{position}]", row, table)
                document.entries.append(entry)
        return problem
