"""An ingest token cannot cheat: who holds one changes nothing that came with another one."""

import re
from collections.abc import AsyncIterator

import msgspec
import pytest
from inline_snapshot import snapshot
from msgspec.structs import replace

from attribution.identity import author
from attribution.ledger import check
from attribution.protocol import Receipt
from attribution.usage import ContextSource, Usage, with_context
from bot import ingest
from bot.cli import token as token_command
from bot.clock import to_ms
from bot.keys import RepositoryKey, Sender
from bot.store import commits as commit_store
from bot.store import ledger_history, withdrawals
from bot.store import tokens as token_store
from tests.comment_parts import why
from tests.databases import Worlds
from tests.git_facts import with_git_facts
from tests.notation import MONDAY, session
from tests.world import DAY_MS, World


def with_a_cost(world: World) -> None:
    world.open_pull(12, "feat/a")
    world.work("09:00 feat/a $4.50\n09:10 feat/a $3.00")
    world.settle()


@pytest.fixture
def ready(worlds: Worlds) -> World:
    return worlds.after(with_a_cost)


def at_terminal(world: World, monkeypatch, tmp_path) -> None:
    """The settings of a server on the same database, and its time."""
    url = world.database.engine.url.set(drivername=world.database.engine.dialect.name)
    monkeypatch.setenv("MERGECOST_DATABASE_URL", url.render_as_string(hide_password=False))
    monkeypatch.setenv("MERGECOST_DATA", str(tmp_path))
    monkeypatch.setattr(token_command, "system_clock", world.clock)


def history(world: World) -> list[str]:
    """Every decision on the work of #12, without times, short ids and token ids."""
    text = world.report("--pull", "12", "--history")
    lines = [line.split("  ", 2)[2].strip() for line in text.splitlines()]
    return [re.sub(r"token [0-9a-f]{8}", "token ...", line) for line in lines]


def sent(world: World, sender: str) -> str:
    """The id of the token of a sender."""
    with world.database.read() as connection:
        (row,) = [row for row in token_store.all_tokens(connection) if row.sender == sender]
    return row.token_id


def larger(usage: Usage) -> Usage:
    """A copy that counts as more complete, of another person and branch."""
    usage = with_context(usage, source=ContextSource.STAMP, branch="feat/b", author=author("mallory@example.com"))
    return replace(usage, tokens=replace(usage.tokens, output=usage.tokens.output + 1))


FIRST, SECOND = session("09:00 feat/a $4.50\n09:10 feat/a $3.00")


def test_the_operator_alone_sees_who_sent_what(ready: World):
    assert history(ready) == snapshot(
        ["$7.50       2 requests  revision 1  to #12: on branch `feat/a` of #12  (sent by a laptop with token ...)"]
    )
    for text in (ready.comment(12), ready.read("/repositories/acme/widgets/pulls/12").text):
        assert "a laptop" not in text
        assert sent(ready, "a laptop") not in text


def test_another_senders_token_changes_no_request_and_its_batch_goes_on(ready: World):
    (own,) = session("10:00 feat/a $0.50", "s9")
    before, charges = ready.shares(), ledger(ready)
    with ready.sending_as("mallory"):
        receipt = ready.post_usage([larger(FIRST), own])
    ready.settle()
    assert (receipt["accepted"], receipt["unchanged"]) == (1, 0)
    assert receipt["refused"] == snapshot(
        [
            {
                "index": 0,
                "request_id": "s1-0",
                "reason": "another sender reported this request, who alone may change it. If both are yours, ask for a token of the same name: `mergecost token new --for NAME` on the server",
            }
        ]
    )
    assert ready.shares() == {"#12": before["#12"] + 50}
    assert ledger(ready)[: len(charges)] == charges
    assert ready.ledger_errors() == []


