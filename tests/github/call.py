"""One REST call: who asks, for which repository, with what; and how routes are listed."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from . import credentials
from .errors import RequestRefusal, invalid, not_found
from .state import App, Issue, Pull, Repository, Token, User

if TYPE_CHECKING:
    from .fake import FakeGitHub

T = TypeVar("T")


@dataclass
class Call:
    github: "FakeGitHub"
    request: Request
    body: dict[str, Any]
    level: str  # read or write
    token: Token | None = None
    _matches: list[Repository] = field(default_factory=list)

    def app(self) -> App:
        """Whose JSON web token came with it, for the routes of the App itself."""
        return credentials.app_of(self.github, self.request)

    def acting_app(self) -> App:
        if self.token is None:
            raise RequestRefusal(401, "Requires authentication")
        return self.token.installation.app

    def bot(self) -> User:
        return self.acting_app().bot

    def number(self, name: str = "number") -> int:
        text = self.request.path_params[name]
        if not text.isdecimal():
            raise not_found()
        return int(text)

    def query(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default)

    @property
    def repository(self) -> Repository:
        return self._matches[0]

    def issue(self) -> Issue:
        issue = self.repository.issues.get(self.number())
        if issue is None:
            raise not_found()
        return issue

    def pull(self) -> Pull:
        pull = self.issue()
        if not isinstance(pull, Pull):
            raise not_found()
        return pull

    def text(self, name: str, resource: str) -> str:
        """A required text of the body."""
        value = self.body.get(name)
        if not isinstance(value, str) or not value:
            raise invalid(resource, name, "missing_field")
        return value

    def find_repository(self, needs: Sequence[str]) -> Response | None:
        """Sets `repository` if the caller may use it; answers the redirect where its name is a former one."""
        full_name = "{owner}/{repo}".format(**self.request.path_params).lower()
        current = [
            repository for repository in self.github.repositories.values() if repository.full_name.lower() == full_name
        ]
        former = [
            repository
            for repository in self.github.repositories.values()
            if full_name in map(str.lower, repository.former_names)
        ]
        self._matches = current or former
        if not self._matches:
            raise not_found()
        credentials.check_access(self.token, self.repository, needs, self.level)
        return None if current else self._redirect()

    def _redirect(self) -> Response:
        rest = "/".join(self.request.url.path.split("/")[4:])
        url = self.request.url.replace(path=f"/repositories/{self.repository.id}" + (f"/{rest}" if rest else ""))
        status, message = (301, "Moved Permanently") if self.level == "read" else (307, "Temporary Redirect")
        redirect = RedirectResponse(url, status)
        body = {"message": message, "url": str(url), "documentation_url": "https://docs.github.com/rest"}
        return JSONResponse(body, status, {"Location": redirect.headers["location"]})

    def paged(self, items: Sequence[T], render: Callable[[T], Any], key: str = "") -> Response:
        """One page, as a list or below `key` with `total_count`, with GitHub's Link header.

        https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
        """
        size, page = min(self._positive("per_page", 30), 100), self._positive("page", 1)
        last = max(math.ceil(len(items) / size), 1)
        rows = [render(item) for item in items[(page - 1) * size : page * size]]
        pages = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        if page >= last:
            del pages["next"], pages["last"]
        if page == 1:
            del pages["prev"], pages["first"]
        links = ", ".join(f'<{self._page_url(number)}>; rel="{name}"' for name, number in pages.items())
        return JSONResponse(
            {"total_count": len(items), key: rows} if key else rows, headers={"Link": links} if links else {}
        )

    def _positive(self, name: str, default: int) -> int:
        text = self.query(name)
        return int(text) if text.isdecimal() and int(text) > 0 else default

    def _page_url(self, page: int) -> str:
        url = self.request.url.include_query_params(page=page)
        if not self._matches:
            return str(url)
        rest = "/".join(url.path.split("/")[4:])  # GitHub's links name a repository by its id
        return str(url.replace(path=f"/repositories/{self.repository.id}/{rest}"))

    def since(self) -> datetime | None:
        text = self.query("since")
        if not text:
            return None
        try:
            return datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError as error:
            raise RequestRefusal(422, "Validation Failed") from error


Handler = Callable[[Call], Response]


@dataclass(frozen=True)
class RouteSpec:
    """`needs`: one of these permissions; with none, the route is open to any repository's reader."""

    method: str
    path: str
    needs: tuple[str, ...]
    handler: Handler


class Routes:
    """A decorator that collects handlers. Reading (GET) needs a permission's `read`, all else its `write`."""

    def __init__(self) -> None:
        self.specs: list[RouteSpec] = []

    def __call__(self, method: str, path: str, *needs: str) -> Callable[[Handler], Handler]:
        def add(handler: Handler) -> Handler:
            self.specs.append(RouteSpec(method, path, needs, handler))
            return handler

        return add


def ok(body: Any) -> Response:
    return JSONResponse(body)


def created(body: Any) -> Response:
    return JSONResponse(body, 201)


def nothing() -> Response:
    return Response(status_code=204)
