"""The database: one set of tables for SQLite and PostgreSQL. `account_id` is in every key but
that of what is the App's own.

Times are UTC milliseconds, money is micro-dollars. Ids are GitHub's numbers, which survive renames.
"""

from bot.store.tables.conversations import ApprovalRow, CommandRow, CorrectionRow, PressRow, QuoteRow, StrangerRow
from bot.store.tables.github import Account, IssueRow, Presence, Pull, Reference, Repository, RepositoryName, Webhook
from bot.store.tables.ledger import (
    ChargeRow,
    CommitName,
    CommitRow,
    OriginRow,
    ReasonRow,
    RequestName,
    SessionClue,
    SessionRow,
    ShareRow,
    SuggestionRow,
    WithdrawnRow,
)
from bot.store.tables.sums import DaySender, DaySum
from bot.store.tables.work import Job, NoticeRow, Publication, Token, WeekRow

__all__ = [
    "Account",
    "ApprovalRow",
    "ChargeRow",
    "CommandRow",
    "CommitName",
    "CommitRow",
    "CorrectionRow",
    "DaySender",
    "DaySum",
    "IssueRow",
    "Job",
    "NoticeRow",
    "OriginRow",
    "Presence",
    "PressRow",
    "Publication",
    "Pull",
    "QuoteRow",
    "ReasonRow",
    "Reference",
    "Repository",
    "RepositoryName",
    "RequestName",
    "SessionClue",
    "SessionRow",
    "ShareRow",
    "StrangerRow",
    "SuggestionRow",
    "Token",
    "Webhook",
    "WeekRow",
    "WithdrawnRow",
]
