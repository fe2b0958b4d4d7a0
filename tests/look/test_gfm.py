"""What a hostile name could do in a comment must be visible in `render`, or the tests that rely on it prove nothing."""

import pytest

from .gfm import render

SHA = "1f2e3d4c5b6a79881f2e3d4c5b6a79881f2e3d4c"


def test_a_table_has_the_columns_and_the_alignment_it_says() -> None:
    html = render("| Tool | Cost |\n|:--|--:|\n| Codex | $0.30 |\n")
    assert html.count("<tr>") == 2
    assert '<th align="left">Tool</th>' in html
    assert '<td align="right">$0.30</td>' in html


def test_a_bar_cuts_a_cell_even_inside_code() -> None:
    assert "<td><code>a|b</code></td>\n<td>c</td>" in render("| x | y |\n|--|--|\n| `a\\|b` | c |\n")
    assert "<td>`a</td>\n<td>b`</td>" in render("| x | y |\n|--|--|\n| `a|b` | c |\n")


@pytest.mark.parametrize(
    ("markdown", "name"),
    [
        ("by @octocat.", "@octocat"),
        ("(@org/team)", "@org/team"),
        ("\\@octocat", "@octocat"),
        ("&#64;octocat", "@octocat"),
        ("@<x>octocat", "@octocat"),
        ("@<!-- -->octocat", "@octocat"),
        ("**@octocat**", "@octocat"),
        ("<details><summary>@octocat</summary></details>", "@octocat"),
    ],
)
def test_a_person_named_in_text_is_mentioned(markdown: str, name: str) -> None:
    assert f'<a class="mention">{name}</a>' in render(markdown)


@pytest.mark.parametrize("reference", ["#12", "GH-12", "owner/repo#12", SHA, SHA[:7], f"owner/repo@{SHA}"])
def test_an_issue_or_commit_named_in_text_is_linked(reference: str) -> None:
    assert f'<a class="reference">{reference}</a>' in render(f"see {reference}, please")


@pytest.mark.parametrize(
    "quiet", ["@octocat", "#12", "owner/repo#12", SHA, "https://a.example", "<b>", "$x$", "![i](u)"]
)
@pytest.mark.parametrize("fence", ["`{}`", "```\n{}\n```", "<!-- {} -->"])
def test_code_and_comments_name_nobody(fence: str, quiet: str) -> None:
    html = render(fence.format(quiet))
    assert not any(f"<{tag}" in html for tag in ("a", "b", "img", "math-renderer"))


def test_words_and_addresses_are_no_mentions() -> None:
    assert "mention" not in render("someone@example.com and a@b and @ home")
    assert "reference" not in render("C# 12, effaced, 1234567 tokens, #no")


def test_addresses_become_links_by_themselves() -> None:
    assert '<a href="https://a.example/x">https://a.example/x</a>.' in render("See https://a.example/x.")
    assert '<a href="http://www.a.example">' in render("www.a.example")
    assert "<a" not in render("a.example and feat/limit")


def test_raw_html_is_held_to_the_elements_github_keeps() -> None:
    harmless = '<details open=""><summary>Why</summary>\n<p>A <sub>small</sub> <b>word</b></p>\n</details>'
    assert (
        render("<details open><summary>Why</summary>\n\nA <sub>small</sub> <b>word</b>\n\n</details>").strip()
        == harmless
    )
    assert render("<form><b onclick=x style=y class=z>a</b></form>").strip() == "<b>a</b>"
    assert render("a <a href='javascript:x'>b</a>").strip() == "<p>a <a>b</a></p>"
    assert render("a <script>x</script>").strip() == "<p>a &lt;script&gt;x&lt;/script&gt;</p>"
    assert "<input" not in render("a <input type=checkbox>")
    assert "a &lt; b" in render("a < b")


def test_broken_declarations_are_comments() -> None:
    assert render("<div>\n<![foo bar[ x>a</div>").strip() == "<div>\na</div>"


def test_what_is_left_open_in_a_cell_ends_with_it() -> None:
    html = render("<details>\n\n| x | y |\n|--|--|\n| <b>a</details> | c |\n\n</details>\n\nafter")
    assert "<td><b>a</b></td>\n<td>c</td>" in html
    assert html.endswith("</details>\n<p>after</p>\n")


def test_dollars_are_math_only_when_they_enclose() -> None:
    assert "<math-renderer>x</math-renderer>" in render("an $x$ there")
    assert "math" not in render("It cost $4.12. Usual here: $2.10 – $6.80 of $15.")
    assert "<math-renderer>" in render("$2.10–$6.80")


def test_the_rest_of_github_flavour() -> None:
    assert "one<br>\ntwo" in render("one\ntwo")
    assert "<s>gone</s>" in render("~~gone~~")
    assert 'type="checkbox"' in render("- [x] done")
    assert '<pre lang="mermaid"><code>flowchart' in render("```mermaid\nflowchart LR\n```")
    assert 'class="markdown-alert markdown-alert-note"' in render("> [!NOTE]\n> text")
