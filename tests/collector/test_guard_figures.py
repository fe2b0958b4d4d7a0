"""What the guard's hook decides by: sessions with their sub-agents, the day here, branches, and the smaller cap."""

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
from collector.guard.caps import Cap, held, keep, kept, names
from collector.guard.figures import MOST_SESSIONS, Figures, make
from collector.guard.hook import place
from tests.collector.machine import git
from tests.collector.test_what_is_sent import coverage_of
from tests.notation import session, take_time

OWN: dict[str, Cap] = {"session": (5_000_000, "session_usd in config.toml")}
WIDGETS = RepositoryCaps(name="acme/widgets", default_branch="trunk")


def at(when: str) -> float:
    return take_time(when.split()).timestamp()


def made(usages: list[Usage], when: str = "Wed 12:00", said: RepositoryCaps | None = None) -> Figures:
    return make(sorted(usages, key=lambda one: one.at), OWN, {"acme/widgets": said} if said else {}, at(when))


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def set_zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_zone
    monkeypatch.undo()
    time.tzset()


def test_a_sessions_sub_agents_count_with_it_wherever_it_worked():
    usages = session("Mon 09:00 a $1.00\nTue 09:00 b $2.00 agent a1\nTue 09:00 b $0.50", "s1", repository="acme/one")
    usages += session("Tue 10:00 a $4.00", "s1", repository="acme/two")
    usages += session("Tue 11:00 a $0.25", "s1", "codex")
    assert made(usages).sessions == {"codex s1": 250_000, "claude-code s1": 7_500_000}


def test_what_has_no_known_price_is_in_no_amount():
    unpriced = [
        msgspec.structs.replace(one, model="secret-model-7", request_id=f"u{i}")
        for i, one in enumerate(session("Wed 09:00 feat/x $900.00\nWed 09:01 feat/x $900.00"))
    ]
    found = made([*unpriced, *session("Wed 10:00 feat/x $1.00")])
    assert found.sessions == {"claude-code s1": 1_000_000}
    assert (found.day_micros, found.branches["acme/widgets"]["feat/x"][1]) == (1_000_000, 1_000_000)


def test_the_day_is_the_one_here(zone: Callable[[str], None]):
    usages = session("Tue 21:59 a $1.00\nTue 22:01 a $2.00\nTue 23:30 a $4.00\nWed 11:00 a $8.00")
    zone("Europe/Berlin")  # an hour ahead in November
    found = made(usages)
    assert (found.day, found.day_micros) == ("2026-11-18", 12_000_000)
    zone("Pacific/Auckland")  # thirteen hours ahead: the Wednesday's noon is past midnight
    assert (made(usages).day, made(usages).day_micros) == ("2026-11-19", 8_000_000)
    zone("UTC")
    assert made(usages).day_micros == 8_000_000


def test_a_day_begins_at_midnight_also_when_clocks_change(zone: Callable[[str], None]):
    zone("Europe/Berlin")
    changed = datetime(2026, 10, 25, tzinfo=UTC)  # a day of 25 hours, from 22:00 UTC the day before
    usages = [
        msgspec.structs.replace(one, at=changed + timedelta(hours=hours), request_id=str(hours))
        for hours, one in zip((-2.5, -1.5, 22.5), session("09:00 a $1.00\n09:00 a $2.00\n09:00 a $4.00"), strict=True)
    ]
    found = make(usages, OWN, {}, (changed + timedelta(hours=22.9)).timestamp())
    assert (found.day, found.day_micros) == ("2026-10-25", 6_000_000)


def test_sessions_are_bounded_and_the_latest_are_kept():
    start = take_time(["Mon", "00:00"])
    (one,) = session("00:00 a $0.01")
    many = [
        msgspec.structs.replace(one, session_id=f"s{i}", request_id=f"r{i}", at=start + timedelta(seconds=i))
        for i in range(MOST_SESSIONS + 50)
    ]
    found = made(many)
    assert len(found.sessions) == MOST_SESSIONS
    assert next(iter(found.sessions)) == f"claude-code s{MOST_SESSIONS + 49}"
    assert len(msgspec.json.encode(found)) < 200_000


def test_a_session_resumed_lately_counts_whole_and_one_left_long_ago_is_not_watched():
    old = [
        msgspec.structs.replace(one, at=one.at - timedelta(days=40), request_id=f"old-{one.session_id}")
        for one in [*session("09:00 a $3.00", "resumed"), *session("09:00 a $3.00", "left")]
    ]
    found = made([*old, *session("Wed 09:00 a $1.00", "resumed")])
    assert found.sessions == {"claude-code resumed": 4_000_000}
    assert found.branches["acme/widgets"]["a"][1] == 1_000_000


def test_without_any_cap_nothing_is_priced():
    assert make(session("09:00 a $1.00"), {}, {}, at("12:00")).sessions == {}


