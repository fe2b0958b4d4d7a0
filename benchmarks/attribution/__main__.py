"""`python -m benchmarks.attribution ROOT` scores the engine; `--predict ROOT` prints what it says and reads no labels."""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec

from attribution.attribute import RULES, RepositoryIndex, Rule, attribute
from attribution.evidence import Claim, Evidence
from benchmarks.attribution import scoring
from benchmarks.attribution.groundtruth import Recorded, folders, read, without_commit_files
from benchmarks.attribution.scoring import Labelled, Score
from benchmarks.attribution.sensitivity import CONSTANTS, constant


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.attribution", description=__doc__)
    parser.add_argument(
        "root", type=Path, help="folder of folders owner__name with sessions.jsonl, prs.jsonl (and truth.jsonl)"
    )
    parser.add_argument("--predict", action="store_true", help="print predictions only")
    parser.add_argument("--sensitivity", action="store_true", help="also try other values of each constant")
    given = parser.parse_args(arguments)
    recorded = [read(folder) for folder in folders(given.root)]
    if given.predict:
        predict(recorded)
    else:
        report(recorded)
        if given.sensitivity:
            sensitivity(recorded)


def claims_of(one: Recorded, rules: Sequence[Rule] = RULES) -> dict[str, Claim]:
    index = RepositoryIndex(one.pulls, one.default_branch)
    placed = (attribute(session, index, rules) for session in one.sessions.values())
    return {key[1]: claim for claims in placed for key, claim in claims.items()}


def predict(recorded: list[Recorded]) -> None:
    for one in recorded:
        for rid, claim in claims_of(one).items():
            row = {"repo": one.name, "rid": rid, "shares": {str(n): part for n, part in scoring.shares(claim).items()}}
            sys.stdout.write(msgspec.json.encode(row).decode() + "\n")


def report(recorded: list[Recorded]) -> None:
    for scope in ("gold", "all"):
        labels = _labels(recorded, scope == "gold")
        scores = {one.name: _score(one, labels) for one in recorded}
        print(f"{scope:37} precision  recall  within 10 %  right $  wrong $  missed $   pulls")
        for name, one in scores.items():
            _line(f"  {name}", one)
        _line("  together", sum(scores.values(), Score()))
    labels = _labels(recorded, gold=True)
    print("\nablation, gold: without")
    for rule in RULES:
        _line(f"  {rule.__name__}", _total(recorded, labels, [other for other in RULES if other is not rule]))
    bare = [without_commit_files(one) for one in recorded]
    _line("  files by commit (whole change's only)", _total(bare, labels))
    _calibration(recorded)


def sensitivity(recorded: list[Recorded]) -> None:
    labels = _labels(recorded, gold=True)
    print("\nsensitivity, gold")
    for module, name, values in CONSTANTS:
        for value in values:
            with constant(module, name, value):
                _line(f"  {name} = {value}", _total(recorded, labels))


def _calibration(recorded: list[Recorded]) -> None:
    print("\ncalibration: evidence                   $ gold   right    $ all   right  gold, of 20")
    sums: list[tuple[Counter[str], Counter[str]]] = []
    for gold in (True, False):
        dollars, right = Counter[str](), Counter[str]()
        for one in recorded:
            of_one = scoring.calibration(list(scoring.labelled(one.folder, gold)), claims_of(one))
            dollars.update(of_one[0])
            right.update(of_one[1])
        sums.append((dollars, right))
    for level in Evidence:
        if sums[1][0][level]:
            cells = (f"{d[level]:8.1f} {r[level] / d[level] if d[level] else 0:7.1%}" for d, r in sums)
            gold_part = sums[0][1][level] / sums[0][0][level] if sums[0][0][level] else 0
            print(f"  {level:37}", *cells, "", "#" * round(20 * gold_part))


def _labels(recorded: list[Recorded], gold: bool) -> dict[str, list[Labelled]]:
    return {one.name: list(scoring.labelled(one.folder, gold)) for one in recorded}


def _score(one: Recorded, labels: dict[str, list[Labelled]], rules: Sequence[Rule] = RULES) -> Score:
    predicted = {rid: scoring.shares(claim) for rid, claim in claims_of(one, rules).items()}
    return scoring.score(labels[one.name], predicted)


def _total(recorded: list[Recorded], labels: dict[str, list[Labelled]], rules: Sequence[Rule] = RULES) -> Score:
    return sum(map(partial(_score, labels=labels, rules=rules), recorded), Score())


def _line(name: str, of: Score) -> None:
    print(
        f"{name:40} {of.precision:6.1%} {of.recall:7.1%} {of.within:8.1%}"
        f" {of.right:12.1f} {of.wrong:8.1f} {of.missed:8.1f} {len(of.totals):8}"
    )


if __name__ == "__main__":
    main()
