"""Which change does each request serve? The rules stand in RULES, strongest evidence first; adding one is one line there.

A rule takes a session (its requests in order of time), the pull requests of the repository and the claims that stronger rules
have made, and returns claims by position for requests that have none. A stronger claim is never overwritten.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from attribution.evidence import UNATTRIBUTED, Claim, Evidence, PullRequest, claim
from attribution.usage import CommitMade, Usage

Claims = Mapping[int, Claim]
Rule = Callable[[Sequence[Usage], "Pulls", Claims], dict[int, Claim]]

# A session that is taken up again after this long is other work: nothing is carried across.
CARRY = timedelta(hours=24)

# git prints ids of at least seven digits.
SHORT_SHA = 7


class Pulls:
    """The pull requests of a repository, looked up by what a session knows: commits and branches."""

    def __init__(self, pulls: Iterable[PullRequest], default_branch: str) -> None:
        self.default_branch = default_branch
        self._by_sha: dict[str, list[tuple[str, int]]] = {}
        self._by_authorship: dict[str, int] = {}
        self._by_branch: dict[str, list[PullRequest]] = {}
        for pull in sorted(pulls, key=lambda pull: (pull.created_at, pull.number)):
            self._by_branch.setdefault(pull.head_branch, []).append(pull)
            for commit in pull.commits:
                # Of stacked pull requests the first that holds a commit made it.
                self._by_sha.setdefault(commit.sha[:SHORT_SHA], []).append((commit.sha, pull.number))
                if commit.authorship:
                    self._by_authorship.setdefault(commit.authorship, pull.number)

    def of_commit(self, made: CommitMade) -> int | None:
        """The pull request that holds a commit: by its id, which a log may have shortened, else by its authorship."""
        for sha, number in self._by_sha.get(made.sha[:SHORT_SHA], ()):
            if sha.startswith(made.sha):
                return number
        return self._by_authorship.get(made.authorship)

    def of_branch(self, branch: str, at: datetime) -> int | None:
        """Tenure: the first pull request from that branch not yet closed at that time. A recycled name inherits nothing."""
        on_branch = self._by_branch.get(branch, ())
        return next((pull.number for pull in on_branch if pull.closed_at is None or pull.closed_at >= at), None)

    def is_unsettled(self, branch: str) -> bool:
        """True where a branch says nothing: not known, detached (`HEAD`), or the default one."""
        return branch in ("", "HEAD", self.default_branch)


def place(session: Iterable[Usage], pulls: Pulls) -> dict[tuple[str, str], Claim]:
    """One claim for each request of one session, by request key. Complete: what no rule claims is unattributed."""
    requests = sorted(session, key=lambda usage: (usage.at, usage.request_id))
    claims: dict[int, Claim] = {}
    for rule in RULES:
        claims = rule(requests, pulls, claims) | claims
    return {usage.key: claims.get(i, UNATTRIBUTED) for i, usage in enumerate(requests)}


def by_commit(requests: Sequence[Usage], pulls: Pulls, _claims: Claims) -> dict[int, Claim]:
    """Work since the session's previous commit, on the same branch, belongs to the commit that ends it."""
    found: dict[int, Claim] = {}
    start = 0
    for i, usage in enumerate(requests):
        for made in usage.commits_made:
            number = pulls.of_commit(made)
            if number is not None:
                one = claim(number, Evidence.COMMIT, f"made commit `{made.sha[:7]}`, which is in #{number}")
                stretch = (j for j in range(start, i + 1) if requests[j].branch == usage.branch)
                found |= {j: one for j in stretch if j not in found}
        if usage.commits_made:
            start = i + 1
    return found


def by_branch(requests: Sequence[Usage], pulls: Pulls, claims: Claims) -> dict[int, Claim]:
    """The branch at the time of the request is the head branch of a pull request that holds it then."""
    found: dict[int, Claim] = {}
    for i, usage in enumerate(requests):
        if i in claims or pulls.is_unsettled(usage.branch):
            continue
        number = pulls.of_branch(usage.branch, usage.at)
        if number is not None:
            found[i] = claim(number, Evidence.BRANCH, f"on branch `{usage.branch}` of #{number}")
    return found


def carried(requests: Sequence[Usage], pulls: Pulls, claims: Claims) -> dict[int, Claim]:
    """Work before a branch existed goes to the next change that the session made."""
    found: dict[int, Claim] = {}
    ahead: Claim | None = None
    ahead_at = datetime.max.replace(tzinfo=UTC)
    for i in range(len(requests) - 1, -1, -1):
        usage = requests[i]
        if i in claims:
            ahead = claims[i]
        elif not pulls.is_unsettled(usage.branch) or ahead_at - usage.at > CARRY:
            ahead = None
        elif ahead is not None:
            found[i] = Claim(
                ahead.weights, Evidence.CARRIED, f"same session, before it turned to #{ahead.weights[0][0]}"
            )
        ahead_at = usage.at
    return found


RULES: tuple[Rule, ...] = (by_commit, by_branch, carried)
