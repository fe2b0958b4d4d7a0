"""What a piece of work is: its kind, what it is about, and the lease of whoever does it."""

from enum import StrEnum

import msgspec

from bot.keys import PullKey, RepositoryKey


class Kind(StrEnum):
    """Kinds of work, in the order in which they run when due at once: facts come before commands, and commands before what is
    written. A repository that has just become public is known as such before anything is written in it."""

    DELIVERIES = "deliveries"
    ACCOUNTS = "accounts"
    ACCOUNT = "account"
    RECENT = "recent"
    PULL = "pull"
    ISSUE = "issue"
    COMMANDS = "commands"
    ATTRIBUTE = "attribute"
    TIME_ZONE = "time_zone"
    COMMENT = "comment"
    ISSUE_COMMENT = "issue_comment"
    ALERTS = "alerts"
    ALERT_COMMENT = "alert_comment"
    BUDGETS = "budgets"
    NOTICES = "notices"
    SURVIVAL = "survival"
    WEEK = "week"
    LEDGER = "ledger"
    RETENTION = "retention"


# These end in a write to GitHub: before it is their account's turn, working out what to write would be wasted.
WRITERS = (Kind.ALERT_COMMENT, Kind.COMMENT, Kind.ISSUE_COMMENT, Kind.WEEK)


class Work(msgspec.Struct, frozen=True):
    """A piece of work: what kind, on what. Ids that the kind does not need are 0. `number` is that of a pull request or issue, of
    an installation (ACCOUNT) or of a week (`periods.week_number`)."""

    kind: Kind
    account_id: int = 0
    repository_id: int = 0
    number: int = 0

    @property
    def repository(self) -> RepositoryKey:
        return RepositoryKey(self.account_id, self.repository_id)

    @property
    def pull(self) -> PullKey:
        return PullKey(self.account_id, self.repository_id, self.number)


class Lease(msgspec.Struct, frozen=True):
    """Work that this worker has until its lease ends. `token` is the fencing token: it grows with every claim of the row."""

    work: Work
    request_count: int
    token: int
    attempts: int
    claimed_at_ms: int = 0

    @property
    def account_id(self) -> int:
        return self.work.account_id

    @property
    def repository(self) -> RepositoryKey:
        return self.work.repository

    @property
    def pull(self) -> PullKey:
        return self.work.pull
