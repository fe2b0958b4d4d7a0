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
from bot.store.charge_ids import first_id_ms
from bot.store.database import of_account, table
from bot.store.day_sums import Changes
from bot.store.ledger import LedgerEntry, charges, origins
from bot.store.tables import WithdrawnRow

withdrawn = table(WithdrawnRow)

# In one transaction: some hundredths of a second, so that a running server goes on.
AT_ONCE = 500

_OF_TOKEN = and_(of_account(origins), origins.c.token_id == bindparam("of_token"))
_PIECE = (
    select(charges.c.charge_id, charges.c.origin_id)
    .join(origins, ledger.made_by())
    .where(_OF_TOKEN, origins.c.origin_id >= bindparam("from_origin"), ledger.since(charges))
    .order_by(origins.c.origin_id)
    .limit(bindparam("most"))
)
_IDS = bindparam("ids", expanding=True)
_KEEP = insert(withdrawn).from_select(
    [column.name for column in withdrawn.c],
    select(*(charges.c[column.name] for column in withdrawn.c)).where(
        of_account(charges), charges.c.charge_id.in_(_IDS)
    ),
)
_DELETE = delete(charges).where(of_account(charges), charges.c.charge_id.in_(_IDS))


class Withdrawal(NamedTuple):
    """Charges that were withdrawn together, and the pull requests that bore them. `last_origin` is where the next ones begin."""

    entries: list[LedgerEntry]
    pulls: set[PullKey]
    last_origin: int

    @property
    def repositories(self) -> list[RepositoryKey]:
        return _repositories(self.entries)


def withdraw(
    connection: Connection,
    sender: Sender,
    from_origin: int,
    now_ms: int,
    sums: Changes,
) -> Withdrawal | None:
    """Take back some of what a token sent, from the origin `from_origin` on. None where nothing is left."""
    account_id = sender.account_id
    accounts.lock(connection, account_id)
    params = {"of_account": account_id, "of_token": sender.token_id, "from_origin": from_origin, "most": AT_ONCE}
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
        pulls |= {key.pull(number) for number in ledger.save_claims(connection, key, claims, now_ms, sums)}
        sessions = {(entry.charge.usage.tool, entry.charge.usage.session_id) for entry in own}
        session_store.request(connection, key, sessions)
    _remove(connection, account_id, entries, sums)
    return Withdrawal(entries, pulls, rows[-1].origin_id)


def _repositories(entries: list[LedgerEntry]) -> list[RepositoryKey]:
    return sorted({RepositoryKey(entry.sender.account_id, entry.repository_id) for entry in entries})


def _remove(connection: Connection, account_id: int, entries: list[LedgerEntry], sums: Changes) -> None:
    ids = [entry.charge_id for entry in entries]
    shares = ledger.current_shares(connection, account_id, ids)
    for entry in entries:
        sums.take_away(entry.charge, shares[entry.charge_id])
    for statement in (_KEEP, _DELETE):
        connection.execute(statement, {"of_account": account_id, "ids": ids})
    ledger.forget_names(connection, account_id, entries)
