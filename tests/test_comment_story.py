"""What people see on their pull requests, through the real app, on both databases."""

import msgspec
import pytest
from inline_snapshot import snapshot

from attribution.usage import TOKENS_NOT_KNOWN
from tests.look.gfm import render
from tests.notation import session
from tests.world import World, shuffled


def test_the_cost_appears_and_is_edited_in_place(world: World):
    world.at("10:00")
    world.open_pull(12, "feat/limit", "1f2e3d4")
    world.settle()
    assert world.comments(12) == []

    world.at("11:00")
    world.work("09:00 main $1.20\n09:30 feat/limit $2.50 commits 1f2e3d4")
    world.settle()
    assert world.comment(12) == snapshot("""\
**This change cost $3.70** of AI work at list price.

Seen: 1 session of Claude Code, 2 requests; the author of its commits reports.

<details><summary>Where it went</summary>
<br>

| Tool and model | Cost | Requests | Input | From cache | To cache | Output |
| :-- | --: | --: | --: | --: | --: | --: |
| Claude Code<br>`claude-opus-5` | $3.70 | 2 | 740\xa0k | 0 | 0 | 0 |
| **All** | **$3.70** | **2** | **740\xa0k** | **0** | **0** | **0** |

</details>

<details><summary>Sessions, and why they count here</summary>
<br>

- **$3.70** `b3ecf4` Claude Code, 16 Nov 09:00\xa0–\xa009:30: made commit `1f2e3d4`, in this pull request

A session in the wrong place? `/mergecost unlink b3ecf4` in a comment takes it off; `split` shares it between pull requests, `link` brings one here.

</details>

<sub>List price of the day for the tokens used, not an invoice: plans and discounts are not in it. Only sessions that reached Mergecost are counted. As of `1f2e3d4`. Prices: genai-prices 0.2.3, table 1. [How it is counted](https://mergecost.example/how)</sub>\
""")

    world.work("11:30 feat/limit $0.40", "s2", "codex")
    world.settle()
    assert "**This change cost $4.10**" in world.comment(12)
    assert "2 sessions of Claude Code and Codex" in world.comment(12)
    assert world.shares() == {"#12": 410}


def test_nothing_new_writes_nothing(world: World):
    world.open_pull(12, "feat/limit")
    world.work("09:00 feat/limit $1.00")
    world.settle()
    before = world.writes()
    for delivery in list(world.github.deliveries):
        world.post(delivery)
    world.sweep()
    world.work("09:00 feat/limit $1.00")
    world.settle()
    assert world.writes() == before


