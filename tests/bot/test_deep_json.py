"""JSON that nests too deeply is read as far as it can be."""

import json
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.deep_json import without_depths
from tests.steps import instructions

texts = st.text(alphabet='[]{}"\\,:a\né', max_size=6)
values = st.recursive(
    st.none() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=20,
)


def cut(value: Any, levels: int) -> Any:
    """What is left of a value with so many levels of lists and objects."""
    if not isinstance(value, list | dict):
        return value
    if not levels:
        return 0
    if isinstance(value, dict):
        return {key: cut(inner, levels - 1) for key, inner in value.items()}
    return [cut(inner, levels - 1) for inner in value]


@given(values, st.integers(1, 4), st.booleans())
def test_what_is_deep_is_cut_and_all_else_stays(value: Any, levels: int, is_ascii: bool):
    body = json.dumps(value, ensure_ascii=is_ascii).encode()
    assert json.loads(without_depths(body, levels)) == cut(value, levels)


@given(st.binary(max_size=40) | st.text(alphabet='[]{}"\\0', max_size=40).map(str.encode))
def test_any_bytes_have_an_answer(body: bytes):
    assert len(without_depths(body, 2)) <= len(body) + body.count(b"[") + body.count(b"{")


def test_it_takes_as_long_as_the_body_is():
    for piece in (b"[", b"]", b'["', b'{"a":[1,', b"[]", b'"\\', b"}{"):
        short, long = (instructions(partial(without_depths, piece * count)) for count in (2000, 4000))
        assert long <= 2.2 * short + 200, piece
