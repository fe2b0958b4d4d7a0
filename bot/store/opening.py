"""Opens the database where a program starts: with the tables of this version, or with a sentence that says what to do."""

from sqlalchemy import inspect, text

from bot.settings import SettingsError
from bot.store.database import MIGRATIONS, Database, Unavailable

# Migrations are numbered: `0001_first_tables.py`.
NEWEST = max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("*.py"))

# What SQLite says, and what helps: https://www.sqlite.org/rescode.html
_ADVICE = {
    "file is not a database": "is not an SQLite database: name another file in MERGECOST_DATABASE_URL, or move this one away",
    "malformed": "is damaged: restore a backup, or save what can be read with `sqlite3 FILE .recover`",
    "readonly": "cannot be written to: give this user the right to write the file and its folder",
    "unable to open": "cannot be opened: give this user the right to write the file and its folder",
    "full": "cannot grow: the disk is full",
    "locked": "is locked by another program for a long time: stop that one, then start again",
}


def opened(url: str) -> Database:
    """The database with its tables up to date. Raises `SettingsError` where it cannot be used."""
    try:
        database = Database(url)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    except OSError as error:
        raise SettingsError(f"{error.filename} cannot be opened: give this user the right to write there") from None
    try:
        if (revision := revision_of(database)) > NEWEST:
            raise SettingsError(
                f"the database was written by a newer Mergecost (tables {revision}, this one knows {NEWEST}): "
                "install that version again, or restore the backup from before it"
            )
        database.migrate()
        _probe(database)
    except Unavailable as error:
        database.close()
        raise SettingsError(_advice(database, error.reason)) from None
    except SettingsError:
        database.close()
        raise
    return database


def revision_of(database: Database) -> str:
    """Which migrations have run: the number of the newest; empty before the first. Raises `Unavailable`."""
    with database.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return ""
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""


def _probe(database: Database) -> None:
    """Touch every table: a file that lost a part of itself says so now, and not to the first who asks."""
    with database.read() as connection:
        for name in inspect(connection).get_table_names():
            connection.exec_driver_sql(f'SELECT * FROM "{name}" LIMIT 1')  # noqa: S608 - a table of ours


def _advice(database: Database, reason: str) -> str:
    first_line = reason.strip().partition("\n")[0]
    if database.is_postgresql:
        return f"PostgreSQL cannot be used: {first_line}. Check that it runs, and MERGECOST_DATABASE_URL"
    known = next((advice for words, advice in _ADVICE.items() if words in reason), f"cannot be used: {first_line}")
    return f"{database.engine.url.database} {known}"
