"""What the receiver must refuse, count and log.

    python3 -m unittest discover Tests/Receiver
"""

import copy
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import LEFT_OUT, TABLES, Receiver, WithReceiver, document  # noqa: E402


class GoodDocuments(WithReceiver):
    def test_every_table_is_accepted(self):
        for table in TABLES:
            with self.subTest(table):
                status, answer, _ = self.receiver.post(document(table))
                self.assertEqual((status, answer["results"][0]["status"]), (200, "accepted"))

    def test_the_widest_values_are_accepted(self):
        wide = [
            ("weighing_scale", {"body_weight": 100.25, "body_fat": 100.0}),
            ("weighing_scale", {"model_number": "体" * 50}),
            ("activity_monitor", {"step": 99999, "calories": 9999.9}),
            ("activity_monitor", {"step": 0, "total_active_duration": 0, "calories": 0.0}),
            ("blood_glucose", {"blood_glucose": 600.0}),
            ("weighing_scale", {"observation_time": "20240229000000"}),
        ]
        for index, (table, changes) in enumerate(wide):
            with self.subTest(changes):
                changes.setdefault("observation_time", f"202501010000{index:02}")
                status, answer, _ = self.receiver.post(document(table, **changes))
                self.assertEqual(status, 200, answer)

    def test_a_participant_code_with_a_hyphen_is_accepted(self):
        body = document()
        body["person_information"][0]["person_id"] = "MDM-001"
        self.assertEqual(self.receiver.post(body)[0], 200)


class BadRecords(WithReceiver):
    CASES = [
        ("weighing_scale", {"body_weight": LEFT_OUT}, "body_weight is required"),
        ("weighing_scale", {"body_weight": "65.0"}, "not a JSON number"),
        ("weighing_scale", {"body_weight": None}, "null"),
        ("weighing_scale", {"body_weight": True}, "not a JSON number"),
        ("weighing_scale", {"body_weight": 65.123}, "3 decimals"),
        ("weighing_scale", {"body_weight": 1000.25}, "7 characters"),
        ("weighing_scale", {"body_weight": -1}, "plain decimal"),
        ("weighing_scale", {"body_weight": 0}, "zero"),
        ("weighing_scale", {"body_fat": 23.55}, "2 decimals"),
        ("weighing_scale", {"height": 170}, "height is not a key"),
        ("weighing_scale", {"input_method_code": "0"}, "not a key"),
        ("weighing_scale", {"observation_time": 20251231235958}, "not a JSON string"),
        ("weighing_scale", {"observation_time": "20250229000000"}, "date that exists"),
        ("weighing_scale", {"observation_time": "20251331000000"}, "date that exists"),
        ("weighing_scale", {"observation_time": "20251231240000"}, "time that exists"),
        ("weighing_scale", {"observation_time": "20251231236000"}, "time that exists"),
        ("weighing_scale", {"observation_time": "2025-12-31 00:00"}, "else than digits"),
        ("weighing_scale", {"observation_time": "20251231235958000"}, "17 digits, not 14"),
        ("weighing_scale", {"observation_time": "２０２５１２３１２３５９５８"}, "else than digits"),
        ("weighing_scale", {"update_time": "20251231235959"}, "14 digits, not 17"),
        ("weighing_scale", {"data_input_code": 0}, "not a JSON string"),
        ("weighing_scale", {"data_input_code": "3"}, "not one of 0, 1, 2"),
        ("weighing_scale", {"origin_of_time_code": "2"}, "not one of 0, 1"),
        ("weighing_scale", {"model_number": "x" * 51}, "51 characters"),
        ("weighing_scale", {"model_number": ""}, "empty"),
        ("weighing_scale", {"model_number": " "}, "empty"),
        ("weighing_scale", {"model_number": "UC\n352"}, "control character"),
        ("weighing_scale", {"production_specification_serial": LEFT_OUT}, "required"),
        ("blood_pressure", {"systolic": 1000}, "4 characters"),
        ("blood_pressure", {"systolic": 125.0}, "characters"),
        ("blood_pressure", {"pulse_rate": LEFT_OUT}, "pulse_rate is required"),
        ("activity_monitor", {"calories": 300}, "0 decimals"),
        ("activity_monitor", {"calories": 10000.0}, "7 characters"),
        ("activity_monitor", {"step": 100000}, "6 characters"),
        ("activity_monitor", {"total_active_duration": LEFT_OUT}, "required"),
        ("activity_monitor", {"measurement_position_code": "12"}, "not one of"),
        ("hba1c", {"test_lab_id": LEFT_OUT}, "test_lab_id is required"),
        ("hba1c", {"hba1c_value": 5.85}, "2 decimals"),
        ("clinic", {"origin_of_time_code": "0"}, "not a key"),
    ]

    def test_each_broken_record_is_refused_with_its_reason(self):
        for table, changes, reason in self.CASES:
            with self.subTest(table=table, changes=changes):
                status, answer, _ = self.receiver.post(document(table, **changes))
                self.assertEqual(status, 422, answer)
                self.assertEqual(answer["results"][0]["status"], "rejected")
                self.assertIn(reason, answer["results"][0]["reason"])

    def test_the_good_neighbour_of_a_broken_record_is_accepted(self):
        body = document(observation_time="20250505050505")
        rows = body["person_information"][0]["healthcare_information"]["weighing_scale"]
        rows.append({**rows[0], "body_weight": "65"})
        status, answer, _ = self.receiver.post(body)
        self.assertEqual([r["status"] for r in answer["results"]], ["accepted", "rejected"])
        self.assertEqual(status, 422)

    def test_a_number_with_an_exponent_is_refused(self):
        raw = json.dumps(document()).replace("65.0", "6.5e1").encode()
        self.assertIn("plain decimal", self.receiver.post(raw)[1]["results"][0]["reason"])


class BadDocuments(WithReceiver):
    def refused(self, body, reason):
        status, answer, _ = self.receiver.post(body)
        self.assertIn(status, (400, 422), answer)
        self.assertIn(reason, json.dumps(answer, ensure_ascii=False))

    def test_a_broken_envelope_is_refused(self):
        def change(**values):
            return {k: v for k, v in {**document(), **values}.items() if v is not LEFT_OUT}
        cases = [
            (change(format_version="1"), "format_version is not one of"),
            (change(format_version=1.0), "format_version is not a JSON string"),
            (change(send_time="20251231235959"), "send_time has 14 digits"),
            (change(send_time=LEFT_OUT), "send_time is required"),
            (change(consortium_id="C000001"), "consortium_id has 7"),
            (change(consortium_id="C-01"), "consortium_id holds characters"),
            (change(extra="1"), "extra is not a key"),
            (change(person_information=[]), "person_information is not an array"),
            (change(person_information={}), "person_information is not an array"),
            (change(person_information=[None]), "not an object"),
        ]
        for body, reason in cases:
            with self.subTest(reason):
                self.refused(body, reason)

    def test_a_broken_person_is_refused(self):
        def change(values):
            body = document()
            person = {**body["person_information"][0], **values}
            body["person_information"] = [
                {k: v for k, v in person.items() if v is not LEFT_OUT}]
            return body
        cases = [
            ({"person_id": "P" * 21}, "21 characters"),
            ({"person_id": "Ｐ０００１"}, "holds characters"),
            ({"person_id": LEFT_OUT}, "person_id is required"),
            ({"person_id": 1}, "not a JSON string"),
            ({"name": "x"}, "name is not a key"),
            ({"healthcare_information": LEFT_OUT}, "holds no information"),
            ({"healthcare_information": {}}, "not an object with something"),
            ({"healthcare_information": []}, "not an object with something"),
            ({"health_checkup_information": {}}, "not an object with something"),
            ({"healthcare_information": {"weighing_scale": []}}, "not an array with something"),
            ({"healthcare_information": {"weighing_scale": [1]}}, "not an object"),
            ({"healthcare_information": {"temperature": [{}]}}, "not a table"),
        ]
        for values, reason in cases:
            with self.subTest(reason=reason, values=values):
                self.refused(change(values), reason)

    def test_a_person_who_stands_twice_is_refused(self):
        body = document()
        body["person_information"] *= 2
        self.refused(body, "stands twice")

    def test_text_that_is_not_the_json_that_was_agreed_is_refused(self):
        good = json.dumps(document()).encode()
        cases = [
            (b"\xef\xbb\xbf" + good, "byte order mark"),
            (good.replace(b"A&D", b"A\xff"), "not UTF-8"),
            (good[:-2], "not JSON"),
            (b"", "not JSON"),
            (b"[]", "not an object"),
            (good.replace(b"65.0", b"NaN"), "NaN is not JSON"),
            (good.replace(b'"body_fat"', b'"body_weight"'), "stands twice"),
            (json.dumps(document()).encode("utf-16"), "not UTF-8"),
        ]
        for body, reason in cases:
            with self.subTest(reason):
                self.refused(body, reason)


