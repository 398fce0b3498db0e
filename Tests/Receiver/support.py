"""Sample documents and a receiver process to send them to."""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, "receiver.py")

DEVICE = {
    "model_manufacturer_code": "A&D", "model_number": "UC-352BLE",
    "production_specification_serial": "5130450123", "data_input_code": "0",
    "origin_of_time_code": "1", "update_time": "20251231235959100",
}
WEIGHT = {"observation_time": "20251231235958", "body_weight": 65.0, "body_fat": 23.5, **DEVICE}
PRESSURE = {"observation_time": "20251231235958", "systolic": 125, "diastolic": 80,
            "pulse_rate": 64, **DEVICE}
ACTIVITY = {"observation_time": "20251231000000", "step": 10000, "walk_time": 90,
            "moderate_intensity_activity": 30, "calories": 300.5, "total_calories": 2100.0,
            "total_active_duration": 1440, "measurement_position_code": "31", **DEVICE}
GLUCOSE = {"observation_time": "20251231235958", "blood_glucose": 105.0, "meal_code": "1", **DEVICE}
CHECKUP = {"observation_time": "20251231235958", "data_input_code": "0",
           "test_lab_id": "000000000001", "update_time": "20251231235959100"}
HBA1C = {"hba1c_value": 5.8, "measurement_method_code": "000001", "value_criteria_code": "0",
         **CHECKUP}
CLINIC = {"systolic": 125, "diastolic": 80, **CHECKUP}
TABLES = {
    "weighing_scale": ("healthcare_information", WEIGHT),
    "blood_pressure": ("healthcare_information", PRESSURE),
    "activity_monitor": ("healthcare_information", ACTIVITY),
    "blood_glucose": ("healthcare_information", GLUCOSE),
    "hba1c": ("health_checkup_information", HBA1C),
    "clinic": ("health_checkup_information", CLINIC),
}
LEFT_OUT = object()


def document(table="weighing_scale", **changes):
    group, base = TABLES[table]
    row = {**base, **changes}
    row = {k: v for k, v in row.items() if v is not LEFT_OUT}
    name = "blood_pressure" if table == "clinic" else table
    return {"format_version": "1.0", "send_time": "20251231235959123", "consortium_id": "C00001",
            "person_information": [{"person_id": "P0000001", group: {name: [row]}}]}


class Receiver:
    """A receiver process and a way to talk to it."""

    def __init__(self, *options, certificate=None):
        self.folder = tempfile.TemporaryDirectory()
        self.control = os.path.join(self.folder.name, "control")
        self.log = os.path.join(self.folder.name, "log")
        ready = os.path.join(self.folder.name, "ready")
        where = ["--http"] if certificate is None else list(certificate)
        self.process = subprocess.Popen(
            [sys.executable, PROGRAM, "--port", "0", "--log", self.log, "--control", self.control,
             "--ready-file", ready, *where, *options], stdout=subprocess.DEVNULL)
        for _ in range(200):
            if os.path.exists(ready):
                break
            time.sleep(0.05)
        with open(ready, encoding="utf-8") as file:
            self.port = json.load(file)["port"]
        self.number = 0

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.folder.cleanup()

    def ctl(self, command):
        run = subprocess.run([sys.executable, PROGRAM, "ctl", self.control, json.dumps(command)],
                             capture_output=True, text=True, check=False)
        return json.loads(run.stdout)

    def post(self, body, key=None, context=None, timeout=10, path="/v1/records", **headers):
        if isinstance(body, dict):
            body = json.dumps(body, ensure_ascii=False).encode()
        self.number += 1
        send = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "hakaru/0.1",
                "Idempotency-Key": key or f"key-{self.number:08}"}
        send.update({k.replace("_", "-"): v for k, v in headers.items()})
        send = {k: v for k, v in send.items() if v is not None}
        if context:
            connection = http.client.HTTPSConnection(
                "localhost", self.port, context=context, timeout=timeout)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("POST", path, body, send)
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        try:
            parsed = json.loads(raw) if raw else None
        except ValueError:
            parsed = raw
        return answer.status, parsed, answer.headers


class WithReceiver(unittest.TestCase):
    options = ("--accept", "blood-glucose")

    @classmethod
    def setUpClass(cls):
        cls.receiver = Receiver(*cls.options)

    @classmethod
    def tearDownClass(cls):
        cls.receiver.stop()

    def tearDown(self):
        self.receiver.ctl({"do": "behave"})