def test_requests_of_another_sender_cannot_be_joined_by_an_invented_record(ready: World):
    (invented,) = session("09:00 feat/a $0.01", "s9")
    with ready.sending_as("mallory"):
        receipt = ready.post_usage([replace(invented, aliases=(FIRST.request_id, SECOND.request_id))])
    ready.settle()
    assert [refusal["request_id"] for refusal in receipt["refused"]] == ["s9-0"]
    assert ready.shares() == {"#12": 750}


def test_a_request_grows_with_whichever_token_of_its_sender(ready: World):
    with ready.database.write() as connection:
        assert token_store.revoke(connection, sent(ready, "a laptop"), ready.now_ms)
    with ready.sending_as("a laptop"):
        longer = replace(FIRST, tokens=replace(FIRST.tokens, output=40_000))
        assert ready.send_usage([longer])["accepted"] == 1
    ready.settle()
    assert ready.shares() == {"#12": 850}


def test_what_was_sent_before_with_another_token_is_known(ready: World):
    with ready.sending_as("a new machine"):
        assert ready.send_usage(session("09:00 feat/a $4.50\n09:10 feat/a $3.00", author=ready_author(ready))) == {
            "accepted": 0, "unchanged": 2, "refused": [],
        }  # fmt: skip


def test_an_invented_commit_takes_no_work_of_others_off_a_pull_request(world: World):
    """It claims to be the author's next one, made on `main`, with a file that she edited."""
    world.at("09:30")
    world.commit("ddddddd", files={"a.py": (1, 0), "z.py": (1, 0)})
    world.at("10:00")
    world.open_pull(12, "feat/a", "1111111:a.py")
    world.work("09:00 main $1.50 edits a.py")
    world.settle()
    booked = why(world, 12)
    invented = session("09:20 main $0.10 edits z.py after ddddddd@main", "s2", author=author(world.alice.email))
    with world.sending_as("mallory"):
        world.send_usage(with_git_facts(invented, world.commits))
    world.settle()
    assert world.shares() == {"#12": 150, "-": 10}
    assert why(world, 12) == booked
    # Her own machine is believed.
    world.work("09:25 main $0.20 edits z.py after ddddddd@main", "s3")
    world.settle()
    assert world.shares() == {"-": 180}


def test_nobody_changes_anothers_session_by_naming_it(ready: World):
    """A commit in a session claims the work before it: here it would move $7.50 to #13."""
    ready.at("09:15")
    ready.open_pull(13, "feat/b", "3333333:a.py")
    with ready.sending_as("mallory"):
        ready.work("09:20 feat/a $0.10 commits 3333333", "s1x")
        (commit,) = with_git_facts(session("09:20 feat/a $0.10 commits 3333333", "s1"), ready.commits)
        ready.send_usage([replace(commit, request_id="m-1")])
    ready.settle()
    assert ready.shares() == {"#12": 750, "#13": 20}


def test_sessions_of_two_people_that_a_tool_calls_the_same_are_two(world: World):
    world.open_pull(12, "feat/a")
    world.open_pull(13, "feat/b", by="bob")
    world.work("09:00 feat/a $1.00", "20260101_1", "goose")
    with world.sending_as("bob"):
        (usage,) = session("09:05 feat/b $2.00", "20260101_1", "goose", author=author(world.person("bob").email))
        world.send_usage([replace(usage, request_id="bob-1")])
        world.settle()
        # What is sent again, or has grown, is still of the same one.
        world.send_usage([replace(usage, request_id="bob-1", tokens=replace(usage.tokens, output=40_000))])
    world.settle()
    assert world.shares() == {"#12": 100, "#13": 300}
    first, second = (re.findall(r"`([0-9a-f]{6})` goose", world.comment(number)) for number in (12, 13))
    assert len({*first, *second}) == 2
    world.say(12, f"/mergecost link {second[0]}")
    world.settle()
    assert world.shares() == {"#12": 400}
    world.say(12, "/mergecost unlink 20260101_1")
    world.settle()
    assert world.replies(12) == snapshot(
        [
            "Not done: `20260101_1` names 2 sessions: use the short id that the comment shows, or the whole id that the tool gave it."
        ]
    )


@pytest.fixture
def stolen(worlds: Worlds) -> World:
    """A stranger's work in a pull request that had a budget, and in a week that has its issue."""
    return worlds.after(with_a_stolen_token)


def with_a_stolen_token(world: World) -> None:
    world.tick()
    world.settings_file("budget_pull_usd: 5")
    issue = world.open_issue("Clients hammer the API")
    world.open_pull(12, "feat/a", "1111111:a.py", body=f"Fixes #{issue}")
    world.work("09:00 feat/a $1.00 edits a.py")
    with world.sending_as("mallory"):
        world.work("09:10 feat/a $8.00\n09:20 - $2.00", "s2")
    world.settle()
    world.merge(12)
    world.close_issue(issue)
    world.now_ms = to_ms(MONDAY) + 7 * DAY_MS + 6 * 3_600_000
    world.tick()


def test_what_a_token_sent_is_taken_back_everywhere_and_the_audit_says_why(
    stolen: World, monkeypatch, tmp_path, capsys
):
    at_terminal(stolen, monkeypatch, tmp_path)
    (week,) = stolen.weeks()
    assert "$9.00" in stolen.comment(12)
    assert "$11.00" in (week.body or "")
    assert token_command.main(["revoke", sent(stolen, "mallory"), "--take-back"]) == 0
    assert capsys.readouterr().out == snapshot("""\
Revoked.
Taken back: $10.00 of 2 requests; 1 pull requests bore a part. Comments and weekly issues follow. Whoever really made a request may report it with another token.
""")
    stolen.settle()
    assert stolen.shares() == {"#12": 100}
    assert "This change cost $1.00" in stolen.comment(12)
    assert stolen.ledger_errors() == []
    assert history(stolen) == snapshot(
        [
            "$1.00       1 requests  revision 1  to #12: edited files of the author's next commit `1111111`, in #12  (sent by a laptop with token ...)",
            "$8.00       1 requests  revision 1  to #12: on branch `feat/a` of #12  (sent by mallory with token ...)",
            "$8.00       1 requests  revision 2  to no pull request: taken back with all that token ... sent  (sent by mallory with token ...)",
        ]
    )
    (week,) = stolen.weeks()
    assert "$11.00" not in (week.body or "")
    cost = stolen.read("/repositories/acme/widgets/pulls/12").json()
    assert (cost["total"]["list_micros"], len(cost["sessions"])) == (1_000_000, 1)
    days = stolen.read("/costs", by="day", since="2026-11-01").json()
    assert sum(day["cost"]["list_micros"] for day in days) == 1_000_000
    # A second time there is nothing left.
    assert token_command.main(["revoke", sent(stolen, "mallory"), "--take-back"]) == 0
    assert "Taken back: $0.00 of 0 requests" in capsys.readouterr().out


def test_who_really_made_a_request_that_was_taken_back_may_report_it(stolen: World, monkeypatch, tmp_path):
    """Somebody else reported her ids first. They are unguessable, so he had seen them."""
    at_terminal(stolen, monkeypatch, tmp_path)
    hers = session("09:10 feat/a $8.00\n09:20 - $2.00", "s2", author=author(stolen.alice.email))
    assert len(stolen.post_usage([larger(usage) for usage in hers])["refused"]) == 2
    token_command.main(["revoke", sent(stolen, "mallory"), "--take-back"])
    assert stolen.send_usage(hers)["accepted"] == 2
    stolen.settle()
    assert stolen.shares() == {"#12": 900, "-": 200}
    assert stolen.ledger_errors() == []


