"""What a figure compares with, and how much of the work anybody can see."""

from tests.world import World

WEEK_MS = 7 * 86_400_000


def merge_many(world: World, *dollars: float) -> None:
    """Pull requests 101, 102 and so on, merged, of which each cost one of these amounts."""
    for number, amount in enumerate(dollars, 101):
        world.open_pull(number, f"feat/{number}")
        world.work(f"09:00 feat/{number} ${amount:.2f}", f"s{number}")
        world.settle()
        world.merge(number)
        world.deliver()


def test_from_ten_merges_on_the_comment_says_what_is_usual_here(world: World):
    merge_many(world, 1, 2, 3, 4, 5, 6, 7, 8, 9)
    world.open_pull(12, "feat/a")
    world.work("09:00 feat/a $4.12")
    world.settle()
    assert "Usual" not in world.comment(12)
    world.open_pull(110, "feat/110")
    world.work("09:00 feat/110 $10.00", "s110")
    world.settle()
    world.merge(110)
    world.settle()
    world.work("09:30 feat/a $0.10", "s2")
    world.settle()
    assert world.comment(12).startswith(
        "**This change cost $4.22** of AI work at list price. Usual here: $3.25 – $7.75."
    )


def test_what_reverts_and_what_is_long_ago_is_not_usual(world: World):
    merge_many(world, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    world.now_ms += 12 * WEEK_MS + 1
    world.commit("1111111")
    world.open_pull(12, "feat/a", "1111111")
    world.send_at("feat/a", 4.12)
    world.settle()
    assert "Usual" not in world.comment(12)


def test_somebody_who_does_not_report_makes_it_at_least(world: World):
    world.commit("1111111", "alice")
    world.commit("2222222", "bob")
    world.open_pull(12, "feat/a", "1111111,2222222")
    world.work("09:00 feat/a $4.12")
    world.settle()
    assert world.comment(12).startswith("**This change cost at least $4.12** of AI work at list price.")
    assert "Seen: 1 session of Claude Code, 1 request; 1 of the 2 authors of its commits reports." in world.comment(12)
    assert world.check(12)[1] == "at least $4.12 at list price"


def test_who_reports_and_used_nothing_is_told_apart_from_who_does_not_report(world: World):
    world.open_pull(11, "feat/a")
    world.work("09:00 feat/a $1.00")
    world.settle()
    world.open_pull(12, "feat/b")
    world.open_pull(13, "feat/c", by="bob")
    world.settle()
    assert world.check(12) == (
        "neutral",
        "No AI work",
        "The author of its commits reports, and no AI work is booked to this change.",
    )
    silent = world.github.pull(world.repository, 13)
    assert world.github.check_runs(world.repository, silent.head_sha) == []
    assert world.comments(12) == world.comments(13) == []
