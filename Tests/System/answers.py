"""A receiver that says what a test wants it to say, byte for byte, over plain HTTP on this machine."""
import json
import socket
import threading


class Receiver:
    """Takes one request per connection. `answers` are given in order, then `rest`; each is bytes or a function of the request."""

    def __init__(self, rest=b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = "http://127.0.0.1:%d/v1/records" % self.port
        self.rest, self.answers, self.requests = rest, [], []
        self.lock = threading.Lock()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        with connection:
            connection.settimeout(10)
            try:
                request = self.read(connection)
                if request is None:
                    return
                with self.lock:
                    answer = self.answers.pop(0) if self.answers else self.rest
                    self.requests.append(request)
                if callable(answer):
                    answer = answer(request)
                request["answer"] = answer
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1)
            except OSError:
                pass

    @staticmethod
    def read(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return None
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:])
        if headers.get("Expect"):
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while len(body) < int(headers.get("Content-Length", "0")):
            body += connection.recv(65536)
        return {"line": lines[0], "headers": headers, "body": body, "records": entries(body)}

    def say(self, *answers):
        with self.lock:
            self.answers += answers

    def new(self):
        """The requests since the last time."""
        with self.lock:
            out, self.requests = self.requests, []
        return out

    def close(self):
        self.listener.close()


def answer(status, body=b"", kind="application/json", **headers):
    """An HTTP answer; underscores in the names of headers are hyphens."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    lines = ["HTTP/1.1 %d Said" % status, "Content-Length: %d" % len(body)]
    lines += ["Content-Type: " + kind] if body else []
    lines += ["%s: %s" % (name.replace("_", "-"), value) for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def entries(body):
    """The records of a document in its own order: (person, table, observation time)."""
    try:
        document = json.loads(body)
    except ValueError:
        return []
    found = []
    for person in document.get("person_information", []):
        for group in ("healthcare_information", "health_checkup_information"):
            for table, rows in person.get(group, {}).items():
                found += [(person["person_id"], table, row["observation_time"]) for row in rows]
    return found
