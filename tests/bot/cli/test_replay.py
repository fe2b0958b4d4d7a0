"""Replaying facts from files: totals that sum, reasons, and mistakes that are named."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from bot.cli.replay import main
from tests.bot.cli.conftest import CHANGES, WORK, lines
from tests.notation import pulls, session

ROOT = Path(__file__).parents[3]


def test_every_share_is_shown_with_its_reason(facts: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(facts) == 0
    assert capsys.readouterr().out == snapshot("""\
acme/widgets: $3.50 at list price

In no amount: 1 request at a price that is not known.

Pull request       Cost  Requests
#12               $3.00         2
#13               $0.50         1
unattributed  not known         1

Evidence       Cost  Requests
commit        $3.00         2
branch        $0.50         1
none      not known         1

b3ecf4  claude-code s1
  2026-11-16 09:00  #12                $3.00  made commit `1111111`, in #12
  2026-11-16 09:20  #13                $0.50  on branch `feat/b` of #13
  2026-11-16 09:30  unattributed   not known  no pull request found

Sessions judged by the runaway rule: 1; alerts: 0
""")


def test_as_json_each_share_is_a_line(facts: list[str], capsys: pytest.CaptureFixture[str]):
    assert main([*facts, "--json"]) == 0
    *shares, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [
        (share["request_id"], share["pull_number"], share["micros"], share["evidence"]) for share in shares
    ] == snapshot(
        [
            ("s1-0", 12, 1000000, "commit"),
            ("s1-1", 12, 2000000, "commit"),
            ("s1-2", 13, 500000, "branch"),
            ("s1-3", None, None, "none"),
        ]
    )
    assert last == {"sessions": 1, "alerts": []}


@pytest.fixture
def runaway(tmp_path: Path) -> list[str]:
    """Twenty sessions of a dollar, then one of $60 in an hour that shipped nothing, and one of $110 in an afternoon that shipped."""
    usual = [
        usage
        for i in range(20)
        for usage in session(f"{9 + i // 2:02}:{i % 2 * 30:02} feat/a $1.00 edits a.py", f"u{i}")
    ]
    spike = [f"Tue 09:{i:02} spike $1.00 edits a.py" for i in range(60)]
    feature = [f"Wed {9 + i // 30:02}:{i % 30 * 2:02} feat/a $1.00 edits a.py" for i in range(110)]
    longer = [
        usage for text, name in ((spike, "lost"), (feature, "shipped")) for usage in session("\n".join(text), name)
    ]
    (tmp_path / "usage").write_bytes(lines([*usual, *longer]))
    (tmp_path / "pulls").write_bytes(lines(pulls("#12 feat/a opened 09:00 merged Wed 18:00 by ann")))
    return ["--usage", str(tmp_path / "usage"), "--pulls", str(tmp_path / "pulls")]


def test_how_often_the_runaway_rule_was_wrong(runaway: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(runaway) == 0
    # The documentation shows it.
    _, output = re.findall(r"```text\n(.*?)```", (ROOT / "deploy/replay.md").read_text(), re.DOTALL)
    assert capsys.readouterr().out.endswith("\n\n" + output)


def test_how_often_the_runaway_rule_was_wrong_as_json(runaway: list[str], capsys: pytest.CaptureFixture[str]):
    assert main([*runaway, "--json"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["sessions"], last["alerts"][0]) == snapshot(
        (
            22,
            {
                "rule": "burn",
                "tool": "claude-code",
                "session_id": "lost",
                "at": "2026-11-17T09:52:00Z",
                "micros_at_alert": 53000000,
                "micros": 60000000,
                "shipped_micros": 0,
                "open_micros": 0,
                "verdict": "held up",
                "why": "Session `fa9f78` has cost $53.00 within an hour, 53 times the dearest hour of 19 of 20 sessions here.",
            },
        )
    )


def test_the_example_in_the_documentation(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    text = (ROOT / "deploy/replay.md").read_text()
    blocks = dict(re.findall(r"```json (\S+)\n(.*?)```", text, re.DOTALL))
    for name, content in blocks.items():
        (tmp_path / name).write_text(content)
    files = [f"--{name.partition('.')[0]}={tmp_path / name}" for name in blocks]
    assert len(files) == 3
    assert main(files) == 0
    output, _ = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    assert capsys.readouterr().out.startswith(output)


def test_a_session_that_is_split_has_a_line_for_each_that_bears_it(
    tmp_path: Path, facts: list[str], capsys: pytest.CaptureFixture[str]
):
    correction = {
        "said_at": "2026-11-17T08:00:00Z",
        "tool": "claude-code",
        "says": "link",
        "weights": [[12, 60], [13, 40]],
    }
    lines = [correction | {"session_id": "s1"}, correction | {"session_id": "s9", "weights": [[99, 1]]}]
    (tmp_path / "said").write_text("\n".join(map(json.dumps, lines)))
    assert main([*facts, "--corrections", str(tmp_path / "said")]) == 0
    output = capsys.readouterr()
    assert output.out.partition("claude-code s1\n")[2].partition("\n\n")[0] == snapshot("""\
  2026-11-16 09:00  #12                $2.10  linked to #12 and #13 by a maintainer
  2026-11-16 09:00  #13                $1.40  linked to #12 and #13 by a maintainer\
""")
    assert output.err == snapshot("Corrections name what the other files do not hold: #99, claude-code s9.\n")


def test_the_default_branch_is_where_most_pull_requests_go(
    tmp_path: Path, facts: list[str], capsys: pytest.CaptureFixture[str]
):
    trunk = [msgspec.structs.replace(pull, base_branch="trunk") for pull in pulls(CHANGES)]
    (tmp_path / "usage").write_bytes(lines(session("09:00 trunk $1.00\n09:20 feat/b $0.50")))
    (tmp_path / "pulls").write_bytes(lines(trunk))
    main(facts)
    assert "#13" in capsys.readouterr().out.partition("claude-code s1\n")[2].splitlines()[0]
    main([*facts, "--default-branch", "main"])
    assert "unattributed" in capsys.readouterr().out.partition("claude-code s1\n")[2].splitlines()[0]


def test_of_several_repositories_one_must_be_chosen(
    tmp_path: Path, facts: list[str], capsys: pytest.CaptureFixture[str]
):
    other = session("09:00 main $9.00", "s9", repository="acme/gadgets")
    nowhere = session("09:00 main $9.00", "s8", repository="")
    (tmp_path / "more").write_bytes(lines([*other, *nowhere]))
    files = [*facts, "--usage", str(tmp_path / "more")]
    assert main(files) == 2
    assert "choose with --repository, of acme/gadgets, acme/widgets" in capsys.readouterr().err
    assert main([*files, "--repository", "Acme/Gadgets"]) == 0
    output = capsys.readouterr()
    assert output.out.startswith("acme/gadgets: $9.00 at list price")
    assert output.err == "Left out, requests of no known repository: 1.\n"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_order_and_repetition_of_lines_change_nothing(
    data: st.DataObject, tmp_path: Path, facts: list[str], capsys: pytest.CaptureFixture[str]
):
    main(facts)
    direct = capsys.readouterr().out
    for name, values in (("usage", session(WORK)), ("pulls", pulls(CHANGES))):
        again = data.draw(st.lists(st.sampled_from(values)))
        (tmp_path / name).write_bytes(lines(data.draw(st.permutations([*values, *again]))))
    main(facts)
    assert capsys.readouterr().out == direct
