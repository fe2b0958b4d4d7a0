"""GitHub's Markdown, near enough to see what a comment turns into, and to prove what it cannot turn into.

GitHub parses (https://github.github.com/gfm/), then sanitises the whole document, then links what the text names.
So do we. Where GitHub first asks its database (does this person, issue or commit exist?) we assume that it does,
and where its rule is not written down we take the wider one: a text that is quiet here is quiet there.
Emoji shortcodes (`:name:`) are left alone.
"""

import re
from functools import cache
from html import escape
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.gfm import gfm_plugin

# https://github.com/gjtorikian/html-pipeline (GitHub's own once) lists the same elements. `input` is that of task
# lists, `math-renderer` is what GitHub makes of `$x$`, `section` holds footnotes.
ELEMENTS = re.compile(
    r"h[1-6]|br|b|i|strong|em|a|pre|code|img|tt|div|ins|del|sup|sub|p|ol|ul|li|dl|dt|dd|table|thead|tbody|tfoot|tr|td|th|"
    r"blockquote|kbd|q|samp|var|hr|ruby|rt|rp|s|strike|summary|details|caption|figure|figcaption|abbr|bdo|cite|dfn|mark|"
    r"small|span|time|wbr|input|math-renderer|section"
)
VOID = frozenset({"br", "hr", "img", "input", "wbr"})
TABLE = frozenset({"table", "thead", "tbody", "tfoot", "tr", "td", "th"})
# GitHub looks for names and numbers in text alone, not in these.
QUIET = frozenset({"a", "code", "pre", "tt", "math-renderer"})

ATTRIBUTES = re.compile("align|alt|colspan|dir|height|lang|open|rowspan|start|title|valign|width")
OWN_ATTRIBUTES = {"a": {"href"}, "img": {"src"}, "input": {"type", "checked", "disabled"}}
# GitHub drops the classes people write; these are the parser's.
CLASSES = re.compile(r"(?:(?:markdown-alert|contains-task-list|task-list-item|footnote)[\w-]*\s*)+")
ADDRESS = re.compile(r"\s*(?:(?:https?|mailto):|[^:/?#]*(?:[/?#]|$))", re.IGNORECASE)

# https://github.github.com/gfm/#disallowed-raw-html-extension-: shown as text.
DISALLOWED = re.compile(
    r"<(?=/?(?:title|textarea|style|xmp|iframe|noembed|noframes|script|plaintext)(?:[\s/>]|$))", re.IGNORECASE
)
NOT_RENDERED = re.compile(r"<!--.*?(?:-->|\Z)|</?input\b[^>]*>", re.IGNORECASE | re.DOTALL)

