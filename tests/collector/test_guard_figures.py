"""The figures of the guard's hook: sessions with their sub-agents, the local day, branches, and the smaller cap."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.protocol import BranchCost, CapsAnswer, RepositoryCaps
from attribution.usage import Usage, with_context
from collector.guard.caps import Cap, by_local_name, latest_branches, read, smaller, write
from collector.guard.figures import MOST_SESSIONS, Figures, make
from collector.guard.hook import place
from tests.collector.machine import git
from tests.collector.test_what_is_sent import coverage_of
from tests.notation import session, take_time

OWN: dict[str, Cap] = {"session": (5_000_000, "session_usd in config.toml")}
WIDGETS = RepositoryCaps(name="acme/widgets", default_branch="trunk")


def at(when: str) -> float:
    return take_time(when.split()).timestamp()


def figures(usages: list[Usage], when: str = "Wed 12:00", caps: RepositoryCaps | None = None) -> Figures:
    return make(sorted(usages, key=lambda usage: usage.at), OWN, {"acme/widgets": caps} if caps else {}, at(when))


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def set_zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_zone
    monkeypatch.undo()
    time.tzset()


def test_a_session_counts_with_its_sub_agents_in_all_repositories():
    usages = session("Mon 09:00 a $1.00\nTue 09:00 b $2.00 agent a1\nTue 09:00 b $0.50", "s1", repository="acme/one")
    usages += session("Tue 10:00 a $4.00", "s1", repository="acme/two")
    usages += session("Tue 11:00 a $0.25", "s1", "codex")
    assert figures(usages).sessions == {"codex s1": 250_000, "claude-code s1": 7_500_000}


def test_requests_without_a_known_price_are_in_no_amount():
    unknown_models = [
        msgspec.structs.replace(usage, model="secret-model-7", request_id=f"u{i}")
        for i, usage in enumerate(session("Wed 09:00 feat/x $900.00\nWed 09:01 feat/x $900.00"))
    ]
    result = figures([*unknown_models, *session("Wed 10:00 feat/x $1.00")])
    assert result.sessions == {"claude-code s1": 1_000_000}
    assert (result.day_micros, result.branches["acme/widgets"]["feat/x"][1]) == (1_000_000, 1_000_000)
    assert result.unpriced == ["acme/widgets feat/x", "claude-code s1", "day"]
    assert figures(session("Wed 10:00 feat/x $1.00")).unpriced == []


def test_the_day_is_the_local_day(zone: Callable[[str], None]):
    usages = session("Tue 21:59 a $1.00\nTue 22:01 a $2.00\nTue 23:30 a $4.00\nWed 11:00 a $8.00")
    zone("Europe/Berlin")  # an hour ahead in November
    berlin = figures(usages)
    assert (berlin.day, berlin.day_micros) == ("2026-11-18", 12_000_000)
    zone("Pacific/Auckland")  # thirteen hours ahead: the Wednesday's noon is past midnight
    assert (figures(usages).day, figures(usages).day_micros) == ("2026-11-19", 8_000_000)
    zone("UTC")
    assert figures(usages).day_micros == 8_000_000


def test_a_day_begins_at_midnight_also_when_the_clocks_change(zone: Callable[[str], None]):
    zone("Europe/Berlin")
    start = datetime(2026, 10, 25, tzinfo=UTC)  # a day of 25 hours, from 22:00 UTC the day before
    usages = [
        msgspec.structs.replace(usage, at=start + timedelta(hours=hours), request_id=str(hours))
        for hours, usage in zip((-2.5, -1.5, 22.5), session("09:00 a $1.00\n09:00 a $2.00\n09:00 a $4.00"), strict=True)
    ]
    result = make(usages, OWN, {}, (start + timedelta(hours=22.9)).timestamp())
    assert (result.day, result.day_micros) == ("2026-10-25", 6_000_000)


def test_of_too_many_sessions_the_latest_are_watched():
    start = take_time(["Mon", "00:00"])
    (usage,) = session("00:00 a $0.01")
    many = [
        msgspec.structs.replace(usage, session_id=f"s{i}", request_id=f"r{i}", at=start + timedelta(seconds=i))
        for i in range(MOST_SESSIONS + 50)
    ]
    result = figures(many)
    assert len(result.sessions) == MOST_SESSIONS
    assert next(iter(result.sessions)) == f"claude-code s{MOST_SESSIONS + 49}"
    assert len(msgspec.json.encode(result)) < 200_000


def test_a_recent_session_counts_with_its_old_requests_and_an_old_session_is_not_watched():
    old = [
        msgspec.structs.replace(usage, at=usage.at - timedelta(days=40), request_id=f"old-{usage.session_id}")
        for usage in [*session("09:00 a $3.00", "resumed"), *session("09:00 a $3.00", "left")]
    ]
    result = figures([*old, *session("Wed 09:00 a $1.00", "resumed")])
    assert result.sessions == {"claude-code resumed": 4_000_000}
    assert result.branches["acme/widgets"]["a"][1] == 1_000_000


def test_without_any_cap_no_amount_is_computed():
    assert make(session("09:00 a $1.00"), {}, {}, at("12:00")).sessions == {}


def test_default_branches_have_no_amount(repo: Path):
    usages = session("Tue 09:00 main $1.00\nTue 09:00 master $1.00\nTue 09:00 trunk $1.00\nTue 09:00 - $1.00")
    assert list(figures(usages).branches.get("acme/widgets", {})) == ["trunk"]
    assert list(figures(usages, caps=WIDGETS).branches["acme/widgets"]) == ["main", "master"]
    git(repo, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/master")
    here = [with_context(usage, cwd=str(repo)) for usage in usages]
    assert list(figures(here).branches["acme/widgets"]) == ["main", "trunk"]
    nowhere = [with_context(usage, repository="") for usage in usages]
    assert figures(nowhere).branches == {}


def test_a_branch_that_is_created_again_counts_from_its_creation(repo: Path):
    usages = [
        with_context(usage, cwd=str(repo))
        for usage in session("Mon 09:00 feat/x $4.00\nTue 09:00 feat/x $1.00\nTue 10:00 feat/x $2.00")
    ]
    git(repo, "branch", "feat/x", at="2026-11-16T08:00:00Z")
    amount = ("the work on feat/x on this machine", 7_000_000)
    assert figures(usages).branches == {"acme/widgets": {"feat/x": amount}}
    git(repo, "branch", "-D", "feat/x")
    git(repo, "branch", "feat/x", at="2026-11-17T09:30:00Z")
    assert figures(usages).branches["acme/widgets"]["feat/x"][1] == 2_000_000
    # Work on the same branch in a folder that does not exist any more is added.
    elsewhere = session("Tue 11:00 feat/x $8.00", "s2")
    assert figures([*usages, *elsewhere]).branches["acme/widgets"]["feat/x"][1] == 10_000_000


def test_the_amount_of_a_pull_request_is_that_of_the_server():
    usages = session("Mon 09:00 feat/x $4.00\nTue 09:00 feat/y $1.00\nTue 10:00 feat/y $2.00\nTue 10:00 feat/z $8.00")
    closed_at = take_time(["Tue", "09:30"])
    caps = msgspec.structs.replace(
        WIDGETS,
        branches=[
            BranchCost(name="feat/x", pull_number=12, spent_micros=61_100_000),
            BranchCost(name="feat/y", closed_at=closed_at),
            BranchCost(name="feat/not-ours", pull_number=13, spent_micros=1),
        ],
    )
    assert figures(usages, caps=caps).branches["acme/widgets"] == {
        "feat/x": ("pull request #12", 61_100_000),
        "feat/y": ("the work on feat/y on this machine", 2_000_000),
        "feat/z": ("the work on feat/z on this machine", 8_000_000),
    }


def test_repositories_are_listed_by_the_git_folder_that_worktrees_share(repo: Path, tmp_path: Path):
    git(repo, "worktree", "add", "-q", "-b", "fix", str(tmp_path / "fix"))
    (tmp_path / "plain").mkdir()
    folders = [tmp_path / "fix", tmp_path / "plain", tmp_path / "gone", Path("relative")]
    usages = [
        with_context(session("Tue 09:00 fix $1.00", f"s{i}")[0], cwd=str(folder)) for i, folder in enumerate(folders)
    ]
    assert place(str(tmp_path / "plain")) == ("", "")
    assert figures(usages).repositories == {str((repo / ".git").resolve()): "acme/widgets"}


amounts = st.integers(1, 10**9)
kinds = st.sampled_from(["session", "day", "pull"])


@given(st.dictionaries(kinds, amounts), st.dictionaries(kinds, amounts))
def test_of_two_caps_the_smaller_one_is_in_force(own: dict[str, int], theirs: dict[str, int]):
    repository = msgspec.structs.replace(WIDGETS, **{f"cap_{kind}_micros": amount for kind, amount in theirs.items()})
    result = smaller({kind: (amount, "own") for kind, amount in own.items()}, repository)
    assert result.keys() == own.keys() | theirs.keys()
    for kind, (amount, where) in result.items():
        assert amount == min(caps[kind] for caps in (own, theirs) if kind in caps)
        assert (own if where == "own" else theirs)[kind] == amount
    assert smaller({}, None) == {}


def test_the_answer_of_a_server_is_used_for_an_hour(tmp_path: Path):
    path = tmp_path / "caps.json"
    branches = latest_branches(session("09:00 feat/x $1.00"), coverage_of("acme/widgets"))
    answer = CapsAnswer([WIDGETS, msgspec.structs.replace(WIDGETS, name="acme/unasked")])
    write(path, by_local_name(branches, answer), 1000.0)
    assert read(path, 1000.0) == read(path, 4599.0) == {"acme/widgets": WIDGETS}
    assert read(path, 4600.0) == read(path, 999.0) == {}
    path.write_bytes(path.read_bytes()[:-3])
    assert read(path, 1000.0) == {}


def test_a_server_is_asked_about_the_latest_branches_of_repositories_that_it_covers():
    usages = session("09:00 feat/a $1.00\n09:01 - $1.00\n09:02 feat/b $1.00\n09:03 feat/a $1.00")
    usages += session("09:00 x $1.00", repository="acme/secret") + session("09:00 y $1.00", repository="")
    branches = latest_branches(usages, coverage_of("acme/widgets", "acme/other"))
    assert json.loads(msgspec.json.encode(list(branches.values()))) == [
        {"name": "acme/widgets", "branches": ["feat/a", "feat/b"]}
    ]
    many = [
        with_context(msgspec.structs.replace(usage, request_id=str(i)), branch=f"b{i}")
        for i in range(500)
        for usage in session("09:00 x $1.00")
    ]
    names = latest_branches(many, coverage_of("acme/widgets"))["acme/widgets"].branches
    assert (len(names), names[0]) == (200, "b499")
