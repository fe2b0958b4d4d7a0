"""What an open pull request and the month are likely to come to, through the bot, on both databases."""

from inline_snapshot import snapshot

from bot.clock import DAY_MS, to_ms
from bot.repository_settings import OperatorSettings
from tests.notation import MONDAY
from tests.world import World

HOUR_MS = 3_600_000


def merged_pulls(world: World, count: int) -> None:
    """Each is opened with $1.00 spent, and merged the next day with $3.00, or $4.00 for every third."""
    for number in range(20, 20 + count):
        branch = f"feat/{number}"
        world.open_pull(number, branch)
        world.send_at(branch, 1.0, f"early{number}")
        world.now_ms += 10 * HOUR_MS
        world.send_at(branch, 3.0 if number % 3 == 0 else 2.0, f"late{number}")
        world.now_ms += 8 * HOUR_MS
        world.merge(number)
        world.settle()


def test_an_open_pull_request_is_compared_with_merged_ones(database, tmp_path):
    with World(database, tmp_path / "data", operator=OperatorSettings(defaults={"budget_pull_usd": 20})) as world:
        world.now_ms = to_ms(MONDAY) - 40 * DAY_MS
        merged_pulls(world, 18)
        world.open_pull(12, "feat/limit")
        world.send_at("feat/limit", 2.0)
        world.now_ms += HOUR_MS
        world.settle()
        world.say(12, "/mergecost refresh")
        world.settle()
        assert world.comment(12).split("\n\n")[1] == snapshot(
            "`█░░░░░░░░░░░░░` 10% of the $20.00 budget. Likely to end between $6.00 and $8.00, as others like it did. The median miss of this forecast was 0% over 8 merges."
        )
        world.merge(12)
        world.settle()
        assert "Likely" not in world.comment(12)


def test_a_thin_history_makes_no_forecast(database, tmp_path):
    with World(database, tmp_path / "data", operator=OperatorSettings(defaults={"budget_pull_usd": 20})) as world:
        world.now_ms = to_ms(MONDAY) - 40 * DAY_MS
        merged_pulls(world, 5)
        world.open_pull(12, "feat/limit")
        world.send_at("feat/limit", 2.0)
        world.settle()
        assert world.comment(12).split("\n\n")[1] == snapshot("`█░░░░░░░░░░░░░` 10% of the $20.00 budget.")


def test_the_weekly_issue_says_what_the_month_is_likely_to_come_to_and_how_far_off_that_was(database, tmp_path):
    with World(database, tmp_path / "data", operator=OperatorSettings(defaults={"budget_month_usd": 100})) as world:
        monday_ms = to_ms(MONDAY) + 7 * DAY_MS
        world.now_ms = monday_ms - 130 * DAY_MS + 12 * HOUR_MS
        for day in range(130):
            weekday = (day - 130) % 7
            world.send_at("main", 0.5 if weekday >= 5 else 3.0 + day % 5 / 2 + day // 40, f"day{day}")
            world.now_ms += DAY_MS
        world.now_ms = monday_ms - HOUR_MS
        world.tick()
        world.now_ms = monday_ms + 6 * HOUR_MS
        world.tick()
        body = world.weeks()[-1].body or ""
        assert body[body.index("| Budget |") :].partition("\n\n<details>")[0] == snapshot("""\
| Budget | Used | Cost | Of |  |
| :-- | --: | --: | --: | :-- |
| `█████████░` November 2026 so far | >99% | $99.50 | $100.00 | 50% on Sun 22 Nov, 80% on Sun 22 Nov |

**November is likely to come to $135.50**, between $128.75 and $139.44; so far $99.50. The median miss of this forecast was 5%, over the last 3 months.\
""")
