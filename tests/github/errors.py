"""GitHub's error answers."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

DOCS = "https://docs.github.com/rest"


class RequestRefusal(Exception):
    """Answer an error: https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api"""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: list[dict[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status, self.headers = status, dict(headers or {})
        self.body: dict[str, object] = {"message": message, "documentation_url": DOCS, "status": str(status)}
        if errors:
            self.body["errors"] = errors


def not_found() -> RequestRefusal:
    """Also for what exists but may not be seen."""
    return RequestRefusal(404, "Not Found")


def invalid(resource: str, field: str, code: str, message: str = "") -> RequestRefusal:
    error = {"resource": resource, "field": field, "code": code}
    return RequestRefusal(422, "Validation Failed", errors=[error | ({"message": message} if message else {})])


async def answer(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, RequestRefusal)
    return JSONResponse(refusal.body, refusal.status, refusal.headers)
