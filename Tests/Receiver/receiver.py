#!/usr/bin/env python3
"""A small strict HTTPS receiver of exchange-spec documents, for demonstrations and tests.

    receiver.py --port 0 --cert server.pem --key server.key --log requests.jsonl
    receiver.py ctl SOCKET '{"do":"stats"}'
"""

import argparse
import gzip
import hashlib
import http.server
import json
import os
import re
import signal
import socket
import ssl
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import misbehaviour  # noqa: E402
from ledger import Ledger  # noqa: E402
from rules import FORMATS, Refused, Rules  # noqa: E402

CONTENT_TYPE = re.compile(r"application/json;\s*charset=utf-8", re.IGNORECASE)
KEY = re.compile(r"[\x21-\x7e]{8,255}")
AGENT = re.compile(r"hakaru/[0-9A-Za-z.+~-]+")


class Log:
    def __init__(self, path):
        self.lock = threading.Lock()
        self.file = open(path, "a", encoding="utf-8", buffering=1) if path else None

    def write(self, event, **fields):
        if self.file:
            line = json.dumps({"event": event, "at": time.time(), **fields}, ensure_ascii=False)
            with self.lock:
                self.file.write(line + "\n")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "receiver/1"
    timeout = 60

    def setup(self):
        # The handshake runs on this connection's thread, so a bad client never blocks the others.
        if self.server.tls:
            self.request.settimeout(20)
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def log_message(self, format, *args):
        pass

    def do_GET(self):
        self.reply(405, {"Allow": "POST"}, b'{"error":"POST documents here"}')

    def do_POST(self):
        began = time.monotonic()
        server = self.server
        server.ledger.count("requests")
        body = self.body()
        if body is None:
            return
        how = server.misbehaviour.next()
        if how and not misbehaviour.concerns(how, body):
            how = None
        if how and how["mode"] in misbehaviour.WITHOUT_READING and not how.get("after_storing"):
            status, results, answer = 0, [], {}
        else:
            status, results, answer = self.judge(body, how)
        if how:
            server.ledger.count("misbehaved")
        headers = {"Content-Type": "application/json"}
        if server.gzip:
            headers["Accept-Encoding"] = "gzip"
        raw = json.dumps(answer).encode() if answer is not None else b""
        if how:
            status, extra, raw = misbehaviour.answer_for(how, status, raw)
            headers = {**(headers if how["mode"] not in ("status", "garbage") else {}), **extra}
        server.log.write(
            "request", path=self.path, status=status, bytes=len(body),
            body_sha256=hashlib.sha256(body).hexdigest(),
            idempotency_key=self.headers.get("Idempotency-Key"), records=len(results),
            user_agent=self.headers.get("User-Agent"),
            encoding=self.headers.get("Content-Encoding"), misbehaved=how["mode"] if how else None,
            error=answer.get("error") if answer else None,
            milliseconds=round((time.monotonic() - began) * 1000, 1))
        self.reply(status, headers, raw, how)

    def body(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            self.close_connection = True
            self.reply(411, {}, b'{"error":"Content-Length is required"}')
            return None
        if self.server.max_bytes and int(length) > self.server.max_bytes:
            self.close_connection = True
            self.reply(413, {}, b"")
            return None
        raw = self.rfile.read(int(length))
        encoding = self.headers.get("Content-Encoding", "identity")
        if encoding == "identity":
            return raw
        if encoding != "gzip" or not self.server.gzip:
            self.server.log.write("request", path=self.path, status=415, bytes=len(raw),
                                  encoding=encoding)
            self.reply(415, {}, b'{"error":"this Content-Encoding is not taken"}')
            return None
        return gzip.decompress(raw)

    def judge(self, body, how):
        """Status, results and the answer's body for one document."""
        ledger = self.server.ledger
        problem, status = self.request_problem()
        if problem:
            ledger.count("unauthorised" if status == 401 else "refused_documents")
            return status, [], {"error": problem}
        key = self.headers["Idempotency-Key"]
        try:
            document = self.server.rules.read(body)
        except Refused as error:
            ledger.count("refused_documents")
            return 400, [], {"error": str(error)}
        if self.server.max_records and len(document.entries) > self.server.max_records:
            return 413, [], {"error": f"more than {self.server.max_records} records"}
        problem = ledger.key_problem(key, body, document)
        if problem:
            ledger.count("refused_documents")
            return 422, [], {"error": problem}
        return self.results(document, key, how)

    def request_problem(self):
        if self.path != self.server.path:
            return f"nothing is received at {self.path}", 404
        if self.server.bearer:
            if self.headers.get("Authorization") != f"Bearer {self.server.bearer}":
                return "the bearer token is missing or wrong", 401
        if not CONTENT_TYPE.fullmatch(self.headers.get("Content-Type", "")):
            return "Content-Type is not application/json; charset=utf-8", 415
        if not KEY.fullmatch(self.headers.get("Idempotency-Key", "")):
            return "Idempotency-Key is missing or not 8 to 255 printable characters", 400
        if not AGENT.fullmatch(self.headers.get("User-Agent", "")):
            return "User-Agent is not hakaru/VERSION", 400
        return "", 200

    def results(self, document, key, how):
        server = self.server
        server.ledger.count("documents")
        results = []
        for entry in document.entries:
            reason = document.reason or entry.reason
            verdict = "rejected"
            if how and misbehaviour.rejects(how, entry.index):
                reason = how.get("reason", "rejected on request")
            elif not reason:
                verdict, reason = server.ledger.take(entry)
            if verdict == "rejected":
                server.ledger.count("rejected")
            result = {"index": entry.index, "status": verdict}
            if reason:
                result["reason"] = reason
            results.append(result)
            server.log.write("record", index=entry.index, person_id=entry.person,
                             table=entry.table, verdict=verdict, reason=reason,
                             values=entry.values, idempotency_key=key)
        if how and how["mode"] == "duplicate":
            results = [{"index": r["index"], "status": "duplicate"} for r in results]
        refused = any(r["status"] == "rejected" for r in results)
        if refused:
            server.ledger.forget_key(key)
            if document.reason or any(e.reason for e in document.entries):
                server.ledger.count("refused_documents")
        if server.plain and not refused:
            return 204, results, None
        return (422 if refused else 200), results, {"results": results}

    def reply(self, status, headers, body, how=None):
        phrase = http.server.BaseHTTPRequestHandler.responses.get(status, ("",))[0]
        lines = [f"HTTP/1.1 {status} {phrase}"]
        if status != 204:
            headers = {**headers, "Content-Length": str(len(body))}
        if self.close_connection:
            headers = {**headers, "Connection": "close"}
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        try:
            if how:
                if misbehaviour.deliver(how, self.connection, self.send_now, head, body):
                    self.close_connection = True
                    self.abandon()
            else:
                self.send_now(head + body)
        except OSError:
            self.close_connection = True

    def send_now(self, data):
        self.wfile.write(data)
        self.wfile.flush()

    def abandon(self):
        """Closes at once, without the goodbye that TLS would send."""
        os.close(self.connection.detach())
        self.rfile = self.wfile = open(os.devnull, "r+b", buffering=0)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        self.log.write("connection-error", error=repr(sys.exc_info()[1]))

    def shutdown_request(self, request):
        try:
            super().shutdown_request(request)
        except OSError:
            pass


def control(server, command):
    do = command.get("do")
    if do == "misbehave":
        return server.misbehaviour.ask(command)
    if do == "behave":
        return server.misbehaviour.clear()
    if do == "stats":
        return server.ledger.stats()
    if do == "records":
        return {"records": server.ledger.listing()}
    if do == "set":
        for name in ("bearer", "max_records", "max_bytes", "plain", "path", "gzip"):
            if name in command:
                setattr(server, name, command[name])
        return {"ok": True}
    return {"error": "do is none of misbehave, behave, stats, records, set"}


def serve_control(server, path):
    if os.path.exists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(8)

    def talk(connection):
        with connection, connection.makefile("rw", encoding="utf-8") as lines:
            for line in lines:
                try:
                    answer = control(server, json.loads(line))
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    answer = {"error": str(error)}
                lines.write(json.dumps(answer) + "\n")
                lines.flush()

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=talk, args=(connection,), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()


def ctl(path, text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(path)
        connection.sendall(json.dumps(json.loads(text)).encode() + b"\n")
        answer = connection.makefile("r", encoding="utf-8").readline()
    print(answer.strip())
    return 1 if "error" in json.loads(answer) else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--path", default="/v1/records")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--client-ca", help="ask every client for a certificate of this authority")
    parser.add_argument("--http", action="store_true", help="without TLS")
    parser.add_argument("--bearer", help="refuse requests without this token")
    parser.add_argument("--format", choices=sorted(FORMATS), default="meti-1.0")
    parser.add_argument("--accept", action="append", default=[], choices=["blood-glucose"])
    parser.add_argument("--max-records", type=int, default=0)
    parser.add_argument("--max-bytes", type=int, default=0)
    parser.add_argument("--gzip", action="store_true", help="take gzip, and say so")
    parser.add_argument("--plain", action="store_true", help="answer 204 instead of results")
    parser.add_argument("--log")
    parser.add_argument("--resume", action="store_true",
                        help="remember what the log says was accepted before")
    parser.add_argument("--control")
    parser.add_argument("--ready-file")
    return parser


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "ctl":
        return ctl(sys.argv[2], sys.argv[3])
    parser = arguments()
    options = parser.parse_args()
    if not options.http and not (options.cert and options.key):
        parser.error("--cert and --key are needed, or --http")
    if options.resume and not options.log:
        parser.error("--resume needs --log")
    server = Server((options.address, options.port), Handler, bind_and_activate=True)
    server.tls = None
    if not options.http:
        server.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server.tls.load_cert_chain(options.cert, options.key)
        if options.client_ca:
            server.tls.load_verify_locations(options.client_ca)
            server.tls.verify_mode = ssl.CERT_REQUIRED
    server.rules = Rules(options.format, options.accept)
    server.ledger = Ledger()
    if options.resume:
        server.ledger.remember(options.log)
    server.misbehaviour = misbehaviour.Misbehaviour()
    server.log = Log(options.log)
    for name in ("bearer", "max_records", "max_bytes", "plain", "path", "gzip"):
        setattr(server, name, getattr(options, name))
    if options.control:
        serve_control(server, options.control)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    scheme, host = "http" if options.http else "https", options.address
    url = f"{scheme}://{host}:{server.server_port}{options.path}"
    if options.ready_file:
        with open(options.ready_file + ".new", "w", encoding="utf-8") as file:
            json.dump({"port": server.server_port, "url": url, "pid": os.getpid()}, file)
        os.replace(options.ready_file + ".new", options.ready_file)
    print(f"receiving at {url}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
