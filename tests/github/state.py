"""What the fake GitHub knows: accounts, repositories, pull requests, comments. Plain records; `fake.py` says how to use them."""

import functools
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key


@functools.cache
def signing_key(pem: str) -> rsa.RSAPrivateKey:
    """The key of a PEM text. Cached, because parsing one takes 50 ms."""
    key = load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@dataclass(eq=False)
class User:
    id: int
    login: str
    type: str = "User"  # User, Organization or Bot
    name: str = ""
    email: str = ""


@dataclass(eq=False)
class App:
    id: int
    slug: str
    owner: User
    bot: User
    private_key: str
    client_id: str
    permissions: dict[str, str]
    events: list[str]
    created_at: datetime
    single_files: list[str] = field(default_factory=list)
    client_secret: str = "client-secret"
    webhook_secret: str = "webhook-secret"
    device_flow: bool = True  # off until the owner ticks it

    @property
    def public_key(self) -> rsa.RSAPublicKey:
        return signing_key(self.private_key).public_key()


@dataclass(frozen=True)
class Signature:
    """Who made a commit, as git has it: `at` keeps the offset of the machine it was made on."""

    name: str
    email: str
    at: datetime


@dataclass(frozen=True)
class Commit:
    """`files` is path -> (lines added, lines removed). Without `parents`, pushing puts it on top of its branch."""

    sha: str
    message: str
    author: Signature
    committer: Signature
    files: dict[str, tuple[int, int]]
    parents: tuple[str, ...] = ()


@dataclass(eq=False)
class Label:
    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass(eq=False)
class Repository:
    id: int
    owner: User
    name: str
    private: bool
    default_branch: str
    created_at: datetime
    updated_at: datetime
    pushed_at: datetime
    archived: bool = False
    has_issues: bool = True
    former_names: list[str] = field(default_factory=list)
    collaborators: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    issues: "dict[int, Issue]" = field(default_factory=dict)
    comments: "dict[int, Comment]" = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    check_runs: "dict[int, CheckRun]" = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"


@dataclass(eq=False, kw_only=True)
class Issue:
    """Every pull request is an issue, too, and shares its numbers: https://docs.github.com/en/rest/issues/issues"""

    id: int
    number: int
    repository: Repository
    title: str
    user: User
    created_at: datetime
    updated_at: datetime
    body: str | None = None
    via: App | None = None
    labels: list[Label] = field(default_factory=list)
    state: str = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None
    locked: bool = False
    parent: "Issue | None" = None
    linked_pulls: "list[Pull]" = field(default_factory=list)  # by a person, in the sidebar


@dataclass(eq=False, kw_only=True)
class Pull(Issue):
    head_repository: Repository | None
    head_ref: str
    head_sha: str
    base_ref: str
    base_sha: str
    draft: bool = False
    merged_at: datetime | None = None
    merged_by: User | None = None
    merge_commit_sha: str | None = None
    final_commits: list[Commit] | None = None  # set once closed: a later push to the base must not empty the list


@dataclass(eq=False)
class Comment:
    id: int
    issue: Issue
    user: User
    body: str
    via: App | None
    created_at: datetime
    updated_at: datetime
    minimized_reason: str | None = None
    reactions: set[tuple[str, str]] = field(default_factory=set)


@dataclass(eq=False)
class CheckRun:
    id: int
    app: App
    head_sha: str
    name: str
    started_at: datetime
    status: str = "queued"
    conclusion: str | None = None
    completed_at: datetime | None = None
    external_id: str = ""
    details_url: str | None = None
    output: dict[str, Any] = field(default_factory=dict)
    actions: list[dict[str, str]] = field(default_factory=list)


@dataclass(eq=False)
class Installation:
    id: int
    app: App
    account: User
    repositories: list[Repository]
    permissions: dict[str, str]
    created_at: datetime
    updated_at: datetime
    suspended_at: datetime | None = None


@dataclass(eq=False)
class Token:
    """An installation access token. `expires_at` is on the real clock, as githubkit's is."""

    value: str
    installation: Installation
    permissions: dict[str, str]
    repositories: list[Repository]
    expires_at: datetime


@dataclass(eq=False)
class UserToken:
    """What an App may do as a person. `expires_at` is on the real clock."""

    value: str
    user: User
    app: App
    expires_at: datetime


@dataclass(eq=False)
class DeviceLogin:
    """A code that a person may enter, and what became of it."""

    app: App
    device_code: str
    user_code: str
    created_at: datetime
    interval_seconds: int = 5
    asked_at: datetime | None = None
    user: User | None = None
    is_denied: bool = False
    is_used: bool = False


@dataclass(eq=False)
class Delivery:
    """One attempt to call the App's webhook. Nobody answered until `FakeGitHub.answered` says so."""

    id: int
    guid: str
    app: App
    event: str
    payload: dict[str, Any]
    delivered_at: datetime
    redelivery: bool = False
    status_code: int = 502


class State:
    """Everything the fake holds, and the clock of all its stories. The token clock is real: githubkit's cannot be set."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._last_id = 1000
        self.users: dict[str, User] = {}
        self.apps: dict[int, App] = {}
        self.installations: dict[int, Installation] = {}
        self.repositories: dict[int, Repository] = {}
        self.tokens: dict[str, Token] = {}
        self.user_tokens: dict[str, UserToken] = {}
        self.device_logins: dict[str, DeviceLogin] = {}
        self.manifests: dict[str, tuple[dict[str, Any], User]] = {}
        self.deliveries: list[Delivery] = []
        # Keys that GitHub leaves out of all that it says, in answers and deliveries alike, however deep.
        self.absent_keys: set[str] = set()

    def now(self) -> datetime:
        """The time of the story, in whole seconds, as GitHub has it."""
        return self._now().astimezone(UTC).replace(microsecond=0)

    def next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def next_guid(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"delivery:{self.next_id()}"))

    def issue(self, repository: Repository, number: int) -> Issue:
        return repository.issues[number]

    def pull(self, repository: Repository, number: int) -> Pull:
        pull = repository.issues[number]
        if not isinstance(pull, Pull):
            raise TypeError(f"{repository.full_name}#{number} is an issue, not a pull request")
        return pull

    def comments(self, repository: Repository, number: int) -> list[Comment]:
        """The comments of an issue or pull request as they stand, oldest first."""
        return [comment for comment in repository.comments.values() if comment.issue.number == number]

    def check_runs(self, repository: Repository, sha: str) -> list[CheckRun]:
        """The check runs of a commit, oldest first."""
        return [run for run in repository.check_runs.values() if run.head_sha == sha]
