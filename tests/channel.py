"""A channel outside that takes notices as Slack does, with the name service that leads to it."""

import json
from collections.abc import Sequence
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.notify import Outbox

URL = "https://hooks.chat.example/services/T0/B0/secret"
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
PUBLIC_ADDRESS = "93.184.215.14"


class Channel:
    """`texts` are what arrived, in order. `answers` are statuses to give first, before all is well."""

    def __init__(self) -> None:
        self.requests: list[tuple[httpx.Headers, bytes]] = []
        self.texts: list[str] = []
        self.answers: list[int] = []
        self.addresses: dict[str, Sequence[str]] = {"hooks.chat.example": [PUBLIC_ADDRESS]}
        self.looked_up: list[str] = []
        self.reached: list[str] = []

    def outbox(self) -> Outbox:
        app = Starlette(routes=[Route("/{path:path}", self._take, methods=["GET", "POST"])])
        return Outbox(secret=SECRET, transport=httpx.ASGITransport(app), resolve=self._resolve)

    def _resolve(self, host: str, port: int) -> Sequence[str]:
        self.looked_up.append(f"{host}:{port}")
        if host not in self.addresses:
            raise OSError("no such host")
        return self.addresses[host]

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        self.reached.append(request.scope["server"][0])
        self.requests.append((httpx.Headers(request.headers.raw), body))
        status = self.answers.pop(0) if self.answers else 200
        if 300 <= status < 400:
            return Response(status_code=status, headers={"Location": "https://elsewhere.example/"})
        if status != 200:
            return PlainTextResponse("no", status)
        payload: dict[str, Any] = json.loads(body)
        self.texts.append(payload["text"])
        return PlainTextResponse("ok")
