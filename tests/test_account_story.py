"""The account is the tenant: what belongs to it survives a new installation, a suspension and a transfer."""

import pytest

from attribution.ledger import check
from bot.store import ledger_history
from bot.store import tokens as token_store
from tests.databases import Worlds
from tests.notation import session
from tests.world import World


def with_a_comment(world: World) -> None:
    world.open_pull(12, "feat/a")
    world.work("09:00 feat/a $1.00")
    world.settle()


@pytest.fixture
def ready(worlds: Worlds) -> World:
    return worlds.after(with_a_comment)


def push(world: World, token: str | None = None):
    """A collector's batch, by its status and words."""
    headers = {"Authorization": f"Bearer {token or world.token}"}
    answer = world.send("POST", "/v1/usage", json={"requests": []}, headers=headers)
    return answer.status_code, answer.json().get("message", "")


def install_again(world: World) -> None:
    world.installation = world.github.install(world.app, world.org, [world.repository])
    world.deliver()
    world.settle()


def test_after_uninstall_and_reinstall_one_comment_says_the_sum_of_both_times(ready: World):
    before = ready.installation.id
    ready.github.uninstall(ready.installation)
    ready.deliver()
    ready.settle()
    install_again(ready)
    assert ready.installation.id != before
    ready.work("09:30 feat/a $0.75", "s2")
    ready.settle()
    assert "This change cost $1.75" in ready.comment(12)
    assert len(ready.comments(12)) == 1


def test_a_token_of_an_account_without_the_app_says_what_to_do_and_works_again_after(ready: World):
    ready.github.uninstall(ready.installation)
    ready.deliver()
    ready.settle()
    status, words = push(ready)
    assert status == 403
    assert words == (
        "the GitHub App is not installed on acme now: an owner there installs it under Settings, GitHub Apps. "
        "Nothing is lost: usage stays on this machine, and the first push after that sends it"
    )
    ingest, figures = ({"Authorization": f"Bearer {token}"} for token in (ready.token, reading_token(ready)))
    for method, path, headers, body in (
        ("POST", "/v1/caps", ingest, {"repositories": []}),
        ("GET", "/v1/coverage", ingest, None),
        ("GET", "/api/v1/repositories", figures, None),
        ("GET", "/api/v1/repositories/acme/widgets/pulls/12", figures, None),
    ):
        answer = ready.send(method, path, headers=headers, json=body)
        assert answer.status_code == 403, path
        assert "the GitHub App is not installed on acme now: an owner there installs it" in answer.text
    install_again(ready)
    assert push(ready)[0] == 200
    assert ready.read("/repositories/acme/widgets/pulls/12").status_code == 200


def reading_token(world: World) -> str:
    world.read("/repositories")
    assert world.read_token
    return world.read_token


def test_work_that_was_waiting_when_the_app_was_uninstalled_is_done_after_it_is_back(worlds: Worlds):
    def build(world: World) -> None:
        world.open_pull(12, "feat/a")
        world.settle()
        world.work("09:00 feat/a $1.00")

    world = worlds.after(build)
    world.github.uninstall(world.installation)
    world.deliver()
    world.settle()
    assert world.comments(12) == []
    install_again(world)
    assert "This change cost $1.00" in world.comment(12)


def test_the_end_of_the_old_installation_that_arrives_late_ends_nothing(ready: World):
    with ready.hold_mail() as mail:
        ready.github.uninstall(ready.installation)
        ready.installation = ready.github.install(ready.app, ready.org, [ready.repository])
        mail.reverse()
    ready.settle()
    assert push(ready)[0] == 200
    ready.work("09:30 feat/a $0.75", "s2")
    ready.settle()
    assert "This change cost $1.75" in ready.comment(12)


def test_deliveries_of_the_new_installation_alone_are_enough(ready: World):
    """The deliveries of the uninstall and of the new installation are lost: the sweep finds what is now."""
    with ready.hold_mail() as mail:
        ready.github.uninstall(ready.installation)
        ready.installation = ready.github.install(ready.app, ready.org, [ready.repository])
        mail.clear()
    ready.sweep()
    ready.work("09:30 feat/a $0.75", "s2")
    ready.settle()
    assert "This change cost $1.75" in ready.comment(12)


def test_a_suspension_is_reported_and_ends(ready: World):
    ready.github.suspend(ready.installation)
    ready.deliver()
    ready.settle()
    status, words = push(ready)
    assert (status, "suspended on acme now: an owner there unsuspends it" in words) == (403, True)
    ready.github.unsuspend(ready.installation)
    ready.deliver()
    ready.settle()
    ready.work("09:30 feat/a $0.75", "s2")
    ready.settle()
    assert "This change cost $1.75" in ready.comment(12)


def test_what_was_decided_here_survives_a_new_installation(ready: World):
    ready.say(12, "/mergecost off")
    ready.settle()
    ready.github.uninstall(ready.installation)
    ready.deliver()
    install_again(ready)
    ready.work("09:30 feat/a $0.75", "s2")
    ready.settle()
    assert "switched off on this pull request" in ready.comment(12)


def test_a_repository_that_is_transferred_takes_its_ledger_and_comment_along(ready: World):
    other = ready.github.add_user("other", type="Organization")
    theirs = ready.github.install(ready.app, other, [ready.github.add_repository(other, "first")])
    ready.deliver()
    ready.settle()
    ready.github.transfer(ready.repository, ready.installation, theirs)
    ready.deliver()
    ready.settle()
    with ready.database.write() as connection:
        token = token_store.new(connection, other.id, "their laptop", ready.now_ms)
        ours, _ = ledger_history.everything(connection, ready.org.id)
        assert ours == []
    ready.token = token
    ready.send_usage(session("09:30 feat/a $0.75", "s2", repository="other/widgets"))
    ready.settle()
    assert "This change cost $1.75" in ready.comment(12)
    assert len(ready.comments(12)) == 1
    with ready.database.read() as connection:
        charges, shares = ledger_history.everything(connection, other.id)
    assert (len(charges), check(charges, shares)) == (2, [])


def test_a_request_that_both_accounts_reported_is_one_charge_after_a_transfer(ready: World):
    """The same session was pushed for a repository of the other account, too."""
    other = ready.github.add_user("other", type="Organization")
    theirs = ready.github.install(ready.app, other, [ready.github.add_repository(other, "first")])
    ready.deliver()
    ready.settle()
    with ready.database.write() as connection:
        ready.token = token_store.new(connection, other.id, "their laptop", ready.now_ms)
    ready.send_usage(session("09:00 feat/a $1.00", repository="other/first"))
    ready.settle()
    ready.github.transfer(ready.repository, ready.installation, theirs)
    ready.deliver()
    ready.settle()
    with ready.database.read() as connection:
        charges, shares = ledger_history.everything(connection, other.id)
        ours = ledger_history.everything(connection, ready.org.id)
    assert (len(charges), check(charges, shares), check(*ours)) == (1, [], [])
