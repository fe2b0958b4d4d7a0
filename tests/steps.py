"""Counts what a text costs, in steps and not in seconds: of a pattern by matching as `re` does, of a function by its instructions.

A cost is in proportion to the length where twice the text takes about twice the steps. `attacks` makes the texts that make a pattern
take back what it has read: https://owasp.org/www-community/attacks/Regular_expression_Denial_of_Service_-_ReDoS
"""

import itertools
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from types import FrameType
from typing import Any

Nodes = Sequence[tuple[Any, Any]]
REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
CATEGORIES: dict[Any, Callable[[str], bool]] = {
    op.CATEGORY_DIGIT: str.isdecimal,
    op.CATEGORY_NOT_DIGIT: lambda c: not c.isdecimal(),
    op.CATEGORY_SPACE: str.isspace,
    op.CATEGORY_NOT_SPACE: lambda c: not c.isspace(),
    op.CATEGORY_WORD: lambda c: c.isalnum() or c == "_",
    op.CATEGORY_NOT_WORD: lambda c: not (c.isalnum() or c == "_"),
}
MOST_STEPS = 300_000
SAMPLES = "\n a0-./`#<~@_x:\u00e9"


class TooManySteps(Exception):
    """A short text costs more than any that is in order."""


class Matcher:
    """Matches a pattern everywhere in a text with backtracking, and counts the attempts to match a part of it at a place."""

    def __init__(self, pattern: re.Pattern[Any]) -> None:
        source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
        self.flags = pattern.flags
        flags = pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags
        self.nodes: Nodes = list(parser.parse(source, flags))
        self.steps = 0
        self.text = ""

    def count(self, text: str) -> int:
        """The steps of `finditer`."""
        self.text, self.steps, place = text, 0, 0
        while place <= len(text):
            end = next(self._sequence(self.nodes, 0, place), place)
            place = max(end, place + 1)
        return self.steps

    def _sequence(self, nodes: Nodes, i: int, place: int) -> Iterator[int]:
        if i == len(nodes):
            yield place
            return
        for end in self._node(*nodes[i], place):
            yield from self._sequence(nodes, i + 1, end)

    def _node(self, code: Any, value: Any, place: int) -> Iterator[int]:
        """Where a part that begins at a place may end, in the order in which `re` tries."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise TooManySteps
        if code is op.BRANCH:
            for branch in value[1]:
                yield from self._sequence(list(branch), 0, place)
        elif code is op.SUBPATTERN:
            yield from self._sequence(list(value[3]), 0, place)
        elif code is op.ATOMIC_GROUP:
            yield from itertools.islice(self._sequence(list(value), 0, place), 1)
        elif code in (op.ASSERT, op.ASSERT_NOT):
            assert value[0] > 0, "looking back is not known here"
            if (next(self._sequence(list(value[1]), 0, place), None) is not None) == (code is op.ASSERT):
                yield place
        elif code in REPEATS:
            ends = self._repeat(*value[:2], list(value[2]), place, is_lazy=code is op.MIN_REPEAT)
            yield from itertools.islice(ends, 1) if code is op.POSSESSIVE_REPEAT else ends
        elif code is op.AT:
            yield from [place] if self._is_at(value, place) else []
        elif place < len(self.text) and self._fits(code, value, self.text[place]):
            yield place + 1

    def _repeat(self, least: int, most: int, nodes: Nodes, place: int, *, is_lazy: bool) -> Iterator[int]:
        places, more = [place], [self._sequence(nodes, 0, place)]
        if is_lazy and least == 0:
            yield place
        while more:
            end = next(more[-1], None) if len(more) <= most else None
            if end is None:
                more.pop()
                last = places.pop()
                if not is_lazy and len(more) >= least:
                    yield last
            elif end > places[-1]:
                places.append(end)
                more.append(self._sequence(nodes, 0, end))
                if is_lazy and len(more) > least:
                    yield end

    def _is_at(self, where: Any, place: int) -> bool:
        text, is_first, is_last = self.text, place == 0, place == len(self.text)
        before, after = text[place - 1 : place], text[place : place + 1]
        is_line = bool(self.flags & re.MULTILINE)
        if where in (op.AT_BOUNDARY, op.AT_NON_BOUNDARY):
            is_word = CATEGORIES[op.CATEGORY_WORD]
            return (bool(before and is_word(before)) != bool(after and is_word(after))) == (where is op.AT_BOUNDARY)
        if where in (op.AT_BEGINNING, op.AT_BEGINNING_STRING):
            return is_first or (where is op.AT_BEGINNING and is_line and before == "\n")
        return is_last or (where is op.AT_END and after == "\n" and (is_line or place == len(text) - 1))

    def _fits(self, code: Any, value: Any, c: str) -> bool:
        if code is op.ANY:
            return c != "\n" or bool(self.flags & re.DOTALL)
        if code in (op.LITERAL, op.NOT_LITERAL):
            return self._is_same(value, c) == (code is op.LITERAL)
        assert code is op.IN, code
        is_negated = value[0][0] is op.NEGATE
        return any(self._is_in(*item, c) for item in value[is_negated:]) != is_negated

    def _is_in(self, code: Any, value: Any, c: str) -> bool:
        if code is op.CATEGORY:
            return CATEGORIES[value](c)
        if code is op.RANGE:
            low, high = value
            return any(low <= ord(each) <= high for each in self._cases(c))
        return self._is_same(value, c)

    def _is_same(self, value: int, c: str) -> bool:
        return any(ord(each) == value for each in self._cases(c))

    def _cases(self, c: str) -> set[str]:
        cases = {c, c.lower(), c.upper()} if self.flags & re.IGNORECASE else {c}
        return {each for each in cases if len(each) == 1}

    def samples(self, nodes: Nodes) -> list[str]:
        """Short texts that a part of the pattern matches: one for each kind of character and branch at its first place."""
        texts = [""]
        for code, value in nodes:
            texts = [text + more for text in texts[:4] for more in self._samples_of(code, value)[:4]]
        return texts

    def _samples_of(self, code: Any, value: Any) -> list[str]:
        if code is op.BRANCH:
            return [self.samples(list(branch))[0] for branch in value[1]]
        if code in (op.SUBPATTERN, op.ATOMIC_GROUP):
            return self.samples(list(value[3] if code is op.SUBPATTERN else value))
        if code in REPEATS:
            return [text * max(value[0], 1) for text in self.samples(list(value[2]))]
        if code in (op.AT, op.ASSERT, op.ASSERT_NOT):
            return [""]
        if code is op.LITERAL:
            return [chr(value)]
        fitting = [c for c in SAMPLES if self._fits(code, value, c)]
        return fitting or [next(c for c in map(chr, range(sys.maxunicode)) if self._fits(code, value, c))]


def is_linear(pattern: re.Pattern[Any]) -> bool:
    """Whether no attack of ours makes twice the text cost much more than twice the steps."""
    matcher = Matcher(pattern)
    try:
        return not any(_grows(partial(_cost, matcher, *attack), 32) for attack in attacks(matcher))
    except TooManySteps:
        return False


def _cost(matcher: Matcher, start: str, pump: str, count: int) -> int:
    return matcher.count(f"{start}{pump * count}\0")


def _grows(steps: Callable[[int], int], size: int) -> bool:
    """What is bounded, such as `{7,40}`, grows only up to its bound: what seems to grow is looked at again at four times the size."""
    return all(steps(2 * count) > 2.3 * steps(count) for count in (size, 4 * size))


def attacks(matcher: Matcher) -> Iterator[tuple[str, str]]:
    """Beginnings, and what to repeat behind them: from every part of the pattern."""
    nodes = matcher.nodes
    # Words are not cut.
    inner = (i for i in range(1, len(nodes)) if {code for code, _ in nodes[i - 1 : i + 1]} != {op.LITERAL})
    cuts = [0, *inner, len(nodes)]
    starts = {i: matcher.samples(nodes[:i])[0] for i in cuts}
    parts = [
        (start, pump) for i, start in starts.items() for j in cuts if j > i for pump in matcher.samples(nodes[i:j])
    ]
    anywhere = itertools.product(starts.values(), SAMPLES)
    return iter({(start, pump): None for begin, pump in (*parts, *anywhere) if pump for start in ("", begin)})


def instructions(call: Callable[[], object]) -> int:
    """How many instructions of Python code a call executes. What C does within one of them does not count."""
    count = 0

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count
