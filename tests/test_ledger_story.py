"""The ledger's promises have a door: a command, a nightly check, the log and a figure for monitoring."""

import logging

import pytest
from sqlalchemy import select, update

from attribution.report import short_id
from bot.cli import ledger as ledger_command
from bot.cli import rebuild as rebuild_command
from bot.store import shares as share_store
from bot.store.day_sums import day_sums
from bot.store.ledger_tables import charges
from bot.store.sessions import sessions
from tests.databases import Worlds
from tests.world import DAY_MS, World

WHY = "linked to #12 and #13 by a maintainer: it was for both"


def with_a_cost(world: World) -> None:
    world.open_pull(12, "feat/a")
    world.open_pull(13, "feat/b")
    world.work("09:00 feat/a $1.00\n09:10 feat/a $2.00")
    world.settle()


@pytest.fixture
def ready(worlds: Worlds) -> World:
    return worlds.after(with_a_cost)


@pytest.fixture
def broken(ready: World):
    """A charge that no longer is what its shares sum to, as no code of ours leaves it."""
    whole = charges.c.request_id == "s1-0"
    with ready.database.write() as connection:
        # A charge that one pull request bears whole cannot differ from its share, which has no row of its own.
        ids = connection.execute(select(charges.c.charge_id).where(whole)).scalars().all()
        share_store.write_out(connection, ready.org.id, ids)
        connection.execute(update(charges).where(whole).values(list_micros=7))
        connection.execute(update(sessions).values(changed_at_ms=ready.now_ms))
    yield ready
    with ready.database.write() as connection:
        connection.execute(update(charges).where(whole).values(list_micros=1_000_000))


@pytest.fixture
def terminal(ready: World, tmp_path, monkeypatch):
    """The settings of a server on the same database."""
    url = ready.database.engine.url.set(drivername=ready.database.engine.dialect.name)
    monkeypatch.setenv("MERGECOST_DATABASE_URL", url.render_as_string(hide_password=False))
    monkeypatch.setenv("MERGECOST_DATA", str(tmp_path))


def night(world: World) -> None:
    world.now_ms += DAY_MS + 1
    world.tick()


def gauge(world: World) -> str:
    lines = world.send("GET", "/metrics").text.splitlines()
    return next(line for line in lines if line.startswith("mergecost_ledger_errors "))


def test_the_command_says_that_every_promise_holds(ready: World, terminal, capsys):
    assert ledger_command.main(["check"]) == 0
    assert capsys.readouterr().out == "acme: every promise holds\n"


def test_the_command_names_a_broken_promise(broken: World, terminal, capsys):
    assert ledger_command.main(["check", "--account", "ACME"]) == 1
    assert capsys.readouterr().out == (
        "acme: 1 broken promises\n  claude-code s1-0: shares sum to 1000000, not 7 micro-dollars\n"
    )


def test_an_account_that_is_not_there_is_named_with_those_that_are(ready: World, terminal, capsys):
    assert ledger_command.main(["check", "--account", "elsewhere"]) == 2
    assert "there are: acme" in capsys.readouterr().err


def test_each_night_a_broken_promise_is_an_error_in_the_log_and_a_figure(broken: World, caplog):
    with caplog.at_level(logging.ERROR):
        night(broken)
    (record,) = [record for record in caplog.records if record.name == "bot.ledger_check"]
    assert record.getMessage() == "ledger of acme: claude-code s1-0: shares sum to 1000000, not 7 micro-dollars"
    assert gauge(broken) == "mergecost_ledger_errors 1.0"


def test_a_repaired_ledger_is_silent_the_night_after(broken: World, caplog):
    night(broken)
    with broken.database.write() as connection:
        connection.execute(update(charges).where(charges.c.request_id == "s1-0").values(list_micros=1_000_000))
    caplog.clear()
    night(broken)
    assert [record for record in caplog.records if record.name == "bot.ledger_check"] == []
    assert gauge(broken) == "mergecost_ledger_errors 0.0"


@pytest.fixture
def wrong_sum(ready: World):
    """A day that came to a dollar more than its requests, as no code of ours leaves it."""
    dollar_more = update(day_sums).where(day_sums.c.pull_number == 12).values(micros=day_sums.c.micros + 1_000_000)
    with ready.database.write() as connection:
        connection.execute(dollar_more)
    return ready


