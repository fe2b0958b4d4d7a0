"""A server on the loopback interface with the collector's protocol. It records every byte that it receives."""

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
    """`answers` are (status, headers), or (status, {"message": ...}), for the next POSTs; after them it accepts what is sent. Without `caps` it answers like an
    older server, which has none."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories = ["acme/widgets"]
        self.bodies: list[bytes] = []
        self.heads: list[str] = []
        self.ledger: dict[str, dict[str, Any]] = {}
        self.refusals: dict[str, str] = {}
        self.final_refusals: set[str] = set()
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.caps: dict[str, Any] | None = None
        self.caps_requests: list[Any] = []
        self.has_caps_request = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, requests: list[dict[str, Any]]) -> dict[str, Any]:
        refusals = [
            {"index": index, "request_id": request["request_id"], "reason": self.refusals[request["request_id"]]}
            | ({"is_final": True} if request["request_id"] in self.final_refusals else {})
            for index, request in enumerate(requests)
            if request["request_id"] in self.refusals
        ]
        valid = [request for request in requests if request["request_id"] not in self.refusals]
        new = [request for request in valid if self.ledger.get(request["request_id"]) != request]
        self.ledger |= {request["request_id"]: request for request in valid}
        return {"accepted": len(new), "unchanged": len(valid) - len(new), "refused": refusals}


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
                {"salt": SALT, "host": "github.com", "repositories": [digest(name) for name in self.ours.repositories]},
            )

    def do_POST(self) -> None:
        self.ours.heads.append(f"{self.requestline}\n{self.headers}")
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/caps":
            self.ours.caps_requests.append(json.loads(body))
            self.ours.has_caps_request.set()
            self.answer(200 if self.ours.caps else 404, self.ours.caps or {"message": "not found"})
            return
        self.ours.bodies.append(body)
        if self.ours.answers:
            status, headers = self.ours.answers.pop(0)
            message = headers.get("message")
            if message is None:
                self.answer(status, {}, **headers)
            else:
                self.answer(status, {"message": message})
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