class Headers(WithReceiver):
    def test_a_request_with_wrong_headers_is_refused(self):
        cases = [
            ({"Content_Type": "application/json"}, 415), ({"Content_Type": "text/plain"}, 415),
            ({"Content_Type": "application/json; charset=shift_jis"}, 415),
            ({"Idempotency_Key": None}, 400), ({"Idempotency_Key": "short"}, 400),
            ({"User_Agent": "curl/8"}, 400), ({"path": "/v2/records"}, 404),
        ]
        for headers, status in cases:
            with self.subTest(headers):
                self.assertEqual(self.receiver.post(document(), **headers)[0], status)

    def test_a_key_that_comes_back_with_another_body_is_refused(self):
        body = document(observation_time="20250101010101")
        self.assertEqual(self.receiver.post(body, key="same-key-1")[0], 200)
        self.assertEqual(self.receiver.post(body, key="same-key-1")[0], 200)
        body["send_time"] = "20251231235959999"
        status, answer, _ = self.receiver.post(body, key="same-key-1")
        self.assertEqual(status, 422)
        self.assertIn("another body", answer["error"])

    def test_the_same_records_under_another_key_are_refused(self):
        body = document(observation_time="20250101010102")
        self.receiver.post(body, key="first-key-1")
        body["send_time"] = "20251231235959999"
        status, answer, _ = self.receiver.post(body, key="second-key-1")
        self.assertEqual(status, 422)
        self.assertIn("another Idempotency-Key", answer["error"])


class NaturalKeys(unittest.TestCase):
    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.stop)

    def send(self, **changes):
        # The consortium differs each time, so that only the natural key is the same.
        body = document(**changes)
        extra = copy.deepcopy(body["person_information"][0])
        extra["person_id"] = f"Q{self.receiver.number}"
        body["person_information"].append(extra)
        return self.receiver.post(body)[1]["results"][0]

    def test_a_record_sent_again_is_counted_as_a_duplicate(self):
        self.assertEqual(self.send()["status"], "accepted")
        self.assertEqual(self.send()["status"], "duplicate")
        self.assertEqual(self.receiver.ctl({"do": "stats"})["duplicates"], 1)

    def test_the_same_key_with_another_value_is_a_conflict(self):
        self.send()
        self.assertEqual(self.send(body_weight=66.0)["status"], "rejected")
        self.assertEqual(self.receiver.ctl({"do": "stats"})["conflicts"], 1)

    def test_an_edit_with_the_held_update_time_replaces_the_value(self):
        self.send()
        answer = self.send(body_weight=66.0, data_input_code="2")
        self.assertEqual(answer["status"], "accepted")
        answer = self.send(
            body_weight=67.0, data_input_code="2", update_time="20251231235959000")
        self.assertEqual(answer["status"], "rejected")
        held = self.receiver.ctl({"do": "records"})["records"][0]
        self.assertEqual(held["body_weight"], "66.0")

    def test_another_device_or_table_is_another_record(self):
        self.send()
        for changes in ({"model_number": "UC-911"}, {"production_specification_serial": "2"},
                        {"model_manufacturer_code": "X"}):
            self.assertEqual(self.send(**changes)["status"], "accepted")
        self.assertEqual(self.receiver.ctl({"do": "stats"})["conflicts"], 0)


class Limits(WithReceiver):
    options = ("--bearer", "secret", "--max-records", "2", "--plain")

    def test_the_token_is_needed(self):
        self.assertEqual(self.receiver.post(document())[0], 401)
        self.assertEqual(self.receiver.post(document(), Authorization="Bearer wrong")[0], 401)
        self.assertEqual(self.receiver.post(document(), Authorization="Bearer secret")[0], 204)

    def test_more_records_than_allowed_are_too_large(self):
        body = document()
        rows = body["person_information"][0]["healthcare_information"]["weighing_scale"]
        rows *= 3
        self.assertEqual(self.receiver.post(body, Authorization="Bearer secret")[0], 413)


class Variants(WithReceiver):
    options = ("--format", "meti-1.0-tis")

    def test_the_other_reading_of_the_format_has_its_own_names(self):
        status, answer, _ = self.receiver.post(document())
        self.assertIn("data_input_code is not a key", answer["results"][0]["reason"])
        body = document(data_input_code=LEFT_OUT, input_method_code="0", model_number=LEFT_OUT)
        self.assertEqual(self.receiver.post(body)[0], 200)
        self.assertIn("not a table", json.dumps(self.receiver.post(document("activity_monitor"))[1]))


class Logging(WithReceiver):
    def test_each_request_and_record_is_a_line(self):
        self.receiver.post(document(observation_time="20250606060606"))
        with open(self.receiver.log, encoding="utf-8") as file:
            events = [json.loads(line) for line in file]
        self.assertEqual([e["event"] for e in events], ["record", "request"])
        self.assertEqual(events[0]["verdict"], "accepted")
        self.assertEqual(events[1]["status"], 200)


if __name__ == "__main__":
    unittest.main()