@pytest.mark.parametrize("seed", range(3))
def test_two_hundred_shuffled_deliveries_end_in_one_comment(world: World, seed):
    with world.hold_mail() as mail:
        world.open_pull(12, "feat/limit", "1f2e3d4")
        world.push("feat/limit", "aaaaaaa")
        world.merge(12)
        mail[:] = shuffled(mail, -(-200 // len(mail)), seed)
        assert len(mail) >= 200
        world.work("09:00 feat/limit $1.00 commits aaaaaaa")
    world.settle()
    assert "**This change cost $1.00**" in world.comment(12)


def test_lost_deliveries_are_made_up_for_by_the_sweep(world: World):
    with world.hold_mail() as mail:
        world.open_pull(12, "feat/limit")
        mail.clear()
    world.work("09:00 feat/limit $1.00")
    world.settle()
    assert world.comments(12) == []
    world.sweep()
    assert "**This change cost $1.00**" in world.comment(12)


def test_a_public_repository_gets_no_comment_unless_its_settings_say_so(world: World):
    world.github.publicize(world.repository)
    world.deliver()
    world.open_pull(12, "feat/limit")
    world.work("09:00 feat/limit $1.00")
    world.settle()
    assert world.comments(12) == []
    world.settings_file("comment_on_public: true")
    world.push("feat/limit", "aaaaaaa")
    world.settle()
    assert "$1.00" in world.comment(12)


def test_a_repository_that_becomes_public_gets_no_more_comments(world: World):
    world.open_pull(12, "feat/limit")
    world.work("09:00 feat/limit $1.00")
    world.settle()
    world.github.publicize(world.repository)
    world.deliver()
    world.work("10:00 feat/limit $1.00", "s2")
    world.settle()
    assert "$1.00" in world.comment(12)


def test_bad_settings_are_quoted_and_the_others_hold(world: World):
    world.settings_file("# ours\ncomment: true\nminimum_uds: 5\n")
    world.open_pull(12, "feat/limit")
    world.work("09:00 feat/limit $1.00")
    world.settle()
    assert world.comment(12).split("\n\n")[2] == snapshot(
        "Settings not applied: .github/mergecost.yml, line 3: `minimum_uds: 5`: there is no setting 'minimum&#95;uds'; perhaps minimum&#95;usd. The defaults hold meanwhile."
    )


@pytest.mark.parametrize(
    "text",
    [
        "budget_pull_usd: .nan",
        "settle_seconds: 1:30.5",
        "2026-11-16: 2026-11-16",
        "minimum_usd: .inf",
        "a: &a {<<: *a}",
        "x\0y: \udcff",
    ],
)
def test_no_settings_file_stops_its_repository(world: World, text: str):
    world.repository.files[".github/mergecost.yml"] = f"{text}\ncomment_on_issues: false\n".encode(
        errors="surrogateescape"
    )
    world.open_pull(12, "feat/limit")
    world.work("09:00 feat/limit $1.00")
    world.settle()
    assert "$1.00" in world.comment(12)
    assert "Settings not applied: .github/mergecost.yml" in world.comment(12)


def test_a_folder_instead_of_the_settings_file_stops_nothing(world: World):
    world.repository.files[".github/mergecost.yml/x.yml"] = b"comment: false"
    world.open_pull(12, "feat/limit")
    world.work("09:00 feat/limit $1.00")
    world.settle()
    assert "$1.00" in world.comment(12)


def test_settings_decide_whether_and_from_when(world: World):
    world.settings_file("minimum_usd: 1.50")
    world.open_pull(12, "feat/limit")
    world.work("09:00 feat/limit $1.00")
    world.settle()
    assert world.comments(12) == []
    world.work("10:00 feat/limit $0.50", "s2")
    world.settle()
    assert "$1.50" in world.comment(12)
    world.settings_file("comment: false")
    world.open_pull(13, "feat/other")
    world.work("11:00 feat/other $9.00", "s3")
    world.settle()
    assert world.comments(13) == []


def test_without_permission_for_the_settings_file_nothing_breaks(world: World):
    del world.installation.permissions["single_file"]
    world.github.expire_tokens()
    world.settings_file("comment: false")
    world.open_pull(12, "feat/limit")
    world.work("09:00 feat/limit $1.00")
    world.settle()
    assert "$1.00" in world.comment(12)


def test_a_model_without_a_price_is_named_and_is_not_free(world: World):
    world.open_pull(12, "feat/limit")
    world.work("09:00 feat/limit nobody-knows-1")
    world.settle()
    assert world.comment(12).split("\n\n<details>")[0] == snapshot("""\
**AI work on this change: 1 request at a price that is not known.**

Seen: 1 session of Claude Code, 1 request; the author of its commits reports.

At a price that is not known: `nobody-knows-1`.\
""")
    world.work("09:30 feat/limit $1.00", "s2")
    world.settle()
    assert world.comment(12).split("\n\n<details>")[0] == snapshot("""\
**This change cost $1.00** of AI work at list price, and 1 request at a price that is not known.

Seen: 2 sessions of Claude Code, 2 requests; the author of its commits reports.

At a price that is not known: `nobody-knows-1`.\
""")


def test_what_a_tool_does_not_say_is_not_shown_as_zero_nor_its_own_price_as_a_list_price(world: World):
    (first, second) = session("09:00 feat/a no-such-model\n09:10 feat/a no-such-model", tool="cursor")
    silent = msgspec.structs.replace(first, model="", tokens=TOKENS_NOT_KNOWN)
    own = msgspec.structs.replace(second, tool="pi", reported_micros=70_000)
    world.open_pull(12, "feat/a")
    world.send_usage([silent, own])
    world.settle()
    comment = world.comment(12)
    assert (
        "**This change cost at least $0.07** of AI work by the tool's own figure, and 1 request at a price that is not known."
        in comment
    )
    assert "Pi<br>`no-such-model` | $0.07 † | 1 |" in comment
    assert "† $0.07 of it by the tool's own figure: no list price is known." in comment
    assert "At a price that is not known: a model that is not known." in comment
    assert "Cursor<br>`?` | not known | 1 | ? | ? | ? | ? |" in comment
    assert "Prices: the tool's own figure where no list price is known." in comment


def test_money_of_two_kinds_says_how_much_is_of_which(world: World):
    (listed, other) = session("09:00 feat/a $1.00\n09:10 feat/a no-such-model")
    world.open_pull(12, "feat/a")
    world.send_usage([listed, msgspec.structs.replace(other, reported_micros=500_000)])
    world.settle()
    comment = world.comment(12)
    words = "at least $1.50** of AI work at list price, $0.50 of it by the tool's own figure."
    assert f"**This change cost {words}" in comment
    assert "| **All** | **$1.50 †** |" in comment
    assert world.check(12)[1] == "at least $1.50 at list price, $0.50 of it by the tool's own figure"


def test_a_late_commit_moves_money_and_both_comments_are_right(world: World):
    world.open_pull(12, "feat/a", "1111111")
    world.work("09:00 feat/a $1.00\n09:10 feat/a $2.00 commits 2222222")
    world.settle()
    assert world.shares() == {"#12": 300}
    world.open_pull(13, "feat/b", "2222222")
    world.settle()
    assert world.shares() == {"#13": 300}
    assert "$3.00" in world.comment(13)
    assert world.comment(12).startswith("**No AI work is booked to this change any more.**")


def test_two_changes_by_one_session_are_split(world: World):
    world.open_pull(12, "feat/a")
    world.open_pull(13, "feat/b")
    world.work("09:00 main $0.50\n09:10 feat/a $1.00\n09:20 feat/b $2.00\n09:30 main $0.25")
    world.settle()
    assert world.shares() == {"#12": 150, "#13": 200, "-": 25}
    assert "(40% of its $3.75)" in world.comment(12)


def test_a_renamed_repository_keeps_its_ledger_and_old_logs_still_count(world: World):
    world.open_pull(12, "feat/a")
    world.work("09:00 feat/a $1.00")
    world.settle()
    world.github.rename(world.repository, "gadgets")
    world.deliver()
    world.settle()
    world.work("09:30 feat/a $1.00", "s2", repository="acme/widgets")
    world.work("09:40 feat/a $1.00", "s3", repository="acme/gadgets")
    world.settle()
    assert "$3.00" in world.comment(12)


def test_hostile_names_act_on_nothing(world: World):
    branch = "x`](http://evil.example)@alice|<img/src=x>#1-->"
    world.open_pull(12, branch)
    world.work(
        f"09:00 {branch} $1.00\n09:10 {branch} @alice`|<b>|[x](http://evil.example)\n", tool="mallory-www-evil-example"
    )
    world.settle()
    html = render(world.comment(12))
    for sign in ('class="mention"', 'class="reference"', "<img", "<b>", 'href="http://evil'):
        assert sign not in html, sign
    assert html.count("<tr>") == 4
    assert {row.count("<t") for row in html.split("<tr>")[1:]} == {7} or html.count("<td") == 21
