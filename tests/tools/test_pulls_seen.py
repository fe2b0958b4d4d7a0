"""Pull requests in shell commands."""

import pytest

from attribution.tools.pulls_seen import may_touch, pulls_touched

CREATION = "Creating pull request for feat/x into main in acme/widgets\n\nhttps://github.com/acme/widgets/pull/31\n"


@pytest.mark.parametrize(
    ("command", "output", "looks"),
    [
        ("gh pr view 12 --comments", "", [(12, "view", "")]),
        ("cd x && gh pr diff #12 | head -50", "", [(12, "diff", "")]),
        ("gh pr checkout 12; gh pr checks", "", [(12, "checkout", "")]),
        ("gh pr review --approve 12 --body 'see 99'", "", [(12, "review", "")]),
        ('gh pr comment --body "12 apples" 7', "", [(7, "comment", "")]),
        ("gh pr view https://github.com/acme/widgets/pull/12/files", "", [(12, "view", "acme/widgets")]),
        ("gh pr view 12 -R other/place", "", [(12, "view", "other/place")]),
        ("gh pr view --repo=ghe.example/other/place 12", "", [(12, "view", "ghe.example/other/place")]),
        ("gh pr create --fill", CREATION, [(31, "create", "acme/widgets")]),
        ("gh pr create --title 12 --body 13", "", []),
        ("git fetch origin pull/12/head:review && git checkout review", "", [(12, "checkout", "")]),
        ("gh pr list --limit 5", "", []),
        ("gh pr view --json number", "", []),
        ("gh issue view 12", "", []),
        ("echo ghpr view 12", "", []),
        ("gh pr merge 12 --squash\ngh pr view 13", "", [(12, "merge", ""), (13, "view", "")]),
    ],
)
def test_what_a_command_touched(command: str, output: str, looks: list[tuple[int, str, str]]):
    assert sorted((look.number, look.how, look.repository) for look in pulls_touched(command, output)) == looks
    assert may_touch(command) or not looks
