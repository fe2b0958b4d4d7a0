"""How far an App has come since it was made, over all its accounts: counts, and no names."""

import msgspec
from sqlalchemy import Connection, func, select

from bot.store.database import table
from bot.store.tables import Account, Publication, Repository, SessionRow

accounts, repositories = table(Account), table(Repository)
publications, sessions = table(Publication), table(SessionRow)

_INSTALLED = select(func.count()).select_from(accounts).where(accounts.c.installation_id != 0, ~accounts.c.suspended)
_COVERED = select(func.count()).select_from(repositories).where(repositories.c.active)
_ANY_USAGE = select(sessions.c.account_id).limit(1)
_ANY_COMMENT = (
    select(publications.c.account_id)
    .where(publications.c.kind == "pull", publications.c.comment_id.is_not(None))
    .limit(1)
)


class Progress(msgspec.Struct, frozen=True):
    """`has_comment`: at least one pull request says what it cost."""

    accounts: int
    repositories: int
    has_usage: bool
    has_comment: bool


def progress(connection: Connection) -> Progress:
    return Progress(
        accounts=connection.execute(_INSTALLED).scalar_one(),
        repositories=connection.execute(_COVERED).scalar_one(),
        has_usage=connection.execute(_ANY_USAGE).first() is not None,
        has_comment=connection.execute(_ANY_COMMENT).first() is not None,
    )
