"""Read a request's body up to a cap, whatever its headers say."""

from collections.abc import Mapping

from starlette.requests import ClientDisconnect
from starlette.types import Receive


class TooLarge(Exception):
    """The body is over the cap; nothing of it is kept."""


async def read(headers: Mapping[bytes, bytes], receive: Receive, cap_bytes: int) -> bytes:
    """The raw body. Raises `TooLarge` as soon as that is certain, `ClientDisconnect` if the rest will not come."""
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > cap_bytes:
        raise TooLarge
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > cap_bytes:
            raise TooLarge
        if not message.get("more_body", False):
            return bytes(body)
