"""The fake GitHub as an unmodified githubkit meets it: who may see what, pages, the shape of the answers."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from githubkit.response import Response

from .conftest import Setting
from .state import App


def names(response: Response[Any], key: str = "name") -> list[Any]:
    return [row[key] for row in response.json()]


# Tokens


def test_an_app_sees_itself_and_its_installations(at: Setting) -> None:
    assert at.ask_as(None, "GET", "/app").json()["slug"] == "mergecost"
    assert names(at.ask_as(None, "GET", "/app/installations"), "id") == [at.installation.id]


def test_a_token_is_minted_once_and_used(at: Setting) -> None:
    async def twice() -> None:
        client = at.client()
        client_of_installation = client.with_auth(client.auth.as_installation(at.installation.id))
        await client_of_installation.arequest("GET", "/repos/acme/widgets")
        await client_of_installation.arequest("GET", "/repos/acme/widgets")

    asyncio.run(twice())
    assert [request.method for request in at.github.requests] == ["POST", "GET", "GET"]
    assert at.github.writes() == []


def claims(app: App, **changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {"iss": str(app.id), "iat": now, "exp": now + timedelta(minutes=9)} | changes


@pytest.mark.parametrize(
    ("changes", "key_of_another", "message"),
    [
        ({"exp": datetime.now(UTC) + timedelta(hours=10)}, False, "'exp') is too far in the future"),
        ({"exp": datetime.now(UTC) - timedelta(minutes=1)}, False, "the future time at which the assertion expires"),
        ({"iat": datetime.now(UTC) + timedelta(hours=1)}, False, "'Issued at' claim"),
        ({}, True, "could not be decoded"),
        ({"iss": "1"}, False, "Integration not found"),
    ],
)
def test_a_bad_app_token_is_refused(at: Setting, changes: dict[str, Any], key_of_another: bool, message: str) -> None:
    other = at.github.add_app("other", at.acme)
    key = (other if key_of_another else at.app).private_key
    token = jwt.encode(claims(at.app, **changes), key, algorithm="RS256")
    answer = at.anonymous("GET", "/app", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code in (401, 404)
    assert message in answer.json()["message"]


def test_an_unknown_an_expired_and_an_uninstalled_token_are_refused(at: Setting) -> None:
    assert at.anonymous("GET", "/repos/acme/widgets", headers={"Authorization": "token ghs_no"}).status_code == 401
    at.ask("GET", "/repos/acme/widgets")
    (token,) = at.github.tokens
    at.github.expire_tokens()
    answer = at.anonymous("GET", "/repos/acme/widgets", headers={"Authorization": f"token {token}"})
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")
    at.github.uninstall(at.installation)
    assert at.refusal(lambda: at.ask("GET", "/repos/acme/widgets")) == (404, "Not Found")


def test_a_suspended_installation_gets_nothing(at: Setting) -> None:
    at.github.suspend(at.installation)
    assert at.refusal(lambda: at.ask("GET", "/repos/acme/widgets")) == (403, "This installation has been suspended")


def test_a_token_can_be_narrowed_but_not_widened(at: Setting) -> None:
    def mint(**body: Any) -> Response[Any]:
        return at.ask_as(None, "POST", f"/app/installations/{at.installation.id}/access_tokens", json=body)

    narrow = mint(repositories=["widgets"], permissions={"checks": "read"}).json()
    assert narrow["permissions"] == {"metadata": "read", "checks": "read"}
    assert [repository["full_name"] for repository in narrow["repositories"]] == ["acme/widgets"]
    assert at.refusal(lambda: mint(permissions={"contents": "read"}))[0] == 422
    assert at.refusal(lambda: mint(repositories=["secret"]))[0] == 422


def test_a_token_follows_the_repositories_of_its_installation(at: Setting) -> None:
    gadgets = at.github.add_repository(at.acme, "gadgets")
    at.ask("GET", "/repos/acme/widgets")
    (token,) = at.github.tokens
    headers = {"Authorization": f"token {token}"}
    at.github.change_repositories(at.installation, add=[gadgets], remove=[at.widgets])
    assert at.anonymous("GET", "/repos/acme/gadgets", headers=headers).status_code == 200
    assert at.anonymous("GET", "/repos/acme/widgets", headers=headers).status_code == 404
    assert [delivery.payload["action"] for delivery in at.github.deliveries[-2:]] == ["added", "removed"]


# Who may see and do what


def test_a_private_repository_outside_is_not_found_and_a_public_one_is_read_only(at: Setting) -> None:
    at.github.add_repository(at.acme, "secret")
    at.github.add_repository(at.acme, "open", private=False)
    assert at.refusal(lambda: at.ask("GET", "/repos/acme/secret")) == (404, "Not Found")
    assert at.ask("GET", "/repos/acme/open").json()["visibility"] == "public"
    assert at.refusal(lambda: at.ask("POST", "/repos/acme/open/issues", json={"title": "x"}))[0] == 403
    assert at.anonymous("GET", "/repos/acme/open/pulls").status_code == 200
    assert at.anonymous("GET", "/repos/acme/widgets/pulls").status_code == 404


@pytest.mark.parametrize(
    ("granted", "method", "path", "status"),
    [
        ({"issues": "write"}, "GET", "/pulls", 403),
        ({"pull_requests": "read"}, "GET", "/pulls", 200),
        ({"pull_requests": "read"}, "POST", "/issues/1/comments", 403),
        ({"pull_requests": "write"}, "POST", "/issues/1/comments", 201),
        ({"issues": "write"}, "POST", "/issues/1/comments", 201),
        ({"pull_requests": "write"}, "POST", "/issues/2/comments", 403),
        ({"pull_requests": "write"}, "GET", "/contents/.github/mergecost.yml", 403),
        ({"single_file": "read"}, "GET", "/contents/.github/mergecost.yml", 200),
        ({"single_file": "read"}, "GET", "/contents/README.md", 403),
        ({"contents": "read"}, "GET", "/contents/README.md", 200),
        ({"contents": "read"}, "GET", "/commits/main/check-runs", 403),
        ({"checks": "read"}, "GET", "/commits/main/check-runs", 200),
    ],
)  # fmt: skip
def test_permissions(at: Setting, granted: dict[str, str], method: str, path: str, status: int) -> None:
    at.widgets.files |= {".github/mergecost.yml": b"weekly: on\n", "README.md": b"# Widgets\n"}
    at.github.open_pull(at.widgets, "feature", at.alice, [at.github.commit("Add", author=at.alice)])
    at.github.open_issue(at.widgets, "A bug", at.alice)
    installation = at.install({"metadata": "read"} | granted)
    body = {"json": {"body": "Hello"}} if method == "POST" else {}
    if status == 403:
        call = lambda: at.ask_as(installation, method, f"/repos/acme/widgets{path}", **body)  # noqa: E731
        assert at.refusal(call) == (403, "Resource not accessible by integration")
    else:
        assert at.ask_as(installation, method, f"/repos/acme/widgets{path}", **body).status_code == status


def test_a_renamed_repository_redirects_reads_and_writes(at: Setting) -> None:
    at.github.open_pull(at.widgets, "feature", at.alice, [at.github.commit("Add", author=at.alice)])
    at.github.rename(at.widgets, "gadgets")
    answer = at.anonymous("GET", "/repos/acme/widgets/pulls")
    assert answer.status_code == 404, "an outsider learns nothing"
    redirect = at.ask("GET", "/repos/acme/widgets/pulls", params={"state": "all"})
    assert 301 in statuses(redirect)
    assert str(redirect.url) == f"https://github.test/repositories/{at.widgets.id}/pulls?state=all"
    assert names(redirect, "number") == [1]
    comment = at.ask("POST", "/repos/acme/widgets/issues/1/comments", json={"body": "Hello"})
    assert 307 in statuses(comment)
    assert comment.status_code == 201


def statuses(response: Response[Any]) -> list[int]:
    """Of the answers before the last."""
    return [answer.status_code for answer in response.raw_response.history]


# Pages


def test_pages_are_linked_by_repository_id_and_hold_thirty_by_default(at: Setting) -> None:
    at.github.open_pull(at.widgets, "feature", at.alice, [at.github.commit("Add", author=at.alice)])
    for number in range(65):
        at.github.comment(at.widgets, 1, f"Comment {number}", at.alice)
    first = at.ask("GET", "/repos/acme/widgets/issues/1/comments")
    assert len(first.json()) == 30
    links = first.raw_response.links
    assert set(links) == {"next", "last"}
    assert f"/repositories/{at.widgets.id}/issues/1/comments" in links["next"]["url"]
    second = at.ask("GET", links["next"]["url"].removeprefix("https://github.test"))
    assert second.json()[0]["body"] == "Comment 30"
    last = at.ask("GET", links["last"]["url"].removeprefix("https://github.test"))
    assert len(last.json()) == 5
    assert set(last.raw_response.links) == {"first", "prev"}
    assert len(at.ask("GET", "/repos/acme/widgets/issues/1/comments", params={"per_page": 500}).json()) == 65


def test_githubkit_follows_the_pages_of_the_installation(at: Setting) -> None:
    for number in range(4):
        at.installation.repositories.append(at.github.add_repository(at.acme, f"r{number}"))
    pages = [
        at.ask("GET", "/installation/repositories", params={"per_page": 2, "page": page}).json() for page in (1, 3)
    ]
    assert [page["total_count"] for page in pages] == [5, 5]
    assert [repository["name"] for page in pages for repository in page["repositories"]] == ["widgets", "r0", "r3"]


# What githubkit's models say of the answers: they are made from GitHub's own description of its API


@pytest.mark.parametrize(
    "call",
    [
        lambda rest: rest.apps.async_list_installations(),
        lambda rest: rest.apps.async_list_webhook_deliveries(),
    ],
    ids=["installations", "deliveries"],
)
def test_answers_to_the_app_fit_githubs_description(
    at: Setting, call: Callable[[Any], Awaitable[Response[Any]]]
) -> None:
    at.github.suspend(at.installation)
    assert asyncio.run(_awaited(call(at.client().rest))).parsed_data


@pytest.mark.parametrize(
    "call",
    [
        lambda rest, where: rest.pulls.async_list(*where),
        lambda rest, where: rest.pulls.async_list_commits(*where, 1),
        lambda rest, where: rest.pulls.async_list_files(*where, 1),
        lambda rest, where: rest.issues.async_list_comments(*where, 1),
        lambda rest, where: rest.issues.async_create(*where, title="AI spend", labels=["ai-spend"]),
        lambda rest, where: rest.checks.async_create(*where, name="cost", head_sha=where.tip),
        lambda rest, where: rest.repos.async_get_collaborator_permission_level(*where, "alice"),
        lambda rest, where: rest.reactions.async_create_for_issue_comment(*where, where.comment, content="+1"),
    ],
    ids=["pulls", "commits", "files", "comments", "issue", "check run", "permission", "reaction"],
)
def test_answers_fit_githubs_description(at: Setting, call: Callable[[Any, Any], Awaitable[Response[Any]]]) -> None:
    pull = at.github.open_pull(
        at.widgets, "feature", at.alice, [at.github.commit("Add", author=at.alice)], labels=["x"]
    )
    comment = at.github.comment(at.widgets, 1, "Hello", at.app.bot, at.app)
    client = at.client()
    client_of_installation = client.with_auth(client.auth.as_installation(at.installation.id))
    assert asyncio.run(_awaited(call(client_of_installation.rest, Where(pull.head_sha, comment.id)))).parsed_data


class Where(tuple[str, str]):
    """Owner and name, and what there is."""

    tip: str
    comment: int

    def __new__(cls, tip: str, comment: int) -> "Where":
        self = super().__new__(cls, ("acme", "widgets"))
        self.tip, self.comment = tip, comment
        return self


async def _awaited(call: Awaitable[Response[Any]]) -> Response[Any]:
    return await call