SUMS_SAY = "the sums say $4.00 of 2 requests, the ledger $3.00 of 2 requests"


def test_each_night_a_wrong_sum_is_an_error_in_the_log_and_a_figure_until_it_is_corrected(
    wrong_sum: World, terminal, caplog
):
    night(wrong_sum)
    (record,) = [record for record in caplog.records if record.name == "bot.ledger_check"]
    assert record.getMessage() == f"ledger of acme: acme/widgets on 2026-11-16: {SUMS_SAY}"
    assert gauge(wrong_sum) == "mergecost_ledger_errors 1.0"
    rebuild_command.main([])
    night(wrong_sum)
    assert gauge(wrong_sum) == "mergecost_ledger_errors 0.0"


def test_a_rebuild_says_which_days_were_wrong(wrong_sum: World, terminal, capsys):
    assert rebuild_command.main(["--repository", "Acme/Widgets"]) == 0
    assert capsys.readouterr().out == f"acme/widgets: 1 of 1 days corrected\n  2026-11-16: {SUMS_SAY}: corrected\n"
    assert rebuild_command.main([]) == 0
    assert capsys.readouterr().out == "acme/widgets: 0 of 1 days corrected\n"


def test_a_rebuild_of_an_unknown_repository_names_those_that_there_are(ready: World, terminal, capsys):
    assert rebuild_command.main(["--repository", "acme/elsewhere"]) == 2
    assert capsys.readouterr().err == "mergecost rebuild: no repository 'acme/elsewhere'; there are: acme/widgets\n"


def test_the_history_of_a_pull_request_shows_every_decision_on_its_work(ready: World):
    session_id = short_id("claude-code", "s1")
    ready.say(12, f"/mergecost split {session_id} 50/50 #12 #13 because it was for both")
    ready.settle()
    lines = ready.report("--pull", "13", "--history").splitlines()
    assert [line.split("  ", 1)[1].partition("  (sent by a laptop ")[0] for line in lines] == [
        f"{session_id}       $3.00       2 requests  revision 1  to #12: on branch `feat/a` of #12",
        f"{session_id}       $1.50       2 requests  revision 2  to #12: {WHY}",
        f"{session_id}       $1.50       2 requests  revision 2  to #13: {WHY}",
    ]


def test_a_pull_request_that_never_cost_anything_has_no_history(ready: World):
    assert ready.report("--pull", "13", "--history") == "Nothing was ever booked to it.\n"


def test_why_a_pull_request_has_no_comment_is_said_in_the_report_and_on_refresh(ready: World):
    assert ready.report("--pull", "12", "--why").endswith("\n\nThis is its comment, as of now.\n")
    reason = "no AI work that reached Mergecost is booked to it"
    assert ready.report("--pull", "13", "--why").endswith(f"It has no comment on GitHub: {reason}.\n")
    ready.say(13, "/mergecost refresh")
    ready.settle()
    assert ready.replies(13) == [f"Everything is read again. So far there is no comment here: {reason}."]
    ready.say(12, "/mergecost refresh")
    ready.settle()
    assert ready.replies(12) == []


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("minimum_usd: 5", "its cost is below `minimum_usd` of the settings"),
        ("comment: false", "`comment` is off in the settings"),
    ],
)
def test_a_comment_that_the_settings_forbid_is_explained(world: World, settings: str, reason: str):
    world.settings_file(settings)
    world.open_pull(12, "feat/a")
    world.work("09:00 feat/a $1.00")
    world.settle()
    assert world.comments(12) == []
    assert f"It has no comment on GitHub: {reason}." in world.report("--pull", "12", "--why")


def test_a_deleted_comment_and_a_locked_conversation_are_explained(ready: World):
    (comment,) = ready.github.comments(ready.repository, 12)
    ready.github.delete_comment(comment, ready.alice)
    ready.deliver()
    ready.work("09:30 feat/a $1.00", "s2")
    ready.settle()
    ready.work("09:40 feat/a $1.00", "s3")
    ready.settle()
    assert "a person deleted the comment; `/mergecost on` brings it back" in ready.report("--pull", "12", "--why")
