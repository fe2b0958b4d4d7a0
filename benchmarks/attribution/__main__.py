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
from benchmarks.attribution.groundtruth import Recording, folders, read, without_commit_files
from benchmarks.attribution.less_known import LESS_KNOWN, with_less
from benchmarks.attribution.scoring import Label, Score
from benchmarks.attribution.sensitivity import CONSTANTS, REFINEMENTS, constant


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.attribution", description=__doc__)
    parser.add_argument(
        "root",
        type=Path,
        help="folder of folders owner__name with sessions.jsonl, prs.jsonl (truth.jsonl, direct.jsonl)",
    )
    parser.add_argument("--predict", action="store_true", help="print predictions only")
    parser.add_argument("--sensitivity", action="store_true", help="also try other values of each constant")
    options = parser.parse_args(arguments)
    recordings = [read(folder) for folder in folders(options.root)]
    if options.predict:
        predict(recordings)
    else:
        report(recordings)
        if options.sensitivity:
            sensitivity(recordings)


def claims_of(recording: Recording, rules: Sequence[Rule] = RULES) -> dict[str, Claim]:
    index = RepositoryIndex(recording.pulls, recording.default_branch, direct=recording.direct)
    answers = (attribute(session, index, rules) for session in recording.sessions.values())
    return {key[1]: claim for claims in answers for key, claim in claims.items()}


def predict(recordings: list[Recording]) -> None:
    for recording in recordings:
        for rid, claim in claims_of(recording).items():
            row = {
                "repo": recording.name,
                "rid": rid,
                "shares": {str(n): part for n, part in scoring.shares(claim).items()},
            }
            sys.stdout.write(msgspec.json.encode(row).decode() + "\n")


def report(recordings: list[Recording]) -> None:
    for scope in ("gold", "all"):
        labels = _labels(recordings, scope == "gold")
        scores = {recording.name: _score(recording, labels) for recording in recordings}
        print(f"{scope:37} precision  recall  within 10 %  right $  wrong $  missed $   pulls")
        for name, score in scores.items():
            _line(f"  {name}", score)
        _line("  together", sum(scores.values(), Score()))
    labels = _labels(recordings, gold=True)
    print("\nablation, gold: without")
    for rule in RULES:
        _line(f"  {rule.__name__}", _total(recordings, labels, [other for other in RULES if other is not rule]))
    for scope, its in (("gold", labels), ("all", _labels(recordings, gold=False))):
        for module, name, absence in REFINEMENTS:
            with constant(module, name, absence):
                _line(f"  {name}, {scope}", _total(recordings, its))
    bare = [without_commit_files(recording) for recording in recordings]
    _line("  files by commit (whole change's only)", _total(bare, labels))
    print("\nwith less known, gold")
    for name, less in LESS_KNOWN.items():
        _line(f"  {name}", _total([with_less(recording, less) for recording in recordings], labels))
    _calibration(recordings)


def sensitivity(recordings: list[Recording]) -> None:
    labels = _labels(recordings, gold=True)
    print("\nsensitivity, gold")
    for module, name, values in CONSTANTS:
        for value in values:
            with constant(module, name, value):
                _line(f"  {name} = {value}", _total(recordings, labels))


def _calibration(recordings: list[Recording]) -> None:
    print("\ncalibration: evidence                   $ gold   right    $ all   right  gold, of 20")
    sums: list[tuple[Counter[str], Counter[str]]] = []
    for gold in (True, False):
        dollars, right = Counter[str](), Counter[str]()
        for recording in recordings:
            of_one = scoring.calibration(list(scoring.labels(recording.folder, gold)), claims_of(recording))
            dollars.update(of_one[0])
            right.update(of_one[1])
        sums.append((dollars, right))
    for level in Evidence:
        if sums[1][0][level]:
            cells = (f"{d[level]:8.1f} {r[level] / d[level] if d[level] else 0:7.1%}" for d, r in sums)
            gold_part = sums[0][1][level] / sums[0][0][level] if sums[0][0][level] else 0
            print(f"  {level:37}", *cells, "", "#" * round(20 * gold_part))


def _labels(recordings: list[Recording], gold: bool) -> dict[str, list[Label]]:
    return {recording.name: list(scoring.labels(recording.folder, gold)) for recording in recordings}


def _score(recording: Recording, labels: dict[str, list[Label]], rules: Sequence[Rule] = RULES) -> Score:
    predicted = {rid: scoring.shares(claim) for rid, claim in claims_of(recording, rules).items()}
    return scoring.score(labels[recording.name], predicted)


def _total(recordings: list[Recording], labels: dict[str, list[Label]], rules: Sequence[Rule] = RULES) -> Score:
    return sum(map(partial(_score, labels=labels, rules=rules), recordings), Score())


def _line(name: str, of: Score) -> None:
    print(
        f"{name:40} {of.precision:6.1%} {of.recall:7.1%} {of.within:8.1%}"
        f" {of.right:12.1f} {of.wrong:8.1f} {of.missing:8.1f} {len(of.totals):8}"
    )


if __name__ == "__main__":
    main()