def test_a_token_is_taken_back_in_bounded_pieces(ready: World, monkeypatch, tmp_path):
    with ready.sending_as("mallory"):
        ready.work("\n".join(f"10:{i:02} feat/a $0.10" for i in range(25)), "s2")
    ready.settle()
    at_terminal(ready, monkeypatch, tmp_path)
    monkeypatch.setattr(withdrawals, "AT_ONCE", 10)
    sizes: list[int] = []
    with_size = withdrawals.withdraw

    def withdraw(*arguments):
        piece = with_size(*arguments)
        sizes.append(len(piece.entries) if piece else 0)
        return piece

    monkeypatch.setattr(withdrawals, "withdraw", withdraw)
    token_command.main(["revoke", sent(ready, "mallory"), "--take-back"])
    ready.settle()
    assert sizes == [10, 10, 5, 0]
    assert ready.shares() == {"#12": 750}
    assert ready.ledger_errors() == []


def test_a_batch_on_its_way_while_its_token_is_revoked_saves_nothing_that_is_not_taken_back(
    ready: World, monkeypatch, tmp_path
):
    at_terminal(ready, monkeypatch, tmp_path)

    async def body() -> AsyncIterator[bytes]:
        """Read after the token was found to be good."""
        token_command.main(["revoke", sent(ready, "a laptop"), "--take-back"])
        yield msgspec.json.encode({"requests": session("10:00 feat/a $5.00", "s2")})

    headers = {"Authorization": f"Bearer {ready.token}", "Content-Type": "application/json"}
    answer = ready.send("POST", "/v1/usage", content=body(), headers=headers)
    assert (answer.status_code, "was revoked" in answer.json()["message"]) == (401, True)
    ready.settle()
    assert ready.shares() == {}
    assert "$5.00" not in ready.comment(12)


def test_batches_of_others_that_wait_with_one_of_a_revoked_token_are_saved(ready: World):
    with ready.sending_as("bob"):
        bob = Sender(ready.org.id, "bob", sent(ready, "bob"))
    alice = Sender(ready.org.id, "a laptop", sent(ready, "a laptop"))
    with ready.database.write() as connection:
        token_store.revoke(connection, alice.token_id, ready.now_ms)
    bodies = [msgspec.json.encode({"requests": session(f"10:00 feat/a ${i}.00", f"t{i}")}) for i in (1, 2)]
    operator = ready.bots[0].operator
    answers = ingest.receive(
        ready.database, operator, ready.clock, ready.org.id, zip([alice, bob], bodies, strict=True)
    )
    assert isinstance(answers[0], ingest.Revoked)
    assert isinstance(answers[1], Receipt)
    assert answers[1].accepted == 1
    ready.settle()
    assert ready.shares() == {"#12": 950}


def test_what_a_transferred_repository_took_along_is_taken_back_there(ready: World, monkeypatch, tmp_path, capsys):
    other = ready.github.add_user("other", type="Organization")
    theirs = ready.github.install(ready.app, other, [ready.github.add_repository(other, "first")])
    with ready.sending_as("mallory"):
        ready.work("09:20 feat/a $8.00 commits 1111111", "s2")
    ready.settle()
    token_id = sent(ready, "mallory")
    ready.github.transfer(ready.repository, ready.installation, theirs)
    ready.deliver()
    ready.settle()
    assert "$15.50" in ready.comment(12)
    at_terminal(ready, monkeypatch, tmp_path)
    assert token_command.main(["revoke", token_id, "--take-back"]) == 0
    assert "Taken back: $8.00 of 1 requests; 1 pull requests" in capsys.readouterr().out
    ready.settle()
    assert "$7.50" in ready.comment(12)
    with ready.database.read() as connection:
        charges, shares = ledger_history.everything(connection, other.id)
        assert commit_store.by_anyone(connection, RepositoryKey(other.id, ready.repository.id), ["1111111"]) == []
    assert sum(charge.list_micros or 0 for charge in charges) == 7_500_000
    assert check(charges, shares) == []


def ledger(world: World) -> list[object]:
    with world.database.read() as connection:
        return list(ledger_history.everything(connection, world.org.id)[0])


def ready_author(world: World) -> str:
    return author(world.alice.email)
