"""`mergecost token`, as an operator types it."""

import pytest

from bot.cli import token as token_command
from bot.clock import DAY_MS
from bot.store import accounts as account_store
from bot.store import tokens as token_store


@pytest.fixture
def server(database, database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("MERGECOST_DATABASE_URL", database_url)
    monkeypatch.setenv("MERGECOST_DATA", str(tmp_path))
    return database


def install(database, *accounts):
    with database.write() as connection:
        for number, account in enumerate(accounts, 1):
            account_store.save_account(database, connection, number, account, number + 50, suspended=False)


def owner(database, token):
    with database.read() as connection:
        bearer = token_store.bearer(connection, token, 0)
        return bearer and bearer.account_id


def test_a_token_is_shown_once_listed_without_its_secret_and_revoked(server, capsys):
    install(server, "acme")
    assert token_command.main(["new", "--for", "ci"]) == 0
    token = capsys.readouterr().out.splitlines()[0]
    assert token.startswith("mergecost_ingest_")
    assert owner(server, token) == 1
    assert token_command.main(["list"]) == 0
    listing = capsys.readouterr().out
    assert "acme" in listing
    assert "never" in listing
    assert token not in listing
    token_id = listing.split()[0]
    assert token_command.main(["revoke", token_id]) == 0
    assert owner(server, token) is None
    assert token_command.main(["revoke", token_id]) == 1


def test_it_asks_which_account_where_that_is_open(server, capsys):
    assert token_command.main(["new"]) == 2
    assert "install the App first" in capsys.readouterr().out
    install(server, "acme", "other")
    assert token_command.main(["new"]) == 2
    assert "acme, other" in capsys.readouterr().out
    assert token_command.main(["new", "--account", "third"]) == 2
    assert token_command.main(["new", "--account", "Other"]) == 0
    token = capsys.readouterr().out.splitlines()
    assert owner(server, next(line for line in token if line.startswith("mergecost_ingest_"))) == 2


def test_tokens_for_a_fleet_end_by_themselves_and_two_live_while_they_are_exchanged(server, capsys, monkeypatch):
    install(server, "acme")
    order = ["new", "--count", "3", "--for", "laptop", "--days", "90"]
    days = {"old": 0, "new": 80}
    issued = {}
    for name, day in days.items():
        monkeypatch.setattr(token_command, "system_clock", lambda day=day: day * DAY_MS)
        assert token_command.main(order) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[0] for line in lines] == ["laptop-01", "laptop-02", "laptop-03"]
        issued[name] = lines[0].split()[1]

    def senders(day):
        with server.read() as connection:
            bearers = [token_store.bearer(connection, token, day * DAY_MS) for token in issued.values()]
        return [bearer and bearer.sender.name for bearer in bearers]

    assert senders(85) == ["laptop-01", "laptop-01"]
    assert senders(90) == [None, "laptop-01"]
    assert token_command.main(["list"]) == 0
    assert "ends 1970-04-01" in capsys.readouterr().out
    for wrong in (["--count", "2"], ["--count", "0"], ["--days", "-1"], ["--count", "99999", "--for", "x"]):
        assert token_command.main(["new", *wrong]) == 2
