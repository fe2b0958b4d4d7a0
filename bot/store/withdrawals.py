"""What a token sent, taken back: a charge that is withdrawn leaves the ledger, and counts for nothing.

Nothing is lost: the charge stands in a table of its own, its shares stay, and a last revision of them says why. Its ids and the
digests of its records are forgotten, so whoever really made the request may report it.
"""

from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, insert, select

from attribution.evidence import Evidence, claim
from bot.keys import PullKey, RepositoryKey, Sender
from bot.store import accounts, ledger
from bot.store import sessions as session_store
from bot.store import shares as share_store
from bot.store.charge_ids import first_id_ms
from bot.store.database import of_account, table
from bot.store.day_sums import Changes
from bot.store.ledger import LedgerEntry
from bot.store.ledger_tables import OF_IDS, charges, made_by, origins, since
from bot.store.tables import WithdrawnRow

withdrawn = table(WithdrawnRow)

# In one transaction: some hundredths of a second, so that a running server goes on.
AT_ONCE = 500

_OF_TOKEN = and_(of_account(origins), origins.c.token_id == bindparam("of_token"))
_PIECE = (
    select(charges.c.charge_id, origins.c.utc_day)
    .join(origins, made_by())
    .where(_OF_TOKEN, origins.c.utc_day >= bindparam("from_day"), since(charges))
    .order_by(origins.c.utc_day)
    .limit(bindparam("most"))
)
_THESE = and_(of_account(charges), OF_IDS)
_KEEP = insert(withdrawn).from_select(
    [column.name for column in withdrawn.c],
    select(*(charges.c[column.name] for column in withdrawn.c)).where(_THESE),
)
_DELETE = delete(charges).where(_THESE)


class Withdrawal(NamedTuple):
    """Charges that were withdrawn together, and the pull requests that bore them. On `last_day` the next ones begin."""

    entries: list[LedgerEntry]
    pulls: set[PullKey]
    last_day: int

    @property
    def repositories(self) -> list[RepositoryKey]:
        return _repositories(self.entries)


def withdraw(
    connection: Connection,
    sender: Sender,
    from_day: int,
    now_ms: int,
    sums: Changes,
) -> Withdrawal | None:
    """Take back some of what a token sent, of days (`origin.utc_day`) from `from_day` on. None where nothing is left."""
    account_id = sender.account_id
    accounts.lock(connection, account_id)
    params = {"of_account": account_id, "of_token": sender.token_id, "from_day": from_day, "most": AT_ONCE}
    params["from_id"] = first_id_ms(accounts.kept_from_ms(connection, account_id))
    rows = connection.execute(_PIECE, params).all()
    if not rows:
        return None
    entries = ledger.by_id(connection, account_id, [row.charge_id for row in rows])
    why = claim(None, Evidence.NONE, f"taken back with all that token {sender.token_id} sent")
    pulls: set[PullKey] = set()
    for key in _repositories(entries):
        own = [entry for entry in entries if entry.repository_id == key.repository_id]
        claims = [(entry, why) for entry in own]
        pulls |= {key.pull(number) for number in share_store.save_claims(connection, key, claims, now_ms, sums)}
        sessions = {(entry.charge.usage.tool, entry.charge.usage.session_id) for entry in own}
        session_store.request(connection, key, sessions)
    _remove(connection, account_id, entries, sums)
    return Withdrawal(entries, pulls, rows[-1].utc_day)


def _repositories(entries: list[LedgerEntry]) -> list[RepositoryKey]:
    return sorted({RepositoryKey(entry.sender.account_id, entry.repository_id) for entry in entries})


def _remove(connection: Connection, account_id: int, entries: list[LedgerEntry], sums: Changes) -> None:
    ids = [entry.charge_id for entry in entries]
    shares = share_store.current_shares(connection, account_id, ids)
    for entry in entries:
        sums.take_away(entry.charge, shares[entry.charge_id])
    share_store.write_out(connection, account_id, ids)
    for statement in (_KEEP, _DELETE):
        connection.execute(statement, {"of_account": account_id, "from_id": min(ids), "ids": ids})
    ledger.forget_names(connection, account_id, entries)
