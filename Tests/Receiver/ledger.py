"""What the receiver has accepted: natural keys, duplicates, conflicts and idempotency keys."""

import hashlib
import json
import os
import threading
import types
from collections import Counter


class Ledger:
    """Everything is behind one lock; requests arrive on several threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = Counter()
        self.records = {}
        self.order = []
        self.body_of_key = {}
        self.key_of_content = {}

    @staticmethod
    def natural_key(entry):
        values = entry.values
        return (entry.person, entry.table, values.get("observation_time"),
                values.get("model_manufacturer_code"), values.get("model_number"),
                values.get("production_specification_serial"))

    @staticmethod
    def content(document):
        """The records of a document without the header: what must keep its key on every try."""
        rows = [[e.person, e.table, sorted(e.values.items(), key=str)] for e in document.entries]
        return hashlib.sha256(json.dumps(rows, default=str).encode()).hexdigest()

    def key_problem(self, key, body, document):
        """Why this Idempotency-Key may not be used for this body; empty when it may."""
        digest = hashlib.sha256(body).hexdigest()
        content = self.content(document)
        with self.lock:
            held = self.body_of_key.get(key)
            if held is not None and held != digest:
                self.counts["key_with_other_body"] += 1
                return "this Idempotency-Key came before with another body"
            other = self.key_of_content.get(content)
            if other is not None and other != key:
                self.counts["unstable_key"] += 1
                return "the same records came before with another Idempotency-Key"
            if held is not None:
                self.counts["repeated_requests"] += 1
            self.body_of_key[key] = digest
            self.key_of_content[content] = key
        return ""

    def forget_key(self, key):
        """A refused try may be made again with corrected content."""
        with self.lock:
            self.body_of_key.pop(key, None)
            self.key_of_content = {c: k for c, k in self.key_of_content.items() if k != key}

    def remember(self, path):
        """Takes over what a log holds: a receiver that was killed has not forgotten what it accepted."""
        if not os.path.exists(path):
            return
        with open(path, encoding="utf-8") as log:
            for line in log:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue  # the line that the kill cut off
                if entry["event"] == "record" and entry["verdict"] == "accepted":
                    key = self.natural_key(types.SimpleNamespace(
                        person=entry["person_id"], table=entry["table"], values=entry["values"]))
                    if key not in self.records:
                        self.order.append(key)
                    self.records[key] = entry["values"]
                elif entry["event"] == "request" and 200 <= entry["status"] < 300:
                    self.body_of_key[entry["idempotency_key"]] = entry["body_sha256"]

    def take(self, entry):
        """Stores one valid record; returns the verdict and the reason."""
        key = self.natural_key(entry)
        with self.lock:
            held = self.records.get(key)
            if held is None:
                self.records[key] = dict(entry.values)
                self.order.append(key)
                self.counts["accepted"] += 1
                return "accepted", ""
            strip = lambda row: {k: v for k, v in row.items() if k != "update_time"}
            if strip(held) == strip(entry.values):
                self.counts["duplicates"] += 1
                return "duplicate", ""
            edited = "2" in (entry.values.get("data_input_code"),
                             entry.values.get("input_method_code"))
            if edited and entry.values["update_time"] >= held["update_time"]:
                self.records[key] = dict(entry.values)
                self.counts["edited"] += 1
                return "accepted", "replaces the earlier value"
            self.counts["conflicts"] += 1
            return "rejected", "the same natural key is held with different values"

    def count(self, name):
        with self.lock:
            self.counts[name] += 1

    def stats(self):
        names = ("requests", "documents", "refused_documents", "accepted", "duplicates",
                 "rejected", "conflicts", "edited", "repeated_requests", "key_with_other_body",
                 "unstable_key", "unauthorised", "misbehaved")
        with self.lock:
            return {**{n: self.counts[n] for n in names}, "records": len(self.records)}

    def listing(self):
        with self.lock:
            return [{"person_id": key[0], "table": key[1], **self.records[key]}
                    for key in self.order]
