"""Whatever a name holds, GitHub makes nothing of it: checked by rendering as GitHub does."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.markdown import code, phrase, share_of, table, text, tokens
from tests.look.gfm import render

nasty = st.lists(
    st.sampled_from(
        ["@alice", "#12", "acme/x#1", "GH-3", "http://evil.example", "www.evil.example", "a@b.example", "|", "`", "``", "\\", "\\|", "<b>",
         "<!-- mergecost pull", "-->", "<img src=x>", "![x](y)", "[x](y)", "**", "__", "~~", "$x$", "&lt;", "\n", "\r", "\u202e", "\u200b", "- ",
         "# ", "> ", "1. ", "---", "deadbeefdeadbeef", "0" * 40, " ", "é", "漢", "x", "&#64;bob", "https://github.com/a/b/pull/1", "<", ">",
         "|:--|", "</details>", "javascript:alert(1)", "<script>"]
    ),
    max_size=8,
).map("".join)  # fmt: skip
anything = st.one_of(nasty, st.text(max_size=60))
ACTING = re.compile(
    r'class="(mention|reference)"|<a\b|<img|<script|<b>|<h\d|<math-renderer|<!--|<li>|<blockquote|<hr|<del>|<em>|<strong>'
)


@pytest.mark.parametrize("make", [text, code, phrase])
@given(anything)
@example("@alice")
@example("éGH-3")
@example("a\\|b|c")
@example("`@a`#1`")
def test_no_name_acts_in_a_line_or_a_table(make, name):
    markdown = make(name)
    assert "\n" not in markdown
    assert not ACTING.search(render(f"Seen: {markdown}, and more.")), markdown
    html = render(table(("Name", ">Cost"), [(markdown, "$1.00"), ("x", "$2.00")]))
    assert not ACTING.search(html), markdown
    assert html.count("<tr>") == 3
    assert html.count("<td") == 4
    assert '<td align="right">$1.00</td>' in html


@given(st.text(st.characters(categories=["L", "N"], include_characters=" ._"), min_size=1, max_size=40))
def test_ordinary_names_are_shown_as_they_are(name):
    plain = " ".join(name.split())
    html = render(f"x {code(name)} y")
    assert f"<code>{plain or '?'}</code>" in html.replace("\u200b", "") or not plain


@given(st.integers(0, 10**15))
def test_tokens_are_short_and_close(number):
    figure = tokens(number)
    assert len(figure) <= 9
    value, _, unit = figure.partition("\u00a0")
    size = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[unit]
    assert abs(float(value.replace(",", "")) * size - number) <= max(0.051 * number, 0.5)


def test_a_share_is_nothing_or_all_only_when_it_is():
    assert [share_of(part, 1000) for part in (0, 1, 10, 500, 999, 1000)] == ["0%", "<1%", "1%", "50%", ">99%", "100%"]
