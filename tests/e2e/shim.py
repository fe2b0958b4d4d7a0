"""Between our server and the emulator: what emulate 0.11.2 lacks or answers otherwise than GitHub, and nothing else."""

import json
import re
import threading
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.patience import DEADLOCK_SECONDS

# The emulator's times have milliseconds; GitHub's have none, and githubkit reads only GitHub's.
_FRACTION = re.compile(rb"(\d\d:\d\d:\d\d)\.\d+Z")
_COMMITS = re.compile(r"repos/([^/]+/[^/]+)/pulls/(\d+)/commits")

_ISSUE = re.compile(r"/issues(?:/\d+)?$")
_INSTALLATION = re.compile(r"app/installations/(\d+)(.*)")


class Shim:
    """An ASGI app below `/api/v3`, as GitHub Enterprise Server has it.

    `comment_write` is set when a comment was made or changed, `issue_written` and `check_written` count
    issues and check runs that were, `swept` once our server knows its repositories and looks at their pull
    requests.
    """

    def __init__(self, emulator: str, repository: str, installation_id: int) -> None:
        # The emulator cannot install an App again: here it gets another id, by which alone the server reaches it.
        self.installation_id: int | None = installation_id
        self._real_installation_id = installation_id
        self.comment_write = threading.Event()
        self.reacted = threading.Event()
        self.swept = threading.Event()
        self.issue_written = threading.Semaphore(0)
        self.check_written = threading.Semaphore(0)
        self.writes: list[tuple[str, str]] = []
        self.reactions: list[tuple[str, str]] = []
        self._emulator = emulator
        self._repository = repository
        self.app = Starlette(
            routes=[Route("/api/v3/{path:path}", self._serve, methods=["GET", "POST", "PATCH", "DELETE"])]
        )

    async def _serve(self, request: Request) -> Response:
        path = request.path_params["path"]
        if path == "installation/repositories":
            return await self._repositories(request)
        if path.startswith("app/installations"):
            return await self._installations(request, path)
        answer = await self._ask(request, path, await request.body())
        if match := _COMMITS.fullmatch(path):
            answer = await self._without_base(request, match, answer)
        if path.endswith("/pulls"):
            self.swept.set()
        if path.endswith("/reactions"):  # the emulator has none
            self.reactions.append((request.method, path))
            self.reacted.set()
            return JSONResponse({"id": 1, "content": json.loads(await request.body())["content"]}, 201)
        if request.method in ("POST", "PATCH") and "comments" in path:
            self.writes.append((request.method, path))
            self.comment_write.set()
        if request.method in ("POST", "PATCH") and _ISSUE.search(path):
            self.issue_written.release()
        if request.method in ("POST", "PATCH") and "/check-runs" in path:
            self.check_written.release()
        return answer

    async def _ask(self, request: Request, path: str, body: bytes = b"", method: str = "") -> Response:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name in ("authorization", "content-type", "accept")
        }
        async with httpx.AsyncClient(base_url=self._emulator, timeout=DEADLOCK_SECONDS) as client:
            answer = await client.request(
                method or request.method, f"/{path}", params=dict(request.query_params), content=body, headers=headers
            )
        answer_headers = {name: answer.headers[name] for name in ("content-type", "link") if name in answer.headers}
        return Response(_FRACTION.sub(rb"\1Z", answer.content), answer.status_code, answer_headers)

    async def _installations(self, request: Request, path: str) -> Response:
        number = _INSTALLATION.fullmatch(path)
        if number and number[1] != str(self.installation_id):
            return JSONResponse({"message": "Not Found"}, 404)
        if number:
            path = f"app/installations/{self._real_installation_id}{number[2]}"
        answer = await self._ask(request, path, await request.body())
        if path.endswith("/access_tokens"):
            return answer
        body = json.loads(answer.body)
        if not number:
            return JSONResponse(
                [installation | {"id": self.installation_id} for installation in body if self.installation_id]
            )
        return JSONResponse(body | {"id": self.installation_id})

    async def _repositories(self, request: Request) -> Response:
        """The emulator has no such listing; the installation's one repository answers for itself."""
        repository = await self._json(request, f"repos/{self._repository}")
        return JSONResponse({"total_count": 1, "repositories": [repository]})

    async def _without_base(self, request: Request, match: re.Match[str], answer: Response) -> Response:
        """The emulator lists the commit that the pull request starts from; GitHub does not."""
        pull = await self._json(request, f"repos/{match[1]}/pulls/{match[2]}")
        commits = [commit for commit in json.loads(answer.body) if commit["sha"] != pull["base"]["sha"]]
        return JSONResponse(commits)

    async def _json(self, request: Request, path: str) -> Any:
        return json.loads((await self._ask(request, path, method="GET")).body)
