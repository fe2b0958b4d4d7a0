"""Trouble to order: errors, broken connections and slow answers, before or after GitHub has done what it was asked."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

# https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
SECONDARY_LIMIT = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
MESSAGES = {
    401: "Bad credentials", 403: SECONDARY_LIMIT, 404: "Not Found", 429: SECONDARY_LIMIT, 500: "Server Error",
    502: "Server Error", 503: "Service Unavailable", 504: "We couldn't respond to your request in time.",
}  # fmt: skip


@dataclass(eq=False)
class Gate:
    """A request that waits: `arrival` is set once it came, and it goes on once `release` is set."""

    arrival: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class Fault:
    method: str
    path_pattern: str
    times: int
    after_applying: bool
    outcome: Response | type[httpx.TransportError] | Gate


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def fail_next(
        self,
        method: str,
        path_pattern: str,
        *,
        status: int = 502,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
        after_applying: bool = False,
    ) -> None:
        """Answer the next requests with an error.

        `path_pattern` is a regular expression for the whole path, as in `r"/repos/.+/issues/\\d+/comments"`. With
        `after_applying`, GitHub does what it was asked and the error hides that: a 502 after the comment was created.
        """
        response = JSONResponse({"message": MESSAGES.get(status, "Server Error")}, status, dict(headers or {}))
        self._faults.append(Fault(method, path_pattern, times, after_applying, response))

    def answer_next(
        self, method: str, path_pattern: str, response: Response, *, times: int = 1, after_applying: bool = False
    ) -> None:
        """Answer the next requests with exactly this."""
        self._faults.append(Fault(method, path_pattern, times, after_applying, response))

    def recover(self) -> None:
        """No more trouble."""
        self._faults.clear()

    def break_next(
        self,
        method: str,
        path_pattern: str,
        *,
        error: type[httpx.TransportError] = httpx.ReadTimeout,
        times: int = 1,
        after_applying: bool = True,
    ) -> None:
        """Raise `error` in the client instead of answering, by default once the request has been carried out."""
        self._faults.append(Fault(method, path_pattern, times, after_applying, error))

    def hold_next(self, method: str, path_pattern: str) -> Gate:
        """Let the next such request wait until it is released, to put two clients in a chosen order."""
        gate = Gate()
        self._faults.append(Fault(method, path_pattern, 1, False, gate))
        return gate

    def take(self, request: Request) -> Fault | None:
        """The first fault that waits for this request, if any: its `times` goes down."""
        for fault in self._faults:
            if fault.method == request.method and re.fullmatch(fault.path_pattern, request.url.path):
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
                return fault
        return None
