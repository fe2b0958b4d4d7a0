"""A server on the loopback that speaks the collector's protocol, so that every byte on the wire is seen."""

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SALT = "00ff"
TOKEN = "mc_token"


def digest(name: str, salt: str = SALT) -> str:
    return hmac.new(bytes.fromhex(salt), name.encode(), hashlib.sha256).hexdigest()


class Server(ThreadingHTTPServer):
    """Speaks the collector's protocol. `answers` are (status, headers) given to POSTs before it takes any. It knows
    of caps only where it has some, as an older server does not."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.covered = ["acme/widgets"]
        self.bodies: list[bytes] = []
        self.heads: list[str] = []
        self.ledger: dict[str, dict[str, Any]] = {}
        self.refuse: dict[str, str] = {}
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.caps: dict[str, Any] | None = None
        self.asked: list[Any] = []
        self.heard = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, requests: list[dict[str, Any]]) -> dict[str, Any]:
        refused = [
            {"index": index, "request_id": one["request_id"], "reason": self.refuse[one["request_id"]]}
            for index, one in enumerate(requests)
            if one["request_id"] in self.refuse
        ]
        good = [one for one in requests if one["request_id"] not in self.refuse]
        new = [one for one in good if self.ledger.get(one["request_id"]) != one]
        self.ledger |= {one["request_id"]: one for one in good}
        return {"accepted": len(new), "unchanged": len(good) - len(new), "refused": refused}


class Handler(BaseHTTPRequestHandler):
    @property
    def ours(self) -> Server:
        assert isinstance(self.server, Server)
        return self.server

    def do_GET(self) -> None:
        self.ours.heads.append(f"{self.requestline}\n{self.headers}")
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self.answer(401, {})
        else:
            self.answer(
                200,
                {"salt": SALT, "host": "github.com", "repositories": [digest(name) for name in self.ours.covered]},
            )

    def do_POST(self) -> None:
        self.ours.heads.append(f"{self.requestline}\n{self.headers}")
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/caps":
            self.ours.asked.append(json.loads(body))
            self.ours.heard.set()
            self.answer(200 if self.ours.caps else 404, self.ours.caps or {"message": "not found"})
            return
        self.ours.bodies.append(body)
        if self.ours.answers:
            status, headers = self.ours.answers.pop(0)
            self.answer(status, {}, **headers)
        else:
            self.answer(200, self.ours.take(json.loads(body)["requests"]))

    def answer(self, status: int, value: object, **headers: str) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass
