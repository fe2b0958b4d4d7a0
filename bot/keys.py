"""Names of things in the database and in the queue. The account leads every key: it is the tenant.

An account is GitHub's number of a user or organization. It stays when the App is uninstalled and installed again, which gives a new
installation id: https://docs.github.com/en/webhooks/webhook-events-and-payloads#installation
"""

from typing import NamedTuple, TypeAlias


class RepositoryKey(NamedTuple):
    """A repository of an account, by GitHub's number."""

    account_id: int
    repository_id: int

    def pull(self, number: int) -> "PullKey":
        return PullKey(*self, number)

    def week(self, name: str) -> "WeekKey":
        return WeekKey(*self, name)

    @property
    def params(self) -> dict[str, int]:
        """For statements whose condition is made by `store.database.of_repository`."""
        return {"of_account": self.account_id, "of_repository": self.repository_id}


class PullKey(NamedTuple):
    """A pull request or issue of a repository: GitHub numbers both in one row."""

    account_id: int
    repository_id: int
    number: int

    @property
    def repository(self) -> RepositoryKey:
        return RepositoryKey(self.account_id, self.repository_id)

    @property
    def params(self) -> dict[str, int]:
        """For statements whose condition is made by `store.database.of_pull`."""
        return {"of_account": self.account_id, "of_repository": self.repository_id, "of_number": self.number}


class Sender(NamedTuple):
    """Who sent something to an account, by the name that the operator gave (several tokens of one name are one sender), and with
    which token. For the operator alone: no comment, issue or API says it."""

    account_id: int
    name: str = ""
    token_id: str = ""


IssueKey: TypeAlias = PullKey


class WeekKey(NamedTuple):
    """An ISO week of a repository, such as `2026-W47`."""

    account_id: int
    repository_id: int
    week: str

    @property
    def repository(self) -> RepositoryKey:
        return RepositoryKey(self.account_id, self.repository_id)

    @property
    def params(self) -> dict[str, int | str]:
        """For statements whose condition is made by `store.database.of_week`."""
        return {"of_account": self.account_id, "of_repository": self.repository_id, "of_week": self.week}