def test_default_branches_have_no_pull_request(repo: Path):
    usages = session("Tue 09:00 main $1.00\nTue 09:00 master $1.00\nTue 09:00 trunk $1.00\nTue 09:00 - $1.00")
    assert list(made(usages).branches.get("acme/widgets", {})) == ["trunk"]
    assert list(made(usages, said=WIDGETS).branches["acme/widgets"]) == ["main", "master"]
    git(repo, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/master")
    here = [with_context(one, cwd=str(repo)) for one in usages]
    assert list(made(here).branches["acme/widgets"]) == ["main", "trunk"]
    nowhere = [with_context(one, repository="") for one in usages]
    assert made(nowhere).branches == {}


def test_a_branch_made_again_begins_anew(repo: Path):
    usages = [
        with_context(one, cwd=str(repo))
        for one in session("Mon 09:00 feat/x $4.00\nTue 09:00 feat/x $1.00\nTue 10:00 feat/x $2.00")
    ]
    git(repo, "branch", "feat/x", at="2026-11-16T08:00:00Z")
    amount = ("the work on feat/x on this machine", 7_000_000)
    assert made(usages).branches == {"acme/widgets": {"feat/x": amount}}
    git(repo, "branch", "-D", "feat/x")
    git(repo, "branch", "feat/x", at="2026-11-17T09:30:00Z")
    assert made(usages).branches["acme/widgets"]["feat/x"][1] == 2_000_000
    # The same branch in a folder that is gone comes to it.
    elsewhere = session("Tue 11:00 feat/x $8.00", "s2")
    assert made([*usages, *elsewhere]).branches["acme/widgets"]["feat/x"][1] == 10_000_000


def test_a_pull_request_costs_what_the_server_says_over_everybody():
    usages = session("Mon 09:00 feat/x $4.00\nTue 09:00 feat/y $1.00\nTue 10:00 feat/y $2.00\nTue 10:00 feat/z $8.00")
    closed = take_time(["Tue", "09:30"])
    said = msgspec.structs.replace(
        WIDGETS,
        branches=[
            BranchCost(name="feat/x", pull_number=12, spent_micros=61_100_000),
            BranchCost(name="feat/y", closed_at=closed),
            BranchCost(name="feat/not-ours", pull_number=13, spent_micros=1),
        ],
    )
    assert made(usages, said=said).branches["acme/widgets"] == {
        "feat/x": ("pull request #12", 61_100_000),
        "feat/y": ("the work on feat/y on this machine", 2_000_000),
        "feat/z": ("the work on feat/z on this machine", 8_000_000),
    }


def test_repositories_are_known_by_the_git_folder_that_worktrees_share(repo: Path, tmp_path: Path):
    git(repo, "worktree", "add", "-q", "-b", "fix", str(tmp_path / "fix"))
    (tmp_path / "plain").mkdir()
    folders = [tmp_path / "fix", tmp_path / "plain", tmp_path / "gone", Path("relative")]
    usages = [
        with_context(session("Tue 09:00 fix $1.00", f"s{i}")[0], cwd=str(folder)) for i, folder in enumerate(folders)
    ]
    assert place(str(tmp_path / "plain")) == ("", "")
    assert made(usages).repositories == {str((repo / ".git").resolve()): "acme/widgets"}


amounts = st.integers(1, 10**9)
kinds = st.sampled_from(["session", "day", "pull"])


@given(st.dictionaries(kinds, amounts), st.dictionaries(kinds, amounts))
def test_of_two_caps_the_smaller_one_holds(own: dict[str, int], theirs: dict[str, int]):
    said = msgspec.structs.replace(WIDGETS, **{f"cap_{kind}_micros": amount for kind, amount in theirs.items()})
    found = held({kind: (amount, "own") for kind, amount in own.items()}, said)
    assert found.keys() == own.keys() | theirs.keys()
    for kind, (amount, where) in found.items():
        assert amount == min(caps[kind] for caps in (own, theirs) if kind in caps)
        assert (own if where == "own" else theirs)[kind] == amount
    assert held({}, None) == {}


def test_what_a_server_said_holds_for_an_hour(tmp_path: Path):
    path = tmp_path / "caps.json"
    asked = names(session("09:00 feat/x $1.00"), coverage_of("acme/widgets"))
    keep(path, asked, CapsAnswer([WIDGETS, msgspec.structs.replace(WIDGETS, name="acme/unasked")]), 1000.0)
    assert kept(path, 1000.0) == kept(path, 4599.0) == {"acme/widgets": WIDGETS}
    assert kept(path, 4600.0) == kept(path, 999.0) == {}
    path.write_bytes(path.read_bytes()[:-3])
    assert kept(path, 1000.0) == {}


def test_a_server_is_asked_of_what_it_covers_the_latest_first():
    usages = session("09:00 feat/a $1.00\n09:01 - $1.00\n09:02 feat/b $1.00\n09:03 feat/a $1.00")
    usages += session("09:00 x $1.00", repository="acme/secret") + session("09:00 y $1.00", repository="")
    found = names(usages, coverage_of("acme/widgets", "acme/other"))
    assert json.loads(msgspec.json.encode(list(found.values()))) == [
        {"name": "acme/widgets", "branches": ["feat/a", "feat/b"]}
    ]
    many = [
        with_context(msgspec.structs.replace(one, request_id=str(i)), branch=f"b{i}")
        for i in range(500)
        for one in session("09:00 x $1.00")
    ]
    branches = names(many, coverage_of("acme/widgets"))["acme/widgets"].branches
    assert (len(branches), branches[0]) == (200, "b499")