# https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
# A short SHA links too where the repository has such a commit.
REFERENCE = re.compile(
    r"""(?<!\w)(?:
        (?P<reference>
            (?:[\w-]{1,39}(?:/[\w.-]{1,100})?)?\#\d+\b
          | GH-\d+\b
          | (?:[\w-]{1,39}(?:/[\w.-]{1,100})?@)?(?:[0-9a-f]{40}|(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,39})\b
        )
      | (?P<mention> @[a-z0-9][a-z0-9-]*(?:/[\w.-]+)?)
    )""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)


def render(markdown: str) -> str:
    """The HTML body that GitHub makes of a comment, an issue or a pull request.

    People become `<a class="mention">`; issues, pull requests and commits `<a class="reference">`; `$x$` becomes
    `<math-renderer>`; a fence becomes `<pre lang="...">`. Never fails: any text is Markdown.
    """
    sanitizer = _Sanitizer()
    sanitizer.feed(_parser().render(markdown))
    return sanitizer.result()


@cache
def _parser() -> MarkdownIt:
    # In comments, unlike in files, GitHub keeps line breaks.
    parser = MarkdownIt("commonmark", {"html": True, "breaks": True}).use(gfm_plugin)
    parser.use(dollarmath_plugin, allow_space=False, allow_labels=False, allow_blank_lines=False, double_inline=True)
    parser.core.ruler.push("align", _align)
    for raw in ("html_inline", "html_block"):
        parser.add_render_rule(raw, lambda _self, tokens, at, _options, _env: _raw(tokens[at].content))
    for math in ("math_inline", "math_inline_double", "math_block"):
        parser.add_render_rule(math, lambda _self, tokens, at, _options, _env: _math(tokens[at].content))
    parser.add_render_rule(
        "fence", lambda _self, tokens, at, _options, _env: _fence(tokens[at].info, tokens[at].content)
    )
    return parser


def _align(state: StateCore) -> None:
    """GitHub says `align="right"` where the parser says `style="text-align:right"`."""
    for token in state.tokens:
        if token.type in ("th_open", "td_open") and (style := token.attrs.pop("style", None)):
            token.attrs["align"] = str(style).removeprefix("text-align:")


def _raw(html: str) -> str:
    return DISALLOWED.sub("&lt;", NOT_RENDERED.sub("", html))


def _math(formula: str) -> str:
    return f"<math-renderer>{escape(formula)}</math-renderer>"


def _fence(info: str, text: str) -> str:
    language = f' lang="{escape(info.split(maxsplit=1)[0])}"' if info.split() else ""
    return f"<pre{language}><code>{escape(text)}</code></pre>\n"


class _Sanitizer(HTMLParser):
    """Keeps the elements GitHub keeps, closes what is left open, and links what the remaining text names."""

    def __init__(self) -> None:
        super().__init__()
        self._html: list[str] = []
        self._open: list[str] = []
        self._text = ""

    def result(self) -> str:
        self.close()
        self._flush()
        return "".join(self._html) + "".join(f"</{tag}>" for tag in reversed(self._open))

    def handle_data(self, data: str) -> None:
        # Text on both sides of a removed tag is one text to GitHub too, so `@<x>name` is a mention.
        self._text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not ELEMENTS.fullmatch(tag):
            return
        self._flush()
        attributes = "".join(
            f' {name}="{escape(value or "")}"' for name, value in attrs if _keeps(tag, name, value or "")
        )
        self._html.append(f"<{tag}{attributes}>")
        if tag not in VOID:
            self._open.append(tag)

    def parse_html_declaration(self, i: int) -> int:
        # To a browser every `<!...>` is a comment; HTMLParser would look for SGML in it, and fail.
        return self.parse_bogus_comment(i, report=False)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # HTML has no `<b/>`: it opens, and stays open.
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        depth = self._depth(tag)
        if depth is None:
            return
        self._flush()
        self._html += [f"</{name}>" for name in reversed(self._open[depth:])]
        del self._open[depth:]

    def _depth(self, tag: str) -> int | None:
        """Where the element that `</tag>` closes stands; a cell shields what is around its table."""
        for depth in range(len(self._open) - 1, -1, -1):
            if self._open[depth] == tag:
                return depth
            if self._open[depth] in ("td", "th") and tag not in TABLE:
                return None
        return None

    def _flush(self) -> None:
        text, self._text = self._text, ""
        self._html.append(escape(text, quote=False) if QUIET & set(self._open) else _with_links(text))


def _keeps(tag: str, name: str, value: str) -> bool:
    if name == "class":
        return CLASSES.fullmatch(value) is not None
    if name in ("href", "src"):
        return name in OWN_ATTRIBUTES.get(tag, ()) and ADDRESS.match(value) is not None
    return ATTRIBUTES.fullmatch(name) is not None or name in OWN_ATTRIBUTES.get(tag, ())


def _with_links(text: str) -> str:
    parts, end = [], 0
    for match in REFERENCE.finditer(text):
        parts.append(escape(text[end : match.start()], quote=False))
        parts.append(f'<a class="{match.lastgroup}">{escape(match[0], quote=False)}</a>')
        end = match.end()
    return "".join(parts) + escape(text[end:], quote=False)
