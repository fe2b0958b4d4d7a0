"""Read a request's body up to a cap, whatever its headers say."""

from starlette.requests import Request


class TooLarge(Exception):
    """The body is over the cap; nothing of it is kept."""


async def read(request: Request, cap_bytes: int) -> bytes:
    """The raw body. Raises `TooLarge` as soon as that is certain."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > cap_bytes:
        raise TooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > cap_bytes:
            raise TooLarge
    return bytes(body)
