"""Verbs on users, Apps, repositories and installations."""

import functools
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from . import history, payloads
from .deliveries import record, record_installation
from .state import App, Commit, Installation, Repository, Signature, State, User

PERMISSIONS = {"metadata": "read", "pull_requests": "write", "issues": "write", "checks": "write"}
EVENTS = ("pull_request", "issue_comment", "issues", "push", "check_run", "repository")


class Accounts(State):
    def add_user(self, login: str, *, type: str = "User", email: str = "") -> User:
        """`type` is User, Organization or Bot."""
        user = User(self.next_id(), login, type, name=login.title(), email=email or f"{login}@example.com")
        self.users[login.lower()] = user
        return user

    def add_app(
        self,
        slug: str,
        owner: User,
        *,
        permissions: Mapping[str, str] = PERMISSIONS,
        events: Sequence[str] = EVENTS,
        single_files: Sequence[str] = (),
    ) -> App:
        """`single_files` are the paths that the permission `single_file` opens."""
        number = self.next_id()
        bot = self.add_user(f"{slug}[bot]", type="Bot", email=f"{number}+{slug}[bot]@users.noreply.github.com")
        key, client_id = private_key(len(self.apps)), f"Iv23li{number:014}"
        app = App(
            number, slug, owner, bot, key, client_id, dict(permissions), list(events), self.now(), list(single_files)
        )
        self.apps[number] = app
        return app

    def register_manifest(self, manifest: dict[str, Any], owner: User) -> str:
        """A person accepts an App manifest in the browser: the code for `POST /app-manifests/{code}/conversions`."""
        code = f"{self.next_id():040x}"
        self.manifests[code] = manifest, owner
        return code

    def add_repository(
        self, owner: User, name: str, *, private: bool = True, default_branch: str = "main"
    ) -> Repository:
        """With an initial commit on the default branch."""
        now = self.now()
        repository = Repository(self.next_id(), owner, name, private, default_branch, now, now, now)
        author = Signature(owner.name, owner.email, now)
        first = Commit(history.new_sha(repository.full_name), "Initial commit", author, author, {"README.md": (1, 0)})
        repository.branches[default_branch] = history.append(repository, "", [first])
        self.repositories[repository.id] = repository
        return repository

    def fork(self, repository: Repository, owner: User) -> Repository:
        """A copy with the same history, to open pull requests from."""
        copy = self.add_repository(owner, repository.name, private=repository.private)
        copy.default_branch = repository.default_branch
        copy.commits, copy.branches = dict(repository.commits), dict(repository.branches)
        return copy

    def rename(self, repository: Repository, name: str) -> None:
        """The old address answers 301 from now on, until another repository takes it."""
        old_name = repository.name
        repository.former_names.append(repository.full_name)
        repository.name = name
        content = {"action": "renamed", "changes": {"repository": {"name": {"from": old_name}}}}
        record(self, "repository", repository, repository.owner, content)

    def transfer(self, repository: Repository, source: Installation, target: Installation) -> None:
        """To the account of another installation: the number stays, the owner changes, and the old address answers 301."""
        repository.former_names.append(repository.full_name)
        repository.owner = target.account
        self.change_repositories(source, remove=[repository])
        self.change_repositories(target, add=[repository])
        changes = {"owner": {"from": {"organization": payloads.user(source.account)}}}
        record(self, "repository", repository, repository.owner, {"action": "transferred", "changes": changes})

    def publicize(self, repository: Repository) -> None:
        repository.private = False
        record(self, "repository", repository, repository.owner, {"action": "publicized"})

    def privatize(self, repository: Repository) -> None:
        repository.private = True
        record(self, "repository", repository, repository.owner, {"action": "privatized"})

    def install(self, app: App, account: User, repositories: Sequence[Repository]) -> Installation:
        """Install an App on some repositories of an account, with all permissions that it asks for."""
        now = self.now()
        installation = Installation(self.next_id(), app, account, list(repositories), dict(app.permissions), now, now)
        self.installations[installation.id] = installation
        briefs = [payloads.repository_in_brief(repository) for repository in repositories]
        record_installation(self, "installation", installation, "created", {"repositories": briefs})
        return installation

    def uninstall(self, installation: Installation) -> None:
        del self.installations[installation.id]
        briefs = [payloads.repository_in_brief(repository) for repository in installation.repositories]
        record_installation(self, "installation", installation, "deleted", {"repositories": briefs})

    def suspend(self, installation: Installation) -> None:
        installation.suspended_at = self.now()
        record_installation(self, "installation", installation, "suspend", {})

    def unsuspend(self, installation: Installation) -> None:
        installation.suspended_at = None
        record_installation(self, "installation", installation, "unsuspend", {})

    def change_repositories(
        self, installation: Installation, *, add: Sequence[Repository] = (), remove: Sequence[Repository] = ()
    ) -> None:
        """A token that was not narrowed follows; no token keeps a removed repository."""
        rest = [repository for repository in installation.repositories if repository not in remove]
        installation.repositories[:] = [*rest, *add]
        for action, repositories in (("added", add), ("removed", remove)):
            briefs = [payloads.repository_in_brief(repository) for repository in repositories]
            lists = {"repositories_added": [], "repositories_removed": []} | {f"repositories_{action}": briefs}
            if repositories:
                content = {"repository_selection": "selected", **lists}
                record_installation(self, "installation_repositories", installation, action, content)

    def confirm_login(self, user_code: str, person: User | None) -> None:
        """A person enters the code in the browser, and confirms; without a person, somebody cancels."""
        (login,) = [login for login in self.device_logins.values() if login.user_code == user_code]
        login.user, login.is_denied = person, person is None

    def expire_tokens(self) -> None:
        """Every installation token minted so far answers 401 from now on."""
        for token in self.tokens.values():
            token.expires_at -= timedelta(hours=2)


@functools.cache
def private_key(nth: int) -> str:
    """A PEM key for the nth App. Cached, because making one takes a tenth of a second."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, format = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(encoding, format, serialization.NoEncryption()).decode()
