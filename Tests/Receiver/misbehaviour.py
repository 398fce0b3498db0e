"""Ways for the receiver to be a bad server, one request at a time."""

import email.utils
import json
import socket
import struct
import threading
import time

MODES = ("status", "answer", "slow", "slow-loris", "cut", "reset", "reject", "duplicate",
         "garbage", "redirect", "refuse")
# The document is not looked at, unless after_storing is asked for.
WITHOUT_READING = ("status", "answer", "garbage", "redirect", "reset", "refuse")


class Misbehaviour:
    """What the next requests get instead of a proper answer; queued in the order asked for."""

    def __init__(self):
        self.lock = threading.Lock()
        self.queue = []

    def ask(self, command):
        mode = command.get("mode")
        if mode not in MODES:
            return {"error": f"mode is none of {', '.join(MODES)}"}
        with self.lock:
            # times 0: until "behave".
            self.queue.append({**command, "left": command.get("times", 1)})
            return {"ok": True, "queued": len(self.queue)}

    def clear(self):
        with self.lock:
            self.queue.clear()
        return {"ok": True}

    def next(self):
        with self.lock:
            if not self.queue:
                return None
            first = self.queue[0]
            if first["left"] == 1:
                self.queue.pop(0)
            elif first["left"] > 1:
                first["left"] -= 1
            return dict(first)


def retry_after(how):
    if "retry_after" in how:
        return {"Retry-After": str(how["retry_after"])}
    if "retry_after_date" in how:
        moment = time.time() + how["retry_after_date"]
        return {"Retry-After": email.utils.formatdate(moment, usegmt=True)}
    return {}


def answer_for(how, status, body):
    """Status, headers and body of an answer that is wrong but whole."""
    headers = {**how.get("headers", {}), **retry_after(how)}
    mode = how["mode"]
    if mode == "status":
        return how.get("status", 503), headers, how.get("body", "").encode()
    if mode == "refuse":
        return how.get("status", 422), headers, b'{"error":"something in it is not acceptable"}'
    if mode == "answer":
        raw = how.get("body", "")
        raw = raw if isinstance(raw, str) else json.dumps(raw)
        return how.get("status", 200), {"Content-Type": "application/json", **headers}, raw.encode()
    if mode == "garbage":
        return how.get("status", 200), headers, b"\x00\xff<html>not the answer you want"
    if mode == "redirect":
        where = how.get("location", "https://localhost:9/elsewhere")
        return how.get("status", 302), {"Location": where, **headers}, b""
    return status, headers, body


def concerns(how, body):
    """Whether a whole-document refusal is about this document: by a text that stands in it."""
    return how["mode"] != "refuse" or how.get("containing", "").encode() in body


def rejects(how, index):
    """Whether the control socket asked for this record, or one of these, to be rejected."""
    wanted = how.get("record", 0)
    return how["mode"] == "reject" and index in (wanted if isinstance(wanted, list) else [wanted])


def deliver(how, connection, send, head, body):
    """Writes an answer in the way that was asked for; True when the connection must end."""
    mode = how["mode"]
    if mode == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return True
    if mode == "cut":
        send(head + body[: len(body) // 2])
        return True
    if mode == "slow-loris":
        whole = head + body
        end = time.monotonic() + how.get("seconds", 60)
        for index in range(len(whole)):
            if time.monotonic() > end:
                return True
            send(whole[index:index + 1])
            time.sleep(how.get("interval", 0.2))
        return False
    if mode == "slow":
        time.sleep(how.get("seconds", 30))
    send(head + body)
    return False
